/* SPDX-License-Identifier: GPL-2.0 */
/*
 * names.h - names of states, results and helpers as people and scripts see them
 * (netlink.md 4, 6.2, 7; tools.md 9.7)
 *
 * Arguments are the numbers of the state word and of ret_code.  Nothing here
 * returns NULL except where said; unknown numbers give "?" or a like text.
 */
#ifndef CORE_NAMES_H
#define CORE_NAMES_H

#include "portable.h"

/* As in /proc/drbd, cstate, dstate, role and the kernel log. */
const char *name_of_role(u32 role);
const char *name_of_conn(u32 conn);
const char *name_of_disk(u32 disk);

/* As in status and events2, which use the names of version 9. */
const char *name_of_connection_state(u32 conn);
const char *name_of_replication_state(u32 repl);
const char *name_of_write_ordering(u32 method);

/* Back from a name; -1 when there is none of it. */
int role_by_name(const char *name);
int conn_by_name(const char *name);
int disk_by_name(const char *name);

/* Text of an ERR_* or SS_* code (nlattrs.h), NULL if the number is unknown. */
const char *text_of_error_code(s32 code);
const char *text_of_state_code(s32 code);
/* Constant's name of either kind, "ERR_NOMEM", NULL if unknown. */
const char *name_of_code(s32 code);

/* The kernel's calls to the user mode helper (netlink.md 7). */
enum helper_command {
	HELPER_BEFORE_RESYNC_TARGET,
	HELPER_BEFORE_RESYNC_SOURCE,
	HELPER_AFTER_RESYNC_TARGET,
	HELPER_OUT_OF_SYNC,
	HELPER_UNFENCE_PEER,
	HELPER_FENCE_PEER,
	HELPER_LOCAL_IO_ERROR,
	HELPER_PRI_ON_INCON_DEGR,
	HELPER_INITIAL_SPLIT_BRAIN,
	HELPER_SPLIT_BRAIN,
	HELPER_PRI_LOST_AFTER_SB,
	HELPER_PRI_LOST,
	HELPER_COMMANDS,
};

const char *name_of_helper(enum helper_command command);

#endif /* CORE_NAMES_H */
