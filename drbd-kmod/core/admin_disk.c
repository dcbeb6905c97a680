// SPDX-License-Identifier: GPL-2.0
/* Attach, detach and options of the backing disk (states.md 6, metadata.md 2.4, 4.4). */
#include "admin.h"
#include "predicates.h"

#define AL_DRAIN_MS 5000
#define ANSWER_MS 10000

static bool io_has_stopped(const struct drbd_device *device)
{
	return io_is_idle(device) || state_suspended(device_state(device));
}

static void freeze(struct drbd_device *device, struct admin_op *op)
{
	device_suspend_io(device);
	op->io_frozen = true;
}

static void unfreeze(struct drbd_device *device, struct admin_op *op)
{
	if (!op->io_frozen)
		return;
	op->io_frozen = false;
	device_resume_io(device);
}

void resource_write_ordering_update(struct drbd_resource *resource)
{
	struct drbd_device *device;
	u8 method = 2;

	for_each_volume(device, resource) {
		if (!device->has_backing || device->state.disk < D_ATTACHING)
			continue;
		device->no_flush = false;
		if (method == 2 && !device->disk_conf.disk_flushes)
			method = 1;
		if (method == 1 && !device->disk_conf.disk_drain)
			method = 0;
	}
	resource->write_ordering = method;
}

/* ---- attach */

s32 admin_attach_allowed(struct drbd_device *device, const struct disk_conf *conf)
{
	const struct drbd_connection *connection = &device->resource->connection;

	if (device->state.disk > D_DISKLESS)
		return ERR_DISK_CONFIGURED;
	if (conf->meta_dev_idx < MD_INDEX_INTERNAL)
		return ERR_MD_IDX_INVALID;
	if (conf->fencing == FENCING_RESOURCE_AND_STONITH && connection->configured &&
	    connection->net_conf.wire_protocol == OPT_PROTOCOL_A)
		return ERR_STONITH_AND_PROT_A;
	return ERR_NO_ERROR;
}

/* Marks of an earlier disk. */
static void attach_begin(struct drbd_device *device)
{
	device->has_backing = true;
	device->md_dirty = false;
	device->md_flags_extra = 0;
	device->size_busy = false;
	device->force_detach = false;
	device->was_io_error = false;
	device->was_read_error = false;
	device->crashed_primary = false;
	device->resync_after_negotiation = false;
	device->al.suspended = false;
}

/* Read and judge the superblock; op->ret. */
static enum fiber_status attach_read(struct task *t, struct drbd_device *device,
				     struct admin_op *op)
{
	s32 index = device->disk_conf.meta_dev_idx;
	enum md_kind kind;

	FIBER_BEGIN(op->pc2);
	op->facts.index = index;
	op->facts.data_sectors = device->backing_sectors;
	op->facts.meta_sectors = md_index_is_internal(index) ? device->backing_sectors :
							       device->meta_sectors;
	op->facts.configured_sectors = device->disk_conf.disk_size;
	op->facts.current_sectors = device->capacity;
	op->ret = ERR_IO_MD_DISK;
	if (!md_superblock_inside(index, op->facts.meta_sectors))
		FIBER_RETURN(op->pc2);
	memset(&device->layout, 0, sizeof(device->layout));
	device->layout.sb_sector = md_superblock_sector(index, op->facts.meta_sectors);
	FIBER_DO(op->pc2, t, ACT_MD_READ, device, device->layout.sb_sector);
	if (t->result)
		FIBER_RETURN(op->pc2);
	kind = md_superblock_decode(device->md_buffer, &device->md);
	/* The log that it had was applied by the tools; a new one counts from this node's own word. */
	device->md_flags_durable = device->md.flags & ~(u32)MDF_PRIMARY_IND;
	op->ret = md_attach_check(&device->md, kind, &op->facts, &device->layout, &op->new_layout);
	FIBER_END(op->pc2);
}

/* I/O drained, earlier work done: Attaching. */
static enum fiber_status attach_claim(struct task *t, struct drbd_device *device,
				      struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	freeze(device, op);
	FIBER_WAIT_UNTIL(op->pc2, io_has_stopped(device));
	op->ticket = work_ticket(op->resource);
	FIBER_WAIT_UNTIL(op->pc2, work_reached(op->resource, op->ticket));
	state_request_init(&op->rq, ST_CHANGE_DISK(D_ATTACHING), CS_VERBOSE);
	FIBER_CALL(op->pc2, state_request(t, device, &op->rq));
	unfreeze(device, op);
	op->ret = op->rq.ret < SS_SUCCESS ? (s32)op->rq.ret : ERR_NO_ERROR;
	FIBER_END(op->pc2);
}

/* Somebody uses the data without a disk here: it must be the same data. */
static bool data_in_use_elsewhere(const struct drbd_device *device)
{
	return device->state.pdsk != D_UP_TO_DATE &&
	       (device->state.role == ROLE_PRIMARY || device->state.peer == ROLE_PRIMARY);
}

static u32 al_blocks(const struct md_layout *layout)
{
	return layout->al_sectors / MD_BLOCK_SECTORS;
}

/* What can still go wrong once it is Attaching, before the disk is written to. */
static void attach_check(struct drbd_device *device, struct admin_op *op)
{
	u64 configured = device->disk_conf.disk_size, size;
	bool in_use = data_in_use_elsewhere(device) &&
		      !exposure_is_own_disk(device, device->md.uuid[MD_UUID_CURRENT]);
	struct md_layout stored = device->layout;

	op->ret = md_attach_check_data_uuid(&device->md, in_use, device->ed_uuid);
	if (op->ret == MD_OK && device->state.role == ROLE_PRIMARY &&
	    exposure_exceeds(device, device->md.uuid[MD_UUID_CURRENT])) {
		op->ret = MD_ERR_DATA_NOT_CURRENT;
		env_log_device(device, LOG_LVL_ERR,
			       "this disk (%016llX) lacks writes that only the peer has: connect first, it is synced then; or give them up by making this node Secondary",
			       (unsigned long long)device->md.uuid[MD_UUID_CURRENT]);
		return;
	}
	if (op->ret != MD_OK) {
		env_log_device(device, LOG_LVL_ERR,
			       "this disk holds other data (%016llX) than what is in use (%016llX); attach the disk that was lost last",
			       (unsigned long long)device->md.uuid[MD_UUID_CURRENT],
			       (unsigned long long)device->ed_uuid);
		return;
	}
	device->layout = op->new_layout;
	size = device_new_size(device, configured, false);
	device->layout = stored;
	op->ret = md_attach_check_shrink(&device->md, size, configured);
	if (op->ret != MD_OK) {
		env_log_device(device, LOG_LVL_ERR,
			       "attaching would shrink consistent data from %llu to %llu sectors; say so with disk option size, or use a bigger disk",
			       (unsigned long long)device->md.la_size_sect,
			       (unsigned long long)size);
		admin_info(op, "The disk's data is consistent and larger than what would be left of it.\nSet the disk option size to the new size if that is intended.");
		return;
	}
	op->ret = resync_after_valid(device, device->disk_conf.resync_after);
}

static void attach_marks(struct drbd_device *device)
{
	u32 flags = device->md.flags;
	bool frozen_primary = device->state.role == ROLE_PRIMARY && device->resource->susp_nod;

	device->crashed_primary = (flags & MDF_CRASHED_PRIMARY) ||
				  ((flags & MDF_PRIMARY_IND) && !frozen_primary);
	device->degraded_wfc = device->state.role != ROLE_PRIMARY &&
			       (flags & MDF_PRIMARY_IND) && !(flags & MDF_CONNECTED_IND);
	device->send_cnt = 0;
	device->recv_cnt = 0;
	device->read_cnt = 0;
	device->writ_cnt = 0;
}

/*
 * Without a log nothing on this disk says what was written since its bitmap was: not after a crash,
 * nor when a Primary that froze for it gets it back.
 */
static bool wants_full_sync(const struct drbd_device *device)
{
	u32 flags = device->md.flags;

	return (flags & MDF_FULL_SYNC) ||
	       ((flags & (MDF_CRASHED_PRIMARY | MDF_PRIMARY_IND)) && (flags & MDF_AL_DISABLED));
}

/* Size, activity log, bitmap. */
static enum fiber_status attach_fill(struct task *t, struct drbd_device *device,
				     struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	FIBER_DO(op->pc2, t, ACT_AL_RESIZE, device,
		 md_al_extents_clamp(al_blocks(&op->new_layout), device->disk_conf.al_extents));
	op->ret = ERR_NOMEM;
	if (t->result)
		FIBER_RETURN(op->pc2);
	attach_marks(device);
	al_ring_begin(device, al_blocks(&device->layout));

	memset(&op->resize, 0, sizeof(op->resize));
	FIBER_CALL(op->pc2, device_determine_size(t, device, &op->resize));
	op->ret = op->resize.error;
	if (op->resize.outcome == SIZE_ERROR)
		FIBER_RETURN(op->pc2);
	if (op->resize.outcome == SIZE_GREW)
		device->resync_after_negotiation = true;

	op->ret = ERR_IO_MD_DISK;
	if (wants_full_sync(device)) {
		env_log_device(device, LOG_LVL_INFO,
			       "everything is marked out of sync: an earlier full sync was not completed, or the activity log was off");
		FIBER_CALL(op->pc2, device_set_all_and_write(t, device, &op->bulk));
		if (op->bulk.error)
			FIBER_RETURN(op->pc2);
	} else {
		FIBER_DO(op->pc2, t, ACT_BM_READ, device, 0);
		if (t->result)
			FIBER_RETURN(op->pc2);
	}
	if (device->bitmap.bits_set == device->bitmap.n_bits && device->state.conn < C_CONNECTED)
		device->al.suspended = true;
	/* An I/O error may have come in between. */
	if (device->state.disk == D_ATTACHING)
		op->ret = ERR_NO_ERROR;
	FIBER_END(op->pc2);
}

/*
 * This disk was lost before it could record the end of a resync from here, and the peer has gone on
 * since. Nothing was written on this disk alone: it was lost while connected, and this is still the
 * same connection. Without the record it would look as if there was (handshake.c went_on_unseen()).
 */
static void attach_record_sync_end(const struct drbd_device *device, struct uuid_set *set)
{
	u64 sync = device->lost.sync_uuid;

	if (!device->peer_uuids.valid || !device->lost.link ||
	    device->lost.link != device->resource->connection.established_at ||
	    !uuid_same(device->lost.current_uuid, set->slot[UUID_CURRENT]) ||
	    (sync && sync != set->slot[UUID_BITMAP]))
		return;
	if (uuid_went_on_after_sync(set, &device->peer_uuids.set))
		uuid_bitmap_retire(set);
}

/*
 * A Primary alone takes only the disk that holds what its users see: nobody has to say first that
 * these data count. Whether its peer is fenced is another question, which its loss has raised.
 */
static bool is_primarys_own(const struct drbd_device *device)
{
	return device->state.role == ROLE_PRIMARY && device->state.conn < C_CONNECTED &&
	       device->ed_uuid;
}

/* The verdict: what this disk is worth; while connected the peer has a say. */
static void attach_verdict(struct drbd_device *device, struct admin_op *op)
{
	struct attach_verdict v = state_attach_verdict(device->md.flags, device->disk_conf.fencing);
	bool own = v.disk == D_CONSISTENT && is_primarys_own(device);
	struct state_change change = ST_CHANGE_DISK(own ? D_UP_TO_DATE : v.disk);
	struct uuid_set set = device_uuids(device);
	enum ss_code rv;

	if (device->state.conn == C_CONNECTED) {
		device->disk_at_attach = v.disk;
		device->pdsk_at_attach = v.pdsk == D_OUTDATED ? v.pdsk : device->state.pdsk;
		attach_record_sync_end(device, &set);
		device->peer_uuids.valid = false;
		change = ST_CHANGE_DISK(D_NEGOTIATING);
	} else if (v.pdsk == D_OUTDATED) {
		change = state_change_join(change, ST_CHANGE_PDSK(D_OUTDATED));
	}
	uuid_mark_primary(&set, device->state.role == ROLE_PRIMARY);
	memcpy(device->md.uuid, set.slot, sizeof(set.slot));
	rv = state_change(device, change.mask, change.val, CS_VERBOSE | (own ? CS_HARD : 0));
	op->ret = rv < SS_SUCCESS ? (s32)rv : ERR_NO_ERROR;
	if (op->ret != ERR_NO_ERROR)
		return;
	device_md_mark_dirty(device);
	resource_write_ordering_update(op->resource);
	device_reconsider_max_bio_size(device);
	env_device_limits_changed(device);
	resync_after_changed(device->resource);
}

/* Let everything go again; op->ret says why. */
static enum fiber_status attach_undo(struct task *t, struct drbd_device *device,
				     struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	if (op->attaching) {
		state_force(device, ST_ARGS(ST_CHANGE_DISK(D_DISKLESS)));
		local_put(device);
		FIBER_WAIT_UNTIL(op->pc2, !device->has_backing);
	} else {
		al_gone(device);
		memset(&device->bitmap, 0, sizeof(device->bitmap));
		FIBER_DO(op->pc2, t, ACT_CLOSE_BACKING, device, 0);
		device->has_backing = false;
		env_wake(op->resource);
	}
	FIBER_END(op->pc2);
}

enum fiber_status admin_attach(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	/* The worker may not be through with closing an earlier disk. */
	FIBER_WAIT_UNTIL(op->pc, !device->has_backing);
	attach_begin(device);
	FIBER_CALL(op->pc, attach_read(t, device, op));
	if (op->ret == ERR_NO_ERROR)
		FIBER_CALL(op->pc, attach_claim(t, device, op));
	if (op->ret == ERR_NO_ERROR) {
		op->attaching = local_get(device, D_ATTACHING);
		attach_check(device, op);
	}
	if (op->ret == ERR_NO_ERROR)
		FIBER_CALL(op->pc, attach_fill(t, device, op));
	if (op->ret == ERR_NO_ERROR)
		attach_verdict(device, op);
	if (op->ret != ERR_NO_ERROR) {
		FIBER_CALL(op->pc, attach_undo(t, device, op));
		FIBER_RETURN(op->pc);
	}
	FIBER_CALL(op->pc, device_md_sync(t, device, &op->md, true));
	local_put(device);
	FIBER_END(op->pc);
}

/* ---- detach */

static bool is_detached(const struct drbd_device *device)
{
	return device->state.disk == D_DISKLESS && !device->has_backing;
}

static void detach_forced(struct drbd_device *device, struct admin_op *op)
{
	device->force_detach = true;
	op->inner = state_force(device, ST_ARGS(ST_CHANGE_DISK(D_FAILED)));
	/* Failed by itself before: then this is the order not to wait for it. */
	if (op->inner == SS_NOTHING_TO_DO)
		request_abort_local(device);
	op->inner = SS_SUCCESS;
}

enum fiber_status disk_detach(struct task *t, struct drbd_device *device, struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	op->inner = SS_NOTHING_TO_DO;
	if (device->state.disk == D_DISKLESS)
		FIBER_RETURN(op->pc2);
	if (op->force) {
		detach_forced(device, op);
		FIBER_RETURN(op->pc2);
	}
	freeze(device, op);
	FIBER_WAIT_UNTIL(op->pc2, io_has_stopped(device) || t->interrupted);
	if (!io_has_stopped(device)) {
		/* A disk that hangs, maybe: it is detached as it was asked for, or not at all. */
		op->inner = ERR_INTR;
		unfreeze(device, op);
		FIBER_RETURN(op->pc2);
	}
	state_request_init(&op->rq, ST_CHANGE_DISK(D_FAILED),
			   CS_VERBOSE | CS_ORDERED | CS_INHIBIT_MD_IO);
	FIBER_CALL(op->pc2, state_request(t, device, &op->rq));
	op->inner = op->rq.ret;
	if (op->inner == SS_IS_DISKLESS)
		op->inner = SS_NOTHING_TO_DO;
	if (op->inner >= SS_SUCCESS) {
		FIBER_WAIT_UNTIL(op->pc2, device->state.disk != D_FAILED || t->interrupted);
		FIBER_WAIT_UNTIL(op->pc2, is_detached(device) || t->interrupted);
	}
	if (t->interrupted && (op->inner < SS_SUCCESS || !is_detached(device)))
		op->inner = ERR_INTR;
	unfreeze(device, op);
	FIBER_END(op->pc2);
}

enum fiber_status admin_detach(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	FIBER_CALL(op->pc, disk_detach(t, op->device, op));
	op->ret = op->inner;
	FIBER_END(op->pc);
}

/* ---- options */

static u32 wanted_slots(const struct drbd_device *device, const struct disk_conf *conf)
{
	return md_al_extents_clamp(al_blocks(&device->layout), conf->al_extents);
}

static bool log_switched_on(const struct drbd_device *device, const struct disk_conf *conf)
{
	return conf->al_updates && !device->disk_conf.al_updates;
}

/* The log is empty: other slots, and what was not logged so far on the disk. */
static enum fiber_status options_al_empty(struct task *t, struct drbd_device *device,
					  struct admin_op *op)
{
	u32 slots = wanted_slots(device, &op->conf.disk);

	FIBER_BEGIN(op->pc3);
	t->result = 0;
	if (device->al.hot.n_slots != slots)
		FIBER_DO(op->pc3, t, ACT_AL_RESIZE, device, slots);
	op->ret = t->result ? ERR_NOMEM : ERR_NO_ERROR;
	if (op->ret != ERR_NO_ERROR || !log_switched_on(device, &op->conf.disk))
		FIBER_RETURN(op->pc3);
	device->disk_conf.al_updates = true;
	memset(&op->bulk, 0, sizeof(op->bulk));
	FIBER_CALL(op->pc3, device_flush_data(t, device, &op->bulk.pages));
	if (!t->result)
		FIBER_CALL(op->pc3, device_write_bitmap(t, device, &op->bulk));
	if (t->result)
		op->ret = ERR_IO_MD_DISK;
	FIBER_END(op->pc3);
}

/* A changed number of activity log slots, or a log that was off: with the log empty. */
static enum fiber_status options_al(struct task *t, struct drbd_device *device,
				    struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	if (device->al.hot.n_slots == wanted_slots(device, &op->conf.disk) &&
	    !log_switched_on(device, &op->conf.disk))
		FIBER_RETURN(op->pc2);
	freeze(device, op);
	FIBER_WAIT_UNTIL(op->pc2, (io_has_stopped(device) && !device->size_busy) || t->interrupted);
	op->ret = ERR_INTR;
	if (t->interrupted) {
		unfreeze(device, op);
		FIBER_RETURN(op->pc2);
	}
	device->size_busy = true;
	tl_close_epoch(&op->resource->connection);
	FIBER_WAIT_TIMEOUT(op->pc2, t, AL_DRAIN_MS, al_shrink(device) || t->interrupted);
	op->ret = ERR_NOMEM;
	device->al.barred = al_shrink(device);
	if (device->al.barred)
		FIBER_CALL(op->pc2, options_al_empty(t, device, op));
	else
		admin_info(op, "Try again without changing current al-extents or al-updates setting");
	device->al.barred = false;
	device_md_mark_dirty(device);
	device->size_busy = false;
	al_kick(device);
	env_wake(device->resource);
	unfreeze(device, op);
	FIBER_END(op->pc2);
}

static void options_apply(struct drbd_device *device, const struct disk_conf *conf)
{
	u64 size = device->disk_conf.disk_size;

	device->disk_conf = *conf;
	/* That one has changed meanwhile if the peer said so; here it never does. */
	device->disk_conf.disk_size = size;
	device_md_flags_update(device);
	resource_write_ordering_update(device->resource);
	env_device_limits_changed(device);
	if (device->state.conn >= C_CONNECTED)
		send_sync_param(device);
	resync_after_changed(device->resource);
	request_admission_kick(device);
}

enum fiber_status admin_disk_options(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	op->ret = ERR_NO_DISK;
	if (!local_get(device, D_INCONSISTENT))
		FIBER_RETURN(op->pc);
	op->conf.disk.resync_rate = max_t(u32, op->conf.disk.resync_rate, 1);
	op->ret = resync_after_valid(device, op->conf.disk.resync_after);
	if (op->ret == ERR_NO_ERROR)
		FIBER_CALL(op->pc, options_al(t, device, op));
	if (op->ret == ERR_NO_ERROR) {
		options_apply(device, &op->conf.disk);
		FIBER_CALL(op->pc, device_md_sync(t, device, &op->md, false));
	}
	local_put(device);
	FIBER_END(op->pc);
}

/* ---- resize */

static void resize_check(struct drbd_device *device, struct admin_op *op)
{
	struct size_op *size = &op->resize;
	struct state s = device_state(device);
	u32 stripes, stripe_4k;

	op->ret = ERR_NO_ERROR;
	if (s.conn > C_CONNECTED)
		op->ret = ERR_RESIZE_RESYNC;
	else if (s.role == ROLE_SECONDARY && s.peer == ROLE_SECONDARY)
		op->ret = ERR_NO_PRIMARY;
	else if (op->assume_clean && op->resource->connection.agreed_pro_version < 93)
		op->ret = ERR_NEED_APV_93;
	if (op->ret != ERR_NO_ERROR)
		return;
	md_superblock_stripes(&device->md, &stripes, &stripe_4k);
	size->forced = op->assume_peer_has_space;
	size->assume_clean = op->assume_clean;
	size->al_stripes = op->al_stripes ? op->al_stripes : stripes;
	size->al_stripe_size_4k = op->al_stripe_size_4k ? op->al_stripe_size_4k : stripe_4k;
	size->new_al_layout = size->al_stripes != stripes || size->al_stripe_size_4k != stripe_4k;
	if (size->new_al_layout)
		op->ret = md_restripe_check(size->al_stripes, size->al_stripe_size_4k,
					    s.conn == C_CONNECTED, op->assume_peer_has_space);
}

/*
 * The answer to an earlier command would be taken for one to this, and the two nodes disagree
 * on the size, and on whether there is anything to be synced.
 */
static bool answer_is_due(const struct drbd_device *device)
{
	return device->size_asked && device->state.conn == C_CONNECTED;
}

/* And whatever the peer asked for is under way: it may lead to a resync. */
static bool sizes_are_settled(const struct drbd_device *device)
{
	return !answer_is_due(device) && !device->size_busy;
}

enum fiber_status admin_resize(struct task *t, struct admin_op *op)
{
	struct drbd_device *device = op->device;

	FIBER_BEGIN(op->pc);
	FIBER_WAIT_TIMEOUT(op->pc, t, ANSWER_MS, sizes_are_settled(device) || t->interrupted);
	op->ret = ERR_NO_DISK;
	if (!local_get(device, D_INCONSISTENT))
		FIBER_RETURN(op->pc);
	memset(&op->resize, 0, sizeof(op->resize));
	resize_check(device, op);
	if (op->ret == ERR_NO_ERROR) {
		/* Nothing is written to the new part before the peer was told of it. */
		freeze(device, op);
		op->resize.has_user_size = true;
		op->resize.user_size = op->size;
		device->resizing = true;
		FIBER_CALL(op->pc, device_determine_size(t, device, &op->resize));
		op->ret = op->resize.outcome == SIZE_ERROR ? op->resize.error : ERR_NO_ERROR;
		FIBER_CALL(op->pc, device_md_sync(t, device, &op->md, false));
	}
	if (op->ret == ERR_NO_ERROR && device->state.conn == C_CONNECTED) {
		device->size_asked = true;
		device->growth_asked = op->resize.outcome == SIZE_GREW;
		send_uuids(device);
		send_sizes(device, true, (op->assume_peer_has_space ? WIRE_DDSF_FORCED : 0) |
					 (op->assume_clean ? WIRE_DDSF_NO_RESYNC : 0));
	}
	device->resizing = false;
	unfreeze(device, op);
	local_put(device);
	FIBER_END(op->pc);
}
