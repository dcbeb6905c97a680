// SPDX-License-Identifier: GPL-2.0
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "fake_disk.h"
#include "core/actlog_block.h"
#include "core/bitmap.h"

static struct fake_block *find(const struct fake_disk *disk, u64 sector)
{
	u32 i;

	for (i = 0; i < disk->n_blocks; i++)
		if (disk->block[i].sector == sector)
			return (struct fake_block *)&disk->block[i];
	return NULL;
}

static struct fake_block *find_or_add(struct fake_disk *disk, u64 sector)
{
	struct fake_block *b = find(disk, sector);

	if (b)
		return b;
	if (disk->n_blocks == FAKE_BLOCKS)
		abort();
	b = &disk->block[disk->n_blocks++];
	memset(b, 0, sizeof(*b));
	b->sector = sector;
	return b;
}

static void make_durable(struct fake_disk *disk)
{
	u32 i;

	for (i = 0; i < disk->n_blocks; i++)
		memcpy(disk->block[i].durable, disk->block[i].now, MD_BLOCK_BYTES);
}

static void note(struct fake_disk *disk, char what)
{
	size_t len = strlen(disk->trace);

	if (len + 1 < sizeof(disk->trace))
		disk->trace[len] = what;
}

void fake_disk_write(struct fake_disk *disk, char what, u64 sector, const void *block, bool flush)
{
	if (disk->writes++ >= disk->cut_at)
		disk->off = true;
	if (disk->off)
		return;
	note(disk, what);
	memcpy(find_or_add(disk, sector)->now, block, MD_BLOCK_BYTES);
	if (flush)
		make_durable(disk);
}

void fake_disk_read(const struct fake_disk *disk, u64 sector, void *block)
{
	const struct fake_block *b = find(disk, sector);

	if (b)
		memcpy(block, b->now, MD_BLOCK_BYTES);
	else
		memset(block, 0, MD_BLOCK_BYTES);
}

void fake_disk_flush(struct fake_disk *disk)
{
	if (disk->off)
		return;
	note(disk, 'F');
	if (md_index_is_internal(disk->index))
		make_durable(disk);
}

void fake_disk_restart(struct fake_disk *disk, bool cache_lost)
{
	u32 i;

	for (i = 0; i < disk->n_blocks && cache_lost; i++)
		memcpy(disk->block[i].now, disk->block[i].durable, MD_BLOCK_BYTES);
	make_durable(disk);
	disk->off = false;
	disk->cut_at = U32_MAX;
}

void fake_disk_format(struct fake_disk *disk, s32 index, u64 data_sectors, u64 meta_sectors,
		      const struct md_superblock *sb)
{
	struct md_superblock image = *sb;
	struct md_layout at;
	u8 block[MD_BLOCK_BYTES];
	u32 i;

	memset(disk, 0, sizeof(*disk));
	disk->index = index;
	disk->data_sectors = data_sectors;
	disk->meta_sectors = meta_sectors;
	disk->cut_at = U32_MAX;
	md_layout_compute(index, data_sectors, meta_sectors, MD_AL_STRIPES_DEFAULT,
			  MD_AL_STRIPE_4K_DEFAULT, &at);
	md_layout_to_superblock(&at, &image);
	image.bm_bytes_per_bit = MD_BYTES_PER_BIT;
	image.al_nr_extents = MD_AL_NR_EXTENTS_NEW;
	md_superblock_encode(&image, block);
	fake_disk_write(disk, 'S', at.sb_sector, block, false);
	al_block_initialized(block);
	for (i = 0; i < at.al_sectors / MD_BLOCK_SECTORS; i++)
		fake_disk_write(disk, 'A', at.al_sector + i * MD_BLOCK_SECTORS, block, false);
	make_durable(disk);
	disk->writes = 0;
	memset(disk->trace, 0, sizeof(disk->trace));
}

/* ---- what the tools make of it ---- */

static void al_block(const struct fake_disk *disk, const struct md_layout *at, u32 b, u8 *block)
{
	fake_disk_read(disk, at->al_sector + MD_BLOCK_SECTORS *
		       al_ring_position(at->al_stripes, at->al_stripe_size_4k, b), block);
}

static bool replay(const struct fake_disk *disk, const struct md_layout *at, u32 *slots)
{
	u32 blocks = at->al_sectors / MD_BLOCK_SECTORS, i;
	struct al_scan scan;
	u8 block[MD_BLOCK_BYTES];
	enum al_scan_result result;

	al_scan_begin(&scan, blocks);
	for (i = 0; i < blocks; i++) {
		al_block(disk, at, i, block);
		al_scan_block(&scan, i, block);
	}
	result = al_scan_finish(&scan);
	for (i = 0; result == AL_SCAN_UPDATES && i < al_scan_replay_count(&scan); i++) {
		u32 b = al_scan_replay_block(&scan, i);

		al_block(disk, at, b, block);
		al_replay_block(slots, b, block, NULL, NULL);
	}
	return result == AL_SCAN_UPDATES || result == AL_SCAN_NOTHING;
}

static bool verdict_at(const struct fake_disk *disk, u64 meta_sectors, struct fake_verdict *v)
{
	static u32 slots[AL_SLOTS_MAX];
	u64 data = md_index_is_internal(disk->index) ? meta_sectors : disk->data_sectors;
	u8 block[MD_BLOCK_BYTES];
	struct md_layout at;

	memset(v, 0, sizeof(*v));
	v->disk = disk;
	fake_disk_read(disk, md_superblock_sector(disk->index, meta_sectors), block);
	if (md_superblock_decode(block, &v->sb) == MD_KIND_NONE ||
	    !md_superblock_geometry_ok(&v->sb, disk->index, meta_sectors))
		return false;
	md_layout_from_superblock(&v->sb, disk->index, data, meta_sectors, &at);
	v->bm_sector = at.bm_sector;
	v->all = (v->sb.flags & MDF_FULL_SYNC) ||
		 ((v->sb.flags & (MDF_PRIMARY_IND | MDF_CRASHED_PRIMARY)) &&
		  (v->sb.flags & MDF_AL_DISABLED));
	if (!(v->sb.flags & MDF_PRIMARY_IND))
		return true;
	al_replay_begin(slots);
	if (!replay(disk, &at, slots))
		return false;
	v->hot = slots;
	v->n_hot = al_replay_hot_extents(slots);
	return true;
}

/* The tools look where it should be, and only if there is none where it was last known. */
bool fake_disk_verdict(const struct fake_disk *disk, u64 meta_sectors, struct fake_verdict *v)
{
	return verdict_at(disk, meta_sectors, v) ||
	       (v->sb.magic == 0 && verdict_at(disk, disk->meta_sectors, v));
}

bool fake_verdict_marks(const struct fake_verdict *v, u64 sector)
{
	u64 bit = sector / BM_SECTORS_PER_BIT;
	u8 block[BM_PAGE_BYTES];
	u32 i;

	if (v->all)
		return true;
	for (i = 0; i < v->n_hot; i++)
		if (v->hot[i] == sector / AL_EXTENT_SECTORS)
			return true;
	fake_disk_read(v->disk, v->bm_sector + bit / BM_BITS_PER_PAGE * MD_BLOCK_SECTORS, block);
	return block[bit % BM_BITS_PER_PAGE / 8] >> (bit % 8) & 1;
}
