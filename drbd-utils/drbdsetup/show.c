// SPDX-License-Identifier: GPL-2.0
/*
 * show.c - the configuration in use, as configuration text (tools.md 9.2)
 *
 * drbdadm adjust reads this back: strings quoted, numbers with their unit's
 * suffix, remarks behind '#'.
 */
#include "volume_view.h"

#include <inttypes.h>
#include <string.h>

#include "show_json.h"

struct show {
	bool defaults;
	bool any; /* something was printed */
	char resource[128]; /* the one whose braces are open */
};

static void print_indent(int level)
{
	printf("%*s", 4 * level, "");
}

static void print_quoted(const char *text)
{
	putchar('"');
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void print_value(const struct option_desc *desc, const void *conf)
{
	char suffix = option_unit_suffix(desc->unit);
	const char *name;

	switch (desc->type) {
	case OPTION_STR:
		print_quoted(option_member(desc, conf));
		return;
	case OPTION_FLG:
		printf("%s", option_get(desc, conf) ? "yes" : "no");
		return;
	case OPTION_S32:
		printf("%" PRId64, (s64)option_get(desc, conf));
		break;
	default:
		name = option_value_name(desc, option_get(desc, conf));
		if (name)
			printf("%s", name);
		else
			printf("%" PRIu64, option_get(desc, conf));
		break;
	}
	if (suffix != '1')
		putchar(suffix);
}

static void print_option(int level, const struct option_desc *desc, const void *conf)
{
	const char *unit = option_unit_text(desc->unit);
	bool is_default = option_is_default(desc, conf);

	print_indent(level);
	printf("%-16s\t", desc->name);
	print_value(desc, conf);
	printf(";");
	if (unit || is_default)
		printf(" # %s%s%s", unit ? unit : "", unit && is_default ? ", " : "",
		       is_default ? "default" : "");
	printf("\n");
}

static void print_section(const struct show *show, int level, const struct option_section *section,
			  const void *conf, u64 present)
{
	const struct option_desc *desc;
	u32 rank;

	print_indent(level);
	printf("%s {\n", section->name);
	for (rank = 1; (desc = option_find_rank(section, rank)); rank++) {
		if (!(present & (1ULL << desc->nla)))
			continue;
		if (show->defaults || !option_is_default(desc, conf))
			print_option(level + 1, desc, conf);
	}
	print_indent(level);
	printf("}\n");
}

static void print_address(int level, const void *bytes, size_t length)
{
	char text[ADDRESS_TEXT_MAX];

	if (!length)
		return;
	address_format(text, bytes, length);
	print_indent(level);
	printf("address\t\t\t%s;\n", text);
}

static void print_meta_disk(const struct disk_conf *disk)
{
	print_indent(3);
	printf("meta-disk\t\t\t");
	if (disk->meta_dev_idx == -1 || disk->meta_dev_idx == -3) {
		printf("internal;\n");
		return;
	}
	print_quoted(disk->meta_dev);
	if (disk->meta_dev_idx >= 0)
		printf(" [ %d ]", disk->meta_dev_idx);
	printf(";\n");
}

static void print_volume(const struct show *show, const struct volume_view *view)
{
	print_indent(2);
	printf("volume %d {\n", (int)view->context.ctx_volume);
	print_indent(3);
	printf("device\t\t\tminor %u;\n", view->minor);
	if (view->has_disk) {
		print_indent(3);
		printf("disk\t\t\t");
		print_quoted(view->disk.backing_dev);
		printf(";\n");
		print_meta_disk(&view->disk);
		print_section(show, 3, &disk_conf_section, &view->disk, ~0ULL);
	}
	print_indent(2);
	printf("}\n");
}

static void print_resource_start(const struct show *show, const struct volume_view *view)
{
	const struct nl_cfg_context *context = &view->context;

	printf("resource %s {\n", context->ctx_resource_name);
	if (view->has_opts)
		print_section(show, 1, &res_opts_section, &view->opts, ~0ULL);
	if (view->has_net)
		print_section(show, 1, &net_conf_section, &view->net, view->net_present);
	if (context->ctx_peer_addr_len) {
		printf("    _remote_host {\n");
		print_address(2, context->ctx_peer_addr, context->ctx_peer_addr_len);
		printf("    }\n");
	}
	printf("    _this_host {\n");
	print_address(2, context->ctx_my_addr, context->ctx_my_addr_len);
}

static void print_resource_end(void)
{
	printf("    }\n}\n");
}

static void show_volume(const struct volume_view *view, void *context)
{
	struct show *show = context;
	bool same = show->any && !strcmp(show->resource, view->context.ctx_resource_name);

	if (!same) {
		if (show->any) {
			print_resource_end();
			printf("\n");
		}
		strcpy(show->resource, view->context.ctx_resource_name);
		print_resource_start(show, view);
		show->any = true;
	}
	if (view->minor != NL_MINOR_NONE)
		print_volume(show, view);
}

int run_show(struct invocation *invocation)
{
	struct show show = { .defaults = invocation->tool_given[TOOL_SHOW_DEFAULTS] };
	int status;

	if (invocation->tool_given[TOOL_JSON])
		return show_json(invocation, show.defaults);
	status = volume_view_each(invocation, show_volume, &show);
	if (show.any)
		print_resource_end();
	return status;
}
