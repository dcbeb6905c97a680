/* SPDX-License-Identifier: GPL-2.0 */
/*
 * sim.h - two whole nodes in one process, in virtual time
 *
 * The nodes are built from the very core of the kernel module; what the kernel shell
 * does for it, host_*.c do here: threads are coroutines, sockets and disks are queues
 * of events.  One seed makes every choice, so every run can be repeated exactly.
 *
 * Units: virtual time in microseconds, "sector" = 512 bytes.  The content of a data
 * sector is one 64 bit tag that says who wrote it; 0 is a zeroed sector.  Metadata are
 * real bytes.
 *
 *	clock.c		events, coroutines, chance
 *	disk.c		disks with a volatile cache
 *	faults_disk.c	what disks do wrong, and crashes at a certain step of theirs
 *	resize.c	growing and shrinking
 *	net.c		byte streams that can be delayed, cut and lost
 *	host_*.c	the host of the core: env.h, fibers, sockets, peer I/O
 *	node.c		boot, crash, attach; metadata as drbdmeta treats it
 *	app.c		the application and its requests
 *	oracle.c	what every sector may hold
 *	invariants.c	what must be true at every moment
 *	netfault.c	a network on a bad day
 *	versions.c	old protocol versions and missing features
 *	rot.c		content that changes unseen
 *	corners.c	what the others hardly ever come across
 *	scenario.c	configuration by seed, administrator and faults
 */
#ifndef SIM_H
#define SIM_H

#include <stdio.h>
#include <stdlib.h>
#include "objects.h"
#include "connection.h"
#include "receive.h"
#include "admin.h"

#define NODES 2
#define VOLUMES_MAX 2
#define MS 1000ull
#define SECOND 1000000ull
#define NEVER U64_MAX
#define MINORS_PER_NODE 100

struct node;

/* ---- clock.c ---- */
struct event {
	u64 time, seq;
	int pos;		/* in the heap, -1 when not scheduled */
	struct node *owner;	/* dies with it */
	void (*fire)(struct event *ev);
};

void event_init(struct event *ev, struct node *owner, void (*fire)(struct event *));
void event_at(struct event *ev, u64 time);	/* (re)schedules */
static inline bool event_scheduled(const struct event *ev) { return ev->pos >= 0; }
void event_cancel(struct event *ev);
void events_drop(struct node *owner);		/* and threads */
void events_unstall(struct node *owner);
extern u64 now_us;
extern u64 n_events;
/* Run until nothing is left, `until` is reached, or sim_failed. */
void events_run(u64 until);

u64 chance64(void);
u32 chance(u32 below);			/* 0 .. below-1; 0 for 0 */
static inline bool one_in(u32 n) { return n && chance(n) == 0; }
u64 chance_between(u64 low, u64 high);	/* inclusive */
void chance_seed(u64 seed);

struct waitq { struct dlist threads; };
struct thread;
extern struct thread *current;
void waitq_init(struct waitq *q);
struct thread *thread_start(struct node *owner, const char *name, void (*fn)(void *), void *arg);
/* Wait for a wake or for the deadline (NEVER: none). True: woken. */
bool waitq_wait(struct waitq *q, u64 deadline);
void waitq_wake(struct waitq *q);
void thread_sleep(u64 us);

/* ---- memory of a node, gone when it crashes ---- */
void *node_alloc(struct node *n, size_t size);	/* zeroed */
void node_free(struct node *n, void *p);

/* ---- disk.c ---- */
struct region {			/* an array of sectors with a volatile cache above */
	u32 unit;		/* bytes of content a sector: 8 (a tag) or 512 (metadata) */
	u64 sectors;
	u8 *cur, *durable;
	u32 *version;		/* of the cached content; 0 = clean */
	u32 *dirty;		/* sectors that may differ from `durable` */
	u8 *listed;		/* on `dirty` */
	u32 n_dirty;
};

/* What a disk does wrong (faults_disk.c): one I/O in n, 0 = never. */
struct disk_faults {
	u32 read, write, meta_read, meta_write, flush;	/* fails */
	u32 slow, stuck;
	u64 slow_us;
	struct { u64 sector; u32 sectors; } bad[4];	/* unreadable until written */
};

struct disk {
	struct region data, meta;	/* internal metadata: sectors count from the start of the disk */
	u64 size;			/* sectors of data now; data.sectors is the most it can get */
	u64 known_size;			/* where the tools last saw internal metadata */
	u64 conf_size;			/* option "size" in the configuration file */
	s32 md_index;
	u32 destage;			/* one write in n finds an older one on its way to the medium */
	bool no_discards, no_flushes, no_drain;
	struct disk_faults faults;
	u32 latency_min, latency_max;	/* us */
	bool write_through;		/* no volatile cache */
	bool shared_cache;		/* a flush of one region flushes the other too */
	u32 next_version;
	struct dlist inflight;
	const char *name;
};

enum disk_op { DISK_READ, DISK_WRITE, DISK_ZERO, DISK_FLUSH };
struct disk_io {
	struct event done;
	struct dlist link;
	struct disk *disk;
	struct region *region;
	enum disk_op op;
	bool preflush, fua;
	u64 sector;
	u32 sectors;
	void *buf;
	int error;
	struct flush_set *flush, *flush2;
	void (*complete)(struct disk_io *io);
};

void disk_init(struct disk *d, const char *name, u64 data_sectors, u64 meta_sectors);
static inline bool disk_is_internal(const struct disk *d) { return md_index_is_internal(d->md_index); }
/* Sectors of the device that the metadata are on. */
static inline u64 disk_meta_size(const struct disk *d)
{
	return disk_is_internal(d) ? d->size : d->meta.sectors;
}
void disk_submit(struct node *n, struct disk_io *io);
int disk_io_sync(struct node *n, struct disk_io *io);	/* from a thread */
/* What is in its cache becomes durable. */
void disk_settle(struct disk *d);
/* Power is cut, or (lose_cache false) just its host dies. In-flight writes: torn at random. */
void disk_crash(struct disk *d, bool lose_cache);
static inline u64 *disk_tags(struct disk *d) { return (u64 *)d->data.cur; }

/* ---- faults_disk.c ---- */
void disk_config(void);			/* the family's part of the configuration */
void disk_settings(void);
void disk_machine(struct disk *d, const char *name);
void disk_machine_done(struct disk *d);
bool disk_make_room(struct node *n, u32 v);
/* What becomes of an I/O: 0 or a negative errno; `us` is how long it takes. */
int disk_fault(struct disk *d, const struct disk_io *io, u64 *us);
void disk_error(const struct disk_io *io);	/* one that failed comes back */
void disk_step(struct node *n, const struct disk_io *io);
bool alloc_fails(void);
bool digest_fails(void);			/* ... to load */
void disk_reads_fail(struct node *n);
/* Something is wrong with a disk, or a crash is due: commands may fail. */
bool disk_trouble(void);
bool disk_family_fault(void);		/* true: it was the family's turn */
void disk_peace(void);
void disk_repair(void);

/* ---- resize.c ---- */
void resize_config(void);
u64 resize_room(void);			/* sectors by which a disk may grow in all */
void fault_resize(void);
bool resize_shrinks(void);
void resize_adjust(void);
void resize_peace(void);
extern u64 disk_errors, resizes;	/* how many there were */

/* ---- net.c ---- */
struct sock;
struct net_conn;
void net_init(u32 latency_min, u32 latency_max, u32 window);
/* 0, -ECONNREFUSED, -ETIMEDOUT, -EINTR (shut down meanwhile) */
int net_connect(struct node *n, struct sock **sock, u32 timeout_ms, const bool *stop, struct waitq *stop_wait);
int net_accept(struct node *n, u32 timeout_ms, struct sock **sock, const bool *stop);
void net_listen(struct node *n, bool on);
/* Blocks while the window is full; 0, -EAGAIN, -EPIPE, -ECONNRESET. */
int net_send(struct sock *s, const void *buf, u32 len);
int net_send_tags(struct sock *s, const u64 *tags, u32 bytes);
int net_recv(struct sock *s, void *buf, u32 len, u32 *got);
int net_recv_tags(struct sock *s, u64 *tags, u32 bytes);	/* tags NULL: throw away */
void net_timeouts(struct sock *s, u32 send_ms, u32 recv_ms);	/* 0 = for ever */
bool net_alive(const struct sock *s);
void net_shutdown(struct sock *s);
void net_close(struct sock *s);
void net_wake_accept(struct node *n);
void net_node_crashed(struct node *n);
void net_node_booted(struct node *n);
void net_set_link(bool up);
bool net_link_up(void);
void net_reset(void);			/* the existing connections break with errors at both ends */

/* ---- host side of the core's objects ---- */
struct host_conn {
	struct sock *sock[2];
	bool shutdown;
	struct event shutdown_work, receiver_work;
	struct thread *receiver;
	bool meta_running, sender_running[2], stop_senders, stop_meta;
	struct waitq send_wait[2], ended;
	bool send_kicked[2];
	char integrity_offered[64], integrity_next[64];	/* env_integrity_prepare() */
	char integrity[64], csums[64], verify[64], hmac[64];
};

struct host {
	struct drbd_resource core;
	struct node *node;
	struct host_conn conn;
	struct waitq wait, worker_wait;
	u64 wake_seq, changes_seen;
	bool worker_kicked;
	struct event timer, resync_after;
	bool admin_busy, removed;	/* removed: its resource is deleted */
	struct waitq admin_wait;
};

struct host_device {
	struct drbd_device core;
	struct node *node;
	struct disk *disk;
	bool open_backing;
	void **bm_pages;
	u8 *bm_flags;
	u32 bm_n_pages;
	void *al_memory;
	bool read_only;
};

struct app_write;		/* oracle.c */
struct host_request {
	struct drbd_request core;
	struct node *node;
	struct disk_io io;
	struct event completion;
	struct dlist mine;	/* node->requests */
	u64 *tags;
	u32 sectors;
	int error;
	bool completed, freed_by_core;
	u64 started;
	struct app_write *write;
	u64 id;
};

struct host_peer_request {
	struct drbd_peer_request core;
	struct node *node;
	struct disk_io io;
	struct event digest;
	u8 digest_use;
	u64 *tags;
	u32 sectors;
};

#define host_of_resource(r) container_of(r, struct host, core)
#define host_of_connection(c) container_of(c, struct host, core.connection)
#define host_of_device(d) container_of(d, struct host_device, core)
#define host_of_request(r) container_of(r, struct host_request, core)
#define host_of_peer_request(p) container_of(p, struct host_peer_request, core)

struct node {
	int id;
	const char *name;
	bool up;
	struct host *host;		/* NULL while it is down */
	struct host_device *device[VOLUMES_MAX];
	struct disk disk[VOLUMES_MAX];
	struct dlist memory;
	struct dlist requests;
	bool listening;
	struct dlist accept_queue;
	struct waitq accept_wait;
	u32 boots;
	u64 stalled_until;	/* none of its events fires before */
};
extern struct node nodes[NODES];
static inline struct node *other(struct node *n) { return &nodes[1 - n->id]; }

/* host_tasks.c */
typedef enum fiber_status fiber_fn(struct task *t, void *arg);
void host_run_fiber(struct host *h, struct task *t, fiber_fn *fn, void *arg, const bool *interrupt);
void host_worker_start(struct host *h);
s64 host_perform(struct host *h, struct task *t);
/* host_disk.c */
int host_md_io(struct host_device *d, u64 sector, void *buf, bool write, bool flush_fua);
int host_bitmap_read(struct host_device *d);
int host_bitmap_write(struct host_device *d);
int host_bitmap_resize(struct host_device *d, u64 sectors);
int host_al_resize(struct host_device *d, u32 slots);
int host_al_init(struct host_device *d);
void host_backing_sizes(struct host_device *d);
struct host_peer_request *host_peer_request_alloc(struct host_device *d, u32 bytes);
void host_peer_request_free(struct host_peer_request *pr);
u32 digest_size(const char *alg);
void digest_tags(const char *alg, const u64 *tags, u32 sectors, u8 *out);
void digest_bytes(const char *alg, const char *key, const void *data, u32 len, u8 *out);
/* host_connect.c, host_receiver.c, host_sender.c */
int host_connect(struct host *h);
void host_conn_init(struct host *h);
void host_senders_start(struct host *h);
void host_senders_stop(struct host *h);
void host_sockets_close(struct host *h);
void host_net_free(struct host *h);

/* ---- node.c ---- */
void node_create_md(struct node *n);
void node_apply_al(struct node *n, int vnr);	/* drbdmeta apply-al, before every attach */
void node_boot(struct node *n);
void node_crash(struct node *n, bool lose_cache);
void node_remove(struct node *n);	/* the module is unloaded */
s32 node_attach(struct node *n, int vnr);
s32 node_connect(struct node *n);
/* Another command (actors.h has more); op NULL: without parameters. */
s32 node_command(struct node *n, int vnr, admin_command *command, struct admin_op *op);
void node_op_init(struct node *n, int vnr, struct admin_op *op);
s32 node_up(struct node *n);
struct drbd_device *node_device(struct node *n, int vnr);
struct drbd_connection *node_connection(struct node *n);
const char *node_state_text(struct node *n, int vnr);

/* ---- app.c ---- */
void app_start(struct node *n, int vnr);
/* The application runs where it is enabled, and has its device open while it does. */
extern bool app_enabled[NODES];
bool app_idle(const struct node *n);	/* nothing in flight and closed everywhere */
void app_request_completed(struct host_request *req);
void app_node_crashed(struct node *n);
extern u64 app_done_count, app_error_count;

/* ---- oracle.c ---- */
void oracle_init(void);
struct app_write *oracle_write_begin(const struct node *n, int vnr, u64 sector, u32 sectors, u64 tag);
void oracle_write_end(struct app_write *w, int error, bool durable);
void oracle_write_lost(struct app_write *w);		/* its node crashed */
/* It failed, and nobody had begun it anywhere: its content may never be seen. */
void oracle_write_never(const struct node *n, int vnr, u64 sector, u32 sectors, struct app_write *w);
/* Acknowledged, but it may be lost with what holds it. */
void oracle_write_unpromised(const struct node *n, int vnr, u64 sector, u32 sectors, u64 started);
void oracle_read_end(struct node *n, int vnr, u64 sector, const u64 *tags, u32 sectors, u64 started);
void oracle_flush_end(int vnr, u64 started);
void oracle_crashing(struct node *n, bool lose_cache);
/* Would serving this node's disk be legitimate? */
bool oracle_disk_current(struct node *n, int vnr, bool complain);
/* A split brain: from now on this node's data have a history of their own, and its end. */
void oracle_fork(struct node *n);
void oracle_join(const struct node *winner);	/* NULL: whoever won, volume by volume */
/* Somebody may destroy data on purpose; afterwards the content of this node's disks counts. */
void oracle_close_eyes(void);
void oracle_open_eyes(const struct node *n);
void oracle_check_converged(void);
/* The device has another size now; what is new has no known content. */
void oracle_capacity(struct node *n, int vnr, u64 sectors);
/* Nobody knows what is there now: a loss that the policy allowed. */
void oracle_unknown(int vnr);
void oracle_check_mirrored(struct node *n, int vnr, u64 sector, u32 sectors, const u64 *tags);

/* Does it know what belongs where? Not in a split brain, nor while data may be destroyed. */
bool oracle_sees(void);

/* ---- invariants.c: states.md 11 ---- */
void invariants_changed(struct node *n);	/* some state has */
void invariants_look(void);			/* between two events */
void invariants_at_rest(void);
void invariants_read_local(const struct drbd_device *d, u64 sector, u32 sectors);
void invariants_completion(const struct host_request *req, int error);
void invariants_verdict(const struct drbd_device *d);

/* ---- scenario.c ---- */
struct config {
	u64 seed;
	u32 families;		/* enum family */
	u32 volumes;
	u64 data_sectors;
	u32 protocol;
	u32 wake_latency;	/* us a woken thread may take */
	u32 alloc_fails;	/* one in n peer request allocations fails; 0 = none */
	u32 max_request;	/* sectors */
	u32 app_depth, app_gap;
	u32 faults;		/* rounds of faults; 0 = the plain path */
	bool crashes, cuts, admin, discards, two_primaries;
	bool sub_block;		/* requests not aligned to 4 KiB */
	struct net_conf net;
	struct disk_conf disk;
	u32 on_no_data;
	u32 al_slots;		/* at most, 0 = as configured */
	u32 memory_fails;	/* one in n allocations that may fail does, while there is trouble */
};
extern struct config cfg;

/*
 * What a run draws from besides the classic crashes, cuts and commands.  A feature's chances
 * are drawn only in runs of its family, so a seed of another family goes on to mean the same.
 * main.c names them; "family+family:seed" is a run.
 */
enum family {
	FAMILY_DISK	= 1 << 0,	/* I/O errors, detach, slow and stuck disks, internal metadata */
	FAMILY_MEMORY	= 1 << 1,	/* failing allocations */
	FAMILY_RESIZE	= 1 << 2,	/* growing and shrinking */
	FAMILY_NET	= 1 << 3,	/* one-way loss, stalls, cuts at any byte, crossed connects */
	FAMILY_VERSIONS	= 1 << 4,	/* old protocol versions, missing features */
	FAMILY_DUAL	= 1 << 5,	/* two Primaries */
	FAMILY_ADMIN	= 1 << 6,	/* any command at any time */
	FAMILY_CLUSTER	= 1 << 7,	/* promoting, demoting, fencing */
	FAMILY_OPTIONS	= 1 << 8,	/* every option that changes behaviour */
	FAMILY_ALL	= (1 << 9) - 1,
	FAMILY_ROT	= 1 << 9,	/* content that changes unseen, and verifies that repair it */
	/* corners.c */
	FAMILY_AHEAD	= 1 << 10,	/* more is written than the line takes */
	FAMILY_SKIP	= 1 << 11,	/* no first sync */
	FAMILY_PAIRS	= 1 << 12,	/* two protocol versions by the seed's number */
	FAMILY_VERIFY	= 1 << 13,	/* verify and checksums, with errors */
};
static inline bool family_has(enum family family) { return cfg.families & family; }

void config_by_seed(u64 seed, u32 families, bool smoke);
void scenario_start(void);
extern bool scenario_over;

/* ---- netfault.c: FAMILY_NET ---- */
void netfault_config(void);
void netfault_one(void);
void netfault_end(void);

/* ---- versions.c: FAMILY_VERSIONS ---- */
void versions_boot(struct node *n);
void versions_limit(struct node *n, struct wire_p_features *packet);
void versions_fault(void);
void versions_peace(void);
bool versions_upgraded(void);

/* ---- rot.c: FAMILY_ROT ---- */
void rot_config(void);
bool rot_fault(void);			/* true: it was the family's turn */
/* ---- corners.c ---- */
void corners_config(void);
void corners_machines(void);
u32 pairs_version(int node);
bool skip_first_sync(struct node *n);
bool corners_fault(void);

/* ---- words ---- */
struct stats {
	u64 commands, faults, boots, crashes, connects, helpers, splits, storms, wipes, detaches;
	u64 aheads, verifies;
};
extern struct stats stats;
extern bool tracing, sim_failed;
extern char sim_failure[512];
__attribute__((format(printf, 2, 3))) void trace(struct node *n, const char *fmt, ...);
__attribute__((format(printf, 1, 2))) void violation(const char *fmt, ...);

#endif /* SIM_H */
