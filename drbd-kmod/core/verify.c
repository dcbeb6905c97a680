// SPDX-License-Identifier: GPL-2.0
/* verify.c - online verify: comparing digests block by block, both sides (wire.md 7; states.md 9.6) */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"
#include "receive.h"

static struct drbd_connection *connection_of(const struct drbd_device *device)
{
	return &device->resource->connection;
}

/* ---- what was found ---- */

void verify_log_run(struct drbd_device *device)
{
	struct resync *rs = &device->resync;

	if (rs->oos_sectors)
		env_log_device(device, LOG_LVL_WARN, "out of sync: start=%llu, size=%llu (sectors)",
			       (unsigned long long)rs->oos_first,
			       (unsigned long long)rs->oos_sectors);
	rs->oos_sectors = 0;
}

static void remember_difference(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct resync *rs = &device->resync;

	device_set_out_of_sync(device, sector, bytes);
	if (rs->oos_sectors && rs->oos_first + rs->oos_sectors == sector) {
		rs->oos_sectors += bytes >> 9;
		return;
	}
	verify_log_run(device);
	rs->oos_first = sector;
	rs->oos_sectors = bytes >> 9;
}

void verify_block_done(struct drbd_device *device, u64 sector, u32 bytes, bool differs)
{
	struct resync *rs = &device->resync;
	u64 end = sector + (bytes >> 9);

	if (differs)
		remember_difference(device, sector, bytes);
	else if (rs->oos_sectors && sector == rs->oos_first + rs->oos_sectors)
		verify_log_run(device);
	if (!state_is_verify(device->state.conn))
		return;
	if (rs->verify_left)
		rs->verify_left--;
	/* The starter counts by what it asked for. */
	if (device->state.conn == C_VERIFY_T && end > rs->verify_position)
		rs->verify_position = end;
	resync_check_finished(device);
}

/* ---- the starter asks ---- */

bool verify_all_asked(const struct drbd_device *device)
{
	const struct resync *rs = &device->resync;

	if (rs->verify_position >= device->capacity)
		return true;
	return state_apv_has_stop_sector((u16)connection_of(device)->agreed_pro_version) &&
	       rs->verify_position >= rs->verify_stop;
}

bool verify_send_next(struct drbd_device *device, struct outgoing *out)
{
	struct resync *rs = &device->resync;
	u64 sector = rs->verify_position;
	struct wire_p_block_req *p;
	u32 bytes;

	if (device->state.conn != C_VERIFY_S || !rs->budget || rs->finishing ||
	    verify_all_asked(device))
		return false;
	if (resync_throttled(device) || !rs_extent_try_lock(device, sector))
		return false;
	bytes = (u32)min_t(u64, BM_BLOCK_BYTES, (device->capacity - sector) << 9);
	p = send_begin(connection_of(device), out, device->vnr, P_OV_REQUEST, sizeof(*p), 0);
	p->sector = cpu_to_be64(sector);
	p->block_id = ID_SYNCER;
	p->blksize = cpu_to_be32(bytes);
	p->pad = 0;
	rs->verify_position = sector + BM_SECTORS_PER_BIT;
	rs->pending++;
	rs->budget--;
	rate_sent(&rs->plan, 1);
	return true;
}

/* ---- the other side answers ---- */

static void target_read_done(struct drbd_peer_request *pr)
{
	if (!pr->error) {
		env_peer_request_digest(pr, DIGEST_VERIFY);
		return;
	}
	/* Zeroes equal no digest of data: the block will count as different. */
	device_io_error(pr->device, IO_ERROR_DATA_READ);
	pr->digest_len = connection_of(pr->device)->verify_size;
	memset(pr->digest, 0, sizeof(pr->digest));
	verify_peer_digest_done(pr);
}

bool receive_verify_result(struct incoming *in)
{
	const struct wire_p_block_ack *p = (const struct wire_p_block_ack *)in->fixed;
	u64 sector = be64_to_cpu(p->sector);
	bool differs = be64_to_cpu((__force __be64)p->block_id) == ID_OUT_OF_SYNC;

	resync_answered(in->device, sector);
	verify_block_done(in->device, sector, be32_to_cpu(p->blksize), differs);
	return true;
}

/* ---- the starter compares ---- */

static u64 reply_sector(const struct incoming *in)
{
	return be64_to_cpu(((const struct wire_p_block_req *)in->fixed)->sector);
}

static u32 reply_bytes(const struct incoming *in)
{
	return be32_to_cpu(((const struct wire_p_block_req *)in->fixed)->blksize);
}

static u64 result_id(bool differs)
{
	return (__force u64)cpu_to_be64(differs ? ID_OUT_OF_SYNC : ID_IN_SYNC);
}

/* Nothing to compare with any more. */
static void reply_ignore(struct incoming *in)
{
	u64 id = result_id(false);

	resync_answered(in->device, reply_sector(in));
	peer_request_refuse(in->pr, reply_sector(in), reply_bytes(in), (const u8 *)&id, P_OV_RESULT);
	in->pr = NULL;
	verify_block_done(in->device, reply_sector(in), reply_bytes(in), false);
}

enum fiber_status receive_verify_reply(struct task *t, struct incoming *in)
{
	struct drbd_device *device = in->device;
	struct drbd_peer_request *pr = in->pr;

	(void)t;
	in->ok = true;
	device->resync.sectors_in += reply_bytes(in) >> 9;
	if (device->state.disk != D_UP_TO_DATE || !local_get(device, D_UP_TO_DATE)) {
		reply_ignore(in);
		return FIBER_DONE;
	}
	in->pr = NULL;
	interval_init(&pr->interval, reply_sector(in), reply_bytes(in));
	peer_request_register(pr, PEER_VERIFY_SOURCE);
	pr->want_len = min_t(u32, in->var_len, sizeof(pr->peer_digest));
	memcpy(pr->peer_digest, in->var, pr->want_len);
	pr->op = PEER_OP_READ;
	device->resync.own_sectors += pr->interval.bytes >> 9;
	peer_request_start(pr);
	return FIBER_DONE;
}

static void source_compared(struct drbd_peer_request *pr, bool differs)
{
	struct drbd_device *device = pr->device;
	u64 sector = pr->interval.sector, id = result_id(differs);
	u32 bytes = pr->interval.bytes;

	memcpy(pr->block_id, &id, sizeof(pr->block_id));
	peer_request_ack(pr, P_OV_RESULT);
	resync_answered(device, sector);
	verify_block_done(device, sector, bytes, differs);
}

/* ---- what the data path calls ---- */

void verify_peer_done(struct drbd_peer_request *pr)
{
	if (pr->purpose == PEER_VERIFY_TARGET) {
		target_read_done(pr);
	} else if (pr->error) {
		device_io_error(pr->device, IO_ERROR_DATA_READ);
		source_compared(pr, true);
	} else {
		env_peer_request_digest(pr, DIGEST_VERIFY);
	}
}

void verify_peer_digest_done(struct drbd_peer_request *pr)
{
	if (pr->purpose == PEER_VERIFY_SOURCE) {
		source_compared(pr, !pr->digest_len || pr->digest_len != pr->want_len ||
				memcmp(pr->digest, pr->peer_digest, pr->digest_len));
		return;
	}
	pr->device->resync.pending++;
	peer_request_reply(pr, P_OV_REPLY);
}

void verify_peer_sent(struct drbd_peer_request *pr, bool ok)
{
	/* Never sent: no result comes back that would release its extent. */
	if (!ok && pr->purpose == PEER_VERIFY_TARGET)
		resync_answered(pr->device, pr->interval.sector);
}
