// SPDX-License-Identifier: GPL-2.0
/*
 * replay_transport.c - recorded datagrams instead of a netlink socket
 *
 * Linked into drbdsetup-replay.  Environment:
 *   REPLAY_SCRIPT  one line per step: "send" (the tool must send something now)
 *                  or the path of a datagram that it receives; "timeout" makes
 *                  a receive time out, "lost" says that multicasts were lost
 *   REPLAY_SENT    directory where request N is stored as N.bin, from 0
 * The script ending means that no more datagrams come: receiving then fails
 * with EPIPE, as if standard output had been closed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "block_device.h"
#include "module.h"
#include "transport.h"

#define REPLAY_PORT 4711

static FILE *script;
static unsigned int sent;
static uint32_t last_seq;
static unsigned char datagram[65536];

static void fail(const char *what, const char *detail)
{
	fprintf(stderr, "replay: %s: %s\n", what, detail);
	exit(99);
}

/* The next line without its newline; NULL at the end of the script. */
static const char *next_step(void)
{
	static char line[4096];

	if (!fgets(line, sizeof(line), script))
		return NULL;
	line[strcspn(line, "\n")] = '\0';
	return line;
}

bool module_load(void)
{
	return !getenv("REPLAY_NO_MODULE");
}

/* The machine of the recording had these devices. */
bool block_device_check(const char *path)
{
	return !strncmp(path, "/dev/", 5);
}

int transport_open(void)
{
	const char *path = getenv("REPLAY_SCRIPT");

	if (!path)
		return -ECONNREFUSED;
	script = fopen(path, "r");
	if (!script)
		fail(path, strerror(errno));
	return 0;
}

uint32_t transport_port(void)
{
	return REPLAY_PORT;
}

int transport_send(const void *request, size_t length)
{
	const char *directory = getenv("REPLAY_SENT");
	const char *step = next_step();
	char path[4096];
	FILE *file;

	if (!step || strcmp(step, "send"))
		fail("the tool sends when the script says", step ? step : "(end)");
	memcpy(&last_seq, (const char *)request + 8, sizeof(last_seq));
	if (!directory)
		return 0;
	snprintf(path, sizeof(path), "%s/%u.bin", directory, sent++);
	file = fopen(path, "wb");
	if (!file || fwrite(request, length, 1, file) != 1 || fclose(file))
		fail(path, strerror(errno));
	return 0;
}

int transport_join(uint32_t group)
{
	(void)group;
	return 0;
}

/* Replies carry the sequence number of the request; multicasts (port 0, no MULTI) their own. */
static void adopt_sequence(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	if (strncmp(name, "mc_", 3))
		memcpy(datagram + 8, &last_seq, sizeof(last_seq));
}

int transport_receive(void **received, int timeout_ms)
{
	const char *step = next_step();
	size_t length;
	FILE *file;

	(void)timeout_ms;
	if (!step)
		return -EPIPE;
	if (!strcmp(step, "timeout"))
		return 0;
	if (!strcmp(step, "lost"))
		return -ENOBUFS;
	if (!strcmp(step, "send"))
		fail("the tool receives when the script says", step);
	file = fopen(step, "rb");
	if (!file)
		fail(step, strerror(errno));
	length = fread(datagram, 1, sizeof(datagram), file);
	fclose(file);
	adopt_sequence(step);
	*received = datagram;
	return length;
}
