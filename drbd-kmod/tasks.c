// SPDX-License-Identifier: GPL-2.0
/*
 * tasks.c - threads for the core's fibers: the worker, independent tasks, the timer
 */
#include <linux/kthread.h>
#include <linux/sched/signal.h>
#include "shell.h"

static long wait_ms(const struct task *t)
{
	u64 now = env_now_ms();

	if (!t->deadline)
		return MAX_SCHEDULE_TIMEOUT;
	return t->deadline > now ? msecs_to_jiffies(t->deadline - now) + 1 : 1;
}

static u64 wake_seq(struct shell_resource *r)
{
	return READ_ONCE(r->wake_seq);
}

/* The last condition that did not hold, on this processor; read under the lock that it was set under. */
static DEFINE_PER_CPU(const char *, unmet_condition);

void env_waits_for(const char *what)
{
	this_cpu_write(unmet_condition, what);
}

static const char *const action_names[] = {
	[ACT_MD_READ] = "a read of the superblock", [ACT_MD_WRITE] = "a write of the superblock",
	[ACT_AL_WRITE] = "a write of the activity log", [ACT_AL_INIT] = "writes of an empty activity log",
	[ACT_BM_READ] = "reads of the bitmap", [ACT_BM_WRITE] = "writes of the bitmap",
	[ACT_BM_RESIZE] = "memory for the bitmap", [ACT_AL_RESIZE] = "memory for the activity log",
	[ACT_FLUSH] = "a flush of the disk", [ACT_CLOSE_BACKING] = "the disk to be closed",
	[ACT_NOTIFY] = "listeners to be told", [ACT_SEND_STOP] = "the senders to stop",
};

static const char *what_is_waited_for(enum fiber_status status, const struct task *t)
{
	if (status == FIBER_WAIT)
		return this_cpu_read(unmet_condition);
	if (t->action.kind == ACT_HELPER)
		return t->helper;
	return t->action.kind < ARRAY_SIZE(action_names) && action_names[t->action.kind] ?
		action_names[t->action.kind] : "an action";
}

void drbd_run_fiber(struct shell_resource *r, struct task *t, fiber_fn *fn, void *arg,
		    bool interruptible)
{
	struct shell_wait wait = { .task = current };
	enum fiber_status status;
	u64 seq;

	INIT_LIST_HEAD(&wait.link);
	for (;;) {
		drbd_lock(r);
		list_del_init(&wait.link);
		seq = r->wake_seq;
		env_waits_for(NULL);
		status = fn(t, arg);
		if (status != FIBER_DONE) {
			const char *what = what_is_waited_for(status, t);

			if (what != wait.what)
				wait.since_ms = env_now_ms();
			wait.what = what;
			list_add_tail(&wait.link, &r->waits);
		}
		drbd_unlock(r);

		if (status == FIBER_DONE)
			return;
		/* Others may wait for what it set off, and it for them. */
		if (shell_push_due(r))
			shell_push(r);
		if (status == FIBER_ACTION) {
			t->result = shell_perform(r, t);
			continue;
		}
		if (!interruptible || t->interrupted) {
			wait_event_idle_timeout(r->wait, wake_seq(r) != seq, wait_ms(t));
			continue;
		}
		if (wait_event_interruptible_timeout(r->wait, wake_seq(r) != seq,
						     wait_ms(t)) == -ERESTARTSYS)
			t->interrupted = true;
	}
}

/* ---- independent tasks ---- */

struct task_host {
	struct work_struct work;
	struct shell_resource *r;
};

static enum fiber_status run_core_task(struct task *t, void *arg)
{
	return core_task_run(t, arg);
}

static void task_work(struct work_struct *work)
{
	struct task_host *host = container_of(work, struct task_host, work);
	struct core_task *task = container_of((void *)host, struct core_task, host_space);
	struct shell_resource *r = host->r;
	struct task t = {};

	drbd_run_fiber(r, &t, run_core_task, task, false);
	drbd_resource_put(r);
}

void env_task_start(struct drbd_resource *resource, struct core_task *task)
{
	struct shell_resource *r = shell_of_resource(resource);
	struct task_host *host = (void *)task->host_space;

	BUILD_BUG_ON(sizeof(*host) > sizeof(task->host_space));
	host->r = r;
	kref_get(&r->kref);
	INIT_WORK(&host->work, task_work);
	queue_work(task->for_io ? r->io_wq : r->wq, &host->work);
}

/* ---- the worker ---- */

static enum fiber_status run_worker(struct task *t, void *arg)
{
	return worker_run(t, arg);
}

static int worker_thread(void *arg)
{
	struct shell_resource *r = arg;
	struct task t;

	while (!kthread_should_stop()) {
		wait_event_idle(r->worker_wait,
				READ_ONCE(r->worker_kicked) || kthread_should_stop());
		drbd_lock(r);
		r->worker_kicked = false;
		drbd_unlock(r);
		memset(&t, 0, sizeof(t));
		drbd_run_fiber(r, &t, run_worker, &r->core, false);
	}
	return 0;
}

static void timer_fired(struct timer_list *timer)
{
	struct shell_resource *r = drbd_timer_container_of(r, timer, timer);

	drbd_lock(r);
	timers_run(&r->core);
	drbd_unlock_atomic(r);
}

int shell_worker_start(struct shell_resource *r)
{
	init_waitqueue_head(&r->worker_wait);
	timer_setup(&r->timer, timer_fired, 0);
	r->wq = alloc_workqueue("drbd-%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 0, r->core.name);
	if (!r->wq)
		return -ENOMEM;
	r->io_wq = alloc_workqueue("drbd-io-%s", WQ_UNBOUND | WQ_MEM_RECLAIM, 0, r->core.name);
	if (!r->io_wq) {
		destroy_workqueue(r->wq);
		return -ENOMEM;
	}
	r->worker = kthread_run(worker_thread, r, "drbd_w_%.9s", r->core.name);
	if (IS_ERR(r->worker)) {
		destroy_workqueue(r->io_wq);
		destroy_workqueue(r->wq);
		return PTR_ERR(r->worker);
	}
	return 0;
}

void shell_worker_stop(struct shell_resource *r)
{
	kthread_stop(r->worker);
	timer_delete_sync(&r->timer);
	drain_workqueue(r->wq);
	drain_workqueue(r->io_wq);
}
