/* SPDX-License-Identifier: GPL-2.0 */
/*
 * nlattrs.h - numbers of the generic netlink interface (netlink.md 1-5)
 *
 * Commands, attribute numbers, return codes, and the containers that are not
 * options: state information, statistics, context, notifications.  Those are
 * tables of the same form as in options.h, so that the same code walks them;
 * sizes are in "sector" = 512 bytes unless said otherwise, the bitmap's in bits.
 */
#ifndef CORE_NLATTRS_H
#define CORE_NLATTRS_H

#include "state.h"

#include "options.h"

#define NL_FAMILY_NAME "drbd"
#define NL_FAMILY_VERSION 1
#define NL_GROUP_EVENTS "events"
#define NL_MANDATORY 0x4000 /* bit 14 of an attribute's type, netlink.md 1.3 */
#define NL_TYPE_MASK 0x3fff
#define NL_FLAG_SET_DEFAULTS 1 /* bit 0 of nl_header.flags */
#define NL_MINOR_NONE 0xffffffffU
#define NL_VOLUME_NONE (-1)
#define NL_SEQ_FIRST 3 /* first value of both multicast counters */
#define NL_ADDR_MAX 128

/* User header of the family, host byte order. */
struct nl_header {
	u32 minor; /* NL_MINOR_NONE: not about a device */
	union {
		u32 flags; /* in requests */
		s32 ret_code; /* in everything the kernel sends */
	};
};
static_assert(sizeof(struct nl_header) == 8, "user header of the family");

enum nl_command {
	NL_EVENT = 1, /* kernel only */
	NL_GET_STATUS = 2, /* do and dump */
	NL_NEW_MINOR = 5,
	NL_DEL_MINOR = 6,
	NL_NEW_RESOURCE = 7,
	NL_DEL_RESOURCE = 8,
	NL_RESOURCE_OPTS = 9,
	NL_CONNECT = 10,
	NL_DISCONNECT = 11,
	NL_ATTACH = 12,
	NL_RESIZE = 13,
	NL_PRIMARY = 14,
	NL_SECONDARY = 15,
	NL_NEW_C_UUID = 16,
	NL_START_OV = 17,
	NL_DETACH = 18,
	NL_INVALIDATE = 19,
	NL_INVAL_PEER = 20,
	NL_PAUSE_SYNC = 21,
	NL_RESUME_SYNC = 22,
	NL_SUSPEND_IO = 23,
	NL_RESUME_IO = 24,
	NL_OUTDATE = 25,
	NL_GET_TIMEOUT_TYPE = 26,
	NL_DOWN = 27,
	NL_CHG_DISK_OPTS = 28,
	NL_CHG_NET_OPTS = 29,
	NL_GET_RESOURCES = 30, /* dumps 30 to 33 and 38 */
	NL_GET_DEVICES = 31,
	NL_GET_CONNECTIONS = 32,
	NL_GET_PEER_DEVICES = 33,
	NL_RESOURCE_STATE = 34, /* kernel only, 34 to 37, 40, 41 */
	NL_DEVICE_STATE = 35,
	NL_CONNECTION_STATE = 36,
	NL_PEER_DEVICE_STATE = 37,
	NL_GET_INITIAL_STATE = 38,
	NL_HELPER = 40,
	NL_INITIAL_STATE_DONE = 41,
};

/* Top-level attributes; 14 is a hole. */
enum nl_container {
	NLA_CFG_REPLY = 1,
	NLA_CFG_CONTEXT = 2,
	NLA_DISK_CONF = 3,
	NLA_RESOURCE_OPTS = 4,
	NLA_NET_CONF = 5,
	NLA_SET_ROLE_PARMS = 6,
	NLA_RESIZE_PARMS = 7,
	NLA_STATE_INFO = 8,
	NLA_START_OV_PARMS = 9,
	NLA_NEW_C_UUID_PARMS = 10,
	NLA_TIMEOUT_PARMS = 11,
	NLA_DISCONNECT_PARMS = 12,
	NLA_DETACH_PARMS = 13,
	NLA_RESOURCE_INFO = 15,
	NLA_DEVICE_INFO = 16,
	NLA_CONNECTION_INFO = 17,
	NLA_PEER_DEVICE_INFO = 18,
	NLA_RESOURCE_STATISTICS = 19,
	NLA_DEVICE_STATISTICS = 20,
	NLA_CONNECTION_STATISTICS = 21,
	NLA_PEER_DEVICE_STATISTICS = 22,
	NLA_NOTIFICATION_HEADER = 23,
	NLA_HELPER = 24,
	NL_CONTAINER_MAX = 24,
};

/* CFG_REPLY has one string of any length, mandatory bit set. */
#define NLA_info_text 1

/* Containers; columns as in options.h. */
#define CFG_CONTEXT_FIELDS(X)                                                                     \
	X(U32, ctx_volume, "volume", 1, 0xffffffff, 0, 65535, NONE, NONE, OPT_M, 0)               \
	X(STR, ctx_resource_name, "resource-name", 2, 0, 0, 128, NONE, NONE, OPT_M, 0)            \
	X(BIN, ctx_my_addr, "my-addr", 3, 0, 0, NL_ADDR_MAX, NONE, NONE, OPT_M, 0)                \
	X(BIN, ctx_peer_addr, "peer-addr", 4, 0, 0, NL_ADDR_MAX, NONE, NONE, OPT_M, 0)

/*
 * Presence: up to rs_pending_cnt always; uuids to bits_oos with a disk (at
 * least Inconsistent); bits_rs_* also with conn from SyncSource to
 * PausedSyncT; prev_state and new_state with SIB_STATE_CHANGE;
 * helper_exit_code with SIB_HELPER_POST, helper with both helper reasons.
 */
#define STATE_INFO_FIELDS(X)                                                                      \
	X(U32, sib_reason, "sib-reason", 1, 0, 0, U32_MAX, NONE, NONE, OPT_M, 0)                  \
	X(U32, current_state, "current-state", 2, 0, 0, U32_MAX, NONE, NONE, OPT_R, 0)            \
	X(U64, ed_uuid, "ed-uuid", 4, 0, 0, U64_MAX, NONE, NONE, OPT_M, 0)                        \
	X(U64, capacity, "capacity", 3, 0, 0, U64_MAX, SECTORS, NONE, OPT_M, 0)                   \
	X(U64, send_cnt, "send-cnt", 15, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                      \
	X(U64, recv_cnt, "recv-cnt", 16, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                      \
	X(U64, read_cnt, "read-cnt", 17, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                      \
	X(U64, writ_cnt, "writ-cnt", 18, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                      \
	X(U64, al_writ_cnt, "al-writ-cnt", 19, 0, 0, U64_MAX, NONE, NONE, 0, 0)                   \
	X(U64, bm_writ_cnt, "bm-writ-cnt", 20, 0, 0, U64_MAX, NONE, NONE, 0, 0)                   \
	X(U32, ap_bio_cnt, "ap-bio-cnt", 21, 0, 0, U32_MAX, NONE, NONE, 0, 0)                     \
	X(U32, ap_pending_cnt, "ap-pending-cnt", 22, 0, 0, U32_MAX, NONE, NONE, 0, 0)             \
	X(U32, rs_pending_cnt, "rs-pending-cnt", 23, 0, 0, U32_MAX, NONE, NONE, 0, 0)             \
	X(BIN, uuids, "uuids", 7, 0, 0, 32, NONE, NONE, OPT_M, 0)                                 \
	X(U32, disk_flags, "disk-flags", 8, 0, 0, U32_MAX, NONE, NONE, OPT_M, 0)                  \
	X(U64, bits_total, "bits-total", 9, 0, 0, U64_MAX, NONE, NONE, OPT_M, 0)                  \
	X(U64, bits_oos, "bits-oos", 10, 0, 0, U64_MAX, NONE, NONE, OPT_M, 0)                     \
	X(U64, bits_rs_total, "bits-rs-total", 11, 0, 0, U64_MAX, NONE, NONE, OPT_M, 0)           \
	X(U64, bits_rs_failed, "bits-rs-failed", 12, 0, 0, U64_MAX, NONE, NONE, OPT_M, 0)         \
	X(U32, prev_state, "prev-state", 5, 0, 0, U32_MAX, NONE, NONE, OPT_M, 0)                  \
	X(U32, new_state, "new-state", 6, 0, 0, U32_MAX, NONE, NONE, OPT_M, 0)                    \
	X(U32, helper_exit_code, "helper-exit-code", 14, 0, 0, U32_MAX, NONE, NONE, OPT_M, 0)     \
	X(STR, helper, "helper", 13, 0, 0, 32, NONE, NONE, OPT_M, 0)

#define RESOURCE_INFO_FIELDS(X)                                                                   \
	X(U32, res_role, "role", 1, 0, 0, U32_MAX, NONE, NONE, 0, 0)                              \
	X(FLG, res_susp, "susp", 2, 0, 0, 1, NONE, NONE, 0, 0)                                    \
	X(FLG, res_susp_nod, "susp-nod", 3, 0, 0, 1, NONE, NONE, 0, 0)                            \
	X(FLG, res_susp_fen, "susp-fen", 4, 0, 0, 1, NONE, NONE, 0, 0)

#define DEVICE_INFO_FIELDS(X)                                                                     \
	X(U32, dev_disk_state, "disk-state", 1, 0, 0, U32_MAX, NONE, NONE, 0, 0)

#define CONNECTION_INFO_FIELDS(X)                                                                 \
	X(U32, conn_connection_state, "connection-state", 1, 0, 0, U32_MAX, NONE, NONE, 0, 0)     \
	X(U32, conn_role, "role", 2, 0, 0, U32_MAX, NONE, NONE, 0, 0)

#define PEER_DEVICE_INFO_FIELDS(X)                                                                \
	X(U32, peer_repl_state, "repl-state", 1, 0, 0, U32_MAX, NONE, NONE, 0, 0)                 \
	X(U32, peer_disk_state, "disk-state", 2, 0, 0, U32_MAX, NONE, NONE, 0, 0)                 \
	X(U32, peer_resync_susp_user, "resync-susp-user", 3, 0, 0, U32_MAX, NONE, NONE, 0, 0)     \
	X(U32, peer_resync_susp_peer, "resync-susp-peer", 4, 0, 0, U32_MAX, NONE, NONE, 0, 0)     \
	X(U32, peer_resync_susp_dependency, "resync-susp-dependency", 5, 0, 0, U32_MAX, NONE,     \
	  NONE, 0, 0)

#define RESOURCE_STATISTICS_FIELDS(X)                                                             \
	X(U32, res_stat_write_ordering, "write-ordering", 1, 0, 0, 3, NONE, NONE, 0, 0)

/* history_uuids: 32 bytes with a disk, none without. */
#define DEVICE_STATISTICS_FIELDS(X)                                                               \
	X(U64, dev_size, "size", 1, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                           \
	X(U64, dev_read, "read", 2, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                           \
	X(U64, dev_write, "write", 3, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                         \
	X(U64, dev_al_writes, "al-writes", 4, 0, 0, U64_MAX, NONE, NONE, 0, 0)                    \
	X(U64, dev_bm_writes, "bm-writes", 5, 0, 0, U64_MAX, NONE, NONE, 0, 0)                    \
	X(U32, dev_upper_pending, "upper-pending", 6, 0, 0, U32_MAX, NONE, NONE, 0, 0)            \
	X(U32, dev_lower_pending, "lower-pending", 7, 0, 0, U32_MAX, NONE, NONE, 0, 0)            \
	X(FLG, dev_upper_blocked, "upper-blocked", 8, 0, 0, 1, NONE, NONE, 0, 0)                  \
	X(FLG, dev_lower_blocked, "lower-blocked", 9, 0, 0, 1, NONE, NONE, 0, 0)                  \
	X(FLG, dev_al_suspended, "al-suspended", 10, 0, 0, 1, NONE, NONE, 0, 0)                   \
	X(U64, dev_exposed_data_uuid, "exposed-data-uuid", 11, 0, 0, U64_MAX, NONE, NONE, 0, 0)   \
	X(U64, dev_current_uuid, "current-uuid", 12, 0, 0, U64_MAX, NONE, NONE, 0, 0)             \
	X(U32, dev_disk_flags, "disk-flags", 13, 0, 0, U32_MAX, NONE, NONE, 0, 0)                 \
	X(BIN, history_uuids, "history-uuids", 14, 0, 0, 256, NONE, NONE, 0, 0)

#define CONNECTION_STATISTICS_FIELDS(X)                                                           \
	X(FLG, conn_congested, "congested", 1, 0, 0, 1, NONE, NONE, 0, 0)

#define PEER_DEVICE_STATISTICS_FIELDS(X)                                                          \
	X(U64, peer_dev_received, "received", 1, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)              \
	X(U64, peer_dev_sent, "sent", 2, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)                      \
	X(U32, peer_dev_pending, "pending", 3, 0, 0, U32_MAX, NONE, NONE, 0, 0)                   \
	X(U32, peer_dev_unacked, "unacked", 4, 0, 0, U32_MAX, NONE, NONE, 0, 0)                   \
	X(U64, peer_dev_out_of_sync, "out-of-sync", 5, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)        \
	X(U64, peer_dev_resync_failed, "resync-failed", 6, 0, 0, U64_MAX, SECTORS, NONE, 0, 0)    \
	X(U64, peer_dev_bitmap_uuid, "bitmap-uuid", 7, 0, 0, U64_MAX, NONE, NONE, 0, 0)           \
	X(U32, peer_dev_flags, "flags", 9, 0, 0, U32_MAX, NONE, NONE, 0, 0)

#define NOTIFICATION_HEADER_FIELDS(X)                                                             \
	X(U32, nh_type, "type", 1, 0, 0, U32_MAX, NONE, NONE, 0, 0)

#define HELPER_INFO_FIELDS(X)                                                                     \
	X(STR, helper_name, "name", 1, 0, 0, 32, NONE, NONE, 0, 0)                                \
	X(U32, helper_status, "status", 2, 0, 0, U32_MAX, NONE, NONE, 0, 0)

#define NL_CONTAINER(owner, table)                                                                \
	struct owner {                                                                            \
		table(OPTION_MEMBER)                                                              \
	};                                                                                        \
	enum { table(OPTION_NLA) };                                                               \
	extern const struct option_section owner##_section

NL_CONTAINER(nl_cfg_context, CFG_CONTEXT_FIELDS);
NL_CONTAINER(nl_state_info, STATE_INFO_FIELDS);
NL_CONTAINER(nl_resource_info, RESOURCE_INFO_FIELDS);
NL_CONTAINER(nl_device_info, DEVICE_INFO_FIELDS);
NL_CONTAINER(nl_connection_info, CONNECTION_INFO_FIELDS);
NL_CONTAINER(nl_peer_device_info, PEER_DEVICE_INFO_FIELDS);
NL_CONTAINER(nl_resource_statistics, RESOURCE_STATISTICS_FIELDS);
NL_CONTAINER(nl_device_statistics, DEVICE_STATISTICS_FIELDS);
NL_CONTAINER(nl_connection_statistics, CONNECTION_STATISTICS_FIELDS);
NL_CONTAINER(nl_peer_device_statistics, PEER_DEVICE_STATISTICS_FIELDS);
NL_CONTAINER(nl_notification_header, NOTIFICATION_HEADER_FIELDS);
NL_CONTAINER(nl_helper_info, HELPER_INFO_FIELDS);

/* The table of a container by its top-level number; NULL for CFG_REPLY, 14 and unknown ones. */
const struct option_section *nl_container_section(u32 container);

enum nl_sib_reason {
	SIB_GET_STATUS_REPLY = 1,
	SIB_STATE_CHANGE = 2,
	SIB_HELPER_PRE = 3,
	SIB_HELPER_POST = 4,
	SIB_SYNC_PROGRESS = 5,
};

/* nh_type: one of these, and NOTIFY_CONTINUES while more of the same event follows. */
enum nl_notification {
	NOTIFY_EXISTS = 0,
	NOTIFY_CREATE = 1,
	NOTIFY_CHANGE = 2,
	NOTIFY_DESTROY = 3,
	NOTIFY_CALL = 4,
	NOTIFY_RESPONSE = 5,
	NOTIFY_ACTION_MASK = 0x7fff,
	NOTIFY_CONTINUES = 0x8000,
};

/* What GET_TIMEOUT_TYPE answers. */
enum nl_timeout_type {
	NL_TIMEOUT_DEFAULT = 0,
	NL_TIMEOUT_DEGRADED = 1,
	NL_TIMEOUT_OUTDATED = 2,
};

/* peer_dev_flags */
enum nl_peer_device_flags {
	NL_PEER_DEVICE_CONNECTED = 1,
	NL_PEER_DEVICE_OWN_OUTDATED = 2,
	NL_PEER_DEVICE_FULL_SYNC = 8,
};

/*
 * ret_code of replies: configuration errors.  Gaps are retired numbers.
 * E(name, number, text printed by the tools)
 */
#define NL_ERROR_CODES(E)                                                                         \
	E(ERR_NO_ERROR, 101, "No further Information available.")                                 \
	E(ERR_LOCAL_ADDR, 102, "Local address(port) already in use.")                             \
	E(ERR_PEER_ADDR, 103, "Remote address(port) already in use.")                             \
	E(ERR_OPEN_DISK, 104, "Can not open backing device.")                                     \
	E(ERR_OPEN_MD_DISK, 105, "Can not open meta device.")                                     \
	E(ERR_DISK_NOT_BDEV, 107, "Lower device is not a block device.")                          \
	E(ERR_MD_NOT_BDEV, 108, "Meta device is not a block device.")                             \
	E(ERR_DISK_TOO_SMALL, 111, "Low.dev. smaller than requested DRBD-dev. size.")             \
	E(ERR_MD_DISK_TOO_SMALL, 112, "Meta device too small.")                                   \
	E(ERR_BDCLAIM_DISK, 114,                                                                  \
	  "Lower device is already claimed. This usually means it is mounted.")                   \
	E(ERR_BDCLAIM_MD_DISK, 115,                                                               \
	  "Meta device is already claimed. This usually means it is mounted.")                    \
	E(ERR_MD_IDX_INVALID, 116, "Lower device / meta device / index combination invalid.")     \
	E(ERR_IO_MD_DISK, 118, "IO error(s) occurred during initial access to meta-data.")        \
	E(ERR_MD_INVALID, 119,                                                                    \
	  "No valid meta-data signature found.\n\n"                                               \
	  "\t==> Use 'drbdadm create-md res' to initialize meta-data area. <==\n")                \
	E(ERR_AUTH_ALG, 120,                                                                      \
	  "The 'cram-hmac-alg' you specified is not known in the kernel. "                        \
	  "(Maybe you need to modprobe it, or modprobe hmac?)")                                   \
	E(ERR_AUTH_ALG_ND, 121, "The 'cram-hmac-alg' you specified is not a digest.")             \
	E(ERR_NOMEM, 122, "kmalloc() failed. Out of memory?")                                     \
	E(ERR_DISCARD_IMPOSSIBLE, 123, "--discard-my-data not allowed when primary.")             \
	E(ERR_DISK_CONFIGURED, 124, "Device is attached to a disk (use detach first)")            \
	E(ERR_NET_CONFIGURED, 125, "Device has a net-config (use disconnect first)")              \
	E(ERR_MANDATORY_TAG, 126, "UnknownMandatoryTag")                                          \
	E(ERR_MINOR_INVALID, 127, "Device minor not allocated")                                   \
	E(ERR_INTR, 129, "Interrupted by Signal")                                                 \
	E(ERR_RESIZE_RESYNC, 130, "Resize not allowed during resync.")                            \
	E(ERR_NO_PRIMARY, 131, "Need one Primary node to resize.")                                \
	E(ERR_RESYNC_AFTER, 132, "The resync-after minor number is invalid")                      \
	E(ERR_RESYNC_AFTER_CYCLE, 133, "This would cause a resync-after dependency cycle")        \
	E(ERR_PAUSE_IS_SET, 134, "Sync-pause flag is already set")                                \
	E(ERR_PAUSE_IS_CLEAR, 135, "Sync-pause flag is already cleared")                          \
	E(ERR_PACKET_NR, 137,                                                                     \
	  "Kernel does not know how to handle your request.\nMaybe API_VERSION mismatch?")        \
	E(ERR_NO_DISK, 138, "Device does not have a disk-config")                                 \
	E(ERR_NOT_PROTO_C, 139, "Protocol C required")                                            \
	E(ERR_NOMEM_BITMAP, 140, "vmalloc() failed. Out of memory?")                              \
	E(ERR_INTEGRITY_ALG, 141,                                                                 \
	  "The 'data-integrity-alg' you specified is not known in the kernel. "                   \
	  "(Maybe you need to modprobe it, or modprobe hmac?)")                                   \
	E(ERR_INTEGRITY_ALG_ND, 142, "The 'data-integrity-alg' you specified is not a digest.")   \
	E(ERR_CPU_MASK_PARSE, 143, "Invalid cpu-mask.")                                           \
	E(ERR_CSUMS_ALG, 144, "CSUMSAlgNotAvail")                                                 \
	E(ERR_CSUMS_ALG_ND, 145, "CSUMSAlgNotDigest")                                             \
	E(ERR_VERIFY_ALG, 146, "VERIFYAlgNotAvail")                                               \
	E(ERR_VERIFY_ALG_ND, 147, "VERIFYAlgNotDigest")                                           \
	E(ERR_CSUMS_RESYNC_RUNNING, 148, "Can not change csums-alg while resync is in progress")  \
	E(ERR_VERIFY_RUNNING, 149, "Can not change verify-alg while online verify runs")          \
	E(ERR_DATA_NOT_CURRENT, 150,                                                              \
	  "Can only attach to the data we lost last (see kernel log).")                           \
	E(ERR_CONNECTED, 151, "Need to be StandAlone")                                            \
	E(ERR_PERM, 152, "Permission denied. CAP_SYS_ADMIN necessary")                            \
	E(ERR_NEED_APV_93, 153, "Protocol version 93 required to use --assume-clean")             \
	E(ERR_STONITH_AND_PROT_A, 154,                                                            \
	  "Fencing policy resource-and-stonith only with prot B or C allowed")                    \
	E(ERR_CONG_NOT_PROTO_A, 155,                                                              \
	  "on-congestion policy pull-ahead only with prot A allowed")                             \
	E(ERR_PIC_AFTER_DEP, 156,                                                                 \
	  "Sync-pause flag is already cleared.\n"                                                 \
	  "Note: Resync pause caused by a local resync-after dependency.")                        \
	E(ERR_PIC_PEER_DEP, 157,                                                                  \
	  "Sync-pause flag is already cleared.\n"                                                 \
	  "Note: Resync pause caused by the peer node.")                                          \
	E(ERR_RES_NOT_KNOWN, 158, "Unknown resource")                                             \
	E(ERR_RES_IN_USE, 159, "Resource still in use (delete all minors first)")                 \
	E(ERR_MINOR_CONFIGURED, 160, "Minor still configured (down it first)")                    \
	E(ERR_MINOR_OR_VOLUME_EXISTS, 161, "Minor or volume exists already (delete it first)")    \
	E(ERR_INVALID_REQUEST, 162, "Invalid configuration request")                              \
	E(ERR_NEED_APV_100, 163,                                                                  \
	  "Prot version 100 required in order to change\nthese network options while connected")  \
	E(ERR_NEED_ALLOW_TWO_PRI, 164,                                                            \
	  "Can not clear allow_two_primaries as long as\nthere a primaries on both sides")        \
	E(ERR_MD_UNCLEAN, 165,                                                                    \
	  "Unclean meta-data found.\nYou need to 'drbdadm apply-al res'\n")                       \
	E(ERR_MD_LAYOUT_CONNECTED, 166,                                                           \
	  "DRBD need to be connected for online MD layout change\n")                              \
	E(ERR_MD_LAYOUT_TOO_BIG, 167, "Resulting AL area too big")                                \
	E(ERR_MD_LAYOUT_TOO_SMALL, 168, "Resulting AL are too small")                             \
	E(ERR_MD_LAYOUT_NO_FIT, 169, "Resulting AL does not fit into available meta data space")  \
	E(ERR_IMPLICIT_SHRINK, 170,                                                               \
	  "Implicit device shrinking not allowed. See kernel log.\n")

/* ret_code of replies: results of state changes; positive ones are successes. */
#define NL_STATE_CODES(E)                                                                         \
	E(SS_CW_NO_NEED, 4, "Cluster wide state change: nothing to do")                           \
	E(SS_CW_SUCCESS, 3, "Cluster wide state change: done")                                    \
	E(SS_NOTHING_TO_DO, 2, "State change: nothing to do")                                     \
	E(SS_SUCCESS, 1, "State change: done")                                                    \
	E(SS_UNKNOWN_ERROR, 0, "unknown error.")                                                  \
	E(SS_TWO_PRIMARIES, -1, "Multiple primaries not allowed by config")                       \
	E(SS_NO_UP_TO_DATE_DISK, -2, "Need access to UpToDate data")                              \
	E(SS_NO_LOCAL_DISK, -4, "Can not resync without local disk")                              \
	E(SS_NO_REMOTE_DISK, -5, "Can not resync without remote disk")                            \
	E(SS_CONNECTED_OUTDATES, -6, "Refusing to be Outdated while Connected")                   \
	E(SS_PRIMARY_NOP, -7, "Refusing to be Primary while peer is not outdated")                \
	E(SS_RESYNC_RUNNING, -8, "Can not start OV/resync since it is already active")            \
	E(SS_ALREADY_STANDALONE, -9, "Can not disconnect a StandAlone device")                    \
	E(SS_CW_FAILED_BY_PEER, -10, "State change was refused by peer node")                     \
	E(SS_IS_DISKLESS, -11, "Device is diskless, the requested operation requires a disk")     \
	E(SS_DEVICE_IN_USE, -12, "Device is held open by someone")                                \
	E(SS_NO_NET_CONFIG, -13, "Have no net/connection configuration")                          \
	E(SS_NO_VERIFY_ALG, -14, "Need a verify algorithm to start online verify")                \
	E(SS_NEED_CONNECTION, -15, "Need a connection to start verify or resync")                 \
	E(SS_LOWER_THAN_OUTDATED, -16, "Disk state is lower than outdated")                       \
	E(SS_NOT_SUPPORTED, -17, "Peer does not support protocol")                                \
	E(SS_IN_TRANSIENT_STATE, -18, "In transient state, retry after next state change")        \
	E(SS_CONCURRENT_ST_CHG, -19, "Concurrent state changes detected and aborted")             \
	E(SS_O_VOL_PEER_PRI, -20, "Other vol primary on peer not allowed by config")              \
	E(SS_OUTDATE_WO_CONN, -21, "Need a connection for a graceful disconnect/outdate peer")

#define NL_CODE_CONSTANT(name, number, text) name = number,

enum nl_error_code { NL_ERROR_CODES(NL_CODE_CONSTANT) };
/* The state codes' constants are enum ss_code of state.h. */

#endif /* CORE_NLATTRS_H */
