// SPDX-License-Identifier: GPL-2.0
/*
 * color.c - colours of status (see color.h)
 */
#include "color.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "core/state.h"

#define RESET "\033[0m"

enum judgement {
	NORMAL,
	PRIMARY,
	GOOD,
	BAD,
	CHANGING,
};

static bool enabled;

/* A terminal must not stay coloured because we were interrupted. */
static void reset_and_die(int signal_number)
{
	ssize_t ignored = write(STDOUT_FILENO, RESET, sizeof(RESET) - 1);

	(void)ignored;
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

static void enable(bool on)
{
	static const int deadly[] = { SIGHUP, SIGINT, SIGPIPE, SIGTERM };
	size_t i;

	enabled = on;
	for (i = 0; on && i < ARRAY_SIZE(deadly); i++)
		signal(deadly[i], reset_and_die);
}

void color_auto(void)
{
	enable(isatty(STDOUT_FILENO));
}

bool color_choose(const char *when)
{
	if (!when || !strcmp(when, "always"))
		enable(true);
	else if (!strcmp(when, "auto"))
		color_auto();
	else if (!strcmp(when, "never"))
		enable(false);
	else
		return false;
	return true;
}

static const char *sequence(enum judgement judgement, bool local)
{
	static const char *const locals[] = { "", "\033[1;36m", "\033[1;32m", "\033[1;31m",
					      "\033[1m" };
	static const char *const peers[] = { "", "\033[36m", "\033[32m", "\033[31m", "" };

	if (!enabled)
		return "";
	return local ? locals[judgement] : peers[judgement];
}

const char *color_of_role(u32 role, bool local)
{
	switch (role) {
	case ROLE_PRIMARY:
		return sequence(PRIMARY, local);
	case ROLE_SECONDARY:
		return sequence(NORMAL, local);
	default:
		return sequence(CHANGING, local);
	}
}

const char *color_of_disk(u32 disk, bool local)
{
	switch (disk) {
	case D_UP_TO_DATE:
		return sequence(GOOD, local);
	case D_DISKLESS:
	case D_INCONSISTENT:
	case D_OUTDATED:
		return sequence(BAD, local);
	default:
		return sequence(CHANGING, local);
	}
}

const char *color_of_connection(u32 conn)
{
	if (conn == C_STANDALONE || conn == C_WF_CONNECTION)
		return sequence(BAD, true);
	return sequence(conn >= C_WF_REPORT_PARAMS ? NORMAL : CHANGING, true);
}

const char *color_of_replication(u32 repl)
{
	bool local = repl == C_SYNC_TARGET || repl == C_PAUSED_SYNC_T || repl == C_BEHIND;

	switch (repl) {
	case C_SYNC_SOURCE:
	case C_SYNC_TARGET:
	case C_PAUSED_SYNC_T:
		return sequence(BAD, local);
	case C_CONNECTED:
	case C_VERIFY_S:
	case C_VERIFY_T:
	case C_PAUSED_SYNC_S:
	case C_AHEAD:
		return sequence(NORMAL, local);
	default:
		return sequence(CHANGING, local);
	}
}

const char *color_end(const char *begun)
{
	return *begun ? RESET : "";
}
