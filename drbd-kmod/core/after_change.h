/* SPDX-License-Identifier: GPL-2.0 */
/*
 * after_change.h - between engine.c, which changes states, and the work that follows
 *
 * Resource lock held. Records never run out: see struct after_work.
 */
#ifndef CORE_AFTER_CHANGE_H
#define CORE_AFTER_CHANGE_H

#include "engine.h"

/* Prepare the rings of a connection or a device (then connection too). */
void after_works_init(struct after_work *ring, struct drbd_connection *connection,
		      struct drbd_device *device);

/*
 * Queue the work after a change of a volume. disk_refs references on the disk and uuids_owed
 * owed UUIDs go over to it.
 */
void after_change_queue(struct drbd_device *device, const struct notify_side *os,
			const struct notify_side *ns, u8 disk_refs, u8 uuids_owed);
/* The same for a connection; todo: CAFTER_* of state.h. */
void after_conn_change_queue(struct drbd_connection *connection, const struct notify_side *os,
			     const struct notify_side *ns, u32 todo);

/* The live facts for state_after_actions(). */
void after_facts_gather(struct drbd_device *device, struct after_facts *facts);

/* Worker fiber: a Failed disk becomes Diskless, a Diskless one is closed (io_error.c). */
enum fiber_status disk_gone_run(struct task *t, struct work *work);
/* Task: set all bits, write them, then start the resync (bulk.c). */
enum fiber_status full_sync_run(struct task *t, struct core_task *task);
/* Worker fiber and timer that write a dirty superblock (generation.c). */
enum fiber_status md_work_run(struct task *t, struct work *work);
void md_timer_fire(struct core_timer *timer);
/* Worker fiber of device_write_refused() (generation.c). */
enum fiber_status refused_write_run(struct task *t, struct work *work);
/* The peer had time to close after I consented to part (cluster_change.c). */
void teardown_timer_fire(struct core_timer *timer);
void hangup_timer_fire(struct core_timer *timer);

#endif /* CORE_AFTER_CHANGE_H */
