// SPDX-License-Identifier: GPL-2.0
/* connection.c - from looking for the peer to cleaning up after it (states.md 4; wire.md 4.3, 4.4, 9.2) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "names.h"
#include "predicates.h"

#define BACKOFF_MS 500

void connection_init(struct drbd_connection *connection, struct drbd_resource *resource)
{
	memset(connection, 0, sizeof(*connection));
	connection->resource = resource;
	connection->agreed_pro_version = WIRE_APV_HANDSHAKE;
	net_conf_set_defaults(&connection->net_conf);
}

static enum ss_code conn_force(struct drbd_connection *connection, enum drbd_conn conn)
{
	return conn_state_change(connection, ST_ARGS(ST_CHANGE_CONN(conn)), CS_HARD);
}

/* ---- looking for the peer ---- */

bool connection_search_begin(struct drbd_connection *connection)
{
	if (connection->cstate <= C_DISCONNECTING)
		return false;
	if (state_conn_is_failure(connection->cstate))
		conn_force(connection, C_UNCONNECTED);
	connection->agreed_pro_version = WIRE_APV_HANDSHAKE;
	connection->agreed_features = 0;
	connection->disconnect_sent = false;
	if (connection->cstate == C_UNCONNECTED)
		conn_state_change(connection, ST_ARGS(ST_CHANGE_CONN(C_WF_CONNECTION)), CS_VERBOSE);
	return connection->cstate == C_WF_CONNECTION;
}

bool connection_search_stop(const struct drbd_connection *connection)
{
	return connection->cstate != C_WF_CONNECTION;
}

void connection_fatal(struct drbd_connection *connection)
{
	if (connection->cstate > C_DISCONNECTING)
		conn_force(connection, C_DISCONNECTING);
	env_sockets_shutdown(connection);
}

void connection_receiver_ended(struct drbd_connection *connection)
{
	if (connection->cstate == C_DISCONNECTING)
		conn_force(connection, C_STANDALONE);
	env_wake(connection->resource);
}

void connection_fail(struct drbd_connection *connection, enum drbd_conn why)
{
	if (connection->cstate >= C_WF_CONNECTION)
		conn_force(connection, why);
	/* The first cause wins, but whatever still waits on a socket shall end. */
	if (connection->cstate != C_UNCONNECTED && connection->cstate != C_STANDALONE)
		env_sockets_shutdown(connection);
}

/* ---- established ---- */

/* Still as it was when the sockets were handed over? */
static bool is_establishing(const struct drbd_connection *connection)
{
	return connection->cstate == C_WF_CONNECTION;
}

static void established_reset(struct drbd_connection *connection)
{
	u64 now = env_now_ms();

	connection->established_at = now;
	connection->last_received = now;
	connection->ping_out = false;
	connection->dry_run = false;
	connection->peer_discards_my_data = false;
	connection->discards_my_data = connection->net_conf.discard_my_data;
	connection->count_before = connection->connect_count;
	memset(&connection->receiving, 0, sizeof(connection->receiving));
}

static void volume_shake_hands(struct drbd_device *device)
{
	device->packet_seq = 0;
	device->peer_seq = 0;
	device->discard_my_data = device->resource->connection.discards_my_data;
	send_sync_param(device);
	send_sizes(device, false, 0);
	send_uuids(device);
	send_state(device);
}

static bool dry_run_unsupported(struct drbd_connection *connection)
{
	if (!connection->net_conf.tentative || connection->agreed_pro_version >= 92)
		return false;
	env_log_connection(connection, LOG_LVL_ERR,
			   "the peer's protocol %u knows no tentative connections (needs 92): disconnecting; connect without --tentative",
			   connection->agreed_pro_version);
	connection_fatal(connection);
	return true;
}

static void establish_end(struct drbd_connection *connection)
{
	enum ss_code rv = SS_UNKNOWN_ERROR;
	struct drbd_device *device;

	if (is_establishing(connection))
		rv = conn_state_change(connection, ST_ARGS(ST_CHANGE_CONN(C_WF_REPORT_PARAMS)),
				       CS_VERBOSE);
	if (rv < SS_SUCCESS || connection->cstate != C_WF_REPORT_PARAMS) {
		connection->state_sent = false;
		connection_fail(connection, C_NETWORK_FAILURE);
		return;
	}
	/* Nobody whose first state packet would do it. */
	if (dlist_empty(&connection->resource->devices))
		connection->state_sent = false;
	connection->net_conf.discard_my_data = false;
	/* What comes from now on fits into this peer's packets: it may have been another one before. */
	for_each_volume(device, connection->resource)
		device_reconsider_max_bio_size(device);
	request_timer_arm(connection);
}

static bool work_is_idle(const struct drbd_resource *resource)
{
	return resource->work.finished == resource->work.added;
}

static bool change_is_busy(struct drbd_connection *connection)
{
	struct drbd_device *device;

	for_each_volume(device, connection->resource)
		if (*device_change_mutex(device))
			return true;
	return false;
}

/* The first volume numbered `vnr` or higher. */
static struct drbd_device *volume_from(struct drbd_resource *resource, u32 vnr)
{
	struct drbd_device *device;

	for_each_volume(device, resource)
		if (device->vnr >= vnr)
			return device;
	return NULL;
}

static void next_volume_shake_hands(struct drbd_connection *connection)
{
	struct drbd_device *device = volume_from(connection->resource, connection->establish_vnr);

	if (!device)
		return;
	volume_shake_hands(device);
	connection->establish_vnr = device->vnr + 1;
}

/*
 * Frozen writes wait for the peer, to be sent again. Those that had succeeded already, with
 * protocol A or B, can not be: a peer that may lack some must not be taken for equal now that it
 * is back. Not before, or one that was promoted instead would see a split brain.
 */
static bool must_differ_from_peer(struct drbd_device *device)
{
	bool left_behind = device->peer_left_behind;

	device->peer_left_behind = false;
	if (!left_behind || !device->new_uuid_on_thaw || device->state.disk < D_INCONSISTENT)
		return false;
	device->new_uuid_on_thaw = false;
	return true;
}

enum fiber_status connection_establish(struct task *t, struct drbd_connection *connection, u16 *pc)
{
	FIBER_BEGIN(*pc);
	established_reset(connection);
	if (!is_establishing(connection) || dry_run_unsupported(connection)) {
		env_sockets_shutdown(connection);
		FIBER_RETURN(*pc);
	}
	send_open(connection);
	send_protocol(connection, P_PROTOCOL);
	memset(&connection->establish_md, 0, sizeof(connection->establish_md));
	for (connection->establish_device = volume_next(connection->resource, NULL);
	     connection->establish_device;
	     connection->establish_device = volume_next(connection->resource,
							connection->establish_device))
		if (must_differ_from_peer(connection->establish_device))
			FIBER_CALL(*pc, device_uuid_new_current(t, connection->establish_device,
								&connection->establish_md));

	/*
	 * Whoever is about to change something of a volume finishes first, and so does the worker,
	 * who may owe a generation (a handler has just fenced the peer) ...
	 */
	FIBER_WAIT_UNTIL(*pc, !is_establishing(connection) ||
			 (!change_is_busy(connection) && work_is_idle(connection->resource)));
	/* ... and the next one sees that the peer has been told the state of now. */
	connection->state_sent = true;
	connection->establish_vnr = 0;
	while (is_establishing(connection) &&
	       volume_from(connection->resource, connection->establish_vnr)) {
		FIBER_WAIT_UNTIL(*pc, !is_establishing(connection) ||
				 send_has_room(connection, SOCK_DATA, 4));
		if (is_establishing(connection))
			next_volume_shake_hands(connection);
	}
	establish_end(connection);
	FIBER_END(*pc);
}

/* ---- afterwards ---- */

static void volume_forget_peer(struct drbd_device *device)
{
	device->peer_uuids.valid = false;
	device->discard_my_data = false;
	device->size_asked = false;
	device->growth_asked = false;
	device->packet_seq = 0;
	device->peer_seq = 0;
	resync_cancel(device);
}

static void fence_if_needed(struct drbd_connection *connection)
{
	struct state_range range = resource_states(connection->resource);

	if (range.any && range.hi.role == ROLE_PRIMARY && range.hi.pdsk >= D_UNKNOWN)
		core_task_start(connection->resource, &connection->fence_task);
}

/*
 * A peer that refuses us right after the handshake would do so many times a second, and fill
 * the logs of both (states.md 13.17). In ms; 0 = go on at once.
 */
static u64 backoff_ms(struct drbd_connection *connection)
{
	if (connection->cstate <= C_DISCONNECTING || connection->cstate == C_TEAR_DOWN ||
	    connection->connect_count != connection->count_before) {
		connection->refusals = 0;
		return 0;
	}
	if (connection->refusals < 8)
		connection->refusals++;
	return min_t(u64, (u64)BACKOFF_MS << connection->refusals,
		     (u64)connection->net_conf.connect_int * 1000);
}

static bool is_frozen(const struct drbd_resource *resource)
{
	return resource->susp || resource->susp_nod || resource->susp_fen;
}

enum fiber_status connection_cleanup(struct task *t, struct drbd_connection *connection,
				     struct connection_cleanup *c)
{
	struct drbd_resource *resource = connection->resource;

	FIBER_BEGIN(c->pc);
	connection_fail(connection, C_NETWORK_FAILURE);
	connection->state_sent = false;
	send_close(connection);
	for (c->device = volume_next(resource, NULL); c->device;
	     c->device = volume_next(resource, c->device)) {
		resync_cancel(c->device);
		/* What the peer wanted done is done, though nobody hears of it. */
		FIBER_WAIT_UNTIL(c->pc, c->device->prl.in_flight == 0);
		volume_forget_peer(c->device);
	}
	core_timer_cancel(resource, &connection->hangup_timer);
	peer_epochs_init(connection);
	/* The worker may owe a new current UUID, which must be there when the peer returns. */
	c->ticket = work_ticket(resource);
	FIBER_WAIT_UNTIL(c->pc, work_reached(resource, c->ticket));

	if (!is_frozen(resource))
		tl_apply(connection, REQ_CONNECTION_LOST);
	for (c->device = volume_next(resource, NULL); c->device;
	     c->device = volume_next(resource, c->device)) {
		if (is_frozen(resource) && tl_mark_missing(c->device))
			c->device->peer_left_behind = true;
		FIBER_CALL(c->pc, device_md_sync(t, c->device, &c->md, false));
		FIBER_CALL(c->pc, device_write_bitmap(t, c->device, &c->bulk));
	}
	fence_if_needed(connection);
	FIBER_WAIT_TIMEOUT(c->pc, t, backoff_ms(connection), connection->cstate <= C_DISCONNECTING);
	if (state_conn_is_failure(connection->cstate))
		conn_force(connection, C_UNCONNECTED);
	FIBER_END(c->pc);
}
