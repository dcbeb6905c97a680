/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fake_disk.h - the metadata of a fake volume, block by block, with a volatile cache and a
 * power cut at any write
 *
 * A volume that has one (fake_volume.disk) keeps superblock, activity log and bitmap there.
 * What a power cut left is judged as the tools would: fake_disk_verdict().
 */
#ifndef FAKE_DISK_H
#define FAKE_DISK_H

#include "core/md.h"

#define FAKE_BLOCKS 512

struct fake_block {
	u64 sector;
	u8 now[MD_BLOCK_BYTES], durable[MD_BLOCK_BYTES];
};

struct fake_disk {
	s32 index;			/* of the metadata: internal or flexible external */
	u64 data_sectors, meta_sectors;	/* internal: the same */
	u32 n_blocks;
	struct fake_block block[FAKE_BLOCKS];
	u32 writes;			/* blocks written so far */
	u32 cut_at;			/* this one and all later ones are lost */
	bool off;
	char trace[512];		/* S, A, B: blocks written; F: data flushed */
};

/* All zero but for superblock and log, as a tool makes them; `sb` says the rest. */
void fake_disk_format(struct fake_disk *disk, s32 index, u64 data_sectors, u64 meta_sectors,
		      const struct md_superblock *sb);
void fake_disk_write(struct fake_disk *disk, char what, u64 sector, const void *block, bool flush);
void fake_disk_read(const struct fake_disk *disk, u64 sector, void *block);
void fake_disk_flush(struct fake_disk *disk);	/* of the data's disk */
/* Power is back. Without its cache the disk holds what was flushed. */
void fake_disk_restart(struct fake_disk *disk, bool cache_lost);

struct fake_verdict {
	struct md_superblock sb;
	bool all;			/* everything counts as out of sync */
	u32 *hot, n_hot;		/* extents that the log adds */
	u64 bm_sector;
	const struct fake_disk *disk;
};

/* Can it be attached, apply-al first? The position of old metadata counts, too, for a disk that grew. */
bool fake_disk_verdict(const struct fake_disk *disk, u64 meta_sectors, struct fake_verdict *verdict);
bool fake_verdict_marks(const struct fake_verdict *verdict, u64 sector);

#endif /* FAKE_DISK_H */
