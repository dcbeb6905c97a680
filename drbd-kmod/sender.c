// SPDX-License-Identifier: GPL-2.0
/*
 * sender.c - one thread a socket that sends what the core has for it
 */
#include <linux/kthread.h>
#include <linux/slab.h>
#include "shell.h"

struct sender {
	struct shell_resource *r;
	enum drbd_socket which;
	u32 ko_left;
	u8 head[SEND_HEAD_ROOM + WIRE_DIGEST_MAX];
};

/* The send timed out: go on? */
static bool go_on(struct sender *s, bool payload)
{
	struct shell_resource *r = s->r;
	struct drbd_connection *connection = &r->core.connection;
	bool on = false;

	drbd_lock(r);
	if (s->which == SOCK_META)
		connection_socket_event(connection, SOCKET_SEND_TIMEOUT_META);
	else if (connection_send_timed_out(connection, &s->ko_left))
		on = true;
	else
		connection_socket_event(connection, payload ? SOCKET_SEND_TIMEOUT_PAGES :
					SOCKET_SEND_TIMEOUT_DATA);
	drbd_unlock(r);
	return on;
}

static bool sent(struct sender *s, int n, bool payload, u32 *done)
{
	if (n > 0) {
		*done += n;
		return true;
	}
	if ((n == -EAGAIN || n == -EINTR) && !READ_ONCE(s->r->conn.shutdown))
		return go_on(s, payload);
	drbd_lock(s->r);
	connection_socket_event(&s->r->core.connection, SOCKET_SEND_ERROR);
	drbd_unlock(s->r);
	return false;
}

static bool send_bytes(struct sender *s, const void *buf, u32 len, int flags)
{
	struct socket *sock = s->r->conn.sock[s->which];
	u32 done = 0;

	while (done < len)
		if (!sent(s, sock_send(sock, buf + done, len - done, flags), false, &done))
			return false;
	return true;
}

static bool send_page(struct sender *s, struct page *page, u32 offset, u32 len, int flags)
{
	struct socket *sock = s->r->conn.sock[s->which];
	u32 done = 0;

	while (done < len)
		if (!sent(s, sock_send_page(sock, page, offset + done, len - done, flags), true, &done))
			return false;
	return true;
}

static bool send_bio(struct sender *s, struct bio *bio, int flags)
{
	struct bvec_iter iter;
	struct bio_vec vec;
	u32 left = bio->bi_iter.bi_size;

	bio_for_each_bvec(vec, bio, iter) {
		left -= vec.bv_len;
		if (!send_page(s, vec.bv_page, vec.bv_offset, vec.bv_len,
			       left ? MSG_MORE : flags))
			return false;
	}
	return true;
}

static bool send_pages(struct sender *s, struct shell_peer_request *pr, u32 len, int flags)
{
	u32 i;

	for (i = 0; len; i++) {
		u32 n = min_t(u32, len, PAGE_SIZE);

		len -= n;
		if (!send_page(s, pr->pages[i], 0, n, len ? MSG_MORE : flags))
			return false;
	}
	return true;
}

/* The digest of the payload, between head and payload. */
static void add_digest(struct sender *s, struct outgoing *out)
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

static bool transmit(struct sender *s, struct outgoing *out)
{
	int last = out->push ? 0 : MSG_MORE;

	s->ko_left = s->r->core.connection.net_conf.ko_count;
	if (out->digest_len)
		add_digest(s, out);
	if (!send_bytes(s, out->head, out->head_len + out->digest_len,
			out->payload_len ? MSG_MORE : last))
		return false;
	if (!out->payload_len)
		return true;
	if (out->req)
		return send_bio(s, shell_of_request(out->req)->master, last);
	return send_pages(s, shell_of_peer_request(out->pr), out->payload_len, last);
}

static void send_all(struct sender *s)
{
	struct shell_resource *r = s->r;
	struct drbd_connection *connection = &r->core.connection;
	struct outgoing out;
	bool ok = true;

	drbd_lock(r);
	r->conn.send_kicked[s->which] = false;
	for (;;) {
		memset(&out, 0, sizeof(out));
		out.head = s->head;
		if (!ok || !send_next(connection, s->which, &out))
			break;
		drbd_unlock(r);
		ok = transmit(s, &out);
		drbd_lock(r);
		send_done(connection, s->which, &out, ok);
	}
	drbd_unlock(r);
}

static int sender_thread(void *arg)
{
	struct sender *s = arg;
	struct shell_connection *c = &s->r->conn;

	while (!kthread_should_stop()) {
		wait_event_idle(c->send_wait[s->which],
				READ_ONCE(c->send_kicked[s->which]) || kthread_should_stop());
		if (!kthread_should_stop())
			send_all(s);
	}
	return 0;
}

static int sender_start(struct shell_resource *r, enum drbd_socket which)
{
	struct sender *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct task_struct *thread;

	if (!s)
		return -ENOMEM;
	s->r = r;
	s->which = which;
	r->conn.send_kicked[which] = true;
	thread = kthread_create(sender_thread, s, "drbd_%s_%.8s",
				which == SOCK_DATA ? "s" : "a", r->core.name);
	if (IS_ERR(thread)) {
		kfree(s);
		return PTR_ERR(thread);
	}
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

/* The sockets are shut down already, so nothing blocks for long. */
void shell_senders_stop(struct shell_resource *r)
{
	int i;

	for (i = 0; i < 2; i++) {
		struct task_struct *thread = r->conn.sender[i];

		r->conn.sender[i] = NULL;
		if (thread) {
			/* Not freed by the thread: one stopped early never gets to run. */
			struct sender *s = kthread_data(thread);

			kthread_stop(thread);
			kfree(s);
			put_task_struct(thread);
		}
	}
}
