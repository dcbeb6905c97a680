// SPDX-License-Identifier: GPL-2.0
/* build_host.c - from statements to the model: host sections and addresses */
#include <string.h>

#include "parser.h"

static struct cfg_host *host_add(struct parser *p, struct cfg_place place, enum cfg_host_kind kind)
{
	struct cfg_host *host = arena_zalloc(p->cfg->arena, sizeof(*host)), **tail;

	if (p->in_common) {
		parse_fatal(p, CFG_EXIT_INVALID, place,
			    "in the common section, there are no host sections allowed.");
		return host;
	}
	host->kind = kind;
	host->place = place;
	for (tail = &p->res->hosts; *tail; tail = &(*tail)->next)
		;
	*tail = host;
	p->host = host;
	p->proxy = NULL;
	return host;
}

static void host_keys(struct parser *p, struct cfg_place place)
{
	struct cfg_name *name;

	for (name = p->host ? p->host->names : NULL; name; name = name->next)
		parse_unique(p, place, "host section", "%s: on %s", p->res->name, name->text);
}

void build_host_begin(struct parser *p, struct cfg_place place, enum cfg_host_kind kind,
		      struct cfg_name *names)
{
	struct cfg_host *host = host_add(p, place, kind);

	if (kind == CFG_HOST_THIS)
		names = build_names(p, NULL, "_this_host");
	else if (kind == CFG_HOST_REMOTE)
		names = build_names(p, NULL, "_remote_host");
	host->names = names;
	host_keys(p, place);
}

static void address_key(struct parser *p, struct cfg_place place, const struct cfg_host *host,
			const struct cfg_address *addr)
{
	const struct cfg_name *name;

	if (!addr->family)
		return;
	if (!address_is_loopback(addr)) {
		parse_unique(p, place, "IP", "%s:%s", addr->addr, addr->port);
		return;
	}
	for (name = host->names; name; name = name->next)
		parse_unique(p, place, "IP", "%s:%s:%s", name->text, addr->addr, addr->port);
}

void build_floating_begin(struct parser *p, struct cfg_place place, struct cfg_address addr)
{
	struct cfg_host *host = host_add(p, place, CFG_HOST_FLOATING);

	host->address = addr;
	host->names = build_names(p, NULL, arena_printf(p->cfg->arena, "%s:%s", addr.addr,
							addr.port));
	host_keys(p, place);
	address_key(p, place, host, &addr);
}

void build_stacked_begin(struct parser *p, struct cfg_place place, const char *lower)
{
	struct cfg_host *host = host_add(p, place, CFG_HOST_STACKED);

	host->lower_name = lower;
	parse_unique(p, place, "stacked-on-top-of", "stacked:%s", lower);
}

void build_host_end(struct parser *p)
{
	struct cfg_host *host = p->host;

	if (host->kind != CFG_HOST_STACKED) {
		volumes_inherit(p, host, host->place);
		if (!p->cfg->relaxed)
			check_host_complete(p, host);
	} else if (!host->address.family) {
		cfg_problem(p->cfg, host->place,
			    "in resource %s, stacked-on-top-of %s { ... }: 'address' keyword "
			    "missing.", p->res->name, host->lower_name);
	}
	volumes_sort(&host->volumes);
	p->host = NULL;
	p->proxy = NULL;
}

void build_address(struct parser *p, struct cfg_place place, struct cfg_address addr, bool alt)
{
	const char *word = alt ? "alternate-link-address" : "address";
	const struct cfg_name *name;

	if (p->host->kind == CFG_HOST_FLOATING && !alt) {
		parse_fatal(p, CFG_EXIT_INVALID, place,
			    "address statement not allowed for floating {} host sections");
		return;
	}
	for (name = p->host->names; name; name = name->next)
		parse_unique(p, place, arena_printf(p->cfg->arena, "%s statement", word),
			     "%s:%s:%s", p->res->name, name->text, word);
	if (alt) {
		p->host->alt_address = addr;
		return;
	}
	p->host->address = addr;
	address_key(p, place, p->host, &addr);
}

void build_proxy_begin(struct parser *p, struct cfg_name *names)
{
	p->proxy = arena_zalloc(p->cfg->arena, sizeof(*p->proxy));
	p->proxy->names = names;
	p->host->proxy = p->proxy;
}

struct cfg_address build_make_address(struct parser *p, struct cfg_place place,
				      const char *family, const char *addr, const char *port)
{
	struct cfg_address address = {
		.family = strcmp(family, "sci") ? family : "ssocks",
		.addr = addr,
		.port = port,
		.place = place,
	};
	uint64_t number;

	if (number_check(p->cfg, place, "port", port, '1', 1, 65535, &number) == CFG_EXIT_FAILED)
		p->fatal = CFG_EXIT_FAILED;
	return address;
}
