/* SPDX-License-Identifier: BSD-2-Clause */
/* Free page reporting and its probe against the fake host, which knows what it was told, what it
 * holds, and whose every frame is. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/report_fixture.h"

static void much_freed_at_once_is_reported_at_once_in_the_longest_run(void **state)
{
    (void)state;
    start_reporting();
    fake_balloon_app_blocks(20);
    settle_ms(1000);
    assert_int_equal(F.pages_reported, 0);
    fake_balloon_app_free(BLOCKS(20));
    settle_ms(1);
    assert_int_equal(F.pages_reported, BLOCKS(20));
    assert_int_equal(F.longest_report, BLOCKS(20));
    assert_int_equal(F.reports, 1);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void little_is_collected_for_the_pace_unless_the_guest_goes_idle(void **state)
{
    (void)state;
    start_reporting();
    fake_balloon_app_blocks(4);
    fake_balloon_app_free(BLOCKS(4));
    settle_ms(config.report.pace_ms - 1);
    assert_int_equal(F.pages_reported, 0);
    settle_ms(2);
    assert_int_equal(F.pages_reported, BLOCKS(4));
    settle_ms(60000);
    fake_balloon_app_blocks(3);
    fake_balloon_app_free(BLOCKS(3));
    F.idle = true;
    settle_ms(0);
    assert_in_range(F.pages_reported, BLOCKS(7), BLOCKS(7) + PROBE_MOST);
    finish();
}

/* The announcement of frames that left the balloon is not read yet: reports wait for it, asleep. */
static void an_idle_guest_sleeps_while_reports_wait_for_the_host(void **state)
{
    (void)state;
    start_reporting();
    reach(BLOCKS(20));
    fake_balloon_app_blocks(2);
    F.asynchronous = true;
    F.delay_ns = 50 * FAKE_NS_PER_MS;
    settle_ms(1000);
    fake_balloon_app_free(BLOCKS(2));
    settle_ms(2); /* collected for the pace */
    fake_balloon_wish(0);
    settle_ms(2);
    assert_true(dev.report.waiting);
    F.idle = true;
    settle_ms(10);
    assert_true(dev.balloon.returning > 0);
    settle_ms(1000);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void nothing_is_reported_twice(void **state)
{
    (void)state;
    start_reporting();
    for (unsigned round = 0; round < 5; round++) {
        fake_balloon_app_blocks(10);
        settle_ms(15000);
        fake_balloon_app_free(BLOCKS(10));
        settle_ms(15000);
    }
    /* But for what the probe did not touch of its block, which it reports at first and, when the
     * block was returned before, once more in the end. */
    assert_in_range(F.reported_absent, 0, 2 * dev.report.probe.count * BLOCK_FRAMES);
    assert_in_range(F.pages_reported, BLOCKS(50), BLOCKS(50) + 3 * PROBE_MOST);
    finish();
}

static void the_probe_leaves_nothing_with_the_host_that_was_not_there(void **state)
{
    (void)state;
    reporting_machine();
    config.report.reserve_pages = BLOCKS(1);
    start(&config);
    settle_ms(1000);
    assert_int_equal(dev.report.probe.count, 1);
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_4K);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void the_warm_reserve_stays(void **state)
{
    (void)state;
    warm_reporting_machine();
    config.report.reserve_pages = BLOCKS(5);
    start(&config);
    assert_int_equal(fake_balloon_mem.backed_count(), BLOCKS(5));
    settle_ms(100000);
    assert_int_equal(fake_balloon_mem.backed_count(), BLOCKS(5));
    finish();
}

static void runs_shorter_than_the_order_stay(void **state)
{
    (void)state;
    reporting_machine();
    config.report.run_pages = 4 * BLOCK_FRAMES;
    start(&config);
    fake_balloon_app_blocks(12);
    settle_ms(1000);
    F.reports = 0;
    /* One block stays in use in the middle: 8 to its left, 3 to its right. */
    for (pfn_t pfn = 0; pfn < F.frames; pfn++) {
        if (F.owner[pfn] == FAKE_APP && pfn != 0 && pfn / BLOCK_FRAMES != 9) {
            F.owner[pfn] = FAKE_FREE;
            F.free_frames++;
            F.block_free[pfn / BLOCK_FRAMES]++;
        }
    }
    balloon_dev_blocks_freed(&dev);
    settle_ms(1000);
    assert_int_equal(F.reports, 1);
    assert_int_equal(F.longest_report, BLOCKS(8));
    finish();
}

/* Every second block of 2 GiB is in use, but for a run near the end. */
static void memory_of_short_runs_is_looked_at_slice_by_slice(void **state)
{
    const unsigned blocks = FAKE_FRAMES_MAX / BLOCK_FRAMES;
    unsigned services = 0;

    (void)state;
    machine(FAKE_FRAMES_MAX);
    F.offered |= BALLOON_F_PAGE_REPORTING;
    config = qemu_config();
    config.report.run_pages = 2 * BLOCK_FRAMES;
    start(&config);
    fake_balloon_app_blocks(blocks - 2);
    settle_ms(1000);
    for (pfn_t pfn = 0; pfn < F.frames; pfn++) {
        unsigned block = pfn / BLOCK_FRAMES;

        if (F.owner[pfn] == FAKE_APP && (block % 2 == 1 || block / 2 == blocks / 2 - 20)) {
            F.owner[pfn] = FAKE_FREE;
            F.free_frames++;
            F.block_free[block]++;
        }
    }
    F.reports = 0;
    balloon_dev_blocks_freed(&dev);
    do {
        F.blocks_taken = 0;
        F.wake_ns = balloon_dev_service(&dev, true);
        assert_true(F.blocks_taken < 300);
        services++;
    } while (F.wake_ns == 0 && services < 1000);
    assert_true(services > 10);
    assert_int_equal(F.reports, 1);
    assert_in_range(F.longest_report, BLOCKS(2), BLOCKS(4));
    /* After one more look at all of it, not again before there is more. */
    settle_ms(1000);
    F.blocks_taken = 0;
    settle_ms(10000);
    assert_int_equal(F.blocks_taken, 0);
    finish();
}

/* The slice is shorter than the shortest run: at first, or because the host is slow. */
static void runs_longer_than_a_slice_are_reported(void **state)
{
    (void)state;
    reporting_machine();
    config.report.run_pages = 8 * BLOCK_FRAMES;
    start(&config);
    for (unsigned slow = 0; slow < 2; slow++) {
        fake_balloon_app_blocks(20);
        settle_ms(20000);
        F.pages_reported = F.reports = 0;
        dev.report.slice_pages = BLOCKS(4);
        F.cost_ns = slow * 100 * FAKE_NS_PER_MS;
        fake_balloon_app_free(BLOCKS(20));
        settle_ms(100000);
        assert_true(F.pages_reported >= BLOCKS(16));
        assert_true(fake_balloon_mem.backed_count() < BLOCKS(8));
        F.cost_ns = 0;
    }
    finish();
}

static void an_order_above_the_first_slice_is_served(void **state)
{
    (void)state;
    machine(FAKE_FRAMES_MAX);
    F.offered |= BALLOON_F_PAGE_REPORTING;
    fake_balloon_warm();
    config = qemu_config();
    config.report.run_pages = 1U << 18; /* 1 GiB */
    start(&config);
    assert_int_equal(F.longest_report, 1U << 18);
    finish();
}

static void memory_that_is_wanted_again_soon_is_reported_less_often(void **state)
{
    uint64_t early;
    uint64_t late;

    (void)state;
    start_reporting();
    for (unsigned i = 0; i < 100; i++) {
        fake_balloon_app_blocks(16);
        settle_ms(5);
        fake_balloon_app_free(BLOCKS(16));
        settle_ms(15);
    }
    early = F.pages_reported;
    for (unsigned i = 0; i < 1000; i++) {
        fake_balloon_app_blocks(16);
        settle_ms(5);
        fake_balloon_app_free(BLOCKS(16));
        settle_ms(15);
    }
    late = F.pages_reported - early;
    assert_true(early < BLOCKS(16 * 15)); /* of 100 times */
    assert_true(late < BLOCKS(16 * 20));  /* of 1000 times */
    assert_true(dev.report.backoffs >= 1);
    /* And when it is left alone, all of it goes. */
    settle_ms(30000);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void reported_frames_are_nobodys_until_the_host_has_answered(void **state)
{
    (void)state;
    start_reporting();
    F.asynchronous = true;
    F.delay_ns = 50 * FAKE_NS_PER_MS;
    fake_balloon_app_blocks(20);
    fake_balloon_app_free(BLOCKS(20));
    settle_ms(5);
    assert_int_equal(balloon_dev_status(&dev).out, BLOCKS(20));
    assert_int_equal(F.taken, BLOCKS(20));
    settle_ms(100);
    assert_int_equal(balloon_dev_status(&dev).out, 0);
    assert_int_equal(F.taken, 0);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void a_reset_gives_unanswered_reports_back_as_backed(void **state)
{
    (void)state;
    start_reporting();
    F.asynchronous = true;
    F.delay_ns = 500 * FAKE_NS_PER_MS;
    fake_balloon_app_blocks(20);
    fake_balloon_app_free(BLOCKS(20));
    settle_ms(5);
    F.asynchronous = false;
    F.pages_reported = 0;
    fake_balloon_needs_reset();
    settle_ms(1000);
    /* So they are reported to the restarted device. */
    assert_in_range(F.pages_reported, BLOCKS(20), BLOCKS(20) + PROBE_MOST);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void an_allocation_that_would_fail_fetches_answered_reports(void **state)
{
    (void)state;
    start_reporting();
    F.asynchronous = true;
    F.delay_ns = 5 * FAKE_NS_PER_MS;
    fake_balloon_app_blocks(20);
    fake_balloon_app_free(BLOCKS(20));
    settle_ms(1);
    assert_int_equal(fake_balloon_reclaim(&dev, BLOCKS(20), true), 0);
    F.asynchronous = false;
    settle_ms(1);
    finish();
}

static void a_host_that_ignores_reports_is_found_out_and_left_alone(void **state)
{
    uint64_t probes;

    (void)state;
    warm_reporting_machine();
    F.drop_min = 0;
    start(&config);
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_NOTHING);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1);
    assert_in_range(F.pages_reported, BLOCK_FRAMES, PROBE_MOST);
    /* What it does not drop stays backed. */
    assert_true(fake_balloon_mem.backed_count() >= BLOCKS(30));
    for (unsigned i = 0; i < 200; i++) {
        fake_balloon_app_blocks(8);
        settle_ms(1000);
        fake_balloon_app_free(BLOCKS(8));
        settle_ms(1000);
    }
    probes = dev.report.probe.count;
    assert_in_range(probes, 2, 5);
    assert_int_equal(F.pages_reported, probes * BLOCK_FRAMES);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1);
    /* It has learned it meanwhile: the next question shows it. */
    F.drop_min = 1;
    for (unsigned i = 0; i < 600; i++) {
        fake_balloon_app_blocks(8);
        settle_ms(1000);
        fake_balloon_app_free(BLOCKS(8));
        settle_ms(1000);
    }
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_4K);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

static void the_smallest_piece_that_the_host_drops_is_found_out(void **state)
{
    static const struct {
        uint32_t drop_min;
        enum balloon_drops drops;
    } hosts[] = { { 1, BALLOON_DROPS_4K },
                  { 16, BALLOON_DROPS_64K },
                  { 512, BALLOON_DROPS_2M },
                  { 262144, BALLOON_DROPS_NOTHING } };

    (void)state;
    for (unsigned i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        reporting_machine();
        F.drop_min = hosts[i].drop_min;
        F.asynchronous = i % 2 == 1;
        F.delay_ns = FAKE_NS_PER_MS;
        start(&config);
        assert_int_equal(dev.report.probe.drops, hosts[i].drops);
        finish();
    }
}

static void inflating_reports_first_and_sends_what_the_host_has_dropped(void **state)
{
    (void)state;
    warm_reporting_machine();
    config.report.reserve_pages = FRAMES; /* nothing is reported but for the balloon */
    start(&config);
    F.reports = F.pages_reported = 0;
    reach(BLOCKS(20));
    assert_int_equal(F.actual, BLOCKS(20));
    assert_int_equal(F.pages_reported, BLOCKS(20));
    assert_in_range(F.reports, 1, 2);
    assert_int_equal(dev.report.urgent, BLOCKS(20));
    /* The rest of the memory is as warm as before. */
    assert_true(fake_balloon_mem.backed_count() >= BLOCKS(10));
    reach(0);
    finish();
}

static void a_host_that_answers_late_is_waited_for_before_pages_are_sent(void **state)
{
    (void)state;
    warm_reporting_machine();
    F.asynchronous = true;
    F.delay_ns = 3 * FAKE_NS_PER_MS;
    config.report.reserve_pages = FRAMES;
    start(&config);
    F.pages_reported = 0;
    reach(14000);
    assert_int_equal(F.actual, 14000);
    assert_int_equal(F.pages_reported, 14000 / BLOCK_FRAMES * BLOCK_FRAMES);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 0);
    finish();
}

/* All that is free is with the host, which answers late. */
static void applications_are_not_asked_while_free_memory_is_being_reported(void **state)
{
    (void)state;
    start_reporting();
    fake_balloon_app_blocks(20);
    fake_balloon_app_alloc(F.free_frames);
    F.askable = 1000;
    F.asynchronous = true;
    F.delay_ns = 600 * FAKE_NS_PER_MS;
    fake_balloon_app_free_run(BLOCK_FRAMES, (pfn_t)BLOCKS(20));
    settle_ms(5);
    assert_int_equal(balloon_dev_status(&dev).out, BLOCKS(20));
    fake_balloon_wish((uint32_t)BLOCKS(10));
    settle_ms(450);
    assert_int_equal(F.asked, 0);
    settle_ms(5000);
    assert_int_equal(F.actual, BLOCKS(10));
    assert_int_equal(F.asked, 0);
    finish();
}

static void a_report_that_is_never_answered_costs_a_restart_and_no_frame(void **state)
{
    (void)state;
    start_reporting();
    F.asynchronous = true;
    F.delay_ns = FAKE_NS_PER_MS;
    F.loses = true;
    fake_balloon_app_blocks(20);
    fake_balloon_app_free(BLOCKS(20));
    settle_ms(5000);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    settle_ms(5500);
    assert_int_equal(balloon_dev_status(&dev).counters.timeouts, 1);
    F.loses = false;
    settle_ms(60000);
    assert_int_equal(fake_balloon_mem.backed_count(), 0);
    finish();
}

/* Found by the fuzzer: the pause was over, the slice waited for the answer, and nobody slept. */
static void a_pause_that_ends_while_a_report_is_unanswered_is_slept_through(void **state)
{
    (void)state;
    warm_reporting_machine();
    config.report.reserve_pages = FRAMES;
    start(&config);
    F.take_fails = true;
    fake_balloon_wish(5000);
    settle_ms(50);
    F.take_fails = false;
    F.asynchronous = true;
    F.loses = true;
    settle_ms(5000);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    F.loses = false;
    settle_ms(20000);
    assert_int_equal(F.actual, 5000);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(much_freed_at_once_is_reported_at_once_in_the_longest_run),
        cmocka_unit_test(little_is_collected_for_the_pace_unless_the_guest_goes_idle),
        cmocka_unit_test(an_idle_guest_sleeps_while_reports_wait_for_the_host),
        cmocka_unit_test(nothing_is_reported_twice),
        cmocka_unit_test(the_probe_leaves_nothing_with_the_host_that_was_not_there),
        cmocka_unit_test(the_warm_reserve_stays),
        cmocka_unit_test(runs_shorter_than_the_order_stay),
        cmocka_unit_test(memory_of_short_runs_is_looked_at_slice_by_slice),
        cmocka_unit_test(runs_longer_than_a_slice_are_reported),
        cmocka_unit_test(an_order_above_the_first_slice_is_served),
        cmocka_unit_test(memory_that_is_wanted_again_soon_is_reported_less_often),
        cmocka_unit_test(reported_frames_are_nobodys_until_the_host_has_answered),
        cmocka_unit_test(a_reset_gives_unanswered_reports_back_as_backed),
        cmocka_unit_test(an_allocation_that_would_fail_fetches_answered_reports),
        cmocka_unit_test(a_host_that_ignores_reports_is_found_out_and_left_alone),
        cmocka_unit_test(the_smallest_piece_that_the_host_drops_is_found_out),
        cmocka_unit_test(inflating_reports_first_and_sends_what_the_host_has_dropped),
        cmocka_unit_test(a_host_that_answers_late_is_waited_for_before_pages_are_sent),
        cmocka_unit_test(applications_are_not_asked_while_free_memory_is_being_reported),
        cmocka_unit_test(a_report_that_is_never_answered_costs_a_restart_and_no_frame),
        cmocka_unit_test(a_pause_that_ends_while_a_report_is_unanswered_is_slept_through),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_report.c", tests, NULL, NULL);
}
