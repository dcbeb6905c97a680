// SPDX-License-Identifier: GPL-2.0
/* What a state change sets off, in the worker (states.md 3). What is to be done is decided in
 * state.c; here it is done, in that order. */
#include "after_change.h"
#include "connection.h"
#include "names.h"
#include "predicates.h"

static enum fiber_status after_volume_run(struct task *t, struct work *work);
static enum fiber_status after_conn_run(struct task *t, struct work *work);

/* ---- the records */

void after_works_init(struct after_work *ring, struct drbd_connection *connection,
		      struct drbd_device *device)
{
	u32 i;

	for (i = 0; i < AFTER_WORKS; i++) {
		work_init(&ring[i].work, device ? after_volume_run : after_conn_run);
		ring[i].connection = connection;
		ring[i].note.kind = NOTIFY_STATE_CHANGE;
		ring[i].note.resource = connection->resource;
		ring[i].note.device = device;
	}
}

static struct after_work *record_free(struct after_work *ring)
{
	u32 i;

	for (i = 0; i < AFTER_WORKS; i++)
		if (!dlist_linked(&ring[i].work.link))
			return &ring[i];
	return NULL;
}

/* At most one of the ring has been started, so there always is one. */
static struct after_work *record_youngest(struct after_work *ring)
{
	struct after_work *found = NULL;
	u32 i;

	for (i = 0; i < AFTER_WORKS; i++)
		if (!ring[i].started && (!found || ring[i].number > found->number))
			found = &ring[i];
	return found;
}

static struct after_work *record_queue(struct after_work *ring, const struct notify_side *os,
				       const struct notify_side *ns)
{
	struct drbd_resource *resource = ring[0].note.resource;
	struct after_work *record = record_free(ring);

	if (!record) {
		record = record_youngest(ring);
		record->note.ns = *ns;
		return record;
	}
	record->started = false;
	record->number = resource->work.added;
	record->conn_todo = 0;
	record->disk_refs = 0;
	record->uuids_owed = 0;
	record->note.os = *os;
	record->note.ns = *ns;
	work_add(resource, &record->work);
	return record;
}

void after_change_queue(struct drbd_device *device, const struct notify_side *os,
			const struct notify_side *ns, u8 disk_refs, u8 uuids_owed)
{
	struct after_work *record = record_queue(device->after, os, ns);

	record->disk_refs += disk_refs;
	record->uuids_owed += uuids_owed;
}

void after_conn_change_queue(struct drbd_connection *connection, const struct notify_side *os,
			     const struct notify_side *ns, u32 todo)
{
	record_queue(connection->after, os, ns)->conn_todo |= todo;
}

u64 work_ticket(const struct drbd_resource *resource)
{
	return resource->work.added;
}

bool work_reached(const struct drbd_resource *resource, u64 ticket)
{
	return resource->work.finished >= ticket;
}

void after_facts_gather(struct drbd_device *device, struct after_facts *facts)
{
	struct state_range range = resource_states(device->resource);
	const struct drbd_device *other;

	facts->now = device_state(device);
	facts->lowest_conn = range.lo.conn;
	facts->lowest_disk = range.lo.disk;
	facts->all_have_data = true;
	for_each_volume(other, device->resource)
		if (other->state.disk != D_UP_TO_DATE && other->state.pdsk != D_UP_TO_DATE)
			facts->all_have_data = false;
	facts->bitmap_uuid_zero = device->has_backing && device->state.disk >= D_INCONSISTENT &&
				  device->md.uuid[MD_UUID_BITMAP] == 0;
	facts->sync_ended = device->state.disk >= D_INCONSISTENT && device_sync_ended(device);
	facts->acceptance_awaited = device->acceptance_awaited;
	facts->resync_after_neg = device->resync_after_negotiation;
	facts->apv = device->resource->connection.agreed_pro_version;
}

/* ---- small parts */

static void clear_crashed(struct drbd_device *device)
{
	device->crashed_primary = false;
	device->peer_uuids.flags &= ~(u64)UUID_FLAG_CRASHED_PRIMARY;
	/* Neither side remembers it now; the next handshake must not see it on one of them. */
	device->sent_uuids.flags &= ~(u32)UUID_FLAG_CRASHED_PRIMARY;
	/* The flags on disk were made from the old mark (states.md 13.1). */
	if (device->state.disk >= D_INCONSISTENT)
		device_md_flags_update(device);
}

static void clear_flag(struct drbd_connection *connection, u32 flag)
{
	conn_state_change(connection, ST_ARGS(ST_CHANGE_FLAG(flag, false)), CS_VERBOSE);
}

/*
 * A Primary that was frozen got its disk back: the activity log marked extents
 * whose writes it still has, so that it does not count as crashed and both count as equal. Those
 * marks are synced: which of them mean nothing, nobody knows. A peer that is Primary could not
 * become the target.
 */
static void sync_marks_of_log(struct drbd_connection *connection)
{
	struct drbd_device *device;

	for_each_volume(device, connection->resource) {
		const struct state *s = &device->state;

		if (device->bitmap.bits_set && s->conn == C_CONNECTED && s->disk == D_UP_TO_DATE &&
		    s->pdsk == D_UP_TO_DATE && s->peer != ROLE_PRIMARY)
			device->resend_left_bits = true;
	}
}

static void thaw(struct drbd_device *device, u64 todo)
{
	struct drbd_connection *connection = &device->resource->connection;
	struct drbd_device *other;

	admission_thaw_begin(device->resource);
	if (todo & (AFTER_NOD_RESEND | AFTER_NOD_RESTART)) {
		tl_apply(connection, todo & AFTER_NOD_RESTART ? REQ_RESTART_FROZEN : REQ_RESEND);
		clear_flag(connection, ST_SUSP_NOD);
	}
	/* What neither the disk nor a lost connection held, but the suspension alone. */
	if ((todo & AFTER_NOD_RESTART) && !state_suspended(device_state(device)))
		tl_thaw(connection);
	if (todo & AFTER_NOD_THAW) {
		clear_flag(connection, ST_SUSP_NOD);
		tl_thaw(connection);
	}
	if (todo & (AFTER_NOD_RESEND | AFTER_NOD_RESTART | AFTER_NOD_THAW))
		sync_marks_of_log(connection);
	if ((todo & AFTER_FEN_RESEND) && device->resource->susp_fen) {
		for_each_volume(other, device->resource)
			other->new_uuid_on_thaw = false;
		tl_apply(connection, REQ_RESEND);
		sync_marks_of_log(connection);
		clear_flag(connection, ST_SUSP_FEN);
	}
	admission_thaw_end(device->resource);
}

static bool is_connected(const struct drbd_device *device)
{
	return device->state.conn >= C_CONNECTED;
}

static void tell_peer_attached(struct drbd_device *device)
{
	device->resync.total = 0;
	device->resync.failed = 0;
	send_uuids(device);
	send_state(device);
}

/*
 * The sizes were told with the UUIDs, which know nothing of what both have grown by since. The
 * next handshake does: this disk is its source, and the blocks that are new are marked.
 */
static bool growth_needs_handshake(const struct drbd_device *device, const struct after_work *record)
{
	const struct state *os = &record->note.os.state, *ns = &device->state;

	return device->grew_in_handshake && os->conn == C_WF_REPORT_PARAMS &&
	       ns->conn == C_CONNECTED && ns->role == ROLE_SECONDARY && ns->peer == ROLE_SECONDARY;
}

static void shake_hands_again(struct drbd_device *device)
{
	env_log_device(device, LOG_LVL_INFO,
		       "both nodes have grown: reconnecting, so that what is new is synced");
	device->crashed_primary = true;
	connection_fail(&device->resource->connection, C_NETWORK_FAILURE);
}

/* ---- the volume's fiber, in parts that return FIBER_DONE when they are through */

#define OWN_GENERATION (AFTER_NEW_UUID_LOST_PEER | AFTER_NEW_UUID_PEER_PRIMARY | AFTER_SET_NCU)

static bool is_nameless(const struct drbd_device *device)
{
	return !device->md.uuid[MD_UUID_BITMAP] || device_sync_ended(device);
}

/*
 * The peer is back, but not with its data: what was frozen completes without it, and a disk that
 * it attaches later must be seen to lack that.
 */
static bool owes_before_resend(const struct drbd_device *walk, const struct drbd_device *device,
			       u64 todo)
{
	return walk->state.pdsk < D_INCONSISTENT &&
	       (walk->new_uuid_on_thaw || (walk == device && (todo & AFTER_SET_NCU)));
}

/*
 * The data that one volume waited for are back. Lost while frozen, a volume was spared a new
 * generation; what it writes from now on is mine alone.
 */
static bool owes_before_restart(const struct drbd_device *walk)
{
	return walk->new_uuid_on_thaw && walk->state.disk >= D_INCONSISTENT &&
	       !walk->md.uuid[MD_UUID_BITMAP] &&
	       !(is_connected(walk) && walk->state.pdsk == D_UP_TO_DATE);
}

static bool owes_generation(const struct drbd_device *walk, const struct drbd_device *device,
			    u64 todo)
{
	bool resend = (todo & AFTER_NOD_RESEND) ||
		      ((todo & AFTER_FEN_RESEND) && device->resource->susp_fen);

	if (resend && owes_before_resend(walk, device, todo))
		return true;
	return (todo & (AFTER_NOD_RESTART | AFTER_NOD_THAW)) && owes_before_restart(walk);
}

/* The freeze was all volumes', whichever of them ends it. */
static enum fiber_status uuids_before_thaw(struct task *t, struct drbd_device *device,
					   struct after_op *op)
{
	FIBER_BEGIN(op->pc3);
	for (op->walk = volume_next(device->resource, NULL); op->walk;
	     op->walk = volume_next(device->resource, op->walk)) {
		if (!owes_generation(op->walk, device, op->todo))
			continue;
		op->walk->new_uuid_on_thaw = false;
		if (op->walk->state.disk < D_INCONSISTENT || !is_nameless(op->walk))
			continue;
		FIBER_CALL(op->pc3, device_uuid_new_current(t, op->walk, &op->md));
		/* It is the one that this change may call for, too. */
		if (op->walk == device)
			op->todo &= ~OWN_GENERATION;
		if (is_connected(op->walk))
			send_uuids(op->walk);
	}
	FIBER_END(op->pc3);
}

/* 1 to 5. */
static enum fiber_status after_first(struct task *t, struct drbd_device *device,
				     struct after_work *record, struct after_op *op)
{
	FIBER_BEGIN(op->pc2);
	t->notify = &record->note;
	FIBER_DO(op->pc2, t, ACT_NOTIFY, device, 0);
	if ((op->todo & AFTER_CLEAR_CRASHED) && growth_needs_handshake(device, record)) {
		shake_hands_again(device);
	} else if (op->todo & AFTER_CLEAR_CRASHED) {
		clear_crashed(device);
		/* The peer has it all again, and what is frozen will get there, too. */
		device->new_uuid_on_thaw = false;
	}
	if (op->todo & AFTER_HELPER_PRI_INCON)
		FIBER_CALL(op->pc2, helper_run(t, device->resource, device,
					       name_of_helper(HELPER_PRI_ON_INCON_DEGR),
					       &op->helper));
	FIBER_CALL(op->pc2, uuids_before_thaw(t, device, op));
	thaw(device, op->todo);
	FIBER_CALL(op->pc2, generation_part(t, &device->resource->connection, &op->part));
	FIBER_END(op->pc2);
}

/* 6 and 7. */
static enum fiber_status after_sync_start(struct task *t, struct drbd_device *device,
					  struct after_op *op)
{
	struct uuid_set set;

	FIBER_BEGIN(op->pc2);
	if ((op->todo & AFTER_SEND_SYNC_UUID) && state_is_sync_source(device->state.conn)) {
		set = device_uuids(device);
		op->uuid = uuid_source_start(&set, env_random64(),
					     device->state.role == ROLE_PRIMARY);
		device_uuids_store(device, &set);
		FIBER_CALL(op->pc2, device_md_sync(t, device, &op->md, true));
		if (!t->result)
			send_sync_uuid(device, op->uuid);
	}
	if (op->todo & AFTER_PEER_ATTACHED)
		tell_peer_attached(device);
	FIBER_END(op->pc2);
}

/* 9 to 11. */
static enum fiber_status after_generation(struct task *t, struct drbd_device *device,
					  struct after_work *record, struct after_op *op)
{
	FIBER_BEGIN(op->pc2);
	if ((op->todo & (AFTER_NEW_UUID_LOST_PEER | AFTER_NEW_UUID_PEER_PRIMARY)) &&
	    device->state.disk >= D_INCONSISTENT) {
		device->new_uuid_on_thaw = false;
		FIBER_CALL(op->pc2, device_uuid_new_current(t, device, &op->md));
		if (is_connected(device))
			send_uuids(device);
	}
	/* Thawed just now, it has its new generation. */
	if ((op->todo & AFTER_SET_NCU) && state_suspended(device_state(device)))
		device->new_uuid_on_thaw = true;
	for (; record->uuids_owed; record->uuids_owed--)
		device_new_uuid_end(device);
	if (op->todo & (AFTER_BM_PEER_DEMOTED | AFTER_BM_DEMOTED))
		FIBER_CALL(op->pc2, device_write_bitmap(t, device, &op->bulk));
	FIBER_END(op->pc2);
}

/* 12 to 17, and 8. */
static void after_announce(struct drbd_device *device, u64 todo)
{
	if (todo & AFTER_SEND_ATTACHED) {
		send_sizes(device, false, 0);
		send_uuids(device);
		send_state(device);
	}
	if (todo & AFTER_PAUSE_DEPENDENTS)
		resync_after_changed(device->resource);
	if (todo & (AFTER_STATE_PAUSE | AFTER_STATE_CONNECTED | AFTER_STATE_AHEAD))
		send_state(device);
	/* Only now: the peer hears of the state before it gets the bitmap (wire.md 8.7). */
	if ((todo & AFTER_SEND_BITMAP) && device->state.conn == C_WF_BITMAP_S)
		bitmap_send_start(device);
	if (todo & AFTER_START_FULL_SYNC)
		core_task_start(device->resource, &device->full_sync);
}

static bool wants_io_error_helper(struct drbd_device *device)
{
	bool was_error = device->was_io_error;

	device->was_io_error = false;
	return was_error && device->disk_conf.on_io_error == EP_CALL_HELPER;
}

/* 18 and 19; also drops what 2.3 step 4 took. */
static enum fiber_status after_disk(struct task *t, struct drbd_device *device,
				    struct after_work *record, struct after_op *op)
{
	FIBER_BEGIN(op->pc2);
	if (op->todo & AFTER_DISK_FAILED) {
		if (wants_io_error_helper(device))
			FIBER_CALL(op->pc2, helper_run(t, device->resource, device,
						       name_of_helper(HELPER_LOCAL_IO_ERROR),
						       &op->helper));
		if (device->force_detach)
			request_abort_local(device);
		if (is_connected(device))
			send_state(device);
		rs_extents_cancel(device);
		FIBER_CALL(op->pc2, device_md_sync(t, device, &op->md, false));
	}
	if ((op->todo & AFTER_DISKLESS) && is_connected(device))
		send_state(device);
	for (; record->disk_refs; record->disk_refs--)
		local_put(device);
	FIBER_END(op->pc2);
}

/* 20 to 27. */
static enum fiber_status after_last(struct task *t, struct drbd_device *device,
				    struct after_op *op)
{
	FIBER_BEGIN(op->pc2);
	if (op->todo & AFTER_GROW_RESYNC) {
		device->resync_after_negotiation = false;
		if (device->state.conn == C_CONNECTED)
			device_grow_resync(device);
	}
	if (op->todo & (AFTER_RESUME_DEPENDENTS | AFTER_UNCONFIGURED))
		resync_after_changed(device->resource);
	if (op->todo & (AFTER_STATE_INCONSISTENT | AFTER_STATE_FINISHED | AFTER_STATE_VERIFIED))
		send_state(device);
	if (op->todo & AFTER_BM_LAZY)
		FIBER_CALL(op->pc2, device_write_bitmap(t, device, &op->bulk));
	FIBER_CALL(op->pc2, device_md_sync(t, device, &op->md, false));
	FIBER_END(op->pc2);
}

static void after_begin(struct drbd_device *device, struct after_work *record, struct after_op *op)
{
	struct after_facts facts;

	record->started = true;
	memset(op, 0, sizeof(*op));
	after_facts_gather(device, &facts);
	op->todo = state_after_actions(record->note.os.state, record->note.ns.state, &facts);
	/* Writes wait for this UUID already: it can not be put off any more. */
	if (record->uuids_owed && (op->todo & AFTER_SET_NCU))
		op->todo = (op->todo & ~AFTER_SET_NCU) | AFTER_NEW_UUID_LOST_PEER;
}

static enum fiber_status after_volume_run(struct task *t, struct work *work)
{
	struct after_work *record = container_of(work, struct after_work, work);
	struct drbd_device *device = record->note.device;
	struct after_op *op = &device->resource->after_op;

	FIBER_BEGIN(work->pc);
	after_begin(device, record, op);
	FIBER_CALL(work->pc, after_first(t, device, record, op));
	FIBER_CALL(work->pc, after_sync_start(t, device, op));
	FIBER_CALL(work->pc, after_generation(t, device, record, op));
	after_announce(device, op->todo);
	FIBER_CALL(work->pc, after_disk(t, device, record, op));
	FIBER_CALL(work->pc, after_last(t, device, op));
	FIBER_END(work->pc);
}

/* ---- the connection's fiber */

/* (c): the peer can not come back with newer data, the frozen writes may complete. */
static enum fiber_status after_fenced(struct task *t, struct drbd_connection *connection,
				      struct after_op *op)
{
	struct drbd_resource *resource = connection->resource;

	FIBER_BEGIN(op->pc2);
	if (!resource->susp_fen || connection->cstate >= C_WF_REPORT_PARAMS)
		FIBER_RETURN(op->pc2);
	for (op->walk = volume_next(resource, NULL); op->walk;
	     op->walk = volume_next(resource, op->walk)) {
		if (!op->walk->new_uuid_on_thaw)
			continue;
		op->walk->new_uuid_on_thaw = false;
		if (op->walk->state.disk >= D_INCONSISTENT)
			FIBER_CALL(op->pc2, device_uuid_new_current(t, op->walk, &op->md));
	}
	tl_apply(connection, REQ_CONNECTION_LOST);
	clear_flag(connection, ST_SUSP_FEN);
	FIBER_END(op->pc2);
}

static enum fiber_status after_net_gone(struct task *t, struct drbd_connection *connection,
					struct after_op *op)
{
	FIBER_BEGIN(op->pc2);
	FIBER_DO(op->pc2, t, ACT_SEND_STOP, NULL, 0);
	FIBER_DO(op->pc2, t, ACT_NET_FREE, NULL, 0);
	connection->configured = false;
	net_conf_set_defaults(&connection->net_conf);
	env_wake(connection->resource);
	FIBER_END(op->pc2);
}

static enum fiber_status after_conn_run(struct task *t, struct work *work)
{
	struct after_work *record = container_of(work, struct after_work, work);
	struct drbd_connection *connection = record->connection;
	struct drbd_resource *resource = connection->resource;
	struct after_op *op = &resource->after_op;

	FIBER_BEGIN(work->pc);
	record->started = true;
	memset(op, 0, sizeof(*op));
	t->notify = &record->note;
	FIBER_DO(work->pc, t, ACT_NOTIFY, NULL, 0);
	if (record->conn_todo & CAFTER_START_RECEIVER)
		env_receiver_start(connection);
	if (record->conn_todo & CAFTER_DESTROY_NET)
		FIBER_CALL(work->pc, after_net_gone(t, connection, op));
	if (record->conn_todo & CAFTER_FENCED)
		FIBER_CALL(work->pc, after_fenced(t, connection, op));
	for (op->walk = volume_next(resource, NULL); op->walk;
	     op->walk = volume_next(resource, op->walk))
		FIBER_CALL(work->pc, device_md_sync(t, op->walk, &op->md, false));
	FIBER_END(work->pc);
}
