// SPDX-License-Identifier: GPL-2.0
/* A node: boot, crash, the administrator's commands, metadata as drbdmeta treats it. */
#include <stdarg.h>
#include "actlog_block.h"
#include "sim.h"
#include "actors.h"

struct node nodes[NODES];

/* ---- memory ---- */

struct memory { struct dlist link; u64 pad[2]; };

void *node_alloc(struct node *n, size_t size)
{
	struct memory *m = calloc(1, sizeof(*m) + size);

	dlist_add_tail(&m->link, &n->memory);
	return m + 1;
}

void node_free(struct node *n, void *p)
{
	struct memory *m;

	(void)n;
	if (!p)
		return;
	m = (struct memory *)p - 1;
	dlist_del_init(&m->link);
	free(m);
}

/* ---- metadata without a module ---- */

static u8 *meta_at(struct disk *d, u64 sector)
{
	return d->meta.cur + sector * 512;
}

static void meta_commit(struct disk *d, const struct md_layout *at)
{
	u64 first = min(min(at->sb_sector, at->al_sector), at->bm_sector);

	memcpy(d->meta.durable + first * 512, meta_at(d, first), (u64)at->md_size_sect * 512);
}

static void al_blocks_init(struct disk *d, const struct md_layout *at)
{
	u32 i;

	for (i = 0; i < at->al_sectors / MD_BLOCK_SECTORS; i++)
		al_block_initialized(meta_at(d, at->al_sector + i * MD_BLOCK_SECTORS));
}

static void create_md(struct disk *d)
{
	struct md_superblock sb = {
		.uuid = { MD_UUID_JUST_CREATED }, .flags = MDF_AL_CLEAN, .magic = MD_MAGIC_CLEAN,
		.al_nr_extents = MD_AL_NR_EXTENTS_NEW, .bm_bytes_per_bit = MD_BYTES_PER_BIT,
	};
	struct md_layout at;

	if (!md_layout_compute(d->md_index, d->size, disk_meta_size(d),
			       MD_AL_STRIPES_DEFAULT, MD_AL_STRIPE_4K_DEFAULT, &at)) {
		violation("metadata do not fit");
		return;
	}
	md_layout_to_superblock(&at, &sb);
	al_blocks_init(d, &at);
	memset(meta_at(d, at.bm_sector), 0, at.bm_sectors * 512);
	md_superblock_encode(&sb, meta_at(d, at.sb_sector));
	meta_commit(d, &at);
}

void node_create_md(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		create_md(&n->disk[v]);
}

static bool replay(struct disk *d, const struct md_layout *at, u32 *slots)
{
	u32 blocks = at->al_sectors / MD_BLOCK_SECTORS, b, i;
	struct al_scan scan;

	al_scan_begin(&scan, blocks);
	for (b = 0; b < blocks; b++)
		al_scan_block(&scan, b, meta_at(d, at->al_sector + MD_BLOCK_SECTORS *
				al_ring_position(at->al_stripes, at->al_stripe_size_4k, b)));
	switch (al_scan_finish(&scan)) {
	case AL_SCAN_NODATA:
	case AL_SCAN_INVALID:
		return false;
	case AL_SCAN_NOTHING:
		return true;
	default:
		break;
	}
	for (i = 0; i < al_scan_replay_count(&scan); i++) {
		b = al_scan_replay_block(&scan, i);
		al_replay_block(slots, b, meta_at(d, at->al_sector + MD_BLOCK_SECTORS *
				al_ring_position(at->al_stripes, at->al_stripe_size_4k, b)),
				NULL, NULL);
	}
	return true;
}

/* At the end of the disk, or where it was before the disk grew (drbdmeta's last known device). */
static bool find_md(struct disk *d, struct md_superblock *sb, struct md_layout *at)
{
	u64 size = disk_meta_size(d);

	if (md_superblock_decode(meta_at(d, md_superblock_sector(d->md_index, size)), sb) !=
	    MD_KIND_NONE) {
		d->known_size = d->size;
	} else {
		size = d->known_size;
		if (!disk_is_internal(d) ||
		    md_superblock_decode(meta_at(d, md_superblock_sector(d->md_index, size)), sb) ==
		    MD_KIND_NONE)
			return false;
	}
	md_layout_from_superblock(sb, d->md_index, disk_is_internal(d) ? size : d->size, size, at);
	return true;
}

/* drbdmeta: internal metadata to the end of a disk that has grown while it was not in use. */
static void move_md(struct disk *d, struct md_superblock *sb, struct md_layout *at)
{
	u64 bytes = md_bm_bytes(sb->la_size_sect);
	u8 *bitmap = malloc(bytes);
	u32 stripes, stripe_4k;

	memcpy(bitmap, meta_at(d, at->bm_sector), bytes);
	memset(meta_at(d, at->sb_sector), 0, MD_BLOCK_BYTES);
	meta_commit(d, at);
	md_superblock_stripes(sb, &stripes, &stripe_4k);
	if (!md_layout_compute(d->md_index, d->size, d->size, stripes, stripe_4k, at))
		violation("disk %s: metadata do not fit any more", d->name);
	md_layout_to_superblock(at, sb);
	memset(meta_at(d, at->bm_sector), 0xff, at->bm_sectors * 512);
	memcpy(meta_at(d, at->bm_sector), bitmap, bytes);
	free(bitmap);
	d->known_size = d->size;
}

void node_apply_al(struct node *n, int vnr)
{
	struct disk *d = &n->disk[vnr];
	static u32 slots[AL_SLOTS_MAX];
	struct md_superblock sb;
	struct md_layout at;
	u32 i, hot;
	bool primary, ok;

	if (!find_md(d, &sb, &at)) {
		violation("node %s: the superblock is destroyed", n->name);
		return;
	}
	primary = sb.flags & MDF_PRIMARY_IND;
	al_replay_begin(slots);
	ok = replay(d, &at, slots);
	if (!ok && primary)
		violation("node %s: the activity log can not be replayed", n->name);
	hot = ok && primary ? al_replay_hot_extents(slots) : 0;
	trace(n, "apply-al: %u extents hot, flags %x", hot, sb.flags);
	for (i = 0; i < hot; i++)
		if ((u64)slots[i] * AL_EXTENT_BM_BYTES < md_bm_bytes(sb.la_size_sect))
			memset(meta_at(d, at.bm_sector) + (u64)slots[i] * AL_EXTENT_BM_BYTES, 0xff,
			       AL_EXTENT_BM_BYTES);
	if (disk_is_internal(d) && d->known_size != d->size)
		move_md(d, &sb, &at);
	al_blocks_init(d, &at);
	sb.flags |= MDF_AL_CLEAN;
	sb.magic = MD_MAGIC_CLEAN;
	md_superblock_encode(&sb, meta_at(d, at.sb_sector));
	meta_commit(d, &at);
}

/* As drbdadm up does: attach all, then connect. */
s32 node_up(struct node *n)
{
	s32 ret = ERR_NO_ERROR;
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		ret = node_attach(n, v);
		if (ret != ERR_NO_ERROR && ret != SS_SUCCESS)
			return ret;
	}
	return node_connect(n);
}

/* ---- life ---- */

void node_boot(struct node *n)
{
	struct res_opts opts;
	u32 v, i;

	trace(n, "boot");
	dlist_init(&n->memory);
	dlist_init(&n->requests);
	dlist_init(&n->accept_queue);
	waitq_init(&n->accept_wait);
	n->host = node_alloc(n, sizeof(*n->host));
	n->host->node = n;
	host_conn_init(n->host);
	opts = settings.res;
	n->up = true;
	n->boots++;
	stats.boots++;
	n->stalled_until = 0;
	versions_boot(n);
	/* The worker's queues are needed before the core is set up. */
	host_worker_start(n->host);
	resource_init(&n->host->core, "r0", &opts);
	for (v = 0; v < cfg.volumes; v++) {
		struct host_device *d = node_alloc(n, sizeof(*d));

		n->device[v] = d;
		d->node = n;
		d->disk = &n->disk[v];
		device_init(&d->core, &n->host->core, n->id * MINORS_PER_NODE + v, v);
		d->core.md_buffer = node_alloc(n, MD_BLOCK_BYTES);
		d->core.al_buffer = node_alloc(n, MD_BLOCK_BYTES);
		for (i = 0; i < BM_BATCH; i++)
			d->core.bm_batch.copy[i] = node_alloc(n, BM_PAGE_BYTES);
	}
	net_node_booted(n);
	for (v = 0; v < cfg.volumes; v++)
		app_start(n, v);
}

static void memory_free(struct node *n)
{
	struct memory *m, *next;

	dlist_for_each_entry_safe(m, next, &n->memory, link) {
		dlist_del_init(&m->link);
		free(m);
	}
	n->host = NULL;
	memset(n->device, 0, sizeof(n->device));
}

void node_crash(struct node *n, bool lose_cache)
{
	u32 v;

	if (!n->up)
		return;
	stats.crashes++;
	trace(n, "crash%s", lose_cache ? ", disk caches lost" : "");
	oracle_crashing(n, lose_cache);
	app_node_crashed(n);
	n->up = false;
	/* Before the sockets go that threads wait for. */
	events_drop(n);
	net_node_crashed(n);
	for (v = 0; v < cfg.volumes; v++)
		disk_crash(&n->disk[v], lose_cache);
	commands_crash(n);
	memory_free(n);
}

void node_remove(struct node *n)
{
	u32 v;

	trace(n, "module unloaded");
	if (!dlist_empty(&n->requests))
		violation("node %s: requests are left after down", n->name);
	for (v = 0; v < cfg.volumes; v++)
		if (!dlist_empty(&n->disk[v].inflight) || n->device[v]->open_backing)
			violation("node %s: volume %u is in use after down", n->name, v);
	app_node_crashed(n);
	n->up = false;
	events_drop(n);
	net_node_crashed(n);
	commands_crash(n);
	memory_free(n);
}

struct drbd_device *node_device(struct node *n, int vnr)
{
	return n->up && vnr >= 0 ? &n->device[vnr]->core : NULL;
}

struct drbd_connection *node_connection(struct node *n)
{
	return n->up ? &n->host->core.connection : NULL;
}

const char *node_state_text(struct node *n, int vnr)
{
	static char text[NODES][160];
	struct drbd_device *d = node_device(n, vnr);

	if (!d)
		return "down";
	snprintf(text[n->id], sizeof(text[0]), "cstate %d conn %d role %d/%d disk %d/%d bits %llu",
		 n->host->core.connection.cstate, d->state.conn, d->state.role, d->state.peer,
		 d->state.disk, d->state.pdsk, (unsigned long long)d->bitmap.bits_set);
	return text[n->id];
}
