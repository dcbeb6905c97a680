// SPDX-License-Identifier: GPL-2.0
/*
 * FAMILY_VERSIONS: old peers.  A node's host tells a lower protocol version and fewer features
 * than the core offers, and hides from the core what the peer offers beyond that, so that both
 * agree on what an old node would have agreed to.  A boot may bring another version, as when
 * nodes are upgraded one after the other.  (FAMILY_PAIRS: the versions stay as the seed says.)
 */
#include "scenario.h"
#include "actors.h"

static struct cap { u32 version, features; } caps[NODES];

static void cap_draw(struct node *n)
{
	struct cap *cap = &caps[n->id];

	/* Volumes other than 0 need 100. */
	cap->version = one_in(4) ? WIRE_APV_MAX :
		       chance_between(cfg.volumes > 1 ? 100 : WIRE_APV_MIN, WIRE_APV_MAX);
	cap->features = one_in(3) ? WIRE_FEATURES_84 : chance(WIRE_FEATURES_84 + 1);
}

void versions_boot(struct node *n)
{
	if (family_has(FAMILY_PAIRS) && !caps[n->id].version) {
		caps[n->id].version = pairs_version(n->id);
		caps[n->id].features = WIRE_FEATURES;
	}
	if (!family_has(FAMILY_VERSIONS))
		return;
	if (!caps[n->id].version || one_in(4))
		cap_draw(n);
	trace(n, "speaks version %u, features %x", caps[n->id].version, caps[n->id].features);
}

/* What this node may say of itself, and what it may hear of its peer. */
void versions_limit(struct node *n, struct wire_p_features *packet)
{
	const struct cap *cap = &caps[n->id];

	if (!(cfg.families & (FAMILY_VERSIONS | FAMILY_PAIRS)))
		return;
	packet->protocol_max = cpu_to_be32(min(be32_to_cpu(packet->protocol_max), cap->version));
	packet->feature_flags &= cpu_to_be32(cap->features);
}

static void upgrade(void)
{
	int i;

	for (i = 0; i < NODES; i++) {
		caps[i].version = WIRE_APV_MAX;
		caps[i].features = WIRE_FEATURES;
	}
	for (i = 0; i < NODES && !sim_failed; i++) {
		trace(&nodes[i], "upgrade");
		node_command(&nodes[i], 0, admin_disconnect, NULL);
	}
	for (i = 0; i < NODES && !sim_failed; i++)
		bring_up(&nodes[i]);
}

static bool too_old(void)
{
	return cfg.families & (FAMILY_VERSIONS | FAMILY_PAIRS) &&
	       (min(caps[0].version, caps[1].version) < 91 ||
		!(caps[0].features & caps[1].features & FF_WSAME));
}

/* Some histories only newer versions and features can compare: the message says "upgrade". */
void versions_peace(void)
{
	if (too_old() && !comes_true(connected, 120))
		upgrade();
}

/* They do not meet, and that may be why. */
bool versions_upgraded(void)
{
	if (!too_old())
		return false;
	upgrade();
	return true;
}

void versions_fault(void)
{
	struct node *n = &nodes[chance(2)];

	cap_draw(n);
	trace(n, "now speaks version %u, features %x", caps[n->id].version, caps[n->id].features);
	if (one_in(2) && dual_may_lose_peer())
		net_reset();
}
