/* SPDX-License-Identifier: GPL-2.0 */
/*
 * address.h - endpoint addresses as netlink carries them (netlink.md 6.1)
 *
 * A raw socket address, compared byte by byte by the kernel, hence zero padded.
 */
#ifndef LIB_ADDRESS_H
#define LIB_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

#define ADDRESS_BYTES_MAX 128
#define ADDRESS_TEXT_MAX 80
#define ADDRESS_DEFAULT_PORT 7788

struct address {
	unsigned char bytes[ADDRESS_BYTES_MAX];
	size_t length;
};

/* [ipv4:|ipv6:|sdp:|ssocks:]HOST[:PORT]; on failure *problem says what is wrong. */
bool address_parse(struct address *address, const char *text, const char **problem);

/* "ipv4 10.1.1.1:7788", "ipv6 [::1]:7788"; something readable for unknown families. */
void address_format(char text[ADDRESS_TEXT_MAX], const void *bytes, size_t length);

/* For exact comparison with text from a configuration: family and bare parts. */
const char *address_family_name(const void *bytes, size_t length);

#endif /* LIB_ADDRESS_H */
