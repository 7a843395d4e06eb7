/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of the page-frame allocator: start, choice of frames, merging, misuse. The memory that
 * is managed does not exist, which proves by itself that free frames are never touched.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "mm/frame.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/frame_fixture.h"

#define B BLOCK_FRAMES

/* ---- policy ---- */

static void partly_used_blocks_are_filled_first_at_the_lowest_address(void **state)
{
    pfn_t frames[3 * B];

    (void)state;
    fixture_start(8, false);
    for (unsigned i = 0; i < 3 * B; i++) {
        frames[i] = frame_alloc();
        assert_int_equal(frames[i], B + i);
    }
    frame_free(frames[2 * B + 100]);
    frame_free(frames[700]);
    frame_free(frames[5]);
    frame_free(frames[699]);
    assert_int_equal(frame_alloc(), frames[5]);
    assert_int_equal(frame_alloc(), frames[699]);
    assert_int_equal(frame_alloc(), frames[700]);
    assert_int_equal(frame_alloc(), frames[2 * B + 100]);
    assert_int_equal(frame_alloc(), 4 * B);
    frame_check();
}

static void backed_blocks_are_broken_before_returned_ones(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(8, false);
    first = fixture_alloc_order(BLOCK_ORDER + 1);
    assert_int_equal(first, 2 * B);
    frame_free_order(first, BLOCK_ORDER + 1);
    assert_int_equal(fixture_stats().free_backed, 2 * B);
    /* Block 1 is lower, but returned. */
    assert_int_equal(frame_alloc(), 2 * B);
    assert_int_equal(fixture_alloc_order(BLOCK_ORDER), 3 * B);
    assert_int_equal(fixture_alloc_order(BLOCK_ORDER), B);
    assert_int_equal(fixture_stats().free_returned, 5 * B);
}

static void a_warm_start_prefers_unreached_areas_to_returned_blocks(void **state)
{
    static const struct frame_range range = { B, 600 * B };
    pfn_t first;

    (void)state;
    assert_int_equal(fixture_start_ranges(&range, 1, true), OK);
    fixture_assert_take(511 * B, B, 511 * B);
    frame_give_run(B, 511 * B);
    assert_int_equal(fixture_stats().free_returned, 511 * B);
    first = fixture_alloc_order(BLOCK_ORDER);
    assert_int_equal(first, AREA_FRAMES);
    frame_check();
}

static void orders_are_naturally_aligned(void **state)
{
    (void)state;
    fixture_start(1100, false);
    (void)frame_alloc();
    for (unsigned order = 0; order < FRAME_ORDER_MAX; order++) {
        assert_int_equal(fixture_alloc_order(order) % (1U << order), 0);
    }
    frame_check();
}

static void small_orders_share_blocks(void **state)
{
    (void)state;
    fixture_start(4, false);
    for (unsigned order = 0; order < BLOCK_ORDER; order++) {
        assert_int_equal(fixture_alloc_order(order) / B, 1);
    }
    assert_int_equal(fixture_stats().free_returned, 3 * B);
    assert_int_equal(fixture_alloc_order(0), B + 1);
    assert_int_equal(fixture_stats().free_returned, 3 * B);
}

static void order_18_is_one_gibibyte(void **state)
{
    static const struct frame_range range = { 700, 3 * AREA_FRAMES };
    pfn_t first;

    (void)state;
    assert_int_equal(fixture_start_ranges(&range, 1, false), OK);
    assert_int_equal(fixture_alloc_order(18), AREA_FRAMES);
    assert_int_equal(fixture_alloc_order(18), 2 * AREA_FRAMES);
    assert_int_equal(frame_alloc_order(18, &first), ERR_NOMEM);
    frame_free_order(AREA_FRAMES, 18);
    assert_int_equal(fixture_alloc_order(18), AREA_FRAMES);
    assert_int_equal(frame_alloc_order(19, &first), ERR_RANGE);
    assert_int_equal(frame_alloc_order(UINT32_MAX, &first), ERR_RANGE);
    assert_false(frame_held());
    frame_check();
}

static void runs_cross_areas_and_return_their_tail(void **state)
{
    static const struct frame_range range = { AREA_FRAMES - 3 * B, 10 * B };
    pfn_t first;

    (void)state;
    assert_int_equal(fixture_start_ranges(&range, 1, false), OK);
    first = fixture_alloc_run(8 * B + 1);
    assert_int_equal(first, AREA_FRAMES - 3 * B);
    assert_int_equal(fixture_stats().in_use, 8 * B + 1);
    /* The tail is partly used, so it is filled before the tenth block is broken. */
    assert_int_equal(frame_alloc(), first + 8 * B + 1);
    assert_int_equal(frame_alloc_run(2 * B, &first), ERR_NOMEM);
    frame_free_run(AREA_FRAMES - 3 * B, 8 * B + 2);
    assert_int_equal(fixture_alloc_run(10 * B), AREA_FRAMES - 3 * B);
    frame_check();
}

static void runs_shorter_than_a_block_stay_inside_one(void **state)
{
    (void)state;
    fixture_start(4, false);
    assert_int_equal(fixture_alloc_run(300), B);
    assert_int_equal(fixture_alloc_run(300), 2 * B);
    assert_int_equal(fixture_alloc_run(212), B + 300);
    assert_int_equal(fixture_alloc_run(B - 1), 3 * B);
    assert_int_equal(fixture_alloc_run(1), 2 * B + 300);
    frame_check();
}

static void fragments_are_searched_for_a_run_that_fits(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(1, false);
    assert_int_equal(fixture_alloc_run(B - 1), B);
    assert_int_equal(frame_alloc(), 2 * B - 1);
    for (pfn_t pfn = B; pfn < 2 * B; pfn += 2) {
        frame_free(pfn);
    }
    assert_int_equal(frame_free_count(), B / 2);
    assert_int_equal(frame_alloc_order(1, &first), ERR_NOMEM);
    assert_int_equal(frame_alloc_run(2, &first), ERR_NOMEM);
    frame_free(B + 63);
    assert_int_equal(frame_alloc_order(2, &first), ERR_NOMEM);
    assert_int_equal(fixture_alloc_run(3), B + 62);
    frame_check();
}

/* 100 blocks in which no two neighbours are free, then one with a pair, then two whole ones. */
static void a_whole_block_is_broken_rather_than_all_of_a_fragmented_memory_searched(void **state)
{
    pfn_t whole = 102 * B;

    (void)state;
    fixture_start(103, false);
    assert_int_equal(fixture_alloc_run(101 * B), B);
    for (pfn_t pfn = B; pfn < whole - B; pfn += 2) {
        frame_free(pfn);
    }
    frame_free_run(whole - 2, 2);
    assert_int_equal(fixture_alloc_order(1), whole);
    /* Without a whole block every fragment counts. */
    assert_int_equal(fixture_alloc_order(BLOCK_ORDER), whole + B);
    assert_int_equal(fixture_alloc_run(B - 2), whole + 2);
    assert_int_equal(fixture_alloc_order(1), whole - 2);
    frame_check();
}

/* ---- exhaustion and merging ---- */

static void free_all_then_a_maximal_block_is_allocatable_again(void **state)
{
    static pfn_t frames[AREA_FRAMES];
    static const struct frame_range range = { AREA_FRAMES, AREA_FRAMES };

    (void)state;
    assert_int_equal(fixture_start_ranges(&range, 1, false), OK);
    for (unsigned i = 0; i < AREA_FRAMES; i++) {
        frames[i] = frame_alloc();
        assert_int_equal(frames[i], AREA_FRAMES + i);
    }
    assert_int_equal(frame_alloc(), PFN_NONE);
    assert_int_equal(frame_free_count(), 0);
    frame_check();
    /* Odd ones first, so that nothing can merge until the very end. */
    for (unsigned i = 1; i < AREA_FRAMES; i += 2) {
        frame_free(frames[i]);
    }
    for (unsigned i = 0; i < AREA_FRAMES; i += 2) {
        frame_free(frames[i]);
    }
    assert_int_equal(fixture_stats().free_backed, AREA_FRAMES);
    assert_int_equal(fixture_alloc_order(FRAME_ORDER_MAX), AREA_FRAMES);
    frame_check();
}

static void exhaustion_is_reported_by_every_function(void **state)
{
    pfn_t first;
    pfn_t count;

    (void)state;
    fixture_start(2, false);
    (void)fixture_alloc_run(2 * B);
    assert_int_equal(frame_alloc(), PFN_NONE);
    assert_int_equal(frame_alloc_order(0, &first), ERR_NOMEM);
    assert_int_equal(frame_alloc_order(BLOCK_ORDER, &first), ERR_NOMEM);
    assert_int_equal(frame_alloc_run(1, &first), ERR_NOMEM);
    assert_int_equal(frame_alloc_run(UINT32_MAX, &first), ERR_NOMEM);
    assert_int_equal(frame_take_run(1, &first, &count), ERR_NOMEM);
    assert_int_equal(frame_take_run(B, &first, &count), ERR_NOMEM);
    assert_int_equal(count, 0);
    assert_false(frame_held());
}

static void any_part_of_an_allocation_may_be_freed(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(8, false);
    first = fixture_alloc_run(4 * B);
    frame_free(first + B + 7);
    frame_free_run(first + 2 * B - 10, 20);
    frame_free_order(first, 3);
    assert_int_equal(fixture_stats().in_use, 4 * B - 29);
    assert_int_equal(frame_state(first + B + 7), FRAME_FREE_BACKED);
    assert_int_equal(frame_state(first + B + 8), FRAME_IN_USE);
    frame_check();
    frame_free_run(first + 8, B - 8);
    frame_free_run(first + B, 7);
    frame_free_run(first + B + 8, B - 18);
    frame_free_run(first + 2 * B + 10, 2 * B - 10);
    assert_int_equal(fixture_stats().in_use, 0);
    assert_int_equal(fixture_stats().free_backed, 4 * B);
    frame_check();
}

/* ---- misuse ---- */

static void freeing_what_is_not_in_use_panics(void **state)
{
    static const struct frame_range ranges[] = { { 10, 3 * B }, { 5 * B, B } };
    pfn_t pfn;
    pfn_t first;

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 2, false), OK);
    assert_true(EXPECT_PANIC(frame_free(10))); /* nothing was ever allocated */
    assert_int_equal(fixture_start_ranges(ranges, 2, false), OK);
    pfn = frame_alloc();
    (void)frame_alloc();
    frame_free(pfn);
    assert_true(EXPECT_PANIC(frame_free(pfn)));
    assert_non_null(strstr(fake_seams.panic_text, "0xa"));
    assert_true(EXPECT_PANIC(frame_free(9)));
    assert_true(EXPECT_PANIC(frame_free(3 * B + 10))); /* one behind the range, in a split block */
    assert_true(EXPECT_PANIC(frame_free(0)));
    assert_true(EXPECT_PANIC(frame_free(4 * B)));
    assert_true(EXPECT_PANIC(frame_free(PFN_NONE)));
    assert_true(EXPECT_PANIC(frame_free(2 * B)));
    assert_true(EXPECT_PANIC(frame_free_order(2 * B, BLOCK_ORDER)));
    assert_true(EXPECT_PANIC(frame_free_run(10, 0)));
    assert_true(EXPECT_PANIC(frame_free_run(10, UINT32_MAX)));
    first = fixture_alloc_order(BLOCK_ORDER);
    assert_true(EXPECT_PANIC(frame_free_order(first + 1, BLOCK_ORDER)));
    assert_true(EXPECT_PANIC(frame_free_order(first, FRAME_ORDER_MAX + 1)));
    frame_free_order(first, BLOCK_ORDER);
    assert_true(EXPECT_PANIC(frame_free_order(first, BLOCK_ORDER)));
    assert_true(EXPECT_PANIC(frame_free(first)));
}

static void giving_back_what_is_not_away_panics(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(4, false);
    first = fixture_alloc_order(BLOCK_ORDER);
    assert_true(EXPECT_PANIC(frame_give_run(first, 1)));
    fixture_start(4, false);
    first = fixture_alloc_order(BLOCK_ORDER);
    fixture_assert_take(B, 2 * B, B);
    assert_true(EXPECT_PANIC(frame_give_run(first, B)));
    assert_true(EXPECT_PANIC(frame_give_run(3 * B, 1)));
    assert_true(EXPECT_PANIC(frame_free(2 * B)));
    assert_true(EXPECT_PANIC(frame_free_order(2 * B, BLOCK_ORDER)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(partly_used_blocks_are_filled_first_at_the_lowest_address),
        cmocka_unit_test(backed_blocks_are_broken_before_returned_ones),
        cmocka_unit_test(a_warm_start_prefers_unreached_areas_to_returned_blocks),
        cmocka_unit_test(orders_are_naturally_aligned),
        cmocka_unit_test(small_orders_share_blocks),
        cmocka_unit_test(order_18_is_one_gibibyte),
        cmocka_unit_test(runs_cross_areas_and_return_their_tail),
        cmocka_unit_test(runs_shorter_than_a_block_stay_inside_one),
        cmocka_unit_test(fragments_are_searched_for_a_run_that_fits),
        cmocka_unit_test(a_whole_block_is_broken_rather_than_all_of_a_fragmented_memory_searched),
        cmocka_unit_test(free_all_then_a_maximal_block_is_allocatable_again),
        cmocka_unit_test(exhaustion_is_reported_by_every_function),
        cmocka_unit_test(any_part_of_an_allocation_may_be_freed),
        cmocka_unit_test(freeing_what_is_not_in_use_panics),
        cmocka_unit_test(giving_back_what_is_not_away_panics),
    };

    return cmocka_run_group_tests_name("mm/frame.c", tests, NULL, fixture_stop);
}
