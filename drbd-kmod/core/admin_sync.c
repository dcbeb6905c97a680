// SPDX-License-Identifier: GPL-2.0
/* Commands about data and its synchronisation, freezing and thawing (states.md 6, netlink.md 3.4). */
#include "admin.h"
#include "predicates.h"

static bool has_disk(const struct drbd_device *device)
{
	return device->has_backing && device->state.disk >= D_INCONSISTENT;
}

static void freeze(struct drbd_device *device, struct admin_op *op)
{
	device_suspend_io(device);
	op->io_frozen = true;
}

static void unfreeze(struct drbd_device *device, struct admin_op *op)
{
	if (!op->io_frozen)
		return;
	op->io_frozen = false;
	device_resume_io(device);
}

/* Frozen or idle, and no bulk operation at work. */
static bool is_quiet(const struct task *t, const struct drbd_device *device)
{
	if (t->interrupted)
		return true;
	return !device->bm_io_pending &&
	       (io_is_idle(device) || state_suspended(device_state(device)));
}

static void request(struct admin_op *op, struct state_change change)
{
	state_request_init(&op->rq, change, CS_ORDERED | CS_VERBOSE);
}

enum fiber_status admin_outdate(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	request(op, ST_CHANGE_DISK(D_OUTDATED));
	FIBER_CALL(op->pc, state_request(t, op->device, &op->rq));
	op->ret = op->rq.ret;
	FIBER_END(op->pc);
}

/* ---- invalidate, here or there */

/* Without a peer: a disk state now, and all bits, so that the next connect syncs everything. */
static enum fiber_status invalidate_alone(struct task *t, struct drbd_device *device,
					  struct state_change change, struct admin_op *op)
{
	FIBER_BEGIN(op->pc3);
	op->ret = state_change(device, change.mask, change.val, CS_VERBOSE);
	if (op->ret < SS_SUCCESS)
		FIBER_RETURN(op->pc3);
	FIBER_CALL(op->pc3, device_set_all_and_write(t, device, &op->bulk));
	if (op->bulk.error)
		op->ret = ERR_IO_MD_DISK;
	FIBER_END(op->pc3);
}

/* alone_role: as what a StandAlone node may do it by itself. */
static enum fiber_status invalidate(struct task *t, struct admin_op *op, u8 alone_role,
				    struct state_change alone, struct state_change connected)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc2);
	op->ret = ERR_NO_DISK;
	if (!has_disk(device))
		FIBER_RETURN(op->pc2);
	freeze(device, op);
	FIBER_WAIT_UNTIL(op->pc2, is_quiet(t, device));
	if (t->interrupted) {
		op->ret = ERR_INTR;
	} else if (device->state.conn == C_STANDALONE && device->state.role == alone_role) {
		FIBER_CALL(op->pc2, invalidate_alone(t, device, alone, op));
	} else {
		request(op, connected);
		FIBER_CALL(op->pc2, state_request(t, device, &op->rq));
		op->ret = op->rq.ret;
	}
	unfreeze(device, op);
	FIBER_END(op->pc2);
}

enum fiber_status admin_invalidate(struct task *t, struct admin_op *op)
{
	return invalidate(t, op, ROLE_SECONDARY, ST_CHANGE_DISK(D_INCONSISTENT),
			  ST_CHANGE_CONN(C_STARTING_SYNC_T));
}

enum fiber_status admin_invalidate_remote(struct task *t, struct admin_op *op)
{
	enum fiber_status status;

	status = invalidate(t, op, ROLE_PRIMARY, ST_CHANGE_PDSK(D_INCONSISTENT),
			    ST_CHANGE_CONN(C_STARTING_SYNC_S));
	/* Everything is out of sync: the log has nothing to add. */
	if (status == FIBER_DONE && op->ret >= SS_SUCCESS && op->ret < ERR_NO_ERROR &&
	    op->device->state.conn == C_STANDALONE)
		op->device->al.suspended = true;
	return status;
}

/* ---- pause and resume a resync */

enum fiber_status admin_pause_sync(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	request(op, ST_CHANGE_FLAG(ST_USER_ISP, true));
	FIBER_CALL(op->pc, state_request(t, op->device, &op->rq));
	op->ret = op->rq.ret == SS_NOTHING_TO_DO ? ERR_PAUSE_IS_SET : ERR_NO_ERROR;
	FIBER_END(op->pc);
}

static s32 why_still_paused(struct state s)
{
	if (s.conn == C_PAUSED_SYNC_S || s.conn == C_PAUSED_SYNC_T) {
		if (s.aftr_isp)
			return ERR_PIC_AFTER_DEP;
		if (s.peer_isp)
			return ERR_PIC_PEER_DEP;
	}
	return ERR_PAUSE_IS_CLEAR;
}

enum fiber_status admin_resume_sync(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	request(op, ST_CHANGE_FLAG(ST_USER_ISP, false));
	FIBER_CALL(op->pc, state_request(t, op->device, &op->rq));
	op->ret = op->rq.ret == SS_NOTHING_TO_DO ? why_still_paused(device_state(op->device)) :
						   ERR_NO_ERROR;
	FIBER_END(op->pc);
}

/* ---- online verify */

enum fiber_status admin_verify(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	if (op->repair && device->state.conn >= C_CONNECTED && verify_repair_obstacle(device)) {
		admin_info(op, verify_repair_obstacle(device));
		op->ret = SS_NOT_SUPPORTED;
		FIBER_RETURN(op->pc);
	}
	if (device->state.conn != C_VERIFY_S && device->state.conn != C_VERIFY_T) {
		if (op->have_start)
			device->resync.verify_start = op->start_sector & ~7ULL;
		device->resync.verify_stop = op->stop_sector;
		device->resync.verify_repairs = op->repair;
	}
	FIBER_WAIT_UNTIL(op->pc, !device->bm_io_pending || t->interrupted);
	request(op, ST_CHANGE_CONN(C_VERIFY_S));
	FIBER_CALL(op->pc, state_request(t, device, &op->rq));
	op->ret = op->rq.ret;
	FIBER_END(op->pc);
}

/* ---- freezing and thawing by command */

enum fiber_status admin_suspend_io(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	request(op, ST_CHANGE_FLAG(ST_SUSP, true));
	FIBER_CALL(op->pc, state_request(t, op->device, &op->rq));
	op->ret = op->rq.ret;
	FIBER_END(op->pc);
}

/* UUIDs owed since the peer was lost: durable before anything frozen completes. */
static enum fiber_status resume_new_uuids(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	for (op->walk = volume_next(op->resource, NULL); op->walk;
	     op->walk = volume_next(op->resource, op->walk)) {
		if (!op->walk->new_uuid_on_thaw)
			continue;
		op->walk->new_uuid_on_thaw = false;
		/* Back, with the same data: it gets what was frozen, too. */
		if (op->walk->state.conn == C_CONNECTED && op->walk->state.pdsk == D_UP_TO_DATE)
			continue;
		if (has_disk(op->walk))
			FIBER_CALL(op->pc2, device_uuid_new_current(t, op->walk, &op->md));
		else
			exposure_name(op->walk, env_random64());
	}
	FIBER_END(op->pc2);
}

static void thaw(struct admin_op *op)
{
	struct drbd_connection *connection = &op->resource->connection;
	struct state s = device_state(op->device);

	/* While connected, what was answered meanwhile is held back by nothing any more. */
	if (s.conn < C_CONNECTED)
		tl_apply(connection, REQ_CONNECTION_LOST);
	else
		tl_thaw(connection);
	if (s.disk == D_DISKLESS || s.disk == D_FAILED)
		tl_apply(connection, REQ_FAIL_FROZEN);
}

enum fiber_status admin_resume_io(struct task *t, struct admin_op *op)
{
	struct state_change change = { ST_SUSP_MASK, 0 };

	FIBER_BEGIN(op->pc);
	FIBER_CALL(op->pc, resume_new_uuids(t, op));
	/* Not waiting for the worker: frozen requests must be dealt with first. */
	state_request_init(&op->rq, change, CS_SERIALIZE | CS_VERBOSE);
	admission_thaw_begin(op->resource);
	FIBER_CALL(op->pc, state_request(t, op->device, &op->rq));
	op->ret = op->rq.ret;
	if (op->ret >= SS_SUCCESS)
		thaw(op);
	admission_thaw_end(op->resource);
	if (op->ret < SS_SUCCESS)
		FIBER_RETURN(op->pc);
	FIBER_CALL(op->pc, generation_part(t, &op->resource->connection, &op->part));
	FIBER_END(op->pc);
}

/* ---- new current UUID */

static bool skips_initial_sync(struct drbd_device *device, const struct admin_op *op)
{
	struct uuid_set set = device_uuids(device);

	return op->clear_bitmap &&
	       uuid_may_skip_initial_sync(&set, device->state.conn,
					  op->resource->connection.agreed_pro_version);
}

static void both_up_to_date(struct drbd_device *device)
{
	struct state_change change = state_change_join(ST_CHANGE_DISK(D_UP_TO_DATE),
						       ST_CHANGE_PDSK(D_UP_TO_DATE));
	struct uuid_set set;

	send_uuids_skip_initial_sync(device);
	/* No history: "just created" is no generation, and the peer remembers none either. */
	set = device_uuids(device);
	uuid_slot_set(&set, UUID_BITMAP, 0, false);
	device_uuids_store(device, &set);
	/* The peer takes them over and does not say so; its own are no generation any more. */
	device->peer_uuids.set = set;
	device->skip_told = true;
	state_change(device, change.mask, change.val, CS_VERBOSE);
}

/* With the state mutex held and I/O stopped. */
static enum fiber_status new_uuid(struct task *t, struct drbd_device *device, struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	op->forced = skips_initial_sync(device, op);
	op->ret = ERR_CONNECTED;
	if (!op->forced && device->state.conn != C_STANDALONE)
		FIBER_RETURN(op->pc2);
	device_uuid_set_bitmap(device, 0);
	FIBER_CALL(op->pc2, device_uuid_new_current(t, device, &op->md));
	op->ret = ERR_NO_ERROR;
	if (op->clear_bitmap) {
		FIBER_CALL(op->pc2, device_clear_all_and_write(t, device, &op->bulk));
		if (op->bulk.error)
			op->ret = ERR_IO_MD_DISK;
		else if (op->forced)
			both_up_to_date(device);
	}
	FIBER_CALL(op->pc2, device_md_sync(t, device, &op->md, false));
	FIBER_END(op->pc2);
}

enum fiber_status admin_new_current_uuid(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	op->ret = ERR_NO_DISK;
	if (!has_disk(device))
		FIBER_RETURN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, !*device_change_mutex(device) || t->interrupted);
	op->ret = ERR_INTR;
	if (*device_change_mutex(device))
		FIBER_RETURN(op->pc);
	op->mutex = device_change_mutex(device);
	*op->mutex = true;
	freeze(device, op);
	FIBER_WAIT_UNTIL(op->pc, is_quiet(t, device));
	if (!t->interrupted && has_disk(device))
		FIBER_CALL(op->pc, new_uuid(t, device, op));
	unfreeze(device, op);
	*op->mutex = false;
	op->mutex = NULL;
	env_wake(op->resource);
	FIBER_END(op->pc);
}
