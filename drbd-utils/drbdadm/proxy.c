// SPDX-License-Identifier: GPL-2.0
/* proxy.c - connections of drbd-proxy (spec chapter tools.md sections 7.4 and 8, rule 7) */
#include <stdlib.h>
#include <string.h>

#include "drbdadm.h"

static const char *first_name(const struct cfg_proxy *proxy)
{
	return proxy->names ? proxy->names->text : "?";
}

static bool has_proxies(const struct cfg_resource *res)
{
	return res->me && res->peer && res->me->proxy && res->peer->proxy;
}

static char *connection_name(const struct cfg_resource *res)
{
	char *name;

	if (asprintf(&name, "%s-%s-%s", res->name, first_name(res->peer->proxy),
		     first_name(res->me->proxy)) < 0)
		exit(E_EXEC);
	return name;
}

static struct call *control(struct adm *adm, const struct cfg_resource *res)
{
	struct call *call = call_new(adm, TOOL_PROXY, res, TIME_SHORT);

	call_add(call, "-c");
	return call;
}

static struct call *make_add(struct adm *adm, const struct cfg_resource *res)
{
	const struct cfg_proxy *me = res->me->proxy, *peer = res->peer->proxy;
	struct call *call = control(adm, res);

	call_addf(call, "add connection %s %s:%s %s:%s %s:%s %s:%s", connection_name(res),
		  me->inside.addr, me->inside.port, peer->outside.addr, peer->outside.port,
		  me->outside.addr, me->outside.port, res->me->address.addr,
		  res->me->address.port);
	return call;
}

static struct call *make_del(struct adm *adm, const struct cfg_resource *res)
{
	struct call *call = control(adm, res);

	call_addf(call, "del connection %s", connection_name(res));
	return call;
}

/* All settings in one go: each is a -c of its own. */
static struct call *make_settings(struct adm *adm, const struct cfg_resource *res)
{
	const struct cfg_proxy *proxy = res->me->proxy;
	struct call *call = call_new(adm, TOOL_PROXY, res, TIME_SHORT);
	const struct cfg_option *opt;
	const struct cfg_name *plugin;
	int number = 0;

	for (opt = proxy->options.first; opt; opt = opt->next) {
		call_add(call, "-c");
		call_addf(call, "set %s %s %s", opt->name, connection_name(res), opt->value);
	}
	for (plugin = proxy->plugins; plugin; plugin = plugin->next) {
		call_add(call, "-c");
		call_addf(call, "set plugin %s %d %s", connection_name(res), number++,
			  plugin->text);
	}
	if (number) {
		call_add(call, "-c");
		call_addf(call, "set plugin %s %d END", connection_name(res), number);
	}
	return call;
}

static int no_proxy(const struct cfg_resource *res)
{
	fprintf(stderr, "There is no proxy config for host %s in resource '%s'.\n",
		res->me && res->me->names ? res->me->names->text : "?", res->name);
	return E_USAGE;
}

int cmd_proxy_up(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res = subject->res;
	struct call *settings;
	int rc;

	if (!has_proxies(res))
		return no_proxy(res);
	settings = make_settings(adm, res);
	rc = call_run(make_add(adm, res));
	return rc || settings->argc == 1 ? rc : call_run(settings);
}

int cmd_proxy_down(struct adm *adm, const struct subject *subject)
{
	if (!has_proxies(subject->res))
		return no_proxy(subject->res);
	return call_run(make_del(adm, subject->res));
}
