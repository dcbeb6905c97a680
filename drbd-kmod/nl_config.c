// SPDX-License-Identifier: GPL-2.0
/*
 * nl_config.c - commands that make, change and remove configuration (netlink.md 3.3)
 */
#include <linux/slab.h>
#include "netlink.h"
#include "records.h"

#define MINOR_MAX 1048575u
#define VOLUME_MAX 65535u

/* ---- resources and minors ---- */

static s32 do_new_resource(struct nl_request *rq)
{
	struct res_opts opts;
	s32 ret;

	res_opts_set_defaults(&opts);
	ret = nl_request_parse(rq, &res_opts_section, &opts, NL_PARSE_NEW, NULL);
	if (ret != ERR_NO_ERROR)
		return ret;
	if (!rq->ctx.ctx_resource_name[0]) {
		nl_info(rq, "resource name missing");
		return ERR_MANDATORY_TAG;
	}
	if (strchr(rq->ctx.ctx_resource_name, '/')) {
		nl_info(rq, "invalid resource name");
		return ERR_INVALID_REQUEST;
	}
	if (rq->r) {
		if (!(rq->info->nlhdr->nlmsg_flags & NLM_F_EXCL))
			return ERR_NO_ERROR;
		nl_info(rq, "resource exists");
		return ERR_INVALID_REQUEST;
	}
	/* Under this mutex listeners learn what exists: nothing is told twice, or not at all. */
	mutex_lock(&drbd_objects_mutex);
	rq->r = drbd_resource_create(rq->ctx.ctx_resource_name, &opts);
	if (rq->r) {
		kref_get(&rq->r->kref);
		notify_resource(rq->r, NOTIFY_CREATE);
	}
	mutex_unlock(&drbd_objects_mutex);
	return rq->r ? ERR_NO_ERROR : ERR_NOMEM;
}

static s32 do_new_minor(struct nl_request *rq)
{
	u32 minor = rq->header->minor;
	bool have_volume = rq->ctx_seen & (1ULL << NLA_ctx_volume);
	struct shell_device *d;
	bool taken;
	int err;

	if (minor > MINOR_MAX) {
		nl_info(rq, "requested minor out of range");
		return ERR_INVALID_REQUEST;
	}
	if (!have_volume || rq->ctx.ctx_volume > VOLUME_MAX) {
		nl_info(rq, "requested volume id out of range");
		return ERR_INVALID_REQUEST;
	}
	/* find_objects() has checked that an existing minor is this very volume. */
	if (rq->d)
		return rq->info->nlhdr->nlmsg_flags & NLM_F_EXCL ?
			ERR_MINOR_OR_VOLUME_EXISTS : ERR_NO_ERROR;
	drbd_lock(rq->r);
	taken = resource_volume(&rq->r->core, rq->ctx.ctx_volume);
	drbd_unlock(rq->r);
	if (taken)
		return ERR_MINOR_OR_VOLUME_EXISTS;

	mutex_lock(&drbd_objects_mutex);
	err = drbd_device_create(rq->r, minor, rq->ctx.ctx_volume, &d);
	if (!err)
		notify_device(d, NOTIFY_CREATE);
	if (!err && rq->r->core.connection.configured)
		notify_peer_device(d, NOTIFY_CREATE);
	mutex_unlock(&drbd_objects_mutex);
	if (err)
		return err == -ENOSPC || err == -EEXIST || err == -EBUSY ?
			ERR_MINOR_OR_VOLUME_EXISTS : ERR_NOMEM;
	return ERR_NO_ERROR;
}

/* The core has agreed; nothing refers to the device any more but its openers. */
static void minor_remove(struct shell_resource *r, struct shell_device *d)
{
	mutex_lock(&drbd_objects_mutex);
	if (r->core.connection.configured)
		notify_peer_device(d, NOTIFY_DESTROY);
	notify_device(d, NOTIFY_DESTROY);
	drbd_lock(r);
	device_unlink(&d->core);
	drbd_unlock(r);
	drbd_device_delete(d);
	mutex_unlock(&drbd_objects_mutex);
}

static s32 do_del_minor(struct nl_request *rq)
{
	s32 ret = nl_run(rq, admin_del_minor);

	if (ret == ERR_NO_ERROR)
		minor_remove(rq->r, rq->d);
	return ret;
}

static s32 do_del_resource(struct nl_request *rq)
{
	s32 ret = nl_run(rq, admin_del_resource);

	if (ret == ERR_NO_ERROR)
		drbd_resource_delete(rq->r);
	return ret;
}

static s32 do_down(struct nl_request *rq)
{
	s32 ret = nl_run(rq, admin_down);
	struct drbd_device *device;

	if (ret != ERR_NO_ERROR)
		return ret;
	/* Only this handler, holding the admin mutex, changes the list. */
	while (!dlist_empty(&rq->r->core.devices)) {
		device = dlist_first_entry(&rq->r->core.devices, struct drbd_device, of_resource);
		rq->op.device = device;
		ret = nl_run(rq, admin_del_minor);
		if (ret != ERR_NO_ERROR) {
			nl_info(rq, "failed to delete volume");
			return ret;
		}
		minor_remove(rq->r, shell_of_device(device));
	}
	return do_del_resource(rq);
}

static s32 do_resource_opts(struct nl_request *rq)
{
	struct res_opts *opts = &rq->op.conf.res;
	s32 ret;

	drbd_lock(rq->r);
	*opts = rq->r->core.opts;
	drbd_unlock(rq->r);
	if (nl_set_defaults(rq))
		option_reset_changeable(&res_opts_section, opts);
	ret = nl_request_parse(rq, &res_opts_section, opts, NL_PARSE_CHANGE, NULL);
	return ret == ERR_NO_ERROR ? nl_run(rq, admin_resource_options) : ret;
}

/* ---- the disk ---- */

static s32 do_attach(struct nl_request *rq)
{
	struct disk_conf *conf = &rq->op.conf.disk;
	const char *why = NULL;
	s32 ret;

	disk_conf_set_defaults(conf);
	ret = nl_request_parse(rq, &disk_conf_section, conf, NL_PARSE_NEW, NULL);
	if (ret != ERR_NO_ERROR)
		return ret;
	drbd_lock(rq->r);
	ret = admin_attach_allowed(&rq->d->core, conf);
	drbd_unlock(rq->r);
	if (ret != ERR_NO_ERROR)
		return ret;
	/* An earlier detach may still be closing the disk. */
	if (rq->d->backing.data.bdev &&
	    wait_event_interruptible_timeout(rq->r->wait, !READ_ONCE(rq->d->backing.data.bdev), 60 * HZ) <= 0) {
		nl_info(rq, "the previous disk is still waiting for its last I/O; try again later");
		return ERR_DISK_CONFIGURED;
	}
	ret = shell_backing_open(rq->d, conf, &why);
	if (ret) {
		nl_info(rq, why);
		return ret;
	}
	drbd_lock(rq->r);
	shell_backing_sizes(rq->d);
	rq->d->core.disk_conf = *conf;
	drbd_unlock(rq->r);
	ret = nl_run(rq, admin_attach);
	if (ret != ERR_NO_ERROR && ret != SS_SUCCESS && !rq->d->core.has_backing)
		shell_backing_close(rq->d);
	else if (rq->d->core.has_backing)
		kobject_uevent(&disk_to_dev(rq->d->disk)->kobj, KOBJ_CHANGE);
	return ret;
}

static s32 do_disk_opts(struct nl_request *rq)
{
	struct disk_conf *conf = &rq->op.conf.disk;
	bool disk;
	s32 ret;

	drbd_lock(rq->r);
	disk = rq->d->core.has_backing && rq->d->core.state.disk >= D_INCONSISTENT;
	*conf = rq->d->core.disk_conf;
	drbd_unlock(rq->r);
	if (!disk)
		return ERR_NO_DISK;
	if (nl_set_defaults(rq))
		option_reset_changeable(&disk_conf_section, conf);
	ret = nl_request_parse(rq, &disk_conf_section, conf, NL_PARSE_CHANGE, NULL);
	return ret == ERR_NO_ERROR ? nl_run(rq, admin_disk_options) : ret;
}

/* ---- the connection ---- */

static void crypto_free(struct shell_crypto *c)
{
	shell_digest_free(&c->csums);
	shell_digest_free(&c->verify);
	shell_digest_free(&c->integrity);
	shell_digest_free(&c->cram_hmac);
}

static s32 crypto_load(struct shell_crypto *c, const struct net_conf *nc)
{
	s32 ret = ERR_NO_ERROR;

	memset(c, 0, sizeof(*c));
	if (shell_digest_load(nc->csums_alg, "%s", &c->csums))
		ret = ERR_CSUMS_ALG;
	else if (shell_digest_load(nc->verify_alg, "%s", &c->verify))
		ret = ERR_VERIFY_ALG;
	else if (shell_digest_load(nc->integrity_alg, "%s", &c->integrity))
		ret = ERR_INTEGRITY_ALG;
	else if (shell_digest_load(nc->cram_hmac_alg, "hmac(%s)", &c->cram_hmac))
		ret = ERR_AUTH_ALG;
	if (ret != ERR_NO_ERROR)
		crypto_free(c);
	return ret;
}

static u32 digest_size(struct crypto_shash *tfm)
{
	return tfm ? crypto_shash_digestsize(tfm) : 0;
}

/* The old ones are left in *c for the caller to free; nobody uses them any more. */
static void crypto_install(struct shell_resource *r, struct shell_crypto *c)
{
	struct drbd_connection *connection = &r->core.connection;

	down_write(&r->conn.crypto_sem);
	drbd_lock(r);
	swap(r->conn.crypto, *c);
	connection->csums_size = digest_size(r->conn.crypto.csums);
	connection->verify_size = digest_size(r->conn.crypto.verify);
	connection->integrity_size_out = digest_size(r->conn.crypto.integrity);
	connection->integrity_size_next = connection->integrity_size_out;
	drbd_unlock(r);
	up_write(&r->conn.crypto_sem);
}

/* The same for all but the integrity algorithm, which the core switches. */
static void crypto_update(struct shell_resource *r, struct shell_crypto *c)
{
	struct drbd_connection *connection = &r->core.connection;

	down_write(&r->conn.crypto_sem);
	drbd_lock(r);
	swap(r->conn.crypto, *c);
	swap(r->conn.crypto.integrity, c->integrity);
	connection->csums_size = digest_size(r->conn.crypto.csums);
	connection->verify_size = digest_size(r->conn.crypto.verify);
	drbd_unlock(r);
	up_write(&r->conn.crypto_sem);
}

u32 env_integrity_prepare(struct drbd_connection *connection)
{
	struct shell_resource *r = shell_of_connection(connection);

	swap(r->conn.integrity_next, r->conn.integrity_offered);
	return digest_size(r->conn.integrity_next);
}

void env_integrity_switch(struct drbd_connection *connection)
{
	struct shell_resource *r = shell_of_connection(connection);

	swap(r->conn.crypto.integrity, r->conn.integrity_next);
}

static bool same_address(const void *a, u32 a_len, const void *b, u32 b_len)
{
	return a_len == b_len && !memcmp(a, b, a_len);
}

static s32 addresses_free(const struct nl_cfg_context *ctx)
{
	s32 ret = ERR_NO_ERROR;
	struct shell_resource *r;

	mutex_lock(&drbd_objects_mutex);
	list_for_each_entry(r, &drbd_resources, all) {
		if (!r->core.connection.configured)
			continue;
		if (same_address(&r->conn.my_addr, r->conn.my_addr_len,
				 ctx->ctx_my_addr, ctx->ctx_my_addr_len))
			ret = ERR_LOCAL_ADDR;
		else if (same_address(&r->conn.peer_addr, r->conn.peer_addr_len,
				      ctx->ctx_peer_addr, ctx->ctx_peer_addr_len))
			ret = ERR_PEER_ADDR;
		if (ret != ERR_NO_ERROR)
			break;
	}
	mutex_unlock(&drbd_objects_mutex);
	return ret;
}

static bool address_sane(const u8 *addr, u32 len)
{
	const struct sockaddr *sa = (const struct sockaddr *)addr;

	if (len < sizeof(sa->sa_family) || len > sizeof(struct sockaddr_storage))
		return false;
	return (sa->sa_family == AF_INET && len >= sizeof(struct sockaddr_in)) ||
	       (sa->sa_family == AF_INET6 && len >= sizeof(struct sockaddr_in6));
}

static void announce_connection(struct shell_resource *r)
{
	struct drbd_device *device;

	notify_connection(r, NOTIFY_CREATE | (dlist_empty(&r->core.devices) ? 0 : NOTIFY_CONTINUES));
	for_each_volume(device, &r->core)
		notify_peer_device(shell_of_device(device), NOTIFY_CREATE |
			(device->of_resource.next == &r->core.devices ? 0 : NOTIFY_CONTINUES));
}

static void addresses_store(struct shell_resource *r, const struct nl_cfg_context *ctx)
{
	memset(&r->conn.my_addr, 0, sizeof(r->conn.my_addr));
	memset(&r->conn.peer_addr, 0, sizeof(r->conn.peer_addr));
	memcpy(&r->conn.my_addr, ctx->ctx_my_addr, ctx->ctx_my_addr_len);
	memcpy(&r->conn.peer_addr, ctx->ctx_peer_addr, ctx->ctx_peer_addr_len);
	r->conn.my_addr_len = ctx->ctx_my_addr_len;
	r->conn.peer_addr_len = ctx->ctx_peer_addr_len;
}

static s32 do_connect(struct nl_request *rq)
{
	struct drbd_connection *connection = &rq->r->core.connection;
	struct net_conf *nc = &rq->op.conf.net;
	struct shell_crypto crypto;
	s32 ret;

	if (!address_sane(rq->ctx.ctx_my_addr, rq->ctx.ctx_my_addr_len) ||
	    !address_sane(rq->ctx.ctx_peer_addr, rq->ctx.ctx_peer_addr_len)) {
		nl_info(rq, "connection endpoint(s) missing");
		return ERR_INVALID_REQUEST;
	}
	ret = addresses_free(&rq->ctx);
	if (ret != ERR_NO_ERROR)
		return ret;
	if (connection->cstate > C_STANDALONE || connection->configured)
		return ERR_NET_CONFIGURED;
	net_conf_set_defaults(nc);
	ret = nl_request_parse(rq, &net_conf_section, nc, NL_PARSE_NEW, NULL);
	if (ret != ERR_NO_ERROR)
		return ret;
	drbd_lock(rq->r);
	ret = admin_net_conf_check(connection, nc, false);
	drbd_unlock(rq->r);
	if (ret == ERR_NO_ERROR)
		ret = crypto_load(&crypto, nc);
	if (ret != ERR_NO_ERROR)
		return ret;

	crypto_install(rq->r, &crypto);
	mutex_lock(&drbd_objects_mutex);
	drbd_lock(rq->r);
	addresses_store(rq->r, &rq->ctx);
	connection->net_conf = *nc;
	connection->configured = true;
	drbd_unlock(rq->r);
	announce_connection(rq->r);
	mutex_unlock(&drbd_objects_mutex);
	crypto_free(&crypto);
	return nl_run(rq, admin_connect);
}

/* ACT_NET_FREE: the connection has become StandAlone for good. */
void shell_net_free(struct shell_resource *r)
{
	struct shell_crypto crypto = {};
	struct volumes *v = volumes_get(r);
	u32 i;

	mutex_lock(&drbd_objects_mutex);
	for (i = 0; v && i < v->n; i++)
		notify_peer_device(v->device[i], NOTIFY_DESTROY | NOTIFY_CONTINUES);
	notify_connection(r, NOTIFY_DESTROY);
	crypto_install(r, &crypto);
	drbd_lock(r);
	r->core.connection.configured = false;
	memset(&r->core.connection.net_conf, 0, sizeof(struct net_conf));
	drbd_unlock(r);
	mutex_unlock(&drbd_objects_mutex);
	if (v)
		volumes_put(v);
	crypto_free(&crypto);
	shell_digest_free(&r->conn.integrity_next);
	shell_digest_free(&r->conn.peer_integrity);
}

int shell_load_peer_integrity(struct shell_resource *r)
{
	struct drbd_connection *connection = &r->core.connection;
	struct crypto_shash *tfm;
	int err = shell_digest_load(connection->peer_integrity_alg, "%s", &tfm);

	if (err)
		return err;
	swap(r->conn.peer_integrity, tfm);
	drbd_lock(r);
	connection->integrity_size_in = digest_size(r->conn.peer_integrity);
	drbd_unlock(r);
	shell_digest_free(&tfm);
	return 0;
}

/* ACT_LOAD_RESYNC_ALGS: the peer's settings were adopted into net_conf. */
int shell_load_resync_algs(struct shell_resource *r)
{
	struct drbd_connection *connection = &r->core.connection;
	struct shell_crypto fresh = {};
	int err = shell_digest_load(connection->net_conf.csums_alg, "%s", &fresh.csums);

	if (!err)
		err = shell_digest_load(connection->net_conf.verify_alg, "%s", &fresh.verify);
	if (!err) {
		down_write(&r->conn.crypto_sem);
		drbd_lock(r);
		swap(r->conn.crypto.csums, fresh.csums);
		swap(r->conn.crypto.verify, fresh.verify);
		connection->csums_size = digest_size(r->conn.crypto.csums);
		connection->verify_size = digest_size(r->conn.crypto.verify);
		drbd_unlock(r);
		up_write(&r->conn.crypto_sem);
	}
	crypto_free(&fresh);
	return err;
}

static s32 do_net_opts(struct nl_request *rq)
{
	struct drbd_connection *connection = &rq->r->core.connection;
	struct net_conf *nc = &rq->op.conf.net;
	struct shell_crypto crypto;
	s32 ret;

	if (!connection->configured) {
		nl_info(rq, "net conf missing, try connect");
		return ERR_INVALID_REQUEST;
	}
	drbd_lock(rq->r);
	*nc = connection->net_conf;
	drbd_unlock(rq->r);
	if (nl_set_defaults(rq))
		option_reset_changeable(&net_conf_section, nc);
	ret = nl_request_parse(rq, &net_conf_section, nc, NL_PARSE_CHANGE, NULL);
	if (ret != ERR_NO_ERROR)
		return ret;
	drbd_lock(rq->r);
	ret = admin_net_conf_check(connection, nc, true);
	drbd_unlock(rq->r);
	if (ret == ERR_NO_ERROR)
		ret = crypto_load(&crypto, nc);
	if (ret != ERR_NO_ERROR)
		return ret;
	swap(rq->r->conn.integrity_offered, crypto.integrity);
	ret = nl_run(rq, admin_net_options);
	if (ret == ERR_NO_ERROR)
		crypto_update(rq->r, &crypto);
	shell_digest_free(&rq->r->conn.integrity_offered);
	crypto_free(&crypto);
	return ret;
}

static s32 do_disconnect(struct nl_request *rq)
{
	struct disconnect_parms parms = {};
	s32 ret = nl_request_parse(rq, &disconnect_parms_section, &parms, NL_PARSE_CHANGE, NULL);

	if (ret != ERR_NO_ERROR)
		return ret;
	rq->op.force = parms.force_disconnect;
	return nl_run(rq, admin_disconnect);
}

static const struct nl_command_desc commands[] = {
	{ NL_NEW_RESOURCE, NL_CTX_NAME, do_new_resource },
	{ NL_DEL_RESOURCE, NL_CTX_RESOURCE, do_del_resource },
	{ NL_RESOURCE_OPTS, NL_CTX_RESOURCE, do_resource_opts },
	{ NL_NEW_MINOR, NL_CTX_RESOURCE, do_new_minor },
	{ NL_DEL_MINOR, NL_CTX_MINOR, do_del_minor },
	{ NL_ATTACH, NL_CTX_MINOR, do_attach },
	{ NL_CHG_DISK_OPTS, NL_CTX_MINOR, do_disk_opts },
	{ NL_CONNECT, NL_CTX_RESOURCE, do_connect },
	{ NL_CHG_NET_OPTS, NL_CTX_CONNECTION, do_net_opts },
	{ NL_DISCONNECT, NL_CTX_CONNECTION, do_disconnect },
	{ NL_DOWN, NL_CTX_RESOURCE, do_down },
};

const struct nl_command_desc *nl_config_command(u8 cmd)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(commands); i++)
		if (commands[i].cmd == cmd)
			return &commands[i];
	return NULL;
}
