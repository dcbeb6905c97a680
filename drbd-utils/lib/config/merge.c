// SPDX-License-Identifier: GPL-2.0
/*
 * merge.c - options go down to where they take effect (spec chapter tools.md section 3.4)
 *
 * The order of the result is visible in drbdsetup's command line: what is
 * inherited comes first, in reverse order.
 */
#include <string.h>

#include "parser.h"

static bool list_names(const struct cfg_options *list, const char *name)
{
	const struct cfg_option *opt;

	for (opt = list->first; opt; opt = opt->next)
		if (!strcmp(opt->name, name))
			return true;
	return false;
}

static void inherit(struct config *cfg, struct cfg_options *to, const struct cfg_options *from)
{
	const struct cfg_option *opt;
	struct cfg_option *copy;

	for (opt = from->first; opt; opt = opt->next) {
		if (list_names(to, opt->name))
			continue;
		copy = arena_zalloc(cfg->arena, sizeof(*copy));
		copy->name = opt->name;
		copy->value = opt->value;
		copy->next = to->first;
		to->first = copy;
	}
}

/* each line goes to the front like an option does */
static void inherit_plugins(struct config *cfg, struct cfg_name **to, const struct cfg_name *from)
{
	struct cfg_name *copy;

	if (*to)
		return;
	for (; from; from = from->next) {
		copy = arena_zalloc(cfg->arena, sizeof(*copy));
		copy->text = from->text;
		copy->next = *to;
		*to = copy;
	}
}

static void inherit_common(struct config *cfg, struct cfg_resource *res)
{
	const struct cfg_resource *common = cfg->common;
	int section;

	for (section = 0; section < CFG_SECTIONS; section++)
		inherit(cfg, &res->section[section], &common->section[section]);
	if (!res->become_primary_on)
		res->become_primary_on = common->become_primary_on;
	inherit_plugins(cfg, &res->plugins, common->plugins);
	res->stacked_timeouts |= common->stacked_timeouts;
}

static void rewrite_resync_after(struct config *cfg, struct cfg_options *list)
{
	struct cfg_option *opt;
	long minor;

	for (opt = list->first; opt; opt = opt->next)
		if (!strcmp(opt->name, "resync-after") &&
		    cfg_resync_after_minor(cfg, opt->value, &minor))
			opt->value = arena_printf(cfg->arena, "%ld", minor);
}

static void expand_volumes(struct config *cfg, struct cfg_resource *res, struct cfg_host *host)
{
	const struct cfg_volume *from;
	struct cfg_volume *vol;
	char buf[32];

	for (vol = host->volumes; vol; vol = vol->next) {
		inherit(cfg, &vol->options, &res->section[CFG_DISK]);
		for (from = res->volumes; from; from = from->next)
			if (from->number == vol->number)
				inherit(cfg, &vol->options, &from->options);
		rewrite_resync_after(cfg, &vol->options);
		vol->device = arena_strdup(cfg->arena, cfg_device_name(vol, buf, sizeof(buf)));
	}
}

static void rewrite_discard_node(struct config *cfg, struct cfg_resource *res)
{
	static const char prefix[] = "discard-node-";
	struct cfg_option *opt;

	if (!res->me)
		return;
	for (opt = res->section[CFG_NET].first; opt; opt = opt->next) {
		if (strcmp(opt->name, "after-sb-0pri") ||
		    strncmp(opt->value, prefix, strlen(prefix)))
			continue;
		opt->value = strcmp(opt->value + strlen(prefix), cfg->node_name) ?
				     "discard-remote" : "discard-local";
	}
}

void config_expand(struct config *cfg)
{
	struct cfg_resource *res;
	struct cfg_host *host;

	if (cfg->expanded)
		return;
	cfg->expanded = true;
	for (res = cfg->resources; res; res = res->next) {
		if (cfg->common)
			inherit_common(cfg, res);
		for (host = res->hosts; host; host = host->next) {
			expand_volumes(cfg, res, host);
			if (!host->proxy)
				continue;
			inherit(cfg, &host->proxy->options, &res->section[CFG_PROXY]);
			inherit_plugins(cfg, &host->proxy->plugins, res->plugins);
		}
		rewrite_resync_after(cfg, &res->section[CFG_DISK]);
		rewrite_discard_node(cfg, res);
	}
}
