// SPDX-License-Identifier: GPL-2.0
/*
 * volume_view.c - fetch and decode GET_STATUS (see volume_view.h)
 */
#include "volume_view.h"

#include <errno.h>
#include <string.h>

static bool decode_part(const struct record *record, u32 container, void *obj, u64 *present,
			bool *has)
{
	int err = record_decode(record, container, obj, present);

	*has = err == 0;
	if (err == 0 || err == -ENOENT)
		return true;
	fprintf(stderr, "Cannot understand part %u (%s) of the kernel's answer: %s\n", container,
		nl_container_section(container)->name, strerror(-err));
	return false;
}

bool volume_view_decode(struct volume_view *view, const struct record *record)
{
	bool has_context;

	memset(view, 0, sizeof(*view));
	view->minor = record->minor;
	if (!decode_part(record, NLA_CFG_CONTEXT, &view->context, NULL, &has_context) ||
	    !decode_part(record, NLA_RESOURCE_OPTS, &view->opts, NULL, &view->has_opts) ||
	    !decode_part(record, NLA_DISK_CONF, &view->disk, NULL, &view->has_disk) ||
	    !decode_part(record, NLA_NET_CONF, &view->net, &view->net_present, &view->has_net) ||
	    !decode_part(record, NLA_STATE_INFO, &view->info, &view->info_present,
			 &view->has_info))
		return false;
	if (view->has_info)
		view->state = state_unpack(view->info.current_state);
	return true;
}

bool volume_view_has(const struct volume_view *view, u32 nla)
{
	return view->info_present & (1ULL << nla);
}

int volume_view_one(const struct invocation *invocation, struct volume_view *view)
{
	struct request request;
	struct record record;
	int status;

	request_begin(&request, REQUEST_DO, NL_GET_STATUS, invocation->minor);
	if (!conversation_start(&request) || !conversation_next(&record))
		return STATUS_TROUBLE;
	status = reply_report(invocation->object, &record);
	if (status != STATUS_OK)
		return status;
	return volume_view_decode(view, &record) ? STATUS_OK : STATUS_TROUBLE;
}

int volume_view_each(const struct invocation *invocation,
		     void (*visit)(const struct volume_view *view, void *context), void *context)
{
	struct volume_view view;
	struct request request;
	struct record record;

	if (invocation->minor != NL_MINOR_NONE) {
		int status = volume_view_one(invocation, &view);

		if (status == STATUS_OK)
			visit(&view, context);
		return status;
	}
	request_begin(&request, REQUEST_DUMP, NL_GET_STATUS, NL_MINOR_NONE);
	if (invocation->resource)
		request_put_resource(&request, invocation->resource);
	if (!conversation_start(&request))
		return STATUS_TROUBLE;
	while (conversation_next(&record)) {
		int status = reply_report(invocation->object, &record);

		if (status != STATUS_OK)
			return status;
		if (!volume_view_decode(&view, &record))
			return STATUS_TROUBLE;
		visit(&view, context);
	}
	return conversation_status();
}

bool volume_view_progress(const struct volume_view *view, u32 *permille)
{
	const struct nl_state_info *info = &view->info;
	u64 total = info->bits_rs_total;
	u64 left = info->bits_oos - info->bits_rs_failed;
	int shift = total >> 32 ? 16 : 10;

	if (!volume_view_has(view, NLA_bits_rs_total))
		return false;
	if (left > total)
		*permille = total ? 0 : 1000;
	else
		*permille = 1000 - (left >> shift) * 1000 / ((total >> shift) + 1);
	return true;
}
