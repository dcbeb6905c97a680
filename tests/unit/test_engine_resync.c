// SPDX-License-Identifier: GPL-2.0
/* Resync, on a fake host: one node as source or target of a scripted one. */
#include "peer_fixture.h"

/* ---- resync, this node as source ---- */

static struct sent send_whole_bitmap(void)
{
	struct sent first = { 0 }, sent;

	while (next_packet(SOCK_DATA, &sent)) {
		if (sent.cmd != P_COMPRESSED_BITMAP && sent.cmd != P_BITMAP)
			return sent;
		if (!first.cmd)
			first = sent;
	}
	return first;
}

static void become_source(void)
{
	attach(UUID_A, UUID_B);
	bm_set_range(&dev()->bitmap, 0, 3);
	hello();
	peer_is(UUID_B, 0, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	assert_int_equal(dev()->state.pdsk, D_CONSISTENT);
}

static void answer_pings(void)
{
	struct sent sent;

	while (next_packet(SOCK_META, &sent))
		if (sent.cmd == P_PING)
			assert_true(meta_arrives(P_PING_ACK, NULL, 0));
}

static void start_as_source(void)
{
	static struct sent bitmap;

	become_source();
	expect(SOCK_DATA, P_STATE);
	bitmap = send_whole_bitmap();
	assert_int_equal(bitmap.cmd, P_COMPRESSED_BITMAP);
	assert_true(state_arrives(ROLE_SECONDARY, C_WF_BITMAP_T, D_UP_TO_DATE));
	assert_true(accepted(arrives(P_COMPRESSED_BITMAP, bitmap.body, bitmap.len)));
	fake_run();
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
	assert_string_equal(fake.helpers, "before-resync-source");
	expect(SOCK_DATA, P_SYNC_UUID);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], UUID_B + UUID_SYNC_STEP);
}

static void the_source_sends_bitmap_then_sync_uuid_and_ends_by_the_targets_word(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(4 * 4096) };

	(void)state;
	start_as_source();
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], 0);
	assert_int_equal(dev()->md.uuid[UUID_HISTORY0], UUID_B + UUID_SYNC_STEP);
}

static bool ended_with_pages_owed, ended;

static s64 look_at_the_end(const struct action *a)
{
	if (a->kind != ACT_MD_WRITE || dev()->md.uuid[MD_UUID_BITMAP])
		return 0;
	ended = true;
	ended_with_pages_owed |= bm_next_page_with(&dev()->bitmap, 0, BM_PAGE_NEED | BM_PAGE_LAZY) !=
				 U32_MAX;
	return 0;
}

/* Back by a power cut, nothing would ever clear them again. */
static void a_source_writes_its_cleared_bits_before_its_uuids_say_that_none_is_left(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(4 * 4096) };

	(void)state;
	ended = ended_with_pages_owed = false;
	start_as_source();
	fake.on_disk = look_at_the_end;
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_true(ended);
	assert_false(ended_with_pages_owed);
}

static void bits_of_writes_under_way_delay_the_sources_end(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(3 * 4096) };

	(void)state;
	start_as_source();
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	assert_int_equal(dev()->bitmap.bits_set, 1);
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_UP_TO_DATE));
	answer_pings();
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_int_equal(dev()->state.peer, ROLE_PRIMARY);
	/* As the end of an application write does when its epoch is acknowledged. */
	assert_int_equal(device_set_in_sync(dev(), 3 * 8, 4096), 1);
	fake_run();
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
}

static void bits_that_only_the_source_has_are_compared_anew(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(3 * 4096) };

	(void)state;
	start_as_source();
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	fake_advance(60000);
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	/* Acks may be on their way still. */
	answer_pings();
	fake_advance(2000);
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	fake_advance(2000);
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	answer_pings();
	fake_advance(1000);
	assert_int_equal(dev()->state.conn, C_NETWORK_FAILURE);
	/* Bits and bitmap UUID say to the next handshake what is left. */
	assert_int_equal(dev()->bitmap.bits_set, 1);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], UUID_B + UUID_SYNC_STEP);
}

static void write_unconfirmed(struct drbd_request *req)
{
	memset(req, 0, sizeof(*req));
	req->device = dev();
	req->id = ++dev()->rq.last_id;
	req->flags = RQ_W | RQ_BA;
	dlist_add_tail(&req->tl, &conn()->tl.requests);
}

static void an_application_that_goes_on_writing_does_not_keep_bits_that_only_the_source_has(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(3 * 4096) };
	struct drbd_request earlier, later;

	(void)state;
	start_as_source();
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	write_unconfirmed(&earlier);
	fake_advance(4000);
	answer_pings();
	write_unconfirmed(&later);
	fake_advance(1000);
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	dlist_del_init(&earlier.tl);
	fake_advance(1000);
	assert_int_equal(dev()->state.conn, C_NETWORK_FAILURE);
	dlist_del_init(&later.tl);
}

static void a_target_that_gave_up_frees_the_source(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(4 * 4096) };

	(void)state;
	start_as_source();
	assert_true(meta_arrives(P_NEG_ACK, &ack, sizeof(ack)));
	assert_int_equal(dev()->resync.failed, 4);
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_INCONSISTENT));
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
	assert_int_equal(dev()->bitmap.bits_set, 4);
	/* Not over: the bitmap UUID still says what the peer has. */
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], UUID_B + UUID_SYNC_STEP);
}

/* ---- a disk that fails at the end of a resync ---- */

#define SYNC_UUID (UUID_B + UUID_SYNC_STEP)

static void sync_all_blocks(void)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(4 * 4096) };

	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
}

/* A diskless Primary waits for the name of what is written here only. */
static void a_target_that_loses_its_disk_after_its_end_finds_a_generation_begun(void **state)
{
	(void)state;
	start_as_source();
	sync_all_blocks();
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_FAILED));
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_false(uuid_same(dev()->md.uuid[MD_UUID_CURRENT], UUID_A));
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_A));
	/* Its disk may have missed its own record of the end. */
	assert_int_equal(fake_on_disk(0).uuid[UUID_HISTORY0], SYNC_UUID);
}

static void a_target_that_loses_its_disk_before_its_end_is_known_by_the_sync_uuid(void **state)
{
	(void)state;
	start_as_source();
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_FAILED));
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_CURRENT], UUID_A));
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], SYNC_UUID);
}

static void a_link_lost_after_the_targets_end_keeps_the_sync_uuid(void **state)
{
	struct task t = { 0 };

	(void)state;
	start_as_source();
	sync_all_blocks();
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_UP_TO_DATE));
	connection_socket_event(conn(), SOCKET_EOF_DATA);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	/* By it the rest is found if the target's record was not durable. */
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], SYNC_UUID);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_CURRENT], UUID_A));
}

static void attach_again(u64 current_uuid, u64 bitmap_uuid)
{
	struct md_superblock sb = {
		.la_size_sect = SECTORS, .flags = CLEAN, .magic = MD_MAGIC_CLEAN,
		.uuid = { current_uuid, bitmap_uuid, UUID_B },
	};
	static struct admin_op op;

	assert_int_equal(dev()->state.disk, D_DISKLESS);
	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	fake_run();
	assert_int_equal(dev()->state.disk, D_NEGOTIATING);
}

static void peer_tells(u64 uuid, u64 bitmap, u64 h0, u64 h1)
{
	struct wire_p_uuids p = {
		.current_uuid = cpu_to_be64(uuid), .bitmap_uuid = cpu_to_be64(bitmap),
		.history = { cpu_to_be64(h0), cpu_to_be64(h1) },
	};

	assert_true(accepted(arrives(P_UUIDS, &p, sizeof(p))));
}

#define UUID_NEW 0xCCCC000000000000ULL

/* The peer has everything, and says so; my own end is still to come, and never does. */
static void lose_own_disk_at_the_end(void)
{
	start_as_source();
	sync_all_blocks();
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
}

static void a_source_that_loses_its_disk_goes_on_with_a_target_that_has_everything(void **state)
{
	(void)state;
	lose_own_disk_at_the_end();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
}

static void a_disk_that_missed_the_end_of_a_sync_did_not_go_on_alone(void **state)
{
	(void)state;
	lose_own_disk_at_the_end();
	peer_tells(UUID_NEW, UUID_A, SYNC_UUID, UUID_B);
	attach_again(UUID_A, SYNC_UUID);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	assert_int_equal(fake_on_disk(0).uuid[UUID_HISTORY0], SYNC_UUID);
	assert_int_equal(fake_on_disk(0).uuid[UUID_HISTORY1], UUID_B);
}

static void a_sync_that_the_peer_did_not_end_stays_recorded(void **state)
{
	(void)state;
	lose_own_disk_at_the_end();
	peer_tells(UUID_NEW, UUID_A, UUID_B, 0);
	attach_again(UUID_A, SYNC_UUID);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], SYNC_UUID);
}

static void another_disk_may_have_gone_on_alone(void **state)
{
	(void)state;
	lose_own_disk_at_the_end();
	/* Not the generation that was lost. */
	peer_tells(UUID_NEW, UUID_B + 16, SYNC_UUID, UUID_A);
	attach_again(UUID_B + 16, SYNC_UUID);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], SYNC_UUID);
}

static void a_disk_that_was_lost_on_another_connection_may_have_gone_on_alone(void **state)
{
	(void)state;
	lose_own_disk_at_the_end();
	conn()->established_at += 1000;
	peer_tells(UUID_NEW, UUID_A, SYNC_UUID, UUID_B);
	attach_again(UUID_A, SYNC_UUID);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], SYNC_UUID);
}

/* Its superblock never heard of the sync: what the peer ended was an earlier one. */
static void an_earlier_sync_proves_nothing_of_the_last(void **state)
{
	(void)state;
	lose_own_disk_at_the_end();
	peer_tells(UUID_NEW, UUID_A, UUID_B + 16, UUID_B);
	attach_again(UUID_A, UUID_B + 16);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_B + 16);
}

/* A peer without its own disk then has nothing of what this one holds. */
static void a_disk_lost_beside_no_other_may_have_gone_on_alone(void **state)
{
	(void)state;
	attach(UUID_A, SYNC_UUID);
	hello();
	peer_is(UUID_A, 0, D_DISKLESS);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
	peer_tells(UUID_NEW, UUID_A, SYNC_UUID, UUID_B);
	attach_again(UUID_A, SYNC_UUID);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], SYNC_UUID);
}

/* ---- writes under way while the bitmap is sent ---- */

static void free_nothing(struct drbd_request *req) { (void)req; }

static void begin_write(struct drbd_request *req, u64 sector)
{
	request_init(req, dev(), OP_WRITE, sector, 4096, 0);
	request_new(req);
	fake_run();
}

static void no_bitmap_leaves_before_a_write_begun_alone_has_ended(void **state)
{
	static struct drbd_request before, during;

	(void)state;
	fake.on_free = free_nothing;
	attach(UUID_A, UUID_B);
	assert_int_equal(state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_PRIMARY)), CS_HARD), SS_SUCCESS);
	begin_write(&before, 80);
	assert_true(before.flags & RQ_LP);
	hello();
	peer_is(UUID_B, 0, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	expect(SOCK_DATA, P_STATE);
	expect_idle(SOCK_DATA);
	/* A new one would make the wait endless. */
	begin_write(&during, 160);
	assert_false(during.flags & RQ_LP);

	request_local_done(&before, 0);
	assert_true(before.flags & RQ_DESTROYED);
	fake_run();
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_true(during.flags & RQ_LP);
	expect(SOCK_DATA, P_COMPRESSED_BITMAP);
	expect(SOCK_DATA, P_OUT_OF_SYNC);
	expect_idle(SOCK_DATA);
	assert_int_equal(bm_test(&dev()->bitmap, 20), 1);
}

/* Acknowledges the next P_DATA, and its epoch. */
static void the_peer_has_written(void)
{
	struct wire_p_block_ack ack = { .blksize = cpu_to_be32(4096) };
	struct wire_p_barrier_ack barrier = { .set_size = cpu_to_be32(1) };
	struct wire_p_data data;
	struct sent sent;

	do {
		assert_true(next_packet(SOCK_DATA, &sent));
	} while (sent.cmd == P_STATE);
	assert_int_equal(sent.cmd, P_DATA);
	memcpy(&data, sent.body, sizeof(data));
	ack.sector = data.sector;
	ack.block_id = data.block_id;
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	sent = expect(SOCK_DATA, P_BARRIER);
	memcpy(&barrier.barrier, sent.body, sizeof(barrier.barrier));
	assert_true(meta_arrives(P_BARRIER_ACK, &barrier, sizeof(barrier)));
}

/*
 * Its own disk failed, and the target's did not: nobody asks for those blocks. They stay marked,
 * the target counts as synced, and this disk as what the policy for errors says.
 */
static void bits_of_a_write_that_failed_on_the_source_only_do_not_keep_it_one(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(4 * 4096) };
	static struct drbd_request req;

	(void)state;
	fake.on_free = free_nothing;
	start_as_source();
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_PRIMARY)), CS_HARD);
	begin_write(&req, 800);
	request_local_done(&req, -EIO);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	the_peer_has_written();
	assert_true(req.flags & RQ_DESTROYED);
	assert_true(meta_arrives(P_RS_WRITE_ACK, &ack, sizeof(ack)));
	assert_int_equal(dev()->bitmap.bits_set, 1);
	answer_pings();
	/* The target has not said yet that it has everything. */
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);

	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_int_equal(bm_test(&dev()->bitmap, 100), 1);
	assert_int_equal(dev()->bitmap.bits_set, 1);
	/* The peer took the generation over: both know that by the same UUIDs. */
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], 0);
}

static void a_wait_for_writes_ends_with_the_connection(void **state)
{
	static struct drbd_request before;
	struct task t = { 0 };

	(void)state;
	fake.on_free = free_nothing;
	attach(UUID_A, UUID_B);
	assert_int_equal(state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_PRIMARY)), CS_HARD), SS_SUCCESS);
	begin_write(&before, 80);
	hello();
	peer_is(UUID_B, 0, D_UP_TO_DATE);
	expect(SOCK_DATA, P_STATE);
	assert_true(dev()->bm_io_pending);
	connection_socket_event(conn(), SOCKET_EOF_DATA);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_false(dev()->bm_io_pending);
	assert_false(dev()->resync.bitmap_task.active);
	request_local_done(&before, 0);
}

static void the_handler_may_forbid_a_resync(void **state)
{
	static struct sent bitmap;

	(void)state;
	fake.helper_exit = 1;
	become_source();
	expect(SOCK_DATA, P_STATE);
	bitmap = send_whole_bitmap();
	assert_true(accepted(arrives(P_COMPRESSED_BITMAP, bitmap.body, bitmap.len)));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void two_sources_do_not_wait_for_each_other(void **state)
{
	(void)state;
	become_source();
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_BITMAP_S, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

/* ---- resync, this node as target ---- */

static void start_as_target(void)
{
	struct wire_p_sync_uuid uuid = { .uuid = cpu_to_be64(UUID_B + UUID_SYNC_STEP) };
	struct bitmap peers;
	static u8 payload[4096];
	struct bm_transfer transfer;
	static void *pages[1];
	static u8 flags[1], page[4096];
	unsigned int len;
	struct arrival *a;

	attach(UUID_B, 0);
	hello();
	peer_is(UUID_A, UUID_B, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_T);
	dev()->disk_conf.resync_rate = 10000;
	pages[0] = page;
	bm_init(&peers, pages, flags, 1, SECTORS / 8);
	bm_set_range(&peers, 0, 6);
	bm_transfer_init(&transfer, peers.n_bits);
	assert_int_equal(bm_send_fill(&peers, &transfer, true, payload, wire_bitmap_room(101), &len),
			 BM_SEND_COMPRESSED);
	bm_set_range(&dev()->bitmap, 56, 56);
	assert_true(accepted(arrives(P_COMPRESSED_BITMAP, payload, len)));
	assert_int_equal(dev()->bitmap.bits_set, 8);
	/* The sync UUID may overtake the end of our own bitmap. */
	a = arrives(P_SYNC_UUID, &uuid, sizeof(uuid));
	assert_int_equal(a->status, FIBER_WAIT);
	expect(SOCK_DATA, P_STATE);
	expect(SOCK_DATA, P_COMPRESSED_BITMAP);
	expect_idle(SOCK_DATA);
	assert_int_equal(dev()->state.conn, C_WF_SYNC_UUID);
	a->status = fake_drive(&a->t, run_receive, &a->in);
	fake_run();
	assert_true(accepted(a));
	assert_int_equal(dev()->state.conn, C_SYNC_TARGET);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_int_equal(dev()->md.uuid[MD_UUID_CURRENT], UUID_B + UUID_SYNC_STEP);
	assert_string_equal(fake.helpers, "before-resync-target");
}

static struct wire_p_block_req expect_request(u64 sector, u32 bytes)
{
	struct sent sent = expect(SOCK_DATA, P_RS_DATA_REQUEST);
	struct wire_p_block_req p;

	memcpy(&p, sent.body, sizeof(p));
	assert_int_equal(be64_to_cpu(p.sector), sector);
	assert_int_equal(be32_to_cpu(p.blksize), bytes);
	assert_true(p.block_id == ID_SYNCER);
	return p;
}

static void in_sync(u64 sector, u32 bytes)
{
	struct wire_p_block_ack ack = {
		.sector = cpu_to_be64(sector), .blksize = cpu_to_be32(bytes), .block_id = 77,
	};

	assert_true(meta_arrives(P_RS_IS_IN_SYNC, &ack, sizeof(ack)));
}

static void the_target_asks_in_aligned_pieces_and_adopts_the_sources_generation(void **state)
{
	(void)state;
	start_as_target();
	fake_advance(0);
	expect_request(0, 7 * 4096);
	expect_request(56 * 8, 4096);
	expect_idle(SOCK_DATA);
	assert_int_equal(dev()->resync.pending, 2);
	in_sync(0, 7 * 4096);
	assert_int_equal(dev()->state.conn, C_SYNC_TARGET);
	in_sync(56 * 8, 4096);
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_true(uuid_same(dev()->md.uuid[MD_UUID_CURRENT], UUID_A));
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], 0);
	assert_int_equal(dev()->resync.extents_locked, 0);
	assert_non_null(strstr(fake.helpers, "after-resync-target"));
	expect(SOCK_DATA, P_STATE);
}

/* An application's write fails here while the end is flushed and the last acks are waited for. */
static void a_block_that_failed_while_the_target_ended_is_synced_first(void **state)
{
	(void)state;
	start_as_target();
	fake_advance(0);
	expect_request(0, 7 * 4096);
	expect_request(56 * 8, 4096);
	in_sync(0, 7 * 4096);
	in_sync(56 * 8, 4096);
	fake_run();
	assert_true(dev()->resync.finishing);
	bm_set_range(&dev()->bitmap, 3, 3);
	answer_pings();
	assert_int_equal(dev()->state.conn, C_SYNC_TARGET);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	fake_advance(1000);
	expect_request(3 * 8, 4096);
	in_sync(3 * 8, 4096);
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

static u8 failing_kind;

static s64 disk_fails(const struct action *a)
{
	return a->kind == failing_kind ? -EIO : 0;
}

/* What was synced may be gone with the next power cut. */
static void a_target_whose_data_or_bits_are_not_durable_is_not_up_to_date(void **state)
{
	static const u8 kinds[] = { ACT_FLUSH, ACT_BM_WRITE };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(kinds); i++) {
		fake_stop();
		setup(state);
		start_as_target();
		dev()->disk_conf.on_io_error = EP_PASS_ON;
		fake_advance(0);
		expect_request(0, 7 * 4096);
		expect_request(56 * 8, 4096);
		failing_kind = kinds[i];
		fake.on_disk = disk_fails;
		in_sync(0, 7 * 4096);
		in_sync(56 * 8, 4096);
		answer_pings();
		assert_int_not_equal(dev()->state.disk, D_UP_TO_DATE);
		assert_false(fake_on_disk(0).flags & MDF_CONSISTENT);
	}
}

static void a_ping_does_not_overtake_the_acks_before_it(void **state)
{
	static const u8 syncer[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };

	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	send_block_ack(conn(), 0, P_RS_WRITE_ACK, 0, syncer, 4096);
	send_block_ack(conn(), 0, P_RS_WRITE_ACK, 8, syncer, 4096);
	send_ping(conn());
	send_block_ack(conn(), 0, P_RS_WRITE_ACK, 16, syncer, 4096);
	expect(SOCK_META, P_RS_WRITE_ACK);
	expect(SOCK_META, P_RS_WRITE_ACK);
	expect(SOCK_META, P_PING);
	expect(SOCK_META, P_RS_WRITE_ACK);
}

static void a_run_of_nothing_but_failures_ends(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(7 * 4096) };

	(void)state;
	start_as_target();
	fake_advance(0);
	expect_request(0, 7 * 4096);
	expect_request(56 * 8, 4096);
	assert_true(meta_arrives(P_NEG_RS_DREPLY, &ack, sizeof(ack)));
	assert_int_equal(dev()->resync.failed, 7);
	assert_int_equal(dev()->state.conn, C_SYNC_TARGET);
	ack.sector = cpu_to_be64(56 * 8);
	ack.blksize = cpu_to_be32(4096);
	assert_true(meta_arrives(P_NEG_RS_DREPLY, &ack, sizeof(ack)));
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_int_equal(dev()->bitmap.bits_set, 8);
	assert_int_equal(dev()->md.uuid[MD_UUID_CURRENT], UUID_B + UUID_SYNC_STEP);
}

static void cancel_at_the_source(void)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(7 * 4096) };

	assert_true(meta_arrives(P_RS_CANCEL, &ack, sizeof(ack)));
}

static void the_first_request_is_cancelled(void)
{
	start_as_target();
	fake_advance(0);
	expect_request(0, 7 * 4096);
	expect_request(56 * 8, 4096);
	in_sync(56 * 8, 4096);
	cancel_at_the_source();
}

static void a_cancelled_request_is_asked_again(void **state)
{
	(void)state;
	the_first_request_is_cancelled();
	fake_advance(100);
	expect_request(0, 7 * 4096);
}

/* For hours, if need be: what was refused must not count as being on its way for ever. */
static void a_request_cancelled_again_and_again_is_asked_until_it_is_granted(void **state)
{
	u32 turns, asked = 0;
	struct sent sent;

	(void)state;
	the_first_request_is_cancelled();
	for (turns = 0; turns < 1000; turns++) {
		fake_advance(100);
		while (next_packet(SOCK_DATA, &sent)) {
			if (sent.cmd != P_RS_DATA_REQUEST)
				continue;
			asked++;
			cancel_at_the_source();
		}
	}
	assert_in_range(asked, 100, 1000);
}

static void a_stray_sync_uuid_does_not_block_for_ever(void **state)
{
	struct wire_p_sync_uuid uuid = { .uuid = cpu_to_be64(UUID_B) };
	struct arrival *a;

	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	a = arrives(P_SYNC_UUID, &uuid, sizeof(uuid));
	assert_int_equal(a->status, FIBER_WAIT);
	fake.now_ms += 10000;
	assert_int_equal(fake_drive(&a->t, run_receive, &a->in), FIBER_DONE);
	assert_true(a->in.ok);
	assert_int_equal(dev()->md.uuid[MD_UUID_CURRENT], UUID_A);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEER_TEST(the_source_sends_bitmap_then_sync_uuid_and_ends_by_the_targets_word),
		PEER_TEST(a_source_writes_its_cleared_bits_before_its_uuids_say_that_none_is_left),
		PEER_TEST(bits_of_writes_under_way_delay_the_sources_end),
		PEER_TEST(bits_that_only_the_source_has_are_compared_anew),
		PEER_TEST(an_application_that_goes_on_writing_does_not_keep_bits_that_only_the_source_has),
		PEER_TEST(a_target_that_gave_up_frees_the_source),
		PEER_TEST(a_target_that_loses_its_disk_after_its_end_finds_a_generation_begun),
		PEER_TEST(a_target_that_loses_its_disk_before_its_end_is_known_by_the_sync_uuid),
		PEER_TEST(a_link_lost_after_the_targets_end_keeps_the_sync_uuid),
		PEER_TEST(a_source_that_loses_its_disk_goes_on_with_a_target_that_has_everything),
		PEER_TEST(a_disk_that_missed_the_end_of_a_sync_did_not_go_on_alone),
		PEER_TEST(a_sync_that_the_peer_did_not_end_stays_recorded),
		PEER_TEST(another_disk_may_have_gone_on_alone),
		PEER_TEST(a_disk_that_was_lost_on_another_connection_may_have_gone_on_alone),
		PEER_TEST(an_earlier_sync_proves_nothing_of_the_last),
		PEER_TEST(a_disk_lost_beside_no_other_may_have_gone_on_alone),
		PEER_TEST(no_bitmap_leaves_before_a_write_begun_alone_has_ended),
		PEER_TEST(bits_of_a_write_that_failed_on_the_source_only_do_not_keep_it_one),
		PEER_TEST(a_wait_for_writes_ends_with_the_connection),
		PEER_TEST(the_handler_may_forbid_a_resync),
		PEER_TEST(two_sources_do_not_wait_for_each_other),
		PEER_TEST(the_target_asks_in_aligned_pieces_and_adopts_the_sources_generation),
		PEER_TEST(a_block_that_failed_while_the_target_ended_is_synced_first),
		PEER_TEST(a_target_whose_data_or_bits_are_not_durable_is_not_up_to_date),
		PEER_TEST(a_ping_does_not_overtake_the_acks_before_it),
		PEER_TEST(a_run_of_nothing_but_failures_ends),
		PEER_TEST(a_cancelled_request_is_asked_again),
		PEER_TEST(a_request_cancelled_again_and_again_is_asked_until_it_is_granted),
		PEER_TEST(a_stray_sync_uuid_does_not_block_for_ever),
	};

	return cmocka_run_group_tests_name("engine: resync", tests, NULL, NULL);
}
