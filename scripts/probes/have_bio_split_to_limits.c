// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
struct bio *probe(struct bio *b);
struct bio *probe(struct bio *b) { return bio_split_to_limits(b); }
