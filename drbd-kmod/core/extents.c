// SPDX-License-Identifier: GPL-2.0
#include "extents.h"

static u32 extents_buckets_for(u32 n_slots)
{
	u32 n = 1;

	while (n < n_slots)
		n <<= 1;
	return n;
}

size_t extents_mem_size(u32 n_slots)
{
	return n_slots * sizeof(struct extent_slot) +
	       extents_buckets_for(n_slots) * sizeof(struct extent_slot *);
}

/* ------------------------------------------------------------------ */
/* Hash by the extent a slot is, or is about to become                */

static struct extent_slot **extents_bucket(const struct extents *e, u32 number)
{
	return &e->buckets[number & (e->n_buckets - 1)];
}

static void extents_hash_add(struct extents *e, struct extent_slot *slot)
{
	struct extent_slot **bucket = extents_bucket(e, slot->new_number);

	slot->hash_next = *bucket;
	*bucket = slot;
}

static void extents_hash_del(struct extents *e, struct extent_slot *slot)
{
	struct extent_slot **link = extents_bucket(e, slot->new_number);

	while (*link && *link != slot)
		link = &(*link)->hash_next;
	if (*link)
		*link = slot->hash_next;
	slot->hash_next = NULL;
}

struct extent_slot *extents_find(const struct extents *e, u32 number)
{
	struct extent_slot *slot;

	if (number == EXTENT_FREE)
		return NULL;
	for (slot = *extents_bucket(e, number); slot; slot = slot->hash_next)
		if (slot->new_number == number)
			return slot;
	return NULL;
}

/* ------------------------------------------------------------------ */
/* Table                                                              */

static void extents_make_free(struct extents *e, struct extent_slot *slot)
{
	slot->number = EXTENT_FREE;
	slot->new_number = EXTENT_FREE;
	slot->bits_left = 0;
	slot->bits_failed = 0;
	slot->flags = 0;
	dlist_add(&slot->list, &e->free);
}

/* Every slot free, the highest number first in line. */
static void extents_empty(struct extents *e)
{
	u32 i;

	dlist_init(&e->free);
	dlist_init(&e->idle);
	dlist_init(&e->used);
	dlist_init(&e->pending);
	memset(e->buckets, 0, e->n_buckets * sizeof(*e->buckets));
	for (i = 0; i < e->n_slots; i++) {
		struct extent_slot *slot = &e->slots[i];

		memset(slot, 0, sizeof(*slot));
		slot->index = i;
		extents_make_free(e, slot);
	}
}

void extents_init(struct extents *e, void *mem, u32 n_slots, u32 pending_max)
{
	memset(e, 0, sizeof(*e));
	e->slots = mem;
	e->buckets = (struct extent_slot **)(e->slots + n_slots);
	e->n_slots = n_slots;
	e->n_buckets = extents_buckets_for(n_slots);
	e->pending_max = pending_max;
	extents_empty(e);
}

bool extents_idle(const struct extents *e)
{
	return !e->n_used && !e->n_pending && !e->locked;
}

bool extents_reset(struct extents *e)
{
	if (!extents_idle(e))
		return false;
	extents_empty(e);
	e->starving = false;
	return true;
}

u32 extents_slot_number(const struct extents *e, u32 index)
{
	return index < e->n_slots ? e->slots[index].number : EXTENT_FREE;
}

bool extents_forget(struct extents *e, struct extent_slot *slot)
{
	if (slot->refs || slot->changing || slot->number == EXTENT_FREE)
		return false;
	extents_hash_del(e, slot);
	dlist_del_init(&slot->list);
	extents_make_free(e, slot);
	return true;
}

/* ------------------------------------------------------------------ */
/* References                                                         */

bool extents_in_use(const struct extents *e, u32 number)
{
	const struct extent_slot *slot = extents_find(e, number);

	return slot && slot->refs;
}

static void extents_ref(struct extents *e, struct extent_slot *slot)
{
	if (slot->refs++)
		return;
	e->n_used++;
	if (!slot->changing)
		dlist_move_tail(&slot->list, &e->used);
}

u32 extents_put(struct extents *e, struct extent_slot *slot)
{
	if (core_bug_on(!slot->refs))
		return 0;
	if (--slot->refs)
		return slot->refs;
	e->n_used--;
	e->starving = false;
	if (!slot->changing)
		dlist_move_tail(&slot->list, &e->idle);
	return 0;
}

/* The slot for a new extent: a free one, else the least recently used one. */
static struct extent_slot *extents_victim(struct extents *e)
{
	struct extent_slot *slot;

	slot = dlist_first_entry_or_null(&e->free, struct extent_slot, list);
	if (!slot)
		slot = dlist_first_entry_or_null(&e->idle, struct extent_slot, list);
	return slot;
}

static void extents_queue_change(struct extents *e, struct extent_slot *slot, u32 number)
{
	if (slot->number != EXTENT_FREE)
		extents_hash_del(e, slot);
	slot->new_number = number;
	slot->changing = true;
	slot->bits_left = 0;
	slot->bits_failed = 0;
	slot->flags = 0;
	extents_hash_add(e, slot);
	dlist_del_init(&slot->list);
	dlist_add(&slot->list, &e->pending);
	e->n_pending++;
}

static enum extent_get extents_refuse_starving(struct extents *e)
{
	e->starving = true;
	e->n_starving++;
	return EXTENT_STARVING;
}

enum extent_get extents_get(struct extents *e, u32 number, struct extent_slot **slot)
{
	struct extent_slot *found;

	*slot = NULL;
	/* Hot extents would be re-referenced for ever and starve the others. */
	if (e->starving)
		return extents_refuse_starving(e);

	found = extents_find(e, number);
	if (found) {
		e->hits++;
	} else {
		if (e->locked || e->n_pending >= e->pending_max) {
			e->n_locked++;
			return EXTENT_BUSY;
		}
		found = extents_victim(e);
		if (!found) {
			/* All are changing and nobody's: the commit frees them. */
			if (!e->n_used)
				return EXTENT_BUSY;
			return extents_refuse_starving(e);
		}
		e->misses++;
		extents_queue_change(e, found, number);
	}
	extents_ref(e, found);
	*slot = found;
	return found->changing ? EXTENT_QUEUED : EXTENT_HIT;
}

enum extent_get extents_try_get(struct extents *e, u32 number, struct extent_slot **slot)
{
	struct extent_slot *found = extents_find(e, number);

	*slot = NULL;
	if (!found || found->changing)
		return EXTENT_MISS;
	if (e->starving)
		return extents_refuse_starving(e);
	e->hits++;
	extents_ref(e, found);
	*slot = found;
	return EXTENT_HIT;
}

void extents_put_range(struct extents *e, u32 first, u32 last)
{
	u32 number = first;

	for (;; number++) {
		struct extent_slot *slot = extents_find(e, number);

		if (!core_bug_on(!slot))
			extents_put(e, slot);
		if (number == last)
			return;
	}
}

enum extent_get extents_get_range(struct extents *e, u32 first, u32 last)
{
	enum extent_get worst = EXTENT_HIT;
	u32 number = first;

	for (;; number++) {
		struct extent_slot *slot;
		enum extent_get got = extents_get(e, number, &slot);

		if (!slot) {
			if (number != first)
				extents_put_range(e, first, number - 1);
			/*
			 * Giving back what was just taken released nothing for
			 * others; but with nobody left there is no put to wait for.
			 */
			e->starving = got == EXTENT_STARVING && e->n_used;
			return got;
		}
		if (got == EXTENT_QUEUED)
			worst = EXTENT_QUEUED;
		if (number == last)
			return worst;
	}
}

bool extents_range_ready(const struct extents *e, u32 first, u32 last)
{
	u32 number = first;

	for (;; number++) {
		const struct extent_slot *slot = extents_find(e, number);

		if (!slot || slot->changing)
			return false;
		if (number == last)
			return true;
	}
}

/* ------------------------------------------------------------------ */
/* Transactions                                                       */

bool extents_lock(struct extents *e)
{
	if (e->locked || !e->n_pending)
		return false;
	e->locked = true;
	return true;
}

void extents_commit(struct extents *e)
{
	/* Oldest first, so that the idle ones line up in the order of their use. */
	while (!dlist_empty(&e->pending)) {
		struct extent_slot *slot = dlist_last_entry(&e->pending, struct extent_slot, list);

		slot->number = slot->new_number;
		slot->changing = false;
		dlist_move_tail(&slot->list, slot->refs ? &e->used : &e->idle);
		e->changed++;
	}
	e->n_pending = 0;
	e->locked = false;
}

/* ------------------------------------------------------------------ */
/* Invariants                                                         */

/* Is the slot in the state that list @head stands for? */
static bool extents_slot_fits(const struct extents *e, const struct extent_slot *slot,
			      const struct dlist *head)
{
	if (head == &e->free)
		return !slot->refs && !slot->changing && slot->number == EXTENT_FREE &&
		       slot->new_number == EXTENT_FREE;
	if (extents_find(e, slot->new_number) != slot)
		return false;
	if (head == &e->pending)
		return slot->changing && slot->new_number != slot->number;
	if (slot->changing || slot->number == EXTENT_FREE || slot->number != slot->new_number)
		return false;
	return head == &e->used ? slot->refs > 0 : !slot->refs;
}

bool extents_valid(const struct extents *e)
{
	const struct dlist *heads[] = { &e->free, &e->idle, &e->used, &e->pending };
	u32 n = 0, used = 0, pending = 0;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		const struct dlist *node;

		for (node = heads[i]->next; node != heads[i]; node = node->next) {
			const struct extent_slot *slot = dlist_entry(node, struct extent_slot, list);

			if (!extents_slot_fits(e, slot, heads[i]) || ++n > e->n_slots)
				return false;
			used += slot->refs > 0;
			pending += slot->changing;
		}
	}
	return n == e->n_slots && used == e->n_used && pending == e->n_pending &&
	       pending <= e->pending_max && (!e->locked || pending);
}
