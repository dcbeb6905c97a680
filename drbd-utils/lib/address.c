// SPDX-License-Identifier: GPL-2.0
/*
 * address.c - endpoint addresses (see address.h)
 */
#include "address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FAMILY_SDP 27 /* not in the C library */

static const char *const ssocks_files[] = {
	"/proc/net/af_ssocks/family",
	"/proc/net/af_sci/family",
};

/* The family number of ssocks is chosen when its module loads; 0: not loaded. */
static int loaded_ssocks_family(void)
{
	size_t i;

	for (i = 0; i < sizeof(ssocks_files) / sizeof(ssocks_files[0]); i++) {
		FILE *file = fopen(ssocks_files[i], "r");
		int family = 0;

		if (!file)
			continue;
		if (fscanf(file, "%d", &family) != 1)
			family = 0;
		fclose(file);
		if (family > 0)
			return family;
	}
	return 0;
}

static int ssocks_family(void)
{
	int family = loaded_ssocks_family();

	return family ? family : FAMILY_SDP;
}

static int split_family(const char **text)
{
	static const struct {
		const char *prefix;
		int family;
	} prefixes[] = {
		{ "ipv4:", AF_INET },
		{ "ipv6:", AF_INET6 },
		{ "sdp:", FAMILY_SDP },
		{ "ssocks:", 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		size_t length = strlen(prefixes[i].prefix);

		if (!strncmp(*text, prefixes[i].prefix, length)) {
			*text += length;
			return prefixes[i].family ? prefixes[i].family : ssocks_family();
		}
	}
	return AF_INET;
}

/* Cut "HOST:PORT" or "[HOST]:PORT" in place. */
static bool split_port(char *text, char **host, unsigned int *port, const char **problem)
{
	char *colon, *end;

	*port = ADDRESS_DEFAULT_PORT;
	*host = text;
	if (*text == '[') {
		*host = text + 1;
		end = strchr(text, ']');
		if (!end) {
			*problem = "the closing ']' is missing";
			return false;
		}
		*end = '\0';
		colon = end[1] == ':' ? end + 1 : NULL;
		if (end[1] && !colon) {
			*problem = "only ':PORT' may follow ']'";
			return false;
		}
	} else {
		colon = strrchr(text, ':');
	}
	if (!colon)
		return true;
	*colon = '\0';
	*port = strtoul(colon + 1, &end, 10);
	if (end == colon + 1 || *end || *port == 0 || *port > 65535) {
		*problem = "the port must be a number from 1 to 65535";
		return false;
	}
	return true;
}

static bool fill_ipv4_like(struct address *address, int family, const struct in_addr *in,
			   unsigned int port)
{
	struct sockaddr_in sin = { .sin_port = htons(port), .sin_addr = *in };

	sin.sin_family = family;
	memcpy(address->bytes, &sin, sizeof(sin));
	address->length = sizeof(sin);
	return true;
}

static bool fill_ipv6(struct address *address, const struct sockaddr_in6 *from, unsigned int port)
{
	struct sockaddr_in6 sin6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = from->sin6_addr,
		.sin6_scope_id = from->sin6_scope_id,
	};

	memcpy(address->bytes, &sin6, sizeof(sin6));
	address->length = sizeof(sin6);
	return true;
}

bool address_parse(struct address *address, const char *text, const char **problem)
{
	int family = split_family(&text);
	struct addrinfo hints = {
		.ai_family = family == AF_INET6 ? AF_INET6 : AF_INET,
		.ai_socktype = SOCK_STREAM,
	};
	struct addrinfo *found;
	char copy[256], *host;
	unsigned int port;
	int err;

	memset(address, 0, sizeof(*address));
	if (snprintf(copy, sizeof(copy), "%s", text) >= (int)sizeof(copy)) {
		*problem = "it is too long";
		return false;
	}
	if (!split_port(copy, &host, &port, problem))
		return false;
	err = getaddrinfo(host, NULL, &hints, &found);
	if (err) {
		*problem = gai_strerror(err);
		return false;
	}
	if (hints.ai_family == AF_INET6)
		fill_ipv6(address, (const struct sockaddr_in6 *)found->ai_addr, port);
	else
		fill_ipv4_like(address, family,
			       &((const struct sockaddr_in *)found->ai_addr)->sin_addr, port);
	freeaddrinfo(found);
	return true;
}

const char *address_family_name(const void *bytes, size_t length)
{
	uint16_t family = 0;

	if (length >= sizeof(family))
		memcpy(&family, bytes, sizeof(family));
	if (family == AF_INET)
		return "ipv4";
	if (family == AF_INET6)
		return "ipv6";
	if (family == ssocks_family() && loaded_ssocks_family())
		return "ssocks";
	return family == FAMILY_SDP ? "sdp" : "unknown";
}

void address_format(char text[ADDRESS_TEXT_MAX], const void *bytes, size_t length)
{
	const char *family = address_family_name(bytes, length);
	char host[INET6_ADDRSTRLEN];

	if (!strcmp(family, "ipv6") && length >= sizeof(struct sockaddr_in6)) {
		struct sockaddr_in6 sin6;

		memcpy(&sin6, bytes, sizeof(sin6));
		inet_ntop(AF_INET6, &sin6.sin6_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT_MAX, "ipv6 [%s]:%u", host, ntohs(sin6.sin6_port));
	} else if (strcmp(family, "unknown") && length >= sizeof(struct sockaddr_in)) {
		struct sockaddr_in sin;

		memcpy(&sin, bytes, sizeof(sin));
		inet_ntop(AF_INET, &sin.sin_addr, host, sizeof(host));
		snprintf(text, ADDRESS_TEXT_MAX, "%s %s:%u", family, host, ntohs(sin.sin_port));
	} else {
		snprintf(text, ADDRESS_TEXT_MAX, "unknown address of %zu bytes", length);
	}
}
