// SPDX-License-Identifier: GPL-2.0
/* trace.c - the tracepoints of trace.h, and what is read out of the core for them */
#define CREATE_TRACE_POINTS
#include "trace.h"

void shell_trace_sent(const struct drbd_connection *connection, int socket, const struct outgoing *out)
{
	int apv = connection->agreed_pro_version;
	struct wire_header hdr;

	if (trace_drbd_packet_send_enabled() &&
	    wire_header_decode(out->head, wire_header_size(apv), apv, &hdr) == WIRE_OK)
		trace_drbd_packet_send(connection, socket, &hdr);
}

/* A connection's own change shows as one of a volume with nothing but its state. */
void shell_trace_state(const struct notify_record *note)
{
	struct state os = note->os.state, ns = note->ns.state;

	if (!trace_drbd_state_change_enabled())
		return;
	if (!note->device) {
		memset(&os, 0, sizeof(os));
		memset(&ns, 0, sizeof(ns));
		os.conn = note->os.cstate;
		ns.conn = note->ns.cstate;
	}
	trace_drbd_state_change(note->resource->name, note->device ? (int)note->device->minor : -1,
				&os, &ns);
}
