// SPDX-License-Identifier: GPL-2.0
/* The thread that keeps a connection, and the one for the meta socket. */
#include "sim.h"

struct receiver {
	struct host *h;
	struct incoming in;
	u8 head[WIRE_HEADER_MAX], fixed[512], var[WIRE_SOCKET_BUFFER];
	u8 digest[WIRE_DIGEST_MAX], wanted[WIRE_DIGEST_MAX];
};

/* After a quiet end that was expected: give the other side a moment. */
static void wait_for_shutdown(struct host *h)
{
	u64 until = now_us + h->core.connection.net_conf.ping_timeo * 100 * MS;

	while (!h->conn.shutdown && now_us < until)
		waitq_wait(&h->wait, until);
}

static void lost(struct host *h, int err, enum socket_event eof, enum socket_event broken)
{
	struct drbd_connection *connection = &h->core.connection;

	if (err == -EPIPE && connection_eof_expected(connection))
		wait_for_shutdown(h);
	connection_socket_event(connection, err == -EPIPE ? eof : broken);
}

static void data_lost(struct host *h, int err)
{
	lost(h, err, SOCKET_EOF_DATA, SOCKET_RECV_ERROR_DATA);
}

/* ---- payload ---- */

static struct host_peer_request *peer_request_get(struct incoming *in, u32 bytes)
{
	struct host_peer_request *pr = host_peer_request_alloc(host_of_device(in->device), bytes);

	peer_request_init(&pr->core, in->device, 0, bytes);
	in->pr = &pr->core;
	return pr;
}

static int recv_payload(struct receiver *rc)
{
	struct host *h = rc->h;
	struct sock *sock = h->conn.sock[SOCK_DATA];
	const char *alg = h->core.connection.peer_integrity_alg;
	struct incoming *in = &rc->in;
	u64 *tags = NULL;
	u32 got;
	int err = 0;

	if (in->digest_len)
		err = net_recv(sock, rc->digest, in->digest_len, &got);
	if (err)
		return err;
	switch (in->place) {
	case PAYLOAD_BUFFER:
		in->var_len = in->payload_len;
		return net_recv(sock, rc->var, in->payload_len, &got);
	case PAYLOAD_REQUEST:
		tags = host_of_request(in->req)->tags;
		break;
	case PAYLOAD_PEER_REQUEST:
		if (in->device)
			tags = peer_request_get(in, in->payload_len)->tags;
		break;
	default:
		return 0;
	}
	if (in->payload_len)
		err = net_recv_tags(sock, tags, in->payload_len);
	if (!err && in->digest_len && tags) {
		digest_tags(alg, tags, in->payload_len >> 9, rc->wanted);
		in->digest_bad = memcmp(rc->wanted, rc->digest, in->digest_len);
	}
	return err;
}

/* ---- the data socket ---- */

static enum fiber_status run_receive(struct task *t, void *arg)
{
	return receive_packet(t, arg);
}

static void bad_header(struct host *h, enum drbd_socket which)
{
	violation("node %s: garbage on the %s socket", h->node->name, which ? "meta" : "data");
	connection_fail(&h->core.connection, which ? C_NETWORK_FAILURE : C_PROTOCOL_ERROR);
}

static bool plan(struct receiver *rc, enum drbd_socket which)
{
	struct drbd_connection *connection = &rc->h->core.connection;
	int apv = connection->agreed_pro_version;
	struct incoming *in = &rc->in;

	memset(in, 0, sizeof(*in));
	in->connection = connection;
	in->fixed = rc->fixed;
	in->var = rc->var;
	if (wire_header_decode(rc->head, wire_header_size(apv), apv, &in->hdr) != WIRE_OK) {
		bad_header(rc->h, which);
		return false;
	}
	if (!receive_plan(connection, which, in)) {
		trace(rc->h->node, "refused packet %s", wire_cmd_name(in->hdr.cmd));
		return false;
	}
	if (in->fixed_len > sizeof(rc->fixed))
		violation("node %s: fixed part of %u bytes", rc->h->node->name, in->fixed_len);
	return true;
}

static bool receive_one(struct receiver *rc)
{
	struct host *h = rc->h;
	struct drbd_connection *connection = &h->core.connection;
	struct sock *sock = h->conn.sock[SOCK_DATA];
	struct incoming *in = &rc->in;
	struct task t = {};
	u32 got;
	int err;

	err = net_recv(sock, rc->head, wire_header_size(connection->agreed_pro_version), &got);
	if (!err) {
		connection->last_received = env_now_ms();
		if (!plan(rc, SOCK_DATA))
			return false;
		if (in->fixed_len)
			err = net_recv(sock, rc->fixed, in->fixed_len, &got);
	}
	if (err) {
		data_lost(h, err);
		return false;
	}
	if (!receive_plan_payload(in))
		return false;
	err = recv_payload(rc);
	if (err) {
		if (in->pr)
			host_peer_request_free(host_of_peer_request(in->pr));
		in->pr = NULL;
		data_lost(h, err);
		return false;
	}
	if (in->pr_bytes && in->device && !in->pr)
		peer_request_get(in, in->pr_bytes);
	host_run_fiber(h, &t, run_receive, in, NULL);
	if (!in->ok)
		trace(h->node, "packet %s ended the connection", wire_cmd_name(in->hdr.cmd));
	return in->ok;
}

/* ---- the meta socket ---- */

static int meta_wait(struct host *h, u8 *buf, u32 len, bool *failed)
{
	struct drbd_connection *connection = &h->core.connection;
	struct sock *sock = h->conn.sock[SOCK_META];
	u64 since = now_us;
	u32 done = 0;

	for (;;) {
		u32 ms = meta_receive_timeout(connection), got;
		int err;

		/* In slices, because a ping that somebody asks for shortens the wait. */
		net_timeouts(sock, connection->net_conf.timeout * 100, min(ms, 200u) + 1);
		err = net_recv(sock, buf + done, len - done, &got);
		done += got;
		if (!err)
			return 0;
		if (err != -EAGAIN || h->conn.shutdown)
			return err == -EAGAIN ? -EPIPE : err;
		if (now_us - since < ms * MS)
			continue;
		since = now_us;
		if (!meta_receive_timed_out(connection)) {
			*failed = true;
			return -ETIMEDOUT;
		}
	}
}

static bool meta_receive_one(struct receiver *rc)
{
	struct host *h = rc->h;
	struct drbd_connection *connection = &h->core.connection;
	struct incoming *in = &rc->in;
	bool failed = false;
	int err;

	err = meta_wait(h, rc->head, wire_header_size(connection->agreed_pro_version), &failed);
	if (!err) {
		if (!plan(rc, SOCK_META))
			return false;
		if (in->fixed_len)
			err = meta_wait(h, rc->fixed, in->fixed_len, &failed);
	}
	if (err) {
		if (!failed)
			lost(h, err, SOCKET_EOF_META, SOCKET_RECV_ERROR_META);
		return false;
	}
	connection->last_received = env_now_ms();
	return receive_meta(in);
}

static void meta_thread(void *arg)
{
	struct receiver *rc = arg;
	struct host *h = rc->h;

	while (!h->conn.stop_meta && meta_receive_one(rc))
		;
	while (!h->conn.stop_meta)
		waitq_wait(&h->conn.send_wait[SOCK_META], NEVER);
	h->conn.meta_running = false;
	waitq_wake(&h->conn.ended);
	node_free(h->node, rc);
}

static void meta_start(struct host *h)
{
	struct receiver *rc = node_alloc(h->node, sizeof(*rc));

	rc->h = h;
	h->conn.stop_meta = false;
	h->conn.meta_running = true;
	thread_start(h->node, "meta", meta_thread, rc);
}

static void meta_stop(struct host *h)
{
	h->conn.stop_meta = true;
	waitq_wake(&h->conn.send_wait[SOCK_META]);
	while (h->conn.meta_running)
		waitq_wait(&h->conn.ended, NEVER);
}

/* ---- sockets ---- */

static void sockets_shutdown(struct host *h)
{
	int i;

	for (i = 0; i < 2; i++)
		if (h->conn.sock[i])
			net_shutdown(h->conn.sock[i]);
	net_wake_accept(h->node);
}

static void shutdown_fire(struct event *ev)
{
	sockets_shutdown(container_of(ev, struct host, conn.shutdown_work));
}

void env_sockets_shutdown(struct drbd_connection *connection)
{
	struct host *h = host_of_connection(connection);

	h->conn.shutdown = true;
	env_wake(&h->core);
	event_at(&h->conn.shutdown_work, now_us + chance(cfg.wake_latency + 1));
}

void host_sockets_close(struct host *h)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct sock *sock = h->conn.sock[i];

		h->conn.sock[i] = NULL;
		if (sock)
			net_close(sock);
	}
}

/* ---- the life of a connection ---- */

struct establish { struct drbd_connection *connection; u16 pc; };

static enum fiber_status run_establish(struct task *t, void *arg)
{
	struct establish *e = arg;

	return connection_establish(t, e->connection, &e->pc);
}

struct cleanup { struct drbd_connection *connection; struct connection_cleanup c; };

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	struct cleanup *c = arg;

	return connection_cleanup(t, c->connection, &c->c);
}

static void serve(struct receiver *rc)
{
	struct host *h = rc->h;
	struct establish e = { .connection = &h->core.connection };
	struct cleanup c = { .connection = &h->core.connection };
	struct task t = {};

	host_senders_start(h);
	meta_start(h);
	host_run_fiber(h, &t, run_establish, &e, NULL);
	while (receive_one(rc))
		;
	h->conn.shutdown = true;
	sockets_shutdown(h);
	meta_stop(h);
	host_senders_stop(h);
	memset(&t, 0, sizeof(t));
	host_run_fiber(h, &t, run_cleanup, &c, NULL);
}

static bool search_begin(struct host *h)
{
	if (!connection_search_begin(&h->core.connection))
		return false;
	h->conn.shutdown = false;
	return true;
}

static void receiver_thread(void *arg)
{
	struct receiver *rc = arg;
	struct host *h = rc->h;
	u64 until;
	int err;

	while (search_begin(h)) {
		err = host_connect(h);
		if (!err)
			serve(rc);
		host_sockets_close(h);
		until = now_us + SECOND;
		while (err == -EAGAIN && !h->conn.shutdown && now_us < until)
			waitq_wait(&h->wait, until);
		if (err == -ECANCELED && !h->conn.shutdown)
			break;
	}
	node_free(h->node, rc);
	h->conn.receiver = NULL;
	connection_receiver_ended(&h->core.connection);
}

static void receiver_fire(struct event *ev)
{
	struct host *h = container_of(ev, struct host, conn.receiver_work);
	struct receiver *rc = node_alloc(h->node, sizeof(*rc));

	rc->h = h;
	if (h->conn.receiver)
		violation("node %s: a second receiver is started", h->node->name);
	h->conn.receiver = thread_start(h->node, "receiver", receiver_thread, rc);
}

void env_receiver_start(struct drbd_connection *connection)
{
	struct host *h = host_of_connection(connection);

	event_at(&h->conn.receiver_work, now_us + chance(cfg.wake_latency + 1));
}

void host_conn_init(struct host *h)
{
	struct host_conn *c = &h->conn;

	waitq_init(&c->send_wait[0]);
	waitq_init(&c->send_wait[1]);
	waitq_init(&c->ended);
	event_init(&c->shutdown_work, h->node, shutdown_fire);
	event_init(&c->receiver_work, h->node, receiver_fire);
}

void host_net_free(struct host *h)
{
	struct drbd_connection *connection = &h->core.connection;

	connection->csums_size = connection->verify_size = 0;
	connection->integrity_size_out = connection->integrity_size_next = 0;
	connection->configured = false;
	memset(&connection->net_conf, 0, sizeof(connection->net_conf));
}
