/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The page-frame allocator over memory that exists, and lies where its frame numbers say: memory of
 * this process at a low, fixed address. For what writes into frames.
 */

#include "base/memory.h"

/* Below the address sanitizer's shadow, above what a program not linked for an address occupies. */
#define FRAME_MEMORY_LOW (256 * MIB)
/* For more than a gigabyte, where there is no sanitizer. */
#define FRAME_MEMORY_HIGH (64 * GIB)

/* Starts the allocator over `frames` frames at `address`, filled with garbage on demand: nothing
 * may be expected to be zero. Panics when the address is taken. */
void frame_memory_start(paddr_t address, pfn_t frames);

/* Fills all free memory with garbage, as if it had been used. */
void frame_memory_soil(void);

/* Unmaps it all. */
void frame_memory_stop(void);
