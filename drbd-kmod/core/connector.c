// SPDX-License-Identifier: GPL-2.0
/* connector.c - which socket is which, features, authentication (wire.md 1.2, 1.3, 4.1, 4.2) */
#include "objects.h"
#include "connection.h"

#define ANSWER_PATIENCE_MS 10000
#define TURNED_AWAY_LOG_MS 10000

/* ---- two sockets ---- */

enum connector_verdict connector_opened(struct drbd_connection *connection, struct connector *c,
					u16 *cmd)
{
	if (!c->have_data) {
		c->have_data = true;
		connection->stranger[SOCK_DATA] = false;
		*cmd = P_INITIAL_DATA;
		return CONNECTOR_DATA;
	}
	*cmd = P_INITIAL_META;
	if (c->have_meta)
		return CONNECTOR_REJECT;
	c->have_meta = true;
	connection->stranger[SOCK_META] = false;
	connection->resolve_conflicts = false;
	return CONNECTOR_META;
}

/* Anybody can make us say this as often as he likes. */
static enum connector_verdict turn_away(struct drbd_connection *connection)
{
	u64 now = env_now_ms();

	connection->turned_away++;
	if (connection->turned_away_logged &&
	    now - connection->turned_away_logged < TURNED_AWAY_LOG_MS)
		return CONNECTOR_REJECT;
	env_log_connection(connection, LOG_LVL_WARN,
			   "somebody connected (%u times) who is not the peer or does not speak our protocol; closed",
			   connection->turned_away);
	connection->turned_away = 0;
	connection->turned_away_logged = now;
	return CONNECTOR_REJECT;
}

/* Whoever comes from the peer's own address is to be preferred. */
static bool is_in_the_way(const struct drbd_connection *connection, enum drbd_socket which,
			  bool held, bool stranger)
{
	return stranger && held && !connection->stranger[which];
}

enum connector_verdict connector_accepted(struct drbd_connection *connection, struct connector *c,
					  u16 cmd, bool stranger)
{
	bool crossed;

	switch (cmd) {
	case P_INITIAL_DATA:
		crossed = c->have_data;
		if (is_in_the_way(connection, SOCK_DATA, crossed, stranger))
			return turn_away(connection);
		c->have_data = true;
		connection->stranger[SOCK_DATA] = stranger;
		return crossed ? CONNECTOR_DATA_CROSSED : CONNECTOR_DATA;
	case P_INITIAL_META:
		crossed = c->have_meta;
		if (is_in_the_way(connection, SOCK_META, crossed, stranger))
			return turn_away(connection);
		c->have_meta = true;
		connection->stranger[SOCK_META] = stranger;
		connection->resolve_conflicts = true;
		return crossed ? CONNECTOR_META_CROSSED : CONNECTOR_META;
	default:
		return turn_away(connection);
	}
}

static bool is_stranger(const struct drbd_connection *connection)
{
	return connection->stranger[SOCK_DATA] || connection->stranger[SOCK_META];
}

bool connector_toss(void)
{
	return env_random64() & 1;
}

/*
 * The peer looks at its sockets for its own ping-timeout or sock-check-timeout before it says
 * anything. Who gives up before that, and comes again, would never meet it. But nobody else
 * can come while a stranger is waited for.
 */
u32 connector_patience(const struct drbd_connection *connection)
{
	u32 ms = connection->net_conf.ping_timeo * 100 * 4;

	return is_stranger(connection) ? ms : max_t(u32, ANSWER_PATIENCE_MS, ms);
}

/* ---- features ---- */

void features_missing(const struct drbd_connection *connection)
{
	env_log_connection(connection, LOG_LVL_WARN,
			   "the peer opened both sockets and then said nothing for %u s: trying again; set ping-timeout and socket-check-timeout alike on both nodes",
			   connector_patience(connection) / 1000);
}

/* Trying again does not help with a peer like that, unless it was not the peer. */
static enum handshake_outcome refuse(struct drbd_connection *connection)
{
	if (is_stranger(connection)) {
		env_log_connection(connection, LOG_LVL_WARN,
				   "that came from another address than the peer's: waiting for the peer");
		return HANDSHAKE_RETRY;
	}
	env_log_connection(connection, LOG_LVL_ERR, "disconnecting because of the peer's first words");
	connection_fatal(connection);
	return HANDSHAKE_STANDALONE;
}

void features_encode(struct wire_p_features *packet)
{
	memset(packet, 0, sizeof(*packet));
	packet->protocol_min = cpu_to_be32(WIRE_APV_MIN);
	packet->protocol_max = cpu_to_be32(WIRE_APV_MAX);
	packet->feature_flags = cpu_to_be32(WIRE_FEATURES);
}

static bool has_other_volumes(const struct drbd_connection *connection)
{
	const struct drbd_device *device;

	for_each_volume(device, connection->resource)
		if (device->vnr)
			return true;
	return false;
}

enum handshake_outcome features_received(struct drbd_connection *connection,
					 const struct wire_header *hdr,
					 const struct wire_p_features *packet)
{
	u32 lowest, highest;

	if (hdr->cmd != P_CONNECTION_FEATURES || hdr->length != sizeof(*packet)) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer began with %s (%u bytes) instead of its features: refused; check what runs there",
				   wire_cmd_name(hdr->cmd), hdr->length);
		return refuse(connection);
	}
	lowest = be32_to_cpu(packet->protocol_min);
	highest = be32_to_cpu(packet->protocol_max);
	if (!highest)
		highest = lowest;
	if (WIRE_APV_MAX < lowest || WIRE_APV_MIN > highest) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "no common protocol version: we speak %u to %u, the peer %u to %u: refused; upgrade the older node",
				   WIRE_APV_MIN, WIRE_APV_MAX, lowest, highest);
		return refuse(connection);
	}
	if (highest < WIRE_APV_VOLUMES && has_other_volumes(connection)) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer speaks protocol %u at most, which knows volume 0 only, but there are others here: refused; upgrade the peer",
				   highest);
		return refuse(connection);
	}
	connection->agreed_pro_version = min_t(u32, WIRE_APV_MAX, highest);
	connection->agreed_features = WIRE_FEATURES & be32_to_cpu(packet->feature_flags);
	env_log_connection(connection, LOG_LVL_INFO,
			   "handshake: protocol version %u, features 0x%x",
			   connection->agreed_pro_version, connection->agreed_features);
	return HANDSHAKE_OK;
}

/* ---- authentication ---- */

enum handshake_outcome auth_challenge_received(struct drbd_connection *connection,
					       const struct wire_header *hdr,
					       const u8 *own, const u8 *peers)
{
	if (hdr->cmd != P_AUTH_CHALLENGE) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer does not authenticate (sent %s): refused; set cram-hmac-alg and shared-secret on both nodes or on none",
				   wire_cmd_name(hdr->cmd));
		return refuse(connection);
	}
	if (hdr->length < WIRE_CHALLENGE_LEN || hdr->length > WIRE_CHALLENGE_MAX) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer's challenge has %u bytes: refused", hdr->length);
		return refuse(connection);
	}
	if (!memcmp(own, peers, WIRE_CHALLENGE_LEN)) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer sent our own challenge back: refused; somebody is playing tricks");
		return refuse(connection);
	}
	return HANDSHAKE_OK;
}

enum handshake_outcome auth_response_received(struct drbd_connection *connection,
					      const struct wire_header *hdr,
					      const u8 *expected, const u8 *got, u32 digest_len)
{
	if (hdr->cmd != P_AUTH_RESPONSE || hdr->length != digest_len) {
		env_log_connection(connection, LOG_LVL_WARN,
				   "expected an authentication response of %u bytes, got %s of %u; trying again",
				   digest_len, wire_cmd_name(hdr->cmd), hdr->length);
		return HANDSHAKE_RETRY;
	}
	if (memcmp(expected, got, digest_len)) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "authentication of the peer failed: refused; check that shared-secret is the same on both nodes");
		return refuse(connection);
	}
	env_log_connection(connection, LOG_LVL_INFO, "peer authenticated");
	return HANDSHAKE_OK;
}
