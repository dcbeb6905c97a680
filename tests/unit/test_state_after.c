// SPDX-License-Identifier: GPL-2.0
/* What a change of state sets off, against a slow transcription of the list. */
#include "state_words.h"

/* ---- after-change work */

static u64 slow_after(struct state o, struct state n, const struct after_facts *f)
{
	bool opause = o.aftr_isp | o.peer_isp | o.user_isp, npause = n.aftr_isp | n.peer_isp | n.user_isp;
	bool osrc = o.conn == 16 || o.conn == 20, nsrc = n.conn == 16 || n.conn == 20;
	/* A peer that is Primary is not frozen by this node's flags. */
	bool now_susp = (f->now.susp | f->now.susp_nod | f->now.susp_fen) && n.peer != 1;
	bool lost = ((o.pdsk == 4 || o.pdsk == 7 || o.pdsk == 8) &&
		     (n.pdsk < 4 || n.pdsk == 5 || n.pdsk == 6)) ||
		    (o.pdsk == 6 && (n.pdsk == 0 || n.pdsk == 2 || n.pdsk == 5));
	bool untaken = f->acceptance_awaited && o.conn < 10 && n.role != 1 && n.peer == 1 &&
		       n.pdsk < 4;
	bool own = (f->bitmap_uuid_zero || (f->sync_ended && n.conn >= 10)) && !untaken;
	bool nine = lost && n.disk == 8 && (n.role == 1 || n.peer == 1) && own;
	/* A Primary's disk is back, and its peer's is not. */
	bool alone = !nine && n.disk == 8 && (o.disk == 1 || o.disk == 3) && o.role == 1 &&
		     n.role == 1 && (n.conn < 10 || n.pdsk < 3) && own;
	bool restart = n.susp_nod && (o.disk == 1 || o.disk == 3) && f->lowest_disk == 8;
	bool resend = n.susp_nod && !restart && o.conn < 10 && f->lowest_conn >= 10;
	bool data_came = o.disk != 8 && o.pdsk != 8 && (n.disk == 8 || n.pdsk == 8);
	bool unconf = n.conn == 0 && n.disk == 0 && n.role == 2;
	const struct {
		bool hit;
		u64 bit;
	} a[] = {
		{ true, AFTER_NOTIFY },
		{ !(o.disk == 8 && o.pdsk == 8) && n.disk == 8 && n.pdsk == 8, AFTER_CLEAR_CRASHED },
		{ !slow_nod(o) && slow_nod(n), AFTER_HELPER_PRI_INCON },
		{ restart, AFTER_NOD_RESTART },
		{ resend, AFTER_NOD_RESEND },
		{ n.susp_nod && !restart && !resend && data_came && f->all_have_data &&
		  !(n.disk != 8 && f->lowest_conn == 9), AFTER_NOD_THAW },
		{ n.susp_fen && f->lowest_conn >= 10, AFTER_FEN_RESEND },
		{ !osrc && nsrc && f->apv >= 96, AFTER_SEND_SYNC_UUID },
		{ o.pdsk == 0 && n.pdsk != 0 && n.pdsk != 6, AFTER_PEER_ATTACHED },
		{ o.conn != 13 && n.conn == 13 && f->now.conn == 13, AFTER_SEND_BITMAP },
		{ (nine && !now_susp) || (alone && !n.susp_fen), AFTER_NEW_UUID_LOST_PEER },
		{ (nine && now_susp) || (alone && n.susp_fen), AFTER_SET_NCU },
		{ !nine && !alone && n.pdsk < 4 && n.disk == 8 && n.peer == 1 && (o.peer != 1 || o.disk != 8) &&
		  own,
		  AFTER_NEW_UUID_PEER_PRIMARY },
		{ n.pdsk < 4 && n.disk >= 4 && o.peer == 1 && n.peer == 2, AFTER_BM_PEER_DEMOTED },
		{ n.disk >= 4 && o.role == 1 && n.role == 2 && f->now.conn <= 10, AFTER_BM_DEMOTED },
		{ o.disk == 1 && n.disk == 3 && n.conn >= 10, AFTER_SEND_ATTACHED },
		{ n.conn >= 10 && (o.aftr_isp != n.aftr_isp || o.user_isp != n.user_isp), AFTER_STATE_PAUSE },
		{ !opause && npause, AFTER_PAUSE_DEPENDENTS },
		{ o.conn == 9 && n.conn >= 10, AFTER_STATE_CONNECTED },
		{ o.conn != 22 && n.conn == 22, AFTER_STATE_AHEAD },
		{ (n.conn == 11 && o.conn != 11) || (n.conn == 12 && o.conn != 12), AFTER_START_FULL_SYNC },
		{ o.disk != 2 && n.disk == 2, AFTER_DISK_FAILED },
		{ o.disk != 0 && n.disk == 0, AFTER_DISKLESS },
		{ o.disk == 8 && n.disk == 4 && n.conn >= 10, AFTER_STATE_INCONSISTENT },
		{ n.disk > 3 && n.pdsk > 3 && f->resync_after_neg, AFTER_GROW_RESYNC },
		{ (o.conn > 10 && n.conn <= 10) || (o.peer_isp && !n.peer_isp) || (o.user_isp && !n.user_isp),
		  AFTER_RESUME_DEPENDENTS },
		{ o.disk < 8 && o.conn >= 16 && n.conn == 10, AFTER_STATE_FINISHED },
		{ o.conn == 18 && n.conn == 10 && f->apv >= 97 && f->apv != 100, AFTER_STATE_VERIFIED },
		{ o.conn > 10 && o.conn < 22 && (n.conn == 10 || n.conn >= 22), AFTER_BM_LAZY },
		{ unconf && o.aftr_isp != n.aftr_isp, AFTER_UNCONFIGURED },
		{ true, AFTER_FLUSH_MD },
	};
	u64 todo = 0;

	assert_int_equal(ARRAY_SIZE(a), AFTER_ACTIONS);
	for (size_t i = 0; i < ARRAY_SIZE(a); i++)
		if (a[i].hit)
			todo |= a[i].bit;
	return todo;
}

static u32 rnd_state = 1;

static u32 rnd(void)
{
	rnd_state ^= rnd_state << 13;
	rnd_state ^= rnd_state >> 17;
	rnd_state ^= rnd_state << 5;
	return rnd_state;
}

static struct state random_state(void)
{
	struct state s = state_unpack(rnd() & ST_ALL_MASK);

	s.role = 1 + s.role % 2;
	s.peer %= 3;
	s.conn %= 24;
	s.disk %= 9;
	s.pdsk %= 9;
	return s;
}

static void test_after_change_actions_match_their_conditions(void **state)
{
	static const u16 apv[] = { 86, 95, 96, 97, 100, 101 };
	const unsigned long cases = 1500000;
	u64 seen = 0;

	(void)state;
	for (unsigned long i = 0; i < cases; i++) {
		struct state o = random_state(), n = random_state();
		u32 r = rnd();
		struct after_facts f = {
			.now = r & 1 ? n : random_state(), .bitmap_uuid_zero = r & 2,
			.resync_after_neg = r & 4, .lowest_conn = r & 8 ? 10 : 8,
			.lowest_disk = r & 16 ? UTD : D_INCONSISTENT, .apv = apv[r / 32 % 6],
			.all_have_data = r & 0x80000, .sync_ended = r & 0x100000,
			.acceptance_awaited = r & 0x200000,
		};
		u64 got;

		/* Mostly small steps, as in life. */
		if (r & 0x10000)
			n.conn = o.conn;
		if (r & 0x20000)
			n.disk = o.disk;
		if (r & 0x40000)
			n.pdsk = o.pdsk;
		got = state_after_actions(o, n, &f);
		CHECK(got == slow_after(o, n, &f), "%08x -> %08x: %llx, not %llx\n", state_pack(o),
		      state_pack(n), (unsigned long long)got,
		      (unsigned long long)slow_after(o, n, &f));
		seen |= got;
	}
	assert_int_equal(seen, (1ULL << AFTER_ACTIONS) - 1);
	printf("         after-change actions: %lu random pairs, every action seen\n", cases);
}

static void test_losing_the_peer_makes_one_new_generation_at_most(void **state)
{
	struct state o = st(PRI, SEC, C_CONNECTED, UTD, UTD);
	struct state n = st(PRI, 0, C_NETWORK_FAILURE, UTD, D_UNKNOWN);
	struct after_facts f = { .now = n, .bitmap_uuid_zero = true, .apv = 101 };
	const u64 mask = AFTER_NEW_UUID_LOST_PEER | AFTER_SET_NCU | AFTER_NEW_UUID_PEER_PRIMARY;

	(void)state;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_NEW_UUID_LOST_PEER);
	f.now.susp_fen = true;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_SET_NCU);
	f.bitmap_uuid_zero = false;
	assert_int_equal(state_after_actions(o, n, &f) & mask, 0);
	/* the peer loses its disk and turns Primary in the same packet */
	f = (struct after_facts) { .bitmap_uuid_zero = true, .apv = 101 };
	n = st(SEC, PRI, C_CONNECTED, UTD, D_DISKLESS);
	f.now = n;
	o.role = SEC;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_NEW_UUID_LOST_PEER);
	/* what the administrator froze on the Secondary does not stop its Primary from writing to it */
	o = st(SEC, PRI, C_CONNECTED, UTD, UTD);
	f.now.susp = true;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_NEW_UUID_LOST_PEER);
	o = st(PRI, SEC, C_CONNECTED, UTD, UTD);
	o.role = SEC;
	/* a Secondary left by its Primary keeps its generation */
	n = st(SEC, 0, C_NETWORK_FAILURE, UTD, D_UNKNOWN);
	o.peer = PRI;
	f.now = n;
	assert_int_equal(state_after_actions(o, n, &f) & mask, 0);
}

static void test_connection_after_work(void **state)
{
	(void)state;
	for (int oc = 0; oc < 10; oc++)
		for (int nc = 0; nc < 10; nc++)
			for (int pdsk = 0; pdsk < 18; pdsk++) {
				u32 want = CAFTER_FLUSH_MD;

				want |= oc == 0 && nc == 2 ? CAFTER_START_RECEIVER : 0;
				want |= oc == 1 && nc == 0 ? CAFTER_DESTROY_NET : 0;
				want |= pdsk >= 9 && pdsk - 9 <= 5 ? CAFTER_FENCED : 0;
				assert_int_equal(state_conn_after_actions(oc, nc, pdsk >= 9, pdsk % 9),
						 want);
			}
}

static void test_ranges_over_volumes(void **state)
{
	struct state_range r = { 0 };
	struct state a = st(SEC, PRI, C_SYNC_TARGET, D_INCONSISTENT, UTD);
	struct state b = st(PRI, 0, C_CONNECTED, UTD, D_OUTDATED);

	(void)state;
	a.user_isp = true;
	state_range_add(&r, a);
	assert_true(state_equal(r.lo, a) && state_equal(r.hi, a));
	state_range_add(&r, b);
	assert_int_equal(r.lo.role, SEC);
	assert_int_equal(r.hi.role, PRI);
	assert_int_equal(r.lo.peer, ROLE_UNKNOWN);
	assert_int_equal(r.hi.peer, PRI);
	assert_int_equal(r.lo.conn, C_CONNECTED);
	assert_int_equal(r.hi.conn, C_SYNC_TARGET);
	assert_int_equal(r.lo.disk, D_INCONSISTENT);
	assert_int_equal(r.hi.disk, UTD);
	assert_int_equal(r.lo.pdsk, D_OUTDATED);
	assert_int_equal(r.hi.pdsk, UTD);
	assert_false(r.lo.user_isp);
	assert_true(r.hi.user_isp);
}

/* A peer that attaches its disk, or a sync that ends, ends the wait for data, too. */
static void frozen_for_lack_of_data_goes_on_when_data_comes_back_while_connected(void **state)
{
	struct state o = { .role = ROLE_PRIMARY, .peer = ROLE_SECONDARY, .conn = C_CONNECTED,
			   .disk = D_DISKLESS, .pdsk = D_DISKLESS, .susp_nod = true }, n = o;
	struct after_facts f = { .lowest_conn = C_CONNECTED, .lowest_disk = D_DISKLESS, .apv = 101 };

	(void)state;
	n.pdsk = D_UP_TO_DATE;
	f.now = n;
	assert_false(state_after_actions(o, n, &f) & AFTER_NOD_THAW);
	f.all_have_data = true;
	assert_true(state_after_actions(o, n, &f) & AFTER_NOD_THAW);
	assert_false(state_after_actions(n, n, &f) & AFTER_NOD_THAW);
	n.susp_nod = false;
	assert_false(state_after_actions(o, n, &f) & AFTER_NOD_THAW);
}

/* The others are frozen with it: thawed, they would change what they have just told of themselves. */
static void frozen_for_lack_of_data_waits_until_all_volumes_have_shaken_hands(void **state)
{
	struct state o = { .role = ROLE_PRIMARY, .conn = C_WF_REPORT_PARAMS, .disk = D_DISKLESS,
			   .pdsk = D_UNKNOWN, .susp_nod = true }, n = o;
	struct after_facts f = { .lowest_conn = C_WF_REPORT_PARAMS, .all_have_data = true, .apv = 101 };
	const u64 thaws = AFTER_NOD_THAW | AFTER_NOD_RESEND | AFTER_NOD_RESTART;

	(void)state;
	n.conn = C_CONNECTED;
	n.peer = ROLE_SECONDARY;
	n.pdsk = D_UP_TO_DATE;
	f.now = n;
	assert_false(state_after_actions(o, n, &f) & thaws);
	/* The last one: its own data were there all the time. */
	o.disk = n.disk = D_UP_TO_DATE;
	f.lowest_conn = C_CONNECTED;
	assert_int_equal(state_after_actions(o, n, &f) & thaws, AFTER_NOD_RESEND);
}

static void a_disk_attached_for_a_diskless_primary_begins_a_generation(void **state)
{
	struct state o = st(SEC, PRI, C_CONNECTED, D_NEGOTIATING, D_DISKLESS), n = o;
	struct after_facts f = { .lowest_conn = C_CONNECTED, .bitmap_uuid_zero = true, .apv = 101 };

	(void)state;
	n.disk = UTD;
	f.now = n;
	assert_true(state_after_actions(o, n, &f) & AFTER_NEW_UUID_PEER_PRIMARY);
	assert_false(state_after_actions(n, n, &f) & AFTER_NEW_UUID_PEER_PRIMARY);
	n.pdsk = UTD;
	assert_false(state_after_actions(o, n, &f) & AFTER_NEW_UUID_PEER_PRIMARY);
}

static void a_primary_that_gets_its_disk_back_without_its_peer_begins_a_generation(void **state)
{
	const u64 mask = AFTER_NEW_UUID_LOST_PEER | AFTER_SET_NCU;
	struct state o = st(PRI, 0, C_STANDALONE, D_ATTACHING, D_UNKNOWN), n = o;
	struct after_facts f = { .bitmap_uuid_zero = true, .apv = 101 };

	(void)state;
	n.disk = UTD;
	f.now = n;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_NEW_UUID_LOST_PEER);
	/* What waits for data is let go by this very disk: its generation can not wait. */
	n.susp_nod = f.now.susp_nod = true;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_NEW_UUID_LOST_PEER);
	/* It has one already, or is no Primary, or its peer has a say. */
	f.bitmap_uuid_zero = false;
	assert_int_equal(state_after_actions(o, n, &f) & mask, 0);
	f.bitmap_uuid_zero = true;
	o.role = n.role = SEC;
	assert_int_equal(state_after_actions(o, n, &f) & mask, 0);
	o = st(PRI, SEC, C_CONNECTED, D_NEGOTIATING, UTD);
	n = st(PRI, SEC, C_CONNECTED, UTD, UTD);
	assert_int_equal(state_after_actions(o, n, &f) & mask, 0);
	/* Without a disk it has none, connected or not: its own would come back under the old name. */
	o.pdsk = n.pdsk = D_DISKLESS;
	f.now = n;
	assert_int_equal(state_after_actions(o, n, &f) & mask, AFTER_NEW_UUID_LOST_PEER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_attached_for_a_diskless_primary_begins_a_generation),
		cmocka_unit_test(a_primary_that_gets_its_disk_back_without_its_peer_begins_a_generation),
		cmocka_unit_test(frozen_for_lack_of_data_goes_on_when_data_comes_back_while_connected),
		cmocka_unit_test(frozen_for_lack_of_data_waits_until_all_volumes_have_shaken_hands),
		cmocka_unit_test(test_after_change_actions_match_their_conditions),
		cmocka_unit_test(test_losing_the_peer_makes_one_new_generation_at_most),
		cmocka_unit_test(test_connection_after_work),
		cmocka_unit_test(test_ranges_over_volumes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
