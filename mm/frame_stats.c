/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Questions to the page-frame allocator, and the watch. Most numbers are kept as they change; the
 * rest follows from total = free_backed + free_returned + in_use + away.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* ---- the watch ---- */

/* Moves the threshold and keeps the number of free frames and the hold mark. */
static void watch_set(int64_t above, void (*fire)(void))
{
    frame_pool.ledger += (above - frame_pool.watch_above) * LEDGER_FRAME;
    frame_pool.watch_above = above;
    frame_pool.fire = fire;
}

void frame_watch(uint64_t free_above, void (*fire)(void))
{
    frame_hold();
    if (fire == NULL) {
        watch_set(WATCH_NEVER, NULL);
    } else {
        watch_set((int64_t)min_u64(free_above, (uint64_t)WATCH_NEVER), fire);
    }
    (void)frame_unhold(0);
}

void frame_watch_fire(void)
{
    void (*fire)(void);

    frame_hold();
    fire = frame_pool.fire;
    watch_set(WATCH_NEVER, NULL);
    (void)frame_unhold(0);
    /* Nobody is called when an interrupt came first, between the free and here. */
    if (fire != NULL) {
        fire();
    }
}

/* ---- numbers ---- */

uint64_t frame_free_count(void)
{
    return frame_ledger_free();
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
    stats->away = frame_pool.away;
    stats->in_use = frame_pool.total - free - frame_pool.away;
    stats->metadata_bytes = frame_pool.metadata_bytes;
    (void)frame_unhold(0);
}

bool frame_held(void)
{
    return frame_pool.ledger % LEDGER_FRAME != 0;
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
    if (pfn >= frame_pool.open_end) {
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
