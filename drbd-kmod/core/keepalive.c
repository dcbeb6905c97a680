// SPDX-License-Identifier: GPL-2.0
/* keepalive.c - is the peer still there? Pings, and what ends of sockets mean (wire.md 1.5, 9.1) */
#include "objects.h"
#include "connection.h"
#include "after_change.h"

static u32 ping_timeout_ms(const struct drbd_connection *connection)
{
	return connection->net_conf.ping_timeo * 100;
}

void connection_request_ping(struct drbd_connection *connection)
{
	if (connection->cstate >= C_WF_REPORT_PARAMS)
		send_ping(connection);
}

u32 meta_receive_timeout(const struct drbd_connection *connection)
{
	return connection->ping_out ? ping_timeout_ms(connection) :
				      connection->net_conf.ping_int * 1000;
}

u32 meta_receive_timed_out(struct drbd_connection *connection)
{
	u64 now = env_now_ms(), since = connection->last_received;
	u32 limit = meta_receive_timeout(connection);

	/* The wait may have begun long before the ping left. */
	if (connection->ping_out && connection->ping_sent > since)
		since = connection->ping_sent;
	if (now - since < limit)
		return (u32)(since + limit - now);
	if (connection->ping_out) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "PingAck did not arrive in time (ping-timeout %u ms): dropping the connection",
				   limit);
		connection_fail(connection, C_NETWORK_FAILURE);
		return 0;
	}
	connection_request_ping(connection);
	return ping_timeout_ms(connection);
}

bool connection_send_timed_out(struct drbd_connection *connection, u32 *ko_left)
{
	if (connection->cstate < C_WF_CONNECTION)
		return false;
	if (*ko_left && --*ko_left == 0) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer took no data for ko-count x timeout: dropping the connection");
		return false;
	}
	connection_request_ping(connection);
	return true;
}

bool connection_eof_expected(const struct drbd_connection *connection)
{
	return connection->disconnect_sent;
}

/* The peer's first words are on their way to the data receiver, or wait there. */
static bool is_shaking_hands(const struct drbd_connection *connection)
{
	return connection->queue[SOCK_DATA].open &&
	       (connection->cstate == C_WF_CONNECTION ||
		(connection->cstate == C_WF_REPORT_PARAMS && connection->state_sent));
}

/*
 * A peer that refuses us hangs up as soon as it knows why. What it said before is still to be
 * read from the data socket, and from it we learn the same (states.md 13.17).
 */
static bool may_wait(const struct drbd_connection *connection, enum socket_event event)
{
	return is_shaking_hands(connection) &&
	       (event == SOCKET_EOF_META || event == SOCKET_RECV_ERROR_META ||
		event == SOCKET_SEND_ERROR);
}

void hangup_timer_fire(struct core_timer *timer)
{
	struct drbd_connection *connection =
		container_of(timer, struct drbd_connection, hangup_timer);

	connection_fail(connection, connection->hangup);
}

void connection_socket_event(struct drbd_connection *connection, enum socket_event event)
{
	static const u8 becomes[] = {
		[SOCKET_EOF_DATA] = C_BROKEN_PIPE,
		[SOCKET_EOF_META] = C_NETWORK_FAILURE,
		[SOCKET_RECV_ERROR_DATA] = C_BROKEN_PIPE,
		[SOCKET_RECV_ERROR_META] = C_NETWORK_FAILURE,
		[SOCKET_SEND_ERROR] = C_BROKEN_PIPE,
		[SOCKET_SEND_TIMEOUT_META] = C_TIMEOUT,
		[SOCKET_SEND_TIMEOUT_PAGES] = C_NETWORK_FAILURE,
		[SOCKET_SEND_TIMEOUT_DATA] = C_TIMEOUT,
	};

	if (!may_wait(connection, event)) {
		connection_fail(connection, becomes[event]);
	} else if (!core_timer_armed(&connection->hangup_timer)) {
		connection->hangup = becomes[event];
		core_timer_set(connection->resource, &connection->hangup_timer,
			       ping_timeout_ms(connection));
	}
}
