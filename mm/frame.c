/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fast paths of the page-frame allocator: one frame, one block. Everything rare is left to
 * frame_run.c, frame_block.c and frame_area.c, by calls in tail position, so that a fast path is a
 * leaf function without a stack frame.
 *
 * Two tricks keep the paths short. The hot row is a lower bound for all free frames of split
 * blocks, so the lowest one is found by looking at one word. And one signed comparison of a block's
 * count finds every state of a block that needs more thought (frame_internal.h).
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

#define UNLIKELY(cond) __builtin_expect((cond), 0)

struct frame_pool frame_pool;

/* ---- one frame ---- */

/* Takes the lowest frame of the hot row, whose content is `word`, not zero. */
static inline pfn_t hot_take(uint64_t word)
{
    unsigned lowest = bits_lowest(word);
    pfn_t pfn;

    /* One instruction (btr), where word & (word - 1) would be two. */
    *frame_pool.hot_row = word & ~(UINT64_C(1) << lowest);
    ++*frame_pool.hot_count;
    pfn = frame_pool.hot_first + lowest;
    (void)frame_unhold(-1);
    return pfn;
}

static __attribute__((noinline)) pfn_t alloc_slow(void)
{
    unsigned rounds = 0;

    while (!frame_hot_fill()) {
        if (!frame_reclaim(1, &rounds)) {
            (void)frame_unhold(0);
            return PFN_NONE;
        }
    }
    ASSERT(*frame_pool.hot_row != 0);
    ASSERT(*frame_pool.hot_count >= BLOCK_UNUSED);
    return hot_take(*frame_pool.hot_row);
}

pfn_t frame_alloc(void)
{
    uint64_t word;

    frame_hold();
    word = *frame_pool.hot_row;
    if (UNLIKELY(word == 0)) {
        return alloc_slow();
    }
    return hot_take(word);
}

/* The state of the block says that this frame needs more thought: undo the step and think. */
static __attribute__((noinline)) void free_slow(pfn_t pfn)
{
    frame_pool.counts[pfn / BLOCK_FRAMES]++;
    frame_run_free_held(pfn, 1);
}

/* The frame is free, and lower than the hot row: the lowest of all. */
static __attribute__((noinline)) void free_low(pfn_t pfn)
{
    frame_hot_set(pfn / ROW_FRAMES);
    if (frame_unhold(1)) {
        frame_watch_fire();
    }
}

void frame_free(pfn_t pfn)
{
    uint64_t *row;
    uint64_t word;

    frame_hold();
    if (UNLIKELY(pfn - frame_pool.span_first >= frame_pool.span_count)) {
        frame_run_free_held(pfn, 1);
        return;
    }
    if (UNLIKELY(--frame_pool.counts[pfn / BLOCK_FRAMES] < 0)) {
        free_slow(pfn);
        return;
    }
    row = &frame_pool.rows[pfn / ROW_FRAMES];
    word = *row | UINT64_C(1) << (pfn % ROW_FRAMES);
    if (UNLIKELY(word == *row)) {
        free_slow(pfn); /* it is free already: the slow path panics */
        return;
    }
    *row = word;
    if (UNLIKELY(pfn < frame_pool.hot_first)) {
        free_low(pfn);
        return;
    }
    if (UNLIKELY(frame_unhold(1))) {
        frame_watch_fire();
    }
}

/* ---- one block, and the way to other orders ---- */

/* Rotated, not shifted: the block of a frame that begins none is a number beyond all blocks. */
static inline unsigned block_begun_by(pfn_t first)
{
    return first >> BLOCK_ORDER | first << (32 - BLOCK_ORDER);
}

err_t frame_alloc_order(unsigned order, pfn_t *first)
{
    unsigned block;

    frame_hold();
    if (UNLIKELY(order != BLOCK_ORDER) || UNLIKELY(!block_set_pop(&frame_pool.backed, &block))) {
        return frame_order_alloc_held(order, first);
    }
    frame_backed_less();
    frame_pool.counts[block] = BLOCK_USED;
    *first = block * BLOCK_FRAMES;
    (void)frame_unhold(-(int64_t)BLOCK_FRAMES);
    return OK;
}

/* A block was freed, and there are more than the watch allows. */
static __attribute__((noinline)) void free_due(void)
{
    (void)frame_unhold(BLOCK_FRAMES);
    frame_watch_fire();
}

void frame_free_order(pfn_t first, unsigned order)
{
    unsigned block = block_begun_by(first);

    frame_hold();
    if (UNLIKELY(order != BLOCK_ORDER) || UNLIKELY(block >= frame_pool.fast_blocks) ||
        UNLIKELY(frame_pool.counts[block] != BLOCK_USED)) {
        frame_order_free_held(first, order);
        return;
    }
    frame_pool.counts[block] = BLOCK_FREE;
    block_set_insert(&frame_pool.backed, block);
    if (UNLIKELY(frame_backed_more())) {
        free_due();
        return;
    }
    if (UNLIKELY(frame_unhold(BLOCK_FRAMES))) {
        frame_watch_fire();
    }
}
