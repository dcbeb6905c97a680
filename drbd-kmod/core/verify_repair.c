// SPDX-License-Identifier: GPL-2.0
/*
 * verify_repair.c - a verify that repairs: at its end, what differs is synced
 *
 * Not in 8.4, so only with a peer that offers FF_VERIFY_REPAIR. Both nodes go from Connected to
 * WFBitMapS and WFBitMapT in one change that both agree to (states.md 2.8), and from there on it
 * is a resync like that after a handshake. The users' data are the right ones: those of the only
 * Primary, else those of the node where the verify was asked for.
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "names.h"

#define REPAIR_TRIES 40
#define REPAIR_LOOK_MS 250
#define REPAIR_PATIENCE_MS 10000

static bool both_up_to_date(const struct drbd_device *device)
{
	return device->state.disk == D_UP_TO_DATE && device->state.pdsk == D_UP_TO_DATE;
}

const char *verify_repair_obstacle(const struct drbd_device *device)
{
	if (!(device->resource->connection.agreed_features & FF_VERIFY_REPAIR))
		return "the peer's module does not know how to repair after a verify: verify without --repair; what differs is synced after disconnect and connect";
	if (device->state.role == ROLE_PRIMARY && device->state.peer == ROLE_PRIMARY)
		return "both nodes are Primary, nobody can tell whose data are right: demote one of them, then verify again";
	return NULL;
}

/* ---- asking ---- */

static struct state_change repair_change(const struct drbd_device *device)
{
	bool peers_data = device->state.peer == ROLE_PRIMARY;

	return ST_CHANGE_CONN(peers_data ? C_WF_BITMAP_T : C_WF_BITMAP_S);
}

static bool still_wanted(const struct drbd_device *device)
{
	return device->state.conn == C_CONNECTED && both_up_to_date(device) &&
	       device->bitmap.bits_set && !verify_repair_obstacle(device);
}

/* The peer has not seen the end of the verify yet. */
static bool too_early(const struct drbd_device *device)
{
	return device->resync.repair_rq.ret == SS_CW_FAILED_BY_PEER && device->change.answered &&
	       device->change.answer == SS_IN_TRANSIENT_STATE;
}

enum fiber_status verify_repair_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, resync.repair);
	struct resync *rs = &device->resync;

	FIBER_BEGIN(task->pc);
	rs->repair_tries = 0;
	/* The work after the verify tells the peer that it is over. */
	rs->repair_ticket = work_ticket(device->resource);
	FIBER_WAIT_UNTIL(task->pc, work_reached(device->resource, rs->repair_ticket));
	do {
		FIBER_WAIT_TIMEOUT(task->pc, t, rs->repair_tries ? REPAIR_LOOK_MS : 0,
				   !still_wanted(device));
		if (!still_wanted(device))
			break;
		state_request_init(&rs->repair_rq, repair_change(device), CS_ORDERED | CS_VERBOSE);
		rs->repair_rq.give_up_at = env_now_ms() + REPAIR_PATIENCE_MS;
		FIBER_CALL(task->pc, state_request(t, device, &rs->repair_rq));
		if (rs->repair_rq.ret >= SS_SUCCESS)
			FIBER_RETURN(task->pc);
	} while (too_early(device) && ++rs->repair_tries < REPAIR_TRIES);
	env_log_device(device, LOG_LVL_WARN,
		       "not repaired: %s; what differs stays marked, verify again or reconnect",
		       verify_repair_obstacle(device) ?: "the state changed meanwhile, or the peer refused");
	FIBER_END(task->pc);
}

void verify_repair_begin(struct drbd_device *device)
{
	device->resync.verify_repairs = false;
	core_task_start(device->resource, &device->resync.repair);
}

/* ---- being asked ---- */

static u8 asked_conn(struct state_change change)
{
	return (change.val & change.mask & ST_CONN_MASK) >> ST_CONN_SHIFT;
}

bool verify_repair_asked(struct state_change change)
{
	u8 conn = asked_conn(change);

	return conn == C_WF_BITMAP_S || conn == C_WF_BITMAP_T;
}

enum ss_code verify_repair_answer(struct drbd_device *device, struct state_change change)
{
	u8 target = asked_conn(change) == C_WF_BITMAP_T ? device->state.role : device->state.peer;

	if (verify_repair_obstacle(device))
		return SS_NOT_SUPPORTED;
	if (device->state.conn != C_CONNECTED)
		return SS_IN_TRANSIENT_STATE;
	/* Whoever uses the data of the other one would see them change. */
	if (target == ROLE_PRIMARY)
		return SS_TWO_PRIMARIES;
	if (!both_up_to_date(device))
		return SS_NO_UP_TO_DATE_DISK;
	return state_change(device, change.mask, change.val, CS_VERBOSE);
}
