/* SPDX-License-Identifier: GPL-2.0 */
/*
 * objects.h - resource, connection, device: what the engine works on
 *
 * A resource has one connection (to its one peer) and one or more devices, called
 * volumes when counted within the resource.  The host embeds these structs in its own.
 *
 * Locking: one spinlock a resource, owned by the host, usable from interrupts, protects
 * everything here.  Every core function is called with it held, unless its header says
 * otherwise, and none sleeps.  The memory that md_buffer, al_buffer, bitmap pages and the
 * extent tables occupy belongs to the host.
 */
#ifndef CORE_OBJECTS_H
#define CORE_OBJECTS_H

#include "portable.h"
#include "list.h"
#include "fiber.h"
#include "timer.h"
#include "work.h"
#include "env.h"
#include "options.h"
#include "state.h"
#include "uuid.h"
#include "wire.h"
#include "md.h"
#include "bitmap.h"
#include "extents.h"
#include "interval.h"
#include "rate.h"
#include "send.h"
#include "request.h"
#include "peer_request.h"
#include "activity.h"
#include "resync.h"
#include "engine_types.h"
#include "handshake.h"
#include "exposure.h"

/* Queue limits of the backing disk as P_SIZES tells them (wire.md L11), bytes. */
struct backing_limits {
	u32 physical_block_size, logical_block_size, alignment_offset, io_min, io_opt;
};

/* P_UUIDS as received (wire.md L10). */
struct peer_uuids {
	bool valid;
	struct uuid_set set;
	u64 bits_set;
	u64 flags;
};

/* A change that waits for the peer's consent (states.md 2.8). */
struct cluster_change {
	bool pending;			/* request sent, no answer yet */
	bool answered;
	s32 answer;			/* enum ss_code of the peer; > 0 accepted */
	bool state_owed;		/* of a volume: P_STATE was held back meanwhile */
};

/* What the fibers that handle parameter packets keep; the data receiver runs one at a time. */
struct receive_op {
	u16 pc, pc2;
	struct size_op size;
	struct helper_call helper;
	struct bulk_op bulk;
	struct md_sync md;
	struct state mine, peers;	/* P_STATE: my state that was judged, and the packet's */
	struct statepkt_verdict judged;
	struct handshake_verdict verdict;
	bool by_untold;			/* from a generation of mine that the peer was not told */
	u8 role_before;			/* my role before a demotion that the verdict asked for */
	u8 demotion;			/* enum handshake_demotion */
	u32 helpers_due, helpers_done;	/* HSH_* */
	const char *helper_name;	/* of the one that runs */
	u8 new_conn, peer_disk;		/* to be set */
	u64 current_uuid;
	struct drbd_device *walk;	/* over all volumes */
};

struct drbd_connection {
	struct drbd_resource *resource;
	bool configured;		/* net_conf and addresses are there */
	struct net_conf net_conf;
	u8 cstate;			/* enum drbd_conn, 0..9; volumes move on alone above 9 */
	u32 agreed_pro_version;		/* 80 before the handshake */
	u32 agreed_features;
	bool resolve_conflicts;		/* I accepted the meta socket (wire.md 1.3) */
	bool state_sent;		/* my handshake packets are out, answers pending */
	bool disconnect_sent;
	bool dry_run;			/* the peer said "tentative" */
	bool peer_discards_my_data;	/* peer's P_PROTOCOL carried discard-my-data */
	bool discards_my_data;		/* mine did */
	u32 connect_count;
	u32 count_before;		/* connect_count when these sockets were established */
	u32 establish_vnr;		/* next volume to shake hands for */
	struct drbd_device *establish_device;	/* may begin a generation before */
	struct md_sync establish_md;
	u32 refusals;			/* handshakes in a row that no volume came through */
	bool stranger[2];		/* that socket was accepted from another address than the peer's */
	u32 turned_away;		/* sockets closed since that was logged last ... */
	u64 turned_away_logged;		/* ... at this time */
	bool change_busy;		/* the connection's state mutex is held */
	struct cluster_change change;

	/* Digest sizes in bytes, 0 = none; the host sets them with the algorithms. */
	u32 integrity_size_out;		/* data-integrity-alg of what I send ... */
	u32 integrity_size_next;	/* ... and of what is queued from now on */
	bool update_queued;		/* P_PROTOCOL_UPDATE waits to be sent */
	u32 integrity_size_in;		/* of what the peer sends */
	u32 csums_size;
	u32 verify_size;
	char peer_integrity_alg[64];

	struct send_queue queue[2];	/* by enum drbd_socket */
	struct transfer_log tl;		/* request.h: epochs of the sending side */
	struct peer_epochs epochs;	/* peer_request.h: epochs of the receiving side */

	/* keep-alive (wire.md 1.5); times in ms */
	bool ping_wanted;		/* send P_PING as soon as possible */
	bool ping_out;			/* waiting for P_PING_ACK */
	u64 ping_sent;			/* when the last P_PING left */
	u32 ping_acks;			/* count of P_PING_ACK seen */
	u64 last_received;		/* anything on either socket */
	u64 established_at;
	struct core_timer request_timer;	/* ko-count x timeout, disk-timeout */
	struct core_timer barrier_timer;	/* no write came to carry the barrier along */

	struct receive_op receiving;		/* of the data receiver's fibers */
	struct core_timer teardown_timer;	/* the peer asked to part but does not close */
	struct core_timer hangup_timer;	/* a socket broke while hands are shaken: `hangup` then */
	u8 hangup;
	struct core_task fence_task;	/* fence-peer handler after a lost connection */
	struct fence_op fence;
	struct after_work after[AFTER_WORKS];
};

struct drbd_resource {
	char name[128];
	struct res_opts opts;
	struct dlist devices;		/* drbd_device.of_resource, ascending vnr */
	struct drbd_connection connection;
	bool susp, susp_nod, susp_fen;	/* I/O suspended, for all volumes (states.md 1.2) */
	u8 write_ordering;		/* 0 none, 1 drain, 2 flush */
	struct work_queue work;		/* what the worker does, strictly in order */
	struct timer_list_core timers;
	u64 changes;			/* count of state changes of any volume or the connection */
	struct after_op after_op;	/* after-change work in progress */
};

struct drbd_device {
	struct dlist of_resource;
	struct drbd_resource *resource;
	u32 minor;
	u32 vnr;
	struct state state;		/* susp* are merged in by device_state() */
	u32 open_count;
	bool unregistered;		/* being deleted */
	u64 capacity;			/* sectors, what users see */

	/* ---- backing disk; valid from Attaching until ACT_CLOSE_BACKING ---- */
	bool has_backing;
	struct disk_conf disk_conf;
	u64 backing_sectors;		/* size of the data device as the host sees it now */
	u64 meta_sectors;		/* size of the meta-data device */
	bool backing_discards;		/* it can discard ... */
	bool backing_discard_zeroes;	/* ... and what is discarded reads back as zeroes */
	u32 backing_discard_granularity;	/* bytes, 0 = unknown */
	u32 backing_max_bio_size;	/* bytes */
	struct backing_limits backing_limits;	/* for P_SIZES */
	struct md_superblock md;
	u32 md_flags_extra;		/* written besides md.flags while the size changes */
	u32 md_flags_durable;		/* in the superblock on disk, as far as this attach wrote it */
	struct md_layout layout;
	bool md_dirty;
	struct core_timer md_timer;	/* has the worker write a dirty superblock after 5 s */
	struct work md_work;
	struct md_sync md_work_sync;
	u8 *md_buffer;			/* 4096 bytes, for the superblock */
	bool md_buffer_busy;		/* taken by a fiber */
	u8 *al_buffer;			/* 4096 bytes, for log transactions */
	u32 local_refs;			/* I/O in flight on the backing disk, and its holders */
	bool crashed_primary;
	bool was_io_error, was_read_error, force_detach;
	u8 disk_at_attach, pdsk_at_attach;	/* verdict saved while Negotiating */
	u64 attached_at;		/* ms, grace for disk-timeout */
	struct bitmap bitmap;
	struct bm_batch bm_batch;	/* being written by whoever set bm_write_busy */
	bool bm_write_busy;
	bool no_flush;			/* the disk said that it knows no flush */
	/*
	 * How often bits were cleared because the disk holds what the peer has, and how many of
	 * these times a flush covers: before that the disk may not say so (bitmap_io.c).
	 */
	u64 bits_cleared, bits_stable;
	bool size_busy;			/* size, log or place of the metadata are being changed */
	bool bm_new_bits_clear;		/* ACT_BM_RESIZE: what is added is in sync (assume-clean) */
	bool bm_locked;			/* bulk operation: bits must not change */
	bool bm_io_pending;		/* a bulk operation waits: no new application I/O */
	struct activity_log al;		/* activity.h */

	/* ---- generation identifiers ---- */
	u64 ed_uuid;			/* current UUID of the data exposed to users */
	u64 unrenamed_uuid;		/* or 0: what the own disk is still called if ed_uuid failed
					 * to be written there; users have seen no more than it has */
	bool peer_lacks;		/* Primary, no disk: the peer may lack what users have seen */
	u8 exposure;			/* enum exposure: is that all of it? */
	struct core_timer exposure_timer;
	struct peer_uuids peer_uuids;
	struct {			/* the disk that was lost last, beside one that has all of it */
		u64 link;		/* established_at of the connection then; 0: not so */
		u64 current_uuid;
		u64 sync_uuid;		/* ... or will have, once this resync has ended */
	} lost;
	struct uuid_report sent_uuids;	/* my last P_UUIDS, which the peer decides by */
	bool new_uuid_on_thaw;		/* states.md "NCU" */
	bool acceptance_awaited;	/* by a Primary without disk, of my data: generation.c */
	bool skip_told;			/* the first sync, to a peer whose state does not say yet that it heard */
	bool resend_left_bits;		/* of writes nobody can send again: generation_part() */
	/*
	 * > 0: a new current UUID is on its way to the disk; writes that are done are kept on
	 * rq.held instead of being completed, until request_held_release() (states.md 13.8).
	 */
	u32 new_uuid_pending;

	/* ---- the peer's side of this volume ---- */
	u64 peer_max_sectors;		/* d_size of its P_SIZES, 0 = unknown or diskless */
	u32 peer_max_bio_size;
	bool resizing;			/* by command; the peer is told of it at its end */
	bool size_asked;		/* P_SIZES by command that the peer has not answered yet */
	bool growth_asked;		/* ... that made this node grow */
	bool grew_in_handshake;		/* what is new is marked here and nowhere to be synced */
	bool peer_discards;
	u32 max_bio_size;		/* bytes, largest request this node generates */

	/* ---- marks (states.md 1.3) ---- */
	bool consider_resync, resync_after_negotiation, discard_my_data;
	bool degraded_wfc, ahead_to_source_queued, before_resync_done;
	bool peer_left_behind;		/* bits say what it lacks of what users have, though frozen */
	bool change_busy;		/* the volume's state mutex is held */
	struct cluster_change change;

	/* ---- requests ---- */
	struct request_queues rq;	/* request.h: admission, conflict tree, lists */
	struct after_work after[AFTER_WORKS];
	struct work refused_write;	/* device_write_refused() */
	struct work disk_gone;		/* Failed -> Diskless, and closing a Diskless backing */
	u16 disk_gone_pc;
	struct bulk_op disk_gone_bulk;
	struct core_task full_sync;	/* set all bits, write them, then start the resync */
	struct bulk_op full_sync_op;
	bool loss_untold;		/* the disk was lost, and the peer does not know yet */
	u32 suspend_count;		/* internal freezes of application I/O */
	u32 ap_in_flight;		/* application requests admitted and not completed */
	u32 ap_pending;			/* of these waiting for the peer */
	u32 peer_unacked;		/* the peer's requests not yet answered */
	u32 packet_seq, peer_seq;	/* wire.md 5.6 */
	struct peer_request_lists prl;	/* peer_request.h */

	struct resync resync;		/* resync.h: resync and verify */
	u64 brief;			/* published for other resources: resync_after.c */

	/* ---- counters for status; sectors or counts, wrap at 2^32 ---- */
	u32 send_cnt, recv_cnt, read_cnt, writ_cnt, al_writ_cnt, bm_writ_cnt;
};

/* The state with the resource's suspension flags merged in. */
struct state device_state(const struct drbd_device *device);

void resource_init(struct drbd_resource *resource, const char *name, const struct res_opts *opts);
/* Inserts into the resource, conn inherited from the connection (netlink.md NEW_MINOR). */
void device_init(struct drbd_device *device, struct drbd_resource *resource, u32 minor, u32 vnr);
void device_unlink(struct drbd_device *device);
struct drbd_device *resource_volume(struct drbd_resource *resource, u32 vnr);
/* The volume behind `device` in order, the first for NULL; NULL after the last. For fibers. */
struct drbd_device *volume_next(struct drbd_resource *resource, struct drbd_device *device);

/* May users discard? Local disk and peer, as far as there are such, must be able to. */
bool device_may_discard(const struct drbd_device *device);

#define for_each_volume(device, resource) \
	dlist_for_each_entry(device, &(resource)->devices, of_resource)

/*
 * References on the backing disk.  local_get() succeeds while the disk state is at least
 * `min_disk`; every success is paired with local_put(), which lets a Failed disk go when
 * the last reference is dropped.
 */
bool local_get(struct drbd_device *device, enum drbd_disk min_disk);
void local_put(struct drbd_device *device);

#endif /* CORE_OBJECTS_H */
