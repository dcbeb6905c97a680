// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - options of drbdsetup and drbdmeta given to drbdadm directly
 *
 * They are known from core/options.h; drbdadm passes them on unchanged
 * (spec chapter tools.md section 7.1).
 */
#include <stdlib.h>
#include <string.h>

#include "drbdadm.h"
#include "core/options.h"

struct backend_section {
	const char *name;
	const struct option_section *table;
};

static const struct backend_section sections[] = {
	{ "disk", &disk_conf_section }, { "net", &net_conf_section },
	{ "options", &res_opts_section }, { "detach", &detach_parms_section },
	{ "disconnect", &disconnect_parms_section }, { "primary", &set_role_parms_section },
	{ "resize", &resize_parms_section }, { "verify", &start_ov_parms_section },
	{ "new-current-uuid", &new_c_uuid_parms_section },
};

/* Names drbdsetup knows that are no field of a table. */
static const struct {
	const char *section;
	const char *name;
	bool flag;
} more_options[] = {
	{ "disk", "set-defaults", true }, { "net", "set-defaults", true },
	{ "options", "set-defaults", true }, { "primary", "overwrite-data-of-peer", true },
	{ "detach", "force", true }, { "disconnect", "force", true },
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool usable(const struct option_desc *desc)
{
	return !(desc->flags & OPT_P);
}

static void word_add(const char ***list, int *count, const char *text)
{
	*list = realloc(*list, (*count + 1) * sizeof(**list));
	if (!*list)
		exit(E_EXEC);
	(*list)[(*count)++] = text;
}

void extra_add(struct adm *adm, const char *text)
{
	word_add(&adm->extra, &adm->extra_count, text);
}

static void direct_add(struct adm *adm, const char *text)
{
	extra_add(adm, text);
	word_add(&adm->direct, &adm->direct_count, text);
}

/* 0 unknown, 1 takes a value, 2 flag */
static int kind_in_section(const char *section, const char *name, size_t len)
{
	const struct option_section *table;
	size_t i;
	u32 n;

	for (i = 0; i < COUNT(more_options); i++)
		if (!strcmp(more_options[i].section, section) &&
		    strlen(more_options[i].name) == len &&
		    !strncmp(more_options[i].name, name, len))
			return 2;
	for (i = 0; i < COUNT(sections); i++) {
		if (strcmp(sections[i].name, section))
			continue;
		table = sections[i].table;
		for (n = 0; n < table->count; n++)
			if (usable(&table->options[n]) &&
			    strlen(table->options[n].name) == len &&
			    !strncmp(table->options[n].name, name, len))
				return table->options[n].type == OPTION_FLG ? 2 : 1;
	}
	return 0;
}

static int kind_anywhere(const char *name, size_t len)
{
	size_t i;
	int kind = 0;

	for (i = 0; i < COUNT(sections) && !kind; i++)
		kind = kind_in_section(sections[i].name, name, len);
	return kind;
}

bool backend_option_parse(struct adm *adm, int *index, int argc, char **argv)
{
	char *word = argv[*index], *joined;
	size_t len = strcspn(word + 2, "=");
	int kind = kind_anywhere(word + 2, len);

	if (!kind)
		return false;
	if (kind == 2 || word[2 + len] == '=') {
		direct_add(adm, word);
		return true;
	}
	if (*index + 1 >= argc) {
		fprintf(stderr, "drbdadm: option '%s' requires a value\n", word);
		exit(E_USAGE);
	}
	if (asprintf(&joined, "%s=%s", word, argv[++*index]) < 0)
		exit(E_EXEC);
	direct_add(adm, joined);
	return true;
}

static bool command_knows(const struct command *cmd, const char *name, size_t len)
{
	const char *const *section;

	for (section = cmd->sections; section && *section; section++)
		if (kind_in_section(*section, name, len))
			return true;
	return false;
}

/* Words before the command and arguments of -W pass unseen. */
int backend_options_check(const struct adm *adm, const struct command *cmd)
{
	int i;

	for (i = 0; i < adm->direct_count; i++) {
		const char *word = adm->direct[i];
		size_t len = strcspn(word + 2, "=");

		if (command_knows(cmd, word + 2, len))
			continue;
		fprintf(stderr, "drbdadm: option '%.*s' does not belong to command '%s'. 'drbdadm "
			"help %s' lists its options.\n", (int)len + 2, word, cmd->name, cmd->name);
		return E_USAGE;
	}
	return 0;
}

void backend_options_help(FILE *out, const struct command *cmd)
{
	const char *const *section;
	size_t i;
	u32 n;

	if (!cmd->sections)
		return;
	fprintf(out, "\nOPTIONS FOR %s:\n", cmd->name);
	for (section = cmd->sections; *section; section++) {
		for (i = 0; i < COUNT(sections); i++) {
			const struct option_section *table = sections[i].table;

			if (strcmp(sections[i].name, *section))
				continue;
			for (n = 0; n < table->count; n++)
				if (usable(&table->options[n]))
					fprintf(out, "  --%s%s\n", table->options[n].name,
						table->options[n].type == OPTION_FLG ? "[=...]" :
						"=...");
		}
		for (i = 0; i < COUNT(more_options); i++)
			if (!strcmp(more_options[i].section, *section))
				fprintf(out, "  --%s[=...]\n", more_options[i].name);
	}
}
