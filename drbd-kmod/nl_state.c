// SPDX-License-Identifier: GPL-2.0
/*
 * nl_state.c - commands about state: roles, resync, verify, I/O (netlink.md 3.4)
 */
#include "netlink.h"

static s32 set_role(struct nl_request *rq, bool primary)
{
	struct set_role_parms parms = {};
	s32 ret = nl_request_parse(rq, &set_role_parms_section, &parms, NL_PARSE_CHANGE, NULL);

	if (ret != ERR_NO_ERROR)
		return ret;
	rq->op.force = parms.assume_uptodate;
	return nl_run(rq, primary ? admin_primary : admin_secondary);
}

static s32 do_primary(struct nl_request *rq)
{
	return set_role(rq, true);
}

static s32 do_secondary(struct nl_request *rq)
{
	return set_role(rq, false);
}

static s32 do_verify(struct nl_request *rq)
{
	struct start_ov_parms parms = {};
	u64 seen = 0;
	s32 ret = nl_request_parse(rq, &start_ov_parms_section, &parms, NL_PARSE_CHANGE, &seen);

	if (ret != ERR_NO_ERROR)
		return ret;
	rq->op.have_start = seen & (1ULL << NLA_ov_start_sector);
	rq->op.start_sector = parms.ov_start_sector;
	rq->op.stop_sector = seen & (1ULL << NLA_ov_stop_sector) ? parms.ov_stop_sector : U64_MAX;
	rq->op.repair = parms.ov_repair;
	return nl_run(rq, admin_verify);
}

static s32 do_new_c_uuid(struct nl_request *rq)
{
	struct new_c_uuid_parms parms = {};
	s32 ret = nl_request_parse(rq, &new_c_uuid_parms_section, &parms, NL_PARSE_CHANGE, NULL);

	if (ret != ERR_NO_ERROR)
		return ret;
	rq->op.clear_bitmap = parms.clear_bm;
	return nl_run(rq, admin_new_current_uuid);
}

static s32 do_detach(struct nl_request *rq)
{
	struct detach_parms parms = {};
	s32 ret = nl_request_parse(rq, &detach_parms_section, &parms, NL_PARSE_CHANGE, NULL);

	if (ret != ERR_NO_ERROR)
		return ret;
	rq->op.force = parms.force_detach;
	return nl_run(rq, admin_detach);
}

static s32 do_resize(struct nl_request *rq)
{
	struct resize_parms parms = {};
	u64 seen = 0;
	s32 ret = nl_request_parse(rq, &resize_parms_section, &parms, NL_PARSE_CHANGE, &seen);

	if (ret != ERR_NO_ERROR)
		return ret;
	rq->op.size = parms.resize_size;
	rq->op.assume_peer_has_space = parms.resize_force;
	rq->op.assume_clean = parms.no_resync;
	if (seen & (1ULL << NLA_al_stripes))
		rq->op.al_stripes = parms.al_stripes;
	if (seen & (1ULL << NLA_al_stripe_size))
		rq->op.al_stripe_size_4k = parms.al_stripe_size / 4;
	return nl_run(rq, admin_resize);
}

#define PLAIN(name, command)					\
	static s32 name(struct nl_request *rq)			\
	{							\
		return nl_run(rq, command);			\
	}
PLAIN(do_invalidate, admin_invalidate)
PLAIN(do_inval_peer, admin_invalidate_remote)
PLAIN(do_pause_sync, admin_pause_sync)
PLAIN(do_resume_sync, admin_resume_sync)
PLAIN(do_suspend_io, admin_suspend_io)
PLAIN(do_resume_io, admin_resume_io)
PLAIN(do_outdate, admin_outdate)

static s32 do_timeout_type(struct nl_request *rq)
{
	struct timeout_parms parms;
	struct nl_emit plain = {};

	drbd_lock(rq->r);
	parms.timeout_type = admin_timeout_type(&rq->d->core);
	drbd_unlock(rq->r);
	return nl_put(rq->reply, &timeout_parms_section, &parms, &plain) ? ERR_NOMEM : ERR_NO_ERROR;
}

static s32 do_get_status(struct nl_request *rq)
{
	struct status_device *s = kzalloc(sizeof(*s), GFP_KERNEL);
	int err;

	if (!s)
		return ERR_NOMEM;
	status_device_fill(s, rq->d);
	err = status_put_all(rq->reply, rq->r, rq->d, s, capable(CAP_SYS_ADMIN));
	kfree_sensitive(s);
	return err ? ERR_NOMEM : ERR_NO_ERROR;
}

static const struct nl_command_desc commands[] = {
	{ NL_GET_STATUS, NL_CTX_MINOR, do_get_status },
	{ NL_PRIMARY, NL_CTX_MINOR, do_primary },
	{ NL_SECONDARY, NL_CTX_MINOR, do_secondary },
	{ NL_START_OV, NL_CTX_MINOR, do_verify },
	{ NL_NEW_C_UUID, NL_CTX_MINOR, do_new_c_uuid },
	{ NL_DETACH, NL_CTX_MINOR, do_detach },
	{ NL_RESIZE, NL_CTX_MINOR, do_resize },
	{ NL_INVALIDATE, NL_CTX_MINOR, do_invalidate },
	{ NL_INVAL_PEER, NL_CTX_MINOR, do_inval_peer },
	{ NL_PAUSE_SYNC, NL_CTX_MINOR, do_pause_sync },
	{ NL_RESUME_SYNC, NL_CTX_MINOR, do_resume_sync },
	{ NL_SUSPEND_IO, NL_CTX_MINOR, do_suspend_io },
	{ NL_RESUME_IO, NL_CTX_MINOR, do_resume_io },
	{ NL_OUTDATE, NL_CTX_MINOR, do_outdate },
	{ NL_GET_TIMEOUT_TYPE, NL_CTX_MINOR, do_timeout_type },
};

const struct nl_command_desc *nl_state_command(u8 cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return &commands[i];
	return NULL;
}
