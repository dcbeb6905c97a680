/* SPDX-License-Identifier: GPL-2.0 */
/*
 * send_packet.h - the packets behind the items of the send queues (wire.md 3.2, 3.3)
 *
 * Called by send_next() when the item's turn has come, with the resource lock held. They fill
 * out->head and say what payload follows; sequence numbers are taken here.
 */
#ifndef CORE_SEND_PACKET_H
#define CORE_SEND_PACKET_H

#include "portable.h"
#include "send.h"

void send_build_control(struct drbd_connection *connection, struct outgoing *out,
			struct control_packet *c);
/* A write, a read of the peer's data, or P_OUT_OF_SYNC. */
void send_build_request(struct drbd_connection *connection, struct outgoing *out,
			struct drbd_request *req);
void send_build_reply(struct drbd_connection *connection, struct outgoing *out,
		      struct drbd_peer_request *pr);
void send_build_ack(struct drbd_connection *connection, struct outgoing *out,
		    struct drbd_peer_request *pr, bool recv_ack);

/*
 * Does a packet hold that much data? Requests are cut for the peer that was there when they came;
 * one that is there since may speak a version before 95, with shorter packets.
 */
bool send_can_carry(const struct drbd_connection *connection, u32 bytes);
/*
 * Can this peer be sent a request of this kind and size? Of what it cannot be told discards and
 * zero-outs are refused to the user, who then writes zeroes himself.
 */
bool send_can_express(const struct drbd_connection *connection, const struct drbd_request *req);

#endif /* CORE_SEND_PACKET_H */
