// SPDX-License-Identifier: GPL-2.0
#include "interval.h"

void interval_tree_init(struct interval_tree *tree)
{
	tree->root = NULL;
	tree->seed = 0x2545f491;
}

void interval_init(struct interval *node, u64 sector, u32 bytes)
{
	memset(node, 0, sizeof(*node));
	node->sector = sector;
	node->bytes = bytes;
}

/* Priorities only have to be uncorrelated with the order of insertion. */
static u32 interval_next_priority(struct interval_tree *tree)
{
	u32 x = tree->seed;

	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	tree->seed = x;
	return x;
}

/* Order by start; the address keeps equal starts apart. */
static bool interval_before(const struct interval *a, const struct interval *b)
{
	if (a->sector != b->sector)
		return a->sector < b->sector;
	return a < b;
}

static void interval_update_end(struct interval *node)
{
	/* An empty interval must not promise an overlap to those who search. */
	u64 end = node->bytes >> 9 ? interval_end(node) : 0;

	if (node->left)
		end = max_t(u64, end, node->left->subtree_end);
	if (node->right)
		end = max_t(u64, end, node->right->subtree_end);
	node->subtree_end = end;
}

static void interval_update_upward(struct interval *node)
{
	for (; node; node = node->parent)
		interval_update_end(node);
}

/* Hang @new where @old hung below its parent. */
static void interval_replace_child(struct interval_tree *tree, struct interval *parent,
				   const struct interval *old, struct interval *new)
{
	if (!parent)
		tree->root = new;
	else if (parent->left == old)
		parent->left = new;
	else
		parent->right = new;
	if (new)
		new->parent = parent;
}

/* Lift @node above its parent, keeping the order. */
static void interval_rotate_up(struct interval_tree *tree, struct interval *node)
{
	struct interval *parent = node->parent;
	struct interval *moved;

	interval_replace_child(tree, parent->parent, parent, node);
	if (parent->left == node) {
		moved = node->right;
		node->right = parent;
		parent->left = moved;
	} else {
		moved = node->left;
		node->left = parent;
		parent->right = moved;
	}
	if (moved)
		moved->parent = parent;
	parent->parent = node;
	interval_update_end(parent);
	interval_update_end(node);
}

void interval_insert(struct interval_tree *tree, struct interval *node)
{
	struct interval **link = &tree->root;
	struct interval *parent = NULL;

	if (core_bug_on(node->in_tree))
		return;
	while (*link) {
		parent = *link;
		link = interval_before(node, parent) ? &parent->left : &parent->right;
	}
	node->left = NULL;
	node->right = NULL;
	node->parent = parent;
	node->priority = interval_next_priority(tree);
	node->in_tree = true;
	*link = node;

	interval_update_upward(node);
	while (node->parent && node->parent->priority < node->priority)
		interval_rotate_up(tree, node);
}

void interval_remove(struct interval_tree *tree, struct interval *node)
{
	struct interval *parent;

	if (!node->in_tree)
		return;
	/* Push it down until one side is empty, always lifting the heavier child. */
	while (node->left && node->right)
		interval_rotate_up(tree, node->left->priority > node->right->priority ?
				   node->left : node->right);

	parent = node->parent;
	interval_replace_child(tree, parent, node, node->left ? node->left : node->right);
	interval_update_upward(parent);
	node->left = NULL;
	node->right = NULL;
	node->parent = NULL;
	node->in_tree = false;
}

/* An end past 2^64 is as good as the last sector there is. */
static u64 interval_query_end(u64 sector, u32 bytes)
{
	u64 end = sector + (bytes >> 9);

	return end < sector ? U64_MAX : end;
}

static bool interval_overlaps(const struct interval *node, u64 sector, u64 end)
{
	return node->bytes >> 9 && node->sector < end && interval_end(node) > sector;
}

/* Leftmost overlap in the subtree, which is known to end behind @sector. */
static struct interval *interval_leftmost(struct interval *node, u64 sector, u64 end)
{
	while (node) {
		/* If the left side reaches behind @sector the answer is there or nowhere. */
		if (node->left && node->left->subtree_end > sector) {
			node = node->left;
			continue;
		}
		if (interval_overlaps(node, sector, end))
			return node;
		if (node->sector >= end)
			return NULL;
		node = node->right;
		if (node && node->subtree_end <= sector)
			return NULL;
	}
	return NULL;
}

struct interval *interval_overlap_first(const struct interval_tree *tree, u64 sector, u32 bytes)
{
	u64 end = interval_query_end(sector, bytes);

	if (end == sector || !tree->root || tree->root->subtree_end <= sector)
		return NULL;
	return interval_leftmost(tree->root, sector, end);
}

struct interval *interval_overlap_next(const struct interval *node, u64 sector, u32 bytes)
{
	u64 end = interval_query_end(sector, bytes);

	for (;;) {
		const struct interval *child = node;
		struct interval *found;

		if (node->right && node->right->subtree_end > sector) {
			found = interval_leftmost(node->right, sector, end);
			if (found)
				return found;
		}
		/* Up to the nearest ancestor that follows in order. */
		do {
			child = node;
			node = node->parent;
			if (!node || node->sector >= end)
				return NULL;
		} while (node->right == child);
		if (interval_overlaps(node, sector, end))
			return (struct interval *)node;
	}
}
