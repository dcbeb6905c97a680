// SPDX-License-Identifier: GPL-2.0
/* What the core wants of the disks: metadata, bitmap, requests, peer requests, digests. */
#include "sim.h"
#include "actors.h"

int host_md_io(struct host_device *d, u64 sector, void *buf, bool write, bool flush_fua)
{
	struct disk_io io = {
		.disk = d->disk, .region = &d->disk->meta, .op = write ? DISK_WRITE : DISK_READ,
		.preflush = flush_fua, .fua = flush_fua, .sector = sector,
		.sectors = MD_BLOCK_SECTORS, .buf = buf,
	};
	int err;

	err = disk_io_sync(d->node, &io);
	/* The tools look there first when they look again. */
	if (!err && write && sector == md_superblock_sector(d->disk->md_index, disk_meta_size(d->disk)))
		d->disk->known_size = d->disk->size;
	return err;
}

/* ---- bitmap ---- */

static int bitmap_page_io(struct host_device *d, u32 page, void *buf, bool write)
{
	const struct md_layout *layout = &d->core.layout;
	u64 first = (u64)page * MD_BLOCK_SECTORS;
	struct disk_io io = {
		.disk = d->disk, .region = &d->disk->meta, .op = write ? DISK_WRITE : DISK_READ,
		.sector = layout->bm_sector + first,
		.sectors = min_t(u64, MD_BLOCK_SECTORS, layout->bm_sectors - first),
		.buf = buf,
	};

	return disk_io_sync(d->node, &io);
}

int host_bitmap_read(struct host_device *d)
{
	u32 n = bm_used_pages(&d->core.bitmap), i;
	int err = 0;

	for (i = 0; i < n && !err; i++)
		err = bitmap_page_io(d, i, d->bm_pages[i], false);
	if (!err)
		bm_recount(&d->core.bitmap);
	return err;
}

int host_bitmap_write(struct host_device *d)
{
	struct bm_batch *batch = &d->core.bm_batch;
	int err = 0;
	u32 i;

	for (i = 0; i < batch->n && !err; i++)
		err = bitmap_page_io(d, batch->page[i], batch->copy[i], true);
	return err;
}

int host_bitmap_resize(struct host_device *d, u64 sectors)
{
	u64 bits = bm_bits_for_sectors(sectors);
	u32 n = bm_pages_for(bits), keep, i;
	void **pages;
	u8 *flags;

	if (alloc_fails())
		return -ENOMEM;
	pages = node_alloc(d->node, max(n, 1u) * sizeof(*pages));
	flags = node_alloc(d->node, max(n, 1u));
	keep = min(n, d->bm_n_pages);
	for (i = 0; i < n; i++) {
		pages[i] = i < keep ? d->bm_pages[i] : node_alloc(d->node, BM_PAGE_BYTES);
		flags[i] = i < keep ? d->bm_flags[i] : 0;
	}
	device_bitmap_resized(&d->core, pages, flags, bits, !d->core.bm_new_bits_clear);
	for (i = keep; i < d->bm_n_pages; i++)
		node_free(d->node, d->bm_pages[i]);
	node_free(d->node, d->bm_pages);
	node_free(d->node, d->bm_flags);
	d->bm_pages = pages;
	d->bm_flags = flags;
	d->bm_n_pages = n;
	return 0;
}

int host_al_resize(struct host_device *d, u32 slots)
{
	void *memory, *old = d->al_memory;

	if (alloc_fails())
		return -ENOMEM;
	if (cfg.al_slots)
		slots = min(slots, cfg.al_slots);
	memory = node_alloc(d->node, extents_mem_size(slots));
	d->al_memory = memory;
	device_al_resized(&d->core, memory, slots);
	node_free(d->node, old);
	return 0;
}

int host_al_init(struct host_device *d)
{
	u32 blocks = d->core.layout.al_sectors / MD_BLOCK_SECTORS, i;
	u64 sector;
	int err = 0;

	for (i = 0; i < blocks && !err; i++) {
		al_init_block(&d->core, i, &sector);
		err = host_md_io(d, sector, d->core.al_buffer, true, i == blocks - 1);
	}
	return err;
}

void host_backing_sizes(struct host_device *d)
{
	struct drbd_device *c = &d->core;

	c->backing_sectors = d->disk->size;
	c->meta_sectors = disk_meta_size(d->disk);
	c->backing_discards = !d->disk->no_discards;
	c->backing_discard_zeroes = true;
	c->backing_discard_granularity = 4096;
	c->backing_max_bio_size = 1024 * 1024;
	c->backing_limits.physical_block_size = 512;
	c->backing_limits.logical_block_size = 512;
}

/* ---- application requests ---- */

static void request_io_done(struct disk_io *io)
{
	struct host_request *req = container_of(io, struct host_request, io);

	request_local_done(&req->core, io->error);
}

static enum disk_op disk_op_of(u8 op)
{
	switch (op) {
	case OP_READ:
		return DISK_READ;
	case OP_WRITE:
		return DISK_WRITE;
	case OP_FLUSH:
		return DISK_FLUSH;
	default:
		return DISK_ZERO;
	}
}

void env_request_submit(struct drbd_request *core)
{
	struct host_request *req = host_of_request(core);
	struct host_device *d = host_of_device(core->device);
	struct disk_io *io = &req->io;

	if (!d->open_backing)
		violation("node %s: request submitted without a backing disk", d->node->name);
	if (event_scheduled(&io->done))
		violation("node %s: request submitted twice at the same time", d->node->name);
	if (core->op == OP_READ)
		invariants_read_local(core->device, core->interval.sector, core->interval.bytes >> 9);
	memset(io, 0, sizeof(*io));
	io->disk = d->disk;
	io->region = &d->disk->data;
	io->op = disk_op_of(core->op);
	io->preflush = core->dp_flags & DP_FLUSH;
	io->fua = core->dp_flags & DP_FUA;
	io->sector = core->interval.sector;
	io->sectors = core->interval.bytes >> 9;
	io->buf = req->tags;
	io->complete = request_io_done;
	disk_submit(d->node, io);
}

static void completion_fire(struct event *ev)
{
	app_request_completed(container_of(ev, struct host_request, completion));
}

void env_request_complete(struct drbd_request *core, int error)
{
	struct host_request *req = host_of_request(core);

	if (req->completed)
		violation("node %s: request %llu completed twice", req->node->name,
			  (unsigned long long)req->id);
	manager_check_completion(req, error);
	invariants_completion(req, error);
	req->completed = true;
	req->error = error;
	event_init(&req->completion, req->node, completion_fire);
	event_at(&req->completion, now_us);
}

static void request_release(struct host_request *req)
{
	dlist_del_init(&req->mine);
	node_free(req->node, req->tags);
	node_free(req->node, req);
}

void env_request_free(struct drbd_request *core)
{
	struct host_request *req = host_of_request(core);

	if (!req->completed)
		violation("node %s: request %llu freed before it was completed", req->node->name,
			  (unsigned long long)req->id);
	if (req->freed_by_core)
		violation("node %s: request %llu freed twice", req->node->name,
			  (unsigned long long)req->id);
	req->freed_by_core = true;
	if (!event_scheduled(&req->completion))
		request_release(req);
}

/* ---- peer requests ---- */

static void digest_fire(struct event *ev);

struct host_peer_request *host_peer_request_alloc(struct host_device *d, u32 bytes)
{
	struct host_peer_request *pr = node_alloc(d->node, sizeof(*pr));

	pr->node = d->node;
	pr->sectors = bytes >> 9;
	pr->tags = node_alloc(d->node, max(pr->sectors, 1u) * sizeof(u64));
	event_init(&pr->digest, d->node, digest_fire);
	pr->io.done.pos = -1;
	return pr;
}

void host_peer_request_free(struct host_peer_request *pr)
{
	if (event_scheduled(&pr->io.done) || event_scheduled(&pr->digest))
		violation("node %s: peer request freed while it is in use", pr->node->name);
	node_free(pr->node, pr->tags);
	node_free(pr->node, pr);
}

struct drbd_peer_request *env_peer_request_alloc(struct drbd_device *device, u32 bytes)
{
	if (one_in(cfg.alloc_fails) || alloc_fails())
		return NULL;
	return &host_peer_request_alloc(host_of_device(device), bytes)->core;
}

void env_peer_request_free(struct drbd_peer_request *core)
{
	host_peer_request_free(host_of_peer_request(core));
}

static void peer_io_done(struct disk_io *io)
{
	struct host_peer_request *pr = container_of(io, struct host_peer_request, io);
	u32 i;

	if (!io->error && pr->core.want_zero_check) {
		for (i = 0; i < pr->sectors && !pr->tags[i]; i++)
			;
		pr->core.all_zero = i == pr->sectors;
	}
	peer_request_local_done(&pr->core, io->error);
}

void env_peer_request_submit(struct drbd_peer_request *core)
{
	struct host_peer_request *pr = host_of_peer_request(core);
	struct host_device *d = host_of_device(core->device);
	struct disk_io *io = &pr->io;
	static const u8 ops[] = {
		[PEER_OP_READ] = DISK_READ, [PEER_OP_WRITE] = DISK_WRITE,
		[PEER_OP_DISCARD] = DISK_ZERO, [PEER_OP_ZEROES] = DISK_ZERO,
	};

	if (!d->open_backing)
		violation("node %s: peer request submitted without a backing disk", d->node->name);
	memset(io, 0, sizeof(*io));
	io->disk = d->disk;
	io->region = &d->disk->data;
	io->op = ops[core->op];
	io->preflush = core->dp_flags & DP_FLUSH;
	io->fua = core->dp_flags & DP_FUA;
	io->sector = core->interval.sector;
	io->sectors = core->interval.bytes >> 9;
	io->buf = pr->tags;
	io->complete = peer_io_done;
	if (io->sectors > pr->sectors && io->op != DISK_ZERO)
		violation("node %s: peer request larger than its memory", d->node->name);
	else if (!io->sectors)
		violation("node %s: empty peer request submitted", d->node->name);
	else
		disk_submit(d->node, io);
}

/* ---- digests: any function will do, the tags are what is digested ---- */

u32 digest_size(const char *alg)
{
	if (!alg[0])
		return 0;
	return !strcmp(alg, "crc32c") ? 4 : !strcmp(alg, "md5") ? 16 : !strcmp(alg, "sha1") ? 20 : 32;
}

static void digest_spread(const char *alg, u64 hash, u8 *out)
{
	u32 size = digest_size(alg), i;

	for (i = 0; i < size; i++) {
		hash = hash * 6364136223846793005ull + 1442695040888963407ull;
		out[i] = hash >> 56;
	}
}

void digest_tags(const char *alg, const u64 *tags, u32 sectors, u8 *out)
{
	u64 hash = 0x1234;
	u32 i;

	for (i = 0; i < sectors; i++)
		hash = (hash ^ tags[i]) * 0x100000001b3ull + (hash >> 29);
	digest_spread(alg, hash, out);
}

void digest_bytes(const char *alg, const char *key, const void *data, u32 len, u8 *out)
{
	const u8 *bytes = data;
	u64 hash = 0x4321;
	u32 i;

	for (; *key; key++)
		hash = (hash ^ (u8)*key) * 0x100000001b3ull;
	for (i = 0; i < len; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	digest_spread(alg, hash, out);
}

static void digest_fire(struct event *ev)
{
	struct host_peer_request *pr = container_of(ev, struct host_peer_request, digest);
	struct host_conn *c = &host_of_resource(pr->core.device->resource)->conn;
	const char *alg = pr->digest_use == DIGEST_CSUMS ? c->csums : c->verify;

	digest_tags(alg, pr->tags, pr->core.interval.bytes >> 9, pr->core.digest);
	pr->core.digest_len = digest_size(alg);
	peer_request_digest_done(&pr->core);
}

void env_peer_request_digest(struct drbd_peer_request *core, enum digest_use use)
{
	struct host_peer_request *pr = host_of_peer_request(core);

	pr->digest_use = use;
	event_at(&pr->digest, now_us + chance(100));
}
