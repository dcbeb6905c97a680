// SPDX-License-Identifier: GPL-2.0
/*
 * What must be true at every moment, by the numbers of states.md 11.  Draws nothing, so that it
 * changes no seed's meaning.
 *
 * Here:
 *	I1	invariants_look(): blocks that differ are marked, or being written
 *	I2, I7 to I10, I16, I17	invariants_changed(): at every change of a state
 *	I3, I4, I5, I11, I18, I23	invariants_at_rest()
 *	I6	invariants_completion()
 *	I12	invariants_verdict(): both ends of a handshake
 *	I15	invariants_read_local()
 * Elsewhere:
 *	I13	overlap_check() in disk.c
 *	I14	env_request_complete(), env_request_free(); apps_idle() at the end of every round
 *	I19	manager_check_completion() in manager.c
 *	I20	env_log_connection(): the core says so when an epoch is miscounted
 *	I21	disk_action() in host_tasks.c, env_request_submit(): nothing reaches a disk that is closed
 *	I22	oracle_read_end(), oracle_disk_current(), oracle_join()
 */
#include "actors.h"
#include "core/engine.h"
#include "core/predicates.h"
#include "net.h"

/* The last state seen of each volume, in this boot of its node. */
static struct seen { u32 boot; struct state state; } seen[NODES][VOLUMES_MAX];

static const char *state_text(struct state s)
{
	static char text[2][96];
	static u32 turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "cs:%s ro:%s/%s ds:%s/%s", name_of_conn(s.conn),
		 name_of_role(s.role), name_of_role(s.peer), name_of_disk(s.disk), name_of_disk(s.pdsk));
	return text[turn];
}

static void broken(const char *invariant, const struct node *n, u32 v, const char *what)
{
	violation("%s: node %s volume %u: %s: %s", invariant, n->name, v, what,
		  state_text(n->device[v]->core.state));
}

/* ---- states ---- */

static bool is_target(u8 conn)
{
	return conn == C_WF_BITMAP_T || conn == C_WF_SYNC_UUID || conn == C_SYNC_TARGET ||
	       conn == C_PAUSED_SYNC_T || conn == C_BEHIND;
}

static void check_state(struct node *n, u32 v, struct state s)
{
	const struct drbd_device *device = &n->device[v]->core;

	if (is_target(s.conn) && s.disk > D_OUTDATED)
		broken("I7", n, v, "to be overwritten, and yet good data");
	if ((s.conn == C_SYNC_SOURCE || s.conn == C_AHEAD) && s.disk != D_UP_TO_DATE)
		broken("I7", n, v, "source without good data");
	if (s.conn >= C_CONNECTED && (s.peer == ROLE_UNKNOWN || s.pdsk == D_UNKNOWN))
		broken("I8", n, v, "connected to somebody unknown");
	if (s.conn < C_CONNECTED && (s.peer != ROLE_UNKNOWN || s.peer_isp))
		broken("I9", n, v, "knows of a peer that it is not connected to");
	if (device->open_count && s.role != ROLE_PRIMARY)
		broken("I16", n, v, "in use, but not Primary");
}

static void check_step(struct node *n, u32 v, struct state os, struct state ns)
{
	if (os.conn >= C_TIMEOUT && os.conn <= C_TEAR_DOWN && ns.conn != os.conn &&
	    ns.conn != C_UNCONNECTED && ns.conn != C_DISCONNECTING)
		broken("I10", n, v, "out of a failed connection into something else");
	if (os.conn == C_DISCONNECTING && ns.conn != os.conn && ns.conn != C_STANDALONE)
		broken("I10", n, v, "out of Disconnecting into something else");
	if (os.disk == D_FAILED && ns.disk != D_FAILED && ns.disk != D_DISKLESS)
		broken("I17", n, v, "a failed disk came back");
}

static void check_primaries(u32 v)
{
	const struct drbd_device *a = node_device(&nodes[0], v), *b = node_device(&nodes[1], v);

	if (!a || !b || a->state.role != ROLE_PRIMARY || b->state.role != ROLE_PRIMARY ||
	    a->state.conn < C_CONNECTED || b->state.conn < C_CONNECTED)
		return;
	if (!a->resource->connection.net_conf.two_primaries &&
	    !b->resource->connection.net_conf.two_primaries)
		broken("I2", &nodes[0], v, "both nodes are Primary");
}

void invariants_changed(struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++) {
		struct seen *last = &seen[n->id][v];
		struct state now;

		if (!n->device[v])
			continue;
		now = n->device[v]->core.state;
		if (last->boot == n->boots && state_equal(last->state, now))
			continue;
		check_state(n, v, now);
		if (last->boot == n->boots)
			check_step(n, v, last->state, now);
		last->boot = n->boots;
		last->state = now;
		check_primaries(v);
	}
}

/* ---- data ---- */

static u64 next_look;

static bool has_disk(const struct drbd_device *d)
{
	return d && d->has_backing && d->state.disk >= D_INCONSISTENT && !d->size_busy;
}

/* A new sync is about to be, and its bits as well; or nobody has said yet whose data count. */
static bool before_sync(const struct drbd_device *d)
{
	u8 conn = d->state.conn;

	return conn == C_STARTING_SYNC_S || conn == C_STARTING_SYNC_T || conn == C_WF_BITMAP_S ||
	       conn == C_WF_BITMAP_T || conn == C_WF_REPORT_PARAMS ||
	       (conn <= C_CONNECTED && d->state.disk != D_UP_TO_DATE) || d->bm_io_pending;
}

/* By whomever, or about to be written once more: a write that stepped back. */
static bool written_now(const struct drbd_device *d, u64 sector)
{
	const struct host_request *req;

	if (interval_overlap_first(&d->rq.writes, sector, 512) ||
	    interval_overlap_first(&d->prl.resync_tree, sector, 512))
		return true;
	dlist_for_each_entry(req, &host_of_device((struct drbd_device *)d)->node->requests, mine)
		if (!req->completed && req->core.device == d && req->core.op != OP_READ &&
		    req->core.interval.sector <= sector && interval_end(&req->core.interval) > sector)
			return true;
	return false;
}

static bool covered(const struct drbd_device *d, u64 sector)
{
	return bm_test(&d->bitmap, bm_sector_to_bit(sector)) == 1 || written_now(d, sector);
}

static void look_at(u32 v)
{
	const struct drbd_device *a = node_device(&nodes[0], v), *b = node_device(&nodes[1], v);
	const u64 *mine = disk_tags(&nodes[0].disk[v]), *theirs = disk_tags(&nodes[1].disk[v]);
	u64 s = 0, end, step = 512;

	if (!has_disk(a) || !has_disk(b) || before_sync(a) || before_sync(b))
		return;
	end = min(a->capacity, b->capacity);
	for (; s < end; s += step) {
		u64 n = min(step, end - s), i;

		for (i = 0; memcmp(mine + s, theirs + s, n * 8) && i < n; i++) {
			if (mine[s + i] == theirs[s + i] || covered(a, s + i) || covered(b, s + i))
				continue;
			violation("I1: volume %u sector %llu: the disks differ, and nothing says so: A: %s, B: %s",
				  v, (unsigned long long)(s + i), state_text(a->state),
				  state_text(b->state));
			return;
		}
	}
}

/* Between two events, rarely enough that it costs little. Where disks rot they differ unseen. */
void invariants_look(void)
{
	u32 v;

	if (n_events < next_look || family_has(FAMILY_ROT))
		return;
	next_look = n_events + 256 + cfg.data_sectors / 32;
	for (v = 0; v < cfg.volumes && oracle_sees(); v++)
		look_at(v);
}

/* I15: what is still to be synced may not be read here. */
void invariants_read_local(const struct drbd_device *d, u64 sector, u32 sectors)
{
	struct node *n = host_of_device((struct drbd_device *)d)->node;

	if (d->state.disk < D_OUTDATED && sectors &&
	    bm_count_range(&d->bitmap, bm_sector_to_bit(sector), bm_sector_to_bit(sector + sectors - 1)))
		broken("I15", n, d->vnr, "a block that is out of sync is read from the own disk");
}

/* ---- generations ---- */

/*
 * I6: the peer lacks this write, which is about to be told successful. Then a name of its own for
 * what only this disk has must be on this disk already, or an older one.
 */
void invariants_completion(const struct host_request *req, int error)
{
	const struct drbd_request *core = &req->core;
	const struct drbd_device *d = core->device;
	const struct disk *disk = &req->node->disk[d->vnr];
	struct md_superblock sb;

	if (error || core->op == OP_READ || core->op == OP_FLUSH || !(core->flags & RQ_LO) ||
	    core->flags & (RQ_NO | RQ_NP) || d->state.disk != D_UP_TO_DATE || !d->has_backing ||
	    d->size_busy || d->state.conn >= C_CONNECTED ||
	    /* Its disk was no good before: nobody will take its word. */
	    d->state.pdsk == D_INCONSISTENT || d->state.pdsk == D_FAILED)
		return;
	if (md_superblock_decode(disk->meta.cur + d->layout.sb_sector * 512, &sb) == MD_KIND_NONE ||
	    !sb.uuid[MD_UUID_BITMAP])
		broken("I6", req->node, d->vnr,
		       "a write that the peer lacks completed before a new generation was on disk");
}

/* The last verdict of each end, what it was found from, and over which connection. */
static struct judged {
	u64 serial, meta_serial;
	struct { u64 uuid[2], disk, role; } own, peers;
	enum hs_outcome outcome;
	int hg;
	bool paired;	/* compared: a disk that is attached again is judged anew, over the same connection */
} judged[NODES][VOLUMES_MAX];

static bool is_answer_to(const struct judged *a, const struct judged *b)
{
	/*
	 * Each may have opened a meta socket that the other one never takes, and breaks when it closes
	 * its door: a connection that nothing comes of, in which neither holds the bit that decides ties.
	 */
	return a->serial == b->serial && a->meta_serial == b->meta_serial && !memcmp(&a->own, &b->peers, sizeof(a->own)) &&
	       !memcmp(&a->peers, &b->own, sizeof(a->own));
}

/* I12: source here is target there, nothing here is nothing there, or one of them refuses. */
void invariants_verdict(const struct drbd_device *d)
{
	const struct host *h = host_of_resource(d->resource);
	const struct receive_op *op = &h->core.connection.receiving;
	const struct handshake_verdict *verdict = &op->verdict;
	const struct sock *sock = h->conn.sock[SOCK_DATA], *meta = h->conn.sock[SOCK_META];
	struct judged *mine = &judged[h->node->id][d->vnr];
	const struct judged *theirs = &judged[1 - h->node->id][d->vnr];
	int i;

	if (!sock || !meta)
		return;
	mine->serial = sock->conn->serial;
	mine->meta_serial = meta->conn->serial;
	for (i = 0; i < 2; i++) {
		/* Decided from, not told: with a generation that the peer has not heard of, no pair. */
		mine->own.uuid[i] = d->md.uuid[i] & ~UUID_PRIMARY_BIT;
		mine->peers.uuid[i] = d->peer_uuids.set.slot[i] & ~UUID_PRIMARY_BIT;
	}
	mine->own.disk = op->mine.disk;
	mine->own.role = op->mine.role;
	mine->peers.disk = op->peers.disk;
	mine->peers.role = op->peers.role;
	mine->outcome = verdict->outcome;
	mine->hg = verdict->hg;
	mine->paired = false;
	if (theirs->paired || !is_answer_to(mine, theirs) || mine->outcome == HS_FAIL || theirs->outcome == HS_FAIL ||
	    mine->outcome == HS_DEMOTE || theirs->outcome == HS_DEMOTE)
		return;
	judged[1 - h->node->id][d->vnr].paired = mine->paired = true;
	if ((mine->hg > 0) != (theirs->hg < 0) || (mine->hg < 0) != (theirs->hg > 0))
		violation("I12: volume %u: one handshake, two verdicts: %s %d, %s %d", d->vnr,
			  h->node->name, mine->hg, other(h->node)->name, theirs->hg);
}

/* ---- when nothing goes on ---- */

static void volume_at_rest(u32 v)
{
	const struct drbd_device *d[NODES] = { node_device(&nodes[0], v), node_device(&nodes[1], v) };
	const u64 *a = d[0]->md.uuid, *b = d[1]->md.uuid;
	int i;

	for (i = 0; i < NODES; i++) {
		struct md_superblock sb;

		if ((d[i]->md.uuid[MD_UUID_CURRENT] & UUID_PRIMARY_BIT) !=
		    (d[i]->state.role == ROLE_PRIMARY))
			broken("I5", &nodes[i], v, "bit 0 of the current UUID is not the role");
		/* A part of a block that two Primaries wrote leaves its mark (oracle_check_converged()). */
		if (d[i]->bitmap.bits_set && !a[MD_UUID_BITMAP] && !b[MD_UUID_BITMAP] &&
		    !(cfg.two_primaries && cfg.sub_block))
			broken("I3", &nodes[i], v, "blocks are marked, and no UUID says since when");
		md_superblock_decode(nodes[i].disk[v].meta.cur + d[i]->layout.sb_sector * 512, &sb);
		if (!d[i]->md_dirty && sb.flags != device_md_flags(d[i]))
			broken("I23", &nodes[i], v, "the flags on disk are of another state");
	}
	if ((a[MD_UUID_CURRENT] ^ b[MD_UUID_CURRENT]) & ~UUID_PRIMARY_BIT)
		broken("I4, I18", &nodes[0], v, "in sync, and the generations have different names");
	if (a[MD_UUID_BITMAP] || b[MD_UUID_BITMAP])
		broken("I18", &nodes[0], v, "in sync, and a bitmap UUID is left");
	if (d[0]->resource->connection.resolve_conflicts == d[1]->resource->connection.resolve_conflicts)
		broken("I11", &nodes[0], v, "both nodes or none resolve conflicts");
}

void invariants_at_rest(void)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		volume_at_rest(v);
}
