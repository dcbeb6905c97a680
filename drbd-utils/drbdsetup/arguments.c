// SPDX-License-Identifier: GPL-2.0
/*
 * arguments.c - from words to an invocation (tools.md 1.3, 9.1)
 *
 * Values are checked for form, not for range: like the original, so that the
 * kernel decides; the configuration parser is the one that knows better.
 */
#include "drbdsetup.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#define DRBD_MAJOR 147
#define DEVICE_PREFIX "/dev/drbd"

#define VALUE_COMMAND 1000 /* getopt values: 1000 + index of command_option() */
#define VALUE_TOOL 2000 /* 2000 + index in tool_options */
#define LONG_OPTIONS_MAX 128

/* Options that newer kernels would take at connect; the 8.4 module ignores them. */
static const struct option_desc alternate_options[] = {
	{ .name = "alternate-address", .field = "my_addr2", .type = OPTION_BIN, .nla = 35,
	  .size = ADDRESS_BYTES_MAX },
	{ .name = "alternate-peer-address", .field = "peer_addr2", .type = OPTION_BIN, .nla = 36,
	  .size = ADDRESS_BYTES_MAX },
};

static const struct {
	u8 nl_command;
	const char *alias, *name;
} option_aliases[] = {
	{ NL_PRIMARY, "overwrite-data-of-peer", "force" },
	{ NL_CONNECT, "dry-run", "tentative" },
};

static bool option_allowed(const struct command *command, const struct option_desc *desc)
{
	if (desc->flags & OPT_P)
		return false;
	return command->creates || !(desc->flags & OPT_I);
}

/* One-shot options come first, then what newer kernels know, then those of files in their order. */
const struct option_desc *command_option(const struct command *command, unsigned int index)
{
	const struct option_section *section = command->options;
	const struct option_desc *desc;
	unsigned int i;

	for (i = section ? section->count : 0; i-- > 0;) {
		desc = &section->options[i];
		if (!desc->rank && option_allowed(command, desc) && index-- == 0)
			return desc;
	}
	if (command->nl_command == NL_CONNECT) {
		if (index < ARRAY_SIZE(alternate_options))
			return &alternate_options[index];
		index -= ARRAY_SIZE(alternate_options);
	}
	for (i = 1; section && (desc = option_find_rank(section, i)); i++)
		if (option_allowed(command, desc) && index-- == 0)
			return desc;
	return NULL;
}

static bool parse_yes_no(const char *name, const char *text, bool *value)
{
	if (!text || !strcmp(text, "yes")) {
		*value = true;
		return true;
	}
	if (!strcmp(text, "no")) {
		*value = false;
		return true;
	}
	fprintf(stderr, "Option --%s must be 'yes' or 'no', not '%s'.\n", name, text);
	return false;
}

static bool parse_number(const char *what, const char *text, char unit, u64 *value)
{
	switch (option_number_parse(text, unit, value)) {
	case OPTION_NUMBER_OK:
		return true;
	case OPTION_NUMBER_SUFFIX:
		fprintf(stderr, "%s: '%s' has an unknown unit; use one of K, M, G, s.\n", what,
			text);
		return false;
	case OPTION_NUMBER_OVERFLOW:
		fprintf(stderr, "%s: '%s' is too large.\n", what, text);
		return false;
	default:
		fprintf(stderr, "%s: '%s' is not a number.\n", what, text);
		return false;
	}
}

static void print_choices(const struct option_desc *desc)
{
	int i;

	fprintf(stderr, "Allowed values are:");
	for (i = 0; i < desc->nvalues; i++)
		fprintf(stderr, "%s %s", i ? "," : "", desc->values[i].name);
	fprintf(stderr, "\n");
}

static bool parse_plain_value(struct given_option *given, const char *text)
{
	const struct option_desc *desc = given->desc;
	const char *problem;
	u32 number;

	given->text = text;
	if (desc->type == OPTION_STR)
		return true;
	if (desc->type == OPTION_BIN) {
		if (address_parse(&given->address, text, &problem))
			return true;
		fprintf(stderr, "Option --%s: cannot use address '%s': %s.\n", desc->name, text,
			problem);
		return false;
	}
	if (desc->nvalues) {
		if (option_value_parse(desc, text, &number)) {
			given->number = number;
			return true;
		}
		fprintf(stderr, "Option --%s does not know the value '%s'.\n", desc->name, text);
		print_choices(desc);
		return false;
	}
	return parse_number(desc->name, text, option_unit_suffix(desc->unit), &given->number);
}

static bool take_command_option(struct invocation *invocation, const struct option_desc *desc,
				const char *text)
{
	struct given_option *given = &invocation->given[invocation->given_count];
	bool yes;

	if (invocation->given_count == GIVEN_OPTIONS_MAX) {
		fprintf(stderr, "Too many options.\n");
		return false;
	}
	memset(given, 0, sizeof(*given));
	given->desc = desc;
	if (desc->type != OPTION_FLG) {
		if (!parse_plain_value(given, text))
			return false;
	} else {
		if (!parse_yes_no(desc->name, text, &yes))
			return false;
		given->number = yes;
		if (!yes && (desc->flags & OPT_Y))
			return true; /* never sent as "no" */
	}
	invocation->given_count++;
	return true;
}

static bool take_tool_option(struct invocation *invocation, const struct tool_option *option,
			     const char *text)
{
	switch (option->kind) {
	case TOOL_FLAG:
		return parse_yes_no(option->name, text, &invocation->tool_given[option->id]);
	case TOOL_NUMBER:
		invocation->tool_given[option->id] = true;
		return parse_number(option->name, text, '1', &invocation->tool_number[option->id]);
	case TOOL_WORD:
		invocation->tool_given[option->id] = true;
		invocation->tool_word[option->id] = text;
		return true;
	}
	return false;
}

static int add_command_options(const struct command *command, struct option *longs, int n)
{
	const struct option_desc *desc;
	unsigned int i, a;

	for (i = 0; (desc = command_option(command, i)); i++) {
		int argument = desc->type == OPTION_FLG ? optional_argument : required_argument;

		longs[n++] = (struct option){ desc->name, argument, NULL, VALUE_COMMAND + i };
		for (a = 0; a < ARRAY_SIZE(option_aliases); a++)
			if (option_aliases[a].nl_command == command->nl_command &&
			    !strcmp(option_aliases[a].name, desc->name))
				longs[n++] = (struct option){ option_aliases[a].alias, argument,
							      NULL, VALUE_COMMAND + i };
	}
	return n;
}

static void add_tool_options(const struct command *command, struct option *longs, int n,
			     char *shorts)
{
	const struct tool_option *option;
	int i = 0;

	for (option = command->tool_options; option && option->name; option++, i++) {
		int argument = option->kind == TOOL_NUMBER ? required_argument : optional_argument;

		longs[n++] = (struct option){ option->name, argument, NULL, VALUE_TOOL + i };
		if (!option->letter)
			continue;
		shorts += strlen(shorts);
		sprintf(shorts, "%c%s", option->letter, option->kind == TOOL_NUMBER ? ":" : "");
	}
}

static bool take_short_option(struct invocation *invocation, int letter)
{
	const struct tool_option *option;

	for (option = invocation->command->tool_options; option && option->name; option++)
		if (option->letter == letter)
			return take_tool_option(invocation, option, optarg);
	return false;
}

static bool parse_options(struct invocation *invocation, int argc, char **argv)
{
	const struct command *command = invocation->command;
	struct option longs[LONG_OPTIONS_MAX] = { 0 };
	char shorts[32] = "";
	int value;

	add_tool_options(command, longs, add_command_options(command, longs, 0), shorts);
	optind = 0;
	while ((value = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		bool fine;

		if (value == '?')
			fine = false; /* getopt has said what is wrong */
		else if (value >= VALUE_TOOL)
			fine = take_tool_option(
				invocation, &command->tool_options[value - VALUE_TOOL], optarg);
		else if (value >= VALUE_COMMAND)
			fine = take_command_option(
				invocation, command_option(command, value - VALUE_COMMAND), optarg);
		else
			fine = take_short_option(invocation, value);
		if (!fine)
			return false;
	}
	return true;
}

static bool all_digits(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

/* A decimal number, /dev/drbdN, or an existing node of our major. */
static bool minor_of_text(const char *text, u32 *minor)
{
	const char *digits = text;
	struct stat st;
	unsigned long number;

	if (!strncmp(text, DEVICE_PREFIX, strlen(DEVICE_PREFIX)))
		digits += strlen(DEVICE_PREFIX);
	if (all_digits(digits)) {
		errno = 0;
		number = strtoul(digits, NULL, 10);
		*minor = number;
		return !errno && number < NL_MINOR_NONE;
	}
	if (*text == '/' && stat(text, &st) == 0 && S_ISBLK(st.st_mode) &&
	    major(st.st_rdev) == DRBD_MAJOR) {
		*minor = minor(st.st_rdev);
		return true;
	}
	return false;
}

static bool take_minor(struct invocation *invocation, const char *text)
{
	if (minor_of_text(text, &invocation->minor))
		return true;
	fprintf(stderr, "'%s' is neither a minor number nor a DRBD device.\n", text);
	return false;
}

static bool take_resource(struct invocation *invocation, const char *text)
{
	const char *c;

	for (c = text; *c; c++) {
		if (iscntrl((unsigned char)*c)) {
			fprintf(stderr, "A resource name must not contain control characters.\n");
			return false;
		}
	}
	invocation->resource = text;
	return true;
}

static bool take_address(struct address *address, const char *text)
{
	const char *problem;

	if (address_parse(address, text, &problem))
		return true;
	fprintf(stderr, "Cannot use address '%s': %s.\n", text, problem);
	return false;
}

static bool take_meta_index(struct invocation *invocation, const char *text)
{
	char *end;

	if (!strcmp(text, "internal")) {
		invocation->meta_index = -3;
	} else if (!strcmp(text, "flexible")) {
		invocation->meta_index = -2;
	} else {
		invocation->meta_index = strtol(text, &end, 10);
		if (end == text || *end) {
			fprintf(stderr,
				"The meta-data index must be 'internal', 'flexible' or a number, "
				"not '%s'.\n",
				text);
			return false;
		}
	}
	return true;
}

static bool take_any(struct invocation *invocation, const char *text)
{
	if (!strcmp(text, "all"))
		return true;
	if (minor_of_text(text, &invocation->minor))
		return true;
	return take_resource(invocation, text);
}

static bool take_operand(struct invocation *invocation, enum operand operand, const char *text)
{
	u64 number;

	switch (operand) {
	case OPERAND_MINOR:
		return take_minor(invocation, text);
	case OPERAND_RESOURCE:
		return take_resource(invocation, text);
	case OPERAND_VOLUME:
		if (!parse_number("volume", text, '1', &number))
			return false;
		invocation->volume = number;
		return true;
	case OPERAND_MY_ADDR:
		return take_address(&invocation->my_addr, text);
	case OPERAND_PEER_ADDR:
		return take_address(&invocation->peer_addr, text);
	case OPERAND_LOWER_DEV:
		invocation->lower_dev = text;
		return true;
	case OPERAND_META_DEV:
		invocation->meta_dev = text;
		return true;
	case OPERAND_META_INDEX:
		return take_meta_index(invocation, text);
	case OPERAND_RESOURCE_OR_ALL:
		return !strcmp(text, "all") || take_resource(invocation, text);
	case OPERAND_ANY:
		return take_any(invocation, text);
	case OPERAND_END:
		break;
	}
	return false;
}

static bool operand_optional(enum operand operand)
{
	return operand == OPERAND_RESOURCE_OR_ALL || operand == OPERAND_ANY;
}

static bool parse_operands(struct invocation *invocation, int argc, char **argv)
{
	const enum operand *operand = invocation->command->operands;
	int i;

	for (i = 0; i < argc; i++, operand++) {
		if (*operand == OPERAND_END) {
			fprintf(stderr, "Excess argument: %s\n", argv[i]);
			return false;
		}
		if (!take_operand(invocation, *operand, argv[i]))
			return false;
	}
	if (*operand != OPERAND_END && !operand_optional(*operand)) {
		fprintf(stderr, "Missing argument.\n");
		usage_print_command(stderr, invocation->command);
		return false;
	}
	return true;
}

/* Errors name the first word; commands about a connection or a new volume have no object. */
static const char *object_of(const struct command *command, int argc, char **argv)
{
	if (argc < 1)
		return "all";
	switch (command->operands[0]) {
	case OPERAND_MY_ADDR:
		return "??";
	case OPERAND_RESOURCE:
		return command->nl_command == NL_NEW_MINOR ? "??" : argv[0];
	default:
		return argv[0];
	}
}

bool arguments_parse(struct invocation *invocation, const struct command *command, int argc,
		     char **argv)
{
	memset(invocation, 0, sizeof(*invocation));
	invocation->command = command;
	invocation->minor = NL_MINOR_NONE;
	invocation->volume = NL_VOLUME_NONE;
	if (!parse_options(invocation, argc, argv))
		return false;
	invocation->object = object_of(command, argc - optind, argv + optind);
	return parse_operands(invocation, argc - optind, argv + optind);
}
