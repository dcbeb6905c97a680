/* SPDX-License-Identifier: GPL-2.0 */
/*
 * timer.h - the core's timers: one sorted list a resource, one host timer below it
 *
 * A timer's function runs with the resource lock held, possibly in interrupt context.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "portable.h"
#include "list.h"

struct drbd_resource;

struct core_timer {
	struct dlist link;
	u64 deadline;		/* ms of env_now_ms() */
	void (*fire)(struct core_timer *timer);
};

struct timer_list_core {
	struct dlist armed;	/* ascending deadline */
};

void timer_list_core_init(struct timer_list_core *timers);
void core_timer_init(struct core_timer *timer, void (*fire)(struct core_timer *timer));
/* Arm, or move, to `ms` from now. */
void core_timer_set(struct drbd_resource *resource, struct core_timer *timer, u64 ms);
void core_timer_cancel(struct drbd_resource *resource, struct core_timer *timer);
bool core_timer_armed(const struct core_timer *timer);
/* The host calls this at the time given to env_timer_arm(), or later. */
void timers_run(struct drbd_resource *resource);

#endif /* CORE_TIMER_H */
