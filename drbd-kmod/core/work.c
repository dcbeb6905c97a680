// SPDX-License-Identifier: GPL-2.0
#include "objects.h"

void work_queue_init(struct work_queue *queue)
{
	dlist_init(&queue->items);
	queue->added = 0;
	queue->finished = 0;
}

void work_init(struct work *work, enum fiber_status (*run)(struct task *, struct work *))
{
	dlist_init(&work->link);
	work->pc = 0;
	work->run = run;
	work->done = NULL;
}

bool work_add(struct drbd_resource *resource, struct work *work)
{
	if (dlist_linked(&work->link))
		return false;
	dlist_add_tail(&work->link, &resource->work.items);
	resource->work.added++;
	env_worker_kick(resource);
	return true;
}

enum fiber_status worker_run(struct task *t, struct drbd_resource *resource)
{
	struct dlist *items = &resource->work.items;

	while (!dlist_empty(items)) {
		struct work *work = dlist_first_entry(items, struct work, link);
		enum fiber_status status = work->run(t, work);

		if (status != FIBER_DONE)
			return status;
		dlist_del_init(&work->link);
		t->deadline = 0;
		resource->work.finished++;
		env_wake(resource);
		if (work->done)
			work->done(work);
	}
	return FIBER_DONE;
}

void core_task_init(struct core_task *task,
		    enum fiber_status (*run)(struct task *, struct core_task *))
{
	task->pc = 0;
	task->active = false;
	task->again = false;
	task->for_io = false;
	task->run = run;
}

void core_task_start(struct drbd_resource *resource, struct core_task *task)
{
	if (task->active) {
		task->again = true;
		return;
	}
	task->active = true;
	env_task_start(resource, task);
}

enum fiber_status core_task_run(struct task *t, struct core_task *task)
{
	enum fiber_status status;

	do {
		status = task->run(t, task);
		if (status != FIBER_DONE)
			return status;
		t->deadline = 0;
	} while (task->again && !(task->again = false));
	task->active = false;
	return FIBER_DONE;
}
