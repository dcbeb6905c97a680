// SPDX-License-Identifier: GPL-2.0
#include "after_change.h"
#include "connection.h"
#include "names.h"

void device_facts(const struct drbd_device *device, struct state_facts *facts)
{
	const struct drbd_resource *resource = device->resource;
	const struct drbd_connection *connection = &resource->connection;
	const struct drbd_device *other;

	memset(facts, 0, sizeof(*facts));
	facts->net_config = connection->configured;
	facts->two_primaries = connection->net_conf.two_primaries;
	facts->verify_alg = connection->net_conf.verify_alg[0] != 0;
	facts->state_sent = connection->state_sent;
	facts->ed_uuid_is_current = device->has_backing &&
		uuid_same(device->ed_uuid, device->md.uuid[MD_UUID_CURRENT]) &&
		!exposure_exceeds(device, device->md.uuid[MD_UUID_CURRENT]);
	facts->shares_generation = device->has_backing &&
		device->md.uuid[MD_UUID_BITMAP] == 0;
	facts->sync_ended = device_sync_ended(device);
	facts->open_count = device->open_count;
	facts->fencing = state_effective_fencing(device->disk_conf.fencing, device->state.disk);
	facts->on_no_data = resource->opts.on_no_data;
	facts->saved_disk = device->disk_at_attach;
	facts->saved_pdsk = device->pdsk_at_attach;
	facts->apv = connection->agreed_pro_version;
	for_each_volume(other, resource)
		if (other != device && other->state.peer == ROLE_PRIMARY)
			facts->peer_primary_elsewhere = true;
}

bool *device_change_mutex(struct drbd_device *device)
{
	struct drbd_connection *connection = &device->resource->connection;

	return connection->agreed_pro_version < 100 ? &connection->change_busy :
						       &device->change_busy;
}

/* What a notification says about the resource, and about the volume unless NULL. */
static struct notify_side side_of(struct drbd_resource *resource, const struct drbd_device *device)
{
	struct state_range range = resource_states(resource);
	struct notify_side side;

	memset(&side, 0, sizeof(side));
	if (device)
		side.state = device_state(device);
	side.cstate = resource->connection.cstate;
	side.role = range.any ? range.hi.role : ROLE_SECONDARY;
	side.peer_role = range.any ? range.hi.peer : ROLE_UNKNOWN;
	side.susp = resource->susp;
	side.susp_nod = resource->susp_nod;
	side.susp_fen = resource->susp_fen;
	return side;
}

static void state_log_refusal(const struct drbd_device *device, struct state os, struct state ns,
			      enum ss_code rv)
{
	const char *text = text_of_state_code(rv);

	env_log_device(device, LOG_LVL_ERR,
		       "state change refused: %s; is cs:%s ro:%s/%s ds:%s/%s, wanted cs:%s ro:%s/%s ds:%s/%s (%d)",
		       text ? text : "unknown reason",
		       name_of_conn(os.conn), name_of_role(os.role), name_of_role(os.peer),
		       name_of_disk(os.disk), name_of_disk(os.pdsk),
		       name_of_conn(ns.conn), name_of_role(ns.role), name_of_role(ns.peer),
		       name_of_disk(ns.disk), name_of_disk(ns.pdsk), rv);
}

static void state_log_change(const struct drbd_device *device, struct state os, struct state ns)
{
	if (os.conn == ns.conn && os.role == ns.role && os.peer == ns.peer &&
	    os.disk == ns.disk && os.pdsk == ns.pdsk)
		return;
	env_log_device(device, LOG_LVL_INFO,
		       "cs:%s ro:%s/%s ds:%s/%s -> cs:%s ro:%s/%s ds:%s/%s",
		       name_of_conn(os.conn), name_of_role(os.role), name_of_role(os.peer),
		       name_of_disk(os.disk), name_of_disk(os.pdsk),
		       name_of_conn(ns.conn), name_of_role(ns.role), name_of_role(ns.peer),
		       name_of_disk(ns.disk), name_of_disk(ns.pdsk));
}

static bool no_volume_in(struct drbd_resource *resource, u8 conn)
{
	struct drbd_device *device;

	for_each_volume(device, resource)
		if (device->state.conn == conn)
			return false;
	return true;
}

/* 2.3 step 9. */
static void store_sync_times(struct drbd_device *device, struct state os, struct state ns)
{
	struct resync *rs = &device->resync;
	bool was_paused = os.conn == C_PAUSED_SYNC_S || os.conn == C_PAUSED_SYNC_T;
	bool is_paused = ns.conn == C_PAUSED_SYNC_S || ns.conn == C_PAUSED_SYNC_T;

	if (state_is_verify(os.conn) && ns.conn <= C_CONNECTED)
		rs->verify_start = rs->verify_position;
	if (os.conn == C_CONNECTED && state_is_verify(ns.conn))
		resync_verify_begin(device, ns.conn);
	if (!was_paused && is_paused)
		progress_pause(&rs->progress, env_now_ms());
	if (was_paused && (ns.conn == C_SYNC_SOURCE || ns.conn == C_SYNC_TARGET)) {
		progress_resume(&rs->progress, env_now_ms());
		if (ns.conn == C_SYNC_TARGET)
			core_timer_set(device->resource, &rs->turn, 0);
	}
}

/*
 * The peer, or its disk, goes before it has confirmed what was written here before a demotion. No
 * generation begins for a Secondary, and nothing but bits would tell the next handshake; so this
 * disk counts as one that was lost in use, as it would if this node went now, too.
 */
static bool unconfirmed_is_lost(const struct drbd_device *device, struct state os, struct state ns)
{
	bool lost = ns.conn < C_CONNECTED || ns.pdsk < D_INCONSISTENT;

	return os.conn >= C_CONNECTED && os.pdsk >= D_INCONSISTENT && lost &&
	       ns.role == ROLE_SECONDARY && os.peer == ROLE_SECONDARY && ns.disk == D_UP_TO_DATE &&
	       device->md.uuid[MD_UUID_BITMAP] == 0 && tl_has_unconfirmed(device, U64_MAX);
}

/*
 * My disk goes. As long as the connection holds nothing is written on it alone: if the peer's disk
 * was its equal, or will be with the end of a resync, it lacks nothing of it later on.
 */
static void store_loss(struct drbd_device *device, struct state os, struct state ns)
{
	bool equal = os.conn == C_CONNECTED && os.pdsk == D_UP_TO_DATE;
	bool source = state_is_sync_source(os.conn) && device->md.uuid[MD_UUID_BITMAP];

	memset(&device->lost, 0, sizeof(device->lost));
	if (ns.conn < C_CONNECTED || !(equal || source))
		return;
	device->lost.link = device->resource->connection.established_at;
	device->lost.current_uuid = device->md.uuid[MD_UUID_CURRENT];
	device->lost.sync_uuid = equal ? 0 : device->md.uuid[MD_UUID_BITMAP];
}

/* 2.3 steps 10, 11, 13, 14. */
static void store_marks(struct drbd_device *device, struct state os, struct state ns)
{
	if (unconfirmed_is_lost(device, os, ns))
		device->crashed_primary = true;
	if (ns.disk >= D_INCONSISTENT) {
		device_md_flags_update(device);
		if (os.disk < D_CONSISTENT && ns.disk >= D_CONSISTENT)
			exposure_own_name(device, device->md.uuid[MD_UUID_CURRENT]);
	}
	if (os.disk >= D_INCONSISTENT && ns.disk < D_INCONSISTENT)
		store_loss(device, os, ns);
	if (os.disk == D_INCONSISTENT && os.pdsk == D_INCONSISTENT &&
	    os.peer == ROLE_SECONDARY && ns.peer == ROLE_PRIMARY)
		device->consider_resync = true;
	if (os.conn < C_CONNECTED && ns.conn >= C_CONNECTED) {
		device->al.suspended = false;
		device->degraded_wfc = false;
		device->resource->connection.connect_count++;
	}
	if ((os.disk == D_ATTACHING || os.disk == D_NEGOTIATING) && ns.disk > D_NEGOTIATING)
		device->attached_at = env_now_ms();
}

/* 2.3 step 12: the receiver looks at the state when its sockets fail. */
static bool stops_receiver(u8 oc, u8 nc)
{
	if (oc == nc)
		return false;
	/* TearDown: my consent must go out first; cluster_change.c sees to the rest. */
	return nc == C_DISCONNECTING || nc == C_STANDALONE ||
	       (oc > C_WF_CONNECTION && state_conn_is_failure(nc) && nc != C_TEAR_DOWN);
}

/*
 * A new UUID that this change makes necessary: hold writes back until it is on disk. One that is
 * put off while frozen is owed from now on: resume-io may come while the worker, which would say
 * so, waits for a handler.
 */
static u8 store_owed_uuid(struct drbd_device *device, struct state os, struct state ns)
{
	struct after_facts facts;
	u64 todo;

	after_facts_gather(device, &facts);
	todo = state_after_actions(os, ns, &facts);
	if (todo & AFTER_SET_NCU)
		device->new_uuid_on_thaw = true;
	if (!(todo & (AFTER_NEW_UUID_LOST_PEER | AFTER_NEW_UUID_PEER_PRIMARY)))
		return 0;
	device_new_uuid_begin(device);
	return 1;
}

/*
 * A write without a local part must find the peer knowing that it will hold the only copy, or
 * nobody marks it: the peer is told before any packet that follows.
 */
static void tell_disk_lost(struct drbd_device *device, struct state os, struct state ns)
{
	if (os.disk < D_INCONSISTENT || ns.disk >= D_INCONSISTENT || ns.conn < C_CONNECTED)
		return;
	send_state(device);
	device->loss_untold = device->change.state_owed;
}

/* 2.3 steps 4 to 15; ns has passed every check. */
static void device_store(struct drbd_device *device, struct state os, struct state ns)
{
	struct drbd_resource *resource = device->resource;
	struct drbd_connection *connection = &resource->connection;
	struct notify_side before = side_of(resource, device), after;
	u8 refs = 0, owed;

	if (ns.disk != os.disk && (ns.disk == D_FAILED || ns.disk == D_DISKLESS)) {
		device->local_refs++;
		refs = 1;
	}
	state_log_change(device, os, ns);
	device->state = ns;
	resource->susp = ns.susp;
	resource->susp_nod = ns.susp_nod;
	resource->susp_fen = ns.susp_fen;
	resync_brief_publish(device);

	if (state_should_replicate(os) != state_should_replicate(ns))
		tl_close_epoch(connection);
	if (os.conn == C_WF_REPORT_PARAMS && ns.conn != C_WF_REPORT_PARAMS &&
	    no_volume_in(resource, C_WF_REPORT_PARAMS))
		connection->state_sent = false;
	store_sync_times(device, os, ns);
	store_marks(device, os, ns);
	if (stops_receiver(os.conn, ns.conn))
		env_sockets_shutdown(connection);
	owed = store_owed_uuid(device, os, ns);
	tell_disk_lost(device, os, ns);

	after = side_of(resource, device);
	after_change_queue(device, &before, &after, refs, owed);
	resource->changes++;
	env_wake(resource);
	exposure_state_changed(device, os);
	if (os.disk != ns.disk && !dlist_empty(&device->rq.held))
		request_held_release(device);
}

enum ss_code state_change(struct drbd_device *device, u32 mask, u32 val, u32 flags)
{
	struct state_change change = { mask, val };
	struct state os = device_state(device), ns;
	struct state_facts facts;
	enum ss_code rv;

	device_facts(device, &facts);
	rv = state_check_request(os, state_apply(os, change), &facts, flags, &ns);
	if (rv == SS_NOTHING_TO_DO && state_equal(os, ns))
		return rv;
	if (rv < SS_SUCCESS) {
		if ((flags & CS_VERBOSE) && rv != SS_IN_TRANSIENT_STATE)
			state_log_refusal(device, os, ns, rv);
		return rv;
	}
	device_store(device, os, ns);
	admission_kick_all(device->resource);
	return SS_SUCCESS;
}

enum ss_code state_force(struct drbd_device *device, u32 mask, u32 val)
{
	return state_change(device, mask, val, CS_HARD);
}

/* ---- the connection with all its volumes (2.8) */

static u8 conn_wanted(const struct drbd_connection *connection, u32 mask, u32 val)
{
	return mask & ST_CONN_MASK ? (val & ST_CONN_MASK) >> ST_CONN_SHIFT : connection->cstate;
}

enum ss_code conn_state_check(struct drbd_connection *connection, struct state_change change,
			      u32 flags)
{
	struct drbd_device *device;
	struct state_facts facts;
	enum ss_code rv;

	if (change.mask & ST_CONN_MASK) {
		rv = state_conn_transition_check(connection->cstate,
						 conn_wanted(connection, change.mask, change.val));
		if (rv < SS_SUCCESS) {
			if (flags & CS_VERBOSE)
				env_log_connection(connection, LOG_LVL_ERR,
						   "state change to %s refused: %s; is %s (%d)",
						   name_of_conn(conn_wanted(connection, change.mask,
									    change.val)),
						   text_of_state_code(rv),
						   name_of_conn(connection->cstate), rv);
			return rv;
		}
	}
	for_each_volume(device, connection->resource) {
		struct state os = device_state(device), ns;

		device_facts(device, &facts);
		rv = state_check_request(os, state_apply(os, change), &facts, flags, &ns);
		if (rv < SS_SUCCESS) {
			if (flags & CS_VERBOSE)
				state_log_refusal(device, os, ns, rv);
			return rv;
		}
	}
	return SS_SUCCESS;
}

enum ss_code conn_state_change(struct drbd_connection *connection, u32 mask, u32 val, u32 flags)
{
	struct drbd_resource *resource = connection->resource;
	struct state_change change = { mask, val };
	struct notify_side before = side_of(resource, NULL), after;
	u8 oc = connection->cstate, nc = conn_wanted(connection, mask, val);
	struct drbd_device *device;
	struct state_range range;
	bool changed = oc != nc;
	enum ss_code rv;

	rv = conn_state_check(connection, change, flags);
	if (rv < SS_SUCCESS)
		return rv;

	connection->cstate = nc;
	for_each_volume(device, resource) {
		struct state os = device_state(device), ns;
		struct state_facts facts;

		device_facts(device, &facts);
		rv = state_check_request(os, state_apply(os, change), &facts, flags | CS_HARD, &ns);
		if (rv < SS_SUCCESS || state_equal(os, ns))
			continue;
		device_store(device, os, ns);
		changed = true;
	}
	if (oc != nc) {
		env_log_connection(connection, LOG_LVL_INFO, "%s -> %s", name_of_conn(oc),
				   name_of_conn(nc));
		/* Without volumes nobody has cleared it yet. */
		if (oc == C_WF_REPORT_PARAMS && nc < C_WF_REPORT_PARAMS)
			connection->state_sent = false;
		if (stops_receiver(oc, nc))
			env_sockets_shutdown(connection);
	}
	if (!changed)
		return SS_NOTHING_TO_DO;

	range = resource_states(resource);
	after = side_of(resource, NULL);
	after_conn_change_queue(connection, &before, &after,
				state_conn_after_actions(oc, nc, resource->susp_fen,
							 range.any ? range.hi.pdsk : D_UNKNOWN));
	resource->changes++;
	env_wake(resource);
	admission_kick_all(resource);
	return SS_SUCCESS;
}
