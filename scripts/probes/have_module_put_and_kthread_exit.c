// SPDX-License-Identifier: GPL-2.0
#include <linux/module.h>
void probe(void);
void probe(void) { module_put_and_kthread_exit(0); }
