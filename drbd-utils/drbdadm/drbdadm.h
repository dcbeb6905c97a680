/* SPDX-License-Identifier: GPL-2.0 */
/*
 * drbdadm.h - what the parts of drbdadm share
 *
 * drbdadm turns the configuration into calls of drbdsetup and drbdmeta (spec
 * chapter tools.md sections 7 and 8).  A call is prepared completely, then run,
 * or printed with --dry-run.  Functions that run things return an exit code:
 * 0 done, 1 usage or failed deferred run, 10 invalid configuration, 20
 * execution problem, else the backend's code.
 */
#ifndef DRBDADM_H
#define DRBDADM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "../lib/config/config.h"

#define E_USAGE 1
#define E_CONFIG 10
#define E_EXEC 20

#define RUN_DIR "/run/drbd"

enum tool { TOOL_SETUP, TOOL_META, TOOL_PROXY, TOOL_COUNT };

/* Time classes of tools.md 7.6; the seconds are in the global section. */
enum time_class { TIME_SHORT, TIME_MEDIUM, TIME_LONG, TIME_UNLIMITED };

struct adm {
	const char *argv0;
	const char *tools[TOOL_COUNT];		/* as printed and executed */
	const char *config_file;
	const char *test_file;
	const char *peer;
	const char *sh_varname;
	const char *node_name;
	int dry_run;
	int verbose;
	bool stacked;
	bool quiet_children;			/* adjust-with-progress */
	const char **extra;			/* backend options, verbatim */
	int extra_count;
	const char **direct;			/* those of extra that were given as options of ours */
	int direct_count;
	struct config *cfg;
	struct task *tasks, **tasks_end;
};

/* A prepared command line. */
struct call {
	struct adm *adm;
	const char **argv;
	int argc;
	const char *res_name;
	enum time_class time;
	bool quiet;			/* the child's stderr is thrown away */
	bool want_output;		/* stdout is kept in output */
	bool want_errors;		/* stderr is kept in errors */
	bool answers;			/* a code of 10 and more is no failure to report */
	bool runs_in_dry_run;		/* it only reads: show of adjust */
	char *output, *errors;
	size_t output_len;
	const char *registers;		/* name below RUN_DIR to link after success */
};

struct subject {
	const struct command *cmd;
	struct cfg_resource *res;
	struct cfg_volume *vol;		/* NULL for commands on a whole resource */
};

enum command_flags {
	CMD_RESOURCE = 0x001,	/* takes resource names */
	CMD_VOLUMES = 0x002,	/* ... and runs once for each volume */
	CMD_ONE_VOLUME = 0x004,
	CMD_CHECK_IP = 0x008,
	CMD_PEER = 0x010,
	CMD_DEFERRED = 0x020,
	CMD_ALL_DEFAULT = 0x040,	/* no name means all */
	CMD_PLAIN = 0x080,		/* works on the unexpanded configuration */
	CMD_TEST_FILE = 0x100,		/* -t allowed */
	CMD_HIDDEN = 0x200,
	CMD_HANDLER = 0x400,		/* called by the kernel */
	CMD_STRICT = 0x800,		/* hands options to the kernel: check their values first */
	CMD_ANY_STACKED = 0x1000,	/* dump: stackedness does not matter */
	CMD_VOLUME_OK = 0x2000,		/* RES/V narrows it, RES means all (up) */
};

struct command {
	const char *name;
	int (*run)(struct adm *adm, const struct subject *subject);
	unsigned int flags;
	const char *const *sections;	/* option sections its own options come from */
	const char *help;
};

/* commands.c */
const struct command *command_find(const char *name);
extern const struct command commands[];

/* options.c: backend options given directly */
bool backend_option_parse(struct adm *adm, int *index, int argc, char **argv);
int backend_options_check(const struct adm *adm, const struct command *cmd);
void backend_options_help(FILE *out, const struct command *cmd);
void extra_add(struct adm *adm, const char *text);

/* select.c */
int select_and_run(struct adm *adm, const struct command *cmd, char **names, int count);
bool resource_selected(const struct adm *adm, const struct cfg_resource *res);
void peer_complain(struct adm *adm, const struct cfg_resource *res);

/* call.c */
struct call *call_new(struct adm *adm, enum tool tool, const struct cfg_resource *res,
		      enum time_class time);
void call_add(struct call *call, const char *word);
void call_addf(struct call *call, const char *format, ...) __attribute__((format(printf, 2, 3)));
void call_add_options(struct call *call, const struct cfg_options *list);
void call_add_extra(struct call *call);
int call_run(struct call *call);
void call_print(const struct call *call, FILE *out);

/* make.c: the calls themselves */
struct call *make_setup(struct adm *adm, const struct cfg_resource *res, enum time_class time,
			const char *command);
struct call *make_meta(struct adm *adm, const struct subject *subject, const char *command);
struct call *make_new_resource(struct adm *adm, const struct cfg_resource *res);
struct call *make_new_minor(struct adm *adm, const struct subject *subject);
struct call *make_attach(struct adm *adm, const struct subject *subject);
struct call *make_resize(struct adm *adm, const struct subject *subject);
struct call *make_check_resize(struct adm *adm, const struct subject *subject);
struct call *make_connect(struct adm *adm, const struct cfg_resource *res);
struct call *make_disconnect(struct adm *adm, const struct cfg_resource *res,
			     const struct cfg_host *me, const struct cfg_host *peer);
void call_add_address(struct call *call, const struct cfg_address *addr);
void call_add_ends(struct call *call, const struct cfg_host *me, const struct cfg_host *peer);
const char *meta_device(const struct cfg_volume *vol);

/* stages.c: deferred calls */
enum stage {
	STAGE_CREATE,
	STAGE_RESOURCE,
	STAGE_PREPARE_DISK,
	STAGE_DISK,
	STAGE_PREPARE_NET,
	STAGE_NET,
	STAGE_COUNT,
};

/* @second runs only after @first succeeded; its result counts if @both */
void task_add(struct adm *adm, const struct cfg_resource *res, enum stage stage,
	      struct call *first, struct call *second, bool both);
int tasks_run(struct adm *adm);
int tasks_run_with_progress(struct adm *adm);

/* the commands */
int cmd_up(struct adm *adm, const struct subject *subject);
int cmd_down(struct adm *adm, const struct subject *subject);
int cmd_attach(struct adm *adm, const struct subject *subject);
int cmd_detach(struct adm *adm, const struct subject *subject);
int cmd_disk_options(struct adm *adm, const struct subject *subject);
int cmd_connect(struct adm *adm, const struct subject *subject);
int cmd_net_options(struct adm *adm, const struct subject *subject);
int cmd_disconnect(struct adm *adm, const struct subject *subject);
int cmd_resource_options(struct adm *adm, const struct subject *subject);
int cmd_on_minor(struct adm *adm, const struct subject *subject);
int cmd_on_minor_short(struct adm *adm, const struct subject *subject);
int cmd_or_meta(struct adm *adm, const struct subject *subject);
int cmd_outdate(struct adm *adm, const struct subject *subject);
int cmd_resize(struct adm *adm, const struct subject *subject);
int cmd_check_resize(struct adm *adm, const struct subject *subject);
int cmd_status(struct adm *adm, const struct subject *subject);
int cmd_meta(struct adm *adm, const struct subject *subject);
int cmd_create_md(struct adm *adm, const struct subject *subject);
int cmd_new_resource(struct adm *adm, const struct subject *subject);
int cmd_new_minor(struct adm *adm, const struct subject *subject);
int cmd_dump(struct adm *adm, const struct subject *subject);
int cmd_dump_xml(struct adm *adm, const struct subject *subject);
int cmd_adjust(struct adm *adm, const struct subject *subject);
int cmd_wait_connect(struct adm *adm, const struct subject *subject);
int cmd_wait_con_int(struct adm *adm, const struct subject *subject);
int cmd_handler(struct adm *adm, const struct subject *subject);
int cmd_proxy_up(struct adm *adm, const struct subject *subject);
int cmd_proxy_down(struct adm *adm, const struct subject *subject);
int cmd_hidden_commands(struct adm *adm, const struct subject *subject);
int cmd_sh_nop(struct adm *adm, const struct subject *subject);
int cmd_sh_resources(struct adm *adm, const struct subject *subject);
int cmd_sh_resource(struct adm *adm, const struct subject *subject);
int cmd_sh_mod_parms(struct adm *adm, const struct subject *subject);
int cmd_sh_volume_word(struct adm *adm, const struct subject *subject);
int cmd_sh_udev(struct adm *adm, const struct subject *subject);
int cmd_sh_lr_of(struct adm *adm, const struct subject *subject);
int cmd_sh_b_pri(struct adm *adm, const struct subject *subject);
int cmd_sh_status(struct adm *adm, const struct subject *subject);

#endif
