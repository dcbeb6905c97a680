// SPDX-License-Identifier: GPL-2.0
/*
 * object_memory.c - the last known state of objects (see object_memory.h)
 */
#include "object_memory.h"

#include <stdlib.h>
#include <string.h>

struct memory {
	struct memory *next;
	struct object_view view;
	unsigned int round; /* in which it was kept last */
};

static struct memory *memories;
static unsigned int current_round;

static bool same_object(const struct object_view *a, const struct object_view *b)
{
	return a->kind == b->kind && a->minor == b->minor &&
	       a->context.ctx_volume == b->context.ctx_volume &&
	       !a->context.ctx_peer_addr_len == !b->context.ctx_peer_addr_len &&
	       !strcmp(a->context.ctx_resource_name, b->context.ctx_resource_name);
}

static struct memory **find(const struct object_view *view)
{
	struct memory **at = &memories;

	while (*at && !same_object(&(*at)->view, view))
		at = &(*at)->next;
	return at;
}

const struct object_view *object_memory_find(const struct object_view *view)
{
	struct memory *memory = *find(view);

	return memory ? &memory->view : NULL;
}

void object_memory_keep(const struct object_view *view)
{
	struct memory *memory = *find(view);

	if (!memory) {
		memory = malloc(sizeof(*memory));
		if (!memory)
			return; /* the next change line will have all fields */
		memory->next = memories;
		memories = memory;
	}
	memory->view = *view;
	memory->round = current_round;
}

void object_memory_forget(const struct object_view *view)
{
	struct memory **at = find(view);
	struct memory *memory = *at;

	if (!memory)
		return;
	*at = memory->next;
	free(memory);
}

void object_memory_begin_anew(void)
{
	current_round++;
}

static void forget_others_of(enum object_kind kind, void (*gone)(const struct object_view *view))
{
	struct memory **at = &memories, *memory;

	while ((memory = *at)) {
		if (memory->view.kind != kind || memory->round == current_round) {
			at = &memory->next;
			continue;
		}
		gone(&memory->view);
		*at = memory->next;
		free(memory);
	}
}

void object_memory_forget_others(void (*gone)(const struct object_view *view))
{
	int kind;

	for (kind = OBJECT_KINDS - 1; kind >= 0; kind--)
		forget_others_of(kind, gone);
}
