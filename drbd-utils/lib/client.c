// SPDX-License-Identifier: GPL-2.0
/*
 * client.c - one conversation with the kernel (see client.h)
 */
#include "client.h"

#include <errno.h>
#include <string.h>
#include <time.h>


#include "transport.h"

#define CONTROLLER_VERSION 2
#define CONTROLLER_NOTIFY_GROUP 0x10 /* fixed: the controller's only group */

static struct {
	u16 family;
	u32 events_group;
	u32 seq; /* of the last request */
	bool joined;
	const unsigned char *datagram; /* rest of the current one */
	size_t left;
} client;

static const struct nlattr *find_attribute(const void *attributes, size_t length, u16 type)
{
	const struct nlattr *attribute;

	for (attribute = attribute_first(attributes, length); attribute;
	     attribute = attribute_next(attribute, attributes, length))
		if ((attribute->nla_type & NLA_TYPE_MASK) == type)
			return attribute;
	return NULL;
}

static const void *payload(const struct nlattr *attribute)
{
	return (const char *)attribute + NLA_HDRLEN;
}

static size_t payload_length(const struct nlattr *attribute)
{
	return attribute->nla_len - NLA_HDRLEN;
}

static u32 payload_u32(const struct nlattr *attribute)
{
	u32 value = 0;

	if (attribute && payload_length(attribute) >= sizeof(value))
		memcpy(&value, payload(attribute), sizeof(value));
	return value;
}

static bool payload_is(const struct nlattr *attribute, const char *text)
{
	return attribute && payload_length(attribute) == strlen(text) + 1 &&
	       !strcmp(payload(attribute), text);
}

static u32 find_group(const struct nlattr *groups, const char *name)
{
	const struct nlattr *group;

	if (!groups)
		return 0;
	for (group = attribute_first(payload(groups), payload_length(groups)); group;
	     group = attribute_next(group, payload(groups), payload_length(groups))) {
		const void *inner = payload(group);
		size_t length = payload_length(group);

		if (payload_is(find_attribute(inner, length, CTRL_ATTR_MCAST_GRP_NAME), name))
			return payload_u32(find_attribute(inner, length, CTRL_ATTR_MCAST_GRP_ID));
	}
	return 0;
}

static int send_getfamily(void)
{
	struct request request;
	struct genlmsghdr *genl = (struct genlmsghdr *)(request.bytes + NLMSG_HDRLEN);

	memset(&request, 0, sizeof(request));
	request.header.nlmsg_len = NLMSG_HDRLEN + GENL_HDRLEN;
	request.header.nlmsg_type = GENL_ID_CTRL;
	request.header.nlmsg_flags = NLM_F_REQUEST;
	request.header.nlmsg_seq = ++client.seq;
	request.header.nlmsg_pid = transport_port();
	genl->cmd = CTRL_CMD_GETFAMILY;
	genl->version = CONTROLLER_VERSION;
	request_put(&request, CTRL_ATTR_FAMILY_NAME, NL_FAMILY_NAME, sizeof(NL_FAMILY_NAME));
	return transport_send(request.bytes, request.header.nlmsg_len);
}

/* The controller's version of the family must be ours, and its header size. */
static enum client_open_result learn_family(const struct record *reply)
{
	const void *attributes = reply->attributes;
	size_t length = reply->attributes_length;
	const struct nlattr *id = find_attribute(attributes, length, CTRL_ATTR_FAMILY_ID);
	u32 version = payload_u32(find_attribute(attributes, length, CTRL_ATTR_VERSION));
	u32 header = payload_u32(find_attribute(attributes, length, CTRL_ATTR_HDRSIZE));

	if (!id || payload_length(id) < sizeof(client.family))
		return CLIENT_NO_FAMILY;
	memcpy(&client.family, payload(id), sizeof(client.family));
	client.events_group = find_group(
		find_attribute(attributes, length, CTRL_ATTR_MCAST_GROUPS), NL_GROUP_EVENTS);
	if (version != NL_FAMILY_VERSION || header != sizeof(struct nl_header) ||
	    !client.events_group)
		return CLIENT_API_MISMATCH;
	return CLIENT_OK;
}

enum client_open_result client_open(void)
{
	struct record reply;

	client.seq = time(NULL);
	if (transport_open() || send_getfamily())
		return CLIENT_NO_SOCKET;
	do {
		if (client_receive(&reply, CLIENT_TIMEOUT_MS) <= 0 || reply.kind == RECORD_ERROR)
			return CLIENT_NO_FAMILY;
	} while (reply.type != GENL_ID_CTRL || reply.command != CTRL_CMD_NEWFAMILY);
	return learn_family(&reply);
}

int client_join_events(void)
{
	int err = transport_join(client.events_group);

	if (!err)
		err = transport_join(CONTROLLER_NOTIFY_GROUP);
	client.joined = !err;
	return err;
}

int client_send(struct request *request)
{
	if (request->overflow)
		return -EMSGSIZE;
	request->header.nlmsg_type = client.family;
	request->header.nlmsg_seq = ++client.seq;
	request->header.nlmsg_pid = transport_port();
	return transport_send(request->bytes, request->header.nlmsg_len);
}

static bool is_for_us(const struct record *record)
{
	return record->seq == client.seq || client.joined;
}

int client_receive(struct record *record, int timeout_ms)
{
	for (;;) {
		const struct nlmsghdr *header = (const struct nlmsghdr *)client.datagram;
		size_t step;

		if (client.left < NLMSG_HDRLEN || header->nlmsg_len < NLMSG_HDRLEN ||
		    header->nlmsg_len > client.left) {
			void *datagram;
			int length;

			client.left = 0;
			length = transport_receive(&datagram, timeout_ms);
			if (length <= 0)
				return length;
			client.datagram = datagram;
			client.left = length;
			continue;
		}
		step = NLMSG_ALIGN(header->nlmsg_len);
		client.datagram += step;
		client.left = step < client.left ? client.left - step : 0;
		if (record_parse(record, header, client.family) && is_for_us(record))
			return 1;
	}
}

bool client_family_gone(const struct record *record)
{
	return record->kind == RECORD_OTHER && record->type == GENL_ID_CTRL &&
	       record->command == CTRL_CMD_DELFAMILY &&
	       payload_is(find_attribute(record->attributes, record->attributes_length,
					 CTRL_ATTR_FAMILY_NAME),
			  NL_FAMILY_NAME);
}
