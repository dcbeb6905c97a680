// SPDX-License-Identifier: GPL-2.0
/* Nearly legal packets; see craft.h. */
#include "craft.h"

static const u16 data_cmds[] = {
	P_DATA, P_DATA_REPLY, P_RS_DATA_REPLY, P_BARRIER, P_BITMAP, P_UNPLUG_REMOTE,
	P_DATA_REQUEST, P_RS_DATA_REQUEST, P_SYNC_PARAM, P_PROTOCOL, P_UUIDS, P_SIZES, P_STATE,
	P_SYNC_UUID, P_STATE_CHG_REQ, P_OV_REQUEST, P_OV_REPLY, P_CSUM_RS_REQUEST, P_SYNC_PARAM89,
	P_COMPRESSED_BITMAP, P_DELAY_PROBE, P_OUT_OF_SYNC, P_CONN_ST_CHG_REQ, P_PROTOCOL_UPDATE,
	P_TRIM, P_RS_THIN_REQ, P_RS_DEALLOCATED, P_ZEROES, P_WSAME, P_BECOME_SYNC_TARGET,
};

static const u16 meta_cmds[] = {
	P_PING, P_PING_ACK, P_RECV_ACK, P_WRITE_ACK, P_RS_WRITE_ACK, P_SUPERSEDED, P_NEG_ACK,
	P_NEG_DREPLY, P_NEG_RS_DREPLY, P_BARRIER_ACK, P_STATE_CHG_REPLY, P_OV_RESULT,
	P_RS_IS_IN_SYNC, P_DELAY_PROBE, P_RS_CANCEL, P_CONN_ST_CHG_REPLY, P_RETRY_WRITE, P_INITIAL_META,
};

u64 craft_uuid(struct input *in)
{
	static const u64 some[] = {
		0, UUID_JUST_CREATED, 0xAAAA000000000000ULL, 0xBBBB000000000000ULL,
		0xCCCC000000000000ULL, 0xAAAB000000000000ULL, 0xAAAA000000000001ULL,
	};
	const struct drbd_device *device = fake_device(0);
	u8 pick = take8(in) & 15;

	if (pick < ARRAY_SIZE(some))
		return some[pick];
	if (pick < 12)
		return device->md.uuid[pick & 3];
	if (pick < 14)
		return device->ed_uuid ^ (pick & 1);
	return take64(in);
}

static u64 craft_sector(struct input *in)
{
	u16 n = take16(in);

	return n & 0x8000 ? (u64)(n & 0x7fff) * 8 : n & 0x4000 ? n & 63 : (u64)n << 4;
}

static u32 craft_bytes(struct input *in)
{
	static const u32 some[] = { 4096, 512, 8192, 32768, 65536, 131072, 1048576, 0, 4194304, 134217728 };
	u8 pick = take8(in) & 15;

	return pick < ARRAY_SIZE(some) ? some[pick] : (u32)take8(in) << 9;
}

static u64 craft_block_id(struct input *in)
{
	u8 pick = take8(in);
	const struct sent *sent = node_sent(pick & 31);

	if (pick & 0x80)
		return ID_SYNCER;
	return sent && !(pick & 0x40) ? sent->block_id : pick;
}

static struct state craft_state(struct input *in)
{
	u32 bits = take32(in);

	return (struct state) {
		.role = bits & 3, .peer = bits >> 2 & 3, .conn = (bits >> 4 & 31) % 32,
		.disk = bits >> 9 & 15, .pdsk = bits >> 13 & 15,
		.aftr_isp = bits >> 17 & 1, .peer_isp = bits >> 18 & 1, .user_isp = bits >> 19 & 1,
	};
}

static void finish(struct packet *p, u16 vnr, u16 cmd, u32 length)
{
	struct drbd_connection *c = node_connection();

	p->head_len = wire_header_encode(p->head, c->agreed_pro_version, vnr, cmd, length);
	if (!p->head_len)
		p->head_len = wire_header_encode(p->head, c->agreed_pro_version, 0, cmd, length & 0xffff);
}

/* ---- bodies ---- */

static void body_block(struct input *in, u16 cmd, u8 *body)
{
	struct wire_p_block_req *r = (struct wire_p_block_req *)body;
	struct wire_p_data *d = (struct wire_p_data *)body;
	const struct sent *sent = node_sent(take8(in));

	r->sector = cpu_to_be64(sent ? sent->sector : craft_sector(in));
	if (cmd == P_OUT_OF_SYNC || cmd == P_RS_DEALLOCATED) {
		((struct wire_p_block_desc *)body)->blksize = cpu_to_be32(craft_bytes(in));
		return;
	}
	r->block_id = craft_block_id(in);
	if (cmd == P_DATA || cmd == P_TRIM || cmd == P_ZEROES || cmd == P_DATA_REPLY || cmd == P_RS_DATA_REPLY) {
		d->seq_num = cpu_to_be32(take8(in));
		d->dp_flags = cpu_to_be32(take16(in));
		((struct wire_p_range *)body)->size = cpu_to_be32(craft_bytes(in));
	} else {
		r->blksize = cpu_to_be32(craft_bytes(in));
		r->pad = cpu_to_be32(take8(in));
	}
}

static void body_sizes(struct input *in, u8 *body)
{
	struct wire_p_sizes *s = (struct wire_p_sizes *)body;
	u8 pick = take8(in);
	u64 size = pick & 1 ? NODE_SECTORS : pick & 2 ? take64(in) : (u64)take16(in) * 8;

	s->d_size = cpu_to_be64(pick & 4 ? size : NODE_SECTORS);
	s->u_size = cpu_to_be64(pick & 8 ? size : 0);
	s->c_size = cpu_to_be64(pick & 16 ? size : NODE_SECTORS);
	s->max_bio_size = cpu_to_be32(pick & 32 ? take32(in) : 1 << 20);
	s->dds_flags = cpu_to_be16(pick >> 6);
	if (node_connection()->agreed_features & FF_WSAME)
		s->discard_enabled = take8(in) & 1;
}

static void body_uuids(struct input *in, u8 *body)
{
	struct wire_p_uuids *u = (struct wire_p_uuids *)body;
	u8 pick = take8(in);

	u->current_uuid = cpu_to_be64(craft_uuid(in));
	u->bitmap_uuid = cpu_to_be64(craft_uuid(in));
	if (pick & 0x10)
		u->history[0] = cpu_to_be64(craft_uuid(in));
	if (pick & 0x20)
		u->history[1] = cpu_to_be64(craft_uuid(in));
	u->bits_set = cpu_to_be64(pick & 0x40 ? take64(in) : pick & 0x80 ? 5 : 0);
	u->flags = cpu_to_be64(pick & 15);
}

static void body_protocol(struct input *in, u8 *body, u32 var)
{
	const struct net_conf *nc = &node_connection()->net_conf;
	struct wire_p_protocol *p = (struct wire_p_protocol *)body;
	u8 pick = take8(in);

	p->protocol = cpu_to_be32(pick & 1 ? take8(in) & 3 : nc->wire_protocol);
	p->after_sb_0p = cpu_to_be32(pick & 2 ? take8(in) & 15 : nc->after_sb_0p);
	p->after_sb_1p = cpu_to_be32(pick & 4 ? take8(in) & 15 : nc->after_sb_1p);
	p->after_sb_2p = cpu_to_be32(pick & 8 ? take8(in) & 15 : nc->after_sb_2p);
	p->two_primaries = cpu_to_be32(nc->two_primaries ^ !!(pick & 16));
	p->conn_flags = cpu_to_be32(pick >> 5 & 3);
	if (var > 1 && !(pick & 0x80))
		strncpy((char *)(p + 1), nc->integrity_alg, var - 1);
	else if (var > 1)
		take_bytes(in, p + 1, min(var - 1, 8u));
}

static void body_sync_param(struct input *in, u8 *body)
{
	struct wire_p_sync_param *s = (struct wire_p_sync_param *)body;
	const struct net_conf *nc = &node_connection()->net_conf;
	u8 pick = take8(in);

	s->resync_rate = cpu_to_be32(pick & 1 ? take32(in) : 1000);
	if (pick & 2)
		take_bytes(in, s->verify_alg, pick & 4 ? sizeof(s->verify_alg) : 4);
	else
		strcpy(s->verify_alg, nc->verify_alg);
	if (pick & 8)
		take_bytes(in, s->csums_alg, pick & 16 ? sizeof(s->csums_alg) : 4);
	else
		strcpy(s->csums_alg, nc->csums_alg);
	s->c_plan_ahead = cpu_to_be32(pick & 32 ? take32(in) : 20);
	s->c_delay_target = cpu_to_be32(pick & 64 ? take32(in) : 10);
	s->c_fill_target = cpu_to_be32(pick & 128 ? take32(in) : 100);
	s->c_max_rate = cpu_to_be32(pick & 128 ? take32(in) : 100000);
}

static void body_state(struct input *in, u16 cmd, u8 *body)
{
	struct wire_p_state_req *r = (struct wire_p_state_req *)body;
	u32 state = state_pack(craft_state(in));

	if (cmd == P_STATE) {
		((struct wire_p_state *)body)->state = cpu_to_be32(state);
		return;
	}
	r->val = cpu_to_be32(state);
	r->mask = cpu_to_be32(state_pack(craft_state(in)));
}

static void body_ack(struct input *in, u16 cmd, u8 *body)
{
	const struct sent *sent = node_sent(take8(in) & 31);
	struct wire_p_block_ack *a = (struct wire_p_block_ack *)body;
	struct wire_p_barrier_ack *b = (struct wire_p_barrier_ack *)body;

	switch (cmd) {
	case P_PING:
	case P_PING_ACK:
	case P_DELAY_PROBE:
		return;
	case P_BARRIER_ACK:
		b->barrier = sent ? sent->barrier : 0;
		b->set_size = cpu_to_be32(take8(in));
		return;
	case P_STATE_CHG_REPLY:
	case P_CONN_ST_CHG_REPLY:
		((struct wire_p_state *)body)->state = cpu_to_be32((s32)(s8)take8(in));
		return;
	}
	a->sector = cpu_to_be64(sent ? sent->sector : craft_sector(in));
	a->blksize = cpu_to_be32(sent ? sent->bytes : craft_bytes(in));
	a->block_id = cmd == P_OV_RESULT ? cpu_to_be64(ID_IN_SYNC + (take8(in) & 1)) :
		      sent ? sent->block_id : craft_block_id(in);
	a->seq_num = cpu_to_be32(take8(in));
}

static void body_fill(struct input *in, u16 cmd, u8 *body, const struct wire_rule *rule, u32 var)
{
	switch (cmd) {
	case P_BARRIER:
		((struct wire_p_barrier *)body)->barrier = take8(in);
		break;
	case P_BITMAP:
	case P_COMPRESSED_BITMAP:
		take_bytes(in, body, take_up_to(in, var));
		break;
	case P_SYNC_PARAM:
	case P_SYNC_PARAM89:
		body_sync_param(in, body);
		break;
	case P_PROTOCOL:
	case P_PROTOCOL_UPDATE:
		body_protocol(in, body, var);
		break;
	case P_UUIDS:
		body_uuids(in, body);
		break;
	case P_SIZES:
		body_sizes(in, body);
		break;
	case P_STATE:
	case P_STATE_CHG_REQ:
	case P_CONN_ST_CHG_REQ:
		body_state(in, cmd, body);
		break;
	case P_SYNC_UUID:
		((struct wire_p_sync_uuid *)body)->uuid = cpu_to_be64(craft_uuid(in));
		break;
	case P_UNPLUG_REMOTE:
	case P_DELAY_PROBE:
		break;
	default:
		body_block(in, cmd, body);
		/* Digests as the host makes them, so that they may match. */
		if (var <= WIRE_DIGEST_MAX)
			memset(body + rule->fixed, 0xd1, var);
	}
}

/* ---- whole packets ---- */

static u32 var_length(struct input *in, u16 cmd, const struct wire_rule *rule)
{
	u32 integrity = node_connection()->integrity_size_in, length;

	if (!rule->var_max)
		return 0;
	switch (cmd) {
	case P_DATA:
	case P_DATA_REPLY:
	case P_RS_DATA_REPLY:
		length = integrity + craft_bytes(in);
		return min(length, rule->var_max);
	case P_OV_REPLY:
	case P_CSUM_RS_REQUEST:
		return take8(in) & 7 ? 16 : take8(in) & 63;
	case P_PROTOCOL:
	case P_PROTOCOL_UPDATE:
		return 1 + (u32)strlen(node_connection()->net_conf.integrity_alg);
	case P_BITMAP:
		return take8(in) & 7 ? rule->var_max : take16(in) % (rule->var_max + 1);
	default:
		return rule->var_min + take16(in) % (rule->var_max - rule->var_min + 1);
	}
}

void craft_packet(struct input *in, enum drbd_socket socket, struct packet *p)
{
	const struct drbd_connection *c = node_connection();
	u16 cmd = socket == SOCK_DATA ? data_cmds[take8(in) % ARRAY_SIZE(data_cmds)] :
					meta_cmds[take8(in) % ARRAY_SIZE(meta_cmds)];
	u8 how = take8(in);
	struct wire_rule rule = { .fixed = 0 };
	u32 var = 0;

	memset(p, 0, sizeof(*p));
	if (!wire_rule_find(socket == SOCK_DATA ? WIRE_SOCKET_DATA : WIRE_SOCKET_META, cmd,
			    c->agreed_pro_version, c->agreed_features, WIRE_PHASE_RUNNING, &rule))
		var = var_length(in, cmd, &rule);
	if (socket == SOCK_DATA)
		body_fill(in, cmd, p->body, &rule, var);
	else
		body_ack(in, cmd, p->body);
	p->digest_bad = how & 0x40;
	finish(p, how & 3, cmd, rule.fixed + var);
	if (how & 0x80)
		craft_spoil(in, p);
}

void craft_raw(struct input *in, struct packet *p)
{
	memset(p, 0, sizeof(*p));
	p->head_len = sizeof(p->head);
	take_bytes(in, p->head, sizeof(p->head));
	take_bytes(in, p->body, take8(in));
}

void craft_spoil(struct input *in, struct packet *p)
{
	u8 what = take8(in), n = what >> 5;

	if (what & 1)
		p->head[take8(in) % sizeof(p->head)] ^= take8(in);
	while (n--)
		p->body[take16(in) % sizeof(p->body)] ^= take8(in);
	if (what & 2)
		p->body[take8(in) % 24] ^= take8(in);
}

void craft_handshake(struct input *in, u32 step, u16 vnr, struct packet *p)
{
	const struct drbd_connection *c = node_connection();
	const u16 cmds[CRAFT_HANDSHAKE] = {
		P_PROTOCOL, wire_sync_param_cmd(c->agreed_pro_version), P_SIZES, P_UUIDS, P_STATE,
	};
	u16 cmd = cmds[step];
	struct wire_rule rule;
	u32 var = 0;

	memset(p, 0, sizeof(*p));
	if (wire_rule_find(WIRE_SOCKET_DATA, cmd, c->agreed_pro_version, c->agreed_features,
			   WIRE_PHASE_RUNNING, &rule))
		return;
	if (cmd == P_PROTOCOL)
		var = rule.var_max ? 1 + (u32)strlen(c->net_conf.integrity_alg) : 0;
	else if (cmd == P_SYNC_PARAM || cmd == P_SYNC_PARAM89)
		var = rule.var_min;
	body_fill(in, cmd, p->body, &rule, var);
	finish(p, vnr, cmd, rule.fixed + var);
}

/* ---- answers ---- */

static bool answer_ack(struct input *in, const struct sent *sent, u16 cmd, struct packet *p)
{
	static const u16 others[] = { P_NEG_ACK, P_RECV_ACK, P_SUPERSEDED, P_RETRY_WRITE, P_RS_CANCEL };
	struct wire_p_block_ack *a = (struct wire_p_block_ack *)p->body;
	u8 pick = take8(in);

	a->sector = cpu_to_be64(sent->sector);
	a->block_id = sent->block_id;
	a->blksize = cpu_to_be32(sent->bytes);
	a->seq_num = cpu_to_be32(pick >> 4);
	if ((pick & 7) == 7)
		cmd = others[take8(in) % ARRAY_SIZE(others)];
	finish(p, sent->vnr, cmd, sizeof(*a));
	return true;
}

static bool answer_data(struct input *in, const struct sent *sent, u16 cmd, struct packet *p)
{
	struct wire_p_data *d = (struct wire_p_data *)p->body;
	u8 pick = take8(in);

	d->sector = cpu_to_be64(sent->sector);
	d->block_id = sent->block_id;
	p->digest_bad = pick & 1;
	finish(p, sent->vnr, cmd,
	       sizeof(*d) + node_connection()->integrity_size_in + min(sent->bytes, WIRE_DATA_MAX));
	return true;
}

static bool answer_digest(struct input *in, const struct sent *sent, u16 cmd, struct packet *p)
{
	struct wire_p_block_req *r = (struct wire_p_block_req *)p->body;
	u8 pick = take8(in);

	r->sector = cpu_to_be64(sent->sector);
	r->block_id = sent->block_id;
	r->blksize = cpu_to_be32(sent->bytes);
	memset(r + 1, pick & 1 ? 0xd1 : pick, 16);
	finish(p, sent->vnr, cmd, sizeof(*r) + 16);
	return true;
}

static bool answer_small(struct input *in, const struct sent *sent, u16 cmd, u32 len, struct packet *p)
{
	struct wire_p_barrier_ack *b = (struct wire_p_barrier_ack *)p->body;

	if (cmd == P_BARRIER_ACK) {
		b->barrier = sent->barrier;
		b->set_size = cpu_to_be32(take8(in));
	} else if (len) {
		((struct wire_p_state *)p->body)->state = cpu_to_be32((s32)(s8)take8(in));
	}
	finish(p, sent->vnr, cmd, len);
	return true;
}

bool craft_answer(struct input *in, const struct sent *sent, enum drbd_socket *socket, struct packet *p)
{
	memset(p, 0, sizeof(*p));
	*socket = SOCK_META;
	switch (sent->cmd) {
	case P_DATA:
	case P_TRIM:
	case P_ZEROES:
		return answer_ack(in, sent, P_WRITE_ACK, p);
	case P_RS_DATA_REPLY:
	case P_RS_DEALLOCATED:
		return answer_ack(in, sent, P_RS_WRITE_ACK, p);
	case P_OV_REPLY:
		return answer_ack(in, sent, P_OV_RESULT, p);
	case P_BARRIER:
		return answer_small(in, sent, P_BARRIER_ACK, 8, p);
	case P_PING:
		return answer_small(in, sent, P_PING_ACK, 0, p);
	case P_STATE_CHG_REQ:
		return answer_small(in, sent, P_STATE_CHG_REPLY, 4, p);
	case P_CONN_ST_CHG_REQ:
		return answer_small(in, sent, P_CONN_ST_CHG_REPLY, 4, p);
	}
	*socket = SOCK_DATA;
	switch (sent->cmd) {
	case P_DATA_REQUEST:
		return answer_data(in, sent, P_DATA_REPLY, p);
	case P_RS_DATA_REQUEST:
	case P_RS_THIN_REQ:
		return answer_data(in, sent, P_RS_DATA_REPLY, p);
	case P_CSUM_RS_REQUEST:
		*socket = SOCK_META;
		return answer_ack(in, sent, P_RS_IS_IN_SYNC, p);
	case P_OV_REQUEST:
		return answer_digest(in, sent, P_OV_REPLY, p);
	default:
		return false;
	}
}
