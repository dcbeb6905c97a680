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

static struct call *make_set(struct adm *adm, const struct cfg_resource *res,
			     const struct cfg_option *opt)
{
	struct call *call = control(adm, res);

	call_addf(call, "set %s %s %s", opt->name, connection_name(res), opt->value);
	return call;
}

static struct call *make_plugin(struct adm *adm, const struct cfg_resource *res, int number,
				const char *text)
{
	struct call *call = control(adm, res);

	call_addf(call, "set plugin %s %d %s", connection_name(res), number, text);
	return call;
}

/* all calls that build the connection, in order; @use takes each one */
static int each_up_call(struct adm *adm, const struct cfg_resource *res,
			int (*use)(struct adm *, const struct cfg_resource *, struct call *))
{
	const struct cfg_option *opt;
	const struct cfg_name *plugin;
	int rc = use(adm, res, make_add(adm, res)), number = 0;

	for (opt = res->section[CFG_PROXY].first; opt && !rc; opt = opt->next)
		rc = use(adm, res, make_set(adm, res, opt));
	for (opt = res->me->proxy->options.first; opt && !rc; opt = opt->next)
		rc = use(adm, res, make_set(adm, res, opt));
	for (plugin = res->plugins; plugin && !rc; plugin = plugin->next)
		rc = use(adm, res, make_plugin(adm, res, number++, plugin->text));
	return rc;
}

static int use_now(struct adm *adm, const struct cfg_resource *res, struct call *call)
{
	(void)adm;
	(void)res;
	return call_run(call);
}

static int use_later(struct adm *adm, const struct cfg_resource *res, struct call *call)
{
	task_add(adm, res, STAGE_PREPARE_NET, call, NULL, true);
	return 0;
}

static int no_proxy(const struct cfg_resource *res)
{
	fprintf(stderr, "There is no proxy config for host %s in resource '%s'.\n",
		res->me && res->me->names ? res->me->names->text : "?", res->name);
	return E_USAGE;
}

int cmd_proxy_up(struct adm *adm, const struct subject *subject)
{
	if (!has_proxies(subject->res))
		return no_proxy(subject->res);
	return each_up_call(adm, subject->res, use_now);
}

int cmd_proxy_down(struct adm *adm, const struct subject *subject)
{
	if (!has_proxies(subject->res))
		return no_proxy(subject->res);
	return call_run(make_del(adm, subject->res));
}

/* Only the host that runs the proxy can control it. */
void proxy_tasks_up(struct adm *adm, const struct cfg_resource *res)
{
	if (has_proxies(res) && cfg_names_contain(res->me->proxy->names, adm->node_name))
		each_up_call(adm, res, use_later);
}
