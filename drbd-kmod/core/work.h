/* SPDX-License-Identifier: GPL-2.0 */
/*
 * work.h - what is done after the fact: the worker's queue, and independent tasks
 *
 * The worker of a resource runs work items strictly one after the other (states.md 3:
 * after-change work is FIFO); an item is a fiber (fiber.h).  Tasks are fibers that run
 * beside the worker, for what must not hold up the others.
 *
 * An item must never wait for another item of the same queue.
 */
#ifndef CORE_WORK_H
#define CORE_WORK_H

#include "portable.h"
#include "list.h"
#include "fiber.h"

struct drbd_resource;

struct work {
	struct dlist link;
	u16 pc;
	enum fiber_status (*run)(struct task *t, struct work *work);
	/* Called after run() returned FIBER_DONE; gives the memory back. May be NULL. */
	void (*done)(struct work *work);
};

struct work_queue {
	struct dlist items;
	u64 added, finished;	/* count of items; equal when idle */
};

void work_queue_init(struct work_queue *queue);
void work_init(struct work *work, enum fiber_status (*run)(struct task *, struct work *));
/* Append; does nothing if it is queued already (then false). */
bool work_add(struct drbd_resource *resource, struct work *work);
/*
 * The host's worker calls this as a fiber (fiber.h) whenever env_worker_kick() was called;
 * FIBER_DONE means the queue is empty.
 */
enum fiber_status worker_run(struct task *t, struct drbd_resource *resource);

struct core_task {
	u16 pc;
	bool active;		/* started and not FIBER_DONE yet */
	bool again;		/* start once more when done */
	bool for_io;		/* application I/O waits for it; it only waits for the disk */
	enum fiber_status (*run)(struct task *t, struct core_task *task);
	u64 host_space[24];	/* the host's bookkeeping while it is active */
};

void core_task_init(struct core_task *task,
		    enum fiber_status (*run)(struct task *, struct core_task *));
/* Start, or have it run once more if it is active. */
void core_task_start(struct drbd_resource *resource, struct core_task *task);
/* The host runs this fiber after env_task_start(). */
enum fiber_status core_task_run(struct task *t, struct core_task *task);

#endif /* CORE_WORK_H */
