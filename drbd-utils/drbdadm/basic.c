// SPDX-License-Identifier: GPL-2.0
/* basic.c - commands that are one or two calls */
#include <string.h>
#include <stdlib.h>

#include "drbdadm.h"

static struct call *extended(struct call *call)
{
	call_add_extra(call);
	return call;
}

static int run_extended(struct call *call)
{
	return call_run(extended(call));
}

static struct call *minor_call(struct adm *adm, const struct subject *subject,
			       enum time_class time, const char *command)
{
	struct call *call = make_setup(adm, subject->res, time, command);

	call_addf(call, "%ld", subject->vol->minor);
	return call;
}

int cmd_on_minor(struct adm *adm, const struct subject *subject)
{
	return run_extended(minor_call(adm, subject, TIME_MEDIUM, subject->cmd->name));
}

int cmd_on_minor_short(struct adm *adm, const struct subject *subject)
{
	return run_extended(minor_call(adm, subject, TIME_SHORT, subject->cmd->name));
}

int cmd_detach(struct adm *adm, const struct subject *subject)
{
	return cmd_on_minor(adm, subject);
}

int cmd_disk_options(struct adm *adm, const struct subject *subject)
{
	return cmd_on_minor(adm, subject);
}

int cmd_attach(struct adm *adm, const struct subject *subject)
{
	struct call *attach = make_attach(adm, subject);
	int rc = call_run(make_meta(adm, subject, "apply-al"));

	if (rc == E_USAGE)
		fprintf(stderr, "'%s' was not attached. If it never had metadata, create it with "
			"'drbdadm create-md %s'.\n", subject->vol->disk, subject->res->name);
	return rc ? rc : run_extended(attach);
}

static int no_peer(const struct adm *adm, const struct cfg_resource *res)
{
	return res->peer || (res->me && res->me->proxy) || adm->dry_run ? 0 : E_EXEC;
}

int cmd_connect(struct adm *adm, const struct subject *subject)
{
	int rc = no_peer(adm, subject->res);

	return rc ? rc : run_extended(make_connect(adm, subject->res));
}

int cmd_net_options(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_setup(adm, subject->res, TIME_SHORT, "net-options");
	int rc = no_peer(adm, subject->res);

	call_add_ends(call, subject->res->me, subject->res->peer);
	return rc ? rc : run_extended(call);
}

int cmd_disconnect(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res = subject->res;
	int rc = no_peer(adm, res);

	if (rc)
		peer_complain(adm, res);
	return rc ? rc : run_extended(make_disconnect(adm, res, res->me, res->peer));
}

int cmd_resource_options(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_setup(adm, subject->res, TIME_SHORT, "resource-options");

	call_add(call, subject->res->name);
	return run_extended(call);
}

int cmd_down(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_setup(adm, subject->res, TIME_MEDIUM, "down");

	call_add(call, subject->res->name);
	return run_extended(call);
}

int cmd_status(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_setup(adm, subject->res, TIME_SHORT, "status");

	call_add(call, subject->res->name);
	return run_extended(call);
}

int cmd_new_resource(struct adm *adm, const struct subject *subject)
{
	return run_extended(make_new_resource(adm, subject->res));
}

int cmd_new_minor(struct adm *adm, const struct subject *subject)
{
	return call_run(make_new_minor(adm, subject));
}

int cmd_meta(struct adm *adm, const struct subject *subject)
{
	return run_extended(make_meta(adm, subject, subject->cmd->name));
}

int cmd_resize(struct adm *adm, const struct subject *subject)
{
	struct call *check = make_check_resize(adm, subject);
	int rc = run_extended(make_resize(adm, subject));

	/* it only records the size for next time */
	if (!rc)
		call_run(check);
	return rc;
}

int cmd_check_resize(struct adm *adm, const struct subject *subject)
{
	struct call *resize = make_resize(adm, subject);
	struct call *check = make_check_resize(adm, subject);
	int rc;

	resize->quiet = true;
	check->quiet = true;
	rc = run_extended(resize);
	if (!rc)
		return call_run(check);
	return call_run(make_meta(adm, subject, "check-resize"));
}

/*
 * Asks the kernel; when it does not know the device, the metadata (tools.md 7.5).
 */
int cmd_or_meta(struct adm *adm, const struct subject *subject)
{
	struct call *call = minor_call(adm, subject, TIME_SHORT, subject->cmd->name);
	int rc;

	call->want_errors = true;
	rc = run_extended(call);
	if (!rc && !adm->dry_run)
		return 0;
	if (rc == 11 || rc == 17) {
		fputs(call->errors, stderr);
		return rc;
	}
	call = make_meta(adm, subject, subject->cmd->name);
	return run_extended(call);
}

int cmd_outdate(struct adm *adm, const struct subject *subject)
{
	struct call *call = minor_call(adm, subject, TIME_SHORT, "outdate");
	int rc, meta;

	call->quiet = true;
	rc = run_extended(call);
	if (adm->dry_run || (rc && rc != 17)) {
		meta = run_extended(make_meta(adm, subject, "outdate"));
		return rc == 5 ? (meta ? 5 : 0) : meta;
	}
	if (rc == 17)
		fprintf(stderr, "'%s' was not outdated: it is Primary, or its disk has the only good "
			"data.\n", subject->res->name);
	return rc;
}

static void up_volume(struct adm *adm, const struct subject *subject)
{
	task_add(adm, subject->res, STAGE_CREATE, make_new_minor(adm, subject), NULL, true);
	task_add(adm, subject->res, STAGE_DISK, make_meta(adm, subject, "apply-al"),
		 extended(make_attach(adm, subject)), true);
}

int cmd_up(struct adm *adm, const struct subject *subject)
{
	struct cfg_resource *res = subject->res;
	struct subject one = *subject;

	task_add(adm, res, STAGE_CREATE, extended(make_new_resource(adm, res)), NULL, true);
	if (subject->vol)
		up_volume(adm, subject);
	else
		for (one.vol = res->me->volumes; one.vol; one.vol = one.vol->next)
			up_volume(adm, &one);
	if (no_peer(adm, res))
		return E_USAGE;
	task_add(adm, res, STAGE_NET, extended(make_connect(adm, res)), NULL, true);
	return 0;
}

static int dump_one(struct adm *adm, const struct cfg_resource *res, bool xml)
{
	if (xml)
		config_dump_resource_xml(stdout, res, 0);
	else
		config_dump_resource(stdout, adm->cfg, res);
	return 0;
}

int cmd_dump(struct adm *adm, const struct subject *subject)
{
	return dump_one(adm, subject->res, false);
}

int cmd_dump_xml(struct adm *adm, const struct subject *subject)
{
	return dump_one(adm, subject->res, true);
}
