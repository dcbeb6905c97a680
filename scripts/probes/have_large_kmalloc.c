// SPDX-License-Identifier: GPL-2.0
#include <linux/mm.h>
bool probe(struct page *p);
bool probe(struct page *p) { return folio_test_large_kmalloc(page_folio(p)); }
