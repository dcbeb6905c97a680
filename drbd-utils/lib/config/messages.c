// SPDX-License-Identifier: GPL-2.0
/* messages.c - complaints about a configuration, FILE:LINE first */
#include <stdarg.h>
#include <string.h>

#include "parser.h"

#define SHOWN_TOKEN_MAX 20

static void print_message(struct config *cfg, struct cfg_place place, const char *format,
			  va_list args)
{
	if (place.file)
		fprintf(cfg->errors, "%s:%d: ", place.file, place.line);
	vfprintf(cfg->errors, format, args);
	fputc('\n', cfg->errors);
}

void cfg_problem(struct config *cfg, struct cfg_place place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(cfg, place, format, args);
	va_end(args);
	cfg->error_count++;
}

void cfg_note(struct config *cfg, struct cfg_place place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(cfg, place, format, args);
	va_end(args);
}

void parse_fatal(struct parser *p, int code, struct cfg_place place, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	print_message(p->cfg, place, format, args);
	va_end(args);
	p->fatal = code;
}

void parse_expected(struct parser *p, struct cfg_place place, const char *expected,
		    const char *got, const char *advice)
{
	parse_fatal(p, CFG_EXIT_INVALID, place, "Parse error: '%s' expected,\n\tbut got '%.*s%s'%s",
		    expected, SHOWN_TOKEN_MAX, got,
		    strlen(got) > SHOWN_TOKEN_MAX ? "..." : "", advice);
}
