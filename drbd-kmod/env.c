// SPDX-License-Identifier: GPL-2.0
/*
 * env.c - the kernel's side of core/env.h, all called with the resource lock held
 */
#include <linux/jiffies.h>
#include <linux/ktime.h>
#include <linux/random.h>
#include <linux/sched/signal.h>
#include "shell.h"
#include "trace.h"

u64 env_now_ms(void)
{
	return ktime_to_ms(ktime_get()) + 1;
}

u64 env_random64(void)
{
	return get_random_u64();
}

void env_wake(struct drbd_resource *resource)
{
	struct shell_resource *r = shell_of_resource(resource);

	lockdep_assert_held(&r->lock);
	r->wake_seq++;
	/* Takes the queue's lock: only looking whether somebody waits could miss who is just about to. */
	wake_up_all(&r->wait);
}

void env_worker_kick(struct drbd_resource *resource)
{
	struct shell_resource *r = shell_of_resource(resource);

	r->worker_kicked = true;
	wake_up(&r->worker_wait);
}

void env_timer_arm(struct drbd_resource *resource, u64 deadline_ms)
{
	struct shell_resource *r = shell_of_resource(resource);
	u64 now = env_now_ms();

	if (!deadline_ms)
		timer_delete(&r->timer);
	else
		mod_timer(&r->timer, jiffies +
			  (deadline_ms > now ? msecs_to_jiffies(min_t(u64, deadline_ms - now, 3600000)) : 0));
}

/* ---- network ---- */

void env_send_kick(struct drbd_connection *connection, enum drbd_socket socket)
{
	struct shell_connection *c = &shell_of_connection(connection)->conn;

	/* Whoever gives the lock back sends, or wakes who does. */
	WRITE_ONCE(c->send_kicked[socket], true);
}

void env_receiver_start(struct drbd_connection *connection)
{
	struct shell_resource *r = shell_of_connection(connection);

	queue_work(r->wq, &r->conn.receiver_work);
}

void env_sockets_shutdown(struct drbd_connection *connection)
{
	struct shell_resource *r = shell_of_connection(connection);

	r->conn.shutdown = true;
	env_wake(&r->core);
	queue_work(r->wq, &r->conn.shutdown_work);
}

/* ---- requests ---- */

void env_request_submit(struct drbd_request *core)
{
	struct shell_request *req = shell_of_request(core);

	list_add_tail(&req->submit, &shell_of_resource(core->device->resource)->submit);
}

void env_request_complete(struct drbd_request *core, int error)
{
	struct shell_request *req = shell_of_request(core);
	struct bio *bio = req->master;

	trace_drbd_request_complete(core, error);
	shell_request_hold_pages(req);
	bio_end_io_acct(bio, req->start_jif);
	bio->bi_status = errno_to_blk_status(error);
	req->master = NULL;
	bio_list_add(&shell_of_resource(core->device->resource)->completed, bio);
}

void env_peer_request_submit(struct drbd_peer_request *core)
{
	struct shell_peer_request *pr = shell_of_peer_request(core);

	list_add_tail(&pr->submit, &shell_of_resource(core->device->resource)->peer_submit);
}

struct drbd_peer_request *env_peer_request_alloc(struct drbd_device *device, u32 bytes)
{
	struct shell_peer_request *pr =
		shell_peer_request_alloc(shell_of_device(device), bytes, GFP_NOWAIT | __GFP_NOWARN);

	return pr ? &pr->core : NULL;
}

void env_peer_request_free(struct drbd_peer_request *core)
{
	shell_peer_request_free(shell_of_peer_request(core));
}

void env_peer_request_digest(struct drbd_peer_request *core, enum digest_use use)
{
	struct shell_peer_request *pr = shell_of_peer_request(core);

	pr->digest_use = use;
	queue_work(shell_of_resource(core->device->resource)->io_wq, &pr->work);
}

/* ---- the visible device ---- */

void env_device_set_capacity(struct drbd_device *device, u64 sectors)
{
	struct shell_device *d = shell_of_device(device);

	d->set_capacity = true;
	d->new_capacity = sectors;
	queue_work(shell_of_resource(device->resource)->wq, &d->visible_work);
}

void env_device_set_read_only(struct drbd_device *device, bool read_only)
{
	struct shell_device *d = shell_of_device(device);

	d->set_read_only = true;
	d->read_only = read_only;
	queue_work(shell_of_resource(device->resource)->wq, &d->visible_work);
}

void env_device_limits_changed(struct drbd_device *device)
{
	struct shell_device *d = shell_of_device(device);

	d->set_limits = true;
	queue_work(shell_of_resource(device->resource)->wq, &d->visible_work);
}

void env_backing_sizes_update(struct drbd_device *device)
{
	struct shell_device *d = shell_of_device(device);

	if (d->backing.data.bdev)
		shell_backing_sizes(d);
}

/* ---- log ---- */

static const char *const levels[] = {
	[LOG_LVL_ERR] = KERN_ERR, [LOG_LVL_WARN] = KERN_WARNING,
	[LOG_LVL_INFO] = KERN_INFO, [LOG_LVL_DEBUG] = KERN_DEBUG,
};

void env_log_device(const struct drbd_device *device, enum log_level level, const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	printk("%sdrbd %s/%u drbd%u: %pV\n", levels[level], device->resource->name,
	       device->vnr, device->minor, &vaf);
	va_end(args);
}

void env_log_connection(const struct drbd_connection *connection, enum log_level level,
			const char *fmt, ...)
{
	struct va_format vaf;
	va_list args;

	va_start(args, fmt);
	vaf.fmt = fmt;
	vaf.va = &args;
	printk("%sdrbd %s: %pV\n", levels[level], connection->resource->name, &vaf);
	va_end(args);
}
