/* SPDX-License-Identifier: GPL-2.0 */
/*
 * send.h - what goes out on the two sockets, and in which order (wire.md 2, 5, 6)
 *
 * Each socket has one queue of send items, strictly first in first out.  Items are
 * parts of what they send (a request, a peer request) or small control packets from
 * a fixed pool of the connection.  Items that stand for many packets (a bitmap, a turn of
 * resync requests) are "generators": they stay at the head until exhausted.
 *
 * The host's sender asks send_next() for one packet at a time, sends it without the
 * lock, and reports with send_done().  One packet per socket is out at any time.
 * Sequence numbers and barriers are decided in send_next(), so they follow the order
 * of the stream whatever the order of events was.
 */
#ifndef CORE_SEND_H
#define CORE_SEND_H

#include "portable.h"
#include "list.h"

struct drbd_connection;
struct drbd_device;
struct drbd_request;
struct drbd_peer_request;
struct drbd_resource;
struct core_timer;

enum send_kind {
	SEND_CONTROL,		/* struct control_packet */
	SEND_REQUEST,		/* drbd_request: write, remote read, or P_OUT_OF_SYNC */
	SEND_PEER_REPLY,	/* drbd_peer_request: data reply, digest request or reply */
	SEND_PEER_ACK,		/* drbd_peer_request: an L3 packet on the meta socket */
	SEND_PEER_RECV_ACK,	/* drbd_peer_request: P_RECV_ACK, before the other ack if any */
	SEND_BITMAP,		/* generator of a device: bitmap_exchange.h */
	SEND_RESYNC_REQUESTS,	/* generator of a device: resync.h */
	SEND_VERIFY_REQUESTS,	/* generator of a device: verify.h */
};

struct send_item {
	struct dlist link;
	u8 kind;
	bool in_flight;		/* between send_next() and send_done() */
};

#define CONTROL_BODY_MAX 152
#define CONTROL_POOL 96		/* a socket */

struct control_packet {
	struct send_item item;
	u16 cmd, vnr, len;
	bool seq_in_ack;	/* an L3 packet: its seq_num is filled in when it is sent */
	u8 body[CONTROL_BODY_MAX];
};

struct send_queue {
	struct dlist items;
	bool open;		/* between send_open() and send_close() */
	bool broken;		/* part of a packet may have left: nothing may follow it */
	u32 ping_acks;		/* P_PING_ACK to send ahead of the items (meta) */
	u32 ping_after;		/* items that the wanted P_PING must not overtake (meta) */
	u32 n_free;
	struct dlist free;	/* control packets not in use */
	struct control_packet pool[CONTROL_POOL];
};

/* One packet on its way out. The host supplies head (SEND_HEAD_ROOM bytes). */
#define SEND_HEAD_ROOM 4096
struct outgoing {
	u8 *head;
	u32 head_len;		/* header, fixed part, and whatever the core adds itself */
	struct send_item *item;
	struct drbd_request *req;	/* payload: data of this request ... */
	struct drbd_peer_request *pr;	/* ... or of this peer request ... */
	u32 payload_len;		/* ... this many bytes of it; 0 = no payload */
	u32 digest_len;		/* != 0: between head and payload the host puts the digest of the
				 * payload, made with data-integrity-alg */
	bool push;		/* nothing follows for now: uncork, let TCP send at once */
};

void send_init(struct drbd_connection *connection);
/* Sockets are up (queues empty and open) / gone (everything queued is cancelled). */
void send_open(struct drbd_connection *connection);
void send_close(struct drbd_connection *connection);

/*
 * The next packet for a socket into `out`; false: nothing to send now (a later
 * env_send_kick() says when to ask again).
 */
bool send_next(struct drbd_connection *connection, int socket, struct outgoing *out);
/* It was handed to TCP completely (ok), or the connection is to be given up. */
void send_done(struct drbd_connection *connection, int socket, struct outgoing *out, bool ok);

/*
 * An epoch is over and nothing follows for now. Where writes follow each other without a pause,
 * one at a time, its barrier waits for the next one and goes with it: one packet less each way.
 * It waits for a few milliseconds, never while a flush waits for its answer, and not where
 * pauses are usual: in these the peer may flush its disk. true: it waits.
 */
bool send_barrier_waits(struct drbd_connection *connection);
void send_barrier_timer(struct core_timer *timer);

/* Append an item that is not queued; it is cancelled at once when the queue is closed. */
void send_item_queue(struct drbd_connection *connection, int socket, struct send_item *item);
void send_item_init(struct send_item *item, enum send_kind kind);
/* Room for n more control packets? env_wake() follows when there is room again. */
bool send_has_room(const struct drbd_connection *connection, int socket, u32 n);

/*
 * For generators: write the header of a packet with `fixed` bytes after it in out->head and
 * `rest` bytes more (digest and payload); returns where the fixed part goes.
 */
void *send_begin(struct drbd_connection *connection, struct outgoing *out, u32 vnr, u16 cmd,
		 u32 fixed, u32 rest);

/*
 * Queue a small packet. body is copied. Without a free control packet the connection is
 * failed (NetworkFailure): a peer that does not drain that many is not served.
 */
void send_control(struct drbd_connection *connection, int socket, u32 vnr, u16 cmd,
		  const void *body, u32 len);
/* The same for an L3 packet on the meta socket whose seq_num is filled in when sent. */
void send_block_ack(struct drbd_connection *connection, u32 vnr, u16 cmd, u64 sector,
		    const u8 block_id[8], u32 bytes);

/* The parameter packets, made from the device's state of now (wire.md 4.4). */
void send_protocol(struct drbd_connection *connection, u16 cmd);	/* P_PROTOCOL or P_PROTOCOL_UPDATE */
/*
 * net_conf has changed: tell the peer, if there is one. What is sent after that packet carries
 * the new data-integrity-alg, what is sent before it the old one (wire.md 4.3).
 */
void send_protocol_update(struct drbd_connection *connection);
/* It has left, or never will. */
void send_protocol_updated(struct drbd_connection *connection);
void send_sync_param(struct drbd_device *device);
void send_sizes(struct drbd_device *device, bool trigger_reply, u16 dds_flags);
void send_uuids(struct drbd_device *device);
void send_uuids_skip_initial_sync(struct drbd_device *device);
void send_state(struct drbd_device *device);
void send_sync_uuid(struct drbd_device *device, u64 uuid);
void send_state_request(struct drbd_device *device, u32 mask, u32 val);		/* P_STATE_CHG_REQ */
void send_conn_state_request(struct drbd_connection *connection, u32 mask, u32 val);
void send_state_reply(struct drbd_device *device, s32 retcode);
void send_conn_state_reply(struct drbd_connection *connection, s32 retcode);
void send_ping(struct drbd_connection *connection);	/* at once, ahead of the queue */
void send_ping_ack(struct drbd_connection *connection);

#endif /* CORE_SEND_H */
