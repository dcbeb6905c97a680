/* SPDX-License-Identifier: GPL-2.0 */
/*
 * data_path_fixture.h - a node whose data path is driven by a script: the host below it,
 * the wire beside it, the peer at the other end. Shared by the test_engine_* programs
 * about requests; each has its own copy.
 */
#ifndef DATA_PATH_FIXTURE_H
#define DATA_PATH_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "fake_env.h"
#include "core/actlog_block.h"
#include "core/engine.h"
#include "core/objects.h"
#include "core/predicates.h"
#include "core/receive.h"

#define SECTORS 262144ULL

struct app {
	struct drbd_request req;
	bool submitted, completed, freed;
	u32 submissions;
	int error;
};

struct sent {
	u16 cmd;
	u32 body_len;
	u8 body[256];
	u32 payload, digest;
};

static struct app apps[64];
static u32 n_apps;
static struct drbd_peer_request peers[64];
static bool peer_submitted[64], peer_freed[64];
static u32 n_peers;

/* ---- the host's side of the data path ---- */

static __attribute__((unused)) struct app *app_of(struct drbd_request *req)
{
	return (struct app *)container_of(req, struct app, req);
}

static __attribute__((unused)) void on_submit(struct drbd_request *req)
{
	app_of(req)->submitted = true;
	app_of(req)->submissions++;
}

static __attribute__((unused)) void on_complete(struct drbd_request *req, int error)
{
	assert_false(app_of(req)->completed);
	app_of(req)->completed = true;
	app_of(req)->error = error;
}

static __attribute__((unused)) void on_free(struct drbd_request *req)
{
	assert_true(app_of(req)->completed);
	assert_false(app_of(req)->freed);
	app_of(req)->freed = true;
}

static __attribute__((unused)) void on_peer_submit(struct drbd_peer_request *pr) { peer_submitted[pr - peers] = true; }

static __attribute__((unused)) void on_peer_free(struct drbd_peer_request *pr)
{
	assert_false(peer_freed[pr - peers]);
	peer_freed[pr - peers] = true;
}

static __attribute__((unused)) struct drbd_device *dev(void) { return fake_device(0); }
static __attribute__((unused)) struct drbd_connection *conn(void) { return &fake.resource.connection; }

static __attribute__((unused)) struct app *issue(enum request_op op, u64 sector, u32 bytes)
{
	struct app *app = &apps[n_apps++];

	request_init(&app->req, dev(), op, sector, bytes, 0);
	request_new(&app->req);
	fake_run();
	return app;
}

static __attribute__((unused)) void disk_done(struct app *app, int error)
{
	assert_true(app->submitted);
	app->submitted = false;
	request_local_done(&app->req, error);
	fake_run();
}

/* ---- the wire ---- */

/* The next packet of a socket; false: idle. */
static __attribute__((unused)) bool next_packet(int socket, struct sent *sent, bool deliver)
{
	static u8 head[SEND_HEAD_ROOM];
	struct outgoing out = { .head = head };
	struct wire_header hdr;
	u32 size = wire_header_size(101);

	memset(sent, 0, sizeof(*sent));
	if (!send_next(conn(), socket, &out))
		return false;
	assert_int_equal(wire_header_decode(head, out.head_len, 101, &hdr), WIRE_OK);
	assert_int_equal(hdr.length, out.head_len - size + out.payload_len + out.digest_len);
	sent->cmd = hdr.cmd;
	sent->body_len = out.head_len - size;
	assert_true(sent->body_len <= sizeof(sent->body));
	memcpy(sent->body, head + size, sent->body_len);
	sent->payload = out.payload_len;
	sent->digest = out.digest_len;
	send_done(conn(), socket, &out, deliver);
	return true;
}

static __attribute__((unused)) struct sent expect(int socket, u16 cmd)
{
	struct sent sent;

	assert_true(next_packet(socket, &sent, true));
	assert_int_equal(sent.cmd, cmd);
	return sent;
}

static __attribute__((unused)) void expect_idle(int socket)
{
	struct sent sent;

	assert_false(next_packet(socket, &sent, true));
}

static __attribute__((unused)) void drain(int socket)
{
	struct sent sent;

	while (next_packet(socket, &sent, true))
		;
}

static __attribute__((unused)) bool meta_packet(u16 cmd, const void *body, u32 len)
{
	struct incoming in = { .hdr = { .cmd = cmd, .length = len } };

	if (!receive_plan(conn(), SOCK_META, &in))
		return false;
	assert_int_equal(in.fixed_len, len);
	in.fixed = (u8 *)body;
	return receive_meta(&in);
}

static __attribute__((unused)) bool ack(struct sent *write, u16 cmd, u32 bytes)
{
	struct wire_p_data *p = (struct wire_p_data *)write->body;
	struct wire_p_block_ack a = {
		.sector = p->sector, .block_id = p->block_id, .blksize = cpu_to_be32(bytes),
	};

	return meta_packet(cmd, &a, sizeof(a));
}

static __attribute__((unused)) bool barrier_ack(struct sent *barrier, u32 writes)
{
	struct wire_p_barrier *p = (struct wire_p_barrier *)barrier->body;
	struct wire_p_barrier_ack a = { .barrier = p->barrier, .set_size = cpu_to_be32(writes) };

	return meta_packet(P_BARRIER_ACK, &a, sizeof(a));
}

/* The peer is back over another link, where nothing of before is answered. */
static __attribute__((unused)) void link_is_new(void)
{
	send_close(conn());
	send_open(conn());
	conn()->established_at = ++fake.now_ms;
}

struct arrival {
	struct incoming in;
	struct task task;
	u8 fixed[64], var[256];
	u32 flushes;		/* that it asked for */
	enum fiber_status status;
};

static __attribute__((unused)) void go_on(struct arrival *a)
{
	while ((a->status = receive_packet(&a->task, &a->in)) == FIBER_ACTION) {
		a->flushes += a->task.action.kind == ACT_FLUSH;
		a->task.result = 0;
	}
	fake_run();
}

static enum fiber_status run_arrival(struct task *t, void *arg) { return receive_packet(t, arg); }

/* The same with the actions carried out by the fake host. */
static __attribute__((unused)) bool deliver(struct arrival *a)
{
	bool ok;

	a->status = fake_drive(&a->task, run_arrival, &a->in);
	fake_run();
	assert_int_equal(a->status, FIBER_DONE);
	ok = a->in.ok;
	free(a);
	return ok;
}

/* A data socket packet, read but not dealt with; what a buffer holds follows the fixed part. */
static __attribute__((unused)) struct arrival *arrival_read(u16 cmd, const void *fixed, u32 len,
							    u32 payload)
{
	struct arrival *a = calloc(1, sizeof(*a));
	u32 room;

	a->in.hdr.cmd = cmd;
	a->in.hdr.length = len + payload;
	memcpy(a->fixed, fixed, len);
	a->in.fixed = a->fixed;
	assert_true(receive_plan(conn(), SOCK_DATA, &a->in));
	assert_int_equal(a->in.fixed_len, len);
	assert_true(receive_plan_payload(&a->in));
	room = a->in.place == PAYLOAD_PEER_REQUEST ? a->in.payload_len : a->in.pr_bytes;
	if (a->in.place == PAYLOAD_PEER_REQUEST || room) {
		a->in.pr = &peers[n_peers++];
		peer_request_init(a->in.pr, a->in.device, 0, room);
	}
	if (a->in.place == PAYLOAD_BUFFER) {
		a->in.var = a->var;
		a->in.var_len = a->in.payload_len;
		assert_true(a->in.var_len <= sizeof(a->var));
		memcpy(a->var, (const u8 *)fixed + len, a->in.var_len);
	}
	return a;
}

/* It arrives; the fiber may be left waiting. */
static __attribute__((unused)) struct arrival *arrive(u16 cmd, const void *fixed, u32 len, u32 payload)
{
	struct arrival *a = arrival_read(cmd, fixed, len, payload);

	go_on(a);
	return a;
}

static __attribute__((unused)) struct arrival *write_arrives(u64 sector, u32 bytes, u32 seq)
{
	struct wire_p_data p = {
		.sector = cpu_to_be64(sector), .block_id = 0x1122334455667788ULL + seq,
		.seq_num = cpu_to_be32(seq), .dp_flags = cpu_to_be32(DP_SEND_WRITE_ACK),
	};

	return arrive(P_DATA, &p, sizeof(p), bytes);
}

static __attribute__((unused)) struct arrival *barrier_arrives(u32 number)
{
	struct wire_p_barrier p = { .barrier = number };

	return arrive(P_BARRIER, &p, sizeof(p), 0);
}

static __attribute__((unused)) void done(struct arrival *a)
{
	assert_int_equal(a->status, FIBER_DONE);
	assert_true(a->in.ok);
	free(a);
}

/* ---- a pair that shook hands ---- */

static __attribute__((unused)) void attach(u64 uuid)
{
	static struct admin_op op;
	struct md_superblock sb = {
		.la_size_sect = SECTORS, .magic = MD_MAGIC_CLEAN, .uuid = { uuid },
		.flags = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE,
	};

	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	fake_run();
}

static __attribute__((unused)) void connect_as(u8 role, u8 peer)
{
	struct drbd_connection *c = conn();
	struct state_change up = state_change_join(
		state_change_join(ST_CHANGE_CONN(C_CONNECTED), ST_CHANGE_PDSK(D_UP_TO_DATE)),
		state_change_join(ST_CHANGE_ROLE(role), ST_CHANGE_PEER(peer)));

	c->configured = true;
	c->agreed_pro_version = 101;
	c->agreed_features = WIRE_FEATURES;
	net_conf_set_defaults(&c->net_conf);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
	send_open(c);
	state_change(dev(), ST_ARGS(up), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	drain(SOCK_META);
}

static __attribute__((unused)) void start(bool disk)
{
	memset(apps, 0, sizeof(apps));
	memset(peers, 0, sizeof(peers));
	memset(peer_submitted, 0, sizeof(peer_submitted));
	memset(peer_freed, 0, sizeof(peer_freed));
	n_apps = n_peers = 0;
	fake_start(1);
	fake.on_submit = on_submit;
	fake.on_complete = on_complete;
	fake.on_free = on_free;
	fake.on_peer_submit = on_peer_submit;
	fake.on_peer_free = on_peer_free;
	if (disk)
		attach(0xAAAA000000000000ULL);
	else
		dev()->capacity = SECTORS;
}

static __attribute__((unused)) int setup_primary(void **state)
{
	(void)state;
	start(true);
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	return 0;
}

static __attribute__((unused)) int setup_secondary(void **state)
{
	(void)state;
	start(true);
	connect_as(ROLE_SECONDARY, ROLE_PRIMARY);
	return 0;
}

static __attribute__((unused)) int setup_diskless(void **state)
{
	(void)state;
	start(false);
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	return 0;
}

static __attribute__((unused)) int teardown(void **state)
{
	(void)state;
	fake_stop();
	return 0;
}

static __attribute__((unused)) void lose_connection(void)
{
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	tl_apply(conn(), REQ_CONNECTION_LOST);
	fake_run();
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif /* DATA_PATH_FIXTURE_H */
