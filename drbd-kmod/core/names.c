// SPDX-License-Identifier: GPL-2.0
/*
 * names.c - names of states, results and helpers (see names.h)
 */
#include "names.h"
#include "nlattrs.h"

static const char *const role_names[] = { "Unknown", "Primary", "Secondary" };

static const char *const conn_names[] = {
	"StandAlone",	  "Disconnecting", "Unconnected",   "Timeout",	   "BrokenPipe",
	"NetworkFailure", "ProtocolError", "TearDown",	    "WFConnection", "WFReportParams",
	"Connected",	  "StartingSyncS", "StartingSyncT", "WFBitMapS",   "WFBitMapT",
	"WFSyncUUID",	  "SyncSource",	   "SyncTarget",    "VerifyS",	   "VerifyT",
	"PausedSyncS",	  "PausedSyncT",   "Ahead",	    "Behind",
};

static const char *const disk_names[] = {
	"Diskless", "Attaching", "Failed",     "Negotiating", "Inconsistent",
	"Outdated", "DUnknown",	 "Consistent", "UpToDate",
};

static const char *const write_ordering_names[] = { "none", "drain", "flush", "barrier" };

static const char *const helper_names[] = {
	[HELPER_BEFORE_RESYNC_TARGET] = "before-resync-target",
	[HELPER_BEFORE_RESYNC_SOURCE] = "before-resync-source",
	[HELPER_AFTER_RESYNC_TARGET] = "after-resync-target",
	[HELPER_OUT_OF_SYNC] = "out-of-sync",
	[HELPER_UNFENCE_PEER] = "unfence-peer",
	[HELPER_FENCE_PEER] = "fence-peer",
	[HELPER_LOCAL_IO_ERROR] = "local-io-error",
	[HELPER_PRI_ON_INCON_DEGR] = "pri-on-incon-degr",
	[HELPER_INITIAL_SPLIT_BRAIN] = "initial-split-brain",
	[HELPER_SPLIT_BRAIN] = "split-brain",
	[HELPER_PRI_LOST_AFTER_SB] = "pri-lost-after-sb",
	[HELPER_PRI_LOST] = "pri-lost",
};

#define CONN_WF_CONNECTION 8
#define CONN_WF_REPORT_PARAMS 9
#define CONN_CONNECTED 10

#define NAME_AT(names, number) ((number) < ARRAY_SIZE(names) ? (names)[number] : "?")

const char *name_of_role(u32 role)
{
	return NAME_AT(role_names, role);
}

const char *name_of_conn(u32 conn)
{
	return NAME_AT(conn_names, conn);
}

const char *name_of_disk(u32 disk)
{
	return NAME_AT(disk_names, disk);
}

const char *name_of_connection_state(u32 conn)
{
	if (conn == CONN_WF_CONNECTION)
		return "Connecting";
	if (conn >= CONN_WF_REPORT_PARAMS)
		return "Connected";
	return name_of_conn(conn);
}

const char *name_of_replication_state(u32 repl)
{
	if (repl <= CONN_WF_REPORT_PARAMS)
		return "Off";
	if (repl == CONN_CONNECTED)
		return "Established";
	return name_of_conn(repl);
}

const char *name_of_write_ordering(u32 method)
{
	return NAME_AT(write_ordering_names, method);
}

const char *name_of_helper(enum helper_command command)
{
	return NAME_AT(helper_names, (u32)command);
}

static int index_of_name(const char *const *names, int count, const char *name)
{
	int i;

	for (i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return i;
	return -1;
}

int role_by_name(const char *name)
{
	return index_of_name(role_names, ARRAY_SIZE(role_names), name);
}

int conn_by_name(const char *name)
{
	return index_of_name(conn_names, ARRAY_SIZE(conn_names), name);
}

int disk_by_name(const char *name)
{
	return index_of_name(disk_names, ARRAY_SIZE(disk_names), name);
}

#define CODE_TEXT(name, number, text) \
	case number:                  \
		return text;
#define CODE_NAME(name, number, text) \
	case number:                  \
		return #name;

const char *text_of_error_code(s32 code)
{
	switch (code) {
		NL_ERROR_CODES(CODE_TEXT)
	}
	return NULL;
}

const char *text_of_state_code(s32 code)
{
	switch (code) {
		NL_STATE_CODES(CODE_TEXT)
	}
	return NULL;
}

const char *name_of_code(s32 code)
{
	switch (code) {
		NL_ERROR_CODES(CODE_NAME)
		NL_STATE_CODES(CODE_NAME)
	}
	return NULL;
}
