// SPDX-License-Identifier: GPL-2.0
/* receive_data.c - writes, barriers and reads of the peer (wire.md 5.2, 5.5, 5.7, 3.4) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"
#include "receive.h"
#include "send_packet.h"

#define WAIT_FOR_EVER (1ULL << 40)	/* ms */
#define BARRIER_ACK_ROOM (CONTROL_POOL / 2)	/* the most that waking up is promised for */

/* The connection failed while the packet waited: there is nobody left to answer. */
static bool is_lost(const struct incoming *in)
{
	return in->connection->cstate < C_WF_REPORT_PARAMS;
}

/* ---- a write: what the packet says ---- */

static void write_set_op(struct drbd_peer_request *pr, const struct incoming *in)
{
	const struct drbd_device *device = pr->device;
	bool reliable = device->backing_discards &&
		(device->backing_discard_zeroes || device->disk_conf.discard_zeroes_if_aligned);

	switch (in->hdr.cmd) {
	case P_TRIM:
		pr->op = PEER_OP_DISCARD;
		pr->may_unmap = true;
		/* Without FF_WZEROES a zero-out looks the same: both must read as zeroes. */
		if (!reliable || !(in->connection->agreed_features & FF_WZEROES))
			pr->op = PEER_OP_ZEROES;
		break;
	case P_ZEROES:
		pr->op = PEER_OP_ZEROES;
		pr->may_unmap = pr->dp_flags & DP_DISCARD;
		break;
	default:
		pr->op = PEER_OP_WRITE;
		break;
	}
}

static void write_decode(struct incoming *in)
{
	const struct wire_p_data *p = (const struct wire_p_data *)in->fixed;
	const struct wire_p_range *range = (const struct wire_p_range *)in->fixed;
	const struct drbd_connection *connection = in->connection;
	struct drbd_peer_request *pr = in->pr;
	u32 bytes = in->hdr.cmd == P_DATA ? in->payload_len : be32_to_cpu(range->size);

	interval_init(&pr->interval, be64_to_cpu(p->sector), bytes);
	memcpy(pr->block_id, &p->block_id, sizeof(pr->block_id));
	pr->seq_num = be32_to_cpu(p->seq_num);
	pr->dp_flags = be32_to_cpu(p->dp_flags);
	if (connection->agreed_pro_version < 100) {
		/* Such peers do not say it: the own configuration does (wire.md trap 24). */
		pr->dp_flags &= ~(DP_SEND_RECEIVE_ACK | DP_SEND_WRITE_ACK);
		if (connection->net_conf.wire_protocol == OPT_PROTOCOL_C)
			pr->dp_flags |= DP_SEND_WRITE_ACK;
		if (connection->net_conf.wire_protocol == OPT_PROTOCOL_B)
			pr->dp_flags |= DP_SEND_RECEIVE_ACK;
	}
	pr->send_write_ack = pr->dp_flags & DP_SEND_WRITE_ACK;
	pr->may_set_in_sync = pr->dp_flags & DP_MAY_SET_IN_SYNC;
	write_set_op(pr, in);
}

/* ---- a write: the ways it can end here ---- */

/* It will not be done, and the peer learns it from `cmd` (0: nobody to tell). */
static void write_refuse(struct incoming *in, u16 cmd)
{
	struct drbd_peer_request *pr = in->pr;
	struct drbd_device *device = pr->device;
	bool counts = cmd == P_NEG_ACK;
	struct peer_epoch *epoch = pr->epoch;

	in->pr = NULL;
	in->ok = cmd != 0;
	if (interval_linked(&pr->interval)) {
		bool waiting = pr->interval.waiting;

		interval_remove(&device->rq.writes, &pr->interval);
		if (waiting)
			request_conflict_kick(device);
	}
	if (!counts)
		peer_epoch_uncount(in->connection, pr, cmd == P_RETRY_WRITE);
	pr->epoch = NULL;
	if (cmd)
		peer_request_ack(pr, cmd);
	else
		peer_request_finish(pr);
	if (counts)
		peer_epoch_leave(in->connection, epoch);
}

static void write_fail_connection(struct incoming *in, enum drbd_conn why, const char *what)
{
	env_log_device(in->device, LOG_LVL_ERR, "a write of the peer at sector %llu +%u: %s; reconnecting",
		       (unsigned long long)in->pr->interval.sector, in->pr->interval.bytes >> 9, what);
	connection_fail(in->connection, why);
	write_refuse(in, 0);
}

/* ---- a write: the steps ---- */

static bool two_primaries(const struct incoming *in)
{
	return in->connection->net_conf.two_primaries;
}

static u64 ping_timeout_ms(const struct incoming *in)
{
	return (u64)in->connection->net_conf.ping_timeo * 100;
}

static u64 conflict_limit_ms(const struct incoming *in)
{
	const struct net_conf *nc = &in->connection->net_conf;
	u64 limit = (u64)nc->ko_count * nc->timeout * 100;

	return limit ? limit : WAIT_FOR_EVER;
}

/* Only this node orders by sequence numbers, and only where both may write (wire.md 5.6). */
static bool write_is_due(const struct incoming *in)
{
	return !two_primaries(in) || !in->connection->resolve_conflicts ||
	       peer_seq_is_due(in->device, in->pr->seq_num);
}

/*
 * Which writes are watched for overlaps: with two Primaries all. Without any write ordering
 * barriers do not separate a write from a later one to the same block, so all as well.
 */
static bool write_is_watched(const struct incoming *in)
{
	return two_primaries(in) || in->connection->resource->write_ordering == 0;
}

static void write_watch(struct incoming *in)
{
	peer_seq_seen(in->device, in->pr->seq_num);
	if (write_is_watched(in) && in->pr->interval.bytes)
		interval_insert(&in->device->rq.writes, &in->pr->interval);
}

static enum conflict_verdict write_conflict(const struct incoming *in)
{
	return interval_linked(&in->pr->interval) ? conflict_judge(in->pr) : CONFLICT_NONE;
}

/* True: it is not to be written, or the connection is not to live on. */
static bool write_lost_conflict(struct incoming *in)
{
	switch (write_conflict(in)) {
	case CONFLICT_NONE:
		return false;
	case CONFLICT_SUPERSEDED:
		write_refuse(in, P_SUPERSEDED);
		return true;
	case CONFLICT_RETRY:
		env_log_device(in->device, LOG_LVL_WARN,
			       "both nodes write at the same time around sector %llu +%u, in unequal pieces; the applications should coordinate this",
			       (unsigned long long)in->pr->interval.sector,
			       in->pr->interval.bytes >> 9);
		write_refuse(in, in->connection->agreed_pro_version < 100 ? P_SUPERSEDED :
									    P_RETRY_WRITE);
		return true;
	default:
		write_fail_connection(in, C_TIMEOUT,
				      "the local write it overlaps does not come to an end");
		return true;
	}
}

/* The writer has no disk of its own: nobody else will remember what is to be synced. */
static void write_mark_only_copy(struct drbd_peer_request *pr)
{
	if (!peer_write_is_only_copy(device_state(pr->device)))
		return;
	pr->only_copy = true;
	pr->may_set_in_sync = false;
	device_set_out_of_sync(pr->device, pr->interval.sector, pr->interval.bytes);
}

/* What the writer's lost disk lacks must not be in its generation (states.md 11, I6). */
static bool write_precedes_its_generation(const struct incoming *in)
{
	return in->device->new_uuid_pending && peer_write_is_only_copy(device_state(in->device));
}

/*
 * A source may send writes before its sync UUID. With them in it my disk is no longer a state
 * that once was, which its superblock has to say before they are there.
 */
static bool write_spoils_outdated(const struct incoming *in)
{
	u8 disk = in->device->state.disk;

	return disk > D_INCONSISTENT && disk < D_UP_TO_DATE && !is_lost(in);
}

static void write_outdated_begin(struct incoming *in)
{
	memset(&in->connection->receiving.md, 0, sizeof(in->connection->receiving.md));
	state_force(in->device, ST_ARGS(ST_CHANGE_DISK(D_INCONSISTENT)));
}

static bool write_is_logged(struct drbd_peer_request *pr)
{
	return !pr->only_copy || al_begin_peer(pr);
}

/*
 * The disk failed before the log had it. Written all the same, it would be on a disk that does
 * not know that nobody else has it.
 */
static bool write_lost_its_log(const struct drbd_peer_request *pr)
{
	return pr->only_copy && pr->device->state.disk < D_INCONSISTENT;
}

static void write_queue_recv_ack(struct incoming *in)
{
	if (in->pr->dp_flags & DP_SEND_RECEIVE_ACK)
		send_item_queue(in->connection, SOCK_META, &in->pr->recv_ack);
}

static bool write_overlaps_resync(const struct incoming *in)
{
	/* Whatever the state by now: what is newer must not be overtaken on this disk. */
	return peer_resync_write_overlaps(in->device, in->pr->interval.sector,
					  in->pr->interval.bytes);
}

static void write_begin(struct incoming *in)
{
	write_decode(in);
	in->device->recv_cnt += in->payload_len >> 9;
	peer_request_register(in->pr, PEER_WRITE);
	peer_epoch_join(in->connection, in->pr);
}

/*
 * There is no disk to write it to. An own write that has stepped back before it waits for nothing
 * else: both are the peer's to put in order.
 */
static void write_without_disk(struct incoming *in)
{
	struct drbd_device *device = in->device;
	u64 sector = in->pr->interval.sector;
	u32 bytes = in->pr->interval.bytes;

	peer_seq_seen(device, in->pr->seq_num);
	write_refuse(in, P_NEG_ACK);
	request_retry_postponed(device, sector, bytes);
}

enum fiber_status receive_write(struct task *t, struct incoming *in)
{
	FIBER_BEGIN(in->pc);
	write_begin(in);
	if (in->digest_bad) {
		write_fail_connection(in, C_PROTOCOL_ERROR,
				      "its data-integrity digest does not match its data");
		FIBER_RETURN(in->pc);
	}
	if (!write_is_due(in))
		FIBER_WAIT_TIMEOUT(in->pc, t, ping_timeout_ms(in), write_is_due(in) || is_lost(in));
	if (!write_is_due(in)) {
		write_fail_connection(in, C_PROTOCOL_ERROR, "an earlier packet of the peer is missing");
		FIBER_RETURN(in->pc);
	}
	if (!local_get(in->device, D_INCONSISTENT)) {
		write_without_disk(in);
		FIBER_RETURN(in->pc);
	}

	/* From here on a reference on the disk is held. */
	write_queue_recv_ack(in);
	write_watch(in);
	if (write_conflict(in) == CONFLICT_WAIT)
		FIBER_WAIT_TIMEOUT(in->pc, t, conflict_limit_ms(in),
				   write_conflict(in) != CONFLICT_WAIT || is_lost(in));
	if (write_lost_conflict(in)) {
		local_put(in->device);
		FIBER_RETURN(in->pc);
	}
	FIBER_WAIT_UNTIL(in->pc, !in->device->resync.unrecorded || is_lost(in));
	if (write_spoils_outdated(in)) {
		write_outdated_begin(in);
		FIBER_CALL(in->pc, device_md_sync(t, in->device, &in->connection->receiving.md,
						  true));
	}
	FIBER_WAIT_UNTIL(in->pc, !write_overlaps_resync(in) || is_lost(in));
	in->connection->receiving.pc = 0;
	FIBER_CALL(in->pc, generation_accepted(t, in->device, &in->connection->receiving.pc,
					       &in->connection->receiving.md));
	FIBER_WAIT_UNTIL(in->pc, !write_precedes_its_generation(in) || is_lost(in));
	write_mark_only_copy(in->pr);
	FIBER_WAIT_UNTIL(in->pc, write_is_logged(in->pr) || is_lost(in));
	if (is_lost(in)) {
		write_refuse(in, 0);
		local_put(in->device);
		FIBER_RETURN(in->pc);
	}
	if (write_lost_its_log(in->pr)) {
		peer_request_local_done(in->pr, -EIO);
	} else if (!in->pr->interval.bytes) {
		/* A write of nothing is a flush. */
		FIBER_DO(in->pc, t, ACT_FLUSH, in->device, 0);
		peer_request_local_done(in->pr, (int)t->result);
	} else {
		peer_request_start(in->pr);
	}
	in->pr = NULL;
	in->ok = true;
	FIBER_END(in->pc);
}

/* ---- barriers ---- */

enum { ORDER_NONE, ORDER_DRAIN, ORDER_FLUSH };

static bool wants_flushes(const struct drbd_device *device)
{
	return device->disk_conf.disk_flushes && !device->no_flush;
}

/*
 * Every volume gets what it asks for itself.  The original lets one volume whose disk needs no
 * flushes take them from all others; so write_ordering, the weakest, is for the status only.
 */
static u8 barrier_ordering(const struct drbd_resource *resource)
{
	const struct drbd_device *device;
	u8 strongest = ORDER_NONE;

	for_each_volume(device, resource) {
		if (!device->has_backing)
			continue;
		if (wants_flushes(device))
			return ORDER_FLUSH;
		if (device->disk_conf.disk_drain)
			strongest = ORDER_DRAIN;
	}
	return strongest;
}

/* The next volume at or after *vnr with a disk to flush, referenced; NULL: that was all. */
static struct drbd_device *barrier_next_disk(struct drbd_resource *resource, u64 *vnr)
{
	struct drbd_device *device;

	for_each_volume(device, resource) {
		if (device->vnr < *vnr || !wants_flushes(device) ||
		    !local_get(device, D_INCONSISTENT))
			continue;
		*vnr = (u64)device->vnr + 1;
		return device;
	}
	return NULL;
}

static void barrier_flushed(struct drbd_device *device, s64 result)
{
	struct drbd_resource *resource = device->resource;

	if (result < 0 && result != -EOPNOTSUPP) {
		/* Nobody knows what of the epoch the disk will keep: unacknowledged, the peer marks it. */
		device_io_error(device, IO_ERROR_DATA_WRITE);
		env_log_device(device, LOG_LVL_ERR,
			       "the disk failed to flush its cache: reconnecting, so that the peer marks what it wrote last (%d)",
			       (int)result);
		connection_fail(&resource->connection, C_NETWORK_FAILURE);
	} else if (result < 0 && !device->no_flush) {
		env_log_device(device, LOG_LVL_WARN,
			       "the disk can not flush its cache: write ordering becomes drain; a power cut may lose what it caches (%d)",
			       (int)result);
		device->no_flush = true;
		resource->write_ordering = min_t(u8, resource->write_ordering, ORDER_DRAIN);
	}
	local_put(device);
}

static void barrier_begin(struct incoming *in, u8 ordering)
{
	const struct wire_p_barrier *p = (const struct wire_p_barrier *)in->fixed;
	struct peer_epoch *epoch = peer_epoch_current(in->connection);

	epoch->number = p->barrier;
	epoch->has_number = true;
	epoch->flushing = ordering != ORDER_NONE;
	in->scratch[0] = 0;
	in->scratch[1] = 0;
}

/* The device being flushed, found again by number: the fiber may keep no pointer to it. */
static struct drbd_device *barrier_device(struct incoming *in)
{
	return resource_volume(in->connection->resource, (u32)in->scratch[0] - 1);
}

static bool barrier_more_to_flush(struct incoming *in)
{
	return barrier_next_disk(in->connection->resource, &in->scratch[0]) != NULL;
}

static void barrier_end(struct incoming *in, bool begun)
{
	struct peer_epoch *epoch = peer_epoch_current(in->connection);

	/* The one before the current one is that of this barrier. */
	if (begun)
		epoch = dlist_entry(epoch->link.prev, struct peer_epoch, link);
	epoch->flushing = false;
	peer_epochs_check(in->connection);
	in->ok = begun;
}

/*
 * The epoch is acknowledged only after its data was flushed: the sender may rely on that for
 * flushes of its own (states.md 13.7).
 */
enum fiber_status receive_barrier(struct task *t, struct incoming *in)
{
	FIBER_BEGIN(in->pc);
	barrier_begin(in, barrier_ordering(in->connection->resource));
	if (barrier_ordering(in->connection->resource) != ORDER_NONE) {
		FIBER_WAIT_UNTIL(in->pc, !in->connection->epochs.writes_in_flight || is_lost(in));
		while (!is_lost(in) && barrier_more_to_flush(in)) {
			FIBER_DO(in->pc, t, ACT_FLUSH, barrier_device(in), 0);
			barrier_flushed(barrier_device(in), t->result);
		}
	}
	/* Epochs may come faster than their acks leave, which must not cost the connection. */
	FIBER_WAIT_UNTIL(in->pc, send_has_room(in->connection, SOCK_META, BARRIER_ACK_ROOM) ||
			 is_lost(in));
	FIBER_WAIT_UNTIL(in->pc, peer_epoch_begin(in->connection) || is_lost(in));
	barrier_end(in, !is_lost(in));
	FIBER_END(in->pc);
}

/* ---- reads ---- */

static void read_decode(struct incoming *in)
{
	const struct wire_p_block_req *p = (const struct wire_p_block_req *)in->fixed;
	struct drbd_peer_request *pr = in->pr;

	interval_init(&pr->interval, be64_to_cpu(p->sector), be32_to_cpu(p->blksize));
	memcpy(pr->block_id, &p->block_id, sizeof(pr->block_id));
	pr->op = PEER_OP_READ;
}

static void read_begin(struct incoming *in)
{
	struct drbd_peer_request *pr = in->pr;

	in->pr = NULL;
	in->ok = true;
	peer_request_register(pr, PEER_READ);
	/* Cut for another peer, it may ask for more than the packets of this version hold. */
	if (send_can_carry(in->connection, pr->interval.bytes) &&
	    local_get(in->device, D_UP_TO_DATE))
		peer_request_start(pr);
	else
		peer_request_ack(pr, P_NEG_DREPLY);
}

/*
 * With protocol A or B the writer's user was told of success before the write is on this disk:
 * what is read here afterwards has to be the new data.
 */
enum fiber_status receive_read_request(struct task *t, struct incoming *in)
{
	(void)t;
	FIBER_BEGIN(in->pc);
	read_decode(in);
	FIBER_WAIT_UNTIL(in->pc, !peer_write_overlaps(in->device, in->pr->interval.sector,
						      in->pr->interval.bytes) || is_lost(in));
	read_begin(in);
	FIBER_END(in->pc);
}

enum fiber_status receive_read_reply(struct task *t, struct incoming *in)
{
	(void)t;
	in->ok = !in->digest_bad;
	if (in->digest_bad) {
		env_log_device(in->device, LOG_LVL_ERR,
			       "data read from the peer at sector %llu: its data-integrity digest does not match; reconnecting",
			       (unsigned long long)in->req->interval.sector);
		connection_fail(in->connection, C_PROTOCOL_ERROR);
		return FIBER_DONE;
	}
	in->device->recv_cnt += in->payload_len >> 9;
	request_apply(in->req, REQ_DATA_RECEIVED);
	return FIBER_DONE;
}

/* ---- notices ---- */

enum fiber_status receive_out_of_sync(struct task *t, struct incoming *in)
{
	const struct wire_p_block_desc *p = (const struct wire_p_block_desc *)in->fixed;

	(void)t;
	if (!may_set_on_oos_notice(in->device->state.conn))
		env_log_device(in->device, LOG_LVL_WARN,
			       "unexpected out-of-sync notice in connection state %u; noted",
			       in->device->state.conn);
	device_set_out_of_sync(in->device, be64_to_cpu(p->sector), be32_to_cpu(p->blksize));
	peer_writes_leave_marks(in->device, be64_to_cpu(p->sector), be32_to_cpu(p->blksize));
	in->ok = true;
	return FIBER_DONE;
}
