/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the balloon needs of memory and time: one of the three seams of the core. The kernel fills
 * it with the frame allocator, a test with a model. No function may be called from an interrupt.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

/* In frames, but for `alloc_stalls`; the last three count since the guest started. */
struct balloon_memory_stats {
    uint64_t all_frames;     /* of usable memory, those in the balloon included */
    uint64_t free_frames;    /* nobody uses them */
    uint64_t cache_frames;   /* applications use them and would give them up when asked */
    uint64_t alloc_stalls;   /* allocations that had to wait for others to give up memory */
    uint64_t asked_frames;   /* given up by applications because the host wanted memory */
    uint64_t stalled_frames; /* given up because an allocation would have failed */
};

struct balloon_mem_ops {
    /* ---- the balloon ---- */

    /* One run of at most `max` free frames for the host, as long a run as there is, whole blocks
     * first. ERR_NOMEM when nothing is free. */
    err_t (*take)(pfn_t max, pfn_t *first, pfn_t *count);
    /* The same, but only whole blocks that the host holds nothing behind, lowest first. `max` is a
     * block at least. ERR_NOMEM when there is none. */
    err_t (*take_returned)(pfn_t max, pfn_t *first, pfn_t *count);
    /* Frames that come back, and the host holds nothing behind them. Any part of what was taken, in
     * any order. */
    void (*give)(pfn_t first, pfn_t count);
    uint64_t (*free_count)(void);
    /* One shot: balloon_dev_memory_freed() is to be called when a free leaves more than
     * `free_above` frames free. UINT64_MAX disarms. */
    void (*watch)(uint64_t free_above);
    /* Asks applications for memory they can do without; returns the frames that are free at once.
     * What comes later, the watch will tell. */
    uint64_t (*ask)(uint64_t frames);

    /* ---- reporting and hinting: whole free blocks ---- */

    /* The first run of whole free blocks at or behind `from`, all of them backed or all returned,
     * at most `max` frames. ERR_NOMEM: there is none. */
    err_t (*take_blocks)(bool backed, pfn_t from, pfn_t max, pfn_t *first, pfn_t *count);
    /* They come back, backed or not. Any whole blocks of what was taken. */
    void (*give_blocks)(pfn_t first, pfn_t count, bool backed);
    /* Frames in whole free backed blocks. */
    uint64_t (*backed_count)(void);
    /* As watch(), for backed_count() and balloon_dev_blocks_freed(). */
    void (*watch_backed)(uint64_t backed_above);
    /* Frames of returned memory that allocations have taken since the guest started: the host had
     * to find memory for them again. */
    uint64_t (*retaken_count)(void);
    /* The first word of a frame that was taken. */
    uint64_t (*peek)(pfn_t pfn);
    void (*poke)(pfn_t pfn, uint64_t value);
    /* Fills frames that were taken, each 32-bit word with `value`. */
    void (*fill)(pfn_t first, pfn_t count, uint32_t value);

    /* ---- the driver itself ---- */

    /* Contiguous memory of the driver's own: rings, PFN buffers, the ledger. Asks nobody to give up
     * memory, least of all the balloon. */
    err_t (*page_alloc)(unsigned frames, void **memory, paddr_t *address);
    void (*page_free)(void *memory, paddr_t address, unsigned frames);
    void (*stats)(struct balloon_memory_stats *stats);
    uint64_t (*now_ns)(void);
};
