// SPDX-License-Identifier: GPL-2.0
/*
 * Attribute trees, as the kernel takes them from anybody
 *
 * The module's own parser (drbd-kmod/nl_attrs.c) on any bytes, for every container; what it
 * accepts it can send, and what it sent it reads back the same.
 */
#include "input.h"
#include "nl_attrs.h"

static const struct option_section *const sections[] = {
	&disk_conf_section, &res_opts_section, &net_conf_section, &set_role_parms_section,
	&resize_parms_section, &start_ov_parms_section, &new_c_uuid_parms_section,
	&timeout_parms_section, &disconnect_parms_section, &detach_parms_section,
	&nl_cfg_context_section, &nl_state_info_section, &nl_resource_info_section,
	&nl_device_info_section, &nl_connection_info_section, &nl_peer_device_info_section,
	&nl_device_statistics_section, &nl_peer_device_statistics_section,
};

/* Texts are ended within their members, lengths are within theirs. */
static void check(const struct option_section *section, const void *obj)
{
	int i;

	for (i = 0; i < section->count; i++) {
		const struct option_desc *desc = &section->options[i];
		const char *member = option_member(desc, obj);
		u32 len;

		if (desc->type == OPTION_STR)
			must(memchr(member, 0, desc->size));
		if (desc->type == OPTION_BIN) {
			memcpy(&len, member + desc->size, sizeof(len));
			must(len <= desc->size);
		}
	}
}

static void send_and_compare(const struct option_section *section, const void *obj)
{
	static u8 bytes[8192] __attribute__((aligned(4)));
	struct sk_buff skb = { .data = bytes, .room = sizeof(bytes) };
	const struct nl_emit all = { .sensitive = true };
	void *back = calloc(1, section->size);
	int i;

	must(!nl_put(&skb, section, obj, &all));
	must(!nl_parse(section, (struct nlattr *)bytes, back, NL_PARSE_NEW, NULL));
	for (i = 0; i < section->count; i++) {
		const struct option_desc *desc = &section->options[i];

		if (desc->type == OPTION_STR)
			must(!strcmp(option_member(desc, obj), option_member(desc, back)));
		else if (desc->type != OPTION_BIN)
			must(option_get(desc, obj) == option_get(desc, back));
	}
	free(back);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	const struct option_section *section;
	struct nlattr *container;
	struct input in = input_of(data, size);
	u8 pick = take8(&in);
	size_t len = min(input_left(&in), (size_t)4096);
	void *obj;
	int err;

	section = sections[pick % ARRAY_SIZE(sections)];
	obj = calloc(1, section->size);
	container = malloc(NLA_HDRLEN + len);
	container->nla_type = section->nla;
	container->nla_len = NLA_HDRLEN + len;
	memcpy(nla_data(container), in.at, len);
	option_set_defaults(section, obj);
	err = nl_parse(section, container, obj, pick & 0x80 ? NL_PARSE_CHANGE : NL_PARSE_NEW, NULL);
	must(err <= 0 && nl_parse_error_text(err));
	check(section, obj);
	if (!err)
		send_and_compare(section, obj);
	free(container);
	free(obj);
	return 0;
}
