/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peer_fixture.h - one node on a fake host that meets a scripted peer: what the peer says
 * arrives here, what the node says is looked at packet by packet. Shared by the
 * test_engine_* programs about handshake and resync; each has its own copy.
 */
#ifndef PEER_FIXTURE_H
#define PEER_FIXTURE_H

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

static __attribute__((unused)) bool meta_arrives(u16 cmd, const void *body, u32 len)
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

static __attribute__((unused)) void attach(u64 uuid, u64 bitmap_uuid)
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

static __attribute__((unused)) void peer_is(u64 uuid, u64 bitmap, u8 disk)
{
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(uuid, bitmap));
	assert_true(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, disk));
}

static struct connection_cleanup cleanup;

static __attribute__((unused)) enum fiber_status run_cleanup(struct task *t, void *arg)
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

#define PEER_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* PEER_FIXTURE_H */
