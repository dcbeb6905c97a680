/* SPDX-License-Identifier: GPL-2.0 */
/*
 * engine.h - state changes of volumes and connections, and what they set off
 * (states.md 2 and 3). The rules are in state.h; this applies them to objects.
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "portable.h"
#include "bitmap.h"
#include "fiber.h"
#include "state.h"
#include "uuid.h"
#include "work.h"
#include "engine_types.h"
#include "md.h"

struct drbd_connection;
struct drbd_device;
struct drbd_resource;


/*
 * One volume. `mask` and `val` are partial changes in wire format (state_pack()).
 * Flags: enum chg_flags (CS_HARD, CS_VERBOSE ...). Local and at once; never cluster-wide.
 */
enum ss_code state_change(struct drbd_device *device, u32 mask, u32 val, u32 flags);
enum ss_code state_force(struct drbd_device *device, u32 mask, u32 val);	/* CS_HARD */
/* All volumes and the connection itself. */
enum ss_code conn_state_change(struct drbd_connection *connection, u32 mask, u32 val, u32 flags);
/* Would it be allowed? SS_SUCCESS, or the first error. */
enum ss_code conn_state_check(struct drbd_connection *connection, struct state_change change, u32 flags);

/*
 * A request: cluster-wide when the rules say so, serialised by the state mutex, retried on
 * SS_IN_TRANSIENT_STATE until the next change, complete when the after-change work ran
 * (the flags CS_SERIALIZE, CS_WAIT_COMPLETE as in states.md 2.2). Set up with
 * state_request_init(); t->interrupted and rq->give_up_at end the retries.
 * Connection-wide requests return SS_IN_TRANSIENT_STATE at once.
 */
void state_request_init(struct state_request *rq, struct state_change change, u32 flags);
/* mask and val as wire words for state_change() and the like: ST_ARGS(ST_CHANGE_CONN(x)). */
#define ST_ARGS(change) (change).mask, (change).val
enum fiber_status state_request(struct task *t, struct drbd_device *device, struct state_request *rq);
enum fiber_status conn_state_request(struct task *t, struct drbd_connection *connection,
				     struct state_request *rq);

/* The state mutex that serialises changes of this volume: its own, or below protocol 100 the
 * connection's. It is held while the flag is true; whoever clears it calls env_wake(). */
bool *device_change_mutex(struct drbd_device *device);

/* The facts that the pure rules need, gathered from the objects. */
void device_facts(const struct drbd_device *device, struct state_facts *facts);

/* Everything queued for the worker so far has been done when this reaches the ticket. */
u64 work_ticket(const struct drbd_resource *resource);
bool work_reached(const struct drbd_resource *resource, u64 ticket);

/* ---- metadata: generation.c ---- */
void device_md_mark_dirty(struct drbd_device *device);
/* Write the superblock if dirty (or `force`), as a fiber; t->result 0 or errno, errors handled. */
enum fiber_status device_md_sync(struct task *t, struct drbd_device *device, struct md_sync *s, bool force);
void device_uuid_set(struct drbd_device *device, enum md_uuid_slot slot, u64 value);
void device_uuid_set_bitmap(struct drbd_device *device, u64 value);
/* Has the peer said that it has everything of the resync that the bitmap UUID names? */
bool device_sync_ended(const struct drbd_device *device);
/* bitmap := current, current := random, durable before it is DONE (states.md 5.2 new-current). */
enum fiber_status device_uuid_new_current(struct task *t, struct drbd_device *device, struct md_sync *s);
struct uuid_set device_uuids(const struct drbd_device *device);
/* Take over a whole set, as the operations of uuid.h leave it; marks dirty. */
void device_uuids_store(struct drbd_device *device, const struct uuid_set *set);
u32 device_md_flags(const struct drbd_device *device);
/* Recompute the persistent flags from the present state (2.9), mark dirty if they changed. */
void device_md_flags_update(struct drbd_device *device);
/*
 * A new current UUID is owed and must be durable before writes complete that the peer may not
 * have (states.md 13.8): between begin and end request completion holds them back.
 */
void device_new_uuid_begin(struct drbd_device *device);
void device_new_uuid_end(struct drbd_device *device);
/* The peer, Primary without a disk, has taken my data, or writes to it: in the receiver. */
enum fiber_status generation_accepted(struct task *t, struct drbd_device *device, u16 *pc,
				      struct md_sync *s);
/*
 * The peer has answered a write with P_NEG_ACK and still counts as UpToDate: its state, on the
 * other socket, may come much later or never. Begins the generation of what only this node has.
 */
void device_write_refused(struct drbd_device *device);
/*
 * After a resend. What had been completed to its owner can not be sent again; if nothing proves
 * that the peer has it, its bits were set. Then a new generation begins here and the connection is
 * made anew, so that the peer is given those blocks.
 */
enum fiber_status generation_part(struct task *t, struct drbd_connection *connection,
				  struct part_op *op);

/* ---- bulk bitmap operations: bulk.c (states.md 5.4) ---- */
enum fiber_status device_set_all_and_write(struct task *t, struct drbd_device *device, struct bulk_op *op);
enum fiber_status device_clear_all_and_write(struct task *t, struct drbd_device *device, struct bulk_op *op);
/*
 * Pages that `what` is about, after a flush of the data if bits were cleared since the last one;
 * w->error and t->result tell. The caller has a reference on the disk, and deals with errors.
 */
enum fiber_status device_bitmap_write(struct task *t, struct drbd_device *device,
				      struct bm_write *w, enum bm_write_what what);
/* The volatile cache of the data's disk, unless disk-flushes is off; an error costs the disk. */
enum fiber_status device_flush_data(struct task *t, struct drbd_device *device,
				    struct bm_write *w);
/* Only changed pages, lazily. */
enum fiber_status device_write_bitmap(struct task *t, struct drbd_device *device, struct bulk_op *op);

/* ---- I/O errors: io_error.c (states.md 8.1) ---- */
enum io_error_kind { IO_ERROR_DATA_READ, IO_ERROR_DATA_WRITE, IO_ERROR_META, IO_ERROR_TIMEOUT };
void device_io_error(struct drbd_device *device, enum io_error_kind kind);

/* ---- helpers: helper.c; the fiber notifies before and after and flushes metadata ---- */
/* Exit code in call->status (0..255; failure to run counts as 0). device NULL: per connection. */
enum fiber_status helper_run(struct task *t, struct drbd_resource *resource, struct drbd_device *device,
			     const char *event, struct helper_call *call);

/* ---- size: size.c (states.md 6.1, metadata.md 4.5) ---- */
enum fiber_status device_determine_size(struct task *t, struct drbd_device *device, struct size_op *op);
/* Highest and lowest of every component over all volumes. */
struct state_range resource_states(struct drbd_resource *resource);

/* ---- fencing: fencing.c (states.md 8.4) ---- */
/* The fencing procedure; op->ok afterwards: the peer is known to be outdated or worse. */
enum fiber_status fence_peer(struct task *t, struct drbd_connection *connection, struct fence_op *op);
/* The same as connection->fence_task, started after a Primary lost its peer. */
enum fiber_status fence_task_run(struct task *t, struct core_task *task);

u64 device_new_size(const struct drbd_device *device, u64 user_size, bool forced);
/* Connected and grown: the Primary, or among equals the resolve-conflicts node, syncs the new part. */
void device_grow_resync(struct drbd_device *device);
void device_reconsider_max_bio_size(struct drbd_device *device);

/* ---- application I/O freeze (drains when count reaches 0): request.c ---- */
void device_suspend_io(struct drbd_device *device);
void device_resume_io(struct drbd_device *device);
static inline bool io_is_idle(const struct drbd_device *device);

#include "objects.h"

static inline bool io_is_idle(const struct drbd_device *device)
{
	return device->ap_in_flight == 0;
}

#endif /* CORE_ENGINE_H */
