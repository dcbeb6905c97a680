// SPDX-License-Identifier: GPL-2.0
/*
 * The state word, sanitising and the after-change conditions; the rules that
 * can refuse a change are in state_rules.c.  Numbers in comments are those of
 * states.md 2 and 3.
 */
#include "state.h"

/* ---- the packed word */

u32 state_pack(struct state s)
{
	return ((u32)s.role & ROLE_MASK) << ST_ROLE_SHIFT |
	       ((u32)s.peer & ROLE_MASK) << ST_PEER_SHIFT |
	       ((u32)s.conn & C_MASK) << ST_CONN_SHIFT |
	       ((u32)s.disk & D_MASK) << ST_DISK_SHIFT |
	       ((u32)s.pdsk & D_MASK) << ST_PDSK_SHIFT |
	       (s.susp ? ST_SUSP : 0) |
	       (s.susp_nod ? ST_SUSP_NOD : 0) |
	       (s.susp_fen ? ST_SUSP_FEN : 0) |
	       (s.aftr_isp ? ST_AFTR_ISP : 0) |
	       (s.peer_isp ? ST_PEER_ISP : 0) |
	       (s.user_isp ? ST_USER_ISP : 0);
}

struct state state_unpack(u32 word)
{
	return (struct state) {
		.role = (word >> ST_ROLE_SHIFT) & ROLE_MASK,
		.peer = (word >> ST_PEER_SHIFT) & ROLE_MASK,
		.conn = (word >> ST_CONN_SHIFT) & C_MASK,
		.disk = (word >> ST_DISK_SHIFT) & D_MASK,
		.pdsk = (word >> ST_PDSK_SHIFT) & D_MASK,
		.susp = word & ST_SUSP,
		.susp_nod = word & ST_SUSP_NOD,
		.susp_fen = word & ST_SUSP_FEN,
		.aftr_isp = word & ST_AFTR_ISP,
		.peer_isp = word & ST_PEER_ISP,
		.user_isp = word & ST_USER_ISP,
	};
}

struct state_change state_change_join(struct state_change a, struct state_change b)
{
	return (struct state_change) {
		.mask = a.mask | b.mask,
		.val = (a.val & a.mask & ~b.mask) | (b.val & b.mask),
	};
}

struct state state_apply(struct state s, struct state_change c)
{
	return state_unpack((state_pack(s) & ~c.mask) | (c.val & c.mask));
}

/* ---- the peer's view (2.8) */

u8 state_conn_mirror(u8 conn)
{
	switch (conn) {
	case C_WF_REPORT_PARAMS:
	case C_CONNECTED:
	case C_MASK:
		return conn;
	case C_STARTING_SYNC_S:
		return C_STARTING_SYNC_T;
	case C_STARTING_SYNC_T:
		return C_STARTING_SYNC_S;
	case C_DISCONNECTING:
		return C_TEAR_DOWN;
	case C_VERIFY_S:
		return C_VERIFY_T;
	case C_WF_BITMAP_S:
		return C_WF_BITMAP_T;
	case C_WF_BITMAP_T:
		return C_WF_BITMAP_S;
	default:
		return 0;
	}
}

static u32 word_mirror(u32 word)
{
	struct state s = state_unpack(word);

	return state_pack((struct state) {
		.role = s.peer,
		.peer = s.role,
		.conn = state_conn_mirror(s.conn),
		.disk = s.pdsk,
		.pdsk = s.disk,
		.peer_isp = s.aftr_isp || s.user_isp,
	});
}

struct state_change state_change_mirror(struct state_change c)
{
	return (struct state_change) {
		.mask = word_mirror(c.mask),
		.val = word_mirror(c.val),
	};
}

/* ---- sanitising (2.4) */

struct state_clamp state_clamp_of(u8 conn)
{
	if (conn < C_CONNECTED)
		return (struct state_clamp) { D_DISKLESS, D_UP_TO_DATE, D_INCONSISTENT, D_UNKNOWN };

	switch (conn) {
	case C_STARTING_SYNC_T:
	case C_WF_BITMAP_T:
	case C_WF_SYNC_UUID:
	case C_PAUSED_SYNC_T:
	case C_BEHIND:
		return (struct state_clamp) {
			D_INCONSISTENT, D_OUTDATED, D_UP_TO_DATE, D_UP_TO_DATE };
	case C_STARTING_SYNC_S:
	case C_WF_BITMAP_S:
	case C_PAUSED_SYNC_S:
	case C_AHEAD:
		return (struct state_clamp) {
			D_UP_TO_DATE, D_UP_TO_DATE, D_INCONSISTENT, D_CONSISTENT };
	case C_SYNC_TARGET:
		return (struct state_clamp) {
			D_INCONSISTENT, D_INCONSISTENT, D_UP_TO_DATE, D_UP_TO_DATE };
	case C_SYNC_SOURCE:
		return (struct state_clamp) {
			D_UP_TO_DATE, D_UP_TO_DATE, D_INCONSISTENT, D_INCONSISTENT };
	case C_VERIFY_S:
	case C_VERIFY_T:
		return (struct state_clamp) {
			D_UP_TO_DATE, D_UP_TO_DATE, D_UP_TO_DATE, D_UP_TO_DATE };
	default:
		return (struct state_clamp) {
			D_DISKLESS, D_UP_TO_DATE, D_DISKLESS, D_UP_TO_DATE };
	}
}

static void state_clamp(struct state *s)
{
	struct state_clamp c = state_clamp_of(s->conn);

	if (s->disk > c.disk_max)
		s->disk = c.disk_max;
	if (s->disk < c.disk_min)
		s->disk = c.disk_min;
	if (s->pdsk > c.pdsk_max)
		s->pdsk = c.pdsk_max;
	if (s->pdsk < c.pdsk_min)
		s->pdsk = c.pdsk_min;
}

/* Rule 9. */
static void sanitise_pause(struct state *s)
{
	bool paused = s->aftr_isp || s->peer_isp || s->user_isp;

	if (paused && s->conn == C_SYNC_SOURCE)
		s->conn = C_PAUSED_SYNC_S;
	else if (paused && s->conn == C_SYNC_TARGET)
		s->conn = C_PAUSED_SYNC_T;
	else if (!paused && s->conn == C_PAUSED_SYNC_S)
		s->conn = C_SYNC_SOURCE;
	else if (!paused && s->conn == C_PAUSED_SYNC_T)
		s->conn = C_SYNC_TARGET;
}

/* Condition of rule 7: a Primary lost a peer that may go on without it. */
static bool fencing_needed(struct state s)
{
	return s.role == ROLE_PRIMARY && s.conn < C_CONNECTED && s.pdsk > D_OUTDATED;
}

/* Condition of rule 8 and of pri-on-incon-degr. */
static bool primary_without_data(struct state s)
{
	return s.role == ROLE_PRIMARY && s.disk < D_UP_TO_DATE && s.pdsk < D_UP_TO_DATE;
}

static bool is_old(u8 disk)
{
	return disk == D_OUTDATED || disk == D_CONSISTENT;
}

/*
 * Rule 3: the resync is off because a disk has gone. What it was to bring up to date is as old as
 * before, and must not be lifted by rule 5: that is for disks that were found equal. Unless it has
 * said already that it is up to date, and only the end of the other side was still to come.
 */
static void sanitise_abort(struct state *s, bool sync_ended)
{
	bool to_me = s->conn == C_WF_BITMAP_T || s->conn == C_WF_SYNC_UUID ||
		     s->conn == C_PAUSED_SYNC_T || s->conn == C_BEHIND;
	bool to_peer = s->conn == C_WF_BITMAP_S || s->conn == C_PAUSED_SYNC_S ||
		       s->conn == C_AHEAD;

	if (to_me && is_old(s->disk))
		s->disk = D_INCONSISTENT;
	if (to_peer && is_old(s->pdsk))
		s->pdsk = D_INCONSISTENT;
	if (state_is_sync_source(s->conn) && sync_ended && s->pdsk == D_INCONSISTENT)
		s->pdsk = D_UP_TO_DATE;
	s->conn = C_CONNECTED;
}

/* Rules 1 to 5; 2 after 4, which may have left the volume unconfigured. */
static void sanitise_implied(u8 old_disk, struct state *s, const struct state_facts *f)
{
	if (s->conn < C_CONNECTED) {
		s->peer_isp = false;
		s->peer = ROLE_UNKNOWN;
		if (s->pdsk > D_UNKNOWN || s->pdsk < D_INCONSISTENT)
			s->pdsk = D_UNKNOWN;
	}
	if (s->conn > C_CONNECTED && (s->disk <= D_FAILED || s->pdsk <= D_FAILED))
		sanitise_abort(s, f->sync_ended);
	if (s->conn < C_CONNECTED && s->disk == D_NEGOTIATING) {
		s->disk = f->ed_uuid_is_current ? f->saved_disk : D_DISKLESS;
		s->pdsk = f->ed_uuid_is_current ? f->saved_pdsk : D_UNKNOWN;
	}
	if (state_unconfigured(*s))
		s->aftr_isp = false;
	if (s->conn >= C_CONNECTED && s->conn < C_AHEAD) {
		/* Outdating one that is worse does not make it better. */
		if (is_old(s->disk) && old_disk == D_INCONSISTENT && s->conn == C_CONNECTED)
			s->disk = D_INCONSISTENT;
		else if (is_old(s->disk))
			s->disk = D_UP_TO_DATE;
		if (s->pdsk == D_CONSISTENT || s->pdsk == D_OUTDATED)
			s->pdsk = D_UP_TO_DATE;
	}
}

/*
 * A disk that has gone bad while it is being verified stays bad: the verify ends, instead of the
 * limits of a verify declaring it UpToDate.
 */
static void sanitise_verify(u8 old_conn, struct state *s)
{
	if (state_is_verify(old_conn) && state_is_verify(s->conn) &&
	    (s->disk < D_UP_TO_DATE || s->pdsk < D_UP_TO_DATE))
		s->conn = C_CONNECTED;
}

/*
 * The target of a sync may be Primary, too. Out of reach, it goes on serving what it has of mine
 * until it notices, and may have come to the end of the sync: to go on without it is to change
 * what its users see, as with one that is UpToDate.
 */
static void sanitise_lost_primary(struct state os, struct state *s, const struct state_facts *f)
{
	if (f->fencing == FENCING_RESOURCE_AND_STONITH && s->role == ROLE_PRIMARY &&
	    s->conn < C_CONNECTED && os.conn >= C_CONNECTED && os.peer == ROLE_PRIMARY &&
	    os.pdsk == D_INCONSISTENT && s->pdsk == D_INCONSISTENT)
		s->pdsk = D_UNKNOWN;
}

struct state state_sanitise(struct state os, struct state ns, const struct state_facts *f)
{
	sanitise_implied(os.disk, &ns, f);
	sanitise_lost_primary(os, &ns, f);
	sanitise_verify(os.conn, &ns);
	state_clamp(&ns);
	/*
	 * Leaving a pause lands in a state with narrower limits, so the limits
	 * are applied again, and the suspend rules see the final disk states.
	 */
	sanitise_pause(&ns);
	state_clamp(&ns);
	/*
	 * Given up by command, and its peer knows it by the same name: cut off before the sync has
	 * begun, nothing else would tell that it must not be used.
	 */
	if (os.conn == C_STARTING_SYNC_T && ns.disk == D_OUTDATED &&
	    (ns.conn == C_WF_SYNC_UUID || ns.conn < C_CONNECTED))
		ns.disk = D_INCONSISTENT;

	if (f->fencing == FENCING_RESOURCE_AND_STONITH &&
	    fencing_needed(ns) && !fencing_needed(os))
		ns.susp_fen = true;
	if (f->on_no_data == ON_NO_DATA_SUSPEND_IO &&
	    primary_without_data(ns) && !primary_without_data(os))
		ns.susp_nod = true;
	return ns;
}

/* ---- metadata flags (2.9, 5.8) */

u32 state_md_flags(struct state ns, bool crashed_primary, bool al_disabled, u32 old)
{
	u32 flags = old & ~(u32)(MDS_CONSISTENT | MDS_PRIMARY_IND | MDS_CONNECTED_IND |
				 MDS_WAS_UP_TO_DATE | MDS_PEER_OUT_DATED |
				 MDS_CRASHED_PRIMARY | MDS_AL_CLEAN | MDS_AL_DISABLED);

	if (ns.disk > D_INCONSISTENT)
		flags |= MDS_CONSISTENT;
	if (ns.role == ROLE_PRIMARY || (ns.pdsk < D_INCONSISTENT && ns.peer == ROLE_PRIMARY))
		flags |= MDS_PRIMARY_IND;
	if (ns.conn > C_WF_REPORT_PARAMS)
		flags |= MDS_CONNECTED_IND;
	if (ns.disk > D_OUTDATED)
		flags |= MDS_WAS_UP_TO_DATE;
	if (ns.pdsk >= D_INCONSISTENT && ns.pdsk <= D_OUTDATED)
		flags |= MDS_PEER_OUT_DATED;
	if (crashed_primary)
		flags |= MDS_CRASHED_PRIMARY;
	if (al_disabled)
		flags |= MDS_AL_DISABLED;
	return flags;
}

struct attach_verdict state_attach_verdict(u32 md_flags, u8 fencing_configured)
{
	struct attach_verdict v = { D_CONSISTENT, D_UNKNOWN };

	if (!(md_flags & MDS_CONSISTENT))
		v.disk = D_INCONSISTENT;
	else if (!(md_flags & MDS_WAS_UP_TO_DATE))
		v.disk = D_OUTDATED;
	if (md_flags & MDS_PEER_OUT_DATED)
		v.pdsk = D_OUTDATED;
	if (v.disk == D_CONSISTENT &&
	    (v.pdsk == D_OUTDATED || fencing_configured == FENCING_DONT_CARE))
		v.disk = D_UP_TO_DATE;
	return v;
}

/* ---- several volumes */

u8 state_role_highest(u8 a, u8 b)
{
	if (a == ROLE_PRIMARY || b == ROLE_PRIMARY)
		return ROLE_PRIMARY;
	if (a == ROLE_SECONDARY || b == ROLE_SECONDARY)
		return ROLE_SECONDARY;
	return ROLE_UNKNOWN;
}

u8 state_role_lowest(u8 a, u8 b)
{
	if (a == ROLE_UNKNOWN || b == ROLE_UNKNOWN)
		return ROLE_UNKNOWN;
	if (a == ROLE_SECONDARY || b == ROLE_SECONDARY)
		return ROLE_SECONDARY;
	return ROLE_PRIMARY;
}

void state_range_add(struct state_range *r, struct state s)
{
	struct state *lo = &r->lo, *hi = &r->hi;

	if (!r->any) {
		r->any = true;
		r->lo = s;
		r->hi = s;
		return;
	}
	lo->role = state_role_lowest(lo->role, s.role);
	hi->role = state_role_highest(hi->role, s.role);
	lo->peer = state_role_lowest(lo->peer, s.peer);
	hi->peer = state_role_highest(hi->peer, s.peer);
	lo->conn = min(lo->conn, s.conn);
	hi->conn = max(hi->conn, s.conn);
	lo->disk = min(lo->disk, s.disk);
	hi->disk = max(hi->disk, s.disk);
	lo->pdsk = min(lo->pdsk, s.pdsk);
	hi->pdsk = max(hi->pdsk, s.pdsk);
	lo->susp = lo->susp && s.susp;
	hi->susp = hi->susp || s.susp;
	lo->susp_nod = lo->susp_nod && s.susp_nod;
	hi->susp_nod = hi->susp_nod || s.susp_nod;
	lo->susp_fen = lo->susp_fen && s.susp_fen;
	hi->susp_fen = hi->susp_fen || s.susp_fen;
	lo->aftr_isp = lo->aftr_isp && s.aftr_isp;
	hi->aftr_isp = hi->aftr_isp || s.aftr_isp;
	lo->peer_isp = lo->peer_isp && s.peer_isp;
	hi->peer_isp = hi->peer_isp || s.peer_isp;
	lo->user_isp = lo->user_isp && s.user_isp;
	hi->user_isp = hi->user_isp || s.user_isp;
}

/* ---- after-change work (3) */

static bool both_up_to_date(struct state s)
{
	return s.disk == D_UP_TO_DATE && s.pdsk == D_UP_TO_DATE;
}

static bool paused(struct state s)
{
	return s.aftr_isp || s.peer_isp || s.user_isp;
}

/* 9: the peer's data, usable or possibly usable so far, is out of reach or outdated. */
static bool lost_peer_data(u8 old, u8 new)
{
	if (old == D_INCONSISTENT || old == D_CONSISTENT || old == D_UP_TO_DATE)
		return new < D_INCONSISTENT || new == D_UNKNOWN || new == D_OUTDATED;
	if (old == D_UNKNOWN)
		return new == D_DISKLESS || new == D_FAILED || new == D_OUTDATED;
	return false;
}

static bool has_data(struct state s)
{
	return s.disk == D_UP_TO_DATE || s.pdsk == D_UP_TO_DATE;
}

/*
 * The peer's data count once all volumes have shaken hands: thawed now, a volume would begin a
 * generation that the peer, to which it has told the old one, knows nothing of.
 */
static bool handshake_goes_on(struct state ns, const struct after_facts *f)
{
	return ns.disk < D_UP_TO_DATE && f->lowest_conn == C_WF_REPORT_PARAMS;
}

/*
 * 4 and 5: suspended I/O may go on.  The original knows only the first two ways; a disk that
 * the peer attaches while connected, and a sync that ends, bring the data back as well.
 */
static u64 after_thaw(struct state os, struct state ns, const struct after_facts *f)
{
	bool all_connected = f->lowest_conn >= C_CONNECTED;
	u64 todo = 0;

	if (ns.susp_nod) {
		if ((os.disk == D_ATTACHING || os.disk == D_NEGOTIATING) &&
		    f->lowest_disk == D_UP_TO_DATE)
			todo |= AFTER_NOD_RESTART;
		else if (os.conn < C_CONNECTED && all_connected)
			todo |= AFTER_NOD_RESEND;
		else if (!has_data(os) && has_data(ns) && f->all_have_data &&
			 !handshake_goes_on(ns, f))
			todo |= AFTER_NOD_THAW;
	}
	if (ns.susp_fen && all_connected)
		todo |= AFTER_FEN_RESEND;
	return todo;
}

/* 9 to 11: who wrote what without whom. */
static u64 after_generation(struct state os, struct state ns, const struct after_facts *f)
{
	/*
	 * A target that loses its disk just after its end of a resync: that the source's record of
	 * the end is still on its way makes the data that only the source has no less its own.
	 */
	bool nameless = f->bitmap_uuid_zero || (f->sync_ended && ns.conn >= C_CONNECTED);
	/*
	 * Just met, a Primary without a disk may refuse my data, and have newer on the disk that it
	 * gets back: what has not been written yet must not make that a split brain.
	 */
	bool unaccepted = f->acceptance_awaited && os.conn < C_CONNECTED &&
			  ns.role != ROLE_PRIMARY && ns.peer == ROLE_PRIMARY &&
			  ns.pdsk < D_INCONSISTENT;
	bool fresh = ns.disk == D_UP_TO_DATE && nameless && !unaccepted;
	/* What is frozen here is my own I/O: a Primary without its disk goes on writing to mine. */
	bool frozen = state_suspended(f->now) && ns.peer != ROLE_PRIMARY;
	u64 todo = 0;

	if (lost_peer_data(os.pdsk, ns.pdsk) && fresh &&
	    (ns.role == ROLE_PRIMARY || ns.peer == ROLE_PRIMARY))
		todo |= frozen ? AFTER_SET_NCU : AFTER_NEW_UUID_LOST_PEER;

	/*
	 * A Primary that got its disk back while the peer was away, or had none, writes on without
	 * it, and nothing else would tell: no peer is lost any more.
	 */
	if (!todo && fresh && os.role == ROLE_PRIMARY && ns.role == ROLE_PRIMARY &&
	    (os.disk == D_ATTACHING || os.disk == D_NEGOTIATING) &&
	    (ns.conn < C_CONNECTED || ns.pdsk < D_NEGOTIATING))
		todo |= ns.susp_fen ? AFTER_SET_NCU : AFTER_NEW_UUID_LOST_PEER;

	if (ns.pdsk < D_INCONSISTENT && state_has_disk(ns)) {
		/*
		 * What a Primary without a disk writes is on mine alone, from now on: its own disk
		 * must not come back under the same name.  The original forgets the second way, a
		 * disk that is attached here while the Primary waits for one.
		 */
		/* 9 has filled the bitmap slot already or holds the new UUID back. */
		if (ns.peer == ROLE_PRIMARY && fresh && !todo &&
		    (os.peer != ROLE_PRIMARY || os.disk != D_UP_TO_DATE))
			todo |= AFTER_NEW_UUID_PEER_PRIMARY;
		if (os.peer == ROLE_PRIMARY && ns.peer == ROLE_SECONDARY)
			todo |= AFTER_BM_PEER_DEMOTED;
	}
	if (os.role == ROLE_PRIMARY && ns.role == ROLE_SECONDARY &&
	    f->now.conn <= C_CONNECTED && state_has_disk(ns))
		todo |= AFTER_BM_DEMOTED;
	return todo;
}

/* 12 to 16, 20, 23, 24: what the peer must be told. */
static u64 after_announce(struct state os, struct state ns, const struct after_facts *f)
{
	u64 todo = 0;

	if (os.disk == D_ATTACHING && ns.disk == D_NEGOTIATING && ns.conn >= C_CONNECTED)
		todo |= AFTER_SEND_ATTACHED;
	if (ns.conn >= C_CONNECTED &&
	    (os.aftr_isp != ns.aftr_isp || os.user_isp != ns.user_isp))
		todo |= AFTER_STATE_PAUSE;
	if (os.conn == C_WF_REPORT_PARAMS && ns.conn >= C_CONNECTED)
		todo |= AFTER_STATE_CONNECTED;
	if (os.conn != C_AHEAD && ns.conn == C_AHEAD)
		todo |= AFTER_STATE_AHEAD;
	if (os.disk == D_UP_TO_DATE && ns.disk == D_INCONSISTENT && ns.conn >= C_CONNECTED)
		todo |= AFTER_STATE_INCONSISTENT;
	if (os.disk < D_UP_TO_DATE && os.conn >= C_SYNC_SOURCE && ns.conn == C_CONNECTED)
		todo |= AFTER_STATE_FINISHED;
	if (os.conn == C_VERIFY_S && ns.conn == C_CONNECTED &&
	    state_apv_has_stop_sector(f->apv))
		todo |= AFTER_STATE_VERIFIED;
	return todo;
}

/* 6, 8, 14, 17, 21, 22, 25, 26: starting, pausing and ending syncs. */
static u64 after_sync(struct state os, struct state ns, const struct after_facts *f)
{
	u64 todo = 0;

	if (!state_is_sync_source(os.conn) && state_is_sync_source(ns.conn) && f->apv >= 96)
		todo |= AFTER_SEND_SYNC_UUID;
	if (os.conn != C_WF_BITMAP_S && ns.conn == C_WF_BITMAP_S &&
	    f->now.conn == C_WF_BITMAP_S)
		todo |= AFTER_SEND_BITMAP;
	if (!paused(os) && paused(ns))
		todo |= AFTER_PAUSE_DEPENDENTS;
	if (os.conn != ns.conn &&
	    (ns.conn == C_STARTING_SYNC_S || ns.conn == C_STARTING_SYNC_T))
		todo |= AFTER_START_FULL_SYNC;
	if (ns.disk > D_NEGOTIATING && ns.pdsk > D_NEGOTIATING && f->resync_after_neg)
		todo |= AFTER_GROW_RESYNC;
	if ((os.conn > C_CONNECTED && ns.conn <= C_CONNECTED) ||
	    (os.peer_isp && !ns.peer_isp) || (os.user_isp && !ns.user_isp))
		todo |= AFTER_RESUME_DEPENDENTS;
	if (os.conn > C_CONNECTED && os.conn < C_AHEAD &&
	    (ns.conn == C_CONNECTED || ns.conn >= C_AHEAD))
		todo |= AFTER_BM_LAZY;
	if (state_unconfigured(ns) && os.aftr_isp != ns.aftr_isp)
		todo |= AFTER_UNCONFIGURED;
	return todo;
}

u64 state_after_actions(struct state os, struct state ns, const struct after_facts *f)
{
	u64 todo = AFTER_NOTIFY | AFTER_FLUSH_MD;

	if (!both_up_to_date(os) && both_up_to_date(ns))
		todo |= AFTER_CLEAR_CRASHED;
	if (!primary_without_data(os) && primary_without_data(ns))
		todo |= AFTER_HELPER_PRI_INCON;
	if (os.pdsk == D_DISKLESS && ns.pdsk > D_DISKLESS && ns.pdsk != D_UNKNOWN)
		todo |= AFTER_PEER_ATTACHED;
	if (os.disk != D_FAILED && ns.disk == D_FAILED)
		todo |= AFTER_DISK_FAILED;
	if (os.disk != D_DISKLESS && ns.disk == D_DISKLESS)
		todo |= AFTER_DISKLESS;

	return todo | after_thaw(os, ns, f) | after_generation(os, ns, f) |
	       after_announce(os, ns, f) | after_sync(os, ns, f);
}

u32 state_conn_after_actions(u8 oc, u8 nc, bool susp_fen, u8 highest_pdsk)
{
	u32 todo = CAFTER_FLUSH_MD;

	if (oc == C_STANDALONE && nc == C_UNCONNECTED)
		todo |= CAFTER_START_RECEIVER;
	if (oc == C_DISCONNECTING && nc == C_STANDALONE)
		todo |= CAFTER_DESTROY_NET;
	if (susp_fen && highest_pdsk <= D_OUTDATED)
		todo |= CAFTER_FENCED;
	return todo;
}
