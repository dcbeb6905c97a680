// SPDX-License-Identifier: GPL-2.0
/*
 * The attribute tables against every genuine datagram: numbers, sizes, the
 * mandatory bit, the nesting flag, and the kernel's order of emission.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/nlattrs.h"

#define FAMILY 32 /* in all vectors */
#define HEADERS 28
#define NESTED 0x8000

struct attribute {
	u16 length, type;
	const u8 *payload; /* length - 4 bytes */
};

struct datagram {
	char name[256];
	u8 bytes[4096];
	size_t length;
	bool from_kernel;
};

static bool next_attribute(const u8 **at, const u8 *end, struct attribute *attribute)
{
	if (end - *at < 4)
		return false;
	memcpy(&attribute->length, *at, 2);
	memcpy(&attribute->type, *at + 2, 2);
	assert_in_range(attribute->length, 4, end - *at);
	attribute->payload = *at + 4;
	*at += (attribute->length + 3) & ~3;
	return true;
}

static void load(struct datagram *datagram, const char *name)
{
	char path[512];
	FILE *file;

	snprintf(path, sizeof(path), VECTORS "/netlink/%s", name);
	file = fopen(path, "rb");
	assert_non_null(file);
	datagram->length = fread(datagram->bytes, 1, sizeof(datagram->bytes), file);
	fclose(file);
	snprintf(datagram->name, sizeof(datagram->name), "%s", name);
	datagram->from_kernel = !strstr(name, ".req.");
}

static bool is_of_family(const struct datagram *datagram)
{
	u16 type;

	memcpy(&type, datagram->bytes + 4, 2);
	return type == FAMILY && datagram->length >= HEADERS;
}

/* Calls check for every container of every genuine message; returns how many there were. */
static int each_container(void (*check)(const struct datagram *datagram,
					const struct option_section *section,
					const struct attribute *container))
{
	DIR *directory = opendir(VECTORS "/netlink");
	struct datagram datagram;
	struct dirent *entry;
	int count = 0;

	assert_non_null(directory);
	while ((entry = readdir(directory))) {
		const u8 *at = datagram.bytes + HEADERS;
		struct attribute container;

		if (!strstr(entry->d_name, ".bin"))
			continue;
		load(&datagram, entry->d_name);
		if (!is_of_family(&datagram))
			continue;
		while (next_attribute(&at, datagram.bytes + datagram.length, &container)) {
			u32 number = container.type & NL_TYPE_MASK;

			if (number == NLA_CFG_REPLY)
				continue;
			assert_non_null(nl_container_section(number));
			check(&datagram, nl_container_section(number), &container);
			count++;
		}
	}
	closedir(directory);
	return count;
}

static const u8 *end_of(const struct attribute *attribute)
{
	return attribute->payload + attribute->length - 4;
}

static void check_sizes(const struct datagram *datagram, const struct option_section *section,
			const struct attribute *container)
{
	const u8 *at = container->payload;
	struct attribute field;

	(void)datagram;
	while (next_attribute(&at, end_of(container), &field)) {
		const struct option_desc *desc =
			option_find_nla(section, field.type & NL_TYPE_MASK);
		u32 length = field.length - 4;

		if (!desc) {
			/* Sent on purpose, or known to newer tools only: beyond our highest. */
			assert_true((field.type & NL_TYPE_MASK) > section->highest_nla);
			continue;
		}
		if (desc->type == OPTION_STR) {
			assert_in_range(length, 1, desc->size);
			assert_int_equal(field.payload[length - 1], 0);
		} else if (desc->type == OPTION_BIN) {
			assert_in_range(length, 0, desc->size);
		} else {
			assert_int_equal(length, desc->size);
		}
	}
}

static void every_genuine_field_is_in_the_tables_with_its_size(void **unused)
{
	(void)unused;
	assert_true(each_container(check_sizes) > 200);
}

/* In kernel messages only these have no nesting flag, and only these carry mandatory bits. */
static bool kernel_leaves_unnested(u32 container)
{
	return container == NLA_CFG_REPLY || container == NLA_CFG_CONTEXT ||
	       container == NLA_STATE_INFO;
}

static void check_kernel_flags(const struct datagram *datagram,
			       const struct option_section *section,
			       const struct attribute *container)
{
	const u8 *at = container->payload;
	bool echo = section == &nl_cfg_context_section && (container->type & NESTED);
	struct attribute field;

	if (!datagram->from_kernel)
		return;
	if (!echo)
		assert_int_equal(!(container->type & NESTED),
				 kernel_leaves_unnested(section->nla));
	while (next_attribute(&at, end_of(container), &field)) {
		const struct option_desc *desc =
			option_find_nla(section, field.type & NL_TYPE_MASK);
		bool expected = !(container->type & NESTED) && (desc->flags & OPT_M);

		assert_int_equal(!!(field.type & NL_MANDATORY), expected);
	}
}

static void the_kernel_flags_what_the_tables_say(void **unused)
{
	(void)unused;
	each_container(check_kernel_flags);
}

static void check_tool_flags(const struct datagram *datagram, const struct option_section *section,
			     const struct attribute *container)
{
	const u8 *at = container->payload;
	struct attribute field;

	if (strncmp(datagram->name, "tool_", 5))
		return;
	assert_true(container->type & NESTED);
	while (next_attribute(&at, end_of(container), &field)) {
		const struct option_desc *desc =
			option_find_nla(section, field.type & NL_TYPE_MASK);

		assert_int_equal(!!(field.type & NL_MANDATORY), !!(desc->flags & OPT_M));
	}
}

static void the_genuine_tool_flags_what_the_tables_say(void **unused)
{
	(void)unused;
	each_container(check_tool_flags);
}

static void check_order(const struct datagram *datagram, const struct option_section *section,
			const struct attribute *container)
{
	const u8 *at = container->payload;
	const struct option_desc *last = NULL;
	struct attribute field;

	if (!datagram->from_kernel || (section->nla == NLA_CFG_CONTEXT && container->type & NESTED))
		return;
	while (next_attribute(&at, end_of(container), &field)) {
		const struct option_desc *desc =
			option_find_nla(section, field.type & NL_TYPE_MASK);

		assert_non_null(desc);
		assert_true(!last || desc > last);
		last = desc;
	}
}

static void the_kernel_emits_in_the_order_of_the_tables(void **unused)
{
	(void)unused;
	each_container(check_order);
}

static void check_complete(const struct datagram *datagram, const struct option_section *section,
			   const struct attribute *container)
{
	const u8 *at = container->payload;
	struct attribute field;
	u32 count = 0;

	/* State info depends on the state, a context on what it is about, a secret on the reader. */
	if (!datagram->from_kernel || section->nla == NLA_STATE_INFO ||
	    section->nla == NLA_CFG_CONTEXT)
		return;
	while (next_attribute(&at, end_of(container), &field))
		count++;
	assert_true(count == section->count ||
		    (section == &net_conf_section && count == section->count - 1U));
}

static void the_kernel_emits_whole_containers(void **unused)
{
	(void)unused;
	each_container(check_complete);
}

static void defaults_come_back_from_a_fresh_attach(void **unused)
{
	struct datagram datagram;
	const u8 *at = datagram.bytes + HEADERS;
	struct attribute container, field;
	int compared = 0;

	(void)unused;
	load(&datagram, "get_status_unconfigured.rep.bin");
	while (next_attribute(&at, datagram.bytes + datagram.length, &container)) {
		const u8 *inner = container.payload;

		if ((container.type & NL_TYPE_MASK) != NLA_RESOURCE_OPTS)
			continue;
		while (next_attribute(&inner, end_of(&container), &field)) {
			const struct option_desc *desc =
				option_find_nla(&res_opts_section, field.type & NL_TYPE_MASK);
			u32 value = 0;

			memcpy(&value, field.payload, field.length - 4U < 4U ? 1 : 4);
			assert_int_equal(value, desc->def);
			compared++;
		}
	}
	assert_int_equal(compared, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_genuine_field_is_in_the_tables_with_its_size),
		cmocka_unit_test(the_kernel_flags_what_the_tables_say),
		cmocka_unit_test(the_genuine_tool_flags_what_the_tables_say),
		cmocka_unit_test(the_kernel_emits_in_the_order_of_the_tables),
		cmocka_unit_test(the_kernel_emits_whole_containers),
		cmocka_unit_test(defaults_come_back_from_a_fresh_attach),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
