// SPDX-License-Identifier: GPL-2.0
/* What a handshake's verdict does to disk and state, and what happens while it is being made. */
#include "data_path_fixture.h"

#define A 0xAAAA000000000000ULL
#define B 0xBBBB000000000000ULL
#define C 0xCCCC000000000000ULL

/* ---- a peer that has just been found ---- */

static void find_peer(void)
{
	struct drbd_connection *c = conn();

	c->configured = true;
	c->agreed_pro_version = 101;
	c->agreed_features = WIRE_FEATURES;
	net_conf_set_defaults(&c->net_conf);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
	fake_run();
	send_open(c);
	send_uuids(dev());
	drain(SOCK_DATA);
}

static void own_uuids(u64 current, u64 bitmap, u64 h0, u64 h1)
{
	struct uuid_set set = { { current, bitmap, h0, h1 } };

	device_uuids_store(dev(), &set);
}

static bool uuids_arrive(u64 current, u64 bitmap, u64 h0, u64 h1)
{
	struct wire_p_uuids p = {
		.current_uuid = cpu_to_be64(current), .bitmap_uuid = cpu_to_be64(bitmap),
		.history = { cpu_to_be64(h0), cpu_to_be64(h1) },
	};

	return deliver(arrival_read(P_UUIDS, &p, sizeof(p), 0));
}

static bool state_of(u8 conn, u8 role, u8 disk)
{
	struct state s = { .role = role, .conn = conn, .disk = disk, .pdsk = D_UNKNOWN };
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(s)) };

	return deliver(arrival_read(P_STATE, &p, sizeof(p), 0));
}

static bool state_arrives(u8 role, u8 disk)
{
	return state_of(C_WF_CONNECTION, role, disk);
}

static int setup_with_disk(void **state)
{
	(void)state;
	start(true);
	return 0;
}

static int setup_without_disk(void **state)
{
	(void)state;
	start(false);
	return 0;
}

static int setup_secondary_pair(void **state)
{
	(void)state;
	start(true);
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	return 0;
}

/* ---- corrections ---- */

static void a_sync_uuid_that_never_arrived_is_taken_back(void **state)
{
	(void)state;
	own_uuids(B, A + UUID_SYNC_STEP, A, C);
	find_peer();
	assert_true(uuids_arrive(A, 0, C, 0));
	assert_true(state_arrives(ROLE_SECONDARY, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], A);
	assert_int_equal(dev()->md.uuid[UUID_HISTORY0], C);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], A);
}

static void an_end_that_only_the_target_saw_clears_no_bits(void **state)
{
	(void)state;
	own_uuids(B, A, C, 0);
	device_set_out_of_sync(dev(), 80, 4096);
	find_peer();
	assert_true(uuids_arrive(B, 0, A, C));
	assert_true(state_arrives(ROLE_SECONDARY, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	/* It goes when the resync has ended: cut off before, the next handshake must see it. */
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], A);
	assert_int_equal(dev()->bitmap.bits_set, 1);
}

static void a_full_sync_begins_with_all_bits(void **state)
{
	(void)state;
	own_uuids(B, 0, A, 0);
	find_peer();
	assert_true(uuids_arrive(A, 0, 0, 0));
	assert_true(state_arrives(ROLE_SECONDARY, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	assert_int_equal(dev()->bitmap.bits_set, dev()->bitmap.n_bits);
}

/* ---- while it is being made ---- */

static void lose_link(void)
{
	fake.helper_hook = NULL;
	connection_fail(conn(), C_NETWORK_FAILURE);
}

static void a_link_that_goes_while_a_handler_runs_is_looked_for_again(void **state)
{
	(void)state;
	own_uuids(B, C, 0, 0);
	find_peer();
	conn()->net_conf.after_sb_0p = ASB_DISCARD_REMOTE;
	fake.helper_hook = lose_link;
	assert_true(uuids_arrive(A, C, 0, 0));
	assert_false(state_arrives(ROLE_SECONDARY, D_UP_TO_DATE));
	assert_non_null(strstr(fake.helpers, "split-brain"));
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

static void other_data_is_not_shown_to_the_users_of_a_diskless_primary(void **state)
{
	(void)state;
	dev()->ed_uuid = A;
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_PRIMARY)), CS_HARD);
	find_peer();
	assert_true(uuids_arrive(A | 1, 0, 0, 0));
	assert_false(uuids_arrive(B, 0, 0, 0));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void diskless_primary_is_found(void)
{
	own_uuids(B, 0, C, 0);
	find_peer();
	assert_true(state_arrives(ROLE_PRIMARY, D_DISKLESS));
	fake_run();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	/* It may refuse this data, and get a disk back that has newer: mine must not look changed. */
	assert_int_equal(dev()->md.uuid[MD_UUID_CURRENT], B);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], 0);
}

static void a_diskless_primary_has_to_take_the_data_before_a_generation_begins(void **state)
{
	(void)state;
	diskless_primary_is_found();
	drain(SOCK_DATA);
	assert_true(state_of(C_CONNECTED, ROLE_PRIMARY, D_DISKLESS));
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], B);
	expect(SOCK_DATA, P_UUIDS);
	/* Once. */
	assert_true(state_of(C_CONNECTED, ROLE_PRIMARY, D_DISKLESS));
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], B);
	expect_idle(SOCK_DATA);
}

static void a_write_of_a_diskless_primary_begins_a_generation_first(void **state)
{
	struct arrival *a;
	int i;

	(void)state;
	diskless_primary_is_found();
	a = write_arrives(8, 4096, 1);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], B);
	assert_false(peer_submitted[0]);
	/* Then it is logged. */
	for (i = 0; i < 8 && !peer_submitted[0]; i++) {
		fake_run();
		go_on(a);
	}
	done(a);
	assert_true(peer_submitted[0]);
	assert_int_equal(dev()->new_uuid_pending, 0);
}

static s32 answer_to(u32 mask, u32 val)
{
	struct wire_p_state_req p = { .mask = cpu_to_be32(mask), .val = cpu_to_be32(val) };
	struct wire_p_state_reply reply;
	struct sent s;

	assert_true(deliver(arrival_read(P_STATE_CHG_REQ, &p, sizeof(p), 0)));
	s = expect(SOCK_META, P_STATE_CHG_REPLY);
	memcpy(&reply, s.body, sizeof(reply));
	return (s32)be32_to_cpu(reply.retcode);
}

static s32 answer_to_promotion(void)
{
	return answer_to(ST_ROLE_MASK, (u32)ROLE_PRIMARY << ST_ROLE_SHIFT);
}

static s32 answer_to_verify(void)
{
	return answer_to(ST_CONN_MASK, (u32)C_VERIFY_S << ST_CONN_SHIFT);
}

static void one_of_two_promotions_at_the_same_time_goes_first(void **state)
{
	(void)state;
	conn()->resolve_conflicts = true;
	*device_change_mutex(dev()) = true;
	assert_int_equal(answer_to_promotion(), SS_CONCURRENT_ST_CHG);
	assert_int_equal(dev()->state.peer, ROLE_SECONDARY);
	/* The other node lets it pass. */
	conn()->resolve_conflicts = false;
	assert_int_equal(answer_to_promotion(), SS_SUCCESS);
	assert_int_equal(dev()->state.peer, ROLE_PRIMARY);
	*device_change_mutex(dev()) = false;
}

static void who_is_about_to_part_agrees_to_nothing_else(void **state)
{
	(void)state;
	conn()->change.pending = true;
	assert_int_equal(answer_to_promotion(), SS_CONCURRENT_ST_CHG);
	assert_int_equal(dev()->state.peer, ROLE_SECONDARY);
	conn()->change.pending = false;
}

static s32 answer_meanwhile;

static s64 verify_is_asked_for(const struct action *action)
{
	(void)action;
	fake.on_disk = NULL;
	answer_meanwhile = answer_to_verify();
	return 0;
}

/* What is new is synced when both know the size, and at rest: a verify would keep it from that. */
static void the_peer_verifies_not_before_a_resize_is_settled(void **state)
{
	struct wire_p_sizes p = { .max_bio_size = cpu_to_be32(1048576) };
	struct admin_op op;

	(void)state;
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	strcpy(conn()->net_conf.verify_alg, "crc32c");
	admin_op_init(&op, &fake.resource, dev());
	op.size = SECTORS / 2;
	op.assume_peer_has_space = true;
	fake.on_disk = verify_is_asked_for;
	assert_true(fake_command(admin_resize, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	assert_int_equal(dev()->capacity, SECTORS / 2);
	assert_int_equal(answer_meanwhile, SS_IN_TRANSIENT_STATE);
	assert_int_equal(answer_to_verify(), SS_IN_TRANSIENT_STATE);
	p.d_size = p.u_size = p.c_size = cpu_to_be64(SECTORS / 2);
	assert_true(deliver(arrival_read(P_SIZES, &p, sizeof(p), 0)));
	assert_int_equal(answer_to_verify(), SS_SUCCESS);
	assert_int_equal(dev()->state.conn, C_VERIFY_T);
}

static void a_promotion_of_the_peer_alone_is_granted(void **state)
{
	(void)state;
	conn()->resolve_conflicts = true;
	assert_int_equal(answer_to_promotion(), SS_SUCCESS);
	assert_int_equal(dev()->state.peer, ROLE_PRIMARY);
}

/* ---- a disk that goes or comes while connected ---- */

static void disk_becomes(u8 disk)
{
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(disk)), CS_HARD);
	fake_run();
}

static struct app *write_through_the_peer(void)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	assert_true(ack(&data, P_WRITE_ACK, 4096));
	return w;
}

static void no_name_is_awaited_for_what_a_disk_under_sync_lacks(void **state)
{
	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_SYNC_TARGET)), CS_HARD);
	fake_run();
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	disk_becomes(D_FAILED);
	drain(SOCK_DATA);
	assert_true(write_through_the_peer()->completed);
	assert_false(exposure_exceeds(dev(), dev()->ed_uuid));
}

static void a_name_is_awaited_for_what_a_disk_lacks_that_calls_itself_good(void **state)
{
	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_SYNC_TARGET)), CS_HARD);
	/* An error before its superblock could be written. */
	dev()->md_flags_durable |= MDF_CONSISTENT;
	disk_becomes(D_FAILED);
	drain(SOCK_DATA);
	assert_false(write_through_the_peer()->completed);
	assert_true(exposure_exceeds(dev(), dev()->ed_uuid));
}

static void attach_while_connected(void)
{
	attach(A);
	assert_int_equal(dev()->state.disk, D_NEGOTIATING);
	drain(SOCK_DATA);
}

static bool connected_state_arrives(u8 disk, u8 pdsk)
{
	struct state s = { .role = ROLE_SECONDARY, .peer = ROLE_SECONDARY, .conn = C_CONNECTED,
			   .disk = disk, .pdsk = pdsk };
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(s)) };

	return deliver(arrival_read(P_STATE, &p, sizeof(p), 0));
}

static void a_state_that_crossed_an_attach_says_nothing_of_the_disk(void **state)
{
	(void)state;
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	attach_while_connected();
	/* Said before the peer heard of the disk: its generations are on their way. */
	assert_true(connected_state_arrives(D_UP_TO_DATE, D_DISKLESS));
	assert_int_equal(dev()->state.disk, D_NEGOTIATING);
	assert_true(uuids_arrive(B, A, 0, 0));
	assert_true(connected_state_arrives(D_UP_TO_DATE, D_CONSISTENT));
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_T);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
}

static void primary_attaches_and_the_peer_loses_its_disk(u64 seen)
{
	struct state peers = { .role = ROLE_SECONDARY, .peer = ROLE_PRIMARY, .conn = C_CONNECTED,
			       .disk = D_FAILED, .pdsk = D_DISKLESS };
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(peers)) };

	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	attach_while_connected();
	exposure_name(dev(), C);
	exposure_own_name(dev(), seen);
	assert_true(deliver(arrival_read(P_STATE, &p, sizeof(p), 0)));
	fake_run();
}

static void a_disk_older_than_what_users_saw_is_given_up_when_the_peers_fails(void **state)
{
	(void)state;
	primary_attaches_and_the_peer_loses_its_disk(B);
	assert_true(dev()->state.disk <= D_FAILED);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
}

static void a_disk_with_what_users_saw_is_used_when_the_peers_fails(void **state)
{
	(void)state;
	primary_attaches_and_the_peer_loses_its_disk(A);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

static void a_tentative_connection_that_is_there_is_like_any_other(void **state)
{
	(void)state;
	own_uuids(B, A, 0, 0);
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	conn()->net_conf.tentative = 1;
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	/* It attaches its disk. */
	assert_true(uuids_arrive(A, 0, 0, 0));
	assert_true(state_arrives(ROLE_SECONDARY, D_NEGOTIATING));
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
}

static void new_disk_of_peer_arrives(void)
{
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_ATTACHING)), CS_HARD);
	send_uuids(dev());
	fake_run();
	drain(SOCK_DATA);
}

static void a_generation_begun_after_the_last_report_is_told_before_the_bitmap(void **state)
{
	struct sent s;

	(void)state;
	own_uuids(A, 0, 0, 0);
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	new_disk_of_peer_arrives();
	own_uuids(B, A, 0, 0);
	assert_true(uuids_arrive(A, 0, 0, 0));
	assert_true(connected_state_arrives(D_NEGOTIATING, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	/* By what it was told, the peer finds both equal. */
	s = expect(SOCK_DATA, P_UUIDS);
	assert_int_equal(be64_to_cpu(((const struct wire_p_uuids *)s.body)->current_uuid), B);
	s = expect(SOCK_DATA, P_STATE);
	assert_int_equal(state_unpack(be32_to_cpu(((const struct wire_p_state *)s.body)->state)).conn,
			 C_WF_BITMAP_S);
}

static u8 after_a_tentative_handshake(bool mine, bool peers)
{
	find_peer();
	conn()->net_conf.tentative = mine;
	conn()->dry_run = peers;
	assert_true(uuids_arrive(A, 0, 0, 0));
	assert_false(state_arrives(ROLE_SECONDARY, D_UP_TO_DATE));
	return conn()->cstate;
}

static void whoever_asked_tentatively_parts_whatever_the_peer_asked(void **state)
{
	(void)state;
	assert_int_equal(after_a_tentative_handshake(true, true), C_DISCONNECTING);
}

static void only_who_was_asked_tentatively_goes_on_looking(void **state)
{
	(void)state;
	assert_int_equal(after_a_tentative_handshake(false, true), C_PROTOCOL_ERROR);
}

static void a_peer_whose_new_disk_is_refused_is_told_why(void **state)
{
	(void)state;
	own_uuids(B, 0, 0, 0);
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	assert_true(uuids_arrive(A, 0, C, C));
	assert_true(state_arrives(ROLE_SECONDARY, D_NEGOTIATING));
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_DISKLESS);
	expect(SOCK_DATA, P_UUIDS);
	expect(SOCK_DATA, P_STATE);
}

static void a_disk_with_other_data_is_given_up_when_the_peer_tells_its_own(void **state)
{
	(void)state;
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	attach_while_connected();
	assert_true(uuids_arrive(B, 0, C, C));
	assert_true(connected_state_arrives(D_UP_TO_DATE, D_DISKLESS));
	assert_true(dev()->state.disk <= D_FAILED);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
}

static void a_size_is_shown_that_was_asked_for_only_if_the_disk_has_room(void **state)
{
	struct wire_p_sizes p = {
		.d_size = cpu_to_be64(SECTORS), .u_size = cpu_to_be64(1000 * SECTORS),
		.max_bio_size = cpu_to_be32(1048576),
	};

	(void)state;
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	assert_true(deliver(arrival_read(P_SIZES, &p, sizeof(p), 0)));
	assert_int_equal(dev()->capacity, SECTORS);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
}

/* ---- a peer that is lost ---- */

static struct connection_cleanup cleanup;

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	(void)arg;
	return connection_cleanup(t, conn(), &cleanup);
}

static void lose_peer_under(u8 fencing)
{
	struct task t = { 0 };

	memset(&cleanup, 0, sizeof(cleanup));
	dev()->disk_conf.fencing = fencing;
	conn()->connect_count++;
	connection_fail(conn(), C_NETWORK_FAILURE);
	fake_run();
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	fake_run();
}

static void lose_peer(void) { lose_peer_under(FENCING_RESOURCE_AND_STONITH); }

static void a_lost_peer_is_fenced_before_frozen_writes_go_on(void **state)
{
	struct app *w;

	(void)state;
	fake.helper_exit = 7;
	w = issue(OP_WRITE, 8, 4096);
	disk_done(w, 0);
	lose_peer();
	assert_string_equal(fake.helpers, "fence-peer");
	assert_int_equal(dev()->state.pdsk, D_OUTDATED);
	assert_false(fake.resource.susp_fen);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void acknowledged_write(u8 protocol, u16 cmd)
{
	struct app *w;
	struct sent data;

	conn()->net_conf.wire_protocol = protocol;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(ack(&data, cmd, 4096));
	assert_true(w->completed);
	fake.helper_exit = 1;	/* frozen until the peer is back */
	lose_peer();
	assert_true(fake.resource.susp_fen);
}

static u16 establish_pc;

static enum fiber_status run_establish(struct task *t, void *arg)
{
	(void)arg;
	return connection_establish(t, conn(), &establish_pc);
}

static void peer_is_found_again(void)
{
	struct task t = { 0 };

	assert_true(connection_search_begin(conn()));
	fake_run();
	conn()->agreed_pro_version = 101;
	conn()->agreed_features = WIRE_FEATURES;
	establish_pc = 0;
	assert_int_equal(fake_drive(&t, run_establish, NULL), FIBER_DONE);
}

/* Only when it is back: had it been promoted meanwhile, it would see a split brain. */
static void what_was_only_in_the_memory_of_a_lost_peer_is_synced_when_it_is_back(void **state)
{
	u64 named;

	(void)state;
	acknowledged_write(OPT_PROTOCOL_B, P_RECV_ACK);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
	peer_is_found_again();
	assert_false(dev()->new_uuid_on_thaw);
	assert_true(fake.resource.susp_fen);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP] & ~1ULL, A);
	/* Once. */
	named = fake_on_disk(0).uuid[MD_UUID_CURRENT];
	lose_peer();
	peer_is_found_again();
	assert_true(fake_on_disk(0).uuid[MD_UUID_CURRENT] == named);
}

static void what_a_lost_peer_has_written_begins_no_generation_while_frozen(void **state)
{
	(void)state;
	acknowledged_write(OPT_PROTOCOL_C, P_WRITE_ACK);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	peer_is_found_again();
	assert_true(dev()->new_uuid_on_thaw);
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
}

/* Without fencing it comes back UpToDate from a power cut, too, with what its cache had gone. */
static void what_was_only_in_the_cache_of_an_unfenced_peer_is_synced_when_it_is_back(void **state)
{
	struct app *w;
	struct sent data;

	(void)state;
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	state_force(dev(), ST_ARGS(ST_CHANGE_FLAG(ST_SUSP_NOD, true)));
	lose_peer_under(FENCING_DONT_CARE);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	peer_is_found_again();
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP] & ~1ULL, A);
}

/* The cut came between the two ends of a resync; its source, Primary too, was not frozen by it. */
static void a_frozen_primary_follows_the_source_that_went_on(void **state)
{
	(void)state;
	own_uuids(B | UUID_PRIMARY_BIT, 0, A, C);
	acknowledged_write(OPT_PROTOCOL_C, P_WRITE_ACK);
	peer_is_found_again();
	conn()->net_conf.two_primaries = true;
	assert_true(uuids_arrive(B | UUID_PRIMARY_BIT, A, C, 0));
	assert_true(state_arrives(ROLE_PRIMARY, D_UP_TO_DATE));
	fake_run();
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_T);
	assert_int_equal(dev()->state.role, ROLE_PRIMARY);
	assert_false(fake.resource.susp_fen);
	assert_false(dev()->new_uuid_on_thaw);
	/* The same name on both: what it owed while frozen is not begun now. */
	assert_int_equal(fake_on_disk(0).uuid[MD_UUID_BITMAP], 0);
}

/* The handshake settles the size; the peer would not take part in a resync later on. */
static void the_answer_to_a_resize_is_not_awaited_from_a_lost_peer(void **state)
{
	struct wire_p_sizes p = {
		.d_size = cpu_to_be64(SECTORS), .c_size = cpu_to_be64(SECTORS),
		.max_bio_size = cpu_to_be32(1048576),
	};

	(void)state;
	dev()->growth_asked = true;
	fake.helper_exit = 7;
	lose_peer();
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	assert_true(deliver(arrival_read(P_SIZES, &p, sizeof(p), 0)));
	assert_int_equal(dev()->state.conn, C_CONNECTED);
}

static void peer_comes_back(void)
{
	conn()->connect_count++;
}

static void a_peer_that_came_back_meanwhile_is_not_outdated(void **state)
{
	(void)state;
	fake.helper_exit = 4;
	fake.helper_hook = peer_comes_back;
	lose_peer();
	assert_string_equal(fake.helpers, "fence-peer");
	assert_int_equal(dev()->state.pdsk, D_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_sync_uuid_that_never_arrived_is_taken_back, setup_with_disk),
		TEST(an_end_that_only_the_target_saw_clears_no_bits, setup_with_disk),
		TEST(a_full_sync_begins_with_all_bits, setup_with_disk),
		TEST(a_link_that_goes_while_a_handler_runs_is_looked_for_again, setup_with_disk),
		TEST(other_data_is_not_shown_to_the_users_of_a_diskless_primary, setup_without_disk),
		TEST(a_diskless_primary_has_to_take_the_data_before_a_generation_begins, setup_with_disk),
		TEST(a_write_of_a_diskless_primary_begins_a_generation_first, setup_with_disk),
		TEST(one_of_two_promotions_at_the_same_time_goes_first, setup_secondary_pair),
		TEST(who_is_about_to_part_agrees_to_nothing_else, setup_secondary_pair),
		TEST(a_promotion_of_the_peer_alone_is_granted, setup_secondary_pair),
		TEST(the_peer_verifies_not_before_a_resize_is_settled, setup_primary),
		TEST(no_name_is_awaited_for_what_a_disk_under_sync_lacks, setup_primary),
		TEST(a_name_is_awaited_for_what_a_disk_lacks_that_calls_itself_good, setup_primary),
		TEST(a_state_that_crossed_an_attach_says_nothing_of_the_disk, setup_without_disk),
		TEST(a_disk_older_than_what_users_saw_is_given_up_when_the_peers_fails, setup_without_disk),
		TEST(a_disk_with_what_users_saw_is_used_when_the_peers_fails, setup_without_disk),
		TEST(a_tentative_connection_that_is_there_is_like_any_other, setup_with_disk),
		TEST(a_generation_begun_after_the_last_report_is_told_before_the_bitmap,
		     setup_with_disk),
		TEST(whoever_asked_tentatively_parts_whatever_the_peer_asked, setup_with_disk),
		TEST(only_who_was_asked_tentatively_goes_on_looking, setup_with_disk),
		TEST(a_size_is_shown_that_was_asked_for_only_if_the_disk_has_room, setup_without_disk),
		TEST(a_peer_whose_new_disk_is_refused_is_told_why, setup_with_disk),
		TEST(a_disk_with_other_data_is_given_up_when_the_peer_tells_its_own, setup_without_disk),
		TEST(a_lost_peer_is_fenced_before_frozen_writes_go_on, setup_primary),
		TEST(what_was_only_in_the_memory_of_a_lost_peer_is_synced_when_it_is_back, setup_primary),
		TEST(what_a_lost_peer_has_written_begins_no_generation_while_frozen, setup_primary),
		TEST(what_was_only_in_the_cache_of_an_unfenced_peer_is_synced_when_it_is_back,
		     setup_primary),
		TEST(a_frozen_primary_follows_the_source_that_went_on, setup_primary),
		TEST(the_answer_to_a_resize_is_not_awaited_from_a_lost_peer, setup_primary),
		TEST(a_peer_that_came_back_meanwhile_is_not_outdated, setup_primary),
	};

	return cmocka_run_group_tests_name("engine: handshake", tests, NULL, NULL);
}
