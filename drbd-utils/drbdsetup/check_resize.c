// SPDX-License-Identifier: GPL-2.0
/*
 * check_resize.c - remember how large the lower device was (tools.md 11.2)
 *
 * With internal meta-data a grown device has its meta-data no longer at the
 * end; the record lets drbdmeta find and move it.
 */
#include "volume_view.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RECORD_DIRECTORY "/var/lib/drbd"
#define RECORD_FILE RECORD_DIRECTORY "/drbd-minor-%u.lkbd"
#define UUID_PREFIX "uuid:\t"

static bool device_bytes(const char *path, uint64_t *bytes)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t end = fd >= 0 ? lseek(fd, 0, SEEK_END) : -1;

	if (end < 0)
		fprintf(stderr, "Cannot learn the size of %s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	*bytes = end;
	return end >= 0;
}

/* The second line belongs to drbdmeta and is kept. */
static void read_uuid_line(const char *path, char *line, size_t size)
{
	FILE *file = fopen(path, "r");

	*line = '\0';
	if (!file)
		return;
	while (fgets(line, size, file) && strncmp(line, UUID_PREFIX, strlen(UUID_PREFIX)))
		*line = '\0';
	fclose(file);
}

static bool write_record(const char *path, uint64_t bytes, const char *device)
{
	char uuid_line[64], temporary[128];
	FILE *file;
	bool fine;

	read_uuid_line(path, uuid_line, sizeof(uuid_line));
	snprintf(temporary, sizeof(temporary), "%s.new", path);
	mkdir(RECORD_DIRECTORY, 0755); /* mostly there already */
	file = fopen(temporary, "w");
	fine = file && fprintf(file, "%" PRIu64 "\t%s\n%s", bytes, device, uuid_line) > 0;
	if (file && fclose(file))
		fine = false;
	if (fine)
		fine = rename(temporary, path) == 0;
	if (!fine)
		fprintf(stderr, "Cannot write %s: %s\n", path, strerror(errno));
	return fine;
}

int run_check_resize(struct invocation *invocation)
{
	struct volume_view view;
	int status = volume_view_one(invocation, &view);
	char path[64];
	uint64_t bytes;

	if (status != STATUS_OK)
		return status;
	snprintf(path, sizeof(path), RECORD_FILE, invocation->minor);
	if (!view.has_disk || view.disk.meta_dev_idx >= 0 || view.disk.meta_dev_idx == -2) {
		unlink(path);
		return STATUS_OK;
	}
	if (!device_bytes(view.disk.backing_dev, &bytes) ||
	    !write_record(path, bytes, view.disk.backing_dev))
		return STATUS_TROUBLE;
	return STATUS_OK;
}
