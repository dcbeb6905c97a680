// SPDX-License-Identifier: GPL-2.0
#include "rate.h"

#define SECTORS_PER_BLOCK	8
#define KIB_PER_BLOCK		4u
#define TURNS_PER_SECOND	10u
#define FOREIGN_SECTORS_MIN	64

/* Truncates toward zero, as the controller is defined. */
static s64 rate_div(s64 a, u32 b)
{
	return a < 0 ? -(s64)div_u64((u64)-a, b) : (s64)div_u64((u64)a, b);
}

/* Sectors that a rate means for one turn. */
static s64 rate_turn_sectors(u32 kib_per_second)
{
	return (s64)div_u64((u64)kib_per_second * 2, TURNS_PER_SECOND);
}

/* ------------------------------------------------------------------ */
/* Controller                                                         */

static void rate_plan_empty(struct rate_plan *plan, u32 n_slots)
{
	memset(plan->slots, 0, sizeof(plan->slots));
	plan->n_slots = min_t(u32, n_slots, RATE_SLOTS_MAX);
	plan->head = 0;
	plan->total = 0;
}

void rate_plan_init(struct rate_plan *plan, const struct rate_conf *conf)
{
	rate_plan_empty(plan, conf->c_plan_ahead);
	plan->in_flight = 0;
	plan->want_rate = 0;
}

/* Sectors that should be on their way. */
static s64 rate_wanted(const struct rate_plan *plan, const struct rate_conf *conf, u32 sect_in)
{
	if (plan->in_flight + sect_in == 0)	/* just started, or stalled: prime the pump */
		return rate_turn_sectors(conf->resync_rate) * plan->n_slots;
	if (conf->c_fill_target)
		return conf->c_fill_target;
	return (s64)sect_in * conf->c_delay_target;
}

/* Sectors to ask for in this turn: what came in, plus this turn's correction. */
static s64 rate_plan_step(struct rate_plan *plan, const struct rate_conf *conf, u32 sect_in)
{
	s64 correction = rate_wanted(plan, conf, sect_in) - plan->in_flight - plan->total;
	s64 per_slot = rate_div(correction, plan->n_slots);
	s64 current_slot;
	u32 i;

	for (i = 0; i < plan->n_slots; i++)
		plan->slots[i] += per_slot;
	plan->total += per_slot * plan->n_slots;

	current_slot = plan->slots[plan->head];
	plan->slots[plan->head] = 0;
	plan->head = plan->head + 1 < plan->n_slots ? plan->head + 1 : 0;
	plan->total -= current_slot;

	return min_t(s64, max_t(s64, sect_in + current_slot, 0),
		     rate_turn_sectors(conf->c_max_rate));
}

u32 rate_next(struct rate_plan *plan, const struct rate_conf *conf, u32 sect_in)
{
	s64 blocks, room;

	/* More than was asked for is the peer's mistake, not a credit. */
	plan->in_flight = max_t(s64, plan->in_flight - sect_in, 0);

	if (min_t(u32, conf->c_plan_ahead, RATE_SLOTS_MAX) != plan->n_slots)
		rate_plan_empty(plan, conf->c_plan_ahead);
	if (plan->n_slots)
		blocks = rate_div(rate_plan_step(plan, conf, sect_in), SECTORS_PER_BLOCK);
	else
		blocks = conf->resync_rate / (KIB_PER_BLOCK * TURNS_PER_SECOND);
	plan->want_rate = (u32)min_t(u64, (u64)blocks * KIB_PER_BLOCK * TURNS_PER_SECOND, U32_MAX);

	room = (s64)(conf->max_buffers / 2) - rate_div(plan->in_flight, SECTORS_PER_BLOCK);
	return (u32)max_t(s64, min_t(s64, blocks, room), 0);
}

void rate_sent(struct rate_plan *plan, u32 blocks)
{
	plan->in_flight += (s64)blocks * SECTORS_PER_BLOCK;
}

/* ------------------------------------------------------------------ */
/* Progress                                                           */

void progress_start(struct progress *p, u64 now_ms, u64 total)
{
	u32 i;

	memset(p, 0, sizeof(*p));
	p->total = total;
	p->start_ms = now_ms;
	for (i = 0; i < PROGRESS_MARKS; i++) {
		p->mark_left[i] = total;
		p->mark_ms[i] = now_ms;
	}
}

void progress_mark(struct progress *p, u64 now_ms, u64 left)
{
	if (p->paused || now_ms - p->mark_ms[p->last] < PROGRESS_MARK_MS)
		return;
	if (left == p->mark_left[p->last])
		return;
	p->last = (p->last + 1) % PROGRESS_MARKS;
	p->mark_left[p->last] = left;
	p->mark_ms[p->last] = now_ms;
}

void progress_pause(struct progress *p, u64 now_ms)
{
	if (p->paused)
		return;
	p->paused = true;
	p->pause_began_ms = now_ms;
}

void progress_resume(struct progress *p, u64 now_ms)
{
	u64 pause = now_ms - p->pause_began_ms;
	u32 i;

	if (!p->paused)
		return;
	p->paused = false;
	p->paused_ms += pause;
	for (i = 0; i < PROGRESS_MARKS; i++)
		p->mark_ms[i] += pause;
}

/* The clock stands still during a pause. */
static u64 progress_now(const struct progress *p, u64 now_ms)
{
	return p->paused ? p->pause_began_ms : now_ms;
}

static u64 progress_seconds(u64 from_ms, u64 to_ms)
{
	u64 s = to_ms > from_ms ? div_u64(to_ms - from_ms, 1000) : 0;

	return s ? s : 1;
}

/* KiB/s for the way from @before to @left blocks. */
static u64 progress_speed(u64 before, u64 left, u64 seconds)
{
	return before > left ? div64_u64((before - left) * KIB_PER_BLOCK, seconds) : 0;
}

/* Since the mark before the newest: about 3 s. */
static u64 progress_speed_recent(const struct progress *p, u64 now_ms, u64 left)
{
	u32 i = (p->last + PROGRESS_MARKS - 1) % PROGRESS_MARKS;

	return progress_speed(p->mark_left[i], left, progress_seconds(p->mark_ms[i], now_ms));
}

u32 progress_permille(u64 total, u64 left)
{
	/* Coarse units keep the product within 64 bits. */
	unsigned int shift = total >> 32 ? 16 : 10;

	if (left > total)
		return total ? 0 : 1000;
	return 1000 - (u32)div64_u64((left >> shift) * 1000, 1 + (total >> shift));
}

void progress_get(const struct progress *p, u64 now_ms, u64 left, struct progress_figures *f)
{
	/* The oldest mark that will not be overwritten next: about 18 s. */
	u32 i = (p->last + 2) % PROGRESS_MARKS;
	u64 now = progress_now(p, now_ms);
	u64 seconds = progress_seconds(p->mark_ms[i], now);
	u64 done;

	f->permille = progress_permille(p->total, left);
	left = min_t(u64, left, p->total);
	done = p->mark_left[i] > left ? p->mark_left[i] - left : 0;
	f->left = left;
	f->finish_s = div_u64(seconds * div64_u64(left, div_u64(done, 100) + 1), 100);
	f->speed = progress_speed(p->mark_left[i], left, seconds);
	f->speed_recent = progress_speed_recent(p, now, left);
	f->speed_average = progress_speed(p->total, left,
					  progress_seconds(p->start_ms + p->paused_ms, now));
	f->stalled = now > p->mark_ms[i] && now - p->mark_ms[i] > PROGRESS_STALLED_MS;
}

void progress_bar(u32 permille, char buf[PROGRESS_BAR_LEN])
{
	u32 x = min_t(u32, permille, 1000) / 50;
	u32 done = x ? x - 1 : 0;
	char *to = buf;

	*to++ = '[';
	memset(to, '=', done);
	to += done;
	*to++ = '>';
	memset(to, '.', 20 - x);
	to += 20 - x;
	*to++ = ']';
	*to = '\0';
}

/* ------------------------------------------------------------------ */
/* Throttling                                                         */

void rate_activity_init(struct rate_activity *a, u64 disk_sectors, u64 resync_sectors)
{
	a->seen = disk_sectors - resync_sectors;
}

bool rate_activity_look(struct rate_activity *a, u64 disk_sectors, u64 resync_sectors)
{
	u64 foreign = disk_sectors - resync_sectors;

	/* Signed: resync's own part may be counted before the disk's. */
	if ((s64)(foreign - a->seen) <= FOREIGN_SECTORS_MIN)
		return false;
	a->seen = foreign;
	return true;
}

u64 rate_throttle_speed(const struct progress *p, u64 now_ms, u64 left)
{
	return progress_speed_recent(p, progress_now(p, now_ms), left);
}

bool rate_throttle(const struct rate_conf *conf, bool al_waiting, bool disk_busy, u64 speed)
{
	if (!conf->c_min_rate || !(al_waiting || disk_busy))
		return false;
	return speed > conf->c_min_rate;
}
