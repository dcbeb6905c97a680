/* SPDX-License-Identifier: GPL-2.0 */
/*
 * interval.h - which sector ranges are being written
 *
 * An intrusive balanced tree (treap) ordered by start sector; every node knows
 * the highest end in its subtree, so overlaps are found in logarithmic time.
 * Equal and overlapping intervals may coexist.  Nothing recurses.  Context:
 * any; the caller holds the lock that protects the tree.
 */
#ifndef CORE_INTERVAL_H
#define CORE_INTERVAL_H

#include "portable.h"

struct interval {
	u64 sector;		/* first sector */
	u32 bytes;		/* multiple of 512; 0 overlaps nothing */
	bool is_local : 1;	/* made by this node's users, not by the peer */
	bool waiting : 1;	/* someone waits for this interval to go away */
	bool completed : 1;	/* master bio done; waiters need not wait for it */
	/* private to interval.c */
	u32 priority;
	u64 subtree_end;
	struct interval *left;
	struct interval *right;
	struct interval *parent;
	bool in_tree;
};

struct interval_tree {
	struct interval *root;
	u32 seed;
};

void interval_tree_init(struct interval_tree *tree);

/* Prepare a node; it is in no tree. */
void interval_init(struct interval *node, u64 sector, u32 bytes);

/* sector and bytes must not change while the node is in the tree. */
void interval_insert(struct interval_tree *tree, struct interval *node);

/* Harmless if the node is in no tree. */
void interval_remove(struct interval_tree *tree, struct interval *node);

static inline bool interval_linked(const struct interval *node)
{
	return node->in_tree;
}

static inline bool interval_tree_empty(const struct interval_tree *tree)
{
	return !tree->root;
}

static inline u64 interval_end(const struct interval *node)
{
	return node->sector + (node->bytes >> 9);
}

/*
 * All intervals that overlap [sector, sector + bytes/512), ascending by start:
 * the first one, and the one after @node.  NULL when there is none.  The tree
 * must not be changed between the calls.
 */
struct interval *interval_overlap_first(const struct interval_tree *tree, u64 sector, u32 bytes);
struct interval *interval_overlap_next(const struct interval *node, u64 sector, u32 bytes);

#define interval_for_each_overlap(pos, tree, sector, bytes)		\
	for (pos = interval_overlap_first(tree, sector, bytes); pos;	\
	     pos = interval_overlap_next(pos, sector, bytes))

#endif /* CORE_INTERVAL_H */
