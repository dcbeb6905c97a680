// SPDX-License-Identifier: GPL-2.0
/* Options of a resource, removing things, and taking everything down (states.md 6, netlink.md 3.3). */
#include "admin.h"

#define LEAVE_MS 10000
#define LEAVE_LOOK_MS 100

enum fiber_status admin_resource_options(struct task *t, struct admin_op *op)
{
	(void)t;
	op->resource->opts = op->conf.res;
	op->ret = ERR_NO_ERROR;
	return FIBER_DONE;
}

u32 admin_timeout_type(const struct drbd_device *device)
{
	if (device->state.pdsk == D_OUTDATED)
		return NL_TIMEOUT_OUTDATED;
	return device->degraded_wfc ? NL_TIMEOUT_DEGRADED : NL_TIMEOUT_DEFAULT;
}

/* ---- removing a volume */

/* Nobody works on it any more. */
static bool is_unused(const struct drbd_device *device)
{
	return !device->has_backing && device->open_count == 0 && device->ap_in_flight == 0 &&
	       device->prl.in_flight == 0 && !device->full_sync.active &&
	       !device->resync.start.active && !device->resync.finish.active &&
	       !device->resync.bitmap_task.active && !device->resync.repair.active &&
	       !device->al.commit.active && !dlist_linked(&device->md_work.link) &&
	       !dlist_linked(&device->refused_write.link) &&
	       !dlist_linked(&device->disk_gone.link);
}

/* The transfer log and the send queue refer to it until the last answer came, the last item left. */
static bool is_referred_to(const struct drbd_device *device)
{
	const struct drbd_request *req;

	if (dlist_linked(&device->resync.requests.link) ||
	    dlist_linked(&device->resync.bitmap_send.link))
		return true;
	dlist_for_each_entry(req, &device->resource->connection.tl.requests, tl)
		if (req->device == device)
			return true;
	return false;
}

static bool may_leave(const struct drbd_device *device)
{
	return is_unused(device) && !is_referred_to(device);
}

static bool may_be_deleted(const struct drbd_device *device)
{
	return device->state.disk == D_DISKLESS && device->state.role == ROLE_SECONDARY;
}

/* Out of the connection, then wait for what is still under way. */
static enum fiber_status volume_leave(struct task *t, struct drbd_device *device,
				      struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	state_request_init(&op->rq, ST_CHANGE_CONN(C_WF_REPORT_PARAMS), CS_WAIT_COMPLETE);
	op->rq.give_up_at = env_now_ms() + LEAVE_MS;
	if (device->state.conn > C_WF_REPORT_PARAMS)
		FIBER_CALL(op->pc2, state_request(t, device, &op->rq));
	resync_cancel(device);
	tl_close_epoch(&op->resource->connection);
	while (!may_leave(device) && !t->interrupted)
		FIBER_WAIT_TIMEOUT(op->pc2, t, LEAVE_LOOK_MS, may_leave(device) || t->interrupted);
	op->ticket = work_ticket(op->resource);
	FIBER_WAIT_UNTIL(op->pc2, work_reached(op->resource, op->ticket) || t->interrupted);
	core_timer_cancel(op->resource, &device->md_timer);
	core_timer_cancel(op->resource, &device->resync.turn);
	core_timer_cancel(op->resource, &device->al.rs_patience);
	FIBER_END(op->pc2);
}

enum fiber_status admin_del_minor(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	op->ret = ERR_MINOR_CONFIGURED;
	if (!may_be_deleted(device))
		FIBER_RETURN(op->pc);
	device->unregistered = true;
	FIBER_CALL(op->pc, volume_leave(t, device, op));
	op->ret = t->interrupted ? ERR_INTR : ERR_NO_ERROR;
	if (op->ret != ERR_NO_ERROR)
		device->unregistered = false;
	FIBER_END(op->pc);
}

enum fiber_status admin_del_resource(struct task *t, struct admin_op *op)
{
	struct drbd_resource *resource = op->resource;

	FIBER_BEGIN(op->pc);
	op->ret = ERR_NO_ERROR;
	if (resource->connection.cstate > C_STANDALONE)
		op->ret = ERR_NET_CONFIGURED;
	else if (!dlist_empty(&resource->devices))
		op->ret = ERR_RES_IN_USE;
	if (op->ret != ERR_NO_ERROR)
		FIBER_RETURN(op->pc);
	core_timer_cancel(resource, &resource->connection.teardown_timer);
	core_timer_cancel(resource, &resource->connection.hangup_timer);
	core_timer_cancel(resource, &resource->connection.request_timer);
	core_timer_cancel(resource, &resource->connection.barrier_timer);
	/* The work queue refers to the resource. */
	FIBER_WAIT_UNTIL(op->pc, (dlist_empty(&resource->work.items) &&
				  !resource->connection.fence_task.active) || t->interrupted);
	if (t->interrupted)
		op->ret = ERR_INTR;
	FIBER_END(op->pc);
}

/* ---- down */

static bool failed(struct admin_op *op, const char *text)
{
	if (op->inner >= SS_SUCCESS && op->inner <= SS_CW_NO_NEED)
		return false;
	op->ret = op->inner;
	admin_info(op, text);
	return true;
}

enum fiber_status admin_down(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	op->force = false;
	for (op->walk = volume_next(op->resource, NULL); op->walk;
	     op->walk = volume_next(op->resource, op->walk)) {
		FIBER_CALL(op->pc, role_demote(t, op->walk, op));
		if (failed(op, "failed to demote"))
			FIBER_RETURN(op->pc);
	}
	FIBER_CALL(op->pc, net_disconnect(t, &op->resource->connection, op));
	if (failed(op, "failed to disconnect"))
		FIBER_RETURN(op->pc);
	for (op->walk = volume_next(op->resource, NULL); op->walk;
	     op->walk = volume_next(op->resource, op->walk)) {
		FIBER_CALL(op->pc, disk_detach(t, op->walk, op));
		if (failed(op, "failed to detach"))
			FIBER_RETURN(op->pc);
	}
	op->ret = ERR_NO_ERROR;
	FIBER_END(op->pc);
}
