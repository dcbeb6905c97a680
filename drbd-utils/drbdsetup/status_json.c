// SPDX-License-Identifier: GPL-2.0
/*
 * status_json.c - status --json: the version 9 schema for one peer (tools.md 10)
 *
 * The peer is called "peer" and both node ids are 0, as in events2.
 */
#include <json-c/json.h>
#include <stdio.h>

#include "core/names.h"
#include "status.h"

static struct json_object *resources;

static void add_text(struct json_object *object, const char *key, const char *text)
{
	json_object_object_add(object, key, json_object_new_string(text));
}

static void add_number(struct json_object *object, const char *key, u64 number)
{
	json_object_object_add(object, key, json_object_new_int64(number));
}

static void add_flag(struct json_object *object, const char *key, bool flag)
{
	json_object_object_add(object, key, json_object_new_boolean(flag));
}

static void add_percent(struct json_object *object, const char *key, double percent)
{
	char text[16];

	snprintf(text, sizeof(text), "%.2f", percent);
	json_object_object_add(object, key, json_object_new_double_s(percent, text));
}

static struct json_object *device_object(const struct object_view *view)
{
	const struct nl_device_statistics *statistics = &view->device.statistics;
	struct json_object *object = json_object_new_object();

	add_number(object, "volume", view->context.ctx_volume);
	add_number(object, "minor", view->minor);
	add_text(object, "disk-state", name_of_disk(view->device.info.dev_disk_state));
	add_flag(object, "client", false);
	add_flag(object, "quorum", true);
	add_number(object, "size", statistics->dev_size / 2);
	add_number(object, "read", statistics->dev_read / 2);
	add_number(object, "written", statistics->dev_write / 2);
	add_number(object, "al-writes", statistics->dev_al_writes);
	add_number(object, "bm-writes", statistics->dev_bm_writes);
	add_number(object, "upper-pending", statistics->dev_upper_pending);
	add_number(object, "lower-pending", statistics->dev_lower_pending);
	return object;
}

static struct json_object *peer_device_object(const struct resource_status *status,
					      const struct object_view *view)
{
	const struct nl_peer_device_info *info = &view->peer_device.info;
	const struct nl_peer_device_statistics *statistics = &view->peer_device.statistics;
	struct json_object *object = json_object_new_object();
	u64 sectors = device_sectors_of_volume(&status->devices, view->context.ctx_volume);
	char text[OBJECT_WORDS_MAX];

	add_number(object, "volume", view->context.ctx_volume);
	add_text(object, "replication-state", name_of_replication_state(info->peer_repl_state));
	add_text(object, "peer-disk-state", name_of_disk(info->peer_disk_state));
	add_flag(object, "peer-client", false);
	add_text(object, "resync-suspended", resync_suspended_words(info, text));
	add_number(object, "received", statistics->peer_dev_received / 2);
	add_number(object, "sent", statistics->peer_dev_sent / 2);
	add_number(object, "out-of-sync", statistics->peer_dev_out_of_sync / 2);
	add_number(object, "pending", statistics->peer_dev_pending);
	add_number(object, "unacked", statistics->peer_dev_unacked);
	add_flag(object, "has-sync-details", false);
	add_flag(object, "has-online-verify-details", false);
	if (peer_device_is_syncing(view))
		add_percent(object, "percent-resync-done", peer_device_percent_done(view, sectors));
	add_percent(object, "percent-in-sync", peer_device_percent_done(view, sectors));
	return object;
}

static struct json_object *connection_object(const struct resource_status *status,
					     const struct object_view *view)
{
	const struct nl_connection_info *info = &view->connection.info;
	struct json_object *object = json_object_new_object();
	struct json_object *peer_devices = json_object_new_array();
	unsigned int i;

	add_number(object, "peer-node-id", 0);
	add_text(object, "name", "peer");
	add_text(object, "connection-state", name_of_connection_state(info->conn_connection_state));
	add_flag(object, "congested", view->connection.statistics.conn_congested);
	add_text(object, "peer-role", name_of_role(info->conn_role));
	for (i = 0; i < status->peer_devices.count; i++)
		json_object_array_add(peer_devices,
				      peer_device_object(status, &status->peer_devices.views[i]));
	json_object_object_add(object, "peer_devices", peer_devices);
	return object;
}

void status_json_begin(void)
{
	resources = json_object_new_array();
}

void status_json_add(const struct resource_status *status)
{
	const struct object_view *view = status->resource;
	const struct nl_resource_info *info = &view->resource.info;
	struct json_object *object = json_object_new_object();
	struct json_object *devices = json_object_new_array();
	struct json_object *connections = json_object_new_array();
	unsigned int i;

	add_text(object, "name", view->context.ctx_resource_name);
	add_number(object, "node-id", 0);
	add_text(object, "role", name_of_role(info->res_role));
	add_flag(object, "suspended", info->res_susp || info->res_susp_nod || info->res_susp_fen);
	add_flag(object, "suspended-user", info->res_susp);
	add_flag(object, "suspended-no-data", info->res_susp_nod);
	add_flag(object, "suspended-fencing", info->res_susp_fen);
	add_flag(object, "suspended-quorum", false);
	add_flag(object, "force-io-failures", false);
	add_text(object, "write-ordering",
		 name_of_write_ordering(view->resource.statistics.res_stat_write_ordering));
	for (i = 0; i < status->devices.count; i++)
		json_object_array_add(devices, device_object(&status->devices.views[i]));
	json_object_object_add(object, "devices", devices);
	for (i = 0; i < status->connections.count; i++)
		json_object_array_add(connections,
				      connection_object(status, &status->connections.views[i]));
	json_object_object_add(object, "connections", connections);
	json_object_array_add(resources, object);
}

void status_json_end(bool print)
{
	if (print)
		printf("%s\n", json_object_to_json_string_ext(resources,
							      JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_SPACED |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(resources);
}
