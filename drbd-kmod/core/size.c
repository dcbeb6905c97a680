// SPDX-License-Identifier: GPL-2.0
/* How big the device is, and moving what depends on it (states.md 6.1, metadata.md 4.5). */
#include "engine.h"
#include "nlattrs.h"
#include "predicates.h"

#define AL_DRAIN_MS 10000
#define BIO_SIZE_SAFE 4096u
#define BIO_SIZE_MAX (1u << 20)

static u64 new_size_for(const struct drbd_device *device, u64 capacity, u64 user_size, bool forced)
{
	struct md_size_facts facts = {
		.capacity = capacity,
		.peer_sectors = device->peer_max_sectors,
		.la_size_sect = device->has_backing ? device->md.la_size_sect : 0,
		.configured_sectors = user_size,
		.connected = device->state.conn >= C_CONNECTED,
		.assume_peer_has_space = forced,
	};

	return md_size_determine(&facts);
}

u64 device_new_size(const struct drbd_device *device, u64 user_size, bool forced)
{
	bool has_disk = device->has_backing && device->state.disk >= D_ATTACHING;

	return new_size_for(device, has_disk ? device->layout.capacity : 0, user_size, forced);
}

/* ---- changing it */

static u64 user_size(const struct drbd_device *device, const struct size_op *op)
{
	return op->has_user_size ? op->user_size : device->disk_conf.disk_size;
}

/* What is to be; op->error != 0: it can not be. */
static void size_plan(struct drbd_device *device, struct size_op *op)
{
	struct md_layout *layout = &op->new_layout;
	s32 index = device->disk_conf.meta_dev_idx;
	u64 meta = md_index_is_internal(index) ? device->backing_sectors : device->meta_sectors;
	u64 user = user_size(device, op);
	u32 stripes, stripe_4k;
	int refused;

	md_superblock_stripes(&device->md, &stripes, &stripe_4k);
	if (op->new_al_layout) {
		stripes = op->al_stripes;
		stripe_4k = op->al_stripe_size_4k;
	}
	op->error = 0;
	if (op->as_told) {
		*layout = device->layout;
	} else if (!md_layout_compute(index, device->backing_sectors, meta, stripes, stripe_4k,
				      layout)) {
		op->error = op->new_al_layout ? ERR_MD_LAYOUT_NO_FIT : ERR_NOMEM_BITMAP;
		return;
	}
	op->new_size = new_size_for(device, layout->capacity, user, op->forced);
	op->moved = !md_layout_same_place(&op->old_layout, layout);
	op->changed = op->moved || op->new_al_layout ||
		      op->new_size != device->md.la_size_sect ||
		      layout->md_size_sect != device->md.md_size_sect;
	refused = md_resize_check(op->new_size, device->md.la_size_sect, user, op->new_al_layout);
	if (refused != MD_OK)
		op->error = refused;
	else if (op->new_size == 0)
		op->error = ERR_NOMEM_BITMAP;
}

static enum size_outcome outcome_of(u64 old, u64 new)
{
	if (new == old)
		return SIZE_UNCHANGED;
	if (new < old)
		return SIZE_SHRUNK;
	return old ? SIZE_GREW : SIZE_GREW_FROM_ZERO;
}

/* A last block that was only partly in use has gained sectors: it is as new as those behind it. */
static void mark_grown_block(struct drbd_device *device, const struct size_op *op)
{
	u64 old = device->md.la_size_sect;

	if (old < op->new_size && (old & (MD_BLOCK_SECTORS - 1)))
		bm_set_range(&device->bitmap, bm_sector_to_bit(old), bm_sector_to_bit(old));
}

/* Memory for the bitmap; what was on the disk so far is read before it grows or moves. */
static enum fiber_status bitmap_fit(struct task *t, struct drbd_device *device, struct size_op *op)
{
	FIBER_BEGIN(op->bulk.pc2);
	t->result = 0;
	if (device->state.disk == D_ATTACHING && op->changed && device->md.la_size_sect) {
		FIBER_DO(op->bulk.pc2, t, ACT_BM_RESIZE, device, device->md.la_size_sect);
		if (!t->result)
			FIBER_DO(op->bulk.pc2, t, ACT_BM_READ, device, 0);
		if (t->result) {
			op->error = ERR_IO_MD_DISK;
			FIBER_RETURN(op->bulk.pc2);
		}
	}
	if (device->bitmap.n_bits != md_bm_bits(op->new_size)) {
		device->bm_new_bits_clear = op->assume_clean;
		FIBER_DO(op->bulk.pc2, t, ACT_BM_RESIZE, device, op->new_size);
		device->bm_new_bits_clear = false;
		if (t->result)
			op->error = ERR_NOMEM_BITMAP;
	}
	if (!op->error && !op->assume_clean)
		mark_grown_block(device, op);
	FIBER_END(op->bulk.pc2);
}

static u32 new_slots(const struct drbd_device *device, const struct size_op *op)
{
	return md_al_extents_clamp(op->new_layout.al_sectors / MD_BLOCK_SECTORS,
				   device->disk_conf.al_extents);
}

static bool al_must_be_new(const struct drbd_device *device, const struct size_op *op)
{
	return op->moved || op->new_al_layout || device->state.disk == D_ATTACHING;
}

static enum bm_write_what what_to_write(const struct drbd_device *device,
					const struct size_op *op)
{
	return op->moved || device->state.disk == D_ATTACHING ? BM_WRITE_ALL : BM_WRITE_CHANGED;
}

static void capacity_set(struct drbd_device *device, u64 sectors)
{
	if (device->capacity == sectors)
		return;
	env_log_device(device, LOG_LVL_INFO, "size: %llu sectors, was %llu",
		       (unsigned long long)sectors, (unsigned long long)device->capacity);
	device->capacity = sectors;
	env_device_set_capacity(device, sectors);
}

/*
 * The superblock that lets everything be marked out of sync after a crash, then the log and the
 * bitmap, then the superblock as it shall be. Whoever else writes bitmap pages waits until the
 * first of these is on the disk: their new place may hold what is still needed.
 */
static enum fiber_status metadata_write(struct task *t, struct drbd_device *device,
					struct size_op *op)
{
	FIBER_BEGIN(op->bulk.pc2);
	FIBER_WAIT_UNTIL(op->bulk.pc2, !device->bm_write_busy);
	device->bm_write_busy = true;
	device->layout = op->new_layout;
	md_layout_to_superblock(&device->layout, &device->md);
	device->md.la_size_sect = op->new_size;
	capacity_set(device, op->new_size);
	device->md_flags_extra = MDF_FULL_SYNC | MDF_AL_DISABLED;
	FIBER_CALL(op->bulk.pc2, device_md_sync(t, device, &op->md, true));
	if (!t->result && al_must_be_new(device, op))
		FIBER_DO(op->bulk.pc2, t, ACT_AL_INIT, device, 0);
	device->bm_write_busy = false;
	env_wake(device->resource);
	if (!t->result)
		FIBER_CALL(op->bulk.pc2, device_bitmap_write(t, device, &op->bulk.pages,
							     what_to_write(device, op)));
	/* Not written: the superblock on disk keeps saying so. */
	if (t->result) {
		op->error = ERR_IO_MD_DISK;
		device_io_error(device, IO_ERROR_META);
		FIBER_RETURN(op->bulk.pc2);
	}
	device->md_flags_extra = 0;
	FIBER_CALL(op->bulk.pc2, device_md_sync(t, device, &op->md, true));
	if (t->result)
		op->error = ERR_IO_MD_DISK;
	FIBER_END(op->bulk.pc2);
}

/*
 * A ring that starts afresh knows no active extent: there must be none, and what those stood
 * for must be durable. A smaller ring also holds fewer of them.
 */
static enum fiber_status log_empty(struct task *t, struct drbd_device *device, struct size_op *op)
{
	FIBER_BEGIN(op->bulk.pc2);
	tl_close_epoch(&device->resource->connection);
	FIBER_WAIT_TIMEOUT(op->bulk.pc2, t, AL_DRAIN_MS, al_shrink(device));
	if (!al_shrink(device)) {
		op->error = ERR_MD_LAYOUT_NO_FIT;
		FIBER_RETURN(op->bulk.pc2);
	}
	device->al.barred = true;
	if (device_needs_data_flush(device)) {
		FIBER_CALL(op->bulk.pc2, device_flush_data(t, device, &op->bulk.pages));
		if (t->result)
			op->error = ERR_IO_MD_DISK;
	}
	if (!op->error && device->al.hot.n_slots > new_slots(device, op)) {
		FIBER_DO(op->bulk.pc2, t, ACT_AL_RESIZE, device, new_slots(device, op));
		if (t->result)
			op->error = ERR_NOMEM;
	}
	FIBER_END(op->bulk.pc2);
}

/* What is new has bits, but the peer is not there to be told: its handshake has to see it. */
static void note_growth_alone(struct drbd_device *device, const struct size_op *op)
{
	struct state s = device->state;

	if (op->outcome != SIZE_GREW || op->assume_clean || s.conn >= C_WF_REPORT_PARAMS ||
	    s.role != ROLE_SECONDARY || s.disk != D_UP_TO_DATE ||
	    device->md.uuid[MD_UUID_BITMAP])
		return;
	device->crashed_primary = true;
	device_md_flags_update(device);
}

/* With application I/O stopped, and nobody else at it. */
static enum fiber_status size_change(struct task *t, struct drbd_device *device, struct size_op *op)
{
	FIBER_BEGIN(op->bulk.pc);
	op->old_layout = device->layout;
	size_plan(device, op);
	if (!op->error && op->changed && al_must_be_new(device, op) && device->al.ready)
		FIBER_CALL(op->bulk.pc, log_empty(t, device, op));
	if (!op->error)
		FIBER_CALL(op->bulk.pc, bitmap_fit(t, device, op));
	if (op->error)
		FIBER_RETURN(op->bulk.pc);
	op->outcome = outcome_of(device->md.la_size_sect, op->new_size);
	note_growth_alone(device, op);
	device->disk_conf.disk_size = user_size(device, op);
	if (op->changed) {
		FIBER_CALL(op->bulk.pc, metadata_write(t, device, op));
	} else {
		device->layout = op->new_layout;
		capacity_set(device, op->new_size);
	}
	if (op->error)
		op->outcome = SIZE_ERROR;
	FIBER_END(op->bulk.pc);
}

/* Then application I/O need not be stopped. */
static bool fits_already(const struct drbd_device *device, const struct size_op *op)
{
	return !op->changed && device->capacity == op->new_size &&
	       device->bitmap.n_bits == md_bm_bits(op->new_size);
}

/* Reads that the peer answers touch neither disk nor bitmap. */
static bool only_remote_reads_left(const struct drbd_device *device)
{
	const struct request_queues *rq = &device->rq;
	const struct drbd_request *req;

	if (!dlist_empty(&rq->local) || !dlist_empty(&rq->al_wait) || !dlist_empty(&rq->conflict) ||
	    !dlist_empty(&rq->held) || !dlist_empty(&device->al.committing))
		return false;
	dlist_for_each_entry(req, &device->resource->connection.tl.requests, tl)
		if (req->device == device && (req->flags & RQ_W) && !(req->flags & RQ_COMPLETE))
			return false;
	return true;
}

/* The data receiver must not wait for reads that it would have to receive itself. */
static bool io_has_stopped(const struct drbd_device *device, const struct size_op *op)
{
	return io_is_idle(device) || state_suspended(device_state(device)) ||
	       (op->in_receiver && only_remote_reads_left(device));
}

/* Nor for answers when there is nobody to give them: it has yet to tell the requests. */
static bool receiver_lost_peer(const struct drbd_device *device, const struct size_op *op)
{
	return op->in_receiver && device->resource->connection.cstate < C_WF_REPORT_PARAMS;
}

/*
 * An administrator and the peer may ask at the same time. Only the change itself excludes the
 * other one: it waits for nothing but the disk and the end of writes, whereas who waits for
 * application I/O to stop may need the receiver for that.
 */
static bool may_change(const struct drbd_device *device, const struct size_op *op)
{
	return (!device->size_busy && io_has_stopped(device, op)) || receiver_lost_peer(device, op);
}

static enum fiber_status size_change_alone(struct task *t, struct drbd_device *device,
					   struct size_op *op)
{
	FIBER_BEGIN(op->pc2);
	device_suspend_io(device);
	FIBER_WAIT_UNTIL(op->pc2, may_change(device, op));
	if (!device->size_busy && io_has_stopped(device, op)) {
		device->size_busy = true;
		FIBER_CALL(op->pc2, size_change(t, device, op));
		device->al.barred = false;
		device->size_busy = false;
		al_kick(device);
		env_wake(device->resource);
	}
	device_resume_io(device);
	FIBER_END(op->pc2);
}

enum fiber_status device_determine_size(struct task *t, struct drbd_device *device,
					struct size_op *op)
{
	FIBER_BEGIN(op->pc);
	op->error = ERR_NO_DISK;
	op->outcome = SIZE_ERROR;
	if (!local_get(device, D_ATTACHING))
		FIBER_RETURN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, !device->size_busy || receiver_lost_peer(device, op));
	op->old_layout = device->layout;
	/*
	 * It may have grown since, also when it is the peer that tells of a new size; but a
	 * handshake is about what both have told.
	 */
	op->as_told = op->in_receiver && device->state.conn == C_WF_REPORT_PARAMS;
	if (!op->as_told)
		env_backing_sizes_update(device);
	size_plan(device, op);
	if (!op->error && !device->size_busy && fits_already(device, op)) {
		op->outcome = SIZE_UNCHANGED;
		device->layout = op->new_layout;
		device->disk_conf.disk_size = user_size(device, op);
	} else {
		FIBER_CALL(op->pc, size_change_alone(t, device, op));
	}
	local_put(device);
	FIBER_END(op->pc);
}

/* ---- after growth while connected */

void device_grow_resync(struct drbd_device *device)
{
	const struct drbd_connection *connection = &device->resource->connection;
	struct state s = device_state(device);
	bool source = s.role == s.peer ? connection->resolve_conflicts : s.role == ROLE_PRIMARY;

	if (source)
		resync_start(device, C_SYNC_SOURCE);
	else
		state_change(device, ST_ARGS(ST_CHANGE_CONN(C_WF_SYNC_UUID)), CS_VERBOSE);
}

/* ---- the largest request this node makes (wire.md 1, 4.6) */

static u32 peer_bio_limit(const struct drbd_device *device)
{
	u32 apv = device->resource->connection.agreed_pro_version;

	if (device->state.conn < C_WF_REPORT_PARAMS)
		return max_t(u32, device->has_backing ? device->md.la_peer_max_bio_size : 0,
			     BIO_SIZE_SAFE);
	if (apv < 94)
		return max_t(u32, min_t(u32, device->peer_max_bio_size, 32768), BIO_SIZE_SAFE);
	if (apv == 94)
		return 32768;
	return apv < 100 ? 131072 : BIO_SIZE_MAX;
}

void device_reconsider_max_bio_size(struct drbd_device *device)
{
	u32 limit = min_t(u32, peer_bio_limit(device), BIO_SIZE_MAX);
	bool has_disk = device->has_backing && device->state.disk >= D_ATTACHING;

	if (has_disk && device->state.conn >= C_WF_REPORT_PARAMS &&
	    device->md.la_peer_max_bio_size != limit) {
		device->md.la_peer_max_bio_size = limit;
		device_md_mark_dirty(device);
	}
	if (has_disk && device->backing_max_bio_size)
		limit = min_t(u32, limit, device->backing_max_bio_size);
	if (limit == device->max_bio_size)
		return;
	device->max_bio_size = limit;
	env_device_limits_changed(device);
}
