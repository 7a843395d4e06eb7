/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the page-frame allocator. Most numbers are kept as they change; the rest follows
 * from total = free_backed + free_returned + in_use + away.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* ---- numbers ---- */

uint64_t frame_free_count(void)
{
    return frame_ledger_free();
}

uint64_t frame_retaken_count(void)
{
    return frame_pool.retaken_frames;
}

uint64_t frame_stall_count(void)
{
    return frame_pool.stalls;
}

uint64_t frame_reportable_count(void)
{
    return frame_backed_blocks() * BLOCK_FRAMES;
}

void frame_stats(struct frame_stats *stats)
{
    uint64_t free;

    ASSERT(stats != NULL);
    frame_hold();
    free = frame_ledger_free();
    ASSERT(free >= frame_pool.returned_frames);
    ASSERT(free + frame_pool.away <= frame_pool.total);
    stats->total = frame_pool.total;
    stats->free_returned = frame_pool.returned_frames;
    stats->free_backed = free - frame_pool.returned_frames;
    stats->reportable = frame_backed_blocks() * BLOCK_FRAMES;
    ASSERT(stats->reportable <= stats->free_backed);
    stats->away = frame_pool.away;
    stats->in_use = frame_pool.total - free - frame_pool.away;
    stats->metadata_bytes = frame_pool.metadata_bytes;
    (void)frame_unhold(0);
}

bool frame_held(void)
{
    return frame_pool.ledger % LEDGER_FRAME != 0;
}

bool frame_reclaiming(void)
{
    return frame_pool.reclaiming;
}

/* ---- one frame ---- */

/* A frame of `range` in an area that is still closed. */
static enum frame_state closed_state(const struct frame_range *range, pfn_t pfn)
{
    pfn_t block = pfn - pfn % BLOCK_FRAMES;
    bool whole = block >= range->first && block + BLOCK_FRAMES <= range->first + range->count;

    return whole && !frame_pool.warm ? FRAME_FREE_RETURNED : FRAME_FREE_BACKED;
}

enum frame_state frame_state(pfn_t pfn)
{
    const struct frame_range *range = frame_range_of(pfn);
    unsigned block = pfn / BLOCK_FRAMES;
    int16_t count;

    if (range == NULL) {
        return FRAME_NOT_RAM;
    }
    if (pfn >= open_end()) {
        return closed_state(range, pfn);
    }
    count = frame_pool.counts[block];
    ASSERT(count != BLOCK_NOT_RAM);
    if (count == BLOCK_FREE) {
        return block_set_has(&frame_pool.backed, block) ? FRAME_FREE_BACKED : FRAME_FREE_RETURNED;
    }
    if (count == BLOCK_USED) {
        return FRAME_IN_USE;
    }
    if (count == BLOCK_AWAY) {
        return FRAME_AWAY;
    }
    return (frame_pool.rows[pfn / ROW_FRAMES] >> (pfn % ROW_FRAMES) & 1) != 0 ? FRAME_FREE_BACKED
                                                                              : FRAME_IN_USE;
}
