/* SPDX-License-Identifier: GPL-2.0 */
/*
 * connection.h - the life of a connection (wire.md 1, 4, 9; states.md 4)
 *
 * Life of the receiver, a thread of the host that env_receiver_start() creates:
 *
 *	while (connection_search_begin(c)) {		Unconnected -> WFConnection
 *		the host opens, accepts and sorts sockets, asking struct connector
 *		features and authentication with the functions below
 *		run connection_establish(t, c)		-> WFReportParams, first packets queued
 *		receive until something fails
 *		run connection_cleanup(t, c)		-> Unconnected or Disconnecting
 *		the host closes the sockets
 *	}
 *	connection_receiver_ended(c)
 */
#ifndef CORE_CONNECTION_H
#define CORE_CONNECTION_H

#include "portable.h"
#include "fiber.h"
#include "state.h"
#include "engine_types.h"
#include "wire.h"

struct drbd_connection;
struct drbd_resource;

void connection_init(struct drbd_connection *connection, struct drbd_resource *resource);

/* ---- finding the peer (wire.md 1.2) ---- */
struct connector {
	bool have_data, have_meta;
};

enum connector_verdict {
	CONNECTOR_DATA,		/* use the new socket as data socket */
	CONNECTOR_META,		/* use it as meta socket */
	CONNECTOR_DATA_CROSSED,	/* close the held data socket, use the new one, toss a coin */
	CONNECTOR_META_CROSSED,	/* the same for the meta socket */
	CONNECTOR_REJECT,	/* close the new socket, toss a coin */
};

/* False: told to stop. Otherwise WFConnection, protocol version 80 until agreed. */
bool connection_search_begin(struct drbd_connection *connection);
bool connection_search_stop(const struct drbd_connection *connection);	/* look between attempts */
/* An outgoing connect succeeded: what is it to be, and which P_INITIAL_* to send. */
enum connector_verdict connector_opened(struct drbd_connection *connection, struct connector *c, u16 *cmd);
/*
 * First packet of an accepted socket; cmd 0 = nothing sensible arrived. stranger: it came from another
 * address than the peer's. Such a one is taken while nobody better is there (there may be a router
 * that translates addresses), never puts the peer's own socket out, and does no harm by failing.
 */
enum connector_verdict connector_accepted(struct drbd_connection *connection, struct connector *c, u16 cmd,
					  bool stranger);
bool connector_toss(void);	/* true: wait for another incoming one at once */
/* ms that the peer may take for a packet of the handshake; a stranger gets less. */
u32 connector_patience(const struct drbd_connection *connection);
/* A failure that waiting does not cure (bind, address): StandAlone. */
void connection_fatal(struct drbd_connection *connection);

/* ---- features and authentication (wire.md 4.1, 4.2) ---- */
enum handshake_outcome { HANDSHAKE_OK, HANDSHAKE_RETRY, HANDSHAKE_STANDALONE };

void features_encode(struct wire_p_features *packet);
/* connector_patience() passed without a word of the peer. */
void features_missing(const struct drbd_connection *connection);
/* header already checked for cmd and length by this function too. Agrees version and features. */
enum handshake_outcome features_received(struct drbd_connection *connection, const struct wire_header *hdr,
					 const struct wire_p_features *packet);
enum handshake_outcome auth_challenge_received(struct drbd_connection *connection, const struct wire_header *hdr,
					       const u8 *own, const u8 *peers);
enum handshake_outcome auth_response_received(struct drbd_connection *connection, const struct wire_header *hdr,
					      const u8 *expected, const u8 *got, u32 digest_len);

/* ---- established ---- */
enum fiber_status connection_establish(struct task *t, struct drbd_connection *connection, u16 *pc);
struct connection_cleanup {
	u16 pc;
	struct drbd_device *device;
	struct bulk_op bulk;
	struct md_sync md;
	u64 ticket;
};
enum fiber_status connection_cleanup(struct task *t, struct drbd_connection *connection,
				     struct connection_cleanup *c);
void connection_receiver_ended(struct drbd_connection *connection);

/* Something failed: C_TIMEOUT .. C_TEAR_DOWN, HARD; no effect on a connection that failed already. */
void connection_fail(struct drbd_connection *connection, enum drbd_conn why);
/* The sockets' ends (wire.md 1.5). */
enum socket_event {
	SOCKET_EOF_DATA, SOCKET_EOF_META, SOCKET_RECV_ERROR_DATA, SOCKET_RECV_ERROR_META,
	SOCKET_SEND_ERROR,
	SOCKET_SEND_TIMEOUT_META,
	SOCKET_SEND_TIMEOUT_PAGES,	/* data socket, within the payload of a write, ko-count used up */
	SOCKET_SEND_TIMEOUT_DATA,	/* data socket otherwise, ko-count used up */
};
void connection_socket_event(struct drbd_connection *connection, enum socket_event event);
/* After EOF of a socket: quiet end expected (disconnect sent)? Then the host waits up to ping-timeout. */
bool connection_eof_expected(const struct drbd_connection *connection);
/* The data socket's send timed out once: asks for a ping; false = give up (ko-count used up). */
bool connection_send_timed_out(struct drbd_connection *connection, u32 *ko_left);

/* Keep-alive: the meta receiver's receive timed out. Returns ms to wait next; 0 = connection failed. */
u32 meta_receive_timed_out(struct drbd_connection *connection);
/* ms to wait for the next meta packet now. */
u32 meta_receive_timeout(const struct drbd_connection *connection);
void connection_request_ping(struct drbd_connection *connection);

#endif /* CORE_CONNECTION_H */
