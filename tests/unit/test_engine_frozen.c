// SPDX-License-Identifier: GPL-2.0
/* What was frozen, and what becomes of it: sent again, begun anew on the own disk, or failed. */
#include "data_path_fixture.h"

static void a_frozen_write_is_sent_again_after_reconnect(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent first = expect(SOCK_DATA, P_DATA), again;

	(void)state;
	disk_done(w, 0);
	fake.resource.susp_fen = true;
	link_is_new();
	tl_apply(conn(), REQ_RESEND);
	fake.resource.susp_fen = false;
	again = expect(SOCK_DATA, P_DATA);
	assert_memory_equal(first.body, again.body, 16);
	assert_true(ack(&again, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

/* Each volume's turn sends the log again: on the peer's disk the two would overlap. */
static void a_frozen_write_is_sent_again_only_once_over_one_link(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent again;

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	fake.resource.susp_nod = true;
	link_is_new();
	tl_apply(conn(), REQ_RESEND);
	fake.resource.susp_nod = false;
	tl_apply(conn(), REQ_RESEND);
	again = expect(SOCK_DATA, P_DATA);
	tl_apply(conn(), REQ_RESEND);
	expect_idle(SOCK_DATA);
	assert_true(ack(&again, P_WRITE_ACK, 4096));
	assert_true(w->completed);
}

/* Below 95 a header's length has 16 bits. Cut for the peer of before, it can not be told this one. */
static void a_write_larger_than_an_old_peers_packets_fails(void **state)
{
	struct app *w;

	(void)state;
	conn()->agreed_pro_version = 94;
	w = issue(OP_WRITE, 0, 131072);
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
	expect_idle(SOCK_DATA);
	/* Written again it fits. */
	w = issue(OP_WRITE, 0, 32768);
	assert_true(w->submitted && !w->completed);
}

static void a_frozen_write_larger_than_an_old_peers_packets_fails_and_is_marked(void **state)
{
	struct app *w = issue(OP_WRITE, 0, 131072);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	fake.resource.susp_fen = true;
	link_is_new();
	conn()->agreed_pro_version = 94;
	tl_apply(conn(), REQ_RESEND);
	/* Told of success now, a user might see the fenced peer contradict it. */
	assert_false(w->completed);
	fake.resource.susp_fen = false;
	request_admission_kick(dev());
	fake_run();
	expect_idle(SOCK_DATA);
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(dev()->bitmap.bits_set, 32);
	/* The peer learns of them. */
	assert_true(dev()->resend_left_bits);
}

static void a_read_larger_than_an_old_peers_packets_stays_here(void **state)
{
	struct app *r;

	(void)state;
	dev()->disk_conf.read_balancing = RB_PREFER_REMOTE;
	conn()->agreed_pro_version = 94;
	r = issue(OP_READ, 0, 131072);
	expect_idle(SOCK_DATA);
	assert_true(r->submitted);
	disk_done(r, 0);
	assert_int_equal(r->error, 0);
}

static u32 barrier_number(void)
{
	struct sent s = expect(SOCK_DATA, P_BARRIER);

	return le32_to_cpu((__force __le32)((struct wire_p_barrier *)s.body)->barrier);
}

/* Another volume may have gone on already: the peer acknowledges epochs as they come. */
static void a_write_sent_again_belongs_to_the_epoch_in_which_it_leaves(void **state)
{
	struct app *frozen = issue(OP_WRITE, 8, 4096);
	u32 first;

	(void)state;
	expect(SOCK_DATA, P_DATA);
	tl_close_epoch(conn());
	link_is_new();
	issue(OP_WRITE, 80, 4096);
	expect(SOCK_DATA, P_DATA);
	tl_close_epoch(conn());
	tl_apply(conn(), REQ_RESEND);
	first = barrier_number();
	expect(SOCK_DATA, P_DATA);
	assert_true(conn()->tl.sent_epoch > first);
	assert_false(frozen->completed);
}

static void a_read_sent_again_ends_no_epoch_before_its_time(void **state)
{
	struct app *read;

	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(D_DISKLESS)), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	issue(OP_WRITE, 8, 4096);
	read = issue(OP_READ, 800, 4096);
	expect(SOCK_DATA, P_DATA);
	expect(SOCK_DATA, P_DATA_REQUEST);
	tl_close_epoch(conn());
	link_is_new();
	tl_apply(conn(), REQ_RESEND);
	issue(OP_WRITE, 80, 4096);
	expect(SOCK_DATA, P_DATA);
	expect(SOCK_DATA, P_DATA_REQUEST);
	expect(SOCK_DATA, P_DATA);
	assert_false(read->completed);
}

/* Otherwise nobody would ever answer it, and the epochs would not match for ever. */
static void a_write_sent_again_into_a_resync_still_asks_for_its_ack(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent again;

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	fake.resource.susp_fen = true;
	link_is_new();
	dev()->state.conn = C_WF_BITMAP_S;
	dev()->state.pdsk = D_CONSISTENT;
	tl_apply(conn(), REQ_RESEND);
	fake.resource.susp_fen = false;
	again = expect(SOCK_DATA, P_DATA);
	assert_true(be32_to_cpu(((struct wire_p_data *)again.body)->dp_flags) & DP_SEND_WRITE_ACK);
	assert_true(ack(&again, P_WRITE_ACK, 4096));
	assert_true(w->completed);
}

/*
 * The peer came back with another protocol in its file, or with a version that answers by the file
 * alone: the ack first agreed upon never comes, and the epoch would not match for ever.
 */
static void a_write_sent_again_awaits_the_ack_that_its_new_connection_gives(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent again, barrier;

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	fake.resource.susp_fen = true;
	link_is_new();
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_B;
	tl_apply(conn(), REQ_RESEND);
	fake.resource.susp_fen = false;
	again = expect(SOCK_DATA, P_DATA);
	assert_int_equal(be32_to_cpu(((struct wire_p_data *)again.body)->dp_flags),
			 DP_SEND_RECEIVE_ACK);
	assert_false(w->completed);
	assert_true(ack(&again, P_RECV_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(w->freed);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

/* The peer is gone while I/O is frozen, and the own disk is attached again. */
static void lose_the_peer_and_get_the_disk_back(void)
{
	fake.resource.susp_nod = true;
	conn()->cstate = C_WF_CONNECTION;
	dev()->state.conn = C_WF_CONNECTION;
	dev()->state.pdsk = D_UNKNOWN;
	send_close(conn());
	dev()->state.disk = D_UP_TO_DATE;
	tl_apply(conn(), REQ_RESTART_FROZEN);
	fake.resource.susp_nod = false;
	request_admission_kick(dev());
	fake_run();
}

static void what_only_the_lost_peer_was_asked_for_begins_anew_on_the_own_disk(void **state)
{
	struct app *w, *r;

	(void)state;
	dev()->state.disk = D_DISKLESS;
	w = issue(OP_WRITE, 8, 4096);
	r = issue(OP_READ, 64, 4096);
	expect(SOCK_DATA, P_DATA);
	expect(SOCK_DATA, P_DATA_REQUEST);
	lose_the_peer_and_get_the_disk_back();
	assert_int_equal(w->submissions, 1);
	assert_int_equal(r->submissions, 1);
	disk_done(w, 0);
	disk_done(r, 0);
	assert_true(w->completed && r->completed);
	assert_int_equal(w->error | r->error, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	assert_int_equal(dev()->ap_in_flight, 0);
}

/* The peer may have lost what it never flushed, and an error is what the freeze is to spare. */
static void a_frozen_flush_begins_anew_on_the_own_disk(void **state)
{
	struct app *w, *f;

	(void)state;
	dev()->state.disk = D_DISKLESS;
	w = issue(OP_WRITE, 8, 4096);
	f = issue(OP_FLUSH, 0, 0);
	expect(SOCK_DATA, P_DATA);
	expect(SOCK_DATA, P_BARRIER);
	lose_the_peer_and_get_the_disk_back();
	assert_false(f->completed);
	assert_int_equal(f->submissions, 1);
	disk_done(w, 0);
	disk_done(f, 0);
	assert_true(w->freed && f->freed);
	assert_int_equal(w->error | f->error, 0);
}

static void a_write_restarted_on_the_own_disk_waits_for_no_peer_that_is_lost(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	lose_the_peer_and_get_the_disk_back();
	assert_int_equal(w->submissions, 2);
	assert_false(w->completed);
	disk_done(w, 0);
	assert_true(w->freed);
	assert_int_equal(w->error, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void a_write_whose_epoch_the_lost_peer_never_confirmed_is_marked_at_the_restart(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed && !w->freed);
	lose_the_peer_and_get_the_disk_back();
	assert_true(w->freed);
	assert_int_equal(conn()->tl.unacked, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

/* Neither lost nor to be repeated: it was held by the suspension alone. */
static void what_the_peer_answered_while_frozen_completes_when_the_disk_is_back(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	dev()->state.disk = D_DISKLESS;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	fake.resource.susp_nod = true;
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_false(w->completed);
	dev()->state.disk = D_ATTACHING;
	state_force(dev(), ST_ARGS(ST_CHANGE_DISK(D_UP_TO_DATE)));
	fake_run();
	assert_false(fake.resource.susp_nod);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void a_write_the_peer_lacks_is_held_until_the_new_uuid_is_durable(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	device_new_uuid_begin(dev());
	disk_done(w, 0);
	send_close(conn());
	tl_apply(conn(), REQ_CONNECTION_LOST);
	assert_false(w->completed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	device_new_uuid_end(dev());
	assert_true(w->completed);
	assert_true(w->freed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_frozen_write_is_sent_again_after_reconnect, setup_primary),
		TEST(a_write_sent_again_belongs_to_the_epoch_in_which_it_leaves, setup_primary),
		TEST(a_read_sent_again_ends_no_epoch_before_its_time, setup_primary),
		TEST(a_frozen_write_is_sent_again_only_once_over_one_link, setup_primary),
		TEST(a_write_larger_than_an_old_peers_packets_fails, setup_primary),
		TEST(a_frozen_write_larger_than_an_old_peers_packets_fails_and_is_marked, setup_primary),
		TEST(a_read_larger_than_an_old_peers_packets_stays_here, setup_primary),
		TEST(a_write_sent_again_into_a_resync_still_asks_for_its_ack, setup_primary),
		TEST(a_write_sent_again_awaits_the_ack_that_its_new_connection_gives, setup_primary),
		TEST(what_only_the_lost_peer_was_asked_for_begins_anew_on_the_own_disk, setup_primary),
		TEST(a_frozen_flush_begins_anew_on_the_own_disk, setup_primary),
		TEST(a_write_restarted_on_the_own_disk_waits_for_no_peer_that_is_lost, setup_primary),
		TEST(a_write_whose_epoch_the_lost_peer_never_confirmed_is_marked_at_the_restart,
		     setup_primary),
		TEST(what_the_peer_answered_while_frozen_completes_when_the_disk_is_back, setup_primary),
		TEST(a_write_the_peer_lacks_is_held_until_the_new_uuid_is_durable, setup_primary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
