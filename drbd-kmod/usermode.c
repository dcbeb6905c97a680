// SPDX-License-Identifier: GPL-2.0
/*
 * usermode.c - run the helper program (netlink.md 7)
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kmod.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/umh.h>
#include "shell.h"

#define PROGRAM_SIZE 80

static char usermode_helper[PROGRAM_SIZE] = "/sbin/drbdadm";
module_param_string(usermode_helper, usermode_helper, sizeof(usermode_helper), 0644);
MODULE_PARM_DESC(usermode_helper, "Program that is called for handlers");

static unsigned int helper_timeout = 600;
module_param(helper_timeout, uint, 0644);
MODULE_PARM_DESC(helper_timeout, "Seconds after which a handler that has not ended counts as failed; 0 = never");

/* Handlers may still end by themselves when the resource is to go down. */
#define DOWN_GRACE_SECONDS 5
/* As if it had exited with 255: no handler's success. */
#define HELPER_GIVEN_UP (255 << 8)

struct helper_strings {
	char program[PROGRAM_SIZE];
	char object[sizeof_field(struct drbd_resource, name)];
	char family[32];
	char address[64];
};

/* Both stay empty while no addresses are configured. */
static void peer_strings(struct helper_strings *s, const struct sockaddr_storage *peer)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;

	if (peer->ss_family == AF_INET6) {
		strscpy(s->family, "DRBD_PEER_AF=ipv6", sizeof(s->family));
		snprintf(s->address, sizeof(s->address), "DRBD_PEER_ADDRESS=%pI6", &in6->sin6_addr);
		return;
	}
	snprintf(s->family, sizeof(s->family), "DRBD_PEER_AF=%s",
		 peer->ss_family == AF_INET ? "ipv4" : "ssocks");
	snprintf(s->address, sizeof(s->address), "DRBD_PEER_ADDRESS=%pI4", &in->sin_addr);
}

static void strings_fill(struct helper_strings *s, struct shell_resource *r, struct shell_device *d)
{
	kernel_param_lock(THIS_MODULE);
	strscpy(s->program, usermode_helper, sizeof(s->program));
	kernel_param_unlock(THIS_MODULE);

	drbd_lock(r);
	if (d)
		snprintf(s->object, sizeof(s->object), "minor-%u", d->core.minor);
	else
		strscpy(s->object, r->core.name, sizeof(s->object));
	if (r->core.connection.configured)
		peer_strings(s, &r->conn.peer_addr);
	drbd_unlock(r);
}

/* ---- a helper at work ---- */

/* Between who called and the thread that waits for the program, which may outlive the call. */
struct helper_program {
	struct kref kref;
	struct helper_strings strings;
	const char *event;		/* a constant */
	struct shell_resource *r;
	int status;
	bool done;
};

static void call_free(struct kref *kref)
{
	struct helper_program *call = container_of(kref, struct helper_program, kref);

	drbd_resource_put(call->r);
	kfree(call);
}

static int program_run(struct helper_strings *s, const char *event)
{
	char *argv[] = { s->program, (char *)event, s->object, NULL };
	char *envp[] = {
		"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		s->family, s->address, NULL
	};

	/* No signal reaches this thread; but it does not count as a task that hangs. */
	return call_usermodehelper(s->program, argv, envp, UMH_WAIT_PROC | UMH_KILLABLE);
}

static int helper_thread(void *arg)
{
	struct helper_program *call = arg;

	call->status = program_run(&call->strings, call->event);
	smp_store_release(&call->done, true);
	wake_up_all(&call->r->helper_wait);
	kref_put(&call->kref, call_free);
	/* Whoever called may have gone on, and the module must not go from under us. */
	module_put_and_kthread_exit(0);
	return 0;
}

static int helper_start(struct helper_program *call)
{
	struct task_struct *thread;

	__module_get(THIS_MODULE);
	kref_get(&call->kref);
	thread = kthread_run(helper_thread, call, "drbd_h_%.8s", call->r->core.name);
	if (!IS_ERR(thread))
		return 0;
	module_put(THIS_MODULE);
	kref_put(&call->kref, call_free);
	return PTR_ERR(thread);
}

/* How long it may still be waited for, in jiffies; 0: given up. */
static long patience(struct shell_resource *r, unsigned long since)
{
	unsigned long limit = READ_ONCE(helper_timeout), now = jiffies, end;
	unsigned long down_at = READ_ONCE(r->down_asked_at);
	long left = MAX_SCHEDULE_TIMEOUT;

	if (limit)
		left = (long)(since + limit * HZ - now);
	if (down_at && time_after_eq(down_at, since)) {
		end = down_at + DOWN_GRACE_SECONDS * HZ;
		left = min(left, (long)(end - now));
	}
	return max(left, 0L);
}

static int helper_wait(struct helper_program *call)
{
	struct shell_resource *r = call->r;
	unsigned long since = jiffies, seen;
	long left;

	do {
		seen = READ_ONCE(r->down_asked_at);
		left = patience(r, since);
		if (!left || wait_event_interruptible_timeout(r->helper_wait,
				smp_load_acquire(&call->done) || READ_ONCE(r->down_asked_at) != seen,
				left) == -ERESTARTSYS)
			break;
	} while (!READ_ONCE(call->done));
	if (smp_load_acquire(&call->done))
		return call->status;
	pr_warn("drbd %s: helper %s %s has not ended after %lu s: going on without it, as if it had failed\n",
		r->core.name, call->event, call->strings.object, (jiffies - since) / HZ);
	return HELPER_GIVEN_UP;
}

/*
 * d NULL: about the connection. The raw wait status, or a negative errno: it did not run. The
 * program runs in a thread of its own. It is waited for no longer than helper_timeout, than a
 * signal to the caller, or than a few seconds after somebody wanted the resource down.
 */
int shell_call_helper(struct shell_resource *r, struct shell_device *d, const char *event)
{
	struct helper_program *call = kzalloc(sizeof(*call), GFP_NOIO);
	int status;

	if (!call)
		return -ENOMEM;
	kref_init(&call->kref);
	kref_get(&r->kref);
	call->r = r;
	call->event = event;
	strings_fill(&call->strings, r, d);
	status = helper_start(call);
	if (!status)
		status = helper_wait(call);
	kref_put(&call->kref, call_free);
	return status;
}

void shell_helpers_give_up(struct shell_resource *r)
{
	/* 0 means never. */
	WRITE_ONCE(r->down_asked_at, jiffies ? jiffies : 1);
	wake_up_all(&r->helper_wait);
}
