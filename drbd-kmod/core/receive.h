/* SPDX-License-Identifier: GPL-2.0 */
/*
 * receive.h - from bytes to events: what the receivers of the two sockets do
 *
 * The host's data receiver, for each packet:
 *	1. reads a header, wire_header_decode()
 *	2. receive_plan(): how long is the fixed part; reads it into in->fixed
 *	3. receive_plan_payload(): where does the rest go? Reads it there, checks the digest
 *	4. runs the fiber receive_packet(), which may wait; !in->ok ends the connection
 * The host's meta receiver does 1, 2 and then receive_meta(), which never waits.
 *
 * Errors have been turned into the right connection state (wire.md 9.1) by the core when
 * a function returns false; the host just closes shop.
 */
#ifndef CORE_RECEIVE_H
#define CORE_RECEIVE_H

#include "portable.h"
#include "fiber.h"
#include "wire.h"

struct drbd_connection;
struct drbd_device;
struct drbd_peer_request;
struct drbd_request;

enum payload_place {
	PAYLOAD_NONE,
	PAYLOAD_BUFFER,		/* into in->var: at most 4096 bytes */
	PAYLOAD_PEER_REQUEST,	/* host: pages of a new peer request for in->device (may be NULL:
				 * read and throw away), in->pr */
	PAYLOAD_REQUEST,	/* into the pages of in->req, a remote read */
};

struct incoming {
	struct drbd_connection *connection;
	struct wire_header hdr;		/* cmd, vnr, length */
	struct drbd_device *device;	/* looked up from vnr; NULL if connection-wide or unknown */
	u8 *fixed;			/* the host's buffer for the fixed part */
	u32 fixed_len;
	u8 *var;			/* the host's buffer of 4096 bytes */
	u32 var_len;			/* bytes of the variable part in `var` */
	enum payload_place place;
	u32 digest_len;			/* integrity digest that precedes the payload, 0 = none */
	u32 payload_len;		/* bytes after the digest */
	struct drbd_peer_request *pr;	/* the host allocated it (peer_request_init() done), with data;
					 * also for payload-less packets that need one (pr_bytes) */
	u32 pr_bytes;			/* != 0: the host must supply in->pr with room for so many bytes */
	struct drbd_request *req;
	bool digest_bad;		/* verdict of the host */
	bool ok;			/* outcome */
	u16 pc, pc2;
	u64 scratch[4];			/* of the fiber */
};

/* Fixed-part length to read; false: refused (state already changed). */
bool receive_plan(struct drbd_connection *connection, int socket, struct incoming *in);
/* After the fixed part was read. May sleep is not needed; lock held. */
bool receive_plan_payload(struct incoming *in);
/* The fiber that handles a data socket packet; in->ok tells the outcome. Takes over in->pr. */
enum fiber_status receive_packet(struct task *t, struct incoming *in);
/* A meta socket packet, complete in in->fixed. */
bool receive_meta(struct incoming *in);

/* Handlers, one file a family; each sets in->ok. */
enum fiber_status receive_protocol(struct task *t, struct incoming *in);	/* receive_params.c */
enum fiber_status receive_sync_param(struct task *t, struct incoming *in);
enum fiber_status receive_sizes(struct task *t, struct incoming *in);
enum fiber_status receive_uuids(struct task *t, struct incoming *in);
enum fiber_status receive_state(struct task *t, struct incoming *in);
enum fiber_status receive_sync_uuid(struct task *t, struct incoming *in);
enum fiber_status receive_state_request(struct task *t, struct incoming *in);	/* cluster_change.c */
enum fiber_status receive_conn_state_request(struct task *t, struct incoming *in);
bool receive_state_reply(struct incoming *in);
bool receive_conn_state_reply(struct incoming *in);
enum fiber_status receive_bitmap(struct task *t, struct incoming *in);		/* bitmap_exchange.c */
enum fiber_status receive_write(struct task *t, struct incoming *in);		/* receive_data.c */
enum fiber_status receive_barrier(struct task *t, struct incoming *in);
enum fiber_status receive_read_request(struct task *t, struct incoming *in);
enum fiber_status receive_read_reply(struct task *t, struct incoming *in);
enum fiber_status receive_out_of_sync(struct task *t, struct incoming *in);
enum fiber_status receive_resync_reply(struct task *t, struct incoming *in);	/* resync_data.c */
enum fiber_status receive_resync_request(struct task *t, struct incoming *in);
enum fiber_status receive_verify_reply(struct task *t, struct incoming *in);	/* verify.c */
bool receive_block_ack(struct incoming *in);		/* receive_acks.c: 0x15..0x19, 0x2c of writes */
bool receive_barrier_ack(struct incoming *in);
bool receive_neg_read_reply(struct incoming *in);
bool receive_resync_write_ack(struct incoming *in);	/* the same with ID_SYNCER */
bool receive_resync_ack(struct incoming *in);		/* 0x1b, 0x22, 0x29: resync_data.c */
bool receive_verify_result(struct incoming *in);

#endif /* CORE_RECEIVE_H */
