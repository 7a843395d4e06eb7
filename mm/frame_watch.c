/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whom the page-frame allocator calls: the two watches, when much is free, and the reclaim hook,
 * when nothing is. All of them are called when the hold mark is gone, so that they may allocate and
 * free. The numbers that tell when a watch is due are kept in frame_internal.h.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* ---- the watches ---- */

/* Moves the threshold and keeps the number of free frames and the hold mark. */
static void watch_set(int64_t above, void (*fire)(void))
{
    frame_pool.ledger += (above - frame_pool.watch_above) * LEDGER_FRAME;
    frame_pool.watch_above = above;
    frame_pool.fire = fire;
}

static void backed_watch_set(int64_t above, void (*fire)(void))
{
    frame_pool.backed_slack += above - frame_pool.backed_above;
    frame_pool.backed_above = above;
    frame_pool.backed_fire = fire;
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

void frame_watch_reportable(uint64_t above, void (*fire)(void))
{
    frame_hold();
    if (fire == NULL) {
        backed_watch_set(WATCH_NEVER, NULL);
    } else {
        backed_watch_set((int64_t)min_u64(above / BLOCK_FRAMES, (uint64_t)WATCH_NEVER), fire);
    }
    (void)frame_unhold(0);
}

void frame_watch_fire(void)
{
    void (*fire)(void) = NULL;
    void (*backed_fire)(void) = NULL;

    frame_hold();
    /* Nothing may be due any more when an interrupt came first, between the free and here. */
    if (frame_pool.ledger < 0) {
        fire = frame_pool.fire;
        watch_set(WATCH_NEVER, NULL);
    }
    if (frame_pool.backed_slack < 0) {
        backed_fire = frame_pool.backed_fire;
        backed_watch_set(WATCH_NEVER, NULL);
    }
    (void)frame_unhold(0);
    if (fire != NULL) {
        fire();
    }
    if (backed_fire != NULL) {
        backed_fire();
    }
}

/* ---- the reclaim hook ---- */

void frame_set_reclaim(bool (*reclaim)(pfn_t count))
{
    frame_pool.reclaim = reclaim;
}

bool frame_reclaim(pfn_t count, unsigned *rounds)
{
    bool again;

    ASSERT(count > 0);
    if (frame_pool.reclaim == NULL || frame_pool.reclaiming || *rounds == FRAME_RECLAIM_ROUNDS ||
        count > frame_pool.total) {
        return false;
    }
    frame_pool.stalls += *rounds == 0;
    ++*rounds;
    frame_pool.reclaiming = true;
    (void)frame_unhold(0);
    ASSERT(!frame_held());
    again = frame_pool.reclaim(count);
    frame_hold();
    frame_pool.reclaiming = false;
    return again;
}
