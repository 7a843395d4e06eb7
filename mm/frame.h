/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The page-frame allocator. There is one; it owns every frame of usable memory.
 *
 * A frame is free, in use, or away (taken by the balloon). Free memory is *backed* (the host
 * probably holds memory behind it) or *returned* (it does not); this is kept per 2 MiB block.
 * Partly used blocks count as backed: only a whole free block can be returned. Allocation fills
 * partly used blocks first, then breaks backed blocks, then returned ones, always at the lowest
 * address; runs of several blocks are taken at the lowest address, backed or not. Free memory is
 * never touched: all state lives in bit fields beside it.
 *
 * None of these functions may be called from an interrupt. Work on the way out of an interrupt may
 * call them when frame_held() is false.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"

/* Memory above 1 TiB is left alone; the memory map says so when it drops some. */
#define FRAME_AREAS_MAX 1024U
/* The largest order: 1 GiB. */
#define FRAME_ORDER_MAX AREA_ORDER

/* A half-open run of frames: [first, first + count). */
struct frame_range {
    pfn_t first;
    pfn_t count;
};

enum frame_state {
    FRAME_NOT_RAM,       /* not memory, or never given to the allocator */
    FRAME_FREE_BACKED,   /* free; the host probably holds memory behind it */
    FRAME_FREE_RETURNED, /* free; the host holds nothing */
    FRAME_IN_USE,        /* allocated, or taken singly by frame_take_run */
    FRAME_AWAY,          /* in a whole block taken by the balloon */
};

/* All counts in frames. total = free_backed + free_returned + in_use + away, always. `reportable`
 * is the part of free_backed that lies in whole free blocks. */
struct frame_stats {
    uint64_t total;
    uint64_t free_backed;
    uint64_t free_returned;
    uint64_t reportable;
    uint64_t in_use;
    uint64_t away;
    uint64_t metadata_bytes; /* reserved for bookkeeping; touched only where memory is used */
};

/* ---- start ---- */

/* Bytes of metadata for memory that ends at frame `end` (exclusive): below 36 KiB per GiB. */
size_t frame_metadata_bytes(pfn_t end);

/*
 * A hole in the address space needs no bit fields: bytes [*offset, *offset + result) of the
 * metadata are never touched and may be used otherwise. 0: there is none.
 */
size_t frame_metadata_gap(const struct frame_range *ranges, unsigned count, size_t *offset);

/*
 * Starts (or, in tests, restarts) the allocator over `ranges`: sorted, a gap of a frame at least
 * between neighbours, without frame 0, and kept by the caller for as long as the allocator lives.
 * `metadata` has at least frame_metadata_bytes(end of the last range) bytes, 64-byte aligned,
 * outside the ranges; it need not be zeroed and is not touched here: cost does not grow with
 * memory. `warm` tells that the memory was used before (a reset): then free memory counts as
 * backed, otherwise as returned, but for blocks partly outside the ranges, which count as backed as
 * every partly used block does. Errors: ERR_RANGE for bad ranges or too little metadata, ERR_NOMEM
 * for no frames at all.
 */
MUST_USE err_t frame_init(void *metadata, size_t metadata_bytes, const struct frame_range *ranges,
                          unsigned count, bool warm);

/* ---- allocation ---- */

/*
 * An allocation that finds nothing asks the reclaim hook, if there is one, before it fails: for the
 * `count` frames it wants, at most FRAME_RECLAIM_ROUNDS times. The hook frees something or gives
 * something back and says true: then the allocation looks again. It says false when it can do
 * nothing (more). It can promise frames, not that they lie together, so it may be asked while as
 * many are free. More frames than there are in the machine are not asked for.
 *
 * The hook runs in the context of the allocation, when the allocator is not held. It may allocate
 * and free; no allocation asks it while it runs, neither its own nor one of work that comes in
 * between or of another task that it lets run: they fail as without a hook. Taking for the balloon
 * never asks it, and finds nothing while it runs: what the hook frees is the allocation's. A null
 * `reclaim` removes it; so does frame_init.
 */
#define FRAME_RECLAIM_ROUNDS 3U
void frame_set_reclaim(bool (*reclaim)(pfn_t count));

/* One frame, or PFN_NONE. The content is undefined. */
pfn_t frame_alloc(void);

/* 2^order naturally aligned frames, order 0 to FRAME_ORDER_MAX. ERR_NOMEM when there is no such
 * run, ERR_RANGE for a larger order. */
MUST_USE err_t frame_alloc_order(unsigned order, pfn_t *first);

/* `count` contiguous frames of any count >= 1. Runs of a block or more begin at a block. */
MUST_USE err_t frame_alloc_run(pfn_t count, pfn_t *first);

/* The same without asking the hook: for whoever is asked for memory himself. */
MUST_USE err_t frame_try_run(pfn_t count, pfn_t *first);

/* Give back what was allocated. Any part of an allocation may be freed in any order; neighbours
 * merge. Freeing what is not in use is a programmer's mistake. */
void frame_free(pfn_t pfn);
void frame_free_order(pfn_t first, unsigned order);
void frame_free_run(pfn_t first, pfn_t count);

/* Freed memory is handed to `fill` before anybody can have it again; null: it is left as it is. For
 * finding mistakes: every free takes the long way. Not for what the balloon gives back. */
void frame_set_fill(void (*fill)(pfn_t first, pfn_t count));

/* ---- the balloon's side ---- */

/*
 * Takes one contiguous run of at most `max` free frames for the host: whole blocks first (backed
 * before returned, lowest address first, as long a run as there is), then, when `max` is less than
 * a block or no whole block is left, frames of one partly used block (breaking a whole block only
 * when `max` is less than a block and no block is partly used and free). The frames are away
 * until frame_give_run. ERR_NOMEM when nothing is free.
 */
MUST_USE err_t frame_take_run(pfn_t max, pfn_t *first, pfn_t *count);

/*
 * Takes one contiguous run of whole free blocks, all of them of one kind, FRAME_FREE_BACKED or
 * FRAME_FREE_RETURNED: the first such run that begins at or after frame `from`, at most `max`
 * frames rounded down to blocks (at least one block), as long as there is. From 0 and then from the
 * end of each run, every block is met once; starting again is the caller's matter. The frames are
 * away until they are given back. ERR_NOMEM when there is none at or after `from`.
 */
MUST_USE err_t frame_take_blocks(enum frame_state kind, pfn_t from, pfn_t max, pfn_t *first,
                                 pfn_t *count);

/* Frames that come back from the balloon: free again. Any part of what was taken, by whichever
 * function, may come back in any order. A block that was taken whole and comes back whole counts as
 * returned; one that comes back in pieces counts as backed. */
void frame_give_run(pfn_t first, pfn_t count);

/* The same for frames that the host was not told about, or did not take: whole blocks count as
 * backed too. */
void frame_give_run_backed(pfn_t first, pfn_t count);

/* One shot: when more than `free_above` frames are free after a free, `fire` is called (from the
 * freeing context, when the allocator is not held any more; it must only arrange for work). A give
 * does not fire it; the next free will. A null `fire` disarms. */
void frame_watch(uint64_t free_above, void (*fire)(void));

/* The same for reportable frames, those in whole free backed blocks: `fire` is called when a free
 * that completes a block leaves more than `above` of them. */
void frame_watch_reportable(uint64_t above, void (*fire)(void));

/* ---- questions ---- */

void frame_stats(struct frame_stats *stats);
uint64_t frame_free_count(void);
/* Frames in whole free backed blocks. */
uint64_t frame_reportable_count(void);
/* Frames of returned blocks that were taken for use since frame_init(): whole blocks, for the host
 * finds memory for a block as likely as for a frame. */
uint64_t frame_retaken_count(void);
/* Allocations that asked the reclaim hook since frame_init(), each counted once. */
uint64_t frame_stall_count(void);
enum frame_state frame_state(pfn_t pfn);

/* True while an allocator function is running: a caller that interrupted it must come later. */
bool frame_held(void);

/* True while an allocation asks the reclaim hook. A caller that interrupted it may allocate and
 * free, but what it does keeps that allocation waiting. */
bool frame_reclaiming(void);

/* Recounts everything from the bit fields up and asserts that all levels agree. Opens nothing and
 * changes nothing; cost grows with the memory in use. */
void frame_check(void);
