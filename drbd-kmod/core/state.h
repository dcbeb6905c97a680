/* SPDX-License-Identifier: GPL-2.0 */
/*
 * state.h - the state of a volume and the rules every change of it obeys
 *
 * Everything in here is a pure function over plain structs: no locks, no
 * pointers to engine objects, callable from any context.  The caller holds
 * whatever protects the states it passes in and stores the outcome itself.
 *
 * A change goes: apply the (mask, val) pair, sanitise, check the transition,
 * and unless it is a fact from outside (CS_HARD) check validity and the soft
 * rules.  state_check_request() does all of that in one call.
 *
 * Spec: states.md 1, 2, 3; wire.md 8.1, 8.2, 8.4, 8.5.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "portable.h"

/* Never compare roles with < or >; use state_role_highest()/lowest(). */
enum drbd_role {
	ROLE_UNKNOWN	= 0,
	ROLE_PRIMARY	= 1,
	ROLE_SECONDARY	= 2,
	ROLE_MASK	= 3,
};

/* The numeric order is part of the rules (and of the wire). */
enum drbd_conn {
	C_STANDALONE		= 0,
	C_DISCONNECTING		= 1,
	C_UNCONNECTED		= 2,
	C_TIMEOUT		= 3,	/* 3..7: failure states */
	C_BROKEN_PIPE		= 4,
	C_NETWORK_FAILURE	= 5,
	C_PROTOCOL_ERROR	= 6,
	C_TEAR_DOWN		= 7,
	C_WF_CONNECTION		= 8,
	C_WF_REPORT_PARAMS	= 9,	/* socket up, handshake going on */
	C_CONNECTED		= 10,
	C_STARTING_SYNC_S	= 11,
	C_STARTING_SYNC_T	= 12,
	C_WF_BITMAP_S		= 13,
	C_WF_BITMAP_T		= 14,
	C_WF_SYNC_UUID		= 15,
	C_SYNC_SOURCE		= 16,	/* 16..21: resync or verify running */
	C_SYNC_TARGET		= 17,
	C_VERIFY_S		= 18,
	C_VERIFY_T		= 19,
	C_PAUSED_SYNC_S		= 20,
	C_PAUSED_SYNC_T		= 21,
	C_AHEAD			= 22,
	C_BEHIND		= 23,
	C_MASK			= 31,
};

/* Mind where D_UNKNOWN sorts: above Outdated, below Consistent. */
enum drbd_disk {
	D_DISKLESS	= 0,
	D_ATTACHING	= 1,
	D_FAILED	= 2,
	D_NEGOTIATING	= 3,
	D_INCONSISTENT	= 4,
	D_OUTDATED	= 5,
	D_UNKNOWN	= 6,	/* only ever the peer's disk */
	D_CONSISTENT	= 7,
	D_UP_TO_DATE	= 8,
	D_MASK		= 15,
};

/* Results of a state change; the numbers go over wire and netlink. */
enum ss_code {
	SS_CW_NO_NEED		= 4,	/* cluster-wide no longer needed */
	SS_CW_SUCCESS		= 3,
	SS_NOTHING_TO_DO	= 2,
	SS_SUCCESS		= 1,
	SS_UNKNOWN_ERROR	= 0,	/* also: keep waiting */
	SS_TWO_PRIMARIES	= -1,
	SS_NO_UP_TO_DATE_DISK	= -2,
	SS_NO_LOCAL_DISK	= -4,
	SS_NO_REMOTE_DISK	= -5,
	SS_CONNECTED_OUTDATES	= -6,
	SS_PRIMARY_NOP		= -7,
	SS_RESYNC_RUNNING	= -8,
	SS_ALREADY_STANDALONE	= -9,
	SS_CW_FAILED_BY_PEER	= -10,
	SS_IS_DISKLESS		= -11,
	SS_DEVICE_IN_USE	= -12,
	SS_NO_NET_CONFIG	= -13,
	SS_NO_VERIFY_ALG	= -14,
	SS_NEED_CONNECTION	= -15,
	SS_LOWER_THAN_OUTDATED	= -16,
	SS_NOT_SUPPORTED	= -17,
	SS_IN_TRANSIENT_STATE	= -18,
	SS_CONCURRENT_ST_CHG	= -19,
	SS_O_VOL_PEER_PRI	= -20,
	SS_OUTDATE_WO_CONN	= -21,
};

/* How a change is asked for (states.md 2.2). */
enum chg_flags {
	CS_HARD			= 1,	/* a fact: skip validity and soft rules */
	CS_VERBOSE		= 2,	/* log a refusal */
	CS_WAIT_COMPLETE	= 4,	/* return after the after-change work */
	CS_SERIALIZE		= 8,	/* hold the volume's state mutex */
	CS_ORDERED		= CS_WAIT_COMPLETE | CS_SERIALIZE,
	CS_LOCAL_ONLY		= 16,	/* no cluster-wide round */
	CS_DC_ROLE		= 1 << 5,	/* bits 5..10: what is printed */
	CS_DC_PEER		= 1 << 6,
	CS_DC_CONN		= 1 << 7,
	CS_DC_DISK		= 1 << 8,
	CS_DC_PDSK		= 1 << 9,
	CS_DC_SUSP		= 1 << 10,
	CS_DC_MASK		= 63 << 5,
	CS_IGN_OUTD_FAIL	= 1 << 11,
	CS_INHIBIT_MD_IO	= 1 << 12,
};

enum fencing_policy {
	FENCING_DONT_CARE		= 0,
	FENCING_RESOURCE_ONLY		= 1,
	FENCING_RESOURCE_AND_STONITH	= 2,
};

enum on_no_data_policy {
	ON_NO_DATA_IO_ERROR	= 0,
	ON_NO_DATA_SUSPEND_IO	= 1,
};

/*
 * One volume as its node sees it.  The three susp* flags belong to the
 * resource: merge them in before calling, write them back afterwards.
 */
struct state {
	u8 role;	/* enum drbd_role, mine; never Unknown */
	u8 peer;	/* enum drbd_role, the other node's */
	u8 conn;	/* enum drbd_conn */
	u8 disk;	/* enum drbd_disk, mine */
	u8 pdsk;	/* enum drbd_disk, the peer's */
	bool susp;	/* suspended by the administrator */
	bool susp_nod;	/* suspended: no usable data */
	bool susp_fen;	/* suspended: the fence-peer handler must decide */
	bool aftr_isp;	/* sync paused by a resync-after dependency */
	bool peer_isp;	/* sync paused by the peer */
	bool user_isp;	/* sync paused by the administrator */
};

/* ---- the packed 32 bit word (wire.md 8.1; host order, CPU independent) */

#define ST_ROLE_SHIFT	0
#define ST_PEER_SHIFT	2
#define ST_CONN_SHIFT	4
#define ST_DISK_SHIFT	9
#define ST_PDSK_SHIFT	13
#define ST_SUSP		(1u << 17)
#define ST_AFTR_ISP	(1u << 18)
#define ST_PEER_ISP	(1u << 19)
#define ST_USER_ISP	(1u << 20)
#define ST_SUSP_NOD	(1u << 21)
#define ST_SUSP_FEN	(1u << 22)
#define ST_ROLE_MASK	((u32)ROLE_MASK << ST_ROLE_SHIFT)
#define ST_PEER_MASK	((u32)ROLE_MASK << ST_PEER_SHIFT)
#define ST_CONN_MASK	((u32)C_MASK << ST_CONN_SHIFT)
#define ST_DISK_MASK	((u32)D_MASK << ST_DISK_SHIFT)
#define ST_PDSK_MASK	((u32)D_MASK << ST_PDSK_SHIFT)
#define ST_SUSP_MASK	(ST_SUSP | ST_SUSP_NOD | ST_SUSP_FEN)
#define ST_ISP_MASK	(ST_AFTR_ISP | ST_PEER_ISP | ST_USER_ISP)
#define ST_ALL_MASK	((1u << 23) - 1)

u32 state_pack(struct state s);
struct state state_unpack(u32 word);

static inline bool state_equal(struct state a, struct state b)
{
	return state_pack(a) == state_pack(b);
}

/* A partial change: the fields under mask take val's contents. */
struct state_change {
	u32 mask;
	u32 val;
};

#define ST_CHANGE_ROLE(v) \
	((struct state_change){ ST_ROLE_MASK, (u32)(v) << ST_ROLE_SHIFT })
#define ST_CHANGE_PEER(v) \
	((struct state_change){ ST_PEER_MASK, (u32)(v) << ST_PEER_SHIFT })
#define ST_CHANGE_CONN(v) \
	((struct state_change){ ST_CONN_MASK, (u32)(v) << ST_CONN_SHIFT })
#define ST_CHANGE_DISK(v) \
	((struct state_change){ ST_DISK_MASK, (u32)(v) << ST_DISK_SHIFT })
#define ST_CHANGE_PDSK(v) \
	((struct state_change){ ST_PDSK_MASK, (u32)(v) << ST_PDSK_SHIFT })
/* flag is one of ST_SUSP, ST_USER_ISP, ... */
#define ST_CHANGE_FLAG(flag, on) \
	((struct state_change){ (flag), (on) ? (flag) : 0 })

/* Both changes at once; where they overlap the second wins. */
struct state_change state_change_join(struct state_change a, struct state_change b);
struct state state_apply(struct state s, struct state_change c);

/*
 * A (mask, val) pair as the peer means it, in my view: role/peer and disk/pdsk
 * swapped, conn mapped (values that mean nothing to the other end become 0).
 */
struct state_change state_change_mirror(struct state_change c);
u8 state_conn_mirror(u8 conn);

/* ---- what the rules read besides the two states; all of this volume */
struct state_facts {
	bool net_config;	/* a network configuration exists */
	bool two_primaries;	/* allow-two-primaries */
	bool peer_primary_elsewhere; /* peer Primary on another volume of the connection */
	bool verify_alg;	/* a verify-alg is configured */
	bool state_sent;	/* my handshake is out, answers pending */
	bool ed_uuid_is_current; /* exposed data UUID == my current UUID */
	bool shares_generation;	/* a disk without a bitmap UUID: the peer's may have the same name */
	bool sync_ended;	/* as source: the target has said that it has everything */
	u32 open_count;		/* openers of the device, any mode */
	u8 fencing;		/* state_effective_fencing() of the current state */
	u8 on_no_data;		/* enum on_no_data_policy */
	u8 saved_disk;		/* enum drbd_disk found at attach ... */
	u8 saved_pdsk;		/* ... both used only while Negotiating */
	u16 apv;		/* agreed protocol version, 0 if none yet */
};

/* The volume's own policy counts only while it has a disk to speak for. */
static inline u8 state_effective_fencing(u8 policy, u8 current_disk)
{
	return current_disk >= D_INCONSISTENT ? policy : FENCING_DONT_CARE;
}

/* ---- the rules */

/* Complete a wanted state (2.4).  Idempotent for os == the result. */
struct state state_sanitise(struct state os, struct state ns, const struct state_facts *f);

/* Smallest and largest disk and pdsk a connection state allows (2.4 rule 6). */
struct state_clamp {
	u8 disk_min, disk_max, pdsk_min, pdsk_max;
};

struct state_clamp state_clamp_of(u8 conn);

/* 2.5, for HARD changes too: SS_SUCCESS, SS_NOTHING_TO_DO (conn unchanged; go on) or an error. */
enum ss_code state_transition_check(struct state os, struct state ns);
/* The same for a connection's own state (0..9). */
enum ss_code state_conn_transition_check(u8 oc, u8 nc);
/* 2.6: first match wins. */
enum ss_code state_validity(struct state ns, const struct state_facts *f);
/*
 * 2.7: last match wins; refuses also a verify over data that is not UpToDate (13.2), and to promote
 * a node that shares its generation while bitmaps are exchanged.
 */
enum ss_code state_soft_check(struct state os, struct state ns, const struct state_facts *f);

/*
 * 2.3 steps 1..3: *ns receives the sanitised outcome.  SS_SUCCESS: store it;
 * SS_NOTHING_TO_DO: it equals os; negative: refused.  Of flags CS_HARD and
 * CS_IGN_OUTD_FAIL are read.
 */
enum ss_code state_check_request(struct state os, struct state wanted,
				 const struct state_facts *f, u32 flags, struct state *ns);

/* 2.8: does a volume request need the peer's consent?  ns is sanitised. */
bool state_is_cluster_wide(struct state os, struct state ns);
/*
 * One look at a cluster-wide request: before sending (reply = 0) and at each
 * wake-up afterwards.  reply: the peer's answer, 0 while none came.  os is the
 * state now.  SS_UNKNOWN_ERROR: send, or keep waiting.  Otherwise the result;
 * SS_CW_SUCCESS and SS_CW_NO_NEED: now apply the change to the current state.
 */
enum ss_code state_cluster_wide_step(struct state os, struct state_change c,
				     const struct state_facts *f, int reply);

/* Persistent metadata flags (2.9); the numbers are the disk's. */
enum md_state_flag {
	MDS_CONSISTENT		= 1,
	MDS_PRIMARY_IND		= 2,
	MDS_CONNECTED_IND	= 4,
	MDS_FULL_SYNC		= 8,
	MDS_WAS_UP_TO_DATE	= 16,
	MDS_PEER_OUT_DATED	= 32,
	MDS_CRASHED_PRIMARY	= 64,
	MDS_AL_CLEAN		= 128,
	MDS_AL_DISABLED		= 256,
};

/* Flags not derived from the state (FullSync, unknown ones) keep their old value. */
u32 state_md_flags(struct state ns, bool crashed_primary, bool al_disabled, u32 old);

/* The disk and pdsk an attach finds in the metadata flags (5.8). */
struct attach_verdict {
	u8 disk, pdsk;
};

struct attach_verdict state_attach_verdict(u32 md_flags, u8 fencing_configured);

/* ---- looking at several volumes */

u8 state_role_highest(u8 a, u8 b);
u8 state_role_lowest(u8 a, u8 b);

/* Per component minimum and maximum; start from a zeroed struct. */
struct state_range {
	bool any;
	struct state lo, hi;
};

void state_range_add(struct state_range *r, struct state s);

/* ---- predicates over one state */

static inline bool state_suspended(struct state s)
{
	return s.susp || s.susp_nod || s.susp_fen;
}

static inline bool state_conn_is_failure(u8 conn)
{
	return conn >= C_TIMEOUT && conn <= C_TEAR_DOWN;
}

/* 16..21: writes may mark blocks in sync, verify included. */
static inline bool state_in_resync(u8 conn)
{
	return conn >= C_SYNC_SOURCE && conn <= C_PAUSED_SYNC_T;
}

static inline bool state_is_sync(u8 conn)
{
	return conn == C_SYNC_SOURCE || conn == C_SYNC_TARGET ||
	       conn == C_PAUSED_SYNC_S || conn == C_PAUSED_SYNC_T;
}

static inline bool state_is_sync_source(u8 conn)
{
	return conn == C_SYNC_SOURCE || conn == C_PAUSED_SYNC_S;
}

static inline bool state_is_sync_target(u8 conn)
{
	return conn == C_SYNC_TARGET || conn == C_PAUSED_SYNC_T;
}

static inline bool state_is_verify(u8 conn)
{
	return conn == C_VERIFY_S || conn == C_VERIFY_T;
}

static inline bool state_has_disk(struct state s)
{
	return s.disk >= D_INCONSISTENT;
}

/* Shown as "Unconfigured". */
static inline bool state_unconfigured(struct state s)
{
	return s.conn == C_STANDALONE && s.disk == D_DISKLESS && s.role == ROLE_SECONDARY;
}

/* Verify can end early and say so. */
static inline bool state_apv_has_stop_sector(u16 apv)
{
	return apv >= 97 && apv != 100;
}

/* 7.3: new writes go to the peer. */
static inline bool state_should_replicate(struct state s)
{
	return s.pdsk == D_UP_TO_DATE ||
	       (s.pdsk >= D_INCONSISTENT && s.conn >= C_WF_BITMAP_T && s.conn < C_AHEAD);
}

/* 7.3: new writes are only announced to the peer. */
static inline bool state_should_send_oos(struct state s)
{
	return s.conn == C_AHEAD || s.conn == C_WF_BITMAP_S;
}

/* ---- after-change work (states.md 3) */

/*
 * Execute in bit order.  The number in the comment is that of states.md 3; an
 * action with "re-check" names what must still hold when it is carried out.
 */
#define AFTER_NOTIFY			(1ULL << 0)	/* 1 */
#define AFTER_CLEAR_CRASHED		(1ULL << 1)	/* 2; recompute metadata flags then */
#define AFTER_HELPER_PRI_INCON		(1ULL << 2)	/* 3 pri-on-incon-degr */
#define AFTER_NOD_RESEND		(1ULL << 3)	/* 4 resend TL, clear susp_nod */
#define AFTER_NOD_RESTART		(1ULL << 4)	/* 4 restart frozen, clear susp_nod */
#define AFTER_FEN_RESEND		(1ULL << 5)	/* 5 clear NCU everywhere, resend, clear susp_fen */
#define AFTER_SEND_SYNC_UUID		(1ULL << 6)	/* 6 generate, flush, send */
#define AFTER_PEER_ATTACHED		(1ULL << 7)	/* 7 reset counters, send UUIDs, state */
#define AFTER_SEND_BITMAP		(1ULL << 8)	/* 8 queue; re-check conn */
#define AFTER_NEW_UUID_LOST_PEER	(1ULL << 9)	/* 9 new current, send UUIDs */
#define AFTER_SET_NCU			(1ULL << 10)	/* 9 deferred: I/O is frozen */
#define AFTER_NEW_UUID_PEER_PRIMARY	(1ULL << 11)	/* 10 new current, send UUIDs */
#define AFTER_BM_PEER_DEMOTED		(1ULL << 12)	/* 10 write changed bitmap pages */
#define AFTER_BM_DEMOTED		(1ULL << 13)	/* 11 same, I/O locked out */
#define AFTER_SEND_ATTACHED		(1ULL << 14)	/* 12 send sizes, UUIDs, state */
#define AFTER_STATE_PAUSE		(1ULL << 15)	/* 13 send state */
#define AFTER_PAUSE_DEPENDENTS		(1ULL << 16)	/* 14 */
#define AFTER_STATE_CONNECTED		(1ULL << 17)	/* 15 send state */
#define AFTER_STATE_AHEAD		(1ULL << 18)	/* 16 send state */
#define AFTER_START_FULL_SYNC		(1ULL << 19)	/* 17 set all bits and write, go on by role */
#define AFTER_DISK_FAILED		(1ULL << 20)	/* 18 policy, state, drop extents, flush, ref */
#define AFTER_DISKLESS			(1ULL << 21)	/* 19 state if connected, drop ref */
#define AFTER_STATE_INCONSISTENT	(1ULL << 22)	/* 20 send state */
#define AFTER_GROW_RESYNC		(1ULL << 23)	/* 21 clear mark; if Connected start */
#define AFTER_RESUME_DEPENDENTS		(1ULL << 24)	/* 22 */
#define AFTER_STATE_FINISHED		(1ULL << 25)	/* 23 send state: target finished */
#define AFTER_STATE_VERIFIED		(1ULL << 26)	/* 24 send state */
#define AFTER_BM_LAZY			(1ULL << 27)	/* 25 queue lazy bitmap write */
#define AFTER_UNCONFIGURED		(1ULL << 28)	/* 26 re-evaluate resync-after */
#define AFTER_FLUSH_MD			(1ULL << 29)	/* 27 */
#define AFTER_NOD_THAW			(1ULL << 30)	/* data came back without a handshake: go on, clear susp_nod */
#define AFTER_ACTIONS			31

/* Live facts, read when the after-work starts. */
struct after_facts {
	struct state now;	/* the volume's state at this moment */
	u8 lowest_conn;		/* over all volumes, now */
	u8 lowest_disk;		/* over all volumes, now */
	bool all_have_data;	/* every volume, now, on an UpToDate disk here or there */
	bool bitmap_uuid_zero;	/* and a disk to know it from */
	bool sync_ended;	/* the bitmap UUID is of a resync that the peer has ended */
	bool resync_after_neg;	/* resync-after-negotiation mark */
	bool acceptance_awaited; /* the peer, Primary without disk, has yet to take my data */
	u16 apv;
};

u64 state_after_actions(struct state os, struct state ns, const struct after_facts *f);

/* Per connection: (a)..(d). */
#define CAFTER_START_RECEIVER	(1u << 0)
#define CAFTER_DESTROY_NET	(1u << 1)
#define CAFTER_FENCED		(1u << 2)	/* new UUID where NCU; CONNECTION-LOST; clear susp_fen */
#define CAFTER_FLUSH_MD		(1u << 3)

/* susp_fen and highest_pdsk over all volumes, as they became with this change. */
u32 state_conn_after_actions(u8 oc, u8 nc, bool susp_fen, u8 highest_pdsk);

#endif /* CORE_STATE_H */
