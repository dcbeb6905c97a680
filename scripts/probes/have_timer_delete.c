// SPDX-License-Identifier: GPL-2.0
#include <linux/timer.h>
int probe(struct timer_list *x);
int probe(struct timer_list *x) { return timer_delete(x); }
