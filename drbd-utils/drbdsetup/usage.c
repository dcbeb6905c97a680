// SPDX-License-Identifier: GPL-2.0
/*
 * usage.c - help, from the same tables that the parser uses
 */
#include "drbdsetup.h"

#include <inttypes.h>

static const char *operand_text(enum operand operand)
{
	switch (operand) {
	case OPERAND_MINOR:
		return "{minor}";
	case OPERAND_RESOURCE:
		return "{resource}";
	case OPERAND_VOLUME:
		return "{volume}";
	case OPERAND_MY_ADDR:
		return "{[af:]local_addr[:port]}";
	case OPERAND_PEER_ADDR:
		return "{[af:]remote_addr[:port]}";
	case OPERAND_LOWER_DEV:
		return "{lower_dev}";
	case OPERAND_META_DEV:
		return "{meta_data_dev}";
	case OPERAND_META_INDEX:
		return "{meta_data_index}";
	case OPERAND_RESOURCE_OR_ALL:
		return "[{resource}|all]";
	case OPERAND_ANY:
		return "[{minor}|{resource}|all]";
	case OPERAND_END:
		break;
	}
	return "";
}

static void print_synopsis(FILE *out, const struct command *command)
{
	const enum operand *operand;

	fprintf(out, "drbdsetup %s", command->name);
	for (operand = command->operands; *operand != OPERAND_END; operand++)
		fprintf(out, " %s", operand_text(*operand));
}

void usage_print(FILE *out)
{
	const struct command *command;

	fprintf(out, "USAGE:\ndrbdsetup command {arguments} [options]\n\nCommands:\n");
	for (command = commands; command->name; command++)
		fprintf(out, "    %-18s %s\n", command->name, command->summary);
	fprintf(out, "\nUse 'drbdsetup help command' for command-specific help.\n");
}

static void print_choices(FILE *out, const struct option_desc *desc)
{
	int i;

	for (i = 0; i < desc->nvalues; i++)
		fprintf(out, "%s%s", i ? " | " : "{ ", desc->values[i].name);
	fprintf(out, " }");
}

static void print_default(FILE *out, const struct option_desc *desc)
{
	const char *text = option_unit_text(desc->unit);
	char suffix = option_unit_suffix(desc->unit);

	if (desc->type == OPTION_BIN)
		return;
	if (desc->nvalues)
		fprintf(out, ", default %s", option_value_name(desc, desc->def));
	else if (desc->type == OPTION_FLG)
		fprintf(out, ", default %s", desc->def ? "yes" : "no");
	else if (desc->type != OPTION_STR && desc->type != OPTION_BIN &&
		 option_in_range(desc, desc->def))
		fprintf(out, ", default %" PRId64, (s64)desc->def);
	if (suffix != '1')
		fprintf(out, " (unit %c)", suffix);
	else if (text)
		fprintf(out, " (%s)", text);
}

static void print_option(FILE *out, const struct option_desc *desc)
{
	fprintf(out, "    --%s", desc->name);
	if (desc->type == OPTION_FLG) {
		fprintf(out, "[={yes|no}]");
	} else {
		fprintf(out, "=");
		if (desc->nvalues)
			print_choices(out, desc);
		else if (desc->type == OPTION_STR)
			fprintf(out, "{text of at most %u bytes}", desc->size - 1);
		else if (desc->type == OPTION_BIN)
			fprintf(out, "{[af:]addr[:port]}");
		else if (desc->highest == U64_MAX)
			fprintf(out, "{number}");
		else
			fprintf(out, "{%" PRId64 "..%" PRIu64 "}", desc->lowest, desc->highest);
	}
	if (!(desc->flags & OPT_Y))
		print_default(out, desc);
	fprintf(out, "\n");
}

void usage_print_command(FILE *out, const struct command *command)
{
	const struct tool_option *option;
	const struct option_desc *desc;
	unsigned int i;

	fprintf(out, "USAGE: ");
	print_synopsis(out, command);
	fprintf(out, "%s\n\n%s\n",
		command->tool_options || command_option(command, 0) ? " [options]" : "",
		command->summary);
	for (option = command->tool_options; option && option->name; option++) {
		fprintf(out, "    --%s%s", option->name,
			option->kind == TOOL_FLAG   ? "[={yes|no}]" :
			option->kind == TOOL_NUMBER ? "={number}" :
						      "[={always|auto|never}]");
		if (option->letter)
			fprintf(out, ", -%c", option->letter);
		fprintf(out, "\n");
	}
	for (i = 0; (desc = command_option(command, i)); i++)
		print_option(out, desc);
}

static void print_xml_option(FILE *out, const struct option_desc *desc)
{
	int i;

	if (desc->type == OPTION_FLG) {
		fprintf(out, "\t<option name=\"%s\" type=\"boolean\">\n\t\t<default>%s</default>\n",
			desc->name, desc->def ? "yes" : "no");
	} else if (desc->nvalues) {
		fprintf(out, "\t<option name=\"%s\" type=\"handler\">\n", desc->name);
		for (i = 0; i < desc->nvalues; i++)
			fprintf(out, "\t\t<handler>%s</handler>\n", desc->values[i].name);
	} else if (desc->type == OPTION_STR || desc->type == OPTION_BIN) {
		fprintf(out, "\t<option name=\"%s\" type=\"%s\">\n", desc->name,
			desc->type == OPTION_BIN ? "address" : "string");
	} else {
		fprintf(out,
			"\t<option name=\"%s\" type=\"numeric\">\n"
			"\t\t<min>%" PRId64 "</min>\n\t\t<max>%" PRIu64 "</max>\n"
			"\t\t<default>%" PRId64 "</default>\n"
			"\t\t<unit_prefix>%c</unit_prefix>\n",
			desc->name, desc->lowest, desc->highest, (s64)desc->def,
			option_unit_suffix(desc->unit));
		if (option_unit_text(desc->unit))
			fprintf(out, "\t\t<unit>%s</unit>\n", option_unit_text(desc->unit));
	}
	fprintf(out, "\t</option>\n");
}

static void print_xml_operand(FILE *out, enum operand operand)
{
	static const char *const names[] = {
		[OPERAND_END] = "",
		[OPERAND_MINOR] = "minor",
		[OPERAND_RESOURCE] = "resource",
		[OPERAND_VOLUME] = "volume",
		[OPERAND_MY_ADDR] = "local_addr",
		[OPERAND_PEER_ADDR] = "remote_addr",
		[OPERAND_LOWER_DEV] = "lower_dev",
		[OPERAND_META_DEV] = "meta_data_dev",
		[OPERAND_META_INDEX] = "meta_data_index",
	};

	if (operand == OPERAND_ANY || operand == OPERAND_RESOURCE_OR_ALL)
		fprintf(out, "\t<group>\n\t\t<argument>resource</argument>\n%s"
			     "\t\t<argument>all</argument>\n\t</group>\n",
			operand == OPERAND_ANY ? "\t\t<argument>minor</argument>\n" : "");
	else
		fprintf(out, "\t<argument>%s</argument>\n", names[operand]);
}

/* The form that front ends of the original parse; hence no summary. */
void usage_print_xml(FILE *out, const struct command *command)
{
	const enum operand *operand;
	const struct tool_option *option;
	const struct option_desc *desc;
	unsigned int i;

	fprintf(out, "<command name=\"%s\">\n", command->name);
	for (operand = command->operands; *operand != OPERAND_END; operand++)
		print_xml_operand(out, *operand);
	for (option = command->tool_options; option && option->name; option++)
		fprintf(out, "\t<option name=\"%s\" type=\"%s\">\n\t</option>\n", option->name,
			option->kind == TOOL_FLAG ? "flag" : "string");
	for (i = 0; (desc = command_option(command, i)); i++)
		print_xml_option(out, desc);
	fprintf(out, "</command>\n");
}
