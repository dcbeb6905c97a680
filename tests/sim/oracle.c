// SPDX-License-Identifier: GPL-2.0
/*
 * What every sector may hold.  A write is known from its begin to its end; its content may
 * be read as long as no other write that began after its end has itself ended before the
 * read began.  A write without an end (its node crashed, or it failed) may show for ever,
 * and an acknowledged one is no promise any more when a volatile cache was lost before a
 * flush.
 */
#include "sim.h"
#include "core/predicates.h"

#define RUNNING NEVER

struct app_write {
	u64 tag, start, end;	/* end: RUNNING until acknowledged, and for ever if never */
	bool acked, durable;
	bool any, found;	/* no write: nobody knows what was there, or it was there already */
	u32 refs;
	int vnr, node;
	struct dlist recent;	/* acknowledged and not durable */
};

/* A list has the latest start first. length: of the list from here on, or more */
struct claim { struct app_write *write; struct claim *next; u32 length; };

static bool allowed(struct claim **history, u64 sector, u64 tag, u64 read_start);

/*
 * By node, because in a split brain the two histories part; else both are the same array.
 * Not kept at all while somebody may destroy data.
 */
static struct claim **histories[NODES][VOLUMES_MAX];
static bool forked, blind;
static struct dlist recent = { &recent, &recent };
static u64 cache_lost[VOLUMES_MAX];	/* when the only good copy last lost its cache */
/* Of two Primaries one lost its cache: when, and the generation it had. */
static struct { u64 time, generation; } one_of_two_lost[VOLUMES_MAX];
static u64 volume_size[VOLUMES_MAX];	/* sectors, what the nodes last said */

static void claim_add(struct claim **history, u64 sector, struct app_write *w)
{
	struct claim *c = malloc(sizeof(*c));

	c->write = w;
	c->next = history[sector];
	c->length = c->next ? c->next->length + 1 : 1;
	history[sector] = c;
	w->refs++;
}

/* The content of a disk as the one and only truth. */
static struct claim **history_of_disk(const struct node *n, u32 v)
{
	u64 most = n->disk[v].data.sectors, s;
	struct claim **history = calloc(most, sizeof(*history));

	for (s = 0; s < most; s++) {
		struct app_write *w = calloc(1, sizeof(*w));

		w->tag = disk_tags((struct disk *)&n->disk[v])[s];
		w->start = w->end = now_us;
		w->acked = w->durable = true;
		w->node = n->id;
		w->found = true;
		dlist_init(&w->recent);
		claim_add(history, s, w);
	}
	return history;
}

/* Before the first synchronisation every node's disk has its own content; node 0's counts. */
void oracle_init(void)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		histories[0][v] = histories[1][v] = history_of_disk(&nodes[0], v);
}

void oracle_fork(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		disk_settle(&n->disk[v]);
		histories[n->id][v] = history_of_disk(n, v);
	}
	forked = true;
}

static bool holds(struct node *disk_of, u32 v, struct claim **history)
{
	const u64 *tags = disk_tags(&disk_of->disk[v]);
	u64 s;

	for (s = 0; s < volume_size[v]; s++)
		if (!allowed(history, s, tags[s], now_us)) {
			trace(disk_of, "volume %u sector %llu holds %llx", v,
			      (unsigned long long)s, (unsigned long long)tags[s]);
			return false;
		}
	return true;
}

void oracle_join(const struct node *winner)
{
	u32 v;
	int i;

	for (v = 0; v < cfg.volumes; v++) {
		i = winner ? winner->id : !holds(&nodes[0], v, histories[0][v]);
		/* The loser may yet have to be synced. */
		if (!holds(&nodes[winner ? i : 0], v, histories[i][v]))
			violation("volume %u: after the split brain it holds neither what %s wrote nor what its peer wrote",
				  v, winner ? winner->name : "one node");
		histories[!i][v] = histories[i][v];
	}
	forked = false;
}

bool oracle_sees(void)
{
	return !blind && !forked;
}

void oracle_close_eyes(void)
{
	trace(NULL, "from now on data may be destroyed on purpose");
	blind = true;
}

void oracle_open_eyes(const struct node *n)
{
	u32 v;

	trace(NULL, "what node %s holds now is the truth", n->name);
	for (v = 0; v < cfg.volumes; v++)
		histories[0][v] = histories[1][v] = history_of_disk(n, v);
	blind = false;
}

void oracle_write_end(struct app_write *w, int error, bool durable)
{
	if (error)
		return;
	/*
	 * An acknowledgement that was on its way when the node that sent it lost its cache
	 * promises no more than one that arrived just before: the write may be gone, too.
	 */
	if (!durable && w->start < cache_lost[w->vnr])
		return;
	w->end = now_us;
	w->acked = true;
	w->durable = durable;
	if (!durable)
		dlist_add_tail(&w->recent, &recent);
}

void oracle_write_never(const struct node *n, int vnr, u64 sector, u32 sectors, struct app_write *w)
{
	struct claim **p, *c;
	u32 i;

	for (i = 0; i < sectors && !blind; i++) {
		for (p = &histories[n->id][vnr][sector + i]; *p && (*p)->write != w; p = &(*p)->next)
			;
		c = *p;
		if (!c)
			continue;	/* of a history that has ended */
		*p = c->next;
		free(c);
		if (!--w->refs) {
			free(w);
			return;
		}
	}
}

void oracle_write_lost(struct app_write *w)
{
	(void)w;	/* its end stays open */
}

void oracle_write_unpromised(const struct node *n, int vnr, u64 sector, u32 sectors, u64 started)
{
	struct claim *c;
	u32 i;

	for (i = 0; i < sectors && !blind; i++)
		for (c = histories[n->id][vnr][sector + i]; c; c = c->next) {
			if (c->write->start != started || !c->write->acked || c->write->any)
				continue;
			c->write->end = RUNNING;
			c->write->acked = c->write->durable = false;
			dlist_del_init(&c->write->recent);
		}
}

void oracle_flush_end(int vnr, u64 started)
{
	struct app_write *w, *next;

	dlist_for_each_entry_safe(w, next, &recent, recent) {
		if (w->vnr != vnr || w->end >= started)
			continue;
		w->durable = true;
		dlist_del_init(&w->recent);
	}
}

/* The latest start of an acknowledged write that ended before `limit`: what ended earlier is hidden. */
static u64 floor_of(const struct claim *list, u64 limit)
{
	for (; list; list = list->next)
		if (list->write->acked && list->write->end < limit)
			return list->write->start;
	return 0;
}

static bool allowed(struct claim **history, u64 sector, u64 tag, u64 read_start)
{
	const struct claim *list = history[sector], *c;
	u64 floor = floor_of(list, read_start);

	for (c = list; c; c = c->next)
		if ((c->write->tag == tag || c->write->any) && c->write->end >= floor)
			return true;
	return false;
}

/* With protocol A it was promised by one disk alone, until the peer has it: a promise that may fall. */
static bool promise_may_fall(const struct host_request *req)
{
	return cfg.protocol == 1 && req->write && (req->core.flags & (RQ_BA | RQ_ND)) == RQ_BA;
}

/* No request that is still on its way, or may be unpromised, began before this. */
static u64 oldest_request(void)
{
	struct host_request *req;
	u64 oldest = now_us;
	int i;

	for (i = 0; i < NODES; i++) {
		if (!nodes[i].up)
			continue;
		dlist_for_each_entry(req, &nodes[i].requests, mine) {
			if (req->completed && !promise_may_fall(req))
				continue;
			oldest = min(oldest, req->started);
			break;
		}
	}
	return oldest;
}

/* What is hidden by something durable and old can never be seen again. */
static void forget(struct claim **history, u64 sector, u64 oldest)
{
	struct claim **p = &history[sector], *c;
	u32 length = 0;
	u64 floor = 0;

	/* Now and then, or a long list that nothing can be taken from is gone through each time. */
	if (!*p || ((*p)->length & ((*p)->length - 1)))
		return;
	for (c = *p; c && !(c->write->durable && c->write->end < oldest); c = c->next)
		;
	if (c)
		floor = c->write->start;
	while ((c = *p)) {
		if (c->write->end >= floor) {
			p = &c->next;
			length++;
			continue;
		}
		*p = c->next;
		if (!--c->write->refs) {
			dlist_del_init(&c->write->recent);
			free(c->write);
		}
		free(c);
	}
	if (history[sector])
		history[sector]->length = length;
}

struct app_write *oracle_write_begin(const struct node *n, int vnr, u64 sector, u32 sectors, u64 tag)
{
	struct claim **history = histories[n->id][vnr];
	struct app_write *w = calloc(1, sizeof(*w));
	u64 oldest = oldest_request();
	u32 i;

	w->tag = tag;
	w->start = now_us;
	w->end = RUNNING;
	w->vnr = vnr;
	w->node = n->id;
	dlist_init(&w->recent);
	for (i = 0; i < sectors && !blind; i++) {
		forget(history, sector + i, oldest);
		claim_add(history, sector + i, w);
	}
	return w;
}

static void describe(struct claim **history, u64 sector)
{
	const struct claim *c;

	for (c = history[sector]; c; c = c->next)
		trace(NULL, "  write %llx began %llu ended %lld%s%s", (unsigned long long)c->write->tag,
		      (unsigned long long)c->write->start, (long long)c->write->end,
		      c->write->acked ? " acknowledged" : "", c->write->durable ? " durable" : "");
}

void oracle_read_end(struct node *n, int vnr, u64 sector, const u64 *tags, u32 sectors, u64 started)
{
	struct claim **history = histories[n->id][vnr];
	u32 i;

	for (i = 0; i < sectors && !blind; i++) {
		if (!allowed(history, sector + i, tags[i], started)) {
			violation("node %s: volume %d sector %llu reads as %llx, which is not what was written",
				  n->name, vnr, (unsigned long long)(sector + i),
				  (unsigned long long)tags[i]);
			describe(history, sector + i);
			return;
		}
	}
}

/* ---- what the policies allow to be lost, and sizes */

static void forget_content(int vnr, u64 sector)
{
	int i;

	for (i = 0; i < (forked ? NODES : 1); i++) {
		const struct claim *last = histories[i][vnr][sector];
		struct app_write *w;

		/* Nothing was begun since: all that differs is how long nobody has known. */
		if (last && last->write->any) {
			last->write->start = last->write->end = now_us;
			continue;
		}
		w = calloc(1, sizeof(*w));
		w->any = true;
		w->start = w->end = now_us;
		w->acked = w->durable = true;
		dlist_init(&w->recent);
		claim_add(histories[i][vnr], sector, w);
	}
}

static bool was_written(int vnr, u64 sector)
{
	const struct claim *c;

	/* What was there before a shrink is no loss when it shrinks again. */
	for (c = histories[0][vnr][sector]; c && !c->write->any; c = c->next)
		if (c->write->acked && !c->write->found)
			return true;
	return false;
}

/* A node alone may have had no chance yet to learn of a larger size. */
static bool is_behind(struct node *n, int vnr, u64 sectors)
{
	struct drbd_device *peer = node_device(other(n), vnr);

	return !peer || peer->capacity > sectors;
}

void oracle_capacity(struct node *n, int vnr, u64 sectors)
{
	u64 old = volume_size[vnr], s;

	/* A node without a disk believes what its peer was asked for, however large. */
	sectors = min(sectors, nodes[0].disk[vnr].data.sectors);
	if (!sectors || (sectors < old && is_behind(n, vnr, sectors)))
		return;
	for (s = sectors; s < old && !resize_shrinks() && !blind; s++) {
		if (!was_written(vnr, s))
			continue;
		violation("volume %d: shrinks from %llu to %llu sectors and loses what was written at %llu",
			  vnr, (unsigned long long)old, (unsigned long long)sectors,
			  (unsigned long long)s);
		return;
	}
	for (s = min(old, sectors); old && s < max(old, sectors); s++)
		forget_content(vnr, s);
	volume_size[vnr] = sectors;
}

void oracle_unknown(int vnr)
{
	u64 s;

	for (s = 0; s < volume_size[vnr]; s++)
		forget_content(vnr, s);
}

bool oracle_disk_current(struct node *n, int vnr, bool complain)
{
	struct claim **history = histories[n->id][vnr];
	const u64 *tags = disk_tags(&n->disk[vnr]);
	u64 s;

	for (s = 0; s < volume_size[vnr] && !blind; s++) {
		if (allowed(history, s, tags[s], now_us))
			continue;
		if (complain) {
			violation("node %s: volume %d sector %llu holds %llx on its disk, which is not what was written",
				  n->name, vnr, (unsigned long long)s, (unsigned long long)tags[s]);
			describe(history, s);
		}
		return false;
	}
	return true;
}

static bool up_to_date(struct node *n, u32 v)
{
	return n->up && node_device(n, v)->state.disk == D_UP_TO_DATE;
}

/* After a crash its data count, as a Primary's do: also when it has not finished its demotion. */
static bool disk_is_primarys(const struct drbd_device *d)
{
	return d->state.role == ROLE_PRIMARY ||
	       (d->has_backing && (d->md_flags_durable & MDF_PRIMARY_IND));
}

/* What may be gone: it was acknowledged, and not flushed, before `until`. */
static void unpromise(struct node *n, u32 v, u64 until)
{
	struct app_write *w, *next;

	cache_lost[v] = max(cache_lost[v], until);
	dlist_for_each_entry_safe(w, next, &recent, recent) {
		if (w->vnr != (int)v || w->start > until || (forked && w->node != n->id))
			continue;
		w->end = RUNNING;
		w->acked = false;
		dlist_del_init(&w->recent);
	}
}

static u64 generation_of(const struct drbd_device *d)
{
	return device_uuids(d).slot[UUID_CURRENT] & ~UUID_PRIMARY_BIT;
}

/*
 * Two Primaries crash one after the other, and the second one has begun no generation of its own
 * in between: two crashed Primaries with the same data by name.  Nothing says whose cache was lost,
 * so the one that lost it may become the source.
 */
static void crash_of_two(struct node *n, u32 v, bool lose_cache)
{
	struct drbd_device *d = node_device(n, v), *p = node_device(other(n), v);

	if (one_of_two_lost[v].time && d->has_backing && (!p || p->state.conn < C_CONNECTED) &&
	    generation_of(d) == one_of_two_lost[v].generation)
		unpromise(n, v, one_of_two_lost[v].time);
	one_of_two_lost[v].time = 0;
	if (!lose_cache || !p || !d->has_backing || p->state.role != ROLE_PRIMARY ||
	    !disk_is_primarys(d))
		return;
	one_of_two_lost[v].time = now_us;
	one_of_two_lost[v].generation = generation_of(d);
}

/*
 * With protocol C, everything that was acknowledged while the peer was a good mirror is on
 * the peer's disk.  Afterwards unflushed data may be gone where the cache was lost.
 */
void oracle_crashing(struct node *n, bool lose_cache)
{
	struct node *peer = other(n);
	u32 v;

	for (v = 0; v < cfg.volumes && !blind; v++) {
		struct drbd_device *d = node_device(n, v);

		if (d->state.role == ROLE_PRIMARY && d->state.conn == C_CONNECTED &&
		    d->state.pdsk == D_UP_TO_DATE && cfg.protocol == 3 && up_to_date(peer, v) &&
		    !node_connection(n)->change.pending &&
		    /* ... unless it rebooted and nobody has noticed. */
		    node_device(peer, v)->state.conn == C_CONNECTED)
			oracle_disk_current(peer, v, true);
		crash_of_two(n, v, lose_cache);
		if (!lose_cache || (!forked && up_to_date(peer, v) &&
		    (!disk_is_primarys(d) || node_device(peer, v)->state.role == ROLE_PRIMARY)))
			continue;
		unpromise(n, v, now_us);
	}
}

/* The peer said no: the extent stays active until the epoch ends, and then the bits are set. */
static bool will_be_marked(struct drbd_device *d, u64 sector)
{
	struct interval *i;

	interval_for_each_overlap(i, &d->rq.writes, sector, 512) {
		struct drbd_request *req = container_of(i, struct drbd_request, interval);

		if (i->is_local && (req->flags & RQ_COMPLETE) && !(req->flags & RQ_NO) &&
		    req->in_al)
			return true;
	}
	return false;
}

/* A block whose write was acknowledged is the same on the peer, or marked. */
void oracle_check_mirrored(struct node *n, int vnr, u64 sector, u32 sectors, const u64 *tags)
{
	struct drbd_device *d = node_device(n, vnr);
	const u64 *mine = disk_tags(&n->disk[vnr]), *theirs = disk_tags(&other(n)->disk[vnr]);
	u32 i;

	/* With A and B the peer's disk may lag; the transfer log covers what it lacks. */
	if (blind || cfg.protocol != 3 || d->state.disk < D_INCONSISTENT || cfg.two_primaries ||
	    d->state.conn != C_CONNECTED || !other(n)->up ||
	    node_device(other(n), vnr)->state.conn != C_CONNECTED)
		return;
	for (i = 0; i < sectors; i++) {
		u64 s = sector + i;

		if (theirs[s] == mine[s] || bm_test(&d->bitmap, bm_sector_to_bit(s)) == 1)
			continue;
		if (mine[s] != tags[i])
			continue;	/* overwritten meanwhile */
		if (will_be_marked(d, s))
			continue;
		if (d->state.disk == D_UP_TO_DATE)
			violation("node %s: volume %d sector %llu was acknowledged, but is neither mirrored nor marked",
				  n->name, vnr, (unsigned long long)s);
		return;
	}
}

void oracle_check_converged(void)
{
	u32 v;
	u64 s;

	for (v = 0; v < cfg.volumes; v++) {
		const u64 *a = disk_tags(&nodes[0].disk[v]), *b = disk_tags(&nodes[1].disk[v]);
		u64 capacity = node_device(&nodes[0], v)->capacity;

		one_of_two_lost[v].time = 0;
		if (node_device(&nodes[1], v)->capacity != capacity)
			violation("volume %u: connected, but of unequal sizes: %llu and %llu sectors", v,
				  (unsigned long long)capacity,
				  (unsigned long long)node_device(&nodes[1], v)->capacity);
		oracle_capacity(&nodes[0], v, capacity);

		/* A part of a block that was written twice leaves its mark, which is harmless. */
		if (!(cfg.two_primaries && cfg.sub_block) &&
		    (node_device(&nodes[0], v)->bitmap.bits_set ||
		     node_device(&nodes[1], v)->bitmap.bits_set))
			violation("volume %u: in sync, but bits are set: %s | %s", v,
				  node_state_text(&nodes[0], v), node_state_text(&nodes[1], v));
		for (s = 0; s < capacity && a[s] == b[s]; s++)
			;
		if (s < capacity) {
			violation("volume %u sector %llu: the disks differ (%llx, %llx) and both are UpToDate",
				  v, (unsigned long long)s, (unsigned long long)a[s],
				  (unsigned long long)b[s]);
			describe(histories[0][v], s);
		}
		oracle_disk_current(&nodes[0], v, true);
		oracle_disk_current(&nodes[1], v, true);
	}
}
