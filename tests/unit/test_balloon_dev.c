/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon driver against a fake host (tests/fakes/fake_balloon.h), which judges every step: a
 * frame lost, sent twice, or taken back too early ends the test wherever it happens.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "base/log.h"
#include "drivers/virtio/balloon_dev.h"
#include "drivers/virtio/balloon_stats.h"
#include "tests/unit/balloon_fixture.h"

static void the_target_is_reached_exactly_again_and_again(void **state)
{
    static const uint32_t targets[] = { 1, 0, 511, 512, 513, 9000, 4096, 4097, 12000, 1, 0, 16000 };

    (void)state;
    start_qemu(FRAMES);
    for (unsigned round = 0; round < 3; round++) {
        for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
            reach(targets[i]);
            assert_int_equal(F.actual, targets[i]);
            assert_int_equal(F.taken, targets[i]);
        }
    }
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 0);
    finish();
}

static void the_careful_profile_never_chains_and_never_sends_more_than_256(void **state)
{
    (void)state;
    machine(FRAMES);
    F.pfns_max = 256;
    F.refuses_chains = true;
    start(&balloon_dev_config_default);
    reach(10000);
    assert_int_equal(F.actual, 10000);
    reach(77);
    assert_int_equal(F.actual, 77);
    finish();
}

static void every_whole_block_travels_in_one_element(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    /* Block 0 has lost its first frame: its rest, taken first, puts everything out of step. */
    F.crumbs_first = true;
    reach(511 + 24 * BLOCK_FRAMES);
    assert_int_equal(F.actual, 511 + 24 * BLOCK_FRAMES);
    assert_int_equal(F.blocks_whole, 24);
    finish();
}

static void a_gigabyte_costs_at_most_32_notifications_and_interrupts(void **state)
{
    unsigned before;
    unsigned writes;

    (void)state;
    start_qemu(FAKE_FRAMES_MAX);
    before = F.notifies + F.interrupts;
    writes = F.actual_writes;
    reach(262144);
    assert_int_equal(F.actual, 262144);
    assert_true(F.notifies + F.interrupts - before <= 32);
    /* A write of `actual` costs as much, and so does a call of a host that merges neighbours. */
    assert_true(F.actual_writes - writes <= 16);
    assert_int_equal(F.ranges, 1);
    before = F.notifies + F.interrupts;
    writes = F.actual_writes;
    reach(0);
    assert_true(F.notifies + F.interrupts - before <= 32);
    assert_true(F.actual_writes - writes <= 16);
    assert_int_equal(dev.pool.held, 1);
    finish();
}

static void an_asynchronous_gigabyte_costs_at_most_32_as_well(void **state)
{
    struct balloon_dev_config config = qemu_config();
    unsigned before;

    (void)state;
    machine(FAKE_FRAMES_MAX);
    F.asynchronous = true;
    F.delay_ns = 5 * FAKE_NS_PER_MS;
    start(&config);
    before = F.notifies + F.interrupts;
    reach(262144);
    assert_int_equal(F.actual, 262144);
    assert_true(F.notifies + F.interrupts - before <= 33); /* one is the host's wish */
    assert_true(F.requests_at_once > 4); /* the next slice is out before the last is back */
    finish();
}

static void completions_out_of_order_are_fine(void **state)
{
    (void)state;
    machine(FRAMES);
    F.asynchronous = true;
    F.shuffles = true;
    F.delay_ns = FAKE_NS_PER_MS;
    start(&balloon_dev_config_default);
    for (uint32_t target = 0; target < 15000; target += 2999) {
        reach(target);
        assert_int_equal(F.actual, target);
        reach(target / 3);
        assert_int_equal(F.actual, target / 3);
    }
    finish();
}

static void devices_without_indirect_and_event_index_work(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (uint16_t size = 1; size <= 128; size = (uint16_t)(size * 2)) {
        machine(FRAMES);
        F.offered = VIRTIO_F_VERSION_1;
        F.queue_size = size;
        F.asynchronous = size % 3 == 1;
        F.delay_ns = FAKE_NS_PER_MS;
        start(&config);
        reach(13000);
        assert_int_equal(F.actual, 13000);
        reach(10);
        assert_int_equal(F.actual, 10);
        assert_int_equal(F.stats_seen, 0);
        finish();
    }
}

static void only_features_that_are_served_are_accepted(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    assert_int_equal(F.accepted,
                     2 | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX);
    finish();
    machine(FRAMES);
    F.offered = 0x7f;
    assert_int_equal(
        balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &balloon_dev_config_default),
        ERR_UNSUPPORTED);
    finish();
}

static void the_first_statistics_are_true_and_queued_before_driver_ok(void **state)
{
    (void)state;
    machine(FRAMES);
    assert_int_equal(
        balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &balloon_dev_config_default), OK);
    assert_int_equal(F.stats_before_driver_ok, 1);
    assert_int_equal(F.stats_seen, 1);
    assert_int_equal(F.stats_bytes, BALLOON_STATS_BYTES);
    assert_int_equal(fake_balloon_stat(4), F.free_frames * FRAME_SIZE);
    assert_int_equal(fake_balloon_stat(5), (FRAMES - 1) * FRAME_SIZE);
    finish();
}

static void statistics_are_as_of_the_request(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    machine(FRAMES);
    config.floor_pages = 100;
    start(&config);
    reach(1000);
    fake_balloon_app_alloc(500);
    fake_balloon_ask_stats();
    fake_balloon_settle(&dev, LONG);
    assert_int_equal(F.stats_seen, 2);
    assert_int_equal(fake_balloon_stat(4), F.free_frames * FRAME_SIZE);
    assert_int_equal(fake_balloon_stat(5), (FRAMES - 1 - 1000) * FRAME_SIZE);
    assert_int_equal(fake_balloon_stat(6), (F.free_frames - 100) * FRAME_SIZE);
    assert_int_equal(fake_balloon_stat(0), 0);
    assert_int_equal(fake_balloon_stat(1), 0);
    assert_int_equal(fake_balloon_stat(7), 0);
    finish();
}

static void more_than_there_is_gets_all_there_is_and_one_line(void **state)
{
    struct balloon_dev_config config = qemu_config();
    unsigned services;

    (void)state;
    machine(FRAMES);
    config.floor_pages = 300;
    start(&config);
    fake_balloon_app_alloc(1234);
    reach(UINT32_MAX);
    assert_int_equal(F.free_frames, 300);
    assert_int_equal(F.actual, F.taken);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1);
    assert_int_equal(balloon_dev_status(&dev).counters.shortfalls, 1);
    services = F.services;
    fake_balloon_settle(&dev, 100 * SECONDS);
    assert_true(F.services - services <= 11); /* one in ten seconds */
    /* What is freed goes at once, to the last frame above the floor. */
    fake_balloon_app_free(34);
    fake_balloon_settle(&dev, FAKE_NS_PER_MS);
    assert_int_equal(F.free_frames, 300);
    fake_balloon_app_free(1200);
    fake_balloon_settle(&dev, FAKE_NS_PER_MS);
    assert_int_equal(F.free_frames, 300);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1);
    /* A wish that can be met ends the episode; the next one is said again. */
    reach(100);
    assert_int_equal(F.actual, 100);
    reach(UINT32_MAX);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 2);
    finish();
}

/* Applications are asked when nothing is left above the floor, and for no more than is missing. */
static void what_applications_can_do_without_goes_to_the_host_when_nothing_is_free(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    fake_balloon_app_alloc(6000);
    F.askable = 2000;
    fake_balloon_ask_stats();
    settle_ms(0);
    assert_int_equal(fake_balloon_stat(7), 2000 * FRAME_SIZE);
    reach(9000);
    assert_int_equal(F.asked, 0);
    reach(12000);
    assert_int_equal(F.actual, 12000);
    assert_true(F.asked > 0);
    assert_true(F.askable > 0);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 0);
    finish();
}

static void a_guest_with_no_free_frame_still_deflates(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    reach(10000);
    fake_balloon_app_alloc(F.free_frames);
    assert_int_equal(F.free_frames, 0);
    reach(8999);
    assert_int_equal(F.actual, 8999);
    fake_balloon_app_alloc(F.free_frames);
    reach(9999);
    assert_int_equal(F.actual, 8999);
    reach(0);
    assert_int_equal(F.actual, 0);
    finish();
}

static void the_target_may_change_while_pages_move(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    machine(FRAMES);
    F.asynchronous = true;
    F.shuffles = true;
    F.delay_ns = 3 * FAKE_NS_PER_MS;
    config.slice_pages = 1024;
    start(&config);
    for (unsigned i = 0; i < 1000; i++) {
        fake_balloon_wish((uint32_t)(fake_balloon_random() % (FRAMES + 2000)));
        fake_balloon_settle(&dev, fake_balloon_random() % (20 * FAKE_NS_PER_MS));
        fake_balloon_check(&dev);
    }
    reach(777);
    assert_int_equal(F.actual, 777);
    finish();
}

static void a_thousand_targets_lose_no_frame(void **state)
{
    struct balloon_dev_config config = balloon_dev_config_default;

    (void)state;
    machine(FRAMES);
    config.floor_pages = 64;
    start(&config);
    for (unsigned i = 0; i < 1000; i++) {
        uint64_t free_frames = F.free_frames;

        if (i % 3 == 0 && free_frames > 0) {
            fake_balloon_app_alloc(fake_balloon_random() % free_frames / 4);
        }
        fake_balloon_wish((uint32_t)(fake_balloon_random() % FRAMES));
        fake_balloon_settle(&dev, 10 * FAKE_NS_PER_MS);
    }
    fake_balloon_check(&dev);
    reach(5);
    assert_int_equal(F.actual, 5);
    finish();
}

static void actual_is_current_ten_times_a_second(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    machine(FRAMES);
    F.asynchronous = true;
    F.delay_ns = 40 * FAKE_NS_PER_MS;
    config.host.buffers_per_request = 1;
    config.host.requests_max = 16;
    start(&config);
    F.actual_last_ns = 0;
    F.actual_gap_ns = 0;
    reach(16000);
    assert_int_equal(F.actual, 16000);
    assert_true(F.actual_gap_ns <= 100 * FAKE_NS_PER_MS);
    finish();
}

/* Found by the fuzzer: the host may have finished what the driver has not looked at yet. */
static void a_device_that_turns_synchronous_finishes_what_it_has(void **state)
{
    (void)state;
    machine(FRAMES);
    F.asynchronous = true;
    F.delay_ns = 20 * FAKE_NS_PER_MS;
    start(&balloon_dev_config_default);
    fake_balloon_wish(12000);
    for (unsigned ms = 0; ms < 100; ms++) {
        fake_balloon_settle(&dev, FAKE_NS_PER_MS);
        F.now_ns += FAKE_NS_PER_MS;
        F.asynchronous = ms < 30;
        fake_balloon_check(&dev);
    }
    fake_balloon_settle(&dev, LONG);
    fake_balloon_check(&dev);
    assert_int_equal(F.actual, 12000);
    finish();
}

static void a_slow_host_gets_smaller_slices(void **state)
{
    (void)state;
    start_qemu(4 * FRAMES);
    F.cost_ns = 100000; /* 0.1 ms a page: a slice of 512 takes 51 ms */
    reach(60000);
    assert_int_equal(F.actual, 60000);
    assert_int_equal(dev.slice_pages, 512);
    F.cost_ns = 10;
    reach(0);
    assert_true(dev.slice_pages > 512);
    finish();
}

static void needs_reset_is_answered_at_every_step(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (unsigned step = 0; step < 40; step++) {
        machine(FRAMES);
        F.asynchronous = step % 2 != 0;
        F.delay_ns = FAKE_NS_PER_MS;
        config.slice_pages = 1024;
        assert_int_equal(balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &config), OK);
        fake_balloon_wish(step % 3 == 0 ? 0 : 9000);
        for (unsigned i = 0; i < step; i++) {
            F.now_ns += FAKE_NS_PER_MS;
            (void)balloon_dev_service(&dev, false);
            fake_balloon_wish(i > 12 ? 3000 : F.num_pages);
        }
        fake_balloon_needs_reset();
        reach(8000);
        assert_int_equal(F.actual, 8000);
        assert_int_equal(balloon_dev_status(&dev).counters.resets, 1);
        assert_int_equal(F.stats_before_driver_ok, 2);
        finish();
    }
}

static void a_lost_request_times_out_and_the_device_is_restarted(void **state)
{
    struct balloon_dev_config config = qemu_config();
    uint64_t began;

    (void)state;
    machine(FRAMES);
    F.asynchronous = true;
    F.delay_ns = FAKE_NS_PER_MS;
    start(&config);
    reach(4000);
    F.loses = true;
    began = F.now_ns;
    fake_balloon_wish(9000);
    fake_balloon_settle(&dev, 8 * SECONDS);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    assert_int_equal(balloon_dev_status(&dev).leaving, 5000);
    /* The guest stands still for a day: that is not the device's fault. */
    F.now_ns += 86400 * SECONDS;
    (void)balloon_dev_service(&dev, false);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    fake_balloon_settle(&dev, SECONDS / 2);
    F.loses = false;
    fake_balloon_settle(&dev, 2 * SECONDS);
    assert_int_equal(balloon_dev_status(&dev).counters.timeouts, 1);
    assert_int_equal(F.actual, 9000);
    assert_true(F.now_ns > began);
    finish();
}

static void a_device_that_never_answers_is_given_up_and_nothing_is_lost(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    reach(5000);
    F.loses = true;
    reach(9000);
    fake_balloon_settle(&dev, 10 * LONG);
    assert_int_equal(balloon_dev_status(&dev).state, BALLOON_DEV_DEAD);
    assert_int_equal(F.taken, 0);
    assert_int_equal(F.allocs, 0);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, BALLOON_RESTARTS_MAX + 1);
    assert_true(balloon_dev_service(&dev, false) == BALLOON_NEVER);
    assert_false(balloon_dev_contains(&dev, 5));
    /* It may interrupt on and on: that is looked at once. */
    fake_balloon_needs_reset();
    fake_balloon_settle(&dev, LONG);
    finish();
}

static void frames_stay_out_of_use_while_a_reset_does_not_finish(void **state)
{
    uint64_t taken;

    (void)state;
    start_qemu(FRAMES);
    reach(5000);
    taken = F.taken;
    F.reset_hangs = true;
    fake_balloon_needs_reset();
    fake_balloon_settle(&dev, FAKE_NS_PER_MS);
    assert_int_equal(balloon_dev_status(&dev).state, BALLOON_DEV_RESTARTING);
    assert_int_equal(balloon_dev_status(&dev).stuck, taken);
    assert_int_equal(F.taken, taken);
    /* When it finishes after all, everything is as it should be. */
    F.reset_hangs = false;
    fake_balloon_settle(&dev, LONG);
    assert_int_equal(F.actual, 5000);
    /* And when it never does, the guest lives on without these frames. */
    F.reset_hangs = true;
    fake_balloon_needs_reset();
    fake_balloon_settle(&dev, LONG);
    assert_int_equal(balloon_dev_status(&dev).state, BALLOON_DEV_DEAD);
    assert_int_equal(balloon_dev_status(&dev).stuck, 5000);
    assert_int_equal(F.taken, 5000);
    balloon_dev_stop(&dev);
    assert_int_equal(balloon_dev_status(&dev).stuck, 5000);
    assert_int_equal(F.taken, 5000);
    /* A new start finishes the old stop first. */
    F.reset_hangs = false;
    start(&balloon_dev_config_default);
    assert_int_equal(F.actual, 5000);
    finish();
}

static void a_device_that_is_pulled_out_leaves_every_frame(void **state)
{
    static const uint64_t steps_ns[] = { 0, 1, 3 * FAKE_NS_PER_MS, LONG };

    (void)state;
    for (size_t i = 0; i < sizeof(steps_ns) / sizeof(steps_ns[0]); i++) {
        machine(FRAMES);
        F.asynchronous = true;
        start(&balloon_dev_config_default);
        fake_balloon_wish(9000);
        fake_balloon_settle(&dev, steps_ns[i]);
        fake_balloon_unplug();
        /* The safety poll is the first to notice. */
        F.now_ns += 5 * SECONDS;
        fake_balloon_settle(&dev, LONG);
        assert_int_equal(balloon_dev_status(&dev).state, BALLOON_DEV_DEAD);
        assert_int_equal(balloon_dev_status(&dev).stuck, 0);
        assert_int_equal(F.taken, 0);
        finish();
        /* The next one is served. */
        F.gone = false;
        start(&balloon_dev_config_default);
        fake_balloon_settle(&dev, LONG);
        assert_int_equal(F.actual, 9000);
        finish();
    }
}

static void a_lying_device_is_reset(void **state)
{
    static const struct {
        uint16_t queue;
        uint32_t id;
        uint16_t step;
    } lies[] = {
        { 0, 0, 1 }, { 0, 99, 1 }, { 1, 0, 5 }, { 2, 1, 1 }, { 2, 0, 2 }, { 0, 1, 40000 }
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
        start_qemu(FRAMES);
        reach(3000);
        fake_balloon_lie(lies[i].queue, lies[i].id, 0, lies[i].step);
        fake_balloon_settle(&dev, LONG);
        F.hostile = false;
        fake_balloon_check(&dev);
        assert_int_equal(balloon_dev_status(&dev).counters.resets, 1);
        assert_int_equal(F.actual, 3000);
        finish();
    }
}

static void a_failed_start_holds_nothing(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (unsigned step = 0; step < 6; step++) {
        machine(FRAMES);
        F.alloc_fails_after = step < 2 ? step + 1 : 0;
        F.refuses_features = step == 2;
        F.queue_size = step == 3 ? 0 : 128;
        F.reset_hangs = step == 4;
        F.status = step == 4 ? VIRTIO_STATUS_ACKNOWLEDGE : 0;
        F.offered &= step == 5 ? ~VIRTIO_F_VERSION_1 : UINT64_MAX;
        assert_true(balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &config) != OK);
        assert_int_equal(balloon_dev_status(&dev).state, BALLOON_DEV_STOPPED);
        F.reset_hangs = false;
        finish();
    }
}

static void failing_allocations_only_slow_it_down(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    F.take_fails = true;
    fake_balloon_wish(9000);
    fake_balloon_settle(&dev, 10 * SECONDS);
    assert_int_equal(F.taken, 0);
    assert_true(balloon_dev_status(&dev).counters.retries < 15);
    F.take_fails = false;
    fake_balloon_settle(&dev, LONG);
    assert_int_equal(F.actual, 9000);
    for (unsigned i = 1; i < 12; i++) {
        F.alloc_fails_after = i;
        reach(i * 100);
        assert_int_equal(F.actual, i * 100);
        F.alloc_fails_after = i;
        reach(16000 - i);
        assert_int_equal(F.actual, 16000 - i);
    }
    F.alloc_fails_after = 0;
    finish();
}

static void an_idle_driver_sleeps(void **state)
{
    unsigned services;

    (void)state;
    start_qemu(FRAMES);
    reach(1000);
    services = F.services;
    fake_balloon_settle(&dev, 1000 * SECONDS);
    assert_int_equal(F.services - services, 1);
    assert_true(balloon_dev_service(&dev, false) == BALLOON_NEVER);
    assert_false(balloon_dev_interrupt(&dev));
    assert_true(balloon_dev_contains(&dev, 512));
    assert_false(balloon_dev_contains(&dev, FRAMES - 1));
    finish();
}

static void a_lost_configuration_interrupt_is_made_up_for(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    F.num_pages = 100;
    (void)balloon_dev_service(&dev, false);
    assert_int_equal(F.actual, 0);
    F.now_ns += 2 * SECONDS;
    (void)balloon_dev_service(&dev, false);
    assert_int_equal(F.actual, 100);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_reached_exactly_again_and_again),
        cmocka_unit_test(the_careful_profile_never_chains_and_never_sends_more_than_256),
        cmocka_unit_test(every_whole_block_travels_in_one_element),
        cmocka_unit_test(a_gigabyte_costs_at_most_32_notifications_and_interrupts),
        cmocka_unit_test(an_asynchronous_gigabyte_costs_at_most_32_as_well),
        cmocka_unit_test(completions_out_of_order_are_fine),
        cmocka_unit_test(devices_without_indirect_and_event_index_work),
        cmocka_unit_test(only_features_that_are_served_are_accepted),
        cmocka_unit_test(the_first_statistics_are_true_and_queued_before_driver_ok),
        cmocka_unit_test(statistics_are_as_of_the_request),
        cmocka_unit_test(more_than_there_is_gets_all_there_is_and_one_line),
        cmocka_unit_test(what_applications_can_do_without_goes_to_the_host_when_nothing_is_free),
        cmocka_unit_test(a_guest_with_no_free_frame_still_deflates),
        cmocka_unit_test(the_target_may_change_while_pages_move),
        cmocka_unit_test(a_thousand_targets_lose_no_frame),
        cmocka_unit_test(actual_is_current_ten_times_a_second),
        cmocka_unit_test(a_device_that_turns_synchronous_finishes_what_it_has),
        cmocka_unit_test(a_slow_host_gets_smaller_slices),
        cmocka_unit_test(needs_reset_is_answered_at_every_step),
        cmocka_unit_test(a_lost_request_times_out_and_the_device_is_restarted),
        cmocka_unit_test(a_device_that_never_answers_is_given_up_and_nothing_is_lost),
        cmocka_unit_test(frames_stay_out_of_use_while_a_reset_does_not_finish),
        cmocka_unit_test(a_device_that_is_pulled_out_leaves_every_frame),
        cmocka_unit_test(a_lying_device_is_reset),
        cmocka_unit_test(a_failed_start_holds_nothing),
        cmocka_unit_test(failing_allocations_only_slow_it_down),
        cmocka_unit_test(an_idle_driver_sleeps),
        cmocka_unit_test(a_lost_configuration_interrupt_is_made_up_for),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_dev.c", tests, NULL, NULL);
}
