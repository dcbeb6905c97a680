// SPDX-License-Identifier: GPL-2.0
/*
 * Places where mirrors of this kind have gone wrong; each test is named after what must not
 * happen. doc/differences.md has a row for each.
 */
#include "data_path_fixture.h"

static void set_conn(u8 c, u8 disk, u8 pdsk)
{
	struct state_change change = state_change_join(ST_CHANGE_CONN(c),
		state_change_join(ST_CHANGE_DISK(disk), ST_CHANGE_PDSK(pdsk)));

	state_change(dev(), ST_ARGS(change), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.conn, c);
	drain(SOCK_DATA);
}

static struct arrival *resync_request(u64 sector)
{
	struct wire_p_block_req p = {
		.sector = cpu_to_be64(sector), .block_id = ID_SYNCER, .blksize = cpu_to_be32(4096),
	};

	return arrive(P_RS_DATA_REQUEST, &p, sizeof(p), 0);
}

static struct arrival *resync_reply(u64 sector)
{
	struct wire_p_data p = { .sector = cpu_to_be64(sector), .block_id = ID_SYNCER };

	return arrive(P_RS_DATA_REPLY, &p, sizeof(p), 4096);
}

/* ---- resync against writes ---- */

/* The peer's receiver may wait for something that comes after the request in the stream. */
static void a_busy_extent_does_not_hold_up_the_receiver(void **state)
{
	struct sent data, barrier;
	struct app *w;

	(void)state;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	set_conn(C_SYNC_SOURCE, D_UP_TO_DATE, D_INCONSISTENT);
	done(resync_request(800));
	done(resync_request(808));
	assert_false(peer_submitted[0] || peer_submitted[1]);
	/* What follows in the stream is dealt with. */
	done(write_arrives(1600, 4096, 1));
	assert_true(peer_submitted[2]);
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	fake_run();
	assert_true(peer_submitted[0] && peer_submitted[1]);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_DATA, P_RS_DATA_REPLY);
}

static void a_request_that_waits_for_its_extent_ends_with_the_resync(void **state)
{
	(void)state;
	issue(OP_WRITE, 8, 4096);
	expect(SOCK_DATA, P_DATA);
	set_conn(C_SYNC_SOURCE, D_UP_TO_DATE, D_INCONSISTENT);
	done(resync_request(800));
	set_conn(C_CONNECTED, D_UP_TO_DATE, D_UP_TO_DATE);
	expect(SOCK_META, P_RS_CANCEL);
	assert_true(peer_freed[0]);
	assert_int_equal(dev()->prl.in_flight, 0);
}

static void a_request_that_waits_for_its_extent_ends_with_the_connection(void **state)
{
	(void)state;
	issue(OP_WRITE, 8, 4096);
	set_conn(C_SYNC_SOURCE, D_UP_TO_DATE, D_INCONSISTENT);
	done(resync_request(800));
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	fake_run();
	assert_true(peer_freed[0]);
	assert_int_equal(dev()->prl.in_flight, 0);
}

/* States.md 6.8: the target may be through while data of the resync is still being written. */
static void a_write_does_not_overtake_resync_data_of_a_resync_just_over(void **state)
{
	struct arrival *a;

	(void)state;
	set_conn(C_SYNC_TARGET, D_INCONSISTENT, D_UP_TO_DATE);
	assert_true(rs_extent_try_lock(dev(), 8));
	done(resync_reply(8));
	assert_true(peer_submitted[0]);
	set_conn(C_CONNECTED, D_UP_TO_DATE, D_UP_TO_DATE);
	a = write_arrives(8, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_false(peer_submitted[1]);
	peer_request_local_done(&peers[0], 0);
	go_on(a);
	done(a);
	assert_true(peer_submitted[1]);
}

static void resync_data_that_nobody_asked_for_any_more_is_not_written(void **state)
{
	(void)state;
	set_conn(C_SYNC_TARGET, D_INCONSISTENT, D_UP_TO_DATE);
	assert_true(rs_extent_try_lock(dev(), 8));
	set_conn(C_CONNECTED, D_UP_TO_DATE, D_UP_TO_DATE);
	rs_extents_cancel(dev());
	done(resync_reply(8));
	assert_false(peer_submitted[0]);
	expect(SOCK_META, P_NEG_ACK);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_busy_extent_does_not_hold_up_the_receiver, setup_primary),
		TEST(a_request_that_waits_for_its_extent_ends_with_the_resync, setup_primary),
		TEST(a_request_that_waits_for_its_extent_ends_with_the_connection, setup_primary),
		TEST(a_write_does_not_overtake_resync_data_of_a_resync_just_over, setup_secondary),
		TEST(resync_data_that_nobody_asked_for_any_more_is_not_written, setup_secondary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
