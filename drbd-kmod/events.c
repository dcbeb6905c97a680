// SPDX-License-Identifier: GPL-2.0
/*
 * events.c - what listeners of the multicast group are told (netlink.md 5)
 *
 * Two streams, each numbered on its own: the legacy event, and the notifications about
 * objects. Messages leave in the order of their numbers.
 */
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "records.h"

static DEFINE_MUTEX(stream_mutex);
static u32 legacy_seq = NL_SEQ_FIRST;
static u32 object_seq = NL_SEQ_FIRST;

/* NULL: there was no memory. The number is used nevertheless, so that listeners notice. */
static void stream_send(u32 *seq, struct sk_buff *skb)
{
	mutex_lock(&stream_mutex);
	if (skb) {
		nlmsg_hdr(skb)->nlmsg_seq = *seq;
		/* Best effort, and no listener is no error. */
		genlmsg_multicast(&drbd_nl_family, skb, 0, 0, GFP_KERNEL);
	}
	(*seq)++;
	mutex_unlock(&stream_mutex);
}

/* ---- objects ---- */

static void object_notify(enum record_kind kind, struct shell_resource *r, struct shell_device *d,
			  const struct notify_side *side, u32 type)
{
	struct record rec = { .r = r, .d = d, .side = side, .type = type };
	/* Writes to our devices may be waiting for what the caller does. */
	unsigned int noio = memalloc_noio_save();

	stream_send(&object_seq, record_new(kind, &rec));
	memalloc_noio_restore(noio);
}

void notify_resource(struct shell_resource *r, u32 type)
{
	object_notify(RECORD_RESOURCE, r, NULL, NULL, type);
}

void notify_device(struct shell_device *d, u32 type)
{
	object_notify(RECORD_DEVICE, shell_of_resource(d->core.resource), d, NULL, type);
}

void notify_connection(struct shell_resource *r, u32 type)
{
	object_notify(RECORD_CONNECTION, r, NULL, NULL, type);
}

void notify_peer_device(struct shell_device *d, u32 type)
{
	object_notify(RECORD_PEER_DEVICE, shell_of_resource(d->core.resource), d, NULL, type);
}

/* ---- changes of state ---- */

static bool resource_differs(const struct notify_side *os, const struct notify_side *ns)
{
	return os->role != ns->role || os->susp != ns->susp || os->susp_nod != ns->susp_nod ||
	       os->susp_fen != ns->susp_fen;
}

static bool connection_differs(const struct notify_side *os, const struct notify_side *ns)
{
	return os->cstate != ns->cstate || os->peer_role != ns->peer_role;
}

/* As it shows: several states look the same from outside. */
static bool peer_device_differs(const struct state *os, const struct state *ns)
{
	struct nl_peer_device_info before, after;

	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	status_peer_device_of(&before, os);
	status_peer_device_of(&after, ns);
	return memcmp(&before, &after, sizeof(before));
}

/* A bit for each kind of object that looks different now. */
static unsigned int kinds_changed(const struct notify_record *note)
{
	const struct notify_side *os = &note->os, *ns = &note->ns;
	unsigned int kinds = 0;

	if (resource_differs(os, ns))
		kinds |= BIT(RECORD_RESOURCE);
	if (connection_differs(os, ns))
		kinds |= BIT(RECORD_CONNECTION);
	if (note->device && os->state.disk != ns->state.disk)
		kinds |= BIT(RECORD_DEVICE);
	if (note->device && peer_device_differs(&os->state, &ns->state))
		kinds |= BIT(RECORD_PEER_DEVICE);
	return kinds;
}

static void changes_notify(struct shell_resource *r, struct shell_device *d,
			   const struct notify_record *note)
{
	static const enum record_kind order[] = {
		RECORD_RESOURCE, RECORD_CONNECTION, RECORD_DEVICE, RECORD_PEER_DEVICE,
	};
	unsigned int kinds = kinds_changed(note);
	int i;

	for (i = 0; i < ARRAY_SIZE(order); i++) {
		bool per_device = order[i] == RECORD_DEVICE || order[i] == RECORD_PEER_DEVICE;

		if (!(kinds & BIT(order[i])))
			continue;
		kinds &= ~BIT(order[i]);
		object_notify(order[i], r, per_device ? d : NULL, &note->ns,
			      NOTIFY_CHANGE | (kinds ? NOTIFY_CONTINUES : 0));
	}
}

/* ---- the legacy event ---- */

/* What the reason adds to the state information. */
static void reason_fill(struct status_device *s, enum nl_sib_reason reason,
			const struct notify_record *note)
{
	s->state.sib_reason = reason;
	switch (reason) {
	case SIB_STATE_CHANGE:
		s->state.prev_state = state_pack(note->os.state);
		s->state.new_state = state_pack(note->ns.state);
		s->state_omit &= ~(BIT_ULL(NLA_prev_state) | BIT_ULL(NLA_new_state));
		break;
	case SIB_HELPER_POST:
		s->state.helper_exit_code = note->helper_status;
		s->state_omit &= ~BIT_ULL(NLA_helper_exit_code);
		fallthrough;
	case SIB_HELPER_PRE:
		strscpy(s->state.helper, note->helper, sizeof(s->state.helper));
		s->state_omit &= ~BIT_ULL(NLA_helper);
		break;
	default:
		break;
	}
}

static struct sk_buff *legacy_message(struct shell_resource *r, struct shell_device *d,
				      enum nl_sib_reason reason, const struct notify_record *note)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct status_device *s = kzalloc(sizeof(*s), GFP_KERNEL);
	struct nl_header *header;
	int err = -ENOMEM;

	if (!skb || !s)
		goto out;
	header = nl_message_put(skb, 0, 0, 0, NL_EVENT, d->core.minor);
	if (!header)
		goto out;
	status_device_fill(s, d);
	reason_fill(s, reason, note);
	err = status_put_all(skb, r, d, s, false);
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

static void legacy_notify(struct shell_resource *r, struct shell_device *d,
			  enum nl_sib_reason reason, const struct notify_record *note)
{
	if (d)
		stream_send(&legacy_seq, legacy_message(r, d, reason, note));
}

/* ---- helpers ---- */

static int helper_fill(struct sk_buff *skb, const struct status_context *context, u32 type,
		       const struct notify_record *note)
{
	struct nl_helper_info info = { .helper_status = note->helper_status };
	struct nl_emit plain = {};

	strscpy(info.helper_name, note->helper, sizeof(info.helper_name));
	return status_put_context(skb, context) ?: record_put_type(skb, type) ?:
	       nl_put(skb, &nl_helper_info_section, &info, &plain);
}

static struct sk_buff *helper_message(struct shell_resource *r, struct shell_device *d, u32 type,
				      const struct notify_record *note)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct status_context *context = kzalloc(sizeof(*context), GFP_KERNEL);
	struct nl_header *header;
	int err = -ENOMEM;

	if (!skb || !context)
		goto out;
	header = nl_message_put(skb, 0, 0, 0, NL_HELPER, d ? d->core.minor : NL_MINOR_NONE);
	if (!header)
		goto out;
	status_context_fill(context, r, d, CTX_VOLUME | CTX_ADDRESSES);
	err = helper_fill(skb, context, type, note);
	if (!err)
		genlmsg_end(skb, header);
out:
	kfree(context);
	if (err) {
		nlmsg_free(skb);
		return NULL;
	}
	return skb;
}

/* ---- what the core reports ---- */

void shell_notify(struct shell_resource *r, const struct notify_record *note)
{
	struct shell_device *d = note->device ? shell_of_device(note->device) : NULL;
	unsigned int noio = memalloc_noio_save();

	switch (note->kind) {
	case NOTIFY_STATE_CHANGE:
		shell_trace_state(note);
		changes_notify(r, d, note);
		legacy_notify(r, d, SIB_STATE_CHANGE, note);
		break;
	case NOTIFY_HELPER_CALL:
		legacy_notify(r, d, SIB_HELPER_PRE, note);
		stream_send(&object_seq, helper_message(r, d, NOTIFY_CALL, note));
		break;
	case NOTIFY_HELPER_RESPONSE:
		legacy_notify(r, d, SIB_HELPER_POST, note);
		stream_send(&object_seq, helper_message(r, d, NOTIFY_RESPONSE, note));
		break;
	case NOTIFY_SYNC_PROGRESS:
		legacy_notify(r, d, SIB_SYNC_PROGRESS, note);
		break;
	}
	memalloc_noio_restore(noio);
}

/* ---- the state that listeners start from ---- */

static int initial_add(struct sk_buff_head *records, struct sk_buff *skb)
{
	if (!skb)
		return -ENOMEM;
	__skb_queue_tail(records, skb);
	return 0;
}

static int initial_device(struct sk_buff_head *records, enum record_kind kind,
			  const struct record *of_resource, struct shell_device *d, bool last)
{
	struct record rec = *of_resource;

	rec.d = d;
	rec.type = NOTIFY_EXISTS | (last ? 0 : NOTIFY_CONTINUES);
	return initial_add(records, record_new(kind, &rec));
}

static int initial_resource(struct sk_buff_head *records, struct shell_resource *r, u32 seq)
{
	struct record rec = { .r = r, .seq = seq, .type = NOTIFY_EXISTS | NOTIFY_CONTINUES };
	struct volumes *v = volumes_get(r);
	int err;
	u32 i;

	if (!v)
		return -ENOMEM;
	err = initial_add(records, record_new(RECORD_RESOURCE, &rec));
	if (!err)
		err = initial_device(records, RECORD_CONNECTION, &rec, NULL, !v->n);
	for (i = 0; i < v->n && !err; i++)
		err = initial_device(records, RECORD_DEVICE, &rec, v->device[i], false);
	for (i = 0; i < v->n && !err; i++)
		err = initial_device(records, RECORD_PEER_DEVICE, &rec, v->device[i], i == v->n - 1);
	volumes_put(v);
	return err;
}

static struct sk_buff *initial_end(u32 seq)
{
	struct sk_buff *skb = genlmsg_new(GENLMSG_DEFAULT_SIZE, GFP_KERNEL);
	struct nl_header *header;

	if (!skb)
		return NULL;
	header = nl_message_put(skb, 0, seq, 0, NL_INITIAL_STATE_DONE, NL_MINOR_NONE);
	if (!header || record_put_type(skb, NOTIFY_EXISTS)) {
		nlmsg_free(skb);
		return NULL;
	}
	genlmsg_end(skb, header);
	return skb;
}

int events_initial_state(struct sk_buff_head *records, u32 seq)
{
	struct shell_resource *r;
	int err = 0;

	mutex_lock(&drbd_objects_mutex);
	list_for_each_entry(r, &drbd_resources, all) {
		err = initial_resource(records, r, seq);
		if (err)
			break;
	}
	mutex_unlock(&drbd_objects_mutex);
	return err ? err : initial_add(records, initial_end(seq));
}
