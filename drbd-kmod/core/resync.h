/* SPDX-License-Identifier: GPL-2.0 */
/*
 * resync.h - resync and online verify (wire.md 6, 7; states.md 9)
 *
 * Start and finish, the turn every 100 ms that decides how much to ask for, the generators
 * that turn it into packets, and what becomes of the answers.  Sectors are 512 bytes, a block
 * (bit) is 4 KiB.  Everything is called with the resource lock held.
 */
#ifndef CORE_RESYNC_H
#define CORE_RESYNC_H

#include "portable.h"
#include "engine_types.h"
#include "rate.h"
#include "state.h"
#include "vli.h"
#include "peer_request.h"
#include "send.h"
#include "timer.h"
#include "work.h"

struct drbd_connection;
struct drbd_device;
struct drbd_peer_request;
struct drbd_resource;

struct resync {
	u64 total;		/* bits at the start of this run; verify: blocks to look at */
	u64 failed;		/* bits that could not be synced */
	u64 own_failed;		/* source: bits left by writes that failed here, not at the target */
	bool disk_lied;		/* source: it is UpToDate only because a source has to be */
	u64 same_checksum;	/* bits found equal by checksum */
	u32 pending;		/* our requests or data not yet answered */
	u32 sectors_in;		/* received since the last turn */
	u64 own_sectors;	/* disk I/O of resync itself, running total ... */
	u64 disk_total;		/* ... and all of it */
	u32 disk_seen;		/* counter that disk_total was made from */
	u64 cursor;		/* next bit to look at */
	u64 refused_from;	/* the first that the source refused for now: looked at in the next turn */
	u32 budget;		/* blocks the generator may still ask for in this turn */
	bool use_csums;
	bool unrecorded;	/* the disk does not say yet that it is Inconsistent */
	bool finishing;
	bool peer_failed;	/* the target says that it ended with failed blocks */
	bool peer_ended;	/* the target says that it has everything */
	u64 ended_uuid;		/* sync UUID of the last resync whose target said so */
	u64 peer_ended_at;	/* ms */
	bool leftovers_doubted;	/* a ping was sent: its answer follows all acks ... */
	u64 leftovers_id;	/* ... of the requests up to this one */
	struct rate_plan plan;
	struct progress progress;
	struct rate_activity activity;
	struct core_timer turn;		/* the 100 ms turn */
	struct send_item requests;	/* generator SEND_RESYNC_REQUESTS or SEND_VERIFY_REQUESTS */
	struct core_task start;		/* resync_start(): handler, then SyncSource or SyncTarget */
	u8 start_side;			/* C_SYNC_SOURCE or C_SYNC_TARGET for the task */
	u16 start_pc;
	u8 start_from;			/* state in which it was asked for */
	u64 start_link;			/* established_at of the connection it was asked on */
	bool start_waits;		/* an old peer needs time to end an empty resync */
	struct helper_call start_helper;
	struct md_sync start_md;
	struct bulk_op start_bulk;
	u64 start_uuid;
	struct core_task finish;
	u64 finish_link;
	u32 finish_acks, finish_tries;
	u8 finish_conn;			/* C_SYNC_SOURCE ... as it was */
	u16 finish_pc;
	struct helper_call finish_helper;
	struct md_sync finish_md;
	struct bm_write finish_pages;
	bool finish_unfence, finish_out_of_sync;
	struct core_timer leave_ahead;

	/* verify */
	u64 verify_start, verify_stop;	/* sectors; start U64_MAX: the first request will tell */
	u64 verify_position;		/* next sector */
	u64 verify_left;		/* blocks */
	u64 oos_first, oos_sectors;	/* run of differing sectors, for the log */

	bool verify_repairs;		/* this verify was asked to sync what it finds */
	struct core_task repair;	/* verify_repair.c */
	struct state_request repair_rq;
	u32 repair_tries;
	u64 repair_ticket;
	/* bitmap exchange */
	struct send_item bitmap_send;	/* generator SEND_BITMAP */
	bool bitmap_sending, bitmap_receiving;
	struct core_task bitmap_task;	/* waits until the bitmap may be sent */
	u64 bitmap_link;		/* established_at of the connection it is for */
	struct bm_transfer out, in;

	struct core_task parked;	/* has the requests on prl.parked wait for their extents */
	u32 extents_locked;	/* 16 MiB extents, kept by resync_extents.c */
};

void resync_init(struct drbd_device *device);
/* Become source or target; runs as a task: handler, checks, state change (states.md 9.1). */
void resync_start(struct drbd_device *device, enum drbd_conn side);
/* Connected -> VerifyS or VerifyT: counters from resync.verify_start, first turn. */
void resync_verify_begin(struct drbd_device *device, enum drbd_conn new_conn);
/* Is it over? Starts the finish task when it is (states.md 9.3). */
void resync_check_finished(struct drbd_device *device);
/* The target says that it has everything. */
void resync_peer_ended(struct drbd_device *device);
/*
 * It said so a while ago, all its acks have come, and yet bits are left that it does not know of, as
 * when both nodes were resized at once: another handshake compares the bitmaps.
 */
void resync_check_leftovers(struct drbd_device *device);
void resync_finish(struct drbd_device *device);
/* Abort: the connection is lost. */
void resync_cancel(struct drbd_device *device);
/* Blocks not yet done: bits set, or blocks left to verify. */
u64 resync_left(const struct drbd_device *device);
/* The settings of the rate controller in force. */
void resync_rate_conf(const struct drbd_device *device, struct rate_conf *conf);
/* Hold back in favour of applications? */
bool resync_throttled(struct drbd_device *device);

/* ---- resync-after (states.md 6): resync_after.c ---- */
/* May it run now, or does a volume up the chain come first? */
bool resync_may_run_now(const struct drbd_device *device);
/* Something that others may depend on changed: publish it and have all devices looked at. */
void resync_after_changed(struct drbd_resource *resource);
/* Store what other resources see of this device. */
void resync_brief_publish(struct drbd_device *device);
/* For env_minor_state(): unpack device->brief. */
struct minor_brief;
void resync_brief_decode(u64 word, struct minor_brief *brief);
/* The host, for each device after env_resync_after_changed(): true if a pause flag changed. */
bool resync_after_evaluate(struct drbd_device *device);

/* Start the exchange from the source (WFBitMapS) or as the target's answer. */
void bitmap_send_start(struct drbd_device *device);

/* Generators (send.h): the next packet into `out`; false: exhausted, nothing was made. */
bool bitmap_send_next(struct drbd_device *device, struct outgoing *out);
bool resync_send_next(struct drbd_device *device, struct outgoing *out);
bool verify_send_next(struct drbd_device *device, struct outgoing *out);

/*
 * The I/O of a peer request for resync or verify is done (pr->error): answer it with
 * peer_request_reply() or peer_request_ack(), or end it with peer_request_finish().
 */
void resync_peer_done(struct drbd_peer_request *pr);
void verify_peer_done(struct drbd_peer_request *pr);
/* Likewise after its digest was made (peer_request_digest_done()). */
void resync_peer_digest_done(struct drbd_peer_request *pr);
void verify_peer_digest_done(struct drbd_peer_request *pr);
/* Its answer left, or (ok == false) never will. The request is freed afterwards. */
void resync_peer_sent(struct drbd_peer_request *pr, bool ok);
void verify_peer_sent(struct drbd_peer_request *pr, bool ok);

/* Source: the peer wrote resync data (ID_SYNCER P_RS_WRITE_ACK, P_WRITE_ACK) or failed to (P_NEG_ACK). */
void resync_write_acked(struct drbd_device *device, u64 sector, u32 bytes);
void resync_failed(struct drbd_device *device, u64 sector, u32 bytes);
/*
 * A write of a user, here or there, failed on this disk and left its bits. On the source of a
 * sync nobody asks for them: the target may have the blocks.
 */
void resync_write_failed(struct drbd_device *device, u64 sector, u32 bytes);
/* Ahead, and nothing is in flight any more: resync as source after a while (wire.md 5.8). */
void resync_leave_ahead(struct drbd_device *device);

/* ---- between the files of resync ---- */
enum fiber_status resync_finish_run(struct task *t, struct core_task *task);	/* resync_finish.c */
enum fiber_status resync_parked_run(struct task *t, struct core_task *task);	/* resync_requests.c */
enum fiber_status bitmap_task_run(struct task *t, struct core_task *task);	/* bitmap_exchange.c */
/* Have the turn made at once. */
void resync_turn_now(struct drbd_device *device);
/* peer_request_start() of what counts as resync's own disk I/O. */
void resync_start_io(struct drbd_peer_request *pr, enum peer_op op);
/* One answer came in: count it and release its extent. */
void resync_answered(struct drbd_device *device, u64 sector);
/* Verify, either side: a block was compared. */
void verify_block_done(struct drbd_device *device, u64 sector, u32 bytes, bool differs);
/* The run of differing sectors so far, into the log. */
void verify_log_run(struct drbd_device *device);

/* ---- a verify that repairs (verify_repair.c) ---- */
/* Why this pair can not; NULL if it can. */
const char *verify_repair_obstacle(const struct drbd_device *device);
/* The starter's verify has ended, and found differences: has them synced. */
void verify_repair_begin(struct drbd_device *device);
enum fiber_status verify_repair_run(struct task *t, struct core_task *task);
/* Is this change of the peer's the begin of a repair, and do we join in? */
bool verify_repair_asked(struct state_change change);
enum ss_code verify_repair_answer(struct drbd_device *device, struct state_change change);
/* The verify has asked for everything it shall look at. */
bool verify_all_asked(const struct drbd_device *device);

#endif /* CORE_RESYNC_H */
