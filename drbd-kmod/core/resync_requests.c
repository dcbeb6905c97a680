// SPDX-License-Identifier: GPL-2.0
/*
 * resync_requests.c - what the peer asks of a sync source or verify target (wire.md 6.6, 7)
 *
 * A request needs its extent, which application writes may hold for a while. It then waits on
 * prl.parked and not in the receiver: with two Primaries the peer's receiver may be waiting
 * for what follows the request in the stream, and the writes here for that receiver.
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"
#include "receive.h"

#define THROTTLE_MS 100
#define ASK_AGAIN_MS 250	/* well within the time a claim on an extent lasts without it */

static u64 request_sector(const struct incoming *in)
{
	return be64_to_cpu(((const struct wire_p_block_req *)in->fixed)->sector);
}

static u32 request_bytes(const struct incoming *in)
{
	return be32_to_cpu(((const struct wire_p_block_req *)in->fixed)->blksize);
}

static void request_refuse(struct incoming *in, u16 cmd)
{
	const struct wire_p_block_req *p = (const struct wire_p_block_req *)in->fixed;

	peer_request_refuse(in->pr, request_sector(in), request_bytes(in),
			    (const u8 *)&p->block_id, cmd);
	in->pr = NULL;
}

static enum peer_purpose request_purpose(const struct incoming *in)
{
	switch (in->hdr.cmd) {
	case P_OV_REQUEST:
		return PEER_VERIFY_TARGET;
	case P_CSUM_RS_REQUEST:
		return PEER_CSUM_SOURCE;
	default:
		return PEER_RESYNC_READ;
	}
}

/* Where the starter of a verify begins is known from its first request. */
static void verify_learn_start(struct drbd_device *device, u64 sector)
{
	struct resync *rs = &device->resync;

	if (device->state.conn != C_VERIFY_T || rs->verify_start != U64_MAX)
		return;
	rs->verify_start = sector;
	rs->verify_position = sector;
	rs->verify_left = device->bitmap.n_bits - bm_sector_to_bit(sector);
	rs->total = rs->verify_left;
	progress_start(&rs->progress, env_now_ms(), rs->total);
}

static void request_take(struct incoming *in)
{
	const struct wire_p_block_req *p = (const struct wire_p_block_req *)in->fixed;
	struct drbd_peer_request *pr = in->pr;

	interval_init(&pr->interval, request_sector(in), request_bytes(in));
	memcpy(pr->block_id, &p->block_id, sizeof(pr->block_id));
	pr->want_zero_check = in->hdr.cmd == P_RS_THIN_REQ;
	if (in->hdr.cmd == P_CSUM_RS_REQUEST) {
		pr->digest_len = min_t(u32, in->var_len, sizeof(pr->peer_digest));
		memcpy(pr->peer_digest, in->var, pr->digest_len);
	}
	peer_request_register(pr, request_purpose(in));
	in->pr = NULL;
}

/* ---- waiting for the extent ---- */

static bool is_pointless(const struct drbd_device *device)
{
	return device->resource->connection.cstate < C_WF_REPORT_PARAMS ||
	       device->state.disk < D_INCONSISTENT;
}

/* The resync ended while the request waited: whatever is sent now comes too late. */
static bool is_overtaken(const struct drbd_device *device)
{
	return !state_in_resync(device->state.conn) && device->state.conn != C_AHEAD;
}

/* The extent is taken, the request leaves whatever list it is on; true: it is under way. */
static bool request_go(struct drbd_device *device, struct drbd_peer_request *pr)
{
	if (is_pointless(device) || !rs_extent_try_lock(device, pr->interval.sector))
		return false;
	if (!local_get(device, D_INCONSISTENT)) {
		rs_extent_unlock(device, pr->interval.sector);
		return false;
	}
	resync_start_io(pr, PEER_OP_READ);
	return true;
}

static void parked_refuse(struct drbd_device *device, struct drbd_peer_request *pr)
{
	bool again = !is_pointless(device) && pr->purpose == PEER_RESYNC_READ &&
		     device->resource->connection.agreed_pro_version >= 96;

	dlist_del_init(&pr->link);
	peer_request_ack(pr, again ? P_RS_CANCEL : P_NEG_RS_DREPLY);
}

/* The oldest goes first; true: it has gone, or nobody waits for it any more. */
static bool parked_step(struct drbd_device *device)
{
	struct drbd_peer_request *pr = dlist_first_entry(&device->prl.parked,
							 struct drbd_peer_request, link);

	if (is_pointless(device) || is_overtaken(device)) {
		parked_refuse(device, pr);
		return true;
	}
	return request_go(device, pr);
}

enum fiber_status resync_parked_run(struct task *t, struct core_task *task)
{
	struct drbd_device *device = container_of(task, struct drbd_device, resync.parked);

	FIBER_BEGIN(task->pc);
	/* Nobody else would renew the claim while the writes take their time on a slow line. */
	while (!dlist_empty(&device->prl.parked))
		FIBER_WAIT_TIMEOUT(task->pc, t, ASK_AGAIN_MS, parked_step(device));
	FIBER_END(task->pc);
}

static void request_park(struct drbd_device *device, struct drbd_peer_request *pr)
{
	dlist_move_tail(&pr->link, &device->prl.parked);
	core_task_start(device->resource, &device->resync.parked);
}

static bool is_lost(const struct incoming *in)
{
	return is_pointless(in->device);
}

enum fiber_status receive_resync_request(struct task *t, struct incoming *in)
{
	struct drbd_device *device = in->device;
	struct drbd_peer_request *pr = in->pr;

	FIBER_BEGIN(in->pc);
	in->ok = true;
	if (device->state.disk != D_UP_TO_DATE) {
		request_refuse(in, P_NEG_RS_DREPLY);
		FIBER_RETURN(in->pc);
	}
	if (device->state.conn == C_AHEAD && in->hdr.cmd != P_CSUM_RS_REQUEST) {
		request_refuse(in, P_RS_CANCEL);
		FIBER_RETURN(in->pc);
	}
	if (in->hdr.cmd == P_OV_REQUEST)
		verify_learn_start(device, request_sector(in));
	if (device->state.peer != ROLE_PRIMARY && resync_throttled(device))
		FIBER_WAIT_TIMEOUT(in->pc, t, THROTTLE_MS, is_lost(in));
	if (is_lost(in)) {
		request_refuse(in, P_NEG_RS_DREPLY);
		FIBER_RETURN(in->pc);
	}
	request_take(in);
	/* In order, so that none is overtaken for ever. */
	if (!dlist_empty(&device->prl.parked) || !request_go(device, pr))
		request_park(device, pr);
	FIBER_END(in->pc);
}
