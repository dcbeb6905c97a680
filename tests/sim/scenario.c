// SPDX-License-Identifier: GPL-2.0
/*
 * What happens in a run: configuration by seed, then an administrator who behaves like a
 * sane cluster manager among faults, then peace, in which everything has to come right.
 */
#include "scenario.h"
#include "actors.h"

struct config cfg;
bool scenario_over;
static bool calm;			/* no faults any more: what is refused now is wrong */

struct node *primary;

/* ---- configuration ---- */

static const u64 sizes[] = { 2048, 16384, 16384, 16387, 65536, 40961 };

static void net_by_seed(struct net_conf *net)
{
	net_conf_set_defaults(net);
	net->wire_protocol = cfg.protocol;
	net->connect_int = chance_between(1, 10);
	net->ping_int = chance_between(1, 10);
	net->ping_timeo = chance_between(1, 10);
	net->timeout = min(net->connect_int, net->ping_int) * 10 - chance(5) - 1;
	net->ko_count = chance(8);
	net->max_epoch_size = one_in(2) ? 2048 : chance_between(1, 50);
	net->max_buffers = one_in(2) ? 2048 : chance_between(32, 200);
	net->use_rle = !one_in(4);
	if (one_in(3))
		strcpy(net->csums_alg, "md5");
	if (!one_in(3))
		strcpy(net->verify_alg, "sha1");
	if (one_in(4))
		strcpy(net->integrity_alg, "crc32c");
	if (one_in(4)) {
		strcpy(net->cram_hmac_alg, "sha256");
		strcpy(net->shared_secret, "a secret");
	}
}

static void disk_by_seed(struct disk_conf *disk)
{
	disk_conf_set_defaults(disk);
	strcpy(disk->backing_dev, "/dev/data");
	strcpy(disk->meta_dev, "/dev/meta");
	disk->meta_dev_idx = MD_INDEX_FLEX_EXTERNAL;
	disk->al_extents = one_in(2) ? 67 : 1237;
	disk->c_min_rate = one_in(4) && cfg.data_sectors < 100000 ? 250 : 20000;
	disk->c_plan_ahead = one_in(4) ? 0 : 20;
	if (!disk->c_plan_ahead)
		disk->resync_rate = chance_between(1000, 100000);
	disk->rs_discard_granularity = one_in(4) ? 65536 : 0;
}

void config_by_seed(u64 seed, u32 families, bool smoke)
{
	chance_seed(seed ^ (u64)families << 40);
	memset(&cfg, 0, sizeof(cfg));
	cfg.seed = seed;
	cfg.families = families;
	cfg.volumes = smoke || !one_in(4) ? 1 : 2;
	cfg.data_sectors = smoke ? 16384 : one_in(20) ? 80 * 8192 : sizes[chance(ARRAY_SIZE(sizes))];
	cfg.protocol = smoke || one_in(2) ? 3 : chance_between(1, 3);
	cfg.wake_latency = smoke ? 20 : 1 << chance(10);
	/* A large volume would take for ever when every other turn of its resync fails. */
	cfg.alloc_fails = smoke || !one_in(4) || cfg.data_sectors > 100000 ? 0 : chance_between(10, 50);
	cfg.max_request = !one_in(4) ? 8 + chance(60) : chance_between(64, 2048);
	cfg.app_depth = 1 + chance(one_in(4) ? 4096 / cfg.max_request : 8);
	cfg.app_gap = 1 << chance_between(9, 19);
	cfg.faults = smoke ? 0 : chance_between(1, 8);
	cfg.crashes = !one_in(4);
	cfg.cuts = !one_in(4);
	cfg.admin = !one_in(4);
	cfg.discards = !smoke && one_in(2);
	cfg.sub_block = !smoke && one_in(2);
	net_by_seed(&cfg.net);
	disk_by_seed(&cfg.disk);
	if (families & (FAMILY_DISK | FAMILY_MEMORY))
		disk_config();
	if (family_has(FAMILY_RESIZE))
		resize_config();
	if (family_has(FAMILY_DUAL))
		dual_config();
	if (family_has(FAMILY_ROT))
		rot_config();
	corners_config();
}

static void machines_by_seed(void)
{
	static char names[NODES][VOLUMES_MAX][16];
	u32 v, fast = 20 << chance(6);
	u64 s;
	int i;

	net_init(10 << chance(7), 1500 << chance(3), one_in(3) ? 8192 << chance(4) : 1 << 20);
	if (family_has(FAMILY_NET))
		netfault_config();
	corners_machines();
	for (i = 0; i < NODES; i++) {
		nodes[i].id = i;
		nodes[i].name = i ? "B" : "A";
		for (v = 0; v < cfg.volumes; v++) {
			struct disk *d = &nodes[i].disk[v];

			snprintf(names[i][v], sizeof(names[i][v]), "%s/%u", nodes[i].name, v);
			if (cfg.families & (FAMILY_DISK | FAMILY_MEMORY | FAMILY_RESIZE))
				disk_machine(d, names[i][v]);
			else
				disk_init(d, names[i][v], cfg.data_sectors, 4096);
			d->latency_min = fast;
			d->latency_max = fast * (1 + chance(20));
			d->write_through = one_in(4);
			d->shared_cache = one_in(3);
			disk_machine_done(d);
			for (s = 0; s < d->data.sectors; s++)
				disk_tags(d)[s] = one_in(8) ? 0 : s << 8 | (0xa0 + i);
			if (i && family_has(FAMILY_SKIP))
				memcpy(d->data.cur, nodes[0].disk[v].data.cur, d->data.sectors * 8);
			memcpy(d->data.durable, d->data.cur, d->data.sectors * 8);
		}
		node_create_md(&nodes[i]);
	}
}

/* ---- waiting for states ---- */

bool comes_true(condition *cond, u32 seconds)
{
	u64 until = now_us + seconds * SECOND;

	while (!cond() && now_us < until && !sim_failed)
		thread_sleep(20 * MS);
	return sim_failed || cond();
}

static u64 work_left(void)
{
	struct drbd_device *device;
	u64 left = 0;
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; nodes[i].up && v < cfg.volumes; v++) {
			device = node_device(&nodes[i], v);
			left += device->bitmap.bits_set;
			if (device->state.conn == C_VERIFY_S || device->state.conn == C_VERIFY_T)
				left += device->resync.verify_left;
		}
	return left;
}

/* A resync or verify may be slow, as some settings want it, if only it goes on. */
bool wait_for(condition *cond, const char *what, u32 seconds)
{
	u64 before;
	u32 v;

	do {
		before = work_left();
		if (comes_true(cond, seconds))
			return true;
	} while (cond == in_sync && work_left() < before);
	if (disk_trouble())
		return false;
	for (v = 0; v < cfg.volumes; v++)
		trace(NULL, "volume %u: A %s", v, node_state_text(&nodes[0], v));
	violation("after %u s still not %s: A: %s; B: %s", seconds, what,
		  node_state_text(&nodes[0], 0), node_state_text(&nodes[1], 0));
	return false;
}

static bool volume_is(struct node *n, u32 v, enum drbd_disk disk, enum drbd_disk pdsk)
{
	struct drbd_device *d = node_device(n, v);

	return d && d->state.conn == C_CONNECTED && d->state.disk == disk && d->state.pdsk == pdsk;
}

bool connected(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			if (!nodes[i].up || node_device(&nodes[i], v)->state.conn < C_CONNECTED)
				return false;
	return true;
}

bool in_sync(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			if (!volume_is(&nodes[i], v, D_UP_TO_DATE, D_UP_TO_DATE))
				return false;
	return true;
}

bool apps_idle(void)
{
	return (!nodes[0].up || app_idle(&nodes[0])) && (!nodes[1].up || app_idle(&nodes[1]));
}

void pass(u64 low_ms, u64 high_ms)
{
	thread_sleep(chance_between(low_ms * MS, high_ms * MS));
}

/* ---- peace ---- */

void expect(s32 ret, const char *what, struct node *n)
{
	if (ret != ERR_NO_ERROR && (ret < SS_SUCCESS || ret > 100) && n->up && !disk_trouble())
		violation("node %s: %s failed: %d (%s)", n->name, what, ret, node_state_text(n, 0));
}

bool is_primary(struct node *n)
{
	u32 v;

	for (v = 0; n->up && v < cfg.volumes; v++)
		if (node_device(n, v)->state.role != ROLE_PRIMARY)
			return false;
	return n->up;
}

void promote(struct node *n)
{
	struct admin_op op;
	u32 v;

	primary = n;
	for (v = 0; v < cfg.volumes && n->up; v++) {
		node_op_init(n, v, &op);
		trace(n, "primary volume %u", v);
		expect(node_command(n, v, admin_primary, &op), "primary", n);
	}
	app_enabled[n->id] = n->up;
}

void demote(struct node *n)
{
	struct admin_op op;
	u32 v;

	app_enabled[n->id] = false;
	wait_for(apps_idle, "an idle application", 200);
	for (v = 0; v < cfg.volumes && n->up; v++) {
		node_op_init(n, v, &op);
		trace(n, "secondary volume %u", v);
		expect(node_command(n, v, admin_secondary, &op), "secondary", n);
	}
}

/*
 * A disk that is older than the data in use has to wait for the disk that holds them: that both are
 * there in the end is demanded when peace is made.
 */
static void expect_attached(s32 ret, struct node *n, u32 v)
{
	const struct drbd_device *d = node_device(n, v);

	if (ret != ERR_DATA_NOT_CURRENT ||
	    (d->state.role != ROLE_PRIMARY && d->state.peer != ROLE_PRIMARY))
		expect(ret, "attach", n);
}

static s32 attach(struct node *n, u32 v)
{
	s32 ret = node_attach(n, v);

	/* What an administrator has set stands in the way of what the file says. */
	if (ret == ERR_RESYNC_AFTER_CYCLE || ret == ERR_STONITH_AND_PROT_A) {
		settings_adjust(n);
		if (n->up)
			ret = node_attach(n, v);
	}
	return ret == ERR_DISK_TOO_SMALL && disk_make_room(n, v) ? node_attach(n, v) : ret;
}

void bring_up(struct node *n)
{
	struct drbd_connection *c;
	u32 v;

	if (!n->up)
		node_boot(n);
	for (v = 0; v < cfg.volumes && n->up; v++)
		if (node_device(n, v)->state.disk == D_DISKLESS)
			expect_attached(attach(n, v), n, v);
	c = node_connection(n);
	if (c && c->cstate == C_STANDALONE && !c->configured)
		expect(node_connect(n), "connect", n);
}

/* Whose disks went bad may have to be helped first: disk_repair(). */
static void bring_up_calmly(void)
{
	int i;

	calm = !(cfg.families & FAMILY_DISK);
	for (i = 0; i < NODES; i++)
		bring_up(&nodes[NODES - 1 - i]);
	calm = false;
}

/* A connection asked for with --tentative ends as soon as the peer is found. */
static bool somebody_only_tries(void)
{
	const struct drbd_connection *c;
	int i;

	for (i = 0; i < NODES; i++) {
		c = nodes[i].up ? node_connection(&nodes[i]) : NULL;
		if (c && c->configured && c->net_conf.tentative)
			return true;
	}
	return false;
}

/*
 * Both nodes have the same settings again.  Until now a handshake may have found them different,
 * and the nodes may have parted for good.
 */
static void actors_calm(void)
{
	if (!(cfg.families & (FAMILY_OPTIONS | FAMILY_CLUSTER | FAMILY_ADMIN | FAMILY_AHEAD)))
		return;
	settings_calm();
	pass(30000, 30000);
	bring_up_calmly();
	if (somebody_only_tries()) {
		pass(30000, 30000);
		bring_up_calmly();
	}
}

static struct node *gave_up_invalidate;

void note_invalidate(struct node *n, s32 ret)
{
	if (ret < SS_SUCCESS)
		gave_up_invalidate = n;
}

/*
 * The peer agreed, marked everything, and was lost before its answer came: the command has failed,
 * and the marks stay until the next resync.  Whoever still wants it asks again.
 */
static void repeat_invalidate(void)
{
	struct node *n = gave_up_invalidate;

	gave_up_invalidate = NULL;
	if (!n || sim_failed || !in_sync() || !node_device(other(n), 0)->bitmap.bits_set)
		return;
	trace(n, "invalidate again");
	expect(node_command(n, 0, admin_invalidate, NULL), "invalidate", n);
	wait_for(in_sync, "in sync after invalidate", 600);
}

/* What a verify found different, or could not read, is marked on both: a new connection syncs it. */
static void sync_what_verify_marked(void)
{
	struct node *n = other(primary);
	u32 v, bits = 0;

	for (v = 0; v < cfg.volumes && family_has(FAMILY_VERIFY) && !sim_failed && in_sync(); v++)
		bits += node_device(n, v)->bitmap.bits_set;
	if (!bits)
		return;
	trace(n, "disconnect and connect, for what verify has marked");
	expect(node_command(n, 0, admin_disconnect, NULL), "disconnect", n);
	bring_up(n);
	wait_for(connected, "connected again after verify", 120);
	wait_for(in_sync, "in sync after verify", 600);
}

/*
 * A Primary without a disk takes only the data that it has shown, and can not tell whether the peer's
 * new generation is that: its log says what helps.
 */
static void give_up_without_disk(void)
{
	struct node *n;
	u32 v;
	int i;

	for (i = 0; i < NODES; i++) {
		n = &nodes[i];
		for (v = 0; v < cfg.volumes; v++)
			if (node_device(n, v)->state.disk == D_DISKLESS && is_primary(n) &&
			    !disk_trouble() && !comes_true(connected, 60)) {
				demote(n);
				bring_up(n);
			}
	}
}

void make_peace(void)
{
	int i;

	net_set_link(true);
	disk_peace();
	if (family_has(FAMILY_NET))
		netfault_end();
	for (i = 0; i < NODES; i++)
		bring_up(&nodes[i]);
	resize_adjust();
	actors_calm();
	versions_peace();
	dual_peace();
	disk_repair();
	give_up_without_disk();
	wait_for(connected, "connected", 120);
	for (i = 0; i < NODES && !sim_failed && !disk_trouble(); i++)
		bring_up(&nodes[i]);
	if (!sim_failed && !is_primary(primary))
		promote(primary);
	wait_for(in_sync, "in sync", 600);
	repeat_invalidate();
	sync_what_verify_marked();
	resize_peace();
}

/* With protocol A the peer may be seconds behind. */
static bool all_acknowledged(void)
{
	int i;

	for (i = 0; i < NODES; i++)
		if (nodes[i].up && node_connection(&nodes[i])->tl.unacked)
			return false;
	return true;
}

static void check_at_rest(void)
{
	bool was[NODES] = { app_enabled[0], app_enabled[1] };
	int i;

	app_enabled[0] = app_enabled[1] = false;
	wait_for(apps_idle, "an idle application", 200);
	wait_for(in_sync, "in sync", 600);
	wait_for(all_acknowledged, "acknowledged by the peer", 200);
	pass(3000, 3000);
	if (!sim_failed && in_sync())
		oracle_check_converged();
	if (!sim_failed && in_sync())
		invariants_at_rest();
	for (i = 0; i < NODES; i++)
		app_enabled[i] = was[i];
}

/* ---- trouble ---- */

void fault_cut(void)
{
	net_set_link(false);
	pass(1, one_in(2) ? 1000 : 40000);
	net_set_link(true);
}

void fault_reset(void)
{
	net_reset();
}

/* Does the peer hold everything, and did the Primary know so? */
static bool may_take_over(struct node *dying)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		struct drbd_device *d = node_device(dying, v), *p = node_device(other(dying), v);

		if (!p || d->state.conn != C_CONNECTED || d->state.pdsk != D_UP_TO_DATE ||
		    p->state.disk != D_UP_TO_DATE)
			return false;
	}
	return true;
}

static void take_over(struct node *n)
{
	u32 v;

	/* It may not have noticed yet: a stream that was held goes on for a while. */
	for (v = 0; v < cfg.volumes; v++)
		if (!oracle_disk_current(n, v, false) || node_device(n, v)->state.conn >= C_CONNECTED)
			return;
	promote(n);
}

static void fault_crash(void)
{
	struct node *n = &nodes[chance(2)];
	bool take = n == primary && n->up && may_take_over(n);

	if (!n->up)
		return;
	node_crash(n, !one_in(4));
	/* The peer notices after a while; what was on its way is written until then. */
	pass(1, one_in(2) ? 500 : 30000);
	if (take && other(n)->up && one_in(2)) {
		pass(20000, 25000);
		take_over(other(n));
		pass(1, 5000);
	}
	bring_up(n);
}

static void fault_both_crash(void)
{
	if (nodes[0].up)
		node_crash(&nodes[0], true);
	pass(0, 2000);
	if (nodes[1].up)
		node_crash(&nodes[1], true);
	pass(1, 1000);
	bring_up(&nodes[0]);
	pass(1, 1000);
	bring_up(&nodes[1]);
}

void fault_disconnect(void)
{
	struct node *n = &nodes[chance(2)];

	trace(n, "disconnect");
	node_command(n, 0, admin_disconnect, NULL);
	pass(1, 5000);
	bring_up(n);
	pass(1, 3000);
	bring_up(other(n));
}

static void fault_detach(void)
{
	struct node *n = &nodes[chance(2)];
	struct admin_op op;

	/* Taking the last good copy away is not sane. */
	if (!n->up)
		return;
	if (!in_sync() && (n == primary || node_device(n, 0)->state.disk == D_UP_TO_DATE))
		return;
	node_op_init(n, 0, &op);
	op.force = one_in(3);
	stats.detaches++;
	trace(n, "detach%s", op.force ? " --force" : "");
	node_command(n, 0, admin_detach, &op);
	pass(1, 5000);
	bring_up(n);
}

static bool all_secondary(void)
{
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++) {
			struct state s;

			if (!nodes[i].up)
				return false;
			s = node_device(&nodes[i], v)->state;
			if (s.role == ROLE_PRIMARY || s.peer == ROLE_PRIMARY)
				return false;
		}
	return true;
}

void fault_switch_roles(void)
{
	struct node *to = other(primary);

	if (!in_sync())
		return;
	demote(primary);
	/* Whoever promotes a node that lost its peer in between asks for a split brain. */
	if (wait_for(all_secondary, "Secondary on both nodes, and both know", 60))
		promote(in_sync() ? to : primary);
	else
		app_enabled[primary->id] = primary->up;
}

static void fault_commands(void)
{
	static admin_command *const some[] = {
		admin_pause_sync, admin_resume_sync, admin_verify, admin_suspend_io,
		admin_resume_io, admin_invalidate, admin_outdate,
	};
	struct node *n = other(primary);
	u32 which = chance(ARRAY_SIZE(some));
	s32 ret = SS_SUCCESS;

	trace(n, "command %u", which);
	if (in_sync())
		ret = node_command(n, 0, some[which], NULL);
	if (some[which] == admin_invalidate)
		note_invalidate(n, ret);
	pass(1, 3000);
	node_command(n, 0, admin_resume_sync, NULL);
	if (dual_may_resume(n))
		node_command(n, 0, admin_resume_io, NULL);
}

/* False: not this time. */
static bool actors_fault(void)
{
	if (family_has(FAMILY_OPTIONS) && one_in(3))
		return settings_fault(), true;
	if (family_has(FAMILY_CLUSTER) && one_in(3))
		return manager_fault(), true;
	if (family_has(FAMILY_ADMIN) && one_in(4))
		return administrator_fault(), true;
	return false;
}

static void one_fault(void)
{
	stats.faults++;
	if (corners_fault() || actors_fault() || disk_family_fault() || dual_fault() || rot_fault())
		return;
	if (family_has(FAMILY_NET) && one_in(2))
		return netfault_one();
	if (family_has(FAMILY_VERSIONS) && one_in(6))
		return versions_fault();
	switch (chance(8)) {
	case 0:
	case 1:
		return cfg.cuts && dual_may_lose_peer() ? fault_cut() : (void)0;
	case 2:
		return cfg.cuts && dual_may_lose_peer() ? fault_reset() : (void)0;
	case 3:
		return cfg.crashes ? fault_crash() : (void)0;
	case 4:
		return cfg.crashes && one_in(3) ? fault_both_crash() : (void)0;
	case 5:
		return cfg.admin && dual_may_lose_peer() ? fault_disconnect() : (void)0;
	case 6:
		if (cfg.admin && one_in(2) && !cfg.two_primaries)
			return fault_switch_roles();
		return cfg.admin ? fault_detach() : (void)0;
	default:
		return cfg.admin ? fault_commands() : (void)0;
	}
}

/* ---- the run ---- */

static void first_sync(void)
{
	struct admin_op op;
	bool skipped;
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		node_boot(&nodes[i]);
	for (i = 0; i < NODES; i++)
		expect(node_up(&nodes[i]), "up", &nodes[i]);
	wait_for(connected, "connected", 60);
	primary = &nodes[0];
	skipped = skip_first_sync(primary);
	for (v = 0; v < cfg.volumes; v++) {
		node_op_init(primary, v, &op);
		op.force = !skipped;
		trace(primary, "primary --force volume %u", v);
		expect(node_command(primary, v, admin_primary, &op), "primary --force", primary);
	}
	app_enabled[0] = true;
	wait_for(in_sync, "in sync for the first time", 600);
}

static void scenario_thread(void *arg)
{
	u32 i, j;

	(void)arg;
	first_sync();
	dual_peace();
	pass(100, 5000);
	check_at_rest();
	for (i = 0; i < cfg.faults && !sim_failed; i++) {
		pass(10, 3000);
		for (j = chance(3) + 1; j && !sim_failed; j--) {
			one_fault();
			pass(0, one_in(2) ? 50 : 5000);
		}
		make_peace();
		check_at_rest();
	}
	scenario_over = true;
}

void scenario_start(void)
{
	machines_by_seed();
	settings_by_seed();
	oracle_init();
	thread_start(NULL, "scenario", scenario_thread, NULL);
}
