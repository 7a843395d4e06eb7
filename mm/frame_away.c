/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon's side of the page-frame allocator: frames go away and come back. Whole blocks go
 * first, because only they let the host take back its memory in one piece, and cost one store each.
 *
 * A block that went away whole and comes back whole counts as returned: the host holds nothing
 * behind it. In every other case the block is split and counts as backed, as split blocks do.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* ---- take ---- */

/* Takes the longest run of whole blocks that begins at `block`, all of them backed or all returned,
 * at most `blocks` long. Opens areas that the run reaches. */
static unsigned take_whole_run(unsigned block, unsigned blocks)
{
    const struct block_set *kind = &frame_pool.returned;
    unsigned taken = 0;

    if (block_set_has(&frame_pool.backed, block)) {
        kind = &frame_pool.backed;
    }
    while (taken < blocks) {
        if (block + taken == open_blocks() && !frame_area_open()) {
            break;
        }
        if (!block_set_has(kind, block + taken)) {
            break;
        }
        frame_block_take_whole(block + taken, BLOCK_AWAY);
        taken++;
    }
    ASSERT(taken > 0);
    return taken;
}

/* Takes at most `max` frames in a row out of a split block, the lowest that is free. */
static pfn_t take_part(pfn_t max, pfn_t *first)
{
    unsigned block = frame_pool.hot_first / BLOCK_FRAMES;
    const uint64_t *rows = block_rows(block);
    unsigned at = frame_pool.hot_first % BLOCK_FRAMES;
    unsigned stop;

    ASSERT(max > 0);
    at = frame_bits_next(rows, rows, at, BLOCK_FRAMES, 0);
    ASSERT(at < BLOCK_FRAMES);
    stop = frame_bits_next(rows, rows, at, (unsigned)min_u64(BLOCK_FRAMES, (uint64_t)at + max),
                           UINT64_MAX);
    frame_block_take_part(block, at, stop - at);
    *first = block * BLOCK_FRAMES + at;
    return stop - at;
}

static pfn_t take_held(pfn_t max, pfn_t *first)
{
    unsigned block;

    if (max >= BLOCK_FRAMES) {
        do {
            if (frame_whole_lowest(&block)) {
                *first = block * BLOCK_FRAMES;
                return take_whole_run(block, max / BLOCK_FRAMES) * BLOCK_FRAMES;
            }
        } while (frame_area_open());
    }
    return frame_hot_fill() ? take_part(max, first) : 0;
}

err_t frame_take_run(pfn_t max, pfn_t *first, pfn_t *count)
{
    pfn_t taken;

    frame_hold();
    ASSERT(max > 0);
    ASSERT(first != NULL);
    ASSERT(count != NULL);
    taken = take_held(max, first);
    frame_pool.away += taken;
    (void)frame_unhold(-(int64_t)taken);
    *count = taken;
    return taken > 0 ? OK : ERR_NOMEM;
}

/* ---- give ---- */

void frame_give_run(pfn_t first, pfn_t count)
{
    frame_hold();
    if (count > frame_pool.away) {
        frame_misuse(first, count, "given back, but fewer are away");
    }
    frame_release(first, count, BLOCK_AWAY);
    frame_pool.away -= count;
    /* Not a free: the watch waits for the next one. */
    (void)frame_unhold(count);
}
