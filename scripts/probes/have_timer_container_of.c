// SPDX-License-Identifier: GPL-2.0
#include <linux/timer.h>
struct p { struct timer_list t; };
struct p *probe(struct timer_list *x);
struct p *probe(struct timer_list *x) { struct p *p = timer_container_of(p, x, t); timer_delete_sync(x); return p; }
