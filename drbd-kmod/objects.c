// SPDX-License-Identifier: GPL-2.0
/*
 * objects.c - making, finding and ending resources and devices
 */
#include <linux/idr.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "netlink.h"

DEFINE_MUTEX(drbd_objects_mutex);
LIST_HEAD(drbd_resources);

/*
 * minor -> device; written under drbd_objects_mutex, read under minors_lock. With interrupts
 * off, because the core looks minors up in timers and with a resource lock held.
 */
static DEFINE_IDR(minors);
static DEFINE_SPINLOCK(minors_lock);

static void resource_free(struct kref *kref)
{
	struct shell_resource *r = container_of(kref, struct shell_resource, kref);

	shell_senders_free(r);
	kfree(r);
}

void drbd_resource_put(struct shell_resource *r)
{
	kref_put(&r->kref, resource_free);
}

static void device_free(struct kref *kref)
{
	struct shell_device *d = container_of(kref, struct shell_device, kref);
	struct shell_resource *r = shell_of_resource(d->core.resource);

	shell_device_memory_free(d);
	__free_page(d->md_page);
	__free_page(d->al_page);
	kfree(d);
	drbd_resource_put(r);
}

void drbd_device_put(struct shell_device *d)
{
	kref_put(&d->kref, device_free);
}

struct shell_resource *drbd_resource_find(const char *name)
{
	struct shell_resource *r, *found = NULL;

	mutex_lock(&drbd_objects_mutex);
	list_for_each_entry(r, &drbd_resources, all)
		if (!strcmp(r->core.name, name)) {
			kref_get(&r->kref);
			found = r;
			break;
		}
	mutex_unlock(&drbd_objects_mutex);
	return found;
}

struct shell_device *drbd_device_find(u32 minor)
{
	unsigned long flags;
	struct shell_device *d;

	spin_lock_irqsave(&minors_lock, flags);
	d = idr_find(&minors, minor);
	if (d)
		kref_get(&d->kref);
	spin_unlock_irqrestore(&minors_lock, flags);
	return d;
}

struct shell_device *drbd_device_next(u32 *minor)
{
	unsigned long flags;
	struct shell_device *d;
	int id = *minor;

	spin_lock_irqsave(&minors_lock, flags);
	d = idr_get_next(&minors, &id);
	if (d)
		kref_get(&d->kref);
	spin_unlock_irqrestore(&minors_lock, flags);
	*minor = id;
	return d;
}

struct shell_resource *drbd_resource_create(const char *name, const struct res_opts *opts)
{
	struct shell_resource *r = kzalloc(sizeof(*r), GFP_KERNEL);
	struct shell_connection *c;
	int err;

	if (!r)
		return NULL;
	kref_init(&r->kref);
	mutex_init(&r->admin);
	shell_lock_init(r);
	c = &r->conn;
	mutex_init(&c->sock_mutex);
	init_rwsem(&c->crypto_sem);
	init_waitqueue_head(&c->send_wait[SOCK_DATA]);
	init_waitqueue_head(&c->send_wait[SOCK_META]);
	INIT_WORK(&c->shutdown_work, shell_sockets_shutdown_work);
	INIT_WORK(&c->receiver_work, shell_receiver_start_work);
	resource_init(&r->core, name, opts);
	err = shell_senders_init(r);
	if (!err)
		err = shell_worker_start(r);
	if (err) {
		shell_senders_free(r);
		kfree(r);
		return NULL;
	}
	/* No unloading while something is configured. */
	__module_get(THIS_MODULE);
	list_add_tail(&r->all, &drbd_resources);
	drbd_debugfs_resource_add(r);
	return r;
}

void drbd_resource_delete(struct shell_resource *r)
{
	mutex_lock(&drbd_objects_mutex);
	notify_resource(r, NOTIFY_DESTROY);
	list_del_init(&r->all);
	/* Its name may come again. */
	drbd_debugfs_resource_remove(r);
	mutex_unlock(&drbd_objects_mutex);
	/* What runs still may look things up, so the mutex must be free. */
	cancel_work_sync(&r->conn.receiver_work);
	shell_receiver_reap(r);
	shell_worker_stop(r);
	destroy_workqueue(r->wq);
	destroy_workqueue(r->io_wq);
	r->wq = NULL;
	r->io_wq = NULL;
	drbd_resource_put(r);
	module_put(THIS_MODULE);
}

static int minor_insert(struct shell_device *d, u32 minor)
{
	unsigned long flags;
	int id;

	idr_preload(GFP_KERNEL);
	spin_lock_irqsave(&minors_lock, flags);
	id = idr_alloc(&minors, d, minor, minor + 1, GFP_NOWAIT);
	spin_unlock_irqrestore(&minors_lock, flags);
	idr_preload_end();
	return id < 0 ? id : 0;
}

static void minor_remove(u32 minor)
{
	unsigned long flags;

	spin_lock_irqsave(&minors_lock, flags);
	idr_remove(&minors, minor);
	spin_unlock_irqrestore(&minors_lock, flags);
}

int drbd_device_create(struct shell_resource *r, u32 minor, u32 vnr, struct shell_device **device)
{
	struct shell_device *d = kzalloc(sizeof(*d), GFP_KERNEL);
	int err = -ENOMEM;

	if (!d)
		return -ENOMEM;
	kref_init(&d->kref);
	d->md_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	d->al_page = alloc_page(GFP_KERNEL | __GFP_ZERO);
	if (!d->md_page || !d->al_page)
		goto free;

	drbd_lock(r);
	device_init(&d->core, &r->core, minor, vnr);
	d->core.md_buffer = page_address(d->md_page);
	d->core.al_buffer = page_address(d->al_page);
	drbd_unlock(r);
	kref_get(&r->kref);

	err = shell_disk_create(d);
	if (!err) {
		err = minor_insert(d, minor);
		if (err)
			shell_disk_delete(d);
	}
	if (err) {
		drbd_lock(r);
		device_unlink(&d->core);
		drbd_unlock(r);
		drbd_device_put(d);
		return err;
	}
	drbd_debugfs_device_add(d);
	*device = d;
	return 0;
free:
	if (d->md_page)
		__free_page(d->md_page);
	kfree(d);
	return err;
}

void drbd_device_delete(struct shell_device *d)
{
	drbd_debugfs_device_remove(d);
	minor_remove(d->core.minor);
	shell_disk_delete(d);
	drbd_device_put(d);
}


/* ---- resync-after: what other resources' devices must know (core/env.h) ---- */

bool env_minor_state(s32 minor, struct minor_brief *brief)
{
	unsigned long flags;
	struct shell_device *d;

	spin_lock_irqsave(&minors_lock, flags);
	d = idr_find(&minors, minor);
	if (d)
		resync_brief_decode(READ_ONCE(d->core.brief), brief);
	spin_unlock_irqrestore(&minors_lock, flags);
	return d;
}

static bool evaluate_all(void)
{
	struct shell_device *d;
	bool changed = false;
	u32 minor = 0;

	for (; (d = drbd_device_next(&minor)); minor++) {
		struct shell_resource *r = shell_of_resource(d->core.resource);

		drbd_lock(r);
		if (!d->core.unregistered && resync_after_evaluate(&d->core))
			changed = true;
		drbd_unlock(r);
		drbd_device_put(d);
	}
	return changed;
}

static void resync_after_work(struct work_struct *work)
{
	/* Each round settles one link of a chain at least; devices are the bound. */
	while (evaluate_all())
		cond_resched();
}

static DECLARE_WORK(resync_after, resync_after_work);

void env_resync_after_changed(struct drbd_resource *resource)
{
	schedule_work(&resync_after);
}

void drbd_objects_exit(void)
{
	cancel_work_sync(&resync_after);
	idr_destroy(&minors);
}
