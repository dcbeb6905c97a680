// SPDX-License-Identifier: GPL-2.0
/*
 * sender.c - send what the core has for the two sockets
 *
 * Whoever has queued something sends it at once, as far as the socket takes it without
 * waiting; the rest, possibly the rest of a packet, is left to a thread a socket. One at a time
 * sends on a socket, holding the sender's mutex, and nobody waits for it: who holds it looks for
 * more before and after letting it go. So the stream is what send_next() says, whoever sends.
 *
 * Small packets are collected and go out together, also with the next one that has a payload.
 */
#include <linux/kthread.h>
#include <linux/sched/mm.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "shell.h"

/* One more than a payload's most: the head. Requests to us have BIO_MAX_VECS segments at most. */
#define SEND_VECS (BIO_MAX_VECS + 1)
/* What others than the thread send in one go, so that nobody works for others for long. */
#define DIRECT_PACKETS 16
#define DIRECT_BYTES (256 << 10)
#define DIRECT_ROUNDS 4
/* Small packets in one go: bounds how long the lock is held. */
#define BATCH_PACKETS 32
/* Behind them there is room for the largest head, and for a digest. */
#define HEAD_BYTES (2 * PAGE_SIZE)
#define BATCH_BYTES (HEAD_BYTES - SEND_HEAD_ROOM - WIRE_DIGEST_MAX)

struct shell_sender {
	struct shell_resource *r;
	enum drbd_socket which;
	struct mutex lock;		/* all below, except for looking at open and handed */
	bool open;			/* between shell_senders_start() and _stop() */
	bool handed;			/* the thread goes on */
	bool failed;			/* nothing more may be sent on this connection */
	bool corked;			/* the last bytes wait for others to follow */
	bool unprepared;		/* collected, iter is not made yet */
	bool busy;			/* iter is not sent completely */
	bool payload;			/* `out` is the packet at the end of iter, not reported yet */
	struct outgoing out;
	u32 head_bytes;			/* small packets, and the head of `out` */
	struct iov_iter iter;		/* over vecs: what is to be sent */
	u32 ko_left;
	u8 *head;			/* HEAD_BYTES */
	struct bio_vec vecs[SEND_VECS];
};

/* ---- bytes ---- */

/* The send timed out: go on? */
static bool go_on(struct shell_sender *s)
{
	struct shell_resource *r = s->r;
	struct drbd_connection *connection = &r->core.connection;
	bool in_payload = s->payload && iov_iter_count(&s->iter) <= s->out.payload_len;
	bool on = false;

	drbd_lock(r);
	if (s->which == SOCK_META)
		connection_socket_event(connection, SOCKET_SEND_TIMEOUT_META);
	else if (connection_send_timed_out(connection, &s->ko_left))
		on = true;
	else
		connection_socket_event(connection, in_payload ? SOCKET_SEND_TIMEOUT_PAGES :
					SOCKET_SEND_TIMEOUT_DATA);
	drbd_unlock_sending(r, s->which);
	return on;
}

static bool may_try_again(struct shell_sender *s, int err)
{
	if ((err == -EAGAIN || err == -EINTR) && !READ_ONCE(s->r->conn.shutdown))
		return go_on(s);
	drbd_lock(s->r);
	connection_socket_event(&s->r->core.connection, SOCKET_SEND_ERROR);
	drbd_unlock_sending(s->r, s->which);
	return false;
}

/* -EAGAIN: the socket takes no more now. Otherwise it is over, s->failed says how. */
static int transmit(struct shell_sender *s, int flags)
{
	struct socket *sock = s->r->conn.sock[s->which];

	while (iov_iter_count(&s->iter)) {
		struct msghdr msg = {
			.msg_flags = flags | MSG_NOSIGNAL | (s->corked ? MSG_MORE : 0),
			.msg_iter = s->iter,
		};
		int n = sock_sendmsg(sock, &msg);

		if (n > 0) {
			iov_iter_advance(&s->iter, n);
			continue;
		}
		if (n == -EAGAIN && (flags & MSG_DONTWAIT))
			return -EAGAIN;
		if (!may_try_again(s, n)) {
			s->failed = true;
			break;
		}
	}
	s->busy = false;
	return 0;
}

/* ---- what to send ---- */

/* The digest of the payload, between head and payload. */
static void add_digest(struct shell_sender *s, struct outgoing *out)
{
	struct shell_connection *c = &s->r->conn;
	struct crypto_shash *integrity;
	u8 *digest = out->head + out->head_len;

	down_read(&c->crypto_sem);
	integrity = c->crypto.integrity;
	if (WARN_ON_ONCE(!integrity || crypto_shash_digestsize(integrity) != out->digest_len))
		memset(digest, 0, out->digest_len);
	else if (out->req)
		shell_digest_bio(integrity, shell_of_request(out->req)->master, digest);
	else
		shell_digest_pages(integrity, shell_of_peer_request(out->pr)->pages,
				   out->payload_len, digest);
	up_read(&c->crypto_sem);
}

u32 shell_bio_vecs(struct bio *bio, struct bio_vec *vecs, u32 room)
{
	struct bvec_iter iter;
	struct bio_vec vec;
	u32 n = 0;

	bio_for_each_bvec(vec, bio, iter) {
		if (WARN_ON_ONCE(n == room))
			return 0;
		vecs[n++] = vec;
	}
	return n;
}

u32 shell_page_vecs(struct page **pages, u32 bytes, struct bio_vec *vecs, u32 room)
{
	u32 n;

	for (n = 0; bytes; n++) {
		u32 part = min_t(u32, bytes, PAGE_SIZE);

		if (WARN_ON_ONCE(n == room))
			return 0;
		vecs[n].bv_page = pages[n];
		vecs[n].bv_len = part;
		vecs[n].bv_offset = 0;
		bytes -= part;
	}
	return n;
}

/*
 * Small packets, and one with payload at most, which ends the collection. Small ones count as
 * sent from here on: this buffer is to them what the socket's would be. Lock held.
 */
static bool collect(struct shell_sender *s)
{
	struct drbd_connection *connection = &s->r->core.connection;
	u32 used = 0, packets = 0;

	s->payload = false;
	while (packets < BATCH_PACKETS && used <= BATCH_BYTES) {
		struct outgoing *out = &s->out;

		memset(out, 0, sizeof(*out));
		out->head = s->head + used;
		if (!send_next(connection, s->which, out))
			break;
		shell_trace_sent(connection, s->which, out);
		packets++;
		used += out->head_len;
		s->corked = !out->push;
		if (out->payload_len) {
			s->payload = true;
			break;
		}
		send_done(connection, s->which, out, true);
	}
	s->head_bytes = used;
	return packets;
}

/* Without the lock. */
static void prepare(struct shell_sender *s)
{
	struct outgoing *out = &s->out;
	u32 n = 1, bytes = s->head_bytes, total = bytes;

	if (s->payload) {
		struct bio_vec *vecs = s->vecs + 1;

		if (out->digest_len)
			add_digest(s, out);
		bytes += out->digest_len;
		total = bytes + out->payload_len;
		if (out->req)
			n += shell_bio_vecs(shell_of_request(out->req)->master, vecs, SEND_VECS - 1);
		else
			n += shell_page_vecs(shell_of_peer_request(out->pr)->pages,
					     out->payload_len, vecs, SEND_VECS - 1);
	}
	s->vecs[0].bv_page = virt_to_page(s->head);
	s->vecs[0].bv_offset = 0;
	s->vecs[0].bv_len = bytes;
	iov_iter_bvec(&s->iter, ITER_SOURCE, s->vecs, n, total);
	s->ko_left = s->r->core.connection.net_conf.ko_count;
	s->unprepared = false;
	s->busy = true;
}

/* Report the last packet, if there is one to be reported, and begin the next. */
static bool next(struct shell_sender *s)
{
	struct shell_resource *r = s->r;
	bool more;

	drbd_lock(r);
	r->conn.send_kicked[s->which] = false;
	if (s->payload)
		send_done(&r->core.connection, s->which, &s->out, !s->failed);
	s->payload = false;
	more = !s->failed && collect(s);
	drbd_unlock_sending(r, s->which);
	s->unprepared = more;
	return more;
}

static void uncork(struct shell_sender *s)
{
	if (s->corked && !s->failed)
		sock_cork(s->r->conn.sock[s->which], false);
	s->corked = false;
}

/* Send until there is nothing more (true), or as much as a passer-by does. Holds s->lock. */
static bool send_all(struct shell_sender *s, int flags)
{
	u32 packets = 0, bytes = 0;

	for (;;) {
		/* A passer-by may hold crypto_sem. */
		if (s->unprepared && (flags & MSG_DONTWAIT) && s->payload && s->out.digest_len)
			return false;
		if (s->unprepared)
			prepare(s);
		bytes += s->busy ? iov_iter_count(&s->iter) : 0;
		if (s->busy && transmit(s, flags) == -EAGAIN)
			return false;
		if ((flags & MSG_DONTWAIT) && (packets >= DIRECT_PACKETS || bytes >= DIRECT_BYTES))
			return false;
		if (!next(s))
			break;
		packets++;
	}
	uncork(s);
	return true;
}

/* ---- by whoever comes along ---- */

static bool has_work(struct shell_sender *s)
{
	return READ_ONCE(s->r->conn.send_kicked[s->which]) && READ_ONCE(s->open) &&
	       !READ_ONCE(s->handed);
}

static void hand_over(struct shell_sender *s)
{
	WRITE_ONCE(s->handed, true);
	wake_up(&s->r->conn.send_wait[s->which]);
}

static void push(struct shell_sender *s)
{
	u32 rounds = 0;

	/* Who gets the mutex not: its holder looks once more after giving it back. */
	while (has_work(s) && mutex_trylock(&s->lock)) {
		if (s->open && !s->handed && (rounds++ == DIRECT_ROUNDS || !send_all(s, MSG_DONTWAIT)))
			hand_over(s);
		mutex_unlock(&s->lock);
		smp_mb();	/* pairs with the one in shell_push() */
	}
}

void shell_push(struct shell_resource *r)
{
	unsigned int noio = memalloc_noio_save();

	smp_mb();	/* who fails to get the mutex has kicked before */
	push(r->conn.out[SOCK_META]);
	push(r->conn.out[SOCK_DATA]);
	memalloc_noio_restore(noio);
}

bool shell_push_due(struct shell_resource *r)
{
	return has_work(r->conn.out[SOCK_META]) || has_work(r->conn.out[SOCK_DATA]);
}

void shell_push_later(struct shell_resource *r, u32 sockets)
{
	int i;

	for (i = 0; i < 2; i++)
		if ((sockets & BIT(i)) && has_work(r->conn.out[i]))
			wake_up(&r->conn.send_wait[i]);
}

/* ---- by the thread ---- */

static bool has_work_for_thread(struct shell_sender *s)
{
	return READ_ONCE(s->handed) || READ_ONCE(s->r->conn.send_kicked[s->which]);
}

static int sender_thread(void *arg)
{
	struct shell_sender *s = arg;
	struct shell_connection *c = &s->r->conn;
	unsigned int noio = memalloc_noio_save();

	while (!kthread_should_stop()) {
		wait_event_idle(c->send_wait[s->which],
				has_work_for_thread(s) || kthread_should_stop());
		if (kthread_should_stop())
			break;
		mutex_lock(&s->lock);
		/* Before the last look for work: what comes later finds the mutex free, or us. */
		WRITE_ONCE(s->handed, false);
		send_all(s, 0);
		mutex_unlock(&s->lock);
		if (shell_push_due(s->r))
			shell_push(s->r);
	}
	memalloc_noio_restore(noio);
	return 0;
}

static int sender_start(struct shell_resource *r, enum drbd_socket which)
{
	struct shell_sender *s = r->conn.out[which];
	struct task_struct *thread;

	thread = kthread_create(sender_thread, s, "drbd_%s_%.8s",
				which == SOCK_DATA ? "s" : "a", r->core.name);
	if (IS_ERR(thread))
		return PTR_ERR(thread);
	mutex_lock(&s->lock);
	s->failed = s->handed = s->corked = s->unprepared = s->busy = s->payload = false;
	r->conn.send_kicked[which] = true;
	WRITE_ONCE(s->open, true);
	mutex_unlock(&s->lock);
	r->conn.sender[which] = get_task_struct(thread);
	wake_up_process(thread);
	return 0;
}

int shell_senders_start(struct shell_resource *r)
{
	int err = sender_start(r, SOCK_DATA);

	if (!err)
		err = sender_start(r, SOCK_META);
	if (err)
		shell_senders_stop(r);
	return err;
}

/* Nobody sends any more, and nobody begins to. */
static void sender_close(struct shell_sender *s)
{
	struct shell_resource *r = s->r;

	mutex_lock(&s->lock);
	WRITE_ONCE(s->open, false);
	s->failed = true;
	s->busy = false;
	drbd_lock(r);
	if (s->payload)
		send_done(&r->core.connection, s->which, &s->out, false);
	s->payload = false;
	drbd_unlock_sending(r, s->which);
	mutex_unlock(&s->lock);
}

/* The sockets are shut down already, so nothing blocks for long. */
void shell_senders_stop(struct shell_resource *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct task_struct *thread = r->conn.sender[i];

		r->conn.sender[i] = NULL;
		if (thread) {
			kthread_stop(thread);
			put_task_struct(thread);
		}
		sender_close(r->conn.out[i]);
	}
}

/* For debugfs; a look without the mutex, which is held while the socket is full. */
void shell_senders_show(struct shell_resource *r, struct seq_file *m)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct shell_sender *s = r->conn.out[i];

		seq_printf(m, "%s socket: %s\n", i == SOCK_DATA ? "data" : "meta",
			   !READ_ONCE(s->open) ? "not connected" :
			   READ_ONCE(s->failed) ? "broken, waits for the connection to end" :
			   mutex_is_locked(&s->lock) ? "sending, or waits for room in the socket's buffer" :
			   READ_ONCE(s->handed) ? "the rest is left to the thread" :
			   "nothing to send");
	}
}

/* ---- life ---- */

static struct shell_sender *sender_new(struct shell_resource *r, enum drbd_socket which)
{
	struct shell_sender *s = kzalloc(sizeof(*s), GFP_KERNEL);

	if (!s)
		return NULL;
	s->head = (u8 *)__get_free_pages(GFP_KERNEL, get_order(HEAD_BYTES));
	if (!s->head) {
		kfree(s);
		return NULL;
	}
	s->r = r;
	s->which = which;
	mutex_init(&s->lock);
	return s;
}

int shell_senders_init(struct shell_resource *r)
{
	r->conn.out[SOCK_DATA] = sender_new(r, SOCK_DATA);
	r->conn.out[SOCK_META] = sender_new(r, SOCK_META);
	return r->conn.out[SOCK_DATA] && r->conn.out[SOCK_META] ? 0 : -ENOMEM;
}

void shell_senders_free(struct shell_resource *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct shell_sender *s = r->conn.out[i];

		if (!s)
			continue;
		free_pages((unsigned long)s->head, get_order(HEAD_BYTES));
		kfree(s);
	}
}
