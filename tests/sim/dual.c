// SPDX-License-Identifier: GPL-2.0
/*
 * FAMILY_DUAL: both nodes are Primary and write at random, often to the same places.
 *
 * A pair that is fenced (resource-and-stonith) may lose its connection at any time: both
 * freeze, one shoots the other, or both wait for the connection.  Without fencing a lost
 * connection is a split brain, so there the link is cut on purpose only, and then both
 * histories are known (split.c).
 */
#include "actors.h"

#define EXIT(code) ((s64)(code) << 8)

static bool fenced, peace;

/* May a fault break the connection without further ado? */
bool dual_may_lose_peer(void)
{
	return !cfg.two_primaries || fenced;
}

/*
 * Going on without a peer that is Primary, too, and was not shot, is a split brain by command:
 * nobody but the fence-peer program ends that freeze.
 */
bool dual_may_resume(struct node *n)
{
	return !cfg.two_primaries || !n->up || !n->host->core.susp_fen;
}

void dual_config(void)
{
	static const u8 sb1[] = { 0, 7, 8, 9, 10 }, sb2[] = { 0, 9, 10 };
	struct net_conf *net = &cfg.net;

	/* The others count on one Primary. */
	if (cfg.families & ~(FAMILY_DUAL | FAMILY_NET | FAMILY_VERSIONS))
		return;
	cfg.two_primaries = true;
	cfg.protocol = net->wire_protocol = OPT_PROTOCOL_C;
	net->two_primaries = 1;
	net->after_sb_0p = chance(5);
	net->after_sb_1p = sb1[chance(ARRAY_SIZE(sb1))];
	net->after_sb_2p = sb2[chance(ARRAY_SIZE(sb2))];
	net->rr_conflict = sb2[chance(ARRAY_SIZE(sb2))];
	net->always_asbp = one_in(3);
	fenced = family_has(FAMILY_NET) || !one_in(3);
	if (fenced)
		cfg.disk.fencing = OPT_FENCING_STONITH;
	if (one_in(2))
		cfg.max_request = min(cfg.max_request, 32u);
}

/* The fence-peer program: who shoots first stays. */
s64 dual_fence(struct node *n)
{
	struct node *peer = other(n);

	thread_sleep(chance_between(100 * MS, 5 * SECOND));
	if (one_in(4))
		thread_sleep(chance_between(0, 60 * SECOND));
	if (!peer->up)
		return EXIT(one_in(2) ? 5 : 7);
	if (!peace && one_in(3)) {
		trace(n, "shoots its peer");
		node_crash(peer, !one_in(3));
		return EXIT(7);
	}
	return EXIT(1);
}

static bool both_primary(void)
{
	return is_primary(&nodes[0]) && is_primary(&nodes[1]);
}

/* Shot by the other one, or without a disk that it may attach before it has its peer again. */
static bool pair_up(void)
{
	int i;

	for (i = 0; i < NODES && !connected(); i++)
		bring_up(&nodes[i]);
	return connected();
}

static void promote_one(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		node_command(n, v, admin_primary, NULL);
	app_enabled[n->id] = is_primary(n);
}

/*
 * Who was shot while frozen may come back with marks nobody can tell from writes that were
 * acknowledged, or with a generation of its own for what it failed: refused, and the one that
 * shot goes on. Nothing was promised there, so somebody says that its data are to be discarded.
 */
static void forget_who_was_shot(void)
{
	struct net_conf conf = settings.net;
	int i;

	conf.discard_my_data = 1;
	for (i = 0; i < NODES; i++) {
		struct node *n = &nodes[i], *winner = other(n);

		if (!is_primary(winner) || node_device(n, 0)->state.role == ROLE_PRIMARY)
			continue;
		trace(n, "it was shot: its changes are to be discarded");
		stats.splits++;
		node_connect_conf(n, &conf, 0);
		bring_up(winner);
	}
}

static bool both_stand_alone(void)
{
	return nodes[0].up && nodes[1].up &&
	       node_connection(&nodes[0])->cstate == C_STANDALONE &&
	       node_connection(&nodes[1])->cstate == C_STANDALONE;
}

/*
 * Both connected, and Primary (again).  Either may be lost on the way there, by a fault that
 * came before, or by a shot.
 */
void dual_peace(void)
{
	u64 until = now_us + 600 * SECOND;
	u32 apart = 0;
	int i;

	if (!cfg.two_primaries)
		return;
	peace = true;
	while (!(both_primary() && connected()) && !sim_failed && now_us < until) {
		if (fenced && both_stand_alone() && ++apart > 5) {
			forget_who_was_shot();
			apart = 0;
		}
		if (!pair_up()) {
			pass(200, 1000);
			continue;
		}
		if (one_in(2))
			pass(0, 2000);
		/* Cut off meanwhile, and without fencing, both Primary would be two histories. */
		for (i = 0; i < NODES; i++)
			if (!is_primary(&nodes[i]) && connected())
				promote_one(&nodes[i]);
	}
	wait_for(both_primary, "Primary on both nodes", 10);
}

static bool both_alone(void)
{
	return node_connection(&nodes[0])->cstate < C_WF_REPORT_PARAMS &&
	       node_connection(&nodes[1])->cstate < C_WF_REPORT_PARAMS;
}

static void rest(void)
{
	app_enabled[0] = app_enabled[1] = false;
	wait_for(apps_idle, "an idle application", 200);
}

static void demote_some(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; one_in(3) && v < cfg.volumes; v++)
			expect(node_command(&nodes[i], v, admin_secondary, NULL), "secondary",
			       &nodes[i]);
}

/* Both go on alone, and meet again. */
static void split(void)
{
	if (!in_sync() || !both_primary())
		return;
	rest();
	if (sim_failed || !in_sync())
		return;
	stats.splits++;
	trace(NULL, "split brain of two Primaries");
	net_set_link(false);
	if (!wait_for(both_alone, "aware that the peer is gone", 200))
		return;
	oracle_fork(&nodes[1]);
	app_enabled[0] = app_enabled[1] = true;
	pass(0, 20000);
	rest();
	if (sim_failed)
		return;
	demote_some();
	split_heal();
}

/* A resync while both write: one of them is told to forget what it has. */
static void invalidate_one(void)
{
	struct node *n = &nodes[chance(2)];

	if (!in_sync())
		return;
	trace(n, "invalidate");
	note_invalidate(n, node_command(n, 0, admin_invalidate, NULL));
	pass(0, 3000);
}

/* False: not this time. */
bool dual_fault(void)
{
	if (!cfg.two_primaries)
		return false;
	peace = false;
	if (!fenced && one_in(3))
		return split(), true;
	if (one_in(5))
		return invalidate_one(), true;
	return false;
}
