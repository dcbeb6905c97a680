/* SPDX-License-Identifier: GPL-2.0 */
/*
 * compat.h - what differs between kernels, in one place
 *
 * The rest of the module is written for the newest kernel.  COMPAT_* come from
 * kcompat.h, which scripts/kernel-probes makes by compiling small sources against
 * the kernel being built for: vendor kernels backport, so versions tell little.
 */
#ifndef DRBD_COMPAT_H
#define DRBD_COMPAT_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/fs.h>
#include <linux/highmem.h>
#include <linux/net.h>
#include <linux/timer.h>
#include <linux/uio.h>
#include "kcompat.h"

#ifndef COMPAT_HAVE_BLK_OPF_T
typedef unsigned int blk_opf_t;
#endif
#ifndef COMPAT_HAVE_BIO_MAX_VECS
#define BIO_MAX_VECS BIO_MAX_PAGES
#endif

/* A block device opened for us. */
struct drbd_bdev {
	struct block_device *bdev;
#ifdef COMPAT_HAVE_BDEV_FILE_OPEN
	struct file *file;
#endif
};

#ifdef COMPAT_HAVE_BDEV_FILE_OPEN
static inline int drbd_bdev_open(struct drbd_bdev *b, const char *path, void *holder)
{
	b->file = bdev_file_open_by_path(path, BLK_OPEN_READ | BLK_OPEN_WRITE, holder, NULL);
	if (IS_ERR(b->file)) {
		int err = PTR_ERR(b->file);

		b->file = NULL;
		return err;
	}
	b->bdev = file_bdev(b->file);
	return 0;
}

static inline void drbd_bdev_close(struct drbd_bdev *b, void *holder)
{
	if (b->bdev)
		fput(b->file);
	b->bdev = NULL;
	b->file = NULL;
}
#else
static inline int drbd_bdev_open(struct drbd_bdev *b, const char *path, void *holder)
{
	struct block_device *bdev;

	bdev = blkdev_get_by_path(path, FMODE_READ | FMODE_WRITE | FMODE_EXCL, holder);
	if (IS_ERR(bdev))
		return PTR_ERR(bdev);
	b->bdev = bdev;
	return 0;
}

static inline void drbd_bdev_close(struct drbd_bdev *b, void *holder)
{
	if (b->bdev)
		blkdev_put(b->bdev, FMODE_READ | FMODE_WRITE | FMODE_EXCL);
	b->bdev = NULL;
}
#endif

#ifndef COMPAT_HAVE_BDEV_NR_SECTORS
static inline sector_t bdev_nr_sectors(struct block_device *bdev)
{
	return i_size_read(bdev->bd_inode) >> SECTOR_SHIFT;
}
#endif

#ifndef COMPAT_HAVE_BDEV_DISCARD_HELPERS
static inline unsigned int bdev_max_discard_sectors(struct block_device *bdev)
{
	struct request_queue *q = bdev_get_queue(bdev);

	return blk_queue_discard(q) ? q->limits.max_discard_sectors : 0;
}

static inline unsigned int bdev_discard_granularity(struct block_device *bdev)
{
	return bdev_get_queue(bdev)->limits.discard_granularity;
}
#endif

/* Before 5.19 a limit above zero was not enough. */
static inline void drbd_queue_may_discard(struct request_queue *q, bool may)
{
#ifdef QUEUE_FLAG_DISCARD
	if (may)
		blk_queue_flag_set(QUEUE_FLAG_DISCARD, q);
	else
		blk_queue_flag_clear(QUEUE_FLAG_DISCARD, q);
#endif
}

#ifndef COMPAT_HAVE_BIO_INIT_5
static inline void drbd_bio_init(struct bio *bio, struct block_device *bdev,
				 struct bio_vec *vecs, unsigned short n, blk_opf_t opf)
{
	bio_init(bio, vecs, n);
	bio_set_dev(bio, bdev);
	bio->bi_opf = opf;
}
#else
#define drbd_bio_init bio_init
#endif

#ifndef COMPAT_HAVE_BIO_ALLOC_CLONE_BDEV
static inline struct bio *drbd_bio_alloc_clone(struct block_device *bdev, struct bio *src,
					       gfp_t gfp, struct bio_set *bs)
{
	struct bio *bio = bio_clone_fast(src, gfp, bs);

	if (bio)
		bio_set_dev(bio, bdev);
	return bio;
}
static inline struct bio *drbd_bio_alloc(struct block_device *bdev, unsigned short n,
					 blk_opf_t opf, gfp_t gfp, struct bio_set *bs)
{
	struct bio *bio = bio_alloc_bioset(gfp, n, bs);

	if (bio) {
		bio_set_dev(bio, bdev);
		bio->bi_opf = opf;
	}
	return bio;
}
#else
#define drbd_bio_alloc_clone bio_alloc_clone
#define drbd_bio_alloc bio_alloc_bioset
#endif

#ifdef COMPAT_HAVE_BLKDEV_ISSUE_FLUSH_1
#define drbd_issue_flush(bdev) blkdev_issue_flush(bdev)
#else
#define drbd_issue_flush(bdev) blkdev_issue_flush(bdev, GFP_NOIO)
#endif

#ifndef COMPAT_HAVE_ITER_DEST
#define ITER_DEST READ
#define ITER_SOURCE WRITE
#endif

#ifdef COMPAT_HAVE_TIMER_CONTAINER_OF
#define drbd_timer_container_of timer_container_of
#else
#define drbd_timer_container_of from_timer
#endif
#ifndef COMPAT_HAVE_TIMER_DELETE_SYNC
#define timer_delete_sync del_timer_sync
#endif
#ifndef COMPAT_HAVE_TIMER_DELETE
#define timer_delete del_timer
#endif

/* Whoever maps a page here does not sleep before it is unmapped. */
#ifndef COMPAT_HAVE_KMAP_LOCAL
#define kmap_local_page(page) kmap_atomic(page)
#define kunmap_local(address) kunmap_atomic(address)
#endif
#ifndef COMPAT_HAVE_BVEC_KMAP_LOCAL
static inline void *bvec_kmap_local(struct bio_vec *vec)
{
	return kmap_local_page(vec->bv_page) + vec->bv_offset;
}
#endif

#ifndef COMPAT_HAVE_ISSUE_DISCARD_4
#define drbd_issue_discard(bdev, sector, nr, gfp) blkdev_issue_discard(bdev, sector, nr, gfp, 0)
#else
#define drbd_issue_discard blkdev_issue_discard
#endif

/* ---- the visible disk ---- */

#ifdef COMPAT_HAVE_BI_BDEV
#define drbd_bio_disk(bio) ((bio)->bi_bdev->bd_disk)
#else
#define drbd_bio_disk(bio) ((bio)->bi_disk)
#endif

#ifndef COMPAT_HAVE_BIO_SPLIT_TO_LIMITS
static inline struct bio *bio_split_to_limits(struct bio *bio)
{
	blk_queue_split(&bio);
	return bio;
}
#endif

#ifdef COMPAT_HAVE_SUBMIT_BIO_VOID
#define DRBD_SUBMIT_BIO(submit) submit
#else
#define DRBD_SUBMIT_BIO(submit) submit##_cookie
#define DRBD_SUBMIT_BIO_DEFINE(submit)			\
static blk_qc_t submit##_cookie(struct bio *bio)	\
{							\
	submit(bio);					\
	return BLK_QC_T_NONE;				\
}
#endif
#ifndef DRBD_SUBMIT_BIO_DEFINE
#define DRBD_SUBMIT_BIO_DEFINE(submit)
#endif

#ifndef COMPAT_HAVE_GENHD_FL_NO_PART
#define GENHD_FL_NO_PART GENHD_FL_NO_PART_SCAN
#endif

#ifdef COMPAT_HAVE_ADD_DISK_ERROR
#define drbd_add_disk add_disk
#else
static inline int drbd_add_disk(struct gendisk *disk)
{
	add_disk(disk);
	return 0;
}
#endif

#ifndef COMPAT_HAVE_SET_CAPACITY_AND_NOTIFY
#define set_capacity_and_notify(disk, sectors) set_capacity_revalidate_and_notify(disk, sectors, true)
#endif

#ifdef COMPAT_HAVE_BLK_ALLOC_DISK
#ifndef COMPAT_HAVE_BLK_FEAT_FLAGS
#define drbd_blk_alloc_disk() blk_alloc_disk(NUMA_NO_NODE)
#endif
#define drbd_put_disk put_disk
#else
static inline struct gendisk *drbd_blk_alloc_disk(void)
{
	struct gendisk *disk = alloc_disk(1);

	if (!disk)
		return NULL;
	disk->queue = blk_alloc_queue(NUMA_NO_NODE);
	if (!disk->queue) {
		put_disk(disk);
		return NULL;
	}
	return disk;
}

static inline void drbd_put_disk(struct gendisk *disk)
{
	blk_cleanup_queue(disk->queue);
	put_disk(disk);
}
#endif

#ifndef COMPAT_HAVE_MODULE_PUT_AND_KTHREAD_EXIT
#define module_put_and_kthread_exit(code) module_put_and_exit(code)
#endif

/* Of any age: a page of kmalloc(), whether from a slab or as a whole. */
static inline bool drbd_page_is_kmalloc(struct page *page)
{
#ifdef COMPAT_HAVE_LARGE_KMALLOC
	if (folio_test_large_kmalloc(page_folio(page)))
		return true;
#endif
	return PageSlab(compound_head(page));
}

#ifdef COMPAT_HAVE_SOCKADDR_UNSIZED
#define drbd_sockaddr struct sockaddr_unsized
#else
#define drbd_sockaddr struct sockaddr
#endif

#ifdef COMPAT_HAVE_BDEV_OPEN_DISK
#define DRBD_OPEN_ARGS struct gendisk *disk, blk_mode_t mode
#define DRBD_RELEASE_ARGS struct gendisk *disk
#define DRBD_OPEN_DISK(sh) ((sh) = disk->private_data)
#define DRBD_OPEN_FOR_WRITE (mode & BLK_OPEN_WRITE)
#else
#define DRBD_OPEN_ARGS struct block_device *bdev, fmode_t mode
#define DRBD_RELEASE_ARGS struct gendisk *disk, fmode_t mode
#define DRBD_OPEN_DISK(sh) ((sh) = bdev->bd_disk->private_data)
#define DRBD_OPEN_FOR_WRITE (mode & FMODE_WRITE)
#endif

#endif /* DRBD_COMPAT_H */
