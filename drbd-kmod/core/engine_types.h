/* SPDX-License-Identifier: GPL-2.0 */
/*
 * engine_types.h - what the fibers of engine.h keep between their steps
 *
 * Apart from engine.h so that objects.h can embed them. Zero-initialise before use.
 */
#ifndef CORE_ENGINE_TYPES_H
#define CORE_ENGINE_TYPES_H

#include "portable.h"
#include "md.h"
#include "state.h"
#include "work.h"

struct drbd_connection;
struct drbd_device;
struct drbd_resource;

/* What ACT_NOTIFY tells (netlink.md 5): one change of one volume, or of the connection. */
enum notify_kind { NOTIFY_STATE_CHANGE, NOTIFY_HELPER_CALL, NOTIFY_HELPER_RESPONSE, NOTIFY_SYNC_PROGRESS };
struct notify_side {
	struct state state;		/* of the volume; unused without one */
	u8 cstate;			/* connection */
	u8 role, peer_role;		/* highest over volumes */
	bool susp, susp_nod, susp_fen;
};
struct notify_record {
	enum notify_kind kind;
	struct drbd_resource *resource;
	struct drbd_device *device;	/* NULL: about the resource and connection only */
	struct notify_side os, ns;
	const char *helper;
	s32 helper_status;
};

struct state_request {
	u16 pc, pc2, pc3;
	u32 mask, val, flags;
	u64 ticket;		/* after-change work to wait for */
	bool asked;		/* the peer, which then counts on the change */
	bool *mutex;		/* the state mutex, while held */
	bool holds_md;		/* md_buffer_busy, CS_INHIBIT_MD_IO */
	u64 seen;		/* resource->changes when it had to wait */
	u64 give_up_at;		/* ms; 0 = retry for ever */
	enum ss_code ret;
};

/* Writing pages of the bitmap; error is 0 or a negative errno. */
struct bm_write {
	u16 pc, flush_pc;
	u32 cursor;
	u64 cleared;		/* drbd_device.bits_cleared when the flush began */
	int error;
};

/* Writing the superblock. */
struct md_sync {
	u16 pc, pc2;
	u32 flags;		/* of what is being written */
	struct bm_write pages;
};

/* A bulk bitmap operation; error is 0 or a negative errno. */
struct bulk_op {
	u16 pc, pc2;
	bool exclusive;
	/* Run by the data receiver, which must not wait for requests whose answers it would read. */
	bool in_receiver;
	struct md_sync md;
	struct bm_write pages;
	int error;
};

/* Calling a helper program. */
struct helper_call {
	u16 pc;
	struct md_sync md;
	struct drbd_device *walk;
	struct notify_record note;
	s32 status;		/* exit code */
};

/* Changing the size. */
enum size_outcome { SIZE_ERROR, SIZE_UNCHANGED, SIZE_SHRUNK, SIZE_GREW, SIZE_GREW_FROM_ZERO };
struct size_op {
	u16 pc, pc2;
	bool has_user_size;	/* configured from now on, if it comes to that: user_size */
	u64 user_size;
	bool forced, assume_clean;
	bool in_receiver;	/* as in struct bulk_op */
	bool as_told;			/* a handshake: by the size that was announced */
	bool new_al_layout;
	u32 al_stripes, al_stripe_size_4k;
	struct md_sync md;
	struct md_layout old_layout, new_layout;
	u64 new_size;
	bool moved, changed;
	struct bulk_op bulk;
	int error;		/* netlink ERR_* when SIZE_ERROR */
	enum size_outcome outcome;
};

/* The fencing procedure. */
struct fence_op {
	u16 pc;
	struct helper_call helper;
	u32 connect_count;
	u8 policy;		/* enum fencing_policy, highest over volumes */
	bool ok;
};

/*
 * After-change work (states.md 3): one record per change of a volume or a connection, in a
 * ring that belongs to it. When all are waiting, a further change is merged into the
 * youngest: older "before", newer "after".
 */
#define AFTER_WORKS 8
struct after_work {
	struct work work;
	struct drbd_connection *connection;
	struct notify_record note;	/* with os and ns; note.device NULL for a connection */
	bool started;
	u64 number;			/* order of queueing */
	u32 conn_todo;		/* CAFTER_*, of a connection */
	u8 disk_refs;			/* references on the disk to be dropped (2.3 step 4) */
	u8 uuids_owed;			/* device_new_uuid_begin() calls to be ended */
};

/* Of the item the worker is at; one a resource, since it does one at a time. */
/* generation_part() at work. */
struct part_op {
	u16 pc;
	bool parts;
	struct drbd_device *walk;
	struct md_sync md;
};

struct after_op {
	u16 pc, pc2, pc3;
	u64 todo;
	struct helper_call helper;
	struct md_sync md;
	struct bulk_op bulk;
	struct part_op part;
	struct drbd_device *walk;
	u64 uuid;
};

#endif /* CORE_ENGINE_TYPES_H */
