// SPDX-License-Identifier: GPL-2.0
/*
 * drbdmeta: its commands on a hostile device, restore-md from a hostile dump
 *
 * The input: a letter for the command, then for restore-md ("r") and verify-dump ("v") the
 * dump's text, else what stands on the device. What was restored is dumped, and the dump
 * restores to the same again.
 */
#include "input.h"
#define SANDBOX_ITSELF
#include "sandbox.h"
#include "drbdmeta.h"

#define DEVICE_BYTES (1024 * 1024 + 512)
#define DUMP "dump.txt"
#define ARGS_MAX 8

int tool_main(int argc, char **argv);

static const char *const commands[] = {
	"dump-md", "apply-al", "get-gi", "show-gi", "dstate", "outdate", "invalidate",
	"check-resize", "create-md", "read-dev-uuid", "forget-peer", "wipe-md",
};

static int run(const char *index, const char *command, const char *argument, char **output, size_t *len)
{
	char *argv[] = { "drbdmeta", "--force", "-", "v08", SANDBOX_DEVICE, (char *)index,
			 (char *)command, (char *)argument, NULL };

	return sandbox_run(tool_main, argument ? ARGS_MAX : ARGS_MAX - 1, argv, output, len);
}

static const char *const indexes[] = { "internal", "flex-external", "0" };

static void restore(const char *index, const u8 *text, size_t size, bool only_verify)
{
	char *first, *second;
	size_t first_len, second_len;

	sandbox_reset();
	sandbox_file(DUMP, text, size);
	if (run(index, only_verify ? "verify-dump" : "restore-md", DUMP, NULL, NULL) || only_verify)
		return;
	must(!run(index, "dump-md", NULL, &first, &first_len));
	sandbox_reset();
	sandbox_file(DUMP, first, first_len);
	must(!run(index, "restore-md", DUMP, NULL, NULL));
	must(!run(index, "dump-md", NULL, &second, &second_len));
	/* Their heads carry the time. */
	must(!strcmp(strstr(first, "version"), strstr(second, "version")));
	free(first);
	free(second);
}

/* A valid superblock, then pieces of anything anywhere. */
static void device_fill(struct input *in, int fd, const char *index)
{
	u8 piece[256];
	u64 at;
	u32 n;

	if (take8(in) & 1)
		run(index, "create-md", NULL, NULL, NULL);
	while (!input_over(in)) {
		at = (u64)take16(in) << (take8(in) & 1 ? 4 : 9);
		n = take8(in);
		take_bytes(in, piece, n);
		if (at & 8)
			at = DEVICE_BYTES - 512 - MD_BLOCK_BYTES + (at & 127);
		if (pwrite(fd, piece, n, (off_t)at % (DEVICE_BYTES - 256)) < 0)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	int fd = sandbox_device(DEVICE_BYTES);
	struct input in = input_of(data, size);
	u8 what = take8(&in);
	const char *index = indexes[(what >> 6) % ARRAY_SIZE(indexes)];

	if (!strcmp(index, "0"))
		index = "flex-external";
	if (what == 'r' || what == 'R' || what == 'v') {
		restore(index, in.at, input_left(&in), what == 'v');
		return 0;
	}
	device_fill(&in, fd, index);
	run(index, commands[(what & 63) % ARRAY_SIZE(commands)], NULL, NULL, NULL);
	run(index, "dump-md", NULL, NULL, NULL);
	return 0;
}
