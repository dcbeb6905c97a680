/* SPDX-License-Identifier: GPL-2.0 */
/*
 * resync.h - resync and online verify (wire.md 6, 7; states.md 9)
 *
 * Start and finish, the turn every 100 ms that decides how much to ask for, the generator
 * that turns it into packets, and what becomes of the answers.
 */
#ifndef CORE_RESYNC_H
#define CORE_RESYNC_H

#include "portable.h"
#include "extents.h"
#include "rate.h"
#include "vli.h"
#include "send.h"
#include "timer.h"
#include "work.h"

struct drbd_device;
struct drbd_peer_request;

struct resync {
	u64 total;		/* bits at the start of this run; verify: blocks to look at */
	u64 failed;		/* bits that could not be synced */
	u64 same_checksum;	/* bits found equal by checksum */
	u32 pending;		/* our requests not yet answered */
	u32 sectors_in;		/* received since the last turn */
	u32 sectors_in_flight;
	u64 cursor;		/* next bit to look at */
	u32 budget;		/* blocks the generator may still ask for in this turn */
	bool use_csums;
	bool finishing;
	struct rate_plan plan;
	struct progress progress;
	struct rate_activity activity;
	struct core_timer turn;		/* the 100 ms turn */
	struct send_item requests;	/* generator SEND_RESYNC_REQUESTS or SEND_VERIFY_REQUESTS */
	struct core_task start;		/* resync_start: handler, then SyncSource or SyncTarget */
	u8 start_side;			/* C_SYNC_SOURCE or C_SYNC_TARGET for the task */
	struct core_task finish;
	u64 last_lazy_write_ms;

	/* verify */
	u64 verify_start, verify_stop;	/* sectors */
	u64 verify_position;		/* next sector */
	u64 verify_left;		/* blocks */
	u64 oos_first, oos_sectors;	/* run of differing sectors, for the log */

	/* bitmap exchange */
	struct send_item bitmap_send;	/* generator SEND_BITMAP */
	bool bitmap_sending, bitmap_receiving;
	struct bm_transfer out, in;

	/* 16 MiB extents under resync */
	struct extents extents;
	u32 extents_locked;
};

void resync_init(struct drbd_device *device);
/* Become source or target; runs as a task: handler, checks, state change (states.md 9.1). */
void resync_start(struct drbd_device *device, enum drbd_conn side);
/* States of the device changed to a running sync/verify: initialise counters, arm the turn (2.3 step 9). */
void resync_counters_init(struct drbd_device *device, u64 from_sector);
void resync_verify_begin(struct drbd_device *device, enum drbd_conn new_conn);
/* Is it over? Starts the finish task when it is (states.md 9.3). */
void resync_check_finished(struct drbd_device *device);
void resync_finish(struct drbd_device *device);
/* Abort: connection or disk lost. */
void resync_cancel(struct drbd_device *device);
/* resync-after: may it run now? And look at all devices again (states.md 6). */
bool resync_may_run_now(const struct drbd_device *device);
void resync_after_changed(void);
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
/* Its answer left, or (ok == false) never will. The request is freed afterwards. */
void resync_peer_sent(struct drbd_peer_request *pr, bool ok);
void verify_peer_sent(struct drbd_peer_request *pr, bool ok);

/* Source: the peer wrote resync data (ID_SYNCER P_RS_WRITE_ACK, P_WRITE_ACK) or failed to (P_NEG_ACK). */
void resync_write_acked(struct drbd_device *device, u64 sector, u32 bytes);
void resync_failed(struct drbd_device *device, u64 sector, u32 bytes);
/* Ahead, and nothing is in flight any more: resync as source after a while (wire.md 5.8). */
void resync_leave_ahead(struct drbd_device *device);

#endif /* CORE_RESYNC_H */
