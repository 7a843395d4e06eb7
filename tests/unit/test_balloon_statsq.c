/* SPDX-License-Identifier: BSD-2-Clause */
/* The statistics queue of the balloon driver against the fake host: one true buffer with the host
 * at any time. What a buffer holds is in test_balloon_stats.c. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "drivers/virtio/balloon_stats.h"
#include "tests/unit/balloon_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_statistics_are_true_and_queued_before_driver_ok),
        cmocka_unit_test(statistics_are_as_of_the_request),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_statsq.c", tests, NULL, NULL);
}
