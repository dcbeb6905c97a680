// SPDX-License-Identifier: GPL-2.0
/*
 * A cluster manager: the helper program that the module calls, fencing with every outcome,
 * and what must be true of frozen I/O meanwhile.
 */
#include "actors.h"
#include "core/predicates.h"

u32 helper_calls[NODES][HELPER_COMMANDS];

/* How the next fence-peer behaves. */
enum fencing_mode {
	FENCE_TRUE,		/* says what is so, after it made it so */
	FENCE_SLOW,		/* the same, late */
	FENCE_LIES,		/* a code that looks good, and nothing done; of the Primary only */
	FENCE_BROKEN,		/* any other code */
	FENCE_KILLED,
	FENCE_MISSING,
	FENCE_STONITH,		/* the peer is dead afterwards */
	FENCE_MODES,
};

static struct {
	enum fencing_mode mode;
	u32 before, begun;
	u32 running[NODES], boot[NODES];	/* of that boot; a crash ends them, too */
	s64 last;		/* what it returned */
} fencing;

#define EXIT(code) ((s64)(code) << 8)

static bool fenced_by(s64 status)
{
	s64 code = status >> 8;

	return status >= 0 && !(status & 0xff) && (code == 3 || code == 4 || code == 5 || code == 7);
}

/* ---- the program ---- */

static bool any_primary(struct node *n)
{
	u32 v;

	for (v = 0; n->up && v < cfg.volumes; v++)
		if (node_device(n, v)->state.role == ROLE_PRIMARY)
			return true;
	return false;
}

static bool is_alone(struct node *n)
{
	return n->up && node_connection(n)->cstate < C_WF_REPORT_PARAMS;
}

/* "drbdadm outdate" on the peer, over another network. */
static s64 outdate(struct node *peer)
{
	u8 worst = D_OUTDATED;
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		if (node_command(peer, v, admin_outdate, NULL) == SS_NO_UP_TO_DATE_DISK)
			return EXIT(6);
		if (!peer->up)
			return EXIT(5);
		worst = min(worst, node_device(peer, v)->state.disk);
		if (node_device(peer, v)->state.disk > D_OUTDATED)
			return EXIT(1);
	}
	return worst == D_OUTDATED ? EXIT(4) : worst == D_INCONSISTENT ? EXIT(3) : EXIT(1);
}

static s64 fence_truly(struct node *n)
{
	struct node *peer = other(n);
	u64 until = now_us + 60 * SECOND;

	for (; now_us < until; thread_sleep(200 * MS)) {
		if (!peer->up)
			return EXIT(one_in(2) ? 5 : 7);
		if (any_primary(peer))
			return EXIT(6);
		/* It has not noticed yet, or is back. */
		if (is_alone(peer))
			return outdate(peer);
	}
	return EXIT(1);
}

static s64 fence_peer_program(struct node *n)
{
	static const u8 good[] = { 3, 4, 5, 7 };
	u32 code;

	switch (fencing.mode) {
	case FENCE_SLOW:
		thread_sleep(chance_between(5 * SECOND, 90 * SECOND));
		return fence_truly(n);
	case FENCE_LIES:
		return any_primary(n) ? EXIT(good[chance(4)]) : fence_truly(n);
	case FENCE_BROKEN:
		code = one_in(2) ? chance(3) : chance(256);
		return EXIT(code >= 3 && code <= 7 ? 20 : code);
	case FENCE_KILLED:
		thread_sleep(chance_between(0, 5 * SECOND));
		return 9;
	case FENCE_MISSING:
		return -ENOENT;
	case FENCE_STONITH:
		thread_sleep(chance_between(0, 10 * SECOND));
		if (other(n)->up)
			node_crash(other(n), one_in(2));
		return EXIT(7);
	default:
		return fence_truly(n);
	}
}

static int helper_by_name(const char *event)
{
	int i;

	for (i = 0; i < HELPER_COMMANDS; i++)
		if (!strcmp(name_of_helper(i), event))
			return i;
	violation("unknown helper event %s", event);
	return 0;
}

s64 helper_program(struct node *n, const char *event)
{
	int which = helper_by_name(event);
	s64 status = 0;

	stats.helpers++;
	helper_calls[n->id][which]++;
	thread_sleep(chance_between(100, 20000));
	if (cfg.two_primaries && which == HELPER_FENCE_PEER)
		return dual_fence(n);
	if (!family_has(FAMILY_CLUSTER))
		return 0;
	if (which == HELPER_FENCE_PEER) {
		fencing.begun++;
		if (fencing.boot[n->id] != n->boots)
			fencing.running[n->id] = 0;
		fencing.boot[n->id] = n->boots;
		fencing.running[n->id]++;
		status = fencing.last = fence_peer_program(n);
		fencing.running[n->id]--;
	} else if (one_in(10)) {
		thread_sleep(chance_between(0, 5 * SECOND));
		status = one_in(3) ? -ENOENT : one_in(2) ? 15 : 0;
	}
	trace(n, "helper %s says %lld (exit %lld)", event, (long long)status, (long long)(status >> 8));
	return status;
}

/* ---- what must be true ---- */

/* Frozen for fencing: nothing may complete that the peer does not have and might contradict. */
void manager_check_completion(struct host_request *req, int error)
{
	const struct drbd_device *device = req->core.device;
	const struct drbd_resource *resource = device->resource;

	if (error || !resource->susp_fen || req->core.op == OP_READ || req->core.op == OP_FLUSH ||
	    (req->core.flags & RQ_NO) || device->state.pdsk <= D_OUTDATED)
		return;
	/* The peer came back rebooted: under a new generation it is completed here alone. */
	if (resource->connection.cstate == C_WF_REPORT_PARAMS && device->md.uuid[MD_UUID_BITMAP])
		return;
	violation("node %s: volume %u: a write completed that the peer does not have, while I/O is frozen for fencing",
		  req->node->name, device->vnr);
}

static u8 policy(void)
{
	return settings.disk[primary->id][0].fencing;
}

static bool suspended(struct node *n)
{
	const struct drbd_resource *r = &n->host->core;

	return r->susp || r->susp_nod || r->susp_fen;
}

static bool primary_alone(void)
{
	return !primary->up || is_alone(primary);
}

static bool both_alone(void)
{
	return primary_alone() && (!other(primary)->up || is_alone(other(primary)));
}

static bool fencing_over(void)
{
	return !primary->up ||
	       (fencing.begun > fencing.before && !fencing.running[primary->id]);
}

static bool thawed(void)
{
	return !primary->up || !suspended(primary);
}

static u64 done_before;
static bool app_progresses(void)
{
	return !primary->up || app_done_count > done_before;
}

static void expect_io(const char *why)
{
	if (!comes_true(thawed, 60))
		violation("node %s: I/O stays frozen: %s", primary->name, why);
	done_before = app_done_count;
	if (app_enabled[primary->id] && !comes_true(app_progresses, 60))
		violation("node %s: no request completes: %s", primary->name, why);
}

/* A second Primary behind the fence would be the very thing that fencing is for. */
static void try_other(void)
{
	struct node *n = other(primary);
	u32 v = chance(cfg.volumes);

	if (!n->up)
		return;
	trace(n, "primary volume %u, although the peer is Primary", v);
	node_command(n, v, admin_primary, NULL);
	if (n->up && primary->up && any_primary(n) && any_primary(primary))
		violation("both nodes are Primary in spite of fencing");
}

static void partition(void)
{
	bool was_alone;

	fencing.before = fencing.begun;
	fencing.mode = chance(FENCE_MODES);
	trace(NULL, "partition, fencing policy %u, helper mode %u", policy(), fencing.mode);
	net_set_link(false);
	if (!comes_true(primary_alone, 200))
		violation("the Primary does not notice that its peer is gone");
	/* Heal at any time. Whose disk fails under way has nothing to fence a peer for. */
	if (disk_trouble() || one_in(4)) {
		pass(0, 20000);
	} else {
		if (!comes_true(fencing_over, 200))
			violation("node %s: fence-peer is not called, or does not end", primary->name);
		was_alone = primary->up && is_alone(primary);
		if (was_alone && fenced_by(fencing.last))
			expect_io("the peer is fenced");
		else if (was_alone && policy() == FENCING_RESOURCE_AND_STONITH &&
			 fencing.mode != FENCE_SLOW && !primary->host->core.susp_fen)
			violation("node %s: I/O goes on although nobody fenced the peer", primary->name);
		fencing.mode = FENCE_TRUE;
		if (one_in(2) && comes_true(both_alone, 200))
			try_other();
		if (one_in(3) && primary->up) {
			trace(primary, "resume-io");
			node_command(primary, 0, admin_resume_io, NULL);
			if (is_alone(primary))
				expect_io("the administrator resumed it");
		}
	}
	net_set_link(true);
	fencing.mode = FENCE_TRUE;
}

/* Cut off just when the sync of what is new was to begin: the Secondary is Outdated by right. */
static bool growth_was_cut_off(struct node *n)
{
	u32 v;

	for (v = 0; resizes && n->up && v < cfg.volumes; v++)
		if (node_device(n, v)->state.disk == D_OUTDATED)
			return true;
	return false;
}

/* The Secondary is told to take over from a Primary that it can not reach, and shoots it. */
static void usurp(void)
{
	struct node *n = other(primary);
	u32 v;

	fencing.mode = FENCE_SLOW;
	net_set_link(false);
	if (!comes_true(both_alone, 200))
		violation("the nodes do not notice that they have lost each other");
	fencing.mode = FENCE_STONITH;
	trace(n, "the cluster manager moves the resource");
	if (n->up && primary->up && primary->host->core.susp_fen && !growth_was_cut_off(n)) {
		promote(n);
		for (v = 0; n->up && cfg.protocol == 3 && v < cfg.volumes; v++)
			oracle_disk_current(n, v, true);
		/* It may have been the other way round. */
		if (!n->up)
			primary = other(n);
		pass(0, 10000);
	}
	fencing.mode = FENCE_TRUE;
	net_set_link(true);
}

void manager_fault(void)
{
	if (!in_sync() || !is_primary(primary))
		return;
	switch (policy()) {
	case FENCING_DONT_CARE:
		return split_fault();
	case FENCING_RESOURCE_ONLY:
		return partition();
	default:
		return one_in(3) ? usurp() : partition();
	}
}
