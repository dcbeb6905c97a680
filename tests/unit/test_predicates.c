// SPDX-License-Identifier: GPL-2.0
/*
 * Data path decisions.  The life of a request is explored completely: a model
 * of its surroundings (sender, peer, lower disk, link, suspension) offers every
 * event that can happen, every reachable state is visited, and what the flag
 * word concluded is compared with where the data really is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "core/predicates.h"

#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

/* ---- the model */

enum queue { Q_NONE, Q_DATA, Q_OOS };
enum peer_stage { P_NOTHING, P_ON_WIRE, P_RECEIVED, P_WRITTEN, P_FAILED, P_SUPERSEDED, P_RETRY };

struct world {
	u32 flags;
	/* surroundings */
	u32 local_out : 1, local_gone : 1;	/* bio is out; disk was lost meanwhile */
	u32 queue : 2;				/* enum queue */
	u32 stage : 3;				/* enum peer_stage */
	u32 acked : 1, recv_acked : 1, barrier_done : 1;
	u32 link : 1, cleaned : 1;		/* cleaned: CONNECTION_LOST was applied */
	u32 suspended : 1, suspensions : 2, losses : 2, resubmits : 1;
	u32 protocol : 2, resync : 1;
	/* what really is */
	u32 local_has : 1, peer_has : 1, peer_bits : 1;
	u32 started : 1, finished : 1, bits : 1, al : 1;
	/* what was said */
	u32 told_in_sync : 1, told_failed : 1;
};

#define WORLDS (1u << 18)
#define MAX_EDGES 24
#define MISFORTUNE (1u << 31)	/* an edge that no request may count on */

static struct world *worlds;
static u32 *edges, *edge_count, *table;
static u32 n_worlds;

static u32 world_hash(const struct world *w)
{
	const unsigned char *p = (const void *)w;
	u32 h = 2166136261u;

	for (size_t i = 0; i < sizeof(*w); i++)
		h = (h ^ p[i]) * 16777619u;
	return h;
}

static u32 world_index(const struct world *w)
{
	u32 h = world_hash(w) % (2 * WORLDS);

	while (table[h]) {
		if (memcmp(&worlds[table[h] - 1], w, sizeof(*w)) == 0)
			return table[h] - 1;
		h = (h + 1) % (2 * WORLDS);
	}
	CHECK(n_worlds < WORLDS, "more states than expected\n");
	worlds[n_worlds] = *w;
	table[h] = ++n_worlds;
	return n_worlds - 1;
}

static u32 from;	/* index of the state being expanded */
static u32 misfortune;	/* MISFORTUNE while adding such edges */

static void reach(const struct world *w)
{
	u32 to = world_index(w);

	CHECK(edge_count[from] < MAX_EDGES, "too many edges\n");
	edges[from * MAX_EDGES + edge_count[from]++] = to | misfortune;
}

/* Feed one event and hold the effects against the world. */
static struct request_effects feed(struct world *w, enum request_event ev)
{
	struct request_view view = { .suspended = w->suspended, .epoch_is_current = true,
				     .protocol = w->protocol,
				     .local_is_partial = w->local_gone,
				     .link_lost = !w->link || ev == REQ_RESEND };
	u32 old = w->flags;
	struct request_effects fx;
	bool write = old & RQ_W;

	CHECK(!(old & RQ_DESTROYED), "event %d after the end\n", ev);
	fx = request_event(&w->flags, ev, &view);

	if (fx.set_bits)
		w->bits = 1;
	if (fx.complete || fx.retry) {
		CHECK(!w->finished && fx.complete != fx.retry, "finished twice: %x ev %d\n", old, ev);
		w->finished = 1;
		CHECK(!w->local_out || (w->flags & RQ_LA), "completed under the disk's hands: %x ev %d\n",
		      old, ev);
		CHECK(!(w->flags & (RQ_SUB | RQ_NP | RQ_NQ | RQ_CS)), "completed in spite of holds\n");
		CHECK(!write || fx.close_epoch, "a write completed into an open epoch\n");
		/* I19, and nothing else slips out of a suspension either */
		CHECK(!w->suspended || ev == REQ_BARRIER_ACK || ev == REQ_CONNECTION_LOST ||
		      ev >= REQ_FAIL_FROZEN, "completed while suspended: %x ev %d\n", old, ev);
	}
	if (fx.complete) {
		bool here = (w->flags & RQ_LO) && !(write && w->local_gone);

		CHECK(fx.ok == (here || (w->flags & RQ_NO)), "result differs from flags\n");
		CHECK(write || fx.ok || (w->flags & RQ_RAHEAD), "a failed read was not retried\n");
		CHECK(!fx.ok || !write || (w->local_has && !w->local_gone) || w->peer_has,
		      "success without data on any disk: %x ev %d\n", old, ev);
	}
	if (fx.clear_bits)
		CHECK(w->local_has && w->peer_has && w->told_in_sync && !fx.set_bits,
		      "cleared without proof: %x ev %d\n", old, ev);
	if (fx.requeue) {
		CHECK(!w->finished, "data of a finished request sent again\n");
		w->queue = Q_DATA;
		w->stage = P_NOTHING;
		w->acked = w->recv_acked = w->told_failed = w->barrier_done = 0;
	}
	if (fx.resubmit_local) {
		CHECK(!w->finished && !w->local_out, "resubmitted: %x\n", old);
		w->local_out = 1;
		w->local_has = 0;
		w->local_gone = 0;
		w->started = 1;
	}
	CHECK(!fx.release_al || (fx.destroy && w->al), "AL released early or twice\n");
	if (fx.release_al)
		w->al = 0;
	if (fx.destroy) {
		CHECK(w->finished && !w->al, "destroyed too early: %x ev %d\n", old, ev);
		CHECK(!w->local_out, "destroyed with the bio out: %x ev %d\n", old, ev);
		/* Mirrored or marked.  A receiver that fails marks on its side. */
		if (write && w->started)
			CHECK((w->local_has && (w->peer_has || w->peer_bits) && !w->told_failed) || w->bits,
			      "neither mirrored nor marked: %x -> %x ev %d\n", old, w->flags, ev);
	}
	return fx;
}

static void go(struct world w, enum request_event ev)
{
	feed(&w, ev);
	reach(&w);
}

static void local_events(struct world w)
{
	static const enum request_event ends[] = {
		REQ_LOCAL_OK, REQ_LOCAL_WRITE_ERROR, REQ_LOCAL_READ_ERROR, REQ_LOCAL_SOFT_ERROR
	};
	bool write = w.flags & RQ_W;

	if (!w.local_out) {
		/* the disk goes after it answered */
		misfortune = MISFORTUNE;
		w.local_gone = 1;
		reach(&w);
		misfortune = 0;
		return;
	}
	for (int i = 0; i < 4; i++) {
		struct world n = w;

		if (ends[i] == (write ? REQ_LOCAL_READ_ERROR : REQ_LOCAL_WRITE_ERROR))
			continue;
		n.local_out = 0;
		if (i == 0)
			n.local_has = 1;
		else
			n.local_gone = 1;
		go(n, ends[i]);
	}
	if ((w.flags & RQ_LP) && !(w.flags & RQ_LA)) {
		misfortune = MISFORTUNE;
		w.local_gone = 1;
		go(w, REQ_ABORT_LOCAL);
		misfortune = 0;
	}
}

static void sender_events(struct world w)
{
	struct world n = w;

	if (w.queue == Q_NONE)
		return;
	/* cancelled, or failed with the link */
	n.queue = Q_NONE;
	if (!w.link || w.losses < 2) {
		misfortune = n.link ? MISFORTUNE : 0;
		if (n.link) {
			n.link = 0;
			n.losses++;
			n.cleaned = 0;
		}
		go(n, REQ_SEND_FAILED);
		misfortune = 0;
	}
	if (!w.link)
		return;
	n = w;
	if (w.queue == Q_OOS) {
		n.queue = Q_NONE;
		go(n, REQ_OOS_SENT);
	} else if (w.stage == P_NOTHING) {
		/* on the wire; acks may overtake the sender's own note of it */
		n.stage = P_ON_WIRE;
		reach(&n);
	} else {
		n.queue = Q_NONE;
		go(n, REQ_SENT);
	}
}

/* The peer's own doing, told to nobody yet. */
static void peer_writes(struct world w)
{
	if (!(w.flags & RQ_W) || (w.stage != P_ON_WIRE && w.stage != P_RECEIVED))
		return;
	w.stage = P_WRITTEN;
	w.peer_has = 1;
	reach(&w);
	w.stage = P_FAILED;
	w.peer_has = 0;
	w.peer_bits = 1;
	reach(&w);
}

static void peer_acks(struct world w)
{
	bool explicit_ack = w.protocol == REPL_PROTOCOL_C || w.resync;

	if (!w.link || w.acked || w.stage == P_NOTHING)
		return;
	if (!(w.flags & RQ_W)) {
		w.acked = 1;
		w.stage = P_WRITTEN;
		go(w, REQ_NEG_DREPLY);
		w.peer_has = 1;
		go(w, REQ_DATA_RECEIVED);
		return;
	}
	if (w.protocol == REPL_PROTOCOL_B && !w.recv_acked) {
		w.recv_acked = 1;
		if (w.stage == P_ON_WIRE)
			w.stage = P_RECEIVED;
		go(w, REQ_RECV_ACK);
		return;
	}
	w.acked = 1;
	if (w.stage == P_FAILED) {
		w.told_failed = 1;
		go(w, REQ_NEG_ACK);
	} else if (w.stage == P_WRITTEN && explicit_ack) {
		go(w, REQ_WRITE_ACK);
		if (w.resync) {
			w.told_in_sync = 1;
			go(w, REQ_WRITE_ACK_IN_SYNC);
		}
	} else if (w.stage == P_ON_WIRE && w.protocol == REPL_PROTOCOL_C) {
		w.stage = P_RETRY;
		go(w, REQ_PEER_RETRY);
		w.stage = P_SUPERSEDED;
		w.peer_has = 1;	/* its own write, which comes here too */
		go(w, REQ_SUPERSEDED);
	}
}

static void epoch_events(struct world w)
{
	bool final = w.stage == P_WRITTEN || w.stage == P_FAILED;

	if (!w.link || !(w.flags & RQ_W) || w.queue != Q_NONE)
		return;
	if (w.stage == P_RETRY && !w.local_out && !w.barrier_done) {
		w.barrier_done = 1;
		go(w, REQ_RETRY_NOW);
		return;
	}
	/* all acks of an epoch precede its barrier-ack */
	if (!final || w.barrier_done || (w.stage == P_FAILED && !w.acked))
		return;
	if ((w.protocol == REPL_PROTOCOL_C || w.resync) && !w.acked)
		return;
	if (w.protocol == REPL_PROTOCOL_B && !w.recv_acked)
		return;
	w.barrier_done = 1;
	go(w, REQ_BARRIER_ACK);
}

/* Each step only while the request lives. */
static void feed_alive(struct world *w, enum request_event ev)
{
	if (!(w->flags & RQ_DESTROYED))
		feed(w, ev);
}

static void link_events(struct world w)
{
	struct world n = w;

	if (w.link && w.losses < 2) {
		n.link = 0;
		n.losses++;
		n.cleaned = 0;
		misfortune = MISFORTUNE;
		reach(&n);
		misfortune = 0;
	}
	if (!w.link && !w.cleaned && !w.suspended && w.queue == Q_NONE) {
		n = w;
		n.cleaned = 1;
		go(n, REQ_CONNECTION_LOST);
	}
}

static void suspend_events(struct world w)
{
	struct world n = w;

	if (!w.suspended) {
		if (w.suspensions == 0) {
			n.suspended = 1;
			n.suspensions = 1;
			misfortune = MISFORTUNE;
			reach(&n);
			misfortune = 0;
		}
		return;
	}
	/* the peer is back, with what it had */
	if (!w.link && !w.cleaned && w.queue == Q_NONE) {
		n.link = 1;
		feed_alive(&n, REQ_RESEND);
		n.suspended = 0;
		feed_alive(&n, REQ_THAW);
		reach(&n);
	}
	/* the disk is back */
	if (w.local_gone && !w.local_out && !w.resubmits) {
		n = w;
		n.resubmits = 1;
		/* What the loss of the link left frozen hears of it no more. */
		n.cleaned = !w.link;
		feed_alive(&n, REQ_RESTART_FROZEN);
		n.suspended = 0;
		feed_alive(&n, REQ_THAW);
		reach(&n);
	}
	/* the administrator, or the fence handler, decides */
	if (w.queue == Q_NONE || w.link) {
		n = w;
		if (!w.link) {
			n.cleaned = 1;
			feed_alive(&n, REQ_CONNECTION_LOST);
		}
		if (w.local_gone)
			feed_alive(&n, REQ_FAIL_FROZEN);
		n.suspended = 0;
		feed_alive(&n, REQ_THAW);
		reach(&n);
	}
}

static void expand(u32 i)
{
	struct world w = worlds[i];

	from = i;
	if (w.flags & RQ_DESTROYED)
		return;
	if (w.flags & RQ_SUB)
		go(w, REQ_SUBMITTED);
	local_events(w);
	sender_events(w);
	peer_writes(w);
	peer_acks(w);
	epoch_events(w);
	link_events(w);
	suspend_events(w);
}

/* Can every state still reach its end, without another accident coming to its help? */
static u32 count_stuck(void)
{
	bool *ends = calloc(n_worlds, sizeof(*ends)), again = true;
	u32 stuck = 0;

	for (u32 i = 0; i < n_worlds; i++)
		ends[i] = worlds[i].flags & RQ_DESTROYED;
	while (again) {
		again = false;
		for (u32 i = n_worlds; i-- > 0; )
			for (u32 e = 0; !ends[i] && e < edge_count[i]; e++)
				if (!(edges[i * MAX_EDGES + e] & MISFORTUNE) && ends[edges[i * MAX_EDGES + e]])
					again = ends[i] = true;
	}
	for (u32 i = 0; i < n_worlds; i++) {
		if (!ends[i] && !stuck++)
			print_error("stuck: flags %x stage %u link %u susp %u queue %u\n", worlds[i].flags,
				    worlds[i].stage, worlds[i].link, worlds[i].suspended, worlds[i].queue);
	}
	free(ends);
	return stuck;
}

static void explore_from(const struct world *starts, u32 n, const char *what)
{
	u32 destroyed = 0, unfinished = 0;

	worlds = calloc(WORLDS, sizeof(*worlds));
	edges = calloc((size_t)WORLDS * MAX_EDGES, sizeof(*edges));
	edge_count = calloc(WORLDS, sizeof(*edge_count));
	table = calloc(2 * WORLDS, sizeof(*table));
	n_worlds = 0;
	for (u32 i = 0; i < n; i++)
		world_index(&starts[i]);
	for (u32 i = 0; i < n_worlds; i++)
		expand(i);
	for (u32 i = 0; i < n_worlds; i++) {
		if (!(worlds[i].flags & RQ_DESTROYED))
			continue;
		destroyed++;
		unfinished += !worlds[i].finished;
	}
	printf("         %s: %u states, %u ends, complete\n", what, n_worlds, destroyed);
	assert_int_equal(unfinished, 0);
	assert_true(destroyed > 0);
	assert_int_equal(count_stuck(), 0);
	free(worlds);
	free(edges);
	free(edge_count);
	free(table);
}

static struct world fresh(u32 flags, u32 protocol)
{
	struct world w;

	memset(&w, 0, sizeof(w));
	w.flags = flags;
	w.protocol = protocol;
	w.link = 1;
	feed(&w, REQ_JOIN_TL);
	return w;
}

static void start_local(struct world *w, bool al)
{
	if (al) {
		feed(w, REQ_AL_TAKEN);
		w->al = 1;
	}
	feed(w, REQ_LOCAL_PENDING);
	w->local_out = 1;
	w->started = 1;
}

static void test_every_life_of_a_write_ends_mirrored_or_marked(void **state)
{
	struct world starts[32];
	u32 n = 0;

	(void)state;
	for (u32 protocol = REPL_PROTOCOL_A; protocol <= REPL_PROTOCOL_C; protocol++)
		for (u32 v = 0; v < 4; v++) {
			struct world w = fresh(RQ_INIT_WRITE, protocol);

			w.resync = v & 1;
			if (v & 2)
				start_local(&w, true);
			feed(&w, REQ_QUEUE_WRITE);
			w.queue = Q_DATA;
			w.started = 1;
			starts[n++] = w;
			if (v != 2)
				continue;
			/* not replicated: announced, or merely local */
			w = fresh(RQ_INIT_WRITE, protocol);
			start_local(&w, true);
			starts[n++] = w;
			w.bits = 1;
			feed(&w, REQ_QUEUE_OOS);
			w.queue = Q_OOS;
			starts[n++] = w;
		}
	explore_from(starts, n, "writes");
}

static void test_every_life_of_a_read_ends_once(void **state)
{
	struct world starts[4];

	(void)state;
	starts[0] = fresh(RQ_INIT_READ, REPL_PROTOCOL_C);
	start_local(&starts[0], false);
	starts[1] = fresh(RQ_INIT_READ, REPL_PROTOCOL_C);
	feed(&starts[1], REQ_QUEUE_READ);
	starts[1].queue = Q_DATA;
	starts[2] = fresh(RQ_INIT_READ | RQ_RAHEAD, REPL_PROTOCOL_C);
	start_local(&starts[2], false);
	starts[3] = fresh(RQ_INIT_READ | RQ_RAHEAD, REPL_PROTOCOL_C);
	feed(&starts[3], REQ_QUEUE_READ);
	starts[3].queue = Q_DATA;
	explore_from(starts, 4, "reads");
}

/* ---- single rows of 7.4 */

static const struct request_view calm = { .protocol = REPL_PROTOCOL_C };

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

static void test_when_each_protocol_completes(void **state)
{
	static const enum request_event done[] = { REQ_SENT, REQ_RECV_ACK, REQ_WRITE_ACK };

	(void)state;
	for (u32 p = REPL_PROTOCOL_A; p <= REPL_PROTOCOL_C; p++) {
		u32 flags = RQ_INIT_WRITE;

		RUN(&flags, p, REQ_JOIN_TL, REQ_AL_TAKEN, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE, REQ_SUBMITTED,
		    REQ_LOCAL_OK);
		for (u32 i = 0; i < p; i++) {
			struct request_effects fx = request_event(&flags, done[i], &calm);

			assert_int_equal(fx.complete, i + 1 == p);
			assert_int_equal(fx.destroy, false);
		}
		/* AL and bits wait for the barrier-ack */
		assert_true(request_event(&flags, REQ_BARRIER_ACK, &calm).release_al);
	}
}

static void test_an_unbarriered_write_is_marked_at_loss_though_told_successful(void **state)
{
	u32 flags = RQ_INIT_WRITE;
	struct request_effects fx;

	(void)state;
	fx = RUN(&flags, REPL_PROTOCOL_A, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE, REQ_SUBMITTED,
		 REQ_LOCAL_OK, REQ_SENT);
	assert_true(fx.complete && fx.ok);
	fx = RUN(&flags, REPL_PROTOCOL_A, REQ_CONNECTION_LOST);
	assert_true(fx.set_bits && fx.destroy && fx.net_done && !fx.complete);
}

static void test_one_good_path_hides_the_other_ones_error(void **state)
{
	u32 flags = RQ_INIT_WRITE;
	struct request_effects fx;

	(void)state;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE, REQ_SUBMITTED,
		 REQ_SENT, REQ_LOCAL_WRITE_ERROR);
	assert_int_equal(fx.io_error, IO_FAULT_WRITE);
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_WRITE_ACK);
	assert_true(fx.complete && fx.ok);
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_BARRIER_ACK);
	assert_true(fx.set_bits && fx.destroy);

	flags = RQ_INIT_WRITE;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE, REQ_SUBMITTED,
		 REQ_SENT, REQ_NEG_ACK, REQ_LOCAL_WRITE_ERROR);
	assert_true(fx.complete && !fx.ok);
}

static void test_a_failed_local_read_marks_and_goes_elsewhere(void **state)
{
	u32 flags = RQ_INIT_READ;
	struct request_effects fx;

	(void)state;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_SUBMITTED,
		 REQ_LOCAL_READ_ERROR);
	assert_true(fx.set_bits && fx.retry && fx.destroy && !fx.complete);
	assert_int_equal(fx.io_error, IO_FAULT_READ);

	flags = RQ_INIT_READ | RQ_RAHEAD;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_SUBMITTED,
		 REQ_LOCAL_SOFT_ERROR);
	assert_true(!fx.set_bits && fx.complete && !fx.ok && !fx.retry);
	assert_int_equal(fx.io_error, IO_FAULT_NONE);
}

static void test_what_never_started_leaves_no_marks(void **state)
{
	u32 flags = RQ_INIT_WRITE;
	struct request_effects fx;

	(void)state;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_AL_TAKEN, REQ_POSTPONE, REQ_SUBMITTED);
	assert_true(fx.retry && fx.destroy && fx.release_al && !fx.set_bits);
	/* neither path: an error at once, nothing was written anywhere */
	flags = RQ_INIT_WRITE;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_SUBMITTED);
	assert_true(fx.complete && !fx.ok && fx.destroy && !fx.set_bits);
	flags = RQ_INIT_READ;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_SUBMITTED);
	assert_true(fx.complete && !fx.ok && fx.destroy);
	/* an empty flush has no range to mark */
	flags = RQ_INIT_WRITE;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_LOCAL_PENDING, REQ_SUBMITTED, REQ_LOCAL_OK);
	assert_true(fx.complete && fx.ok && fx.destroy && !fx.set_bits);
}

static void test_an_aborted_bio_keeps_its_request_until_it_returns(void **state)
{
	u32 flags = RQ_INIT_WRITE;
	struct request_effects fx;

	(void)state;
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_SUBMITTED, REQ_ABORT_LOCAL);
	assert_true(fx.complete && !fx.ok && !fx.destroy);
	fx = RUN(&flags, REPL_PROTOCOL_C, REQ_LOCAL_OK);
	assert_true(fx.late_ok && fx.destroy && fx.set_bits && !fx.complete);
}

static void test_protocol_a_hand_over_proves_nothing_at_resend(void **state)
{
	struct request_view frozen = { .suspended = true, .protocol = REPL_PROTOCOL_A,
				       .link_lost = true };
	u32 flags = RQ_INIT_WRITE;
	struct request_effects fx;

	(void)state;
	RUN(&flags, REPL_PROTOCOL_A, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE, REQ_SUBMITTED,
	    REQ_LOCAL_OK);
	fx = request_event(&flags, REQ_SENT, &frozen);
	assert_true(!fx.complete && (flags & RQ_CS));
	fx = request_event(&flags, REQ_RESEND, &frozen);
	assert_true(fx.requeue && (flags & RQ_NP) && !fx.complete);
}

/* Written there, and lost there with its cache: the own disk has it only if it is a good copy. */
static void test_a_write_ack_proves_nothing_at_resend_without_a_good_copy_here(void **state)
{
	struct request_view frozen = { .suspended = true, .protocol = REPL_PROTOCOL_C,
				       .link_lost = true };
	struct request_effects fx;

	(void)state;
	/* Or where a peer that was cut off its power looks like one that was not. */
	for (int why = 0; why < 3; why++) {
		u32 flags = RQ_INIT_WRITE;
		int again = why > 0;

		RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_WRITE,
		    REQ_SUBMITTED, REQ_SENT, REQ_LOCAL_OK);
		fx = request_event(&flags, REQ_WRITE_ACK, &frozen);
		assert_true(!fx.complete && (flags & RQ_CS));
		frozen.local_is_partial = why == 1;
		frozen.reboot_unseen = why == 2;
		fx = request_event(&flags, REQ_RESEND, &frozen);
		assert_int_equal(fx.requeue, again);
		assert_int_equal(fx.complete, !again);
		assert_int_equal(!!(flags & RQ_NP), again);
	}
}

/* With several volumes the log is sent again once for each; what was admitted in between is new. */
static void test_a_queued_notice_stays_a_notice_at_resend(void **state)
{
	struct request_view view = { .protocol = REPL_PROTOCOL_C };
	u32 flags = RQ_INIT_WRITE, before;
	struct request_effects fx;

	(void)state;
	RUN(&flags, REPL_PROTOCOL_C, REQ_JOIN_TL, REQ_LOCAL_PENDING, REQ_QUEUE_OOS, REQ_SUBMITTED);
	before = flags;
	fx = request_event(&flags, REQ_RESEND, &view);
	assert_true(!fx.requeue && !fx.complete && !fx.destroy);
	assert_int_equal(flags, before);
	/* Lost on its way, it is told as data. */
	RUN(&flags, REPL_PROTOCOL_C, REQ_SEND_FAILED);
	view.link_lost = true;
	fx = request_event(&flags, REQ_RESEND, &view);
	assert_true(fx.requeue && (flags & RQ_WA) && (flags & RQ_NP) && !(flags & RQ_OOS));
}

/* ---- mirror or mark */

static void test_every_write_is_mirrored_announced_or_marked_at_its_end(void **state)
{
	unsigned long cases = 0;

	(void)state;
	for (u32 i = 0; i < 24 * 81; i++)
		for (u32 p = 1; p <= 3; p++)
			for (u16 apv = 99; apv <= 100; apv++) {
				struct state s = { .role = ROLE_PRIMARY, .conn = i / 81, .disk = i / 9 % 9,
						   .pdsk = i % 9 };
				struct write_decision d = write_decide(s, p, apv);
				bool send = s.pdsk == 8 || (s.pdsk >= 4 && s.conn >= 14 && s.conn < 22);
				bool oos = !send && (s.conn == 22 || s.conn == 13);
				bool busy = s.conn >= 16 && s.conn <= 21;

				cases++;
				CHECK(d.route == (send ? WRITE_REPLICATE : oos ? WRITE_SEND_OOS : WRITE_LOCAL_ONLY),
				      "conn %u pdsk %u\n", s.conn, s.pdsk);
				CHECK(d.mark_now == oos, "conn %u\n", s.conn);
				CHECK(d.may_set_in_sync == (send && busy), "conn %u\n", s.conn);
				CHECK(d.want_write_ack == (send && apv >= 100 && (busy || p == 3)), "%u\n", s.conn);
				CHECK(d.want_recv_ack == (send && apv >= 100 && p == 2), "%u\n", s.conn);
				CHECK(d.rq_flags == (send && p == 2 ? RQ_RA : send && p == 3 ? RQ_WA : 0), "rq\n");
			}
	printf("         mirror or mark: %lu cases, complete\n", cases);
}

static void test_admission(void **state)
{
	const struct admit_facts free_way = { .in_flight = 9, .max_buffers = 10, .apv = 96 };
	struct admit_facts f;

	(void)state;
	for (u32 i = 0; i < 24 * 9; i++) {
		struct state s = { .conn = i / 9, .disk = i % 9 };
		bool ok = s.conn != 14 && s.conn != 15 && s.disk != 1 && s.disk != 3;

		assert_int_equal(may_admit(s, &free_way), ok);
		f = free_way;
		f.apv = 95;
		assert_int_equal(may_admit(s, &f), ok && s.conn != 13);
		f = free_way;
		f.in_flight = 10;
		assert_false(may_admit(s, &f));
		f = free_way;
		f.frozen = true;
		assert_false(may_admit(s, &f));
		f = free_way;
		f.bitmap_op_pending = true;
		assert_false(may_admit(s, &f));
		s.susp_fen = true;
		assert_false(may_admit(s, &free_way));
	}
}

/* ---- reads */

static void test_a_read_never_returns_stale_blocks(void **state)
{
	(void)state;
	for (u32 i = 0; i < 81 * 2 * 12 * 2; i++) {
		struct state s = { .disk = i % 9, .pdsk = i / 9 % 9 };
		struct read_facts f = { .range_in_sync = i / 81 % 2, .policy = i / 162 % 12,
					.turn = i / 1944, .sector = i * 64, .local_pending = i % 5,
					.peer_pending = i % 3 };
		bool local = s.disk == 8 || (s.disk == 4 && f.range_in_sync);
		enum read_route r = read_decide(s, &f);

		CHECK(r != READ_LOCAL || local, "disk %u\n", s.disk);
		CHECK(r != READ_REMOTE || s.pdsk == 8, "pdsk %u\n", s.pdsk);
		CHECK((r == READ_NONE) == (!local && s.pdsk != 8), "gave up\n");
	}
}

static void test_read_balancing(void **state)
{
	const struct state s = { .disk = D_UP_TO_DATE, .pdsk = D_UP_TO_DATE };
	struct read_facts f = { .policy = RB_PREFER_LOCAL };

	(void)state;
	assert_int_equal(read_decide(s, &f), READ_LOCAL);
	f.policy = RB_PREFER_REMOTE;
	assert_int_equal(read_decide(s, &f), READ_REMOTE);
	f.policy = RB_ROUND_ROBIN;
	assert_int_equal(read_decide(s, &f), READ_LOCAL);
	f.turn = true;
	assert_int_equal(read_decide(s, &f), READ_REMOTE);
	f.policy = RB_LEAST_PENDING;
	f.local_pending = f.peer_pending = 3;
	assert_int_equal(read_decide(s, &f), READ_LOCAL);
	f.local_pending = 4;
	assert_int_equal(read_decide(s, &f), READ_REMOTE);
	f.policy = RB_CONGESTED_REMOTE;
	assert_int_equal(read_decide(s, &f), READ_LOCAL);
	for (int k = 0; k <= 5; k++) {
		u64 stripe = (32768u << k) / 512;

		f.policy = RB_32K_STRIPING + k;
		for (u64 n = 0; n < 5; n++) {
			f.sector = n * stripe;
			assert_int_equal(read_decide(s, &f), n & 1 ? READ_REMOTE : READ_LOCAL);
			f.sector += stripe - 1;
			assert_int_equal(read_decide(s, &f), n & 1 ? READ_REMOTE : READ_LOCAL);
		}
	}
}

/* ---- the peer's side */

static void test_acks_tell_the_truth(void **state)
{
	(void)state;
	for (u32 i = 0; i < 24 * 32; i++) {
		struct peer_write_view v = {
			.conn = i / 32, .io_error = i & 1, .want_write_ack = i & 2,
			.may_set_in_sync = i & 4, .only_copy = i & 8, .completed = i & 16,
		};
		struct peer_write_decision d = peer_write_done(&v);
		bool sync = v.conn >= 16 && v.conn <= 21 && v.may_set_in_sync && !v.only_copy;

		CHECK(v.completed || (d.ack == PEER_ACK_NONE && !d.set_bits && !d.clear_bits), "early\n");
		CHECK(v.conn >= 10 || d.ack == PEER_ACK_NONE, "acked into nowhere\n");
		CHECK((d.ack == PEER_ACK_WRITE_IN_SYNC) == d.clear_bits, "cleared on one side only\n");
		CHECK(!(d.set_bits && d.clear_bits), "both\n");
		if (!v.completed)
			continue;
		CHECK(d.set_bits == v.io_error && d.io_error == v.io_error, "error\n");
		if (v.conn < 10)
			continue;
		CHECK(d.ack == (v.io_error ? PEER_ACK_NEG : !v.want_write_ack ? PEER_ACK_NONE :
				sync ? PEER_ACK_WRITE_IN_SYNC : PEER_ACK_WRITE), "case %u: %d\n", i, d.ack);
	}
}

static void test_bits_on_acks_and_notices(void **state)
{
	const u32 all = RQ_W | RQ_LO | RQ_NO | RQ_SIS;

	(void)state;
	for (u32 b = 0; b < 23; b++)
		assert_int_equal(may_clear_on_ack(all & ~(1u << b)), !(all & (1u << b)));
	for (u8 conn = 0; conn < 24; conn++)
		assert_int_equal(may_set_on_oos_notice(conn), conn == 14 || conn == 15 || conn == 23);
}

static void test_io_errors_lower_the_disk_by_policy(void **state)
{
	(void)state;
	for (u8 disk = 0; disk <= 8; disk++)
		for (int policy = 0; policy < 3; policy++)
			for (int fault = 0; fault <= IO_FAULT_FORCED; fault++) {
				bool data = fault == IO_FAULT_READ || fault == IO_FAULT_WRITE;
				int want = D_FAILED;

				if (fault == IO_FAULT_NONE || disk <= 2)
					want = disk;
				else if (policy == EP_PASS_ON && data)
					want = disk > 4 ? 4 : disk;
				assert_int_equal(io_error_disk(disk, fault, policy), want);
			}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_life_of_a_write_ends_mirrored_or_marked),
		cmocka_unit_test(test_every_life_of_a_read_ends_once),
		cmocka_unit_test(test_when_each_protocol_completes),
		cmocka_unit_test(test_an_unbarriered_write_is_marked_at_loss_though_told_successful),
		cmocka_unit_test(test_one_good_path_hides_the_other_ones_error),
		cmocka_unit_test(test_a_failed_local_read_marks_and_goes_elsewhere),
		cmocka_unit_test(test_what_never_started_leaves_no_marks),
		cmocka_unit_test(test_an_aborted_bio_keeps_its_request_until_it_returns),
		cmocka_unit_test(test_protocol_a_hand_over_proves_nothing_at_resend),
		cmocka_unit_test(test_a_write_ack_proves_nothing_at_resend_without_a_good_copy_here),
		cmocka_unit_test(test_every_write_is_mirrored_announced_or_marked_at_its_end),
		cmocka_unit_test(test_admission),
		cmocka_unit_test(test_a_read_never_returns_stale_blocks),
		cmocka_unit_test(test_a_queued_notice_stays_a_notice_at_resend),
		cmocka_unit_test(test_read_balancing),
		cmocka_unit_test(test_acks_tell_the_truth),
		cmocka_unit_test(test_bits_on_acks_and_notices),
		cmocka_unit_test(test_io_errors_lower_the_disk_by_policy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
