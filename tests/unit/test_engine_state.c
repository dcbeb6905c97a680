// SPDX-License-Identifier: GPL-2.0
/* State changes with their consequences, on a fake host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "fake_env.h"
#include "core/objects.h"

#define SECTORS 262144ULL
#define UUID_A 0xAAAA000000000000ULL

static const u32 CLEAN_FLAGS = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE;

static struct md_superblock superblock(u64 uuid, u32 flags, u64 size)
{
	struct md_superblock sb = {
		.la_size_sect = size, .flags = flags, .magic = MD_MAGIC_CLEAN,
		.uuid = { uuid },
	};

	return sb;
}

static int setup(void **state)
{
	(void)state;
	fake_start(1);
	return 0;
}

static int setup_two(void **state)
{
	(void)state;
	fake_start(2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_stop();
	return 0;
}

static s32 run(admin_command *command, u32 vnr, bool force)
{
	static struct admin_op op;

	admin_op_init(&op, &fake.resource, fake_device(vnr));
	op.force = force;
	assert_true(fake_command(command, &op));
	fake_run();
	return op.ret;
}

static s32 attach(u32 vnr, u64 uuid, u32 flags, u64 size)
{
	struct md_superblock sb = superblock(uuid, flags, size);

	fake_format(vnr, SECTORS, &sb);
	return run(admin_attach, vnr, false);
}

/* A volume that shook hands: Connected, both UpToDate. */
static void connect_all(void)
{
	struct drbd_connection *c = &fake.resource.connection;
	struct drbd_device *device;

	c->configured = true;
	c->agreed_pro_version = 101;
	c->agreed_features = 7;
	net_conf_set_defaults(&c->net_conf);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_VERBOSE);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_VERBOSE);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
	for_each_volume(device, &fake.resource) {
		struct state_change up = state_change_join(ST_CHANGE_CONN(C_CONNECTED),
							   ST_CHANGE_PDSK(D_UP_TO_DATE));

		up = state_change_join(up, ST_CHANGE_PEER(ROLE_SECONDARY));
		assert_int_equal(state_force(device, up.mask, up.val), SS_SUCCESS);
	}
	fake_run();
}

/* Answer the question that a command has put to the peer. */
static s32 run_with_answer(admin_command *command, u32 vnr, s32 answer)
{
	struct drbd_device *device = fake_device(vnr);
	struct drbd_connection *c = &fake.resource.connection;
	static struct admin_op op;
	struct task t;

	memset(&t, 0, sizeof(t));
	admin_op_init(&op, &fake.resource, device);
	while (fake_step(command, &op, &t) != FIBER_DONE) {
		struct cluster_change *change = device->change.pending ? &device->change :
									 &c->change;

		assert_true(change->pending);
		change->answer = answer;
		change->answered = true;
	}
	fake_run();
	return op.ret;
}

/* ---- attach, detach */

static void first_attach_marks_everything(void **state)
{
	struct drbd_device *device = fake_device(0);
	struct md_superblock sb;

	(void)state;
	assert_int_equal(attach(0, MD_UUID_JUST_CREATED, MDF_AL_CLEAN, 0), ERR_NO_ERROR);
	assert_int_equal(device->state.disk, D_INCONSISTENT);
	assert_int_equal(device->capacity, SECTORS);
	assert_int_equal(fake.volume[0].capacity, SECTORS);
	sb = fake_on_disk(0);
	assert_int_equal(sb.la_size_sect, SECTORS);
	assert_int_equal(sb.magic, MD_MAGIC_UNCLEAN);
	assert_int_equal(sb.flags, 0);
	assert_true(fake.volume[0].bm_writes > 0);
	assert_int_equal(device->local_refs, 0);
	assert_int_equal(device->suspend_count, 0);
}

static void clean_disk_is_up_to_date_alone(void **state)
{
	(void)state;
	assert_int_equal(attach(0, UUID_A, CLEAN_FLAGS, SECTORS), ERR_NO_ERROR);
	assert_int_equal(fake_device(0)->state.disk, D_UP_TO_DATE);
	assert_int_equal(fake_on_disk(0).flags, MDF_CONSISTENT | MDF_WAS_UP_TO_DATE);
	assert_int_equal(fake_device(0)->bitmap.bits_set, 0);
}

static void bad_superblock_closes_the_disk_again(void **state)
{
	(void)state;
	fake_device(0)->backing_sectors = SECTORS;
	fake_device(0)->meta_sectors = 8192;
	fake_device(0)->disk_conf.meta_dev_idx = MD_INDEX_FLEX_EXTERNAL;
	assert_int_equal(run(admin_attach, 0, false), ERR_MD_INVALID);
	assert_int_equal(fake.volume[0].closes, 1);
	assert_false(fake_device(0)->has_backing);
	assert_int_equal(fake_device(0)->state.disk, D_DISKLESS);
	/* Nothing of the failure is left. */
	assert_int_equal(attach(0, UUID_A, CLEAN_FLAGS, SECTORS), ERR_NO_ERROR);
}

static void smaller_consistent_disk_is_refused(void **state)
{
	(void)state;
	assert_int_equal(attach(0, UUID_A, CLEAN_FLAGS, SECTORS + 8), ERR_IMPLICIT_SHRINK);
	assert_int_equal(fake.volume[0].closes, 1);
	assert_int_equal(fake_device(0)->state.disk, D_DISKLESS);
	assert_int_equal(fake.volume[0].md_writes, 0);
}

static void crashed_primary_full_sync_flag_sets_all_bits(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	assert_int_equal(attach(0, UUID_A, CLEAN_FLAGS | MDF_FULL_SYNC, SECTORS), ERR_NO_ERROR);
	assert_int_equal(device->bitmap.bits_set, SECTORS / 8);
	assert_true(device->al.suspended);
	assert_int_equal(fake_on_disk(0).flags & MDF_FULL_SYNC, 0);
}

/* No crash, but nobody knows what was written since the bitmap was: its disk failed. */
static void a_frozen_primarys_disk_without_a_log_is_out_of_sync_when_it_comes_back(void **state)
{
	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_primary, 0, true), SS_SUCCESS);
	state_change(fake_device(0), ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_HARD);
	fake_run();
	assert_int_equal(fake_device(0)->state.disk, D_DISKLESS);
	fake.resource.susp_nod = true;
	assert_int_equal(attach(0, fake_device(0)->ed_uuid,
				CLEAN_FLAGS | MDF_PRIMARY_IND | MDF_AL_DISABLED, SECTORS), ERR_NO_ERROR);
	assert_false(fake_device(0)->crashed_primary);
	assert_int_equal(fake_device(0)->bitmap.bits_set, SECTORS / 8);
}

static void detach_closes_and_allows_another_attach(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_detach, 0, false), SS_SUCCESS);
	assert_int_equal(device->state.disk, D_DISKLESS);
	assert_false(device->has_backing);
	assert_int_equal(fake.volume[0].closes, 1);
	assert_int_equal(device->local_refs, 0);
	assert_int_equal(device->suspend_count, 0);
	assert_int_equal(run(admin_detach, 0, false), SS_NOTHING_TO_DO);
	assert_int_equal(attach(0, UUID_A, CLEAN_FLAGS, SECTORS), ERR_NO_ERROR);
}

static void a_detach_that_is_interrupted_before_io_has_stopped_changes_nothing(void **state)
{
	struct drbd_device *device = fake_device(0);
	struct admin_op op;
	struct task t = {};

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	admin_op_init(&op, &fake.resource, device);
	device->ap_in_flight = 1;
	assert_int_equal(fake_step(admin_detach, &op, &t), FIBER_WAIT);
	t.interrupted = true;
	assert_int_equal(fake_step(admin_detach, &op, &t), FIBER_DONE);
	assert_int_equal(op.ret, ERR_INTR);
	assert_int_equal(device->state.disk, D_UP_TO_DATE);
	assert_int_equal(device->suspend_count, 0);
	device->ap_in_flight = 0;
	assert_int_equal(run(admin_detach, 0, false), SS_SUCCESS);
}

static void primary_keeps_its_only_disk(void **state)
{
	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_primary, 0, false), SS_SUCCESS);
	assert_int_equal(run(admin_detach, 0, false), SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(fake_device(0)->state.disk, D_UP_TO_DATE);
	assert_int_equal(fake_device(0)->suspend_count, 0);
}

static void disk_error_calls_helper_and_ends_diskless(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	device->disk_conf.on_io_error = OPT_IO_ERROR_CALL_HELPER;
	assert_true(local_get(device, D_INCONSISTENT));
	device_io_error(device, IO_ERROR_DATA_READ);
	fake_run();
	assert_string_equal(fake.helpers, "local-io-error");
	/* Somebody still uses it. */
	assert_int_equal(device->state.disk, D_FAILED);
	local_put(device);
	fake_run();
	assert_int_equal(device->state.disk, D_DISKLESS);
	assert_int_equal(fake.volume[0].closes, 1);
	assert_int_equal(device->local_refs, 0);
}

static void metadata_write_error_detaches(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	fake.volume[0].md_error = -EIO;
	device_md_mark_dirty(device);
	fake_advance(6000);
	assert_int_equal(device->state.disk, D_DISKLESS);
	assert_false(device->has_backing);
}

/* ---- roles */

static void lonely_promotion_begins_a_generation(void **state)
{
	struct md_superblock sb;

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_primary, 0, false), SS_SUCCESS);
	assert_false(fake.volume[0].read_only);
	sb = fake_on_disk(0);
	assert_true(sb.uuid[MD_UUID_BITMAP] == UUID_A);
	assert_false(uuid_same(sb.uuid[MD_UUID_CURRENT], UUID_A));
	assert_int_equal(sb.uuid[MD_UUID_CURRENT] & 1, 1);
	assert_true(sb.flags & MDF_PRIMARY_IND);
	assert_false(fake_device(0)->change_busy);
	assert_int_equal(run(admin_primary, 0, false), SS_NOTHING_TO_DO);

	assert_int_equal(run(admin_secondary, 0, false), SS_SUCCESS);
	assert_true(fake.volume[0].read_only);
	sb = fake_on_disk(0);
	assert_int_equal(sb.uuid[MD_UUID_CURRENT] & 1, 0);
	assert_false(sb.flags & MDF_PRIMARY_IND);
}

static void inconsistent_disk_needs_force(void **state)
{
	(void)state;
	attach(0, UUID_A, MDF_AL_CLEAN, SECTORS);
	assert_int_equal(run(admin_primary, 0, false), SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(fake_device(0)->state.role, ROLE_SECONDARY);
	assert_int_equal(run(admin_primary, 0, true), SS_SUCCESS);
	assert_int_equal(fake_device(0)->state.disk, D_UP_TO_DATE);
	assert_true(fake_on_disk(0).uuid[MD_UUID_BITMAP] == UUID_A);
}

static void open_device_stays_primary(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(device_open(device, true), -EROFS);
	assert_int_equal(device_open(device, false), -EMEDIUMTYPE);
	run(admin_primary, 0, false);
	assert_int_equal(device_open(device, true), 0);
	assert_int_equal(run(admin_secondary, 0, false), SS_DEVICE_IN_USE);
	device_close(device);
	assert_int_equal(run(admin_secondary, 0, false), SS_SUCCESS);
}

static void promotion_asks_the_peer(void **state)
{
	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	assert_int_equal(run_with_answer(admin_primary, 0, SS_TWO_PRIMARIES), SS_CW_FAILED_BY_PEER);
	assert_int_equal(fake_device(0)->state.role, ROLE_SECONDARY);
	assert_int_equal(run_with_answer(admin_primary, 0, SS_SUCCESS), SS_SUCCESS);
	assert_int_equal(fake_device(0)->state.role, ROLE_PRIMARY);
	/* Connected to equal data: the same generation. */
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_CURRENT], UUID_A));
}

static void second_primary_is_refused_after_a_while(void **state)
{
	struct drbd_device *device = fake_device(0);
	u64 began;

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	state_force(device, ST_ARGS(ST_CHANGE_PEER(ROLE_PRIMARY)));
	began = fake.now_ms;
	assert_int_equal(run(admin_primary, 0, false), SS_TWO_PRIMARIES);
	assert_true(fake.now_ms - began >= 600);
}

static void hopeless_promotion_ends(void **state)
{
	struct drbd_device *device = fake_device(0);
	struct admin_op op;

	(void)state;
	attach(0, UUID_A, MDF_AL_CLEAN, SECTORS);
	connect_all();
	/* A target that never gets to know what to sync from. */
	state_force(device, ST_ARGS(ST_CHANGE_CONN(C_WF_SYNC_UUID)));
	assert_int_equal(device->state.disk, D_INCONSISTENT);
	admin_op_init(&op, &fake.resource, device);
	assert_true(fake_command(admin_primary, &op));
	assert_int_equal(op.ret, SS_IN_TRANSIENT_STATE);
	assert_true(op.info[0] != 0);
	assert_false(device->change_busy);
}

/*
 * After a crash both generations have one name until the resync begins; what a new Primary wrote
 * meanwhile would be only here and under the name that the peer has, too.
 */
static void a_promotion_on_a_shared_generation_waits_for_the_begin_of_the_resync(void **state)
{
	struct drbd_device *device = fake_device(0);
	struct admin_op op;
	struct task t = {};

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	state_force(device, ST_ARGS(ST_CHANGE_CONN(C_WF_BITMAP_S)));
	assert_int_equal(device->state.conn, C_WF_BITMAP_S);
	admin_op_init(&op, &fake.resource, device);
	assert_int_equal(fake_step(admin_primary, &op, &t), FIBER_WAIT);
	assert_false(device->change.pending);
	assert_int_equal(device->state.role, ROLE_SECONDARY);

	state_force(device, ST_ARGS(state_change_join(ST_CHANGE_CONN(C_SYNC_SOURCE),
						      ST_CHANGE_PDSK(D_INCONSISTENT))));
	assert_int_equal(fake_step(admin_primary, &op, &t), FIBER_WAIT);
	assert_true(device->change.pending);
	device->change.answer = SS_SUCCESS;
	device->change.answered = true;
	assert_int_equal(fake_step(admin_primary, &op, &t), FIBER_DONE);
	assert_int_equal(op.ret, SS_SUCCESS);
	assert_int_equal(device->state.role, ROLE_PRIMARY);
}

/* It went on alone since, and its generation has a name of its own. */
static void a_promotion_on_an_own_generation_does_not_wait_for_the_resync(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_primary, 0, false), SS_SUCCESS);
	assert_int_equal(run(admin_secondary, 0, false), SS_SUCCESS);
	connect_all();
	state_force(device, ST_ARGS(ST_CHANGE_CONN(C_WF_BITMAP_S)));
	assert_int_equal(device->state.conn, C_WF_BITMAP_S);
	assert_int_equal(run_with_answer(admin_primary, 0, SS_SUCCESS), SS_SUCCESS);
}

/* ---- losing the peer */

static void writes_wait_for_the_new_generation(void **state)
{
	struct drbd_connection *c = &fake.resource.connection;
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	run_with_answer(admin_primary, 0, SS_SUCCESS);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	assert_int_equal(device->new_uuid_pending, 1);
	assert_true(fake.shutdowns > 0);
	fake_run();
	assert_int_equal(device->new_uuid_pending, 0);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_A));
}

static void secondary_keeps_its_generation(void **state)
{
	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	conn_state_change(&fake.resource.connection, ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)),
			  CS_HARD);
	assert_int_equal(fake_device(0)->new_uuid_pending, 0);
	fake_run();
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
}

/* Or a later resume-io would make one on a Secondary, out of nothing. */
static void a_uuid_owed_while_frozen_is_forgotten_when_the_peer_has_its_data_again(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	run_with_answer(admin_primary, 0, SS_SUCCESS);
	run_with_answer(admin_suspend_io, 0, SS_SUCCESS);
	state_force(device, ST_ARGS(ST_CHANGE_PDSK(D_FAILED)));
	fake_run();
	assert_true(device->new_uuid_on_thaw);
	state_force(device, ST_ARGS(ST_CHANGE_PDSK(D_UP_TO_DATE)));
	fake_run();
	assert_false(device->new_uuid_on_thaw);
}

/* The worker has not come to the loss yet: it waits for a handler of another volume. */
static void resume_io_finds_the_generation_owed_since_the_loss_of_the_peer(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	run_with_answer(admin_primary, 0, SS_SUCCESS);
	run_with_answer(admin_suspend_io, 0, SS_SUCCESS);
	conn_state_change(&fake.resource.connection, ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)),
			  CS_HARD);
	assert_true(device->new_uuid_on_thaw);
	fake_run();
	assert_true(device->new_uuid_on_thaw);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	assert_int_equal(run(admin_resume_io, 0, false), SS_SUCCESS);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_A));
	assert_false(device->new_uuid_on_thaw);
}

static void stonith_freezes_until_the_peer_is_fenced(void **state)
{
	struct drbd_connection *c = &fake.resource.connection;
	struct drbd_device *device = fake_device(0);

	(void)state;
	device->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	run_with_answer(admin_primary, 0, SS_SUCCESS);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	fake_run();
	assert_true(fake.resource.susp_fen);
	assert_true(device->new_uuid_on_thaw);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);

	fake.helper_exit = 4;
	core_task_start(&fake.resource, &c->fence_task);
	fake_run();
	assert_string_equal(fake.helpers, "fence-peer");
	assert_int_equal(device->state.pdsk, D_OUTDATED);
	assert_false(fake.resource.susp_fen);
	assert_false(device->new_uuid_on_thaw);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_A));
	assert_true(fake_on_disk(0).flags & MDF_PEER_OUT_DATED);
}

static void broken_handler_leaves_it_frozen(void **state)
{
	struct drbd_connection *c = &fake.resource.connection;

	(void)state;
	fake_device(0)->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	run_with_answer(admin_primary, 0, SS_SUCCESS);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	fake.helper_exit = 1;
	core_task_start(&fake.resource, &c->fence_task);
	fake_run();
	assert_true(fake.resource.susp_fen);
	assert_int_equal(run(admin_resume_io, 0, false), SS_SUCCESS);
	assert_false(fake.resource.susp_fen);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_A));
}

static void forced_promotion_begins_one_generation_only(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	device->disk_conf.fencing = FENCING_RESOURCE_ONLY;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(device->state.disk, D_CONSISTENT);
	fake.helper_exit = 1;
	assert_int_equal(run(admin_primary, 0, false), SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(run(admin_primary, 0, true), SS_SUCCESS);
	/* The ancestor must stay where a split brain would look for it. */
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], UUID_A));
}

static void crashed_mark_leaves_the_disk_too(void **state)
{
	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS | MDF_PRIMARY_IND, SECTORS);
	assert_true(fake_device(0)->crashed_primary);
	assert_true(fake_on_disk(0).flags & MDF_CRASHED_PRIMARY);
	connect_all();
	assert_false(fake_device(0)->crashed_primary);
	assert_false(fake_on_disk(0).flags & MDF_CRASHED_PRIMARY);
}

/* ---- parting */

static void disconnect_asks_and_obeys(void **state)
{
	struct drbd_connection *c = &fake.resource.connection;
	struct admin_op op;
	struct task t;

	(void)state;
	memset(&t, 0, sizeof(t));
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	admin_op_init(&op, &fake.resource, NULL);
	assert_int_equal(fake_step(admin_disconnect, &op, &t), FIBER_WAIT);
	assert_true(c->change.pending);
	assert_true(c->disconnect_sent);
	c->change.answer = SS_SUCCESS;
	c->change.answered = true;
	assert_int_equal(fake_step(admin_disconnect, &op, &t), FIBER_WAIT);
	assert_int_equal(c->cstate, C_DISCONNECTING);
	/* The receiver is through. */
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_STANDALONE)), CS_HARD);
	assert_int_equal(fake_step(admin_disconnect, &op, &t), FIBER_DONE);
	assert_int_equal(op.ret, ERR_NO_ERROR);
	assert_int_equal(fake.net_freed, 1);
	assert_false(c->configured);
	assert_int_equal(run(admin_disconnect, 0, false), ERR_NO_ERROR);
}

/* ---- the engine under load */

static void many_changes_need_few_records(void **state)
{
	struct drbd_device *device = fake_device(0);
	int i;

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	for (i = 0; i < 100; i++)
		state_change(device, ST_ARGS(ST_CHANGE_FLAG(ST_USER_ISP, i % 2 == 0)), CS_VERBOSE);
	device_io_error(device, IO_ERROR_META);
	fake_run();
	assert_int_equal(device->state.disk, D_DISKLESS);
	assert_false(device->has_backing);
	assert_int_equal(device->local_refs, 0);
	assert_true(dlist_empty(&fake.resource.work.items));
}

static void suspension_holds_all_volumes(void **state)
{
	(void)state;
	assert_int_equal(run(admin_suspend_io, 0, false), SS_SUCCESS);
	assert_true(device_state(fake_device(1)).susp);
	assert_int_equal(run(admin_suspend_io, 1, false), SS_NOTHING_TO_DO);
	assert_int_equal(run(admin_resume_io, 1, false), SS_SUCCESS);
	assert_false(device_state(fake_device(0)).susp);
}

static void one_illegal_volume_stops_all(void **state)
{
	struct drbd_connection *c = &fake.resource.connection;

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	attach(1, UUID_A, CLEAN_FLAGS, SECTORS);
	connect_all();
	run_with_answer(admin_primary, 1, SS_SUCCESS);
	assert_int_equal(conn_state_change(c, ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_VERBOSE),
			 SS_SUCCESS);
	fake_run();
	/* Now volume 1 lives on the peer's data; it can not part from it. */
	assert_int_equal(conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_DISCONNECTING)), 0),
			 SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(c->cstate, C_WF_REPORT_PARAMS);
	assert_int_equal(fake_device(0)->state.conn, C_CONNECTED);
}

static void down_takes_everything_down(void **state)
{
	struct admin_op op;

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	attach(1, UUID_A, CLEAN_FLAGS, SECTORS);
	run(admin_primary, 0, false);
	assert_int_equal(run(admin_del_minor, 0, false), ERR_MINOR_CONFIGURED);
	assert_int_equal(run(admin_down, 0, false), ERR_NO_ERROR);
	assert_int_equal(run(admin_del_minor, 0, false), ERR_NO_ERROR);
	device_unlink(fake_device(0));
	admin_op_init(&op, &fake.resource, NULL);
	assert_true(fake_command(admin_del_resource, &op));
	assert_int_equal(op.ret, ERR_RES_IN_USE);
	assert_int_equal(run(admin_del_minor, 1, false), ERR_NO_ERROR);
	device_unlink(fake_device(1));
	admin_op_init(&op, &fake.resource, NULL);
	assert_true(fake_command(admin_del_resource, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
}

/* A deletion waits for the task, when nothing else goes on that could wake it. */
static void the_end_of_the_fencing_wakes_who_waits_for_it(void **state)
{
	struct core_task *fencing = &fake.resource.connection.fence_task;
	struct task t = { 0 };
	u64 before;

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	core_task_start(&fake.resource, fencing);
	before = fake.wakes;
	assert_int_equal(core_task_run(&t, fencing), FIBER_DONE);
	assert_false(fencing->active);
	assert_true(fake.wakes > before);
	fake.n_tasks = 0;
}

static void invalidate_alone_marks_everything(void **state)
{
	struct drbd_device *device = fake_device(0);

	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_invalidate, 0, false), SS_SUCCESS);
	assert_int_equal(device->state.disk, D_INCONSISTENT);
	assert_int_equal(device->bitmap.bits_set, SECTORS / 8);
	assert_int_equal(device->suspend_count, 0);
	assert_false(device->bm_io_pending);
}

static void new_uuid_only_alone(void **state)
{
	(void)state;
	attach(0, UUID_A, CLEAN_FLAGS, SECTORS);
	assert_int_equal(run(admin_new_current_uuid, 0, false), ERR_NO_ERROR);
	assert_true(fake_on_disk(0).uuid[MD_UUID_BITMAP] == UUID_A);
	connect_all();
	assert_int_equal(run(admin_new_current_uuid, 0, false), ERR_CONNECTED);
	assert_false(fake_device(0)->change_busy);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
#define TEST_TWO(f) cmocka_unit_test_setup_teardown(f, setup_two, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(first_attach_marks_everything),
		TEST(clean_disk_is_up_to_date_alone),
		TEST(bad_superblock_closes_the_disk_again),
		TEST(smaller_consistent_disk_is_refused),
		TEST(crashed_primary_full_sync_flag_sets_all_bits),
		TEST(a_frozen_primarys_disk_without_a_log_is_out_of_sync_when_it_comes_back),
		TEST(detach_closes_and_allows_another_attach),
		TEST(a_detach_that_is_interrupted_before_io_has_stopped_changes_nothing),
		TEST(primary_keeps_its_only_disk),
		TEST(disk_error_calls_helper_and_ends_diskless),
		TEST(metadata_write_error_detaches),
		TEST(lonely_promotion_begins_a_generation),
		TEST(inconsistent_disk_needs_force),
		TEST(open_device_stays_primary),
		TEST(promotion_asks_the_peer),
		TEST(second_primary_is_refused_after_a_while),
		TEST(hopeless_promotion_ends),
		TEST(a_promotion_on_a_shared_generation_waits_for_the_begin_of_the_resync),
		TEST(a_promotion_on_an_own_generation_does_not_wait_for_the_resync),
		TEST(writes_wait_for_the_new_generation),
		TEST(secondary_keeps_its_generation),
		TEST(a_uuid_owed_while_frozen_is_forgotten_when_the_peer_has_its_data_again),
		TEST(resume_io_finds_the_generation_owed_since_the_loss_of_the_peer),
		TEST(stonith_freezes_until_the_peer_is_fenced),
		TEST(broken_handler_leaves_it_frozen),
		TEST(forced_promotion_begins_one_generation_only),
		TEST(crashed_mark_leaves_the_disk_too),
		TEST(disconnect_asks_and_obeys),
		TEST(many_changes_need_few_records),
		TEST_TWO(suspension_holds_all_volumes),
		TEST_TWO(one_illegal_volume_stops_all),
		TEST_TWO(down_takes_everything_down),
		TEST(the_end_of_the_fencing_wakes_who_waits_for_it),
		TEST(invalidate_alone_marks_everything),
		TEST(new_uuid_only_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
