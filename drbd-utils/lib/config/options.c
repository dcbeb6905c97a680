// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - option names and values of the configuration language
 *
 * Options the kernel knows come from core/options.h; listed here are only
 * those that exist in files alone (spec chapter tools.md section 4).
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parser.h"
#include "core/options.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

struct file_option {
	enum cfg_section section;
	const char *name;
	enum word_kind kind;
	uint64_t max;	/* 0: not a checked number */
};

static const struct file_option file_options[] = {
	{ CFG_STARTUP, "wfc-timeout", WORD_VALUE, 300000 },
	{ CFG_STARTUP, "degr-wfc-timeout", WORD_VALUE, 300000 },
	{ CFG_STARTUP, "outdated-wfc-timeout", WORD_VALUE, 300000 },
	{ CFG_STARTUP, "wait-after-sb", WORD_FLAG, 0 },
	{ CFG_STARTUP, "stacked-timeouts", WORD_BARE, 0 },
	{ CFG_STARTUP, "become-primary-on", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "pri-on-incon-degr", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "pri-lost-after-sb", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "pri-lost", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "initial-split-brain", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "split-brain", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "fence-peer", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "outdate-peer", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "unfence-peer", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "local-io-error", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "before-resync-target", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "after-resync-target", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "before-resync-source", WORD_VALUE, 0 },
	{ CFG_HANDLERS, "out-of-sync", WORD_VALUE, 0 },
	{ CFG_PROXY, "memlimit", WORD_VALUE, 0 },
	{ CFG_PROXY, "read-loops", WORD_VALUE, 0 },
	{ CFG_PROXY, "compression", WORD_VALUE, 0 },
	{ CFG_PROXY, "bwlimit", WORD_VALUE, 0 },
	{ CFG_PROXY, "sndbuf-size", WORD_VALUE, 0 },
	{ CFG_PROXY, "rcvbuf-size", WORD_VALUE, 0 },
	{ CFG_PROXY, "ping-timeout", WORD_VALUE, 0 },
	{ CFG_PROXY, "plugin", WORD_VALUE, 0 },
	{ CFG_DISK, "use-bmbv", WORD_FLAG, 0 },
	{ CFG_DISK, "rate", WORD_VALUE, 0 },
	{ CFG_DISK, "after", WORD_VALUE, 0 },
};

/* The old syncer section: its names and where they belong today. */
static const struct {
	const char *old;
	enum cfg_section section;
	const char *name;
} syncer_options[] = {
	{ "rate", CFG_DISK, "resync-rate" }, { "after", CFG_DISK, "resync-after" },
	{ "al-extents", CFG_DISK, "al-extents" }, { "c-plan-ahead", CFG_DISK, "c-plan-ahead" },
	{ "c-delay-target", CFG_DISK, "c-delay-target" },
	{ "c-fill-target", CFG_DISK, "c-fill-target" }, { "c-max-rate", CFG_DISK, "c-max-rate" },
	{ "c-min-rate", CFG_DISK, "c-min-rate" }, { "verify-alg", CFG_NET, "verify-alg" },
	{ "csums-alg", CFG_NET, "csums-alg" }, { "use-rle", CFG_NET, "use-rle" },
	{ "cpu-mask", CFG_OPTIONS, "cpu-mask" },
	{ "on-no-data-accessible", CFG_OPTIONS, "on-no-data-accessible" },
};

static const char *const dropped_options[] = {
	"delay-probe-volume", "delay-probe-interval", "throttle-threshold", "hold-off-threshold",
};

static const struct option_section *core_section(enum cfg_section section)
{
	switch (section) {
	case CFG_OPTIONS:
		return &res_opts_section;
	case CFG_NET:
		return &net_conf_section;
	case CFG_DISK:
		return &disk_conf_section;
	default:
		return NULL;
	}
}

static const struct option_desc *core_option(enum cfg_section section, const char *name)
{
	const struct option_section *table = core_section(section);
	const struct option_desc *desc = table ? option_find(table, name) : NULL;

	return desc && desc->rank ? desc : NULL;
}

/* no-NAME of an option that has this old form, NULL otherwise */
static const struct option_desc *negated_option(enum cfg_section section, const char *name)
{
	const struct option_desc *desc;

	if (strncmp(name, "no-", 3))
		return NULL;
	desc = core_option(section, name + 3);
	return desc && (desc->flags & OPT_N) ? desc : NULL;
}

static const struct file_option *file_option(enum cfg_section section, const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(file_options); i++)
		if (file_options[i].section == section && !strcmp(file_options[i].name, name))
			return &file_options[i];
	return NULL;
}

static bool is_dropped(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(dropped_options); i++)
		if (!strcmp(dropped_options[i], name))
			return true;
	return false;
}

enum word_kind option_word_kind(const char *name)
{
	const struct option_desc *desc;
	const struct file_option *opt;
	int section;

	if (is_dropped(name))
		return WORD_DROPPED;
	for (section = 0; section < CFG_SECTIONS; section++) {
		desc = core_option(section, name);
		if (desc)
			return desc->type == OPTION_FLG ? WORD_FLAG : WORD_VALUE;
		if (negated_option(section, name))
			return WORD_BARE;
		opt = file_option(section, name);
		if (opt)
			return opt->kind;
	}
	/* show of a connecting resource prints it, see option_in_section() */
	if (!strcmp(name, "discard-my-data"))
		return WORD_FLAG;
	return WORD_UNKNOWN;
}

bool option_in_section(enum cfg_section section, const char *name)
{
	size_t i;

	if (section == CFG_SYNCER) {
		for (i = 0; i < COUNT(syncer_options); i++)
			if (!strcmp(syncer_options[i].old, name))
				return true;
		return false;
	}
	return core_option(section, name) || negated_option(section, name) ||
	       file_option(section, name) || is_dropped(name);
}

enum cfg_section option_modern(enum cfg_section section, const char **name, const char **value)
{
	size_t i;

	if (is_dropped(*name)) {
		*name = NULL;
		return section;
	}
	for (i = 0; section == CFG_SYNCER && i < COUNT(syncer_options); i++) {
		if (!strcmp(syncer_options[i].old, *name)) {
			*name = syncer_options[i].name;
			return syncer_options[i].section;
		}
	}
	if (negated_option(section, *name)) {
		*name += 3;
		*value = "no";
	} else if (section == CFG_DISK && !strcmp(*name, "rate")) {
		*name = "resync-rate";
	} else if (section == CFG_DISK && !strcmp(*name, "after")) {
		*name = "resync-after";
	} else if (section == CFG_HANDLERS && !strcmp(*name, "outdate-peer")) {
		*name = "fence-peer";
	}
	return section;
}

static bool unit_printed(char unit)
{
	return unit != '1';
}

int number_check(struct config *cfg, struct cfg_place place, const char *name, const char *text,
		 char unit, uint64_t min, uint64_t max, uint64_t *value)
{
	char suffix[2] = { unit_printed(unit) ? unit : 0, 0 };
	u64 number;

	if (option_number_parse(text, unit, &number)) {
		cfg_problem(cfg, place, "%s: '%s' is not a valid number. Write digits, optionally "
			    "followed by one of K M G s.", name, text);
		return CFG_EXIT_FAILED;
	}
	*value = number;
	if (number < min || number > max) {
		cfg_problem(cfg, place, "%s %s => %" PRIu64 "%s out of range [%" PRIu64 "..%" PRIu64
			    "]%s.", name, text, (uint64_t)number, suffix, min, max, suffix);
		return CFG_EXIT_INVALID;
	}
	return 0;
}

static int check_against(struct config *cfg, struct cfg_place place,
			 const struct option_desc *desc, const char *value)
{
	uint64_t number;
	u32 index;

	if (desc->nvalues) {
		if (option_value_parse(desc, value, &index))
			return 0;
		cfg_problem(cfg, place, "unknown %s '%s', should be one of A,B,C", desc->name,
			    value);
		return CFG_EXIT_INVALID;
	}
	return number_check(cfg, place, desc->name, value, option_unit_suffix(desc->unit),
			    desc->lowest, desc->highest, &number);
}

int option_check(struct config *cfg, struct cfg_place place, enum cfg_section section,
		 const char *name, const char *value)
{
	/* the proxy's buffers are checked like the net options of the same name */
	const struct option_desc *desc =
		core_option(section == CFG_PROXY ? CFG_NET : section, name);
	const struct file_option *opt = file_option(section, name);
	uint64_t number;

	if (desc && (desc->flags & OPT_C))
		return check_against(cfg, place, desc, value);
	if (opt && opt->max)
		return number_check(cfg, place, name, value, '1', 0, opt->max, &number);
	return 0;
}

/* Everything drbdsetup or the kernel would refuse later, before anything is changed. */
static void check_value_strictly(struct config *cfg, const struct cfg_resource *res,
				 enum cfg_section section, const struct cfg_option *opt)
{
	const struct option_desc *desc = core_option(section, opt->name);
	struct cfg_place place = { res->file, res->place.line };
	size_t len, room = sizeof("A|B|C");
	char *words;
	u32 index, i;

	if (!desc || !opt->value || !desc->nvalues ||
	    option_value_parse(desc, opt->value, &index))
		return;
	for (i = 0; i < desc->nvalues; i++)
		room += strlen(desc->values[i].name) + 2;
	words = arena_zalloc(cfg->arena, room);
	for (i = 0, len = 0; i < desc->nvalues; i++)
		len += snprintf(words + len, room - len, "%s%s", i ? ", " : "",
				desc->values[i].name);
	cfg_problem(cfg, place, "in resource %s:\n\t%s is '%s', but must be one of %s.", res->name,
		    opt->name, opt->value, words);
}

int config_check_values(struct config *cfg, const struct cfg_resource *res)
{
	static const enum cfg_section kernel_sections[] = { CFG_OPTIONS, CFG_NET, CFG_DISK };
	const struct cfg_volume *vol;
	const struct cfg_option *opt;
	int before = cfg->error_count;
	size_t i;

	for (i = 0; i < COUNT(kernel_sections); i++)
		for (opt = res->section[kernel_sections[i]].first; opt; opt = opt->next)
			check_value_strictly(cfg, res, kernel_sections[i], opt);
	for (vol = res->me ? res->me->volumes : NULL; vol; vol = vol->next)
		for (opt = vol->options.first; opt; opt = opt->next)
			if (!cfg_option_value(&res->section[CFG_DISK], opt->name))
				check_value_strictly(cfg, res, CFG_DISK, opt);
	return cfg->error_count > before ? CFG_EXIT_INVALID : 0;
}

/* Number of single character changes between two short words. */
static unsigned int word_distance(const char *a, const char *b)
{
	unsigned int row[64], i, j, diagonal, above;
	size_t len = strlen(b);

	if (len + 1 >= COUNT(row))
		return COUNT(row);
	for (j = 0; j <= len; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= len; j++) {
			unsigned int best = diagonal + (a[i - 1] != b[j - 1]);

			above = row[j];
			if (above + 1 < best)
				best = above + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
			diagonal = above;
		}
	}
	return row[len];
}

static void nearer(const char *candidate, const char *name, const char **best,
		   unsigned int *distance)
{
	unsigned int d = word_distance(name, candidate);

	if (d < *distance) {
		*distance = d;
		*best = candidate;
	}
}

const char *option_similar(enum cfg_section section, const char *name)
{
	const struct option_section *table = core_section(section);
	const char *best = NULL;
	unsigned int distance = 4;
	size_t i;

	for (i = 0; table && i < table->count; i++)
		if (table->options[i].rank)
			nearer(table->options[i].name, name, &best, &distance);
	for (i = 0; i < COUNT(file_options); i++)
		if (file_options[i].section == section)
			nearer(file_options[i].name, name, &best, &distance);
	for (i = 0; section == CFG_SYNCER && i < COUNT(syncer_options); i++)
		nearer(syncer_options[i].old, name, &best, &distance);
	return best;
}

const char *option_keyword_text(enum cfg_section section)
{
	switch (section) {
	case CFG_SYNCER:
		return "a syncer option keyword";
	case CFG_STARTUP:
		return "a startup option keyword";
	case CFG_HANDLERS:
		return "a handler name";
	case CFG_PROXY:
		return "a proxy option keyword";
	default:
		return "an option keyword";
	}
}

const char *cfg_option_value(const struct cfg_options *list, const char *name)
{
	const struct cfg_option *opt;
	const char *value = NULL;

	/* of duplicates the last one takes effect */
	for (opt = list->first; opt; opt = opt->next)
		if (!strcmp(opt->name, name))
			value = opt->value ? opt->value : "";
	return value;
}

static bool text_is_true(const char *text)
{
	return !strcmp(text, "yes") || !strcmp(text, "");
}

bool cfg_values_equal(enum cfg_section section, const char *name, const char *a, const char *b)
{
	const struct option_desc *desc = core_option(section, name);
	char unit;
	u64 x, y;

	if (!desc || desc->type == OPTION_STR)
		return !strcmp(a, b);
	if (desc->type == OPTION_FLG)
		return text_is_true(a) == text_is_true(b);
	if (desc->nvalues)
		return desc->flags & OPT_ANYCASE ? !strcasecmp(a, b) : !strcmp(a, b);
	unit = option_unit_suffix(desc->unit);
	if (option_number_parse(a, unit, &x) || option_number_parse(b, unit, &y))
		return !strcmp(a, b);
	return x == y;
}

const char *cfg_option_default(enum cfg_section section, const char *name, char *buf, size_t size)
{
	const struct option_desc *desc = core_option(section, name);

	if (!desc)
		return NULL;
	if (desc->type == OPTION_STR)
		return "";
	if (desc->type == OPTION_FLG)
		return desc->def ? "yes" : "no";
	if (desc->nvalues)
		return option_value_name(desc, desc->def);
	if (desc->type == OPTION_S32)
		snprintf(buf, size, "%" PRId64, (int64_t)desc->def);
	else
		snprintf(buf, size, "%" PRIu64, (uint64_t)desc->def);
	return buf;
}
