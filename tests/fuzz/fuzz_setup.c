// SPDX-License-Identifier: GPL-2.0
/*
 * drbdsetup: its command line, and what the kernel sends
 *
 * The input is a line of words, then datagrams: two bytes of length each, of which the
 * highest bit says that the sequence number is to be that of the last request.
 */
#include "input.h"
#define SANDBOX_ITSELF
#include "sandbox.h"
#include "transport.h"
#include "module.h"
#include "block_device.h"

#define WORDS_MAX 24

int tool_main(int argc, char **argv);

static struct input wire;
static u32 last_seq;
static u8 *datagram;		/* of exactly its length, so that reading on is seen */

bool module_load(void) { return true; }
bool block_device_check(const char *path) { return !strncmp(path, "/dev/", 5); }
int transport_open(void) { return 0; }
uint32_t transport_port(void) { return 4711; }

int transport_send(const void *request, size_t length)
{
	must(length >= 16 && length <= 4096);
	memcpy(&last_seq, (const u8 *)request + 8, sizeof(last_seq));
	return 0;
}

int transport_join(uint32_t group)
{
	(void)group;
	return 0;
}

int transport_receive(void **received, int timeout_ms)
{
	u16 head, len;

	do {
		head = take16(&wire);
		len = head & 0x3fff;
		if (input_over(&wire))
			return -EPIPE;
		if (head == 0x4000)
			return -ENOBUFS;
		if (!len && timeout_ms >= 0)
			return 0;
	} while (!len);			/* who waits for ever never hears of an empty one */
	free(datagram);
	datagram = malloc(len);
	take_bytes(&wire, datagram, len);
	if (head & 0x8000 && len >= 12)
		memcpy(datagram + 8, &last_seq, sizeof(last_seq));
	*received = datagram;
	return len;
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *end = memchr(data, '\n', size);
	char line[512], *argv[WORDS_MAX + 1];
	size_t len = end ? (size_t)(end - data) : size;
	int argc;

	if (len >= sizeof(line))
		return 0;
	memcpy(line, data, len);
	line[len] = 0;
	argc = sandbox_words(line, "drbdsetup", argv, WORDS_MAX);
	wire = input_of(data + len + (end != NULL), size - len - (end != NULL));
	sandbox_reset();
	sandbox_run(tool_main, argc, argv, NULL, NULL);
	return 0;
}
