// SPDX-License-Identifier: GPL-2.0
/*
 * resync_extents.c - 16 MiB extents: either resync works there, or applications write
 * (activity.h; wire.md 6.5, 6.6; metadata.md 3.2)
 *
 * A lock asked for in vain keeps new writes away from the extent for a while, so that an
 * extent that is always busy gets its turn; a write that waits for a locked extent ends the
 * series of locks on it, so that it gets its turn too, unless the resync does not even get
 * its c-min-rate: on a busy volume each lock costs it a whole round of writes.
 */
#include "objects.h"
#include "actlog_block.h"

#define RS_LOCKED	1u	/* resync works on it */
#define RS_WRITE_WAITS	2u	/* an application waits for it to end */

#define AL_PER_RS	(BM_SECTORS_PER_EXTENT / AL_EXTENT_SECTORS)
#define PATIENCE_MS	1000	/* a resync that wants an extent asks again within this time */

static void patience_over(struct core_timer *timer);

void rs_extents_init(struct drbd_device *device)
{
	struct activity_log *al = &device->al;

	core_bug_on(extents_mem_size(RESYNC_EXTENTS) > sizeof(al->rs_memory));
	extents_init(&al->rs, al->rs_memory, RESYNC_EXTENTS, 1);
	al->rs_wanted = EXTENT_FREE;
	core_timer_init(&al->rs_patience, patience_over);
}

static u32 extent_of(u64 sector)
{
	return (u32)(sector / BM_SECTORS_PER_EXTENT);
}

/* Give up the claim on an extent that could not be locked yet. */
static void unwant(struct drbd_device *device)
{
	struct activity_log *al = &device->al;
	struct extent_slot *slot;

	core_timer_cancel(device->resource, &al->rs_patience);
	if (al->rs_wanted == EXTENT_FREE)
		return;
	slot = extents_find(&al->rs, al->rs_wanted);
	al->rs_wanted = EXTENT_FREE;
	if (!core_bug_on(!slot)) {
		slot->flags = 0;
		extents_put(&al->rs, slot);
	}
	al_kick(device);
	env_wake(device->resource);
}

static void patience_over(struct core_timer *timer)
{
	unwant(container_of(timer, struct drbd_device, al.rs_patience));
}

bool rs_extents_block(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct activity_log *al = &device->al;
	u32 extent = extent_of(sector), last = extent_of(sector + (bytes >> 9) - 1);
	struct extent_slot *slot;
	bool blocked = false;

	if (!al->rs.n_used)
		return false;
	for (; extent <= last; extent++) {
		slot = extents_find(&al->rs, extent);
		if (!slot || !slot->refs)
			continue;
		slot->flags |= RS_WRITE_WAITS;
		blocked = true;
	}
	return blocked;
}

static bool writes_are_there(const struct activity_log *al, u32 extent)
{
	u32 i;

	if (!al->ready)
		return false;
	for (i = 0; i < AL_PER_RS; i++)
		if (extents_in_use(&al->hot, extent * AL_PER_RS + i))
			return true;
	return false;
}

/* A reference on a slot for an extent that has none. */
static bool claim(struct activity_log *al, u32 extent)
{
	struct extent_slot *slot;

	extents_get(&al->rs, extent, &slot);
	if (!slot)
		return false;
	extents_commit(&al->rs);
	slot->flags = 0;
	return true;
}

static bool below_min_rate(const struct drbd_device *device)
{
	struct rate_conf conf;

	if (!state_in_resync(device->state.conn))
		return false;
	resync_rate_conf(device, &conf);
	return rate_throttle_speed(&device->resync.progress, env_now_ms(),
				   resync_left(device)) < conf.c_min_rate;
}

bool rs_extent_try_lock(struct drbd_device *device, u64 sector)
{
	struct activity_log *al = &device->al;
	u32 extent = extent_of(sector);
	struct extent_slot *slot = extents_find(&al->rs, extent);

	if (slot && slot->refs && (slot->flags & RS_LOCKED)) {
		if ((slot->flags & RS_WRITE_WAITS) && !below_min_rate(device))
			return false;
		return extents_try_get(&al->rs, extent, &slot) == EXTENT_HIT;
	}
	if (al->rs_wanted != extent) {
		unwant(device);
		if (!claim(al, extent))
			return false;
		al->rs_wanted = extent;
	}
	if (writes_are_there(al, extent)) {
		core_timer_set(device->resource, &al->rs_patience, PATIENCE_MS);
		return false;
	}
	core_timer_cancel(device->resource, &al->rs_patience);
	al->rs_wanted = EXTENT_FREE;
	slot = extents_find(&al->rs, extent);
	/* Those who waited for the claim wait for the lock: they end its series. */
	slot->flags |= RS_LOCKED;
	device->resync.extents_locked++;
	return true;
}

static void slot_release(struct drbd_device *device, struct extent_slot *slot)
{
	if (extents_put(&device->al.rs, slot))
		return;
	slot->flags = 0;
	device->resync.extents_locked--;
	al_kick(device);
	env_wake(device->resource);
}

void rs_extent_unlock(struct drbd_device *device, u64 sector)
{
	struct extent_slot *slot = extents_find(&device->al.rs, extent_of(sector));

	/* Not there any more after rs_extents_cancel(). */
	if (slot && slot->refs && (slot->flags & RS_LOCKED))
		slot_release(device, slot);
}

bool rs_extent_is_locked(struct drbd_device *device, u64 sector)
{
	struct extent_slot *slot = extents_find(&device->al.rs, extent_of(sector));

	return slot && slot->refs && (slot->flags & RS_LOCKED);
}

void rs_extents_cancel(struct drbd_device *device)
{
	struct extents *rs = &device->al.rs;
	u32 i;

	unwant(device);
	for (i = 0; i < rs->n_slots; i++)
		while (rs->slots[i].refs)
			slot_release(device, &rs->slots[i]);
}
