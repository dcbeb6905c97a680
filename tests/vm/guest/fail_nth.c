// SPDX-License-Identifier: GPL-2.0
/*
 * Preloaded into a tool: lets the allocation number FAIL_NTH fail that the kernel does for its netlink requests, counted
 * over all of them. Creates the file FAIL_NTH_SEEN when that has happened. The kernel answers a request within sendmsg().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static int left = -1;

static void arm(int fd, int number)
{
	char text[16];

	if (pwrite(fd, text, snprintf(text, sizeof(text), "%d", number), 0) < 0)
		abort();
}

ssize_t sendmsg(int socket, const struct msghdr *message, int flags)
{
	ssize_t (*real)(int, const struct msghdr *, int) = dlsym(RTLD_NEXT, "sendmsg");
	int fd = open("/proc/thread-self/fail-nth", O_RDWR);
	char text[16] = "";
	ssize_t sent;

	if (left < 0)
		left = atoi(getenv("FAIL_NTH"));
	if (fd < 0 || !left) {
		close(fd);
		return real(socket, message, flags);
	}
	arm(fd, left);
	sent = real(socket, message, flags);
	if (pread(fd, text, sizeof(text) - 1, 0) < 0)
		abort();
	left = atoi(text);
	arm(fd, 0);
	close(fd);
	if (!left)
		close(open(getenv("FAIL_NTH_SEEN"), O_CREAT | O_WRONLY, 0600));
	return sent;
}
