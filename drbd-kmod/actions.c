// SPDX-License-Identifier: GPL-2.0
/*
 * actions.c - what fibers ask for and may sleep (core/fiber.h, enum action_kind)
 */
#include "shell.h"

/* A superblock or log block: durable when this returns 0. */
static int md_write(struct shell_device *d, u64 sector, struct page *page)
{
	blk_opf_t opf = REQ_OP_WRITE | REQ_SYNC | REQ_META;

	if (d->core.disk_conf.md_flushes)
		opf |= REQ_PREFLUSH | REQ_FUA;
	return shell_md_io(d, sector, page, opf);
}

static s64 disk_action(struct shell_resource *r, struct shell_device *d, const struct action *a)
{
	switch (a->kind) {
	case ACT_MD_READ:
		return shell_md_io(d, md_superblock_sector(d->core.disk_conf.meta_dev_idx,
							   d->core.meta_sectors),
				   d->md_page, REQ_OP_READ | REQ_SYNC | REQ_META);
	case ACT_MD_WRITE:
		return md_write(d, a->arg ? a->arg : d->core.layout.sb_sector, d->md_page);
	case ACT_AL_WRITE:
		return md_write(d, a->arg, d->al_page);
	case ACT_AL_INIT:
		return shell_al_init(d);
	case ACT_BM_READ:
		return shell_bitmap_read(d);
	case ACT_BM_WRITE:
		return shell_bitmap_write(d);
	case ACT_BM_RESIZE:
		return shell_bitmap_resize(d, a->arg);
	case ACT_AL_RESIZE:
		return shell_al_resize(d, a->arg);
	case ACT_FLUSH:
		return drbd_issue_flush(d->backing.data.bdev);
	case ACT_CLOSE_BACKING:
		shell_backing_close(d);
		return 0;
	default:
		return -EINVAL;
	}
}

s64 shell_perform(struct shell_resource *r, struct task *t)
{
	const struct action *a = &t->action;
	struct shell_device *d = a->device ? shell_of_device(a->device) : NULL;

	switch (a->kind) {
	case ACT_HELPER:
		return shell_call_helper(r, d, t->helper);
	case ACT_NOTIFY:
		shell_notify(r, t->notify);
		return 0;
	case ACT_NET_FREE:
		shell_net_free(r);
		return 0;
	case ACT_LOAD_PEER_INTEGRITY:
		return shell_load_peer_integrity(r);
	case ACT_LOAD_RESYNC_ALGS:
		return shell_load_resync_algs(r);
	case ACT_SEND_STOP:
		shell_senders_stop(r);
		return 0;
	default:
		if (WARN_ON_ONCE(!d))
			return -EINVAL;
		return disk_action(r, d, a);
	}
}
