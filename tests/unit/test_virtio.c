/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtio.c: the order of the life cycle, and a device that refuses at each step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtio.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtio.h"
#include "tests/fakes/fake_virtq_device.h"

#define WANTED (VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC)

static struct fake_virtio fake;
static struct virtq vq;
static void *memory;

static int setup(void **state)
{
    struct virtq_shape largest = { .size = VIRTQ_SIZE_MAX, .indirect = true };

    (void)state;
    fake_virtio_init(&fake, VIRTIO_ID_BALLOON, WANTED, 3);
    memory = aligned_alloc(FRAME_SIZE, align_up(virtq_bytes(&largest), FRAME_SIZE));
    assert_non_null(memory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static err_t start(uint16_t index, uint16_t size)
{
    struct virtq_shape shape = virtio_queue_shape(&fake.dev, index, size, 0);

    return virtio_queue_start(&fake.dev, &vq, index, &shape, memory, (uintptr_t)memory);
}

static void begin(void)
{
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 0), OK);
}

static void add(void)
{
    struct virtq_buffer buffer = { .address = 0x1000, .bytes = 4 };

    assert_int_equal(virtq_add(&vq, &buffer, 1, 0, 0), OK);
}

static void kick(void)
{
    (void)virtio_kick(&fake.dev, &vq);
}

static void ready(void)
{
    virtio_ready(&fake.dev);
}

static void start_any(void)
{
    assert_int_equal(start(0, 64), OK);
}

static void virtio_3_1_1_steps_are_in_order(void **state)
{
    (void)state;
    begin();
    assert_int_equal(start(0, 256), OK);
    assert_int_equal(start(1, 64), OK);
    virtio_ready(&fake.dev);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered accepted=130000000 "
                                  "status=0b queue=0/128 queue=1/64 status=0f");
    assert_int_equal(fake.relaxed, 0);
}

static void virtio_2_4_2_reset_is_done_when_status_reads_zero(void **state)
{
    (void)state;
    fake.reset_delay = 500;
    begin();
    assert_true(fake.relaxed >= 500);
}

static void a_device_that_never_resets_times_out(void **state)
{
    (void)state;
    fake.reset_delay = UINT32_MAX;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 0), ERR_TIMEOUT);
    assert_int_equal(fake.relaxed, VIRTIO_RESET_RELAX_MAX);
    /* Not even ACKNOWLEDGE: nothing may follow an unfinished reset. */
    assert_string_equal(fake.log, "status=00");
}

static void virtio_6_1_a_device_without_version_1_is_refused(void **state)
{
    (void)state;
    fake.offered = WANTED;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 0), ERR_UNSUPPORTED);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered status=83");
    assert_true(fake.dev.failed);
}

static void virtio_2_2_1_a_missing_required_feature_sets_failed(void **state)
{
    (void)state;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, UINT64_C(1) << 5), ERR_UNSUPPORTED);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered status=83");
}

static void virtio_2_2_1_only_what_is_offered_and_wanted_is_accepted(void **state)
{
    (void)state;
    fake.offered = VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | UINT64_C(1) << 63 | 1U << 2;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 1U << 2), OK);
    assert_int_equal(fake.accepted, VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | 1U << 2);
    assert_int_equal(fake.dev.features, fake.accepted);
    assert_int_equal(fake.dev.offered, fake.offered);
}

static void virtio_3_1_1_features_ok_is_read_again(void **state)
{
    (void)state;
    fake.refuses_features_ok = true;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 0), ERR_UNSUPPORTED);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered accepted=130000000 "
                                  "status=0b status=83");
    assert_true(fake.dev.failed);
}

static void after_failed_a_new_beginning_resets_first(void **state)
{
    (void)state;
    fake.refuses_features_ok = true;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 0), ERR_UNSUPPORTED);
    fake.refuses_features_ok = false;
    fake_virtio_log_clear(&fake);
    begin();
    assert_false(fake.dev.failed);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered accepted=130000000 "
                                  "status=0b");
}

static void the_queue_size_fits_device_limit_and_power_of_two(void **state)
{
    static const struct {
        uint16_t device, limit, size;
    } cases[] = {
        { 128, 256, 128 }, { 1024, 256, 256 }, { 65535, 65535, 1024 }, { 128, 100, 64 },
        { 100, 256, 64 },  { 32768, 32, 32 },  { 1, 256, 1 },          { 3, 3, 2 },
        { 0, 256, 0 },     { 256, 1, 1 },
    };

    (void)state;
    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake.queue_size[0] = cases[i].device;
        assert_int_equal(virtio_queue_shape(&fake.dev, 0, cases[i].limit, 0).size, cases[i].size);
    }
}

static void a_queue_that_does_not_exist_is_unsupported(void **state)
{
    (void)state;
    begin();
    assert_int_equal(start(3, 64), ERR_UNSUPPORTED);
    fake.queue_size[2] = 0;
    assert_int_equal(start(2, 64), ERR_UNSUPPORTED);
}

static void a_queue_has_the_negotiated_features(void **state)
{
    (void)state;
    begin();
    start_any();
    assert_true(vq.event_idx && vq.indirect && !vq.packed);
    fake.offered = VIRTIO_F_VERSION_1;
    begin();
    start_any();
    assert_false(vq.event_idx || vq.indirect || vq.packed);
    fake.offered = VIRTIO_F_VERSION_1 | VIRTIO_F_RING_PACKED;
    assert_int_equal(virtio_begin(&fake.dev, WANTED | VIRTIO_F_RING_PACKED, 0), OK);
    start_any();
    assert_true(vq.packed);
}

static void an_error_of_queue_enable_is_passed_on(void **state)
{
    (void)state;
    begin();
    fake.queue_enable_error = ERR_DEVICE;
    assert_int_equal(start(0, 64), ERR_DEVICE);
}

static void virtio_3_1_1_no_notification_before_driver_ok(void **state)
{
    (void)state;
    begin();
    start_any();
    add();
    assert_true(panics(kick));
    assert_int_equal(fake.notified[0], 0);
    virtio_ready(&fake.dev);
    assert_true(virtio_kick(&fake.dev, &vq));
    assert_int_equal(fake.notified[0], 1);
    assert_false(virtio_kick(&fake.dev, &vq));
    assert_int_equal(fake.notified[0], 1);
}

static void a_device_that_polls_is_not_notified(void **state)
{
    struct fake_virtq_device device;

    (void)state;
    begin();
    start_any();
    virtio_ready(&fake.dev);
    fake_virtq_device_attach(&device, &vq);
    fake_virtq_device_poll(&device);
    add();
    assert_false(virtio_kick(&fake.dev, &vq));
    assert_int_equal(fake.notified[0], 0);
}

static void after_giving_up_nothing_is_notified(void **state)
{
    (void)state;
    begin();
    start_any();
    virtio_ready(&fake.dev);
    add();
    fake_virtio_log_clear(&fake);
    virtio_fail(&fake.dev);
    assert_false(virtio_kick(&fake.dev, &vq));
    /* FAILED comes on top of what was set [VIRTIO 1.4 §2.1.1]. */
    assert_string_equal(fake.log, "status=8f");
}

static void steps_out_of_order_panic(void **state)
{
    (void)state;
    assert_true(panics(ready));
    assert_true(panics(start_any));
    begin();
    start_any();
    ready();
    assert_true(panics(ready));
    assert_true(panics(start_any));
    virtio_fail(&fake.dev);
    assert_true(panics(ready));
}

static void stopping_resets_and_waits(void **state)
{
    (void)state;
    begin();
    start_any();
    virtio_ready(&fake.dev);
    fake.reset_delay = 10;
    fake_virtio_log_clear(&fake);
    assert_int_equal(virtio_stop(&fake.dev), OK);
    assert_string_equal(fake.log, "status=00");
    assert_int_equal(fake.status, 0);
    assert_true(panics(kick));
    fake.reset_delay = UINT32_MAX;
    assert_int_equal(virtio_stop(&fake.dev), ERR_TIMEOUT);
}

static void virtio_2_1_1_the_device_may_ask_for_a_reset(void **state)
{
    (void)state;
    begin();
    virtio_ready(&fake.dev);
    assert_false(virtio_needs_reset(&fake.dev));
    fake.status |= VIRTIO_STATUS_NEEDS_RESET;
    assert_true(virtio_needs_reset(&fake.dev));
    begin();
    assert_false(virtio_needs_reset(&fake.dev));
}

/* ---- the legacy interface ---- */

static void virtio_3_1_2_a_legacy_device_knows_no_features_ok(void **state)
{
    (void)state;
    fake_virtio_make_legacy(&fake, false);
    begin();
    assert_int_equal(start(0, 64), OK);
    virtio_ready(&fake.dev);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered accepted=30000000 "
                                  "queue=0/64 status=07");
}

static void virtio_6_3_a_legacy_device_gets_any_layout_and_never_bit_30(void **state)
{
    (void)state;
    fake_virtio_make_legacy(&fake, false);
    fake.offered |= UINT64_C(1) << 27 | UINT64_C(1) << 30;
    assert_int_equal(virtio_begin(&fake.dev, WANTED | UINT64_C(1) << 30, 0), OK);
    assert_int_equal(fake.accepted, WANTED | UINT64_C(1) << 27);
    /* Not offered, not accepted. */
    fake.offered = 0;
    begin();
    assert_int_equal(fake.accepted, 0);
    start_any();
}

static void any_layout_is_not_for_modern_devices(void **state)
{
    (void)state;
    fake.offered |= UINT64_C(1) << 27;
    begin();
    assert_int_equal(fake.accepted, WANTED | VIRTIO_F_VERSION_1);
}

static void virtio_2_2_3_features_beyond_32_bits_are_missing_in_a_legacy_device(void **state)
{
    (void)state;
    fake_virtio_make_legacy(&fake, false);
    assert_int_equal(virtio_begin(&fake.dev, WANTED | UINT64_C(1) << 34, 0), OK);
    assert_int_equal(fake.accepted, WANTED);
    fake_virtio_log_clear(&fake);
    assert_int_equal(virtio_begin(&fake.dev, WANTED, UINT64_C(1) << 34), ERR_UNSUPPORTED);
    assert_string_equal(fake.log, "status=00 status=01 status=03 offered status=83");
}

static void without_negotiation_no_queue_is_set_up(void **state)
{
    (void)state;
    fake_virtio_make_legacy(&fake, false);
    assert_true(panics(start_any));
    begin();
    start_any();
    assert_int_equal(virtio_stop(&fake.dev), OK);
    assert_true(panics(start_any));
}

static void a_device_that_dictates_sizes_gets_them(void **state)
{
    static const struct {
        uint16_t device, limit, size;
    } cases[] = {
        { 128, 64, 128 }, { 128, 128, 128 },  { 128, 256, 128 },  { 100, 256, 0 },
        { 0, 256, 0 },    { 32768, 2048, 0 }, { 65535, 2048, 0 }, { 1, 4, 1 },
    };

    (void)state;
    fake_virtio_make_legacy(&fake, true);
    begin();
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        fake.queue_size[0] = cases[i].device;
        assert_int_equal(virtio_queue_shape(&fake.dev, 0, cases[i].limit, 0).size, cases[i].size);
        assert_true(virtio_queue_shape(&fake.dev, 0, cases[i].limit, 0).legacy);
    }
    fake.queue_size[0] = 128;
    assert_int_equal(start(0, 64), OK);
    assert_int_equal(vq.size, 128);
}

static void a_device_that_is_gone_counts_as_reset_and_begins_no_more(void **state)
{
    (void)state;
    begin();
    fake.gone = true;
    fake.reset_delay = UINT32_MAX;
    fake.status = 0xff;
    assert_int_equal(virtio_stop(&fake.dev), OK);
    assert_int_equal(fake.relaxed, 0);
    fake.status = 0xff;
    assert_int_equal(virtio_begin(&fake.dev, WANTED, 0), ERR_DEVICE);
    assert_false(fake.dev.negotiated);
}

static void all_ones_of_a_device_that_is_there_are_no_reset(void **state)
{
    (void)state;
    begin();
    fake.reset_delay = UINT32_MAX;
    fake.status = 0xff;
    assert_int_equal(virtio_stop(&fake.dev), ERR_TIMEOUT);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_3_1_1_steps_are_in_order),
        CASE(virtio_2_4_2_reset_is_done_when_status_reads_zero),
        CASE(a_device_that_never_resets_times_out),
        CASE(virtio_6_1_a_device_without_version_1_is_refused),
        CASE(virtio_2_2_1_a_missing_required_feature_sets_failed),
        CASE(virtio_2_2_1_only_what_is_offered_and_wanted_is_accepted),
        CASE(virtio_3_1_1_features_ok_is_read_again),
        CASE(after_failed_a_new_beginning_resets_first),
        CASE(the_queue_size_fits_device_limit_and_power_of_two),
        CASE(a_queue_that_does_not_exist_is_unsupported),
        CASE(a_queue_has_the_negotiated_features),
        CASE(an_error_of_queue_enable_is_passed_on),
        CASE(virtio_3_1_1_no_notification_before_driver_ok),
        CASE(a_device_that_polls_is_not_notified),
        CASE(after_giving_up_nothing_is_notified),
        CASE(steps_out_of_order_panic),
        CASE(stopping_resets_and_waits),
        CASE(virtio_2_1_1_the_device_may_ask_for_a_reset),
        CASE(virtio_3_1_2_a_legacy_device_knows_no_features_ok),
        CASE(virtio_6_3_a_legacy_device_gets_any_layout_and_never_bit_30),
        CASE(any_layout_is_not_for_modern_devices),
        CASE(virtio_2_2_3_features_beyond_32_bits_are_missing_in_a_legacy_device),
        CASE(without_negotiation_no_queue_is_set_up),
        CASE(a_device_that_dictates_sizes_gets_them),
        CASE(a_device_that_is_gone_counts_as_reset_and_begins_no_more),
        CASE(all_ones_of_a_device_that_is_there_are_no_reset),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtio.c", tests, NULL, NULL);
}
