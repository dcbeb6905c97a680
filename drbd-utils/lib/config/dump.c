// SPDX-License-Identifier: GPL-2.0
/*
 * dump.c - the configuration as text again (spec chapter tools.md section 6.1)
 *
 * Feeding a dump back gives the same dump; the column layout is the one that
 * users' scripts know.
 */
#include <string.h>

#include "parser.h"

#define NAME_COLUMN 24	/* option names end here, whatever the indentation */
#define PLACE_WIDTH 16	/* address-like statements */
#define UNQUOTED_MAX 80

static bool needs_quotes(const char *text)
{
	static const char word[] = "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-";
	size_t len = strlen(text);

	return !len || len > UNQUOTED_MAX || strspn(text, word) != len;
}

void cfg_print_quoted(FILE *out, const char *text)
{
	if (!needs_quotes(text)) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fputc('\\', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

static bool is_number(const char *text)
{
	size_t digits = strspn(text, "0123456789");

	return digits && digits <= 8 &&
	       (!text[digits] || (strchr("KMGs", text[digits]) && !text[digits + 1]));
}

/* What the scanner takes for something else than a string when it is bare: numbers, addresses. */
static bool is_special(const char *text)
{
	return scanner_is_keyword(text) || is_number(text) ||
	       (strchr(text, '.') && !text[strspn(text, "0123456789.")]);
}

/* A name or path: quoted so that it is read back as one, also when it is a keyword. */
static void print_name(FILE *out, const char *text)
{
	if (is_special(text))
		fprintf(out, "\"%s\"", text);
	else
		cfg_print_quoted(out, text);
}

/* Numbers and "on" are values as they are, and so is what belongs to a flag. */
static bool is_bare_value(const char *name, const char *value)
{
	return !is_special(value) || is_number(value) || !strcmp(value, "on") ||
	       option_word_kind(name) == WORD_FLAG;
}

static void print_option(FILE *out, int indent, const char *name, const char *value)
{
	if (!value) {
		fprintf(out, "%*s%s;\n", indent, "", name);
		return;
	}
	fprintf(out, "%*s%-*s ", indent, "", NAME_COLUMN - indent, name);
	if (needs_quotes(value))
		cfg_print_quoted(out, value);
	else if (!is_bare_value(name, value))
		print_name(out, value);
	else
		fprintf(out, "%3s", value);
	fputs(";\n", out);
}

static void print_options(FILE *out, int indent, const struct cfg_options *list)
{
	const struct cfg_option *opt;

	for (opt = list->first; opt; opt = opt->next)
		print_option(out, indent, opt->name, opt->value);
}

static void print_section(FILE *out, int indent, const char *title, const struct cfg_options *list)
{
	if (!list->first)
		return;
	fprintf(out, "%*s%s {\n", indent, "", title);
	print_options(out, indent + 4, list);
	fprintf(out, "%*s}\n", indent, "");
}

static void print_address_text(FILE *out, const struct cfg_address *addr)
{
	const char *format = strcmp(addr->family, "ipv6") ? "%s %s:%s" : "%s [%s]:%s";

	fprintf(out, format, addr->family, addr->addr, addr->port);
}

static void print_address(FILE *out, int indent, const char *name, const struct cfg_address *addr)
{
	if (!addr->family)
		return;
	fprintf(out, "%*s%-*s ", indent, "", PLACE_WIDTH, name);
	print_address_text(out, addr);
	fputs(";\n", out);
}

static void print_meta_disk(FILE *out, int indent, const struct cfg_volume *vol)
{
	if (!vol->meta_disk)
		return;
	if (!strcmp(vol->meta_disk, "internal")) {
		print_option(out, indent, "meta-disk", "internal");
		return;
	}
	fprintf(out, "%*s%-*s ", indent, "", PLACE_WIDTH, "meta-disk");
	print_name(out, vol->meta_disk);
	if (strcmp(vol->meta_index, "flexible"))
		fprintf(out, " [%s]", vol->meta_index);
	fputs(";\n", out);
}

static void print_volume(FILE *out, int indent, const struct cfg_volume *vol, bool stacked)
{
	int inner = vol->implicit ? indent : indent + 4;

	if (!vol->implicit)
		fprintf(out, "%*svolume %u {\n", indent, "", vol->number);
	print_section(out, inner, "disk", &vol->options);
	if (vol->minor != CFG_NO_MINOR) {
		fprintf(out, "%*s%-*s ", inner, "", NAME_COLUMN - inner, "device");
		if (vol->device) {
			print_name(out, vol->device);
			fputc(' ', out);
		}
		fprintf(out, "minor %ld;\n", vol->minor);
	}
	if (!stacked && vol->disk)
		print_option(out, inner, "disk", vol->disk);
	if (!stacked)
		print_meta_disk(out, inner, vol);
	if (!vol->implicit)
		fprintf(out, "%*s}\n", indent, "");
}

static void print_plugins(FILE *out, int indent, const struct cfg_name *plugins)
{
	if (!plugins)
		return;
	fprintf(out, "%*splugin {\n", indent, "");
	for (; plugins; plugins = plugins->next)
		fprintf(out, "%*s%s;\n", indent + 4, "", plugins->text);
	fprintf(out, "%*s}\n", indent, "");
}

static void print_names(FILE *out, const struct cfg_name *names)
{
	for (; names; names = names->next) {
		fputc(' ', out);
		print_name(out, names->text);
	}
}

static void print_proxy(FILE *out, const struct cfg_proxy *proxy)
{
	fprintf(out, "        proxy on");
	print_names(out, proxy->names);
	fputs(" {\n", out);
	print_address(out, 12, "inside", &proxy->inside);
	print_address(out, 12, "outside", &proxy->outside);
	if (proxy->options.first || proxy->plugins) {
		fputs("            options {\n", out);
		print_options(out, 16, &proxy->options);
		print_plugins(out, 16, proxy->plugins);
		fputs("            }\n", out);
	}
	fputs("        }\n", out);
}

static void print_host_title(FILE *out, const struct cfg_host *host)
{
	const struct cfg_name *name;

	switch (host->kind) {
	case CFG_HOST_STACKED:
		fputs("    stacked-on-top-of ", out);
		print_name(out, host->lower_name);
		fputs(" {\n        # on ", out);
		for (name = host->names; name; name = name->next)
			fprintf(out, "%s ", name->text);
		fputc('\n', out);
		return;
	case CFG_HOST_FLOATING:
		fputs("    floating ", out);
		print_address_text(out, &host->address);
		break;
	/* As drbdsetup shows them: keywords, under which less needs to be said than of an `on`. */
	case CFG_HOST_THIS:
		fputs("    _this_host", out);
		break;
	case CFG_HOST_REMOTE:
		fputs("    _remote_host", out);
		break;
	default:
		fputs("    on", out);
		print_names(out, host->names);
	}
	fputs(" {\n", out);
}

static void print_host(FILE *out, const struct cfg_host *host)
{
	const struct cfg_volume *vol;

	print_host_title(out, host);
	print_section(out, 8, "options", &host->options);
	for (vol = host->volumes; vol; vol = vol->next)
		print_volume(out, 8, vol, host->kind == CFG_HOST_STACKED);
	if (host->kind != CFG_HOST_FLOATING)
		print_address(out, 8, "address", &host->address);
	print_address(out, 8, "alternate-link-address", &host->alt_address);
	if (host->proxy)
		print_proxy(out, host->proxy);
	fputs("    }\n", out);
}

static void print_startup(FILE *out, const struct cfg_resource *res)
{
	const struct cfg_name *name;
	char joined[4096];
	size_t len = 0;

	if (!res->section[CFG_STARTUP].first && !res->stacked_timeouts && !res->become_primary_on)
		return;
	fputs("    startup {\n", out);
	print_options(out, 8, &res->section[CFG_STARTUP]);
	if (res->stacked_timeouts)
		print_option(out, 8, "stacked-timeouts", NULL);
	for (name = res->become_primary_on; name && len < sizeof(joined); name = name->next)
		len += snprintf(joined + len, sizeof(joined) - len, "%s%s", len ? " " : "",
				name->text);
	if (res->become_primary_on)
		fprintf(out, "        %-16s %3s;\n", "become-primary-on", joined);
	fputs("    }\n", out);
}

static void print_sections(FILE *out, const struct cfg_resource *res)
{
	print_section(out, 4, "options", &res->section[CFG_OPTIONS]);
	print_section(out, 4, "net", &res->section[CFG_NET]);
	print_section(out, 4, "disk", &res->section[CFG_DISK]);
	print_startup(out, res);
	if (res->section[CFG_PROXY].first || res->plugins) {
		fputs("    proxy {\n", out);
		print_options(out, 8, &res->section[CFG_PROXY]);
		print_plugins(out, 8, res->plugins);
		fputs("    }\n", out);
	}
	print_section(out, 4, "handlers", &res->section[CFG_HANDLERS]);
}

static void print_global(FILE *out, const struct cfg_global *global, int verbose)
{
	static const char *const usage[] = { "ask", "yes", "no" };

	if (!verbose && !global->minor_count && !global->disable_ip_verification &&
	    global->dialog_refresh == 1 && global->usage_count == CFG_USAGE_ASK)
		return;
	fputs("global {\n", out);
	if (global->disable_ip_verification)
		fputs("    disable-ip-verification;\n", out);
	if (global->minor_count)
		fprintf(out, "    minor-count %u;\n", global->minor_count);
	if (global->dialog_refresh != 1)
		fprintf(out, "    dialog-refresh %u;\n", global->dialog_refresh);
	if (global->usage_count != CFG_USAGE_ASK)
		fprintf(out, "    usage-count %s;\n", usage[global->usage_count]);
	if (global->timeout_short != 5)
		fprintf(out, "    cmd-timeout-short %u;\n", global->timeout_short);
	if (global->timeout_medium != 121)
		fprintf(out, "    cmd-timeout-medium %u;\n", global->timeout_medium);
	if (global->timeout_long != 600)
		fprintf(out, "    cmd-timeout-long %u;\n", global->timeout_long);
	fputs("}\n\n", out);
}

void config_dump(FILE *out, const struct config *cfg, int verbose)
{
	const struct cfg_resource *res;

	fprintf(out, "# %s\n", cfg->canonical);
	print_global(out, &cfg->global, verbose);
	if (cfg->common) {
		fputs("common {\n", out);
		print_sections(out, cfg->common);
		fputs("}\n\n", out);
	}
	for (res = cfg->resources; res; res = res->next)
		config_dump_resource(out, cfg, res);
}

void config_dump_resource(FILE *out, const struct config *cfg, const struct cfg_resource *res)
{
	const struct cfg_host *host;

	fputs("# resource ", out);
	cfg_print_quoted(out, res->name);
	fprintf(out, " on %s: %s, %s\n", cfg->node_name, res->ignored ? "ignored" : "not ignored",
		res->stacked ? "stacked" : "not stacked");
	fprintf(out, "# defined at %s:%d\n", res->file, res->place.line);
	fputs("resource ", out);
	print_name(out, res->name);
	fputs(" {\n", out);
	for (host = res->hosts; host; host = host->next)
		print_host(out, host);
	print_sections(out, res);
	fputs("}\n\n", out);
}
