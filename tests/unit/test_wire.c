// SPDX-License-Identifier: GPL-2.0
/* The wire codec against genuine packets and the rules of wire.md 2 and 3. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/wire.h"

struct sample {
	char name[96];
	enum wire_socket sock;
	u8 header[16];
	unsigned int header_len;
	u8 body[256];
	unsigned int body_len;	/* as listed: the payload may be cut */
};

static unsigned int from_hex(const char *hex, u8 *out, unsigned int room)
{
	unsigned int n = 0, byte;

	while (n < room && sscanf(hex + 2 * n, "%2x", &byte) == 1 && hex[2 * n] != '.')
		out[n++] = (u8)byte;
	return n;
}

static char *next_field(char **line)
{
	char *field = *line, *bar = strstr(field, " | ");

	if (!bar)
		bar = strstr(field, " |");
	if (bar) {
		*bar = '\0';
		*line = bar + (bar[2] == ' ' ? 3 : 2);
	} else {
		*line = field + strlen(field);
	}
	return field;
}

static void sample_parse(char *line, struct sample *s)
{
	const char *name;

	memset(s, 0, sizeof(*s));
	line[strcspn(line, "\n")] = '\0';
	next_field(&line);			/* group */
	name = next_field(&line);
	if (!strncmp(name, "header", 6))	/* "header95 DATA ..." */
		name = strchr(name, ' ') + 1;
	snprintf(s->name, sizeof(s->name), "%s", name);
	next_field(&line);			/* direction */
	s->sock = strcmp(next_field(&line), "meta") ? WIRE_SOCKET_DATA : WIRE_SOCKET_META;
	s->header_len = from_hex(next_field(&line), s->header, sizeof(s->header));
	s->body_len = from_hex(next_field(&line), s->body, sizeof(s->body));
}

/* The version a sample was captured at. */
static int sample_apv(const struct sample *s)
{
	const char *apv = strstr(s->name, "apv ");

	if (s->header_len == 16)
		return 101;
	if (apv)
		return atoi(apv + 4);
	if (strstr(s->name, "128K"))
		return 96;
	return strstr(s->name, "32K") ? 94 : WIRE_APV_HANDSHAKE;
}

static enum wire_phase sample_phase(const struct sample *s)
{
	return !strncmp(s->name, "INITIAL", 7) || !strncmp(s->name, "AUTH", 4) ||
	       !strncmp(s->name, "CONNECTION", 10) ? WIRE_PHASE_HANDSHAKE : WIRE_PHASE_RUNNING;
}

#define COPY16(f) (out.f = cpu_to_be16(be16_to_cpu(in.f)))
#define COPY32(f) (out.f = cpu_to_be32(be32_to_cpu(in.f)))
#define COPY64(f) (out.f = cpu_to_be64(be64_to_cpu(in.f)))
#define COPYRAW(f) memcpy(&out.f, &in.f, sizeof(in.f))

/* Each field through its host value; returns bytes covered. */
#define REENCODE(type, ...)					\
	do {							\
		struct wire_p_##type in, out;			\
		memset(&out, 0, sizeof(out));			\
		memcpy(&in, body, sizeof(in));			\
		__VA_ARGS__;					\
		memcpy(copy, &out, sizeof(out));		\
		return sizeof(out);				\
	} while (0)

static unsigned int reencode(u16 cmd, u32 length, const u8 *body, u8 *copy)
{
	switch (cmd) {
	case P_DATA: case P_DATA_REPLY: case P_RS_DATA_REPLY:
		REENCODE(data, COPY64(sector), COPYRAW(block_id), COPY32(seq_num),
			 COPY32(dp_flags));
	case P_TRIM: case P_ZEROES:
		REENCODE(range, COPY64(head.sector), COPYRAW(head.block_id),
			 COPY32(head.seq_num), COPY32(head.dp_flags), COPY32(size));
	case P_RECV_ACK: case P_WRITE_ACK: case P_RS_WRITE_ACK: case P_SUPERSEDED:
	case P_NEG_ACK: case P_NEG_DREPLY: case P_NEG_RS_DREPLY: case P_OV_RESULT:
	case P_RS_IS_IN_SYNC: case P_RETRY_WRITE: case P_RS_CANCEL:
		REENCODE(block_ack, COPY64(sector), COPYRAW(block_id), COPY32(blksize),
			 COPY32(seq_num));
	case P_DATA_REQUEST: case P_RS_DATA_REQUEST: case P_OV_REQUEST: case P_OV_REPLY:
	case P_CSUM_RS_REQUEST: case P_RS_THIN_REQ:
		REENCODE(block_req, COPY64(sector), COPYRAW(block_id), COPY32(blksize),
			 COPY32(pad));
	case P_BARRIER:
		REENCODE(barrier, COPYRAW(barrier), COPY32(pad));
	case P_BARRIER_ACK:
		REENCODE(barrier_ack, COPYRAW(barrier), COPY32(set_size));
	case P_OUT_OF_SYNC: case P_RS_DEALLOCATED:
		REENCODE(block_desc, COPY64(sector), COPY32(blksize), COPY32(pad));
	case P_CONNECTION_FEATURES:
		REENCODE(features, COPY32(protocol_min), COPY32(feature_flags),
			 COPY32(protocol_max));
	case P_PROTOCOL: case P_PROTOCOL_UPDATE:
		REENCODE(protocol, COPY32(protocol), COPY32(after_sb_0p), COPY32(after_sb_1p),
			 COPY32(after_sb_2p), COPY32(conn_flags), COPY32(two_primaries));
	case P_UUIDS:
		REENCODE(uuids, COPY64(current_uuid), COPY64(bitmap_uuid), COPY64(history[0]),
			 COPY64(history[1]), COPY64(bits_set), COPY64(flags));
	case P_SIZES:
		if (length == WIRE_SIZES_SHORT) {
			memcpy(copy, body, WIRE_SIZES_SHORT);
			return WIRE_SIZES_SHORT;
		}
		REENCODE(sizes, COPY64(d_size), COPY64(u_size), COPY64(c_size),
			 COPY32(max_bio_size), COPY16(queue_order_type), COPY16(dds_flags),
			 COPY32(physical_block_size), COPY32(logical_block_size),
			 COPY32(alignment_offset), COPY32(io_min), COPY32(io_opt),
			 COPYRAW(discard_enabled), COPYRAW(discard_zeroes_data),
			 COPYRAW(write_same_capable));
	case P_STATE:
		REENCODE(state, COPY32(state));
	case P_STATE_CHG_REQ: case P_CONN_ST_CHG_REQ:
		REENCODE(state_req, COPY32(mask), COPY32(val));
	case P_STATE_CHG_REPLY: case P_CONN_ST_CHG_REPLY:
		REENCODE(state_reply, COPY32(retcode));
	case P_SYNC_UUID:
		REENCODE(sync_uuid, COPY64(uuid));
	}
	return 0;
}

static void check_sample(const struct sample *s)
{
	char expected[96] = "P_";
	int apv = sample_apv(s);
	struct wire_header h;
	struct wire_rule rule;
	u8 header[WIRE_HEADER_MAX], copy[256];
	unsigned int fixed;
	u32 features;

	assert_int_equal(wire_header_decode(s->header, s->header_len, apv, &h), WIRE_OK);
	features = h.cmd == P_SIZES && h.length == WIRE_SIZES_SHORT ? 0 : WIRE_FEATURES;

	strncat(expected, s->name, strcspn(s->name, " "));
	assert_string_equal(wire_cmd_name(h.cmd), expected);

	assert_int_equal(wire_header_encode(header, apv, h.volume, h.cmd, h.length),
			 s->header_len);
	assert_memory_equal(header, s->header, s->header_len);

	assert_int_equal(wire_rule_find(s->sock, h.cmd, apv, features, sample_phase(s), &rule),
			 WIRE_OK);
	assert_int_equal(wire_rule_check(&rule, h.length), WIRE_OK);

	fixed = reencode(h.cmd, h.length, s->body, copy);
	assert_int_equal(fixed, rule.fixed);
	assert_true(s->body_len >= fixed);
	assert_memory_equal(copy, s->body, fixed);
}

static void genuine_packets_decode_and_encode_byte_for_byte(void **state)
{
	FILE *f = fopen(VECTORS "/wire/packets.txt", "r");
	static char line[8192];
	unsigned int n = 0;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		struct sample s;

		if (line[0] == '#' || line[0] == '\n')
			continue;
		sample_parse(line, &s);
		check_sample(&s);
		n++;
	}
	fclose(f);
	assert_int_equal(n, 73);
}

static void body_of(const char *hex, void *out, unsigned int len)
{
	assert_int_equal(from_hex(hex, out, len), len);
}

static void fields_of_the_appendix_have_their_values(void **state)
{
	struct wire_p_sizes sizes;
	struct wire_p_features features;
	struct wire_p_data data;
	struct wire_p_range range;
	struct wire_p_block_ack ack;
	struct wire_p_block_req req;
	struct wire_p_state_req chg;
	struct wire_p_block_desc desc;
	struct wire_p_barrier_ack back;

	(void)state;
	body_of("000000000001ffb00000000000000000000000000001ffb0001000000000000"
		"0000002000000020000000000000002000000000001000000", &sizes, sizeof(sizes));
	assert_int_equal(be64_to_cpu(sizes.d_size), 0x1ffb0);
	assert_int_equal(be64_to_cpu(sizes.u_size), 0);
	assert_int_equal(be64_to_cpu(sizes.c_size), 0x1ffb0);
	assert_int_equal(be32_to_cpu(sizes.max_bio_size), 1048576);
	assert_int_equal(be32_to_cpu(sizes.physical_block_size), 512);
	assert_int_equal(be32_to_cpu(sizes.logical_block_size), 512);
	assert_int_equal(be32_to_cpu(sizes.io_min), 512);
	assert_int_equal(sizes.discard_enabled, 1);

	memset(&features, 0, sizeof(features));
	body_of("000000560000000f0000006500000000", &features, 16);
	assert_int_equal(be32_to_cpu(features.protocol_min), WIRE_APV_MIN);
	assert_int_equal(be32_to_cpu(features.protocol_max), WIRE_APV_MAX);
	/* What the original offers; ours adds what only its own kind understands. */
	assert_int_equal(be32_to_cpu(features.feature_flags), WIRE_FEATURES_84);
	assert_int_equal(WIRE_FEATURES & 0xffff, WIRE_FEATURES_84);

	body_of("000000000000000840dc5ec4eae33dff0000000200000102", &data, sizeof(data));
	assert_int_equal(be64_to_cpu(data.sector), 8);
	assert_int_equal(be32_to_cpu(data.seq_num), 2);
	assert_int_equal(be32_to_cpu(data.dp_flags), DP_SEND_WRITE_ACK | DP_RW_SYNC);

	body_of("000000000000100040dc5ec4eae33dff000000020000050200010000", &range,
		sizeof(range));
	assert_int_equal(be32_to_cpu(range.head.dp_flags),
			 DP_SEND_WRITE_ACK | DP_ZEROES | DP_RW_SYNC);
	assert_int_equal(be32_to_cpu(range.size), 65536);

	body_of("000000000000010800000000000012680000100000000028", &ack, sizeof(ack));
	assert_int_equal(be64_to_cpu(ack.block_id), ID_OUT_OF_SYNC);
	assert_int_equal(be32_to_cpu(ack.blksize), 4096);
	assert_int_equal(be32_to_cpu(ack.seq_num), 0x28);

	body_of("0000000000000000ffffffffffffffff0000700000000000", &req, sizeof(req));
	assert_true(req.block_id == ID_SYNCER);
	assert_int_equal(be32_to_cpu(req.blksize), 28672);

	body_of("00001e0300001001", &chg, sizeof(chg));
	assert_int_equal(be32_to_cpu(chg.mask), 0x1e03);
	assert_int_equal(be32_to_cpu(chg.val), 0x1001);

	body_of("0000000000000800000100008c7723ff", &desc, sizeof(desc));
	assert_int_equal(be64_to_cpu(desc.sector), 0x800);
	assert_int_equal(be32_to_cpu(desc.blksize), 65536);

	body_of("0100000000000001", &back, sizeof(back));
	assert_int_equal(be32_to_cpu(back.set_size), 1);
}

static void sender_picks_the_header_of_its_version(void **state)
{
	static const u8 h95[] = { 0x83, 0x5a, 0, 0, 0, 1, 0, 0x18 };
	u8 buf[WIRE_HEADER_MAX];

	(void)state;
	assert_int_equal(wire_header_encode(buf, 94, 0, P_DATA, 32792), 8);
	assert_int_equal(buf[0] << 8 | buf[1], 0x8374);
	assert_int_equal(buf[6] << 8 | buf[7], 0x8018);	/* beyond 32767: unsigned */
	assert_int_equal(wire_header_encode(buf, 96, 0, P_DATA, 32768), 8);
	assert_int_equal(buf[1], 0x74);
	assert_int_equal(wire_header_encode(buf, 95, 0, P_DATA, 32769), 8);
	assert_int_equal(buf[1], 0x5a);
	assert_int_equal(wire_header_encode(buf, 99, 0, P_DATA, 65560), 8);
	assert_memory_equal(buf, h95, 8);
	assert_int_equal(wire_header_encode(buf, 100, 7, P_PING, 0), 16);
	assert_int_equal(buf[5], 7);
	/* These never change their format. */
	assert_int_equal(wire_header_encode(buf, 101, 0, P_CONNECTION_FEATURES, 72), 8);
	/* What the format cannot express is refused. */
	assert_int_equal(wire_header_encode(buf, 94, 0, P_DATA, 65536), 0);
	assert_int_equal(wire_header_encode(buf, 99, 1, P_DATA, 24), 0);
}

static void receiver_takes_the_headers_of_its_version_only(void **state)
{
	u8 h80[16] = { 0x83, 0x74, 0x02, 0x67, 0, 0x13, 0, 0 };
	u8 h95[16] = { 0x83, 0x5a, 0, 0x13, 0, 1, 0, 0x18 };
	u8 h100[16] = { 0x86, 0x20, 0xec, 0x20, 0, 5, 0, 0x13 };
	struct wire_header h;

	(void)state;
	assert_int_equal(wire_header_decode(h80, 8, 80, &h), WIRE_OK);
	assert_int_equal(h.cmd, P_PING);
	assert_int_equal(wire_header_decode(h95, 8, 90, &h), WIRE_OK);
	assert_int_equal(h.length, 65560);
	assert_int_equal(h.volume, 0);
	assert_int_equal(wire_header_decode(h100, 16, 99, &h), WIRE_ERR_MAGIC);
	assert_int_equal(wire_header_decode(h80, 16, 100, &h), WIRE_ERR_MAGIC);
	assert_int_equal(wire_header_decode(h95, 16, 100, &h), WIRE_ERR_MAGIC);
	assert_int_equal(wire_header_decode(h100, 16, 100, &h), WIRE_OK);
	assert_int_equal(h.volume, 5);
	h100[15] = 1;
	assert_int_equal(wire_header_decode(h100, 16, 100, &h), WIRE_ERR_PAD);
	assert_int_equal(wire_header_decode(h100, 15, 100, &h), WIRE_ERR_SHORT);
	assert_int_equal(wire_header_decode(h80, 7, 80, &h), WIRE_ERR_SHORT);
}

static int find(enum wire_socket sock, u16 cmd, int apv, u32 features)
{
	struct wire_rule rule;

	return wire_rule_find(sock, cmd, apv, features, WIRE_PHASE_RUNNING, &rule);
}

static int check_len(u16 cmd, int apv, u32 features, u32 length)
{
	struct wire_rule rule;

	assert_int_equal(wire_rule_find(WIRE_SOCKET_DATA, cmd, apv, features,
					WIRE_PHASE_HANDSHAKE, &rule), WIRE_OK);
	return wire_rule_check(&rule, length);
}

static void misplaced_commands_are_refused(void **state)
{
	static const u16 never[] = { 0x05, 0x06, 0x25, 0x26, 0x2e, 0x2f, 0x30, 0x34, 0x35,
				     0x37, 0x40, 0x59, 0x100, 0x101, 0xfff0, 0xffff };
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(never); i++) {
		assert_int_equal(find(WIRE_SOCKET_DATA, never[i], 101, ~0u), WIRE_ERR_CMD);
		assert_int_equal(find(WIRE_SOCKET_META, never[i], 101, ~0u), WIRE_ERR_CMD);
	}
	assert_int_equal(find(WIRE_SOCKET_DATA, P_PING, 101, 0xf), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_META, P_DATA, 101, 0xf), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_AUTH_CHALLENGE, 101, 0xf), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_CONNECTION_FEATURES, 101, 0xf), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_DELAY_PROBE, 101, 0), WIRE_OK);
	assert_int_equal(find(WIRE_SOCKET_META, P_DELAY_PROBE, 101, 0), WIRE_OK);
}

static void commands_need_their_version_and_feature(void **state)
{
	static const struct { u16 cmd; enum wire_socket sock; int first; } since[] = {
		{ P_OV_REQUEST, WIRE_SOCKET_DATA, 88 },
		{ P_CSUM_RS_REQUEST, WIRE_SOCKET_DATA, 89 },
		{ P_SYNC_PARAM89, WIRE_SOCKET_DATA, 89 },
		{ P_COMPRESSED_BITMAP, WIRE_SOCKET_DATA, 90 },
		{ P_OUT_OF_SYNC, WIRE_SOCKET_DATA, 96 },
		{ P_RS_CANCEL, WIRE_SOCKET_META, 96 },
		{ P_CONN_ST_CHG_REQ, WIRE_SOCKET_DATA, 100 },
		{ P_RETRY_WRITE, WIRE_SOCKET_META, 100 },
		{ P_PROTOCOL_UPDATE, WIRE_SOCKET_DATA, 100 },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(since); i++) {
		assert_int_equal(find(since[i].sock, since[i].cmd, since[i].first - 1, 0xf),
				 WIRE_ERR_CMD);
		assert_int_equal(find(since[i].sock, since[i].cmd, since[i].first, 0), WIRE_OK);
	}
	assert_int_equal(find(WIRE_SOCKET_DATA, P_SYNC_PARAM, 88, 0), WIRE_OK);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_SYNC_PARAM, 89, 0), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_TRIM, 101, 0xe), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_TRIM, 86, FF_TRIM), WIRE_OK);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_RS_THIN_REQ, 101, 0xd), WIRE_ERR_CMD);
	assert_int_equal(find(WIRE_SOCKET_DATA, P_ZEROES, 101, 0x7), WIRE_ERR_CMD);
}

static void lengths_are_checked_against_the_layout(void **state)
{
	(void)state;
	assert_int_equal(check_len(P_STATE, 101, 0xf, 4), WIRE_OK);
	assert_int_equal(check_len(P_STATE, 101, 0xf, 5), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_STATE, 101, 0xf, 3), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_SIZES, 101, 0xf, 56), WIRE_OK);
	assert_int_equal(check_len(P_SIZES, 101, 0xb, 56), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_SIZES, 101, 0xb, 32), WIRE_OK);
	assert_int_equal(check_len(P_PROTOCOL, 86, 0, 25), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_PROTOCOL, 86, 0, 24), WIRE_OK);
	assert_int_equal(check_len(P_PROTOCOL, 87, 0, 24 + 64), WIRE_OK);
	assert_int_equal(check_len(P_PROTOCOL, 87, 0, 24 + 65), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_SYNC_PARAM, 88, 0, 4), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_SYNC_PARAM, 88, 0, 4 + 64), WIRE_OK);
	assert_int_equal(check_len(P_SYNC_PARAM, 88, 0, 4 + 65), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_SYNC_PARAM89, 94, 0, 132), WIRE_OK);
	assert_int_equal(check_len(P_SYNC_PARAM89, 94, 0, 148), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_SYNC_PARAM89, 95, 0, 148), WIRE_OK);
	assert_int_equal(check_len(P_BITMAP, 101, 0, 4080), WIRE_OK);
	assert_int_equal(check_len(P_BITMAP, 101, 0, 4081), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_BITMAP, 99, 0, 4088), WIRE_OK);
	assert_int_equal(check_len(P_COMPRESSED_BITMAP, 101, 0, 1), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_AUTH_CHALLENGE, 101, 0, 63), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_AUTH_CHALLENGE, 101, 0, 128), WIRE_OK);
	assert_int_equal(check_len(P_AUTH_CHALLENGE, 101, 0, 129), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_DATA, 86, 0, 24 + 64 + 1048576), WIRE_OK);
	assert_int_equal(check_len(P_DATA, 101, 0, 24 + 64 + 1048577), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_DATA, 101, 0, 23), WIRE_ERR_LENGTH);
	assert_int_equal(check_len(P_DATA, 101, 0, 0xffffffff), WIRE_ERR_LENGTH);
}

static void limits_follow_version_and_features(void **state)
{
	(void)state;
	assert_int_equal(wire_data_max(94), 32768);
	assert_int_equal(wire_data_max(95), 131072);
	assert_int_equal(wire_data_max(99), 131072);
	assert_int_equal(wire_data_max(100), 1048576);
	for (int apv = 86; apv <= 101; apv++) {
		u8 head[16];

		assert_int_not_equal(wire_header_encode(head, apv, 0, P_DATA,
							min(wire_length_max(apv), 1u << 20)), 0);
		if (apv < 95)
			assert_int_equal(wire_header_encode(head, apv, 0, P_DATA,
							    wire_length_max(apv) + 1), 0);
	}
	assert_int_equal(wire_peer_bio_limit(93, 4096), 4096);
	assert_int_equal(wire_peer_bio_limit(93, 1048576), 32768);
	assert_int_equal(wire_peer_bio_limit(94, 4096), 32768);
	assert_int_equal(wire_peer_bio_limit(100, 4096), 1048576);
	assert_int_equal(wire_discard_max(FF_WSAME), 128 << 20);
	assert_int_equal(wire_discard_max(0xb), 4 << 20);
	assert_int_equal(wire_dp_flags_mask(94), 6);
	assert_int_equal(wire_dp_flags_mask(99) & DP_SEND_WRITE_ACK, 0);
	assert_int_equal(wire_dp_flags_mask(101) & DP_SEND_WRITE_ACK, DP_SEND_WRITE_ACK);
	assert_int_equal(wire_sync_param_len(87, 4), 4);
	assert_int_equal(wire_sync_param_len(88, 4), 9);
	assert_int_equal(wire_sync_param_len(89, 4), 132);
	assert_int_equal(wire_sync_param_len(101, 4), 148);
	assert_int_equal(wire_sync_param_cmd(88), P_SYNC_PARAM);
	assert_int_equal(wire_sync_param_cmd(89), P_SYNC_PARAM89);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(genuine_packets_decode_and_encode_byte_for_byte),
		cmocka_unit_test(fields_of_the_appendix_have_their_values),
		cmocka_unit_test(sender_picks_the_header_of_its_version),
		cmocka_unit_test(receiver_takes_the_headers_of_its_version_only),
		cmocka_unit_test(misplaced_commands_are_refused),
		cmocka_unit_test(commands_need_their_version_and_feature),
		cmocka_unit_test(lengths_are_checked_against_the_layout),
		cmocka_unit_test(limits_follow_version_and_features),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
