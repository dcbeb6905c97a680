/* SPDX-License-Identifier: GPL-2.0 */
/*
 * transport.h - raw datagrams to and from generic netlink
 *
 * The one seam between the tools and the kernel: the program links transport.c
 * (a netlink socket), the tests link a transport that plays recorded datagrams.
 * One socket per process.  Errors are negative errno values.
 */
#ifndef LIB_TRANSPORT_H
#define LIB_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

int transport_open(void);
uint32_t transport_port(void);
int transport_send(const void *datagram, size_t length);
/* Join a multicast group of any generic netlink family by its number. */
int transport_join(uint32_t group);

/*
 * The next datagram that the kernel sent; others are dropped.  Returns its
 * length, 0 when timeout_ms passed (negative: never), or -errno; the buffer is
 * valid until the next call.  -ENOBUFS: multicasts were lost.  -EPIPE: the
 * reader of our standard output is gone (only while waiting for ever).
 */
int transport_receive(void **datagram, int timeout_ms);

#endif /* LIB_TRANSPORT_H */
