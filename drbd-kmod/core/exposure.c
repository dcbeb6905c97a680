// SPDX-License-Identifier: GPL-2.0
#include "objects.h"
#include "predicates.h"

/* Users write, and only the peer keeps it. */
static bool depends_on_peer(struct state s)
{
	return s.role == ROLE_PRIMARY && s.conn >= C_CONNECTED && s.disk < D_INCONSISTENT &&
	       s.pdsk == D_UP_TO_DATE;
}

/*
 * What is lost then was no good: whatever its name, it is synced when it comes back. Unless the
 * error came before the disk could be told.
 */
static bool lost_disk_was_bad(const struct drbd_device *device, struct state os)
{
	return os.disk == D_INCONSISTENT && !(device->md_flags_durable & MDF_CONSISTENT);
}

/* It does so when its present generation is the one that my disk had. */
static bool peer_begins_generation(const struct drbd_device *device)
{
	return !device->peer_uuids.valid || !device->peer_uuids.set.slot[UUID_BITMAP];
}

static void settle(struct drbd_device *device, enum exposure exposure)
{
	core_timer_cancel(device->resource, &device->exposure_timer);
	device->exposure = exposure;
	request_held_release(device);
}

/* Given up waiting. Nobody has seen anything yet if nothing was held back. */
static void unnamed(struct drbd_device *device)
{
	settle(device, dlist_empty(&device->rq.held) ? EXPOSURE_NAMED : EXPOSURE_UNNAMED);
}

/* It may come back under the name that it had, whatever it was told meanwhile. */
static bool lacks_peers_disk(struct state s)
{
	return s.conn < C_CONNECTED || s.pdsk < D_INCONSISTENT;
}

static bool has_nobody(struct state s)
{
	return s.role == ROLE_PRIMARY && s.disk < D_INCONSISTENT && lacks_peers_disk(s);
}

/*
 * A source that lost its target writes on under the name that both share, or will have at the
 * target's end, which it need not see. What the target lacks then is known to the bitmap only.
 */
static bool marks_what_peer_lacks(const struct drbd_device *device, struct state os)
{
	return os.role == ROLE_PRIMARY && os.disk == D_UP_TO_DATE && lacks_peers_disk(os) &&
	       device->bitmap.bits_set;
}

/*
 * What users were told of before it got to the peer is on the lost disk, which sets no bits any
 * more, and can not be sent again: the peer may come back under the same name, without it.
 */
static void look_for_missing(struct drbd_device *device, struct state os)
{
	struct state s = device->state;

	if (s.role != ROLE_PRIMARY || s.disk >= D_CONSISTENT)
		device->peer_lacks = false;
	else if (!has_nobody(os) && has_nobody(s) &&
		 (marks_what_peer_lacks(device, os) || tl_has_told_only_here(device)))
		device->peer_lacks = true;
}

void exposure_state_changed(struct drbd_device *device, struct state os)
{
	bool depended = depends_on_peer(os), depends = depends_on_peer(device->state);

	look_for_missing(device, os);
	if (device->state.disk >= D_CONSISTENT) {
		/* What users see is the own disk's again, or still. */
		if (device->exposure != EXPOSURE_NAMED)
			settle(device, EXPOSURE_NAMED);
	} else if (!depended && depends && device->exposure == EXPOSURE_NAMED &&
		   peer_begins_generation(device) && !lost_disk_was_bad(device, os)) {
		device->exposure = EXPOSURE_AWAITED;
	} else if (depended && !depends && device->exposure == EXPOSURE_AWAITED) {
		unnamed(device);
	}
}

void exposure_name(struct drbd_device *device, u64 uuid)
{
	bool other = !uuid_same(device->ed_uuid, uuid);

	device->ed_uuid = uuid;
	if (other)
		device->unrenamed_uuid = 0;
	if (other && device->exposure != EXPOSURE_NAMED)
		settle(device, EXPOSURE_NAMED);
}

bool exposure_must_wait(const struct drbd_request *req)
{
	return req->device->exposure == EXPOSURE_AWAITED && request_promises(req) &&
	       !(req->flags & RQ_LO);
}

void exposure_patience_start(struct drbd_device *device)
{
	const struct net_conf *nc = &device->resource->connection.net_conf;

	if (!core_timer_armed(&device->exposure_timer))
		core_timer_set(device->resource, &device->exposure_timer, (u64)nc->timeout * 100);
}

void exposure_timer_fire(struct core_timer *timer)
{
	struct drbd_device *device = container_of(timer, struct drbd_device, exposure_timer);

	if (device->exposure != EXPOSURE_AWAITED)
		return;
	env_log_device(device, LOG_LVL_WARN,
		       "the peer has not told a new generation for what is written there only: going on; the disk that was lost can not be attached before it has");
	settle(device, EXPOSURE_UNNAMED);
}

void exposure_own_name(struct drbd_device *device, u64 uuid)
{
	device->ed_uuid = uuid;
	device->unrenamed_uuid = 0;
}

bool exposure_is_own_disk(const struct drbd_device *device, u64 uuid)
{
	return device->unrenamed_uuid && uuid_same(device->unrenamed_uuid, uuid);
}

bool exposure_exceeds(const struct drbd_device *device, u64 uuid)
{
	return device->exposure != EXPOSURE_NAMED && uuid_same(device->ed_uuid, uuid);
}
