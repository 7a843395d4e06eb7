/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Recovery of the balloon driver: a device that asks for a reset, does not answer, lies or is
 * pulled out. Whatever it does, the fake host (tests/fakes/fake_balloon.h) judges every step, and
 * no frame is lost.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/balloon_fixture.h"

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
            fake_balloon_service(&dev);
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
    fake_balloon_service(&dev);
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
        fake_balloon_service(&dev);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(needs_reset_is_answered_at_every_step),
        cmocka_unit_test(a_lost_request_times_out_and_the_device_is_restarted),
        cmocka_unit_test(a_device_that_never_answers_is_given_up_and_nothing_is_lost),
        cmocka_unit_test(frames_stay_out_of_use_while_a_reset_does_not_finish),
        cmocka_unit_test(a_device_that_is_pulled_out_leaves_every_frame),
        cmocka_unit_test(a_lying_device_is_reset),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_recover.c", tests, NULL, NULL);
}
