// SPDX-License-Identifier: GPL-2.0
#include "vli.h"

/* Byte 0 of a compressed payload. */
#define HEAD_CODE_MASK	0x0f
#define HEAD_CODE_VLI	0x02
#define HEAD_PAD_SHIFT	4
#define HEAD_PAD_MASK	0x07
#define HEAD_ONES	0x80	/* the first run is of ones */

struct vli_level {
	u8 prefix;
	u8 prefix_bits;
	u8 data_bits;
	u64 base;		/* shortest run of this level */
};

static const struct vli_level vli_levels[] = {
	{ 0x00, 1, 1, 1 },
	{ 0x01, 2, 1, 3 },
	{ 0x03, 3, 2, 5 },
	{ 0x07, 4, 3, 9 },
	{ 0x0f, 5, 5, 17 },
	{ 0x1f, 6, 8, 49 },
	{ 0x3f, 8, 13, 305 },
	{ 0x7f, 8, 21, 8497 },
	{ 0xbf, 8, 34, 2105649 },
	{ 0xff, 8, 56, 17181974833ULL },
};

unsigned int vli_encode(u64 run, u64 *code)
{
	unsigned int i;

	if (!run)
		return 0;
	for (i = 0; i < ARRAY_SIZE(vli_levels); i++) {
		const struct vli_level *l = &vli_levels[i];
		u64 data = run - l->base;

		if (data >> l->data_bits)
			continue;
		*code = data << l->prefix_bits | l->prefix;
		return l->prefix_bits + l->data_bits;
	}
	return 0;
}

unsigned int vli_decode(u64 code, unsigned int valid, u64 *run)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(vli_levels); i++) {
		const struct vli_level *l = &vli_levels[i];
		unsigned int used = l->prefix_bits + l->data_bits;

		if ((code & ((1u << l->prefix_bits) - 1)) != l->prefix)
			continue;
		/* Missing bits read as 0 and may have shown a wrong prefix. */
		if (used > valid)
			return 0;
		*run = l->base + (code >> l->prefix_bits & ((1ULL << l->data_bits) - 1));
		return used;
	}
	return 0;
}

/* Append @n bits, least significant first, to a stream that is 0 from @pos on. */
static void vli_put_bits(u8 *stream, u64 pos, u64 code, unsigned int n)
{
	while (n) {
		unsigned int shift = pos % 8;
		unsigned int take = min_t(unsigned int, n, 8 - shift);

		stream[pos / 8] |= (u8)((code & ((1u << take) - 1)) << shift);
		code >>= take;
		pos += take;
		n -= take;
	}
}

/* Up to 64 bits from @pos on; bits at and beyond @end read as 0. */
static u64 vli_get_bits(const u8 *stream, u64 pos, u64 end)
{
	unsigned int have = 0;
	u64 code = 0;

	while (have < 64 && pos < end) {
		unsigned int shift = pos % 8;
		unsigned int take = min_t(u64, 8 - shift, end - pos);
		u64 bits = stream[pos / 8] >> shift & ((1u << take) - 1);

		code |= bits << have;
		have += take;
		pos += take;
	}
	return code;
}

void bm_transfer_init(struct bm_transfer *t, u64 n_bits)
{
	memset(t, 0, sizeof(*t));
	t->n_bits = n_bits;
}

static void bm_transfer_account(struct bm_transfer *t, bool compressed, unsigned int len)
{
	t->packets[compressed]++;
	t->bytes[compressed] += len;
}

/*
 * A plain packet starts at the word the cursor is in; once all words went, the
 * cursor stands at the end of the last whole word, so that none are left.
 */
static u64 bm_transfer_words(const struct bm_transfer *t, unsigned int room, u64 *word)
{
	*word = t->bit >> 6;
	return min_t(u64, room / sizeof(__le64), bm_words_for(t->n_bits) - *word);
}

/* ------------------------------------------------------------------ */
/* Sending                                                            */

/*
 * Fill @buf with code words from the cursor on.  Returns the payload's length
 * and moves the cursor, or 0 if plain bits would be shorter.
 */
static unsigned int bm_send_runs(const struct bitmap *bm, struct bm_transfer *t,
				 u8 *buf, unsigned int room)
{
	const u64 room_bits = (u64)(room - 1) * 8;
	bool value = bm_test(bm, t->bit) == 1;
	u64 bit = t->bit;
	u64 pos = 0;
	unsigned int pad;

	memset(buf, 0, room);
	buf[0] = HEAD_CODE_VLI | (value ? HEAD_ONES : 0);
	while (bit < t->n_bits) {
		u64 next = value ? bm_find_next_zero(bm, bit) : bm_find_next(bm, bit);
		unsigned int n;
		u64 code = 0;

		if (next == BM_END)
			next = t->n_bits;
		n = vli_encode(next - bit, &code);
		if (!n || pos + n > room_bits)
			break;
		vli_put_bits(buf + 1, pos, code, n);
		pos += n;
		bit = next;
		value = !value;
	}
	if (!pos || pos > bit - t->bit)
		return 0;

	pad = (8 - pos % 8) % 8;
	buf[0] |= pad << HEAD_PAD_SHIFT;
	t->bit = bit;
	return 1 + (unsigned int)((pos + pad) / 8);
}

enum bm_send_result bm_send_fill(const struct bitmap *bm, struct bm_transfer *t,
				 bool use_rle, void *buf, unsigned int room,
				 unsigned int *len)
{
	u64 word, words;

	*len = 0;
	if (t->done)
		return BM_SEND_DONE;
	if (bm->n_bits != t->n_bits)
		return BM_SEND_RESIZED;

	if (use_rle && room >= 2 && t->bit < t->n_bits) {
		*len = bm_send_runs(bm, t, buf, room);
		if (*len) {
			t->done = t->bit == t->n_bits;
			bm_transfer_account(t, true, *len);
			return BM_SEND_COMPRESSED;
		}
	}

	words = bm_transfer_words(t, room, &word);
	bm_copy_le(bm, word, buf, (u32)words);
	*len = (unsigned int)(words * sizeof(__le64));
	t->bit = (word + words) << 6;
	t->done = !words;
	bm_transfer_account(t, false, *len);
	return BM_SEND_PLAIN;
}

/* ------------------------------------------------------------------ */
/* Receiving                                                          */

static int bm_recv_plain(struct bitmap *bm, struct bm_transfer *t, const void *buf,
			 unsigned int len, unsigned int room)
{
	u64 word, words;

	words = bm_transfer_words(t, room, &word);
	if (len != words * sizeof(__le64))
		return BM_RECV_ERR_LENGTH;
	if (bm)
		bm_merge_le(bm, word, buf, (u32)words);
	t->bit = (word + words) << 6;
	t->done = !words;
	return t->done ? BM_RECV_DONE : BM_RECV_MORE;
}

static int bm_recv_runs(struct bitmap *bm, struct bm_transfer *t, const u8 *buf,
			unsigned int len, unsigned int room)
{
	bool value;
	u64 pos, end;

	if (len < 2 || len > room)
		return BM_RECV_ERR_LENGTH;
	if ((buf[0] & HEAD_CODE_MASK) != HEAD_CODE_VLI)
		return BM_RECV_ERR_CODE;
	/* All words came already as plain ones: only the terminator may follow. */
	if (t->bit >= t->n_bits)
		return BM_RECV_ERR_RANGE;

	value = buf[0] & HEAD_ONES;
	end = (u64)(len - 1) * 8 - (buf[0] >> HEAD_PAD_SHIFT & HEAD_PAD_MASK);
	for (pos = 0; pos < end; value = !value) {
		unsigned int used;
		u64 run = 0;

		used = vli_decode(vli_get_bits(buf + 1, pos, end),
				  (unsigned int)min_t(u64, 64, end - pos), &run);
		if (!used)
			return BM_RECV_ERR_CODE;
		if (run > t->n_bits - t->bit)
			return BM_RECV_ERR_RANGE;
		if (value && bm)
			bm_set_range_lazy(bm, t->bit, t->bit + run - 1);
		t->bit += run;
		pos += used;
	}
	t->done = t->bit == t->n_bits;
	return t->done ? BM_RECV_DONE : BM_RECV_MORE;
}

int bm_recv_packet(struct bitmap *bm, struct bm_transfer *t, bool compressed,
		   const void *buf, unsigned int len, unsigned int room)
{
	int result;

	if (t->done || (bm && bm->n_bits != t->n_bits))
		return BM_RECV_ERR_STATE;
	if (compressed)
		result = bm_recv_runs(bm, t, buf, len, room);
	else
		result = bm_recv_plain(bm, t, buf, len, room);
	if (result >= 0)
		bm_transfer_account(t, compressed, len);
	return result;
}
