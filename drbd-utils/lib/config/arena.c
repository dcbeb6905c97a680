// SPDX-License-Identifier: GPL-2.0
/* arena.c - memory that is given back all at once, with its configuration */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"

#define CHUNK_SIZE (64 * 1024)

struct chunk {
	struct chunk *next;
	size_t used, size;
	max_align_t data[];
};

struct arena {
	struct chunk *chunks;
};

static void *checked_alloc(size_t size)
{
	void *mem = calloc(1, size);

	if (!mem) {
		fputs("out of memory\n", stderr);
		exit(CFG_EXIT_FAILED);
	}
	return mem;
}

struct arena *arena_new(void)
{
	return checked_alloc(sizeof(struct arena));
}

void arena_free(struct arena *arena)
{
	struct chunk *chunk, *next;

	for (chunk = arena->chunks; chunk; chunk = next) {
		next = chunk->next;
		free(chunk);
	}
	free(arena);
}

void *arena_zalloc(struct arena *arena, size_t size)
{
	struct chunk *chunk = arena->chunks;
	void *mem;

	size = (size + sizeof(max_align_t) - 1) & ~(sizeof(max_align_t) - 1);
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_SIZE ? size : CHUNK_SIZE;

		chunk = checked_alloc(sizeof(*chunk) + room);
		chunk->size = room;
		chunk->next = arena->chunks;
		arena->chunks = chunk;
	}
	mem = (char *)chunk->data + chunk->used;
	chunk->used += size;
	return mem;
}

char *arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = arena_zalloc(arena, len + 1);

	memcpy(copy, text, len);
	return copy;
}

char *arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
	va_list args;
	char *text;
	int len;

	va_start(args, format);
	len = vsnprintf(NULL, 0, format, args);
	va_end(args);
	text = arena_zalloc(arena, len + 1);
	va_start(args, format);
	vsnprintf(text, len + 1, format, args);
	va_end(args);
	return text;
}
