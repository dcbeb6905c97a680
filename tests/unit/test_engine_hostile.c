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

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_resync_of_nothing_is_refused, setup_secondary),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
