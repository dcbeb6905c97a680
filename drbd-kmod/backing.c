// SPDX-License-Identifier: GPL-2.0
/*
 * backing.c - opening the disks below, and I/O of metadata and bitmap
 */
#include <linux/completion.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include "shell.h"
#include "core/admin.h"

/* Holder of meta devices that several minors share (indexed external). */
static int shared_meta_holder;

void shell_backing_sizes(struct shell_device *d)
{
	struct block_device *bdev = d->backing.data.bdev;
	struct drbd_device *c = &d->core;

	c->backing_sectors = bdev_nr_sectors(bdev);
	c->meta_sectors = bdev_nr_sectors(d->backing.meta.bdev);
	c->backing_discards = bdev_max_discard_sectors(bdev) > 0;
	c->backing_discard_granularity = bdev_discard_granularity(bdev);
	c->backing_max_bio_size = queue_max_hw_sectors(bdev_get_queue(bdev)) << SECTOR_SHIFT;
	c->backing_limits.physical_block_size = bdev_physical_block_size(bdev);
	c->backing_limits.logical_block_size = bdev_logical_block_size(bdev);
	c->backing_limits.alignment_offset = max(0, bdev_alignment_offset(bdev));
	c->backing_limits.io_min = bdev_io_min(bdev);
	c->backing_limits.io_opt = bdev_io_opt(bdev);
}

int shell_backing_open(struct shell_device *d, const struct disk_conf *conf, const char **why)
{
	struct shell_backing *b = &d->backing;
	int err;

	b->data_holder = d;
	/* Indexed slots share the meta device between minors. */
	b->meta_holder = conf->meta_dev_idx < 0 ? (void *)d : (void *)&shared_meta_holder;

	err = drbd_bdev_open(&b->data, conf->backing_dev, b->data_holder);
	if (err) {
		*why = err == -EBUSY ?
			"the backing device is in use (mounted, or part of something): release it first" :
			err == -ENOENT ? "the backing device does not exist" :
			"the backing device can not be opened for writing";
		return ERR_OPEN_DISK;
	}
	err = drbd_bdev_open(&b->meta, conf->meta_dev, b->meta_holder);
	if (err) {
		*why = err == -EBUSY ? "the meta-data device is in use: release it first" :
			err == -ENOENT ? "the meta-data device does not exist" :
			"the meta-data device can not be opened for writing";
		drbd_bdev_close(&b->data, b->data_holder);
		return ERR_OPEN_MD_DISK;
	}
	if ((b->data.bdev == b->meta.bdev) != md_index_is_internal(conf->meta_dev_idx)) {
		*why = "internal meta-data needs the same device as data, external another one";
		shell_backing_close(d);
		return ERR_MD_IDX_INVALID;
	}
	return 0;
}

static void pages_free(void **pages, u8 *flags, u32 n)
{
	u32 i;

	for (i = 0; i < n; i++)
		free_page((unsigned long)pages[i]);
	kvfree(pages);
	kvfree(flags);
}

void shell_backing_close(struct shell_device *d)
{
	drbd_bdev_close(&d->backing.meta, d->backing.meta_holder);
	drbd_bdev_close(&d->backing.data, d->backing.data_holder);
}

/* ---- one page, synchronously ---- */

int shell_md_io(struct shell_device *d, u64 sector, struct page *page, blk_opf_t opf)
{
	struct bio_vec vec;
	struct bio bio;
	int err;

	drbd_bio_init(&bio, d->backing.meta.bdev, &vec, 1, opf);
	bio.bi_iter.bi_sector = sector;
	__bio_add_page(&bio, page, PAGE_SIZE, 0);
	err = submit_bio_wait(&bio);
	bio_uninit(&bio);
	return err;
}

/* ---- the bitmap: many pages at once ---- */

struct bitmap_io {
	atomic_t left;
	struct completion done;
	struct shell_device *d;
	bool write;
	int error;
};

static void bitmap_endio(struct bio *bio)
{
	struct bitmap_io *io = bio->bi_private;
	int error = blk_status_to_errno(bio->bi_status);

	if (error)
		WRITE_ONCE(io->error, error);
	bio_put(bio);
	if (atomic_dec_and_test(&io->left))
		complete(&io->done);
}

static void bitmap_io_begin(struct bitmap_io *io, struct shell_device *d, bool write)
{
	io->d = d;
	io->write = write;
	io->error = 0;
	atomic_set(&io->left, 1);
	init_completion(&io->done);
}

/* n <= BIO_MAX_VECS pages from `first` on, in `memory`. The area may end within the last one. */
static void bitmap_io_pages(struct bitmap_io *io, u32 first, u32 n, void **memory)
{
	struct shell_device *d = io->d;
	const struct md_layout *layout = &d->core.layout;
	struct bio *bio = drbd_bio_alloc(d->backing.meta.bdev, n,
					 (io->write ? REQ_OP_WRITE : REQ_OP_READ) | REQ_SYNC | REQ_META,
					 GFP_NOIO, &fs_bio_set);
	u64 area = layout->bm_sectors << SECTOR_SHIFT;
	u32 i;

	bio->bi_iter.bi_sector = layout->bm_sector + (u64)first * MD_BLOCK_SECTORS;
	for (i = 0; i < n; i++) {
		u64 rest = area - (u64)(first + i) * PAGE_SIZE;

		__bio_add_page(bio, virt_to_page(memory[i]), min_t(u64, PAGE_SIZE, rest), 0);
	}
	bio->bi_private = io;
	bio->bi_end_io = bitmap_endio;
	atomic_inc(&io->left);
	submit_bio(bio);
}

static int bitmap_io_end(struct bitmap_io *io)
{
	if (!atomic_dec_and_test(&io->left))
		wait_for_completion_io(&io->done);
	return io->error;
}

int shell_bitmap_read(struct shell_device *d)
{
	struct shell_resource *r = shell_of_resource(d->core.resource);
	u32 n = bm_used_pages(&d->core.bitmap), i;
	struct bitmap_io io;
	int err;

	bitmap_io_begin(&io, d, false);
	for (i = 0; i < n; i += BIO_MAX_VECS)
		bitmap_io_pages(&io, i, min_t(u32, n - i, BIO_MAX_VECS), d->bm_pages + i);
	err = bitmap_io_end(&io);
	if (err)
		return err;
	drbd_lock(r);
	bm_recount(&d->core.bitmap);
	drbd_unlock(r);
	return 0;
}

/* The batch is ours until this returns; neighbours go together. */
int shell_bitmap_write(struct shell_device *d)
{
	struct bm_batch *batch = &d->core.bm_batch;
	struct bitmap_io io;
	u32 i, n;

	bitmap_io_begin(&io, d, true);
	for (i = 0; i < batch->n; i += n) {
		for (n = 1; i + n < batch->n; n++)
			if (batch->page[i + n] != batch->page[i] + n)
				break;
		bitmap_io_pages(&io, batch->page[i], n, batch->copy + i);
	}
	return bitmap_io_end(&io);
}

/* ---- memory ---- */

/* Where pages are copied to before they are written; kept from the first disk on. */
static bool batch_memory(struct shell_device *d)
{
	void **copy = d->core.bm_batch.copy;
	u32 i;

	for (i = 0; i < BM_BATCH; i++) {
		if (!copy[i])
			copy[i] = (void *)__get_free_page(GFP_NOIO);
		if (!copy[i])
			return false;
	}
	return true;
}

int shell_bitmap_resize(struct shell_device *d, u64 sectors)
{
	struct shell_resource *r = shell_of_resource(d->core.resource);
	u64 bits = bm_bits_for_sectors(sectors);
	u32 n = bm_pages_for(bits), keep = min(n, d->bm_n_pages), i;
	void **pages = kvcalloc(max(n, 1u), sizeof(*pages), GFP_NOIO);
	u8 *flags = kvzalloc(max(n, 1u), GFP_NOIO);
	void **old_pages = d->bm_pages;
	u8 *old_flags = d->bm_flags;
	u32 old_n = d->bm_n_pages;

	if (!pages || !flags || !batch_memory(d))
		goto no_memory;
	for (i = keep; i < n; i++) {
		pages[i] = (void *)get_zeroed_page(GFP_NOIO);
		if (!pages[i])
			goto no_memory;
	}

	drbd_lock(r);
	for (i = 0; i < keep; i++) {
		pages[i] = old_pages[i];
		flags[i] = old_flags[i];
	}
	device_bitmap_resized(&d->core, pages, flags, bits, !d->core.bm_new_bits_clear);
	d->bm_pages = pages;
	d->bm_flags = flags;
	d->bm_n_pages = n;
	drbd_unlock(r);

	for (i = keep; i < old_n; i++)
		free_page((unsigned long)old_pages[i]);
	kvfree(old_pages);
	kvfree(old_flags);
	return 0;

no_memory:
	if (pages)
		for (i = keep; i < n; i++)
			free_page((unsigned long)pages[i]);
	kvfree(pages);
	kvfree(flags);
	return -ENOMEM;
}

int shell_al_resize(struct shell_device *d, u32 slots)
{
	struct shell_resource *r = shell_of_resource(d->core.resource);
	void *memory = kvzalloc(extents_mem_size(slots), GFP_NOIO), *old;

	if (!memory)
		return -ENOMEM;
	drbd_lock(r);
	old = d->al_memory;
	d->al_memory = memory;
	device_al_resized(&d->core, memory, slots);
	drbd_unlock(r);
	kvfree(old);
	return 0;
}

int shell_al_init(struct shell_device *d)
{
	struct shell_resource *r = shell_of_resource(d->core.resource);
	u32 blocks = d->core.layout.al_sectors / MD_BLOCK_SECTORS, i;
	u64 sector;
	int err = 0;

	for (i = 0; i < blocks && !err; i++) {
		drbd_lock(r);
		al_init_block(&d->core, i, &sector);
		drbd_unlock(r);
		err = shell_md_io(d, sector, d->al_page, REQ_OP_WRITE | REQ_SYNC | REQ_META |
				  (i == blocks - 1 ? REQ_PREFLUSH | REQ_FUA : 0));
	}
	return err;
}

void shell_device_memory_free(struct shell_device *d)
{
	u32 i;

	pages_free(d->bm_pages, d->bm_flags, d->bm_n_pages);
	for (i = 0; i < BM_BATCH; i++)
		free_page((unsigned long)d->core.bm_batch.copy[i]);
	memset(&d->core.bm_batch, 0, sizeof(d->core.bm_batch));
	kvfree(d->al_memory);
	d->bm_pages = NULL;
	d->bm_flags = NULL;
	d->bm_n_pages = 0;
	d->al_memory = NULL;
}
