// SPDX-License-Identifier: GPL-2.0
/*
 * main.c - drbdsetup, the low level tool (see drbdsetup.h)
 */
#include "drbdsetup.h"

#include <string.h>
#include <unistd.h>

#include "module.h"

static bool is_help(const char *word)
{
	return !strcmp(word, "help") || !strcmp(word, "--help") || !strcmp(word, "-h");
}

/* "help [COMMAND]" and "xml-help COMMAND": 0 only for a command that exists. */
static int help(const char *topic, bool xml)
{
	const struct command *command = topic ? command_find(topic) : NULL;

	if (!command) {
		if (topic)
			fprintf(stderr, "Unknown command '%s'.\n", topic);
		usage_print(topic ? stderr : stdout);
		return STATUS_TROUBLE;
	}
	if (xml)
		usage_print_xml(stdout, command);
	else
		usage_print_command(stdout, command);
	return STATUS_OK;
}

/*
 * The command is the first word; as scripts of old say it, the second, behind
 * the object.  argv is put into the first form.
 */
static const struct command *pick_command(int argc, char **argv)
{
	const struct command *command = command_find(argv[1]);

	if (!command && argc > 2 && (command = command_find(argv[2]))) {
		char *object = argv[1];

		argv[1] = argv[2];
		argv[2] = object;
	}
	return command;
}

int main(int argc, char **argv)
{
	const struct command *command;
	struct invocation invocation;

	if (argc < 2) {
		usage_print(stderr);
		return STATUS_TROUBLE;
	}
	if (is_help(argv[1]) || !strcmp(argv[1], "xml-help"))
		return help(argc > 2 ? argv[2] : NULL, !is_help(argv[1]));
	command = pick_command(argc, argv);
	if (!command)
		return help(argv[1], false);
	if (argc > 2 && (!strcmp(argv[2], "--help") || !strcmp(argv[2], "-h")))
		return help(argv[1], false);
	if (!arguments_parse(&invocation, command, argc - 1, argv + 1))
		return STATUS_TROUBLE;

	if (chdir("/") < 0)
		perror("Could not change to /");
	if (!module_load()) {
		/* Without a module nothing is up, attached, connected or Primary. */
		if (command->gone_is_fine)
			return STATUS_OK;
		fprintf(stderr, "Could not load the drbd kernel module: there is no /proc/drbd.\n"
				"Run 'modprobe drbd' to see what is wrong.\n");
		return STATUS_TROUBLE;
	}
	return command->run(&invocation);
}
