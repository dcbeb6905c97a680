// SPDX-License-Identifier: GPL-2.0
/* resync.c - start, turns and end of resync and verify (states.md 9; wire.md 6.5, 6.7, 6.8) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "names.h"

#define AHEAD_WAIT_MS 1000
#define AHEAD_LOOK_MS 100
#define PAUSED_LOOK_MS 1000

static struct drbd_connection *connection_of(const struct drbd_device *device)
{
	return &device->resource->connection;
}

/* ---- the rate ---- */

u64 resync_left(const struct drbd_device *device)
{
	return state_is_verify(device->state.conn) ? device->resync.verify_left :
						      device->bitmap.bits_set;
}

void resync_rate_conf(const struct drbd_device *device, struct rate_conf *conf)
{
	const struct disk_conf *dc = &device->disk_conf;

	conf->resync_rate = dc->resync_rate;
	conf->c_plan_ahead = dc->c_plan_ahead;
	conf->c_delay_target = dc->c_delay_target;
	conf->c_fill_target = dc->c_fill_target;
	conf->c_max_rate = dc->c_max_rate;
	conf->c_min_rate = dc->c_min_rate;
	conf->max_buffers = connection_of(device)->net_conf.max_buffers;
}

/* All that this device had its disk do, out of counters that wrap. */
static u64 disk_sectors(struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	u32 now = device->read_cnt + device->writ_cnt;

	rs->disk_total += now - rs->disk_seen;
	rs->disk_seen = now;
	return rs->disk_total;
}

bool resync_throttled(struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	struct rate_conf conf;
	bool busy;

	resync_rate_conf(device, &conf);
	if (!conf.c_min_rate)
		return false;
	busy = rate_activity_look(&rs->activity, disk_sectors(device), rs->own_sectors);
	return rate_throttle(&conf, al_has_waiters(device), busy,
			     rate_throttle_speed(&rs->progress, env_now_ms(), resync_left(device)));
}

/* ---- the turn ---- */

void resync_turn_now(struct drbd_device *device)
{
	core_timer_set(device->resource, &device->resync.turn, 0);
}

/* Everything was asked for and answered, and bits are left: those set meanwhile come next. */
static void resync_wrap(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	if (!rs->pending && rs->cursor && device->bitmap.bits_set > rs->failed &&
	    bm_find_next(&device->bitmap, rs->cursor) == BM_END)
		rs->cursor = 0;
}

static void resync_turn_ask(struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	struct rate_conf conf;

	resync_rate_conf(device, &conf);
	rs->budget = rate_next(&rs->plan, &conf, rs->sectors_in);
	rs->sectors_in = 0;
	rs->cursor = min(rs->cursor, rs->refused_from);
	rs->refused_from = BM_END;
	if (device->state.conn == C_SYNC_TARGET) {
		if (rs->unrecorded)
			return;
		resync_wrap(device);
	}
	if (rs->budget && !dlist_linked(&rs->requests.link))
		send_item_queue(connection_of(device), SOCK_DATA, &rs->requests);
}

static void resync_turn_fire(struct core_timer *timer)
{
	struct drbd_device *device = container_of(timer, struct drbd_device, resync.turn);
	u8 conn = device->state.conn;

	if (!state_in_resync(conn))
		return;
	progress_mark(&device->resync.progress, env_now_ms(), resync_left(device));
	if (conn == C_SYNC_TARGET || conn == C_VERIFY_S)
		resync_turn_ask(device);
	core_timer_set(device->resource, timer,
		       conn == C_PAUSED_SYNC_S || conn == C_PAUSED_SYNC_T ? PAUSED_LOOK_MS :
									    RATE_TURN_MS);
	resync_check_finished(device);
	resync_check_leftovers(device);
}

/* ---- start ---- */

/* Counters of a run that begins now. */
static void counters_begin(struct drbd_device *device, u64 total)
{
	struct resync *rs = &device->resync;
	struct rate_conf conf;
	u64 now = env_now_ms();

	resync_rate_conf(device, &conf);
	rs->total = total;
	rs->failed = 0;
	rs->own_failed = 0;
	rs->disk_lied = false;
	rs->same_checksum = 0;
	rs->pending = 0;
	rs->sectors_in = 0;
	rs->cursor = 0;
	rs->refused_from = BM_END;
	rs->budget = 0;
	rs->peer_failed = false;
	rs->peer_ended = false;
	rs->oos_sectors = 0;
	rate_plan_init(&rs->plan, &conf);
	rate_activity_init(&rs->activity, disk_sectors(device), rs->own_sectors);
	progress_start(&rs->progress, now, total);
	if (device->state.conn == C_PAUSED_SYNC_S || device->state.conn == C_PAUSED_SYNC_T)
		progress_pause(&rs->progress, now);
	resync_turn_now(device);
}

void resync_verify_begin(struct drbd_device *device, enum drbd_conn new_conn)
{
	struct resync *rs = &device->resync;
	bool tells_start = connection_of(device)->agreed_pro_version >= 90;
	u64 start = rs->verify_start & ~7ULL;

	if (start >= device->capacity || rs->verify_start == U64_MAX)
		start = 0;
	/* An older target counts all blocks, and would wait for the skipped ones for ever. */
	if (start && new_conn == C_VERIFY_S && !tells_start) {
		env_log_device(device, LOG_LVL_INFO,
			       "verify begins at sector 0, not %llu: the peer's protocol version is below 90",
			       (unsigned long long)start);
		start = 0;
	}
	rs->verify_start = start;
	rs->verify_position = start;
	rs->verify_left = device->bitmap.n_bits - bm_sector_to_bit(start);
	/* The starter's first request tells where it begins. */
	if (new_conn == C_VERIFY_T) {
		rs->verify_left = device->bitmap.n_bits;
		rs->verify_stop = U64_MAX;
		if (tells_start)
			rs->verify_start = U64_MAX;
	}
	rs->requests.kind = SEND_VERIFY_REQUESTS;
	counters_begin(device, rs->verify_left);
}

static bool start_may(const struct drbd_device *device)
{
	const struct resync *rs = &device->resync;
	u8 conn = device->state.conn;

	/* Asked for in another state than this: what it was for is over. */
	if (connection_of(device)->established_at != rs->start_link || conn != rs->start_from ||
	    device->state.disk < D_NEGOTIATING || device->state.pdsk < D_NEGOTIATING)
		return false;
	if (rs->start_side == C_SYNC_SOURCE)
		return conn == C_WF_BITMAP_S || conn == C_STARTING_SYNC_S || conn == C_CONNECTED ||
		       conn == C_AHEAD;
	return conn == C_WF_SYNC_UUID || conn == C_BEHIND;
}

static const char *start_helper(const struct drbd_device *device)
{
	return name_of_helper(device->resync.start_side == C_SYNC_TARGET ?
			      HELPER_BEFORE_RESYNC_TARGET : HELPER_BEFORE_RESYNC_SOURCE);
}

/* The handler forbids it. */
static bool start_vetoed(struct drbd_device *device)
{
	const struct resync *rs = &device->resync;
	s32 status = rs->start_helper.status;

	if (!status || (rs->start_side == C_SYNC_SOURCE && status == 3))
		return false;
	env_log_device(device, LOG_LVL_ERR,
		       "%s handler forbids the resync: disconnecting; see the handler's own messages (exit code %d)",
		       start_helper(device), status);
	return true;
}

static bool wants_csums(const struct drbd_device *device)
{
	const struct drbd_connection *connection = connection_of(device);

	return connection->net_conf.csums_alg[0] && connection->csums_size &&
	       connection->agreed_pro_version >= 89 &&
	       (!connection->net_conf.csums_after_crash_only || device->crashed_primary);
}

/* Empty, with a peer that tells nothing at its end: it has finished after this time. */
static u64 start_old_peer_wait(const struct drbd_device *device)
{
	const struct net_conf *nc = &connection_of(device)->net_conf;

	return (u64)nc->ping_int * 1000 + nc->ping_timeo * 100;
}

static bool start_is_empty_for_old_peer(const struct drbd_device *device)
{
	return connection_of(device)->agreed_pro_version < 95 && !device->resync.total &&
	       device->resync.start_side == C_SYNC_SOURCE;
}

static bool start_change(struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	bool target = rs->start_side == C_SYNC_TARGET;
	struct state_change change;

	change = state_change_join(ST_CHANGE_CONN(rs->start_side),
				   target ? ST_CHANGE_DISK(D_INCONSISTENT) :
					    ST_CHANGE_PDSK(D_INCONSISTENT));
	change = state_change_join(change, ST_CHANGE_FLAG(ST_AFTR_ISP, !resync_may_run_now(device)));
	if (state_change(device, ST_ARGS(change), CS_VERBOSE) < SS_SUCCESS)
		return false;
	rs->unrecorded = target;
	rs->use_csums = target && wants_csums(device);
	rs->requests.kind = SEND_RESYNC_REQUESTS;
	counters_begin(device, device->bitmap.bits_set);
	rs->start_waits = start_is_empty_for_old_peer(device);
	env_log_device(device, LOG_LVL_INFO, "resync as %s: %llu KiB to go%s",
		       target ? "target" : "source", (unsigned long long)rs->total * 4,
		       rs->use_csums ? ", by checksum" : "");
	resync_after_changed(device->resource);
	return true;
}

/* Older peers are told at once; newer ones by the work after the state change. */
static enum fiber_status start_tell_uuid(struct task *t, struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	struct uuid_set set;

	FIBER_BEGIN(rs->start_pc);
	set = device_uuids(device);
	rs->start_uuid = uuid_source_start(&set, env_random64(), device->state.role == ROLE_PRIMARY);
	device_uuids_store(device, &set);
	FIBER_CALL(rs->start_pc, device_md_sync(t, device, &rs->start_md, true));
	if (!t->result)
		send_sync_uuid(device, rs->start_uuid);
	FIBER_END(rs->start_pc);
}

static bool change_is_out(const struct drbd_device *device)
{
	return device->change.pending || connection_of(device)->change.pending;
}

static enum fiber_status resync_start_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, resync.start);
	struct resync *rs = &device->resync;

	FIBER_BEGIN(task->pc);
	if (!start_may(device))
		FIBER_RETURN(task->pc);
	memset(&rs->start_helper, 0, sizeof(rs->start_helper));
	FIBER_CALL(task->pc, helper_run(t, device->resource, device, start_helper(device),
					&rs->start_helper));
	if (start_vetoed(device)) {
		connection_fatal(connection_of(device));
		FIBER_RETURN(task->pc);
	}
	/*
	 * Not in the middle of a change that both nodes are making. Whoever merely holds the
	 * state mutex may be waiting for this very start.
	 */
	FIBER_WAIT_UNTIL(task->pc, !change_is_out(device) || !start_may(device));
	if (!start_may(device)) {
		env_log_device(device, LOG_LVL_WARN, "resync not started: the state changed to %s/%s meanwhile",
			       name_of_conn(device->state.conn), name_of_disk(device->state.disk));
		FIBER_RETURN(task->pc);
	}
	if (!start_change(device))
		FIBER_RETURN(task->pc);
	/*
	 * Half overwritten data must never pass for consistent after a crash, and what the source
	 * forgets as soon as it is written here must be known here until it is durable.
	 */
	if (rs->unrecorded) {
		memset(&rs->start_bulk, 0, sizeof(rs->start_bulk));
		FIBER_CALL(task->pc, device_write_bitmap(t, device, &rs->start_bulk));
		FIBER_CALL(task->pc, device_md_sync(t, device, &rs->start_md, true));
	}
	rs->unrecorded = false;
	request_admission_kick(device);
	env_wake(device->resource);
	if (rs->start_side == C_SYNC_SOURCE && connection_of(device)->agreed_pro_version < 96)
		FIBER_CALL(task->pc, start_tell_uuid(t, device));
	if (rs->start_waits)
		FIBER_WAIT_TIMEOUT(task->pc, t, start_old_peer_wait(device),
				   !state_is_sync(device->state.conn));
	rs->start_waits = false;
	resync_check_finished(device);
	FIBER_END(task->pc);
}

void resync_start(struct drbd_device *device, enum drbd_conn side)
{
	device->resync.start_side = side;
	device->resync.start_from = device->state.conn;
	device->resync.start_link = connection_of(device)->established_at;
	core_task_start(device->resource, &device->resync.start);
}

/* ---- Ahead, and caught up (wire.md 5.8) ---- */

static void leave_ahead_fire(struct core_timer *timer)
{
	struct drbd_device *device = container_of(timer, struct drbd_device, resync.leave_ahead);

	if (device->state.conn != C_AHEAD) {
		device->ahead_to_source_queued = false;
		return;
	}
	if (device->resync.pending || device->peer_unacked) {
		core_timer_set(device->resource, timer, AHEAD_LOOK_MS);
		return;
	}
	device->ahead_to_source_queued = false;
	resync_start(device, C_SYNC_SOURCE);
}

void resync_leave_ahead(struct drbd_device *device)
{
	if (device->ahead_to_source_queued || device->state.conn != C_AHEAD)
		return;
	device->ahead_to_source_queued = true;
	core_timer_set(device->resource, &device->resync.leave_ahead, AHEAD_WAIT_MS);
}

/* ---- abort ---- */

void resync_cancel(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	core_timer_cancel(device->resource, &rs->turn);
	core_timer_cancel(device->resource, &rs->leave_ahead);
	device->ahead_to_source_queued = false;
	rs_extents_cancel(device);
	rs->budget = 0;
	rs->pending = 0;
	rs->sectors_in = 0;
	rs->total = 0;
	rs->failed = 0;
	rs->own_failed = 0;
	rs->disk_lied = false;
	rs->peer_ended = false;
	rs->bitmap_sending = false;
	rs->bitmap_receiving = false;
	verify_log_run(device);
	env_wake(device->resource);
}

void resync_init(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	memset(rs, 0, sizeof(*rs));
	rs->verify_stop = U64_MAX;
	core_timer_init(&rs->turn, resync_turn_fire);
	core_timer_init(&rs->leave_ahead, leave_ahead_fire);
	send_item_init(&rs->requests, SEND_RESYNC_REQUESTS);
	send_item_init(&rs->bitmap_send, SEND_BITMAP);
	core_task_init(&rs->start, resync_start_run);
	core_task_init(&rs->finish, resync_finish_run);
	core_task_init(&rs->bitmap_task, bitmap_task_run);
	core_task_init(&rs->repair, verify_repair_run);
	core_task_init(&rs->parked, resync_parked_run);
}
