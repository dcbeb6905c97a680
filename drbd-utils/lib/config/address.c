// SPDX-License-Identifier: GPL-2.0
/* address.c - which addresses are this machine's own */
#include <arpa/inet.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>

#include "parser.h"

bool address_is_loopback(const struct cfg_address *addr)
{
	struct in6_addr six;

	if (strcmp(addr->family, "ipv6"))
		return !strncmp(addr->addr, "127.", 4);
	return inet_pton(AF_INET6, addr->addr, &six) == 1 && IN6_IS_ADDR_LOOPBACK(&six);
}

static bool same_address(const struct sockaddr *have, int family, const void *wanted)
{
	if (have->sa_family != family)
		return false;
	if (family == AF_INET)
		return !memcmp(&((const struct sockaddr_in *)have)->sin_addr, wanted,
			       sizeof(struct in_addr));
	return !memcmp(&((const struct sockaddr_in6 *)have)->sin6_addr, wanted,
		       sizeof(struct in6_addr));
}

bool address_is_local(const struct cfg_address *addr)
{
	unsigned char wanted[sizeof(struct in6_addr)];
	char text[INET6_ADDRSTRLEN + 1];
	struct ifaddrs *list, *ifa;
	bool found = false;
	int family;

	if (!strcmp(addr->family, "ipv6"))
		family = AF_INET6;
	else if (!strcmp(addr->family, "ipv4"))
		family = AF_INET;
	else
		return true;

	/* the scope behind % says which interface, not which address */
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(addr->addr, "%"), addr->addr);
	if (inet_pton(family, text, wanted) != 1 || getifaddrs(&list))
		return false;
	for (ifa = list; ifa && !found; ifa = ifa->ifa_next)
		found = ifa->ifa_addr && (ifa->ifa_flags & IFF_UP) &&
			same_address(ifa->ifa_addr, family, wanted);
	freeifaddrs(list);
	return found;
}

int config_check_address(struct config *cfg, const struct cfg_resource *res)
{
	const struct cfg_address *addr;

	if (cfg->global.disable_ip_verification || res->ignored || !res->me)
		return 0;
	addr = &res->me->address;
	if (!addr->family || address_is_local(addr))
		return 0;
	cfg_problem(cfg, addr->place, "in resource %s, on %s:\n\tIP %s not found on this host.\n"
		    "\tAdd the address to an interface that is up, or correct the file "
		    "('ip addr' lists what this host has).",
		    res->name, res->me->names ? res->me->names->text : "?", addr->addr);
	return CFG_EXIT_INVALID;
}
