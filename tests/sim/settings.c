// SPDX-License-Identifier: GPL-2.0
/*
 * What the configuration file says, and an administrator who changes it while everything
 * runs: each option that changes behaviour, by the table below.
 */
#include "actors.h"

struct settings settings;
static bool battery;		/* no disk has a volatile cache, so flushes may be switched off */
static bool protocol_moves;

/* ---- what may be drawn ---- */

enum where { DISK, NET, RES };
struct choice {
	enum where where;
	const char *name;
	u32 n;
	u64 values[8];
};

#define VALUES(...) sizeof((u64[]){ __VA_ARGS__ }) / sizeof(u64), { __VA_ARGS__ }

/* Rates are such that the largest volume is in sync within minutes. */
static const struct choice choices[] = {
	{ DISK, "resync-rate", VALUES(2000, 10000, 100000, 4000000) },
	{ DISK, "c-plan-ahead", VALUES(0, 1, 20, 50, 300) },
	{ DISK, "c-delay-target", VALUES(1, 10, 100) },
	{ DISK, "c-fill-target", VALUES(0, 100, 2000, 100000) },
	{ DISK, "c-max-rate", VALUES(20000, 102400, 4000000) },
	{ DISK, "c-min-rate", VALUES(0, 4000, 20000) },
	{ DISK, "al-extents", VALUES(67, 127, 1237, 6433, 65534) },
	{ DISK, "al-updates", VALUES(0, 1, 1, 1) },
	{ DISK, "read-balancing", VALUES(0, 1, 2, 3, 4, 5, 7, 10) },
	{ DISK, "disk-timeout", VALUES(0, 100, 600) },
	{ DISK, "rs-discard-granularity", VALUES(0, 4096, 65536, 1048576) },
	{ DISK, "discard-zeroes-if-aligned", VALUES(0, 1) },
	{ DISK, "disable-write-same", VALUES(0, 1) },
	{ DISK, "disk-barrier", VALUES(0, 1) },
	{ DISK, "disk-flushes", VALUES(0, 1) },
	{ DISK, "disk-drain", VALUES(0, 1) },
	{ DISK, "md-flushes", VALUES(0, 1) },
	{ NET, "protocol", VALUES(1, 2, 3) },
	{ NET, "max-buffers", VALUES(32, 80, 2048, 20000) },
	{ NET, "max-epoch-size", VALUES(1, 8, 200, 2048, 20000) },
	{ NET, "unplug-watermark", VALUES(1, 16, 128, 131072) },
	{ NET, "sndbuf-size", VALUES(0, 4096, 1048576) },
	{ NET, "rcvbuf-size", VALUES(0, 4096, 1048576) },
	{ NET, "use-rle", VALUES(0, 1) },
	{ NET, "csums-after-crash-only", VALUES(0, 1) },
	{ NET, "tcp-cork", VALUES(0, 1) },
	{ NET, "on-congestion", VALUES(0, 1, 1, 2) },
	{ NET, "congestion-fill", VALUES(0, 1, 100, 2000, 20000) },
	{ NET, "congestion-extents", VALUES(67, 100, 1237) },
	{ NET, "after-sb-0pri", VALUES(0, 1, 2, 3, 4) },
	{ NET, "after-sb-1pri", VALUES(0, 7, 8, 9, 10) },
	{ NET, "after-sb-2pri", VALUES(0, 9, 10) },
	{ NET, "rr-conflict", VALUES(0, 9, 10) },
	{ NET, "always-asbp", VALUES(0, 1) },
	{ NET, "allow-two-primaries", VALUES(0, 1) },
	{ NET, "ping-int", VALUES(1, 3, 10) },
	{ NET, "ping-timeout", VALUES(1, 5, 30) },
	{ NET, "connect-int", VALUES(1, 3, 10) },
	{ NET, "timeout", VALUES(5, 9, 29, 60) },
	{ NET, "ko-count", VALUES(0, 1, 2, 7) },
	{ NET, "socket-check-timeout", VALUES(0, 1, 10) },
	{ RES, "on-no-data-accessible", VALUES(0, 1) },
};

static const char *const digests[] = { "", "", "md5", "sha1", "crc32c" };

static const struct option_section *section_of(enum where where)
{
	return where == DISK ? &disk_conf_section : where == NET ? &net_conf_section :
							&res_opts_section;
}

static void set(enum where where, void *obj, const char *name, u64 value)
{
	const struct option_desc *desc = option_find(section_of(where), name);

	if (!desc || !option_in_range(desc, value))
		violation("option %s: unknown, or %llu is out of its range", name,
			  (unsigned long long)value);
	else
		option_set(desc, obj, value);
}

static void apply_choice(struct settings *s, const struct choice *c)
{
	u64 value = c->values[chance(c->n)];
	u32 v;
	int i;

	if (c->where == NET)
		return set(NET, &s->net, c->name, value);
	if (c->where == RES)
		return set(RES, &s->res, c->name, value);
	/* On both nodes, or on one of them only. */
	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			if (!one_in(4))
				set(DISK, &s->disk[i][v], c->name, value);
}

/* What has to fit together. */
static void make_legal(struct settings *s)
{
	struct net_conf *net = &s->net;
	u32 v;
	int i;

	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++) {
			struct disk_conf *d = &s->disk[i][v];

			if (!battery)
				d->disk_flushes = d->disk_drain = d->md_flushes = 1;
			/* Barriers alone order nothing any more: drain is the least. */
			d->disk_drain |= !d->disk_flushes;
		}
	if (!protocol_moves)
		net->wire_protocol = cfg.protocol;
	if (net->wire_protocol != OPT_PROTOCOL_A)
		net->on_congestion = OPT_CONGESTION_BLOCK;
	if (net->wire_protocol != OPT_PROTOCOL_C)
		net->two_primaries = 0;
	net->timeout = min(net->timeout, min(net->ping_int, net->connect_int) * 10 - 1);
}

static void draw_digests(struct net_conf *net)
{
	switch (chance(3)) {
	case 0:
		strcpy(net->csums_alg, digests[chance(ARRAY_SIZE(digests))]);
		break;
	case 1:
		strcpy(net->verify_alg, digests[chance(ARRAY_SIZE(digests))]);
		break;
	default:
		strcpy(net->integrity_alg, digests[chance(ARRAY_SIZE(digests))]);
	}
}

static void draw_resync_after(struct settings *s)
{
	/* The same order on both nodes, or each volume waits for the other one for ever. */
	bool first = one_in(2);
	int i;

	if (cfg.volumes < 2)
		return;
	for (i = 0; i < NODES; i++) {
		s32 on = one_in(3) ? -1 : i * MINORS_PER_NODE + first;

		s->disk[i][first].resync_after = -1;
		s->disk[i][!first].resync_after = on;
	}
}

void settings_random(struct settings *s)
{
	u32 i;

	for (i = 1 + chance(6); i; i--)
		apply_choice(s, &choices[chance(ARRAY_SIZE(choices))]);
	if (one_in(4))
		draw_digests(&s->net);
	if (one_in(4))
		draw_resync_after(s);
	make_legal(s);
}

static void cluster_by_seed(void)
{
	static const char *const policies[] = {
		"after-sb-0pri", "after-sb-1pri", "after-sb-2pri", "rr-conflict", "always-asbp",
	};
	u32 fencing = chance(cfg.protocol == OPT_PROTOCOL_A ? 2 : 3), i, j, v;

	for (i = 0; i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			settings.disk[i][v].fencing = fencing;
	for (i = 0; one_in(2) && i < ARRAY_SIZE(choices); i++)
		for (j = 0; j < ARRAY_SIZE(policies); j++)
			if (!strcmp(choices[i].name, policies[j]))
				apply_choice(&settings, &choices[i]);
}

void settings_by_seed(void)
{
	u32 v;
	int i;

	settings.net = cfg.net;
	res_opts_set_defaults(&settings.res);
	for (i = 0; i < NODES; i++)
		for (v = 0; v < VOLUMES_MAX; v++)
			settings.disk[i][v] = cfg.disk;
	disk_settings();
	if (family_has(FAMILY_CLUSTER))
		cluster_by_seed();
	if (!family_has(FAMILY_OPTIONS))
		return;
	battery = one_in(3);
	for (i = 0; battery && i < NODES; i++)
		for (v = 0; v < cfg.volumes; v++)
			nodes[i].disk[v].write_through = true;
	/* The oracle then believes what the weakest of them promises. */
	protocol_moves = one_in(4) && settings.disk[0][0].fencing != FENCING_RESOURCE_AND_STONITH;
	if (protocol_moves)
		cfg.protocol = OPT_PROTOCOL_A;
	for (v = chance(8); v; v--)
		settings_random(&settings);
	settings.net.on_congestion = OPT_CONGESTION_BLOCK;
}

/* ---- changes while it runs ---- */

void settings_adjust(struct node *n)
{
	u32 v;
	s32 ret;

	if (!n->up)
		return;
	node_resource_options(n, &settings.res);
	for (v = 0; v < cfg.volumes && n->up; v++) {
		if (node_device(n, v)->state.disk < D_INCONSISTENT)
			continue;
		ret = node_disk_options(n, v, &settings.disk[n->id][v], 0);
		if (n->up && ret != ERR_NO_ERROR && ret != ERR_NO_DISK &&
		    ret != ERR_RESYNC_AFTER_CYCLE && ret != ERR_NOMEM)
			violation("node %s: disk-options failed: %d", n->name, ret);
	}
	if (!n->up || !node_connection(n)->configured)
		return;
	ret = node_net_options(n, &settings.net, 0);
	if (n->up && ret != ERR_NO_ERROR && ret != ERR_INVALID_REQUEST &&
	    ret != ERR_NEED_APV_100 && ret != ERR_CSUMS_RESYNC_RUNNING &&
	    ret != ERR_VERIFY_RUNNING && ret != ERR_NEED_ALLOW_TWO_PRI)
		violation("node %s: net-options failed: %d", n->name, ret);
}

void settings_fault(void)
{
	struct node *first = &nodes[chance(2)];

	settings_random(&settings);
	settings_adjust(first);
	pass(0, one_in(2) ? 10 : 3000);
	settings_adjust(other(first));
}

void settings_calm(void)
{
	settings.net.on_congestion = OPT_CONGESTION_BLOCK;
	settings_adjust(&nodes[0]);
	settings_adjust(&nodes[1]);
}
