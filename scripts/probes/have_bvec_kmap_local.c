// SPDX-License-Identifier: GPL-2.0
#include <linux/bvec.h>
void *probe(struct bio_vec *v);
void *probe(struct bio_vec *v) { return bvec_kmap_local(v); }
