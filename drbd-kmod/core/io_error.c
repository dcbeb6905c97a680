// SPDX-License-Identifier: GPL-2.0
/* Errors of the backing disk, and how it is let go (states.md 8.1, end of 3). */
#include "after_change.h"
#include "names.h"
#include "predicates.h"

static enum io_fault fault_of(enum io_error_kind kind)
{
	switch (kind) {
	case IO_ERROR_DATA_READ:
		return IO_FAULT_READ;
	case IO_ERROR_DATA_WRITE:
		return IO_FAULT_WRITE;
	case IO_ERROR_META:
		return IO_FAULT_META;
	case IO_ERROR_TIMEOUT:
		break;
	}
	return IO_FAULT_FORCED;
}

static const char * const what[] = {
	[IO_ERROR_DATA_READ] = "reading data",
	[IO_ERROR_DATA_WRITE] = "writing data",
	[IO_ERROR_META] = "meta-data I/O",
	[IO_ERROR_TIMEOUT] = "waiting for the disk",
};

/*
 * The source of a sync has the only UpToDate disk: it stays that until the target has it all.
 * What could not be written is remembered till then; what could not be read the target lacks.
 */
static void error_on_source(struct drbd_device *device, enum io_error_kind kind)
{
	env_log_device(device, LOG_LVL_ERR,
		       "the backing disk failed while %s: kept until the peer is synced; replace it then",
		       what[kind]);
	if (kind == IO_ERROR_DATA_WRITE)
		device->resync.disk_lied = true;
}

void device_io_error(struct drbd_device *device, enum io_error_kind kind)
{
	u8 disk = io_error_disk(device->state.disk, fault_of(kind), device->disk_conf.on_io_error);

	if (kind == IO_ERROR_TIMEOUT)
		device->force_detach = true;
	if (disk == device->state.disk)
		return;
	if (disk == D_INCONSISTENT && state_is_sync_source(device->state.conn)) {
		error_on_source(device, kind);
		return;
	}
	env_log_device(device, LOG_LVL_ERR,
		       "the backing disk failed while %s: disk becomes %s; replace it, then attach again",
		       what[kind], name_of_disk(disk));
	if (disk == D_FAILED) {
		device->was_io_error = true;
		if (kind == IO_ERROR_DATA_READ)
			device->was_read_error = true;
	}
	state_force(device, ST_ARGS(ST_CHANGE_DISK(disk)));
}

/* ---- the end of a disk: work of the device, queued when the last reference is dropped */

/* Failed: what memory knows better than the disk goes there if it still can. */
static enum fiber_status disk_part(struct task *t, struct drbd_device *device)
{
	struct bulk_op *bulk = &device->disk_gone_bulk;
	struct md_sync *md = &bulk->md;

	FIBER_BEGIN(device->disk_gone_pc);
	device->local_refs++;
	if (!device->force_detach) {
		FIBER_CALL(device->disk_gone_pc, device_write_bitmap(t, device, bulk));
		/* The block that could not be read is known to memory only: sync all. */
		if (bulk->error && device->was_read_error) {
			device->md.flags |= MDF_FULL_SYNC;
			FIBER_CALL(device->disk_gone_pc, device_md_sync(t, device, md, true));
		}
	}
	state_force(device, ST_ARGS(ST_CHANGE_DISK(D_DISKLESS)));
	local_put(device);
	FIBER_END(device->disk_gone_pc);
}

static enum fiber_status disk_close(struct task *t, struct drbd_device *device)
{
	FIBER_BEGIN(device->disk_gone_pc);
	core_timer_cancel(device->resource, &device->md_timer);
	device->md_dirty = false;
	al_gone(device);
	/* From now on nobody may touch the pages, which are freed without the lock. */
	memset(&device->bitmap, 0, sizeof(device->bitmap));
	FIBER_DO(device->disk_gone_pc, t, ACT_CLOSE_BACKING, device, 0);
	device->has_backing = false;
	device->force_detach = false;
	device->was_io_error = false;
	device->was_read_error = false;
	env_wake(device->resource);
	FIBER_END(device->disk_gone_pc);
}

enum fiber_status disk_gone_run(struct task *t, struct work *work)
{
	struct drbd_device *device = container_of(work, struct drbd_device, disk_gone);

	FIBER_BEGIN(work->pc);
	/* Somebody may have taken a reference since; the last put comes here again. */
	if (device->state.disk == D_FAILED)
		FIBER_CALL(work->pc, disk_part(t, device));
	else if (device->state.disk == D_DISKLESS && device->has_backing && !device->local_refs)
		FIBER_CALL(work->pc, disk_close(t, device));
	FIBER_END(work->pc);
}
