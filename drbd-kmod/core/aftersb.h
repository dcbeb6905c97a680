/* SPDX-License-Identifier: GPL-2.0 */
/*
 * aftersb.h - automatic recovery after split brain
 *
 * Pure decisions from inputs both nodes share: both sides' results are +1 and
 * -1, or unresolved on both.  The call-pri-lost policies need the loser to
 * demote itself; whether that works is the loser's own matter and never turns
 * it into a source (states.md 13.3).
 *
 * Spec: states.md 5.7, wire.md 4.8.
 */
#ifndef CORE_AFTERSB_H
#define CORE_AFTERSB_H

#include "portable.h"

/* Configuration and wire numbers. */
enum aftersb_policy {
	ASB_DISCONNECT			= 0,
	ASB_DISCARD_YOUNGER_PRI		= 1,
	ASB_DISCARD_OLDER_PRI		= 2,
	ASB_DISCARD_ZERO_CHG		= 3,
	ASB_DISCARD_LEAST_CHG		= 4,
	ASB_DISCARD_LOCAL		= 5,
	ASB_DISCARD_REMOTE		= 6,
	ASB_CONSENSUS			= 7,
	ASB_DISCARD_SECONDARY		= 8,
	ASB_CALL_PRI_LOST		= 9,
	ASB_VIOLENTLY			= 10,
};

enum rr_conflict_policy {
	RR_DISCONNECT		= 0,
	RR_CALL_PRI_LOST	= 9,
	RR_VIOLENTLY		= 10,
};

struct aftersb_facts {
	u8 policy[3];		/* enum aftersb_policy for 0, 1, 2 Primaries */
	bool self_primary;	/* roles as exchanged in the handshake */
	bool peer_primary;
	bool self_bit;		/* bit 0 of the bitmap UUIDs */
	bool peer_bit;
	u64 self_bits;		/* set bits, as last sent */
	u64 peer_bits;		/* set bits, as received */
	bool resolve_conflicts;
};

struct aftersb_verdict {
	int hg;			/* +1 source, -1 target, -100 unresolved */
	bool demote_first;	/* with -1: only after I could demote myself */
	bool misconfigured;	/* the policy makes no sense for this number of Primaries */
};

struct aftersb_verdict aftersb_decide(const struct aftersb_facts *f);

/* Do the two nodes' settings fit (states.md 4)?  Named-node policies mirror each other. */
bool aftersb_policy_matches(u8 mine, u8 theirs);

#endif /* CORE_AFTERSB_H */
