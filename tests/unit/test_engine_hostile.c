// SPDX-License-Identifier: GPL-2.0
/* Packets that no honest peer sends, and who is let in, on a fake host. */
#include "data_path_fixture.h"

/* Does the receiver refuse it before anything is done? */
static bool refused(u16 cmd, const void *fixed, u32 len, u32 rest)
{
	struct incoming in = { .hdr = { .cmd = cmd, .length = len + rest } };
	u8 copy[64];

	memcpy(copy, fixed, len);
	in.fixed = copy;
	if (!receive_plan(conn(), SOCK_DATA, &in))
		return true;
	assert_int_equal(in.fixed_len, len);
	return !receive_plan_payload(&in);
}

static void a_resync_of_nothing_is_refused(void **state)
{
	struct wire_p_data data = { .sector = cpu_to_be64(8), .block_id = ID_SYNCER };
	struct wire_p_block_desc gone = { .sector = cpu_to_be64(8) };

	(void)state;
	assert_true(refused(P_RS_DATA_REPLY, &data, sizeof(data), 0));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
	connect_as(ROLE_SECONDARY, ROLE_PRIMARY);
	assert_true(refused(P_RS_DEALLOCATED, &gone, sizeof(gone), 0));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

static bool asks(u16 cmd, u32 mask, u32 val)
{
	struct wire_p_state_req p = { .mask = cpu_to_be32(mask), .val = cpu_to_be32(val) };
	struct arrival *a = arrive(cmd, &p, sizeof(p), 0);
	struct sent reply;
	s32 code;

	assert_int_equal(a->status, FIBER_DONE);
	assert_true(a->in.ok);
	free(a);
	reply = expect(SOCK_META, cmd == P_STATE_CHG_REQ ? P_STATE_CHG_REPLY : P_CONN_ST_CHG_REPLY);
	memcpy(&code, reply.body, sizeof(code));
	drain(SOCK_DATA);
	drain(SOCK_META);
	return (s32)be32_to_cpu((__be32)code) >= SS_SUCCESS;
}

/* The words are in the peer's view: its "peer" and "pdsk" are my role and disk. */
static void a_peer_can_not_ask_for_my_role_disk_or_connection(void **state)
{
	u32 c;

	(void)state;
	assert_false(asks(P_STATE_CHG_REQ, ST_PEER_MASK, 1 << ST_PEER_SHIFT));
	assert_false(asks(P_STATE_CHG_REQ, ST_PDSK_MASK, 0));
	assert_false(asks(P_STATE_CHG_REQ, ST_ALL_MASK, 0));
	assert_false(asks(P_STATE_CHG_REQ, ST_ROLE_MASK, 3));
	assert_false(asks(P_STATE_CHG_REQ, 1, 1));
	for (c = 2; c <= C_MASK; c++)
		assert_false(asks(P_CONN_ST_CHG_REQ, ST_CONN_MASK, c << ST_CONN_SHIFT));
	assert_false(asks(P_CONN_ST_CHG_REQ, ST_ALL_MASK, C_DISCONNECTING << ST_CONN_SHIFT));
	assert_false(asks(P_CONN_ST_CHG_REQ, 0, 0));
	assert_int_equal(conn()->cstate, C_WF_REPORT_PARAMS);
	assert_int_equal(dev()->state.role, ROLE_SECONDARY);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_true(asks(P_CONN_ST_CHG_REQ, ST_CONN_MASK, C_DISCONNECTING << ST_CONN_SHIFT));
	assert_int_equal(conn()->cstate, C_TEAR_DOWN);
}

/* Demoted by a word of the peer, a Primary would lose its users' writes. */
static void a_peer_can_not_demote_me(void **state)
{
	(void)state;
	assert_false(asks(P_STATE_CHG_REQ, ST_PEER_MASK, ROLE_SECONDARY << ST_PEER_SHIFT));
	assert_int_equal(dev()->state.role, ROLE_PRIMARY);
}

/* It asks before it hears that mine is being replaced, as after growth. */
static void a_primary_peer_keeps_its_disk_while_mine_is_old(void **state)
{
	(void)state;
	dev()->state.peer = ROLE_PRIMARY;
	dev()->state.conn = C_WF_SYNC_UUID;
	dev()->state.disk = D_OUTDATED;
	assert_false(asks(P_STATE_CHG_REQ, ST_DISK_MASK, D_FAILED << ST_DISK_SHIFT));
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_WF_SYNC_UUID);
	dev()->state.conn = C_CONNECTED;
	dev()->state.disk = D_UP_TO_DATE;
	assert_true(asks(P_STATE_CHG_REQ, ST_DISK_MASK, D_FAILED << ST_DISK_SHIFT));
	assert_int_equal(dev()->state.pdsk, D_FAILED);
}

/* ---- ranges, lengths, volumes ---- */

static bool range_refused(u64 sector, u32 bytes)
{
	struct wire_p_data data = { .sector = cpu_to_be64(sector), .block_id = 1 };
	struct wire_p_block_req ask = { .sector = cpu_to_be64(sector), .block_id = ID_SYNCER,
					.blksize = cpu_to_be32(bytes) };
	struct wire_p_range trim = { .head = data, .size = cpu_to_be32(bytes) };
	struct wire_p_block_desc desc = { .sector = cpu_to_be64(sector),
					  .blksize = cpu_to_be32(bytes) };
	bool is = refused(P_DATA, &data, sizeof(data), bytes);

	assert_int_equal(refused(P_RS_DATA_REPLY, &data, sizeof(data), bytes), is);
	assert_int_equal(refused(P_DATA_REQUEST, &ask, sizeof(ask), 0), is);
	assert_int_equal(refused(P_OV_REQUEST, &ask, sizeof(ask), 0), is);
	assert_int_equal(refused(P_TRIM, &trim, sizeof(trim), 0), is);
	assert_int_equal(refused(P_OUT_OF_SYNC, &desc, sizeof(desc), 0), is);
	return is;
}

static void a_range_is_whole_sectors_within_the_device(void **state)
{
	u32 odd;

	(void)state;
	assert_false(range_refused(0, 512));
	assert_false(range_refused(SECTORS - 8, 4096));
	assert_true(range_refused(SECTORS - 7, 4096));
	assert_true(range_refused(SECTORS, 512));
	/* Its end is there again: the sum wraps. */
	assert_true(range_refused(0ULL - 8, 4096));
	assert_true(range_refused(0ULL - 1, 4096));
	for (odd = 1; odd < 512; odd += 73)
		assert_true(range_refused(8, 4096 + odd));
}

static void nothing_is_read_of_no_length(void **state)
{
	static const u16 cmds[] = { P_DATA_REQUEST, P_RS_DATA_REQUEST, P_RS_THIN_REQ,
				    P_CSUM_RS_REQUEST, P_OV_REQUEST, P_OV_REPLY };
	struct wire_p_block_req ask = { .sector = cpu_to_be64(8), .block_id = ID_SYNCER };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cmds); i++)
		assert_true(refused(cmds[i], &ask, sizeof(ask), 0));
}

/* The header of the answer could not say its length. */
static void no_more_is_asked_for_than_a_packet_holds(void **state)
{
	struct wire_p_block_req ask = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(131072) };

	(void)state;
	assert_false(refused(P_RS_DATA_REQUEST, &ask, sizeof(ask), 0));
	conn()->agreed_pro_version = 94;
	assert_true(refused(P_RS_DATA_REQUEST, &ask, sizeof(ask), 0));
	assert_true(refused(P_CSUM_RS_REQUEST, &ask, sizeof(ask), 16));
	assert_false(refused(P_OV_REQUEST, &ask, sizeof(ask), 0));
	ask.blksize = cpu_to_be32(32768);
	assert_false(refused(P_RS_DATA_REQUEST, &ask, sizeof(ask), 0));
}

static void a_digest_is_no_part_of_the_data(void **state)
{
	struct wire_p_data data = { .sector = cpu_to_be64(8), .block_id = 1 };
	struct incoming in = { .hdr = { .cmd = P_DATA, .length = sizeof(data) + 20 + 4096 } };

	(void)state;
	conn()->integrity_size_in = 20;
	in.fixed = (u8 *)&data;
	assert_true(receive_plan(conn(), SOCK_DATA, &in));
	assert_true(receive_plan_payload(&in));
	assert_int_equal(in.digest_len, 20);
	assert_int_equal(in.payload_len, 4096);
	assert_true(refused(P_DATA, &data, sizeof(data), 19));
	assert_true(refused(P_DATA, &data, sizeof(data), 4096));
}

static void an_answer_is_as_long_as_its_question_and_comes_once(void **state)
{
	struct wire_p_data reply = { .sector = cpu_to_be64(16) };
	struct app *r = issue(OP_READ, 16, 4096);
	struct sent ask = expect(SOCK_DATA, P_DATA_REQUEST);

	(void)state;
	reply.block_id = ((struct wire_p_block_req *)ask.body)->block_id;
	assert_true(refused(P_DATA_REPLY, &reply, sizeof(reply), 4096 + 512));
	assert_true(refused(P_DATA_REPLY, &reply, sizeof(reply), 4096 - 512));
	/* It does not complete, and is not to be written to again. */
	fake.resource.susp = true;
	done(arrive(P_DATA_REPLY, &reply, sizeof(reply), 4096));
	assert_false(r->completed);
	assert_true(refused(P_DATA_REPLY, &reply, sizeof(reply), 4096));
}

static bool volume_refused(u16 cmd, const void *fixed, u32 len, u32 rest)
{
	struct incoming in = { .hdr = { .cmd = cmd, .volume = 3, .length = len + rest } };
	struct task t = { 0 };

	in.fixed = (u8 *)fixed;
	assert_true(receive_plan(conn(), SOCK_DATA, &in));
	assert_null(in.device);
	if (!receive_plan_payload(&in))
		return true;
	assert_int_equal(receive_packet(&t, &in), FIBER_DONE);
	return !in.ok;
}

/* A peer with more volumes may connect, but do nothing to those that are not here. */
static void an_absent_volume_is_spoken_of_but_not_written(void **state)
{
	struct wire_p_data data = { .sector = cpu_to_be64(8), .block_id = 1 };
	struct wire_p_block_req ask = { .blksize = cpu_to_be32(4096) };
	struct wire_p_block_desc desc = { .blksize = cpu_to_be32(4096) };
	struct wire_p_state_req change = { 0 };
	struct wire_p_range trim = { .size = cpu_to_be32(4096) };
	struct wire_p_sizes sizes = { 0 };
	struct wire_p_uuids uuids = { 0 };
	struct wire_p_state word = { 0 };

	(void)state;
	assert_false(volume_refused(P_SIZES, &sizes, wire_sizes_len(WIRE_FEATURES), 0));
	assert_false(volume_refused(P_UUIDS, &uuids, sizeof(uuids), 0));
	assert_false(volume_refused(P_STATE, &word, sizeof(word), 0));
	assert_true(volume_refused(P_DATA, &data, sizeof(data), 4096));
	assert_true(volume_refused(P_DATA_REPLY, &data, sizeof(data), 4096));
	assert_true(volume_refused(P_TRIM, &trim, sizeof(trim), 0));
	assert_true(volume_refused(P_DATA_REQUEST, &ask, sizeof(ask), 0));
	assert_true(volume_refused(P_OUT_OF_SYNC, &desc, sizeof(desc), 0));
	assert_true(volume_refused(P_STATE_CHG_REQ, &change, sizeof(change), 0));
}

/* ---- who is it? ---- */

static enum handshake_outcome challenged(u16 cmd, u32 length, const u8 *own, const u8 *peers)
{
	struct wire_header hdr = { .cmd = cmd, .length = length };

	return auth_challenge_received(conn(), &hdr, own, peers);
}

static void a_challenge_is_another_one_than_mine_and_of_the_right_length(void **state)
{
	u8 own[WIRE_CHALLENGE_MAX] = { 1, 2, 3 }, peers[WIRE_CHALLENGE_MAX] = { 1, 2, 3 };
	int resolves;

	(void)state;
	for (resolves = 0; resolves < 2; resolves++) {
		conn()->resolve_conflicts = resolves;
		peers[WIRE_CHALLENGE_LEN - 1] = 0;
		assert_int_equal(challenged(P_AUTH_CHALLENGE, WIRE_CHALLENGE_LEN, own, peers),
				 HANDSHAKE_STANDALONE);
		peers[WIRE_CHALLENGE_LEN - 1] = 1;
		assert_int_equal(challenged(P_AUTH_CHALLENGE, WIRE_CHALLENGE_LEN, own, peers),
				 HANDSHAKE_OK);
	}
	assert_int_equal(challenged(P_AUTH_CHALLENGE, WIRE_CHALLENGE_MAX, own, peers), HANDSHAKE_OK);
	assert_int_equal(challenged(P_AUTH_CHALLENGE, WIRE_CHALLENGE_MAX + 1, own, peers),
			 HANDSHAKE_STANDALONE);
	assert_int_equal(challenged(P_AUTH_CHALLENGE, WIRE_CHALLENGE_LEN - 1, own, peers),
			 HANDSHAKE_STANDALONE);
	assert_int_equal(challenged(P_PROTOCOL, WIRE_CHALLENGE_LEN, own, peers),
			 HANDSHAKE_STANDALONE);
}

static void every_byte_of_a_response_counts(void **state)
{
	struct wire_header hdr = { .cmd = P_AUTH_RESPONSE, .length = 20 };
	u8 expected[20] = { 7, 7, 7 }, got[20];
	u32 i;

	(void)state;
	memcpy(got, expected, sizeof(got));
	assert_int_equal(auth_response_received(conn(), &hdr, expected, got, 20), HANDSHAKE_OK);
	for (i = 0; i < sizeof(got); i++) {
		got[i] ^= 1;
		assert_int_equal(auth_response_received(conn(), &hdr, expected, got, 20),
				 HANDSHAKE_STANDALONE);
		got[i] ^= 1;
	}
	hdr.length = 16;
	assert_int_equal(auth_response_received(conn(), &hdr, expected, got, 20), HANDSHAKE_RETRY);
}

/* ---- the other socket ---- */

static void a_ping_is_answered(void **state)
{
	(void)state;
	assert_true(meta_packet(P_PING, NULL, 0));
	expect(SOCK_META, P_PING_ACK);
	expect_idle(SOCK_META);
}

static int setup_two_primaries(void **state)
{
	(void)state;
	start(true);
	connect_as(ROLE_SECONDARY, ROLE_SECONDARY);
	conn()->net_conf.two_primaries = 1;
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_ROLE(ROLE_PRIMARY),
						      ST_CHANGE_PEER(ROLE_PRIMARY))), CS_HARD);
	fake_run();
	return 0;
}

/* With two Primaries a write of the peer waits for the acks that it sent before. */
static void an_ack_says_how_far_the_peer_is(void **state)
{
	struct wire_p_block_ack ack = { .sector = cpu_to_be64(8), .block_id = 4711,
					.seq_num = cpu_to_be32(41) };

	(void)state;
	assert_true(meta_packet(P_NEG_ACK, &ack, sizeof(ack)));
	assert_int_equal(dev()->peer_seq, 41);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_resync_of_nothing_is_refused, setup_secondary),
		TEST(a_peer_can_not_ask_for_my_role_disk_or_connection, setup_secondary),
		TEST(a_peer_can_not_demote_me, setup_primary),
		TEST(a_primary_peer_keeps_its_disk_while_mine_is_old, setup_secondary),
		TEST(a_range_is_whole_sectors_within_the_device, setup_secondary),
		TEST(nothing_is_read_of_no_length, setup_secondary),
		TEST(no_more_is_asked_for_than_a_packet_holds, setup_secondary),
		TEST(a_digest_is_no_part_of_the_data, setup_secondary),
		TEST(an_answer_is_as_long_as_its_question_and_comes_once, setup_diskless),
		TEST(an_absent_volume_is_spoken_of_but_not_written, setup_secondary),
		TEST(a_challenge_is_another_one_than_mine_and_of_the_right_length, setup_secondary),
		TEST(every_byte_of_a_response_counts, setup_secondary),
		TEST(a_ping_is_answered, setup_secondary),
		TEST(an_ack_says_how_far_the_peer_is, setup_two_primaries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
