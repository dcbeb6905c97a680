// SPDX-License-Identifier: GPL-2.0
/*
 * lastknown.c - find and move internal metadata after the lower device grew
 *
 * A small file per minor remembers the size the device had when its internal
 * metadata was last written, so that it is found again at the end of the old
 * size.  We never scan for superblocks: a stale copy looks as good as a live
 * one.  metadata.md 6.8.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "drbdmeta.h"

static void last_known_path(const struct meta *m, char *path, size_t size)
{
	snprintf(path, size, "%s/drbd-minor-%d.lkbd", opt.state_dir, m->minor);
}

void last_known_remove(const struct meta *m)
{
	char path[4096];

	last_known_path(m, path, sizeof(path));
	if (!opt.dry_run)
		unlink(path);
}

static bool last_known_write(const struct meta *m, const char *path)
{
	FILE *f = fopen(path, "w");

	if (!f)
		return false;
	fprintf(f, "%" PRIu64 "\t%s\n", m->bytes, m->path);
	if (m->sb.device_uuid)
		fprintf(f, "uuid:\t%016" PRIX64 "\n", m->sb.device_uuid);
	fflush(f);
	fsync(fileno(f));
	return fclose(f) == 0;
}

/* Written beside and renamed, so that a crash leaves the old or the new one. */
void last_known_update(const struct meta *m)
{
	char path[4096], fresh[4096 + 8];

	if (opt.dry_run)
		return;
	mkdir(opt.state_dir, 0755);
	last_known_path(m, path, sizeof(path));
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	if (!last_known_write(m, fresh) || rename(fresh, path)) {
		fprintf(stderr, "Could not remember the size of %s in %s: %s\n", m->path, path,
			strerror(errno));
		unlink(fresh);
	}
}

static bool last_known_read(struct meta *m)
{
	char path[4096], line[512];
	bool ok = false;
	FILE *f;

	last_known_path(m, path, sizeof(path));
	f = fopen(path, "r");
	if (!f)
		return false;
	memset(&m->last_known, 0, sizeof(m->last_known));
	while (fgets(line, sizeof(line), f)) {
		if (!ok)
			ok = sscanf(line, "%" SCNu64 "\t%255[^\n]", &m->last_known.bytes,
				    m->last_known.device) == 2;
		else
			sscanf(line, "uuid:\t%" SCNx64, &m->last_known.uuid);
	}
	fclose(f);
	/* "-" is every device without a minor: only the same one counts */
	return ok && (m->minor >= 0 || !strcmp(m->last_known.device, m->path));
}

bool last_known_search(struct meta *m)
{
	struct md_superblock sb;
	struct md_layout at;
	enum md_kind kind;
	u64 old_sectors;

	if (!last_known_read(m)) {
		if (opt.verbose >= 1)
			fprintf(stderr, "no last-known offset information available.\n");
		return false;
	}
	old_sectors = m->last_known.bytes >> 9;
	if (opt.verbose >= 1)
		fprintf(stderr, "last known size of %s: %llu byte\n", m->last_known.device,
			(unsigned long long)m->last_known.bytes);
	if (m->last_known.bytes == m->bytes || old_sectors < 2 * MD_BLOCK_SECTORS ||
	    md_superblock_sector(m->index, old_sectors) + MD_BLOCK_SECTORS > m->sectors)
		return false;
	meta_read(m, "last_known_read", m->buffer, MD_BLOCK_BYTES,
		  md_superblock_sector(m->index, old_sectors) * 512);
	kind = md_superblock_decode(m->buffer, &sb);
	if ((kind != MD_KIND_CLEAN && kind != MD_KIND_UNCLEAN) ||
	    !superblock_valid(m, &sb, old_sectors, &at, opt.verbose == 0))
		return false;
	if (m->last_known.uuid && m->last_known.uuid != sb.device_uuid) {
		fprintf(stderr, "Last known and found uuid differ!?\n%016" PRIX64 " != %016" PRIX64 "\n",
			m->last_known.uuid, sb.device_uuid);
		if (!opt.force) {
			fprintf(stderr, "You may --force me to ignore that.\n");
			return false;
		}
	}
	m->sb = sb;
	m->kind = kind;
	m->at = at;
	m->at_last_known = true;
	return true;
}

/* Old and new place may overlap: copy from the end that cannot be overwritten first. */
static void move_bitmap(struct meta *m, const struct md_layout *from, const struct md_layout *to)
{
	u64 bytes = min(from->bm_sectors, to->bm_sectors) * 512;
	u64 src = from->bm_sector * 512, dst = to->bm_sector * 512;
	u64 offset, done, n;

	for (done = 0; done < bytes; done += n) {
		n = min(bytes - done, (u64)IO_BUFFER_BYTES);
		offset = dst > src ? bytes - done - n : done;
		meta_read(m, "move_bitmap", m->buffer, n, src + offset);
		meta_write(m, "move_bitmap", m->buffer, n, dst + offset);
	}
	if (to->bm_sectors > from->bm_sectors)
		meta_zero(m, dst + bytes, (to->bm_sectors - from->bm_sectors) * 512, INIT_AUTOMATIC);
}

/* What the old place leaves in front of the new one belongs to the data area now. */
static void move_clear_old(struct meta *m, const struct md_layout *from, const struct md_layout *to)
{
	u64 position = from->bm_sector * 512;
	u64 end = min((from->sb_sector + MD_BLOCK_SECTORS) * 512, to->bm_sector * 512);
	u64 n;

	memset(m->buffer, 0, IO_BUFFER_BYTES);
	for (; position < end; position += n) {
		n = min(end - position, (u64)IO_BUFFER_BYTES);
		meta_write_outside(m, "move_clear_old", m->buffer, n, position);
	}
	meta_flush(m);
}

int metadata_move(struct meta *m)
{
	struct md_layout from = m->at, to;
	size_t al_bytes = (size_t)from.al_sectors * 512;
	void *al;

	fprintf(stderr, "Moving the internal meta data to its proper location\n");
	meta_layout_here(m, from.al_stripes, from.al_stripe_size_4k, &to);
	if (m->sb.la_size_sect > to.capacity) {
		fprintf(stderr, "Cannot move: the device's %llu sectors of data reach into the new location,\n"
			"which leaves room for %llu.\n", (unsigned long long)m->sb.la_size_sect,
			(unsigned long long)to.capacity);
		return EXIT_NO_METADATA;
	}
	if (posix_memalign(&al, 4096, al_bytes))
		die(EXIT_INTERNAL, "out of memory");

	meta_set_area(m, &to);
	meta_read(m, "move_al", al, al_bytes, from.al_sector * 512);
	move_bitmap(m, &from, &to);
	meta_write(m, "move_al", al, al_bytes, to.al_sector * 512);
	free(al);
	meta_flush(m);

	m->at = to;
	m->at_last_known = false;
	md_layout_to_superblock(&to, &m->sb);
	meta_write_superblock(m);
	printf("Internal drbd meta data successfully moved.\n");
	fflush(stdout);
	move_clear_old(m, &from, &to);
	return EXIT_OK;
}
