/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver on fake devices with the documented limits of each monitor: what is offered, how long
 * a queue is, how many numbers a descriptor may carry, whether chains are read. The profile is the
 * one that the monitor's ACPI tables choose.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/balloon_fixture.h"

#define EVERYTHING                                                                                 \
    (BALLOON_F_STATS_VQ | BALLOON_F_DEFLATE_ON_OOM | BALLOON_F_FREE_PAGE_HINT |                    \
     BALLOON_F_PAGE_POISON | BALLOON_F_PAGE_REPORTING)
#define RING (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX)

struct monitor {
    const char *oem_id; /* "" where it has no ACPI tables */
    const char *profile;
    uint64_t offered; /* without VERSION_1 */
    uint16_t queue_size;
    uint32_t pfns_max; /* 0: any */
    bool refuses_chains;
    bool tells_length; /* as used: what it read, though it wrote nothing */
    bool asynchronous;
    bool whole_blocks; /* 512 numbers of a block arrive in one element */
};

/* Both ways, exactly, again and again, with statistics where they are served. */
static void serves(const struct monitor *monitor)
{
    static const uint32_t targets[] = { 1, 511, 512, 9000, 4097, 15000, 0, 13000, 77 };
    struct balloon_dev_config config = balloon_dev_config_default;

    machine(FRAMES);
    fake_balloon_warm();
    F.offered = monitor->offered | VIRTIO_F_VERSION_1;
    F.queue_size = monitor->queue_size;
    F.pfns_max = monitor->pfns_max;
    F.refuses_chains = monitor->refuses_chains;
    F.tells_length = monitor->tells_length;
    F.asynchronous = monitor->asynchronous;
    F.delay_ns = FAKE_NS_PER_MS;
    config.host = *balloon_profile_of(monitor->oem_id);
    assert_string_equal(config.host.name, monitor->profile);
    start(&config);
    for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
        reach(targets[i]);
        assert_int_equal(F.actual, targets[i]);
    }
    reach(0);
    F.blocks_whole = 0;
    reach(20 * BLOCK_FRAMES);
    if (monitor->whole_blocks) {
        assert_true(F.blocks_whole >= 18);
    }
    assert_int_equal(F.stats_seen > 0, (monitor->offered & BALLOON_F_STATS_VQ) != 0);
    assert_int_equal(balloon_dev_status(&dev).counters.resets, 0);
    if ((monitor->offered & BALLOON_F_PAGE_REPORTING) != 0) {
        assert_true(F.pages_reported > 0);
    }
    finish();
}

static void qemu_gets_four_frames_of_numbers_in_an_element(void **state)
{
    const struct monitor qemu = { .oem_id = "BOCHS ",
                                  .profile = "qemu",
                                  .offered = BALLOON_F_STATS_VQ | BALLOON_F_PAGE_POISON | RING,
                                  .queue_size = 128,
                                  .whole_blocks = true };

    (void)state;
    serves(&qemu);
}

static void qemu_with_everything_on_is_served_with_everything(void **state)
{
    const struct monitor qemu = { .oem_id = "BOCHS ",
                                  .profile = "qemu",
                                  .offered = EVERYTHING | RING,
                                  .queue_size = 128,
                                  .whole_blocks = true };

    (void)state;
    serves(&qemu);
}

static void firecracker_gets_256_numbers_in_one_descriptor_and_no_chain(void **state)
{
    const struct monitor firecracker = { .oem_id = "FIRECK",
                                         .profile = "firecracker",
                                         .offered = BALLOON_F_STATS_VQ | BALLOON_F_DEFLATE_ON_OOM |
                                                    BALLOON_F_FREE_PAGE_HINT |
                                                    BALLOON_F_PAGE_REPORTING,
                                         .queue_size = 256,
                                         .pfns_max = 256,
                                         .refuses_chains = true,
                                         .asynchronous = true };

    (void)state;
    serves(&firecracker);
}

static void cloud_hypervisor_gets_whole_blocks_as_chains_of_256(void **state)
{
    const struct monitor cloud_hypervisor = { .oem_id = "CLOUDH",
                                              .profile = "cloud-hypervisor",
                                              .offered = BALLOON_F_STATS_VQ |
                                                         BALLOON_F_DEFLATE_ON_OOM |
                                                         BALLOON_F_PAGE_REPORTING,
                                              .queue_size = 128,
                                              .pfns_max = 256,
                                              .tells_length = true,
                                              .asynchronous = true,
                                              .whole_blocks = true };

    (void)state;
    serves(&cloud_hypervisor);
}

static void crosvm_is_told_before_frames_are_used(void **state)
{
    const struct monitor crosvm = { .oem_id = "CROSVM",
                                    .profile = "crosvm",
                                    .offered = BALLOON_F_MUST_TELL_HOST | BALLOON_F_STATS_VQ |
                                               BALLOON_F_DEFLATE_ON_OOM | BALLOON_F_PAGE_REPORTING |
                                               VIRTIO_F_EVENT_IDX,
                                    .queue_size = 128,
                                    .asynchronous = true,
                                    .whole_blocks = true };

    (void)state;
    serves(&crosvm);
}

/* Only the first buffer of a chain is read, and there is no ACPI table to know it by. */
static void kvmtool_is_unknown_and_gets_the_careful_requests(void **state)
{
    const struct monitor kvmtool = { .oem_id = "",
                                     .profile = "careful",
                                     .offered = BALLOON_F_STATS_VQ,
                                     .queue_size = 128,
                                     .refuses_chains = true,
                                     .asynchronous = true };

    (void)state;
    serves(&kvmtool);
}

static void a_monitor_nobody_knows_gets_the_careful_requests(void **state)
{
    const struct monitor unknown = { .oem_id = "ALIOTH",
                                     .profile = "careful",
                                     .offered = BALLOON_F_STATS_VQ | VIRTIO_F_EVENT_IDX,
                                     .queue_size = 64,
                                     .pfns_max = 256,
                                     .refuses_chains = true };

    (void)state;
    serves(&unknown);
}

/* It numbers its queues as the specification does, offers statistics and hints and serves neither,
 * and never acknowledges: the driver gives up, and every frame is the guest's. */
static void libkrun_is_given_up_and_nothing_is_lost(void **state)
{
    struct balloon_dev_config config = balloon_dev_config_default;

    (void)state;
    machine(FRAMES);
    F.offered = BALLOON_F_STATS_VQ | BALLOON_F_FREE_PAGE_HINT | BALLOON_F_PAGE_REPORTING |
                VIRTIO_F_VERSION_1;
    F.fixed_queues = true;
    F.queue_size = 256;
    F.loses = true;
    start(&config);
    reach(5000);
    fake_balloon_settle(&dev, 10 * LONG);
    assert_int_equal(balloon_dev_status(&dev).state, BALLOON_DEV_DEAD);
    assert_int_equal(F.taken, 0);
    finish();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(qemu_gets_four_frames_of_numbers_in_an_element),
        cmocka_unit_test(qemu_with_everything_on_is_served_with_everything),
        cmocka_unit_test(firecracker_gets_256_numbers_in_one_descriptor_and_no_chain),
        cmocka_unit_test(cloud_hypervisor_gets_whole_blocks_as_chains_of_256),
        cmocka_unit_test(crosvm_is_told_before_frames_are_used),
        cmocka_unit_test(kvmtool_is_unknown_and_gets_the_careful_requests),
        cmocka_unit_test(a_monitor_nobody_knows_gets_the_careful_requests),
        cmocka_unit_test(libkrun_is_given_up_and_nothing_is_lost),
    };

    return cmocka_run_group_tests_name("drivers/virtio/balloon_pool.c", tests, NULL, NULL);
}
