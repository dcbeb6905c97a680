// SPDX-License-Identifier: GPL-2.0
#include <linux/highmem.h>
void probe(struct page *p);
void probe(struct page *p) { kunmap_local(kmap_local_page(p)); }
