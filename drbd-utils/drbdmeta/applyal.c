// SPDX-License-Identifier: GPL-2.0
/*
 * applyal.c - apply-al: mark what a crashed Primary may have been writing
 *
 * Order on disk: bitmap, then activity log, then superblock, each durable
 * before the next, so that a crash in between only repeats work.
 * metadata.md 3.5 to 3.7.
 */
#include <stdlib.h>

#include "drbdmeta.h"

enum log_state {
	LOG_UPDATES,			/* slots hold what was replayed */
	LOG_NOTHING,			/* never used */
	LOG_BAD,			/* cannot be replayed */
};

static void bad_slot(void *arg, bool update, u32 b, u32 slot)
{
	(void)arg;
	fprintf(stderr, "%sslot number out of range: tr:%u slot:%u\n", update ? "update " : "", b,
		slot);
}

static void scan_report_oddities(const struct al_scan *scan)
{
	if (scan->n_odd)
		fprintf(stderr, "%u AL transactions of unknown type, taken as updates\n", scan->n_odd);
	if (scan->n_same_tr)
		fprintf(stderr, "%u AL transactions with the number of another one\n", scan->n_same_tr);
	if (scan->n_updates &&
	    scan->newest_tr - scan->oldest_tr + 1 != al_scan_replay_count(scan))
		fprintf(stderr, "AL transaction numbers %u to %u are not consecutive\n",
			scan->oldest_tr, scan->newest_tr);
}

static enum log_state replay_84(const u8 *al, const struct md_layout *at, u32 *slots)
{
	u32 blocks = at->al_stripes * at->al_stripe_size_4k;
	struct al_scan scan;
	u32 b, i;

	al_scan_begin(&scan, blocks);
	for (b = 0; b < blocks; b++)
		al_scan_block(&scan, b, al + (size_t)AL_BLOCK_BYTES *
			      al_ring_position(at->al_stripes, at->al_stripe_size_4k, b));
	if (scan.n_corrupt && scan.n_valid)
		fprintf(stderr, "%u corrupt AL transactions found\n", scan.n_corrupt);
	scan_report_oddities(&scan);

	switch (al_scan_finish(&scan)) {
	case AL_SCAN_NODATA:
		fprintf(stderr, "No usable activity log found. Do you need to create-md?\n");
		return LOG_BAD;
	case AL_SCAN_INVALID:
		fprintf(stderr, "No valid AL update transaction found.\n");
		return LOG_BAD;
	case AL_SCAN_NOTHING:
		return LOG_NOTHING;
	case AL_SCAN_UPDATES:
		break;
	}
	for (i = 0; i < al_scan_replay_count(&scan); i++) {
		b = al_scan_replay_block(&scan, i);
		al_replay_block(slots, b, al + (size_t)AL_BLOCK_BYTES *
				al_ring_position(at->al_stripes, at->al_stripe_size_4k, b),
				bad_slot, NULL);
	}
	return LOG_UPDATES;
}

static enum log_state replay_old(const u8 *al, size_t al_bytes, u32 nr_extents, u32 *slots)
{
	u32 sectors = min(al_old_sectors(nr_extents), (u32)(al_bytes / AL_OLD_SECTOR_BYTES));
	struct al_scan scan;
	u32 n, i;

	al_scan_begin(&scan, sectors);
	for (n = 0; n < sectors; n++)
		al_old_scan_sector(&scan, n, al + (size_t)n * AL_OLD_SECTOR_BYTES);
	if (!scan.n_valid) {
		fprintf(stderr, "No usable activity log found.\n");
		return LOG_UPDATES;
	}
	if (scan.n_corrupt)
		fprintf(stderr, "%u corrupt or uninitialized AL transactions found\n"
			"You can safely ignore this if this node was cleanly stopped (no crash).\n",
			scan.n_corrupt);
	for (i = 0; i < al_scan_replay_count(&scan); i++) {
		n = al_scan_replay_block(&scan, i);
		al_old_replay_sector(slots, n, al + (size_t)n * AL_OLD_SECTOR_BYTES, bad_slot, NULL);
	}
	return LOG_UPDATES;
}

static enum log_state replay(struct meta *m, const u8 *al, size_t al_bytes, u32 *slots,
			     enum al_format format)
{
	u32 listed = min(m->sb.al_nr_extents, (u32)(al_bytes / 4 - 1));

	switch (format) {
	case AL_FORMAT_OLD:
		return replay_old(al, al_bytes, m->sb.al_nr_extents, slots);
	case AL_FORMAT_PMEM:
		al_pmem_replay(slots, al + 4, listed);
		return LOG_UPDATES;
	default:
		return replay_84(al, &m->at, slots);
	}
}

static u64 mark_extent(u8 *bytes)
{
	u64 newly_set = 0;
	int i;

	for (i = 0; i < AL_EXTENT_BM_BYTES; i++) {
		newly_set += 8 - (u64)__builtin_popcount(bytes[i]);
		bytes[i] = 0xff;
	}
	return newly_set;
}

/* @hot is ascending: every 4 KiB of the bitmap is read and written once. */
static u64 mark_extents(struct meta *m, const u32 *hot, u32 n)
{
	u64 bm_bytes = md_bm_bytes(m->sb.la_size_sect);
	u64 loaded = U64_MAX, newly_set = 0;
	u32 i;

	for (i = 0; i < n; i++) {
		u64 first = (u64)hot[i] * AL_EXTENT_BM_BYTES;
		u64 page = first & ~(u64)(MD_BLOCK_BYTES - 1);

		if (first >= bm_bytes) {
			fprintf(stderr, "extent %u beyond end of bitmap! (%llu >= %llu)\n", hot[i],
				(unsigned long long)first, (unsigned long long)bm_bytes);
			continue;
		}
		if (page != loaded) {
			if (loaded != U64_MAX)
				meta_write(m, "apply_al", m->buffer, MD_BLOCK_BYTES,
					   m->at.bm_sector * 512 + loaded);
			meta_read(m, "apply_al", m->buffer, MD_BLOCK_BYTES,
				  m->at.bm_sector * 512 + page);
			loaded = page;
		}
		newly_set += mark_extent(m->buffer + (first - page));
	}
	if (loaded != U64_MAX)
		meta_write(m, "apply_al", m->buffer, MD_BLOCK_BYTES, m->at.bm_sector * 512 + loaded);
	meta_flush(m);
	return newly_set;
}

static void apply_hot_extents(struct meta *m, u32 *slots)
{
	u32 n = al_replay_hot_extents(slots);
	char text[32];
	u64 newly_set;

	if (!n) {
		fprintf(stderr, "Nothing to do.\n");
		return;
	}
	newly_set = mark_extents(m, slots, n);
	fprintf(stderr, "Marked additional %s as out-of-sync based on AL.\n",
		size_text(text, newly_set * (MD_BYTES_PER_BIT / 1024)));
}

int cmd_apply_al(struct meta *m)
{
	enum al_format format;
	enum log_state state;
	bool needed, rewrite;
	size_t al_bytes;
	u8 *al = NULL;
	u32 *slots;

	if (!meta_read_superblock(m)) {
		fprintf(stderr, "No valid meta data found\n");
		return EXIT_NO_METADATA;
	}
	if (m->at_last_known && metadata_move(m))
		return EXIT_NO_METADATA;

	al_bytes = (size_t)m->at.al_sectors * 512;
	slots = malloc(AL_SLOTS_MAX * sizeof(*slots));
	if (!slots || posix_memalign((void **)&al, 4096, al_bytes))
		die(EXIT_INTERNAL, "out of memory");
	meta_read(m, "read_al", al, al_bytes, m->at.al_sector * 512);

	needed = m->sb.flags & MDF_PRIMARY_IND;
	al_replay_begin(slots);
	format = al_format_detect(m->sb.magic, m->at.al_stripes, m->at.al_stripe_size_4k, al,
				  al + AL_BLOCK_BYTES);
	state = replay(m, al, al_bytes, slots, format);
	if (state == LOG_BAD && needed)
		return EXIT_NO_METADATA;
	if (state == LOG_BAD)
		fprintf(stderr, "Error ignored, no need to apply the AL\n");
	if (state == LOG_UPDATES && needed)
		apply_hot_extents(m, slots);

	rewrite = state != LOG_NOTHING;
	if (rewrite) {
		meta_al_initialize(m, &m->at);
		meta_flush(m);
	}
	if (rewrite || !(m->sb.flags & MDF_AL_CLEAN) || m->sb.magic != MD_MAGIC_CLEAN) {
		m->sb.flags |= MDF_AL_CLEAN;
		m->sb.magic = MD_MAGIC_CLEAN;
		meta_write_superblock(m);
	}
	free(al);
	free(slots);
	return EXIT_OK;
}
