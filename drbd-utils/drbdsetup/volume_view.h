/* SPDX-License-Identifier: GPL-2.0 */
/*
 * volume_view.h - what GET_STATUS says about one volume (netlink.md 3.4, 3.5)
 *
 * A resource without volumes gives one view with minor NL_MINOR_NONE.
 */
#ifndef VOLUME_VIEW_H
#define VOLUME_VIEW_H

#include "drbdsetup.h"

struct volume_view {
	u32 minor;
	struct nl_cfg_context context;
	bool has_opts, has_disk, has_net, has_info;
	struct res_opts opts;
	struct disk_conf disk;
	struct net_conf net;
	u64 net_present; /* bits by attribute number: the secret may be withheld */
	struct nl_state_info info;
	u64 info_present;
	struct state state; /* current_state, unpacked */
};

/* Decode one record; false after a message if it is malformed. */
bool volume_view_decode(struct volume_view *view, const struct record *record);

/* Has the state info this field?  NLA_uuids, NLA_bits_oos ... */
bool volume_view_has(const struct volume_view *view, u32 nla);

/*
 * Ask about invocation's minor, or about a resource, or about everything, and
 * call visit per volume, resources in order of creation, volumes ascending.
 * Returns the exit status; 0 also if there was nothing to visit.
 */
int volume_view_each(const struct invocation *invocation,
		     void (*visit)(const struct volume_view *view, void *context), void *context);

/* One minor: STATUS_OK and *view filled, or the exit status after a message. */
int volume_view_one(const struct invocation *invocation, struct volume_view *view);

/* Resync progress as people see it: tenths of a percent (netlink.md 8.2); false if none runs. */
bool volume_view_progress(const struct volume_view *view, u32 *permille);

#endif /* VOLUME_VIEW_H */
