/* SPDX-License-Identifier: GPL-2.0 */
/*
 * net.h - the inside of the network, for net.c and for the faults of netfault.c
 *
 * A connection has two ends; what is sent lies in the receiving end's `transit` until it
 * arrives.  With `net.rough` (FAMILY_NET) streams behave as TCP does on a bad day.
 */
#ifndef SIM_NET_H
#define SIM_NET_H

#include "sim.h"

struct sock {
	struct net_conn *conn;
	struct node *node;
	struct dlist transit, arrived;	/* chunks on their way to me / here */
	u32 backlog;			/* bytes in both */
	u64 last_arrival;
	struct event arrival;
	bool eof, error, shut, closed, vanished;	/* vanished: its node crashed */
	u32 send_ms, recv_ms;
	struct waitq wait;
	struct dlist accept;

	/* rough only */
	u64 line_free;		/* when the line towards me has sent what it has */
	u64 held_until;		/* nothing arrives before */
	u32 cut_after;		/* the stream towards me ends after so many bytes; 0 = no plan */
	bool cut_quietly;	/* ... and its other end is not told */
	bool half_dead;		/* this end has no state left; what arrives is refused */
	bool mute;		/* nobody answers for this end, not even with a refusal */
	u32 progress;		/* bytes already sent of a packet that is being sent */
};

struct net_conn {
	struct dlist all;
	u64 serial;
	struct sock end[2];		/* by node id */
};

struct net_model {
	bool rough;
	u32 bytes_per_ms;	/* of one stream; 0 = any number */
	u32 split;		/* one in n packets arrives in two pieces */
	u32 retransmit;		/* one in n packets is lost at first and comes late */
};
extern struct net_model net;
extern struct dlist net_conns;

static inline struct sock *net_far_end(const struct sock *s)
{
	return &s->conn->end[1 - s->node->id];
}

bool net_usable(const struct sock *s);
void net_break_end(struct sock *s);
/* Does anything reach this node? */
void net_set_path(struct node *to, bool up);
/* Arrivals that waited for something: look again. */
void net_kick(void);

#endif /* SIM_NET_H */
