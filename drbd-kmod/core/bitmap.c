// SPDX-License-Identifier: GPL-2.0
#include "bitmap.h"

#define BITS_PER_WORD		64u
#define WORD_SHIFT		6
#define PAGE_WORD_SHIFT		9
#define PAGE_WORD_MASK		(BM_WORDS_PER_PAGE - 1)
#define PAGE_BIT_SHIFT		15
#define WORDS_PER_EXTENT	(BM_BITS_PER_EXTENT / BITS_PER_WORD)
#define AL_EXTENTS_PER_PAGE	32u

/* By hand: the compiler's builtin may call a library the kernel lacks. */
static unsigned int bm_popcount(u64 v)
{
	v -= (v >> 1) & 0x5555555555555555ULL;
	v = (v & 0x3333333333333333ULL) + ((v >> 2) & 0x3333333333333333ULL);
	v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0fULL;
	return (v * 0x0101010101010101ULL) >> 56;
}

static __le64 *bm_page_words(const struct bitmap *bm, u32 page)
{
	return bm->pages[page];
}

static __le64 *bm_word(const struct bitmap *bm, u64 word)
{
	return bm_page_words(bm, (u32)(word >> PAGE_WORD_SHIFT)) + (word & PAGE_WORD_MASK);
}

/* The bits of the word that @bit is in, from @bit upward / up to @bit. */
static u64 bm_mask_from(u64 bit)
{
	return ~0ULL << (bit % BITS_PER_WORD);
}

static u64 bm_mask_upto(u64 bit)
{
	return ~0ULL >> (BITS_PER_WORD - 1 - bit % BITS_PER_WORD);
}

/* Clip [first, *last] to the bitmap; false if nothing is left. */
static bool bm_clip(const struct bitmap *bm, u64 first, u64 *last)
{
	if (first > *last || first >= bm->n_bits)
		return false;
	if (*last >= bm->n_bits)
		*last = bm->n_bits - 1;
	return true;
}

u64 bm_bits_for_sectors(u64 sectors)
{
	return sectors / BM_SECTORS_PER_BIT + !!(sectors % BM_SECTORS_PER_BIT);
}

u64 bm_words_for(u64 n_bits)
{
	return (n_bits >> WORD_SHIFT) + !!(n_bits % BITS_PER_WORD);
}

u32 bm_pages_for(u64 n_bits)
{
	return (u32)((n_bits >> PAGE_BIT_SHIFT) + !!(n_bits % BM_BITS_PER_PAGE));
}

u32 bm_used_pages(const struct bitmap *bm)
{
	return bm_pages_for(bm->n_bits);
}

/* ------------------------------------------------------------------ */
/* Changing bits                                                      */

/*
 * Set or clear [first, last], which must lie inside one page and inside the
 * bitmap.  Returns how many bits changed and flags the page if any did.
 */
static u32 bm_change_in_page(struct bitmap *bm, u64 first, u64 last, bool value, u8 flag)
{
	u32 page = (u32)(first >> PAGE_BIT_SHIFT);
	__le64 *words = bm_page_words(bm, page);
	u32 w = (first >> WORD_SHIFT) & PAGE_WORD_MASK;
	u32 w_last = (last >> WORD_SHIFT) & PAGE_WORD_MASK;
	u64 mask = bm_mask_from(first);
	u32 changed = 0;

	for (; w <= w_last; w++, mask = ~0ULL) {
		u64 old = le64_to_cpu(words[w]);
		u64 delta;

		if (w == w_last)
			mask &= bm_mask_upto(last);
		delta = (value ? ~old : old) & mask;
		if (!delta)
			continue;
		words[w] = cpu_to_le64(old ^ delta);
		changed += bm_popcount(delta);
	}
	if (changed)
		bm->page_flags[page] |= flag;
	return changed;
}

static u64 bm_change_range(struct bitmap *bm, u64 first, u64 last, bool value, u8 flag)
{
	u64 changed = 0;

	if (!bm_clip(bm, first, &last))
		return 0;
	for (;;) {
		u64 page_last = first | (BM_BITS_PER_PAGE - 1);

		if (page_last >= last) {
			changed += bm_change_in_page(bm, first, last, value, flag);
			break;
		}
		changed += bm_change_in_page(bm, first, page_last, value, flag);
		first = page_last + 1;
	}
	if (value)
		bm->bits_set += changed;
	else
		bm->bits_set -= changed;
	return changed;
}

u64 bm_set_range(struct bitmap *bm, u64 first, u64 last)
{
	return bm_change_range(bm, first, last, true, BM_PAGE_NEED);
}

u64 bm_set_range_lazy(struct bitmap *bm, u64 first, u64 last)
{
	return bm_change_range(bm, first, last, true, BM_PAGE_LAZY);
}

u64 bm_clear_range(struct bitmap *bm, u64 first, u64 last)
{
	return bm_change_range(bm, first, last, false, BM_PAGE_LAZY);
}

/* Zero everything between the last bit and the end of its page. */
static void bm_mask_tail(struct bitmap *bm)
{
	u64 words = bm_words_for(bm->n_bits);
	u32 in_page = words & PAGE_WORD_MASK;

	if (!bm->n_bits)
		return;
	*bm_word(bm, words - 1) &= cpu_to_le64(bm_mask_upto(bm->n_bits - 1));
	if (in_page)
		memset(bm_word(bm, words - 1) + 1, 0,
		       (BM_WORDS_PER_PAGE - in_page) * sizeof(__le64));
}

static void bm_fill(struct bitmap *bm, bool value)
{
	u32 used = bm_used_pages(bm);
	u32 i;

	for (i = 0; i < used; i++) {
		memset(bm->pages[i], value ? 0xff : 0, BM_PAGE_BYTES);
		bm->page_flags[i] |= BM_PAGE_NEED;
	}
	bm_mask_tail(bm);
	bm->bits_set = value ? bm->n_bits : 0;
}

void bm_set_all(struct bitmap *bm)
{
	bm_fill(bm, true);
}

void bm_clear_all(struct bitmap *bm)
{
	bm_fill(bm, false);
}

/* ------------------------------------------------------------------ */
/* Size                                                               */

static void bm_clear_pages(struct bitmap *bm, u32 from, u32 to)
{
	u32 i;

	for (i = from; i < to; i++) {
		memset(bm->pages[i], 0, BM_PAGE_BYTES);
		bm->page_flags[i] = 0;
	}
}

void bm_init(struct bitmap *bm, void **pages, u8 *page_flags, u32 n_pages, u64 n_bits)
{
	core_bug_on(n_pages < bm_pages_for(n_bits));
	bm->pages = pages;
	bm->page_flags = page_flags;
	bm->n_pages = n_pages;
	bm->n_bits = n_bits;
	bm->bits_set = 0;
	bm->n_hinted = 0;
	bm->hints_overflow = false;
	bm_clear_pages(bm, 0, n_pages);
}

void bm_resize(struct bitmap *bm, void **pages, u8 *page_flags, u32 n_pages,
	       u64 n_bits, bool new_value)
{
	u64 old_bits = bm->n_bits;
	u32 old_used = bm_used_pages(bm);
	u32 page;

	core_bug_on(n_pages < bm_pages_for(n_bits));
	if (n_bits < old_bits)
		bm->bits_set -= bm_count_range(bm, n_bits, old_bits - 1);

	bm->pages = pages;
	bm->page_flags = page_flags;
	bm->n_pages = n_pages;
	bm->n_bits = n_bits;
	bm_mask_tail(bm);
	if (n_bits <= old_bits) {
		for (page = bm_used_pages(bm); page < min_t(u32, n_pages, old_used); page++)
			page_flags[page] = 0;
		return;
	}

	bm_clear_pages(bm, old_used, bm_used_pages(bm));
	/*
	 * Also when the new bits are 0: what an earlier, larger size left on
	 * disk must not come back at the next attach.
	 */
	for (page = (u32)(old_bits >> PAGE_BIT_SHIFT); page < bm_used_pages(bm); page++)
		page_flags[page] |= BM_PAGE_NEED;
	if (new_value)
		bm_set_range(bm, old_bits, n_bits - 1);
}

/* ------------------------------------------------------------------ */
/* Looking                                                            */

int bm_test(const struct bitmap *bm, u64 bit)
{
	if (bit >= bm->n_bits)
		return -1;
	return (le64_to_cpu(*bm_word(bm, bit >> WORD_SHIFT)) >> (bit % BITS_PER_WORD)) & 1;
}

u64 bm_count_range(const struct bitmap *bm, u64 first, u64 last)
{
	u64 count = 0;
	u64 mask, word, last_word;

	if (!bm_clip(bm, first, &last))
		return 0;
	mask = bm_mask_from(first);
	last_word = last >> WORD_SHIFT;
	for (word = first >> WORD_SHIFT; word <= last_word; word++, mask = ~0ULL) {
		if (word == last_word)
			mask &= bm_mask_upto(last);
		count += bm_popcount(le64_to_cpu(*bm_word(bm, word)) & mask);
	}
	return count;
}

u32 bm_count_extent(const struct bitmap *bm, u64 extent)
{
	if (extent > bm->n_bits / BM_BITS_PER_EXTENT)
		return 0;
	return (u32)bm_count_range(bm, extent * BM_BITS_PER_EXTENT,
				   extent * BM_BITS_PER_EXTENT + BM_BITS_PER_EXTENT - 1);
}

/* First bit of value @value in [from, limit), limit within the bitmap. */
static u64 bm_find(const struct bitmap *bm, u64 from, u64 limit, bool value)
{
	const u64 invert = value ? 0 : ~0ULL;
	u64 mask = bm_mask_from(from);
	u64 word, last_word;

	if (from >= limit)
		return BM_END;
	last_word = (limit - 1) >> WORD_SHIFT;
	for (word = from >> WORD_SHIFT; word <= last_word; word++, mask = ~0ULL) {
		u64 v = (le64_to_cpu(*bm_word(bm, word)) ^ invert) & mask;
		u64 bit;

		if (!v)
			continue;
		bit = (word << WORD_SHIFT) + __builtin_ctzll(v);
		return bit < limit ? bit : BM_END;
	}
	return BM_END;
}

u64 bm_find_next(const struct bitmap *bm, u64 from)
{
	/* A clean bitmap is common: do not walk it. */
	if (!bm->bits_set)
		return BM_END;
	return bm_find(bm, from, bm->n_bits, true);
}

u64 bm_find_next_below(const struct bitmap *bm, u64 from, u64 limit)
{
	return bm_find(bm, from, min_t(u64, limit, bm->n_bits), true);
}

u64 bm_find_next_zero(const struct bitmap *bm, u64 from)
{
	if (bm->bits_set == bm->n_bits)
		return BM_END;
	return bm_find(bm, from, bm->n_bits, false);
}

void bm_recount(struct bitmap *bm)
{
	u32 used = bm_used_pages(bm);
	u32 i;

	bm_mask_tail(bm);
	for (i = 0; i < used; i++)
		bm->page_flags[i] &= ~BM_PAGE_CHANGED;
	bm->bits_set = bm->n_bits ? bm_count_range(bm, 0, bm->n_bits - 1) : 0;
}

/* ------------------------------------------------------------------ */
/* The peer's words                                                   */

u64 bm_merge_le(struct bitmap *bm, u64 word, const void *words, u32 n_words)
{
	u64 end = bm_words_for(bm->n_bits);
	const u8 *from = words;
	u64 changed = 0;

	for (; n_words && word < end; n_words--, word++, from += sizeof(__le64)) {
		__le64 *to = bm_word(bm, word);
		__le64 raw;
		u64 delta;

		memcpy(&raw, from, sizeof(raw));
		delta = le64_to_cpu(raw) & ~le64_to_cpu(*to);
		if (word == end - 1)
			delta &= bm_mask_upto(bm->n_bits - 1);
		if (!delta)
			continue;
		*to |= cpu_to_le64(delta);
		bm->page_flags[word >> PAGE_WORD_SHIFT] |= BM_PAGE_NEED;
		changed += bm_popcount(delta);
	}
	bm->bits_set += changed;
	return changed;
}

void bm_copy_le(const struct bitmap *bm, u64 word, void *words, u32 n_words)
{
	u64 end = bm_words_for(bm->n_bits);
	u8 *to = words;

	while (n_words && word < end) {
		u32 n = BM_WORDS_PER_PAGE - (word & PAGE_WORD_MASK);

		n = min_t(u64, min_t(u32, n, n_words), end - word);
		memcpy(to, bm_word(bm, word), n * sizeof(__le64));
		to += n * sizeof(__le64);
		word += n;
		n_words -= n;
	}
	memset(to, 0, n_words * sizeof(__le64));
}

/* ------------------------------------------------------------------ */
/* Pages and their I/O                                                */

/* Eight flag bytes at a time: a large device has more than 100,000 pages. */
static u32 bm_skip_pages_without(const struct bitmap *bm, u32 from, u32 used, u8 flags)
{
	const u64 any = 0x0101010101010101ULL * flags;

	for (; from < used && used - from >= sizeof(u64); from += sizeof(u64)) {
		u64 eight;

		memcpy(&eight, bm->page_flags + from, sizeof(eight));
		if (eight & any)
			break;
	}
	return from;
}

u32 bm_next_page_with(const struct bitmap *bm, u32 from, u8 flags)
{
	u32 used = bm_used_pages(bm);

	for (from = bm_skip_pages_without(bm, from, used, flags); from < used; from++)
		if (bm->page_flags[from] & flags)
			return from;
	return U32_MAX;
}

static void bm_hint_page(struct bitmap *bm, u32 page)
{
	if (bm->page_flags[page] & BM_PAGE_HINT)
		return;
	bm->page_flags[page] |= BM_PAGE_HINT;
	if (bm->n_hinted < BM_BATCH)
		bm->hinted[bm->n_hinted++] = page;
	else
		bm->hints_overflow = true;
}

void bm_hint_al_extent(struct bitmap *bm, u32 al_extent)
{
	u32 page = al_extent / AL_EXTENTS_PER_PAGE;

	if (page < bm_used_pages(bm))
		bm_hint_page(bm, page);
}

static void bm_batch_add(struct bitmap *bm, struct bm_batch *batch, u32 page)
{
	u32 i = batch->n++;

	batch->page[i] = page;
	batch->flags[i] = bm->page_flags[page] & (BM_PAGE_CHANGED | BM_PAGE_HINT);
	bm->page_flags[page] &= ~(BM_PAGE_CHANGED | BM_PAGE_HINT);
	memcpy(batch->copy[i], bm->pages[page], BM_PAGE_BYTES);
}

static void bm_batch_add_hinted(struct bitmap *bm, struct bm_batch *batch, u32 page)
{
	/* Another writer may have taken it since, which took the hint as well. */
	if (page >= bm_used_pages(bm) || !(bm->page_flags[page] & BM_PAGE_HINT))
		return;
	if (bm->page_flags[page] & BM_PAGE_CHANGED)
		bm_batch_add(bm, batch, page);
	else
		bm->page_flags[page] &= ~BM_PAGE_HINT;
}

/* From the list while it has all of them, else by looking. */
static void bm_batch_fill_hinted(struct bitmap *bm, struct bm_batch *batch)
{
	u32 page = 0;

	while (bm->n_hinted && batch->n < BM_BATCH)
		bm_batch_add_hinted(bm, batch, bm->hinted[--bm->n_hinted]);
	while (bm->hints_overflow && batch->n < BM_BATCH) {
		page = bm_next_page_with(bm, page, BM_PAGE_HINT);
		if (page == U32_MAX)
			bm->hints_overflow = false;
		else
			bm_batch_add_hinted(bm, batch, page);
	}
}

u32 bm_batch_fill(struct bitmap *bm, enum bm_write_what what, u32 *cursor,
		  struct bm_batch *batch)
{
	u32 used = bm_used_pages(bm);

	batch->n = 0;
	if (what == BM_WRITE_HINTED) {
		bm_batch_fill_hinted(bm, batch);
		return batch->n;
	}
	while (batch->n < BM_BATCH) {
		if (what == BM_WRITE_CHANGED)
			*cursor = bm_next_page_with(bm, *cursor, BM_PAGE_CHANGED);
		if (*cursor >= used)
			break;
		bm_batch_add(bm, batch, (*cursor)++);
	}
	return batch->n;
}

void bm_batch_failed(struct bitmap *bm, struct bm_batch *batch)
{
	u32 used = bm_used_pages(bm), i;

	for (i = 0; i < batch->n; i++) {
		if (batch->page[i] >= used)
			continue;
		bm->page_flags[batch->page[i]] |= batch->flags[i] & BM_PAGE_CHANGED;
		if (batch->flags[i] & BM_PAGE_HINT)
			bm_hint_page(bm, batch->page[i]);
	}
	batch->n = 0;
}

/* ------------------------------------------------------------------ */
/* Sectors to bits                                                    */

/* End of the range clipped to the device, false if nothing is left. */
static bool bm_range_end(u64 sector, u64 sectors, u64 capacity, u64 *end)
{
	if (!sectors || sector >= capacity)
		return false;
	*end = sectors < capacity - sector ? sector + sectors : capacity;
	return true;
}

bool bm_range_touched(u64 sector, u32 bytes, u64 capacity, u64 *first, u64 *last)
{
	u64 end;

	/* A part of a sector counts: setting one bit too many is safe. */
	if (!bm_range_end(sector, ((u64)bytes + 511) >> 9, capacity, &end))
		return false;
	*first = sector / BM_SECTORS_PER_BIT;
	*last = (end - 1) / BM_SECTORS_PER_BIT;
	return true;
}

bool bm_range_covered(u64 sector, u32 bytes, u64 capacity, u64 *first, u64 *last)
{
	u64 end, from, to;

	if (!bm_range_end(sector, bytes >> 9, capacity, &end))
		return false;
	from = bm_bits_for_sectors(sector);
	to = end == capacity ? bm_bits_for_sectors(end) : end / BM_SECTORS_PER_BIT;
	if (from >= to)
		return false;
	*first = from;
	*last = to - 1;
	return true;
}
