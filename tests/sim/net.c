// SPDX-License-Identifier: GPL-2.0
/*
 * The network: two ordered streams a TCP connection.  While the link is down nothing
 * arrives, and nothing is lost either unless one end gives up, as with TCP.
 */
#include "net.h"

struct chunk {
	struct dlist link;
	u64 arrives;
	u32 bytes, used;
	bool tags, fin, syn;
	u8 data[];
};

struct dlist net_conns = { &net_conns, &net_conns };
struct net_model net;
static bool path_up[NODES] = { true, true };	/* towards the node */
static u32 latency_min, latency_max, window;

static u64 hop(void)
{
	u64 us = chance_between(latency_min, latency_max);

	return net.retransmit && one_in(net.retransmit) ? us + chance_between(200, 1200) * MS : us;
}

void net_init(u32 lat_min, u32 lat_max, u32 win)
{
	latency_min = lat_min;
	latency_max = lat_max;
	window = win;
}

bool net_usable(const struct sock *s)
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

void net_break_end(struct sock *s)
{
	s->error = true;
	waitq_wake(&s->wait);
}

/* Something reached an end that is no longer there: its sender learns that. */
static void refuse(struct sock *s)
{
	bool data = !dlist_first_entry(&s->transit, struct chunk, link)->fin;

	chunks_free(s, &s->transit);
	if (data)
		net_break_end(net_far_end(s));
}

/* The connection itself arrives: is anybody waiting for it? */
static void arrive_syn(struct sock *s)
{
	if (!s->node->listening) {
		s->closed = true;
		net_break_end(net_far_end(s));
		return;
	}
	dlist_add_tail(&s->accept, &s->node->accept_queue);
	waitq_wake(&s->node->accept_wait);
}

/* As much of it as arrives before the stream is cut. */
static void cut(struct sock *s, struct chunk *c)
{
	if (!s->cut_after)
		return;
	if (c->bytes < s->cut_after) {
		s->cut_after -= c->bytes;
		return;
	}
	trace(s->node, "stream cut, %u of %u bytes%s", s->cut_after, c->bytes,
	      s->cut_quietly ? ", the other end does not know" : "");
	s->backlog -= c->bytes - s->cut_after;
	c->bytes = c->tags ? s->cut_after & ~63u : s->cut_after;
	s->backlog -= s->cut_after - c->bytes;
	s->half_dead = true;
	s->error = true;
	if (!s->cut_quietly)
		net_break_end(net_far_end(s));
}

static bool arrive_one(struct sock *s, struct chunk *c)
{
	dlist_del_init(&c->link);
	cut(s, c);
	if (c->fin || c->syn) {
		s->eof |= c->fin;
		if (c->syn)
			arrive_syn(s);
		free(c);
	} else if (!c->bytes) {
		free(c);
	} else {
		dlist_add_tail(&c->link, &s->arrived);
	}
	return !s->half_dead && !s->closed;
}

/* Nothing more arrives at an end that is gone; true: that is the case. */
static bool gone(struct sock *s)
{
	if (!s->closed && !s->vanished && !s->half_dead)
		return false;
	if (dlist_empty(&s->transit) || s->mute)
		return true;
	if (s->closed || s->half_dead || s->node->up)
		refuse(s);
	return true;
}

static void arrive(struct event *ev)
{
	struct sock *s = container_of(ev, struct sock, arrival);
	bool any = false, more = true;

	if (!path_up[s->node->id] || gone(s))
		return;
	if (s->held_until > now_us)
		return event_at(&s->arrival, s->held_until);
	while (more && !dlist_empty(&s->transit)) {
		struct chunk *c = dlist_first_entry(&s->transit, struct chunk, link);

		if (c->arrives > now_us) {
			event_at(&s->arrival, c->arrives);
			break;
		}
		any = true;
		more = arrive_one(s, c);
	}
	if (!more && !dlist_empty(&s->transit))
		refuse(s);
	if (any)
		waitq_wake(&s->wait);
}

static u64 line_time(struct sock *to, u32 bytes)
{
	if (!net.bytes_per_ms)
		return now_us;
	to->line_free = max(to->line_free, now_us) + (u64)bytes * MS / net.bytes_per_ms;
	return to->line_free;
}

static void push(struct sock *from, struct chunk *c)
{
	struct sock *to = net_far_end(from);

	c->arrives = max(line_time(to, c->bytes) + hop(), to->last_arrival);
	to->last_arrival = c->arrives;
	to->backlog += c->bytes;
	dlist_add_tail(&c->link, &to->transit);
	if (path_up[to->node->id] && !event_scheduled(&to->arrival))
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

	while (net_usable(s) && net_far_end(s)->backlog >= window)
		if (!waitq_wait(&s->wait, until))
			return -EAGAIN;
	return s->error ? -ECONNRESET : net_usable(s) ? 0 : -EPIPE;
}

static void send_piece(struct sock *s, const void *buf, u32 bytes, bool tags)
{
	u32 size = tags ? bytes / 64 : bytes;
	struct chunk *c = chunk_new(bytes, size);

	c->tags = tags;
	memcpy(c->data, buf, size);
	push(s, c);
}

/* How much goes out at once: all of it, unless the window or the network say otherwise. */
static u32 piece_of(u32 len, bool tags)
{
	u32 n = len, unit = tags ? 512 : 1;

	if (!net.rough)
		return len;
	if (one_in(net.split) && n > 2 * unit)
		n = chance_between(1, n - 1);
	n = min(n, max(window, 512u));
	return max(n - n % unit, unit);
}

/* A send that timed out goes on where it was when it is called again, as in the module. */
static int send_all(struct sock *s, const u8 *buf, u32 len, bool tags)
{
	u32 n, scale = tags ? 64 : 1;
	int err;

	while (s->progress < len) {
		err = wait_for_window(s);
		if (err)
			return err;
		n = piece_of(len - s->progress, tags);
		send_piece(s, buf + s->progress / scale, n, tags);
		s->progress += n;
	}
	s->progress = 0;
	return 0;
}

int net_send(struct sock *s, const void *buf, u32 len)
{
	return send_all(s, buf, len, false);
}

int net_send_tags(struct sock *s, const u64 *tags, u32 bytes)
{
	return send_all(s, (const u8 *)tags, bytes, true);
}

/* The next chunk that has arrived, of the right sort. */
static int next_chunk(struct sock *s, u64 until, bool tags, struct chunk **c)
{
	while (dlist_empty(&s->arrived)) {
		if (s->error)
			return -ECONNRESET;
		if (s->eof || !net_usable(s))
			return -EPIPE;
		if (!waitq_wait(&s->wait, until))
			return -EAGAIN;
	}
	/* What came before a reset can still be read. */
	if (!net_usable(s) && !(net.rough && s->error && !s->shut && !s->closed && !s->vanished))
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
			waitq_wake(&net_far_end(s)->wait);
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
	return net_usable(s) && (!s->eof || !dlist_empty(&s->arrived));
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
	waitq_wake(&net_far_end(s)->wait);
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
	static u64 last_serial;
	int i;

	conn->serial = ++last_serial;
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
	dlist_add_tail(&conn->all, &net_conns);
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
	if (!net_link_up() || !peer->up)
		return pause_for(stop_wait, timeout_ms * MS, stop) ? -EINTR : -ETIMEDOUT;
	if (!peer->listening)
		return -ECONNREFUSED;
	conn = conn_new();
	if (net.rough) {
		/* The peer learns of it later than this side does, or not at all. */
		struct chunk *c = chunk_new(0, 0);

		c->syn = true;
		push(&conn->end[n->id], c);
	} else {
		dlist_add_tail(&conn->end[peer->id].accept, &peer->accept_queue);
		waitq_wake(&peer->accept_wait);
	}
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
	dlist_for_each_entry_safe(conn, next, &net_conns, all) {
		struct sock *s = &conn->end[n->id];

		dlist_del_init(&s->accept);
		chunks_free(s, &s->arrived);
		s->vanished = true;
		conn_put(conn);
	}
	dlist_init(&n->accept_queue);
	waitq_init(&n->accept_wait);
}

void net_kick(void)
{
	struct net_conn *conn;
	int i;

	dlist_for_each_entry(conn, &net_conns, all)
		for (i = 0; i < 2; i++)
			if (!dlist_empty(&conn->end[i].transit))
				event_at(&conn->end[i].arrival, now_us + hop());
}

/* What its peer still sends is answered by a reset now. */
void net_node_booted(struct node *n)
{
	(void)n;
	net_kick();
}

void net_set_link(bool up)
{
	trace(NULL, "link %s", up ? "up" : "down");
	path_up[0] = path_up[1] = up;
	if (up)
		net_kick();
}

void net_set_path(struct node *to, bool up)
{
	trace(NULL, "path to %s %s", to->name, up ? "up" : "down");
	path_up[to->id] = up;
	if (up)
		net_kick();
}

bool net_link_up(void)
{
	return path_up[0] && path_up[1];
}

void net_reset(void)
{
	struct net_conn *conn;
	int i;

	trace(NULL, "connections reset");
	dlist_for_each_entry(conn, &net_conns, all)
		for (i = 0; i < 2; i++)
			if (net_usable(&conn->end[i]))
				net_break_end(&conn->end[i]);
}
