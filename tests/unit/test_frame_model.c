/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Property tests of the page-frame allocator: long random sequences of every operation, each
 * judged by the reference model. The seeds are fixed, so a failure repeats.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/assert.h"
#include "base/bits.h"
#include "mm/frame.h"
#include "tests/fakes/model_frames.h"

#define PIECES_MAX 4096U

/* Something that was allocated or taken and has not been given back. */
struct piece {
    pfn_t first;
    pfn_t count;
    bool away;
};

struct run {
    struct model model;
    struct piece pieces[PIECES_MAX];
    unsigned count;
    uint64_t random;
    unsigned reclaimed; /* pieces that the hook gave back */
    unsigned order_max; /* the largest orders drain memory at once: rarely asked for */
};

static struct run run;

/* xorshift64: good enough to shuffle, the same everywhere. */
static uint32_t random_below(uint32_t limit)
{
    run.random ^= run.random << 13;
    run.random ^= run.random >> 7;
    run.random ^= run.random << 17;
    return (uint32_t)(run.random >> 32) % limit;
}

static void remember(pfn_t first, pfn_t count, bool away)
{
    if (first != PFN_NONE) {
        assert_true(run.count < PIECES_MAX);
        run.pieces[run.count++] = (struct piece){ first, count, away };
    }
}

/* Frees or gives back a random part of a random piece: a head, a tail, a middle, or all of it. */
static void release_some(void)
{
    unsigned index = random_below(run.count);
    struct piece piece = run.pieces[index];
    pfn_t skip = random_below(4) == 0 ? random_below(piece.count) : 0;
    pfn_t count = random_below(4) == 0 ? 1 + random_below(piece.count - skip) : piece.count - skip;

    run.pieces[index] = run.pieces[--run.count];
    if (piece.away && random_below(3) == 0) {
        model_give_backed(&run.model, piece.first + skip, count);
    } else if (piece.away) {
        model_give(&run.model, piece.first + skip, count);
    } else if (skip == 0 && is_power_of_two(count) && piece.first % count == 0 &&
               bits_lowest(count) <= FRAME_ORDER_MAX) {
        model_free_order(&run.model, piece.first, bits_lowest(count));
    } else {
        model_free(&run.model, piece.first + skip, count);
    }
    if (skip > 0) {
        remember(piece.first, skip, piece.away);
    }
    if (skip + count < piece.count) {
        remember(piece.first + skip + count, piece.count - skip - count, piece.away);
    }
}

/* Something that is away comes back, for an allocation that would fail. Long runs ask often and
 * would leave nothing away, so not every question is heard. */
static bool reclaim(void *context, pfn_t count)
{
    (void)context;
    assert_true(count > 0);
    for (unsigned i = 0; i < run.count && random_below(8) != 0; i++) {
        struct piece piece = run.pieces[i];

        if (piece.away) {
            run.pieces[i] = run.pieces[--run.count];
            model_give(&run.model, piece.first, piece.count);
            run.reclaimed++;
            return true;
        }
    }
    return false;
}

static void allocate_some(void)
{
    unsigned order =
        random_below(20) == 0 ? random_below(FRAME_ORDER_MAX + 1) : random_below(run.order_max + 1);
    pfn_t max = 1 + random_below(random_below(2) == 0 ? BLOCK_FRAMES : 5 * BLOCK_FRAMES);
    pfn_t count = 0;
    pfn_t first;

    switch (random_below(9)) {
    case 0:
    case 1:
    case 2:
        remember(model_alloc(&run.model), 1, false);
        break;
    case 3:
        remember(model_alloc_order(&run.model, order), 1U << order, false);
        break;
    case 4:
        remember(model_alloc_run(&run.model, max), max, false);
        break;
    case 5:
    case 6:
        first = model_take_blocks(&run.model,
                                  random_below(2) == 0 ? FRAME_FREE_BACKED : FRAME_FREE_RETURNED,
                                  random_below(run.model.end), BLOCK_FRAMES + max, &count);
        remember(first, count, true);
        break;
    case 7:
        model_watch_reportable(&run.model, random_below(run.model.end));
        break;
    default:
        first = model_take(&run.model, max, &count);
        remember(first, count, true);
        break;
    }
}

/* One step. The bias towards allocation or freeing changes now and then, so that memory fills up,
 * fragments and drains. */
static void step(unsigned number)
{
    bool filling = number / 3000 % 2 == 0;
    bool allocates = random_below(100) < (filling ? 60 : 42);

    if (run.count > PIECES_MAX - 8 || (!allocates && run.count > 0)) {
        release_some();
    } else if (allocates) {
        allocate_some();
    }
    model_compare_stats(&run.model);
}

static void release_all(void)
{
    while (run.count > 0) {
        release_some();
    }
    assert_int_equal(run.model.stats.in_use, 0);
    assert_int_equal(run.model.stats.away, 0);
}

static void run_steps(const struct frame_range *ranges, unsigned range_count, bool warm,
                      unsigned steps, unsigned order_max)
{
    unsigned check_every = steps / 50;

    run.count = 0;
    run.reclaimed = 0;
    run.random = UINT64_C(0x9E3779B97F4A7C15) + steps + range_count;
    run.order_max = order_max;
    model_start(&run.model, ranges, range_count, warm);
    model_set_reclaim(&run.model, reclaim, NULL);
    for (unsigned i = 0; i < steps; i++) {
        pfn_t probe = random_below(run.model.end + 10);

        step(i);
        model_compare_frames(&run.model, probe, 1);
        if (i % check_every == 0) {
            frame_check();
        }
    }
    assert_true(run.reclaimed > 0);
    model_compare_frames(&run.model, 0, run.model.end);
    frame_check();
    release_all();
    model_compare_frames(&run.model, 0, run.model.end);
    frame_check();
    model_stop(&run.model);
}

#define FRAMES(bytes) ((pfn_t)((bytes) >> FRAME_SHIFT))

/* ---- the memories ---- */

static void four_mebibytes_with_odd_edges_follow_the_model(void **state)
{
    static const struct frame_range ranges[] = { { 1, 158 }, { 257, 766 } };

    (void)state;
    run_steps(ranges, ARRAY_SIZE(ranges), false, 200000, 7);
    run_steps(ranges, ARRAY_SIZE(ranges), true, 100000, 7);
}

static void sixty_four_mebibytes_follow_the_model(void **state)
{
    static const struct frame_range ranges[] = { { 1, 158 }, { 256, 16 * 1024 - 256 - 3 } };

    (void)state;
    run_steps(ranges, ARRAY_SIZE(ranges), false, 300000, 10);
    run_steps(ranges, ARRAY_SIZE(ranges), true, 300000, 10);
}

static void many_small_ranges_follow_the_model(void **state)
{
    static struct frame_range ranges[40];
    pfn_t at = 3;

    (void)state;
    /* Lengths of 1 to 1600 frames with holes between them: blocks with two ranges, blocks that are
     * only just whole, blocks that miss one frame. */
    for (unsigned i = 0; i < ARRAY_SIZE(ranges); i++) {
        ranges[i] = (struct frame_range){ at, 1 + (i * i * 37) % 1600 };
        at += ranges[i].count + 1 + (i * 13) % 90;
    }
    run_steps(ranges, ARRAY_SIZE(ranges), false, 150000, 8);
}

static void six_gibibytes_with_a_hole_follow_the_model(void **state)
{
    static const struct frame_range ranges[] = {
        { 1, 158 },
        { 256, FRAMES(3 * GIB) - 256 - 21 },
        { FRAMES(4 * GIB), FRAMES(GIB) + 700 },
        { FRAMES(5 * GIB) + 1000, FRAMES(GIB) - 1001 },
    };

    (void)state;
    run_steps(ranges, ARRAY_SIZE(ranges), false, 3000, FRAME_ORDER_MAX);
    run_steps(ranges, ARRAY_SIZE(ranges), true, 3000, FRAME_ORDER_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(four_mebibytes_with_odd_edges_follow_the_model),
        cmocka_unit_test(sixty_four_mebibytes_follow_the_model),
        cmocka_unit_test(many_small_ranges_follow_the_model),
        cmocka_unit_test(six_gibibytes_with_a_hole_follow_the_model),
    };

    return cmocka_run_group_tests_name("mm/frame.c against the model", tests, NULL, NULL);
}
