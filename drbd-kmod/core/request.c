// SPDX-License-Identifier: GPL-2.0
/*
 * request.c - what follows from the events of an application request
 *
 * request_event() (predicates.h) changes the flag word and says what to do; everything it can
 * say is carried out here, in request_apply(). How a request begins is in admission.c.
 */
#include "objects.h"
#include "engine.h"
#include "predicates.h"
#include "send_packet.h"

void request_queues_init(struct drbd_device *device)
{
	struct request_queues *rq = &device->rq;

	memset(rq, 0, sizeof(*rq));
	dlist_init(&rq->admission);
	dlist_init(&rq->al_wait);
	dlist_init(&rq->conflict);
	dlist_init(&rq->local);
	dlist_init(&rq->held);
	interval_tree_init(&rq->writes);
	interval_tree_init(&rq->remote_reads);
}

u32 request_initial_flags(const struct drbd_request *req)
{
	u32 flags = RQ_INIT_READ;

	/* An empty flush changes nothing: it is no write, and stays out of the log. */
	if (req->op != OP_READ && req->op != OP_FLUSH)
		flags = RQ_INIT_WRITE;
	return req->read_ahead ? flags | RQ_RAHEAD : flags;
}

/* What the packet asks of the peer besides what the user wanted. */
u8 request_protocol(const struct drbd_request *req)
{
	const struct drbd_connection *connection = &req->device->resource->connection;

	if (connection->agreed_pro_version >= 100 && req->device->state.disk < D_UP_TO_DATE)
		return OPT_PROTOCOL_C;
	return connection->net_conf.wire_protocol;
}

u32 request_wire_flags(const struct write_decision *d)
{
	return (d->want_recv_ack ? DP_SEND_RECEIVE_ACK : 0) |
	       (d->want_write_ack ? DP_SEND_WRITE_ACK : 0) |
	       (d->may_set_in_sync ? DP_MAY_SET_IN_SYNC : 0);
}

void request_init(struct drbd_request *req, struct drbd_device *device, enum request_op op,
		  u64 sector, u32 bytes, u32 dp_flags)
{
	memset(req, 0, sizeof(*req));
	req->device = device;
	req->op = op;
	req->dp_flags = dp_flags;
	interval_init(&req->interval, sector, op == OP_FLUSH ? 0 : bytes);
	req->interval.is_local = true;
	send_item_init(&req->send, SEND_REQUEST);
	dlist_init(&req->tl);
	dlist_init(&req->wait);
	dlist_init(&req->local);
}

/* ---- bookkeeping of the counters that mirror the flags ---- */

static bool waits_for_peer(u32 flags)
{
	return flags & RQ_NP;
}

/* Its epoch's P_BARRIER_ACK is missing, and will count it. */
static bool is_unacked(u32 flags)
{
	return (flags & RQ_BA) && !(flags & (RQ_ND | RQ_POST));
}

static bool is_in_flight(u32 flags)
{
	return (flags & RQ_BA) && (flags & RQ_NS) && !(flags & RQ_ND);
}

static void account(struct drbd_request *req, u32 old, u32 now)
{
	struct drbd_device *device = req->device;
	struct transfer_log *tl = &device->resource->connection.tl;

	if (waits_for_peer(old) != waits_for_peer(now)) {
		if (waits_for_peer(now))
			device->ap_pending++;
		else if (--device->ap_pending == 0)
			env_wake(device->resource);
	}
	if (is_unacked(old) != is_unacked(now))
		tl->unacked += is_unacked(now) ? 1 : -1;
	if (is_in_flight(old) != is_in_flight(now)) {
		if (is_in_flight(now))
			device->rq.in_flight_sectors += req->interval.bytes >> 9;
		else
			device->rq.in_flight_sectors -= req->interval.bytes >> 9;
	}
}

/* ---- the end ---- */

static void request_free(struct drbd_request *req)
{
	/* The lower device still has its buffers: request_local_done() frees it. */
	if (!req->stale_local)
		env_request_free(req);
}

static void request_leaves(struct drbd_device *device)
{
	if (--device->ap_in_flight == 0)
		env_wake(device->resource);
}

static void request_give_back(struct drbd_request *req, bool ok)
{
	struct drbd_device *device = req->device;
	int error = 0;

	if (!ok)
		error = req->local_error ? req->local_error : -EIO;
	if (req->op == OP_READ)
		device->read_cnt += req->interval.bytes >> 9;
	env_request_complete(req, error);
	request_leaves(device);
}

static void request_hold(struct drbd_request *req, bool ok)
{
	req->held = true;
	req->held_ok = ok;
	dlist_add_tail(&req->wait, &req->device->rq.held);
}

/*
 * With pass_on a disk that missed a write is used on. Until it says so itself it would count,
 * after a crash, as the one that has everything, and overwrite the peer's.
 */
static bool failure_is_unrecorded(const struct drbd_device *device)
{
	return device->state.disk == D_INCONSISTENT && (device->md_flags_durable & MDF_CONSISTENT);
}

bool request_promises(const struct drbd_request *req)
{
	return (req->flags & RQ_W) || req->op == OP_FLUSH;
}

static void request_finish(struct drbd_request *req, bool ok)
{
	struct drbd_device *device = req->device;

	req->interval.completed = true;
	req->interval.waiting = false;
	/*
	 * While a new generation is on its way to the disk, nobody may be told of a write that
	 * the peer does not have (states.md 13.8).
	 */
	if (device->new_uuid_pending && (req->flags & RQ_W) && !(req->flags & RQ_NO)) {
		request_hold(req, ok);
		return;
	}
	if (ok && request_promises(req) && !(req->flags & RQ_LO) &&
	    failure_is_unrecorded(device)) {
		request_hold(req, ok);
		return;
	}
	/* Nor of one that only the peer has, before its generation has a name (exposure.h). */
	if (ok && exposure_must_wait(req)) {
		request_hold(req, ok);
		exposure_patience_start(device);
		return;
	}
	request_give_back(req, ok);
}

/*
 * Both disks are gone before the peer's had a name of its own: after a crash of this node nothing
 * says which of them has more. Users, who get errors from now on, get them for this already.
 */
static bool last_copy_went_unnamed(const struct drbd_device *device)
{
	struct state s = device_state(device);

	return device->exposure == EXPOSURE_UNNAMED && s.disk < D_INCONSISTENT &&
	       s.conn >= C_CONNECTED && s.pdsk < D_INCONSISTENT && !state_suspended(s);
}

/*
 * The disk may be gone since, and with it the only copy: under a name that the peer has, too, if
 * the new one did not get there.
 */
static bool held_is_safe(const struct drbd_request *req)
{
	if (last_copy_went_unnamed(req->device))
		return false;
	/* The peer's disk has confirmed a flush before it was held. */
	if (req->device->state.disk > D_INCONSISTENT || req->op == OP_FLUSH)
		return true;
	return req->flags & RQ_NO;
}

void request_held_release(struct drbd_device *device)
{
	struct dlist *held = &device->rq.held;
	struct drbd_request *req;

	while (!device->new_uuid_pending && device->exposure != EXPOSURE_AWAITED &&
	       !failure_is_unrecorded(device) && !dlist_empty(held)) {
		req = dlist_first_entry(held, struct drbd_request, wait);
		dlist_del_init(&req->wait);
		req->held = false;
		request_give_back(req, req->held_ok && held_is_safe(req));
		if (req->flags & RQ_DESTROYED)
			request_free(req);
	}
	request_admission_kick(device);
}

static void request_unlink(struct drbd_request *req)
{
	struct request_queues *rq = &req->device->rq;

	dlist_del_init(&req->tl);
	if (req->flags & RQ_W)
		interval_remove(&rq->writes, &req->interval);
	else
		interval_remove(&rq->remote_reads, &req->interval);
}

/* From the start again, as if it had just come. */
static void request_again(struct drbd_request *req)
{
	request_unlink(req);
	req->flags = request_initial_flags(req);
	req->wire_flags = 0;
	req->retry = false;
	req->marked_since = false;
	req->interval.completed = false;
	req->interval.waiting = false;
	dlist_add_tail(&req->wait, &req->device->rq.admission);
}

static void request_destroy(struct drbd_request *req)
{
	if (req->retry) {
		request_again(req);
		return;
	}
	request_unlink(req);
	if (!req->held)
		request_free(req);
}

/* ---- events ---- */

static void resubmit_local(struct drbd_request *req)
{
	req->resubmit = true;
	if (!(req->flags & RQ_W) || al_begin_request(req))
		request_al_done(req);
}

/* Sent again into whatever state the handshake led to, it waits for the same answer as before. */
static u32 awaited_acks(const struct drbd_request *req)
{
	return (req->flags & RQ_RA ? DP_SEND_RECEIVE_ACK : 0) |
	       (req->flags & RQ_WA ? DP_SEND_WRITE_ACK : 0);
}

static void requeue(struct drbd_connection *connection, struct drbd_request *req)
{
	struct write_decision d = write_decide(device_state(req->device),
					       request_protocol(req),
					       connection->agreed_pro_version);

	d.may_set_in_sync &= !req->marked_since;
	if (req->flags & RQ_W)
		req->wire_flags = request_wire_flags(&d) | awaited_acks(req);
	else if (!interval_linked(&req->interval))
		interval_insert(&req->device->rq.remote_reads, &req->interval);
	/* Its barrier goes out before whatever is of another epoch, reads as well. */
	tl_rejoin(connection, req);
	send_item_queue(connection, SOCK_DATA, &req->send);
}

static enum io_error_kind io_error_of(u32 fault)
{
	switch (fault) {
	case IO_FAULT_READ:
		return IO_ERROR_DATA_READ;
	case IO_FAULT_WRITE:
		return IO_ERROR_DATA_WRITE;
	case IO_FAULT_META:
		return IO_ERROR_META;
	default:
		return IO_ERROR_TIMEOUT;
	}
}

/*
 * The bits that an attempt left behind when it stepped back: the repeated write has reached both
 * disks. During a resync the peer has such bits too, and they go with its answer.
 */
static bool unmarks(const struct drbd_request *req, const struct request_effects *fx)
{
	const struct state *s = &req->device->state;
	const u32 everywhere = RQ_LO | RQ_NO;

	/* One that failed before it began has reached nobody. */
	if ((req->flags & everywhere) != everywhere)
		return false;
	return fx->destroy && !fx->set_bits && !fx->retry && !req->retry && req->marked &&
	       s->conn == C_CONNECTED && s->disk == D_UP_TO_DATE && s->pdsk == D_UP_TO_DATE;
}

/*
 * It steps back before a write of the peer, to be repeated on both nodes.  Until then its extent
 * stays in the activity log, which says all that a bit would, and leaves no bit behind that
 * the end of a resync would wait for.
 */
static bool keeps_extent(const struct drbd_request *req, const struct request_effects *fx,
			 const struct request_view *view)
{
	const struct drbd_device *device = req->device;

	/* The peer will not have it. */
	if (view->unsayable)
		return false;
	return fx->destroy && fx->set_bits && (fx->retry || req->retry) && req->in_al &&
	       req->al_generation == device->al.generation && (req->flags & RQ_LO) &&
	       device->state.conn >= C_CONNECTED;
}

/*
 * What could not be read here is to come from the peer one day.  The source of a sync has nobody
 * to get it from: its bit would only make the peer ask here for that very block.
 */
static bool read_error_marks(const struct drbd_device *device)
{
	return !state_is_sync_source(device->state.conn);
}

/* The bitmap first, then the disk's fate: what is told afterwards stands on both. */
static void carry_out_on_disk(struct drbd_request *req, const struct request_effects *fx,
			      int event)
{
	struct drbd_device *device = req->device;
	u64 sector = req->interval.sector;
	u32 bytes = req->interval.bytes;

	if (fx->set_bits && (fx->io_error != IO_FAULT_READ || read_error_marks(device)))
		device_set_out_of_sync(device, sector, bytes);
	if (fx->set_bits && fx->destroy && (req->flags & (RQ_W | RQ_LO)) == RQ_W)
		resync_write_failed(device, sector, bytes);
	if ((fx->clear_bits || unmarks(req, fx)) && !req->marked_since)
		device_set_in_sync(device, sector, bytes);
	if (fx->set_bits && fx->destroy && (fx->retry || req->retry))
		req->marked = true;
	if (fx->set_bits && fx->destroy && event == REQ_RESEND)
		device->resend_left_bits = true;
	if (fx->io_error)
		device_io_error(device, io_error_of(fx->io_error));
	if (fx->late_ok)
		env_log_device(device, LOG_LVL_ERR,
			       "an aborted %s at sector %llu +%u was carried out by the disk after all; do not trust that disk",
			       req->flags & RQ_W ? "write" : "read",
			       (unsigned long long)sector, bytes >> 9);
	if (fx->late_error)
		env_log_device(device, LOG_LVL_INFO, "an aborted request at sector %llu +%u failed",
			       (unsigned long long)sector, bytes >> 9);
}

/* A read whose first attempt hangs in the disk does not wait for it: the peer is asked. */
static bool abandon_local(const struct drbd_request *req)
{
	return !(req->flags & RQ_W) && (req->flags & RQ_LA) && (req->flags & RQ_LP);
}

void request_apply(struct drbd_request *req, int event)
{
	struct drbd_device *device = req->device;
	struct drbd_connection *connection = &device->resource->connection;
	struct request_view view = {
		.suspended = state_suspended(device_state(device)),
		.epoch_is_current = req->epoch == connection->tl.current_epoch,
		.protocol = request_protocol(req),
		.local_is_partial = device->state.disk <= D_INCONSISTENT,
		.peer_is_partial = device->state.pdsk < D_UP_TO_DATE,
		.unsayable = event == REQ_RESEND && !send_can_express(connection, req),
		.peer_disk_lost = device->state.pdsk < D_INCONSISTENT,
		.link_lost = request_link_lost(connection, req),
		.reboot_unseen = tl_reboot_unseen(device),
	};
	u32 old = req->flags;
	struct request_effects fx = request_event(&req->flags, event, &view);
	bool others_wait = (fx.complete || fx.retry || fx.destroy) && req->interval.waiting;

	account(req, old, req->flags);
	if (keeps_extent(req, &fx, &view)) {
		req->unmirrored = true;
		fx.set_bits = false;
		fx.release_al = false;
	}
	/* A received write may wait for this one to step back, or to be through here. */
	if (req->interval.waiting && ((req->flags & RQ_POST) || (old & ~req->flags & RQ_LP)))
		env_wake(device->resource);
	carry_out_on_disk(req, &fx, event);
	if (fx.resubmit_local)
		resubmit_local(req);
	if (fx.requeue)
		requeue(connection, req);
	if (fx.close_epoch)
		tl_close_epoch(connection);
	if (fx.complete)
		request_finish(req, fx.ok);
	if (fx.retry) {
		req->retry = true;
		request_leaves(device);
	}
	if (fx.release_al)
		al_end_request(req);
	if ((old & RQ_NP) && !(req->flags & RQ_NP))
		peer_epochs_write_answered(connection);
	if (fx.retry && !fx.destroy && abandon_local(req)) {
		req->stale_local = true;
		dlist_del_init(&req->local);
		request_again(req);
	}
	if (fx.destroy)
		request_destroy(req);

	if (others_wait)
		request_conflict_kick(device);
	if ((fx.complete || fx.retry || fx.destroy) && !dlist_empty(&device->rq.admission))
		request_admission_kick(device);
}

/* ---- the local part ---- */

void request_submit_local(struct drbd_request *req)
{
	struct drbd_device *device = req->device;

	req->own_pages = req->op == OP_READ && device->disk_conf.disk_timeout;
	req->pinned = req->op == OP_READ && !req->own_pages;
	req->local_start_ms = env_now_ms();
	dlist_add_tail(&req->local, &device->rq.local);
	if (req->flags & RQ_W)
		device->writ_cnt += req->interval.bytes >> 9;
	env_request_submit(req);
}

static enum request_event local_outcome(struct drbd_request *req, int error)
{
	if (!error)
		return REQ_LOCAL_OK;
	switch (req->op) {
	case OP_READ:
		req->avoid_local = true;
		return req->read_ahead ? REQ_LOCAL_SOFT_ERROR : REQ_LOCAL_READ_ERROR;
	case OP_DISCARD:
		return req->zero_instead ? REQ_LOCAL_WRITE_ERROR : REQ_LOCAL_SOFT_ERROR;
	case OP_FLUSH:
		/* A disk that knows no flush has no cache to be flushed. */
		if (error == -EOPNOTSUPP)
			return REQ_LOCAL_OK;
		fallthrough;
	default:
		return REQ_LOCAL_WRITE_ERROR;
	}
}

/* The local part of an attempt that was given up long ago came back. */
static void stale_local_done(struct drbd_request *req)
{
	struct drbd_device *device = req->device;

	req->stale_local = false;
	if (req->wait_stale) {
		req->wait_stale = false;
		dlist_add_tail(&req->wait, &device->rq.admission);
		request_admission_kick(device);
	} else if ((req->flags & RQ_DESTROYED) && !req->held) {
		env_request_free(req);
	}
}

/*
 * That a disk does not discard says nothing about its health, but it would go on showing what
 * the peer's has no more. It writes zeroes then; when it can not do that either, it is broken.
 */
static bool zero_instead(struct drbd_request *req)
{
	if (req->op != OP_DISCARD || req->zero_instead || (req->flags & RQ_LA) ||
	    req->device->state.disk <= D_FAILED)
		return false;
	req->zero_instead = true;
	env_request_submit(req);
	return true;
}

void request_local_done(struct drbd_request *req, int error)
{
	struct drbd_device *device = req->device;

	if (error && !req->stale_local && zero_instead(req))
		return;
	if (req->stale_local) {
		stale_local_done(req);
	} else {
		enum request_event event = local_outcome(req, error);

		dlist_del_init(&req->local);
		if (error)
			req->local_error = error;
		request_apply(req, event);
	}
	/* Last: with it a failed disk may go. */
	local_put(device);
}

void request_abort_local(struct drbd_device *device)
{
	struct drbd_request *req;
	struct dlist all;

	dlist_init(&all);
	dlist_splice_tail_init(&device->rq.local, &all);
	while (!dlist_empty(&all)) {
		req = dlist_first_entry(&all, struct drbd_request, local);
		dlist_del_init(&req->local);
		if (req->pinned)
			dlist_add_tail(&req->local, &device->rq.local);
		else
			request_apply(req, REQ_ABORT_LOCAL);
	}
}

bool request_may_copy(struct drbd_request *req)
{
	if (req->stale_local || (req->flags & RQ_LA))
		return false;
	req->pinned = true;
	return true;
}
