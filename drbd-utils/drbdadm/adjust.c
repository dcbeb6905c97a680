// SPDX-License-Identifier: GPL-2.0
/*
 * adjust.c - what must be called so that the kernel follows the configuration
 *
 * Spec chapter tools.md section 8.  "running" is what drbdsetup show printed.
 * The index of external metadata is compared, too, and all surplus volumes are
 * removed at once.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "drbdadm.h"

/* In which context an option is compared: size and max-bio-bvecs have calls of their own. */
static bool compared_separately(enum cfg_section section, const char *name)
{
	return section == CFG_DISK && (!strcmp(name, "size") || !strcmp(name, "max-bio-bvecs"));
}

static bool is_default(enum cfg_section section, const char *name, const char *value)
{
	char buf[32];
	const char *def = cfg_option_default(section, name, buf, sizeof(buf));

	return def && cfg_values_equal(section, name, value, def);
}

/* an absent value stands for the default */
static bool value_differs(enum cfg_section section, const char *name, const char *a, const char *b)
{
	if (a && b)
		return !cfg_values_equal(section, name, a, b);
	if (!a && !b)
		return false;
	return !is_default(section, name, a ? a : b);
}

static void explain(const struct adm *adm, const struct cfg_resource *res, const char *name,
		    const char *running, const char *wanted)
{
	if (adm->verbose > 2)
		fprintf(stderr, "%s: %s: running '%s', configured '%s'\n", res->name, name,
			running ? running : "(default)", wanted ? wanted : "(default)");
}

static bool options_differ(const struct adm *adm, const struct cfg_resource *res,
			   enum cfg_section section, const struct cfg_options *running,
			   const struct cfg_options *wanted)
{
	const struct cfg_options *lists[2] = { running, wanted };
	const struct cfg_option *opt;
	const char *is, *should;
	bool differ = false;
	int i;

	for (i = 0; i < 2; i++) {
		for (opt = lists[i]->first; opt; opt = opt->next) {
			if (compared_separately(section, opt->name))
				continue;
			is = cfg_option_value(running, opt->name);
			should = cfg_option_value(wanted, opt->name);
			if (!value_differs(section, opt->name, is, should))
				continue;
			explain(adm, res, opt->name, is, should);
			differ = true;
		}
	}
	return differ;
}

static void add_options(struct call *call, enum cfg_section section,
			const struct cfg_options *list)
{
	const struct cfg_option *opt;

	call_add(call, "--set-defaults");
	for (opt = list->first; opt; opt = opt->next)
		if (!compared_separately(section, opt->name))
			call_addf(call, "--%s=%s", opt->name, opt->value);
}

/* volumes */

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : !a && !b;
}

static bool disk_equal(const struct cfg_volume *running, const struct cfg_volume *wanted)
{
	unsigned long a, b;

	if (!same_text(running->disk, wanted->disk))
		return false;
	if (!running->disk)
		return true;
	if (!running->meta_disk || !wanted->meta_disk ||
	    strcmp(running->meta_disk, wanted->meta_disk))
		return false;
	if (!strcmp(running->meta_index, wanted->meta_index))
		return true;
	/* slot numbers may be spelled differently */
	a = strtoul(running->meta_index, NULL, 10);
	b = strtoul(wanted->meta_index, NULL, 10);
	return strspn(running->meta_index, "0123456789") &&
	       strspn(wanted->meta_index, "0123456789") && a == b;
}

static struct call *minor_call(struct adm *adm, const struct cfg_resource *res, long minor,
			       const char *command)
{
	struct call *call = make_setup(adm, res, TIME_MEDIUM, command);

	call_addf(call, "%ld", minor);
	return call;
}

static void add_detach(struct adm *adm, const struct cfg_resource *res,
		       const struct cfg_volume *running)
{
	if (running->disk)
		task_add(adm, res, STAGE_CREATE, minor_call(adm, res, running->minor, "detach"),
			 NULL, true);
}

static void add_removal(struct adm *adm, const struct cfg_resource *res,
			const struct cfg_volume *running)
{
	add_detach(adm, res, running);
	task_add(adm, res, STAGE_CREATE, minor_call(adm, res, running->minor, "del-minor"), NULL,
		 true);
}

static void add_attach(struct adm *adm, const struct subject *subject)
{
	struct call *attach;

	if (!subject->vol->disk)
		return;
	attach = make_attach(adm, subject);
	call_add_extra(attach);
	task_add(adm, subject->res, STAGE_DISK, make_meta(adm, subject, "apply-al"), attach, true);
}

static void add_creation(struct adm *adm, const struct subject *subject)
{
	task_add(adm, subject->res, STAGE_PREPARE_DISK, make_new_minor(adm, subject), NULL, true);
	add_attach(adm, subject);
}

static void adjust_attached(struct adm *adm, const struct subject *subject,
			    const struct cfg_volume *running)
{
	const struct cfg_options *is = &running->options, *should = &subject->vol->options;
	struct call *call;

	if (options_differ(adm, subject->res, CFG_DISK, is, should)) {
		call = minor_call(adm, subject->res, subject->vol->minor, "disk-options");
		add_options(call, CFG_DISK, should);
		task_add(adm, subject->res, STAGE_DISK, call, NULL, true);
	}
	if (value_differs(CFG_DISK, "size", cfg_option_value(is, "size"),
			  cfg_option_value(should, "size")))
		task_add(adm, subject->res, STAGE_DISK, make_resize(adm, subject),
			 make_check_resize(adm, subject), false);
}

static void adjust_volume(struct adm *adm, const struct subject *subject,
			  const struct cfg_volume *running)
{
	const struct cfg_volume *vol = subject->vol;
	static const char bvecs[] = "max-bio-bvecs";

	if (running->minor != vol->minor) {
		add_removal(adm, subject->res, running);
		add_creation(adm, subject);
		return;
	}
	if (!disk_equal(running, vol) ||
	    (running->disk && value_differs(CFG_DISK, bvecs,
					    cfg_option_value(&running->options, bvecs),
					    cfg_option_value(&vol->options, bvecs)))) {
		explain(adm, subject->res, "disk", running->disk, vol->disk);
		add_detach(adm, subject->res, running);
		add_attach(adm, subject);
		return;
	}
	if (vol->disk)
		adjust_attached(adm, subject, running);
}

/* ascending numbers over both lists, as the order of calls is visible */
static void adjust_volumes(struct adm *adm, const struct subject *subject,
			   const struct cfg_host *running_me)
{
	struct cfg_volume *wanted = subject->res->me->volumes;
	struct cfg_volume *running = running_me ? running_me->volumes : NULL;
	struct subject one = *subject;

	while (wanted || running) {
		one.vol = wanted;
		if (!wanted || (running && running->number < wanted->number)) {
			add_removal(adm, subject->res, running);
			running = running->next;
		} else if (!running || wanted->number < running->number) {
			add_creation(adm, &one);
			wanted = wanted->next;
		} else {
			adjust_volume(adm, &one, running);
			running = running->next;
			wanted = wanted->next;
		}
	}
}

/* the network */

static bool binary_equal(const struct cfg_address *a, const struct cfg_address *b)
{
	int family = !strcmp(a->family, "ipv6") ? AF_INET6 : AF_INET;
	unsigned char x[16] = { 0 }, y[16] = { 0 };

	if (inet_pton(family, a->addr, x) != 1 || inet_pton(family, b->addr, y) != 1)
		return !strcmp(a->addr, b->addr);
	return !memcmp(x, y, sizeof(x));
}

static bool address_equal(const struct cfg_address *a, const struct cfg_address *b)
{
	if (!a || !b || !a->family || !b->family)
		return (!a || !a->family) && (!b || !b->family);
	if (strcmp(a->family, b->family) || strcmp(a->port, b->port))
		return false;
	if (!strcmp(a->family, "ipv4") || !strcmp(a->family, "ipv6"))
		return binary_equal(a, b);
	return !strcmp(a->addr, b->addr);
}

/* what the kernel is told to connect to */
static const struct cfg_address *far_end(const struct cfg_resource *res)
{
	if (res->me->proxy)
		return &res->me->proxy->inside;
	return res->peer ? &res->peer->address : NULL;
}

static int adjust_net(struct adm *adm, const struct cfg_resource *res,
		       const struct cfg_resource *running, const struct cfg_host *running_me,
		       const struct cfg_host *running_peer)
{
	const struct cfg_options *should = &res->section[CFG_NET];
	struct call *call, *connect;

	if (!address_equal(running_me ? &running_me->address : NULL, &res->me->address) ||
	    !address_equal(running_peer ? &running_peer->address : NULL, far_end(res))) {
		if (running_peer || (running && running->net_present))
			task_add(adm, res, STAGE_PREPARE_NET,
				 make_disconnect(adm, res, running_me, running_peer), NULL, true);
		if (!far_end(res) && !adm->dry_run)
			return E_USAGE;
		connect = make_connect(adm, res);
		call_add_extra(connect);
		task_add(adm, res, STAGE_NET, connect, NULL, true);
		return 0;
	}
	if (!options_differ(adm, res, CFG_NET, &running->section[CFG_NET], should))
		return 0;
	call = make_setup(adm, res, TIME_SHORT, "net-options");
	call_add_ends(call, res->me, res->peer);
	add_options(call, CFG_NET, should);
	task_add(adm, res, STAGE_NET, call, NULL, true);
	return 0;
}

static void adjust_resource_options(struct adm *adm, const struct cfg_resource *res,
				    const struct cfg_resource *running)
{
	const struct cfg_options *should = &res->section[CFG_OPTIONS];
	struct call *call;

	if (!options_differ(adm, res, CFG_OPTIONS, &running->section[CFG_OPTIONS], should))
		return;
	call = make_setup(adm, res, TIME_SHORT, "resource-options");
	call_add(call, res->name);
	add_options(call, CFG_OPTIONS, should);
	task_add(adm, res, STAGE_RESOURCE, call, NULL, true);
}

/*
 * drbdsetup prints the name as it is; one that is a keyword or a number would
 * not be understood as a name.  True when @call shows @res, then parsed into @running.
 */
static bool parse_shown(const struct call *call, const struct cfg_resource *res,
			struct config *running)
{
	char *heading, *text;
	bool ok = false;
	size_t len;
	int size;

	if (asprintf(&heading, "resource %s {", res->name) < 0)
		exit(E_EXEC);
	len = strlen(heading);
	if (call->output_len >= len && !memcmp(call->output, heading, len)) {
		size = asprintf(&text, "resource \"shown\" {%s", call->output + len);
		if (size < 0)
			exit(E_EXEC);
		ok = !config_parse_show(running, text, size);
		free(text);
	}
	free(heading);
	return ok;
}

/* NULL when the resource is not running, or the answer makes no sense */
static struct cfg_resource *ask_kernel(struct adm *adm, const struct cfg_resource *res)
{
	struct call *call = make_setup(adm, res, TIME_SHORT, "show");
	struct config *running;

	call_add(call, res->name);
	call->want_output = true;
	call->quiet = true;
	call->runs_in_dry_run = true;
	if (call_run(call) || !call->output_len)
		return NULL;
	running = config_new(adm->node_name, stderr);
	if (!parse_shown(call, res, running)) {
		fprintf(stderr, "The output of '%s show %s' cannot be understood; taking the resource "
			"as not running.\n", adm->tools[TOOL_SETUP], res->name);
		return NULL;
	}
	return running->resources;
}

static const struct cfg_host *host_of_kind(const struct cfg_resource *running,
					   enum cfg_host_kind kind)
{
	const struct cfg_host *host;

	for (host = running ? running->hosts : NULL; host; host = host->next)
		if (host->kind == kind)
			return host;
	return NULL;
}

int cmd_adjust(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res = subject->res;
	const struct cfg_resource *running = ask_kernel(adm, res);
	const struct cfg_host *me = host_of_kind(running, CFG_HOST_THIS);
	const struct cfg_host *peer = host_of_kind(running, CFG_HOST_REMOTE);

	if (!running)
		task_add(adm, res, STAGE_CREATE, make_new_resource(adm, res), NULL, true);
	else
		adjust_resource_options(adm, res, running);
	adjust_volumes(adm, subject, me);
	return adjust_net(adm, res, running, me, peer);
}
