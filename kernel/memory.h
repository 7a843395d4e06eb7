/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* From the loader's memory map to a running frame allocator and final page tables. */

#include <stdint.h>

#include "base/memory.h"

struct boot_info;

/* Parameters must be known. Panics when the machine has too little memory to start: there is nobody
 * to report to. */
void memory_init(const struct boot_info *info);

/* Where usable memory below `limit` ends. */
uint64_t memory_end_below(uint64_t limit);

/* Fills frames, each 32-bit word with `value`. */
void memory_fill(pfn_t first, pfn_t count, uint32_t value);

/* A run of frames for device drivers, zeroed; null when there is none. */
void *memory_pages(unsigned frames);
