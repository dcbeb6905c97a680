/* SPDX-License-Identifier: GPL-2.0 */
/*
 * env.h - what the core needs from whoever hosts it
 *
 * Implemented once by the kernel shell and once by the simulator; the link decides.
 * Every function is called with the resource lock held and must neither sleep nor
 * call back into the core: it notes what is to be done, and the host does it after
 * the lock is dropped, in the order asked for.  What may sleep is an action of a
 * fiber instead (fiber.h).
 *
 * The host in turn calls the core's event functions (named in the comments) with
 * the lock held, from any context including interrupts.
 */
#ifndef CORE_ENV_H
#define CORE_ENV_H

#include "portable.h"

struct core_task;
struct drbd_connection;
struct drbd_device;
struct drbd_peer_request;
struct drbd_request;
struct drbd_resource;

/* ---- time and chance ---- */
u64 env_now_ms(void);		/* monotonic, starts above 0 */
u64 env_random64(void);

/* ---- running the core's own activities ---- */
/* Something changed: everybody in FIBER_WAIT on this resource looks again. */
void env_wake(struct drbd_resource *resource);
/* The worker (worker_run(), work.h) has something to do. */
void env_worker_kick(struct drbd_resource *resource);
/* Start an independent task; it runs until FIBER_DONE and may be started again then. */
void env_task_start(struct drbd_resource *resource, struct core_task *task);
/* Call timers_run() (timer.h) at this time; replaces an earlier request. 0 = never. */
void env_timer_arm(struct drbd_resource *resource, u64 deadline_ms);

/* ---- network ---- */
enum drbd_socket { SOCK_DATA, SOCK_META };
/* send_next() has something for this socket. */
void env_send_kick(struct drbd_connection *connection, enum drbd_socket socket);
/* Create the receiver (connection.h, "life of the receiver"). */
void env_receiver_start(struct drbd_connection *connection);
/* Make every blocking operation on the sockets, and the search for the peer, fail now. */
void env_sockets_shutdown(struct drbd_connection *connection);

/*
 * data-integrity-alg of what this node sends, changed while connected (admin_net_options()):
 * prepare: the one that the host has loaded for the command is the next one; its digest's bytes.
 * switch: from now on it is the one in use. No digest is being made meanwhile: the core asks
 * when the packet that announces it has left the data socket, or when there is no such packet.
 */
u32 env_integrity_prepare(struct drbd_connection *connection);
void env_integrity_switch(struct drbd_connection *connection);

/* ---- application requests (request.h) ---- */
/* Submit the local part; answer: request_local_done(). */
void env_request_submit(struct drbd_request *req);
/* Tell the user: error is 0 or a negative errno. Exactly once per request. */
void env_request_complete(struct drbd_request *req, int error);
/* Nothing refers to it any more. Never before env_request_complete(). */
void env_request_free(struct drbd_request *req);

/* ---- peer requests (peer_request.h): I/O for the peer or for resync ---- */
/* Memory for an I/O of `bytes` on the device; NULL when there is none now. */
struct drbd_peer_request *env_peer_request_alloc(struct drbd_device *device, u32 bytes);
void env_peer_request_free(struct drbd_peer_request *pr);
/* Perform pr->op on the backing device; answer: peer_request_local_done(). */
void env_peer_request_submit(struct drbd_peer_request *pr);
/* Digest of the data with csums-alg or verify-alg into pr->digest; answer: peer_request_digest_done(). */
enum digest_use { DIGEST_CSUMS, DIGEST_VERIFY };
void env_peer_request_digest(struct drbd_peer_request *pr, enum digest_use use);

/* ---- the block device that users see ---- */
void env_device_set_capacity(struct drbd_device *device, u64 sectors);
void env_device_set_read_only(struct drbd_device *device, bool read_only);
/* Limits changed (max_bio_size, discard): recompute the queue limits. */
void env_device_limits_changed(struct drbd_device *device);
/* Its disk is open: look again how big it is (device->backing_*, meta_sectors). */
void env_backing_sizes_update(struct drbd_device *device);

/*
 * ---- what resources know of each other (resync-after) ----
 *
 * A volume that waits for another one may belong to another resource, whose lock is not held.
 * env_minor_state() therefore reads a device's `brief`, one u64 that the core stores in one go,
 * without any lock; false: there is no such minor. After env_resync_after_changed() the host
 * calls, without the lock of this resource and under the lock of each device's own resource,
 * resync_after_evaluate(device) for all devices, until no call returns true.
 */
struct minor_brief {
	u8 conn, disk;
	bool paused;		/* any of the pause flags */
	s32 resync_after;	/* minor, -1 = none */
};
bool env_minor_state(s32 minor, struct minor_brief *brief);
void env_resync_after_changed(struct drbd_resource *resource);

/* ---- words for the administrator; printf-like, one line, no newline ---- */
enum log_level { LOG_LVL_ERR, LOG_LVL_WARN, LOG_LVL_INFO, LOG_LVL_DEBUG };
__attribute__((format(printf, 3, 4)))
void env_log_device(const struct drbd_device *device, enum log_level level, const char *fmt, ...);
__attribute__((format(printf, 3, 4)))
void env_log_connection(const struct drbd_connection *connection, enum log_level level, const char *fmt, ...);

#endif /* CORE_ENV_H */
