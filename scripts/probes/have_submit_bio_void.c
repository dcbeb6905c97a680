// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
static void s(struct bio *b) { }
const struct block_device_operations probe_ops;
const struct block_device_operations probe_ops = { .submit_bio = s };
