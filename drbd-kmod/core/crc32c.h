/* SPDX-License-Identifier: GPL-2.0 */
/*
 * crc32c.h - CRC-32C as the activity log uses it
 *
 * Reflected polynomial 0x82F63B78 and no inversion of the result; the caller
 * gives the initial value (0 for the activity log), so that a sum may be
 * continued over several pieces.  Pure; any context.  metadata.md 3.3.
 */
#ifndef CORE_CRC32C_H
#define CORE_CRC32C_H

#include "portable.h"

u32 core_crc32c(u32 crc, const void *data, size_t bytes);

#endif /* CORE_CRC32C_H */
