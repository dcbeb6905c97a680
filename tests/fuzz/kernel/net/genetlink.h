/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What drbd-kmod/nl_attrs.c uses of the kernel's netlink attributes, in userspace
 *
 * Names and meaning are the kernel's. A struct sk_buff is a buffer of fixed size.
 */
#ifndef FUZZ_KERNEL_GENETLINK_H
#define FUZZ_KERNEL_GENETLINK_H

#include <stdlib.h>
#include "core/portable.h"

struct nlattr {
	u16 nla_len, nla_type;
};

struct nla_policy {
	u8 type;
};

enum { NLA_NESTED = 8 };
#define NLA_F_NESTED 0x8000
#define NLA_HDRLEN 4
#define NLA_ALIGN(len) (((len) + 3) & ~3)

struct sk_buff {
	u8 *data;
	u32 len, room;
};

static inline int nla_len(const struct nlattr *nla) { return nla->nla_len - NLA_HDRLEN; }
static inline void *nla_data(const struct nlattr *nla) { return (u8 *)nla + NLA_HDRLEN; }
static inline int nla_type(const struct nlattr *nla) { return nla->nla_type & 0x3fff; }

static inline bool nla_ok(const struct nlattr *nla, int rest)
{
	return rest >= NLA_HDRLEN && nla->nla_len >= NLA_HDRLEN && nla->nla_len <= rest;
}

static inline struct nlattr *nla_next(const struct nlattr *nla, int *rest)
{
	int step = NLA_ALIGN(nla->nla_len);

	*rest -= step;
	return (struct nlattr *)((u8 *)nla + step);
}

#define nla_for_each_nested(pos, nest, rest) \
	for (pos = nla_data(nest), rest = nla_len(nest); nla_ok(pos, rest); pos = nla_next(pos, &(rest)))

static inline u8 nla_get_u8(const struct nlattr *nla) { return *(u8 *)nla_data(nla); }
static inline u32 nla_get_u32(const struct nlattr *nla) { return *(u32 *)nla_data(nla); }
static inline s32 nla_get_s32(const struct nlattr *nla) { return *(s32 *)nla_data(nla); }

static inline long strscpy(char *to, const char *from, size_t size)
{
	size_t n = strnlen(from, size - 1);

	memcpy(to, from, n);
	to[n] = 0;
	return n;
}

static inline int nla_put(struct sk_buff *skb, int type, int len, const void *data)
{
	struct nlattr *nla = (struct nlattr *)(skb->data + skb->len);

	if (skb->len + NLA_ALIGN(NLA_HDRLEN + len) > skb->room)
		return -EMSGSIZE;
	nla->nla_type = type;
	nla->nla_len = NLA_HDRLEN + len;
	memset(nla_data(nla), 0, NLA_ALIGN(len));
	memcpy(nla_data(nla), data, len);
	skb->len += NLA_ALIGN(nla->nla_len);
	return 0;
}

static inline int nla_put_u8(struct sk_buff *skb, int type, u8 value)
{
	return nla_put(skb, type, sizeof(value), &value);
}

static inline int nla_put_u32(struct sk_buff *skb, int type, u32 value)
{
	return nla_put(skb, type, sizeof(value), &value);
}

static inline int nla_put_string(struct sk_buff *skb, int type, const char *text)
{
	return nla_put(skb, type, strlen(text) + 1, text);
}

static inline struct nlattr *nla_nest_start_noflag(struct sk_buff *skb, int type)
{
	struct nlattr *nest = (struct nlattr *)(skb->data + skb->len);

	return nla_put(skb, type, 0, "") ? NULL : nest;
}

static inline struct nlattr *nla_nest_start(struct sk_buff *skb, int type)
{
	return nla_nest_start_noflag(skb, type | NLA_F_NESTED);
}

static inline void nla_nest_cancel(struct sk_buff *skb, struct nlattr *nest)
{
	skb->len = (u8 *)nest - skb->data;
}

static inline void nla_nest_end(struct sk_buff *skb, struct nlattr *nest)
{
	nest->nla_len = skb->data + skb->len - (u8 *)nest;
}

#endif /* FUZZ_KERNEL_GENETLINK_H */
