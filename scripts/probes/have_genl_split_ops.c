// SPDX-License-Identifier: GPL-2.0
#include <net/genetlink.h>
struct genl_split_ops probe;
