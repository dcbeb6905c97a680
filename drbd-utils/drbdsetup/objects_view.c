// SPDX-License-Identifier: GPL-2.0
/*
 * objects_view.c - fetch and decode objects (see objects_view.h)
 */
#include "objects_view.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	u8 dump;
	u8 info, statistics; /* containers */
} kinds[OBJECT_KINDS] = {
	[OBJECT_RESOURCE] = { NL_GET_RESOURCES, NLA_RESOURCE_INFO, NLA_RESOURCE_STATISTICS },
	[OBJECT_DEVICE] = { NL_GET_DEVICES, NLA_DEVICE_INFO, NLA_DEVICE_STATISTICS },
	[OBJECT_CONNECTION] = { NL_GET_CONNECTIONS, NLA_CONNECTION_INFO,
				NLA_CONNECTION_STATISTICS },
	[OBJECT_PEER_DEVICE] = { NL_GET_PEER_DEVICES, NLA_PEER_DEVICE_INFO,
				 NLA_PEER_DEVICE_STATISTICS },
};

static void *info_of(struct object_view *view)
{
	switch (view->kind) {
	case OBJECT_RESOURCE:
		return &view->resource.info;
	case OBJECT_DEVICE:
		return &view->device.info;
	case OBJECT_CONNECTION:
		return &view->connection.info;
	default:
		return &view->peer_device.info;
	}
}

static void *statistics_of(struct object_view *view)
{
	switch (view->kind) {
	case OBJECT_RESOURCE:
		return &view->resource.statistics;
	case OBJECT_DEVICE:
		return &view->device.statistics;
	case OBJECT_CONNECTION:
		return &view->connection.statistics;
	default:
		return &view->peer_device.statistics;
	}
}

bool object_view_decode(struct object_view *view, enum object_kind kind,
			const struct record *record)
{
	int err;

	memset(view, 0, sizeof(*view));
	view->kind = kind;
	view->minor = record->minor;
	if (record_decode(record, NLA_CFG_CONTEXT, &view->context, NULL))
		return false;
	err = record_decode(record, kinds[kind].info, info_of(view), NULL);
	view->has_info = !err;
	if (err && err != -ENOENT)
		return false;
	err = record_decode(record, kinds[kind].statistics, statistics_of(view), NULL);
	return !err || err == -ENOENT;
}

static bool object_list_append(struct object_list *list, const struct object_view *view)
{
	struct object_view *bigger =
		realloc(list->views, (list->count + 1) * sizeof(*list->views));

	if (!bigger) {
		fprintf(stderr, "Out of memory.\n");
		return false;
	}
	list->views = bigger;
	list->views[list->count++] = *view;
	return true;
}

int object_list_fetch(struct object_list *list, enum object_kind kind, const char *resource)
{
	struct request request;
	struct record record;
	struct object_view view;

	request_begin(&request, REQUEST_DUMP, kinds[kind].dump, NL_MINOR_NONE);
	if (resource)
		request_put_resource(&request, resource);
	if (!conversation_start(&request))
		return STATUS_TROUBLE;
	while (conversation_next(&record)) {
		/* The resource vanished meanwhile; the original repeats this for ever. */
		if (record.ret_code == ERR_RES_NOT_KNOWN)
			return STATUS_OK;
		if (!object_view_decode(&view, kind, &record)) {
			fprintf(stderr, "Cannot understand the kernel's answer.\n");
			return STATUS_TROUBLE;
		}
		if (!object_list_append(list, &view))
			return STATUS_TROUBLE;
	}
	return conversation_status();
}

void object_list_free(struct object_list *list)
{
	free(list->views);
	list->views = NULL;
	list->count = 0;
}

static const char *join(char text[OBJECT_WORDS_MAX], const char *const words[3],
			const bool given[3])
{
	int i;

	text[0] = '\0';
	for (i = 0; i < 3; i++) {
		if (!given[i])
			continue;
		if (*text)
			strcat(text, ",");
		strcat(text, words[i]);
	}
	return *text ? text : "no";
}

const char *suspended_words(const struct nl_resource_info *info, char text[OBJECT_WORDS_MAX])
{
	static const char *const words[3] = { "user", "no-data", "fencing" };
	const bool given[3] = { info->res_susp, info->res_susp_nod, info->res_susp_fen };

	return join(text, words, given);
}

const char *resync_suspended_words(const struct nl_peer_device_info *info,
				   char text[OBJECT_WORDS_MAX])
{
	static const char *const words[3] = { "user", "peer", "dependency" };
	const bool given[3] = { info->peer_resync_susp_user, info->peer_resync_susp_peer,
				info->peer_resync_susp_dependency };

	return join(text, words, given);
}

const char *blocked_words(const struct nl_device_statistics *statistics)
{
	if (statistics->dev_upper_blocked)
		return statistics->dev_lower_blocked ? "upper,lower" : "upper";
	return statistics->dev_lower_blocked ? "lower" : "no";
}
