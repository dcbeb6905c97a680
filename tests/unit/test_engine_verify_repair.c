// SPDX-License-Identifier: GPL-2.0
/* A verify that was asked to repair: at its end both nodes sync what differs. */
#include "peer_fixture.h"

static void meet(u8 peers_role)
{
	attach(UUID_A, 0);
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_A, 0));
	assert_true(state_arrives(peers_role, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	expect(SOCK_DATA, P_STATE);
	expect_idle(SOCK_DATA);
}

static u8 asked_conn(void)
{
	struct sent s = expect(SOCK_DATA, P_STATE_CHG_REQ);
	struct wire_p_state_req *p = (struct wire_p_state_req *)s.body;

	assert_int_equal(be32_to_cpu(p->mask), ST_CONN_MASK);
	return be32_to_cpu(p->val) >> ST_CONN_SHIFT;
}

static void peer_answers(s32 code)
{
	struct wire_p_state_reply p = { .retcode = cpu_to_be32(code) };

	assert_true(meta_arrives(P_STATE_CHG_REPLY, &p, sizeof(p)));
	fake_run();
}

static void the_verify_ends(u64 differs)
{
	struct sent s;

	dev()->state.conn = C_VERIFY_S;
	dev()->resync.verify_position = SECTORS;
	dev()->resync.verify_left = 0;
	dev()->resync.verify_repairs = true;
	if (differs)
		bm_set_range(&dev()->bitmap, 10, 9 + differs);
	resync_check_finished(dev());
	fake_run();
	while (dev()->state.conn == C_VERIFY_S && next_packet(SOCK_META, &s))
		if (s.cmd == P_PING)
			assert_true(meta_arrives(P_PING_ACK, NULL, 0));
	assert_int_equal(dev()->state.conn, C_CONNECTED);
}

static void skip_state(void)
{
	expect(SOCK_DATA, P_STATE);
}

static bool bitmap_leaves(struct sent *s)
{
	return next_packet(SOCK_DATA, s) && s->cmd == P_COMPRESSED_BITMAP;
}

static void what_a_verify_found_is_synced_from_where_it_was_asked_for(void **state)
{
	struct sent s;

	(void)state;
	meet(ROLE_SECONDARY);
	the_verify_ends(3);
	skip_state();
	assert_int_equal(asked_conn(), C_WF_BITMAP_S);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	peer_answers(SS_SUCCESS);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
	assert_true(bitmap_leaves(&s));
	assert_true(accepted(arrives(P_COMPRESSED_BITMAP, s.body, s.len)));
	fake_run();
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	assert_int_equal(dev()->bitmap.bits_set, 3);
}

static void a_primary_peers_data_are_the_right_ones(void **state)
{
	(void)state;
	meet(ROLE_PRIMARY);
	the_verify_ends(3);
	skip_state();
	assert_int_equal(asked_conn(), C_WF_BITMAP_T);
	peer_answers(SS_SUCCESS);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_T);
	assert_int_equal(dev()->state.disk, D_OUTDATED);
}

static void a_bitmap_that_overtakes_the_consent_is_waited_with(void **state)
{
	struct arrival *a;
	struct sent bitmap;

	(void)state;
	meet(ROLE_SECONDARY);
	the_verify_ends(3);
	skip_state();
	asked_conn();
	peer_answers(SS_SUCCESS);
	assert_true(bitmap_leaves(&bitmap));
	teardown(NULL);
	setup(NULL);

	meet(ROLE_PRIMARY);
	the_verify_ends(1);
	skip_state();
	asked_conn();
	a = arrives(P_COMPRESSED_BITMAP, bitmap.body, bitmap.len);
	assert_int_equal(a->status, FIBER_WAIT);
	peer_answers(SS_SUCCESS);
	assert_int_equal(fake_drive(&a->t, run_receive, &a->in), FIBER_DONE);
	assert_int_equal(dev()->bitmap.bits_set, 3);
	fake_run();
	assert_true(bitmap_leaves(&bitmap));
	expect_idle(SOCK_DATA);
	assert_int_equal(dev()->state.conn, C_WF_SYNC_UUID);
}

static void a_peer_that_still_verifies_is_asked_again(void **state)
{
	(void)state;
	meet(ROLE_SECONDARY);
	the_verify_ends(1);
	skip_state();
	asked_conn();
	peer_answers(SS_IN_TRANSIENT_STATE);
	expect_idle(SOCK_DATA);
	fake_advance(300);
	assert_int_equal(asked_conn(), C_WF_BITMAP_S);
	peer_answers(SS_NOT_SUPPORTED);
	fake_advance(300);
	expect_idle(SOCK_DATA);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_false(dev()->resync.repair.active);
}

static void equal_disks_need_no_repair(void **state)
{
	(void)state;
	meet(ROLE_SECONDARY);
	the_verify_ends(0);
	skip_state();
	expect_idle(SOCK_DATA);
	assert_false(dev()->resync.repair.active);
}

/* ---- who can not ---- */

static s32 verify_command(void)
{
	static struct admin_op op;

	strcpy(conn()->net_conf.verify_alg, "sha1");
	admin_op_init(&op, &fake.resource, dev());
	op.stop_sector = U64_MAX;
	op.repair = true;
	fake_command(admin_verify, &op);
	if (op.ret == SS_NOT_SUPPORTED)
		assert_true(op.info[0]);
	return op.ret;
}

static void a_repair_that_can_not_be_is_refused_before_the_verify(void **state)
{
	(void)state;
	meet(ROLE_PRIMARY);
	conn()->agreed_features = WIRE_FEATURES_84;
	assert_int_equal(verify_command(), SS_NOT_SUPPORTED);
	conn()->agreed_features = WIRE_FEATURES;
	dev()->state.role = ROLE_PRIMARY;
	assert_int_equal(verify_command(), SS_NOT_SUPPORTED);
	expect_idle(SOCK_DATA);
}

/* ---- being asked ---- */

static s32 peer_asks(u8 for_its_own)
{
	struct wire_p_state_req p = {
		.mask = cpu_to_be32(ST_CONN_MASK), .val = cpu_to_be32(for_its_own << ST_CONN_SHIFT),
	};
	struct sent reply;
	__be32 code;

	assert_true(accepted(arrives(P_STATE_CHG_REQ, &p, sizeof(p))));
	reply = expect(SOCK_META, P_STATE_CHG_REPLY);
	memcpy(&code, reply.body, sizeof(code));
	return (s32)be32_to_cpu(code);
}

static void a_secondary_takes_part_in_a_repair(void **state)
{
	(void)state;
	meet(ROLE_SECONDARY);
	assert_int_equal(peer_asks(C_WF_BITMAP_S), SS_SUCCESS);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_T);
}

static void a_primary_gives_its_data_and_takes_none(void **state)
{
	(void)state;
	meet(ROLE_SECONDARY);
	dev()->state.role = ROLE_PRIMARY;
	assert_int_equal(peer_asks(C_WF_BITMAP_S), SS_TWO_PRIMARIES);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(peer_asks(C_WF_BITMAP_T), SS_SUCCESS);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
}

static void nobody_is_repaired_in_the_middle_of_something_else(void **state)
{
	(void)state;
	meet(ROLE_SECONDARY);
	dev()->state.conn = C_VERIFY_T;
	assert_int_equal(peer_asks(C_WF_BITMAP_S), SS_IN_TRANSIENT_STATE);
	dev()->state.conn = C_CONNECTED;
	conn()->agreed_features = WIRE_FEATURES_84;
	assert_int_equal(peer_asks(C_WF_BITMAP_S), SS_NOT_SUPPORTED);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEER_TEST(what_a_verify_found_is_synced_from_where_it_was_asked_for),
		PEER_TEST(a_primary_peers_data_are_the_right_ones),
		PEER_TEST(a_bitmap_that_overtakes_the_consent_is_waited_with),
		PEER_TEST(a_peer_that_still_verifies_is_asked_again),
		PEER_TEST(equal_disks_need_no_repair),
		PEER_TEST(a_repair_that_can_not_be_is_refused_before_the_verify),
		PEER_TEST(a_secondary_takes_part_in_a_repair),
		PEER_TEST(a_primary_gives_its_data_and_takes_none),
		PEER_TEST(nobody_is_repaired_in_the_middle_of_something_else),
	};

	return cmocka_run_group_tests_name("engine: a verify that repairs", tests, NULL, NULL);
}
