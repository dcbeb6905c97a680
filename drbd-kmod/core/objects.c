// SPDX-License-Identifier: GPL-2.0
#include "objects.h"
#include "after_change.h"
#include "connection.h"
#include "engine.h"

struct state device_state(const struct drbd_device *device)
{
	const struct drbd_resource *resource = device->resource;
	struct state s = device->state;

	s.susp = resource->susp;
	s.susp_nod = resource->susp_nod;
	s.susp_fen = resource->susp_fen;
	return s;
}

static void name_copy(char *to, size_t size, const char *from)
{
	size_t len = strlen(from);

	if (len >= size)
		len = size - 1;
	memcpy(to, from, len);
	to[len] = 0;
}

void resource_init(struct drbd_resource *resource, const char *name, const struct res_opts *opts)
{
	struct drbd_connection *connection = &resource->connection;

	memset(resource, 0, sizeof(*resource));
	name_copy(resource->name, sizeof(resource->name), name);
	resource->opts = *opts;
	resource->write_ordering = 2;
	dlist_init(&resource->devices);
	work_queue_init(&resource->work);
	timer_list_core_init(&resource->timers);

	connection_init(connection, resource);
	send_init(connection);
	tl_init(connection);
	peer_epochs_init(connection);
	connection->resource = resource;
	connection->cstate = C_STANDALONE;
	core_timer_init(&connection->teardown_timer, teardown_timer_fire);
	core_timer_init(&connection->hangup_timer, hangup_timer_fire);
	core_task_init(&connection->fence_task, fence_task_run);
	after_works_init(connection->after, connection, NULL);
}

static void device_insert(struct drbd_device *device, struct drbd_resource *resource)
{
	struct drbd_device *other;

	for_each_volume(other, resource)
		if (other->vnr > device->vnr)
			break;
	/* `other` is the list head itself when none is greater. */
	dlist_add_tail(&device->of_resource, &other->of_resource);
}

void device_init(struct drbd_device *device, struct drbd_resource *resource, u32 minor, u32 vnr)
{
	struct drbd_connection *connection = &resource->connection;

	memset(device, 0, sizeof(*device));
	device->resource = resource;
	device->minor = minor;
	device->vnr = vnr;
	device->state.role = ROLE_SECONDARY;
	device->state.conn = connection->cstate;
	device->state.pdsk = D_UNKNOWN;
	device->max_bio_size = 4096;
	disk_conf_set_defaults(&device->disk_conf);
	request_queues_init(device);
	peer_request_lists_init(device);
	core_timer_init(&device->md_timer, md_timer_fire);
	core_timer_init(&device->exposure_timer, exposure_timer_fire);
	work_init(&device->md_work, md_work_run);
	work_init(&device->refused_write, refused_write_run);
	work_init(&device->disk_gone, disk_gone_run);
	core_task_init(&device->full_sync, full_sync_run);
	after_works_init(device->after, connection, device);
	al_init(device);
	resync_init(device);
	resync_brief_publish(device);
	device_insert(device, resource);

	if (vnr && connection->agreed_pro_version > WIRE_APV_HANDSHAKE &&
	    connection->agreed_pro_version < WIRE_APV_VOLUMES) {
		/* The next handshake tells why it can not go on. */
		connection_fail(connection, C_NETWORK_FAILURE);
		return;
	}
	if (connection->cstate < C_WF_REPORT_PARAMS)
		return;
	/* The connection is up: this volume shakes hands by itself. */
	send_sync_param(device);
	send_sizes(device, false, 0);
	send_uuids(device);
	send_state(device);
}

void device_unlink(struct drbd_device *device)
{
	core_timer_cancel(device->resource, &device->md_timer);
	core_timer_cancel(device->resource, &device->exposure_timer);
	dlist_del_init(&device->of_resource);
	env_wake(device->resource);
}

struct drbd_device *resource_volume(struct drbd_resource *resource, u32 vnr)
{
	struct drbd_device *device;

	for_each_volume(device, resource)
		if (device->vnr == vnr)
			return device;
	return NULL;
}

struct drbd_device *volume_next(struct drbd_resource *resource, struct drbd_device *device)
{
	struct dlist *next = device ? device->of_resource.next : resource->devices.next;

	return next == &resource->devices ? NULL : dlist_entry(next, struct drbd_device, of_resource);
}

struct state_range resource_states(struct drbd_resource *resource)
{
	struct drbd_device *device;
	struct state_range range;

	memset(&range, 0, sizeof(range));
	for_each_volume(device, resource)
		state_range_add(&range, device_state(device));
	return range;
}

bool local_get(struct drbd_device *device, enum drbd_disk min_disk)
{
	if (!device->has_backing || device->state.disk < min_disk)
		return false;
	device->local_refs++;
	return true;
}

void local_put(struct drbd_device *device)
{
	if (core_bug_on(device->local_refs == 0))
		return;
	if (--device->local_refs)
		return;
	if (device->has_backing &&
	    (device->state.disk == D_FAILED || device->state.disk == D_DISKLESS))
		work_add(device->resource, &device->disk_gone);
	env_wake(device->resource);
}
