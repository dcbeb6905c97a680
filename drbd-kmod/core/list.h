/* SPDX-License-Identifier: GPL-2.0 */
/*
 * list.h - intrusive circular doubly linked list
 *
 * The head is a struct dlist that is no member of anything.  A node that was
 * initialised or removed with dlist_del_init() points at itself, so
 * dlist_linked() can be asked at any time.  Context: any; the caller locks.
 */
#ifndef CORE_LIST_H
#define CORE_LIST_H

#include "portable.h"

struct dlist {
	struct dlist *next;
	struct dlist *prev;
};

static inline void dlist_init(struct dlist *node)
{
	node->next = node;
	node->prev = node;
}

static inline void dlist_insert_between(struct dlist *node, struct dlist *prev,
					struct dlist *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

/* Insert behind the head: the node becomes the first one. */
static inline void dlist_add(struct dlist *node, struct dlist *head)
{
	dlist_insert_between(node, head, head->next);
}

/* Insert before the head: the node becomes the last one. */
static inline void dlist_add_tail(struct dlist *node, struct dlist *head)
{
	dlist_insert_between(node, head->prev, head);
}

/* Unlink; harmless on a node that is not linked. */
static inline void dlist_del_init(struct dlist *node)
{
	node->prev->next = node->next;
	node->next->prev = node->prev;
	dlist_init(node);
}

static inline void dlist_move_tail(struct dlist *node, struct dlist *head)
{
	dlist_del_init(node);
	dlist_add_tail(node, head);
}

static inline bool dlist_empty(const struct dlist *head)
{
	return head->next == head;
}

/* Is this node a member of some list?  It must have been initialised. */
static inline bool dlist_linked(const struct dlist *node)
{
	return node->next != node;
}

/* Append all of @from to @to and leave @from empty. */
static inline void dlist_splice_tail_init(struct dlist *from, struct dlist *to)
{
	if (dlist_empty(from))
		return;
	from->next->prev = to->prev;
	to->prev->next = from->next;
	from->prev->next = to;
	to->prev = from->prev;
	dlist_init(from);
}

#define dlist_entry(node, type, member) container_of(node, type, member)

/* The list must not be empty. */
#define dlist_first_entry(head, type, member) \
	dlist_entry((head)->next, type, member)
#define dlist_last_entry(head, type, member) \
	dlist_entry((head)->prev, type, member)

#define dlist_first_entry_or_null(head, type, member) \
	(dlist_empty(head) ? NULL : dlist_first_entry(head, type, member))

#define dlist_next_entry(pos, member) \
	dlist_entry((pos)->member.next, __typeof__(*(pos)), member)

#define dlist_for_each_entry(pos, head, member)                              \
	for (pos = dlist_entry((head)->next, __typeof__(*(pos)), member);    \
	     &pos->member != (head); pos = dlist_next_entry(pos, member))

/* @pos may be removed (and freed) inside the loop; @tmp is the one after it. */
#define dlist_for_each_entry_safe(pos, tmp, head, member)                    \
	for (pos = dlist_entry((head)->next, __typeof__(*(pos)), member),    \
	    tmp = dlist_next_entry(pos, member);                             \
	     &pos->member != (head);                                         \
	     pos = tmp, tmp = dlist_next_entry(tmp, member))

#endif /* CORE_LIST_H */
