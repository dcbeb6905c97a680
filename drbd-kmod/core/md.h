/* SPDX-License-Identifier: GPL-2.0 */
/*
 * md.h - on-disk metadata: superblock codec, layout geometry, size rules
 *
 * Everything here is a pure function of its arguments: no I/O, no allocation,
 * no locks, any context.  All sizes are in sectors of 512 bytes unless the
 * name says otherwise.  Checks answer with the netlink reply code that
 * drbdsetup shows to the user (MD_OK when there is nothing to complain about).
 *
 * metadata.md 1 (layouts), 2 (superblock, attach checks), 4.1 and 4.5 (sizes).
 * The activity log's own format is in actlog_block.h.
 */
#ifndef CORE_MD_H
#define CORE_MD_H

#include "portable.h"

#define MD_BLOCK_BYTES		4096
#define MD_BLOCK_SECTORS	8		/* superblock, bitmap page, AL block */
#define MD_SLOT_SECTORS		262144u		/* one indexed slot: 128 MiB */
#define MD_BM_SECT_PER_BIT	8		/* data sectors one bitmap bit stands for */
#define MD_BM_SECT_PER_SECT	32768		/* data sectors one bitmap sector describes */
#define MD_BM_SECT_PER_PAGE	262144		/* data sectors one 4 KiB bitmap page describes */
#define MD_BYTES_PER_BIT	4096
#define MD_AL_STRIPES_DEFAULT	1
#define MD_AL_STRIPE_4K_DEFAULT	8
#define MD_AL_BLOCKS_MIN	8		/* 32 KiB */
#define MD_AL_BLOCKS_MAX	4194304		/* 16 GiB */
#define MD_AL_NR_EXTENTS_NEW	257		/* what create-md stores */
#define MD_MAX_SECTORS		(1ULL << 51)
#define MD_INDEXED_MAX_SECTORS	((u64)(MD_SLOT_SECTORS - 72) * MD_BM_SECT_PER_SECT)
#define MD_UUID_JUST_CREATED	4ULL

/* meta-disk index; 0..255 is a fixed slot on a shared meta device */
enum md_index {
	MD_INDEX_INTERNAL_V07 = -1,	/* treated as -3 */
	MD_INDEX_FLEX_EXTERNAL = -2,
	MD_INDEX_INTERNAL = -3,
};

enum md_magic {
	MD_MAGIC_V06 = 0x83740269,
	MD_MAGIC_V07 = 0x8374026a,
	MD_MAGIC_CLEAN = 0x8374026b,	/* v08; "clean" only together with MDF_AL_CLEAN */
	MD_MAGIC_UNCLEAN = 0x8374026c,	/* the only one a running module writes */
	MD_MAGIC_V09 = 0x8374026d,
};

enum md_flag {				/* md_superblock.flags, metadata.md 2.3 */
	MDF_CONSISTENT = 0x001,
	MDF_PRIMARY_IND = 0x002,
	MDF_CONNECTED_IND = 0x004,
	MDF_FULL_SYNC = 0x008,
	MDF_WAS_UP_TO_DATE = 0x010,
	MDF_PEER_OUT_DATED = 0x020,
	MDF_CRASHED_PRIMARY = 0x040,
	MDF_AL_CLEAN = 0x080,
	MDF_AL_DISABLED = 0x100,
};

enum md_uuid_slot {
	MD_UUID_CURRENT,
	MD_UUID_BITMAP,
	MD_UUID_HISTORY1,		/* the younger one */
	MD_UUID_HISTORY2,
	MD_UUID_SLOTS,
};

/* The superblock in host byte order.  Field meanings: metadata.md 2.1. */
struct md_superblock {
	u64 la_size_sect;
	u64 uuid[MD_UUID_SLOTS];
	u64 device_uuid;
	u32 flags;
	u32 magic;
	u32 md_size_sect;
	s32 al_offset;			/* sectors from the superblock */
	u32 al_nr_extents;
	s32 bm_offset;			/* sectors from the superblock */
	u32 bm_bytes_per_bit;
	u32 la_peer_max_bio_size;	/* bytes */
	u32 al_stripes;			/* 0 only together with the next one */
	u32 al_stripe_size_4k;
};

/* What 4096 bytes found at a superblock's place are. */
enum md_kind {
	MD_KIND_NONE,			/* nothing we know, struct is left zeroed */
	MD_KIND_CLEAN,			/* may be attached */
	MD_KIND_UNCLEAN,		/* apply-al first, then attach */
	MD_KIND_V07,			/* recognised only, struct is left zeroed */
	MD_KIND_V09,			/* recognised only, struct is left zeroed */
};

/*
 * Decode @in.  Only the magic decides the kind; geometry is judged by
 * md_attach_check() or md_superblock_geometry_ok().  Fields are as stored:
 * stripes 0/0 stay 0/0, use md_superblock_stripes().
 */
enum md_kind md_superblock_decode(const u8 in[MD_BLOCK_BYTES], struct md_superblock *sb);
/* All bytes not described are written as zeroes; @sb->magic is written as is. */
void md_superblock_encode(const struct md_superblock *sb, u8 out[MD_BLOCK_BYTES]);
/* Stored stripe settings with 0/0 read as the default 1/8. */
void md_superblock_stripes(const struct md_superblock *sb, u32 *stripes, u32 *stripe_size_4k);
/* Both not zero and the product within 8..4194304 blocks. */
bool md_stripes_valid(u32 stripes, u32 stripe_size_4k);

/* --- geometry --------------------------------------------------------- */

struct md_layout {
	s32 index;			/* -1 is stored as -3 */
	u32 al_stripes;
	u32 al_stripe_size_4k;
	u32 al_sectors;
	u64 sb_sector;			/* absolute, on the device that carries the metadata */
	u64 al_sector;
	u64 bm_sector;
	u64 bm_sectors;			/* length of the bitmap area */
	u32 md_size_sect;
	s32 al_offset;
	s32 bm_offset;
	u64 capacity;			/* data sectors that can be offered, metadata.md 1.4 */
};

static inline bool md_index_is_internal(s32 index)
{
	return index == MD_INDEX_INTERNAL || index == MD_INDEX_INTERNAL_V07;
}

/* Where the superblock is, from the index and the metadata device's size alone. */
u64 md_superblock_sector(s32 index, u64 meta_sectors);
/*
 * The layout that belongs to these devices.  Internal: @meta_sectors is the
 * same as @data_sectors.  Returns false when the metadata device is too small
 * for superblock, AL and bitmap; @layout is then unspecified.
 */
bool md_layout_compute(s32 index, u64 data_sectors, u64 meta_sectors,
		       u32 stripes, u32 stripe_size_4k, struct md_layout *layout);
/*
 * The layout as the superblock states it (positions from the stored offsets),
 * used while an old place is still valid.  Check the geometry first.
 */
void md_layout_from_superblock(const struct md_superblock *sb, s32 index, u64 data_sectors,
			       u64 meta_sectors, struct md_layout *layout);
/* Copy offsets, size and stripes of @layout into @sb (before writing it at the layout's place). */
void md_layout_to_superblock(const struct md_layout *layout, struct md_superblock *sb);
/*
 * True when superblock, AL and bitmap start at the same places: no move needed.
 * The bitmap area may still differ in length (a meta device that has grown);
 * then writing the new superblock is enough.
 */
bool md_layout_same_place(const struct md_layout *a, const struct md_layout *b);

/* --- bitmap sizes for @sectors of data (metadata.md 4.1) --------------- */

u64 md_bm_bits(u64 sectors);		/* one per started 4 KiB */
u64 md_bm_words64(u64 sectors);		/* 64 bit words */
u64 md_bm_bytes(u64 sectors);		/* on disk: a multiple of 4096 */
u64 md_bm_pages(u64 sectors);		/* 4 KiB pages on disk */
/* Sectors of bitmap the internal layout reserves on a device of that size. */
u64 md_bm_area_sectors(u64 device_sectors);

/* --- attach checks (metadata.md 2.4) ------------------------------------ */

enum md_reply {				/* netlink reply codes; netlink.md lists the texts */
	MD_OK = 101,
	MD_ERR_DISK_TOO_SMALL = 111,
	MD_ERR_META_TOO_SMALL = 112,
	MD_ERR_INDEX = 116,
	MD_ERR_IO = 118,
	MD_ERR_INVALID = 119,
	MD_ERR_NO_MEMORY_FOR_SIZE = 140,
	MD_ERR_DATA_NOT_CURRENT = 150,
	MD_ERR_UNCLEAN = 165,
	MD_ERR_RESTRIPE_UNCONNECTED = 166,
	MD_ERR_AL_TOO_BIG = 167,
	MD_ERR_AL_TOO_SMALL = 168,
	MD_ERR_LAYOUT_NO_FIT = 169,
	MD_ERR_IMPLICIT_SHRINK = 170,
};

struct md_attach_facts {
	s32 index;
	u64 data_sectors;
	u64 meta_sectors;		/* internal: the same as data_sectors */
	u64 configured_sectors;		/* option "size"; 0: not configured */
	u64 current_sectors;		/* size of the DRBD device right now; 0: none */
};

/* Before anything is read: index in range and internal exactly if one device is both. */
int md_attach_check_devices(s32 index, bool data_is_meta);
/* True when the superblock lies inside the device; otherwise the read fails (MD_ERR_IO). */
bool md_superblock_inside(s32 index, u64 meta_sectors);
/*
 * Magic, stripes, stored geometry, capacity, minimum sizes, in this order.
 * MD_OK: @stored holds the layout found on disk and @current the one that
 * belongs to the devices as they are now; they differ if a move is due.
 */
int md_attach_check(const struct md_superblock *sb, enum md_kind kind,
		    const struct md_attach_facts *facts,
		    struct md_layout *stored, struct md_layout *current_layout);
/* Stored offsets and sizes agree with each other and fit on the device (2.4 "Geometry"). */
bool md_superblock_geometry_ok(const struct md_superblock *sb, s32 index, u64 meta_sectors);
/* A diskless Primary may only attach the data it already serves (bit 0 does not count). */
int md_attach_check_data_uuid(const struct md_superblock *sb, bool diskless_primary,
			      u64 known_data_uuid);
/* Refuse to shrink consistent data unless that is the configured size. */
int md_attach_check_shrink(const struct md_superblock *sb, u64 new_sectors,
			   u64 configured_sectors);

/* al-extents as asked for, limited to what an AL of that many 4 KiB blocks can hold. */
u32 md_al_extents_clamp(u32 al_blocks, u32 wanted);

/* --- size determination (metadata.md 4.5) ------------------------------- */

struct md_size_facts {
	u64 capacity;			/* own backing device, md_layout.capacity; 0: diskless */
	u64 peer_sectors;		/* 0: unknown */
	u64 la_size_sect;		/* last agreed size; 0: never agreed */
	u64 configured_sectors;		/* 0: not configured */
	bool connected;
	bool assume_peer_has_space;
};

/* The size the device gets; 0 when nothing is known. */
u64 md_size_determine(const struct md_size_facts *facts);
/*
 * May an online change of size or AL layout to @new_sectors go ahead?
 * MD_ERR_IMPLICIT_SHRINK, MD_ERR_LAYOUT_NO_FIT or MD_OK.
 */
int md_resize_check(u64 new_sectors, u64 la_size_sect, u64 configured_sectors,
		    bool layout_change);
/* Limits of an online AL layout change, before the sizes are looked at. */
int md_restripe_check(u32 stripes, u32 stripe_size_4k, bool connected, bool forced);

#endif /* CORE_MD_H */
