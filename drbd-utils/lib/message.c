// SPDX-License-Identifier: GPL-2.0
/*
 * message.c - requests and records (see message.h)
 */
#include "message.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>


#define HEADERS_LENGTH (NLMSG_HDRLEN + GENL_HDRLEN + sizeof(struct nl_header))

static struct nl_header *request_header(struct request *request)
{
	return (struct nl_header *)(request->bytes + NLMSG_HDRLEN + GENL_HDRLEN);
}

void request_begin(struct request *request, enum request_kind kind, u8 command, u32 minor)
{
	struct genlmsghdr *genl = (struct genlmsghdr *)(request->bytes + NLMSG_HDRLEN);

	memset(request, 0, sizeof(*request));
	request->header.nlmsg_len = HEADERS_LENGTH;
	request->header.nlmsg_flags = NLM_F_REQUEST | (kind == REQUEST_DUMP ? NLM_F_DUMP : 0);
	genl->cmd = command;
	genl->version = NL_FAMILY_VERSION;
	request_header(request)->minor = minor;
}

void request_set_flags(struct request *request, u32 flags)
{
	request_header(request)->flags = flags;
}

/* Room for one attribute, padding zeroed; NULL and overflow set if there is none. */
static struct nlattr *request_reserve(struct request *request, u16 type, size_t length)
{
	size_t at = NLMSG_ALIGN(request->header.nlmsg_len);
	size_t total = NLA_HDRLEN + length;
	struct nlattr *attribute = (struct nlattr *)(request->bytes + at);

	if (at + NLA_ALIGN(total) > sizeof(request->bytes)) {
		request->overflow = true;
		return NULL;
	}
	attribute->nla_type = type;
	attribute->nla_len = total;
	request->header.nlmsg_len = at + NLA_ALIGN(total);
	return attribute;
}

void request_open(struct request *request, u32 container)
{
	request->container = request_reserve(request, container | NLA_F_NESTED, 0);
}

void request_close(struct request *request)
{
	struct nlattr *container = request->container;
	unsigned char *end = request->bytes + request->header.nlmsg_len;

	request->container = NULL;
	if (!container)
		return;
	container->nla_len = end - (unsigned char *)container;
	if (container->nla_len == NLA_HDRLEN) {
		memset(container, 0, NLA_HDRLEN);
		request->header.nlmsg_len -= NLA_HDRLEN;
	}
}

void request_put(struct request *request, u16 type, const void *data, size_t length)
{
	struct nlattr *attribute = request_reserve(request, type, length);

	if (attribute && length)
		memcpy((unsigned char *)attribute + NLA_HDRLEN, data, length);
}

static u16 field_type(const struct option_desc *desc)
{
	return desc->nla | (desc->flags & OPT_M ? NL_MANDATORY : 0);
}

void request_put_number(struct request *request, const struct option_desc *desc, u64 value)
{
	u8 flag = value;
	u32 word = value;

	switch (desc->type) {
	case OPTION_FLG:
		request_put(request, field_type(desc), &flag, sizeof(flag));
		break;
	case OPTION_U32:
	case OPTION_S32:
		request_put(request, field_type(desc), &word, sizeof(word));
		break;
	case OPTION_U64:
		request_put(request, field_type(desc), &value, sizeof(value));
		break;
	}
}

void request_put_text(struct request *request, const struct option_desc *desc, const char *text)
{
	request_put(request, field_type(desc), text, strlen(text) + 1);
}

void request_put_bytes(struct request *request, const struct option_desc *desc, const void *data,
		       size_t length)
{
	request_put(request, field_type(desc), data, length);
}

void request_put_resource(struct request *request, const char *name)
{
	request_open(request, NLA_CFG_CONTEXT);
	request_put_text(request,
			 option_find_nla(&nl_cfg_context_section, NLA_ctx_resource_name), name);
	request_close(request);
}

static const struct nlattr *attribute_check(const unsigned char *at, const unsigned char *end)
{
	const struct nlattr *attribute = (const struct nlattr *)at;

	if (end - at < (ptrdiff_t)NLA_HDRLEN || attribute->nla_len < NLA_HDRLEN ||
	    attribute->nla_len > end - at)
		return NULL;
	return attribute;
}

const struct nlattr *attribute_first(const void *attributes, size_t length)
{
	return attribute_check(attributes, (const unsigned char *)attributes + length);
}

const struct nlattr *attribute_next(const struct nlattr *attribute, const void *attributes,
				    size_t length)
{
	const unsigned char *end = (const unsigned char *)attributes + length;
	const unsigned char *at = (const unsigned char *)attribute;

	if (end - at < (ptrdiff_t)NLA_ALIGN(attribute->nla_len))
		return NULL;
	return attribute_check(at + NLA_ALIGN(attribute->nla_len), end);
}

static const unsigned char *attribute_data(const struct nlattr *attribute)
{
	return (const unsigned char *)attribute + NLA_HDRLEN;
}

static size_t attribute_length(const struct nlattr *attribute)
{
	return attribute->nla_len - NLA_HDRLEN;
}

static bool record_parse_control(struct record *record, const struct nlmsghdr *header)
{
	s32 error = 0;

	/* A bare DONE without the error word ends a dump as well. */
	if (header->nlmsg_len >= NLMSG_HDRLEN + sizeof(error))
		memcpy(&error, (const char *)header + NLMSG_HDRLEN, sizeof(error));
	else if (header->nlmsg_type == NLMSG_ERROR)
		return false;
	record->kind = header->nlmsg_type == NLMSG_DONE ? RECORD_DONE : RECORD_ERROR;
	record->error = error;
	return true;
}

bool record_parse(struct record *record, const struct nlmsghdr *header, u16 family)
{
	const unsigned char *bytes = (const unsigned char *)header;
	const struct genlmsghdr *genl = (const struct genlmsghdr *)(bytes + NLMSG_HDRLEN);
	const struct nl_header *drbd =
		(const struct nl_header *)(bytes + NLMSG_HDRLEN + GENL_HDRLEN);
	const struct nlattr *attribute;

	memset(record, 0, sizeof(*record));
	record->type = header->nlmsg_type;
	record->nlmsg_flags = header->nlmsg_flags;
	record->seq = header->nlmsg_seq;
	record->kind = RECORD_OTHER;
	if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR)
		return record_parse_control(record, header);
	if (header->nlmsg_type < NLMSG_MIN_TYPE)
		return true;
	if (header->nlmsg_len < NLMSG_HDRLEN + GENL_HDRLEN)
		return false;
	record->command = genl->cmd;
	if (header->nlmsg_type != family) {
		record->attributes = bytes + NLMSG_HDRLEN + GENL_HDRLEN;
		record->attributes_length = header->nlmsg_len - NLMSG_HDRLEN - GENL_HDRLEN;
		return true;
	}

	if (header->nlmsg_len < HEADERS_LENGTH)
		return false;
	record->kind = RECORD_DATA;
	record->minor = drbd->minor;
	record->ret_code = drbd->ret_code;
	record->attributes = bytes + HEADERS_LENGTH;
	record->attributes_length = header->nlmsg_len - HEADERS_LENGTH;
	for (attribute = attribute_first(record->attributes, record->attributes_length); attribute;
	     attribute = attribute_next(attribute, record->attributes, record->attributes_length)) {
		u16 number = attribute->nla_type & NL_TYPE_MASK;

		if (number <= NL_CONTAINER_MAX)
			record->containers[number] = attribute;
	}
	return true;
}

static int field_decode(const struct option_desc *desc, const struct nlattr *attribute, void *obj)
{
	const unsigned char *data = attribute_data(attribute);
	size_t length = attribute_length(attribute);
	void *member = option_member_writable(desc, obj);
	u32 stored = length;

	switch (desc->type) {
	case OPTION_STR:
		if (length > desc->size)
			return -ERANGE;
		if (!memchr(data, '\0', length))
			return -EINVAL;
		strcpy(member, (const char *)data);
		return 0;
	case OPTION_BIN:
		if (length > desc->size)
			return -ERANGE;
		memcpy(member, data, length);
		memcpy((char *)member + desc->size, &stored, sizeof(stored));
		return 0;
	default:
		if (length < desc->size)
			return -ERANGE;
		memcpy(member, data, desc->size);
		return 0;
	}
}

int record_decode(const struct record *record, u32 container, void *obj, u64 *present)
{
	const struct option_section *section = nl_container_section(container);
	const struct nlattr *outer = record->containers[container];
	const struct nlattr *attribute;
	int error = 0;

	option_set_defaults(section, obj);
	if (present)
		*present = 0;
	if (!outer)
		return -ENOENT;
	for (attribute = attribute_first(attribute_data(outer), attribute_length(outer));
	     attribute && !error;
	     attribute = attribute_next(attribute, attribute_data(outer),
					attribute_length(outer))) {
		u16 number = attribute->nla_type & NL_TYPE_MASK;
		const struct option_desc *desc = option_find_nla(section, number);

		if (!desc && (attribute->nla_type & NL_MANDATORY) && number > section->highest_nla)
			return -EOPNOTSUPP;
		if (!desc)
			continue;
		error = field_decode(desc, attribute, obj);
		if (present && !error)
			*present |= 1ULL << number;
	}
	return error;
}

void record_each_info(const struct record *record, void (*print)(const char *text))
{
	const struct nlattr *outer, *inner;

	for (outer = attribute_first(record->attributes, record->attributes_length); outer;
	     outer = attribute_next(outer, record->attributes, record->attributes_length)) {
		if ((outer->nla_type & NL_TYPE_MASK) != NLA_CFG_REPLY)
			continue;
		for (inner = attribute_first(attribute_data(outer), attribute_length(outer)); inner;
		     inner = attribute_next(inner, attribute_data(outer), attribute_length(outer)))
			if ((inner->nla_type & NL_TYPE_MASK) == NLA_info_text &&
			    memchr(attribute_data(inner), '\0', attribute_length(inner)))
				print((const char *)attribute_data(inner));
	}
}
