// SPDX-License-Identifier: GPL-2.0
/* Packets that no honest peer sends, on a fake host. Found by tests/fuzz. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_resync_of_nothing_is_refused, setup_secondary),
		TEST(a_peer_can_not_ask_for_my_role_disk_or_connection, setup_secondary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
