/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon's side of the page-frame allocator: frames go away and come back. Whole blocks go
 * first, because only they let the host take back its memory in one piece, and cost one store each.
 *
 * A block that went away whole and comes back whole counts as what the balloon says; in every other
 * case the block is split and counts as backed, as split blocks do.
 */

#include "mm/frame.h"

#include "mm/frame_internal.h"

/* ---- take ---- */

/* Opens the next area if its blocks are to be expected in the set `kind`. */
static bool open_for(const struct block_set *kind)
{
    return kind == (frame_pool.warm ? &frame_pool.backed : &frame_pool.returned) &&
           frame_area_open();
}

/* Takes the longest run of whole blocks that begins at `block`, all of them of the set `kind`, at
 * most `blocks` long. Opens areas that the run reaches. */
static unsigned take_whole_run(struct block_set *kind, unsigned block, unsigned blocks)
{
    unsigned taken = 0;

    while (taken < blocks && (block + taken < open_blocks() || open_for(kind))) {
        unsigned from = block + taken;
        unsigned most = (unsigned)min_u64((uint64_t)block + blocks, open_blocks());
        unsigned stop = frame_bits_next(kind->leaf, kind->leaf, from, most, UINT64_MAX);

        if (stop == from) {
            break;
        }
        frame_blocks_take_away(kind, from, stop - from);
        taken = stop - block;
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

/* The set that lists a free whole block. */
static struct block_set *set_of(unsigned block)
{
    return block_set_has(&frame_pool.backed, block) ? &frame_pool.backed : &frame_pool.returned;
}

static pfn_t take_held(pfn_t max, pfn_t *first)
{
    unsigned block;

    if (max >= BLOCK_FRAMES) {
        do {
            if (frame_whole_lowest(&block)) {
                *first = block * BLOCK_FRAMES;
                return take_whole_run(set_of(block), block, max / BLOCK_FRAMES) * BLOCK_FRAMES;
            }
        } while (frame_area_open());
    }
    return frame_hot_fill() ? take_part(max, first) : 0;
}

/* The end of a take: books the frames and takes the hold mark away. */
static err_t book_taken(pfn_t taken)
{
    frame_pool.away += taken;
    (void)frame_unhold(-(int64_t)taken);
    return taken > 0 ? OK : ERR_NOMEM;
}

err_t frame_take_run(pfn_t max, pfn_t *first, pfn_t *count)
{
    pfn_t taken;

    frame_hold();
    ASSERT(max > 0);
    ASSERT(first != NULL);
    ASSERT(count != NULL);
    taken = frame_pool.reclaiming ? 0 : take_held(max, first);
    *count = taken;
    return book_taken(taken);
}

/* The lowest member of a set at or after `from`, among the open areas. */
static bool set_next(const struct block_set *set, unsigned from, unsigned *block)
{
    unsigned word_end = (unsigned)align_up(from, 64);
    unsigned words = open_blocks() / 64;
    unsigned word;

    if (from >= open_blocks()) {
        return false;
    }
    *block = frame_bits_next(set->leaf, set->leaf, from, word_end, 0);
    if (*block < word_end) {
        return true;
    }
    word = frame_bits_next(set->mid, set->mid, word_end / 64, words, 0);
    if (word >= words) {
        return false;
    }
    *block = word * 64 + bits_lowest(set->leaf[word]);
    return true;
}

err_t frame_take_blocks(enum frame_state kind, pfn_t from, pfn_t max, pfn_t *first, pfn_t *count)
{
    struct block_set *set = kind == FRAME_FREE_BACKED ? &frame_pool.backed : &frame_pool.returned;
    unsigned at = (unsigned)(((uint64_t)from + BLOCK_FRAMES - 1) / BLOCK_FRAMES);
    unsigned taken = 0;
    unsigned block = 0;
    bool found;

    frame_hold();
    ASSERT(kind == FRAME_FREE_BACKED || kind == FRAME_FREE_RETURNED);
    ASSERT(max >= BLOCK_FRAMES);
    ASSERT(first != NULL);
    ASSERT(count != NULL);
    do {
        found = set_next(set, at, &block);
    } while (!found && open_for(set));
    if (found && !frame_pool.reclaiming) {
        taken = take_whole_run(set, block, max / BLOCK_FRAMES);
        *first = block * BLOCK_FRAMES;
    }
    *count = taken * BLOCK_FRAMES;
    return book_taken(taken * BLOCK_FRAMES);
}

/* ---- give ---- */

static void give(pfn_t first, pfn_t count, enum frame_state kind)
{
    frame_hold();
    if (count > frame_pool.away) {
        frame_misuse(first, count, "given back, but fewer are away");
    }
    frame_release(first, count, BLOCK_AWAY, kind);
    frame_pool.away -= count;
    /* Not a free: the watches wait for the next one. */
    (void)frame_unhold(count);
}

void frame_give_run(pfn_t first, pfn_t count)
{
    give(first, count, FRAME_FREE_RETURNED);
}

void frame_give_run_backed(pfn_t first, pfn_t count)
{
    give(first, count, FRAME_FREE_BACKED);
}
