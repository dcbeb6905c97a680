// SPDX-License-Identifier: GPL-2.0
/* build.c - from statements to the model: global, resources, option sections */
#include <string.h>

#include "parser.h"

static const char *const section_words[] = {
	[CFG_OPTIONS] = "options", [CFG_NET] = "net", [CFG_DISK] = "disk",
	[CFG_STARTUP] = "startup", [CFG_PROXY] = "proxy", [CFG_HANDLERS] = "handlers",
	[CFG_SYNCER] = "syncer",
};

void build_global_begin(struct parser *p, struct cfg_place place)
{
	if (p->cfg->resources)
		cfg_note(p->cfg, place, "You should put the global {} section\n"
			 "\tin front of any resource {} section");
	parse_unique(p, place, "global section", "global");
	p->cfg->global.present = true;
}

void build_global_number(struct parser *p, struct cfg_place place, const char *name,
			 const char *text)
{
	struct cfg_global *global = &p->cfg->global;
	const struct {
		const char *name;
		unsigned int *target, min, max;
	} numbers[] = {
		{ "minor-count", &global->minor_count, 1, 255 },
		{ "dialog-refresh", &global->dialog_refresh, 0, 600 },
		{ "cmd-timeout-short", &global->timeout_short, 0, 900 },
		{ "cmd-timeout-medium", &global->timeout_medium, 0, 900 },
		{ "cmd-timeout-long", &global->timeout_long, 0, 900 },
	};
	uint64_t value = 0;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(numbers[i].name, name))
			continue;
		rc = number_check(p->cfg, place, name, text, '1', numbers[i].min, numbers[i].max,
				  &value);
		if (rc == CFG_EXIT_FAILED)
			p->fatal = rc;
		*numbers[i].target = value;
	}
}

static bool name_is_printable(const char *name)
{
	const char *c;

	for (c = name; *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return false;
	return c != name;
}

void build_resource_begin(struct parser *p, struct cfg_place place, const char *name)
{
	struct cfg_resource *res = arena_zalloc(p->cfg->arena, sizeof(*res)), **tail;

	p->in_common = !name;
	if (name && !name_is_printable(name)) {
		parse_fatal(p, 1, place, "A resource name must not be empty nor contain control "
			    "characters.");
		return;
	}
	res->name = name ? name : "common";
	res->place = place;
	res->file = p->input->canonical;
	p->res = res;
	parse_unique(p, place, "resource section", "%s", res->name);
	if (p->in_common) {
		p->cfg->common = res;
		return;
	}
	for (tail = &p->cfg->resources; *tail; tail = &(*tail)->next)
		;
	*tail = res;
}

void build_resource_end(struct parser *p, struct cfg_place place)
{
	if (!p->in_common && !p->cfg->relaxed)
		check_hosts_equal(p->cfg, p->res, place);
	p->res = NULL;
}

void build_section_begin(struct parser *p, struct cfg_place place, enum cfg_section section)
{
	parse_unique(p, place, arena_printf(p->cfg->arena, "%s section", section_words[section]),
		     "%s:%s", p->res->name, section_words[section]);
	p->section = section;
	p->options = &p->res->section[section == CFG_SYNCER ? CFG_DISK : section];
	if (section == CFG_NET)
		p->res->net_present = true;
}

void build_section_end(struct parser *p)
{
	p->options = NULL;
}

/* drbdsetup show may print it; it says nothing about the configuration */
static bool shown_but_no_option(struct parser *p, const char *name)
{
	return p->cfg->relaxed && !strcmp(name, "discard-my-data");
}

void build_option_allowed(struct parser *p, struct cfg_place place, const char *name)
{
	if (!option_in_section(p->section, name) && !shown_but_no_option(p, name))
		parse_expected(p, place, option_keyword_text(p->section), name, "");
}

static void append(struct parser *p, struct cfg_options *list, const char *name,
		   const char *value)
{
	struct cfg_option *opt = arena_zalloc(p->cfg->arena, sizeof(*opt)), **tail;

	opt->name = name;
	opt->value = value;
	for (tail = &list->first; *tail; tail = &(*tail)->next)
		;
	*tail = opt;
}

static const char *upper_case_protocol(struct parser *p, const char *value)
{
	char *copy = arena_strdup(p->cfg->arena, value);

	if (*copy >= 'a' && *copy <= 'z')
		*copy += 'A' - 'a';
	return copy;
}

void build_option(struct parser *p, struct cfg_place place, const char *name, const char *value)
{
	enum cfg_section section;
	int rc;

	if (shown_but_no_option(p, name))
		return;
	section = option_modern(p->section, &name, &value);
	if (!name)
		return;
	if (section == CFG_STARTUP && !strcmp(name, "stacked-timeouts")) {
		p->res->stacked_timeouts = true;
		return;
	}
	rc = value ? option_check(p->cfg, place, section, name, value) : 0;
	if (rc == CFG_EXIT_FAILED)
		p->fatal = rc;
	if (section == CFG_NET && !strcmp(name, "protocol"))
		value = upper_case_protocol(p, value);
	append(p, p->section == CFG_SYNCER ? &p->res->section[section] : p->options, name, value);
}

void build_protocol(struct parser *p, struct cfg_place place, const char *value)
{
	parse_unique(p, place, "protocol statement", "%s:protocol", p->res->name);
	p->section = CFG_NET;
	p->options = &p->res->section[CFG_NET];
	build_option(p, place, "protocol", value);
	p->options = NULL;
}

void build_become_primary(struct parser *p, struct cfg_place place, struct cfg_name *names)
{
	parse_unique(p, place, "become-primary-on statement", "%s:become-primary-on",
		     p->res->name);
	p->res->become_primary_on = names;
}

struct cfg_name *build_names(struct parser *p, struct cfg_name *list, const char *text)
{
	struct cfg_name *name = arena_zalloc(p->cfg->arena, sizeof(*name)), **tail;

	name->text = text;
	for (tail = &list; *tail; tail = &(*tail)->next)
		;
	*tail = name;
	return list;
}

void build_plugin_begin(struct parser *p, struct cfg_place place)
{
	struct cfg_name *old = p->proxy ? p->proxy->plugins : p->res->plugins;

	if (old)
		cfg_problem(p->cfg, place, "in resource %s: only one plugin section is allowed.",
			    p->res->name);
}

void build_plugin(struct parser *p, struct cfg_name *words)
{
	struct cfg_name **list = p->proxy ? &p->proxy->plugins : &p->res->plugins;
	const char *line = words->text;

	while ((words = words->next))
		line = arena_printf(p->cfg->arena, "%s %s", line, words->text);
	*list = build_names(p, *list, line);
}
