// SPDX-License-Identifier: GPL-2.0
/*
 * FAMILY_NET: a network on a bad day, and nodes that stop for a while.  Slow lines, small
 * windows, packets that arrive in pieces and late; streams cut at any byte, one way only,
 * one after the other, or at the very moment a volume enters some state.
 */
#include "scenario.h"
#include "net.h"

/* So little to do that it fits, and a resync comes to its end besides. */
static void slow_line(void)
{
	cfg.max_request = min(cfg.max_request, 64u);
	cfg.app_gap = max(cfg.app_gap, 1u << 15);
}

/* After net_init() and the rest of the configuration. */
void netfault_config(void)
{
	struct net_conf *nc = &cfg.net;

	net.rough = true;
	cfg.data_sectors = min_t(u64, cfg.data_sectors, 65536);
	net.split = one_in(2) ? 1 + chance(20) : 0;
	net.retransmit = one_in(3) ? chance_between(30, 1000) : 0;
	if (one_in(3)) {
		net.bytes_per_ms = chance_between(3000, 50000);
		slow_line();
		/* A window of resync data must get through before the peer is given up. */
		if (nc->ko_count)
			nc->ko_count = max(nc->ko_count, 40 / nc->timeout + 4);
	}
	/* A lost packet comes back after a second at the latest: that must not kill a link. */
	if (net.retransmit) {
		nc->ping_timeo = max(nc->ping_timeo, 15u);
		if (nc->ko_count)
			nc->ko_count = max(nc->ko_count, 30 / nc->timeout + 2);
	}
	if (one_in(4))
		nc->sock_check_timeo = 1 + chance(10);
	if (one_in(3)) {
		net_init(20 << chance(8), 3000 << chance(4), 4096 << chance(6));
		slow_line();
	}
}

/* ---- choosing ---- */

/* Some end of an open connection, or NULL. */
static struct sock *some_end(void)
{
	struct net_conn *conn;
	struct sock *found = NULL;
	u32 n = 0;
	int i;

	dlist_for_each_entry(conn, &net_conns, all)
		for (i = 0; i < 2; i++)
			if (net_usable(&conn->end[i]) && one_in(++n))
				found = &conn->end[i];
	return found;
}

/* ---- faults ---- */

static void one_way_loss(u64 ms)
{
	struct node *to = &nodes[chance(2)];

	net_set_path(to, false);
	pass(1, ms);
	net_set_path(to, true);
}

static void partition(u64 ms)
{
	net_set_link(false);
	pass(ms / 10 + 1, ms);
	net_set_link(true);
}

static void cut_stream(void)
{
	struct sock *s = some_end();

	if (!s)
		return;
	s->cut_after = one_in(2) ? chance_between(1, 64) : chance_between(1, 100000);
	s->cut_quietly = one_in(2);
}

/* Its processor stands still: no timer, no thread, no interrupt. */
static void stall_node(u64 ms)
{
	struct node *n = &nodes[chance(2)];

	if (!n->up)
		return;
	n->stalled_until = max(n->stalled_until, now_us + chance_between(1, ms) * MS);
	trace(n, "stalls until %llu ms", (unsigned long long)(n->stalled_until / MS));
	if (one_in(2))
		pass(1, ms);
}

static void hold_stream(u64 ms)
{
	struct sock *s = some_end();

	if (!s)
		return;
	s->held_until = now_us + chance_between(1, ms) * MS;
	trace(s->node, "a stream towards it is held until %llu ms",
	      (unsigned long long)(s->held_until / MS));
}

static void break_sockets(void)
{
	struct sock *s;
	u32 i;

	for (i = 1 + chance(4); i && (s = some_end()); i--) {
		trace(s->node, "a socket dies here");
		s->half_dead = true;
		net_break_end(s);
		pass(0, one_in(2) ? 20 : 3000);
	}
}

static void flap(void)
{
	u32 i;

	for (i = 2 + chance(6); i; i--) {
		net_set_link(false);
		pass(1, one_in(2) ? 50 : 4000);
		net_set_link(true);
		pass(1, one_in(2) ? 50 : 4000);
	}
}

/* It comes back before its peer noticed, and does not tell that the old connections are gone. */
static void crash_unnoticed(void)
{
	struct node *n = &nodes[chance(2)];
	struct net_conn *conn;

	if (!n->up || !cfg.crashes)
		return;
	dlist_for_each_entry(conn, &net_conns, all)
		conn->end[n->id].mute = true;
	node_crash(n, !one_in(3));
	pass(0, 200);
	bring_up(n);
}

/* Both look for each other at the same moment, so that their sockets cross. */
static void meet_head_on(void)
{
	u32 i;

	for (i = 1 + chance(4); i; i--) {
		net_reset();
		pass(0, one_in(2) ? 100 : 2500);
	}
}

static void instant(void)
{
	switch (chance(7)) {
	case 0:
		return partition(one_in(2) ? 100 : 20000);
	case 1:
		return one_way_loss(one_in(2) ? 100 : 20000);
	case 2:
		return cut_stream();
	case 3:
		return stall_node(one_in(2) ? 300 : 20000);
	case 4:
		return hold_stream(one_in(2) ? 300 : 20000);
	case 5:
		return break_sockets();
	default:
		return net_reset();
	}
}

/* The moment some volume enters a state, while another fault makes it do so. */
static void at_state(void)
{
	static const u8 states[] = {
		C_WF_REPORT_PARAMS, C_CONNECTED, C_WF_BITMAP_S, C_WF_BITMAP_T, C_WF_SYNC_UUID,
		C_SYNC_SOURCE, C_SYNC_TARGET, C_NETWORK_FAILURE, C_UNCONNECTED, C_WF_CONNECTION,
	};
	u8 wanted = states[chance(ARRAY_SIZE(states))];
	u32 v = chance(cfg.volumes), slices = 20000;
	struct node *n = &nodes[chance(2)];

	if (one_in(2))
		net_reset();
	else
		partition(one_in(2) ? 500 : 15000);
	while (slices-- && n->up && !sim_failed && node_device(n, v)->state.conn != wanted)
		thread_sleep(300);
	if (one_in(2))
		thread_sleep(chance(3000));
	trace(n, "a fault in connection state %u", wanted);
	instant();
}

void netfault_one(void)
{
	switch (chance(12)) {
	case 0:
		return one_way_loss(one_in(2) ? 500 : 60000);
	case 1:
		return partition(one_in(3) ? 300000 : 30000);
	case 2:
		return cut_stream();
	case 3:
		return stall_node(one_in(2) ? 1000 : 60000);
	case 4:
		return hold_stream(one_in(2) ? 2000 : 40000);
	case 5:
		return break_sockets();
	case 6:
		return flap();
	case 7:
		return crash_unnoticed();
	case 8:
		return meet_head_on();
	default:
		return at_state();
	}
}

void netfault_end(void)
{
	struct net_conn *conn;
	int i;

	for (i = 0; i < NODES; i++)
		if (nodes[i].stalled_until > now_us)
			events_unstall(&nodes[i]);
	dlist_for_each_entry(conn, &net_conns, all)
		for (i = 0; i < 2; i++) {
			conn->end[i].cut_after = 0;
			conn->end[i].held_until = 0;
			/* From now on, what arrives for a lost connection is refused. */
			conn->end[i].mute = false;
		}
	net_kick();
}
