// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
struct gendisk *probe(struct bio *b);
struct gendisk *probe(struct bio *b) { return b->bi_bdev->bd_disk; }
