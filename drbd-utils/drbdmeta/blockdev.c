// SPDX-License-Identifier: GPL-2.0
/* blockdev.c - block device ioctls (see blockdev.h) */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/fs.h>
#include <stddef.h>
#include <sys/ioctl.h>

#include "blockdev.h"

int blockdev_open(const char *path, bool direct, bool exclusive)
{
	return open(path, O_RDWR | O_CLOEXEC | (direct ? O_DIRECT : 0) | (exclusive ? O_EXCL : 0));
}

bool blockdev_bytes(int fd, uint64_t *bytes)
{
	return ioctl(fd, BLKGETSIZE64, bytes) == 0;
}

bool blockdev_logical_block(int fd, unsigned int *bytes)
{
	int value;

	if (ioctl(fd, BLKSSZGET, &value))
		return false;
	*bytes = (unsigned int)value;
	return true;
}

bool blockdev_zeroout(int fd, bool is_block_device, uint64_t position, uint64_t bytes)
{
	uint64_t range[2] = { position, bytes };

	if (is_block_device)
		return ioctl(fd, BLKZEROOUT, range) == 0;
	return fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)position,
			 (off_t)bytes) == 0;
}
