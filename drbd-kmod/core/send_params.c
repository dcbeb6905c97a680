// SPDX-License-Identifier: GPL-2.0
/* send_params.c - parameter, state and UUID packets (wire.md 4.3 to 4.7, 8; layouts L8..L12) */
#include "objects.h"
#include "engine.h"

/* strlen() of a member that may fill its array. */
static u32 name_len(const char *name, u32 size)
{
	u32 len = 0;

	while (len < size && name[len])
		len++;
	return len;
}

/* ---- the connection ---- */

void send_protocol(struct drbd_connection *connection, u16 cmd)
{
	const struct net_conf *nc = &connection->net_conf;
	u32 len = name_len(nc->integrity_alg, WIRE_ALG_LEN - 1);
	u8 body[sizeof(struct wire_p_protocol) + WIRE_ALG_LEN];
	struct wire_p_protocol *p = (struct wire_p_protocol *)body;

	p->protocol = cpu_to_be32(nc->wire_protocol);
	p->after_sb_0p = cpu_to_be32(nc->after_sb_0p);
	p->after_sb_1p = cpu_to_be32(nc->after_sb_1p);
	p->after_sb_2p = cpu_to_be32(nc->after_sb_2p);
	p->conn_flags = cpu_to_be32((nc->discard_my_data ? WIRE_CF_DISCARD_MY_DATA : 0) |
				    (nc->tentative ? WIRE_CF_DRY_RUN : 0));
	p->two_primaries = cpu_to_be32(nc->two_primaries);
	memcpy(p + 1, nc->integrity_alg, len);
	body[sizeof(*p) + len] = 0;
	send_control(connection, SOCK_DATA, 0, cmd, body,
		     sizeof(*p) + (connection->agreed_pro_version >= 87 ? len + 1 : 0));
}

void send_protocol_updated(struct drbd_connection *connection)
{
	connection->update_queued = false;
	connection->integrity_size_out = connection->integrity_size_next;
	env_integrity_switch(connection);
	env_wake(connection->resource);
}

void send_protocol_update(struct drbd_connection *connection)
{
	connection->integrity_size_next = env_integrity_prepare(connection);
	connection->update_queued = connection->agreed_pro_version >= 100 &&
				    connection->queue[SOCK_DATA].open &&
				    send_has_room(connection, SOCK_DATA, 1);
	if (connection->queue[SOCK_DATA].open && connection->agreed_pro_version >= 100)
		send_protocol(connection, P_PROTOCOL_UPDATE);
	if (!connection->update_queued)
		send_protocol_updated(connection);
}

void send_conn_state_request(struct drbd_connection *connection, u32 mask, u32 val)
{
	struct wire_p_state_req p = { .mask = cpu_to_be32(mask), .val = cpu_to_be32(val) };
	u16 cmd = connection->agreed_pro_version < 100 ? P_STATE_CHG_REQ : P_CONN_ST_CHG_REQ;

	send_control(connection, SOCK_DATA, 0, cmd, &p, sizeof(p));
}

void send_conn_state_reply(struct drbd_connection *connection, s32 retcode)
{
	struct wire_p_state_reply p = { .retcode = cpu_to_be32((u32)retcode) };
	u16 cmd = connection->agreed_pro_version < 100 ? P_STATE_CHG_REPLY : P_CONN_ST_CHG_REPLY;

	send_control(connection, SOCK_META, 0, cmd, &p, sizeof(p));
}

/* ---- a volume ---- */

static struct drbd_connection *connection_of(const struct drbd_device *device)
{
	return &device->resource->connection;
}

void send_sync_param(struct drbd_device *device)
{
	struct drbd_connection *connection = connection_of(device);
	const struct net_conf *nc = &connection->net_conf;
	u32 apv = connection->agreed_pro_version;
	u32 verify_len = name_len(nc->verify_alg, WIRE_ALG_LEN - 1);
	struct wire_p_sync_param p;
	struct disk_conf defaults;
	const struct disk_conf *dc = &device->disk_conf;

	/* Without a disk there are no settings of one's own (wire.md 4.5). */
	if (!device->has_backing) {
		disk_conf_set_defaults(&defaults);
		dc = &defaults;
	}
	memset(&p, 0, sizeof(p));
	p.resync_rate = cpu_to_be32(dc->resync_rate);
	if (apv >= 88)
		memcpy(p.verify_alg, nc->verify_alg, verify_len);
	if (apv >= 89)
		memcpy(p.csums_alg, nc->csums_alg, name_len(nc->csums_alg, WIRE_ALG_LEN - 1));
	p.c_plan_ahead = cpu_to_be32(dc->c_plan_ahead);
	p.c_delay_target = cpu_to_be32(dc->c_delay_target);
	p.c_fill_target = cpu_to_be32(dc->c_fill_target);
	p.c_max_rate = cpu_to_be32(dc->c_max_rate);
	send_control(connection, SOCK_DATA, device->vnr, wire_sync_param_cmd(apv), &p,
		     wire_sync_param_len(apv, verify_len));
}

/* The limits that only newer peers get to see. */
static void fill_queue_limits(const struct drbd_device *device, struct wire_p_sizes *p)
{
	const struct backing_limits *limits = &device->backing_limits;
	bool disk = device->has_backing;
	u32 logical = limits->logical_block_size ? limits->logical_block_size : 512;
	u32 physical = limits->physical_block_size ? limits->physical_block_size : logical;

	p->logical_block_size = cpu_to_be32(disk ? logical : 512);
	p->physical_block_size = cpu_to_be32(disk ? physical : 512);
	p->alignment_offset = cpu_to_be32(disk ? limits->alignment_offset : 0);
	p->io_min = cpu_to_be32(disk ? limits->io_min : 512);
	p->io_opt = cpu_to_be32(disk ? limits->io_opt : 0);
	p->discard_enabled = disk ? device->backing_discards : 1;
}

void send_sizes(struct drbd_device *device, bool trigger_reply, u16 dds_flags)
{
	struct drbd_connection *connection = connection_of(device);
	u32 cap = wire_data_max(connection->agreed_pro_version);
	struct wire_p_sizes p;

	memset(&p, 0, sizeof(p));
	p.max_bio_size = cpu_to_be32(cap);
	if (device->has_backing && device->state.disk >= D_NEGOTIATING) {
		p.d_size = cpu_to_be64(device->layout.capacity);
		p.u_size = cpu_to_be64(device->disk_conf.disk_size);
		if (device->backing_max_bio_size)
			p.max_bio_size = cpu_to_be32(min(cap, device->backing_max_bio_size));
	}
	/* 0 means "tell me yours". */
	p.c_size = cpu_to_be64(trigger_reply ? 0 : device->capacity);
	p.dds_flags = cpu_to_be16(dds_flags);
	if (connection->agreed_features & FF_WSAME)
		fill_queue_limits(device, &p);
	send_control(connection, SOCK_DATA, device->vnr, P_SIZES, &p,
		     wire_sizes_len(connection->agreed_features));
}

static void send_uuids_flagged(struct drbd_device *device, u64 bits, u64 bitmap_uuid, u64 flags)
{
	struct uuid_set set = device_uuids(device);
	struct wire_p_uuids p = {
		.current_uuid = cpu_to_be64(set.slot[UUID_CURRENT]),
		.bitmap_uuid = cpu_to_be64(bitmap_uuid),
		.history = {
			cpu_to_be64(set.slot[UUID_HISTORY0]),
			cpu_to_be64(set.slot[UUID_HISTORY1]),
		},
		.bits_set = cpu_to_be64(bits),
		.flags = cpu_to_be64(flags),
	};

	device->sent_uuids.ids = set;
	device->sent_uuids.bits = bits;
	device->sent_uuids.flags = flags;
	send_control(connection_of(device), SOCK_DATA, device->vnr, P_UUIDS, &p, sizeof(p));
}

void send_uuids(struct drbd_device *device)
{
	u8 disk = device->state.disk;
	u64 flags = 0;

	/* Somebody without data has nothing to say about its generation. */
	if (!device->has_backing || disk < D_NEGOTIATING)
		return;
	if (device->discard_my_data)
		flags |= WIRE_UF_DISCARD_MY_DATA;
	if (device->crashed_primary)
		flags |= WIRE_UF_CRASHED_PRIMARY;
	if (disk == D_NEGOTIATING)
		disk = device->disk_at_attach;
	if (disk == D_INCONSISTENT)
		flags |= WIRE_UF_INCONSISTENT;
	send_uuids_flagged(device, device->bitmap.bits_set,
			   device_uuids(device).slot[UUID_BITMAP], flags);
}

void send_uuids_skip_initial_sync(struct drbd_device *device)
{
	if (device->has_backing)
		send_uuids_flagged(device, 0, device_uuids(device).slot[UUID_BITMAP],
				   WIRE_UF_SKIP_INITIAL_SYNC);
}

/*
 * While the peer has been asked for a change, the state of before would follow the request
 * and undo it there. It is told afterwards.
 */
void send_state(struct drbd_device *device)
{
	struct wire_p_state p = { .state = cpu_to_be32(state_pack(device_state(device))) };

	device->change.state_owed = device->change.pending;
	if (device->change.pending)
		return;
	send_control(connection_of(device), SOCK_DATA, device->vnr, P_STATE, &p, sizeof(p));
	if (device->loss_untold) {
		device->loss_untold = false;
		request_admission_kick(device);
	}
}

void send_sync_uuid(struct drbd_device *device, u64 uuid)
{
	struct wire_p_sync_uuid p = { .uuid = cpu_to_be64(uuid) };

	send_control(connection_of(device), SOCK_DATA, device->vnr, P_SYNC_UUID, &p, sizeof(p));
}

void send_state_request(struct drbd_device *device, u32 mask, u32 val)
{
	struct wire_p_state_req p = { .mask = cpu_to_be32(mask), .val = cpu_to_be32(val) };

	send_control(connection_of(device), SOCK_DATA, device->vnr, P_STATE_CHG_REQ, &p, sizeof(p));
}

void send_state_reply(struct drbd_device *device, s32 retcode)
{
	struct wire_p_state_reply p = { .retcode = cpu_to_be32((u32)retcode) };

	send_control(connection_of(device), SOCK_META, device->vnr, P_STATE_CHG_REPLY,
		     &p, sizeof(p));
}
