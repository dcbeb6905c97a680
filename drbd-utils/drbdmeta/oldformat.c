// SPDX-License-Identifier: GPL-2.0
/* oldformat.c - recognise v07 and v09 superblocks and read them as v08 (metadata.md 2.2, 6.6) */
#include "drbdmeta.h"

struct v07_disk {
	__be64 la_size_kib;
	__be32 flags;
	__be32 human_count;
	__be32 timeout_count;
	__be32 connected_count;
	__be32 arbitrary_count;
	__be32 magic;
	__be32 md_size_kib;
	__be32 al_offset;
	__be32 al_nr_extents;
	__be32 bm_offset;
} __packed;

static_assert(offsetof(struct v07_disk, magic) == 0x1c, "v07 magic is at 0x1c");

#define V09_PEERS 32

struct v09_disk {
	__be64 la_size_sect;
	__be64 current_uuid;
	__be64 members;
	u8 reserved[24];
	__be64 device_uuid;
	__be32 flags;
	__be32 magic;
	__be32 md_size_sect;
	__be32 al_offset;
	__be32 al_nr_extents;
	__be32 bm_offset;
	__be32 bm_bytes_per_bit;
	__be32 la_peer_max_bio_size;
	__be32 max_peers;
	__be32 node_id;
	__be32 al_stripes;
	__be32 al_stripe_size_4k;
	u8 reserved2[8];
	struct {
		__be64 bitmap_uuid;
		__be64 dagtag;
		__be32 flags;
		__be32 bitmap_index;
		u8 reserved[8];
	} __packed peer[V09_PEERS];
	__be64 history[V09_PEERS];
} __packed;

static_assert(offsetof(struct v09_disk, magic) == 0x3c, "v09 magic is at 0x3c");
static_assert(offsetof(struct v09_disk, peer) == 0x70, "v09 peers start at 0x70");
static_assert(offsetof(struct v09_disk, history) == 0x470, "v09 history starts at 0x470");

#define V07_FIXED_BYTES (128ULL << 20)

/* The generation counters become UUIDs that compare as the counters did. */
static u64 v07_uuid(const struct v07_disk *d)
{
	u64 human = be32_to_cpu(d->human_count) & 0xffff;
	u64 timeout = be32_to_cpu(d->timeout_count) & 0xffff;
	u64 rest = (be32_to_cpu(d->connected_count) + be32_to_cpu(d->arbitrary_count)) & 0xffff;

	return human << 48 | timeout << 32 | rest << 16 | 0xbabe;
}

static void v07_read(struct old_format *old, const struct v07_disk *d)
{
	struct md_superblock *sb = &old->sb;
	s64 al_offset = (s32)be32_to_cpu(d->al_offset), bm_offset = (s32)be32_to_cpu(d->bm_offset);

	old->version = 7;
	old->max_peers = 1;
	old->al_position = old->position + al_offset * 512;
	old->bm_position = old->position + bm_offset * 512;
	memset(sb, 0, sizeof(*sb));
	sb->la_size_sect = be64_to_cpu(d->la_size_kib) * 2;
	sb->uuid[MD_UUID_CURRENT] = v07_uuid(d);
	sb->uuid[MD_UUID_HISTORY1] = sb->uuid[MD_UUID_CURRENT] - 0x10000;
	sb->uuid[MD_UUID_HISTORY2] = sb->uuid[MD_UUID_CURRENT] - 0x20000;
	/* its activity log has not been applied: never take over a "clean" */
	sb->flags = be32_to_cpu(d->flags) & ~(u32)(MDF_AL_CLEAN | MDF_AL_DISABLED);
	sb->al_nr_extents = be32_to_cpu(d->al_nr_extents);
}

static u32 v09_flags(const struct v09_disk *d)
{
	const u32 same = MDF_CONSISTENT | MDF_PRIMARY_IND | MDF_WAS_UP_TO_DATE |
			 MDF_CRASHED_PRIMARY | MDF_AL_CLEAN | MDF_AL_DISABLED;
	u32 peer = be32_to_cpu(d->peer[0].flags), flags = be32_to_cpu(d->flags) & same;

	if (peer & 1)
		flags |= MDF_CONNECTED_IND;
	if (peer & 8)
		flags |= MDF_FULL_SYNC;
	if (peer & 2)
		flags |= MDF_PEER_OUT_DATED;
	return flags;
}

static void v09_read(struct old_format *old, const struct v09_disk *d)
{
	struct md_superblock *sb = &old->sb;

	old->version = 9;
	old->max_peers = be32_to_cpu(d->max_peers);
	old->al_position = old->position + (s64)(s32)be32_to_cpu(d->al_offset) * 512;
	old->bm_position = old->position + (s64)(s32)be32_to_cpu(d->bm_offset) * 512;
	memset(sb, 0, sizeof(*sb));
	sb->la_size_sect = be64_to_cpu(d->la_size_sect);
	sb->uuid[MD_UUID_CURRENT] = be64_to_cpu(d->current_uuid);
	sb->uuid[MD_UUID_BITMAP] = be64_to_cpu(d->peer[0].bitmap_uuid);
	sb->uuid[MD_UUID_HISTORY1] = be64_to_cpu(d->history[0]);
	sb->uuid[MD_UUID_HISTORY2] = be64_to_cpu(d->history[1]);
	sb->device_uuid = be64_to_cpu(d->device_uuid);
	sb->flags = v09_flags(d);
	sb->al_nr_extents = be32_to_cpu(d->al_nr_extents);
	sb->la_peer_max_bio_size = be32_to_cpu(d->la_peer_max_bio_size);
	sb->al_stripes = be32_to_cpu(d->al_stripes);
	sb->al_stripe_size_4k = be32_to_cpu(d->al_stripe_size_4k);
}

static bool old_format_at(struct meta *m, u64 position, bool fixed, struct old_format *old)
{
	struct md_superblock ignored;

	meta_read(m, "old_superblock_read", m->buffer, MD_BLOCK_BYTES, position);
	memset(old, 0, sizeof(*old));
	old->position = position;
	old->fixed_size = fixed;
	switch (md_superblock_decode(m->buffer, &ignored)) {
	case MD_KIND_V07:
		v07_read(old, (const struct v07_disk *)m->buffer);
		break;
	case MD_KIND_V09:
		if (fixed)
			return false;
		v09_read(old, (const struct v09_disk *)m->buffer);
		break;
	default:
		return false;
	}
	/* offsets that lead outside the device: it only looks like a superblock */
	return old->al_position < m->bytes && old->bm_position < m->bytes;
}

bool old_format_find(struct meta *m, struct old_format *old)
{
	u64 fixed = (m->bytes & ~4095ULL) - V07_FIXED_BYTES;

	if (old_format_at(m, md_superblock_sector(m->index, m->sectors) * 512, false, old))
		return true;
	return md_index_is_internal(m->index) && m->bytes > V07_FIXED_BYTES &&
	       old_format_at(m, fixed, true, old);
}
