/* SPDX-License-Identifier: BSD-2-Clause */
/* Queue numbers: the rule by itself, and the driver on devices that number in each of the ways
 * hosts do, or lack queues. [VIRTIO 1.4 §5.5.2] */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/log.h"
#include "tests/unit/balloon_fixture.h"

#define ROUND 2U

/* Every subset of the features that have a queue. */
#define SUBSETS 8U

static uint64_t subset(unsigned n)
{
    return ((n & 1) != 0 ? BALLOON_F_STATS_VQ : 0) | ((n & 2) != 0 ? BALLOON_F_FREE_PAGE_HINT : 0) |
           ((n & 4) != 0 ? BALLOON_F_PAGE_REPORTING : 0);
}

/* A machine whose memory was used, at a device with these queue features. */
static void host(uint64_t features)
{
    machine(FRAMES);
    F.offered = features | VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX;
    fake_balloon_warm();
}

/* Each queue does its work: the fake refuses what does not belong on a queue. */
static void everything_works(uint64_t features)
{
    unsigned stats = F.stats_seen;
    uint64_t hinted = F.pages_hinted;

    reach(3000);
    assert_int_equal(F.actual, 3000);
    reach(100);
    assert_int_equal(F.actual, 100);
    fake_balloon_ask_stats();
    if ((features & BALLOON_F_FREE_PAGE_HINT) != 0) {
        fake_balloon_hint(ROUND);
    }
    fake_balloon_settle(&dev, LONG);
    fake_balloon_check(&dev);
    assert_int_equal(F.stats_seen > stats, (features & BALLOON_F_STATS_VQ) != 0);
    assert_int_equal(F.pages_hinted > hinted, (features & BALLOON_F_FREE_PAGE_HINT) != 0);
    assert_int_equal(F.pages_reported > 0, (features & BALLOON_F_PAGE_REPORTING) != 0);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
}

static void numbered_consecutively_every_subset_of_features_works(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (unsigned n = 0; n < SUBSETS; n++) {
        host(subset(n));
        start(&config);
        assert_int_equal(
            F.accepted & (BALLOON_F_STATS_VQ | BALLOON_F_FREE_PAGE_HINT | BALLOON_F_PAGE_REPORTING),
            subset(n));
        assert_false(dev.queues.fixed);
        everything_works(subset(n));
        finish();
    }
}

static void numbered_by_the_specification_every_subset_of_features_works(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (unsigned n = 0; n < SUBSETS; n++) {
        host(subset(n));
        F.fixed_queues = true;
        start(&config);
        assert_int_equal(dev.queues.fixed, n + 1 < SUBSETS);
        everything_works(subset(n));
        finish();
    }
}

static void a_missing_queue_is_done_without_and_said(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (unsigned n = 1; n < SUBSETS; n++) {
        for (uint16_t missing = 1; missing <= 3; missing++) {
            unsigned queues = (n & 1U) + (n >> 1 & 1U) + (n >> 2);
            unsigned lines;

            host(subset(n));
            F.queues_missing = missing;
            if (missing > queues) {
                continue;
            }
            start(&config);
            lines = fake_seams.log_lines[LOG_WARN];
            assert_true(lines >= 1 && lines <= 3);
            everything_works(F.accepted);
            finish();
        }
    }
}

static void a_device_with_fewer_than_two_queues_is_refused(void **state)
{
    struct balloon_dev_config config = qemu_config();

    (void)state;
    for (unsigned n = 0; n < SUBSETS; n++) {
        unsigned queues = 2 + (n & 1U) + (n >> 1 & 1U) + (n >> 2);

        for (unsigned left = 0; left < 2; left++) {
            host(subset(n));
            F.queues_missing = (uint16_t)(queues - left);
            assert_int_equal(balloon_dev_start(&dev, &F.dev, &fake_balloon_mem, &config),
                             ERR_UNSUPPORTED);
            assert_int_equal(fake_seams.log_lines[LOG_ERROR], 1);
            assert_true((F.status & VIRTIO_STATUS_FAILED) != 0 || F.status == 0);
            assert_int_equal(balloon_dev_service(&dev, false), BALLOON_NEVER);
            finish();
        }
    }
}

static void numbers_follow_the_rule(void **state)
{
    static const uint64_t all =
        BALLOON_F_STATS_VQ | BALLOON_F_FREE_PAGE_HINT | BALLOON_F_PAGE_REPORTING;
    struct balloon_queues queues;
    uint64_t missing = 0;

    (void)state;
    assert_true(balloon_queues_number(&queues, all, 5, &missing));
    assert_int_equal(queues.index[BALLOON_QUEUE_REPORT], 4);
    assert_true(balloon_queues_number(&queues, BALLOON_F_PAGE_REPORTING, 3, &missing));
    assert_int_equal(queues.index[BALLOON_QUEUE_REPORT], 2);
    assert_int_equal(queues.index[BALLOON_QUEUE_STATS], BALLOON_QUEUE_NONE);
    assert_true(balloon_queues_number(&queues, BALLOON_F_PAGE_REPORTING, 5, &missing));
    assert_int_equal(queues.index[BALLOON_QUEUE_REPORT], 4);
    /* A transport that cannot count its queues tells how many it could have. */
    assert_true(balloon_queues_number(&queues, BALLOON_F_STATS_VQ, 64, &missing));
    assert_int_equal(queues.index[BALLOON_QUEUE_STATS], 2);
    assert_false(balloon_queues_number(&queues, all, 4, &missing));
    assert_int_equal(missing, BALLOON_F_PAGE_REPORTING);
    assert_false(balloon_queues_number(&queues, all, 1, &missing));
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_follow_the_rule),
        cmocka_unit_test(numbered_consecutively_every_subset_of_features_works),
        cmocka_unit_test(numbered_by_the_specification_every_subset_of_features_works),
        cmocka_unit_test(a_missing_queue_is_done_without_and_said),
        cmocka_unit_test(a_device_with_fewer_than_two_queues_is_refused),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_queues.c", tests, NULL, NULL);
}
