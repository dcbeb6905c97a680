// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
unsigned int probe(struct block_device *b);
unsigned int probe(struct block_device *b) { return bdev_max_discard_sectors(b) + bdev_discard_granularity(b); }
