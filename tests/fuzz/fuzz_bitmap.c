// SPDX-License-Identifier: GPL-2.0
/*
 * Bitmap packets, plain and run-length coded
 *
 * What arrives is ORed in: never is a bit lost, set beyond the end, or a packet taken after
 * the transfer is over. What we send is understood by ourselves, bit by bit.
 */
#include "input.h"
#include "core/vli.h"
#include "core/wire.h"

#define BITS_MAX (3 * BM_BITS_PER_PAGE)
#define PAGES (BITS_MAX / BM_BITS_PER_PAGE)

struct map {
	struct bitmap bm;
	void *pages[PAGES];
	u8 flags[PAGES];
	u8 memory[PAGES][BM_PAGE_BYTES] __attribute__((aligned(8)));
};

static struct map one, two, before;

static void map_init(struct map *m, u64 bits)
{
	u32 i;

	for (i = 0; i < PAGES; i++)
		m->pages[i] = m->memory[i];
	bm_init(&m->bm, m->pages, m->flags, bm_pages_for(bits), bits);
}

static void check_count(struct map *m)
{
	must(m->bm.bits_set == (m->bm.n_bits ? bm_count_range(&m->bm, 0, m->bm.n_bits - 1) : 0));
}

/* Everything set in `less` is set in `more`. */
static void check_contains(const struct map *more, const struct map *less)
{
	u32 i, k;

	for (i = 0; i < PAGES; i++)
		for (k = 0; k < BM_PAGE_BYTES; k++)
			must(!(less->memory[i][k] & ~more->memory[i][k]));
}

static void set_some(struct input *in, struct map *m)
{
	u8 n = take8(in) & 31;
	u64 first;

	while (n-- && m->bm.n_bits) {
		first = take32(in) % m->bm.n_bits;
		bm_set_range(&m->bm, first, first + take16(in));
	}
}

static void receive(struct input *in, u32 room, u64 bits)
{
	static u8 packet[WIRE_SOCKET_BUFFER];
	struct bm_transfer t;
	u32 len;
	int got;
	u8 how;

	bm_transfer_init(&t, bits);
	while (!input_over(in)) {
		memcpy(&before.memory, &one.memory, sizeof(one.memory));
		how = take8(in);
		len = how & 2 ? room : take_up_to(in, room);
		take_bytes(in, packet, len);
		got = bm_recv_packet(how & 4 ? NULL : &one.bm, &t, how & 1, packet, len, room);
		check_contains(&one, &before);
		check_count(&one);
		must(t.bit <= bits + 63);
		must(got <= BM_RECV_DONE);
		if (got != BM_RECV_MORE)
			return;
	}
}

static void send_and_compare(bool rle, u32 room, u64 bits)
{
	static u8 packet[WIRE_SOCKET_BUFFER];
	struct bm_transfer out, in;
	enum bm_send_result sent;
	unsigned int len;
	u32 packets = 0;
	int got = BM_RECV_MORE;

	memset(&two, 0, sizeof(two));
	map_init(&two, bits);
	bm_transfer_init(&out, bits);
	bm_transfer_init(&in, bits);
	for (;;) {
		sent = bm_send_fill(&one.bm, &out, rle, packet, room, &len);
		if (sent == BM_SEND_DONE)
			break;
		must(sent != BM_SEND_RESIZED && len <= room && packets++ < 1000);
		must(got == BM_RECV_MORE);
		got = bm_recv_packet(&two.bm, &in, sent == BM_SEND_COMPRESSED, packet, len, room);
		must(got >= 0);
	}
	must(got == BM_RECV_DONE);
	must(!memcmp(one.memory, two.memory, sizeof(one.memory)));
	must(one.bm.bits_set == two.bm.bits_set);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = input_of(data, size);
	u8 how = take8(&in);
	u64 bits = take32(&in) % (BITS_MAX + 1);
	u32 room = wire_bitmap_room(how & 1 ? 101 : 95);

	memset(&one, 0, sizeof(one));
	map_init(&one, bits);
	set_some(&in, &one);
	check_count(&one);
	receive(&in, room, bits);
	send_and_compare(how & 2, room, bits);
	return 0;
}
