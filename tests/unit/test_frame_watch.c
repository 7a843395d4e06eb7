/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests of whom the page-frame allocator calls: the watch of reportable frames and the reclaim
 * hook. The watch of free frames is tested with the balloon's side, in test_frame_away.c. */

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
static uint64_t reportable_when_fired;

static void on_fire(void)
{
    fired++;
    assert_false(frame_held());
    reportable_when_fired = frame_reportable_count();
}

/* ---- the watch of reportable frames ---- */

static void only_whole_backed_blocks_are_reportable(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(4, false);
    assert_int_equal(frame_reportable_count(), 0); /* returned, all of them */
    first = fixture_alloc_run(3 * B);
    frame_free_run(first, 2 * B);
    assert_int_equal(frame_reportable_count(), 2 * B);
    frame_free_run(first + 2 * B, B - 1);
    assert_int_equal(frame_reportable_count(), 2 * B);
    assert_int_equal(fixture_stats().reportable, 2 * B);
    assert_int_equal(fixture_stats().free_backed, 3 * B - 1);
    frame_free(first + 3 * B - 1);
    assert_int_equal(frame_reportable_count(), 3 * B);
    (void)fixture_alloc_order(BLOCK_ORDER);
    assert_int_equal(frame_reportable_count(), 2 * B);
    (void)frame_alloc();
    assert_int_equal(frame_reportable_count(), B);
    frame_check();
}

static void after_a_warm_start_all_whole_blocks_are_reportable(void **state)
{
    static const struct frame_range ranges[] = { { 100, AREA_FRAMES + 10 * B } };

    (void)state;
    assert_int_equal(fixture_start_ranges(ranges, 1, true), OK);
    assert_int_equal(frame_reportable_count(), AREA_FRAMES + 9 * B);
    frame_check();
    (void)fixture_alloc_order(BLOCK_ORDER);
    assert_int_equal(frame_reportable_count(), AREA_FRAMES + 8 * B);
    frame_check();
}

static void the_watch_fires_once_when_a_free_completes_enough_blocks(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(4, false);
    first = fixture_alloc_run(4 * B);
    fired = 0;
    frame_watch_reportable(B + B / 2, on_fire);
    frame_free_order(first, BLOCK_ORDER);
    frame_free_run(first + B, B - 1);
    assert_int_equal(fired, 0);
    frame_free(first + 2 * B - 1); /* the last frame of the second block */
    assert_int_equal(fired, 1);
    assert_int_equal(reportable_when_fired, 2 * B);
    frame_free_order(first + 2 * B, BLOCK_ORDER);
    assert_int_equal(fired, 1);
    frame_check();
}

static void every_way_to_complete_a_block_fires_the_watch(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(8, false);
    first = fixture_alloc_run(8 * B);
    fired = 0;
    frame_watch_reportable(0, on_fire);
    frame_free_order(first, BLOCK_ORDER);
    assert_int_equal(fired, 1);
    frame_watch_reportable(B, on_fire);
    frame_free_order(first + B, BLOCK_ORDER + 1);
    assert_int_equal(fired, 2);
    frame_watch_reportable(3 * B, on_fire);
    frame_free_run(first + 3 * B, B);
    assert_int_equal(fired, 3);
    frame_free_run(first + 4 * B, B - 8);
    frame_watch_reportable(4 * B, on_fire);
    frame_free_order(first + 5 * B - 8, 3);
    assert_int_equal(fired, 4);
    frame_watch_reportable(5 * B, on_fire);
    frame_watch_reportable(5 * B, NULL);
    frame_free_order(first + 5 * B, BLOCK_ORDER);
    assert_int_equal(fired, 4);
    assert_int_equal(frame_reportable_count(), 6 * B);
}

static void a_backed_give_leaves_the_watch_to_a_later_free(void **state)
{
    pfn_t away;
    pfn_t count;
    pfn_t used;

    (void)state;
    fixture_start(4, true);
    used = fixture_alloc_order(BLOCK_ORDER);
    assert_int_equal(frame_take_blocks(FRAME_FREE_BACKED, 0, 2 * B, &away, &count), OK);
    fired = 0;
    frame_watch_reportable(2 * B, on_fire);
    frame_give_run_backed(away, count);
    assert_int_equal(frame_reportable_count(), 3 * B);
    assert_int_equal(fired, 0);
    frame_check();
    frame_free_order(used, BLOCK_ORDER);
    assert_int_equal(fired, 1);
}

static void both_watches_fire_at_one_free(void **state)
{
    pfn_t first;

    (void)state;
    fixture_start(4, false);
    first = fixture_alloc_order(BLOCK_ORDER);
    fired = 0;
    frame_watch(3 * B, on_fire);
    frame_watch_reportable(0, on_fire);
    frame_free_order(first, BLOCK_ORDER);
    assert_int_equal(fired, 2);
    frame_check();
}

/* ---- the reclaim hook ---- */

static unsigned asked;
static pfn_t asked_for;
static pfn_t hidden_first; /* what the hook has to give */
static pfn_t hidden_count;
static bool seen_reclaiming;

static bool give_hidden(pfn_t count)
{
    assert_false(frame_held());
    seen_reclaiming = frame_reclaiming();
    asked++;
    asked_for = count;
    if (hidden_count == 0) {
        return false;
    }
    frame_give_run(hidden_first, hidden_count);
    hidden_count = 0;
    return true;
}

/* Four blocks, all of them away; the hook has the last two. */
static void start_with_all_away(void)
{
    fixture_start(4, false);
    fixture_assert_take(4 * B, B, 4 * B);
    hidden_first = 3 * B;
    hidden_count = 2 * B;
    asked = 0;
    frame_set_reclaim(give_hidden);
}

static void an_allocation_that_would_fail_asks_the_hook_and_looks_again(void **state)
{
    (void)state;
    start_with_all_away();
    assert_int_equal(frame_alloc(), 3 * B);
    assert_int_equal(asked, 1);
    assert_int_equal(asked_for, 1);
    assert_true(seen_reclaiming);
    assert_false(frame_reclaiming());
    assert_int_equal(frame_alloc(), 3 * B + 1);
    assert_int_equal(asked, 1);

    start_with_all_away();
    assert_int_equal(fixture_alloc_order(BLOCK_ORDER), 3 * B);
    assert_int_equal(asked_for, B);

    start_with_all_away();
    assert_int_equal(fixture_alloc_run(B + 3), 3 * B);
    assert_int_equal(asked_for, B + 3);
    frame_check();
}

static void a_hook_that_has_nothing_lets_the_allocation_fail(void **state)
{
    pfn_t first;

    (void)state;
    start_with_all_away();
    hidden_count = 0;
    assert_int_equal(frame_alloc(), PFN_NONE);
    assert_int_equal(frame_alloc_order(3, &first), ERR_NOMEM);
    assert_int_equal(frame_alloc_run(7, &first), ERR_NOMEM);
    assert_int_equal(asked, 3);
    frame_check();
}

static bool lie(pfn_t count)
{
    (void)count;
    asked++;
    return true;
}

static void a_hook_that_lies_is_asked_a_few_times_only(void **state)
{
    (void)state;
    start_with_all_away();
    frame_set_reclaim(lie);
    assert_int_equal(frame_alloc(), PFN_NONE);
    assert_int_equal(asked, FRAME_RECLAIM_ROUNDS);
    assert_false(frame_held());
}

static void what_can_never_be_is_not_asked_for(void **state)
{
    pfn_t first;

    (void)state;
    start_with_all_away();
    assert_int_equal(frame_alloc_run(4 * B + 1, &first), ERR_NOMEM);
    assert_int_equal(frame_alloc_order(FRAME_ORDER_MAX + 1, &first), ERR_RANGE);
    assert_int_equal(asked, 0);
}

static void taking_for_the_balloon_asks_nobody(void **state)
{
    pfn_t first;
    pfn_t count;

    (void)state;
    start_with_all_away();
    assert_int_equal(frame_take_run(1, &first, &count), ERR_NOMEM);
    assert_int_equal(frame_take_blocks(FRAME_FREE_BACKED, 0, B, &first, &count), ERR_NOMEM);
    assert_int_equal(frame_take_blocks(FRAME_FREE_RETURNED, 0, B, &first, &count), ERR_NOMEM);
    assert_int_equal(asked, 0);
}

static pfn_t inner = PFN_NONE;

static bool allocate_in_hook(pfn_t count)
{
    pfn_t first;
    bool more;

    assert_int_equal(frame_alloc_run(count, &first), ERR_NOMEM); /* and does not ask */
    more = give_hidden(count);
    inner = frame_alloc();
    return more;
}

static void an_allocation_inside_the_hook_does_not_ask_it_again(void **state)
{
    (void)state;
    start_with_all_away();
    frame_set_reclaim(allocate_in_hook);
    assert_int_equal(frame_alloc(), 3 * B + 1);
    assert_int_equal(inner, 3 * B);
    assert_int_equal(asked, 1);
    frame_check();
}

static void a_removed_hook_is_not_asked(void **state)
{
    (void)state;
    start_with_all_away();
    frame_set_reclaim(NULL);
    assert_int_equal(frame_alloc(), PFN_NONE);
    assert_int_equal(asked, 0);
}

static bool taken_in_hook;

/* As the balloon's work on the way out of an interrupt would. */
static bool give_and_be_robbed(pfn_t count)
{
    bool more = give_hidden(count);
    pfn_t first;
    pfn_t some;

    taken_in_hook = frame_take_run(B, &first, &some) == OK ||
                    frame_take_blocks(FRAME_FREE_RETURNED, 0, B, &first, &some) == OK;
    return more;
}

static void what_the_hook_frees_is_not_taken_for_the_balloon(void **state)
{
    pfn_t first;
    pfn_t count;

    (void)state;
    start_with_all_away();
    frame_set_reclaim(give_and_be_robbed);
    assert_int_equal(fixture_alloc_order(BLOCK_ORDER), 3 * B);
    assert_false(taken_in_hook);
    assert_int_equal(frame_take_run(B, &first, &count), OK); /* and later it is again */
    frame_check();
}

static void whoever_tries_asks_nobody(void **state)
{
    pfn_t first;

    (void)state;
    start_with_all_away();
    assert_int_equal(frame_try_run(1, &first), ERR_NOMEM);
    assert_int_equal(asked, 0);
    assert_false(frame_held());
    assert_true(give_hidden(1));
    assert_int_equal(frame_try_run(B + 3, &first), OK);
    assert_int_equal(first, 3 * B);
    assert_int_equal(fixture_stats().in_use, B + 3);
    frame_check();
}

static void an_allocation_that_asks_is_counted_once(void **state)
{
    pfn_t first;

    (void)state;
    start_with_all_away();
    assert_int_equal(frame_stall_count(), 0);
    assert_int_equal(fixture_alloc_order(BLOCK_ORDER), 3 * B);
    assert_int_equal(frame_stall_count(), 1);
    (void)fixture_alloc_order(BLOCK_ORDER); /* this one had no need to ask */
    assert_int_equal(frame_stall_count(), 1);
    frame_set_reclaim(lie);
    assert_int_equal(frame_alloc(), PFN_NONE); /* asked several times */
    assert_int_equal(frame_stall_count(), 2);
    assert_int_equal(frame_try_run(1, &first), ERR_NOMEM);
    assert_int_equal(frame_stall_count(), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_whole_backed_blocks_are_reportable),
        cmocka_unit_test(after_a_warm_start_all_whole_blocks_are_reportable),
        cmocka_unit_test(the_watch_fires_once_when_a_free_completes_enough_blocks),
        cmocka_unit_test(every_way_to_complete_a_block_fires_the_watch),
        cmocka_unit_test(a_backed_give_leaves_the_watch_to_a_later_free),
        cmocka_unit_test(both_watches_fire_at_one_free),
        cmocka_unit_test(an_allocation_that_would_fail_asks_the_hook_and_looks_again),
        cmocka_unit_test(a_hook_that_has_nothing_lets_the_allocation_fail),
        cmocka_unit_test(a_hook_that_lies_is_asked_a_few_times_only),
        cmocka_unit_test(what_can_never_be_is_not_asked_for),
        cmocka_unit_test(taking_for_the_balloon_asks_nobody),
        cmocka_unit_test(an_allocation_inside_the_hook_does_not_ask_it_again),
        cmocka_unit_test(what_the_hook_frees_is_not_taken_for_the_balloon),
        cmocka_unit_test(whoever_tries_asks_nobody),
        cmocka_unit_test(an_allocation_that_asks_is_counted_once),
        cmocka_unit_test(a_removed_hook_is_not_asked),
    };

    return cmocka_run_group_tests_name("mm/frame_watch.c", tests, NULL, fixture_stop);
}
