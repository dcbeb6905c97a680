// SPDX-License-Identifier: GPL-2.0
/*
 * debugfs.c - what is going on, and what everything waits for
 *
 *	/sys/kernel/debug/drbd/resources/<name>/in_flight_summary
 *	                                       /threads
 *	                                       /volumes/<number>/oldest_requests, act_log_extents,
 *	                                        resync_extents, data_gen_id
 *
 * For eyes, not for programs: contents may change. Files go with the resource or volume that
 * they are about; removing them waits for readers, so they need no references.
 */
#include <linux/debugfs.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include "shell.h"
#include "core/predicates.h"

#define REQUESTS_SHOWN 20
/* Extents looked at with the lock held. */
#define EXTENTS_AT_ONCE 64

static struct dentry *drbd_root, *resources_root;

static u64 age_ms(u64 since)
{
	return since ? env_now_ms() - since : 0;
}

/* ---- a resource ---- */

static u32 count(const struct dlist *list)
{
	const struct dlist *l;
	u32 n = 0;

	for (l = list->next; l != list; l = l->next)
		n++;
	return n;
}

static void volume_in_flight(struct seq_file *m, struct drbd_device *d)
{
	seq_printf(m, "volume %u: %u application requests, %u of them wait for the peer; waiting: %u for admission, %u for the activity log, %u for an overlapping write\n",
		   d->vnr, d->ap_in_flight, d->ap_pending, count(&d->rq.admission),
		   count(&d->rq.al_wait), count(&d->rq.conflict));
	seq_printf(m, "volume %u: %u requests on the local disk, %u references on it; %u sectors sent, their barrier not acknowledged\n",
		   d->vnr, count(&d->rq.local), d->local_refs, d->rq.in_flight_sectors);
	seq_printf(m, "volume %u: %u of the peer's requests (%u writes), %u unanswered, %u wait\n",
		   d->vnr, d->prl.in_flight, d->prl.writes_in_flight, d->peer_unacked,
		   count(&d->prl.waiting));
}

static int in_flight_summary_show(struct seq_file *m, void *unused)
{
	struct shell_resource *r = m->private;
	struct drbd_connection *c = &r->core.connection;
	struct drbd_device *d;

	drbd_lock(r);
	for_each_volume(d, &r->core)
		volume_in_flight(m, d);
	seq_printf(m, "connection: %u packets to be sent on the data socket, %u on the meta socket\n",
		   count(&c->queue[SOCK_DATA].items), count(&c->queue[SOCK_META].items));
	seq_printf(m, "connection: %u requests in the log, %u writes without barrier ack, %u flushes; epoch %u\n",
		   count(&c->tl.requests), c->tl.unacked, count(&c->tl.flushes),
		   c->tl.current_epoch);
	seq_printf(m, "connection: last packet received %llu ms ago%s\n", age_ms(c->last_received),
		   c->ping_out ? ", a ping is out" : "");
	seq_printf(m, "worker: %u items\n", count(&r->core.work.items));
	drbd_unlock(r);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(in_flight_summary);

/* Who waits for what: conditions as they stand in the source. */
static int threads_show(struct seq_file *m, void *unused)
{
	struct shell_resource *r = m->private;
	struct shell_wait *wait;

	drbd_lock(r);
	list_for_each_entry(wait, &r->waits, link)
		seq_printf(m, "%s[%d]: %llu ms: %s\n", wait->task->comm, task_pid_nr(wait->task),
			   age_ms(wait->since_ms), wait->what ? wait->what : "anything to change");
	drbd_unlock(r);
	shell_senders_show(r, m);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(threads);

/* ---- a volume ---- */

static const char *const op_names[] = {
	[OP_READ] = "read", [OP_WRITE] = "write", [OP_DISCARD] = "discard",
	[OP_WRITE_ZEROES] = "zeroes", [OP_FLUSH] = "flush",
};

static void request_show(struct seq_file *m, const struct drbd_request *req, const char *where)
{
	seq_printf(m, "%llu ms: %s %llu+%u flags %x epoch %u: %s\n", age_ms(req->start_ms),
		   op_names[req->op], (unsigned long long)req->interval.sector,
		   req->interval.bytes >> 9, req->flags, req->epoch, where);
}

static void waiting_show(struct seq_file *m, struct dlist *list, const char *what)
{
	struct drbd_request *req;
	u32 n = 0;

	dlist_for_each_entry(req, list, wait) {
		if (n++ == REQUESTS_SHOWN)
			break;
		request_show(m, req, what);
	}
}

static const char *waits_for(const struct drbd_request *req)
{
	bool disk = req->flags & RQ_LP, peer = req->flags & RQ_NP;

	if (disk && peer)
		return "waits for the disk and the peer";
	if (disk || peer)
		return disk ? "waits for the disk" : "waits for the peer";
	if (!(req->flags & RQ_COMPLETE))
		return req->flags & RQ_CS ? "held back: I/O is suspended" : "about to complete";
	return "complete, waits for its epoch's barrier ack";
}

static int oldest_requests_show(struct seq_file *m, void *unused)
{
	struct shell_device *sd = m->private;
	struct drbd_device *d = &sd->core;
	struct shell_resource *r = shell_of_resource(d->resource);
	struct drbd_request *req;
	u32 n = 0;

	drbd_lock(r);
	dlist_for_each_entry(req, &d->resource->connection.tl.requests, tl) {
		if (req->device != d)
			continue;
		if (n++ == REQUESTS_SHOWN)
			break;
		request_show(m, req, waits_for(req));
	}
	waiting_show(m, &d->rq.admission, "waits to be admitted");
	waiting_show(m, &d->rq.al_wait, "waits for the activity log");
	waiting_show(m, &d->rq.conflict, "waits for an overlapping write");
	waiting_show(m, &d->rq.held, "done, waits for the new generation to be durable");
	drbd_unlock(r);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(oldest_requests);

static void extents_show(struct seq_file *m, struct shell_device *d, const struct extents *e)
{
	struct shell_resource *r = shell_of_resource(d->core.resource);
	u32 i = 0, end;
	bool more;

	drbd_lock(r);
	seq_printf(m, "slots %u used %u pending %u hits %llu misses %llu starving %llu locked %llu changed %llu\n",
		   e->n_slots, e->n_used, e->n_pending, e->hits, e->misses, e->n_starving,
		   e->n_locked, e->changed);
	drbd_unlock(r);
	do {
		drbd_lock(r);
		/* The log's memory goes with the disk. */
		if (e == &d->core.al.hot && !d->core.al.ready)
			i = e->n_slots;
		for (end = i + EXTENTS_AT_ONCE; i < end && i < e->n_slots; i++) {
			const struct extent_slot *slot = &e->slots[i];

			if (slot->number != EXTENT_FREE || slot->changing)
				seq_printf(m, "slot %u extent %d refs %u%s\n", i, (s32)slot->number,
					   slot->refs, slot->changing ? " changing" : "");
		}
		more = i < e->n_slots;
		drbd_unlock(r);
	} while (more);
}

static int act_log_extents_show(struct seq_file *m, void *unused)
{
	struct shell_device *d = m->private;

	extents_show(m, d, &d->core.al.hot);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(act_log_extents);

static int resync_extents_show(struct seq_file *m, void *unused)
{
	struct shell_device *d = m->private;

	extents_show(m, d, &d->core.al.rs);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(resync_extents);

static int data_gen_id_show(struct seq_file *m, void *unused)
{
	static const char *const names[MD_UUID_SLOTS] = { "current", "bitmap", "history", "history" };
	struct shell_device *d = m->private;
	struct shell_resource *r = shell_of_resource(d->core.resource);
	u32 i;

	drbd_lock(r);
	if (!d->core.has_backing)
		seq_printf(m, "exposed 0x%016llX\n", (unsigned long long)d->core.ed_uuid);
	for (i = 0; d->core.has_backing && i < MD_UUID_SLOTS; i++)
		seq_printf(m, "%s 0x%016llX\n", names[i], (unsigned long long)d->core.md.uuid[i]);
	drbd_unlock(r);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(data_gen_id);

/* ---- coming and going ---- */

void drbd_debugfs_resource_add(struct shell_resource *r)
{
	r->debugfs = debugfs_create_dir(r->core.name, resources_root);
	r->debugfs_volumes = debugfs_create_dir("volumes", r->debugfs);
	debugfs_create_file("in_flight_summary", 0400, r->debugfs, r, &in_flight_summary_fops);
	debugfs_create_file("threads", 0400, r->debugfs, r, &threads_fops);
}

void drbd_debugfs_resource_remove(struct shell_resource *r)
{
	debugfs_remove_recursive(r->debugfs);
	r->debugfs = NULL;
}

void drbd_debugfs_device_add(struct shell_device *d)
{
	struct shell_resource *r = shell_of_resource(d->core.resource);
	char name[12];

	snprintf(name, sizeof(name), "%u", d->core.vnr);
	d->debugfs = debugfs_create_dir(name, r->debugfs_volumes);
	debugfs_create_file("oldest_requests", 0400, d->debugfs, d, &oldest_requests_fops);
	debugfs_create_file("act_log_extents", 0400, d->debugfs, d, &act_log_extents_fops);
	debugfs_create_file("resync_extents", 0400, d->debugfs, d, &resync_extents_fops);
	debugfs_create_file("data_gen_id", 0400, d->debugfs, d, &data_gen_id_fops);
}

void drbd_debugfs_device_remove(struct shell_device *d)
{
	debugfs_remove_recursive(d->debugfs);
	d->debugfs = NULL;
}

void drbd_debugfs_init(void)
{
	drbd_root = debugfs_create_dir("drbd", NULL);
	resources_root = debugfs_create_dir("resources", drbd_root);
}

void drbd_debugfs_exit(void)
{
	debugfs_remove_recursive(drbd_root);
}
