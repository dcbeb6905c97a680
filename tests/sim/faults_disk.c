// SPDX-License-Identifier: GPL-2.0
/*
 * What disks do wrong, memory that is not to be had, and nodes that crash at a certain step
 * of a disk: families "disk" and "memory".
 */
#include "actors.h"
#include "core/predicates.h"

#define FOR_EVER (1000000 * SECOND)

u64 disk_errors, resizes;

static bool trouble, memory_is_low;

/* ---- configuration ---- */

void disk_config(void)
{
	struct disk_conf *disk = &cfg.disk;

	cfg.memory_fails = family_has(FAMILY_MEMORY) ? chance_between(2, 30) : 0;
	if (!family_has(FAMILY_DISK))
		return;
	disk->on_io_error = chance(3);
	disk->disk_timeout = one_in(2) ? chance_between(20, 300) : 0;
	disk->read_balancing = one_in(2) ? chance(11) : 0;
	cfg.on_no_data = chance(2);
	cfg.al_slots = one_in(2) ? chance_between(3, 8) : 0;
	cfg.discards = one_in(2);
}

/* How large a disk is whose internal metadata leave this much. */
static u64 internal_size(u64 capacity)
{
	u64 size = capacity + 80;
	struct md_layout at;

	while (!md_layout_compute(MD_INDEX_INTERNAL, size, size, MD_AL_STRIPES_DEFAULT,
				  MD_AL_STRIPE_4K_DEFAULT, &at) || at.capacity < capacity)
		size += 8;
	return size;
}

void disk_machine(struct disk *d, const char *name)
{
	u64 most = internal_size(cfg.data_sectors + resize_room()) + 8;
	bool internal = family_has(FAMILY_DISK) && one_in(2);

	disk_init(d, name, most, internal ? most : 4096);
	d->size = cfg.data_sectors;
	if (internal) {
		d->md_index = MD_INDEX_INTERNAL;
		d->size = internal_size(cfg.data_sectors);
	}
	d->known_size = d->size;
}

void disk_machine_done(struct disk *d)
{
	if (disk_is_internal(d))
		d->shared_cache = true;
	if (!family_has(FAMILY_DISK))
		return;
	d->destage = one_in(2) ? 4 : 0;
	d->no_discards = one_in(4);
	d->no_flushes = d->write_through && one_in(2);
	d->no_drain = d->no_flushes && one_in(3);
}

/*
 * While a disk was away its peer may have grown, and so has what users see: it needs a larger
 * place. False: there is none.
 */
bool disk_make_room(struct node *n, u32 v)
{
	struct drbd_device *device = node_device(n, v);
	struct disk *d = &n->disk[v];
	u64 size;

	if (!device)
		return false;
	size = max(device->capacity, d->conf_size);
	if (disk_is_internal(d))
		size = internal_size(size);
	if (size <= d->size || size > d->data.sectors)
		return false;
	d->size = size;
	trace(n, "disk %s is too small: it has %llu sectors now", d->name, (unsigned long long)size);
	return true;
}

void disk_settings(void)
{
	u32 v;
	int i;

	settings.res.on_no_data = cfg.on_no_data;
	for (i = 0; i < NODES; i++)
		for (v = 0; v < VOLUMES_MAX; v++) {
			struct disk_conf *conf = &settings.disk[i][v];

			conf->disk_flushes = conf->md_flushes = !nodes[i].disk[v].no_flushes;
			conf->disk_drain = !nodes[i].disk[v].no_drain;
		}
}

/* ---- an I/O ---- */

static bool hits_bad_sector(struct disk *d, const struct disk_io *io)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(d->faults.bad); i++) {
		u64 sector = d->faults.bad[i].sector;
		u32 sectors = d->faults.bad[i].sectors;

		if (io->region != &d->data || io->sector >= sector + sectors ||
		    sector >= io->sector + io->sectors)
			continue;
		if (io->op == DISK_READ)
			return true;
		if (io->op != DISK_FLUSH)
			d->faults.bad[i].sectors = 0;	/* written anew: readable again */
	}
	return false;
}

static bool io_fails(struct disk *d, const struct disk_io *io)
{
	const struct disk_faults *f = &d->faults;
	bool meta = io->region == &d->meta;

	if (hits_bad_sector(d, io))
		return true;
	if ((io->op == DISK_FLUSH || io->preflush) && one_in(f->flush))
		return true;
	switch (io->op) {
	case DISK_READ:
		return one_in(meta ? f->meta_read : f->read);
	case DISK_FLUSH:
		return false;
	default:
		return one_in(meta ? f->meta_write : f->write);
	}
}

static struct node *node_of(const struct disk *d)
{
	return d >= nodes[0].disk && d < nodes[0].disk + VOLUMES_MAX ? &nodes[0] : &nodes[1];
}

/*
 * With pass_on a disk is used on after an error, but it is not trusted any more.  When it was
 * the only good one, whatever the other one has takes its place: the policy's price.
 */
static void price_of_pass_on(const struct disk *d)
{
	struct node *n = node_of(d);
	int v = d - n->disk;
	struct drbd_device *mine = node_device(n, v), *theirs = node_device(other(n), v);

	if (!mine || mine->disk_conf.on_io_error != OPT_IO_ERROR_PASS_ON || mine->state.disk <= D_INCONSISTENT)
		return;
	if (theirs && theirs->state.disk == D_UP_TO_DATE && mine->state.pdsk == D_UP_TO_DATE &&
	    theirs->state.conn == C_CONNECTED && mine->state.conn == C_CONNECTED)
		return;
	trace(n, "volume %d: the last good copy fails, and pass_on is set", v);
	oracle_unknown(v);
}

/*
 * With protocol A the peer may lag behind: what it has not acknowledged yet was promised by
 * this disk alone, and a disk that goes bad takes the promise along.
 */
void disk_error(const struct disk_io *io)
{
	const struct disk *d = io->disk;
	struct node *n = node_of(d);
	struct host_request *req;

	/* Not before: until now it has been written to, and users were told. */
	if (io->region == &d->data)
		price_of_pass_on(d);
	if (cfg.protocol != 1 || !n->up)
		return;
	dlist_for_each_entry(req, &n->requests, mine)
		if (req->completed && req->write && req->core.device->vnr == (u32)(d - n->disk) &&
		    (req->core.flags & (RQ_BA | RQ_ND)) == RQ_BA)
			oracle_write_unpromised(n, d - n->disk, req->core.interval.sector,
						req->sectors, req->started);
}

int disk_fault(struct disk *d, const struct disk_io *io, u64 *us)
{
	if (!trouble)
		return 0;
	if (one_in(d->faults.slow))
		*us += chance64() % d->faults.slow_us;
	if (one_in(d->faults.stuck)) {
		trace(node_of(d), "disk %s: an I/O is stuck", d->name);
		*us += FOR_EVER;
	}
	if (!io_fails(d, io))
		return 0;
	trace(node_of(d), "disk %s: op %u at %s sector %llu+%u fails", d->name, io->op,
	      io->region == &d->meta ? "meta" : "data", (unsigned long long)io->sector, io->sectors);
	disk_errors++;
	return -EIO;
}

static void disk_unstick(struct disk *d)
{
	struct disk_io *io;

	d->faults.stuck = 0;
	dlist_for_each_entry(io, &d->inflight, link)
		if (io->done.time > now_us + FOR_EVER / 2)
			event_at(&io->done, now_us + chance(100000));
}

static void disk_is_well(struct disk *d)
{
	memset(&d->faults, 0, sizeof(d->faults));
	disk_unstick(d);
}

bool alloc_fails(void)
{
	return memory_is_low && one_in(cfg.memory_fails);
}

bool digest_fails(void)
{
	return family_has(FAMILY_VERIFY) && alloc_fails();
}

void disk_reads_fail(struct node *n)
{
	struct disk_faults *f = &n->disk[0].faults;

	trouble = true;
	f->read = 1 << chance(6);
	trace(n, "disk %s: one read in %u fails", n->disk[0].name, f->read);
}

bool disk_trouble(void)
{
	return trouble;
}

/* ---- a crash at a certain step ---- */

static struct crash_plan {
	struct event ev;
	struct node *node;
	u32 left;
	bool meta;
} plan;

static void plan_fire(struct event *ev)
{
	(void)ev;
	if (!plan.node->up)
		return;
	trace(plan.node, "the planned crash");
	node_crash(plan.node, !one_in(4));
}

static void plan_crash(struct node *n, u32 steps, bool meta)
{
	if (!plan.node)
		event_init(&plan.ev, NULL, plan_fire);
	plan.node = n;
	plan.left = steps;
	plan.meta = meta;
	trouble = true;
}

static void plan_cancel(void)
{
	plan.left = 0;
	if (plan.node)
		event_cancel(&plan.ev);
}

/* The crash comes before, while or right after this I/O is done. */
void disk_step(struct node *n, const struct disk_io *io)
{
	u64 us = io->done.time - now_us;

	if (n != plan.node || !plan.left || io->op == DISK_READ ||
	    (plan.meta && io->region != &io->disk->meta))
		return;
	if (!--plan.left)
		event_at(&plan.ev, now_us + chance(2 * min_t(u64, us, 1000000) + 2));
}

/* ---- rounds ---- */

static void disk_goes_bad(struct node *n, struct disk *d)
{
	struct disk_faults *f = &d->faults;
	u32 rate = 1 << chance(6), kind = chance(9), i;

	trace(n, "disk %s goes bad: kind %u, one in %u", d->name, kind, rate);
	trouble = true;
	switch (kind) {
	case 0:
		f->read = rate;
		break;
	case 1:
		f->write = rate;
		break;
	case 2:
		f->meta_write = rate;
		break;
	case 3:
		f->meta_write = f->meta_read = rate;
		break;
	case 4:
		f->flush = rate;
		break;
	case 5:
		f->read = f->write = f->meta_read = f->meta_write = f->flush = 1;
		break;
	case 6:
		f->slow = rate;
		f->slow_us = 1000ull << chance(14);
		break;
	case 7:
		f->stuck = rate * 4;
		break;
	default:
		for (i = 0; i < ARRAY_SIZE(f->bad); i++) {
			f->bad[i].sector = chance64() % cfg.data_sectors;
			f->bad[i].sectors = 1 + chance(64);
		}
		break;
	}
}

static struct disk *some_disk(struct node *n)
{
	return &n->disk[chance(cfg.volumes)];
}

static void crash_and_boot(struct node *n)
{
	if (!n->up)
		return;
	node_crash(n, !one_in(4));
	pass(1, one_in(2) ? 500 : 20000);
	bring_up(n);
}

static void something_else(struct node *n)
{
	struct admin_op op;

	switch (chance(7)) {
	case 0:
		return fault_cut();
	case 1:
		return fault_reset();
	case 2:
		return crash_and_boot(&nodes[chance(2)]);
	case 3:
		node_op_init(n, 0, &op);
		op.force = true;
		node_command(n, 0, admin_detach, &op);
		return;
	case 4:
		return fault_disconnect();
	default:
		return bring_up(n);
	}
}

/* Disks do not stay stuck for ever: a graceful detach would wait for that long. */
static void all_unstuck(void)
{
	u32 i, v;

	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			disk_unstick(&nodes[i].disk[v]);
}

static void round_bad_disk(void)
{
	struct node *n = &nodes[chance(2)];
	struct disk *d = some_disk(n);

	disk_goes_bad(n, d);
	if (one_in(6))
		disk_goes_bad(other(n), some_disk(other(n)));
	pass(1, one_in(2) ? 500 : 30000);
	all_unstuck();
	if (one_in(2))
		something_else(n);
	pass(1, 2000);
	if (one_in(2))
		disk_is_well(d);
	if (one_in(2))
		bring_up(n);
}

static void invalidate(struct node *n)
{
	if (n != primary && in_sync())
		note_invalidate(n, node_command(n, 0, admin_invalidate, NULL));
}

static void detach_and_attach(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes && n->up && in_sync(); v++)
		node_command(n, v, admin_detach, NULL);
	pass(1, one_in(2) ? 100 : 10000);
	if (n->up)
		bring_up(n);
}

static void round_crash_at_step(void)
{
	struct node *n = &nodes[chance(2)];

	plan_crash(n, 1 + chance(one_in(2) ? 6 : 60), one_in(2));
	trace(n, "is to crash at the %uth %s", plan.left, plan.meta ? "metadata write" : "write");
	switch (chance(family_has(FAMILY_RESIZE) ? 8 : 6)) {
	case 0:
		detach_and_attach(n);
		break;
	case 1:
		fault_switch_roles();
		break;
	case 2:
		invalidate(n);
		break;
	case 3:
		fault_cut();
		break;
	case 4:
		fault_disconnect();
		break;
	case 5:
		break;
	default:
		fault_resize();
		break;
	}
	pass(1, one_in(2) ? 100 : 20000);
	plan_cancel();
	if (!n->up)
		bring_up(n);
}

/* The Primary's disk goes away under load, and perhaps the peer after it. */
static void round_no_data(void)
{
	struct node *n = primary;
	struct admin_op op;
	u32 v;

	if (!in_sync() || !n->up)
		return;
	trouble = true;
	for (v = 0; v < cfg.volumes && n->up; v++) {
		node_op_init(n, v, &op);
		op.force = one_in(2);
		node_command(n, v, admin_detach, &op);
	}
	pass(1, 10000);
	if (one_in(2)) {
		something_else(n);
		pass(1, 5000);
	}
	bring_up(n);
}

static void round_low_memory(void)
{
	struct node *n = &nodes[chance(2)];

	trouble = memory_is_low = true;
	switch (chance(4)) {
	case 0:
		detach_and_attach(n);
		break;
	case 1:
		something_else(n);
		break;
	case 2:
		if (family_has(FAMILY_RESIZE))
			fault_resize();
		break;
	default:
		invalidate(n);
		break;
	}
	pass(1, 5000);
	memory_is_low = false;
}

bool disk_family_fault(void)
{
	u32 dice;

	if (!(cfg.families & (FAMILY_DISK | FAMILY_MEMORY | FAMILY_RESIZE)))
		return false;
	dice = chance(10);

	if (family_has(FAMILY_RESIZE) && one_in(3)) {
		fault_resize();
		return true;
	}
	if (family_has(FAMILY_MEMORY) && one_in(3)) {
		round_low_memory();
		return true;
	}
	if (family_has(FAMILY_RESIZE) && !family_has(FAMILY_DISK) && dice < 3) {
		round_crash_at_step();
		return true;
	}
	if (!family_has(FAMILY_DISK) || dice > 6)
		return false;
	if (dice < 4)
		round_bad_disk();
	else if (dice == 4)
		round_no_data();
	else
		round_crash_at_step();
	return true;
}

/* ---- peace ---- */

void disk_peace(void)
{
	u32 i, v;

	if (!trouble)
		return;
	memory_is_low = false;
	plan_cancel();
	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			disk_is_well(&nodes[i].disk[v]);
	/* What is stuck or failing now comes to its end. */
	pass(2000, 2000);
	trouble = false;
}

static bool is_syncing(u32 v)
{
	struct drbd_device *a = node_device(&nodes[0], v), *b = node_device(&nodes[1], v);

	return a && b && a->state.conn > C_CONNECTED && b->state.conn > C_CONNECTED;
}

static void force_primary(struct node *n, u32 v)
{
	struct admin_op op;

	trace(n, "volume %u: no good copy is left, primary --force", v);
	node_command(primary, v, admin_resume_io, NULL);
	demote(primary);
	node_op_init(n, v, &op);
	op.force = true;
	node_command(n, v, admin_primary, &op);
	promote(n);
}

/*
 * A Primary without its disk takes none that is older: nobody may be using the data.  Nor does its
 * peer take the own one, if the older one has been shown to it meanwhile.
 */
static bool give_up_data(struct node *n, u32 v)
{
	struct drbd_device *d = node_device(n, v);

	if (d->state.role != ROLE_PRIMARY || d->state.disk != D_DISKLESS ||
	    (d->state.pdsk != D_INCONSISTENT && d->state.pdsk != D_DISKLESS) || n != primary)
		return false;
	trace(n, "volume %u: the peer's disk is no good any more, back to the own one", v);
	node_command(n, v, admin_resume_io, NULL);
	demote(n);
	bring_up(n);
	return true;
}

/* What an administrator does about a volume that stays as it is. */
static void volume_repair(u32 v)
{
	struct drbd_device *a = node_device(&nodes[0], v), *b = node_device(&nodes[1], v);
	struct node *bad;

	if (!a || !b || a->state.conn != C_CONNECTED || b->state.conn != C_CONNECTED)
		return;
	if (give_up_data(&nodes[0], v) || give_up_data(&nodes[1], v))
		return;
	if (a->state.disk <= D_INCONSISTENT && b->state.disk <= D_INCONSISTENT &&
	    a->state.disk >= D_INCONSISTENT && b->state.disk >= D_INCONSISTENT) {
		force_primary(primary, v);
		return;
	}
	/* The newest data are on a disk that failed, and the other one is refused as too old. */
	bad = a->state.disk == D_INCONSISTENT && b->state.disk == D_DISKLESS ? &nodes[0] :
	      b->state.disk == D_INCONSISTENT && a->state.disk == D_DISKLESS ? &nodes[1] : NULL;
	if (bad) {
		/* Refused for want of a protocol that could tell, it may be the good one. */
		if (!versions_upgraded())
			force_primary(bad, v);
		return;
	}
	bad = a->state.disk == D_INCONSISTENT ? &nodes[0] : b->state.disk == D_INCONSISTENT ? &nodes[1] : NULL;
	if (bad) {
		trace(bad, "volume %u: invalidate after errors", v);
		node_command(bad, v, admin_invalidate, NULL);
	}
}

/* Who refuses the other one's data stands alone, or leaves the other one waiting. */
static bool do_not_meet(void)
{
	u8 a, b;

	if (!nodes[0].up || !nodes[1].up || connected())
		return false;
	a = node_connection(&nodes[0])->cstate;
	b = node_connection(&nodes[1])->cstate;
	return a == C_STANDALONE || b == C_STANDALONE;
}

static bool holds_what_was_written(struct node *n, u8 least)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (node_device(n, v)->state.disk < least || !oracle_disk_current(n, v, false))
			return false;
	return true;
}

/* Whose data are to count; after errors on both nodes perhaps those of a disk that had some. */
static struct node *who_holds_what_was_written(void)
{
	static const u8 least[] = { D_OUTDATED, D_INCONSISTENT };
	u32 i;

	for (i = 0; i < ARRAY_SIZE(least); i++) {
		if (holds_what_was_written(primary, least[i]))
			return primary;
		if (holds_what_was_written(other(primary), least[i]))
			return other(primary);
	}
	return NULL;
}

static void force_where_inconsistent(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (node_device(n, v)->state.disk == D_INCONSISTENT)
			force_primary(n, v);
}

static bool holds_volume(struct node *n, u32 v)
{
	return node_device(n, v)->state.disk >= D_OUTDATED && oracle_disk_current(n, v, false);
}

static void part_for_good(struct node *n)
{
	struct admin_op op;

	node_op_init(n, 0, &op);
	op.force = true;
	node_command(n, 0, admin_disconnect, &op);
}

/* --discard-my-data counts for all volumes: where each node holds some, what is lost is named. */
static void invalidate_what_is_lost(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		part_for_good(&nodes[i]);
	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++) {
			struct node *n = &nodes[i];

			if (node_device(n, v)->state.disk == D_DISKLESS)
				node_attach(n, v);
			if (!holds_volume(n, v))
				node_command(n, v, admin_invalidate, NULL);
		}
}

/*
 * Each volume is whole somewhere, but not all on one node: their peers are to follow, volume by
 * volume. A Primary without a disk does not trust its peer with what its users have seen.
 */
static bool settle_apart(bool again)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (!holds_volume(&nodes[0], v) && !holds_volume(&nodes[1], v))
			return false;
	trace(primary, "no node holds all volumes: Secondary, so that each follows the other");
	stats.splits++;
	for (v = 0; v < cfg.volumes; v++)
		node_command(primary, v, admin_resume_io, NULL);
	demote(primary);
	if (again)
		invalidate_what_is_lost();
	bring_up(&nodes[0]);
	bring_up(&nodes[1]);
	return true;
}

/*
 * A disk lost just when the connection was: both nodes begin a new generation, and somebody has
 * to say which one counts. One of them must hold everything.  A frozen Primary can neither give
 * way to a newer name of the same data nor be made Secondary: asked again, the other one's are
 * invalidated.  Two syncs that ended half, and a --force after them, may have left nothing that both
 * remember: the log of unrelated data asks for new metadata.
 */
static void settle_split(u32 before)
{
	struct node *winner = who_holds_what_was_written(), *loser;
	struct net_conf conf = settings.net;
	u32 v;

	if (!winner && settle_apart(before > 0))
		return;
	if (!winner) {
		violation("split brain, and neither node holds what was written: A: %s; B: %s",
			  node_state_text(&nodes[0], 0), node_state_text(&nodes[1], 0));
		return;
	}
	loser = other(winner);
	trace(winner, "split brain: its data count");
	stats.splits++;
	oracle_join(winner);
	part_for_good(loser);
	if (loser == primary || is_primary(loser)) {
		/* Without data it may be frozen; what waits there has to fail first. */
		for (v = 0; v < cfg.volumes; v++)
			node_command(loser, v, admin_resume_io, NULL);
		demote(loser);
		primary = winner;
	}
	/* A disk that was refused while connected is to be seen as the loser's, too. */
	for (v = 0; v < cfg.volumes; v++)
		if (node_device(loser, v)->state.disk == D_DISKLESS)
			node_attach(loser, v);
	for (v = 0; before && v < cfg.volumes; v++)
		node_command(loser, v, admin_invalidate, NULL);
	force_where_inconsistent(winner);
	if (before > 1) {
		repair_anew(winner);
		return;
	}
	conf.discard_my_data = 1;
	node_connect_conf(loser, &conf, 0);
	bring_up(winner);
}

static bool attached(u32 v)
{
	return node_device(&nodes[0], v)->state.disk > D_DISKLESS &&
	       node_device(&nodes[1], v)->state.disk > D_DISKLESS;
}

/* Which of the volumes have their disks on both nodes? */
static u32 volumes_attached(void)
{
	u32 v, found = 0;

	for (v = 0; v < cfg.volumes && nodes[0].up && nodes[1].up; v++)
		found |= attached(v) ? 1u << v : 0;
	return found;
}

/* A disk that is still being let go can not be attached, and its data not be missed yet. */
static bool none_is_failing(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; nodes[i].up && v < cfg.volumes; v++)
			if (node_device(&nodes[i], v)->state.disk == D_FAILED)
				return false;
	return true;
}

/*
 * The same where no disk is bad, once one was detached, or only the peer's consent to it was had:
 * then both stand alone.
 */
static void settle_if_detached(void)
{
	int i;

	if (!stats.detaches || comes_true(connected, 100))
		return;
	for (i = 0; i < NODES; i++)
		if (!nodes[i].up || node_connection(&nodes[i])->cstate != C_STANDALONE)
			return;
	settle_split(0);
}

void disk_repair(void)
{
	u32 apart = 0, before, tries = 0, settled = 0;
	u64 until = now_us + 900 * SECOND;
	u32 v;
	int i;

	if (!(cfg.families & (FAMILY_DISK | FAMILY_MEMORY | FAMILY_RESIZE))) {
		if (cfg.families & (FAMILY_NET | FAMILY_ADMIN))
			settle_if_detached();
		return;
	}
	while (!sim_failed && !in_sync() && now_us < until) {
		comes_true(none_is_failing, 60);
		for (i = 0; i < NODES; i++)
			bring_up(&nodes[i]);
		before = volumes_attached();
		pass(3000, 3000);
		/* They may be looked at just while they try once more. */
		if (do_not_meet())
			apart++;
		else if (connected())
			apart = 0;
		/* Connected, a disk whose data split off is given up again as soon as it is attached. */
		tries += connected() && (before & ~volumes_attached());
		if (apart > 5 || tries > 5) {
			if (!versions_upgraded())
				settle_split(settled++);
			apart = 0;
			tries = 0;
		}
		for (v = 0; v < cfg.volumes && !sim_failed; v++)
			if (!is_syncing(v))
				volume_repair(v);
	}
}
