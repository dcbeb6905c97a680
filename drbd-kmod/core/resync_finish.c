// SPDX-License-Identifier: GPL-2.0
/* resync_finish.c - the end of a resync or verify (states.md 9.3; wire.md 6.8, 7) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "names.h"

#define EXTENTS_LOOK_MS 100
#define EXTENTS_TRIES 50
#define LEFTOVERS_PATIENCE_MS 3000

static struct drbd_connection *connection_of(const struct drbd_device *device)
{
	return &device->resource->connection;
}

/* ---- is it over? ---- */

static bool only_failures_are_left(const struct drbd_device *device)
{
	const struct resync *rs = &device->resync;

	return device->bitmap.bits_set <= rs->failed + rs->own_failed;
}

static bool target_is_over(const struct drbd_device *device)
{
	if (!device->bitmap.bits_set)
		return true;
	/* What is left are blocks that failed; the others' answers have all come. */
	return only_failures_are_left(device) && !device->resync.pending;
}

static bool is_over(const struct drbd_device *device)
{
	const struct resync *rs = &device->resync;

	switch (device->state.conn) {
	case C_SYNC_TARGET:
	case C_PAUSED_SYNC_T:
		return target_is_over(device);
	case C_SYNC_SOURCE:
	case C_PAUSED_SYNC_S:
		/*
		 * Newer targets say so (P_STATE). Bits of application writes that the target has,
		 * and whose barrier ack is on its way, may be left then, and go one after the other;
		 * those of writes that only failed here stay.
		 */
		if (connection_of(device)->agreed_pro_version > 95)
			return rs->peer_ended && only_failures_are_left(device);
		return !rs->start_waits && target_is_over(device);
	case C_VERIFY_S:
		return verify_all_asked(device) && !rs->pending;
	case C_VERIFY_T:
		return !rs->verify_left;
	default:
		return false;
	}
}

void resync_check_finished(struct drbd_device *device)
{
	if (!device->resync.finishing && is_over(device))
		resync_finish(device);
}

void resync_finish(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	if (rs->finishing || !state_in_resync(device->state.conn))
		return;
	rs->finishing = true;
	rs->finish_link = connection_of(device)->established_at;
	core_task_start(device->resource, &rs->finish);
}

/* ---- the end ---- */

/* The connection went, or something else ended the run meanwhile. */
static bool overtaken(const struct drbd_device *device)
{
	return !state_in_resync(device->state.conn) ||
	       connection_of(device)->established_at != device->resync.finish_link;
}

static bool extents_are_busy(const struct drbd_device *device)
{
	return device->resync.extents_locked != 0;
}

static void ask_for_ping(struct drbd_device *device)
{
	struct drbd_connection *connection = connection_of(device);

	/* The ack of a ping that is out already says nothing about what was sent since. */
	device->resync.finish_acks = connection->ping_acks + 1 + connection->ping_out;
	connection_request_ping(connection);
}

static bool ping_is_answered(const struct drbd_device *device)
{
	return (s32)(connection_of(device)->ping_acks - device->resync.finish_acks) >= 0;
}

void resync_peer_ended(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	if (!rs->peer_ended)
		rs->peer_ended_at = env_now_ms();
	rs->peer_ended = true;
	rs->ended_uuid = device->md.uuid[MD_UUID_BITMAP];
	rs->leftovers_doubted = false;
	resync_check_finished(device);
}

void resync_check_leftovers(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	if (!state_is_sync_source(device->state.conn) || !rs->peer_ended || rs->finishing ||
	    env_now_ms() - rs->peer_ended_at < LEFTOVERS_PATIENCE_MS)
		return;
	if (!rs->leftovers_doubted) {
		rs->leftovers_doubted = true;
		rs->leftovers_id = device->rq.last_id;
		ask_for_ping(device);
	}
	/* Writes that began later have set no bits: they need not come to an end first. */
	if (only_failures_are_left(device) || !ping_is_answered(device) ||
	    tl_has_unconfirmed(device, rs->leftovers_id))
		return;
	env_log_device(device, LOG_LVL_ERR,
		       "the peer has ended the resync and knows nothing of %llu blocks that are out of sync here: reconnecting to compare them",
		       (unsigned long long)device->bitmap.bits_set);
	connection_fail(connection_of(device), C_NETWORK_FAILURE);
}

static void finish_uuids(struct drbd_device *device, bool target)
{
	struct uuid_set set = device_uuids(device);

	if (!target) {
		uuid_source_finish(&set);
		/* The target has taken mine over: what it told before is history. */
		device->peer_uuids.set = set;
	} else if (device->peer_uuids.valid) {
		uuid_target_finish(&set, &device->peer_uuids.set,
				   device->state.role == ROLE_PRIMARY);
	}
	device_uuids_store(device, &set);
}

static struct state_change disks_after(bool target, bool failed)
{
	u8 mine = failed && target ? D_INCONSISTENT : D_UP_TO_DATE;
	u8 peers = failed && !target ? D_INCONSISTENT : D_UP_TO_DATE;

	return state_change_join(ST_CHANGE_DISK(mine), ST_CHANGE_PDSK(peers));
}

static bool all_volumes_up_to_date(struct drbd_resource *resource)
{
	struct drbd_device *device;

	for_each_volume(device, resource)
		if (device->state.disk != D_UP_TO_DATE || device->state.pdsk != D_UP_TO_DATE)
			return false;
	return true;
}

static void finish_log(const struct drbd_device *device, u64 left)
{
	const struct resync *rs = &device->resync;
	bool verify = state_is_verify(rs->finish_conn);
	struct progress_figures figures;

	/* A verify that stops early has not looked at all, and what differs was looked at. */
	progress_get(&rs->progress, env_now_ms(), verify ? rs->verify_left : left, &figures);
	if (verify) {
		env_log_device(device, left ? LOG_LVL_WARN : LOG_LVL_INFO,
			       "verify done (%llu KiB/s): %llu blocks are out of sync",
			       (unsigned long long)figures.speed_average,
			       (unsigned long long)device->bitmap.bits_set);
		return;
	}
	env_log_device(device, LOG_LVL_INFO,
		       "resync done: %llu KiB, %llu KiB/s, %llu KiB were equal by checksum",
		       (unsigned long long)rs->total * 4,
		       (unsigned long long)figures.speed_average,
		       (unsigned long long)rs->same_checksum * 4);
	if (left)
		env_log_device(device, LOG_LVL_ERR,
			       "%llu blocks could not be synced; repair the disk that failed, then reconnect",
			       (unsigned long long)device->bitmap.bits_set);
}

/* Is the target's disk less than UpToDate now? */
static bool target_lacks_blocks(const struct drbd_device *device)
{
	const struct resync *rs = &device->resync;

	if (rs->peer_failed)
		return true;
	/* It has said that it lacks nothing: bits that are left are this disk's own faults. */
	if (rs->peer_ended)
		return false;
	return rs->failed && device->bitmap.bits_set > rs->own_failed;
}

static void finish_sync(struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	bool target = state_is_sync_target(rs->finish_conn);
	bool failed = target_lacks_blocks(device);

	finish_log(device, failed ? device->bitmap.bits_set : 0);
	if (!failed)
		finish_uuids(device, target);
	state_force(device, ST_ARGS(state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						      disks_after(target, failed))));
	/* Now that another disk has it all, the policy for errors may be kept. */
	if (rs->disk_lied && !failed && device->bitmap.bits_set)
		device_io_error(device, IO_ERROR_DATA_WRITE);
	rs->finish_unfence = rs->finish_conn == C_SYNC_SOURCE &&
			     device->disk_conf.fencing != FENCING_DONT_CARE &&
			     all_volumes_up_to_date(device->resource);
}

static void finish_verify(struct drbd_device *device)
{
	struct resync *rs = &device->resync;
	bool to_the_end = !rs->verify_left;

	verify_log_run(device);
	finish_log(device, device->bitmap.bits_set);
	state_force(device, ST_ARGS(ST_CHANGE_CONN(C_CONNECTED)));
	/* The next one begins at the start again; the state change remembered the position. */
	if (to_the_end)
		rs->verify_start = 0;
	rs->verify_stop = U64_MAX;
	rs->finish_out_of_sync = device->bitmap.bits_set != 0;
	if (rs->finish_conn != C_VERIFY_S || !rs->finish_out_of_sync)
		rs->verify_repairs = false;
}

static void finish_now(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	rs->finish_conn = device->state.conn;
	rs->finish_unfence = false;
	rs->finish_out_of_sync = false;
	if (state_is_verify(rs->finish_conn))
		finish_verify(device);
	else
		finish_sync(device);
	core_timer_cancel(device->resource, &rs->turn);
	rs->total = 0;
	rs->failed = 0;
	rs->own_failed = 0;
	rs->disk_lied = false;
	rs->pending = 0;
	rs->budget = 0;
	rs->peer_failed = false;
	rs->peer_ended = false;
}

static enum fiber_status finish_helpers(struct task *t, struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	FIBER_BEGIN(rs->finish_pc);
	memset(&rs->finish_helper, 0, sizeof(rs->finish_helper));
	if (rs->finish_unfence)
		FIBER_CALL(rs->finish_pc, helper_run(t, device->resource, NULL,
						     name_of_helper(HELPER_UNFENCE_PEER),
						     &rs->finish_helper));
	if (rs->finish_out_of_sync)
		FIBER_CALL(rs->finish_pc, helper_run(t, device->resource, device,
						     name_of_helper(HELPER_OUT_OF_SYNC),
						     &rs->finish_helper));
	if (state_is_sync_target(rs->finish_conn))
		FIBER_CALL(rs->finish_pc, helper_run(t, device->resource, device,
						     name_of_helper(HELPER_AFTER_RESYNC_TARGET),
						     &rs->finish_helper));
	FIBER_END(rs->finish_pc);
}

/*
 * A target's data must outlive a power cut before both nodes call it UpToDate. A source's bits
 * must not come back by one, once its UUIDs say that the peer has everything: nothing would ever
 * clear them again.
 */
static bool flush_begin(struct drbd_device *device)
{
	return !overtaken(device) && state_is_sync(device->state.conn) &&
	       local_get(device, D_INCONSISTENT);
}

/* A write that has failed here meanwhile left a bit: that block comes next. */
static bool target_lags(const struct drbd_device *device)
{
	return state_is_sync_target(device->state.conn) && !is_over(device);
}

enum fiber_status resync_finish_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, resync.finish);
	struct resync *rs = &device->resync;

	FIBER_BEGIN(task->pc);
	rs->finish_tries = 0;
	while (extents_are_busy(device) && !overtaken(device) && rs->finish_tries++ < EXTENTS_TRIES)
		FIBER_WAIT_TIMEOUT(task->pc, t, EXTENTS_LOOK_MS,
				   !extents_are_busy(device) || overtaken(device));
	if (flush_begin(device)) {
		memset(&rs->finish_pages, 0, sizeof(rs->finish_pages));
		FIBER_CALL(task->pc, device_flush_data(t, device, &rs->finish_pages));
		/* The superblock's own flush, below, takes the cleared bits along. */
		if (!t->result)
			FIBER_CALL(task->pc, device_bitmap_write(t, device, &rs->finish_pages,
								 BM_WRITE_CHANGED));
		/* The superblock must not say UpToDate then. */
		if (t->result)
			device_io_error(device, IO_ERROR_META);
		local_put(device);
	}
	if (!overtaken(device)) {
		ask_for_ping(device);
		FIBER_WAIT_UNTIL(task->pc, ping_is_answered(device) || overtaken(device));
	}
	if (overtaken(device) || target_lags(device)) {
		rs->finishing = false;
		if (!overtaken(device))
			resync_turn_now(device);
		FIBER_RETURN(task->pc);
	}
	rs_extents_cancel(device);
	finish_now(device);
	FIBER_CALL(task->pc, device_md_sync(t, device, &rs->finish_md, false));
	rs->finishing = false;
	FIBER_CALL(task->pc, finish_helpers(t, device));
	if (rs->verify_repairs && state_is_verify(rs->finish_conn))
		verify_repair_begin(device);
	FIBER_END(task->pc);
}
