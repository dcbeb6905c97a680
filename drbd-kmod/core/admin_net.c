// SPDX-License-Identifier: GPL-2.0
/* Connect, disconnect, options of the connection (states.md 6, netlink.md 3.3). */
#include "admin.h"
#include "connection.h"

#define DISCONNECT_TRIES 5
#define TRANSIENT_MS 5000

/* ---- checks */

static s32 change_while_connected(const struct drbd_connection *connection,
				  const struct net_conf *net)
{
	const struct net_conf *old = &connection->net_conf;
	struct drbd_device *device;

	if (connection->agreed_pro_version < 100 && connection->cstate == C_WF_REPORT_PARAMS &&
	    (net->wire_protocol != old->wire_protocol || net->two_primaries != old->two_primaries ||
	     strcmp(net->integrity_alg, old->integrity_alg)))
		return ERR_NEED_APV_100;
	if (net->two_primaries || !old->two_primaries)
		return ERR_NO_ERROR;
	for_each_volume(device, connection->resource)
		if (device->state.role == ROLE_PRIMARY && device->state.peer == ROLE_PRIMARY)
			return ERR_NEED_ALLOW_TWO_PRI;
	return ERR_NO_ERROR;
}

s32 admin_net_conf_check(const struct drbd_connection *connection, const struct net_conf *net,
			 bool change)
{
	struct drbd_device *device;
	s32 rv;

	if (!change && (connection->cstate > C_STANDALONE || connection->configured))
		return ERR_NET_CONFIGURED;
	rv = change ? change_while_connected(connection, net) : ERR_NO_ERROR;
	if (rv != ERR_NO_ERROR)
		return rv;
	if (net->two_primaries && net->wire_protocol != OPT_PROTOCOL_C)
		return ERR_NOT_PROTO_C;
	for_each_volume(device, connection->resource) {
		if (device->state.disk >= D_ATTACHING && net->wire_protocol == OPT_PROTOCOL_A &&
		    device->disk_conf.fencing == FENCING_RESOURCE_AND_STONITH)
			return ERR_STONITH_AND_PROT_A;
		if (device->state.role == ROLE_PRIMARY && net->discard_my_data)
			return ERR_DISCARD_IMPOSSIBLE;
	}
	if (net->on_congestion != OPT_CONGESTION_BLOCK && net->wire_protocol != OPT_PROTOCOL_A)
		return ERR_CONG_NOT_PROTO_A;
	return ERR_NO_ERROR;
}

/* ---- connect */

static void counters_reset(struct drbd_resource *resource)
{
	struct drbd_device *device;

	for_each_volume(device, resource) {
		device->send_cnt = 0;
		device->recv_cnt = 0;
	}
}

enum fiber_status admin_connect(struct task *t, struct admin_op *op)
{
	struct drbd_connection *connection = &op->resource->connection;

	FIBER_BEGIN(op->pc);
	/* The host asked admin_net_conf_check() before it announced the connection. */
	connection->net_conf = op->conf.net;
	connection->configured = true;
	counters_reset(op->resource);
	state_request_init(&op->rq, ST_CHANGE_CONN(C_UNCONNECTED), CS_VERBOSE);
	FIBER_CALL(op->pc, conn_state_request(t, connection, &op->rq));
	op->ret = op->rq.ret;
	if (op->ret < SS_SUCCESS) {
		FIBER_DO(op->pc, t, ACT_NET_FREE, NULL, 0);
		connection->configured = false;
	}
	FIBER_END(op->pc);
}

/* ---- disconnect */

static void ask(struct admin_op *op, struct state_change more, u32 flags)
{
	state_request_init(&op->rq, state_change_join(ST_CHANGE_CONN(C_DISCONNECTING), more), flags);
}

static const struct state_change nothing_more;

/* One round; the outcome in op->rq.ret. */
static enum fiber_status part_once(struct task *t, struct drbd_connection *connection,
				   struct admin_op *op)
{
	FIBER_BEGIN(op->pc3);
	ask(op, nothing_more, op->force ? CS_HARD : CS_VERBOSE);
	FIBER_CALL(op->pc3, conn_state_request(t, connection, &op->rq));
	if (op->rq.ret == SS_PRIMARY_NOP) {
		/* My Primary wants to know the peer outdated before it lets go. */
		ask(op, ST_CHANGE_PDSK(D_OUTDATED), CS_VERBOSE);
		FIBER_CALL(op->pc3, conn_state_request(t, connection, &op->rq));
		if (op->rq.ret == SS_OUTDATE_WO_CONN) {
			ask(op, nothing_more, CS_VERBOSE);
			FIBER_CALL(op->pc3, conn_state_request(t, connection, &op->rq));
		}
	} else if (op->rq.ret == SS_CW_FAILED_BY_PEER && connection->cstate > C_WF_CONNECTION) {
		/* The peer's Primary wants me outdated. */
		ask(op, ST_CHANGE_DISK(D_OUTDATED), CS_VERBOSE);
		FIBER_CALL(op->pc3, conn_state_request(t, connection, &op->rq));
		if (op->rq.ret == SS_IS_DISKLESS || op->rq.ret == SS_LOWER_THAN_OUTDATED) {
			ask(op, nothing_more, CS_HARD);
			FIBER_CALL(op->pc3, conn_state_request(t, connection, &op->rq));
		}
	}
	FIBER_END(op->pc3);
}

/* Worth another round: the link went away meanwhile, or the state was transient. */
static bool part_again(const struct task *t, const struct drbd_connection *connection,
		       const struct admin_op *op)
{
	if (t->interrupted || op->tries >= DISCONNECT_TRIES)
		return false;
	return op->rq.ret == SS_IN_TRANSIENT_STATE ||
	       (op->rq.ret == SS_CW_FAILED_BY_PEER && connection->cstate <= C_WF_CONNECTION);
}

enum fiber_status net_disconnect(struct task *t, struct drbd_connection *connection,
				 struct admin_op *op)
{
	FIBER_BEGIN(op->pc2);
	for (op->tries = 0;; op->tries++) {
		FIBER_CALL(op->pc2, part_once(t, connection, op));
		if (!part_again(t, connection, op))
			break;
		op->ticket = op->resource->changes;
		if (op->rq.ret == SS_IN_TRANSIENT_STATE)
			FIBER_WAIT_TIMEOUT(op->pc2, t, TRANSIENT_MS,
					   op->resource->changes != op->ticket || t->interrupted);
	}
	op->inner = op->rq.ret;
	if (op->inner == SS_ALREADY_STANDALONE)
		op->inner = SS_SUCCESS;
	if (op->inner < SS_SUCCESS)
		FIBER_RETURN(op->pc2);
	/* The receiver cleans up and goes to StandAlone, the worker forgets the configuration. */
	FIBER_WAIT_UNTIL(op->pc2, connection->cstate == C_STANDALONE || t->interrupted);
	FIBER_WAIT_UNTIL(op->pc2, !connection->configured || t->interrupted);
	if (connection->configured)
		op->inner = ERR_INTR;
	FIBER_END(op->pc2);
}

enum fiber_status admin_disconnect(struct task *t, struct admin_op *op)
{
	FIBER_BEGIN(op->pc);
	FIBER_CALL(op->pc, net_disconnect(t, &op->resource->connection, op));
	op->ret = op->inner >= SS_SUCCESS && op->inner < 100 ? ERR_NO_ERROR : op->inner;
	FIBER_END(op->pc);
}

/* ---- options */

static s32 algorithms_in_use(const struct drbd_connection *connection, const struct net_conf *net)
{
	const struct net_conf *old = &connection->net_conf;
	bool csums = strcmp(old->csums_alg, net->csums_alg) != 0;
	bool verify = strcmp(old->verify_alg, net->verify_alg) != 0;
	struct drbd_device *device;

	for_each_volume(device, connection->resource) {
		if (csums && state_is_sync(device->state.conn))
			return ERR_CSUMS_RESYNC_RUNNING;
		if (verify && state_is_verify(device->state.conn))
			return ERR_VERIFY_RUNNING;
	}
	return ERR_NO_ERROR;
}

/* The peer has not got the previous change yet, or still compares what was before it. */
static bool may_tell(const struct drbd_connection *connection)
{
	bool shaking_hands = connection->cstate < C_WF_REPORT_PARAMS || connection->state_sent;

	return !connection->update_queued &&
	       (!connection->queue[SOCK_DATA].open || !shaking_hands);
}

static s32 net_options_check(const struct drbd_connection *connection, struct admin_op *op)
{
	s32 rv;

	if (!connection->configured) {
		admin_info(op, "net conf missing, try connect");
		return ERR_INVALID_REQUEST;
	}
	rv = admin_net_conf_check(connection, &op->conf.net, true);
	return rv == ERR_NO_ERROR ? algorithms_in_use(connection, &op->conf.net) : rv;
}

static void net_options_take(struct drbd_connection *connection, const struct net_conf *net)
{
	struct drbd_device *device;

	connection->net_conf = *net;
	send_protocol_update(connection);
	if (connection->cstate < C_WF_REPORT_PARAMS)
		return;
	for_each_volume(device, connection->resource)
		if (device->state.conn >= C_CONNECTED)
			send_sync_param(device);
}

enum fiber_status admin_net_options(struct task *t, struct admin_op *op)
{
	struct drbd_connection *connection = &op->resource->connection;

	FIBER_BEGIN(op->pc);
	FIBER_WAIT_UNTIL(op->pc, may_tell(connection) || t->interrupted);
	op->ret = may_tell(connection) ? net_options_check(connection, op) : ERR_INTR;
	if (op->ret == ERR_NO_ERROR)
		net_options_take(connection, &op->conf.net);
	FIBER_END(op->pc);
}
