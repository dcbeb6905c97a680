/* SPDX-License-Identifier: GPL-2.0 */
/*
 * drbdmeta.h - what the files of the metadata tool share
 *
 * The formats themselves are core/md.h and core/actlog_block.h; the tool adds
 * devices, questions and texts.  Sizes are bytes where the name says so, else
 * sectors of 512.  Functions that print their own error and leave the program
 * are marked "exits".  metadata.md 6.
 */
#ifndef DRBDMETA_H
#define DRBDMETA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

#include "core/portable.h"
#include "core/md.h"
#include "core/actlog_block.h"

/* exit codes, metadata.md 6.3 */
enum exit_code {
	EXIT_OK = 0,
	EXIT_NO_METADATA = 1,		/* also: the answer was no */
	EXIT_INCONSISTENT = 5,
	EXIT_BAD_VALUE = 10,		/* option values, sizes, I/O, parse errors */
	EXIT_USAGE = 20,		/* usage, open failures, locks, attached */
	EXIT_RESTRIPE = 30,
	EXIT_FOREIGN_DATA = 40,
	EXIT_INTERNAL = 111,
	EXIT_ASSERTION = 134,
};

enum bitmap_init { INIT_AUTOMATIC, INIT_ZEROOUT, INIT_PWRITE, INIT_SKIP };

struct options {
	bool force;
	bool dry_run;
	bool ignore_sanity_checks;
	int verbose;
	bool have_peer_max_bio_size;
	u64 peer_max_bio_size;
	bool have_stripes;
	u64 al_stripes;
	bool have_stripe_size;
	u64 al_stripe_size_kib;
	enum bitmap_init bitmap_init;
	bool have_node_id;
	long node_id;
	const char *state_dir;		/* of the last-known files */
};

extern struct options opt;

/* One metadata device, opened, and what was found on it. */
struct meta {
	int argc;			/* command line after option parsing */
	char **argv;
	char **args;			/* the command's own arguments, NULL terminated */
	const char *program;
	const char *device;		/* the DEVICE argument */
	int minor;			/* -1: DEVICE is "-" */
	const char *path;		/* META */
	s32 index;
	int fd;
	bool is_block_device;
	unsigned int logical_block;
	u64 bytes;
	u64 sectors;			/* S of the spec */
	u8 *buffer;			/* aligned for O_DIRECT, IO_BUFFER_BYTES */

	enum md_kind kind;		/* CLEAN or UNCLEAN: sb and at are set */
	struct md_superblock sb;
	struct md_layout at;		/* where it was found, where it is written */

	bool at_last_known;		/* found at the place of an earlier size */
	struct last_known {
		u64 bytes;
		u64 uuid;
		char device[256];
	} last_known;

	struct {			/* writes outside of this are refused */
		u64 first;
		u64 end;
	} area;
};

#define IO_BUFFER_BYTES (1024 * 1024)

struct command {
	const char *name;
	const char *usage;		/* NULL: not listed in the usage text */
	int (*run)(struct meta *m);	/* exit code */
	bool modifies;
	bool node_id;			/* takes --node-id */
	bool no_device;			/* does not open META */
};

/* text.c */
void die(int code, const char *fmt, ...) __attribute__((noreturn, format(printf, 2, 3)));
const char *size_text(char buf[32], u64 kib);
bool confirmed(const char *text);
u64 number_parse(const char *text, bool unit_is_kib);		/* exits 20 */
void hexdump(FILE *out, const u8 *data, size_t bytes, u64 position);

/* device.c */
int device_minor(const char *device);				/* exits 20 */
void device_lock(int minor);					/* exits 20 */
bool device_is_attached(int minor, const char *argv0);

/* io.c */
void meta_open(struct meta *m, const struct command *command);	/* exits 10, 20 */
void meta_set_area(struct meta *m, const struct md_layout *layout);
bool meta_in_area(const struct meta *m, u64 position, u64 bytes);
void meta_read(struct meta *m, const char *tag, void *buf, size_t bytes, u64 position);
size_t meta_read_available(struct meta *m, const char *tag, void *buf, size_t bytes, u64 position);
void meta_write(struct meta *m, const char *tag, const void *buf, size_t bytes, u64 position);
/* The same without the check against the metadata area: for places given up. */
void meta_write_outside(struct meta *m, const char *tag, const void *buf, size_t bytes,
			u64 position);
void meta_zero(struct meta *m, u64 position, u64 bytes, enum bitmap_init how);
void meta_flush(struct meta *m);

/* superblock.c */
bool meta_read_superblock(struct meta *m);
/* Check @sb as found for a device of @sectors; says what is wrong. */
bool superblock_valid(const struct meta *m, const struct md_superblock *sb, u64 sectors,
		      struct md_layout *at, bool quiet);
void meta_clip_la_size(struct meta *m);
/* Put it where m->at says, keep the last-known file up to date. */
void meta_write_superblock(struct meta *m);
void meta_zero_superblock_at(struct meta *m, u64 position);
/* Layout for the device as it is, or exits 10. */
void meta_layout_here(struct meta *m, u32 stripes, u32 stripe_size_4k, struct md_layout *layout);
void meta_al_initialize(struct meta *m, const struct md_layout *layout);
void meta_bitmap_zero(struct meta *m, const struct md_layout *layout);
void options_stripes(u32 *stripes, u32 *stripe_size_4k, u32 default_stripes,
		     u32 default_size_4k);
static inline u64 area_first_byte(const struct md_layout *l)
{
	return 512 * (md_index_is_internal(l->index) ? l->bm_sector : l->sb_sector);
}

/* oldformat.c: v07 and v09, recognised and converted */
struct old_format {
	int version;			/* 7 or 9 */
	bool fixed_size;		/* v07 in the last 128 MiB */
	u64 position;			/* byte of the superblock */
	u64 al_position, bm_position;	/* bytes; 0: not known */
	u32 max_peers;
	struct md_superblock sb;	/* what a v08 superblock would say */
};

bool old_format_find(struct meta *m, struct old_format *old);

/* lastknown.c */
bool last_known_search(struct meta *m);
void last_known_update(const struct meta *m);
void last_known_remove(const struct meta *m);
int metadata_move(struct meta *m);				/* exit code */

/* foreign.c: data that is already there */
void foreign_data_check(struct meta *m, const struct md_layout *layout);	/* exits 1, 40 */

/* create.c, dump.c, restore.c, applyal.c, gi.c */
int cmd_create_md(struct meta *m);
int cmd_wipe_md(struct meta *m);
int cmd_check_resize(struct meta *m);
int cmd_dump_md(struct meta *m);
int cmd_restore_md(struct meta *m);
int cmd_verify_dump(struct meta *m);
int cmd_apply_al(struct meta *m);
int cmd_get_gi(struct meta *m);
int cmd_show_gi(struct meta *m);
int cmd_set_gi(struct meta *m);
int cmd_dstate(struct meta *m);
int cmd_outdate(struct meta *m);
int cmd_invalidate(struct meta *m);
int cmd_read_dev_uuid(struct meta *m);
int cmd_write_dev_uuid(struct meta *m);
int cmd_forget_peer(struct meta *m);

#endif /* DRBDMETA_H */
