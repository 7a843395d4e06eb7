/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fuzzer of the page-frame allocator: the input is a small memory and a list of operations, each
 * judged by the reference model. Property: no input makes the allocator and the model differ, and
 * when everything has been given back, all of memory is free and merged.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/bits.h"
#include "tests/fakes/model_frames.h"

#define PIECES_MAX 256U
#define RANGES_MAX 3U

struct piece {
    pfn_t first;
    pfn_t count;
    bool away;
};

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct model model;
    struct piece pieces[PIECES_MAX];
    unsigned count;
    bool reclaim_lies;
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned next_u8(struct fuzz *fuzz)
{
    if (fuzz->left == 0) {
        return 0;
    }
    fuzz->left--;
    return *fuzz->data++;
}

static unsigned next_u16(struct fuzz *fuzz)
{
    unsigned high = next_u8(fuzz);

    return high << 8 | next_u8(fuzz);
}

static void remember(struct fuzz *fuzz, pfn_t first, pfn_t count, bool away)
{
    if (first != PFN_NONE) {
        ASSERT(fuzz->count < PIECES_MAX);
        fuzz->pieces[fuzz->count++] = (struct piece){ first, count, away };
    }
}

/* Up to three ranges of up to eight blocks, anywhere around the border between two areas. */
static unsigned read_ranges(struct fuzz *fuzz, struct frame_range *ranges)
{
    unsigned count = 1 + next_u8(fuzz) % RANGES_MAX;
    pfn_t at = next_u8(fuzz) % 2 == 0 ? 1 : AREA_FRAMES - 5 * BLOCK_FRAMES;

    for (unsigned i = 0; i < count; i++) {
        at += next_u16(fuzz) % (2 * BLOCK_FRAMES);
        ranges[i] = (struct frame_range){ at, 1 + next_u16(fuzz) % (8 * BLOCK_FRAMES) };
        at += ranges[i].count + 1;
    }
    return count;
}

static void release(struct fuzz *fuzz, unsigned index, pfn_t skip, pfn_t count)
{
    struct piece piece = fuzz->pieces[index];

    fuzz->pieces[index] = fuzz->pieces[--fuzz->count];
    if (piece.away && next_u8(fuzz) % 2 != 0) {
        model_give_backed(&fuzz->model, piece.first + skip, count);
    } else if (piece.away) {
        model_give(&fuzz->model, piece.first + skip, count);
    } else if (skip == 0 && is_power_of_two(count) && piece.first % count == 0) {
        model_free_order(&fuzz->model, piece.first, bits_lowest(count));
    } else {
        model_free(&fuzz->model, piece.first + skip, count);
    }
    if (skip > 0) {
        remember(fuzz, piece.first, skip, piece.away);
    }
    if (skip + count < piece.count) {
        remember(fuzz, piece.first + skip + count, piece.count - skip - count, piece.away);
    }
}

static void release_some(struct fuzz *fuzz)
{
    unsigned index = next_u8(fuzz) % fuzz->count;
    pfn_t skip = next_u16(fuzz) % fuzz->pieces[index].count;

    release(fuzz, index, skip, 1 + next_u16(fuzz) % (fuzz->pieces[index].count - skip));
}

/* Deflate on demand, as the balloon will do it: something that is away comes back. */
static bool reclaim(void *context, pfn_t count)
{
    struct fuzz *fuzz = context;

    ASSERT(count > 0);
    if (next_u8(fuzz) % 4 == 0) {
        return false;
    }
    for (unsigned i = 0; i < fuzz->count && !fuzz->reclaim_lies; i++) {
        if (fuzz->pieces[i].away) {
            release(fuzz, i, 0, fuzz->pieces[i].count);
            return true;
        }
    }
    return fuzz->reclaim_lies;
}

static void take_blocks(struct fuzz *fuzz, enum frame_state kind)
{
    pfn_t from = next_u16(fuzz) % 2 == 0 ? 0 : fuzz->model.end / 256 * next_u8(fuzz);
    pfn_t max = BLOCK_FRAMES + next_u16(fuzz) % (8 * BLOCK_FRAMES);
    pfn_t count;
    pfn_t first = model_take_blocks(&fuzz->model, kind, from, max, &count);

    remember(fuzz, first, count, true);
}

static void operate(struct fuzz *fuzz)
{
    unsigned code = next_u8(fuzz);
    unsigned order = code / 11 % 13;
    pfn_t count;
    pfn_t first;

    if (fuzz->count > PIECES_MAX - 4) {
        release_some(fuzz);
        return;
    }
    switch (code % 11) {
    case 0:
    case 1:
        remember(fuzz, model_alloc(&fuzz->model), 1, false);
        break;
    case 2:
        remember(fuzz, model_alloc_order(&fuzz->model, order), 1U << order, false);
        break;
    case 3:
        count = 1 + next_u16(fuzz) % (4 * BLOCK_FRAMES);
        remember(fuzz, model_alloc_run(&fuzz->model, count), count, false);
        break;
    case 4:
        first = model_take(&fuzz->model, 1 + next_u16(fuzz) % (8 * BLOCK_FRAMES), &count);
        remember(fuzz, first, count, true);
        break;
    case 5:
        take_blocks(fuzz, FRAME_FREE_BACKED);
        break;
    case 6:
        take_blocks(fuzz, FRAME_FREE_RETURNED);
        break;
    case 7:
        model_watch_reportable(&fuzz->model, next_u8(fuzz) % 8 * BLOCK_FRAMES + code / 11);
        break;
    case 8:
        if (fuzz->count > 0) {
            release(fuzz, fuzz->count - 1, 0, fuzz->pieces[fuzz->count - 1].count);
        }
        break;
    default:
        if (fuzz->count > 0) {
            release_some(fuzz);
        }
        break;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct fuzz fuzz;
    struct frame_range ranges[RANGES_MAX];
    unsigned flags;
    unsigned count;

    fuzz = (struct fuzz){ .data = data, .left = size };
    flags = next_u8(&fuzz);
    count = read_ranges(&fuzz, ranges);
    model_start(&fuzz.model, ranges, count, (flags & 1) != 0);
    fuzz.reclaim_lies = (flags & 4) != 0;
    if ((flags & 2) != 0) {
        model_set_reclaim(&fuzz.model, reclaim, &fuzz);
    }
    while (fuzz.left > 0) {
        operate(&fuzz);
        model_compare_stats(&fuzz.model);
    }
    frame_check();
    for (unsigned i = 0; i < count; i++) {
        model_compare_frames(&fuzz.model, ranges[i].first - 1, ranges[i].count + 2);
    }
    while (fuzz.count > 0) {
        release(&fuzz, 0, 0, fuzz.pieces[0].count);
    }
    frame_check();
    ASSERT(frame_free_count() == fuzz.model.stats.total);
    model_stop(&fuzz.model);
    return 0;
}
