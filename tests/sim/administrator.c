// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody who gives any command at any time, several at once, with arguments and in states
 * that make no sense.  Each has to end in time, with a code that says something, and has to
 * have done what it says.
 *
 * An orderly one gives only commands that can not lose data, and everything has to be well
 * afterwards by itself.  A mad one gives all of them; then the oracle looks away, until
 * somebody has put things right (repair.c) and both disks have to be the same again.
 */
#include "actors.h"

#define MINUTE (60 * SECOND)

static u64 storm_until;
static u32 actors_left;
static bool mad, lied;		/* lied: said that what differs is the same */

struct order {
	const char *name;
	admin_command *fn;
	bool risky;		/* for the mad one only */
	void (*prepare)(struct node *n, struct admin_op *op);
	void (*after)(struct node *n, struct admin_op *op);
};

/* ---- what a command claims to have done ---- */

static void check(bool ok, struct node *n, const char *what, const struct admin_op *op)
{
	if (!ok)
		violation("node %s: %s succeeded (%d), but: %s", n->name, what, op->ret,
			  node_state_text(n, op->device ? op->device->vnr : 0));
}

static void after_primary(struct node *n, struct admin_op *op)
{
	check(!command_ok(op->ret) || op->device->state.role == ROLE_PRIMARY, n, "primary", op);
}

static void after_secondary(struct node *n, struct admin_op *op)
{
	check(!command_ok(op->ret) || op->device->state.role == ROLE_SECONDARY, n, "secondary", op);
}

static void after_detach(struct node *n, struct admin_op *op)
{
	check(!command_ok(op->ret) || op->force || op->device->state.disk == D_DISKLESS, n, "detach", op);
}

static void after_disconnect(struct node *n, struct admin_op *op)
{
	const struct drbd_connection *c = &n->host->core.connection;

	check(!command_ok(op->ret) || (c->cstate == C_STANDALONE && !c->configured), n, "disconnect", op);
}

static void after_suspend(struct node *n, struct admin_op *op)
{
	check(!command_ok(op->ret) || n->host->core.susp, n, "suspend-io", op);
}

static void after_resume(struct node *n, struct admin_op *op)
{
	check(!command_ok(op->ret) || !n->host->core.susp, n, "resume-io", op);
}

static void after_new_uuid(struct node *n, struct admin_op *op)
{
	(void)n;
	lied |= command_ok(op->ret) && op->clear_bitmap;
}

static void after_resize(struct node *n, struct admin_op *op)
{
	(void)n;
	lied |= command_ok(op->ret) && op->assume_clean;
}

/* ---- arguments ---- */

static void prepare_force(struct node *n, struct admin_op *op)
{
	(void)n;
	op->force = mad && one_in(3);
}

static void prepare_detach(struct node *n, struct admin_op *op)
{
	prepare_force(n, op);
	stats.detaches++;
}

/* Never asks the peer, but loses nothing. */
static void prepare_disconnect(struct node *n, struct admin_op *op)
{
	(void)n;
	op->force = one_in(3);
}

static void prepare_verify(struct node *n, struct admin_op *op)
{
	(void)n;
	op->have_start = one_in(2);
	if (op->have_start)
		op->start_sector = one_in(5) ? chance64() >> chance(60) : chance64() % cfg.data_sectors;
	if (one_in(3))
		op->stop_sector = one_in(5) ? chance64() >> chance(60) : chance64() % cfg.data_sectors;
}

static void prepare_new_uuid(struct node *n, struct admin_op *op)
{
	(void)n;
	op->clear_bitmap = one_in(3);
}

static void prepare_resize(struct node *n, struct admin_op *op)
{
	(void)n;
	op->size = one_in(2) ? 0 : one_in(4) ? chance64() >> (24 + chance(36)) :
		   chance_between(cfg.data_sectors / 2, cfg.data_sectors);
	op->assume_peer_has_space = one_in(4);
	op->assume_clean = one_in(6);
	if (one_in(4)) {
		op->al_stripes = chance(5);
		op->al_stripe_size_4k = chance(20);
	}
}

static const struct order orders[] = {
	{ "primary", admin_primary, true, prepare_force, after_primary },
	{ "secondary", admin_secondary, false, NULL, after_secondary },
	{ "detach", admin_detach, false, prepare_detach, after_detach },
	{ "disconnect", admin_disconnect, false, prepare_disconnect, after_disconnect },
	{ "outdate", admin_outdate, false, NULL, NULL },
	{ "invalidate", admin_invalidate, true, NULL, NULL },
	{ "invalidate-remote", admin_invalidate_remote, true, NULL, NULL },
	{ "pause-sync", admin_pause_sync, false, NULL, NULL },
	{ "resume-sync", admin_resume_sync, false, NULL, NULL },
	{ "suspend-io", admin_suspend_io, false, NULL, after_suspend },
	{ "resume-io", admin_resume_io, false, NULL, after_resume },
	{ "verify", admin_verify, false, prepare_verify, NULL },
	{ "new-current-uuid", admin_new_current_uuid, true, prepare_new_uuid, after_new_uuid },
	{ "resize", admin_resize, true, prepare_resize, after_resize },
};

static u64 patience(void)
{
	return one_in(5) ? chance_between(0, SECOND) : chance_between(SECOND, 2 * MINUTE);
}

static void give_order(struct node *n)
{
	const struct order *order = &orders[chance(ARRAY_SIZE(orders))];
	struct command_how how = { .name = order->name, .after = order->after };
	struct admin_op op;
	u32 v = chance(cfg.volumes);

	/* In sync: else it might be promoted on data that are older than a disk now detached. */
	if (order->risky && !mad && !(order->fn == admin_primary && n == primary && in_sync()))
		return;
	how.patience = patience();
	node_op_init(n, v, &op);
	if (order->prepare)
		order->prepare(n, &op);
	trace(n, "%s volume %u%s", order->name, v, op.force ? " --force" : "");
	node_command_how(n, order->fn, &op, &how);
}

/* ---- commands that carry configuration ---- */

static void give_attach(struct node *n)
{
	u32 v = chance(cfg.volumes);
	struct disk_conf conf = settings.disk[n->id][v];

	if (one_in(10))
		conf.meta_dev_idx = -5;
	if (one_in(10))
		conf.resync_after = chance(4) + chance(2) * MINORS_PER_NODE;
	if (one_in(10) && mad)
		conf.disk_size = chance_between(8, cfg.data_sectors * 2);
	if (one_in(10) && cfg.protocol != OPT_PROTOCOL_A)
		conf.fencing = FENCING_RESOURCE_AND_STONITH;
	node_attach_conf(n, v, &conf, patience());
}

static void give_connect(struct node *n)
{
	struct net_conf conf = settings.net;

	conf.discard_my_data = mad && one_in(6);
	conf.tentative = one_in(10);
	if (one_in(10))
		conf.wire_protocol = chance(3) + 1;
	if (one_in(10))
		conf.two_primaries = 1;
	if (one_in(10))
		conf.on_congestion = chance(3);
	if (one_in(20))
		strcpy(conf.cram_hmac_alg, "sha256"), strcpy(conf.shared_secret, "another secret");
	node_connect_conf(n, &conf, patience());
}

static void give_options(struct node *n)
{
	static struct settings drawn;
	struct settings s;
	u32 v = chance(cfg.volumes);

	drawn = settings;
	settings_random(&drawn);
	s = drawn;
	if (one_in(6))
		s.net.two_primaries = 1;
	if (one_in(6))
		s.net.on_congestion = chance(3);
	switch (chance(3)) {
	case 0:
		node_net_options(n, &s.net, patience());
		return;
	case 1:
		node_disk_options(n, v, &s.disk[n->id][v], patience());
		return;
	default:
		node_resource_options(n, &s.res);
	}
}

/* ---- down ---- */

static struct { struct admin_op part; struct dlist *next; u8 phase; } downs[NODES];

/* What "down" does in one go: the core's down, then the volumes, then the resource. */
static enum fiber_status down_everything(struct task *t, struct admin_op *op)
{
	struct admin_op *part = &downs[host_of_resource(op->resource)->node->id].part;
	u8 *phase = &downs[host_of_resource(op->resource)->node->id].phase;
	enum fiber_status status;

	if (*phase == 0) {
		status = admin_down(t, op);
		if (status != FIBER_DONE || op->ret != ERR_NO_ERROR)
			return status;
		*phase = 1;
		memset(part, 0, sizeof(*part));
	}
	/* Half of it would leave a resource that the simulator has no use for. */
	t->interrupted = false;
	while (!dlist_empty(&op->resource->devices)) {
		if (!part->device)
			admin_op_init(part, op->resource, volume_next(op->resource, NULL));
		status = admin_del_minor(t, part);
		if (status != FIBER_DONE)
			return status;
		op->ret = part->ret;
		if (op->ret != ERR_NO_ERROR)
			return FIBER_DONE;
		device_unlink(part->device);
		memset(part, 0, sizeof(*part));
	}
	if (!part->resource)
		admin_op_init(part, op->resource, NULL);
	status = admin_del_resource(t, part);
	op->ret = part->ret;
	return status;
}

static void after_down(struct node *n, struct admin_op *op)
{
	if (op->ret == ERR_NO_ERROR)
		n->host->removed = true;
	else if (downs[n->id].phase)
		violation("node %s: down got half way only: %d", n->name, op->ret);
}

static void give_down(struct node *n)
{
	const struct command_how how = { .name = "down", .after = after_down, .patience = patience() };
	struct admin_op op;
	s32 ret;

	downs[n->id].phase = 0;
	node_op_init(n, 0, &op);
	trace(n, "down");
	ret = node_command_how(n, down_everything, &op, &how);
	if (n->up && ret == ERR_NO_ERROR)
		node_remove(n);
}

/* ---- the storm ---- */

static void give_any(struct node *n)
{
	u32 dice = chance(100);

	if (dice < 12)
		give_attach(n);
	else if (dice < 26)
		give_connect(n);
	else if (dice < 38)
		give_options(n);
	else if (dice < 41)
		give_down(n);
	else
		give_order(n);
}

static void actor(void *arg)
{
	(void)arg;
	while (now_us < storm_until && !sim_failed) {
		struct node *n = &nodes[chance(2)];

		if (n->up && !n->host->removed)
			give_any(n);
		else if (!n->up && one_in(3))
			node_boot(n);
		pass(0, one_in(3) ? 10 : 2000);
	}
	actors_left--;
}

/* Meanwhile the world is no better. */
static void weather(void)
{
	struct node *n = &nodes[chance(2)];

	switch (chance(8)) {
	case 0:
		if (cfg.cuts)
			net_set_link(!net_link_up());
		break;
	case 1:
		if (cfg.cuts)
			net_reset();
		break;
	case 2:
		if (cfg.crashes && n->up && one_in(3))
			node_crash(n, one_in(2));
		break;
	case 3:
		/* Without users it can be demoted. */
		app_enabled[n->id] = n->up && (mad || n == primary) && one_in(2);
		break;
	default:
		break;
	}
}

static bool actors_gone(void)
{
	return !actors_left;
}

static void resume(struct node *n)
{
	u32 v;

	if (!n->up)
		node_boot(n);
	for (v = 0; n->up && v < cfg.volumes; v++) {
		node_command(n, v, admin_resume_io, NULL);
		node_command(n, v, admin_resume_sync, NULL);
	}
}

void administrator_fault(void)
{
	u32 i;

	stats.storms++;
	lied = false;
	mad = cfg.data_sectors < 100000 && !one_in(3);
	trace(NULL, "%s administrator", mad ? "a mad" : "an orderly");
	if (mad)
		oracle_close_eyes();
	storm_until = now_us + chance_between(1, 60) * SECOND;
	for (i = actors_left = 1 + chance(4); i; i--)
		thread_start(NULL, "administrator", actor, NULL);
	while (now_us < storm_until && !sim_failed) {
		pass(1, 3000);
		weather();
	}
	wait_for(actors_gone, "done with all commands", 900);
	net_set_link(true);
	for (i = 0; i < NODES; i++)
		resume(&nodes[i]);
	if (mad)
		repair(lied);
}
