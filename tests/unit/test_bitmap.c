// SPDX-License-Identifier: GPL-2.0
/* The bitmap against an array of bools, around every word and page boundary. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/bitmap.h"

#define MODEL_MAX 200000u

struct map {
	struct bitmap bm;
	u8 *model;		/* one byte a bit */
};

static u64 rng_state;

static u32 rnd(u32 below)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((rng_state >> 33) % below);
}

static void **pages_alloc(u32 n, int fill)
{
	void **pages = calloc(n ? n : 1, sizeof(*pages));
	u32 i;

	for (i = 0; i < n; i++) {
		pages[i] = aligned_alloc(8, BM_PAGE_BYTES);
		memset(pages[i], fill, BM_PAGE_BYTES);
	}
	return pages;
}

/* Page memory starts as garbage: init has to clear it. */
static void map_new(struct map *m, u64 n_bits)
{
	u32 n = bm_pages_for(n_bits);

	m->model = calloc(1, MODEL_MAX);
	bm_init(&m->bm, pages_alloc(n, 0xa5), malloc(n + 1), n, n_bits);
}

static void map_free(struct map *m)
{
	u32 i;

	for (i = 0; i < m->bm.n_pages; i++)
		free(m->bm.pages[i]);
	free(m->bm.pages);
	free(m->bm.page_flags);
	free(m->model);
}

static u64 model_count(const struct map *m, u64 first, u64 last)
{
	u64 n = 0, i;

	for (i = first; i <= last && i < m->bm.n_bits; i++)
		n += m->model[i];
	return n;
}

static u64 model_change(struct map *m, u64 first, u64 last, u8 value)
{
	u64 n = 0, i;

	for (i = first; i <= last && i < m->bm.n_bits; i++) {
		n += m->model[i] != value;
		m->model[i] = value;
	}
	return n;
}

static u64 model_find(const struct map *m, u64 from, u64 limit, u8 value)
{
	u64 i;

	for (i = from; i < limit && i < m->bm.n_bits; i++)
		if (m->model[i] == value)
			return i;
	return BM_END;
}

/* Every bit, the counter, and nothing but zeros after the end. */
static void map_check(const struct map *m)
{
	u64 in_pages = (u64)bm_used_pages(&m->bm) * BM_BITS_PER_PAGE, i, set = 0;

	for (i = 0; i < in_pages; i++) {
		const u8 *page = m->bm.pages[i / BM_BITS_PER_PAGE];
		u64 in_page = i % BM_BITS_PER_PAGE;
		int bit = page[in_page / 8] >> (in_page % 8) & 1;

		if (bit != (i < m->bm.n_bits ? m->model[i] : 0))
			fail_msg("bit %llu of %llu", (unsigned long long)i,
				 (unsigned long long)m->bm.n_bits);
		set += bit;
	}
	assert_int_equal(m->bm.bits_set, set);
}

static const u64 sizes[] = { 1, 2, 63, 64, 65, 127, 128, 129, 511, 512, 513, 1023, 1024, 1025,
	4095, 4096, 4097, 8191, 8192, 8193, 16383, 16384, 16385, 32703, 32704, 32767, 32768,
	32769, 32832, 65535, 65536, 65537, 98303, 98304, 98305, 131072 };

static void setting_all_leaves_nothing_beyond_the_end(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct map m;

		map_new(&m, sizes[i]);
		map_check(&m);
		bm_set_all(&m.bm);
		model_change(&m, 0, sizes[i] - 1, 1);
		map_check(&m);
		assert_int_equal(m.bm.bits_set, sizes[i]);
		assert_int_equal(bm_find_next_zero(&m.bm, 0), BM_END);
		assert_int_equal(bm_find_next(&m.bm, sizes[i] - 1), sizes[i] - 1);
		assert_int_equal(bm_find_next(&m.bm, sizes[i]), BM_END);
		assert_int_equal(bm_test(&m.bm, sizes[i] - 1), 1);
		assert_int_equal(bm_test(&m.bm, sizes[i]), -1);
		bm_clear_all(&m.bm);
		model_change(&m, 0, sizes[i] - 1, 0);
		map_check(&m);
		assert_int_equal(bm_find_next(&m.bm, 0), BM_END);
		map_free(&m);
	}
}

/* The original loses the last 64 bits when the size is a multiple of 64. */
static void recount_keeps_the_last_word_and_ignores_the_rest_of_the_page(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct map m;
		u32 p;

		map_new(&m, sizes[i]);
		for (p = 0; p < m.bm.n_pages; p++)
			memset(m.bm.pages[p], 0xff, BM_PAGE_BYTES);
		bm_recount(&m.bm);
		model_change(&m, 0, sizes[i] - 1, 1);
		map_check(&m);
		assert_int_equal(m.bm.bits_set, sizes[i]);
		assert_int_equal(bm_next_page_with(&m.bm, 0, BM_PAGE_CHANGED), U32_MAX);
		map_free(&m);
	}
}

/* First and last bit of every range sit next to a power of two. */
static void ranges_around_every_power_of_two_are_exact(void **state)
{
	const u64 n_bits = 70001;
	u64 points[64];
	unsigned int n = 0, a, b, shift;
	struct map m;

	(void)state;
	for (shift = 0; shift < 17; shift++) {
		points[n++] = (1ULL << shift) - 1;
		points[n++] = 1ULL << shift;
		points[n++] = (1ULL << shift) + 1;
	}
	points[n++] = n_bits - 1;
	points[n++] = n_bits + 5;

	map_new(&m, n_bits);
	for (a = 0; a < n; a++) {
		for (b = 0; b < n; b++) {
			u64 f = points[a], l = points[b], inside;

			inside = f > l || f >= n_bits ? 0 : (l < n_bits ? l : n_bits - 1) - f + 1;
			assert_int_equal(bm_set_range(&m.bm, f, l), inside);
			assert_int_equal(m.bm.bits_set, inside);
			assert_int_equal(bm_count_range(&m.bm, 0, n_bits), inside);
			assert_int_equal(bm_count_range(&m.bm, f, l), inside);
			if (inside) {
				assert_int_equal(bm_find_next(&m.bm, 0), f);
				assert_int_equal(bm_find_next_zero(&m.bm, f),
						 f + inside < n_bits ? f + inside : BM_END);
			}
			assert_int_equal(bm_clear_range(&m.bm, f, l), inside);
			assert_int_equal(m.bm.bits_set, 0);
			assert_int_equal(bm_find_next_below(&m.bm, 0, n_bits), BM_END);
		}
	}
	map_free(&m);
}

static void random_changes_agree_with_the_model(void **state)
{
	static const u64 n_bits[] = { 1, 64, 100, 4096, 32768, 40000, 98304 };
	unsigned int i, step;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(n_bits); i++) {
		u32 span = (u32)n_bits[i] + 10;
		struct map m;

		rng_state = 1000 + i;
		map_new(&m, n_bits[i]);
		for (step = 0; step < 400; step++) {
			u64 a = rnd(span), b = a + rnd(rnd(4) ? 70 : span);

			switch (rnd(5)) {
			case 0:
			case 1:
				assert_int_equal(bm_set_range(&m.bm, a, b), model_change(&m, a, b, 1));
				break;
			case 2:
				assert_int_equal(bm_clear_range(&m.bm, a, b), model_change(&m, a, b, 0));
				break;
			case 3:
				assert_int_equal(bm_find_next(&m.bm, a), model_find(&m, a, b + span, 1));
				assert_int_equal(bm_find_next_zero(&m.bm, a),
						 model_find(&m, a, b + span, 0));
				assert_int_equal(bm_find_next_below(&m.bm, a, b),
						 model_find(&m, a, b, 1));
				break;
			default:
				assert_int_equal(bm_count_range(&m.bm, a, b), model_count(&m, a, b));
				assert_int_equal(bm_count_extent(&m.bm, a / 4096),
						 model_count(&m, a / 4096 * 4096, a / 4096 * 4096 + 4095));
			}
		}
		map_check(&m);
		map_free(&m);
	}
}

static void words_merge_and_copy_like_bits(void **state)
{
	unsigned int round;

	(void)state;
	rng_state = 77;
	for (round = 0; round < 60; round++) {
		u64 n_bits = 1 + rnd(70000), word = rnd((u32)bm_words_for(n_bits)), i, added = 0;
		u8 raw[1 + 600 * 8], back[600 * 8];
		u32 words = rnd(600);
		struct map m;

		map_new(&m, n_bits);
		bm_set_range(&m.bm, n_bits / 3, n_bits / 2);
		model_change(&m, n_bits / 3, n_bits / 2, 1);
		for (i = 0; i < sizeof(raw); i++)
			raw[i] = (u8)rnd(256);
		for (i = 0; i < words * 64ULL; i++)
			if (raw[1 + i / 8] >> (i % 8) & 1)
				added += model_change(&m, word * 64 + i, word * 64 + i, 1);
		/* The packet's payload need not be aligned. */
		assert_int_equal(bm_merge_le(&m.bm, word, raw + 1, words), added);
		map_check(&m);

		bm_copy_le(&m.bm, word, back, words);
		for (i = 0; i < words * 64ULL; i++)
			assert_int_equal(back[i / 8] >> (i % 8) & 1,
					 word * 64 + i < n_bits ? m.model[word * 64 + i] : 0);
		map_free(&m);
	}
}

/* Move to new arrays, as the shell does, keeping the shared pages. */
static void map_resize(struct map *m, u64 n_bits, bool value)
{
	u32 n = bm_pages_for(n_bits), old_n = m->bm.n_pages, i;
	void **old = m->bm.pages, **pages = calloc(n + 1, sizeof(*pages));
	u8 *old_flags = m->bm.page_flags, *flags = malloc(n + 1);
	u64 old_bits = m->bm.n_bits;

	memset(flags, 0x5a, n + 1);
	for (i = 0; i < n; i++) {
		pages[i] = i < old_n ? old[i] : aligned_alloc(8, BM_PAGE_BYTES);
		if (i < old_n)
			flags[i] = old_flags[i];
		else
			memset(pages[i], 0xa5, BM_PAGE_BYTES);
	}
	bm_resize(&m->bm, pages, flags, n, n_bits, value);
	for (i = n; i < old_n; i++)
		free(old[i]);
	free(old);
	free(old_flags);
	if (n_bits < old_bits)
		memset(m->model + n_bits, 0, old_bits - n_bits);
	else
		memset(m->model + old_bits, value, n_bits - old_bits);
}

static void resizing_keeps_old_bits_and_fills_new_ones(void **state)
{
	unsigned int i, step;
	struct map m;

	(void)state;
	rng_state = 5;
	map_new(&m, 0);
	map_check(&m);
	for (step = 0; step < 300; step++) {
		u64 n_bits = step % 2 ? sizes[rnd(ARRAY_SIZE(sizes))] : rnd(150000);

		map_resize(&m, n_bits, rnd(2));
		map_check(&m);
		for (i = 0; i < 5 && n_bits; i++) {
			u64 a = rnd((u32)n_bits), b = a + rnd(5000);

			assert_int_equal(bm_set_range(&m.bm, a, b), model_change(&m, a, b, 1));
			a = rnd((u32)n_bits);
			assert_int_equal(bm_clear_range(&m.bm, a, a + 900),
					 model_change(&m, a, a + 900, 0));
		}
	}
	map_free(&m);
}

/* Bits beyond an earlier size are still on disk: their pages must be written. */
static void growth_marks_every_page_with_new_bits(void **state)
{
	struct map m;

	(void)state;
	map_new(&m, 40000);
	map_resize(&m, 100000, false);
	assert_int_equal(m.bm.page_flags[0], 0);
	assert_int_equal(m.bm.page_flags[1], BM_PAGE_NEED);
	assert_int_equal(m.bm.page_flags[2], BM_PAGE_NEED);
	assert_int_equal(m.bm.page_flags[3], BM_PAGE_NEED);
	map_free(&m);
}

static void only_changed_pages_are_flagged(void **state)
{
	struct map m;

	(void)state;
	map_new(&m, 5 * BM_BITS_PER_PAGE);
	assert_int_equal(bm_next_page_with(&m.bm, 0, 0xff), U32_MAX);
	bm_clear_range(&m.bm, 0, 5 * BM_BITS_PER_PAGE);
	assert_int_equal(bm_next_page_with(&m.bm, 0, 0xff), U32_MAX);
	bm_set_range(&m.bm, 2 * BM_BITS_PER_PAGE - 1, 2 * BM_BITS_PER_PAGE);
	assert_int_equal(m.bm.page_flags[1], BM_PAGE_NEED);
	assert_int_equal(m.bm.page_flags[2], BM_PAGE_NEED);
	assert_int_equal(m.bm.page_flags[0] | m.bm.page_flags[3] | m.bm.page_flags[4], 0);
	assert_int_equal(bm_next_page_with(&m.bm, 2, BM_PAGE_CHANGED), 2);
	bm_set_range_lazy(&m.bm, 4 * BM_BITS_PER_PAGE, 4 * BM_BITS_PER_PAGE);
	assert_int_equal(m.bm.page_flags[4], BM_PAGE_LAZY);

	bm_hint_al_extent(&m.bm, 32 + 31);
	assert_int_equal(m.bm.page_flags[1], BM_PAGE_NEED | BM_PAGE_HINT);
	bm_hint_al_extent(&m.bm, 5 * 32);	/* beyond the end: nothing */

	map_free(&m);
}

/* ---- pages on their way to the disk ---- */

static struct bm_batch batch;

static void batch_new(void)
{
	static u8 memory[BM_BATCH][BM_PAGE_BYTES];
	u32 i;

	memset(&batch, 0, sizeof(batch));
	for (i = 0; i < BM_BATCH; i++)
		batch.copy[i] = memory[i];
}

static void what_changes_after_the_copy_is_not_written_but_written_again(void **state)
{
	u32 cursor = 0;
	struct map m;

	(void)state;
	batch_new();
	map_new(&m, 5 * BM_BITS_PER_PAGE);
	bm_set_range(&m.bm, BM_BITS_PER_PAGE, BM_BITS_PER_PAGE + 7);
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_CHANGED, &cursor, &batch), 1);
	assert_int_equal(batch.page[0], 1);
	assert_int_equal(m.bm.page_flags[1], 0);
	bm_clear_range(&m.bm, BM_BITS_PER_PAGE, BM_BITS_PER_PAGE + 7);
	assert_int_equal(*(u8 *)batch.copy[0], 0xff);
	assert_int_equal(m.bm.page_flags[1], BM_PAGE_LAZY);
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_CHANGED, &cursor, &batch), 0);

	bm_batch_failed(&m.bm, &batch);
	cursor = 0;
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_CHANGED, &cursor, &batch), 1);
	assert_int_equal(*(u8 *)batch.copy[0], 0);
	bm_batch_failed(&m.bm, &batch);
	assert_int_equal(m.bm.page_flags[1], BM_PAGE_LAZY);
	map_free(&m);
}

static void only_hinted_pages_go_with_the_log(void **state)
{
	u32 cursor = 0, i, n;
	struct map m;

	(void)state;
	batch_new();
	map_new(&m, 200 * (u64)BM_BITS_PER_PAGE);
	for (i = 0; i < 200; i++)
		bm_set_range(&m.bm, i * (u64)BM_BITS_PER_PAGE, i * (u64)BM_BITS_PER_PAGE);
	bm_hint_al_extent(&m.bm, 7 * 32);
	bm_hint_al_extent(&m.bm, 7 * 32 + 31);
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_HINTED, &cursor, &batch), 1);
	assert_int_equal(batch.page[0], 7);
	bm_batch_failed(&m.bm, &batch);
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_HINTED, &cursor, &batch), 1);
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_HINTED, &cursor, &batch), 0);
	/* Unchanged: there is nothing to write, and no hint is left behind. */
	bm_hint_al_extent(&m.bm, 7 * 32);
	assert_int_equal(bm_batch_fill(&m.bm, BM_WRITE_HINTED, &cursor, &batch), 0);
	assert_int_equal(m.bm.page_flags[7], 0);

	/* More hints than anybody counts on: none is forgotten. */
	for (i = 0; i < 200; i++)
		bm_hint_al_extent(&m.bm, i * 32);
	for (n = 0; bm_batch_fill(&m.bm, BM_WRITE_HINTED, &cursor, &batch); n += batch.n)
		assert_true(batch.n <= BM_BATCH);
	assert_int_equal(n, 199);
	assert_int_equal(bm_next_page_with(&m.bm, 0, 0xff), U32_MAX);
	map_free(&m);
}

/* A transaction must not look at 131,072 pages each time. */
static void hints_are_known_without_looking_for_them(void **state)
{
	const u32 n = 1 << 17;
	void *shared = calloc(1, BM_PAGE_BYTES);
	void **pages = malloc(n * sizeof(*pages));
	u8 *flags = calloc(1, n);
	struct bitmap bm = { .pages = pages, .n_pages = n, .n_bits = (u64)n * BM_BITS_PER_PAGE };
	u32 cursor = 0, i;

	(void)state;
	batch_new();
	for (i = 0; i < n; i++)
		pages[i] = shared;
	bm.page_flags = flags;
	flags[n / 2] = BM_PAGE_NEED;
	bm_hint_al_extent(&bm, n / 2 * 32);
	/* Whoever looks for hints finds these, which nobody gave. */
	for (i = 0; i < n; i++)
		if (i != n / 2)
			flags[i] = BM_PAGE_NEED | BM_PAGE_HINT;
	assert_int_equal(bm_batch_fill(&bm, BM_WRITE_HINTED, &cursor, &batch), 1);
	assert_int_equal(batch.page[0], n / 2);
	free(pages);
	free(flags);
	free(shared);
}

static void set_takes_touched_bits_and_clear_only_covered_ones(void **state)
{
	const u64 caps[] = { 1, 7, 8, 9, 64, 100, 101, 103, 104 };
	unsigned int c;
	u64 s, f, l;
	u32 n;

	(void)state;
	for (c = 0; c < ARRAY_SIZE(caps); c++) {
		u64 cap = caps[c];

		for (s = 0; s < cap + 3; s++) {
			for (n = 0; n < 40; n++) {
				u64 end = s + n < cap ? s + n : cap, bit;
				u64 touched = 0, covered = 0, tf = 0, cf = 0;

				for (bit = 0; bit * 8 < cap; bit++) {
					u64 b0 = bit * 8, b1 = b0 + 8 < cap ? b0 + 8 : cap;

					if (n && s < b1 && end > b0) {
						if (!touched++)
							tf = bit;
					}
					if (n && s <= b0 && end >= b1) {
						if (!covered++)
							cf = bit;
					}
				}
				assert_int_equal(bm_range_touched(s, n << 9, cap, &f, &l), !!touched);
				if (touched) {
					assert_int_equal(f, tf);
					assert_int_equal(l, tf + touched - 1);
				}
				assert_int_equal(bm_range_covered(s, n << 9, cap, &f, &l), !!covered);
				if (covered) {
					assert_int_equal(f, cf);
					assert_int_equal(l, cf + covered - 1);
				}
			}
		}
	}
}

/* One page of memory stands for all: 2^33 bits, only the last page is touched. */
static void more_bits_than_32_bit_numbers_are_told_apart(void **state)
{
	const u64 n_bits = (1ULL << 33) - 3;
	u32 n = bm_pages_for(n_bits), i;
	void *shared = calloc(1, BM_PAGE_BYTES), *last = calloc(1, BM_PAGE_BYTES);
	void **pages = malloc(n * sizeof(*pages));
	u8 *flags = calloc(1, n);
	struct bitmap bm;
	u64 f, l;

	(void)state;
	assert_int_equal(n, 1 << 18);
	for (i = 0; i < n; i++)
		pages[i] = shared;
	pages[n - 1] = last;
	bm = (struct bitmap){ .pages = pages, .page_flags = flags, .n_pages = n, .n_bits = n_bits };

	assert_int_equal(bm_set_range(&bm, n_bits - 5, n_bits - 2), 4);
	assert_int_equal(bm_find_next(&bm, n_bits - 40000), n_bits - 5);
	assert_int_equal(bm_find_next_zero(&bm, n_bits - 5), n_bits - 1);
	assert_int_equal(bm_test(&bm, n_bits - 5), 1);
	assert_int_equal(bm_test(&bm, (n_bits - 5) & U32_MAX), 0);
	assert_int_equal(bm_count_extent(&bm, (n_bits - 5) / 4096), 4);
	assert_int_equal(bm_next_page_with(&bm, 0, BM_PAGE_NEED), n - 1);
	assert_true(bm_range_touched((n_bits - 5) * 8, 4096, n_bits * 8, &f, &l));
	assert_int_equal(f, n_bits - 5);
	free(pages);
	free(flags);
	free(shared);
	free(last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(setting_all_leaves_nothing_beyond_the_end),
		cmocka_unit_test(recount_keeps_the_last_word_and_ignores_the_rest_of_the_page),
		cmocka_unit_test(ranges_around_every_power_of_two_are_exact),
		cmocka_unit_test(random_changes_agree_with_the_model),
		cmocka_unit_test(words_merge_and_copy_like_bits),
		cmocka_unit_test(resizing_keeps_old_bits_and_fills_new_ones),
		cmocka_unit_test(growth_marks_every_page_with_new_bits),
		cmocka_unit_test(only_changed_pages_are_flagged),
		cmocka_unit_test(what_changes_after_the_copy_is_not_written_but_written_again),
		cmocka_unit_test(only_hinted_pages_go_with_the_log),
		cmocka_unit_test(hints_are_known_without_looking_for_them),
		cmocka_unit_test(set_takes_touched_bits_and_clear_only_covered_ones),
		cmocka_unit_test(more_bits_than_32_bit_numbers_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
