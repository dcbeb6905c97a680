// SPDX-License-Identifier: GPL-2.0
/* source.c - from file names to text: the main file, standard input, includes */
#include <errno.h>
#include <glob.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "parser.h"

#define SOURCE_MAX (64 * 1024 * 1024)

static bool read_all(FILE *file, char **text, size_t *len)
{
	size_t room = 16384, got;
	char *bigger;

	*text = malloc(room);
	*len = 0;
	while (*text) {
		got = fread(*text + *len, 1, room - *len, file);
		*len += got;
		if (!got)
			break;
		if (*len < room)
			continue;
		if (room >= SOURCE_MAX) {
			errno = EFBIG;
			return false;
		}
		room *= 2;
		bigger = realloc(*text, room);
		if (!bigger)
			return false;
		*text = bigger;
	}
	return *text && !ferror(file);
}

static const char *directory_of(struct config *cfg, const char *canonical)
{
	const char *slash = strrchr(canonical, '/');

	if (!slash)
		return NULL;
	return arena_strndup(cfg->arena, canonical, slash == canonical ? 1 : slash - canonical);
}

static const char *canonical_path(struct config *cfg, const char *path)
{
	char *real = realpath(path, NULL);
	const char *copy;

	if (!real)
		return path;
	copy = arena_strdup(cfg->arena, real);
	free(real);
	return copy;
}

static bool read_before(struct config *cfg, const char *canonical)
{
	struct cfg_name *name;

	if (cfg_names_contain(cfg->files_read, canonical))
		return true;
	name = arena_zalloc(cfg->arena, sizeof(*name));
	name->text = canonical;
	name->next = cfg->files_read;
	cfg->files_read = name;
	return false;
}

bool source_push(struct parser *p, const char *path, const char *shown)
{
	struct config *cfg = p->cfg;
	bool is_stdin = !strcmp(path, "-");
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	struct input *input;
	struct stat st;
	char *text = NULL;
	size_t len;
	bool ok;

	if (!file)
		return false;
	if (!fstat(fileno(file), &st) && S_ISDIR(st.st_mode)) {
		fclose(file);
		errno = EISDIR;
		return false;
	}
	ok = read_all(file, &text, &len);
	if (!is_stdin)
		fclose(file);
	if (ok) {
		input = arena_zalloc(cfg->arena, sizeof(*input));
		input->shown = arena_strdup(cfg->arena, shown);
		input->canonical = is_stdin ? input->shown : canonical_path(cfg, path);
		input->dir = is_stdin ? NULL : directory_of(cfg, input->canonical);
		read_before(cfg, input->canonical);
		scanner_push(p, input, text, len);
	}
	free(text);
	return ok;
}

static void include_one(struct parser *p, struct cfg_place place, const char *path,
			const char *shown)
{
	const char *canonical = canonical_path(p->cfg, path);

	if (read_before(p->cfg, canonical))
		return;
	if (!source_push(p, path, shown))
		cfg_problem(p->cfg, place, "Failed to open include file '%s': %s.", shown,
			    strerror(errno));
}

void source_include(struct parser *p, struct cfg_place place, const char *pattern)
{
	const char *dir = p->input->dir;
	size_t strip = 0, i;
	glob_t found = { 0 };

	if (dir && *pattern != '/') {
		strip = strlen(dir) + 1;
		pattern = arena_printf(p->cfg->arena, "%s/%s", dir, pattern);
	}
	switch (glob(pattern, 0, NULL, &found)) {
	case 0:
		/* the last one pushed is read first */
		for (i = found.gl_pathc; i-- > 0;)
			include_one(p, place, found.gl_pathv[i], found.gl_pathv[i] + strip);
		break;
	case GLOB_NOMATCH:
		if (!strpbrk(pattern + strip, "*?["))
			cfg_problem(p->cfg, place, "Failed to open include file '%s'.",
				    pattern + strip);
		break;
	default:
		cfg_problem(p->cfg, place, "Failed to expand include pattern '%s'.",
			    pattern + strip);
	}
	globfree(&found);
}
