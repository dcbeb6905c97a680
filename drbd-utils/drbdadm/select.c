// SPDX-License-Identifier: GPL-2.0
/* select.c - which resources and volumes a command works on (spec chapter tools.md 7.2, 7.3) */
#include <stdlib.h>
#include <string.h>

#include "drbdadm.h"

bool resource_selected(const struct adm *adm, const struct cfg_resource *res)
{
	return !res->ignored && res->stacked == adm->stacked;
}

void peer_complain(struct adm *adm, const struct cfg_resource *res)
{
	const struct cfg_host *host;
	int sections = 0;

	if (res->peer || !res->me)
		return;
	for (host = res->hosts; host; host = host->next)
		sections++;
	fprintf(stderr, "%s:%d: in resource %s:\n", res->file, res->place.line, res->name);
	if (sections < 2)
		fputs("\tMissing section 'on <PEER> { ... }'.\n", stderr);
	else if (adm->peer)
		fprintf(stderr, "\tNo host section for the peer '%s'.\n", adm->peer);
	else
		fputs("\tThere are multiple host sections for the peer node.\n"
		      "\tUse the --peer option to select which peer section to use.\n", stderr);
}

static int prepare(struct adm *adm, const struct command *cmd, const struct cfg_resource *res)
{
	bool check_ip = (cmd->flags & CMD_CHECK_IP) && adm->dry_run != 1 &&
			(!res->stacked || adm->stacked);
	int rc = 0;

	if (check_ip)
		rc = config_check_address(adm->cfg, res);
	if (!rc && (cmd->flags & CMD_STRICT) && !adm->dry_run)
		rc = config_check_values(adm->cfg, res);
	if (!rc && (cmd->flags & CMD_PEER)) {
		peer_complain(adm, res);
		if (adm->peer && adm->dry_run > 1 && res->peer &&
		    !cfg_names_contain(res->peer->names, adm->peer))
			fprintf(stderr, "%s:%d: in resource %s:\n\tIgnoring --peer '%s': there are "
				"only two host sections.\n", res->file, res->place.line, res->name,
				adm->peer);
	}
	return rc;
}

static int run_volumes(struct adm *adm, const struct command *cmd, struct cfg_resource *res,
		       struct cfg_volume *only)
{
	struct cfg_volume *vol;
	int rc = 0;

	for (vol = only ? only : res->me->volumes; vol && !rc; vol = only ? NULL : vol->next) {
		const struct subject subject = { cmd, res, vol };

		rc = cmd->run(adm, &subject);
	}
	return rc;
}

static int run_one(struct adm *adm, const struct command *cmd, struct cfg_resource *res,
		   struct cfg_volume *vol)
{
	struct subject subject = { cmd, res, vol };
	int rc = prepare(adm, cmd, res);

	if (rc)
		return rc;
	if (cmd->flags & (CMD_VOLUMES | CMD_ONE_VOLUME))
		return run_volumes(adm, cmd, res, vol);
	if (!(cmd->flags & CMD_VOLUME_OK))
		subject.vol = NULL;
	return cmd->run(adm, &subject);
}

/* Results of 20 and more end the program; others let the next resource have its turn. */
static int worse(int sum, int rc)
{
	return rc > sum ? rc : sum;
}

static int run_all(struct adm *adm, const struct command *cmd)
{
	struct cfg_resource *res;
	bool any = false;
	int rc, sum = 0;

	if (!strcmp(cmd->name, "sh-udev")) {
		fputs("drbdadm sh-udev works on one volume: give 'RESOURCE/NUMBER' or minor-N.\n",
		      stderr);
		return E_USAGE;
	}
	if (!adm->cfg->resources) {
		fputs("no resources defined!\n", stderr);
		return E_USAGE;
	}
	for (res = adm->cfg->resources; res; res = res->next) {
		if (!resource_selected(adm, res))
			continue;
		any = true;
		rc = run_one(adm, cmd, res, NULL);
		sum = worse(sum, rc);
		if (rc >= E_EXEC || rc == E_CONFIG)
			return rc;
	}
	if (any)
		return sum;
	fprintf(stderr, "WARN: no %s resources defined for this host (%s)!?\n"
		"Misspelled name of the local machine with the 'on' keyword ?\n",
		adm->stacked ? "stacked" : "normal", adm->cfg->node_name);
	return E_USAGE;
}

static struct cfg_resource *find_minor(struct adm *adm, long minor, struct cfg_volume **found)
{
	struct cfg_resource *res;
	struct cfg_volume *vol;

	for (res = adm->cfg->resources; res; res = res->next) {
		for (vol = res->me ? res->me->volumes : NULL; vol; vol = vol->next) {
			if (vol->minor != minor)
				continue;
			*found = vol;
			adm->stacked = res->stacked;
			return res;
		}
	}
	return NULL;
}

static int report_unknown(const struct adm *adm, const char *name)
{
	fprintf(stderr, "'%s' not defined in your config (for this host).\n", name);
	fprintf(stderr, "This host is '%s'; 'drbdadm dump' shows the resources and whether they are "
		"ignored here.\n", adm->cfg->node_name);
	return E_USAGE;
}

/* "RES", "RES/VOL" or "minor-N"; 0, or an exit code with the message printed */
static int find_named(struct adm *adm, const char *name, struct cfg_resource **res,
		      struct cfg_volume **vol)
{
	char *base, *slash, *end;
	unsigned long number;

	*vol = NULL;
	*res = config_resource(adm->cfg, name);
	if (!*res && !strncmp(name, "minor-", 6)) {
		number = strtoul(name + 6, &end, 10);
		if (!*end && name[6])
			*res = find_minor(adm, number, vol);
	}
	if (*res)
		return (*res)->ignored ? report_unknown(adm, name) : 0;

	slash = strchr(name, '/');
	if (!slash)
		return report_unknown(adm, name);
	number = strtoul(slash + 1, &end, 10);
	if (!slash[1] || *end) {
		fprintf(stderr, "%s is not a valid number: behind the slash a volume number is "
			"expected, as in RES/0. Devices are given as minor-N.\n", slash + 1);
		return E_EXEC;
	}
	base = strndup(name, slash - name);
	*res = base ? config_resource(adm->cfg, base) : NULL;
	free(base);
	if (!*res || (*res)->ignored)
		return report_unknown(adm, name);
	*vol = config_volume((*res)->me, number);
	return *vol ? 0 : report_unknown(adm, name);
}

static int run_named(struct adm *adm, const struct command *cmd, const char *name)
{
	struct cfg_resource *res;
	struct cfg_volume *vol;
	int rc = find_named(adm, name, &res, &vol);

	if (rc)
		return rc == E_EXEC ? rc : -E_USAGE;
	if (!(cmd->flags & CMD_ANY_STACKED) && !resource_selected(adm, res)) {
		fprintf(stderr, "'%s' is %s\n", name,
			res->stacked ? "a stacked resource; use --stacked (-S) with it." :
			"a normal resource, not a stacked one; leave --stacked (-S) away.");
		return E_USAGE;
	}
	if (vol && vol->implicit && !(cmd->flags & (CMD_VOLUMES | CMD_ONE_VOLUME)))
		vol = NULL;
	if (vol && !(cmd->flags & (CMD_VOLUMES | CMD_ONE_VOLUME | CMD_VOLUME_OK))) {
		fprintf(stderr, "drbdadm %s works on whole resources: give '%s', not '%s'.\n",
			cmd->name, res->name, name);
		return -E_USAGE;
	}
	if (!vol && (cmd->flags & CMD_ONE_VOLUME)) {
		vol = res->me->volumes;
		if (!vol || !vol->implicit) {
			fprintf(stderr, "drbdadm %s works on one volume: give '%s/NUMBER' or "
				"minor-N.\n", cmd->name, res->name);
			return -E_USAGE;
		}
	}
	return run_one(adm, cmd, res, vol);
}

int select_and_run(struct adm *adm, const struct command *cmd, char **names, int count)
{
	const struct subject nothing = { cmd, NULL, NULL };
	int i, rc, sum = 0;

	if (!(cmd->flags & CMD_RESOURCE))
		return cmd->run(adm, &nothing);
	if (!count || !strcmp(names[0], "all"))
		return run_all(adm, cmd);
	for (i = 0; i < count; i++) {
		if (!strcmp(names[i], "all"))
			rc = run_all(adm, cmd);
		else
			rc = run_named(adm, cmd, names[i]);
		if (rc < 0)
			return -rc;
		sum = worse(sum, rc);
		if (rc >= E_EXEC || rc == E_CONFIG)
			break;
	}
	return sum;
}
