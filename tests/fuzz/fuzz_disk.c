// SPDX-License-Identifier: GPL-2.0
/*
 * Metadata as read from a hostile disk: superblock, activity log, bitmap
 *
 * Whatever the superblock says, a disk that may be attached has its log and bitmap on the
 * device, apart from each other; replay names slots that exist and ends; attaching it and
 * letting it go leaves nothing behind.
 */
#include "input.h"
#include "fake_env.h"
#include "core/actlog_block.h"
#include "core/objects.h"

#define RING_MAX 64

static void check_layout(const struct md_layout *l, const struct md_attach_facts *f)
{
	u64 end = f->meta_sectors;

	must(l->sb_sector + MD_BLOCK_SECTORS <= end);
	must(l->al_sector < end && l->al_sectors <= end - l->al_sector);
	must(l->bm_sector < end && l->bm_sectors <= end - l->bm_sector);
	must(l->al_sector + l->al_sectors <= l->bm_sector || l->bm_sector + l->bm_sectors <= l->al_sector);
	must(l->capacity <= f->data_sectors);
	must(l->bm_sectors >= (md_bm_bytes(l->capacity) >> 9) || !md_index_is_internal(f->index));
}

static void superblock(struct input *in, u8 *block, struct md_attach_facts *facts)
{
	static const s32 indexes[] = { MD_INDEX_INTERNAL, MD_INDEX_FLEX_EXTERNAL, MD_INDEX_INTERNAL_V07, 0, 1, 255 };
	struct md_superblock sb = { .magic = MD_MAGIC_CLEAN, .flags = MDF_AL_CLEAN };
	u8 how = take8(in), n = take8(in);
	struct md_layout at;

	facts->index = indexes[(how & 15) % ARRAY_SIZE(indexes)];
	facts->data_sectors = how & 0x10 ? take64(in) % MD_MAX_SECTORS : take32(in) & 0xffffff;
	facts->meta_sectors = md_index_is_internal(facts->index) ? facts->data_sectors :
			      how & 0x20 ? take32(in) : 8192;
	facts->configured_sectors = how & 0x40 ? take32(in) : 0;
	memset(block, 0, MD_BLOCK_BYTES);
	if (md_layout_compute(facts->index, facts->data_sectors, facts->meta_sectors,
			      1 + (how >> 7), MD_AL_STRIPE_4K_DEFAULT, &at)) {
		md_layout_to_superblock(&at, &sb);
	}
	sb.bm_bytes_per_bit = MD_BYTES_PER_BIT;
	sb.al_nr_extents = MD_AL_NR_EXTENTS_NEW;
	sb.la_size_sect = sb.md_size_sect && how & 1 ? at.capacity : 0;
	md_superblock_encode(&sb, block);
	/* Then the disk's own idea of it. */
	for (n &= 31; n; n--)
		block[take8(in) & 127] = take8(in);
}

static void judge(const u8 *block, const struct md_attach_facts *facts)
{
	struct md_layout stored, now;
	struct md_superblock sb;
	enum md_kind kind = md_superblock_decode(block, &sb);
	u8 again[MD_BLOCK_BYTES];

	if (!md_superblock_inside(facts->index, facts->meta_sectors))
		return;
	if (md_attach_check(&sb, kind, facts, &stored, &now) != MD_OK)
		return;
	check_layout(&stored, facts);
	check_layout(&now, facts);
	md_superblock_encode(&sb, again);
	must(md_superblock_decode(again, &sb) == kind);
}

/* The disk really attached, as the fake host does it: external metadata of this size. */
static void attach(struct input *in, const u8 *block, u64 sectors)
{
	struct admin_op op;
	struct drbd_device *device;

	fake_start(1);
	device = fake_device(0);
	device->backing_sectors = sectors;
	device->meta_sectors = 8192;
	device->backing_max_bio_size = 1 << 20;
	memcpy(fake.volume[0].superblock, block, MD_BLOCK_BYTES);
	disk_conf_set_defaults(&device->disk_conf);
	device->disk_conf.meta_dev_idx = MD_INDEX_FLEX_EXTERNAL;
	device->disk_conf.disk_size = take8(in) & 1 ? take32(in) & 0xffffff : 0;
	admin_op_init(&op, &fake.resource, device);
	op.conf.disk = device->disk_conf;
	must(fake_command(admin_attach, &op));
	fake_run();
	if (op.ret == ERR_NO_ERROR || op.ret == SS_SUCCESS) {
		must(device->capacity <= sectors);
		must(device->bitmap.n_bits == bm_bits_for_sectors(device->capacity) || !device->capacity);
	}
	admin_op_init(&op, &fake.resource, device);
	op.force = true;
	must(fake_command(admin_detach, &op));
	fake_run();
	must(device->state.disk == D_DISKLESS && !device->local_refs);
	fake_stop();
}

static void spoil(struct input *in, u8 *block, bool checksum)
{
	u8 n = take8(in) & 15;

	while (n--)
		block[take16(in) % AL_BLOCK_BYTES] = take8(in);
	if (checksum)
		al_block_finish(block);
}

/* A ring of blocks, some well-formed, some spoilt behind a right checksum, some garbage. */
static void ring_fill(struct input *in, u8 (*ring)[AL_BLOCK_BYTES], u32 blocks)
{
	u32 b, tr = take32(in);
	u8 how, n;

	for (b = 0; b < blocks; b++) {
		how = take8(in);
		if (how & 1) {
			al_block_initialized(ring[b]);
			continue;
		}
		al_block_begin(ring[b], how & 2 ? take32(in) : tr++, take16(in), take16(in));
		for (n = how >> 5; n; n--)
			al_block_add_update(ring[b], take16(in), how & 4 ? take32(in) : take16(in));
		for (n = how >> 5; n; n--)
			al_block_set_context(ring[b], take16(in) % AL_CONTEXT_PER_BLOCK, take32(in));
		al_block_finish(ring[b]);
		if (how & 8)
			spoil(in, ring[b], how & 16);
	}
}

static void bad_slot(void *arg, bool update, u32 b, u32 slot)
{
	(void)update;
	must(b < *(u32 *)arg);
	must(slot >= AL_SLOTS_MAX);
}

static void replay(struct input *in)
{
	static u8 ring[RING_MAX][AL_BLOCK_BYTES];
	static u32 slots[AL_SLOTS_MAX];
	u32 blocks = 1 + take8(in) % RING_MAX, b, i, hot;
	struct al_scan scan;

	ring_fill(in, ring, blocks);
	al_scan_begin(&scan, blocks);
	for (b = 0; b < blocks; b++)
		al_scan_block(&scan, b, ring[b]);
	if (al_scan_finish(&scan) != AL_SCAN_UPDATES)
		return;
	must(al_scan_replay_count(&scan) <= blocks);
	al_replay_begin(slots);
	for (i = 0; i < al_scan_replay_count(&scan); i++) {
		b = al_scan_replay_block(&scan, i);
		must(b < blocks);
		al_replay_block(slots, b, ring[b], bad_slot, &blocks);
	}
	hot = al_replay_hot_extents(slots);
	must(hot <= AL_SLOTS_MAX);
	for (i = 1; i < hot; i++)
		must(slots[i - 1] < slots[i]);
}

static void old_replay(struct input *in)
{
	static u32 slots[AL_SLOTS_MAX];
	u8 sector[AL_OLD_SECTOR_BYTES];
	u32 n = take8(in) & 31, i;
	struct al_scan scan;

	al_scan_begin(&scan, n + 1);
	al_replay_begin(slots);
	for (i = 0; i <= n; i++) {
		take_bytes(in, sector, 64);
		memset(sector + 64, 0, sizeof(sector) - 64);
		al_old_scan_sector(&scan, i, sector);
		al_old_replay_sector(slots, i, sector, NULL, NULL);
	}
	al_scan_finish(&scan);
	al_replay_hot_extents(slots);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = input_of(data, size);
	struct md_attach_facts facts = {};
	u8 block[MD_BLOCK_BYTES];
	u8 what = take8(&in);

	switch (what & 3) {
	case 0:
		superblock(&in, block, &facts);
		judge(block, &facts);
		break;
	case 1:
		superblock(&in, block, &facts);
		attach(&in, block, facts.data_sectors & 0x3fffff);
		break;
	case 2:
		replay(&in);
		break;
	default:
		old_replay(&in);
	}
	return 0;
}
