// SPDX-License-Identifier: GPL-2.0
#include <linux/blkdev.h>
#ifndef blk_alloc_disk
#error it is a macro where it exists
#endif
