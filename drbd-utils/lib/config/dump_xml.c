// SPDX-License-Identifier: GPL-2.0
/* dump_xml.c - the configuration as XML (spec chapter tools.md section 6.2) */
#include <string.h>

#include "parser.h"

static void escaped(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '\'':
			fputs("&apos;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void attribute(FILE *out, const char *name, const char *value)
{
	fprintf(out, " %s=\"", name);
	escaped(out, value);
	fputc('"', out);
}

static void element(FILE *out, int indent, const char *name, const char *text)
{
	fprintf(out, "%*s<%s>", indent, "", name);
	escaped(out, text);
	fprintf(out, "</%s>\n", name);
}

static void options(FILE *out, int indent, const struct cfg_options *list)
{
	const struct cfg_option *opt;

	for (opt = list->first; opt; opt = opt->next) {
		fprintf(out, "%*s<option", indent, "");
		attribute(out, "name", opt->name);
		if (opt->value)
			attribute(out, "value", opt->value);
		fputs("/>\n", out);
	}
}

static void section_open(FILE *out, int indent, const char *name)
{
	fprintf(out, "%*s<section name=\"%s\">\n", indent, "", name);
}

static void section_close(FILE *out, int indent)
{
	fprintf(out, "%*s</section>\n", indent, "");
}

static void section(FILE *out, int indent, const char *name, const struct cfg_options *list)
{
	if (!list->first)
		return;
	section_open(out, indent, name);
	options(out, indent + 4, list);
	section_close(out, indent);
}

static void names_attribute(FILE *out, const char *attr, const struct cfg_name *names)
{
	const struct cfg_name *name;

	fprintf(out, " %s=\"", attr);
	for (name = names; name; name = name->next) {
		if (name != names)
			fputc(' ', out);
		escaped(out, name->text);
	}
	fputc('"', out);
}

static void address(FILE *out, int indent, const char *name, const struct cfg_address *addr)
{
	if (!addr->family)
		return;
	fprintf(out, "%*s<%s", indent, "", name);
	attribute(out, "family", addr->family);
	attribute(out, "port", addr->port);
	fputc('>', out);
	escaped(out, addr->addr);
	fprintf(out, "</%s>\n", name);
}

static void volume(FILE *out, int indent, const struct cfg_volume *vol)
{
	int inner = indent + 4;

	fprintf(out, "%*s<volume vnr=\"%u\">\n", indent, "", vol->number);
	section(out, inner, "disk", &vol->options);
	fprintf(out, "%*s<device minor=\"%ld\">", inner, "", vol->minor);
	escaped(out, vol->device ? vol->device : "");
	fputs("</device>\n", out);
	if (vol->disk)
		element(out, inner, "disk", vol->disk);
	if (vol->meta_disk) {
		fprintf(out, "%*s<meta-disk", inner, "");
		if (strcmp(vol->meta_index, "internal") && strcmp(vol->meta_index, "flexible"))
			attribute(out, "index", vol->meta_index);
		fputc('>', out);
		escaped(out, vol->meta_disk);
		fputs("</meta-disk>\n", out);
	}
	fprintf(out, "%*s</volume>\n", indent, "");
}

static void plugins(FILE *out, int indent, const struct cfg_name *lines)
{
	if (!lines)
		return;
	section_open(out, indent, "plugin");
	for (; lines; lines = lines->next) {
		fprintf(out, "%*s<option", indent + 4, "");
		attribute(out, "name", lines->text);
		fputs("/>\n", out);
	}
	section_close(out, indent);
}

static void host(FILE *out, int indent, const struct cfg_host *h)
{
	const struct cfg_volume *vol;

	fprintf(out, "%*s<host", indent, "");
	if (h->kind == CFG_HOST_FLOATING)
		fputs(" floating=\"1\"", out);
	else
		names_attribute(out, "name", h->names);
	fputs(">\n", out);
	section(out, indent + 4, "options", &h->options);
	for (vol = h->volumes; vol; vol = vol->next)
		volume(out, indent + 4, vol);
	address(out, indent + 4, "address", &h->address);
	if (h->proxy) {
		fprintf(out, "%*s<proxy", indent + 4, "");
		names_attribute(out, "hostname", h->proxy->names);
		fputs(">\n", out);
		address(out, indent + 8, "inside", &h->proxy->inside);
		address(out, indent + 8, "outside", &h->proxy->outside);
		if (h->proxy->options.first || h->proxy->plugins) {
			section_open(out, indent + 8, "options");
			options(out, indent + 12, &h->proxy->options);
			plugins(out, indent + 12, h->proxy->plugins);
			section_close(out, indent + 8);
		}
		fprintf(out, "%*s</proxy>\n", indent + 4, "");
	}
	fprintf(out, "%*s</host>\n", indent, "");
}

static void startup(FILE *out, int indent, const struct cfg_resource *res)
{
	const struct cfg_options *list = &res->section[CFG_STARTUP];

	if (!list->first && !res->stacked_timeouts && !res->become_primary_on)
		return;
	section_open(out, indent, "startup");
	options(out, indent + 4, list);
	if (res->stacked_timeouts)
		fprintf(out, "%*s<option name=\"stacked-timeouts\"/>\n", indent + 4, "");
	if (res->become_primary_on) {
		fprintf(out, "%*s<option name=\"become-primary-on\"", indent + 4, "");
		names_attribute(out, "value", res->become_primary_on);
		fputs("/>\n", out);
	}
	section_close(out, indent);
}

static void sections(FILE *out, int indent, const struct cfg_resource *res)
{
	section(out, indent, "options", &res->section[CFG_OPTIONS]);
	section(out, indent, "net", &res->section[CFG_NET]);
	section(out, indent, "disk", &res->section[CFG_DISK]);
	startup(out, indent, res);
	if (res->section[CFG_PROXY].first || res->plugins) {
		section_open(out, indent, "proxy");
		options(out, indent + 4, &res->section[CFG_PROXY]);
		plugins(out, indent + 4, res->plugins);
		section_close(out, indent);
	}
	section(out, indent, "handlers", &res->section[CFG_HANDLERS]);
}

void config_dump_resource_xml(FILE *out, const struct cfg_resource *res, int indent)
{
	const struct cfg_host *h;

	fprintf(out, "%*s<resource", indent, "");
	attribute(out, "name", res->name);
	fputs(" conf-file-line=\"", out);
	escaped(out, res->file);
	fprintf(out, ":%d\">\n", res->place.line);
	for (h = res->hosts; h; h = h->next)
		host(out, indent + 4, h);
	sections(out, indent + 4, res);
	fprintf(out, "%*s</resource>\n", indent, "");
}

void config_dump_xml(FILE *out, const struct config *cfg)
{
	const struct cfg_global *global = &cfg->global;
	const struct cfg_resource *res;

	fputs("<config", out);
	attribute(out, "file", cfg->canonical);
	fputs(">\n", out);
	if (global->disable_ip_verification || global->minor_count || global->dialog_refresh != 1) {
		fputs("    <global>\n", out);
		if (global->disable_ip_verification)
			fputs("        <disable-ip-verification/>\n", out);
		if (global->minor_count)
			fprintf(out, "        <minor-count count=\"%u\"/>\n", global->minor_count);
		if (global->dialog_refresh != 1)
			fprintf(out, "        <dialog-refresh refresh=\"%u\"/>\n",
				global->dialog_refresh);
		fputs("    </global>\n", out);
	}
	if (cfg->common) {
		fputs("    <common>\n", out);
		sections(out, 8, cfg->common);
		fputs("    </common>\n", out);
	}
	for (res = cfg->resources; res; res = res->next)
		config_dump_resource_xml(out, res, 4);
	fputs("</config>\n", out);
}
