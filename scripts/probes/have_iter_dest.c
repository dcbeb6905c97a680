// SPDX-License-Identifier: GPL-2.0
#include <linux/uio.h>
void probe(struct iov_iter *i, struct bio_vec *v);
void probe(struct iov_iter *i, struct bio_vec *v) { iov_iter_bvec(i, ITER_DEST, v, 1, 1); iov_iter_bvec(i, ITER_SOURCE, v, 1, 1); }
