/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The reference model of the memory map: asks every entry about every single frame. For the unit
 * test and the fuzzer.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mm/memmap.h"

/* True when the contract of mm/memmap.h calls the frame usable. */
bool model_memmap_usable(const struct memmap_entry *entries, size_t count, uint64_t pfn);

/* Asserts that the ranges are sorted, apart, not empty and inside the limits. */
void model_memmap_well_formed(const struct memmap *map);

bool model_memmap_has(const struct memmap *map, uint64_t pfn);
