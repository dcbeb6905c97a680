// SPDX-License-Identifier: GPL-2.0
/* Growing and shrinking a volume in use: family "resize". */
#include "scenario.h"

#define GROWTH_STEP_MAX 8192	/* sectors at a time */

static bool shrinking;

void resize_config(void)
{
	/* A large volume takes too long to be resynchronised that often. */
	if (cfg.data_sectors > 100000)
		cfg.data_sectors = 65536;
}

u64 resize_room(void)
{
	return family_has(FAMILY_RESIZE) ? cfg.data_sectors / 2 + 4 * GROWTH_STEP_MAX : 0;
}

bool resize_shrinks(void)
{
	return shrinking;
}

/* Often by so little that nearly nothing changes, often to a round size. */
static u64 some_step(void)
{
	switch (chance(4)) {
	case 0:
		return 1 + chance(16);
	case 1:
		return 512 * (1 + chance(16));
	default:
		return 1 + chance(GROWTH_STEP_MAX);
	}
}

static void disk_grow(struct node *n, u32 v, u64 sectors)
{
	struct disk *d = &n->disk[v];

	d->size = min(d->size + sectors, d->data.sectors);
	trace(n, "disk %s has %llu sectors now", d->name, (unsigned long long)d->size);
}

static void size_configured(u32 v, u64 sectors)
{
	nodes[0].disk[v].conf_size = nodes[1].disk[v].conf_size = sectors;
}

/* What never was part of the volume is the same everywhere, for assume-clean. */
static void fill_alike(u32 v, u64 from)
{
	struct disk *a = &nodes[0].disk[v], *b = &nodes[1].disk[v];
	u64 s;

	for (s = from; s < a->data.sectors; s++) {
		disk_tags(a)[s] = disk_tags(b)[s] = 0;
		((u64 *)a->data.durable)[s] = ((u64 *)b->data.durable)[s] = 0;
	}
}

static u64 other_capacity(struct node *n, u32 v)
{
	return other(n)->up ? node_device(other(n), v)->capacity : 0;
}

static s32 grow(struct node *n, u32 v)
{
	struct drbd_device *d = node_device(n, v);
	u64 step = some_step();
	struct admin_op op;

	disk_grow(n, v, step);
	pass(0, 200);
	disk_grow(other(n), v, one_in(4) ? some_step() : step);
	pass(0, 200);
	if (!n->up)
		return -ESHUTDOWN;
	size_configured(v, 0);
	node_op_init(n, v, &op);
	/* Down, or behind the other one, it does not know what users see already. */
	op.assume_clean = one_in(5) && d->capacity && d->capacity >= other_capacity(n, v);
	if (op.assume_clean)
		fill_alike(v, d->capacity);
	return node_command(n, v, admin_resize, &op);
}

static s32 shrink(struct node *n, u32 v)
{
	u64 size = node_device(n, v)->capacity, step = some_step();
	struct admin_op op;
	s32 ret;

	shrinking = true;
	node_op_init(n, v, &op);
	op.size = size - min(step, size / 4);
	trace(n, "to %llu sectors, from %llu", (unsigned long long)op.size,
	      (unsigned long long)size);
	ret = node_command(n, v, admin_resize, &op);
	if (ret == ERR_NO_ERROR)
		size_configured(v, op.size);
	return ret;
}

static void follow_file(struct node *n, u32 v)
{
	struct drbd_device *d = node_device(n, v);
	u64 size = n->disk[v].conf_size;
	struct admin_op op;

	if (!d || (d->disk_conf.disk_size == size && (!size || d->capacity <= size)))
		return;
	shrinking |= size && d->capacity > size;
	trace(n, "volume %u: adjust the size to %llu sectors", v, (unsigned long long)size);
	node_op_init(n, v, &op);
	op.size = size;
	node_command(n, v, admin_resize, &op);
	bring_up(&nodes[0]);
	bring_up(&nodes[1]);
}

/*
 * Before they meet: a node whose size is not what the file says is made to follow it, as
 * "drbdadm adjust" does. It may have been away when the other one was resized.
 */
void resize_adjust(void)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		follow_file(&nodes[0], v);
		follow_file(&nodes[1], v);
	}
}

void fault_resize(void)
{
	struct node *n = &nodes[chance(2)];
	u32 v = chance(cfg.volumes);
	s32 ret;

	if (!n->up || (!in_sync() && !one_in(4)))
		return;
	resizes++;
	trace(n, "volume %u: resize", v);
	ret = one_in(3) ? shrink(n, v) : grow(n, v);
	trace(n, "volume %u: resize ended: %d", v, ret);
	if (one_in(2))
		pass(1, 3000);
}

/* In peace everybody agrees: what is lost from now on is lost by mistake. */
void resize_peace(void)
{
	shrinking = false;
}
