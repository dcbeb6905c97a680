/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nl_attrs.h - attribute containers to structs and back (netlink.md 1.3..1.5)
 *
 * Driven by the tables of core/options.h and core/nlattrs.h: no option is named here.
 * May sleep. No locks.
 */
#ifndef DRBD_NL_ATTRS_H
#define DRBD_NL_ATTRS_H

#include <net/genetlink.h>
#include "core/nlattrs.h"

enum nl_parse_mode {
	NL_PARSE_NEW,		/* creation: required attributes must be there */
	NL_PARSE_CHANGE,	/* invariant attributes must not be there */
};

/*
 * Attributes of a container into *obj; what is absent stays as it is. `seen` (may be
 * NULL) gets a bit per attribute number found.
 *
 * Errors: -EOPNOTSUPP unknown mandatory attribute, -ENOMSG required one missing, -EEXIST
 * invariant one given for a change, -EINVAL and -ERANGE malformed.
 */
int nl_parse(const struct option_section *section, struct nlattr *container, void *obj,
	     enum nl_parse_mode mode, u64 *seen);
/* What to tell the user about an error of nl_parse(). */
const char *nl_parse_error_text(int error);

struct nl_emit {
	u64 omit;		/* attribute numbers to leave out, a bit each */
	bool sensitive;		/* include sensitive ones (secrets) */
};

/* The container of a section, 0 or -EMSGSIZE. */
int nl_put(struct sk_buff *skb, const struct option_section *section, const void *obj,
	   const struct nl_emit *how);
int nl_put_info_text(struct sk_buff *skb, const char *text);

extern const struct nla_policy nl_policy[NL_CONTAINER_MAX + 1];

#endif /* DRBD_NL_ATTRS_H */
