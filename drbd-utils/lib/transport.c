// SPDX-License-Identifier: GPL-2.0
/*
 * transport.c - generic netlink datagrams over a socket (see transport.h)
 */
#include "transport.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <linux/netlink.h>
#include <netlink/netlink.h>
#include <netlink/socket.h>

#define RECEIVE_BUFFER_BYTES (1 << 20) /* bursts of multicasts while we print */
#define DATAGRAM_BYTES_MAX (1 << 15) /* a record takes less than a page */

static struct nl_sock *sock;
static unsigned char *last_datagram;

/* libnl has errors of its own; what people and callers know is errno. */
static int errno_of_nl(int nl_error)
{
	switch (-nl_error) {
	case 0:
		return 0;
	case NLE_INTR:
		return -EINTR;
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_NOMEM:
		return errno == ENOBUFS ? -ENOBUFS : -ENOMEM;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	case NLE_AF_NOSUPPORT:
	case NLE_PROTO_MISMATCH:
		return -EPROTONOSUPPORT;
	default:
		return errno ? -errno : -EIO;
	}
}

int transport_open(void)
{
	int err;

	sock = nl_socket_alloc();
	if (!sock)
		return -ENOMEM;
	nl_socket_disable_auto_ack(sock);
	err = nl_connect(sock, NETLINK_GENERIC);
	if (err)
		return errno_of_nl(err);
	nl_socket_set_buffer_size(sock, RECEIVE_BUFFER_BYTES, 0);
	/*
	 * No peeking for the length first: the kernel goes on with a dump in each receive. If it has
	 * no room for that the next one fails, and that would be the one that takes something out.
	 */
	nl_socket_disable_msg_peek(sock);
	nl_socket_set_msg_buf_size(sock, DATAGRAM_BYTES_MAX);
	return 0;
}

uint32_t transport_port(void)
{
	return nl_socket_get_local_port(sock);
}

int transport_send(const void *datagram, size_t length)
{
	int sent = nl_sendto(sock, (void *)datagram, length);

	return sent < 0 ? errno_of_nl(sent) : 0;
}

int transport_join(uint32_t group)
{
	return errno_of_nl(nl_socket_add_membership(sock, group));
}

static int milliseconds_since(const struct timespec *start)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - start->tv_sec) * 1000 + (now.tv_nsec - start->tv_nsec) / 1000000;
}

/* Readable: 1, time passed: 0.  Waiting for ever also notices a closed standard output. */
static int wait_readable(int timeout_ms)
{
	struct pollfd fds[2] = {
		{ .fd = nl_socket_get_fd(sock), .events = POLLIN },
		{ .fd = STDOUT_FILENO, .events = 0 },
	};
	struct timespec start;

	clock_gettime(CLOCK_MONOTONIC, &start);
	for (;;) {
		int left = timeout_ms < 0 ? -1 : timeout_ms - milliseconds_since(&start);
		int ready = poll(fds, timeout_ms < 0 ? 2 : 1, timeout_ms < 0 || left > 0 ? left : 0);

		if (ready > 0 && fds[0].revents)
			return 1;
		if (ready > 0 && (fds[1].revents & (POLLERR | POLLHUP | POLLNVAL)))
			return -EPIPE;
		if (ready == 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return -errno;
	}
}

int transport_receive(void **datagram, int timeout_ms)
{
	free(last_datagram);
	last_datagram = NULL;
	for (;;) {
		struct sockaddr_nl from;
		int length = wait_readable(timeout_ms);

		if (length <= 0)
			return length;
		errno = 0;
		length = nl_recv(sock, &from, &last_datagram, NULL);
		if (length < 0) {
			length = errno_of_nl(length);
			if (length == -EINTR || length == -EAGAIN)
				continue;
			return length;
		}
		if (length > 0 && from.nl_pid == 0) {
			*datagram = last_datagram;
			return length;
		}
		free(last_datagram);
		last_datagram = NULL;
	}
}
