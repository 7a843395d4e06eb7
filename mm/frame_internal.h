/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Inside the page-frame allocator; for mm/frame*.c only.
 *
 * Metadata, laid out at frame_init and written only for areas that were opened:
 *
 *     counts[]   one int16_t per block     1 KiB per GiB   what the block is, see below
 *     leaf[] x3  one bit per block         192 B per GiB   lowest level of the three block sets
 *     rows[]     one bit per frame         32 KiB per GiB  1 = free; 8 rows of 64 frames per block
 *
 * The rows of a block have a meaning only while the block is *split* (counts >= 0, or BLOCK_FULL).
 * Areas are opened in ascending order, so "is it open" is one comparison with open_end. Blocks that
 * lie partly outside memory are split for ever: their missing frames are never free.
 */

#include "base/assert.h"
#include "base/bits.h"
#include "base/local.h"
#include "mm/frame.h"

#define ROW_FRAMES 64U
#define BLOCK_ROWS (BLOCK_FRAMES / ROW_FRAMES)
#define BLOCKS_MAX (FRAME_AREAS_MAX * AREA_BLOCKS)

/*
 * counts[block]: not negative, the block is split and in the set `partial`, and the number is one
 * less than its frames in use (and missing). So the one test "negative after subtracting one" finds
 * every case that frame_free has to treat with care: the last frame of a block, and all of these.
 * A split block without a free frame stays in `partial` until somebody comes across it.
 */
#define BLOCK_UNUSED     (-1) /* split, no frame in use: only while an allocation is under way */
#define BLOCK_FULL       (-2) /* split, no free frame, not in `partial` */
#define BLOCK_FREE       (-3) /* whole and free: in exactly one of `backed` and `returned` */
#define BLOCK_USED       (-4) /* whole and allocated */
#define BLOCK_AWAY       (-5) /* whole and taken by the balloon */
#define BLOCK_NOT_RAM    (-6) /* no frame of it is memory */
#define BLOCK_COUNT_FULL ((int16_t)(BLOCK_FRAMES - 1))

/* A set of blocks with a fast minimum: a bit of mid says that a word of leaf is not zero, a bit of
 * top says the same of mid. Only leaf lies in the metadata. */
#define SET_MID_WORDS (BLOCKS_MAX / 64U / 64U)
#define SET_TOP_WORDS (SET_MID_WORDS / 64U)

struct block_set {
    uint64_t *leaf;
    uint64_t mid[SET_MID_WORDS];
    uint64_t top[SET_TOP_WORDS];
};

/*
 * The ledger: 256 times the slack, plus the number of public functions under way. Slack is what may
 * still be freed before the watch fires: watch_above minus the free frames. Sharing one word lets
 * the last instruction of a function book the frames and take the mark away.
 */
#define LEDGER_HELD  INT64_C(1)
#define LEDGER_FRAME INT64_C(256)
#define WATCH_NEVER  (INT64_C(1) << 48) /* more frames than there can be */

struct frame_pool {
    /* The hot row: no block in `partial` has a free frame below it. When `partial` is empty it is
     * a constant empty row, and hot_first is PFN_NONE. */
    uint64_t *hot_row;
    int16_t *hot_count; /* of its block */
    pfn_t hot_first;    /* its first frame */

    /* The part of one range, up to open_end, that frees hit last; others consult the ranges. */
    pfn_t span_first;
    pfn_t span_count;

    int64_t ledger;
    int16_t *counts;
    uint64_t *rows;

    bool warm;            /* closed areas are backed */
    unsigned open_blocks; /* blocks below lie in open areas */
    pfn_t end;            /* end of the last area with memory */
    struct block_set partial;
    struct block_set backed;
    struct block_set returned;

    int64_t watch_above;
    void (*fire)(void);

    /* The same for whole free backed blocks, those of closed areas included: backed_above minus
     * their number. */
    int64_t backed_slack;
    int64_t backed_above;
    void (*backed_fire)(void);

    bool (*reclaim)(pfn_t count);
    bool reclaiming; /* the hook is running */
    uint64_t stalls; /* allocations that asked it */

    uint64_t total;
    uint64_t returned_frames;
    uint64_t retaken_frames; /* out of returned blocks, by allocations, ever */
    void (*fill)(pfn_t first, pfn_t count);
    unsigned fast_blocks; /* open_blocks, or 0 when freed memory is filled */
    uint64_t away;
    uint64_t metadata_bytes;
    const struct frame_range *ranges;
    unsigned range_count;
};

extern struct frame_pool frame_pool;

/* ---- the mark that an allocator function is running, and the count of free frames ---- */

/* Only an interrupt on the same processor looks at the mark. */
static inline void frame_hold(void)
{
    local_add(&frame_pool.ledger, LEDGER_HELD);
}

/* Takes the mark away and books `freed` frames, negative for allocated ones. True: a watch is due,
 * frame_watch_fire(). */
static inline bool frame_unhold(int64_t freed)
{
    return local_sub(&frame_pool.ledger, freed * LEDGER_FRAME + LEDGER_HELD);
}

/* Free frames, out of the ledger: the mark below the slack is rounded away, for negative slack too,
 * by the arithmetic shift that both compilers document. */
static inline uint64_t frame_ledger_free(void)
{
    return (uint64_t)(frame_pool.watch_above - (frame_pool.ledger >> 8));
}

/* Books one more whole free backed block. True: its watch is due. */
static inline bool frame_backed_more(void)
{
    return --frame_pool.backed_slack < 0;
}

static inline void frame_backed_less(void)
{
    frame_pool.backed_slack++;
}

static inline uint64_t frame_backed_blocks(void)
{
    return (uint64_t)(frame_pool.backed_above - frame_pool.backed_slack);
}

/* ---- sets of blocks ---- */

static inline bool block_set_has(const struct block_set *set, unsigned block)
{
    return (set->leaf[block / 64] >> (block % 64) & 1) != 0;
}

static inline void block_set_insert(struct block_set *set, unsigned block)
{
    set->leaf[block / 64] |= UINT64_C(1) << (block % 64);
    set->mid[block / 4096] |= UINT64_C(1) << (block / 64 % 64);
    set->top[block / 262144] |= UINT64_C(1) << (block / 4096 % 64);
}

/* A run of blocks; a word of the lowest level at a time. `count` is not 0. */
static inline void block_set_insert_run(struct block_set *set, unsigned block, unsigned count)
{
    while (count > 0) {
        unsigned at = block % 64;
        unsigned here = count < 64 - at ? count : 64 - at;

        block_set_insert(set, block);
        set->leaf[block / 64] |= bits_mask(here) << at;
        block += here;
        count -= here;
    }
}

/* Takes word number `leaf` of the lowest level off the lists above: it has become zero. */
static inline void block_set_unlist(struct block_set *set, unsigned leaf)
{
    set->mid[leaf / 64] &= ~(UINT64_C(1) << (leaf % 64));
    if (set->mid[leaf / 64] == 0) {
        set->top[leaf / 4096] &= ~(UINT64_C(1) << (leaf / 64 % 64));
    }
}

static inline void block_set_remove(struct block_set *set, unsigned block)
{
    set->leaf[block / 64] &= ~(UINT64_C(1) << (block % 64));
    if (set->leaf[block / 64] == 0) {
        block_set_unlist(set, block / 64);
    }
}

/* The same for a run of blocks. `count` is not 0. */
static inline void block_set_remove_run(struct block_set *set, unsigned block, unsigned count)
{
    while (count > 0) {
        unsigned at = block % 64;
        unsigned here = count < 64 - at ? count : 64 - at;

        set->leaf[block / 64] &= ~(bits_mask(here) << at);
        if (set->leaf[block / 64] == 0) {
            block_set_unlist(set, block / 64);
        }
        block += here;
        count -= here;
    }
}

/* The word of the lowest level that holds the lowest member, if there is one. */
static inline bool block_set_lowest_leaf(const struct block_set *set, unsigned *leaf)
{
    unsigned mid;

    STATIC_ASSERT(SET_TOP_WORDS == 2, "the two words of top are written out here");
    if (set->top[0] != 0) {
        mid = bits_lowest(set->top[0]);
    } else if (set->top[1] != 0) {
        mid = 64 + bits_lowest(set->top[1]);
    } else {
        return false;
    }
    *leaf = mid * 64 + bits_lowest(set->mid[mid]);
    return true;
}

/* The lowest member, if there is one. */
static inline bool block_set_lowest(const struct block_set *set, unsigned *block)
{
    unsigned leaf;

    if (!block_set_lowest_leaf(set, &leaf)) {
        return false;
    }
    *block = leaf * 64 + bits_lowest(set->leaf[leaf]);
    return true;
}

/* The lowest member, if there is one; it is removed. */
static inline bool block_set_pop(struct block_set *set, unsigned *block)
{
    unsigned leaf;
    uint64_t word;

    if (!block_set_lowest_leaf(set, &leaf)) {
        return false;
    }
    word = set->leaf[leaf];
    *block = leaf * 64 + bits_lowest(word);
    word &= word - 1;
    set->leaf[leaf] = word;
    if (word == 0) {
        block_set_unlist(set, leaf);
    }
    return true;
}

/* ---- frame_block.c: what happens inside a block ---- */

/* A panic that names the frames; `problem` completes "frames 0x10..0x1f: ...". */
_Noreturn void frame_misuse(pfn_t first, pfn_t count, const char *problem);

static inline uint64_t *block_rows(unsigned block)
{
    return frame_pool.rows + (size_t)block * BLOCK_ROWS;
}

/* The blocks of open areas are those below. */
static inline unsigned open_blocks(void)
{
    return frame_pool.open_blocks;
}

/* The frames of open areas are those below. */
static inline pfn_t open_end(void)
{
    return frame_pool.open_blocks * BLOCK_FRAMES;
}

/* True for a block whose rows have a meaning. */
static inline bool block_is_split(unsigned block)
{
    return frame_pool.counts[block] >= BLOCK_FULL;
}

/* The first bit at or after `from` (below `end`, else `end`) that is set, or with `flip` all ones
 * clear, in the union of two bitmaps. */
unsigned frame_bits_next(const uint64_t *a, const uint64_t *b, unsigned from, unsigned end,
                         uint64_t flip);

/* Finds `count` set bits in a row at a multiple of `align`, at or after *at; true: *at is the
 * place. False: nothing below `end`, and a search in a longer bitmap may go on from *at. */
bool frame_bits_find_run(const uint64_t *a, const uint64_t *b, unsigned *at, unsigned end,
                         unsigned count, unsigned align);

/* Makes row number `row` of rows[] the hot row. */
static inline void frame_hot_set(size_t row)
{
    frame_pool.hot_row = &frame_pool.rows[row];
    frame_pool.hot_count = &frame_pool.counts[row / BLOCK_ROWS];
    frame_pool.hot_first = (pfn_t)row * ROW_FRAMES;
}

/* Says that there is no hot row: `partial` is empty. */
void frame_hot_reset(void);

/* Puts the hot row at the lowest free frame of all split blocks; false if there is none. */
bool frame_hot_find(void);

/* The same, but breaks a whole block or opens an area when it has to; false if nothing is free. */
bool frame_hot_fill(void);

/* Makes a free whole block a split one, all of it free; an allocation from it must follow. */
void frame_block_break(unsigned block);

/* Makes a whole block in use or away a split one, full. */
void frame_block_fill(unsigned block);

/* Marks a free whole block as `state`: BLOCK_USED or BLOCK_AWAY. */
void frame_block_take_whole(unsigned block, int16_t state);

/* Marks a run of free whole blocks, all of them of the set `kind`, as away. */
void frame_blocks_take_away(struct block_set *kind, unsigned block, unsigned count);

/* Makes whole blocks from `block` on, at most `count`, free and `kind` as long as they are in the
 * state `whole`. Returns how many. */
unsigned frame_blocks_release(unsigned block, unsigned count, int16_t whole, enum frame_state kind);

/* Marks free frames [at, at + count) of a split block as in use. */
void frame_block_take_part(unsigned block, unsigned at, unsigned count);

/* Frees frames [at, at + count) of a split block. */
void frame_block_put(unsigned block, unsigned at, unsigned count);

/* Frees frames of a block that is split, or less than all of one in the state `whole`: it is split
 * then. */
void frame_block_release(unsigned block, unsigned at, unsigned count, int16_t whole);

/* The next whole block to allocate, by the rule of frame.h, among the open areas; false also when
 * opening the next area would bring a better one. */
bool frame_whole_lowest(unsigned *block);

/* ---- frame_area.c: ranges and areas ---- */

/* Gives a run of blocks one state. */
void frame_counts_set(unsigned block, unsigned count, int16_t state);

/* Opens the next area; false when all are open. Changes no count of free frames. */
bool frame_area_open(void);

/* The range that holds `pfn`, or null. */
const struct frame_range *frame_range_of(pfn_t pfn);

/* True when [first, first + count) is memory of one range and in open areas. Makes that range the
 * span of the fast path. */
bool frame_span_find(pfn_t first, pfn_t count);

/* ---- frame_run.c: bodies of public functions ---- */

/* These are entered with the hold mark set and take it away. */
err_t frame_order_alloc_held(unsigned order, pfn_t *first);
void frame_order_free_held(pfn_t first, unsigned order);
void frame_run_free_held(pfn_t first, pfn_t count);

/* Frees a run whose whole blocks are in the state `whole` and become `kind`; books no frames. */
void frame_release(pfn_t first, pfn_t count, int16_t whole, enum frame_state kind);

/* ---- frame_watch.c ---- */

/* Disarms the watches that are due and calls their functions. */
void frame_watch_fire(void);

/* Asks the hook for `count` frames, while the hold mark is taken away. True: try again. `rounds`
 * counts the questions for one allocation, from 0. */
bool frame_reclaim(pfn_t count, unsigned *rounds);
