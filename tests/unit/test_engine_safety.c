// SPDX-License-Identifier: GPL-2.0
/* What must hold when something breaks off in the middle, on a fake host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "fake_env.h"
#include "core/engine.h"
#include "core/objects.h"
#include "core/predicates.h"
#include "core/receive.h"

#define SECTORS 262144ULL
#define MANY 200		/* more than there are control packets */

static struct drbd_request reqs[8];
static struct drbd_peer_request peers[MANY];
static u32 peers_freed;

static struct drbd_device *dev(void) { return fake_device(0); }
static struct drbd_connection *conn(void) { return &fake.resource.connection; }

static void on_free(struct drbd_request *req) { (void)req; }
static void on_peer_free(struct drbd_peer_request *pr) { (void)pr; peers_freed++; }

static struct drbd_request *issue(u32 i, enum request_op op, u64 sector)
{
	request_init(&reqs[i], dev(), op, sector, 4096, 0);
	request_new(&reqs[i]);
	fake_run();
	return &reqs[i];
}

/* The command of the next packet, 0 = none. It leaves completely if `ok`. */
static u16 send_one(int socket, bool ok)
{
	static u8 head[SEND_HEAD_ROOM];
	struct outgoing out = { .head = head };
	struct wire_header hdr;

	if (!send_next(conn(), socket, &out))
		return 0;
	assert_int_equal(wire_header_decode(head, out.head_len, 101, &hdr), WIRE_OK);
	send_done(conn(), socket, &out, ok);
	fake_run();
	return hdr.cmd;
}

static void drain(int socket)
{
	while (send_one(socket, true))
		;
}

static void attach(void)
{
	static struct admin_op op;
	struct md_superblock sb = {
		.la_size_sect = SECTORS, .magic = MD_MAGIC_CLEAN, .uuid = { 0xAAAA000000000000ULL },
		.flags = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE,
	};

	fake_format(0, SECTORS, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	fake_run();
}

static void connect_as(u8 role, u8 peer)
{
	struct drbd_connection *c = conn();
	struct state_change up = state_change_join(
		state_change_join(ST_CHANGE_CONN(C_CONNECTED), ST_CHANGE_PDSK(D_UP_TO_DATE)),
		state_change_join(ST_CHANGE_ROLE(role), ST_CHANGE_PEER(peer)));

	c->configured = true;
	c->agreed_pro_version = 101;
	c->agreed_features = WIRE_FEATURES;
	c->established_at = fake.now_ms;
	net_conf_set_defaults(&c->net_conf);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_UNCONNECTED)), CS_HARD);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_HARD);
	conn_state_change(c, ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)), CS_HARD);
	send_open(c);
	state_change(dev(), ST_ARGS(up), CS_HARD);
	fake_run();
	drain(SOCK_DATA);
	drain(SOCK_META);
}

static int setup(void **state)
{
	(void)state;
	memset(reqs, 0, sizeof(reqs));
	memset(peers, 0, sizeof(peers));
	peers_freed = 0;
	fake_start(1);
	fake.on_free = on_free;
	fake.on_peer_free = on_peer_free;
	attach();
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	fake.volume[0].flushes = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	fake_stop();
	return 0;
}

/* ---- sending ---- */

static void nothing_follows_a_packet_that_broke_off(void **state)
{
	(void)state;
	issue(0, OP_WRITE, 0);
	issue(1, OP_WRITE, 8);
	assert_int_equal(send_one(SOCK_DATA, false), P_DATA);
	/* The state says nothing yet, and the socket may work again. */
	assert_int_equal(send_one(SOCK_DATA, true), 0);
	assert_true(reqs[1].flags & RQ_NQ);
	send_close(conn());
	send_open(conn());
	issue(2, OP_WRITE, 16);
	assert_int_equal(send_one(SOCK_DATA, true), P_DATA);
}

static enum fiber_status run_resync_request(struct task *t, void *arg)
{
	return receive_packet(t, arg);
}

static void a_stream_of_refused_requests_does_not_cost_the_connection(void **state)
{
	struct wire_p_block_req p = { .block_id = ID_SYNCER, .blksize = cpu_to_be32(4096) };
	u32 i;

	(void)state;
	dev()->state.conn = C_AHEAD;
	for (i = 0; i < MANY; i++) {
		struct incoming in = {
			.connection = conn(), .device = dev(), .fixed = (u8 *)&p,
			.hdr.cmd = P_RS_DATA_REQUEST, .pr = &peers[i],
		};
		struct task t = { 0 };

		p.sector = cpu_to_be64(i * 8);
		peer_request_init(&peers[i], dev(), 0, 4096);
		assert_int_equal(fake_drive(&t, run_resync_request, &in), FIBER_DONE);
		assert_true(in.ok);
	}
	assert_int_equal(conn()->cstate, C_WF_REPORT_PARAMS);
	for (i = 0; i < MANY; i++)
		assert_int_equal(send_one(SOCK_META, true), P_RS_CANCEL);
	assert_int_equal(peers_freed, MANY);
	assert_int_equal(dev()->prl.in_flight, 0);
}

/* ---- frozen by command across a lost connection ---- */

static struct connection_cleanup cleanup;

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	(void)arg;
	return connection_cleanup(t, conn(), &cleanup);
}

static void resume(void)
{
	static struct admin_op op;

	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_resume_io, &op));
	fake_run();
}

static void what_was_frozen_across_a_reconnect_is_sent_again(void **state)
{
	u64 uuid = dev()->md.uuid[MD_UUID_CURRENT];
	struct task t = { 0 };

	(void)state;
	memset(&cleanup, 0, sizeof(cleanup));
	issue(0, OP_WRITE, 0);
	assert_int_equal(send_one(SOCK_DATA, true), P_DATA);
	request_local_done(&reqs[0], 0);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_FLAG(ST_SUSP, true)), CS_HARD);
	connection_fail(conn(), C_NETWORK_FAILURE);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_false(reqs[0].flags & RQ_COMPLETE);

	fake.now_ms += 5000;
	connect_as(ROLE_PRIMARY, ROLE_SECONDARY);
	assert_false(reqs[0].flags & RQ_COMPLETE);
	resume();
	assert_int_equal(send_one(SOCK_DATA, true), P_DATA);
	assert_int_equal(send_one(SOCK_DATA, true), 0);
	request_apply(&reqs[0], REQ_WRITE_ACK);
	assert_true(reqs[0].flags & RQ_COMPLETE);
	assert_true(tl_barrier_acked(conn(), reqs[0].epoch, 1));
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->md.uuid[MD_UUID_CURRENT], uuid);
}

/* ---- what the receiver must not wait for ---- */

struct sizes_packet {
	struct wire_p_sizes p;
	struct incoming in;
	struct task t;
};

static enum fiber_status run_sizes(struct task *t, void *arg)
{
	return receive_sizes(t, arg);
}

/* The disks of both nodes have grown, and the peer says so. */
static enum fiber_status grown_peer(struct sizes_packet *s)
{
	memset(s, 0, sizeof(*s));
	s->p.d_size = cpu_to_be64(2 * SECTORS);
	s->p.c_size = cpu_to_be64(2 * SECTORS);
	s->p.max_bio_size = cpu_to_be32(1048576);
	s->in.connection = conn();
	s->in.device = dev();
	s->in.fixed = (u8 *)&s->p;
	s->in.hdr.cmd = P_SIZES;
	dev()->backing_sectors = 2 * SECTORS;
	dev()->layout.capacity = 2 * SECTORS;
	return fake_drive(&s->t, run_sizes, &s->in);
}

static void a_new_size_does_not_wait_for_reads_that_the_peer_answers(void **state)
{
	static struct sizes_packet s;

	(void)state;
	dev()->disk_conf.read_balancing = RB_PREFER_REMOTE;
	issue(0, OP_READ, 0);
	assert_true(reqs[0].flags & RQ_NP);
	assert_int_equal(grown_peer(&s), FIBER_DONE);
	assert_true(s.in.ok);
	assert_int_equal(dev()->capacity, 2 * SECTORS);
}

static void a_new_size_waits_for_writes(void **state)
{
	static struct sizes_packet s;

	(void)state;
	issue(0, OP_WRITE, 0);
	assert_int_equal(grown_peer(&s), FIBER_WAIT);
	assert_int_equal(dev()->capacity, SECTORS);
	request_local_done(&reqs[0], 0);
	assert_int_equal(send_one(SOCK_DATA, true), P_DATA);
	assert_int_equal(fake_drive(&s.t, run_sizes, &s.in), FIBER_WAIT);
	request_apply(&reqs[0], REQ_WRITE_ACK);
	assert_int_equal(fake_drive(&s.t, run_sizes, &s.in), FIBER_DONE);
	assert_int_equal(dev()->capacity, 2 * SECTORS);
}

static void a_wait_for_answers_ends_with_the_connection(void **state)
{
	static struct sizes_packet s;
	struct drbd_request *later;

	(void)state;
	issue(0, OP_WRITE, 0);
	assert_int_equal(grown_peer(&s), FIBER_WAIT);
	connection_fail(conn(), C_NETWORK_FAILURE);
	assert_int_equal(fake_drive(&s.t, run_sizes, &s.in), FIBER_DONE);
	assert_false(s.in.ok);
	assert_int_equal(dev()->capacity, SECTORS);
	/* And users are not kept waiting either. */
	later = issue(1, OP_WRITE, 800);
	assert_true(later->flags & RQ_LP);
}

/* ---- a target must be known for one ---- */

/* From now on the superblock can not be written. */
static void hold_superblock(void)
{
	dev()->md_buffer_busy = true;
}

static void nothing_is_asked_for_before_the_disk_says_it_is_inconsistent(void **state)
{
	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_SECONDARY)), CS_HARD);
	device_set_out_of_sync(dev(), 0, 4096);
	dev()->state.conn = C_WF_SYNC_UUID;
	fake_run();
	fake.helper_hook = hold_superblock;
	resync_start(dev(), C_SYNC_TARGET);
	fake_run();
	fake_advance(100);
	assert_int_equal(dev()->state.conn, C_SYNC_TARGET);
	assert_true(fake_on_disk(0).flags & MDF_CONSISTENT);
	drain(SOCK_DATA);
	assert_int_equal(dev()->resync.pending, 0);

	fake.helper_hook = NULL;
	dev()->md_buffer_busy = false;
	env_wake(&fake.resource);
	fake_run();
	assert_false(fake_on_disk(0).flags & MDF_CONSISTENT);
	fake_advance(100);
	drain(SOCK_DATA);
	assert_int_equal(dev()->resync.pending, 1);
}

static void synced_data_is_flushed_before_it_counts(void **state)
{
	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_SECONDARY)), CS_HARD);
	dev()->state.conn = C_SYNC_TARGET;
	dev()->state.disk = D_INCONSISTENT;
	fake_run();
	fake.volume[0].flushes = 0;
	resync_finish(dev());
	fake_run();
	assert_int_equal(fake.volume[0].flushes, 1);
	assert_int_equal(dev()->state.disk, D_INCONSISTENT);
	assert_int_equal(send_one(SOCK_META, true), P_PING);
}

static void peer_detaches(void)
{
	struct state_change gone = state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						     ST_CHANGE_PDSK(D_DISKLESS));

	fake.helper_hook = NULL;
	state_change(dev(), ST_ARGS(gone), CS_HARD);
}

static void no_resync_starts_for_a_disk_that_is_gone(void **state)
{
	(void)state;
	dev()->state.conn = C_WF_BITMAP_S;
	dev()->state.pdsk = D_CONSISTENT;
	fake.helper_hook = peer_detaches;
	resync_start(dev(), C_SYNC_SOURCE);
	fake_run();
	assert_false(dev()->resync.start.active);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	assert_int_equal(dev()->state.pdsk, D_DISKLESS);
}

/* ---- promises about a disk with a volatile cache, kept on another one ---- */

static void write_is_on_both(u32 i, u64 sector)
{
	issue(i, OP_WRITE, sector);
	assert_true(reqs[i].flags & RQ_LP);
	assert_int_equal(send_one(SOCK_DATA, true), P_DATA);
	request_local_done(&reqs[i], 0);
	request_apply(&reqs[i], REQ_WRITE_ACK);
	assert_int_equal(send_one(SOCK_DATA, true), P_BARRIER);
	assert_true(tl_barrier_acked(conn(), reqs[i].epoch, 1));
}

static void data_is_flushed_before_the_log_forgets_it(void **state)
{
	struct fake_volume *v = &fake.volume[0];

	(void)state;
	free(v->al_memory);
	v->al_memory = calloc(1, extents_mem_size(1));
	device_al_resized(dev(), v->al_memory, 1);
	write_is_on_both(0, 0);
	assert_int_equal(v->flushes, 0);
	write_is_on_both(1, 8);
	assert_int_equal(v->flushes, 0);
	write_is_on_both(2, 8192);
	assert_int_equal(v->flushes, 1);
	dev()->disk_conf.disk_flushes = false;
	write_is_on_both(3, 0);
	assert_int_equal(v->flushes, 1);
}

static void data_is_flushed_before_its_primary_steps_down(void **state)
{
	static struct admin_op op;

	(void)state;
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_secondary, &op));
	assert_int_equal(op.ret, SS_SUCCESS);
	assert_int_equal(dev()->state.role, ROLE_SECONDARY);
	assert_int_equal(fake.volume[0].flushes, 1);
}

#define SAFETY_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SAFETY_TEST(nothing_follows_a_packet_that_broke_off),
		SAFETY_TEST(a_stream_of_refused_requests_does_not_cost_the_connection),
		SAFETY_TEST(what_was_frozen_across_a_reconnect_is_sent_again),
		SAFETY_TEST(a_new_size_does_not_wait_for_reads_that_the_peer_answers),
		SAFETY_TEST(a_new_size_waits_for_writes),
		SAFETY_TEST(a_wait_for_answers_ends_with_the_connection),
		SAFETY_TEST(no_resync_starts_for_a_disk_that_is_gone),
		SAFETY_TEST(data_is_flushed_before_the_log_forgets_it),
		SAFETY_TEST(data_is_flushed_before_its_primary_steps_down),
		SAFETY_TEST(synced_data_is_flushed_before_it_counts),
		SAFETY_TEST(nothing_is_asked_for_before_the_disk_says_it_is_inconsistent),
	};

	return cmocka_run_group_tests_name("engine: safety", tests, NULL, NULL);
}
