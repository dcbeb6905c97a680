// SPDX-License-Identifier: GPL-2.0
/* main.c - drbdadm's command line, and the order of things */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "drbdadm.h"

#define API_VERSION 1

static const char *const tool_names[] = {
	[TOOL_SETUP] = "drbdsetup", [TOOL_META] = "drbdmeta", [TOOL_PROXY] = "drbd-proxy-ctl",
};

static void usage(FILE *out)
{
	const struct command *cmd;

	fputs("USAGE: drbdadm [OPTION...] COMMAND [OPTION...] {all | RESOURCE[/VOLUME]...}\n\n"
	      "OPTIONS:\n"
	      "  -d, --dry-run               print the calls, run nothing\n"
	      "  -v, --verbose               print each call before it is run\n"
	      "  -c, --config-file=FILE      configuration to use, - for standard input\n"
	      "  -t, --config-to-test=FILE   parse FILE, too (dump, dump-xml, sh-nop)\n"
	      "  -s, --drbdsetup=PROGRAM     drbdsetup to call\n"
	      "  -m, --drbdmeta=PROGRAM      drbdmeta to call\n"
	      "  -p, --drbd-proxy-ctl=PROGRAM\n"
	      "  -S, --stacked               work on stacked resources\n"
	      "  -P, --peer=NAME             peer, when there are several\n"
	      "  -n, --sh-varname=VAR        with -d or -v: print VAR=RESOURCE before each call\n"
	      "  -W, --setup-option=OPTION   pass OPTION to the backend\n"
	      "  -V, --version               versions as shell assignments\n"
	      "  -h, --help                  this text\n\nCOMMANDS:\n", out);
	for (cmd = commands; cmd->name; cmd++)
		if (!(cmd->flags & CMD_HIDDEN))
			fprintf(out, "  %-22s %s\n", cmd->name, cmd->help);
	fputs("\n'drbdadm help COMMAND' lists the command's own options.\n", out);
}

static unsigned int version_code(const char *text)
{
	unsigned int major = 0, minor = 0, patch = 0;

	sscanf(text, "%u.%u.%u", &major, &minor, &patch);
	return major << 16 | minor << 8 | patch;
}

static int print_version(void)
{
	char line[256] = "", *version;
	FILE *proc = fopen("/proc/drbd", "re");
	unsigned int kernel = 0;

	if (proc) {
		if (fgets(line, sizeof(line), proc)) {
			version = strstr(line, "version: ");
			if (version)
				kernel = version_code(version + strlen("version: "));
		}
		fclose(proc);
	}
	printf("DRBDADM_BUILDTAG=GIT-hash:\\ %s\n", "unknown");
	printf("DRBDADM_API_VERSION=%d\n", API_VERSION);
	printf("DRBD_KERNEL_VERSION_CODE=0x%06x\n", kernel);
	printf("DRBDADM_VERSION_CODE=0x%06x\n", version_code(DRBDADM_VERSION));
	printf("DRBDADM_VERSION=%s\n", DRBDADM_VERSION);
	return 0;
}

/* Next to drbdadm when that was called with a path, else wherever PATH says. */
static void find_tools(struct adm *adm)
{
	const char *slash = strrchr(adm->argv0, '/');
	char *path;
	int tool;

	for (tool = 0; tool < TOOL_COUNT; tool++) {
		if (adm->tools[tool])
			continue;
		adm->tools[tool] = tool_names[tool];
		if (!slash || asprintf(&path, "%.*s/%s", (int)(slash - adm->argv0), adm->argv0,
				       tool_names[tool]) < 0)
			continue;
		if (!access(path, X_OK))
			adm->tools[tool] = path;
		else
			free(path);
	}
}

static const char *given_tool(const char *path)
{
	if (!access(path, X_OK))
		return path;
	fprintf(stderr, "drbdadm: cannot run '%s': %s.\n", path, strerror(errno));
	exit(E_EXEC);
}

struct own_option {
	const char *name;
	char letter;
	bool value;
};

static const struct own_option own_options[] = {
	{ "dry-run", 'd', false }, { "verbose", 'v', false }, { "config-file", 'c', true },
	{ "config-to-test", 't', true }, { "drbdsetup", 's', true }, { "drbdmeta", 'm', true },
	{ "drbd-proxy-ctl", 'p', true }, { "stacked", 'S', false }, { "peer", 'P', true },
	{ "sh-varname", 'n', true }, { "setup-option", 'W', true }, { "version", 'V', false },
	{ "help", 'h', false },
};

#define OWN_COUNT (sizeof(own_options) / sizeof(own_options[0]))

/* an exact name, else the only one that begins so */
static const struct own_option *own_by_name(const char *name, size_t len)
{
	const struct own_option *found = NULL;
	size_t i;

	for (i = 0; i < OWN_COUNT; i++) {
		if (strncmp(own_options[i].name, name, len))
			continue;
		if (strlen(own_options[i].name) == len)
			return &own_options[i];
		if (found)
			return NULL;
		found = &own_options[i];
	}
	return found;
}

static const struct own_option *own_by_letter(char letter)
{
	size_t i;

	for (i = 0; i < OWN_COUNT; i++)
		if (own_options[i].letter == letter)
			return &own_options[i];
	return NULL;
}

static void set_varname(struct adm *adm, const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "0123456789_";

	if (*name && strspn(name, allowed) == strlen(name))
		adm->sh_varname = name;
	else
		fprintf(stderr, "drbdadm: '%s' is no name for a shell variable, ignored.\n", name);
}

static void apply_own(struct adm *adm, char letter, const char *value)
{
	switch (letter) {
	case 'd':
		adm->dry_run++;
		break;
	case 'v':
		adm->verbose++;
		break;
	case 'c':
		adm->config_file = value;
		break;
	case 't':
		adm->test_file = value;
		break;
	case 's':
		adm->tools[TOOL_SETUP] = given_tool(value);
		break;
	case 'm':
		adm->tools[TOOL_META] = given_tool(value);
		break;
	case 'p':
		adm->tools[TOOL_PROXY] = given_tool(value);
		break;
	case 'S':
		adm->stacked = true;
		break;
	case 'P':
		adm->peer = value;
		break;
	case 'n':
		set_varname(adm, value);
		break;
	case 'W':
		extra_add(adm, value);
		break;
	case 'V':
		exit(print_version());
	case 'h':
		usage(stdout);
		exit(0);
	}
}

static void need_value(const char *option)
{
	fprintf(stderr, "drbdadm: option '%s' requires an argument\n", option);
	exit(E_USAGE);
}

static void parse_long(struct adm *adm, int *i, int argc, char **argv)
{
	char *word = argv[*i];
	size_t len = strcspn(word + 2, "=");
	const struct own_option *own;

	own = own_by_name(word + 2, len);
	if (own && strlen(own->name) != len && backend_option_parse(adm, i, argc, argv))
		return;
	if (!own) {
		if (backend_option_parse(adm, i, argc, argv))
			return;
		fprintf(stderr, "drbdadm: unrecognized option '%s'\n", word);
		exit(E_USAGE);
	}
	if (!own->value)
		apply_own(adm, own->letter, NULL);
	else if (word[2 + len] == '=')
		apply_own(adm, own->letter, word + 3 + len);
	else if (*i + 1 < argc)
		apply_own(adm, own->letter, argv[++*i]);
	else
		need_value(word);
}

static void parse_letters(struct adm *adm, int *i, int argc, char **argv)
{
	const struct own_option *own;
	char *c;

	for (c = argv[*i] + 1; *c; c++) {
		own = own_by_letter(*c);
		if (!own) {
			fprintf(stderr, "drbdadm: invalid option -- '%c'\n", *c);
			exit(E_USAGE);
		}
		if (!own->value) {
			apply_own(adm, *c, NULL);
			continue;
		}
		if (c[1])
			apply_own(adm, *c, c + 1);
		else if (*i + 1 < argc)
			apply_own(adm, *c, argv[++*i]);
		else
			need_value(argv[*i]);
		return;
	}
}

/* Options are taken out of @argv wherever they stand; returns the number of words left. */
static int parse_options(struct adm *adm, int argc, char **argv)
{
	int i, words = 0;

	for (i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				argv[words++] = argv[i];
			break;
		}
		if (!strncmp(argv[i], "--", 2))
			parse_long(adm, &i, argc, argv);
		else if (argv[i][0] == '-' && argv[i][1])
			parse_letters(adm, &i, argc, argv);
		else
			argv[words++] = argv[i];
	}
	return words;
}

static const struct command *command_or_alias(const char *name)
{
	static const char *const aliases[][2] = { { "state", "role" },
						  { "outdate-peer", "fence-peer" } };
	size_t i;

	for (i = 0; i < 2; i++) {
		if (strcmp(aliases[i][0], name))
			continue;
		fprintf(stderr, "'%s' is deprecated, please use '%s'.\n", name, aliases[i][1]);
		name = aliases[i][1];
	}
	return command_find(name);
}

/* Words in front of the command are for the backend, as in "-- --force create-md r0". */
static const struct command *find_command(struct adm *adm, char **words, int count, int *index)
{
	const struct command *cmd;
	int i, k;

	for (i = 0; i < count; i++) {
		if (!strcmp(words[i], "help")) {
			usage(stdout);
			cmd = i + 1 < count ? command_find(words[i + 1]) : NULL;
			if (cmd)
				backend_options_help(stdout, cmd);
			exit(0);
		}
		cmd = command_or_alias(words[i]);
		if (!cmd)
			continue;
		for (k = 0; k < i; k++)
			extra_add(adm, words[k]);
		*index = i;
		return cmd;
	}
	if (count)
		fprintf(stderr, "drbdadm: Unknown command '%s'\n", words[0]);
	else
		usage(stderr);
	exit(E_USAGE);
}

static const char *node_name(void)
{
	static struct utsname uts;
	const char *name = getenv("__DRBD_NODE__");

	if (name && *name) {
		fprintf(stderr, "\n   found __DRBD_NODE__ in environment\n   using '%s' as node name\n"
			"\n", name);
		return name;
	}
	if (uname(&uts)) {
		fprintf(stderr, "Cannot find out this machine's name: %s.\n", strerror(errno));
		exit(E_EXEC);
	}
	return uts.nodename;
}

/* The kernel says only which device; the file it was set up from is registered. */
static const char *registered_config(const struct command *cmd, char **names, int count)
{
	char *path, *real;

	if (!(cmd->flags & CMD_HANDLER) && strcmp(cmd->name, "sh-udev"))
		return NULL;
	if (count != 1 ||
	    asprintf(&path, RUN_DIR "/drbd-%s%s.conf",
		     strncmp(names[0], "minor-", 6) ? "resource-" : "", names[0]) < 0)
		return NULL;
	real = realpath(path, NULL);
	if (!real && (cmd->flags & CMD_HANDLER))
		fprintf(stderr, "No configuration is registered as '%s', trying the default places.\n",
			path);
	free(path);
	return real;
}

static const char *default_config(void)
{
	static const char *const files[] = { "/etc/drbd-84.conf", "/etc/drbd-83.conf",
					     "/etc/drbd-82.conf", "/etc/drbd-08.conf",
					     "/etc/drbd.conf" };
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!access(files[i], R_OK))
			return files[i];
	fputs("Cannot open a configuration file: neither /etc/drbd-84.conf nor /etc/drbd.conf can be "
	      "read. Write one, or name it with --config-file.\n", stderr);
	exit(E_CONFIG);
}

static void give_up(int code)
{
	fflush(stdout);
	exit(code);
}

static void load_config(struct adm *adm, const struct command *cmd)
{
	struct config *cfg = config_new(adm->node_name, stderr);
	struct cfg_name peer = { NULL, adm->peer };
	int rc;

	adm->cfg = cfg;
	if (adm->peer)
		cfg->peer_wanted = &peer;
	rc = config_parse_file(cfg, adm->config_file);
	if (!rc && adm->test_file)
		rc = config_parse_file(cfg, adm->test_file);
	if (!rc)
		rc = config_finish(cfg);
	if (!rc)
		rc = config_check_references(cfg);
	if (rc)
		give_up(rc);
	cfg->peer_wanted = NULL;
	if (!(cmd->flags & CMD_PLAIN) || adm->verbose || adm->dry_run)
		config_expand(cfg);
}

/* dump without names shows everything, not only what a command would work on */
static int dump_everything(struct adm *adm, const struct command *cmd)
{
	const struct cfg_resource *res;
	int rc;

	for (res = adm->cfg->resources; res; res = res->next) {
		if (adm->dry_run == 1 || (res->stacked && !adm->stacked))
			continue;
		rc = config_check_address(adm->cfg, res);
		if (rc)
			return rc;
	}
	if (!strcmp(cmd->name, "dump"))
		config_dump(stdout, adm->cfg, adm->verbose);
	else
		config_dump_xml(stdout, adm->cfg);
	return 0;
}

static int run_command(struct adm *adm, const struct command *cmd, char **names, int count)
{
	int rc, deferred;

	if ((cmd->flags & CMD_ANY_STACKED) && (!count || !strcmp(names[0], "all")))
		return dump_everything(adm, cmd);
	rc = select_and_run(adm, cmd, names, count);
	if (!(cmd->flags & CMD_DEFERRED) || rc >= E_CONFIG || !adm->tasks)
		return rc;
	if (!strcmp(cmd->name, "adjust-with-progress") && !adm->verbose && !adm->dry_run)
		deferred = tasks_run_with_progress(adm);
	else
		deferred = tasks_run(adm);
	return deferred ? deferred : rc;
}

int main(int argc, char **argv)
{
	struct adm adm = { .argv0 = argv[0] };
	const struct command *cmd;
	int words, at, rc;
	char **names;

	words = parse_options(&adm, argc, argv);
	cmd = find_command(&adm, argv, words, &at);
	names = argv + at + 1;
	words -= at + 1;

	if (backend_options_check(&adm, cmd))
		return E_USAGE;
	if ((cmd->flags & CMD_RESOURCE) && !words && !(cmd->flags & CMD_ALL_DEFAULT)) {
		fprintf(stderr, "drbdadm %s: name a resource, or give 'all'.\n\n", cmd->name);
		usage(stderr);
		return E_USAGE;
	}
	if (!(cmd->flags & CMD_RESOURCE) && words)
		fprintf(stderr, "drbdadm: '%s' takes no resource names, '%s' is ignored.\n",
			cmd->name, names[0]);
	if (adm.test_file && !(cmd->flags & CMD_TEST_FILE)) {
		fputs("drbdadm: --config-to-test works with dump, dump-xml and sh-nop only.\n",
		      stderr);
		return E_USAGE;
	}

	find_tools(&adm);
	adm.node_name = node_name();
	if (!adm.config_file)
		adm.config_file = registered_config(cmd, names, words);
	if (!adm.config_file)
		adm.config_file = default_config();
	load_config(&adm, cmd);
	rc = run_command(&adm, cmd, names, words);
	config_free(adm.cfg);
	return rc;
}
