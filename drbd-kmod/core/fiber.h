/* SPDX-License-Identifier: GPL-2.0 */
/*
 * fiber.h - sequences that wait, without threads
 *
 * The core never sleeps.  What takes several steps with waiting in between (a
 * promotion, the work after a state change, the reaction to a packet) is written as
 * a fiber: an ordinary function that returns FIBER_WAIT or FIBER_ACTION in the
 * middle and, called again, goes on where it stopped.  Its local variables live in
 * a struct of its own, because the C stack does not survive the return.
 *
 *	enum fiber_status role_demote(struct task *t, struct role_op *op)
 *	{
 *		FIBER_BEGIN(op->pc);
 *		FIBER_WAIT_UNTIL(op->pc, op->device->ap_pending == 0);
 *		FIBER_DO(op->pc, t, ACT_MD_WRITE, op->device, 0);
 *		op->ret = t->result;
 *		FIBER_END(op->pc);
 *	}
 *
 * Whoever runs a task (a kernel thread, the simulator) holds the resource lock while
 * the function runs and does this:
 *
 *	FIBER_DONE	the task is over
 *	FIBER_WAIT	call again after the next env_wake() of the resource, and at the
 *			latest at t->deadline (milliseconds of env_now_ms(), 0 = none)
 *	FIBER_ACTION	drop the lock, perform t->action, which may sleep, store its
 *			outcome in t->result (0 or a negative errno; a wait status for
 *			ACT_HELPER), take the lock, call again
 *
 * A switch statement is underneath: no switch may enclose a FIBER_ macro.
 */
#ifndef CORE_FIBER_H
#define CORE_FIBER_H

#include "portable.h"

struct drbd_device;
struct drbd_resource;

enum fiber_status { FIBER_DONE, FIBER_WAIT, FIBER_ACTION };

/* What only the shell can do, because it sleeps.  `arg` and `device` as told. */
enum action_kind {
	ACT_NONE,
	ACT_MD_READ,		/* read the superblock into device->md_buffer */
	ACT_MD_WRITE,		/* write device->md_buffer to its sector: PREFLUSH+FUA, or
				 * sync only with md-flushes no */
	ACT_AL_WRITE,		/* write device->al_buffer to sector `arg`, likewise */
	ACT_AL_INIT,		/* write all AL blocks: see al_init_block() */
	ACT_BM_READ,		/* read all pages of the bitmap */
	ACT_BM_WRITE,		/* write the copies in device->bm_batch, and wait */
	ACT_BM_RESIZE,		/* bitmap memory for arg data sectors, and device->bm_batch.copy:
				 * calls device_bitmap_resized() */
	ACT_AL_RESIZE,		/* activity log memory for arg slots: calls device_al_resized() */
	ACT_FLUSH,		/* flush the volatile cache of the backing device */
	ACT_HELPER,		/* run the user mode helper: t->helper, device or NULL */
	ACT_CLOSE_BACKING,	/* close the backing and meta devices and free disk memory */
	ACT_NOTIFY,		/* tell listeners about t->notify */
	ACT_NET_FREE,		/* the connection's configuration is gone: free what belongs to it */
	ACT_LOAD_PEER_INTEGRITY, /* load the hash connection->peer_integrity_alg ("" = none) and set
				 * integrity_size_in */
	ACT_LOAD_RESYNC_ALGS,	/* load net_conf.csums_alg and verify_alg, set csums_size and
				 * verify_size */
	ACT_SEND_STOP,		/* wait until no thread is inside send for the connection */
};

struct action {
	enum action_kind kind;
	struct drbd_device *device;
	u64 arg;
};

struct notify_record;

struct task {
	struct action action;
	s64 result;
	u64 deadline;
	bool interrupted;		/* the runner's user wants out (a signal) */
	const char *helper;		/* ACT_HELPER: event name */
	const struct notify_record *notify;	/* ACT_NOTIFY */
};

/*
 * The host is told what a fiber is about to wait for, as it stands in the source, for those who
 * want to know why something takes long. May do nothing.
 */
void env_waits_for(const char *what);

#define FIBER_BEGIN(pc) switch (pc) { case 0:
#define FIBER_END(pc) } (pc) = 0; return FIBER_DONE
#define FIBER_RETURN(pc) do { (pc) = 0; return FIBER_DONE; } while (0)

/* Go on only when `cond` holds; it is evaluated under the lock at every call. */
#define FIBER_WAIT_UNTIL(pc, cond) do {					\
		(pc) = __LINE__; fallthrough; case __LINE__:		\
		if (!(cond)) {						\
			env_waits_for(#cond);				\
			return FIBER_WAIT;				\
		}							\
	} while (0)

/* The same for at most `ms` milliseconds; afterwards test the condition again. */
#define FIBER_WAIT_TIMEOUT(pc, t, ms, cond) do {			\
		(t)->deadline = env_now_ms() + (ms);			\
		(pc) = __LINE__; fallthrough; case __LINE__:		\
		if (!(cond) && env_now_ms() < (t)->deadline) {		\
			env_waits_for(#cond);				\
			return FIBER_WAIT;				\
		}							\
		(t)->deadline = 0;					\
	} while (0)

/* Let the shell perform an action; its outcome is in (t)->result afterwards. */
#define FIBER_DO(pc, t, what, dev, value) do {				\
		(t)->action.kind = (what);				\
		(t)->action.device = (dev);				\
		(t)->action.arg = (value);				\
		(pc) = __LINE__;					\
		return FIBER_ACTION;					\
		case __LINE__:;						\
	} while (0)

/* Run another fiber to its end; `call` is the expression that calls it. */
#define FIBER_CALL(pc, call) do {					\
		enum fiber_status status__;				\
		(pc) = __LINE__; fallthrough; case __LINE__:		\
		status__ = (call);					\
		if (status__ != FIBER_DONE)				\
			return status__;				\
	} while (0)

#endif /* CORE_FIBER_H */
