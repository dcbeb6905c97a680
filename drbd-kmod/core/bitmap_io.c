// SPDX-License-Identifier: GPL-2.0
/*
 * bitmap_io.c - bitmap pages on their way to the disk (metadata.md 4.2)
 *
 * A bit that is clear on disk vouches that both nodes hold the same, so the disk below must
 * not lose what was written there. A batch of pages is copied, then the data is flushed if
 * bits were cleared since the last time, then the copies are written: a bit that is cleared
 * after the flush began is not among them.
 */
#include "engine.h"

enum fiber_status device_flush_data(struct task *t, struct drbd_device *device,
				    struct bm_write *w)
{
	FIBER_BEGIN(w->flush_pc);
	t->result = 0;
	if (!device->disk_conf.disk_flushes)
		FIBER_RETURN(w->flush_pc);
	w->cleared = device->bits_cleared;
	FIBER_DO(w->flush_pc, t, ACT_FLUSH, device, 0);
	/* A disk that knows no flush has no cache to be flushed. */
	if (t->result == -EOPNOTSUPP)
		t->result = 0;
	if (t->result)
		device_io_error(device, IO_ERROR_DATA_WRITE);
	else if (w->cleared > device->bits_stable)
		device->bits_stable = w->cleared;
	FIBER_END(w->flush_pc);
}

static bool bits_are_unstable(const struct drbd_device *device)
{
	return device->bits_cleared != device->bits_stable && device->disk_conf.disk_flushes;
}

static void batch_done(struct drbd_device *device, struct bm_write *w, s64 result)
{
	w->error = (int)result;
	if (result)
		bm_batch_failed(&device->bitmap, &device->bm_batch);
	device->bm_batch.n = 0;
	device->bm_write_busy = false;
	env_wake(device->resource);
}

enum fiber_status device_bitmap_write(struct task *t, struct drbd_device *device,
				      struct bm_write *w, enum bm_write_what what)
{
	FIBER_BEGIN(w->pc);
	w->error = 0;
	w->cursor = 0;
	/* The disk may stop being one that is written to at any time: then there are no pages. */
	do {
		/*
		 * One batch at a time: a page that another writer has under way looks as if it
		 * were written, and the activity log must not forget extents on that ground.
		 */
		FIBER_WAIT_UNTIL(w->pc, !device->bm_write_busy);
		if (!bm_batch_fill(&device->bitmap, what, &w->cursor, &device->bm_batch))
			break;
		device->bm_write_busy = true;
		device->bm_writ_cnt += device->bm_batch.n;
		t->result = 0;
		if (bits_are_unstable(device))
			FIBER_CALL(w->pc, device_flush_data(t, device, w));
		if (!t->result)
			FIBER_DO(w->pc, t, ACT_BM_WRITE, device, 0);
		batch_done(device, w, t->result);
	} while (!w->error);
	t->result = w->error;
	FIBER_END(w->pc);
}
