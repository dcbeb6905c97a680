// SPDX-License-Identifier: GPL-2.0
/* main.c - command line of the metadata tool (metadata.md 6.1, 6.2) */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>

#include "drbdmeta.h"

struct options opt = {
	.bitmap_init = INIT_AUTOMATIC,
	.state_dir = "/var/lib/drbd",
};

static const struct command commands[] = {
	{ "get-gi", "", cmd_get_gi, .node_id = true },
	{ "show-gi", "", cmd_show_gi, .node_id = true },
	{ "dump-md", "", cmd_dump_md, .modifies = false },
	{ "restore-md", "file", cmd_restore_md, .modifies = true },
	{ "verify-dump", "file", cmd_verify_dump, .no_device = true },
	{ "apply-al", "", cmd_apply_al, .modifies = true },
	{ "wipe-md", "", cmd_wipe_md, .modifies = true },
	{ "outdate", "", cmd_outdate, .modifies = true },
	{ "invalidate", "", cmd_invalidate, .modifies = true },
	{ "dstate", "", cmd_dstate, .modifies = false },
	{ "check-resize", "", cmd_check_resize, .modifies = true },
	{ "create-md", "[--peer-max-bio-size {val}] [--al-stripes {val}] "
	  "[--al-stripe-size-kB {val}] {max_peers}", cmd_create_md, .modifies = true },
	{ "read-dev-uuid", NULL, cmd_read_dev_uuid, .modifies = false },
	{ "write-dev-uuid", NULL, cmd_write_dev_uuid, .modifies = true },
	{ "set-gi", NULL, cmd_set_gi, .modifies = true, .node_id = true },
	{ "forget-peer", "", cmd_forget_peer, .modifies = true, .node_id = true },
};

static const struct option long_options[] = {
	{ "force", no_argument, NULL, 'f' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "ignore-sanity-checks", no_argument, NULL, 1 },
	{ "dry-run", no_argument, NULL, 2 },
	{ "var-lib-drbd", required_argument, NULL, 3 },
	{ "peer-max-bio-size", required_argument, NULL, 'p' },
	{ "al-stripes", required_argument, NULL, 's' },
	{ "al-stripe-size-kB", required_argument, NULL, 'z' },
	{ "initialize-bitmap", required_argument, NULL, 'b' },
	{ "node-id", required_argument, NULL, 'i' },
	{ 0 },
};

static void usage(void) __attribute__((noreturn));

static void usage(void)
{
	size_t i;

	printf("\nUSAGE: drbdmeta [--force] DEVICE FORMAT [FORMAT ARGS...] COMMAND [CMD ARGS...]\n"
	       "\nFORMATS:\n  v06 minor\n  v07 device index\n  v08 device index\n  v09 device index\n"
	       "\nCOMMANDS:\n");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].usage)
			printf("  %s%s %s\n", commands[i].name,
			       commands[i].node_id ? " --node-id {val}" : "", commands[i].usage);
	fflush(stdout);
	exit(EXIT_USAGE);
}

static enum bitmap_init bitmap_init_parse(const char *text)
{
	static const char *const names[] = {
		[INIT_AUTOMATIC] = "automatic", [INIT_ZEROOUT] = "zeroout",
		[INIT_PWRITE] = "pwrite", [INIT_SKIP] = "skip",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strcmp(text, names[i]))
			return (enum bitmap_init)i;
	die(EXIT_BAD_VALUE, "invalid initialize-bitmap-mode \"%s\", should be one of "
	    "automatic|zeroout|pwrite|skip", text);
}

static void option_take(int c, const char *value)
{
	switch (c) {
	case 'f':
		opt.force = true;
		break;
	case 'v':
		opt.verbose++;
		break;
	case 1:
		opt.ignore_sanity_checks = true;
		break;
	case 2:
		opt.dry_run = true;
		break;
	case 3:
		opt.state_dir = value;
		break;
	case 'p':
		opt.peer_max_bio_size = number_parse(value, false);
		if (opt.peer_max_bio_size > 1024 * 1024)
			die(EXIT_BAD_VALUE, "peer-max-bio-size out of range (0...1M)");
		opt.have_peer_max_bio_size = opt.peer_max_bio_size != 0;
		break;
	case 's':
		opt.al_stripes = number_parse(value, false);
		opt.have_stripes = true;
		break;
	case 'z':
		opt.al_stripe_size_kib = number_parse(value, true);
		opt.have_stripe_size = true;
		break;
	case 'b':
		opt.bitmap_init = bitmap_init_parse(value);
		break;
	case 'i':
		if (number_parse(value, false) > 31)
			die(EXIT_BAD_VALUE, "node-id out of range (0...31)");
		opt.node_id = (long)number_parse(value, false);
		opt.have_node_id = true;
		break;
	default:
		usage();
	}
}

static s32 index_parse(const char *text)
{
	unsigned long value;
	char *end;

	if (!strcmp(text, "internal") || !strcmp(text, "flex-internal"))
		return MD_INDEX_INTERNAL;
	if (!strcmp(text, "flex-external"))
		return MD_INDEX_FLEX_EXTERNAL;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)text[0]) || *end || errno || value > 255)
		die(EXIT_USAGE, "'%s' is not a valid index number.", text);
	return (s32)value;
}

/* Returns where the command's name is. */
static char **format_parse(struct meta *m, char **args)
{
	const char *format = *args++;

	if (!strcmp(format, "v06"))
		die(EXIT_USAGE, "Format 'v06' keeps its meta data in a file and is no longer supported.");
	if (strcmp(format, "v07") && strcmp(format, "v08") && strcmp(format, "v09"))
		die(EXIT_USAGE, "Unknown format '%s'.", format);
	if (!args[0] || !args[1])
		die(EXIT_USAGE, "Too few arguments for format");
	m->path = args[0];
	m->index = index_parse(args[1]);
	if (strcmp(format, "v08"))
		die(EXIT_USAGE, "Format '%s' is only recognised and converted: use format v08 with create-md.",
		    format);
	return args + 2;
}

static const struct command *command_find(const char *name)
{
	size_t i;

	if (!name)
		die(EXIT_USAGE, "command missing");
	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (!strcmp(commands[i].name, name))
			return &commands[i];
	die(EXIT_USAGE, "Unknown command '%s'.", name);
}

static void options_check(const struct command *command)
{
	u32 stripes, stripe_size_4k;

	if (opt.have_peer_max_bio_size && command->run != cmd_create_md)
		die(EXIT_BAD_VALUE, "The --peer-max-bio-size option is only allowed with create-md");
	if (opt.have_stripes || opt.have_stripe_size) {
		if (command->run != cmd_create_md && command->run != cmd_restore_md)
			die(EXIT_BAD_VALUE, "The --al-stripe* options are only allowed with create-md and restore-md");
		options_stripes(&stripes, &stripe_size_4k, MD_AL_STRIPES_DEFAULT,
				MD_AL_STRIPE_4K_DEFAULT);
	}
	if (opt.have_node_id && !command->node_id)
		die(EXIT_BAD_VALUE, "The %s command does not accept the --node-id option", command->name);
	if (opt.have_node_id)
		fprintf(stderr, "Not v09, implicitly set --node-id = 0\n");
}

static void warn_surplus_arguments(const struct meta *m, const struct command *command)
{
	bool takes_one = command->run == cmd_restore_md || command->run == cmd_verify_dump ||
			 command->run == cmd_set_gi || command->run == cmd_write_dev_uuid;

	/* create-md's max_peers only means something for v09, but is commonly given */
	takes_one |= command->run == cmd_create_md;
	if (m->args[0] && (!takes_one || m->args[1]))
		fprintf(stderr, "Ignoring additional arguments\n");
}

int main(int argc, char **argv)
{
	struct meta m = { .argc = argc, .argv = argv, .minor = -1, .fd = -1 };
	const struct command *command;
	bool attached = false;
	char **rest, *slash;
	int c, result;

	slash = strrchr(argv[0], '/');
	m.program = slash ? slash + 1 : argv[0];
	while ((c = getopt_long(argc, argv, "fvp:s:z:b:i:", long_options, NULL)) != -1)
		option_take(c, optarg);
	if (argc - optind < 3)
		usage();
	m.device = argv[optind];
	rest = format_parse(&m, argv + optind + 1);
	command = command_find(*rest);
	m.args = rest + 1;

	m.minor = device_minor(m.device);
	if (m.minor >= 0) {
		device_lock(m.minor);
		attached = device_is_attached(m.minor, argv[0]);
		if (attached && command->modifies)
			die(EXIT_USAGE, "Device '%s' is configured!", m.device);
	}
	options_check(command);
	warn_surplus_arguments(&m, command);
	if (!command->no_device)
		meta_open(&m, command);
	result = command->run(&m);
	if (fflush(stdout))
		die(EXIT_BAD_VALUE, "writing the output failed: %s", strerror(errno));
	free(m.buffer);
	if (attached)
		fprintf(stderr, "# Output might be stale, since minor %d is attached\n", m.minor);
	return result;
}
