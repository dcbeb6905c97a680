// SPDX-License-Identifier: GPL-2.0
/*
 * block_device.c - check a lower device before asking the kernel (see block_device.h)
 */
#include "block_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool block_device_check(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CLOEXEC);
	bool fine = false;

	if (fd < 0) {
		fprintf(stderr, "Can not open device '%s': %s\n", path, strerror(errno));
		return false;
	}
	if (fstat(fd, &st) < 0)
		fprintf(stderr, "Can not stat '%s': %s\n", path, strerror(errno));
	else if (!S_ISBLK(st.st_mode))
		fprintf(stderr, "'%s' is not a block device!\n", path);
	else
		fine = true;
	close(fd);
	return fine;
}
