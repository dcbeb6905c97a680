// SPDX-License-Identifier: GPL-2.0
/* The slot table of the activity log (metadata.md 3.2) against a naive model. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/extents.h"

static u64 rng_state;

static u32 rnd(u32 below)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((rng_state >> 33) % below);
}

static void table_new(struct extents *e, u32 n, u32 pending_max)
{
	void *mem = malloc(extents_mem_size(n));

	memset(mem, 0xa5, extents_mem_size(n));
	extents_init(e, mem, n, pending_max);
	assert_true(extents_valid(e));
}

static void table_free(struct extents *e)
{
	free(e->slots);
}

static enum extent_get get(struct extents *e, u32 number)
{
	struct extent_slot *slot;
	enum extent_get got = extents_get(e, number, &slot);

	assert_int_equal(!!slot, got == EXTENT_HIT || got == EXTENT_QUEUED);
	if (slot)
		assert_int_equal(slot->new_number, number);
	assert_true(extents_valid(e));
	return got;
}

static u32 put(struct extents *e, u32 number)
{
	u32 left = extents_put(e, extents_find(e, number));

	assert_true(extents_valid(e));
	return left;
}

/* The example of metadata.md 3.3: slots 66 and 65 first, newest change first. */
static void slots_are_taken_downward_and_listed_newest_first(void **state)
{
	static const u32 expected[][2] = { { 63, 10 }, { 64, 9 } };
	struct extent_slot *slot;
	struct extents e;
	unsigned int i = 0;

	(void)state;
	table_new(&e, 67, 64);
	assert_int_equal(get(&e, 3), EXTENT_QUEUED);
	assert_int_equal(get(&e, 7), EXTENT_QUEUED);
	extents_commit(&e);
	assert_int_equal(extents_slot_number(&e, 66), 3);
	assert_int_equal(extents_slot_number(&e, 65), 7);

	get(&e, 9);
	get(&e, 10);
	/* What is on disk is still the old content. */
	assert_int_equal(extents_slot_number(&e, 64), EXTENT_FREE);
	extents_for_each_pending(&e, slot) {
		assert_int_equal(slot->index, expected[i][0]);
		assert_int_equal(slot->new_number, expected[i][1]);
		assert_int_equal(slot->number, EXTENT_FREE);
		i++;
	}
	assert_int_equal(i, 2);
	extents_commit(&e);
	assert_int_equal(extents_slot_number(&e, 64), 9);
	assert_int_equal(extents_slot_number(&e, 67), EXTENT_FREE);
	table_free(&e);
}

static void least_recently_used_idle_slot_is_recycled(void **state)
{
	struct extent_slot *slot;
	struct extents e;
	u32 i;

	(void)state;
	table_new(&e, 4, 64);
	for (i = 0; i < 4; i++)
		get(&e, i);
	extents_commit(&e);
	put(&e, 2);
	put(&e, 0);
	put(&e, 3);
	assert_int_equal(get(&e, 2), EXTENT_HIT);	/* used again: now the newest */
	put(&e, 2);

	assert_int_equal(get(&e, 50), EXTENT_QUEUED);
	slot = extents_find(&e, 50);
	assert_int_equal(slot->number, 0);		/* direct recycling old -> new */
	assert_null(extents_find(&e, 0));
	assert_int_equal(get(&e, 51), EXTENT_QUEUED);
	assert_int_equal(extents_find(&e, 51)->number, 3);
	table_free(&e);
}

static void starving_refuses_even_hits_until_a_slot_is_released(void **state)
{
	struct extent_slot *slot;
	struct extents e;

	(void)state;
	table_new(&e, 2, 64);
	get(&e, 1);
	get(&e, 2);
	extents_commit(&e);
	assert_int_equal(get(&e, 1), EXTENT_HIT);
	assert_int_equal(get(&e, 3), EXTENT_STARVING);
	assert_int_equal(get(&e, 1), EXTENT_STARVING);
	assert_int_equal(extents_try_get(&e, 1, &slot), EXTENT_STARVING);
	assert_int_equal(put(&e, 1), 1);
	assert_int_equal(get(&e, 2), EXTENT_STARVING);	/* still referenced */
	assert_int_equal(put(&e, 1), 0);
	assert_int_equal(get(&e, 3), EXTENT_QUEUED);
	assert_int_equal(extents_find(&e, 3)->number, 1);
	table_free(&e);
}

static void a_locked_transaction_takes_no_more_changes(void **state)
{
	struct extent_slot *slot;
	struct extents e;

	(void)state;
	table_new(&e, 8, 64);
	assert_false(extents_lock(&e));
	get(&e, 1);
	extents_commit(&e);
	get(&e, 2);
	assert_true(extents_lock(&e));
	assert_false(extents_lock(&e));
	assert_int_equal(get(&e, 3), EXTENT_BUSY);
	assert_null(extents_find(&e, 3));
	assert_int_equal(get(&e, 1), EXTENT_HIT);
	assert_int_equal(get(&e, 2), EXTENT_QUEUED);	/* joins those who wait */
	assert_int_equal(extents_try_get(&e, 2, &slot), EXTENT_MISS);
	extents_commit(&e);
	assert_int_equal(extents_try_get(&e, 2, &slot), EXTENT_HIT);
	assert_int_equal(slot->refs, 3);
	assert_int_equal(get(&e, 3), EXTENT_QUEUED);
	table_free(&e);
}

static void a_transaction_has_room_for_64_changes(void **state)
{
	struct extents e;
	u32 i;

	(void)state;
	table_new(&e, 100, EXTENTS_PENDING_MAX);
	for (i = 0; i < 64; i++)
		assert_int_equal(get(&e, i), EXTENT_QUEUED);
	assert_int_equal(get(&e, 64), EXTENT_BUSY);
	assert_true(extents_lock(&e));
	extents_commit(&e);
	assert_int_equal(get(&e, 64), EXTENT_QUEUED);
	assert_int_equal(e.changed, 64);
	table_free(&e);
}

static void references_given_back_before_the_commit_leave_an_idle_slot(void **state)
{
	struct extents e;

	(void)state;
	table_new(&e, 2, 64);
	get(&e, 1);
	assert_int_equal(put(&e, 1), 0);
	assert_false(extents_in_use(&e, 1));
	assert_false(extents_idle(&e));			/* a change is pending */
	extents_commit(&e);
	assert_true(extents_idle(&e));
	assert_int_equal(get(&e, 1), EXTENT_HIT);
	table_free(&e);
}

/* No put will come to wake those who starve: only the commit can. */
static void all_slots_changing_for_nobody_is_busy_not_starving(void **state)
{
	struct extents e;

	(void)state;
	table_new(&e, 2, 64);
	get(&e, 1);
	get(&e, 2);
	put(&e, 1);
	put(&e, 2);
	assert_int_equal(get(&e, 3), EXTENT_BUSY);
	extents_commit(&e);
	assert_int_equal(get(&e, 3), EXTENT_QUEUED);
	table_free(&e);
}

static void ranges_are_all_or_nothing(void **state)
{
	struct extents e;

	(void)state;
	table_new(&e, 4, 64);
	assert_int_equal(extents_get_range(&e, 10, 12), EXTENT_QUEUED);
	assert_false(extents_range_ready(&e, 10, 12));
	extents_commit(&e);
	assert_true(extents_range_ready(&e, 10, 12));
	assert_int_equal(e.n_used, 3);

	/* Two more are needed, one is left: nothing may stay referenced. */
	assert_int_equal(extents_get_range(&e, 20, 21), EXTENT_STARVING);
	assert_int_equal(e.n_used, 3);
	assert_false(extents_in_use(&e, 20));
	assert_true(extents_valid(&e));
	assert_int_equal(get(&e, 10), EXTENT_STARVING);	/* the rollback released no one */
	extents_put_range(&e, 10, 12);
	assert_int_equal(extents_get_range(&e, 20, 21), EXTENT_QUEUED);
	extents_commit(&e);
	extents_put_range(&e, 20, 21);
	assert_true(extents_idle(&e));

	/* With nobody left to release a slot it must not starve for ever. */
	assert_int_equal(extents_get_range(&e, 30, 34), EXTENT_STARVING);
	assert_int_equal(e.n_used, 0);
	extents_commit(&e);
	assert_int_equal(extents_get_range(&e, 40, 41), EXTENT_QUEUED);
	table_free(&e);
}

static void a_wide_range_is_queued_over_several_commits(void **state)
{
	struct extents e;
	unsigned int commits = 0;
	enum extent_get got;

	(void)state;
	table_new(&e, 100, 8);
	while ((got = extents_get_range(&e, 0, 33)) == EXTENT_BUSY) {
		assert_true(extents_lock(&e));
		extents_commit(&e);
		assert_true(++commits < 10);
	}
	assert_int_equal(got, EXTENT_QUEUED);
	extents_commit(&e);
	assert_true(extents_range_ready(&e, 0, 33));
	assert_int_equal(e.n_used, 34);
	table_free(&e);
}

static void reset_and_forget_refuse_what_is_in_use(void **state)
{
	struct extent_slot *slot;
	struct extents e;

	(void)state;
	table_new(&e, 3, 64);
	get(&e, 5);
	assert_false(extents_reset(&e));
	extents_commit(&e);
	slot = extents_find(&e, 5);
	slot->bits_left = 7;
	slot->flags = 1;
	assert_false(extents_forget(&e, slot));
	assert_false(extents_reset(&e));
	put(&e, 5);
	assert_int_equal(slot->bits_left, 7);
	assert_true(extents_forget(&e, slot));
	assert_false(extents_forget(&e, slot));
	assert_null(extents_find(&e, 5));
	assert_true(extents_valid(&e));

	get(&e, 6);
	assert_ptr_equal(extents_find(&e, 6), slot);	/* last freed, first taken */
	assert_int_equal(slot->bits_left, 0);
	assert_int_equal(slot->flags, 0);
	extents_commit(&e);
	put(&e, 6);
	assert_true(extents_reset(&e));
	assert_null(extents_find(&e, 6));
	get(&e, 1);
	assert_int_equal(extents_find(&e, 1)->index, 2);
	table_free(&e);
}

/* ------------------------------------------------------------------ */

struct model_slot {
	u32 disk, next, refs;
	u64 used_at;
};

static struct model_slot *model_find(struct model_slot *m, u32 n, u32 number)
{
	u32 i;

	for (i = 0; i < n; i++)
		if (m[i].next == number)
			return &m[i];
	return NULL;
}

/* A free slot (highest number first: none is ever freed here) or the oldest idle one. */
static struct model_slot *model_victim(struct model_slot *m, u32 n)
{
	struct model_slot *best = NULL;
	u32 i;

	for (i = n; i-- > 0;)
		if (m[i].next == EXTENT_FREE)
			return &m[i];
	for (i = 0; i < n; i++)
		if (!m[i].refs && m[i].disk == m[i].next && (!best || m[i].used_at < best->used_at))
			best = &m[i];
	return best;
}

static void random_use(u32 n, u32 pending_max, u32 numbers)
{
	struct model_slot *m = calloc(n, sizeof(*m));
	u64 changes[65], n_changes = 0;
	bool starving = false, locked = false;
	struct extents e;
	u64 clock = 1;
	u32 i, step;

	table_new(&e, n, pending_max);
	for (i = 0; i < n; i++)
		m[i].disk = m[i].next = EXTENT_FREE;
	for (step = 0; step < 6000; step++) {
		u32 number = rnd(numbers), used = 0;
		struct model_slot *s = model_find(m, n, number);
		enum extent_get expected;

		for (i = 0; i < n; i++)
			used += m[i].refs > 0;
		switch (rnd(8)) {
		case 0: case 1: case 2: case 3:
			if (starving) {
				expected = EXTENT_STARVING;
			} else if (s) {
				s->refs++;
				expected = s->disk == s->next ? EXTENT_HIT : EXTENT_QUEUED;
			} else if (locked || n_changes == pending_max) {
				expected = EXTENT_BUSY;
			} else if (!(s = model_victim(m, n))) {
				starving = used > 0;
				expected = used ? EXTENT_STARVING : EXTENT_BUSY;
			} else {
				s->next = number;
				s->refs = 1;
				changes[n_changes++] = (u64)(s - m);
				expected = EXTENT_QUEUED;
			}
			assert_int_equal(get(&e, number), expected);
			break;
		case 4: case 5: case 6:
			if (!s || !s->refs)
				break;
			if (!--s->refs) {
				starving = false;
				s->used_at = clock++;
			}
			assert_int_equal(put(&e, number), s->refs);
			break;
		default:
			if (!locked) {
				locked = n_changes > 0;
				assert_int_equal(extents_lock(&e), locked);
				break;
			}
			for (i = 0; i < n_changes; i++) {
				m[changes[i]].disk = m[changes[i]].next;
				/* given back before the commit: idle since the commit */
				if (!m[changes[i]].refs)
					m[changes[i]].used_at = clock++;
			}
			n_changes = 0;
			locked = false;
			extents_commit(&e);
		}
		assert_true(extents_valid(&e));
		for (i = 0; i < n; i++) {
			assert_int_equal(extents_slot_number(&e, i), m[i].disk);
			assert_int_equal(e.slots[i].new_number, m[i].next);
			assert_int_equal(e.slots[i].refs, m[i].refs);
		}
	}
	assert_true(e.hits && e.misses && e.changed);
	table_free(&e);
	free(m);
}

static void random_use_agrees_with_the_model(void **state)
{
	(void)state;
	rng_state = 31;
	random_use(1, 1, 3);
	random_use(7, 3, 12);
	random_use(7, 64, 40);
	random_use(61, 64, 100);
	random_use(67, 5, 80);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slots_are_taken_downward_and_listed_newest_first),
		cmocka_unit_test(least_recently_used_idle_slot_is_recycled),
		cmocka_unit_test(starving_refuses_even_hits_until_a_slot_is_released),
		cmocka_unit_test(a_locked_transaction_takes_no_more_changes),
		cmocka_unit_test(a_transaction_has_room_for_64_changes),
		cmocka_unit_test(references_given_back_before_the_commit_leave_an_idle_slot),
		cmocka_unit_test(all_slots_changing_for_nobody_is_busy_not_starving),
		cmocka_unit_test(ranges_are_all_or_nothing),
		cmocka_unit_test(a_wide_range_is_queued_over_several_commits),
		cmocka_unit_test(reset_and_forget_refuse_what_is_in_use),
		cmocka_unit_test(random_use_agrees_with_the_model),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
