// SPDX-License-Identifier: GPL-2.0
/*
 * events2.c - objects and their changes as they happen (tools.md 9.4, netlink.md 5.3)
 *
 * One line per notification.  A change line has the fields that differ from
 * what this process last saw of the object, so every object is remembered.
 *
 * Records of a dump are older than they look: notifications that come before
 * its end are held back until then.  When some were lost there is a new dump,
 * of which only what is different is printed, as if it had been told.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>

#include "core/names.h"
#include "object_memory.h"

static struct {
	bool statistics, timestamps, now;
	const char *resource; /* NULL: all */
	bool group_open; /* the last message had CONTINUES */
	char timestamp[64];
	bool seq_known;
	u32 last_seq;
	bool dumping; /* the state of everything is being told, its end is yet to come */
	bool dump_open; /* and the kernel takes no request for another one before */
	bool complete; /* it was told once */
	bool lost; /* notifications were: it must be told anew */
	bool catching_up; /* printing what was held back */
} events;

/* A notification that came during a dump. */
struct held {
	struct held *next;
	struct record record;
	unsigned char attributes[] __attribute__((aligned(8)));
};

static struct held *held_first, **held_end = &held_first;

/* YYYY-MM-DDThh:mm:ss.uuuuuu+hh:mm and a blank */
static void take_timestamp(void)
{
	struct timeval now;
	struct tm local;
	char date[32], zone[8];

	gettimeofday(&now, NULL);
	localtime_r(&now.tv_sec, &local);
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &local);
	strftime(zone, sizeof(zone), "%z", &local);
	snprintf(events.timestamp, sizeof(events.timestamp), "%s.%06ld%.3s:%s ", date,
		 (long)now.tv_usec, zone, zone + 3);
}

static void begin_line(void)
{
	if (events.timestamps)
		printf("%s", events.timestamp);
}

static void end_line(void)
{
	printf("\n");
	fflush(stdout);
}

static const char *action_name(u32 action)
{
	static const char *const names[] = {
		[NOTIFY_EXISTS] = "exists",   [NOTIFY_CREATE] = "create",
		[NOTIFY_CHANGE] = "change",   [NOTIFY_DESTROY] = "destroy",
		[NOTIFY_CALL] = "call",	      [NOTIFY_RESPONSE] = "response",
	};

	return action < ARRAY_SIZE(names) ? names[action] : "unknown";
}

static void print_peer_key(const struct nl_cfg_context *context)
{
	printf(" peer-node-id:0");
	if (context->ctx_peer_addr_len)
		printf(" conn-name:peer");
}

/* Every field is printed, or (old given) those that differ from it. */
static void print_resource(const struct object_view *new, const struct object_view *old)
{
	const struct nl_resource_info *info = &new->resource.info;
	const struct nl_resource_info *was = old ? &old->resource.info : NULL;
	u32 ordering = new->resource.statistics.res_stat_write_ordering;
	char text[OBJECT_WORDS_MAX], text_was[OBJECT_WORDS_MAX];
	const char *suspended = suspended_words(info, text);

	if (!was || info->res_role != was->res_role)
		printf(" role:%s", name_of_role(info->res_role));
	if (!was || strcmp(suspended, suspended_words(was, text_was)))
		printf(" suspended:%s", suspended);
	if (events.statistics &&
	    (!old || ordering != old->resource.statistics.res_stat_write_ordering))
		printf(" write-ordering:%s", name_of_write_ordering(ordering));
}

static void print_connection(const struct object_view *new, const struct object_view *old)
{
	const struct nl_connection_info *info = &new->connection.info;
	const struct nl_connection_info *was = old ? &old->connection.info : NULL;
	bool congested = new->connection.statistics.conn_congested;

	if (!was || info->conn_connection_state != was->conn_connection_state)
		printf(" connection:%s", name_of_connection_state(info->conn_connection_state));
	if (!was || info->conn_role != was->conn_role)
		printf(" role:%s", name_of_role(info->conn_role));
	if (events.statistics && (!old || congested != old->connection.statistics.conn_congested))
		printf(" congested:%s", congested ? "yes" : "no");
}

static void print_device(const struct object_view *new, const struct object_view *old)
{
	const struct nl_device_statistics *statistics = &new->device.statistics;
	const struct nl_device_statistics *was = old ? &old->device.statistics : NULL;
	u32 disk = new->device.info.dev_disk_state;
	const char *blocked = blocked_words(statistics);

	if (!old || disk != old->device.info.dev_disk_state)
		printf(" disk:%s", name_of_disk(disk));
	if (!events.statistics)
		return;
	printf(" size:%" PRIu64 " read:%" PRIu64 " written:%" PRIu64 " al-writes:%" PRIu64
	       " bm-writes:%" PRIu64 " upper-pending:%u lower-pending:%u",
	       statistics->dev_size / 2, statistics->dev_read / 2, statistics->dev_write / 2,
	       statistics->dev_al_writes, statistics->dev_bm_writes,
	       statistics->dev_upper_pending, statistics->dev_lower_pending);
	if (!was || statistics->dev_al_suspended != was->dev_al_suspended)
		printf(" al-suspended:%s", statistics->dev_al_suspended ? "yes" : "no");
	if (!was || strcmp(blocked, blocked_words(was)))
		printf(" blocked:%s", blocked);
}

static void print_peer_device(const struct object_view *new, const struct object_view *old)
{
	const struct nl_peer_device_info *info = &new->peer_device.info;
	const struct nl_peer_device_info *was = old ? &old->peer_device.info : NULL;
	const struct nl_peer_device_statistics *statistics = &new->peer_device.statistics;
	char text[OBJECT_WORDS_MAX], text_was[OBJECT_WORDS_MAX];
	const char *suspended = resync_suspended_words(info, text);

	if (!was || info->peer_repl_state != was->peer_repl_state)
		printf(" replication:%s", name_of_replication_state(info->peer_repl_state));
	if (!was || info->peer_disk_state != was->peer_disk_state)
		printf(" peer-disk:%s", name_of_disk(info->peer_disk_state));
	if (!was || strcmp(suspended, resync_suspended_words(was, text_was)))
		printf(" resync-suspended:%s", suspended);
	if (events.statistics)
		printf(" received:%" PRIu64 " sent:%" PRIu64 " out-of-sync:%" PRIu64
		       " pending:%u unacked:%u",
		       statistics->peer_dev_received / 2, statistics->peer_dev_sent / 2,
		       statistics->peer_dev_out_of_sync / 2, statistics->peer_dev_pending,
		       statistics->peer_dev_unacked);
}

static void print_keys(const struct object_view *view)
{
	const struct nl_cfg_context *context = &view->context;

	switch (view->kind) {
	case OBJECT_RESOURCE:
		printf("resource name:%s", context->ctx_resource_name);
		break;
	case OBJECT_CONNECTION:
		printf("connection name:%s", context->ctx_resource_name);
		print_peer_key(context);
		break;
	case OBJECT_DEVICE:
		printf("device name:%s volume:%u minor:%u", context->ctx_resource_name,
		       context->ctx_volume, view->minor);
		break;
	default:
		printf("peer-device name:%s", context->ctx_resource_name);
		print_peer_key(context);
		printf(" volume:%u", context->ctx_volume);
		break;
	}
}

static void print_fields(const struct object_view *view, const struct object_view *old)
{
	static void (*const print[OBJECT_KINDS])(const struct object_view *new,
						 const struct object_view *old) = {
		[OBJECT_RESOURCE] = print_resource,
		[OBJECT_DEVICE] = print_device,
		[OBJECT_CONNECTION] = print_connection,
		[OBJECT_PEER_DEVICE] = print_peer_device,
	};

	print[view->kind](view, old);
}

static void print_destroyed(const struct object_view *view)
{
	begin_line();
	printf("%s ", action_name(NOTIFY_DESTROY));
	print_keys(view);
	end_line();
}

static bool looks_the_same(const struct object_view *a, const struct object_view *b)
{
	if (events.statistics)
		return false;
	switch (a->kind) {
	case OBJECT_RESOURCE:
		return !memcmp(&a->resource.info, &b->resource.info, sizeof(a->resource.info));
	case OBJECT_DEVICE:
		return !memcmp(&a->device.info, &b->device.info, sizeof(a->device.info));
	case OBJECT_CONNECTION:
		return !memcmp(&a->connection.info, &b->connection.info,
			       sizeof(a->connection.info));
	default:
		return !memcmp(&a->peer_device.info, &b->peer_device.info,
			       sizeof(a->peer_device.info));
	}
}

/*
 * What the notification means to who has read our lines up to now; false: nothing new.  What
 * a dump says counts as a change after the first one, what was held back as far as the dump
 * did not say it, and of what follows lost ones as far as it makes sense without them.
 */
static bool reconsider(const struct object_view *view, u32 *action)
{
	const struct object_view *old = object_memory_find(view);
	bool told = *action == NOTIFY_EXISTS;

	if (told ? !events.complete : !events.catching_up && !events.lost)
		return true;
	if (!old && told)
		*action = NOTIFY_CREATE;
	if (!old)
		return *action == NOTIFY_CREATE;
	if (*action == NOTIFY_DESTROY)
		return true;
	*action = NOTIFY_CHANGE;
	return !looks_the_same(view, old);
}

static void print_object(const struct record *record, enum object_kind kind, u32 action)
{
	const struct object_view *old;
	struct object_view view;

	if (!object_view_decode(&view, kind, record)) {
		fprintf(stderr, "Cannot understand a notification about a %s.\n",
			action_name(action));
		return;
	}
	if (events.resource && strcmp(events.resource, view.context.ctx_resource_name))
		return;
	if (!reconsider(&view, &action)) {
		if (action != NOTIFY_DESTROY && object_memory_find(&view))
			object_memory_keep(&view);
		return;
	}
	old = action == NOTIFY_CHANGE ? object_memory_find(&view) : NULL;
	begin_line();
	printf("%s ", action_name(action));
	print_keys(&view);
	if (action != NOTIFY_DESTROY && view.has_info)
		print_fields(&view, old);
	end_line();
	if (action == NOTIFY_DESTROY)
		object_memory_forget(&view);
	else
		object_memory_keep(&view);
}

static void print_helper(const struct record *record, u32 action)
{
	struct nl_cfg_context context;
	struct nl_helper_info helper;

	if (record_decode(record, NLA_CFG_CONTEXT, &context, NULL) ||
	    record_decode(record, NLA_HELPER, &helper, NULL))
		return;
	if (events.resource && strcmp(events.resource, context.ctx_resource_name))
		return;
	begin_line();
	printf("%s helper name:%s", action_name(action), context.ctx_resource_name);
	if (context.ctx_peer_addr_len)
		print_peer_key(&context);
	if (context.ctx_volume != (u32)NL_VOLUME_NONE)
		printf(" volume:%u", context.ctx_volume);
	if (record->minor != NL_MINOR_NONE)
		printf(" minor:%u", record->minor);
	printf(" helper:%s", helper.helper_name);
	if (action == NOTIFY_RESPONSE)
		printf(" status:%u", helper.helper_status);
	end_line();
}

/* Multicasts are numbered without gaps; what the initial dump repeats is not. */
static void check_sequence(u32 seq)
{
	if (events.seq_known && seq != events.last_seq + 1) {
		take_timestamp();
		begin_line();
		printf("- skipped %u", seq - events.last_seq - 1);
		end_line();
	}
	events.seq_known = true;
	events.last_seq = seq;
}

static u32 action_of(const struct nl_notification_header *header)
{
	return header->nh_type & NOTIFY_ACTION_MASK;
}

static void print_notification(const struct record *record,
			       const struct nl_notification_header *header)
{
	u32 action = action_of(header);

	if (!events.group_open)
		take_timestamp();
	events.group_open = header->nh_type & NOTIFY_CONTINUES;
	switch (record->command) {
	case NL_RESOURCE_STATE:
		print_object(record, OBJECT_RESOURCE, action);
		break;
	case NL_DEVICE_STATE:
		print_object(record, OBJECT_DEVICE, action);
		break;
	case NL_CONNECTION_STATE:
		print_object(record, OBJECT_CONNECTION, action);
		break;
	case NL_PEER_DEVICE_STATE:
		print_object(record, OBJECT_PEER_DEVICE, action);
		break;
	case NL_HELPER:
		print_helper(record, action);
		break;
	}
}

/* ---- while the state of everything is told */

static void hold_back(const struct record *record)
{
	struct held *held = malloc(sizeof(*held) + record->attributes_length);
	int i;

	if (!held) {
		events.lost = true;
		return;
	}
	held->next = NULL;
	held->record = *record;
	memcpy(held->attributes, record->attributes, record->attributes_length);
	held->record.attributes = held->attributes;
	for (i = 0; i <= NL_CONTAINER_MAX; i++)
		if (record->containers[i])
			held->record.containers[i] = (const struct nlattr *)(held->attributes +
				((const unsigned char *)record->containers[i] - record->attributes));
	*held_end = held;
	held_end = &held->next;
}

static void print_held(void)
{
	struct nl_notification_header header;
	struct held *held;

	events.catching_up = true;
	while ((held = held_first)) {
		held_first = held->next;
		if (!record_decode(&held->record, NLA_NOTIFICATION_HEADER, &header, NULL))
			print_notification(&held->record, &header);
		free(held);
	}
	held_end = &held_first;
	events.catching_up = false;
}

static bool dump_begin(void)
{
	struct request request;

	request_begin(&request, REQUEST_DUMP, NL_GET_INITIAL_STATE, NL_MINOR_NONE);
	events.dumping = true;
	events.dump_open = true;
	events.lost = false;
	object_memory_begin_anew();
	return conversation_start(&request);
}

static void dump_end(void)
{
	take_timestamp();
	if (!events.complete) {
		begin_line();
		printf("%s -", action_name(NOTIFY_EXISTS));
		end_line();
	} else {
		object_memory_forget_others(print_destroyed);
	}
	events.group_open = false;
	events.complete = true;
	events.dumping = false;
	if (!events.now)
		print_held();
}

static void take_notification(const struct record *record)
{
	struct nl_notification_header header;

	if (record->command == NL_EVENT ||
	    record_decode(record, NLA_NOTIFICATION_HEADER, &header, NULL))
		return;
	if (record->command == NL_INITIAL_STATE_DONE) {
		dump_end();
		return;
	}
	if (action_of(&header) != NOTIFY_EXISTS) {
		check_sequence(record->seq);
		if (events.dumping) {
			hold_back(record);
			return;
		}
	}
	print_notification(record, &header);
}

static int follow(void)
{
	struct record record;

	for (;;) {
		/* The kernel has room again, and says so if more is lost, once all was taken. */
		bool take_rest = events.lost && !events.dump_open;
		int got = client_receive(&record, take_rest ? 0 :
					 events.dumping ? CLIENT_TIMEOUT_MS : -1);

		if (got == 0 && take_rest) {
			if (!dump_begin())
				return STATUS_TROUBLE;
		} else if (got == -ENOBUFS) {
			events.lost = true;
		} else {
			if (got == 0)
				fprintf(stderr, "No answer from the kernel, giving up.\n");
			if (got <= 0)
				return got == -EPIPE ? STATUS_OK : STATUS_TROUBLE;
			if (client_family_gone(&record))
				return STATUS_OK;
			/* It had no room to begin, for all that came at the same time, but goes on. */
			if (record.kind == RECORD_ERROR && record.error == -ENOBUFS)
				continue;
			if (record.error) {
				fprintf(stderr, "received netlink error reply: %s\n",
					strerror(-record.error));
				return STATUS_TROUBLE;
			}
			if (record.kind == RECORD_DONE)
				events.dump_open = false;
			else if (record.kind == RECORD_DATA)
				take_notification(&record);
		}
		if (events.now && events.complete)
			return STATUS_OK;
	}
}

int run_events2(struct invocation *invocation)
{
	events.statistics = invocation->tool_given[TOOL_STATISTICS];
	events.timestamps = invocation->tool_given[TOOL_TIMESTAMPS];
	events.now = invocation->tool_given[TOOL_NOW];
	events.resource = invocation->resource;
	if (!conversation_listen() || !dump_begin())
		return STATUS_TROUBLE;
	return follow();
}
