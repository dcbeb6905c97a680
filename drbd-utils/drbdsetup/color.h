/* SPDX-License-Identifier: GPL-2.0 */
/*
 * color.h - colours of status (tools.md 10)
 *
 * Each function returns the escape sequence that begins the value's colour, or
 * "" for none; color_end() the one that ends it.
 */
#ifndef COLOR_H
#define COLOR_H

#include <stdbool.h>

#include "core/portable.h"

/* always (also NULL), auto, never; false for another word. */
bool color_choose(const char *when);
void color_auto(void); /* colours if standard output is a terminal */

const char *color_of_role(u32 role, bool local);
const char *color_of_disk(u32 disk, bool local);
const char *color_of_connection(u32 conn);
const char *color_of_replication(u32 repl);
const char *color_end(const char *begun);

#endif /* COLOR_H */
