/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* From the loader's memory map to a running frame allocator and final page tables. */

#include <stdint.h>

struct boot_info;

/* Panics when the machine has too little memory to start: there is nobody to report to. */
void memory_init(const struct boot_info *info);

/* Where usable memory below `limit` ends. */
uint64_t memory_end_below(uint64_t limit);

/* A run of frames for device drivers, zeroed; null when there is none. */
void *memory_pages(unsigned frames);
