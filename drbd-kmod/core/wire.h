/* SPDX-License-Identifier: GPL-2.0 */
/*
 * wire.h - the whole wire format: headers, packets, commands, limits
 *
 * Spec: wire.md sections 2 and 3.  Pure functions, any context.  Integers on
 * the wire are big-endian and carry __be types; fields marked opaque are byte
 * strings that belong to the sender and are copied back unchanged, never
 * converted.  "sector" is 512 bytes; sizes are bytes unless a name says
 * otherwise; "apv" is the agreed protocol version (86..101; 80 before the
 * features exchange).  The bitmap packets' payload is in vli.h.
 */
#ifndef CORE_WIRE_H
#define CORE_WIRE_H

#include "portable.h"

#define WIRE_APV_MIN 86
#define WIRE_APV_MAX 101
/* The version that selects the 8 byte header before features are exchanged. */
#define WIRE_APV_HANDSHAKE 80
/* Headers of versions before this one name no volume: there is volume 0 only. */
#define WIRE_APV_VOLUMES 100

/* Feature flags (P_CONNECTION_FEATURES). */
#define FF_TRIM		0x1u
#define FF_THIN_RESYNC	0x2u
#define FF_WSAME	0x4u
#define FF_WZEROES	0x8u
/* Beyond 8.4, offered by our own kind only. */
#define FF_VERIFY_REPAIR 0x01000000u	/* a volume may go from Connected to WFBitMapS and WFBitMapT */
#define WIRE_FEATURES_84 (FF_TRIM | FF_THIN_RESYNC | FF_WSAME | FF_WZEROES)
#define WIRE_FEATURES	(WIRE_FEATURES_84 | FF_VERIFY_REPAIR)

/* block_id of resync traffic: all ones, so the same in any byte order. */
#define ID_SYNCER U64_MAX
/* block_id of P_OV_RESULT, the only one that is a big-endian number. */
#define ID_IN_SYNC	4711ULL
#define ID_OUT_OF_SYNC	4712ULL

#define WIRE_SOCKET_BUFFER	4096u		/* header + fixed part + bitmap */
#define WIRE_DATA_MAX		1048576u	/* accepted data bytes, every apv */
#define WIRE_DISCARD_MAX	134217728u	/* accepted range of one discard */
#define WIRE_DISCARD_MAX_OLD	4194304u	/* sent without FF_WSAME */
#define WIRE_ALG_LEN		64u		/* algorithm name or secret, with NUL */
#define WIRE_DIGEST_MAX		64u
#define WIRE_CHALLENGE_LEN	64u
#define WIRE_CHALLENGE_MAX	128u

enum wire_cmd {
	P_DATA			= 0x00,
	P_DATA_REPLY		= 0x01,
	P_RS_DATA_REPLY		= 0x02,
	P_BARRIER		= 0x03,
	P_BITMAP		= 0x04,
	P_BECOME_SYNC_TARGET	= 0x05,	/* never sent, error on receipt */
	P_BECOME_SYNC_SOURCE	= 0x06,	/* never sent, error on receipt */
	P_UNPLUG_REMOTE		= 0x07,
	P_DATA_REQUEST		= 0x08,
	P_RS_DATA_REQUEST	= 0x09,
	P_SYNC_PARAM		= 0x0a,
	P_PROTOCOL		= 0x0b,
	P_UUIDS			= 0x0c,
	P_SIZES			= 0x0d,
	P_STATE			= 0x0e,
	P_SYNC_UUID		= 0x0f,
	P_AUTH_CHALLENGE	= 0x10,
	P_AUTH_RESPONSE		= 0x11,
	P_STATE_CHG_REQ		= 0x12,
	P_PING			= 0x13,
	P_PING_ACK		= 0x14,
	P_RECV_ACK		= 0x15,
	P_WRITE_ACK		= 0x16,
	P_RS_WRITE_ACK		= 0x17,
	P_SUPERSEDED		= 0x18,
	P_NEG_ACK		= 0x19,
	P_NEG_DREPLY		= 0x1a,
	P_NEG_RS_DREPLY		= 0x1b,
	P_BARRIER_ACK		= 0x1c,
	P_STATE_CHG_REPLY	= 0x1d,
	P_OV_REQUEST		= 0x1e,
	P_OV_REPLY		= 0x1f,
	P_OV_RESULT		= 0x20,
	P_CSUM_RS_REQUEST	= 0x21,
	P_RS_IS_IN_SYNC		= 0x22,
	P_SYNC_PARAM89		= 0x23,
	P_COMPRESSED_BITMAP	= 0x24,
	P_DELAY_PROBE		= 0x27,
	P_OUT_OF_SYNC		= 0x28,
	P_RS_CANCEL		= 0x29,
	P_CONN_ST_CHG_REQ	= 0x2a,
	P_CONN_ST_CHG_REPLY	= 0x2b,
	P_RETRY_WRITE		= 0x2c,
	P_PROTOCOL_UPDATE	= 0x2d,
	P_TRIM			= 0x31,
	P_RS_THIN_REQ		= 0x32,
	P_RS_DEALLOCATED	= 0x33,
	P_WSAME			= 0x34,	/* layout known; neither sent nor accepted */
	P_ZEROES		= 0x36,
	P_INITIAL_META		= 0xfff1,
	P_INITIAL_DATA		= 0xfff2,
	P_CONNECTION_FEATURES	= 0xfffe,
};

/* dp_flags of P_DATA, P_TRIM, P_ZEROES. */
#define DP_HARDBARRIER		0x001u	/* unused */
#define DP_RW_SYNC		0x002u
#define DP_MAY_SET_IN_SYNC	0x004u
#define DP_UNPLUG		0x008u	/* unused */
#define DP_FUA			0x010u
#define DP_FLUSH		0x020u
#define DP_DISCARD		0x040u
#define DP_SEND_RECEIVE_ACK	0x080u	/* apv >= 100 */
#define DP_SEND_WRITE_ACK	0x100u	/* apv >= 100 */
#define DP_WSAME		0x200u
#define DP_ZEROES		0x400u

/* conn_flags of P_PROTOCOL. */
#define WIRE_CF_DISCARD_MY_DATA	1u
#define WIRE_CF_DRY_RUN		2u

/* flags of P_UUIDS. */
#define WIRE_UF_DISCARD_MY_DATA		1u
#define WIRE_UF_CRASHED_PRIMARY		2u
#define WIRE_UF_INCONSISTENT		4u
#define WIRE_UF_SKIP_INITIAL_SYNC	8u

/* dds_flags of P_SIZES. */
#define WIRE_DDSF_FORCED	1u
#define WIRE_DDSF_NO_RESYNC	2u

/* ------------------------------------------------------------------ */
/* Headers                                                            */

struct wire_h80 {
	__be32 magic;
	__be16 command;
	__be16 length;
} __packed;
static_assert(sizeof(struct wire_h80) == 8, "H80");

struct wire_h95 {
	__be16 magic;
	__be16 command;
	__be32 length;
} __packed;
static_assert(sizeof(struct wire_h95) == 8, "H95");

struct wire_h100 {
	__be32 magic;
	__be16 volume;
	__be16 command;
	__be32 length;
	__be32 pad;
} __packed;
static_assert(sizeof(struct wire_h100) == 16, "H100");

#define WIRE_HEADER_MAX sizeof(struct wire_h100)

/* A decoded header; length counts the bytes after it. */
struct wire_header {
	u32 length;
	u16 volume;	/* 0 where the format carries none */
	u16 cmd;
};

enum wire_error {
	WIRE_OK = 0,
	WIRE_ERR_SHORT = -1,	/* fewer bytes than the header (or packet) needs */
	WIRE_ERR_MAGIC = -2,	/* not a header of this protocol version */
	WIRE_ERR_PAD = -3,	/* H100 whose pad is not 0 */
	WIRE_ERR_CMD = -4,	/* unknown, or not on this socket/version/phase */
	WIRE_ERR_LENGTH = -5,	/* length does not fit the command's layout */
};

/* Bytes of every header at this version: 8 below 100, else 16. */
unsigned int wire_header_size(int apv);

/*
 * Write the header that a sender uses at @apv into @buf (room for
 * WIRE_HEADER_MAX).  P_INITIAL_* and P_CONNECTION_FEATURES always become H80.
 * Returns the number of bytes written, 0 if @length does not fit the format
 * (H80 and more than 65535 bytes) or a volume is named that it cannot carry.
 */
unsigned int wire_header_encode(void *buf, int apv, u16 volume, u16 cmd, u32 length);

/* Returns WIRE_OK, WIRE_ERR_SHORT, WIRE_ERR_MAGIC or WIRE_ERR_PAD. */
int wire_header_decode(const void *buf, unsigned int len, int apv, struct wire_header *hdr);

/* ------------------------------------------------------------------ */
/* Packets, fixed parts (L1..L12 of wire.md 3.2)                      */

/* L1: P_DATA, P_DATA_REPLY, P_RS_DATA_REPLY; then digest, then data. */
struct wire_p_data {
	__be64 sector;
	u64 block_id;		/* opaque */
	__be32 seq_num;
	__be32 dp_flags;
} __packed;
static_assert(sizeof(struct wire_p_data) == 24, "L1");

/* L2: P_TRIM, P_ZEROES (and P_WSAME, which goes on with digest and one block). */
struct wire_p_range {
	struct wire_p_data head;
	__be32 size;
} __packed;
static_assert(sizeof(struct wire_p_range) == 28, "L2");

/* L3: every block acknowledgement.  In P_OV_RESULT block_id is big-endian. */
struct wire_p_block_ack {
	__be64 sector;
	u64 block_id;		/* opaque */
	__be32 blksize;
	__be32 seq_num;
} __packed;
static_assert(sizeof(struct wire_p_block_ack) == 24, "L3");

/* L4: read, resync, verify requests; P_OV_REPLY and P_CSUM_RS_REQUEST + digest. */
struct wire_p_block_req {
	__be64 sector;
	u64 block_id;		/* opaque */
	__be32 blksize;
	__be32 pad;		/* ignore: genuine senders leave garbage */
} __packed;
static_assert(sizeof(struct wire_p_block_req) == 24, "L4");

/* L5 */
struct wire_p_barrier {
	u32 barrier;		/* opaque */
	__be32 pad;
} __packed;
static_assert(sizeof(struct wire_p_barrier) == 8, "L5");

struct wire_p_barrier_ack {
	u32 barrier;		/* copied from P_BARRIER */
	__be32 set_size;
} __packed;
static_assert(sizeof(struct wire_p_barrier_ack) == 8, "L5");

/* L6: P_OUT_OF_SYNC, P_RS_DEALLOCATED */
struct wire_p_block_desc {
	__be64 sector;
	__be32 blksize;
	__be32 pad;		/* ignore */
} __packed;
static_assert(sizeof(struct wire_p_block_desc) == 16, "L6");

/* L7 */
struct wire_p_features {
	__be32 protocol_min;
	__be32 feature_flags;
	__be32 protocol_max;	/* 0: protocol_min is meant */
	__be32 pad;
	u8 reserved[56];
} __packed;
static_assert(sizeof(struct wire_p_features) == 72, "L7");

/* L8: P_PROTOCOL, P_PROTOCOL_UPDATE; apv >= 87: then the NUL ended name. */
struct wire_p_protocol {
	__be32 protocol;	/* 1 A, 2 B, 3 C */
	__be32 after_sb_0p;
	__be32 after_sb_1p;
	__be32 after_sb_2p;
	__be32 conn_flags;
	__be32 two_primaries;
} __packed;
static_assert(sizeof(struct wire_p_protocol) == 24, "L8");

/*
 * L9: P_SYNC_PARAM, P_SYNC_PARAM89.  How much of it is sent depends on apv,
 * see wire_sync_param_len().  apv 88 sends verify_alg unpadded with its NUL.
 */
struct wire_p_sync_param {
	__be32 resync_rate;	/* KiB/s */
	char verify_alg[WIRE_ALG_LEN];
	char csums_alg[WIRE_ALG_LEN];
	__be32 c_plan_ahead;	/* 0.1 s */
	__be32 c_delay_target;	/* 0.1 s */
	__be32 c_fill_target;	/* sectors */
	__be32 c_max_rate;	/* KiB/s */
} __packed;
static_assert(sizeof(struct wire_p_sync_param) == 148, "L9");

/* L10 */
struct wire_p_uuids {
	__be64 current_uuid;
	__be64 bitmap_uuid;
	__be64 history[2];
	__be64 bits_set;
	__be64 flags;		/* WIRE_UF_* */
} __packed;
static_assert(sizeof(struct wire_p_uuids) == 48, "L10");

/* L11: the last 24 bytes only with FF_WSAME, see wire_sizes_len(). */
struct wire_p_sizes {
	__be64 d_size;		/* sectors, as all three */
	__be64 u_size;
	__be64 c_size;
	__be32 max_bio_size;
	__be16 queue_order_type;
	__be16 dds_flags;	/* WIRE_DDSF_* */
	__be32 physical_block_size;
	__be32 logical_block_size;
	__be32 alignment_offset;
	__be32 io_min;
	__be32 io_opt;
	u8 discard_enabled;
	u8 discard_zeroes_data;
	u8 write_same_capable;
	u8 pad;
} __packed;
static_assert(sizeof(struct wire_p_sizes) == 56, "L11");
#define WIRE_SIZES_SHORT 32u

/* L12 */
struct wire_p_state {
	__be32 state;
} __packed;
static_assert(sizeof(struct wire_p_state) == 4, "L12");

struct wire_p_state_req {	/* P_STATE_CHG_REQ, P_CONN_ST_CHG_REQ */
	__be32 mask;
	__be32 val;
} __packed;
static_assert(sizeof(struct wire_p_state_req) == 8, "L12");

struct wire_p_state_reply {	/* P_STATE_CHG_REPLY, P_CONN_ST_CHG_REPLY */
	__be32 retcode;		/* signed */
} __packed;
static_assert(sizeof(struct wire_p_state_reply) == 4, "L12");

struct wire_p_sync_uuid {
	__be64 uuid;
} __packed;
static_assert(sizeof(struct wire_p_sync_uuid) == 8, "L12");

struct wire_p_delay_probe {
	__be32 seq_num;
	__be32 offset_us;
} __packed;
static_assert(sizeof(struct wire_p_delay_probe) == 8, "L12");

/* ------------------------------------------------------------------ */
/* Command table                                                      */

enum wire_socket {
	WIRE_SOCKET_DATA = 1,
	WIRE_SOCKET_META = 2,
};

enum wire_phase {
	WIRE_PHASE_HANDSHAKE,	/* before P_PROTOCOL was exchanged */
	WIRE_PHASE_RUNNING,
};

/* What a receiver may expect after the header. */
struct wire_rule {
	const char *name;
	u32 fixed;	/* bytes of the fixed part, to be read first */
	u32 var_min;	/* then var_min..var_max bytes more; both 0: none */
	u32 var_max;
	bool per_volume; /* false: connection-wide, ignore the volume field */
};

/*
 * The rule for @cmd arriving on @sock.  WIRE_OK, or WIRE_ERR_CMD if the
 * command is unknown, misplaced, or not spoken at this version, with these
 * features, in this phase.
 */
int wire_rule_find(enum wire_socket sock, u16 cmd, int apv, u32 features,
		   enum wire_phase phase, struct wire_rule *rule);

/* Does a header's length fit the rule?  WIRE_OK or WIRE_ERR_LENGTH. */
int wire_rule_check(const struct wire_rule *rule, u32 length);

/* "P_DATA" etc. for messages; "P_UNKNOWN" for what this file does not list. */
const char *wire_cmd_name(u16 cmd);

/* ------------------------------------------------------------------ */
/* What depends on the version                                        */

/* Largest data payload this node sends: 32 KiB (<= 94), 128 KiB (95..99), 1 MiB. */
u32 wire_data_max(int apv);

/* Largest value of a header's length: what follows the header, 64 KiB less one byte (<= 94). */
u32 wire_length_max(int apv);

/* Largest request to generate, given the peer's max_bio_size (wire.md 4.6 step 4). */
u32 wire_peer_bio_limit(int apv, u32 peer_max_bio_size);

/* Largest range of one discard or zero-out this node sends. */
u32 wire_discard_max(u32 features);

/* The dp_flags a peer of this version understands. */
u32 wire_dp_flags_mask(int apv);

/* Room for the payload of one P_BITMAP / P_COMPRESSED_BITMAP: 4080 or 4088. */
unsigned int wire_bitmap_room(int apv);

/* Length of P_SIZES. */
u32 wire_sizes_len(u32 features);

/* Which command carries the sync parameters: P_SYNC_PARAM or P_SYNC_PARAM89. */
u16 wire_sync_param_cmd(int apv);

/* Its length; @verify_alg_len (strlen) matters for apv 88 only. */
u32 wire_sync_param_len(int apv, u32 verify_alg_len);

#endif /* CORE_WIRE_H */
