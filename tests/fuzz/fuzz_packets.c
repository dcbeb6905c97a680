// SPDX-License-Identifier: GPL-2.0
/*
 * What a peer may send, on either socket, in any state of the connection
 *
 * The input first configures a node, then says what happens: packets (legal, nearly legal,
 * or any bytes), I/O of the application, ends of I/O, commands, time, losses. At the end
 * everything is let go, and node_end() asserts that nothing is stuck or left.
 */
#include "craft.h"

#define STEPS_MAX 400

static void configure(struct input *in, struct node_config *c)
{
	u8 net = take8(in), disk = take8(in), md = take8(in), i;

	memset(c, 0, sizeof(*c));
	res_opts_set_defaults(&c->res);
	net_conf_set_defaults(&c->net);
	disk_conf_set_defaults(&c->disk);
	c->volumes = 1 + (net & 1);
	c->disks = disk & 1 ? 0 : disk & 2 ? 1 : 3;
	c->net.wire_protocol = 1 + (net >> 1 & 3) % 3;
	c->net.two_primaries = c->net.wire_protocol == 3 && net & 8;
	strcpy(c->net.integrity_alg, net & 0x10 ? "md5" : "");
	strcpy(c->net.csums_alg, net & 0x20 ? "md5" : "");
	strcpy(c->net.verify_alg, net & 0x40 ? "md5" : "");
	c->net.use_rle = net >> 7;
	c->disk.fencing = c->net.wire_protocol == 1 ? 0 : (disk >> 2 & 3) % 3;
	c->disk.on_io_error = (disk >> 4 & 3) % 3;
	c->res.on_no_data = disk >> 6 & 1;
	c->disk.al_extents = 67;
	c->disk.disk_timeout = disk >> 7 ? 30 : 0;
	c->md_flags = (md & MDF_PRIMARY_IND) | MDF_CONSISTENT | (md & 4 ? 0 : MDF_WAS_UP_TO_DATE) |
		      (md & (MDF_FULL_SYNC | MDF_PEER_OUT_DATED | MDF_CRASHED_PRIMARY | MDF_AL_DISABLED));
	if (md & 1)
		c->md_flags &= ~(MDF_CONSISTENT | MDF_WAS_UP_TO_DATE);
	c->net.after_sb_0p = take8(in) % 7;
	c->net.after_sb_1p = md & 0x80 ? OPT_ASB_VIOLENTLY : 0;
	c->net.on_congestion = md & 0x40 ? OPT_CONGESTION_PULL_AHEAD : 0;
	c->net.cong_fill = md & 0x40 ? 100 : 0;
	c->uuid[0] = md & 0x10 ? UUID_JUST_CREATED : 0xAAAA000000000000ULL;
	for (i = 1; i < 4 && md & 0x20; i++)
		c->uuid[i] = take8(in) & 1 ? 0xBBBB000000000000ULL >> (i - 1) : 0;
}

static void deliver(enum drbd_socket socket, const struct packet *p)
{
	if (!p->head_len)
		return;
	if (socket == SOCK_DATA)
		node_data_packet(p);
	else
		node_meta_packet(p);
}

static void shake_hands(struct input *in)
{
	u8 pick = take8(in), vnr = pick & 1, i;
	struct packet p;

	if (node_phase() == RX_SEARCH) {
		u32 apv = pick & 0x80 ? take8(in) : 101 - (pick >> 3 & 15);

		node_connected(apv, apv, pick & 2 ? take8(in) : WIRE_FEATURES);
		node_run();
	}
	for (i = vnr && pick & 4 ? 1 : 0; i < CRAFT_HANDSHAKE; i++) {
		craft_handshake(in, i, vnr, &p);
		deliver(SOCK_DATA, &p);
		node_run();
		node_send(SOCK_DATA, 8, true);
	}
}

static void answer(struct input *in)
{
	u8 pick = take8(in);
	const struct sent *sent = node_sent(pick & 31);
	enum drbd_socket socket;
	struct packet p;

	if (!sent || !craft_answer(in, sent, &socket, &p))
		return;
	if (pick & 0x80)
		craft_spoil(in, &p);
	deliver(socket, &p);
}

static void packet(struct input *in, enum drbd_socket socket, bool raw)
{
	struct packet p;

	if (raw)
		craft_raw(in, &p);
	else
		craft_packet(in, socket, &p);
	deliver(socket, &p);
}

static void application(struct input *in, u8 volumes)
{
	u8 pick = take8(in), vnr = (pick & 1) % volumes;
	static const u8 ops[] = { OP_WRITE, OP_READ, OP_WRITE, OP_DISCARD, OP_WRITE_ZEROES, OP_FLUSH };
	u16 where = take16(in);

	switch (pick >> 6) {
	case 0:
		node_open(vnr, pick & 2);
		break;
	case 1:
		node_close(vnr);
		break;
	default:
		node_open(vnr, true);
		node_io(vnr, ops[(pick >> 1 & 7) % ARRAY_SIZE(ops)], (where >> 6) * 8ull,
			((where & 63) + 1) << (pick & 0x10 ? 9 : 12), pick & 0x20 ? DP_FUA : 0);
	}
}

static void io_done(struct input *in)
{
	u8 pick = take8(in);
	int error = (pick & 15) == 15 ? -5 : 0;

	if (pick & 0x80)
		node_disk_done(pick >> 4 & 7, error);
	else
		node_peer_done(pick >> 4 & 7, error, pick & 1);
}

static void parameters(struct input *in, struct admin_op *op, const struct node_config *c)
{
	u8 pick = take8(in);

	op->force = pick & 1;
	op->set_defaults = pick & 2;
	op->have_start = pick & 4;
	op->start_sector = pick & 8 ? take16(in) * 8ull : 0;
	op->stop_sector = pick & 16 ? take16(in) * 8ull : U64_MAX;
	op->clear_bitmap = pick & 32;
	op->size = pick & 64 ? take16(in) * 8ull : 0;
	op->assume_peer_has_space = pick & 1;
	op->assume_clean = pick & 2;
	if (pick & 128) {
		op->al_stripes = take8(in);
		op->al_stripe_size_4k = take8(in);
	}
	(void)c;
}

static void command(struct input *in, const struct node_config *c)
{
	static admin_command *const commands[] = {
		admin_primary, admin_secondary, admin_detach, admin_resize, admin_outdate,
		admin_invalidate, admin_invalidate_remote, admin_pause_sync, admin_resume_sync,
		admin_verify, admin_suspend_io, admin_resume_io, admin_new_current_uuid,
		admin_disconnect, admin_disk_options, admin_net_options, admin_resource_options,
		admin_primary, admin_verify,
	};
	u8 pick = take8(in), which = pick % (ARRAY_SIZE(commands) + 3);
	struct admin_op op;

	if (which == ARRAY_SIZE(commands)) {
		node_attach((pick >> 7) % c->volumes);
		return;
	}
	if (which == ARRAY_SIZE(commands) + 1) {
		node_connect();
		return;
	}
	if (which > ARRAY_SIZE(commands)) {
		node_interrupt();
		return;
	}
	admin_op_init(&op, &fake.resource, fake_device((pick >> 7) % c->volumes));
	parameters(in, &op, c);
	if (commands[which] == admin_disk_options)
		op.conf.disk = op.device->disk_conf, op.conf.disk.al_extents = 67 + take8(in);
	else if (commands[which] == admin_net_options)
		op.conf.net = node_connection()->net_conf, op.conf.net.max_buffers = 32 + take8(in);
	else if (commands[which] == admin_resource_options)
		op.conf.res = c->res, op.conf.res.on_no_data = take8(in) & 1;
	node_command(commands[which], &op);
}

static void step(struct input *in, const struct node_config *c)
{
	u8 pick = take8(in);

	switch (pick & 15) {
	case 0:
		shake_hands(in);
		break;
	case 1:
	case 2:
		packet(in, SOCK_DATA, false);
		break;
	case 3:
		packet(in, SOCK_META, false);
		break;
	case 4:
		packet(in, pick & 0x80 ? SOCK_DATA : SOCK_META, true);
		break;
	case 5:
	case 6:
		answer(in);
		break;
	case 7:
	case 8:
		application(in, c->volumes);
		break;
	case 9:
	case 10:
		io_done(in);
		break;
	case 11:
		command(in, c);
		break;
	case 12:
		node_advance(1u << (pick >> 4));
		break;
	case 13:
		node_connection_lost((pick >> 4) % (SOCKET_SEND_TIMEOUT_DATA + 1));
		break;
	default:
		node_send(pick & 0x80 ? SOCK_META : SOCK_DATA, 1 + (pick >> 4 & 7), pick != 0x7e);
		break;
	}
	node_run();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct input in = input_of(data, size);
	struct node_config config;
	u32 steps = 0;

	configure(&in, &config);
	node_start(&config);
	shake_hands(&in);
	while (!input_over(&in) && steps++ < STEPS_MAX)
		step(&in, &config);
	node_end();
	return 0;
}
