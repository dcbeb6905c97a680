// SPDX-License-Identifier: GPL-2.0
/* The peer's writes, two Primaries, resync's exclusion; a scripted peer, on a fake host. */
#include "data_path_fixture.h"

/* ---- the peer's writes ---- */

static void a_received_write_is_acknowledged_when_on_disk(void **state)
{
	struct sent s;

	(void)state;
	done(write_arrives(8, 4096, 1));
	assert_true(peer_submitted[0]);
	expect_idle(SOCK_META);
	peer_request_local_done(&peers[0], 0);
	s = expect(SOCK_META, P_WRITE_ACK);
	assert_int_equal(((struct wire_p_block_ack *)s.body)->block_id, 0x1122334455667789ULL);
	assert_int_equal(be32_to_cpu(((struct wire_p_block_ack *)s.body)->seq_num), 1);
	assert_true(peer_freed[0]);
	assert_int_equal(dev()->prl.in_flight, 0);
}

static void the_barrier_ack_follows_the_last_ack(void **state)
{
	struct arrival *b;
	struct sent s;

	(void)state;
	done(write_arrives(8, 4096, 1));
	done(write_arrives(64, 4096, 2));
	b = barrier_arrives(0x01020304);
	assert_int_equal(b->status, FIBER_WAIT);
	peer_request_local_done(&peers[1], 0);
	peer_request_local_done(&peers[0], 0);
	go_on(b);
	done(b);
	expect(SOCK_META, P_WRITE_ACK);
	expect(SOCK_META, P_WRITE_ACK);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(((struct wire_p_barrier_ack *)s.body)->barrier, 0x01020304);
	assert_int_equal(be32_to_cpu(((struct wire_p_barrier_ack *)s.body)->set_size), 2);
	expect_idle(SOCK_META);
}

static void unordered_epochs_are_still_acknowledged_in_order(void **state)
{
	struct sent s;

	(void)state;
	dev()->disk_conf.disk_flushes = dev()->disk_conf.disk_drain = false;
	resource_write_ordering_update(&fake.resource);
	assert_int_equal(fake.resource.write_ordering, 0);
	done(write_arrives(8, 4096, 1));
	done(barrier_arrives(1));
	done(write_arrives(64, 4096, 2));
	done(barrier_arrives(2));
	peer_request_local_done(&peers[1], 0);
	expect(SOCK_META, P_WRITE_ACK);
	expect_idle(SOCK_META);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(((struct wire_p_barrier_ack *)s.body)->barrier, 1);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(((struct wire_p_barrier_ack *)s.body)->barrier, 2);
}

static void a_volume_that_needs_no_flushes_takes_them_from_no_other(void **state)
{
	struct arrival *b;

	(void)state;
	/* What another volume makes of the resource's value. */
	fake.resource.write_ordering = 1;
	dev()->disk_conf.disk_flushes = true;
	done(write_arrives(8, 4096, 1));
	peer_request_local_done(&peers[0], 0);
	b = barrier_arrives(1);
	assert_int_equal(b->flushes, 1);
	done(b);
	dev()->disk_conf.disk_flushes = false;
	done(write_arrives(8, 4096, 2));
	peer_request_local_done(&peers[1], 0);
	b = barrier_arrives(2);
	assert_int_equal(b->flushes, 0);
	done(b);
}

static void a_failed_received_write_is_marked_and_refused(void **state)
{
	(void)state;
	done(write_arrives(8, 4096, 1));
	peer_request_local_done(&peers[0], -EIO);
	expect(SOCK_META, P_NEG_ACK);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	fake_run();
	done(write_arrives(64, 4096, 2));
	assert_false(peer_submitted[1]);
	expect(SOCK_META, P_NEG_ACK);
}

static void a_write_beyond_the_device_is_a_protocol_error(void **state)
{
	struct wire_p_data p = { .sector = cpu_to_be64(SECTORS - 4) };
	struct incoming in = { .hdr = { .cmd = P_DATA, .length = sizeof(p) + 4096 } };

	(void)state;
	in.fixed = (u8 *)&p;
	assert_true(receive_plan(conn(), SOCK_DATA, &in));
	assert_false(receive_plan_payload(&in));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

static void an_unknown_meta_packet_ends_in_standalone(void **state)
{
	struct incoming in = { .hdr = { .cmd = 0x77, .length = 8 } };

	(void)state;
	assert_false(receive_plan(conn(), SOCK_META, &in));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

/* ---- two Primaries ---- */

static void make_two_primaries(bool resolve)
{
	conn()->net_conf.two_primaries = 1;
	conn()->resolve_conflicts = resolve;
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_ROLE(ROLE_PRIMARY),
						      ST_CHANGE_PEER(ROLE_PRIMARY))), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
}

static void my_write_supersedes_the_peers(void **state)
{
	struct arrival *a;
	struct app *w;

	(void)state;
	make_two_primaries(true);
	w = issue(OP_WRITE, 8, 8192);
	a = write_arrives(8, 4096, 1);
	/* A read that follows the peer's answer to its owner must not find what was there before. */
	assert_int_equal(a->status, FIBER_WAIT);
	expect_idle(SOCK_META);
	disk_done(w, 0);
	go_on(a);
	done(a);
	assert_false(peer_submitted[0]);
	expect(SOCK_META, P_SUPERSEDED);
	assert_true(peer_freed[0]);
	done(barrier_arrives(5));
	expect_idle(SOCK_META);
	assert_false(w->completed);
}

static void a_mixed_epoch_counts_only_what_was_written(void **state)
{
	struct sent s, mine;

	(void)state;
	make_two_primaries(true);
	issue(OP_WRITE, 8, 4096);
	mine = expect(SOCK_DATA, P_DATA);
	done(write_arrives(12, 4096, 1));
	expect(SOCK_META, P_RETRY_WRITE);
	done(write_arrives(800, 4096, 2));
	peer_request_local_done(&peers[1], 0);
	done(barrier_arrives(5));
	expect(SOCK_META, P_WRITE_ACK);
	assert_true(ack(&mine, P_WRITE_ACK, 4096));
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(be32_to_cpu(((struct wire_p_barrier_ack *)s.body)->set_size), 1);
}

/* The original counts a write sent back until it has carried out the one that won. */
static void the_ack_of_an_epoch_waits_until_a_write_sent_back_may_be_repeated(void **state)
{
	struct sent mine;
	struct app *w;

	(void)state;
	make_two_primaries(true);
	w = issue(OP_WRITE, 8, 4096);
	mine = expect(SOCK_DATA, P_DATA);
	done(write_arrives(800, 4096, 1));
	done(write_arrives(12, 4096, 2));
	expect(SOCK_META, P_RETRY_WRITE);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	done(barrier_arrives(5));
	done(write_arrives(1600, 4096, 3));
	peer_request_local_done(&peers[2], 0);
	expect(SOCK_META, P_WRITE_ACK);
	done(barrier_arrives(6));
	disk_done(w, 0);
	expect_idle(SOCK_META);
	assert_true(ack(&mine, P_WRITE_ACK, 4096));
	expect(SOCK_META, P_BARRIER_ACK);
	expect(SOCK_META, P_BARRIER_ACK);
	expect_idle(SOCK_META);
	assert_int_equal(conn()->epochs.sent_back, 0);
}

/*
 * The peer answers mine only after what it sent behind many epochs more was read here: then it has to
 * be content with an early ack.
 */
static void an_epoch_with_a_write_sent_back_does_not_stop_what_follows_for_ever(void **state)
{
	u32 i;

	(void)state;
	make_two_primaries(true);
	issue(OP_WRITE, 8, 4096);
	expect(SOCK_DATA, P_DATA);
	done(write_arrives(800, 4096, 1));
	done(write_arrives(12, 4096, 2));
	expect(SOCK_META, P_RETRY_WRITE);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	for (i = 0; i < PEER_EPOCHS - 2; i++)
		done(barrier_arrives(5 + i));
	expect_idle(SOCK_META);
	done(barrier_arrives(5 + i));
	expect(SOCK_META, P_BARRIER_ACK);
}

/* It was written after mine there, so it must be here: refused, the disks would differ. */
static void a_write_that_followed_the_ack_of_mine_is_not_refused(void **state)
{
	struct arrival *a;
	struct sent mine;
	struct app *w;

	(void)state;
	make_two_primaries(true);
	w = issue(OP_WRITE, 8, 4096);
	mine = expect(SOCK_DATA, P_DATA);
	assert_true(ack(&mine, P_WRITE_ACK, 4096));
	a = write_arrives(8, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	expect_idle(SOCK_META);
	assert_false(peer_submitted[0]);
	disk_done(w, 0);
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
}

/* Suspended, mine stays uncompleted for long: that must not hold up what it is done with. */
static void a_write_does_not_wait_for_a_suspension_to_end(void **state)
{
	struct sent mine;
	struct app *w;

	(void)state;
	make_two_primaries(true);
	w = issue(OP_WRITE, 8, 4096);
	mine = expect(SOCK_DATA, P_DATA);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_FLAG(ST_SUSP, true)), CS_HARD);
	assert_true(ack(&mine, P_WRITE_ACK, 4096));
	disk_done(w, 0);
	assert_false(w->completed);
	done(write_arrives(8, 4096, 1));
	assert_true(peer_submitted[0]);
}

static void sequence_numbers_hold_a_write_back(void **state)
{
	struct arrival *a;

	(void)state;
	make_two_primaries(true);
	a = write_arrives(8, 4096, 2);
	assert_int_equal(a->status, FIBER_WAIT);
	peer_seq_seen(dev(), 1);
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
}

static void a_missing_sequence_number_is_a_protocol_error(void **state)
{
	struct arrival *a;

	(void)state;
	make_two_primaries(true);
	a = write_arrives(8, 4096, 2);
	fake_advance(1000);
	go_on(a);
	assert_int_equal(a->status, FIBER_DONE);
	assert_false(a->in.ok);
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
	assert_true(peer_freed[0]);
	free(a);
}

static void my_write_steps_back_and_is_repeated(void **state)
{
	struct app *w;
	struct sent data, again;
	struct arrival *a;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	a = write_arrives(4, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_true(ack(&data, P_RETRY_WRITE, 4096));
	go_on(a);
	assert_int_equal(a->status, FIBER_WAIT);
	disk_done(w, 0);
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
	assert_false(w->completed);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	fake_run();
	assert_int_equal(w->submissions, 2);
	do
		assert_true(next_packet(SOCK_DATA, &again, true));
	while (again.cmd != P_DATA);
	disk_done(w, 0);
	assert_true(ack(&again, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	/* Covered by the activity log all the time, so that no bit is left behind. */
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(al_active_extents(dev()), 1);
	do
		assert_true(next_packet(SOCK_DATA, &again, true));
	while (again.cmd != P_BARRIER);
	assert_true(barrier_ack(&again, 1));
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

/* Version 99 has one word for both refusals; mine may be wider than the write that won. */
static void an_older_peers_only_refusal_makes_my_write_be_repeated(void **state)
{
	struct app *w;
	struct sent data, again;
	struct arrival *a;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 8192);
	data = expect(SOCK_DATA, P_DATA);
	a = write_arrives(4, 4096, 1);
	/* The fixture knows but the headers of the newest. */
	conn()->agreed_pro_version = 99;
	assert_true(ack(&data, P_SUPERSEDED, 8192));
	conn()->agreed_pro_version = WIRE_APV_MAX;
	disk_done(w, 0);
	go_on(a);
	done(a);
	assert_false(w->completed);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	fake_run();
	assert_int_equal(w->submissions, 2);
	do
		assert_true(next_packet(SOCK_DATA, &again, true));
	while (again.cmd != P_DATA);
	disk_done(w, 0);
	assert_true(ack(&again, P_WRITE_ACK, 8192));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void what_is_not_repeated_is_marked(void **state)
{
	struct app *w;
	struct sent data;
	struct arrival *a;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	a = write_arrives(4, 4096, 1);
	assert_true(ack(&data, P_RETRY_WRITE, 4096));
	go_on(a);
	disk_done(w, 0);
	fake.resource.susp = true;
	go_on(a);
	done(a);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	fake_run();
	assert_int_equal(w->submissions, 1);
	assert_true(al_active_extents(dev()) || dev()->bitmap.bits_set);
	lose_connection();
	fake.resource.susp = false;
	request_admission_kick(dev());
	fake_run();
	disk_done(w, 0);
	assert_true(w->completed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static struct sent sent_again(void)
{
	struct sent again;

	do
		assert_true(next_packet(SOCK_DATA, &again, true));
	while (again.cmd != P_DATA);
	return again;
}

static void a_write_refused_for_one_that_found_no_disk_is_repeated(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	done(write_arrives(4, 4096, 1));
	expect(SOCK_META, P_NEG_ACK);
	assert_true(ack(&data, P_RETRY_WRITE, 4096));
	fake_run();
	data = sent_again();
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	exposure_name(dev(), 0xCCCC000000000000ULL);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

/* The peer acknowledges no epoch that is left with no write. */
static void a_flush_does_not_wait_for_the_epoch_of_a_refused_write_alone(void **state)
{
	static const int refusals[] = { P_SUPERSEDED, P_RETRY_WRITE };
	struct app *w, *flush;
	struct sent data, kept;
	u32 i;

	(void)state;
	make_two_primaries(false);
	for (i = 0; i < ARRAY_SIZE(refusals); i++) {
		w = issue(OP_WRITE, 64 * i + 64, 4096);
		kept = expect(SOCK_DATA, P_DATA);
		disk_done(w, 0);
		w = issue(OP_WRITE, 64 * i + 8, 4096);
		data = expect(SOCK_DATA, P_DATA);
		disk_done(w, 0);
		flush = issue(OP_FLUSH, 0, 0);
		disk_done(flush, 0);
		assert_true(ack(&data, refusals[i], 4096));
		/* The other one may be in the peer's cache still. */
		assert_false(flush->completed);
		assert_true(ack(&kept, P_WRITE_ACK, 4096));
		assert_false(flush->completed);
		kept = expect(SOCK_DATA, P_BARRIER);
		assert_true(barrier_ack(&kept, 1));
		assert_true(flush->completed);

		w = issue(OP_WRITE, 64 * i + 24, 4096);
		data = expect(SOCK_DATA, P_DATA);
		disk_done(w, 0);
		flush = issue(OP_FLUSH, 0, 0);
		disk_done(flush, 0);
		assert_false(flush->completed);
		expect(SOCK_DATA, P_BARRIER);
		assert_true(ack(&data, refusals[i], 4096));
		assert_true(flush->completed);
		assert_int_equal(flush->error, 0);
	}
}

/* The peer's write may be on top of it here: both disks need it anew, and its epoch is another one. */
static void a_write_that_stepped_back_before_a_freeze_begins_anew_on_both(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(ack(&data, P_RETRY_WRITE, 4096));
	fake.resource.susp_fen = true;
	link_is_new();
	tl_apply(conn(), REQ_RESEND);
	fake.resource.susp_fen = false;
	request_admission_kick(dev());
	fake_run();
	assert_int_equal(w->submissions, 2);
	data = sent_again();
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_int_equal(conn()->tl.unacked, 1);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

static void a_write_that_stepped_back_is_repeated_though_the_disk_is_lost(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(ack(&data, P_RETRY_WRITE, 4096));
	assert_false(w->freed);
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	done(write_arrives(4, 4096, 1));
	expect(SOCK_META, P_NEG_ACK);
	fake_run();
	data = sent_again();
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	exposure_name(dev(), 0xCCCC000000000000ULL);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

/* The original never acknowledges an epoch in which it refused a write. */
static void an_ack_lost_over_a_refused_write_is_not_missed(void **state)
{
	struct sent da, db, dc, barrier;
	struct app *a, *b, *c;

	(void)state;
	make_two_primaries(false);
	a = issue(OP_WRITE, 8, 4096);
	b = issue(OP_WRITE, 64, 512);
	da = expect(SOCK_DATA, P_DATA);
	db = expect(SOCK_DATA, P_DATA);
	disk_done(a, 0);
	disk_done(b, 0);
	assert_true(ack(&da, P_SUPERSEDED, 4096));
	assert_true(ack(&db, P_WRITE_ACK, 512));
	c = issue(OP_WRITE, 128, 512);
	expect(SOCK_DATA, P_BARRIER);
	dc = expect(SOCK_DATA, P_DATA);
	disk_done(c, 0);
	assert_true(ack(&dc, P_WRITE_ACK, 512));
	assert_false(b->freed);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(a->freed && b->freed && c->freed);
	assert_int_equal(conn()->tl.unacked, 0);
}

static void an_ack_of_what_is_still_under_way_is_refused_all_the_same(void **state)
{
	struct sent da, barrier;
	struct app *a, *b;

	(void)state;
	make_two_primaries(false);
	a = issue(OP_WRITE, 8, 4096);
	b = issue(OP_WRITE, 64, 512);
	da = expect(SOCK_DATA, P_DATA);
	expect(SOCK_DATA, P_DATA);
	disk_done(a, 0);
	disk_done(b, 0);
	assert_true(ack(&da, P_SUPERSEDED, 4096));
	issue(OP_WRITE, 128, 512);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_false(barrier_ack(&barrier, 2));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

/* ---- exclusion of resync and writes ---- */

static void resync_and_writes_take_turns_on_an_extent(void **state)
{
	struct app *w, *v;
	struct sent data, barrier;

	(void)state;
	assert_true(rs_extent_try_lock(dev(), 0));
	w = issue(OP_WRITE, 8, 4096);
	assert_false(w->submitted);
	assert_false(rs_extent_try_lock(dev(), 8));
	rs_extent_unlock(dev(), 0);
	fake_run();
	assert_true(w->submitted);
	data = expect(SOCK_DATA, P_DATA);
	assert_false(rs_extent_try_lock(dev(), 0));
	v = issue(OP_WRITE, 800, 4096);
	assert_false(v->submitted);
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(rs_extent_try_lock(dev(), 0));
	assert_false(v->submitted);
	rs_extent_unlock(dev(), 0);
	fake_run();
	assert_true(v->submitted);
}

/* On a busy volume it would get no further than one request in each round of writes. */
static void a_resync_below_its_minimum_rate_keeps_its_extent_from_writes(void **state)
{
	struct app *w;

	(void)state;
	dev()->state.conn = C_SYNC_SOURCE;
	dev()->disk_conf.c_min_rate = 250;
	progress_start(&dev()->resync.progress, env_now_ms(), 1000);
	dev()->bitmap.bits_set = 1000;
	assert_true(rs_extent_try_lock(dev(), 0));
	w = issue(OP_WRITE, 8, 4096);
	assert_false(w->submitted);
	assert_true(rs_extent_try_lock(dev(), 8));
	dev()->bitmap.bits_set = 100;
	assert_false(rs_extent_try_lock(dev(), 16));
	rs_extent_unlock(dev(), 0);
	rs_extent_unlock(dev(), 8);
	dev()->state.conn = C_CONNECTED;
	dev()->bitmap.bits_set = 0;
	fake_run();
	assert_true(w->submitted);
}

static void a_claim_that_is_not_renewed_lets_writes_pass(void **state)
{
	struct app *v;

	(void)state;
	issue(OP_WRITE, 8, 4096);
	assert_false(rs_extent_try_lock(dev(), 0));
	v = issue(OP_WRITE, 800, 4096);
	assert_false(v->submitted);
	fake_advance(2000);
	assert_true(v->submitted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_received_write_is_acknowledged_when_on_disk, setup_secondary),
		TEST(the_barrier_ack_follows_the_last_ack, setup_secondary),
		TEST(unordered_epochs_are_still_acknowledged_in_order, setup_secondary),
		TEST(a_volume_that_needs_no_flushes_takes_them_from_no_other, setup_secondary),
		TEST(a_failed_received_write_is_marked_and_refused, setup_secondary),
		TEST(a_write_beyond_the_device_is_a_protocol_error, setup_secondary),
		TEST(an_unknown_meta_packet_ends_in_standalone, setup_secondary),
		TEST(my_write_supersedes_the_peers, setup_primary),
		TEST(a_mixed_epoch_counts_only_what_was_written, setup_primary),
		TEST(the_ack_of_an_epoch_waits_until_a_write_sent_back_may_be_repeated, setup_primary),
		TEST(an_epoch_with_a_write_sent_back_does_not_stop_what_follows_for_ever, setup_primary),
		TEST(a_write_that_followed_the_ack_of_mine_is_not_refused, setup_primary),
		TEST(a_write_does_not_wait_for_a_suspension_to_end, setup_primary),
		TEST(sequence_numbers_hold_a_write_back, setup_primary),
		TEST(a_missing_sequence_number_is_a_protocol_error, setup_primary),
		TEST(my_write_steps_back_and_is_repeated, setup_primary),
		TEST(an_older_peers_only_refusal_makes_my_write_be_repeated, setup_primary),
		TEST(what_is_not_repeated_is_marked, setup_primary),
		TEST(a_write_refused_for_one_that_found_no_disk_is_repeated, setup_diskless),
		TEST(a_write_that_stepped_back_before_a_freeze_begins_anew_on_both, setup_primary),
		TEST(a_flush_does_not_wait_for_the_epoch_of_a_refused_write_alone, setup_primary),
		TEST(a_write_that_stepped_back_is_repeated_though_the_disk_is_lost, setup_primary),
		TEST(an_ack_lost_over_a_refused_write_is_not_missed, setup_primary),
		TEST(an_ack_of_what_is_still_under_way_is_refused_all_the_same, setup_primary),
		TEST(resync_and_writes_take_turns_on_an_extent, setup_primary),
		TEST(a_resync_below_its_minimum_rate_keeps_its_extent_from_writes, setup_primary),
		TEST(a_claim_that_is_not_renewed_lets_writes_pass, setup_primary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
