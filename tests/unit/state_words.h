/* SPDX-License-Identifier: GPL-2.0 */
/* state_words.h - states in short, for the test_state* programs */
#ifndef STATE_WORDS_H
#define STATE_WORDS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <cmocka.h>

#include "core/state.h"

#define PRI ROLE_PRIMARY
#define SEC ROLE_SECONDARY
#define UTD D_UP_TO_DATE

/* Cheap inside hot loops; cmocka's macros are only entered on failure. */
#define CHECK(cond, ...) do { \
	if (!(cond)) { \
		print_error(__VA_ARGS__); \
		fail(); \
	} \
} while (0)

static inline struct state st(int role, int peer, int conn, int disk, int pdsk)
{
	return (struct state) { .role = role, .peer = peer, .conn = conn, .disk = disk, .pdsk = pdsk };
}

/* Frozen for lack of data, told in other words than the core's. */
static inline bool slow_nod(struct state s)
{
	return s.role == 1 && s.disk < 8 && s.pdsk < 8;
}

#endif /* STATE_WORDS_H */
