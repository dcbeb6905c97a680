/* SPDX-License-Identifier: GPL-2.0 */
/*
 * predicates.h - the decisions on the data path, one function each
 *
 * Mirror or mark, may admit, where to read, may ack, may clear a bit, and the
 * flag word of an application request with all its events.  Pure functions;
 * the caller holds the lock that protects the state and the flag word, so that
 * a decision and what follows from it are one atomic step.  Offsets are in
 * sectors of 512 bytes.
 *
 * Spec: states.md 7, 8.1, 10; wire.md 5.1 to 5.3, 6.9.
 */
#ifndef CORE_PREDICATES_H
#define CORE_PREDICATES_H

#include "portable.h"
#include "state.h"

enum wire_protocol_kind {
	REPL_PROTOCOL_A = 1,
	REPL_PROTOCOL_B = 2,
	REPL_PROTOCOL_C = 3,
};

/* ---- admission (7.1) */

struct admit_facts {
	bool frozen;		/* internal freeze (detach, resize, ...) */
	bool bitmap_op_pending;	/* a bulk bitmap operation waits or runs */
	u32 in_flight;		/* application requests of this volume */
	u32 max_buffers;
	u16 apv;
};

bool may_admit(struct state s, const struct admit_facts *f);
/* A write with a local part needs UpToDate data on one side at least. */
bool may_write(struct state s);

/* ---- mirror or mark (7.3) */

enum write_route {
	WRITE_REPLICATE,	/* send the data; the peer's answer decides about the bits */
	WRITE_SEND_OOS,		/* set the bits now; if any was newly set, announce it */
	WRITE_LOCAL_ONLY,	/* bits are set when the request is destroyed */
};

struct write_decision {
	enum write_route route;
	bool mark_now;		/* set the bits of the range before the request is logged */
	bool want_recv_ack;	/* data packet flags (wire.md 5.3), not RQ_RA/RQ_WA */
	bool want_write_ack;
	bool may_set_in_sync;
	u32 rq_flags;		/* to be passed to REQ_QUEUE_WRITE: RQ_RA, RQ_WA or 0 */
};

struct write_decision write_decide(struct state s, u8 protocol, u16 apv);

/* ---- read routing (7.6) */

enum read_balancing {
	RB_PREFER_LOCAL		= 0,
	RB_PREFER_REMOTE	= 1,
	RB_ROUND_ROBIN		= 2,
	RB_LEAST_PENDING	= 3,
	RB_CONGESTED_REMOTE	= 4,
	RB_32K_STRIPING		= 5,	/* 5..10: 32K << (n - 5) */
	RB_1M_STRIPING		= 10,
};

enum read_route {
	READ_NONE,	/* no data to be had: fail */
	READ_LOCAL,
	READ_REMOTE,
};

struct read_facts {
	bool range_in_sync;	/* all bits of the range clear */
	u8 policy;		/* enum read_balancing */
	u64 sector;
	u32 local_pending;	/* references on the local disk */
	u32 peer_pending;	/* requests pending to the peer */
	bool turn;		/* round-robin: flip at every call, true = remote */
};

enum read_route read_decide(struct state s, const struct read_facts *f);
/* May a read of a range be served from the local disk (I15)? */
bool may_read_local(struct state s, bool range_in_sync);

/* ---- the peer's side of a write (7.5, wire.md 5.3) */

struct peer_write_view {
	u8 conn;		/* my conn now */
	bool io_error;
	bool want_write_ack;	/* asked for, or implied by protocol C below apv 100 */
	bool may_set_in_sync;	/* DP_MAY_SET_IN_SYNC came with the write */
	bool only_copy;		/* at submission: sender's disk < Inconsistent */
	bool completed;		/* my lower device completed it */
};

enum peer_ack {
	PEER_ACK_NONE,
	PEER_ACK_WRITE,
	PEER_ACK_WRITE_IN_SYNC,	/* P_RS_WRITE_ACK with the writer's block_id */
	PEER_ACK_NEG,
};

struct peer_write_decision {
	enum peer_ack ack;
	bool set_bits;
	bool clear_bits;	/* only whole blocks inside the range */
	bool io_error;		/* apply the on-io-error policy */
};

/* At submission: must the receiver mark the range and take AL extents itself? */
bool peer_write_is_only_copy(struct state s);
/* After completion; before it (completed == false) the answer is always NONE. */
struct peer_write_decision peer_write_done(const struct peer_write_view *v);
/* Acks leave only over an established connection. */
bool may_ack(u8 conn, bool completed);

/* ---- bits (5.3, 7.4) */

/* A write left both disks equal and both sides know it. */
bool may_clear_on_ack(u32 rq_flags);
/* A received out-of-sync notice is taken only by a future target. */
bool may_set_on_oos_notice(u8 conn);

/* ---- I/O errors (8.1) */

enum io_error_policy {
	EP_PASS_ON		= 0,
	EP_CALL_HELPER		= 1,
	EP_DETACH		= 2,
};

enum io_fault {
	IO_FAULT_NONE = 0,
	IO_FAULT_READ,
	IO_FAULT_WRITE,
	IO_FAULT_META,
	IO_FAULT_FORCED,	/* disk-timeout, detach --force */
};

/* The disk state to force, or the present one if nothing changes. */
u8 io_error_disk(u8 disk, enum io_fault fault, enum io_error_policy policy);

/* ---- the flag word of an application request (7.2 to 7.4) */

#define RQ_LP		(1u << 0)	/* local pending: bio is out */
#define RQ_LC		(1u << 1)	/* local completed */
#define RQ_LO		(1u << 2)	/* local ok */
#define RQ_LA		(1u << 3)	/* local aborted */
#define RQ_NP		(1u << 4)	/* answer from the peer expected */
#define RQ_NQ		(1u << 5)	/* queued on the sender */
#define RQ_NS		(1u << 6)	/* sent */
#define RQ_ND		(1u << 7)	/* net done */
#define RQ_NO		(1u << 8)	/* net ok */
#define RQ_SIS		(1u << 9)	/* peer marked the range in sync */
#define RQ_W		(1u << 10)	/* write, discard, write-zeroes, flush */
#define RQ_AL		(1u << 11)	/* holds activity log extents */
#define RQ_POST		(1u << 12)	/* postponed: goes back to admission */
#define RQ_CS		(1u << 13)	/* completion suspended */
#define RQ_RA		(1u << 14)	/* expects receive-ack (protocol B) */
#define RQ_WA		(1u << 15)	/* expects write-ack (protocol C) */
#define RQ_BA		(1u << 16)	/* expects barrier-ack */
#define RQ_SUB		(1u << 17)	/* still being submitted: one hold */
#define RQ_TL		(1u << 18)	/* in the transfer log */
#define RQ_RAHEAD	(1u << 19)	/* read-ahead: fails without retry */
#define RQ_OOS		(1u << 20)	/* NQ stands for an out-of-sync notice */
#define RQ_COMPLETE	(1u << 21)	/* given back to its owner or re-admitted */
#define RQ_DESTROYED	(1u << 22)	/* out of everything; no event may follow */

#define RQ_LOCAL_MASK	(RQ_LP | RQ_LC | RQ_LO | RQ_LA)
#define RQ_NET_MASK	(RQ_NP | RQ_NQ | RQ_NS | RQ_ND | RQ_NO | RQ_SIS)

/* A fresh request: RQ_SUB is held until REQ_SUBMITTED. */
#define RQ_INIT_WRITE	(RQ_W | RQ_SUB)
#define RQ_INIT_READ	RQ_SUB

/* The order of the groups matters to request_event(). */
enum request_event {
	/* setting up, in the order of 7.1 */
	REQ_JOIN_TL,		/* entered the transfer log (not for empty flushes) */
	REQ_AL_TAKEN,		/* owns its activity log extents */
	REQ_POSTPONE,		/* back to admission before anything started */
	REQ_QUEUE_WRITE,	/* to be replicated; view->protocol */
	REQ_QUEUE_OOS,		/* out-of-sync notice queued; bits are already set */
	REQ_QUEUE_READ,		/* read request queued to the peer */
	REQ_FLUSH_DONE_NET,	/* empty flush turned into an epoch boundary */
	REQ_LOCAL_PENDING,	/* local part will be submitted */
	REQ_SUBMITTED,		/* end of submission: drop that hold */
	/* sender */
	REQ_SENT,
	REQ_SEND_FAILED,	/* failed or cancelled */
	REQ_OOS_SENT,
	/* peer */
	REQ_RECV_ACK,
	REQ_WRITE_ACK,
	REQ_WRITE_ACK_IN_SYNC,
	REQ_SUPERSEDED,
	REQ_PEER_RETRY,		/* peer asks for a retry after its own write */
	REQ_RETRY_NOW,		/* ... which has been carried out here */
	REQ_NEG_ACK,
	REQ_DATA_RECEIVED,
	REQ_NEG_DREPLY,
	REQ_BARRIER_ACK,
	REQ_CONNECTION_LOST,
	/* local disk */
	REQ_LOCAL_OK,
	REQ_LOCAL_WRITE_ERROR,
	REQ_LOCAL_READ_ERROR,
	REQ_LOCAL_SOFT_ERROR,	/* read-ahead, discard failed or unsupported: no policy */
	REQ_ABORT_LOCAL,
	/* thawing */
	REQ_FAIL_FROZEN,
	REQ_RESTART_FROZEN,
	REQ_RESEND,
	REQ_THAW,		/* last, over the whole log, whenever the suspension has ended */
	REQ_EVENTS
};

struct request_view {
	bool suspended;		/* state_suspended() of the resource */
	bool epoch_is_current;	/* the request belongs to the epoch now open */
	u8 protocol;		/* enum wire_protocol_kind; for QUEUE_WRITE and RESEND */
	bool local_is_partial;	/* my disk is being synced, or gone again: no good copy */
	bool peer_is_partial;	/* the same of the peer's */
	bool unsayable;		/* for RESEND: this peer's version has no packet for it */
	bool peer_disk_lost;	/* for BARRIER_ACK: the peer has no disk any more */
	bool link_lost;		/* for RESTART_FROZEN, RESEND: no answer comes to what was sent */
	bool reboot_unseen;	/* for RESEND: the peer's disk is UpToDate even after a power cut */
};

/* What the caller does, after the flag word is stored, in the order listed. */
struct request_effects {
	u32 set_bits : 1;	/* set the range out of sync */
	u32 clear_bits : 1;	/* set it in sync (whole blocks only) */
	u32 io_error : 3;	/* enum io_fault: apply the policy */
	u32 late_ok : 1;	/* an aborted local request succeeded after all */
	u32 late_error : 1;	/* ... or failed: log */
	u32 resubmit_local : 1;	/* re-take AL extents, submit from the worker */
	u32 requeue : 1;	/* queue for sending again, as data */
	u32 close_epoch : 1;	/* before completing */
	u32 complete : 1;	/* give the result to the owner ... */
	u32 ok : 1;		/* ... success, else the local or an I/O error */
	u32 retry : 1;		/* instead: a new request for the same bio via admission */
	u32 net_done : 1;	/* ND newly set: leaves the epoch's accounting */
	u32 release_al : 1;
	u32 destroy : 1;	/* last use */
};

/* Stores the new flags through *flags. */
struct request_effects request_event(u32 *flags, enum request_event ev,
				     const struct request_view *view);

/* Nothing keeps the request from being completed. */
bool may_complete(u32 rq_flags);
/* Nothing keeps it from being destroyed. */
bool may_destroy(u32 rq_flags);
/*
 * The connection is lost: a write whose user has been told success, so that it can not be sent
 * again, and which the peer may not have on its disk; cache_counts: nor does it prove anything
 * that its disk had the write in its cache.
 */
bool may_be_missing_on_peer(u32 rq_flags, bool cache_counts);

#endif /* CORE_PREDICATES_H */
