// SPDX-License-Identifier: GPL-2.0
#include <linux/bio.h>
void probe(struct bio *b, struct block_device *d, struct bio_vec *v);
void probe(struct bio *b, struct block_device *d, struct bio_vec *v) { bio_init(b, d, v, 1, REQ_OP_READ); }
