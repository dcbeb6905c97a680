// SPDX-License-Identifier: GPL-2.0
/*
 * The flag word of an application request: what each event does to it, when
 * the request completes and what its end means for the bitmap (states.md 7.2
 * to 7.4).
 */
#include "predicates.h"

struct delta {
	u32 clear, set;
};

bool may_complete(u32 flags)
{
	if (flags & (RQ_SUB | RQ_NP | RQ_NQ | RQ_CS | RQ_COMPLETE))
		return false;
	return !(flags & RQ_LP) || (flags & RQ_LA);
}

bool may_destroy(u32 flags)
{
	if (!(flags & RQ_COMPLETE) || (flags & RQ_DESTROYED))
		return false;
	if ((flags & RQ_BA) && !(flags & RQ_ND))
		return false;
	/* The lower device still owns the buffers of an aborted bio. */
	return !((flags & RQ_LA) && (flags & RQ_LP));
}

static u32 expected_ack(u8 protocol)
{
	switch (protocol) {
	case REPL_PROTOCOL_B:
		return RQ_RA;
	case REPL_PROTOCOL_C:
		return RQ_WA;
	default:
		return 0;
	}
}

/* ---- submission */

static struct delta setup_event(enum request_event ev, const struct request_view *view)
{
	switch (ev) {
	case REQ_JOIN_TL:
		return (struct delta) { 0, RQ_TL };
	case REQ_AL_TAKEN:
		return (struct delta) { 0, RQ_AL };
	case REQ_POSTPONE:
		return (struct delta) { 0, RQ_POST };
	case REQ_QUEUE_WRITE:
		return (struct delta) { 0, RQ_NP | RQ_NQ | RQ_BA | expected_ack(view->protocol) };
	case REQ_QUEUE_OOS:
		return (struct delta) { 0, RQ_NQ | RQ_OOS };
	case REQ_QUEUE_READ:
		return (struct delta) { 0, RQ_NP | RQ_NQ };
	case REQ_FLUSH_DONE_NET:
		return (struct delta) { 0, RQ_NO | RQ_ND };
	case REQ_LOCAL_PENDING:
		return (struct delta) { 0, RQ_LP };
	case REQ_SUBMITTED:
		return (struct delta) { RQ_SUB, 0 };
	default:
		return (struct delta) { 0, 0 };
	}
}

/* ---- sender and peer */

static struct delta barrier_acked(u32 old)
{
	if (!(old & RQ_W))
		return (struct delta) { 0, 0 };
	return (struct delta) { RQ_CS, old & RQ_NET_MASK ? RQ_ND : 0 };
}

/*
 * A peer without a disk has nothing left to flush: what it wrote before may still be in the cache
 * of the disk it lost, and be gone when that comes back.
 */
static struct delta epoch_ended(u32 old, const struct request_view *view)
{
	struct delta d = barrier_acked(old);

	if (d.set && view->peer_disk_lost)
		d.clear |= RQ_NO | RQ_SIS;
	return d;
}

static struct delta net_event(u32 old, enum request_event ev, const struct request_view *view)
{
	switch (ev) {
	case REQ_SENT:
		/* Protocol A trusts the transport, until the connection is lost. */
		if ((old & RQ_W) && (old & RQ_NP) && !(old & (RQ_RA | RQ_WA)))
			return (struct delta) { RQ_NQ | RQ_NP, RQ_NS | RQ_NO };
		return (struct delta) { RQ_NQ, RQ_NS };
	case REQ_SEND_FAILED:
		return (struct delta) { RQ_NQ, 0 };
	case REQ_OOS_SENT:
		return (struct delta) { RQ_NQ, RQ_ND };
	case REQ_RECV_ACK:
		/* "In memory" is not enough for one that waits for "written". */
		if (!(old & RQ_RA))
			return (struct delta) { 0, 0 };
		return (struct delta) { RQ_NP, RQ_NO };
	case REQ_WRITE_ACK:
		return (struct delta) { RQ_NP, RQ_NO };
	case REQ_WRITE_ACK_IN_SYNC:
		return (struct delta) { RQ_NP, RQ_NO | RQ_SIS };
	case REQ_SUPERSEDED:
		return (struct delta) { RQ_NP, RQ_ND | RQ_NO };
	case REQ_PEER_RETRY:
		return (struct delta) { 0, RQ_POST };
	case REQ_RETRY_NOW:
		return (struct delta) { RQ_NP, RQ_ND };
	case REQ_NEG_ACK:
	case REQ_NEG_DREPLY:
		return (struct delta) { RQ_NP | RQ_NO | RQ_SIS, 0 };
	case REQ_DATA_RECEIVED:
		return (struct delta) { RQ_NP, RQ_NO | RQ_ND };
	case REQ_BARRIER_ACK:
		return epoch_ended(old, view);
	case REQ_CONNECTION_LOST:
		return (struct delta) { RQ_NO | RQ_SIS | RQ_NP | RQ_CS, RQ_ND };
	default:
		return (struct delta) { 0, 0 };
	}
}

/* ---- local disk */

/*
 * What failed is marked at once, not only when its epoch is over: the owner of a write is told of
 * the peer's success before that, and who reads it then has to be sent there.
 */
static struct delta local_event(u32 old, enum request_event ev, struct request_effects *fx)
{
	/* Not ours, or returned already. */
	if (!(old & RQ_LP))
		return (struct delta) { 0, 0 };
	if (ev == REQ_ABORT_LOCAL)
		return (struct delta) { 0, RQ_LA };
	/* The outcome of an aborted bio counts for nothing any more. */
	if (old & RQ_LA) {
		fx->late_ok = ev == REQ_LOCAL_OK;
		fx->late_error = ev != REQ_LOCAL_OK;
		return (struct delta) { RQ_LP, RQ_LC };
	}

	switch (ev) {
	case REQ_LOCAL_OK:
		return (struct delta) { RQ_LP, RQ_LC | RQ_LO };
	case REQ_LOCAL_WRITE_ERROR:
		fx->io_error = IO_FAULT_WRITE;
		fx->set_bits = true;
		break;
	case REQ_LOCAL_READ_ERROR:
		fx->io_error = IO_FAULT_READ;
		fx->set_bits = true;
		break;
	case REQ_LOCAL_SOFT_ERROR:
		fx->set_bits = !!(old & RQ_W);
		break;
	default:
		break;
	}
	return (struct delta) { RQ_LP, RQ_LC };
}

/* ---- thawing */

/*
 * The peer is back with the data it had.  What it certainly has is done; the
 * rest is sent (again).  Protocol A's ok only said "handed over" and B's "in
 * memory", so they prove nothing about the peer's disk.  C's write ack proves
 * nothing about its cache after a power cut, which matters while the own disk
 * is to be synced from there, and where a peer that had one looks like one that
 * had none.  Data of a request completed to its owner is gone: such a request
 * ends and leaves its bits set.
 */
static bool is_proven(u32 flags, bool cache_counts)
{
	u32 proof = cache_counts ? RQ_ND : RQ_WA | RQ_ND;

	return (flags & RQ_NO) && (!(flags & RQ_W) || (flags & proof));
}

bool may_be_missing_on_peer(u32 flags, bool cache_counts)
{
	return (flags & RQ_W) && (flags & RQ_COMPLETE) && !(flags & RQ_DESTROYED) &&
	       !is_proven(flags, cache_counts);
}

static struct delta resend(u32 old, const struct request_view *view, struct request_effects *fx)
{
	bool cache_counts = view->local_is_partial || view->reboot_unseen;
	bool write = old & RQ_W, proven = is_proven(old, cache_counts);
	u32 clear = RQ_CS | RQ_NO | RQ_ND | RQ_NS | RQ_SIS | RQ_OOS, set = RQ_NQ | RQ_NP;

	/*
	 * Another volume's turn has thawed all: it goes over this very connection already, or went.
	 * Written again it would overlap itself on the peer's disk; a notice sent as data would not
	 * ask for the ack that it waits for.
	 */
	if (!view->link_lost || (!write && (proven || !(old & RQ_NET_MASK))))
		return (struct delta) { RQ_CS, 0 };
	if (proven)
		return barrier_acked(old);
	if (old & RQ_COMPLETE)
		return (struct delta) { RQ_CS | RQ_NO | RQ_SIS, RQ_ND };
	/*
	 * It was told to step back, and the peer's write may be here on top of it already: sent
	 * again it would go under on this disk only.  It begins anew, on both.  So does what this
	 * peer can not be sent, to fail: it must not succeed where the peer may contradict it.
	 */
	if ((old & RQ_POST) || view->unsayable)
		return (struct delta) { RQ_CS | RQ_NO | RQ_SIS | RQ_NP, RQ_ND | RQ_POST };

	fx->requeue = !(old & RQ_NQ);
	if (write && (fx->requeue || !(old & RQ_BA))) {
		/* The peer answers as this connection has it, whatever the lost one had agreed. */
		clear |= RQ_RA | RQ_WA;
		set |= RQ_BA | expected_ack(view->protocol);
	}
	return (struct delta) { clear, set };
}

/*
 * The own disk is back, perhaps without the peer: nothing is sent again, and an answer that was
 * lost with the connection comes no more.  What only the peer was asked for begins anew.
 */
static struct delta restart(u32 old, const struct request_view *view, struct request_effects *fx)
{
	struct delta d = { 0, 0 };

	if (view->link_lost && (old & (RQ_NET_MASK | RQ_BA)) && !(old & RQ_ND))
		d = (struct delta) { RQ_NO | RQ_SIS | RQ_NP | RQ_CS, RQ_ND };
	if (old & RQ_COMPLETE)
		return d;
	if (old & RQ_LC) {
		/* The disk is another one, or was away: only what it says now counts. */
		fx->resubmit_local = true;
		d.clear |= RQ_CS | RQ_LC | RQ_LO | RQ_LA;
		d.set |= RQ_LP;
	} else if (d.set) {
		d.set |= RQ_POST;
	}
	return d;
}

static struct delta thaw_event(u32 old, enum request_event ev, const struct request_view *view,
			       struct request_effects *fx)
{
	if (ev == REQ_RESEND)
		return resend(old, view, fx);
	/* Held back by the suspension alone: nobody else would ever release it. */
	if (ev == REQ_THAW)
		return (struct delta) { RQ_CS, 0 };
	if (ev == REQ_RESTART_FROZEN)
		return restart(old, view, fx);
	if (!(old & RQ_LC) || (old & RQ_COMPLETE))
		return (struct delta) { 0, 0 };
	return (struct delta) { RQ_CS, 0 };
}

/* ---- the end */

/*
 * Sent, or in the peer's memory: no success where the own disk does not keep it. The peer may still
 * be lost, or fail to write it. P_BARRIER_ACK says that it did, and the epoch is closed to get that.
 */
static bool awaits_epoch(u32 flags, const struct request_view *view)
{
	const u32 written = RQ_WA | RQ_ND;

	if ((flags & RQ_LO) && !view->local_is_partial)
		return false;
	return (flags & (RQ_W | RQ_BA | RQ_NO | RQ_POST)) == (RQ_W | RQ_BA | RQ_NO) &&
	       !(flags & written);
}

static u32 rq_complete(u32 flags, const struct request_view *view, struct request_effects *fx)
{
	bool write = flags & RQ_W;
	/*
	 * On a disk that is being synced a write does not last: the sync would undo it.  One that
	 * is lost may come back too late, when the other one's data count.
	 */
	bool here = (flags & RQ_LO) && !(write && view->local_is_partial && !(flags & RQ_NO));
	bool there = (flags & RQ_NO) && !(write && view->peer_is_partial && !(flags & RQ_LO));
	bool ok = here || there;

	if ((flags & RQ_W) && (flags & RQ_TL) && view->epoch_is_current)
		fx->close_epoch = true;
	/* A failed read may find its data on another path. */
	if (!ok && !(flags & (RQ_W | RQ_RAHEAD)) && (flags & RQ_TL))
		flags |= RQ_POST;
	if (flags & RQ_POST) {
		fx->retry = true;
	} else {
		fx->complete = true;
		fx->ok = ok;
	}
	return flags | RQ_COMPLETE;
}

/* Mirror or mark: what is not known to be on both disks gets its bits set here. */
static u32 rq_destroy(u32 flags, struct request_effects *fx)
{
	bool started = flags & (RQ_LOCAL_MASK | RQ_NET_MASK);

	if ((flags & RQ_W) && (flags & RQ_TL) && started) {
		if (!(flags & RQ_LO) || !(flags & RQ_NO))
			fx->set_bits = true;
		else
			fx->clear_bits = may_clear_on_ack(flags);
	}
	fx->release_al = !!(flags & RQ_AL);
	fx->destroy = true;
	return (flags & ~RQ_AL) | RQ_DESTROYED;
}

struct request_effects request_event(u32 *flags, enum request_event ev,
				     const struct request_view *view)
{
	struct request_effects fx = { 0 };
	u32 old = *flags, now;
	struct delta d;

	if (core_bug_on(old & RQ_DESTROYED))
		return fx;

	if (ev <= REQ_SUBMITTED)
		d = setup_event(ev, view);
	else if (ev <= REQ_CONNECTION_LOST)
		d = net_event(old, ev, view);
	else if (ev <= REQ_ABORT_LOCAL)
		d = local_event(old, ev, &fx);
	else
		d = thaw_event(old, ev, view, &fx);

	now = (old & ~d.clear) | d.set;
	/* Only requests in the transfer log are reached by the events that thaw. */
	if (view->suspended && now != old && (old & RQ_TL) &&
	    !(old & (RQ_CS | RQ_COMPLETE)) && !(d.clear & RQ_CS))
		now |= RQ_CS;

	fx.net_done = (now & ~old & RQ_ND) != 0;
	if (may_complete(now)) {
		if (!awaits_epoch(now, view))
			now = rq_complete(now, view, &fx);
		else if (view->epoch_is_current)
			fx.close_epoch = true;
	}
	if (may_destroy(now))
		now = rq_destroy(now, &fx);
	*flags = now;
	return fx;
}
