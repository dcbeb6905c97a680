// SPDX-License-Identifier: GPL-2.0
/* This node's own requests against a scripted peer, on a fake host. */
#include "data_path_fixture.h"

/* ---- writing ---- */

static void a_protocol_c_write_waits_for_disk_and_peer(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	assert_int_equal(data.payload, 4096);
	assert_int_equal(be32_to_cpu(((struct wire_p_data *)data.body)->dp_flags), DP_SEND_WRITE_ACK);
	disk_done(w, 0);
	assert_false(w->completed);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_false(w->freed);
	assert_int_equal(al_active_extents(dev()), 1);

	barrier = expect(SOCK_DATA, P_BARRIER);
	expect_idle(SOCK_DATA);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(w->freed);
	assert_int_equal(al_active_extents(dev()), 0);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->ap_in_flight, 0);
	assert_int_equal(dev()->rq.in_flight_sectors, 0);
}

static void the_extent_is_logged_before_the_write_goes_anywhere(void **state)
{
	struct app *w = &apps[n_apps++];
	u32 before = dev()->al.tr_number;

	(void)state;
	request_init(&w->req, dev(), OP_WRITE, 8, 4096, 0);
	request_new(&w->req);
	assert_false(w->submitted);
	expect_idle(SOCK_DATA);
	fake_run();
	assert_true(w->submitted);
	expect(SOCK_DATA, P_DATA);
	assert_int_equal(dev()->al.tr_number, before + 1);
	assert_int_equal(al_block_update_extent(dev()->al_buffer, 0), 0);
}

static void a_barrier_ack_must_match(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_false(barrier_ack(&barrier, 2));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

static void writes_of_one_epoch_are_acknowledged_together(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 64, 512), *c;
	struct sent da = expect(SOCK_DATA, P_DATA), db = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	expect_idle(SOCK_DATA);
	disk_done(a, 0);
	disk_done(b, 0);
	assert_true(ack(&db, P_WRITE_ACK, 512));
	assert_true(b->completed);
	c = issue(OP_WRITE, 128, 512);
	barrier = expect(SOCK_DATA, P_BARRIER);
	expect(SOCK_DATA, P_DATA);
	assert_true(ack(&da, P_WRITE_ACK, 4096));
	assert_true(barrier_ack(&barrier, 2));
	assert_true(a->freed && b->freed);
	assert_false(c->completed);
}

/* Write after write without a pause, until barriers wait for company; the last is done. */
static struct sent write_without_pause(u32 n)
{
	struct sent data, barrier;
	struct app *w;

	while (n--) {
		w = issue(OP_WRITE, 8, 4096);
		do
			assert_true(next_packet(SOCK_DATA, &data, true));
		while (data.cmd == P_BARRIER);
		disk_done(w, 0);
		assert_true(ack(&data, P_WRITE_ACK, 4096));
		assert_true(w->completed);
		if (n)
			next_packet(SOCK_DATA, &barrier, true);
	}
	return data;
}

static void a_barrier_waits_for_the_write_that_follows_at_once(void **state)
{
	(void)state;
	write_without_pause(12);
	expect_idle(SOCK_DATA);
	issue(OP_WRITE, 8, 4096);
	expect(SOCK_DATA, P_BARRIER);
	expect(SOCK_DATA, P_DATA);
	expect_idle(SOCK_DATA);
}

static void a_barrier_does_not_wait_for_long(void **state)
{
	(void)state;
	write_without_pause(12);
	expect_idle(SOCK_DATA);
	fake_advance(10);
	expect(SOCK_DATA, P_BARRIER);
	expect_idle(SOCK_DATA);
	/* There are pauses: no waiting from now on. */
	write_without_pause(1);
	expect(SOCK_DATA, P_BARRIER);
}

/* In a pause the peer may flush its disk. */
static void a_barrier_does_not_wait_where_pauses_are_usual(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < 20; i++) {
		write_without_pause(1);
		expect(SOCK_DATA, P_BARRIER);
		expect_idle(SOCK_DATA);
		fake_advance(3);
	}
}

static void a_flush_has_the_barrier_sent_at_once(void **state)
{
	(void)state;
	write_without_pause(12);
	expect_idle(SOCK_DATA);
	issue(OP_FLUSH, 0, 0);
	expect(SOCK_DATA, P_BARRIER);
}

static void an_overlapping_write_waits(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 12, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	expect_idle(SOCK_DATA);
	assert_false(b->submitted);
	disk_done(a, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	fake_run();
	assert_true(b->submitted);
	expect(SOCK_DATA, P_BARRIER);
	expect(SOCK_DATA, P_DATA);
}

static void what_was_not_barrier_acked_is_marked_at_link_loss(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 80, 512);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	disk_done(a, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(a->completed);
	lose_connection();
	assert_true(a->freed);
	disk_done(b, 0);
	fake_run();
	assert_true(b->freed);
	assert_int_equal(b->error, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_int_equal(dev()->bitmap.bits_set, 2);
	assert_int_equal(conn()->tl.unacked, 0);
	assert_int_equal(dev()->ap_pending, 0);
}

static void a_failed_disk_is_hidden_by_the_peer(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	disk_done(w, -EIO);
	assert_true(dev()->state.disk <= D_FAILED);
	assert_false(w->completed);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	/* Only the peer has it: not before its new generation is known (exposure.h). */
	assert_false(w->completed);
	exposure_name(dev(), 0xCCCC000000000000ULL);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void a_peer_without_disk_gets_its_share_marked(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_NEG_ACK, 4096));
	fake_run();
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	expect(SOCK_DATA, P_UUIDS);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

/* Its state comes on the other socket: much later, or never. Its disk may come back under that name. */
static void a_refused_write_ends_in_a_generation_that_the_peers_disk_does_not_have(void **state)
{
	u64 before = dev()->md.uuid[MD_UUID_CURRENT];
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), told;

	(void)state;
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], 0);
	disk_done(w, 0);
	assert_true(ack(&data, P_NEG_ACK, 4096));
	assert_int_equal(dev()->new_uuid_pending, 1);
	assert_false(w->completed);
	fake_run();
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_int_equal(dev()->new_uuid_pending, 0);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], before));
	assert_false(uuid_same(fake_on_disk(0).uuid[MD_UUID_CURRENT], before));
	do
		assert_true(next_packet(SOCK_DATA, &told, true));
	while (told.cmd != P_UUIDS);

	/* One is enough: the state itself begins no other. */
	before = dev()->md.uuid[MD_UUID_CURRENT];
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	assert_true(dev()->md.uuid[MD_UUID_CURRENT] == before);
}

static void what_a_lost_disk_of_the_peer_had_not_flushed_is_marked(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	barrier = expect(SOCK_DATA, P_BARRIER);
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_FAILED)), CS_HARD);
	fake_run();
	assert_true(barrier_ack(&barrier, 1));
	assert_true(w->freed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void an_unknown_ack_costs_the_connection(void **state)
{
	struct wire_p_block_ack a = { .sector = cpu_to_be64(8), .block_id = 77 };

	(void)state;
	assert_true(meta_packet(P_NEG_ACK, &a, sizeof(a)));
	assert_false(meta_packet(P_WRITE_ACK, &a, sizeof(a)));
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

static void protocol_a_completes_when_handed_over(void **state)
{
	struct app *w;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	w = issue(OP_WRITE, 8, 4096);
	disk_done(w, 0);
	assert_false(w->completed);
	expect(SOCK_DATA, P_DATA);
	assert_true(w->completed);
	assert_false(w->freed);
	lose_connection();
	assert_true(w->freed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void congestion_pulls_ahead_and_notes_what_is_missing(void **state)
{
	struct app *a, *b;
	struct sent oos;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	conn()->net_conf.on_congestion = OPT_CONGESTION_PULL_AHEAD;
	conn()->net_conf.cong_fill = 8;
	a = issue(OP_WRITE, 8, 4096);
	disk_done(a, 0);
	expect(SOCK_DATA, P_DATA);
	b = issue(OP_WRITE, 160, 4096);
	assert_int_equal(dev()->state.conn, C_AHEAD);
	expect(SOCK_DATA, P_BARRIER);
	oos = expect(SOCK_DATA, P_OUT_OF_SYNC);
	assert_int_equal(be64_to_cpu(((struct wire_p_block_desc *)oos.body)->sector), 160);
	assert_int_equal(bm_test(&dev()->bitmap, 20), 1);
	disk_done(b, 0);
	assert_true(b->freed);
}

static void suspended_io_waits_and_goes_on(void **state)
{
	struct app *w;

	(void)state;
	fake.resource.susp = true;
	w = issue(OP_WRITE, 8, 4096);
	assert_false(w->submitted);
	fake.resource.susp = false;
	request_admission_kick(dev());
	fake_run();
	assert_true(w->submitted);
}

/* ---- flushes ---- */

static void a_flush_waits_for_the_peers_epoch(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096), *f;
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	f = issue(OP_FLUSH, 0, 0);
	barrier = expect(SOCK_DATA, P_BARRIER);
	disk_done(f, 0);
	assert_false(f->completed);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(f->completed);
	assert_int_equal(f->error, 0);
	assert_true(f->freed);
}

/* Whatever the protocol, there is no other disk that could have it. */
static void a_flush_without_a_disk_waits_for_the_peers_in_protocol_a(void **state)
{
	struct sent data, barrier;
	struct app *w, *f;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	/* The peer has told the name of what is written there only. */
	exposure_name(dev(), 0xABCD000000000000ULL);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	f = issue(OP_FLUSH, 0, 0);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_false(f->completed);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_false(f->completed);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(f->completed);
	assert_int_equal(f->error, 0);
	assert_int_equal(w->error, 0);
	/* Gone with the peer: nobody may rely on it. */
	issue(OP_WRITE, 16, 4096);
	f = issue(OP_FLUSH, 0, 0);
	assert_false(f->completed);
	lose_connection();
	assert_true(f->completed);
	assert_int_equal(f->error, -EIO);
}

/* Its owner is told of success by the peer, and reads before the epoch is over. */
static void a_write_that_failed_here_is_marked_before_it_ends(void **state)
{
	static const u8 ops[] = { OP_WRITE, OP_DISCARD };
	struct sent data;
	struct app *w;
	u32 i;

	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	for (i = 0; i < ARRAY_SIZE(ops); i++) {
		w = issue(ops[i], 8 + 8 * i, 4096);
		data = expect(SOCK_DATA, ops[i] == OP_WRITE ? P_DATA : P_TRIM);
		assert_true(bm_test(&dev()->bitmap, 1 + i) == 0);
		disk_done(w, -EIO);
		if (ops[i] == OP_DISCARD)
			disk_done(w, -EIO);
		assert_true(bm_test(&dev()->bitmap, 1 + i));
		if (ops[i] == OP_WRITE)
			expect(SOCK_DATA, P_STATE);
		assert_true(ack(&data, P_WRITE_ACK, 4096));
		if (ops[i] == OP_WRITE)
			expect(SOCK_DATA, P_BARRIER);
		assert_true(w->completed);
		assert_int_equal(w->error, 0);
		assert_false(w->freed);
	}
}

static struct app *watched;
static bool told_early;

static s64 watch_superblock(const struct action *a)
{
	if (a->kind == ACT_MD_WRITE)
		told_early |= watched->completed;
	return 0;
}

/* After a crash it would be the source of a sync, and take the block back everywhere. */
static void a_write_that_only_the_peer_has_ends_when_the_own_disk_says_so(void **state)
{
	struct sent data;

	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	watched = issue(OP_WRITE, 8, 4096);
	told_early = false;
	data = expect(SOCK_DATA, P_DATA);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	fake.on_disk = watch_superblock;
	disk_done(watched, -EIO);
	assert_false(told_early);
	assert_true(watched->completed);
	assert_int_equal(watched->error, 0);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_false(fake_on_disk(0).flags & MDF_CONSISTENT);
}

/* Else it would go on showing what the peer's disk has no more. */
static void what_the_disk_can_not_discard_is_zeroed(void **state)
{
	struct sent data;
	struct app *w;

	(void)state;
	w = issue(OP_DISCARD, 8, 4096);
	data = expect(SOCK_DATA, P_TRIM);
	assert_int_equal(w->submissions, 1);
	assert_false(w->req.zero_instead);
	disk_done(w, -EOPNOTSUPP);
	assert_int_equal(w->submissions, 2);
	assert_true(w->req.zero_instead);
	assert_true(bm_test(&dev()->bitmap, 1) == 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_false(w->completed);
	disk_done(w, 0);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_true(bm_test(&dev()->bitmap, 1) == 0);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

static void a_disk_that_can_not_be_zeroed_is_not_trusted(void **state)
{
	struct sent data;
	struct app *w;

	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	w = issue(OP_DISCARD, 8, 4096);
	data = expect(SOCK_DATA, P_TRIM);
	disk_done(w, -EIO);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	disk_done(w, -EIO);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_true(bm_test(&dev()->bitmap, 1) == 1);
	expect(SOCK_DATA, P_STATE);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void a_flush_with_nothing_outstanding_is_local(void **state)
{
	struct app *f = issue(OP_FLUSH, 0, 0);

	(void)state;
	expect_idle(SOCK_DATA);
	disk_done(f, 0);
	assert_true(f->completed && f->freed);
}

static void a_flush_is_released_by_link_loss(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096), *f = issue(OP_FLUSH, 0, 0);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	disk_done(f, 0);
	assert_false(f->completed);
	lose_connection();
	assert_true(f->completed);
	assert_int_equal(f->error, 0);
	assert_int_equal(dev()->ap_in_flight, 0);
}

/* ---- reads ---- */

static void a_diskless_node_reads_from_its_peer(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);
	struct sent ask = expect(SOCK_DATA, P_DATA_REQUEST);
	struct wire_p_data reply = { .sector = cpu_to_be64(16) };

	(void)state;
	reply.block_id = ((struct wire_p_block_req *)ask.body)->block_id;
	done(arrive(P_DATA_REPLY, &reply, sizeof(reply), 4096));
	assert_true(r->completed && r->freed);
	assert_int_equal(r->error, 0);
}

/* The peer may be Primary as well, and have written there since. */
static void an_inconsistent_disk_alone_is_not_read(void **state)
{
	struct app *r;

	(void)state;
	dev()->state.disk = D_INCONSISTENT;
	dev()->state.pdsk = D_UNKNOWN;
	dev()->state.conn = C_WF_CONNECTION;
	r = issue(OP_READ, 16, 4096);
	assert_true(r->completed);
	assert_int_equal(r->error, -EIO);
	dev()->state.disk = D_UP_TO_DATE;
}

static void a_failed_local_read_is_served_by_the_peer(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);

	(void)state;
	disk_done(r, -EIO);
	assert_false(r->completed);
	drain(SOCK_META);
	while (true) {
		struct sent s;

		assert_true(next_packet(SOCK_DATA, &s, true));
		if (s.cmd == P_DATA_REQUEST)
			break;
	}
	assert_true(dev()->state.disk <= D_FAILED);
}

static void a_refused_read_ends_with_an_error_in_the_end(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);
	u32 tries = 0;

	(void)state;
	while (!r->completed) {
		struct sent ask = expect(SOCK_DATA, P_DATA_REQUEST);

		assert_true(ack(&ask, P_NEG_DREPLY, 4096));
		assert_true(++tries < 100);
	}
	assert_int_equal(r->error, -EIO);
	assert_true(r->freed);
}

static void an_aborted_read_goes_to_the_peer_while_the_disk_hangs(void **state)
{
	struct wire_p_data reply = { .sector = cpu_to_be64(16) };
	struct sent ask;
	struct app *r;

	(void)state;
	dev()->disk_conf.disk_timeout = 300;
	r = issue(OP_READ, 16, 4096);
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_HARD);
	request_abort_local(dev());
	do
		assert_true(next_packet(SOCK_DATA, &ask, true));
	while (ask.cmd != P_DATA_REQUEST);
	reply.block_id = ((struct wire_p_block_req *)ask.body)->block_id;
	done(arrive(P_DATA_REPLY, &reply, sizeof(reply), 4096));
	assert_true(r->completed);
	assert_false(r->freed);
	disk_done(r, -EIO);
	assert_true(r->freed);
}

static void a_read_into_its_callers_memory_waits_for_a_disk_that_is_given_up(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096), *w = issue(OP_WRITE, 64, 4096);
	struct sent ask;

	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_HARD);
	request_abort_local(dev());
	/* The disk may still write into the caller's memory, and no longer matters to the write. */
	while (next_packet(SOCK_DATA, &ask, true))
		assert_int_not_equal(ask.cmd, P_DATA_REQUEST);
	assert_false(r->completed);
	assert_true(w->req.flags & RQ_LA);
	disk_done(r, -EIO);
	assert_false(r->completed);
	while (next_packet(SOCK_DATA, &ask, true) && ask.cmd != P_DATA_REQUEST)
		;
	assert_int_equal(ask.cmd, P_DATA_REQUEST);
	disk_done(w, -EIO);
}

static void a_given_up_read_is_not_copied_to_its_caller_any_more(void **state)
{
	struct app *late, *timely;

	(void)state;
	dev()->disk_conf.disk_timeout = 300;
	late = issue(OP_READ, 16, 4096);
	timely = issue(OP_READ, 32, 4096);
	assert_true(request_may_copy(&timely->req));
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_HARD);
	request_abort_local(dev());
	assert_false(request_may_copy(&late->req));
	/* The copy was begun, so the abort came too late. */
	disk_done(timely, 0);
	assert_int_equal(timely->error, 0);
	assert_true(timely->completed);
	disk_done(late, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_protocol_c_write_waits_for_disk_and_peer, setup_primary),
		TEST(the_extent_is_logged_before_the_write_goes_anywhere, setup_primary),
		TEST(a_barrier_ack_must_match, setup_primary),
		TEST(writes_of_one_epoch_are_acknowledged_together, setup_primary),
		TEST(a_barrier_waits_for_the_write_that_follows_at_once, setup_primary),
		TEST(a_barrier_does_not_wait_for_long, setup_primary),
		TEST(a_barrier_does_not_wait_where_pauses_are_usual, setup_primary),
		TEST(a_flush_has_the_barrier_sent_at_once, setup_primary),
		TEST(an_overlapping_write_waits, setup_primary),
		TEST(what_was_not_barrier_acked_is_marked_at_link_loss, setup_primary),
		TEST(a_failed_disk_is_hidden_by_the_peer, setup_primary),
		TEST(a_peer_without_disk_gets_its_share_marked, setup_primary),
		TEST(what_a_lost_disk_of_the_peer_had_not_flushed_is_marked, setup_primary),
		TEST(a_refused_write_ends_in_a_generation_that_the_peers_disk_does_not_have,
		     setup_primary),
		TEST(an_unknown_ack_costs_the_connection, setup_primary),
		TEST(protocol_a_completes_when_handed_over, setup_primary),
		TEST(congestion_pulls_ahead_and_notes_what_is_missing, setup_primary),
		TEST(suspended_io_waits_and_goes_on, setup_primary),
		TEST(a_flush_waits_for_the_peers_epoch, setup_primary),
		TEST(a_flush_without_a_disk_waits_for_the_peers_in_protocol_a, setup_diskless),
		TEST(a_write_that_failed_here_is_marked_before_it_ends, setup_primary),
		TEST(a_write_that_only_the_peer_has_ends_when_the_own_disk_says_so, setup_primary),
		TEST(what_the_disk_can_not_discard_is_zeroed, setup_primary),
		TEST(a_disk_that_can_not_be_zeroed_is_not_trusted, setup_primary),
		TEST(a_flush_with_nothing_outstanding_is_local, setup_primary),
		TEST(a_flush_is_released_by_link_loss, setup_primary),
		TEST(a_diskless_node_reads_from_its_peer, setup_diskless),
		TEST(a_failed_local_read_is_served_by_the_peer, setup_primary),
		TEST(an_inconsistent_disk_alone_is_not_read, setup_primary),
		TEST(a_refused_read_ends_with_an_error_in_the_end, setup_diskless),
		TEST(a_read_into_its_callers_memory_waits_for_a_disk_that_is_given_up, setup_primary),
		TEST(a_given_up_read_is_not_copied_to_its_caller_any_more, setup_primary),
		TEST(an_aborted_read_goes_to_the_peer_while_the_disk_hangs, setup_primary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
