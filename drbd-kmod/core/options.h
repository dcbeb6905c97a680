/* SPDX-License-Identifier: GPL-2.0 */
/*
 * options.h - everything about an option, once (netlink.md 2.3-2.6, tools.md 4)
 *
 * Each table below has one line per option.  From them are generated: the C
 * structs that hold configuration (struct disk_conf, net_conf, res_opts and
 * the command parameters), the numbers of the netlink attributes (NLA_<field>),
 * the defaults, and arrays of struct option_desc for everything that walks
 * options at run time: the kernel's attribute parser and writer, drbdsetup's
 * command line, the configuration parser's checks, completion and man pages.
 *
 * Line order is the order in which the kernel emits the attributes; the column
 * "rank" is the order in which tools print them (0: not an option of a file).
 *
 *   X(kind, field, name, attribute number, default, lowest, highest, unit, values, flags, rank)
 *
 *   kind  FLG u8 0/1, U32, S32, U64, STR char[highest] with its NUL, BIN u8[highest] and <field>_len
 *   name  as typed behind "--" or in a file
 *   unit  of a number without suffix, of default, lowest and highest, and of the C member
 *   values  names of an enumeration (u32), or NONE
 *
 * Plain data and pure functions; no context requirements.
 */
#ifndef CORE_OPTIONS_H
#define CORE_OPTIONS_H

#include "portable.h"

/* Qualities of an option (netlink.md 1.5). */
#define OPT_M 0x0001 /* mandatory bit is set by senders */
#define OPT_R 0x0002 /* required */
#define OPT_I 0x0004 /* invariant: only at creation */
#define OPT_S 0x0008 /* sensitive: hidden from the unprivileged and from multicasts */
#define OPT_D 0x0010 /* has a default that "set defaults" restores */
#define OPT_K 0x0020 /* range is enforced or clamped by the kernel, see netlink.md 2.3 */
#define OPT_C 0x0040 /* range is checked when a file is parsed */
#define OPT_P 0x0080 /* positional argument of the tools, not a --option */
#define OPT_N 0x0100 /* the old spelling no-NAME is understood in files */
#define OPT_Y 0x0200 /* sent by the tools only when "yes" */
#define OPT_ANYCASE 0x0400 /* enumeration compared without regard to case */

#define OPT_MD (OPT_M | OPT_D)
#define OPT_MI (OPT_M | OPT_I)
#define OPT_RI (OPT_R | OPT_I)
#define OPT_MDC (OPT_M | OPT_D | OPT_C)

enum option_type {
	OPTION_FLG, /* u8, 0 or 1 */
	OPTION_U32,
	OPTION_S32,
	OPTION_U64,
	OPTION_STR, /* char[size], NUL included */
	OPTION_BIN, /* u8[size] followed by a u32 length member */
};

enum option_unit {
	OPT_UNIT_NONE, /* a count, pages, or something said in the documentation */
	OPT_UNIT_BYTES, /* bytes */
	OPT_UNIT_SECTORS, /* 512 bytes, suffix s */
	OPT_UNIT_KIB, /* KiB, suffix k */
	OPT_UNIT_RATE, /* KiB per second, suffix k */
	OPT_UNIT_SECONDS,
	OPT_UNIT_DECISECONDS, /* 0.1 s */
};

/* Enumerations: V(constant, number, name). */
#define ON_IO_ERROR_VALUES(V)                                                                     \
	V(OPT_IO_ERROR_PASS_ON, 0, "pass_on")                                                     \
	V(OPT_IO_ERROR_CALL_HELPER, 1, "call-local-io-error")                                     \
	V(OPT_IO_ERROR_DETACH, 2, "detach")

#define FENCING_VALUES(V)                                                                         \
	V(OPT_FENCING_DONT_CARE, 0, "dont-care")                                                  \
	V(OPT_FENCING_RESOURCE, 1, "resource-only")                                               \
	V(OPT_FENCING_STONITH, 2, "resource-and-stonith")

#define READ_BALANCING_VALUES(V)                                                                  \
	V(OPT_READ_PREFER_LOCAL, 0, "prefer-local")                                               \
	V(OPT_READ_PREFER_REMOTE, 1, "prefer-remote")                                             \
	V(OPT_READ_ROUND_ROBIN, 2, "round-robin")                                                 \
	V(OPT_READ_LEAST_PENDING, 3, "least-pending")                                             \
	V(OPT_READ_WHEN_CONGESTED, 4, "when-congested-remote")                                    \
	V(OPT_READ_STRIPE_32K, 5, "32K-striping")                                                 \
	V(OPT_READ_STRIPE_64K, 6, "64K-striping")                                                 \
	V(OPT_READ_STRIPE_128K, 7, "128K-striping")                                               \
	V(OPT_READ_STRIPE_256K, 8, "256K-striping")                                               \
	V(OPT_READ_STRIPE_512K, 9, "512K-striping")                                               \
	V(OPT_READ_STRIPE_1M, 10, "1M-striping")

#define ON_NO_DATA_VALUES(V)                                                                      \
	V(OPT_NO_DATA_IO_ERROR, 0, "io-error")                                                    \
	V(OPT_NO_DATA_SUSPEND_IO, 1, "suspend-io")

#define WIRE_PROTOCOL_VALUES(V)                                                                   \
	V(OPT_PROTOCOL_A, 1, "A")                                                                 \
	V(OPT_PROTOCOL_B, 2, "B")                                                                 \
	V(OPT_PROTOCOL_C, 3, "C")

/* The split brain policies share one numbering; each option knows a part of it. */
#define AFTER_SB_0P_VALUES(V)                                                                     \
	V(OPT_ASB_DISCONNECT, 0, "disconnect")                                                    \
	V(OPT_ASB_DISCARD_YOUNGER_PRI, 1, "discard-younger-primary")                              \
	V(OPT_ASB_DISCARD_OLDER_PRI, 2, "discard-older-primary")                                  \
	V(OPT_ASB_DISCARD_ZERO_CHG, 3, "discard-zero-changes")                                    \
	V(OPT_ASB_DISCARD_LEAST_CHG, 4, "discard-least-changes")                                  \
	V(OPT_ASB_DISCARD_LOCAL, 5, "discard-local")                                              \
	V(OPT_ASB_DISCARD_REMOTE, 6, "discard-remote")

#define AFTER_SB_1P_VALUES(V)                                                                     \
	V(OPT_ASB1_DISCONNECT, 0, "disconnect")                                                   \
	V(OPT_ASB_CONSENSUS, 7, "consensus")                                                      \
	V(OPT_ASB_DISCARD_SECONDARY, 8, "discard-secondary")                                      \
	V(OPT_ASB_CALL_HELPER, 9, "call-pri-lost-after-sb")                                       \
	V(OPT_ASB_VIOLENTLY, 10, "violently-as0p")

#define AFTER_SB_2P_VALUES(V)                                                                     \
	V(OPT_ASB2_DISCONNECT, 0, "disconnect")                                                   \
	V(OPT_ASB2_CALL_HELPER, 9, "call-pri-lost-after-sb")                                      \
	V(OPT_ASB2_VIOLENTLY, 10, "violently-as0p")

#define RR_CONFLICT_VALUES(V)                                                                     \
	V(OPT_RR_DISCONNECT, 0, "disconnect")                                                     \
	V(OPT_RR_CALL_HELPER, 9, "call-pri-lost")                                                 \
	V(OPT_RR_VIOLENTLY, 10, "violently")

#define ON_CONGESTION_VALUES(V)                                                                   \
	V(OPT_CONGESTION_BLOCK, 0, "block")                                                       \
	V(OPT_CONGESTION_PULL_AHEAD, 1, "pull-ahead")                                             \
	V(OPT_CONGESTION_DISCONNECT, 2, "disconnect")

/* DISK_CONF (3), file section disk. */
#define DISK_CONF_FIELDS(X)                                                                       \
	X(STR, backing_dev, "backing-dev", 1, 0, 0, 128, NONE, NONE, OPT_RI | OPT_P, 0)           \
	X(STR, meta_dev, "meta-dev", 2, 0, 0, 128, NONE, NONE, OPT_RI | OPT_P, 0)                 \
	X(S32, meta_dev_idx, "meta-dev-idx", 3, 0, -3, INT_MAX, NONE, NONE,                       \
	  OPT_RI | OPT_P | OPT_K, 0)                                                              \
	X(U64, disk_size, "size", 4, 0, 0, 1ULL << 41, SECTORS, NONE, OPT_MI | OPT_C, 1)          \
	X(U32, max_bio_bvecs, "max-bio-bvecs", 5, 0, 0, 128, NONE, NONE, OPT_MI, 2)               \
	X(U32, on_io_error, "on-io-error", 6, 2, 0, 2, NONE, ON_IO_ERROR, OPT_MD, 3)              \
	X(U32, fencing, "fencing", 7, 0, 0, 2, NONE, FENCING, OPT_MD, 4)                          \
	X(U32, resync_rate, "resync-rate", 8, 250, 1, 4194304, RATE, NONE, OPT_MDC | OPT_K, 9)    \
	X(S32, resync_after, "resync-after", 9, -1, -1, 1048575, NONE, NONE, OPT_MD | OPT_K, 10)  \
	X(U32, al_extents, "al-extents", 10, 1237, 67, 65534, NONE, NONE, OPT_MD | OPT_K, 11)     \
	X(U32, c_plan_ahead, "c-plan-ahead", 11, 20, 0, 300, DECISECONDS, NONE,                   \
	  OPT_MDC | OPT_K, 15)                                                                    \
	X(U32, c_delay_target, "c-delay-target", 12, 10, 1, 100, DECISECONDS, NONE, OPT_MDC, 16)  \
	X(U32, c_fill_target, "c-fill-target", 13, 100, 0, 1048576, SECTORS, NONE, OPT_MDC, 17)   \
	X(U32, c_max_rate, "c-max-rate", 14, 102400, 250, 4194304, RATE, NONE, OPT_MDC, 18)       \
	X(U32, c_min_rate, "c-min-rate", 15, 250, 0, 4194304, RATE, NONE, OPT_MDC, 19)            \
	X(U32, disk_timeout, "disk-timeout", 20, 0, 0, 6000, DECISECONDS, NONE, OPT_MD, 20)       \
	X(U32, read_balancing, "read-balancing", 21, 0, 0, 10, NONE, READ_BALANCING, OPT_D, 21)   \
	X(U32, rs_discard_granularity, "rs-discard-granularity", 25, 0, 0, 1048576, NONE, NONE,   \
	  OPT_D | OPT_K, 22)                                                                      \
	X(FLG, disk_barrier, "disk-barrier", 16, 0, 0, 1, NONE, NONE, OPT_MD | OPT_N, 5)          \
	X(FLG, disk_flushes, "disk-flushes", 17, 1, 0, 1, NONE, NONE, OPT_MD | OPT_N, 6)          \
	X(FLG, disk_drain, "disk-drain", 18, 1, 0, 1, NONE, NONE, OPT_MD | OPT_N, 7)              \
	X(FLG, md_flushes, "md-flushes", 19, 1, 0, 1, NONE, NONE, OPT_MD | OPT_N, 8)              \
	X(FLG, al_updates, "al-updates", 23, 1, 0, 1, NONE, NONE, OPT_D, 12)                      \
	X(FLG, discard_zeroes_if_aligned, "discard-zeroes-if-aligned", 24, 1, 0, 1, NONE, NONE,   \
	  OPT_D, 13)                                                                              \
	X(FLG, disable_write_same, "disable-write-same", 26, 0, 0, 1, NONE, NONE, OPT_D, 14)

/* RESOURCE_OPTS (4), file section options. */
#define RES_OPTS_FIELDS(X)                                                                        \
	X(STR, cpu_mask, "cpu-mask", 1, 0, 0, 32, NONE, NONE, OPT_MD, 1)                          \
	X(U32, on_no_data, "on-no-data-accessible", 2, 0, 0, 1, NONE, ON_NO_DATA, OPT_MD, 2)

/* NET_CONF (5), file section net. */
#define NET_CONF_FIELDS(X)                                                                        \
	X(STR, shared_secret, "shared-secret", 1, 0, 0, 64, NONE, NONE, OPT_MD | OPT_S, 13)       \
	X(STR, cram_hmac_alg, "cram-hmac-alg", 2, 0, 0, 64, NONE, NONE, OPT_MD, 12)               \
	X(STR, integrity_alg, "data-integrity-alg", 3, 0, 0, 64, NONE, NONE, OPT_MD, 20)          \
	X(STR, verify_alg, "verify-alg", 4, 0, 0, 64, NONE, NONE, OPT_MD, 27)                     \
	X(STR, csums_alg, "csums-alg", 5, 0, 0, 64, NONE, NONE, OPT_MD, 25)                       \
	X(U32, wire_protocol, "protocol", 6, 3, 1, 3, NONE, WIRE_PROTOCOL,                        \
	  OPT_MDC | OPT_ANYCASE, 1)                                                               \
	X(U32, connect_int, "connect-int", 7, 10, 1, 120, SECONDS, NONE, OPT_MDC, 6)              \
	X(U32, timeout, "timeout", 8, 60, 1, 600, DECISECONDS, NONE, OPT_MDC, 2)                  \
	X(U32, ping_int, "ping-int", 9, 10, 1, 120, SECONDS, NONE, OPT_MDC, 7)                    \
	X(U32, ping_timeo, "ping-timeout", 10, 5, 1, 300, DECISECONDS, NONE, OPT_MD, 19)          \
	X(U32, sndbuf_size, "sndbuf-size", 11, 0, 0, 10485760, BYTES, NONE, OPT_MDC, 8)           \
	X(U32, rcvbuf_size, "rcvbuf-size", 12, 0, 0, 10485760, BYTES, NONE, OPT_MDC, 9)           \
	X(U32, ko_count, "ko-count", 13, 7, 0, 200, NONE, NONE, OPT_MDC, 10)                      \
	X(U32, max_buffers, "max-buffers", 14, 2048, 32, 131072, NONE, NONE, OPT_MDC, 4)          \
	X(U32, max_epoch_size, "max-epoch-size", 15, 2048, 1, 20000, NONE, NONE, OPT_MDC, 3)      \
	X(U32, unplug_watermark, "unplug-watermark", 16, 128, 1, 131072, NONE, NONE, OPT_MD, 5)   \
	X(U32, after_sb_0p, "after-sb-0pri", 17, 0, 0, 6, NONE, AFTER_SB_0P, OPT_MD, 14)          \
	X(U32, after_sb_1p, "after-sb-1pri", 18, 0, 0, 10, NONE, AFTER_SB_1P, OPT_MD, 15)         \
	X(U32, after_sb_2p, "after-sb-2pri", 19, 0, 0, 10, NONE, AFTER_SB_2P, OPT_MD, 16)         \
	X(U32, rr_conflict, "rr-conflict", 20, 0, 0, 10, NONE, RR_CONFLICT, OPT_MD, 18)           \
	X(U32, on_congestion, "on-congestion", 21, 0, 0, 2, NONE, ON_CONGESTION, OPT_MD, 22)      \
	X(U32, cong_fill, "congestion-fill", 22, 0, 0, 20971520, SECTORS, NONE, OPT_MDC, 23)      \
	X(U32, cong_extents, "congestion-extents", 23, 1237, 67, 65534, NONE, NONE, OPT_MDC, 24)  \
	X(FLG, two_primaries, "allow-two-primaries", 24, 0, 0, 1, NONE, NONE, OPT_MD, 11)         \
	X(FLG, discard_my_data, "discard-my-data", 25, 0, 0, 1, NONE, NONE, OPT_MI | OPT_Y, 0)    \
	X(FLG, tcp_cork, "tcp-cork", 26, 1, 0, 1, NONE, NONE, OPT_MD | OPT_N, 21)                 \
	X(FLG, always_asbp, "always-asbp", 27, 0, 0, 1, NONE, NONE, OPT_MD, 17)                   \
	X(FLG, tentative, "tentative", 28, 0, 0, 1, NONE, NONE, OPT_MI | OPT_Y, 0)                \
	X(FLG, use_rle, "use-rle", 29, 1, 0, 1, NONE, NONE, OPT_MD, 28)                           \
	X(FLG, csums_after_crash_only, "csums-after-crash-only", 33, 0, 0, 1, NONE, NONE, OPT_D,  \
	  26)                                                                                     \
	X(U32, sock_check_timeo, "socket-check-timeout", 34, 0, 0, 300, NONE, NONE, OPT_D, 29)

/* Parameters of single commands.  al_stripes and al_stripe_size: 0 keeps the current layout. */
#define SET_ROLE_PARMS_FIELDS(X)                                                                  \
	X(FLG, assume_uptodate, "force", 1, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 1)

#define RESIZE_PARMS_FIELDS(X)                                                                    \
	X(U64, resize_size, "size", 1, 0, 0, 1ULL << 41, SECTORS, NONE, OPT_M, 1)                 \
	X(FLG, resize_force, "assume-peer-has-space", 2, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 2)   \
	X(FLG, no_resync, "assume-clean", 3, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 3)               \
	X(U32, al_stripes, "al-stripes", 4, 0, 1, 1024, NONE, NONE, 0, 4)                         \
	X(U32, al_stripe_size, "al-stripe-size-kB", 5, 0, 4, 16777216, KIB, NONE, 0, 5)

#define START_OV_PARMS_FIELDS(X)                                                                  \
	X(U64, ov_start_sector, "start", 1, 0, 0, 1ULL << 41, SECTORS, NONE, OPT_M, 1)               \
	X(U64, ov_stop_sector, "stop", 2, U64_MAX, 0, 1ULL << 41, SECTORS, NONE, OPT_M, 2)           \
	X(FLG, ov_repair, "repair", 3, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 3)

#define NEW_C_UUID_PARMS_FIELDS(X)                                                                \
	X(FLG, clear_bm, "clear-bitmap", 1, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 1)

#define TIMEOUT_PARMS_FIELDS(X)                                                                   \
	X(U32, timeout_type, "timeout-type", 1, 0, 0, 2, NONE, NONE, OPT_R, 0)

#define DISCONNECT_PARMS_FIELDS(X)                                                                \
	X(FLG, force_disconnect, "force", 1, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 1)

#define DETACH_PARMS_FIELDS(X)                                                                    \
	X(FLG, force_detach, "force", 1, 0, 0, 1, NONE, NONE, OPT_M | OPT_Y, 1)

#define OPTION_VALUE_CONSTANT(constant, number, name) constant = number,
enum { ON_IO_ERROR_VALUES(OPTION_VALUE_CONSTANT) };
enum { FENCING_VALUES(OPTION_VALUE_CONSTANT) };
enum { READ_BALANCING_VALUES(OPTION_VALUE_CONSTANT) };
enum { ON_NO_DATA_VALUES(OPTION_VALUE_CONSTANT) };
enum { WIRE_PROTOCOL_VALUES(OPTION_VALUE_CONSTANT) };
enum { AFTER_SB_0P_VALUES(OPTION_VALUE_CONSTANT) };
enum { AFTER_SB_1P_VALUES(OPTION_VALUE_CONSTANT) };
enum { AFTER_SB_2P_VALUES(OPTION_VALUE_CONSTANT) };
enum { RR_CONFLICT_VALUES(OPTION_VALUE_CONSTANT) };
enum { ON_CONGESTION_VALUES(OPTION_VALUE_CONSTANT) };

#define OPTION_MEMBER_FLG(field, highest) u8 field;
#define OPTION_MEMBER_U32(field, highest) u32 field;
#define OPTION_MEMBER_S32(field, highest) s32 field;
#define OPTION_MEMBER_U64(field, highest) u64 field;
#define OPTION_MEMBER_STR(field, highest) char field[highest];
#define OPTION_MEMBER_BIN(field, highest)                                                         \
	u8 field[highest];                                                                        \
	u32 field##_len;
#define OPTION_MEMBER(kind, field, name, nla, def, lowest, highest, unit, values, flags, rank)    \
	OPTION_MEMBER_##kind(field, highest)
#define OPTION_NLA(kind, field, name, nla, def, lowest, highest, unit, values, flags, rank)       \
	NLA_##field = nla,

struct disk_conf {
	DISK_CONF_FIELDS(OPTION_MEMBER)
};

struct res_opts {
	RES_OPTS_FIELDS(OPTION_MEMBER)
};

struct net_conf {
	NET_CONF_FIELDS(OPTION_MEMBER)
};

struct set_role_parms {
	SET_ROLE_PARMS_FIELDS(OPTION_MEMBER)
};

struct resize_parms {
	RESIZE_PARMS_FIELDS(OPTION_MEMBER)
};

struct start_ov_parms {
	START_OV_PARMS_FIELDS(OPTION_MEMBER)
};

struct new_c_uuid_parms {
	NEW_C_UUID_PARMS_FIELDS(OPTION_MEMBER)
};

struct timeout_parms {
	TIMEOUT_PARMS_FIELDS(OPTION_MEMBER)
};

struct disconnect_parms {
	DISCONNECT_PARMS_FIELDS(OPTION_MEMBER)
};

struct detach_parms {
	DETACH_PARMS_FIELDS(OPTION_MEMBER)
};

enum { DISK_CONF_FIELDS(OPTION_NLA) };
enum { RES_OPTS_FIELDS(OPTION_NLA) };
enum { NET_CONF_FIELDS(OPTION_NLA) };
enum { SET_ROLE_PARMS_FIELDS(OPTION_NLA) };
enum { RESIZE_PARMS_FIELDS(OPTION_NLA) };
enum { START_OV_PARMS_FIELDS(OPTION_NLA) };
enum { NEW_C_UUID_PARMS_FIELDS(OPTION_NLA) };
enum { TIMEOUT_PARMS_FIELDS(OPTION_NLA) };
enum { DISCONNECT_PARMS_FIELDS(OPTION_NLA) };
enum { DETACH_PARMS_FIELDS(OPTION_NLA) };

struct option_value {
	u32 number;
	const char *name;
};

/* One option at run time.  Numbers: def, lowest of an S32 are sign extended. */
struct option_desc {
	const char *name;
	const char *field; /* C name of the member, for messages and traces */
	u64 def;
	s64 lowest;
	u64 highest; /* for STR and BIN: the size of the member */
	const struct option_value *values; /* NULL, or an array of nvalues */
	u16 nvalues;
	u16 offset; /* of the member in its struct */
	u16 size; /* of the member */
	u16 nla; /* attribute number without flag bits */
	u16 flags; /* OPT_* */
	u8 type; /* enum option_type */
	u8 unit; /* enum option_unit */
	u8 rank;
};

/* Attribute containers that are described by tables: here and in nlattrs.h. */
struct option_section {
	const char *name; /* "disk", "net", "options" or the container's name */
	const struct option_desc *options; /* in the kernel's emission order */
	u16 count;
	u16 size; /* of the C struct */
	u16 highest_nla; /* an unknown mandatory attribute above it is refused */
	u16 nla; /* number of the container at top level */
};

extern const struct option_section disk_conf_section;
extern const struct option_section res_opts_section;
extern const struct option_section net_conf_section;
extern const struct option_section set_role_parms_section;
extern const struct option_section resize_parms_section;
extern const struct option_section start_ov_parms_section;
extern const struct option_section new_c_uuid_parms_section;
extern const struct option_section timeout_parms_section;
extern const struct option_section disconnect_parms_section;
extern const struct option_section detach_parms_section;

void disk_conf_set_defaults(struct disk_conf *conf);
void res_opts_set_defaults(struct res_opts *opts);
void net_conf_set_defaults(struct net_conf *conf);

/* Reset a whole struct; what has no default becomes 0 or empty. */
void option_set_defaults(const struct option_section *section, void *obj);
/* Reset only the options that "set defaults" restores (OPT_D). */
void option_reset_changeable(const struct option_section *section, void *obj);

/* Lookups return NULL when there is no such option. */
const struct option_desc *option_find(const struct option_section *section, const char *name);
const struct option_desc *option_find_nla(const struct option_section *section, u32 nla);
/* The option printed at this rank (1..), NULL when past the last. */
const struct option_desc *option_find_rank(const struct option_section *section, u32 rank);

/* Numeric members; STR and BIN are not for these. S32 is sign extended. */
u64 option_get(const struct option_desc *desc, const void *obj);
void option_set(const struct option_desc *desc, void *obj, u64 value);
/* The member itself: the characters of a STR, the bytes of a BIN. */
const void *option_member(const struct option_desc *desc, const void *obj);
void *option_member_writable(const struct option_desc *desc, void *obj);
bool option_is_default(const struct option_desc *desc, const void *obj);
bool option_in_range(const struct option_desc *desc, u64 value);

/* Name of an enumerated value, NULL if unknown; and back (false if unknown). */
const char *option_value_name(const struct option_desc *desc, u32 number);
bool option_value_parse(const struct option_desc *desc, const char *text, u32 *number);

/* '1', 'k' or 's'; and the text "show" prints, NULL for none. */
char option_unit_suffix(enum option_unit unit);
const char *option_unit_text(enum option_unit unit);

enum option_number_error {
	OPTION_NUMBER_OK,
	OPTION_NUMBER_SYNTAX, /* no digits, or something behind the number */
	OPTION_NUMBER_SUFFIX, /* unknown unit suffix */
	OPTION_NUMBER_OVERFLOW, /* does not fit 64 bits */
};

/*
 * Digits and at most one of K k M m G g s (tools.md 1.3), converted to the
 * default unit ('1', 'k', 's'), rounding up.  A leading minus negates modulo 2^64.
 */
enum option_number_error option_number_parse(const char *text, char unit, u64 *value);

#endif /* CORE_OPTIONS_H */
