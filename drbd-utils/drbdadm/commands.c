// SPDX-License-Identifier: GPL-2.0
/* commands.c - the table of commands (spec chapter tools.md section 7.4) */
#include <string.h>

#include "drbdadm.h"

#define VOLUMES (CMD_RESOURCE | CMD_VOLUMES)
#define SHELL CMD_HIDDEN
#define HANDLER (CMD_RESOURCE | CMD_HIDDEN | CMD_HANDLER)

static const char *const disk_sections[] = { "disk", NULL };
static const char *const net_sections[] = { "net", NULL };
static const char *const resource_sections[] = { "options", NULL };
static const char *const detach_sections[] = { "detach", NULL };
static const char *const disconnect_sections[] = { "disconnect", NULL };
static const char *const primary_sections[] = { "primary", NULL };
static const char *const resize_sections[] = { "resize", NULL };
static const char *const verify_sections[] = { "verify", NULL };
static const char *const uuid_sections[] = { "new-current-uuid", NULL };
/* drbdmeta's commands understand --force; create-md also the stripe options of resize */
static const char *const md_sections[] = { "detach", NULL };
static const char *const create_sections[] = { "detach", "resize", NULL };

const struct command commands[] = {
	{ "attach", cmd_attach, VOLUMES | CMD_STRICT, disk_sections,
	  "attach the lower disks" },
	{ "disk-options", cmd_disk_options, VOLUMES, disk_sections,
	  "change disk options of attached volumes" },
	{ "detach", cmd_detach, VOLUMES, detach_sections, "detach the lower disks" },
	{ "connect", cmd_connect, CMD_RESOURCE | CMD_CHECK_IP | CMD_PEER | CMD_STRICT,
	  net_sections, "connect to the peer" },
	{ "net-options", cmd_net_options, CMD_RESOURCE | CMD_CHECK_IP | CMD_PEER, net_sections,
	  "change options of the connection" },
	{ "disconnect", cmd_disconnect, CMD_RESOURCE, disconnect_sections,
	  "remove the connection to the peer" },
	{ "up", cmd_up,
	  CMD_RESOURCE | CMD_VOLUME_OK | CMD_CHECK_IP | CMD_PEER | CMD_DEFERRED | CMD_STRICT, NULL,
	  "create, attach and connect" },
	{ "resource-options", cmd_resource_options, CMD_RESOURCE, resource_sections,
	  "change options of the resource" },
	{ "down", cmd_down, CMD_RESOURCE, NULL, "disconnect, detach and remove" },
	{ "primary", cmd_on_minor, VOLUMES, primary_sections, "allow use of the devices here" },
	{ "secondary", cmd_on_minor, VOLUMES, NULL, "take the Primary role back" },
	{ "invalidate", cmd_or_meta, VOLUMES, NULL, "mark local data as bad, resync from the peer" },
	{ "invalidate-remote", cmd_on_minor, VOLUMES | CMD_CHECK_IP, NULL,
	  "mark the peer's data as bad, resync to the peer" },
	{ "outdate", cmd_outdate, VOLUMES, NULL, "mark local data as outdated" },
	{ "resize", cmd_resize, VOLUMES | CMD_CHECK_IP, resize_sections,
	  "use a changed size of the lower disks" },
	{ "verify", cmd_on_minor_short, VOLUMES | CMD_CHECK_IP, verify_sections,
	  "compare local and remote data" },
	{ "pause-sync", cmd_on_minor_short, VOLUMES | CMD_CHECK_IP, NULL, "pause resync" },
	{ "resume-sync", cmd_on_minor_short, VOLUMES | CMD_CHECK_IP, NULL, "resume resync" },
	{ "adjust", cmd_adjust,
	  CMD_RESOURCE | CMD_CHECK_IP | CMD_PEER | CMD_DEFERRED | CMD_STRICT, NULL,
	  "make the kernel follow the configuration" },
	{ "adjust-with-progress", cmd_adjust,
	  CMD_RESOURCE | CMD_CHECK_IP | CMD_PEER | CMD_DEFERRED | CMD_STRICT, NULL,
	  "adjust, one line for each stage" },
	{ "wait-connect", cmd_wait_connect, VOLUMES | CMD_CHECK_IP, NULL,
	  "wait for the peer" },
	{ "wait-con-int", cmd_wait_con_int, 0, NULL, "wait for all peers, at boot" },
	{ "role", cmd_on_minor_short, VOLUMES, NULL, "show the roles, own/peer's" },
	{ "cstate", cmd_on_minor_short, VOLUMES, NULL, "show the connection state" },
	{ "dstate", cmd_or_meta, VOLUMES, NULL, "show the disk states, own/peer's" },
	{ "status", cmd_status, CMD_RESOURCE | CMD_ALL_DEFAULT, NULL, "show the state" },
	{ "dump", cmd_dump, CMD_RESOURCE | CMD_ALL_DEFAULT | CMD_CHECK_IP | CMD_PLAIN |
	  CMD_TEST_FILE | CMD_ANY_STACKED, NULL, "print the configuration as understood" },
	{ "dump-xml", cmd_dump_xml, CMD_RESOURCE | CMD_ALL_DEFAULT | CMD_CHECK_IP | CMD_PLAIN |
	  CMD_TEST_FILE | CMD_ANY_STACKED, NULL, "the same as XML" },
	{ "create-md", cmd_create_md, VOLUMES, create_sections, "initialise metadata" },
	{ "show-gi", cmd_or_meta, VOLUMES, NULL, "show generation identifiers, explained" },
	{ "get-gi", cmd_or_meta, VOLUMES, NULL, "show generation identifiers" },
	{ "dump-md", cmd_meta, VOLUMES, md_sections, "print metadata as text" },
	{ "wipe-md", cmd_meta, VOLUMES, md_sections, "remove the metadata" },
	{ "apply-al", cmd_meta, VOLUMES, md_sections, "apply the activity log of a crashed Primary" },
	{ "hidden-commands", cmd_hidden_commands, 0, NULL, "list commands for scripts" },

	{ "sh-nop", cmd_sh_nop, SHELL | CMD_TEST_FILE, NULL, "check the configuration only" },
	{ "sh-resources", cmd_sh_resources, SHELL, NULL, "names of all resources" },
	{ "sh-resource", cmd_sh_resource, SHELL | CMD_RESOURCE, NULL, "name of the resource" },
	{ "sh-mod-parms", cmd_sh_mod_parms, SHELL, NULL, "module parameters" },
	{ "sh-dev", cmd_sh_volume_word, SHELL | VOLUMES, NULL, "device name" },
	{ "sh-minor", cmd_sh_volume_word, SHELL | VOLUMES, NULL, "minor number" },
	{ "sh-ll-dev", cmd_sh_volume_word, SHELL | VOLUMES, NULL, "lower disk" },
	{ "sh-md-dev", cmd_sh_volume_word, SHELL | VOLUMES, NULL, "metadata device" },
	{ "sh-md-idx", cmd_sh_volume_word, SHELL | VOLUMES, NULL, "metadata index" },
	{ "sh-ip", cmd_sh_volume_word, SHELL | VOLUMES, NULL, "own address" },
	{ "sh-udev", cmd_sh_udev, SHELL | CMD_RESOURCE | CMD_ONE_VOLUME, NULL, "names for udev" },
	{ "sh-lr-of", cmd_sh_lr_of, SHELL | VOLUMES, NULL, "name of the lower resource" },
	{ "sh-b-pri", cmd_sh_b_pri, SHELL | VOLUMES, NULL, "follow become-primary-on" },
	{ "sh-status", cmd_sh_status, SHELL, NULL, "state as shell assignments" },
	{ "proxy-up", cmd_proxy_up, SHELL | CMD_RESOURCE | CMD_PEER, NULL,
	  "set the proxy connection up" },
	{ "proxy-down", cmd_proxy_down, SHELL | CMD_RESOURCE | CMD_PEER, NULL,
	  "remove the proxy connection" },
	{ "new-resource", cmd_new_resource, SHELL | CMD_RESOURCE | CMD_STRICT, NULL,
	  "create the resource only" },
	{ "new-minor", cmd_new_minor, SHELL | VOLUMES, NULL, "create the devices only" },
	{ "sh-new-minor", cmd_new_minor, SHELL | VOLUMES, NULL, "create the devices only" },
	{ "suspend-io", cmd_on_minor_short, SHELL | VOLUMES, NULL, "suspend I/O" },
	{ "resume-io", cmd_on_minor_short, SHELL | VOLUMES, NULL, "resume I/O" },
	{ "set-gi", cmd_meta, SHELL | CMD_RESOURCE | CMD_ONE_VOLUME, NULL,
	  "set generation identifiers" },
	{ "new-current-uuid", cmd_on_minor_short, SHELL | CMD_RESOURCE | CMD_ONE_VOLUME,
	  uuid_sections, "start a new data generation" },
	{ "check-resize", cmd_check_resize, SHELL | VOLUMES, NULL,
	  "follow a changed size of the lower disks" },

	{ "pri-on-incon-degr", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "pri-lost-after-sb", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "pri-lost", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "initial-split-brain", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "split-brain", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "local-io-error", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "before-resync-target", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "after-resync-target", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "before-resync-source", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "out-of-sync", cmd_handler, HANDLER | CMD_ONE_VOLUME, NULL, "handler" },
	{ "fence-peer", cmd_handler, HANDLER, NULL, "handler" },
	{ "unfence-peer", cmd_handler, HANDLER, NULL, "handler" },
	{ NULL, NULL, 0, NULL, NULL },
};

const struct command *command_find(const char *name)
{
	const struct command *cmd;

	for (cmd = commands; cmd->name; cmd++)
		if (!strcmp(cmd->name, name))
			return cmd;
	return NULL;
}

int cmd_hidden_commands(struct adm *adm, const struct subject *subject)
{
	const struct command *cmd;

	(void)adm;
	(void)subject;
	puts("\nThese commands are for scripts and for the kernel:\n");
	for (cmd = commands; cmd->name; cmd++)
		if (cmd->flags & CMD_HIDDEN)
			printf(" %-22s %s\n", cmd->name, cmd->help);
	return 0;
}
