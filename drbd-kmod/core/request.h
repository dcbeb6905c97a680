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
#include "timer.h"

struct drbd_connection;
struct drbd_device;

enum request_op { OP_READ, OP_WRITE, OP_DISCARD, OP_WRITE_ZEROES, OP_FLUSH };

struct drbd_request {
	struct drbd_device *device;
	struct interval interval;	/* sector, bytes; in rq.writes or rq.remote_reads */
	u64 id;			/* block_id on the wire; unique while the module is loaded */
	u32 dp_flags;		/* DP_FUA, DP_FLUSH, DP_RW_SYNC as the user asked */
	u32 wire_flags;		/* further DP_* for the peer, decided when it was logged */
	u32 flags;		/* RQ_*, predicates.h */
	u32 epoch;
	u64 serial;		/* place in the transfer log, ascending */
	u32 al_generation;	/* of device->al, to which its extents belong */
	int local_error;
	u8 op;			/* enum request_op */
	u8 attempts;		/* of a read that was tried again */
	bool may_unmap;		/* OP_WRITE_ZEROES: may deallocate */
	bool zero_instead;	/* OP_DISCARD: the disk could not, its local part writes zeroes */
	bool read_ahead;
	bool in_al;		/* holds activity log extents */
	bool al_queued;		/* holds them, and waits for their transaction */
	bool resubmit;		/* waits for the activity log to repeat its local part */
	bool retry;		/* goes back to admission at its end */
	bool unmirrored;	/* an earlier attempt was written here alone: in the activity log */
	bool marked;		/* an earlier attempt ended with its bits set */
	bool marked_since;	/* a later write here is on this disk only: its bits stay set */
	bool held, held_ok;	/* on rq.held, with this outcome */
	bool avoid_local, avoid_remote;	/* a read that failed there */
	bool stale_local;	/* an aborted local part of an earlier attempt is still out */
	bool wait_stale;	/* nowhere else to go: waits for that part to return */
	bool own_pages;		/* a read that the host is to make into pages of its own, and to copy */
	bool pinned;		/* the caller's pages are still written to: not to be given up */
	u64 start_ms, sent_ms, local_start_ms;
	struct send_item send;
	struct dlist tl;	/* transfer_log.requests or .flushes */
	struct dlist wait;	/* admission, conflict, activity log or held queue */
	struct dlist local;	/* request_queues.local: local part in flight, oldest first */
};

struct request_queues {
	struct dlist admission;	/* wait to be admitted, oldest first */
	struct dlist al_wait;	/* admitted, wait for the activity log */
	struct dlist conflict;	/* wait for an overlapping write to end */
	struct dlist local;	/* local part in flight */
	struct dlist held;	/* done, but not completed: new_uuid_pending, exposure */
	struct interval_tree writes;	/* local and received writes not yet gone; .completed
					 * ones are in nobody's way any more */
	struct interval_tree remote_reads;	/* asked of the peer */
	u32 in_flight_sectors;	/* sent and not barrier-acked, for congestion */
	u64 last_id;
	bool read_turn;		/* round-robin of reads */
	bool admitting, resolving;	/* a kick is at work */
	bool resolve_again;
};

/* Epochs of the sending side: one log a connection (wire.md 5.4). */
struct transfer_log {
	struct dlist requests;	/* drbd_request.tl in order of acceptance */
	struct dlist flushes;	/* empty flushes waiting for barrier acks, oldest first */
	u32 unacked;		/* writes whose epoch's P_BARRIER_ACK is missing */
	u32 current_epoch;	/* number given to new requests */
	u32 current_writes;	/* writes in it */
	u32 sent_epoch;		/* epoch of the last write that went out */
	u32 sent_writes;	/* writes of it sent and not yet closed by P_BARRIER */
	u64 last_barrier_ms;	/* when the last P_BARRIER was sent */
	u64 last_serial;
	/* the last epoch's barrier may wait for the next write: send.h */
	u8 follow_ups;		/* epochs in a row that the next write followed at once */
	bool barrier_now;	/* waited long enough */
	u32 wait_epoch;		/* it is this one's that waits, since ... */
	u64 wait_since_ms;
	bool peer_refused;	/* since connected, the peer refused a write (two Primaries) */
	u32 thawing;		/* what was frozen is being dealt with: nothing new overtakes it */
};

void request_init(struct drbd_request *req, struct drbd_device *device, enum request_op op,
		  u64 sector, u32 bytes, u32 dp_flags);
void request_new(struct drbd_request *req);
/* Would a new request have to wait now? (upper-blocked in status) */
bool device_blocks_io(const struct drbd_device *device);
/* error: 0 or negative errno. May call env_request_submit() for this very request again. */
void request_local_done(struct drbd_request *req, int error);

/*
 * A read into pages of the host's own (own_pages) came back: may it be copied into the caller's
 * now? false: given up meanwhile. request_local_done() follows. Without such pages (none were to
 * be had) the host sets `pinned`, under the lock and before it submits.
 */
bool request_may_copy(struct drbd_request *req);

/* Embedded lists; called once when the object is made. */
void request_queues_init(struct drbd_device *device);
void tl_init(struct drbd_connection *connection);

/* Admission may have become possible: call after every change that request admission reads. */
void request_admission_kick(struct drbd_device *device);
void admission_kick_all(struct drbd_resource *resource);
/*
 * Around a thaw, from before the suspension ends until the frozen writes are queued again: epochs
 * leave in the order of their numbers. They nest; the last end kicks.
 */
void admission_thaw_begin(struct drbd_resource *resource);
void admission_thaw_end(struct drbd_resource *resource);
/* Complete what is on rq.held, unless new_uuid_pending or exposure still forbids it. */
void request_held_release(struct drbd_device *device);
/* Same for conflicts that a completed write or peer request may have ended. */
void request_conflict_kick(struct drbd_device *device);

/* To the end of the log, in the current epoch. */
void tl_join(struct transfer_log *tl, struct drbd_request *req);
/* A request that is sent again: what others of its epoch may have followed it meanwhile is over. */
void tl_rejoin(struct drbd_connection *connection, struct drbd_request *req);
/* Close the current epoch if it holds writes (replication on/off, flush, Ahead). */
void tl_close_epoch(struct drbd_connection *connection);
/* Whole-log events: enum request_event REQ_CONNECTION_LOST, REQ_RESEND, REQ_FAIL_FROZEN, REQ_RESTART_FROZEN. */
void tl_apply(struct drbd_connection *connection, int event);
/* Gone over to a connection that is no more: no answer comes to this request. */
bool request_link_lost(const struct drbd_connection *connection, const struct drbd_request *req);
/*
 * The connection is lost, and what is in flight stays frozen. Writes that succeeded for their
 * users, but may be missing on the peer's disk, can not be sent again: they end, and leave their
 * bits set. True: there were some, and the peer's data are not those of now.
 */
bool tl_mark_missing(struct drbd_device *device);
/*
 * A suspension ended while connected: what waited for nothing else completes, what was sent on
 * an earlier connection, and kept by the suspension, is sent again.
 */
void tl_thaw(struct drbd_connection *connection);
/*
 * Abort the local part of everything in flight (forced detach, disk-timeout), except for reads
 * that the disk may still write into their callers' memory: these wait for it. Reads can be given
 * up where disk-timeout is set, because then they go through pages of the host's own.
 */
void request_abort_local(struct drbd_device *device);
/* Are users promised something by its success: that data are there, or that they stay? */
bool request_promises(const struct drbd_request *req);
/* Does a write up to that place in the log still wait for the peer's answer? */
bool tl_awaits_answer(const struct drbd_connection *connection, u64 serial);
/* Is there a write of this volume, up to that id, that the peer's disk might still lose? */
bool tl_has_unconfirmed(const struct drbd_device *device, u64 last_id);
/* Is there a write that users were told of, and that the peer has not acknowledged? (Protocols A, B.) */
bool tl_has_told_only_here(const struct drbd_device *device);
/*
 * Without fencing a node that has rebooted calls its disk UpToDate at once, and nothing tells its
 * peer of a power cut (states.md 5.8).
 */
bool tl_reboot_unseen(const struct drbd_device *device);
/* P_BARRIER_ACK; false: does not match (ProtocolError). */
bool tl_barrier_acked(struct drbd_connection *connection, u32 epoch, u32 set_size);
/* ko-count x timeout and disk-timeout checks (states.md 4); called by the request timer. */
void request_timeouts(struct drbd_connection *connection);
/* core_timer.fire for connection->request_timer; requests arm it themselves. */
void request_timer_fire(struct core_timer *timer);

/*
 * Finding the request that an answer names; NULL if there is none. Writes are found until
 * their epoch's P_BARRIER_ACK, completed or not.
 */
struct drbd_request *request_find_write(struct drbd_device *device, u64 id, u64 sector);
struct drbd_request *request_find_read(struct drbd_device *device, u64 id, u64 sector);

/* ---- between the files of the data path ---- */
u32 request_initial_flags(const struct drbd_request *req);
struct write_decision;
u32 request_wire_flags(const struct write_decision *d);
/*
 * The protocol that decides when the request is done. Without a good copy of my own the peer's
 * disk has the only one: then it is C whatever is configured, if the peer can do that.
 */
u8 request_protocol(const struct drbd_request *req);
/* Hand the local part to the host; the caller holds a reference on the disk for it. */
void request_submit_local(struct drbd_request *req);
void request_timer_arm(struct drbd_connection *connection);
/* One event (enum request_event) and all that follows from it; the request may be gone afterwards. */
void request_apply(struct drbd_request *req, int event);
/* The activity log let it pass: go on. */
void request_al_done(struct drbd_request *req);
/* The part from which the conflict queue goes on. */
void request_proceed(struct drbd_request *req);
/* Must it wait for an overlapping write? Marks what it waits for. */
bool request_conflicts(struct drbd_request *req);
/* Back to the queue of those that wait for admission; nothing has been started. */
void request_readmit(struct drbd_request *req);
/* Write requests overlapping this range were told to retry, and may do so now (wire.md 5.7). */
void request_retry_postponed(struct drbd_device *device, u64 sector, u32 bytes);
/* Complete flushes whose epochs are all acknowledged; `all`: those of a lost connection. */
void tl_flushes_done(struct drbd_connection *connection, bool all);

#endif /* CORE_REQUEST_H */
