// SPDX-License-Identifier: GPL-2.0
/*
 * create_md.c - metadata keeps its device uuid when it is created anew
 *
 * drbdmeta remembers the size of a lower device together with this id, so the
 * id must survive create-md and must not be 0 (spec chapter metadata.md 6.7).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "drbdadm.h"

static uint64_t read_device_uuid(struct adm *adm, const struct subject *subject)
{
	struct call *call = make_meta(adm, subject, "read-dev-uuid");

	call->want_output = true;
	call->quiet = true;
	/* there may be no metadata yet */
	if (call_run(call))
		return 0;
	return strtoull(call->output, NULL, 16);
}

static void write_device_uuid(struct adm *adm, const struct subject *subject, uint64_t uuid)
{
	struct call *call = make_meta(adm, subject, "write-dev-uuid");

	call_addf(call, "%016" PRIX64, uuid);
	if (call_run(call))
		fprintf(stderr, "The metadata on '%s' was created, but has no device id now. A move "
			"of the lower device will not be noticed.\n", meta_device(subject->vol));
}

int cmd_create_md(struct adm *adm, const struct subject *subject)
{
	struct call *create = make_meta(adm, subject, "create-md");
	uint64_t uuid = adm->dry_run ? 0 : read_device_uuid(adm, subject);
	int rc;

	call_add_extra(create);
	rc = call_run(create);
	if (rc || adm->dry_run)
		return rc;
	while (!uuid)
		if (getrandom(&uuid, sizeof(uuid), 0) != sizeof(uuid))
			return 0;
	write_device_uuid(adm, subject, uuid);
	return 0;
}
