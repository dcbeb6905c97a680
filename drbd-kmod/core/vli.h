/* SPDX-License-Identifier: GPL-2.0 */
/*
 * vli.h - the bitmap's way over the wire: plain and run-length packets
 *
 * Spec: wire.md 6.2 (P_BITMAP), 6.3 (P_COMPRESSED_BITMAP).  One struct
 * bm_transfer is the cursor of one direction of one exchange.  Payload buffers
 * are without the packet header.  Pure, any context; the caller holds the
 * bitmap's lock.  Received bytes are hostile: every length and run is checked
 * and nothing is read or set beyond the end.
 */
#ifndef CORE_VLI_H
#define CORE_VLI_H

#include "portable.h"
#include "bitmap.h"

/* Lowest version that understands P_COMPRESSED_BITMAP. */
#define VLI_APV_MIN 90

struct bm_transfer {
	u64 n_bits;		/* of the volume, fixed for the whole transfer */
	u64 bit;		/* next bit to send or expect */
	bool done;
	/* for the "bitmap transferred" message: [0] plain, [1] compressed */
	u64 packets[2];
	u64 bytes[2];		/* payload */
};

enum bm_send_result {
	BM_SEND_DONE,		/* nothing more to send, no packet was made */
	BM_SEND_PLAIN,		/* send P_BITMAP with *len bytes (0: terminator) */
	BM_SEND_COMPRESSED,	/* send P_COMPRESSED_BITMAP with *len bytes */
	BM_SEND_RESIZED,	/* the bitmap changed its size meanwhile: give up */
};

enum bm_recv_result {
	BM_RECV_MORE = 0,	/* expect another bitmap packet */
	BM_RECV_DONE = 1,	/* the transfer is complete */
	/* negative: protocol error, the connection has to go */
	BM_RECV_ERR_LENGTH = -1,	/* wrong payload length for this position */
	BM_RECV_ERR_CODE = -2,		/* unknown encoding or truncated code word */
	BM_RECV_ERR_RANGE = -3,		/* a run reaches beyond the end */
	BM_RECV_ERR_STATE = -4,		/* transfer was already complete, or sizes differ */
};

void bm_transfer_init(struct bm_transfer *t, u64 n_bits);

/*
 * Make the next packet.  @room is wire_bitmap_room(apv); @buf holds that many
 * bytes.  @use_rle: the option is on and apv >= VLI_APV_MIN.
 */
enum bm_send_result bm_send_fill(const struct bitmap *bm, struct bm_transfer *t,
				 bool use_rle, void *buf, unsigned int room,
				 unsigned int *len);

/*
 * Take the payload of a P_BITMAP (@compressed false) or P_COMPRESSED_BITMAP and
 * OR it into @bm.  @room is wire_bitmap_room(apv) of this connection.  @bm may
 * be NULL (disk lost meanwhile): then the packet is only checked.
 */
int bm_recv_packet(struct bitmap *bm, struct bm_transfer *t, bool compressed,
		   const void *buf, unsigned int len, unsigned int room);

/* ------------------------------------------------------------------ */
/* The code itself                                                    */

#define VLI_MAX_RUN 72057611219902768ULL

/* Code word for a run of @run bits.  Returns its length in bits, 0 if out of range. */
unsigned int vli_encode(u64 run, u64 *code);

/*
 * Decode one word from the low bits of @code, of which @valid bits exist.
 * Returns the bits used and stores the run, or 0 if the word is incomplete.
 */
unsigned int vli_decode(u64 code, unsigned int valid, u64 *run);

#endif /* CORE_VLI_H */
