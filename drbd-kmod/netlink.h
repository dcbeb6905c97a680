/* SPDX-License-Identifier: GPL-2.0 */
/*
 * netlink.h - the generic netlink family "drbd" (netlink.md)
 *
 *	netlink.c	the family; what every command does first and last
 *	nl_config.c	commands that make, change and remove configuration
 *	nl_state.c	commands about state
 *	nl_dump.c	dumps, each record a datagram of its own
 *	events.c	notifications to the multicast group
 *
 * Handlers do not hold the genl mutex (parallel_ops): a command that waits for a peer
 * must not stop other families. One command of a resource at a time: resource->admin.
 */
#ifndef DRBD_NETLINK_H
#define DRBD_NETLINK_H

#include "status.h"
#include "core/admin.h"

extern struct genl_family drbd_nl_family;

/* What a command is about (netlink.md 3.2). */
enum nl_context { NL_CTX_NAME, NL_CTX_MINOR, NL_CTX_RESOURCE, NL_CTX_CONNECTION };

struct nl_request {
	struct genl_info *info;
	struct nl_header *header;
	struct sk_buff *reply;
	struct nl_header *reply_header;
	struct nl_cfg_context ctx;
	u64 ctx_seen;			/* attributes of ctx that were given */
	struct shell_resource *r;	/* referenced; admin mutex held in handlers */
	struct shell_device *d;
	struct admin_op op;
};

/* A command: returns the reply's code; may set the info text with nl_info(). */
typedef s32 nl_handler(struct nl_request *rq);
struct nl_command_desc {
	u8 cmd;
	enum nl_context context;
	nl_handler *run;
};

const struct nl_command_desc *nl_config_command(u8 cmd);
const struct nl_command_desc *nl_state_command(u8 cmd);

void nl_info(struct nl_request *rq, const char *text);
/* Parse a container of the request; on error sets the info text and returns ERR_MANDATORY_TAG. */
s32 nl_request_parse(struct nl_request *rq, const struct option_section *section, void *obj,
		     enum nl_parse_mode mode, u64 *seen);
bool nl_set_defaults(const struct nl_request *rq);
/* Run an admin command with rq->op; interruptible. */
s32 nl_run(struct nl_request *rq, admin_command *command);
struct nl_header *nl_message_header(const struct nlmsghdr *nlh);
/* Start a message: genl header and ours. NULL: no room. */
struct nl_header *nl_message_put(struct sk_buff *skb, u32 portid, u32 seq, int flags, u8 cmd, u32 minor);

int nl_dump_start(struct netlink_callback *cb);
int nl_dump_next(struct sk_buff *skb, struct netlink_callback *cb);
int nl_dump_done(struct netlink_callback *cb);

/* ---- events.c ---- */
void notify_resource(struct shell_resource *r, u32 type);
void notify_device(struct shell_device *d, u32 type);
void notify_connection(struct shell_resource *r, u32 type);
void notify_peer_device(struct shell_device *d, u32 type);
/* The records of GET_INITIAL_STATE for one resource, appended to a queue. */
int events_initial_state(struct sk_buff_head *records, u32 seq);

#endif /* DRBD_NETLINK_H */
