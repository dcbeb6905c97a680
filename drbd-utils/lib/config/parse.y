/* SPDX-License-Identifier: GPL-2.0 */
/*
 * parse.y - grammar of the 8.4 configuration language (spec chapter tools.md section 2)
 *
 * Actions only call the builders; each looks at parser.fatal through STEP.
 */
%define api.prefix {cfg_}
%define api.pure full
%define api.location.type {struct cfg_place}
%define parse.error custom
%define parse.lac full
%locations
%param { struct parser *p }

%code requires {
#include "parser.h"
}

%code provides {
int cfg_lex(CFG_STYPE *value, struct cfg_place *place, struct parser *p);
}

%code {
#include <string.h>

/* A statement's place is that of its first token. */
#define YYLLOC_DEFAULT(current, rhs, n) ((current) = YYRHSLOC(rhs, (n) ? 1 : 0))
#define STEP(call) do { call; if (p->fatal) YYABORT; } while (0)

static void cfg_error(const struct cfg_place *place, struct parser *p, const char *message)
{
	parse_fatal(p, CFG_EXIT_FAILED, *place, "%s", message);
}
}

%union {
	const char *text;
	struct cfg_name *names;
	struct cfg_address address;
}

%token <text> TK_STRING "a name or string" TK_NUMBER "a number"
%token <text> TK_IPV4ADDR "an IPv4 address" TK_IPV6ADDR "an IPv6 address"
%token <text> TK_OPTION "an option keyword" TK_FLAG_OPTION "a flag keyword"
%token <text> TK_BARE_OPTION "a bare keyword" TK_GLOBAL_NUMBER "a global number keyword"
%token <text> TK_FAMILY "ssocks | sdp | ipv4"
%token <text> TK_IPV6 "ipv6" TK_PROTOCOL "protocol" TK_ON "on"
%token TK_BAD "an acceptable token" TK_ILLEGAL "a legal character" TK_ENDFILE "end of file"
%token TK_GLOBAL "global" TK_COMMON "common" TK_RESOURCE "resource" TK_IGNORE_ON "ignore-on"
%token TK_FLOATING "floating" TK_STACKED "stacked-on-top-of" TK_THIS_HOST "_this_host"
%token TK_REMOTE_HOST "_remote_host" TK_VOLUME "volume" TK_DEVICE "device" TK_MINOR "minor"
%token TK_DISK "disk" TK_META_DISK "meta-disk" TK_FLEXIBLE_META_DISK "flexible-meta-disk"
%token TK_ADDRESS "address" TK_ALT_ADDRESS "alternate-link-address" TK_PROXY "proxy"
%token TK_INSIDE "inside" TK_OUTSIDE "outside" TK_NET "net" TK_SYNCER "syncer"
%token TK_STARTUP "startup" TK_HANDLERS "handlers" TK_OPTIONS "options" TK_SKIP "skip"
%token TK_INCLUDE "include" TK_YES "yes" TK_NO "no" TK_ASK "ask" TK_USAGE_COUNT "usage-count"
%token TK_DISABLE_IP "disable-ip-verification" TK_UDEV_VNR "udev-always-use-vnr"
%token TK_BECOME_PRIMARY "become-primary-on" TK_PLUGIN "plugin"

%type <text> value flag index plugin_word
%type <names> names words
%type <address> address

%%

config: %empty | config statement ;

statement:
	TK_ENDFILE
	| global
	| common
	| resource
	| skip
	| TK_INCLUDE TK_STRING ';'	{ STEP(source_include(p, @2, $2)); }
	;

skip:	TK_SKIP skip_text '{'		{ STEP(scanner_skip_block(p)); } ;
skip_text: %empty | TK_STRING ;

/* global */

global:	TK_GLOBAL			{ STEP(build_global_begin(p, @1)); }
	'{' global_statements '}' ;

global_statements: %empty | global_statements global_statement ;

global_statement:
	TK_USAGE_COUNT usage ';'
	| TK_GLOBAL_NUMBER TK_NUMBER ';' { STEP(build_global_number(p, @2, $1, $2)); }
	| TK_DISABLE_IP ';'		{ p->cfg->global.disable_ip_verification = true; }
	| TK_UDEV_VNR ';'		{ p->cfg->global.udev_always_use_vnr = true; }
	;

usage:	TK_YES				{ p->cfg->global.usage_count = CFG_USAGE_YES; }
	| TK_NO				{ p->cfg->global.usage_count = CFG_USAGE_NO; }
	| TK_ASK			{ p->cfg->global.usage_count = CFG_USAGE_ASK; }
	;

/* common and resource */

common:	TK_COMMON '{'			{ STEP(build_resource_begin(p, @2, NULL)); }
	resource_statements section_close { STEP(build_resource_end(p, @5)); } ;

resource: TK_RESOURCE TK_STRING '{'	{ STEP(build_resource_begin(p, @3, $2)); }
	resource_statements section_close { STEP(build_resource_end(p, @6)); } ;

section_close: '}' | TK_ENDFILE ;

resource_statements: %empty | resource_statements resource_statement ;

resource_statement:
	TK_PROTOCOL TK_STRING ';'	{ STEP(build_protocol(p, @1, $2)); }
	| TK_IGNORE_ON TK_STRING ';'	{ cfg_note(p->cfg, @1, "in resource %s, WARN: The "
						   "'ignore-on' keyword is deprecated.",
						   p->res->name); }
	| host
	| stacked
	| volume_statement
	| TK_VOLUME TK_NUMBER '{'	{ STEP(build_volume_begin(p, @1, $2)); }
	  volume_statements '}'		{ build_volume_end(p); }
	| section_keyword '{' options '}' { build_section_end(p); }
	| TK_DISK '{'			{ STEP(build_section_begin(p, @1, CFG_DISK)); }
	  options '}'			{ build_section_end(p); }
	;

section_keyword:
	TK_NET				{ STEP(build_section_begin(p, @1, CFG_NET)); }
	| TK_SYNCER			{ STEP(build_section_begin(p, @1, CFG_SYNCER)); }
	| TK_STARTUP			{ STEP(build_section_begin(p, @1, CFG_STARTUP)); }
	| TK_HANDLERS			{ STEP(build_section_begin(p, @1, CFG_HANDLERS)); }
	| TK_OPTIONS			{ STEP(build_section_begin(p, @1, CFG_OPTIONS)); }
	| TK_PROXY			{ STEP(build_section_begin(p, @1, CFG_PROXY)); }
	;

/* hosts */

host:	TK_ON names '{'			{ STEP(build_host_begin(p, @3, CFG_HOST_ON, $2)); }
	host_statements '}'		{ STEP(build_host_end(p)); }
	| TK_FLOATING address		{ STEP(build_floating_begin(p, @1, $2)); }
	  floating_body			{ STEP(build_host_end(p)); }
	| local_host '{' host_statements '}' { STEP(build_host_end(p)); }
	;

floating_body: ';' | '{' host_statements '}' ;

local_host:
	TK_THIS_HOST			{ STEP(build_host_begin(p, @1, CFG_HOST_THIS, NULL)); }
	| TK_REMOTE_HOST		{ STEP(build_host_begin(p, @1, CFG_HOST_REMOTE, NULL)); }
	;

host_statements: %empty | host_statements host_statement ;

host_statement:
	volume_statement
	| TK_DISK '{'			{ STEP(build_disk_section(p, @1)); }
	  options '}'			{ build_section_end(p); }
	| TK_VOLUME TK_NUMBER '{'	{ STEP(build_volume_begin(p, @1, $2)); }
	  volume_statements '}'		{ build_volume_end(p); }
	| address_statement
	| proxy_host
	| TK_OPTIONS '{'		{ p->options = &p->host->options;
					  p->section = CFG_OPTIONS; }
	  options '}'			{ build_section_end(p); }
	;

address_statement:
	TK_ADDRESS address ';'		{ STEP(build_address(p, @1, $2, false)); }
	| TK_ALT_ADDRESS address ';'	{ STEP(build_address(p, @1, $2, true)); }
	;

stacked: TK_STACKED TK_STRING '{'	{ STEP(build_stacked_begin(p, @3, $2)); }
	stacked_statements '}'		{ STEP(build_host_end(p)); } ;

stacked_statements: %empty | stacked_statements stacked_statement ;

stacked_statement:
	device_statement
	| TK_VOLUME TK_NUMBER '{'	{ STEP(build_volume_begin(p, @1, $2)); }
	  device_statement '}'		{ build_volume_end(p); }
	| address_statement
	| proxy_host
	;

proxy_host: TK_PROXY TK_ON names '{'	{ STEP(build_proxy_begin(p, $3)); }
	proxy_statements '}' ;

proxy_statements: %empty | proxy_statements proxy_statement ;

proxy_statement:
	TK_INSIDE address ';'		{ p->proxy->inside = $2; }
	| TK_OUTSIDE address ';'	{ p->proxy->outside = $2; }
	| TK_OPTIONS '{'		{ p->options = &p->proxy->options;
					  p->section = CFG_PROXY; }
	  options '}'			{ build_section_end(p); }
	;

/* volumes */

volume_statements: %empty | volume_statements volume_member ;

volume_member:
	volume_statement
	| TK_DISK '{'			{ STEP(build_disk_section(p, @1)); }
	  options '}'			{ build_section_end(p); }
	;

volume_statement:
	device_statement
	| TK_DISK TK_STRING ';'		{ STEP(build_disk(p, @1, $2)); }
	| TK_META_DISK TK_STRING index ';' { STEP(build_meta_disk(p, @1, $2, $3)); }
	| TK_FLEXIBLE_META_DISK TK_STRING ';' { STEP(build_meta_disk(p, @1, $2, NULL)); }
	;

index:	%empty				{ $$ = NULL; }
	| '[' TK_NUMBER ']'		{ $$ = $2; }
	;

device_statement:
	TK_DEVICE TK_STRING ';'		{ STEP(build_device(p, @1, $2, NULL)); }
	| TK_DEVICE TK_STRING TK_MINOR TK_NUMBER ';' { STEP(build_device(p, @1, $2, $4)); }
	| TK_DEVICE TK_MINOR TK_NUMBER ';' { STEP(build_device(p, @1, NULL, $3)); }
	;

address:
	TK_IPV4ADDR ':' TK_NUMBER	{ $$ = build_make_address(p, @1, "ipv4", $1, $3); }
	| TK_FAMILY TK_IPV4ADDR ':' TK_NUMBER { $$ = build_make_address(p, @1, $1, $2, $4); }
	| TK_IPV6 '[' TK_IPV6ADDR ']' ':' TK_NUMBER
					{ $$ = build_make_address(p, @1, "ipv6", $3, $6); }
	;

/* options of any section; the builder knows which one is open */

options: %empty | options option ;

option:	TK_OPTION			{ STEP(build_option_allowed(p, @1, $1)); }
	value ';'			{ STEP(build_option(p, @3, $1, $3)); }
	| TK_PROTOCOL			{ STEP(build_option_allowed(p, @1, $1)); }
	value ';'			{ STEP(build_option(p, @3, $1, $3)); }
	| TK_FLAG_OPTION		{ STEP(build_option_allowed(p, @1, $1)); }
	flag ';'			{ STEP(build_option(p, @1, $1, $3)); }
	| TK_BARE_OPTION		{ STEP(build_option_allowed(p, @1, $1)); }
	';'				{ STEP(build_option(p, @1, $1, NULL)); }
	| TK_BECOME_PRIMARY		{ STEP(build_option_allowed(p, @1, "become-primary-on")); }
	names ';'			{ STEP(build_become_primary(p, @1, $3)); }
	| TK_PLUGIN			{ STEP(build_option_allowed(p, @1, "plugin")); }
	'{'				{ STEP(build_plugin_begin(p, @1)); }
	plugins '}'
	;

value:	TK_STRING | TK_NUMBER | TK_ON ;

flag:	%empty				{ $$ = "yes"; }
	| TK_YES			{ $$ = "yes"; }
	| TK_NO				{ $$ = "no"; }
	;

plugins: %empty | plugins words ';'	{ build_plugin(p, $2); } ;

/* Inside a plugin line keywords are ordinary words. */
words:	plugin_word			{ $$ = build_names(p, NULL, $1); }
	| words plugin_word		{ $$ = build_names(p, $1, $2); }
	;

plugin_word:
	value
	| TK_OPTION | TK_FLAG_OPTION | TK_BARE_OPTION | TK_GLOBAL_NUMBER | TK_FAMILY | TK_IPV6
	| TK_PROTOCOL | TK_IPV4ADDR | TK_IPV6ADDR
	| keyword			{ $$ = $<text>1; }
	;

keyword: TK_GLOBAL | TK_COMMON | TK_RESOURCE | TK_IGNORE_ON | TK_FLOATING | TK_STACKED
	| TK_THIS_HOST | TK_REMOTE_HOST | TK_VOLUME | TK_DEVICE | TK_MINOR | TK_DISK
	| TK_META_DISK | TK_FLEXIBLE_META_DISK | TK_ADDRESS | TK_ALT_ADDRESS | TK_PROXY
	| TK_INSIDE | TK_OUTSIDE | TK_NET | TK_SYNCER | TK_STARTUP | TK_HANDLERS | TK_OPTIONS
	| TK_SKIP | TK_INCLUDE | TK_YES | TK_NO | TK_ASK | TK_USAGE_COUNT | TK_DISABLE_IP
	| TK_UDEV_VNR | TK_BECOME_PRIMARY | TK_PLUGIN
	;

names:	TK_STRING			{ $$ = build_names(p, NULL, $1); }
	| names TK_STRING		{ $$ = build_names(p, $1, $2); }
	;

%%

static bool is_expected(const yypcontext_t *yyctx, yysymbol_kind_t token)
{
	yysymbol_kind_t expected[YYNTOKENS];
	int i, n = yypcontext_expected_tokens(yyctx, expected, YYNTOKENS);

	for (i = 0; i < n; i++)
		if (expected[i] == token)
			return true;
	return false;
}

/* What the reader needs of the expected tokens: each word once. */
static void expected_words(const yypcontext_t *yyctx, char *out, size_t size)
{
	yysymbol_kind_t expected[YYNTOKENS];
	int i, n = yypcontext_expected_tokens(yyctx, expected, YYNTOKENS);
	size_t len = 0;

	out[0] = 0;
	for (i = 0; i < n && len < size; i++) {
		const char *name = yysymbol_name(expected[i]);
		bool quoted = name[0] == '\'';

		if (expected[i] == YYSYMBOL_TK_ENDFILE)
			continue;
		len += snprintf(out + len, size - len, "%s%.*s", len ? " | " : "",
				(int)strlen(name) - 2 * quoted, name + quoted);
	}
}

static bool is_drbd9_word(const char *word)
{
	static const char *const words[] = {
		"connection-mesh", "connection", "hosts", "host", "node-id", "path", "port", "via",
		"template-file", "quorum", "auto-promote", "transport", "on-no-quorum",
		"quorum-minimum-redundancy", "peer-ack-window", "peer-ack-delay",
		"on-suspended-primary-outdated", "block-size", "tls",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i], word))
			return true;
	return false;
}

/* what to do about it, where that can be told */
static const char *advice(const yypcontext_t *yyctx, const char *token, bool string_wanted)
{
	yysymbol_kind_t kind = yypcontext_token(yyctx);

	if (kind == YYSYMBOL_TK_STRING && is_drbd9_word(token))
		return "\n\tThis is DRBD 9 syntax; DRBD 8.4 does not have it.";
	if (string_wanted && kind == YYSYMBOL_TK_NUMBER)
		return "\n\tTo use a number as a name, write it in double quotes.";
	if (string_wanted && *token && strspn(token, "abcdefghijklmnopqrstuvwxyz0123456789_-") ==
	    strlen(token))
		return "\n\tIt is a reserved word; to use it as a name or value, write it in "
		       "double quotes.";
	return "";
}

static void report_bad_string(struct parser *p, struct cfg_place place)
{
	const char *what = "Token too long (128 characters are the limit)";

	if (p->bad == TOKEN_UNTERMINATED)
		what = "Unterminated double quoted string, it must end on its line";
	else if (p->bad == TOKEN_QUOTED_TOO_LONG)
		what = "Double quoted string too long (255 characters are the limit)";
	parse_fatal(p, CFG_EXIT_INVALID, place, "%s >>>%.20s...<<<", what, p->token);
}

static int yyreport_syntax_error(const yypcontext_t *yyctx, struct parser *p)
{
	struct cfg_place place = *yypcontext_location(yyctx);
	const char *similar = NULL;
	char expected[1024];

	if (yypcontext_token(yyctx) == YYSYMBOL_TK_BAD && is_expected(yyctx, YYSYMBOL_TK_STRING)) {
		report_bad_string(p, place);
		return 0;
	}
	if (p->options && is_expected(yyctx, YYSYMBOL_TK_OPTION)) {
		if (yypcontext_token(yyctx) == YYSYMBOL_TK_STRING)
			similar = option_similar(p->section, p->token);
		snprintf(expected, sizeof(expected), "%s%s%s%s", option_keyword_text(p->section),
			 similar ? " (did you mean '" : "", similar ? similar : "",
			 similar ? "'?)" : "");
	} else {
		expected_words(yyctx, expected, sizeof(expected));
	}
	parse_expected(p, place, expected, p->token,
		       advice(yyctx, p->token, is_expected(yyctx, YYSYMBOL_TK_STRING)));
	return 0;
}
