// SPDX-License-Identifier: GPL-2.0
/* bitmap_exchange.c - both nodes tell each other what differs, before a resync (wire.md 6.1 to 6.3) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "names.h"
#include "predicates.h"
#include "receive.h"

/* ---- sending ---- */

void bitmap_send_start(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	if (rs->bitmap_sending)
		return;
	rs->bitmap_sending = true;
	rs->bitmap_link = device->resource->connection.established_at;
	core_task_start(device->resource, &rs->bitmap_task);
}

static void bitmap_send_over(struct drbd_device *device)
{
	const struct bm_transfer *out = &device->resync.out;

	device->resync.bitmap_sending = false;
	env_log_device(device, LOG_LVL_INFO,
		       "bitmap sent: %llu packets, %llu bytes plain; %llu packets, %llu bytes compressed",
		       (unsigned long long)out->packets[0], (unsigned long long)out->bytes[0],
		       (unsigned long long)out->packets[1], (unsigned long long)out->bytes[1]);
	/* The target has answered; now the source has the next word, with its sync UUID. */
	if (device->state.conn == C_WF_BITMAP_T)
		state_change(device, ST_ARGS(ST_CHANGE_CONN(C_WF_SYNC_UUID)), CS_VERBOSE);
}

static bool bitmap_send_possible(struct drbd_device *device)
{
	u8 conn = device->state.conn;

	return device->resync.bitmap_sending && device->has_backing &&
	       device->state.disk >= D_NEGOTIATING &&
	       (conn == C_WF_BITMAP_S || conn == C_WF_BITMAP_T);
}

/* Still to be sent, and on the connection it was asked for on? */
static bool bitmap_send_wanted(struct drbd_device *device)
{
	return bitmap_send_possible(device) &&
	       device->resync.bitmap_link == device->resource->connection.established_at;
}

/* What a suspension holds back moves no more, and is found in the transfer log. */
static bool writes_are_known(const struct drbd_device *device)
{
	return device->ap_in_flight == 0 ||
	       (state_suspended(device_state(device)) && dlist_empty(&device->rq.local));
}

/* A write that has not come to its end may still set its bits then: the peer would miss them. */
static void mark_unfinished_writes(struct drbd_device *device)
{
	struct drbd_request *req;

	dlist_for_each_entry(req, &device->resource->connection.tl.requests, tl)
		if (req->device == device && (req->flags & RQ_W))
			device_set_out_of_sync(device, req->interval.sector, req->interval.bytes);
}

/*
 * Writes that began without the peer set their bits when they end, so the bitmap leaves only
 * after the last of them; new ones wait that long. From then on writes send notices.
 */
enum fiber_status bitmap_task_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, resync.bitmap_task);
	struct resync *rs = &device->resync;

	(void)t;
	FIBER_BEGIN(task->pc);
	FIBER_WAIT_UNTIL(task->pc, !device->bm_io_pending || !bitmap_send_wanted(device));
	if (dlist_linked(&rs->bitmap_send.link))
		FIBER_RETURN(task->pc);
	if (!bitmap_send_wanted(device)) {
		rs->bitmap_sending = false;
		FIBER_RETURN(task->pc);
	}
	device->bm_io_pending = true;
	FIBER_WAIT_UNTIL(task->pc, writes_are_known(device) || !bitmap_send_wanted(device));
	device->bm_io_pending = false;
	if (bitmap_send_wanted(device)) {
		mark_unfinished_writes(device);
		bm_transfer_init(&rs->out, device->bitmap.n_bits);
		send_item_queue(&device->resource->connection, SOCK_DATA, &rs->bitmap_send);
	} else {
		rs->bitmap_sending = false;
	}
	request_admission_kick(device);
	env_wake(device->resource);
	FIBER_END(task->pc);
}

bool bitmap_send_next(struct drbd_device *device, struct outgoing *out)
{
	struct drbd_connection *connection = &device->resource->connection;
	u32 apv = connection->agreed_pro_version;
	unsigned int room = wire_bitmap_room(apv), len = 0;
	u8 *payload = out->head + wire_header_size(apv);
	u16 cmd;

	if (!bitmap_send_possible(device)) {
		device->resync.bitmap_sending = false;
		return false;
	}
	switch (bm_send_fill(&device->bitmap, &device->resync.out,
			     connection->net_conf.use_rle && apv >= VLI_APV_MIN, payload, room, &len)) {
	case BM_SEND_PLAIN:
		cmd = P_BITMAP;
		break;
	case BM_SEND_COMPRESSED:
		cmd = P_COMPRESSED_BITMAP;
		break;
	case BM_SEND_DONE:
		bitmap_send_over(device);
		return false;
	default:
		env_log_device(device, LOG_LVL_ERR,
			       "the device changed its size while the bitmap was sent; reconnecting");
		device->resync.bitmap_sending = false;
		connection_fail(connection, C_NETWORK_FAILURE);
		return false;
	}
	/* The payload is in its place already, behind the header. */
	send_begin(connection, out, device->vnr, cmd, len, 0);
	return true;
}

/* ---- receiving ---- */

static bool bitmap_expected(const struct drbd_device *device)
{
	u8 conn = device->state.conn;

	return conn == C_WF_BITMAP_S || conn == C_WF_BITMAP_T;
}

static void bitmap_received(struct drbd_device *device)
{
	env_log_device(device, LOG_LVL_INFO, "bitmap received: %llu blocks (%llu KiB) are out of sync",
		       (unsigned long long)device->bitmap.bits_set,
		       (unsigned long long)device->bitmap.bits_set * 4);
	switch (device->state.conn) {
	case C_WF_BITMAP_T:
		bitmap_send_start(device);
		break;
	case C_WF_BITMAP_S:
		resync_start(device, C_SYNC_SOURCE);
		break;
	default:
		env_log_device(device, LOG_LVL_WARN, "a bitmap was not expected in %s",
			       name_of_conn(device->state.conn));
		break;
	}
}

static void bitmap_take(struct incoming *in)
{
	struct drbd_device *device = in->device;
	struct resync *rs = &device->resync;
	bool has_disk = device->has_backing && device->state.disk >= D_NEGOTIATING;
	int got;

	if (!rs->bitmap_receiving) {
		bm_transfer_init(&rs->in, device->bitmap.n_bits);
		rs->bitmap_receiving = true;
	}
	got = bm_recv_packet(has_disk && bitmap_expected(device) ? &device->bitmap : NULL, &rs->in,
			     in->hdr.cmd == P_COMPRESSED_BITMAP, in->var, in->var_len,
			     wire_bitmap_room(in->connection->agreed_pro_version));
	in->ok = got >= 0;
	if (got == BM_RECV_MORE)
		return;
	rs->bitmap_receiving = false;
	if (got == BM_RECV_DONE) {
		bitmap_received(device);
		return;
	}
	env_log_device(device, LOG_LVL_ERR, "the peer's bitmap is malformed; reconnecting (%d)", got);
	connection_fail(in->connection, C_PROTOCOL_ERROR);
}

enum fiber_status receive_bitmap(struct task *t, struct incoming *in)
{
	(void)t;
	FIBER_BEGIN(in->pc);
	/* Bits that a bulk operation is about to change would be lost. */
	FIBER_WAIT_UNTIL(in->pc, !in->device->bm_io_pending || in->connection->cstate < C_WF_REPORT_PARAMS);
	/* The peer's consent to an exchange travels on the other socket, and may be slower. */
	FIBER_WAIT_UNTIL(in->pc, !in->device->change.pending || bitmap_expected(in->device) ||
				 in->connection->cstate < C_WF_REPORT_PARAMS);
	bitmap_take(in);
	FIBER_END(in->pc);
}
