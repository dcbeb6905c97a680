/* SPDX-License-Identifier: GPL-2.0 */
/*
 * uuid.h - generation identifiers: who has the newer data
 *
 * A node names the generation of its data by four 64 bit values.  This file
 * has the elementary operations on such a set and the comparison of two sets.
 * Pure functions; whoever stores a set makes it dirty and flushes it.  Random
 * values are drawn by the caller.
 *
 * Both ends evaluate uuid_compare() independently.  Given mirrored input they
 * give mirrored answers (hg and -hg, or the same symmetric failure).
 *
 * Spec: states.md 5.1, 5.2, 5.3, 5.5; wire.md 4.7, 6.4, 6.8.
 */
#ifndef CORE_UUID_H
#define CORE_UUID_H

#include "portable.h"

enum uuid_slot {
	UUID_CURRENT	= 0,
	UUID_BITMAP	= 1,
	UUID_HISTORY0	= 2,
	UUID_HISTORY1	= 3,
	UUID_SLOTS	= 4,
};

/* An array because "current" is a macro in the kernel; index with enum uuid_slot. */
struct uuid_set {
	u64 slot[UUID_SLOTS];
};

#define UUID_JUST_CREATED	4ULL		/* current of fresh metadata */
#define UUID_PRIMARY_BIT	1ULL		/* in current: "I am Primary" */
#define UUID_SYNC_STEP		(1ULL << 48)	/* bitmap to sync UUID */

/* Flags sent along with a set. */
enum uuid_flag {
	UUID_FLAG_DISCARD_MY_DATA	= 1,
	UUID_FLAG_CRASHED_PRIMARY	= 2,
	UUID_FLAG_INCONSISTENT		= 4,
	UUID_FLAG_SKIP_INITIAL_SYNC	= 8,
};

/* As carried by the UUID packet; also used for what I last sent. */
struct uuid_report {
	struct uuid_set ids;
	u64 bits;	/* number of set bits */
	u32 flags;	/* enum uuid_flag */
};

/* Equality ignores the role bit. */
static inline bool uuid_same(u64 a, u64 b)
{
	return ((a ^ b) & ~UUID_PRIMARY_BIT) == 0;
}

/* ---- elementary operations (5.2); primary: my role, forces bit 0 of current */

void uuid_slot_set(struct uuid_set *u, enum uuid_slot slot, u64 val, bool primary);
/* A non-zero old value moves into the history first. */
void uuid_slot_rotate(struct uuid_set *u, enum uuid_slot slot, u64 val, bool primary);
/* The bitmap slot becomes 0, its value history. */
void uuid_bitmap_retire(struct uuid_set *u);
/* Current becomes bitmap (what was there is lost), random becomes current.  Flush before returning to users. */
void uuid_new_current(struct uuid_set *u, u64 random, bool primary);
/* Set or clear the role bit at promotion and demotion. */
void uuid_mark_primary(struct uuid_set *u, bool primary);

/* ---- resync (5.3) */

/* The UUID a resync from u will run under. */
u64 uuid_sync_value(const struct uuid_set *u, u64 random);
/* Source enters SyncSource/PausedSyncS: returns the sync UUID to flush and then send. */
u64 uuid_source_start(struct uuid_set *u, u64 random, bool primary);
/* Target got the sync UUID. */
void uuid_target_start(struct uuid_set *u, u64 sync_uuid, bool primary);
/* Resync finished without failures. */
void uuid_source_finish(struct uuid_set *u);
/* peer: the stored copy of the source's set; it becomes equal to *u. */
void uuid_target_finish(struct uuid_set *u, struct uuid_set *peer, bool primary);

/*
 * Did the newer set go on from the older one's generation after the resync that the older one's
 * bitmap slot names? Then its data have all that this resync was for.
 */
bool uuid_went_on_after_sync(const struct uuid_set *older, const struct uuid_set *newer);

/* Rules 34/71 and 35/51 seen as operations on one set. */
void uuid_undo_source_start(struct uuid_set *u);

/* May the new-current-uuid command run with these states?  (5.3; conn as in state.h) */
bool uuid_may_skip_initial_sync(const struct uuid_set *u, u8 conn, u16 apv);

/* ---- comparison (5.5); contradictory sets (each an ancestor of the other) count as unrelated */

enum uuid_hg {
	HG_EQUAL		= 0,
	HG_SOURCE_BITMAP	= 1,	/* I become source, by bitmap */
	HG_SOURCE_FULL		= 2,
	HG_TARGET_BITMAP	= -1,
	HG_TARGET_FULL		= -2,
	HG_SPLIT_BRAIN		= 100,	/* common ancestor known */
	HG_AMBIGUOUS		= -100,	/* related, needs a decision */
	HG_UNRELATED		= -1000,
	HG_NEEDS_APV_91		= -1091,	/* peer's protocol is too old */
	HG_NEEDS_FEATURE	= -1104,	/* agreed features lack UUID_FEATURE_WSAME */
};

/* The agreed feature bit that rule 41 asks for. */
#define UUID_FEATURE_WSAME	4u

struct uuid_facts {
	bool self_primary;	/* role now */
	bool peer_primary;	/* role in the peer's state packet */
	bool self_crashed;	/* crashed-primary mark as sent */
	bool peer_crashed;
	bool resolve_conflicts;	/* exactly one node has it */
	u16 apv;		/* agreed protocol version */
	u32 features;		/* agreed feature bits */
};

struct uuid_verdict {
	int hg;			/* enum uuid_hg */
	int rule;		/* number in the table of 5.5, for the log */
	bool self_corrected;	/* adopt self: mark metadata dirty */
	bool peer_corrected;	/* adopt peer as the stored copy */
	struct uuid_set self;
	struct uuid_set peer;
};

struct uuid_verdict uuid_compare(const struct uuid_set *self, const struct uuid_set *peer,
				 const struct uuid_facts *f);

#endif /* CORE_UUID_H */
