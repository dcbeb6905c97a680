// SPDX-License-Identifier: GPL-2.0
/* Calling the user mode helper (netlink.md 7). */
#include "engine.h"

/* The host gives a wait status; not having been run counts as success. */
static s32 exit_code(s64 wait_status)
{
	return wait_status < 0 ? 0 : (s32)((wait_status >> 8) & 0xff);
}

static void call_log(const struct drbd_resource *resource, const struct drbd_device *device,
		     enum log_level level, const char *event, const char *what, s32 number)
{
	if (device)
		env_log_device(device, level, "helper %s %s%d", event, what, number);
	else
		env_log_connection(&resource->connection, level, "helper %s %s%d", event, what,
				   number);
}

static void end_log(const struct drbd_resource *resource, const struct drbd_device *device,
		    const char *event, s64 wait_status)
{
	s32 code = exit_code(wait_status), signal = (s32)(wait_status & 0x7f);

	if (wait_status < 0)
		call_log(resource, device, LOG_LVL_WARN, event,
			 "could not be run; set the module's usermode_helper: error ",
			 (s32)wait_status);
	else if (signal)
		call_log(resource, device, LOG_LVL_WARN, event, "was killed by signal ", signal);
	else
		call_log(resource, device, code ? LOG_LVL_WARN : LOG_LVL_INFO, event,
			 "ended with exit code ", code);
}

enum fiber_status helper_run(struct task *t, struct drbd_resource *resource,
			     struct drbd_device *device, const char *event,
			     struct helper_call *call)
{
	FIBER_BEGIN(call->pc);
	/* What the program looks up on disk must be what we believe. */
	for (call->walk = device ? device : volume_next(resource, NULL); call->walk;
	     call->walk = device ? NULL : volume_next(resource, call->walk))
		FIBER_CALL(call->pc, device_md_sync(t, call->walk, &call->md, false));

	memset(&call->note, 0, sizeof(call->note));
	call->note.kind = NOTIFY_HELPER_CALL;
	call->note.resource = resource;
	call->note.device = device;
	call->note.helper = event;
	t->notify = &call->note;
	FIBER_DO(call->pc, t, ACT_NOTIFY, device, 0);

	if (device)
		env_log_device(device, LOG_LVL_INFO, "helper %s called", call->note.helper);
	else
		env_log_connection(&resource->connection, LOG_LVL_INFO, "helper %s called",
				   call->note.helper);
	t->helper = call->note.helper;
	FIBER_DO(call->pc, t, ACT_HELPER, device, 0);
	call->status = exit_code(t->result);
	call->note.helper_status = (s32)t->result;
	end_log(resource, device, call->note.helper, t->result);

	call->note.kind = NOTIFY_HELPER_RESPONSE;
	t->notify = &call->note;
	FIBER_DO(call->pc, t, ACT_NOTIFY, device, 0);
	FIBER_END(call->pc);
}
