/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Runs of frames: allocation of any order and count, and freeing of any piece. A run shorter than a
 * block lies inside one block; a longer one is made of whole blocks, which may belong to different
 * areas. The balloon's side is in frame_away.c.
 *
 * Invariant: every function books the frames that it moved once, when it takes away the hold mark.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* How many split blocks are searched for a run while there is a whole block to break: filling gaps
 * is worth something, but not a search through all of a fragmented memory. */
#define SPLIT_LOOKS_MAX 64U

/* ---- allocation ---- */

/*
 * Finds `count` free frames, up to a row, at a multiple of `align`, up to a row. Folding a row onto
 * itself, by steps that add up to count - 1, leaves a bit only where a run begins: the same few
 * steps however it is fragmented. The end of a run may lie in the next row, whose low bits come in.
 */
static bool find_in_rows(const uint64_t *rows, unsigned count, unsigned align, unsigned *at)
{
    uint64_t aligned = UINT64_MAX / bits_mask(align); /* a bit at every multiple of align */

    for (unsigned row = 0; row < BLOCK_ROWS; row++) {
        uint64_t word = rows[row];
        uint64_t next = row + 1 < BLOCK_ROWS ? rows[row + 1] : 0;
        unsigned step;

        for (unsigned left = count; left > 1; left -= step) {
            step = left / 2;
            word &= word >> step | next << (ROW_FRAMES - step);
            next &= next >> step;
        }
        if ((word & aligned) != 0) {
            *at = row * ROW_FRAMES + bits_lowest(word & aligned);
            return true;
        }
    }
    return false;
}

/* `count` frames, fewer than a block, at a multiple of `align` inside one of the lowest `looks`
 * split blocks. */
static bool alloc_split(unsigned count, unsigned align, unsigned looks, pfn_t *first)
{
    const uint64_t *set = frame_pool.partial.leaf;
    bool folds = count <= ROW_FRAMES;
    unsigned block;

    if (!block_set_lowest(&frame_pool.partial, &block)) {
        return false;
    }
    for (; block < open_blocks() && looks > 0; looks--) {
        const uint64_t *rows = block_rows(block);
        unsigned at = 0;

        /* The count alone rules out most blocks of a well filled memory. */
        if ((unsigned)(BLOCK_COUNT_FULL - frame_pool.counts[block]) >= count &&
            (folds ? find_in_rows(rows, count, align, &at)
                   : frame_bits_find_run(rows, rows, &at, BLOCK_FRAMES, count, align))) {
            frame_block_take_part(block, at, count);
            *first = block * BLOCK_FRAMES + at;
            return true;
        }
        block = frame_bits_next(set, set, block + 1, open_blocks(), 0);
    }
    return false;
}

/* The same, from a split block or else from a fresh one. */
static bool alloc_part(unsigned count, unsigned align, pfn_t *first)
{
    unsigned block;

    ASSERT(count > 0);
    ASSERT(count < BLOCK_FRAMES);
    do {
        bool has_whole = frame_whole_lowest(&block);

        if (alloc_split(count, align, has_whole ? SPLIT_LOOKS_MAX : UINT32_MAX, first)) {
            return true;
        }
        if (has_whole) {
            frame_block_break(block);
            frame_block_take_part(block, 0, count);
            *first = block * BLOCK_FRAMES;
            return true;
        }
    } while (frame_area_open());
    return false;
}

/* One whole block, by the preference of frame.h. */
static bool alloc_block(pfn_t *first)
{
    unsigned block;

    while (!frame_whole_lowest(&block)) {
        if (!frame_area_open()) {
            return false;
        }
    }
    frame_block_take_whole(block, BLOCK_USED);
    *first = block * BLOCK_FRAMES;
    return true;
}

/* The lowest run of `blocks` whole blocks at a multiple of `align` blocks, backed or not. */
static bool alloc_blocks(unsigned blocks, unsigned align, pfn_t *first)
{
    unsigned at = open_blocks();
    unsigned block;

    if (blocks > frame_pool.end / BLOCK_FRAMES) {
        return false;
    }
    if (block_set_lowest(&frame_pool.backed, &block)) {
        at = block;
    }
    if (block_set_lowest(&frame_pool.returned, &block) && block < at) {
        at = block;
    }
    while (!frame_bits_find_run(frame_pool.backed.leaf, frame_pool.returned.leaf, &at,
                                open_blocks(), blocks, align)) {
        if (!frame_area_open()) {
            return false;
        }
    }
    for (unsigned i = 0; i < blocks; i++) {
        frame_block_take_whole(at + i, BLOCK_USED);
    }
    *first = at * BLOCK_FRAMES;
    return true;
}

static bool alloc_order(unsigned order, pfn_t *first)
{
    pfn_t count = 1U << order;

    if (order < BLOCK_ORDER) {
        return alloc_part(count, count, first);
    }
    if (order == BLOCK_ORDER) {
        return alloc_block(first);
    }
    return alloc_blocks(count / BLOCK_FRAMES, count / BLOCK_FRAMES, first);
}

/* Any number of frames; runs of a block or more begin at a block. */
static bool alloc_run(pfn_t count, pfn_t *first)
{
    unsigned blocks = (unsigned)(((uint64_t)count + BLOCK_FRAMES - 1) / BLOCK_FRAMES);
    unsigned tail = count % BLOCK_FRAMES;

    if (count < BLOCK_FRAMES) {
        return alloc_part(count, 1, first);
    }
    if (!alloc_blocks(blocks, 1, first)) {
        return false;
    }
    if (tail != 0) {
        /* What the last block has too much goes back at once. */
        frame_block_release((*first + count) / BLOCK_FRAMES, tail, BLOCK_FRAMES - tail, BLOCK_USED);
    }
    return true;
}

err_t frame_order_alloc_held(unsigned order, pfn_t *first)
{
    unsigned count = 1U << (order & 31);
    unsigned rounds = 0;
    bool found;

    ASSERT(first != NULL);
    if (order > FRAME_ORDER_MAX) {
        (void)frame_unhold(0);
        return ERR_RANGE;
    }
    do {
        found = alloc_order(order, first);
    } while (!found && frame_reclaim(count, &rounds));
    (void)frame_unhold(found ? -(int64_t)count : 0);
    return found ? OK : ERR_NOMEM;
}

err_t frame_alloc_run(pfn_t count, pfn_t *first)
{
    unsigned rounds = 0;
    bool found;

    frame_hold();
    ASSERT(first != NULL);
    ASSERT(count > 0);
    do {
        found = alloc_run(count, first);
    } while (!found && frame_reclaim(count, &rounds));
    (void)frame_unhold(found ? -(int64_t)count : 0);
    return found ? OK : ERR_NOMEM;
}

err_t frame_try_run(pfn_t count, pfn_t *first)
{
    bool found;

    frame_hold();
    ASSERT(first != NULL);
    ASSERT(count > 0);
    found = alloc_run(count, first);
    (void)frame_unhold(found ? -(int64_t)count : 0);
    return found ? OK : ERR_NOMEM;
}

/* ---- freeing ---- */

void frame_release(pfn_t first, pfn_t count, int16_t whole, enum frame_state kind)
{
    ASSERT(count > 0);
    if (!frame_span_find(first, count)) {
        frame_misuse(first, count, "freed, but no allocator's memory, or never allocated");
    }
    while (count > 0) {
        unsigned at = first % BLOCK_FRAMES;
        unsigned blocks = at == 0 ? count / BLOCK_FRAMES : 0;
        pfn_t part = BLOCK_FRAMES * frame_blocks_release(first / BLOCK_FRAMES, blocks, whole, kind);

        if (part == 0) {
            part = (pfn_t)min_u64(count, BLOCK_FRAMES - at);
            frame_block_release(first / BLOCK_FRAMES, at, part, whole);
        }
        first += part;
        count -= part;
    }
}

void frame_run_free_held(pfn_t first, pfn_t count)
{
    frame_release(first, count, BLOCK_USED, FRAME_FREE_BACKED);
    if (frame_pool.fill != NULL) {
        frame_pool.fill(first, count);
    }
    if (frame_unhold(count) || frame_pool.backed_slack < 0) {
        frame_watch_fire();
    }
}

void frame_order_free_held(pfn_t first, unsigned order)
{
    ASSERT(order <= FRAME_ORDER_MAX);
    ASSERT(first % (1U << order) == 0);
    frame_run_free_held(first, 1U << order);
}

void frame_set_fill(void (*fill)(pfn_t first, pfn_t count))
{
    frame_hold();
    frame_pool.fill = fill;
    frame_pool.fast_blocks = fill != NULL ? 0 : frame_pool.open_blocks;
    frame_pool.span_count = 0;
    (void)frame_unhold(0);
}

void frame_free_run(pfn_t first, pfn_t count)
{
    frame_hold();
    frame_run_free_held(first, count);
}
