// SPDX-License-Identifier: GPL-2.0
/* Recovery policies: one verdict for both nodes, and the outcomes of states.md 5.7. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/aftersb.h"
#include "core/uuid.h"

#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

enum { U = HG_AMBIGUOUS, POLICIES = 11 };

static u8 mirror_policy(u8 p)
{
	return p == ASB_DISCARD_LOCAL ? ASB_DISCARD_REMOTE :
	       p == ASB_DISCARD_REMOTE ? ASB_DISCARD_LOCAL : p;
}

static struct aftersb_facts mirror(struct aftersb_facts f)
{
	return (struct aftersb_facts) {
		.policy = { mirror_policy(f.policy[0]), mirror_policy(f.policy[1]),
			    mirror_policy(f.policy[2]) },
		.self_primary = f.peer_primary, .peer_primary = f.self_primary,
		.self_bit = f.peer_bit, .peer_bit = f.self_bit,
		.self_bits = f.peer_bits, .peer_bits = f.self_bits,
		.resolve_conflicts = !f.resolve_conflicts,
	};
}

/* wire.md 4.8 by number */
static int slow_0pri(const struct aftersb_facts *f)
{
	int x = f->resolve_conflicts ? -1 : 1;
	bool both0 = !f->self_bits && !f->peer_bits;
	int zero = both0 ? x : !f->peer_bits ? 1 : !f->self_bits ? -1 : U;
	int least = f->self_bits < f->peer_bits ? -1 : f->self_bits > f->peer_bits ? 1 : x;

	switch (f->policy[0]) {
	case 1:
		if (f->self_bit != f->peer_bit)
			return f->self_bit ? 1 : -1;
		return zero != U ? zero : least;
	case 2:
		if (f->self_bit != f->peer_bit)
			return f->self_bit ? -1 : 1;
		return zero != U ? zero : least;
	case 3:
		return zero;
	case 4:
		return least;
	case 5:
		return -1;
	case 6:
		return 1;
	}
	return U;
}

static int slow(const struct aftersb_facts *f)
{
	int n = f->self_primary + f->peer_primary, d = slow_0pri(f);

	if (n == 0)
		return d;
	if (n == 2)
		return f->policy[2] == 10 || f->policy[2] == 9 ? d : U;
	switch (f->policy[1]) {
	case 7: /* only if it discards the Secondary */
		return (d == -1 && !f->self_primary) || (d == 1 && f->self_primary) ? d : U;
	case 8:
		return f->self_primary ? 1 : -1;
	case 9:
	case 10:
		return d;
	}
	return U;
}

static void test_both_nodes_get_one_verdict_from_every_policy(void **state)
{
	static const u64 counts[] = { 0, 1, 5 };
	unsigned long cases = 0;

	(void)state;
	for (u32 p = 0; p < POLICIES * POLICIES * POLICIES; p++)
		for (u32 v = 0; v < 32 * 9; v++) {
			struct aftersb_facts f = {
				.policy = { p % 11, p / 11 % 11, p / 121 },
				.self_primary = v & 1, .peer_primary = v & 2,
				.self_bit = v & 4, .peer_bit = v & 8, .resolve_conflicts = v & 16,
				.self_bits = counts[v / 32 % 3], .peer_bits = counts[v / 96],
			};
			struct aftersb_facts mf = mirror(f);
			struct aftersb_verdict a = aftersb_decide(&f), b = aftersb_decide(&mf);

			cases++;
			CHECK(a.hg == slow(&f), "policies %u facts %u: %d, not %d\n", p, v, a.hg, slow(&f));
			CHECK(a.hg == U ? b.hg == U : a.hg == -b.hg, "not mirrored: policies %u facts %u\n",
			      p, v);
			CHECK(a.misconfigured == b.misconfigured, "policies %u\n", p);
			CHECK(!a.misconfigured || a.hg == U, "policies %u\n", p);
			/* Only a Primary that lost by call-pri-lost demotes, never both. */
			CHECK(!a.demote_first || (a.hg == -1 && f.self_primary && !b.demote_first),
			      "policies %u facts %u\n", p, v);
			CHECK(a.demote_first == (a.hg == -1 && f.self_primary &&
			      f.policy[f.self_primary + f.peer_primary] == ASB_CALL_PRI_LOST),
			      "policies %u facts %u\n", p, v);
		}
	printf("         policies: %lu cases, complete\n", cases);
}

static void test_named_node_policies_must_mirror(void **state)
{
	(void)state;
	for (u8 a = 0; a < POLICIES; a++)
		for (u8 b = 0; b < POLICIES; b++)
			assert_int_equal(aftersb_policy_matches(a, b), mirror_policy(a) == b);
}

static void test_the_younger_primary_is_the_one_not_yet_primary_when_they_parted(void **state)
{
	struct aftersb_facts f = { .policy = { ASB_DISCARD_YOUNGER_PRI }, .self_bit = true,
				   .self_bits = 1, .peer_bits = 9 };

	(void)state;
	assert_int_equal(aftersb_decide(&f).hg, HG_SOURCE_BITMAP);
	f.policy[0] = ASB_DISCARD_OLDER_PRI;
	assert_int_equal(aftersb_decide(&f).hg, HG_TARGET_BITMAP);
	f.self_bit = false; /* equal age: the one with less to lose */
	assert_int_equal(aftersb_decide(&f).hg, HG_TARGET_BITMAP);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_nodes_get_one_verdict_from_every_policy),
		cmocka_unit_test(test_named_node_policies_must_mirror),
		cmocka_unit_test(test_the_younger_primary_is_the_one_not_yet_primary_when_they_parted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
