// SPDX-License-Identifier: GPL-2.0
#include "status.h"
#include "core/engine.h"

#define BIT_OF(attr) (1ULL << (attr))

void status_context_fill(struct status_context *c, struct shell_resource *r,
			 struct shell_device *d, int parts)
{
	memset(c, 0, sizeof(*c));
	drbd_lock(r);
	if (d && (parts & CTX_VOLUME))
		c->ctx.ctx_volume = d->core.vnr;
	else
		c->omit |= BIT_OF(NLA_ctx_volume);
	strscpy(c->ctx.ctx_resource_name, r->core.name, sizeof(c->ctx.ctx_resource_name));
	if ((parts & CTX_ADDRESSES) && r->core.connection.configured) {
		memcpy(c->ctx.ctx_my_addr, &r->conn.my_addr, r->conn.my_addr_len);
		c->ctx.ctx_my_addr_len = r->conn.my_addr_len;
		memcpy(c->ctx.ctx_peer_addr, &r->conn.peer_addr, r->conn.peer_addr_len);
		c->ctx.ctx_peer_addr_len = r->conn.peer_addr_len;
	} else {
		c->omit |= BIT_OF(NLA_ctx_my_addr) | BIT_OF(NLA_ctx_peer_addr);
	}
	drbd_unlock(r);
}

int status_put_context(struct sk_buff *skb, const struct status_context *c)
{
	struct nl_emit how = { .omit = c->omit };

	return nl_put(skb, &nl_cfg_context_section, &c->ctx, &how);
}

/* ---- resource and connection ---- */

void status_resource_of(struct nl_resource_info *info, const struct notify_side *side)
{
	info->res_role = side->role ? side->role : ROLE_SECONDARY;
	info->res_susp = side->susp;
	info->res_susp_nod = side->susp_nod;
	info->res_susp_fen = side->susp_fen;
}

void status_connection_of(struct nl_connection_info *info, const struct notify_side *side)
{
	info->conn_connection_state = side->cstate;
	info->conn_role = side->peer_role;
}

static void side_of_now(struct notify_side *side, struct shell_resource *r)
{
	struct drbd_device *device;

	memset(side, 0, sizeof(*side));
	side->cstate = r->core.connection.cstate;
	side->susp = r->core.susp;
	side->susp_nod = r->core.susp_nod;
	side->susp_fen = r->core.susp_fen;
	for_each_volume(device, &r->core) {
		side->role = state_role_highest(side->role, device->state.role);
		side->peer_role = state_role_highest(side->peer_role, device->state.peer);
	}
}

void status_resource_fill(struct status_resource *s, struct shell_resource *r)
{
	struct notify_side side;

	drbd_lock(r);
	side_of_now(&side, r);
	status_resource_of(&s->info, &side);
	s->statistics.res_stat_write_ordering = r->core.write_ordering;
	s->opts = r->core.opts;
	drbd_unlock(r);
}

void status_connection_fill(struct status_connection *s, struct shell_resource *r)
{
	struct notify_side side;

	drbd_lock(r);
	side_of_now(&side, r);
	status_connection_of(&s->info, &side);
	s->statistics.conn_congested = false;
	s->configured = r->core.connection.configured;
	s->conf = r->core.connection.net_conf;
	drbd_unlock(r);
}

/* ---- device ---- */

void status_peer_device_of(struct nl_peer_device_info *info, const struct state *state)
{
	info->peer_repl_state = max_t(u32, state->conn, C_WF_REPORT_PARAMS);
	info->peer_disk_state = state->pdsk;
	info->peer_resync_susp_user = state->user_isp;
	info->peer_resync_susp_peer = state->peer_isp;
	info->peer_resync_susp_dependency = state->aftr_isp;
}

static u64 out_of_sync_bits(const struct drbd_device *c)
{
	return c->has_backing ? c->bitmap.bits_set : 0;
}

static void statistics_fill(struct nl_device_statistics *st, const struct drbd_device *c, bool disk)
{
	st->dev_size = c->capacity;
	st->dev_read = c->read_cnt;
	st->dev_write = c->writ_cnt;
	st->dev_al_writes = c->al_writ_cnt;
	st->dev_bm_writes = c->bm_writ_cnt;
	st->dev_upper_pending = c->ap_in_flight;
	st->dev_lower_pending = c->local_refs;
	st->dev_upper_blocked = device_blocks_io(c);
	st->dev_lower_blocked = false;
	st->dev_al_suspended = c->al.suspended;
	st->dev_exposed_data_uuid = c->ed_uuid;
	if (!disk)
		return;
	st->dev_current_uuid = c->md.uuid[MD_UUID_CURRENT];
	st->dev_disk_flags = c->md.flags;
	memcpy(st->history_uuids, &c->md.uuid[MD_UUID_HISTORY1], 2 * sizeof(u64));
	st->history_uuids_len = 4 * sizeof(u64);
}

static void peer_statistics_fill(struct nl_peer_device_statistics *st, const struct drbd_device *c,
				 bool disk)
{
	u32 flags = c->md.flags;

	st->peer_dev_received = c->recv_cnt;
	st->peer_dev_sent = c->send_cnt;
	st->peer_dev_pending = c->ap_pending + c->resync.pending;
	st->peer_dev_unacked = c->peer_unacked;
	st->peer_dev_out_of_sync = out_of_sync_bits(c) * BM_SECTORS_PER_BIT;
	st->peer_dev_resync_failed = c->resync.failed * BM_SECTORS_PER_BIT;
	if (!disk)
		return;
	st->peer_dev_bitmap_uuid = c->md.uuid[MD_UUID_BITMAP];
	st->peer_dev_flags = (flags & MDF_CONNECTED_IND ? 1 : 0) |
		((flags & MDF_CONSISTENT) && !(flags & MDF_WAS_UP_TO_DATE) ? 2 : 0) |
		(flags & MDF_FULL_SYNC ? 8 : 0);
}

static u64 state_info_fill(struct nl_state_info *si, struct drbd_device *c, bool disk)
{
	struct state state = device_state(c);
	u64 omit = BIT_OF(NLA_prev_state) | BIT_OF(NLA_new_state) |
		   BIT_OF(NLA_helper_exit_code) | BIT_OF(NLA_helper);

	si->sib_reason = SIB_GET_STATUS_REPLY;
	si->current_state = state_pack(state);
	si->ed_uuid = c->ed_uuid;
	si->capacity = c->capacity;
	si->send_cnt = c->send_cnt;
	si->recv_cnt = c->recv_cnt;
	si->read_cnt = c->read_cnt;
	si->writ_cnt = c->writ_cnt;
	si->al_writ_cnt = c->al_writ_cnt;
	si->bm_writ_cnt = c->bm_writ_cnt;
	si->ap_bio_cnt = c->ap_in_flight;
	si->ap_pending_cnt = c->ap_pending;
	si->rs_pending_cnt = c->resync.pending;
	if (!disk)
		return omit | BIT_OF(NLA_uuids) | BIT_OF(NLA_disk_flags) | BIT_OF(NLA_bits_total) |
		       BIT_OF(NLA_bits_oos) | BIT_OF(NLA_bits_rs_total) | BIT_OF(NLA_bits_rs_failed);
	memcpy(si->uuids, c->md.uuid, sizeof(si->uuids));
	si->uuids_len = sizeof(si->uuids);
	si->disk_flags = c->md.flags;
	si->bits_total = c->bitmap.n_bits;
	si->bits_oos = c->bitmap.bits_set;
	if (state.conn < C_SYNC_SOURCE || state.conn > C_PAUSED_SYNC_T)
		return omit | BIT_OF(NLA_bits_rs_total) | BIT_OF(NLA_bits_rs_failed);
	si->bits_rs_total = c->resync.total;
	si->bits_rs_failed = c->resync.failed;
	return omit;
}

void status_device_fill(struct status_device *s, struct shell_device *d)
{
	struct drbd_device *c = &d->core;
	struct shell_resource *r = shell_of_resource(c->resource);

	memset(s, 0, sizeof(*s));
	drbd_lock(r);
	s->has_disk = c->has_backing && c->state.disk >= D_INCONSISTENT;
	s->info.dev_disk_state = c->state.disk;
	statistics_fill(&s->statistics, c, s->has_disk);
	status_peer_device_of(&s->peer_info, &c->state);
	peer_statistics_fill(&s->peer_statistics, c, s->has_disk);
	s->state_omit = state_info_fill(&s->state, c, s->has_disk);
	s->conf = c->disk_conf;
	drbd_unlock(r);
}

int status_put_all(struct sk_buff *skb, struct shell_resource *r, struct shell_device *d,
		   const struct status_device *s, bool sensitive)
{
	struct status_context *c = kzalloc(sizeof(*c), GFP_KERNEL);
	struct status_resource *sr = kzalloc(sizeof(*sr), GFP_KERNEL);
	struct status_connection *sc = kzalloc(sizeof(*sc), GFP_KERNEL);
	struct nl_emit plain = {}, secret = { .sensitive = sensitive };
	struct nl_emit state = { .omit = s ? s->state_omit : 0 };
	int err = -ENOMEM;

	if (!c || !sr || !sc)
		goto out;
	status_context_fill(c, r, d, CTX_VOLUME | CTX_ADDRESSES);
	status_resource_fill(sr, r);
	status_connection_fill(sc, r);
	err = status_put_context(skb, c);
	if (!err && d)
		err = nl_put(skb, &res_opts_section, &sr->opts, &plain);
	if (!err && d && s->has_disk)
		err = nl_put(skb, &disk_conf_section, &s->conf, &plain);
	if (!err && sc->configured)
		err = nl_put(skb, &net_conf_section, &sc->conf, &secret);
	if (!err && d)
		err = nl_put(skb, &nl_state_info_section, &s->state, &state);
out:
	kfree(c);
	kfree(sr);
	kfree(sc);
	return err;
}
