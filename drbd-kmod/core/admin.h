/* SPDX-License-Identifier: GPL-2.0 */
/*
 * admin.h - what an administrator may ask for (states.md 6, netlink.md 3)
 *
 * Each command is a fiber over a struct admin_op, run by whoever received it; the host
 * parses the message, opens devices and sockets, loads algorithms, and replies with op->ret:
 * an ERR_* code (> 100) or an SS_* result, and op->info when it is not empty.
 * task.interrupted asks a waiting command to give up (ERR_INTR).
 *
 * The host serialises commands of one resource (its admin mutex).
 */
#ifndef CORE_ADMIN_H
#define CORE_ADMIN_H

#include "portable.h"
#include "engine.h"
#include "nlattrs.h"

struct admin_op {
	/* in */
	struct drbd_resource *resource;
	struct drbd_device *device;		/* commands about one volume */
	bool force;				/* primary, disconnect, detach */
	bool set_defaults;
	u64 start_sector, stop_sector;		/* verify; U64_MAX = not given */
	bool have_start, repair;		/* verify */
	bool clear_bitmap;			/* new-current-uuid */
	u64 size;				/* resize: sectors, 0 = all */
	bool assume_peer_has_space, assume_clean;
	u32 al_stripes, al_stripe_size_4k;	/* resize: 0 = as it is */
	union {
		struct disk_conf disk;		/* attach, disk-options: complete new configuration */
		struct net_conf net;		/* connect, net-options */
		struct res_opts res;
	} conf;
	/* out */
	s32 ret;
	u32 timeout_type;
	char info[256];
	/* of the fiber */
	u16 pc, pc2, pc3;
	u32 tries;
	bool forced, verbose;
	struct state_change change;
	struct fence_op fence;
	bool *mutex;			/* state mutex while held */
	bool io_frozen;			/* device_suspend_io() to be undone */
	bool holds_writes;		/* device_new_uuid_begin() to be ended */
	u64 uuid_before, ticket;
	struct md_layout new_layout;
	struct md_attach_facts facts;
	bool disk_ref, attaching;
	struct state_request rq;
	struct helper_call helper;
	struct md_sync md;
	struct bulk_op bulk;
	struct size_op resize;
	struct part_op part;
	struct drbd_device *walk;
	s32 inner;			/* result of the part at work */
};

void admin_op_init(struct admin_op *op, struct drbd_resource *resource, struct drbd_device *device);

typedef enum fiber_status admin_command(struct task *t, struct admin_op *op);

admin_command admin_primary, admin_secondary;
/*
 * Attach. Order for the host: admin_attach_allowed(); wait until an earlier disk is closed; open both devices exclusively; fill in
 * device->backing_*, meta_sectors, md_buffer, al_buffer, disk_conf := conf.disk; run
 * admin_attach. When it fails the core asks for ACT_CLOSE_BACKING itself.
 */
s32 admin_attach_allowed(struct drbd_device *device, const struct disk_conf *conf);
admin_command admin_attach, admin_detach, admin_disk_options, admin_resize;
admin_command admin_outdate, admin_invalidate, admin_invalidate_remote;
admin_command admin_pause_sync, admin_resume_sync, admin_verify;
admin_command admin_suspend_io, admin_resume_io, admin_new_current_uuid;

/*
 * Connect. Host: admin_net_conf_check(change = false); load algorithms (their digest sizes go
 * into the connection); store addresses; run admin_connect. net-options likewise (change = true),
 * with admin_net_options doing the check of running resync or verify; its data-integrity-alg is
 * kept ready for env_integrity_prepare().
 */
s32 admin_net_conf_check(const struct drbd_connection *connection, const struct net_conf *net, bool change);
admin_command admin_connect, admin_disconnect, admin_net_options;
admin_command admin_resource_options;
/*
 * Whether it may go, and the state changes before it. When op->ret is ERR_NO_ERROR nothing of
 * the core refers to it any more: the host unlinks (device_unlink()) and frees it.
 */
admin_command admin_del_minor, admin_del_resource;
/* Demote, disconnect, detach all; the host then deletes minors and the resource. */
admin_command admin_down;
u32 admin_timeout_type(const struct drbd_device *device);
/* Is resync-after = minor acceptable for this device? ERR_* or NO_ERROR. resync.c */
s32 resync_after_valid(const struct drbd_device *device, s32 minor);

/* Parts that others are made of; op->inner is the result (admin_role.c, admin_disk.c, admin_net.c). */
enum fiber_status role_demote(struct task *t, struct drbd_device *device, struct admin_op *op);
enum fiber_status disk_detach(struct task *t, struct drbd_device *device, struct admin_op *op);
enum fiber_status net_disconnect(struct task *t, struct drbd_connection *connection,
				 struct admin_op *op);
/* A message for op->info; texts are joined with a space. */
void admin_info(struct admin_op *op, const char *text);
/* The weakest write ordering method that any attached disk allows (states.md 7.5). */
void resource_write_ordering_update(struct drbd_resource *resource);

/* Open and close of the block device (states.md 6): 0, -EROFS or -EMEDIUMTYPE as negative numbers. */
int device_open(struct drbd_device *device, bool for_write);
void device_close(struct drbd_device *device);

#endif /* CORE_ADMIN_H */
