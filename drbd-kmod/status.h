/* SPDX-License-Identifier: GPL-2.0 */
/*
 * status.h - what netlink tells about objects, as structs of core/nlattrs.h
 *
 * The fill functions take the resource lock themselves; the put functions write one
 * container each. Sockets' messages: netlink.h.
 */
#ifndef DRBD_STATUS_H
#define DRBD_STATUS_H

#include "nl_attrs.h"
#include "shell.h"

struct status_context {
	struct nl_cfg_context ctx;
	u64 omit;
};

struct status_resource {
	struct nl_resource_info info;
	struct nl_resource_statistics statistics;
	struct res_opts opts;
};

struct status_connection {
	bool configured;
	struct nl_connection_info info;
	struct nl_connection_statistics statistics;
	struct net_conf conf;
};

struct status_device {
	bool has_disk;
	struct nl_device_info info;
	struct nl_device_statistics statistics;
	struct nl_peer_device_info peer_info;
	struct nl_peer_device_statistics peer_statistics;
	struct nl_state_info state;	/* without the reason's own fields */
	u64 state_omit;
	struct disk_conf conf;
};

enum context_parts { CTX_NAME = 0, CTX_VOLUME = 1, CTX_ADDRESSES = 2 };

void status_context_fill(struct status_context *c, struct shell_resource *r,
			 struct shell_device *d, int parts);
void status_resource_fill(struct status_resource *s, struct shell_resource *r);
void status_connection_fill(struct status_connection *s, struct shell_resource *r);
void status_device_fill(struct status_device *s, struct shell_device *d);
/* Makes the values of a state change, not those of now, show. */
void status_resource_of(struct nl_resource_info *info, const struct notify_side *side);
void status_connection_of(struct nl_connection_info *info, const struct notify_side *side);
void status_peer_device_of(struct nl_peer_device_info *info, const struct state *state);

int status_put_context(struct sk_buff *skb, const struct status_context *c);
/* The attributes of GET_STATUS (netlink.md 3.4) after the context; d may be NULL. */
int status_put_all(struct sk_buff *skb, struct shell_resource *r, struct shell_device *d,
		   const struct status_device *s, bool sensitive);

#endif /* DRBD_STATUS_H */
