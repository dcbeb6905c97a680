// SPDX-License-Identifier: GPL-2.0
/* receive_acks.c - answers on the meta socket to what this node sent (wire.md 3.4, 5.3, 5.4, 5.7) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"
#include "receive.h"

static const struct wire_p_block_ack *ack_of(const struct incoming *in)
{
	return (const struct wire_p_block_ack *)in->fixed;
}

static bool unknown_block(struct incoming *in)
{
	env_log_device(in->device, LOG_LVL_ERR,
		       "the peer answers (%s) a request at sector %llu that is not outstanding; reconnecting",
		       wire_cmd_name(in->hdr.cmd),
		       (unsigned long long)be64_to_cpu(ack_of(in)->sector));
	connection_fail(in->connection, C_NETWORK_FAILURE);
	return false;
}

/*
 * Before version 100 a peer whose write won had one word only, also where its write covers mine in
 * part: what is left of mine would be on this disk alone. Written again, it is on both.
 */
static bool is_sent_back(const struct incoming *in)
{
	return in->hdr.cmd == P_RETRY_WRITE ||
	       (in->hdr.cmd == P_SUPERSEDED && in->connection->agreed_pro_version < 100);
}

static enum request_event ack_event(const struct incoming *in)
{
	if (is_sent_back(in))
		return REQ_PEER_RETRY;
	switch (in->hdr.cmd) {
	case P_RECV_ACK:
		return REQ_RECV_ACK;
	case P_WRITE_ACK:
		return REQ_WRITE_ACK;
	case P_RS_WRITE_ACK:
		return REQ_WRITE_ACK_IN_SYNC;
	case P_SUPERSEDED:
		return REQ_SUPERSEDED;
	default:
		return REQ_NEG_ACK;
	}
}

bool receive_block_ack(struct incoming *in)
{
	const struct wire_p_block_ack *p = ack_of(in);
	u64 sector = be64_to_cpu(p->sector);
	struct drbd_request *req = request_find_write(in->device, p->block_id, sector);

	/* Before it ends: nobody may be told of it under the name that the peer's disk has, too. */
	if (in->hdr.cmd == P_NEG_ACK)
		device_write_refused(in->device);
	if (!req || !(req->flags & RQ_BA)) {
		if (in->hdr.cmd != P_NEG_ACK)
			return unknown_block(in);
		/* Finished here already, and failed there: the bits must tell. */
		device_set_out_of_sync(in->device, sector, be32_to_cpu(p->blksize));
		return true;
	}
	if (in->hdr.cmd == P_SUPERSEDED || in->hdr.cmd == P_RETRY_WRITE)
		in->connection->tl.peer_refused = true;
	request_apply(req, ack_event(in));
	/* It counts no more, and an epoch that has no other gets no ack: none to wait for. */
	if (in->hdr.cmd == P_SUPERSEDED || in->hdr.cmd == P_RETRY_WRITE)
		tl_flushes_done(in->connection, false);
	/* The write that it steps back before may have been here, and found no disk. */
	if (is_sent_back(in) && in->device->state.disk < D_INCONSISTENT)
		request_retry_postponed(in->device, sector, be32_to_cpu(p->blksize));
	return true;
}

bool receive_resync_write_ack(struct incoming *in)
{
	const struct wire_p_block_ack *p = ack_of(in);
	u64 sector = be64_to_cpu(p->sector);
	u32 bytes = be32_to_cpu(p->blksize);

	if (in->hdr.cmd == P_NEG_ACK)
		resync_failed(in->device, sector, bytes);
	else
		resync_write_acked(in->device, sector, bytes);
	return true;
}

bool receive_neg_read_reply(struct incoming *in)
{
	const struct wire_p_block_ack *p = ack_of(in);
	struct drbd_request *req = request_find_read(in->device, p->block_id,
						     be64_to_cpu(p->sector));

	if (!req || !(req->flags & RQ_NP))
		return unknown_block(in);
	req->attempts++;
	req->avoid_remote = true;
	request_apply(req, REQ_NEG_DREPLY);
	return true;
}

bool receive_barrier_ack(struct incoming *in)
{
	const struct wire_p_barrier_ack *p = (const struct wire_p_barrier_ack *)in->fixed;

	if (tl_barrier_acked(in->connection, le32_to_cpu((__force __le32)p->barrier),
			     be32_to_cpu(p->set_size)))
		return true;
	connection_fail(in->connection, C_PROTOCOL_ERROR);
	return false;
}
