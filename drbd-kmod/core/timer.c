// SPDX-License-Identifier: GPL-2.0
#include "objects.h"

static void timers_rearm(struct drbd_resource *resource)
{
	struct dlist *armed = &resource->timers.armed;

	if (dlist_empty(armed))
		env_timer_arm(resource, 0);
	else
		env_timer_arm(resource, dlist_first_entry(armed, struct core_timer, link)->deadline);
}

void timer_list_core_init(struct timer_list_core *timers)
{
	dlist_init(&timers->armed);
}

void core_timer_init(struct core_timer *timer, void (*fire)(struct core_timer *timer))
{
	dlist_init(&timer->link);
	timer->deadline = 0;
	timer->fire = fire;
}

bool core_timer_armed(const struct core_timer *timer)
{
	return dlist_linked(&timer->link);
}

void core_timer_set(struct drbd_resource *resource, struct core_timer *timer, u64 ms)
{
	struct core_timer *later;

	dlist_del_init(&timer->link);
	timer->deadline = env_now_ms() + ms;
	dlist_for_each_entry(later, &resource->timers.armed, link)
		if (later->deadline > timer->deadline)
			break;
	/* `later` is the list head itself when none is later. */
	dlist_add_tail(&timer->link, &later->link);
	timers_rearm(resource);
}

void core_timer_cancel(struct drbd_resource *resource, struct core_timer *timer)
{
	if (!dlist_linked(&timer->link))
		return;
	dlist_del_init(&timer->link);
	timers_rearm(resource);
}

void timers_run(struct drbd_resource *resource)
{
	struct dlist *armed = &resource->timers.armed;

	while (!dlist_empty(armed)) {
		struct core_timer *timer = dlist_first_entry(armed, struct core_timer, link);

		if (timer->deadline > env_now_ms())
			break;
		dlist_del_init(&timer->link);
		timer->fire(timer);
	}
	timers_rearm(resource);
}
