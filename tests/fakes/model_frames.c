/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reference model of the page-frame allocator (model_frames.h): the books, and the operations
 * that are done by the allocator, judged (model_frames_judge.c) and booked. It knows the rules of
 * mm/frame.h and nothing about how the allocator keeps them. Frames taken singly and frames taken
 * in whole blocks are told apart, because the contract does.
 *
 * One rule cannot be judged exactly from outside: a partly used block in a part of memory that the
 * allocator has not reached yet. So "partly used" here means that something was allocated in it.
 */

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "tests/fakes/model_frames_internal.h"

#define GARBAGE 0xA5

/* ---- start and stop ---- */

static void *zeroed(size_t count, size_t bytes)
{
    void *memory = calloc(count, bytes);

    ASSERT(memory != NULL);
    return memory;
}

void model_start(struct model *model, const struct frame_range *ranges, unsigned count, bool warm)
{
    pfn_t end = ranges[count - 1].first + ranges[count - 1].count;
    pfn_t blocks = (end + BLOCK_FRAMES - 1) / BLOCK_FRAMES;
    size_t bytes = frame_metadata_bytes(end);

    memset(model, 0, sizeof(*model));
    model_judge_start(model);
    model->end = blocks * BLOCK_FRAMES;
    model->frames = zeroed(model->end, 1);
    model->used = zeroed(blocks, sizeof(uint16_t));
    model->ram = zeroed(blocks, sizeof(uint16_t));
    model->returned = zeroed(blocks, 1);
    for (unsigned i = 0; i < count; i++) {
        for (pfn_t pfn = ranges[i].first; pfn < ranges[i].first + ranges[i].count; pfn++) {
            model->frames[pfn] = FREE;
            model->ram[pfn / BLOCK_FRAMES]++;
        }
        model->stats.total += ranges[i].count;
    }
    for (pfn_t block = 0; block < blocks; block++) {
        if (model_is_whole(model, block) && !warm) {
            model->returned[block] = 1;
            model->stats.free_returned += BLOCK_FRAMES;
        }
    }
    model->stats.free_backed = model->stats.total - model->stats.free_returned;

    model->metadata = aligned_alloc(64, bytes);
    ASSERT(model->metadata != NULL);
    memset(model->metadata, GARBAGE, bytes);
    ASSERT(frame_init(model->metadata, bytes, ranges, count, warm) == OK);
    model_compare_stats(model);
}

void model_stop(struct model *model)
{
    free(model->frames);
    free(model->used);
    free(model->ram);
    free(model->returned);
    free(model->metadata);
    memset(model, 0, sizeof(*model));
}

/* ---- booking ---- */

/* Free frames become `state`. A block that is broken counts as backed from then on. */
static void book_taken(struct model *model, pfn_t first, pfn_t count, uint8_t state)
{
    ASSERT(first < model->end);
    ASSERT(count <= model->end - first);
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        pfn_t block = pfn / BLOCK_FRAMES;

        ASSERT(model->frames[pfn] == FREE);
        if (model->returned[block] != 0) {
            model->returned[block] = 0;
            model->stats.free_returned -= BLOCK_FRAMES;
            model->stats.free_backed += BLOCK_FRAMES;
        }
        model->frames[pfn] = state;
        model->used[block]++;
    }
    model->stats.free_backed -= count;
    if (state == USED) {
        model->stats.in_use += count;
    } else {
        model->stats.away += count;
    }
}

/* Frames become free. Each block is handled at once: only one that went away whole and comes back
 * whole is returned, if `kind` says so. */
static void book_freed(struct model *model, pfn_t first, pfn_t count, bool from_away,
                       enum frame_state kind)
{
    pfn_t stop = first + count;

    while (first < stop) {
        pfn_t block = first / BLOCK_FRAMES;
        pfn_t part_stop = (block + 1) * BLOCK_FRAMES < stop ? (block + 1) * BLOCK_FRAMES : stop;
        bool part = part_stop - first < BLOCK_FRAMES;
        bool returned = !part && kind == FRAME_FREE_RETURNED;

        if (part && model->frames[first] == AWAY_WHOLE) {
            /* A piece of a block that was taken whole comes back: the rest is away singly. */
            memset(&model->frames[block * BLOCK_FRAMES], AWAY_SINGLY, BLOCK_FRAMES);
        }
        for (pfn_t pfn = first; pfn < part_stop; pfn++) {
            ASSERT(from_away == (model->frames[pfn] != USED));
            ASSERT(model->frames[pfn] > FREE);
            returned = returned && model->frames[pfn] == AWAY_WHOLE;
            model->frames[pfn] = FREE;
            model->used[block]--;
        }
        if (returned) {
            model->returned[block] = 1;
            model->stats.free_returned += BLOCK_FRAMES;
        } else {
            model->stats.free_backed += part_stop - first;
        }
        first = part_stop;
    }
    if (from_away) {
        model->stats.away -= count;
    } else {
        model->stats.in_use -= count;
    }
}

/* ---- operations ---- */

pfn_t model_alloc(struct model *model)
{
    pfn_t pfn;

    model_expect_reclaim(model, 1, 1);
    pfn = frame_alloc();
    ASSERT(!frame_held());
    if (pfn == PFN_NONE) {
        ASSERT(model->stats.free_backed + model->stats.free_returned == 0);
        model_judge_refusal(model);
        return PFN_NONE;
    }
    model_judge_lowest(model, pfn);
    book_taken(model, pfn, 1, USED);
    return pfn;
}

pfn_t model_alloc_order(struct model *model, unsigned order)
{
    pfn_t count = 1U << order;
    pfn_t first = PFN_NONE;
    err_t err;

    model_expect_reclaim(model, count, count);
    err = frame_alloc_order(order, &first);
    ASSERT(!frame_held());
    if (err != OK) {
        ASSERT(err == ERR_NOMEM);
        model_judge_refusal(model);
        return PFN_NONE;
    }
    ASSERT(first % count == 0);
    if (order == BLOCK_ORDER) {
        model_judge_block(model, first / BLOCK_FRAMES);
    }
    book_taken(model, first, count, USED);
    return first;
}

pfn_t model_alloc_run(struct model *model, pfn_t count)
{
    pfn_t first = PFN_NONE;
    err_t err;

    model_expect_reclaim(model, count, count < BLOCK_FRAMES ? 1 : BLOCK_FRAMES);
    err = frame_alloc_run(count, &first);
    ASSERT(!frame_held());
    if (err != OK) {
        ASSERT(err == ERR_NOMEM);
        model_judge_refusal(model);
        return PFN_NONE;
    }
    if (count < BLOCK_FRAMES) {
        ASSERT(first / BLOCK_FRAMES == (first + count - 1) / BLOCK_FRAMES);
    } else {
        ASSERT(first % BLOCK_FRAMES == 0);
    }
    book_taken(model, first, count, USED);
    return first;
}

void model_free(struct model *model, pfn_t first, pfn_t count)
{
    uint64_t before = model_reportable(model);

    if (count == 1) {
        frame_free(first);
    } else {
        frame_free_run(first, count);
    }
    ASSERT(!frame_held());
    book_freed(model, first, count, false, FRAME_FREE_BACKED);
    model_judge_watch(model, before);
}

void model_free_order(struct model *model, pfn_t first, unsigned order)
{
    uint64_t before = model_reportable(model);

    frame_free_order(first, order);
    ASSERT(!frame_held());
    book_freed(model, first, 1U << order, false, FRAME_FREE_BACKED);
    model_judge_watch(model, before);
}

pfn_t model_take(struct model *model, pfn_t max, pfn_t *count)
{
    pfn_t first = PFN_NONE;
    err_t err = frame_take_run(max, &first, count);

    ASSERT(!frame_held());
    if (err != OK) {
        ASSERT(err == ERR_NOMEM);
        ASSERT(*count == 0);
        ASSERT(model->stats.free_backed + model->stats.free_returned == 0);
        return PFN_NONE;
    }
    ASSERT(*count > 0);
    ASSERT(*count <= max);
    if (max >= BLOCK_FRAMES && model_run_exists(model, BLOCK_FRAMES, BLOCK_FRAMES)) {
        pfn_t mine = first / BLOCK_FRAMES;
        pfn_t next = mine + *count / BLOCK_FRAMES;

        ASSERT(first % BLOCK_FRAMES == 0);
        ASSERT(*count % BLOCK_FRAMES == 0);
        model_judge_block(model, mine);
        for (pfn_t block = mine; block < next; block++) {
            ASSERT(model_is_whole(model, block));
            ASSERT(model->returned[block] == model->returned[mine]);
        }
        /* As long as there is: the next block is of another kind, or max does not cover it. */
        ASSERT(max - *count < BLOCK_FRAMES || next >= model->end / BLOCK_FRAMES ||
               !model_is_whole(model, next) || model->returned[next] != model->returned[mine]);
        book_taken(model, first, *count, AWAY_WHOLE);
    } else {
        ASSERT(first / BLOCK_FRAMES == (first + *count - 1) / BLOCK_FRAMES);
        model_judge_lowest(model, first);
        book_taken(model, first, *count, AWAY_SINGLY);
    }
    return first;
}

/* A whole free block of that kind. */
static bool is_kind(const struct model *model, pfn_t block, enum frame_state kind)
{
    return model_is_whole(model, block) &&
           (model->returned[block] != 0) == (kind == FRAME_FREE_RETURNED);
}

pfn_t model_take_blocks(struct model *model, enum frame_state kind, pfn_t from, pfn_t max,
                        pfn_t *count)
{
    pfn_t blocks = model->end / BLOCK_FRAMES;
    pfn_t lowest = (pfn_t)(((uint64_t)from + BLOCK_FRAMES - 1) / BLOCK_FRAMES);
    pfn_t stop;
    pfn_t first = PFN_NONE;
    err_t err = frame_take_blocks(kind, from, max, &first, count);

    ASSERT(!frame_held());
    while (lowest < blocks && !is_kind(model, lowest, kind)) {
        lowest++;
    }
    if (err != OK) {
        ASSERT(err == ERR_NOMEM);
        ASSERT(*count == 0);
        ASSERT(lowest >= blocks);
        return PFN_NONE;
    }
    stop = lowest;
    while (stop < blocks && stop - lowest < max / BLOCK_FRAMES && is_kind(model, stop, kind)) {
        stop++;
    }
    ASSERT(first == lowest * BLOCK_FRAMES);
    ASSERT(*count == (stop - lowest) * BLOCK_FRAMES);
    ASSERT(*count > 0);
    book_taken(model, first, *count, AWAY_WHOLE);
    return first;
}

void model_give(struct model *model, pfn_t first, pfn_t count)
{
    frame_give_run(first, count);
    ASSERT(!frame_held());
    model_judge_silence();
    book_freed(model, first, count, true, FRAME_FREE_RETURNED);
}

void model_give_backed(struct model *model, pfn_t first, pfn_t count)
{
    frame_give_run_backed(first, count);
    ASSERT(!frame_held());
    model_judge_silence();
    book_freed(model, first, count, true, FRAME_FREE_BACKED);
}

/* ---- comparison ---- */

void model_compare_stats(const struct model *model)
{
    struct frame_stats stats;

    frame_stats(&stats);
    ASSERT(stats.total == model->stats.total);
    ASSERT(stats.free_backed == model->stats.free_backed);
    ASSERT(stats.free_returned == model->stats.free_returned);
    ASSERT(stats.in_use == model->stats.in_use);
    ASSERT(stats.away == model->stats.away);
    ASSERT(stats.reportable == model_reportable(model));
    ASSERT(frame_reportable_count() == stats.reportable);
    ASSERT(frame_free_count() == stats.free_backed + stats.free_returned);
}

static enum frame_state expected_state(const struct model *model, pfn_t pfn)
{
    pfn_t block = pfn / BLOCK_FRAMES;

    if (pfn >= model->end) {
        return FRAME_NOT_RAM;
    }
    switch (model->frames[pfn]) {
    case FREE:
        return model->returned[block] != 0 ? FRAME_FREE_RETURNED : FRAME_FREE_BACKED;
    case USED:
    case AWAY_SINGLY:
        return FRAME_IN_USE;
    case AWAY_WHOLE:
        return FRAME_AWAY;
    default:
        return FRAME_NOT_RAM;
    }
}

void model_compare_frames(const struct model *model, pfn_t first, pfn_t count)
{
    for (pfn_t pfn = first; pfn < first + count; pfn++) {
        ASSERT(frame_state(pfn) == expected_state(model, pfn));
    }
}
