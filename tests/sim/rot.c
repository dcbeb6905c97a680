// SPDX-License-Identifier: GPL-2.0
/*
 * FAMILY_ROT: what a disk holds changes without a word, and a verify that was asked to repair
 * brings it back. Only the disk of a Secondary rots: nobody can tell which of two copies is the
 * right one, so the users' counts.
 */
#include "actors.h"

#define ROT_TAG 0xdecaedull	/* no application writes it */
#define PLACES_MAX 16
#define TRIES 6

static struct { u64 sector; u32 sectors; } places[PLACES_MAX];
static u32 n_places, volume;
static struct node *victim;

void rot_config(void)
{
	strcpy(cfg.net.verify_alg, "sha1");
}

static void rot_one(struct disk *d, u64 capacity)
{
	u64 sector = chance64() % capacity, s;
	u32 sectors = one_in(3) ? 1 : 1 + chance(64);

	sectors = (u32)min_t(u64, sectors, capacity - sector);
	for (s = sector; s < sector + sectors; s++)
		disk_tags(d)[s] = ((u64 *)d->data.durable)[s] = ROT_TAG;
	places[n_places].sector = sector;
	places[n_places++].sectors = sectors;
	trace(victim, "rot: volume %u, %u sectors at %llu", volume, sectors,
	      (unsigned long long)sector);
}

static bool rotten(void)
{
	const u64 *tags = disk_tags(&victim->disk[volume]);
	u64 s;
	u32 i;

	for (i = 0; i < n_places; i++)
		for (s = places[i].sector; s < places[i].sector + places[i].sectors; s++)
			if (tags[s] == ROT_TAG)
				return true;
	return false;
}

static bool verify_is_over(void)
{
	return in_sync() || !connected();
}

static s32 verify_and_repair(struct node *n)
{
	struct admin_op op;

	node_op_init(n, (int)volume, &op);
	op.stop_sector = U64_MAX;
	op.have_start = true;
	op.repair = true;
	trace(n, "verify --repair volume %u", volume);
	return node_command(n, (int)volume, admin_verify, &op);
}

static bool all_mended(void)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (node_device(victim, (int)v)->bitmap.bits_set)
			return false;
	return in_sync() && !rotten();
}

static void mend(void)
{
	u32 i;

	for (i = 0; i < TRIES && !sim_failed; i++) {
		wait_for(in_sync, "in sync before a verify", 600);
		/* Refused while what an earlier one found is being repaired. */
		verify_and_repair(&nodes[chance(2)]);
		pass(100, 100);
		wait_for(verify_is_over, "the end of a verify", 2000);
		if (comes_true(all_mended, 60))
			return;
	}
	violation("volume %u: a verify that repairs leaves what differs", volume);
}

bool rot_fault(void)
{
	u32 i;

	/* Old versions do not know how to repair. */
	if (!family_has(FAMILY_ROT) || family_has(FAMILY_VERSIONS) || !one_in(2) || !in_sync() ||
	    !is_primary(primary))
		return false;
	victim = other(primary);
	volume = chance(cfg.volumes);
	n_places = 0;
	/* What is being written is looked at as it is acknowledged. */
	app_enabled[primary->id] = false;
	if (!wait_for(apps_idle, "an idle application", 200))
		return true;
	for (i = 1 + chance(PLACES_MAX); i; i--)
		rot_one(&victim->disk[volume], node_device(victim, (int)volume)->capacity);
	app_enabled[primary->id] = one_in(2);
	if (one_in(2)) {
		verify_and_repair(&nodes[chance(2)]);
		pass(0, one_in(2) ? 20 : 3000);
		if (one_in(2))
			fault_cut();
		else if (one_in(2))
			fault_reset();
	}
	mend();
	app_enabled[primary->id] = true;
	return true;
}
