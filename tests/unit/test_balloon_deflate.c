/* SPDX-License-Identifier: BSD-2-Clause */
/* The way out of the balloon against the fake host: allocations that would fail (DEFLATE_ON_OOM),
 * and a host that must be told first (MUST_TELL_HOST). */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/balloon_fixture.h"

#define OOM  BALLOON_F_DEFLATE_ON_OOM
#define TELL BALLOON_F_MUST_TELL_HOST

static struct balloon_dev_config config;

static void start_with(uint64_t features)
{
    machine(FRAMES);
    F.offered |= features;
    config = qemu_config();
    config.limits.headroom_pages = 1024;
    start(&config);
}

/* Nearly everything is in the balloon. */
static void squeeze(void)
{
    reach(F.frames - 1000);
    assert_int_equal(F.actual, F.frames - 1000);
}

static void without_the_feature_an_allocation_gets_nothing(void **state)
{
    (void)state;
    start_with(0);
    squeeze();
    assert_false(fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + 1));
    assert_int_equal(F.actual, F.frames - 1000);
    assert_int_equal(balloon_dev_status(&dev).counters.taken, 0);
    finish();
}

static void an_allocation_takes_what_it_needs_in_whole_blocks_without_a_notification(void **state)
{
    unsigned notifies;
    uint64_t free_before;

    (void)state;
    start_with(OOM);
    squeeze();
    notifies = F.notifies;
    free_before = F.free_frames;
    assert_true(fake_balloon_app_alloc_or_reclaim(&dev, free_before + 700));
    assert_int_equal(F.notifies, notifies);
    assert_int_equal(balloon_dev_status(&dev).counters.taken, 2 * BLOCK_FRAMES);
    assert_int_equal(F.free_frames, 2 * BLOCK_FRAMES - 700);
    /* The next service tells: every frame once, and `actual` falls. */
    settle_ms(10);
    assert_int_equal(F.actual, F.frames - 1000 - 2 * BLOCK_FRAMES);
    assert_int_equal(F.pages_deflated, 2 * BLOCK_FRAMES);
    assert_int_equal(dev.balloon.untold, 0);
    finish();
}

static void more_than_the_balloon_holds_fails_and_the_guest_lives(void **state)
{
    (void)state;
    start_with(OOM);
    squeeze();
    assert_false(fake_balloon_app_alloc_or_reclaim(&dev, F.frames));
    settle_ms(10);
    assert_int_equal(F.actual, 0);
    finish();
}

static void nothing_is_offered_again_before_calm_and_headroom(void **state)
{
    (void)state;
    start_with(OOM);
    squeeze();
    assert_true(fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + 5000));
    settle_ms(900);
    F.pages_inflated = 0;
    fake_balloon_app_free(3000);
    settle_ms(50);
    assert_int_equal(F.pages_inflated, 0); /* not calm yet */
    settle_ms(20000);
    /* Calm: all but the headroom is offered. */
    assert_in_range(F.free_frames, config.limits.headroom_pages - 16,
                    config.limits.headroom_pages + BLOCK_FRAMES);
    assert_true(F.pages_inflated > 0);
    /* A new wish was made knowing what happened. */
    reach(F.frames - 6000);
    reach(F.frames - 5500);
    finish();
}

static void an_application_that_grows_again_and_again_makes_no_oscillation(void **state)
{
    (void)state;
    start_with(OOM);
    squeeze();
    F.pages_inflated = 0;
    for (unsigned round = 0; round < 300; round++) {
        uint64_t frames = round == 0 ? F.free_frames + 2000 : 3000;

        assert_true(fake_balloon_app_alloc_or_reclaim(&dev, frames));
        settle_ms(300);
        fake_balloon_app_free(frames);
        settle_ms(1700);
    }
    /* 300 times memory was there to be taken for nearly two seconds: the pauses grew instead. */
    assert_in_range(F.pages_inflated, 1, 25 * 3000);
    finish();
}

static void pages_that_are_leaving_are_not_taken(void **state)
{
    uint64_t taken;

    (void)state;
    machine(FRAMES);
    F.offered |= OOM;
    config = qemu_config();
    config.slice_pages = 1024;
    F.asynchronous = true;
    F.delay_ns = 20 * FAKE_NS_PER_MS;
    start(&config);
    reach(4000);
    fake_balloon_wish(FRAMES - 1000);
    for (unsigned i = 0; i < 100; i++) {
        settle_ms(3);
        (void)fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + 20);
    }
    taken = balloon_dev_status(&dev).counters.taken;
    assert_true(taken > 0);
    settle_ms(200000);
    assert_int_equal(dev.balloon.untold + dev.balloon.returning, 0);
    finish();
}

static void must_tell_host_is_accepted_and_obeyed(void **state)
{
    (void)state;
    start_with(TELL);
    assert_true((F.accepted & TELL) != 0);
    for (uint32_t target = 15000; target > 100; target = target * 2 / 3) {
        reach(target);
        assert_int_equal(F.actual, target);
        reach(target / 5);
        assert_int_equal(F.actual, target / 5);
        assert_int_equal(F.taken, target / 5);
    }
    finish();
}

static void frames_wait_for_a_host_that_reads_late(void **state)
{
    (void)state;
    machine(FRAMES);
    F.offered |= TELL;
    F.asynchronous = true;
    F.delay_ns = 10 * FAKE_NS_PER_MS;
    for (unsigned shuffled = 0; shuffled < 2; shuffled++) {
        F.shuffles = shuffled != 0;
        config = balloon_dev_config_default;
        start(&config);
        reach(12000);
        fake_balloon_wish(0);
        settle_ms(5);
        assert_int_equal(F.free_frames + F.taken + dev.fixed_frames + dev.pool.held + 1, F.frames);
        assert_int_equal(F.taken, 12000); /* announced, and nobody's */
        settle_ms(5000);
        assert_int_equal(F.taken, 0);
        balloon_dev_stop(&dev);
    }
    finish();
}

static void with_both_an_allocation_tells_first(void **state)
{
    unsigned notifies;

    (void)state;
    start_with(OOM | TELL);
    squeeze();
    notifies = F.notifies;
    assert_true(fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + 500));
    assert_int_equal(F.notifies, notifies + 1);
    settle_ms(10);
    assert_int_equal(F.actual, F.frames - 1000 - BLOCK_FRAMES);
    finish();
}

static void with_both_and_a_late_host_it_fails_now_and_has_the_memory_later(void **state)
{
    uint64_t wanted;

    (void)state;
    start_with(OOM | TELL);
    squeeze();
    F.asynchronous = true;
    F.delay_ns = 5 * FAKE_NS_PER_MS;
    wanted = F.free_frames + 500;
    assert_false(fake_balloon_app_alloc_or_reclaim(&dev, wanted));
    settle_ms(20);
    assert_true(F.free_frames >= wanted);
    finish();
}

/* Bookkeeping takes frames meanwhile. */
static uint64_t falling_free_count(void)
{
    static uint64_t calls;

    return F.free_frames - ++calls;
}

static void an_allocation_that_costs_frames_has_gained_nothing(void **state)
{
    struct balloon_mem_ops falling = fake_balloon_mem;

    (void)state;
    start_with(0);
    falling.free_count = falling_free_count;
    dev.mem = &falling;
    assert_int_equal(fake_balloon_reclaim(&dev, 100, true), 0);
    dev.mem = &fake_balloon_mem;
    finish();
}

static void a_reset_in_between_loses_nothing(void **state)
{
    (void)state;
    for (unsigned step = 0; step < 30; step++) {
        start_with(OOM | (step % 2 != 0 ? TELL : 0));
        F.asynchronous = step % 3 == 0;
        F.delay_ns = 2 * FAKE_NS_PER_MS;
        squeeze();
        (void)fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + 100 * step);
        settle_ms(step % 5);
        fake_balloon_needs_reset();
        settle_ms(1000);
        assert_int_equal(balloon_dev_status(&dev).counters.resets, 1);
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_the_feature_an_allocation_gets_nothing),
        cmocka_unit_test(an_allocation_takes_what_it_needs_in_whole_blocks_without_a_notification),
        cmocka_unit_test(more_than_the_balloon_holds_fails_and_the_guest_lives),
        cmocka_unit_test(nothing_is_offered_again_before_calm_and_headroom),
        cmocka_unit_test(an_application_that_grows_again_and_again_makes_no_oscillation),
        cmocka_unit_test(pages_that_are_leaving_are_not_taken),
        cmocka_unit_test(must_tell_host_is_accepted_and_obeyed),
        cmocka_unit_test(frames_wait_for_a_host_that_reads_late),
        cmocka_unit_test(with_both_an_allocation_tells_first),
        cmocka_unit_test(with_both_and_a_late_host_it_fails_now_and_has_the_memory_later),
        cmocka_unit_test(an_allocation_that_costs_frames_has_gained_nothing),
        cmocka_unit_test(a_reset_in_between_loses_nothing),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_deflate.c", tests, NULL, NULL);
}
