// SPDX-License-Identifier: GPL-2.0
/* out_of_sync.c - setting and clearing bits of the bitmap by range, and its memory (activity.h) */
#include "objects.h"

/* Bytes handled at a time: fits 32 bits, a multiple of every block and extent. */
#define CHUNK_BYTES (1u << 30)

static bool has_bitmap(const struct drbd_device *device)
{
	return device->has_backing && device->bitmap.n_bits;
}

u64 device_set_out_of_sync(struct drbd_device *device, u64 sector, u64 bytes)
{
	u64 first, last, changed = 0;
	u32 now;

	if (!has_bitmap(device))
		return 0;
	for (; bytes; bytes -= now, sector += now >> 9) {
		now = (u32)min_t(u64, bytes, CHUNK_BYTES);
		if (!bm_range_touched(sector, now, device->capacity, &first, &last))
			break;
		changed += bm_set_range(&device->bitmap, first, last);
	}
	return changed;
}

u64 device_set_in_sync(struct drbd_device *device, u64 sector, u64 bytes)
{
	u64 first, last, changed;

	if (!has_bitmap(device) || core_bug_on(bytes > U32_MAX) ||
	    !bm_range_covered(sector, (u32)bytes, device->capacity, &first, &last))
		return 0;
	changed = bm_clear_range(&device->bitmap, first, last);
	if (changed)
		device->bits_cleared++;
	if (changed && state_is_sync(device->state.conn))
		resync_check_finished(device);
	return changed;
}

void device_bitmap_resized(struct drbd_device *device, void **pages, u8 *page_flags, u64 bits,
			   bool set_new_bits)
{
	bm_resize(&device->bitmap, pages, page_flags, bm_pages_for(bits), bits, set_new_bits);
}
