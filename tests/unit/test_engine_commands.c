// SPDX-License-Identifier: GPL-2.0
/* What administrators, handlers, clocks and chains of resyncs set off, on a fake host. */
#include "data_path_fixture.h"
#include "core/resync.h"

#define A 0xAAAA000000000000ULL

static s32 command_done(admin_command *command, struct admin_op *op)
{
	assert_true(fake_command(command, op));
	fake_run();
	return op->ret;
}

static int setup_alone(void **state)
{
	(void)state;
	start(true);
	return 0;
}

/* ---- invalidate ---- */

static void nothing_is_invalidated_under_writes(void **state)
{
	struct admin_op op;
	struct task t = { 0 };
	struct app *w;

	(void)state;
	admin_op_init(&op, &fake.resource, dev());
	assert_int_equal(command_done(admin_primary, &op), SS_SUCCESS);
	w = issue(OP_WRITE, 8, 4096);
	admin_op_init(&op, &fake.resource, dev());
	assert_int_equal(fake_step(admin_invalidate_remote, &op, &t), FIBER_WAIT);
	assert_int_not_equal(dev()->state.pdsk, D_INCONSISTENT);
	disk_done(w, 0);
	assert_int_equal(fake_step(admin_invalidate_remote, &op, &t), FIBER_DONE);
	assert_int_equal(op.ret, SS_SUCCESS);
	assert_int_equal(dev()->bitmap.bits_set, SECTORS / 8);
}

/* ---- resume-io ---- */

static void what_was_frozen_completes_alone_by_command(void **state)
{
	struct admin_op op;
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	drain(SOCK_DATA);
	fake.resource.susp = true;
	dev()->state.susp = true;
	disk_done(w, 0);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	fake_run();
	assert_false(w->completed);
	admin_op_init(&op, &fake.resource, dev());
	assert_int_equal(command_done(admin_resume_io, &op), SS_SUCCESS);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], A));
}

static void freeze_by_command(void)
{
	fake.resource.susp = true;
	dev()->state.susp = true;
}

static void resume_by_command(void)
{
	struct admin_op op;

	admin_op_init(&op, &fake.resource, dev());
	assert_true(command_done(admin_resume_io, &op) >= SS_SUCCESS);
}

static u64 sector_sent(void)
{
	struct sent s = expect(SOCK_DATA, P_DATA);

	return be64_to_cpu(((struct wire_p_data *)s.body)->sector);
}

/* The other way round the peer sees the epochs out of order, and so do its acks come back. */
static void what_was_frozen_leaves_before_what_waited_meanwhile(void **state)
{
	struct app *frozen = issue(OP_WRITE, 8, 4096);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	freeze_by_command();
	tl_close_epoch(conn());
	issue(OP_WRITE, 80, 4096);
	disk_done(frozen, 0);
	fake.now_ms += 5;
	send_close(conn());
	send_open(conn());
	conn()->established_at = env_now_ms();
	resume_by_command();
	assert_int_equal(sector_sent(), 8);
	assert_int_equal(sector_sent(), 80);
}

/* The connection is on its way down, but the peer's last words are still read. */
static void an_ack_of_what_resume_io_let_go_is_no_fault(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	freeze_by_command();
	disk_done(w, 0);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_TEAR_DOWN)), CS_HARD);
	resume_by_command();
	assert_true(w->completed);
	assert_true(tl_barrier_acked(conn(), conn()->tl.sent_epoch, 1));
}

/* ---- new-current-uuid, verify ---- */

static void a_skipped_initial_sync_leaves_no_bits(void **state)
{
	struct md_superblock sb = {
		.magic = MD_MAGIC_CLEAN, .flags = MDF_AL_CLEAN, .uuid = { MD_UUID_JUST_CREATED },
	};
	struct admin_op op;
	struct sent s;
	bool told = false;

	(void)state;
	start(false);
	dev()->capacity = 0;
	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_int_equal(command_done(admin_attach, &op), ERR_NO_ERROR);
	device_set_out_of_sync(dev(), 0, SECTORS * 512);
	assert_int_equal(dev()->bitmap.bits_set, SECTORS / 8);
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	dev()->state.pdsk = D_INCONSISTENT;
	admin_op_init(&op, &fake.resource, dev());
	op.clear_bitmap = true;
	assert_int_equal(command_done(admin_new_current_uuid, &op), ERR_NO_ERROR);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	while (next_packet(SOCK_DATA, &s, true))
		told |= s.cmd == P_UUIDS;
	assert_true(told);
}

static void a_verify_begins_with_a_whole_block(void **state)
{
	struct admin_op op;
	struct task t = { 0 };

	(void)state;
	strcpy(conn()->net_conf.verify_alg, "crc32c");
	admin_op_init(&op, &fake.resource, dev());
	op.have_start = true;
	op.start_sector = 1003;
	op.stop_sector = U64_MAX;
	fake_step(admin_verify, &op, &t);
	assert_int_equal(dev()->resync.verify_start, 1000);
}

/* ---- handlers ---- */

static u64 uuid_that_the_handler_found;

static void look_at_disk(void)
{
	uuid_that_the_handler_found = fake_on_disk(0).uuid[MD_UUID_BITMAP];
}

static struct helper_call call;

static enum fiber_status run_helper(struct task *t, void *arg)
{
	return helper_run(t, &fake.resource, arg, "pri-on-incon-degr", &call);
}

static void a_handler_finds_on_disk_what_it_is_called_for(void **state)
{
	struct task t = { 0 };

	(void)state;
	memset(&call, 0, sizeof(call));
	device_uuid_set(dev(), MD_UUID_BITMAP, 0x4711);
	fake.helper_hook = look_at_disk;
	fake.helper_exit = 7;
	assert_int_equal(fake_drive(&t, run_helper, dev()), FIBER_DONE);
	assert_int_equal(uuid_that_the_handler_found, 0x4711);
	assert_int_equal(call.status, 7);
}

/* ---- one resync after the other ---- */

static void look_like(u32 vnr, s32 after, u8 c, bool paused, u8 disk)
{
	struct drbd_device *device = fake_device(vnr);

	device->has_backing = true;
	device->disk_conf.resync_after = after;
	device->state.conn = c;
	device->state.disk = disk;
	device->state.user_isp = paused;
	resync_brief_publish(device);
}

/* Of minors 1 to 4 the last comes after the third, that after the second, and so on. */
static void chain(void)
{
	u32 i;

	fake_start(4);
	for (i = 0; i < 4; i++)
		look_like(i, i ? (s32)i : -1, C_CONNECTED, false, D_UP_TO_DATE);
	assert_true(resync_may_run_now(fake_device(3)));
}

static void a_resync_waits_for_all_that_come_before_it(void **state)
{
	u32 i;

	(void)state;
	for (i = 0; i < 3; i++) {
		chain();
		look_like(i, i ? (s32)i : -1, C_SYNC_TARGET, false, D_INCONSISTENT);
		assert_false(resync_may_run_now(fake_device(3)));
		look_like(i, i ? (s32)i : -1, C_CONNECTED, false, D_UP_TO_DATE);
		assert_true(resync_may_run_now(fake_device(3)));
		/* Paused, it goes on later, and before the others. */
		look_like(i, i ? (s32)i : -1, C_CONNECTED, true, D_UP_TO_DATE);
		assert_false(resync_may_run_now(fake_device(3)));
	}
}

static void a_chain_ends_at_a_device_without_a_disk(void **state)
{
	(void)state;
	chain();
	look_like(0, -1, C_SYNC_TARGET, false, D_INCONSISTENT);
	look_like(1, 1, C_CONNECTED, true, D_DISKLESS);
	assert_true(resync_may_run_now(fake_device(3)));
}

static void no_chain_is_closed_to_a_circle(void **state)
{
	(void)state;
	chain();
	assert_int_equal(resync_after_valid(fake_device(0), -1), ERR_NO_ERROR);
	assert_int_equal(resync_after_valid(fake_device(0), 1), ERR_RESYNC_AFTER_CYCLE);
	assert_int_equal(resync_after_valid(fake_device(0), 2), ERR_RESYNC_AFTER_CYCLE);
	assert_int_equal(resync_after_valid(fake_device(0), 4), ERR_RESYNC_AFTER_CYCLE);
	assert_int_equal(resync_after_valid(fake_device(3), 1), ERR_NO_ERROR);
	assert_int_equal(resync_after_valid(fake_device(3), 9), ERR_RESYNC_AFTER);
}

/* ---- what the peer asks to be changed ---- */

/* In the peer's words: its disk is to be Diskless. */
static s32 peer_wants_to_detach(void)
{
	struct wire_p_state_req p = {
		.mask = cpu_to_be32(ST_DISK_MASK), .val = cpu_to_be32(D_DISKLESS << ST_DISK_SHIFT),
	};
	struct sent reply;
	s32 code;

	done(arrive(P_STATE_CHG_REQ, &p, sizeof(p), 0));
	do
		assert_true(next_packet(SOCK_META, &reply, true));
	while (reply.cmd != P_STATE_CHG_REPLY);
	memcpy(&code, reply.body, sizeof(code));
	return (s32)be32_to_cpu((__be32)code);
}

static void a_primary_peer_keeps_the_last_good_data(void **state)
{
	(void)state;
	dev()->state.conn = C_SYNC_TARGET;
	dev()->state.disk = D_INCONSISTENT;
	assert_int_equal(peer_wants_to_detach(), SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	dev()->state.conn = C_CONNECTED;
	dev()->state.disk = D_UP_TO_DATE;
	assert_int_equal(peer_wants_to_detach(), SS_SUCCESS);
	assert_int_equal(dev()->state.pdsk, D_DISKLESS);
}

static void a_primary_peer_without_good_data_may_let_go_of_the_rest(void **state)
{
	(void)state;
	dev()->state.disk = D_INCONSISTENT;
	dev()->state.pdsk = D_INCONSISTENT;
	assert_int_equal(peer_wants_to_detach(), SS_SUCCESS);
	assert_int_equal(dev()->state.pdsk, D_DISKLESS);
}

/* ---- what the peer asks of a source ---- */

static struct arrival *asked(u16 cmd, u64 sector)
{
	struct wire_p_block_req p = {
		.sector = cpu_to_be64(sector), .block_id = ID_SYNCER, .blksize = cpu_to_be32(4096),
	};

	return arrive(cmd, &p, sizeof(p), 0);
}

static void only_up_to_date_data_is_a_source(void **state)
{
	static const u8 weak[] = { D_INCONSISTENT, D_OUTDATED, D_CONSISTENT };
	u32 i;

	(void)state;
	dev()->state.conn = C_SYNC_SOURCE;
	for (i = 0; i < ARRAY_SIZE(weak); i++) {
		dev()->state.disk = weak[i];
		done(asked(P_RS_DATA_REQUEST, 80));
		assert_false(peer_submitted[n_peers - 1]);
		expect(SOCK_META, P_NEG_RS_DREPLY);
	}
	dev()->state.disk = D_UP_TO_DATE;
	done(asked(P_RS_DATA_REQUEST, 80));
	assert_true(peer_submitted[n_peers - 1]);
	peer_request_local_done(&peers[n_peers - 1], 0);
	expect(SOCK_DATA, P_RS_DATA_REPLY);
}

static void a_request_that_waits_is_not_overtaken(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	dev()->state.conn = C_SYNC_SOURCE;
	dev()->state.pdsk = D_INCONSISTENT;
	done(asked(P_RS_DATA_REQUEST, 800));
	/* Of another extent, which is free. */
	done(asked(P_RS_DATA_REQUEST, 65536));
	assert_false(peer_submitted[0] || peer_submitted[1]);
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	fake_run();
	assert_true(peer_submitted[0] && peer_submitted[1]);
	peer_request_local_done(&peers[0], 0);
	peer_request_local_done(&peers[1], 0);
	drain(SOCK_DATA);
}

static void a_verify_from_the_middle_has_the_rest_to_look_at(void **state)
{
	(void)state;
	dev()->state.conn = C_VERIFY_T;
	dev()->resync.verify_start = U64_MAX;
	done(asked(P_OV_REQUEST, SECTORS - 64));
	assert_int_equal(dev()->resync.verify_start, SECTORS - 64);
	assert_int_equal(dev()->resync.verify_left, 8);
	peer_request_local_done(&peers[n_peers - 1], 0);
}

/* It counts every block, and would wait for those that nobody asks for. */
static void a_verify_with_an_old_target_begins_at_the_start(void **state)
{
	(void)state;
	dev()->resync.verify_start = SECTORS - 64;
	resync_verify_begin(dev(), C_VERIFY_S);
	assert_int_equal(dev()->resync.verify_position, SECTORS - 64);
	assert_int_equal(dev()->resync.verify_left, 8);
	conn()->agreed_pro_version = 89;
	dev()->resync.verify_start = SECTORS - 64;
	resync_verify_begin(dev(), C_VERIFY_S);
	assert_int_equal(dev()->resync.verify_position, 0);
	assert_int_equal(dev()->resync.verify_left, SECTORS / 8);
}

/* ---- clocks ---- */

static struct core_timer timers[3];
static u32 fired[3];

static void note_fired(struct core_timer *timer)
{
	fired[timer - timers]++;
}

static void each_timer_fires_at_its_time(void **state)
{
	static const u64 at[] = { 30, 10, 20 };
	const u64 began = fake.now_ms;
	u32 i;

	(void)state;
	memset(fired, 0, sizeof(fired));
	for (i = 0; i < 3; i++) {
		core_timer_init(&timers[i], note_fired);
		core_timer_set(&fake.resource, &timers[i], at[i]);
	}
	assert_int_equal(fake.timer_ms, began + 10);
	fake_advance(10);
	assert_true(fired[1] == 1 && !fired[0] && !fired[2]);
	/* The host is told of the next one. */
	assert_int_equal(fake.timer_ms, began + 20);
	fake_advance(10);
	assert_true(fired[2] == 1 && !fired[0]);
	core_timer_cancel(&fake.resource, &timers[0]);
	assert_int_equal(fake.timer_ms, 0);
	fake_advance(100);
	assert_int_equal(fired[0], 0);
}

static int setup_nothing(void **state)
{
	(void)state;
	start(false);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(nothing_is_invalidated_under_writes, setup_alone),
		TEST(what_was_frozen_completes_alone_by_command, setup_primary),
		TEST(what_was_frozen_leaves_before_what_waited_meanwhile, setup_primary),
		TEST(an_ack_of_what_resume_io_let_go_is_no_fault, setup_primary),
		TEST(a_skipped_initial_sync_leaves_no_bits, setup_nothing),
		TEST(a_verify_begins_with_a_whole_block, setup_secondary),
		TEST(a_handler_finds_on_disk_what_it_is_called_for, setup_secondary),
		TEST(a_resync_waits_for_all_that_come_before_it, setup_nothing),
		TEST(a_chain_ends_at_a_device_without_a_disk, setup_nothing),
		TEST(no_chain_is_closed_to_a_circle, setup_nothing),
		TEST(a_primary_peer_keeps_the_last_good_data, setup_secondary),
		TEST(a_primary_peer_without_good_data_may_let_go_of_the_rest, setup_secondary),
		TEST(only_up_to_date_data_is_a_source, setup_secondary),
		TEST(a_request_that_waits_is_not_overtaken, setup_primary),
		TEST(a_verify_from_the_middle_has_the_rest_to_look_at, setup_secondary),
		TEST(a_verify_with_an_old_target_begins_at_the_start, setup_secondary),
		TEST(each_timer_fires_at_its_time, setup_nothing),
	};

	return cmocka_run_group_tests_name("engine: commands", tests, NULL, NULL);
}
