// SPDX-License-Identifier: GPL-2.0
/* Bitmap packets: worked examples, round trips, and bytes that mean harm. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/vli.h"

#define ROOM100 4080u
#define ROOM80  4088u

static u64 rng_state;

static u32 rnd(u32 below)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((rng_state >> 33) % below);
}

static void bm_new(struct bitmap *bm, u64 n_bits)
{
	u32 n = bm_pages_for(n_bits), i;
	void **pages = calloc(n + 1, sizeof(*pages));

	for (i = 0; i < n; i++)
		pages[i] = aligned_alloc(8, BM_PAGE_BYTES);
	bm_init(bm, pages, malloc(n + 1), n, n_bits);
}

static void bm_free(struct bitmap *bm)
{
	u32 i;

	for (i = 0; i < bm->n_pages; i++)
		free(bm->pages[i]);
	free(bm->pages);
	free(bm->page_flags);
}

static void bm_same(const struct bitmap *a, const struct bitmap *b)
{
	u32 i;

	assert_int_equal(a->n_bits, b->n_bits);
	assert_int_equal(a->bits_set, b->bits_set);
	for (i = 0; i < a->n_pages; i++)
		assert_memory_equal(a->pages[i], b->pages[i], BM_PAGE_BYTES);
}

/* Runs alternate, beginning with @value. */
static void bm_fill_runs(struct bitmap *bm, bool value, const u64 *runs, unsigned int n)
{
	u64 bit = 0;
	unsigned int i;

	for (i = 0; i < n; i++, value = !value) {
		if (value)
			bm_set_range(bm, bit, bit + runs[i] - 1);
		bit += runs[i];
	}
	assert_int_equal(bit, bm->n_bits);
}

static void expect_payload(bool value, const u64 *runs, unsigned int n,
			   const u8 *payload, unsigned int len)
{
	struct bitmap bm, got;
	struct bm_transfer out, in;
	u8 buf[ROOM100];
	unsigned int made, i;
	u64 n_bits = 0;

	for (i = 0; i < n; i++)
		n_bits += runs[i];
	bm_new(&bm, n_bits);
	bm_new(&got, n_bits);
	bm_fill_runs(&bm, value, runs, n);

	bm_transfer_init(&out, n_bits);
	assert_int_equal(bm_send_fill(&bm, &out, true, buf, ROOM100, &made), BM_SEND_COMPRESSED);
	assert_int_equal(made, len);
	assert_memory_equal(buf, payload, len);
	/* Ends with a compressed packet: no terminator. */
	assert_int_equal(bm_send_fill(&bm, &out, true, buf, ROOM100, &made), BM_SEND_DONE);

	bm_transfer_init(&in, n_bits);
	assert_int_equal(bm_recv_packet(&got, &in, true, payload, len, ROOM100), BM_RECV_DONE);
	bm_same(&bm, &got);
	bm_free(&bm);
	bm_free(&got);
}

static void worked_examples_come_out_byte_for_byte(void **state)
{
	static const u64 seven[] = { 1, 9, 2, 20, 64, 1183, 1 };
	static const u8 seven_is[] = { 0xe2, 0x1c, 0x7c, 0xe3, 0x7b, 0xf8, 0x71, 0x1b, 0x00 };
	static const u64 ones[] = { 1280 };
	static const u8 ones_is[] = { 0xb2, 0x3f, 0xcf, 0x03 };
	static const u64 zeros[] = { 44148 };
	static const u8 zeros_is[] = { 0x32, 0x7f, 0x43, 0x8b, 0x00 };

	(void)state;
	expect_payload(true, seven, 7, seven_is, sizeof(seven_is));
	expect_payload(true, ones, 1, ones_is, sizeof(ones_is));
	expect_payload(false, zeros, 1, zeros_is, sizeof(zeros_is));
}

/* Too large for memory: 2105649 zeros then 17181974833 ones, decoded only. */
static void the_longest_levels_decode(void **state)
{
	static const u8 payload[] = { 0x62, 0xbf, 0, 0, 0, 0, 0xfc, 0x03, 0, 0, 0, 0, 0, 0, 0 };
	struct bm_transfer t;

	(void)state;
	bm_transfer_init(&t, 2105649 + 17181974833ULL);
	assert_int_equal(bm_recv_packet(NULL, &t, true, payload, sizeof(payload), ROOM100),
			 BM_RECV_DONE);
	bm_transfer_init(&t, 2105649 + 17181974833ULL - 1);
	assert_int_equal(bm_recv_packet(NULL, &t, true, payload, sizeof(payload), ROOM100),
			 BM_RECV_ERR_RANGE);
}

static void code_words_are_those_of_the_table(void **state)
{
	static const struct { u64 from, to; unsigned int bits; u64 prefix, shift; } levels[] = {
		{ 1, 2, 2, 0, 1 }, { 3, 4, 3, 1, 2 }, { 5, 8, 5, 3, 3 }, { 9, 16, 7, 7, 4 },
		{ 17, 48, 10, 0xf, 5 }, { 49, 304, 14, 0x1f, 6 }, { 305, 8496, 21, 0x3f, 8 },
		{ 8497, 2105648, 29, 0x7f, 8 }, { 2105649, 17181974832ULL, 42, 0xbf, 8 },
		{ 17181974833ULL, VLI_MAX_RUN, 64, 0xff, 8 },
	};
	unsigned int i, k;
	u64 code, run;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		const u64 runs[] = { levels[i].from, levels[i].from + 1, levels[i].to - 1,
				     levels[i].to };

		for (k = 0; k < ARRAY_SIZE(runs); k++) {
			u64 r = runs[k];

			if (r < levels[i].from || r > levels[i].to)
				continue;
			assert_int_equal(vli_encode(r, &code), levels[i].bits);
			assert_true(code == ((r - levels[i].from) << levels[i].shift | levels[i].prefix));
			assert_int_equal(vli_decode(code, 64, &run), levels[i].bits);
			assert_true(run == r);
			assert_int_equal(vli_decode(code, levels[i].bits - 1, &run), 0);
		}
	}
	assert_int_equal(vli_encode(0, &code), 0);
	assert_int_equal(vli_encode(VLI_MAX_RUN + 1, &code), 0);
}

/* Patterns: 0 empty, 1 full, 2 checkerboard, 3 dense noise, 4 sparse, 5 mixed zones. */
static void bm_pattern(struct bitmap *bm, unsigned int pattern)
{
	u64 bit, next;

	if (pattern == 1)
		bm_set_all(bm);
	if (pattern < 2)
		return;
	for (bit = 0; bit < bm->n_bits; bit = next) {
		unsigned int p = pattern == 5 ? 2 + (unsigned int)(bit / 20000 % 3) : pattern;

		next = bit + (p == 2 ? 2 : p == 3 ? 1 + rnd(3) : 1 + rnd(3000));
		bm_set_range(bm, bit, p == 4 ? bit + rnd(500) : bit);
	}
}

struct counts {
	unsigned int plain, coded, terminators;
};

static void transfer(const struct bitmap *from, struct bitmap *to, bool rle, unsigned int room,
		     struct counts *n)
{
	struct bm_transfer out, in;
	u8 *buf = malloc(room);		/* exact, so that an overrun is caught */
	enum bm_send_result made;
	int result = BM_RECV_MORE;
	unsigned int len;

	memset(n, 0, sizeof(*n));
	bm_transfer_init(&out, from->n_bits);
	bm_transfer_init(&in, to->n_bits);
	while ((made = bm_send_fill(from, &out, rle, buf, room, &len)) != BM_SEND_DONE) {
		bool coded = made == BM_SEND_COMPRESSED;

		assert_true(coded || made == BM_SEND_PLAIN);
		assert_true(len <= room);
		assert_int_equal(result, BM_RECV_MORE);
		result = bm_recv_packet(to, &in, coded, buf, len, room);
		assert_true(result >= 0);
		n->coded += coded;
		n->plain += !coded && len;
		n->terminators += !coded && !len;
	}
	assert_int_equal(result, BM_RECV_DONE);
	assert_int_equal(out.bytes[0], in.bytes[0]);
	assert_int_equal(out.packets[1], in.packets[1]);
	free(buf);
}

static void any_bitmap_arrives_as_it_was(void **state)
{
	static const u64 sizes[] = { 1, 2, 63, 64, 65, 1280, 4095, 32640, 32641, 32704, 32768,
				     65281, 76788, 131072, 200003 };
	unsigned int i, pattern, mode;

	(void)state;
	rng_state = 42;
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (pattern = 0; pattern < 6; pattern++) {
			for (mode = 0; mode < 4; mode++) {
				struct bitmap a, b;
				struct counts n;

				bm_new(&a, sizes[i]);
				bm_new(&b, sizes[i]);
				bm_pattern(&a, pattern);
				transfer(&a, &b, mode & 1, mode & 2 ? ROOM80 : ROOM100, &n);
				bm_same(&a, &b);
				if (!(mode & 1)) {
					u32 per = mode & 2 ? ROOM80 * 8 : ROOM100 * 8;

					assert_int_equal(n.coded, 0);
					assert_int_equal(n.plain, (sizes[i] + per - 1) / per);
					assert_int_equal(n.terminators, 1);
				}
				bm_free(&a);
				bm_free(&b);
			}
		}
	}
}

static void noise_goes_plain_and_a_quiet_map_in_one_packet(void **state)
{
	struct bitmap a, b;
	struct counts n;

	(void)state;
	bm_new(&a, 200000);
	bm_new(&b, 200000);
	transfer(&a, &b, true, ROOM100, &n);
	assert_int_equal(n.coded, 1);
	assert_int_equal(n.plain + n.terminators, 0);

	bm_pattern(&a, 2);
	transfer(&a, &b, true, ROOM100, &n);
	bm_same(&a, &b);
	assert_true(n.plain >= 6);
	bm_free(&a);
	bm_free(&b);
}

/* Received bits are added; the receiver's own ones stay. */
static void receiving_makes_the_union(void **state)
{
	unsigned int rle;

	(void)state;
	for (rle = 0; rle < 2; rle++) {
		struct bitmap a, b;
		struct counts n;

		bm_new(&a, 50000);
		bm_new(&b, 50000);
		bm_set_range(&a, 100, 4000);
		bm_set_range(&b, 3000, 40000);
		transfer(&a, &b, rle, ROOM100, &n);
		assert_int_equal(b.bits_set, 39901);
		assert_int_equal(bm_find_next(&b, 0), 100);
		bm_free(&a);
		bm_free(&b);
	}
}

/* Genuine sequence: a full plain packet, then one run to the end (76788 bits). */
static void plain_then_compressed_ends_without_terminator(void **state)
{
	static const u8 zeros[] = { 0x32, 0x7f, 0x43, 0x8b, 0x00 };
	struct bm_transfer t;
	u8 plain[ROOM100];
	struct bitmap bm;

	(void)state;
	memset(plain, 0x55, sizeof(plain));
	bm_new(&bm, 32640 + 44148);
	bm_transfer_init(&t, bm.n_bits);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, ROOM100, ROOM100), BM_RECV_MORE);
	assert_int_equal(bm_recv_packet(&bm, &t, true, zeros, sizeof(zeros), ROOM100),
			 BM_RECV_DONE);
	assert_int_equal(bm.bits_set, 16320);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 0, ROOM100), BM_RECV_ERR_STATE);
	bm_free(&bm);
}

/* A run that ends inside a word: the plain packet repeats that word. */
static void plain_after_compressed_restarts_at_the_word(void **state)
{
	/* 70 ones: (70-49)<<6|0x1f = 0x55f, 14 bits, pad 2 */
	static const u8 run[] = { 0x80 | 2 << 4 | 2, 0x5f, 0x05 };
	struct bm_transfer t;
	struct bitmap bm;
	u8 words[16];

	(void)state;
	memset(words, 0, sizeof(words));
	words[1] = 0x80;		/* bit 15 of word 1 = bit 79 */
	bm_new(&bm, 192);
	bm_transfer_init(&t, 192);
	assert_int_equal(bm_recv_packet(&bm, &t, true, run, sizeof(run), ROOM100), BM_RECV_MORE);
	assert_int_equal(t.bit, 70);
	assert_int_equal(bm_recv_packet(&bm, &t, false, words, 8, ROOM100), BM_RECV_ERR_LENGTH);
	assert_int_equal(bm_recv_packet(&bm, &t, false, words, 16, ROOM100), BM_RECV_MORE);
	assert_int_equal(bm.bits_set, 71);
	assert_int_equal(bm_test(&bm, 79), 1);
	assert_int_equal(bm_recv_packet(&bm, &t, false, words, 0, ROOM100), BM_RECV_DONE);
	bm_free(&bm);
}

static void malformed_packets_are_refused(void **state)
{
	static const u8 wrong_code[] = { 0x81, 0x00 };
	static const u8 partial[] = { 0x82, 0x3f };		/* level 6 needs 21 bits */
	static const u8 overrun[] = { 0xb2, 0x3f, 0xcf, 0x03 };	/* 1280 ones */
	static const u8 zero_overrun[] = { 0x32, 0x3f, 0xcf, 0x03 };
	static const u8 good[] = { 0x82, 0x00 };
	u8 plain[ROOM80 + 8] = { 0 };
	struct bm_transfer t;
	struct bitmap bm;

	(void)state;
	bm_new(&bm, 1000);
	bm_transfer_init(&t, 1000);
	assert_int_equal(bm_recv_packet(&bm, &t, true, wrong_code, 2, ROOM100), BM_RECV_ERR_CODE);
	assert_int_equal(bm_recv_packet(&bm, &t, true, partial, 2, ROOM100), BM_RECV_ERR_CODE);
	assert_int_equal(bm_recv_packet(&bm, &t, true, good, 1, ROOM100), BM_RECV_ERR_LENGTH);
	assert_int_equal(bm_recv_packet(&bm, &t, true, overrun, 4, ROOM100), BM_RECV_ERR_RANGE);
	assert_int_equal(bm_recv_packet(&bm, &t, true, zero_overrun, 4, ROOM100),
			 BM_RECV_ERR_RANGE);
	assert_int_equal(bm.bits_set, 0);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 120, ROOM100), BM_RECV_ERR_LENGTH);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 0, ROOM100), BM_RECV_ERR_LENGTH);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 128, ROOM100), BM_RECV_MORE);
	/* All words came: nothing but the terminator may follow. */
	assert_int_equal(bm_recv_packet(&bm, &t, true, good, 2, ROOM100), BM_RECV_ERR_RANGE);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 8, ROOM100), BM_RECV_ERR_LENGTH);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 0, ROOM100), BM_RECV_DONE);

	bm_transfer_init(&t, 2000);
	assert_int_equal(bm_recv_packet(&bm, &t, false, plain, 256, ROOM100), BM_RECV_ERR_STATE);
	bm_free(&bm);
}

static void random_bytes_never_leave_the_bitmap(void **state)
{
	unsigned int round, accepted = 0;

	(void)state;
	rng_state = 99;
	for (round = 0; round < 20000; round++) {
		unsigned int len = round % 16 ? rnd(40) : rnd(ROOM100 + 1), i;
		u8 *buf = malloc(len ? len : 1);
		u64 n_bits = 1 + rnd(round % 3 ? 3000 : 90000);
		struct bm_transfer t;
		struct bitmap bm;
		int result;

		/* Short runs, noise, or the longest code words. */
		for (i = 0; i < len; i++)
			buf[i] = (u8)(round % 3 == 0 ? rnd(256) & 0x5b :
				      round % 3 == 1 || rnd(3) ? rnd(256) : 0xff);
		if (len && rnd(8))
			buf[0] = (buf[0] & 0xf0) | 2;
		bm_new(&bm, n_bits);
		bm_transfer_init(&t, n_bits);
		result = bm_recv_packet(&bm, &t, rnd(8), buf, len, ROOM100);
		assert_in_range(result + 4, 0, 5);
		assert_true(t.bit <= (bm_words_for(n_bits) << 6));
		assert_true(bm.bits_set <= n_bits);
		assert_int_equal(bm.bits_set, bm_count_range(&bm, 0, n_bits - 1));
		accepted += result >= 0;
		bm_free(&bm);
		free(buf);
	}
	/* The generator is no good if nothing gets through. */
	assert_true(accepted > 500);
}

static void an_empty_volume_still_ends_its_transfer(void **state)
{
	struct bitmap bm;
	struct counts n;

	(void)state;
	bm_new(&bm, 0);
	transfer(&bm, &bm, true, ROOM100, &n);
	assert_int_equal(n.terminators, 1);
	bm_free(&bm);
}

static void a_resize_during_the_transfer_is_noticed(void **state)
{
	struct bm_transfer t;
	struct bitmap bm;
	unsigned int len;
	u8 buf[ROOM100];

	(void)state;
	bm_new(&bm, 640);
	bm_transfer_init(&t, 640);
	bm_resize(&bm, bm.pages, bm.page_flags, bm.n_pages, 1280, true);
	assert_int_equal(bm_send_fill(&bm, &t, true, buf, ROOM100, &len), BM_SEND_RESIZED);
	bm_free(&bm);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(worked_examples_come_out_byte_for_byte),
		cmocka_unit_test(the_longest_levels_decode),
		cmocka_unit_test(code_words_are_those_of_the_table),
		cmocka_unit_test(any_bitmap_arrives_as_it_was),
		cmocka_unit_test(noise_goes_plain_and_a_quiet_map_in_one_packet),
		cmocka_unit_test(receiving_makes_the_union),
		cmocka_unit_test(plain_then_compressed_ends_without_terminator),
		cmocka_unit_test(plain_after_compressed_restarts_at_the_word),
		cmocka_unit_test(malformed_packets_are_refused),
		cmocka_unit_test(random_bytes_never_leave_the_bitmap),
		cmocka_unit_test(an_empty_volume_still_ends_its_transfer),
		cmocka_unit_test(a_resize_during_the_transfer_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
