// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "fake_env.h"
#include "core/activity.h"
#include "core/objects.h"

struct fake_host fake;

static struct fake_volume *volume_of(const struct drbd_device *device)
{
	return (struct fake_volume *)container_of(device, struct fake_volume, device);
}

/* ---- env.h */

u64 env_now_ms(void) { return fake.now_ms; }
u64 env_random64(void) { return (fake.random += 0x1000000010000ULL) & ~1ULL; }
void env_waits_for(const char *what) { (void)what; }
void env_wake(struct drbd_resource *resource) { (void)resource; fake.wakes++; }
void env_worker_kick(struct drbd_resource *resource)
{
	(void)resource;
	fake.worker_kicked = true;
	fake.wakes++;
}

void env_task_start(struct drbd_resource *resource, struct core_task *task)
{
	(void)resource;
	assert(fake.n_tasks < ARRAY_SIZE(fake.tasks));
	memset(&fake.task_state[fake.n_tasks], 0, sizeof(struct task));
	fake.tasks[fake.n_tasks++] = task;
	fake.wakes++;
}

void env_timer_arm(struct drbd_resource *resource, u64 deadline_ms)
{
	(void)resource;
	fake.timer_ms = deadline_ms;
}

void env_send_kick(struct drbd_connection *connection, enum drbd_socket socket)
{
	(void)connection;
	fake.data_kicks += socket == SOCK_DATA;
}

void env_receiver_start(struct drbd_connection *connection)
{
	(void)connection;
	fake.receivers_started++;
}

u32 env_integrity_prepare(struct drbd_connection *connection)
{
	(void)connection;
	return fake.integrity_next;
}

void env_integrity_switch(struct drbd_connection *connection)
{
	(void)connection;
	fake.integrity_switches++;
}

void env_sockets_shutdown(struct drbd_connection *connection)
{
	(void)connection;
	fake.shutdowns++;
}

void env_request_submit(struct drbd_request *req)
{
	if (fake.on_submit)
		fake.on_submit(req);
}

void env_request_complete(struct drbd_request *req, int error)
{
	if (fake.on_complete)
		fake.on_complete(req, error);
}

void env_request_free(struct drbd_request *req)
{
	if (fake.on_free)
		fake.on_free(req);
}

struct drbd_peer_request *env_peer_request_alloc(struct drbd_device *device, u32 bytes)
{
	return fake.on_peer_alloc ? fake.on_peer_alloc(device, bytes) : NULL;
}

void env_peer_request_free(struct drbd_peer_request *pr)
{
	if (fake.on_peer_free)
		fake.on_peer_free(pr);
}

void env_peer_request_submit(struct drbd_peer_request *pr)
{
	if (fake.on_peer_submit)
		fake.on_peer_submit(pr);
}

void env_peer_request_digest(struct drbd_peer_request *pr, enum digest_use use)
{
	if (fake.on_peer_digest)
		fake.on_peer_digest(pr, use);
}

void env_device_set_capacity(struct drbd_device *device, u64 sectors)
{
	volume_of(device)->capacity = sectors;
}

void env_device_set_read_only(struct drbd_device *device, bool read_only)
{
	volume_of(device)->read_only = read_only;
}

/* One resource is all there is; its volumes see each other. */
bool env_minor_state(s32 minor, struct minor_brief *brief)
{
	struct drbd_device *device;

	for_each_volume(device, &fake.resource) {
		if ((s32)device->minor != minor)
			continue;
		resync_brief_decode(device->brief, brief);
		return true;
	}
	return false;
}

void env_resync_after_changed(struct drbd_resource *resource)
{
	(void)resource;
	fake.resync_after_looks++;
}

void env_device_limits_changed(struct drbd_device *device)
{
	fake.discards_offered = device_may_discard(device);
}

void env_backing_sizes_update(struct drbd_device *device)
{
	if (fake.grown_sectors)
		device->backing_sectors = fake.grown_sectors;
}

static void print_log(const char *fmt, va_list args)
{
	if (!getenv("FAKE_LOG"))
		return;
	vprintf(fmt, args);
	putchar('\n');
}

void env_log_device(const struct drbd_device *device, enum log_level level, const char *fmt, ...)
{
	va_list args;

	(void)device;
	(void)level;
	va_start(args, fmt);
	print_log(fmt, args);
	va_end(args);
}

void env_log_connection(const struct drbd_connection *connection, enum log_level level,
			const char *fmt, ...)
{
	va_list args;

	(void)connection;
	(void)level;
	va_start(args, fmt);
	print_log(fmt, args);
	va_end(args);
}

/* ---- actions */

/* The old arrays stay until the bitmap has moved. */
static s64 bitmap_resize(struct fake_volume *v, u64 sectors)
{
	u64 bits = bm_bits_for_sectors(sectors);
	u32 pages = bm_pages_for(bits), shared = min(pages, v->n_pages), i;
	void **old_pages = v->pages;
	u8 *old_flags = v->page_flags;

	v->pages = calloc(pages + 1, sizeof(void *));
	v->page_flags = calloc(pages + 1, 1);
	for (i = 0; i < pages; i++) {
		v->pages[i] = i < shared ? old_pages[i] : calloc(1, BM_PAGE_BYTES);
		v->page_flags[i] = i < shared ? old_flags[i] : 0;
	}
	device_bitmap_resized(&v->device, v->pages, v->page_flags, bits,
			      !v->device.bm_new_bits_clear);
	for (i = pages; i < v->n_pages; i++)
		free(old_pages[i]);
	free(old_pages);
	free(old_flags);
	v->n_pages = pages;
	return 0;
}

static void bitmap_free(struct fake_volume *v)
{
	u32 i;

	for (i = 0; i < v->n_pages; i++)
		free(v->pages[i]);
	free(v->pages);
	free(v->page_flags);
	free(v->al_memory);
	v->pages = NULL;
	v->page_flags = NULL;
	v->al_memory = NULL;
	v->n_pages = 0;
}

static s64 md_write(struct fake_volume *v, u64 sector)
{
	v->md_writes++;
	if (v->on_md_write)
		v->on_md_write();
	if (!v->md_error)
		memcpy(v->superblock, v->md_buffer, sizeof(v->superblock));
	if (v->disk)
		fake_disk_write(v->disk, 'S', sector, v->md_buffer, v->device.disk_conf.md_flushes);
	return v->md_error;
}

static s64 md_read(struct fake_volume *v, u64 sector)
{
	if (v->disk)
		fake_disk_read(v->disk, sector, v->superblock);
	memcpy(v->md_buffer, v->superblock, sizeof(v->superblock));
	return 0;
}

static s64 al_write(struct fake_volume *v, u64 sector, bool flush)
{
	if (v->disk)
		fake_disk_write(v->disk, 'A', sector, v->al_buffer, flush);
	return 0;
}

static s64 al_init_all(struct fake_volume *v)
{
	u32 blocks = v->device.layout.al_sectors / MD_BLOCK_SECTORS, i;
	u64 sector;

	for (i = 0; v->disk && i < blocks; i++) {
		al_init_block(&v->device, i, &sector);
		al_write(v, sector, i == blocks - 1);
	}
	return 0;
}

static s64 bitmap_write(struct fake_volume *v)
{
	struct bm_batch *batch = &v->device.bm_batch;
	u32 i;

	v->bm_writes++;
	for (i = 0; v->disk && i < batch->n; i++)
		fake_disk_write(v->disk, 'B', v->device.layout.bm_sector +
				(u64)batch->page[i] * MD_BLOCK_SECTORS, batch->copy[i], false);
	return v->md_error;
}

static s64 bitmap_read(struct fake_volume *v)
{
	u32 i;

	/* Without one the fake disk keeps no bitmap: all clean. */
	if (!v->disk) {
		bm_clear_all(&v->device.bitmap);
		return 0;
	}
	for (i = 0; i < bm_used_pages(&v->device.bitmap); i++)
		fake_disk_read(v->disk, v->device.layout.bm_sector + (u64)i * MD_BLOCK_SECTORS,
			       v->pages[i]);
	bm_recount(&v->device.bitmap);
	return 0;
}

static s64 data_flush(struct fake_volume *v)
{
	v->flushes++;
	if (v->on_flush)
		v->on_flush();
	if (v->disk)
		fake_disk_flush(v->disk);
	return 0;
}

static s64 disk_action(struct fake_volume *v, const struct action *a)
{
	s64 error = fake.on_disk ? fake.on_disk(a) : 0;

	if (error)
		return error;
	switch (a->kind) {
	case ACT_MD_READ:
		return md_read(v, a->arg);
	case ACT_MD_WRITE:
		return md_write(v, a->arg ? a->arg : v->device.layout.sb_sector);
	case ACT_AL_WRITE:
		return al_write(v, a->arg, v->device.disk_conf.md_flushes);
	case ACT_AL_INIT:
		return al_init_all(v);
	case ACT_BM_WRITE:
		return bitmap_write(v);
	case ACT_FLUSH:
		return data_flush(v);
	case ACT_BM_READ:
		return bitmap_read(v);
	case ACT_BM_RESIZE:
		return bitmap_resize(v, a->arg);
	case ACT_AL_RESIZE:
		free(v->al_memory);
		v->al_memory = calloc(1, extents_mem_size((u32)a->arg));
		device_al_resized(&v->device, v->al_memory, (u32)a->arg);
		return 0;
	case ACT_CLOSE_BACKING:
		v->closes++;
		bitmap_free(v);
		return 0;
	default:
		return 0;
	}
}

static s64 call_helper(const char *name)
{
	size_t len = strlen(fake.helpers);

	snprintf(fake.helpers + len, sizeof(fake.helpers) - len, "%s%s", len ? " " : "", name);
	if (fake.helper_hook)
		fake.helper_hook();
	return fake.helper_exit << 8;
}

static void perform(struct task *t)
{
	fake.wakes++;
	switch (t->action.kind) {
	case ACT_HELPER:
		t->result = call_helper(t->helper);
		break;
	case ACT_NOTIFY:
		fake.notifications++;
		break;
	case ACT_NET_FREE:
		fake.net_freed++;
		break;
	case ACT_SEND_STOP:
		break;
	case ACT_LOAD_PEER_INTEGRITY:
	case ACT_LOAD_RESYNC_ALGS:
		t->result = fake.load_error;
		break;
	default:
		t->result = disk_action(volume_of(t->action.device), &t->action);
	}
	if (fake.on_action)
		fake.on_action(t);
}

/* ---- running */

static void run_worker(void)
{
	enum fiber_status status;

	while ((status = worker_run(&fake.worker_task, &fake.resource)) == FIBER_ACTION)
		perform(&fake.worker_task);
}

static void run_tasks(void)
{
	u32 i = 0;

	while (i < fake.n_tasks) {
		struct core_task *task = fake.tasks[i];
		enum fiber_status status;

		while ((status = core_task_run(&fake.task_state[i], task)) == FIBER_ACTION)
			perform(&fake.task_state[i]);
		if (status == FIBER_DONE) {
			fake.n_tasks--;
			fake.tasks[i] = fake.tasks[fake.n_tasks];
			fake.task_state[i] = fake.task_state[fake.n_tasks];
		} else {
			i++;
		}
	}
}

void fake_run(void)
{
	u64 before;

	do {
		before = fake.wakes;
		run_worker();
		run_tasks();
		if (fake.timer_ms && fake.timer_ms <= fake.now_ms)
			timers_run(&fake.resource);
	} while (fake.wakes != before);
}

void fake_advance(u64 ms)
{
	fake.now_ms += ms;
	fake_run();
}

enum fiber_status fake_drive(struct task *t, fake_fiber *run, void *arg)
{
	enum fiber_status status;
	u64 before;

	do {
		before = fake.wakes;
		while ((status = run(t, arg)) == FIBER_ACTION)
			perform(t);
		if (status == FIBER_DONE)
			return status;
		fake_run();
	} while (fake.wakes != before);
	return status;
}

enum fiber_status fake_step(admin_command *command, struct admin_op *op, struct task *t)
{
	enum fiber_status status;
	u64 before;

	do {
		before = fake.wakes;
		while ((status = command(t, op)) == FIBER_ACTION)
			perform(t);
		if (status == FIBER_DONE)
			return status;
		fake_run();
	} while (fake.wakes != before);
	return status;
}

bool fake_command(admin_command *command, struct admin_op *op)
{
	struct task t;

	memset(&t, 0, sizeof(t));
	while (fake_step(command, op, &t) != FIBER_DONE) {
		if (!t.deadline)
			return false;
		fake.now_ms = t.deadline > fake.now_ms ? t.deadline : fake.now_ms + 1;
	}
	return true;
}

/* ---- setting up */

struct drbd_device *fake_device(u32 vnr)
{
	return &fake.volume[vnr].device;
}

void fake_start(u32 volumes)
{
	struct res_opts opts;
	u32 i, j;

	memset(&fake, 0, sizeof(fake));
	fake.now_ms = 1000;
	fake.random = 0x1111000000000000ULL;
	res_opts_set_defaults(&opts);
	resource_init(&fake.resource, "r0", &opts);
	fake.n_volumes = volumes;
	for (i = 0; i < volumes; i++) {
		struct fake_volume *v = &fake.volume[i];

		device_init(&v->device, &fake.resource, i + 1, i);
		v->device.md_buffer = v->md_buffer;
		v->device.al_buffer = v->al_buffer;
		for (j = 0; j < BM_BATCH; j++)
			v->device.bm_batch.copy[j] = v->bm_copies[j];
		v->read_only = true;
	}
}

void fake_stop(void)
{
	u32 i;

	for (i = 0; i < fake.n_volumes; i++)
		bitmap_free(&fake.volume[i]);
}

void fake_format(u32 vnr, u64 sectors, const struct md_superblock *sb)
{
	struct fake_volume *v = &fake.volume[vnr];
	struct drbd_device *device = &v->device;
	struct md_superblock image = *sb;
	struct md_layout layout;

	device->backing_sectors = sectors;
	device->meta_sectors = 8192;
	device->disk_conf.meta_dev_idx = MD_INDEX_FLEX_EXTERNAL;
	device->backing_max_bio_size = 1 << 20;
	md_layout_compute(MD_INDEX_FLEX_EXTERNAL, sectors, device->meta_sectors,
			  MD_AL_STRIPES_DEFAULT, MD_AL_STRIPE_4K_DEFAULT, &layout);
	md_layout_to_superblock(&layout, &image);
	image.bm_bytes_per_bit = MD_BYTES_PER_BIT;
	image.al_nr_extents = MD_AL_NR_EXTENTS_NEW;
	md_superblock_encode(&image, v->superblock);
}

struct md_superblock fake_on_disk(u32 vnr)
{
	struct md_superblock sb;

	md_superblock_decode(fake.volume[vnr].superblock, &sb);
	return sb;
}
