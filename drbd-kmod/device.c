// SPDX-License-Identifier: GPL-2.0
/*
 * device.c - the block device that users see, and the local part of their requests
 */
#include <linux/module.h>
#include "shell.h"
#include "trace.h"
#include "core/admin.h"

static struct kmem_cache *request_cache;
static mempool_t *request_pool;
static struct bio_set local_bios;

#define REQUESTS_RESERVED 256

/* ---- from bio to request ---- */

static bool bio_to_op(struct bio *bio, enum request_op *op)
{
	switch (bio_op(bio)) {
	case REQ_OP_READ:
		*op = OP_READ;
		return true;
	case REQ_OP_WRITE:
		*op = bio_sectors(bio) ? OP_WRITE : OP_FLUSH;
		return true;
	case REQ_OP_FLUSH:
		*op = OP_FLUSH;
		return true;
	case REQ_OP_DISCARD:
		*op = OP_DISCARD;
		return true;
	case REQ_OP_WRITE_ZEROES:
		*op = OP_WRITE_ZEROES;
		return true;
	default:
		return false;
	}
}

static u32 bio_dp_flags(const struct bio *bio)
{
	return (bio->bi_opf & REQ_SYNC ? DP_RW_SYNC : 0) |
	       (bio->bi_opf & REQ_FUA ? DP_FUA : 0) |
	       (bio->bi_opf & REQ_PREFLUSH ? DP_FLUSH : 0);
}

static u32 bio_vec_count(struct bio *bio)
{
	struct bvec_iter iter;
	struct bio_vec vec;
	u32 n = 0;

	/* Discards and the like have no data to be walked over. */
	if (!bio_has_data(bio))
		return 0;
	bio_for_each_bvec(vec, bio, iter)
		n++;
	return n;
}

static void request_work(struct work_struct *work);

static void drbd_submit_bio(struct bio *bio)
{
	struct shell_device *d = drbd_bio_disk(bio)->private_data;
	struct shell_resource *r = shell_of_resource(d->core.resource);
	struct shell_request *req;
	enum request_op op;

	bio = bio_split_to_limits(bio);
	if (!bio)
		return;
	if (!bio_to_op(bio, &op)) {
		bio->bi_status = BLK_STS_NOTSUPP;
		bio_endio(bio);
		return;
	}

	req = mempool_alloc(request_pool, GFP_NOIO);
	memset(req, 0, sizeof(*req));
	req->master = bio;
	req->n_vecs = bio_vec_count(bio);
	INIT_LIST_HEAD(&req->submit);
	INIT_WORK(&req->work, request_work);
	req->start_jif = bio_start_io_acct(bio);
	request_init(&req->core, &d->core, op, bio->bi_iter.bi_sector, bio->bi_iter.bi_size,
		     bio_dp_flags(bio));
	req->core.may_unmap = !(bio->bi_opf & REQ_NOUNMAP);
	req->core.read_ahead = bio->bi_opf & REQ_RAHEAD;

	trace_drbd_request_new(&req->core, 0);
	drbd_lock(r);
	request_new(&req->core);
	drbd_unlock(r);
}
DRBD_SUBMIT_BIO_DEFINE(drbd_submit_bio)

void env_request_free(struct drbd_request *core)
{
	mempool_free(shell_of_request(core), request_pool);
}

/* ---- the local part ---- */

static void request_done(struct shell_request *req, int error)
{
	struct shell_resource *r = shell_of_resource(req->core.device->resource);

	drbd_lock(r);
	request_local_done(&req->core, error);
	drbd_unlock(r);
}

/* All of them are pages of ours, one a vector. */
static void own_pages_free(struct bio *bio)
{
	u32 i;

	for (i = 0; i < bio->bi_vcnt; i++)
		__free_page(bio->bi_io_vec[i].bv_page);
}

static bool own_pages_alloc(struct bio *bio, u32 bytes)
{
	while (bytes) {
		struct page *page = alloc_page(GFP_NOIO | __GFP_NOWARN);
		u32 n = min_t(u32, bytes, PAGE_SIZE);

		if (!page) {
			own_pages_free(bio);
			bio->bi_vcnt = 0;
			bio->bi_iter.bi_size = 0;
			return false;
		}
		__bio_add_page(bio, page, n, 0);
		bytes -= n;
	}
	return true;
}

static void own_pages_copy(struct shell_request *req, struct bio *bio)
{
	struct shell_resource *r = shell_of_resource(req->core.device->resource);
	bool copy;

	drbd_lock(r);
	copy = request_may_copy(&req->core);
	drbd_unlock_atomic(r);
	if (!copy)
		return;
	/* The disk has moved it to the end. */
	bio->bi_iter.bi_size = req->core.interval.bytes;
	bio->bi_iter.bi_idx = 0;
	bio->bi_iter.bi_bvec_done = 0;
	bio_copy_data(req->master, bio);
}

static void vec_pages(struct bio *bio, void (*fn)(struct page *page))
{
	u32 i, n;

	for (i = 0; i < bio->bi_vcnt; i++) {
		const struct bio_vec *vec = &bio->bi_io_vec[i];

		/* What kmalloc() gave out has no references, and nobody could take one. */
		if (drbd_page_is_kmalloc(vec->bv_page))
			continue;
		for (n = 0; n < DIV_ROUND_UP(vec->bv_offset + vec->bv_len, PAGE_SIZE); n++)
			fn(pfn_to_page(page_to_pfn(vec->bv_page) + n));
	}
}

void shell_request_hold_pages(struct shell_request *req)
{
	if (!req->local || req->core.own_pages)
		return;
	vec_pages(req->local, get_page);
	req->pages_held = true;
}

static void local_endio(struct bio *bio)
{
	struct shell_request *req = bio->bi_private;
	struct shell_resource *r = shell_of_resource(req->core.device->resource);
	int error = blk_status_to_errno(bio->bi_status);
	bool held, own = req->core.own_pages;

	if (own && !error)
		own_pages_copy(req, bio);
	trace_drbd_request_local_done(&req->core, error);
	drbd_lock(r);
	held = req->pages_held;
	req->pages_held = false;
	req->local = NULL;
	request_local_done(&req->core, error);
	drbd_unlock_atomic(r);
	if (held)
		vec_pages(bio, put_page);
	if (own)
		own_pages_free(bio);
	bio_put(bio);
}

/* Discards and zeroes may need several bios and sleep in between. */
static void request_work(struct work_struct *work)
{
	struct shell_request *req = container_of(work, struct shell_request, work);
	struct shell_device *d = shell_of_device(req->core.device);
	struct block_device *bdev = d->backing.data.bdev;
	sector_t sector = req->core.interval.sector;
	sector_t nr = req->core.interval.bytes >> SECTOR_SHIFT;
	int error;

	if (req->core.op == OP_DISCARD && !req->core.zero_instead)
		error = shell_discard(bdev, sector, nr);
	else
		error = blkdev_issue_zeroout(bdev, sector, nr, GFP_NOIO,
					     req->core.may_unmap ? 0 : BLKDEV_ZERO_NOUNMAP);
	request_done(req, error);
}

/*
 * Vectors of its own, because the owner's end with the request, which may be given up before the
 * disk is done; so may the pages of a read (core/request.h). NULL: given up already.
 */
static struct bio *local_bio(struct shell_request *req, struct block_device *bdev)
{
	struct shell_resource *r = shell_of_resource(req->core.device->resource);
	bool own = req->core.own_pages;
	u32 n_vecs = own ? DIV_ROUND_UP(req->core.interval.bytes, PAGE_SIZE) : req->n_vecs;
	struct bio *bio = drbd_bio_alloc(bdev, max(n_vecs, req->n_vecs), 0, GFP_NOIO, &local_bios);

	if (own)
		own = own_pages_alloc(bio, req->core.interval.bytes);
	drbd_lock(r);
	if (!req->master) {
		drbd_unlock_only(r);
		if (own)
			own_pages_free(bio);
		bio_put(bio);
		return NULL;
	}
	if (!own) {
		req->core.pinned = req->core.op == OP_READ;
		bio->bi_vcnt = shell_bio_vecs(req->master, bio->bi_io_vec, req->n_vecs);
		bio->bi_iter.bi_size = req->master->bi_iter.bi_size;
	}
	req->core.own_pages = own;
	bio->bi_opf = req->master->bi_opf;
	bio->bi_ioprio = req->master->bi_ioprio;
	bio_clone_blkg_association(bio, req->master);
	req->local = bio;
	drbd_unlock_only(r);
	bio->bi_iter.bi_sector = req->core.interval.sector;
	bio->bi_private = req;
	bio->bi_end_io = local_endio;
	return bio;
}

void shell_request_submit(struct shell_request *req)
{
	struct shell_device *d = shell_of_device(req->core.device);
	struct bio *bio;

	trace_drbd_request_submit(&req->core, 0);
	if (req->core.op == OP_DISCARD || req->core.op == OP_WRITE_ZEROES) {
		queue_work(shell_of_resource(d->core.resource)->io_wq, &req->work);
		return;
	}
	bio = local_bio(req, d->backing.data.bdev);
	if (bio)
		submit_bio_noacct(bio);
	else
		request_done(req, -EIO);
}

/* ---- the disk ---- */

static int drbd_open(DRBD_OPEN_ARGS)
{
	struct shell_device *d;
	struct shell_resource *r;
	int err;

	DRBD_OPEN_DISK(d);
	r = shell_of_resource(d->core.resource);
	drbd_lock(r);
	err = device_open(&d->core, DRBD_OPEN_FOR_WRITE);
	if (!err) {
		strscpy(d->opener, current->comm, sizeof(d->opener));
		d->opener_pid = task_tgid_nr(current);
	}
	drbd_unlock(r);
	if (!err)
		kref_get(&d->kref);
	return err;
}

static void drbd_release(DRBD_RELEASE_ARGS)
{
	struct shell_device *d = disk->private_data;
	struct shell_resource *r = shell_of_resource(d->core.resource);

	drbd_lock(r);
	device_close(&d->core);
	drbd_unlock(r);
	drbd_device_put(d);
}

#ifdef COMPAT_HAVE_FREE_DISK
/* The disk is gone for good and the last opener with it. */
static void drbd_free_disk(struct gendisk *disk)
{
	drbd_device_put(disk->private_data);
}
#endif

static const struct block_device_operations drbd_ops = {
	.owner = THIS_MODULE,
	.submit_bio = DRBD_SUBMIT_BIO(drbd_submit_bio),
	.open = drbd_open,
	.release = drbd_release,
#ifdef COMPAT_HAVE_FREE_DISK
	.free_disk = drbd_free_disk,
#endif
};

/* ---- limits ---- */

struct visible_limits {
	u32 max_bytes, max_discard_bytes, discard_granularity, logical, physical;
	bool discard, read_only;
};

static void visible_limits_get(struct shell_device *d, struct visible_limits *v)
{
	struct drbd_device *c = &d->core;
	struct shell_resource *r = shell_of_resource(c->resource);

	drbd_lock(r);
	v->max_bytes = c->max_bio_size ? c->max_bio_size : WIRE_DATA_MAX;
	v->logical = c->backing_limits.logical_block_size ? c->backing_limits.logical_block_size : 512;
	v->physical = max(v->logical, c->backing_limits.physical_block_size);
	v->discard = device_may_discard(c);
	v->max_discard_bytes = wire_discard_max(c->resource->connection.agreed_features);
	v->discard_granularity = max(c->backing_discard_granularity, 512u);
	drbd_unlock(r);
}

#ifdef COMPAT_HAVE_BLK_FEAT_FLAGS
static void limits_fill(struct queue_limits *lim, const struct visible_limits *v)
{
	lim->features |= BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA | BLK_FEAT_STABLE_WRITES;
	lim->logical_block_size = v->logical;
	lim->physical_block_size = v->physical;
	lim->max_hw_sectors = v->max_bytes >> SECTOR_SHIFT;
	lim->max_segments = BIO_MAX_VECS;
	lim->max_segment_size = UINT_MAX;
	lim->io_opt = v->max_bytes;
	lim->max_write_zeroes_sectors = v->max_discard_bytes >> SECTOR_SHIFT;
	lim->max_hw_discard_sectors = v->discard ? v->max_discard_bytes >> SECTOR_SHIFT : 0;
	lim->max_user_discard_sectors = lim->max_hw_discard_sectors;
	lim->discard_granularity = v->discard ? v->discard_granularity : 0;
}

static struct gendisk *disk_alloc(void)
{
	struct queue_limits lim = {};
	struct visible_limits v = { .max_bytes = WIRE_DATA_MAX, .logical = 512, .physical = 512 };

	limits_fill(&lim, &v);
	return blk_alloc_disk(&lim, NUMA_NO_NODE);
}

static void limits_apply(struct gendisk *disk, const struct visible_limits *v)
{
	struct queue_limits lim = queue_limits_start_update(disk->queue);

	limits_fill(&lim, v);
	if (queue_limits_commit_update(disk->queue, &lim))
		pr_warn("drbd: %s: the kernel refused new queue limits\n", disk->disk_name);
}
#else
static void limits_apply(struct gendisk *disk, const struct visible_limits *v)
{
	struct request_queue *q = disk->queue;

	blk_queue_write_cache(q, true, true);
	blk_queue_flag_set(QUEUE_FLAG_STABLE_WRITES, q);
	blk_queue_logical_block_size(q, v->logical);
	blk_queue_physical_block_size(q, v->physical);
	blk_queue_max_hw_sectors(q, v->max_bytes >> SECTOR_SHIFT);
	blk_queue_max_segments(q, BIO_MAX_VECS);
	blk_queue_io_opt(q, v->max_bytes);
	blk_queue_max_write_zeroes_sectors(q, v->max_discard_bytes >> SECTOR_SHIFT);
	blk_queue_max_discard_sectors(q, v->discard ? v->max_discard_bytes >> SECTOR_SHIFT : 0);
	q->limits.discard_granularity = v->discard ? v->discard_granularity : 0;
	drbd_queue_may_discard(q, v->discard);
}

static struct gendisk *disk_alloc(void)
{
	struct visible_limits v = { .max_bytes = WIRE_DATA_MAX, .logical = 512, .physical = 512 };
	struct gendisk *disk = drbd_blk_alloc_disk();

	if (!disk)
		return ERR_PTR(-ENOMEM);
	limits_apply(disk, &v);
	return disk;
}
#endif

static void visible_work(struct work_struct *work)
{
	struct shell_device *d = container_of(work, struct shell_device, visible_work);
	struct shell_resource *r = shell_of_resource(d->core.resource);
	bool capacity, read_only, limits, ro_value;
	struct visible_limits v;
	u64 sectors;

	drbd_lock(r);
	capacity = d->set_capacity;
	read_only = d->set_read_only;
	limits = d->set_limits;
	sectors = d->new_capacity;
	ro_value = d->read_only;
	d->set_capacity = d->set_read_only = d->set_limits = false;
	drbd_unlock(r);

	if (limits) {
		visible_limits_get(d, &v);
		limits_apply(d->disk, &v);
	}
	if (capacity)
		set_capacity_and_notify(d->disk, sectors);
	if (read_only)
		set_disk_ro(d->disk, ro_value);
}

int shell_disk_create(struct shell_device *d)
{
	struct gendisk *disk = disk_alloc();
	int err;

	if (IS_ERR(disk))
		return PTR_ERR(disk);
	INIT_WORK(&d->visible_work, visible_work);
	d->disk = disk;
	disk->major = DRBD_MAJOR_NR;
	disk->first_minor = d->core.minor;
	disk->minors = 1;
	disk->fops = &drbd_ops;
	disk->flags |= GENHD_FL_NO_PART;
	disk->private_data = d;
	snprintf(disk->disk_name, sizeof(disk->disk_name), "drbd%u", d->core.minor);
	set_capacity(disk, 0);
	set_disk_ro(disk, true);
	err = drbd_add_disk(disk);
	if (err)
		drbd_put_disk(disk);
	else
		kref_get(&d->kref);	/* the disk's, until drbd_free_disk(), which a failed one never sees */
	return err;
}

void shell_disk_delete(struct shell_device *d)
{
	flush_work(&d->visible_work);
	del_gendisk(d->disk);
	drbd_put_disk(d->disk);
#ifndef COMPAT_HAVE_FREE_DISK
	drbd_device_put(d);
#endif
}

int drbd_device_module_init(void)
{
	int err;

	request_cache = KMEM_CACHE(shell_request, 0);
	if (!request_cache)
		return -ENOMEM;
	request_pool = mempool_create_slab_pool(REQUESTS_RESERVED, request_cache);
	err = request_pool ? bioset_init(&local_bios, REQUESTS_RESERVED, 0,
					 BIOSET_NEED_BVECS | BIOSET_NEED_RESCUER) : -ENOMEM;
	if (!err)
		err = register_blkdev(DRBD_MAJOR_NR, "drbd");
	if (err) {
		bioset_exit(&local_bios);
		mempool_destroy(request_pool);
		kmem_cache_destroy(request_cache);
	}
	return err;
}

void drbd_device_module_exit(void)
{
	unregister_blkdev(DRBD_MAJOR_NR, "drbd");
	bioset_exit(&local_bios);
	mempool_destroy(request_pool);
	kmem_cache_destroy(request_cache);
}
