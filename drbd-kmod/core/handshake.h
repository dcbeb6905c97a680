/* SPDX-License-Identifier: GPL-2.0 */
/*
 * handshake.h - what a received state packet means and whether a resync follows
 *
 * handshake_decide() turns the UUID comparison, disk states, policies and
 * switches into one verdict.  Pure; the caller calls the helpers, carries out
 * the corrections and sets the state.  statepkt_judge() is the part of packet
 * processing before that decision, handshake_refusal() the part after a "no".
 *
 * Spec: states.md 4.1, 5.6; wire.md 4.7.
 */
#ifndef CORE_HANDSHAKE_H
#define CORE_HANDSHAKE_H

#include "portable.h"
#include "state.h"
#include "uuid.h"
#include "aftersb.h"

enum handshake_demotion {
	DEMOTION_NOT_TRIED = 0,
	DEMOTION_DONE,
	DEMOTION_REFUSED,
};

struct handshake_input {
	struct uuid_report self;	/* my set now; bits and flags as last sent */
	struct uuid_report peer;	/* as received */
	u8 self_role;			/* roles as exchanged, not as after a demotion */
	u8 peer_role;
	u8 self_disk;			/* my disk; while Negotiating what attach found */
	u8 self_disk_now;		/* my disk state itself, maybe Negotiating */
	u8 peer_disk;			/* real peer disk: statepkt_peer_disk() */
	bool self_frozen;		/* since the peer was lost: no I/O has ended without it */
	bool self_discard;		/* my discard-my-data mark */
	bool dry_run_self;
	bool dry_run_peer;
	bool always_asbp;
	bool resolve_conflicts;
	u8 after_sb[3];			/* enum aftersb_policy for 0, 1, 2 Primaries */
	u8 rr_conflict;			/* enum rr_conflict_policy */
	u16 apv;
	u32 features;
	enum handshake_demotion demotion; /* answer to HS_DEMOTE, first call NOT_TRIED */
};

enum hs_outcome {
	HS_CONNECTED,		/* no resync */
	HS_SOURCE,		/* go WFBitMapS */
	HS_TARGET,		/* go WFBitMapT */
	HS_DEMOTE,		/* try to demote (soft, not waiting), then ask again with .demotion */
	HS_FAIL,
};

enum handshake_fail {
	HSF_NONE = 0,
	HSF_UNRELATED,		/* unrelated data */
	HSF_NEEDS_APV,		/* needs protocol 91 */
	HSF_NEEDS_FEATURE,	/* needs an agreed feature */
	HSF_SPLIT_BRAIN,	/* unresolved */
	HSF_CANNOT_DEMOTE,	/* policy made me the loser, I am in use */
	HSF_SOURCE_INCONSISTENT, /* I would be source of Inconsistent data */
	HSF_PRIMARY_LOST,	/* rr-conflict: a Primary would become target */
	HSF_DRY_RUN,
};

/* Helpers to call, in this order. */
#define HSH_INITIAL_SPLIT_BRAIN	(1u << 0)
#define HSH_PRI_LOST_AFTER_SB	(1u << 1)
#define HSH_SPLIT_BRAIN		(1u << 2)
#define HSH_PRI_LOST		(1u << 3)

struct handshake_verdict {
	enum hs_outcome outcome;
	enum handshake_fail fail;
	bool full_sync;		/* set all bits and write them first; on error fail */
	bool auto_solved;	/* a policy or discard-my-data decided, for the log */
	bool misconfigured;	/* after-sb policy not applicable, for the log */
	u32 helpers;		/* HSH_*; a repeated call omits those already reported */
	int hg;			/* final */
	struct uuid_verdict uuid; /* adopt its corrections unless outcome is HS_FAIL or HS_DEMOTE */
};

struct handshake_verdict handshake_decide(const struct handshake_input *in);

/* ---- processing of a state packet (4.1) */

/* Step 1: the peer's disk behind a Negotiating. */
u8 statepkt_peer_disk(u8 packet_disk, u32 peer_uuid_flags);

enum statepkt_next {
	STATEPKT_APPLY,		/* take it over; .handshake says whether to compare UUIDs */
	STATEPKT_FAIL,		/* my connection is already down: connection error */
	STATEPKT_CONTRADICTION,	/* both ends would be source, or target: Disconnecting, HARD */
	STATEPKT_RESYNC_END,	/* finish the resync if weight <= failed; nothing else */
	STATEPKT_VERIFY_END,	/* finish verify; nothing else */
};

struct statepkt_facts {
	bool peer_uuids_known;
	u32 peer_uuid_flags;
	bool consider_resync;
};

struct statepkt_verdict {
	enum statepkt_next next;
	u8 peer_disk;	/* to use as pdsk */
	u8 conn;	/* new conn unless the handshake gives another */
	bool handshake;	/* run handshake_decide() */
};

/* Steps 1..7; pkt is the peer's packet in the peer's view. */
struct statepkt_verdict statepkt_judge(struct state mine, struct state pkt,
				       const struct statepkt_facts *f);

/*
 * Step 8: the state to set; conn and peer_disk from verdict and handshake,
 * saved_disk what attach found.  pkt in the peer's view.
 */
struct state statepkt_result(struct state mine, struct state pkt, u8 conn, u8 peer_disk,
			     u8 saved_disk);
/* Step 9: may the new state be refused (soft), or is it a fact (HARD)? */
static inline bool statepkt_is_hard(u8 old_conn, u8 new_conn)
{
	return !(old_conn < C_CONNECTED && new_conn >= C_CONNECTED);
}

/* Step 10: answer with my UUIDs and state? */
bool statepkt_wants_answer(u8 old_conn, u8 new_conn, struct state pkt);
/* Step 8: the peer rebooted while I was frozen: fail the log, new UUID, reconnect. */
bool statepkt_peer_rebooted(struct state mine, u8 new_conn, u8 peer_disk, bool ncu);

/* What a failed handshake leads to. */
enum handshake_refusal {
	HSR_DISK_FAILED,	/* force my disk Failed, stay Connected */
	HSR_PEER_DISKLESS,	/* treat the peer as Diskless, stay Connected */
	HSR_PROTOCOL_ERROR,	/* dry run: end it with a protocol error */
	HSR_DISCONNECT,		/* Disconnecting, HARD */
};

/* packet_disk: the peer's disk as in the packet, before statepkt_peer_disk(). */
enum handshake_refusal handshake_refusal(u8 self_disk_now, u8 packet_disk, bool dry_run);

#endif /* CORE_HANDSHAKE_H */
