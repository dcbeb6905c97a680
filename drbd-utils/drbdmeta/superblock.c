// SPDX-License-Identifier: GPL-2.0
/* superblock.c - finding, judging and writing the v08 superblock and its areas */
#include <stdlib.h>

#include "drbdmeta.h"

/* Printed only when the magic says that something of ours is there. */
#define complain(quiet, ...) ((quiet) ? (void)0 : (void)fprintf(stderr, __VA_ARGS__))

static bool offsets_valid(const struct md_superblock *sb, const struct md_layout *want,
			  bool internal, bool quiet)
{
	if (sb->al_offset != want->al_offset) {
		complain(quiet, "v08 al_offset: expected %d, found %d\n", want->al_offset,
			 sb->al_offset);
		return false;
	}
	if (!internal) {
		if (sb->bm_offset != want->bm_offset) {
			complain(quiet, "v08 bm_offset: expected %d, found %d\n", want->bm_offset,
				 sb->bm_offset);
			return false;
		}
		return sb->md_size_sect > (u32)sb->bm_offset;
	}
	if (sb->bm_offset != want->bm_offset)
		complain(quiet, "strange bm_offset %d (expected: %d)\n", sb->bm_offset,
			 want->bm_offset);
	if (sb->md_size_sect != want->md_size_sect)
		complain(quiet, "strange md_size_sect %u (expected: %u)\n", sb->md_size_sect,
			 want->md_size_sect);
	return sb->bm_offset == want->bm_offset && sb->md_size_sect == want->md_size_sect;
}

bool superblock_valid(const struct meta *m, const struct md_superblock *sb, u64 sectors,
		      struct md_layout *at, bool quiet)
{
	struct md_layout want;
	u32 stripes, stripe_size_4k;

	md_superblock_stripes(sb, &stripes, &stripe_size_4k);
	if (!md_stripes_valid(stripes, stripe_size_4k)) {
		complain(quiet, "invalid al-stripes * al-stripe-size-4k: %u * %u\n", stripes,
			 stripe_size_4k);
		return false;
	}
	if (sb->bm_bytes_per_bit != MD_BYTES_PER_BIT) {
		complain(quiet, "unsupported bm-byte-per-bit %u (expected: %u)\n",
			 sb->bm_bytes_per_bit, MD_BYTES_PER_BIT);
		return false;
	}
	if (!md_layout_compute(m->index, MD_MAX_SECTORS, sectors, stripes, stripe_size_4k,
			       &want)) {
		complain(quiet, "meta data with %u * %u KiB of activity log does not fit into %llu sectors\n",
			 stripes, stripe_size_4k * 4, (unsigned long long)sectors);
		return false;
	}
	if (!offsets_valid(sb, &want, md_index_is_internal(m->index), quiet))
		return false;
	md_layout_from_superblock(sb, m->index, MD_MAX_SECTORS, sectors, at);
	return true;
}

void meta_clip_la_size(struct meta *m)
{
	if (m->sb.la_size_sect <= m->at.capacity)
		return;
	printf("# la-size-sect was too big (%llu), truncated (%llu)!\n",
	       (unsigned long long)m->sb.la_size_sect, (unsigned long long)m->at.capacity);
	m->sb.la_size_sect = m->at.capacity;
}

/* True when valid metadata was found in place or, if internal, at the last known place. */
bool meta_read_superblock(struct meta *m)
{
	u64 position = md_superblock_sector(m->index, m->sectors) * 512;
	struct md_superblock sb;
	enum md_kind kind;

	meta_read(m, "v08_superblock_read", m->buffer, MD_BLOCK_BYTES, position);
	kind = md_superblock_decode(m->buffer, &sb);
	if (opt.verbose >= 3 && opt.verbose <= 10)
		hexdump(stderr, m->buffer, MD_BLOCK_BYTES, position);
	if (kind != MD_KIND_CLEAN && kind != MD_KIND_UNCLEAN) {
		if (opt.verbose >= 1)
			fprintf(stderr, "v08 Magic number not found\n");
	} else if (superblock_valid(m, &sb, m->sectors, &m->at, false)) {
		m->sb = sb;
		m->kind = kind;
	}
	if (!m->kind && (!md_index_is_internal(m->index) || !last_known_search(m)))
		return false;
	meta_set_area(m, &m->at);
	meta_clip_la_size(m);
	return true;
}

void meta_write_superblock(struct meta *m)
{
	md_superblock_encode(&m->sb, m->buffer);
	meta_write(m, "v08_superblock_write", m->buffer, MD_BLOCK_BYTES, m->at.sb_sector * 512);
	meta_flush(m);
	if (md_index_is_internal(m->index))
		last_known_update(m);
	else
		last_known_remove(m);
}

void meta_zero_superblock_at(struct meta *m, u64 position)
{
	memset(m->buffer, 0, MD_BLOCK_BYTES);
	meta_write_outside(m, "superblock_zero", m->buffer, MD_BLOCK_BYTES, position);
}

void meta_layout_here(struct meta *m, u32 stripes, u32 stripe_size_4k, struct md_layout *layout)
{
	if (!md_layout_compute(m->index, MD_MAX_SECTORS, m->sectors, stripes, stripe_size_4k,
			       layout))
		die(EXIT_BAD_VALUE,
		    "Device too small: superblock, activity log (%llu KiB) and bitmap do not fit into\n"
		    "the %llu bytes of %s.", 4ULL * stripes * stripe_size_4k,
		    (unsigned long long)m->bytes, m->path);
}

void options_stripes(u32 *stripes, u32 *stripe_size_4k, u32 default_stripes,
		     u32 default_size_4k)
{
	u64 n = opt.have_stripes ? opt.al_stripes : default_stripes;
	u64 size = opt.have_stripe_size ? opt.al_stripe_size_kib / 4 : default_size_4k;

	if (n > 8192 || size > 8192 || n * size > 8192)
		die(EXIT_BAD_VALUE, "invalid (too large) al-stripe* settings");
	if (n * size < MD_AL_BLOCKS_MIN)
		die(EXIT_BAD_VALUE, "invalid (too small) al-stripe* settings");
	*stripes = (u32)n;
	*stripe_size_4k = (u32)size;
}

/* All blocks of a new log are alike, so stripes do not matter. */
void meta_al_initialize(struct meta *m, const struct md_layout *layout)
{
	u64 position = layout->al_sector * 512;
	u64 bytes = (u64)layout->al_sectors * 512;
	size_t i, n;

	for (i = 0; i < IO_BUFFER_BYTES; i += AL_BLOCK_BYTES) {
		if (i == 0)
			al_block_initialized(m->buffer);
		else
			memcpy(m->buffer + i, m->buffer, AL_BLOCK_BYTES);
	}
	for (; bytes; position += n, bytes -= n) {
		n = min(bytes, (u64)IO_BUFFER_BYTES);
		meta_write(m, "al_initialize", m->buffer, n, position);
	}
}

void meta_bitmap_zero(struct meta *m, const struct md_layout *layout)
{
	u64 start = layout->bm_sector * 512;
	/* the last indexed slot of a device may be incomplete */
	u64 end = min(start + layout->bm_sectors * 512, m->bytes & ~511ULL);
	char text[32];

	if (opt.bitmap_init == INIT_SKIP) {
		fprintf(stderr, "SKIPPED initializing bitmap area\n");
		return;
	}
	if (end <= start)
		return;
	fprintf(stderr, "initializing bitmap (%s) to all zero\n", size_text(text, (end - start) >> 10));
	meta_zero(m, start, end - start, opt.bitmap_init);
}
