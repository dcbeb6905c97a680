// SPDX-License-Identifier: GPL-2.0
/*
 * What the other families hardly ever come across, each a family of its own.  None of them is in
 * "all"; they are joined with others by name, as in verify+disk.
 *
 *	ahead	a line too slow for what is written: Ahead and Behind, or a disconnect
 *	skip	disks that are alike from the beginning, and a first sync that is skipped
 *	pairs	two protocol versions by the seed's number: 256 seeds in a row are all pairs
 *	verify	verify, and sync by checksums, while disks fail and digests do not load
 */
#include "actors.h"
#include "net.h"

#define ANY_CORNER (FAMILY_AHEAD | FAMILY_SKIP | FAMILY_PAIRS | FAMILY_VERIFY)
#define VERSIONS (WIRE_APV_MAX - WIRE_APV_MIN + 1)

static u8 policy;	/* on-congestion, while there is trouble */

/* ---- configuration ---- */

static void ahead_config(void)
{
	struct net_conf *net = &cfg.net;

	cfg.protocol = net->wire_protocol = OPT_PROTOCOL_A;
	cfg.data_sectors = min_t(u64, cfg.data_sectors, 65536);
	cfg.max_request = min(cfg.max_request, 64u);
	cfg.app_gap = 1 << chance_between(8, 14);
	cfg.app_depth = max(cfg.app_depth, 4u);
	policy = one_in(6) ? OPT_CONGESTION_DISCONNECT : OPT_CONGESTION_PULL_AHEAD;
	net->cong_fill = one_in(3) ? chance_between(8, 100) : chance_between(100, 2000);
	net->ko_count = max(net->ko_count, 3u);
}

static void pairs_config(void)
{
	u32 lower = min(pairs_version(0), pairs_version(1));

	/* Volumes other than 0 need 100. */
	if (lower < 100)
		cfg.volumes = 1;
}

static void verify_config(void)
{
	strcpy(cfg.net.verify_alg, one_in(2) ? "sha1" : "crc32c");
	if (!one_in(4))
		strcpy(cfg.net.csums_alg, "md5");
	cfg.data_sectors = min_t(u64, cfg.data_sectors, 65536);
}

void corners_config(void)
{
	if (family_has(FAMILY_AHEAD))
		ahead_config();
	if (family_has(FAMILY_PAIRS))
		pairs_config();
	if (family_has(FAMILY_VERIFY))
		verify_config();
}

/* After net_init(). */
void corners_machines(void)
{
	if (family_has(FAMILY_AHEAD))
		net.bytes_per_ms = 300 << chance(5);
}

u32 pairs_version(int node)
{
	u64 pair = cfg.seed % (VERSIONS * VERSIONS);

	return WIRE_APV_MIN + (node ? pair / VERSIONS : pair % VERSIONS);
}

/* ---- skipping the first sync ---- */

/* False: it has to be done after all. */
bool skip_first_sync(struct node *n)
{
	struct admin_op op;
	u32 v;

	if (!family_has(FAMILY_SKIP))
		return false;
	if (one_in(3))
		net_reset();
	for (v = 0; v < cfg.volumes; v++) {
		node_op_init(n, v, &op);
		op.clear_bitmap = true;
		trace(n, "new-current-uuid --clear-bitmap volume %u", v);
		node_command(n, v, admin_new_current_uuid, &op);
	}
	if (one_in(3))
		net_reset();
	return comes_true(in_sync, 30);
}

/* ---- trouble ---- */

static bool is_ahead(void)
{
	u32 v;

	for (v = 0; primary->up && v < cfg.volumes; v++)
		if (node_device(primary, v)->state.conn == C_AHEAD)
			return true;
	return !primary->up;
}

static bool is_back(void)
{
	u32 v;

	for (v = 0; primary->up && v < cfg.volumes; v++)
		if (state_is_sync_source(node_device(primary, v)->state.conn))
			return true;
	return !primary->up;
}

static void congestion(u8 what)
{
	settings.net.on_congestion = what;
	settings_adjust(&nodes[0]);
	settings_adjust(&nodes[1]);
}

static void ahead_fault(void)
{
	congestion(policy);
	if (comes_true(is_ahead, 20))
		stats.aheads++;
	pass(0, one_in(2) ? 20 : 3000);
	if (one_in(3))
		return;		/* what comes next meets it so */
	if (one_in(2)) {
		app_enabled[primary->id] = false;
		comes_true(is_back, 30);
		pass(0, 100);
		app_enabled[primary->id] = primary->up;
	}
	if (one_in(2))
		congestion(OPT_CONGESTION_BLOCK);
}

static void verify_fault(void)
{
	struct node *n = &nodes[chance(2)];
	struct admin_op op;

	if (!in_sync())
		return;
	stats.verifies++;
	node_op_init(n, 0, &op);
	if (one_in(2)) {
		op.have_start = one_in(3);
		op.start_sector = op.have_start ? chance64() % cfg.data_sectors : 0;
		if (one_in(3))
			op.stop_sector = chance64() % cfg.data_sectors;
		trace(n, "verify");
		node_command(n, 0, admin_verify, &op);
	} else if (n != primary) {
		trace(n, "invalidate");
		note_invalidate(n, node_command(n, 0, admin_invalidate, &op));
	}
	pass(0, one_in(2) ? 50 : 2000);
	if (family_has(FAMILY_DISK) && !one_in(3))
		disk_reads_fail(&nodes[chance(2)]);
	pass(0, one_in(2) ? 50 : 2000);
}

/* False: not this time. */
bool corners_fault(void)
{
	if (!(cfg.families & ANY_CORNER))
		return false;
	if (family_has(FAMILY_AHEAD) && one_in(2))
		return ahead_fault(), true;
	if (family_has(FAMILY_VERIFY) && one_in(2))
		return verify_fault(), true;
	return false;
}
