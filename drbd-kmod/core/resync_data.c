// SPDX-License-Identifier: GPL-2.0
/*
 * resync_data.c - the data of a resync: asking on the target, answering on the source
 * (wire.md 6.5, 6.6)
 *
 * Every request holds a reference on its 16 MiB extent (rs_extent_try_lock()) until its answer
 * has been dealt with: on the target until the data is written, on the source until the target
 * has acknowledged it.
 */
#include "objects.h"
#include "connection.h"
#include "engine.h"
#include "predicates.h"
#include "receive.h"

static struct drbd_connection *connection_of(const struct drbd_device *device)
{
	return &device->resource->connection;
}

void resync_start_io(struct drbd_peer_request *pr, enum peer_op op)
{
	pr->op = op;
	pr->device->resync.own_sectors += pr->interval.bytes >> 9;
	peer_request_start(pr);
}

void resync_answered(struct drbd_device *device, u64 sector)
{
	if (device->resync.pending)
		device->resync.pending--;
	rs_extent_unlock(device, sector);
}

static u64 bits_set_in(struct drbd_device *device, u64 sector, u32 bytes)
{
	u64 first, last;

	if (!bm_range_touched(sector, bytes, device->capacity, &first, &last))
		return 0;
	return bm_count_range(&device->bitmap, first, last);
}

/* Bits of a range that are still set could not be synced. */
static void count_failed(struct drbd_device *device, u64 sector, u32 bytes)
{
	device->resync.failed += bits_set_in(device, sector, bytes);
}

/* ---- target: asking ---- */

static u32 request_limit(const struct drbd_device *device)
{
	u32 apv = connection_of(device)->agreed_pro_version;

	return max_t(u32, BM_BLOCK_BYTES, min_t(u32, device->max_bio_size, wire_data_max(apv)));
}

/* How many blocks from `bit` go into one request (wire.md 6.5 step 4). */
static u32 request_grow(const struct drbd_device *device, u64 bit)
{
	u32 limit = request_limit(device), granularity = device->disk_conf.rs_discard_granularity;
	u64 sector = bm_bit_to_sector(bit);
	u32 size = BM_BLOCK_BYTES, align = 1, blocks = 1;

	while (blocks < device->resync.budget) {
		u64 next = bit + blocks;

		if (size + BM_BLOCK_BYTES > limit || (sector & ((1ULL << (align + 3)) - 1)) ||
		    (granularity && size == granularity) || !(next % BM_BITS_PER_EXTENT) ||
		    bm_test(&device->bitmap, next) != 1)
			break;
		size += BM_BLOCK_BYTES;
		blocks++;
		if (size >= (u32)BM_BLOCK_BYTES << align)
			align++;
	}
	return blocks;
}

static u32 clip_to_device(const struct drbd_device *device, u64 sector, u32 bytes)
{
	u64 left = (device->capacity - sector) << 9;

	return (u32)min_t(u64, bytes, left);
}

static void request_counted(struct drbd_device *device, u32 blocks)
{
	struct resync *rs = &device->resync;

	rs->pending++;
	rs->cursor += blocks;
	rs->budget -= min(blocks, rs->budget);
	rate_sent(&rs->plan, blocks);
}

static void request_build(struct drbd_device *device, struct outgoing *out, u64 sector, u32 bytes)
{
	struct drbd_connection *connection = connection_of(device);
	bool thin = bytes == device->disk_conf.rs_discard_granularity &&
		    (connection->agreed_features & FF_THIN_RESYNC);
	struct wire_p_block_req *p = send_begin(connection, out, device->vnr,
						thin ? P_RS_THIN_REQ : P_RS_DATA_REQUEST,
						sizeof(*p), 0);

	p->sector = cpu_to_be64(sector);
	p->block_id = ID_SYNCER;
	p->blksize = cpu_to_be32(bytes);
	p->pad = 0;
}

/* Read it first, then ask with its digest; false: no memory now. */
static bool request_by_checksum(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct drbd_peer_request *pr;

	if (!local_get(device, D_INCONSISTENT))
		return false;
	pr = env_peer_request_alloc(device, bytes);
	if (!pr) {
		local_put(device);
		return false;
	}
	peer_request_init(pr, device, sector, bytes);
	memset(pr->block_id, 0xff, sizeof(pr->block_id));
	peer_request_register(pr, PEER_CSUM_TARGET);
	resync_start_io(pr, PEER_OP_READ);
	return true;
}

bool resync_send_next(struct drbd_device *device, struct outgoing *out)
{
	struct resync *rs = &device->resync;
	u32 blocks, bytes;
	u64 bit, sector;

	while (device->state.conn == C_SYNC_TARGET && rs->budget && !rs->finishing &&
	       device->has_backing) {
		bit = bm_find_next(&device->bitmap, rs->cursor);
		if (bit == BM_END) {
			rs->cursor = device->bitmap.n_bits;
			return false;
		}
		rs->cursor = bit;
		sector = bm_bit_to_sector(bit);
		if (resync_throttled(device) || !rs_extent_try_lock(device, sector))
			return false;
		blocks = request_grow(device, bit);
		bytes = clip_to_device(device, sector, blocks * BM_BLOCK_BYTES);
		if (!rs->use_csums) {
			request_build(device, out, sector, bytes);
			request_counted(device, blocks);
			return true;
		}
		if (!request_by_checksum(device, sector, bytes)) {
			rs_extent_unlock(device, sector);
			return false;
		}
		request_counted(device, blocks);
	}
	return false;
}

/* ---- target: what comes back ---- */

static bool writable(const struct drbd_device *device)
{
	return device->has_backing && device->state.disk >= D_INCONSISTENT;
}

static void reply_decode(struct incoming *in, u64 *sector, u32 *bytes)
{
	const struct wire_p_data *data = (const struct wire_p_data *)in->fixed;
	const struct wire_p_block_desc *desc = (const struct wire_p_block_desc *)in->fixed;

	if (in->hdr.cmd == P_RS_DEALLOCATED) {
		*sector = be64_to_cpu(desc->sector);
		*bytes = be32_to_cpu(desc->blksize);
	} else {
		*sector = be64_to_cpu(data->sector);
		*bytes = in->payload_len;
	}
}

/*
 * What comes after its resync was given up has no lock on its extent any more: it could undo
 * an application's newer write.
 */
static bool is_wanted(struct drbd_device *device, u64 sector)
{
	return rs_extent_is_locked(device, sector);
}

/* The data came damaged: as everywhere, the connection is not to be trusted any more. */
static void reply_damaged(struct incoming *in, u64 sector)
{
	env_log_device(in->device, LOG_LVL_ERR,
		       "resync data for sector %llu does not match its digest; reconnecting; check the network",
		       (unsigned long long)sector);
	in->ok = false;
	connection_fail(in->connection, C_PROTOCOL_ERROR);
}

enum fiber_status receive_resync_reply(struct task *t, struct incoming *in)
{
	static const u8 syncer[8] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff };
	struct drbd_device *device = in->device;
	struct drbd_peer_request *pr = in->pr;
	u64 sector;
	u32 bytes;

	(void)t;
	reply_decode(in, &sector, &bytes);
	in->pr = NULL;
	in->ok = true;
	device->resync.sectors_in += bytes >> 9;
	device->recv_cnt += bytes >> 9;
	if (in->digest_bad) {
		env_peer_request_free(pr);
		reply_damaged(in, sector);
		return FIBER_DONE;
	}
	if (!writable(device) || !is_wanted(device, sector) ||
	    !local_get(device, D_INCONSISTENT)) {
		resync_answered(device, sector);
		peer_request_refuse(pr, sector, bytes, syncer, P_NEG_ACK);
		return FIBER_DONE;
	}
	interval_init(&pr->interval, sector, bytes);
	memcpy(pr->block_id, syncer, sizeof(pr->block_id));
	peer_request_register(pr, PEER_RESYNC_WRITE);
	pr->may_unmap = in->hdr.cmd == P_RS_DEALLOCATED;
	resync_start_io(pr, pr->may_unmap ? PEER_OP_DISCARD : PEER_OP_WRITE);
	return FIBER_DONE;
}

static void target_write_done(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	u64 sector = pr->interval.sector;
	u32 bytes = pr->interval.bytes;

	if (pr->error) {
		count_failed(device, sector, bytes);
		device_io_error(device, IO_ERROR_DATA_WRITE);
		peer_request_ack(pr, P_NEG_ACK);
	} else {
		device_set_in_sync(device, sector, bytes);
		peer_request_ack(pr, P_RS_WRITE_ACK);
	}
	resync_answered(device, sector);
	resync_check_finished(device);
}

/* Unreadable here: asking for the data itself repairs it. */
static void target_read_failed(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	struct wire_p_block_req p = {
		.sector = cpu_to_be64(pr->interval.sector),
		.block_id = ID_SYNCER,
		.blksize = cpu_to_be32(pr->interval.bytes),
	};

	device_io_error(device, IO_ERROR_DATA_READ);
	if (device->state.conn == C_SYNC_TARGET &&
	    send_has_room(connection_of(device), SOCK_DATA, 8))
		send_control(connection_of(device), SOCK_DATA, device->vnr, P_RS_DATA_REQUEST, &p,
			     sizeof(p));
	else
		resync_answered(device, pr->interval.sector);
	peer_request_finish(pr);
}

static bool ack_in_sync(struct drbd_device *device, u64 sector, u32 bytes)
{
	struct resync *rs = &device->resync;

	rs->same_checksum += device_set_in_sync(device, sector, bytes);
	rs->sectors_in += bytes >> 9;
	resync_answered(device, sector);
	return true;
}

bool receive_resync_ack(struct incoming *in)
{
	const struct wire_p_block_ack *p = (const struct wire_p_block_ack *)in->fixed;
	struct drbd_device *device = in->device;
	struct resync *rs = &device->resync;
	u64 sector = be64_to_cpu(p->sector);
	u32 bytes = be32_to_cpu(p->blksize);

	switch (in->hdr.cmd) {
	case P_RS_IS_IN_SYNC:
		ack_in_sync(device, sector, bytes);
		break;
	case P_RS_CANCEL:
		/* The source has no time now: ask again, in the next turn. It is not on its way any more. */
		rs->sectors_in += bytes >> 9;
		rs->refused_from = min(rs->refused_from, bm_sector_to_bit(sector));
		resync_answered(device, sector);
		break;
	default:
		rs->sectors_in += bytes >> 9;
		if (state_is_verify(device->state.conn)) {
			/* Not compared, and the peer has said why in its own log. */
			resync_answered(device, sector);
			verify_block_done(device, sector, bytes, false);
			break;
		}
		count_failed(device, sector, bytes);
		resync_answered(device, sector);
		break;
	}
	resync_check_finished(device);
	return true;
}

/* ---- source: answering ---- */

static void source_refuse(struct drbd_peer_request *pr, u16 cmd)
{
	rs_extent_unlock(pr->device, pr->interval.sector);
	peer_request_ack(pr, cmd);
}

/* Its ack is awaited from now on, and with it the extent is released. */
static void source_reply(struct drbd_peer_request *pr, u16 cmd)
{
	pr->device->resync.pending++;
	peer_request_reply(pr, cmd);
}

static void source_read_done(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;

	if (pr->error) {
		count_failed(device, pr->interval.sector, pr->interval.bytes);
		device_io_error(device, IO_ERROR_DATA_READ);
		source_refuse(pr, P_NEG_RS_DREPLY);
	} else if (device->state.conn == C_AHEAD && pr->purpose == PEER_RESYNC_READ) {
		source_refuse(pr, P_RS_CANCEL);
	} else if (device->state.pdsk < D_INCONSISTENT) {
		rs_extent_unlock(device, pr->interval.sector);
		peer_request_finish(pr);
	} else if (pr->purpose == PEER_CSUM_SOURCE) {
		/* peer_digest holds what came, of digest_len bytes */
		pr->want_len = pr->digest_len;
		env_peer_request_digest(pr, DIGEST_CSUMS);
	} else if (pr->want_zero_check && pr->all_zero) {
		source_reply(pr, P_RS_DEALLOCATED);
	} else {
		source_reply(pr, P_RS_DATA_REPLY);
	}
}

static void source_digest_done(struct drbd_peer_request *pr)
{
	struct drbd_device *device = pr->device;
	u64 sector = pr->interval.sector;
	u32 bytes = pr->interval.bytes;

	if (pr->digest_len && pr->digest_len == pr->want_len &&
	    !memcmp(pr->digest, pr->peer_digest, pr->digest_len)) {
		device->resync.same_checksum += device_set_in_sync(device, sector, bytes);
		source_refuse(pr, P_RS_IS_IN_SYNC);
	} else {
		source_reply(pr, P_RS_DATA_REPLY);
	}
}

void resync_write_acked(struct drbd_device *device, u64 sector, u32 bytes)
{
	/*
	 * An ack that was on its way when the target said that its disk is lost: what its users wrote
	 * since, to the same block perhaps, is here alone and marked.
	 */
	if (device->state.pdsk >= D_INCONSISTENT)
		device_set_in_sync(device, sector, bytes);
	resync_answered(device, sector);
	resync_check_finished(device);
}

void resync_failed(struct drbd_device *device, u64 sector, u32 bytes)
{
	count_failed(device, sector, bytes);
	resync_answered(device, sector);
	resync_check_finished(device);
}

/* ---- what the data path calls ---- */

void resync_write_failed(struct drbd_device *device, u64 sector, u32 bytes)
{
	if (!state_is_sync_source(device->state.conn))
		return;
	device->resync.own_failed += bits_set_in(device, sector, bytes);
	resync_check_finished(device);
}

void resync_peer_done(struct drbd_peer_request *pr)
{
	switch (pr->purpose) {
	case PEER_RESYNC_WRITE:
		target_write_done(pr);
		break;
	case PEER_CSUM_TARGET:
		if (pr->error)
			target_read_failed(pr);
		else
			env_peer_request_digest(pr, DIGEST_CSUMS);
		break;
	default:
		source_read_done(pr);
		break;
	}
}

void resync_peer_digest_done(struct drbd_peer_request *pr)
{
	if (pr->purpose == PEER_CSUM_SOURCE)
		source_digest_done(pr);
	else
		peer_request_reply(pr, P_CSUM_RS_REQUEST);
}

void resync_peer_sent(struct drbd_peer_request *pr, bool ok)
{
	/* Never sent: nothing comes back that would release its extent. */
	if (!ok && (pr->purpose == PEER_CSUM_TARGET || pr->reply_cmd == P_RS_DATA_REPLY ||
		    pr->reply_cmd == P_RS_DEALLOCATED))
		resync_answered(pr->device, pr->interval.sector);
}

void peer_request_digest_done(struct drbd_peer_request *pr)
{
	if (pr->purpose == PEER_VERIFY_SOURCE || pr->purpose == PEER_VERIFY_TARGET)
		verify_peer_digest_done(pr);
	else
		resync_peer_digest_done(pr);
}
