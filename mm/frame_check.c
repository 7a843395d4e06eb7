/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The validator of the page-frame allocator: recounts the open areas from the single bit up and the
 * closed ones from the ranges, and asserts that every level above agrees. It changes nothing and
 * trusts nothing but the ranges.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* What the blocks add up to, in frames. */
struct tally {
    uint64_t ram;
    uint64_t free;
    uint64_t returned;
    uint64_t reportable; /* in whole backed blocks */
    uint64_t used;       /* allocated, or away singly: the blocks do not tell them apart */
    uint64_t away;       /* in whole blocks */
};

static unsigned count_ones(uint64_t word)
{
    unsigned ones = 0;

    for (; word != 0; word &= word - 1) {
        ones++;
    }
    return ones;
}

/* ---- one block ---- */

/* The frames of a row that are memory. Range lists are short; this is a validator. */
static uint64_t row_ram(size_t row)
{
    uint64_t base = (uint64_t)row * ROW_FRAMES;
    uint64_t ram = 0;

    for (unsigned i = 0; i < frame_pool.range_count; i++) {
        uint64_t from = max_u64(frame_pool.ranges[i].first, base);
        uint64_t stop = min_u64((uint64_t)frame_pool.ranges[i].first + frame_pool.ranges[i].count,
                                base + ROW_FRAMES);

        if (from < stop) {
            ram |= bits_mask((unsigned)(stop - base)) & ~bits_mask((unsigned)(from - base));
        }
    }
    return ram;
}

static unsigned block_ram(unsigned block)
{
    unsigned ram = 0;

    for (size_t row = 0; row < BLOCK_ROWS; row++) {
        ram += count_ones(row_ram((size_t)block * BLOCK_ROWS + row));
    }
    return ram;
}

static void check_split(unsigned block, unsigned ram, struct tally *tally)
{
    int16_t count = frame_pool.counts[block];
    unsigned free = 0;

    for (size_t row = 0; row < BLOCK_ROWS; row++) {
        size_t index = (size_t)block * BLOCK_ROWS + row;
        uint64_t word = frame_pool.rows[index];

        free += count_ones(word);
        ASSERT((word & ~row_ram(index)) == 0);
        ASSERT(word == 0 || index * ROW_FRAMES >= frame_pool.hot_first);
    }
    ASSERT(free < BLOCK_FRAMES);
    if (count == BLOCK_FULL) {
        ASSERT(free == 0);
    } else {
        ASSERT(count >= 0);
        ASSERT(free == BLOCK_FRAMES - 1 - (unsigned)count);
    }
    ASSERT(block_set_has(&frame_pool.partial, block) == (count >= 0));
    tally->free += free;
    tally->used += ram - free;
}

static void check_block(unsigned block, struct tally *tally)
{
    int16_t count = frame_pool.counts[block];
    bool backed = block_set_has(&frame_pool.backed, block);
    bool returned = block_set_has(&frame_pool.returned, block);
    unsigned ram = block_ram(block);

    ASSERT((ram == 0) == (count == BLOCK_NOT_RAM));
    ASSERT((backed || returned) == (count == BLOCK_FREE));
    ASSERT(!(backed && returned));
    tally->ram += ram;
    if (block_is_split(block)) {
        check_split(block, ram, tally);
        return;
    }
    ASSERT(!block_set_has(&frame_pool.partial, block));
    ASSERT(ram == 0 || ram == BLOCK_FRAMES);
    if (count == BLOCK_FREE) {
        tally->free += ram;
        tally->returned += returned ? ram : 0;
        tally->reportable += backed ? ram : 0;
    } else if (count == BLOCK_USED) {
        tally->used += ram;
    } else if (count == BLOCK_AWAY) {
        tally->away += ram;
    } else {
        ASSERT(count == BLOCK_NOT_RAM);
    }
}

/* ---- the levels above ---- */

static void check_set(const struct block_set *set)
{
    unsigned open_words = open_blocks() / 64;

    for (unsigned word = 0; word < SET_MID_WORDS * 64; word++) {
        bool listed = (set->mid[word / 64] >> (word % 64) & 1) != 0;

        /* The leaves of closed areas are not even written. */
        ASSERT(listed == (word < open_words && set->leaf[word] != 0));
    }
    for (unsigned word = 0; word < SET_MID_WORDS; word++) {
        bool listed = (set->top[word / 64] >> (word % 64) & 1) != 0;

        ASSERT(listed == (set->mid[word] != 0));
    }
}

static void check_hot(void)
{
    unsigned block;
    size_t row;

    if (!block_set_lowest(&frame_pool.partial, &block) && frame_pool.hot_first == PFN_NONE) {
        ASSERT(*frame_pool.hot_row == 0);
        return;
    }
    ASSERT(frame_pool.hot_first < open_end());
    row = frame_pool.hot_first / ROW_FRAMES;
    block = frame_pool.hot_first / BLOCK_FRAMES;
    ASSERT(frame_pool.hot_row == &frame_pool.rows[row]);
    ASSERT(frame_pool.hot_count == &frame_pool.counts[block]);
    ASSERT(block_is_split(block));
}

/* Adds what lies in closed areas: all of it is free. */
static void tally_closed(struct tally *tally)
{
    for (unsigned i = 0; i < frame_pool.range_count; i++) {
        uint64_t from = max_u64(frame_pool.ranges[i].first, open_end());
        uint64_t stop = (uint64_t)frame_pool.ranges[i].first + frame_pool.ranges[i].count;
        uint64_t whole_from = align_up(from, BLOCK_FRAMES);
        uint64_t whole_stop = align_down(stop, BLOCK_FRAMES);

        if (from < stop) {
            tally->ram += stop - from;
            tally->free += stop - from;
        }
        if (whole_from < whole_stop) {
            *(frame_pool.warm ? &tally->reportable : &tally->returned) += whole_stop - whole_from;
        }
    }
}

void frame_check(void)
{
    struct tally tally = { 0 };

    frame_hold(); /* nothing may change meanwhile */
    check_set(&frame_pool.partial);
    check_set(&frame_pool.backed);
    check_set(&frame_pool.returned);
    check_hot();
    for (unsigned block = 0; block < open_blocks(); block++) {
        check_block(block, &tally);
    }
    tally_closed(&tally);
    ASSERT(tally.ram == frame_pool.total);
    ASSERT(tally.free == frame_ledger_free());
    ASSERT(tally.returned == frame_pool.returned_frames);
    ASSERT(tally.reportable == frame_reportable_count());
    ASSERT(tally.away <= frame_pool.away);
    ASSERT(frame_pool.away - tally.away <= tally.used);
    ASSERT(tally.free + tally.used + tally.away == tally.ram);
    ASSERT(frame_pool.watch_above == WATCH_NEVER || frame_pool.fire != NULL);
    ASSERT(frame_pool.backed_above == WATCH_NEVER || frame_pool.backed_fire != NULL);
    (void)frame_unhold(0);
}
