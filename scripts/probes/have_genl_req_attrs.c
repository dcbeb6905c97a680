// SPDX-License-Identifier: GPL-2.0
#include <net/genetlink.h>
bool probe(struct genl_info *i);
bool probe(struct genl_info *i) { return GENL_REQ_ATTR_CHECK(i, 1); }
