// SPDX-License-Identifier: GPL-2.0
/* What must be on the disk before what: bits, data, epochs, generations. */
#include "data_path_fixture.h"

static s64 flush_result, bitmap_result;
static char order[64];

static s64 disk_says(const struct action *a)
{
	static const struct { u8 kind; const char *letter; } noted[] = {
		{ ACT_FLUSH, "F" }, { ACT_BM_WRITE, "B" }, { ACT_MD_WRITE, "S" },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(noted); i++)
		if (noted[i].kind == a->kind && strlen(order) < sizeof(order) - 1)
			strcat(order, noted[i].letter);
	if (a->kind == ACT_FLUSH)
		return flush_result;
	return a->kind == ACT_BM_WRITE ? bitmap_result : 0;
}

static void watch_disk(s64 flush, s64 bitmap)
{
	order[0] = '\0';
	flush_result = flush;
	bitmap_result = bitmap;
	fake.on_disk = disk_says;
}

/* ---- bits and the data that they vouch for ---- */

static enum fiber_status run_bitmap_write(struct task *t, void *arg)
{
	return device_bitmap_write(t, dev(), arg, BM_WRITE_CHANGED);
}

static int write_bitmap(void)
{
	struct bm_write w;
	struct task t = { 0 };

	memset(&w, 0, sizeof(w));
	assert_int_equal(fake_drive(&t, run_bitmap_write, &w), FIBER_DONE);
	return w.error;
}

static bool page_is_owed(void)
{
	return bm_next_page_with(&dev()->bitmap, 0, BM_PAGE_NEED | BM_PAGE_LAZY) != U32_MAX;
}

static void make_a_bit_clear(void)
{
	device_set_out_of_sync(dev(), 0, 8192);
	assert_int_equal(write_bitmap(), 0);
	device_set_in_sync(dev(), 0, 4096);
	dev()->disk_conf.on_io_error = EP_PASS_ON;
}

static void bits_whose_data_is_not_flushed_stay_set_on_disk(void **state)
{
	(void)state;
	make_a_bit_clear();
	watch_disk(-EIO, 0);
	assert_int_equal(write_bitmap(), -EIO);
	assert_string_equal(order, "F");
	/* Not forgotten either. */
	assert_true(page_is_owed());
	watch_disk(0, 0);
	assert_int_equal(write_bitmap(), 0);
	assert_string_equal(order, "FB");
	assert_false(page_is_owed());
}

static void a_page_that_was_not_written_is_owed(void **state)
{
	(void)state;
	make_a_bit_clear();
	watch_disk(0, -EIO);
	assert_int_equal(write_bitmap(), -EIO);
	assert_true(page_is_owed());
}

static void a_disk_without_a_cache_needs_no_flush(void **state)
{
	(void)state;
	make_a_bit_clear();
	watch_disk(-EOPNOTSUPP, 0);
	assert_int_equal(write_bitmap(), 0);
	assert_string_equal(order, "FB");
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

/* The activity log forgets an extent when its page is on the disk, whoever has written it. */
static void a_page_that_another_is_writing_is_not_on_the_disk(void **state)
{
	struct bm_write first, second;
	struct task t1 = { 0 }, t2 = { 0 };

	(void)state;
	memset(&first, 0, sizeof(first));
	memset(&second, 0, sizeof(second));
	device_set_out_of_sync(dev(), 0, 4096);
	assert_int_equal(run_bitmap_write(&t1, &first), FIBER_ACTION);
	assert_int_equal(t1.action.kind, ACT_BM_WRITE);
	assert_int_equal(run_bitmap_write(&t2, &second), FIBER_WAIT);
	t1.result = -EIO;
	assert_int_equal(run_bitmap_write(&t1, &first), FIBER_DONE);
	/* It was not written then: the other one tries. */
	assert_int_equal(run_bitmap_write(&t2, &second), FIBER_ACTION);
	assert_int_equal(t2.action.kind, ACT_BM_WRITE);
	t2.result = 0;
	assert_int_equal(run_bitmap_write(&t2, &second), FIBER_DONE);
	assert_int_equal(second.error, 0);
	assert_false(page_is_owed());
}

static u32 peers_bitmap(u8 *payload)
{
	static void *pages[1];
	static u8 flags[1], page[BM_PAGE_BYTES];
	struct bm_transfer transfer;
	struct bitmap peers_bits;
	unsigned int len;

	memset(page, 0, sizeof(page));
	pages[0] = page;
	bm_init(&peers_bits, pages, flags, 1, SECTORS / 8);
	bm_set_range(&peers_bits, 3, 4);
	bm_transfer_init(&transfer, peers_bits.n_bits);
	assert_int_equal(bm_send_fill(&peers_bits, &transfer, true, payload, 256, &len),
			 BM_SEND_COMPRESSED);
	return len;
}

static void the_peers_bits_wait_for_a_change_of_all_bits(void **state)
{
	u8 payload[256];
	u32 len = peers_bitmap(payload);
	struct arrival *a;

	(void)state;
	dev()->state.conn = C_WF_BITMAP_S;
	dev()->bm_io_pending = true;
	a = arrive(P_COMPRESSED_BITMAP, payload, 0, len);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	dev()->bm_io_pending = false;
	go_on(a);
	done(a);
	assert_int_equal(dev()->bitmap.bits_set, 2);
}

static void more_than_a_gibibyte_is_marked_to_its_end(void **state)
{
	const u64 sectors = 5ULL << 21;
	struct md_superblock sb = {
		.la_size_sect = sectors, .magic = MD_MAGIC_CLEAN, .uuid = { 0xAAAA000000000000ULL },
		.flags = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE,
	};
	struct admin_op op;

	(void)state;
	fake_stop();
	start(false);
	dev()->capacity = 0;
	fake_format(0, sectors, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(dev()->capacity, sectors);
	assert_int_equal(device_set_out_of_sync(dev(), 2048, 3ULL << 30), 3 << 18);
	assert_int_equal(bm_test(&dev()->bitmap, 256), 1);
	assert_int_equal(bm_test(&dev()->bitmap, 256 + (3 << 18) - 1), 1);
	assert_int_equal(bm_test(&dev()->bitmap, 256 + (3 << 18)), 0);
}

/* ---- epochs ---- */

static void an_epoch_whose_flush_failed_is_not_acknowledged(void **state)
{
	struct wire_p_barrier p = { .barrier = 7 };
	struct sent s;

	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	done(write_arrives(8, 4096, 1));
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	watch_disk(-EIO, 0);
	deliver(arrival_read(P_BARRIER, &p, sizeof(p), 0));
	while (next_packet(SOCK_META, &s, true))
		assert_int_not_equal(s.cmd, P_BARRIER_ACK);
	/* The peer marks what it wrote last. */
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

static void attach_volume(u32 vnr)
{
	struct md_superblock sb = {
		.la_size_sect = SECTORS, .magic = MD_MAGIC_CLEAN, .uuid = { 0xAAAA000000000000ULL },
		.flags = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE,
	};
	struct admin_op op;

	fake_format(vnr, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, fake_device(vnr));
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
}

static void pair_of_two_volumes(u8 role, u8 peer)
{
	struct state_change up = state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						   ST_CHANGE_PDSK(D_UP_TO_DATE));

	fake_stop();
	start(false);
	fake_stop();
	fake_start(2);
	fake.on_submit = on_submit;
	fake.on_complete = on_complete;
	fake.on_free = on_free;
	fake.on_peer_submit = on_peer_submit;
	fake.on_peer_free = on_peer_free;
	attach_volume(0);
	attach_volume(1);
	connect_as(role, peer);
	up = state_change_join(up, ST_CHANGE_PEER(peer));
	up = state_change_join(up, ST_CHANGE_ROLE(role));
	state_change(fake_device(1), ST_ARGS(up), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	drain(SOCK_META);
}

static void an_epoch_is_flushed_on_all_volumes(void **state)
{
	struct wire_p_barrier p = { .barrier = 7 };

	(void)state;
	pair_of_two_volumes(ROLE_SECONDARY, ROLE_PRIMARY);
	done(write_arrives(8, 4096, 1));
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	fake.volume[0].flushes = fake.volume[1].flushes = 0;
	assert_true(deliver(arrival_read(P_BARRIER, &p, sizeof(p), 0)));
	expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(fake.volume[0].flushes, 1);
	assert_int_equal(fake.volume[1].flushes, 1);
}

/* ---- what nobody has for good is no success ---- */

static void a_write_on_a_disk_under_sync_alone_fails(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	dev()->state.conn = C_SYNC_TARGET;
	dev()->state.disk = D_INCONSISTENT;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(ack(&data, P_NEG_ACK, 4096));
	assert_true(w->completed);
	assert_int_not_equal(w->error, 0);
}

static void a_write_that_failed_here_and_went_to_a_disk_under_sync_fails(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	dev()->state.conn = C_SYNC_SOURCE;
	dev()->state.pdsk = D_INCONSISTENT;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, -EIO);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_not_equal(w->error, 0);
}

/* A write that stepped back has only its extent to cover what it wrote here. */
static void an_extent_let_go_leaves_a_mark_of_what_it_alone_covered(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	assert_true(w->req.in_al);
	w->req.unmirrored = true;
	al_end_request(&w->req);
	assert_int_equal(al_active_extents(dev()), 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

/* ---- generations ---- */

static u64 bitmap_uuid_at_completion;

static void look_at_generation(struct drbd_request *req, int error)
{
	on_complete(req, error);
	bitmap_uuid_at_completion = fake_on_disk(req->device->vnr).uuid[MD_UUID_BITMAP];
}

static void the_peer_returns_rebooted(void)
{
	struct state s = { .role = ROLE_SECONDARY, .conn = C_WF_CONNECTION, .disk = D_CONSISTENT,
			   .pdsk = D_UNKNOWN };
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(s)) };
	struct wire_p_uuids uuids = { .current_uuid = cpu_to_be64(0xAAAA000000000000ULL) };

	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	send_open(conn());
	conn()->state_sent = true;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
	fake_run();
	send_uuids(dev());
	drain(SOCK_DATA);
	assert_true(deliver(arrival_read(P_UUIDS, &uuids, sizeof(uuids), 0)));
	deliver(arrival_read(P_STATE, &p, sizeof(p), 0));
}

/* It has nothing of what was frozen: no volume may look to it as if it had. */
static void what_a_rebooted_peer_lacks_has_a_new_name_on_every_volume(void **state)
{
	struct app *w = &apps[0];

	(void)state;
	pair_of_two_volumes(ROLE_PRIMARY, ROLE_SECONDARY);
	fake.on_complete = look_at_generation;
	n_apps = 1;
	request_init(&w->req, fake_device(1), OP_WRITE, 8, 4096, 0);
	request_new(&w->req);
	fake_run();
	disk_done(w, 0);
	fake_device(0)->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	fake_device(1)->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	fake_run();
	assert_true(fake.resource.susp_fen);
	assert_false(w->completed);
	assert_int_equal(fake_on_disk(1).uuid[MD_UUID_BITMAP], 0);
	the_peer_returns_rebooted();
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_true(uuid_same(bitmap_uuid_at_completion, 0xAAAA000000000000ULL));
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0xAAAA000000000000ULL));
}

static void frozen_by_a_lost_peer(void)
{
	dev()->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	fake_run();
	assert_true(fake.resource.susp_fen);
}

/* A disk that the peer attaches later has the old name, and may lack what its cache had. */
static void what_a_peer_without_its_disk_lacks_has_a_new_name(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	fake.on_complete = look_at_generation;
	bitmap_uuid_at_completion = 0;
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	frozen_by_a_lost_peer();
	disk_done(w, 0);
	assert_false(w->completed);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	send_open(conn());
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						      ST_CHANGE_PDSK(D_DISKLESS))), CS_HARD);
	fake_run();
	assert_false(fake.resource.susp_fen);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_true(uuid_same(bitmap_uuid_at_completion, 0xAAAA000000000000ULL));
}

/* No data of the first volume anywhere: all is frozen when the connection goes. */
static void frozen_for_lack_of_the_other_volumes_data(void)
{
	pair_of_two_volumes(ROLE_PRIMARY, ROLE_SECONDARY);
	fake.resource.opts.on_no_data = ON_NO_DATA_SUSPEND_IO;
	state_force(fake_device(0), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)));
	state_force(fake_device(0), ST_ARGS(ST_CHANGE_DISK(D_FAILED)));
	fake_run();
	assert_true(fake.resource.susp_nod);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	fake_run();
	assert_true(fake_device(1)->new_uuid_on_thaw);
	assert_int_equal(fake_on_disk(1).uuid[MD_UUID_BITMAP], 0);
}

/* Else the disk that it attaches later would pass for as new as this one. */
static void what_another_volume_froze_has_a_new_name_when_the_peer_has_no_disk(void **state)
{
	struct state_change back = state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						     ST_CHANGE_PDSK(D_DISKLESS));
	u32 last;

	(void)state;
	/* The volume that has data is the first or the last that the peer is met on. */
	for (last = 0; last < 2; last++) {
		frozen_for_lack_of_the_other_volumes_data();
		conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
		conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
		send_open(conn());
		conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
		state_force(fake_device(!last), ST_ARGS(back));
		fake_run();
		state_force(fake_device(last), ST_ARGS(back));
		fake_run();
		assert_false(fake.resource.susp_nod);
		/* One generation, not two. */
		assert_true(uuid_same(fake_on_disk(1).uuid[MD_UUID_BITMAP], 0xAAAA000000000000ULL));
		assert_false(fake_device(1)->new_uuid_on_thaw);
	}
}

/* Nothing but bits would tell the next handshake what the lost disk did not flush. */
static void a_peers_disk_lost_before_it_confirmed_all_makes_this_one_the_source(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed && !w->freed);
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_SECONDARY)), CS_HARD);
	fake_run();
	assert_false(dev()->crashed_primary);
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_FAILED)), CS_HARD);
	fake_run();
	assert_true(dev()->crashed_primary);
	assert_true(fake_on_disk(0).flags & MDF_CRASHED_PRIMARY);
}

/* The mark of a sync under way names no data that anybody has seen. */
static void the_mark_of_a_sync_is_no_name_of_what_users_see(void **state)
{
	struct wire_p_uuids uuids = { .current_uuid = cpu_to_be64(0xCCCC000000000000ULL) };
	u64 before = dev()->ed_uuid;

	(void)state;
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_ROLE(ROLE_SECONDARY),
						      ST_CHANGE_PDSK(D_INCONSISTENT))), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
	assert_true(deliver(arrival_read(P_UUIDS, &uuids, sizeof(uuids), 0)));
	assert_true(dev()->ed_uuid == before);
	dev()->state.pdsk = D_UP_TO_DATE;
	assert_true(deliver(arrival_read(P_UUIDS, &uuids, sizeof(uuids), 0)));
	assert_true(dev()->ed_uuid == 0xCCCC000000000000ULL);
}

/* Its generations come before its state: by the latter alone, the disk would still be none. */
static void an_inconsistent_disk_just_attached_names_nothing_users_see(void **state)
{
	struct wire_p_uuids uuids = {
		.current_uuid = cpu_to_be64(0xCCCC000000000000ULL),
		.flags = cpu_to_be64(UUID_FLAG_INCONSISTENT),
	};
	u64 before = dev()->ed_uuid;

	(void)state;
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_ROLE(ROLE_SECONDARY),
						      ST_CHANGE_PDSK(D_DISKLESS))), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.pdsk, D_DISKLESS);
	assert_true(deliver(arrival_read(P_UUIDS, &uuids, sizeof(uuids), 0)));
	assert_true(dev()->ed_uuid == before);
	uuids.flags = 0;
	assert_true(deliver(arrival_read(P_UUIDS, &uuids, sizeof(uuids), 0)));
	assert_true(dev()->ed_uuid == 0xCCCC000000000000ULL);
}

/* Users have seen more than the disk that negotiates, whatever its generation says. */
static void an_old_disk_whose_handshake_is_cut_off_does_not_count_as_current(void **state)
{
	int unnamed;

	for (unnamed = 0; unnamed < 2; unnamed++) {
		fake_stop();
		setup_secondary(state);
		dev()->disk_at_attach = D_UP_TO_DATE;
		dev()->state.disk = D_NEGOTIATING;
		dev()->exposure = unnamed ? EXPOSURE_UNNAMED : EXPOSURE_NAMED;
		conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
		conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
		assert_int_equal(dev()->state.disk == D_UP_TO_DATE, !unnamed);
	}
}

static void the_own_disk_names_what_users_see_once_it_has_it_all(void **state)
{
	(void)state;
	dev()->exposure = EXPOSURE_UNNAMED;
	state_change(dev(), ST_ARGS(ST_CHANGE_FLAG(ST_USER_ISP, true)), CS_HARD);
	assert_int_equal(dev()->exposure, EXPOSURE_NAMED);
}

/* ---- marks and the writes that are older than they ---- */

static void syncs_as(u8 c, u8 disk, u8 pdsk)
{
	struct state_change change = state_change_join(ST_CHANGE_CONN(c),
		state_change_join(ST_CHANGE_DISK(disk), ST_CHANGE_PDSK(pdsk)));

	state_change(dev(), ST_ARGS(change), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.conn, c);
	drain(SOCK_DATA);
	drain(SOCK_META);
	device_set_out_of_sync(dev(), 8, 4096);
}

/* Sent when the mark may go with its ack, which says so. */
static struct sent write_during_resync(struct app **w)
{
	struct sent data;

	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	*w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	assert_true(be32_to_cpu(((struct wire_p_data *)data.body)->dp_flags) & DP_MAY_SET_IN_SYNC);
	disk_done(*w, 0);
	assert_true((*w)->completed);
	return data;
}

static void the_ack_of_a_write_during_a_resync_takes_its_mark_away(void **state)
{
	struct sent data, barrier;
	struct app *w;

	(void)state;
	syncs_as(C_SYNC_SOURCE, D_UP_TO_DATE, D_INCONSISTENT);
	data = write_during_resync(&w);
	tl_close_epoch(conn());
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(ack(&data, P_RS_WRITE_ACK, 4096));
	assert_true(barrier_ack(&barrier, 1));
	assert_true(w->freed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 0);
}

/* The peer may have cleared its mark for the earlier one already: it is told although ours was set. */
static void the_ack_of_an_earlier_write_leaves_the_mark_of_one_that_was_not_sent(void **state)
{
	struct app *first, *second;
	struct sent data, barrier, oos;

	(void)state;
	syncs_as(C_SYNC_SOURCE, D_UP_TO_DATE, D_INCONSISTENT);
	conn()->net_conf.on_congestion = OPT_CONGESTION_PULL_AHEAD;
	conn()->net_conf.cong_fill = 8;
	data = write_during_resync(&first);
	second = issue(OP_WRITE, 8, 4096);
	assert_int_equal(dev()->state.conn, C_AHEAD);
	barrier = expect(SOCK_DATA, P_BARRIER);
	oos = expect(SOCK_DATA, P_OUT_OF_SYNC);
	assert_int_equal(be64_to_cpu(((struct wire_p_block_desc *)oos.body)->sector), 8);
	disk_done(second, 0);
	assert_true(ack(&data, P_RS_WRITE_ACK, 4096));
	assert_true(barrier_ack(&barrier, 1));
	assert_true(first->freed && second->freed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void a_received_write_leaves_the_mark_that_was_announced_after_it(void **state)
{
	struct wire_p_data data = {
		.sector = cpu_to_be64(8), .seq_num = cpu_to_be32(1),
		.dp_flags = cpu_to_be32(DP_SEND_WRITE_ACK | DP_MAY_SET_IN_SYNC),
	};
	/* A part of the block is enough, and the whole of it stays marked. */
	struct wire_p_block_desc oos = {
		.sector = cpu_to_be64(9), .blksize = cpu_to_be32(512),
	};
	int announced;

	for (announced = 0; announced < 2; announced++) {
		fake_stop();
		setup_secondary(state);
		syncs_as(C_SYNC_TARGET, D_INCONSISTENT, D_UP_TO_DATE);
		done(arrive(P_DATA, &data, sizeof(data), 4096));
		if (announced)
			done(arrive(P_OUT_OF_SYNC, &oos, sizeof(oos), 0));
		peer_request_local_done(&peers[0], 0);
		fake_run();
		expect(SOCK_META, announced ? P_WRITE_ACK : P_RS_WRITE_ACK);
		assert_int_equal(bm_test(&dev()->bitmap, 1), announced);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(bits_whose_data_is_not_flushed_stay_set_on_disk, setup_secondary),
		TEST(a_page_that_was_not_written_is_owed, setup_secondary),
		TEST(a_disk_without_a_cache_needs_no_flush, setup_secondary),
		TEST(a_page_that_another_is_writing_is_not_on_the_disk, setup_secondary),
		TEST(the_peers_bits_wait_for_a_change_of_all_bits, setup_secondary),
		TEST(more_than_a_gibibyte_is_marked_to_its_end, setup_secondary),
		TEST(an_epoch_whose_flush_failed_is_not_acknowledged, setup_secondary),
		TEST(an_epoch_is_flushed_on_all_volumes, setup_secondary),
		TEST(a_write_on_a_disk_under_sync_alone_fails, setup_primary),
		TEST(a_write_that_failed_here_and_went_to_a_disk_under_sync_fails, setup_primary),
		TEST(an_extent_let_go_leaves_a_mark_of_what_it_alone_covered, setup_primary),
		TEST(what_a_rebooted_peer_lacks_has_a_new_name_on_every_volume, setup_primary),
		TEST(what_a_peer_without_its_disk_lacks_has_a_new_name, setup_primary),
		TEST(what_another_volume_froze_has_a_new_name_when_the_peer_has_no_disk,
		     setup_primary),
		TEST(a_peers_disk_lost_before_it_confirmed_all_makes_this_one_the_source,
		     setup_primary),
		TEST(the_mark_of_a_sync_is_no_name_of_what_users_see, setup_diskless),
		TEST(an_inconsistent_disk_just_attached_names_nothing_users_see, setup_diskless),
		TEST(an_old_disk_whose_handshake_is_cut_off_does_not_count_as_current,
		     setup_secondary),
		TEST(the_own_disk_names_what_users_see_once_it_has_it_all, setup_primary),
		TEST(the_ack_of_a_write_during_a_resync_takes_its_mark_away, setup_primary),
		TEST(the_ack_of_an_earlier_write_leaves_the_mark_of_one_that_was_not_sent,
		     setup_primary),
		TEST(a_received_write_leaves_the_mark_that_was_announced_after_it, setup_secondary),
	};

	return cmocka_run_group_tests_name("engine: order", tests, NULL, NULL);
}
