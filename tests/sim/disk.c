// SPDX-License-Identifier: GPL-2.0
/*
 * Disks: what is written is visible at completion, and durable after a flush that was
 * asked for later, or with FUA.  A power cut decides for each unflushed sector alone.
 */
#include "sim.h"

/* What a flush has to make durable: the dirty sectors at the time it was asked for. */
struct flush_set {
	struct region *region;
	u32 n;
	u8 *content;
	u32 *sector, *version;
};

static void region_init(struct region *r, u32 unit, u64 sectors)
{
	r->unit = unit;
	r->sectors = sectors;
	r->cur = calloc(sectors, unit);
	r->durable = calloc(sectors, unit);
	r->version = calloc(sectors, sizeof(u32));
	r->dirty = calloc(sectors, sizeof(u32));
	r->listed = calloc(sectors, 1);
	r->n_dirty = 0;
}

void disk_init(struct disk *d, const char *name, u64 data_sectors, u64 meta_sectors)
{
	region_init(&d->data, 8, data_sectors);
	region_init(&d->meta, 512, meta_sectors);
	d->name = name;
	d->size = d->known_size = data_sectors;
	d->md_index = MD_INDEX_FLEX_EXTERNAL;
	dlist_init(&d->inflight);
}

static void sector_make_durable(struct region *r, u64 sector)
{
	memcpy(r->durable + sector * r->unit, r->cur + sector * r->unit, r->unit);
	r->version[sector] = 0;
}

/* ---- flush ---- */

static struct flush_set *flush_begin(struct region *r)
{
	struct flush_set *f;
	u32 i, n = 0;

	for (i = 0; i < r->n_dirty; i++) {
		u32 s = r->dirty[i];

		r->listed[s] = r->version[s] != 0;
		if (r->listed[s])
			r->dirty[n++] = s;
	}
	r->n_dirty = n;
	if (!n)
		return NULL;
	f = malloc(sizeof(*f));
	f->region = r;
	f->n = n;
	f->content = malloc((size_t)n * r->unit);
	f->sector = malloc(n * sizeof(u32));
	f->version = malloc(n * sizeof(u32));
	for (i = 0; i < n; i++) {
		u32 s = r->dirty[i];

		f->sector[i] = s;
		f->version[i] = r->version[s];
		memcpy(f->content + (size_t)i * r->unit, r->cur + (size_t)s * r->unit, r->unit);
	}
	return f;
}

static void flush_free(struct flush_set *f)
{
	if (!f)
		return;
	free(f->content);
	free(f->sector);
	free(f->version);
	free(f);
}

static void flush_end(struct flush_set *f)
{
	u32 i;

	if (!f)
		return;
	for (i = 0; i < f->n; i++) {
		struct region *r = f->region;
		u32 s = f->sector[i];

		/* Unless something newer has become durable meanwhile. */
		if (!r->version[s] || r->version[s] < f->version[i])
			continue;
		memcpy(r->durable + (size_t)s * r->unit, f->content + (size_t)i * r->unit, r->unit);
		if (r->version[s] == f->version[i])
			r->version[s] = 0;
	}
	flush_free(f);
}

/* ---- I/O ---- */

static void sector_set(const struct disk_io *io, u64 i)
{
	struct region *r = io->region;
	u8 *to = r->cur + (io->sector + i) * r->unit;

	if (io->op == DISK_ZERO)
		memset(to, 0, r->unit);
	else
		memcpy(to, (u8 *)io->buf + i * r->unit, r->unit);
}

static void store(struct disk *d, struct disk_io *io)
{
	struct region *r = io->region;
	u64 s;

	d->next_version++;
	for (s = io->sector; s < io->sector + io->sectors; s++) {
		if (io->error && one_in(2))
			continue;	/* a failed write may have come any far */
		/* The cache may be on its way to the medium. */
		if (r->version[s] && one_in(d->destage))
			memcpy(r->durable + s * r->unit, r->cur + s * r->unit, r->unit);
		sector_set(io, s - io->sector);
		if (io->fua || d->write_through) {
			sector_make_durable(r, s);
			continue;
		}
		if (!r->listed[s])
			r->dirty[r->n_dirty++] = s;
		r->listed[s] = 1;
		r->version[s] = d->next_version;
	}
}

static void disk_io_fire(struct event *ev)
{
	struct disk_io *io = container_of(ev, struct disk_io, done);
	struct region *r = io->region;

	dlist_del_init(&io->link);
	if (io->error) {
		disk_error(io);
		flush_free(io->flush);
		flush_free(io->flush2);
	} else {
		flush_end(io->flush);
		flush_end(io->flush2);
	}
	io->flush = io->flush2 = NULL;
	if (io->op == DISK_READ && !io->error)
		memcpy(io->buf, r->cur + io->sector * r->unit, (size_t)io->sectors * r->unit);
	else if (io->op == DISK_WRITE || io->op == DISK_ZERO)
		store(io->disk, io);
	io->complete(io);
}

static u32 disk_latency(const struct disk *d, const struct disk_io *io)
{
	u32 us = chance_between(d->latency_min, d->latency_max) + io->sectors / 16;

	return io->preflush || io->op == DISK_FLUSH ? us * 2 : us;
}

static void overlap_check(struct disk *d, const struct disk_io *io)
{
	struct disk_io *o;

	dlist_for_each_entry(o, &d->inflight, link) {
		if (o->region != io->region || o->op == DISK_FLUSH || o->op == DISK_READ)
			continue;
		if (o->sector < io->sector + io->sectors && io->sector < o->sector + o->sectors)
			violation("disk %s: overlapping writes in flight: %llu+%u and %llu+%u",
				  d->name, (unsigned long long)io->sector, io->sectors,
				  (unsigned long long)o->sector, o->sectors);
	}
}

void disk_submit(struct node *n, struct disk_io *io)
{
	struct disk *d = io->disk;
	u64 end = io->region == &d->data ? d->size : disk_meta_size(d), us;

	if (io->op != DISK_FLUSH && io->sector + io->sectors > end) {
		violation("disk %s: access beyond the end: %llu+%u of %llu", d->name,
			  (unsigned long long)io->sector, io->sectors, (unsigned long long)end);
		return;
	}
	if ((io->op == DISK_WRITE || io->op == DISK_ZERO) && io->region == &d->data)
		overlap_check(d, io);
	us = disk_latency(d, io);
	io->error = disk_fault(d, io, &us);
	io->flush = io->flush2 = NULL;
	if (io->preflush || io->op == DISK_FLUSH) {
		io->flush = flush_begin(io->region);
		if (d->shared_cache)
			io->flush2 = flush_begin(io->region == &d->data ? &d->meta : &d->data);
	}
	event_init(&io->done, n, disk_io_fire);
	dlist_add_tail(&io->link, &d->inflight);
	event_at(&io->done, now_us + us);
	disk_step(n, io);
}

struct sync_io { struct disk_io *io; struct waitq wait; bool done; };

static struct sync_io *sync_of(struct disk_io *io)
{
	return *(struct sync_io **)(io + 1);
}

static void sync_complete(struct disk_io *io)
{
	struct sync_io *s = sync_of(io);

	s->done = true;
	waitq_wake(&s->wait);
}

int disk_io_sync(struct node *n, struct disk_io *request)
{
	struct {
		struct disk_io io;
		struct sync_io *s;
	} *both = node_alloc(n, sizeof(*both));
	struct sync_io *s = node_alloc(n, sizeof(*s));
	int error;

	both->io = *request;
	both->s = s;
	waitq_init(&s->wait);
	both->io.complete = sync_complete;
	disk_submit(n, &both->io);
	while (!s->done)
		waitq_wait(&s->wait, NEVER);
	error = both->io.error;
	node_free(n, both);
	node_free(n, s);
	return error;
}

/* ---- crash ---- */

static void region_crash(struct region *r, bool lose_cache)
{
	u32 i;

	for (i = 0; i < r->n_dirty; i++) {
		u32 s = r->dirty[i];

		r->listed[s] = 0;
		if (!r->version[s])
			continue;
		if (!lose_cache || one_in(2))
			sector_make_durable(r, s);
		else
			memcpy(r->cur + (size_t)s * r->unit, r->durable + (size_t)s * r->unit, r->unit);
		r->version[s] = 0;
	}
	r->n_dirty = 0;
}

void disk_settle(struct disk *d)
{
	region_crash(&d->data, false);
}

static void tear(struct disk *d, struct disk_io *io)
{
	struct region *r = io->region;
	u32 mode = chance(4), i;	/* often all or nothing */

	(void)d;
	for (i = 0; i < io->sectors; i++) {
		if (mode == 0 || (mode > 1 && one_in(2)))
			continue;
		sector_set(io, i);
		sector_make_durable(r, io->sector + i);
	}
}

/*
 * Nothing of a write that is to follow a flush is on the medium before all is that the flush is
 * about. True: the crash came after it.
 */
static bool flush_was_done(struct disk_io *io)
{
	if (io->error || one_in(2)) {
		flush_free(io->flush);
		flush_free(io->flush2);
		return false;
	}
	flush_end(io->flush);
	flush_end(io->flush2);
	return true;
}

void disk_crash(struct disk *d, bool lose_cache)
{
	struct disk_io *io, *next;

	dlist_for_each_entry_safe(io, next, &d->inflight, link)
		if ((io->preflush || io->op == DISK_FLUSH) && !flush_was_done(io))
			dlist_del_init(&io->link);
	region_crash(&d->data, lose_cache);
	region_crash(&d->meta, lose_cache);
	dlist_for_each_entry_safe(io, next, &d->inflight, link) {
		dlist_del_init(&io->link);
		if (!io->error && (io->op == DISK_WRITE || io->op == DISK_ZERO))
			tear(d, io);
	}
}
