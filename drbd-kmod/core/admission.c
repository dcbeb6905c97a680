// SPDX-License-Identifier: GPL-2.0
/*
 * admission.c - how an application request begins (states.md 7.1, 7.3, 7.6)
 *
 * Waiting for admission, for the activity log, for an overlapping write; then, in one step
 * under the lock: the route is decided, the request joins the transfer log and the send queue.
 */
#include "objects.h"
#include "engine.h"
#include "predicates.h"
#include "send_packet.h"

#define READ_ATTEMPTS 20	/* of asking a peer that says no */
#define MAX_BUFFERS_UNCONNECTED 2048

static struct drbd_connection *connection_of(const struct drbd_device *device)
{
	return &device->resource->connection;
}

/* ---- the queue in front of everything ---- */

/* The disk is gone, and the peer, which is to hold the only copy, can not be told yet. */
static bool loss_is_untold(const struct drbd_device *device)
{
	return device->loss_untold && device->state.conn >= C_CONNECTED;
}

static bool admission_open(const struct drbd_device *device)
{
	const struct drbd_connection *connection = connection_of(device);
	struct admit_facts f = {
		.frozen = device->suspend_count > 0 || connection->tl.thawing ||
			  loss_is_untold(device) || device->resync.unrecorded,
		.bitmap_op_pending = device->bm_io_pending,
		.in_flight = device->ap_in_flight,
		.max_buffers = connection->configured ? connection->net_conf.max_buffers :
							MAX_BUFFERS_UNCONNECTED,
		.apv = connection->agreed_pro_version,
	};

	return may_admit(device_state(device), &f);
}

bool device_blocks_io(const struct drbd_device *device)
{
	return !admission_open(device);
}

void request_new(struct drbd_request *req)
{
	struct drbd_device *device = req->device;

	req->flags = request_initial_flags(req);
	req->start_ms = env_now_ms();
	if (!dlist_empty(&device->rq.admission) || !admission_open(device)) {
		dlist_add_tail(&req->wait, &device->rq.admission);
		return;
	}
	device->ap_in_flight++;
	request_proceed(req);
}

void request_admission_kick(struct drbd_device *device)
{
	struct request_queues *rq = &device->rq;
	struct drbd_request *req;

	/* Whoever is at it already sees what has changed. */
	if (rq->admitting)
		return;
	rq->admitting = true;
	while (!dlist_empty(&rq->admission) && admission_open(device)) {
		req = dlist_first_entry(&rq->admission, struct drbd_request, wait);
		dlist_del_init(&req->wait);
		device->ap_in_flight++;
		request_proceed(req);
	}
	rq->admitting = false;
}

void admission_kick_all(struct drbd_resource *resource)
{
	struct drbd_device *device;

	for_each_volume(device, resource)
		request_admission_kick(device);
}

void request_readmit(struct drbd_request *req)
{
	struct drbd_device *device = req->device;

	al_end_request(req);
	dlist_add(&req->wait, &device->rq.admission);
	if (--device->ap_in_flight == 0)
		env_wake(device->resource);
}

void device_suspend_io(struct drbd_device *device)
{
	device->suspend_count++;
}

void device_resume_io(struct drbd_device *device)
{
	if (core_bug_on(device->suspend_count == 0))
		return;
	if (--device->suspend_count == 0)
		request_admission_kick(device);
}

void admission_thaw_begin(struct drbd_resource *resource)
{
	resource->connection.tl.thawing++;
}

void admission_thaw_end(struct drbd_resource *resource)
{
	struct transfer_log *tl = &resource->connection.tl;

	if (!core_bug_on(!tl->thawing) && --tl->thawing == 0)
		admission_kick_all(resource);
}

/* ---- overlapping writes ---- */

bool request_conflicts(struct drbd_request *req)
{
	struct interval *other;

	interval_for_each_overlap(other, &req->device->rq.writes, req->interval.sector,
				  req->interval.bytes) {
		if (other->completed)
			continue;
		other->waiting = true;
		return true;
	}
	return false;
}

void request_conflict_kick(struct drbd_device *device)
{
	struct request_queues *rq = &device->rq;
	struct drbd_request *req, *tmp;

	env_wake(device->resource);
	rq->resolve_again = true;
	if (rq->resolving)
		return;
	rq->resolving = true;
	while (rq->resolve_again) {
		struct dlist ready;

		/* Collected first: a request that proceeds may change the queue. */
		rq->resolve_again = false;
		dlist_init(&ready);
		dlist_splice_tail_init(&rq->conflict, &ready);
		dlist_for_each_entry_safe(req, tmp, &ready, wait) {
			dlist_del_init(&req->wait);
			request_proceed(req);
		}
	}
	rq->resolving = false;
}

/* ---- congestion (states.md 9.5) ---- */

static bool is_congested(struct drbd_device *device, const struct net_conf *nc)
{
	if (nc->cong_fill && device->rq.in_flight_sectors >= nc->cong_fill)
		return true;
	return al_active_extents(device) >= nc->cong_extents;
}

static void congestion_check(struct drbd_device *device)
{
	struct drbd_connection *connection = connection_of(device);
	const struct net_conf *nc = &connection->net_conf;
	u8 conn = device->state.conn;

	if (nc->on_congestion == OPT_CONGESTION_BLOCK || device->state.disk != D_UP_TO_DATE ||
	    connection->agreed_pro_version < 96)
		return;
	if (conn != C_CONNECTED && !state_is_sync_source(conn))
		return;
	if (!is_congested(device, nc))
		return;
	if (nc->on_congestion == OPT_CONGESTION_DISCONNECT) {
		env_log_connection(connection, LOG_LVL_WARN,
				   "the peer can not keep up: disconnecting, as on-congestion says");
		conn_state_change(connection, ST_ARGS(ST_CHANGE_CONN(C_DISCONNECTING)), 0);
		return;
	}
	if (nc->wire_protocol != OPT_PROTOCOL_A)
		return;
	env_log_device(device, LOG_LVL_INFO,
		       "the peer can not keep up: going ahead of it, it is resynced later");
	tl_close_epoch(connection);
	state_change(device, ST_ARGS(ST_CHANGE_CONN(C_AHEAD)), 0);
}

/* ---- going on ---- */

/* Nothing was begun; there is no way to do it. */
static void request_fail(struct drbd_request *req, int error)
{
	al_end_request(req);
	req->local_error = error;
	request_apply(req, REQ_SUBMITTED);
}

static void request_queue_net(struct drbd_request *req, enum request_event event)
{
	struct drbd_connection *connection = connection_of(req->device);

	request_apply(req, event);
	send_item_queue(connection, SOCK_DATA, &req->send);
	request_timer_arm(connection);
}

static void request_begin_local(struct drbd_request *req)
{
	request_apply(req, REQ_LOCAL_PENDING);
	request_submit_local(req);
	if (req->device->disk_conf.disk_timeout)
		request_timer_arm(connection_of(req->device));
}

/*
 * Set the bits of a write that the peer is not sent.  True: it has to be told.  An earlier write that
 * is still on its way there would take the marks away again, on both nodes, when it is done.
 */
static bool mark_to_stay(struct drbd_request *req)
{
	struct drbd_device *device = req->device;
	u64 first = req->interval.sector & ~(u64)(BM_SECTORS_PER_BIT - 1);
	u64 end = (interval_end(&req->interval) + BM_SECTORS_PER_BIT - 1) &
		  ~(u64)(BM_SECTORS_PER_BIT - 1);
	bool tell = device_set_out_of_sync(device, req->interval.sector, req->interval.bytes);
	struct interval *i;

	interval_for_each_overlap(i, &device->rq.writes, first, (u32)(end - first) << 9) {
		struct drbd_request *earlier = container_of(i, struct drbd_request, interval);

		if (!i->is_local || !(earlier->wire_flags & DP_MAY_SET_IN_SYNC))
			continue;
		earlier->marked_since = true;
		tell = true;
	}
	return tell;
}

/* The peer is to have it, and can not be told. */
static bool is_unsayable(const struct drbd_request *req, const struct write_decision *d)
{
	const struct drbd_connection *connection = connection_of(req->device);

	return d->route == WRITE_REPLICATE && !send_can_express(connection, req);
}

/* A kind of request is refused as what it is; one too large came before this old peer did. */
static int unsayable_error(const struct drbd_request *req)
{
	if (req->op != OP_WRITE)
		return -EOPNOTSUPP;
	env_log_device(req->device, LOG_LVL_ERR,
		       "a write of %u bytes at sector %llu, which came before this peer, is larger than the packets of its protocol %u: it fails; written again it is cut to fit",
		       req->interval.bytes, (unsigned long long)req->interval.sector,
		       connection_of(req->device)->agreed_pro_version);
	return -EIO;
}

static void write_start(struct drbd_request *req, struct state s)
{
	struct drbd_device *device = req->device;
	struct drbd_connection *connection = connection_of(device);
	struct transfer_log *tl = &connection->tl;
	struct write_decision d = write_decide(s, request_protocol(req),
					       connection->agreed_pro_version);
	bool local = local_get(device, D_INCONSISTENT);

	if ((local && !may_write(s)) || (!local && d.route != WRITE_REPLICATE) ||
	    is_unsayable(req, &d)) {
		if (local)
			local_put(device);
		request_fail(req, is_unsayable(req, &d) ? unsayable_error(req) : -EIO);
		return;
	}

	req->id = ++device->rq.last_id;
	interval_insert(&device->rq.writes, &req->interval);
	tl_join(tl, req);
	request_apply(req, REQ_JOIN_TL);
	/* From here on the flags say what this attempt leaves behind. */
	req->unmirrored = false;
	if (req->in_al)
		request_apply(req, REQ_AL_TAKEN);
	if (d.route == WRITE_REPLICATE) {
		req->wire_flags = request_wire_flags(&d);
		request_queue_net(req, REQ_QUEUE_WRITE);
		if (tl->current_writes >= connection->net_conf.max_epoch_size)
			tl_close_epoch(connection);
	} else if (d.mark_now && mark_to_stay(req)) {
		request_queue_net(req, REQ_QUEUE_OOS);
	}
	if (local)
		request_begin_local(req);
	request_apply(req, REQ_SUBMITTED);
}

static enum read_route read_route(struct drbd_request *req, struct state s)
{
	struct drbd_device *device = req->device;
	struct read_facts f = {
		.range_in_sync = true,
		.policy = device->disk_conf.read_balancing,
		.sector = req->interval.sector,
		.local_pending = device->local_refs,
		.peer_pending = device->ap_pending,
		.turn = device->rq.read_turn = !device->rq.read_turn,
	};
	bool local, remote = s.pdsk == D_UP_TO_DATE && req->attempts < READ_ATTEMPTS &&
			     send_can_express(connection_of(device), req);
	u64 first, last;

	if (s.disk == D_INCONSISTENT &&
	    bm_range_touched(req->interval.sector, req->interval.bytes, device->capacity, &first, &last))
		f.range_in_sync = !bm_count_range(&device->bitmap, first, last);
	/* What was in sync when the peer was lost may be old by now: it may be Primary, too. */
	if (s.conn < C_CONNECTED)
		f.range_in_sync = false;
	local = may_read_local(s, f.range_in_sync) && !req->avoid_local;
	if (local && (!remote || req->avoid_remote))
		return READ_LOCAL;
	if (!local)
		return remote ? READ_REMOTE : READ_NONE;
	return read_decide(s, &f);
}

static void read_start(struct drbd_request *req, struct state s)
{
	struct drbd_device *device = req->device;
	enum read_route route = read_route(req, s);

	if (route == READ_LOCAL && req->stale_local) {
		/* The disk has not given the buffers back yet. */
		if (s.pdsk != D_UP_TO_DATE) {
			req->wait_stale = true;
			if (--device->ap_in_flight == 0)
				env_wake(device->resource);
			return;
		}
		route = READ_REMOTE;
	}
	if (route == READ_LOCAL && !local_get(device, D_INCONSISTENT))
		route = READ_NONE;
	if (route == READ_NONE) {
		request_fail(req, -EIO);
		return;
	}

	req->id = ++device->rq.last_id;
	tl_join(&connection_of(device)->tl, req);
	request_apply(req, REQ_JOIN_TL);
	if (route == READ_REMOTE) {
		interval_insert(&device->rq.remote_reads, &req->interval);
		request_queue_net(req, REQ_QUEUE_READ);
	} else {
		request_begin_local(req);
	}
	request_apply(req, REQ_SUBMITTED);
}

/* A, B: what the own disk has is enough, provided that it has all that was written. */
static bool flush_needs_peer(const struct drbd_connection *connection, struct state s)
{
	return connection->net_conf.wire_protocol == OPT_PROTOCOL_C || s.disk < D_UP_TO_DATE;
}

/*
 * An empty flush: the local disk is flushed; towards the peer it ends the epoch. If it needs the
 * peer it is done only when that has acknowledged (and so, with write-ordering flush, flushed)
 * all that was sent before (states.md 13.7). While that is missing REQ_SUBMITTED is kept back.
 */
static void flush_start(struct drbd_request *req, struct state s)
{
	struct drbd_connection *connection = connection_of(req->device);
	struct transfer_log *tl = &connection->tl;
	bool local = local_get(req->device, D_INCONSISTENT);
	bool replicate = state_should_replicate(s);
	bool wait = false;

	if (!local && !replicate) {
		request_fail(req, -EIO);
		return;
	}
	if (replicate) {
		req->epoch = tl->current_writes ? tl->current_epoch : tl->current_epoch - 1;
		tl_close_epoch(connection);
		wait = tl->unacked && flush_needs_peer(connection, s);
		if (wait) {
			dlist_add_tail(&req->tl, &tl->flushes);
			/* A barrier that waits for company goes now. */
			env_send_kick(connection, SOCK_DATA);
		} else {
			request_apply(req, REQ_FLUSH_DONE_NET);
		}
	}
	if (local)
		request_begin_local(req);
	if (!wait)
		request_apply(req, REQ_SUBMITTED);
}

void request_proceed(struct drbd_request *req)
{
	struct drbd_device *device = req->device;
	bool write = req->flags & RQ_W;
	struct state s;

	if (write) {
		if (state_has_disk(device->state) && !al_begin_request(req))
			return;
		if (request_conflicts(req)) {
			dlist_add_tail(&req->wait, &device->rq.conflict);
			return;
		}
		congestion_check(device);
	}
	s = device_state(device);
	if (state_suspended(s) || (write && loss_is_untold(device)))
		request_readmit(req);
	else if (write)
		write_start(req, s);
	else if (req->op == OP_FLUSH)
		flush_start(req, s);
	else
		read_start(req, s);
}

void request_al_done(struct drbd_request *req)
{
	if (!req->resubmit) {
		request_proceed(req);
		return;
	}
	req->resubmit = false;
	if (req->in_al && !(req->flags & RQ_AL))
		request_apply(req, REQ_AL_TAKEN);
	if (local_get(req->device, D_INCONSISTENT))
		request_submit_local(req);
	else
		request_apply(req, req->flags & RQ_W ? REQ_LOCAL_WRITE_ERROR : REQ_LOCAL_READ_ERROR);
}
