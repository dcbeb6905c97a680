/* SPDX-License-Identifier: GPL-2.0 */
/*
 * show_json.h - the configuration in use as JSON (tools.md 10)
 */
#ifndef SHOW_JSON_H
#define SHOW_JSON_H

#include "drbdsetup.h"

int show_json(const struct invocation *invocation, bool defaults);

#endif /* SHOW_JSON_H */
