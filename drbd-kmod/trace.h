/* SPDX-License-Identifier: GPL-2.0 */
/*
 * trace.h - tracepoints: requests, packets, state changes
 *
 * Below /sys/kernel/tracing/events/drbd. Sectors are 512 bytes. They are an aid for looking at
 * one's own system, not an interface: names and fields may change.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM drbd

#if !defined(DRBD_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define DRBD_TRACE_H

#include <linux/tracepoint.h>
#include "shell.h"

#ifndef DRBD_TRACE_NAME
#define DRBD_TRACE_NAME 32
static inline void drbd_trace_state(u8 *to, const struct state *s)
{
	to[0] = s->role;
	to[1] = s->peer;
	to[2] = s->conn;
	to[3] = s->disk;
	to[4] = s->pdsk;
}
#endif

DECLARE_EVENT_CLASS(drbd_request_class,
	TP_PROTO(const struct drbd_request *req, int error),
	TP_ARGS(req, error),
	TP_STRUCT__entry(
		__field(const void *, req)
		__field(u32, minor)
		__field(u64, sector)
		__field(u32, bytes)
		__field(u32, flags)
		__field(u8, op)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->req = req;
		__entry->minor = req->device->minor;
		__entry->sector = req->interval.sector;
		__entry->bytes = req->interval.bytes;
		__entry->flags = req->flags;
		__entry->op = req->op;
		__entry->error = error;
	),
	TP_printk("drbd%u %p %s %llu+%u flags %x error %d", __entry->minor, __entry->req,
		  __print_symbolic(__entry->op, { OP_READ, "read" }, { OP_WRITE, "write" },
				   { OP_DISCARD, "discard" }, { OP_WRITE_ZEROES, "zeroes" },
				   { OP_FLUSH, "flush" }),
		  __entry->sector, __entry->bytes >> 9, __entry->flags, __entry->error)
);

/* From the user; to the local disk; back from it; back to the user. */
DEFINE_EVENT(drbd_request_class, drbd_request_new,
	TP_PROTO(const struct drbd_request *req, int error), TP_ARGS(req, error));
DEFINE_EVENT(drbd_request_class, drbd_request_submit,
	TP_PROTO(const struct drbd_request *req, int error), TP_ARGS(req, error));
DEFINE_EVENT(drbd_request_class, drbd_request_local_done,
	TP_PROTO(const struct drbd_request *req, int error), TP_ARGS(req, error));
DEFINE_EVENT(drbd_request_class, drbd_request_complete,
	TP_PROTO(const struct drbd_request *req, int error), TP_ARGS(req, error));

DECLARE_EVENT_CLASS(drbd_packet_class,
	TP_PROTO(const struct drbd_connection *connection, int socket, const struct wire_header *hdr),
	TP_ARGS(connection, socket, hdr),
	TP_STRUCT__entry(
		__array(char, resource, DRBD_TRACE_NAME)
		__field(int, socket)
		__field(u16, cmd)
		__field(u32, vnr)
		__field(u32, length)
	),
	TP_fast_assign(
		strscpy(__entry->resource, connection->resource->name, DRBD_TRACE_NAME);
		__entry->socket = socket;
		__entry->cmd = hdr->cmd;
		__entry->vnr = hdr->volume;
		__entry->length = hdr->length;
	),
	TP_printk("%s %s cmd 0x%02x volume %u length %u", __entry->resource,
		  __entry->socket == SOCK_DATA ? "data" : "meta",
		  __entry->cmd, __entry->vnr, __entry->length)
);

DEFINE_EVENT(drbd_packet_class, drbd_packet_send,
	TP_PROTO(const struct drbd_connection *connection, int socket, const struct wire_header *hdr),
	TP_ARGS(connection, socket, hdr));
DEFINE_EVENT(drbd_packet_class, drbd_packet_receive,
	TP_PROTO(const struct drbd_connection *connection, int socket, const struct wire_header *hdr),
	TP_ARGS(connection, socket, hdr));

/* Told to listeners, in the order in which it happened; -1: about the connection. */
TRACE_EVENT(drbd_state_change,
	TP_PROTO(const char *resource, int minor, const struct state *os, const struct state *ns),
	TP_ARGS(resource, minor, os, ns),
	TP_STRUCT__entry(
		__array(char, resource, DRBD_TRACE_NAME)
		__field(int, minor)
		__array(u8, os, 5)
		__array(u8, ns, 5)
	),
	TP_fast_assign(
		strscpy(__entry->resource, resource, DRBD_TRACE_NAME);
		__entry->minor = minor;
		drbd_trace_state(__entry->os, os);
		drbd_trace_state(__entry->ns, ns);
	),
	TP_printk("%s drbd%d role %u/%u conn %u disk %u/%u -> role %u/%u conn %u disk %u/%u",
		  __entry->resource, __entry->minor,
		  __entry->os[0], __entry->os[1], __entry->os[2], __entry->os[3], __entry->os[4],
		  __entry->ns[0], __entry->ns[1], __entry->ns[2], __entry->ns[3], __entry->ns[4])
);

#endif /* DRBD_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
