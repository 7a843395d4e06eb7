/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The memory map: what the firmware says, made into sorted, disjoint runs of usable frames. Pure
 * code: unsorted, overlapping, zero-length and wrapping input is survived, and whatever any entry
 * calls not usable is not used.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/boot_info.h" /* struct memmap_entry */
#include "base/err.h"
#include "base/memory.h"
#include "mm/frame.h"

/* Firmware maps have 5 to 40 entries; each reservation can split one more. Beyond the limit the
 * smallest ranges are dropped and counted. */
#define MEMMAP_RANGES_MAX 128U

struct memmap {
    struct frame_range ranges[MEMMAP_RANGES_MAX];
    unsigned count;
    uint64_t dropped_frames; /* usable, but above FRAME_AREAS_MAX or beyond MEMMAP_RANGES_MAX */
};

/* Builds the map. Frame 0 and frames that no single entry calls wholly usable are left out.
 * ERR_NOMEM when nothing usable remains. Cost grows with the square of `count`. */
MUST_USE err_t memmap_build(struct memmap *map, const struct memmap_entry *entries, size_t count);

/* Removes every frame that [start, start + bytes) touches. Removing what is not there is fine. */
void memmap_reserve(struct memmap *map, paddr_t start, uint64_t bytes);

/* The lowest run of `bytes` at a multiple of `align` (a power of two, at least a frame) inside
 * [from, below). It is not reserved. ERR_NOMEM when there is none. */
MUST_USE err_t memmap_find(const struct memmap *map, uint64_t bytes, uint64_t align, paddr_t from,
                           paddr_t below, paddr_t *start);

/* Frames in all ranges, and the first frame after the last range. */
uint64_t memmap_frames(const struct memmap *map);
pfn_t memmap_end(const struct memmap *map);
