// SPDX-License-Identifier: GPL-2.0
/*
 * options.c - the option tables at run time (see options.h)
 */
#include "options.h"
#include "nlattrs.h"

#define OPTION_VALUE(constant, number, name) { number, name },

static const struct option_value ON_IO_ERROR_values[] = { ON_IO_ERROR_VALUES(OPTION_VALUE) };
static const struct option_value FENCING_values[] = { FENCING_VALUES(OPTION_VALUE) };
static const struct option_value READ_BALANCING_values[] = { READ_BALANCING_VALUES(OPTION_VALUE) };
static const struct option_value ON_NO_DATA_values[] = { ON_NO_DATA_VALUES(OPTION_VALUE) };
static const struct option_value WIRE_PROTOCOL_values[] = { WIRE_PROTOCOL_VALUES(OPTION_VALUE) };
static const struct option_value AFTER_SB_0P_values[] = { AFTER_SB_0P_VALUES(OPTION_VALUE) };
static const struct option_value AFTER_SB_1P_values[] = { AFTER_SB_1P_VALUES(OPTION_VALUE) };
static const struct option_value AFTER_SB_2P_values[] = { AFTER_SB_2P_VALUES(OPTION_VALUE) };
static const struct option_value RR_CONFLICT_values[] = { RR_CONFLICT_VALUES(OPTION_VALUE) };
static const struct option_value ON_CONGESTION_values[] = { ON_CONGESTION_VALUES(OPTION_VALUE) };

#define VALUES_OF(list) (list##_values)
#define VALUES_COUNT(list) ARRAY_SIZE(list##_values)
/* Numbers without names: an empty list of this spelling. */
#define NONE_values ((const struct option_value *)NULL)
#define COUNT_OF_NONE 0
#define COUNT_OF_ON_IO_ERROR VALUES_COUNT(ON_IO_ERROR)
#define COUNT_OF_FENCING VALUES_COUNT(FENCING)
#define COUNT_OF_READ_BALANCING VALUES_COUNT(READ_BALANCING)
#define COUNT_OF_ON_NO_DATA VALUES_COUNT(ON_NO_DATA)
#define COUNT_OF_WIRE_PROTOCOL VALUES_COUNT(WIRE_PROTOCOL)
#define COUNT_OF_AFTER_SB_0P VALUES_COUNT(AFTER_SB_0P)
#define COUNT_OF_AFTER_SB_1P VALUES_COUNT(AFTER_SB_1P)
#define COUNT_OF_AFTER_SB_2P VALUES_COUNT(AFTER_SB_2P)
#define COUNT_OF_RR_CONFLICT VALUES_COUNT(RR_CONFLICT)
#define COUNT_OF_ON_CONGESTION VALUES_COUNT(ON_CONGESTION)

/* clang-format off */
#define OPTION_DESC_OF(owner, kind, field_, name_, nla_, def_, lowest_, highest_, unit_, values_, flags_, rank_) \
	{                                                                                         \
		.name = name_,                                                                    \
		.field = #field_,                                                                 \
		.def = (u64)(def_),                                                               \
		.lowest = lowest_,                                                                \
		.highest = highest_,                                                              \
		.values = VALUES_OF(values_),                                                     \
		.nvalues = COUNT_OF_##values_,                                                    \
		.offset = offsetof(struct owner, field_),                                         \
		.size = sizeof(((struct owner *)NULL)->field_),                                   \
		.nla = nla_,                                                                      \
		.flags = flags_,                                                                  \
		.type = OPTION_##kind,                                                            \
		.unit = OPT_UNIT_##unit_,                                                         \
		.rank = rank_,                                                                    \
	},
/* clang-format on */

#define DESC_disk_conf(...) OPTION_DESC_OF(disk_conf, __VA_ARGS__)
#define DESC_res_opts(...) OPTION_DESC_OF(res_opts, __VA_ARGS__)
#define DESC_net_conf(...) OPTION_DESC_OF(net_conf, __VA_ARGS__)
#define DESC_set_role_parms(...) OPTION_DESC_OF(set_role_parms, __VA_ARGS__)
#define DESC_resize_parms(...) OPTION_DESC_OF(resize_parms, __VA_ARGS__)
#define DESC_start_ov_parms(...) OPTION_DESC_OF(start_ov_parms, __VA_ARGS__)
#define DESC_new_c_uuid_parms(...) OPTION_DESC_OF(new_c_uuid_parms, __VA_ARGS__)
#define DESC_timeout_parms(...) OPTION_DESC_OF(timeout_parms, __VA_ARGS__)
#define DESC_disconnect_parms(...) OPTION_DESC_OF(disconnect_parms, __VA_ARGS__)
#define DESC_detach_parms(...) OPTION_DESC_OF(detach_parms, __VA_ARGS__)
#define DESC_nl_cfg_context(...) OPTION_DESC_OF(nl_cfg_context, __VA_ARGS__)
#define DESC_nl_state_info(...) OPTION_DESC_OF(nl_state_info, __VA_ARGS__)
#define DESC_nl_resource_info(...) OPTION_DESC_OF(nl_resource_info, __VA_ARGS__)
#define DESC_nl_device_info(...) OPTION_DESC_OF(nl_device_info, __VA_ARGS__)
#define DESC_nl_connection_info(...) OPTION_DESC_OF(nl_connection_info, __VA_ARGS__)
#define DESC_nl_peer_device_info(...) OPTION_DESC_OF(nl_peer_device_info, __VA_ARGS__)
#define DESC_nl_resource_statistics(...) OPTION_DESC_OF(nl_resource_statistics, __VA_ARGS__)
#define DESC_nl_device_statistics(...) OPTION_DESC_OF(nl_device_statistics, __VA_ARGS__)
#define DESC_nl_connection_statistics(...) OPTION_DESC_OF(nl_connection_statistics, __VA_ARGS__)
#define DESC_nl_peer_device_statistics(...) OPTION_DESC_OF(nl_peer_device_statistics, __VA_ARGS__)
#define DESC_nl_notification_header(...) OPTION_DESC_OF(nl_notification_header, __VA_ARGS__)
#define DESC_nl_helper_info(...) OPTION_DESC_OF(nl_helper_info, __VA_ARGS__)

#define OPTION_SECTION(owner, table, title, highest, number)                                      \
	static const struct option_desc owner##_options[] = { table(DESC_##owner) };              \
	const struct option_section owner##_section = {                                           \
		.name = title,                                                                    \
		.options = owner##_options,                                                       \
		.count = ARRAY_SIZE(owner##_options),                                             \
		.size = sizeof(struct owner),                                                     \
		.highest_nla = highest,                                                           \
		.nla = number,                                                                    \
	}

OPTION_SECTION(nl_cfg_context, CFG_CONTEXT_FIELDS, "cfg_context", 4, NLA_CFG_CONTEXT);
OPTION_SECTION(disk_conf, DISK_CONF_FIELDS, "disk", 26, NLA_DISK_CONF);
OPTION_SECTION(res_opts, RES_OPTS_FIELDS, "options", 2, NLA_RESOURCE_OPTS);
OPTION_SECTION(net_conf, NET_CONF_FIELDS, "net", 34, NLA_NET_CONF);
OPTION_SECTION(set_role_parms, SET_ROLE_PARMS_FIELDS, "primary", 1, NLA_SET_ROLE_PARMS);
OPTION_SECTION(resize_parms, RESIZE_PARMS_FIELDS, "resize", 5, NLA_RESIZE_PARMS);
OPTION_SECTION(nl_state_info, STATE_INFO_FIELDS, "state_info", 23, NLA_STATE_INFO);
OPTION_SECTION(start_ov_parms, START_OV_PARMS_FIELDS, "verify", 3, NLA_START_OV_PARMS);
OPTION_SECTION(new_c_uuid_parms, NEW_C_UUID_PARMS_FIELDS, "new-current-uuid", 1,
	       NLA_NEW_C_UUID_PARMS);
OPTION_SECTION(timeout_parms, TIMEOUT_PARMS_FIELDS, "timeout", 1, NLA_TIMEOUT_PARMS);
OPTION_SECTION(disconnect_parms, DISCONNECT_PARMS_FIELDS, "disconnect", 1, NLA_DISCONNECT_PARMS);
OPTION_SECTION(detach_parms, DETACH_PARMS_FIELDS, "detach", 1, NLA_DETACH_PARMS);
OPTION_SECTION(nl_resource_info, RESOURCE_INFO_FIELDS, "resource_info", 4, NLA_RESOURCE_INFO);
OPTION_SECTION(nl_device_info, DEVICE_INFO_FIELDS, "device_info", 1, NLA_DEVICE_INFO);
OPTION_SECTION(nl_connection_info, CONNECTION_INFO_FIELDS, "connection_info", 2,
	       NLA_CONNECTION_INFO);
OPTION_SECTION(nl_peer_device_info, PEER_DEVICE_INFO_FIELDS, "peer_device_info", 5,
	       NLA_PEER_DEVICE_INFO);
OPTION_SECTION(nl_resource_statistics, RESOURCE_STATISTICS_FIELDS, "resource_statistics", 1,
	       NLA_RESOURCE_STATISTICS);
OPTION_SECTION(nl_device_statistics, DEVICE_STATISTICS_FIELDS, "device_statistics", 14,
	       NLA_DEVICE_STATISTICS);
OPTION_SECTION(nl_connection_statistics, CONNECTION_STATISTICS_FIELDS, "connection_statistics", 1,
	       NLA_CONNECTION_STATISTICS);
OPTION_SECTION(nl_peer_device_statistics, PEER_DEVICE_STATISTICS_FIELDS, "peer_device_statistics", 9,
	       NLA_PEER_DEVICE_STATISTICS);
OPTION_SECTION(nl_notification_header, NOTIFICATION_HEADER_FIELDS, "notification_header", 1,
	       NLA_NOTIFICATION_HEADER);
OPTION_SECTION(nl_helper_info, HELPER_INFO_FIELDS, "helper", 2, NLA_HELPER);

const struct option_section *nl_container_section(u32 container)
{
	static const struct option_section *const sections[NL_CONTAINER_MAX + 1] = {
		[NLA_CFG_CONTEXT] = &nl_cfg_context_section,
		[NLA_DISK_CONF] = &disk_conf_section,
		[NLA_RESOURCE_OPTS] = &res_opts_section,
		[NLA_NET_CONF] = &net_conf_section,
		[NLA_SET_ROLE_PARMS] = &set_role_parms_section,
		[NLA_RESIZE_PARMS] = &resize_parms_section,
		[NLA_STATE_INFO] = &nl_state_info_section,
		[NLA_START_OV_PARMS] = &start_ov_parms_section,
		[NLA_NEW_C_UUID_PARMS] = &new_c_uuid_parms_section,
		[NLA_TIMEOUT_PARMS] = &timeout_parms_section,
		[NLA_DISCONNECT_PARMS] = &disconnect_parms_section,
		[NLA_DETACH_PARMS] = &detach_parms_section,
		[NLA_RESOURCE_INFO] = &nl_resource_info_section,
		[NLA_DEVICE_INFO] = &nl_device_info_section,
		[NLA_CONNECTION_INFO] = &nl_connection_info_section,
		[NLA_PEER_DEVICE_INFO] = &nl_peer_device_info_section,
		[NLA_RESOURCE_STATISTICS] = &nl_resource_statistics_section,
		[NLA_DEVICE_STATISTICS] = &nl_device_statistics_section,
		[NLA_CONNECTION_STATISTICS] = &nl_connection_statistics_section,
		[NLA_PEER_DEVICE_STATISTICS] = &nl_peer_device_statistics_section,
		[NLA_NOTIFICATION_HEADER] = &nl_notification_header_section,
		[NLA_HELPER] = &nl_helper_info_section,
	};

	return container <= NL_CONTAINER_MAX ? sections[container] : NULL;
}

const void *option_member(const struct option_desc *desc, const void *obj)
{
	return (const char *)obj + desc->offset;
}

void *option_member_writable(const struct option_desc *desc, void *obj)
{
	return (char *)obj + desc->offset;
}

u64 option_get(const struct option_desc *desc, const void *obj)
{
	const void *member = option_member(desc, obj);

	switch (desc->type) {
	case OPTION_FLG:
		return *(const u8 *)member;
	case OPTION_U32:
		return *(const u32 *)member;
	case OPTION_S32:
		return (u64)(s64)*(const s32 *)member;
	case OPTION_U64:
		return *(const u64 *)member;
	}
	return 0;
}

void option_set(const struct option_desc *desc, void *obj, u64 value)
{
	void *member = option_member_writable(desc, obj);

	switch (desc->type) {
	case OPTION_FLG:
		*(u8 *)member = value;
		break;
	case OPTION_U32:
		*(u32 *)member = value;
		break;
	case OPTION_S32:
		*(s32 *)member = (s32)(u32)value;
		break;
	case OPTION_U64:
		*(u64 *)member = value;
		break;
	}
}

static bool option_is_number(const struct option_desc *desc)
{
	return desc->type != OPTION_STR && desc->type != OPTION_BIN;
}

static void option_reset(const struct option_desc *desc, void *obj)
{
	if (option_is_number(desc))
		option_set(desc, obj, desc->def);
	else
		memset(option_member_writable(desc, obj), 0, desc->size);
}

void option_set_defaults(const struct option_section *section, void *obj)
{
	u32 i;

	memset(obj, 0, section->size);
	for (i = 0; i < section->count; i++)
		option_reset(&section->options[i], obj);
}

void option_reset_changeable(const struct option_section *section, void *obj)
{
	u32 i;

	for (i = 0; i < section->count; i++)
		if (section->options[i].flags & OPT_D)
			option_reset(&section->options[i], obj);
}

void disk_conf_set_defaults(struct disk_conf *conf)
{
	option_set_defaults(&disk_conf_section, conf);
}

void res_opts_set_defaults(struct res_opts *opts)
{
	option_set_defaults(&res_opts_section, opts);
}

void net_conf_set_defaults(struct net_conf *conf)
{
	option_set_defaults(&net_conf_section, conf);
}

const struct option_desc *option_find(const struct option_section *section, const char *name)
{
	u32 i;

	for (i = 0; i < section->count; i++)
		if (!strcmp(section->options[i].name, name))
			return &section->options[i];
	return NULL;
}

const struct option_desc *option_find_nla(const struct option_section *section, u32 nla)
{
	u32 i;

	for (i = 0; i < section->count; i++)
		if (section->options[i].nla == nla)
			return &section->options[i];
	return NULL;
}

const struct option_desc *option_find_rank(const struct option_section *section, u32 rank)
{
	u32 i;

	for (i = 0; rank && i < section->count; i++)
		if (section->options[i].rank == rank)
			return &section->options[i];
	return NULL;
}

bool option_is_default(const struct option_desc *desc, const void *obj)
{
	if (option_is_number(desc))
		return option_get(desc, obj) == desc->def;
	return *(const char *)option_member(desc, obj) == '\0';
}

bool option_in_range(const struct option_desc *desc, u64 value)
{
	if (desc->type == OPTION_S32)
		return (s64)value >= desc->lowest && (s64)value <= (s64)desc->highest;
	return value >= (u64)desc->lowest && value <= desc->highest;
}

const char *option_value_name(const struct option_desc *desc, u32 number)
{
	u32 i;

	for (i = 0; i < desc->nvalues; i++)
		if (desc->values[i].number == number)
			return desc->values[i].name;
	return NULL;
}

static char ascii_lower(char c)
{
	return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c;
}

static bool same_text(const char *a, const char *b, bool anycase)
{
	for (; *a && *b; a++, b++)
		if (anycase ? ascii_lower(*a) != ascii_lower(*b) : *a != *b)
			return false;
	return *a == *b;
}

bool option_value_parse(const struct option_desc *desc, const char *text, u32 *number)
{
	u32 i;

	for (i = 0; i < desc->nvalues; i++) {
		if (same_text(desc->values[i].name, text, desc->flags & OPT_ANYCASE)) {
			*number = desc->values[i].number;
			return true;
		}
	}
	return false;
}

char option_unit_suffix(enum option_unit unit)
{
	switch (unit) {
	case OPT_UNIT_SECTORS:
		return 's';
	case OPT_UNIT_KIB:
	case OPT_UNIT_RATE:
		return 'k';
	default:
		return '1';
	}
}

const char *option_unit_text(enum option_unit unit)
{
	switch (unit) {
	case OPT_UNIT_BYTES:
	case OPT_UNIT_SECTORS:
		return "bytes";
	case OPT_UNIT_RATE:
		return "bytes/second";
	case OPT_UNIT_SECONDS:
		return "seconds";
	case OPT_UNIT_DECISECONDS:
		return "1/10 seconds";
	default:
		return NULL;
	}
}

/* Powers of two of a unit character, -1 when it is none. */
static int unit_shift(char unit)
{
	switch (unit) {
	case '\0':
	case '1':
		return 0;
	case 's':
		return 9;
	case 'k':
	case 'K':
		return 10;
	case 'm':
	case 'M':
		return 20;
	case 'g':
	case 'G':
		return 30;
	}
	return -1;
}

enum option_number_error option_number_parse(const char *text, char unit, u64 *value)
{
	bool negative = *text == '-';
	int shift = unit_shift(unit), from;
	u64 number = 0;

	if (negative)
		text++;
	if (*text < '0' || *text > '9')
		return OPTION_NUMBER_SYNTAX;
	for (; *text >= '0' && *text <= '9'; text++) {
		u32 digit = *text - '0';

		if (number > div_u64(U64_MAX - digit, 10))
			return OPTION_NUMBER_OVERFLOW;
		number = number * 10 + digit;
	}
	from = *text ? unit_shift(*text) : shift;
	if (*text == '1' || from < 0)
		return OPTION_NUMBER_SUFFIX;
	if (*text && text[1])
		return OPTION_NUMBER_SYNTAX;

	if (from >= shift) {
		if (number > U64_MAX >> (from - shift))
			return OPTION_NUMBER_OVERFLOW;
		number <<= from - shift;
	} else {
		u64 finer = (1ULL << (shift - from)) - 1;

		number = (number >> (shift - from)) + ((number & finer) != 0);
	}
	*value = negative ? 0 - number : number;
	return OPTION_NUMBER_OK;
}
