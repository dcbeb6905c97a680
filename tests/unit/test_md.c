// SPDX-License-Identifier: GPL-2.0
/* Superblock codec, layout geometry, attach checks and size rules (metadata.md 1, 2, 4.5). */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/md.h"
#include <cmocka.h>

static void read_vector(const char *name, u8 *out, size_t bytes)
{
	char path[4096];
	FILE *f;

	snprintf(path, sizeof(path), "%s/metadata/%s", VECTORS, name);
	f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(fread(out, 1, bytes, f), bytes);
	fclose(f);
}

static void genuine_superblocks_survive_decode_and_encode(void **state)
{
	char dir_name[4096];
	u8 in[MD_BLOCK_BYTES], out[MD_BLOCK_BYTES];
	struct md_superblock sb;
	struct dirent *entry;
	int v08 = 0, v07 = 0, v09 = 0;
	enum md_kind kind;
	DIR *dir;

	(void)state;
	snprintf(dir_name, sizeof(dir_name), "%s/metadata", VECTORS);
	dir = opendir(dir_name);
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "sb-", 3))
			continue;
		read_vector(entry->d_name, in, sizeof(in));
		kind = md_superblock_decode(in, &sb);
		if (kind == MD_KIND_V07) {
			v07++;
			assert_non_null(strstr(entry->d_name, "v07"));
		} else if (kind == MD_KIND_V09) {
			v09++;
			assert_non_null(strstr(entry->d_name, "v09"));
		} else {
			v08++;
			assert_int_equal(kind, strstr(entry->d_name, "live") &&
					 !strstr(entry->d_name, "after-apply-al") ?
					 MD_KIND_UNCLEAN : MD_KIND_CLEAN);
			memset(out, 0x55, sizeof(out));
			md_superblock_encode(&sb, out);
			assert_memory_equal(in, out, sizeof(in));
		}
	}
	closedir(dir);
	assert_true(v08 >= 18);
	assert_int_equal(v07, 2);
	assert_int_equal(v09, 1);
}

struct vector_layout {
	const char *name;
	s32 index;
	u64 sectors;
	u32 stripes, size_4k;
	u64 byte;
};

static const struct vector_layout vector_layouts[] = {
	{ "sb-new-256M-internal.bin", -3, 524288, 1, 8, 268431360 },
	{ "sb-new-1000001s-internal.bin", -3, 1000001, 1, 8, 511995904 },
	{ "sb-new-1T-internal.bin", -3, 1ULL << 31, 1, 8, 1099511623680 },
	{ "sb-new-16T-internal.bin", -3, 1ULL << 35, 1, 8, 17592186040320 },
	{ "sb-new-300M-stripes7x64k.bin", -3, 614400, 7, 16, 314568704 },
	{ "sb-new-512M-index3.bin", 3, 1048576, 1, 8, 402653184 },
	{ "sb-new-1000001s-flexext.bin", -2, 1000001, 1, 8, 0 },
	{ "sb-live-stripes3x16k.bin", -3, 1000001, 3, 4, 511995904 },
};

static void computed_layouts_are_those_of_genuine_superblocks(void **state)
{
	u8 in[MD_BLOCK_BYTES], out[MD_BLOCK_BYTES];
	struct md_layout computed, read_back;
	struct md_superblock sb, ours;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(vector_layouts); i++) {
		const struct vector_layout *v = &vector_layouts[i];

		read_vector(v->name, in, sizeof(in));
		md_superblock_decode(in, &sb);
		assert_true(md_layout_compute(v->index, v->sectors, v->sectors, v->stripes,
					      v->size_4k, &computed));
		assert_int_equal(computed.sb_sector * 512, v->byte);
		ours = sb;
		ours.md_size_sect = ours.al_stripes = ours.al_stripe_size_4k = 0;
		ours.al_offset = ours.bm_offset = 0;
		md_layout_to_superblock(&computed, &ours);
		md_superblock_encode(&ours, out);
		assert_memory_equal(in, out, sizeof(in));

		assert_true(md_superblock_geometry_ok(&sb, v->index, v->sectors));
		md_layout_from_superblock(&sb, v->index, v->sectors, v->sectors, &read_back);
		assert_memory_equal(&read_back, &computed, sizeof(computed));
	}
}

struct example {
	u64 s, sb, al, bm, bms, size;
	s64 bm_offset;
	u64 bits;
};

/* metadata.md 1.5 */
static const struct example examples[] = {
	{ 136, 128, 64, 56, 8, 80, -72, 7 },
	{ 2048, 2040, 1976, 1968, 8, 80, -72, 246 },
	{ 524288, 524280, 524216, 524200, 16, 88, -80, 65525 },
	{ 614400, 614392, 614328, 614304, 24, 96, -88, 76788 },
	{ 1000001, 999992, 999928, 999896, 32, 104, -96, 124987 },
	{ 2097152, 2097144, 2097080, 2097016, 64, 136, -128, 262127 },
	{ 2147483648, 2147483640, 2147483576, 2147418040, 65536, 65608, -65600, 268427255 },
	{ 34359738368, 34359738360, 34359738296, 34358689720, 1048576, 1048648, -1048640,
	  4294836215 },
	{ 2199023255552, 2199023255544, 2199023255480, 2198956146616, 67108864, 67108936,
	  -67108928, 274869518327 },
};

static void internal_layout_matches_the_table_of_real_devices(void **state)
{
	struct md_layout l;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(examples); i++) {
		const struct example *e = &examples[i];

		assert_true(md_layout_compute(-3, e->s, e->s, 1, 8, &l));
		assert_int_equal(l.sb_sector, e->sb);
		assert_int_equal(l.al_sector, e->al);
		assert_int_equal(l.bm_sector, e->bm);
		assert_int_equal(l.bm_sectors, e->bms);
		assert_int_equal(l.md_size_sect, e->size);
		assert_int_equal((s64)l.bm_offset, e->bm_offset);
		assert_int_equal(l.capacity, e->bm);
		assert_int_equal(md_bm_bits(l.capacity), e->bits);
	}
	assert_true(md_layout_compute(-3, 614400, 614400, 7, 16, &l));
	assert_int_equal(l.al_sector, 613496);
	assert_int_equal(l.bm_sector, 613472);
	assert_int_equal(l.md_size_sect, 928);
	assert_true(md_layout_compute(-3, 614400, 614400, 1, 256, &l));
	assert_int_equal(l.al_sector, 612344);
	assert_int_equal(l.bm_sector, 612320);
	assert_int_equal(l.md_size_sect, 2080);
	assert_true(md_layout_compute(-2, 1 << 30, 4096, 4, 16, &l));
	assert_int_equal(l.bm_offset, 520);
	assert_int_equal(l.md_size_sect, 4096);
}

/* The long form of the bitmap's size, in plain rounding steps. */
static u64 align_up(u64 v, u64 n)
{
	return (v + n - 1) / n * n;
}

static u64 bitmap_sectors_long_form(u64 s)
{
	return align_up(align_up((s + 7) / 8, 64) / 8, 4096) / 512;
}

static void check_internal(u64 s, u32 stripes, u32 size_4k)
{
	u64 al = 8ULL * stripes * size_4k, bms = bitmap_sectors_long_form(s);
	u64 sb = s / 8 * 8 - 8;
	struct md_layout l;
	bool fits = s >= 8 && sb >= al + bms;

	assert_int_equal(md_layout_compute(-3, s, s, stripes, size_4k, &l), fits);
	assert_int_equal(md_bm_area_sectors(s), bms);
	if (!fits)
		return;
	assert_int_equal(l.sb_sector, sb);
	assert_int_equal(l.al_sector, sb - al);
	assert_int_equal(l.bm_sector, sb - al - bms);
	assert_int_equal(l.bm_sectors, bms);
	assert_int_equal(l.md_size_sect, 8 + al + bms);
	assert_int_equal(l.capacity, sb - al - bms);
	assert_int_equal(l.capacity % 8, 0);
	/* every data bit has a place, and nothing overlaps or leaves the device */
	assert_true(md_bm_bytes(l.capacity) <= bms * 512);
	assert_true(l.bm_sector + bms <= l.al_sector);
	assert_true(l.al_sector + al <= l.sb_sector);
	assert_true(l.sb_sector + 8 <= s);
}

static void internal_layout_is_right_around_every_boundary(void **state)
{
	static const u32 stripes[][2] = { { 1, 8 }, { 7, 16 }, { 1, 256 }, { 8, 1 }, { 512, 16 } };
	u64 s, k;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(stripes); i++) {
		for (s = 0; s < 3000; s++)
			check_internal(s, stripes[i][0], stripes[i][1]);
		for (k = 1; k < 40; k++)
			for (s = k * 262144 - 70; s < k * 262144 + 70; s++)
				check_internal(s, stripes[i][0], stripes[i][1]);
		for (k = 20; k <= 41; k++)
			for (s = (1ULL << k) - 20; s < (1ULL << k) + 20; s++)
				check_internal(s, stripes[i][0], stripes[i][1]);
	}
}

static void external_capacity_is_the_smaller_of_data_and_bitmap(void **state)
{
	struct md_layout l;
	u64 s, data;
	s32 index;

	(void)state;
	for (s = 0; s < 2000; s++) {
		bool fits = s > 72;

		data = 100 * 32768 + 17;
		assert_int_equal(md_layout_compute(-2, data, s, 1, 8, &l), fits);
		if (!fits)
			continue;
		assert_int_equal(l.md_size_sect, s);
		assert_int_equal(l.sb_sector, 0);
		assert_int_equal(l.al_sector, 8);
		assert_int_equal(l.bm_sector, 72);
		assert_int_equal(l.capacity, s - 72 < 101 ? (s - 72) * 32768 : data);
	}
	for (index = 0; index < 256; index += 5) {
		assert_true(md_layout_compute(index, 1ULL << 40, 1ULL << 30, 1, 8, &l));
		assert_int_equal(l.sb_sector, 262144ULL * (u32)index);
		assert_int_equal(l.md_size_sect, 262144);
		assert_int_equal(l.capacity, 8587575296ULL);
		assert_true(md_layout_compute(index, 12345, 1ULL << 30, 1, 8, &l));
		assert_int_equal(l.capacity, 12345);
	}
}

/* Places that do not overlap, room for every bit, and an attach that finds it all again. */
static void check_layout(s32 index, u64 data, u64 meta, const struct md_layout *l)
{
	bool internal = md_index_is_internal(index);
	u64 end = index >= 0 ? l->sb_sector + MD_SLOT_SECTORS : meta;
	struct md_layout back, now;
	struct md_superblock sb = {
		.bm_bytes_per_bit = 4096, .magic = MD_MAGIC_CLEAN, .flags = MDF_AL_CLEAN,
		.la_size_sect = l->capacity,
	};
	struct md_attach_facts facts = { .index = index, .data_sectors = data, .meta_sectors = meta };
	u8 block[MD_BLOCK_BYTES];

	assert_true((md_bm_bits(l->capacity) + 4095) / 4096 <= l->bm_sectors);
	assert_true(l->capacity <= data);
	if (internal) {
		assert_true(l->capacity <= l->bm_sector);
		assert_true(l->bm_sector + l->bm_sectors <= l->al_sector);
		assert_true(l->al_sector + l->al_sectors <= l->sb_sector);
		assert_true(l->sb_sector + MD_BLOCK_SECTORS <= meta);
	} else {
		assert_true(l->sb_sector + MD_BLOCK_SECTORS <= l->al_sector);
		assert_true(l->al_sector + l->al_sectors <= l->bm_sector);
		assert_true(l->bm_sector + l->bm_sectors <= end);
	}
	assert_int_equal(l->sb_sector % 8 + l->al_sector % 8 + l->bm_sector % 8, 0);

	md_layout_to_superblock(l, &sb);
	md_superblock_encode(&sb, block);
	assert_int_equal(md_superblock_decode(block, &sb), MD_KIND_CLEAN);
	md_layout_from_superblock(&sb, index, data, meta, &back);
	assert_memory_equal(&back, l, sizeof(back));
	if (meta < 2048 || (index >= 0 && meta < MD_SLOT_SECTORS * ((u64)index + 1)))
		return;
	if (index >= 0 && (l->al_stripes != 1 || l->al_stripe_size_4k != 8))
		return;
	assert_int_equal(md_attach_check(&sb, MD_KIND_CLEAN, &facts, &back, &now), MD_OK);
	assert_true(md_layout_same_place(&back, &now));
	facts.current_sectors = l->capacity + 1;
	assert_int_equal(md_attach_check(&sb, MD_KIND_CLEAN, &facts, &back, &now), MD_ERR_DISK_TOO_SMALL);
}

static unsigned long layout_cases;

static void try_layout(s32 index, u64 data, u64 meta, u32 stripes, u32 size_4k)
{
	struct md_layout l;

	if (md_layout_compute(index, data, meta, stripes, size_4k, &l))
		check_layout(index, data, meta, &l);
	layout_cases++;
}

static void every_layout_around_every_boundary_holds_what_it_promises(void **state)
{
	static const u32 logs[][2] = { { 1, 8 }, { 8, 1 }, { 3, 4 }, { 7, 16 }, { 1, 256 }, { 512, 16 } };
	static const s32 indices[] = { 0, 1, 7, 255 };
	u64 d, m, k;
	size_t i, x;
	int off;

	(void)state;
	layout_cases = 0;
	for (i = 0; i < ARRAY_SIZE(logs); i++) {
		u64 al = 8ULL * logs[i][0] * logs[i][1];

		/* Internal: around each page of bitmap, each power of two, and where it begins to fit. */
		for (d = al; d < al + 3000; d++)
			try_layout(-3, d, d, logs[i][0], logs[i][1]);
		for (k = 1; k <= 33; k++)
			for (off = -40; off <= 40; off++)
				try_layout(-3, k * 262144 + al + off, k * 262144 + al + off, logs[i][0], logs[i][1]);
		for (k = 12; k <= 41; k++)
			for (off = -20; off <= 20; off++)
				try_layout(-3, (1ULL << k) + off, (1ULL << k) + off, logs[i][0], logs[i][1]);
		/* Flexible: each size of the meta device around a page, data around what it can describe. */
		for (m = al; m < al + 300; m++)
			for (off = -20; off <= 20; off++) {
				u64 full = m > al + 8 ? (m - al - 8) * 32768 : 32768;

				try_layout(-2, full + off, m, logs[i][0], logs[i][1]);
				try_layout(-2, full + off, m + 2048, logs[i][0], logs[i][1]);
			}
		/* Slots: the data around what a slot can describe. */
		for (x = 0; x < ARRAY_SIZE(indices); x++)
			for (off = -20; off <= 20; off++) {
				m = MD_SLOT_SECTORS * ((u64)indices[x] + 1);
				try_layout(indices[x], MD_INDEXED_MAX_SECTORS + off, m, logs[i][0], logs[i][1]);
				try_layout(indices[x], 262144 + off, m + off, logs[i][0], logs[i][1]);
			}
	}
	printf("         layouts: %lu cases\n", layout_cases);
}

static void sizes_beyond_the_fields_on_disk_are_refused_or_limited(void **state)
{
	struct md_layout l;

	(void)state;
	assert_false(md_layout_compute(-3, 1ULL << 60, 1ULL << 60, 1, 8, &l));
	assert_false(md_layout_compute(-3, U64_MAX, U64_MAX, 1, 8, &l));
	assert_true(md_layout_compute(-2, 1ULL << 60, 1ULL << 40, 1, 8, &l));
	assert_int_equal(l.md_size_sect, U32_MAX);
	assert_true(l.capacity <= 1ULL << 51);
	assert_false(md_layout_compute(-3, 1 << 30, 1 << 30, 0, 8, &l));
	assert_false(md_layout_compute(-3, 1 << 30, 1 << 30, 1, 7, &l));
	assert_false(md_layout_compute(-3, 1ULL << 40, 1ULL << 40, 4194304, 2, &l));
}

static void only_magic_and_flag_together_mean_clean(void **state)
{
	u8 block[MD_BLOCK_BYTES];
	struct md_superblock sb;

	(void)state;
	read_vector("sb-new-256M-internal.bin", block, sizeof(block));
	assert_int_equal(md_superblock_decode(block, &sb), MD_KIND_CLEAN);
	block[0x3b] = 0;
	assert_int_equal(md_superblock_decode(block, &sb), MD_KIND_UNCLEAN);
	block[0x3b] = 0x80;
	block[0x3f] = 0x6c;
	assert_int_equal(md_superblock_decode(block, &sb), MD_KIND_UNCLEAN);
	block[0x3f] = 0x6e;
	assert_int_equal(md_superblock_decode(block, &sb), MD_KIND_NONE);
	memset(block, 0, sizeof(block));
	assert_int_equal(md_superblock_decode(block, &sb), MD_KIND_NONE);
}

struct attach {
	struct md_superblock sb;
	enum md_kind kind;
	struct md_attach_facts facts;
	struct md_layout stored, current_layout;
};

static void attach_prepare(struct attach *a, s32 index, u64 data, u64 meta)
{
	struct md_layout l;

	memset(a, 0, sizeof(*a));
	assert_true(md_layout_compute(index, data, meta, 1, 8, &l));
	md_layout_to_superblock(&l, &a->sb);
	a->sb.bm_bytes_per_bit = 4096;
	a->sb.magic = MD_MAGIC_CLEAN;
	a->sb.flags = MDF_AL_CLEAN;
	a->kind = MD_KIND_CLEAN;
	a->facts.index = index;
	a->facts.data_sectors = data;
	a->facts.meta_sectors = meta;
}

static int attach_check(struct attach *a)
{
	return md_attach_check(&a->sb, a->kind, &a->facts, &a->stored, &a->current_layout);
}

#define GIB 2097152ULL

static void attach_refuses_each_fault_with_its_own_code(void **state)
{
	struct attach a;

	(void)state;
	attach_prepare(&a, -3, GIB, GIB);
	assert_int_equal(attach_check(&a), MD_OK);
	assert_true(md_layout_same_place(&a.stored, &a.current_layout));
	a.kind = MD_KIND_UNCLEAN;
	assert_int_equal(attach_check(&a), 165);
	a.kind = MD_KIND_NONE;
	assert_int_equal(attach_check(&a), 119);
	a.kind = MD_KIND_V09;
	assert_int_equal(attach_check(&a), 119);
	a.kind = MD_KIND_CLEAN;

	a.sb.bm_bytes_per_bit = 8192;
	assert_int_equal(attach_check(&a), 119);
	a.sb.bm_bytes_per_bit = 4096;
	a.sb.al_stripes = 0;
	assert_int_equal(attach_check(&a), 119);
	a.sb.al_stripe_size_4k = 0;
	assert_int_equal(attach_check(&a), MD_OK);	/* 0/0 is 1/8 */
	a.sb.al_stripes = 1;
	assert_int_equal(attach_check(&a), 119);
	a.sb.al_stripe_size_4k = 8;

	a.facts.configured_sectors = a.stored.capacity;
	assert_int_equal(attach_check(&a), MD_OK);
	a.facts.configured_sectors++;
	assert_int_equal(attach_check(&a), 111);
	a.facts.configured_sectors = 0;
	a.facts.current_sectors = a.stored.capacity;
	assert_int_equal(attach_check(&a), MD_OK);
	a.facts.current_sectors++;
	assert_int_equal(attach_check(&a), 111);

	attach_prepare(&a, -3, 2047, 2047);
	assert_int_equal(attach_check(&a), 112);
	attach_prepare(&a, -3, 2048, 2048);
	assert_int_equal(attach_check(&a), MD_OK);
	attach_prepare(&a, 1, GIB, 2 * 262144);
	assert_int_equal(attach_check(&a), MD_OK);
	a.facts.meta_sectors--;
	assert_int_equal(attach_check(&a), 119);	/* geometry comes before the minimum */
	a.facts.meta_sectors = 262144;
	assert_int_equal(attach_check(&a), 118);
}

/* Geometry: one wrong field at a time, at both ends of what is allowed. */
static void attach_refuses_every_wrong_offset(void **state)
{
	struct attach a;
	s32 d;

	(void)state;
	for (d = -4096; d <= 4096; d++) {
		if (!d)
			continue;
		attach_prepare(&a, -3, GIB, GIB);
		a.sb.al_offset += d;
		assert_int_equal(attach_check(&a), 119);
		attach_prepare(&a, -2, GIB, GIB);
		a.sb.al_offset += d;
		assert_int_equal(attach_check(&a), 119);
		attach_prepare(&a, -2, GIB, GIB);
		a.sb.bm_offset += d;
		assert_int_equal(attach_check(&a), 119);
		attach_prepare(&a, 2, GIB, GIB);
		a.sb.md_size_sect += (u32)d;
		assert_int_equal(attach_check(&a), 119);
		/* internal: the bitmap may be longer than needed, but not reach into the log */
		attach_prepare(&a, -3, GIB, GIB);
		a.sb.bm_offset += d;
		assert_int_equal(attach_check(&a), d < 0 && d % 8 == 0 ? 101 : 119);
	}
}

static void attach_refuses_layouts_of_the_other_kind(void **state)
{
	struct attach a;
	s32 index;

	(void)state;
	attach_prepare(&a, -2, GIB, GIB);
	a.facts.index = -3;
	assert_int_equal(attach_check(&a), 119);
	attach_prepare(&a, -3, GIB, GIB);
	a.facts.index = -2;
	assert_int_equal(attach_check(&a), 119);
	attach_prepare(&a, 0, GIB, GIB);
	a.sb.al_offset = INT_MIN;
	assert_int_equal(attach_check(&a), 119);
	a.sb.bm_offset = INT_MIN;
	assert_int_equal(attach_check(&a), 119);
	for (index = -6; index < 4; index++) {
		bool internal = index == -1 || index == -3;

		assert_int_equal(md_attach_check_devices(index, true), internal ? 101 : 116);
		assert_int_equal(md_attach_check_devices(index, false),
				 index < -3 || internal ? 116 : 101);
	}
}

static void attach_needs_a_bitmap_for_the_last_agreed_size(void **state)
{
	struct attach a;

	(void)state;
	attach_prepare(&a, -2, GIB, 72 + 10);
	assert_int_equal(attach_check(&a), 112);	/* geometry is fine, the device too small */
	a.sb.la_size_sect = 10 * 32768;
	assert_int_equal(attach_check(&a), 112);
	a.sb.la_size_sect = 11 * 32768;
	assert_int_equal(attach_check(&a), 119);
	a.sb.la_size_sect = U64_MAX;
	assert_int_equal(attach_check(&a), 119);
}

static void random_superblocks_never_pass_with_places_outside_the_device(void **state)
{
	struct attach a;
	int i, passed = 0;
	u64 first;

	(void)state;
	srand(4711);
	for (i = 0; i < 200000; i++) {
		s32 index = rand() % 5 - 3;

		if (index == -1)
			index = -3;
		attach_prepare(&a, index, 600000 + rand() % 9, 600000 + rand() % 9);
		if (index == -3)
			a.facts.data_sectors = a.facts.meta_sectors;
		if (rand() % 2)
			a.sb.md_size_sect += (u32)(rand() % 256 - 128);
		if (rand() % 2)
			a.sb.bm_offset += (rand() % 32 - 16) * 8;
		if (rand() % 4 == 0)
			a.sb.md_size_sect = (u32)rand() * 2;
		if (rand() % 4 == 0)
			a.sb.bm_offset = rand() - RAND_MAX / 2;
		if (rand() % 4 == 0)
			a.sb.al_stripes = (u32)rand() % 4;
		if (attach_check(&a) != MD_OK)
			continue;
		passed++;
		first = index == -3 ? a.stored.bm_sector : a.stored.sb_sector;
		assert_true(first < a.facts.meta_sectors);
		assert_true(a.stored.bm_sector + a.stored.bm_sectors <= a.facts.meta_sectors);
		assert_true(a.stored.al_sector + a.stored.al_sectors <= a.facts.meta_sectors);
		assert_true(a.stored.capacity <= a.facts.data_sectors);
	}
	assert_true(passed > 1000);
}

static void consistent_data_never_shrinks_by_accident(void **state)
{
	struct md_superblock sb = { .la_size_sect = 1000, .flags = MDF_CONSISTENT };

	(void)state;
	assert_int_equal(md_attach_check_shrink(&sb, 1000, 0), 101);
	assert_int_equal(md_attach_check_shrink(&sb, 999, 0), 170);
	assert_int_equal(md_attach_check_shrink(&sb, 999, 999), 101);
	assert_int_equal(md_attach_check_shrink(&sb, 999, 998), 170);
	sb.flags = 0;
	assert_int_equal(md_attach_check_shrink(&sb, 1, 0), 101);
}

static void diskless_primary_only_takes_back_its_own_data(void **state)
{
	struct md_superblock sb = { .uuid = { 0x1000 } };

	(void)state;
	assert_int_equal(md_attach_check_data_uuid(&sb, true, 0x1001), 101);
	assert_int_equal(md_attach_check_data_uuid(&sb, true, 0x1002), 150);
	assert_int_equal(md_attach_check_data_uuid(&sb, false, 0x1002), 101);
	assert_int_equal(md_attach_check_data_uuid(&sb, true, 0), 101);
}

static void al_extents_are_limited_by_the_log(void **state)
{
	(void)state;
	assert_int_equal(md_al_extents_clamp(8, 1237), 1237);
	assert_int_equal(md_al_extents_clamp(8, 7), 67);
	assert_int_equal(md_al_extents_clamp(8, 65534), 6433);
	assert_int_equal(md_al_extents_clamp(72, 65534), 65249);
	assert_int_equal(md_al_extents_clamp(73, U32_MAX), 65534);
	assert_int_equal(md_al_extents_clamp(112, 6000), 6000);
}

static void size_is_what_both_sides_can_hold(void **state)
{
	static const u64 values[] = { 0, 50, 100, 200 };
	unsigned int c, p, l, u, flags;

	(void)state;
	for (c = 0; c < 4; c++)
	for (p = 0; p < 4; p++)
	for (l = 0; l < 4; l++)
	for (u = 0; u < 4; u++)
	for (flags = 0; flags < 4; flags++) {
		struct md_size_facts f = {
			.capacity = values[c], .peer_sectors = values[p],
			.la_size_sect = values[l], .configured_sectors = values[u],
			.connected = flags & 1, .assume_peer_has_space = flags & 2,
		};
		u64 size = md_size_determine(&f), peer = values[p];

		if (!f.connected && f.assume_peer_has_space)
			peer = f.capacity;
		if (f.capacity)
			assert_true(size <= f.capacity);
		if (peer)
			assert_true(size <= peer);
		/* unknown peer: no growth on our own */
		if (!(f.capacity && peer) && f.la_size_sect)
			assert_true(size <= f.la_size_sect);
		if (f.configured_sectors)
			assert_true(size <= f.configured_sectors);
		if (f.capacity && !peer && !f.la_size_sect && !f.configured_sectors)
			assert_int_equal(size, f.capacity);
		if (f.capacity && peer && !f.configured_sectors)
			assert_int_equal(size, f.capacity < peer ? f.capacity : peer);
		if (f.configured_sectors && f.capacity >= f.configured_sectors &&
		    peer >= f.configured_sectors)
			assert_int_equal(size, f.configured_sectors);
		if (!f.capacity && !peer)
			assert_int_equal(size, 0);
	}
}

static void online_log_changes_keep_their_limits(void **state)
{
	(void)state;
	assert_int_equal(md_restripe_check(4194304, 2, true, false), 167);
	assert_int_equal(md_restripe_check(1, 7, true, false), 168);
	assert_int_equal(md_restripe_check(4, 16, false, false), 166);
	assert_int_equal(md_restripe_check(4, 16, false, true), 101);
	assert_int_equal(md_restripe_check(4194304, 1, true, false), 101);
	assert_int_equal(md_resize_check(99, 100, 0, true), 170);
	assert_int_equal(md_resize_check(100, 100, 0, true), 101);
	assert_int_equal(md_resize_check(99, 100, 100, true), 169);
	assert_int_equal(md_resize_check(99, 100, 0, false), 101);
}

static void bitmap_sizes_round_as_on_disk(void **state)
{
	u64 s, k;

	(void)state;
	for (k = 0; k < 60; k++)
		for (s = (1ULL << k) > 70 ? (1ULL << k) - 70 : 0; s < (1ULL << k) + 70; s++) {
			assert_int_equal(md_bm_bits(s), (s + 7) / 8);
			assert_int_equal(md_bm_words64(s), ((s + 7) / 8 + 63) / 64);
			assert_int_equal(md_bm_bytes(s), bitmap_sectors_long_form(s) * 512);
			assert_int_equal(md_bm_pages(s) * 4096, md_bm_bytes(s));
		}
	assert_int_equal(md_bm_bits(U64_MAX), 1ULL << 61);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(genuine_superblocks_survive_decode_and_encode),
		cmocka_unit_test(computed_layouts_are_those_of_genuine_superblocks),
		cmocka_unit_test(internal_layout_matches_the_table_of_real_devices),
		cmocka_unit_test(internal_layout_is_right_around_every_boundary),
		cmocka_unit_test(external_capacity_is_the_smaller_of_data_and_bitmap),
		cmocka_unit_test(every_layout_around_every_boundary_holds_what_it_promises),
		cmocka_unit_test(sizes_beyond_the_fields_on_disk_are_refused_or_limited),
		cmocka_unit_test(only_magic_and_flag_together_mean_clean),
		cmocka_unit_test(attach_refuses_each_fault_with_its_own_code),
		cmocka_unit_test(attach_refuses_every_wrong_offset),
		cmocka_unit_test(attach_refuses_layouts_of_the_other_kind),
		cmocka_unit_test(attach_needs_a_bitmap_for_the_last_agreed_size),
		cmocka_unit_test(random_superblocks_never_pass_with_places_outside_the_device),
		cmocka_unit_test(consistent_data_never_shrinks_by_accident),
		cmocka_unit_test(diskless_primary_only_takes_back_its_own_data),
		cmocka_unit_test(al_extents_are_limited_by_the_log),
		cmocka_unit_test(size_is_what_both_sides_can_hold),
		cmocka_unit_test(online_log_changes_keep_their_limits),
		cmocka_unit_test(bitmap_sizes_round_as_on_disk),
	};

	return cmocka_run_group_tests_name("md", tests, NULL, NULL);
}
