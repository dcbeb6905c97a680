/* SPDX-License-Identifier: GPL-2.0 */
/*
 * objects_view.h - resources, devices, connections, peer devices with their
 * state and statistics (netlink.md 2.8, dumps 30 to 33, notifications 34 to 37)
 */
#ifndef OBJECTS_VIEW_H
#define OBJECTS_VIEW_H

#include "drbdsetup.h"

enum object_kind {
	OBJECT_RESOURCE,
	OBJECT_DEVICE,
	OBJECT_CONNECTION,
	OBJECT_PEER_DEVICE,
	OBJECT_KINDS,
};

struct object_view {
	enum object_kind kind;
	u32 minor; /* of the message's header; meaningful for devices */
	struct nl_cfg_context context;
	bool has_info; /* not in DESTROY notifications */
	union {
		struct {
			struct nl_resource_info info;
			struct nl_resource_statistics statistics;
		} resource;
		struct {
			struct nl_device_info info;
			struct nl_device_statistics statistics;
		} device;
		struct {
			struct nl_connection_info info;
			struct nl_connection_statistics statistics;
		} connection;
		struct {
			struct nl_peer_device_info info;
			struct nl_peer_device_statistics statistics;
		} peer_device;
	};
};

struct object_list {
	struct object_view *views;
	unsigned int count;
};

/* Decode one record as an object of this kind; false if it is malformed. */
bool object_view_decode(struct object_view *view, enum object_kind kind,
			const struct record *record);

/*
 * Run the dump of this kind, of one resource or (NULL) of all, and append to
 * the list.  Returns the exit status, after a message if it is not 0.
 */
int object_list_fetch(struct object_list *list, enum object_kind kind, const char *resource);
void object_list_free(struct object_list *list);

#define OBJECT_WORDS_MAX 64

/* "no", or the reasons joined by commas. */
const char *suspended_words(const struct nl_resource_info *info, char text[OBJECT_WORDS_MAX]);
const char *resync_suspended_words(const struct nl_peer_device_info *info,
				   char text[OBJECT_WORDS_MAX]);
const char *blocked_words(const struct nl_device_statistics *statistics);

#endif /* OBJECTS_VIEW_H */
