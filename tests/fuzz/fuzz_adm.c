// SPDX-License-Identifier: GPL-2.0
/*
 * drbdadm's command line; with a fixed configuration, or with one behind the first line
 *
 * Nothing is run: it prints what it would run, or can start no process.
 */
#include "input.h"
#define SANDBOX_ITSELF
#include "sandbox.h"

#define WORDS_MAX 24

int tool_main(int argc, char **argv);

static const char fixed[] =
	"global { usage-count no; }\n"
	"common { net { protocol C; } handlers { fence-peer \"true\"; } }\n"
	"resource r0 {\n"
	"	net { csums-alg md5; verify-alg sha1; }\n"
	"	volume 0 { device /dev/drbd0; disk /dev/vda; meta-disk internal; }\n"
	"	volume 1 { device minor 1; disk /dev/vdb; meta-disk /dev/vdc[0]; }\n"
	"	on alf { address 10.0.0.1:7788; }\n"
	"	on bert { address 10.0.0.2:7788; }\n"
	"}\n"
	"resource r1 {\n"
	"	disk { resync-after r0/0; fencing resource-only; }\n"
	"	device /dev/drbd10; disk /dev/vdd; meta-disk flexible /dev/vde;\n"
	"	on alf { address ipv6 [fd00::1]:7789; }\n"
	"	on bert { address ipv6 [fd00::2]:7789; }\n"
	"}\n";

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const u8 *end = memchr(data, '\n', size);
	size_t len = end ? (size_t)(end - data) : size;
	char line[512], *argv[WORDS_MAX + 4];
	int argc;

	if (len >= sizeof(line))
		return 0;
	setenv("__DRBD_NODE__", "alf", 1);
	memcpy(line, data, len);
	line[len] = 0;
	argc = sandbox_words(line, "drbdadm", argv, WORDS_MAX);
	argv[argc++] = "--config-file=fuzz.conf";
	argv[argc] = NULL;
	sandbox_reset();
	if (end && end + 1 < data + size)
		sandbox_file("fuzz.conf", end + 1, data + size - end - 1);
	else
		sandbox_file("fuzz.conf", fixed, sizeof(fixed) - 1);
	sandbox_run(tool_main, argc, argv, NULL, NULL);
	return 0;
}
