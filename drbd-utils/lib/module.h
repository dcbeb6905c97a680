/* SPDX-License-Identifier: GPL-2.0 */
/*
 * module.h - is the kernel's side there (netlink.md 9.1)
 */
#ifndef LIB_MODULE_H
#define LIB_MODULE_H

#include <stdbool.h>

/* True if /proc/drbd exists, if need be after running /sbin/modprobe drbd. */
bool module_load(void);

#endif /* LIB_MODULE_H */
