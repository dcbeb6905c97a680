// SPDX-License-Identifier: GPL-2.0
/* The data path of one node against a scripted peer, on a fake host. */
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
	u32 payload;
};

static struct app apps[64];
static u32 n_apps;
static struct drbd_peer_request peers[64];
static bool peer_submitted[64], peer_freed[64];
static u32 n_peers;

/* ---- the host's side of the data path ---- */

static struct app *app_of(struct drbd_request *req)
{
	return (struct app *)container_of(req, struct app, req);
}

static void on_submit(struct drbd_request *req)
{
	app_of(req)->submitted = true;
	app_of(req)->submissions++;
}

static void on_complete(struct drbd_request *req, int error)
{
	assert_false(app_of(req)->completed);
	app_of(req)->completed = true;
	app_of(req)->error = error;
}

static void on_free(struct drbd_request *req)
{
	assert_true(app_of(req)->completed);
	assert_false(app_of(req)->freed);
	app_of(req)->freed = true;
}

static void on_peer_submit(struct drbd_peer_request *pr) { peer_submitted[pr - peers] = true; }

static void on_peer_free(struct drbd_peer_request *pr)
{
	assert_false(peer_freed[pr - peers]);
	peer_freed[pr - peers] = true;
}

static struct drbd_device *dev(void) { return fake_device(0); }
static struct drbd_connection *conn(void) { return &fake.resource.connection; }

static struct app *issue(enum request_op op, u64 sector, u32 bytes)
{
	struct app *app = &apps[n_apps++];

	request_init(&app->req, dev(), op, sector, bytes, 0);
	request_new(&app->req);
	fake_run();
	return app;
}

static void disk_done(struct app *app, int error)
{
	assert_true(app->submitted);
	app->submitted = false;
	request_local_done(&app->req, error);
	fake_run();
}

/* ---- the wire ---- */

/* The next packet of a socket; false: idle. */
static bool next_packet(int socket, struct sent *sent, bool deliver)
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
	send_done(conn(), socket, &out, deliver);
	return true;
}

static struct sent expect(int socket, u16 cmd)
{
	struct sent sent;

	assert_true(next_packet(socket, &sent, true));
	assert_int_equal(sent.cmd, cmd);
	return sent;
}

static void expect_idle(int socket)
{
	struct sent sent;

	assert_false(next_packet(socket, &sent, true));
}

static void drain(int socket)
{
	struct sent sent;

	while (next_packet(socket, &sent, true))
		;
}

static bool meta_packet(u16 cmd, const void *body, u32 len)
{
	struct incoming in = { .hdr = { .cmd = cmd, .length = len } };

	if (!receive_plan(conn(), SOCK_META, &in))
		return false;
	assert_int_equal(in.fixed_len, len);
	in.fixed = (u8 *)body;
	return receive_meta(&in);
}

static bool ack(struct sent *write, u16 cmd, u32 bytes)
{
	struct wire_p_data *p = (struct wire_p_data *)write->body;
	struct wire_p_block_ack a = {
		.sector = p->sector, .block_id = p->block_id, .blksize = cpu_to_be32(bytes),
	};

	return meta_packet(cmd, &a, sizeof(a));
}

static bool barrier_ack(struct sent *barrier, u32 writes)
{
	struct wire_p_barrier *p = (struct wire_p_barrier *)barrier->body;
	struct wire_p_barrier_ack a = { .barrier = p->barrier, .set_size = cpu_to_be32(writes) };

	return meta_packet(P_BARRIER_ACK, &a, sizeof(a));
}

struct arrival {
	struct incoming in;
	struct task task;
	u8 fixed[64];
	enum fiber_status status;
};

static void go_on(struct arrival *a)
{
	while ((a->status = receive_packet(&a->task, &a->in)) == FIBER_ACTION)
		a->task.result = 0;
	fake_run();
}

/* A data socket packet arrives; the fiber may be left waiting. */
static struct arrival *arrive(u16 cmd, const void *fixed, u32 len, u32 payload)
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
	go_on(a);
	return a;
}

static struct arrival *write_arrives(u64 sector, u32 bytes, u32 seq)
{
	struct wire_p_data p = {
		.sector = cpu_to_be64(sector), .block_id = 0x1122334455667788ULL + seq,
		.seq_num = cpu_to_be32(seq), .dp_flags = cpu_to_be32(DP_SEND_WRITE_ACK),
	};

	return arrive(P_DATA, &p, sizeof(p), bytes);
}

static struct arrival *barrier_arrives(u32 number)
{
	struct wire_p_barrier p = { .barrier = number };

	return arrive(P_BARRIER, &p, sizeof(p), 0);
}

static void done(struct arrival *a)
{
	assert_int_equal(a->status, FIBER_DONE);
	assert_true(a->in.ok);
	free(a);
}

/* ---- a pair that shook hands ---- */

static void attach(u64 uuid)
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

static void connect_as(u8 role, u8 peer)
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

static void start(bool disk)
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

static int setup_primary(void **state)
{
	(void)state;
	start(true);
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	return 0;
}

static int setup_secondary(void **state)
{
	(void)state;
	start(true);
	connect_as(ROLE_SECONDARY, ROLE_PRIMARY);
	return 0;
}

static int setup_diskless(void **state)
{
	(void)state;
	start(false);
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_stop();
	return 0;
}

/* ---- writing ---- */

static void a_protocol_c_write_waits_for_disk_and_peer(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	assert_int_equal(data.payload, 4096);
	assert_int_equal(be32_to_cpu(((struct wire_p_data *)data.body)->dp_flags), DP_SEND_WRITE_ACK);
	disk_done(w, 0);
	assert_false(w->completed);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_false(w->freed);
	assert_int_equal(al_active_extents(dev()), 1);

	barrier = expect(SOCK_DATA, P_BARRIER);
	expect_idle(SOCK_DATA);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(w->freed);
	assert_int_equal(al_active_extents(dev()), 0);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->ap_in_flight, 0);
	assert_int_equal(dev()->rq.in_flight_sectors, 0);
}

static void the_extent_is_logged_before_the_write_goes_anywhere(void **state)
{
	struct app *w = &apps[n_apps++];
	u32 before = dev()->al.tr_number;

	(void)state;
	request_init(&w->req, dev(), OP_WRITE, 8, 4096, 0);
	request_new(&w->req);
	assert_false(w->submitted);
	expect_idle(SOCK_DATA);
	fake_run();
	assert_true(w->submitted);
	expect(SOCK_DATA, P_DATA);
	assert_int_equal(dev()->al.tr_number, before + 1);
	assert_int_equal(al_block_update_extent(dev()->al_buffer, 0), 0);
}

static void a_barrier_ack_must_match(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_false(barrier_ack(&barrier, 2));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

static void writes_of_one_epoch_are_acknowledged_together(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 64, 512), *c;
	struct sent da = expect(SOCK_DATA, P_DATA), db = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	expect_idle(SOCK_DATA);
	disk_done(a, 0);
	disk_done(b, 0);
	assert_true(ack(&db, P_WRITE_ACK, 512));
	assert_true(b->completed);
	c = issue(OP_WRITE, 128, 512);
	barrier = expect(SOCK_DATA, P_BARRIER);
	expect(SOCK_DATA, P_DATA);
	assert_true(ack(&da, P_WRITE_ACK, 4096));
	assert_true(barrier_ack(&barrier, 2));
	assert_true(a->freed && b->freed);
	assert_false(c->completed);
}

static void an_overlapping_write_waits(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 12, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	expect_idle(SOCK_DATA);
	assert_false(b->submitted);
	disk_done(a, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	fake_run();
	assert_true(b->submitted);
	expect(SOCK_DATA, P_BARRIER);
	expect(SOCK_DATA, P_DATA);
}

static void lose_connection(void)
{
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	send_close(conn());
	tl_apply(conn(), REQ_CONNECTION_LOST);
	fake_run();
}

static void what_was_not_barrier_acked_is_marked_at_link_loss(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 80, 512);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	disk_done(a, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(a->completed);
	lose_connection();
	assert_true(a->freed);
	disk_done(b, 0);
	fake_run();
	assert_true(b->freed);
	assert_int_equal(b->error, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_int_equal(dev()->bitmap.bits_set, 2);
	assert_int_equal(conn()->tl.unacked, 0);
	assert_int_equal(dev()->ap_pending, 0);
}

static void a_failed_disk_is_hidden_by_the_peer(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA);

	(void)state;
	disk_done(w, -EIO);
	assert_true(dev()->state.disk <= D_FAILED);
	assert_false(w->completed);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

static void a_peer_without_disk_gets_its_share_marked(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_NEG_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void an_unknown_ack_costs_the_connection(void **state)
{
	struct wire_p_block_ack a = { .sector = cpu_to_be64(8), .block_id = 77 };

	(void)state;
	assert_true(meta_packet(P_NEG_ACK, &a, sizeof(a)));
	assert_false(meta_packet(P_WRITE_ACK, &a, sizeof(a)));
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

static void protocol_a_completes_when_handed_over(void **state)
{
	struct app *w;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	w = issue(OP_WRITE, 8, 4096);
	disk_done(w, 0);
	assert_false(w->completed);
	expect(SOCK_DATA, P_DATA);
	assert_true(w->completed);
	assert_false(w->freed);
	lose_connection();
	assert_true(w->freed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void congestion_pulls_ahead_and_notes_what_is_missing(void **state)
{
	struct app *a, *b;
	struct sent oos;

	(void)state;
	conn()->net_conf.wire_protocol = OPT_PROTOCOL_A;
	conn()->net_conf.on_congestion = OPT_CONGESTION_PULL_AHEAD;
	conn()->net_conf.cong_fill = 8;
	a = issue(OP_WRITE, 8, 4096);
	disk_done(a, 0);
	expect(SOCK_DATA, P_DATA);
	b = issue(OP_WRITE, 160, 4096);
	assert_int_equal(dev()->state.conn, C_AHEAD);
	expect(SOCK_DATA, P_BARRIER);
	oos = expect(SOCK_DATA, P_OUT_OF_SYNC);
	assert_int_equal(be64_to_cpu(((struct wire_p_block_desc *)oos.body)->sector), 160);
	assert_int_equal(bm_test(&dev()->bitmap, 20), 1);
	disk_done(b, 0);
	assert_true(b->freed);
}

static void suspended_io_waits_and_goes_on(void **state)
{
	struct app *w;

	(void)state;
	fake.resource.susp = true;
	w = issue(OP_WRITE, 8, 4096);
	assert_false(w->submitted);
	fake.resource.susp = false;
	request_admission_kick(dev());
	fake_run();
	assert_true(w->submitted);
}

static void a_frozen_write_is_sent_again_after_reconnect(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent first = expect(SOCK_DATA, P_DATA), again;

	(void)state;
	disk_done(w, 0);
	fake.resource.susp_fen = true;
	send_close(conn());
	send_open(conn());
	tl_apply(conn(), REQ_RESEND);
	fake.resource.susp_fen = false;
	again = expect(SOCK_DATA, P_DATA);
	assert_memory_equal(first.body, again.body, 16);
	assert_true(ack(&again, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

static void a_write_the_peer_lacks_is_held_until_the_new_uuid_is_durable(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	device_new_uuid_begin(dev());
	disk_done(w, 0);
	send_close(conn());
	tl_apply(conn(), REQ_CONNECTION_LOST);
	assert_false(w->completed);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	device_new_uuid_end(dev());
	assert_true(w->completed);
	assert_true(w->freed);
}

/* ---- flushes ---- */

static void a_flush_waits_for_the_peers_epoch(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096), *f;
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	f = issue(OP_FLUSH, 0, 0);
	barrier = expect(SOCK_DATA, P_BARRIER);
	disk_done(f, 0);
	assert_false(f->completed);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(f->completed);
	assert_int_equal(f->error, 0);
	assert_true(f->freed);
}

static void a_flush_with_nothing_outstanding_is_local(void **state)
{
	struct app *f = issue(OP_FLUSH, 0, 0);

	(void)state;
	expect_idle(SOCK_DATA);
	disk_done(f, 0);
	assert_true(f->completed && f->freed);
}

static void a_flush_is_released_by_link_loss(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096), *f = issue(OP_FLUSH, 0, 0);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	disk_done(f, 0);
	assert_false(f->completed);
	lose_connection();
	assert_true(f->completed);
	assert_int_equal(f->error, 0);
	assert_int_equal(dev()->ap_in_flight, 0);
}

/* ---- reads ---- */

static void a_diskless_node_reads_from_its_peer(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);
	struct sent ask = expect(SOCK_DATA, P_DATA_REQUEST);
	struct wire_p_data reply = { .sector = cpu_to_be64(16) };

	(void)state;
	reply.block_id = ((struct wire_p_block_req *)ask.body)->block_id;
	done(arrive(P_DATA_REPLY, &reply, sizeof(reply), 4096));
	assert_true(r->completed && r->freed);
	assert_int_equal(r->error, 0);
}

static void a_failed_local_read_is_served_by_the_peer(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);

	(void)state;
	disk_done(r, -EIO);
	assert_false(r->completed);
	drain(SOCK_META);
	while (true) {
		struct sent s;

		assert_true(next_packet(SOCK_DATA, &s, true));
		if (s.cmd == P_DATA_REQUEST)
			break;
	}
	assert_true(dev()->state.disk <= D_FAILED);
}

static void a_refused_read_ends_with_an_error_in_the_end(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);
	u32 tries = 0;

	(void)state;
	while (!r->completed) {
		struct sent ask = expect(SOCK_DATA, P_DATA_REQUEST);

		assert_true(ack(&ask, P_NEG_DREPLY, 4096));
		assert_true(++tries < 100);
	}
	assert_int_equal(r->error, -EIO);
	assert_true(r->freed);
}

static void an_aborted_read_goes_to_the_peer_while_the_disk_hangs(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);
	struct wire_p_data reply = { .sector = cpu_to_be64(16) };
	struct sent ask;

	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_DISK(D_FAILED)), CS_HARD);
	request_abort_local(dev());
	do
		assert_true(next_packet(SOCK_DATA, &ask, true));
	while (ask.cmd != P_DATA_REQUEST);
	reply.block_id = ((struct wire_p_block_req *)ask.body)->block_id;
	done(arrive(P_DATA_REPLY, &reply, sizeof(reply), 4096));
	assert_true(r->completed);
	assert_false(r->freed);
	disk_done(r, -EIO);
	assert_true(r->freed);
}

/* ---- the peer's writes ---- */

static void a_received_write_is_acknowledged_when_on_disk(void **state)
{
	struct sent s;

	(void)state;
	done(write_arrives(8, 4096, 1));
	assert_true(peer_submitted[0]);
	expect_idle(SOCK_META);
	peer_request_local_done(&peers[0], 0);
	s = expect(SOCK_META, P_WRITE_ACK);
	assert_int_equal(((struct wire_p_block_ack *)s.body)->block_id, 0x1122334455667789ULL);
	assert_int_equal(be32_to_cpu(((struct wire_p_block_ack *)s.body)->seq_num), 1);
	assert_true(peer_freed[0]);
	assert_int_equal(dev()->prl.in_flight, 0);
}

static void the_barrier_ack_follows_the_last_ack(void **state)
{
	struct arrival *b;
	struct sent s;

	(void)state;
	done(write_arrives(8, 4096, 1));
	done(write_arrives(64, 4096, 2));
	b = barrier_arrives(0x01020304);
	assert_int_equal(b->status, FIBER_WAIT);
	peer_request_local_done(&peers[1], 0);
	peer_request_local_done(&peers[0], 0);
	go_on(b);
	done(b);
	expect(SOCK_META, P_WRITE_ACK);
	expect(SOCK_META, P_WRITE_ACK);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(((struct wire_p_barrier_ack *)s.body)->barrier, 0x01020304);
	assert_int_equal(be32_to_cpu(((struct wire_p_barrier_ack *)s.body)->set_size), 2);
	expect_idle(SOCK_META);
}

static void unordered_epochs_are_still_acknowledged_in_order(void **state)
{
	struct sent s;

	(void)state;
	fake.resource.write_ordering = 0;
	done(write_arrives(8, 4096, 1));
	done(barrier_arrives(1));
	done(write_arrives(64, 4096, 2));
	done(barrier_arrives(2));
	peer_request_local_done(&peers[1], 0);
	expect(SOCK_META, P_WRITE_ACK);
	expect_idle(SOCK_META);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(((struct wire_p_barrier_ack *)s.body)->barrier, 1);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(((struct wire_p_barrier_ack *)s.body)->barrier, 2);
}

static void a_failed_received_write_is_marked_and_refused(void **state)
{
	(void)state;
	done(write_arrives(8, 4096, 1));
	peer_request_local_done(&peers[0], -EIO);
	expect(SOCK_META, P_NEG_ACK);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
	fake_run();
	done(write_arrives(64, 4096, 2));
	assert_false(peer_submitted[1]);
	expect(SOCK_META, P_NEG_ACK);
}

static void a_write_beyond_the_device_is_a_protocol_error(void **state)
{
	struct wire_p_data p = { .sector = cpu_to_be64(SECTORS - 4) };
	struct incoming in = { .hdr = { .cmd = P_DATA, .length = sizeof(p) + 4096 } };

	(void)state;
	in.fixed = (u8 *)&p;
	assert_true(receive_plan(conn(), SOCK_DATA, &in));
	assert_false(receive_plan_payload(&in));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

static void an_unknown_meta_packet_ends_in_standalone(void **state)
{
	struct incoming in = { .hdr = { .cmd = 0x77, .length = 8 } };

	(void)state;
	assert_false(receive_plan(conn(), SOCK_META, &in));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

/* ---- two Primaries ---- */

static void make_two_primaries(bool resolve)
{
	conn()->net_conf.two_primaries = 1;
	conn()->resolve_conflicts = resolve;
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_ROLE(ROLE_PRIMARY),
						      ST_CHANGE_PEER(ROLE_PRIMARY))), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
}

static void my_write_supersedes_the_peers(void **state)
{
	struct app *w;

	(void)state;
	make_two_primaries(true);
	w = issue(OP_WRITE, 8, 8192);
	done(write_arrives(8, 4096, 1));
	assert_false(peer_submitted[0]);
	expect(SOCK_META, P_SUPERSEDED);
	assert_true(peer_freed[0]);
	done(barrier_arrives(5));
	expect_idle(SOCK_META);
	assert_false(w->completed);
}

static void a_mixed_epoch_counts_only_what_was_written(void **state)
{
	struct sent s;

	(void)state;
	make_two_primaries(true);
	issue(OP_WRITE, 8, 4096);
	done(write_arrives(12, 4096, 1));
	expect(SOCK_META, P_RETRY_WRITE);
	done(write_arrives(800, 4096, 2));
	peer_request_local_done(&peers[1], 0);
	done(barrier_arrives(5));
	expect(SOCK_META, P_WRITE_ACK);
	s = expect(SOCK_META, P_BARRIER_ACK);
	assert_int_equal(be32_to_cpu(((struct wire_p_barrier_ack *)s.body)->set_size), 1);
}

static void sequence_numbers_hold_a_write_back(void **state)
{
	struct arrival *a;

	(void)state;
	make_two_primaries(true);
	a = write_arrives(8, 4096, 2);
	assert_int_equal(a->status, FIBER_WAIT);
	peer_seq_seen(dev(), 1);
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
}

static void a_missing_sequence_number_is_a_protocol_error(void **state)
{
	struct arrival *a;

	(void)state;
	make_two_primaries(true);
	a = write_arrives(8, 4096, 2);
	fake_advance(1000);
	go_on(a);
	assert_int_equal(a->status, FIBER_DONE);
	assert_false(a->in.ok);
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
	assert_true(peer_freed[0]);
	free(a);
}

static void my_write_steps_back_and_is_repeated(void **state)
{
	struct app *w;
	struct sent data, again;
	struct arrival *a;

	(void)state;
	make_two_primaries(false);
	w = issue(OP_WRITE, 8, 4096);
	data = expect(SOCK_DATA, P_DATA);
	a = write_arrives(4, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_true(ack(&data, P_RETRY_WRITE, 4096));
	go_on(a);
	assert_int_equal(a->status, FIBER_WAIT);
	disk_done(w, 0);
	go_on(a);
	done(a);
	assert_true(peer_submitted[0]);
	assert_false(w->completed);
	peer_request_local_done(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	fake_run();
	assert_int_equal(w->submissions, 2);
	do
		assert_true(next_packet(SOCK_DATA, &again, true));
	while (again.cmd != P_DATA);
	disk_done(w, 0);
	assert_true(ack(&again, P_WRITE_ACK, 4096));
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
}

/* ---- exclusion of resync and writes ---- */

static void resync_and_writes_take_turns_on_an_extent(void **state)
{
	struct app *w, *v;
	struct sent data, barrier;

	(void)state;
	assert_true(rs_extent_try_lock(dev(), 0));
	w = issue(OP_WRITE, 8, 4096);
	assert_false(w->submitted);
	assert_false(rs_extent_try_lock(dev(), 8));
	rs_extent_unlock(dev(), 0);
	fake_run();
	assert_true(w->submitted);
	data = expect(SOCK_DATA, P_DATA);
	assert_false(rs_extent_try_lock(dev(), 0));
	v = issue(OP_WRITE, 800, 4096);
	assert_false(v->submitted);
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(rs_extent_try_lock(dev(), 0));
	assert_false(v->submitted);
	rs_extent_unlock(dev(), 0);
	fake_run();
	assert_true(v->submitted);
}

static void a_claim_that_is_not_renewed_lets_writes_pass(void **state)
{
	struct app *v;

	(void)state;
	issue(OP_WRITE, 8, 4096);
	assert_false(rs_extent_try_lock(dev(), 0));
	v = issue(OP_WRITE, 800, 4096);
	assert_false(v->submitted);
	fake_advance(2000);
	assert_true(v->submitted);
}

#define TEST(name, setup) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_protocol_c_write_waits_for_disk_and_peer, setup_primary),
		TEST(the_extent_is_logged_before_the_write_goes_anywhere, setup_primary),
		TEST(a_barrier_ack_must_match, setup_primary),
		TEST(writes_of_one_epoch_are_acknowledged_together, setup_primary),
		TEST(an_overlapping_write_waits, setup_primary),
		TEST(what_was_not_barrier_acked_is_marked_at_link_loss, setup_primary),
		TEST(a_failed_disk_is_hidden_by_the_peer, setup_primary),
		TEST(a_peer_without_disk_gets_its_share_marked, setup_primary),
		TEST(an_unknown_ack_costs_the_connection, setup_primary),
		TEST(protocol_a_completes_when_handed_over, setup_primary),
		TEST(congestion_pulls_ahead_and_notes_what_is_missing, setup_primary),
		TEST(suspended_io_waits_and_goes_on, setup_primary),
		TEST(a_frozen_write_is_sent_again_after_reconnect, setup_primary),
		TEST(a_write_the_peer_lacks_is_held_until_the_new_uuid_is_durable, setup_primary),
		TEST(a_flush_waits_for_the_peers_epoch, setup_primary),
		TEST(a_flush_with_nothing_outstanding_is_local, setup_primary),
		TEST(a_flush_is_released_by_link_loss, setup_primary),
		TEST(a_diskless_node_reads_from_its_peer, setup_diskless),
		TEST(a_failed_local_read_is_served_by_the_peer, setup_primary),
		TEST(a_refused_read_ends_with_an_error_in_the_end, setup_diskless),
		TEST(an_aborted_read_goes_to_the_peer_while_the_disk_hangs, setup_primary),
		TEST(a_received_write_is_acknowledged_when_on_disk, setup_secondary),
		TEST(the_barrier_ack_follows_the_last_ack, setup_secondary),
		TEST(unordered_epochs_are_still_acknowledged_in_order, setup_secondary),
		TEST(a_failed_received_write_is_marked_and_refused, setup_secondary),
		TEST(a_write_beyond_the_device_is_a_protocol_error, setup_secondary),
		TEST(an_unknown_meta_packet_ends_in_standalone, setup_secondary),
		TEST(my_write_supersedes_the_peers, setup_primary),
		TEST(a_mixed_epoch_counts_only_what_was_written, setup_primary),
		TEST(sequence_numbers_hold_a_write_back, setup_primary),
		TEST(a_missing_sequence_number_is_a_protocol_error, setup_primary),
		TEST(my_write_steps_back_and_is_repeated, setup_primary),
		TEST(resync_and_writes_take_turns_on_an_extent, setup_primary),
		TEST(a_claim_that_is_not_renewed_lets_writes_pass, setup_primary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
