/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of the balloon's side of the page-frame allocator, its watch, its mark, its validator.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "mm/frame.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/frame_fixture.h"

#define B BLOCK_FRAMES

static unsigned fired;
static uint64_t free_when_fired;

static void on_fire(void)
{
    fired++;
    free_when_fired = frame_free_count();
}

/* ---- the balloon's side ---- */

static void take_gives_ascending_contiguous_whole_blocks(void **state)
{
    static const struct frame_range ranges[] = { { 100, AREA_FRAMES + 10 * B },
                                                 { 2 * AREA_FRAMES, 4 * B } };

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 2, false), OK);
    /* Crossing the border of an area, ending before the block that is partly outside. */
    fixture_assert_take(UINT32_MAX, B, AREA_FRAMES + 9 * B);
    fixture_assert_take(3 * B + 511, 2 * AREA_FRAMES, 3 * B);
    fixture_assert_take(3 * B, 2 * AREA_FRAMES + 3 * B, B);
    assert_int_equal(frame_state(B), FRAME_AWAY);
    /* Only blocks partly outside memory are left. */
    fixture_assert_take(UINT32_MAX, 100, B - 100);
    fixture_assert_take(10, AREA_FRAMES + 10 * B, 10);
    assert_int_equal(frame_state(100), FRAME_IN_USE);
    assert_int_equal(fixture_stats().in_use, 0);
    frame_check();
}

static void take_prefers_backed_blocks_and_does_not_mix(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(8, false);
    first = fixture_alloc_order(BLOCK_ORDER + 1);
    frame_free_order(first, BLOCK_ORDER + 1);
    fixture_assert_take(8 * B, 2 * B, 2 * B);
    fixture_assert_take(8 * B, B, B);
    fixture_assert_take(8 * B, 4 * B, 5 * B);
    frame_check();
}

static void a_small_take_uses_partly_used_blocks_first(void **state)
{
    (void)state;
    fixture_start(3, false);
    fixture_assert_take(5, B, 5); /* nothing is partly used: a block is broken */
    (void)fixture_alloc_order(3);
    fixture_assert_take(100, B + 5, 3);
    fixture_assert_take(100, B + 16, 100);
    assert_int_equal(fixture_stats().away, 108);
    assert_int_equal(fixture_stats().in_use, 8);
    assert_int_equal(fixture_stats().free_returned, 2 * B);
    frame_check();
}

static void blocks_given_back_whole_are_returned_and_others_are_backed(void **state)
{
    (void)state;
    fixture_start(4, true);
    fixture_assert_take(4 * B, B, 4 * B);
    assert_int_equal(frame_alloc(), PFN_NONE);
    frame_give_run(B, 2 * B);
    assert_int_equal(fixture_stats().free_returned, 2 * B);
    frame_give_run(3 * B + 10, 1);
    assert_int_equal(frame_state(3 * B + 10), FRAME_FREE_BACKED);
    assert_int_equal(frame_state(3 * B + 11), FRAME_IN_USE);
    assert_int_equal(fixture_stats().away, 2 * B - 1);
    frame_check();
    frame_give_run(3 * B + 11, 2 * B - 11);
    frame_give_run(3 * B, 10);
    assert_int_equal(fixture_stats().away, 0);
    assert_int_equal(fixture_stats().free_returned, 3 * B);
    assert_int_equal(fixture_stats().free_backed, B);
    frame_check();
}

/* ---- whole blocks for reports and hints ---- */

static void assert_take_blocks(enum frame_state kind, pfn_t from, pfn_t max, pfn_t first,
                               pfn_t count)
{
    pfn_t got_first = PFN_NONE;
    pfn_t got_count = 0;

    assert_int_equal(frame_take_blocks(kind, from, max, &got_first, &got_count), OK);
    assert_int_equal(got_first, first);
    assert_int_equal(got_count, count);
}

static void a_walk_meets_every_block_of_its_kind_once(void **state)
{
    pfn_t first;
    pfn_t count;

    (void)state;
    fixture_start(8, false);
    first = fixture_alloc_run(4 * B);
    frame_free_run(first, B);
    frame_free_run(first + 2 * B, B + 1); /* the last block of the four is partly used */
    assert_take_blocks(FRAME_FREE_BACKED, 0, 8 * B, B, B);
    assert_take_blocks(FRAME_FREE_BACKED, 2 * B, 8 * B, 3 * B, B);
    assert_int_equal(frame_take_blocks(FRAME_FREE_BACKED, 4 * B, B, &first, &count), ERR_NOMEM);
    assert_take_blocks(FRAME_FREE_RETURNED, 0, 3 * B - 1, 5 * B, 2 * B);
    assert_take_blocks(FRAME_FREE_RETURNED, 7 * B, 8 * B, 7 * B, 2 * B);
    assert_int_equal(frame_take_blocks(FRAME_FREE_RETURNED, 0, B, &first, &count), ERR_NOMEM);
    assert_int_equal(frame_take_blocks(FRAME_FREE_RETURNED, PFN_NONE, B, &first, &count),
                     ERR_NOMEM);
    assert_int_equal(count, 0);
    assert_int_equal(fixture_stats().away, 6 * B);
    assert_int_equal(frame_state(7 * B), FRAME_AWAY);
    frame_check();
}

static void a_walk_begins_at_the_first_whole_block_after_its_start(void **state)
{
    (void)state;
    fixture_start(8, true);
    assert_take_blocks(FRAME_FREE_BACKED, 3 * B + 1, B, 4 * B, B);
    assert_take_blocks(FRAME_FREE_BACKED, 3 * B, 8 * B, 3 * B, B);
    frame_check();
}

static void a_walk_crosses_areas_that_were_never_used(void **state)
{
    static const struct frame_range ranges[] = { { 100, AREA_FRAMES + 10 * B },
                                                 { 5 * AREA_FRAMES, 4 * B } };

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 2, true), OK);
    assert_take_blocks(FRAME_FREE_BACKED, 5 * AREA_FRAMES + 1, B, 5 * AREA_FRAMES + B, B);
    assert_take_blocks(FRAME_FREE_BACKED, 0, UINT32_MAX, B, AREA_FRAMES + 9 * B);
    assert_int_equal(fixture_start_ranges(ranges, 2, false), OK);
    assert_take_blocks(FRAME_FREE_RETURNED, 0, UINT32_MAX, B, AREA_FRAMES + 9 * B);
    assert_take_blocks(FRAME_FREE_RETURNED, 2 * AREA_FRAMES, UINT32_MAX, 5 * AREA_FRAMES, 4 * B);
    frame_check();
}

static void looking_for_backed_blocks_opens_no_fresh_area(void **state)
{
    static const struct frame_range ranges[] = { { AREA_FRAMES, AREA_FRAMES } };
    pfn_t first;
    pfn_t count;

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 1, false), OK);
    assert_int_equal(frame_take_blocks(FRAME_FREE_BACKED, 0, B, &first, &count), ERR_NOMEM);
    for (size_t i = 0; i < fixture_metadata_bytes; i++) {
        assert_int_equal(fixture_metadata[i], FIXTURE_GARBAGE);
    }
}

static void blocks_come_back_in_the_state_that_the_balloon_tells(void **state)
{
    (void)state;
    fixture_start(4, false);
    assert_take_blocks(FRAME_FREE_RETURNED, 0, 4 * B, B, 4 * B);
    frame_give_run_backed(B, B);
    assert_int_equal(frame_state(B), FRAME_FREE_BACKED);
    frame_give_run(2 * B, B);
    assert_int_equal(frame_state(2 * B), FRAME_FREE_RETURNED);
    frame_give_run_backed(3 * B + 1, 2 * B - 1);
    assert_int_equal(frame_state(4 * B), FRAME_FREE_BACKED);
    frame_give_run(3 * B, 1); /* in pieces: backed, whatever is said */
    assert_int_equal(frame_state(3 * B), FRAME_FREE_BACKED);
    assert_int_equal(fixture_stats().free_returned, B);
    assert_int_equal(fixture_stats().reportable, 3 * B);
    assert_true(EXPECT_PANIC(frame_give_run_backed(B, B)));
}

/* ---- the watch and the mark ---- */

static void the_watch_fires_once_when_enough_is_free(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(4, false);
    first = fixture_alloc_run(4 * B);
    fired = 0;
    frame_watch(2, on_fire);
    frame_free(first);
    frame_free(first + 1);
    assert_int_equal(fired, 0);
    frame_free(first + 2);
    assert_int_equal(fired, 1);
    assert_int_equal(free_when_fired, 3);
    assert_int_equal(frame_free_count(), 3);
    frame_free(first + 3);
    assert_int_equal(fired, 1);
    frame_check();
}

static void the_watch_sees_every_kind_of_free(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(8, false);
    first = fixture_alloc_run(8 * B);
    fired = 0;
    frame_watch(0, on_fire);
    frame_free_order(first, BLOCK_ORDER);
    frame_watch(B, on_fire);
    frame_free_run(first + B, 3);
    frame_watch(B + 3, on_fire);
    frame_free(first + B + 3);
    frame_watch(B + 4, on_fire);
    frame_free_order(first + 2 * B, 4);
    assert_int_equal(fired, 4);
    frame_watch(0, on_fire);
    frame_watch(0, NULL);
    frame_free(first + 3 * B);
    assert_int_equal(fired, 4);
}

static void a_give_leaves_the_watch_to_the_next_free(void **state)
{
    pfn_t pfn;

    (void)state;
    fixture_start(4, false);
    pfn = frame_alloc();
    fixture_assert_take(3 * B, 2 * B, 3 * B);
    fired = 0;
    frame_watch(2 * B, on_fire);
    frame_give_run(2 * B, 3 * B);
    assert_int_equal(fired, 0);
    assert_int_equal(frame_free_count(), 4 * B - 1);
    (void)fixture_stats();
    frame_check();
    frame_free(pfn);
    assert_int_equal(fired, 1);
    assert_int_equal(frame_free_count(), 4 * B);
}

static void held_at_fire(void)
{
    fired++;
    assert_false(frame_held());
}

static void the_allocator_is_not_held_between_calls(void **state)
{
    pfn_t pfn;

    (void)state;
    fixture_start(4, false);
    assert_false(frame_held());
    pfn = frame_alloc();
    assert_false(frame_held());
    fired = 0;
    frame_watch(1, held_at_fire);
    frame_free(pfn);
    assert_int_equal(fired, 1);
    assert_false(frame_held());
    pfn = frame_alloc();
    assert_true(EXPECT_PANIC(frame_free(pfn + 1)));
    assert_true(frame_held()); /* the panic came in the middle of it */
}

static void the_validator_notices_a_changed_bit(void **state)
{
    (void)state;
    fixture_start(4, false);
    (void)frame_alloc();
    frame_check();
    /* The bits of the frames end the metadata: 64 bytes per block, 512 blocks here. Frame 1 of
     * block 1 is free; say that it is not. */
    fixture_metadata[fixture_metadata_bytes - 511 * (B / 8)] ^= 2;
    assert_true(EXPECT_PANIC(frame_check()));
    fixture_metadata[fixture_metadata_bytes - 511 * (B / 8)] ^= 2;
    frame_check();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(take_gives_ascending_contiguous_whole_blocks),
        cmocka_unit_test(take_prefers_backed_blocks_and_does_not_mix),
        cmocka_unit_test(a_small_take_uses_partly_used_blocks_first),
        cmocka_unit_test(blocks_given_back_whole_are_returned_and_others_are_backed),
        cmocka_unit_test(a_walk_meets_every_block_of_its_kind_once),
        cmocka_unit_test(a_walk_begins_at_the_first_whole_block_after_its_start),
        cmocka_unit_test(a_walk_crosses_areas_that_were_never_used),
        cmocka_unit_test(looking_for_backed_blocks_opens_no_fresh_area),
        cmocka_unit_test(blocks_come_back_in_the_state_that_the_balloon_tells),
        cmocka_unit_test(the_watch_fires_once_when_enough_is_free),
        cmocka_unit_test(the_watch_sees_every_kind_of_free),
        cmocka_unit_test(a_give_leaves_the_watch_to_the_next_free),
        cmocka_unit_test(the_allocator_is_not_held_between_calls),
        cmocka_unit_test(the_validator_notices_a_changed_bit),
    };

    return cmocka_run_group_tests_name("mm/frame_away.c", tests, NULL, fixture_stop);
}
