// SPDX-License-Identifier: GPL-2.0
/* The flag word of a request, every one there can be, and the small predicates over all states. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/predicates.h"

#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

static struct request_effects run(u32 *flags, const enum request_event *ev, u32 n, u8 protocol)
{
	struct request_view view = { .protocol = protocol };
	struct request_effects fx = { 0 };

	for (u32 i = 0; i < n; i++)
		fx = request_event(flags, ev[i], &view);
	return fx;
}
#define RUN(flags, protocol, ...) \
	run(flags, (const enum request_event[]) { __VA_ARGS__ }, \
	    ARRAY_SIZE(((const enum request_event[]) { __VA_ARGS__ })), protocol)

/* What keeps a request, bit by bit: every flag word there can be. */
static void nothing_that_holds_a_request_is_overlooked(void **state)
{
	unsigned long cases = 0;

	(void)state;
	for (u32 f = 0; f < (1u << 23); f++) {
		bool disk = (f & RQ_LP) && !(f & RQ_LA);	/* the lower device has it */
		bool hung = (f & RQ_LP) && (f & RQ_LA);
		bool epoch = (f & RQ_BA) && !(f & RQ_ND);
		bool held = f & RQ_SUB || f & RQ_NP || f & RQ_NQ || f & RQ_CS;

		CHECK(may_complete(f) == !(held || disk || f & RQ_COMPLETE), "complete: %x\n", f);
		CHECK(may_destroy(f) == (f & RQ_COMPLETE && !(f & RQ_DESTROYED) && !epoch && !hung),
		      "destroy: %x\n", f);
		cases++;
	}
	printf("         may complete, may be destroyed: %lu flag words, complete\n", cases);
}

static void who_may_write_and_read_and_ack(void **state)
{
	unsigned long cases = 0;

	(void)state;
	for (u32 i = 0; i < 24 * 81; i++) {
		struct state s = { .conn = i / 81, .disk = i / 9 % 9, .pdsk = i % 9 };

		CHECK(may_write(s) == (s.disk == 8 || s.pdsk == 8), "write %u %u\n", s.disk, s.pdsk);
		CHECK(peer_write_is_only_copy(s) == (s.pdsk < 4), "only copy %u\n", s.pdsk);
		for (u32 sync = 0; sync < 2; sync++)
			CHECK(may_read_local(s, sync) == (s.disk == 8 || (s.disk == 4 && sync)),
			      "read %u %u\n", s.disk, sync);
		CHECK(may_ack(s.conn, true) == (s.conn >= 10) && !may_ack(s.conn, false), "ack %u\n", s.conn);
		cases += 6;
	}
	printf("         may write, read, ack: %lu cases, complete\n", cases);
}

/* What a node under sync alone has, the sync will undo. */
static void a_write_on_a_disk_under_sync_needs_the_peer(void **state)
{
	for (u32 v = 0; v < 4; v++) {
		struct request_view partial = { .protocol = REPL_PROTOCOL_C, .local_is_partial = true };
		u32 flags = RQ_INIT_WRITE;
		struct request_effects fx;

		(void)state;
		RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE,
		    REQ_SUBMITTED, REQ_SENT);
		if (v & 1)
			request_event(&flags, REQ_LOCAL_OK, &partial);
		fx = request_event(&flags, v & 2 ? REQ_WRITE_ACK : REQ_NEG_ACK, &partial);
		if (!(v & 1))
			fx = request_event(&flags, REQ_LOCAL_OK, &partial);
		assert_true(fx.complete);
		assert_int_equal(fx.ok, v >> 1);
	}
}

/* My disk fails while the peer is being synced from it: nobody has this write for good. */
static void a_write_that_fails_here_needs_more_than_a_peer_under_sync(void **state)
{
	for (u32 v = 0; v < 4; v++) {
		struct request_view view = { .protocol = REPL_PROTOCOL_C, .peer_is_partial = v & 1 };
		u32 flags = RQ_INIT_WRITE;
		struct request_effects fx;

		(void)state;
		RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE,
		    REQ_SUBMITTED, REQ_SENT);
		request_event(&flags, v & 2 ? REQ_LOCAL_OK : REQ_LOCAL_WRITE_ERROR, &view);
		fx = request_event(&flags, REQ_WRITE_ACK, &view);
		assert_true(fx.complete);
		assert_int_equal(fx.ok, v != 1);
	}
}

static void an_aborted_bio_that_succeeds_after_all_proves_nothing(void **state)
{
	u32 flags = RQ_INIT_WRITE;
	struct request_effects fx;

	(void)state;
	RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE, REQ_SUBMITTED,
	    REQ_SENT, REQ_ABORT_LOCAL);
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_WRITE_ACK);
	assert_true(fx.complete && fx.ok);
	RUN(&flags, REPL_PROTOCOL_C, REQ_BARRIER_ACK);
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_LOCAL_OK);
	assert_true(fx.late_ok && fx.destroy && fx.set_bits && !fx.clear_bits);
}

/* Its cache was not flushed for the barrier: there was no disk any more to flush. */
static void an_epoch_acknowledged_without_a_disk_is_marked(void **state)
{
	for (u32 gone = 0; gone < 2; gone++) {
		struct request_view view = { .protocol = REPL_PROTOCOL_C, .peer_disk_lost = gone };
		u32 flags = RQ_INIT_WRITE;
		struct request_effects fx;

		(void)state;
		RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE,
		    REQ_SUBMITTED, REQ_SENT, REQ_LOCAL_OK, REQ_WRITE_ACK);
		fx = request_event(&flags, REQ_BARRIER_ACK, &view);
		assert_true(fx.destroy);
		assert_int_equal(fx.set_bits, gone);
	}
}

/* A discard that the disk refuses to carry out: who reads next has to be sent to the peer. */
static void a_write_refused_softly_by_the_disk_is_marked_at_once(void **state)
{
	struct request_view view = { 0 };
	u32 write = RQ_W | RQ_TL | RQ_LP | RQ_NP, read = RQ_TL | RQ_LP | RQ_SUB;

	(void)state;
	assert_true(request_event(&write, REQ_LOCAL_SOFT_ERROR, &view).set_bits);
	assert_false(request_event(&read, REQ_LOCAL_SOFT_ERROR, &view).set_bits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_that_holds_a_request_is_overlooked),
		cmocka_unit_test(an_epoch_acknowledged_without_a_disk_is_marked),
		cmocka_unit_test(who_may_write_and_read_and_ack),
		cmocka_unit_test(a_write_on_a_disk_under_sync_needs_the_peer),
		cmocka_unit_test(a_write_that_fails_here_needs_more_than_a_peer_under_sync),
		cmocka_unit_test(an_aborted_bio_that_succeeds_after_all_proves_nothing),
		cmocka_unit_test(a_write_refused_softly_by_the_disk_is_marked_at_once),
	};

	return cmocka_run_group_tests_name("request words", tests, NULL, NULL);
}
