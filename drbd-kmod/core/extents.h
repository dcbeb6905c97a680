/* SPDX-License-Identifier: GPL-2.0 */
/*
 * extents.h - a fixed number of slots naming the extents in use
 *
 * Spec: metadata.md 3.2.  Serves the activity log (N slots of 4 MiB extents,
 * changes go to disk before they count) and the resync extents (61 slots of
 * 16 MiB, memory only).  A slot is free, idle (least recently used first),
 * referenced, or changing: taken for a new extent whose change is not yet
 * committed.  Memory is handed in by the caller.  Context: any; the caller
 * locks.
 *
 * Writing a change: extents_get() queues it and returns EXTENT_QUEUED; the
 * writer calls extents_lock(), walks extents_for_each_pending(), puts the
 * transaction on disk without any lock, and calls extents_commit().  Between
 * extents_lock() and extents_commit() no further change is queued.
 */
#ifndef CORE_EXTENTS_H
#define CORE_EXTENTS_H

#include "portable.h"
#include "list.h"

#define EXTENT_FREE		0xffffffffu	/* "no extent", as on disk */
#define EXTENTS_PENDING_MAX	64u		/* changes of one AL transaction */
#define EXTENTS_SLOTS_MAX	65534u

struct extent_slot {
	u32 index;		/* slot number */
	u32 number;		/* committed extent, EXTENT_FREE if none */
	u32 new_number;		/* extent this slot is (being changed) to */
	u32 refs;
	bool changing;
	/* the owner's; zeroed whenever the slot takes another extent */
	s32 bits_left;
	u32 bits_failed;
	u32 flags;
	/* private to extents.c */
	struct dlist list;	/* free, idle, used or pending */
	struct extent_slot *hash_next;
};

struct extents {
	struct extent_slot *slots;
	struct extent_slot **buckets;
	u32 n_slots;
	u32 n_buckets;		/* power of two */
	u32 n_used;		/* slots with references */
	u32 n_pending;
	u32 pending_max;
	bool starving;
	bool locked;
	struct dlist free;
	struct dlist idle;	/* first = least recently used */
	struct dlist used;
	struct dlist pending;	/* newest change first */
	/* statistics since extents_init(), for /proc and debugfs */
	u64 hits;
	u64 misses;
	u64 n_starving;
	u64 n_locked;
	u64 changed;
};

enum extent_get {
	EXTENT_HIT,		/* referenced, may be used at once */
	EXTENT_QUEUED,		/* referenced; wait for the commit */
	EXTENT_BUSY,		/* not referenced: a transaction is being written, or
				 * its 64 changes are taken; try again after commit */
	EXTENT_STARVING,	/* not referenced: all slots are in use; try again
				 * when a reference is dropped */
	EXTENT_MISS,		/* extents_try_get() only: not there (or not yet) */
};

/* Bytes of memory (8 byte aligned) for a table of @n_slots. */
size_t extents_mem_size(u32 n_slots);

/*
 * @mem: extents_mem_size(n_slots) bytes.  All slots free; they are taken in the
 * order n_slots-1 ... 0.  @pending_max: 1..EXTENTS_PENDING_MAX.
 */
void extents_init(struct extents *e, void *mem, u32 n_slots, u32 pending_max);

/* The slot that is, or is about to become, extent @number; NULL if none. */
struct extent_slot *extents_find(const struct extents *e, u32 number);

/* Is the extent there with at least one reference? */
bool extents_in_use(const struct extents *e, u32 number);

/*
 * Take a reference, queueing a change if the extent has no slot.  *slot is set
 * for EXTENT_HIT and EXTENT_QUEUED, else NULL.
 */
enum extent_get extents_get(struct extents *e, u32 number, struct extent_slot **slot);

/*
 * All or nothing for extents first..last (a request may span several).
 * EXTENT_HIT if all were hits, EXTENT_QUEUED if any waits for a commit;
 * otherwise no reference was taken (changes already queued stay queued, so a
 * commit is worth making).  Asking for more extents than slots: EXTENT_STARVING
 * for ever; more than pending_max new ones are queued over several commits.
 */
enum extent_get extents_get_range(struct extents *e, u32 first, u32 last);
void extents_put_range(struct extents *e, u32 first, u32 last);
/* Are all of first..last committed, so that a queued request may start? */
bool extents_range_ready(const struct extents *e, u32 first, u32 last);

/* A reference without any change: EXTENT_HIT, EXTENT_STARVING or EXTENT_MISS. */
enum extent_get extents_try_get(struct extents *e, u32 number, struct extent_slot **slot);

/*
 * Drop a reference; the slot becomes most recently used at 0.  Returns what is
 * left.  At 0 ask the starving ones to try again.
 */
u32 extents_put(struct extents *e, struct extent_slot *slot);

/* False if there is nothing to write or it is locked already. */
bool extents_lock(struct extents *e);
/* The pending changes count from now on; the lock, if taken, is dropped. */
void extents_commit(struct extents *e);

/* slot->index, slot->number (old, may be EXTENT_FREE), slot->new_number. */
#define extents_for_each_pending(e, slot) \
	dlist_for_each_entry(slot, &(e)->pending, list)

/* Committed extent of a slot, EXTENT_FREE for free ones and beyond the end. */
u32 extents_slot_number(const struct extents *e, u32 index);

/* Free one idle slot (memory-only tables).  False if referenced or changing. */
bool extents_forget(struct extents *e, struct extent_slot *slot);

/* Empty the set in memory.  False, and nothing happens, if anything is in use. */
bool extents_reset(struct extents *e);

/* No reference, no pending change. */
bool extents_idle(const struct extents *e);

/* Check every invariant; for tests and debugging. */
bool extents_valid(const struct extents *e);

#endif /* CORE_EXTENTS_H */
