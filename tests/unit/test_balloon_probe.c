/* SPDX-License-Identifier: BSD-2-Clause */
/* What follows from the probe of a host that drops reports, or does not any more: tests of the
 * driver against the fake host whose character changes. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/balloon_fixture.h"

#define BLOCKS(n) ((uint64_t)(n)*BLOCK_FRAMES)

/* 64 MiB, warm, and a host that drops what it is told: all of it is reported. */
static void start_reporting(void)
{
    struct balloon_dev_config config = qemu_config();

    machine(FRAMES);
    F.offered |= BALLOON_F_PAGE_REPORTING;
    fake_balloon_warm();
    start(&config);
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_4K);
    assert_true(F.pages_reported >= BLOCKS(20));
    settle_ms(1000);
}

static void app_uses_and_frees(uint32_t blocks)
{
    fake_balloon_app_blocks(blocks);
    settle_ms(1000);
    fake_balloon_app_free(BLOCKS(blocks));
    settle_ms(1000);
}

/* The fake ends the test when the driver spins. */
static void a_host_that_begins_to_ignore_reports_is_left_alone(void **state)
{
    unsigned services;

    (void)state;
    start_reporting();
    F.drop_min = 0;
    settle_ms(61000); /* what was found out is old now */
    app_uses_and_frees(20);
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_NOTHING);
    assert_int_equal(fake_seams.log_lines[LOG_WARN], 1);
    services = F.services;
    settle_ms(100000);
    assert_in_range(F.services, services, services + 1); /* it is asked again */
    assert_true(fake_balloon_mem.backed_count() >= BLOCKS(20));
    finish();
}

static void a_restarted_device_that_ignores_reports_is_left_alone(void **state)
{
    (void)state;
    start_reporting();
    fake_balloon_app_blocks(20);
    fake_balloon_app_free(BLOCKS(20));
    settle_ms(1000);
    assert_true(dev.report.reported >= BLOCKS(40));
    F.drop_min = 0;
    fake_balloon_needs_reset();
    settle_ms(1000);
    app_uses_and_frees(20);
    assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_NOTHING);
    finish();
}

static void a_slow_answer_to_the_probe_tells_nothing_about_slices(void **state)
{
    uint64_t slice_pages;

    (void)state;
    start_reporting();
    settle_ms(61000);
    slice_pages = dev.report.slice_pages;
    F.cost_ns = 100 * FAKE_NS_PER_MS; /* for a report */
    fake_balloon_app_blocks(1);
    fake_balloon_app_free(BLOCKS(1));
    settle_ms(5000);
    assert_int_equal(dev.report.probe.count, 2);
    /* One report: halved once at most. */
    assert_true(dev.report.slice_pages >= slice_pages / 2);
    finish();
}

/* Whatever question was answered last: it goes to the allocation, and the next one is not asked. */
static void an_allocation_gets_the_block_of_a_probe_that_was_answered(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (uint64_t ms = 0; ms < 30; ms++) {
        bool probes;

        machine(FRAMES);
        F.offered |= BALLOON_F_PAGE_REPORTING;
        F.asynchronous = true;
        F.delay_ns = 5 * FAKE_NS_PER_MS;
        assert_int_equal(balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &config), OK);
        settle_ms(ms);
        probes = dev.report.probe.phase != BALLOON_PROBE_IDLE;
        assert_true(probes || ms > 15);
        fake_balloon_pass(11 * FAKE_NS_PER_MS);
        assert_int_equal(fake_balloon_reclaim(&dev, 1, false), probes ? BLOCK_FRAMES : 0);
        assert_int_equal(balloon_dev_status(&dev).out, 0);
        /* It is found out when it matters. */
        settle_ms(2000);
        app_uses_and_frees(20);
        assert_int_equal(dev.report.probe.drops, BALLOON_DROPS_4K);
        assert_int_equal(fake_balloon_mem.backed_count(), 0);
        finish();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_that_begins_to_ignore_reports_is_left_alone),
        cmocka_unit_test(a_restarted_device_that_ignores_reports_is_left_alone),
        cmocka_unit_test(an_allocation_gets_the_block_of_a_probe_that_was_answered),
        cmocka_unit_test(a_slow_answer_to_the_probe_tells_nothing_about_slices),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_probe.c", tests, NULL, NULL);
}
