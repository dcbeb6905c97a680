// SPDX-License-Identifier: GPL-2.0
/*
 * What users of a Primary without a disk have seen is on the peer alone: it needs a name of its own
 * before they are told of it (exposure.h).
 */
#include "data_path_fixture.h"

static bool peers_uuids(u64 uuid, u64 bitmap)
{
	struct wire_p_uuids p = {
		.current_uuid = cpu_to_be64(uuid), .bitmap_uuid = cpu_to_be64(bitmap),
	};
	struct arrival *a = arrive(P_UUIDS, &p, sizeof(p), 0);
	bool ok = a->in.ok;

	assert_int_equal(a->status, FIBER_DONE);
	free(a);
	return ok;
}

#define OLD 0xAAAA000000000000ULL
#define NEW 0xCCCC000000000000ULL

static void lose_disk(void)
{
	peers_uuids(OLD, 0);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	drain(SOCK_DATA);
}

/* Written and acknowledged by the peer. */
static struct app *write_through(u64 sector)
{
	struct app *w = issue(OP_WRITE, sector, 4096);
	struct sent s;

	do
		assert_true(next_packet(SOCK_DATA, &s, true));
	while (s.cmd != P_DATA);
	assert_true(ack(&s, P_WRITE_ACK, 4096));
	fake_run();
	return w;
}

static s32 attach_again(void)
{
	struct md_superblock sb = fake_on_disk(0);
	static struct admin_op op;

	/* As the tools leave it, which apply the activity log. */
	sb.magic = MD_MAGIC_CLEAN;
	sb.flags |= MDF_AL_CLEAN;
	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	fake_run();
	return op.ret;
}

static s64 refuse_superblock(const struct action *a)
{
	return a->kind == ACT_MD_WRITE ? -EIO : 0;
}

/*
 * Lost while its new generation was written to it, a Primary's disk still has the old name, and
 * all that users were told of: nothing else could ever be attached.
 */
static void a_disk_that_did_not_take_its_new_generation_is_attached_again(void **state)
{
	struct app *w;
	u64 old = dev()->md.uuid[MD_UUID_CURRENT];

	(void)state;
	w = issue(OP_WRITE, 8, 4096);
	fake.on_disk = refuse_superblock;
	state_force(dev(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)));
	send_close(conn());
	tl_apply(conn(), REQ_CONNECTION_LOST);
	disk_done(w, 0);
	/* Only that disk has it, under a name that the peer's has, too. */
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_false(uuid_same(dev()->ed_uuid, old));

	fake.on_disk = NULL;
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_CURRENT], old));
	assert_int_equal(attach_again(), ERR_NO_ERROR);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], old));
}

static void an_ack_that_overtakes_the_peers_new_generation_waits_for_it(void **state)
{
	struct app *w;

	(void)state;
	lose_disk();
	w = write_through(8);
	assert_false(w->completed);
	peers_uuids(OLD, 0);
	assert_false(w->completed);
	assert_true(peers_uuids(NEW, OLD));
	fake_run();
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_true(write_through(64)->completed);
}

/* Power is cut: the cache of the disk that failed to flush is gone, and its name would be the peer's. */
static void a_flush_that_failed_here_waits_for_the_name_of_what_only_the_peer_keeps(void **state)
{
	struct app *f;

	(void)state;
	peers_uuids(OLD, 0);
	f = issue(OP_FLUSH, 0, 0);
	disk_done(f, -EIO);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_false(f->completed);
	assert_true(peers_uuids(NEW, OLD));
	fake_run();
	assert_true(f->completed);
	assert_int_equal(f->error, 0);
}

static void a_disk_that_lacks_what_users_wrote_is_not_attached_again(void **state)
{
	struct app *w;

	(void)state;
	lose_disk();
	w = write_through(8);
	lose_connection();
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_int_equal(attach_again(), ERR_DATA_NOT_CURRENT);
}

/* Handed over, told of, and then both the disk that has it and the peer were lost. */
static void a_diskless_primary_takes_no_peer_that_may_lack_what_it_told_of(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	w = issue(OP_WRITE, 8, 4096);
	do
		assert_true(next_packet(SOCK_DATA, &data, true));
	while (data.cmd != P_DATA);
	disk_done(w, 0);
	assert_true(w->completed);
	lose_disk();
	assert_false(dev()->peer_lacks);
	lose_connection();
	assert_true(dev()->peer_lacks);
	state_force(dev(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)));
	assert_false(peers_uuids(dev()->ed_uuid, 0));
	/* The own disk has it. */
	assert_int_equal(attach_again(), ERR_NO_ERROR);
	assert_false(dev()->peer_lacks);
}

static void the_peer_that_was_synced_is_lost(u64 mark)
{
	fake_run();
	device_uuid_set_bitmap(dev(), mark);
	lose_connection();
	state_force(dev(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)));
	fake_run();
	/* With the mark of a sync in its place no generation begins. */
	assert_true(uuid_same(dev()->ed_uuid, OLD));
}

/*
 * The target has ended the sync unseen, and has the same name now; or was about to be synced, and
 * has it still. What users wrote since is named nowhere but in the bitmap of the disk that is lost.
 */
static void a_diskless_primary_takes_no_peer_that_it_went_on_without_in_a_sync(void **state)
{
	(void)state;
	peers_uuids(OLD, 0);
	the_peer_that_was_synced_is_lost(NEW);
	disk_done(issue(OP_WRITE, 8, 4096), 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_false(peers_uuids(dev()->ed_uuid, 0));
	/* The own disk has it. */
	assert_int_equal(attach_again(), ERR_NO_ERROR);
	assert_false(dev()->peer_lacks);
}

/*
 * Its disk failed, so completely that it could not record that it is no good; a moment later mine is
 * lost too, before the generation that says so is on it.
 */
static void a_diskless_primary_takes_no_disk_back_that_failed_before_its_own_did(void **state)
{
	(void)state;
	peers_uuids(OLD, 0);
	device_set_out_of_sync(dev(), 8, 4096);
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_FAILED)), CS_HARD);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_true(dev()->peer_lacks);
	assert_false(peers_uuids(dev()->ed_uuid, 0));
}

static void a_diskless_primary_takes_a_peer_that_its_bitmap_says_lacks_nothing(void **state)
{
	(void)state;
	peers_uuids(OLD, 0);
	the_peer_that_was_synced_is_lost(NEW);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_true(peers_uuids(dev()->ed_uuid, 0));
}

/* It failed here, and was handed to a connection that is lost with it. */
static void a_write_that_nobody_may_have_is_no_success_in_protocol_a(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	w = issue(OP_WRITE, 8, 4096);
	do
		assert_true(next_packet(SOCK_DATA, &data, true));
	while (data.cmd != P_DATA);
	disk_done(w, -EIO);
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_false(w->completed);
	state_force(dev(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)));
	send_close(conn());
	tl_apply(conn(), REQ_CONNECTION_LOST);
	fake_run();
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
}

static struct sent sent_on(int socket, u16 cmd)
{
	struct sent s;

	do
		assert_true(next_packet(socket, &s, true));
	while (s.cmd != cmd);
	return s;
}

/* Sent, or received, as much as a user of protocol A, or B, waits for; the own disk does not keep it. */
static struct app *write_that_only_the_peer_may_have(u8 protocol, bool disk_goes_first)
{
	struct sent data;
	struct app *w;

	conn()->net_conf.wire_protocol = protocol;
	peers_uuids(OLD, 0);
	w = issue(OP_WRITE, 8, 4096);
	if (disk_goes_first) {
		disk_done(w, 0);
		device_io_error(dev(), IO_ERROR_META);
		fake_run();
	}
	data = sent_on(SOCK_DATA, P_DATA);
	if (!disk_goes_first)
		disk_done(w, -EIO);
	if (protocol == OPT_PROTOCOL_B)
		assert_true(ack(&data, P_RECV_ACK, 4096));
	fake_run();
	assert_true(dev()->state.disk <= D_FAILED);
	/* Longer than anybody waits for the peer's generation. */
	fake_advance(6100);
	assert_false(w->completed);
	return w;
}

/* The peer may still be lost with it, or fail to write it. */
static void check_only_copy(u8 protocol, bool disk_goes_first)
{
	struct sent barrier;
	struct app *w;

	w = write_that_only_the_peer_may_have(protocol, disk_goes_first);
	/* Nobody else's write has to close its epoch. */
	barrier = sent_on(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	/* Now it waits for the name, not for ever. */
	fake_advance(6100);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void what_only_the_send_buffer_has_is_told_when_the_peer_has_written_it(void **state)
{
	(void)state;
	check_only_copy(OPT_PROTOCOL_A, false);
}

static void what_only_the_peers_memory_has_is_told_when_the_peer_has_written_it(void **state)
{
	(void)state;
	check_only_copy(OPT_PROTOCOL_B, false);
}

static void what_is_sent_after_its_disk_was_lost_is_told_when_the_peer_has_written_it(void **state)
{
	(void)state;
	check_only_copy(OPT_PROTOCOL_A, true);
}

static void what_only_the_send_buffer_had_fails_with_the_connection(void **state)
{
	struct app *w = write_that_only_the_peer_may_have(OPT_PROTOCOL_A, false);

	(void)state;
	lose_connection();
	fake_run();
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
}

/* A crash of this node would leave two disks of one name, and the one that lacks it would win. */
static void what_both_disks_are_lost_with_is_no_success(void **state)
{
	struct app *w;

	(void)state;
	lose_disk();
	w = write_through(8);
	assert_false(w->completed);
	state_force(dev(), ST_ARGS(ST_CHANGE_PDSK(D_FAILED)));
	fake_run();
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
}

static void users_do_not_wait_for_ever_for_a_generation_that_does_not_come(void **state)
{
	struct app *w;

	(void)state;
	lose_disk();
	w = write_through(8);
	assert_false(w->completed);
	fake_advance(6100);
	assert_true(w->completed);
	/* Still connected: the peer says the same generation, and would not see the difference. */
	assert_int_equal(attach_again(), ERR_DATA_NOT_CURRENT);
	assert_true(peers_uuids(NEW, OLD));
	assert_int_equal(attach_again(), ERR_NO_ERROR);
}

static void a_disk_that_lacks_nothing_is_attached_again(void **state)
{
	(void)state;
	lose_disk();
	lose_connection();
	assert_int_equal(attach_again(), ERR_NO_ERROR);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

static void nothing_is_waited_for_when_the_peer_has_a_generation_of_its_own(void **state)
{
	(void)state;
	peers_uuids(OLD, OLD);
	device_io_error(dev(), IO_ERROR_META);
	fake_run();
	drain(SOCK_DATA);
	assert_true(write_through(8)->completed);
}

/* The other end of it: the only copy of a write belongs to a generation that is on disk. */
static struct arrival *a_write_waits_for_its_generation(void)
{
	struct state s = { .role = ROLE_PRIMARY, .peer = ROLE_SECONDARY, .conn = C_CONNECTED,
			   .disk = D_DISKLESS, .pdsk = D_UP_TO_DATE };
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(s)) };
	struct arrival *a;

	free(arrive(P_STATE, &p, sizeof(p), 0));
	drain(SOCK_DATA);
	/* As it is while the worker writes the superblock. */
	device_new_uuid_begin(dev());
	a = write_arrives(8, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_false(peer_submitted[0]);
	return a;
}

/* Nor its mark: attached again, that disk could not tell what the writer's lacks. */
static void the_only_copy_of_a_write_is_refused_where_its_generation_was_not_recorded(void **state)
{
	struct arrival *a = a_write_waits_for_its_generation();

	(void)state;
	device_io_error(dev(), IO_ERROR_META);
	device_new_uuid_end(dev());
	go_on(a);
	fake_run();
	go_on(a);
	done(a);
	assert_false(peer_submitted[0]);
	expect(SOCK_META, P_NEG_ACK);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
}

static void the_only_copy_of_a_write_is_made_after_its_generation_began(void **state)
{
	struct arrival *a = a_write_waits_for_its_generation();

	(void)state;
	device_new_uuid_end(dev());
	go_on(a);
	fake_run();
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
}

/* Else it could neither be used nor meet a peer that has begun a generation meanwhile. */
static void a_primarys_own_disk_is_good_whatever_becomes_of_its_peer(void **state)
{
	u64 old = dev()->md.uuid[MD_UUID_CURRENT];

	(void)state;
	dev()->disk_conf.fencing = FENCING_RESOURCE_ONLY;
	lose_disk();
	lose_connection();
	assert_int_equal(attach_again(), ERR_NO_ERROR);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_int_equal(dev()->state.pdsk, D_UNKNOWN);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], old));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(an_ack_that_overtakes_the_peers_new_generation_waits_for_it, setup_primary),
		TEST(a_flush_that_failed_here_waits_for_the_name_of_what_only_the_peer_keeps, setup_primary),
		TEST(a_disk_that_lacks_what_users_wrote_is_not_attached_again, setup_primary),
		TEST(what_both_disks_are_lost_with_is_no_success, setup_primary),
		TEST(a_diskless_primary_takes_no_peer_that_may_lack_what_it_told_of, setup_primary),
		TEST(a_diskless_primary_takes_no_peer_that_it_went_on_without_in_a_sync, setup_primary),
		TEST(a_diskless_primary_takes_no_disk_back_that_failed_before_its_own_did, setup_primary),
		TEST(a_diskless_primary_takes_a_peer_that_its_bitmap_says_lacks_nothing, setup_primary),
		TEST(users_do_not_wait_for_ever_for_a_generation_that_does_not_come, setup_primary),
		TEST(a_disk_that_lacks_nothing_is_attached_again, setup_primary),
		TEST(a_write_that_nobody_may_have_is_no_success_in_protocol_a, setup_primary),
		TEST(what_only_the_send_buffer_has_is_told_when_the_peer_has_written_it,
		     setup_primary),
		TEST(what_only_the_peers_memory_has_is_told_when_the_peer_has_written_it,
		     setup_primary),
		TEST(what_is_sent_after_its_disk_was_lost_is_told_when_the_peer_has_written_it,
		     setup_primary),
		TEST(what_only_the_send_buffer_had_fails_with_the_connection, setup_primary),
		TEST(a_primarys_own_disk_is_good_whatever_becomes_of_its_peer, setup_primary),
		TEST(a_disk_that_did_not_take_its_new_generation_is_attached_again, setup_primary),
		TEST(nothing_is_waited_for_when_the_peer_has_a_generation_of_its_own, setup_primary),
		TEST(the_only_copy_of_a_write_is_made_after_its_generation_began, setup_secondary),
		TEST(the_only_copy_of_a_write_is_refused_where_its_generation_was_not_recorded,
		     setup_secondary),
	};

	return cmocka_run_group_tests_name("engine: exposure", tests, NULL, NULL);
}
