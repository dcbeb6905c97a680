// SPDX-License-Identifier: GPL-2.0
/* actlog_block.c - building, checking and replaying activity log blocks (see actlog_block.h) */
#include "portable.h"
#include "actlog_block.h"
#include "crc32c.h"
#include "md.h"

struct al_block_disk {
	__be32 magic;
	__be32 tr_number;
	__be32 crc32c;
	__be16 type;
	__be16 n_updates;
	__be16 context_size;
	__be16 context_start;
	__be32 reserved[4];
	__be16 update_slot[AL_UPDATES_PER_BLOCK];
	__be32 update_extent[AL_UPDATES_PER_BLOCK];
	__be32 context[AL_CONTEXT_PER_BLOCK];
} __packed;

static_assert(sizeof(struct al_block_disk) == AL_BLOCK_BYTES, "an AL block is 4 KiB");
static_assert(offsetof(struct al_block_disk, update_slot) == 36, "update slots are at 36");
static_assert(offsetof(struct al_block_disk, context) == 420, "the context is at 420");

/* Packed: may sit at any address of the caller's buffer. */
static struct al_block_disk *al_block_disk(u8 *block)
{
	return (struct al_block_disk *)block;
}

static const struct al_block_disk *al_block_disk_const(const u8 *block)
{
	return (const struct al_block_disk *)block;
}

/* The CRC of the whole block with the CRC field itself taken as zero. */
static u32 al_block_crc(const u8 *block)
{
	static const u8 zero[4];
	const size_t at = offsetof(struct al_block_disk, crc32c);
	u32 crc;

	crc = core_crc32c(0, block, at);
	crc = core_crc32c(crc, zero, sizeof(zero));
	return core_crc32c(crc, block + at + sizeof(zero), AL_BLOCK_BYTES - at - sizeof(zero));
}

/* --- writing ------------------------------------------------------------------ */

void al_block_begin(u8 block[AL_BLOCK_BYTES], u32 tr_number, u16 context_size,
		    u16 context_start)
{
	struct al_block_disk *disk = al_block_disk(block);

	memset(block, 0, offsetof(struct al_block_disk, update_slot));
	/* free slots and free extents are all ones, whatever their width */
	memset(block + offsetof(struct al_block_disk, update_slot), 0xff,
	       AL_BLOCK_BYTES - offsetof(struct al_block_disk, update_slot));
	disk->magic = cpu_to_be32(AL_BLOCK_MAGIC);
	disk->tr_number = cpu_to_be32(tr_number);
	disk->type = cpu_to_be16(AL_TYPE_UPDATE);
	disk->context_size = cpu_to_be16(context_size);
	disk->context_start = cpu_to_be16(context_start);
}

bool al_block_add_update(u8 block[AL_BLOCK_BYTES], u16 slot, u32 extent)
{
	struct al_block_disk *disk = al_block_disk(block);
	u16 n = be16_to_cpu(disk->n_updates);

	if (n >= AL_UPDATES_PER_BLOCK)
		return false;
	disk->update_slot[n] = cpu_to_be16(slot);
	disk->update_extent[n] = cpu_to_be32(extent);
	disk->n_updates = cpu_to_be16((u16)(n + 1));
	return true;
}

void al_block_set_context(u8 block[AL_BLOCK_BYTES], u32 i, u32 extent)
{
	if (!core_bug_on(i >= AL_CONTEXT_PER_BLOCK))
		al_block_disk(block)->context[i] = cpu_to_be32(extent);
}

void al_block_finish(u8 block[AL_BLOCK_BYTES])
{
	al_block_disk(block)->crc32c = cpu_to_be32(al_block_crc(block));
}

void al_block_initialized(u8 block[AL_BLOCK_BYTES])
{
	struct al_block_disk *disk = al_block_disk(block);

	/* unlike in update blocks the unused fields are zero here */
	memset(disk, 0, AL_BLOCK_BYTES);
	disk->magic = cpu_to_be32(AL_BLOCK_MAGIC);
	disk->type = cpu_to_be16(AL_TYPE_INITIALIZED);
	al_block_finish(block);
}

u32 al_context_count(u32 nr_slots, u32 cycle)
{
	return cycle < nr_slots ? min(nr_slots - cycle, (u32)AL_CONTEXT_PER_BLOCK) : 0;
}

u32 al_context_next(u32 nr_slots, u32 cycle)
{
	cycle += AL_CONTEXT_PER_BLOCK;
	return cycle >= nr_slots ? 0 : cycle;
}

/* --- the ring --------------------------------------------------------------------- */

u32 al_ring_position(u32 stripes, u32 stripe_size_4k, u32 b)
{
	return (b % stripes) * stripe_size_4k + b / stripes;
}

u64 al_ring_sector(u64 al_sector, u32 stripes, u32 stripe_size_4k, u32 tr_number)
{
	u32 b = tr_number % (stripes * stripe_size_4k);

	return al_sector + (u64)al_ring_position(stripes, stripe_size_4k, b) * MD_BLOCK_SECTORS;
}

u32 al_ring_next(u32 stripes, u32 stripe_size_4k, u32 tr_number)
{
	u32 blocks = stripes * stripe_size_4k;
	u32 left_over = (U32_MAX % blocks + 1) % blocks;

	return tr_number >= U32_MAX - left_over ? 0 : tr_number + 1;
}

/* --- reading -------------------------------------------------------------------------- */

bool al_block_decode(const u8 block[AL_BLOCK_BYTES], struct al_block_info *info)
{
	const struct al_block_disk *disk = al_block_disk_const(block);

	/* an all-zero block has a right CRC: the magic is what rejects it */
	if (be32_to_cpu(disk->magic) != AL_BLOCK_MAGIC ||
	    be32_to_cpu(disk->crc32c) != al_block_crc(block))
		return false;
	info->tr_number = be32_to_cpu(disk->tr_number);
	info->crc32c = be32_to_cpu(disk->crc32c);
	info->type = be16_to_cpu(disk->type);
	info->n_updates = be16_to_cpu(disk->n_updates);
	info->context_size = be16_to_cpu(disk->context_size);
	info->context_start = be16_to_cpu(disk->context_start);
	return true;
}

u16 al_block_update_slot(const u8 block[AL_BLOCK_BYTES], u32 i)
{
	return be16_to_cpu(al_block_disk_const(block)->update_slot[i]);
}

u32 al_block_update_extent(const u8 block[AL_BLOCK_BYTES], u32 i)
{
	return be32_to_cpu(al_block_disk_const(block)->update_extent[i]);
}

u32 al_block_context(const u8 block[AL_BLOCK_BYTES], u32 i)
{
	return be32_to_cpu(al_block_disk_const(block)->context[i]);
}

void al_scan_begin(struct al_scan *scan, u32 blocks)
{
	memset(scan, 0, sizeof(*scan));
	scan->blocks = blocks;
}

static void al_scan_corrupt(struct al_scan *scan, u32 b)
{
	scan->n_corrupt++;
	if (b == 0)
		scan->first_corrupt = true;
}

/* Transaction numbers wrap: only their signed distance tells which is older. */
static void al_scan_transaction(struct al_scan *scan, u32 b, u32 tr_number)
{
	if (scan->n_updates++ == 0) {
		scan->oldest = scan->newest = b;
		scan->oldest_tr = scan->newest_tr = tr_number;
		return;
	}
	if (tr_number == scan->oldest_tr || tr_number == scan->newest_tr)
		scan->n_same_tr++;
	if ((s32)(tr_number - scan->oldest_tr) < 0) {
		scan->oldest = b;
		scan->oldest_tr = tr_number;
	}
	if ((s32)(tr_number - scan->newest_tr) > 0) {
		scan->newest = b;
		scan->newest_tr = tr_number;
	}
}

bool al_scan_block(struct al_scan *scan, u32 b, const u8 block[AL_BLOCK_BYTES])
{
	struct al_block_info info;

	if (!al_block_decode(block, &info)) {
		al_scan_corrupt(scan, b);
		return false;
	}
	scan->n_valid++;
	if (info.type == AL_TYPE_INITIALIZED)
		return true;
	if (info.type != AL_TYPE_UPDATE)
		scan->n_odd++;
	al_scan_transaction(scan, b, info.tr_number);
	return true;
}

enum al_scan_result al_scan_finish(const struct al_scan *scan)
{
	if (scan->n_valid == 0)
		return AL_SCAN_NODATA;
	if (scan->n_updates)
		return AL_SCAN_UPDATES;
	/* The first transaction ever goes to block 0: torn there, nothing was logged yet. */
	if (scan->n_corrupt == 0 || (scan->n_corrupt == 1 && scan->first_corrupt))
		return AL_SCAN_NOTHING;
	return AL_SCAN_INVALID;
}

u32 al_scan_replay_count(const struct al_scan *scan)
{
	if (scan->n_updates == 0)
		return 0;
	if (scan->newest >= scan->oldest)
		return scan->newest - scan->oldest + 1;
	return scan->newest + scan->blocks - scan->oldest + 1;
}

u32 al_scan_replay_block(const struct al_scan *scan, u32 i)
{
	u32 to_end = scan->blocks - scan->oldest;

	return i < to_end ? scan->oldest + i : i - to_end;
}

void al_replay_begin(u32 *slots)
{
	memset(slots, 0xff, AL_SLOTS_MAX * sizeof(*slots));
}

static void al_slot_set(u32 *slots, u32 b, bool update, u32 slot, u32 extent,
			al_bad_slot_fn *bad_slot, void *arg)
{
	if (slot < AL_SLOTS_MAX)
		slots[slot] = extent;
	else if (bad_slot)
		bad_slot(arg, update, b, slot);
}

bool al_replay_block(u32 *slots, u32 b, const u8 block[AL_BLOCK_BYTES],
		     al_bad_slot_fn *bad_slot, void *arg)
{
	struct al_block_info info;
	u32 i;

	if (!al_block_decode(block, &info) || info.type == AL_TYPE_INITIALIZED)
		return false;

	/* the context first: it shows the slots as they were before the updates */
	for (i = 0; i < AL_CONTEXT_PER_BLOCK; i++) {
		u32 slot = (u32)info.context_start + i;
		u32 extent = al_block_context(block, i);

		if (extent == AL_EXTENT_FREE && slot >= info.context_size)
			continue;
		al_slot_set(slots, b, false, slot, extent, bad_slot, arg);
	}
	for (i = 0; i < AL_UPDATES_PER_BLOCK; i++) {
		u32 slot = al_block_update_slot(block, i);

		if (i >= info.n_updates && slot == AL_SLOT_NONE)
			continue;
		al_slot_set(slots, b, true, slot, al_block_update_extent(block, i), bad_slot, arg);
	}
	return true;
}

static void al_sift_down(u32 *v, u32 root, u32 n)
{
	for (;;) {
		u32 child = 2 * root + 1, tmp;

		if (child >= n)
			return;
		if (child + 1 < n && v[child + 1] > v[child])
			child++;
		if (v[root] >= v[child])
			return;
		tmp = v[root];
		v[root] = v[child];
		v[child] = tmp;
		root = child;
	}
}

/* Heap sort: in place, no recursion, no worst case. */
static void al_sort(u32 *v, u32 n)
{
	u32 i, tmp;

	for (i = n / 2; i-- > 0;)
		al_sift_down(v, i, n);
	for (i = n; i-- > 1;) {
		tmp = v[0];
		v[0] = v[i];
		v[i] = tmp;
		al_sift_down(v, 0, i);
	}
}

u32 al_replay_hot_extents(u32 *slots)
{
	u32 i, used = 0, unique = 0;

	for (i = 0; i < AL_SLOTS_MAX; i++)
		if (slots[i] != AL_EXTENT_FREE)
			slots[used++] = slots[i];
	al_sort(slots, used);
	for (i = 0; i < used; i++)
		if (unique == 0 || slots[unique - 1] != slots[i])
			slots[unique++] = slots[i];
	return unique;
}

/* --- other formats --------------------------------------------------------------------- */

static u32 al_get_be32(const u8 *p)
{
	__be32 v;

	memcpy(&v, p, sizeof(v));
	return be32_to_cpu(v);
}

enum al_format al_format_detect(u32 sb_magic, u32 stripes, u32 stripe_size_4k,
				const u8 first[AL_BLOCK_BYTES], const u8 second[AL_BLOCK_BYTES])
{
	if (sb_magic != MD_MAGIC_UNCLEAN && sb_magic != MD_MAGIC_V09 &&
	    stripes == MD_AL_STRIPES_DEFAULT && stripe_size_4k == MD_AL_STRIPE_4K_DEFAULT &&
	    al_get_be32(first) != AL_BLOCK_MAGIC && al_get_be32(second) != AL_BLOCK_MAGIC)
		return AL_FORMAT_OLD;
	if (al_get_be32(first) == AL_PMEM_MAGIC)
		return AL_FORMAT_PMEM;
	return AL_FORMAT_84;
}

void al_pmem_replay(u32 *slots, const u8 *extents_raw, u32 nr_extents)
{
	u32 i;

	for (i = 0; i < min(nr_extents, (u32)AL_SLOTS_MAX); i++)
		slots[i] = al_get_be32(extents_raw + 4 * (size_t)i);
}

#define AL_OLD_MAGIC	0x83740267u
#define AL_OLD_PAIRS	(AL_OLD_CONTEXT + 1)

struct al_old_disk {
	__be32 magic;
	__be32 tr_number;
	struct {
		__be32 slot;
		__be32 extent;
	} pair[AL_OLD_PAIRS];
	__be32 extent_xor;
	__be32 pad;
} __packed;

static_assert(sizeof(struct al_old_disk) == AL_OLD_SECTOR_BYTES, "one sector each");

u32 al_old_sectors(u32 nr_extents)
{
	return 1 + nr_extents / AL_OLD_CONTEXT + (nr_extents % AL_OLD_CONTEXT != 0);
}

bool al_old_sector_decode(const u8 sector[AL_OLD_SECTOR_BYTES], u32 *tr_number)
{
	const struct al_old_disk *disk = (const struct al_old_disk *)sector;
	u32 sum = 0;
	int i;

	for (i = 0; i < AL_OLD_PAIRS; i++)
		sum ^= be32_to_cpu(disk->pair[i].extent);
	if (be32_to_cpu(disk->magic) != AL_OLD_MAGIC || be32_to_cpu(disk->extent_xor) != sum)
		return false;
	*tr_number = be32_to_cpu(disk->tr_number);
	return true;
}

bool al_old_scan_sector(struct al_scan *scan, u32 n, const u8 sector[AL_OLD_SECTOR_BYTES])
{
	u32 tr_number;

	if (!al_old_sector_decode(sector, &tr_number)) {
		al_scan_corrupt(scan, n);
		return false;
	}
	scan->n_valid++;
	al_scan_transaction(scan, n, tr_number);
	return true;
}

bool al_old_replay_sector(u32 *slots, u32 n, const u8 sector[AL_OLD_SECTOR_BYTES],
			  al_bad_slot_fn *bad_slot, void *arg)
{
	const struct al_old_disk *disk = (const struct al_old_disk *)sector;
	u32 tr_number;
	int i;

	if (!al_old_sector_decode(sector, &tr_number))
		return false;
	/* pair 0 is the update and comes last, the others are context */
	for (i = AL_OLD_PAIRS; i-- > 0;) {
		u32 extent = be32_to_cpu(disk->pair[i].extent);

		if (extent != AL_EXTENT_FREE)
			al_slot_set(slots, n, i == 0, be32_to_cpu(disk->pair[i].slot), extent,
				    bad_slot, arg);
	}
	return true;
}
