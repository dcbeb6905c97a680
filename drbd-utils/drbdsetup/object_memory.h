/* SPDX-License-Identifier: GPL-2.0 */
/*
 * object_memory.h - the last known state of every object events2 has printed
 *
 * Identity (netlink.md 5.3): kind, resource name, presence of a peer address,
 * volume and the minor of the message's header.
 */
#ifndef OBJECT_MEMORY_H
#define OBJECT_MEMORY_H

#include "objects_view.h"

/* NULL if it was never kept. */
const struct object_view *object_memory_find(const struct object_view *view);
void object_memory_keep(const struct object_view *view);
void object_memory_forget(const struct object_view *view);

/*
 * What exists is about to be told anew; then: forget every object that was not
 * kept since, after a call of gone() each, parts before what they are parts of.
 */
void object_memory_begin_anew(void);
void object_memory_forget_others(void (*gone)(const struct object_view *view));

#endif /* OBJECT_MEMORY_H */
