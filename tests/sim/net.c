// SPDX-License-Identifier: GPL-2.0
/*
 * The network: two ordered streams a TCP connection.  While the link is down nothing
 * arrives, and nothing is lost either unless one end gives up, as with TCP.
 */
#include "sim.h"

struct chunk {
	struct dlist link;
	u64 arrives;
	u32 bytes, used;
	bool tags, fin;
	u8 data[];
};

struct sock {
	struct net_conn *conn;
	struct node *node;
	struct dlist transit, arrived;	/* chunks on their way to me / here */
	u32 backlog;			/* bytes in both */
	u64 last_arrival;
	struct event arrival;
	bool eof, error, shut, closed, vanished;	/* vanished: its node crashed */
	u32 send_ms, recv_ms;
	struct waitq wait;
	struct dlist accept;
};

struct net_conn {
	struct dlist all;
	struct sock end[2];		/* by node id */
};

static struct dlist conns = { &conns, &conns };
static bool link_up = true;
static u32 latency_min, latency_max, window;

static u64 hop(void)
{
	return chance_between(latency_min, latency_max);
}

void net_init(u32 lat_min, u32 lat_max, u32 win)
{
	latency_min = lat_min;
	latency_max = lat_max;
	window = win;
}

static struct sock *far_end(const struct sock *s)
{
	return &s->conn->end[1 - s->node->id];
}

static bool usable(const struct sock *s)
{
	return !s->closed && !s->vanished && !s->shut && !s->error;
}

static void chunks_free(struct sock *s, struct dlist *list)
{
	struct chunk *c, *next;

	dlist_for_each_entry_safe(c, next, list, link) {
		s->backlog -= c->bytes - c->used;
		dlist_del_init(&c->link);
		free(c);
	}
}

static void conn_put(struct net_conn *conn)
{
	int i;

	for (i = 0; i < 2; i++)
		if (!conn->end[i].closed && !conn->end[i].vanished)
			return;
	for (i = 0; i < 2; i++) {
		chunks_free(&conn->end[i], &conn->end[i].transit);
		chunks_free(&conn->end[i], &conn->end[i].arrived);
		event_cancel(&conn->end[i].arrival);
		dlist_del_init(&conn->end[i].accept);
	}
	dlist_del_init(&conn->all);
	free(conn);
}

static void break_end(struct sock *s)
{
	s->error = true;
	waitq_wake(&s->wait);
}

/* Something reached an end that is no longer there: its sender learns that. */
static void refuse(struct sock *s)
{
	bool data = dlist_first_entry(&s->transit, struct chunk, link)->bytes;

	chunks_free(s, &s->transit);
	if (data)
		break_end(far_end(s));
}

static void arrive(struct event *ev)
{
	struct sock *s = container_of(ev, struct sock, arrival);
	bool any = false;

	if (!link_up)
		return;
	if (s->closed || s->vanished) {
		if (dlist_empty(&s->transit))
			return;
		if (s->closed || s->node->up)
			refuse(s);
		return;
	}
	while (!dlist_empty(&s->transit)) {
		struct chunk *c = dlist_first_entry(&s->transit, struct chunk, link);

		if (c->arrives > now_us) {
			event_at(&s->arrival, c->arrives);
			break;
		}
		dlist_del_init(&c->link);
		any = true;
		if (c->fin) {
			s->eof = true;
			free(c);
		} else {
			dlist_add_tail(&c->link, &s->arrived);
		}
	}
	if (any)
		waitq_wake(&s->wait);
}

static void push(struct sock *from, struct chunk *c)
{
	struct sock *to = far_end(from);

	c->arrives = max(now_us + hop(), to->last_arrival);
	to->last_arrival = c->arrives;
	to->backlog += c->bytes;
	dlist_add_tail(&c->link, &to->transit);
	if (link_up && !event_scheduled(&to->arrival))
		event_at(&to->arrival, c->arrives);
}

static struct chunk *chunk_new(u32 bytes, u32 room)
{
	struct chunk *c = calloc(1, sizeof(*c) + room);

	c->bytes = bytes;
	return c;
}

static u64 deadline(u32 ms)
{
	return ms ? now_us + ms * MS : NEVER;
}

static int wait_for_window(struct sock *s)
{
	u64 until = deadline(s->send_ms);

	while (usable(s) && far_end(s)->backlog >= window)
		if (!waitq_wait(&s->wait, until))
			return -EAGAIN;
	return s->error ? -ECONNRESET : usable(s) ? 0 : -EPIPE;
}

int net_send(struct sock *s, const void *buf, u32 len)
{
	struct chunk *c;
	int err = wait_for_window(s);

	if (err)
		return err;
	c = chunk_new(len, len);
	memcpy(c->data, buf, len);
	push(s, c);
	return 0;
}

int net_send_tags(struct sock *s, const u64 *tags, u32 bytes)
{
	struct chunk *c;
	int err = wait_for_window(s);

	if (err)
		return err;
	c = chunk_new(bytes, bytes / 64);
	c->tags = true;
	memcpy(c->data, tags, bytes / 64);
	push(s, c);
	return 0;
}

/* The next chunk that has arrived, of the right sort. */
static int next_chunk(struct sock *s, u64 until, bool tags, struct chunk **c)
{
	while (dlist_empty(&s->arrived)) {
		if (s->error)
			return -ECONNRESET;
		if (s->eof || !usable(s))
			return -EPIPE;
		if (!waitq_wait(&s->wait, until))
			return -EAGAIN;
	}
	if (s->error || !usable(s))
		return -ECONNRESET;
	*c = dlist_first_entry(&s->arrived, struct chunk, link);
	if ((*c)->tags != tags) {
		violation("node %s: %s expected on the stream, %s there", s->node->name,
			  tags ? "payload" : "packet", tags ? "a packet is" : "payload is");
		return -EPROTO;
	}
	return 0;
}

static int recv_some(struct sock *s, u8 *buf, u32 len, u32 *got, bool tags)
{
	u64 until = deadline(s->recv_ms);
	struct chunk *c;
	u32 n, scale = tags ? 64 : 1;
	int err;

	*got = 0;
	while (*got < len) {
		err = next_chunk(s, until, tags, &c);
		if (err)
			return err;
		n = min(len - *got, c->bytes - c->used);
		if (buf)
			memcpy(buf + *got / scale, c->data + c->used / scale, n / scale);
		c->used += n;
		*got += n;
		s->backlog -= n;
		if (c->used == c->bytes) {
			dlist_del_init(&c->link);
			free(c);
		}
		if (s->backlog < window && s->backlog + n >= window)
			waitq_wake(&far_end(s)->wait);
	}
	return 0;
}

int net_recv(struct sock *s, void *buf, u32 len, u32 *got)
{
	return recv_some(s, buf, len, got, false);
}

int net_recv_tags(struct sock *s, u64 *tags, u32 bytes)
{
	u32 got;

	return recv_some(s, (u8 *)tags, bytes, &got, true);
}

void net_timeouts(struct sock *s, u32 send_ms, u32 recv_ms)
{
	s->send_ms = send_ms;
	s->recv_ms = recv_ms;
}

bool net_alive(const struct sock *s)
{
	return usable(s) && (!s->eof || !dlist_empty(&s->arrived));
}

void net_shutdown(struct sock *s)
{
	struct chunk *c;

	if (s->shut || s->closed)
		return;
	s->shut = true;
	c = chunk_new(0, 0);
	c->fin = true;
	push(s, c);
	waitq_wake(&s->wait);
}

void net_close(struct sock *s)
{
	net_shutdown(s);
	s->closed = true;
	chunks_free(s, &s->arrived);
	waitq_wake(&far_end(s)->wait);
	conn_put(s->conn);
}

/* ---- connecting ---- */

void net_listen(struct node *n, bool on)
{
	n->listening = on;
	while (!on && !dlist_empty(&n->accept_queue)) {
		struct sock *s = dlist_first_entry(&n->accept_queue, struct sock, accept);

		dlist_del_init(&s->accept);
		net_close(s);
	}
}

static struct net_conn *conn_new(void)
{
	struct net_conn *conn = calloc(1, sizeof(*conn));
	int i;

	for (i = 0; i < 2; i++) {
		struct sock *s = &conn->end[i];

		s->conn = conn;
		s->node = &nodes[i];
		dlist_init(&s->transit);
		dlist_init(&s->arrived);
		dlist_init(&s->accept);
		waitq_init(&s->wait);
		event_init(&s->arrival, NULL, arrive);
	}
	dlist_add_tail(&conn->all, &conns);
	return conn;
}

static int pause_for(struct waitq *q, u64 us, const bool *stop)
{
	u64 until = now_us + us;

	while (now_us < until && !*stop)
		if (!waitq_wait(q, until))
			break;
	return *stop ? -EINTR : 0;
}

int net_connect(struct node *n, struct sock **sock, u32 timeout_ms, const bool *stop,
		struct waitq *stop_wait)
{
	struct node *peer = other(n);
	struct net_conn *conn;

	if (pause_for(stop_wait, hop() + hop(), stop))
		return -EINTR;
	if (!link_up || !peer->up)
		return pause_for(stop_wait, timeout_ms * MS, stop) ? -EINTR : -ETIMEDOUT;
	if (!peer->listening)
		return -ECONNREFUSED;
	conn = conn_new();
	dlist_add_tail(&conn->end[peer->id].accept, &peer->accept_queue);
	waitq_wake(&peer->accept_wait);
	*sock = &conn->end[n->id];
	return 0;
}

int net_accept(struct node *n, u32 timeout_ms, struct sock **sock, const bool *stop)
{
	u64 until = deadline(timeout_ms);

	while (dlist_empty(&n->accept_queue)) {
		if (*stop)
			return -EINTR;
		if (!waitq_wait(&n->accept_wait, until))
			return -EAGAIN;
	}
	*sock = dlist_first_entry(&n->accept_queue, struct sock, accept);
	dlist_del_init(&(*sock)->accept);
	return 0;
}

void net_wake_accept(struct node *n)
{
	waitq_wake(&n->accept_wait);
}

/* ---- faults ---- */

void net_node_crashed(struct node *n)
{
	struct net_conn *conn, *next;

	n->listening = false;
	dlist_for_each_entry_safe(conn, next, &conns, all) {
		struct sock *s = &conn->end[n->id];

		dlist_del_init(&s->accept);
		chunks_free(s, &s->arrived);
		s->vanished = true;
		conn_put(conn);
	}
	dlist_init(&n->accept_queue);
	waitq_init(&n->accept_wait);
}

static void kick_all(void)
{
	struct net_conn *conn;
	int i;

	dlist_for_each_entry(conn, &conns, all)
		for (i = 0; i < 2; i++)
			if (!dlist_empty(&conn->end[i].transit))
				event_at(&conn->end[i].arrival, now_us + hop());
}

/* What its peer still sends is answered by a reset now. */
void net_node_booted(struct node *n)
{
	(void)n;
	kick_all();
}

void net_set_link(bool up)
{
	trace(NULL, "link %s", up ? "up" : "down");
	link_up = up;
	if (up)
		kick_all();
}

bool net_link_up(void)
{
	return link_up;
}

void net_reset(void)
{
	struct net_conn *conn;
	int i;

	trace(NULL, "connections reset");
	dlist_for_each_entry(conn, &conns, all)
		for (i = 0; i < 2; i++)
			if (usable(&conn->end[i]))
				break_end(&conn->end[i]);
}
