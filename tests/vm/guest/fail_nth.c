// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into a tool: lets the allocation number FAIL_NTH fail that the kernel does for its netlink requests, counted
 * over all of them, and creates the file FAIL_NTH_SEEN then. A request is carried out within sendto(), the rest of a
 * listing within recvmsg().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int left = -1, file = -1;

static void arm(int number)
{
	char text[16];

	if (pwrite(file, text, snprintf(text, sizeof(text), "%d", number), 0) < 0)
		abort();
}

static void begin(void)
{
	if (left < 0) {
		left = atoi(getenv("FAIL_NTH"));
		file = open("/proc/thread-self/fail-nth", O_RDWR);
	}
	if (left)
		arm(left);
}

static void end(void)
{
	int error = errno;
	char text[16] = "";

	if (!left)
		return;
	if (pread(file, text, sizeof(text) - 1, 0) < 0)
		abort();
	left = atoi(text);
	arm(0);
	if (!left)
		close(open(getenv("FAIL_NTH_SEEN"), O_CREAT | O_WRONLY, 0600));
	errno = error;
}

ssize_t sendto(int fd, const void *data, size_t length, int flags, const struct sockaddr *to, socklen_t to_length)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) = dlsym(RTLD_NEXT, "sendto");
	ssize_t done;

	begin();
	done = real(fd, data, length, flags, to, to_length);
	end();
	return done;
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	ssize_t (*real)(int, struct msghdr *, int) = dlsym(RTLD_NEXT, "recvmsg");
	ssize_t done;

	begin();
	done = real(fd, message, flags);
	end();
	return done;
}
