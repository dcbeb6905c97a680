/* SPDX-License-Identifier: GPL-2.0 */
/*
 * drbdsetup.h - the low level tool: one command line, one conversation
 * (tools.md 9, netlink.md 9.2)
 *
 * main.c picks a struct command from commands.c, arguments.c turns the words
 * into a struct invocation, and the command's run() returns the exit status.
 */
#ifndef DRBDSETUP_H
#define DRBDSETUP_H

#include <stdbool.h>
#include <stdio.h>

#include "client.h"
#include "address.h"

/* Exit statuses (tools.md 9.8); drbdadm depends on 5, 11, 16 and 17. */
enum {
	STATUS_OK = 0,
	STATUS_NO_DISK = 1, /* get-gi, show-gi */
	STATUS_TIMEOUT = 5, /* wait-*; also outdate of a disk below Outdated */
	STATUS_REFUSED = 10, /* a configuration error */
	STATUS_STATE_REFUSED = 11, /* a state change was refused */
	STATUS_NO_LOCAL_DISK = 16,
	STATUS_NO_GOOD_DATA = 17,
	STATUS_TROUBLE = 20, /* usage, no module, no answer */
};

/* Words of a command, in the order they are typed. */
enum operand {
	OPERAND_END,
	OPERAND_MINOR,
	OPERAND_RESOURCE,
	OPERAND_VOLUME,
	OPERAND_MY_ADDR,
	OPERAND_PEER_ADDR,
	OPERAND_LOWER_DEV,
	OPERAND_META_DEV,
	OPERAND_META_INDEX,
	OPERAND_RESOURCE_OR_ALL, /* may be missing: all */
	OPERAND_ANY, /* minor, resource or all; may be missing: all */
};

/* Options that are about the tool and never sent. */
enum tool_option_id {
	TOOL_SET_DEFAULTS,
	TOOL_SHOW_DEFAULTS,
	TOOL_VERBOSE,
	TOOL_STATISTICS,
	TOOL_TIMESTAMPS,
	TOOL_NOW,
	TOOL_COLOR,
	TOOL_JSON,
	TOOL_WFC_TIMEOUT,
	TOOL_DEGR_WFC_TIMEOUT,
	TOOL_OUTDATED_WFC_TIMEOUT,
	TOOL_WAIT_AFTER_SB,
	TOOL_OPTIONS,
};

struct tool_option {
	const char *name; /* NULL ends the list */
	char letter; /* short form, 0 for none */
	enum {
		TOOL_FLAG, /* --name[=yes|no] */
		TOOL_NUMBER, /* --name=N */
		TOOL_WORD, /* --name[=WORD] */
	} kind;
	enum tool_option_id id;
};

struct invocation;

struct command {
	const char *name;
	const char *summary;
	int (*run)(struct invocation *invocation);
	enum operand operands[6];
	const struct option_section *options; /* sent to the kernel; NULL: none */
	const struct tool_option *tool_options;
	u8 nl_command;
	bool creates; /* options of creation time are allowed */
	bool locks; /* hold the minor's lock file */
	bool gone_is_fine; /* nothing to do when there is no module */
};

#define GIVEN_OPTIONS_MAX 128

struct given_option {
	const struct option_desc *desc;
	u64 number;
	const char *text;
	struct address address;
};

struct invocation {
	const struct command *command;
	const char *object; /* as typed, for messages; "??" if there is none */
	u32 minor; /* NL_MINOR_NONE: not given */
	const char *resource; /* NULL: not given */
	u32 volume;
	struct address my_addr, peer_addr;
	const char *lower_dev, *meta_dev;
	s32 meta_index;
	struct given_option given[GIVEN_OPTIONS_MAX]; /* in typed order */
	int given_count;
	bool tool_given[TOOL_OPTIONS];
	u64 tool_number[TOOL_OPTIONS];
	const char *tool_word[TOOL_OPTIONS];
};

/* commands.c */
extern const struct command commands[]; /* ended by a NULL name */
const struct command *command_find(const char *name);

/* arguments.c: false after a message on stderr. */
bool arguments_parse(struct invocation *invocation, const struct command *command, int argc,
		     char **argv);
/* The options a command line may carry; index from 0, NULL past the last. */
const struct option_desc *command_option(const struct command *command, unsigned int index);

/* usage.c */
void usage_print(FILE *out);
void usage_print_command(FILE *out, const struct command *command);
void usage_print_xml(FILE *out, const struct command *command);

/* reply.c */
/* Send and report trouble on stderr; false: exit with STATUS_TROUBLE. */
bool conversation_start(struct request *request);
/* From now on multicasts arrive as well; false after a message. */
bool conversation_listen(void);
/* The next record of the answer; false after a message, or at the end of a dump. */
bool conversation_next(struct record *record);
/* How the dump ended: STATUS_OK or STATUS_TROUBLE. */
int conversation_status(void);
/* Print what the kernel says about ret_code, return the exit status. */
int reply_report(const char *object, const struct record *record);

/* lock.c: -1 after a message. */
int lock_minor(u32 minor);
void registration_remove_minor(u32 minor);
void registration_remove_resource(const char *name);

/* configure.c */
int run_configure(struct invocation *invocation);
int run_attach(struct invocation *invocation);
int run_down(struct invocation *invocation);
int run_del_minor(struct invocation *invocation);
int run_del_resource(struct invocation *invocation);
void request_build(struct request *request, const struct invocation *invocation);

/* state_words.c, gi.c, check_resize.c */
int run_role(struct invocation *invocation);
int run_cstate(struct invocation *invocation);
int run_dstate(struct invocation *invocation);
int run_sh_status(struct invocation *invocation);
int run_get_gi(struct invocation *invocation);
int run_show_gi(struct invocation *invocation);
int run_check_resize(struct invocation *invocation);

/* show.c, status.c, events.c, events2.c, wait.c */
int run_show(struct invocation *invocation);
int run_status(struct invocation *invocation);
int run_events(struct invocation *invocation);
int run_events2(struct invocation *invocation);
int run_wait_connect(struct invocation *invocation);
int run_wait_sync(struct invocation *invocation);

#endif /* DRBDSETUP_H */
