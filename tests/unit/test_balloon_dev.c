/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon driver against a fake host (tests/fakes/fake_balloon.h), which judges every step: a
 * frame lost, sent twice, or taken back too early ends the test wherever it happens. How pages
 * travel is in test_balloon_move.c, and devices that fail are in test_balloon_recover.c.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
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
    assert_int_equal(F.services, services);
    assert_true(balloon_dev_service(&dev, false) == BALLOON_NEVER);
    assert_int_equal(dev.dev->ops->interrupt_cause(dev.dev), 0);
    assert_true(balloon_dev_contains(&dev, 512));
    assert_false(balloon_dev_contains(&dev, FRAMES - 1));
    finish();
}

static void a_lost_configuration_interrupt_is_made_up_for(void **state)
{
    (void)state;
    start_qemu(FRAMES);
    F.num_pages = 100;
    fake_balloon_service(&dev);
    assert_int_equal(F.actual, 0);
    F.now_ns += 2 * SECONDS;
    fake_balloon_service(&dev);
    assert_int_equal(F.actual, 100);
    finish();
}

static void a_poll_finds_what_an_interrupt_lost_and_is_not_counted_as_one(void **state)
{
    uint64_t interrupts;

    (void)state;
    start_qemu(FRAMES);
    interrupts = balloon_dev_status(&dev).counters.interrupts;
    fake_balloon_wish(100);
    F.irq = false; /* lost */
    assert_false(balloon_dev_marked(&dev));
    balloon_dev_poll(&dev, dev.dev->ops->interrupt_cause(dev.dev));
    assert_true(balloon_dev_marked(&dev));
    settle_ms(1);
    assert_int_equal(F.actual, 100);
    assert_int_equal(balloon_dev_status(&dev).counters.interrupts, interrupts);
    reach(200);
    assert_int_equal(balloon_dev_status(&dev).counters.interrupts, interrupts + 1);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_target_is_reached_exactly_again_and_again),
        cmocka_unit_test(only_features_that_are_served_are_accepted),
        cmocka_unit_test(more_than_there_is_gets_all_there_is_and_one_line),
        cmocka_unit_test(what_applications_can_do_without_goes_to_the_host_when_nothing_is_free),
        cmocka_unit_test(a_guest_with_no_free_frame_still_deflates),
        cmocka_unit_test(the_target_may_change_while_pages_move),
        cmocka_unit_test(a_thousand_targets_lose_no_frame),
        cmocka_unit_test(a_failed_start_holds_nothing),
        cmocka_unit_test(failing_allocations_only_slow_it_down),
        cmocka_unit_test(an_idle_driver_sleeps),
        cmocka_unit_test(a_lost_configuration_interrupt_is_made_up_for),
        cmocka_unit_test(a_poll_finds_what_an_interrupt_lost_and_is_not_counted_as_one),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_dev.c", tests, NULL, NULL);
}
