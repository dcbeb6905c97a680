// SPDX-License-Identifier: GPL-2.0
/* peer_request.c - I/O for the peer, from its start to the answer (peer_request.h) */
#include "objects.h"
#include "engine.h"
#include "predicates.h"

void peer_request_lists_init(struct drbd_device *device)
{
	struct peer_request_lists *prl = &device->prl;

	memset(prl, 0, sizeof(*prl));
	dlist_init(&prl->active);
	dlist_init(&prl->resync_writes);
	dlist_init(&prl->reads);
	dlist_init(&prl->waiting);
	dlist_init(&prl->parked);
	interval_tree_init(&prl->resync_tree);
}

void peer_request_init(struct drbd_peer_request *pr, struct drbd_device *device, u64 sector,
		       u32 bytes)
{
	memset(pr, 0, sizeof(*pr));
	pr->device = device;
	interval_init(&pr->interval, sector, bytes);
	send_item_init(&pr->send, SEND_PEER_ACK);
	send_item_init(&pr->recv_ack, SEND_PEER_RECV_ACK);
	dlist_init(&pr->link);
}

void peer_request_register(struct drbd_peer_request *pr, enum peer_purpose purpose)
{
	struct drbd_device *device = pr->device;

	pr->purpose = purpose;
	pr->start_ms = env_now_ms();
	if (core_bug_on(pr->registered))
		return;
	pr->registered = true;
	device->prl.in_flight++;
	device->peer_unacked++;
	if (purpose == PEER_WRITE)
		device->prl.writes_in_flight++;
	dlist_add_tail(&pr->link, &device->prl.waiting);
}

bool peer_resync_write_overlaps(const struct drbd_device *device, u64 sector, u32 bytes)
{
	return interval_overlap_first(&device->prl.resync_tree, sector, bytes);
}

static bool overlap(const struct interval *i, u64 sector, u32 bytes)
{
	return i->sector < sector + (bytes >> 9) && sector < interval_end(i);
}

bool peer_write_overlaps(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct drbd_peer_request *pr;

	dlist_for_each_entry(pr, &device->prl.active, link) {
		if (!overlap(&pr->interval, sector, bytes))
			continue;
		pr->awaited = true;
		return true;
	}
	return false;
}

void peer_writes_leave_marks(struct drbd_device *device, u64 sector, u32 bytes)
{
	u64 first = sector & ~(u64)(BM_SECTORS_PER_BIT - 1);
	u64 end = (sector + (bytes >> 9) + BM_SECTORS_PER_BIT - 1) & ~(u64)(BM_SECTORS_PER_BIT - 1);
	struct drbd_peer_request *pr;

	/* Not those of rq.writes: with one Primary they are not there. */
	dlist_for_each_entry(pr, &device->prl.active, link)
		if (pr->interval.sector < end && first < interval_end(&pr->interval))
			pr->may_set_in_sync = false;
}

void peer_request_start(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	struct peer_request_lists *prl = &device->prl;
	u32 sectors = pr->interval.bytes >> 9;

	dlist_del_init(&pr->link);
	switch (pr->purpose) {
	case PEER_WRITE:
		dlist_add_tail(&pr->link, &prl->active);
		device->writ_cnt += sectors;
		break;
	case PEER_RESYNC_WRITE:
		dlist_add_tail(&pr->link, &prl->resync_writes);
		interval_insert(&prl->resync_tree, &pr->interval);
		device->writ_cnt += sectors;
		break;
	default:
		dlist_add_tail(&pr->link, &prl->reads);
		device->read_cnt += sectors;
		break;
	}
	pr->submitted = true;
	env_peer_request_submit(pr);
}

/* ---- the answer ---- */

void peer_request_reply(struct drbd_peer_request *pr, u16 cmd)
{
	pr->reply_cmd = cmd;
	pr->send.kind = SEND_PEER_REPLY;
	send_item_queue(&pr->device->resource->connection, SOCK_DATA, &pr->send);
}

void peer_request_ack(struct drbd_peer_request *pr, u16 cmd)
{
	pr->reply_cmd = cmd;
	pr->send.kind = SEND_PEER_ACK;
	send_item_queue(&pr->device->resource->connection, SOCK_META, &pr->send);
}

void peer_request_refuse(struct drbd_peer_request *pr, u64 sector, u32 bytes, const u8 block_id[8],
			 u16 cmd)
{
	interval_init(&pr->interval, sector, bytes);
	memcpy(pr->block_id, block_id, sizeof(pr->block_id));
	peer_request_register(pr, PEER_DISCARDED);
	peer_request_ack(pr, cmd);
}

void peer_request_sent(struct drbd_peer_request *pr, struct send_item *item, bool ok)
{
	if (item == &pr->recv_ack) {
		if (pr->over)
			peer_request_finish(pr);
		return;
	}
	switch (pr->purpose) {
	case PEER_RESYNC_WRITE:
	case PEER_RESYNC_READ:
	case PEER_CSUM_SOURCE:
	case PEER_CSUM_TARGET:
		resync_peer_sent(pr, ok);
		break;
	case PEER_VERIFY_TARGET:
	case PEER_VERIFY_SOURCE:
		verify_peer_sent(pr, ok);
		break;
	default:
		break;
	}
	peer_request_finish(pr);
}

/* Others may have waited for this write: received ones, local ones, and those told to retry. */
static void write_leaves_tree(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	bool waiting = pr->interval.waiting;

	interval_remove(&device->rq.writes, &pr->interval);
	request_retry_postponed(device, pr->interval.sector, pr->interval.bytes);
	if (waiting)
		request_conflict_kick(device);
}

static void unregister(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	struct peer_request_lists *prl = &device->prl;
	bool quiet = false;

	if (!pr->registered)
		return;
	pr->registered = false;
	dlist_del_init(&pr->link);
	if (pr->purpose == PEER_WRITE)
		quiet = --prl->writes_in_flight == 0;
	if (--device->peer_unacked == 0)
		quiet = true;
	if (--prl->in_flight == 0)
		quiet = true;
	if (quiet)
		env_wake(device->resource);
}

void peer_request_finish(struct drbd_peer_request *pr)
{
	/* P_RECV_ACK on its way refers to it. */
	if (dlist_linked(&pr->recv_ack.link)) {
		pr->over = true;
		return;
	}
	if (interval_linked(&pr->interval)) {
		if (pr->purpose == PEER_RESYNC_WRITE)
			interval_remove(&pr->device->prl.resync_tree, &pr->interval);
		else
			write_leaves_tree(pr);
	}
	al_end_peer(pr);
	unregister(pr);
	env_peer_request_free(pr);
}

/* ---- the I/O is done ---- */

static u16 write_ack_cmd(enum peer_ack ack)
{
	switch (ack) {
	case PEER_ACK_WRITE:
		return P_WRITE_ACK;
	case PEER_ACK_WRITE_IN_SYNC:
		return P_RS_WRITE_ACK;
	default:
		return P_NEG_ACK;
	}
}

static void write_done(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	struct drbd_connection *connection = &device->resource->connection;
	struct peer_epoch *epoch = pr->epoch;
	struct peer_write_view view = {
		.conn = device->state.conn,
		.io_error = pr->error != 0,
		.want_write_ack = pr->send_write_ack,
		.may_set_in_sync = pr->may_set_in_sync,
		.only_copy = pr->only_copy,
		.completed = true,
	};
	struct peer_write_decision d = peer_write_done(&view);
	u64 sector = pr->interval.sector;
	u32 bytes = pr->interval.bytes;

	if (d.set_bits) {
		device_set_out_of_sync(device, sector, bytes);
		resync_write_failed(device, sector, bytes);
	}
	if (d.clear_bits)
		device_set_in_sync(device, sector, bytes);
	if (d.io_error)
		device_io_error(device, IO_ERROR_DATA_WRITE);
	al_end_peer(pr);

	/* It is on the disk; only its answer is missing. */
	dlist_del_init(&pr->link);
	dlist_add_tail(&pr->link, &device->prl.waiting);
	if (pr->awaited)
		env_wake(device->resource);
	/* The request may be gone once its answer was queued. */
	pr->epoch = NULL;
	if (d.ack == PEER_ACK_NONE)
		peer_request_finish(pr);
	else
		peer_request_ack(pr, write_ack_cmd(d.ack));
	if (epoch)
		peer_epoch_leave(connection, epoch);
}

static void read_done(struct drbd_peer_request *pr)
{
	if (!pr->error) {
		peer_request_reply(pr, P_DATA_REPLY);
		return;
	}
	/* As for reads of its own: the source of a sync has nobody to get it from. */
	if (!state_is_sync_source(pr->device->state.conn))
		device_set_out_of_sync(pr->device, pr->interval.sector, pr->interval.bytes);
	device_io_error(pr->device, IO_ERROR_DATA_READ);
	peer_request_ack(pr, P_NEG_DREPLY);
}

void peer_request_local_done(struct drbd_peer_request *pr, int error)
{
	struct drbd_device *device = pr->device;

	pr->error = error;
	switch (pr->purpose) {
	case PEER_WRITE:
		write_done(pr);
		break;
	case PEER_READ:
		read_done(pr);
		break;
	case PEER_RESYNC_WRITE:
		/* An application write to the same place may wait for it. */
		interval_remove(&device->prl.resync_tree, &pr->interval);
		env_wake(device->resource);
		resync_peer_done(pr);
		break;
	case PEER_RESYNC_READ:
	case PEER_CSUM_SOURCE:
	case PEER_CSUM_TARGET:
		resync_peer_done(pr);
		break;
	case PEER_VERIFY_TARGET:
	case PEER_VERIFY_SOURCE:
		verify_peer_done(pr);
		break;
	default:
		peer_request_finish(pr);
		break;
	}
	/* Last: with it a failed disk may go. */
	local_put(device);
}
