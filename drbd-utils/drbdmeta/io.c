// SPDX-License-Identifier: GPL-2.0
/* io.c - opening, reading and writing the metadata device */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "blockdev.h"
#include "drbdmeta.h"

#define MINIMUM_BYTES 69632u		/* 17 * 4 KiB */
#define MAXIMUM_SECTORS (1ULL << 41)	/* 1 PiB */

static int meta_open_fd(struct meta *m, const struct command *command)
{
	bool direct = true;
	bool exclusive = m->index < 0;		/* slots share their device */
	int fd;

	for (;;) {
		fd = blockdev_open(m->path, direct, exclusive);
		if (fd >= 0)
			return fd;
		if (errno == EINVAL && direct) {
			fprintf(stderr, "could not open with O_DIRECT, retrying without\n");
			direct = false;
		} else if (errno == EBUSY && exclusive &&
			   (opt.force || command->run != cmd_apply_al)) {
			fprintf(stderr, "open(%s) failed: %s\n", m->path, strerror(errno));
			if (!confirmed("Exclusive open failed. Do it anyways?"))
				die(EXIT_USAGE, "Operation canceled.");
			exclusive = false;
		} else {
			die(EXIT_USAGE, "open(%s) failed: %s", m->path, strerror(errno));
		}
	}
}

static void meta_find_size(struct meta *m)
{
	struct stat st;

	if (fstat(m->fd, &st))
		die(EXIT_USAGE, "fstat(%s) failed: %s", m->path, strerror(errno));
	m->is_block_device = S_ISBLK(st.st_mode);
	if (!m->is_block_device && !opt.force)
		die(EXIT_USAGE, "'%s' is not a block device!", m->path);
	m->bytes = (u64)st.st_size;
	if (m->is_block_device && !blockdev_bytes(m->fd, &m->bytes))
		die(EXIT_USAGE, "ioctl(%s, BLKGETSIZE64) failed: %s", m->path, strerror(errno));
	m->sectors = m->bytes >> 9;
	m->logical_block = 512;
	if (!blockdev_logical_block(m->fd, &m->logical_block))
		fprintf(stderr, "ioctl(md_fd, BLKSSZGET) returned -1, "
			"assuming hard_sect_size is 512 Byte\n");
}

void meta_open(struct meta *m, const struct command *command)
{
	u64 place;

	m->fd = meta_open_fd(m, command);
	meta_find_size(m);
	if (posix_memalign((void **)&m->buffer, 4096, IO_BUFFER_BYTES))
		die(EXIT_USAGE, "out of memory");
	if (m->bytes < MINIMUM_BYTES)
		die(EXIT_BAD_VALUE, "%s is only %llu bytes. That's not enough.", m->path,
		    (unsigned long long)m->bytes);
	if (m->sectors > MAXIMUM_SECTORS)
		die(EXIT_ASSERTION, "%s has %llu sectors, more than the %llu (1 PiB) that are supported.",
		    m->path, (unsigned long long)m->sectors,
		    (unsigned long long)MAXIMUM_SECTORS);
	place = md_superblock_sector(m->index, m->sectors) * 512;
	if (place + MD_BLOCK_BYTES > m->bytes)
		die(EXIT_BAD_VALUE, "Device too small: expecting meta data block at\n"
		    "byte offset %llu, but %s is only %llu bytes.",
		    (unsigned long long)place, m->path, (unsigned long long)m->bytes);
	if (opt.verbose >= 2)
		fprintf(stderr, "%s: %llu bytes, superblock expected at byte %llu\n", m->path,
			(unsigned long long)m->bytes, (unsigned long long)place);
}

void meta_set_area(struct meta *m, const struct md_layout *layout)
{
	m->area.first = area_first_byte(layout);
	m->area.end = m->area.first + (u64)layout->md_size_sect * 512;
}

bool meta_in_area(const struct meta *m, u64 position, u64 bytes)
{
	return position >= m->area.first && position + bytes <= m->area.end;
}

static void meta_check_area(struct meta *m, const char *tag, size_t bytes, u64 position)
{
	if (meta_in_area(m, position, bytes) || opt.ignore_sanity_checks)
		return;
	die(EXIT_BAD_VALUE,
	    "%s: offset+count (%llu+%zu) not in meta data area range [%llu; %llu], aborted\n"
	    "If you want to force this, tell me to --ignore-sanity-checks", tag,
	    (unsigned long long)position, bytes, (unsigned long long)m->area.first,
	    (unsigned long long)m->area.end);
}

static void meta_trace(const struct meta *m, const char *what, const char *tag,
		       const void *buf, size_t bytes, u64 position)
{
	if (opt.verbose >= 2)
		fprintf(stderr, " %-26s: %s(%d, ...,%6zu,%12llu)%s\n", tag, what, m->fd, bytes,
			(unsigned long long)position,
			opt.dry_run && !strcmp(what, "pwrite") ? " not done (dry run)" : "");
	if (opt.verbose > 10)
		hexdump(stderr, buf, bytes, position);
}

/* Up to the end of the device; returns how many bytes there were, the rest is zeroed. */
size_t meta_read_available(struct meta *m, const char *tag, void *buf, size_t bytes, u64 position)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes) {
		n = pread(m->fd, (u8 *)buf + done, bytes - done, (off_t)(position + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			die(EXIT_BAD_VALUE, "%s: pread(%s, ..., %zu, %llu) failed: %s", tag,
			    m->path, bytes, (unsigned long long)position, strerror(errno));
		if (n == 0)
			break;
		done += (size_t)n;
		if (done % 512)		/* only at the end of a file */
			break;
	}
	memset((u8 *)buf + done, 0, bytes - done);
	meta_trace(m, "pread", tag, buf, bytes, position);
	return done;
}

void meta_read(struct meta *m, const char *tag, void *buf, size_t bytes, u64 position)
{
	size_t n = meta_read_available(m, tag, buf, bytes, position);

	if (n < bytes)
		die(EXIT_BAD_VALUE, "%s: pread(%s, ..., %zu, %llu) got only %zu bytes", tag,
		    m->path, bytes, (unsigned long long)position, n);
}

void meta_write_outside(struct meta *m, const char *tag, const void *buf, size_t bytes,
			u64 position)
{
	size_t done = 0;
	ssize_t n;

	meta_trace(m, "pwrite", tag, buf, bytes, position);
	while (done < bytes && !opt.dry_run) {
		n = pwrite(m->fd, (const u8 *)buf + done, bytes - done,
			   (off_t)(position + done));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			die(EXIT_BAD_VALUE, "%s: pwrite(%s, ..., %zu, %llu) failed: %s", tag,
			    m->path, bytes, (unsigned long long)position,
			    n ? strerror(errno) : "nothing written");
		done += (size_t)n;
	}
}

void meta_write(struct meta *m, const char *tag, const void *buf, size_t bytes, u64 position)
{
	meta_check_area(m, tag, bytes, position);
	meta_write_outside(m, tag, buf, bytes, position);
}

static bool meta_zeroout(struct meta *m, u64 position, u64 bytes)
{
	if (opt.dry_run) {
		fprintf(stderr, "not zeroing %llu bytes at %llu (dry run)\n",
			(unsigned long long)bytes, (unsigned long long)position);
		return true;
	}
	return blockdev_zeroout(m->fd, m->is_block_device, position, bytes);
}

void meta_zero(struct meta *m, u64 position, u64 bytes, enum bitmap_init how)
{
	char text[32];
	size_t n;

	if (how == INIT_SKIP)
		return;
	meta_check_area(m, "zeroout_bitmap", bytes, position);
	if (how != INIT_PWRITE && meta_zeroout(m, position, bytes))
		return;
	if (how == INIT_ZEROOUT)
		die(EXIT_BAD_VALUE, "ioctl(%s, BLKZEROOUT, [%llu, %llu]) failed: %s", m->path,
		    (unsigned long long)position, (unsigned long long)bytes, strerror(errno));
	fprintf(stderr, "initializing bitmap (%s) to all zero using pwrite\n",
		size_text(text, bytes >> 10));
	memset(m->buffer, 0, IO_BUFFER_BYTES);
	for (; bytes; position += n, bytes -= n) {
		n = min(bytes, (u64)IO_BUFFER_BYTES);
		meta_write(m, "zeroout_bitmap", m->buffer, n, position);
	}
}

/* Everything written so far is durable before anything written later. */
void meta_flush(struct meta *m)
{
	if (!opt.dry_run && fsync(m->fd))
		die(EXIT_BAD_VALUE, "fsync(%s) failed: %s", m->path, strerror(errno));
}
