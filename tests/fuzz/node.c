// SPDX-License-Identifier: GPL-2.0
/* The host side of one node under fuzzing; see node.h. */
#include "node.h"
#include "core/engine.h"
#include "core/predicates.h"

#define BACKLOG 64
#define DIGEST_BYTES 16

struct app {
	struct drbd_request req;
	struct dlist link;
	bool at_disk, completed;
};

struct peer_io {
	struct drbd_peer_request pr;
	struct dlist link;
	enum { PEER_HERE, PEER_AT_DISK, PEER_AT_DIGEST } where;
	u32 room;			/* bytes of its memory */
};

static struct node_config config;
static struct dlist apps, peers;
static u32 n_apps, opened[NODE_VOLUMES];

static struct receiver {
	enum rx_phase phase;
	struct task t;
	struct incoming in;
	u8 fixed[512], var[WIRE_SOCKET_BUFFER];
	u16 pc;
	struct connection_cleanup cleanup;
	bool busy;
	u32 starts_seen, shutdowns_seen;
	struct packet *backlog[BACKLOG];
	u32 n_backlog;
} rx;

static struct {
	struct admin_op op;
	struct task t;
	admin_command *command;
} admin;

static struct sent kept[SENT_KEPT];
static u32 n_sent;

struct drbd_connection *node_connection(void) { return &fake.resource.connection; }
enum rx_phase node_phase(void) { return rx.phase; }

/* ---- what the core asks for ---- */

static void check_range(const struct drbd_device *device, const struct interval *i)
{
	must(device->has_backing);
	must(!(i->bytes & 511));
	must(i->sector <= device->layout.capacity);
	must((i->bytes >> 9) <= device->layout.capacity - i->sector);
}

static void on_submit(struct drbd_request *req)
{
	struct app *app = container_of(req, struct app, req);

	must(!app->at_disk);
	check_range(req->device, &req->interval);
	app->at_disk = true;
}

static void on_complete(struct drbd_request *req, int error)
{
	struct app *app = container_of(req, struct app, req);

	must(!app->completed);
	must(error <= 0);
	app->completed = true;
}

static void on_free(struct drbd_request *req)
{
	struct app *app = container_of(req, struct app, req);

	must(app->completed);
	must(!app->at_disk);
	dlist_del_init(&app->link);
	n_apps--;
	free(app);
}

static struct peer_io *peer_of(struct drbd_peer_request *pr)
{
	return container_of(pr, struct peer_io, pr);
}

static struct drbd_peer_request *on_peer_alloc(struct drbd_device *device, u32 bytes)
{
	struct peer_io *p = calloc(1, sizeof(*p));

	(void)device;
	must(bytes <= WIRE_DATA_MAX);
	p->room = bytes;
	dlist_add_tail(&p->link, &peers);
	return &p->pr;
}

static void on_peer_submit(struct drbd_peer_request *pr)
{
	struct peer_io *p = peer_of(pr);

	must(p->where == PEER_HERE);
	must(pr->interval.bytes);
	check_range(pr->device, &pr->interval);
	if (pr->op == PEER_OP_READ || pr->op == PEER_OP_WRITE)
		must(pr->interval.bytes <= p->room);
	p->where = PEER_AT_DISK;
}

static void on_peer_digest(struct drbd_peer_request *pr, enum digest_use use)
{
	(void)use;
	must(peer_of(pr)->where == PEER_HERE);
	peer_of(pr)->where = PEER_AT_DIGEST;
}

static void on_peer_free(struct drbd_peer_request *pr)
{
	struct peer_io *p = peer_of(pr);

	must(p->where == PEER_HERE);
	dlist_del_init(&p->link);
	free(p);
}

static void net_free(struct drbd_connection *c)
{
	c->csums_size = c->verify_size = c->integrity_size_out = 0;
	c->configured = false;
	memset(&c->net_conf, 0, sizeof(c->net_conf));
}

static void algorithms_set(struct drbd_connection *c)
{
	c->csums_size = c->net_conf.csums_alg[0] ? DIGEST_BYTES : 0;
	c->verify_size = c->net_conf.verify_alg[0] ? DIGEST_BYTES : 0;
}

static void on_action(struct task *t)
{
	struct drbd_connection *c = node_connection();

	switch (t->action.kind) {
	case ACT_NET_FREE:
		net_free(c);
		break;
	case ACT_LOAD_PEER_INTEGRITY:
		/* Some names are of algorithms that this kernel does not have. */
		t->result = c->peer_integrity_alg[0] == '?' ? -ENOENT : 0;
		c->integrity_size_in = c->peer_integrity_alg[0] && !t->result ? DIGEST_BYTES : 0;
		break;
	case ACT_LOAD_RESYNC_ALGS:
		t->result = c->net_conf.csums_alg[0] == '?' || c->net_conf.verify_alg[0] == '?' ?
			    -ENOENT : 0;
		algorithms_set(c);
		break;
	case ACT_MD_READ:
	case ACT_MD_WRITE:
	case ACT_AL_WRITE:
	case ACT_BM_READ:
	case ACT_BM_WRITE:
	case ACT_FLUSH:
		must(t->action.device->has_backing);
		break;
	default:
		break;
	}
}

/* ---- I/O ---- */

void node_io(u32 vnr, enum request_op op, u64 sector, u32 bytes, u32 dp_flags)
{
	struct drbd_device *device = fake_device(vnr);
	struct app *app;

	if (!opened[vnr] || (op != OP_READ && fake.volume[vnr].read_only) || n_apps >= 64)
		return;
	if (op == OP_FLUSH)
		sector = 0, bytes = 0, dp_flags |= DP_FLUSH;
	else if (!bytes || sector >= device->capacity || (bytes >> 9) > device->capacity - sector)
		return;
	app = calloc(1, sizeof(*app));
	request_init(&app->req, device, op, sector, bytes, dp_flags);
	dlist_add_tail(&app->link, &apps);
	n_apps++;
	request_new(&app->req);
}

bool node_open(u32 vnr, bool for_write)
{
	if (opened[vnr] || device_open(fake_device(vnr), for_write))
		return false;
	opened[vnr] = 1;
	return true;
}

void node_close(u32 vnr)
{
	struct app *app;

	dlist_for_each_entry(app, &apps, link)
		if (app->req.device == fake_device(vnr) && !app->completed)
			return;
	if (opened[vnr])
		device_close(fake_device(vnr));
	opened[vnr] = 0;
}

void node_disk_done(u32 nth, int error)
{
	struct app *app;

	dlist_for_each_entry(app, &apps, link) {
		if (!app->at_disk || nth--)
			continue;
		app->at_disk = false;
		request_local_done(&app->req, error);
		return;
	}
}

static void digest_done(struct drbd_peer_request *pr)
{
	pr->digest_len = DIGEST_BYTES;
	memset(pr->digest, 0xd1, DIGEST_BYTES);
	peer_request_digest_done(pr);
}

void node_peer_done(u32 nth, int error, bool zeroes)
{
	struct peer_io *p;
	bool digest;

	dlist_for_each_entry(p, &peers, link) {
		if (p->where == PEER_HERE || nth--)
			continue;
		digest = p->where == PEER_AT_DIGEST;
		p->where = PEER_HERE;
		p->pr.all_zero = p->pr.want_zero_check && zeroes;
		if (digest)
			digest_done(&p->pr);
		else
			peer_request_local_done(&p->pr, error);
		return;
	}
}

/* ---- the receiver ---- */

static enum fiber_status run_receive(struct task *t, void *arg) { return receive_packet(t, arg); }

static enum fiber_status run_establish(struct task *t, void *arg)
{
	(void)arg;
	return connection_establish(t, node_connection(), &rx.pc);
}

static enum fiber_status run_cleanup(struct task *t, void *arg)
{
	(void)arg;
	return connection_cleanup(t, node_connection(), &rx.cleanup);
}

static void phase_enter(enum rx_phase phase)
{
	rx.phase = phase;
	memset(&rx.t, 0, sizeof(rx.t));
	rx.pc = 0;
	memset(&rx.cleanup, 0, sizeof(rx.cleanup));
}

static void search(void)
{
	if (connection_search_begin(node_connection())) {
		phase_enter(RX_SEARCH);
		return;
	}
	phase_enter(RX_NONE);
	connection_receiver_ended(node_connection());
}

static void receive_end(void)
{
	u32 i;

	for (i = 0; i < rx.n_backlog; i++)
		free(rx.backlog[i]);
	rx.n_backlog = 0;
	phase_enter(RX_CLEANUP);
}

static bool plan(struct incoming *in, const struct packet *p, enum drbd_socket which, u8 *fixed)
{
	struct drbd_connection *c = node_connection();

	memset(in, 0, sizeof(*in));
	in->connection = c;
	in->fixed = fixed;
	in->var = rx.var;
	if (wire_header_decode(p->head, wire_header_size(c->agreed_pro_version),
			       c->agreed_pro_version, &in->hdr) != WIRE_OK) {
		connection_fail(c, which == SOCK_META ? C_NETWORK_FAILURE : C_PROTOCOL_ERROR);
		return false;
	}
	if (!receive_plan(c, which, in))
		return false;
	must(in->fixed_len <= sizeof(rx.fixed));
	memcpy(fixed, p->body, in->fixed_len);
	return true;
}

/* Put the payload where the core wants it; false: the connection ends. */
static bool place(struct incoming *in, const struct packet *p)
{
	u32 room = in->pr_bytes;

	if (!receive_plan_payload(in))
		return false;
	must(in->digest_len + in->payload_len <= WIRE_DATA_MAX + WIRE_DIGEST_MAX);
	in->digest_bad = in->digest_len && p->digest_bad;
	if (in->place == PAYLOAD_BUFFER) {
		must(in->payload_len <= sizeof(rx.var));
		in->var_len = in->payload_len;
		memset(rx.var, 0, sizeof(rx.var));
		memcpy(rx.var, p->body + in->fixed_len,
		       min_t(u32, in->payload_len, BODY_BYTES - in->fixed_len));
	}
	room = in->place == PAYLOAD_PEER_REQUEST ? in->payload_len : in->pr_bytes;
	if (in->device && (in->place == PAYLOAD_PEER_REQUEST || room)) {
		in->pr = on_peer_alloc(in->device, room);
		peer_request_init(in->pr, in->device, 0, room);
	}
	return true;
}

static void next_packet(void)
{
	struct packet *p = rx.backlog[0];
	bool ok;

	memmove(rx.backlog, rx.backlog + 1, --rx.n_backlog * sizeof(p));
	memset(&rx.t, 0, sizeof(rx.t));
	ok = plan(&rx.in, p, SOCK_DATA, rx.fixed) && place(&rx.in, p);
	free(p);
	if (ok)
		rx.busy = true;
	else
		receive_end();
}

static bool receive_step(void)
{
	if (rx.busy) {
		if (fake_drive(&rx.t, run_receive, &rx.in) != FIBER_DONE)
			return false;
		rx.busy = false;
		if (!rx.in.ok)
			receive_end();
		return true;
	}
	if (fake.shutdowns != rx.shutdowns_seen) {
		connection_socket_event(node_connection(), SOCKET_RECV_ERROR_DATA);
		receive_end();
		return true;
	}
	if (!rx.n_backlog)
		return false;
	next_packet();
	return true;
}

/* True: something happened. */
static bool receiver_step(void)
{
	switch (rx.phase) {
	case RX_NONE:
		if (fake.receivers_started == rx.starts_seen)
			return false;
		rx.starts_seen = fake.receivers_started;
		search();
		return true;
	case RX_SEARCH:
		if (!connection_search_stop(node_connection()))
			return false;
		search();
		return true;
	case RX_ESTABLISH:
		if (fake_drive(&rx.t, run_establish, NULL) != FIBER_DONE)
			return false;
		phase_enter(RX_RECEIVE);
		return true;
	case RX_RECEIVE:
		return receive_step();
	case RX_CLEANUP:
		if (fake_drive(&rx.t, run_cleanup, NULL) != FIBER_DONE)
			return false;
		search();
		return true;
	}
	return false;
}

bool node_connected(u32 apv_min, u32 apv_max, u32 features)
{
	struct wire_header hdr = { .cmd = P_CONNECTION_FEATURES, .length = sizeof(struct wire_p_features) };
	struct wire_p_features packet = {
		.protocol_min = cpu_to_be32(apv_min), .protocol_max = cpu_to_be32(apv_max),
		.feature_flags = cpu_to_be32(features),
	};

	if (rx.phase != RX_SEARCH)
		return false;
	rx.shutdowns_seen = fake.shutdowns;
	if (features_received(node_connection(), &hdr, &packet) != HANDSHAKE_OK)
		return false;
	phase_enter(RX_ESTABLISH);
	return true;
}

void node_connection_lost(enum socket_event how)
{
	if (rx.phase == RX_RECEIVE || rx.phase == RX_ESTABLISH)
		connection_socket_event(node_connection(), how);
}

bool node_data_packet(const struct packet *p)
{
	if (rx.phase != RX_RECEIVE || rx.n_backlog == BACKLOG)
		return false;
	rx.backlog[rx.n_backlog] = malloc(sizeof(*p));
	*rx.backlog[rx.n_backlog++] = *p;
	return true;
}

void node_meta_packet(const struct packet *p)
{
	struct incoming in;
	u8 fixed[512];

	if (rx.phase != RX_RECEIVE && rx.phase != RX_ESTABLISH)
		return;
	if (fake.shutdowns == rx.shutdowns_seen && plan(&in, p, SOCK_META, fixed))
		receive_meta(&in);
}

/* ---- the senders ---- */

static void keep(enum drbd_socket socket, const struct wire_header *hdr, const u8 *body)
{
	struct sent *s = &kept[n_sent++ % SENT_KEPT];
	const struct wire_p_block_req *block = (const struct wire_p_block_req *)body;
	const struct wire_p_data *data = (const struct wire_p_data *)body;

	*s = (struct sent) {
		.socket = socket, .cmd = hdr->cmd, .vnr = hdr->volume,
		.sector = be64_to_cpu(data->sector), .block_id = data->block_id,
		.bytes = be32_to_cpu(block->blksize), .barrier = (u32)data->sector,
	};
	memcpy(&s->barrier, body, sizeof(s->barrier));
	if (hdr->cmd == P_DATA || hdr->cmd == P_RS_DATA_REPLY || hdr->cmd == P_DATA_REPLY)
		s->bytes = hdr->length - sizeof(*data);
	else if (hdr->cmd == P_TRIM || hdr->cmd == P_ZEROES)
		s->bytes = be32_to_cpu(((const struct wire_p_range *)body)->size);
}

const struct sent *node_sent(u32 back)
{
	return back < min_t(u32, n_sent, SENT_KEPT) ? &kept[(n_sent - 1 - back) % SENT_KEPT] : NULL;
}

/* Our own packets keep to the rules that we make others keep to. */
static void check_own(enum drbd_socket socket, const struct wire_header *hdr)
{
	struct drbd_connection *c = node_connection();
	struct wire_rule rule;

	must(wire_rule_find(socket == SOCK_DATA ? WIRE_SOCKET_DATA : WIRE_SOCKET_META, hdr->cmd,
			    c->agreed_pro_version, c->agreed_features, WIRE_PHASE_RUNNING, &rule) == WIRE_OK);
	must(wire_rule_check(&rule, hdr->length) == WIRE_OK);
}

void node_send(enum drbd_socket socket, u32 n, bool ok)
{
	struct drbd_connection *c = node_connection();
	static u8 head[SEND_HEAD_ROOM + WIRE_DIGEST_MAX];
	u32 size = wire_header_size(c->agreed_pro_version);
	struct wire_header hdr;

	if (rx.phase != RX_RECEIVE && rx.phase != RX_ESTABLISH)
		return;
	while (n--) {
		struct outgoing out = { .head = head };

		memset(head, 0, sizeof(head));
		if (!send_next(c, socket, &out))
			return;
		must(out.head_len <= SEND_HEAD_ROOM);
		must(wire_header_decode(head, size, c->agreed_pro_version, &hdr) == WIRE_OK);
		must(hdr.length == out.head_len - size + out.payload_len + out.digest_len);
		must(!out.payload_len || out.req || out.pr);
		check_own(socket, &hdr);
		keep(socket, &hdr, head + size);
		send_done(c, socket, &out, ok || n);
		if (!ok && !n)
			connection_socket_event(c, SOCKET_SEND_ERROR);
		node_run();
	}
}

/* ---- the administrator ---- */

static bool admin_step(void)
{
	if (!admin.command || fake_step(admin.command, &admin.op, &admin.t) != FIBER_DONE)
		return false;
	must(admin.op.ret);
	admin.command = NULL;
	return true;
}

bool node_command(admin_command *command, const struct admin_op *op)
{
	if (admin.command)
		return false;
	admin.command = command;
	admin.op = *op;
	memset(&admin.t, 0, sizeof(admin.t));
	return true;
}

void node_interrupt(void)
{
	admin.t.interrupted = admin.command;
	env_wake(&fake.resource);
}

bool node_attach(u32 vnr)
{
	struct drbd_device *device = fake_device(vnr);
	struct md_superblock sb = {
		.la_size_sect = NODE_SECTORS >> vnr, .magic = MD_MAGIC_CLEAN,
		.flags = MDF_AL_CLEAN | config.md_flags,
	};
	struct admin_op op;

	admin_op_init(&op, &fake.resource, device);
	op.conf.disk = config.disk;
	if (admin.command || device->has_backing || !(config.disks & 1 << vnr) ||
	    admin_attach_allowed(device, &op.conf.disk) != ERR_NO_ERROR)
		return false;
	memcpy(sb.uuid, config.uuid, sizeof(sb.uuid));
	if (!fake.volume[vnr].md_writes)
		fake_format(vnr, NODE_SECTORS >> vnr, &sb);
	device->disk_conf = config.disk;
	device->disk_conf.meta_dev_idx = MD_INDEX_FLEX_EXTERNAL;
	op.conf.disk.meta_dev_idx = MD_INDEX_FLEX_EXTERNAL;
	return node_command(admin_attach, &op);
}

bool node_connect(void)
{
	struct drbd_connection *c = node_connection();
	struct admin_op op;

	admin_op_init(&op, &fake.resource, NULL);
	op.conf.net = config.net;
	if (admin.command || c->cstate > C_STANDALONE || c->configured ||
	    admin_net_conf_check(c, &op.conf.net, false) != ERR_NO_ERROR)
		return false;
	c->net_conf = config.net;
	c->integrity_size_out = config.net.integrity_alg[0] ? DIGEST_BYTES : 0;
	algorithms_set(c);
	c->configured = true;
	return node_command(admin_connect, &op);
}

/* ---- running ---- */

void node_run(void)
{
	bool again;

	do {
		fake_run();
		again = receiver_step();
		again |= admin_step();
	} while (again);
}

void node_advance(u32 ms)
{
	fake.now_ms += ms;
	env_wake(&fake.resource);
	node_run();
}

void node_start(const struct node_config *from)
{
	u32 v;

	config = *from;
	memset(&rx, 0, sizeof(rx));
	memset(&admin, 0, sizeof(admin));
	memset(opened, 0, sizeof(opened));
	n_apps = n_sent = 0;
	dlist_init(&apps);
	dlist_init(&peers);
	fake_start(config.volumes);
	fake.resource.opts = config.res;
	fake.on_submit = on_submit;
	fake.on_complete = on_complete;
	fake.on_free = on_free;
	fake.on_peer_submit = on_peer_submit;
	fake.on_peer_free = on_peer_free;
	fake.on_peer_alloc = on_peer_alloc;
	fake.on_peer_digest = on_peer_digest;
	fake.on_action = on_action;
	for (v = 0; v < config.volumes; v++) {
		node_attach(v);
		node_run();
	}
	node_connect();
	node_run();
}

/* ---- the end ---- */

static void let_all_go(void)
{
	u32 i;

	for (i = 0; i < 300; i++) {
		node_disk_done(0, 0);
		node_peer_done(0, 0, false);
		node_run();
	}
}

static bool command_now(admin_command *command, u32 vnr, bool force)
{
	struct admin_op op;
	u32 i;

	admin_op_init(&op, &fake.resource, vnr < config.volumes ? fake_device(vnr) : NULL);
	op.force = force;
	for (i = 0; i < 200 && !node_command(command, &op); i++) {
		let_all_go();
		node_advance(1000);
	}
	for (i = 0; i < 200 && admin.command; i++) {
		let_all_go();
		node_advance(1000);
	}
	return !admin.command;
}

void node_end(void)
{
	u32 v;

	config.disks = 0;
	if (rx.phase == RX_RECEIVE)
		node_connection_lost(SOCKET_EOF_DATA);
	let_all_go();
	must(command_now(admin_disconnect, NODE_VOLUMES, true));
	for (v = 0; v < config.volumes; v++) {
		must(command_now(admin_resume_io, v, false));
		must(command_now(admin_detach, v, true));
		must(command_now(admin_resume_io, v, false));
		node_close(v);
	}
	let_all_go();
	must(rx.phase == RX_NONE);
	must(dlist_empty(&peers));
	must(dlist_empty(&apps));
	for (v = 0; v < config.volumes; v++) {
		must(!fake_device(v)->local_refs);
		must(!fake_device(v)->ap_in_flight);
		must(fake_device(v)->state.disk == D_DISKLESS);
	}
	fake_stop();
}
