// SPDX-License-Identifier: GPL-2.0
#include "objects.h"

bool device_may_discard(const struct drbd_device *device)
{
	const struct drbd_connection *connection = &device->resource->connection;

	if (device->has_backing && !device->backing_discards)
		return false;
	/* From the handshake on: nobody looks again when that ends. */
	if (device->state.conn >= C_WF_REPORT_PARAMS)
		return connection->agreed_features & FF_TRIM;
	return device->has_backing;
}
