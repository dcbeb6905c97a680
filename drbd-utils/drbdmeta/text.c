// SPDX-License-Identifier: GPL-2.0
/* text.c - errors, questions, numbers and sizes as people see them */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "drbdmeta.h"

void die(int code, const char *fmt, ...)
{
	va_list args;

	fflush(stdout);
	va_start(args, fmt);
	vfprintf(stderr, fmt, args);
	va_end(args);
	fputc('\n', stderr);
	exit(code);
}

/* Four to five digits and a unit, rounded: "4096 KB", "268 MB". */
const char *size_text(char buf[32], u64 kib)
{
	static const char units[] = "KMGTPE";
	int unit = 0;

	while (kib >= 10000 && unit < (int)sizeof(units) - 2) {
		kib = (kib >> 10) + ((kib & (1 << 9)) != 0);
		unit++;
	}
	snprintf(buf, 32, "%llu %cB", (unsigned long long)kib, units[unit]);
	return buf;
}

bool confirmed(const char *text)
{
	char *answer = NULL;
	size_t size = 0;
	bool yes;

	fflush(stdout);
	fprintf(stderr, "\n%s\n", text);
	if (opt.force) {
		fprintf(stderr, "*** confirmation forced via --force option ***\n");
		return true;
	}
	if (!isatty(STDIN_FILENO)) {
		fprintf(stderr, "stdin not a TTY, not waiting for confirmation\n");
		return false;
	}
	fprintf(stderr, "[need to type 'yes' to confirm] ");
	yes = getline(&answer, &size, stdin) >= 0 && !strcmp(answer, "yes\n");
	free(answer);
	fputc('\n', stderr);
	return yes;
}

/*
 * Decimal with an optional unit; the result is in bytes (or pieces), or in KiB
 * rounded up.  A plain number is already in the unit of the result.
 */
u64 number_parse(const char *text, bool unit_is_kib)
{
	u64 value, factor = unit_is_kib ? 1024 : 1;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (end == text || !isdigit((unsigned char)text[0]) || errno)
		die(EXIT_USAGE, "%s is not a valid number", text);
	switch (*end) {
	case '\0':
		return value;
	case 's': case 'S':
		factor = 512;
		break;
	case 'k': case 'K':
		factor = 1ULL << 10;
		break;
	case 'm': case 'M':
		factor = 1ULL << 20;
		break;
	case 'g': case 'G':
		factor = 1ULL << 30;
		break;
	default:
		die(EXIT_USAGE, "%s is not a valid number", text);
	}
	if (end[1] || __builtin_mul_overflow(value, factor, &value))
		die(EXIT_USAGE, "%s is not a valid number", text);
	return unit_is_kib ? (value >> 10) + ((value & 1023) != 0) : value;
}

static void hexdump_line(FILE *out, const u8 *data, u64 position)
{
	int i;

	fprintf(out, "%08llx ", (unsigned long long)position);
	for (i = 0; i < 16; i++)
		fprintf(out, "%s%02x", i % 8 ? " " : i ? "  " : " ", data[i]);
	fputs("  |", out);
	for (i = 0; i < 16; i++)
		fputc(isprint(data[i]) ? data[i] : '.', out);
	fputs("|\n", out);
}

void hexdump(FILE *out, const u8 *data, size_t bytes, u64 position)
{
	bool repeating = false;
	size_t i;

	for (i = 0; i + 16 <= bytes; i += 16) {
		if (i && i + 16 < bytes && !memcmp(data + i, data + i - 16, 16)) {
			if (!repeating)
				fputs("*\n", out);
			repeating = true;
			continue;
		}
		repeating = false;
		hexdump_line(out, data + i, position + i);
	}
	fprintf(out, "%08llx\n", (unsigned long long)position + i);
}
