// SPDX-License-Identifier: GPL-2.0
/*
 * resync_after.c - one resync after the other (resync-after; states.md 6, wire.md 6.11)
 *
 * The chain runs over minors of any resource, whose locks are not held: it is followed over
 * what each device published of itself in device->brief.
 *
 *	bits 0..7 conn, 8..15 disk, 16 paused, 32..63 resync-after
 */
#include "objects.h"
#include "admin.h"
#include "engine.h"

/* A chain is no longer than there are minors; this only guards against a loop made by a race. */
#define CHAIN_MAX 4096

static s32 dependency(const struct drbd_device *device)
{
	return device->has_backing ? device->disk_conf.resync_after : -1;
}

static bool is_paused(struct state s)
{
	return s.user_isp || s.peer_isp || s.aftr_isp;
}

void resync_brief_publish(struct drbd_device *device)
{
	u64 word = device->state.conn | (u64)device->state.disk << 8 |
		   (u64)is_paused(device->state) << 16 | (u64)(u32)dependency(device) << 32;

	*(volatile u64 *)&device->brief = word;
}

void resync_brief_decode(u64 word, struct minor_brief *brief)
{
	brief->conn = word & 0xff;
	brief->disk = (word >> 8) & 0xff;
	brief->paused = (word >> 16) & 1;
	brief->resync_after = (s32)(word >> 32);
}

/* The next one up the chain that counts; false: the chain ends. */
static bool chain_next(s32 minor, struct minor_brief *brief)
{
	return minor >= 0 && env_minor_state(minor, brief) && brief->disk != D_DISKLESS;
}

bool resync_may_run_now(const struct drbd_device *device)
{
	struct minor_brief brief;
	s32 minor = dependency(device);
	u32 steps;

	for (steps = 0; steps < CHAIN_MAX && chain_next(minor, &brief); steps++) {
		if (state_in_resync(brief.conn) || brief.paused)
			return false;
		minor = brief.resync_after;
	}
	return true;
}

bool resync_after_evaluate(struct drbd_device *device)
{
	bool pause = !resync_may_run_now(device);

	if (device->state.conn == C_STANDALONE && device->state.disk == D_DISKLESS)
		return false;
	if (device->state.aftr_isp == pause)
		return false;
	return state_force(device, ST_ARGS(ST_CHANGE_FLAG(ST_AFTR_ISP, pause))) == SS_SUCCESS;
}

void resync_after_changed(struct drbd_resource *resource)
{
	struct drbd_device *device;

	for_each_volume(device, resource)
		resync_brief_publish(device);
	env_resync_after_changed(resource);
}

s32 resync_after_valid(const struct drbd_device *device, s32 minor)
{
	struct minor_brief brief;
	u32 steps;

	if (minor == -1)
		return ERR_NO_ERROR;
	if (minor < -1 || !env_minor_state(minor, &brief))
		return ERR_RESYNC_AFTER;
	for (steps = 0; steps < CHAIN_MAX; steps++) {
		if (minor == (s32)device->minor)
			return ERR_RESYNC_AFTER_CYCLE;
		if (minor < 0 || !env_minor_state(minor, &brief))
			return ERR_NO_ERROR;
		minor = brief.resync_after;
	}
	return ERR_RESYNC_AFTER_CYCLE;
}
