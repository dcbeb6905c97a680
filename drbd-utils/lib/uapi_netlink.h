/* SPDX-License-Identifier: GPL-2.0 */
/*
 * uapi_netlink.h - the kernel's netlink headers beside core/portable.h
 *
 * Both define the fixed endian types, as different 64 bit integers; the uapi
 * names are moved out of the way.  Include this before any core header.
 */
#ifndef LIB_UAPI_NETLINK_H
#define LIB_UAPI_NETLINK_H

#define __be64 uapi_be64
#define __le64 uapi_le64
#include <linux/genetlink.h>
#include <linux/netlink.h>
#undef __be64
#undef __le64

#endif /* LIB_UAPI_NETLINK_H */
