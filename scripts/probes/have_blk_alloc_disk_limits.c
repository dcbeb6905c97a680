// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
struct gendisk *probe(struct queue_limits *lim);
struct gendisk *probe(struct queue_limits *lim) { return blk_alloc_disk(lim, 0); }
