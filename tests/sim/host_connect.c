// SPDX-License-Identifier: GPL-2.0
/* Two sockets to the peer, features, authentication; runs in the receiver thread. */
#include "sim.h"

static bool told_to_stop(struct host *h)
{
	return h->conn.shutdown || connection_search_stop(&h->core.connection);
}

static void drop(struct host *h, enum drbd_socket which)
{
	struct sock *sock = h->conn.sock[which];

	h->conn.sock[which] = NULL;
	if (sock)
		net_close(sock);
}

static void hold(struct host *h, enum drbd_socket which, struct sock *sock)
{
	drop(h, which);
	net_timeouts(sock, h->core.connection.net_conf.timeout * 100, 0);
	h->conn.sock[which] = sock;
	if (h->conn.shutdown)
		net_shutdown(sock);
}

static void drop_dead(struct host *h, struct connector *c)
{
	int i;

	for (i = 0; i < 2; i++)
		if (h->conn.sock[i] && !net_alive(h->conn.sock[i]))
			drop(h, i);
	c->have_data = h->conn.sock[SOCK_DATA];
	c->have_meta = h->conn.sock[SOCK_META];
}

static void try_outgoing(struct host *h, struct connector *c)
{
	u32 ms = h->core.connection.net_conf.connect_int * 1000;
	enum connector_verdict verdict;
	struct sock *sock;
	u8 head[WIRE_HEADER_MAX];
	u16 cmd;
	u32 len;

	if (net_connect(h->node, &sock, ms, &h->conn.shutdown, &h->wait))
		return;
	verdict = connector_opened(&h->core.connection, c, &cmd);
	len = wire_header_encode(head, WIRE_APV_HANDSHAKE, 0, cmd, 0);
	net_timeouts(sock, ms, ms);
	if (verdict == CONNECTOR_REJECT || net_send(sock, head, len)) {
		net_close(sock);
		return;
	}
	hold(h, verdict == CONNECTOR_DATA ? SOCK_DATA : SOCK_META, sock);
}

static u16 first_command(struct host *h, struct sock *sock)
{
	u32 ms = h->core.connection.net_conf.ping_timeo * 100 * 4, got;
	struct wire_header hdr;
	u8 head[8];

	net_timeouts(sock, ms, ms);
	if (net_recv(sock, head, sizeof(head), &got) ||
	    wire_header_decode(head, sizeof(head), WIRE_APV_HANDSHAKE, &hdr) != WIRE_OK)
		return 0;
	return hdr.cmd;
}

static bool try_incoming(struct host *h, struct connector *c)
{
	u32 ms = h->core.connection.net_conf.connect_int * 1000;
	enum connector_verdict verdict;
	struct sock *sock;
	u16 cmd;

	ms = one_in(2) ? ms + ms / 7 : ms - ms / 7;
	if (net_accept(h->node, ms, &sock, &h->conn.shutdown))
		return false;
	cmd = first_command(h, sock);
	drop_dead(h, c);
	verdict = connector_accepted(&h->core.connection, c, cmd, false);
	trace(h->node, "accepted socket, first packet %s: verdict %d", wire_cmd_name(cmd), verdict);
	switch (verdict) {
	case CONNECTOR_DATA:
		hold(h, SOCK_DATA, sock);
		return false;
	case CONNECTOR_META:
		hold(h, SOCK_META, sock);
		return false;
	case CONNECTOR_DATA_CROSSED:
		hold(h, SOCK_DATA, sock);
		return connector_toss();
	case CONNECTOR_META_CROSSED:
		hold(h, SOCK_META, sock);
		return connector_toss();
	default:
		net_close(sock);
		return connector_toss();
	}
}

/* Both there, and both still there after a moment? */
static bool both_alive(struct host *h, struct connector *c)
{
	const struct net_conf *nc = &h->core.connection.net_conf;
	u32 tenths = nc->sock_check_timeo ? nc->sock_check_timeo : nc->ping_timeo;
	u64 until;

	drop_dead(h, c);
	if (!c->have_data || !c->have_meta)
		return false;
	until = now_us + tenths * 100 * MS;
	while (now_us < until && !h->conn.shutdown)
		waitq_wait(&h->wait, until);
	drop_dead(h, c);
	return c->have_data && c->have_meta;
}

static int find_peer(struct host *h)
{
	struct connector c = {};
	int err = 0;

	net_listen(h->node, true);
	for (;;) {
		if (told_to_stop(h)) {
			err = -ECANCELED;
			break;
		}
		try_outgoing(h, &c);
		if (both_alive(h, &c))
			break;
		do {
			if (told_to_stop(h))
				break;
		} while (try_incoming(h, &c));
		if (both_alive(h, &c))
			break;
	}
	net_listen(h->node, false);
	return err;
}

/* ---- features and authentication ---- */

static int send_packet(struct host *h, u16 cmd, const void *body, u32 len)
{
	u8 packet[WIRE_HEADER_MAX + WIRE_CHALLENGE_MAX];
	u32 n = wire_header_encode(packet, h->core.connection.agreed_pro_version, 0, cmd, len);

	memcpy(packet + n, body, len);
	return net_send(h->conn.sock[SOCK_DATA], packet, n + len);
}

static int recv_header(struct host *h, struct wire_header *hdr)
{
	int apv = h->core.connection.agreed_pro_version, err;
	u8 head[WIRE_HEADER_MAX];
	u32 got;

	err = net_recv(h->conn.sock[SOCK_DATA], head, wire_header_size(apv), &got);
	if (err)
		return err;
	return wire_header_decode(head, wire_header_size(apv), apv, hdr) == WIRE_OK ? 0 : -EPROTO;
}

static int outcome_to_errno(enum handshake_outcome outcome)
{
	return outcome == HANDSHAKE_OK ? 0 : outcome == HANDSHAKE_RETRY ? -EAGAIN : -ECANCELED;
}

static int exchange_features(struct host *h)
{
	struct wire_p_features mine, peers = {};
	struct wire_header hdr;
	int err;
	u32 got;

	features_encode(&mine);
	versions_limit(h->node, &mine);
	if (send_packet(h, P_CONNECTION_FEATURES, &mine, sizeof(mine)))
		return -EAGAIN;
	err = recv_header(h, &hdr);
	if (err == -EAGAIN)
		features_missing(&h->core.connection);
	if (err)
		return -EAGAIN;
	if (hdr.length == sizeof(peers) &&
	    net_recv(h->conn.sock[SOCK_DATA], &peers, sizeof(peers), &got))
		return -EAGAIN;
	versions_limit(h->node, &peers);
	return outcome_to_errno(features_received(&h->core.connection, &hdr, &peers));
}

static int authenticate(struct host *h)
{
	struct drbd_connection *connection = &h->core.connection;
	const char *alg = h->conn.hmac, *secret = connection->net_conf.shared_secret;
	u8 mine[WIRE_CHALLENGE_LEN], peers[WIRE_CHALLENGE_MAX];
	u8 answer[WIRE_DIGEST_MAX], expected[WIRE_DIGEST_MAX], their[WIRE_DIGEST_MAX];
	enum handshake_outcome outcome;
	struct wire_header hdr;
	u32 i, got;

	for (i = 0; i < sizeof(mine); i++)
		mine[i] = chance(256);
	if (send_packet(h, P_AUTH_CHALLENGE, mine, sizeof(mine)) || recv_header(h, &hdr))
		return -EAGAIN;
	if (hdr.length <= sizeof(peers) &&
	    net_recv(h->conn.sock[SOCK_DATA], peers, hdr.length, &got))
		return -EAGAIN;
	outcome = auth_challenge_received(connection, &hdr, mine, peers);
	if (outcome != HANDSHAKE_OK)
		return outcome_to_errno(outcome);
	digest_bytes(alg, secret, peers, hdr.length, answer);
	digest_bytes(alg, secret, mine, sizeof(mine), expected);
	if (send_packet(h, P_AUTH_RESPONSE, answer, digest_size(alg)) || recv_header(h, &hdr))
		return -EAGAIN;
	if (hdr.length == digest_size(alg) &&
	    net_recv(h->conn.sock[SOCK_DATA], their, hdr.length, &got))
		return -EAGAIN;
	return outcome_to_errno(auth_response_received(connection, &hdr, expected, their,
						       digest_size(alg)));
}

/* 0: shaken hands; -EAGAIN: try again in a second; else the end. */
int host_connect(struct host *h)
{
	const struct net_conf *nc = &h->core.connection.net_conf;
	int err = find_peer(h);
	u32 ms;

	if (err)
		return err;
	ms = connector_patience(&h->core.connection);
	net_timeouts(h->conn.sock[SOCK_DATA], ms, ms);
	net_timeouts(h->conn.sock[SOCK_META], nc->timeout * 100, nc->ping_int * 1000);
	err = exchange_features(h);
	if (!err && h->conn.hmac[0])
		err = authenticate(h);
	if (err)
		return err;
	net_timeouts(h->conn.sock[SOCK_DATA], nc->timeout * 100, 0);
	stats.connects += h->node == &nodes[0];
	return 0;
}
