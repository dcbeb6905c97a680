// SPDX-License-Identifier: GPL-2.0
/*
 * conflict.c - a received write against the writes that are under way here (wire.md 5.6, 5.7)
 *
 * With two Primaries both may write the same block at the same time. The node with the
 * resolve-conflicts bit lets its own write win; the other one waits until its own write has
 * been told so, and then does what the peer wrote.
 */
#include "objects.h"
#include "predicates.h"

/* Signed distance, so that the counters may wrap. */
static bool seq_after(u32 a, u32 b)
{
	return (s32)(a - b) > 0;
}

void peer_seq_seen(struct drbd_device *device, u32 seq)
{
	struct drbd_connection *connection = &device->resource->connection;

	if (!seq_after(seq, device->peer_seq))
		return;
	device->peer_seq = seq;
	if (connection->net_conf.two_primaries)
		env_wake(device->resource);
}

bool peer_seq_is_due(const struct drbd_device *device, u32 seq)
{
	return !seq_after(seq - 1, device->peer_seq);
}

/* Mine has been told to step back, and its local part is over: it is in nobody's way. */
static bool stepped_back(const struct drbd_request *req)
{
	return (req->flags & RQ_POST) && !(req->flags & RQ_LP);
}

/*
 * The peer has it, or will never hear of it, so what the peer sends now is newer: it was
 * written there after mine. It must not be refused, only not overtake mine on this disk.
 */
static bool is_settled(const struct drbd_request *req)
{
	return !(req->flags & RQ_NP);
}

/*
 * Superseded, the peer's write is done for its owner, whose next read, here too, must find it or
 * what took its place: mine has to be on the disk by then.
 */
static bool is_readable(const struct drbd_request *req)
{
	return !(req->flags & RQ_LP);
}

static bool lies_within(const struct interval *inner, const struct interval *outer)
{
	return inner->sector >= outer->sector && interval_end(inner) <= interval_end(outer);
}

enum conflict_verdict conflict_judge(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	bool mine_wins = device->resource->connection.resolve_conflicts;
	const struct interval *i = &pr->interval;
	enum conflict_verdict verdict = CONFLICT_NONE;
	struct drbd_request *req;
	struct interval *other;

	interval_for_each_overlap(other, &device->rq.writes, i->sector, i->bytes) {
		if (other == i || other->completed)
			continue;
		if (other->is_local) {
			req = container_of(other, struct drbd_request, interval);
			if (is_settled(req) && !(req->flags & RQ_LP))
				continue;
			if (mine_wins && !is_settled(req)) {
				pr->refused_by = req->serial;
				if (!lies_within(i, other))
					return CONFLICT_RETRY;
				if (is_readable(req))
					return CONFLICT_SUPERSEDED;
			} else if (!mine_wins && stepped_back(req)) {
				continue;
			}
		}
		other->waiting = true;
		verdict = CONFLICT_WAIT;
	}
	return verdict;
}
