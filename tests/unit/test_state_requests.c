// SPDX-License-Identifier: GPL-2.0
/* Every request out of every state that there can be (states.md 2.3), and the masks of states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/state.h"

#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

/* ---- masks */

static void the_masks_of_states_have_all_their_states_and_no_other(void **state)
{
	/* conn: source, target, sync, verify, resync, failure */
	static const char *const members[] = {
		[3] = "f", [4] = "f", [5] = "f", [6] = "f", [7] = "f",
		[16] = "syr", [17] = "tyr", [18] = "vr", [19] = "vr", [20] = "syr", [21] = "tyr",
	};

	(void)state;
	for (u8 conn = 0; conn < 32; conn++) {
		const char *m = conn < ARRAY_SIZE(members) && members[conn] ? members[conn] : "";

		assert_int_equal(state_is_sync_source(conn), !!strchr(m, 's'));
		assert_int_equal(state_is_sync_target(conn), !!strchr(m, 't'));
		assert_int_equal(state_is_sync(conn), !!strchr(m, 'y'));
		assert_int_equal(state_is_verify(conn), !!strchr(m, 'v'));
		assert_int_equal(state_in_resync(conn), !!strchr(m, 'r'));
		assert_int_equal(state_conn_is_failure(conn), !!strchr(m, 'f'));
	}
	for (u16 apv = 80; apv < 110; apv++)
		assert_int_equal(state_apv_has_stop_sector(apv), apv >= 97 && apv != 100);
}

/* ---- requests */

static struct state_change requests[100];
static u32 n_requests;

static void add(struct state_change c)
{
	assert_true(n_requests < ARRAY_SIZE(requests));
	requests[n_requests++] = c;
}

/* Each value of each field, each flag both ways, and the joint ones that commands make. */
static void make_requests(void)
{
	static const u32 flags[] = { ST_SUSP, ST_SUSP_NOD, ST_SUSP_FEN, ST_AFTR_ISP, ST_PEER_ISP,
				     ST_USER_ISP };

	n_requests = 0;
	for (u32 v = ROLE_PRIMARY; v <= ROLE_SECONDARY; v++) {
		add(ST_CHANGE_ROLE(v));
		add(ST_CHANGE_PEER(v));
		add(state_change_join(ST_CHANGE_ROLE(v), ST_CHANGE_DISK(D_UP_TO_DATE)));
		add(state_change_join(ST_CHANGE_ROLE(v), ST_CHANGE_PDSK(D_OUTDATED)));
	}
	for (u32 v = 0; v < 24; v++)
		add(ST_CHANGE_CONN(v));
	for (u32 v = 0; v <= D_UP_TO_DATE; v++) {
		add(ST_CHANGE_DISK(v));
		add(ST_CHANGE_PDSK(v));
	}
	for (u32 i = 0; i < ARRAY_SIZE(flags); i++) {
		add(ST_CHANGE_FLAG(flags[i], true));
		add(ST_CHANGE_FLAG(flags[i], false));
	}
	add(state_change_join(ST_CHANGE_CONN(C_DISCONNECTING), ST_CHANGE_PDSK(D_OUTDATED)));
	add(state_change_join(ST_CHANGE_CONN(C_DISCONNECTING), ST_CHANGE_DISK(D_OUTDATED)));
	add(state_change_join(ST_CHANGE_CONN(C_SYNC_SOURCE), ST_CHANGE_PDSK(D_INCONSISTENT)));
	add(state_change_join(ST_CHANGE_CONN(C_SYNC_TARGET), ST_CHANGE_DISK(D_INCONSISTENT)));
	add(state_change_join(ST_CHANGE_CONN(C_CONNECTED),
			      state_change_join(ST_CHANGE_DISK(D_UP_TO_DATE), ST_CHANGE_PDSK(D_UP_TO_DATE))));
}

/* Of a peer that has not told its state yet: without a disk, Connected would be all that remains. */
static bool asks_too_early(struct state os, struct state wanted)
{
	return os.conn < C_CONNECTED &&
	       (wanted.conn == C_STARTING_SYNC_S || wanted.conn == C_STARTING_SYNC_T ||
		wanted.conn == C_VERIFY_S || wanted.conn == C_VERIFY_T);
}

static unsigned long granted, refused, nothing;

static void check_request(struct state os, struct state_change c, const struct state_facts *f,
			  u32 flags)
{
	struct state wanted = state_apply(os, c), want, ns;
	enum ss_code rv, before = state_validity(os, f), after;

	rv = state_check_request(os, wanted, f, flags, &ns);
	if ((flags & CS_IGN_OUTD_FAIL) && wanted.disk == D_OUTDATED && os.disk < D_OUTDATED)
		wanted.disk = os.disk;
	want = state_sanitise(os, wanted, f);
	CHECK(state_equal(ns, want), "%08x: %08x\n", state_pack(os), state_pack(ns));
	after = state_validity(ns, f);
	if (state_equal(os, ns)) {
		CHECK(rv == SS_NOTHING_TO_DO, "%08x: %d\n", state_pack(os), rv);
		nothing++;
		return;
	}
	if (rv < SS_SUCCESS) {
		refused++;
		/* A fact is refused by the transitions alone. */
		CHECK(!(flags & CS_HARD) || state_transition_check(os, ns) == rv, "%08x -> %08x: %d\n",
		      state_pack(os), state_pack(ns), rv);
		CHECK(state_transition_check(os, ns) < SS_SUCCESS || after < SS_SUCCESS ||
		      (os.disk < D_INCONSISTENT && wanted.disk == D_OUTDATED) ||
		      asks_too_early(os, wanted) ||
		      state_soft_check(os, ns, f) < SS_SUCCESS, "%08x -> %08x: %d, for no reason\n",
		      state_pack(os), state_pack(ns), rv);
		return;
	}
	granted++;
	CHECK(rv == SS_SUCCESS, "%d\n", rv);
	CHECK(state_transition_check(os, ns) >= SS_SUCCESS, "%08x -> %08x\n", state_pack(os), state_pack(ns));
	if (flags & CS_HARD)
		return;
	CHECK(!asks_too_early(os, wanted), "%08x -> %08x\n", state_pack(os), state_pack(ns));
	/* What is right stays right; what is wrong may stay wrong in the same way only. */
	CHECK(after >= SS_SUCCESS || after == before, "%08x -> %08x: %d\n", state_pack(os),
	      state_pack(ns), after);
	CHECK(state_soft_check(os, ns, f) >= SS_SUCCESS, "%08x -> %08x\n", state_pack(os), state_pack(ns));
	/* I1, I2: the two that cost data, spelt out. */
	if (before < SS_SUCCESS)
		return;
	CHECK(!(ns.role == ROLE_PRIMARY && ns.peer == ROLE_PRIMARY && f->net_config && !f->two_primaries),
	      "two Primaries: %08x -> %08x\n", state_pack(os), state_pack(ns));
	CHECK(!(ns.role == ROLE_PRIMARY && ns.disk < D_UP_TO_DATE && ns.pdsk < D_UP_TO_DATE),
	      "Primary without data: %08x -> %08x\n", state_pack(os), state_pack(ns));
}

static unsigned long requests_from(struct state os, u32 v)
{
	static const u32 kinds[] = { 0, CS_HARD, CS_IGN_OUTD_FAIL };
	struct state_facts f = {
		.net_config = true, .verify_alg = true, .ed_uuid_is_current = true,
		.saved_disk = D_CONSISTENT, .saved_pdsk = D_UNKNOWN, .apv = 101,
		.two_primaries = v & 1, .state_sent = v & 2, .open_count = v & 4 ? 1 : 0,
		.fencing = v / 8, .on_no_data = v & 1,
	};
	unsigned long cases = 0;

	for (u32 r = 0; r < n_requests; r++)
		for (u32 k = 0; k < ARRAY_SIZE(kinds); k++, cases++)
			check_request(os, requests[r], &f, kinds[k]);
	return cases;
}

/* A state is one that can be stored if sanitising leaves it alone. */
static bool can_be(struct state s)
{
	struct state_facts f = { .net_config = true, .apv = 101 };

	return state_equal(state_sanitise(s, s, &f), s);
}

static void every_request_out_of_every_state_follows_the_rules(void **state)
{
	unsigned long cases = 0, states = 0;

	(void)state;
	make_requests();
	granted = refused = nothing = 0;
	for (u32 w = 0; w < (1u << 17); w++) {
		struct state s = state_unpack(w);

		if (s.role == 0 || s.role == 3 || s.peer == 3 || s.conn > 23 || s.disk > 8 || s.pdsk > 8 ||
		    s.disk == D_UNKNOWN)
			continue;
		for (u32 paused = 0; paused < 2; paused++) {
			s.user_isp = paused;
			if (!can_be(s))
				continue;
			states++;
			for (u32 v = 0; v < 24; v++)
				cases += requests_from(s, v);
		}
	}
	printf("         requests: %lu states, %lu cases, complete: %lu granted, %lu refused, %lu nothing to do\n",
	       states, cases, granted, refused, nothing);
	assert_true(granted && refused && nothing);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_masks_of_states_have_all_their_states_and_no_other),
		cmocka_unit_test(every_request_out_of_every_state_follows_the_rules),
	};

	return cmocka_run_group_tests_name("state requests", tests, NULL, NULL);
}
