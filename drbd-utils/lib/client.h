/* SPDX-License-Identifier: GPL-2.0 */
/*
 * client.h - one conversation with the kernel (netlink.md 1.2, 3.5, 5)
 *
 * client_open() finds the family and checks its version; a request is sent and
 * its records are fetched one by one.  One conversation per process.
 */
#ifndef LIB_CLIENT_H
#define LIB_CLIENT_H

#include "message.h"

#define CLIENT_TIMEOUT_MS (120 * 1000)

enum client_open_result {
	CLIENT_OK,
	CLIENT_NO_SOCKET, /* netlink itself is not usable */
	CLIENT_NO_FAMILY, /* no module, or another network namespace */
	CLIENT_API_MISMATCH, /* another version of the interface */
};

enum client_open_result client_open(void);
/* Multicasts of the family; and the controller's, to notice that it is unloaded. */
int client_join_events(void);

int client_send(struct request *request);

/*
 * The next record: 1, 0 when timeout_ms passed (negative: never), -errno.  It
 * is valid until the next call.  Replies to an older request are dropped,
 * multicasts are delivered once client_join_events() was called.
 */
int client_receive(struct record *record, int timeout_ms);

/* True for the controller's notice that the family is gone. */
bool client_family_gone(const struct record *record);

#endif /* LIB_CLIENT_H */
