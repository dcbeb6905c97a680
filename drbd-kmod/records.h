/* SPDX-License-Identifier: GPL-2.0 */
/*
 * records.h - one object in one message, for dumps and notifications (netlink.md 3.5, 5.3)
 *
 * Both tell the same about an object: context, then its configuration (dump) or the
 * notification header, then information and statistics. May sleep; takes the resource lock.
 */
#ifndef DRBD_RECORDS_H
#define DRBD_RECORDS_H

#include "netlink.h"

/* In the order of the commands from NL_GET_RESOURCES and NL_RESOURCE_STATE on. */
enum record_kind { RECORD_RESOURCE, RECORD_DEVICE, RECORD_CONNECTION, RECORD_PEER_DEVICE };
#define RECORD_KINDS 4

struct record {
	struct shell_resource *r;
	struct shell_device *d;			/* devices and peer devices */
	const struct notify_side *side;		/* values of a change; NULL: those of now */
	u32 portid, seq;
	bool dump;				/* with configuration, for dumps 30 to 33 */
	bool sensitive;				/* dump: with the secret */
	u32 type;				/* notification: nh_type */
};

/* The message, finished; NULL without memory. */
struct sk_buff *record_new(enum record_kind kind, const struct record *rec);
int record_put_type(struct sk_buff *skb, u32 type);

/* The volumes of a resource in order, each with a reference. */
struct volumes {
	u32 n;
	struct shell_device *device[];
};
struct volumes *volumes_get(struct shell_resource *r);	/* NULL without memory */
void volumes_put(struct volumes *v);			/* or of NULL */

#endif /* DRBD_RECORDS_H */
