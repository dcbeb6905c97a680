// SPDX-License-Identifier: GPL-2.0
#include "nl_attrs.h"

#define NESTED_POLICY { .type = NLA_NESTED }

const struct nla_policy nl_policy[NL_CONTAINER_MAX + 1] = {
	[1 ... 13] = NESTED_POLICY,
	/* 14 is a hole: strict validation refuses it */
	[15 ... NL_CONTAINER_MAX] = NESTED_POLICY,
};

/* The length member that follows a BIN member (core/options.h). */
static u32 *bin_len(const struct option_desc *desc, const void *obj)
{
	return (u32 *)(option_member(desc, obj) + desc->size);
}

/* ---- receiving ---- */

static int parse_member(const struct option_desc *desc, const struct nlattr *nla, void *obj)
{
	int len = nla_len(nla);
	u64 value = 0;

	switch (desc->type) {
	case OPTION_STR:
		if (len > desc->size)
			return -ERANGE;
		if (!memchr(nla_data(nla), 0, len))
			return -EINVAL;
		strscpy(option_member_writable(desc, obj), nla_data(nla), desc->size);
		return 0;
	case OPTION_BIN:
		if (len > desc->size)
			return -ERANGE;
		memset(option_member_writable(desc, obj), 0, desc->size);
		memcpy(option_member_writable(desc, obj), nla_data(nla), len);
		*bin_len(desc, obj) = len;
		return 0;
	case OPTION_FLG:
		if (len < 1)
			return -ERANGE;
		value = nla_get_u8(nla);
		break;
	case OPTION_U64:
		if (len < 8)
			return -ERANGE;
		memcpy(&value, nla_data(nla), 8);
		break;
	case OPTION_S32:
		if (len < 4)
			return -ERANGE;
		value = (s64)nla_get_s32(nla);
		break;
	default:
		if (len < 4)
			return -ERANGE;
		value = nla_get_u32(nla);
	}
	option_set(desc, obj, value);
	return 0;
}

/* The mandatory bits are cleared in place, also so that an echo does not carry them. */
static int check_mandatory(const struct option_section *section, struct nlattr *container)
{
	struct nlattr *nla;
	int rest;

	nla_for_each_nested(nla, container, rest) {
		if (!(nla->nla_type & NL_MANDATORY))
			continue;
		nla->nla_type &= ~NL_MANDATORY;
		if (nla_type(nla) > section->highest_nla)
			return -EOPNOTSUPP;
	}
	return 0;
}

int nl_parse(const struct option_section *section, struct nlattr *container, void *obj,
	     enum nl_parse_mode mode, u64 *seen)
{
	u64 found = 0;
	struct nlattr *nla;
	int rest, err, i;

	if (container) {
		err = check_mandatory(section, container);
		if (err)
			return err;
		nla_for_each_nested(nla, container, rest) {
			const struct option_desc *desc = option_find_nla(section, nla_type(nla));

			if (!nla_type(nla) || !desc)
				continue;
			if (mode == NL_PARSE_CHANGE && (desc->flags & OPT_I))
				return -EEXIST;
			err = parse_member(desc, nla, obj);
			if (err)
				return err;
			found |= 1ULL << nla_type(nla);
		}
	}
	if (mode == NL_PARSE_NEW)
		for (i = 0; i < section->count; i++)
			if ((section->options[i].flags & OPT_R) &&
			    !(found & (1ULL << section->options[i].nla)))
				return -ENOMSG;
	if (seen)
		*seen = found;
	return 0;
}

const char *nl_parse_error_text(int error)
{
	switch (error) {
	case -ENOMSG:
		return "required attribute missing";
	case -EOPNOTSUPP:
		return "unknown mandatory attribute";
	case -EEXIST:
		return "can not change invariant setting";
	default:
		return "invalid attribute value";
	}
}

/* ---- sending ---- */

/* These three came first and are built the old way (netlink.md 1.3). */
static bool old_style(const struct option_section *section)
{
	return section->nla == NLA_CFG_REPLY || section->nla == NLA_CFG_CONTEXT ||
	       section->nla == NLA_STATE_INFO;
}

static int put_member(struct sk_buff *skb, const struct option_desc *desc, int type,
		      const void *obj)
{
	const void *member = option_member(desc, obj);
	u64 value;

	switch (desc->type) {
	case OPTION_STR:
		return nla_put_string(skb, type, member);
	case OPTION_BIN:
		return nla_put(skb, type, *bin_len(desc, obj), member);
	case OPTION_FLG:
		return nla_put_u8(skb, type, option_get(desc, obj));
	case OPTION_U64:
		value = option_get(desc, obj);
		return nla_put(skb, type, sizeof(value), &value);
	default:
		return nla_put_u32(skb, type, option_get(desc, obj));
	}
}

int nl_put(struct sk_buff *skb, const struct option_section *section, const void *obj,
	   const struct nl_emit *how)
{
	bool old = old_style(section);
	struct nlattr *nest = old ? nla_nest_start_noflag(skb, section->nla) :
				    nla_nest_start(skb, section->nla);
	int i;

	if (!nest)
		return -EMSGSIZE;
	for (i = 0; i < section->count; i++) {
		const struct option_desc *desc = &section->options[i];
		int type = desc->nla | (old && (desc->flags & OPT_M) ? NL_MANDATORY : 0);

		if (how->omit & (1ULL << desc->nla))
			continue;
		if ((desc->flags & OPT_S) && !how->sensitive)
			continue;
		if (put_member(skb, desc, type, obj)) {
			nla_nest_cancel(skb, nest);
			return -EMSGSIZE;
		}
	}
	nla_nest_end(skb, nest);
	return 0;
}

int nl_put_info_text(struct sk_buff *skb, const char *text)
{
	struct nlattr *nest = nla_nest_start_noflag(skb, NLA_CFG_REPLY);

	if (!nest)
		return -EMSGSIZE;
	if (nla_put_string(skb, NLA_info_text | NL_MANDATORY, text)) {
		nla_nest_cancel(skb, nest);
		return -EMSGSIZE;
	}
	nla_nest_end(skb, nest);
	return 0;
}
