// SPDX-License-Identifier: GPL-2.0
/* The first sync that is skipped (netlink.md 3.4): what either node makes of it afterwards. */
#include "peer_fixture.h"
#include "core/resync.h"

static u64 generation;	/* begun by the command, role bit aside */

static void new_disk_meets_another(void)
{
	struct md_superblock sb = {
		.magic = MD_MAGIC_CLEAN, .flags = MDF_AL_CLEAN, .uuid = { MD_UUID_JUST_CREATED },
	};
	struct admin_op op;

	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	fake_run();
	hello();
	peer_is(MD_UUID_JUST_CREATED, 0, D_INCONSISTENT);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
	expect(SOCK_DATA, P_STATE);
}

static void first_sync_is_skipped(void)
{
	struct admin_op op;

	new_disk_meets_another();
	admin_op_init(&op, &fake.resource, dev());
	op.clear_bitmap = true;
	assert_true(fake_command(admin_new_current_uuid, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	expect(SOCK_DATA, P_UUIDS);
	expect_idle(SOCK_DATA);
	generation = dev()->md.uuid[MD_UUID_CURRENT];
	assert_true(generation > MD_UUID_JUST_CREATED);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
}

static void answer_pings(void)
{
	struct sent sent;

	while (next_packet(SOCK_META, &sent))
		if (sent.cmd == P_PING)
			assert_true(meta_arrives(P_PING_ACK, NULL, 0));
}

static void the_peer_overwrites_this_disk(void)
{
	struct wire_p_sync_uuid uuid = { .uuid = cpu_to_be64(UUID_B) };
	struct wire_p_state_req p = {
		.mask = cpu_to_be32(ST_CONN_MASK),
		.val = cpu_to_be32(C_STARTING_SYNC_S << ST_CONN_SHIFT),
	};

	assert_true(accepted(arrives(P_STATE_CHG_REQ, &p, sizeof(p))));
	expect(SOCK_META, P_STATE_CHG_REPLY);
	assert_int_equal(dev()->state.conn, C_WF_SYNC_UUID);
	assert_true(accepted(arrives(P_SYNC_UUID, &uuid, sizeof(uuid))));
	assert_int_equal(dev()->state.conn, C_SYNC_TARGET);
}

/* Its name before, "just created", would part the two at the next handshake: a full sync. */
static void a_sync_after_a_skipped_one_ends_in_the_generation_that_both_have(void **state)
{
	(void)state;
	first_sync_is_skipped();
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_UP_TO_DATE));
	the_peer_overwrites_this_disk();
	device_set_in_sync(dev(), 0, (u64)SECTORS * 512);
	resync_check_finished(dev());
	fake_run();
	answer_pings();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	assert_int_equal(dev()->md.uuid[MD_UUID_CURRENT], generation);
	assert_int_equal(dev()->md.uuid[MD_UUID_BITMAP], 0);
}

static void a_state_older_than_the_skipped_sync_makes_nothing_inconsistent(void **state)
{
	(void)state;
	first_sync_is_skipped();
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_INCONSISTENT));
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_INCONSISTENT));
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_int_equal(dev()->state.peer, ROLE_PRIMARY);
}

static void a_peer_that_heard_of_the_skipped_sync_is_believed(void **state)
{
	(void)state;
	first_sync_is_skipped();
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_UP_TO_DATE));
	assert_true(state_arrives(ROLE_PRIMARY, C_CONNECTED, D_INCONSISTENT));
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
}

/* A sync of its own that could not write some blocks leaves a disk that is not as good as this. */
static void a_peer_that_gave_up_a_sync_is_believed(void **state)
{
	(void)state;
	first_sync_is_skipped();
	dev()->state.pdsk = D_INCONSISTENT;
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_INCONSISTENT));
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
	dev()->state.pdsk = D_UP_TO_DATE;
	assert_true(state_arrives(ROLE_SECONDARY, C_CONNECTED, D_INCONSISTENT));
	assert_int_equal(dev()->state.pdsk, D_INCONSISTENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEER_TEST(a_sync_after_a_skipped_one_ends_in_the_generation_that_both_have),
		PEER_TEST(a_state_older_than_the_skipped_sync_makes_nothing_inconsistent),
		PEER_TEST(a_peer_that_heard_of_the_skipped_sync_is_believed),
		PEER_TEST(a_peer_that_gave_up_a_sync_is_believed),
	};

	return cmocka_run_group_tests_name("engine: a skipped first sync", tests, NULL, NULL);
}
