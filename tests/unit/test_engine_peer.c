// SPDX-License-Identifier: GPL-2.0
/* Meeting the peer, on a fake host: one node against a scripted one. */
#include "peer_fixture.h"

/* ---- sockets and features ---- */

static void who_accepts_the_meta_socket_resolves_conflicts(void **state)
{
	struct connector c = { false, false };
	u16 cmd;

	(void)state;
	assert_int_equal(connector_opened(conn(), &c, &cmd), CONNECTOR_DATA);
	assert_int_equal(cmd, P_INITIAL_DATA);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_META, false), CONNECTOR_META);
	assert_true(conn()->resolve_conflicts);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_DATA, false), CONNECTOR_DATA_CROSSED);
	assert_int_equal(connector_accepted(conn(), &c, 0, false), CONNECTOR_REJECT);
	c.have_meta = false;
	assert_int_equal(connector_opened(conn(), &c, &cmd), CONNECTOR_META);
	assert_int_equal(cmd, P_INITIAL_META);
	assert_false(conn()->resolve_conflicts);
}

static void a_stranger_gives_way_to_the_peer(void **state)
{
	struct connector c = { false, false };
	u16 cmd;

	(void)state;
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_DATA, true), CONNECTOR_DATA);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_DATA, true), CONNECTOR_DATA_CROSSED);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_DATA, false), CONNECTOR_DATA_CROSSED);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_DATA, true), CONNECTOR_REJECT);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_META, true), CONNECTOR_META);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_META, false), CONNECTOR_META_CROSSED);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_META, true), CONNECTOR_REJECT);
	c.have_data = c.have_meta = false;
	connector_accepted(conn(), &c, P_INITIAL_META, true);
	assert_true(connector_patience(conn()) < 10000);
	c.have_meta = false;
	connector_opened(conn(), &c, &cmd);
	connector_opened(conn(), &c, &cmd);
	assert_int_equal(connector_accepted(conn(), &c, P_INITIAL_META, true), CONNECTOR_REJECT);
	assert_int_equal(connector_patience(conn()), 10000);
}

/* A scan of ports, or somebody with a guess at the secret, must not keep the peer out. */
static void a_stranger_who_fails_ends_no_search(void **state)
{
	struct wire_header hdr = { .cmd = P_PROTOCOL, .length = 72 };
	struct wire_p_features p = { .protocol_min = cpu_to_be32(90) };
	u8 expected[20] = { 1 }, got[20] = { 2 };
	struct connector c = { false, false };

	(void)state;
	search();
	connector_accepted(conn(), &c, P_INITIAL_DATA, true);
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_RETRY);
	hdr.cmd = P_AUTH_RESPONSE;
	hdr.length = 20;
	assert_int_equal(auth_response_received(conn(), &hdr, expected, got, 20), HANDSHAKE_RETRY);
	assert_int_equal(conn()->cstate, C_WF_CONNECTION);
	assert_true(connection_search_begin(conn()));
	connector_accepted(conn(), &c, P_INITIAL_DATA, false);
	assert_int_equal(auth_response_received(conn(), &hdr, expected, got, 20), HANDSHAKE_STANDALONE);
}

/* It looks at its sockets for up to its own ping-timeout before it speaks. */
static void a_peer_with_a_longer_ping_timeout_is_waited_for(void **state)
{
	(void)state;
	conn()->net_conf.ping_timeo = 5;
	assert_true(connector_patience(conn()) > 5000);
	conn()->net_conf.ping_timeo = 100;
	assert_int_equal(connector_patience(conn()), 40000);
}

static void features_agree_on_the_lower_version_or_end(void **state)
{
	struct wire_header hdr = { .cmd = P_CONNECTION_FEATURES, .length = 72 };
	struct wire_p_features p = { .protocol_min = cpu_to_be32(90), .feature_flags = cpu_to_be32(3) };

	(void)state;
	search();
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_OK);
	assert_int_equal(conn()->agreed_pro_version, 90);
	assert_int_equal(conn()->agreed_features, 3);
	p.protocol_min = cpu_to_be32(110);
	p.protocol_max = cpu_to_be32(120);
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_STANDALONE);
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
	assert_false(connection_search_begin(conn()));
	connection_receiver_ended(conn());
	assert_int_equal(conn()->cstate, C_STANDALONE);
}

static void a_peer_that_can_name_no_volume_is_refused_where_there_are_several(void **state)
{
	struct wire_header hdr = { .cmd = P_CONNECTION_FEATURES, .length = 72 };
	struct wire_p_features p = { .protocol_min = cpu_to_be32(86), .protocol_max = cpu_to_be32(99) };

	(void)state;
	fake_stop();
	fake_start(2);
	search();
	assert_int_equal(features_received(conn(), &hdr, &p), HANDSHAKE_STANDALONE);
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

/* ---- keep-alive ---- */

static void a_silent_peer_is_pinged_then_dropped(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	expect(SOCK_DATA, P_STATE);
	fake.now_ms += 9000;
	conn()->last_received = fake.now_ms;
	fake.now_ms += 1000;
	/* Something came meanwhile: wait for the rest. */
	assert_int_equal(meta_receive_timed_out(conn()), 9000);
	expect_idle(SOCK_META);
	fake.now_ms += 9000;
	assert_int_equal(meta_receive_timed_out(conn()), 500);
	expect(SOCK_META, P_PING);
	assert_int_equal(meta_receive_timeout(conn()), 500);
	/* The wait began before the ping left. */
	assert_int_equal(meta_receive_timed_out(conn()), 500);
	assert_int_equal(conn()->cstate, C_WF_REPORT_PARAMS);
	fake.now_ms += 500;
	assert_int_equal(meta_receive_timed_out(conn()), 0);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

/* A blocked data socket asks for a ping every `timeout`, which may be shorter than ping-timeout. */
static void further_pings_do_not_put_off_the_end_of_a_silent_peer(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	expect(SOCK_DATA, P_STATE);
	connection_request_ping(conn());
	expect(SOCK_META, P_PING);
	fake.now_ms += 300;
	connection_request_ping(conn());
	expect(SOCK_META, P_PING);
	fake.now_ms += 200;
	assert_int_equal(meta_receive_timed_out(conn()), 0);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

/* ---- handshake ---- */

/* What made the peer hang up is still to be read; both nodes have to say that they are apart. */
static void a_split_brain_is_reported_though_the_peer_hung_up_first(void **state)
{
	(void)state;
	attach(UUID_A, 0x5000);
	hello();
	connection_socket_event(conn(), SOCKET_EOF_META);
	connection_socket_event(conn(), SOCKET_SEND_ERROR);
	assert_int_equal(conn()->cstate, C_WF_REPORT_PARAMS);
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_B, 0x5000));
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
	assert_string_equal(fake.helpers, "initial-split-brain split-brain");
}

static void hang_up(void)
{
	connection_socket_event(conn(), SOCKET_EOF_META);
	fake_advance(60000);
}

static void a_split_brain_is_final_though_the_peer_hung_up_during_the_handler(void **state)
{
	(void)state;
	attach(UUID_A, 0x5000);
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_B, 0x5000));
	fake.helper_hook = hang_up;
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void settings_that_differ_end_in_standalone_though_the_peer_hung_up_first(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	connection_socket_event(conn(), SOCKET_RECV_ERROR_META);
	assert_false(protocol_arrives(1, 0, ""));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void a_socket_that_broke_during_the_handshake_is_not_forgotten(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	connection_socket_event(conn(), SOCKET_EOF_META);
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	fake_advance(1000);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
}

static void different_protocols_end_in_standalone(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	assert_false(protocol_arrives(1, 0, ""));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void different_digests_end_in_standalone(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	assert_false(protocol_arrives(3, 0, "crc32c"));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void equal_data_is_connected(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_UP_TO_DATE);
	assert_false(conn()->state_sent);
	expect(SOCK_DATA, P_STATE);
}

static void a_diskless_node_offers_the_discards_of_its_peer(void **state)
{
	(void)state;
	assert_false(fake.discards_offered);
	establish();
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(fake.discards_offered);
}

/* What comes between here and the peer's sizes would not fit into its packets. */
static void requests_are_cut_for_an_old_peer_from_the_first_packet_on(void **state)
{
	struct task t = { 0 };

	(void)state;
	attach(UUID_A, 0);
	dev()->peer_max_bio_size = 1048576;
	dev()->max_bio_size = 1048576;
	search();
	conn()->agreed_pro_version = 89;
	assert_int_equal(fake_drive(&t, run_establish, NULL), FIBER_DONE);
	assert_int_equal(dev()->max_bio_size, 32768);
	assert_int_equal(dev()->md.la_peer_max_bio_size, 32768);
}

static void unrelated_data_ends_in_standalone(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	dev()->md.uuid[2] = 0x1111000000000000ULL;
	dev()->md.uuid[3] = 0x2222000000000000ULL;
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(SECTORS));
	assert_true(uuids_arrive(UUID_B, 0));
	assert_false(state_arrives(ROLE_SECONDARY, C_WF_CONNECTION, D_UP_TO_DATE));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void a_smaller_peer_disk_is_refused(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	assert_true(protocol_arrives(3, 0, ""));
	assert_false(sizes_arrive(SECTORS / 2));
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
	assert_int_equal(dev()->capacity, SECTORS);
}

static void a_disk_that_has_grown_is_used_when_the_peer_resizes(void **state)
{
	struct wire_p_sizes p = {
		.d_size = cpu_to_be64(2 * SECTORS), .c_size = cpu_to_be64(SECTORS),
		.max_bio_size = cpu_to_be32(1048576),
	};

	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	fake.grown_sectors = dev()->backing_sectors + SECTORS;
	assert_true(accepted(arrives(P_SIZES, &p, sizeof(p))));
	assert_true(dev()->capacity > SECTORS * 19ULL / 10);
}

/* The other node decides by what this one has told, too. */
static void a_handshake_agrees_on_sizes_as_they_were_told(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	hello();
	fake.grown_sectors = dev()->backing_sectors + SECTORS;
	assert_true(protocol_arrives(3, 0, ""));
	assert_true(sizes_arrive(2 * SECTORS));
	assert_int_equal(dev()->capacity, SECTORS);
}

static void resize_to(u64 sectors)
{
	struct admin_op op;

	admin_op_init(&op, &fake.resource, dev());
	op.size = sectors;
	op.assume_peer_has_space = true;
	fake_command(admin_resize, &op);
	assert_int_equal(op.ret, ERR_NO_ERROR);
}

static void a_block_that_was_the_end_in_part_is_synced_after_growth(void **state)
{
	(void)state;
	attach(UUID_A, 0);
	resize_to(2028);
	assert_int_equal(dev()->capacity, 2028);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	resize_to(2048);
	assert_int_equal(dev()->capacity, 2048);
	assert_int_equal(bm_test(&dev()->bitmap, 252), 0);
	/* Sectors 2024 to 2031: four of them are new. */
	assert_int_equal(bm_test(&dev()->bitmap, 253), 1);
	assert_int_equal(dev()->bitmap.bits_set, 3);
}

static void a_refused_handshake_backs_off(void **state)
{
	struct task t = { 0 };

	(void)state;
	attach(UUID_A, 0);
	hello();
	connection_socket_event(conn(), SOCKET_EOF_DATA);
	assert_int_equal(conn()->cstate, C_BROKEN_PIPE);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_WAIT);
	assert_int_equal(conn()->cstate, C_BROKEN_PIPE);
	fake.now_ms += 999;
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_WAIT);
	fake.now_ms += 1;
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_int_equal(conn()->cstate, C_UNCONNECTED);
}

static void a_lost_connection_is_looked_for_at_once(void **state)
{
	struct task t = { 0 };

	(void)state;
	attach(UUID_A, 0);
	hello();
	peer_is(UUID_A, 0, D_UP_TO_DATE);
	connection_socket_event(conn(), SOCKET_EOF_META);
	assert_int_equal(dev()->state.conn, C_NETWORK_FAILURE);
	/* The first cause stays. */
	connection_socket_event(conn(), SOCKET_EOF_DATA);
	assert_int_equal(dev()->state.conn, C_NETWORK_FAILURE);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_int_equal(conn()->cstate, C_UNCONNECTED);
	assert_false(dev()->peer_uuids.valid);
	assert_true(connection_search_begin(conn()));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		PEER_TEST(who_accepts_the_meta_socket_resolves_conflicts),
		PEER_TEST(a_stranger_gives_way_to_the_peer),
		PEER_TEST(a_stranger_who_fails_ends_no_search),
		PEER_TEST(a_peer_with_a_longer_ping_timeout_is_waited_for),
		PEER_TEST(features_agree_on_the_lower_version_or_end),
		PEER_TEST(a_peer_that_can_name_no_volume_is_refused_where_there_are_several),
		PEER_TEST(a_silent_peer_is_pinged_then_dropped),
		PEER_TEST(further_pings_do_not_put_off_the_end_of_a_silent_peer),
		PEER_TEST(a_split_brain_is_reported_though_the_peer_hung_up_first),
		PEER_TEST(a_split_brain_is_final_though_the_peer_hung_up_during_the_handler),
		PEER_TEST(settings_that_differ_end_in_standalone_though_the_peer_hung_up_first),
		PEER_TEST(a_socket_that_broke_during_the_handshake_is_not_forgotten),
		PEER_TEST(different_protocols_end_in_standalone),
		PEER_TEST(different_digests_end_in_standalone),
		PEER_TEST(equal_data_is_connected),
		PEER_TEST(a_diskless_node_offers_the_discards_of_its_peer),
		PEER_TEST(requests_are_cut_for_an_old_peer_from_the_first_packet_on),
		PEER_TEST(unrelated_data_ends_in_standalone),
		PEER_TEST(a_smaller_peer_disk_is_refused),
		PEER_TEST(a_disk_that_has_grown_is_used_when_the_peer_resizes),
		PEER_TEST(a_handshake_agrees_on_sizes_as_they_were_told),
		PEER_TEST(a_block_that_was_the_end_in_part_is_synced_after_growth),
		PEER_TEST(a_refused_handshake_backs_off),
		PEER_TEST(a_lost_connection_is_looked_for_at_once),
	};

	return cmocka_run_group_tests_name("engine: peer", tests, NULL, NULL);
}
