/* SPDX-License-Identifier: GPL-2.0 */
/*
 * node.h - one node with real receivers and senders, in the hands of a fuzzer
 *
 * tests/unit/fake_env.c is the host of the core; this adds what the kernel shell does
 * around it: the life of the receiver, packets handed to it in order, application and peer
 * I/O that ends when the fuzzer says so, one administrator's command at a time.
 *
 * What must hold whatever the peer sends is asserted here: requests complete once and are
 * freed once, I/O stays within the disk, nothing is submitted without one; and at the end,
 * when everything is let go, nothing is left.
 */
#ifndef FUZZ_NODE_H
#define FUZZ_NODE_H

#include "input.h"
#include "fake_env.h"
#include "core/objects.h"
#include "core/receive.h"

#define NODE_VOLUMES 2
#define NODE_SECTORS 262144u		/* of the first volume; the second has half of it */
#define BODY_BYTES 4096

/* A packet on its way in. */
struct packet {
	u8 head[WIRE_HEADER_MAX];
	u32 head_len;
	bool digest_bad;
	u8 body[BODY_BYTES];		/* what is longer continues with zeroes */
};

/* What was sent, as far as an answer needs it. */
struct sent {
	u8 socket;
	u16 cmd, vnr;
	u64 sector, block_id;
	u32 bytes, barrier;
};
#define SENT_KEPT 32

struct node_config {
	u8 disks;			/* bit mask of volumes that have one */
	u8 volumes;
	u32 md_flags;
	u64 uuid[4];
	struct net_conf net;
	struct disk_conf disk;
	struct res_opts res;
};

enum rx_phase { RX_NONE, RX_SEARCH, RX_ESTABLISH, RX_RECEIVE, RX_CLEANUP };

void node_start(const struct node_config *config);
/* Let go of everything and assert that nothing is left. */
void node_end(void);
/* Run whatever can run. */
void node_run(void);
void node_advance(u32 ms);

enum rx_phase node_phase(void);
struct drbd_connection *node_connection(void);
/* The peer was found: shake hands on features; false: refused. */
bool node_connected(u32 apv_min, u32 apv_max, u32 features);
void node_connection_lost(enum socket_event how);
/* False: the queue is full. */
bool node_data_packet(const struct packet *p);
void node_meta_packet(const struct packet *p);
/* Send up to n packets; ok false: the last one fails. */
void node_send(enum drbd_socket socket, u32 n, bool ok);
const struct sent *node_sent(u32 back);	/* 0 = the last one; NULL: not so many */

void node_io(u32 vnr, enum request_op op, u64 sector, u32 bytes, u32 dp_flags);
bool node_open(u32 vnr, bool for_write);
void node_close(u32 vnr);
/* Complete the nth application / peer I/O that is out. */
void node_disk_done(u32 nth, int error);
void node_peer_done(u32 nth, int error, bool zeroes);
/* False: another one is running. */
bool node_command(admin_command *command, const struct admin_op *op);
bool node_attach(u32 vnr);
bool node_connect(void);
void node_interrupt(void);

#endif /* FUZZ_NODE_H */
