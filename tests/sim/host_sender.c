// SPDX-License-Identifier: GPL-2.0
/* One thread a socket that sends what the core has for it. */
#include "sim.h"

struct sender {
	struct host *h;
	enum drbd_socket which;
	u32 ko_left;
	u8 head[SEND_HEAD_ROOM + WIRE_DIGEST_MAX];
};

static bool go_on(struct sender *s, bool payload)
{
	struct drbd_connection *connection = &s->h->core.connection;

	if (s->which == SOCK_META)
		connection_socket_event(connection, SOCKET_SEND_TIMEOUT_META);
	else if (connection_send_timed_out(connection, &s->ko_left))
		return true;
	else
		connection_socket_event(connection, payload ? SOCKET_SEND_TIMEOUT_PAGES :
					SOCKET_SEND_TIMEOUT_DATA);
	return false;
}

static bool transmit_part(struct sender *s, const void *head, const u64 *tags, u32 len)
{
	struct sock *sock = s->h->conn.sock[s->which];
	int err;

	for (;;) {
		err = head ? net_send(sock, head, len) : net_send_tags(sock, tags, len);
		if (!err)
			return true;
		if (err == -EAGAIN && !s->h->conn.shutdown) {
			if (go_on(s, tags != NULL))
				continue;
			return false;
		}
		connection_socket_event(&s->h->core.connection, SOCKET_SEND_ERROR);
		return false;
	}
}

static void trace_packet(struct sender *s, const struct outgoing *out)
{
	struct wire_header hdr;
	int apv = s->h->core.connection.agreed_pro_version;
	struct wire_p_data data;

	if (!tracing || wire_header_decode(out->head, wire_header_size(apv), apv, &hdr) != WIRE_OK)
		return;
	memset(&data, 0, sizeof(data));
	memcpy(&data, out->head + wire_header_size(apv), min_t(u32, hdr.length, sizeof(data)));
	trace(s->h->node, "send %s %s len %u payload %u first %llu flags %x", s->which ? "meta" : "data",
	      wire_cmd_name(hdr.cmd), hdr.length, out->payload_len,
	      (unsigned long long)be64_to_cpu(data.sector),
	      hdr.cmd == P_DATA ? be32_to_cpu(data.dp_flags) : 0);
}

static bool transmit(struct sender *s, struct outgoing *out)
{
	const char *alg = s->h->conn.integrity;
	const u64 *tags = out->req ? host_of_request(out->req)->tags :
			  out->pr ? host_of_peer_request(out->pr)->tags : NULL;

	trace_packet(s, out);
	s->ko_left = s->h->core.connection.net_conf.ko_count;
	if (out->payload_len && !tags)
		violation("node %s: payload of nothing", s->h->node->name);
	if (out->digest_len)
		digest_tags(alg, tags, out->payload_len >> 9, out->head + out->head_len);
	if (!transmit_part(s, out->head, NULL, out->head_len + out->digest_len))
		return false;
	return !out->payload_len || transmit_part(s, NULL, tags, out->payload_len);
}

static void send_all(struct sender *s)
{
	struct drbd_connection *connection = &s->h->core.connection;
	struct outgoing out;
	bool ok = true;

	s->h->conn.send_kicked[s->which] = false;
	for (;;) {
		memset(&out, 0, sizeof(out));
		out.head = s->head;
		if (!ok || !send_next(connection, s->which, &out))
			break;
		ok = transmit(s, &out);
		send_done(connection, s->which, &out, ok);
	}
}

static void sender_thread(void *arg)
{
	struct sender *s = arg;
	struct host_conn *c = &s->h->conn;

	while (!c->stop_senders) {
		if (!c->send_kicked[s->which])
			waitq_wait(&c->send_wait[s->which], NEVER);
		else
			send_all(s);
	}
	c->sender_running[s->which] = false;
	waitq_wake(&c->ended);
	node_free(s->h->node, s);
}

void host_senders_start(struct host *h)
{
	int i;

	h->conn.stop_senders = false;
	for (i = 0; i < 2; i++) {
		struct sender *s = node_alloc(h->node, sizeof(*s));

		s->h = h;
		s->which = i;
		h->conn.send_kicked[i] = true;
		h->conn.sender_running[i] = true;
		thread_start(h->node, "sender", sender_thread, s);
	}
}

void host_senders_stop(struct host *h)
{
	struct host_conn *c = &h->conn;

	c->stop_senders = true;
	waitq_wake(&c->send_wait[0]);
	waitq_wake(&c->send_wait[1]);
	while (c->sender_running[0] || c->sender_running[1])
		waitq_wait(&c->ended, NEVER);
}

void env_send_kick(struct drbd_connection *connection, enum drbd_socket socket)
{
	struct host_conn *c = &host_of_connection(connection)->conn;

	c->send_kicked[socket] = true;
	waitq_wake(&c->send_wait[socket]);
}
