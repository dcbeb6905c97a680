// SPDX-License-Identifier: GPL-2.0
/* md.c - superblock codec, layout geometry, attach checks, size rules (see md.h) */
#include "portable.h"
#include "md.h"

/* Offset of the magic differs by version; 8.4, v08 and v09 agree. */
#define MD_V07_MAGIC_OFFSET 0x1c

struct md_superblock_disk {
	__be64 la_size_sect;
	__be64 uuid[MD_UUID_SLOTS];
	__be64 device_uuid;
	__be64 reserved;
	__be32 flags;
	__be32 magic;
	__be32 md_size_sect;
	__be32 al_offset;
	__be32 al_nr_extents;
	__be32 bm_offset;
	__be32 bm_bytes_per_bit;
	__be32 la_peer_max_bio_size;
	__be32 al_stripes;
	__be32 al_stripe_size_4k;
} __packed;

static_assert(sizeof(struct md_superblock_disk) == 0x60, "superblock fields end at 0x60");
static_assert(offsetof(struct md_superblock_disk, magic) == 0x3c, "magic is at 0x3c");

enum md_kind md_superblock_decode(const u8 in[MD_BLOCK_BYTES], struct md_superblock *sb)
{
	struct md_superblock_disk disk;
	__be32 v07_magic;
	int i;

	memset(sb, 0, sizeof(*sb));
	memcpy(&disk, in, sizeof(disk));
	memcpy(&v07_magic, in + MD_V07_MAGIC_OFFSET, sizeof(v07_magic));

	switch (be32_to_cpu(disk.magic)) {
	case MD_MAGIC_CLEAN:
	case MD_MAGIC_UNCLEAN:
		break;
	case MD_MAGIC_V09:
		return MD_KIND_V09;
	default:
		return be32_to_cpu(v07_magic) == MD_MAGIC_V07 ? MD_KIND_V07 : MD_KIND_NONE;
	}

	sb->la_size_sect = be64_to_cpu(disk.la_size_sect);
	for (i = 0; i < MD_UUID_SLOTS; i++)
		sb->uuid[i] = be64_to_cpu(disk.uuid[i]);
	sb->device_uuid = be64_to_cpu(disk.device_uuid);
	sb->flags = be32_to_cpu(disk.flags);
	sb->magic = be32_to_cpu(disk.magic);
	sb->md_size_sect = be32_to_cpu(disk.md_size_sect);
	sb->al_offset = (s32)be32_to_cpu(disk.al_offset);
	sb->al_nr_extents = be32_to_cpu(disk.al_nr_extents);
	sb->bm_offset = (s32)be32_to_cpu(disk.bm_offset);
	sb->bm_bytes_per_bit = be32_to_cpu(disk.bm_bytes_per_bit);
	sb->la_peer_max_bio_size = be32_to_cpu(disk.la_peer_max_bio_size);
	sb->al_stripes = be32_to_cpu(disk.al_stripes);
	sb->al_stripe_size_4k = be32_to_cpu(disk.al_stripe_size_4k);

	if (sb->magic == MD_MAGIC_CLEAN && (sb->flags & MDF_AL_CLEAN))
		return MD_KIND_CLEAN;
	return MD_KIND_UNCLEAN;
}

void md_superblock_encode(const struct md_superblock *sb, u8 out[MD_BLOCK_BYTES])
{
	struct md_superblock_disk disk;
	int i;

	memset(&disk, 0, sizeof(disk));
	disk.la_size_sect = cpu_to_be64(sb->la_size_sect);
	for (i = 0; i < MD_UUID_SLOTS; i++)
		disk.uuid[i] = cpu_to_be64(sb->uuid[i]);
	disk.device_uuid = cpu_to_be64(sb->device_uuid);
	disk.flags = cpu_to_be32(sb->flags);
	disk.magic = cpu_to_be32(sb->magic);
	disk.md_size_sect = cpu_to_be32(sb->md_size_sect);
	disk.al_offset = cpu_to_be32((u32)sb->al_offset);
	disk.al_nr_extents = cpu_to_be32(sb->al_nr_extents);
	disk.bm_offset = cpu_to_be32((u32)sb->bm_offset);
	disk.bm_bytes_per_bit = cpu_to_be32(sb->bm_bytes_per_bit);
	disk.la_peer_max_bio_size = cpu_to_be32(sb->la_peer_max_bio_size);
	disk.al_stripes = cpu_to_be32(sb->al_stripes);
	disk.al_stripe_size_4k = cpu_to_be32(sb->al_stripe_size_4k);

	memset(out, 0, MD_BLOCK_BYTES);
	memcpy(out, &disk, sizeof(disk));
}

void md_superblock_stripes(const struct md_superblock *sb, u32 *stripes, u32 *stripe_size_4k)
{
	*stripes = sb->al_stripes;
	*stripe_size_4k = sb->al_stripe_size_4k;
	if (*stripes == 0 && *stripe_size_4k == 0) {
		*stripes = MD_AL_STRIPES_DEFAULT;
		*stripe_size_4k = MD_AL_STRIPE_4K_DEFAULT;
	}
}

bool md_stripes_valid(u32 stripes, u32 stripe_size_4k)
{
	u64 blocks = (u64)stripes * stripe_size_4k;

	return stripes && stripe_size_4k &&
	       blocks >= MD_AL_BLOCKS_MIN && blocks <= MD_AL_BLOCKS_MAX;
}

/* --- bitmap sizes ------------------------------------------------------- */

u64 md_bm_bits(u64 sectors)
{
	return (sectors >> 3) + ((sectors & 7) != 0);
}

u64 md_bm_words64(u64 sectors)
{
	u64 bits = md_bm_bits(sectors);

	return (bits >> 6) + ((bits & 63) != 0);
}

u64 md_bm_pages(u64 sectors)
{
	/* one page holds 32768 bits = 2^18 sectors */
	return (sectors >> 18) + ((sectors & (MD_BM_SECT_PER_PAGE - 1)) != 0);
}

u64 md_bm_bytes(u64 sectors)
{
	return md_bm_pages(sectors) * MD_BLOCK_BYTES;
}

u64 md_bm_area_sectors(u64 device_sectors)
{
	return md_bm_pages(device_sectors) * MD_BLOCK_SECTORS;
}

/* --- geometry ------------------------------------------------------------- */

u64 md_superblock_sector(s32 index, u64 meta_sectors)
{
	if (index == MD_INDEX_FLEX_EXTERNAL)
		return 0;
	if (index >= 0)
		return (u64)index * MD_SLOT_SECTORS;
	if (meta_sectors < MD_BLOCK_SECTORS)
		return 0;
	return (meta_sectors & ~7ULL) - MD_BLOCK_SECTORS;
}

static u64 md_capacity(s32 index, u64 data_sectors, u64 bm_sector, u64 bm_sectors)
{
	u64 limit = MD_MAX_SECTORS;

	if (md_index_is_internal(index))
		return min(limit, bm_sector);
	/* bm_sectors is a 32 bit quantity on disk: no overflow */
	limit = min(limit, bm_sectors * MD_BM_SECT_PER_SECT);
	if (index >= 0)
		limit = min(limit, MD_INDEXED_MAX_SECTORS);
	return min(limit, data_sectors);
}

static bool md_layout_compute_internal(u64 device_sectors, struct md_layout *layout)
{
	u64 bm_sectors = md_bm_area_sectors(device_sectors);
	u64 below = layout->al_sectors + bm_sectors;

	/* bm_offset is a signed 32 bit number of sectors */
	if (device_sectors < MD_BLOCK_SECTORS || below > INT_MAX || below > layout->sb_sector)
		return false;
	layout->bm_sectors = bm_sectors;
	layout->al_offset = -(s32)layout->al_sectors;
	layout->bm_offset = -(s32)below;
	layout->md_size_sect = (u32)(MD_BLOCK_SECTORS + below);
	return true;
}

static bool md_layout_compute_external(u64 meta_sectors, struct md_layout *layout)
{
	u32 bm_offset = MD_BLOCK_SECTORS + layout->al_sectors;
	u64 size = MD_SLOT_SECTORS;

	/* the size field has 32 bits; a larger device is used up to there */
	if (layout->index == MD_INDEX_FLEX_EXTERNAL)
		size = min(meta_sectors, (u64)U32_MAX);
	if (size <= bm_offset)
		return false;
	layout->md_size_sect = (u32)size;
	layout->al_offset = MD_BLOCK_SECTORS;
	layout->bm_offset = (s32)bm_offset;
	layout->bm_sectors = size - bm_offset;
	return true;
}

static void md_layout_place(struct md_layout *layout, u64 data_sectors)
{
	layout->al_sector = layout->sb_sector + (s64)layout->al_offset;
	layout->bm_sector = layout->sb_sector + (s64)layout->bm_offset;
	layout->capacity = md_capacity(layout->index, data_sectors, layout->bm_sector,
				       layout->bm_sectors);
}

static void md_layout_begin(struct md_layout *layout, s32 index, u64 meta_sectors,
			    u32 stripes, u32 stripe_size_4k)
{
	memset(layout, 0, sizeof(*layout));
	layout->index = index == MD_INDEX_INTERNAL_V07 ? MD_INDEX_INTERNAL : index;
	layout->al_stripes = stripes;
	layout->al_stripe_size_4k = stripe_size_4k;
	layout->al_sectors = stripes * stripe_size_4k * MD_BLOCK_SECTORS;
	layout->sb_sector = md_superblock_sector(layout->index, meta_sectors);
}

bool md_layout_compute(s32 index, u64 data_sectors, u64 meta_sectors,
		       u32 stripes, u32 stripe_size_4k, struct md_layout *layout)
{
	bool fits;

	if (!md_stripes_valid(stripes, stripe_size_4k))
		return false;
	md_layout_begin(layout, index, meta_sectors, stripes, stripe_size_4k);
	if (md_index_is_internal(index))
		fits = md_layout_compute_internal(meta_sectors, layout);
	else
		fits = md_layout_compute_external(meta_sectors, layout);
	if (!fits)
		return false;
	md_layout_place(layout, data_sectors);
	return true;
}

void md_layout_from_superblock(const struct md_superblock *sb, s32 index, u64 data_sectors,
			       u64 meta_sectors, struct md_layout *layout)
{
	u32 stripes, stripe_size_4k;

	md_superblock_stripes(sb, &stripes, &stripe_size_4k);
	md_layout_begin(layout, index, meta_sectors, stripes, stripe_size_4k);
	layout->al_offset = sb->al_offset;
	layout->bm_offset = sb->bm_offset;
	layout->md_size_sect = sb->md_size_sect;
	if (sb->al_offset < 0)
		layout->bm_sectors = (u64)((s64)sb->al_offset - sb->bm_offset);
	else
		layout->bm_sectors = (u64)((s64)sb->md_size_sect - sb->bm_offset);
	md_layout_place(layout, data_sectors);
}

void md_layout_to_superblock(const struct md_layout *layout, struct md_superblock *sb)
{
	sb->md_size_sect = layout->md_size_sect;
	sb->al_offset = layout->al_offset;
	sb->bm_offset = layout->bm_offset;
	sb->al_stripes = layout->al_stripes;
	sb->al_stripe_size_4k = layout->al_stripe_size_4k;
}

bool md_layout_same_place(const struct md_layout *a, const struct md_layout *b)
{
	return a->sb_sector == b->sb_sector &&
	       a->al_sector == b->al_sector && a->bm_sector == b->bm_sector &&
	       a->al_stripes == b->al_stripes &&
	       a->al_stripe_size_4k == b->al_stripe_size_4k;
}

/* --- attach checks ---------------------------------------------------------- */

int md_attach_check_devices(s32 index, bool data_is_meta)
{
	if (index < MD_INDEX_INTERNAL || data_is_meta != md_index_is_internal(index))
		return MD_ERR_INDEX;
	return MD_OK;
}

bool md_superblock_inside(s32 index, u64 meta_sectors)
{
	return meta_sectors >= MD_BLOCK_SECTORS &&
	       md_superblock_sector(index, meta_sectors) <= meta_sectors - MD_BLOCK_SECTORS;
}

bool md_superblock_geometry_ok(const struct md_superblock *sb, s32 index, u64 meta_sectors)
{
	s64 al_offset = sb->al_offset, bm_offset = sb->bm_offset;
	s64 al_sect, bm_sect, first;
	u32 stripes, stripe_size_4k;

	if (!md_superblock_inside(index, meta_sectors))
		return false;
	first = (s64)md_superblock_sector(index, meta_sectors);
	md_superblock_stripes(sb, &stripes, &stripe_size_4k);
	/* offsets of the other kind of layout would lead outside the device */
	if ((al_offset < 0) != md_index_is_internal(index))
		return false;

	if (al_offset < 0) {
		al_sect = -al_offset;
		bm_sect = al_offset - bm_offset;
		first += bm_offset;
	} else {
		if (al_offset != MD_BLOCK_SECTORS)
			return false;
		al_sect = bm_offset - MD_BLOCK_SECTORS;
		bm_sect = (s64)sb->md_size_sect - bm_offset;
	}
	if (index >= 0 && (sb->md_size_sect != MD_SLOT_SECTORS || bm_offset != 72 ||
			   stripes != MD_AL_STRIPES_DEFAULT ||
			   stripe_size_4k != MD_AL_STRIPE_4K_DEFAULT))
		return false;
	if (first < 0 || bm_sect < 0 || meta_sectors < sb->md_size_sect ||
	    meta_sectors - sb->md_size_sect < (u64)first)
		return false;
	if (al_sect != (s64)stripes * stripe_size_4k * MD_BLOCK_SECTORS || (bm_offset & 7))
		return false;
	return (u64)bm_sect >= md_bm_bits(sb->la_size_sect) >> 12;
}

static u64 md_minimum_sectors(s32 index)
{
	return index >= 0 ? (u64)MD_SLOT_SECTORS * ((u32)index + 1) : 2048;
}

int md_attach_check(const struct md_superblock *sb, enum md_kind kind,
		    const struct md_attach_facts *facts,
		    struct md_layout *stored, struct md_layout *current_layout)
{
	u32 stripes, stripe_size_4k;

	if (!md_superblock_inside(facts->index, facts->meta_sectors))
		return MD_ERR_IO;
	if (kind == MD_KIND_UNCLEAN)
		return MD_ERR_UNCLEAN;
	if (kind != MD_KIND_CLEAN || sb->bm_bytes_per_bit != MD_BYTES_PER_BIT)
		return MD_ERR_INVALID;
	md_superblock_stripes(sb, &stripes, &stripe_size_4k);
	if (!md_stripes_valid(stripes, stripe_size_4k))
		return MD_ERR_INVALID;
	if (!md_superblock_geometry_ok(sb, facts->index, facts->meta_sectors))
		return MD_ERR_INVALID;

	md_layout_from_superblock(sb, facts->index, facts->data_sectors, facts->meta_sectors,
				  stored);
	if (facts->configured_sectors > stored->capacity)
		return MD_ERR_DISK_TOO_SMALL;
	if (facts->meta_sectors < md_minimum_sectors(facts->index))
		return MD_ERR_META_TOO_SMALL;
	if (!md_layout_compute(facts->index, facts->data_sectors, facts->meta_sectors,
			       stripes, stripe_size_4k, current_layout))
		return MD_ERR_INVALID;
	if (stored->capacity < facts->current_sectors)
		return MD_ERR_DISK_TOO_SMALL;
	return MD_OK;
}

int md_attach_check_data_uuid(const struct md_superblock *sb, bool diskless_primary,
			      u64 known_data_uuid)
{
	if (diskless_primary && known_data_uuid &&
	    ((known_data_uuid ^ sb->uuid[MD_UUID_CURRENT]) & ~1ULL))
		return MD_ERR_DATA_NOT_CURRENT;
	return MD_OK;
}

int md_attach_check_shrink(const struct md_superblock *sb, u64 new_sectors,
			   u64 configured_sectors)
{
	if ((sb->flags & MDF_CONSISTENT) && new_sectors < sb->la_size_sect &&
	    new_sectors != configured_sectors)
		return MD_ERR_IMPLICIT_SHRINK;
	return MD_OK;
}

u32 md_al_extents_clamp(u32 al_blocks, u32 wanted)
{
	u32 most = al_blocks > 72 ? 65534 : (max(al_blocks, 2u) - 1) * 919;

	return min(max(wanted, 67u), most);
}

/* --- size determination ------------------------------------------------------ */

u64 md_size_determine(const struct md_size_facts *facts)
{
	u64 mine = facts->capacity;
	u64 peers = facts->peer_sectors;
	u64 size;

	if (!facts->connected && facts->assume_peer_has_space)
		peers = mine;
	if (mine && peers)
		size = min(mine, peers);
	else if (facts->la_size_sect && (mine || peers))
		size = min(facts->la_size_sect, mine ? mine : peers);
	else
		size = mine ? mine : peers;
	if (facts->configured_sectors && facts->configured_sectors <= size)
		size = facts->configured_sectors;
	return size;
}

int md_resize_check(u64 new_sectors, u64 la_size_sect, u64 configured_sectors,
		    bool layout_change)
{
	if (!layout_change)
		return MD_OK;
	if (configured_sectors)
		return new_sectors < configured_sectors ? MD_ERR_LAYOUT_NO_FIT : MD_OK;
	return new_sectors < la_size_sect ? MD_ERR_IMPLICIT_SHRINK : MD_OK;
}

int md_restripe_check(u32 stripes, u32 stripe_size_4k, bool connected, bool forced)
{
	u64 blocks = (u64)stripes * stripe_size_4k;

	if (blocks > MD_AL_BLOCKS_MAX)
		return MD_ERR_AL_TOO_BIG;
	if (blocks < MD_AL_BLOCKS_MIN)
		return MD_ERR_AL_TOO_SMALL;
	if (!connected && !forced)
		return MD_ERR_RESTRIPE_UNCONNECTED;
	return MD_OK;
}
