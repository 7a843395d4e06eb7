/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The balloon driver's view of memory: the frame allocator, page tables, pressure sources and the
 * clock. */

#include "drivers/virtio/balloon_mem.h"

/* `freed` and `blocks_freed` are called when the driver's watches fire, in the context of a free;
 * they only arrange for work. */
void balloon_memory_init(void (*freed)(void), void (*blocks_freed)(void));

extern const struct balloon_mem_ops balloon_memory;
