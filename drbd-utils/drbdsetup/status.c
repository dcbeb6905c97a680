// SPDX-License-Identifier: GPL-2.0
/*
 * status.c - the state of resources for people (tools.md 9.3)
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "color.h"
#include "core/names.h"
#include "status.h"

#define DEFAULT_WIDTH 80

static struct {
	bool verbose, statistics;
	unsigned int width; /* of the terminal */
	unsigned int column, wrap_indent; /* of the line being written */
} out;

static void learn_width(void)
{
	struct winsize size;

	out.width = DEFAULT_WIDTH;
	if (isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		out.width = size.ws_col;
}

/* Items carry a blank in front, so a line begins one column early. */
static void line_begin(unsigned int indent, unsigned int wrap_indent)
{
	printf("%*s", (int)indent - 1, "");
	out.column = indent - 1;
	out.wrap_indent = wrap_indent;
}

static void line_end(void)
{
	printf("\n");
}

__attribute__((format(printf, 1, 2))) static void item(const char *format, ...)
{
	char text[256];
	va_list arguments;
	unsigned int length;

	text[0] = ' ';
	va_start(arguments, format);
	vsnprintf(text + 1, sizeof(text) - 1, format, arguments);
	va_end(arguments);
	length = strlen(text);
	if (out.column + length > out.width) {
		printf("\n%*s%s", (int)out.wrap_indent, "", text + 1);
		out.column = out.wrap_indent + length - 1;
	} else {
		printf("%s", text);
		out.column += length;
	}
}

static void colored(const char *key, const char *value, const char *color)
{
	item("%s:%s%s%s", key, color, value, color_end(color));
}

static void print_resource(const struct object_view *resource)
{
	const struct nl_resource_info *info = &resource->resource.info;
	char text[OBJECT_WORDS_MAX];
	const char *suspended = suspended_words(info, text);

	printf("%s", resource->context.ctx_resource_name);
	out.column = strlen(resource->context.ctx_resource_name);
	out.wrap_indent = 4;
	colored("role", name_of_role(info->res_role), color_of_role(info->res_role, true));
	if (out.verbose || strcmp(suspended, "no"))
		item("suspended:%s", suspended);
	line_end();
	if (out.verbose && out.statistics) {
		u32 method = resource->resource.statistics.res_stat_write_ordering;

		line_begin(4, 4);
		item("write-ordering:%s", name_of_write_ordering(method));
		line_end();
	}
}

static void print_device_statistics(const struct nl_device_statistics *statistics)
{
	line_end();
	line_begin(6, 6);
	if (out.verbose)
		item("size:%" PRIu64, statistics->dev_size / 2);
	item("read:%" PRIu64, statistics->dev_read / 2);
	item("written:%" PRIu64, statistics->dev_write / 2);
	if (!out.verbose)
		return;
	item("al-writes:%" PRIu64, statistics->dev_al_writes);
	item("bm-writes:%" PRIu64, statistics->dev_bm_writes);
	item("upper-pending:%u", statistics->dev_upper_pending);
	item("lower-pending:%u", statistics->dev_lower_pending);
	item("al-suspended:%s", statistics->dev_al_suspended ? "yes" : "no");
}

static void print_device(const struct object_view *device, bool show_volume)
{
	u32 disk = device->device.info.dev_disk_state;
	const char *blocked = blocked_words(&device->device.statistics);

	line_begin(2, 6);
	if (show_volume)
		item("volume:%u", device->context.ctx_volume);
	if (out.verbose)
		item("minor:%u", device->minor);
	colored("disk", name_of_disk(disk), color_of_disk(disk, true));
	if (out.statistics)
		print_device_statistics(&device->device.statistics);
	if (out.verbose || strcmp(blocked, "no"))
		item("blocked:%s", blocked);
	line_end();
}

static bool is_connected(const struct object_view *connection)
{
	return connection->connection.info.conn_connection_state >= C_WF_REPORT_PARAMS;
}

static void print_connection(const struct object_view *connection)
{
	const struct nl_connection_info *info = &connection->connection.info;
	bool congested = connection->connection.statistics.conn_congested;

	line_begin(2, 6);
	item("peer");
	if (out.verbose || !is_connected(connection))
		colored("connection", name_of_connection_state(info->conn_connection_state),
			color_of_connection(info->conn_connection_state));
	if (out.verbose || is_connected(connection))
		colored("role", name_of_role(info->conn_role),
			color_of_role(info->conn_role, false));
	if (out.verbose || congested)
		item("congested:%s", congested ? "yes" : "no");
	line_end();
}

static void print_peer_statistics(const struct nl_peer_device_statistics *statistics)
{
	line_end();
	line_begin(8, 8);
	item("received:%" PRIu64, statistics->peer_dev_received / 2);
	item("sent:%" PRIu64, statistics->peer_dev_sent / 2);
	if (out.verbose || statistics->peer_dev_out_of_sync)
		item("out-of-sync:%" PRIu64, statistics->peer_dev_out_of_sync / 2);
	if (!out.verbose)
		return;
	item("pending:%u", statistics->peer_dev_pending);
	item("unacked:%u", statistics->peer_dev_unacked);
}

double peer_device_percent_done(const struct object_view *peer_device, u64 device_sectors)
{
	u64 out_of_sync = peer_device->peer_device.statistics.peer_dev_out_of_sync;

	if (!device_sectors || out_of_sync > device_sectors)
		return device_sectors ? 0 : 100;
	return 100.0 * (1.0 - (double)out_of_sync / (double)device_sectors);
}

bool peer_device_is_syncing(const struct object_view *peer_device)
{
	return state_in_resync(peer_device->peer_device.info.peer_repl_state);
}

static void print_peer_device(const struct object_view *peer_device, bool show_volume,
			      u64 device_sectors)
{
	const struct nl_peer_device_info *info = &peer_device->peer_device.info;
	bool off = info->peer_repl_state <= C_WF_REPORT_PARAMS;
	char text[OBJECT_WORDS_MAX];
	const char *suspended = resync_suspended_words(info, text);

	line_begin(4, 8);
	if (show_volume)
		item("volume:%u", peer_device->context.ctx_volume);
	if (out.verbose || !off)
		colored("replication", name_of_replication_state(info->peer_repl_state),
			color_of_replication(info->peer_repl_state));
	if (out.verbose || out.statistics || !off || info->peer_disk_state != D_UNKNOWN)
		colored("peer-disk", name_of_disk(info->peer_disk_state),
			color_of_disk(info->peer_disk_state, false));
	if (peer_device_is_syncing(peer_device))
		item("done:%.2f", peer_device_percent_done(peer_device, device_sectors));
	if (out.verbose || strcmp(suspended, "no"))
		item("resync-suspended:%s", suspended);
	if (out.statistics)
		print_peer_statistics(&peer_device->peer_device.statistics);
	line_end();
}

u64 device_sectors_of_volume(const struct object_list *devices, u32 volume)
{
	unsigned int i;

	for (i = 0; i < devices->count; i++)
		if (devices->views[i].context.ctx_volume == volume)
			return devices->views[i].device.statistics.dev_size;
	return 0;
}

static void print_all(const struct resource_status *status)
{
	const struct object_list *devices = &status->devices;
	unsigned int i, p;

	print_resource(status->resource);
	for (i = 0; i < devices->count; i++)
		print_device(&devices->views[i],
			     out.verbose || devices->count > 1 ||
				     devices->views[i].context.ctx_volume != 0);
	for (i = 0; i < status->connections.count; i++) {
		const struct object_view *connection = &status->connections.views[i];

		print_connection(connection);
		if (!out.verbose && !out.statistics && !is_connected(connection))
			continue;
		for (p = 0; p < status->peer_devices.count; p++) {
			const struct object_view *peer = &status->peer_devices.views[p];
			u32 volume = peer->context.ctx_volume;

			print_peer_device(peer,
					  out.verbose || status->peer_devices.count > 1 ||
						  volume != 0,
					  device_sectors_of_volume(devices, volume));
		}
	}
	printf("\n");
}

static int fetch(struct resource_status *status, const struct object_view *resource)
{
	const char *name = resource->context.ctx_resource_name;
	int err;

	memset(status, 0, sizeof(*status));
	status->resource = resource;
	err = object_list_fetch(&status->devices, OBJECT_DEVICE, name);
	if (!err)
		err = object_list_fetch(&status->connections, OBJECT_CONNECTION, name);
	if (!err)
		err = object_list_fetch(&status->peer_devices, OBJECT_PEER_DEVICE, name);
	return err;
}

static void release(struct resource_status *status)
{
	object_list_free(&status->devices);
	object_list_free(&status->connections);
	object_list_free(&status->peer_devices);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct object_view *)a)->context.ctx_resource_name,
		      ((const struct object_view *)b)->context.ctx_resource_name);
}

static int each_resource(const struct object_list *resources, const char *wanted,
			 void (*print)(const struct resource_status *status))
{
	struct resource_status status;
	bool found = false;
	unsigned int i;
	int err = 0;

	for (i = 0; i < resources->count && !err; i++) {
		const struct object_view *resource = &resources->views[i];

		if (wanted && strcmp(wanted, resource->context.ctx_resource_name))
			continue;
		found = true;
		err = fetch(&status, resource);
		if (!err)
			print(&status);
		release(&status);
	}
	if (!err && wanted && !found) {
		fprintf(stderr, "%s: No such resource\n", wanted);
		return STATUS_REFUSED;
	}
	return err;
}

int run_status(struct invocation *invocation)
{
	struct object_list resources = { 0 };
	int status;

	color_auto();
	if (invocation->tool_given[TOOL_COLOR] &&
	    !color_choose(invocation->tool_word[TOOL_COLOR])) {
		fprintf(stderr, "--color must be 'always', 'auto' or 'never'.\n");
		return STATUS_TROUBLE;
	}
	out.verbose = invocation->tool_given[TOOL_VERBOSE];
	out.statistics = invocation->tool_given[TOOL_STATISTICS];
	learn_width();

	status = object_list_fetch(&resources, OBJECT_RESOURCE, NULL);
	if (status == STATUS_OK) {
		if (resources.count)
			qsort(resources.views, resources.count, sizeof(*resources.views), by_name);
		if (invocation->tool_given[TOOL_JSON])
			status_json_begin();
		status = each_resource(&resources, invocation->resource,
				       invocation->tool_given[TOOL_JSON] ? status_json_add :
									   print_all);
		if (invocation->tool_given[TOOL_JSON])
			status_json_end(status == STATUS_OK);
	}
	object_list_free(&resources);
	return status;
}
