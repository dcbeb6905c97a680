// SPDX-License-Identifier: GPL-2.0
/* Names of states and codes: what scripts grep for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/names.h"
#include "core/nlattrs.h"
#include "core/state.h"

static void state_names_belong_to_their_numbers(void **unused)
{
	(void)unused;
	assert_string_equal(name_of_role(ROLE_PRIMARY), "Primary");
	assert_string_equal(name_of_conn(C_STANDALONE), "StandAlone");
	assert_string_equal(name_of_conn(C_WF_CONNECTION), "WFConnection");
	assert_string_equal(name_of_conn(C_WF_SYNC_UUID), "WFSyncUUID");
	assert_string_equal(name_of_conn(C_PAUSED_SYNC_T), "PausedSyncT");
	assert_string_equal(name_of_conn(C_BEHIND), "Behind");
	assert_string_equal(name_of_disk(D_UNKNOWN), "DUnknown");
	assert_string_equal(name_of_disk(D_UP_TO_DATE), "UpToDate");
}

static void unknown_numbers_have_a_text(void **unused)
{
	(void)unused;
	assert_string_equal(name_of_role(3), "?");
	assert_string_equal(name_of_conn(24), "?");
	assert_string_equal(name_of_disk(9), "?");
	assert_null(text_of_error_code(106));
	assert_null(text_of_state_code(-3));
	assert_null(name_of_code(100));
}

static void names_lead_back_to_numbers(void **unused)
{
	u32 i;

	(void)unused;
	for (i = 0; i <= C_BEHIND; i++)
		assert_int_equal(conn_by_name(name_of_conn(i)), i);
	for (i = 0; i <= D_UP_TO_DATE; i++)
		assert_int_equal(disk_by_name(name_of_disk(i)), i);
	for (i = 0; i <= ROLE_SECONDARY; i++)
		assert_int_equal(role_by_name(name_of_role(i)), i);
	assert_int_equal(conn_by_name("connected"), -1);
	assert_int_equal(disk_by_name(""), -1);
}

static void status_uses_the_names_of_version_9(void **unused)
{
	(void)unused;
	assert_string_equal(name_of_connection_state(C_STANDALONE), "StandAlone");
	assert_string_equal(name_of_connection_state(C_UNCONNECTED), "Unconnected");
	assert_string_equal(name_of_connection_state(C_WF_CONNECTION), "Connecting");
	assert_string_equal(name_of_connection_state(C_WF_REPORT_PARAMS), "Connected");
	assert_string_equal(name_of_replication_state(C_WF_REPORT_PARAMS), "Off");
	assert_string_equal(name_of_replication_state(C_CONNECTED), "Established");
	assert_string_equal(name_of_replication_state(C_SYNC_SOURCE), "SyncSource");
	assert_string_equal(name_of_write_ordering(2), "flush");
}

static void codes_have_the_texts_people_search_for(void **unused)
{
	(void)unused;
	assert_string_equal(text_of_error_code(ERR_MINOR_INVALID), "Device minor not allocated");
	assert_string_equal(text_of_error_code(162), "Invalid configuration request");
	assert_string_equal(text_of_state_code(SS_NO_UP_TO_DATE_DISK),
			    "Need access to UpToDate data");
	assert_string_equal(text_of_state_code(-12), "Device is held open by someone");
	assert_string_equal(name_of_code(158), "ERR_RES_NOT_KNOWN");
	assert_string_equal(name_of_code(-21), "SS_OUTDATE_WO_CONN");
	assert_null(text_of_state_code(ERR_NO_ERROR));
	assert_null(text_of_error_code(SS_SUCCESS));
}

static void the_state_engines_codes_have_the_numbers_of_the_table(void **unused)
{
	(void)unused;
#define SAME_NUMBER(name, number, text) assert_int_equal(name, number);
	NL_STATE_CODES(SAME_NUMBER)
#undef SAME_NUMBER
}

static void helpers_have_their_handlers_names(void **unused)
{
	int i;

	(void)unused;
	for (i = 0; i < HELPER_COMMANDS; i++)
		assert_true(strlen(name_of_helper(i)) > 1 && strlen(name_of_helper(i)) < 32);
	assert_string_equal(name_of_helper(HELPER_FENCE_PEER), "fence-peer");
	assert_string_equal(name_of_helper(HELPER_PRI_LOST), "pri-lost");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(state_names_belong_to_their_numbers),
		cmocka_unit_test(unknown_numbers_have_a_text),
		cmocka_unit_test(names_lead_back_to_numbers),
		cmocka_unit_test(status_uses_the_names_of_version_9),
		cmocka_unit_test(codes_have_the_texts_people_search_for),
		cmocka_unit_test(the_state_engines_codes_have_the_numbers_of_the_table),
		cmocka_unit_test(helpers_have_their_handlers_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
