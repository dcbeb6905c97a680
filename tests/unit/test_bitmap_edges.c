// SPDX-License-Identifier: GPL-2.0
/* Bitmaps whose size, and ranges whose ends, lie around every power of two: alone and over the wire. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "core/vli.h"

#define POWERS 18
#define POISON 0xa5

/* Behind the last page lies another one that is none of it. */
static void map_new(struct bitmap *bm, u64 n_bits)
{
	u32 n = bm_pages_for(n_bits), i;
	void **pages = calloc(n + 1, sizeof(*pages));

	for (i = 0; i <= n; i++)
		pages[i] = aligned_alloc(8, BM_PAGE_BYTES);
	bm_init(bm, pages, malloc(n + 1), n, n_bits);
	memset(pages[n], POISON, BM_PAGE_BYTES);
}

static void map_free(struct bitmap *bm)
{
	u32 n = bm->n_pages, i;

	for (i = 0; i < BM_PAGE_BYTES; i++)
		assert_int_equal(((u8 *)bm->pages[n])[i], POISON);
	for (i = 0; i <= n; i++)
		free(bm->pages[i]);
	free(bm->pages);
	free(bm->page_flags);
}

/* 1, 2, 3, 4, 5, 7, 8, 9, ... 2^17 + 1: around each power, ascending, each once. */
static u32 around_powers(u64 *out, u64 limit)
{
	u32 n = 0, k;
	int d;

	for (k = 0; k < POWERS; k++)
		for (d = -1; d <= 1; d++) {
			u64 v = (1ULL << k) + d;

			if (v && v <= limit && (!n || v > out[n - 1]))
				out[n++] = v;
		}
	return n;
}

/* Bits worth looking at in a map of that size: around the powers, and at its end. */
static u32 edge_bits(u64 *out, u64 n_bits)
{
	u32 n = 0, have = around_powers(out + 1, n_bits - 1);
	u64 back;

	out[0] = 0;
	n = have + 1;
	for (back = 3; back >= 1; back--)
		if (n_bits >= back && n_bits - back > out[n - 1])
			out[n++] = n_bits - back;
	return n;
}

static void check_range(struct bitmap *bm, u64 first, u64 last)
{
	u64 n_bits = bm->n_bits, end = last < n_bits ? last : n_bits - 1, in = end - first + 1;

	assert_int_equal(bm_set_range(bm, first, last), in);
	assert_int_equal(bm->bits_set, in);
	assert_int_equal(bm_set_range(bm, first, last), 0);
	assert_int_equal(bm_count_range(bm, 0, n_bits + 99), in);
	assert_int_equal(bm_find_next(bm, 0), first);
	assert_int_equal(bm_find_next(bm, end), end);
	assert_int_equal(bm_find_next(bm, end + 1), BM_END);
	assert_int_equal(bm_find_next_zero(bm, first), end + 1 < n_bits ? end + 1 : BM_END);
	assert_int_equal(bm_find_next_below(bm, 0, first), BM_END);
	assert_int_equal(bm_find_next_below(bm, 0, first + 1), first);
	assert_int_equal(bm_test(bm, first), 1);
	assert_int_equal(bm_test(bm, end), 1);
	assert_int_equal(bm_test(bm, end + 1), end + 1 < n_bits ? 0 : -1);
	assert_int_equal(bm_clear_range(bm, first, last), in);
	assert_int_equal(bm->bits_set, 0);
}

static void set_clear_count_and_find_are_exact_at_every_edge(void **state)
{
	u64 sizes[3 * POWERS], bits[3 * POWERS + 5];
	u32 n_sizes = around_powers(sizes, U64_MAX), s, n, a, b;
	unsigned long cases = 0;

	(void)state;
	for (s = 0; s < n_sizes; s++) {
		struct bitmap bm;

		map_new(&bm, sizes[s]);
		n = edge_bits(bits, sizes[s]);
		for (a = 0; a < n; a++)
			for (b = a; b < n; b++, cases++)
				check_range(&bm, bits[a], bits[b]);
		for (a = 0; a < n; a++, cases++)
			check_range(&bm, bits[a], sizes[s] + 70);
		map_free(&bm);
	}
	printf("         ranges: %lu cases over %u sizes, complete\n", cases, n_sizes);
}

/* Words of the peer at any place: its bits arrive, its bits beyond the end do not. */
static void merged_and_copied_words_end_with_the_bitmap(void **state)
{
	u64 sizes[3 * POWERS], back[4];
	u32 n_sizes = around_powers(sizes, U64_MAX), s, i;
	u64 ones[4] = { U64_MAX, U64_MAX, U64_MAX, U64_MAX }, word;
	unsigned long cases = 0;

	(void)state;
	for (s = 0; s < n_sizes; s++) {
		u64 words = bm_words_for(sizes[s]);
		struct bitmap bm;

		map_new(&bm, sizes[s]);
		for (word = words > 3 ? words - 3 : 0; word < words + 2; word++, cases++) {
			u64 want = word * 64 >= sizes[s] ? 0 : min((u64)256, sizes[s] - word * 64);

			assert_int_equal(bm_merge_le(&bm, word, ones, 4), want);
			assert_int_equal(bm_merge_le(&bm, word, ones, 4), 0);
			assert_int_equal(bm.bits_set, want);
			assert_int_equal(bm_count_range(&bm, 0, sizes[s]), want);
			memset(back, 0x77, sizeof(back));
			bm_copy_le(&bm, word, back, 4);
			for (i = 0; i < 256; i++)
				assert_int_equal(((u8 *)back)[i / 8] >> i % 8 & 1, i < want);
			bm_clear_range(&bm, 0, sizes[s]);
		}
		map_free(&bm);
	}
	printf("         words: %lu cases over %u sizes, complete\n", cases, n_sizes);
}

static void transfer(const struct bitmap *from, struct bitmap *to, bool rle, u32 room)
{
	struct bm_transfer out, in;
	enum bm_send_result made;
	int result = BM_RECV_MORE;
	u8 *buf = malloc(room + 1);
	unsigned int len;

	buf[room] = POISON;
	bm_transfer_init(&out, from->n_bits);
	bm_transfer_init(&in, to->n_bits);
	while ((made = bm_send_fill(from, &out, rle, buf, room, &len)) != BM_SEND_DONE) {
		assert_true(made == BM_SEND_PLAIN || made == BM_SEND_COMPRESSED);
		assert_true(len <= room);
		assert_int_equal(buf[room], POISON);
		assert_int_equal(result, BM_RECV_MORE);
		result = bm_recv_packet(to, &in, made == BM_SEND_COMPRESSED, buf, len, room);
	}
	assert_int_equal(result, BM_RECV_DONE);
	free(buf);
}

/* One run of ones between two of zeroes, or the other way round. */
static void run_arrives(struct bitmap *from, struct bitmap *to, u64 first, u64 last, bool ones)
{
	static const u32 rooms[] = { 4080, 4088, 16, 64 };
	u64 n_bits = from->n_bits, p;
	u32 i, mode;

	if (!ones) {
		bm_set_range(from, 0, n_bits - 1);
		bm_clear_range(from, first, last);
	} else {
		bm_set_range(from, first, last);
	}
	for (mode = 0; mode < 2 * (n_bits > 5000 ? 1 : ARRAY_SIZE(rooms)); mode++) {
		transfer(from, to, !(mode & 1), rooms[mode / 2]);
		assert_int_equal(to->bits_set, from->bits_set);
		for (p = 0, i = 0; p < n_bits; p += BM_BITS_PER_PAGE, i++)
			assert_memory_equal(from->pages[i], to->pages[i], BM_PAGE_BYTES);
		bm_clear_range(to, 0, n_bits - 1);
	}
	bm_clear_range(from, 0, n_bits - 1);
}

static void runs_of_every_length_arrive_as_they_were(void **state)
{
	u64 sizes[3 * POWERS], bits[3 * POWERS + 5];
	u32 n_sizes = around_powers(sizes, U64_MAX), s, n, a, b;
	unsigned long cases = 0;

	(void)state;
	for (s = 0; s < n_sizes; s++) {
		/* All pairs of edges where that is cheap, else each edge with the two ends. */
		bool all = sizes[s] <= 4097;
		struct bitmap from, to;

		map_new(&from, sizes[s]);
		map_new(&to, sizes[s]);
		n = edge_bits(bits, sizes[s]);
		for (a = 0; a < n; a++)
			for (b = a; b < n; b++) {
				if (!all && a && b != n - 1 && b != a)
					continue;
				run_arrives(&from, &to, bits[a], bits[b], true);
				run_arrives(&from, &to, bits[a], bits[b], false);
				cases += 2;
			}
		map_free(&from);
		map_free(&to);
	}
	printf("         transfers: %lu bitmaps over %u sizes, plain and run length coded\n", cases, n_sizes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_clear_count_and_find_are_exact_at_every_edge),
		cmocka_unit_test(merged_and_copied_words_end_with_the_bitmap),
		cmocka_unit_test(runs_of_every_length_arrive_as_they_were),
	};

	return cmocka_run_group_tests_name("bitmap edges", tests, NULL, NULL);
}
