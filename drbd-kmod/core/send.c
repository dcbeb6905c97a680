// SPDX-License-Identifier: GPL-2.0
/*
 * send.c - the queues of the two sockets: what is sent next, and what follows when it
 * has been sent (send.h). Packets themselves are built in send_packet.c.
 */
#include "objects.h"
#include "connection.h"
#include "predicates.h"
#include "send_packet.h"

static void send_queue_init(struct send_queue *q)
{
	u32 i;

	dlist_init(&q->items);
	dlist_init(&q->free);
	q->open = false;
	q->ping_acks = 0;
	for (i = 0; i < CONTROL_POOL; i++) {
		send_item_init(&q->pool[i].item, SEND_CONTROL);
		dlist_add_tail(&q->pool[i].item.link, &q->free);
	}
	q->n_free = CONTROL_POOL;
}

void send_init(struct drbd_connection *connection)
{
	send_queue_init(&connection->queue[SOCK_DATA]);
	send_queue_init(&connection->queue[SOCK_META]);
}

void send_item_init(struct send_item *item, enum send_kind kind)
{
	dlist_init(&item->link);
	item->kind = kind;
	item->in_flight = false;
}

void send_open(struct drbd_connection *connection)
{
	struct transfer_log *tl = &connection->tl;

	/* No barrier precedes the first write of a connection. */
	tl->sent_writes = 0;
	tl->sent_epoch = tl->current_epoch;
	tl->peer_refused = false;
	tl->last_barrier_ms = env_now_ms();
	tl->follow_ups = 0;
	tl->barrier_now = false;
	/* The peer begins anew as well: its last connection's epochs get no answer any more. */
	peer_epochs_init(connection);
	connection->ping_wanted = false;
	connection->queue[SOCK_META].ping_acks = 0;
	connection->queue[SOCK_META].ping_after = 0;
	connection->queue[SOCK_DATA].broken = false;
	connection->queue[SOCK_META].broken = false;
	connection->queue[SOCK_DATA].open = true;
	connection->queue[SOCK_META].open = true;
}

/* ---- the control packets ---- */

static void control_free(struct drbd_connection *connection, int socket, struct send_item *item)
{
	struct send_queue *q = &connection->queue[socket];

	dlist_move_tail(&item->link, &q->free);
	if (q->n_free++ < CONTROL_POOL / 2)
		env_wake(connection->resource);
}

bool send_has_room(const struct drbd_connection *connection, int socket, u32 n)
{
	return connection->queue[socket].n_free >= n;
}

static struct control_packet *control_take(struct drbd_connection *connection, int socket)
{
	struct send_queue *q = &connection->queue[socket];
	struct control_packet *c;

	if (!q->open)
		return NULL;
	if (dlist_empty(&q->free)) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer takes no more packets: %u wait to be sent; reconnecting",
				   CONTROL_POOL);
		connection_fail(connection, C_NETWORK_FAILURE);
		return NULL;
	}
	c = dlist_first_entry(&q->free, struct control_packet, item.link);
	dlist_del_init(&c->item.link);
	q->n_free--;
	c->seq_in_ack = false;
	return c;
}

static struct control_packet *control_queue(struct drbd_connection *connection, int socket,
					    u32 vnr, u16 cmd, const void *body, u32 len)
{
	struct control_packet *c;

	if (core_bug_on(len > CONTROL_BODY_MAX))
		return NULL;
	c = control_take(connection, socket);
	if (!c)
		return NULL;
	c->cmd = cmd;
	c->vnr = vnr;
	c->len = len;
	if (len)
		memcpy(c->body, body, len);
	send_item_queue(connection, socket, &c->item);
	return c;
}

void send_control(struct drbd_connection *connection, int socket, u32 vnr, u16 cmd,
		  const void *body, u32 len)
{
	control_queue(connection, socket, vnr, cmd, body, len);
}

void send_block_ack(struct drbd_connection *connection, u32 vnr, u16 cmd, u64 sector,
		    const u8 block_id[8], u32 bytes)
{
	struct wire_p_block_ack ack = {
		.sector = cpu_to_be64(sector),
		.blksize = cpu_to_be32(bytes),
	};
	struct control_packet *c;

	memcpy(&ack.block_id, block_id, sizeof(ack.block_id));
	c = control_queue(connection, SOCK_META, vnr, cmd, &ack, sizeof(ack));
	if (c)
		c->seq_in_ack = true;
}

void send_ping(struct drbd_connection *connection)
{
	struct send_queue *q = &connection->queue[SOCK_META];
	struct dlist *item;

	connection->ping_wanted = true;
	/* Its answer proves that the peer has the acks given before it. */
	q->ping_after = 0;
	for (item = q->items.next; item != &q->items; item = item->next)
		q->ping_after++;
	env_send_kick(connection, SOCK_META);
}

void send_ping_ack(struct drbd_connection *connection)
{
	connection->queue[SOCK_META].ping_acks++;
	env_send_kick(connection, SOCK_META);
}

/* ---- leaving the queue ---- */

/* It was sent, or (ok == false) never will be. */
static void item_over(struct drbd_connection *connection, int socket, struct send_item *item, bool ok)
{
	struct drbd_request *req;
	struct drbd_peer_request *pr;

	dlist_del_init(&item->link);
	item->in_flight = false;
	switch (item->kind) {
	case SEND_CONTROL:
		if (container_of(item, struct control_packet, item)->cmd == P_PROTOCOL_UPDATE)
			send_protocol_updated(connection);
		control_free(connection, socket, item);
		break;
	case SEND_REQUEST:
		req = container_of(item, struct drbd_request, send);
		if (!ok) {
			request_apply(req, REQ_SEND_FAILED);
			break;
		}
		req->sent_ms = env_now_ms();
		request_apply(req, req->flags & RQ_OOS ? REQ_OOS_SENT : REQ_SENT);
		break;
	case SEND_PEER_REPLY:
	case SEND_PEER_ACK:
		pr = container_of(item, struct drbd_peer_request, send);
		peer_request_sent(pr, item, ok);
		break;
	case SEND_PEER_RECV_ACK:
		pr = container_of(item, struct drbd_peer_request, recv_ack);
		peer_request_sent(pr, item, ok);
		break;
	default:	/* generators belong to those who queued them */
		break;
	}
}

void send_item_queue(struct drbd_connection *connection, int socket, struct send_item *item)
{
	struct send_queue *q = &connection->queue[socket];

	if (!q->open) {
		item_over(connection, socket, item, false);
		return;
	}
	dlist_add_tail(&item->link, &q->items);
	env_send_kick(connection, socket);
}

static void send_queue_close(struct drbd_connection *connection, int socket)
{
	struct send_queue *q = &connection->queue[socket];
	struct dlist doomed;
	struct send_item *first;

	q->open = false;
	dlist_init(&doomed);
	dlist_splice_tail_init(&q->items, &doomed);
	while (!dlist_empty(&doomed)) {
		first = dlist_first_entry(&doomed, struct send_item, link);
		/* What is being sent right now ends in send_done(). */
		if (first->in_flight)
			dlist_move_tail(&first->link, &q->items);
		else
			item_over(connection, socket, first, false);
	}
}

void send_close(struct drbd_connection *connection)
{
	/* Acks first: a request is not completed by losing the data socket alone. */
	send_queue_close(connection, SOCK_META);
	send_queue_close(connection, SOCK_DATA);
}

/* ---- one packet at a time ---- */

static bool send_next_meta_urgent(struct drbd_connection *connection, struct outgoing *out)
{
	struct send_queue *q = &connection->queue[SOCK_META];

	if (q->ping_acks) {
		q->ping_acks--;
		send_begin(connection, out, 0, P_PING_ACK, 0, 0);
		return true;
	}
	if (connection->ping_wanted && (!q->ping_after || dlist_empty(&q->items))) {
		connection->ping_wanted = false;
		/* The oldest counts: who asks again and again must not put the end off for ever. */
		if (!connection->ping_out)
			connection->ping_sent = env_now_ms();
		connection->ping_out = true;
		send_begin(connection, out, 0, P_PING, 0, 0);
		return true;
	}
	return false;
}

/* The epoch of the last write that was sent is over, as seen by what follows with `epoch`. */
static bool barrier_is_due(const struct transfer_log *tl, u32 epoch)
{
	return tl->sent_writes && tl->sent_epoch != epoch;
}

static void send_barrier(struct drbd_connection *connection, struct outgoing *out)
{
	struct transfer_log *tl = &connection->tl;
	struct wire_p_barrier *p = send_begin(connection, out, 0, P_BARRIER, sizeof(*p), 0);

	/* Opaque to the peer; little-endian as on most genuine nodes, for captures' sake. */
	p->barrier = (__force u32)cpu_to_le32(tl->sent_epoch);
	p->pad = 0;
	tl->sent_writes = 0;
	tl->last_barrier_ms = env_now_ms();
	tl->barrier_now = false;
}

#define FOLLOW_UPS_ENOUGH 8
#define FOLLOW_UP_MS 1
#define BARRIER_WAIT_MS 4

/* The first write of an epoch: does it follow the last epoch's barrier at once? */
static void note_follow_up(struct transfer_log *tl)
{
	if (env_now_ms() - tl->last_barrier_ms > FOLLOW_UP_MS)
		tl->follow_ups = 0;
	else if (tl->follow_ups < FOLLOW_UPS_ENOUGH)
		tl->follow_ups++;
}

bool send_barrier_waits(struct drbd_connection *connection)
{
	struct transfer_log *tl = &connection->tl;

	if (tl->follow_ups < FOLLOW_UPS_ENOUGH || tl->barrier_now || !dlist_empty(&tl->flushes))
		return false;
	if (tl->wait_epoch != tl->sent_epoch) {
		tl->wait_epoch = tl->sent_epoch;
		tl->wait_since_ms = env_now_ms();
	}
	/* Left running from epoch to epoch: cheaper than to set it for each. */
	if (!core_timer_armed(&connection->barrier_timer))
		core_timer_set(connection->resource, &connection->barrier_timer, BARRIER_WAIT_MS);
	return true;
}

void send_barrier_timer(struct core_timer *timer)
{
	struct drbd_connection *connection = container_of(timer, struct drbd_connection,
							  barrier_timer);
	struct transfer_log *tl = &connection->tl;
	u64 waited = env_now_ms() - tl->wait_since_ms;

	if (!barrier_is_due(tl, tl->current_epoch))
		return;
	if (tl->wait_epoch == tl->sent_epoch && waited < BARRIER_WAIT_MS) {
		core_timer_set(connection->resource, timer, BARRIER_WAIT_MS - waited);
		return;
	}
	tl->follow_ups = 0;
	tl->barrier_now = true;
	env_send_kick(connection, SOCK_DATA);
}

enum item_turn { TURN_SENT, TURN_BARRIER_FIRST, TURN_EXHAUSTED };

static enum item_turn item_turn(struct drbd_connection *connection, struct outgoing *out,
				struct send_item *item)
{
	struct drbd_request *req;
	struct drbd_device *device;
	bool more = true;

	switch (item->kind) {
	case SEND_CONTROL:
		send_build_control(connection, out, container_of(item, struct control_packet, item));
		break;
	case SEND_REQUEST:
		req = container_of(item, struct drbd_request, send);
		if (barrier_is_due(&connection->tl, req->epoch))
			return TURN_BARRIER_FIRST;
		if (!connection->tl.sent_writes && (req->flags & RQ_W) && !(req->flags & RQ_OOS))
			note_follow_up(&connection->tl);
		send_build_request(connection, out, req);
		break;
	case SEND_PEER_REPLY:
		send_build_reply(connection, out,
				 container_of(item, struct drbd_peer_request, send));
		break;
	case SEND_PEER_ACK:
		send_build_ack(connection, out, container_of(item, struct drbd_peer_request, send),
			       false);
		break;
	case SEND_PEER_RECV_ACK:
		send_build_ack(connection, out,
			       container_of(item, struct drbd_peer_request, recv_ack), true);
		break;
	case SEND_BITMAP:
		device = container_of(item, struct drbd_device, resync.bitmap_send);
		more = bitmap_send_next(device, out);
		break;
	case SEND_RESYNC_REQUESTS:
		device = container_of(item, struct drbd_device, resync.requests);
		more = resync_send_next(device, out);
		break;
	case SEND_VERIFY_REQUESTS:
		device = container_of(item, struct drbd_device, resync.requests);
		more = verify_send_next(device, out);
		break;
	}
	return more ? TURN_SENT : TURN_EXHAUSTED;
}

static bool send_next_item(struct drbd_connection *connection, struct send_queue *q,
			   struct outgoing *out)
{
	struct send_item *item;

	while (!dlist_empty(&q->items)) {
		item = dlist_first_entry(&q->items, struct send_item, link);
		if (item->in_flight)
			return false;
		switch (item_turn(connection, out, item)) {
		case TURN_EXHAUSTED:
			dlist_del_init(&item->link);
			continue;
		case TURN_BARRIER_FIRST:
			send_barrier(connection, out);
			return true;
		case TURN_SENT:
			item->in_flight = true;
			out->item = item;
			out->push = item->link.next == &q->items;
			return true;
		}
	}
	return false;
}

bool send_next(struct drbd_connection *connection, int socket, struct outgoing *out)
{
	struct send_queue *q = &connection->queue[socket];
	u8 *head = out->head;

	memset(out, 0, sizeof(*out));
	out->head = head;
	if (!q->open || q->broken)
		return false;
	if (socket == SOCK_META && send_next_meta_urgent(connection, out)) {
		out->push = true;
		return true;
	}
	if (send_next_item(connection, q, out))
		return true;
	/* Idle: tell the peer that the last epoch is over, once it is. */
	if (socket == SOCK_DATA && dlist_empty(&q->items) &&
	    barrier_is_due(&connection->tl, connection->tl.current_epoch) &&
	    !send_barrier_waits(connection)) {
		send_barrier(connection, out);
		out->push = true;
		return true;
	}
	return false;
}

void send_done(struct drbd_connection *connection, int socket, struct outgoing *out, bool ok)
{
	struct send_queue *q = &connection->queue[socket];
	struct send_item *item = out->item;
	bool generator;

	/* The peer would take what follows for the rest of this packet, and write it as data. */
	if (!ok)
		q->broken = true;
	if (!item)
		return;
	ok = ok && q->open;
	if (q->ping_after)
		q->ping_after--;
	generator = item->kind == SEND_BITMAP || item->kind == SEND_RESYNC_REQUESTS ||
		    item->kind == SEND_VERIFY_REQUESTS;
	if (generator && ok) {
		item->in_flight = false;
		return;
	}
	item_over(connection, socket, item, ok);
}
