// SPDX-License-Identifier: GPL-2.0
/* volume.c - volumes: explicit and implied ones, device names, inheritance (tools.md 2.1, 3.1) */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "parser.h"

#define DEVICE_PREFIX "/dev/drbd"
#define DEVICE_MAJOR 147

struct cfg_volume *volume_add(struct config *cfg, struct cfg_volume **list, unsigned int number,
			      bool implicit)
{
	struct cfg_volume *vol = arena_zalloc(cfg->arena, sizeof(*vol));

	vol->number = number;
	vol->implicit = implicit;
	vol->minor = CFG_NO_MINOR;
	while (*list)
		list = &(*list)->next;
	*list = vol;
	return vol;
}

static struct cfg_volume **scope(struct parser *p)
{
	return p->host ? &p->host->volumes : &p->res->volumes;
}

static bool list_has(const struct cfg_volume *list, bool implicit)
{
	for (; list; list = list->next)
		if (list->implicit == implicit)
			return true;
	return false;
}

/* the volume { } we are in, or the implied volume 0 */
static struct cfg_volume *statement_volume(struct parser *p, struct cfg_place place)
{
	struct cfg_volume **list = scope(p), *vol;

	if (p->vol)
		return p->vol;
	for (vol = *list; vol; vol = vol->next)
		if (vol->implicit)
			break;
	if (list_has(*list, false))
		cfg_problem(p->cfg, place, "mixing explicit and implicit volumes is not allowed");
	return vol ? vol : volume_add(p->cfg, list, 0, true);
}

static void statement_key(struct parser *p, struct cfg_place place, const char *word)
{
	const char *what = arena_printf(p->cfg->arena, "%s statement", word);
	const struct cfg_name *name;

	if (p->vol)
		return;
	if (!p->host && strcmp(word, "device"))
		return;
	if (!p->host)
		parse_unique(p, place, what, "%s:%s", p->res->name, word);
	for (name = p->host ? p->host->names : NULL; name; name = name->next)
		parse_unique(p, place, what, "%s:%s:%s", p->res->name, name->text, word);
}

void build_volume_begin(struct parser *p, struct cfg_place place, const char *number)
{
	struct cfg_volume **list = scope(p), *other;
	unsigned int n = strtoul(number, NULL, 10);

	/* at resource level the first one has precedence when hosts inherit */
	for (other = p->host ? *list : NULL; other; other = other->next)
		if (other->number == n && !other->implicit)
			cfg_problem(p->cfg, place, "in resource %s: volume %u is defined twice in "
				    "the same section.", p->res->name, n);
	p->vol = volume_add(p->cfg, list, n, false);
}

void build_volume_end(struct parser *p)
{
	p->vol = NULL;
}

static bool all_digits(const char *text)
{
	return *text && strspn(text, "0123456789") == strlen(text);
}

static long minor_of_name(const char *name)
{
	const char *tail = name + strlen(DEVICE_PREFIX);
	struct stat st;

	if (!strncmp(name, DEVICE_PREFIX, strlen(DEVICE_PREFIX)) && all_digits(tail))
		return strtol(tail, NULL, 10);
	if (!stat(name, &st) && S_ISBLK(st.st_mode) && major(st.st_rdev) == DEVICE_MAJOR)
		return minor(st.st_rdev);
	return CFG_NO_MINOR;
}

static void report_device_mismatch(struct parser *p, struct cfg_place place, const char *tail,
				   long minor)
{
	static const char mind[] = "\tmind the '_'! (/dev/ is optional, but drbd_ is required)";

	if (all_digits(tail))
		cfg_problem(p->cfg, place, "explicit minor number must match with device name\n"
			    "\tTry \"device /dev/drbd%ld minor %ld;\",\n"
			    "\tor leave off either device name or explicit minor.\n"
			    "\tArbitrary device names must start with /dev/drbd_\n%s",
			    minor, minor, mind);
	else
		cfg_problem(p->cfg, place, "arbitrary device name must start with /dev/drbd_\n%s",
			    mind);
}

static void check_device(struct parser *p, struct cfg_place place, const char *name,
			 bool minor_given, long minor)
{
	const char *tail;

	if (strncmp(name, DEVICE_PREFIX, strlen(DEVICE_PREFIX))) {
		cfg_problem(p->cfg, place, "device name must start with /dev/drbd\n"
			    "\t(/dev/ is optional, but drbd is required)");
	} else if (minor_given) {
		tail = name + strlen(DEVICE_PREFIX);
		if (all_digits(tail) ? strtol(tail, NULL, 10) != minor : *tail != '_')
			report_device_mismatch(p, place, tail, minor);
	}
	if (minor == CFG_NO_MINOR)
		cfg_problem(p->cfg, place,
			    "no minor given nor device name contains a minor number");
}

bool volume_keys(struct config *cfg, struct cfg_place place, const struct cfg_host *host,
		 const struct cfg_volume *vol, bool device, bool disk, bool meta)
{
	const struct cfg_name *name;
	bool ok = true;

	for (name = host->names; name && ok; name = name->next) {
		if (device && vol->minor != CFG_NO_MINOR)
			ok = unique_add(cfg, place, "device-minor", "device-minor:%s:%ld",
					name->text, vol->minor);
		if (ok && disk && vol->disk)
			ok = unique_add(cfg, place, "disk", "disk:%s:%s", name->text, vol->disk);
		if (ok && meta && vol->meta_disk && strcmp(vol->meta_disk, "internal"))
			ok = unique_add(cfg, place, "meta-disk", "%s:%s[%s]", name->text,
					vol->meta_disk, vol->meta_index);
	}
	return ok;
}

static void host_volume_keys(struct parser *p, struct cfg_place place,
			     const struct cfg_volume *vol, bool device, bool disk, bool meta)
{
	if (!volume_keys(p->cfg, place, p->host, vol, device, disk, meta))
		p->fatal = CFG_EXIT_INVALID;
}

void build_device(struct parser *p, struct cfg_place place, const char *name, const char *minor)
{
	struct cfg_volume *vol = statement_volume(p, place);
	const struct cfg_name *host_name;

	statement_key(p, place, "device");
	if (name && !strncmp(name, "drbd", 4))
		name = arena_printf(p->cfg->arena, "/dev/%s", name);
	/* a minor given later does not take the name away */
	if (!name)
		name = vol->device;
	vol->device = name;
	vol->minor = minor ? strtol(minor, NULL, 10) : minor_of_name(name);
	if (name)
		check_device(p, place, name, minor, vol->minor);
	if (!p->host || p->fatal)
		return;
	for (host_name = name ? p->host->names : NULL; host_name; host_name = host_name->next)
		parse_unique(p, place, "device", "device:%s:%s", host_name->text, name);
	if (!p->fatal)
		host_volume_keys(p, place, vol, true, false, false);
}

void build_disk(struct parser *p, struct cfg_place place, const char *path)
{
	struct cfg_volume *vol = statement_volume(p, place);

	statement_key(p, place, "disk");
	vol->disk = path;
}

/* repeated at this level, the later section replaces the earlier one */
void build_disk_section(struct parser *p, struct cfg_place place)
{
	struct cfg_volume *vol = statement_volume(p, place);

	if (p->host)
		statement_key(p, place, "disk");
	vol->options.first = NULL;
	p->options = &vol->options;
	p->section = CFG_DISK;
}

void build_meta_disk(struct parser *p, struct cfg_place place, const char *path,
		     const char *index)
{
	struct cfg_volume *vol = statement_volume(p, place);

	statement_key(p, place, "meta-disk");
	vol->meta_disk = path;
	if (!strcmp(path, "internal")) {
		if (index)
			parse_expected(p, place, ";", "[", "");
		vol->meta_index = "internal";
	} else {
		vol->meta_index = index ? index : "flexible";
	}
	vol->meta_place = place;
}

void volumes_sort(struct cfg_volume **list)
{
	struct cfg_volume *sorted = NULL, *vol, *next, **at;

	for (vol = *list; vol; vol = next) {
		next = vol->next;
		for (at = &sorted; *at && (*at)->number <= vol->number; at = &(*at)->next)
			;
		vol->next = *at;
		*at = vol;
	}
	*list = sorted;
}

/* A numbered name belongs to its own minor only. */
static bool name_fits(const char *name, long minor)
{
	const char *tail = name + strlen(DEVICE_PREFIX);

	return !all_digits(tail) || strtol(tail, NULL, 10) == minor;
}

static void inherit_one(struct parser *p, struct cfg_host *host, struct cfg_place place,
			const struct cfg_volume *from)
{
	struct cfg_volume *vol = config_volume(host, from->number);
	bool device = false, disk = false;

	if (!vol)
		vol = volume_add(p->cfg, &host->volumes, from->number, from->implicit);
	if (!vol->disk && from->disk) {
		vol->disk = from->disk;
		disk = true;
	}
	if (vol->minor == CFG_NO_MINOR && from->minor != CFG_NO_MINOR) {
		vol->minor = from->minor;
		device = true;
	}
	if (!vol->device && from->device && name_fits(from->device, vol->minor))
		vol->device = from->device;
	if (!vol->meta_disk && from->meta_disk) {
		vol->meta_disk = from->meta_disk;
		vol->meta_index = from->meta_index;
		vol->meta_place = place;
	}
	host_volume_keys(p, place, vol, device, disk, false);
}

void volumes_inherit(struct parser *p, struct cfg_host *host, struct cfg_place place)
{
	const struct cfg_volume *vol;

	for (vol = p->res->volumes; vol && !p->fatal; vol = vol->next)
		inherit_one(p, host, place, vol);
	/* of repeated meta-disk statements in a volume only the last one takes space */
	for (vol = host->volumes; vol && !p->fatal; vol = vol->next)
		host_volume_keys(p, vol->meta_place, vol, false, false, true);
	if (list_has(host->volumes, true) && list_has(host->volumes, false))
		cfg_problem(p->cfg, place,
			    "in resource %s: you must not mix implicit and explicit volumes",
			    p->res->name);
}
