// SPDX-License-Identifier: GPL-2.0
/*
 * usermode.c - run the helper program (netlink.md 7)
 */
#include <linux/in.h>
#include <linux/in6.h>
#include <linux/kmod.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/umh.h>
#include "shell.h"

#define PROGRAM_SIZE 80

static char usermode_helper[PROGRAM_SIZE] = "/sbin/drbdadm";
module_param_string(usermode_helper, usermode_helper, sizeof(usermode_helper), 0644);
MODULE_PARM_DESC(usermode_helper, "Program that is called for handlers");

struct helper_strings {
	char program[PROGRAM_SIZE];
	char object[sizeof_field(struct drbd_resource, name)];
	char family[32];
	char address[64];
};

/* Both stay empty while no addresses are configured. */
static void peer_strings(struct helper_strings *s, const struct sockaddr_storage *peer)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)peer;
	const struct sockaddr_in *in = (const struct sockaddr_in *)peer;

	if (peer->ss_family == AF_INET6) {
		strscpy(s->family, "DRBD_PEER_AF=ipv6", sizeof(s->family));
		snprintf(s->address, sizeof(s->address), "DRBD_PEER_ADDRESS=%pI6", &in6->sin6_addr);
		return;
	}
	snprintf(s->family, sizeof(s->family), "DRBD_PEER_AF=%s",
		 peer->ss_family == AF_INET ? "ipv4" : "ssocks");
	snprintf(s->address, sizeof(s->address), "DRBD_PEER_ADDRESS=%pI4", &in->sin_addr);
}

static void strings_fill(struct helper_strings *s, struct shell_resource *r, struct shell_device *d)
{
	kernel_param_lock(THIS_MODULE);
	strscpy(s->program, usermode_helper, sizeof(s->program));
	kernel_param_unlock(THIS_MODULE);

	drbd_lock(r);
	if (d)
		snprintf(s->object, sizeof(s->object), "minor-%u", d->core.minor);
	else
		strscpy(s->object, r->core.name, sizeof(s->object));
	if (r->core.connection.configured)
		peer_strings(s, &r->conn.peer_addr);
	drbd_unlock(r);
}

static int program_run(struct helper_strings *s, const char *event)
{
	char *argv[] = { s->program, (char *)event, s->object, NULL };
	char *envp[] = {
		"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin",
		s->family, s->address, NULL
	};

	return call_usermodehelper(s->program, argv, envp, UMH_WAIT_PROC);
}

/* d NULL: about the connection. The raw wait status, or a negative errno: it did not run. */
int shell_call_helper(struct shell_resource *r, struct shell_device *d, const char *event)
{
	struct helper_strings *s = kzalloc(sizeof(*s), GFP_NOIO);
	int status;

	if (!s)
		return -ENOMEM;
	strings_fill(s, r, d);
	status = program_run(s, event);
	kfree(s);
	return status;
}
