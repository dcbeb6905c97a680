// SPDX-License-Identifier: GPL-2.0
/* Automatic recovery after split brain (states.md 5.7). */
#include "aftersb.h"
#include "uuid.h"

#define SOURCE		HG_SOURCE_BITMAP
#define TARGET		HG_TARGET_BITMAP
#define UNRESOLVED	HG_AMBIGUOUS

/* No reason to prefer one: let the connection's arbiter yield. */
static int toss(const struct aftersb_facts *f)
{
	return f->resolve_conflicts ? TARGET : SOURCE;
}

static int zero_changes(const struct aftersb_facts *f)
{
	if (!f->self_bits && !f->peer_bits)
		return toss(f);
	if (!f->peer_bits)
		return SOURCE;
	if (!f->self_bits)
		return TARGET;
	return UNRESOLVED;
}

static int least_changes(const struct aftersb_facts *f)
{
	if (f->self_bits == f->peer_bits)
		return toss(f);
	return f->self_bits < f->peer_bits ? TARGET : SOURCE;
}

/* The bit says "was already Primary when the generations parted": the older Primary. */
static int by_age(const struct aftersb_facts *f, bool discard_younger)
{
	int hg;

	if (f->self_bit != f->peer_bit)
		return f->self_bit == discard_younger ? SOURCE : TARGET;
	hg = zero_changes(f);
	return hg != UNRESOLVED ? hg : least_changes(f);
}

static int without_primary(const struct aftersb_facts *f, bool *misconfigured)
{
	switch (f->policy[0]) {
	case ASB_DISCONNECT:
		return UNRESOLVED;
	case ASB_DISCARD_YOUNGER_PRI:
		return by_age(f, true);
	case ASB_DISCARD_OLDER_PRI:
		return by_age(f, false);
	case ASB_DISCARD_ZERO_CHG:
		return zero_changes(f);
	case ASB_DISCARD_LEAST_CHG:
		return least_changes(f);
	case ASB_DISCARD_LOCAL:
		return TARGET;
	case ASB_DISCARD_REMOTE:
		return SOURCE;
	default:
		*misconfigured = true;
		return UNRESOLVED;
	}
}

static struct aftersb_verdict with_one_primary(const struct aftersb_facts *f)
{
	struct aftersb_verdict v = { .hg = UNRESOLVED };
	int d;

	switch (f->policy[1]) {
	case ASB_DISCONNECT:
		break;
	case ASB_CONSENSUS:
		d = without_primary(f, &v.misconfigured);
		if (d == (f->self_primary ? SOURCE : TARGET))
			v.hg = d;
		break;
	case ASB_VIOLENTLY:
		v.hg = without_primary(f, &v.misconfigured);
		break;
	case ASB_DISCARD_SECONDARY:
		v.hg = f->self_primary ? SOURCE : TARGET;
		break;
	case ASB_CALL_PRI_LOST:
		v.hg = without_primary(f, &v.misconfigured);
		v.demote_first = v.hg == TARGET && f->self_primary;
		break;
	default:
		v.misconfigured = true;
		break;
	}
	return v;
}

static struct aftersb_verdict with_two_primaries(const struct aftersb_facts *f)
{
	struct aftersb_verdict v = { .hg = UNRESOLVED };

	switch (f->policy[2]) {
	case ASB_DISCONNECT:
		break;
	case ASB_VIOLENTLY:
		v.hg = without_primary(f, &v.misconfigured);
		break;
	case ASB_CALL_PRI_LOST:
		v.hg = without_primary(f, &v.misconfigured);
		v.demote_first = v.hg == TARGET;
		break;
	default:
		v.misconfigured = true;
		break;
	}
	return v;
}

struct aftersb_verdict aftersb_decide(const struct aftersb_facts *f)
{
	struct aftersb_verdict v = { .hg = UNRESOLVED };

	if (f->self_primary && f->peer_primary)
		return with_two_primaries(f);
	if (f->self_primary || f->peer_primary)
		return with_one_primary(f);
	v.hg = without_primary(f, &v.misconfigured);
	return v;
}

bool aftersb_policy_matches(u8 mine, u8 theirs)
{
	if (mine == ASB_DISCARD_LOCAL)
		return theirs == ASB_DISCARD_REMOTE;
	if (mine == ASB_DISCARD_REMOTE)
		return theirs == ASB_DISCARD_LOCAL;
	return mine == theirs;
}
