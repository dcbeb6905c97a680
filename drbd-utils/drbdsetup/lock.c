// SPDX-License-Identifier: GPL-2.0
/*
 * lock.c - one tool at a time per minor; registration links (tools.md 11.1, 11.2)
 *
 * drbdmeta takes the same locks.  A lock lives as long as the process.
 */
#include "drbdsetup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define LOCK_FILE "/var/lock/drbd-147-%u"
#define LOCK_TRIES 20
#define LOCK_PAUSE_NS 50000000L /* in all one second */

/* An early boot environment may not have the directory yet; /var/lock is often a link. */
static int open_lock_file(const char *path)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 && errno == ENOENT) {
		mkdir("/run/lock", 01777);
		mkdir("/var/lock", 01777);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	}
	return fd;
}

static int lock_whole_file(int fd, int command, struct flock *lock)
{
	*lock = (struct flock){ .l_type = F_WRLCK, .l_whence = SEEK_SET };
	return fcntl(fd, command, lock);
}

static void complain(const char *path, int fd)
{
	struct flock holder;

	if (lock_whole_file(fd, F_GETLK, &holder) == 0 && holder.l_type != F_UNLCK)
		fprintf(stderr, "%s is held by process %d; wait for it to finish, then retry.\n",
			path, (int)holder.l_pid);
	else
		fprintf(stderr, "Could not lock %s; retry.\n", path);
}

int lock_minor(u32 minor)
{
	struct timespec pause = { .tv_nsec = LOCK_PAUSE_NS };
	struct flock lock;
	char path[64];
	int fd, i;

	snprintf(path, sizeof(path), LOCK_FILE, minor);
	fd = open_lock_file(path);
	if (fd < 0) {
		fprintf(stderr, "Could not open lock file %s: %s\n", path, strerror(errno));
		return -1;
	}
	for (i = 0; i < LOCK_TRIES; i++) {
		if (lock_whole_file(fd, F_SETLK, &lock) == 0)
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			break;
		nanosleep(&pause, NULL);
	}
	complain(path, fd);
	close(fd);
	return -1;
}

static void remove_link(const char *format, const char *word)
{
	char path[512];

	if (snprintf(path, sizeof(path), format, word) < (int)sizeof(path))
		unlink(path);
}

void registration_remove_minor(u32 minor)
{
	char number[16];

	snprintf(number, sizeof(number), "%u", minor);
	remove_link("/var/run/drbd/drbd-minor-%s.conf", number);
}

void registration_remove_resource(const char *name)
{
	remove_link("/var/run/drbd/drbd-resource-%s.conf", name);
}
