// SPDX-License-Identifier: GPL-2.0
/* dump.c - dump-md: the metadata as text that restore-md reads (metadata.md 6.9) */
#include <inttypes.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "drbdmeta.h"

/*
 * The bitmap as 32 bit words, read in windows.  Runs are looked ahead over any
 * distance and then left up to seven words before their end: the previous
 * window is kept.
 */
#define WINDOW_BYTES (256 * 1024)
#define WINDOW_WORDS (WINDOW_BYTES / 4)

struct bitmap_reader {
	struct meta *m;
	u64 words;
	u64 window[2];			/* number of the window in each half */
	u8 *half[2];
	u64 bits_set;
	u64 counted;			/* windows whose bits are in bits_set */
};

static void reader_begin(struct bitmap_reader *r, struct meta *m)
{
	memset(r, 0, sizeof(*r));
	r->m = m;
	r->words = md_bm_bytes(m->sb.la_size_sect) / 4;
	r->window[0] = r->window[1] = U64_MAX;
	r->half[0] = m->buffer;
	r->half[1] = m->buffer + WINDOW_BYTES;
}

static void reader_count(struct bitmap_reader *r, u64 number, const u8 *data, size_t bytes)
{
	size_t i;
	u64 v;

	if (number < r->counted)
		return;
	r->counted = number + 1;
	for (i = 0; i < bytes; i += 8) {
		memcpy(&v, data + i, 8);
		r->bits_set += (u64)__builtin_popcountll(v);
	}
}

static u32 reader_word(struct bitmap_reader *r, u64 i)
{
	u64 number = i / WINDOW_WORDS;
	u8 *data = r->half[number & 1];
	__le32 word;

	if (r->window[number & 1] != number) {
		u64 first = number * WINDOW_BYTES;
		size_t bytes = min(r->words * 4 - first, (u64)WINDOW_BYTES);

		meta_read_available(r->m, "dump_bitmap", data, bytes,
				    r->m->at.bm_sector * 512 + first);
		r->window[number & 1] = number;
		reader_count(r, number, data, bytes);
	}
	memcpy(&word, data + (i % WINDOW_WORDS) * 4, 4);
	return le32_to_cpu(word);
}

/* How many words from @i on are alike, in whole lines of eight. */
static u64 reader_run(struct bitmap_reader *r, u64 i)
{
	u32 word = reader_word(r, i);
	u64 end = i + 1;

	while (end < r->words && reader_word(r, end) == word)
		end++;
	return (end - i) & ~7ULL;
}

static void dump_bitmap(struct meta *m)
{
	struct bitmap_reader r;
	u64 i = 0, k, run;
	u32 word;

	reader_begin(&r, m);
	printf("# bm-bytes %" PRIu64 ";\nbm {", r.words * 4);
	while (i < r.words) {
		printf("\n");
		if (i % 64 == 0)
			printf("   # at %" PRIu64 "kB\n", i * 128);
		run = reader_run(&r, i);
		word = reader_word(&r, i);
		printf("   ");
		if (run > 8) {
			printf(" %" PRIu64 " times 0x%08X%08X;", run / 2, word, word);
			i += run;
			continue;
		}
		for (k = i; k < i + 8; k += 2) {
			word = reader_word(&r, k);
			printf(" 0x%08X%08X;", reader_word(&r, k + 1), word);
		}
		i += 8;
	}
	printf("\n}\n# bits-set %" PRIu64 ";\n", r.bits_set);
}

static void dump_al_block(u32 b, const u8 *block)
{
	struct al_block_info info;
	u32 i;

	if (!al_block_decode(block, &info)) {
		printf("#     block %2u { INVALID }\n", b);
		return;
	}
	if (info.type == AL_TYPE_INITIALIZED) {
		printf("#     block %2u { INITIALIZED }\n", b);
		return;
	}
	printf("#     block %2u {\n# \tmagic: 0x%08x\n# \ttype: 0x%04x\n# \ttr: %10u\n"
	       "# \tactive set size: %u\n", b, AL_BLOCK_MAGIC, info.type, info.tr_number,
	       info.context_size);
	for (i = 0; i < AL_CONTEXT_PER_BLOCK; i++) {
		u32 slot = (u32)info.context_start + i, extent = al_block_context(block, i);

		if (extent != AL_EXTENT_FREE || slot < info.context_size)
			printf("# \t%2u: %10u %10u\n", i, slot, extent);
	}
	printf("# \tupdates: %u\n", info.n_updates);
	for (i = 0; i < AL_UPDATES_PER_BLOCK; i++) {
		u32 slot = al_block_update_slot(block, i);

		if (i < info.n_updates || slot != AL_SLOT_NONE)
			printf("# \t%2u: %10u %10u\n", i, slot, al_block_update_extent(block, i));
	}
	printf("# \tcrc32c: 0x%08x\n#     }\n", info.crc32c);
}

static void dump_al(struct meta *m)
{
	u32 blocks = m->at.al_stripes * m->at.al_stripe_size_4k;
	u32 b;

	printf("# al {\n");
	for (b = 0; b < blocks; b++) {
		meta_read(m, "dump_al", m->buffer, AL_BLOCK_BYTES,
			  m->at.al_sector * 512 + (u64)b * AL_BLOCK_BYTES);
		dump_al_block(b, m->buffer);
	}
	printf("# }\n");
}

static void dump_header(const struct meta *m)
{
	char host[256] = "", date[64] = "";
	time_t now = time(NULL);
	struct tm local;
	int i;

	gethostname(host, sizeof(host) - 1);
	localtime_r(&now, &local);
	strftime(date, sizeof(date), "%Y-%m-%d %H:%M:%S %z", &local);
	printf("# DRBD meta data dump\n# %s [%lld]\n# %s> %s", date, (long long)now, host, m->program);
	for (i = 1; i < m->argc; i++)
		printf(" %s", m->argv[i]);
	printf("\n#\n\nversion \"v08\";\n\n");
	if (m->kind == MD_KIND_UNCLEAN)
		printf("This_is_an_unclean_meta_data_dump._Don't_trust_the_bitmap.\n"
		       "# You should \"apply-al\" first, if you plan to restore this.\n\n");
}

static void dump_places(const struct meta *m)
{
	printf("# md_size_sect %u\n", m->sb.md_size_sect);
	if (m->at_last_known)
		printf("#\n### Device seems to have been resized!\n"
		       "### dumping meta data from the last known position\n"
		       "### current size of %s: %" PRIu64 " byte\n"
		       "### expected position of meta data:\n"
		       "## md_offset %" PRIu64 "\n## al_offset 0\n## bm_offset 0\n"
		       "### last known size of %s: %" PRIu64 " byte\n"
		       "### adjusted position of meta data:\n", m->path, m->bytes,
		       md_superblock_sector(m->index, m->sectors) * 512,
		       m->last_known.device, m->last_known.bytes);
	printf("# md_offset %" PRIu64 "\n# al_offset %" PRIu64 "\n# bm_offset %" PRIu64 "\n\n",
	       m->at.sb_sector * 512, m->at.al_sector * 512, m->at.bm_sector * 512);
}

static void dump_fields(const struct meta *m)
{
	const struct md_superblock *sb = &m->sb;
	int i;

	printf("uuid {\n   ");
	for (i = 0; i < MD_UUID_SLOTS; i++)
		printf(" 0x%016" PRIX64 ";", sb->uuid[i]);
	printf("\n    flags 0x%08X;\n}\n", sb->flags);
	printf("# al-extents %u;\nla-size-sect %" PRIu64 ";\nbm-byte-per-bit %u;\n"
	       "device-uuid 0x%016" PRIX64 ";\nla-peer-max-bio-size %u;\n"
	       "al-stripes %u;\nal-stripe-size-4k %u;\n",
	       sb->al_nr_extents, sb->la_size_sect, sb->bm_bytes_per_bit, sb->device_uuid,
	       sb->la_peer_max_bio_size, m->at.al_stripes, m->at.al_stripe_size_4k);
}

int cmd_dump_md(struct meta *m)
{
	if (!meta_read_superblock(m)) {
		fprintf(stderr, "No valid meta data found\n");
		return EXIT_NO_METADATA;
	}
	if (m->kind == MD_KIND_UNCLEAN) {
		fprintf(stderr, "Found meta data is \"unclean\", please apply-al first\n");
		if (!opt.force)
			return EXIT_NO_METADATA;
	}
	dump_header(m);
	dump_places(m);
	dump_fields(m);
	dump_bitmap(m);
	if (opt.verbose >= 10)
		dump_al(m);
	return EXIT_OK;
}
