// SPDX-License-Identifier: GPL-2.0
/*
 * Commands as an administrator gives them: each in a thread of its node, one at a time a
 * node, interrupted when it takes too long, and then bound to end.
 */
#include "actors.h"

#define PATIENCE (300 * SECOND)
#define INTERRUPT_PATIENCE (200 * SECOND)	/* a helper program may be running */
#define CLOSING_PATIENCE (60 * SECOND)		/* as the module waits for an earlier disk */

struct command {
	struct node *node;
	admin_command *fn;
	struct admin_op op;
	struct command_how how;
	struct waitq done;
	struct dlist all;
	bool interrupt, finished;
	s32 ret;
};

static struct dlist commands = { &commands, &commands };

static enum fiber_status run_command(struct task *t, void *arg)
{
	struct command *c = arg;

	return c->fn(t, &c->op);
}

/* False: interrupted while it waited for its turn. */
static bool take_turn(struct command *c)
{
	struct host *h = c->node->host;

	while (h->admin_busy && !c->interrupt)
		waitq_wait(&h->admin_wait, NEVER);
	if (h->admin_busy) {
		c->op.ret = ERR_INTR;
		return false;
	}
	h->admin_busy = true;
	return true;
}

static const char *command_name(const struct command *c)
{
	return c->how.name ? c->how.name : "a command";
}

static void check_code(const struct command *c)
{
	if (!name_of_code(c->op.ret) || c->op.ret == SS_UNKNOWN_ERROR)
		violation("node %s: %s ended with %d, which means nothing", c->node->name,
			  command_name(c), c->op.ret);
}

static void command_thread(void *arg)
{
	struct command *c = arg;
	struct host *h = c->node->host;
	const struct command_how *how = &c->how;
	struct task t = {};

	if (take_turn(c)) {
		if (!how->before || how->before(c->node, &c->op))
			host_run_fiber(h, &t, run_command, c, &c->interrupt);
		if (how->after)
			how->after(c->node, &c->op);
		check_code(c);
		h->admin_busy = h->removed;
		waitq_wake(&h->admin_wait);
	}
	c->ret = c->op.ret;
	c->finished = true;
	waitq_wake(&c->done);
}

void commands_crash(struct node *n)
{
	struct command *c;

	dlist_for_each_entry(c, &commands, all) {
		if (c->node != n || c->finished)
			continue;
		c->ret = -ESHUTDOWN;
		c->finished = true;
		waitq_wake(&c->done);
	}
}

static void wait_finished(struct command *c, u64 patience)
{
	u64 until = now_us + patience;

	while (!c->finished && now_us < until)
		waitq_wait(&c->done, until);
}

static void interrupt(struct command *c)
{
	struct host *h = c->node->host;

	trace(c->node, "command interrupted");
	c->interrupt = true;
	h->wake_seq++;
	waitq_wake(&h->wait);
	waitq_wake(&h->admin_wait);
}

s32 node_command_how(struct node *n, admin_command *fn, struct admin_op *op,
		     const struct command_how *how)
{
	/* Not on the stack: the caller may be a thread of the other node, and go when that crashes. */
	struct command *c;
	s32 ret;

	if (!n->up)
		return -ESHUTDOWN;
	stats.commands++;
	c = calloc(1, sizeof(*c));
	c->node = n;
	c->fn = fn;
	c->op = *op;
	c->how = *how;
	waitq_init(&c->done);
	dlist_add_tail(&c->all, &commands);
	thread_start(n, "admin", command_thread, c);
	wait_finished(c, how->patience ? how->patience : PATIENCE);
	if (!c->finished) {
		interrupt(c);
		wait_finished(c, INTERRUPT_PATIENCE);
	}
	if (!c->finished) {
		violation("node %s: %s has not ended %llu s after it was interrupted: %s", n->name,
			  command_name(c), INTERRUPT_PATIENCE / SECOND, node_state_text(n, 0));
		return ERR_INTR;
	}
	ret = c->ret;
	if (tracing)
		trace(n, "%s ended: %d %s %s", command_name(c), ret,
		      name_of_code(ret) ? name_of_code(ret) : "", c->op.info);
	dlist_del_init(&c->all);
	free(c);
	return ret;
}

void node_op_init(struct node *n, int vnr, struct admin_op *op)
{
	admin_op_init(op, n->host ? &n->host->core : NULL, node_device(n, vnr));
}

s32 node_command(struct node *n, int vnr, admin_command *fn, struct admin_op *op)
{
	static const struct command_how plainly;
	struct admin_op plain;

	if (!n->up)
		return -ESHUTDOWN;
	if (!op) {
		node_op_init(n, vnr, &plain);
		op = &plain;
	}
	return node_command_how(n, fn, op, &plainly);
}

/* ---- what the shell does around some of them ---- */

static bool attach_before(struct node *n, struct admin_op *op)
{
	struct host_device *d = host_of_device(op->device);
	u64 until = now_us + CLOSING_PATIENCE;

	op->ret = admin_attach_allowed(op->device, &op->conf.disk);
	if (op->ret != ERR_NO_ERROR)
		return false;
	while (d->open_backing && now_us < until)
		waitq_wait(&n->host->wait, until);
	if (d->open_backing) {
		op->ret = ERR_DISK_CONFIGURED;
		return false;
	}
	d->open_backing = true;
	host_backing_sizes(d);
	op->device->disk_conf = op->conf.disk;
	return true;
}

static void attach_after(struct node *n, struct admin_op *op)
{
	(void)n;
	if (op->ret != ERR_NO_ERROR && op->ret != SS_SUCCESS && op->ret != ERR_DISK_CONFIGURED &&
	    !op->device->has_backing)
		host_of_device(op->device)->open_backing = false;
}

static s32 attach_once(struct node *n, int vnr, const struct disk_conf *conf,
		       const struct command_how *how)
{
	struct admin_op op;

	node_op_init(n, vnr, &op);
	op.conf.disk = *conf;
	op.conf.disk.meta_dev_idx = n->disk[vnr].md_index;
	op.conf.disk.disk_size = n->disk[vnr].conf_size;
	trace(n, "attach volume %d", vnr);
	return node_command_how(n, admin_attach, &op, how);
}

s32 node_attach_conf(struct node *n, int vnr, const struct disk_conf *conf, u64 patience)
{
	const struct command_how how = {
		.name = "attach", .before = attach_before, .after = attach_after, .patience = patience,
	};
	bool in_use;
	s32 ret;

	if (!n->up)
		return -ESHUTDOWN;
	in_use = n->device[vnr]->open_backing;
	if (!in_use)
		node_apply_al(n, vnr);
	ret = attach_once(n, vnr, conf, &how);
	/* The disk was just being let go, and the tools could not get at its log before that. */
	if (ret == ERR_MD_UNCLEAN && in_use && n->up && !n->device[vnr]->open_backing) {
		node_apply_al(n, vnr);
		ret = attach_once(n, vnr, conf, &how);
	}
	if (command_ok(ret))
		n->disk[vnr].known_size = n->disk[vnr].size;
	return ret;
}

s32 node_attach(struct node *n, int vnr)
{
	return node_attach_conf(n, vnr, &settings.disk[n->id][vnr], 0);
}

static void algorithms_install(struct node *n, const struct net_conf *nc)
{
	struct drbd_connection *c = &n->host->core.connection;
	struct host_conn *conn = &n->host->conn;

	strcpy(conn->csums, nc->csums_alg);
	strcpy(conn->verify, nc->verify_alg);
	strcpy(conn->hmac, nc->cram_hmac_alg);
	c->csums_size = digest_size(nc->csums_alg);
	c->verify_size = digest_size(nc->verify_alg);
}

static void integrity_install(struct node *n, const struct net_conf *nc)
{
	struct drbd_connection *c = &n->host->core.connection;

	strcpy(n->host->conn.integrity, nc->integrity_alg);
	c->integrity_size_out = c->integrity_size_next = digest_size(nc->integrity_alg);
}

u32 env_integrity_prepare(struct drbd_connection *connection)
{
	struct host_conn *conn = &host_of_connection(connection)->conn;

	strcpy(conn->integrity_next, conn->integrity_offered);
	return digest_size(conn->integrity_next);
}

void env_integrity_switch(struct drbd_connection *connection)
{
	struct host_conn *conn = &host_of_connection(connection)->conn;

	strcpy(conn->integrity, conn->integrity_next);
}

static bool connect_before(struct node *n, struct admin_op *op)
{
	struct drbd_connection *c = &n->host->core.connection;

	op->ret = ERR_NET_CONFIGURED;
	if (c->cstate > C_STANDALONE || c->configured)
		return false;
	op->ret = admin_net_conf_check(c, &op->conf.net, false);
	if (op->ret != ERR_NO_ERROR)
		return false;
	algorithms_install(n, &op->conf.net);
	integrity_install(n, &op->conf.net);
	c->net_conf = op->conf.net;
	c->configured = true;
	return true;
}

s32 node_connect_conf(struct node *n, const struct net_conf *conf, u64 patience)
{
	const struct command_how how = {
		.name = "connect", .before = connect_before, .patience = patience,
	};
	struct admin_op op;

	if (!n->up)
		return -ESHUTDOWN;
	node_op_init(n, 0, &op);
	op.conf.net = *conf;
	trace(n, "connect%s", conf->discard_my_data ? " --discard-my-data" : "");
	return node_command_how(n, admin_connect, &op, &how);
}

s32 node_connect(struct node *n)
{
	return node_connect_conf(n, &settings.net, 0);
}

static bool net_options_before(struct node *n, struct admin_op *op)
{
	strcpy(n->host->conn.integrity_offered, op->conf.net.integrity_alg);
	return true;
}

static void net_options_after(struct node *n, struct admin_op *op)
{
	if (op->ret == ERR_NO_ERROR)
		algorithms_install(n, &op->conf.net);
}

s32 node_net_options(struct node *n, const struct net_conf *conf, u64 patience)
{
	const struct command_how how = {
		.name = "net-options", .before = net_options_before, .after = net_options_after, .patience = patience,
	};
	struct admin_op op;

	if (!n->up)
		return -ESHUTDOWN;
	node_op_init(n, 0, &op);
	op.conf.net = *conf;
	/* Not options of a file: what holds stays. */
	op.conf.net.discard_my_data = node_connection(n)->net_conf.discard_my_data;
	op.conf.net.tentative = node_connection(n)->net_conf.tentative;
	trace(n, "net-options");
	return node_command_how(n, admin_net_options, &op, &how);
}

s32 node_disk_options(struct node *n, int vnr, const struct disk_conf *conf, u64 patience)
{
	const struct command_how how = { .name = "disk-options", .patience = patience };
	struct admin_op op;

	if (!n->up)
		return -ESHUTDOWN;
	node_op_init(n, vnr, &op);
	op.conf.disk = *conf;
	/* A size that resize has set is no matter of these, nor is where the metadata are. */
	op.conf.disk.disk_size = op.device->disk_conf.disk_size;
	op.conf.disk.meta_dev_idx = op.device->disk_conf.meta_dev_idx;
	trace(n, "disk-options volume %d", vnr);
	return node_command_how(n, admin_disk_options, &op, &how);
}

s32 node_resource_options(struct node *n, const struct res_opts *conf)
{
	const struct command_how how = { .name = "resource-options" };
	struct admin_op op;

	if (!n->up)
		return -ESHUTDOWN;
	node_op_init(n, 0, &op);
	op.conf.res = *conf;
	return node_command_how(n, admin_resource_options, &op, &how);
}
