// SPDX-License-Identifier: GPL-2.0
/* The application: random reads, writes, discards and flushes on a Primary's device. */
#include "sim.h"

bool app_enabled[NODES];
u64 app_done_count, app_error_count;

static u64 next_id;

struct app {
	struct node *node;
	int vnr;
	u32 in_flight;
	bool open;
	struct waitq wait;
};

static struct app apps[NODES][VOLUMES_MAX];

bool app_idle(const struct node *n)
{
	u32 v;

	for (v = 0; v < cfg.volumes; v++)
		if (apps[n->id][v].in_flight || apps[n->id][v].open)
			return false;
	return true;
}

static enum request_op choose_op(void)
{
	u32 dice = chance(100);

	if (dice < 25)
		return OP_READ;
	if (dice < 30)
		return OP_FLUSH;
	if (cfg.discards && dice < 34)
		return OP_DISCARD;
	if (cfg.discards && dice < 38)
		return OP_WRITE_ZEROES;
	return OP_WRITE;
}

/* Often the same few places, so that requests meet. */
static u64 choose_sector(u64 capacity, u32 sectors)
{
	u64 range = capacity - sectors + 1, sector;

	if (one_in(3))
		range = min_t(u64, range, 64);
	sector = chance64() % range;
	return cfg.sub_block ? sector : sector & ~7ull;
}

static struct host_request *request_make(struct app *app)
{
	struct node *n = app->node;
	struct drbd_device *device = node_device(n, app->vnr);
	struct host_request *req = node_alloc(n, sizeof(*req));
	enum request_op op = choose_op();
	u32 limit = min_t(u64, min(cfg.max_request, max(device->max_bio_size, 4096u) >> 9),
			  device->capacity);
	u64 sector = 0;
	u32 flags = 0, i;

	req->node = n;
	req->id = ++next_id;
	req->started = now_us;
	req->io.done.pos = req->completion.pos = -1;
	dlist_add_tail(&req->mine, &n->requests);
	if (op != OP_FLUSH) {
		req->sectors = 1 + chance(limit);
		if (!cfg.sub_block || one_in(2))
			req->sectors = min((req->sectors + 7) & ~7u, limit & ~7u);
		sector = choose_sector(device->capacity, req->sectors);
	} else {
		flags = DP_FLUSH;
	}
	if (op == OP_DISCARD && !device_may_discard(device))
		op = OP_WRITE_ZEROES;
	if (op == OP_WRITE)
		flags = (one_in(20) ? DP_FUA : 0) | (one_in(30) ? DP_FLUSH : 0) |
			(one_in(4) ? DP_RW_SYNC : 0);
	req->tags = node_alloc(n, max(req->sectors, 1u) * sizeof(u64));
	for (i = 0; op == OP_WRITE && i < req->sectors; i++)
		req->tags[i] = req->id << 8 | (n->id + 1);
	request_init(&req->core, device, op, sector, req->sectors << 9, flags);
	req->core.may_unmap = one_in(2);
	return req;
}

static void request_issue(struct app *app)
{
	struct host_request *req = request_make(app);
	u8 op = req->core.op;

	app->in_flight++;
	if (op != OP_READ && op != OP_FLUSH)
		req->write = oracle_write_begin(app->node, app->vnr, req->core.interval.sector,
						req->sectors, req->tags[0]);
	if (tracing)
		trace(app->node, "vol %d request %llu op %u %llu+%u flags %x", app->vnr,
		      (unsigned long long)req->id, op,
		      (unsigned long long)req->core.interval.sector, req->sectors,
		      req->core.dp_flags);
	request_new(&req->core);
}

/*
 * Is a write durable at once?  The good copy decides: a disk that is being synchronised, or
 * none, will be given what the peer's disk holds after a power cut.
 */
static bool durable_at_once(const struct host_request *req)
{
	const struct drbd_device *device = req->core.device;
	struct node *good = device->state.disk == D_UP_TO_DATE ? req->node : other(req->node);

	/* Of two Primaries that crash together, either may be the one whose data count. */
	return (req->core.op == OP_WRITE && (req->core.dp_flags & DP_FUA)) ||
		(good->disk[device->vnr].write_through &&
		 (!cfg.two_primaries || other(good)->disk[device->vnr].write_through));
}

/*
 * Only the peer has it, and a peer before protocol version 100 acknowledges what it is configured
 * to: with A nothing, with B that it is in memory. That is no promise for the disk.
 */
static bool is_promised(const struct host_request *req)
{
	const struct drbd_device *device = req->core.device;
	const struct drbd_connection *c = &device->resource->connection;

	return device->state.disk == D_UP_TO_DATE || c->agreed_pro_version >= 100 ||
	       c->net_conf.wire_protocol == OPT_PROTOCOL_C;
}

void app_request_completed(struct host_request *req)
{
	struct drbd_device *device = req->core.device;
	struct app *app = &apps[req->node->id][device->vnr];
	bool promised = is_promised(req);
	u64 sector = req->core.interval.sector;
	u8 op = req->core.op;

	if (tracing)
		trace(req->node, "vol %u request %llu completed %d", device->vnr,
		      (unsigned long long)req->id, req->error);
	app_done_count++;
	app->in_flight--;
	if (req->error)
		app_error_count++;
	/* Never in the transfer log: neither a disk nor the peer has heard of it. */
	if (req->write && req->error && !req->core.serial) {
		oracle_write_never(req->node, device->vnr, sector, req->sectors, req->write);
		req->write = NULL;
	}
	if (req->write && promised) {
		oracle_write_end(req->write, req->error, durable_at_once(req));
		if (!req->error)
			oracle_check_mirrored(req->node, device->vnr, sector, req->sectors, req->tags);
	}
	if (!req->error && op == OP_READ)
		oracle_read_end(req->node, device->vnr, sector, req->tags, req->sectors, req->started);
	if (!req->error && promised && !cfg.two_primaries && (op == OP_FLUSH || (req->core.dp_flags & DP_FLUSH)))
		oracle_flush_end(device->vnr, req->started);
	waitq_wake(&app->wait);
	if (req->freed_by_core) {
		dlist_del_init(&req->mine);
		node_free(req->node, req->tags);
		node_free(req->node, req);
	}
}

/* A run is worth some thousand requests; then the application only keeps things moving. */
static u64 gap(void)
{
	return app_done_count < min(4000u, 200000 / cfg.max_request) ? cfg.app_gap : max_t(u64, cfg.app_gap, 100 * MS);
}

static void app_thread(void *arg)
{
	struct app *app = arg;
	struct node *n = app->node;

	for (;;) {
		struct drbd_device *device = node_device(n, app->vnr);

		if (app->open && !app_enabled[n->id] && !app->in_flight) {
			device_close(device);
			app->open = false;
		}
		if (!app->open && app_enabled[n->id] && device->capacity)
			app->open = device_open(device, true) == 0;
		if (app->open && app_enabled[n->id] && app->in_flight < cfg.app_depth &&
		    device->capacity >= 8) {
			request_issue(app);
			thread_sleep(chance_between(1, gap()));
		} else {
			waitq_wait(&app->wait, now_us + 50 * MS);
		}
	}
}

void app_start(struct node *n, int vnr)
{
	struct app *app = &apps[n->id][vnr];

	memset(app, 0, sizeof(*app));
	app->node = n;
	app->vnr = vnr;
	waitq_init(&app->wait);
	thread_start(n, "application", app_thread, app);
}

void app_node_crashed(struct node *n)
{
	struct host_request *req;
	u32 v;

	dlist_for_each_entry(req, &n->requests, mine)
		if (req->write && (!req->completed || event_scheduled(&req->completion)))
			oracle_write_lost(req->write);
	app_enabled[n->id] = false;
	for (v = 0; v < cfg.volumes; v++) {
		apps[n->id][v].in_flight = 0;
		apps[n->id][v].open = false;
	}
}
