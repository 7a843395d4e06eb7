/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of one block in the page-frame allocator: free whole, split, or given out whole; the
 * sets that list it; and the hot row. Left to others: the count of free frames (the ledger) belongs
 * to the callers, the choice of a run of blocks to frame_run.c.
 *
 *     whole free --break--> split --last frame freed--> whole free, backed
 *     whole free --take---> used or away --release of all--> whole free
 *                           used or away --release of a part--> split
 *
 * A split block counts as backed: the host backs 2 MiB at once when it can, and nothing records
 * single frames. Freeing merges by construction, because a block knows how many frames are in use.
 */

#include "mm/frame_internal.h"

/* The bits of row `row` of a block that lie in [at, at + count) of the block. */
static uint64_t row_mask(unsigned row, unsigned at, unsigned count)
{
    unsigned base = row * ROW_FRAMES;
    unsigned from = at > base ? at - base : 0;
    unsigned stop = at + count - base;

    return bits_mask(stop) & ~bits_mask(from);
}

_Noreturn void frame_misuse(pfn_t first, pfn_t count, const char *problem)
{
    panic("frames 0x%x..0x%x: %s", (unsigned)first, (unsigned)(first + count - 1), problem);
}

/* ---- bitmaps ---- */

unsigned frame_bits_next(const uint64_t *a, const uint64_t *b, unsigned from, unsigned end,
                         uint64_t flip)
{
    while (from < end) {
        uint64_t word = ((a[from / 64] | b[from / 64]) ^ flip) >> (from % 64);

        if (word != 0) {
            unsigned found = from + bits_lowest(word);

            return found < end ? found : end;
        }
        from = (from / 64 + 1) * 64;
    }
    return end;
}

bool frame_bits_find_run(const uint64_t *a, const uint64_t *b, unsigned *at, unsigned end,
                         unsigned count, unsigned align)
{
    unsigned start = *at;

    ASSERT(count > 0);
    ASSERT(is_power_of_two(align));
    for (;;) {
        unsigned limit;
        unsigned stop;

        start = (unsigned)align_up(frame_bits_next(a, b, start, end, 0), align);
        if (start >= end) {
            *at = start;
            return false;
        }
        limit = end - start < count ? end : start + count;
        stop = frame_bits_next(a, b, start, limit, UINT64_MAX);
        if (stop - start == count || stop == end) {
            *at = start;
            return stop - start == count;
        }
        start = stop;
    }
}

/* ---- the hot row ---- */

/* Never written: frame_alloc finds it empty and goes the slow way. */
static uint64_t no_row;

void frame_hot_reset(void)
{
    frame_pool.hot_row = &no_row;
    frame_pool.hot_count = NULL;
    frame_pool.hot_first = PFN_NONE;
}

static void hot_lower(pfn_t pfn)
{
    if (pfn < frame_pool.hot_first) {
        frame_hot_set(pfn / ROW_FRAMES);
    }
}

bool frame_hot_find(void)
{
    unsigned block;

    while (block_set_lowest(&frame_pool.partial, &block)) {
        const uint64_t *rows = block_rows(block);
        unsigned row = 0;

        ASSERT(frame_pool.counts[block] >= 0);
        if (frame_pool.counts[block] == BLOCK_COUNT_FULL) {
            /* Single allocations filled it and left it listed. */
            frame_pool.counts[block] = BLOCK_FULL;
            block_set_remove(&frame_pool.partial, block);
            continue;
        }
        while (rows[row] == 0) {
            row++;
            ASSERT(row < BLOCK_ROWS);
        }
        frame_hot_set((size_t)block * BLOCK_ROWS + row);
        return true;
    }
    frame_hot_reset();
    return false;
}

bool frame_hot_fill(void)
{
    unsigned block;

    while (!frame_hot_find()) {
        if (frame_whole_lowest(&block)) {
            frame_block_break(block);
            return true;
        }
        if (!frame_area_open()) {
            return false;
        }
    }
    return true;
}

/* ---- whole blocks ---- */

bool frame_whole_lowest(unsigned *block)
{
    if (block_set_lowest(&frame_pool.backed, block)) {
        return true;
    }
    if (frame_pool.warm && open_end() < frame_pool.end) {
        return false;
    }
    return block_set_lowest(&frame_pool.returned, block);
}

void frame_block_take_whole(unsigned block, int16_t state)
{
    ASSERT(frame_pool.counts[block] == BLOCK_FREE);
    if (block_set_has(&frame_pool.backed, block)) {
        block_set_remove(&frame_pool.backed, block);
        frame_backed_less();
    } else {
        ASSERT(block_set_has(&frame_pool.returned, block));
        block_set_remove(&frame_pool.returned, block);
        frame_pool.returned_frames -= BLOCK_FRAMES;
        frame_pool.retaken_frames += state == BLOCK_AWAY ? 0 : BLOCK_FRAMES;
    }
    frame_pool.counts[block] = state;
}

void frame_blocks_take_away(struct block_set *kind, unsigned block, unsigned count)
{
    ASSERT(count > 0);
    ASSERT(frame_pool.counts[block] == BLOCK_FREE);
    ASSERT(frame_pool.counts[block + count - 1] == BLOCK_FREE);
    block_set_remove_run(kind, block, count);
    if (kind == &frame_pool.backed) {
        frame_pool.backed_slack += count;
    } else {
        frame_pool.returned_frames -= (uint64_t)count * BLOCK_FRAMES;
    }
    frame_counts_set(block, count, BLOCK_AWAY);
}

unsigned frame_blocks_release(unsigned block, unsigned count, int16_t whole, enum frame_state kind)
{
    unsigned run = 0;

    ASSERT(whole == BLOCK_USED || whole == BLOCK_AWAY);
    ASSERT(kind == FRAME_FREE_BACKED || kind == FRAME_FREE_RETURNED);
    while (run < count && frame_pool.counts[block + run] == whole) {
        run++;
    }
    if (run == 0) {
        return 0;
    }
    frame_counts_set(block, run, BLOCK_FREE);
    if (kind == FRAME_FREE_BACKED) {
        block_set_insert_run(&frame_pool.backed, block, run);
        frame_pool.backed_slack -= run; /* whoever frees looks at the watch in the end */
    } else {
        block_set_insert_run(&frame_pool.returned, block, run);
        frame_pool.returned_frames += (uint64_t)run * BLOCK_FRAMES;
    }
    return run;
}

static void set_rows(unsigned block, uint64_t word)
{
    uint64_t *rows = block_rows(block);

    for (unsigned row = 0; row < BLOCK_ROWS; row++) {
        rows[row] = word;
    }
}

void frame_block_break(unsigned block)
{
    frame_block_take_whole(block, BLOCK_UNUSED);
    set_rows(block, UINT64_MAX);
    block_set_insert(&frame_pool.partial, block);
    hot_lower(block * BLOCK_FRAMES);
}

void frame_block_fill(unsigned block)
{
    set_rows(block, 0);
    frame_pool.counts[block] = BLOCK_FULL;
}

/* ---- parts of split blocks ---- */

void frame_block_take_part(unsigned block, unsigned at, unsigned count)
{
    uint64_t *rows = block_rows(block);

    ASSERT(count > 0);
    ASSERT(at + count <= BLOCK_FRAMES);
    ASSERT(frame_pool.counts[block] >= BLOCK_UNUSED);
    for (unsigned row = at / ROW_FRAMES; row * ROW_FRAMES < at + count; row++) {
        uint64_t mask = row_mask(row, at, count);

        ASSERT((rows[row] & mask) == mask);
        rows[row] &= ~mask;
    }
    frame_pool.counts[block] = (int16_t)(frame_pool.counts[block] + (int16_t)count);
    ASSERT(frame_pool.counts[block] <= BLOCK_COUNT_FULL);
    if (frame_pool.counts[block] == BLOCK_COUNT_FULL) {
        frame_pool.counts[block] = BLOCK_FULL;
        block_set_remove(&frame_pool.partial, block);
    }
}

/* The last frame in use of a block was freed: the merge. */
static void block_merge(unsigned block)
{
    block_set_remove(&frame_pool.partial, block);
    frame_pool.counts[block] = BLOCK_FREE;
    block_set_insert(&frame_pool.backed, block);
    (void)frame_backed_more(); /* whoever frees looks at the watch in the end */
    if (frame_pool.hot_first / BLOCK_FRAMES == block) {
        (void)frame_hot_find();
    }
}

void frame_block_put(unsigned block, unsigned at, unsigned count)
{
    uint64_t *rows = block_rows(block);

    ASSERT(count > 0);
    ASSERT(at + count <= BLOCK_FRAMES);
    for (unsigned row = at / ROW_FRAMES; row * ROW_FRAMES < at + count; row++) {
        if ((rows[row] & row_mask(row, at, count)) != 0) {
            frame_misuse(block * BLOCK_FRAMES + at, count, "freed, but not in use");
        }
    }
    for (unsigned row = at / ROW_FRAMES; row * ROW_FRAMES < at + count; row++) {
        rows[row] |= row_mask(row, at, count);
    }
    if (frame_pool.counts[block] == BLOCK_FULL) {
        frame_pool.counts[block] = BLOCK_COUNT_FULL;
        block_set_insert(&frame_pool.partial, block);
    }
    frame_pool.counts[block] = (int16_t)(frame_pool.counts[block] - (int16_t)count);
    ASSERT(frame_pool.counts[block] >= BLOCK_UNUSED);
    if (frame_pool.counts[block] == BLOCK_UNUSED) {
        block_merge(block);
    } else {
        hot_lower(block * BLOCK_FRAMES + at);
    }
}

void frame_block_release(unsigned block, unsigned at, unsigned count, int16_t whole)
{
    ASSERT(whole == BLOCK_USED || whole == BLOCK_AWAY);
    if (frame_pool.counts[block] == whole) {
        ASSERT(count < BLOCK_FRAMES);
        frame_block_fill(block);
    } else if (!block_is_split(block)) {
        frame_misuse(block * BLOCK_FRAMES + at, count, "freed, but not in use");
    }
    frame_block_put(block, at, count);
}
