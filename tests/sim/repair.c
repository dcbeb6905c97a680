// SPDX-License-Identifier: GPL-2.0
/*
 * Somebody who puts everything right after anything may have been done to the nodes: one node
 * is chosen, its data are the truth.  What can be had gently is had gently.
 */
#include "actors.h"

static void stop_applications(void)
{
	int i;

	for (i = 0; i < NODES; i++)
		app_enabled[i] = false;
	wait_for(apps_idle, "an idle application, with I/O resumed", 300);
}

static void resume(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		node_command(n, v, admin_resume_io, NULL);
		node_command(n, v, admin_resume_sync, NULL);
	}
}

static void leave(struct node *n)
{
	struct admin_op op;

	node_op_init(n, 0, &op);
	op.force = true;
	expect(node_command(n, 0, admin_disconnect, &op), "disconnect --force", n);
}

/* New activity log stripes may have left less room than the file asks for. */
static void attach_all(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		if (node_device(n, v)->state.disk != D_DISKLESS)
			continue;
		if (node_attach(n, v) != ERR_DISK_TOO_SMALL || !n->disk[v].conf_size)
			continue;
		trace(n, "the file asks for more than the disk of volume %u has: any size will do", v);
		n->disk[v].conf_size = 0;
		node_attach(n, v);
	}
}

static void everywhere(struct node *n, admin_command *fn, bool force, const char *what)
{
	struct admin_op op;
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		node_op_init(n, v, &op);
		op.force = force;
		trace(n, "%s volume %u%s", what, v, force ? " --force" : "");
		expect(node_command(n, v, fn, &op), what, n);
	}
}

static u32 worth(struct node *n)
{
	u32 v, sum = 0;

	for (v = 0; v < cfg.volumes; v++)
		sum += node_device(n, v)->state.disk;
	return sum;
}

/* Alone and without a disk, it remembers a size that its peer had and its own disk has no room for. */
static bool remembers_too_much(struct node *n, u32 v)
{
	const struct drbd_device *d = node_device(n, v);

	return d->capacity > d->layout.capacity;
}

/* drbdmeta create-md: as if its disks were new.  One that is too small waits for a smaller winner. */
static void wipe(struct node *n)
{
	u32 v;

	stats.wipes++;
	trace(n, "its metadata are created anew");
	leave(n);
	everywhere(n, admin_detach, false, "detach");
	node_create_md(n);
	for (v = 0; v < cfg.volumes; v++) {
		s32 ret = node_attach(n, v);

		if (ret != ERR_DISK_TOO_SMALL || !remembers_too_much(n, v))
			expect(ret, "attach after create-md", n);
	}
}

static void reconnect(struct node *winner, struct node *loser)
{
	struct net_conf conf = settings.net;

	leave(winner);
	leave(loser);
	conf.discard_my_data = 1;
	expect(node_connect_conf(loser, &conf, 0), "connect --discard-my-data", loser);
	expect(node_connect(winner), "connect", winner);
}

void repair_anew(struct node *winner)
{
	wipe(other(winner));
	reconnect(winner, other(winner));
}

static bool same_size(void)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (node_device(&nodes[0], v)->capacity != node_device(&nodes[1], v)->capacity)
			return false;
	return true;
}

/* Back to the whole disk, which a connected pair agrees about; the file limits it no longer. */
static void full_size(struct node *n)
{
	struct admin_op op;
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		n->disk[v].conf_size = other(n)->disk[v].conf_size = 0;
		node_op_init(n, v, &op);
		expect(node_command(n, v, admin_resize, &op), "resize", n);
	}
	wait_for(same_size, "of the same size", 60);
}

/* It may have been told to grow beyond what the other one's disk has room for. */
static void shrink_to_fit(struct node *winner)
{
	struct admin_op op;
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		const struct drbd_device *mine = node_device(winner, v);
		const struct drbd_device *theirs = node_device(other(winner), v);

		u64 room = theirs->layout.capacity, limit = other(winner)->disk[v].conf_size;

		if (limit)
			room = min(room, limit);
		if (!theirs->has_backing || room >= mine->capacity)
			continue;
		node_op_init(winner, v, &op);
		op.size = room;
		trace(winner, "resize volume %u to what its peer has room for", v);
		expect(node_command(winner, v, admin_resize, &op), "resize", winner);
	}
}

/*
 * Without a disk its node went along with a size that there is no room for on it; alone, it then
 * remembered that.  By now the winner is smaller, or can be made so.
 */
static void attach_what_was_too_small(struct node *winner, u32 v)
{
	struct node *loser = other(winner);
	struct admin_op op;

	if (node_attach(loser, v) != ERR_DISK_TOO_SMALL)
		return;
	loser->disk[v].conf_size = 0;
	node_op_init(winner, v, &op);
	op.size = node_device(loser, v)->layout.capacity;
	trace(winner, "resize volume %u to what there is room for on its peer's disk", v);
	expect(node_command(winner, v, admin_resize, &op), "resize", winner);
	wait_for(same_size, "of the same size", 60);
	expect(node_attach(loser, v), "attach, with room enough", loser);
}

static bool lacks_disk(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (node_device(n, v)->state.disk == D_DISKLESS)
			return true;
	return false;
}

/* What is attached only now has not heard that its data are to be discarded, and may be refused. */
static void attach_the_rest(struct node *winner)
{
	struct node *loser = other(winner);
	u32 v;

	if (!lacks_disk(loser))
		return;
	for (v = 0; v < cfg.volumes && !sim_failed; v++)
		if (node_device(loser, v)->state.disk == D_DISKLESS)
			attach_what_was_too_small(winner, v);
	pass(3000, 3000);
	if (sim_failed || !lacks_disk(loser))
		return;
	wipe(loser);
	reconnect(winner, loser);
	wait_for(connected, "connected, with new metadata on what was refused", 120);
}

void repair(bool distrust)
{
	struct node *winner, *loser;
	int i;

	if (sim_failed)
		return;
	/* First of all whole disks, and memory enough: nothing below may fail for lack of them. */
	disk_peace();
	for (i = 0; i < NODES && !sim_failed; i++) {
		resume(&nodes[i]);
		attach_all(&nodes[i]);
		settings_adjust(&nodes[i]);
	}
	stop_applications();
	for (i = 0; i < NODES && !sim_failed; i++) {
		leave(&nodes[i]);
		everywhere(&nodes[i], admin_secondary, false, "secondary");
		attach_all(&nodes[i]);
	}
	if (sim_failed)
		return;
	winner = &nodes[worth(&nodes[0]) < worth(&nodes[1])];
	loser = other(winner);
	everywhere(winner, admin_primary, true, "primary");
	if (!sim_failed)
		shrink_to_fit(winner);
	if (sim_failed)
		return;
	if (distrust)
		wipe(loser);
	reconnect(winner, loser);
	if (!comes_true(connected, 100)) {
		wipe(loser);
		reconnect(winner, loser);
		wait_for(connected, "connected, with new metadata", 120);
	}
	attach_the_rest(winner);
	wait_for(in_sync, "in sync after repair", 900);
	if (sim_failed)
		return;
	full_size(winner);
	wait_for(in_sync, "in sync after the change of size", 900);
	if (sim_failed)
		return;
	primary = winner;
	oracle_open_eyes(winner);
}
