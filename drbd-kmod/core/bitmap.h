/* SPDX-License-Identifier: GPL-2.0 */
/*
 * bitmap.h - the out-of-sync bitmap, 1 bit = 4096 bytes = 8 sectors
 *
 * Spec: metadata.md 4, wire.md 6.2.  The bits live in 4096 byte pages handed
 * in by the caller, in on-disk byte order (little-endian words, bit 0 first),
 * so a page can be written to disk and sent to the peer as it is.  1 = out of
 * sync.  Bits at and beyond n_bits are always 0 in memory, also when n_bits is
 * a multiple of 64.
 *
 * Context: any; the caller holds the lock that protects the bitmap.  Nothing
 * sleeps.  Functions that walk the whole map (set_all, clear_all, recount,
 * find_next over a clean map) cost one memory access per 64 bits (256 KiB of
 * device).  Ranges are inclusive [first, last]; what lies beyond n_bits is ignored.
 */
#ifndef CORE_BITMAP_H
#define CORE_BITMAP_H

#include "portable.h"

#define BM_PAGE_BYTES		4096u
#define BM_BITS_PER_PAGE	32768u
#define BM_WORDS_PER_PAGE	512u
#define BM_SECTORS_PER_BIT	8u
#define BM_BLOCK_BYTES		4096u
#define BM_BITS_PER_EXTENT	4096u	/* resync extent, 16 MiB */
#define BM_SECTORS_PER_EXTENT	32768u
#define BM_END			U64_MAX	/* "no such bit" */

/* Per page flags, one u8 each. */
#define BM_PAGE_NEED	0x01	/* bits were set since it was last written */
#define BM_PAGE_LAZY	0x02	/* bits were cleared, or set in bulk from the peer */
#define BM_PAGE_CHANGED	(BM_PAGE_NEED | BM_PAGE_LAZY)
#define BM_PAGE_HINT	0x04	/* to be written with the next AL transaction */
#define BM_BATCH	64u	/* pages written at a time, and hints of one AL transaction */

struct bitmap {
	void **pages;		/* n_pages pointers, owned by the caller */
	u8 *page_flags;		/* n_pages bytes, owned by the caller */
	u32 n_pages;		/* at least bm_pages_for(n_bits) */
	u64 n_bits;
	u64 bits_set;		/* kept up to date by every function here */
	u32 hinted[BM_BATCH];	/* pages with BM_PAGE_HINT, so that nobody has to look for them */
	u32 n_hinted;
	bool hints_overflow;	/* there are more of them than that */
};

enum bm_write_what { BM_WRITE_ALL, BM_WRITE_CHANGED, BM_WRITE_HINTED };

/*
 * Pages on their way to the disk, as copies: what changes in the bitmap meanwhile is not
 * written along.  `copy` is memory of the owner, BM_PAGE_BYTES each.
 */
struct bm_batch {
	u32 n;
	u32 page[BM_BATCH];	/* ascending for BM_WRITE_ALL and BM_WRITE_CHANGED */
	u8 flags[BM_BATCH];	/* that it had, in case the write fails */
	void *copy[BM_BATCH];
};

/* Sizes. */
u64 bm_bits_for_sectors(u64 sectors);	/* ceil(sectors / 8) */
u64 bm_words_for(u64 n_bits);		/* 64 bit words */
u32 bm_pages_for(u64 n_bits);

/*
 * Start with all bits 0 and no page flag set; the pages are cleared.
 * n_pages may be 0 with n_bits 0.
 */
void bm_init(struct bitmap *bm, void **pages, u8 *page_flags, u32 n_pages, u64 n_bits);

/*
 * Change the size.  @pages/@page_flags are the new arrays (or the old ones);
 * the pages both sizes share must be the same memory at the same index, their
 * flags copied; the old arrays and pages must stay valid until this returns.
 * Pages that are new need no initialisation.  New bits become @new_value; every
 * page holding new bits is marked BM_PAGE_NEED.  bits_set is corrected.
 */
void bm_resize(struct bitmap *bm, void **pages, u8 *page_flags, u32 n_pages,
	       u64 n_bits, bool new_value);

/* Set bits, mark pages NEED.  Returns how many were 0 before. */
u64 bm_set_range(struct bitmap *bm, u64 first, u64 last);
/* The same, but mark pages LAZY: bulk set from a received bitmap. */
u64 bm_set_range_lazy(struct bitmap *bm, u64 first, u64 last);
/* Clear bits, mark pages LAZY.  Returns how many were 1 before. */
u64 bm_clear_range(struct bitmap *bm, u64 first, u64 last);

/* 1, 0, or -1 for a bit beyond the end. */
int bm_test(const struct bitmap *bm, u64 bit);

u64 bm_count_range(const struct bitmap *bm, u64 first, u64 last);

/* Bits set in the 16 MiB extent @extent (0..4096). */
u32 bm_count_extent(const struct bitmap *bm, u64 extent);

/* First set / clear bit at or after @from, BM_END if there is none. */
u64 bm_find_next(const struct bitmap *bm, u64 from);
u64 bm_find_next_zero(const struct bitmap *bm, u64 from);
/* As bm_find_next() but looks at bits below @limit only. */
u64 bm_find_next_below(const struct bitmap *bm, u64 from, u64 limit);

/* All pages are marked NEED (they differ from the disk wholesale). */
void bm_set_all(struct bitmap *bm);
void bm_clear_all(struct bitmap *bm);

/*
 * After reading pages from disk: mask what lies beyond the end and count.
 * Clears all CHANGED flags, since memory now equals the disk.
 */
void bm_recount(struct bitmap *bm);

/*
 * OR @n_words little-endian 64 bit words (unaligned memory) into the bitmap,
 * starting at word @word; words and bits beyond the end are ignored.  Marks
 * pages NEED.  Returns how many bits were newly set.
 */
u64 bm_merge_le(struct bitmap *bm, u64 word, const void *words, u32 n_words);

/* Copy words out, as they go over the wire; beyond the end: 0. */
void bm_copy_le(const struct bitmap *bm, u64 word, void *words, u32 n_words);

/* ------------------------------------------------------------------ */
/* Pages and their I/O                                                */

/* Pages that the bitmap really uses: bm_pages_for(n_bits). */
u32 bm_used_pages(const struct bitmap *bm);

/* First page at or after @from with any of @flags; U32_MAX if there is none. */
u32 bm_next_page_with(const struct bitmap *bm, u32 from, u8 flags);

/* Mark the page of 4 MiB activity-log extent @al_extent (page = extent / 32). */
void bm_hint_al_extent(struct bitmap *bm, u32 al_extent);

/*
 * Copy the next pages that @what is about into @batch, at most BM_BATCH, beginning at page
 * *cursor, which moves on; CHANGED and HINT are cleared, so that what changes from now on is
 * written again.  Returns batch->n, 0 when there are no more.  BM_WRITE_HINTED costs as much
 * as there are hints, whatever the size of the device, and drops hints of unchanged pages.
 */
u32 bm_batch_fill(struct bitmap *bm, enum bm_write_what what, u32 *cursor,
		  struct bm_batch *batch);
/* They could not be written: they are changed as before. */
void bm_batch_failed(struct bitmap *bm, struct bm_batch *batch);

/* ------------------------------------------------------------------ */
/* Sectors to bits                                                    */

/*
 * The bits a range touches at all (to be set).  False if the range is empty or
 * begins beyond @capacity (sectors); what lies beyond is clipped.
 */
bool bm_range_touched(u64 sector, u32 bytes, u64 capacity, u64 *first, u64 *last);

/*
 * The bits a range covers wholly (may be cleared).  A last partial block of
 * the device counts when the range reaches the device end.  False if none.
 */
bool bm_range_covered(u64 sector, u32 bytes, u64 capacity, u64 *first, u64 *last);

static inline u64 bm_bit_to_sector(u64 bit)
{
	return bit * BM_SECTORS_PER_BIT;
}

static inline u64 bm_sector_to_bit(u64 sector)
{
	return sector / BM_SECTORS_PER_BIT;
}

#endif /* CORE_BITMAP_H */
