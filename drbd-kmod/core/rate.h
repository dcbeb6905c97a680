/* SPDX-License-Identifier: GPL-2.0 */
/*
 * rate.h - how fast to resync, and what to say about it
 *
 * Spec: wire.md 6.7 (controller, throttling), netlink.md 8.2 (/proc figures).
 * Pure functions of numbers handed in; no clock.  Times are milliseconds of a
 * monotonic clock, rates KiB/s, "sector" 512 bytes, "block" 4 KiB = one bit.
 * Context: any; the caller locks.
 */
#ifndef CORE_RATE_H
#define CORE_RATE_H

#include "portable.h"

#define RATE_TURN_MS	100u	/* one turn of the request loop */
#define RATE_SLOTS_MAX	300u	/* largest c-plan-ahead */

struct rate_conf {
	u32 resync_rate;	/* KiB/s */
	u32 c_plan_ahead;	/* turns of 0.1 s; 0: fixed rate */
	u32 c_delay_target;	/* 0.1 s */
	u32 c_fill_target;	/* sectors */
	u32 c_max_rate;		/* KiB/s */
	u32 c_min_rate;		/* KiB/s, 0: never throttle */
	u32 max_buffers;	/* pages */
};

struct rate_plan {
	u32 n_slots;		/* c_plan_ahead it was made for */
	u32 head;		/* the oldest slot */
	s64 total;		/* of all slots */
	s64 in_flight;		/* sectors asked for and not yet answered */
	u32 want_rate;		/* KiB/s, for /proc */
	s64 slots[RATE_SLOTS_MAX];
};

/* At the start of a resync or verify. */
void rate_plan_init(struct rate_plan *plan, const struct rate_conf *conf);

/*
 * One turn: @sect_in sectors came in since the last one.  Returns how many
 * blocks to ask for now (0: wait for the next turn).  A changed c_plan_ahead
 * empties the plan.
 */
u32 rate_next(struct rate_plan *plan, const struct rate_conf *conf, u32 sect_in);

/* @blocks were really asked for in this turn. */
void rate_sent(struct rate_plan *plan, u32 blocks);

/* ------------------------------------------------------------------ */
/* Progress                                                           */

#define PROGRESS_MARKS		8u
#define PROGRESS_MARK_MS	3000u
#define PROGRESS_STALLED_MS	180000u

struct progress {
	u64 total;		/* blocks at the start */
	u64 start_ms;
	u64 paused_ms;		/* sum of finished pauses */
	u64 pause_began_ms;
	bool paused;
	u32 last;		/* newest mark */
	u64 mark_left[PROGRESS_MARKS];
	u64 mark_ms[PROGRESS_MARKS];
};

/* What /proc/drbd and the netlink statistics show. */
struct progress_figures {
	u64 left;		/* clipped to total */
	u32 permille;
	u64 finish_s;
	u64 speed;		/* KiB/s, last ~18 s */
	u64 speed_recent;	/* KiB/s, last ~3 s */
	u64 speed_average;	/* KiB/s, since the start without pauses */
	bool stalled;
};

void progress_start(struct progress *p, u64 now_ms, u64 total);

/* Call at least once a second with the blocks left; makes a mark when due. */
void progress_mark(struct progress *p, u64 now_ms, u64 left);

/* Paused time counts in no speed: the marks move along. */
void progress_pause(struct progress *p, u64 now_ms);
void progress_resume(struct progress *p, u64 now_ms);

void progress_get(const struct progress *p, u64 now_ms, u64 left, struct progress_figures *f);

/* Done, in 1/1000 (netlink.md 8.2; also the SP event). */
u32 progress_permille(u64 total, u64 left);

/* "[===>................]" into @buf, NUL ended. */
#define PROGRESS_BAR_LEN 24u
void progress_bar(u32 permille, char buf[PROGRESS_BAR_LEN]);

/* ------------------------------------------------------------------ */
/* Throttling resync in favour of applications                        */

/* Sees I/O on the backing disk that is not resync's own. */
struct rate_activity {
	u64 seen;		/* foreign sectors at the last look that found some */
};

/*
 * @disk_sectors: all I/O of the backing disk; @resync_sectors: resync's own
 * part of it; both running totals.  True if more than 64 foreign sectors came
 * since the last time this was true (or since rate_activity_init()).
 */
void rate_activity_init(struct rate_activity *a, u64 disk_sectors, u64 resync_sectors);
bool rate_activity_look(struct rate_activity *a, u64 disk_sectors, u64 resync_sectors);

/* Speed over the last two 3 s marks, KiB/s: what throttling compares. */
u64 rate_throttle_speed(const struct progress *p, u64 now_ms, u64 left);

/* Should resync hold back?  @al_waiting: a write waits for the activity log. */
bool rate_throttle(const struct rate_conf *conf, bool al_waiting, bool disk_busy, u64 speed);

#endif /* CORE_RATE_H */
