// SPDX-License-Identifier: GPL-2.0
/* The superblock in memory, its way to the disk, and the generation identifiers in it. */
#include "after_change.h"
#include "connection.h"

#define MD_SYNC_DELAY_MS 5000
#define MD_OWED_MS 500

static bool is_primary(const struct drbd_device *device)
{
	return device->state.role == ROLE_PRIMARY;
}

/* ---- the superblock */

void device_md_mark_dirty(struct drbd_device *device)
{
	device->md_dirty = true;
	if (!core_timer_armed(&device->md_timer))
		core_timer_set(device->resource, &device->md_timer, MD_SYNC_DELAY_MS);
}

void md_timer_fire(struct core_timer *timer)
{
	struct drbd_device *device = container_of(timer, struct drbd_device, md_timer);

	work_add(device->resource, &device->md_work);
}

enum fiber_status md_work_run(struct task *t, struct work *work)
{
	struct drbd_device *device = container_of(work, struct drbd_device, md_work);

	return device_md_sync(t, device, &device->md_work_sync, false);
}

static bool says_primary(u32 flags)
{
	return flags & MDF_PRIMARY_IND;
}

/* Is the disk about to be told that it is a Primary's, or no more one? Not while all is marked. */
static bool log_changes(const struct drbd_device *device)
{
	return says_primary(device->md_flags_durable) != says_primary(device_md_flags(device)) &&
	       !(device->md_flags_extra & MDF_FULL_SYNC);
}

/* What only the activity log covers, or nothing but memory. */
static bool log_is_needed(const struct drbd_device *device)
{
	return al_active_extents(device) ||
	       bm_next_page_with(&device->bitmap, 0, BM_PAGE_NEED) != U32_MAX;
}

/*
 * PRIMARY_IND is what makes the activity log count after a crash. Before it is taken away, the
 * data in those extents must be durable, and their bits. Before it is set, so must what was
 * written for a Primary that is gone: from now on this node's log is held against it alone.
 */
static enum fiber_status log_settle(struct task *t, struct drbd_device *device, struct md_sync *s)
{
	FIBER_BEGIN(s->pc2);
	t->result = 0;
	if (device_needs_data_flush(device))
		FIBER_CALL(s->pc2, device_flush_data(t, device, &s->pages));
	if (!t->result && says_primary(device->md_flags_durable)) {
		FIBER_CALL(s->pc2, device_bitmap_write(t, device, &s->pages, BM_WRITE_CHANGED));
		if (t->result)
			device_io_error(device, IO_ERROR_META);
	}
	FIBER_END(s->pc2);
}

/*
 * The image that goes to the disk: always "unclean", only the tools write a clean one. True: it
 * still calls the disk a Primary's, because of writes that are on their way, and must be written
 * once more.
 */
static bool md_encode(struct drbd_device *device, struct md_sync *s)
{
	struct md_superblock sb = device->md;
	bool owed;

	sb.magic = MD_MAGIC_UNCLEAN;
	sb.flags = device_md_flags(device);
	owed = log_changes(device) && says_primary(device->md_flags_durable) &&
	       log_is_needed(device);
	if (owed)
		sb.flags |= MDF_PRIMARY_IND;
	s->flags = sb.flags;
	sb.la_size_sect = device->capacity;
	if (device->al.ready)
		sb.al_nr_extents = device->al.hot.n_slots;
	md_superblock_encode(&sb, device->md_buffer);
	return owed;
}

static void md_begin(struct drbd_device *device, struct md_sync *s)
{
	device->md_buffer_busy = true;
	device->md_dirty = false;
	core_timer_cancel(device->resource, &device->md_timer);
	if (md_encode(device, s)) {
		device->md_dirty = true;
		core_timer_set(device->resource, &device->md_timer, MD_OWED_MS);
	}
}

static void md_end(struct drbd_device *device, struct md_sync *s, s64 result)
{
	device->md_buffer_busy = false;
	if (result)
		device_io_error(device, IO_ERROR_META);
	else
		device->md_flags_durable = s->flags;
	/* Writes may wait until the log is in force, or to be told of. */
	al_kick(device);
	if (!dlist_empty(&device->rq.held))
		request_held_release(device);
	env_wake(device->resource);
}

enum fiber_status device_md_sync(struct task *t, struct drbd_device *device, struct md_sync *s,
				 bool force)
{
	FIBER_BEGIN(s->pc);
	t->result = 0;
	/* Not dirty may mean that somebody is writing it right now. */
	FIBER_WAIT_UNTIL(s->pc, !device->md_buffer_busy);
	if (!device->md_dirty && !force)
		FIBER_RETURN(s->pc);
	/* A disk that was given up by force may never answer. */
	if ((device->force_detach && device->state.disk == D_FAILED) ||
	    !local_get(device, D_ATTACHING))
		FIBER_RETURN(s->pc);
	if (log_changes(device)) {
		FIBER_CALL(s->pc, log_settle(t, device, s));
		FIBER_WAIT_UNTIL(s->pc, !device->md_buffer_busy);
	}
	md_begin(device, s);
	FIBER_DO(s->pc, t, ACT_MD_WRITE, device, device->layout.sb_sector);
	md_end(device, s, t->result);
	local_put(device);
	FIBER_END(s->pc);
}

/*
 * While everything counts as out of sync the log says nothing, and at a new place there may not
 * be one yet: the tools must not insist on applying it. A crash is remembered all the same.
 */
u32 device_md_flags(const struct drbd_device *device)
{
	u32 flags = device->md.flags | device->md_flags_extra;

	if ((device->md_flags_extra & MDF_FULL_SYNC) && says_primary(flags))
		flags = (flags & ~(u32)MDF_PRIMARY_IND) | MDF_CRASHED_PRIMARY;
	return flags;
}

void device_md_flags_update(struct drbd_device *device)
{
	u32 flags = state_md_flags(device_state(device), device->crashed_primary,
				   !device->disk_conf.al_updates, device->md.flags);

	if (flags == device->md.flags)
		return;
	device->md.flags = flags;
	device_md_mark_dirty(device);
}

/* ---- generation identifiers */

static_assert((int)MD_UUID_SLOTS == (int)UUID_SLOTS, "same slots on disk and in rules");

struct uuid_set device_uuids(const struct drbd_device *device)
{
	struct uuid_set set;

	memcpy(set.slot, device->md.uuid, sizeof(set.slot));
	return set;
}

void device_uuids_store(struct drbd_device *device, const struct uuid_set *set)
{
	if (device->md.uuid[MD_UUID_CURRENT] != set->slot[UUID_CURRENT])
		exposure_own_name(device, set->slot[UUID_CURRENT]);
	memcpy(device->md.uuid, set->slot, sizeof(set->slot));
	device_md_mark_dirty(device);
}

void device_uuid_set(struct drbd_device *device, enum md_uuid_slot slot, u64 value)
{
	struct uuid_set set = device_uuids(device);

	uuid_slot_set(&set, (enum uuid_slot)slot, value, is_primary(device));
	device_uuids_store(device, &set);
}

void device_uuid_set_bitmap(struct drbd_device *device, u64 value)
{
	struct uuid_set set = device_uuids(device);

	if (value == 0)
		uuid_bitmap_retire(&set);
	else
		uuid_slot_set(&set, UUID_BITMAP, value, is_primary(device));
	device_uuids_store(device, &set);
}

bool device_sync_ended(const struct drbd_device *device)
{
	u64 bitmap_uuid = device->md.uuid[MD_UUID_BITMAP];

	return device->has_backing && bitmap_uuid && bitmap_uuid == device->resync.ended_uuid;
}

enum fiber_status device_uuid_new_current(struct task *t, struct drbd_device *device,
					  struct md_sync *s)
{
	enum fiber_status done;

	/* Fresh: device_md_sync() never leaves with pc 0 in the middle. */
	if (!s->pc) {
		struct uuid_set set = device_uuids(device);

		if (set.slot[UUID_BITMAP])
			env_log_device(device, LOG_LVL_WARN,
				       "new data generation: bitmap UUID %016llX is given up",
				       (unsigned long long)set.slot[UUID_BITMAP]);
		uuid_new_current(&set, env_random64(), is_primary(device));
		device_uuids_store(device, &set);
		env_log_device(device, LOG_LVL_INFO, "new current UUID %016llX, bitmap UUID %016llX",
			       (unsigned long long)set.slot[UUID_CURRENT],
			       (unsigned long long)set.slot[UUID_BITMAP]);
	}
	done = device_md_sync(t, device, s, true);
	if (done == FIBER_DONE && t->result)
		device->unrenamed_uuid = device->md.uuid[MD_UUID_BITMAP];
	return done;
}

void device_new_uuid_begin(struct drbd_device *device)
{
	device->new_uuid_pending++;
}

void device_new_uuid_end(struct drbd_device *device)
{
	if (core_bug_on(device->new_uuid_pending == 0))
		return;
	if (--device->new_uuid_pending)
		return;
	request_held_release(device);
	env_wake(device->resource);
}

static bool begins_generation(const struct drbd_device *device)
{
	return device->state.disk == D_UP_TO_DATE && device->md.uuid[MD_UUID_BITMAP] == 0;
}

/* ---- what the peer has refused to write */

enum fiber_status refused_write_run(struct task *t, struct work *work)
{
	struct drbd_device *device = container_of(work, struct drbd_device, refused_write);

	FIBER_BEGIN(work->pc);
	/* Its state may have come first, and begun one. */
	if (begins_generation(device)) {
		memset(&device->resource->after_op.md, 0, sizeof(struct md_sync));
		FIBER_CALL(work->pc,
			   device_uuid_new_current(t, device, &device->resource->after_op.md));
		if (device->state.conn >= C_CONNECTED)
			send_uuids(device);
	}
	device_new_uuid_end(device);
	FIBER_END(work->pc);
}

void device_write_refused(struct drbd_device *device)
{
	const struct state *s = &device->state;

	if (s->role != ROLE_PRIMARY || s->conn < C_CONNECTED || s->pdsk != D_UP_TO_DATE ||
	    !begins_generation(device) || dlist_linked(&device->refused_write.link))
		return;
	device_new_uuid_begin(device);
	work_add(device->resource, &device->refused_write);
}

/* ---- for a Primary without a disk */

/*
 * It is told my generation and my state at the same time, and may refuse the data as not what its
 * users have seen. The first state that it sends as Connected says that it has not, or the first
 * write: which waits for the new generation, as it is on my disk alone.
 */
static bool writes_to_me_alone(const struct drbd_device *device)
{
	struct state s = device->state;

	return s.conn >= C_CONNECTED && s.role == ROLE_SECONDARY && s.peer == ROLE_PRIMARY &&
	       s.pdsk < D_INCONSISTENT && begins_generation(device);
}

enum fiber_status generation_accepted(struct task *t, struct drbd_device *device, u16 *pc,
				      struct md_sync *s)
{
	FIBER_BEGIN(*pc);
	if (!device->acceptance_awaited)
		FIBER_RETURN(*pc);
	device->acceptance_awaited = false;
	if (!writes_to_me_alone(device))
		FIBER_RETURN(*pc);
	device_new_uuid_begin(device);
	memset(s, 0, sizeof(*s));
	FIBER_CALL(*pc, device_uuid_new_current(t, device, s));
	device_new_uuid_end(device);
	send_uuids(device);
	FIBER_END(*pc);
}

/* ---- what a resend could not prove */

enum fiber_status generation_part(struct task *t, struct drbd_connection *connection,
				  struct part_op *op)
{
	FIBER_BEGIN(op->pc);
	op->parts = false;
	for (op->walk = volume_next(connection->resource, NULL); op->walk;
	     op->walk = volume_next(connection->resource, op->walk)) {
		if (!op->walk->resend_left_bits)
			continue;
		op->walk->resend_left_bits = false;
		op->parts |= op->walk->state.conn >= C_CONNECTED &&
			     op->walk->state.disk == D_UP_TO_DATE;
		if (begins_generation(op->walk))
			FIBER_CALL(op->pc, device_uuid_new_current(t, op->walk, &op->md));
	}
	if (op->parts && connection->cstate >= C_WF_REPORT_PARAMS) {
		env_log_connection(connection, LOG_LVL_INFO,
				   "some writes may not have reached the peer: reconnecting to give it those blocks");
		connection_fail(connection, C_NETWORK_FAILURE);
	}
	FIBER_END(op->pc);
}
