// SPDX-License-Identifier: GPL-2.0
/*
 * proc.c - /proc/drbd (netlink.md 8.2)
 *
 * Scripts parse it, and helpers depend on it: nothing here waits for anything but the
 * resource's lock. Values are copied under the lock and printed outside of it.
 */
#include <linux/module.h>
#include <linux/proc_fs.h>
#include <linux/seq_file.h>
#include "shell.h"
#include "core/names.h"
#include "core/rate.h"

static int proc_details;
module_param(proc_details, int, 0644);
MODULE_PARM_DESC(proc_details, "How much /proc/drbd tells: 0, 1 or 2");

#define KIB_PER_BIT 4u
#define SECTORS_PER_BIT 8u
/* Above this many bits MiB are shown instead of KiB. */
#define MIB_FROM_BITS 1048576u

struct table_figures {
	u32 used, slots;
	u64 hits, misses, starving, locked, changed;
};

struct device_figures {
	u32 minor;
	struct state state;
	char protocol, write_ordering;
	bool suspended, al_suspended;
	u32 sent, received, written, read;	/* sectors */
	u32 al_writes, bm_writes;
	u32 local, pending, unacked, application, epochs;
	u64 out_of_sync;			/* bits */
	struct progress_figures progress;
	u64 total;				/* bits */
	u32 want;				/* KiB/s */
	u64 position, position_end, stop;	/* sectors; U64_MAX: no stop */
	struct table_figures resync, act_log;
	u32 blocked;
};

/* ---- reading ---- */

static bool is_verify(const struct state *s)
{
	return s->conn == C_VERIFY_S || s->conn == C_VERIFY_T;
}

static bool is_running(const struct state *s)
{
	return s->conn == C_SYNC_SOURCE || s->conn == C_SYNC_TARGET || is_verify(s);
}

static u32 epochs_open(const struct drbd_connection *connection)
{
	const struct peer_epoch *epoch;
	u32 n = 0;

	dlist_for_each_entry(epoch, &connection->epochs.open, link)
		n++;
	return max(n, 1u);	/* before the first write the current one is not there yet */
}

static u32 blocked_on_log(const struct drbd_device *c)
{
	const struct drbd_request *req;
	u32 n = 0;

	dlist_for_each_entry(req, &c->rq.al_wait, wait)
		n++;
	dlist_for_each_entry(req, &c->al.committing, wait)
		n++;
	return n;
}

static void read_table(struct table_figures *f, const struct extents *e)
{
	f->used = e->n_used;
	f->slots = e->n_slots;
	f->hits = e->hits;
	f->misses = e->misses;
	f->starving = e->n_starving;
	f->locked = e->n_locked;
	f->changed = e->changed;
}

static void read_progress(struct device_figures *f, const struct drbd_device *c)
{
	const struct resync *rs = &c->resync;
	bool verify = is_verify(&f->state);
	u64 left = verify ? rs->verify_left :
		   f->out_of_sync > rs->failed ? f->out_of_sync - rs->failed : 0;

	progress_get(&rs->progress, env_now_ms(), left, &f->progress);
	f->total = rs->progress.total;
	f->want = rs->plan.want_rate;
	f->position = verify ? rs->verify_position : rs->cursor * SECTORS_PER_BIT;
	f->position_end = c->bitmap.n_bits * SECTORS_PER_BIT;
	f->stop = verify ? rs->verify_stop : U64_MAX;
}

static void read_counters(struct device_figures *f, const struct drbd_device *c)
{
	f->sent = c->send_cnt;
	f->received = c->recv_cnt;
	f->written = c->writ_cnt;
	f->read = c->read_cnt;
	f->al_writes = c->al_writ_cnt;
	f->bm_writes = c->bm_writ_cnt;
	f->local = c->local_refs;
	f->pending = c->ap_pending + c->resync.pending;
	f->unacked = c->peer_unacked;
	f->application = c->ap_in_flight;
	f->epochs = epochs_open(&c->resource->connection);
	f->out_of_sync = c->has_backing ? c->bitmap.bits_set : 0;
	f->blocked = blocked_on_log(c);
}

static void read_device(struct device_figures *f, struct shell_device *d)
{
	const struct drbd_device *c = &d->core;
	const struct drbd_connection *connection = &c->resource->connection;
	struct shell_resource *r = shell_of_resource(c->resource);

	memset(f, 0, sizeof(*f));
	drbd_lock(r);
	f->minor = c->minor;
	f->state = device_state(c);
	f->suspended = f->state.susp || f->state.susp_nod || f->state.susp_fen;
	f->protocol = connection->configured ? 'A' + connection->net_conf.wire_protocol - 1 : ' ';
	f->write_ordering = "ndfb"[c->resource->write_ordering & 3];
	f->al_suspended = c->al.suspended;
	read_counters(f, c);
	if (is_running(&f->state))
		read_progress(f, c);
	read_table(&f->resync, &c->al.rs);
	if (c->al.ready)
		read_table(&f->act_log, &c->al.hot);
	drbd_unlock(r);
}

/* ---- printing ---- */

/* 1234567 as 1,234,567. */
static void show_grouped(struct seq_file *seq, u64 value)
{
	u32 low;
	u64 high = div_u64_rem(value, 1000, &low);

	if (!high) {
		seq_printf(seq, "%u", low);
		return;
	}
	show_grouped(seq, high);
	seq_printf(seq, ",%03u", low);
}

static void show_speed(struct seq_file *seq, const struct device_figures *f)
{
	const struct progress_figures *p = &f->progress;
	u32 rest, seconds;
	u64 hours = div_u64_rem(p->finish_s, 3600, &rest);

	seconds = rest % 60;
	seq_printf(seq, "\tfinish: %llu:%02u:%02u speed: ", hours, rest / 60, seconds);
	show_grouped(seq, p->speed);
	seq_puts(seq, " (");
	if (proc_details >= 1) {
		show_grouped(seq, p->speed_recent);
		seq_puts(seq, " -- ");
	}
	show_grouped(seq, p->speed_average);
	seq_putc(seq, ')');
	if (f->state.conn == C_SYNC_TARGET || f->state.conn == C_VERIFY_S) {
		seq_puts(seq, " want: ");
		show_grouped(seq, f->want);
	}
	seq_printf(seq, " K/sec%s\n", p->stalled ? " (stalled)" : "");
}

static void show_position(struct seq_file *seq, const struct device_figures *f)
{
	u64 percent = f->position_end ? div64_u64(f->position * 100, f->position_end) : 0;

	seq_printf(seq, "\t%3llu%% sector pos: %llu/%llu", percent, f->position, f->position_end);
	if (f->stop != U64_MAX)
		seq_printf(seq, " stop sector: %llu", f->stop);
	seq_putc(seq, '\n');
}

static void show_progress(struct seq_file *seq, const struct device_figures *f)
{
	bool mib = f->total > MIB_FROM_BITS;
	u32 permille = f->progress.permille;
	char bar[PROGRESS_BAR_LEN];

	progress_bar(permille, bar);
	seq_printf(seq, "\t%s %s%3u.%u%% (%llu/%llu)%c\n", bar,
		   is_verify(&f->state) ? "verified:" : "sync'ed:",
		   permille / 10, permille % 10,
		   mib ? f->progress.left >> 8 : f->progress.left * KIB_PER_BIT,
		   mib ? f->total >> 8 : f->total * KIB_PER_BIT, mib ? 'M' : 'K');
	show_speed(seq, f);
	if (proc_details >= 1)
		show_position(seq, f);
}

static void show_table(struct seq_file *seq, const char *name, const struct table_figures *f)
{
	seq_printf(seq, "\t%s: used:%u/%u hits:%llu misses:%llu starving:%llu locked:%llu changed:%llu\n",
		   name, f->used, f->slots, f->hits, f->misses, f->starving, f->locked, f->changed);
}

static void show_states(struct seq_file *seq, const struct device_figures *f)
{
	const struct state *s = &f->state;

	seq_printf(seq, "%2u: cs:%s ro:%s/%s ds:%s/%s %c %c%c%c%c-%c\n", f->minor,
		   name_of_conn(s->conn), name_of_role(s->role), name_of_role(s->peer),
		   name_of_disk(s->disk), name_of_disk(s->pdsk), f->protocol,
		   f->suspended ? 's' : 'r', s->aftr_isp ? 'a' : '-', s->peer_isp ? 'p' : '-',
		   s->user_isp ? 'u' : '-', f->al_suspended ? 's' : '-');
	seq_printf(seq, "    ns:%u nr:%u dw:%u dr:%u al:%u bm:%u lo:%d pe:%d ua:%d ap:%d ep:%d wo:%c oos:%llu\n",
		   f->sent / 2, f->received / 2, f->written / 2, f->read / 2, f->al_writes,
		   f->bm_writes, f->local, f->pending, f->unacked, f->application, f->epochs,
		   f->write_ordering, f->out_of_sync * KIB_PER_BIT);
}

static void show_device(struct seq_file *seq, const struct device_figures *f)
{
	const struct state *s = &f->state;

	if (s->conn == C_STANDALONE && s->disk == D_DISKLESS && s->role == ROLE_SECONDARY) {
		seq_printf(seq, "%2u: cs:Unconfigured\n", f->minor);
		return;
	}
	show_states(seq, f);
	if (is_running(s))
		show_progress(seq, f);
	if (proc_details >= 1 && s->disk >= D_FAILED) {
		show_table(seq, "resync", &f->resync);
		show_table(seq, "act_log", &f->act_log);
	}
	if (proc_details >= 2)
		seq_printf(seq, "\tblocked on activity log: %u\n", f->blocked);
}

static int proc_show(struct seq_file *seq, void *unused)
{
	struct device_figures *f = kmalloc(sizeof(*f), GFP_KERNEL);
	struct shell_device *d;
	u32 minor = 0, expected = 0;

	if (!f)
		return -ENOMEM;
	seq_printf(seq, "version: " DRBD_VERSION_TEXT " (api:1/proto:%u-%u)\n",
		   WIRE_APV_MIN, WIRE_APV_MAX);
	seq_printf(seq, "srcversion: %-24s\n", THIS_MODULE->srcversion ?: "");
	while ((d = drbd_device_next(&minor))) {
		if (minor != expected)
			seq_putc(seq, '\n');
		read_device(f, d);
		drbd_device_put(d);
		show_device(seq, f);
		expected = ++minor;
	}
	kfree(f);
	return 0;
}

int drbd_proc_init(void)
{
	return proc_create_single("drbd", 0444, NULL, proc_show) ? 0 : -ENOMEM;
}

void drbd_proc_exit(void)
{
	remove_proc_entry("drbd", NULL);
}
