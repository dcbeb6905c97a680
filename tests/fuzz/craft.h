/* SPDX-License-Identifier: GPL-2.0 */
/*
 * craft.h - packets that a fuzzer would rarely hit upon
 *
 * Blind bytes seldom make a packet of legal length that names a block which was really
 * asked for. These make nearly legal ones out of few choices; the caller spoils some.
 */
#ifndef FUZZ_CRAFT_H
#define FUZZ_CRAFT_H

#include "node.h"

/* A packet of the command picked by the input, with a length the rules allow. */
void craft_packet(struct input *in, enum drbd_socket socket, struct packet *p);
/* The answer that an honest peer would give to what was sent `back` packets ago; false: none. */
bool craft_answer(struct input *in, const struct sent *sent, enum drbd_socket *socket,
		  struct packet *p);
/* Bytes as they come, header included. */
void craft_raw(struct input *in, struct packet *p);
/* Flip some bytes of it. */
void craft_spoil(struct input *in, struct packet *p);

/* The packets of a handshake, in order; 0 .. CRAFT_HANDSHAKE - 1. */
#define CRAFT_HANDSHAKE 5
void craft_handshake(struct input *in, u32 step, u16 vnr, struct packet *p);

/* Generation ids that meet often. */
u64 craft_uuid(struct input *in);

#endif /* FUZZ_CRAFT_H */
