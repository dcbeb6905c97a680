// SPDX-License-Identifier: GPL-2.0
/*
 * nl_dump.c - dumps, each record a datagram of its own (netlink.md 3.5)
 *
 * The first call of a dump makes all its records, so that nothing can be missed or told
 * twice while objects come and go; every call hands out one. The tools look for the end
 * only at the start of a datagram, so it must not share one with a record.
 */
#include <linux/slab.h>
#include "records.h"

struct dump {
	bool built;
	int error;		/* what the end of the dump says, 0 or negative errno */
	struct sk_buff_head records;
};

static struct dump *dump_of(struct netlink_callback *cb)
{
	return (struct dump *)cb->args[0];
}

int nl_dump_start(struct netlink_callback *cb)
{
	struct dump *dump = kzalloc(sizeof(*dump), GFP_KERNEL);

	if (!dump)
		return -ENOMEM;
	__skb_queue_head_init(&dump->records);
	cb->args[0] = (long)dump;
	return 0;
}

int nl_dump_done(struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);

	__skb_queue_purge(&dump->records);
	kfree(dump);
	cb->args[0] = 0;
	return 0;
}

static int dump_add(struct dump *dump, struct sk_buff *record)
{
	if (!record)
		return -ENOMEM;
	__skb_queue_tail(&dump->records, record);
	return 0;
}

static struct record dump_record(struct netlink_callback *cb)
{
	return (struct record){
		.portid = NETLINK_CB(cb->skb).portid,
		.seq = cb->nlh->nlmsg_seq,
		.dump = true,
		.sensitive = capable(CAP_SYS_ADMIN),
	};
}

/* ---- the filter ---- */

struct filter {
	bool context;			/* there is one, maybe without a name */
	bool named;
	struct shell_resource *r;	/* with a reference */
};

static int filter_parse(struct netlink_callback *cb, struct filter *filter)
{
	struct nlattr *nla, *found = NULL;
	struct nl_cfg_context *ctx;
	u64 seen = 0;
	int rest, err;

	memset(filter, 0, sizeof(*filter));
	nlmsg_for_each_attr(nla, cb->nlh, GENL_HDRLEN + sizeof(struct nl_header), rest)
		if (nla_type(nla) == NLA_CFG_CONTEXT)
			found = nla;
	if (!found)
		return 0;
	ctx = kzalloc(sizeof(*ctx), GFP_KERNEL);
	if (!ctx)
		return -ENOMEM;
	err = nl_parse(&nl_cfg_context_section, found, ctx, NL_PARSE_CHANGE, &seen);
	if (!err) {
		filter->context = true;
		filter->named = seen & (1ULL << NLA_ctx_resource_name);
		if (filter->named)
			filter->r = drbd_resource_find(ctx->ctx_resource_name);
	}
	kfree(ctx);
	return err;
}

/* ---- GET_STATUS ---- */

static struct sk_buff *status_record(struct netlink_callback *cb, struct shell_resource *r,
				     struct shell_device *d)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct status_device *s = d ? kzalloc(sizeof(*s), GFP_KERNEL) : NULL;
	struct nl_header *header;
	int err = -ENOMEM;

	if (!skb || (d && !s))
		goto out;
	header = nl_message_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, NLM_F_MULTI,
				NL_GET_STATUS, d ? d->core.minor : NL_MINOR_NONE);
	if (!header)
		goto out;
	if (d)
		status_device_fill(s, d);
	/* Without a volume the secret is never told. */
	err = status_put_all(skb, r, d, s, d && capable(CAP_SYS_ADMIN));
	if (!err)
		genlmsg_end(skb, header);
out:
	kfree(s);
	if (err) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

static int status_of_resource(struct dump *dump, struct netlink_callback *cb,
			      struct shell_resource *r)
{
	struct volumes *v = volumes_get(r);
	int err = 0;
	u32 i;

	if (!v)
		return -ENOMEM;
	for (i = 0; i < v->n && !err; i++)
		err = dump_add(dump, status_record(cb, r, v->device[i]));
	if (!v->n)
		err = dump_add(dump, status_record(cb, r, NULL));
	volumes_put(v);
	return err;
}

static int dump_status(struct dump *dump, struct netlink_callback *cb, const struct filter *filter)
{
	struct shell_resource *r;
	int err = 0;

	if (filter->context && !filter->named)
		return -EINVAL;
	if (filter->named)
		return filter->r ? status_of_resource(dump, cb, filter->r) : -ENODEV;

	mutex_lock(&drbd_objects_mutex);
	list_for_each_entry(r, &drbd_resources, all) {
		err = status_of_resource(dump, cb, r);
		if (err)
			break;
	}
	mutex_unlock(&drbd_objects_mutex);
	return err;
}

/* ---- objects ---- */

/* drbd_objects_mutex, or a reference on r. */
static int one_object(struct dump *dump, struct netlink_callback *cb, enum record_kind kind,
		      struct shell_resource *r, struct shell_device *d)
{
	bool needs_peer = kind == RECORD_CONNECTION || kind == RECORD_PEER_DEVICE;
	struct record rec = dump_record(cb);

	if (needs_peer && !READ_ONCE(r->core.connection.configured))
		return 0;
	rec.r = r;
	rec.d = d;
	return dump_add(dump, record_new(kind, &rec));
}

/* Resources or connections. */
static int dump_by_resource(struct dump *dump, struct netlink_callback *cb, enum record_kind kind)
{
	struct shell_resource *r;
	int err = 0;

	mutex_lock(&drbd_objects_mutex);
	list_for_each_entry(r, &drbd_resources, all) {
		err = one_object(dump, cb, kind, r, NULL);
		if (err)
			break;
	}
	mutex_unlock(&drbd_objects_mutex);
	return err;
}

/* Devices or peer devices. */
static int dump_by_minor(struct dump *dump, struct netlink_callback *cb, enum record_kind kind)
{
	struct shell_device *d;
	u32 minor = 0;
	int err = 0;

	while (!err && (d = drbd_device_next(&minor))) {
		err = one_object(dump, cb, kind, shell_of_resource(d->core.resource), d);
		drbd_device_put(d);
		minor++;
	}
	return err;
}

static int dump_by_volume(struct dump *dump, struct netlink_callback *cb, enum record_kind kind,
			  struct shell_resource *r)
{
	struct volumes *v = volumes_get(r);
	int err = 0;
	u32 i;

	if (!v)
		return -ENOMEM;
	for (i = 0; i < v->n && !err; i++)
		err = one_object(dump, cb, kind, r, v->device[i]);
	volumes_put(v);
	return err;
}

static int unknown_resource(struct dump *dump, struct netlink_callback *cb, u8 cmd)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct nl_header *header;

	if (!skb)
		return -ENOMEM;
	header = nl_message_put(skb, NETLINK_CB(cb->skb).portid, cb->nlh->nlmsg_seq, NLM_F_MULTI,
				cmd, NL_MINOR_NONE);
	if (!header) {
		nlmsg_free(skb);
		return -EMSGSIZE;
	}
	header->ret_code = ERR_RES_NOT_KNOWN;
	genlmsg_end(skb, header);
	return dump_add(dump, skb);
}

static int dump_objects(struct dump *dump, struct netlink_callback *cb, u8 cmd,
			const struct filter *filter)
{
	enum record_kind kind = cmd - NL_GET_RESOURCES;
	bool devices = kind == RECORD_DEVICE || kind == RECORD_PEER_DEVICE;

	if (filter->named && !filter->r)
		return unknown_resource(dump, cb, cmd);
	if (devices)
		return filter->r ? dump_by_volume(dump, cb, kind, filter->r) :
				   dump_by_minor(dump, cb, kind);
	return filter->r ? one_object(dump, cb, kind, filter->r, NULL) :
			   dump_by_resource(dump, cb, kind);
}

/* ---- the dump ---- */

static int dump_build(struct dump *dump, struct netlink_callback *cb)
{
	const struct genlmsghdr *genl = nlmsg_data(cb->nlh);
	struct filter filter = {};
	int err;

	if (genl->cmd == NL_GET_INITIAL_STATE)
		return events_initial_state(&dump->records, cb->nlh->nlmsg_seq);
	if (genl->cmd == NL_GET_RESOURCES)
		return dump_objects(dump, cb, genl->cmd, &filter);
	err = filter_parse(cb, &filter);
	if (err)
		return err;
	if (genl->cmd == NL_GET_STATUS)
		err = dump_status(dump, cb, &filter);
	else
		err = dump_objects(dump, cb, genl->cmd, &filter);
	if (filter.r)
		drbd_resource_put(filter.r);
	return err;
}

int nl_dump_next(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct dump *dump = dump_of(cb);
	struct sk_buff *record;

	if (!dump->built) {
		dump->error = dump_build(dump, cb);
		dump->built = true;
		/* Half a dump would look like a whole one. */
		if (dump->error)
			__skb_queue_purge(&dump->records);
	}
	record = __skb_dequeue(&dump->records);
	if (!record)
		return dump->error;
	if (skb_tailroom(skb) < record->len) {
		nlmsg_free(record);
		return -EMSGSIZE;
	}
	skb_put_data(skb, record->data, record->len);
	nlmsg_free(record);
	return skb->len;
}
