// SPDX-License-Identifier: GPL-2.0
/* Changes that wait: for the state mutex, for the peer's consent, for the worker; and the
 * answers to the peer's own requests (states.md 2.2, 2.8; wire.md 8.4, 8.6). */
#include "after_change.h"
#include "connection.h"
#include "receive.h"
#include "wire.h"

void state_request_init(struct state_request *rq, struct state_change change, u32 flags)
{
	memset(rq, 0, sizeof(*rq));
	rq->mask = change.mask;
	rq->val = change.val;
	rq->flags = flags;
}

static bool gives_up(const struct task *t, const struct state_request *rq)
{
	return t->interrupted || (rq->give_up_at && env_now_ms() >= rq->give_up_at);
}

static void request_release_md(struct drbd_device *device, struct state_request *rq)
{
	if (!rq->holds_md)
		return;
	rq->holds_md = false;
	device->md_buffer_busy = false;
	env_wake(device->resource);
}

static void request_release(struct drbd_resource *resource, struct state_request *rq)
{
	if (!rq->mutex)
		return;
	*rq->mutex = false;
	rq->mutex = NULL;
	env_wake(resource);
}

/* ---- one volume */

/* A look at the peer's consent: SS_UNKNOWN_ERROR while it is not decided. */
static enum ss_code consent(struct drbd_device *device, const struct state_request *rq)
{
	const struct cluster_change *change = &device->change;
	struct state_change wanted = { rq->mask, rq->val };
	struct state_facts facts;
	int reply = 0;

	if (change->answered)
		reply = change->answer > 0 ? change->answer : SS_CW_FAILED_BY_PEER;
	device_facts(device, &facts);
	return state_cluster_wide_step(device_state(device), wanted, &facts, reply);
}

static bool is_cluster_wide(struct drbd_device *device, const struct state_request *rq)
{
	struct state os = device_state(device), ns;
	struct state_change wanted = { rq->mask, rq->val };
	struct state_facts facts;

	if (rq->flags & (CS_HARD | CS_LOCAL_ONLY))
		return false;
	device_facts(device, &facts);
	ns = state_sanitise(os, state_apply(os, wanted), &facts);
	return !state_equal(os, ns) && state_is_cluster_wide(os, ns);
}

/* Ask the peer; rq->ret tells the outcome. */
static enum fiber_status ask_peer(struct drbd_device *device, struct state_request *rq)
{
	FIBER_BEGIN(rq->pc3);
	memset(&device->change, 0, sizeof(device->change));
	rq->ret = consent(device, rq);
	if (rq->ret != SS_UNKNOWN_ERROR)
		FIBER_RETURN(rq->pc3);
	device->change.pending = true;
	send_state_request(device, rq->mask, rq->val);
	rq->asked = true;
	FIBER_WAIT_UNTIL(rq->pc3, consent(device, rq) != SS_UNKNOWN_ERROR);
	rq->ret = consent(device, rq);
	device->change.pending = false;
	/* When it is accepted, the work after the change tells the state. */
	if (device->change.state_owed && rq->ret < SS_SUCCESS && device->state.conn >= C_CONNECTED)
		send_state(device);
	env_wake(device->resource);
	FIBER_END(rq->pc3);
}

static void log_failure(struct drbd_device *device, const struct state_request *rq)
{
	if (!(rq->flags & CS_VERBOSE) || rq->ret == SS_IN_TRANSIENT_STATE)
		return;
	if (rq->ret == SS_CW_FAILED_BY_PEER && device->change.answered)
		env_log_device(device, LOG_LVL_ERR,
			       "the peer refuses this change; see its log for the reason (%d)",
			       device->change.answer);
}

/*
 * What went wrong here or there meanwhile may forbid a change that the peer agrees to. Then the
 * peer, which believes that it was made, is told what is.
 */
static void tell_if_not_made(struct drbd_device *device, const struct state_request *rq)
{
	if (rq->asked && rq->ret < SS_SUCCESS && rq->ret != SS_CW_FAILED_BY_PEER &&
	    device->state.conn >= C_CONNECTED)
		send_state(device);
}

/* One try from mutex to mutex. */
static enum fiber_status attempt(struct task *t, struct drbd_device *device,
				 struct state_request *rq)
{
	FIBER_BEGIN(rq->pc2);
	if (rq->flags & CS_SERIALIZE) {
		FIBER_WAIT_UNTIL(rq->pc2, !*device_change_mutex(device) || gives_up(t, rq));
		rq->ret = SS_IN_TRANSIENT_STATE;
		if (*device_change_mutex(device))
			FIBER_RETURN(rq->pc2);
		rq->mutex = device_change_mutex(device);
		*rq->mutex = true;
	}
	/* Only this long may give_up_at cut it short. */
	t->deadline = 0;
	if (rq->flags & CS_INHIBIT_MD_IO) {
		FIBER_WAIT_UNTIL(rq->pc2, !device->md_buffer_busy);
		device->md_buffer_busy = true;
		rq->holds_md = true;
	}
	rq->ret = SS_SUCCESS;
	rq->asked = false;
	if (is_cluster_wide(device, rq))
		FIBER_CALL(rq->pc2, ask_peer(device, rq));
	if (rq->ret >= SS_SUCCESS)
		rq->ret = state_change(device, rq->mask, rq->val, rq->flags);
	else
		log_failure(device, rq);
	tell_if_not_made(device, rq);
	request_release_md(device, rq);
	if (rq->ret == SS_SUCCESS && (rq->flags & CS_WAIT_COMPLETE)) {
		rq->ticket = work_ticket(device->resource);
		FIBER_WAIT_UNTIL(rq->pc2, work_reached(device->resource, rq->ticket));
	}
	request_release(device->resource, rq);
	FIBER_END(rq->pc2);
}

enum fiber_status state_request(struct task *t, struct drbd_device *device, struct state_request *rq)
{
	FIBER_BEGIN(rq->pc);
	do {
		t->deadline = rq->give_up_at;
		FIBER_CALL(rq->pc, attempt(t, device, rq));
		if (rq->ret != SS_IN_TRANSIENT_STATE || gives_up(t, rq))
			break;
		/* Transient: look again after the next change. */
		rq->seen = device->resource->changes;
		t->deadline = rq->give_up_at;
		FIBER_WAIT_UNTIL(rq->pc, device->resource->changes != rq->seen || gives_up(t, rq));
	} while (!gives_up(t, rq));
	t->deadline = 0;
	FIBER_END(rq->pc);
}

/* ---- the connection with all its volumes */

static bool conn_asks_peer(const struct drbd_connection *connection, const struct state_request *rq)
{
	u8 wanted = (rq->val & ST_CONN_MASK) >> ST_CONN_SHIFT;

	return (rq->mask & ST_CONN_MASK) && wanted == C_DISCONNECTING &&
	       connection->cstate == C_WF_REPORT_PARAMS &&
	       !(rq->flags & (CS_HARD | CS_LOCAL_ONLY));
}

static enum fiber_status conn_ask_peer(struct drbd_connection *connection, struct state_request *rq)
{
	struct cluster_change *change = &connection->change;
	struct state_change wanted = { rq->mask, rq->val };

	FIBER_BEGIN(rq->pc2);
	rq->ret = conn_state_check(connection, wanted, rq->flags);
	if (rq->ret < SS_SUCCESS)
		FIBER_RETURN(rq->pc2);
	memset(change, 0, sizeof(*change));
	change->pending = true;
	connection->disconnect_sent = true;
	send_conn_state_request(connection, rq->mask, rq->val);
	FIBER_WAIT_UNTIL(rq->pc2, change->answered || connection->cstate != C_WF_REPORT_PARAMS);
	change->pending = false;
	if (change->answered && change->answer < SS_SUCCESS) {
		connection->disconnect_sent = false;
		rq->ret = SS_CW_FAILED_BY_PEER;
		env_log_connection(connection, LOG_LVL_INFO,
				   "the peer refuses to part; see its log for the reason (%d)",
				   change->answer);
	}
	env_wake(connection->resource);
	FIBER_END(rq->pc2);
}

enum fiber_status conn_state_request(struct task *t, struct drbd_connection *connection,
				     struct state_request *rq)
{
	FIBER_BEGIN(rq->pc);
	rq->ret = SS_SUCCESS;
	if (conn_asks_peer(connection, rq)) {
		FIBER_WAIT_UNTIL(rq->pc, !connection->change_busy || gives_up(t, rq));
		rq->ret = SS_IN_TRANSIENT_STATE;
		if (connection->change_busy)
			FIBER_RETURN(rq->pc);
		rq->mutex = &connection->change_busy;
		*rq->mutex = true;
		rq->ret = SS_SUCCESS;
		if (conn_asks_peer(connection, rq))
			FIBER_CALL(rq->pc, conn_ask_peer(connection, rq));
	}
	if (rq->ret >= SS_SUCCESS)
		rq->ret = conn_state_change(connection, rq->mask, rq->val, rq->flags);
	if (rq->ret == SS_SUCCESS && (rq->flags & CS_WAIT_COMPLETE)) {
		rq->ticket = work_ticket(connection->resource);
		FIBER_WAIT_UNTIL(rq->pc, work_reached(connection->resource, rq->ticket));
	}
	request_release(connection->resource, rq);
	FIBER_END(rq->pc);
}

/* ---- the peer asks */

/* With resolve-conflicts set here my own change goes first; the peer's fails. */
static bool mine_goes_first(const struct drbd_connection *connection, bool busy)
{
	return connection->resolve_conflicts && busy;
}

static struct state_change change_received(const struct incoming *in)
{
	const struct wire_p_state_req *p = (const struct wire_p_state_req *)in->fixed;
	struct state_change theirs = { be32_to_cpu(p->mask), be32_to_cpu(p->val) };

	return state_change_mirror(theirs);
}

static bool change_parts(struct state_change change)
{
	return (change.mask & ST_CONN_MASK) &&
	       (change.val & ST_CONN_MASK) >> ST_CONN_SHIFT == C_TEAR_DOWN;
}

/* No field, or all of it with one of these values. */
static bool asks_at_most(struct state_change change, u32 field, u32 shift, const u8 *values, u32 n)
{
	u32 i;

	if (!(change.mask & field))
		return true;
	for (i = 0; (change.mask & field) == field && i < n; i++)
		if ((change.val & field) >> shift == values[i])
			return true;
	return false;
}

/*
 * May a peer ask for this? It may change its own part, begin or end something together with
 * me, and have me outdated; my role, my disk and my connection are not its business.
 */
static bool change_is_askable(struct state_change change)
{
	static const u8 roles[] = { ROLE_PRIMARY, ROLE_SECONDARY };
	static const u8 conns[] = { C_TEAR_DOWN, C_WF_REPORT_PARAMS, C_CONNECTED, C_STARTING_SYNC_S,
				    C_STARTING_SYNC_T, C_VERIFY_T, C_WF_BITMAP_S, C_WF_BITMAP_T };
	static const u8 disks[] = { D_OUTDATED };
	static const u8 pdsks[] = { D_DISKLESS, D_FAILED, D_INCONSISTENT, D_OUTDATED, D_CONSISTENT,
				    D_UP_TO_DATE };

	return !(change.mask & (ST_ROLE_MASK | ST_SUSP_MASK)) &&
	       asks_at_most(change, ST_PEER_MASK, ST_PEER_SHIFT, roles, ARRAY_SIZE(roles)) &&
	       asks_at_most(change, ST_CONN_MASK, ST_CONN_SHIFT, conns, ARRAY_SIZE(conns)) &&
	       asks_at_most(change, ST_DISK_MASK, ST_DISK_SHIFT, disks, ARRAY_SIZE(disks)) &&
	       asks_at_most(change, ST_PDSK_MASK, ST_PDSK_SHIFT, pdsks, ARRAY_SIZE(pdsks));
}

/* Change everything together, the peer parts. It closes when it has my answer. */
static enum ss_code part(struct drbd_connection *connection, struct state_change change)
{
	enum ss_code rv;

	rv = conn_state_change(connection, change.mask, change.val,
			       CS_VERBOSE | CS_LOCAL_ONLY | CS_IGN_OUTD_FAIL);
	if (rv >= SS_SUCCESS && connection->cstate == C_TEAR_DOWN)
		core_timer_set(connection->resource, &connection->teardown_timer,
			       100 * (u64)connection->net_conf.ping_timeo);
	return rv;
}

void teardown_timer_fire(struct core_timer *timer)
{
	struct drbd_connection *connection =
		container_of(timer, struct drbd_connection, teardown_timer);

	if (connection->cstate == C_TEAR_DOWN)
		env_sockets_shutdown(connection);
}

/*
 * Would the peer's users lose their last good data? It may believe that mine are good although
 * they are just being replaced: then it asks too late.
 */
static bool ruins_primary_peer(struct drbd_device *device, struct state_change change)
{
	struct state os = device_state(device), ns;
	struct state_facts facts;

	device_facts(device, &facts);
	ns = state_sanitise(os, state_apply(os, change), &facts);
	return ns.peer == ROLE_PRIMARY && ns.disk < D_UP_TO_DATE && ns.pdsk < D_UP_TO_DATE &&
	       (os.disk == D_UP_TO_DATE || os.pdsk == D_UP_TO_DATE);
}

/*
 * The peer, which knows of my resize or will in a moment, wants to sync or verify. Both nodes sync
 * what is new when they have told each other the size, and only if they are at rest then.
 */
static bool meets_resize(const struct drbd_device *device, struct state_change change)
{
	return (change.mask & ST_CONN_MASK) &&
	       (change.val & ST_CONN_MASK) >> ST_CONN_SHIFT > C_CONNECTED &&
	       device->state.conn == C_CONNECTED && (device->resizing || device->size_asked);
}

static void answer_state_request(struct incoming *in)
{
	struct drbd_connection *connection = in->connection;
	struct drbd_device *device = in->device;
	struct state_change change = change_received(in);
	enum ss_code rv;

	/*
	 * Whoever has asked to part agrees to nothing else: the peer parts, too, and what either
	 * would begin on the strength of that change would look like a split brain.
	 */
	if (mine_goes_first(connection, *device_change_mutex(device)) ||
	    (connection->change.pending && !change_parts(change)))
		rv = SS_CONCURRENT_ST_CHG;
	else if (!change_is_askable(change))
		rv = SS_NOT_SUPPORTED;
	else if (connection->agreed_pro_version < 100 && change_parts(change))
		rv = part(connection, change);
	else if (meets_resize(device, change))
		rv = SS_IN_TRANSIENT_STATE;
	else if (ruins_primary_peer(device, change))
		rv = SS_NO_UP_TO_DATE_DISK;
	else if (verify_repair_asked(change))
		rv = verify_repair_answer(device, change);
	else
		rv = state_change(device, change.mask, change.val, CS_VERBOSE);
	send_state_reply(device, rv);
}

/* The fiber's memory within struct incoming. */
static struct md_sync *incoming_md(struct incoming *in)
{
	static_assert(sizeof(struct md_sync) <= sizeof(in->scratch), "scratch holds md_sync");
	return (struct md_sync *)in->scratch;
}

enum fiber_status receive_state_request(struct task *t, struct incoming *in)
{
	FIBER_BEGIN(in->pc);
	in->ok = false;
	if (!in->device) {
		env_log_connection(in->connection, LOG_LVL_ERR,
				   "the peer wants to change volume %u, which is not here",
				   in->hdr.volume);
		connection_fail(in->connection, C_PROTOCOL_ERROR);
		FIBER_RETURN(in->pc);
	}
	answer_state_request(in);
	in->ok = true;
	memset(incoming_md(in), 0, sizeof(struct md_sync));
	FIBER_CALL(in->pc, device_md_sync(t, in->device, incoming_md(in), false));
	FIBER_END(in->pc);
}

enum fiber_status receive_conn_state_request(struct task *t, struct incoming *in)
{
	struct drbd_connection *connection = in->connection;
	struct state_change change = change_received(in);
	enum ss_code rv = SS_CONCURRENT_ST_CHG;

	(void)t;
	/* All that a connection as a whole can be asked for is to part. */
	if (!change_is_askable(change) || !change_parts(change))
		rv = SS_NOT_SUPPORTED;
	else if (!mine_goes_first(connection, connection->change_busy))
		rv = part(connection, change);
	send_conn_state_reply(connection, rv);
	in->ok = true;
	return FIBER_DONE;
}

static bool take_answer(struct drbd_resource *resource, struct cluster_change *change,
			const struct incoming *in)
{
	const struct wire_p_state_reply *p = (const struct wire_p_state_reply *)in->fixed;

	/* An answer that nobody waits for any more is of no interest. */
	if (change->pending) {
		change->answer = (s32)be32_to_cpu(p->retcode);
		change->answered = true;
		env_wake(resource);
	}
	return true;
}

bool receive_state_reply(struct incoming *in)
{
	struct drbd_connection *connection = in->connection;

	/* Below protocol 100 there is but one kind of answer. */
	if (connection->agreed_pro_version < 100 && connection->change.pending)
		return take_answer(connection->resource, &connection->change, in);
	if (!in->device)
		return true;
	return take_answer(connection->resource, &in->device->change, in);
}

bool receive_conn_state_reply(struct incoming *in)
{
	return take_answer(in->connection->resource, &in->connection->change, in);
}
