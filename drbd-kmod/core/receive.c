// SPDX-License-Identifier: GPL-2.0
/*
 * receive.c - what arrives: is it legal, where does its payload go, who handles it
 * (receive.h; wire.md 2, 3, 9.1)
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"
#include "receive.h"
#include "send_packet.h"

/* Peer requests without data of their own still are given some room. */
#define NO_DATA_BYTES 512

static bool protocol_error(struct incoming *in, const char *what)
{
	env_log_connection(in->connection, LOG_LVL_ERR,
			   "received %s (volume %u, %u bytes): %s; reconnecting",
			   wire_cmd_name(in->hdr.cmd), in->hdr.volume, in->hdr.length, what);
	connection_fail(in->connection, C_PROTOCOL_ERROR);
	return false;
}

static bool meta_error(struct incoming *in, const char *what)
{
	env_log_connection(in->connection, LOG_LVL_ERR,
			   "received %s (volume %u, %u bytes): %s; reconnecting",
			   wire_cmd_name(in->hdr.cmd), in->hdr.volume, in->hdr.length, what);
	connection_fail(in->connection, C_NETWORK_FAILURE);
	return false;
}

/* ---- the fixed part ---- */

/* A peer that speaks something else there is not to be tried again (wire.md 9.1). */
static bool unknown_on_meta(struct incoming *in)
{
	env_log_connection(in->connection, LOG_LVL_ERR,
			   "received unknown packet 0x%04x on the meta socket: disconnecting; check what runs on the peer, then connect again",
			   in->hdr.cmd);
	conn_state_change(in->connection, ST_ARGS(ST_CHANGE_CONN(C_DISCONNECTING)), CS_HARD);
	return false;
}

bool receive_plan(struct drbd_connection *connection, int socket, struct incoming *in)
{
	bool data = socket == SOCK_DATA;
	struct wire_rule rule;

	in->connection = connection;
	connection->last_received = env_now_ms();
	if (wire_rule_find(data ? WIRE_SOCKET_DATA : WIRE_SOCKET_META, in->hdr.cmd,
			   connection->agreed_pro_version, connection->agreed_features,
			   WIRE_PHASE_RUNNING, &rule))
		return data ? protocol_error(in, "it does not belong here") : unknown_on_meta(in);
	if (wire_rule_check(&rule, in->hdr.length))
		return data ? protocol_error(in, "its length is wrong") :
			      meta_error(in, "its length is wrong");
	in->fixed_len = rule.fixed;
	in->device = rule.per_volume ? resource_volume(connection->resource, in->hdr.volume) : NULL;
	return true;
}

/* ---- the payload ---- */

static bool range_ok(const struct drbd_device *device, u64 sector, u32 bytes, u32 most)
{
	return !(bytes & 511) && bytes <= most && sector <= device->capacity &&
	       (bytes >> 9) <= device->capacity - sector;
}

static bool plan_peer_data(struct incoming *in, u32 rest)
{
	const struct wire_p_data *p = (const struct wire_p_data *)in->fixed;

	if (!in->device)
		return protocol_error(in, "no such volume here");
	if (rest < in->connection->integrity_size_in)
		return protocol_error(in, "its digest is missing");
	in->digest_len = in->connection->integrity_size_in;
	in->payload_len = rest - in->digest_len;
	if (!range_ok(in->device, be64_to_cpu(p->sector), in->payload_len, WIRE_DATA_MAX))
		return protocol_error(in, "its range is not within the device");
	/* A write of nothing is a flush, a resync of nothing is nonsense. */
	if (!in->payload_len && in->hdr.cmd == P_RS_DATA_REPLY)
		return protocol_error(in, "it brings no data");
	in->place = PAYLOAD_PEER_REQUEST;
	return true;
}

static bool plan_read_reply(struct incoming *in, u32 rest)
{
	const struct wire_p_data *p = (const struct wire_p_data *)in->fixed;

	if (!in->device)
		return protocol_error(in, "no such volume here");
	in->req = request_find_read(in->device, p->block_id, be64_to_cpu(p->sector));
	if (!in->req || !(in->req->flags & RQ_NP))
		return protocol_error(in, "nothing like that was asked for");
	if (rest != in->connection->integrity_size_in + in->req->interval.bytes)
		return protocol_error(in, "it is not as long as what was asked for");
	in->digest_len = in->connection->integrity_size_in;
	in->payload_len = in->req->interval.bytes;
	in->place = PAYLOAD_REQUEST;
	return true;
}

static bool plan_range(struct incoming *in)
{
	const struct wire_p_range *p = (const struct wire_p_range *)in->fixed;

	if (!in->device)
		return protocol_error(in, "no such volume here");
	if (!range_ok(in->device, be64_to_cpu(p->head.sector), be32_to_cpu(p->size),
		      WIRE_DISCARD_MAX))
		return protocol_error(in, "its range is not within the device");
	in->pr_bytes = NO_DATA_BYTES;
	return true;
}

static bool is_answered_with_resync_data(u16 cmd)
{
	return cmd == P_RS_DATA_REQUEST || cmd == P_RS_THIN_REQ || cmd == P_CSUM_RS_REQUEST;
}

/* Requests for a block, with or without a digest. */
static bool plan_block_request(struct incoming *in, u32 rest)
{
	const struct wire_p_block_req *p = (const struct wire_p_block_req *)in->fixed;
	u32 bytes = be32_to_cpu(p->blksize);

	if (!in->device)
		return protocol_error(in, "no such volume here");
	if (!bytes || !range_ok(in->device, be64_to_cpu(p->sector), bytes, WIRE_DATA_MAX))
		return protocol_error(in, "its range is not within the device");
	if (is_answered_with_resync_data(in->hdr.cmd) && !send_can_carry(in->connection, bytes))
		return protocol_error(in, "its protocol has no packet for that much data");
	in->pr_bytes = bytes;
	if (rest) {
		in->place = PAYLOAD_BUFFER;
		in->payload_len = rest;
	}
	return true;
}

static bool plan_block_desc(struct incoming *in)
{
	const struct wire_p_block_desc *p = (const struct wire_p_block_desc *)in->fixed;

	if (!in->device)
		return protocol_error(in, "no such volume here");
	if (!range_ok(in->device, be64_to_cpu(p->sector), be32_to_cpu(p->blksize),
		      WIRE_DISCARD_MAX))
		return protocol_error(in, "its range is not within the device");
	if (!be32_to_cpu(p->blksize))
		return protocol_error(in, "it is about nothing");
	if (in->hdr.cmd == P_RS_DEALLOCATED)
		in->pr_bytes = NO_DATA_BYTES;
	return true;
}

bool receive_plan_payload(struct incoming *in)
{
	u32 rest = in->hdr.length - in->fixed_len;

	in->place = PAYLOAD_NONE;
	switch (in->hdr.cmd) {
	case P_DATA:
	case P_RS_DATA_REPLY:
		return plan_peer_data(in, rest);
	case P_DATA_REPLY:
		return plan_read_reply(in, rest);
	case P_TRIM:
	case P_ZEROES:
		return plan_range(in);
	case P_DATA_REQUEST:
	case P_RS_DATA_REQUEST:
	case P_RS_THIN_REQ:
	case P_CSUM_RS_REQUEST:
	case P_OV_REQUEST:
	case P_OV_REPLY:
		return plan_block_request(in, rest);
	case P_OUT_OF_SYNC:
	case P_RS_DEALLOCATED:
		return plan_block_desc(in);
	default:
		break;
	}
	if (rest > WIRE_SOCKET_BUFFER)
		return protocol_error(in, "it is too long");
	if (rest) {
		in->place = PAYLOAD_BUFFER;
		in->payload_len = rest;
	}
	return true;
}

/* ---- dispatch, data socket ---- */

static enum fiber_status receive_nothing(struct incoming *in)
{
	in->ok = true;
	return FIBER_DONE;
}

/* For a volume that is not configured here: read and ignore these, refuse the others. */
static enum fiber_status receive_unknown_volume(struct incoming *in)
{
	in->ok = false;
	switch (in->hdr.cmd) {
	case P_SYNC_PARAM:
	case P_SYNC_PARAM89:
	case P_SIZES:
	case P_UUIDS:
	case P_STATE:
		in->ok = true;
		break;
	default:
		protocol_error(in, "no such volume here");
		break;
	}
	return FIBER_DONE;
}

static enum fiber_status receive_connection_packet(struct task *t, struct incoming *in)
{
	switch (in->hdr.cmd) {
	case P_BARRIER:
		return receive_barrier(t, in);
	case P_PROTOCOL:
	case P_PROTOCOL_UPDATE:
		return receive_protocol(t, in);
	case P_CONN_ST_CHG_REQ:
		return receive_conn_state_request(t, in);
	default:	/* P_UNPLUG_REMOTE, P_DELAY_PROBE: nothing to be done about them */
		return receive_nothing(in);
	}
}

static bool is_connection_packet(u16 cmd)
{
	return cmd == P_BARRIER || cmd == P_PROTOCOL || cmd == P_PROTOCOL_UPDATE ||
	       cmd == P_CONN_ST_CHG_REQ || cmd == P_UNPLUG_REMOTE || cmd == P_DELAY_PROBE;
}

enum fiber_status receive_packet(struct task *t, struct incoming *in)
{
	if (is_connection_packet(in->hdr.cmd))
		return receive_connection_packet(t, in);
	if (!in->device)
		return receive_unknown_volume(in);
	switch (in->hdr.cmd) {
	case P_DATA:
	case P_TRIM:
	case P_ZEROES:
		return receive_write(t, in);
	case P_DATA_REPLY:
		return receive_read_reply(t, in);
	case P_RS_DATA_REPLY:
	case P_RS_DEALLOCATED:
		return receive_resync_reply(t, in);
	case P_DATA_REQUEST:
		return receive_read_request(t, in);
	case P_RS_DATA_REQUEST:
	case P_RS_THIN_REQ:
	case P_CSUM_RS_REQUEST:
	case P_OV_REQUEST:
		return receive_resync_request(t, in);
	case P_OV_REPLY:
		return receive_verify_reply(t, in);
	case P_OUT_OF_SYNC:
		return receive_out_of_sync(t, in);
	case P_BITMAP:
	case P_COMPRESSED_BITMAP:
		return receive_bitmap(t, in);
	case P_SYNC_PARAM:
	case P_SYNC_PARAM89:
		return receive_sync_param(t, in);
	case P_SIZES:
		return receive_sizes(t, in);
	case P_UUIDS:
		return receive_uuids(t, in);
	case P_STATE:
		return receive_state(t, in);
	case P_SYNC_UUID:
		return receive_sync_uuid(t, in);
	case P_STATE_CHG_REQ:
		return receive_state_request(t, in);
	default:
		in->ok = protocol_error(in, "it does not belong here");
		return FIBER_DONE;
	}
}

/* ---- dispatch, meta socket ---- */

static bool receive_ping_ack(struct drbd_connection *connection)
{
	connection->ping_out = false;
	connection->ping_acks++;
	env_wake(connection->resource);
	return true;
}

static bool receive_meta_connection(struct incoming *in)
{
	switch (in->hdr.cmd) {
	case P_PING:
		send_ping_ack(in->connection);
		return true;
	case P_PING_ACK:
		return receive_ping_ack(in->connection);
	case P_BARRIER_ACK:
		return receive_barrier_ack(in);
	case P_CONN_ST_CHG_REPLY:
		return receive_conn_state_reply(in);
	default:	/* P_DELAY_PROBE */
		return true;
	}
}

static bool receive_meta_volume(struct incoming *in)
{
	const struct wire_p_block_ack *p = (const struct wire_p_block_ack *)in->fixed;

	if (in->hdr.cmd == P_STATE_CHG_REPLY)
		return receive_state_reply(in);

	peer_seq_seen(in->device, be32_to_cpu(p->seq_num));
	switch (in->hdr.cmd) {
	case P_RECV_ACK:
	case P_WRITE_ACK:
	case P_RS_WRITE_ACK:
	case P_SUPERSEDED:
	case P_RETRY_WRITE:
	case P_NEG_ACK:
		return p->block_id == ID_SYNCER ? receive_resync_write_ack(in) : receive_block_ack(in);
	case P_NEG_DREPLY:
		return receive_neg_read_reply(in);
	case P_NEG_RS_DREPLY:
	case P_RS_IS_IN_SYNC:
	case P_RS_CANCEL:
		return receive_resync_ack(in);
	case P_OV_RESULT:
		return receive_verify_result(in);
	default:
		return meta_error(in, "it does not belong here");
	}
}

bool receive_meta(struct incoming *in)
{
	switch (in->hdr.cmd) {
	case P_PING:
	case P_PING_ACK:
	case P_BARRIER_ACK:
	case P_CONN_ST_CHG_REPLY:
	case P_DELAY_PROBE:
		in->ok = receive_meta_connection(in);
		break;
	default:
		in->ok = in->device ? receive_meta_volume(in) : meta_error(in, "no such volume here");
		break;
	}
	return in->ok;
}
