// SPDX-License-Identifier: GPL-2.0
/* Decisions on the data path apart from the request's own flag word. */
#include "predicates.h"

/* ---- admission (7.1) */

bool may_admit(struct state s, const struct admit_facts *f)
{
	if (state_suspended(s) || f->frozen || f->bitmap_op_pending)
		return false;
	/* The bitmap is being exchanged: a change now would be missed by one side. */
	if (s.conn == C_WF_BITMAP_T || s.conn == C_WF_SYNC_UUID)
		return false;
	if (s.conn == C_WF_BITMAP_S && f->apv < 96)
		return false;
	if (s.disk == D_ATTACHING || s.disk == D_NEGOTIATING)
		return false;
	return f->in_flight < f->max_buffers;
}

bool may_write(struct state s)
{
	return s.disk == D_UP_TO_DATE || s.pdsk == D_UP_TO_DATE;
}

/* ---- mirror or mark (7.3) */

struct write_decision write_decide(struct state s, u8 protocol, u16 apv)
{
	struct write_decision d = { .route = WRITE_LOCAL_ONLY };

	if (state_should_replicate(s)) {
		d.route = WRITE_REPLICATE;
		d.may_set_in_sync = state_in_resync(s.conn);
		if (protocol == REPL_PROTOCOL_B)
			d.rq_flags = RQ_RA;
		else if (protocol == REPL_PROTOCOL_C)
			d.rq_flags = RQ_WA;
		/* Older peers take the kind of ack from their own configuration. */
		if (apv >= 100) {
			d.want_recv_ack = protocol == REPL_PROTOCOL_B;
			d.want_write_ack = protocol == REPL_PROTOCOL_C || d.may_set_in_sync;
		}
	} else if (state_should_send_oos(s)) {
		d.route = WRITE_SEND_OOS;
		d.mark_now = true;
	}
	return d;
}

/* ---- read routing (7.6) */

bool may_read_local(struct state s, bool range_in_sync)
{
	return s.disk == D_UP_TO_DATE || (s.disk == D_INCONSISTENT && range_in_sync);
}

/* Both sides have the data; true: ask the peer. */
static bool balance_to_peer(const struct read_facts *f)
{
	u32 stripe_shift;

	switch (f->policy) {
	case RB_PREFER_REMOTE:
		return true;
	case RB_ROUND_ROBIN:
		return f->turn;
	case RB_LEAST_PENDING:
		return f->local_pending > f->peer_pending;
	case RB_PREFER_LOCAL:
	case RB_CONGESTED_REMOTE:
		return false;
	default:
		if (f->policy > RB_1M_STRIPING)
			return false;
		stripe_shift = 15 + (f->policy - RB_32K_STRIPING) - 9;
		return (f->sector >> stripe_shift) & 1;
	}
}

enum read_route read_decide(struct state s, const struct read_facts *f)
{
	bool local = may_read_local(s, f->range_in_sync);
	bool remote = s.pdsk == D_UP_TO_DATE;

	if (local && remote)
		return balance_to_peer(f) ? READ_REMOTE : READ_LOCAL;
	if (local)
		return READ_LOCAL;
	return remote ? READ_REMOTE : READ_NONE;
}

/* ---- the peer's side of a write (7.5) */

bool peer_write_is_only_copy(struct state s)
{
	return s.pdsk < D_INCONSISTENT;
}

bool may_ack(u8 conn, bool completed)
{
	return completed && conn >= C_CONNECTED;
}

struct peer_write_decision peer_write_done(const struct peer_write_view *v)
{
	struct peer_write_decision d = { .ack = PEER_ACK_NONE };
	bool speak = may_ack(v->conn, v->completed);

	if (!v->completed)
		return d;
	if (v->io_error) {
		d.ack = speak ? PEER_ACK_NEG : PEER_ACK_NONE;
		d.set_bits = true;
		d.io_error = true;
		return d;
	}
	if (!speak || !v->want_write_ack)
		return d;
	/* The bit goes here only together with the message that lets it go there. */
	d.clear_bits = state_in_resync(v->conn) && v->may_set_in_sync && !v->only_copy;
	d.ack = d.clear_bits ? PEER_ACK_WRITE_IN_SYNC : PEER_ACK_WRITE;
	return d;
}

/* ---- bits */

bool may_clear_on_ack(u32 rq_flags)
{
	const u32 need = RQ_W | RQ_LO | RQ_NO | RQ_SIS;

	return (rq_flags & need) == need;
}

bool may_set_on_oos_notice(u8 conn)
{
	return conn == C_WF_SYNC_UUID || conn == C_WF_BITMAP_T || conn == C_BEHIND;
}

/* ---- I/O errors (8.1) */

u8 io_error_disk(u8 disk, enum io_fault fault, enum io_error_policy policy)
{
	if (fault == IO_FAULT_NONE || disk <= D_FAILED)
		return disk;
	if (policy == EP_PASS_ON && (fault == IO_FAULT_READ || fault == IO_FAULT_WRITE))
		return disk > D_INCONSISTENT ? D_INCONSISTENT : disk;
	return D_FAILED;
}
