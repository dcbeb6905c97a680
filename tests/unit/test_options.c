// SPDX-License-Identifier: GPL-2.0
/* The option tables: consistent in themselves, and units, defaults, ranges as specified. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/nlattrs.h"
#include "core/options.h"

static const struct option_section *const option_sections[] = {
	&disk_conf_section, &res_opts_section, &net_conf_section, &resize_parms_section,
};

static void every_number_and_name_is_unique_in_its_container(void **unused)
{
	u32 c, i, j;

	(void)unused;
	for (c = 0; c <= NL_CONTAINER_MAX; c++) {
		const struct option_section *section = nl_container_section(c);

		if (!section)
			continue;
		assert_int_equal(section->nla, c);
		for (i = 0; i < section->count; i++) {
			const struct option_desc *a = &section->options[i];

			assert_in_range(a->nla, 1, section->highest_nla);
			assert_true(a->offset + a->size <= section->size);
			for (j = 0; j < i; j++) {
				const struct option_desc *b = &section->options[j];

				assert_int_not_equal(a->nla, b->nla);
				assert_string_not_equal(a->name, b->name);
				assert_true(b->offset + b->size <= a->offset);
			}
		}
	}
}

static void retired_containers_have_no_table(void **unused)
{
	(void)unused;
	assert_null(nl_container_section(0));
	assert_null(nl_container_section(NLA_CFG_REPLY));
	assert_null(nl_container_section(14));
	assert_null(nl_container_section(NL_CONTAINER_MAX + 1));
}

static void ranks_are_a_gapless_sequence(void **unused)
{
	static const u32 counts[] = { 22, 2, 29, 5 };
	u32 s, rank;

	(void)unused;
	for (s = 0; s < ARRAY_SIZE(option_sections); s++) {
		for (rank = 1; option_find_rank(option_sections[s], rank); rank++)
			;
		assert_int_equal(rank - 1, counts[s]);
	}
	assert_null(option_find_rank(&disk_conf_section, 0));
}

static void every_default_is_in_its_range_and_has_a_name(void **unused)
{
	u32 s, i;

	(void)unused;
	for (s = 0; s < 3; s++) {
		for (i = 0; i < option_sections[s]->count; i++) {
			const struct option_desc *desc = &option_sections[s]->options[i];

			if (desc->type == OPTION_STR)
				continue;
			assert_true(option_in_range(desc, desc->def));
			if (desc->nvalues)
				assert_non_null(option_value_name(desc, desc->def));
		}
	}
}

static void defaults_are_those_of_the_original(void **unused)
{
	struct disk_conf disk;
	struct net_conf net;
	struct res_opts opts;

	(void)unused;
	memset(&disk, 0xff, sizeof(disk));
	memset(&net, 0xff, sizeof(net));
	memset(&opts, 0xff, sizeof(opts));
	disk_conf_set_defaults(&disk);
	net_conf_set_defaults(&net);
	res_opts_set_defaults(&opts);
	assert_string_equal(disk.backing_dev, "");
	assert_int_equal(disk.on_io_error, OPT_IO_ERROR_DETACH);
	assert_int_equal(disk.resync_after, -1);
	assert_int_equal(disk.al_extents, 1237);
	assert_int_equal(disk.disk_barrier, 0);
	assert_int_equal(disk.md_flushes, 1);
	assert_int_equal(disk.c_max_rate, 102400);
	assert_int_equal(net.wire_protocol, OPT_PROTOCOL_C);
	assert_int_equal(net.timeout, 60);
	assert_int_equal(net.use_rle, 1);
	assert_int_equal(net.two_primaries, 0);
	assert_string_equal(opts.cpu_mask, "");
}

static void set_defaults_spares_what_is_fixed_at_creation(void **unused)
{
	struct disk_conf disk;
	struct net_conf net;

	(void)unused;
	disk_conf_set_defaults(&disk);
	net_conf_set_defaults(&net);
	strcpy(disk.backing_dev, "/dev/vdb");
	disk.disk_size = 4711;
	disk.max_bio_bvecs = 1;
	disk.resync_rate = 9999;
	net.discard_my_data = 1;
	net.tentative = 1;
	strcpy(net.shared_secret, "secret");
	option_reset_changeable(&disk_conf_section, &disk);
	option_reset_changeable(&net_conf_section, &net);
	assert_string_equal(disk.backing_dev, "/dev/vdb");
	assert_int_equal(disk.disk_size, 4711);
	assert_int_equal(disk.max_bio_bvecs, 1);
	assert_int_equal(disk.resync_rate, 250);
	assert_int_equal(net.discard_my_data, 1);
	assert_int_equal(net.tentative, 1);
	assert_string_equal(net.shared_secret, "");
}

static void members_are_read_and_written_by_their_type(void **unused)
{
	const struct option_desc *after = option_find(&disk_conf_section, "resync-after");
	const struct option_desc *size = option_find(&disk_conf_section, "size");
	const struct option_desc *flag = option_find(&disk_conf_section, "al-updates");
	struct disk_conf disk;

	(void)unused;
	disk_conf_set_defaults(&disk);
	assert_true(option_get(after, &disk) == (u64)-1);
	assert_true(option_is_default(after, &disk));
	option_set(after, &disk, 7);
	assert_int_equal(disk.resync_after, 7);
	assert_false(option_is_default(after, &disk));
	option_set(after, &disk, (u64)-1);
	assert_int_equal(disk.resync_after, -1);
	option_set(size, &disk, 1ULL << 40);
	assert_true(disk.disk_size == 1ULL << 40);
	option_set(flag, &disk, 0);
	assert_int_equal(disk.al_updates, 0);
	assert_int_equal(disk.discard_zeroes_if_aligned, 1);
}

static void ranges_know_negative_numbers(void **unused)
{
	const struct option_desc *after = option_find(&disk_conf_section, "resync-after");
	const struct option_desc *idx = option_find_nla(&disk_conf_section, NLA_meta_dev_idx);
	const struct option_desc *rate = option_find(&disk_conf_section, "resync-rate");

	(void)unused;
	assert_true(option_in_range(after, (u64)-1));
	assert_false(option_in_range(after, (u64)-2));
	assert_true(option_in_range(after, 1048575));
	assert_false(option_in_range(after, 1048576));
	assert_true(option_in_range(idx, (u64)-3));
	assert_false(option_in_range(idx, (u64)-4));
	assert_false(option_in_range(rate, 0));
	assert_true(option_in_range(rate, 4194304));
	assert_false(option_in_range(rate, 4194305));
}

static void enumerations_are_exact_except_protocol(void **unused)
{
	const struct option_desc *sb = option_find(&net_conf_section, "after-sb-1pri");
	const struct option_desc *protocol = option_find(&net_conf_section, "protocol");
	u32 number = 77;

	(void)unused;
	assert_true(option_value_parse(sb, "violently-as0p", &number));
	assert_int_equal(number, 10);
	assert_false(option_value_parse(sb, "Disconnect", &number));
	assert_false(option_value_parse(sb, "discard-local", &number));
	assert_false(option_value_parse(sb, "consensu", &number));
	assert_true(option_value_parse(protocol, "b", &number));
	assert_int_equal(number, OPT_PROTOCOL_B);
	assert_null(option_value_name(sb, 1));
	assert_string_equal(option_value_name(sb, 8), "discard-secondary");
}

static void check_number(const char *text, char unit, u64 expected)
{
	u64 value = 0;

	assert_int_equal(option_number_parse(text, unit, &value), OPTION_NUMBER_OK);
	assert_true(value == expected);
}

static void numbers_are_converted_to_the_unit_rounding_up(void **unused)
{
	(void)unused;
	check_number("0", '1', 0);
	check_number("8k", '1', 8192);
	check_number("1s", 'k', 1);
	check_number("3s", 'k', 2);
	check_number("4096s", 'k', 2048);
	check_number("1M", 'k', 1024);
	check_number("1m", 's', 2048);
	check_number("250", 'k', 250);
	check_number("2G", 's', 4194304);
	check_number("18446744073709551615", '1', U64_MAX);
	check_number("18446744073709551615s", 'k', 1ULL << 63);
	check_number("-1", '1', (u64)-1);
}

static void malformed_numbers_are_refused(void **unused)
{
	u64 value = 4711;

	(void)unused;
	assert_int_equal(option_number_parse("", '1', &value), OPTION_NUMBER_SYNTAX);
	assert_int_equal(option_number_parse("k", '1', &value), OPTION_NUMBER_SYNTAX);
	assert_int_equal(option_number_parse(" 1", '1', &value), OPTION_NUMBER_SYNTAX);
	assert_int_equal(option_number_parse("1kk", '1', &value), OPTION_NUMBER_SYNTAX);
	assert_int_equal(option_number_parse("1x", '1', &value), OPTION_NUMBER_SUFFIX);
	assert_int_equal(option_number_parse("1 ", '1', &value), OPTION_NUMBER_SUFFIX);
	assert_int_equal(option_number_parse("18446744073709551616", '1', &value),
			 OPTION_NUMBER_OVERFLOW);
	assert_int_equal(option_number_parse("18446744073709551615k", '1', &value),
			 OPTION_NUMBER_OVERFLOW);
	assert_int_equal(value, 4711);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_and_name_is_unique_in_its_container),
		cmocka_unit_test(retired_containers_have_no_table),
		cmocka_unit_test(ranks_are_a_gapless_sequence),
		cmocka_unit_test(every_default_is_in_its_range_and_has_a_name),
		cmocka_unit_test(defaults_are_those_of_the_original),
		cmocka_unit_test(set_defaults_spares_what_is_fixed_at_creation),
		cmocka_unit_test(members_are_read_and_written_by_their_type),
		cmocka_unit_test(ranges_know_negative_numbers),
		cmocka_unit_test(enumerations_are_exact_except_protocol),
		cmocka_unit_test(numbers_are_converted_to_the_unit_rounding_up),
		cmocka_unit_test(malformed_numbers_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
