// SPDX-License-Identifier: GPL-2.0
/*
 * Configuration files
 *
 * Any text is parsed or refused; what is accepted can be dumped, the dump is accepted as
 * well, and dumped again it reads the same.
 */
#include "input.h"
#define SANDBOX_ITSELF
#include "sandbox.h"
#include "config.h"

#define NODE "alf"
#define NAME "fuzz.conf"

static FILE *nowhere;

static struct config *parse(const char *text, size_t len, bool show)
{
	struct config *cfg = config_new(NODE, nowhere);
	int rc;

	sandbox_reset();
	sandbox_file(NAME, text, len);
	sandbox_file("included.conf", "resource from-include { }\n", 26);
	rc = show ? config_parse_show(cfg, text, len) : config_parse_file(cfg, NAME);
	if (!rc)
		rc = config_finish(cfg);
	if (!rc && !show)
		rc = config_check_references(cfg);
	if (!rc)
		return cfg;
	config_free(cfg);
	return NULL;
}

static char *dump(const struct config *cfg, size_t *len)
{
	char *text = NULL;
	FILE *out = open_memstream(&text, len);

	config_dump(out, cfg, 0);
	fclose(out);
	return text;
}

/* Comments say where something stood. */
static void comments_strip(char *text)
{
	char *to = text, *line, *save = NULL;
	size_t len;

	for (line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		len = strlen(line);
		if (*line == '#')
			continue;
		memmove(to, line, len);
		to += len;
		*to++ = '\n';
	}
	*to = 0;
}

static void dump_comes_back(char *text, size_t len)
{
	struct config *cfg = parse(text, len, false);
	size_t again_len;
	char *again;

	must(cfg);
	again = dump(cfg, &again_len);
	comments_strip(text);
	comments_strip(again);
	if (strcmp(text, again)) {
		fprintf(stderr, "--- dump\n%s--- dump of the dump\n%s", text, again);
		must(!"a dump reads the same");
	}
	free(again);
	config_free(cfg);
}

static void use(struct config *cfg)
{
	struct cfg_resource *res;
	size_t len;
	char *text;

	for (res = cfg->resources; res; res = res->next)
		config_check_values(cfg, res);
	config_expand(cfg);
	config_check_references(cfg);
	if (cfg->relaxed)
		return;
	text = dump(cfg, &len);
	free(text);
	config_dump_xml(nowhere, cfg);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	bool show = size && data[0] == '!';
	struct config *cfg;
	size_t len;
	char *text;

	if (!nowhere)
		nowhere = fopen("/dev/null", "w");
	cfg = parse((const char *)data + show, size - show, show);
	if (!cfg)
		return 0;
	if (!show) {
		text = dump(cfg, &len);
		dump_comes_back(text, len);
		free(text);
	}
	use(cfg);
	config_free(cfg);
	return 0;
}
