/* SPDX-License-Identifier: GPL-2.0 */
/*
 * request.h - the life of an application request (states.md 7, wire.md 5)
 *
 *	request_init()  request_new()          the host hands over a request
 *	  -> admission (may wait), conflict check (may wait), activity log (may wait)
 *	  -> env_request_submit() and/or a place in the send queue
 *	request_local_done()                   the local part came back
 *	acks from the peer (receive.h)
 *	  -> env_request_complete(), and when nothing refers to it any more env_request_free()
 *
 * The decisions are in predicates.h; this file keeps the lists.
 */
#ifndef CORE_REQUEST_H
#define CORE_REQUEST_H

#include "portable.h"
#include "list.h"
#include "interval.h"
#include "send.h"

struct drbd_connection;
struct drbd_device;

enum request_op { OP_READ, OP_WRITE, OP_DISCARD, OP_WRITE_ZEROES, OP_FLUSH };

/* What of a request the local part is submitted with, same values as wire dp_flags. */
struct drbd_request {
	struct drbd_device *device;
	struct interval interval;	/* sector, size; in the device's conflict tree */
	u64 id;			/* block_id on the wire; unique while the module is loaded */
	u8 op;			/* enum request_op */
	bool may_unmap;		/* OP_WRITE_ZEROES: may deallocate */
	bool read_ahead;
	bool in_tl, in_al, queued_al;
	u32 dp_flags;		/* DP_FUA, DP_FLUSH, DP_RW_SYNC as the user asked */
	u32 flags;		/* RQ_*, predicates.h */
	u32 holds;		/* completion holds besides those that flags imply */
	u32 epoch;
	int local_error;
	u64 start_ms, sent_ms, local_start_ms;
	struct send_item send;
	struct dlist tl;	/* transfer_log.requests */
	struct dlist wait;	/* admission, conflict or activity log queue; or postponed */
	struct dlist local;	/* request_queues.local: local part in flight, oldest first */
};

struct request_queues {
	struct dlist admission;	/* wait to be admitted, oldest first */
	struct dlist al_wait;	/* admitted, wait for the activity log */
	struct dlist conflict;	/* wait for an overlapping write to end */
	struct dlist local;	/* local part in flight */
	struct dlist held;	/* done, but completed only when new_uuid_pending is 0 */
	struct dlist net_reads;	/* remote reads in flight */
	struct interval_tree writes;	/* local and received writes not yet completed */
	u32 in_flight_sectors;	/* sent and not barrier-acked, for congestion */
};

/* Epochs of the sending side: one log a connection (wire.md 5.4). */
struct transfer_log {
	struct dlist requests;	/* drbd_request.tl in order of acceptance */
	u32 current_epoch;	/* number given to new requests */
	u32 current_writes;	/* writes in it */
	bool sent_any;		/* a write was sent on this connection */
	u32 sent_epoch;		/* epoch of the last request that went out */
	u32 sent_writes;	/* writes of it sent and not yet closed by P_BARRIER */
	u64 last_barrier_ms;	/* when the last P_BARRIER was sent */
};

void request_init(struct drbd_request *req, struct drbd_device *device, enum request_op op,
		  u64 sector, u32 bytes, u32 dp_flags);
void request_new(struct drbd_request *req);
/* error: 0 or negative errno; for OP_DISCARD/OP_WRITE_ZEROES -EOPNOTSUPP counts as unsupported. */
void request_local_done(struct drbd_request *req, int error);

/* Admission may have become possible: call after every change that request admission reads. */
void request_admission_kick(struct drbd_device *device);
/* device->new_uuid_pending became 0: complete what is on rq.held (states.md 13.8). */
void request_held_release(struct drbd_device *device);
/* Same for conflicts that a completed write or peer request may have ended. */
void request_conflict_kick(struct drbd_device *device);

/* Close the current epoch if it holds writes (replication on/off, flush, Ahead). */
void tl_close_epoch(struct drbd_connection *connection);
/* Whole-log events: enum request_event REQ_CONNECTION_LOST, REQ_RESEND, REQ_FAIL_FROZEN, REQ_RESTART_FROZEN. */
void tl_apply(struct drbd_connection *connection, int event);
/* Abort the local part of everything in flight (forced detach). */
void request_abort_local(struct drbd_device *device);
/* P_BARRIER_ACK; false: does not match (ProtocolError). */
bool tl_barrier_acked(struct drbd_connection *connection, u32 epoch, u32 set_size);
/* ko-count x timeout and disk-timeout checks (states.md 4); called by the request timer. */
void request_timeouts(struct drbd_connection *connection);

#endif /* CORE_REQUEST_H */
