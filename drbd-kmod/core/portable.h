/* SPDX-License-Identifier: GPL-2.0 */
/*
 * portable.h - the only place where the core notices what it is built for
 *
 * The core is compiled into the kernel module, into the tools, into the unit
 * tests and into the simulator.  It uses the kernel's spelling of the fixed
 * width types, of byte order conversion and of a few helpers; outside the
 * kernel this header supplies them.  Nothing here allocates, sleeps or does I/O.
 */
#ifndef CORE_PORTABLE_H
#define CORE_PORTABLE_H

#ifdef __KERNEL__

#include <linux/types.h>
#include <linux/errno.h>
#include <linux/kernel.h>
#include <linux/string.h>
#include <linux/build_bug.h>
#include <linux/bug.h>
#include <linux/limits.h>
#include <linux/stddef.h>
#include <asm/byteorder.h>

#define core_bug_on(cond) WARN_ON_ONCE(cond)

#else /* userspace: tools, tests, simulator */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <limits.h>
#include <assert.h>
#include <errno.h>
#include <linux/types.h>		/* __be16 ... __le64 */

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define cpu_to_be16(x) ((__be16)__builtin_bswap16(x))
#define cpu_to_be32(x) ((__be32)__builtin_bswap32(x))
#define cpu_to_be64(x) ((__be64)__builtin_bswap64(x))
#define cpu_to_le32(x) ((__le32)(x))
#define cpu_to_le64(x) ((__le64)(x))
#else
#define cpu_to_be16(x) ((__be16)(x))
#define cpu_to_be32(x) ((__be32)(x))
#define cpu_to_be64(x) ((__be64)(x))
#define cpu_to_le32(x) ((__le32)__builtin_bswap32(x))
#define cpu_to_le64(x) ((__le64)__builtin_bswap64(x))
#endif
#define be16_to_cpu(x) cpu_to_be16(x)
#define be32_to_cpu(x) cpu_to_be32(x)
#define be64_to_cpu(x) cpu_to_be64(x)
#define le32_to_cpu(x) cpu_to_le32(x)
#define le64_to_cpu(x) cpu_to_le64(x)

#ifndef __packed
#define __packed __attribute__((packed))
#endif
#ifndef __force
#define __force
#endif
#ifndef __must_check
#define __must_check __attribute__((warn_unused_result))
#endif
#ifndef fallthrough
#define fallthrough __attribute__((fallthrough))
#endif

#ifndef static_assert
#define static_assert _Static_assert
#endif
#ifndef container_of
#define container_of(ptr, type, member) \
	((type *)((char *)(ptr) - offsetof(type, member)))
#endif
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min_t(t, a, b) ((t)(a) < (t)(b) ? (t)(a) : (t)(b))
#define max_t(t, a, b) ((t)(a) > (t)(b) ? (t)(a) : (t)(b))
#define U32_MAX UINT32_MAX
#define U64_MAX UINT64_MAX

#define core_bug_on(cond) ({ bool bug__ = (cond); assert(!bug__); bug__; })

#endif /* __KERNEL__ */

/* 64 bit division by a 32 bit divisor, spelt so that 32 bit kernels link. */
#ifdef __KERNEL__
#include <linux/math64.h>
#else
static inline u64 div_u64(u64 dividend, u32 divisor)
{
	return dividend / divisor;
}

static inline u64 div64_u64(u64 dividend, u64 divisor)
{
	return dividend / divisor;
}
#endif

#endif /* CORE_PORTABLE_H */
