// SPDX-License-Identifier: GPL-2.0
/*
 * connect.c - two sockets to the peer, features, authentication (wire.md 1.2, 4.1, 4.2)
 *
 * Opens, accepts and closes as core/connection.h says; runs in the receiver thread.
 */
#include <linux/random.h>
#include <net/ipv6.h>
#include <linux/slab.h>
#include "shell.h"

static bool told_to_stop(struct shell_resource *r)
{
	bool stop;

	if (READ_ONCE(r->conn.shutdown))
		return true;
	drbd_lock(r);
	stop = connection_search_stop(&r->core.connection);
	drbd_unlock(r);
	return stop;
}

static void give_up(struct shell_resource *r)
{
	drbd_lock(r);
	connection_fatal(&r->core.connection);
	drbd_unlock(r);
}

static void drop(struct shell_connection *c, enum drbd_socket which)
{
	struct socket *sock = c->sock[which];

	sock_publish(c, &c->sock[which], NULL);
	if (sock)
		sock_release(sock);
}

static void hold(struct shell_resource *r, enum drbd_socket which, struct socket *sock)
{
	drop(&r->conn, which);
	sock_prepare(r, sock, which);
	if (sock_publish(&r->conn, &r->conn.sock[which], sock))
		sock_release(sock);
}

/* What we hold may have died meanwhile; the core is told by `c`. */
static void drop_dead(struct shell_resource *r, struct connector *c)
{
	if (r->conn.sock[SOCK_DATA] && !sock_alive(r->conn.sock[SOCK_DATA]))
		drop(&r->conn, SOCK_DATA);
	if (r->conn.sock[SOCK_META] && !sock_alive(r->conn.sock[SOCK_META]))
		drop(&r->conn, SOCK_META);
	c->have_data = r->conn.sock[SOCK_DATA];
	c->have_meta = r->conn.sock[SOCK_META];
}

static void try_outgoing(struct shell_resource *r, struct connector *c)
{
	enum connector_verdict verdict;
	struct socket *sock;
	u8 head[WIRE_HEADER_MAX];
	bool fatal;
	u16 cmd;
	u32 len;

	if (sock_connect(r, &sock, &fatal)) {
		if (fatal && !READ_ONCE(r->conn.shutdown))
			give_up(r);
		return;
	}
	drbd_lock(r);
	verdict = connector_opened(&r->core.connection, c, &cmd);
	drbd_unlock(r);
	len = wire_header_encode(head, WIRE_APV_HANDSHAKE, 0, cmd, 0);
	if (verdict == CONNECTOR_REJECT || sock_send(sock, head, len, 0) != len) {
		sock_release(sock);
		return;
	}
	hold(r, verdict == CONNECTOR_DATA ? SOCK_DATA : SOCK_META, sock);
}

static u16 first_command(struct shell_resource *r, struct socket *sock)
{
	u32 ms = r->core.connection.net_conf.ping_timeo * 100 * 4;
	struct wire_header hdr;
	u8 head[8];
	size_t got;

	sock_set_timeouts(sock, ms, ms);
	if (sock_recv(sock, head, sizeof(head), &got) ||
	    wire_header_decode(head, sizeof(head), WIRE_APV_HANDSHAKE, &hdr) != WIRE_OK)
		return 0;
	return hdr.cmd;
}

static bool same_host(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	return a->ss_family == AF_INET6 ? ipv6_addr_equal(&a6->sin6_addr, &b6->sin6_addr) :
					  a4->sin_addr.s_addr == b4->sin_addr.s_addr;
}

static bool is_stranger(struct shell_resource *r, struct socket *sock)
{
	struct sockaddr_storage from = {};

	return kernel_getpeername(sock, (struct sockaddr *)&from) < 0 ||
	       !same_host(&from, &r->conn.peer_addr);
}

static bool try_incoming(struct shell_resource *r, struct socket *listener, struct connector *c)
{
	long ms = r->core.connection.net_conf.connect_int * 1000;
	enum connector_verdict verdict;
	struct socket *sock;
	bool stranger;
	u16 cmd;

	ms += (get_random_u32() & 1) ? ms / 7 : -ms / 7;
	if (sock_accept(listener, ms, &sock))
		return false;
	stranger = is_stranger(r, sock);
	cmd = first_command(r, sock);
	drop_dead(r, c);
	drbd_lock(r);
	verdict = connector_accepted(&r->core.connection, c, cmd, stranger);
	drbd_unlock(r);
	switch (verdict) {
	case CONNECTOR_DATA:
		hold(r, SOCK_DATA, sock);
		return false;
	case CONNECTOR_META:
		hold(r, SOCK_META, sock);
		return false;
	case CONNECTOR_DATA_CROSSED:
		hold(r, SOCK_DATA, sock);
		return connector_toss();
	case CONNECTOR_META_CROSSED:
		hold(r, SOCK_META, sock);
		return connector_toss();
	default:
		sock_release(sock);
		return connector_toss();
	}
}

/* Both there, and both still there after a moment? */
static bool both_alive(struct shell_resource *r, struct connector *c)
{
	const struct net_conf *nc = &r->core.connection.net_conf;
	u32 tenths = nc->sock_check_timeo ? nc->sock_check_timeo : nc->ping_timeo;

	drop_dead(r, c);
	if (!c->have_data || !c->have_meta)
		return false;
	wait_event_idle_timeout(r->wait, READ_ONCE(r->conn.shutdown), msecs_to_jiffies(tenths * 100));
	drop_dead(r, c);
	return c->have_data && c->have_meta;
}

static int find_peer(struct shell_resource *r)
{
	struct connector c = {};
	struct socket *listener;
	int err = sock_listen(r, &listener);

	if (err) {
		if (err != -EAGAIN && err != -EINTR)
			give_up(r);
		return err;
	}
	err = sock_publish(&r->conn, &r->conn.searching[0], listener);
	while (!err) {
		if (told_to_stop(r)) {
			err = -ECANCELED;
			break;
		}
		try_outgoing(r, &c);
		if (both_alive(r, &c))
			break;
		do {
			if (told_to_stop(r))
				break;
		} while (try_incoming(r, listener, &c));
		if (both_alive(r, &c))
			break;
	}
	sock_publish(&r->conn, &r->conn.searching[0], NULL);
	sock_release(listener);
	return err;
}

/* ---- features and authentication ---- */

static int send_packet(struct shell_resource *r, u16 cmd, const void *body, u32 len)
{
	u8 packet[WIRE_HEADER_MAX + WIRE_CHALLENGE_MAX];
	u32 n = wire_header_encode(packet, r->core.connection.agreed_pro_version, 0, cmd, len);

	memcpy(packet + n, body, len);
	return sock_send(r->conn.sock[SOCK_DATA], packet, n + len, 0) == n + len ? 0 : -EPIPE;
}

static int recv_header(struct shell_resource *r, struct wire_header *hdr)
{
	int apv = r->core.connection.agreed_pro_version;
	u8 head[WIRE_HEADER_MAX];
	size_t got;
	int err = sock_recv(r->conn.sock[SOCK_DATA], head, wire_header_size(apv), &got);

	if (err)
		return err;
	return wire_header_decode(head, wire_header_size(apv), apv, hdr) == WIRE_OK ? 0 : -EPROTO;
}

static int outcome_to_errno(enum handshake_outcome outcome)
{
	return outcome == HANDSHAKE_OK ? 0 : outcome == HANDSHAKE_RETRY ? -EAGAIN : -ECANCELED;
}

static int exchange_features(struct shell_resource *r)
{
	struct wire_p_features mine, peers = {};
	enum handshake_outcome outcome;
	struct wire_header hdr;
	size_t got;
	int err;

	features_encode(&mine);
	if (send_packet(r, P_CONNECTION_FEATURES, &mine, sizeof(mine)))
		return -EAGAIN;
	err = recv_header(r, &hdr);
	if (err == -EAGAIN)
		features_missing(&r->core.connection);
	if (err)
		return -EAGAIN;
	if (hdr.length == sizeof(peers) &&
	    sock_recv(r->conn.sock[SOCK_DATA], &peers, sizeof(peers), &got))
		return -EAGAIN;
	drbd_lock(r);
	outcome = features_received(&r->core.connection, &hdr, &peers);
	drbd_unlock(r);
	return outcome_to_errno(outcome);
}

struct auth_buffers {
	u8 mine[WIRE_CHALLENGE_LEN], peers[WIRE_CHALLENGE_MAX];
	u8 answer[WIRE_DIGEST_MAX], expected[WIRE_DIGEST_MAX], got[WIRE_DIGEST_MAX];
	char secret[sizeof_field(struct net_conf, shared_secret)];
};

/* What we answer, and what the peer should. A command may change algorithm and secret meanwhile. */
static int auth_digests(struct shell_resource *r, struct auth_buffers *b, u32 peers_len, u32 *digest_len)
{
	struct crypto_shash *tfm;
	int err = -EAGAIN;

	down_read(&r->conn.crypto_sem);
	tfm = r->conn.crypto.cram_hmac;
	if (tfm) {
		drbd_lock(r);
		memcpy(b->secret, r->core.connection.net_conf.shared_secret, sizeof(b->secret));
		drbd_unlock(r);
		*digest_len = crypto_shash_digestsize(tfm);
		err = shell_hmac(tfm, b->secret, b->peers, peers_len, b->answer) ?:
		      shell_hmac(tfm, b->secret, b->mine, sizeof(b->mine), b->expected);
	}
	up_read(&r->conn.crypto_sem);
	return err;
}

static int authenticate_with(struct shell_resource *r, struct auth_buffers *b)
{
	struct drbd_connection *connection = &r->core.connection;
	enum handshake_outcome outcome;
	struct wire_header hdr;
	u32 digest_len;
	size_t got;

	get_random_bytes(b->mine, sizeof(b->mine));
	if (send_packet(r, P_AUTH_CHALLENGE, b->mine, sizeof(b->mine)) || recv_header(r, &hdr))
		return -EAGAIN;
	if (hdr.length <= sizeof(b->peers) &&
	    sock_recv(r->conn.sock[SOCK_DATA], b->peers, hdr.length, &got))
		return -EAGAIN;
	drbd_lock(r);
	outcome = auth_challenge_received(connection, &hdr, b->mine, b->peers);
	drbd_unlock(r);
	if (outcome != HANDSHAKE_OK)
		return outcome_to_errno(outcome);

	if (auth_digests(r, b, hdr.length, &digest_len))
		return -EAGAIN;
	if (send_packet(r, P_AUTH_RESPONSE, b->answer, digest_len) || recv_header(r, &hdr))
		return -EAGAIN;
	if (hdr.length == digest_len &&
	    sock_recv(r->conn.sock[SOCK_DATA], b->got, digest_len, &got))
		return -EAGAIN;
	drbd_lock(r);
	outcome = auth_response_received(connection, &hdr, b->expected, b->got, digest_len);
	drbd_unlock(r);
	return outcome_to_errno(outcome);
}

static int authenticate(struct shell_resource *r)
{
	struct auth_buffers *b = kzalloc(sizeof(*b), GFP_KERNEL);
	int err;

	if (!b)
		return -EAGAIN;
	err = authenticate_with(r, b);
	kfree_sensitive(b);
	return err;
}

/* 0: shaken hands; -EAGAIN: try again in a second; else the end. */
int shell_connect(struct shell_resource *r)
{
	const struct net_conf *nc = &r->core.connection.net_conf;
	int err = find_peer(r);
	u32 ms;

	if (err)
		return err;
	ms = connector_patience(&r->core.connection);
	sock_set_timeouts(r->conn.sock[SOCK_DATA], ms, ms);
	sock_set_timeouts(r->conn.sock[SOCK_META], nc->timeout * 100, nc->ping_int * 1000);
	err = exchange_features(r);
	if (!err && r->conn.crypto.cram_hmac)
		err = authenticate(r);
	if (!err)
		sock_set_timeouts(r->conn.sock[SOCK_DATA], nc->timeout * 100, 0);
	return err;
}
