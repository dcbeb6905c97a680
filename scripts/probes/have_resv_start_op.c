// SPDX-License-Identifier: GPL-2.0
#include <net/genetlink.h>
struct genl_family probe = { .resv_start_op = 42 };
