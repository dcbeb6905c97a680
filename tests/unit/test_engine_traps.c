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

/* ---- settings that both nodes must change at the same place in the stream ---- */

static struct admin_op net_op;
static struct task net_task;

static enum fiber_status change_digest(const char *alg, u32 bytes)
{
	admin_op_init(&net_op, &fake.resource, dev());
	memset(&net_task, 0, sizeof(net_task));
	net_op.conf.net = conn()->net_conf;
	strcpy(net_op.conf.net.integrity_alg, alg);
	fake.integrity_next = bytes;
	return fake_step(admin_net_options, &net_op, &net_task);
}

static void the_digest_changes_between_the_packets_before_and_after_its_announcement(void **state)
{
	struct sent s;

	(void)state;
	issue(OP_WRITE, 8, 4096);
	assert_int_equal(change_digest("sha1", 20), FIBER_DONE);
	assert_int_equal(net_op.ret, ERR_NO_ERROR);
	issue(OP_WRITE, 64, 4096);
	s = expect(SOCK_DATA, P_DATA);
	assert_int_equal(s.digest, 0);
	assert_int_equal(fake.integrity_switches, 0);
	expect(SOCK_DATA, P_PROTOCOL_UPDATE);
	assert_int_equal(fake.integrity_switches, 1);
	expect(SOCK_DATA, P_SYNC_PARAM89);
	s = expect(SOCK_DATA, P_DATA);
	assert_int_equal(s.digest, 20);
}

static void a_second_change_of_the_digest_waits_for_the_first(void **state)
{
	(void)state;
	assert_int_equal(change_digest("sha1", 20), FIBER_DONE);
	assert_int_equal(change_digest("crc32c", 4), FIBER_WAIT);
	assert_string_equal(conn()->net_conf.integrity_alg, "sha1");
	expect(SOCK_DATA, P_PROTOCOL_UPDATE);
	assert_int_equal(conn()->integrity_size_out, 20);
	assert_int_equal(fake_step(admin_net_options, &net_op, &net_task), FIBER_DONE);
	assert_string_equal(conn()->net_conf.integrity_alg, "crc32c");
	expect(SOCK_DATA, P_SYNC_PARAM89);
	expect(SOCK_DATA, P_PROTOCOL_UPDATE);
	assert_int_equal(conn()->integrity_size_out, 4);
}

static void a_change_of_the_digest_takes_place_without_a_peer_too(void **state)
{
	(void)state;
	assert_int_equal(change_digest("sha1", 20), FIBER_DONE);
	assert_int_equal(conn()->integrity_size_out, 0);
	send_close(conn());
	assert_int_equal(conn()->integrity_size_out, 20);
	assert_false(conn()->update_queued);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	assert_int_equal(change_digest("crc32c", 4), FIBER_DONE);
	assert_int_equal(conn()->integrity_size_out, 4);
	assert_int_equal(fake.integrity_switches, 2);
}

static void options_do_not_change_between_two_nodes_that_shake_hands(void **state)
{
	(void)state;
	conn()->state_sent = true;
	assert_int_equal(change_digest("sha1", 20), FIBER_WAIT);
	assert_string_equal(conn()->net_conf.integrity_alg, "");
	conn()->state_sent = false;
	assert_int_equal(fake_step(admin_net_options, &net_op, &net_task), FIBER_DONE);
	assert_string_equal(conn()->net_conf.integrity_alg, "sha1");
}

/* The original's receiver wants a digest in P_ZEROES that its sender does not send. */
static void no_zeroes_are_queued_behind_a_new_digest(void **state)
{
	(void)state;
	assert_int_equal(change_digest("sha1", 20), FIBER_DONE);
	assert_int_equal(issue(OP_WRITE_ZEROES, 8, 4096)->error, -EOPNOTSUPP);
}

/* ---- a peer that comes back while it is being fenced ---- */

static void frozen_by_fencing(void)
{
	dev()->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	fake_run();
	assert_true(fake.resource.susp_fen);
	fake.helper_exit = 4;
}

static void sockets_are_up(void)
{
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	send_open(conn());
	conn()->established_at = ++fake.now_ms;
	conn()->state_sent = true;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
}

static void peer_is_back(void)
{
	sockets_are_up();
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						      ST_CHANGE_PDSK(D_UP_TO_DATE))), CS_HARD);
}

static struct connection_cleanup cleanup_op;

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	(void)arg;
	return connection_cleanup(t, conn(), &cleanup_op);
}

static void peer_is_lost(void)
{
	struct task t = { 0 };

	memset(&cleanup_op, 0, sizeof(cleanup_op));
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	if (fake_drive(&t, run_cleanup, NULL) == FIBER_WAIT)
		fake_advance(60000);
	fake_run();
}

static void a_fencing_result_outdates_no_peer_that_is_back(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	frozen_by_fencing();
	disk_done(w, 0);
	assert_false(w->completed);
	fake.helper_hook = peer_is_back;
	core_task_start(&fake.resource, &conn()->fence_task);
	fake_run();
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_false(fake.resource.susp_fen);
	/* No new generation: the peer gets what was frozen. */
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	expect(SOCK_DATA, P_DATA);
}

static void peer_is_back_without_its_disk(void)
{
	sockets_are_up();
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						      ST_CHANGE_PDSK(D_DISKLESS))), CS_HARD);
}

/* Else the disk that it attaches later would pass for as new as ours. */
static void what_thaws_without_the_peers_disk_belongs_to_a_new_generation(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent again;

	(void)state;
	expect(SOCK_DATA, P_DATA);
	frozen_by_fencing();
	disk_done(w, 0);
	peer_is_back_without_its_disk();
	fake_run();
	/* It is told the name before it is told what has it. */
	expect(SOCK_DATA, P_UUIDS);
	again = expect(SOCK_DATA, P_DATA);
	assert_true(ack(&again, P_NEG_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_int_not_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	/* One generation, not two. */
	assert_false(dev()->new_uuid_on_thaw);
}

/* With B "in memory" is no proof, and its data are gone: the bits have to be looked after. */
static void a_completed_write_that_can_not_be_sent_again_is_synced(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_B;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(ack(&data, P_RECV_ACK, 4096));
	assert_true(w->completed);
	frozen_by_fencing();
	peer_is_back();
	fake_run();
	assert_int_equal(dev()->bitmap.bits_set, 1);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
	assert_int_not_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
}

/* As "drbdmeta apply-al" leaves them: the disk was attached anew while everything was frozen. */
static void marks_come_from_the_log(void)
{
	bm_set_range(&dev()->bitmap, 0, 1023);
}

static void assert_marks_are_synced(void)
{
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
	assert_int_not_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	assert_int_equal(dev()->bitmap.bits_set, 1024);
}

static void marks_of_the_log_are_synced_after_a_fenced_freeze(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	frozen_by_fencing();
	disk_done(w, 0);
	marks_come_from_the_log();
	peer_is_back();
	fake_run();
	assert_marks_are_synced();
}

static void marks_of_the_log_are_synced_after_a_freeze_for_lack_of_data(void **state)
{
	(void)state;
	peer_is_lost();
	device_uuid_set_bitmap(dev(), 0);
	fake.resource.susp_nod = true;
	marks_come_from_the_log();
	peer_is_back();
	fake_run();
	assert_false(fake.resource.susp_nod);
	assert_marks_are_synced();
}

static void marks_of_the_log_are_synced_when_both_attach_while_connected(void **state)
{
	(void)state;
	state_force(dev(), ST_ARGS(ST_CHANGE_DISK(D_NEGOTIATING)));
	device_uuid_set_bitmap(dev(), 0);
	fake.resource.susp_nod = true;
	marks_come_from_the_log();
	state_force(dev(), ST_ARGS(ST_CHANGE_DISK(D_UP_TO_DATE)));
	fake_run();
	assert_false(fake.resource.susp_nod);
	assert_marks_are_synced();
}

/* It could not become the target, and would refuse to be connected for ever. */
static void marks_of_the_log_part_no_two_primaries(void **state)
{
	(void)state;
	frozen_by_fencing();
	marks_come_from_the_log();
	sockets_are_up();
	state_change(dev(), ST_ARGS(state_change_join(state_change_join(ST_CHANGE_CONN(C_CONNECTED),
									ST_CHANGE_PDSK(D_UP_TO_DATE)),
						      ST_CHANGE_PEER(ROLE_PRIMARY))), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
}

/* The peer agrees to a detach, and loses its own disk over what it then writes to it. */
static void a_peer_that_agreed_to_what_fails_here_is_told(void **state)
{
	struct admin_op op;
	struct task t = { 0 };
	struct sent s;

	(void)state;
	drain(SOCK_DATA);
	admin_op_init(&op, &fake.resource, dev());
	assert_int_equal(fake_step(admin_detach, &op, &t), FIBER_WAIT);
	expect(SOCK_DATA, P_STATE_CHG_REQ);
	dev()->change.answer = SS_SUCCESS;
	dev()->change.answered = true;
	state_force(dev(), ST_ARGS(ST_CHANGE_PDSK(D_FAILED)));
	assert_int_equal(fake_step(admin_detach, &op, &t), FIBER_DONE);
	assert_int_equal(op.ret, SS_NO_UP_TO_DATE_DISK);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	do
		assert_true(next_packet(SOCK_DATA, &s, true));
	while (s.cmd != P_STATE);
}

static void back_and_lost(void)
{
	fake.helper_hook = NULL;
	peer_is_back();
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	core_task_start(&fake.resource, &conn()->fence_task);
}

static void a_peer_lost_twice_during_the_handler_is_fenced_anew(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	frozen_by_fencing();
	disk_done(w, 0);
	fake.helper_hook = back_and_lost;
	core_task_start(&fake.resource, &conn()->fence_task);
	fake_run();
	assert_string_equal(fake.helpers, "fence-peer fence-peer");
	assert_int_equal(dev()->state.pdsk, D_OUTDATED);
	assert_false(fake.resource.susp_fen);
	assert_true(w->completed);
}

static void shaking_hands(void)
{
	fake.helper_hook = NULL;
	sockets_are_up();
}

static void io_thaws_when_the_handshake_that_fencing_met_fails(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	frozen_by_fencing();
	disk_done(w, 0);
	fake.helper_hook = shaking_hands;
	core_task_start(&fake.resource, &conn()->fence_task);
	fake_run();
	/* The peer may have data that are as good: nothing is concluded yet. */
	assert_int_equal(dev()->state.pdsk, D_UNKNOWN);
	assert_true(fake.resource.susp_fen);
	peer_is_lost();
	assert_int_equal(dev()->state.pdsk, D_OUTDATED);
	assert_false(fake.resource.susp_fen);
	assert_true(w->completed);
	assert_true(uuid_same(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0xAAAA000000000000ULL));
}

static u16 establish_pc;

static enum fiber_status run_establish(struct task *t, void *arg)
{
	(void)arg;
	return connection_establish(t, conn(), &establish_pc);
}

/* The peer must be told the generation that both nodes decide by. */
static void hands_are_shaken_only_after_the_fenced_generation_is_on_disk(void **state)
{
	struct task t = { 0 };
	struct sent s;

	(void)state;
	frozen_by_fencing();
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	assert_true(connection_search_begin(conn()));
	fake_run();
	conn()->agreed_pro_version = 101;
	conn()->agreed_features = WIRE_FEATURES;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_PDSK(D_OUTDATED)), CS_VERBOSE);
	establish_pc = 0;
	assert_int_equal(run_establish(&t, NULL), FIBER_WAIT);
	assert_false(conn()->state_sent);
	fake_run();
	assert_false(fake.resource.susp_fen);
	assert_int_equal(fake_drive(&t, run_establish, NULL), FIBER_DONE);
	do
		assert_true(next_packet(SOCK_DATA, &s, true));
	while (s.cmd != P_UUIDS);
	assert_true(uuid_same(be64_to_cpu(((struct wire_p_uuids *)s.body)->bitmap_uuid),
			      0xAAAA000000000000ULL));
}

/* ---- the bitmap exchange and its ends ---- */

static u32 flags_when_submitted;

static void note_flags(struct drbd_peer_request *pr)
{
	flags_when_submitted = dev()->md_flags_durable;
	on_peer_submit(pr);
}

static void a_write_to_an_outdated_sync_target_finds_it_recorded_as_inconsistent(void **state)
{
	(void)state;
	fake.on_peer_submit = note_flags;
	set_conn(C_WF_SYNC_UUID, D_OUTDATED, D_UP_TO_DATE);
	assert_true(dev()->md_flags_durable & MDF_CONSISTENT);
	done(write_arrives(8, 4096, 1));
	assert_true(peer_submitted[0]);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_false(flags_when_submitted & MDF_CONSISTENT);
}

static void a_target_is_recorded_before_any_write_reaches_it(void **state)
{
	struct arrival *a;
	struct app *w;

	(void)state;
	set_conn(C_SYNC_TARGET, D_INCONSISTENT, D_UP_TO_DATE);
	dev()->resync.unrecorded = true;
	a = write_arrives(8, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_false(peer_submitted[0]);
	w = issue(OP_WRITE, 64, 4096);
	assert_false(w->submitted);
	dev()->resync.unrecorded = false;
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
}

/* One look at the state decides: announced while the bitmap is under way, sent afterwards. */
static void a_write_at_the_end_of_the_bitmap_exchange_is_marked_or_sent(void **state)
{
	struct sent s;

	(void)state;
	set_conn(C_WF_BITMAP_S, D_UP_TO_DATE, D_CONSISTENT);
	drain(SOCK_DATA);
	issue(OP_WRITE, 8, 4096);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_CONN(C_SYNC_SOURCE),
						      ST_CHANGE_PDSK(D_INCONSISTENT))), CS_HARD);
	issue(OP_WRITE, 64, 4096);
	assert_int_equal(bm_test(&dev()->bitmap, 8), 0);
	do
		assert_true(next_packet(SOCK_DATA, &s, true));
	while (s.cmd != P_OUT_OF_SYNC);
	do
		assert_true(next_packet(SOCK_DATA, &s, true));
	while (s.cmd != P_DATA);
}

/* ---- acks that say no ---- */

static void a_failed_write_of_protocol_a_is_marked_on_both(void **state)
{
	struct sent data;
	struct app *w;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(w->completed);
	assert_true(ack(&data, P_NEG_ACK, 4096));
	data = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&data, 1));
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	assert_true(w->freed);
}

static void a_received_write_of_protocol_a_that_fails_is_refused(void **state)
{
	struct wire_p_data p = { .sector = cpu_to_be64(8), .seq_num = cpu_to_be32(1) };

	(void)state;
	done(arrive(P_DATA, &p, sizeof(p), 4096));
	peer_request_local_done(&peers[0], -EIO);
	expect(SOCK_META, P_NEG_ACK);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void a_superseded_write_is_let_go_once(void **state)
{
	struct sent data;
	struct app *w;

	(void)state;
	conn()->net_conf.two_primaries = 1;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	assert_true(ack(&data, P_SUPERSEDED, 4096));
	assert_false(w->completed);
	disk_done(w, 0);
	assert_true(w->completed && w->freed);
	assert_int_equal(w->error, 0);
	assert_int_equal(conn()->tl.unacked, 0);
	lose_connection();
}

/* ---- parting during a resync under fencing ---- */

static void a_disconnect_during_resync_does_not_freeze_the_source(void **state)
{
	struct app *w;

	(void)state;
	dev()->disk_conf.fencing = FENCING_RESOURCE_AND_STONITH;
	set_conn(C_SYNC_SOURCE, D_UP_TO_DATE, D_INCONSISTENT);
	assert_int_equal(conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_DISCONNECTING)),
					   CS_VERBOSE), SS_SUCCESS);
	send_close(conn());
	fake_run();
	assert_false(fake.resource.susp_fen);
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
	w = issue(OP_WRITE, 8, 4096);
	disk_done(w, 0);
	assert_true(w->completed);
}

/* ---- one block in every extent ---- */

#define FEW_SLOTS 4

/*
 * The writer has no disk, so its writes are logged here. A slot is free when its write is on the
 * disk, not when the epoch ends: the barrier would come after the write that waits for a slot.
 */
static void one_block_in_every_extent_does_not_exhaust_the_receivers_log(void **state)
{
	u32 i, on_disk = 0, waits = 0;

	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	free(fake.volume[0].al_memory);
	fake.volume[0].al_memory = calloc(1, extents_mem_size(FEW_SLOTS));
	device_al_resized(dev(), fake.volume[0].al_memory, FEW_SLOTS);
	for (i = 0; i < SECTORS / AL_EXTENT_SECTORS; i++) {
		struct arrival *a = write_arrives(i * AL_EXTENT_SECTORS, 4096, i + 1);

		if (a->status == FIBER_WAIT)
			go_on(a);	/* the transaction is written */
		while (a->status == FIBER_WAIT && on_disk < i) {
			waits++;
			peer_request_local_done(&peers[on_disk++], 0);
			fake_run();
			go_on(a);
			fake_run();
			go_on(a);
		}
		done(a);
		assert_true(peer_submitted[i]);
	}
	assert_true(waits >= i - FEW_SLOTS);
	while (on_disk < i)
		peer_request_local_done(&peers[on_disk++], 0);
	fake_run();
	assert_int_equal(al_active_extents(dev()), 0);
}

/* ---- the mark of a crash ---- */

static u64 told_after_attach(u32 md_flags)
{
	struct md_superblock sb = {
		.la_size_sect = SECTORS, .magic = MD_MAGIC_CLEAN, .uuid = { 0xAAAA000000000000ULL },
		.flags = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE | md_flags,
	};
	static struct admin_op op;
	struct sent sent;
	u64 flags;

	fake_start(1);
	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	fake_run();
	conn()->configured = true;
	conn()->agreed_pro_version = 101;
	send_open(conn());
	send_uuids(dev());
	sent = expect(SOCK_DATA, P_UUIDS);
	flags = be64_to_cpu(((struct wire_p_uuids *)sent.body)->flags);
	drain(SOCK_DATA);
	fake_stop();
	return flags;
}

/* Each flag has its own word and bit, on the disk and in the packet: no other one counts. */
static void the_peer_is_told_of_a_crash_by_the_superblocks_mark_and_nothing_else(void **state)
{
	u32 flag;

	(void)state;
	assert_int_equal(told_after_attach(0), 0);
	for (flag = 1; flag <= MDF_AL_CLEAN; flag <<= 1) {
		bool crashed = flag == MDF_CRASHED_PRIMARY || flag == MDF_PRIMARY_IND;

		assert_int_equal(!!(told_after_attach(flag) & WIRE_UF_CRASHED_PRIMARY), crashed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_busy_extent_does_not_hold_up_the_receiver, setup_primary),
		TEST(a_request_that_waits_for_its_extent_ends_with_the_resync, setup_primary),
		TEST(a_request_that_waits_for_its_extent_ends_with_the_connection, setup_primary),
		TEST(a_write_does_not_overtake_resync_data_of_a_resync_just_over, setup_secondary),
		TEST(resync_data_that_nobody_asked_for_any_more_is_not_written, setup_secondary),
		TEST(the_digest_changes_between_the_packets_before_and_after_its_announcement, setup_primary),
		TEST(a_second_change_of_the_digest_waits_for_the_first, setup_primary),
		TEST(a_change_of_the_digest_takes_place_without_a_peer_too, setup_primary),
		TEST(options_do_not_change_between_two_nodes_that_shake_hands, setup_primary),
		TEST(no_zeroes_are_queued_behind_a_new_digest, setup_primary),
		TEST(a_fencing_result_outdates_no_peer_that_is_back, setup_primary),
		TEST(a_completed_write_that_can_not_be_sent_again_is_synced, setup_primary),
		TEST(marks_of_the_log_are_synced_after_a_fenced_freeze, setup_primary),
		TEST(marks_of_the_log_are_synced_after_a_freeze_for_lack_of_data, setup_primary),
		TEST(marks_of_the_log_are_synced_when_both_attach_while_connected, setup_primary),
		TEST(marks_of_the_log_part_no_two_primaries, setup_primary),
		TEST(a_peer_that_agreed_to_what_fails_here_is_told, setup_primary),
		TEST(what_thaws_without_the_peers_disk_belongs_to_a_new_generation, setup_primary),
		TEST(a_peer_lost_twice_during_the_handler_is_fenced_anew, setup_primary),
		TEST(io_thaws_when_the_handshake_that_fencing_met_fails, setup_primary),
		TEST(hands_are_shaken_only_after_the_fenced_generation_is_on_disk, setup_primary),
		TEST(a_write_to_an_outdated_sync_target_finds_it_recorded_as_inconsistent, setup_secondary),
		TEST(a_target_is_recorded_before_any_write_reaches_it, setup_secondary),
		TEST(a_write_at_the_end_of_the_bitmap_exchange_is_marked_or_sent, setup_primary),
		TEST(a_failed_write_of_protocol_a_is_marked_on_both, setup_primary),
		TEST(a_received_write_of_protocol_a_that_fails_is_refused, setup_secondary),
		TEST(a_superseded_write_is_let_go_once, setup_primary),
		TEST(a_disconnect_during_resync_does_not_freeze_the_source, setup_primary),
		TEST(one_block_in_every_extent_does_not_exhaust_the_receivers_log, setup_secondary),
		cmocka_unit_test(the_peer_is_told_of_a_crash_by_the_superblocks_mark_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
