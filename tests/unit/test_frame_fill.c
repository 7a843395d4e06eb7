/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of freed memory that is filled: every frame exactly once, by every way to free, before
 * anybody can have it, and no longer once that is switched off. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "mm/frame.h"
#include "mm/frame_internal.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/frame_fixture.h"

#define B      BLOCK_FRAMES
#define BLOCKS 8U

static unsigned char fills[(BLOCKS + 1) * B]; /* of each frame */
static unsigned calls;

static void fill(pfn_t first, pfn_t count)
{
    assert_true(frame_held()); /* an interrupt that comes now cannot have them either */
    assert_true(first + count <= sizeof(fills));
    for (pfn_t i = 0; i < count; i++) {
        fills[first + i]++;
    }
    calls++;
}

static void begin(void)
{
    fixture_start(BLOCKS, false);
    memset(fills, 0, sizeof(fills));
    calls = 0;
}

/* Exactly frames [first, first + count) were filled, once, by one call. */
static void assert_filled(pfn_t first, pfn_t count)
{
    assert_int_equal(calls, 1);
    for (pfn_t i = 0; i < sizeof(fills); i++) {
        assert_int_equal(fills[i], i >= first && i < first + count ? 1 : 0);
    }
    memset(fills, 0, sizeof(fills));
    calls = 0;
    frame_check();
}

static void every_way_to_free_fills_each_frame_once(void **state)
{
    pfn_t first;

    (void)state;
    begin();
    frame_set_fill(fill);
    first = frame_alloc();
    frame_free(first);
    assert_filled(first, 1);
    first = fixture_alloc_order(BLOCK_ORDER);
    frame_free_order(first, BLOCK_ORDER);
    assert_filled(first, B);
    first = fixture_alloc_order(4);
    frame_free_order(first, 4);
    assert_filled(first, 16);
    first = fixture_alloc_order(BLOCK_ORDER + 1);
    frame_free_order(first, BLOCK_ORDER + 1);
    assert_filled(first, 2 * B);
    first = fixture_alloc_run(2 * B + 5);
    assert_int_equal(calls, 0); /* what the last block had too much was nobody's */
    frame_free_run(first + 7, B);
    assert_filled(first + 7, B);
    frame_free_run(first, 7);
    assert_filled(first, 7);
    frame_free_run(first + 7 + B, B - 2);
    assert_filled(first + 7 + B, B - 2);
}

/* The fast paths remember a span and a limit: neither may come back while memory is filled. */
static void the_fast_paths_stay_off_as_long_as_memory_is_filled(void **state)
{
    pfn_t frames[4];
    pfn_t block;

    (void)state;
    begin();
    for (unsigned i = 0; i < 4; i++) {
        frames[i] = frame_alloc();
    }
    block = fixture_alloc_order(BLOCK_ORDER);
    frame_free(frames[0]);
    frame_free(frames[1]);
    assert_int_not_equal(frame_pool.span_count, 0);
    assert_int_equal(frame_pool.fast_blocks, frame_pool.open_blocks);
    frame_set_fill(fill);
    frame_free(frames[2]);
    assert_filled(frames[2], 1);
    frame_free(frames[3]);
    assert_filled(frames[3], 1);
    frame_free_order(block, BLOCK_ORDER);
    assert_filled(block, B);
    assert_int_equal(frame_pool.span_count, 0);
    assert_int_equal(frame_pool.fast_blocks, 0);
}

static void opening_an_area_does_not_bring_the_fast_path_back(void **state)
{
    static const struct frame_range ranges[] = { { B, 2 * AREA_FRAMES - B } };
    pfn_t first;

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 1, false), OK);
    frame_set_fill(fill);
    memset(fills, 0, sizeof(fills));
    calls = 0;
    first = fixture_alloc_order(BLOCK_ORDER);
    assert_int_equal(first, B);
    (void)fixture_alloc_run(AREA_FRAMES); /* reaches the second area */
    assert_int_equal(frame_pool.open_blocks, 2 * AREA_BLOCKS);
    frame_free_order(first, BLOCK_ORDER);
    assert_filled(first, B);
}

static void what_the_balloon_gives_back_is_left_as_it_is(void **state)
{
    pfn_t first;
    pfn_t count;

    (void)state;
    begin();
    frame_set_fill(fill);
    assert_int_equal(frame_take_run(2 * B, &first, &count), OK);
    frame_give_run(first, B);
    frame_give_run_backed(first + B, B);
    assert_int_equal(calls, 0);
}

static void without_the_hook_nothing_is_filled_and_the_fast_paths_are_back(void **state)
{
    pfn_t pfn;
    pfn_t block;

    (void)state;
    begin();
    pfn = frame_alloc();
    frame_set_fill(fill);
    frame_free(pfn);
    assert_filled(pfn, 1);
    frame_set_fill(NULL);
    pfn = frame_alloc();
    (void)frame_alloc();
    block = fixture_alloc_order(BLOCK_ORDER);
    frame_free(pfn); /* the first finds the span again */
    frame_free_order(block, BLOCK_ORDER);
    assert_int_equal(calls, 0);
    assert_int_not_equal(frame_pool.span_count, 0);
    assert_int_equal(frame_pool.fast_blocks, frame_pool.open_blocks);
    frame_check();
}

static void a_mistaken_free_fills_nothing(void **state)
{
    pfn_t pfn;

    (void)state;
    begin();
    pfn = frame_alloc();
    (void)frame_alloc();
    frame_free(pfn);
    frame_set_fill(fill);
    assert_true(EXPECT_PANIC(frame_free(pfn)));
    assert_int_equal(calls, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_way_to_free_fills_each_frame_once, fixture_stop),
        cmocka_unit_test_teardown(the_fast_paths_stay_off_as_long_as_memory_is_filled,
                                  fixture_stop),
        cmocka_unit_test_teardown(opening_an_area_does_not_bring_the_fast_path_back, fixture_stop),
        cmocka_unit_test_teardown(what_the_balloon_gives_back_is_left_as_it_is, fixture_stop),
        cmocka_unit_test_teardown(without_the_hook_nothing_is_filled_and_the_fast_paths_are_back,
                                  fixture_stop),
        cmocka_unit_test_teardown(a_mistaken_free_fills_nothing, fixture_stop),
    };

    return cmocka_run_group_tests_name("mm/frame_run.c, filling", tests, NULL, NULL);
}
