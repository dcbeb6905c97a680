/* SPDX-License-Identifier: GPL-2.0 */
/*
 * actlog_block.h - the activity log on disk: blocks, ring, replay
 *
 * A block is 4096 bytes, big endian, protected by a CRC-32C.  Blocks are built
 * in place in the caller's I/O buffer: begin, add updates, fill the context
 * window, finish.  Reading is block by block as well; the caller owns every
 * buffer.  Pure functions, no I/O, no allocation, any context; nothing here
 * trusts what it reads.  An AL extent is 4 MiB of data, a slot is a place in
 * the active set.  metadata.md 3.3 to 3.7.
 *
 * Which extents are active is decided elsewhere; this is only their record.
 */
#ifndef CORE_ACTLOG_BLOCK_H
#define CORE_ACTLOG_BLOCK_H

#include "portable.h"

#define AL_BLOCK_BYTES		4096
#define AL_BLOCK_MAGIC		0x69cb65a2u
#define AL_PMEM_MAGIC		0x6aa667a6u	/* flat list of extents instead of a ring */
#define AL_UPDATES_PER_BLOCK	64
#define AL_CONTEXT_PER_BLOCK	919
#define AL_SLOTS_MAX		65534u		/* slot numbers are below this */
#define AL_SLOT_NONE		0xffffu
#define AL_EXTENT_FREE		0xffffffffu
#define AL_EXTENT_SECTORS	8192
#define AL_EXTENT_BM_BYTES	128		/* bitmap bytes that describe one extent */

enum al_block_type {
	AL_TYPE_UPDATE = 0,
	AL_TYPE_INITIALIZED = 0xffff,
};

/* --- writing ------------------------------------------------------------ */

/*
 * Start an update block: clears @block, all updates and context entries free.
 * @context_size is the number of slots, @context_start the window's first slot.
 */
void al_block_begin(u8 block[AL_BLOCK_BYTES], u32 tr_number, u16 context_size,
		    u16 context_start);
/* Append an update; false if the block already has 64. */
bool al_block_add_update(u8 block[AL_BLOCK_BYTES], u16 slot, u32 extent);
/* Entry @i of the context: extent in slot context_start+i BEFORE this block's updates. */
void al_block_set_context(u8 block[AL_BLOCK_BYTES], u32 i, u32 extent);
/* Compute and store the CRC; the block may then be written. */
void al_block_finish(u8 block[AL_BLOCK_BYTES]);
/* A block of a log that never held anything, as create-md and apply-al write it. */
void al_block_initialized(u8 block[AL_BLOCK_BYTES]);

/* Entries of the context window that starts at slot @cycle with @nr_slots slots. */
u32 al_context_count(u32 nr_slots, u32 cycle);
/* Where the following transaction's window starts. */
u32 al_context_next(u32 nr_slots, u32 cycle);

/* --- the ring ------------------------------------------------------------ */

/* Position (in 4 KiB blocks from the start of the AL) of logical block @b. */
u32 al_ring_position(u32 stripes, u32 stripe_size_4k, u32 b);
/* Absolute sector of the block that records transaction @tr_number; @al_sector: AL start. */
u64 al_ring_sector(u64 al_sector, u32 stripes, u32 stripe_size_4k, u32 tr_number);
/*
 * The number after @tr_number.  Numbers wrap where a round of the ring ends: else the one after
 * 2^32 - 1 would go to another place than the next, and the replay, which follows the places,
 * would miss what lies between.
 */
u32 al_ring_next(u32 stripes, u32 stripe_size_4k, u32 tr_number);

/* --- reading -------------------------------------------------------------- */

struct al_block_info {
	u32 tr_number;
	u32 crc32c;
	u16 type;
	u16 n_updates;			/* as stored, may be more than 64 */
	u16 context_size;
	u16 context_start;
};

/* False: magic or CRC wrong, @info is untouched. */
bool al_block_decode(const u8 block[AL_BLOCK_BYTES], struct al_block_info *info);
u16 al_block_update_slot(const u8 block[AL_BLOCK_BYTES], u32 i);
u32 al_block_update_extent(const u8 block[AL_BLOCK_BYTES], u32 i);
u32 al_block_context(const u8 block[AL_BLOCK_BYTES], u32 i);

/*
 * First pass: show every logical block once, in ascending order, to find the
 * oldest and the newest transaction.
 */
struct al_scan {
	u32 blocks;			/* of the ring */
	u32 n_valid;			/* update or initialized */
	u32 n_corrupt;
	u32 n_updates;			/* blocks that are not "initialized" */
	u32 n_odd;			/* of these: of a type we do not know */
	u32 n_same_tr;			/* transaction number seen before at oldest or newest */
	bool first_corrupt;		/* logical block 0 is */
	u32 oldest, oldest_tr;		/* logical block, transaction number */
	u32 newest, newest_tr;
};

enum al_scan_result {
	AL_SCAN_NODATA,			/* not one valid block */
	AL_SCAN_NOTHING,		/* never used since it was initialized */
	AL_SCAN_INVALID,		/* initialized, but something is missing that may have mattered */
	AL_SCAN_UPDATES,		/* replay from oldest to newest */
};

void al_scan_begin(struct al_scan *scan, u32 blocks);
/* True if the block is valid.  @b: logical block number. */
bool al_scan_block(struct al_scan *scan, u32 b, const u8 block[AL_BLOCK_BYTES]);
enum al_scan_result al_scan_finish(const struct al_scan *scan);
/* Second pass: number of blocks from oldest to newest, and the i-th one's logical number. */
u32 al_scan_replay_count(const struct al_scan *scan);
u32 al_scan_replay_block(const struct al_scan *scan, u32 i);

/*
 * Told about every slot number a block names that cannot exist; it is skipped.
 * @update: named by an update, else by the context.
 */
typedef void al_bad_slot_fn(void *arg, bool update, u32 b, u32 slot);

/* @slots: AL_SLOTS_MAX entries, extent per slot. */
void al_replay_begin(u32 *slots);
/* Apply one block; false if it was skipped (corrupt or initialized). @bad_slot may be NULL. */
bool al_replay_block(u32 *slots, u32 b, const u8 block[AL_BLOCK_BYTES],
		     al_bad_slot_fn *bad_slot, void *arg);
/*
 * Move all extents in use to the front of @slots, ascending, duplicates
 * removed; returns how many.  @slots is then no longer a slot table.
 */
u32 al_replay_hot_extents(u32 *slots);

/* --- logs of older and newer formats (metadata.md 3.6(2), 3.7) ------------ */

enum al_format {
	AL_FORMAT_84,
	AL_FORMAT_PMEM,
	AL_FORMAT_OLD,			/* before 8.4 */
};

/*
 * Which format the log at hand has.  @sb_magic: the superblock's; @first and
 * @second: the AL's blocks 0 and 1 in disk order.
 */
enum al_format al_format_detect(u32 sb_magic, u32 stripes, u32 stripe_size_4k,
				const u8 first[AL_BLOCK_BYTES], const u8 second[AL_BLOCK_BYTES]);

/* Flat list: @extents_raw points behind the magic word; @slots as in al_replay_begin(). */
void al_pmem_replay(u32 *slots, const u8 *extents_raw, u32 nr_extents);

#define AL_OLD_SECTOR_BYTES	512
#define AL_OLD_CONTEXT		61		/* context pairs per sector */

/* Sectors a pre-8.4 log of that many extents occupies. */
u32 al_old_sectors(u32 nr_extents);
/* Transaction number of a valid sector; false if it is not valid. */
bool al_old_sector_decode(const u8 sector[AL_OLD_SECTOR_BYTES], u32 *tr_number);
/* As al_scan_block() and al_replay_block(); a scan of al_old_sectors() "blocks". */
bool al_old_scan_sector(struct al_scan *scan, u32 n, const u8 sector[AL_OLD_SECTOR_BYTES]);
bool al_old_replay_sector(u32 *slots, u32 n, const u8 sector[AL_OLD_SECTOR_BYTES],
			  al_bad_slot_fn *bad_slot, void *arg);

#endif /* CORE_ACTLOG_BLOCK_H */
