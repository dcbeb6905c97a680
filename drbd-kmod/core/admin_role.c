// SPDX-License-Identifier: GPL-2.0
/* Promotion and demotion, opening and closing (states.md 6). */
#include "admin.h"
#include "connection.h"
#include "predicates.h"

#define PROMOTION_TRIES 4
#define TRANSIENT_MS 10000
#define LOG_DRAIN_MS 2000

void admin_op_init(struct admin_op *op, struct drbd_resource *resource, struct drbd_device *device)
{
	memset(op, 0, sizeof(*op));
	op->resource = resource;
	op->device = device;
	op->ret = ERR_NO_ERROR;
	op->start_sector = U64_MAX;
	op->stop_sector = U64_MAX;
}

void admin_info(struct admin_op *op, const char *text)
{
	size_t have = strlen(op->info), len = strlen(text);

	if (have && have + 1 < sizeof(op->info))
		op->info[have++] = ' ';
	if (len > sizeof(op->info) - 1 - have)
		len = sizeof(op->info) - 1 - have;
	memcpy(op->info + have, text, len);
	op->info[have + len] = 0;
}

int device_open(struct drbd_device *device, bool for_write)
{
	if (device->state.role != ROLE_PRIMARY)
		return for_write ? -EROFS : -EMEDIUMTYPE;
	device->open_count++;
	return 0;
}

void device_close(struct drbd_device *device)
{
	if (core_bug_on(device->open_count == 0))
		return;
	device->open_count--;
	env_wake(device->resource);
}

static void mutex_release(struct admin_op *op)
{
	if (!op->mutex)
		return;
	*op->mutex = false;
	op->mutex = NULL;
	env_wake(op->resource);
}

/* Take the volume's state mutex, or give up when the user does: then op->mutex stays NULL. */
static enum fiber_status mutex_take(struct task *t, struct drbd_device *device, struct admin_op *op)
{
	bool *mutex = device_change_mutex(device);

	if (*mutex && !t->interrupted)
		return FIBER_WAIT;
	if (!*mutex) {
		op->mutex = mutex;
		*mutex = true;
	}
	return FIBER_DONE;
}

/* ---- promotion */

/* Frozen requests can not be waited for. */
static bool answers_are_in(const struct task *t, const struct drbd_device *device)
{
	return device->ap_pending == 0 || state_suspended(device_state(device)) || t->interrupted;
}

static void request_again(struct admin_op *op)
{
	state_request_init(&op->rq, op->change, CS_WAIT_COMPLETE | (op->verbose ? CS_VERBOSE : 0));
	op->rq.give_up_at = env_now_ms() + TRANSIENT_MS;
}

static void add_change(struct admin_op *op, struct state_change more)
{
	op->change = state_change_join(op->change, more);
}

static bool is_weak_disk(const struct drbd_device *device)
{
	return device->state.disk >= D_INCONSISTENT && device->state.disk < D_UP_TO_DATE;
}

/* What a refusal suggests to try next. */
enum next_try { TRY_END, TRY_AGAIN, TRY_FENCING, TRY_LATER, TRY_VERBOSE };

static enum next_try after_refusal(struct drbd_device *device, struct admin_op *op)
{
	bool assumes_pdsk = op->change.mask & ST_PDSK_MASK;

	switch (op->rq.ret) {
	case SS_CW_FAILED_BY_PEER:
		if (!assumes_pdsk)
			break;
		op->change.mask &= ~ST_PDSK_MASK;
		op->change.val &= ~ST_PDSK_MASK;
		return TRY_AGAIN;
	case SS_NO_UP_TO_DATE_DISK:
		if (op->force && is_weak_disk(device)) {
			add_change(op, ST_CHANGE_DISK(D_UP_TO_DATE));
			op->forced = true;
			return TRY_AGAIN;
		}
		if (device->state.disk == D_CONSISTENT && !assumes_pdsk)
			return TRY_FENCING;
		break;
	case SS_PRIMARY_NOP:
		if (!assumes_pdsk)
			return TRY_FENCING;
		break;
	case SS_TWO_PRIMARIES:
		return op->verbose ? TRY_END : TRY_LATER;
	case SS_NOTHING_TO_DO:
	case SS_IN_TRANSIENT_STATE:	/* has been waited for already */
		return TRY_END;
	default:
		break;
	}
	return op->rq.ret >= SS_SUCCESS || op->verbose ? TRY_END : TRY_VERBOSE;
}

/* After the fencing procedure: what may be claimed now. */
static void take_fencing_result(struct admin_op *op)
{
	if (op->rq.ret == SS_NO_UP_TO_DATE_DISK) {
		if (op->fence.ok)
			add_change(op, ST_CHANGE_DISK(D_UP_TO_DATE));
	} else if (!op->fence.ok && op->force) {
		env_log_connection(&op->resource->connection, LOG_LVL_WARN,
				   "promotion forced although the peer could not be fenced: if it is Primary too, this is a split brain");
		add_change(op, ST_CHANGE_PDSK(D_OUTDATED));
	}
}

/* Up to four requests; the last result is in op->rq.ret. */
static enum fiber_status promotion_requests(struct task *t, struct drbd_device *device,
					    struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	op->change = ST_CHANGE_ROLE(ROLE_PRIMARY);
	for (op->tries = 0; op->tries < PROMOTION_TRIES; op->tries++) {
		request_again(op);
		FIBER_CALL(op->pc2, state_request(t, device, &op->rq));
		op->inner = after_refusal(device, op);
		if (op->inner == TRY_END)
			break;
		op->verbose = op->inner == TRY_VERBOSE;
		if (op->inner == TRY_VERBOSE)
			op->tries = PROMOTION_TRIES - 2;
		if (op->inner == TRY_FENCING) {
			memset(&op->fence, 0, sizeof(op->fence));
			FIBER_CALL(op->pc2, fence_peer(t, &op->resource->connection, &op->fence));
			take_fencing_result(op);
		}
		if (op->inner == TRY_LATER) {
			/* A peer that died may be noticed within this time. */
			FIBER_WAIT_TIMEOUT(op->pc2, t,
					   100 * ((u64)op->resource->connection.net_conf.ping_timeo + 1),
					   t->interrupted);
			op->verbose = true;
			/* Without it, force or fencing may still be what is missing. */
			op->tries = max_t(u32, op->tries, PROMOTION_TRIES - 3);
		}
	}
	FIBER_END(op->pc2);
}

/* Does this promotion begin a new data generation (5.3)? Unless the worker has begun one. */
static bool wants_new_uuid(const struct drbd_device *device, const struct admin_op *op)
{
	struct state s = device_state(device);

	if (!device->has_backing || s.disk < D_INCONSISTENT ||
	    !uuid_same(op->uuid_before, device->md.uuid[MD_UUID_CURRENT]))
		return false;
	return op->forced || ((s.conn < C_CONNECTED || s.pdsk <= D_FAILED) &&
			      device->md.uuid[MD_UUID_BITMAP] == 0);
}

static void mark_primary(struct drbd_device *device, bool primary)
{
	struct uuid_set set = device_uuids(device);

	if (!device->has_backing || device->state.disk < D_INCONSISTENT)
		return;
	uuid_mark_primary(&set, primary);
	device_uuids_store(device, &set);
}

static void explain(struct admin_op *op)
{
	if (op->rq.ret == SS_IN_TRANSIENT_STATE)
		admin_info(op, "The connection has been between two states for 10 seconds. Try again, or disconnect first.");
}

/* Tell the peer, then the disk, then the users. */
static enum fiber_status promotion_finish(struct task *t, struct drbd_device *device,
					  struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	FIBER_WAIT_UNTIL(op->pc2, answers_are_in(t, device));
	op->resource->connection.net_conf.discard_my_data = 0;
	if (wants_new_uuid(device, op))
		FIBER_CALL(op->pc2, device_uuid_new_current(t, device, &op->md));
	mark_primary(device, true);
	if (device->state.conn >= C_WF_REPORT_PARAMS) {
		if (op->forced)
			send_uuids(device);
		send_state(device);
	}
	FIBER_CALL(op->pc2, device_md_sync(t, device, &op->md, false));
	env_device_set_read_only(device, false);
	FIBER_END(op->pc2);
}

enum fiber_status admin_primary(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	connection_request_ping(&op->resource->connection);
	FIBER_CALL(op->pc, mutex_take(t, device, op));
	op->ret = ERR_INTR;
	if (!op->mutex)
		FIBER_RETURN(op->pc);
	op->uuid_before = device->md.uuid[MD_UUID_CURRENT];
	/* What is written as soon as the role has changed belongs to the generation still to come. */
	op->holds_writes = device->state.role != ROLE_PRIMARY;
	if (op->holds_writes)
		device_new_uuid_begin(device);
	FIBER_CALL(op->pc, promotion_requests(t, device, op));
	op->ret = op->rq.ret;
	if (op->ret >= SS_SUCCESS && op->ret != SS_NOTHING_TO_DO)
		FIBER_CALL(op->pc, promotion_finish(t, device, op));
	else
		explain(op);
	if (op->holds_writes)
		device_new_uuid_end(device);
	mutex_release(op);
	FIBER_END(op->pc);
}

/* ---- demotion */

enum fiber_status role_demote(struct task *t, struct drbd_device *device, struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	FIBER_CALL(op->pc2, mutex_take(t, device, op));
	op->inner = ERR_INTR;
	if (!op->mutex)
		FIBER_RETURN(op->pc2);
	op->change = ST_CHANGE_ROLE(ROLE_SECONDARY);
	op->verbose = true;
	request_again(op);
	FIBER_CALL(op->pc2, state_request(t, device, &op->rq));
	op->inner = op->rq.ret;
	if (op->inner >= SS_SUCCESS && op->inner != SS_NOTHING_TO_DO) {
		FIBER_WAIT_UNTIL(op->pc2, answers_are_in(t, device));
		env_device_set_read_only(device, true);
		mark_primary(device, false);
		if (device->state.conn >= C_WF_REPORT_PARAMS)
			send_state(device);
		/* The disk stays a Primary's until the peer has confirmed the last write. */
		FIBER_WAIT_TIMEOUT(op->pc2, t, LOG_DRAIN_MS, !al_active_extents(device));
		FIBER_CALL(op->pc2, device_md_sync(t, device, &op->md, false));
	}
	mutex_release(op);
	FIBER_END(op->pc2);
}

enum fiber_status admin_secondary(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	FIBER_CALL(op->pc, role_demote(t, op->device, op));
	op->ret = op->inner;
	explain(op);
	FIBER_END(op->pc);
}
