// SPDX-License-Identifier: GPL-2.0
#include "wire.h"

#define MAGIC_H80	0x83740267u
#define MAGIC_H95	0x835au
#define MAGIC_H100	0x8620ec20u

/* Above this an apv 95..99 sender changes from H80 to H95. */
#define H80_LENGTH_MAX_95 32768u

/* ------------------------------------------------------------------ */
/* Headers                                                            */

unsigned int wire_header_size(int apv)
{
	return apv >= 100 ? sizeof(struct wire_h100) : sizeof(struct wire_h80);
}

static bool wire_cmd_always_h80(u16 cmd)
{
	return cmd == P_INITIAL_META || cmd == P_INITIAL_DATA || cmd == P_CONNECTION_FEATURES;
}

static unsigned int wire_h80_encode(void *buf, u16 cmd, u32 length)
{
	struct wire_h80 h = {
		.magic = cpu_to_be32(MAGIC_H80),
		.command = cpu_to_be16(cmd),
		.length = cpu_to_be16((u16)length),
	};

	if (length > 0xffff)
		return 0;
	memcpy(buf, &h, sizeof(h));
	return sizeof(h);
}

static unsigned int wire_h95_encode(void *buf, u16 cmd, u32 length)
{
	struct wire_h95 h = {
		.magic = cpu_to_be16(MAGIC_H95),
		.command = cpu_to_be16(cmd),
		.length = cpu_to_be32(length),
	};

	memcpy(buf, &h, sizeof(h));
	return sizeof(h);
}

static unsigned int wire_h100_encode(void *buf, u16 volume, u16 cmd, u32 length)
{
	struct wire_h100 h = {
		.magic = cpu_to_be32(MAGIC_H100),
		.volume = cpu_to_be16(volume),
		.command = cpu_to_be16(cmd),
		.length = cpu_to_be32(length),
		.pad = 0,
	};

	memcpy(buf, &h, sizeof(h));
	return sizeof(h);
}

unsigned int wire_header_encode(void *buf, int apv, u16 volume, u16 cmd, u32 length)
{
	if (apv >= 100 && !wire_cmd_always_h80(cmd))
		return wire_h100_encode(buf, volume, cmd, length);
	if (volume)
		return 0;
	if (apv >= 95 && length > H80_LENGTH_MAX_95)
		return wire_h95_encode(buf, cmd, length);
	return wire_h80_encode(buf, cmd, length);
}

static int wire_h100_decode(const void *buf, struct wire_header *hdr)
{
	struct wire_h100 h;

	memcpy(&h, buf, sizeof(h));
	if (be32_to_cpu(h.magic) != MAGIC_H100)
		return WIRE_ERR_MAGIC;
	if (h.pad)
		return WIRE_ERR_PAD;
	hdr->length = be32_to_cpu(h.length);
	hdr->volume = be16_to_cpu(h.volume);
	hdr->cmd = be16_to_cpu(h.command);
	return WIRE_OK;
}

int wire_header_decode(const void *buf, unsigned int len, int apv, struct wire_header *hdr)
{
	struct wire_h80 h80;
	struct wire_h95 h95;

	if (len < wire_header_size(apv))
		return WIRE_ERR_SHORT;
	if (apv >= 100)
		return wire_h100_decode(buf, hdr);

	memcpy(&h80, buf, sizeof(h80));
	memcpy(&h95, buf, sizeof(h95));
	hdr->volume = 0;
	if (be32_to_cpu(h80.magic) == MAGIC_H80) {
		hdr->cmd = be16_to_cpu(h80.command);
		hdr->length = be16_to_cpu(h80.length);
		return WIRE_OK;
	}
	if (be16_to_cpu(h95.magic) == MAGIC_H95) {
		hdr->cmd = be16_to_cpu(h95.command);
		hdr->length = be32_to_cpu(h95.length);
		return WIRE_OK;
	}
	return WIRE_ERR_MAGIC;
}

/* ------------------------------------------------------------------ */
/* Command table                                                      */

/* What may follow the fixed part. */
enum wire_tail {
	TAIL_NONE,
	TAIL_DATA,		/* digest and data */
	TAIL_DIGEST,
	TAIL_BITMAP,
	TAIL_CODED_BITMAP,	/* one byte of header, at least one of code */
	TAIL_CHALLENGE,
	TAIL_RESPONSE,
	TAIL_ALG,		/* algorithm name, apv >= 87 */
	TAIL_SYNC_PARAM,
};

#define ON_NONE		0	/* listed for its name only */
#define ON_DATA		WIRE_SOCKET_DATA
#define ON_META		WIRE_SOCKET_META
#define ON_BOTH		(WIRE_SOCKET_DATA | WIRE_SOCKET_META)

#define CMD_CONN	0x1	/* connection-wide: the volume field means nothing */
#define CMD_HANDSHAKE	0x2	/* not any more once the connection runs */

struct wire_cmd_desc {
	u16 cmd;
	const char *name;
	u8 sockets;
	u8 fixed;
	u8 tail;
	u8 apv_min;		/* 0: every version */
	u8 apv_max;		/* 0: every version */
	u8 feature;		/* FF_*, 0: none needed */
	u8 flags;
};

#define SZ(type) sizeof(struct wire_p_##type)

static const struct wire_cmd_desc wire_cmds[] = {
	{ P_DATA, "P_DATA", ON_DATA, SZ(data), TAIL_DATA, 0, 0, 0, 0 },
	{ P_DATA_REPLY, "P_DATA_REPLY", ON_DATA, SZ(data), TAIL_DATA, 0, 0, 0, 0 },
	{ P_RS_DATA_REPLY, "P_RS_DATA_REPLY", ON_DATA, SZ(data), TAIL_DATA, 0, 0, 0, 0 },
	{ P_BARRIER, "P_BARRIER", ON_DATA, SZ(barrier), TAIL_NONE, 0, 0, 0, CMD_CONN },
	{ P_BITMAP, "P_BITMAP", ON_DATA, 0, TAIL_BITMAP, 0, 0, 0, 0 },
	{ P_BECOME_SYNC_TARGET, "P_BECOME_SYNC_TARGET", ON_NONE, 0, TAIL_NONE, 0, 0, 0, 0 },
	{ P_BECOME_SYNC_SOURCE, "P_BECOME_SYNC_SOURCE", ON_NONE, 0, TAIL_NONE, 0, 0, 0, 0 },
	{ P_UNPLUG_REMOTE, "P_UNPLUG_REMOTE", ON_DATA, 0, TAIL_NONE, 0, 0, 0, CMD_CONN },
	{ P_DATA_REQUEST, "P_DATA_REQUEST", ON_DATA, SZ(block_req), TAIL_NONE, 0, 0, 0, 0 },
	{ P_RS_DATA_REQUEST, "P_RS_DATA_REQUEST", ON_DATA, SZ(block_req), TAIL_NONE, 0, 0, 0, 0 },
	{ P_SYNC_PARAM, "P_SYNC_PARAM", ON_DATA, 0, TAIL_SYNC_PARAM, 0, 88, 0, 0 },
	{ P_PROTOCOL, "P_PROTOCOL", ON_DATA, SZ(protocol), TAIL_ALG, 0, 0, 0, CMD_CONN },
	{ P_UUIDS, "P_UUIDS", ON_DATA, SZ(uuids), TAIL_NONE, 0, 0, 0, 0 },
	/* the fixed part depends on FF_WSAME: wire_sizes_len() */
	{ P_SIZES, "P_SIZES", ON_DATA, WIRE_SIZES_SHORT, TAIL_NONE, 0, 0, 0, 0 },
	{ P_STATE, "P_STATE", ON_DATA, SZ(state), TAIL_NONE, 0, 0, 0, 0 },
	{ P_SYNC_UUID, "P_SYNC_UUID", ON_DATA, SZ(sync_uuid), TAIL_NONE, 0, 0, 0, 0 },
	{ P_AUTH_CHALLENGE, "P_AUTH_CHALLENGE", ON_DATA, 0, TAIL_CHALLENGE, 0, 0, 0,
	  CMD_CONN | CMD_HANDSHAKE },
	{ P_AUTH_RESPONSE, "P_AUTH_RESPONSE", ON_DATA, 0, TAIL_RESPONSE, 0, 0, 0,
	  CMD_CONN | CMD_HANDSHAKE },
	{ P_STATE_CHG_REQ, "P_STATE_CHG_REQ", ON_DATA, SZ(state_req), TAIL_NONE, 0, 0, 0, 0 },
	{ P_PING, "P_PING", ON_META, 0, TAIL_NONE, 0, 0, 0, CMD_CONN },
	{ P_PING_ACK, "P_PING_ACK", ON_META, 0, TAIL_NONE, 0, 0, 0, CMD_CONN },
	{ P_RECV_ACK, "P_RECV_ACK", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_WRITE_ACK, "P_WRITE_ACK", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_RS_WRITE_ACK, "P_RS_WRITE_ACK", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_SUPERSEDED, "P_SUPERSEDED", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_NEG_ACK, "P_NEG_ACK", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_NEG_DREPLY, "P_NEG_DREPLY", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_NEG_RS_DREPLY, "P_NEG_RS_DREPLY", ON_META, SZ(block_ack), TAIL_NONE, 0, 0, 0, 0 },
	{ P_BARRIER_ACK, "P_BARRIER_ACK", ON_META, SZ(barrier_ack), TAIL_NONE, 0, 0, 0, CMD_CONN },
	{ P_STATE_CHG_REPLY, "P_STATE_CHG_REPLY", ON_META, SZ(state_reply), TAIL_NONE,
	  0, 0, 0, 0 },
	{ P_OV_REQUEST, "P_OV_REQUEST", ON_DATA, SZ(block_req), TAIL_NONE, 88, 0, 0, 0 },
	{ P_OV_REPLY, "P_OV_REPLY", ON_DATA, SZ(block_req), TAIL_DIGEST, 88, 0, 0, 0 },
	{ P_OV_RESULT, "P_OV_RESULT", ON_META, SZ(block_ack), TAIL_NONE, 88, 0, 0, 0 },
	{ P_CSUM_RS_REQUEST, "P_CSUM_RS_REQUEST", ON_DATA, SZ(block_req), TAIL_DIGEST,
	  89, 0, 0, 0 },
	{ P_RS_IS_IN_SYNC, "P_RS_IS_IN_SYNC", ON_META, SZ(block_ack), TAIL_NONE, 89, 0, 0, 0 },
	{ P_SYNC_PARAM89, "P_SYNC_PARAM89", ON_DATA, 0, TAIL_SYNC_PARAM, 89, 0, 0, 0 },
	{ P_COMPRESSED_BITMAP, "P_COMPRESSED_BITMAP", ON_DATA, 0, TAIL_CODED_BITMAP,
	  90, 0, 0, 0 },
	{ P_DELAY_PROBE, "P_DELAY_PROBE", ON_BOTH, SZ(delay_probe), TAIL_NONE, 0, 0, 0, CMD_CONN },
	{ P_OUT_OF_SYNC, "P_OUT_OF_SYNC", ON_DATA, SZ(block_desc), TAIL_NONE, 96, 0, 0, 0 },
	{ P_RS_CANCEL, "P_RS_CANCEL", ON_META, SZ(block_ack), TAIL_NONE, 96, 0, 0, 0 },
	{ P_CONN_ST_CHG_REQ, "P_CONN_ST_CHG_REQ", ON_DATA, SZ(state_req), TAIL_NONE,
	  100, 0, 0, CMD_CONN },
	{ P_CONN_ST_CHG_REPLY, "P_CONN_ST_CHG_REPLY", ON_META, SZ(state_reply), TAIL_NONE,
	  100, 0, 0, CMD_CONN },
	{ P_RETRY_WRITE, "P_RETRY_WRITE", ON_META, SZ(block_ack), TAIL_NONE, 100, 0, 0, 0 },
	{ P_PROTOCOL_UPDATE, "P_PROTOCOL_UPDATE", ON_DATA, SZ(protocol), TAIL_ALG,
	  100, 0, 0, CMD_CONN },
	{ P_TRIM, "P_TRIM", ON_DATA, SZ(range), TAIL_NONE, 0, 0, FF_TRIM, 0 },
	{ P_RS_THIN_REQ, "P_RS_THIN_REQ", ON_DATA, SZ(block_req), TAIL_NONE,
	  0, 0, FF_THIN_RESYNC, 0 },
	{ P_RS_DEALLOCATED, "P_RS_DEALLOCATED", ON_DATA, SZ(block_desc), TAIL_NONE,
	  0, 0, FF_THIN_RESYNC, 0 },
	{ P_WSAME, "P_WSAME", ON_NONE, SZ(range), TAIL_NONE, 0, 0, FF_WSAME, 0 },
	{ P_ZEROES, "P_ZEROES", ON_DATA, SZ(range), TAIL_NONE, 0, 0, FF_WZEROES, 0 },
	{ P_INITIAL_META, "P_INITIAL_META", ON_META, 0, TAIL_NONE, 0, 0, 0,
	  CMD_CONN | CMD_HANDSHAKE },
	{ P_INITIAL_DATA, "P_INITIAL_DATA", ON_DATA, 0, TAIL_NONE, 0, 0, 0,
	  CMD_CONN | CMD_HANDSHAKE },
	{ P_CONNECTION_FEATURES, "P_CONNECTION_FEATURES", ON_DATA, SZ(features), TAIL_NONE,
	  0, 0, 0, CMD_CONN | CMD_HANDSHAKE },
};

static const struct wire_cmd_desc *wire_cmd_find(u16 cmd)
{
	unsigned int i;

	/* Up to P_COMPRESSED_BITMAP the code is the index: the hot ones at once. */
	if (cmd < ARRAY_SIZE(wire_cmds) && wire_cmds[cmd].cmd == cmd)
		return &wire_cmds[cmd];
	for (i = 0; i < ARRAY_SIZE(wire_cmds); i++)
		if (wire_cmds[i].cmd == cmd)
			return &wire_cmds[i];
	return NULL;
}

static void wire_rule_set_tail(struct wire_rule *rule, u8 tail, int apv)
{
	u32 least = 0, most = 0;

	switch (tail) {
	case TAIL_DATA:
		most = WIRE_DATA_MAX + WIRE_DIGEST_MAX;
		break;
	case TAIL_DIGEST:
		most = WIRE_DIGEST_MAX;
		break;
	case TAIL_BITMAP:
		most = wire_bitmap_room(apv);
		break;
	case TAIL_CODED_BITMAP:
		least = 2;
		most = wire_bitmap_room(apv);
		break;
	case TAIL_CHALLENGE:
		least = WIRE_CHALLENGE_LEN;
		most = WIRE_CHALLENGE_MAX;
		break;
	case TAIL_RESPONSE:
		least = 1;
		most = WIRE_DIGEST_MAX;
		break;
	case TAIL_ALG:
		most = apv >= 87 ? WIRE_ALG_LEN : 0;
		break;
	case TAIL_SYNC_PARAM:
		least = wire_sync_param_len(apv, 0);
		most = wire_sync_param_len(apv, WIRE_ALG_LEN - 1);
		break;
	}
	rule->var_min = least;
	rule->var_max = most;
}

int wire_rule_find(enum wire_socket sock, u16 cmd, int apv, u32 features,
		   enum wire_phase phase, struct wire_rule *rule)
{
	const struct wire_cmd_desc *d = wire_cmd_find(cmd);

	if (!d || !(d->sockets & sock) || apv < d->apv_min)
		return WIRE_ERR_CMD;
	if (d->apv_max && apv > d->apv_max)
		return WIRE_ERR_CMD;
	if ((d->feature & features) != d->feature)
		return WIRE_ERR_CMD;
	if ((d->flags & CMD_HANDSHAKE) && phase != WIRE_PHASE_HANDSHAKE)
		return WIRE_ERR_CMD;

	rule->name = d->name;
	rule->fixed = cmd == P_SIZES ? wire_sizes_len(features) : d->fixed;
	rule->per_volume = !(d->flags & CMD_CONN);
	wire_rule_set_tail(rule, d->tail, apv);
	return WIRE_OK;
}

int wire_rule_check(const struct wire_rule *rule, u32 length)
{
	if (length < rule->fixed)
		return WIRE_ERR_LENGTH;
	length -= rule->fixed;
	if (length < rule->var_min || length > rule->var_max)
		return WIRE_ERR_LENGTH;
	return WIRE_OK;
}

const char *wire_cmd_name(u16 cmd)
{
	const struct wire_cmd_desc *d = wire_cmd_find(cmd);

	return d ? d->name : "P_UNKNOWN";
}

/* ------------------------------------------------------------------ */
/* What depends on the version                                        */

u32 wire_data_max(int apv)
{
	if (apv < 95)
		return 32768;
	return apv < 100 ? 131072 : WIRE_DATA_MAX;
}

u32 wire_length_max(int apv)
{
	return apv < 95 ? 0xffff : U32_MAX;
}

u32 wire_peer_bio_limit(int apv, u32 peer_max_bio_size)
{
	u32 limit = wire_data_max(apv);

	/* Below 94 the field carries the peer's real limit, later its ability. */
	if (apv < 94)
		limit = min_t(u32, limit, peer_max_bio_size);
	return limit;
}

u32 wire_discard_max(u32 features)
{
	return features & FF_WSAME ? WIRE_DISCARD_MAX : WIRE_DISCARD_MAX_OLD;
}

u32 wire_dp_flags_mask(int apv)
{
	u32 mask = DP_RW_SYNC | DP_MAY_SET_IN_SYNC;

	if (apv >= 95)
		mask |= DP_FUA | DP_FLUSH | DP_DISCARD | DP_WSAME | DP_ZEROES;
	if (apv >= 100)
		mask |= DP_SEND_RECEIVE_ACK | DP_SEND_WRITE_ACK;
	return mask;
}

unsigned int wire_bitmap_room(int apv)
{
	return (WIRE_SOCKET_BUFFER - wire_header_size(apv)) & ~7u;
}

u32 wire_sizes_len(u32 features)
{
	return features & FF_WSAME ? sizeof(struct wire_p_sizes) : WIRE_SIZES_SHORT;
}

u16 wire_sync_param_cmd(int apv)
{
	return apv >= 89 ? P_SYNC_PARAM89 : P_SYNC_PARAM;
}

u32 wire_sync_param_len(int apv, u32 verify_alg_len)
{
	const u32 rate = sizeof(__be32);

	if (apv <= 87)
		return rate;
	if (apv == 88)
		return rate + verify_alg_len + 1;
	if (apv < 95)
		return offsetof(struct wire_p_sync_param, c_plan_ahead);
	return sizeof(struct wire_p_sync_param);
}
