// SPDX-License-Identifier: GPL-2.0
/*
 * peer_epoch.c - epochs of received writes, and their acknowledgement (wire.md 5.5, 5.7)
 *
 * The epochs are acknowledged in the order of their barriers, whatever order their writes
 * completed in. A write that was superseded or sent back is forgotten by its sender and so is
 * not counted; an epoch left with none is not acknowledged at all.
 *
 * One sent back goes on being counted by a peer of the original's kind until it is repeated,
 * which is after the peer has carried out and acknowledged the write of mine that won. So
 * acks that would not count it wait for that.
 */
#include "objects.h"

void peer_epochs_init(struct drbd_connection *connection)
{
	struct peer_epochs *epochs = &connection->epochs;

	memset(epochs, 0, sizeof(*epochs));
	dlist_init(&epochs->open);
	peer_epoch_begin(connection);
}

struct peer_epoch *peer_epoch_current(struct drbd_connection *connection)
{
	return dlist_last_entry(&connection->epochs.open, struct peer_epoch, link);
}

/* An index into the pool; PEER_EPOCHS: there is none. */
static u32 unused(const struct peer_epochs *epochs)
{
	u32 i;

	for (i = 0; i < PEER_EPOCHS && epochs->pool[i].in_use; i++)
		;
	return i;
}

bool peer_epoch_begin(struct drbd_connection *connection)
{
	struct peer_epochs *epochs = &connection->epochs;
	u32 i = unused(epochs);
	struct peer_epoch *e;

	if (i == PEER_EPOCHS) {
		peer_epochs_check(connection);
		i = unused(epochs);
	}
	if (i == PEER_EPOCHS)
		return false;
	e = &epochs->pool[i];
	memset(e, 0, sizeof(*e));
	e->in_use = true;
	dlist_add_tail(&e->link, &epochs->open);
	return true;
}

void peer_epoch_join(struct drbd_connection *connection, struct drbd_peer_request *pr)
{
	pr->epoch = peer_epoch_current(connection);
	pr->epoch->size++;
	pr->epoch->active++;
	connection->epochs.writes_in_flight++;
}

static void write_is_over(struct drbd_connection *connection, struct peer_epoch *epoch)
{
	epoch->active--;
	if (--connection->epochs.writes_in_flight == 0)
		env_wake(connection->resource);
	if (epoch->has_number && !epoch->active)
		peer_epochs_check(connection);
}

void peer_epoch_leave(struct drbd_connection *connection, struct peer_epoch *epoch)
{
	write_is_over(connection, epoch);
}

void peer_epoch_uncount(struct drbd_connection *connection, struct drbd_peer_request *pr,
			bool sent_back)
{
	struct peer_epoch *epoch = pr->epoch;

	pr->epoch = NULL;
	epoch->size--;
	if (sent_back) {
		if (!epoch->sent_back)
			connection->epochs.sent_back++;
		epoch->sent_back = true;
		epoch->refused_by = max(epoch->refused_by, pr->refused_by);
	}
	write_is_over(connection, epoch);
}

static bool will_be_repeated(const struct drbd_connection *connection,
			     const struct peer_epoch *epoch)
{
	/* The answer to mine may come behind what there is no room for before this ack. */
	if (!epoch->sent_back || unused(&connection->epochs) == PEER_EPOCHS)
		return false;
	return tl_awaits_answer(connection, epoch->refused_by);
}

void peer_epochs_write_answered(struct drbd_connection *connection)
{
	if (connection->epochs.sent_back)
		peer_epochs_check(connection);
}

void peer_epochs_check(struct drbd_connection *connection)
{
	struct peer_epochs *epochs = &connection->epochs;
	struct peer_epoch *e;

	while (epochs->open.next != epochs->open.prev) {
		struct wire_p_barrier_ack p;

		e = dlist_first_entry(&epochs->open, struct peer_epoch, link);
		if (!e->has_number || e->flushing || e->active || will_be_repeated(connection, e))
			return;
		p.barrier = e->number;
		p.set_size = cpu_to_be32(e->size);
		if (e->size)
			send_control(connection, SOCK_META, 0, P_BARRIER_ACK, &p, sizeof(p));
		if (e->sent_back)
			epochs->sent_back--;
		dlist_del_init(&e->link);
		e->in_use = false;
		env_wake(connection->resource);
	}
}
