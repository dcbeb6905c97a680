/* SPDX-License-Identifier: GPL-2.0 */
/*
 * exposure.h - does the name of the data that users see (ed_uuid) cover all they have seen?
 *
 * A Primary that writes through its peer only, because its own disk is gone, depends on the
 * peer to begin a new generation for that (states.md 5.3). The peer's P_UUIDS and its write
 * acks travel on different sockets: as long as the new name has not come, a completed write
 * would be missing on the old disk without anything telling that the disk is old.
 *
 * So such writes complete only when the name is there. A peer that sends none within `timeout`,
 * or is lost before, does not hold users up for ever: the writes complete, and from then on
 * disks of the old name are refused. Context: resource lock held.
 */
#ifndef CORE_EXPOSURE_H
#define CORE_EXPOSURE_H

#include "portable.h"
#include "state.h"

struct core_timer;
struct drbd_device;
struct drbd_request;

enum exposure {
	EXPOSURE_NAMED,		/* ed_uuid is the generation of all that users have seen */
	EXPOSURE_AWAITED,	/* the peer is about to tell a new one */
	EXPOSURE_UNNAMED,	/* users have seen more than what ed_uuid stands for */
};

/* The state has changed from `os` to device->state. */
void exposure_state_changed(struct drbd_device *device, struct state os);
/* What users see is this generation from now on. */
void exposure_name(struct drbd_device *device, u64 uuid);
/* A write succeeded. True: nobody may be told yet; request_held_release() follows. */
bool exposure_must_wait(const struct drbd_request *req);
/* The first of those waits: for so long at most. */
void exposure_patience_start(struct drbd_device *device);
void exposure_timer_fire(struct core_timer *timer);
/* So says the own disk, or shall. */
void exposure_own_name(struct drbd_device *device, u64 uuid);
/* It was lost while its new name was written: is this its old one? It lacks nothing all the same. */
bool exposure_is_own_disk(const struct drbd_device *device, u64 uuid);
/* Would a disk of this generation lack what users have seen, although the name is the same? */
bool exposure_exceeds(const struct drbd_device *device, u64 uuid);

#endif /* CORE_EXPOSURE_H */
