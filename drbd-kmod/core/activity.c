// SPDX-License-Identifier: GPL-2.0
/* activity.c - the activity log at work (activity.h) */
#include "objects.h"
#include "actlog_block.h"
#include "engine.h"

static enum fiber_status al_commit_run(struct task *t, struct core_task *task);

void al_init(struct drbd_device *device)
{
	struct activity_log *al = &device->al;

	memset(al, 0, sizeof(*al));
	dlist_init(&al->committing);
	core_task_init(&al->commit, al_commit_run);
	al->commit.for_io = true;
	rs_extents_init(device);
}

static u32 first_extent(u64 sector)
{
	return (u32)(sector / AL_EXTENT_SECTORS);
}

static u32 last_extent(u64 sector, u32 bytes)
{
	return (u32)((sector + (bytes >> 9) - 1) / AL_EXTENT_SECTORS);
}

static bool al_is_needed(const struct activity_log *al, u32 bytes)
{
	return al->ready && !al->suspended && bytes;
}

/* ---- taking references ---- */

enum al_try {
	AL_READY,	/* referenced, on disk */
	AL_COMMIT,	/* referenced, wait for the transaction */
	AL_FULL,	/* nothing was taken: no slot, a transaction is being written, or no log yet */
	AL_LOCKED,	/* nothing was taken: resync works there */
};

/*
 * The log is applied after a crash only where the superblock says Primary: nothing may rely on
 * it before that is on the disk, if it is to say so at all.
 */
static bool log_is_in_force(const struct drbd_device *device)
{
	return (device->md_flags_durable & MDF_PRIMARY_IND) ||
	       !(device->md.flags & MDF_PRIMARY_IND);
}

static enum al_try al_get(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct activity_log *al = &device->al;
	enum extent_get got;

	if (al->barred || !log_is_in_force(device))
		return AL_FULL;
	if (rs_extents_block(device, sector, bytes))
		return AL_LOCKED;
	got = extents_get_range(&al->hot, first_extent(sector), last_extent(sector, bytes));
	if (al->hot.n_pending && !al->hot.locked)
		core_task_start(device->resource, &al->commit);
	if (got == EXTENT_HIT)
		return AL_READY;
	return got == EXTENT_QUEUED ? AL_COMMIT : AL_FULL;
}

/* What an attempt that stepped back has written here has only the activity log to cover it. */
static void request_mark_unmirrored(struct drbd_request *req)
{
	if (!req->unmirrored)
		return;
	req->unmirrored = false;
	req->marked = true;
	device_set_out_of_sync(req->device, req->interval.sector, req->interval.bytes);
}

/* As al_begin_request(), but tells why it has to wait. */
static enum al_try request_try(struct drbd_request *req)
{
	struct drbd_device *device = req->device;
	struct activity_log *al = &device->al;
	enum al_try got;

	/* Extents of a table that is gone protect nothing. */
	if (req->in_al && req->al_generation != al->generation) {
		request_mark_unmirrored(req);
		req->in_al = false;
		req->al_queued = false;
	}
	if (req->in_al || !al_is_needed(al, req->interval.bytes))
		return AL_READY;
	got = al_get(device, req->interval.sector, req->interval.bytes);
	if (got == AL_READY || got == AL_COMMIT) {
		req->in_al = true;
		req->al_generation = al->generation;
	}
	if (got == AL_COMMIT) {
		req->al_queued = true;
		dlist_add_tail(&req->wait, &al->committing);
	}
	return got;
}

bool al_begin_request(struct drbd_request *req)
{
	enum al_try got = request_try(req);

	if (got == AL_FULL || got == AL_LOCKED)
		dlist_add_tail(&req->wait, &req->device->rq.al_wait);
	return got == AL_READY;
}

void al_end_request(struct drbd_request *req)
{
	if (!req->in_al)
		return;
	request_mark_unmirrored(req);
	req->in_al = false;
	if (req->al_generation == req->device->al.generation)
		al_end_range(req->device, req->interval.sector, req->interval.bytes);
}

bool al_begin_peer(struct drbd_peer_request *pr)
{
	struct activity_log *al = &pr->device->al;
	u64 sector = pr->interval.sector;
	u32 bytes = pr->interval.bytes;

	if (pr->in_al && pr->al_generation != al->generation)
		pr->in_al = false;
	if (!al_is_needed(al, bytes))
		return true;
	if (!pr->in_al) {
		enum al_try got = al_get(pr->device, sector, bytes);

		pr->in_al = got == AL_READY || got == AL_COMMIT;
		pr->al_generation = al->generation;
		return got == AL_READY;
	}
	return extents_range_ready(&al->hot, first_extent(sector), last_extent(sector, bytes));
}

void al_end_peer(struct drbd_peer_request *pr)
{
	if (!pr->in_al)
		return;
	pr->in_al = false;
	if (pr->al_generation == pr->device->al.generation)
		al_end_range(pr->device, pr->interval.sector, pr->interval.bytes);
}

void al_end_range(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct activity_log *al = &device->al;
	bool starved = al->hot.starving;

	extents_put_range(&al->hot, first_extent(sector), last_extent(sector, bytes));
	if (starved || al->rs_wanted != EXTENT_FREE || !al->hot.n_used)
		env_wake(device->resource);
	if (!dlist_empty(&device->rq.al_wait))
		al_kick(device);
}

/* ---- letting the waiting ones pass ---- */

static void pass_committed(struct drbd_device *device)
{
	struct activity_log *al = &device->al;
	struct drbd_request *req;
	struct dlist ready;

	/* All of them belong to the transaction that is done, or to the next: look at each. */
	dlist_init(&ready);
	dlist_splice_tail_init(&al->committing, &ready);
	while (!dlist_empty(&ready)) {
		req = dlist_first_entry(&ready, struct drbd_request, wait);
		dlist_del_init(&req->wait);
		if (al->ready && req->al_generation == al->generation &&
		    !extents_range_ready(&al->hot, first_extent(req->interval.sector),
					 last_extent(req->interval.sector, req->interval.bytes))) {
			dlist_add_tail(&req->wait, &al->committing);
			continue;
		}
		req->al_queued = false;
		request_al_done(req);
	}
}

static void pass_waiting(struct drbd_device *device)
{
	struct request_queues *rq = &device->rq;
	struct dlist looked_at;
	struct drbd_request *req;
	bool full = false;

	dlist_init(&looked_at);
	while (!full && !dlist_empty(&rq->al_wait)) {
		enum al_try got;

		req = dlist_first_entry(&rq->al_wait, struct drbd_request, wait);
		dlist_del_init(&req->wait);
		got = request_try(req);
		if (got == AL_READY)
			request_al_done(req);
		else if (got != AL_COMMIT)
			dlist_add_tail(&req->wait, &looked_at);
		/* Those behind would only overtake the oldest. */
		full = got == AL_FULL;
	}
	/* Back in front, in the old order. */
	dlist_splice_tail_init(&rq->al_wait, &looked_at);
	dlist_splice_tail_init(&looked_at, &rq->al_wait);
}

void al_kick(struct drbd_device *device)
{
	struct activity_log *al = &device->al;

	al->pass_again = true;
	if (al->letting_pass)
		return;
	al->letting_pass = true;
	while (al->pass_again) {
		al->pass_again = false;
		pass_waiting(device);
	}
	al->letting_pass = false;
}

bool al_has_waiters(const struct drbd_device *device)
{
	return !dlist_empty(&device->rq.al_wait) || !dlist_empty(&device->al.committing);
}

/* ---- the transaction (metadata.md 3.4) ---- */

/* The bits of what the log is about to forget must be on disk before. True: it forgets some. */
static bool hint_replaced(struct drbd_device *device)
{
	struct extent_slot *slot;
	bool any = false;

	extents_for_each_pending(&device->al.hot, slot) {
		if (slot->number == EXTENT_FREE)
			continue;
		bm_hint_al_extent(&device->bitmap, slot->number);
		any = true;
	}
	return any;
}

bool device_needs_data_flush(const struct drbd_device *device)
{
	return device->disk_conf.disk_flushes &&
	       !md_index_is_internal(device->disk_conf.meta_dev_idx);
}

/* A block with the pending changes if `changes`, in al_buffer; returns its sector. */
static u64 build_block(struct drbd_device *device, bool changes)
{
	struct activity_log *al = &device->al;
	u8 *block = device->al_buffer;
	u32 n_slots = al->hot.n_slots, count = al_context_count(n_slots, al->cycle), i;
	struct extent_slot *slot;

	al_block_begin(block, al->tr_number, (u16)n_slots, (u16)al->cycle);
	if (changes)
		extents_for_each_pending(&al->hot, slot)
			al_block_add_update(block, (u16)slot->index, slot->new_number);
	for (i = 0; i < count; i++)
		al_block_set_context(block, i, extents_slot_number(&al->hot, al->cycle + i));
	al_block_finish(block);
	al->cycle = al_context_next(n_slots, al->cycle);
	return al_ring_sector(device->layout.al_sector, device->layout.al_stripes,
			      device->layout.al_stripe_size_4k, al->tr_number);
}

static u32 next_number(const struct drbd_device *device)
{
	return al_ring_next(device->layout.al_stripes, device->layout.al_stripe_size_4k,
			    device->al.tr_number);
}

void al_init_block(struct drbd_device *device, u32 i, u64 *sector)
{
	/* A round that begins anew does so with the numbers if theirs is about to end. */
	if (i == 0 && !next_number(device))
		device->al.tr_number = 0;
	*sector = build_block(device, i == 0);
	device->al.tr_number = next_number(device);
}

/* Without it only a superblock that says so may stand for the log. */
static bool is_logged(const struct drbd_device *device)
{
	return device->disk_conf.al_updates || !(device->md_flags_durable & MDF_AL_DISABLED);
}

/*
 * What the log is about to forget goes first: the data in those extents, because the peer has it
 * and nobody would know that this disk lost it, and their bits. Then the log itself.
 */
static enum fiber_status commit_to_disk(struct task *t, struct drbd_device *device)
{
	struct activity_log *al = &device->al;

	FIBER_BEGIN(al->commit_pc);
	t->result = 0;
	if ((hint_replaced(device) || al->forgot) && device_needs_data_flush(device))
		FIBER_CALL(al->commit_pc, device_flush_data(t, device, &al->commit_pages));
	if (!t->result)
		FIBER_CALL(al->commit_pc, device_bitmap_write(t, device, &al->commit_pages,
							      al->forgot ? BM_WRITE_CHANGED :
									   BM_WRITE_HINTED));
	if (!t->result && is_logged(device)) {
		FIBER_DO(al->commit_pc, t, ACT_AL_WRITE, device, build_block(device, true));
		if (!t->result) {
			al->tr_number = next_number(device);
			device->al_writ_cnt++;
		}
	}
	if (!t->result)
		al->forgot = false;
	FIBER_END(al->commit_pc);
}

/*
 * One transaction after the other while there are changes. Without a disk they count in
 * memory only: whoever waits goes on, to the peer or to an error.
 */
static enum fiber_status al_commit_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, al.commit);
	struct activity_log *al = &device->al;

	FIBER_BEGIN(task->pc);
	while (al->ready && extents_lock(&al->hot)) {
		al->commit_ref = local_get(device, D_INCONSISTENT);
		if (al->commit_ref) {
			FIBER_CALL(task->pc, commit_to_disk(t, device));
			if (t->result) {
				env_log_device(device, LOG_LVL_ERR,
					       "writing the activity log failed: the disk is given up; check the meta-data device (%d)",
					       (int)t->result);
				device_io_error(device, IO_ERROR_META);
			}
		}
		extents_commit(&al->hot);
		pass_committed(device);
		al_kick(device);
		env_wake(device->resource);
		if (al->commit_ref)
			local_put(device);
	}
	FIBER_END(task->pc);
}

/* ---- the table ---- */

bool al_shrink(struct drbd_device *device)
{
	struct activity_log *al = &device->al;

	if (!al->ready)
		return true;
	if (al->hot.locked || !extents_reset(&al->hot))
		return false;
	/* The ring on disk still names them; the next block that is written may not. */
	al->forgot |= al->hot.changed != 0;
	return true;
}

void al_ring_begin(struct drbd_device *device, u32 blocks)
{
	struct activity_log *al = &device->al;

	al->tr_number += (blocks - al->tr_number % blocks) % blocks;
}

u32 al_active_extents(const struct drbd_device *device)
{
	return device->al.ready ? device->al.hot.n_used : 0;
}

static void al_new_generation(struct drbd_device *device)
{
	device->al.generation++;
	/* Nobody waits for a table that is no more. */
	pass_committed(device);
	al_kick(device);
	env_wake(device->resource);
}

void device_al_resized(struct drbd_device *device, void *memory, u32 slots)
{
	struct activity_log *al = &device->al;

	extents_init(&al->hot, memory, slots, EXTENTS_PENDING_MAX);
	al->ready = true;
	if (al->cycle >= slots)
		al->cycle = 0;
	al_new_generation(device);
}

void al_gone(struct drbd_device *device)
{
	rs_extents_cancel(device);
	device->al.ready = false;
	device->al.suspended = false;
	device->al.forgot = false;
	device->al.barred = false;
	al_new_generation(device);
}
