// SPDX-License-Identifier: GPL-2.0
/* Activity log blocks, ring order and replay (metadata.md 3.3 to 3.7). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "core/actlog_block.h"
#include "core/crc32c.h"
#include "core/md.h"
#include <cmocka.h>

static u32 slots[AL_SLOTS_MAX];

static size_t read_vector(const char *name, u8 *out, size_t most)
{
	char path[4096];
	gzFile f;
	int n;

	snprintf(path, sizeof(path), "%s/metadata/%s", VECTORS, name);
	f = gzopen(path, "rb");
	assert_non_null(f);
	n = gzread(f, out, (unsigned int)most);
	gzclose(f);
	assert_true(n > 0);
	return (size_t)n;
}

static void crc_is_castagnoli_without_inversion(void **state)
{
	static const u8 zero[64];

	(void)state;
	assert_int_equal(core_crc32c(0, "123456789", 9), 0x58e3fa20);
	assert_int_equal(core_crc32c(core_crc32c(0, "1234", 4), "56789", 5), 0x58e3fa20);
	assert_int_equal(core_crc32c(0, zero, sizeof(zero)), 0);
	/* the usual variant, made of ours */
	assert_int_equal(~core_crc32c(U32_MAX, "123456789", 9), 0xe3069283);
}

static void initialized_block_is_the_genuine_one(void **state)
{
	u8 genuine[AL_BLOCK_BYTES], ours[AL_BLOCK_BYTES];
	struct al_block_info info;

	(void)state;
	read_vector("al-initialized-block.bin", genuine, sizeof(genuine));
	memset(ours, 0x77, sizeof(ours));
	al_block_initialized(ours);
	assert_memory_equal(genuine, ours, sizeof(ours));
	assert_true(al_block_decode(ours, &info));
	assert_int_equal(info.type, AL_TYPE_INITIALIZED);
	assert_int_equal(info.crc32c, 0x709cc651);
}

static void ring_after_first_attach_is_the_genuine_one(void **state)
{
	u8 genuine[8 * AL_BLOCK_BYTES], ours[AL_BLOCK_BYTES];
	u32 tr, cycle = 0;

	(void)state;
	assert_int_equal(read_vector("al-ring-fresh-attach.bin.gz", genuine, sizeof(genuine)),
			 sizeof(genuine));
	for (tr = 0; tr < 8; tr++) {
		al_block_begin(ours, tr, 67, (u16)cycle);
		al_block_finish(ours);
		cycle = al_context_next(67, cycle);
		assert_memory_equal(genuine + tr * AL_BLOCK_BYTES, ours, sizeof(ours));
	}
}

static void two_extents_in_one_write_give_the_genuine_block(void **state)
{
	u8 genuine[8 * AL_BLOCK_BYTES], ours[AL_BLOCK_BYTES];

	(void)state;
	read_vector("al-ring-4-writes.bin.gz", genuine, sizeof(genuine));
	al_block_begin(ours, 10, 67, 0);
	assert_true(al_block_add_update(ours, 63, 10));
	assert_true(al_block_add_update(ours, 64, 9));
	al_block_set_context(ours, 66, 3);
	al_block_set_context(ours, 65, 7);
	al_block_finish(ours);
	assert_memory_equal(genuine + 2 * AL_BLOCK_BYTES, ours, sizeof(ours));
}

static void a_block_takes_64_updates_and_no_more(void **state)
{
	u8 block[AL_BLOCK_BYTES];
	struct al_block_info info;
	u16 i;

	(void)state;
	al_block_begin(block, 1, 1000, 0);
	for (i = 0; i < 64; i++)
		assert_true(al_block_add_update(block, i, 1000u + i));
	assert_false(al_block_add_update(block, 64, 1));
	al_block_finish(block);
	assert_true(al_block_decode(block, &info));
	assert_int_equal(info.n_updates, 64);
	assert_int_equal(al_block_update_slot(block, 63), 63);
	assert_int_equal(al_block_update_extent(block, 63), 1063);
	assert_int_equal(al_block_context(block, 0), AL_EXTENT_FREE);
}

static void any_flipped_bit_makes_a_block_invalid(void **state)
{
	u8 block[AL_BLOCK_BYTES];
	struct al_block_info info;
	u32 bit;

	(void)state;
	al_block_begin(block, 77, 67, 0);
	al_block_add_update(block, 3, 9);
	al_block_finish(block);
	for (bit = 0; bit < AL_BLOCK_BYTES * 8; bit += bit < 4000 ? 1 : 97) {
		block[bit / 8] ^= (u8)(1 << bit % 8);
		assert_false(al_block_decode(block, &info));
		block[bit / 8] ^= (u8)(1 << bit % 8);
	}
	assert_true(al_block_decode(block, &info));
	memset(block, 0, sizeof(block));
	assert_false(al_block_decode(block, &info));
}

static void striped_ring_has_transactions_where_the_genuine_one_has(void **state)
{
	static u8 al[12 * AL_BLOCK_BYTES];
	static const u32 starts[] = { 0, 919, 1838, 2757, 3676, 4595, 5514, 0 };
	struct al_block_info info;
	u32 tr, cycle = 0;

	(void)state;
	assert_int_equal(read_vector("al-ring-stripes3x16k.bin.gz", al, sizeof(al)), sizeof(al));
	for (tr = 0; tr < 12; tr++) {
		u64 sector = al_ring_sector(1000, 3, 4, tr);

		assert_true(al_block_decode(al + (sector - 1000) * 512, &info));
		assert_int_equal(info.tr_number, tr);
		assert_int_equal(info.context_size, 6000);
		assert_int_equal(info.context_start, cycle);
		if (tr < ARRAY_SIZE(starts))
			assert_int_equal(cycle, starts[tr]);
		cycle = al_context_next(6000, cycle);
		assert_int_equal(al_ring_sector(1000, 3, 4, tr + 12), sector);
	}
	assert_int_equal(al_context_count(6000, 5514), 486);
	assert_int_equal(al_context_count(6000, 0), 919);
	assert_int_equal(al_context_count(67, 0), 67);
}

static void ring_positions_are_a_permutation(void **state)
{
	static u8 seen[8192];
	u32 stripes, size, b;

	(void)state;
	for (stripes = 1; stripes < 20; stripes++)
		for (size = 1; size < 20; size++) {
			memset(seen, 0, sizeof(seen));
			for (b = 0; b < stripes * size; b++) {
				u32 position = al_ring_position(stripes, size, b);

				assert_true(position < stripes * size);
				assert_int_equal(seen[position]++, 0);
				/* neighbours in time are on different stripes */
				if (b && stripes > 1)
					assert_int_not_equal(position / size,
						al_ring_position(stripes, size, b - 1) / size);
			}
		}
}

struct bad {
	int contexts, updates;
	u32 last;
};

static void count_bad(void *arg, bool update, u32 b, u32 slot)
{
	struct bad *bad = arg;

	(void)b;
	bad->contexts += !update;
	bad->updates += update;
	bad->last = slot;
}

static enum al_scan_result replay_ring(const u8 *al, u32 blocks, struct al_scan *scan,
				       struct bad *bad)
{
	enum al_scan_result result;
	u32 i, b;

	memset(bad, 0, sizeof(*bad));
	al_scan_begin(scan, blocks);
	for (b = 0; b < blocks; b++)
		al_scan_block(scan, b, al + b * AL_BLOCK_BYTES);
	result = al_scan_finish(scan);
	al_replay_begin(slots);
	if (result != AL_SCAN_UPDATES)
		return result;
	for (i = 0; i < al_scan_replay_count(scan); i++) {
		b = al_scan_replay_block(scan, i);
		al_replay_block(slots, b, al + b * AL_BLOCK_BYTES, count_bad, bad);
	}
	return result;
}

static void crashed_primary_had_the_last_67_extents_active(void **state)
{
	static u8 al[8 * AL_BLOCK_BYTES];
	struct al_scan scan;
	struct bad bad;
	u32 i;

	(void)state;
	read_vector("al-ring-crashed.bin.gz", al, sizeof(al));
	assert_int_equal(replay_ring(al, 8, &scan, &bad), AL_SCAN_UPDATES);
	assert_int_equal(scan.oldest, 7);
	assert_int_equal(scan.oldest_tr, 95);
	assert_int_equal(scan.newest_tr, 102);
	assert_int_equal(al_scan_replay_count(&scan), 8);
	assert_int_equal(al_replay_hot_extents(slots), 67);
	for (i = 0; i < 67; i++)
		assert_int_equal(slots[i], 204 + i);

	read_vector("al-ring-busy.bin.gz", al, sizeof(al));
	assert_int_equal(replay_ring(al, 8, &scan, &bad), AL_SCAN_UPDATES);
	assert_int_equal(scan.newest, 1);
	assert_int_equal(scan.newest_tr, 33);
	assert_int_equal(scan.oldest_tr, 26);
}

struct alcase {
	const char *name;
	enum al_scan_result result;
	u32 corrupt;
	u32 n, hot[8];
};

/* What the genuine tool made of the same rings. */
static const struct alcase alcases[] = {
	{ "zero-al-primary", AL_SCAN_NODATA, 8, 0, { 0 } },
	{ "all-init-primary", AL_SCAN_NOTHING, 0, 0, { 0 } },
	{ "blk0-bad-rest-init", AL_SCAN_NOTHING, 1, 0, { 0 } },
	{ "blk3-bad-rest-init-primary", AL_SCAN_INVALID, 1, 0, { 0 } },
	{ "1-update-rest-init", AL_SCAN_UPDATES, 0, 1, { 3 } },
	{ "seq-8--15", AL_SCAN_UPDATES, 0, 8, { 20, 21, 22, 23, 24, 25, 26, 27 } },
	{ "seq-newest-bad", AL_SCAN_UPDATES, 1, 7, { 20, 21, 22, 23, 24, 25, 26 } },
	{ "seq-mid-bad", AL_SCAN_UPDATES, 1, 8, { 20, 21, 22, 23, 24, 25, 26, 27 } },
	{ "tr-wrap", AL_SCAN_UPDATES, 0, 1, { 33 } },
	{ "free-in-update", AL_SCAN_UPDATES, 0, 0, { 0 } },
	{ "context-frees-slot", AL_SCAN_UPDATES, 0, 1, { 6 } },
	{ "slot-out-of-range", AL_SCAN_UPDATES, 0, 1, { 6 } },
	{ "context-out-of-range", AL_SCAN_UPDATES, 0, 1, { 6 } },
	{ "extent-beyond-bitmap", AL_SCAN_UPDATES, 0, 3, { 63, 64, 65 } },
	{ "n-updates-0-but-slots-filled", AL_SCAN_UPDATES, 0, 1, { 7 } },
	{ "unknown-type-1", AL_SCAN_UPDATES, 0, 1, { 7 } },
	{ "same-tr-twice", AL_SCAN_UPDATES, 0, 1, { 7 } },
	{ "gap", AL_SCAN_UPDATES, 0, 2, { 7, 8 } },
};

static void crafted_rings_replay_as_the_genuine_tool_replays_them(void **state)
{
	static u8 al[8 * AL_BLOCK_BYTES];
	struct al_scan scan;
	struct bad bad;
	char name[128];
	size_t i;
	u32 n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(alcases); i++) {
		const struct alcase *c = &alcases[i];

		snprintf(name, sizeof(name), "alcase-%s.bin.gz", c->name);
		read_vector(name, al, sizeof(al));
		assert_int_equal(replay_ring(al, 8, &scan, &bad), c->result);
		assert_int_equal(scan.n_corrupt, c->corrupt);
		n = al_replay_hot_extents(slots);
		assert_int_equal(n, c->n);
		assert_memory_equal(slots, c->hot, n * sizeof(u32));
		assert_int_equal(bad.updates, strcmp(c->name, "slot-out-of-range") == 0);
		assert_int_equal(bad.contexts, strcmp(c->name, "context-out-of-range") == 0);
	}
}

/*
 * A model of the writer: random replacements, logged as 3.4 says.  Whatever
 * block is torn, replay must know every extent that was active before it.
 */
#define MODEL_SLOTS 2500
#define MODEL_BLOCKS 8

static void model_write(u8 *al, u32 *active, u32 *before, u32 tr, u32 *cycle)
{
	u8 *block = al + (tr % MODEL_BLOCKS) * AL_BLOCK_BYTES;
	u32 n = (u32)rand() % 65, i;

	memcpy(before, active, MODEL_SLOTS * sizeof(u32));
	al_block_begin(block, tr, MODEL_SLOTS, (u16)*cycle);
	for (i = 0; i < al_context_count(MODEL_SLOTS, *cycle); i++)
		al_block_set_context(block, i, active[*cycle + i]);
	for (i = 0; i < n; i++) {
		u16 slot = (u16)((tr * 64 + i) % MODEL_SLOTS);

		active[slot] = (u32)rand() % 100000;
		assert_true(al_block_add_update(block, slot, active[slot]));
	}
	al_block_finish(block);
	*cycle = al_context_next(MODEL_SLOTS, *cycle);
}

static void replay_restores_the_active_set_after_a_torn_write(void **state)
{
	static u8 al[MODEL_BLOCKS * AL_BLOCK_BYTES];
	static u32 active[MODEL_SLOTS], before[MODEL_SLOTS];
	u32 tr = 0u - 300, i, cycle = 0;
	struct al_scan scan;
	struct bad bad;

	(void)state;
	srand(1);
	memset(active, 0xff, sizeof(active));
	for (i = 0; i < 600; i++, tr++) {	/* over the wrap of the number */
		model_write(al, active, before, tr, &cycle);
		if (i < MODEL_BLOCKS)
			continue;
		assert_int_equal(replay_ring(al, MODEL_BLOCKS, &scan, &bad), AL_SCAN_UPDATES);
		assert_memory_equal(slots, active, sizeof(active));
		if (i % 7)
			continue;
		/* torn: its requests had not started, the set before it counts */
		al[(tr % MODEL_BLOCKS) * AL_BLOCK_BYTES + 2000] ^= 1;
		assert_int_equal(replay_ring(al, MODEL_BLOCKS, &scan, &bad), AL_SCAN_UPDATES);
		assert_memory_equal(slots, before, sizeof(before));
		al[(tr % MODEL_BLOCKS) * AL_BLOCK_BYTES + 2000] ^= 1;
	}
}

static void random_blocks_with_right_crc_never_leave_the_table(void **state)
{
	u8 block[AL_BLOCK_BYTES];
	struct bad bad = { 0 };
	u32 i, j;

	(void)state;
	srand(2);
	al_replay_begin(slots);
	for (i = 0; i < 2000; i++) {
		al_block_begin(block, 1, (u16)rand(), (u16)(rand() % 4 ? 65000 + rand() % 536 : rand()));
		for (j = 12; j < AL_BLOCK_BYTES; j++)
			if (j >= 36 || (i % 3 == 0 && j < 18))
				block[j] = (u8)rand();
		al_block_finish(block);
		al_replay_block(slots, 0, block, count_bad, &bad);
	}
	assert_true(bad.contexts > 0);
	assert_true(bad.last >= AL_SLOTS_MAX);
	i = al_replay_hot_extents(slots);
	assert_true(i > 1000);
	for (j = 1; j < i; j++)
		assert_true(slots[j - 1] < slots[j]);
}

static void log_formats_are_told_apart(void **state)
{
	static u8 al[8 * AL_BLOCK_BYTES];
	u8 *second = al + AL_BLOCK_BYTES;

	(void)state;
	read_vector("alcase-old-fmt-secondary.bin.gz", al, sizeof(al));
	assert_int_equal(al_format_detect(MD_MAGIC_CLEAN, 1, 8, al, second), AL_FORMAT_OLD);
	assert_int_equal(al_format_detect(MD_MAGIC_UNCLEAN, 1, 8, al, second), AL_FORMAT_84);
	assert_int_equal(al_format_detect(MD_MAGIC_CLEAN, 2, 8, al, second), AL_FORMAT_84);
	read_vector("alcase-pmem.bin.gz", al, sizeof(al));
	assert_int_equal(al_format_detect(MD_MAGIC_UNCLEAN, 1, 8, al, second), AL_FORMAT_PMEM);
	al_replay_begin(slots);
	al_pmem_replay(slots, al + 4, 257);
	assert_int_equal(al_replay_hot_extents(slots), 2);
	assert_int_equal(slots[0], 7);
	assert_int_equal(slots[1], 9);
	read_vector("alcase-blk0-bad-rest-init.bin.gz", al, sizeof(al));
	assert_int_equal(al_format_detect(MD_MAGIC_CLEAN, 1, 8, al, second), AL_FORMAT_84);
}

static void logs_from_before_84_replay_as_the_genuine_tool_replays_them(void **state)
{
	static u8 al[8 * AL_BLOCK_BYTES];
	struct al_scan scan;
	u32 n, i;

	(void)state;
	assert_int_equal(al_old_sectors(257), 6);
	assert_int_equal(al_old_sectors(244), 5);
	assert_int_equal(al_old_sectors(0), 1);
	read_vector("alcase-old-fmt-magic08-not-clean-primary.bin.gz", al, sizeof(al));
	al_scan_begin(&scan, 6);
	for (n = 0; n < 6; n++)
		al_old_scan_sector(&scan, n, al + n * 512);
	assert_int_equal(scan.n_valid, 3);
	assert_int_equal(scan.n_corrupt, 3);
	al_replay_begin(slots);
	for (i = 0; i < al_scan_replay_count(&scan); i++) {
		n = al_scan_replay_block(&scan, i);
		al_old_replay_sector(slots, n, al + n * 512, NULL, NULL);
	}
	assert_int_equal(al_replay_hot_extents(slots), 2);
	assert_int_equal(slots[0], 12);
	assert_int_equal(slots[1], 13);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(crc_is_castagnoli_without_inversion),
		cmocka_unit_test(initialized_block_is_the_genuine_one),
		cmocka_unit_test(ring_after_first_attach_is_the_genuine_one),
		cmocka_unit_test(two_extents_in_one_write_give_the_genuine_block),
		cmocka_unit_test(a_block_takes_64_updates_and_no_more),
		cmocka_unit_test(any_flipped_bit_makes_a_block_invalid),
		cmocka_unit_test(striped_ring_has_transactions_where_the_genuine_one_has),
		cmocka_unit_test(ring_positions_are_a_permutation),
		cmocka_unit_test(crashed_primary_had_the_last_67_extents_active),
		cmocka_unit_test(crafted_rings_replay_as_the_genuine_tool_replays_them),
		cmocka_unit_test(replay_restores_the_active_set_after_a_torn_write),
		cmocka_unit_test(random_blocks_with_right_crc_never_leave_the_table),
		cmocka_unit_test(log_formats_are_told_apart),
		cmocka_unit_test(logs_from_before_84_replay_as_the_genuine_tool_replays_them),
	};

	return cmocka_run_group_tests_name("actlog_block", tests, NULL, NULL);
}
