/* SPDX-License-Identifier: GPL-2.0 */
/*
 * status.h - what status prints, gathered; and its JSON form (tools.md 9.3, 10)
 */
#ifndef STATUS_H
#define STATUS_H

#include "objects_view.h"

struct resource_status {
	const struct object_view *resource;
	struct object_list devices, connections, peer_devices;
};

u64 device_sectors_of_volume(const struct object_list *devices, u32 volume);
/* A resync or verify runs, so there is a percentage. */
bool peer_device_is_syncing(const struct object_view *peer_device);
double peer_device_percent_done(const struct object_view *peer_device, u64 device_sectors);

/* One array for all resources; it is printed at the end. */
void status_json_begin(void);
void status_json_add(const struct resource_status *status);
void status_json_end(bool print);

#endif /* STATUS_H */
