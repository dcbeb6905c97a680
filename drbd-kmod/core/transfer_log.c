// SPDX-License-Identifier: GPL-2.0
/*
 * transfer_log.c - epochs of the sending side, events for the whole log, and time limits
 * (wire.md 5.4, 1.5; states.md 7.4, 7.5, 4)
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"

void tl_init(struct drbd_connection *connection)
{
	struct transfer_log *tl = &connection->tl;

	memset(tl, 0, sizeof(*tl));
	dlist_init(&tl->requests);
	dlist_init(&tl->flushes);
	core_timer_init(&connection->request_timer, request_timer_fire);
	core_timer_init(&connection->barrier_timer, send_barrier_timer);
}

void tl_close_epoch(struct drbd_connection *connection)
{
	struct transfer_log *tl = &connection->tl;

	if (!tl->current_writes)
		return;
	tl->current_epoch++;
	tl->current_writes = 0;
	/* Nothing may follow that would carry the barrier along. */
	if (tl->sent_writes && !send_barrier_waits(connection))
		env_send_kick(connection, SOCK_DATA);
}

void tl_join(struct transfer_log *tl, struct drbd_request *req)
{
	req->epoch = tl->current_epoch;
	req->serial = ++tl->last_serial;
	dlist_add_tail(&req->tl, &tl->requests);
	if (req->flags & RQ_W)
		tl->current_writes++;
}

void tl_rejoin(struct drbd_connection *connection, struct drbd_request *req)
{
	struct transfer_log *tl = &connection->tl;

	dlist_del_init(&req->tl);
	tl_join(tl, req);
	if (tl->current_writes >= connection->net_conf.max_epoch_size)
		tl_close_epoch(connection);
}

/* Will P_BARRIER_ACK count it? A write that the peer superseded or sent back is not counted. */
static bool is_counted(const struct drbd_request *req)
{
	return (req->flags & RQ_BA) && !(req->flags & (RQ_ND | RQ_POST));
}

bool tl_has_unconfirmed(const struct drbd_device *device, u64 last_id)
{
	const struct drbd_request *req;

	dlist_for_each_entry(req, &device->resource->connection.tl.requests, tl)
		if (req->device == device && req->id <= last_id && is_counted(req))
			return true;
	return false;
}

bool tl_has_told_only_here(const struct drbd_device *device)
{
	const struct drbd_request *req;

	dlist_for_each_entry(req, &device->resource->connection.tl.requests, tl)
		if (req->device == device && may_be_missing_on_peer(req->flags, false))
			return true;
	return false;
}

static struct drbd_request *tl_oldest_unacked(const struct transfer_log *tl)
{
	struct drbd_request *req;

	if (!tl->unacked)
		return NULL;
	dlist_for_each_entry(req, &tl->requests, tl)
		if (is_counted(req))
			return req;
	return NULL;
}

void tl_flushes_done(struct drbd_connection *connection, bool all)
{
	struct transfer_log *tl = &connection->tl;
	struct drbd_request *oldest, *flush;

	if (dlist_empty(&tl->flushes))
		return;
	oldest = tl_oldest_unacked(tl);
	while (!dlist_empty(&tl->flushes)) {
		flush = dlist_first_entry(&tl->flushes, struct drbd_request, tl);
		if (!all && oldest && (s32)(flush->epoch - oldest->epoch) >= 0)
			break;
		dlist_del_init(&flush->tl);
		if (!all)
			request_apply(flush, REQ_FLUSH_DONE_NET);
		request_apply(flush, REQ_SUBMITTED);
		/* What was completed may have ended others. */
		oldest = tl_oldest_unacked(tl);
	}
}

/* The own disk is back, and has not been flushed since. */
static void tl_flushes_restart(struct transfer_log *tl)
{
	struct drbd_request *flush;
	struct dlist all;

	/* Collected first: one may come back at once. */
	dlist_init(&all);
	dlist_splice_tail_init(&tl->flushes, &all);
	while (!dlist_empty(&all)) {
		flush = dlist_first_entry(&all, struct drbd_request, tl);
		dlist_del_init(&flush->tl);
		request_apply(flush, REQ_POSTPONE);
		request_apply(flush, REQ_SUBMITTED);
	}
}

void tl_apply(struct drbd_connection *connection, int event)
{
	struct transfer_log *tl = &connection->tl;
	struct drbd_request *req, *next;

	dlist_for_each_entry_safe(req, next, &tl->requests, tl)
		request_apply(req, event);
	if (event == REQ_RESTART_FROZEN)
		tl_flushes_restart(tl);
	/* Without a connection no barrier ack comes any more. */
	tl_flushes_done(connection, event == REQ_CONNECTION_LOST ||
			(event == REQ_FAIL_FROZEN && !connection->queue[SOCK_DATA].open));
}

bool tl_reboot_unseen(const struct drbd_device *device)
{
	return device->disk_conf.fencing == FENCING_DONT_CARE;
}

bool tl_mark_missing(struct drbd_device *device)
{
	struct transfer_log *tl = &device->resource->connection.tl;
	bool cache_counts = device->state.disk == D_INCONSISTENT || tl_reboot_unseen(device);
	bool any = false;
	struct drbd_request *req, *next;

	dlist_for_each_entry_safe(req, next, &tl->requests, tl) {
		if (req->device != device || !may_be_missing_on_peer(req->flags, cache_counts))
			continue;
		request_apply(req, REQ_CONNECTION_LOST);
		any = true;
	}
	return any;
}

bool request_link_lost(const struct drbd_connection *connection, const struct drbd_request *req)
{
	if (connection->cstate < C_WF_REPORT_PARAMS)
		return true;
	return !(req->flags & RQ_NQ) && req->sent_ms < connection->established_at;
}

/* Sent before this connection was there, where the answer will not come any more? */
static bool is_left_over(const struct drbd_connection *connection, const struct drbd_request *req)
{
	if ((req->flags & (RQ_NQ | RQ_ND)) || !(req->flags & (RQ_NP | RQ_BA)))
		return false;
	return req->sent_ms < connection->established_at;
}

void tl_thaw(struct drbd_connection *connection)
{
	struct transfer_log *tl = &connection->tl;
	struct drbd_request *req, *next;

	dlist_for_each_entry_safe(req, next, &tl->requests, tl)
		request_apply(req, is_left_over(connection, req) ? REQ_RESEND : REQ_THAW);
	tl_flushes_done(connection, false);
}

/* The epoch's writes that are still remembered; false: one of them was not even acknowledged. */
static bool tl_count(const struct transfer_log *tl, struct drbd_request *oldest, u32 *writes)
{
	struct drbd_request *req = oldest;

	*writes = 0;
	for (; &req->tl != &tl->requests && req->epoch == oldest->epoch;
	     req = dlist_next_entry(req, tl)) {
		if (!is_counted(req))
			continue;
		if (req->flags & RQ_NP)
			return false;
		++*writes;
	}
	return true;
}

static void tl_leave_ahead(struct drbd_connection *connection)
{
	struct drbd_device *device;

	for_each_volume(device, connection->resource)
		if (device->state.conn == C_AHEAD && !device->rq.in_flight_sectors)
			resync_leave_ahead(device);
}

static bool tl_ack_matches(struct drbd_connection *connection, u32 epoch, u32 set_size)
{
	struct transfer_log *tl = &connection->tl;
	struct drbd_request *oldest = tl_oldest_unacked(tl);
	u32 writes;

	/* On its way down, and resume-io let go of what the peer still answers. */
	if (!oldest && connection->cstate < C_WF_REPORT_PARAMS)
		return true;
	if (!oldest || oldest->epoch != epoch) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer acknowledged epoch %u, expected %s%u; reconnecting",
				   epoch, oldest ? "" : "none after ",
				   oldest ? oldest->epoch : tl->sent_epoch);
		return false;
	}
	if (tl_count(tl, oldest, &writes) && writes == set_size)
		return true;
	env_log_connection(connection, LOG_LVL_ERR,
			   "the peer acknowledged %u writes of epoch %u, which do not match the %u acknowledged one by one; reconnecting",
			   set_size, epoch, writes);
	return false;
}

bool tl_awaits_answer(const struct drbd_connection *connection, u64 serial)
{
	struct drbd_request *req;

	dlist_for_each_entry(req, &connection->tl.requests, tl) {
		if (req->serial > serial)
			break;
		if ((req->flags & RQ_W) && (req->flags & RQ_NP))
			return true;
	}
	return false;
}

static bool is_covered(const struct drbd_request *req, u32 epoch)
{
	return is_counted(req) && (s32)(epoch - req->epoch) >= 0;
}

/*
 * A peer of the original's kind loses the ack of an epoch in which it refused a write, and
 * miscounts (states.md 13.5). Writes are refused with two Primaries only, where each of the
 * others has an ack of its own: those have to be there, and say all that is needed.
 */
static bool tl_acked_one_by_one(const struct drbd_connection *connection, u32 epoch)
{
	const struct transfer_log *tl = &connection->tl;
	struct drbd_request *req;

	if (!tl->peer_refused || (s32)(tl->sent_epoch - epoch) < 0)
		return false;
	dlist_for_each_entry(req, &tl->requests, tl)
		if (is_covered(req, epoch) && (req->flags & RQ_NP))
			return false;
	return true;
}

bool tl_barrier_acked(struct drbd_connection *connection, u32 epoch, u32 set_size)
{
	struct transfer_log *tl = &connection->tl;
	struct drbd_request *req, *next;

	if (!tl_acked_one_by_one(connection, epoch) &&
	    !tl_ack_matches(connection, epoch, set_size))
		return false;
	dlist_for_each_entry_safe(req, next, &tl->requests, tl)
		if (is_covered(req, epoch))
			request_apply(req, REQ_BARRIER_ACK);
	tl_flushes_done(connection, false);
	tl_leave_ahead(connection);
	return true;
}

/* ---- looking up what an answer names ---- */

static struct drbd_request *find_in(struct interval_tree *tree, u64 id, u64 sector)
{
	struct interval *i;
	struct drbd_request *req;

	/* The start is enough: a negative ack may carry no size (wire.md trap 10). */
	interval_for_each_overlap(i, tree, sector, 512) {
		if (!i->is_local || i->sector != sector)
			continue;
		req = container_of(i, struct drbd_request, interval);
		if (req->id == id)
			return req;
	}
	return NULL;
}

struct drbd_request *request_find_write(struct drbd_device *device, u64 id, u64 sector)
{
	return find_in(&device->rq.writes, id, sector);
}

struct drbd_request *request_find_read(struct drbd_device *device, u64 id, u64 sector)
{
	return find_in(&device->rq.remote_reads, id, sector);
}

void request_retry_postponed(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct interval *i;
	struct drbd_request *req;
	bool found = true;

	/* One at a time: the retry changes the tree. */
	while (found) {
		found = false;
		interval_for_each_overlap(i, &device->rq.writes, sector, bytes) {
			if (!i->is_local || i->completed)
				continue;
			req = container_of(i, struct drbd_request, interval);
			if (!(req->flags & RQ_POST) || !(req->flags & RQ_NP))
				continue;
			request_apply(req, REQ_RETRY_NOW);
			found = true;
			break;
		}
	}
}

/* ---- time limits ---- */

/* In ms; 0 = no limit. */
static u64 answer_limit(const struct drbd_connection *connection)
{
	const struct net_conf *nc = &connection->net_conf;

	if (!connection->configured || connection->cstate < C_WF_REPORT_PARAMS)
		return 0;
	return (u64)nc->ko_count * nc->timeout * 100;
}

static u64 disk_limit(const struct drbd_device *device)
{
	return device->has_backing ? (u64)device->disk_conf.disk_timeout * 100 : 0;
}

static bool peer_is_late(struct drbd_connection *connection, u64 now, u64 limit)
{
	const struct transfer_log *tl = &connection->tl;
	struct drbd_request *req, *unanswered = NULL, *no_barrier = NULL;

	if (now - connection->established_at <= limit)
		return false;
	dlist_for_each_entry(req, &tl->requests, tl) {
		if (!(req->flags & RQ_NS) || (req->flags & (RQ_ND | RQ_POST)))
			continue;
		if (req->flags & RQ_NP) {
			unanswered = req;
			break;
		}
		if (!no_barrier && (req->flags & RQ_BA))
			no_barrier = req;
	}
	if (unanswered && now - unanswered->sent_ms > limit)
		return true;
	/* Acknowledged, but its epoch is not: counts from the last barrier that was sent. */
	return no_barrier && !(tl->sent_writes && tl->sent_epoch == no_barrier->epoch) &&
	       now - no_barrier->sent_ms > limit && now - tl->last_barrier_ms > limit;
}

static void disk_timeout_check(struct drbd_device *device, u64 now)
{
	u64 limit = disk_limit(device);
	struct drbd_request *oldest;

	if (!limit || dlist_empty(&device->rq.local) || now - device->attached_at <= limit)
		return;
	oldest = dlist_first_entry(&device->rq.local, struct drbd_request, local);
	if (now - oldest->local_start_ms <= limit)
		return;
	env_log_device(device, LOG_LVL_ERR,
		       "the local disk has not answered for %llu ms (disk-timeout): detaching from it",
		       (unsigned long long)(now - oldest->local_start_ms));
	device_io_error(device, IO_ERROR_TIMEOUT);
}

void request_timeouts(struct drbd_connection *connection)
{
	u64 now = env_now_ms(), limit = answer_limit(connection);
	struct drbd_device *device;

	if (limit && peer_is_late(connection, now, limit)) {
		env_log_connection(connection, LOG_LVL_WARN,
				   "the peer left a request unanswered for %llu ms (ko-count x timeout): dropping the connection",
				   (unsigned long long)limit);
		connection_fail(connection, C_TIMEOUT);
	}
	for_each_volume(device, connection->resource)
		disk_timeout_check(device, now);
}

/* How often to look: a tenth of the shortest limit, at least every second. 0 = never. */
static u64 look_interval(const struct drbd_connection *connection)
{
	u64 shortest = answer_limit(connection), limit;
	struct drbd_device *device;

	for_each_volume(device, connection->resource) {
		limit = disk_limit(device);
		if (limit && (!shortest || limit < shortest))
			shortest = limit;
	}
	if (!shortest)
		return 0;
	return max_t(u64, 50, min_t(u64, 1000, div_u64(shortest, 10)));
}

void request_timer_arm(struct drbd_connection *connection)
{
	u64 interval;

	if (core_timer_armed(&connection->request_timer))
		return;
	interval = look_interval(connection);
	if (interval)
		core_timer_set(connection->resource, &connection->request_timer, interval);
}

void request_timer_fire(struct core_timer *timer)
{
	struct drbd_connection *connection = container_of(timer, struct drbd_connection,
							  request_timer);

	request_timeouts(connection);
	if (!dlist_empty(&connection->tl.requests))
		request_timer_arm(connection);
}
