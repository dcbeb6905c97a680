// SPDX-License-Identifier: GPL-2.0
/*
 * State words and rules, each compared over the whole product of states with a
 * second, deliberately naive transcription of the tables in states.md 2 and 3.
 */
#include "state_words.h"

static struct state_facts facts_default(void)
{
	return (struct state_facts) {
		.net_config = true, .verify_alg = true, .ed_uuid_is_current = true,
		.saved_disk = UTD, .saved_pdsk = D_UNKNOWN, .apv = 101,
	};
}

/* ---- words */

static void test_words_seen_on_the_wire_decode(void **state)
{
	static const struct {
		u32 word;
		struct state s;
	} seen[] = {
		{ 0x0000c882, { .role = SEC, .peer = 0, .conn = C_WF_CONNECTION,
				.disk = D_INCONSISTENT, .pdsk = D_UNKNOWN } },
		{ 0x000110a9, { .role = PRI, .peer = SEC, .conn = C_CONNECTED, .disk = UTD, .pdsk = UTD } },
		{ 0x0000f0d9, { .role = PRI, .peer = SEC, .conn = C_WF_BITMAP_S,
				.disk = UTD, .pdsk = D_CONSISTENT } },
		{ 0x00010ae6, { .role = SEC, .peer = PRI, .conn = C_WF_BITMAP_T,
				.disk = D_OUTDATED, .pdsk = UTD } },
		{ 0x0000f169, { .role = PRI, .peer = SEC, .conn = C_AHEAD,
				.disk = UTD, .pdsk = D_CONSISTENT } },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++) {
		assert_int_equal(state_pack(seen[i].s), seen[i].word);
		assert_true(state_equal(state_unpack(seen[i].word), seen[i].s));
	}
}

static void test_every_word_survives_unpacking_and_packing(void **state)
{
	(void)state;
	for (u32 w = 0; w <= ST_ALL_MASK; w++)
		CHECK(state_pack(state_unpack(w)) == w, "word %08x\n", w);
	assert_int_equal(state_pack(state_unpack(0xffffffff)), ST_ALL_MASK);
}

static void test_change_pairs_captured_from_requests(void **state)
{
	struct state_change c = ST_CHANGE_ROLE(PRI);

	(void)state;
	assert_int_equal(c.mask, 0x3);
	assert_int_equal(c.val, 0x1);
	c = state_change_join(c, ST_CHANGE_DISK(UTD));
	assert_int_equal(c.mask, 0x1e03);
	assert_int_equal(c.val, 0x1001);
	c = ST_CHANGE_DISK(D_FAILED);
	assert_int_equal(c.mask, 0x1e00);
	assert_int_equal(c.val, 0x400);
	c = state_change_join(ST_CHANGE_CONN(C_DISCONNECTING), ST_CHANGE_PDSK(D_OUTDATED));
	assert_int_equal(c.mask, 0x1e1f0);
	assert_int_equal(c.val, 0xa010);
	c = state_change_join(ST_CHANGE_CONN(C_CONNECTED), ST_CHANGE_CONN(C_VERIFY_S));
	assert_int_equal(c.mask, 0x1f0);
	assert_int_equal(c.val, 0x120);
}

static void test_apply_touches_only_masked_fields(void **state)
{
	(void)state;
	for (u32 w = 0; w <= ST_ALL_MASK; w += 997) {
		struct state s = state_unpack(w);
		struct state n = state_apply(s, ST_CHANGE_DISK(D_FAILED));

		CHECK(n.disk == D_FAILED, "%08x\n", w);
		n.disk = s.disk;
		CHECK(state_equal(n, s), "%08x\n", w);
		n = state_apply(s, ST_CHANGE_FLAG(ST_SUSP_FEN, true));
		CHECK(n.susp_fen && n.susp == s.susp, "%08x\n", w);
	}
}

static void test_the_peers_view_mirrors_back(void **state)
{
	static const u8 kept[] = { C_WF_REPORT_PARAMS, C_CONNECTED, C_STARTING_SYNC_S,
				   C_STARTING_SYNC_T, C_WF_BITMAP_S, C_WF_BITMAP_T, C_MASK };
	static const u8 map[32] = {
		[1] = 7, [9] = 9, [10] = 10, [11] = 12, [12] = 11, [13] = 14, [14] = 13, [18] = 19,
		[31] = 31
	};

	(void)state;
	for (u32 conn = 0; conn < 32; conn++)
		assert_int_equal(state_conn_mirror(conn), map[conn]);

	for (u32 w = 0; w <= 0x1ffff; w++) {
		struct state_change c = { w, w }, m = state_change_mirror(c);
		struct state s = state_unpack(w), t = state_unpack(m.mask);

		CHECK(t.role == s.peer && t.peer == s.role, "%08x\n", w);
		CHECK(t.disk == s.pdsk && t.pdsk == s.disk, "%08x\n", w);
		CHECK(m.mask == m.val, "%08x\n", w);
		for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
			if (s.conn == kept[i])
				CHECK(state_change_mirror(m).mask == w, "%08x\n", w);
	}
	/* What suspends or pauses me is the peer's pause, never its suspension. */
	for (u32 f = 0; f < 64; f++) {
		struct state_change c = { f << 17, f << 17 };
		u32 want = (c.mask & (ST_AFTR_ISP | ST_USER_ISP)) ? ST_PEER_ISP : 0;

		assert_int_equal(state_change_mirror(c).mask, want);
	}
}

/* ---- sanitising */

/* wire.md 8.2, by number */
static void slow_limits(int conn, int *d0, int *d1, int *p0, int *p1)
{
	*d0 = 0, *d1 = 8, *p0 = 0, *p1 = 8;
	if (conn < 10)
		*p0 = 4, *p1 = 6;
	if (conn == 12 || conn == 14 || conn == 15 || conn == 21 || conn == 23)
		*d0 = 4, *d1 = 5, *p0 = 8, *p1 = 8;
	if (conn == 17)
		*d0 = 4, *d1 = 4, *p0 = 8, *p1 = 8;
	if (conn == 11 || conn == 13 || conn == 20 || conn == 22)
		*d0 = 8, *d1 = 8, *p0 = 4, *p1 = 7;
	if (conn == 16)
		*d0 = 8, *d1 = 8, *p0 = 4, *p1 = 4;
	if (conn == 18 || conn == 19)
		*d0 = 8, *d1 = 8, *p0 = 8, *p1 = 8;
}

static bool slow_fen(struct state s)
{
	return s.role == 1 && s.conn < 10 && s.pdsk > 5;
}

static void check_sanitised(struct state os, struct state in, const struct state_facts *f)
{
	struct state ns = state_sanitise(os, in, f);
	struct state again = state_sanitise(os, ns, f);
	bool paused = ns.aftr_isp || ns.peer_isp || ns.user_isp;
	int d0, d1, p0, p1;

	slow_limits(ns.conn, &d0, &d1, &p0, &p1);
	CHECK(state_equal(ns, again), "not idempotent: %08x -> %08x -> %08x\n",
	      state_pack(in), state_pack(ns), state_pack(again));
	CHECK(ns.disk >= d0 && ns.disk <= d1 && ns.pdsk >= p0 && ns.pdsk <= p1,
	      "limits: %08x -> %08x\n", state_pack(in), state_pack(ns));
	/* I9 */
	CHECK(ns.conn >= 10 || (ns.peer == 0 && !ns.peer_isp), "%08x\n", state_pack(in));
	CHECK(!(paused && (ns.conn == 16 || ns.conn == 17)), "%08x\n", state_pack(in));
	CHECK(!(!paused && (ns.conn == 20 || ns.conn == 21)), "%08x\n", state_pack(in));
	CHECK(ns.role == in.role && ns.susp == in.susp, "%08x\n", state_pack(in));
	CHECK(!(ns.conn < 10 && ns.disk == 3), "%08x\n", state_pack(in));
	/* A resync or verify never runs over a missing disk; nothing else moves conn. */
	if (in.conn > 10 && (in.disk <= 2 || in.pdsk <= 2))
		CHECK(ns.conn == 10, "%08x\n", state_pack(in));
	else if (in.conn != 16 && in.conn != 17 && in.conn != 20 && in.conn != 21)
		CHECK(ns.conn == in.conn, "%08x\n", state_pack(in));
	/* What was Inconsistent beside a disk that goes stays so, but for an ended sync's target. */
	if (in.conn > 10 && in.disk <= 2 && in.pdsk == 4)
		CHECK(ns.pdsk == (f->sync_ended && (in.conn == 16 || in.conn == 20) ? 8 : 4),
		      "pdsk %08x\n", state_pack(in));
	if (ns.conn == 10)
		CHECK(ns.disk != 5 && ns.disk != 7 && ns.pdsk != 5 && ns.pdsk != 7,
		      "%08x\n", state_pack(in));
	/* The flags come exactly when the rules say so, and never go by themselves. */
	CHECK(ns.susp_fen == (in.susp_fen || (f->fencing == 2 && slow_fen(ns) && !slow_fen(os))),
	      "susp_fen %08x\n", state_pack(in));
	CHECK(ns.susp_nod == (in.susp_nod || (f->on_no_data == 1 && slow_nod(ns) && !slow_nod(os))),
	      "susp_nod %08x\n", state_pack(in));
}

/* Every combination of facts that the rules read; saved disks count for Negotiating ones only. */
static unsigned long sanitise_over_facts(struct state os, struct state in)
{
	static const u8 saved[] = { D_INCONSISTENT, D_OUTDATED, D_CONSISTENT, UTD };
	bool by_saved = in.conn < C_CONNECTED && in.disk == D_NEGOTIATING;
	bool by_end = in.conn > C_CONNECTED && in.disk <= D_FAILED;
	struct state_facts f = facts_default();
	unsigned long cases = 0;

	for (u32 v = 0; v < 12u * (by_saved ? 8 : by_end ? 2 : 1); v++) {
		f.fencing = v % 3;
		f.on_no_data = v / 3 % 2;
		f.ed_uuid_is_current = v / 6 % 2;
		f.saved_disk = by_saved ? saved[v / 12 % 4] : UTD;
		f.saved_pdsk = v / 48 ? D_OUTDATED : D_UNKNOWN;
		f.sync_ended = by_end && v / 12;
		check_sanitised(os, in, &f);
		cases++;
	}
	return cases;
}

static void test_sanitised_states_are_stable_and_within_limits(void **state)
{
	/* What is read of the old state: was fencing due, was good data missing? All four answers. */
	const struct state olds[] = {
		{ .role = SEC, .conn = C_STANDALONE, .pdsk = D_UNKNOWN },
		{ .role = PRI, .conn = C_WF_CONNECTION, .disk = D_INCONSISTENT, .pdsk = D_UNKNOWN },
		{ .role = PRI, .conn = C_WF_CONNECTION, .disk = UTD, .pdsk = D_UNKNOWN },
		{ .role = PRI, .peer = SEC, .conn = C_CONNECTED, .disk = D_INCONSISTENT,
		  .pdsk = D_INCONSISTENT },
	};
	static const int due[] = { 0, 3, 1, 2 };
	unsigned long cases = 0;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(olds); i++)
		assert_int_equal(slow_fen(olds[i]) + 2 * slow_nod(olds[i]), due[i]);
	for (u32 w = 0; w <= ST_ALL_MASK; w++) {
		struct state in = state_unpack(w);

		if (in.role == 0 || in.role == 3 || in.peer == 3 || in.conn > 23 ||
		    in.disk > 8 || in.disk == D_UNKNOWN || in.pdsk > 8)
			continue;
		/* What is suspended already stays so, whatever was before. */
		for (u32 i = 0; i < (state_suspended(in) ? 1 : ARRAY_SIZE(olds)); i++)
			cases += sanitise_over_facts(olds[(w + i) % ARRAY_SIZE(olds)], in);
	}
	printf("         sanitise: %lu cases, complete\n", cases);
}

static void test_disk_views_survive_or_fade_at_disconnect(void **state)
{
	struct state_facts f = facts_default();
	static const u8 want[] = { 6, 6, 6, 6, 4, 5, 6, 6, 6 };

	(void)state;
	for (u32 pdsk = 0; pdsk <= 8; pdsk++) {
		struct state os = st(PRI, SEC, C_CONNECTED, UTD, pdsk), ns = os;

		ns.conn = C_NETWORK_FAILURE;
		assert_int_equal(state_sanitise(os, ns, &f).pdsk, want[pdsk]);
	}
}

/* It serves what it has until it notices, and may have come to the end of the sync. */
static void test_a_lost_sync_target_that_is_primary_freezes_the_source(void **state)
{
	struct state_facts f = facts_default();
	struct state os = st(PRI, PRI, C_SYNC_SOURCE, UTD, D_INCONSISTENT), ns = os;

	(void)state;
	f.fencing = FENCING_RESOURCE_AND_STONITH;
	ns.conn = C_NETWORK_FAILURE;
	assert_int_equal(state_sanitise(os, ns, &f).pdsk, D_UNKNOWN);
	assert_true(state_sanitise(os, ns, &f).susp_fen);
	/* Whoever says at the same time that it is shot, knows. */
	ns.pdsk = D_OUTDATED;
	assert_false(state_sanitise(os, ns, &f).susp_fen);
	/* A Secondary's users see nothing. */
	os.peer = SEC;
	ns.pdsk = D_INCONSISTENT;
	assert_int_equal(state_sanitise(os, ns, &f).pdsk, D_INCONSISTENT);
	assert_false(state_sanitise(os, ns, &f).susp_fen);
	os.peer = PRI;
	f.fencing = FENCING_DONT_CARE;
	assert_int_equal(state_sanitise(os, ns, &f).pdsk, D_INCONSISTENT);
}

static void test_target_shows_outdated_and_source_sees_consistent(void **state)
{
	struct state_facts f = facts_default();
	struct state os = st(SEC, 0, C_WF_REPORT_PARAMS, UTD, D_UNKNOWN), ns;

	(void)state;
	ns = state_sanitise(os, st(SEC, PRI, C_WF_BITMAP_T, D_CONSISTENT, UTD), &f);
	assert_int_equal(ns.disk, D_OUTDATED);
	ns = state_sanitise(os, st(PRI, SEC, C_WF_BITMAP_S, UTD, UTD), &f);
	assert_int_equal(ns.pdsk, D_CONSISTENT);
}

/* It was never brought up to date: the disk that could have done it is gone. */
static void test_a_sync_that_a_lost_disk_ends_lifts_no_old_disk(void **state)
{
	static const u8 targets[] = { C_WF_BITMAP_T, C_WF_SYNC_UUID, C_PAUSED_SYNC_T, C_BEHIND };
	static const u8 sources[] = { C_WF_BITMAP_S, C_PAUSED_SYNC_S, C_AHEAD };
	struct state_facts f = facts_default();
	struct state os, ns;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(targets); i++) {
		os = st(SEC, PRI, targets[i], D_OUTDATED, UTD);
		ns = os;
		ns.pdsk = D_FAILED;
		ns = state_sanitise(os, ns, &f);
		assert_int_equal(ns.conn, C_CONNECTED);
		assert_int_equal(ns.disk, D_INCONSISTENT);
	}
	for (u32 i = 0; i < ARRAY_SIZE(sources); i++) {
		os = st(PRI, SEC, sources[i], UTD, D_CONSISTENT);
		ns = os;
		ns.disk = D_FAILED;
		assert_int_equal(state_sanitise(os, ns, &f).pdsk, D_INCONSISTENT);
	}
	/* Not begun: the disks are equal still. */
	os = st(SEC, PRI, C_STARTING_SYNC_T, D_OUTDATED, UTD);
	ns = os;
	ns.pdsk = D_FAILED;
	assert_int_equal(state_sanitise(os, ns, &f).disk, UTD);
}

static void test_an_invalidated_disk_stays_invalid_if_its_sync_is_cut_off(void **state)
{
	static const u8 next[] = { C_WF_SYNC_UUID, C_NETWORK_FAILURE, C_BROKEN_PIPE, C_DISCONNECTING };
	struct state_facts f = facts_default();
	struct state os, ns;

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(next); i++) {
		os = st(SEC, SEC, C_STARTING_SYNC_T, D_OUTDATED, UTD);
		ns = os;
		ns.conn = next[i];
		assert_int_equal(state_sanitise(os, ns, &f).disk, D_INCONSISTENT);
	}
	/* A sync that the handshake found is found by the next one, too. */
	os.conn = C_WF_BITMAP_T;
	ns = os;
	ns.conn = C_NETWORK_FAILURE;
	assert_int_equal(state_sanitise(os, ns, &f).disk, D_OUTDATED);
}

static void test_a_target_that_has_everything_keeps_it_when_the_sources_disk_fails(void **state)
{
	static const u8 sources[] = { C_SYNC_SOURCE, C_PAUSED_SYNC_S };
	struct state_facts f = facts_default();

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(sources); i++) {
		struct state os = st(PRI, SEC, sources[i], UTD, D_INCONSISTENT), ns = os;

		ns.disk = D_FAILED;
		f.sync_ended = false;
		assert_int_equal(state_sanitise(os, ns, &f).pdsk, D_INCONSISTENT);
		f.sync_ended = true;
		assert_int_equal(state_sanitise(os, ns, &f).conn, C_CONNECTED);
		assert_int_equal(state_sanitise(os, ns, &f).pdsk, UTD);
		/* A disk that is gone is not brought back by what it once had. */
		ns.pdsk = D_FAILED;
		assert_int_equal(state_sanitise(os, ns, &f).pdsk, D_FAILED);
	}
}

static void test_outdating_lifts_no_inconsistent_disk(void **state)
{
	static const u8 pdsks[] = { D_DISKLESS, D_INCONSISTENT, UTD };
	struct state_facts f = facts_default();

	(void)state;
	for (u32 i = 0; i < ARRAY_SIZE(pdsks); i++) {
		struct state os = st(SEC, PRI, C_CONNECTED, D_INCONSISTENT, pdsks[i]), ns = os;

		ns.disk = D_OUTDATED;
		assert_int_equal(state_sanitise(os, ns, &f).disk, D_INCONSISTENT);
		/* What is no worse is what both found equal. */
		os.disk = D_NEGOTIATING;
		assert_int_equal(state_sanitise(os, ns, &f).disk, UTD);
	}
}

static void test_resuming_a_paused_sync_obeys_the_narrower_limits(void **state)
{
	struct state_facts f = facts_default();
	struct state os = st(SEC, PRI, C_PAUSED_SYNC_T, D_OUTDATED, UTD), ns;

	(void)state;
	os.user_isp = true;
	ns = os;
	ns.user_isp = false;
	ns = state_sanitise(os, ns, &f);
	assert_int_equal(ns.conn, C_SYNC_TARGET);
	assert_int_equal(ns.disk, D_INCONSISTENT);
}

/* ---- rules against the slow transcription */

static int slow_validity(struct state s, const struct state_facts *f)
{
	bool pri = s.role == 1, up = s.conn > 10;
	const struct {
		bool hit;
		int code;
	} v[] = {
		{ f->net_config && !f->two_primaries && pri && s.peer == 1, -1 },
		{ f->net_config && !f->two_primaries && pri && s.peer != 1 && f->peer_primary_elsewhere, -20 },
		{ s.role == 2 && f->open_count > 0, -12 },
		{ pri && s.conn < 10 && s.disk < 8, -2 },
		{ f->fencing >= 1 && pri && s.conn < 10 && s.pdsk >= 6, -7 },
		{ pri && s.disk <= 4 && s.pdsk <= 4, -2 },
		{ up && s.disk < 4, -4 },
		{ up && s.pdsk < 4, -5 },
		{ up && s.disk < 8 && s.pdsk < 8, -2 },
		{ (s.conn == 10 || s.conn == 13 || s.conn == 16 || s.conn == 20) && s.disk == 5, -6 },
		{ (s.conn == 18 || s.conn == 19) && f->net_config && !f->verify_alg, -14 },
		{ (s.conn == 18 || s.conn == 19) && f->apv < 88, -17 },
		{ pri && s.disk < 8 && s.pdsk < 8, -2 },
		{ (s.conn == 11 || s.conn == 12) && s.pdsk == 6, -15 },
		{ s.conn >= 10 && s.pdsk == 6, -6 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(v); i++)
		if (v[i].hit)
			return v[i].code;
	return 1;
}

static void test_validity_first_match_wins(void **state)
{
	unsigned long cases = 0;

	(void)state;
	for (u32 w = 0; w < (1u << 17); w++) {
		struct state s = state_unpack(w);

		if (s.role == 0 || s.role == 3 || s.peer == 3 || s.conn > 23 || s.disk > 8 || s.pdsk > 8)
			continue;
		for (u32 v = 0; v < 192; v++) {
			struct state_facts f = {
				.net_config = v & 1, .two_primaries = v & 2,
				.peer_primary_elsewhere = v & 4, .open_count = v & 8 ? 3 : 0,
				.verify_alg = v & 16, .apv = v & 32 ? 88 : 87, .fencing = v / 64,
			};
			int got = state_validity(s, &f), want = slow_validity(s, &f);

			CHECK(got == want, "%08x facts %u: %d, not %d\n", w, v, got, want);
			cases++;
		}
	}
	printf("         validity: %lu cases, complete\n", cases);
}

static int slow_transition(int oc, int nc, int od, int nd)
{
	int rv = 1;

	if (od == 0 && nd == 2)
		return -11;
	if (oc == nc)
		return 2;
	if (oc == 1 && nc != 0)
		rv = -18;
	if (oc >= 3 && oc <= 7 && nc != 2 && nc != 1)
		rv = -18;
	if (oc < 9 && nc >= 10)
		rv = -15;
	if (oc == 0 && nc != 2)
		rv = -15;
	if (oc == 0 && nc == 1)
		rv = -9;
	return rv;
}

static void test_transitions_obeyed_even_by_facts(void **state)
{
	(void)state;
	for (int oc = 0; oc < 24; oc++)
		for (int nc = 0; nc < 24; nc++)
			for (int d = 0; d < 81; d++) {
				struct state os = st(SEC, 0, oc, d / 9, 4), ns = st(SEC, 0, nc, d % 9, 4);

				CHECK(state_transition_check(os, ns) ==
				      (enum ss_code)slow_transition(oc, nc, d / 9, d % 9),
				      "%d -> %d, disk %d -> %d\n", oc, nc, d / 9, d % 9);
			}
}

static int slow_soft(struct state o, struct state n, const struct state_facts *f)
{
	bool ss = n.conn == 11 || n.conn == 12, ver = n.conn == 18 || n.conn == 19;
	bool s7 = f->state_sent && !(o.conn == 8 && n.conn == 9) && !(o.conn == 9 && n.conn >= 10);
	bool stable = o.conn == 10 && n.conn == 10 && n.disk == 4; /* 13.9 */
	const struct {
		bool hit;
		int code;
	} s[] = {
		{ ss && o.conn > 10, -8 },
		{ n.conn == 1 && o.conn == 0, -9 },
		{ n.disk > 1 && o.disk == 0, -11 },
		{ n.conn == 8 && o.conn < 2, -13 },
		{ n.disk == 5 && o.disk < 5 && o.disk != 1, -16 },
		{ n.conn == 1 && o.conn == 2, -18 },
		{ s7, -18 },
		{ o.role != 1 && n.role == 1 && n.pdsk == 8 && n.disk != 8 && n.disk != 0 &&
		  (n.conn <= 15 || n.conn != o.conn) && !stable, -18 },
		{ ver && o.conn != n.conn && (o.disk < 8 || o.pdsk < 8), -2 }, /* 13.2 */
		{ ver && o.conn < 10, -15 },
		{ ver && o.conn != n.conn && o.conn > 10, -8 },
		{ ss && o.conn < 10, -15 },
		{ (n.conn == 16 || n.conn == 17) && o.conn < 9, -15 },
		{ n.conn == 1 && o.conn != 1 && n.pdsk == 5 && o.conn < 10 && o.pdsk > 5, -21 },
	};

	for (size_t i = ARRAY_SIZE(s); i-- > 0; )
		if (s[i].hit)
			return s[i].code;
	return 1;
}

static void test_soft_rules_last_match_wins(void **state)
{
	enum { STATES = 2 * 24 * 9 * 9 };
	struct state_facts f = facts_default();
	unsigned long cases = 0;

	(void)state;
	for (u32 i = 0; i < 2u * STATES * STATES; i++) {
		u32 a = i / 2 / STATES, b = i / 2 % STATES;
		struct state os = st(1 + a % 2, 0, a / 2 % 24, a / 48 % 9, a / 432);
		struct state ns = st(1 + b % 2, 0, b / 2 % 24, b / 48 % 9, b / 432);

		f.state_sent = i & 1;
		CHECK((int)state_soft_check(os, ns, &f) == slow_soft(os, ns, &f),
		      "%08x -> %08x: %d, not %d\n", state_pack(os), state_pack(ns),
		      state_soft_check(os, ns, &f), slow_soft(os, ns, &f));
		cases++;
	}
	printf("         soft rules: %lu pairs of states, complete\n", cases);
}

/* ---- whole requests */

static enum ss_code ask(struct state os, struct state_change c, const struct state_facts *f,
			u32 flags, struct state *ns)
{
	return state_check_request(os, state_apply(os, c), f, flags, ns);
}

static void test_verify_over_inconsistent_data_is_refused(void **state)
{
	struct state_facts f = facts_default();
	struct state ns, os = st(SEC, SEC, C_CONNECTED, D_INCONSISTENT, D_INCONSISTENT);

	(void)state;
	assert_int_equal(ask(os, ST_CHANGE_CONN(C_VERIFY_S), &f, 0, &ns), SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(ask(os, ST_CHANGE_CONN(C_VERIFY_T), &f, 0, &ns), SS_NO_UP_TO_DATE_DISK);
	assert_true(state_cluster_wide_step(os, ST_CHANGE_CONN(C_VERIFY_S), &f, 0) ==
		    SS_NO_UP_TO_DATE_DISK);
	os.disk = os.pdsk = UTD;
	assert_int_equal(ask(os, ST_CHANGE_CONN(C_VERIFY_S), &f, 0, &ns), SS_SUCCESS);
}

static void test_a_disk_that_fails_during_a_verify_is_not_declared_up_to_date(void **state)
{
	const u8 verifies[] = { C_VERIFY_S, C_VERIFY_T };
	struct state_facts f = facts_default();
	struct state ns, os;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(verifies); i++) {
		os = st(PRI, SEC, verifies[i], UTD, UTD);
		assert_int_equal(ask(os, ST_CHANGE_DISK(D_INCONSISTENT), &f, CS_HARD, &ns),
				 SS_SUCCESS);
		assert_int_equal(ns.disk, D_INCONSISTENT);
		assert_int_equal(ns.conn, C_CONNECTED);
		assert_int_equal(ask(os, ST_CHANGE_PDSK(D_INCONSISTENT), &f, CS_HARD, &ns),
				 SS_SUCCESS);
		assert_int_equal(ns.pdsk, D_INCONSISTENT);
		assert_int_equal(ns.conn, C_CONNECTED);
	}
}

static void test_promotion_beside_an_up_to_date_peer_never_waits_for_nothing(void **state)
{
	struct state_facts f = facts_default();
	struct state ns, os = st(SEC, SEC, C_CONNECTED, D_INCONSISTENT, UTD);

	(void)state;
	assert_int_equal(ask(os, ST_CHANGE_ROLE(PRI), &f, 0, &ns), SS_SUCCESS);
	os.conn = C_WF_BITMAP_T;
	os.disk = D_OUTDATED;
	assert_int_equal(ask(os, ST_CHANGE_ROLE(PRI), &f, 0, &ns), SS_IN_TRANSIENT_STATE);
	os = st(SEC, SEC, C_CONNECTED, D_NEGOTIATING, UTD);
	assert_int_equal(ask(os, ST_CHANGE_ROLE(PRI), &f, 0, &ns), SS_IN_TRANSIENT_STATE);
}

static void test_a_shared_generation_is_not_written_while_bitmaps_are_exchanged(void **state)
{
	struct state_facts own = facts_default(), shared = own;
	u32 conn, roles;

	(void)state;
	shared.shares_generation = true;
	for (conn = C_CONNECTED; conn <= C_BEHIND; conn++)
		for (roles = 0; roles < 4; roles++) {
			struct state os = st(roles & 1 ? PRI : SEC, SEC, conn, UTD, D_CONSISTENT);
			struct state ns = os;
			bool refused = conn >= C_WF_BITMAP_S && conn <= C_WF_SYNC_UUID && roles == 2;

			ns.role = roles & 2 ? PRI : SEC;
			CHECK(state_soft_check(os, ns, &shared) ==
			      (refused ? SS_IN_TRANSIENT_STATE : state_soft_check(os, ns, &own)),
			      "conn %u, roles %u", conn, roles);
		}
}

static void test_what_is_already_wrong_does_not_block_the_way_out(void **state)
{
	struct state_facts f = facts_default();
	struct state ns, os = st(PRI, 0, C_WF_CONNECTION, D_INCONSISTENT, D_UNKNOWN);

	(void)state;
	/* -2 before and after: waived */
	assert_int_equal(ask(os, ST_CHANGE_FLAG(ST_USER_ISP, true), &f, 0, &ns), SS_SUCCESS);
	/* a new wrong is refused, unless it is a fact */
	os = st(PRI, 0, C_WF_CONNECTION, UTD, D_UNKNOWN);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, CS_HARD, &ns), SS_SUCCESS);
	assert_int_equal(ns.disk, D_OUTDATED);
	/* the cluster-wide check knows no such leniency */
	os = st(PRI, SEC, C_CONNECTED, D_INCONSISTENT, D_INCONSISTENT);
	assert_int_equal(state_cluster_wide_step(os, ST_CHANGE_DISK(D_FAILED), &f, 0),
			 SS_NO_UP_TO_DATE_DISK);
}

static void a_verify_without_a_disk_connects_nobody_before_the_peers_state_has_come(void **state)
{
	static const u8 conns[] = { C_VERIFY_S, C_VERIFY_T, C_STARTING_SYNC_S, C_STARTING_SYNC_T };
	struct state_facts f = facts_default();
	struct state ns, os = st(SEC, 0, C_WF_REPORT_PARAMS, D_DISKLESS, D_INCONSISTENT);
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(conns); i++)
		assert_int_equal(ask(os, ST_CHANGE_CONN(conns[i]), &f, 0, &ns), SS_NEED_CONNECTION);
	/* What the handshake comes to without a disk is no request of anybody. */
	assert_int_equal(ask(os, ST_CHANGE_CONN(C_WF_BITMAP_T), &f, 0, &ns), SS_SUCCESS);
	assert_int_equal(ns.conn, C_CONNECTED);
}

static void test_outdating(void **state)
{
	struct state_facts f = facts_default();
	struct state ns, os = st(SEC, SEC, C_CONNECTED, UTD, UTD);

	(void)state;
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_NOTHING_TO_DO);
	os = st(SEC, 0, C_STANDALONE, UTD, D_UNKNOWN);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_SUCCESS);
	os.disk = D_INCONSISTENT;
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_LOWER_THAN_OUTDATED);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, CS_IGN_OUTD_FAIL, &ns),
			 SS_NOTHING_TO_DO);
	os.disk = D_DISKLESS;
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_LOWER_THAN_OUTDATED);
	os = st(PRI, 0, C_STANDALONE, UTD, D_UNKNOWN);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_NO_UP_TO_DATE_DISK);
	/* Or it would become UpToDate before its data have been judged. */
	os = st(PRI, SEC, C_CONNECTED, D_NEGOTIATING, UTD);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_LOWER_THAN_OUTDATED);
	/* A forced detach has not got to its end. */
	os = st(PRI, SEC, C_CONNECTED, D_FAILED, UTD);
	assert_int_equal(ask(os, ST_CHANGE_DISK(D_OUTDATED), &f, 0, &ns), SS_LOWER_THAN_OUTDATED);
}

static void a_disk_is_attached_while_the_connection_goes_down(void **state)
{
	struct state_facts f = facts_default();
	struct state ns, os = st(PRI, 0, C_DISCONNECTING, D_ATTACHING, D_UNKNOWN);
	struct state_change change = state_change_join(ST_CHANGE_DISK(D_UP_TO_DATE),
						       ST_CHANGE_PDSK(D_OUTDATED));

	(void)state;
	assert_int_equal(state_check_request(os, state_apply(os, change), &f, 0, &ns), SS_SUCCESS);
	assert_int_equal(ns.pdsk, D_OUTDATED);
}

static void test_failure_states_never_replace_each_other(void **state)
{
	struct state_facts f = facts_default();
	struct state ns;

	(void)state;
	for (int from = C_TIMEOUT; from <= C_TEAR_DOWN; from++)
		for (int to = 0; to < 24; to++) {
			struct state os = st(SEC, 0, from, UTD, D_UNKNOWN);
			bool ok = to == from || to == C_UNCONNECTED || to == C_DISCONNECTING;

			assert_int_equal(ask(os, ST_CHANGE_CONN(to), &f, CS_HARD, &ns) >= 1, ok);
		}
}

static bool slow_cluster_wide(struct state o, struct state n)
{
	bool both = o.conn >= 10 && n.conn >= 10;

	return (both && o.role != 1 && n.role == 1) || (both && n.conn == 11 && o.conn != 11) ||
	       (both && n.conn == 12 && o.conn != 12) || (both && n.disk == 2 && o.disk != 2) ||
	       (o.conn >= 10 && n.conn == 1) || (o.conn == 10 && n.conn == 18) ||
	       (o.conn == 10 && n.conn == 9) || (both && n.conn == 13 && o.conn != 13) ||
	       (both && n.conn == 14 && o.conn != 14);
}

static void test_what_needs_the_peers_consent(void **state)
{
	(void)state;
	for (int i = 0; i < 24 * 24 * 4 * 81; i++) {
		struct state o = st(1 + i % 2, SEC, i / 4 % 24, i / 2304 % 9, UTD);
		struct state n = st(1 + i / 2 % 2, SEC, i / 96 % 24, i / 20736, UTD);

		CHECK(state_is_cluster_wide(o, n) == slow_cluster_wide(o, n), "%08x -> %08x\n",
		      state_pack(o), state_pack(n));
	}
}

static void test_waiting_for_consent(void **state)
{
	struct state_facts f = facts_default();
	struct state os = st(SEC, SEC, C_CONNECTED, UTD, UTD);
	struct state_change c = ST_CHANGE_ROLE(PRI);

	(void)state;
	assert_int_equal(state_cluster_wide_step(os, c, &f, 0), SS_UNKNOWN_ERROR);
	assert_int_equal(state_cluster_wide_step(os, c, &f, 1), SS_CW_SUCCESS);
	assert_int_equal(state_cluster_wide_step(os, c, &f, -19), SS_CW_FAILED_BY_PEER);
	os.peer = PRI;
	assert_int_equal(state_cluster_wide_step(os, c, &f, 0), SS_TWO_PRIMARIES);
	os = st(SEC, 0, C_NETWORK_FAILURE, UTD, D_UNKNOWN);
	assert_int_equal(state_cluster_wide_step(os, c, &f, 0), SS_CW_NO_NEED);
}

/* ---- metadata flags */

static void test_metadata_flags_follow_the_state(void **state)
{
	const u32 kept = MDS_FULL_SYNC | 0x10000;

	(void)state;
	for (u32 w = 0; w < (1u << 17); w++) {
		struct state s = state_unpack(w);
		bool crashed = w & 1, off = w & 8;
		u32 want = kept, got = state_md_flags(s, crashed, off, kept | MDS_AL_CLEAN | MDS_CRASHED_PRIMARY);

		want |= s.disk > 4 ? 1 : 0;
		want |= s.role == 1 || (s.pdsk < 4 && s.peer == 1) ? 2 : 0;
		want |= s.conn > 9 ? 4 : 0;
		want |= s.disk > 5 ? 16 : 0;
		want |= s.pdsk == 4 || s.pdsk == 5 ? 32 : 0;
		want |= crashed ? 64 : 0;
		want |= off ? 256 : 0;
		CHECK(got == want, "%08x: %x, not %x\n", w, got, want);
	}
}

static void test_attach_finds_what_the_flags_say(void **state)
{
	(void)state;
	for (u32 i = 0; i < 24; i++) {
		u32 md = (i & 1 ? MDS_CONSISTENT : 0) | (i & 2 ? MDS_WAS_UP_TO_DATE : 0) |
			 (i & 4 ? MDS_PEER_OUT_DATED : 0);
		struct attach_verdict v = state_attach_verdict(md, i / 8);
		int disk = !(i & 1) ? 4 : !(i & 2) ? 5 : (i & 4) || i / 8 == 0 ? 8 : 7;

		assert_int_equal(v.disk, disk);
		assert_int_equal(v.pdsk, i & 4 ? 5 : 6);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words_seen_on_the_wire_decode),
		cmocka_unit_test(test_every_word_survives_unpacking_and_packing),
		cmocka_unit_test(test_change_pairs_captured_from_requests),
		cmocka_unit_test(test_apply_touches_only_masked_fields),
		cmocka_unit_test(test_the_peers_view_mirrors_back),
		cmocka_unit_test(test_an_invalidated_disk_stays_invalid_if_its_sync_is_cut_off),
		cmocka_unit_test(test_a_target_that_has_everything_keeps_it_when_the_sources_disk_fails),
		cmocka_unit_test(test_outdating_lifts_no_inconsistent_disk),
		cmocka_unit_test(test_a_sync_that_a_lost_disk_ends_lifts_no_old_disk),
		cmocka_unit_test(test_sanitised_states_are_stable_and_within_limits),
		cmocka_unit_test(test_disk_views_survive_or_fade_at_disconnect),
		cmocka_unit_test(test_a_lost_sync_target_that_is_primary_freezes_the_source),
		cmocka_unit_test(test_target_shows_outdated_and_source_sees_consistent),
		cmocka_unit_test(test_resuming_a_paused_sync_obeys_the_narrower_limits),
		cmocka_unit_test(test_validity_first_match_wins),
		cmocka_unit_test(test_transitions_obeyed_even_by_facts),
		cmocka_unit_test(test_soft_rules_last_match_wins),
		cmocka_unit_test(test_verify_over_inconsistent_data_is_refused),
		cmocka_unit_test(test_a_disk_that_fails_during_a_verify_is_not_declared_up_to_date),
		cmocka_unit_test(test_promotion_beside_an_up_to_date_peer_never_waits_for_nothing),
		cmocka_unit_test(test_a_shared_generation_is_not_written_while_bitmaps_are_exchanged),
		cmocka_unit_test(test_what_is_already_wrong_does_not_block_the_way_out),
		cmocka_unit_test(a_verify_without_a_disk_connects_nobody_before_the_peers_state_has_come),
		cmocka_unit_test(test_outdating),
		cmocka_unit_test(a_disk_is_attached_while_the_connection_goes_down),
		cmocka_unit_test(test_failure_states_never_replace_each_other),
		cmocka_unit_test(test_what_needs_the_peers_consent),
		cmocka_unit_test(test_waiting_for_consent),
		cmocka_unit_test(test_metadata_flags_follow_the_state),
		cmocka_unit_test(test_attach_finds_what_the_flags_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
