// SPDX-License-Identifier: GPL-2.0
/* This node's own requests where something is missing or fails; its log and superblock. */
#include "data_path_fixture.h"

static struct wire_p_data *data_of(struct sent *s) { return (struct wire_p_data *)s->body; }

static struct sent expect_soon(u16 cmd)
{
	struct sent s;

	do
		assert_true(next_packet(SOCK_DATA, &s, true));
	while (s.cmd != cmd);
	return s;
}

/* ---- what goes to whom ---- */

static void what_the_user_asked_for_reaches_the_peer(void **state)
{
	struct app *app = &apps[n_apps++];
	struct sent data;

	(void)state;
	request_init(&app->req, dev(), OP_WRITE, 8, 4096, DP_FUA | DP_RW_SYNC);
	request_new(&app->req);
	fake_run();
	data = expect(SOCK_DATA, P_DATA);
	assert_int_equal(be32_to_cpu(data_of(&data)->dp_flags),
			 DP_FUA | DP_RW_SYNC | DP_SEND_WRITE_ACK);
}

static void as_target(void)
{
	dev()->state.conn = C_SYNC_TARGET;
	dev()->state.disk = D_INCONSISTENT;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
}

static void a_read_with_one_stale_block_goes_to_the_peer(void **state)
{
	u32 block;

	(void)state;
	as_target();
	for (block = 0; block < 3; block++) {
		device_set_out_of_sync(dev(), 80 + block * 8, 4096);
		assert_false(issue(OP_READ, 80, 3 * 4096)->submitted);
		expect_soon(P_DATA_REQUEST);
		bm_clear_range(&dev()->bitmap, 10, 12);
	}
	assert_true(issue(OP_READ, 80, 3 * 4096)->submitted);
}

static void without_a_good_copy_nothing_is_written(void **state)
{
	struct app *w;

	(void)state;
	lose_connection();
	dev()->state.disk = D_INCONSISTENT;
	w = issue(OP_WRITE, 8, 4096);
	assert_false(w->submitted);
	assert_true(w->completed);
	assert_int_equal(w->error, -EIO);
	assert_int_equal(dev()->bitmap.bits_set, 0);
}

static void a_read_error_without_a_peer_is_an_error(void **state)
{
	struct app *r;

	(void)state;
	lose_connection();
	r = issue(OP_READ, 16, 4096);
	disk_done(r, -EIO);
	assert_true(r->completed);
	assert_int_equal(r->error, -EIO);
	assert_true(r->freed);
	assert_int_equal(dev()->ap_in_flight, 0);
}

/* The target would ask for the block, here, where it can not be read. */
static void a_read_error_on_the_source_of_a_sync_is_not_marked(void **state)
{
	(void)state;
	dev()->disk_conf.on_io_error = EP_PASS_ON;
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_SYNC_SOURCE)), CS_HARD);
	fake_run();
	disk_done(issue(OP_READ, 16, 4096), -EIO);
	assert_int_equal(dev()->bitmap.bits_set, 0);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
}

static void what_is_queued_while_the_connection_closes_comes_to_its_end(void **state)
{
	struct app *w;

	(void)state;
	send_close(conn());
	w = issue(OP_WRITE, 8, 4096);
	disk_done(w, 0);
	assert_false(w->completed);
	tl_apply(conn(), REQ_CONNECTION_LOST);
	assert_true(w->completed);
	assert_int_equal(w->error, 0);
	assert_int_equal(bm_test(&dev()->bitmap, 1), 1);
}

static void a_diskless_flush_fails_with_the_link(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096), *f;

	(void)state;
	expect(SOCK_DATA, P_DATA);
	f = issue(OP_FLUSH, 0, 0);
	assert_false(f->completed);
	lose_connection();
	assert_true(w->completed && f->completed);
	assert_int_equal(f->error, -EIO);
}

static void too_few_writes_in_a_barrier_ack_are_a_protocol_error(void **state)
{
	struct app *a = issue(OP_WRITE, 8, 4096), *b = issue(OP_WRITE, 64, 512);
	struct sent da = expect(SOCK_DATA, P_DATA), db = expect(SOCK_DATA, P_DATA), barrier;

	(void)state;
	disk_done(a, 0);
	disk_done(b, 0);
	assert_true(ack(&da, P_WRITE_ACK, 4096));
	assert_true(ack(&db, P_WRITE_ACK, 512));
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_false(barrier_ack(&barrier, 1));
	assert_int_equal(conn()->cstate, C_PROTOCOL_ERROR);
}

static void a_write_told_to_retry_is_not_counted_in_its_epoch(void **state)
{
	struct app *a, *b;
	struct sent da, db, barrier;

	(void)state;
	conn()->net_conf.two_primaries = 1;
	state_change(dev(), ST_ARGS(ST_CHANGE_PEER(ROLE_PRIMARY)), CS_HARD);
	a = issue(OP_WRITE, 8, 4096);
	b = issue(OP_WRITE, 64, 512);
	da = expect(SOCK_DATA, P_DATA);
	db = expect(SOCK_DATA, P_DATA);
	disk_done(a, 0);
	disk_done(b, 0);
	assert_true(ack(&da, P_RETRY_WRITE, 4096));
	assert_true(ack(&db, P_WRITE_ACK, 512));
	issue(OP_WRITE, 128, 512);
	barrier = expect(SOCK_DATA, P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	assert_true(b->freed);
	assert_false(a->completed);
}

static void a_disk_gets_its_time_and_no_more(void **state)
{
	struct app *w;

	(void)state;
	dev()->disk_conf.disk_timeout = 30;	/* 3 s */
	fake_advance(60000);
	w = issue(OP_WRITE, 8, 4096);
	assert_true(w->submitted);
	fake_advance(1000);
	fake_advance(1000);
	assert_int_equal(dev()->state.disk, D_UP_TO_DATE);
	fake_advance(1000);
	fake_advance(1000);
	assert_true(dev()->state.disk <= D_FAILED);
}

/* ---- frozen writes and the bitmap ---- */

static void the_bitmap_takes_frozen_writes_along(void **state)
{
	struct app *w = issue(OP_WRITE, 80, 4096);

	(void)state;
	expect(SOCK_DATA, P_DATA);
	disk_done(w, 0);
	conn_state_change(conn(), ST_ARGS(ST_CHANGE_FLAG(ST_SUSP, true)), CS_HARD);
	dev()->state.conn = C_WF_BITMAP_S;
	assert_int_equal(dev()->bitmap.bits_set, 0);
	bitmap_send_start(dev());
	fake_run();
	assert_int_equal(bm_test(&dev()->bitmap, 10), 1);
	assert_int_equal(dev()->bitmap.bits_set, 1);
}

/* ---- the activity log ---- */

static void a_write_over_two_extents_logs_both(void **state)
{
	struct app *w = issue(OP_WRITE, 8192 - 8, 8192);

	(void)state;
	assert_true(w->submitted);
	assert_int_equal(al_active_extents(dev()), 2);
	assert_true(extents_in_use(&dev()->al.hot, 0));
	assert_true(extents_in_use(&dev()->al.hot, 1));
	assert_false(extents_in_use(&dev()->al.hot, 2));
}

static s64 log_is_broken(const struct action *a)
{
	return a->kind == ACT_AL_WRITE ? -EIO : 0;
}

static void a_transaction_that_fails_costs_the_disk(void **state)
{
	struct app *w;

	(void)state;
	fake.on_disk = log_is_broken;
	w = issue(OP_WRITE, 8, 4096);
	assert_true(dev()->state.disk <= D_FAILED);
	assert_false(w->submitted);
	assert_int_equal(dev()->al_writ_cnt, 0);
}

static char disk_order[32];

static s64 note_order(const struct action *a)
{
	if (a->kind == ACT_BM_WRITE)
		strcat(disk_order, "bitmap ");
	if (a->kind == ACT_AL_WRITE)
		strcat(disk_order, "log ");
	return 0;
}

static void write_is_over(u64 sector)
{
	struct app *w = issue(OP_WRITE, sector, 4096);
	struct sent data = expect_soon(P_DATA), barrier;

	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect_soon(P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
}

static void the_bits_of_an_extent_are_written_before_the_log_forgets_it(void **state)
{
	struct fake_volume *v = &fake.volume[0];

	(void)state;
	free(v->al_memory);
	v->al_memory = calloc(1, extents_mem_size(1));
	device_al_resized(dev(), v->al_memory, 1);
	disk_order[0] = 0;
	fake.on_disk = note_order;
	write_is_over(0);
	device_set_out_of_sync(dev(), 0, 4096);
	write_is_over(8192);
	assert_string_equal(disk_order, "log bitmap log ");
}

/* ---- the superblock ---- */

static s64 change_meanwhile(const struct action *a)
{
	if (a->kind == ACT_MD_WRITE)
		device_md_mark_dirty(a->device);
	return 0;
}

static struct md_sync md;

static enum fiber_status run_md_sync(struct task *t, void *arg)
{
	(void)arg;
	return device_md_sync(t, dev(), &md, true);
}

static void a_change_while_the_superblock_is_written_is_not_lost(void **state)
{
	struct task t = { 0 };

	(void)state;
	memset(&md, 0, sizeof(md));
	fake.on_disk = change_meanwhile;
	assert_int_equal(fake_drive(&t, run_md_sync, NULL), FIBER_DONE);
	assert_true(dev()->md_dirty);
}

static u32 marks_at_bitmap_write;

static s64 look_at_marks(const struct action *a)
{
	if (a->kind == ACT_BM_WRITE || a->kind == ACT_AL_INIT)
		marks_at_bitmap_write = fake_on_disk(0).flags;
	return 0;
}

static struct bulk_op bulk;

static enum fiber_status run_set_all(struct task *t, void *arg)
{
	(void)arg;
	return device_set_all_and_write(t, dev(), &bulk);
}

static void everything_is_out_of_sync_on_disk_until_all_bits_are(void **state)
{
	struct task t = { 0 };

	(void)state;
	memset(&bulk, 0, sizeof(bulk));
	marks_at_bitmap_write = 0;
	fake.on_disk = look_at_marks;
	assert_int_equal(fake_drive(&t, run_set_all, NULL), FIBER_DONE);
	assert_int_equal(bulk.error, 0);
	assert_true(marks_at_bitmap_write & MDF_FULL_SYNC);
	assert_false(fake_on_disk(0).flags & MDF_FULL_SYNC);
	assert_int_equal(dev()->bitmap.bits_set, dev()->bitmap.n_bits);
}

static struct admin_op op;

static void metadata_that_moves_is_marked_until_it_is_there(void **state)
{
	(void)state;
	admin_op_init(&op, &fake.resource, dev());
	op.al_stripes = 2;
	op.al_stripe_size_4k = 16;
	marks_at_bitmap_write = 0;
	fake.on_disk = look_at_marks;
	assert_true(fake_command(admin_resize, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	assert_int_equal(marks_at_bitmap_write & (MDF_FULL_SYNC | MDF_AL_DISABLED),
			 MDF_FULL_SYNC | MDF_AL_DISABLED);
	assert_int_equal(fake_on_disk(0).flags & (MDF_FULL_SYNC | MDF_AL_DISABLED), 0);
	assert_int_equal(fake_on_disk(0).al_stripes, 2);
}

/* ---- order of what goes to the disk ---- */

static void a_disk_stays_a_primarys_until_its_last_write_is_over(void **state)
{
	struct app *w = issue(OP_WRITE, 8, 4096);
	struct sent data = expect(SOCK_DATA, P_DATA), barrier;
	struct task t = { 0 };

	(void)state;
	memset(&md, 0, sizeof(md));
	state_force(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_SECONDARY)));
	fake_run();
	assert_int_equal(fake_drive(&t, run_md_sync, NULL), FIBER_DONE);
	assert_true(fake_on_disk(0).flags & MDF_PRIMARY_IND);
	disk_done(w, 0);
	assert_true(ack(&data, P_WRITE_ACK, 4096));
	barrier = expect_soon(P_BARRIER);
	assert_true(barrier_ack(&barrier, 1));
	fake_advance(5000);
	fake_advance(5000);
	assert_false(fake_on_disk(0).flags & MDF_PRIMARY_IND);
}

static bool log_was_open, log_is_new;

/* At each step from the flush of what the old log stood for to the new one. */
static s64 write_while_it_moves(const struct action *a)
{
	static struct drbd_peer_request pr;

	if (log_is_new || (a->kind != ACT_FLUSH && a->kind != ACT_MD_WRITE && a->kind != ACT_AL_INIT))
		return 0;
	peer_request_init(&pr, a->device, 8, 4096);
	if (al_begin_peer(&pr) || pr.in_al)
		log_was_open = true;
	log_is_new = a->kind == ACT_AL_INIT;
	return 0;
}

static void nobody_takes_an_extent_of_a_log_that_is_laid_out_anew(void **state)
{
	(void)state;
	admin_op_init(&op, &fake.resource, dev());
	op.al_stripes = 2;
	op.al_stripe_size_4k = 16;
	log_was_open = log_is_new = false;
	fake.on_disk = write_while_it_moves;
	assert_true(fake_command(admin_resize, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	assert_true(log_is_new);
	assert_false(log_was_open);
}

static s64 clear_while_flushing(const struct action *a)
{
	if (a->kind == ACT_FLUSH)
		device_set_in_sync(a->device, 8, 4096);
	return 0;
}

static struct bm_write pages;

static enum fiber_status run_bitmap_write(struct task *t, void *arg)
{
	(void)arg;
	return device_bitmap_write(t, dev(), &pages, BM_WRITE_CHANGED);
}

static u32 write_bitmap(void)
{
	u32 before = fake.volume[0].flushes;
	struct task t = { 0 };

	memset(&pages, 0, sizeof(pages));
	assert_int_equal(fake_drive(&t, run_bitmap_write, NULL), FIBER_DONE);
	return fake.volume[0].flushes - before;
}

static void a_bit_cleared_while_a_flush_runs_needs_another_one(void **state)
{
	(void)state;
	device_set_out_of_sync(dev(), 0, 8192);
	device_set_in_sync(dev(), 0, 4096);
	fake.on_disk = clear_while_flushing;
	assert_int_equal(write_bitmap(), 1);
	fake.on_disk = NULL;
	assert_int_equal(write_bitmap(), 1);
	device_set_out_of_sync(dev(), 0, 8192);
	assert_int_equal(write_bitmap(), 0);
}

static struct size_op size;

static enum fiber_status run_size(struct task *t, void *arg)
{
	(void)arg;
	return device_determine_size(t, dev(), &size);
}

static void two_changes_of_the_size_follow_one_another(void **state)
{
	struct app *r = issue(OP_READ, 8, 4096);
	struct task t = { 0 };

	(void)state;
	memset(&size, 0, sizeof(size));
	size.has_user_size = true;
	size.user_size = SECTORS / 2;
	assert_int_equal(fake_drive(&t, run_size, NULL), FIBER_WAIT);
	dev()->size_busy = true;
	disk_done(r, 0);
	assert_int_equal(fake_drive(&t, run_size, NULL), FIBER_WAIT);
	assert_int_equal(dev()->capacity, SECTORS);
	dev()->size_busy = false;
	assert_int_equal(fake_drive(&t, run_size, NULL), FIBER_DONE);
	assert_int_equal(dev()->capacity, SECTORS / 2);
	assert_int_equal(fake_on_disk(0).la_size_sect, SECTORS / 2);
}

/* With a meta device that ends within a page of the bitmap. */
static void a_meta_device_of_any_size_is_used_to_its_end(void **state)
{
	const u64 data = 1ULL << 30;
	u32 odd;

	(void)state;
	for (odd = 0; odd < 9; odd++) {
		struct md_superblock sb = {
			.magic = MD_MAGIC_CLEAN, .uuid = { UUID_JUST_CREATED }, .flags = MDF_AL_CLEAN,
			.bm_bytes_per_bit = MD_BYTES_PER_BIT,
		};
		struct md_layout layout;

		start(false);
		fake_format(0, data, &sb);
		dev()->capacity = 0;
		dev()->meta_sectors = 2048 + odd;
		assert_true(md_layout_compute(MD_INDEX_FLEX_EXTERNAL, data, 2048 + odd, 1, 8, &layout));
		md_layout_to_superblock(&layout, &sb);
		md_superblock_encode(&sb, fake.volume[0].superblock);
		admin_op_init(&op, &fake.resource, dev());
		assert_true(fake_command(admin_attach, &op));
		assert_int_equal(op.ret, ERR_NO_ERROR);
		assert_int_equal(dev()->capacity, (2048 + odd - 72) * 32768ULL);
		fake_stop();
	}
	start(false);
}

static void the_bitmap_is_written_when_a_primary_steps_down(void **state)
{
	u32 before;

	(void)state;
	device_set_out_of_sync(dev(), 0, 4096);
	before = fake.volume[0].bm_writes;
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_secondary, &op));
	fake_run();
	assert_int_equal(dev()->state.role, ROLE_SECONDARY);
	assert_int_equal(fake.volume[0].bm_writes, before + 1);
}

static void a_failing_disk_gets_the_bitmap_unless_it_is_given_up_by_force(void **state)
{
	u32 before = fake.volume[0].bm_writes;

	(void)state;
	device_io_error(dev(), IO_ERROR_DATA_READ);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_int_equal(fake.volume[0].bm_writes, before + 1);
	assert_int_equal(fake.volume[0].closes, 1);

	attach(0xAAAA000000000000ULL);
	before = fake.volume[0].bm_writes;
	device_io_error(dev(), IO_ERROR_TIMEOUT);
	fake_run();
	assert_int_equal(dev()->state.disk, D_DISKLESS);
	assert_int_equal(fake.volume[0].bm_writes, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_the_user_asked_for_reaches_the_peer, setup_primary),
		TEST(a_read_with_one_stale_block_goes_to_the_peer, setup_primary),
		TEST(without_a_good_copy_nothing_is_written, setup_primary),
		TEST(a_read_error_without_a_peer_is_an_error, setup_primary),
		TEST(a_read_error_on_the_source_of_a_sync_is_not_marked, setup_primary),
		TEST(what_is_queued_while_the_connection_closes_comes_to_its_end, setup_primary),
		TEST(a_diskless_flush_fails_with_the_link, setup_diskless),
		TEST(too_few_writes_in_a_barrier_ack_are_a_protocol_error, setup_primary),
		TEST(a_write_told_to_retry_is_not_counted_in_its_epoch, setup_primary),
		TEST(a_disk_gets_its_time_and_no_more, setup_primary),
		TEST(the_bitmap_takes_frozen_writes_along, setup_primary),
		TEST(a_write_over_two_extents_logs_both, setup_primary),
		TEST(a_transaction_that_fails_costs_the_disk, setup_primary),
		TEST(the_bits_of_an_extent_are_written_before_the_log_forgets_it, setup_primary),
		TEST(a_change_while_the_superblock_is_written_is_not_lost, setup_primary),
		TEST(everything_is_out_of_sync_on_disk_until_all_bits_are, setup_primary),
		TEST(metadata_that_moves_is_marked_until_it_is_there, setup_primary),
		TEST(a_disk_stays_a_primarys_until_its_last_write_is_over, setup_primary),
		TEST(nobody_takes_an_extent_of_a_log_that_is_laid_out_anew, setup_primary),
		TEST(a_bit_cleared_while_a_flush_runs_needs_another_one, setup_primary),
		TEST(two_changes_of_the_size_follow_one_another, setup_primary),
		TEST(a_meta_device_of_any_size_is_used_to_its_end, setup_diskless),
		TEST(the_bitmap_is_written_when_a_primary_steps_down, setup_primary),
		TEST(a_failing_disk_gets_the_bitmap_unless_it_is_given_up_by_force, setup_primary),
	};

	return cmocka_run_group_tests_name("engine: own I/O and metadata", tests, NULL, NULL);
}
