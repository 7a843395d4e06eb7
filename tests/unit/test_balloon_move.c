/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How pages move between the balloon driver and a fake host (tests/fakes/fake_balloon.h), which
 * judges every number: in what pieces, at what price, how far ahead of the answers.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/balloon_fixture.h"

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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_careful_profile_never_chains_and_never_sends_more_than_256),
        cmocka_unit_test(every_whole_block_travels_in_one_element),
        cmocka_unit_test(a_gigabyte_costs_at_most_32_notifications_and_interrupts),
        cmocka_unit_test(an_asynchronous_gigabyte_costs_at_most_32_as_well),
        cmocka_unit_test(completions_out_of_order_are_fine),
        cmocka_unit_test(devices_without_indirect_and_event_index_work),
        cmocka_unit_test(actual_is_current_ten_times_a_second),
        cmocka_unit_test(a_device_that_turns_synchronous_finishes_what_it_has),
        cmocka_unit_test(a_slow_host_gets_smaller_slices),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_move.c", tests, NULL, NULL);
}
