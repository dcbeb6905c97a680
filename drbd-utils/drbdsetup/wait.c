// SPDX-License-Identifier: GPL-2.0
/*
 * wait.c - wait-connect and wait-sync (tools.md 9.8, netlink.md 5.2)
 *
 * The kernel says once why we may be waiting (degraded, peer outdated); that
 * chooses the timeout, whose clock restarts with each event about the minor.
 */
#include <errno.h>
#include <limits.h>
#include <string.h>

#include "volume_view.h"

#define TIMEOUT_MAX_SECONDS 300000

struct timeouts {
	u64 wfc, degraded, outdated; /* seconds, 0: for ever */
};

static bool read_timeouts(const struct invocation *invocation, struct timeouts *timeouts)
{
	timeouts->wfc = invocation->tool_number[TOOL_WFC_TIMEOUT];
	timeouts->degraded = invocation->tool_number[TOOL_DEGR_WFC_TIMEOUT];
	timeouts->outdated = invocation->tool_number[TOOL_OUTDATED_WFC_TIMEOUT];
	if (timeouts->wfc > TIMEOUT_MAX_SECONDS || timeouts->degraded > TIMEOUT_MAX_SECONDS ||
	    timeouts->outdated > TIMEOUT_MAX_SECONDS) {
		fprintf(stderr, "A timeout must be a number from 0 to %d seconds.\n",
			TIMEOUT_MAX_SECONDS);
		return false;
	}
	if (timeouts->wfc && (!timeouts->degraded || timeouts->degraded > timeouts->wfc)) {
		timeouts->degraded = timeouts->wfc;
		fprintf(stderr,
			"degr-wfc-timeout has to be shorter than wfc-timeout\n"
			"degr-wfc-timeout implicitly set to wfc-timeout (%us)\n",
			(u32)timeouts->degraded);
	}
	if (timeouts->degraded &&
	    (!timeouts->outdated || timeouts->outdated > timeouts->degraded)) {
		timeouts->outdated = timeouts->wfc;
		fprintf(stderr,
			"outdated-wfc-timeout has to be shorter than degr-wfc-timeout\n"
			"outdated-wfc-timeout implicitly set to wfc-timeout (%us)\n",
			(u32)timeouts->outdated);
	}
	return true;
}

/* The timeout that fits the kernel's answer; false after a message. */
static bool choose_timeout(const struct invocation *invocation, const struct timeouts *timeouts,
			   u64 *seconds)
{
	struct timeout_parms parms;
	struct request request;
	struct record record;

	request_begin(&request, REQUEST_DO, NL_GET_TIMEOUT_TYPE, invocation->minor);
	if (!conversation_start(&request) || !conversation_next(&record))
		return false;
	if (reply_report(invocation->object, &record) != STATUS_OK)
		return false;
	if (record_decode(&record, NLA_TIMEOUT_PARMS, &parms, NULL)) {
		fprintf(stderr, "Cannot understand the kernel's answer.\n");
		return false;
	}
	*seconds = parms.timeout_type == NL_TIMEOUT_OUTDATED ? timeouts->outdated :
		   parms.timeout_type == NL_TIMEOUT_DEGRADED ? timeouts->degraded :
							       timeouts->wfc;
	return true;
}

static bool is_over(const struct invocation *invocation, const struct state *state, bool for_sync)
{
	if (state->conn < C_UNCONNECTED)
		return !invocation->tool_given[TOOL_WAIT_AFTER_SB];
	return for_sync ? state->conn == C_CONNECTED : state->conn >= C_CONNECTED;
}

/* Is this record the news we wait for?  1: yes, 0: no, -1: the minor is gone. */
static int judge(const struct invocation *invocation, const struct record *record, bool for_sync)
{
	struct volume_view view;

	if (record->command != NL_EVENT && record->command != NL_GET_STATUS)
		return 0;
	if (record->minor != invocation->minor)
		return 0;
	if (record->ret_code != ERR_NO_ERROR) {
		reply_report(invocation->object, record);
		return -1;
	}
	if (!volume_view_decode(&view, record) || !view.has_info)
		return 0;
	if (view.info.sib_reason != SIB_STATE_CHANGE &&
	    view.info.sib_reason != SIB_GET_STATUS_REPLY)
		return 0;
	return is_over(invocation, &view.state, for_sync);
}

static bool ask_for_state(const struct invocation *invocation)
{
	struct request request;

	request_begin(&request, REQUEST_DO, NL_GET_STATUS, invocation->minor);
	return conversation_start(&request);
}

static int wait_until(const struct invocation *invocation, u64 seconds, bool for_sync)
{
	int timeout_ms = seconds ? (int)seconds * 1000 : INT_MAX;
	struct record record;
	bool lost = false;

	for (;;) {
		int got = client_receive(&record, lost ? 0 : timeout_ms);

		/* All that was left is taken, so there is room for an answer. */
		if (got == 0 && lost) {
			if (!ask_for_state(invocation))
				return STATUS_TROUBLE;
			lost = false;
			continue;
		}
		if (got == 0 && seconds)
			return STATUS_TIMEOUT;
		if (got == 0)
			continue;
		/* The news may have been among what was lost. */
		if (got == -ENOBUFS) {
			lost = true;
			continue;
		}
		if (got < 0 || client_family_gone(&record))
			return STATUS_TROUBLE;
		if (record.error == -EAGAIN || record.error == -ENOBUFS) {
			lost = true; /* there was no room for the answer */
			continue;
		}
		if (record.error) {
			fprintf(stderr, "received netlink error reply: %s\n",
				strerror(-record.error));
			return STATUS_TROUBLE;
		}
		if (record.kind != RECORD_DATA)
			continue;
		got = judge(invocation, &record, for_sync);
		if (got)
			return got > 0 ? STATUS_OK : STATUS_TROUBLE;
	}
}

static int run_wait(struct invocation *invocation, bool for_sync)
{
	struct timeouts timeouts;
	u64 seconds;

	if (!read_timeouts(invocation, &timeouts) ||
	    !choose_timeout(invocation, &timeouts, &seconds))
		return STATUS_TROUBLE;
	if (!conversation_listen() || !ask_for_state(invocation))
		return STATUS_TROUBLE;
	return wait_until(invocation, seconds, for_sync);
}

int run_wait_connect(struct invocation *invocation)
{
	return run_wait(invocation, false);
}

int run_wait_sync(struct invocation *invocation)
{
	return run_wait(invocation, true);
}
