// SPDX-License-Identifier: GPL-2.0
/* shell.c - answers for scripts: sh-* commands (spec chapter tools.md sections 7.4, 11.3) */
#include <string.h>
#include <unistd.h>

#include "drbdadm.h"

#define MINOR_COUNT_SPARE 3
#define MINOR_COUNT_MIN 32
#define MINOR_COUNT_MAX 255
#define PROMOTE_TRIES 5

int cmd_sh_nop(struct adm *adm, const struct subject *subject)
{
	(void)adm;
	(void)subject;
	return 0;
}

int cmd_sh_resources(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res;
	bool any = false;

	(void)subject;
	for (res = adm->cfg->resources; res; res = res->next) {
		if (!resource_selected(adm, res))
			continue;
		if (any)
			putchar(' ');
		cfg_print_quoted(stdout, res->name);
		any = true;
	}
	if (any)
		putchar('\n');
	return 0;
}

int cmd_sh_resource(struct adm *adm, const struct subject *subject)
{
	(void)adm;
	puts(subject->res->name);
	return 0;
}

int cmd_sh_mod_parms(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res;
	const struct cfg_volume *vol;
	unsigned int count = adm->cfg->global.minor_count;

	(void)subject;
	if (!count) {
		for (res = adm->cfg->resources; res; res = res->next)
			for (vol = res->me ? res->me->volumes : NULL; vol; vol = vol->next)
				count++;
		count += MINOR_COUNT_SPARE;
		if (count < MINOR_COUNT_MIN)
			count = MINOR_COUNT_MIN;
		if (count > MINOR_COUNT_MAX)
			count = MINOR_COUNT_MAX;
	}
	printf("minor_count=%u\n", count);
	return 0;
}

int cmd_sh_volume_word(struct adm *adm, const struct subject *subject)
{
	const struct cfg_volume *vol = subject->vol;
	const char *command = subject->cmd->name;
	char buf[32];

	(void)adm;
	if (!strcmp(command, "sh-dev"))
		puts(cfg_device_name(vol, buf, sizeof(buf)));
	else if (!strcmp(command, "sh-minor"))
		printf("%ld\n", vol->minor);
	else if (!strcmp(command, "sh-ll-dev"))
		puts(vol->disk);
	else if (!strcmp(command, "sh-md-dev"))
		puts(meta_device(vol));
	else if (!strcmp(command, "sh-md-idx"))
		puts(vol->meta_index);
	else
		puts(subject->res->me->address.addr);
	return 0;
}

static const char *without_dev(const char *path)
{
	return strncmp(path, "/dev/", 5) ? path : path + 5;
}

int cmd_sh_udev(struct adm *adm, const struct subject *subject)
{
	const struct cfg_volume *vol = subject->vol;
	char buf[32];

	if (vol->implicit && !adm->cfg->global.udev_always_use_vnr)
		printf("RESOURCE=%s\n", subject->res->name);
	else
		printf("RESOURCE=%s/%u\n", subject->res->name, vol->number);
	printf("DEVICE=%s\n", without_dev(cfg_device_name(vol, buf, sizeof(buf))));
	if (vol->disk)
		printf("DISK=%s\n", without_dev(vol->disk));
	return 0;
}

int cmd_sh_lr_of(struct adm *adm, const struct subject *subject)
{
	const struct cfg_host *me = subject->res->me;

	(void)adm;
	if (me->kind != CFG_HOST_STACKED) {
		fprintf(stderr, "'%s' is not stacked, there is no lower resource.\n",
			subject->res->name);
		return E_USAGE;
	}
	puts(me->lower_name);
	return 0;
}

int cmd_sh_b_pri(struct adm *adm, const struct subject *subject)
{
	const struct cfg_name *names = subject->res->become_primary_on;
	struct call *call;
	int rc, tries;

	if (!cfg_names_contain(names, adm->node_name) && !cfg_names_contain(names, "both"))
		return 0;
	for (tries = 1;; tries++) {
		call = make_setup(adm, subject->res, TIME_MEDIUM, "primary");
		call_addf(call, "%ld", subject->vol->minor);
		call_add_extra(call);
		rc = call_run(call);
		/* the peer may still be giving its role up */
		if (!rc || tries == PROMOTE_TRIES)
			return rc;
		sleep(1);
	}
}

static void print_stacked_on(const struct cfg_resource *res)
{
	const struct cfg_resource *lower = res->me->lower;
	const struct cfg_volume *vol;
	char buf[32];

	if (res->me->kind != CFG_HOST_STACKED || !lower || !lower->me || !lower->me->volumes) {
		puts("_stacked_on=\n_stacked_on_device=\n_stacked_on_minor=");
		return;
	}
	vol = lower->me->volumes;
	printf("_stacked_on=%s\n", lower->name);
	printf("_stacked_on_device=%s\n", cfg_device_name(vol, buf, sizeof(buf)));
	printf("_stacked_on_minor=%ld\n", vol->minor);
}

int cmd_sh_status(struct adm *adm, const struct subject *subject)
{
	const struct cfg_resource *res;
	const struct cfg_volume *vol;
	struct call *call;
	int rc;

	(void)subject;
	if (!adm->dry_run)
		printf("_drbd_version=%s\n_drbd_api=1\n_config_file=%s\n\n\n", DRBDADM_VERSION,
		       adm->cfg->canonical);
	for (res = adm->cfg->resources; res; res = res->next) {
		if (res->ignored)
			continue;
		printf("_conf_res_name=%s\n", res->name);
		printf("_conf_file_line=%s:%d\n\n", res->file, res->place.line);
		print_stacked_on(res);
		for (vol = res->me->volumes; vol; vol = vol->next) {
			printf("_conf_volume=%u\n", vol->number);
			call = make_setup(adm, res, TIME_SHORT, "sh-status");
			call_addf(call, "%ld", vol->minor);
			rc = call_run(call);
			if (rc)
				return rc;
		}
	}
	return 0;
}
