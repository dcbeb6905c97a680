// SPDX-License-Identifier: GPL-2.0
/* Operations on the whole bitmap (states.md 5.4). */
#include "after_change.h"

/* Nothing in flight that would set or clear bits; frozen requests do not move either way. */
static bool writes_are_quiet(const struct drbd_device *device)
{
	return device->ap_in_flight == 0 || state_suspended(device_state(device));
}

/*
 * The data receiver waits for answers of the peer as long as there is one: it is the receiver
 * itself that tells the requests when there is none.
 */
static bool receiver_lost_peer(const struct drbd_device *device, const struct bulk_op *op)
{
	return op->in_receiver && device->resource->connection.cstate < C_WF_REPORT_PARAMS;
}

/* Nobody else is at it; false: not to be waited for any longer. */
static bool bulk_begin(struct drbd_device *device)
{
	if (device->bm_io_pending) {
		local_put(device);
		return false;
	}
	device->bm_io_pending = true;
	return true;
}

static void bulk_end(struct drbd_device *device)
{
	device->bm_locked = false;
	device->bm_io_pending = false;
	request_admission_kick(device);
	local_put(device);
	env_wake(device->resource);
}

/* All pages to disk, after the bits were changed wholesale. */
static enum fiber_status write_all(struct task *t, struct drbd_device *device, struct bulk_op *op)
{
	FIBER_BEGIN(op->pc2);
	FIBER_CALL(op->pc2, device_bitmap_write(t, device, &op->pages, BM_WRITE_ALL));
	op->error = op->pages.error;
	if (op->error)
		device_io_error(device, IO_ERROR_META);
	FIBER_END(op->pc2);
}

enum fiber_status device_set_all_and_write(struct task *t, struct drbd_device *device,
					   struct bulk_op *op)
{
	FIBER_BEGIN(op->pc);
	op->error = -EIO;
	if (!local_get(device, D_ATTACHING))
		FIBER_RETURN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, !device->bm_io_pending || receiver_lost_peer(device, op));
	if (!bulk_begin(device))
		FIBER_RETURN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, op->in_receiver || writes_are_quiet(device));

	/* A crash from here on must find "everything is out of sync". */
	device->md.flags |= MDF_FULL_SYNC;
	FIBER_CALL(op->pc, device_md_sync(t, device, &op->md, true));
	op->error = (int)t->result;
	device->bm_locked = true;
	bm_set_all(&device->bitmap);
	device->bm_locked = false;
	if (!op->error)
		FIBER_CALL(op->pc, write_all(t, device, op));
	if (!op->error) {
		device->md.flags &= ~MDF_FULL_SYNC;
		FIBER_CALL(op->pc, device_md_sync(t, device, &op->md, true));
		op->error = (int)t->result;
	}
	bulk_end(device);
	FIBER_END(op->pc);
}

enum fiber_status device_clear_all_and_write(struct task *t, struct drbd_device *device,
					     struct bulk_op *op)
{
	FIBER_BEGIN(op->pc);
	op->error = -EIO;
	if (!local_get(device, D_ATTACHING))
		FIBER_RETURN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, !device->bm_io_pending || receiver_lost_peer(device, op));
	if (!bulk_begin(device))
		FIBER_RETURN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, writes_are_quiet(device) || receiver_lost_peer(device, op));
	if (writes_are_quiet(device)) {
		device->al.suspended = false;
		bm_clear_all(&device->bitmap);
		FIBER_CALL(op->pc, write_all(t, device, op));
	}
	bulk_end(device);
	FIBER_END(op->pc);
}

enum fiber_status device_write_bitmap(struct task *t, struct drbd_device *device,
				      struct bulk_op *op)
{
	FIBER_BEGIN(op->pc);
	op->error = 0;
	if (!local_get(device, D_ATTACHING))
		FIBER_RETURN(op->pc);
	FIBER_CALL(op->pc, device_bitmap_write(t, device, &op->pages, BM_WRITE_CHANGED));
	op->error = op->pages.error;
	if (op->error)
		device_io_error(device, IO_ERROR_META);
	local_put(device);
	FIBER_END(op->pc);
}

/* ---- full sync by command: what follows StartingSyncS and StartingSyncT (states.md 3.17) */

static void full_sync_go_on(struct drbd_device *device, int error)
{
	u8 conn = device->state.conn;

	if (conn != C_STARTING_SYNC_S && conn != C_STARTING_SYNC_T)
		return;
	if (error) {
		env_log_device(device, LOG_LVL_ERR,
			       "full sync not started: the bitmap could not be written; check the backing disk (%d)",
			       error);
		state_change(device, ST_ARGS(ST_CHANGE_CONN(C_CONNECTED)), CS_VERBOSE);
	} else if (conn == C_STARTING_SYNC_T) {
		state_change(device, ST_ARGS(ST_CHANGE_CONN(C_WF_SYNC_UUID)), CS_VERBOSE);
	} else {
		resync_start(device, C_SYNC_SOURCE);
	}
}

enum fiber_status full_sync_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, full_sync);

	FIBER_BEGIN(task->pc);
	FIBER_CALL(task->pc, device_set_all_and_write(t, device, &device->full_sync_op));
	full_sync_go_on(device, device->full_sync_op.error);
	FIBER_END(task->pc);
}
