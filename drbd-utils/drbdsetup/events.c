// SPDX-License-Identifier: GPL-2.0
/*
 * events.c - state changes in the old format (tools.md 9.5, netlink.md 5.2)
 */
#include <errno.h>
#include <string.h>

#include "core/names.h"
#include "volume_view.h"

static u32 event_seq;
static const char *event_name; /* "MINOR,RES[VOL]" of the record being printed */

static void print_state(const char *tag, u32 word)
{
	struct state state = state_unpack(word);

	printf("%u %s %s { cs:%s ro:%s/%s ds:%s/%s %c%c%c%c }\n", event_seq, tag, event_name,
	       name_of_conn(state.conn), name_of_role(state.role), name_of_role(state.peer),
	       name_of_disk(state.disk), name_of_disk(state.pdsk), state.susp ? 's' : 'r',
	       state.aftr_isp ? 'a' : '-', state.peer_isp ? 'p' : '-',
	       state.user_isp ? 'u' : '-');
}

static void print_view(const struct volume_view *view)
{
	u32 permille;

	switch (view->info.sib_reason) {
	case SIB_STATE_CHANGE:
		print_state("ST-prev", view->info.prev_state);
		print_state("ST-new", view->info.new_state);
		print_state("ST", view->info.current_state);
		break;
	case SIB_GET_STATUS_REPLY:
		print_state("ST", view->info.current_state);
		break;
	case SIB_HELPER_PRE:
		printf("%u UH %s %s\n", event_seq, event_name, view->info.helper);
		break;
	case SIB_HELPER_POST:
		printf("%u UH-post %s %s 0x%04x\n", event_seq, event_name, view->info.helper,
		       view->info.helper_exit_code);
		break;
	case SIB_SYNC_PROGRESS:
		if (volume_view_progress(view, &permille))
			printf("%u SP %s %u.%u\n", event_seq, event_name, permille / 10,
			       permille % 10);
		break;
	}
}

static void print_info(const char *text)
{
	printf("%u # %s\n", event_seq, text);
}

/* False if the record is not about what was asked for. */
static bool concerns(const struct invocation *invocation, const struct volume_view *view)
{
	if (invocation->minor != NL_MINOR_NONE)
		return view->minor == invocation->minor;
	return !invocation->resource ||
	       !strcmp(invocation->resource, view->context.ctx_resource_name);
}

static void print_record(const struct invocation *invocation, const struct record *record)
{
	struct volume_view view;
	char name[192];

	event_seq = record->seq;
	record_each_info(record, print_info);
	if (!volume_view_decode(&view, record) || !concerns(invocation, &view))
		return;
	if (view.has_info) {
		snprintf(name, sizeof(name), "%u,%s[%d]", view.minor,
			 view.context.ctx_resource_name, (int)view.context.ctx_volume);
		event_name = name;
		print_view(&view);
	} else if (*view.context.ctx_resource_name) {
		printf("%u R - %s\n", event_seq, view.context.ctx_resource_name);
	}
	fflush(stdout);
}

static bool ask_for_state(const struct invocation *invocation)
{
	bool one = invocation->minor != NL_MINOR_NONE;
	struct request request;

	request_begin(&request, one ? REQUEST_DO : REQUEST_DUMP, NL_GET_STATUS,
		      invocation->minor);
	if (invocation->resource)
		request_put_resource(&request, invocation->resource);
	return conversation_start(&request);
}

static int listen_for_ever(const struct invocation *invocation)
{
	bool dumping = invocation->minor == NL_MINOR_NONE, lost = false;
	struct record record;

	for (;;) {
		bool take_rest = lost && !dumping;
		int got = client_receive(&record, take_rest ? 0 : -1);

		/* Some were lost: what they led to is told anew. */
		if (got == 0 && take_rest) {
			if (!ask_for_state(invocation))
				return STATUS_TROUBLE;
			dumping = invocation->minor == NL_MINOR_NONE;
			lost = false;
			continue;
		}
		if (got == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (got < 0)
			return got == -EPIPE ? STATUS_OK : STATUS_TROUBLE;
		if (client_family_gone(&record))
			return STATUS_OK;
		if (record.kind == RECORD_DONE)
			dumping = false;
		/* It had no room to begin a dump, for all that came at the same time, but goes on. */
		if (record.kind == RECORD_ERROR && record.error == -ENOBUFS)
			continue;
		if (record.error) {
			fprintf(stderr, "received netlink error reply: %s\n",
				strerror(-record.error));
			return STATUS_TROUBLE;
		}
		if (record.kind == RECORD_DATA && record.ret_code != ERR_NO_ERROR)
			return reply_report(invocation->object, &record);
		if (record.kind == RECORD_DATA)
			print_record(invocation, &record);
	}
}

int run_events(struct invocation *invocation)
{
	if (!conversation_listen() || !ask_for_state(invocation))
		return STATUS_TROUBLE;
	return listen_for_ever(invocation);
}
