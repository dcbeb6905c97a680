// SPDX-License-Identifier: GPL-2.0
/* The activity log's ring: every position, over its end and that of its numbers, each block torn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>
#include "core/actlog_block.h"
#include "core/md.h"

#define BLOCKS_MAX 40
#define SLOTS 1000u	/* the context needs two blocks */

static u8 ring[BLOCKS_MAX][AL_BLOCK_BYTES];
static u32 active[SLOTS], before[SLOTS], slots[AL_SLOTS_MAX], cycle, next_extent;

static u32 place(u32 stripes, u32 size, u32 tr)
{
	return (u32)(al_ring_sector(0, stripes, size, tr) / MD_BLOCK_SECTORS);
}

/* One transaction with n updates, as metadata.md 3.4 says. */
static void log_one(u32 stripes, u32 size, u32 tr, u32 n)
{
	u8 *block = ring[place(stripes, size, tr)];
	u32 i;

	memcpy(before, active, sizeof(before));
	al_block_begin(block, tr, SLOTS, (u16)cycle);
	for (i = 0; i < al_context_count(SLOTS, cycle); i++)
		al_block_set_context(block, i, active[cycle + i]);
	for (i = 0; i < n; i++) {
		u32 slot = (next_extent * 7) % SLOTS;

		active[slot] = next_extent++;
		assert_true(al_block_add_update(block, (u16)slot, active[slot]));
	}
	al_block_finish(block);
	cycle = al_context_next(SLOTS, cycle);
}

/* The ring is read in the order of its transactions' places, as the writer went. */
static enum al_scan_result replay(u32 stripes, u32 size, struct al_scan *scan)
{
	u32 blocks = stripes * size, i, b;
	enum al_scan_result result;

	al_scan_begin(scan, blocks);
	for (b = 0; b < blocks; b++)
		al_scan_block(scan, b, ring[al_ring_position(stripes, size, b)]);
	result = al_scan_finish(scan);
	al_replay_begin(slots);
	for (i = 0; result == AL_SCAN_UPDATES && i < al_scan_replay_count(scan); i++) {
		b = al_scan_replay_block(scan, i);
		assert_true(b < blocks);
		al_replay_block(slots, b, ring[al_ring_position(stripes, size, b)], NULL, NULL);
	}
	return result;
}

static void ring_begin(u32 stripes, u32 size)
{
	u32 b;

	memset(active, 0xff, sizeof(active));
	cycle = 0;
	next_extent = 1;
	for (b = 0; b < stripes * size; b++)
		al_block_initialized(ring[b]);
}

static unsigned long cases;

/* From transaction number `tr` on, three times around. */
static void walk(u32 stripes, u32 size, u32 tr)
{
	u32 blocks = stripes * size, step, last = 0;

	ring_begin(stripes, size);
	for (step = 0; step < 3 * blocks; step++) {
		u8 *newest = ring[place(stripes, size, tr)];
		struct al_scan scan;

		log_one(stripes, size, tr, (step * 13) % (AL_UPDATES_PER_BLOCK + 1));
		assert_int_equal(replay(stripes, size, &scan), AL_SCAN_UPDATES);
		assert_int_equal(scan.newest_tr, tr);
		assert_int_equal(al_scan_replay_count(&scan), min(step + 1, blocks));
		assert_memory_equal(slots, active, sizeof(active));
		cases++;

		/* Torn, its writes had not begun: what was active before is what counts. */
		newest[100 + step % 3000] ^= 0x10;
		if (step) {
			assert_int_equal(replay(stripes, size, &scan), AL_SCAN_UPDATES);
			assert_int_equal(scan.newest_tr, last);
			/* Before the first round is complete the context is not. */
			assert_memory_equal(slots, before, sizeof(before));
		} else {
			assert_int_equal(replay(stripes, size, &scan), place(stripes, size, tr) ?
					 AL_SCAN_INVALID : AL_SCAN_NOTHING);
		}
		newest[100 + step % 3000] ^= 0x10;
		cases++;
		last = tr;
		tr = al_ring_next(stripes, size, tr);
	}
}

static void every_position_of_the_ring_replays_and_survives_a_torn_write(void **state)
{
	static const u32 rings[][2] = { { 1, 8 }, { 3, 4 }, { 2, 5 }, { 8, 1 }, { 1, 13 } };
	u32 i, start;

	(void)state;
	cases = 0;
	for (i = 0; i < ARRAY_SIZE(rings); i++) {
		u32 blocks = rings[i][0] * rings[i][1];

		walk(rings[i][0], rings[i][1], 0);
		/* Around the end of the numbers, which is one of the ring as well. */
		for (start = 1; start <= blocks; start++)
			walk(rings[i][0], rings[i][1], 0u - (u32)((1ULL << 32) % blocks) - start);
		walk(rings[i][0], rings[i][1], 0x80000000u - blocks);
	}
	printf("         ring: %lu cases, complete\n", cases);
}

static void a_block_with_each_number_of_updates_replays_whole(void **state)
{
	struct al_scan scan;
	u32 n;

	(void)state;
	for (n = 0; n <= AL_UPDATES_PER_BLOCK; n++) {
		ring_begin(1, 8);
		log_one(1, 8, 0, n);
		assert_int_equal(replay(1, 8, &scan), AL_SCAN_UPDATES);
		assert_memory_equal(slots, active, sizeof(active));
		assert_int_equal(al_replay_hot_extents(slots), n);
	}
}

/* Whatever the number of slots, one time around the ring shows each of them. */
static void the_context_of_a_full_ring_has_every_slot(void **state)
{
	u32 blocks, wanted, checked = 0;

	(void)state;
	for (blocks = MD_AL_BLOCKS_MIN; blocks <= 80; blocks++) {
		u32 most = md_al_extents_clamp(blocks, U32_MAX);

		for (wanted = 1; wanted <= most + 919; wanted += wanted < 100 || wanted > most - 3 ? 1 : 97) {
			u32 n = md_al_extents_clamp(blocks, wanted), at = 0, seen = 0, used = 0;

			do {
				assert_true(at < n);
				assert_int_equal(seen, at);
				seen += al_context_count(n, at);
				at = al_context_next(n, at);
				used++;
			} while (at);
			assert_int_equal(seen, n);
			/* One block may be torn. */
			assert_true(used < blocks);
			checked++;
		}
	}
	printf("         contexts: %u sizes of the log\n", checked);
}

/* No two transactions of one round at the same place, none outside the log. */
static void places_are_a_permutation_for_every_layout(void **state)
{
	static u8 seen[65536];
	u32 stripes, size, b, layouts = 0;

	(void)state;
	for (stripes = 1; stripes <= 256; stripes += stripes < 20 ? 1 : 59)
		for (size = 1; stripes * size <= 4096; size += size < 20 ? 1 : 236) {
			u32 blocks = stripes * size;

			memset(seen, 0, blocks);
			for (b = 0; b < blocks; b++) {
				u64 sector = al_ring_sector(1000, stripes, size, b);

				assert_true(sector >= 1000 && (sector - 1000) / 8 < blocks);
				assert_int_equal(seen[(sector - 1000) / 8]++, 0);
				assert_int_equal(al_ring_sector(1000, stripes, size, b + blocks), sector);
			}
			layouts++;
		}
	printf("         places: %u layouts\n", layouts);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_position_of_the_ring_replays_and_survives_a_torn_write),
		cmocka_unit_test(a_block_with_each_number_of_updates_replays_whole),
		cmocka_unit_test(the_context_of_a_full_ring_has_every_slot),
		cmocka_unit_test(places_are_a_permutation_for_every_layout),
	};

	return cmocka_run_group_tests_name("activity log ring", tests, NULL, NULL);
}
