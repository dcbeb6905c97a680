/* SPDX-License-Identifier: GPL-2.0 */
/*
 * activity.h - the activity log at work (metadata.md 3.1..3.4, states.md 7.1)
 *
 * Which 4 MiB extents are hot, who waits for one, the transaction that makes them durable,
 * and the 16 MiB extents that resync locks against application writes and vice versa.
 * A transaction is a task of the device (al_commit_task): hinted bitmap pages first, then the
 * log block, then the waiting requests.
 */
#ifndef CORE_ACTIVITY_H
#define CORE_ACTIVITY_H

#include "portable.h"
#include "engine_types.h"
#include "extents.h"
#include "timer.h"
#include "work.h"

struct drbd_device;
struct drbd_peer_request;
struct drbd_request;

#define RESYNC_EXTENTS 61
#define RESYNC_EXTENTS_MEM 1024		/* in u64; enough for extents_mem_size(RESYNC_EXTENTS) */

struct activity_log {
	struct extents hot;		/* 4 MiB extents; memory: ACT_AL_RESIZE */
	bool ready;			/* `hot` has memory */
	bool suspended;			/* updates not needed: everything is out of sync anyway */
	u32 tr_number, cycle;		/* metadata.md 3.4; al_ring_next() */
	u32 generation;			/* counts the tables that `hot` had */
	struct core_task commit;
	struct dlist committing;	/* drbd_request.wait: hold extents, wait for the transaction */
	bool letting_pass, pass_again;
	bool commit_ref;		/* the commit task holds the disk */
	u16 commit_pc;
	struct bm_write commit_pages;
	bool forgot;			/* emptied in memory, while the ring on disk is as it was */
	bool barred;			/* its place changes: nobody gets a reference */
	struct extents rs;		/* 16 MiB extents that resync or verify works on */
	u32 rs_wanted;			/* extent that resync waits for; EXTENT_FREE: none */
	struct core_timer rs_patience;	/* how long that keeps application writes waiting */
	u64 rs_memory[RESYNC_EXTENTS_MEM];
};

void al_init(struct drbd_device *device);
/*
 * Take a reference on every extent of the range. True: all are on disk (or none is
 * needed), submit. False: not now; the request was queued on rq.al_wait and is submitted
 * by the commit task.
 */
bool al_begin_request(struct drbd_request *req);
void al_end_range(struct drbd_device *device, u64 sector, u32 bytes);
/* Give back what the request holds, if anything. */
void al_end_request(struct drbd_request *req);
/*
 * The same for a received write (this node has the only copy). False: ask again after the
 * next env_wake().
 */
bool al_begin_peer(struct drbd_peer_request *pr);
void al_end_peer(struct drbd_peer_request *pr);
/*
 * The memory of the table goes away: before ACT_CLOSE_BACKING. Not before ACT_AL_RESIZE, which
 * may fail and then leaves the old table, still needed, in place.
 */
void al_gone(struct drbd_device *device);
/* Waiting requests look again. */
void al_kick(struct drbd_device *device);
/* Is the range in an extent that resync has locked, or is about to? */
bool rs_extents_block(struct drbd_device *device, u64 sector, u32 bytes);
void rs_extents_init(struct drbd_device *device);
/* Does a write wait for the log or for an extent that resync has locked? */
bool al_has_waiters(const struct drbd_device *device);
/*
 * Nobody uses it: empty the set (resize, other number of slots). Fails when references are held.
 * The next transaction first makes durable what the extents stood for.
 */
bool al_shrink(struct drbd_device *device);
/* Fill device->al_buffer with block number `i` of a fresh ring (metadata.md 3.4 end); host: ACT_AL_INIT. */
void al_init_block(struct drbd_device *device, u32 i, u64 *sector);
/*
 * The tools have made the ring anew: begin at its first block, the only one that they allow to be
 * torn as long as there is no other transaction.
 */
void al_ring_begin(struct drbd_device *device, u32 blocks);
u32 al_active_extents(const struct drbd_device *device);
/*
 * Must the data's disk be flushed before a metadata write that takes a promise back (an extent
 * leaves the log, a Primary becomes Secondary)? On the same disk that write flushes both.
 */
bool device_needs_data_flush(const struct drbd_device *device);

/* The host supplied memory for `slots` slots (ACT_AL_RESIZE). */
void device_al_resized(struct drbd_device *device, void *memory, u32 slots);

/* The bitmap: memory for `bits` bits was supplied (ACT_BM_RESIZE). */
void device_bitmap_resized(struct drbd_device *device, void **pages, u8 *page_flags, u64 bits,
			   bool set_new_bits);

/* Set or clear out-of-sync bits of a range; clear only what is wholly covered. Count of bits changed. */
u64 device_set_out_of_sync(struct drbd_device *device, u64 sector, u64 bytes);
u64 device_set_in_sync(struct drbd_device *device, u64 sector, u64 bytes);

/* Resync's side of the exclusion: 16 MiB extents. */
bool rs_extent_try_lock(struct drbd_device *device, u64 sector);	/* for a resync or verify request */
bool rs_extent_is_locked(struct drbd_device *device, u64 sector);
void rs_extent_unlock(struct drbd_device *device, u64 sector);		/* one per successful lock */
void rs_extents_cancel(struct drbd_device *device);			/* connection or disk lost */

#endif /* CORE_ACTIVITY_H */
