/* SPDX-License-Identifier: GPL-2.0 */
/*
 * blockdev.h - what we ask the kernel about block devices
 *
 * All set errno on failure.
 */
#ifndef DRBDMETA_BLOCKDEV_H
#define DRBDMETA_BLOCKDEV_H

#include <stdbool.h>
#include <stdint.h>

/* Read-write; -1 on failure.  "Exclusive" among all exclusive openers and mounts. */
int blockdev_open(const char *path, bool direct, bool exclusive);
/* The others return false on failure. */
bool blockdev_bytes(int fd, uint64_t *bytes);
bool blockdev_logical_block(int fd, unsigned int *bytes);
/* Without transferring zeroes; a plain file gets a hole. */
bool blockdev_zeroout(int fd, bool is_block_device, uint64_t position, uint64_t bytes);

#endif /* DRBDMETA_BLOCKDEV_H */
