// SPDX-License-Identifier: GPL-2.0
/*
 * receiver.c - the thread that keeps a connection, and the one for the meta socket
 */
#include <linux/kthread.h>
#include <linux/slab.h>
#include <net/sock.h>
#include "shell.h"
#include "core/receive.h"

struct receiver {
	struct shell_resource *r;
	struct incoming in;
	u8 head[WIRE_HEADER_MAX];
	u8 fixed[512];
	u8 var[WIRE_SOCKET_BUFFER];
	u8 digest[WIRE_DIGEST_MAX], wanted[WIRE_DIGEST_MAX];
};

static void socket_event(struct shell_resource *r, enum socket_event event)
{
	drbd_lock(r);
	connection_socket_event(&r->core.connection, event);
	drbd_unlock(r);
}

/* End of file or an error of the data socket. */
static void data_lost(struct shell_resource *r, int err)
{
	bool expected;

	drbd_lock(r);
	expected = err == -EPIPE && connection_eof_expected(&r->core.connection);
	drbd_unlock(r);
	if (expected)
		wait_event_idle_timeout(r->wait, READ_ONCE(r->conn.shutdown),
			msecs_to_jiffies(r->core.connection.net_conf.ping_timeo * 100));
	socket_event(r, err == -EPIPE ? SOCKET_EOF_DATA : SOCKET_RECV_ERROR_DATA);
}

/* ---- payload ---- */

static int throw_away(struct receiver *rc, u32 len)
{
	struct socket *sock = rc->r->conn.sock[SOCK_DATA];
	size_t got;
	int err = 0;

	while (len && !err) {
		u32 n = min_t(u32, len, sizeof(rc->var));

		err = sock_recv(sock, rc->var, n, &got);
		len -= n;
	}
	return err;
}

static int recv_pages(struct receiver *rc, struct shell_peer_request *pr, u32 len)
{
	struct socket *sock = rc->r->conn.sock[SOCK_DATA];
	int err = 0;
	u32 i;

	for (i = 0; len && !err; i++) {
		u32 n = min_t(u32, len, PAGE_SIZE);

		err = sock_recv_page(sock, pr->pages[i], 0, n);
		len -= n;
	}
	return err;
}

static int recv_bio(struct receiver *rc, struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec vec;
	int err = 0;

	bio_for_each_bvec(vec, bio, iter) {
		err = sock_recv_page(rc->r->conn.sock[SOCK_DATA], vec.bv_page, vec.bv_offset,
				     vec.bv_len);
		if (err)
			break;
	}
	return err;
}

static struct shell_peer_request *peer_request_get(struct incoming *in, u32 bytes)
{
	struct shell_device *d = shell_of_device(in->device);
	struct shell_peer_request *pr;

	/* Memory comes back when earlier requests end, which they do without us. */
	while (!(pr = shell_peer_request_alloc(d, bytes, GFP_NOIO | __GFP_NOWARN)))
		schedule_timeout_uninterruptible(HZ / 50);
	peer_request_init(&pr->core, in->device, 0, bytes);
	in->pr = &pr->core;
	return pr;
}

static int recv_payload(struct receiver *rc)
{
	struct crypto_shash *integrity = rc->r->conn.peer_integrity;
	struct incoming *in = &rc->in;
	struct shell_peer_request *pr;
	struct bio *bio;
	size_t got;
	int err;

	if (in->digest_len) {
		err = sock_recv(rc->r->conn.sock[SOCK_DATA], rc->digest, in->digest_len, &got);
		if (err)
			return err;
	}
	switch (in->place) {
	case PAYLOAD_BUFFER:
		in->var_len = in->payload_len;
		return sock_recv(rc->r->conn.sock[SOCK_DATA], rc->var, in->payload_len, &got);
	case PAYLOAD_REQUEST:
		bio = shell_of_request(in->req)->master;
		err = recv_bio(rc, bio);
		if (!err && in->digest_len)
			shell_digest_bio(integrity, bio, rc->wanted);
		break;
	case PAYLOAD_PEER_REQUEST:
		if (!in->device)
			return throw_away(rc, in->payload_len);
		pr = peer_request_get(in, in->payload_len);
		err = recv_pages(rc, pr, in->payload_len);
		if (!err && in->digest_len)
			shell_digest_pages(integrity, pr->pages, in->payload_len, rc->wanted);
		break;
	default:
		return 0;
	}
	if (!err && in->digest_len)
		in->digest_bad = memcmp(rc->wanted, rc->digest, in->digest_len);
	return err;
}

/* ---- the data socket ---- */

static enum fiber_status run_receive(struct task *t, void *arg)
{
	return receive_packet(t, arg);
}

static void bad_header(struct shell_resource *r, bool data)
{
	drbd_lock(r);
	env_log_connection(&r->core.connection, LOG_LVL_ERR,
			   "the peer's %s stream is not the protocol we agreed on; reconnecting",
			   data ? "data" : "meta");
	connection_fail(&r->core.connection, data ? C_PROTOCOL_ERROR : C_NETWORK_FAILURE);
	drbd_unlock(r);
}

static void drop_payload(struct receiver *rc)
{
	if (rc->in.pr) {
		shell_peer_request_free(shell_of_peer_request(rc->in.pr));
		rc->in.pr = NULL;
	}
}

/* The fixed part, the payload, and what they set off. */
static bool receive_rest(struct receiver *rc)
{
	struct shell_resource *r = rc->r;
	struct socket *sock = r->conn.sock[SOCK_DATA];
	struct incoming *in = &rc->in;
	struct task t = {};
	size_t got;
	bool ok;
	int err;

	err = in->fixed_len ? sock_recv(sock, rc->fixed, in->fixed_len, &got) : 0;
	if (err) {
		data_lost(r, err);
		return false;
	}
	drbd_lock(r);
	ok = receive_plan_payload(in);
	drbd_unlock(r);
	if (!ok)
		return false;
	err = recv_payload(rc);
	if (err) {
		drop_payload(rc);
		data_lost(r, err);
		return false;
	}
	if (in->pr_bytes && in->device && !in->pr)
		peer_request_get(in, in->pr_bytes);
	drbd_run_fiber(r, &t, run_receive, in, false);
	return in->ok;
}

/* One packet; false ends the connection, whose state has been changed then. */
static bool receive_one(struct receiver *rc)
{
	struct shell_resource *r = rc->r;
	struct drbd_connection *connection = &r->core.connection;
	struct socket *sock = r->conn.sock[SOCK_DATA];
	int apv = connection->agreed_pro_version;
	struct incoming *in = &rc->in;
	struct shell_device *d;
	size_t got;
	bool ok;
	int err;

	err = sock_recv(sock, rc->head, wire_header_size(apv), &got);
	if (err) {
		data_lost(r, err);
		return false;
	}
	memset(in, 0, sizeof(*in));
	in->connection = connection;
	in->fixed = rc->fixed;
	in->var = rc->var;
	if (wire_header_decode(rc->head, wire_header_size(apv), apv, &in->hdr) != WIRE_OK) {
		bad_header(r, true);
		return false;
	}

	drbd_lock(r);
	connection->last_received = env_now_ms();
	ok = receive_plan(connection, SOCK_DATA, in) && !WARN_ON(in->fixed_len > sizeof(rc->fixed));
	/* The volume may be deleted while we wait for the rest of the packet. */
	d = in->device ? shell_of_device(in->device) : NULL;
	if (d)
		kref_get(&d->kref);
	drbd_unlock(r);
	if (ok)
		ok = receive_rest(rc);
	if (d)
		drbd_device_put(d);
	return ok;
}

/* ---- the meta socket ---- */

static int meta_wait(struct shell_resource *r, void *buf, u32 len, bool *failed)
{
	struct drbd_connection *connection = &r->core.connection;
	struct socket *sock = r->conn.sock[SOCK_META];
	u64 since = env_now_ms();
	u32 done = 0;

	for (;;) {
		size_t got;
		u32 ms;
		int err;

		drbd_lock(r);
		ms = meta_receive_timeout(connection);
		drbd_unlock(r);
		/* In slices, because a ping that somebody asks for shortens the wait. */
		sock->sk->sk_rcvtimeo = msecs_to_jiffies(min(ms, 200u)) + 1;
		err = sock_recv(sock, buf + done, len - done, &got);
		done += got;
		if (!err)
			return 0;
		if ((err != -EAGAIN && err != -EINTR) || READ_ONCE(r->conn.shutdown))
			return err == -EAGAIN || err == -EINTR ? -EPIPE : err;
		if (env_now_ms() - since < ms)
			continue;
		since = env_now_ms();
		drbd_lock(r);
		ms = meta_receive_timed_out(connection);
		drbd_unlock(r);
		if (!ms) {
			*failed = true;
			return -ETIMEDOUT;
		}
	}
}

static bool meta_receive_one(struct receiver *rc)
{
	struct shell_resource *r = rc->r;
	struct drbd_connection *connection = &r->core.connection;
	int apv = connection->agreed_pro_version, err;
	struct incoming *in = &rc->in;
	bool ok, failed = false;

	err = meta_wait(r, rc->head, wire_header_size(apv), &failed);
	if (err)
		goto lost;
	memset(in, 0, sizeof(*in));
	in->connection = connection;
	in->fixed = rc->fixed;
	if (wire_header_decode(rc->head, wire_header_size(apv), apv, &in->hdr) != WIRE_OK) {
		bad_header(r, false);
		return false;
	}
	drbd_lock(r);
	ok = receive_plan(connection, SOCK_META, in) && !WARN_ON(in->fixed_len > sizeof(rc->fixed));
	drbd_unlock(r);
	if (!ok)
		return false;
	if (in->fixed_len) {
		err = meta_wait(r, rc->fixed, in->fixed_len, &failed);
		if (err)
			goto lost;
	}
	drbd_lock(r);
	connection->last_received = env_now_ms();
	ok = receive_meta(in);
	drbd_unlock(r);
	return ok;
lost:
	if (!failed) {
		bool expected;

		drbd_lock(r);
		expected = err == -EPIPE && connection_eof_expected(connection);
		drbd_unlock(r);
		if (expected)
			wait_event_idle_timeout(r->wait, READ_ONCE(r->conn.shutdown),
				msecs_to_jiffies(connection->net_conf.ping_timeo * 100));
		socket_event(r, err == -EPIPE ? SOCKET_EOF_META : SOCKET_RECV_ERROR_META);
	}
	return false;
}

static int meta_receiver_thread(void *arg)
{
	struct receiver *rc = arg;

	while (!kthread_should_stop() && meta_receive_one(rc))
		;
	/* The other thread leads; it notices because the core had the sockets shut down. */
	wait_event_idle(rc->r->conn.send_wait[SOCK_META], kthread_should_stop());
	return 0;
}

static int meta_receiver_start(struct shell_resource *r)
{
	struct receiver *rc = kzalloc(sizeof(*rc), GFP_KERNEL);
	struct task_struct *thread;

	if (!rc)
		return -ENOMEM;
	rc->r = r;
	thread = kthread_create(meta_receiver_thread, rc, "drbd_m_%.8s", r->core.name);
	if (IS_ERR(thread)) {
		kfree(rc);
		return PTR_ERR(thread);
	}
	r->conn.meta_receiver = get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

static void meta_receiver_stop(struct shell_resource *r)
{
	struct task_struct *thread = r->conn.meta_receiver;

	r->conn.meta_receiver = NULL;
	if (thread) {
		/* Not freed by the thread: one stopped early never gets to run. */
		struct receiver *rc = kthread_data(thread);

		kthread_stop(thread);
		kfree(rc);
		put_task_struct(thread);
	}
}

/* ---- sockets ---- */

static void shutdown_one(struct socket *sock)
{
	if (sock)
		kernel_sock_shutdown(sock, SHUT_RDWR);
}

static void sockets_shutdown(struct shell_connection *c)
{
	int i;

	mutex_lock(&c->sock_mutex);
	for (i = 0; i < 2; i++) {
		shutdown_one(c->sock[i]);
		shutdown_one(c->searching[i]);
	}
	mutex_unlock(&c->sock_mutex);
}

void shell_sockets_shutdown_work(struct work_struct *work)
{
	struct shell_connection *c = container_of(work, struct shell_connection, shutdown_work);

	/* Asked for by a connection that is over already: not those of the next one. */
	if (READ_ONCE(c->shutdown))
		sockets_shutdown(c);
}

void shell_sockets_close(struct shell_resource *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct socket *sock = r->conn.sock[i];

		sock_publish(&r->conn, &r->conn.sock[i], NULL);
		if (sock)
			sock_release(sock);
	}
}

/* ---- the life of a connection ---- */

struct establish {
	struct drbd_connection *connection;
	u16 pc;
};

static enum fiber_status run_establish(struct task *t, void *arg)
{
	struct establish *e = arg;

	return connection_establish(t, e->connection, &e->pc);
}

struct cleanup {
	struct drbd_connection *connection;
	struct connection_cleanup c;
};

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	struct cleanup *c = arg;

	return connection_cleanup(t, c->connection, &c->c);
}

static void serve(struct receiver *rc)
{
	struct shell_resource *r = rc->r;
	struct establish e = { .connection = &r->core.connection };
	struct cleanup c = { .connection = &r->core.connection };
	struct task t = {};

	if (shell_senders_start(r) || meta_receiver_start(r)) {
		socket_event(r, SOCKET_RECV_ERROR_DATA);
	} else {
		drbd_run_fiber(r, &t, run_establish, &e, false);
		while (receive_one(rc))
			;
	}
	WRITE_ONCE(r->conn.shutdown, true);
	sockets_shutdown(&r->conn);
	meta_receiver_stop(r);
	shell_senders_stop(r);
	memset(&t, 0, sizeof(t));
	drbd_run_fiber(r, &t, run_cleanup, &c, false);
}

static bool search_begin(struct shell_resource *r)
{
	bool go;

	drbd_lock(r);
	go = connection_search_begin(&r->core.connection);
	if (go)
		r->conn.shutdown = false;
	drbd_unlock(r);
	return go;
}

static int receiver_thread(void *arg)
{
	struct receiver *rc = arg;
	struct shell_resource *r = rc->r;
	int err;

	while (search_begin(r)) {
		err = shell_connect(r);
		if (!err)
			serve(rc);
		shell_sockets_close(r);
		if (err == -EAGAIN)
			wait_event_idle_timeout(r->wait, READ_ONCE(r->conn.shutdown), HZ);
		else if (err == -ECANCELED && !READ_ONCE(r->conn.shutdown))
			break;
	}
	kfree(rc);
	drbd_lock(r);
	connection_receiver_ended(&r->core.connection);
	drbd_unlock(r);
	return 0;
}

/* Wait until a receiver that has ended, or is about to, has left our code. */
void shell_receiver_reap(struct shell_resource *r)
{
	struct task_struct *thread = r->conn.receiver;

	r->conn.receiver = NULL;
	if (thread) {
		kthread_stop(thread);
		put_task_struct(thread);
	}
}

void shell_receiver_start_work(struct work_struct *work)
{
	struct shell_connection *c = container_of(work, struct shell_connection, receiver_work);
	struct shell_resource *r = container_of(c, struct shell_resource, conn);
	struct receiver *rc = kzalloc(sizeof(*rc), GFP_KERNEL | __GFP_NOFAIL);
	struct task_struct *thread;

	shell_receiver_reap(r);
	rc->r = r;
	thread = kthread_create(receiver_thread, rc, "drbd_r_%.8s", r->core.name);
	if (IS_ERR(thread)) {
		kfree(rc);
		drbd_lock(r);
		connection_fatal(&r->core.connection);
		connection_receiver_ended(&r->core.connection);
		drbd_unlock(r);
		return;
	}
	c->receiver = get_task_struct(thread);
	wake_up_process(thread);
}
