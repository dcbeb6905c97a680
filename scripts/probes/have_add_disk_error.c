// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
int probe(struct gendisk *d);
int probe(struct gendisk *d) { return add_disk(d); }
