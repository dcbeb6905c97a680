// SPDX-License-Identifier: GPL-2.0
#include <linux/net.h>
int probe(struct socket *s, struct sockaddr_unsized *a);
int probe(struct socket *s, struct sockaddr_unsized *a) { return kernel_bind(s, a, 4); }
