// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
#include <linux/slab.h>
#include "records.h"

/* Too large for the stack. */
struct scratch {
	struct status_context context;
	union {
		struct status_resource resource;
		struct status_connection connection;
		struct status_device device;
	};
};

/* ---- volumes ---- */

static u32 volume_count(struct shell_resource *r)
{
	struct drbd_device *device;
	u32 n = 0;

	drbd_lock(r);
	for_each_volume(device, &r->core)
		n++;
	drbd_unlock(r);
	return n;
}

struct volumes *volumes_get(struct shell_resource *r)
{
	u32 room = volume_count(r);
	struct volumes *v = kvzalloc(struct_size(v, device, room), GFP_KERNEL);
	struct drbd_device *device;

	if (!v)
		return NULL;
	drbd_lock(r);
	/* One that was added since then announces itself. */
	for_each_volume(device, &r->core) {
		if (v->n == room)
			break;
		v->device[v->n] = shell_of_device(device);
		kref_get(&v->device[v->n++]->kref);
	}
	drbd_unlock(r);
	return v;
}

void volumes_put(struct volumes *v)
{
	u32 i;

	for (i = 0; v && i < v->n; i++)
		drbd_device_put(v->device[i]);
	kvfree(v);
}

/* ---- containers ---- */

static int put_plain(struct sk_buff *skb, const struct option_section *section, const void *obj)
{
	struct nl_emit plain = {};

	return nl_put(skb, section, obj, &plain);
}

int record_put_type(struct sk_buff *skb, u32 type)
{
	struct nl_notification_header header = { .nh_type = type };

	return put_plain(skb, &nl_notification_header_section, &header);
}

static bool gone(const struct record *rec)
{
	return !rec->dump && (rec->type & NOTIFY_ACTION_MASK) == NOTIFY_DESTROY;
}

/* What is between context and statistics; conf may be NULL. */
static int put_middle(struct sk_buff *skb, const struct record *rec,
		      const struct option_section *conf_section, const void *conf,
		      const struct option_section *info_section, const void *info)
{
	struct nl_emit how = { .sensitive = rec->sensitive };
	int err = 0;

	if (!rec->dump)
		err = record_put_type(skb, rec->type);
	else if (conf)
		err = nl_put(skb, conf_section, conf, &how);
	if (!err && !gone(rec))
		err = put_plain(skb, info_section, info);
	return err;
}

static int fill_resource(struct sk_buff *skb, const struct record *rec, struct scratch *tmp)
{
	struct status_resource *s = &tmp->resource;

	status_resource_fill(s, rec->r);
	if (rec->side)
		status_resource_of(&s->info, rec->side);
	return put_middle(skb, rec, &res_opts_section, &s->opts,
			  &nl_resource_info_section, &s->info) ?:
	       put_plain(skb, &nl_resource_statistics_section, &s->statistics);
}

static int fill_device(struct sk_buff *skb, const struct record *rec, struct scratch *tmp)
{
	struct status_device *s = &tmp->device;

	status_device_fill(s, rec->d);
	if (rec->side)
		s->info.dev_disk_state = rec->side->state.disk;
	return put_middle(skb, rec, &disk_conf_section, s->has_disk ? &s->conf : NULL,
			  &nl_device_info_section, &s->info) ?:
	       put_plain(skb, &nl_device_statistics_section, &s->statistics);
}

static int fill_connection(struct sk_buff *skb, const struct record *rec, struct scratch *tmp)
{
	struct status_connection *s = &tmp->connection;

	status_connection_fill(s, rec->r);
	if (rec->side)
		status_connection_of(&s->info, rec->side);
	return put_middle(skb, rec, &net_conf_section, &s->conf,
			  &nl_connection_info_section, &s->info) ?:
	       put_plain(skb, &nl_connection_statistics_section, &s->statistics);
}

static int fill_peer_device(struct sk_buff *skb, const struct record *rec, struct scratch *tmp)
{
	struct status_device *s = &tmp->device;

	status_device_fill(s, rec->d);
	if (rec->side)
		status_peer_device_of(&s->peer_info, &rec->side->state);
	return put_middle(skb, rec, NULL, NULL, &nl_peer_device_info_section, &s->peer_info) ?:
	       put_plain(skb, &nl_peer_device_statistics_section, &s->peer_statistics);
}

static const struct {
	int context;
	int (*fill)(struct sk_buff *skb, const struct record *rec, struct scratch *tmp);
} kinds[RECORD_KINDS] = {
	[RECORD_RESOURCE] = { CTX_NAME, fill_resource },
	[RECORD_DEVICE] = { CTX_VOLUME, fill_device },
	[RECORD_CONNECTION] = { CTX_ADDRESSES, fill_connection },
	[RECORD_PEER_DEVICE] = { CTX_VOLUME | CTX_ADDRESSES, fill_peer_device },
};

/* A peer device's number would make it another object to listeners (netlink.md 5.3). */
static u32 record_minor(enum record_kind kind, const struct record *rec)
{
	return rec->d && (rec->dump || kind == RECORD_DEVICE) ? rec->d->core.minor : NL_MINOR_NONE;
}

static int record_fill(struct sk_buff *skb, enum record_kind kind, const struct record *rec)
{
	u8 cmd = (rec->dump ? NL_GET_RESOURCES : NL_RESOURCE_STATE) + kind;
	struct scratch *tmp = kzalloc(sizeof(*tmp), GFP_KERNEL);
	struct nl_header *header;
	int err;

	if (!tmp)
		return -ENOMEM;
	header = nl_message_put(skb, rec->portid, rec->seq, rec->dump ? NLM_F_MULTI : 0, cmd,
				record_minor(kind, rec));
	status_context_fill(&tmp->context, rec->r, rec->d, kinds[kind].context);
	err = header ? status_put_context(skb, &tmp->context) : -EMSGSIZE;
	if (!err)
		err = kinds[kind].fill(skb, rec, tmp);
	if (!err)
		genlmsg_end(skb, header);
	kfree_sensitive(tmp);
	return err;
}

struct sk_buff *record_new(enum record_kind kind, const struct record *rec)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);

	if (skb && record_fill(skb, kind, rec)) {
		nlmsg_free(skb);
		skb = NULL;
	}
	return skb;
}
