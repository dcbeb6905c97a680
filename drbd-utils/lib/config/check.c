// SPDX-License-Identifier: GPL-2.0
/* check.c - is the model complete and consistent (spec chapter tools.md sections 3.1 to 3.6) */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "parser.h"

static const char *host_title(const struct cfg_host *host)
{
	if (host->kind == CFG_HOST_STACKED)
		return host->lower_name;
	return host->names ? host->names->text : "?";
}

static void report_missing(struct parser *p, const struct cfg_host *host,
			   const struct cfg_volume *vol, const char *word)
{
	if (vol && !vol->implicit)
		cfg_problem(p->cfg, host->place,
			    "in resource %s, on %s { volume %u { ... } }: '%s' keyword missing.",
			    p->res->name, host_title(host), vol->number, word);
	else
		cfg_problem(p->cfg, host->place,
			    "in resource %s, on %s { ... }: '%s' keyword missing.", p->res->name,
			    host_title(host), word);
}

void check_host_complete(struct parser *p, const struct cfg_host *host)
{
	const struct cfg_volume *vol;

	if (host->kind != CFG_HOST_ON && host->kind != CFG_HOST_FLOATING)
		return;
	if (!host->address.family)
		report_missing(p, host, NULL, "address");
	for (vol = host->volumes; vol; vol = vol->next) {
		if (vol->minor == CFG_NO_MINOR && !vol->device)
			report_missing(p, host, vol, "device");
		if (!vol->disk)
			report_missing(p, host, vol, "disk");
		if (!vol->meta_disk)
			report_missing(p, host, vol, "meta-disk");
	}
}

static void compare_volumes(struct config *cfg, const struct cfg_resource *res,
			    struct cfg_place place, const struct cfg_host *a,
			    const struct cfg_host *b)
{
	const struct cfg_volume *vol, *other;

	for (vol = a->volumes; vol; vol = vol->next) {
		other = config_volume(b, vol->number);
		if (!other)
			cfg_problem(cfg, place,
				    "in resource %s, on %s { ... }: volume %u not defined on %s",
				    res->name, host_title(a), vol->number, host_title(b));
		else if (other->implicit != vol->implicit)
			cfg_problem(cfg, place, "in resource %s: volume %u is %s on %s but not on "
				    "%s; write it the same way on both.", res->name, vol->number,
				    vol->implicit ? "implied" : "explicit", host_title(a),
				    host_title(b));
	}
	for (vol = b->volumes; vol; vol = vol->next)
		if (!config_volume(a, vol->number))
			cfg_problem(cfg, place,
				    "in resource %s, on %s { ... }: volume %u missing (present on "
				    "%s)", res->name, host_title(a), vol->number, host_title(b));
}

void check_hosts_equal(struct config *cfg, const struct cfg_resource *res, struct cfg_place place)
{
	const struct cfg_host *host;

	for (host = res->hosts ? res->hosts->next : NULL; host; host = host->next)
		compare_volumes(cfg, res, place, res->hosts, host);
}

/* Stacked sections: names, disks and metadata come from the lower resource. */

static struct cfg_volume *lower_volume(const struct cfg_resource *lower, unsigned int number)
{
	const struct cfg_host *host = lower->me ? lower->me : lower->hosts;

	return host ? config_volume(host, number) : NULL;
}

static void add_names(struct config *cfg, struct cfg_host *host, const struct cfg_name *names)
{
	struct cfg_name **tail, *name;

	for (; names; names = names->next) {
		if (cfg_names_contain(host->names, names->text))
			continue;
		for (tail = &host->names; *tail; tail = &(*tail)->next)
			;
		name = arena_zalloc(cfg->arena, sizeof(*name));
		name->text = names->text;
		*tail = name;
	}
}

static int resolve_stacked(struct config *cfg, struct cfg_resource *res, struct cfg_host *host)
{
	struct cfg_place place = { res->file, res->place.line };
	const struct cfg_volume *below;
	const struct cfg_host *lower_host;
	struct cfg_volume *vol;
	char buf[32];

	host->lower = config_resource(cfg, host->lower_name);
	if (!host->lower || host->lower == res) {
		cfg_problem(cfg, place, "in resource %s, referenced resource '%s' not defined.",
			    res->name, host->lower_name);
		return CFG_EXIT_INVALID;
	}
	for (lower_host = host->lower->hosts; lower_host; lower_host = lower_host->next)
		add_names(cfg, host, lower_host->names);
	for (vol = host->volumes; vol; vol = vol->next) {
		below = lower_volume(host->lower, vol->number);
		if (!below) {
			cfg_problem(cfg, place, "in resource %s: volume %u is not defined in the "
				    "lower resource '%s'.", res->name, vol->number,
				    host->lower_name);
			return CFG_EXIT_INVALID;
		}
		vol->disk = arena_strdup(cfg->arena, cfg_device_name(below, buf, sizeof(buf)));
		vol->meta_disk = "internal";
		vol->meta_index = "internal";
		if (!volume_keys(cfg, host->place, host, vol, true, false, false))
			return CFG_EXIT_INVALID;
	}
	return 0;
}

/* Who am I, who is the peer */

static bool host_applies(const struct config *cfg, const struct cfg_host *host)
{
	switch (host->kind) {
	case CFG_HOST_ON:
		return cfg_names_contain(host->names, cfg->node_name);
	case CFG_HOST_FLOATING:
		return !strcmp(host->address.addr, cfg->node_name) ||
		       address_is_local(&host->address);
	case CFG_HOST_STACKED:
		return host->lower && !host->lower->ignored;
	case CFG_HOST_THIS:
		return true;
	case CFG_HOST_REMOTE:
		return false;
	}
	return false;
}

static int find_me(struct config *cfg, struct cfg_resource *res)
{
	struct cfg_host *host;

	res->me = NULL;
	for (host = res->hosts; host; host = host->next) {
		if (!host_applies(cfg, host))
			continue;
		if (res->me) {
			cfg_problem(cfg, host->place, "in resource %s: both 'on %s' and 'on %s' "
				    "are for this host (%s). Only one section may be.", res->name,
				    host_title(res->me), host_title(host), cfg->node_name);
			return CFG_EXIT_INVALID;
		}
		res->me = host;
	}
	res->ignored = !res->me;
	res->stacked = res->me && res->me->kind == CFG_HOST_STACKED;
	return 0;
}

static void find_peer(struct config *cfg, struct cfg_resource *res)
{
	struct cfg_host *host;
	int others = 0;

	res->peer = NULL;
	if (!res->me)
		return;
	for (host = res->hosts; host; host = host->next) {
		if (host == res->me)
			continue;
		others++;
		res->peer = host;
	}
	if (others < 2)
		return;
	res->peer = NULL;
	for (host = res->hosts; cfg->peer_wanted && host; host = host->next)
		if (host != res->me && cfg_names_contain(host->names, cfg->peer_wanted->text))
			res->peer = host;
}

static int identify(struct config *cfg, bool stacked)
{
	struct cfg_resource *res;
	struct cfg_host *host;
	int rc;

	for (res = cfg->resources; res; res = res->next) {
		bool is_stacked = false;

		for (host = res->hosts; host; host = host->next)
			is_stacked |= host->kind == CFG_HOST_STACKED;
		if (is_stacked != stacked)
			continue;
		for (host = res->hosts; host; host = host->next) {
			if (host->kind != CFG_HOST_STACKED)
				continue;
			rc = resolve_stacked(cfg, res, host);
			if (rc)
				return rc;
		}
		rc = find_me(cfg, res);
		if (rc)
			return rc;
		find_peer(cfg, res);
	}
	return 0;
}

int config_finish(struct config *cfg)
{
	int rc;

	if (!cfg->relaxed) {
		rc = identify(cfg, false);
		if (!rc)
			rc = identify(cfg, true);
		if (rc)
			return rc;
	}
	return cfg->error_count && !cfg->relaxed ? CFG_EXIT_INVALID : 0;
}

/* References between resources and options */

/* "RES" or "RES/VOL" into a minor; the message says what is wrong with it */
static bool resync_after_minor(struct config *cfg, struct cfg_place place, const char *in,
			       const char *target, long *minor, bool *fatal)
{
	const char *slash = strrchr(target, '/');
	char *name = arena_strndup(cfg->arena, target, slash ? (size_t)(slash - target) :
				   strlen(target));
	struct cfg_resource *res = config_resource(cfg, name);
	struct cfg_volume *vol;

	if (!res || res->ignored) {
		cfg_note(cfg, place, "in resource %s:\n\tresource '%s' mentioned in 'resync-after' "
			 "option is not known.", in, target);
		return false;
	}
	vol = slash ? config_volume(res->me, strtoul(slash + 1, NULL, 10)) : res->me->volumes;
	if (!vol) {
		cfg_note(cfg, place, "in resource %s:\n\tvolume '%s' mentioned in 'resync-after' "
			 "option is not known.", in, target);
		return false;
	}
	if (!slash && vol->next) {
		cfg_note(cfg, place, "in resource %s:\n\tresource '%s' mentioned in 'resync-after' "
			 "option has several volumes; write %s/NUMBER.", in, target, target);
		*fatal = true;
		return false;
	}
	*minor = vol->minor;
	return true;
}

/* unknown ones are dropped: at boot a typing error must not stop everything */
static bool check_resync_after(struct config *cfg, const struct cfg_resource *res,
			       struct cfg_options *list)
{
	struct cfg_place place = { res->file, res->place.line };
	struct cfg_option **opt = &list->first;
	bool fatal = false;
	long minor;

	while (*opt) {
		if (!strcmp((*opt)->name, "resync-after") && strcmp((*opt)->value, "-1") &&
		    !resync_after_minor(cfg, place, res->name, (*opt)->value, &minor, &fatal)) {
			if (fatal || (isatty(STDIN_FILENO) && isatty(STDOUT_FILENO)))
				return false;
			*opt = (*opt)->next;
		} else {
			opt = &(*opt)->next;
		}
	}
	return true;
}

static bool check_resource_resync_after(struct config *cfg, struct cfg_resource *res)
{
	struct cfg_volume *vol;
	struct cfg_host *host;
	bool ok = check_resync_after(cfg, res, &res->section[CFG_DISK]);

	for (vol = res->volumes; vol; vol = vol->next)
		ok = ok && check_resync_after(cfg, res, &vol->options);
	for (host = res->hosts; host; host = host->next)
		for (vol = host->volumes; vol; vol = vol->next)
			ok = ok && check_resync_after(cfg, res, &vol->options);
	return ok;
}

static const struct cfg_name *effective_primaries(const struct config *cfg,
						  const struct cfg_resource *res)
{
	if (res->become_primary_on || !cfg->common)
		return res->become_primary_on;
	return cfg->common->become_primary_on;
}

static bool known_host(const struct cfg_resource *res, const char *name)
{
	const struct cfg_host *host;

	for (host = res->hosts; host; host = host->next)
		if (cfg_names_contain(host->names, name))
			return true;
	return false;
}

static bool check_become_primary(struct config *cfg, const struct cfg_resource *res)
{
	const struct cfg_name *name = effective_primaries(cfg, res);
	struct cfg_place place = { res->file, res->place.line };

	if (res->ignored)
		return true;
	if (cfg_names_contain(name, "both") &&
	    !cfg_option_value(&res->section[CFG_NET], "allow-two-primaries") &&
	    !(cfg->common &&
	      cfg_option_value(&cfg->common->section[CFG_NET], "allow-two-primaries"))) {
		cfg_problem(cfg, place, "in resource %s:\nbecome-primary-on is set to both, but "
			    "allow-two-primaries is not set.", res->name);
		return false;
	}
	for (; name; name = name->next) {
		if (!strcmp(name->text, "both") || known_host(res, name->text))
			continue;
		cfg_problem(cfg, place, "in resource %s:\n\tbecome-primary-on contains '%s', which "
			    "is not named with the 'on' keywords.", res->name, name->text);
		return false;
	}
	return true;
}

static bool check_proxies(struct config *cfg, const struct cfg_resource *res)
{
	struct cfg_place place = { res->file, res->place.line };

	if (!res->me || !res->peer || !res->me->proxy == !res->peer->proxy)
		return true;
	cfg_problem(cfg, place, "in resource %s:\n\tEither both 'on' sections must contain a "
		    "proxy subsection, or none.", res->name);
	return false;
}

int config_check_references(struct config *cfg)
{
	struct cfg_resource *res;

	if (cfg->common && !check_resync_after(cfg, cfg->common, &cfg->common->section[CFG_DISK]))
		return CFG_EXIT_INVALID;
	for (res = cfg->resources; res; res = res->next)
		if (!check_resource_resync_after(cfg, res) || !check_become_primary(cfg, res) ||
		    !check_proxies(cfg, res))
			return CFG_EXIT_INVALID;
	return 0;
}

bool cfg_resync_after_minor(struct config *cfg, const char *target, long *minor)
{
	struct cfg_place nowhere = { NULL, 0 };
	bool fatal;

	return strcmp(target, "-1") &&
	       resync_after_minor(cfg, nowhere, "?", target, minor, &fatal);
}
