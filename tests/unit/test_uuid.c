// SPDX-License-Identifier: GPL-2.0
/*
 * Generation identifiers: both ends of every pattern of values, against a naive
 * transcription of the table in states.md 5.5, and whole life stories.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/state.h"
#include "core/uuid.h"

#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

#define A 0x1111111111111110ULL
#define B 0x2222222222222220ULL
#define C 0x3333333333333330ULL
#define D 0x4444444444444440ULL
#define STEP (1ULL << 48)

static struct uuid_set set4(u64 cur, u64 bm, u64 h0, u64 h1)
{
	return (struct uuid_set) { { cur, bm, h0, h1 } };
}

static bool sets_equal(struct uuid_set a, struct uuid_set b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

static struct uuid_facts mirror(struct uuid_facts f)
{
	return (struct uuid_facts) {
		.self_primary = f.peer_primary, .peer_primary = f.self_primary,
		.self_crashed = f.peer_crashed, .peer_crashed = f.self_crashed,
		.resolve_conflicts = !f.resolve_conflicts, .apv = f.apv, .features = f.features,
	};
}

/* ---- the table, row by row, with no structure of its own */

static int slow_table(const struct uuid_set *self, const struct uuid_set *peer,
		      const struct uuid_facts *f, int *rule)
{
	u64 s[4], p[4];
	bool sb0 = self->slot[1] == 0, pb0 = peer->slot[1] == 0, eq, old = f->apv < 91, f51, f71;
	int c = f->self_crashed + 2 * f->peer_crashed;

	for (int i = 0; i < 4; i++) {
		s[i] = self->slot[i] & ~1ULL;
		p[i] = peer->slot[i] & ~1ULL;
	}
	eq = s[0] == p[0];
	f51 = f->apv < 96 ? s[2] == p[3] : p[2] + STEP == p[1];
	f71 = f->apv < 96 ? s[3] == p[2] : s[2] + STEP == s[1];
#define ROW(number, condition, result) \
	do { if (condition) { *rule = number; return result; } } while (0)
	ROW(10, s[0] == 4 && p[0] == 4, 0);
	ROW(20, (s[0] == 4 || s[0] == 0) && p[0] != 4, -2);
	ROW(30, s[0] != 4 && (p[0] == 4 || p[0] == 0), 2);
	ROW(34, eq && pb0 && !sb0 && s[1] == p[2] && s[2] == p[3], old ? HG_NEEDS_APV_91 : 1);
	ROW(36, eq && pb0 && !sb0, old ? HG_NEEDS_APV_91 : 1);
	ROW(35, eq && sb0 && !pb0 && s[2] == p[1] && s[3] == p[2], old ? HG_NEEDS_APV_91 : -1);
	ROW(37, eq && sb0 && !pb0, old ? HG_NEEDS_APV_91 : -1);
	ROW(40, eq && c == 0, 0);
	ROW(41, eq && (f->self_primary || f->peer_primary) && !(f->features & 4), HG_NEEDS_FEATURE);
	ROW(41, eq && f->self_primary && f->peer_primary, -100);
	ROW(41, eq && f->self_primary, 1);
	ROW(41, eq && f->peer_primary, -1);
	ROW(40, eq && c == 1, 1);
	ROW(40, eq && c == 2, -1);
	ROW(40, eq, f->resolve_conflicts ? -1 : 1);
	ROW(50, s[0] == p[1], -1);
	ROW(51, s[0] == p[2] && f51, old ? HG_NEEDS_APV_91 : -1);
	ROW(60, s[0] == p[2] || s[0] == p[3], -2);
	ROW(70, s[1] == p[0], 1);
	ROW(71, s[2] == p[0] && f71, old ? HG_NEEDS_APV_91 : 1);
	ROW(80, s[2] == p[0] || s[3] == p[0], 2);
	ROW(90, s[1] == p[1] && s[1], 100);
	ROW(100, s[2] == p[2] || s[2] == p[3] || s[3] == p[2] || s[3] == p[3], -100);
#undef ROW
	*rule = 100;
	return -1000;
}

static bool mirrored(int a, int b)
{
	return a >= -2 && a <= 2 ? a == -b : a == b;
}

static unsigned long contradictory, compared;

static void check_pair(const struct uuid_set *self, const struct uuid_set *peer,
		       const struct uuid_facts *f)
{
	struct uuid_facts mf = mirror(*f);
	struct uuid_verdict mine = uuid_compare(self, peer, f);
	struct uuid_verdict theirs = uuid_compare(peer, self, &mf);
	int rule, peer_rule;
	int want = slow_table(self, peer, f, &rule);
	int peer_want = slow_table(peer, self, &mf, &peer_rule);

	compared++;
	if (!mirrored(want, peer_want)) {
		contradictory++;
		want = HG_UNRELATED;
		rule = 100;
	}
	CHECK(mine.hg == want && mine.rule == rule,
	      "%llx:%llx:%llx:%llx / %llx:%llx:%llx:%llx apv %u: rule %d %d, not rule %d %d\n",
	      (unsigned long long)self->slot[0], (unsigned long long)self->slot[1],
	      (unsigned long long)self->slot[2], (unsigned long long)self->slot[3],
	      (unsigned long long)peer->slot[0], (unsigned long long)peer->slot[1],
	      (unsigned long long)peer->slot[2], (unsigned long long)peer->slot[3], f->apv,
	      mine.rule, mine.hg, rule, want);
	CHECK(mirrored(mine.hg, theirs.hg), "not mirrored: %d %d\n", mine.hg, theirs.hg);
	/* Corrections: announced, only by their rules, and the same on both ends. */
	CHECK(mine.self_corrected == !sets_equal(mine.self, *self) &&
	      mine.peer_corrected == !sets_equal(mine.peer, *peer), "silent correction\n");
	CHECK(!mine.self_corrected || rule == 34 || rule == 71, "rule %d corrects\n", rule);
	CHECK(!mine.peer_corrected || rule == 35 || rule == 51, "rule %d corrects\n", rule);
	CHECK(sets_equal(mine.self, theirs.peer) && sets_equal(mine.peer, theirs.self),
	      "ends correct differently, rule %d\n", rule);
}

static struct uuid_set pattern(u32 n, const u64 *values, u32 count)
{
	struct uuid_set u;

	for (int i = 0; i < UUID_SLOTS; i++, n /= count)
		u.slot[i] = values[n % count];
	return u;
}

static void test_both_ends_decide_alike_over_all_patterns(void **state)
{
	static const u64 values[] = { 0, 4, A, A + STEP, B, C };
	static const u16 apv[] = { 90, 95, 101 };
	const u32 n = 6 * 6 * 6 * 6;

	(void)state;
	contradictory = compared = 0;
	for (u32 i = 0; i < n; i++) {
		struct uuid_set self = pattern(i, values, 6);

		for (u32 j = 0; j < n; j++) {
			struct uuid_set peer = pattern(j, values, 6);
			struct uuid_facts f = { .apv = apv[(i + j) % 3], .features = 4,
						.resolve_conflicts = j & 1 };

			check_pair(&self, &peer, &f);
		}
	}
	printf("         patterns: %lu pairs of sets, complete; %lu contradictory ones refused\n",
	       compared, contradictory);
	assert_true(contradictory > 0);
}

static void test_equal_generations_over_all_facts(void **state)
{
	static const u64 values[] = { 0, A, B, B + STEP, C };
	static const u16 apv[] = { 86, 90, 91, 95, 96, 101 };

	(void)state;
	compared = 0;
	for (u32 i = 0; i < 125 * 125; i++) {
		u32 a = i % 125, b = i / 125;
		struct uuid_set self = set4(A, values[a % 5], values[a / 5 % 5], values[a / 25]);
		struct uuid_set peer = set4(A + 1, values[b % 5], values[b / 5 % 5], values[b / 25]);

		for (u32 v = 0; v < 64; v++) {
			struct uuid_facts f = {
				.self_primary = v & 1, .peer_primary = v & 2,
				.self_crashed = v & 4, .peer_crashed = v & 8,
				.resolve_conflicts = v & 16, .features = v & 32 ? 15 : 11,
				.apv = apv[(i + v) % 6],
			};

			check_pair(&self, &peer, &f);
		}
	}
	printf("         equal currents: %lu cases, complete but for versions\n", compared);
}

static void test_the_role_bit_never_changes_a_verdict(void **state)
{
	static const u64 values[] = { 0, A, A + STEP, B, C };
	const u32 n = 5 * 5 * 5 * 5;

	(void)state;
	for (u32 i = 0; i < n; i += 3)
		for (u32 j = 0; j < n; j += 7) {
			struct uuid_set s = pattern(i, values, 5), p = pattern(j, values, 5);
			struct uuid_set s1 = s, p1 = p;
			struct uuid_facts f = { .apv = 101, .features = 4 };
			struct uuid_verdict a, b;

			for (int k = 0; k < UUID_SLOTS; k++) {
				if (s1.slot[k] && (i >> k) & 1)
					s1.slot[k] |= 1;
				if (p1.slot[k] && (j >> k) & 1)
					p1.slot[k] |= 1;
			}
			a = uuid_compare(&s, &p, &f);
			b = uuid_compare(&s1, &p1, &f);
			CHECK(a.hg == b.hg && a.rule == b.rule, "patterns %u %u\n", i, j);
		}
}

/* ---- elementary operations */

static void test_elementary_operations(void **state)
{
	struct uuid_set u = set4(A, B, C, 0);

	(void)state;
	uuid_slot_rotate(&u, UUID_BITMAP, 7, true);
	assert_true(sets_equal(u, set4(A, 7, B, C)));
	uuid_bitmap_retire(&u);
	assert_true(sets_equal(u, set4(A, 0, 7, B)));
	uuid_bitmap_retire(&u);
	assert_true(sets_equal(u, set4(A, 0, 7, B)));
	uuid_slot_rotate(&u, UUID_BITMAP, C, false);
	assert_true(sets_equal(u, set4(A, C, 7, B)));
	/* new-current remembers what it takes out of the bitmap slot: a peer may still be there */
	uuid_new_current(&u, B, true);
	assert_true(sets_equal(u, set4(B | 1, A, C, 7)));
	uuid_mark_primary(&u, false);
	assert_int_equal(u.slot[UUID_CURRENT], B);
	/* writing current forces the role bit, other slots keep theirs */
	uuid_slot_set(&u, UUID_CURRENT, C | 1, false);
	assert_int_equal(u.slot[UUID_CURRENT], C);
	uuid_slot_set(&u, UUID_HISTORY1, C | 1, false);
	assert_int_equal(u.slot[UUID_HISTORY1], C | 1);
}

static void test_sync_uuid_value(void **state)
{
	struct uuid_set u = set4(A, B, 0, 0);

	(void)state;
	assert_int_equal(uuid_sync_value(&u, 99), B + STEP);
	u.slot[UUID_BITMAP] = 0;
	assert_int_equal(uuid_sync_value(&u, 99), 99);
	u.slot[UUID_BITMAP] = UUID_JUST_CREATED;
	assert_int_equal(uuid_sync_value(&u, 99), 99);
}

static void test_only_untouched_connected_nodes_skip_the_initial_sync(void **state)
{
	struct uuid_set fresh = set4(4, 0, 0, 0), used = set4(A, 0, 0, 0);

	(void)state;
	assert_true(uuid_may_skip_initial_sync(&fresh, C_CONNECTED, 90));
	assert_false(uuid_may_skip_initial_sync(&fresh, C_CONNECTED, 89));
	assert_false(uuid_may_skip_initial_sync(&fresh, C_STANDALONE, 101));
	assert_false(uuid_may_skip_initial_sync(&used, C_CONNECTED, 101));
}

/* ---- life stories: p was Primary, s Secondary */

struct pair {
	struct uuid_set p, s;
};

static const struct uuid_facts plain = { .self_primary = true, .apv = 101, .features = 4 };

static void expect(struct pair *n, int rule, int hg)
{
	struct uuid_facts mf = mirror(plain);
	struct uuid_verdict mine = uuid_compare(&n->p, &n->s, &plain);
	struct uuid_verdict theirs = uuid_compare(&n->s, &n->p, &mf);

	assert_int_equal(mine.rule, rule);
	assert_int_equal(mine.hg, hg);
	assert_int_equal(theirs.hg, -hg);
	n->p = mine.self;
	n->s = theirs.self;
}

static struct pair parted_while_primary(void)
{
	struct pair n = { set4(A | 1, 0, 0, 0), set4(A, 0, 0, 0) };

	uuid_new_current(&n.p, B, true);
	return n;
}

static void test_resync_leaves_equal_sets(void **state)
{
	struct pair n = parted_while_primary();
	struct uuid_set at_handshake;
	u64 sync;

	(void)state;
	expect(&n, 70, HG_SOURCE_BITMAP);
	at_handshake = n.p;
	sync = uuid_source_start(&n.p, 99, true);
	assert_int_equal(sync, (A | 1) + STEP);
	uuid_target_start(&n.s, sync, false);
	uuid_source_finish(&n.p);
	uuid_target_finish(&n.s, &at_handshake, false);
	assert_true(sets_equal(at_handshake, n.s));
	assert_true(sets_equal(n.p, set4(B | 1, 0, (A | 1) + STEP, A | 1)));
	uuid_mark_primary(&n.p, false);
	/* the target strips bit 0 only from what was its current */
	assert_true(uuid_same(n.p.slot[2], n.s.slot[2]) && uuid_same(n.p.slot[3], n.s.slot[3]));
	assert_int_equal(n.p.slot[0], n.s.slot[0]);
	assert_int_equal(n.s.slot[1], 0);
	expect(&n, 40, HG_EQUAL);
}

/* The source had no bitmap UUID: the sync's own value is new, what came before stays known. */
static void test_a_full_sync_leaves_equal_sets_with_their_history(void **state)
{
	struct pair n = { set4(B | 1, 0, A, C), set4(A, 0, 0, 0) };
	struct uuid_set at_handshake;
	u64 sync;

	(void)state;
	expect(&n, 80, HG_SOURCE_FULL);
	at_handshake = n.p;
	sync = uuid_source_start(&n.p, 0x7000, true);
	assert_int_equal(sync, 0x7000);
	uuid_target_start(&n.s, sync, false);
	uuid_source_finish(&n.p);
	uuid_target_finish(&n.s, &at_handshake, false);
	uuid_mark_primary(&n.p, false);
	assert_true(sets_equal(n.p, set4(B, 0, 0x7000, A)));
	assert_true(sets_equal(n.s, n.p));
	expect(&n, 40, HG_EQUAL);
}

static void test_interrupted_resyncs_continue_by_bitmap(void **state)
{
	struct pair n = parted_while_primary();
	u64 sync = 0;

	(void)state;
	for (int i = 1; i <= 3; i++) {
		expect(&n, 70, HG_SOURCE_BITMAP);
		sync = uuid_source_start(&n.p, 99, true);
		assert_int_equal(sync, (A | 1) + i * STEP);
		uuid_target_start(&n.s, sync, false);
	}
}

static void test_a_sync_uuid_that_never_arrived_is_undone(void **state)
{
	struct pair n = parted_while_primary();
	struct uuid_set before = n.p;

	(void)state;
	uuid_source_start(&n.p, 99, true);
	expect(&n, 71, HG_SOURCE_BITMAP);
	assert_int_equal(n.p.slot[UUID_BITMAP], before.slot[UUID_BITMAP]);
}

static void test_a_finish_seen_by_the_target_only_is_made_up(void **state)
{
	struct pair n = parted_while_primary();
	struct uuid_set at_handshake = n.p;

	(void)state;
	uuid_target_start(&n.s, uuid_source_start(&n.p, 99, true), false);
	uuid_target_finish(&n.s, &at_handshake, false);
	expect(&n, 34, HG_SOURCE_BITMAP);
	assert_int_equal(n.p.slot[UUID_BITMAP], 0);
}

static void test_split_brain_knows_its_common_ancestor(void **state)
{
	struct pair n = parted_while_primary();
	struct uuid_verdict v;

	(void)state;
	uuid_new_current(&n.s, C, true);
	v = uuid_compare(&n.p, &n.s, &plain);
	assert_int_equal(v.rule, 90);
	assert_int_equal(v.hg, HG_SPLIT_BRAIN);
	/* a second generation on one side loses the ancestor: ambiguous */
	uuid_new_current(&n.s, C + 16, true);
	v = uuid_compare(&n.p, &n.s, &plain);
	assert_int_equal(v.hg, HG_AMBIGUOUS);
}

static void test_who_went_on_after_a_sync_has_its_uuid_and_the_generation(void **state)
{
	struct uuid_set older = set4(A, B, C, 0), newer = set4(D, A, B, C);

	(void)state;
	assert_true(uuid_went_on_after_sync(&older, &newer));
	newer = set4(D, A, C, B | 1);
	assert_true(uuid_went_on_after_sync(&older, &newer));
	/* Two generations later. */
	newer = set4(D, C, A, B);
	assert_true(uuid_went_on_after_sync(&older, &newer));
	/* That sync it has never ended, or not from this generation; or there is nothing to record. */
	newer = set4(D, A, C, 0);
	assert_false(uuid_went_on_after_sync(&older, &newer));
	newer = set4(D, C, B, 0);
	assert_false(uuid_went_on_after_sync(&older, &newer));
	newer = set4(A, 0, B, C);
	assert_false(uuid_went_on_after_sync(&older, &newer));
	older = set4(A, 0, C, 0);
	newer = set4(D, A, 0, 0);
	assert_false(uuid_went_on_after_sync(&older, &newer));
}

static void test_sets_that_name_each_other_as_ancestor_are_refused(void **state)
{
	struct uuid_set a = set4(A, B, 0, 0), b = set4(B, A, 0, 0);

	(void)state;
	assert_int_equal(uuid_compare(&a, &b, &plain).hg, HG_UNRELATED);
	a = b = set4(0, 0, 0, 0);
	assert_int_equal(uuid_compare(&a, &b, &plain).hg, HG_UNRELATED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ends_decide_alike_over_all_patterns),
		cmocka_unit_test(test_equal_generations_over_all_facts),
		cmocka_unit_test(test_the_role_bit_never_changes_a_verdict),
		cmocka_unit_test(test_elementary_operations),
		cmocka_unit_test(test_sync_uuid_value),
		cmocka_unit_test(test_only_untouched_connected_nodes_skip_the_initial_sync),
		cmocka_unit_test(test_resync_leaves_equal_sets),
		cmocka_unit_test(test_a_full_sync_leaves_equal_sets_with_their_history),
		cmocka_unit_test(test_interrupted_resyncs_continue_by_bitmap),
		cmocka_unit_test(test_a_sync_uuid_that_never_arrived_is_undone),
		cmocka_unit_test(test_a_finish_seen_by_the_target_only_is_made_up),
		cmocka_unit_test(test_split_brain_knows_its_common_ancestor),
		cmocka_unit_test(test_who_went_on_after_a_sync_has_its_uuid_and_the_generation),
		cmocka_unit_test(test_sets_that_name_each_other_as_ancestor_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
