// SPDX-License-Identifier: GPL-2.0
/* From a received state packet to the decision about a resync (states.md 4.1, 5.6). */
#include "handshake.h"

static int hg_magnitude(int hg)
{
	return hg < 0 ? -hg : hg;
}

static struct uuid_verdict compare_reports(const struct handshake_input *in)
{
	const struct uuid_facts f = {
		.self_primary = in->self_role == ROLE_PRIMARY,
		.peer_primary = in->peer_role == ROLE_PRIMARY,
		.self_crashed = in->self.flags & UUID_FLAG_CRASHED_PRIMARY,
		.peer_crashed = in->peer.flags & UUID_FLAG_CRASHED_PRIMARY,
		.resolve_conflicts = in->resolve_conflicts,
		.apv = in->apv,
		.features = in->features,
	};

	return uuid_compare(&in->self.ids, &in->peer.ids, &f);
}

/* Step 1. */
static enum handshake_fail incomparable(int hg)
{
	switch (hg) {
	case HG_UNRELATED:
		return HSF_UNRELATED;
	case HG_NEEDS_APV_91:
		return HSF_NEEDS_APV;
	case HG_NEEDS_FEATURE:
		return HSF_NEEDS_FEATURE;
	default:
		return HSF_NONE;
	}
}

/*
 * A source whose resync the other one ended, or never began, without it being seen here keeps the
 * sync UUID in its bitmap slot, and writes under the generation that both share: as Primary it
 * owes no new one, since a bitmap UUID is there. When the other one was promoted meanwhile, its
 * set says that it went on from here, and nothing says that I did, but bits.
 */
static bool went_on_unseen(const struct uuid_report *older)
{
	return older->bits && older->ids.slot[UUID_BITMAP];
}

/*
 * Retiring the bitmap UUID of a source that missed a resync's end (rules 34 and 35) makes the two
 * sets equal. What was written since, or is while bitmaps are exchanged, must be synced first: cut
 * off before that has begun, the next comparison would find nothing to do. Kept, it finds the
 * same again, and the resync's end leaves the same history.
 */
static void keep_until_synced(const struct handshake_input *in, struct uuid_verdict *v)
{
	if (v->rule == 34) {
		v->self_corrected = false;
		v->self = in->self.ids;
	} else if (v->rule == 35) {
		v->peer_corrected = false;
		v->peer = in->peer.ids;
	}
}

static int split_unseen(const struct handshake_input *in, const struct uuid_verdict *v)
{
	bool self_older = v->rule == 50 || v->rule == 51 || v->rule == 60;
	bool peer_older = v->rule == 70 || v->rule == 71 || v->rule == 80;

	if ((self_older && went_on_unseen(&in->self)) || (peer_older && went_on_unseen(&in->peer)))
		return HG_SPLIT_BRAIN;
	return v->hg;
}

/* Step 2: an Inconsistent disk loses against a better one, whatever the UUIDs say. */
static int override_by_disk(const struct handshake_input *in, int hg)
{
	bool self_bad = in->self_disk == D_INCONSISTENT && in->peer_disk > D_INCONSISTENT;
	bool peer_bad = in->peer_disk == D_INCONSISTENT && in->self_disk > D_INCONSISTENT;
	bool full = hg == HG_AMBIGUOUS || hg_magnitude(hg) == 2;

	if (!self_bad && !peer_bad)
		return hg;
	if (self_bad)
		return full ? HG_TARGET_FULL : HG_TARGET_BITMAP;
	return full ? HG_SOURCE_FULL : HG_SOURCE_BITMAP;
}

/* Step 4.  Returns false when nothing further may be tried (HS_DEMOTE, or I cannot yield). */
static bool apply_policy(const struct handshake_input *in, struct handshake_verdict *v)
{
	const struct aftersb_facts f = {
		.policy = { in->after_sb[0], in->after_sb[1], in->after_sb[2] },
		.self_primary = in->self_role == ROLE_PRIMARY,
		.peer_primary = in->peer_role == ROLE_PRIMARY,
		.self_bit = in->self.ids.slot[UUID_BITMAP] & UUID_PRIMARY_BIT,
		.peer_bit = in->peer.ids.slot[UUID_BITMAP] & UUID_PRIMARY_BIT,
		.self_bits = in->self.bits,
		.peer_bits = in->peer.bits,
		.resolve_conflicts = in->resolve_conflicts,
	};
	struct aftersb_verdict asb = aftersb_decide(&f);
	bool dry_run = in->dry_run_self || in->dry_run_peer;

	v->misconfigured = asb.misconfigured;
	if (asb.demote_first && !dry_run && in->demotion == DEMOTION_NOT_TRIED) {
		v->outcome = HS_DEMOTE;
		v->hg = asb.hg;
		return false;
	}
	if (asb.demote_first && !dry_run && in->demotion == DEMOTION_REFUSED) {
		/* The peer has taken the same verdict; I must not become source after it. */
		v->helpers |= HSH_PRI_LOST_AFTER_SB | HSH_SPLIT_BRAIN;
		v->fail = HSF_CANNOT_DEMOTE;
		v->hg = HG_AMBIGUOUS;
		return false;
	}
	if (asb.hg == HG_AMBIGUOUS) {
		v->hg = HG_AMBIGUOUS;
	} else {
		v->hg = v->hg == HG_AMBIGUOUS ? 2 * asb.hg : asb.hg;
		v->auto_solved = true;
	}
	return true;
}

/* Step 5. */
static void apply_discard(const struct handshake_input *in, struct handshake_verdict *v)
{
	bool peer_discard = in->peer.flags & UUID_FLAG_DISCARD_MY_DATA;

	if (in->self_discard == peer_discard)
		return;
	v->hg = in->self_discard ? HG_TARGET_BITMAP : HG_SOURCE_BITMAP;
	v->auto_solved = true;
}

/* Steps 3 to 6.  True: go on with v->hg. */
static bool resolve_split_brain(const struct handshake_input *in, struct handshake_verdict *v)
{
	if (hg_magnitude(v->hg) == HG_SPLIT_BRAIN) {
		if (in->demotion == DEMOTION_NOT_TRIED)
			v->helpers |= HSH_INITIAL_SPLIT_BRAIN;
		if ((v->hg == HG_SPLIT_BRAIN || in->always_asbp) && !apply_policy(in, v))
			return false;
	}
	if (v->hg == HG_AMBIGUOUS)
		apply_discard(in, v);
	if (v->hg == HG_AMBIGUOUS) {
		v->helpers |= HSH_SPLIT_BRAIN;
		v->fail = HSF_SPLIT_BRAIN;
		return false;
	}
	return true;
}

/*
 * Two Primaries, the sync between them ended here only. The source, whose peer counted as
 * Inconsistent, went on; I am frozen, and nobody was told anything that it does not have. What it
 * wrote comes to me as if the cut had not been. Refused, both would wait for ever: a frozen device
 * can not be closed, nor its node made Secondary. A source that crashed may have lost what it had.
 */
static bool source_holds_all(const struct handshake_input *in, const struct uuid_verdict *v)
{
	return (v->rule == 35 || v->rule == 37) && in->self_frozen &&
	       in->peer_role == ROLE_PRIMARY && !(in->peer.flags & UUID_FLAG_CRASHED_PRIMARY);
}

/* Steps 7 to 9: is the direction acceptable here? */
static enum handshake_fail direction_refused(const struct handshake_input *in,
					     struct handshake_verdict *v)
{
	bool primary = in->self_role == ROLE_PRIMARY && in->demotion != DEMOTION_DONE;

	if (v->hg > 0 && in->self_disk <= D_INCONSISTENT)
		return HSF_SOURCE_INCONSISTENT;
	if (v->hg < 0 && primary && in->self_disk_now >= D_CONSISTENT &&
	    in->rr_conflict != RR_VIOLENTLY && !source_holds_all(in, &v->uuid)) {
		if (in->rr_conflict == RR_CALL_PRI_LOST)
			v->helpers |= HSH_PRI_LOST;
		return HSF_PRIMARY_LOST;
	}
	if (in->dry_run_self || in->dry_run_peer)
		return HSF_DRY_RUN;
	return HSF_NONE;
}

struct handshake_verdict handshake_decide(const struct handshake_input *in)
{
	struct handshake_verdict v = { .outcome = HS_FAIL, .uuid = compare_reports(in) };

	v.hg = v.uuid.hg;
	v.fail = incomparable(v.hg);
	if (v.fail != HSF_NONE)
		return v;

	keep_until_synced(in, &v.uuid);
	v.hg = override_by_disk(in, split_unseen(in, &v.uuid));
	if (!resolve_split_brain(in, &v))
		return v;
	v.fail = direction_refused(in, &v);
	if (v.fail != HSF_NONE)
		return v;

	v.full_sync = hg_magnitude(v.hg) >= 2;
	if (v.hg > 0)
		v.outcome = HS_SOURCE;
	else if (v.hg < 0)
		v.outcome = HS_TARGET;
	else
		v.outcome = HS_CONNECTED;
	return v;
}

/* ---- state packets (4.1) */

u8 statepkt_peer_disk(u8 packet_disk, u32 peer_uuid_flags)
{
	if (packet_disk != D_NEGOTIATING)
		return packet_disk;
	return peer_uuid_flags & UUID_FLAG_INCONSISTENT ? D_INCONSISTENT : D_CONSISTENT;
}

/* Step 7: is there something to compare, and a reason to? */
static bool consider_handshake(struct state mine, struct state pkt,
			       const struct statepkt_facts *f)
{
	if (!f->peer_uuids_known || pkt.disk < D_NEGOTIATING || mine.disk < D_NEGOTIATING)
		return false;
	if (mine.conn < C_CONNECTED || f->consider_resync)
		return true;
	if (mine.conn != C_CONNECTED)
		return false;
	return pkt.disk == D_NEGOTIATING || mine.disk == D_NEGOTIATING ||
	       (pkt.conn >= C_STARTING_SYNC_S && pkt.conn <= C_WF_BITMAP_T);
}

struct statepkt_verdict statepkt_judge(struct state mine, struct state pkt,
				       const struct statepkt_facts *f)
{
	struct statepkt_verdict v = {
		.next = STATEPKT_APPLY,
		.peer_disk = statepkt_peer_disk(pkt.disk, f->peer_uuid_flags),
		.conn = mine.conn,
	};

	if (mine.conn <= C_TEAR_DOWN) {
		v.next = STATEPKT_FAIL;
		return v;
	}
	/* Each would wait for the other's move for ever. */
	if (mine.conn == pkt.conn &&
	    (mine.conn == C_WF_BITMAP_S || mine.conn == C_WF_BITMAP_T)) {
		v.next = STATEPKT_CONTRADICTION;
		return v;
	}
	if ((mine.pdsk == D_INCONSISTENT || mine.pdsk == D_CONSISTENT) &&
	    v.peer_disk == D_UP_TO_DATE && mine.conn > C_CONNECTED &&
	    mine.disk == D_UP_TO_DATE) {
		if (pkt.conn > C_CONNECTED && pkt.conn < C_SYNC_SOURCE) {
			v.peer_disk = D_INCONSISTENT;
		} else if (mine.conn >= C_SYNC_SOURCE && pkt.conn == C_CONNECTED) {
			v.next = STATEPKT_RESYNC_END;
			return v;
		}
	}
	if (mine.conn == C_VERIFY_T && mine.disk == D_UP_TO_DATE &&
	    pkt.conn == C_CONNECTED && v.peer_disk == D_UP_TO_DATE) {
		v.next = STATEPKT_VERIFY_END;
		return v;
	}
	/* Sent before the peer saw the end of the resync. */
	if (mine.pdsk == D_UP_TO_DATE && v.peer_disk == D_INCONSISTENT &&
	    mine.conn == C_CONNECTED && pkt.conn > C_SYNC_SOURCE)
		v.peer_disk = D_UP_TO_DATE;

	if (mine.conn == C_WF_REPORT_PARAMS)
		v.conn = C_CONNECTED;
	if (pkt.conn == C_AHEAD)
		v.conn = C_BEHIND;
	v.handshake = consider_handshake(mine, pkt, f);
	return v;
}

struct state statepkt_result(struct state mine, struct state pkt, u8 conn, u8 peer_disk,
			     u8 saved_disk)
{
	struct state ns = mine;

	ns.conn = conn;
	ns.peer = pkt.role;
	ns.pdsk = peer_disk;
	ns.peer_isp = pkt.aftr_isp || pkt.user_isp;
	if ((conn == C_CONNECTED || conn == C_WF_BITMAP_S) && ns.disk == D_NEGOTIATING)
		ns.disk = saved_disk;
	return ns;
}

bool statepkt_wants_answer(u8 old_conn, u8 new_conn, struct state pkt)
{
	return old_conn > C_WF_REPORT_PARAMS && new_conn > C_CONNECTED &&
	       pkt.conn <= C_CONNECTED && pkt.disk != D_NEGOTIATING;
}

bool statepkt_peer_rebooted(struct state mine, u8 new_conn, u8 peer_disk, bool ncu)
{
	return state_suspended(mine) && ncu && peer_disk == D_CONSISTENT &&
	       mine.conn < C_CONNECTED && new_conn == C_CONNECTED;
}

enum handshake_refusal handshake_refusal(u8 self_disk_now, u8 packet_disk, bool dry_run)
{
	if (self_disk_now == D_NEGOTIATING)
		return HSR_DISK_FAILED;
	if (packet_disk == D_NEGOTIATING)
		return HSR_PEER_DISKLESS;
	return dry_run ? HSR_PROTOCOL_ERROR : HSR_DISCONNECT;
}
