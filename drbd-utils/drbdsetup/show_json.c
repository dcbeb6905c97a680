// SPDX-License-Identifier: GPL-2.0
/*
 * show_json.c - show --json: the version 9 schema for one peer (see show_json.h)
 *
 * Flags are booleans, all other option values strings; node ids are 0 as in events2.
 */
#include "show_json.h"

#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "volume_view.h"

struct json_show {
	bool defaults;
	struct json_object *resources;
	struct json_object *volumes; /* of the last resource */
	char resource[128];
};

static struct json_object *json_value(const struct option_desc *desc, const void *conf)
{
	char suffix[2] = { option_unit_suffix(desc->unit), '\0' };
	const char *name;
	char text[32];

	if (desc->type == OPTION_FLG)
		return json_object_new_boolean(option_get(desc, conf));
	if (desc->type == OPTION_STR)
		return json_object_new_string(option_member(desc, conf));
	name = option_value_name(desc, option_get(desc, conf));
	if (name)
		return json_object_new_string(name);
	snprintf(text, sizeof(text), "%" PRId64 "%s", (s64)option_get(desc, conf),
		 *suffix == '1' ? "" : suffix);
	return json_object_new_string(text);
}

static struct json_object *json_section(const struct json_show *show,
					const struct option_section *section, const void *conf,
					u64 present)
{
	struct json_object *object = json_object_new_object();
	const struct option_desc *desc;
	u32 rank;

	for (rank = 1; (desc = option_find_rank(section, rank)); rank++)
		if ((present & (1ULL << desc->nla)) &&
		    (show->defaults || !option_is_default(desc, conf)))
			json_object_object_add(object, desc->name, json_value(desc, conf));
	return object;
}

static void add_host(struct json_object *path, const char *key, const void *bytes, size_t length)
{
	struct json_object *host = json_object_new_object();
	char text[ADDRESS_TEXT_MAX];
	char *address, *port;

	address_format(text, bytes, length);
	address = strchr(text, ' ');
	*address++ = '\0';
	port = strrchr(address, ':');
	if (port)
		*port++ = '\0';
	json_object_object_add(host, "address", json_object_new_string(address));
	json_object_object_add(host, "port", json_object_new_string(port ? port : ""));
	json_object_object_add(host, "family", json_object_new_string(text));
	json_object_object_add(path, key, host);
}

static void add_connection(const struct json_show *show, struct json_object *resource,
			   const struct volume_view *view)
{
	const struct nl_cfg_context *context = &view->context;
	struct json_object *connections = json_object_new_array();
	struct json_object *connection, *path;

	json_object_object_add(resource, "connections", connections);
	if (!context->ctx_peer_addr_len)
		return;
	connection = json_object_new_object();
	path = json_object_new_object();
	add_host(path, "_this_host", context->ctx_my_addr, context->ctx_my_addr_len);
	add_host(path, "_remote_host", context->ctx_peer_addr, context->ctx_peer_addr_len);
	json_object_object_add(connection, "path", path);
	json_object_object_add(connection, "net",
			       json_section(show, &net_conf_section, &view->net,
					    view->net_present));
	json_object_object_add(connection, "volumes", json_object_new_array());
	json_object_object_add(connection, "_peer_node_id", json_object_new_int(0));
	json_object_array_add(connections, connection);
}

static void start_resource(struct json_show *show, const struct volume_view *view)
{
	struct json_object *resource = json_object_new_object();
	struct json_object *this_host = json_object_new_object();

	strcpy(show->resource, view->context.ctx_resource_name);
	show->volumes = json_object_new_array();
	json_object_object_add(resource, "resource", json_object_new_string(show->resource));
	json_object_object_add(resource, "options",
			       view->has_opts ? json_section(show, &res_opts_section, &view->opts,
							     ~0ULL) :
						json_object_new_object());
	json_object_object_add(this_host, "node-id", json_object_new_int(0));
	json_object_object_add(this_host, "volumes", show->volumes);
	json_object_object_add(resource, "_this_host", this_host);
	add_connection(show, resource, view);
	json_object_array_add(show->resources, resource);
}

static void add_volume(const struct json_show *show, const struct volume_view *view)
{
	struct json_object *volume = json_object_new_object();
	const struct disk_conf *disk = &view->disk;
	bool internal = disk->meta_dev_idx == -1 || disk->meta_dev_idx == -3;

	json_object_object_add(volume, "volume_nr", json_object_new_int(view->context.ctx_volume));
	json_object_object_add(volume, "device_minor", json_object_new_int64(view->minor));
	if (view->has_disk) {
		json_object_object_add(volume, "backing-disk",
				       json_object_new_string(disk->backing_dev));
		json_object_object_add(volume, "meta-disk",
				       json_object_new_string(internal ? "internal" :
									 disk->meta_dev));
		json_object_object_add(volume, "disk",
				       json_section(show, &disk_conf_section, disk, ~0ULL));
	}
	json_object_array_add(show->volumes, volume);
}

static void visit(const struct volume_view *view, void *context)
{
	struct json_show *show = context;

	if (!show->volumes || strcmp(show->resource, view->context.ctx_resource_name))
		start_resource(show, view);
	if (view->minor != NL_MINOR_NONE)
		add_volume(show, view);
}

int show_json(const struct invocation *invocation, bool defaults)
{
	struct json_show show = { .defaults = defaults, .resources = json_object_new_array() };
	int status = volume_view_each(invocation, visit, &show);

	if (status == STATUS_OK)
		printf("%s\n", json_object_to_json_string_ext(show.resources,
							      JSON_C_TO_STRING_PRETTY |
							      JSON_C_TO_STRING_SPACED |
							      JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(show.resources);
	return status;
}
