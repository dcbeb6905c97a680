/* SPDX-License-Identifier: GPL-2.0 */
/*
 * shell.h - the host side of the core's objects, and the lock
 *
 * The shell moves bytes: bios, sockets, threads, netlink.  It decides nothing; see
 * core/README.  Each core object is embedded in one of the structs below.
 *
 * Locking, complete:
 *
 *	drbd_objects_mutex	the list of resources, the minor and name look-ups' writers.
 *				Sleeps; taken before anything else.
 *	resource->admin		one administrative command of a resource at a time. Sleeps;
 *				after drbd_objects_mutex.
 *	resource->lock		the core's lock (core/objects.h). A spinlock, taken with
 *				interrupts off; innermost. Only drbd_lock()/drbd_unlock*().
 *	sender->lock		(sender.c, one a socket) who sends. Sleeps; only the socket's thread
 *				waits for it, others try. crypto_sem and resource->lock nest in it.
 *	connection->crypto_sem	algorithms: read while a digest is made, written to replace them.
 *	connection->sock_mutex	which sockets exist: held while pointers change and while they
 *				are shut down from outside. Receivers and senders use their
 *				socket without it, because they end before it is released.
 *
 * While the core runs it asks for things that must not happen under the lock: submitting
 * bios, completing them, sending. These are collected in the resource, and drbd_unlock()
 * carries them out; from interrupts they are passed on to a workqueue and to the senders'
 * threads. The data receiver sends what its packets set off before it waits for anything.
 */
#ifndef DRBD_SHELL_H
#define DRBD_SHELL_H

#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/mutex.h>
#include <linux/rwsem.h>
#include <linux/net.h>
#include <linux/socket.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <crypto/hash.h>

#include "compat.h"
#include "core/objects.h"
#include "core/connection.h"

#define DRBD_MAJOR_NR 147
#define DRBD_VERSION_TEXT "8.4.11"

struct seq_file;
struct shell_resource;

/* Algorithms of a connection, loaded while it is configured. */
struct shell_crypto {
	struct crypto_shash *cram_hmac, *integrity, *csums, *verify;
};

struct shell_connection {
	struct sockaddr_storage my_addr, peer_addr;
	u32 my_addr_len, peer_addr_len;

	struct shell_crypto crypto;		/* used and replaced under crypto_sem */
	struct rw_semaphore crypto_sem;
	/* data-integrity-alg to be: loaded by a command, kept ready for env_integrity_switch() */
	struct crypto_shash *integrity_offered, *integrity_next;
	struct crypto_shash *peer_integrity;	/* what the peer's data packets carry */

	struct mutex sock_mutex;		/* sock[], searching[] against shutdown */
	struct socket *sock[2];			/* by enum drbd_socket */
	struct socket *searching[2];		/* listener and outgoing attempt, to be shut down */
	bool shutdown;				/* env_sockets_shutdown() was asked for */
	struct work_struct shutdown_work;

	struct task_struct *receiver;		/* NULL when none runs */
	struct work_struct receiver_work;	/* starts it */
	struct task_struct *meta_receiver;
	struct task_struct *sender[2];
	struct shell_sender *out[2];		/* sender.c */
	wait_queue_head_t send_wait[2];		/* the senders' threads */
	bool send_kicked[2];			/* send_next() has something */
};

struct shell_resource {
	struct drbd_resource core;
	struct kref kref;
	struct list_head all;			/* drbd_resources */
	struct mutex admin;
	struct shell_connection conn;

	spinlock_t lock;
	unsigned long lock_flags;		/* of the holder */
	wait_queue_head_t wait;			/* fibers in FIBER_WAIT */
	u64 wake_seq;
	struct list_head waits;			/* shell_wait.link: fibers that do not run now */
	wait_queue_head_t helper_wait;		/* for helpers (usermode.c) */
	unsigned long down_asked_at;		/* jiffies, 0 = never */
	struct dentry *debugfs, *debugfs_volumes;

	/* collected under the lock, carried out by drbd_unlock() */
	struct bio_list completed;		/* application bios, status set */
	struct list_head submit;		/* shell_request.submit */
	struct list_head peer_submit;		/* shell_peer_request.submit */
	struct work_struct submit_work;		/* for lists left by an interrupt */

	struct task_struct *worker;
	bool worker_kicked;
	wait_queue_head_t worker_wait;
	/*
	 * Two, because under memory pressure a single rescue thread may be all that serves
	 * a queue. In io_wq nothing waits but for the disks below, so that application I/O
	 * always gets on: log transactions, submissions, discards, digests. In wq the rest.
	 */
	struct workqueue_struct *io_wq, *wq;
	struct timer_list timer;
};

/* What a thread waits for, for debugfs. On r->waits, under the lock, while it does. */
struct shell_wait {
	struct list_head link;
	struct task_struct *task;
	const char *what;			/* a constant */
	u64 since_ms;
};

struct shell_backing {
	struct drbd_bdev data, meta;
	void *data_holder, *meta_holder;
};

struct shell_device {
	struct drbd_device core;
	struct kref kref;
	struct gendisk *disk;
	struct dentry *debugfs;
	struct shell_backing backing;
	char opener[TASK_COMM_LEN];		/* who opened it last, for whom it is in the way */
	pid_t opener_pid;
	struct page *md_page, *al_page;
	void **bm_pages;			/* owned; core's bitmap points here */
	u8 *bm_flags;
	u32 bm_n_pages;
	void *al_memory;
	/* changes of the visible device, carried out by a work item */
	struct work_struct visible_work;
	bool set_capacity, set_read_only, set_limits, read_only;
	u64 new_capacity;
};

struct shell_request {
	struct drbd_request core;
	struct bio *master;
	u32 n_vecs;				/* of master */
	struct bio *local;			/* on its way; set and cleared under the lock */
	bool pages_held;			/* by us, for `local`; its owner has gone on */
	unsigned long start_jif;
	struct list_head submit;
	struct work_struct work;		/* discard and write-zeroes may sleep */
};

struct shell_peer_request {
	struct drbd_peer_request core;
	struct list_head submit;
	struct page **pages;
	u32 n_pages;
	u8 digest_use;
	struct work_struct work;
};

#define shell_of_resource(r) container_of(r, struct shell_resource, core)
#define shell_of_device(d) container_of(d, struct shell_device, core)
#define shell_of_request(r) container_of(r, struct shell_request, core)
#define shell_of_peer_request(p) container_of(p, struct shell_peer_request, core)
#define shell_of_connection(c) \
	container_of(c, struct shell_resource, core.connection)

/* ---- lock.c ---- */
void drbd_lock(struct shell_resource *r) __acquires(&r->lock);
/* Process context only: submits and completes what the core asked for. */
void drbd_unlock(struct shell_resource *r) __releases(&r->lock);
/*
 * By who keeps the connection alive, process context: leaves the disks to a work item, because
 * submitting may wait for a disk that hangs, and the peer would take us for dead.
 */
void drbd_unlock_network(struct shell_resource *r) __releases(&r->lock);
/* By who sends on this socket: the same, and leaves sending to others. */
void drbd_unlock_sending(struct shell_resource *r, enum drbd_socket which) __releases(&r->lock);
/* Any context. */
void drbd_unlock_atomic(struct shell_resource *r) __releases(&r->lock);
/* The core was not asked for anything meanwhile: carries out nothing. Any context. */
void drbd_unlock_only(struct shell_resource *r) __releases(&r->lock);
void shell_lock_init(struct shell_resource *r);

/* ---- tasks.c: running fibers ---- */
typedef enum fiber_status fiber_fn(struct task *t, void *arg);
/* Run to the end. interruptible: signals set t->interrupted and the fiber ends itself. */
void drbd_run_fiber(struct shell_resource *r, struct task *t, fiber_fn *fn, void *arg,
		    bool interruptible);
int shell_worker_start(struct shell_resource *r);
void shell_worker_stop(struct shell_resource *r);
s64 shell_perform(struct shell_resource *r, struct task *t);	/* actions.c */

/* ---- objects.c ---- */
extern struct mutex drbd_objects_mutex;
extern struct list_head drbd_resources;		/* in order of creation */
/* Look-ups take a reference; NULL if there is none. */
struct shell_resource *drbd_resource_find(const char *name);
struct shell_device *drbd_device_find(u32 minor);
struct shell_resource *drbd_resource_create(const char *name, const struct res_opts *opts);
int drbd_device_create(struct shell_resource *r, u32 minor, u32 vnr, struct shell_device **device);
void drbd_device_delete(struct shell_device *d);	/* unlinked from the core already */
void drbd_resource_delete(struct shell_resource *r);
void drbd_resource_put(struct shell_resource *r);
void drbd_device_put(struct shell_device *d);
/* The next device at or after a minor, with a reference. */
struct shell_device *drbd_device_next(u32 *minor);
void drbd_objects_exit(void);

/* ---- device.c: the block device that users see ---- */
int shell_disk_create(struct shell_device *d);
void shell_disk_delete(struct shell_device *d);
void shell_request_submit(struct shell_request *req);
/* Its owner goes on while the disk below still reads its memory (aborted writes). Lock held. */
void shell_request_hold_pages(struct shell_request *req);
int drbd_device_module_init(void);
void drbd_device_module_exit(void);

/* ---- backing.c: the disks below ---- */
/* Opens data and meta device; ERR_* of netlink.md or 0. Fills in the core's backing_* fields. */
int shell_backing_open(struct shell_device *d, const struct disk_conf *conf, const char **why);
void shell_backing_close(struct shell_device *d);
int shell_md_io(struct shell_device *d, u64 sector, struct page *page, blk_opf_t opf);
int shell_bitmap_read(struct shell_device *d);
int shell_bitmap_write(struct shell_device *d);
int shell_bitmap_resize(struct shell_device *d, u64 sectors);
int shell_al_resize(struct shell_device *d, u32 slots);
int shell_al_init(struct shell_device *d);
void shell_backing_sizes(struct shell_device *d);
/* Bitmap and activity log memory; nothing of the core refers to it any more. */
void shell_device_memory_free(struct shell_device *d);

/* ---- peer_io.c: I/O for the peer ---- */
struct shell_peer_request *shell_peer_request_alloc(struct shell_device *d, u32 bytes, gfp_t gfp);
void shell_peer_request_free(struct shell_peer_request *pr);
void shell_peer_request_submit(struct shell_peer_request *pr);
/* The same on both nodes, so that the replicas agree; sleeps. */
int shell_discard(struct block_device *bdev, sector_t start, sector_t nr);
int shell_peer_io_init(void);
void shell_peer_io_exit(void);

/* ---- digest.c ---- */
/* Load by name ("" = none): 0 or errno. */
int shell_digest_load(const char *name, const char *template, struct crypto_shash **tfm);
void shell_digest_free(struct crypto_shash **tfm);
void shell_digest_pages(struct crypto_shash *tfm, struct page **pages, u32 bytes, u8 *out);
void shell_digest_bio(struct crypto_shash *tfm, struct bio *bio, u8 *out);
int shell_hmac(struct crypto_shash *tfm, const char *secret, const void *data, u32 len, u8 *out);

/* ---- socket.c ---- */
int sock_send(struct socket *sock, const void *buf, size_t len, int flags);
/* All of it or an error: 0, -EAGAIN on timeout, -EPIPE at end of file. *got counts bytes. */
int sock_recv(struct socket *sock, void *buf, size_t len, size_t *got);
/* What is there, at least a byte; moves `iter` on. The count, or the errors above. */
int sock_recv_some(struct socket *sock, struct iov_iter *iter, int flags);
/* About how many bytes have come and wait to be received; without waiting for anything. */
u32 sock_waiting(struct socket *sock);
/* Until so many have come, or something else has happened; not for long. By who receives. */
void sock_wait(struct socket *sock, u32 bytes);
void sock_set_timeouts(struct socket *sock, long send_ms, long recv_ms);
void sock_cork(struct socket *sock, bool on);
bool sock_alive(struct socket *sock);
int sock_listen(struct shell_resource *r, struct socket **listener);
int sock_connect(struct shell_resource *r, struct socket **sock, bool *fatal);
int sock_accept(struct socket *listener, long timeout_ms, struct socket **sock);
void sock_prepare(struct shell_resource *r, struct socket *sock, enum drbd_socket which);

/* Remember or forget a socket that env_sockets_shutdown() must reach; -ECANCELED: too late. */
int sock_publish(struct shell_connection *c, struct socket **slot, struct socket *sock);

/* ---- connect.c: find the peer, shake hands ---- */
int shell_connect(struct shell_resource *r);
/* ---- receiver.c, sender.c ---- */
void shell_receiver_start_work(struct work_struct *work);
void shell_receiver_reap(struct shell_resource *r);
void shell_sockets_shutdown_work(struct work_struct *work);
int shell_senders_init(struct shell_resource *r);
void shell_senders_free(struct shell_resource *r);
int shell_senders_start(struct shell_resource *r);
void shell_senders_stop(struct shell_resource *r);
/* Is there something to send that nobody sends yet? */
bool shell_push_due(struct shell_resource *r);
/* Send it, as far as that goes without waiting. Process context, without the lock. */
void shell_push(struct shell_resource *r);
/* Have the threads send it. Any context, under the lock. */
void shell_push_later(struct shell_resource *r, u32 sockets);
u32 shell_page_vecs(struct page **pages, u32 bytes, struct bio_vec *vecs, u32 room);
u32 shell_bio_vecs(struct bio *bio, struct bio_vec *vecs, u32 room);
void shell_sockets_close(struct shell_resource *r);

/* ---- visible to the administrator: netlink.c events.c proc.c helper.c ---- */
int shell_call_helper(struct shell_resource *r, struct shell_device *d, const char *event);
/* It is to go down: helpers that do not end soon are not waited for. */
void shell_helpers_give_up(struct shell_resource *r);
/* debugfs.c: without it nothing else is different */
void drbd_debugfs_init(void);
void drbd_debugfs_exit(void);
void drbd_debugfs_resource_add(struct shell_resource *r);
void drbd_debugfs_resource_remove(struct shell_resource *r);
void drbd_debugfs_device_add(struct shell_device *d);
void drbd_debugfs_device_remove(struct shell_device *d);
void shell_senders_show(struct shell_resource *r, struct seq_file *m);
/* trace.c */
void shell_trace_sent(const struct drbd_connection *connection, int socket, const struct outgoing *out);
void shell_trace_state(const struct notify_record *note);
void shell_notify(struct shell_resource *r, const struct notify_record *note);
int drbd_netlink_init(void);
void drbd_netlink_exit(void);
int drbd_proc_init(void);
void drbd_proc_exit(void);
/* ACT_NET_FREE: the configuration is forgotten: tell listeners, free algorithms and addresses. */
void shell_net_free(struct shell_resource *r);
/* ACT_LOAD_PEER_INTEGRITY: called by the data receiver, which alone uses the result. */
int shell_load_peer_integrity(struct shell_resource *r);
int shell_load_resync_algs(struct shell_resource *r);

#endif /* DRBD_SHELL_H */
