// SPDX-License-Identifier: GPL-2.0
/*
 * socket.c - TCP sockets: the options of wire.md 1.4, and moving bytes
 */
#include <linux/tcp.h>
#include <net/sock.h>
#include <net/tcp.h>
#include "shell.h"

/* Socket memory is needed to make progress with I/O: no recursion into the block layer. */
static void sock_for_block_io(struct socket *sock)
{
	sock->sk->sk_allocation = GFP_NOIO;
	sk_set_memalloc(sock->sk);
#ifdef COMPAT_HAVE_SK_USE_TASK_FRAG
	/*
	 * Whoever submits I/O sends here, also in the middle of sending on a socket of its own,
	 * when memory is reclaimed there: the task's page fragment is in use then.
	 */
	sock->sk->sk_use_task_frag = false;
#endif
}

static long to_timeo(long ms)
{
	return ms ? max_t(long, msecs_to_jiffies(ms), 1) : MAX_SCHEDULE_TIMEOUT;
}

void sock_set_timeouts(struct socket *sock, long send_ms, long recv_ms)
{
	sock->sk->sk_sndtimeo = to_timeo(send_ms);
	sock->sk->sk_rcvtimeo = to_timeo(recv_ms);
}

void sock_cork(struct socket *sock, bool on)
{
	tcp_sock_set_cork(sock->sk, on);
}

void sock_prepare(struct shell_resource *r, struct socket *sock, enum drbd_socket which)
{
	sock_for_block_io(sock);
	sock->sk->sk_priority = which == SOCK_DATA ? 4 : 6;
	tcp_sock_set_nodelay(sock->sk);
}

/* ---- bytes ---- */

int sock_send(struct socket *sock, const void *buf, size_t len, int flags)
{
	struct kvec vec = { .iov_base = (void *)buf, .iov_len = len };
	struct msghdr msg = { .msg_flags = flags | MSG_NOSIGNAL };
	int n = kernel_sendmsg(sock, &msg, &vec, 1, len);

	return n;
}

int sock_recv(struct socket *sock, void *buf, size_t len, size_t *got)
{
	const long timeo = sock->sk->sk_rcvtimeo;
	const unsigned long end = jiffies + timeo;
	int n = 1;

	*got = 0;
	while (*got < len && n > 0) {
		struct kvec vec = { .iov_base = buf + *got, .iov_len = len - *got };
		struct msghdr msg = { .msg_flags = MSG_WAITALL | MSG_NOSIGNAL };

		n = kernel_recvmsg(sock, &msg, &vec, 1, len - *got, msg.msg_flags);
		if (n == 0)
			n = -EPIPE;
		if (n <= 0)
			break;
		*got += n;
		if (timeo == MAX_SCHEDULE_TIMEOUT || *got == len)
			continue;
		/* The timeout is for all of it, however slowly the bytes come. */
		if (time_after_eq(jiffies, end))
			n = -EAGAIN;
		else
			sock->sk->sk_rcvtimeo = end - jiffies;
	}
	sock->sk->sk_rcvtimeo = timeo;
	return n < 0 ? n : 0;
}

u32 sock_waiting(struct socket *sock)
{
	return tcp_inq(sock->sk);
}

void sock_wait(struct socket *sock, u32 bytes)
{
	struct sock *sk = sock->sk;
	DEFINE_WAIT(wait);

	/* What surely fits into the buffer. */
	bytes = min_t(u32, bytes, READ_ONCE(sk->sk_rcvbuf) / 4);
	/* TCP wakes nobody before that, but for errors and when its window closes. */
	WRITE_ONCE(sk->sk_rcvlowat, bytes);
	prepare_to_wait(sk_sleep(sk), &wait, TASK_INTERRUPTIBLE);
	if (tcp_inq(sk) < bytes && !READ_ONCE(sk->sk_err) && !READ_ONCE(sk->sk_shutdown))
		schedule_timeout(HZ / 10);
	finish_wait(sk_sleep(sk), &wait);
	WRITE_ONCE(sk->sk_rcvlowat, 1);
}

int sock_recv_some(struct socket *sock, struct iov_iter *iter, int flags)
{
	struct msghdr msg = { .msg_flags = flags | MSG_NOSIGNAL, .msg_iter = *iter };
	int n = sock_recvmsg(sock, &msg, msg.msg_flags);

	if (n == 0)
		return -EPIPE;
	if (n > 0)
		iov_iter_advance(iter, n);
	return n;
}

/* Has the other end not closed it? Looks without waiting and without taking data. */
bool sock_alive(struct socket *sock)
{
	char byte;
	struct kvec vec = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = { .msg_flags = MSG_DONTWAIT | MSG_PEEK | MSG_NOSIGNAL };
	int n = kernel_recvmsg(sock, &msg, &vec, 1, 1, msg.msg_flags);

	return n > 0 || n == -EAGAIN;
}

/* ---- opening ---- */

static void buffer_sizes(struct shell_resource *r, struct socket *sock)
{
	const struct net_conf *nc = &r->core.connection.net_conf;

	if (nc->sndbuf_size) {
		sock->sk->sk_sndbuf = nc->sndbuf_size;
		sock->sk->sk_userlocks |= SOCK_SNDBUF_LOCK;
	}
	if (nc->rcvbuf_size) {
		sock->sk->sk_rcvbuf = nc->rcvbuf_size;
		sock->sk->sk_userlocks |= SOCK_RCVBUF_LOCK;
	}
}

static int socket_new(struct shell_resource *r, struct socket **sock)
{
	int err = sock_create_kern(&init_net, r->conn.my_addr.ss_family, SOCK_STREAM,
				   IPPROTO_TCP, sock);

	if (err)
		return err;
	sock_for_block_io(*sock);
	(*sock)->sk->sk_reuse = SK_CAN_REUSE;
	buffer_sizes(r, *sock);
	return 0;
}

int sock_listen(struct shell_resource *r, struct socket **listener)
{
	struct socket *sock;
	int err = socket_new(r, &sock);

	if (err)
		return err;
	err = kernel_bind(sock, (drbd_sockaddr *)&r->conn.my_addr, r->conn.my_addr_len);
	if (!err)
		err = kernel_listen(sock, 5);
	if (err) {
		sock_release(sock);
		return err;
	}
	*listener = sock;
	return 0;
}

static bool passing_error(int err)
{
	switch (-err) {
	case ETIMEDOUT: case EAGAIN: case EINPROGRESS: case EINTR: case ERESTARTSYS:
	case ECONNREFUSED: case ENETUNREACH: case EHOSTDOWN: case EHOSTUNREACH:
		return true;
	}
	return false;
}

int sock_publish(struct shell_connection *c, struct socket **slot, struct socket *sock)
{
	int err = 0;

	mutex_lock(&c->sock_mutex);
	if (sock && READ_ONCE(c->shutdown))
		err = -ECANCELED;
	else
		*slot = sock;
	mutex_unlock(&c->sock_mutex);
	return err;
}

/* An attempt; *fatal: no use trying again (the own address is not ours). */
int sock_connect(struct shell_resource *r, struct socket **out, bool *fatal)
{
	const struct net_conf *nc = &r->core.connection.net_conf;
	struct sockaddr_storage from = r->conn.my_addr;
	struct socket *sock;
	int err;

	*fatal = false;
	err = socket_new(r, &sock);
	if (err) {
		*fatal = !passing_error(err);
		return err;
	}
	sock_set_timeouts(sock, nc->connect_int * 1000, nc->connect_int * 1000);
	if (from.ss_family == AF_INET6)
		((struct sockaddr_in6 *)&from)->sin6_port = 0;
	else
		((struct sockaddr_in *)&from)->sin_port = 0;
	err = kernel_bind(sock, (drbd_sockaddr *)&from, r->conn.my_addr_len);
	if (err) {
		*fatal = !passing_error(err);
		sock_release(sock);
		return err;
	}

	err = sock_publish(&r->conn, &r->conn.searching[1], sock);
	if (!err)
		err = kernel_connect(sock, (drbd_sockaddr *)&r->conn.peer_addr,
				     r->conn.peer_addr_len, 0);
	sock_publish(&r->conn, &r->conn.searching[1], NULL);
	if (err) {
		sock_release(sock);
		return err;
	}
	*out = sock;
	return 0;
}

int sock_accept(struct socket *listener, long timeout_ms, struct socket **sock)
{
	int err;

	listener->sk->sk_rcvtimeo = to_timeo(timeout_ms);
	err = kernel_accept(listener, sock, 0);
	if (!err)
		sock_for_block_io(*sock);
	return err;
}
