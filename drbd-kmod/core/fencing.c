// SPDX-License-Identifier: GPL-2.0
/* Asking the outside world to keep the peer away from its data (states.md 8.4). */
#include "engine.h"
#include "names.h"
#include "predicates.h"

/* Highest policy of the volumes that have data worth protecting; false if there is none. */
static bool policy_of(struct drbd_resource *resource, u8 *policy)
{
	struct drbd_device *device;
	bool found = false;

	*policy = FENCING_DONT_CARE;
	for_each_volume(device, resource) {
		if (device->state.disk < D_CONSISTENT)
			continue;
		found = true;
		*policy = max_t(u8, *policy, device->disk_conf.fencing);
	}
	return found;
}

/* Nothing to protect: freezing for the handler's sake makes no sense any more. */
static void nothing_to_fence(struct drbd_connection *connection)
{
	struct drbd_resource *resource = connection->resource;

	env_log_connection(connection, LOG_LVL_INFO,
			   "fence-peer handler not called: no volume has at least Consistent data");
	conn_state_change(connection, ST_ARGS(ST_CHANGE_FLAG(ST_SUSP_FEN, false)), CS_HARD);
	if (!resource->susp && !resource->susp_nod)
		tl_apply(connection, REQ_CONNECTION_LOST);
}

/* What the handler's exit code says; an empty mask: nothing. */
static struct state_change exit_change(struct drbd_connection *connection,
				       const struct fence_op *op, bool *broken)
{
	struct state_range range = resource_states(connection->resource);
	struct state_change none = { 0, 0 };

	*broken = false;
	switch (op->helper.status) {
	case 3:
		return ST_CHANGE_PDSK(D_INCONSISTENT);
	case 4:
		return ST_CHANGE_PDSK(D_OUTDATED);
	case 5:
		if (range.hi.disk == D_UP_TO_DATE)
			return ST_CHANGE_PDSK(D_OUTDATED);
		env_log_connection(connection, LOG_LVL_WARN,
				   "fence-peer could not reach the peer, and this node's data may be older: nothing changes; connect the peer, or promote with --force if it is lost");
		return none;
	case 6:
		env_log_connection(connection, LOG_LVL_WARN,
				   "fence-peer: the peer is Primary, outdating this node");
		return ST_CHANGE_DISK(D_OUTDATED);
	case 7:
		if (op->policy != FENCING_RESOURCE_AND_STONITH)
			env_log_connection(connection, LOG_LVL_ERR,
					   "fence-peer killed the peer although fencing is not resource-and-stonith; check the handler");
		return ST_CHANGE_PDSK(D_OUTDATED);
	default:
		*broken = true;
		return none;
	}
}

/* The answer counts only for the same absence of the peer. */
static bool still_away(const struct drbd_connection *connection, const struct fence_op *op)
{
	return connection->cstate < C_WF_REPORT_PARAMS && !connection->state_sent &&
	       connection->connect_count == op->connect_count;
}

static void fence_apply(struct drbd_connection *connection, struct fence_op *op)
{
	struct state_change change;
	bool broken;

	change = exit_change(connection, op, &broken);
	if (broken) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "fence-peer handler is broken, it must exit with 3 to 7; frozen I/O stays frozen until the peer is back or resume-io (exit code %d)",
				   op->helper.status);
		return;
	}
	if (!still_away(connection, op)) {
		env_log_connection(connection, LOG_LVL_INFO,
				   "fence-peer result ignored: the connection is back");
		return;
	}
	if (change.mask)
		conn_state_change(connection, change.mask, change.val, CS_VERBOSE);
	op->ok = resource_states(connection->resource).hi.pdsk <= D_OUTDATED;
}

enum fiber_status fence_peer(struct task *t, struct drbd_connection *connection, struct fence_op *op)
{
	FIBER_BEGIN(op->pc);
	op->ok = false;
	if (connection->cstate >= C_WF_REPORT_PARAMS)
		FIBER_RETURN(op->pc);
	op->connect_count = connection->connect_count;
	if (!policy_of(connection->resource, &op->policy)) {
		nothing_to_fence(connection);
		FIBER_RETURN(op->pc);
	}
	if (op->policy == FENCING_DONT_CARE) {
		op->ok = true;
		FIBER_RETURN(op->pc);
	}
	FIBER_CALL(op->pc, helper_run(t, connection->resource, NULL,
				      name_of_helper(HELPER_FENCE_PEER), &op->helper));
	fence_apply(connection, op);
	FIBER_END(op->pc);
}

enum fiber_status fence_task_run(struct task *t, struct core_task *task)
{
	struct drbd_connection *connection = container_of(task, struct drbd_connection, fence_task);

	FIBER_BEGIN(task->pc);
	memset(&connection->fence, 0, sizeof(connection->fence));
	FIBER_CALL(task->pc, fence_peer(t, connection, &connection->fence));
	/* Whoever deletes the resource waits for this task, and nothing else may happen any more. */
	env_wake(connection->resource);
	FIBER_END(task->pc);
}
