// SPDX-License-Identifier: GPL-2.0
/*
 * Split brains: both nodes were Primary without knowing of each other.  A policy ends it, or
 * both nodes say so, stand alone, and wait for somebody to choose.
 */
#include "actors.h"

static u32 reported_before[NODES], refused_before[NODES], meetings_before[NODES];

static u32 reports(const struct node *n)
{
	const u32 *calls = helper_calls[n->id];

	return calls[HELPER_SPLIT_BRAIN] + calls[HELPER_PRI_LOST_AFTER_SB] + calls[HELPER_PRI_LOST];
}

static bool stands_alone(const struct node *n)
{
	struct drbd_connection *c = node_connection((struct node *)n);

	return c && c->cstate == C_STANDALONE && !c->configured;
}

static bool decided(void)
{
	return connected() || (stands_alone(&nodes[0]) && stands_alone(&nodes[1]));
}

static bool is_alone(void)
{
	return node_connection(other(primary))->cstate < C_WF_REPORT_PARAMS;
}

static bool demote_if_primary(struct node *n)
{
	s32 ret;
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		ret = node_command(n, v, admin_secondary, NULL);
		expect(ret, "secondary", n);
	}
	return true;
}

static bool has_policy(void)
{
	const struct net_conf *net = &settings.net;

	return net->after_sb_0p || net->after_sb_1p || net->after_sb_2p;
}

/* The administrator chooses whose changes are to be forgotten. */
static struct node *choose(void)
{
	struct node *victim = &nodes[chance(2)];
	struct net_conf conf = settings.net;
	u32 tries;

	trace(victim, "its changes are to be discarded");
	demote_if_primary(victim);
	/* A policy comes first, and may choose the other one. */
	if (has_policy())
		demote_if_primary(other(victim));
	conf.discard_my_data = 1;
	/* The word counts for one handshake: cut off in that, they stand alone again and ask anew. */
	for (tries = 0; tries < 3; tries++) {
		expect(node_connect_conf(victim, &conf, 0), "connect --discard-my-data", victim);
		expect(node_connect(other(victim)), "connect", other(victim));
		if (!comes_true(decided, 100) || connected())
			break;
	}
	if (!wait_for(connected, "connected, after somebody chose", 200))
		return NULL;
	return other(victim);
}

static bool disk_is_missing(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; nodes[i].up && v < cfg.volumes; v++)
			if (node_device(&nodes[i], v)->state.disk <= D_FAILED)
				return true;
	return false;
}

/* What stands in the way before, or besides, the split: sizes, or two Primaries and one good disk. */
static bool could_not_meet(int node)
{
	return meetings_refused[node] != meetings_before[node];
}

static bool says_why(int node)
{
	return handshakes_refused[node] != refused_before[node] || could_not_meet(node);
}

static void check_reported(void)
{
	int i;

	/* Without its disk a node knows of no split, only that the peer's data is not its own. */
	if (disk_is_missing())
		return;
	/* Where a policy says who wins, the loser that is in use says in its log why it refuses. */
	if (has_policy()) {
		if (!says_why(0) && !says_why(1))
			violation("both nodes stand alone, and none says why");
		return;
	}
	for (i = 0; i < NODES; i++)
		if (reports(&nodes[i]) == reported_before[i] && !could_not_meet(i))
			violation("node %s: stands alone in a split brain, but did not report it",
				  nodes[i].name);
}

/* Whose data parted is to be seen on the disks: one that failed meanwhile is to be mended first. */
static void mend_disks(void)
{
	int i;

	if (!disk_is_missing())
		return;
	disk_peace();
	for (i = 0; i < NODES; i++)
		bring_up(&nodes[i]);
}

static bool half_decided(void)
{
	return decided() || stands_alone(&nodes[0]) || stands_alone(&nodes[1]);
}

/* The winner of a policy goes on looking for a loser that is in use (states.md 5.7). */
static void part(void)
{
	int i;

	comes_true(half_decided, 100);
	pass(30000, 30000);
	for (i = 0; i < NODES; i++)
		if (!decided() && stands_alone(&nodes[!i]))
			expect(node_command(&nodes[i], 0, admin_disconnect, NULL), "disconnect",
			       &nodes[i]);
}

/*
 * Where packets come late, one node may hang up for good before the other one has heard why; and
 * a loser that gave way during the handshake may have said that it is Primary: it goes on
 * looking for the winner that left.  Whoever finds one of them alone lets it try again.
 */
static void bring_together(void)
{
	int tries, i;

	for (tries = 0; tries < 4 && !comes_true(decided, 100); tries++)
		for (i = 0; i < NODES && !decided(); i++)
			if (stands_alone(&nodes[i]))
				bring_up(&nodes[i]);
}

static void end_split(void)
{
	struct node *winner = NULL;
	int i;

	/* Both read the same file, also what could not be changed while they were connected. */
	for (i = 0; family_has(FAMILY_OPTIONS) && i < NODES; i++)
		settings_adjust(&nodes[i]);
	/* A size that only one of them was told of would part them before they see the split. */
	if (family_has(FAMILY_RESIZE))
		resize_adjust();
	net_set_link(true);
	if (cfg.two_primaries)
		part();
	else if (family_has(FAMILY_NET) || family_has(FAMILY_OPTIONS))
		bring_together();
	/* Options may name a Primary in use as the loser, with one Primary only, too. */
	if (family_has(FAMILY_OPTIONS) && !decided())
		part();
	if (!wait_for(decided, "decided whose data survive the split brain", 300))
		return;
	if (!connected()) {
		check_reported();
		winner = choose();
	}
	wait_for(in_sync, "in sync after a split brain", 900);
	/* A disk that failed on the way has to come back first: it may be the one that counts. */
	if (disk_is_missing()) {
		mend_disks();
		wait_for(in_sync, "in sync after a split brain and a failed disk", 900);
	}
	if (sim_failed)
		return;
	/* Policies come before --discard-my-data, and decide for each volume alone. */
	oracle_join(has_policy() ? NULL : winner);
	for (i = 0; i < NODES; i++)
		if (is_primary(&nodes[i]))
			primary = &nodes[i];
}

void split_heal(void)
{
	int i;

	for (i = 0; i < NODES; i++) {
		reported_before[i] = reports(&nodes[i]);
		refused_before[i] = handshakes_refused[i];
		meetings_before[i] = meetings_refused[i];
	}
	mend_disks();
	end_split();
}

void split_fault(void)
{
	struct node *a = primary, *b = other(a);
	bool crash = one_in(4);
	u32 v;

	stats.splits++;
	trace(NULL, "split brain");
	net_set_link(false);
	if (!comes_true(is_alone, 200))
		violation("node %s does not notice that its peer is gone", b->name);
	pass(0, 5000);
	if (crash)
		node_crash(a, one_in(2));
	for (v = 0; v < cfg.volumes; v++) {
		s32 ret = node_command(b, v, admin_primary, NULL);

		/* Its fence-peer handler knew of the other Primary: no split brain today. */
		if (ret == SS_NO_UP_TO_DATE_DISK && node_device(b, v)->state.disk == D_OUTDATED) {
			demote_if_primary(b);
			if (crash)
				bring_up(a);
			net_set_link(true);
			return;
		}
		expect(ret, "primary", b);
	}
	oracle_fork(b);
	app_enabled[b->id] = true;
	pass(0, 10000);
	app_enabled[a->id] = app_enabled[b->id] = false;
	if (!wait_for(apps_idle, "an idle application", 200))
		return;
	if (crash)
		bring_up(a);
	if (one_in(2))
		demote_if_primary(a);
	if (one_in(2))
		demote_if_primary(b);
	split_heal();
}
