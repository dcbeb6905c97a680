// SPDX-License-Identifier: GPL-2.0
/*
 * configure.c - commands that are one request and one reply (netlink.md 3.3, 3.4)
 */
#include "drbdsetup.h"

#include <unistd.h>

#include "block_device.h"

static void put_context(struct request *request, const struct invocation *invocation)
{
	const struct option_section *context = &nl_cfg_context_section;

	request_open(request, NLA_CFG_CONTEXT);
	if (invocation->resource)
		request_put_text(request, option_find_nla(context, NLA_ctx_resource_name),
				 invocation->resource);
	if (invocation->volume != (u32)NL_VOLUME_NONE)
		request_put_number(request, option_find_nla(context, NLA_ctx_volume),
				   invocation->volume);
	if (invocation->my_addr.length)
		request_put_bytes(request, option_find_nla(context, NLA_ctx_my_addr),
				  invocation->my_addr.bytes, invocation->my_addr.length);
	if (invocation->peer_addr.length)
		request_put_bytes(request, option_find_nla(context, NLA_ctx_peer_addr),
				  invocation->peer_addr.bytes, invocation->peer_addr.length);
	request_close(request);
}

static void put_given(struct request *request, const struct given_option *given)
{
	switch (given->desc->type) {
	case OPTION_STR:
		request_put_text(request, given->desc, given->text);
		break;
	case OPTION_BIN:
		request_put_bytes(request, given->desc, given->address.bytes,
				  given->address.length);
		break;
	default:
		request_put_number(request, given->desc, given->number);
		break;
	}
}

static void put_options(struct request *request, const struct invocation *invocation)
{
	const struct option_section *section = invocation->command->options;
	int i;

	if (!section)
		return;
	request_open(request, section->nla);
	for (i = 0; i < invocation->given_count; i++)
		put_given(request, &invocation->given[i]);
	if (invocation->lower_dev) {
		request_put_text(request, option_find_nla(section, NLA_backing_dev),
				 invocation->lower_dev);
		request_put_text(request, option_find_nla(section, NLA_meta_dev),
				 invocation->meta_dev);
		request_put_number(request, option_find_nla(section, NLA_meta_dev_idx),
				   (u32)invocation->meta_index);
	}
	request_close(request);
}

void request_build(struct request *request, const struct invocation *invocation)
{
	request_begin(request, REQUEST_DO, invocation->command->nl_command, invocation->minor);
	if (invocation->tool_given[TOOL_SET_DEFAULTS])
		request_set_flags(request, NL_FLAG_SET_DEFAULTS);
	put_context(request, invocation);
	put_options(request, invocation);
}

/* Send, and leave the reply for the caller; false after a message. */
static bool exchange(struct invocation *invocation, struct record *reply)
{
	struct request request;

	if (invocation->command->locks && lock_minor(invocation->minor) < 0)
		return false;
	request_build(&request, invocation);
	if (!conversation_start(&request) || !conversation_next(reply))
		return false;
	if (reply->minor != invocation->minor) {
		fprintf(stderr, "The kernel answered about minor %u instead of %u.\n",
			reply->minor, invocation->minor);
		return false;
	}
	return true;
}

int run_configure(struct invocation *invocation)
{
	struct record reply;

	if (!exchange(invocation, &reply))
		return STATUS_TROUBLE;
	return reply_report(invocation->object, &reply);
}

/* Better to say here what is wrong with a path than to show a kernel code. */
int run_attach(struct invocation *invocation)
{
	if (!block_device_check(invocation->lower_dev) ||
	    !block_device_check(invocation->meta_dev))
		return STATUS_TROUBLE;
	return run_configure(invocation);
}

int run_del_minor(struct invocation *invocation)
{
	int status = run_configure(invocation);

	if (status == STATUS_OK)
		registration_remove_minor(invocation->minor);
	return status;
}

int run_del_resource(struct invocation *invocation)
{
	int status = run_configure(invocation);

	if (status == STATUS_OK)
		registration_remove_resource(invocation->resource);
	return status;
}

#define MINORS_MAX 4096

/* The minors whose registration goes with the resource; an unknown resource has none. */
static int collect_minors(const char *resource, u32 *minors)
{
	struct request request;
	struct record record;
	int count = 0;

	request_begin(&request, REQUEST_DUMP, NL_GET_STATUS, NL_MINOR_NONE);
	request_put_resource(&request, resource);
	if (!conversation_start(&request))
		return -1;
	for (;;) {
		int got = client_receive(&record, CLIENT_TIMEOUT_MS);

		if (got <= 0)
			return -1;
		if (record.kind == RECORD_DONE || record.kind == RECORD_ERROR)
			return count;
		if (record.kind == RECORD_DATA && record.minor != NL_MINOR_NONE &&
		    count < MINORS_MAX)
			minors[count++] = record.minor;
	}
}

int run_down(struct invocation *invocation)
{
	static u32 minors[MINORS_MAX];
	int count = collect_minors(invocation->resource, minors);
	struct record reply;
	int status, i;

	if (count < 0 || !exchange(invocation, &reply))
		return STATUS_TROUBLE;
	if (reply.ret_code == ERR_RES_NOT_KNOWN) {
		if (isatty(STDERR_FILENO))
			fprintf(stderr, "%s: no such resource, nothing to take down\n",
				invocation->resource);
		return STATUS_OK;
	}
	status = reply_report(invocation->object, &reply);
	if (status != STATUS_OK)
		return status;
	for (i = 0; i < count; i++)
		registration_remove_minor(minors[i]);
	registration_remove_resource(invocation->resource);
	return STATUS_OK;
}
