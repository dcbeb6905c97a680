// SPDX-License-Identifier: GPL-2.0
/*
 * The handshake from both ends: whatever the sets, disks, roles and settings,
 * the two nodes become source and target, or plainly connected, or part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/handshake.h"

#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

#define A 0x1111111111111110ULL
#define B 0x2222222222222220ULL
#define C 0x3333333333333330ULL
#define STEP (1ULL << 48)
#define PRI ROLE_PRIMARY
#define SEC ROLE_SECONDARY
#define UTD D_UP_TO_DATE

static u32 rnd_state = 7;

static u32 rnd(u32 n)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return (rnd_state >> 3) % n;
}

/* Pairs of sets, one for every outcome of the comparison. */
static const struct {
	struct uuid_set self, peer;
	int hg;
} sets[] = {
	{ { { A, 0, 0, 0 } }, { { A, 0, 0, 0 } }, 0 },
	{ { { 4, 0, 0, 0 } }, { { 4, 0, 0, 0 } }, 0 },
	{ { { B, A, 0, 0 } }, { { A, 0, 0, 0 } }, 1 },
	{ { { B | 1, A | 1, C, 0 } }, { { A, 0, C, 0 } }, 1 },
	{ { { A, 0, 0, 0 } }, { { B, A, 0, 0 } }, -1 },
	{ { { B, 0, A, 0 } }, { { A, 0, 0, 0 } }, 2 },
	{ { { A, 0, 0, 0 } }, { { B, 0, C, A } }, -2 },
	{ { { 4, 0, 0, 0 } }, { { A, 0, 0, 0 } }, -2 },
	{ { { A, 0, 0, 0 } }, { { 4, 0, 0, 0 } }, 2 },
	{ { { A, C, 0, 0 } }, { { B, C, 0, 0 } }, 100 },
	{ { { A, C | 1, 0, 0 } }, { { B, C, 0, 0 } }, 100 },
	{ { { A, 0, 0, 0 } }, { { B, 0, 0, 0 } }, -100 },
	{ { { A, 0, C, 16 } }, { { B, 0, 32, C } }, -100 },
	{ { { A, 0, 16, 32 } }, { { B, 0, 64, 128 } }, -1000 },
	{ { { B, A + STEP, A, 0 } }, { { A, 0, 0, 0 } }, 1 },
	{ { { A, 0, 0, 0 } }, { { B, A + STEP, A, 0 } }, -1 },
	{ { { B, A, C, 0 } }, { { B, 0, A, C } }, 1 },
	{ { { B, 0, A, C } }, { { B, A, C, 0 } }, -1 },
};

static u8 mirror_policy(u8 p)
{
	return p == ASB_DISCARD_LOCAL ? ASB_DISCARD_REMOTE :
	       p == ASB_DISCARD_REMOTE ? ASB_DISCARD_LOCAL : p;
}

static struct handshake_input mirror(struct handshake_input in)
{
	struct handshake_input m = in;

	m.self = in.peer;
	m.peer = in.self;
	m.self_role = in.peer_role;
	m.peer_role = in.self_role;
	m.self_disk = m.self_disk_now = in.peer_disk;
	m.peer_disk = in.self_disk;
	m.self_discard = in.peer.flags & UUID_FLAG_DISCARD_MY_DATA;
	m.dry_run_self = in.dry_run_peer;
	m.dry_run_peer = in.dry_run_self;
	m.resolve_conflicts = !in.resolve_conflicts;
	for (int i = 0; i < 3; i++)
		m.after_sb[i] = mirror_policy(in.after_sb[i]);
	return m;
}

static struct handshake_verdict decide(struct handshake_input in, bool can_demote)
{
	struct handshake_verdict v = handshake_decide(&in);

	if (v.outcome == HS_DEMOTE) {
		u32 first = v.helpers;

		CHECK(in.self_role == PRI, "a Secondary was asked to demote\n");
		in.demotion = can_demote ? DEMOTION_DONE : DEMOTION_REFUSED;
		v = handshake_decide(&in);
		CHECK(v.outcome != HS_DEMOTE, "asked twice to demote\n");
		CHECK(!(v.helpers & first), "a helper is called twice\n");
		CHECK(can_demote || v.outcome == HS_FAIL, "went on though it could not demote\n");
	}
	return v;
}

static struct handshake_input random_input(void)
{
	static const u8 disks[] = { D_INCONSISTENT, D_OUTDATED, D_CONSISTENT, UTD, UTD };
	static const u8 rr[] = { RR_DISCONNECT, RR_CALL_PRI_LOST, RR_VIOLENTLY };
	u32 s = rnd(ARRAY_SIZE(sets)), d = rnd(4);
	struct handshake_input in = {
		.self = { .ids = sets[s].self, .bits = rnd(3) },
		.peer = { .ids = sets[s].peer, .bits = rnd(3) },
		.self_role = 1 + rnd(2), .peer_role = 1 + rnd(2),
		.self_disk = disks[rnd(5)], .peer_disk = disks[rnd(5)],
		.always_asbp = rnd(2), .resolve_conflicts = rnd(2),
		.after_sb = { rnd(11), rnd(11), rnd(11) },
		.rr_conflict = rr[rnd(3)], .apv = rnd(8) ? 101 : 90, .features = rnd(8) ? 15 : 0,
		.dry_run_self = rnd(16) == 0, .dry_run_peer = rnd(16) == 0,
	};

	in.self_disk_now = in.self_disk;
	/* both at once is refused before it comes to this */
	in.self_discard = d == 1;
	if (in.self_discard)
		in.self.flags |= UUID_FLAG_DISCARD_MY_DATA;
	if (d == 2)
		in.peer.flags |= UUID_FLAG_DISCARD_MY_DATA;
	if (rnd(4) == 0)
		in.self.flags |= UUID_FLAG_CRASHED_PRIMARY;
	if (rnd(4) == 0)
		in.peer.flags |= UUID_FLAG_CRASHED_PRIMARY;
	return in;
}

/* Everything one verdict must fulfil by itself. */
static void check_sane(const struct handshake_input *in, const struct handshake_verdict *v)
{
	CHECK((v->fail == HSF_NONE) == (v->outcome != HS_FAIL), "outcome %d fail %d\n",
	      v->outcome, v->fail);
	if (v->outcome == HS_FAIL)
		return;
	CHECK(!in->dry_run_self && !in->dry_run_peer, "a dry run went through\n");
	CHECK(v->outcome != HS_SOURCE || in->self_disk > D_INCONSISTENT, "bad source\n");
	CHECK(v->outcome != HS_TARGET || in->peer_disk >= D_INCONSISTENT, "no source\n");
	CHECK(v->full_sync == (v->hg == 2 || v->hg == -2), "full %d hg %d\n", v->full_sync, v->hg);
	/* The better disk always wins. */
	if (in->self_disk == D_INCONSISTENT && in->peer_disk > D_INCONSISTENT)
		CHECK(v->outcome == HS_TARGET, "outcome %d\n", v->outcome);
	CHECK(!(v->helpers & (HSH_SPLIT_BRAIN | HSH_PRI_LOST)), "helpers %x though solved\n", v->helpers);
}

static void test_two_nodes_never_contradict_each_other(void **state)
{
	unsigned long cases = 2000000, ended[HS_FAIL + 1] = { 0 };

	(void)state;
	for (unsigned long i = 0; i < cases; i++) {
		struct handshake_input in = random_input(), min = mirror(in);
		bool da = rnd(2), db = rnd(2);
		struct handshake_verdict a, b;

		/* rr-conflict is not compared between the nodes */
		min.rr_conflict = rnd(2) ? RR_VIOLENTLY : in.rr_conflict;
		a = decide(in, da);
		b = decide(min, db);
		check_sane(&in, &a);
		check_sane(&min, &b);
		ended[a.outcome]++;
		if (a.outcome == HS_FAIL || b.outcome == HS_FAIL)
			continue;
		CHECK((a.outcome == HS_CONNECTED && b.outcome == HS_CONNECTED) ||
		      (a.outcome == HS_SOURCE && b.outcome == HS_TARGET) ||
		      (a.outcome == HS_TARGET && b.outcome == HS_SOURCE),
		      "case %lu: %d and %d\n", i, a.outcome, b.outcome);
		CHECK(a.full_sync == b.full_sync, "case %lu: only one full\n", i);
	}
	printf("         handshakes: %lu random cases: %lu connected, %lu source, %lu target, %lu failed\n",
	       cases, ended[HS_CONNECTED], ended[HS_SOURCE], ended[HS_TARGET], ended[HS_FAIL]);
	for (int i = 0; i <= HS_FAIL; i++)
		assert_true(i == HS_DEMOTE || ended[i] > cases / 100);
}

/* ---- complete: every pattern of four values in the four slots of both nodes */

static const u64 letters[] = { 0, A, B, C, 0x4444444444444440ULL };

/*
 * The values mean nothing by themselves, so of all patterns that differ in their names only one
 * is walked: the next new value is always the next letter.
 */
struct patterns {
	u8 slot[8], most[8];	/* most: highest letter so far */
	bool begun;
};

static bool pattern_next(struct patterns *p)
{
	int i = 7;

	if (!p->begun)
		return p->begun = true;
	while (i >= 0 && p->slot[i] == min(i ? p->most[i - 1] + 1 : 1, 4))
		i--;
	if (i < 0)
		return false;
	p->slot[i]++;
	for (; i < 8; i++) {
		u8 before = i ? p->most[i - 1] : 0;

		p->most[i] = max(p->slot[i], before);
		if (i < 7)
			p->slot[i + 1] = 0;
	}
	return true;
}

static void pattern_sets(const struct patterns *p, struct handshake_input *in)
{
	for (int i = 0; i < UUID_SLOTS; i++) {
		in->self.ids.slot[i] = letters[p->slot[i]];
		in->peer.ids.slot[i] = letters[p->slot[i + UUID_SLOTS]];
	}
}

/* One of each combination of roles, crashes, discards, disks and arbiter. */
#define FLAG_CASES (4 * 4 * 3 * 4 * 2)

static void set_flags(struct handshake_input *in, u32 v)
{
	static const u8 disks[] = { D_INCONSISTENT, UTD };
	u32 discard = v / 16 % 3;

	in->self_role = v & 1 ? PRI : SEC;
	in->peer_role = v & 2 ? PRI : SEC;
	in->self.flags = v & 4 ? UUID_FLAG_CRASHED_PRIMARY : 0;
	in->peer.flags = v & 8 ? UUID_FLAG_CRASHED_PRIMARY : 0;
	in->self_discard = discard == 1;
	if (discard == 1)
		in->self.flags |= UUID_FLAG_DISCARD_MY_DATA;
	if (discard == 2)
		in->peer.flags |= UUID_FLAG_DISCARD_MY_DATA;
	in->self_disk = in->self_disk_now = disks[v / 48 % 2];
	in->peer_disk = disks[v / 96 % 2];
	in->resolve_conflicts = v / 192;
}

/* A better disk is never refused for the sake of the generations, only for who uses it. */
static void check_better_disk(const struct handshake_input *in, const struct handshake_verdict *v)
{
	int want = in->self_disk == D_INCONSISTENT ? HS_TARGET : HS_SOURCE;

	if (in->self_disk == in->peer_disk || v->fail == HSF_UNRELATED)
		return;
	if (v->outcome == HS_FAIL)
		CHECK(v->fail == HSF_PRIMARY_LOST && in->self_role == PRI, "refused: fail %d hg %d\n",
		      v->fail, v->hg);
	else
		CHECK((int)v->outcome == want, "outcome %d hg %d\n", v->outcome, v->hg);
}

/* A node forgets nothing, repeats nothing, and has a generation. */
static bool comes_about(const struct uuid_set *u)
{
	for (int i = 0; i < UUID_SLOTS; i++)
		for (int k = 0; k < i; k++)
			if (u->slot[i] && u->slot[i] == u->slot[k])
				return false;
	return u->slot[UUID_CURRENT] && (u->slot[UUID_HISTORY0] || !u->slot[UUID_HISTORY1]);
}

/* Who is to be overwritten went on from what the other one has: no operation leads there. */
static bool descends_from(const struct uuid_set *u, u64 current)
{
	return u->slot[UUID_BITMAP] == current || u->slot[UUID_HISTORY0] == current ||
	       u->slot[UUID_HISTORY1] == current;
}

/*
 * After the sync that follows nothing is left to be done; and one that breaks off in the middle
 * goes on in the same direction.
 */
static void check_no_loop(const struct uuid_verdict *of_source, bool crashed)
{
	struct uuid_facts later = { .apv = 101, .features = 15, .self_crashed = crashed };
	struct uuid_set source = of_source->self, target = of_source->peer, told = source;
	int hg;

	uuid_target_start(&target, uuid_source_start(&source, 0x5555555555555550ULL, false), false);
	hg = uuid_compare(&source, &target, &later).hg;
	CHECK(hg == HG_SOURCE_BITMAP || hg == HG_SOURCE_FULL, "broken off: %d, rule %d\n", hg,
	      of_source->rule);
	uuid_source_finish(&source);
	uuid_target_finish(&target, &told, false);
	later.self_crashed = false;
	hg = uuid_compare(&source, &target, &later).hg;
	CHECK(hg == HG_EQUAL, "again after the sync: %d, rule %d\n", hg, of_source->rule);
}

static void test_every_pattern_of_four_values_ends_without_contradiction_or_loop(void **state)
{
	unsigned long patterns = 0, cases = 0, loops = 0, ended[HS_FAIL + 1] = { 0 };
	struct patterns p = { .begun = false };

	(void)state;
	while (pattern_next(&p)) {
		patterns++;
		for (u32 v = 0; v < FLAG_CASES; v++) {
			struct handshake_input in = { .apv = 101, .features = 15 }, min;
			struct handshake_verdict a, b;

			pattern_sets(&p, &in);
			set_flags(&in, v);
			min = mirror(in);
			a = handshake_decide(&in);
			b = handshake_decide(&min);
			cases++;
			ended[a.outcome]++;
			check_sane(&in, &a);
			check_better_disk(&in, &a);
			CHECK(a.outcome != HS_DEMOTE, "demoted without a policy\n");
			if (a.outcome == HS_FAIL || b.outcome == HS_FAIL)
				continue;
			CHECK(a.hg == -b.hg && a.full_sync == b.full_sync, "hg %d and %d\n", a.hg, b.hg);
			if (a.outcome != HS_SOURCE || a.uuid.hg != a.hg || v < 144 || v >= 160 ||
			    !comes_about(&in.self.ids) || !comes_about(&in.peer.ids) ||
			    descends_from(&in.peer.ids, in.self.ids.slot[UUID_CURRENT]))
				continue;
			check_no_loop(&a.uuid, v & 4);
			loops++;
		}
	}
	printf("         handshakes: %lu patterns, %lu cases, complete: %lu connected, %lu source, %lu target, %lu failed; %lu syncs followed to their end\n",
	       patterns, cases, ended[HS_CONNECTED], ended[HS_SOURCE], ended[HS_TARGET],
	       ended[HS_FAIL], loops);
	assert_int_equal(ended[HS_SOURCE] > 0 && ended[HS_CONNECTED] > 0 && loops > 0, true);
}

static void test_sets_give_the_outcomes_they_stand_for(void **state)
{
	const struct uuid_facts f = { .apv = 101, .features = 15 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		assert_int_equal(uuid_compare(&sets[i].self, &sets[i].peer, &f).hg, sets[i].hg);
}

/* ---- single decisions */

static struct handshake_input ordinary(int hg)
{
	struct handshake_input in = {
		.self_role = SEC, .peer_role = SEC, .self_disk = UTD, .self_disk_now = UTD,
		.peer_disk = UTD, .apv = 101, .features = 15,
	};

	for (size_t i = 0; i < ARRAY_SIZE(sets); i++)
		if (sets[i].hg == hg) {
			in.self.ids = sets[i].self;
			in.peer.ids = sets[i].peer;
			return in;
		}
	fail_msg("no sets for %d", hg);
	return in;
}

static void test_split_brain_without_policy_calls_both_helpers_and_fails(void **state)
{
	struct handshake_input in = ordinary(100);
	struct handshake_verdict v = handshake_decide(&in);

	(void)state;
	assert_int_equal(v.outcome, HS_FAIL);
	assert_int_equal(v.fail, HSF_SPLIT_BRAIN);
	assert_int_equal(v.helpers, HSH_INITIAL_SPLIT_BRAIN | HSH_SPLIT_BRAIN);
}

static void test_discarding_my_data_makes_me_target(void **state)
{
	struct handshake_input in = ordinary(100);
	struct handshake_verdict v;

	(void)state;
	in.self_discard = true;
	v = handshake_decide(&in);
	assert_int_equal(v.outcome, HS_TARGET);
	assert_false(v.full_sync);
	assert_int_equal(v.helpers, HSH_INITIAL_SPLIT_BRAIN);
	/* an automatic policy comes first */
	in.after_sb[0] = ASB_DISCARD_REMOTE;
	assert_int_equal(handshake_decide(&in).outcome, HS_SOURCE);
}

static void test_ambiguous_sets_need_always_asbp_and_sync_fully(void **state)
{
	struct handshake_input in = ordinary(-100);
	struct handshake_verdict v;

	(void)state;
	in.after_sb[0] = ASB_DISCARD_REMOTE;
	assert_int_equal(handshake_decide(&in).outcome, HS_FAIL);
	in.always_asbp = true;
	v = handshake_decide(&in);
	assert_int_equal(v.outcome, HS_SOURCE);
	assert_true(v.full_sync);
}

static void test_an_inconsistent_disk_loses_without_helper_or_policy(void **state)
{
	struct handshake_input in = ordinary(100);
	struct handshake_verdict v;

	(void)state;
	in.peer_disk = D_INCONSISTENT;
	v = handshake_decide(&in);
	assert_int_equal(v.outcome, HS_SOURCE);
	assert_false(v.full_sync);
	assert_int_equal(v.helpers, 0);
	in = ordinary(-100);
	in.self_disk = D_INCONSISTENT;
	v = handshake_decide(&in);
	assert_int_equal(v.outcome, HS_TARGET);
	assert_true(v.full_sync);
}

static void test_a_primary_does_not_silently_become_target(void **state)
{
	struct handshake_input in = ordinary(-1);
	struct handshake_verdict v;

	(void)state;
	in.self_role = PRI;
	v = handshake_decide(&in);
	assert_int_equal(v.fail, HSF_PRIMARY_LOST);
	assert_int_equal(v.helpers, 0);
	in.rr_conflict = RR_CALL_PRI_LOST;
	v = handshake_decide(&in);
	assert_int_equal(v.fail, HSF_PRIMARY_LOST);
	assert_int_equal(v.helpers, HSH_PRI_LOST);
	in.rr_conflict = RR_VIOLENTLY;
	assert_int_equal(handshake_decide(&in).outcome, HS_TARGET);
	/* while attaching there is nothing to lose */
	in.rr_conflict = RR_DISCONNECT;
	in.self_disk_now = D_NEGOTIATING;
	assert_int_equal(handshake_decide(&in).outcome, HS_TARGET);
}

static void test_call_pri_lost_demotes_or_fails_whatever_the_other_discards(void **state)
{
	struct handshake_input in = ordinary(100);
	struct handshake_verdict v;

	(void)state;
	in.self_role = PRI;
	in.after_sb[0] = ASB_DISCARD_LOCAL;
	in.after_sb[1] = ASB_CALL_PRI_LOST;
	in.peer.flags = UUID_FLAG_DISCARD_MY_DATA;
	v = handshake_decide(&in);
	assert_int_equal(v.outcome, HS_DEMOTE);
	assert_int_equal(v.helpers, HSH_INITIAL_SPLIT_BRAIN);
	in.demotion = DEMOTION_DONE;
	assert_int_equal(handshake_decide(&in).outcome, HS_TARGET);
	in.demotion = DEMOTION_REFUSED;
	v = handshake_decide(&in);
	assert_int_equal(v.fail, HSF_CANNOT_DEMOTE);
	assert_int_equal(v.helpers, HSH_PRI_LOST_AFTER_SB | HSH_SPLIT_BRAIN);
	/* a dry run changes no role */
	in.demotion = DEMOTION_NOT_TRIED;
	in.dry_run_self = true;
	assert_int_equal(handshake_decide(&in).outcome, HS_FAIL);
}

static void test_reasons_for_refusal(void **state)
{
	struct handshake_input in = ordinary(-1000);

	(void)state;
	assert_int_equal(handshake_decide(&in).fail, HSF_UNRELATED);
	in = ordinary(0);
	in.self.flags = UUID_FLAG_CRASHED_PRIMARY;
	in.peer_role = PRI;
	assert_int_equal(handshake_decide(&in).outcome, HS_TARGET);
	in.features = 11;
	assert_int_equal(handshake_decide(&in).fail, HSF_NEEDS_FEATURE);
	in = ordinary(1);
	in.self_disk = in.peer_disk = D_INCONSISTENT;
	assert_int_equal(handshake_decide(&in).fail, HSF_SOURCE_INCONSISTENT);
	in = ordinary(1);
	in.dry_run_peer = true;
	assert_int_equal(handshake_decide(&in).fail, HSF_DRY_RUN);
	in = ordinary(1);
	in.self.ids = in.peer.ids;
	in.self.ids.slot[UUID_BITMAP] = C;
	in.apv = 90;
	assert_int_equal(handshake_decide(&in).fail, HSF_NEEDS_APV);
}

/* ---- state packets */

static struct state st(int role, int peer, int conn, int disk, int pdsk)
{
	return (struct state) { .role = role, .peer = peer, .conn = conn, .disk = disk, .pdsk = pdsk };
}

static const struct statepkt_facts known = { .peer_uuids_known = true };

static void test_first_state_packet_starts_the_handshake(void **state)
{
	struct state mine = st(PRI, 0, C_WF_REPORT_PARAMS, UTD, D_UNKNOWN);
	struct state pkt = st(SEC, 0, C_WF_CONNECTION, UTD, D_UNKNOWN);
	struct statepkt_facts unknown = { .peer_uuids_known = false };
	struct statepkt_verdict v = statepkt_judge(mine, pkt, &known);

	(void)state;
	assert_int_equal(v.next, STATEPKT_APPLY);
	assert_int_equal(v.conn, C_CONNECTED);
	assert_true(v.handshake);
	assert_false(statepkt_judge(mine, pkt, &unknown).handshake);
	mine.disk = D_DISKLESS;
	assert_false(statepkt_judge(mine, pkt, &known).handshake);
	mine.disk = UTD;
	pkt.disk = D_DISKLESS;
	assert_false(statepkt_judge(mine, pkt, &known).handshake);
}

static void test_what_makes_a_connected_node_compare_again(void **state)
{
	(void)state;
	for (int conn = 10; conn < 24; conn++)
		for (int pconn = 8; pconn < 24; pconn++)
			for (int v = 0; v < 8; v++) {
				struct state mine = st(SEC, SEC, conn, v & 1 ? D_NEGOTIATING : UTD, UTD);
				struct state pkt = st(SEC, SEC, pconn, v & 2 ? D_NEGOTIATING : UTD, UTD);
				struct statepkt_facts f = { .peer_uuids_known = true, .consider_resync = v & 4 };
				struct statepkt_verdict got = statepkt_judge(mine, pkt, &f);
				bool want = (v & 4) || (conn == 10 && ((v & 3) || (pconn >= 11 && pconn <= 14)));

				if (got.next == STATEPKT_APPLY)
					CHECK(got.handshake == want, "conn %d peer %d v %d\n", conn, pconn, v);
			}
}

static void test_a_negotiating_peer_disk_is_judged_by_its_flag(void **state)
{
	(void)state;
	assert_int_equal(statepkt_peer_disk(D_NEGOTIATING, 0), D_CONSISTENT);
	assert_int_equal(statepkt_peer_disk(D_NEGOTIATING, UUID_FLAG_INCONSISTENT), D_INCONSISTENT);
	assert_int_equal(statepkt_peer_disk(UTD, UUID_FLAG_INCONSISTENT), UTD);
}

static void test_packets_that_end_resync_or_verify(void **state)
{
	struct state mine = st(PRI, SEC, C_SYNC_SOURCE, UTD, D_INCONSISTENT);
	struct state pkt = st(SEC, PRI, C_CONNECTED, UTD, UTD);

	(void)state;
	assert_int_equal(statepkt_judge(mine, pkt, &known).next, STATEPKT_RESYNC_END);
	pkt.conn = C_WF_BITMAP_T;
	assert_int_equal(statepkt_judge(mine, pkt, &known).peer_disk, D_INCONSISTENT);
	mine = st(PRI, SEC, C_VERIFY_T, UTD, UTD);
	pkt.conn = C_CONNECTED;
	assert_int_equal(statepkt_judge(mine, pkt, &known).next, STATEPKT_VERIFY_END);
	/* stale: I have finished, the packet was sent before */
	mine = st(PRI, SEC, C_CONNECTED, UTD, UTD);
	pkt = st(SEC, PRI, C_SYNC_TARGET, D_INCONSISTENT, UTD);
	assert_int_equal(statepkt_judge(mine, pkt, &known).peer_disk, UTD);
	mine.conn = C_TEAR_DOWN;
	assert_int_equal(statepkt_judge(mine, pkt, &known).next, STATEPKT_FAIL);
}

static void test_two_sources_or_two_targets_do_not_wait_for_each_other(void **state)
{
	(void)state;
	for (int conn = C_WF_BITMAP_S; conn <= C_WF_BITMAP_T; conn++) {
		struct state mine = st(SEC, SEC, conn, UTD, UTD);

		assert_int_equal(statepkt_judge(mine, mine, &known).next, STATEPKT_CONTRADICTION);
		assert_int_equal(statepkt_judge(mine, st(SEC, SEC, 27 - conn, UTD, UTD), &known).next,
				 STATEPKT_APPLY);
	}
}

static void test_a_peer_that_goes_ahead_leaves_me_behind(void **state)
{
	struct state mine = st(SEC, PRI, C_CONNECTED, UTD, UTD);
	struct state pkt = st(PRI, SEC, C_AHEAD, UTD, D_CONSISTENT);
	struct state ns;

	(void)state;
	assert_int_equal(statepkt_judge(mine, pkt, &known).conn, C_BEHIND);
	pkt.user_isp = true;
	mine.disk = D_NEGOTIATING;
	ns = statepkt_result(mine, pkt, C_WF_BITMAP_S, D_CONSISTENT, UTD);
	assert_true(ns.peer_isp && ns.peer == PRI && ns.pdsk == D_CONSISTENT && ns.disk == UTD);
	ns = statepkt_result(mine, pkt, C_WF_BITMAP_T, D_CONSISTENT, UTD);
	assert_int_equal(ns.disk, D_NEGOTIATING);
}

static void test_answers_and_refusals(void **state)
{
	struct state pkt = st(SEC, SEC, C_CONNECTED, UTD, UTD);
	struct state frozen = st(PRI, 0, C_WF_REPORT_PARAMS, UTD, D_UNKNOWN);

	(void)state;
	assert_true(statepkt_wants_answer(C_CONNECTED, C_WF_BITMAP_S, pkt));
	assert_false(statepkt_wants_answer(C_WF_REPORT_PARAMS, C_WF_BITMAP_S, pkt));
	assert_false(statepkt_wants_answer(C_CONNECTED, C_CONNECTED, pkt));
	pkt.disk = D_NEGOTIATING;
	assert_false(statepkt_wants_answer(C_CONNECTED, C_WF_BITMAP_S, pkt));

	assert_false(statepkt_is_hard(C_WF_REPORT_PARAMS, C_CONNECTED));
	assert_true(statepkt_is_hard(C_CONNECTED, C_WF_BITMAP_S));

	assert_false(statepkt_peer_rebooted(frozen, C_CONNECTED, D_CONSISTENT, true));
	frozen.susp_fen = true;
	assert_true(statepkt_peer_rebooted(frozen, C_CONNECTED, D_CONSISTENT, true));
	assert_false(statepkt_peer_rebooted(frozen, C_CONNECTED, D_CONSISTENT, false));
	assert_false(statepkt_peer_rebooted(frozen, C_CONNECTED, UTD, true));

	assert_int_equal(handshake_refusal(D_NEGOTIATING, UTD, true), HSR_DISK_FAILED);
	assert_int_equal(handshake_refusal(UTD, D_NEGOTIATING, true), HSR_PEER_DISKLESS);
	assert_int_equal(handshake_refusal(UTD, UTD, true), HSR_PROTOCOL_ERROR);
	assert_int_equal(handshake_refusal(UTD, UTD, false), HSR_DISCONNECT);
}

/*
 * The source lost the connection before it saw the resync end; both were promoted since. Without
 * bits it wrote nothing and may be target, with bits it may have.
 */
static void test_a_source_that_went_on_after_an_unseen_end_is_not_overwritten(void **state)
{
	struct handshake_input in = {
		.self = { .ids = { { B, A + STEP, A, 0 } }, .bits = 7 },
		.peer = { .ids = { { C, B, A + STEP, A } }, .bits = 5 },
		.self_role = SEC, .peer_role = SEC, .self_disk = UTD, .self_disk_now = UTD,
		.peer_disk = UTD, .apv = 101, .features = 15,
	};
	struct handshake_verdict v = handshake_decide(&in), m;
	struct handshake_input other = mirror(in);

	(void)state;
	m = handshake_decide(&other);
	CHECK(v.fail == HSF_SPLIT_BRAIN && m.fail == HSF_SPLIT_BRAIN, "fail %d %d\n", v.fail, m.fail);
	in.self.bits = 0;
	v = handshake_decide(&in);
	CHECK(v.outcome == HS_TARGET, "outcome %d\n", v.outcome);
	/* It never heard of the resync. */
	in.peer.ids.slot[UUID_HISTORY0] = in.peer.ids.slot[UUID_HISTORY1] = 0;
	in.self.bits = 7;
	v = handshake_decide(&in);
	CHECK(v.fail == HSF_SPLIT_BRAIN, "fail %d\n", v.fail);
	/* A crashed Primary that comes back has bits, too. */
	in.self.ids.slot[UUID_BITMAP] = 0;
	v = handshake_decide(&in);
	CHECK(v.outcome == HS_TARGET, "outcome %d\n", v.outcome);
}

/* However the other one's set shows that mine is older: by its bitmap UUID, by a sync begun, by history. */
static void test_no_older_source_with_bits_of_its_own_is_overwritten(void **state)
{
	static const struct { struct uuid_set newer; int rule, mirrored; } cases[] = {
		{ { { C, B, 0, 0 } }, 50, 70 },
		{ { { C, B + STEP, B, 0 } }, 51, 71 },
		{ { { C, 0, B, 0 } }, 60, 80 },
		{ { { C, 0, A, B } }, 60, 80 },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(cases); i++) {
		struct handshake_input in = {
			.self = { .ids = { { B, A + STEP, 0, 0 } }, .bits = 1 },
			.peer = { .ids = cases[i].newer },
			.self_role = SEC, .peer_role = SEC, .self_disk = UTD, .self_disk_now = UTD,
			.peer_disk = UTD, .apv = 101, .features = 15,
		};
		struct handshake_input other = mirror(in);
		struct handshake_verdict v = handshake_decide(&in), m = handshake_decide(&other);

		CHECK(v.uuid.rule == cases[i].rule && m.uuid.rule == cases[i].mirrored,
		      "case %u: rules %d %d\n", i, v.uuid.rule, m.uuid.rule);
		CHECK(v.fail == HSF_SPLIT_BRAIN && m.fail == HSF_SPLIT_BRAIN,
		      "case %u: fail %d %d\n", i, v.fail, m.fail);
		in.self.bits = other.peer.bits = 0;
		v = handshake_decide(&in);
		m = handshake_decide(&other);
		CHECK(v.outcome == HS_TARGET && m.outcome == HS_SOURCE,
		      "case %u: outcomes %d %d\n", i, v.outcome, m.outcome);
	}
}

/* Its end was missed, and something may have been written since: the next handshake must still see that. */
static void test_a_missed_resync_end_is_not_settled_before_the_next_resync(void **state)
{
	struct handshake_input in = {
		.self = { .ids = { { B, A + STEP, A, 0 } }, .bits = 7 },
		.peer = { .ids = { { B, 0, A + STEP, A } } },
		.self_role = SEC, .peer_role = SEC, .self_disk = UTD, .self_disk_now = UTD,
		.peer_disk = UTD, .apv = 101, .features = 15,
	};
	struct handshake_input other = mirror(in);
	struct handshake_verdict v = handshake_decide(&in), m = handshake_decide(&other);

	(void)state;
	CHECK(v.uuid.rule == 34 && m.uuid.rule == 35, "rules %d %d\n", v.uuid.rule, m.uuid.rule);
	CHECK(v.outcome == HS_SOURCE && m.outcome == HS_TARGET, "outcomes %d %d\n", v.outcome, m.outcome);
	CHECK(!v.uuid.self_corrected && !m.uuid.peer_corrected, "settled too early\n");
}

/*
 * Both Primary, the link cut between the two ends of a resync: its source went on, its target is
 * frozen. Refused, the two would wait for each other for ever.
 */
static void test_a_frozen_primary_takes_what_the_source_of_its_last_sync_went_on_with(void **state)
{
	struct handshake_input in = {
		.self = { .ids = { { B, 0, A + STEP, A } } },
		.peer = { .ids = { { B, A + STEP, A, 0 } }, .bits = 7 },
		.self_role = PRI, .peer_role = PRI, .self_disk = UTD, .self_disk_now = UTD,
		.peer_disk = UTD, .apv = 101, .features = 15, .self_frozen = true,
	};
	struct handshake_input source = mirror(in), not = in;

	(void)state;
	assert_int_equal(handshake_decide(&in).outcome, HS_TARGET);
	assert_int_equal(handshake_decide(&source).outcome, HS_SOURCE);
	/* Its own users were told something that the source may lack. */
	not.self_frozen = false;
	assert_int_equal(handshake_decide(&not).fail, HSF_PRIMARY_LOST);
	/* The source may have lost what the target's users were told of. */
	not = in;
	not.peer.flags = UUID_FLAG_CRASHED_PRIMARY;
	assert_int_equal(handshake_decide(&not).fail, HSF_PRIMARY_LOST);
	not = in;
	not.peer_role = SEC;
	assert_int_equal(handshake_decide(&not).fail, HSF_PRIMARY_LOST);
	/* The source took this node for gone, and began a generation. */
	not = in;
	not.peer.ids = (struct uuid_set) { { C, B, A + STEP, A } };
	assert_int_equal(handshake_decide(&not).fail, HSF_PRIMARY_LOST);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sets_give_the_outcomes_they_stand_for),
		cmocka_unit_test(test_every_pattern_of_four_values_ends_without_contradiction_or_loop),
		cmocka_unit_test(test_two_nodes_never_contradict_each_other),
		cmocka_unit_test(test_split_brain_without_policy_calls_both_helpers_and_fails),
		cmocka_unit_test(test_a_source_that_went_on_after_an_unseen_end_is_not_overwritten),
		cmocka_unit_test(test_no_older_source_with_bits_of_its_own_is_overwritten),
		cmocka_unit_test(test_a_missed_resync_end_is_not_settled_before_the_next_resync),
		cmocka_unit_test(test_a_frozen_primary_takes_what_the_source_of_its_last_sync_went_on_with),
		cmocka_unit_test(test_discarding_my_data_makes_me_target),
		cmocka_unit_test(test_ambiguous_sets_need_always_asbp_and_sync_fully),
		cmocka_unit_test(test_an_inconsistent_disk_loses_without_helper_or_policy),
		cmocka_unit_test(test_a_primary_does_not_silently_become_target),
		cmocka_unit_test(test_call_pri_lost_demotes_or_fails_whatever_the_other_discards),
		cmocka_unit_test(test_reasons_for_refusal),
		cmocka_unit_test(test_first_state_packet_starts_the_handshake),
		cmocka_unit_test(test_what_makes_a_connected_node_compare_again),
		cmocka_unit_test(test_a_negotiating_peer_disk_is_judged_by_its_flag),
		cmocka_unit_test(test_packets_that_end_resync_or_verify),
		cmocka_unit_test(test_two_sources_or_two_targets_do_not_wait_for_each_other),
		cmocka_unit_test(test_a_peer_that_goes_ahead_leaves_me_behind),
		cmocka_unit_test(test_answers_and_refusals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
