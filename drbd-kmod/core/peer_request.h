/* SPDX-License-Identifier: GPL-2.0 */
/*
 * peer_request.h - I/O on behalf of the peer, of resync and of verify (wire.md 5.2..5.7, 6, 7)
 *
 * The host allocates them (env_peer_request_alloc(), or itself while it receives data) and
 * owns the data pages.  On the way: received or needed -> env_peer_request_submit() ->
 * peer_request_local_done() -> perhaps a digest -> an ack or reply in a send queue -> free.
 */
#ifndef CORE_PEER_REQUEST_H
#define CORE_PEER_REQUEST_H

#include "portable.h"
#include "list.h"
#include "interval.h"
#include "send.h"

struct drbd_connection;
struct drbd_device;

/* What env_peer_request_submit() does on the backing device. */
enum peer_op {
	PEER_OP_READ,
	PEER_OP_WRITE,
	PEER_OP_DISCARD,	/* deallocate; write zeroes where the disk can not do it reliably,
				 * unaligned head and tail are zeroed */
	PEER_OP_ZEROES,		/* write zeroes, may_unmap as told */
};

/* What it is for; decides what follows its completion. */
enum peer_purpose {
	PEER_WRITE,		/* the peer's application write */
	PEER_READ,		/* P_DATA_REQUEST */
	PEER_RESYNC_WRITE,	/* I am sync target: P_RS_DATA_REPLY, P_RS_DEALLOCATED */
	PEER_RESYNC_READ,	/* I am sync source: P_RS_DATA_REQUEST, P_RS_THIN_REQ */
	PEER_CSUM_SOURCE,	/* I am sync source: P_CSUM_RS_REQUEST */
	PEER_CSUM_TARGET,	/* I am sync target: read to ask with a checksum */
	PEER_VERIFY_TARGET,	/* P_OV_REQUEST: read and answer with a digest */
	PEER_VERIFY_SOURCE,	/* P_OV_REPLY: read and compare */
	PEER_DISCARDED,		/* refused, only to be answered */
};

struct peer_epoch {
	struct dlist link;
	u32 number;		/* from P_BARRIER, byte for byte */
	bool has_number;
	bool flushing;		/* its data is on its way to stable storage: no ack yet */
	bool in_use;
	u32 size;		/* writes in it, without those superseded or sent back */
	u32 active;		/* of these not yet acknowledged */
	bool sent_back;		/* held some the peer is to repeat: no ack while it still counts them */
	u64 refused_by;		/* drbd_request.serial of the youngest write of mine they met */
};

#define PEER_EPOCHS 64
struct peer_epochs {
	struct dlist open;	/* oldest first; the last is current */
	u32 writes_in_flight;	/* received writes of all volumes not yet completed */
	u32 sent_back;		/* open epochs with that mark */
	struct peer_epoch pool[PEER_EPOCHS];
};

struct drbd_peer_request {
	struct drbd_device *device;
	struct interval interval;	/* sector, bytes */
	u8 purpose, op;
	bool may_unmap, want_zero_check, all_zero;
	bool in_al, may_set_in_sync, send_write_ack, submitted, only_copy;
	bool registered;	/* in the counters of peer_request_lists */
	bool awaited;		/* somebody wants to read what it writes */
	bool over;		/* nothing but its P_RECV_ACK is left to be sent */
	u32 al_generation;
	u32 dp_flags;
	u32 seq_num;		/* of the received packet */
	u64 refused_by;		/* CONFLICT_RETRY: serial of my write that it met */
	u8 block_id[8];		/* to be returned */
	u16 reply_cmd;		/* packet to be sent for it */
	int error;
	struct peer_epoch *epoch;
	struct send_item send;
	struct send_item recv_ack;
	struct dlist link;	/* in one list of peer_request_lists */
	u32 digest_len;
	u8 digest[64];		/* received with the packet, then replaced by our own where compared */
	u32 want_len;		/* of peer_digest, while our own is made */
	u8 peer_digest[64];	/* what the peer sent, to be compared with */
	u64 start_ms;
};

struct peer_request_lists {
	struct dlist active;	/* application writes being written */
	struct dlist resync_writes, reads;	/* being written / read for the peer or resync */
	struct dlist waiting;	/* for a conflict, or the throttle */
	struct dlist parked;	/* resync and verify requests that wait for their extent */
	struct interval_tree resync_tree;	/* of resync_writes */
	u32 writes_in_flight;	/* the peer's writes, until acknowledged */
	u32 in_flight;		/* all: registered and not finished; env_wake() at 0 */
};

void peer_epochs_init(struct drbd_connection *connection);
void peer_request_lists_init(struct drbd_device *device);
void peer_request_init(struct drbd_peer_request *pr, struct drbd_device *device, u64 sector, u32 bytes);

/*
 * The way of a peer request, for everybody who makes one:
 *	peer_request_register()	counted from now on; prl.waiting
 *	peer_request_start()	needs a reference on the disk (local_get()), which is given back when
 *				the I/O is done; pr->op and pr->purpose are set. Submits.
 *	...local_done		-> resync_peer_done() / verify_peer_done() or what this file does
 *	peer_request_reply()	answer `cmd` on the data socket, or
 *	peer_request_ack()	answer `cmd`, an L3 packet, on the meta socket; when it is sent
 *				(or never will be) -> resync_peer_sent() / verify_peer_sent() for
 *				their purposes, then peer_request_finish()
 *	peer_request_finish()	frees it
 */
void peer_request_register(struct drbd_peer_request *pr, enum peer_purpose purpose);
void peer_request_start(struct drbd_peer_request *pr);
void peer_request_reply(struct drbd_peer_request *pr, u16 cmd);
void peer_request_ack(struct drbd_peer_request *pr, u16 cmd);
void peer_request_finish(struct drbd_peer_request *pr);
/*
 * Nothing is done for it but an answer on the meta socket. The request itself carries it: a
 * whole stream of them may have to be refused, for which control packets would not suffice.
 */
void peer_request_refuse(struct drbd_peer_request *pr, u64 sector, u32 bytes, const u8 block_id[8],
			 u16 cmd);
/*
 * An application write to this range, which its sender's user may take for done already, is in
 * progress; env_wake() at its end.
 */
bool peer_write_overlaps(struct drbd_device *device, u64 sector, u32 bytes);
/*
 * This range was announced as out of sync: the application writes received before that and still
 * in progress, which would take its marks away at their end, leave them.
 */
void peer_writes_leave_marks(struct drbd_device *device, u64 sector, u32 bytes);
/* A resync write to this range is in progress. */
bool peer_resync_write_overlaps(const struct drbd_device *device, u64 sector, u32 bytes);

/* ---- between the files of the data path ---- */
void peer_request_sent(struct drbd_peer_request *pr, struct send_item *item, bool ok);
/* Epochs of the receiving side: peer_epoch.c. Enter a received write into the current one ... */
void peer_epoch_join(struct drbd_connection *connection, struct drbd_peer_request *pr);
/* ... it was completed and its ack queued: all acks precede the epoch's own ... */
void peer_epoch_leave(struct drbd_connection *connection, struct peer_epoch *epoch);
/* ... or it was superseded or sent back, and counts for nothing. */
void peer_epoch_uncount(struct drbd_connection *connection, struct drbd_peer_request *pr,
			bool sent_back);
/* A write of mine was answered, for which an epoch's ack may wait. */
void peer_epochs_write_answered(struct drbd_connection *connection);
struct peer_epoch *peer_epoch_current(struct drbd_connection *connection);
/* Begin a new current epoch; false: all are in use, wait. */
bool peer_epoch_begin(struct drbd_connection *connection);
/* Acknowledge, in order, the epochs that are finished. */
void peer_epochs_check(struct drbd_connection *connection);

/* ---- conflict.c: received writes against others (wire.md 5.7) ---- */
enum conflict_verdict {
	CONFLICT_NONE,
	CONFLICT_WAIT,		/* for another received write, or for a local one to be told */
	CONFLICT_SUPERSEDED,	/* mine wins and covers it */
	CONFLICT_RETRY,		/* mine wins, the peer shall write again afterwards */
};
enum conflict_verdict conflict_judge(struct drbd_peer_request *pr);
/* Sequence numbers (wire.md 5.6). */
void peer_seq_seen(struct drbd_device *device, u32 seq);
bool peer_seq_is_due(const struct drbd_device *device, u32 seq);
void peer_request_local_done(struct drbd_peer_request *pr, int error);
void peer_request_digest_done(struct drbd_peer_request *pr);

#endif /* CORE_PEER_REQUEST_H */
