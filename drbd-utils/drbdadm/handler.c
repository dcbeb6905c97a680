// SPDX-License-Identifier: GPL-2.0
/* handler.c - the kernel asks for a handler to be run (spec chapter tools.md section 7.7) */
#include <stdlib.h>
#include <string.h>

#include "drbdadm.h"

static void set_joined(const char *variable, const struct cfg_name *names)
{
	char joined[2048];
	size_t len = 0;

	joined[0] = 0;
	for (; names && len < sizeof(joined); names = names->next)
		len += snprintf(joined + len, sizeof(joined) - len, "%s%s", len ? " " : "",
				names->text);
	setenv(variable, joined, 1);
}

/* With several peers the kernel says which one by its address. */
static const struct cfg_host *peer_of(const struct cfg_resource *res)
{
	const char *family = getenv("DRBD_PEER_AF"), *addr = getenv("DRBD_PEER_ADDRESS");
	const struct cfg_host *host;

	if (res->peer)
		return res->peer;
	for (host = res->hosts; family && addr && host; host = host->next)
		if (host != res->me && host->address.family &&
		    !strcmp(host->address.family, family) && !strcmp(host->address.addr, addr))
			return host;
	return NULL;
}

static void set_peer(const struct cfg_resource *res)
{
	const struct cfg_host *peer = peer_of(res);

	if (!peer)
		return;
	setenv("DRBD_PEER_AF", peer->address.family, 1);
	setenv("DRBD_PEER_ADDRESS", peer->address.addr, 1);
	if (peer->names)
		setenv("DRBD_PEER", peer->names->text, 1);
	set_joined("DRBD_PEERS", peer->names);
}

static void set_minors(const struct cfg_resource *res)
{
	const struct cfg_volume *vol;
	char joined[2048];
	size_t len = 0;

	joined[0] = 0;
	for (vol = res->me->volumes; vol && len < sizeof(joined); vol = vol->next)
		len += snprintf(joined + len, sizeof(joined) - len, "%s%ld", len ? " " : "",
				vol->minor);
	setenv("DRBD_MINOR", joined, 1);
}

static void set_volume(const struct cfg_volume *vol)
{
	char number[32];

	snprintf(number, sizeof(number), "%ld", vol->minor);
	setenv("DRBD_MINOR", number, 1);
	snprintf(number, sizeof(number), "%u", vol->number);
	setenv("DRBD_VOLUME", number, 1);
	if (vol->disk)
		setenv("DRBD_LL_DISK", vol->disk, 1);
}

int cmd_handler(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res = subject->res;
	const char *command = cfg_option_value(&res->section[CFG_HANDLERS], subject->cmd->name);
	const char *shell = adm->tools[TOOL_SETUP];
	struct call *call;

	if (!command)
		return 0;
	setenv("DRBD_RESOURCE", res->name, 1);
	setenv("DRBD_CONF", adm->cfg->canonical, 1);
	if (subject->vol)
		set_volume(subject->vol);
	else
		set_minors(res);
	set_peer(res);

	adm->tools[TOOL_SETUP] = "/bin/sh";
	call = call_new(adm, TOOL_SETUP, res, TIME_LONG);
	adm->tools[TOOL_SETUP] = shell;
	call_add(call, "-c");
	call_add(call, command);
	/* its code is an answer, not a failure */
	call->answers = true;
	return call_run(call);
}
