// SPDX-License-Identifier: GPL-2.0
/* What this node does for its peer where something is missing or fails: writes, reads, resync, verify. */
#include "data_path_fixture.h"

static const u64 syncer = ID_SYNCER;

static struct drbd_peer_request *last_pr(void) { return &peers[n_peers - 1]; }

static void disk_did(struct drbd_peer_request *pr, int error)
{
	assert_true(peer_submitted[pr - peers]);
	peer_submitted[pr - peers] = false;
	peer_request_local_done(pr, error);
	fake_run();
}

static bool was_submitted(void) { return peer_submitted[n_peers - 1]; }

static struct arrival *reads(u16 cmd, u64 sector, u32 bytes)
{
	struct wire_p_block_req p = {
		.sector = cpu_to_be64(sector), .block_id = syncer, .blksize = cpu_to_be32(bytes),
	};

	return arrive(cmd, &p, sizeof(p), 0);
}

static struct wire_p_data data_head(u64 sector, u64 id)
{
	struct wire_p_data p = {
		.sector = cpu_to_be64(sector), .block_id = id, .seq_num = cpu_to_be32(1),
		.dp_flags = cpu_to_be32(DP_SEND_WRITE_ACK),
	};

	return p;
}

/* Its digest does not match. */
static struct arrival *damaged(u16 cmd, u64 sector, u64 id)
{
	struct wire_p_data p = data_head(sector, id);
	struct arrival *a = arrival_read(cmd, &p, sizeof(p), 4096);

	a->in.digest_bad = true;
	go_on(a);
	assert_int_equal(a->status, FIBER_DONE);
	return a;
}

static void refused(struct arrival *a)
{
	assert_false(a->in.ok);
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
	free(a);
}

/* ---- writes ---- */

static void a_barrier_is_acknowledged_after_a_flush(void **state)
{
	struct arrival *a;

	(void)state;
	done(write_arrives(8, 4096, 1));
	a = barrier_arrives(5);
	assert_int_equal(a->status, FIBER_WAIT);
	assert_int_equal(a->flushes, 0);
	disk_did(&peers[0], 0);
	expect(SOCK_META, P_WRITE_ACK);
	go_on(a);
	assert_int_equal(a->flushes, 1);
	done(a);
	expect(SOCK_META, P_BARRIER_ACK);
}

static void a_refused_write_lets_the_disk_go(void **state)
{
	struct app *w;
	u32 refs;

	(void)state;
	conn()->net_conf.two_primaries = 1;
	conn()->resolve_conflicts = true;
	state_change(dev(), ST_ARGS(state_change_join(ST_CHANGE_ROLE(ROLE_PRIMARY),
						      ST_CHANGE_PEER(ROLE_PRIMARY))), CS_HARD);
	fake_run();
	w = issue(OP_WRITE, 8, 8192);
	disk_done(w, 0);
	refs = dev()->local_refs;
	done(write_arrives(8, 4096, 1));
	expect(SOCK_META, P_SUPERSEDED);
	done(write_arrives(12, 8192, 2));
	expect(SOCK_META, P_RETRY_WRITE);
	assert_int_equal(dev()->local_refs, refs);
}

static void a_diskless_writers_data_is_logged_and_marked_here(void **state)
{
	struct arrival *a;

	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	a = write_arrives(80, 4096, 1);
	if (a->status == FIBER_WAIT)
		go_on(a);
	done(a);
	assert_true(was_submitted());
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_int_equal(al_active_extents(dev()), 1);
	disk_did(&peers[0], 0);
	assert_int_equal(al_active_extents(dev()), 0);
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
}

static s64 log_is_broken(const struct action *a)
{
	return a->kind == ACT_AL_WRITE ? -EIO : 0;
}

/* Back again, the disk would hold what the writer's own disk lacks, and no bit would say so. */
static void a_diskless_writers_data_that_could_not_be_logged_are_refused(void **state)
{
	struct arrival *a;

	(void)state;
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_DISKLESS)), CS_HARD);
	fake_run();
	fake.on_disk = log_is_broken;
	a = write_arrives(80, 4096, 1);
	if (a->status == FIBER_WAIT)
		go_on(a);
	done(a);
	assert_true(dev()->state.disk <= D_FAILED);
	assert_false(was_submitted());
	expect(SOCK_META, P_NEG_ACK);
}

static void a_target_takes_writes_before_it_has_its_bitmap(void **state)
{
	(void)state;
	dev()->state.conn = C_WF_BITMAP_T;
	dev()->state.disk = D_OUTDATED;
	done(write_arrives(8, 4096, 1));
	assert_true(was_submitted());
	disk_did(last_pr(), 0);
	expect(SOCK_META, P_WRITE_ACK);
}

static void damaged_data_is_not_written(void **state)
{
	(void)state;
	refused(damaged(P_DATA, 8, 77));
	assert_false(was_submitted());
	assert_true(peer_freed[0]);
}

static void a_write_waits_for_the_resync_write_to_the_same_place(void **state)
{
	struct wire_p_data reply = data_head(8, syncer);
	struct arrival *a;

	(void)state;
	dev()->state.conn = C_SYNC_TARGET;
	dev()->state.disk = D_INCONSISTENT;
	assert_true(rs_extent_try_lock(dev(), 8));
	done(arrive(P_RS_DATA_REPLY, &reply, sizeof(reply), 4096));
	assert_true(peer_submitted[0]);
	a = write_arrives(12, 4096, 1);
	assert_int_equal(a->status, FIBER_WAIT);
	disk_did(&peers[0], 0);
	go_on(a);
	done(a);
	assert_true(peer_submitted[1]);
}

static void a_refusal_that_comes_late_is_marked(void **state)
{
	struct wire_p_block_ack p = {
		.sector = cpu_to_be64(80), .block_id = 4711, .blksize = cpu_to_be32(8192),
	};

	(void)state;
	assert_true(meta_packet(P_NEG_ACK, &p, sizeof(p)));
	assert_int_equal(dev()->bitmap.bits_set, 2);
	assert_int_equal(bm_test(&dev()->bitmap, 11), 1);
}

static struct connection_cleanup cleanup;

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	(void)arg;
	return connection_cleanup(t, conn(), &cleanup);
}

static void a_lost_connection_waits_for_the_peers_writes(void **state)
{
	struct task t = { 0 };

	(void)state;
	memset(&cleanup, 0, sizeof(cleanup));
	done(write_arrives(8, 4096, 1));
	connection_fail(conn(), C_NETWORK_FAILURE);
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_WAIT);
	assert_int_equal(conn()->cstate, C_NETWORK_FAILURE);
	disk_did(&peers[0], 0);
	fake_drive(&t, run_cleanup, NULL);
	fake.now_ms += 60000;
	assert_int_equal(fake_drive(&t, run_cleanup, NULL), FIBER_DONE);
	assert_int_equal(conn()->cstate, C_UNCONNECTED);
}

/* ---- reads ---- */

static void a_block_unreadable_for_the_peer_is_marked(void **state)
{
	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	done(reads(P_DATA_REQUEST, 80, 4096));
	disk_did(last_pr(), -EIO);
	expect(SOCK_META, P_NEG_DREPLY);
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
}

/* The target has the block, or asks for it by its own bit: here it would stay for ever. */
static void a_block_that_a_source_can_not_read_for_the_peer_is_not_marked(void **state)
{
	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	dev()->state.conn = C_SYNC_SOURCE;
	dev()->state.pdsk = D_INCONSISTENT;
	done(reads(P_DATA_REQUEST, 80, 4096));
	disk_did(last_pr(), -EIO);
	expect(SOCK_META, P_NEG_DREPLY);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

/* Protocols A and B tell the writer of success earlier. */
static void a_read_does_not_overtake_a_write_that_is_not_on_the_disk_yet(void **state)
{
	struct arrival *elsewhere, *there;
	struct sent sent;

	(void)state;
	done(write_arrives(8, 4096, 1));
	elsewhere = reads(P_DATA_REQUEST, 16, 4096);
	done(elsewhere);
	assert_true(was_submitted());
	there = reads(P_DATA_REQUEST, 12, 4096);
	assert_int_equal(there->status, FIBER_WAIT);
	assert_false(was_submitted());
	disk_did(&peers[0], 0);
	go_on(there);
	done(there);
	assert_true(was_submitted());
	disk_did(last_pr(), 0);
	sent = expect(SOCK_DATA, P_DATA_REPLY);
	assert_int_equal(be64_to_cpu(((struct wire_p_data *)sent.body)->sector), 12);
}

/* Its user's read was cut when this connection's version was another one. */
static void a_read_larger_than_a_packet_is_refused_to_an_old_peer(void **state)
{
	(void)state;
	conn()->agreed_pro_version = 94;
	done(reads(P_DATA_REQUEST, 0, 131072));
	assert_false(was_submitted());
	conn()->agreed_pro_version = 101;
	expect(SOCK_META, P_NEG_DREPLY);
}

static void only_up_to_date_data_is_read_for_the_peer(void **state)
{
	static const u8 weak[] = { D_INCONSISTENT, D_OUTDATED, D_CONSISTENT };
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(weak); i++) {
		dev()->state.disk = weak[i];
		done(reads(P_DATA_REQUEST, 80, 4096));
		assert_false(was_submitted());
		expect(SOCK_META, P_NEG_DREPLY);
	}
	dev()->state.disk = D_UP_TO_DATE;
	done(reads(P_DATA_REQUEST, 80, 4096));
	assert_true(was_submitted());
	disk_did(last_pr(), 0);
	expect(SOCK_DATA, P_DATA_REPLY);
}

static void damaged_data_is_not_read(void **state)
{
	struct app *r = issue(OP_READ, 16, 4096);
	struct sent ask = expect(SOCK_DATA, P_DATA_REQUEST);

	(void)state;
	refused(damaged(P_DATA_REPLY, 16, ((struct wire_p_block_req *)ask.body)->block_id));
	assert_false(r->completed);
}

/* ---- resync: the target writes ---- */

static void as_target(void)
{
	dev()->state.conn = C_SYNC_TARGET;
	dev()->state.disk = D_INCONSISTENT;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	dev()->max_bio_size = 1 << 20;
	device_set_out_of_sync(dev(), 80, 8192);
	dev()->resync.refused_from = BM_END;
}

/* It was asked for, and so holds its extent. */
static void resync_data_arrives(u64 sector)
{
	struct wire_p_data reply = data_head(sector, syncer);

	if (!dev()->resync.extents_locked)
		assert_true(rs_extent_try_lock(dev(), sector));
	done(arrive(P_RS_DATA_REPLY, &reply, sizeof(reply), 4096));
}

static void a_block_that_could_not_be_synced_stays_marked(void **state)
{
	(void)state;
	as_target();
	resync_data_arrives(80);
	disk_did(last_pr(), -EIO);
	expect(SOCK_META, P_NEG_ACK);
	assert_int_equal(dev()->bitmap.bits_set, 2);
	assert_int_equal(dev()->resync.failed, 1);
	resync_data_arrives(88);
	disk_did(last_pr(), 0);
	expect(SOCK_META, P_RS_WRITE_ACK);
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_int_equal(bm_test(&dev()->bitmap, 11), 0);
}

static void damaged_resync_data_is_not_written(void **state)
{
	(void)state;
	as_target();
	assert_true(rs_extent_try_lock(dev(), 80));
	refused(damaged(P_RS_DATA_REPLY, 80, syncer));
	assert_false(was_submitted());
	assert_int_equal(dev()->bitmap.bits_set, 2);
}

static char disk_order[32];

static s64 note_order(const struct action *a)
{
	if (a->kind == ACT_FLUSH)
		strcat(disk_order, "flush ");
	if (a->kind == ACT_BM_WRITE)
		strcat(disk_order, "bitmap ");
	return 0;
}

static struct bulk_op bulk;

static enum fiber_status run_write_bitmap(struct task *t, void *arg)
{
	(void)arg;
	return device_write_bitmap(t, dev(), &bulk);
}

static void synced_data_is_flushed_before_its_bits_are_written(void **state)
{
	struct task t = { 0 };

	(void)state;
	as_target();
	memset(&bulk, 0, sizeof(bulk));
	resync_data_arrives(80);
	disk_did(last_pr(), 0);
	disk_order[0] = 0;
	fake.on_disk = note_order;
	assert_int_equal(fake_drive(&t, run_write_bitmap, NULL), FIBER_DONE);
	assert_string_equal(disk_order, "flush bitmap ");
}

/* ---- resync: the source reads ---- */

static void as_source(void)
{
	dev()->state.conn = C_SYNC_SOURCE;
	dev()->state.pdsk = D_INCONSISTENT;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	device_set_out_of_sync(dev(), 80, 4096);
}

static void block_80_was_sent_to_the_target(void)
{
	as_source();
	done(reads(P_RS_DATA_REQUEST, 80, 4096));
	disk_did(last_pr(), 0);
	expect(SOCK_DATA, P_RS_DATA_REPLY);
	assert_int_equal(dev()->bitmap.bits_set, 1);
}

static void the_target_acknowledges_block_80(void)
{
	struct wire_p_block_ack p = {
		.sector = cpu_to_be64(80), .block_id = syncer, .blksize = cpu_to_be32(4096),
	};

	assert_true(meta_packet(P_RS_WRITE_ACK, &p, sizeof(p)));
}

static void bits_stay_until_the_target_has_written(void **state)
{
	(void)state;
	block_80_was_sent_to_the_target();
	assert_int_equal(dev()->resync.extents_locked, 1);
	the_target_acknowledges_block_80();
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->resync.extents_locked, 0);
}

/* What the target's users wrote since, to the same block perhaps, is here alone. */
static void an_ack_that_comes_after_the_loss_of_the_targets_disk_clears_no_bits(void **state)
{
	(void)state;
	block_80_was_sent_to_the_target();
	state_change(dev(), ST_ARGS(ST_CHANGE_PDSK(D_FAILED)), CS_HARD);
	fake_run();
	the_target_acknowledges_block_80();
	assert_int_equal(dev()->bitmap.bits_set, 1);
}

struct digest_packet {
	struct wire_p_block_req p;
	u8 digest[20];
};

static u8 own_digest[64];
static u32 own_digest_len;

static void make_digest(struct drbd_peer_request *pr, enum digest_use use)
{
	(void)use;
	memcpy(pr->digest, own_digest, sizeof(own_digest));
	pr->digest_len = own_digest_len;
	peer_request_digest_done(pr);
}

/* The peer's digest of 20 bytes is 1, 2, 3 ...; ours differs in byte `differ` if that is below 20. */
static struct arrival *digest_arrives(u16 cmd, u32 differ, u32 own_len)
{
	struct digest_packet d = { .p = {
		.sector = cpu_to_be64(80), .block_id = syncer, .blksize = cpu_to_be32(4096),
	} };
	struct arrival *a;
	u32 i;

	for (i = 0; i < sizeof(d.digest); i++)
		d.digest[i] = own_digest[i] = (u8)(i + 1);
	own_digest[differ] ^= 0x80;
	own_digest_len = own_len;
	fake.on_peer_digest = make_digest;
	a = arrival_read(cmd, &d.p, sizeof(d.p), sizeof(d.digest));
	if (!a->in.pr) {
		a->in.pr = &peers[n_peers++];
		peer_request_init(a->in.pr, dev(), 0, 4096);
	}
	go_on(a);
	return a;
}

static void only_an_equal_digest_saves_the_data(void **state)
{
	u32 i;

	(void)state;
	conn()->csums_size = 20;
	for (i = 0; i < 20; i++) {
		as_source();
		done(digest_arrives(P_CSUM_RS_REQUEST, i, 20));
		disk_did(last_pr(), 0);
		expect(SOCK_DATA, P_RS_DATA_REPLY);
		assert_int_equal(dev()->bitmap.bits_set, 1);
	}
	done(digest_arrives(P_CSUM_RS_REQUEST, 63, 16));
	disk_did(last_pr(), 0);
	expect(SOCK_DATA, P_RS_DATA_REPLY);
	assert_int_equal(dev()->bitmap.bits_set, 1);
	done(digest_arrives(P_CSUM_RS_REQUEST, 63, 20));
	disk_did(last_pr(), 0);
	expect(SOCK_META, P_RS_IS_IN_SYNC);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

/* ---- resync: the target asks ---- */

static void asked(u64 sector, u32 bytes)
{
	struct sent s = expect(SOCK_DATA, P_RS_DATA_REQUEST);
	struct wire_p_block_req *p = (struct wire_p_block_req *)s.body;

	assert_int_equal(be64_to_cpu(p->sector), sector);
	assert_int_equal(be32_to_cpu(p->blksize), bytes);
}

static void asks(u32 blocks)
{
	dev()->resync.budget = blocks;
	if (!dlist_linked(&dev()->resync.requests.link)) {
		dev()->resync.requests.kind = SEND_RESYNC_REQUESTS;
		send_item_queue(conn(), SOCK_DATA, &dev()->resync.requests);
	}
}

static void what_the_source_cancelled_is_asked_again_before_the_rest_is_answered(void **state)
{
	struct wire_p_block_ack p = {
		.sector = cpu_to_be64(80), .block_id = syncer, .blksize = cpu_to_be32(8192),
	};

	(void)state;
	as_target();
	device_set_out_of_sync(dev(), 8000, 4096);
	asks(10);
	asked(80, 8192);
	asked(8000, 4096);
	expect_idle(SOCK_DATA);
	assert_true(meta_packet(P_RS_CANCEL, &p, sizeof(p)));
	assert_int_equal(dev()->resync.pending, 1);
	expect_idle(SOCK_DATA);
	resync_turn_now(dev());
	fake_advance(1);
	asked(80, 8192);
}

static void bits_set_behind_the_cursor_are_asked_for_in_the_end(void **state)
{
	(void)state;
	as_target();
	dev()->disk_conf.resync_rate = 10000;
	asks(10);
	asked(80, 8192);
	expect_idle(SOCK_DATA);
	device_set_out_of_sync(dev(), 0, 4096);
	resync_data_arrives(80);
	disk_did(last_pr(), 0);
	resync_data_arrives(88);
	disk_did(last_pr(), 0);
	assert_int_equal(dev()->resync.pending, 0);
	resync_turn_now(dev());
	fake_advance(100);
	asked(0, 4096);
}

static void the_last_request_ends_with_the_device(void **state)
{
	(void)state;
	as_target();
	dev()->capacity = 85;
	bm_clear_all(&dev()->bitmap);
	bm_set_range(&dev()->bitmap, 10, 10);
	asks(10);
	asked(80, 5 * 512);
}

static void a_lost_link_frees_every_extent(void **state)
{
	struct app *w;

	(void)state;
	assert_true(rs_extent_try_lock(dev(), 0));
	assert_true(rs_extent_try_lock(dev(), 8));
	assert_true(rs_extent_try_lock(dev(), 40000));
	assert_int_equal(dev()->resync.extents_locked, 2);
	rs_extents_cancel(dev());
	assert_int_equal(dev()->resync.extents_locked, 0);
	w = issue(OP_WRITE, 8, 4096);
	assert_true(w->submitted);
	/* Its answer comes late. */
	rs_extent_unlock(dev(), 0);
	assert_int_equal(dev()->resync.extents_locked, 0);
}

/* ---- the start of a resync ---- */

static void start_with_handler(enum drbd_conn from, enum drbd_conn side, int status)
{
	dev()->state.conn = from;
	if (side == C_SYNC_SOURCE)
		dev()->state.pdsk = D_CONSISTENT;
	else
		dev()->state.disk = D_OUTDATED;
	fake.helper_exit = status;
	resync_start(dev(), side);
	fake_run();
}

static void three_forbids_a_target_but_no_source(void **state)
{
	(void)state;
	start_with_handler(C_WF_BITMAP_S, C_SYNC_SOURCE, 3);
	assert_int_equal(dev()->state.conn, C_SYNC_SOURCE);
	dev()->state.pdsk = D_UP_TO_DATE;
	start_with_handler(C_WF_SYNC_UUID, C_SYNC_TARGET, 3);
	assert_int_equal(conn()->cstate, C_DISCONNECTING);
}

static void peer_was_away(void)
{
	conn()->established_at += 10;
}

static void no_resync_starts_for_an_earlier_connection(void **state)
{
	(void)state;
	fake.helper_hook = peer_was_away;
	start_with_handler(C_WF_BITMAP_S, C_SYNC_SOURCE, 0);
	assert_int_equal(dev()->state.conn, C_WF_BITMAP_S);
}

static void a_sync_uuid_leaves_as_it_is(void **state)
{
	struct sent s;

	(void)state;
	send_sync_uuid(dev(), 0x0102030405060708ULL);
	s = expect(SOCK_DATA, P_SYNC_UUID);
	assert_memory_equal(s.body, "\1\2\3\4\5\6\7\10", 8);
}

static void the_source_learns_what_the_target_found(void **state)
{
	static const u64 bits = 262144 / 8;
	struct bm_transfer t;
	static void *pages[1];
	static u8 flags[1], page[4096], packet[256];
	struct bitmap peers_map;
	unsigned int len;

	(void)state;
	pages[0] = page;
	bm_init(&peers_map, pages, flags, 1, bits);
	bm_set_range(&peers_map, 5, 6);
	bm_transfer_init(&t, bits);
	assert_int_equal(bm_send_fill(&peers_map, &t, true, packet, sizeof(packet), &len),
			 BM_SEND_COMPRESSED);
	dev()->state.conn = C_WF_BITMAP_S;
	dev()->state.pdsk = D_CONSISTENT;
	done(arrive(P_COMPRESSED_BITMAP, packet, 0, len));
	assert_int_equal(dev()->bitmap.bits_set, 2);
	assert_int_equal(bm_test(&dev()->bitmap, 6), 1);
}

/* ---- verify ---- */

static void as_verifier(u8 conn_state)
{
	dev()->state.conn = conn_state;
	dev()->resync.verify_left = 100;
	conn()->verify_size = 20;
}

static void a_verify_marks_what_differs_and_tells(void **state)
{
	struct wire_p_block_ack *p;
	struct sent s;
	u32 i;

	(void)state;
	as_verifier(C_VERIFY_S);
	for (i = 0; i < 21; i++) {
		bm_clear_all(&dev()->bitmap);
		done(digest_arrives(P_OV_REPLY, i < 20 ? i : 63, 20));
		disk_did(last_pr(), 0);
		s = expect(SOCK_META, P_OV_RESULT);
		p = (struct wire_p_block_ack *)s.body;
		assert_int_equal(be64_to_cpu((__force __be64)p->block_id),
				 i < 20 ? ID_OUT_OF_SYNC : ID_IN_SYNC);
		assert_int_equal(dev()->bitmap.bits_set, i < 20);
	}
}

static void the_other_side_of_a_verify_marks_it_too(void **state)
{
	struct wire_p_block_ack p = {
		.sector = cpu_to_be64(80), .blksize = cpu_to_be32(4096),
		.block_id = (__force u64)cpu_to_be64(ID_OUT_OF_SYNC),
	};

	(void)state;
	as_verifier(C_VERIFY_T);
	assert_true(meta_packet(P_OV_RESULT, &p, sizeof(p)));
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_int_equal(dev()->resync.verify_left, 99);
}

static void a_verify_looks_at_the_end_of_every_device(void **state)
{
	u64 capacity;

	(void)state;
	for (capacity = 1; capacity < 40; capacity++) {
		u64 covered = 0;
		struct sent s;

		as_verifier(C_VERIFY_S);
		dev()->capacity = capacity;
		dev()->resync.verify_position = 0;
		dev()->resync.budget = 100;
		dev()->resync.requests.kind = SEND_VERIFY_REQUESTS;
		send_item_queue(conn(), SOCK_DATA, &dev()->resync.requests);
		while (next_packet(SOCK_DATA, &s, true)) {
			struct wire_p_block_req *p = (struct wire_p_block_req *)s.body;

			assert_int_equal(be64_to_cpu(p->sector), covered);
			covered += be32_to_cpu(p->blksize) >> 9;
		}
		assert_int_equal(covered, capacity);
		rs_extents_cancel(dev());
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_barrier_is_acknowledged_after_a_flush, setup_secondary),
		TEST(a_refused_write_lets_the_disk_go, setup_primary),
		TEST(a_diskless_writers_data_is_logged_and_marked_here, setup_secondary),
		TEST(a_diskless_writers_data_that_could_not_be_logged_are_refused, setup_secondary),
		TEST(a_target_takes_writes_before_it_has_its_bitmap, setup_secondary),
		TEST(damaged_data_is_not_written, setup_secondary),
		TEST(a_write_waits_for_the_resync_write_to_the_same_place, setup_secondary),
		TEST(a_refusal_that_comes_late_is_marked, setup_primary),
		TEST(a_lost_connection_waits_for_the_peers_writes, setup_secondary),
		TEST(a_block_unreadable_for_the_peer_is_marked, setup_secondary),
		TEST(a_block_that_a_source_can_not_read_for_the_peer_is_not_marked, setup_secondary),
		TEST(a_read_does_not_overtake_a_write_that_is_not_on_the_disk_yet, setup_secondary),
		TEST(only_up_to_date_data_is_read_for_the_peer, setup_secondary),
		TEST(a_read_larger_than_a_packet_is_refused_to_an_old_peer, setup_secondary),
		TEST(damaged_data_is_not_read, setup_diskless),
		TEST(a_block_that_could_not_be_synced_stays_marked, setup_secondary),
		TEST(damaged_resync_data_is_not_written, setup_secondary),
		TEST(synced_data_is_flushed_before_its_bits_are_written, setup_secondary),
		TEST(bits_stay_until_the_target_has_written, setup_primary),
		TEST(an_ack_that_comes_after_the_loss_of_the_targets_disk_clears_no_bits, setup_primary),
		TEST(only_an_equal_digest_saves_the_data, setup_primary),
		TEST(what_the_source_cancelled_is_asked_again_before_the_rest_is_answered, setup_secondary),
		TEST(bits_set_behind_the_cursor_are_asked_for_in_the_end, setup_secondary),
		TEST(the_last_request_ends_with_the_device, setup_secondary),
		TEST(a_lost_link_frees_every_extent, setup_primary),
		TEST(three_forbids_a_target_but_no_source, setup_secondary),
		TEST(no_resync_starts_for_an_earlier_connection, setup_secondary),
		TEST(a_sync_uuid_leaves_as_it_is, setup_secondary),
		TEST(the_source_learns_what_the_target_found, setup_secondary),
		TEST(a_verify_marks_what_differs_and_tells, setup_secondary),
		TEST(the_other_side_of_a_verify_marks_it_too, setup_secondary),
		TEST(a_verify_looks_at_the_end_of_every_device, setup_secondary),
	};

	return cmocka_run_group_tests_name("engine: the peer's I/O", tests, NULL, NULL);
}
