// SPDX-License-Identifier: GPL-2.0
/* device.c - the DEVICE argument: minor number, lock, "is it attached?" */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "drbdmeta.h"

#define DRBD_MAJOR 147
#define MINOR_MAX ((1 << 20) - 1)

static bool minor_parse(const char *digits, int *minor)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)digits[0]))
		return false;
	errno = 0;
	value = strtoul(digits, &end, 10);
	if (*end || errno || value > MINOR_MAX)
		return false;
	*minor = (int)value;
	return true;
}

int device_minor(const char *device)
{
	struct stat st;
	int minor;

	if (!strcmp(device, "-"))
		return -1;
	if (minor_parse(device, &minor))
		return minor;
	if (stat(device, &st) == 0 && S_ISBLK(st.st_mode) && major(st.st_rdev) == DRBD_MAJOR)
		return (int)minor(st.st_rdev);
	if (!strncmp(device, "/dev/drbd", 9) && minor_parse(device + 9, &minor))
		return minor;
	/* Going on without lock and in-use check would be dangerous: only "-" asks for that. */
	die(EXIT_USAGE, "'%s' is not a DRBD device: expected a minor number, /dev/drbd<number>, or '-'.",
	    device);
}

/* The lock is held until the process ends. */
void device_lock(int minor)
{
	const struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[64];
	int fd, tries;

	snprintf(path, sizeof(path), "/var/lock/drbd-%d-%d", DRBD_MAJOR, minor);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die(EXIT_USAGE, "open(%s) failed: %s", path, strerror(errno));
	for (tries = 0; tries < 20; tries++) {
		if (fcntl(fd, F_SETLK, &lock) == 0)
			return;
		if (errno != EACCES && errno != EAGAIN)
			die(EXIT_USAGE, "locking %s failed: %s", path, strerror(errno));
		nanosleep(&pause, NULL);
	}
	if (fcntl(fd, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK)
		die(EXIT_USAGE, "lock on %s currently held by pid:%u", path,
		    (unsigned int)lock.l_pid);
	die(EXIT_USAGE, "lock on %s currently held", path);
}

/* The drbdsetup that belongs to this program, or the one on PATH. */
static void drbdsetup_exec(int minor, const char *argv0)
{
	char digits[16], beside[4096], copy[4096];

	snprintf(digits, sizeof(digits), "%d", minor);
	if (strchr(argv0, '/')) {
		snprintf(copy, sizeof(copy), "%s", argv0);
		if (snprintf(beside, sizeof(beside), "%s/drbdsetup", dirname(copy)) <
		    (int)sizeof(beside))
			execl(beside, "drbdsetup", digits, "dstate", NULL);
	}
	execlp("drbdsetup", "drbdsetup", digits, "dstate", NULL);
	_exit(127);
}

static int drbdsetup_dstate(int minor, const char *argv0, char *answer, size_t size)
{
	int pipe_fds[2], status, null_fd;
	size_t used = 0;
	ssize_t n;
	pid_t pid;

	if (pipe(pipe_fds))
		die(EXIT_USAGE, "pipe failed: %s", strerror(errno));
	pid = fork();
	if (pid < 0)
		die(EXIT_USAGE, "fork failed: %s", strerror(errno));
	if (pid == 0) {
		null_fd = open("/dev/null", O_RDWR);
		dup2(null_fd, STDIN_FILENO);
		dup2(pipe_fds[1], STDOUT_FILENO);
		dup2(null_fd, STDERR_FILENO);
		close(pipe_fds[0]);
		drbdsetup_exec(minor, argv0);
	}
	close(pipe_fds[1]);
	while (used < size - 1) {
		n = read(pipe_fds[0], answer + used, size - 1 - used);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		used += (size_t)n;
	}
	answer[used] = '\0';
	close(pipe_fds[0]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/*
 * Attached is everything above Diskless.  Without drbdsetup, or when it does
 * not know the minor, the exclusive open of the metadata device still protects.
 */
bool device_is_attached(int minor, const char *argv0)
{
	char answer[128];

	if (drbdsetup_dstate(minor, argv0, answer, sizeof(answer)) != 0)
		return false;
	answer[strcspn(answer, "/\n")] = '\0';
	return answer[0] && strcmp(answer, "Diskless") && strcmp(answer, "Unconfigured");
}
