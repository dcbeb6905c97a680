// SPDX-License-Identifier: GPL-2.0
/* Running the core's fibers; env.h, as far as it is not about I/O. */
#include <stdarg.h>
#include "sim.h"
#include "actors.h"

void host_run_fiber(struct host *h, struct task *t, fiber_fn *fn, void *arg, const bool *interrupt)
{
	for (;;) {
		u64 seq = h->wake_seq, until;
		enum fiber_status status;

		if (interrupt && *interrupt)
			t->interrupted = true;
		status = fn(t, arg);
		if (status == FIBER_DONE)
			return;
		if (status == FIBER_ACTION) {
			t->result = host_perform(h, t);
			continue;
		}
		/* Deadlines are in milliseconds of env_now_ms(). */
		until = t->deadline ? max((t->deadline - 1) * MS, now_us + MS) : NEVER;
		while (h->wake_seq == seq && now_us < until)
			if (!waitq_wait(&h->wait, until))
				break;
	}
}

/* ---- independent tasks ---- */

struct task_run { struct host *h; struct core_task *task; };

static enum fiber_status run_core_task(struct task *t, void *arg)
{
	return core_task_run(t, arg);
}

static void task_thread(void *arg)
{
	struct task_run *run = arg;
	struct host *h = run->h;
	struct core_task *task = run->task;
	struct task t = {};

	node_free(h->node, run);
	host_run_fiber(h, &t, run_core_task, task, NULL);
}

void env_task_start(struct drbd_resource *resource, struct core_task *task)
{
	struct host *h = host_of_resource(resource);
	struct task_run *run = node_alloc(h->node, sizeof(*run));

	run->h = h;
	run->task = task;
	thread_start(h->node, "task", task_thread, run);
}

/* ---- resync-after: minors are unique over both nodes ---- */

static void resync_after_fire(struct event *ev)
{
	struct host *h = container_of(ev, struct host, resync_after);
	bool changed;
	u32 v;

	do {
		changed = false;
		for (v = 0; v < cfg.volumes; v++)
			changed |= resync_after_evaluate(&h->node->device[v]->core);
	} while (changed);
}

bool env_minor_state(s32 minor, struct minor_brief *brief)
{
	struct node *n = &nodes[(minor / MINORS_PER_NODE) & 1];
	u32 v = minor % MINORS_PER_NODE;

	if (!n->up || v >= cfg.volumes || !n->device[v])
		return false;
	resync_brief_decode(n->device[v]->core.brief, brief);
	return true;
}

void env_resync_after_changed(struct drbd_resource *resource)
{
	event_at(&host_of_resource(resource)->resync_after, now_us + chance(cfg.wake_latency + 1));
}

/* ---- the worker and the timer ---- */

static enum fiber_status run_worker(struct task *t, void *arg)
{
	return worker_run(t, arg);
}

static void worker_thread(void *arg)
{
	struct host *h = arg;

	for (;;) {
		struct task t = {};

		while (!h->worker_kicked)
			waitq_wait(&h->worker_wait, NEVER);
		h->worker_kicked = false;
		host_run_fiber(h, &t, run_worker, &h->core, NULL);
	}
}

static void timer_fire(struct event *ev)
{
	timers_run(&container_of(ev, struct host, timer)->core);
}

void host_worker_start(struct host *h)
{
	waitq_init(&h->wait);
	waitq_init(&h->worker_wait);
	waitq_init(&h->admin_wait);
	event_init(&h->timer, h->node, timer_fire);
	event_init(&h->resync_after, h->node, resync_after_fire);
	thread_start(h->node, "worker", worker_thread, h);
}

/* ---- env.h ---- */

u64 env_now_ms(void)
{
	return now_us / MS + 1;
}

u64 env_random64(void)
{
	return chance64();
}

void env_waits_for(const char *what)
{
	(void)what;
}

void env_wake(struct drbd_resource *resource)
{
	struct host *h = host_of_resource(resource);

	if (h->core.changes != h->changes_seen)
		invariants_changed(h->node);
	h->changes_seen = h->core.changes;
	h->wake_seq++;
	waitq_wake(&h->wait);
}

void env_worker_kick(struct drbd_resource *resource)
{
	struct host *h = host_of_resource(resource);

	h->worker_kicked = true;
	waitq_wake(&h->worker_wait);
}

void env_timer_arm(struct drbd_resource *resource, u64 deadline_ms)
{
	struct host *h = host_of_resource(resource);

	if (!deadline_ms)
		event_cancel(&h->timer);
	else
		event_at(&h->timer, (deadline_ms - 1) * MS + chance(1000));
}

void env_device_set_capacity(struct drbd_device *device, u64 sectors)
{
	trace(host_of_device(device)->node, "vol %u capacity %llu", device->vnr,
	      (unsigned long long)sectors);
	oracle_capacity(host_of_device(device)->node, device->vnr, sectors);
}

void env_device_set_read_only(struct drbd_device *device, bool read_only)
{
	host_of_device(device)->read_only = read_only;
}

void env_backing_sizes_update(struct drbd_device *device)
{
	host_backing_sizes(host_of_device(device));
}

void env_device_limits_changed(struct drbd_device *device)
{
	(void)device;
}

u32 handshakes_refused[NODES], meetings_refused[NODES];
static const char levels[] = { 'E', 'W', 'I', 'D' };

void env_log_device(const struct drbd_device *device, enum log_level level, const char *fmt, ...)
{
	struct host_device *d = container_of((struct drbd_device *)device, struct host_device, core);
	char text[512];
	va_list args;

	if (level == LOG_LVL_ERR && !strncmp(fmt, "handshake refused", 17))
		handshakes_refused[d->node->id]++;
	if (level == LOG_LVL_ERR && (!strncmp(fmt, "the peer's state and ours", 25) ||
				     !strncmp(fmt, "the peer's disk is too small", 28)))
		meetings_refused[d->node->id]++;
	if (!strncmp(fmt, "handshake: own", 14))
		invariants_verdict(device);
	if (!tracing)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace(d->node, "[%c] vol %u: %s", levels[level], device->vnr, text);
}

void env_log_connection(const struct drbd_connection *connection, enum log_level level,
			const char *fmt, ...)
{
	struct host *h = container_of((struct drbd_connection *)connection, struct host,
				      core.connection);
	char text[512];
	va_list args;

	if (level == LOG_LVL_ERR && !strncmp(fmt, "the peer acknowledged", 21))
		violation("I20: node %s: an epoch's ack that does not match", h->node->name);
	if (!tracing)
		return;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	trace(h->node, "[%c] %s", levels[level], text);
}

/* ---- actions ---- */

static s64 disk_action(struct host_device *d, const struct action *a)
{
	struct drbd_device *c = &d->core;

	if (!d->open_backing) {
		violation("node %s: disk action %d without a backing disk", d->node->name, a->kind);
		return -ENODEV;
	}
	switch (a->kind) {
	case ACT_MD_READ:
		return host_md_io(d, md_superblock_sector(c->disk_conf.meta_dev_idx, c->meta_sectors),
				  c->md_buffer, false, false);
	case ACT_MD_WRITE:
		return host_md_io(d, a->arg ? a->arg : c->layout.sb_sector, c->md_buffer, true,
				  c->disk_conf.md_flushes);
	case ACT_AL_WRITE:
		return host_md_io(d, a->arg, c->al_buffer, true, c->disk_conf.md_flushes);
	case ACT_AL_INIT:
		return host_al_init(d);
	case ACT_BM_READ:
		return host_bitmap_read(d);
	case ACT_BM_WRITE:
		return host_bitmap_write(d);
	case ACT_BM_RESIZE:
		return host_bitmap_resize(d, a->arg);
	case ACT_AL_RESIZE:
		return host_al_resize(d, a->arg);
	case ACT_FLUSH: {
		struct disk_io io = { .disk = d->disk, .region = &d->disk->data, .op = DISK_FLUSH };

		return disk_io_sync(d->node, &io);
	}
	case ACT_CLOSE_BACKING:
		d->open_backing = false;
		return 0;
	default:
		return -EINVAL;
	}
}

static const char *const action_names[] = {
	[ACT_MD_READ] = "md read", [ACT_MD_WRITE] = "md write", [ACT_AL_WRITE] = "al write",
	[ACT_AL_INIT] = "al init", [ACT_BM_READ] = "bm read", [ACT_BM_WRITE] = "bm write",
	[ACT_BM_RESIZE] = "bm resize", [ACT_AL_RESIZE] = "al resize", [ACT_FLUSH] = "flush",
	[ACT_HELPER] = "helper", [ACT_CLOSE_BACKING] = "close backing", [ACT_NOTIFY] = "notify",
	[ACT_NET_FREE] = "net free", [ACT_SEND_STOP] = "send stop",
	[ACT_LOAD_PEER_INTEGRITY] = "load peer integrity", [ACT_LOAD_RESYNC_ALGS] = "load resync algs",
};

s64 host_perform(struct host *h, struct task *t)
{
	struct drbd_connection *connection = &h->core.connection;
	const struct action *a = &t->action;

	if (tracing && a->kind != ACT_NOTIFY && a->kind != ACT_AL_WRITE)
		trace(h->node, "action %s %llu %s", action_names[a->kind],
		      (unsigned long long)a->arg, a->kind == ACT_HELPER ? t->helper : "");
	switch (a->kind) {
	case ACT_HELPER:
		return helper_program(h->node, t->helper);
	case ACT_NOTIFY:
		return 0;
	case ACT_NET_FREE:
		host_net_free(h);
		return 0;
	case ACT_SEND_STOP:
		host_senders_stop(h);
		return 0;
	case ACT_LOAD_PEER_INTEGRITY:
		if (digest_fails())
			return -ENOMEM;
		connection->integrity_size_in = digest_size(connection->peer_integrity_alg);
		return 0;
	case ACT_LOAD_RESYNC_ALGS:
		if (digest_fails())
			return -ENOMEM;
		strcpy(h->conn.csums, connection->net_conf.csums_alg);
		strcpy(h->conn.verify, connection->net_conf.verify_alg);
		connection->csums_size = digest_size(h->conn.csums);
		connection->verify_size = digest_size(h->conn.verify);
		return 0;
	default:
		return disk_action(host_of_device(a->device), a);
	}
}
