// SPDX-License-Identifier: GPL-2.0
/* Meeting the peer, and resync, on a fake host: one node against a scripted one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "fake_env.h"
#include "core/engine.h"
#include "core/objects.h"
#include "core/predicates.h"
#include "core/receive.h"

#define SECTORS 262144ULL
#define UUID_A 0xAAAA000000000000ULL
#define UUID_B 0xBBBB000000000000ULL

struct sent {
	u16 cmd;
	u32 len;
	u8 body[4096];
};

static struct drbd_device *dev(void) { return fake_device(0); }
static struct drbd_connection *conn(void) { return &fake.resource.connection; }
static const u32 CLEAN = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE;

/* ---- sockets ---- */

static bool next_packet(int socket, struct sent *sent)
{
	static u8 head[SEND_HEAD_ROOM];
	struct outgoing out = { .head = head };
	struct wire_header hdr;
	u32 size = wire_header_size(conn()->agreed_pro_version);

	fake_run();
	if (!send_next(conn(), socket, &out))
		return false;
	assert_int_equal(wire_header_decode(head, size, conn()->agreed_pro_version, &hdr), WIRE_OK);
	assert_int_equal(out.head_len, size + hdr.length - out.digest_len - out.payload_len);
	sent->cmd = hdr.cmd;
	sent->len = out.head_len - size;
	memcpy(sent->body, head + size, sent->len);
	send_done(conn(), socket, &out, true);
	fake_run();
	return true;
}

static struct sent expect(int socket, u16 cmd)
{
	struct sent sent = { 0 };

	assert_true(next_packet(socket, &sent));
	assert_string_equal(wire_cmd_name(sent.cmd), wire_cmd_name(cmd));
	return sent;
}

static void expect_idle(int socket)
{
	struct sent sent;

	if (next_packet(socket, &sent))
		fail_msg("unexpected %s", wire_cmd_name(sent.cmd));
}

struct arrival {
	struct incoming in;
	u8 fixed[512], var[4096];
	struct task t;
	enum fiber_status status;
};

static enum fiber_status run_receive(struct task *t, void *arg)
{
	return receive_packet(t, arg);
}

/* A packet of the data socket without payload for peer requests; false: connection ended. */
static struct arrival *arrives(u16 cmd, const void *body, u32 len)
{
	static struct arrival all[8];
	static u32 next;
	struct arrival *a = &all[next++ % 8];

	memset(a, 0, sizeof(*a));
	a->in.connection = conn();
	a->in.fixed = a->fixed;
	a->in.var = a->var;
	a->in.hdr.cmd = cmd;
	a->in.hdr.length = len;
	if (!receive_plan(conn(), SOCK_DATA, &a->in))
		return a;
	memcpy(a->fixed, body, a->in.fixed_len);
	if (!receive_plan_payload(&a->in))
		return a;
	if (a->in.place == PAYLOAD_BUFFER) {
		a->in.var_len = a->in.payload_len;
		memcpy(a->var, (const u8 *)body + a->in.fixed_len, a->in.payload_len);
	}
	a->status = fake_drive(&a->t, run_receive, &a->in);
	fake_run();
	return a;
}

static bool meta_arrives(u16 cmd, const void *body, u32 len)
{
	struct incoming in = { .connection = conn() };
	u8 fixed[64] = { 0 };

	in.hdr.cmd = cmd;
	in.hdr.length = len;
	in.fixed = fixed;
	if (!receive_plan(conn(), SOCK_META, &in))
		return false;
	if (len)
		memcpy(fixed, body, len);
	in.ok = receive_meta(&in);
	fake_run();
	return in.ok;
}

static bool accepted(struct arrival *a)
{
	assert_int_equal(a->status, FIBER_DONE);
	return a->in.ok;
}

/* ---- the peer's words ---- */

static bool protocol_arrives(u32 protocol, u32 flags, const char *alg)
{
	u8 body[sizeof(struct wire_p_protocol) + 64] = { 0 };
	struct wire_p_protocol *p = (struct wire_p_protocol *)body;

	p->protocol = cpu_to_be32(protocol);
	p->conn_flags = cpu_to_be32(flags);
	strcpy((char *)(p + 1), alg);
	return accepted(arrives(P_PROTOCOL, body, sizeof(*p) + strlen(alg) + 1));
}

static bool sizes_arrive(u64 sectors)
{
	struct wire_p_sizes p = {
		.d_size = cpu_to_be64(sectors), .c_size = cpu_to_be64(sectors),
		.max_bio_size = cpu_to_be32(1048576),
	};

	return accepted(arrives(P_SIZES, &p, sizeof(p)));
}

static bool uuids_arrive(u64 uuid, u64 bitmap)
{
	struct wire_p_uuids p = {
		.current_uuid = cpu_to_be64(uuid), .bitmap_uuid = cpu_to_be64(bitmap),
	};

	return accepted(arrives(P_UUIDS, &p, sizeof(p)));
}

static bool state_arrives(u8 role, u8 state, u8 disk)
{
	struct state s = { .role = role, .peer = ROLE_UNKNOWN, .conn = state, .disk = disk,
			   .pdsk = D_UNKNOWN };
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(s)) };

	return accepted(arrives(P_STATE, &p, sizeof(p)));
}

/* ---- this node ---- */

static void attach(u64 uuid, u64 bitmap_uuid)
{
	struct md_superblock sb = {
		.la_size_sect = SECTORS, .flags = CLEAN, .magic = MD_MAGIC_CLEAN,
		.uuid = { uuid, bitmap_uuid },
	};
	static struct admin_op op;

	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	fake_run();
}

static u16 establish_pc;

static enum fiber_status run_establish(struct task *t, void *arg)
{
	(void)arg;
	return connection_establish(t, conn(), &establish_pc);
}

static void search(void)
{
	net_conf_set_defaults(&conn()->net_conf);
	conn()->configured = true;
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_VERBOSE);
	fake_run();
	assert_true(connection_search_begin(conn()));
	fake_run();
}

static void establish(void)
{
	struct task t = { 0 };

	search();
	conn()->agreed_pro_version = 101;
	conn()->agreed_features = WIRE_FEATURES;
	assert_int_equal(fake_drive(&t, run_establish, NULL), FIBER_DONE);
	fake_run();
}

static void hello(void)
{
	establish();
	expect(SOCK_DATA, P_PROTOCOL);
	expect(SOCK_DATA, P_SYNC_PARAM89);
	expect(SOCK_DATA, P_SIZES);
	expect(SOCK_DATA, P_UUIDS);
	expect(SOCK_DATA, P_STATE);
	expect_idle(SOCK_DATA);
}

static void peer_is(u64 uuid, u64 bitmap, u8 disk)
{
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(uuid, bitmap));
	assert_true(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, disk));
}

static struct connection_cleanup cleanup;

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	(void)arg;
	return connection_cleanup(t, conn(), &cleanup);
}

static int setup(void **state)
{
	(void)state;
	fake_start(1);
	fake.now_ms = 1000000;
	establish_pc = 0;
	memset(&cleanup, 0, sizeof(cleanup));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_stop();
	return 0;
}

/* ---- sockets and features ---- */

static void who_accepts_the_meta_socket_resolves_conflicts(void **state)
{
	struct connector c = { false, false };
	u16 cmd;

	(void)state;
	assert_int_equal(connector_opened(conn(), &c, &cmd), CONNECTOR_DATA);
	assert_int_equal(cmd, P_INITIAL_DATA);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_META), CONNECTOR_META);
	assert_true(conn()->resolve_conflicts);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_DATA), CONNECTOR_DATA_CROSSED);
	assert_int_equal(connector_accepted(conn(), &c, 0), CONNECTOR_REJECT);
	c.have_meta = false;
	assert_int_equal(connector_opened(conn(), &c, &cmd), CONNECTOR_META);
	assert_int_equal(cmd, P_INITIAL_META);
	assert_false(conn()->resolve_conflicts);
}

static void features_agree_on_the_lower_version_or_end(void **state)
{
	struct wire_header hdr = { .cmd = P_CONNECTION_FEATURES, .length = 72 };
	struct wire_p_features p = { .protocol_min = cpu_to_be32(90), .feature_flags = cpu_to_be32(3) };

	(void)state;
	search();
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_OK);
	assert_int_equal(conn()->agreed_pro_version, 90);
	assert_int_equal(conn()->agreed_features, 3);
	p.protocol_min = cpu_to_be32(110);
	p.protocol_max = cpu_to_be32(120);
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_STANDALONE);
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
	assert_false(connection_search_begin(conn()));
	connection_receiver_ended(conn());
	assert_int_equal(conn()->cstate, C_STANDALONE);
}

static void a_peer_that_can_name_no_volume_is_refused_where_there_are_several(void **state)
{
	struct wire_header hdr = { .cmd = P_CONNECTION_FEATURES, .length = 72 };
	struct wire_p_features p = { .protocol_min = cpu_to_be32(86), .protocol_max = cpu_to_be32(99) };

	(void)state;
	fake_stop();
	fake_start(2);
	search();
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_STANDALONE);
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

/* ---- keep-alive ---- */

static void a_silent_peer_is_pinged_then_dropped(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	expect(SOCK_DATA, P_STATE);
	fake.now_ms += 9000;
	conn()->last_received = fake.now_ms;
	fake.now_ms += 1000;
	/* Something came meanwhile: wait for the rest. */
	assert_int_equal(meta_receive_timed_out(conn()), 9000);
	expect_idle(SOCK_META);
	fake.now_ms += 9000;
	assert_int_equal(meta_receive_timed_out(conn()), 500);
	expect(SOCK_META, P_PING);
	assert_int_equal(meta_receive_timeout(conn()), 500);
	/* The wait began before the ping left. */
	assert_int_equal(meta_receive_timed_out(conn()), 500);
	assert_int_equal(conn()->cstate, C_WF_REPORT_PARAMS);
	fake.now_ms += 500;
	assert_int_equal(meta_receive_timed_out(conn()), 0);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

/* A blocked data socket asks for a ping every `timeout`, which may be shorter than ping-timeout. */
static void further_pings_do_not_put_off_the_end_of_a_silent_peer(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	expect(SOCK_DATA, P_STATE);
	connection_request_ping(conn());
	expect(SOCK_META, P_PING);
	fake.now_ms += 300;
	connection_request_ping(conn());
	expect(SOCK_META, P_PING);
	fake.now_ms += 200;
	assert_int_equal(meta_receive_timed_out(conn()), 0);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

/* ---- handshake ---- */

/* What made the peer hang up is still to be read; both nodes have to say that they are apart. */
static void a_split_brain_is_reported_though_the_peer_hung_up_first(void **state)
{
	(void)state;
	attach(UUID_A, 0x5000);
	hello();
	connection_socket_event(conn(), SOCKET_EOF_META);
	connection_socket_event(conn(), SOCKET_SEND_ERROR);
	assert_int_equal(conn()->cstate, C_WF_REPORT_PARAMS);
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_B, 0x5000));
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
	assert_string_equal(fake.helpers, "initial-split-brain split-brain");
}

static void hang_up(void)
{
	connection_socket_event(conn(), SOCKET_EOF_META);
	fake_advance(60000);
}

static void a_split_brain_is_final_though_the_peer_hung_up_during_the_handler(void **state)
{
	(void)state;
	attach(UUID_A, 0x5000);
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_B, 0x5000));
	fake.helper_hook = hang_up;
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void settings_that_differ_end_in_standalone_though_the_peer_hung_up_first(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	connection_socket_event(conn(), SOCKET_RECV_ERROR_META);
	assert_false(protocol_arrives(1, 0, ""));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void a_socket_that_broke_during_the_handshake_is_not_forgotten(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	connection_socket_event(conn(), SOCKET_EOF_META);
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	fake_advance(1000);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

static void different_protocols_end_in_standalone(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	assert_false(protocol_arrives(1, 0, ""));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void different_digests_end_in_standalone(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	assert_false(protocol_arrives(3, 0, "crc32c"));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void equal_data_is_connected(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_false(conn()->state_sent);
	expect(SOCK_DATA, P_STATE);
}

static void a_diskless_node_offers_the_discards_of_its_peer(void **state)
{
	(void)state;
	establish();
	assert_false(fake.discards_offered);
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(fake.discards_offered);
}

static void unrelated_data_ends_in_standalone(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	dev()->md.uuid[2] = 0x1111000000000000ULL;
	dev()->md.uuid[3] = 0x2222000000000000ULL;
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_B, 0));
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void a_smaller_peer_disk_is_refused(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_false(sizes_arrive(SECTORS / 2));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
	assert_int_equal(dev()->capacity, SECTORS);
}

static void a_disk_that_has_grown_is_used_when_the_peer_resizes(void **state)
{
	struct wire_p_sizes p = {
		.d_size = cpu_to_be64(2 * SECTORS), .c_size = cpu_to_be64(SECTORS),
		.max_bio_size = cpu_to_be32(1048576),
	};

	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	fake.grown_sectors = dev()->backing_sectors + SECTORS;
	assert_true(accepted(arrives(P_SIZES, &p, sizeof(p))));
	assert_true(dev()->capacity > SECTORS * 19ULL / 10);
}

static void resize_to(u64 sectors)
{
	struct admin_op op;

	admin_op_init(&op, &fake.resource, dev());
	op.size = sectors;
	op.assume_peer_has_space = true;
	fake_command(admin_resize, &op);
	assert_int_equal(op.ret, ERR_NO_ERROR);
}

static void a_block_that_was_the_end_in_part_is_synced_after_growth(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	resize_to(2028);
	assert_int_equal(dev()->capacity, 2028);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	resize_to(2048);
	assert_int_equal(dev()->capacity, 2048);
	assert_int_equal(bm_test(&dev()->bitmap, 252), 0);
	/* Sectors 2024 to 2031: four of them are new. */
	assert_int_equal(bm_test(&dev()->bitmap, 253), 1);
	assert_int_equal(dev()->bitmap.bits_set, 3);
}

static void a_refused_handshake_backs_off(void **state)
{
	struct task t = { 0 };

	(void)state;
	attach(UUID_A, 0);
	hello();
	connection_socket_event(conn(), SOCKET_EOF_DATA);
	assert_int_equal(conn()->cstate, C_BROKEN_PIPE);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_WAIT);
	assert_int_equal(conn()->cstate, C_BROKEN_PIPE);
	fake.now_ms += 999;
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_WAIT);
	fake.now_ms += 1;
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_int_equal(conn()->cstate, C_UNCONNECTED);
}

static void a_lost_connection_is_looked_for_at_once(void **state)
{
	struct task t = { 0 };

	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	connection_socket_event(conn(), SOCKET_EOF_META);
	assert_int_equal(dev()->state.conn, C_NETWORK_FAILURE);
	/* The first cause stays. */
	connection_socket_event(conn(), SOCKET_EOF_DATA);
	assert_int_equal(dev()->state.conn, C_NETWORK_FAILURE);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_int_equal(conn()->cstate, C_UNCONNECTED);
	assert_false(dev()->peer_uuids.valid);
	assert_true(connection_search_begin(conn()));
}

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

static void a_cancelled_request_is_asked_again(void **state)
{
	struct wire_p_block_ack ack = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(7 * 4096) };

	(void)state;
	start_as_target();
	fake_advance(0);
	expect_request(0, 7 * 4096);
	expect_request(56 * 8, 4096);
	in_sync(56 * 8, 4096);
	assert_true(meta_arrives(P_RS_CANCEL, &ack, sizeof(ack)));
	fake_advance(100);
	expect_request(0, 7 * 4096);
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

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEER_TEST(who_accepts_the_meta_socket_resolves_conflicts),
		PEER_TEST(features_agree_on_the_lower_version_or_end),
		PEER_TEST(a_peer_that_can_name_no_volume_is_refused_where_there_are_several),
		PEER_TEST(a_silent_peer_is_pinged_then_dropped),
		PEER_TEST(further_pings_do_not_put_off_the_end_of_a_silent_peer),
		PEER_TEST(a_split_brain_is_reported_though_the_peer_hung_up_first),
		PEER_TEST(a_split_brain_is_final_though_the_peer_hung_up_during_the_handler),
		PEER_TEST(settings_that_differ_end_in_standalone_though_the_peer_hung_up_first),
		PEER_TEST(a_socket_that_broke_during_the_handshake_is_not_forgotten),
		PEER_TEST(different_protocols_end_in_standalone),
		PEER_TEST(different_digests_end_in_standalone),
		PEER_TEST(equal_data_is_connected),
		PEER_TEST(a_diskless_node_offers_the_discards_of_its_peer),
		PEER_TEST(unrelated_data_ends_in_standalone),
		PEER_TEST(a_smaller_peer_disk_is_refused),
		PEER_TEST(a_disk_that_has_grown_is_used_when_the_peer_resizes),
		PEER_TEST(a_block_that_was_the_end_in_part_is_synced_after_growth),
		PEER_TEST(a_refused_handshake_backs_off),
		PEER_TEST(a_lost_connection_is_looked_for_at_once),
		PEER_TEST(the_source_sends_bitmap_then_sync_uuid_and_ends_by_the_targets_word),
		PEER_TEST(bits_of_writes_under_way_delay_the_sources_end),
		PEER_TEST(a_target_that_gave_up_frees_the_source),
		PEER_TEST(no_bitmap_leaves_before_a_write_begun_alone_has_ended),
		PEER_TEST(a_wait_for_writes_ends_with_the_connection),
		PEER_TEST(the_handler_may_forbid_a_resync),
		PEER_TEST(two_sources_do_not_wait_for_each_other),
		PEER_TEST(the_target_asks_in_aligned_pieces_and_adopts_the_sources_generation),
		PEER_TEST(a_ping_does_not_overtake_the_acks_before_it),
		PEER_TEST(a_run_of_nothing_but_failures_ends),
		PEER_TEST(a_cancelled_request_is_asked_again),
		PEER_TEST(a_stray_sync_uuid_does_not_block_for_ever),
	};

	return cmocka_run_group_tests_name("engine: peer and resync", tests, NULL, NULL);
}
