// SPDX-License-Identifier: GPL-2.0
/*
 * The rules that can refuse a state change: transitions, validity, soft rules,
 * and the consent of the peer (states.md 2.3, 2.5 to 2.8; wire.md 8.5).
 */
#include "state.h"

/* ---- transitions (2.5) */

enum ss_code state_conn_transition_check(u8 oc, u8 nc)
{
	if (nc == oc)
		return SS_NOTHING_TO_DO;
	if (oc == C_STANDALONE && nc == C_DISCONNECTING)
		return SS_ALREADY_STANDALONE;
	if (oc == C_STANDALONE && nc != C_UNCONNECTED)
		return SS_NEED_CONNECTION;
	if (oc < C_WF_REPORT_PARAMS && nc >= C_CONNECTED)
		return SS_NEED_CONNECTION;
	if (state_conn_is_failure(oc) && nc != C_UNCONNECTED && nc != C_DISCONNECTING)
		return SS_IN_TRANSIENT_STATE;
	if (oc == C_DISCONNECTING && nc != C_STANDALONE)
		return SS_IN_TRANSIENT_STATE;
	return SS_SUCCESS;
}

enum ss_code state_transition_check(struct state os, struct state ns)
{
	/* A disk that is gone cannot fail any more. */
	if (ns.disk == D_FAILED && os.disk == D_DISKLESS)
		return SS_IS_DISKLESS;
	return state_conn_transition_check(os.conn, ns.conn);
}

/* ---- validity (2.6) */

/* V1 to V6: may the role be what it is? */
static enum ss_code role_validity(struct state ns, const struct state_facts *f)
{
	bool primary = ns.role == ROLE_PRIMARY;

	if (primary && f->net_config && !f->two_primaries) {
		if (ns.peer == ROLE_PRIMARY)
			return SS_TWO_PRIMARIES;
		if (f->peer_primary_elsewhere)
			return SS_O_VOL_PEER_PRI;
	}
	if (ns.role == ROLE_SECONDARY && f->open_count)
		return SS_DEVICE_IN_USE;
	if (primary && ns.conn < C_CONNECTED && ns.disk < D_UP_TO_DATE)
		return SS_NO_UP_TO_DATE_DISK;
	if (f->fencing >= FENCING_RESOURCE_ONLY && primary &&
	    ns.conn < C_CONNECTED && ns.pdsk >= D_UNKNOWN)
		return SS_PRIMARY_NOP;
	if (primary && ns.disk <= D_INCONSISTENT && ns.pdsk <= D_INCONSISTENT)
		return SS_NO_UP_TO_DATE_DISK;
	return SS_SUCCESS;
}

/* V7 to V15: may the connection be in this state with these disks? */
static enum ss_code conn_validity(struct state ns, const struct state_facts *f)
{
	if (ns.conn > C_CONNECTED && ns.disk < D_INCONSISTENT)
		return SS_NO_LOCAL_DISK;
	if (ns.conn > C_CONNECTED && ns.pdsk < D_INCONSISTENT)
		return SS_NO_REMOTE_DISK;
	if (ns.conn > C_CONNECTED && ns.disk < D_UP_TO_DATE && ns.pdsk < D_UP_TO_DATE)
		return SS_NO_UP_TO_DATE_DISK;
	if (ns.disk == D_OUTDATED &&
	    (ns.conn == C_CONNECTED || ns.conn == C_WF_BITMAP_S || state_is_sync_source(ns.conn)))
		return SS_CONNECTED_OUTDATES;
	if (state_is_verify(ns.conn) && f->net_config && !f->verify_alg)
		return SS_NO_VERIFY_ALG;
	if (state_is_verify(ns.conn) && f->apv < 88)
		return SS_NOT_SUPPORTED;
	if (ns.role == ROLE_PRIMARY && ns.disk < D_UP_TO_DATE && ns.pdsk < D_UP_TO_DATE)
		return SS_NO_UP_TO_DATE_DISK;
	if ((ns.conn == C_STARTING_SYNC_S || ns.conn == C_STARTING_SYNC_T) &&
	    ns.pdsk == D_UNKNOWN)
		return SS_NEED_CONNECTION;
	if (ns.conn >= C_CONNECTED && ns.pdsk == D_UNKNOWN)
		return SS_CONNECTED_OUTDATES;
	return SS_SUCCESS;
}

enum ss_code state_validity(struct state ns, const struct state_facts *f)
{
	enum ss_code rv = role_validity(ns, f);

	return rv == SS_SUCCESS ? conn_validity(ns, f) : rv;
}

/* ---- soft rules (2.7) */

/* S7: while my handshake is out only its own steps may happen. */
static bool breaks_handshake(struct state os, struct state ns)
{
	if (os.conn == C_WF_CONNECTION && ns.conn == C_WF_REPORT_PARAMS)
		return false;
	if (os.conn == C_WF_REPORT_PARAMS && ns.conn >= C_CONNECTED)
		return false;
	return true;
}

/*
 * S8: a target between "must sync" and "syncs" cannot be promoted yet.  An
 * Inconsistent disk on a plainly Connected volume is no such moment: nothing
 * is going to happen, the peer serves the data, and waiting would never end.
 */
static bool promotion_is_early(struct state os, struct state ns)
{
	if (os.role == ROLE_PRIMARY || ns.role != ROLE_PRIMARY || ns.pdsk != D_UP_TO_DATE)
		return false;
	if (ns.disk == D_UP_TO_DATE || ns.disk == D_DISKLESS)
		return false;
	if (os.conn == C_CONNECTED && ns.conn == C_CONNECTED && ns.disk == D_INCONSISTENT)
		return false;
	return ns.conn <= C_WF_SYNC_UUID || ns.conn != os.conn;
}

/*
 * After a crash a resync may begin between two disks whose generation has one name. Writes during
 * the exchange of bitmaps are marked, not sent: promoted now, this node would write what only it
 * has under a name that the peer has, too, and if both part before the resync begins, the peer's
 * older data could pass for newer ones. The begin gives the source's generation a name.
 */
static bool promotion_shares_generation(struct state os, struct state ns,
					const struct state_facts *f)
{
	return os.role != ROLE_PRIMARY && ns.role == ROLE_PRIMARY && f->shares_generation &&
	       ns.conn >= C_WF_BITMAP_S && ns.conn <= C_WF_SYNC_UUID;
}

/* S9 to S13 and the verify rule: what needs which connection. */
static enum ss_code soft_check_conn(struct state os, struct state ns, enum ss_code rv)
{
	bool starts_verify = state_is_verify(ns.conn) && ns.conn != os.conn;
	bool starts_sync = ns.conn == C_STARTING_SYNC_S || ns.conn == C_STARTING_SYNC_T;

	/* Sanitising would declare both UpToDate without a look at the data. */
	if (starts_verify && (os.disk < D_UP_TO_DATE || os.pdsk < D_UP_TO_DATE))
		rv = SS_NO_UP_TO_DATE_DISK;
	if (state_is_verify(ns.conn) && os.conn < C_CONNECTED)
		rv = SS_NEED_CONNECTION;
	if (starts_verify && os.conn > C_CONNECTED)
		rv = SS_RESYNC_RUNNING;
	if (starts_sync && os.conn < C_CONNECTED)
		rv = SS_NEED_CONNECTION;
	if ((ns.conn == C_SYNC_SOURCE || ns.conn == C_SYNC_TARGET) &&
	    os.conn < C_WF_REPORT_PARAMS)
		rv = SS_NEED_CONNECTION;
	/* A disk attached while the connection goes down says nothing about how that is done. */
	if (ns.conn == C_DISCONNECTING && ns.conn != os.conn && ns.pdsk == D_OUTDATED &&
	    os.conn < C_CONNECTED && os.pdsk > D_OUTDATED)
		rv = SS_OUTDATE_WO_CONN;
	return rv;
}

enum ss_code state_soft_check(struct state os, struct state ns, const struct state_facts *f)
{
	enum ss_code rv = SS_SUCCESS;

	if ((ns.conn == C_STARTING_SYNC_S || ns.conn == C_STARTING_SYNC_T) &&
	    os.conn > C_CONNECTED)
		rv = SS_RESYNC_RUNNING;
	if (ns.conn == C_DISCONNECTING && os.conn == C_STANDALONE)
		rv = SS_ALREADY_STANDALONE;
	if (ns.disk > D_ATTACHING && os.disk == D_DISKLESS)
		rv = SS_IS_DISKLESS;
	if (ns.conn == C_WF_CONNECTION && os.conn < C_UNCONNECTED)
		rv = SS_NO_NET_CONFIG;
	if (ns.disk == D_OUTDATED && os.disk < D_OUTDATED && os.disk != D_ATTACHING)
		rv = SS_LOWER_THAN_OUTDATED;
	if (ns.conn == C_DISCONNECTING && os.conn == C_UNCONNECTED)
		rv = SS_IN_TRANSIENT_STATE;
	if (f->state_sent && breaks_handshake(os, ns))
		rv = SS_IN_TRANSIENT_STATE;
	if (promotion_is_early(os, ns) || promotion_shares_generation(os, ns, f))
		rv = SS_IN_TRANSIENT_STATE;
	return soft_check_conn(os, ns, rv);
}

/* ---- a whole request (2.3 steps 1 to 3) */

/*
 * A verify or a sync asked for before the peer has said who it is. Without a disk sanitising makes
 * "Connected" of it, and nothing is left that the checks of the result could refuse.
 */
static bool lacks_connection(struct state os, struct state wanted)
{
	return os.conn < C_CONNECTED &&
	       (state_is_verify(wanted.conn) || wanted.conn == C_STARTING_SYNC_S ||
		wanted.conn == C_STARTING_SYNC_T);
}

enum ss_code state_check_request(struct state os, struct state wanted,
				 const struct state_facts *f, u32 flags, struct state *ns)
{
	enum ss_code rv;

	if ((flags & CS_IGN_OUTD_FAIL) && wanted.disk == D_OUTDATED && os.disk < D_OUTDATED)
		wanted.disk = os.disk;
	*ns = state_sanitise(os, wanted, f);
	if (state_equal(os, *ns))
		return SS_NOTHING_TO_DO;

	rv = state_transition_check(os, *ns);
	if (rv < SS_SUCCESS)
		return rv;
	if (flags & CS_HARD)
		return SS_SUCCESS;
	/* Connected, Outdated means UpToDate (2.4): not of a disk that failed, or is yet to be judged. */
	if (os.disk < D_INCONSISTENT && os.disk != D_ATTACHING && wanted.disk == D_OUTDATED)
		return SS_LOWER_THAN_OUTDATED;
	if (lacks_connection(os, wanted) && ns->conn == C_CONNECTED)
		return SS_NEED_CONNECTION;

	/* What was wrong already in the same way must not block the way out. */
	rv = state_validity(*ns, f);
	if (rv < SS_SUCCESS && state_validity(os, f) != rv)
		return rv;
	return state_soft_check(os, *ns, f);
}

/* ---- the peer's consent (2.8) */

bool state_is_cluster_wide(struct state os, struct state ns)
{
	if (os.conn >= C_CONNECTED && ns.conn >= C_CONNECTED) {
		if (os.role != ROLE_PRIMARY && ns.role == ROLE_PRIMARY)
			return true;
		if (os.conn != ns.conn &&
		    (ns.conn == C_STARTING_SYNC_T || ns.conn == C_STARTING_SYNC_S ||
		     ns.conn == C_WF_BITMAP_S || ns.conn == C_WF_BITMAP_T))
			return true;
		if (os.disk != D_FAILED && ns.disk == D_FAILED)
			return true;
	}
	if (os.conn >= C_CONNECTED && ns.conn == C_DISCONNECTING)
		return true;
	return os.conn == C_CONNECTED &&
	       (ns.conn == C_VERIFY_S || ns.conn == C_WF_REPORT_PARAMS);
}

enum ss_code state_cluster_wide_step(struct state os, struct state_change c,
				     const struct state_facts *f, int reply)
{
	struct state ns = state_sanitise(os, state_apply(os, c), f);
	enum ss_code rv;

	if (reply > 0)
		return SS_CW_SUCCESS;
	if (reply < 0)
		return SS_CW_FAILED_BY_PEER;
	if (!state_is_cluster_wide(os, ns))
		return SS_CW_NO_NEED;

	rv = state_transition_check(os, ns);
	if (rv >= SS_SUCCESS)
		rv = state_validity(ns, f);
	if (rv >= SS_SUCCESS)
		rv = state_soft_check(os, ns, f);
	return rv < SS_SUCCESS ? rv : SS_UNKNOWN_ERROR;
}
