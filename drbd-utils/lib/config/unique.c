// SPDX-License-Identifier: GPL-2.0
/* unique.c - what may be used only once (spec chapter tools.md section 3.5) */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"

#define BUCKETS 1024

struct entry {
	struct entry *next;
	const char *key;
	struct cfg_place place;
};

struct unique {
	struct entry *buckets[BUCKETS];
};

static unsigned int key_bucket(const char *key)
{
	unsigned int sum = 5381;

	while (*key)
		sum = sum * 33 + (unsigned char)*key++;
	return sum % BUCKETS;
}

static bool add_key(struct config *cfg, struct cfg_place place, const char *what,
		    const char *format, va_list args)
{
	struct entry *entry, **bucket;
	va_list copy;
	char *key;
	int len;

	if (cfg->relaxed)
		return true;
	if (!cfg->unique)
		cfg->unique = arena_zalloc(cfg->arena, sizeof(*cfg->unique));
	va_copy(copy, args);
	len = vsnprintf(NULL, 0, format, copy);
	va_end(copy);
	key = arena_zalloc(cfg->arena, len + 1);
	vsnprintf(key, len + 1, format, args);

	bucket = &cfg->unique->buckets[key_bucket(key)];
	for (entry = *bucket; entry; entry = entry->next) {
		if (strcmp(entry->key, key))
			continue;
		cfg_problem(cfg, place, "conflicting use of %s '%s' ...", what, key);
		cfg_note(cfg, entry->place, "%s '%s' first used here.", what, key);
		return false;
	}
	entry = arena_zalloc(cfg->arena, sizeof(*entry));
	entry->key = key;
	entry->place = place;
	entry->next = *bucket;
	*bucket = entry;
	return true;
}

bool unique_add(struct config *cfg, struct cfg_place place, const char *what,
		const char *format, ...)
{
	va_list args;
	bool fresh;

	va_start(args, format);
	fresh = add_key(cfg, place, what, format, args);
	va_end(args);
	return fresh;
}

void parse_unique(struct parser *p, struct cfg_place place, const char *what,
		  const char *format, ...)
{
	va_list args;

	va_start(args, format);
	if (!p->fatal && !add_key(p->cfg, place, what, format, args))
		p->fatal = CFG_EXIT_INVALID;
	va_end(args);
}
