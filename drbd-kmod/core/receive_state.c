// SPDX-License-Identifier: GPL-2.0
/*
 * receive_state.c - the peer's generation identifiers and states, and the resync that follows
 * from them (wire.md 4.6, 4.7; states.md 4.1, 5.6)
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "names.h"
#include "predicates.h"
#include "receive.h"

#define SYNC_UUID_PATIENCE_MS 10000

static void refuse_peer(struct incoming *in)
{
	in->ok = false;
	connection_fatal(in->connection);
}

static bool is_connected(const struct drbd_device *device)
{
	return device->state.conn >= C_CONNECTED;
}

/* ---- P_UUIDS ---- */

static void uuids_decode(struct incoming *in)
{
	const struct wire_p_uuids *p = (const struct wire_p_uuids *)in->fixed;
	struct peer_uuids *peer = &in->device->peer_uuids;

	peer->set.slot[UUID_CURRENT] = be64_to_cpu(p->current_uuid);
	peer->set.slot[UUID_BITMAP] = be64_to_cpu(p->bitmap_uuid);
	peer->set.slot[UUID_HISTORY0] = be64_to_cpu(p->history[0]);
	peer->set.slot[UUID_HISTORY1] = be64_to_cpu(p->history[1]);
	peer->bits_set = be64_to_cpu(p->bits_set);
	peer->flags = be64_to_cpu(p->flags);
	peer->valid = true;
	in->connection->receiving.current_uuid = peer->set.slot[UUID_CURRENT];
}

/* Users of a diskless Primary saw other data than the peer has. */
static bool uuids_are_alien(const struct drbd_device *device, u64 peers)
{
	return device->state.disk < D_INCONSISTENT && device->state.role == ROLE_PRIMARY &&
	       (!is_connected(device) || device->state.pdsk == D_DISKLESS) &&
	       (device->peer_lacks || !uuid_same(device->ed_uuid, peers));
}

static bool uuids_skip_sync(const struct incoming *in)
{
	const struct drbd_device *device = in->device;

	return device->state.disk >= D_INCONSISTENT && device->state.conn == C_CONNECTED &&
	       in->connection->agreed_pro_version >= 90 &&
	       device->md.uuid[MD_UUID_CURRENT] == UUID_JUST_CREATED &&
	       (device->peer_uuids.flags & UUID_FLAG_SKIP_INITIAL_SYNC);
}

static void uuids_adopt(struct drbd_device *device, u64 uuid)
{
	struct uuid_set set = device_uuids(device);

	env_log_device(device, LOG_LVL_INFO,
		       "the peer skips the initial sync: both disks count as equal");
	uuid_slot_set(&set, UUID_CURRENT, uuid, device->state.role == ROLE_PRIMARY);
	uuid_slot_set(&set, UUID_BITMAP, 0, false);
	device_uuids_store(device, &set);
	state_force(device, ST_ARGS(state_change_join(ST_CHANGE_DISK(D_UP_TO_DATE),
						      ST_CHANGE_PDSK(D_UP_TO_DATE))));
}

/*
 * Diskless, my users see what the peer tells about. A disk that is being synced carries the
 * mark of that sync, and one that waits for it is old: nobody has seen data of that name. A
 * disk just attached tells its generations before its state: then only their flag says so.
 */
static void uuids_expose(struct drbd_device *device, u64 uuid)
{
	u8 pdsk = device->state.pdsk;

	if (device->state.disk < D_INCONSISTENT && pdsk != D_INCONSISTENT &&
	    pdsk != D_OUTDATED && pdsk != D_CONSISTENT &&
	    !(device->peer_uuids.flags & UUID_FLAG_INCONSISTENT))
		exposure_name(device, uuid);
}

enum fiber_status receive_uuids(struct task *t, struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;
	struct drbd_device *device = in->device;

	FIBER_BEGIN(in->pc);
	uuids_decode(in);
	if (uuids_are_alien(device, op->current_uuid)) {
		env_log_device(device, LOG_LVL_ERR,
			       "the peer's data is not what this diskless Primary has shown its users: disconnecting; attach a disk with the right data, or make this node Secondary");
		refuse_peer(in);
		FIBER_RETURN(in->pc);
	}
	if (uuids_skip_sync(in)) {
		memset(&op->bulk, 0, sizeof(op->bulk));
		op->bulk.in_receiver = true;
		FIBER_CALL(in->pc, device_clear_all_and_write(t, device, &op->bulk));
		if (op->bulk.error) {
			connection_fail(in->connection, C_NETWORK_FAILURE);
			FIBER_RETURN(in->pc);
		}
		uuids_adopt(device, op->current_uuid);
		FIBER_CALL(in->pc, device_md_sync(t, device, &op->md, false));
	} else if (device->state.role == ROLE_PRIMARY) {
		uuids_expose(device, op->current_uuid);
	}
	/* A promotion under way decides what our users see. */
	FIBER_WAIT_UNTIL(in->pc, !device->change.pending || !is_connected(device));
	if (is_connected(device))
		uuids_expose(device, op->current_uuid);
	in->ok = true;
	FIBER_END(in->pc);
}

/* ---- P_STATE: what follows from the generations ---- */

static void handshake_input_fill(const struct incoming *in, struct handshake_input *h)
{
	const struct drbd_connection *connection = in->connection;
	const struct net_conf *nc = &connection->net_conf;
	const struct receive_op *op = &connection->receiving;
	const struct drbd_device *device = in->device;

	memset(h, 0, sizeof(*h));
	h->self.ids = device_uuids(device);
	h->self.bits = device->sent_uuids.bits;
	h->self.flags = device->sent_uuids.flags;
	h->peer.ids = device->peer_uuids.set;
	h->peer.bits = device->peer_uuids.bits_set;
	h->peer.flags = (u32)device->peer_uuids.flags;
	h->self_role = op->role_before;
	h->peer_role = op->peers.role;
	h->self_disk_now = device->state.disk;
	h->self_disk = device->state.disk == D_NEGOTIATING ? device->disk_at_attach :
							     device->state.disk;
	h->peer_disk = op->judged.peer_disk;
	h->self_frozen = device->new_uuid_on_thaw && state_suspended(device_state(device));
	h->self_discard = device->discard_my_data;
	/* The question was what connecting would lead to: once connected, it has been answered. */
	h->dry_run_self = nc->tentative && op->mine.conn < C_CONNECTED;
	h->dry_run_peer = connection->dry_run && op->mine.conn < C_CONNECTED;
	h->always_asbp = nc->always_asbp;
	h->resolve_conflicts = connection->resolve_conflicts;
	h->after_sb[0] = nc->after_sb_0p;
	h->after_sb[1] = nc->after_sb_1p;
	h->after_sb[2] = nc->after_sb_2p;
	h->rr_conflict = nc->rr_conflict;
	h->apv = connection->agreed_pro_version;
	h->features = connection->agreed_features;
	h->demotion = op->demotion;
}

static void handshake_ask(const struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;
	struct handshake_input input;

	handshake_input_fill(in, &input);
	op->by_untold = !uuid_same(input.self.ids.slot[UUID_CURRENT],
				   in->device->sent_uuids.ids.slot[UUID_CURRENT]);
	op->verdict = handshake_decide(&input);
	op->helpers_due = op->verdict.helpers & ~op->helpers_done;
}

/* The policy made me the loser: give way, unless somebody uses the device. */
static void handshake_demote(struct drbd_device *device, struct receive_op *op)
{
	struct uuid_set set;

	if (device->open_count) {
		env_log_device(device, LOG_LVL_ERR,
			       "after-sb policy: this Primary shall give way but its device is in use (opened %u times)",
			       device->open_count);
		op->demotion = DEMOTION_REFUSED;
		return;
	}
	env_log_device(device, LOG_LVL_WARN, "after-sb policy: demoted to give way to the peer");
	/* As a fact: the soft rules hold back role changes while a handshake is on. */
	if (state_force(device, ST_ARGS(ST_CHANGE_ROLE(ROLE_SECONDARY))) < SS_SUCCESS) {
		op->demotion = DEMOTION_REFUSED;
		return;
	}
	op->demotion = DEMOTION_DONE;
	env_device_set_read_only(device, true);
	if (device->state.disk < D_INCONSISTENT)
		return;
	set = device_uuids(device);
	uuid_mark_primary(&set, false);
	device_uuids_store(device, &set);
}

static const struct {
	u32 due;
	enum helper_command helper;
} handshake_helpers[] = {
	{ HSH_INITIAL_SPLIT_BRAIN, HELPER_INITIAL_SPLIT_BRAIN },
	{ HSH_PRI_LOST_AFTER_SB, HELPER_PRI_LOST_AFTER_SB },
	{ HSH_SPLIT_BRAIN, HELPER_SPLIT_BRAIN },
	{ HSH_PRI_LOST, HELPER_PRI_LOST },
};

static const char *handshake_next_helper(struct receive_op *op)
{
	u32 i;

	for (i = 0; i < ARRAY_SIZE(handshake_helpers); i++) {
		if (!(op->helpers_due & handshake_helpers[i].due))
			continue;
		op->helpers_due &= ~handshake_helpers[i].due;
		op->helpers_done |= handshake_helpers[i].due;
		return name_of_helper(handshake_helpers[i].helper);
	}
	return NULL;
}

static enum fiber_status handshake_call_helpers(struct task *t, struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;

	FIBER_BEGIN(op->pc2);
	while ((op->helper_name = handshake_next_helper(op)) != NULL) {
		memset(&op->helper, 0, sizeof(op->helper));
		FIBER_CALL(op->pc2, helper_run(t, in->connection->resource, in->device,
					       op->helper_name, &op->helper));
	}
	FIBER_END(op->pc2);
}

static const char *const handshake_fail_text[] = {
	[HSF_NONE] = "the bitmap could not be written; check the backing disk",
	[HSF_UNRELATED] = "unrelated data; if this node's data may be overwritten, create its metadata anew",
	[HSF_NEEDS_APV] = "the peer's protocol is too old to tell (needs 91); upgrade it",
	[HSF_NEEDS_FEATURE] = "the peer lacks a feature needed to tell after a crash; upgrade it",
	[HSF_SPLIT_BRAIN] = "Split-Brain detected: both nodes changed their data; on the node whose changes are to be lost: disconnect, then connect --discard-my-data; on the other: connect",
	[HSF_CANNOT_DEMOTE] = "split brain: this Primary should give way but is in use; stop its users and make it Secondary",
	[HSF_SOURCE_INCONSISTENT] = "this node should be sync source but its data is Inconsistent; force a node that has good data to Primary, or invalidate one",
	[HSF_PRIMARY_LOST] = "this Primary should become sync target (rr-conflict); make it Secondary first",
	[HSF_DRY_RUN] = "tentative connection: nothing is changed",
};

static void handshake_log(const struct drbd_device *device, const struct receive_op *op)
{
	const struct handshake_verdict *v = &op->verdict;

	env_log_device(device, LOG_LVL_INFO,
		       "handshake: own UUIDs %016llX:%016llX, the peer's %016llX:%016llX, rule %d, verdict %d",
		       (unsigned long long)device->md.uuid[MD_UUID_CURRENT],
		       (unsigned long long)device->md.uuid[MD_UUID_BITMAP],
		       (unsigned long long)device->peer_uuids.set.slot[UUID_CURRENT],
		       (unsigned long long)device->peer_uuids.set.slot[UUID_BITMAP],
		       v->uuid.rule, v->hg);
	if (v->auto_solved)
		env_log_device(device, LOG_LVL_WARN,
			       "split brain solved automatically: this node becomes sync %s",
			       v->hg > 0 ? "source" : "target");
	if (v->misconfigured)
		env_log_device(device, LOG_LVL_ERR,
			       "the configured after-sb policy makes no sense for this number of Primaries; correct it");
	if (v->outcome == HS_FAIL)
		env_log_device(device, LOG_LVL_ERR, "handshake refused: %s",
			       handshake_fail_text[v->fail]);
}

static void handshake_adopt(struct drbd_device *device, const struct uuid_verdict *v)
{
	if (v->self_corrected)
		device_uuids_store(device, &v->self);
	if (v->peer_corrected)
		device->peer_uuids.set = v->peer;
}

/* To the verdict, helpers called, bits set; op->verdict.outcome is never HS_DEMOTE afterwards. */
static enum fiber_status handshake_run(struct task *t, struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;

	FIBER_BEGIN(op->pc);
	do {
		handshake_ask(in);
		FIBER_CALL(op->pc, handshake_call_helpers(t, in));
		if (op->verdict.outcome == HS_DEMOTE)
			handshake_demote(in->device, op);
	} while (op->verdict.outcome == HS_DEMOTE);
	handshake_log(in->device, op);
	if (op->verdict.outcome == HS_FAIL)
		FIBER_RETURN(op->pc);
	handshake_adopt(in->device, &op->verdict.uuid);
	if (op->verdict.full_sync) {
		memset(&op->bulk, 0, sizeof(op->bulk));
		op->bulk.in_receiver = true;
		FIBER_CALL(op->pc, device_set_all_and_write(t, in->device, &op->bulk));
		if (op->bulk.error) {
			op->verdict.outcome = HS_FAIL;
			op->verdict.fail = HSF_NONE;
			handshake_log(in->device, op);
		}
	}
	FIBER_END(op->pc);
}

/* A "no" does not always end the connection; false: it does. */
static bool handshake_refused(struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;
	struct drbd_device *device = in->device;

	/* Whoever asked "what if" has got its answer; only who did not ask goes on looking. */
	bool peer_asked = in->connection->dry_run && !in->connection->net_conf.tentative;

	switch (handshake_refusal(device->state.disk, op->peers.disk, peer_asked)) {
	case HSR_DISK_FAILED:
		env_log_device(device, LOG_LVL_ERR, "the disk just attached is given up again");
		state_force(device, ST_ARGS(ST_CHANGE_DISK(D_FAILED)));
		op->mine = device_state(device);
		op->new_conn = C_CONNECTED;
		return true;
	case HSR_PEER_DISKLESS:
		op->peer_disk = D_DISKLESS;
		op->new_conn = C_CONNECTED;
		/* It waits for a verdict, and its I/O with it: what tells us no tells it, too. */
		send_uuids(device);
		send_state(device);
		return true;
	case HSR_PROTOCOL_ERROR:
		in->ok = false;
		connection_fail(in->connection, C_PROTOCOL_ERROR);
		return false;
	default:
		refuse_peer(in);
		return false;
	}
}

static u8 conn_of_outcome(enum hs_outcome outcome)
{
	if (outcome == HS_SOURCE)
		return C_WF_BITMAP_S;
	return outcome == HS_TARGET ? C_WF_BITMAP_T : C_CONNECTED;
}

/* ---- P_STATE ---- */

static void state_judge(struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;
	const struct drbd_device *device = in->device;
	struct statepkt_facts facts = {
		.peer_uuids_known = device->peer_uuids.valid,
		.peer_uuid_flags = (u32)device->peer_uuids.flags,
		.consider_resync = device->consider_resync,
	};

	op->mine = device_state(device);
	op->judged = statepkt_judge(op->mine, op->peers, &facts);
	op->new_conn = op->judged.conn;
	op->peer_disk = op->judged.peer_disk;
}

/*
 * A target that could not write some blocks ends the resync Connected and Inconsistent. Its
 * packet says so, and the source need not wait for a reconnect (states.md 13.4).
 */
static bool target_gave_up(const struct receive_op *op)
{
	return state_is_sync_source(op->mine.conn) && op->peers.conn == C_CONNECTED &&
	       op->judged.peer_disk == D_INCONSISTENT;
}

/* What needs no more than a look; true: the packet is dealt with, in->ok is set. */
static bool state_dealt_with(struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;
	struct drbd_device *device = in->device;

	switch (op->judged.next) {
	case STATEPKT_FAIL:
		in->ok = false;
		return true;
	case STATEPKT_CONTRADICTION:
		env_log_device(device, LOG_LVL_ERR,
			       "both nodes want to be sync %s: disconnecting; connect again, with --discard-my-data on one node if it repeats",
			       op->mine.conn == C_WF_BITMAP_S ? "source" : "target");
		refuse_peer(in);
		return true;
	case STATEPKT_RESYNC_END:
		/* All else stays as it is until the end of ours, but a role is not told twice. */
		if (op->mine.peer != op->peers.role)
			state_force(device, ST_ARGS(ST_CHANGE_PEER(op->peers.role)));
		resync_peer_ended(device);
		in->ok = true;
		return true;
	case STATEPKT_VERIFY_END:
		resync_finish(device);
		in->ok = true;
		return true;
	default:
		break;
	}
	if (target_gave_up(op)) {
		device->resync.peer_failed = true;
		resync_finish(device);
	}
	return false;
}

#define STATE_SET_MASK (ST_CONN_MASK | ST_PEER_MASK | ST_DISK_MASK | ST_PDSK_MASK | ST_PEER_ISP)

/*
 * What becomes of a Negotiating disk.  A state that the peer told before it heard of the disk says
 * nothing of it: its generations are on their way, and until then the disk counts for nothing.
 */
static u8 negotiated_disk(const struct incoming *in)
{
	const struct receive_op *op = &in->connection->receiving;

	if (op->mine.conn >= C_CONNECTED && !in->device->peer_uuids.valid &&
	    op->peers.disk >= D_NEGOTIATING)
		return D_NEGOTIATING;
	return in->device->disk_at_attach;
}

/*
 * The disk just attached waited to be synced from what my users have seen, and the peer's failed,
 * too: what they saw is on that one only, whoever wrote it.
 */
static bool attached_too_old(const struct incoming *in)
{
	const struct receive_op *op = &in->connection->receiving;
	const struct drbd_device *device = in->device;
	u64 own = device->md.uuid[MD_UUID_CURRENT];

	return op->mine.disk == D_NEGOTIATING && op->mine.role == ROLE_PRIMARY &&
	       op->mine.conn >= C_CONNECTED && op->peer_disk < D_NEGOTIATING &&
	       !exposure_is_own_disk(device, own) &&
	       (md_attach_check_data_uuid(&device->md, true, device->ed_uuid) != MD_OK ||
		exposure_exceeds(device, own));
}

static void attached_give_up(struct incoming *in)
{
	struct drbd_device *device = in->device;

	env_log_device(device, LOG_LVL_ERR,
		       "the peer lost the disk whose data (%016llX) are in use before this one (%016llX) was synced: given up again; make this node Secondary, then attach both",
		       (unsigned long long)device->ed_uuid,
		       (unsigned long long)device->md.uuid[MD_UUID_CURRENT]);
	state_force(device, ST_ARGS(ST_CHANGE_DISK(D_FAILED)));
	in->connection->receiving.mine = device_state(device);
}

/* False: refused, the connection is over. */
static bool state_set(struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;
	struct drbd_device *device = in->device;
	struct state ns = statepkt_result(op->mine, op->peers, op->new_conn, op->peer_disk,
					  negotiated_disk(in));
	u32 flags = CS_VERBOSE;

	device->consider_resync = false;
	if (op->mine.conn < C_CONNECTED)
		device->acceptance_awaited = ns.peer == ROLE_PRIMARY && ns.pdsk < D_INCONSISTENT;
	if (statepkt_is_hard(op->mine.conn, op->new_conn))
		flags |= CS_HARD;
	if (state_change(device, STATE_SET_MASK, state_pack(ns), flags) >= SS_SUCCESS)
		return true;
	env_log_device(device, LOG_LVL_ERR,
		       "the peer's state and ours do not go together: disconnecting");
	refuse_peer(in);
	return false;
}

/*
 * Frozen, and the peer comes back rebooted: what waits was not written there and is not to be
 * sent either. It is completed locally, as after a loss, under a new generation.
 */
static enum fiber_status state_peer_rebooted(struct task *t, struct incoming *in)
{
	struct drbd_connection *connection = in->connection;
	struct receive_op *op = &connection->receiving;

	FIBER_BEGIN(op->pc);
	env_log_device(in->device, LOG_LVL_WARN,
		       "the peer rebooted while I/O was frozen: completing it here, reconnecting");
	/* What is frozen belongs to all volumes: each has its new generation before it completes. */
	for (op->walk = volume_next(connection->resource, NULL); op->walk;
	     op->walk = volume_next(connection->resource, op->walk)) {
		if (!op->walk->new_uuid_on_thaw)
			continue;
		op->walk->new_uuid_on_thaw = false;
		if (op->walk->state.disk >= D_INCONSISTENT)
			FIBER_CALL(op->pc, device_uuid_new_current(t, op->walk, &op->md));
	}
	tl_apply(connection, REQ_CONNECTION_LOST);
	conn_state_change(connection, ST_CONN_MASK | ST_SUSP_MASK,
			  ST_CHANGE_CONN(C_PROTOCOL_ERROR).val, CS_HARD);
	env_sockets_shutdown(connection);
	FIBER_END(op->pc);
}

/*
 * The peer takes over a skipped first sync without a word, so a state that it told before it read
 * of that is not taken back by any later one: it must not make good data Inconsistent for ever.
 */
static void state_hear_of_skip(struct drbd_device *device, struct state *peers)
{
	struct state mine = device->state;

	device->skip_told = device->skip_told && mine.conn == C_CONNECTED &&
			    mine.pdsk == D_UP_TO_DATE && peers->conn == C_CONNECTED &&
			    peers->disk == D_INCONSISTENT;
	if (device->skip_told)
		peers->disk = D_UP_TO_DATE;
}

static void state_begin(struct incoming *in)
{
	const struct wire_p_state *p = (const struct wire_p_state *)in->fixed;
	struct receive_op *op = &in->connection->receiving;

	memset(op, 0, sizeof(*op));
	op->peers = state_unpack(be32_to_cpu(p->state));
	op->role_before = in->device->state.role;
	state_hear_of_skip(in->device, &op->peers);
	in->ok = false;
}

/*
 * A generation begun since my last P_UUIDS is in my verdict and can not be in the peer's, which may
 * take itself for equal: with the new names, my state has it decide again before the bitmap comes.
 */
static bool decided_by_untold(const struct receive_op *op)
{
	return op->judged.handshake && op->by_untold;
}

static void state_answer(struct incoming *in)
{
	struct receive_op *op = &in->connection->receiving;

	if (statepkt_wants_answer(op->mine.conn, op->new_conn, op->peers) ||
	    decided_by_untold(op)) {
		send_uuids(in->device);
		send_state(in->device);
	}
	in->device->discard_my_data = false;
	in->ok = true;
}

/* Did the state move while helpers ran or the bitmap was written? The demotion is our own. */
static bool state_moved(const struct incoming *in)
{
	const struct receive_op *op = &in->connection->receiving;
	struct state now = device_state(in->device);

	now.role = op->mine.role;
	return !state_equal(now, op->mine);
}

/* The peer may hang up over it sooner than our helpers end: that makes it no better. */
static bool refused_for_good(const struct incoming *in)
{
	const struct receive_op *op = &in->connection->receiving;

	return op->verdict.outcome == HS_FAIL && op->verdict.fail != HSF_NONE &&
	       in->connection->cstate < C_WF_REPORT_PARAMS;
}

/* Judge and decide until the state stood still meanwhile. */
static enum fiber_status state_decide(struct task *t, struct incoming *in, bool *over)
{
	struct receive_op *op = &in->connection->receiving;

	FIBER_BEGIN(in->pc2);
	do {
		state_judge(in);
		*over = state_dealt_with(in);
		if (*over)
			FIBER_RETURN(in->pc2);
		if (!op->judged.handshake)
			break;
		FIBER_CALL(in->pc2, handshake_run(t, in));
		op->new_conn = conn_of_outcome(op->verdict.outcome);
	} while (state_moved(in) && !refused_for_good(in));

	op->mine = device_state(in->device);
	*over = op->judged.handshake && op->verdict.outcome == HS_FAIL && !handshake_refused(in);
	FIBER_END(in->pc2);
}

enum fiber_status receive_state(struct task *t, struct incoming *in)
{
	struct drbd_device *device = in->device;
	struct receive_op *op = &in->connection->receiving;
	bool over = false;

	FIBER_BEGIN(in->pc);
	state_begin(in);
	FIBER_CALL(in->pc, state_decide(t, in, &over));
	if (over)
		FIBER_RETURN(in->pc);
	if (statepkt_peer_rebooted(op->mine, op->new_conn, op->peer_disk, device->new_uuid_on_thaw)) {
		FIBER_CALL(in->pc, state_peer_rebooted(t, in));
		FIBER_RETURN(in->pc);
	}
	if (attached_too_old(in))
		attached_give_up(in);
	if (!state_set(in))
		FIBER_RETURN(in->pc);
	state_answer(in);
	if (op->peers.conn >= C_CONNECTED)
		FIBER_CALL(in->pc, generation_accepted(t, device, &op->pc, &op->md));
	FIBER_CALL(in->pc, device_md_sync(t, device, &op->md, false));
	FIBER_END(in->pc);
}

/* ---- P_SYNC_UUID ---- */

static bool sync_uuid_is_due(const struct drbd_device *device)
{
	return device->state.conn == C_WF_SYNC_UUID || device->state.conn == C_BEHIND;
}

/* On the way to a state in which it is due, however long that takes. */
static bool sync_uuid_is_coming(const struct drbd_device *device)
{
	u8 conn = device->state.conn;

	return conn == C_STARTING_SYNC_T || conn == C_WF_BITMAP_T;
}

static bool sync_uuid_is_pointless(const struct drbd_device *device)
{
	return !is_connected(device) || device->state.disk < D_NEGOTIATING;
}

static void sync_uuid_take(struct incoming *in)
{
	const struct wire_p_sync_uuid *p = (const struct wire_p_sync_uuid *)in->fixed;
	struct drbd_device *device = in->device;
	struct uuid_set set;

	if (sync_uuid_is_pointless(device) || !sync_uuid_is_due(device)) {
		env_log_device(device, LOG_LVL_WARN,
			       "the peer starts a resync (sync UUID %016llX) that is not expected in %s: ignored",
			       (unsigned long long)be64_to_cpu(p->uuid),
			       name_of_conn(device->state.conn));
		return;
	}
	set = device_uuids(device);
	uuid_target_start(&set, be64_to_cpu(p->uuid), device->state.role == ROLE_PRIMARY);
	device_uuids_store(device, &set);
	resync_start(device, C_SYNC_TARGET);
}

enum fiber_status receive_sync_uuid(struct task *t, struct incoming *in)
{
	FIBER_BEGIN(in->pc);
	/* Our side of the start may still be writing the bitmap. A stray one must not block us. */
	do {
		FIBER_WAIT_TIMEOUT(in->pc, t, SYNC_UUID_PATIENCE_MS,
				   sync_uuid_is_due(in->device) ||
				   sync_uuid_is_pointless(in->device));
	} while (sync_uuid_is_coming(in->device));
	sync_uuid_take(in);
	in->ok = true;
	FIBER_END(in->pc);
}
