// SPDX-License-Identifier: GPL-2.0
/* Power cuts at every write of the metadata: it stays attachable, and no mark is lost. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <cmocka.h>
#include "fake_env.h"
#include "core/actlog_block.h"
#include "core/engine.h"
#include "core/objects.h"
#include "core/predicates.h"
#include "core/receive.h"

#define MIB 2048ULL
#define SMALL (64 * MIB)
#define LARGE (300 * MIB)

static struct fake_disk disk;
static struct drbd_request reqs[64];
static bool counts[64];		/* it was done before the power went */
static u32 n_reqs;

static struct drbd_device *dev(void) { return fake_device(0); }
static struct drbd_connection *conn(void) { return &fake.resource.connection; }

static void on_free(struct drbd_request *req) { (void)req; }

/* An UpToDate disk of which `used` sectors are in use, attached. */
static void attach(s32 index, u64 data_sectors, u64 meta_sectors, u64 used)
{
	static struct admin_op op;
	struct md_superblock sb = {
		.la_size_sect = used, .magic = MD_MAGIC_CLEAN, .uuid = { 0xAAAA000000000000ULL },
		.flags = MDF_AL_CLEAN | MDF_CONSISTENT | MDF_WAS_UP_TO_DATE,
	};

	fake_start(1);
	n_reqs = 0;
	fake.on_free = on_free;
	fake_disk_format(&disk, index, data_sectors, meta_sectors, &sb);
	fake.volume[0].disk = &disk;
	dev()->backing_sectors = data_sectors;
	dev()->meta_sectors = meta_sectors;
	dev()->backing_max_bio_size = 1 << 20;
	dev()->disk_conf.meta_dev_idx = index;
	dev()->disk_conf.al_extents = 67;
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	fake_run();
}

static void become(u8 role)
{
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(role)), CS_HARD);
	fake_run();
}

static struct drbd_request *issue(u64 sector)
{
	struct drbd_request *req = &reqs[n_reqs++];

	request_init(req, dev(), OP_WRITE, sector, 4096, 0);
	request_new(req);
	fake_run();
	return req;
}

/* A write that the peer does not get: from now on its block must be marked, whatever happens. */
static void write_alone(u64 sector)
{
	struct drbd_request *req = issue(sector);

	assert_true(req->flags & RQ_LP);
	request_local_done(req, 0);
	fake_run();
	assert_true(req->flags & RQ_COMPLETE);
	counts[req - reqs] = !disk.off;
}

static const u64 written[] = { 0, 3 * MIB, 8 * MIB + 8, 40 * MIB, 50 * MIB - 8 };

static void write_here_and_there(void)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(written); i++)
		write_alone(written[i]);
}

static void assert_marked(bool cache_lost, const char *what)
{
	struct fake_verdict v;
	u32 i;

	fake_disk_restart(&disk, cache_lost);
	if (!fake_disk_verdict(&disk, dev()->backing_sectors == disk.data_sectors ?
			       disk.meta_sectors : dev()->backing_sectors, &v))
		fail_msg("%s: can not be attached after %s", what, disk.trace);
	for (i = 0; i < n_reqs; i++)
		if (counts[i] && !fake_verdict_marks(&v, reqs[i].interval.sector))
			fail_msg("%s: sector %llu is not marked after %s, flags %x", what,
				 (unsigned long long)reqs[i].interval.sector, disk.trace,
				 v.sb.flags);
}

/* `prepare`, then the power is cut before the first, second, ... write of `act`. */
static void cut_everywhere(void (*prepare)(void), void (*act)(void), const char *what)
{
	u32 cut, lost;

	for (lost = 0; lost <= 1; lost++) {
		for (cut = 0;; cut++) {
			bool over;

			prepare();
			disk.writes = 0;
			memset(disk.trace, 0, sizeof(disk.trace));
			disk.cut_at = cut;
			act();
			over = !disk.off;
			assert_marked(lost, what);
			fake_stop();
			if (over)
				break;
		}
		assert_true(cut > 0);
	}
}

/* ---- sizes and places ---- */

static void external_primary(void)
{
	attach(MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, SMALL);
	become(ROLE_PRIMARY);
	write_here_and_there();
}

/* All on the disk, and in the log or not, by turns. */
static void internal_primary(void)
{
	struct md_layout at;

	md_layout_compute(MD_INDEX_INTERNAL, SMALL, SMALL, MD_AL_STRIPES_DEFAULT,
			  MD_AL_STRIPE_4K_DEFAULT, &at);
	attach(MD_INDEX_INTERNAL, SMALL, SMALL, at.capacity - 8 * MIB);
	dev()->disk_conf.disk_size = at.capacity - 8 * MIB;
	become(ROLE_PRIMARY);
	write_here_and_there();
}

static struct admin_op resize_op;

static void resize(u64 size, u32 stripes)
{
	admin_op_init(&resize_op, &fake.resource, dev());
	resize_op.size = size;
	resize_op.al_stripes = stripes;
	resize_op.assume_peer_has_space = true;
	assert_true(fake_command(admin_resize, &resize_op));
	if (!disk.off)
		assert_int_equal(resize_op.ret, ERR_NO_ERROR);
	fake_run();
}

static void grow_to_all(void) { resize(0, 0); }
static void grow_and_restripe(void) { resize(0, 4); }
static void shrink(void) { resize(52 * MIB, 0); }
static void restripe(void) { resize(52 * MIB, 4); }

static void grow_disk(void)
{
	fake.grown_sectors = LARGE;
	resize(0, 0);
}

/* So little that old and new metadata overlap. */
static void grow_disk_a_little(void)
{
	fake.grown_sectors = SMALL + 16;
	resize(0, 0);
}

static void a_power_cut_during_a_resize_loses_no_mark(void **state)
{
	(void)state;
	cut_everywhere(external_primary, grow_to_all, "external, grown");
	cut_everywhere(external_primary, shrink, "external, shrunk");
	cut_everywhere(external_primary, grow_and_restripe, "external, grown, other stripes");
	cut_everywhere(internal_primary, grow_to_all, "internal, grown in place");
	cut_everywhere(internal_primary, restripe, "internal, shrunk, other stripes");
	cut_everywhere(internal_primary, grow_disk, "internal, larger disk");
}

static void the_size_on_disk_is_the_one_in_use(void **state)
{
	struct fake_verdict v;

	(void)state;
	external_primary();
	grow_to_all();
	fake_disk_restart(&disk, true);
	assert_true(fake_disk_verdict(&disk, disk.meta_sectors, &v));
	assert_int_equal(v.sb.la_size_sect, LARGE);
	assert_int_equal(dev()->capacity, LARGE);
	assert_false(v.all);
	assert_true(v.sb.flags & MDF_PRIMARY_IND);
	fake_stop();

	internal_primary();
	grow_disk();
	fake_disk_restart(&disk, true);
	assert_true(fake_disk_verdict(&disk, LARGE, &v));
	assert_int_equal(v.sb.la_size_sect, dev()->capacity);
	assert_int_equal(dev()->capacity, dev()->layout.capacity);
	fake_stop();

	/* Metadata that overlaps its old place: nothing but the end can be looked at. */
	internal_primary();
	grow_disk_a_little();
	assert_marked(true, "internal, disk a little larger");
	fake_stop();
}

static void data_is_flushed_before_its_log_starts_afresh(void **state)
{
	(void)state;
	external_primary();
	memset(disk.trace, 0, sizeof(disk.trace));
	restripe();
	assert_int_equal(disk.trace[0], 'F');
	fake_stop();
}

static void writes_go_on_when_the_log_has_moved(void **state)
{
	(void)state;
	internal_primary();
	grow_disk();
	write_alone(20 * MIB);
	fake_stop();
	external_primary();
	restripe();
	write_alone(20 * MIB);
	fake_stop();
}

/* A place with an odd number of bitmap sectors is used to its end. */
static void the_last_bitmap_sector_is_used(void **state)
{
	const u64 meta = 72 + 17, data = 17 * 32768;

	(void)state;
	attach(MD_INDEX_FLEX_EXTERNAL, data + 8000, meta + 2048 - meta, data);
	assert_int_equal(dev()->capacity, data);
	fake_stop();
	attach(MD_INDEX_FLEX_EXTERNAL, (2049 - 72) * 32768ULL, 2049, (2049 - 72) * 32768ULL);
	assert_int_equal(dev()->capacity, (2049 - 72) * 32768ULL);
	fake_stop();
}

/* ---- the activity log ---- */

static struct admin_op options_op;

static void disk_options(u32 al_extents, bool al_updates)
{
	admin_op_init(&options_op, &fake.resource, dev());
	options_op.conf.disk = dev()->disk_conf;
	options_op.conf.disk.al_extents = al_extents;
	options_op.conf.disk.al_updates = al_updates;
	assert_true(fake_command(admin_disk_options, &options_op));
	if (!disk.off)
		assert_int_equal(options_op.ret, ERR_NO_ERROR);
	fake_run();
}

/* The first transaction with the new table frees the slots of all that the old one held. */
static void other_slots(void)
{
	disk_options(100, true);
	write_alone(20 * MIB);
	write_alone(24 * MIB);
}

static void a_log_with_other_slots_forgets_nothing(void **state)
{
	(void)state;
	cut_everywhere(external_primary, other_slots, "al-extents");
	cut_everywhere(internal_primary, other_slots, "al-extents, internal");

	external_primary();
	disk_options(100, true);
	memset(disk.trace, 0, sizeof(disk.trace));
	write_alone(20 * MIB);
	assert_string_equal(disk.trace, "FBA");
	fake_stop();
}

static void log_off(void)
{
	disk_options(67, false);
	write_alone(20 * MIB);
}

static void external_unlogged(void)
{
	external_primary();
	log_off();
}

static void log_on(void)
{
	disk_options(67, true);
	/* In the old table already, but on no disk. */
	write_alone(20 * MIB + 8);
	write_alone(24 * MIB);
}

static void the_log_can_be_switched_off_and_on_at_any_time(void **state)
{
	(void)state;
	cut_everywhere(external_primary, log_off, "al-updates no");
	cut_everywhere(external_unlogged, log_on, "al-updates yes");
}

static void the_log_goes_on_until_the_disk_knows_of_its_end(void **state)
{
	struct task t = { 0 };

	(void)state;
	external_primary();
	dev()->md_buffer_busy = true;
	admin_op_init(&options_op, &fake.resource, dev());
	options_op.conf.disk = dev()->disk_conf;
	options_op.conf.disk.al_updates = false;
	assert_int_equal(fake_step(admin_disk_options, &options_op, &t), FIBER_WAIT);
	memset(disk.trace, 0, sizeof(disk.trace));
	write_alone(20 * MIB);
	assert_string_equal(disk.trace, "A");
	dev()->md_buffer_busy = false;
	env_wake(&fake.resource);
	assert_int_equal(fake_step(admin_disk_options, &options_op, &t), FIBER_DONE);
	assert_true(fake_on_disk(0).flags & MDF_AL_DISABLED);
	write_alone(24 * MIB);
	assert_string_equal(disk.trace, "AS");
	fake_stop();
}

/* Torn anywhere else, the only transaction so far makes the tools give up the log. */
static void each_attach_begins_at_the_first_block_of_the_ring(void **state)
{
	static struct admin_op op;
	struct md_superblock sb;
	u8 block[MD_BLOCK_BYTES];
	struct al_block_info info;

	(void)state;
	external_primary();
	become(ROLE_SECONDARY);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_detach, &op));
	assert_false(dev()->has_backing);
	sb = fake_on_disk(0);
	sb.magic = MD_MAGIC_CLEAN;
	sb.flags |= MDF_AL_CLEAN;
	fake_disk_format(&disk, MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, &sb);
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_attach, &op));
	assert_int_equal(op.ret, ERR_NO_ERROR);
	dev()->al.suspended = false;
	become(ROLE_PRIMARY);
	write_alone(12 * MIB);
	fake_disk_read(&disk, dev()->layout.al_sector, block);
	assert_true(al_block_decode(block, &info));
	assert_int_equal(info.type, AL_TYPE_UPDATE);
	assert_int_equal(info.n_updates, 1);
	fake_stop();
}

/* ---- who says Primary ---- */

static enum fiber_status run_md_sync(struct task *t, void *arg)
{
	return device_md_sync(t, dev(), arg, true);
}

static void demote(void)
{
	static struct md_sync sync;
	struct task t = { 0 };

	memset(&sync, 0, sizeof(sync));
	state_change(dev(), ST_ARGS(ST_CHANGE_ROLE(ROLE_SECONDARY)), CS_HARD);
	/* Somebody writes the superblock before the worker has come to it. */
	fake_drive(&t, run_md_sync, &sync);
	fake_run();
}

static void demotion_keeps_the_log_until_the_marks_are_on_disk(void **state)
{
	struct fake_verdict v;

	(void)state;
	cut_everywhere(external_primary, demote, "demoted");
	cut_everywhere(internal_primary, demote, "demoted, internal");

	external_primary();
	demote();
	fake_disk_restart(&disk, true);
	assert_true(fake_disk_verdict(&disk, disk.meta_sectors, &v));
	assert_false(v.sb.flags & MDF_PRIMARY_IND);
	assert_non_null(strstr(disk.trace, "FBS"));
	fake_stop();
}

static void the_disk_is_a_primarys_while_a_write_is_under_way(void **state)
{
	struct drbd_request *req;
	struct fake_verdict v;

	(void)state;
	external_primary();
	req = issue(30 * MIB);
	demote();
	assert_true(fake_disk_verdict(&disk, disk.meta_sectors, &v));
	assert_true(v.sb.flags & MDF_PRIMARY_IND);
	request_local_done(req, 0);
	assert_true(fake_verdict_marks(&v, 30 * MIB));
	fake_advance(1000);
	assert_true(fake_disk_verdict(&disk, disk.meta_sectors, &v));
	assert_false(v.sb.flags & MDF_PRIMARY_IND);
	assert_true(fake_verdict_marks(&v, 30 * MIB));
	fake_stop();
}

static void no_write_before_the_disk_says_primary(void **state)
{
	struct drbd_request *req;

	(void)state;
	attach(MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, SMALL);
	dev()->md_buffer_busy = true;
	become(ROLE_PRIMARY);
	req = issue(0);
	assert_false(req->flags & RQ_LP);
	dev()->md_buffer_busy = false;
	env_wake(&fake.resource);
	fake_run();
	assert_true(req->flags & RQ_LP);
	assert_true(fake_on_disk(0).flags & MDF_PRIMARY_IND);
	request_local_done(req, 0);
	fake_stop();
}

/* What a dead Primary sent is in no log that counts from now on. */
static void promotion_flushes_what_was_received(void **state)
{
	(void)state;
	attach(MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, SMALL);
	memset(disk.trace, 0, sizeof(disk.trace));
	become(ROLE_PRIMARY);
	assert_int_equal(disk.trace[0], 'F');
	assert_non_null(strchr(disk.trace, 'S'));
	fake_stop();
}

static u64 uuid_at_completion;

static void note_uuid(struct drbd_request *req, int error)
{
	(void)req;
	assert_int_equal(error, 0);
	uuid_at_completion = fake_on_disk(0).uuid[MD_UUID_CURRENT];
}

/* Somebody opens the device at once. */
static void write_at_once(void)
{
	fake.volume[0].on_md_write = NULL;
	assert_int_equal(device_open(dev(), true), 0);
	dev()->al.suspended = true;
	request_init(&reqs[0], dev(), OP_WRITE, 0, 4096, 0);
	request_new(&reqs[0]);
	request_local_done(&reqs[0], 0);
}

static void no_write_completes_before_the_promotions_generation_is_durable(void **state)
{
	static struct admin_op op;
	u64 before;

	(void)state;
	attach(MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, SMALL);
	before = fake_on_disk(0).uuid[MD_UUID_CURRENT];
	uuid_at_completion = 0;
	fake.on_complete = note_uuid;
	fake.volume[0].on_md_write = write_at_once;
	admin_op_init(&op, &fake.resource, dev());
	assert_true(fake_command(admin_primary, &op));
	assert_int_equal(op.ret, SS_SUCCESS);
	assert_int_not_equal(uuid_at_completion, 0);
	assert_int_not_equal(uuid_at_completion & ~1ULL, before & ~1ULL);
	fake_stop();
}

/* ---- bits that are cleared while the data is being flushed ---- */

static void sync_another_block(void)
{
	device_set_in_sync(dev(), 8, 4096);
}

static enum fiber_status run_write_bitmap(struct task *t, void *arg)
{
	return device_write_bitmap(t, dev(), arg);
}

static void a_bit_cleared_during_the_flush_is_written_after_the_next(void **state)
{
	struct bulk_op op;
	struct fake_verdict v;
	struct task t = { 0 };

	(void)state;
	attach(MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, SMALL);
	device_set_out_of_sync(dev(), 0, 3 * 4096);
	memset(&op, 0, sizeof(op));
	assert_int_equal(fake_drive(&t, run_write_bitmap, &op), FIBER_DONE);
	assert_int_equal(fake.volume[0].flushes, 0);

	fake.volume[0].on_flush = sync_another_block;
	device_set_in_sync(dev(), 0, 4096);
	memset(&op, 0, sizeof(op));
	assert_int_equal(fake_drive(&t, run_write_bitmap, &op), FIBER_DONE);
	assert_int_equal(fake.volume[0].flushes, 1);
	assert_true(fake_disk_verdict(&disk, disk.meta_sectors, &v));
	assert_false(fake_verdict_marks(&v, 0));
	assert_true(fake_verdict_marks(&v, 8));
	assert_true(fake_verdict_marks(&v, 16));

	fake.volume[0].on_flush = NULL;
	memset(&op, 0, sizeof(op));
	assert_int_equal(fake_drive(&t, run_write_bitmap, &op), FIBER_DONE);
	assert_int_equal(fake.volume[0].flushes, 2);
	assert_false(fake_verdict_marks(&v, 8));
	assert_true(fake_verdict_marks(&v, 16));
	fake_stop();
}

/* ---- two at a time ---- */

static struct wire_p_sizes peers;
static struct incoming in;
static struct task peers_task;
static bool peer_waited;

static enum fiber_status run_sizes(struct task *t, void *arg)
{
	return receive_sizes(t, arg);
}

static void peer_tells_its_size(u64 user_size)
{
	memset(&in, 0, sizeof(in));
	memset(&peers_task, 0, sizeof(peers_task));
	memset(&peers, 0, sizeof(peers));
	peers.d_size = cpu_to_be64(LARGE);
	peers.u_size = cpu_to_be64(user_size);
	peers.c_size = cpu_to_be64(SMALL);
	peers.max_bio_size = cpu_to_be32(1 << 20);
	in.connection = conn();
	in.device = dev();
	in.fixed = (u8 *)&peers;
	in.hdr.cmd = P_SIZES;
}

static void peer_comes_in_between(void)
{
	fake.volume[0].on_md_write = NULL;
	peer_tells_its_size(100 * MIB);
	peer_waited = receive_sizes(&peers_task, &in) == FIBER_WAIT;
}

static void an_administrator_and_the_peer_take_turns_with_the_size(void **state)
{
	struct fake_verdict v;

	(void)state;
	external_primary();
	conn()->cstate = C_WF_REPORT_PARAMS;
	dev()->state.conn = C_CONNECTED;
	dev()->state.pdsk = D_UP_TO_DATE;
	dev()->peer_max_sectors = LARGE;
	fake.volume[0].on_md_write = peer_comes_in_between;
	resize(200 * MIB, 0);
	assert_true(peer_waited);
	assert_int_equal(dev()->capacity, 200 * MIB);
	assert_int_equal(dev()->disk_conf.disk_size, 200 * MIB);
	assert_int_equal(fake_drive(&peers_task, run_sizes, &in), FIBER_DONE);
	assert_true(fake_disk_verdict(&disk, disk.meta_sectors, &v));
	assert_int_equal(v.sb.la_size_sect, dev()->capacity);
	assert_int_equal(dev()->capacity, 100 * MIB);
	assert_int_equal(dev()->bitmap.n_bits, 100 * MIB / 8);
	fake_stop();
}

static void connected(bool resolve_conflicts)
{
	external_primary();
	conn()->cstate = C_WF_REPORT_PARAMS;
	conn()->resolve_conflicts = resolve_conflicts;
	dev()->state.conn = C_CONNECTED;
	dev()->state.pdsk = D_UP_TO_DATE;
	dev()->peer_max_sectors = LARGE;
}

static void peer_says(u64 user_size, u64 current)
{
	peer_tells_its_size(user_size);
	peers.c_size = cpu_to_be64(current);
	assert_int_equal(fake_drive(&peers_task, run_sizes, &in), FIBER_DONE);
	assert_true(in.ok);
}

static enum fiber_status run_resize(struct task *t, void *arg)
{
	return admin_resize(t, arg);
}

static void a_resize_waits_for_the_answer_to_the_one_before(void **state)
{
	static struct admin_op op;
	struct task t = { 0 };

	(void)state;
	connected(false);
	resize(60 * MIB, 0);
	admin_op_init(&op, &fake.resource, dev());
	op.size = 58 * MIB;
	assert_int_equal(fake_drive(&t, run_resize, &op), FIBER_WAIT);
	peer_says(60 * MIB, 60 * MIB);
	assert_int_equal(dev()->capacity, 60 * MIB);
	assert_int_equal(fake_drive(&t, run_resize, &op), FIBER_DONE);
	assert_int_equal(dev()->capacity, 58 * MIB);
	/* What the peer is told later counts again. */
	peer_says(56 * MIB, 0);
	assert_int_equal(dev()->capacity, 56 * MIB);
	fake_stop();
}

static void of_two_resizes_at_the_same_time_one_counts_on_both_nodes(void **state)
{
	(void)state;
	connected(true);
	resize(60 * MIB, 0);
	peer_says(58 * MIB, 0);
	assert_int_equal(dev()->capacity, 60 * MIB);
	peer_says(60 * MIB, 60 * MIB);
	assert_int_equal(dev()->capacity, 60 * MIB);
	fake_stop();

	connected(false);
	resize(58 * MIB, 0);
	peer_says(60 * MIB, 0);
	assert_int_equal(dev()->capacity, 60 * MIB);
	peer_says(60 * MIB, 60 * MIB);
	assert_int_equal(dev()->capacity, 60 * MIB);
	fake_stop();
}

static void write_to_the_new_part(void)
{
	fake.volume[0].on_md_write = NULL;
	dev()->al.suspended = true;
	request_init(&reqs[n_reqs], dev(), OP_WRITE, SMALL + 8, 4096, 0);
	request_new(&reqs[n_reqs++]);
}

/* The commands of the data packets that leave now, after `first`; 0: it does not leave. */
static u32 data_after(u16 first, u16 wanted)
{
	static u8 head[SEND_HEAD_ROOM];
	struct outgoing out;
	struct wire_header hdr;
	u32 seen = 0;

	for (;;) {
		memset(&out, 0, sizeof(out));
		out.head = head;
		if (!send_next(conn(), SOCK_DATA, &out))
			return 0;
		assert_int_equal(wire_header_decode(head, out.head_len, 101, &hdr), WIRE_OK);
		send_done(conn(), SOCK_DATA, &out, true);
		fake_run();
		if (hdr.cmd == first)
			seen = 1;
		if (hdr.cmd == wanted)
			return seen;
	}
}

static void the_peer_hears_of_a_new_size_before_it_gets_data_for_it(void **state)
{
	(void)state;
	connected(false);
	conn()->agreed_pro_version = 101;
	send_open(conn());
	fake.volume[0].on_md_write = write_to_the_new_part;
	resize(0, 0);
	assert_int_equal(dev()->capacity, LARGE);
	assert_true(data_after(P_SIZES, P_DATA));
	request_local_done(&reqs[n_reqs - 1], 0);
	fake_stop();
}

/* The peer acknowledged it, and may have lost it with the cache of its disk. */
static void a_demoted_disk_is_the_source_for_what_the_peer_never_confirmed(void **state)
{
	(void)state;
	connected(false);
	conn()->agreed_pro_version = 101;
	send_open(conn());
	issue(SMALL - 8);
	assert_int_equal(data_after(P_DATA, P_DATA), 1);
	request_local_done(&reqs[n_reqs - 1], 0);
	become(ROLE_SECONDARY);
	dev()->state.peer = ROLE_SECONDARY;
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	assert_true(device_md_flags(dev()) & MDF_CRASHED_PRIMARY);
	fake_stop();
}

static void a_demoted_disk_that_the_peer_has_all_of_is_none_that_was_lost(void **state)
{
	(void)state;
	connected(false);
	become(ROLE_SECONDARY);
	dev()->state.peer = ROLE_SECONDARY;
	state_change(dev(), ST_ARGS(ST_CHANGE_CONN(C_NETWORK_FAILURE)), CS_HARD);
	assert_false(device_md_flags(dev()) & MDF_CRASHED_PRIMARY);
	fake_stop();
}

/* The peer never got the command, or its answer went with the connection. */
static void a_growth_that_was_cut_off_is_not_resynced_after_a_later_shrink(void **state)
{
	(void)state;
	connected(false);
	resize(56 * MIB, 0);
	peer_says(56 * MIB, 56 * MIB);
	resize(58 * MIB, 0);
	dev()->state.conn = C_WF_REPORT_PARAMS;
	peer_says(58 * MIB, 58 * MIB);
	dev()->state.conn = C_CONNECTED;
	resize(54 * MIB, 0);
	peer_says(54 * MIB, 54 * MIB);
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	fake_stop();
}

static void what_was_added_is_synced_once_the_peer_has_grown_too(void **state)
{
	(void)state;
	connected(false);
	resize(56 * MIB, 0);
	peer_says(56 * MIB, 56 * MIB);
	resize(58 * MIB, 0);
	fake_run();
	assert_int_equal(dev()->state.conn, C_CONNECTED);
	peer_says(58 * MIB, 58 * MIB);
	fake_run();
	assert_int_not_equal(dev()->state.conn, C_CONNECTED);
	fake_stop();
}

/* Its new blocks are marked, and equal UUIDs would say that there is nothing to be synced. */
static void a_secondary_that_grows_alone_is_the_source_of_what_is_new(void **state)
{
	(void)state;
	attach(MD_INDEX_FLEX_EXTERNAL, LARGE, 8192, SMALL);
	resize(0, 0);
	assert_int_equal(dev()->capacity, LARGE);
	assert_true(fake_on_disk(0).flags & MDF_CRASHED_PRIMARY);
	fake_stop();
}

static void growth_in_a_handshake_is_synced_after_another_one(void **state)
{
	struct state_change up = state_change_join(ST_CHANGE_CONN(C_CONNECTED),
						   ST_CHANGE_PDSK(D_UP_TO_DATE));

	(void)state;
	for (u32 grows = 0; grows < 2; grows++) {
		connected(false);
		become(ROLE_SECONDARY);
		dev()->state.conn = C_WF_REPORT_PARAMS;
		dev()->state.pdsk = D_UNKNOWN;
		dev()->state.peer = ROLE_SECONDARY;
		peer_says(grows ? 0 : SMALL, SMALL);
		assert_int_equal(dev()->capacity, grows ? LARGE : SMALL);
		state_change(dev(), ST_ARGS(up), CS_HARD);
		fake_run();
		assert_int_equal(dev()->state.conn < C_WF_REPORT_PARAMS, grows);
		assert_int_equal(!!(device_md_flags(dev()) & MDF_CRASHED_PRIMARY), grows);
		fake_stop();
	}
}

static void a_disk_grows_to_what_the_users_of_a_peer_that_lost_its_own_see(void **state)
{
	(void)state;
	connected(false);
	resize(56 * MIB, 0);
	dev()->size_asked = false;
	dev()->state.pdsk = D_DISKLESS;
	peer_tells_its_size(0);
	peers.d_size = 0;
	peers.c_size = cpu_to_be64(60 * MIB);
	assert_int_equal(fake_drive(&peers_task, run_sizes, &in), FIBER_DONE);
	assert_true(in.ok);
	assert_int_equal(dev()->capacity, 60 * MIB);
	fake_stop();
}

static void a_size_that_can_not_be_is_not_remembered(void **state)
{
	(void)state;
	external_primary();
	fake.volume[0].md_error = -EIO;
	admin_op_init(&resize_op, &fake.resource, dev());
	resize_op.size = 0;
	resize_op.al_stripes = 100000;
	resize_op.assume_peer_has_space = true;
	dev()->disk_conf.disk_size = 60 * MIB;
	assert_true(fake_command(admin_resize, &resize_op));
	assert_int_not_equal(resize_op.ret, ERR_NO_ERROR);
	assert_int_equal(dev()->disk_conf.disk_size, 60 * MIB);
	fake_stop();
}

/* Its bitmap has been made for a size that only this disk's own change may alter. */
static void a_disk_that_negotiates_keeps_size_and_bitmap_together(void **state)
{
	(void)state;
	external_primary();
	become(ROLE_SECONDARY);
	dev()->state.disk = D_NEGOTIATING;
	dev()->state.conn = C_CONNECTED;
	conn()->cstate = C_WF_REPORT_PARAMS;
	peer_tells_its_size(0);
	peers.c_size = cpu_to_be64(48 * MIB);
	assert_int_equal(fake_drive(&peers_task, run_sizes, &in), FIBER_DONE);
	assert_int_equal(dev()->bitmap.n_bits, dev()->capacity / 8);
	dev()->state.disk = D_ATTACHING;
	peer_tells_its_size(0);
	assert_int_equal(fake_drive(&peers_task, run_sizes, &in), FIBER_DONE);
	assert_int_equal(dev()->bitmap.n_bits, dev()->capacity / 8);
	fake_stop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_power_cut_during_a_resize_loses_no_mark),
		cmocka_unit_test(the_size_on_disk_is_the_one_in_use),
		cmocka_unit_test(data_is_flushed_before_its_log_starts_afresh),
		cmocka_unit_test(writes_go_on_when_the_log_has_moved),
		cmocka_unit_test(the_last_bitmap_sector_is_used),
		cmocka_unit_test(a_log_with_other_slots_forgets_nothing),
		cmocka_unit_test(the_log_can_be_switched_off_and_on_at_any_time),
		cmocka_unit_test(the_log_goes_on_until_the_disk_knows_of_its_end),
		cmocka_unit_test(each_attach_begins_at_the_first_block_of_the_ring),
		cmocka_unit_test(demotion_keeps_the_log_until_the_marks_are_on_disk),
		cmocka_unit_test(the_disk_is_a_primarys_while_a_write_is_under_way),
		cmocka_unit_test(no_write_before_the_disk_says_primary),
		cmocka_unit_test(promotion_flushes_what_was_received),
		cmocka_unit_test(no_write_completes_before_the_promotions_generation_is_durable),
		cmocka_unit_test(a_bit_cleared_during_the_flush_is_written_after_the_next),
		cmocka_unit_test(an_administrator_and_the_peer_take_turns_with_the_size),
		cmocka_unit_test(a_resize_waits_for_the_answer_to_the_one_before),
		cmocka_unit_test(of_two_resizes_at_the_same_time_one_counts_on_both_nodes),
		cmocka_unit_test(the_peer_hears_of_a_new_size_before_it_gets_data_for_it),
		cmocka_unit_test(a_demoted_disk_is_the_source_for_what_the_peer_never_confirmed),
		cmocka_unit_test(a_demoted_disk_that_the_peer_has_all_of_is_none_that_was_lost),
		cmocka_unit_test(a_growth_that_was_cut_off_is_not_resynced_after_a_later_shrink),
		cmocka_unit_test(what_was_added_is_synced_once_the_peer_has_grown_too),
		cmocka_unit_test(a_secondary_that_grows_alone_is_the_source_of_what_is_new),
		cmocka_unit_test(growth_in_a_handshake_is_synced_after_another_one),
		cmocka_unit_test(a_disk_grows_to_what_the_users_of_a_peer_that_lost_its_own_see),
		cmocka_unit_test(a_size_that_can_not_be_is_not_remembered),
		cmocka_unit_test(a_disk_that_negotiates_keeps_size_and_bitmap_together),
	};

	return cmocka_run_group_tests_name("engine: metadata", tests, NULL, NULL);
}
