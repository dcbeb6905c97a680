// SPDX-License-Identifier: GPL-2.0
/*
 * reply.c - talking to the kernel and telling people what it said (netlink.md 4)
 */
#include "drbdsetup.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/names.h"

static int dump_status = STATUS_OK;

static bool open_client(void)
{
	switch (client_open()) {
	case CLIENT_OK:
		return true;
	case CLIENT_NO_SOCKET:
		fprintf(stderr, "Cannot talk to the kernel: no generic netlink socket.\n");
		break;
	case CLIENT_NO_FAMILY:
		fprintf(stderr,
			"Could not connect to 'drbd' generic netlink family\n"
			"The module is not loaded, or this is not the initial network namespace.\n");
		break;
	case CLIENT_API_MISMATCH:
		fprintf(stderr,
			"API mismatch!\n"
			"The loaded drbd module speaks another version of the interface.\n");
		break;
	}
	return false;
}

static bool open_once(void)
{
	static bool opened;

	if (!opened)
		opened = open_client();
	return opened;
}

bool conversation_listen(void)
{
	int err;

	if (!open_once())
		return false;
	err = client_join_events();
	if (err)
		fprintf(stderr, "Could not join the kernel's events: %s\n", strerror(-err));
	return !err;
}

bool conversation_start(struct request *request)
{
	int err;

	if (!open_once())
		return false;
	dump_status = STATUS_OK;
	err = client_send(request);
	if (err)
		fprintf(stderr, "Could not send the request: %s\n", strerror(-err));
	return !err;
}

bool conversation_next(struct record *record)
{
	int got;

	dump_status = STATUS_TROUBLE;
	do {
		got = client_receive(record, CLIENT_TIMEOUT_MS);
		if (got == 0) {
			fprintf(stderr, "No answer from the kernel for %d seconds, giving up.\n",
				CLIENT_TIMEOUT_MS / 1000);
			return false;
		}
		if (got < 0) {
			fprintf(stderr, "Could not receive the answer: %s\n", strerror(-got));
			return false;
		}
	} while (record->kind == RECORD_OTHER);
	if (record->kind == RECORD_DATA)
		return true;
	if (record->error == 0 && record->kind == RECORD_DONE) {
		dump_status = STATUS_OK;
		return false;
	}
	fprintf(stderr, "received netlink error reply: %s\n", strerror(-record->error));
	if (record->error == -EPERM)
		fprintf(stderr, "This takes the capability CAP_NET_ADMIN: run it as root.\n");
	return false;
}

int conversation_status(void)
{
	return dump_status;
}

static void print_info(const char *text)
{
	fprintf(stderr, "%s\n", text);
}

static bool has_info(const struct record *record)
{
	return record->containers[NLA_CFG_REPLY] != NULL;
}

static int status_of_state_code(s32 code)
{
	switch (code) {
	case SS_NO_UP_TO_DATE_DISK:
		return STATUS_NO_GOOD_DATA;
	case SS_LOWER_THAN_OUTDATED:
		return STATUS_TIMEOUT;
	case SS_NO_LOCAL_DISK:
		return STATUS_NO_LOCAL_DISK;
	default:
		return STATUS_STATE_REFUSED;
	}
}

int reply_report(const char *object, const struct record *record)
{
	s32 code = record->ret_code;
	int status;

	if (code == ERR_NO_ERROR || (code >= SS_SUCCESS && code <= SS_CW_NO_NEED)) {
		status = STATUS_OK;
	} else if (text_of_state_code(code)) {
		fprintf(stderr, "%s: State change failed: (%d) %s\n", object, code,
			text_of_state_code(code));
		status = status_of_state_code(code);
	} else if (text_of_error_code(code)) {
		fprintf(stderr, "%s: Failure: (%d) %s\n", object, code, text_of_error_code(code));
		status = STATUS_REFUSED;
	} else {
		fprintf(stderr,
			"%s: Error code %d unknown.\n"
			"You should update the drbd userland tools.\n",
			object, code);
		status = STATUS_TROUBLE;
	}
	if (has_info(record)) {
		fprintf(stderr, "additional info from kernel:\n");
		record_each_info(record, print_info);
	}
	return status;
}
