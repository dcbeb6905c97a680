// SPDX-License-Identifier: GPL-2.0
/*
 * peer_io.c - memory and disk I/O of requests made for the peer, resync or verify
 */
#include <linux/slab.h>
#include "shell.h"

static struct kmem_cache *peer_cache;
static mempool_t *peer_pool;
static struct bio_set peer_bios;

#define PEER_REQUESTS_RESERVED 128

static void digest_work(struct work_struct *work);

static void pages_free(struct shell_peer_request *pr)
{
	u32 i;

	for (i = 0; i < pr->n_pages; i++)
		if (pr->pages[i])
			__free_page(pr->pages[i]);
	kfree(pr->pages);
}

static bool pages_alloc(struct shell_peer_request *pr, u32 bytes, gfp_t gfp)
{
	u32 i;

	pr->n_pages = DIV_ROUND_UP(bytes, PAGE_SIZE);
	if (!pr->n_pages)
		return true;
	pr->pages = kcalloc(pr->n_pages, sizeof(*pr->pages), gfp);
	if (!pr->pages) {
		pr->n_pages = 0;
		return false;
	}
	for (i = 0; i < pr->n_pages; i++) {
		pr->pages[i] = alloc_page(gfp);
		if (!pr->pages[i])
			return false;
	}
	return true;
}

struct shell_peer_request *shell_peer_request_alloc(struct shell_device *d, u32 bytes, gfp_t gfp)
{
	struct shell_peer_request *pr = mempool_alloc(peer_pool, gfp);

	if (!pr)
		return NULL;
	memset(pr, 0, sizeof(*pr));
	INIT_LIST_HEAD(&pr->submit);
	INIT_WORK(&pr->work, digest_work);
	if (!pages_alloc(pr, bytes, gfp)) {
		shell_peer_request_free(pr);
		return NULL;
	}
	return pr;
}

void shell_peer_request_free(struct shell_peer_request *pr)
{
	pages_free(pr);
	mempool_free(pr, peer_pool);
}

/* ---- disk ---- */

static void peer_done(struct shell_peer_request *pr, int error, bool atomic)
{
	struct shell_resource *r = shell_of_resource(pr->core.device->resource);

	drbd_lock(r);
	peer_request_local_done(&pr->core, error);
	if (atomic)
		drbd_unlock_atomic(r);
	else
		drbd_unlock(r);
}

static bool all_zero(const struct shell_peer_request *pr)
{
	u32 left = pr->core.interval.bytes, i;

	for (i = 0; i < pr->n_pages && left; i++) {
		u32 n = min_t(u32, left, PAGE_SIZE);

		if (memchr_inv(page_address(pr->pages[i]), 0, n))
			return false;
		left -= n;
	}
	return true;
}

static void peer_endio(struct bio *bio)
{
	struct shell_peer_request *pr = bio->bi_private;
	int error = blk_status_to_errno(bio->bi_status);

	bio_put(bio);
	if (!error && pr->core.want_zero_check)
		pr->core.all_zero = all_zero(pr);
	peer_done(pr, error, true);
}

static void submit_data(struct shell_peer_request *pr, struct block_device *bdev)
{
	blk_opf_t opf = pr->core.op == PEER_OP_READ ? REQ_OP_READ : REQ_OP_WRITE;
	u32 left = pr->core.interval.bytes, i;
	struct bio *bio;

	if (pr->core.op == PEER_OP_WRITE) {
		opf |= (pr->core.dp_flags & DP_RW_SYNC ? REQ_SYNC : 0) |
		       (pr->core.dp_flags & DP_FUA ? REQ_FUA | REQ_SYNC : 0) |
		       (pr->core.dp_flags & DP_FLUSH ? REQ_PREFLUSH : 0);
	}
	bio = drbd_bio_alloc(bdev, max(pr->n_pages, 1u), opf, GFP_NOIO, &peer_bios);
	bio->bi_iter.bi_sector = pr->core.interval.sector;
	for (i = 0; i < pr->n_pages && left; i++) {
		u32 n = min_t(u32, left, PAGE_SIZE);

		__bio_add_page(bio, pr->pages[i], n, 0);
		left -= n;
	}
	bio->bi_private = pr;
	bio->bi_end_io = peer_endio;
	submit_bio(bio);
}

static u32 sector_div_rest(sector_t sector, u32 divisor)
{
	return sector_div(sector, divisor);
}

/*
 * Deallocate what is aligned to the disk's granularity, zero the rest: a discard alone
 * may leave parts of a range as they were, and then the replicas would differ.
 */
int shell_discard(struct block_device *bdev, sector_t start, sector_t nr)
{
	u32 granularity = max(bdev_discard_granularity(bdev) >> SECTOR_SHIFT, 1u);
	sector_t first = DIV_ROUND_UP_SECTOR_T(start, granularity) * granularity;
	sector_t end = start + nr;
	int err = 0;

	end -= sector_div_rest(end, granularity);
	if (!bdev_max_discard_sectors(bdev) || first >= end)
		return blkdev_issue_zeroout(bdev, start, nr, GFP_NOIO, 0);
	if (start < first)
		err = blkdev_issue_zeroout(bdev, start, first - start, GFP_NOIO, 0);
	if (!err)
		err = drbd_issue_discard(bdev, first, end - first, GFP_NOIO);
	if (!err && end < start + nr)
		err = blkdev_issue_zeroout(bdev, end, start + nr - end, GFP_NOIO, 0);
	return err;
}

static void range_work(struct work_struct *work)
{
	struct shell_peer_request *pr = container_of(work, struct shell_peer_request, work);
	struct shell_device *d = shell_of_device(pr->core.device);
	struct block_device *bdev = d->backing.data.bdev;
	sector_t sector = pr->core.interval.sector;
	sector_t nr = pr->core.interval.bytes >> SECTOR_SHIFT;
	int err;

	if (pr->core.op == PEER_OP_DISCARD)
		err = shell_discard(bdev, sector, nr);
	else
		err = blkdev_issue_zeroout(bdev, sector, nr, GFP_NOIO,
					   pr->core.may_unmap ? 0 : BLKDEV_ZERO_NOUNMAP);
	INIT_WORK(&pr->work, digest_work);
	peer_done(pr, err, false);
}

void shell_peer_request_submit(struct shell_peer_request *pr)
{
	struct shell_device *d = shell_of_device(pr->core.device);

	if (pr->core.op == PEER_OP_READ || pr->core.op == PEER_OP_WRITE) {
		submit_data(pr, d->backing.data.bdev);
		return;
	}
	INIT_WORK(&pr->work, range_work);
	queue_work(shell_of_resource(d->core.resource)->io_wq, &pr->work);
}

/* ---- digest of the data ---- */

static void digest_work(struct work_struct *work)
{
	struct shell_peer_request *pr = container_of(work, struct shell_peer_request, work);
	struct shell_resource *r = shell_of_resource(pr->core.device->resource);
	struct shell_crypto *crypto = &r->conn.crypto;
	struct crypto_shash *tfm;

	down_read(&r->conn.crypto_sem);
	tfm = pr->digest_use == DIGEST_CSUMS ? crypto->csums : crypto->verify;
	if (tfm) {
		shell_digest_pages(tfm, pr->pages, pr->core.interval.bytes, pr->core.digest);
		pr->core.digest_len = crypto_shash_digestsize(tfm);
	} else {
		pr->core.digest_len = 0;
	}
	up_read(&r->conn.crypto_sem);
	drbd_lock(r);
	peer_request_digest_done(&pr->core);
	drbd_unlock(r);
}

int shell_peer_io_init(void)
{
	int err = -ENOMEM;

	peer_cache = KMEM_CACHE(shell_peer_request, 0);
	if (!peer_cache)
		return -ENOMEM;
	peer_pool = mempool_create_slab_pool(PEER_REQUESTS_RESERVED, peer_cache);
	if (peer_pool)
		err = bioset_init(&peer_bios, PEER_REQUESTS_RESERVED, 0,
				  BIOSET_NEED_BVECS | BIOSET_NEED_RESCUER);
	if (err)
		shell_peer_io_exit();
	return err;
}

void shell_peer_io_exit(void)
{
	bioset_exit(&peer_bios);
	mempool_destroy(peer_pool);
	kmem_cache_destroy(peer_cache);
}
