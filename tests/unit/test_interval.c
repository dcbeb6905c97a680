// SPDX-License-Identifier: GPL-2.0
/* The interval tree against a plain array. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/interval.h"

#define NODES 300u

static u64 rng_state;

static u32 rnd(u32 below)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((rng_state >> 33) % below);
}

static bool model_overlaps(const struct interval *n, u64 sector, u32 bytes)
{
	return interval_linked(n) && n->bytes && bytes && n->sector < sector + (bytes >> 9) &&
	       n->sector + (n->bytes >> 9) > sector;
}

/* Every overlap exactly once, ascending by start. */
static void check_query(const struct interval_tree *tree, struct interval *nodes,
			u64 sector, u32 bytes)
{
	bool seen[NODES] = { false };
	struct interval *pos;
	u64 before = 0;
	unsigned int i;

	interval_for_each_overlap(pos, tree, sector, bytes) {
		i = (unsigned int)(pos - nodes);
		assert_true(i < NODES);
		assert_false(seen[i]);
		assert_true(pos->sector >= before);
		before = pos->sector;
		seen[i] = true;
	}
	for (i = 0; i < NODES; i++)
		assert_int_equal(seen[i], model_overlaps(&nodes[i], sector, bytes));
}

static unsigned int check_subtree(const struct interval *n)
{
	unsigned int left, right;
	u64 end;

	if (!n)
		return 0;
	left = check_subtree(n->left);
	right = check_subtree(n->right);
	end = n->bytes ? interval_end(n) : 0;
	if (n->left) {
		assert_ptr_equal(n->left->parent, n);
		assert_true(n->left->priority <= n->priority);
		assert_true(n->left->sector <= n->sector);
		end = max(end, n->left->subtree_end);
	}
	if (n->right) {
		assert_ptr_equal(n->right->parent, n);
		assert_true(n->right->priority <= n->priority);
		assert_true(n->right->sector >= n->sector);
		end = max(end, n->right->subtree_end);
	}
	assert_int_equal(n->subtree_end, end);
	return left + right + 1;
}

static unsigned int depth(const struct interval *n)
{
	unsigned int left, right;

	if (!n)
		return 0;
	left = depth(n->left);
	right = depth(n->right);
	return 1 + max(left, right);
}

/* @span: how many sectors starts are spread over; small ones collide a lot. */
static void churn(u32 span, u32 sectors_max, unsigned int steps)
{
	static struct interval nodes[NODES];
	struct interval_tree tree;
	unsigned int step, linked = 0, i;

	interval_tree_init(&tree);
	for (i = 0; i < NODES; i++)
		interval_init(&nodes[i], 0, 0);
	for (step = 0; step < steps; step++) {
		struct interval *n = &nodes[rnd(NODES)];

		if (interval_linked(n)) {
			interval_remove(&tree, n);
			linked--;
		} else {
			interval_init(n, rnd(span), rnd(sectors_max + 1) << 9);
			interval_insert(&tree, n);
			linked++;
		}
		check_query(&tree, nodes, rnd(span + 10), rnd(2 * sectors_max) << 9);
		if (step % 50 == 0)
			assert_int_equal(check_subtree(tree.root), linked);
	}
	for (i = 0; i < NODES; i++)
		interval_remove(&tree, &nodes[i]);
	assert_true(interval_tree_empty(&tree));
}

static void overlaps_are_found_exactly(void **state)
{
	(void)state;
	rng_state = 1;
	churn(20, 4, 2500);
	churn(2000, 16, 2500);
	churn(100000, 2048, 2500);
	churn(1, 1, 500);
}

static void neighbours_do_not_overlap(void **state)
{
	struct interval_tree tree;
	struct interval a;

	(void)state;
	interval_tree_init(&tree);
	interval_init(&a, 8, 4096);
	interval_insert(&tree, &a);
	assert_null(interval_overlap_first(&tree, 0, 4096));
	assert_null(interval_overlap_first(&tree, 16, 4096));
	assert_null(interval_overlap_first(&tree, 10, 0));
	assert_ptr_equal(interval_overlap_first(&tree, 7, 1024), &a);
	assert_ptr_equal(interval_overlap_first(&tree, 15, 512), &a);
	assert_null(interval_overlap_next(&a, 15, 512));
}

/* Sequential writes are the worst order for a tree that does not balance. */
static void ascending_inserts_stay_shallow(void **state)
{
	enum { N = 20000 };
	struct interval *nodes = calloc(N, sizeof(*nodes));
	struct interval_tree tree;
	unsigned int i;

	(void)state;
	interval_tree_init(&tree);
	for (i = 0; i < N; i++) {
		interval_init(&nodes[i], i * 8ULL, 4096);
		interval_insert(&tree, &nodes[i]);
	}
	assert_true(depth(tree.root) < 60);
	assert_ptr_equal(interval_overlap_first(&tree, 8 * 12345, 512), &nodes[12345]);
	for (i = 0; i < N; i += 2)
		interval_remove(&tree, &nodes[i]);
	assert_null(interval_overlap_first(&tree, 8 * 12344, 4096));
	assert_int_equal(check_subtree(tree.root), N / 2);
	free(nodes);
}

static void removing_twice_is_harmless(void **state)
{
	struct interval_tree tree;
	struct interval a;

	(void)state;
	interval_tree_init(&tree);
	interval_init(&a, 1, 512);
	interval_remove(&tree, &a);
	interval_insert(&tree, &a);
	interval_remove(&tree, &a);
	interval_remove(&tree, &a);
	assert_true(interval_tree_empty(&tree));
	assert_false(interval_linked(&a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(overlaps_are_found_exactly),
		cmocka_unit_test(neighbours_do_not_overlap),
		cmocka_unit_test(ascending_inserts_stay_shallow),
		cmocka_unit_test(removing_twice_is_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
