// SPDX-License-Identifier: GPL-2.0
/*
 * receiver.c - the thread that keeps a connection, and the one for the meta socket
 */
#include <linux/kthread.h>
#include <linux/slab.h>
#include <net/sock.h>
#include "shell.h"
#include "trace.h"
#include "core/receive.h"

/* A header and the fixed part of most packets: what is read ahead of a payload. */
#define DATA_AHEAD (WIRE_HEADER_MAX + 24)
#define META_AHEAD 1024
/* So many packets may set something off before it is sent, although more of them are there. */
#define PUSH_EVERY 8
/* A payload's parts that are waited for as a whole: otherwise each TCP segment wakes us. */
#define RECV_AT_ONCE (32 << 10)

struct receiver {
	struct shell_resource *r;
	struct incoming in;
	u8 fixed[512];
	union {					/* for one payload or another */
		u8 var[WIRE_SOCKET_BUFFER];
		struct bio_vec vecs[BIO_MAX_VECS];
	};
	u8 digest[WIRE_DIGEST_MAX], wanted[WIRE_DIGEST_MAX];
	u8 ahead[META_AHEAD];			/* received, from first to end not looked at yet */
	u32 first, end;
	u32 since_push;				/* packets */
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

/* What this thread has set off so far goes out. */
static void push_now(struct receiver *rc)
{
	rc->since_push = 0;
	if (shell_push_due(rc->r))
		shell_push(rc->r);
}

/* The same, if it is about to wait for so many bytes. */
static void push_before(struct receiver *rc, u32 bytes)
{
	if (shell_push_due(rc->r) && sock_waiting(rc->r->conn.sock[SOCK_DATA]) < bytes)
		push_now(rc);
}

/* All of it, of which some may have been read ahead. */
static int recv_all(struct receiver *rc, struct iov_iter *iter)
{
	struct socket *sock = rc->r->conn.sock[SOCK_DATA];
	u32 ahead = min_t(size_t, rc->end - rc->first, iov_iter_count(iter));
	int n = 1;

	if (copy_to_iter(rc->ahead + rc->first, ahead, iter) != ahead)
		return -EFAULT;
	rc->first += ahead;
	if (iov_iter_count(iter))
		push_before(rc, iov_iter_count(iter));
	while (iov_iter_count(iter) && n > 0) {
		struct iov_iter part = *iter;

		iov_iter_truncate(&part, RECV_AT_ONCE);
		if (sock_waiting(sock) < iov_iter_count(&part))
			sock_wait(sock, iov_iter_count(&part));
		n = sock_recv_some(sock, &part, MSG_WAITALL);
		if (n > 0)
			iov_iter_advance(iter, n);
	}
	return n < 0 ? n : 0;
}

static int recv_buffer(struct receiver *rc, void *buf, u32 len)
{
	struct kvec vec = { .iov_base = buf, .iov_len = len };
	struct iov_iter iter;

	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, len);
	return recv_all(rc, &iter);
}

/* The next `len` bytes, at most DATA_AHEAD; valid until the next call. */
static int recv_small(struct receiver *rc, u32 len, const u8 **bytes)
{
	u32 have = rc->end - rc->first;

	memmove(rc->ahead, rc->ahead + rc->first, have);
	rc->first = 0;
	rc->end = have;
	if (have < len)
		push_before(rc, len - have);
	while (rc->end < len) {
		struct kvec vec = { .iov_base = rc->ahead + rc->end, .iov_len = DATA_AHEAD - rc->end };
		struct socket *sock = rc->r->conn.sock[SOCK_DATA];
		struct iov_iter iter;
		int n;

		iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
		n = sock_recv_some(sock, &iter, 0);
		if (n < 0)
			return n;
		rc->end += n;
	}
	*bytes = rc->ahead;
	rc->first = len;
	return 0;
}

static int throw_away(struct receiver *rc, u32 len)
{
	int err = 0;

	while (len && !err) {
		u32 n = min_t(u32, len, sizeof(rc->var));

		err = recv_buffer(rc, rc->var, n);
		len -= n;
	}
	return err;
}

static int recv_pages(struct receiver *rc, struct shell_peer_request *pr, u32 len)
{
	u32 n = shell_page_vecs(pr->pages, len, rc->vecs, BIO_MAX_VECS);
	struct iov_iter iter;

	iov_iter_bvec(&iter, ITER_DEST, rc->vecs, n, len);
	return recv_all(rc, &iter);
}

static int recv_bio(struct receiver *rc, struct bio *bio)
{
	u32 n = shell_bio_vecs(bio, rc->vecs, BIO_MAX_VECS);
	struct iov_iter iter;

	iov_iter_bvec(&iter, ITER_DEST, rc->vecs, n, bio->bi_iter.bi_size);
	return recv_all(rc, &iter);
}

static struct shell_peer_request *peer_request_get(struct receiver *rc, u32 bytes)
{
	struct incoming *in = &rc->in;
	struct shell_device *d = shell_of_device(in->device);
	struct shell_peer_request *pr;

	/* Memory comes back when earlier requests end, which they do without us. */
	while (!(pr = shell_peer_request_alloc(d, bytes, GFP_NOIO | __GFP_NOWARN))) {
		push_now(rc);
		schedule_timeout_uninterruptible(HZ / 50);
	}
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
	int err;

	if (in->digest_len) {
		err = recv_buffer(rc, rc->digest, in->digest_len);
		if (err)
			return err;
	}
	switch (in->place) {
	case PAYLOAD_BUFFER:
		in->var_len = in->payload_len;
		return recv_buffer(rc, rc->var, in->payload_len);
	case PAYLOAD_REQUEST:
		bio = shell_of_request(in->req)->master;
		err = recv_bio(rc, bio);
		if (!err && in->digest_len)
			shell_digest_bio(integrity, bio, rc->wanted);
		break;
	case PAYLOAD_PEER_REQUEST:
		if (!in->device)
			return throw_away(rc, in->payload_len);
		pr = peer_request_get(rc, in->payload_len);
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
	struct incoming *in = &rc->in;
	struct task t = {};
	bool ok;
	int err;

	err = in->fixed_len ? recv_buffer(rc, rc->fixed, in->fixed_len) : 0;
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
		peer_request_get(rc, in->pr_bytes);
	drbd_run_fiber(r, &t, run_receive, in, false);
	return in->ok;
}

/* One packet; false ends the connection, whose state has been changed then. */
static bool receive_one(struct receiver *rc)
{
	struct shell_resource *r = rc->r;
	struct drbd_connection *connection = &r->core.connection;
	int apv = connection->agreed_pro_version;
	struct incoming *in = &rc->in;
	struct shell_device *d;
	const u8 *head;
	bool ok;
	int err;

	if (++rc->since_push >= PUSH_EVERY)
		push_now(rc);
	err = recv_small(rc, wire_header_size(apv), &head);
	if (err) {
		data_lost(r, err);
		return false;
	}
	memset(in, 0, sizeof(*in));
	in->connection = connection;
	in->fixed = rc->fixed;
	in->var = rc->var;
	if (wire_header_decode(head, wire_header_size(apv), apv, &in->hdr) != WIRE_OK) {
		bad_header(r, true);
		return false;
	}

	trace_drbd_packet_receive(connection, SOCK_DATA, &in->hdr);
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

/* What is there, within `ms`; appended to what has been read. */
static int meta_read(struct receiver *rc, u32 ms)
{
	struct socket *sock = rc->r->conn.sock[SOCK_META];
	struct kvec vec = { .iov_base = rc->ahead + rc->end, .iov_len = META_AHEAD - rc->end };
	struct iov_iter iter;
	int n;

	/* In slices, because a ping that somebody asks for shortens the wait. */
	sock->sk->sk_rcvtimeo = msecs_to_jiffies(min(ms, 200u)) + 1;
	iov_iter_kvec(&iter, ITER_DEST, &vec, 1, vec.iov_len);
	n = sock_recv_some(sock, &iter, 0);
	if (n > 0)
		rc->end += n;
	return n;
}

/* Have `len` bytes at rc->ahead + rc->first. */
static int meta_wait(struct receiver *rc, u32 len, bool *failed)
{
	struct shell_resource *r = rc->r;
	struct drbd_connection *connection = &r->core.connection;
	u64 since = env_now_ms();

	if (rc->end - rc->first < len) {
		memmove(rc->ahead, rc->ahead + rc->first, rc->end - rc->first);
		rc->end -= rc->first;
		rc->first = 0;
	}
	while (rc->end - rc->first < len) {
		u32 ms;
		int err;

		drbd_lock(r);
		ms = meta_receive_timeout(connection);
		drbd_unlock_network(r);
		err = meta_read(rc, ms);
		if (err > 0)
			continue;
		if ((err != -EAGAIN && err != -EINTR) || READ_ONCE(r->conn.shutdown))
			return err == -EAGAIN || err == -EINTR ? -EPIPE : err;
		if (env_now_ms() - since < ms)
			continue;
		since = env_now_ms();
		drbd_lock(r);
		ms = meta_receive_timed_out(connection);
		drbd_unlock_network(r);
		if (!ms) {
			*failed = true;
			return -ETIMEDOUT;
		}
	}
	return 0;
}

static bool meta_receive_one(struct receiver *rc)
{
	struct shell_resource *r = rc->r;
	struct drbd_connection *connection = &r->core.connection;
	int apv = connection->agreed_pro_version, err;
	struct incoming *in = &rc->in;
	bool ok, failed = false;

	err = meta_wait(rc, wire_header_size(apv), &failed);
	if (err)
		goto lost;
	memset(in, 0, sizeof(*in));
	in->connection = connection;
	in->fixed = rc->fixed;
	if (wire_header_decode(rc->ahead + rc->first, wire_header_size(apv), apv,
			       &in->hdr) != WIRE_OK) {
		bad_header(r, false);
		return false;
	}
	rc->first += wire_header_size(apv);
	trace_drbd_packet_receive(connection, SOCK_META, &in->hdr);
	drbd_lock(r);
	ok = receive_plan(connection, SOCK_META, in) && !WARN_ON(in->fixed_len > sizeof(rc->fixed));
	drbd_unlock_network(r);
	if (!ok)
		return false;
	if (in->fixed_len) {
		err = meta_wait(rc, in->fixed_len, &failed);
		if (err)
			goto lost;
		memcpy(rc->fixed, rc->ahead + rc->first, in->fixed_len);
		rc->first += in->fixed_len;
	}
	drbd_lock(r);
	connection->last_received = env_now_ms();
	ok = receive_meta(in);
	drbd_unlock_network(r);
	return ok;
lost:
	if (!failed) {
		bool expected;

		drbd_lock(r);
		expected = err == -EPIPE && connection_eof_expected(connection);
		drbd_unlock_network(r);
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
		rc->first = rc->end = 0;
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
