// SPDX-License-Identifier: GPL-2.0
/*
 * receive_params.c - what the peer says about its settings: P_PROTOCOL, sync parameters,
 * sizes (wire.md 4.3, 4.5, 4.6)
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "receive.h"

static void refuse_peer(struct incoming *in)
{
	in->ok = false;
	connection_fatal(in->connection);
}

static void protocol_error(struct incoming *in, const char *what)
{
	env_log_connection(in->connection, LOG_LVL_ERR,
			   "received %s (volume %u, %u bytes): %s; reconnecting",
			   wire_cmd_name(in->hdr.cmd), in->hdr.volume, in->hdr.length, what);
	in->ok = false;
	connection_fail(in->connection, C_PROTOCOL_ERROR);
}

/* A name of an algorithm: NUL ended within `size` bytes. */
static bool name_is_sane(const u8 *name, u32 size)
{
	u32 i;

	for (i = 0; i < size; i++)
		if (!name[i])
			return true;
	return false;
}

/* ---- P_PROTOCOL ---- */

/* What the peer calls local is remote here. */
static u32 policy_mirror(u32 policy)
{
	if (policy == ASB_DISCARD_LOCAL)
		return ASB_DISCARD_REMOTE;
	if (policy == ASB_DISCARD_REMOTE)
		return ASB_DISCARD_LOCAL;
	return policy;
}

static bool must_equal(struct incoming *in, const char *option, u32 mine, u32 peers)
{
	if (mine == peers)
		return true;
	env_log_connection(in->connection, LOG_LVL_ERR,
			   "%s differs (here %u, on the peer %u): disconnecting; make the configurations agree",
			   option, mine, peers);
	return false;
}

static bool protocol_agrees(struct incoming *in, const struct wire_p_protocol *p, const char *alg)
{
	struct drbd_connection *connection = in->connection;
	const struct net_conf *nc = &connection->net_conf;

	if (!must_equal(in, "protocol (1 = A, 2 = B, 3 = C)", nc->wire_protocol,
			be32_to_cpu(p->protocol)) ||
	    !must_equal(in, "after-sb-0pri", nc->after_sb_0p,
			policy_mirror(be32_to_cpu(p->after_sb_0p))) ||
	    !must_equal(in, "after-sb-1pri", nc->after_sb_1p,
			policy_mirror(be32_to_cpu(p->after_sb_1p))) ||
	    !must_equal(in, "after-sb-2pri", nc->after_sb_2p,
			policy_mirror(be32_to_cpu(p->after_sb_2p))))
		return false;
	if (connection->discards_my_data && connection->peer_discards_my_data) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "both nodes were told to discard their data: disconnecting; give --discard-my-data on one of them only");
		return false;
	}
	if (!must_equal(in, "allow-two-primaries", nc->two_primaries,
			be32_to_cpu(p->two_primaries) != 0))
		return false;
	if (connection->agreed_pro_version < 87 || !strcmp(alg, nc->integrity_alg))
		return true;
	env_log_connection(connection, LOG_LVL_ERR,
			   "data-integrity-alg differs (here \"%s\", on the peer \"%s\"): disconnecting; make the configurations agree",
			   nc->integrity_alg, alg);
	return false;
}

static void protocol_adopt(struct drbd_connection *connection, const struct wire_p_protocol *p)
{
	struct net_conf *nc = &connection->net_conf;

	nc->wire_protocol = be32_to_cpu(p->protocol);
	nc->after_sb_0p = policy_mirror(be32_to_cpu(p->after_sb_0p));
	nc->after_sb_1p = policy_mirror(be32_to_cpu(p->after_sb_1p));
	nc->after_sb_2p = policy_mirror(be32_to_cpu(p->after_sb_2p));
	nc->two_primaries = be32_to_cpu(p->two_primaries) != 0;
	env_log_connection(connection, LOG_LVL_INFO,
			   "the peer changed net options: taken over protocol, after-sb policies and allow-two-primaries");
}

/* Everything that needs no waiting; false: refused. Leaves the algorithm to be loaded. */
static bool protocol_take(struct incoming *in)
{
	const struct wire_p_protocol *p = (const struct wire_p_protocol *)in->fixed;
	struct drbd_connection *connection = in->connection;
	u32 flags = be32_to_cpu(p->conn_flags);
	const char *alg = "";

	if (connection->agreed_pro_version >= 87) {
		if (in->var_len > WIRE_ALG_LEN || !name_is_sane(in->var, in->var_len)) {
			protocol_error(in, "the name of its digest is no name");
			return false;
		}
		alg = (const char *)in->var;
	}
	if (in->hdr.cmd == P_PROTOCOL) {
		connection->peer_discards_my_data = flags & WIRE_CF_DISCARD_MY_DATA;
		connection->dry_run = flags & WIRE_CF_DRY_RUN;
		if (!protocol_agrees(in, p, alg)) {
			refuse_peer(in);
			return false;
		}
	} else {
		protocol_adopt(connection, p);
	}
	memset(connection->peer_integrity_alg, 0, sizeof(connection->peer_integrity_alg));
	memcpy(connection->peer_integrity_alg, alg, strlen(alg));
	return true;
}

enum fiber_status receive_protocol(struct task *t, struct incoming *in)
{
	struct drbd_connection *connection = in->connection;

	FIBER_BEGIN(in->pc);
	if (!protocol_take(in))
		FIBER_RETURN(in->pc);
	FIBER_DO(in->pc, t, ACT_LOAD_PEER_INTEGRITY, NULL, 0);
	in->ok = t->result == 0;
	if (!in->ok) {
		env_log_connection(connection, LOG_LVL_ERR,
				   "the peer's data-integrity-alg \"%s\" is not available here: disconnecting; load its module (%d)",
				   connection->peer_integrity_alg, (int)t->result);
		refuse_peer(in);
	}
	FIBER_END(in->pc);
}

/* ---- sync parameters ---- */

struct sync_param {
	char verify_alg[WIRE_ALG_LEN], csums_alg[WIRE_ALG_LEN];
	bool has_verify, has_csums;
};

static bool sync_param_names(struct incoming *in, struct sync_param *names)
{
	const struct wire_p_sync_param *p = (const struct wire_p_sync_param *)in->var;
	u32 apv = in->connection->agreed_pro_version;
	u32 len = in->var_len, fixed = sizeof(p->resync_rate);

	memset(names, 0, sizeof(*names));
	if (apv <= 87)
		return len == fixed;
	names->has_verify = true;
	if (apv == 88) {
		if (len <= fixed || len - fixed > WIRE_ALG_LEN ||
		    !name_is_sane(in->var + fixed, len - fixed))
			return false;
		memcpy(names->verify_alg, in->var + fixed, len - fixed);
		return true;
	}
	if (len != wire_sync_param_len(apv, 0) ||
	    !name_is_sane((const u8 *)p->verify_alg, WIRE_ALG_LEN) ||
	    !name_is_sane((const u8 *)p->csums_alg, WIRE_ALG_LEN))
		return false;
	names->has_csums = true;
	memcpy(names->verify_alg, p->verify_alg, WIRE_ALG_LEN);
	memcpy(names->csums_alg, p->csums_alg, WIRE_ALG_LEN);
	return true;
}

static bool algorithm_differs(struct incoming *in, const char *option, const char *mine,
			      const char *peers)
{
	if (!strcmp(mine, peers))
		return false;
	env_log_device(in->device, LOG_LVL_ERR,
		       "%s differs (here \"%s\", on the peer \"%s\"): disconnecting; make the configurations agree",
		       option, mine, peers);
	return true;
}

static void sync_param_rates(struct drbd_device *device, const struct incoming *in)
{
	const struct wire_p_sync_param *p = (const struct wire_p_sync_param *)in->var;
	struct disk_conf *dc = &device->disk_conf;

	if (!device->has_backing)
		return;
	dc->resync_rate = be32_to_cpu(p->resync_rate);
	if (in->connection->agreed_pro_version < 95)
		return;
	dc->c_plan_ahead = min_t(u32, be32_to_cpu(p->c_plan_ahead), RATE_SLOTS_MAX);
	dc->c_delay_target = be32_to_cpu(p->c_delay_target);
	dc->c_fill_target = be32_to_cpu(p->c_fill_target);
	dc->c_max_rate = be32_to_cpu(p->c_max_rate);
}

/* False: refused, or nothing is left to be done; in->ok tells which. True: load algorithms. */
static bool sync_param_take(struct incoming *in)
{
	struct net_conf *nc = &in->connection->net_conf;
	struct sync_param names;

	if (!sync_param_names(in, &names)) {
		protocol_error(in, "sync parameters of a wrong length or without names");
		return false;
	}
	if (in->device->state.conn == C_WF_REPORT_PARAMS) {
		if ((names.has_verify && algorithm_differs(in, "verify-alg", nc->verify_alg,
							   names.verify_alg)) ||
		    (names.has_csums && algorithm_differs(in, "csums-alg", nc->csums_alg,
							  names.csums_alg))) {
			refuse_peer(in);
			return false;
		}
	}
	sync_param_rates(in->device, in);
	in->ok = true;
	if ((!names.has_verify || !strcmp(names.verify_alg, nc->verify_alg)) &&
	    (!names.has_csums || !strcmp(names.csums_alg, nc->csums_alg)))
		return false;
	if (names.has_verify)
		memcpy(nc->verify_alg, names.verify_alg, WIRE_ALG_LEN);
	if (names.has_csums)
		memcpy(nc->csums_alg, names.csums_alg, WIRE_ALG_LEN);
	return true;
}

enum fiber_status receive_sync_param(struct task *t, struct incoming *in)
{
	FIBER_BEGIN(in->pc);
	if (!sync_param_take(in))
		FIBER_RETURN(in->pc);
	FIBER_DO(in->pc, t, ACT_LOAD_RESYNC_ALGS, NULL, 0);
	if (t->result) {
		env_log_device(in->device, LOG_LVL_ERR,
			       "the peer's verify-alg \"%s\" or csums-alg \"%s\" is not available here: disconnecting; load its module (%d)",
			       in->connection->net_conf.verify_alg,
			       in->connection->net_conf.csums_alg, (int)t->result);
		refuse_peer(in);
	}
	FIBER_END(in->pc);
}

/* ---- sizes ---- */

static u64 smaller_limit(u64 a, u64 b)
{
	if (!a || !b)
		return a ? a : b;
	return min(a, b);
}

static bool is_handshake(const struct drbd_device *device)
{
	return device->state.conn == C_WF_REPORT_PARAMS;
}

/* A node without a disk of its own shows its users what the peer has. */
static bool sizes_take_diskless(struct drbd_device *device, const struct wire_p_sizes *p)
{
	u64 size = be64_to_cpu(p->c_size), room = be64_to_cpu(p->d_size);

	/* Asked for, not agreed: more than the disk has room for will not be given. */
	if (!size)
		size = smaller_limit(be64_to_cpu(p->u_size), room);
	if (!size || size == device->capacity || (device->capacity && !p->d_size))
		return true;
	if (size < device->capacity && device->state.role == ROLE_PRIMARY) {
		env_log_device(device, LOG_LVL_ERR,
			       "the peer's device is smaller (%llu sectors) than what our users see (%llu): disconnecting",
			       (unsigned long long)size, (unsigned long long)device->capacity);
		return false;
	}
	device->capacity = size;
	env_device_set_capacity(device, size);
	return true;
}

/* False: a device in use would lose its end. */
static bool sizes_acceptable(struct drbd_device *device, u64 user_size)
{
	u64 size = device_new_size(device, user_size, false);
	struct state s = device->state;

	if (size >= device->capacity || s.disk < D_OUTDATED ||
	    (s.conn >= C_CONNECTED && s.pdsk != D_DISKLESS))
		return true;
	env_log_device(device, LOG_LVL_ERR,
		       "the peer's disk is too small (%llu sectors would be left of %llu): disconnecting; give the peer a larger disk",
		       (unsigned long long)size, (unsigned long long)device->capacity);
	return false;
}

/* Its size is a matter between the two nodes; while it is being attached or lost, of neither. */
static bool disk_has_say(const struct drbd_device *device)
{
	return device->state.disk >= D_NEGOTIATING;
}

/* The answer to this node's command (c_size is not 0). True: that had made it grow. */
static bool growth_is_answered(struct drbd_device *device, const struct wire_p_sizes *p)
{
	bool growth = p->c_size && device->growth_asked;

	if (p->c_size) {
		device->size_asked = false;
		device->growth_asked = false;
		env_wake(device->resource);
	}
	return growth && !is_handshake(device);
}

/* Both were told a size at the same time: this node's counts, on both. */
static bool overrules_peer(const struct incoming *in)
{
	const struct wire_p_sizes *p = (const struct wire_p_sizes *)in->fixed;

	return !p->c_size && in->device->size_asked && in->connection->resolve_conflicts;
}

/*
 * A peer without a disk sets no limit. One that lost it just when both were to grow shows its
 * users the new size already, which then has to be met, or it could not go on with this disk.
 */
static u64 peers_room(const struct drbd_device *device, const struct wire_p_sizes *p)
{
	u64 shown = be64_to_cpu(p->c_size);

	if (p->d_size || is_handshake(device) || shown <= device->capacity)
		return be64_to_cpu(p->d_size);
	return shown;
}

static bool sizes_take(struct incoming *in, struct size_op *op)
{
	const struct wire_p_sizes *p = (const struct wire_p_sizes *)in->fixed;
	struct drbd_device *device = in->device;
	u64 user_size = be64_to_cpu(p->u_size);

	device->peer_max_sectors = peers_room(device, p);
	device->peer_max_bio_size = be32_to_cpu(p->max_bio_size);
	device->peer_discards = in->connection->agreed_features & FF_TRIM;
	if (!disk_has_say(device))
		return device->state.disk != D_DISKLESS || sizes_take_diskless(device, p);
	if (overrules_peer(in))
		user_size = device->disk_conf.disk_size;
	if (is_handshake(device))
		user_size = smaller_limit(device->disk_conf.disk_size, user_size);
	if (!sizes_acceptable(device, user_size))
		return false;
	op->has_user_size = true;
	op->user_size = user_size;
	return true;
}

/* Both nodes come to the same: what is new on both is synced, whoever was told to grow. */
static void sizes_grown(struct incoming *in, const struct size_op *op, bool growth_answered)
{
	const struct wire_p_sizes *p = (const struct wire_p_sizes *)in->fixed;
	struct drbd_device *device = in->device;

	/* The peer's command came in between: it never had the larger size. */
	if (op->outcome == SIZE_SHRUNK && !p->c_size)
		device->growth_asked = false;
	if ((!growth_answered && op->outcome != SIZE_GREW) || device->state.conn != C_CONNECTED)
		return;
	if (device->state.disk < D_INCONSISTENT || device->state.pdsk < D_INCONSISTENT)
		device->resync_after_negotiation = true;
	else if (be16_to_cpu(p->dds_flags) & WIRE_DDSF_NO_RESYNC)
		env_log_device(device, LOG_LVL_INFO, "resync of what was added is not wanted");
	else
		device_grow_resync(device);
}

static void sizes_answer(struct incoming *in, const struct size_op *op, bool growth_answered)
{
	const struct wire_p_sizes *p = (const struct wire_p_sizes *)in->fixed;
	struct drbd_device *device = in->device;
	u16 dds_flags = be16_to_cpu(p->dds_flags);

	device_reconsider_max_bio_size(device);
	env_device_limits_changed(device);
	device->grew_in_handshake = is_handshake(device) && op->outcome == SIZE_GREW;
	if (device->state.conn <= C_WF_REPORT_PARAMS)
		return;
	if (be64_to_cpu(p->c_size) != device->capacity)
		send_sizes(device, false, dds_flags);
	sizes_grown(in, op, growth_answered);
}

enum fiber_status receive_sizes(struct task *t, struct incoming *in)
{
	const struct wire_p_sizes *p = (const struct wire_p_sizes *)in->fixed;
	struct size_op *op = &in->connection->receiving.size;

	FIBER_BEGIN(in->pc);
	memset(op, 0, sizeof(*op));
	op->outcome = SIZE_UNCHANGED;
	in->scratch[0] = growth_is_answered(in->device, p);
	if (!sizes_take(in, op)) {
		refuse_peer(in);
		FIBER_RETURN(in->pc);
	}
	if (disk_has_say(in->device)) {
		op->forced = be16_to_cpu(p->dds_flags) & WIRE_DDSF_FORCED;
		op->assume_clean = be16_to_cpu(p->dds_flags) & WIRE_DDSF_NO_RESYNC;
		op->in_receiver = true;
		FIBER_CALL(in->pc, device_determine_size(t, in->device, op));
		if (op->outcome == SIZE_ERROR && disk_has_say(in->device)) {
			env_log_device(in->device, LOG_LVL_ERR,
				       "the size agreed with the peer could not be set; reconnecting (%d)",
				       op->error);
			protocol_error(in, "its sizes can not be met");
			FIBER_RETURN(in->pc);
		}
	}
	sizes_answer(in, op, in->scratch[0]);
	in->ok = true;
	FIBER_END(in->pc);
}
