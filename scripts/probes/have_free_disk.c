// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
static void f(struct gendisk *d) { }
const struct block_device_operations probe_ops;
const struct block_device_operations probe_ops = { .free_disk = f };
