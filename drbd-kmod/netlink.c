// SPDX-License-Identifier: GPL-2.0
/*
 * netlink.c - the family, and what every command does first and last (netlink.md 1, 3.1)
 */
#include <linux/module.h>
#include <linux/slab.h>
#include "netlink.h"

static const struct genl_multicast_group groups[] = {
	{ .name = NL_GROUP_EVENTS },
};

struct nl_header *nl_message_header(const struct nlmsghdr *nlh)
{
	return nlmsg_data(nlh) + GENL_HDRLEN;
}

struct nl_header *nl_message_put(struct sk_buff *skb, u32 portid, u32 seq, int flags, u8 cmd, u32 minor)
{
	struct nl_header *h = genlmsg_put(skb, portid, seq, &drbd_nl_family, flags, cmd);

	if (h) {
		h->minor = minor;
		h->ret_code = ERR_NO_ERROR;
	}
	return h;
}

void nl_info(struct nl_request *rq, const char *text)
{
	/* Without room the code alone has to do. */
	nl_put_info_text(rq->reply, text);
}

bool nl_set_defaults(const struct nl_request *rq)
{
	return rq->header->flags & NL_FLAG_SET_DEFAULTS;
}

s32 nl_request_parse(struct nl_request *rq, const struct option_section *section, void *obj,
		     enum nl_parse_mode mode, u64 *seen)
{
	int err = nl_parse(section, rq->info->attrs[section->nla], obj, mode, seen);

	if (!err)
		return ERR_NO_ERROR;
	nl_info(rq, nl_parse_error_text(err));
	return ERR_MANDATORY_TAG;
}

struct run_admin {
	admin_command *command;
	struct admin_op *op;
};

static enum fiber_status run_admin(struct task *t, void *arg)
{
	struct run_admin *run = arg;

	return run->command(t, run->op);
}

/* Which device is in use, and by whom as far as we know. */
static void tell_openers(struct nl_request *rq)
{
	struct drbd_device *device;
	struct shell_device *d;
	char text[128];

	drbd_lock(rq->r);
	for_each_volume(device, &rq->r->core) {
		if (!device->open_count || (rq->d && &rq->d->core != device))
			continue;
		d = shell_of_device(device);
		snprintf(text, sizeof(text), "/dev/drbd%u is open (%u times), last opened by %s, process %d.",
			 device->minor, device->open_count, d->opener, d->opener_pid);
		admin_info(&rq->op, text);
	}
	drbd_unlock(rq->r);
}

s32 nl_run(struct nl_request *rq, admin_command *command)
{
	struct run_admin run = { command, &rq->op };
	struct task t = {};

	drbd_run_fiber(rq->r, &t, run_admin, &run, true);
	if (rq->op.ret == SS_DEVICE_IN_USE)
		tell_openers(rq);
	if (rq->op.info[0])
		nl_info(rq, rq->op.info);
	return rq->op.ret;
}

/* ---- finding what the command is about ---- */

static struct shell_resource *connection_find(const struct nl_cfg_context *ctx)
{
	struct shell_resource *r, *found = NULL;

	mutex_lock(&drbd_objects_mutex);
	list_for_each_entry(r, &drbd_resources, all)
		if (r->core.connection.configured &&
		    r->conn.my_addr_len == ctx->ctx_my_addr_len &&
		    r->conn.peer_addr_len == ctx->ctx_peer_addr_len &&
		    !memcmp(&r->conn.my_addr, ctx->ctx_my_addr, ctx->ctx_my_addr_len) &&
		    !memcmp(&r->conn.peer_addr, ctx->ctx_peer_addr, ctx->ctx_peer_addr_len)) {
			kref_get(&r->kref);
			found = r;
			break;
		}
	mutex_unlock(&drbd_objects_mutex);
	return found;
}

static s32 find_connection(struct nl_request *rq)
{
	if (rq->r) {
		nl_info(rq, "no resource name expected");
		return ERR_INVALID_REQUEST;
	}
	if (rq->d) {
		nl_info(rq, "no minor number expected");
		return ERR_INVALID_REQUEST;
	}
	if (rq->ctx.ctx_my_addr_len && rq->ctx.ctx_peer_addr_len)
		rq->r = connection_find(&rq->ctx);
	if (!rq->r) {
		nl_info(rq, "unknown connection");
		return ERR_INVALID_REQUEST;
	}
	return ERR_NO_ERROR;
}

static s32 find_objects(struct nl_request *rq, enum nl_context context)
{
	bool named = rq->ctx_seen & (1ULL << NLA_ctx_resource_name);

	rq->d = rq->header->minor == NL_MINOR_NONE ? NULL : drbd_device_find(rq->header->minor);
	rq->r = named ? drbd_resource_find(rq->ctx.ctx_resource_name) : NULL;

	if (context == NL_CTX_MINOR && !rq->d) {
		nl_info(rq, "unknown minor");
		return ERR_MINOR_INVALID;
	}
	if (context == NL_CTX_RESOURCE && !rq->r) {
		nl_info(rq, "unknown resource");
		return named ? ERR_RES_NOT_KNOWN : ERR_INVALID_REQUEST;
	}
	if (context == NL_CTX_CONNECTION)
		return find_connection(rq);
	if (rq->d && rq->r && shell_of_resource(rq->d->core.resource) != rq->r) {
		nl_info(rq, "minor exists in different resource");
		return ERR_INVALID_REQUEST;
	}
	if (rq->d && (rq->ctx_seen & (1ULL << NLA_ctx_volume)) &&
	    rq->ctx.ctx_volume != rq->d->core.vnr) {
		nl_info(rq, "minor exists as different volume");
		return ERR_INVALID_REQUEST;
	}
	if (rq->d && !rq->r) {
		rq->r = shell_of_resource(rq->d->core.resource);
		kref_get(&rq->r->kref);
	}
	return ERR_NO_ERROR;
}

/* Waiting for the mutex, it may have been removed. */
static bool still_there(const struct nl_request *rq)
{
	return !list_empty(&rq->r->all) && !(rq->d && rq->d->core.unregistered);
}

/* ---- request and reply ---- */

static int echo_context(struct nl_request *rq)
{
	struct nlattr *ctx = rq->info->attrs[NLA_CFG_CONTEXT];

	return ctx ? nla_put(rq->reply, ctx->nla_type, nla_len(ctx), nla_data(ctx)) : 0;
}

static int request_begin(struct nl_request *rq, struct genl_info *info)
{
	struct nlattr *ctx = info->attrs[NLA_CFG_CONTEXT];
	int err;

	rq->info = info;
	rq->header = nl_message_header(info->nlhdr);
	if (ctx) {
		err = nl_parse(&nl_cfg_context_section, ctx, &rq->ctx, NL_PARSE_CHANGE, &rq->ctx_seen);
		if (err)
			return err;
	}
	rq->reply = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!rq->reply)
		return -ENOMEM;
	rq->reply_header = nl_message_put(rq->reply, info->snd_portid, info->snd_seq, 0,
					  info->genlhdr->cmd, rq->header->minor);
	if (!rq->reply_header)
		return -EMSGSIZE;
	return echo_context(rq);
}

static void request_end(struct nl_request *rq)
{
	if (rq->d)
		drbd_device_put(rq->d);
	if (rq->r)
		drbd_resource_put(rq->r);
	if (rq->reply)
		nlmsg_free(rq->reply);
	kfree_sensitive(rq);
}

static s32 request_run(struct nl_request *rq, const struct nl_command_desc *command)
{
	s32 ret = find_objects(rq, command->context);

	if (ret != ERR_NO_ERROR)
		return ret;
	if (!rq->r)
		return command->run(rq);
	/* Who holds the mutex, or what it takes to go down, may wait for a helper. */
	if (command->cmd == NL_DOWN)
		shell_helpers_give_up(rq->r);
	if (mutex_lock_interruptible(&rq->r->admin))
		return ERR_INTR;
	if (still_there(rq)) {
		admin_op_init(&rq->op, &rq->r->core, rq->d ? &rq->d->core : NULL);
		ret = command->run(rq);
	} else {
		ret = command->context == NL_CTX_MINOR ? ERR_MINOR_INVALID : ERR_RES_NOT_KNOWN;
	}
	mutex_unlock(&rq->r->admin);
	return ret;
}

static int drbd_nl_do(struct sk_buff *skb, struct genl_info *info)
{
	u8 cmd = info->genlhdr->cmd;
	const struct nl_command_desc *command = nl_config_command(cmd);
	struct nl_request *rq = kzalloc(sizeof(*rq), GFP_KERNEL);
	int err;

	if (!rq)
		return -ENOMEM;
	if (!command)
		command = nl_state_command(cmd);
	err = command ? request_begin(rq, info) : -EOPNOTSUPP;
	if (!err) {
		rq->reply_header->ret_code = request_run(rq, command);
		genlmsg_end(rq->reply, rq->reply_header);
		err = genlmsg_reply(rq->reply, info);
		rq->reply = NULL;
	}
	request_end(rq);
	return err;
}

#define DO(number) { .cmd = (number), .doit = drbd_nl_do, .flags = GENL_ADMIN_PERM }
#define DUMP(number) { .cmd = (number), .start = nl_dump_start, .dumpit = nl_dump_next, .done = nl_dump_done }

static const struct genl_ops ops[] = {
	{ .cmd = NL_GET_STATUS, .doit = drbd_nl_do, .start = nl_dump_start,
	  .dumpit = nl_dump_next, .done = nl_dump_done },
	DO(NL_NEW_MINOR), DO(NL_DEL_MINOR), DO(NL_NEW_RESOURCE), DO(NL_DEL_RESOURCE),
	DO(NL_RESOURCE_OPTS), DO(NL_CONNECT), DO(NL_CHG_NET_OPTS), DO(NL_DISCONNECT),
	DO(NL_ATTACH), DO(NL_CHG_DISK_OPTS), DO(NL_RESIZE), DO(NL_PRIMARY), DO(NL_SECONDARY),
	DO(NL_NEW_C_UUID), DO(NL_START_OV), DO(NL_DETACH), DO(NL_INVALIDATE), DO(NL_INVAL_PEER),
	DO(NL_PAUSE_SYNC), DO(NL_RESUME_SYNC), DO(NL_SUSPEND_IO), DO(NL_RESUME_IO),
	DO(NL_OUTDATE), DO(NL_GET_TIMEOUT_TYPE), DO(NL_DOWN),
	DUMP(NL_GET_RESOURCES), DUMP(NL_GET_DEVICES), DUMP(NL_GET_CONNECTIONS),
	DUMP(NL_GET_PEER_DEVICES), DUMP(NL_GET_INITIAL_STATE),
};

struct genl_family drbd_nl_family = {
	.name = NL_FAMILY_NAME,
	.version = NL_FAMILY_VERSION,
	.hdrsize = sizeof(struct nl_header),
	.maxattr = NL_CONTAINER_MAX,
	.policy = nl_policy,
	.parallel_ops = true,
	.module = THIS_MODULE,
	.ops = ops,
	.n_ops = ARRAY_SIZE(ops),
	.mcgrps = groups,
	.n_mcgrps = ARRAY_SIZE(groups),
#ifdef COMPAT_HAVE_RESV_START_OP
	.resv_start_op = 42,
#endif
};

int drbd_netlink_init(void)
{
	return genl_register_family(&drbd_nl_family);
}

void drbd_netlink_exit(void)
{
	genl_unregister_family(&drbd_nl_family);
}
