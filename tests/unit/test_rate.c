// SPDX-License-Identifier: GPL-2.0
/* The resync controller against its formula (wire.md 6.7), and /proc figures. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include "core/rate.h"

static u64 rng_state;

static u32 rnd(u32 below)
{
	rng_state = rng_state * 6364136223846793005ULL + 1442695040888963407ULL;
	return (u32)((rng_state >> 33) % below);
}

static const struct rate_conf defaults = {
	.resync_rate = 250, .c_plan_ahead = 20, .c_delay_target = 10, .c_fill_target = 100,
	.c_max_rate = 102400, .c_min_rate = 250, .max_buffers = 2048,
};

/* The chapter, line by line, with a ring that is really shifted. */
struct formula {
	long long plan[RATE_SLOTS_MAX], in_flight;
};

static long long formula_turn(struct formula *f, const struct rate_conf *c, long long sect_in)
{
	long long s = c->c_plan_ahead, number, i, limit;

	f->in_flight -= sect_in;
	if (s > 0) {
		long long want, total = 0, correction, cps, cur, req;

		for (i = 0; i < s; i++)
			total += f->plan[i];
		if (f->in_flight + sect_in == 0)
			want = (c->resync_rate * 2LL / 10) * s;
		else if (c->c_fill_target)
			want = c->c_fill_target;
		else
			want = sect_in * c->c_delay_target;
		correction = want - f->in_flight - total;
		cps = correction / s;
		for (i = 0; i < s; i++)
			f->plan[i] += cps;
		cur = f->plan[0];
		for (i = 1; i < s; i++)
			f->plan[i - 1] = f->plan[i];
		f->plan[s - 1] = 0;
		req = sect_in + cur;
		if (req < 0)
			req = 0;
		if (req > c->c_max_rate * 2LL / 10)
			req = c->c_max_rate * 2LL / 10;
		number = req / 8;
	} else {
		number = c->resync_rate / 40;
	}
	limit = (long long)c->max_buffers / 2 - f->in_flight / 8;
	return number > limit ? limit : number;
}

static void compare_run(const struct rate_conf *c, unsigned int turns)
{
	struct formula f;
	struct rate_plan plan;

	memset(&f, 0, sizeof(f));
	rate_plan_init(&plan, c);
	while (turns--) {
		/* Anything from a stalled peer to one that answers everything. */
		u32 in = rnd(3) ? rnd((u32)f.in_flight + 1) : rnd(2) ? 0 : (u32)f.in_flight;
		long long number = formula_turn(&f, c, in);
		u32 got = rate_next(&plan, c, in), sent;

		assert_int_equal(got, number > 0 ? number : 0);
		sent = rnd(4) ? got : rnd(got + 1);
		rate_sent(&plan, sent);
		f.in_flight += 8LL * sent;
		assert_int_equal(plan.in_flight, f.in_flight);
	}
}

static void every_turn_follows_the_formula(void **state)
{
	struct rate_conf c = defaults;
	unsigned int round;

	(void)state;
	rng_state = 11;
	compare_run(&c, 2000);
	for (round = 0; round < 300; round++) {
		c.resync_rate = 1 + rnd(rnd(2) ? 1000 : 4194304);
		c.c_plan_ahead = rnd(5) ? 1 + rnd(300) : 0;
		c.c_delay_target = 1 + rnd(100);
		c.c_fill_target = rnd(2) ? rnd(1048577) : 0;
		c.c_max_rate = 250 + rnd(4194304 - 250);
		c.max_buffers = 32 + rnd(rnd(2) ? 4000 : 131040);
		compare_run(&c, 200);
	}
}

static void the_first_turn_primes_by_the_resync_rate(void **state)
{
	struct rate_plan plan;

	(void)state;
	rate_plan_init(&plan, &defaults);
	/* (250*2/10) * 20 sectors over 20 slots: 50 sectors now, 6 blocks. */
	assert_int_equal(rate_next(&plan, &defaults, 0), 6);
	assert_int_equal(plan.want_rate, 240);
}

static void a_plan_of_another_length_starts_empty(void **state)
{
	struct rate_conf c = defaults;
	struct rate_plan plan, fresh;

	(void)state;
	rate_plan_init(&plan, &c);
	rate_next(&plan, &c, 0);
	c.c_plan_ahead = 33;
	rate_plan_init(&fresh, &c);
	assert_int_equal(rate_next(&plan, &c, 0), rate_next(&fresh, &c, 0));
	c.c_plan_ahead = 0;
	assert_int_equal(rate_next(&plan, &c, 0), 6);
	c.c_plan_ahead = 100000;	/* never beyond the ring */
	rate_next(&plan, &c, 0);
	assert_int_equal(plan.n_slots, RATE_SLOTS_MAX);
}

static void answers_nobody_asked_for_are_no_credit(void **state)
{
	struct rate_plan plan;
	struct rate_conf c = defaults;

	(void)state;
	c.c_plan_ahead = 0;
	c.resync_rate = 4194304;
	rate_plan_init(&plan, &c);
	assert_int_equal(rate_next(&plan, &c, 4000000), 1024);
	assert_int_equal(plan.in_flight, 0);
}

static void no_more_is_in_flight_than_half_the_buffers(void **state)
{
	struct rate_plan plan;
	struct rate_conf c = defaults;

	(void)state;
	c.resync_rate = 4194304;
	c.c_fill_target = 1048576;
	c.c_max_rate = 4194304;
	rate_plan_init(&plan, &c);
	rate_sent(&plan, 1000);
	assert_int_equal(rate_next(&plan, &c, 0), 24);
	rate_sent(&plan, 500);
	assert_int_equal(rate_next(&plan, &c, 0), 0);
}

/* ------------------------------------------------------------------ */

static void permille_is_that_of_the_genuine_sample(void **state)
{
	(void)state;
	/* (116612/131032)K shows 12.5% */
	assert_int_equal(progress_permille(131032 / 4, 116612 / 4), 125);
	assert_int_equal(progress_permille(0, 0), 1000);
	assert_int_equal(progress_permille(0, 5), 1000);
	assert_int_equal(progress_permille(100, 101), 0);
	assert_int_equal(progress_permille(1 << 20, 0), 1000);
	assert_int_equal(progress_permille(1ULL << 40, 1ULL << 39), 501);
}

static void bar_text(u32 permille, const char *text)
{
	char buf[PROGRESS_BAR_LEN];

	progress_bar(permille, buf);
	assert_string_equal(buf, text);
}

static void bars_grow_with_progress(void **state)
{
	(void)state;
	bar_text(0, "[>....................]");
	bar_text(50, "[>...................]");
	bar_text(125, "[=>..................]");
	bar_text(221, "[===>................]");
	bar_text(1000, "[===================>]");
	bar_text(5000, "[===================>]");
}

static void figures_come_from_the_marks(void **state)
{
	struct progress p;
	struct progress_figures f;
	u64 left = 100000, now = 5000;
	unsigned int i;

	(void)state;
	progress_start(&p, now, left);
	progress_get(&p, now, left, &f);
	assert_int_equal(f.permille, progress_permille(left, left));
	assert_int_equal(f.speed, 0);

	/* 600 blocks, then later 300 blocks, each 3 s: 800 and 400 KiB/s. */
	for (i = 0; i < 20; i++) {
		now += 3000;
		left -= i < 10 ? 600 : 300;
		progress_mark(&p, now, left);
	}
	assert_int_equal(left, 91000);
	progress_get(&p, now, left, &f);
	assert_int_equal(f.speed, 400);			/* 18 s: 1800 blocks */
	assert_int_equal(f.speed_recent, 400);
	assert_int_equal(f.speed_average, 600);		/* 60 s: 9000 blocks */
	assert_int_equal(f.finish_s, 18 * (91000 / (1800 / 100 + 1)) / 100);
	assert_false(f.stalled);

	progress_get(&p, now + 200000, left, &f);
	assert_true(f.stalled);
	progress_get(&p, now, 200000, &f);		/* more than at the start */
	assert_int_equal(f.left, 100000);
	assert_int_equal(f.permille, 0);
}

static void marks_need_three_seconds_and_progress(void **state)
{
	struct progress p;

	(void)state;
	progress_start(&p, 0, 1000);
	progress_mark(&p, 2999, 900);
	assert_int_equal(p.last, 0);
	progress_mark(&p, 3000, 1000);
	assert_int_equal(p.last, 0);
	progress_mark(&p, 3500, 900);
	assert_int_equal(p.last, 1);
	assert_int_equal(p.mark_left[1], 900);
	assert_int_equal(p.mark_ms[1], 3500);
}

static void pauses_do_not_count(void **state)
{
	struct progress p, q;
	struct progress_figures f, g;
	unsigned int i;

	(void)state;
	progress_start(&p, 0, 10000);
	progress_start(&q, 0, 10000);
	for (i = 1; i <= 10; i++) {
		progress_mark(&p, i * 3000, 10000 - i * 100);
		progress_mark(&q, i * 3000, 10000 - i * 100);
	}
	progress_pause(&p, 31000);
	progress_get(&q, 31000, 9000, &g);
	progress_get(&p, 900000, 9000, &f);
	assert_int_equal(f.speed, g.speed);
	assert_int_equal(f.speed_average, g.speed_average);
	progress_mark(&p, 900000, 8000);
	assert_int_equal(p.last, q.last);
	progress_resume(&p, 931000);
	progress_resume(&p, 999000);
	progress_get(&q, 33000, 8900, &g);
	progress_get(&p, 933000, 8900, &f);
	assert_int_equal(f.speed, g.speed);
	assert_int_equal(f.speed_recent, g.speed_recent);
	assert_int_equal(f.speed_average, g.speed_average);
	assert_int_equal(f.finish_s, g.finish_s);
	assert_false(f.stalled);
}

static void resync_yields_only_when_fast_and_others_are_active(void **state)
{
	struct rate_conf c = defaults;
	struct rate_activity a;

	(void)state;
	assert_true(rate_throttle(&c, true, false, 251));
	assert_true(rate_throttle(&c, false, true, 251));
	assert_false(rate_throttle(&c, false, false, 251));
	assert_false(rate_throttle(&c, true, true, 250));
	c.c_min_rate = 0;
	assert_false(rate_throttle(&c, true, true, 100000));

	rate_activity_init(&a, 1000, 400);
	assert_false(rate_activity_look(&a, 51064, 50400));	/* 64 foreign sectors */
	assert_true(rate_activity_look(&a, 51065, 50400));
	assert_false(rate_activity_look(&a, 51065, 50400));
	assert_false(rate_activity_look(&a, 51065, 60000));	/* resync counted first */
	assert_false(rate_activity_look(&a, 60665, 60000));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_turn_follows_the_formula),
		cmocka_unit_test(the_first_turn_primes_by_the_resync_rate),
		cmocka_unit_test(a_plan_of_another_length_starts_empty),
		cmocka_unit_test(answers_nobody_asked_for_are_no_credit),
		cmocka_unit_test(no_more_is_in_flight_than_half_the_buffers),
		cmocka_unit_test(permille_is_that_of_the_genuine_sample),
		cmocka_unit_test(bars_grow_with_progress),
		cmocka_unit_test(figures_come_from_the_marks),
		cmocka_unit_test(marks_need_three_seconds_and_progress),
		cmocka_unit_test(pauses_do_not_count),
		cmocka_unit_test(resync_yields_only_when_fast_and_others_are_active),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
