// SPDX-License-Identifier: GPL-2.0
/* config.c - a configuration's life, and looking things up in it */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parser.h"
#include "parse.h"

struct config *config_new(const char *node_name, FILE *errors)
{
	struct arena *arena = arena_new();
	struct config *cfg = arena_zalloc(arena, sizeof(*cfg));

	cfg->arena = arena;
	cfg->node_name = arena_strdup(arena, node_name);
	cfg->errors = errors;
	cfg->global.dialog_refresh = 1;
	cfg->global.timeout_short = 5;
	cfg->global.timeout_medium = 600;
	cfg->global.timeout_long = 0;
	return cfg;
}

void config_free(struct config *cfg)
{
	if (cfg)
		arena_free(cfg->arena);
}

static int run_parser(struct parser *p)
{
	if (!p->fatal && cfg_parse(p) && !p->fatal)
		p->fatal = CFG_EXIT_FAILED;
	scanner_close(p);
	return p->fatal;
}

int config_parse_file(struct config *cfg, const char *file)
{
	const char *shown = strcmp(file, "-") ? file : "<stdin>";
	struct parser p = { .cfg = cfg };

	if (scanner_open(&p))
		return CFG_EXIT_FAILED;
	if (!source_push(&p, file, shown)) {
		fprintf(cfg->errors, "Cannot read configuration file '%s': %s.\n", file,
			strerror(errno));
		scanner_close(&p);
		return CFG_EXIT_FAILED;
	}
	if (!cfg->file) {
		cfg->file = arena_strdup(cfg->arena, file);
		cfg->canonical = p.input->canonical;
	}
	return run_parser(&p);
}

int config_parse_show(struct config *cfg, const char *text, size_t len)
{
	struct parser p = { .cfg = cfg };
	struct input *input = arena_zalloc(cfg->arena, sizeof(*input));

	cfg->relaxed = true;
	if (scanner_open(&p))
		return CFG_EXIT_FAILED;
	input->shown = input->canonical = "drbdsetup show";
	scanner_push(&p, input, text, len);
	return run_parser(&p);
}

struct cfg_resource *config_resource(struct config *cfg, const char *name)
{
	struct cfg_resource *res;

	for (res = cfg->resources; res; res = res->next)
		if (!strcmp(res->name, name))
			return res;
	return NULL;
}

struct cfg_volume *config_volume(const struct cfg_host *host, unsigned int number)
{
	struct cfg_volume *vol;

	for (vol = host->volumes; vol; vol = vol->next)
		if (vol->number == number)
			return vol;
	return NULL;
}

bool cfg_names_contain(const struct cfg_name *names, const char *text)
{
	for (; names; names = names->next)
		if (!strcmp(names->text, text))
			return true;
	return false;
}

const char *cfg_device_name(const struct cfg_volume *vol, char *buf, size_t size)
{
	if (vol->device)
		return vol->device;
	snprintf(buf, size, "/dev/drbd%ld", vol->minor);
	return buf;
}
