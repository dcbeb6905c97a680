/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fake_env.h - a host for the engine in one process, for unit tests
 *
 * One resource with up to four volumes, a clock that stands still unless told, disks that
 * are a superblock in memory, helpers that answer what the test says.  Everything runs when
 * the test asks: fake_run(), fake_command().
 */
#ifndef FAKE_ENV_H
#define FAKE_ENV_H

#include "core/admin.h"
#include "core/connection.h"
#include "fake_disk.h"

#define FAKE_VOLUMES 4

struct fake_volume {
	struct drbd_device device;
	u8 superblock[MD_BLOCK_BYTES];	/* what is on the disk */
	u8 md_buffer[MD_BLOCK_BYTES], al_buffer[MD_BLOCK_BYTES];
	u8 bm_copies[BM_BATCH][BM_PAGE_BYTES];
	void **pages;
	u8 *page_flags;
	u32 n_pages;
	void *al_memory;
	u32 md_writes, bm_writes, flushes, closes;
	struct fake_disk *disk;		/* NULL: the superblock is all there is */
	void (*on_md_write)(void), (*on_flush)(void);	/* what happens meanwhile */
	int md_error;			/* outcome of the next superblock writes */
	bool read_only;
	u64 capacity;
};

struct fake_host {
	struct drbd_resource resource;
	struct fake_volume volume[FAKE_VOLUMES];
	u32 n_volumes;
	u64 now_ms, random, wakes;
	u64 timer_ms;			/* 0 = none */
	u64 grown_sectors;		/* what the disk has by now; 0 = as attached */
	struct task worker_task;
	bool worker_kicked;
	struct core_task *tasks[16];
	struct task task_state[16];
	u32 n_tasks;
	int load_error;			/* outcome of loading algorithms */
	u32 integrity_next;		/* digest size of what a command has loaded */
	u32 integrity_switches;
	int helper_exit;		/* what helpers answer */
	char helpers[256];		/* names called, separated by spaces */
	u32 notifications, receivers_started, shutdowns, net_freed;
	u32 data_kicks, resync_after_looks;
	bool discards_offered;		/* when limits were looked at last */
	void (*helper_hook)(void);	/* runs "inside" the helper */
	/* What the data path asks for; a test that cares sets them. */
	void (*on_submit)(struct drbd_request *req);
	void (*on_complete)(struct drbd_request *req, int error);
	void (*on_free)(struct drbd_request *req);
	void (*on_peer_submit)(struct drbd_peer_request *pr);
	void (*on_peer_free)(struct drbd_peer_request *pr);
	struct drbd_peer_request *(*on_peer_alloc)(struct drbd_device *device, u32 bytes);
	void (*on_peer_digest)(struct drbd_peer_request *pr, enum digest_use use);
	/* After each action; may change its outcome, t->result. */
	void (*on_action)(struct task *t);
	/* Before each action on a disk; an error it returns is the outcome. */
	s64 (*on_disk)(const struct action *action);
};

extern struct fake_host fake;

void fake_start(u32 volumes);
void fake_stop(void);
struct drbd_device *fake_device(u32 vnr);
/* Give the volume a formatted disk of that many sectors, external metadata. */
void fake_format(u32 vnr, u64 sectors, const struct md_superblock *sb);
/* The superblock as it is on the disk. */
struct md_superblock fake_on_disk(u32 vnr);
/* Run worker, tasks and due timers until nothing moves. */
void fake_run(void);
void fake_advance(u64 ms);
/* Run a command to its end; false: it waits for something that does not come. */
bool fake_command(admin_command *command, struct admin_op *op);
/* One step of it: run until it is done or nothing moves, the clock stands still. */
enum fiber_status fake_step(admin_command *command, struct admin_op *op, struct task *t);

/* The same for any fiber: FIBER_WAIT when nothing moves any more. */
typedef enum fiber_status fake_fiber(struct task *t, void *arg);
enum fiber_status fake_drive(struct task *t, fake_fiber *run, void *arg);

#endif /* FAKE_ENV_H */
