// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
struct bio *probe(struct block_device *b, struct bio *s, struct bio_set *bs);
struct bio *probe(struct block_device *b, struct bio *s, struct bio_set *bs) { return bio_alloc_clone(b, s, GFP_NOIO, bs); }
