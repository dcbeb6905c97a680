/* SPDX-License-Identifier: GPL-2.0 */
/*
 * block_device.h - is this path a lower device that could be attached
 */
#ifndef LIB_BLOCK_DEVICE_H
#define LIB_BLOCK_DEVICE_H

#include <stdbool.h>

/* True if it can be opened for reading and writing and is a block device; else a message. */
bool block_device_check(const char *path);

#endif /* LIB_BLOCK_DEVICE_H */
