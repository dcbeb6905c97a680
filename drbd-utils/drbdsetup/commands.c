// SPDX-License-Identifier: GPL-2.0
/*
 * commands.c - every command of drbdsetup with its words and options (tools.md 9.1)
 */
#include "drbdsetup.h"

#include <string.h>

static const struct tool_option change_options[] = {
	{ "set-defaults", 0, TOOL_FLAG, TOOL_SET_DEFAULTS },
	{ 0 },
};

static const struct tool_option show_options[] = {
	{ "show-defaults", 'D', TOOL_FLAG, TOOL_SHOW_DEFAULTS },
	{ "json", 0, TOOL_FLAG, TOOL_JSON },
	{ 0 },
};

static const struct tool_option status_options[] = {
	{ "verbose", 'v', TOOL_FLAG, TOOL_VERBOSE },
	{ "statistics", 's', TOOL_FLAG, TOOL_STATISTICS },
	{ "color", 'c', TOOL_WORD, TOOL_COLOR },
	{ "json", 0, TOOL_FLAG, TOOL_JSON },
	{ 0 },
};

static const struct tool_option events2_options[] = {
	{ "timestamps", 'T', TOOL_FLAG, TOOL_TIMESTAMPS },
	{ "statistics", 's', TOOL_FLAG, TOOL_STATISTICS },
	{ "now", 'n', TOOL_FLAG, TOOL_NOW },
	{ 0 },
};

static const struct tool_option wait_options[] = {
	{ "wfc-timeout", 't', TOOL_NUMBER, TOOL_WFC_TIMEOUT },
	{ "degr-wfc-timeout", 'd', TOOL_NUMBER, TOOL_DEGR_WFC_TIMEOUT },
	{ "outdated-wfc-timeout", 'o', TOOL_NUMBER, TOOL_OUTDATED_WFC_TIMEOUT },
	{ "wait-after-sb", 'w', TOOL_FLAG, TOOL_WAIT_AFTER_SB },
	{ 0 },
};

#define ON_MINOR .operands = { OPERAND_MINOR }
#define ON_RESOURCE .operands = { OPERAND_RESOURCE }
#define ON_ADDRESSES .operands = { OPERAND_MY_ADDR, OPERAND_PEER_ADDR }
#define ON_RESOURCE_OR_ALL .operands = { OPERAND_RESOURCE_OR_ALL }
#define ON_ANY .operands = { OPERAND_ANY }

/* clang-format off */
const struct command commands[] = {
	{ .name = "new-resource", .summary = "Create a resource.",
	  .run = run_configure, ON_RESOURCE, .nl_command = NL_NEW_RESOURCE, .options = &res_opts_section, .creates = true },
	{ .name = "new-minor", .summary = "Create a replicated volume of a resource.",
	  .run = run_configure,
	  .operands = { OPERAND_RESOURCE, OPERAND_MINOR, OPERAND_VOLUME }, .nl_command = NL_NEW_MINOR },
	{ .name = "del-minor", .summary = "Remove a replicated volume.", .run = run_del_minor,
	  ON_MINOR, .nl_command = NL_DEL_MINOR, .locks = true },
	{ .name = "del-resource", .summary = "Remove a resource without volumes and connection.",
	  .run = run_del_resource, ON_RESOURCE, .nl_command = NL_DEL_RESOURCE },
	{ .name = "attach", .summary = "Attach a lower disk to a volume.", .run = run_attach,
	  .operands = { OPERAND_MINOR, OPERAND_LOWER_DEV, OPERAND_META_DEV, OPERAND_META_INDEX },
	  .nl_command = NL_ATTACH, .options = &disk_conf_section, .creates = true, .locks = true },
	{ .name = "disk-options", .summary = "Change options of an attached disk.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_CHG_DISK_OPTS, .options = &disk_conf_section,
	  .tool_options = change_options, .locks = true },
	{ .name = "detach", .summary = "Detach the lower disk of a volume.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_DETACH, .options = &detach_parms_section, .locks = true,
	  .gone_is_fine = true },
	{ .name = "connect", .summary = "Connect a resource to its peer.", .run = run_configure,
	  .operands = { OPERAND_RESOURCE, OPERAND_MY_ADDR, OPERAND_PEER_ADDR }, .nl_command = NL_CONNECT,
	  .options = &net_conf_section, .creates = true },
	{ .name = "net-options", .summary = "Change options of a connection.",
	  .run = run_configure,
	  ON_ADDRESSES, .nl_command = NL_CHG_NET_OPTS, .options = &net_conf_section,
	  .tool_options = change_options },
	{ .name = "disconnect", .summary = "Disconnect from the peer and forget its address.",
	  .run = run_configure, ON_ADDRESSES, .nl_command = NL_DISCONNECT,
	  .options = &disconnect_parms_section, .gone_is_fine = true },
	{ .name = "resource-options", .summary = "Change options of a resource.",
	  .run = run_configure,
	  ON_RESOURCE, .nl_command = NL_RESOURCE_OPTS, .options = &res_opts_section,
	  .tool_options = change_options },
	{ .name = "primary", .summary = "Promote: make the device usable here.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_PRIMARY, .options = &set_role_parms_section, .locks = true },
	{ .name = "secondary", .summary = "Demote: give up use of the device.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_SECONDARY, .locks = true, .gone_is_fine = true },
	{ .name = "invalidate", .summary = "Give up the local data, resync all from the peer.",
	  .run = run_configure, ON_MINOR, .nl_command = NL_INVALIDATE, .locks = true },
	{ .name = "invalidate-remote", .summary = "Give up the peer's data, resync all to the peer.",
	  .run = run_configure, ON_MINOR, .nl_command = NL_INVAL_PEER, .locks = true },
	{ .name = "outdate", .summary = "Mark the local data as outdated.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_OUTDATE, .locks = true },
	{ .name = "verify", .summary = "Compare the data of both nodes.", .run = run_configure,
	  ON_MINOR, .nl_command = NL_START_OV, .options = &start_ov_parms_section, .locks = true },
	{ .name = "pause-sync", .summary = "Pause resynchronization.", .run = run_configure,
	  ON_MINOR, .nl_command = NL_PAUSE_SYNC, .locks = true },
	{ .name = "resume-sync", .summary = "Resume resynchronization.", .run = run_configure,
	  ON_MINOR, .nl_command = NL_RESUME_SYNC, .locks = true },
	{ .name = "suspend-io", .summary = "Freeze I/O of the resource.", .run = run_configure,
	  ON_MINOR, .nl_command = NL_SUSPEND_IO, .locks = true },
	{ .name = "resume-io", .summary = "Thaw I/O of the resource.", .run = run_configure,
	  ON_MINOR, .nl_command = NL_RESUME_IO, .locks = true },
	{ .name = "resize", .summary = "Follow a change of the lower devices' size.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_RESIZE, .options = &resize_parms_section, .locks = true },
	{ .name = "new-current-uuid", .summary = "Start a new data generation.",
	  .run = run_configure,
	  ON_MINOR, .nl_command = NL_NEW_C_UUID, .options = &new_c_uuid_parms_section, .locks = true },
	{ .name = "check-resize", .summary = "Record the lower device's size.",
	  .run = run_check_resize,
	  ON_MINOR, .nl_command = NL_GET_STATUS },
	{ .name = "down", .summary = "Demote, disconnect, detach and remove a resource.",
	  .run = run_down,
	  ON_RESOURCE, .nl_command = NL_DOWN, .gone_is_fine = true },
	{ .name = "role", .summary = "Print role, mine/peer's.", .run = run_role,
	  ON_MINOR, .nl_command = NL_GET_STATUS },
	{ .name = "state", .summary = "Deprecated, see role.", .run = run_role,
	  ON_MINOR, .nl_command = NL_GET_STATUS, .locks = true },
	{ .name = "cstate", .summary = "Print the connection state.", .run = run_cstate,
	  ON_MINOR, .nl_command = NL_GET_STATUS },
	{ .name = "dstate", .summary = "Print disk states, mine/peer's.", .run = run_dstate,
	  ON_MINOR, .nl_command = NL_GET_STATUS },
	{ .name = "show", .summary = "Print the configuration in use.", .run = run_show,
	  ON_ANY, .nl_command = NL_GET_STATUS, .tool_options = show_options },
	{ .name = "show-gi", .summary = "Print generation identifiers, explained.",
	  .run = run_show_gi,
	  ON_MINOR, .nl_command = NL_GET_STATUS },
	{ .name = "get-gi", .summary = "Print generation identifiers.", .run = run_get_gi,
	  ON_MINOR, .nl_command = NL_GET_STATUS },
	{ .name = "status", .summary = "Print the state of resources.", .run = run_status,
	  ON_RESOURCE_OR_ALL, .nl_command = NL_GET_RESOURCES, .tool_options = status_options },
	{ .name = "sh-status", .summary = "Print states as shell assignments.",
	  .run = run_sh_status,
	  ON_ANY, .nl_command = NL_GET_STATUS },
	{ .name = "events", .summary = "Print state changes as they happen (old format).",
	  .run = run_events,
	  ON_ANY, .nl_command = NL_GET_STATUS },
	{ .name = "events2", .summary = "Print objects and their changes as they happen.",
	  .run = run_events2,
	  ON_RESOURCE_OR_ALL, .nl_command = NL_GET_INITIAL_STATE, .tool_options = events2_options },
	{ .name = "wait-connect", .summary = "Wait until connected.", .run = run_wait_connect,
	  ON_MINOR, .nl_command = NL_GET_TIMEOUT_TYPE, .tool_options = wait_options },
	{ .name = "wait-sync", .summary = "Wait until connected and in sync.",
	  .run = run_wait_sync,
	  ON_MINOR, .nl_command = NL_GET_TIMEOUT_TYPE, .tool_options = wait_options },
	{ 0 },
};
/* clang-format on */

const struct command *command_find(const char *name)
{
	const struct command *command;

	for (command = commands; command->name; command++)
		if (!strcmp(command->name, name))
			return command;
	return NULL;
}
