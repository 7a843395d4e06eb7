/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the balloon needs of memory and time: one of the three seams of the core. The kernel fills
 * it with the frame allocator, a test with a model. No function may be called from an interrupt.
 */

#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

struct balloon_memory_stats {
    uint64_t all_frames;  /* every frame of usable memory, those in the balloon included */
    uint64_t free_frames; /* frames nobody uses */
};

struct balloon_mem_ops {
    /* One run of at most `max` free frames for the host, as long a run as there is, whole blocks
     * first. ERR_NOMEM when nothing is free. */
    err_t (*take)(pfn_t max, pfn_t *first, pfn_t *count);
    /* Frames that come back. Any part of what was taken, in any order. */
    void (*give)(pfn_t first, pfn_t count);
    uint64_t (*free_count)(void);
    /* Contiguous memory of the driver's own: rings, PFN buffers, the ledger. */
    err_t (*page_alloc)(unsigned frames, void **memory, paddr_t *address);
    void (*page_free)(void *memory, paddr_t address, unsigned frames);
    void (*stats)(struct balloon_memory_stats *stats);
    /* One shot: balloon_dev_memory_freed() is to be called when a free leaves more than
     * `free_above` frames free. UINT64_MAX disarms. */
    void (*watch)(uint64_t free_above);
    uint64_t (*now_ns)(void);
};
