/* SPDX-License-Identifier: GPL-2.0 */
/*
 * input.h - a fuzzer's input, read as choices
 *
 * What is beyond the end reads as 0, so every prefix of an input is an input.
 * Multi-byte numbers are little endian.
 */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include "core/portable.h"

struct input {
	const u8 *at, *end;
};

static inline struct input input_of(const u8 *data, size_t size)
{
	return (struct input) { .at = data, .end = data + size };
}

static inline bool input_over(const struct input *in)
{
	return in->at >= in->end;
}

static inline size_t input_left(const struct input *in)
{
	return in->end - in->at;
}

static inline u8 take8(struct input *in)
{
	return input_over(in) ? 0 : *in->at++;
}

static inline u16 take16(struct input *in)
{
	u16 low = take8(in);

	return low | (u16)take8(in) << 8;
}

static inline u32 take32(struct input *in)
{
	u32 low = take16(in);

	return low | (u32)take16(in) << 16;
}

static inline u64 take64(struct input *in)
{
	u64 low = take32(in);

	return low | (u64)take32(in) << 32;
}

static inline void take_bytes(struct input *in, void *to, size_t n)
{
	size_t have = min(n, input_left(in));

	memcpy(to, in->at, have);
	memset((u8 *)to + have, 0, n - have);
	in->at += have;
}

/* A count of at most `most`. */
static inline u32 take_up_to(struct input *in, u32 most)
{
	u32 n = take16(in);

	return n < most ? n : most;
}

/* What must hold whatever arrives; a fuzzer sees a crash. */
#define must(cond) do {								\
		if (!(cond)) {							\
			fprintf(stderr, "%s:%d: violated: %s\n", __FILE__, __LINE__, #cond); \
			abort();						\
		}								\
	} while (0)

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#endif /* FUZZ_INPUT_H */
