/* SPDX-License-Identifier: BSD-2-Clause */
/* Free page hinting against the fake host: what stands on the queue, and whose the frames are
 * meanwhile. [VIRTIO 1.4 §5.5.6.5] */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/balloon_fixture.h"

#define BLOCKS(n) ((uint64_t)(n)*BLOCK_FRAMES)
#define ROUND     UINT32_C(0x80000000) /* the first id of QEMU */
#define RESERVE   UINT64_C(2048)

/* 64 MiB, warm, and a host that asks for hints. */
static void start_hinting(void)
{
    struct balloon_dev_config config = qemu_config();

    machine(FRAMES);
    F.offered |= BALLOON_F_FREE_PAGE_HINT;
    fake_balloon_warm();
    start(&config);
}

static uint64_t out(void)
{
    return balloon_dev_status(&dev).out;
}

/* B21, B22, B23, B24: the fake refuses words that are not four bytes. */
static void a_round_is_the_id_then_runs_then_stop(void **state)
{
    (void)state;
    start_hinting();
    fake_balloon_hint(ROUND);
    settle_ms(100);
    assert_int_equal(F.words, 2);
    assert_int_equal(F.word_log[0], ROUND);
    assert_int_equal(F.word_log[1], BALLOON_HINT_STOP);
    assert_true(F.pages_hinted >= BLOCKS(20));
    assert_int_equal(F.pages_stray, 0);
    /* Nothing more happens in this round. */
    settle_ms(60000);
    assert_int_equal(F.words, 2);
    finish();
}

static void hinted_frames_are_held_until_done(void **state)
{
    uint64_t free_before;

    (void)state;
    start_hinting();
    free_before = F.free_frames;
    fake_balloon_hint(ROUND);
    settle_ms(100);
    assert_int_equal(out(), F.pages_hinted);
    assert_int_equal(F.free_frames, free_before - F.pages_hinted);
    fake_balloon_hint(BALLOON_HINT_STOP);
    settle_ms(60000);
    assert_int_equal(out(), F.pages_hinted);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(100);
    assert_int_equal(out(), 0);
    assert_int_equal(F.free_frames, free_before);
    finish();
}

static void frames_stay_free_for_whoever_allocates_meanwhile(void **state)
{
    (void)state;
    start_hinting();
    fake_balloon_hint(ROUND);
    settle_ms(100);
    assert_in_range(F.free_frames, RESERVE, RESERVE + 2 * BLOCK_FRAMES);
    finish();
}

static void stop_ends_the_supply(void **state)
{
    uint64_t hinted;

    (void)state;
    start_hinting();
    /* Every second block is in use, so that runs are short and many. */
    fake_balloon_app_blocks(30);
    for (pfn_t block = 1; block < 30; block += 2) {
        fake_balloon_app_free_run(block * BLOCK_FRAMES, BLOCK_FRAMES);
    }
    F.asynchronous = true;
    F.delay_ns = 10 * FAKE_NS_PER_MS;
    F.queue_sizes[BALLOON_QUEUE_HINT] = 4;
    fake_balloon_needs_reset();
    settle_ms(1);
    fake_balloon_hint(ROUND);
    settle_ms(15);
    fake_balloon_hint(BALLOON_HINT_STOP);
    settle_ms(1000);
    hinted = F.pages_hinted;
    assert_in_range(hinted, BLOCKS(1), BLOCKS(8));
    assert_int_equal(F.word_log[0], ROUND);
    settle_ms(10000);
    assert_int_equal(F.pages_hinted, hinted);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(100);
    assert_int_equal(out(), 0);
    finish();
}

static void a_new_id_goes_on_with_what_is_newly_free(void **state)
{
    uint64_t first;

    (void)state;
    start_hinting();
    fake_balloon_app_blocks(10);
    fake_balloon_hint(ROUND);
    settle_ms(100);
    first = F.pages_hinted;
    fake_balloon_app_free_run(BLOCK_FRAMES, (pfn_t)BLOCKS(10));
    fake_balloon_hint(ROUND + 1);
    settle_ms(100);
    assert_int_equal(F.pages_hinted, first + BLOCKS(10));
    assert_int_equal(F.words, 4);
    assert_int_equal(F.word_log[2], ROUND + 1);
    assert_int_equal(F.word_log[3], BALLOON_HINT_STOP);
    finish();
}

static void under_pressure_frames_the_device_has_used_are_given_up(void **state)
{
    uint64_t hinted;

    (void)state;
    start_hinting();
    fake_balloon_hint(ROUND);
    settle_ms(100);
    hinted = out();
    assert_true(fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + 100));
    fake_balloon_check(&dev);
    assert_int_equal(out(), hinted - BLOCK_FRAMES);
    assert_int_equal(dev.hint.released, BLOCK_FRAMES);
    assert_true(fake_balloon_app_alloc_or_reclaim(&dev, F.free_frames + out()));
    assert_int_equal(out(), 0);
    finish();
}

static void a_balloon_that_lacks_memory_gets_hints_before_applications_are_asked(void **state)
{
    (void)state;
    start_hinting();
    fake_balloon_hint(ROUND);
    settle_ms(100);
    assert_true(out() > 10000);
    F.askable = 0;
    fake_balloon_wish(14000);
    settle_ms(1000);
    assert_int_equal(F.actual, 14000);
    assert_int_equal(F.asked, 0);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 0);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(100);
    assert_int_equal(out(), 0);
    finish();
}

/* The device has used nothing, so that nothing could be given up before. */
static void done_ends_the_pause_of_a_balloon_that_lacks_memory(void **state)
{
    (void)state;
    start_hinting();
    F.unserved[BALLOON_QUEUE_HINT] = true;
    fake_balloon_hint(ROUND);
    settle_ms(100);
    fake_balloon_wish(10000);
    settle_ms(15000);
    assert_true(dev.balloon.paused);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(1);
    assert_int_equal(F.actual, 10000);
    finish();
}

static void pending_frames_are_not_given_up_before_the_device_used_them(void **state)
{
    uint64_t free_frames;

    (void)state;
    start_hinting();
    F.asynchronous = true;
    F.delay_ns = 50 * FAKE_NS_PER_MS;
    fake_balloon_hint(ROUND);
    settle_ms(5);
    assert_true(out() > 0);
    free_frames = F.free_frames;
    assert_int_equal(fake_balloon_reclaim(&dev, 1, true), 0);
    assert_int_equal(F.free_frames, free_frames);
    settle_ms(1000);
    assert_int_equal(fake_balloon_reclaim(&dev, 1, true), BLOCK_FRAMES);
    finish();
}

static void done_releases_pending_frames_as_well(void **state)
{
    (void)state;
    start_hinting();
    F.asynchronous = true;
    F.delay_ns = 500 * FAKE_NS_PER_MS;
    fake_balloon_hint(ROUND);
    settle_ms(5);
    assert_true(out() > 0);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(5);
    assert_int_equal(out(), 0);
    /* The descriptors come back later, and the next round works. */
    settle_ms(5000);
    F.asynchronous = false;
    fake_balloon_hint(ROUND + 1);
    settle_ms(1000);
    assert_true(F.pages_hinted > 0);
    assert_int_equal(out(), F.pages_hinted);
    finish();
}

/* B25: the host may have put anything into them. */
static void with_fill_hinted_frames_are_filled_before_they_are_free(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    config.fill = true;
    config.fill_value = 0xaaaaaaaa;
    machine(FRAMES);
    F.offered |= BALLOON_F_FREE_PAGE_HINT;
    fake_balloon_warm();
    start(&config);
    fake_balloon_hint(ROUND);
    settle_ms(100);
    assert_true(out() > BLOCKS(1));
    F.filled = 0;
    assert_int_equal(fake_balloon_reclaim(&dev, 1, true), BLOCK_FRAMES);
    assert_int_equal(F.filled, BLOCK_FRAMES);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(100);
    assert_int_equal(out(), 0);
    assert_int_equal(F.filled, F.pages_hinted);
    finish();
}

static void an_id_that_flips_wildly_loses_nothing(void **state)
{
    (void)state;
    start_hinting();
    for (unsigned i = 0; i < 3000; i++) {
        F.asynchronous = fake_balloon_random() % 2 == 0;
        F.delay_ns = fake_balloon_random() % 4 * FAKE_NS_PER_MS;
        fake_balloon_hint((uint32_t)(fake_balloon_random() % 5));
        settle_ms(fake_balloon_random() % 8);
    }
    F.asynchronous = false;
    settle_ms(1000);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(1000);
    assert_int_equal(out(), 0);
    assert_int_equal(F.pages_stray, 0);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    finish();
}

static void a_device_that_never_reads_costs_no_reset(void **state)
{
    (void)state;
    start_hinting();
    F.unserved[BALLOON_QUEUE_HINT] = true;
    fake_balloon_hint(ROUND);
    settle_ms(100000);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    assert_true(out() > 0);
    /* The balloon works beside it. */
    reach(1000);
    assert_int_equal(F.actual, 1000);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(1000);
    assert_int_equal(out(), 0);
    finish();
}

static void a_reset_in_any_state_of_a_round_loses_nothing(void **state)
{
    (void)state;
    for (uint64_t ms = 0; ms < 40; ms++) {
        start_hinting();
        F.asynchronous = true;
        F.delay_ns = 7 * FAKE_NS_PER_MS;
        fake_balloon_hint(ROUND);
        settle_ms(ms);
        fake_balloon_needs_reset();
        settle_ms(1000);
        assert_int_equal(balloon_dev_status(&dev).counters.resets, 1);
        /* The id is still there: the device that was reset is answered once more. */
        assert_int_equal(F.word_log[F.words - 1], BALLOON_HINT_STOP);
        assert_int_equal(F.word_log[F.words - 2], ROUND);
        fake_balloon_hint(BALLOON_HINT_DONE);
        settle_ms(1000);
        assert_int_equal(out(), 0);
        finish();
    }
}

static void blocks_come_back_as_backed_or_returned_as_they_were(void **state)
{
    uint64_t backed;

    (void)state;
    start_hinting();
    for (unsigned b = 10; b < 20; b++) {
        F.backed[b] = false;
    }
    backed = fake_balloon_mem.backed_count();
    fake_balloon_hint(ROUND);
    settle_ms(100);
    fake_balloon_hint(BALLOON_HINT_DONE);
    settle_ms(100);
    assert_int_equal(fake_balloon_mem.backed_count(), backed);
    for (unsigned b = 10; b < 20; b++) {
        assert_false(F.backed[b]);
    }
    finish();
}

static void the_smallest_queues_finish_a_round_too(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (uint16_t size = 1; size <= 8; size = (uint16_t)(size * 2)) {
        for (unsigned slow = 0; slow < 2; slow++) {
            machine(FRAMES);
            F.offered |= BALLOON_F_FREE_PAGE_HINT;
            F.queue_sizes[BALLOON_QUEUE_HINT] = size;
            F.asynchronous = slow == 1;
            F.delay_ns = FAKE_NS_PER_MS;
            start(&config);
            fake_balloon_hint(ROUND);
            settle_ms(1000);
            assert_int_equal(F.words, 2);
            assert_int_equal(F.word_log[1], BALLOON_HINT_STOP);
            assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
            finish();
        }
    }
}

/* The only descriptor still carries STOP when the next round begins. */
static void the_next_round_waits_for_the_only_descriptor(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    machine(FRAMES);
    F.offered |= BALLOON_F_FREE_PAGE_HINT;
    F.queue_sizes[BALLOON_QUEUE_HINT] = 1;
    F.asynchronous = true;
    F.delay_ns = 10 * FAKE_NS_PER_MS;
    start(&config);
    fake_balloon_hint(ROUND);
    settle_ms(15);
    assert_true(dev.hint.stop_in_flight);
    fake_balloon_hint(ROUND + 1);
    settle_ms(1000);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    assert_int_equal(F.words, 4);
    assert_int_equal(F.word_log[2], ROUND + 1);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_round_is_the_id_then_runs_then_stop),
        cmocka_unit_test(hinted_frames_are_held_until_done),
        cmocka_unit_test(frames_stay_free_for_whoever_allocates_meanwhile),
        cmocka_unit_test(stop_ends_the_supply),
        cmocka_unit_test(a_new_id_goes_on_with_what_is_newly_free),
        cmocka_unit_test(under_pressure_frames_the_device_has_used_are_given_up),
        cmocka_unit_test(a_balloon_that_lacks_memory_gets_hints_before_applications_are_asked),
        cmocka_unit_test(done_ends_the_pause_of_a_balloon_that_lacks_memory),
        cmocka_unit_test(pending_frames_are_not_given_up_before_the_device_used_them),
        cmocka_unit_test(done_releases_pending_frames_as_well),
        cmocka_unit_test(with_fill_hinted_frames_are_filled_before_they_are_free),
        cmocka_unit_test(an_id_that_flips_wildly_loses_nothing),
        cmocka_unit_test(a_device_that_never_reads_costs_no_reset),
        cmocka_unit_test(a_reset_in_any_state_of_a_round_loses_nothing),
        cmocka_unit_test(blocks_come_back_as_backed_or_returned_as_they_were),
        cmocka_unit_test(the_smallest_queues_finish_a_round_too),
        cmocka_unit_test(the_next_round_waits_for_the_only_descriptor),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_hint.c", tests, NULL, NULL);
}
