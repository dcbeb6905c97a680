// SPDX-License-Identifier: GPL-2.0
/* send_packet.c - what the items of the send queues look like on the wire (send_packet.h) */
#include "objects.h"
#include "predicates.h"
#include "send_packet.h"

void *send_begin(struct drbd_connection *connection, struct outgoing *out, u32 vnr, u16 cmd,
		 u32 fixed, u32 rest)
{
	u32 size = wire_header_encode(out->head, connection->agreed_pro_version, vnr, cmd,
				      fixed + rest);

	core_bug_on(!size);
	out->head_len = size + fixed;
	return out->head + size;
}

static __be32 next_seq(struct drbd_device *device)
{
	return cpu_to_be32(++device->packet_seq);
}

void send_build_control(struct drbd_connection *connection, struct outgoing *out,
			struct control_packet *c)
{
	u8 *body = send_begin(connection, out, c->vnr, c->cmd, c->len, 0);
	struct drbd_device *device;
	__be32 seq = 0;

	if (c->len)
		memcpy(body, c->body, c->len);
	if (!c->seq_in_ack)
		return;
	device = resource_volume(connection->resource, c->vnr);
	if (device)
		seq = next_seq(device);
	memcpy(body + offsetof(struct wire_p_block_ack, seq_num), &seq, sizeof(seq));
}

/* Before 87 nobody tells the name of a digest, and so nobody expects one. */
static u32 digest_len(const struct drbd_connection *connection)
{
	return connection->agreed_pro_version >= 87 ? connection->integrity_size_out : 0;
}

/* ---- application requests ---- */

bool send_can_carry(const struct drbd_connection *connection, u32 bytes)
{
	const u32 others = sizeof(struct wire_p_data) + WIRE_DIGEST_MAX;

	return bytes <= wire_length_max(connection->agreed_pro_version) - others;
}

bool send_can_express(const struct drbd_connection *connection, const struct drbd_request *req)
{
	u32 features = connection->agreed_features;

	if (req->op == OP_DISCARD)
		return features & FF_TRIM;
	if (req->op != OP_WRITE_ZEROES)
		return send_can_carry(connection, req->interval.bytes);
	/*
	 * Some receivers expect a digest in P_ZEROES that nobody sends, and drop the connection
	 * (wire.md trap 9); P_TRIM would leave it to the peer's disk what is read back.
	 */
	if (features & FF_WZEROES)
		return !connection->integrity_size_next;
	return features & FF_TRIM;
}

static u32 request_dp_flags(const struct drbd_connection *connection,
			    const struct drbd_request *req)
{
	u32 dp = req->dp_flags | req->wire_flags;

	if (req->op == OP_DISCARD)
		dp |= DP_DISCARD;
	else if (req->op == OP_WRITE_ZEROES && !(connection->agreed_features & FF_WZEROES))
		dp |= DP_DISCARD;
	else if (req->op == OP_WRITE_ZEROES)
		dp |= DP_ZEROES | (req->may_unmap ? DP_DISCARD : 0);
	return dp & wire_dp_flags_mask(connection->agreed_pro_version);
}

static void fill_write_head(struct drbd_connection *connection, struct wire_p_data *p,
			    struct drbd_request *req)
{
	p->sector = cpu_to_be64(req->interval.sector);
	p->block_id = req->id;
	p->seq_num = next_seq(req->device);
	p->dp_flags = cpu_to_be32(request_dp_flags(connection, req));
}

static void build_write(struct drbd_connection *connection, struct outgoing *out,
			struct drbd_request *req)
{
	u32 vnr = req->device->vnr, bytes = req->interval.bytes;
	struct transfer_log *tl = &connection->tl;
	struct wire_p_range *range;
	struct wire_p_data *p;

	tl->sent_epoch = req->epoch;
	tl->sent_writes++;
	if (req->op == OP_WRITE) {
		out->digest_len = digest_len(connection);
		p = send_begin(connection, out, vnr, P_DATA, sizeof(*p), out->digest_len + bytes);
		fill_write_head(connection, p, req);
		out->req = req;
		out->payload_len = bytes;
		req->device->send_cnt += bytes >> 9;
		return;
	}
	range = send_begin(connection, out, vnr,
			   req->op == OP_WRITE_ZEROES && (connection->agreed_features & FF_WZEROES) ?
			   P_ZEROES : P_TRIM, sizeof(*range), 0);
	fill_write_head(connection, &range->head, req);
	range->size = cpu_to_be32(bytes);
}

void send_build_request(struct drbd_connection *connection, struct outgoing *out,
			struct drbd_request *req)
{
	u32 vnr = req->device->vnr;
	struct wire_p_block_desc *desc;
	struct wire_p_block_req *read;

	if (req->flags & RQ_OOS) {
		desc = send_begin(connection, out, vnr, P_OUT_OF_SYNC, sizeof(*desc), 0);
		desc->sector = cpu_to_be64(req->interval.sector);
		desc->blksize = cpu_to_be32(req->interval.bytes);
		desc->pad = 0;
	} else if (req->flags & RQ_W) {
		build_write(connection, out, req);
	} else {
		read = send_begin(connection, out, vnr, P_DATA_REQUEST, sizeof(*read), 0);
		read->sector = cpu_to_be64(req->interval.sector);
		read->block_id = req->id;
		read->blksize = cpu_to_be32(req->interval.bytes);
		read->pad = 0;
	}
}

/* ---- answers to the peer ---- */

static void build_data_reply(struct drbd_connection *connection, struct outgoing *out,
			     struct drbd_peer_request *pr)
{
	u32 bytes = pr->interval.bytes;
	struct wire_p_data *p;

	out->digest_len = digest_len(connection);
	p = send_begin(connection, out, pr->device->vnr, pr->reply_cmd, sizeof(*p),
		       out->digest_len + bytes);
	p->sector = cpu_to_be64(pr->interval.sector);
	memcpy(&p->block_id, pr->block_id, sizeof(p->block_id));
	p->seq_num = 0;
	p->dp_flags = 0;
	out->pr = pr;
	out->payload_len = bytes;
	pr->device->send_cnt += bytes >> 9;
}

void send_build_reply(struct drbd_connection *connection, struct outgoing *out,
		      struct drbd_peer_request *pr)
{
	struct wire_p_block_desc *desc;
	struct wire_p_block_req *p;

	switch (pr->reply_cmd) {
	case P_DATA_REPLY:
	case P_RS_DATA_REPLY:
		build_data_reply(connection, out, pr);
		break;
	case P_RS_DEALLOCATED:
		desc = send_begin(connection, out, pr->device->vnr, P_RS_DEALLOCATED,
				  sizeof(*desc), 0);
		desc->sector = cpu_to_be64(pr->interval.sector);
		desc->blksize = cpu_to_be32(pr->interval.bytes);
		desc->pad = 0;
		break;
	default:	/* P_OV_REPLY, P_CSUM_RS_REQUEST: the digest is part of the head */
		p = send_begin(connection, out, pr->device->vnr, pr->reply_cmd,
			       sizeof(*p) + pr->digest_len, 0);
		p->sector = cpu_to_be64(pr->interval.sector);
		memcpy(&p->block_id, pr->block_id, sizeof(p->block_id));
		p->blksize = cpu_to_be32(pr->interval.bytes);
		p->pad = 0;
		memcpy(p + 1, pr->digest, pr->digest_len);
		break;
	}
}

void send_build_ack(struct drbd_connection *connection, struct outgoing *out,
		    struct drbd_peer_request *pr, bool recv_ack)
{
	u16 cmd = recv_ack ? P_RECV_ACK : pr->reply_cmd;
	struct wire_p_block_ack *p = send_begin(connection, out, pr->device->vnr, cmd,
						sizeof(*p), 0);

	p->sector = cpu_to_be64(pr->interval.sector);
	memcpy(&p->block_id, pr->block_id, sizeof(p->block_id));
	p->blksize = cpu_to_be32(pr->interval.bytes);
	p->seq_num = next_seq(pr->device);
}
