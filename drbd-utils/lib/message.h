/* SPDX-License-Identifier: GPL-2.0 */
/*
 * message.h - requests to the kernel and its records (netlink.md 1)
 *
 * Requests are written with a builder: begin, open a container, put fields,
 * close it.  Containers carry NLA_F_NESTED, fields the mandatory bit where the
 * tables of core/options.h and core/nlattrs.h say so.  Records are parsed in
 * place; they point into the datagram they came from.
 */
#ifndef LIB_MESSAGE_H
#define LIB_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>

#include "core/nlattrs.h"

#define REQUEST_BYTES_MAX 4096

struct request {
	union {
		struct nlmsghdr header;
		unsigned char bytes[REQUEST_BYTES_MAX];
	};
	struct nlattr *container; /* the open one */
	bool overflow;
};

enum request_kind {
	REQUEST_DO,
	REQUEST_DUMP,
};

/* The family number and the sequence number are filled in when it is sent. */
void request_begin(struct request *request, enum request_kind kind, u8 command, u32 minor);
void request_set_flags(struct request *request, u32 flags);
void request_open(struct request *request, u32 container);
void request_close(struct request *request); /* an empty container is left out */
void request_put(struct request *request, u16 type, const void *data, size_t length);
/* One field with the bit its description asks for: a number, text, or bytes. */
void request_put_number(struct request *request, const struct option_desc *desc, u64 value);
void request_put_text(struct request *request, const struct option_desc *desc, const char *text);
void request_put_bytes(struct request *request, const struct option_desc *desc, const void *data,
		       size_t length);
/* Shorthand: the context with nothing but the resource's name. */
void request_put_resource(struct request *request, const char *name);

enum record_kind {
	RECORD_DATA, /* a message of the family */
	RECORD_DONE, /* end of a dump, error is 0 or -errno */
	RECORD_ERROR, /* NLMSG_ERROR, error is 0 (an ack) or -errno */
	RECORD_OTHER, /* of another family or control type */
};

struct record {
	enum record_kind kind;
	int error;
	u16 type; /* nlmsg type */
	u16 nlmsg_flags;
	u32 seq;
	u8 command;
	u32 minor;
	s32 ret_code;
	const struct nlattr *containers[NL_CONTAINER_MAX + 1];
	const unsigned char *attributes; /* all of them, for what may occur twice */
	size_t attributes_length;
};

/* False if the message is cut short. */
bool record_parse(struct record *record, const struct nlmsghdr *header, u16 family);

/*
 * Decode a container into its struct, absent fields at their defaults.  present
 * (may be NULL) gets a bit per attribute number.  Returns 0, -ENOENT if the
 * record has no such container, -EOPNOTSUPP for an unknown mandatory field,
 * -ERANGE or -EINVAL for a malformed one.
 */
int record_decode(const struct record *record, u32 container, void *obj, u64 *present);

/* The kernel's explanations: calls print for every info text. */
void record_each_info(const struct record *record, void (*print)(const char *text));

/* Walk attributes; NULL at the end or at one that does not fit. */
const struct nlattr *attribute_first(const void *attributes, size_t length);
const struct nlattr *attribute_next(const struct nlattr *attribute, const void *attributes,
				    size_t length);

#endif /* LIB_MESSAGE_H */
