// SPDX-License-Identifier: GPL-2.0
/* make.c - from configuration to command lines (spec chapter tools.md section 7.4) */
#include <stdio.h>
#include <string.h>

#include "drbdadm.h"

#define NO_PEER "N/A"

struct call *make_setup(struct adm *adm, const struct cfg_resource *res, enum time_class time,
			const char *command)
{
	struct call *call = call_new(adm, TOOL_SETUP, res, time);

	call_add(call, command);
	return call;
}

const char *meta_device(const struct cfg_volume *vol)
{
	return strcmp(vol->meta_disk, "internal") ? vol->meta_disk : vol->disk;
}

struct call *make_meta(struct adm *adm, const struct subject *subject, const char *command)
{
	const struct cfg_volume *vol = subject->vol;
	struct call *call = call_new(adm, TOOL_META, subject->res, TIME_LONG);

	call_addf(call, "%ld", vol->minor);
	call_add(call, "v08");
	call_add(call, meta_device(vol));
	call_add(call, strcmp(vol->meta_index, "flexible") ? vol->meta_index : "flex-external");
	call_add(call, command);
	return call;
}

/* A configuration from standard input cannot be found again, nor is a dry run to be. */
static void call_registers(struct call *call, const char *kind, const char *name)
{
	char *link;

	if (call->adm->dry_run || !strcmp(call->adm->cfg->file, "-"))
		return;
	if (asprintf(&link, "drbd-%s-%s.conf", kind, name) >= 0)
		call->registers = link;
}

struct call *make_new_resource(struct adm *adm, const struct cfg_resource *res)
{
	struct call *call = make_setup(adm, res, TIME_SHORT, "new-resource");

	call_add(call, res->name);
	call_add_options(call, &res->section[CFG_OPTIONS]);
	call_registers(call, "resource", res->name);
	return call;
}

struct call *make_new_minor(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_setup(adm, subject->res, TIME_SHORT, "new-minor");

	call_add(call, subject->res->name);
	call_addf(call, "%ld", subject->vol->minor);
	call_registers(call, "minor", call->argv[call->argc - 1]);
	call_addf(call, "%u", subject->vol->number);
	return call;
}

struct call *make_attach(struct adm *adm, const struct subject *subject)
{
	const struct cfg_volume *vol = subject->vol;
	struct call *call = make_setup(adm, subject->res, TIME_MEDIUM, "attach");

	call_addf(call, "%ld", vol->minor);
	call_add(call, vol->disk);
	call_add(call, meta_device(vol));
	call_add(call, vol->meta_index);
	call_add_options(call, &vol->options);
	return call;
}

struct call *make_resize(struct adm *adm, const struct subject *subject)
{
	const char *size = cfg_option_value(&subject->vol->options, "size");
	struct call *call = make_setup(adm, subject->res, TIME_SHORT, "resize");

	call_addf(call, "%ld", subject->vol->minor);
	if (size)
		call_addf(call, "--size=%s", size);
	return call;
}

struct call *make_check_resize(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_setup(adm, subject->res, TIME_SHORT, "check-resize");

	call_addf(call, "%ld", subject->vol->minor);
	return call;
}

void call_add_address(struct call *call, const struct cfg_address *addr)
{
	if (!addr || !addr->family)
		call_add(call, NO_PEER);
	else if (!strcmp(addr->family, "ipv6"))
		call_addf(call, "%s:[%s]:%s", addr->family, addr->addr, addr->port);
	else
		call_addf(call, "%s:%s:%s", addr->family, addr->addr, addr->port);
}

/* with a proxy on this side the kernel talks to the proxy's inside */
void call_add_ends(struct call *call, const struct cfg_host *me, const struct cfg_host *peer)
{
	call_add_address(call, me ? &me->address : NULL);
	if (me && me->proxy)
		call_add_address(call, &me->proxy->inside);
	else
		call_add_address(call, peer ? &peer->address : NULL);
}

struct call *make_connect(struct adm *adm, const struct cfg_resource *res)
{
	struct call *call = make_setup(adm, res, TIME_SHORT, "connect");

	call_add(call, res->name);
	call_add_ends(call, res->me, res->peer);
	if (res->peer && res->me->alt_address.family && res->peer->alt_address.family) {
		call_add(call, "--alternate-address");
		call_add_address(call, &res->me->alt_address);
		call_add(call, "--alternate-peer-address");
		call_add_address(call, &res->peer->alt_address);
	}
	call_add_options(call, &res->section[CFG_NET]);
	return call;
}

struct call *make_disconnect(struct adm *adm, const struct cfg_resource *res,
			     const struct cfg_host *me, const struct cfg_host *peer)
{
	struct call *call = make_setup(adm, res, TIME_SHORT, "disconnect");

	call_add_ends(call, me, peer);
	return call;
}
