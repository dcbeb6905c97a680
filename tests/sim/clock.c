// SPDX-License-Identifier: GPL-2.0
/* Virtual time, coroutines and chance. */
#define _GNU_SOURCE
#include <ucontext.h>
#include <setjmp.h>
#include <sys/mman.h>
#include "sim.h"

#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/common_interface_defs.h>
#define WITH_ASAN 1
#else
#define WITH_ASAN 0
#endif

u64 now_us = 1, n_events;

/* ---- chance: splitmix64 ---- */

static u64 rng;

static u64 mixed(u64 z)
{
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

/*
 * The stream moves on by adding a constant.  A seed that were only multiplied by it would begin where
 * its neighbour is one draw later: mixed, seeds begin at places that have nothing to do with each other.
 */
void chance_seed(u64 seed)
{
	rng = mixed(seed);
}

u64 chance64(void)
{
	return mixed(rng += 0x9e3779b97f4a7c15ull);
}

u32 chance(u32 below)
{
	return below ? (u32)(((chance64() >> 32) * below) >> 32) : 0;
}

u64 chance_between(u64 low, u64 high)
{
	return low + chance64() % (high - low + 1);
}

/* ---- the heap ---- */

static struct event **heap;
static int heap_len, heap_room;
static u64 next_seq;

static bool before(const struct event *a, const struct event *b)
{
	return a->time != b->time ? a->time < b->time : a->seq < b->seq;
}

static void put(int pos, struct event *ev)
{
	heap[pos] = ev;
	ev->pos = pos;
}

static void sift_up(int pos, struct event *ev)
{
	while (pos > 0 && before(ev, heap[(pos - 1) / 2])) {
		put(pos, heap[(pos - 1) / 2]);
		pos = (pos - 1) / 2;
	}
	put(pos, ev);
}

static void sift_down(int pos, struct event *ev)
{
	for (;;) {
		int child = 2 * pos + 1;

		if (child >= heap_len)
			break;
		if (child + 1 < heap_len && before(heap[child + 1], heap[child]))
			child++;
		if (!before(heap[child], ev))
			break;
		put(pos, heap[child]);
		pos = child;
	}
	put(pos, ev);
}

void event_init(struct event *ev, struct node *owner, void (*fire)(struct event *))
{
	ev->pos = -1;
	ev->owner = owner;
	ev->fire = fire;
}

void event_cancel(struct event *ev)
{
	int pos = ev->pos;
	struct event *last;

	if (pos < 0)
		return;
	ev->pos = -1;
	last = heap[--heap_len];
	if (last == ev)
		return;
	if (pos > 0 && before(last, heap[(pos - 1) / 2]))
		sift_up(pos, last);
	else
		sift_down(pos, last);
}

void event_at(struct event *ev, u64 time)
{
	event_cancel(ev);
	if (heap_len == heap_room) {
		heap_room = heap_room ? heap_room * 2 : 1024;
		heap = realloc(heap, heap_room * sizeof(*heap));
	}
	ev->time = max(time, now_us);
	ev->seq = next_seq++;
	sift_up(heap_len++, ev);
}

/* ---- coroutines ---- */

#define STACK_BYTES (256 * 1024)

struct thread {
	struct event wake;
	struct dlist all;
	struct dlist waiting;
	struct waitq *on;
	bool woken, started, ended;
	ucontext_t context;
	jmp_buf jump;
	void *stack, *fake_stack;
	const char *name;
	void (*fn)(void *);
	void *arg;
};

struct thread *current;
static struct dlist threads = { &threads, &threads };
static void *free_stacks[64];
static int n_free_stacks;
#if WITH_ASAN
static ucontext_t main_context;
static void *main_fake_stack;
static const void *main_stack_bottom;
static size_t main_stack_size;
#else
static jmp_buf main_jump;
#endif

static void *stack_get(void)
{
	if (n_free_stacks)
		return free_stacks[--n_free_stacks];
	return mmap(NULL, STACK_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static void stack_put(void *stack)
{
#if WITH_ASAN
	void __asan_unpoison_memory_region(void const volatile *addr, size_t size);

	__asan_unpoison_memory_region(stack, STACK_BYTES);
#endif
	if (n_free_stacks < (int)ARRAY_SIZE(free_stacks))
		free_stacks[n_free_stacks++] = stack;
	else
		munmap(stack, STACK_BYTES);
}

/* Back to the event loop, until this thread's event fires. */
static void thread_leave(struct thread *t, bool for_ever)
{
	(void)for_ever;
#if WITH_ASAN
	__sanitizer_start_switch_fiber(for_ever ? NULL : &t->fake_stack, main_stack_bottom,
				       main_stack_size);
	swapcontext(&t->context, &main_context);
	__sanitizer_finish_switch_fiber(t->fake_stack, &main_stack_bottom, &main_stack_size);
#else
	if (!_setjmp(t->jump))
		_longjmp(main_jump, 1);
#endif
}

static void thread_main(void)
{
	struct thread *t = current;

#if WITH_ASAN
	__sanitizer_finish_switch_fiber(NULL, &main_stack_bottom, &main_stack_size);
#endif
	t->fn(t->arg);
	t->ended = true;
	thread_leave(t, true);
}

static void thread_free(struct thread *t)
{
	event_cancel(&t->wake);
	dlist_del_init(&t->waiting);
	dlist_del_init(&t->all);
	stack_put(t->stack);
	free(t);
}

static __attribute__((noinline)) void switch_to(struct thread *t)
{
#if WITH_ASAN
	__sanitizer_start_switch_fiber(&main_fake_stack, t->stack, STACK_BYTES);
	swapcontext(&main_context, &t->context);
	__sanitizer_finish_switch_fiber(main_fake_stack, NULL, NULL);
#else
	if (_setjmp(main_jump))
		return;
	if (current->started)
		_longjmp(current->jump, 1);
	current->started = true;
	setcontext(&current->context);
	(void)t;
#endif
}

static void thread_enter(struct thread *t)
{
	current = t;
	switch_to(t);
	t = current;
	current = NULL;
	if (t->ended)
		thread_free(t);
}

static void thread_fire(struct event *ev)
{
	thread_enter(container_of(ev, struct thread, wake));
}

struct thread *thread_start(struct node *owner, const char *name, void (*fn)(void *), void *arg)
{
	struct thread *t = calloc(1, sizeof(*t));

	event_init(&t->wake, owner, thread_fire);
	dlist_init(&t->waiting);
	dlist_add_tail(&t->all, &threads);
	t->name = name;
	t->fn = fn;
	t->arg = arg;
	t->stack = stack_get();
	getcontext(&t->context);
	t->context.uc_stack.ss_sp = t->stack;
	t->context.uc_stack.ss_size = STACK_BYTES;
	t->context.uc_link = NULL;
	makecontext(&t->context, thread_main, 0);
	event_at(&t->wake, now_us + chance(cfg.wake_latency + 1));
	return t;
}

void waitq_init(struct waitq *q)
{
	dlist_init(&q->threads);
}

bool waitq_wait(struct waitq *q, u64 deadline)
{
	struct thread *t = current;

	t->woken = false;
	dlist_add_tail(&t->waiting, &q->threads);
	if (deadline != NEVER)
		event_at(&t->wake, deadline);
	thread_leave(t, false);
	dlist_del_init(&t->waiting);
	return t->woken;
}

void waitq_wake(struct waitq *q)
{
	while (!dlist_empty(&q->threads)) {
		struct thread *t = dlist_first_entry(&q->threads, struct thread, waiting);

		dlist_del_init(&t->waiting);
		t->woken = true;
		event_at(&t->wake, now_us + chance(cfg.wake_latency + 1));
	}
}

void thread_sleep(u64 us)
{
	struct thread *t = current;

	event_at(&t->wake, now_us + us);
	thread_leave(t, false);
}

void events_drop(struct node *owner)
{
	struct thread *t, *next;
	int i, kept = 0;

	dlist_for_each_entry_safe(t, next, &threads, all)
		if (t->wake.owner == owner)
			thread_free(t);
	for (i = 0; i < heap_len; i++) {
		if (heap[i]->owner == owner)
			heap[i]->pos = -1;
		else
			heap[kept++] = heap[i];
	}
	heap_len = kept;
	for (i = 0; i < kept; i++)
		heap[i]->pos = i;
	for (i = kept / 2 - 1; i >= 0; i--)
		sift_down(i, heap[i]);
}

/* What was put off until then happens now, in the same order. */
void events_unstall(struct node *owner)
{
	int i;

	for (i = 0; i < heap_len; i++)
		if (heap[i]->owner == owner && heap[i]->time == owner->stalled_until)
			heap[i]->time = now_us;
	owner->stalled_until = 0;
	for (i = heap_len / 2 - 1; i >= 0; i--)
		sift_down(i, heap[i]);
}

void events_run(u64 until)
{
	while (heap_len && !sim_failed && !scenario_over) {
		struct event *ev = heap[0];

		if (ev->time > until)
			break;
		now_us = ev->time;
		event_cancel(ev);
		if (ev->owner && ev->owner->stalled_until > now_us) {
			event_at(ev, ev->owner->stalled_until);
			continue;
		}
		n_events++;
		ev->fire(ev);
		invariants_look();
	}
}
