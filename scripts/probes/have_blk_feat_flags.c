// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
int probe(struct queue_limits *lim);
int probe(struct queue_limits *lim) { return lim->features & (BLK_FEAT_WRITE_CACHE | BLK_FEAT_FUA | BLK_FEAT_STABLE_WRITES); }
