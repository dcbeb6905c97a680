// SPDX-License-Identifier: GPL-2.0
/* create.c - create-md, wipe-md, check-resize: metadata comes, goes and moves */
#include <stdlib.h>

#include "drbdmeta.h"

static bool stripes_differ(const struct meta *m)
{
	u32 stripes, stripe_size_4k;

	if (!opt.have_stripes && !opt.have_stripe_size)
		return false;
	options_stripes(&stripes, &stripe_size_4k, MD_AL_STRIPES_DEFAULT, MD_AL_STRIPE_4K_DEFAULT);
	return stripes != m->at.al_stripes || stripe_size_4k != m->at.al_stripe_size_4k;
}

static void say_in_place(const struct meta *m, const char *version, bool fixed_size, u64 position)
{
	if (!md_index_is_internal(m->index))
		return;
	fprintf(stderr, "You want me to create a v08 style flexible-size internal meta data block.\n"
		"There appears to be a %s %s internal meta data block\n"
		"already in place on %s at byte offset %llu\n", version,
		fixed_size ? "fixed-size" : "flexible-size", m->path,
		(unsigned long long)position);
}

static void cancel(void)
{
	die(EXIT_NO_METADATA, "Operation cancelled.");
}

static void ask_to_overwrite(const struct meta *m)
{
	say_in_place(m, "v08", false, m->at.sb_sector * 512);
	if (!md_index_is_internal(m->index)) {
		if (!confirmed("Valid meta data seems to be in place.\n"
			       "Do you really want to overwrite?"))
			cancel();
		return;
	}
	if (stripes_differ(m) &&
	    confirmed("Do you want to change the activity log stripe settings *only*?"))
		die(EXIT_RESTRIPE, "Changing only the activity log stripes of existing meta data is not possible here.\n"
		    "Save it with dump-md, then use restore-md with the new --al-stripes\n"
		    "and --al-stripe-size-kB; or resize the device online.");
	if (!confirmed("Do you really want to overwrite the existing meta-data?"))
		cancel();
}

/* True: convert it.  False: replace it by new metadata. */
static bool ask_to_convert(const struct meta *m, const struct old_format *old)
{
	char version[8], text[160];

	snprintf(version, sizeof(version), "v%02d", old->version);
	say_in_place(m, version, old->fixed_size, old->position);
	snprintf(text, sizeof(text), "Valid %s meta-data found, convert to v08?", version);
	if (confirmed(text))
		return true;
	snprintf(text, sizeof(text), "So you want me to replace the %s meta-data\n"
		 "with newly initialized v08 meta-data?", version);
	if (!confirmed(text))
		cancel();
	return false;
}

static void create_new(struct meta *m)
{
	u32 stripes, stripe_size_4k;

	options_stripes(&stripes, &stripe_size_4k, MD_AL_STRIPES_DEFAULT, MD_AL_STRIPE_4K_DEFAULT);
	meta_layout_here(m, stripes, stripe_size_4k, &m->at);
	meta_set_area(m, &m->at);
	memset(&m->sb, 0, sizeof(m->sb));
	m->sb.uuid[MD_UUID_CURRENT] = MD_UUID_JUST_CREATED;
	m->sb.flags = MDF_AL_CLEAN;
	m->sb.magic = MD_MAGIC_CLEAN;
	m->sb.al_nr_extents = MD_AL_NR_EXTENTS_NEW;
	m->sb.bm_bytes_per_bit = MD_BYTES_PER_BIT;
	md_layout_to_superblock(&m->at, &m->sb);

	foreign_data_check(m, &m->at);
	printf("initializing activity log\n");
	fflush(stdout);
	meta_al_initialize(m, &m->at);
	meta_bitmap_zero(m, &m->at);
}

static void copy_area(struct meta *m, u64 from, u64 to, u64 bytes)
{
	u8 *all;

	if (!bytes || from == to)
		return;
	/* old and new place may overlap, and v07 had at most 128 MiB of it */
	if (posix_memalign((void **)&all, 4096, bytes))
		die(EXIT_INTERNAL, "out of memory");
	meta_read(m, "convert", all, bytes, from);
	meta_write(m, "convert", all, bytes, to);
	free(all);
}

/* The fixed v07 layout lies elsewhere: its bitmap and log come along. */
static void convert_areas(struct meta *m, const struct old_format *old)
{
	u64 bm_bytes = md_bm_bytes(m->sb.la_size_sect);

	if (old->version == 9 && old->max_peers != 1) {
		/*
		 * The bitmaps of several peers are interleaved, and we cannot
		 * know which of them will be ours: everything is out of sync.
		 */
		meta_al_initialize(m, &m->at);
		meta_bitmap_zero(m, &m->at);
		if (m->sb.la_size_sect)
			m->sb.flags |= MDF_FULL_SYNC;
		return;
	}
	if (bm_bytes > m->at.bm_sectors * 512)
		die(EXIT_BAD_VALUE, "The v%02d bitmap (%llu bytes) is larger than the v08 one can be (%llu).",
		    old->version, (unsigned long long)bm_bytes,
		    (unsigned long long)m->at.bm_sectors * 512);
	if (old->fixed_size) {
		copy_area(m, old->bm_position, m->at.bm_sector * 512, bm_bytes);
		copy_area(m, old->al_position, m->at.al_sector * 512,
			  (u64)m->at.al_sectors * 512);
	}
}

static void create_converted(struct meta *m, const struct old_format *old)
{
	u32 stripes, stripe_size_4k;

	printf("Converting meta data...\n");
	m->sb = old->sb;
	md_superblock_stripes(&m->sb, &stripes, &stripe_size_4k);
	meta_layout_here(m, stripes, stripe_size_4k, &m->at);
	meta_set_area(m, &m->at);
	m->sb.magic = MD_MAGIC_CLEAN;
	m->sb.bm_bytes_per_bit = MD_BYTES_PER_BIT;
	md_layout_to_superblock(&m->at, &m->sb);
	if (m->sb.la_size_sect > m->at.capacity)
		die(EXIT_BAD_VALUE, "The device's %llu sectors of data do not leave room for v08 meta data.",
		    (unsigned long long)m->sb.la_size_sect);
	foreign_data_check(m, &m->at);
	convert_areas(m, old);
}

/* Last-known metadata and an unforced yes: move it instead of making new one. */
static bool moved_instead(struct meta *m, int *result)
{
	struct md_layout to;

	if (stripes_differ(m))
		die(EXIT_USAGE, "Meta data was found at the last known position, with other activity log stripes.\n"
		    "Move it first (check-resize); changing stripes while moving is not possible.");
	if (opt.force || !confirmed("Move internal meta data from last-known position?\n"))
		return false;
	meta_layout_here(m, m->at.al_stripes, m->at.al_stripe_size_4k, &to);
	foreign_data_check(m, &to);
	*result = metadata_move(m);
	return true;
}

static void finish_creation(struct meta *m, u64 superseded)
{
	u64 place = m->at.sb_sector * 512;

	m->sb.la_peer_max_bio_size = (u32)opt.peer_max_bio_size;
	printf("Writing meta data...\n");
	fflush(stdout);
	meta_flush(m);
	meta_write_superblock(m);
	if (superseded != U64_MAX && superseded != place &&
	    !meta_in_area(m, superseded, MD_BLOCK_BYTES))
		meta_zero_superblock_at(m, superseded);
	meta_flush(m);
	printf("New drbd meta data block successfully created.\n");
}

int cmd_create_md(struct meta *m)
{
	struct old_format old;
	u64 superseded = U64_MAX;
	bool convert = false;
	int result;

	if (meta_read_superblock(m)) {
		if (!m->at_last_known)
			ask_to_overwrite(m);
		else if (moved_instead(m, &result))
			return result;
		superseded = m->at.sb_sector * 512;
	} else if (old_format_find(m, &old)) {
		convert = ask_to_convert(m, &old);
		superseded = old.position;
	}
	if (convert)
		create_converted(m, &old);
	else
		create_new(m);
	finish_creation(m, superseded);
	return EXIT_OK;
}

int cmd_wipe_md(struct meta *m)
{
	if (!meta_read_superblock(m) || m->at_last_known) {
		fprintf(stderr, "There appears to be no drbd meta data to wipe out?\n");
		return EXIT_OK;
	}
	if (!confirmed("Do you really want to wipe out the DRBD meta data?"))
		return EXIT_NO_METADATA;
	printf("Wiping meta data...\n");
	meta_zero_superblock_at(m, m->at.sb_sector * 512);
	meta_flush(m);
	last_known_remove(m);
	printf("DRBD meta data block successfully wiped out.\n");
	return EXIT_OK;
}

int cmd_check_resize(struct meta *m)
{
	if (!meta_read_superblock(m)) {
		fprintf(stderr, "no suitable meta data found :(\n");
		return EXIT_NO_METADATA;
	}
	if (m->at_last_known)
		return metadata_move(m);
	if (md_index_is_internal(m->index))
		last_known_update(m);
	return EXIT_OK;
}
