// SPDX-License-Identifier: GPL-2.0
/* crc32c.c - table-driven CRC-32C (Castagnoli), four bits at a time */
#include "portable.h"
#include "crc32c.h"

/*
 * One entry per nibble: 64 bytes of constants instead of a kilobyte, or of a
 * table that would have to be computed under some lock.  The log writes one
 * block per transaction, so speed does not matter here.
 */
static const u32 crc32c_nibble[16] = {
	0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1,
	0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
	0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9,
	0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

u32 core_crc32c(u32 crc, const void *data, size_t bytes)
{
	const u8 *p = data;

	while (bytes--) {
		crc ^= *p++;
		crc = (crc >> 4) ^ crc32c_nibble[crc & 15];
		crc = (crc >> 4) ^ crc32c_nibble[crc & 15];
	}
	return crc;
}
