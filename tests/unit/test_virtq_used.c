/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq.c: what a device returns is taken, in every layout, and a device that
 * returns what it must not breaks its queue and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/virtq_rig.h"

/* ---- taking ---- */

static void nothing_used_means_again(void **state)
{
    uint16_t cookie;
    uint32_t bytes;

    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        (void)rig_show(1);
        assert_false(virtq_has_used(&rig.vq));
        assert_int_equal(rig_take(&cookie, &bytes), ERR_AGAIN);
    }
}

static void requests_may_come_back_in_any_order(void **state)
{
    uint16_t ids[8];

    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        for (uint16_t i = 0; i < 8; i++) {
            ids[i] = rig_show((uint16_t)(100 + i));
        }
        for (uint16_t i = 0; i < 8; i++) {
            fake_virtq_device_push(&rig.dev, ids[(i * 5) % 8], 0);
        }
        for (uint16_t i = 0; i < 8; i++) {
            assert_true(virtq_has_used(&rig.vq));
            rig_assert_takes((uint16_t)(100 + (i * 5) % 8));
        }
        assert_int_equal(rig.vq.in_flight, 0);
        assert_int_equal(rig.vq.free_count, 8);
    }
}

/* S4: the device asserts that what is offered never goes backwards. */
static void virtio_2_7_6_1_positions_wrap_at_65536(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(4);
        for (uint32_t i = 0; i < 65536 + 100; i++) {
            rig_add((uint16_t)i);
            assert_true(virtq_publish(&rig.vq));
            fake_virtq_device_push(&rig.dev, rig_pop(), 0);
            (void)fake_virtq_device_sleep(&rig.dev);
            rig_assert_takes((uint16_t)i);
        }
        assert_int_equal(rig.vq.used_next, 100);
    }
}

/* One request is stuck in the device while the indices go round: it is still known. */
static void a_request_may_stay_out_for_a_whole_turn_of_the_indices(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        uint16_t stuck;

        rig_start(4);
        stuck = rig_show(999);
        for (uint32_t i = 0; i < 65536 + 2; i++) {
            fake_virtq_device_push(&rig.dev, rig_show(1), 0);
            rig_assert_takes(1);
        }
        fake_virtq_device_push(&rig.dev, stuck, 0);
        rig_assert_takes(999);
    }
}

/* Adds one readable and two writable buffers of 1024 bytes and lets the device return them. */
static void use_2048_writable(uint32_t claimed)
{
    struct virtq_buffer buffers[3] = { rig_page, rig_page, rig_page };

    rig_start(8);
    assert_int_equal(virtq_add(&rig.vq, buffers, 1, 2, 9), OK);
    rig_publish();
    fake_virtq_device_push(&rig.dev, rig_pop(), claimed);
}

static void the_used_length_may_be_all_that_is_writable(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        static const uint32_t claims[] = { 0, 1, 2047, 2048 };

        for (unsigned i = 0; i < ARRAY_SIZE(claims); i++) {
            uint16_t cookie;
            uint32_t bytes;

            use_2048_writable(claims[i]);
            assert_int_equal(rig_take(&cookie, &bytes), OK);
            assert_int_equal(cookie, 9);
            assert_int_equal(bytes, claims[i]);
        }
    }
}

static void a_used_length_without_writable_buffers_is_ignored(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        fake_virtq_device_push(&rig.dev, rig_show(5), 1024);
        rig_assert_takes(5);
    }
}

/* ---- devices that break the rules ---- */

/* S6: nothing is reported as written that is not the request's. */
static void virtio_2_7_8_3_more_bytes_used_than_writable_breaks_the_queue(void **state)
{
    static const uint32_t claims[] = { 2049, 3072, UINT32_MAX };

    (void)state;
    while (rig_next_shape()) {
        for (unsigned i = 0; i < ARRAY_SIZE(claims); i++) {
            uint16_t cookie;
            uint32_t bytes;

            use_2048_writable(claims[i]);
            if (!rig.shape.legacy) {
                rig_assert_broken();
                continue;
            }
            /* [VIRTIO 1.4 §2.7.8.1] */
            assert_int_equal(rig_take(&cookie, &bytes), OK);
            assert_int_equal(bytes, 2048);
            assert_false(rig.vq.broken);
        }
    }
}

static void a_used_id_out_of_range_breaks_the_queue(void **state)
{
    static const uint32_t ids[] = { 8, 9, 256, 0x7fff, 0xffff };

    (void)state;
    while (rig_next_shape()) {
        for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
            rig_start(8);
            (void)rig_show(0);
            fake_virtq_device_push(&rig.dev, ids[i], 0);
            rig_assert_broken();
        }
    }
}

static void an_id_that_is_free_breaks_the_queue(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        (void)rig_show(0);
        fake_virtq_device_push(&rig.dev, rig.vq.free_head, 0);
        rig_assert_broken();
    }
}

static void returning_a_request_twice_breaks_the_queue(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        uint16_t id;

        rig_start(8);
        id = rig_show(1);
        (void)rig_show(2);
        fake_virtq_device_push(&rig.dev, id, 0);
        fake_virtq_device_push(&rig.dev, id, 0);
        rig_assert_takes(1);
        rig_assert_broken();
    }
}

static void returning_what_was_never_shown_breaks_the_queue(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        (void)rig_show(1);
        rig_add(2);
        fake_virtq_device_push(&rig.dev, rig_newest(), 0);
        rig_assert_broken();
    }
}

static void a_broken_queue_works_again_after_init(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        fake_virtq_device_push(&rig.dev, 100, 0);
        rig_assert_broken();
        rig_start(8);
        fake_virtq_device_push(&rig.dev, rig_show(6), 0);
        rig_assert_takes(6);
    }
}

static void check_queue(void)
{
    virtq_check(&rig.vq);
}

static void the_check_notices_a_damaged_queue(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        (void)rig_show(1);
        rig.vq.in_flight++;
        assert_true(panics(check_queue));
        rig.vq.in_flight--;
        rig.vq.free_count--;
        assert_true(panics(check_queue));
        rig.vq.free_count++;
        rig.vq.published++;
        assert_true(panics(check_queue));
        rig.vq.published--;
        rig.vq.shadow[rig.vq.free_head].next = rig.vq.free_head;
        assert_true(panics(check_queue));
        rig_start(8);
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(nothing_used_means_again),
        CASE(requests_may_come_back_in_any_order),
        CASE(virtio_2_7_6_1_positions_wrap_at_65536),
        CASE(a_request_may_stay_out_for_a_whole_turn_of_the_indices),
        CASE(the_used_length_may_be_all_that_is_writable),
        CASE(a_used_length_without_writable_buffers_is_ignored),
        CASE(virtio_2_7_8_3_more_bytes_used_than_writable_breaks_the_queue),
        CASE(a_used_id_out_of_range_breaks_the_queue),
        CASE(an_id_that_is_free_breaks_the_queue),
        CASE(returning_a_request_twice_breaks_the_queue),
        CASE(returning_what_was_never_shown_breaks_the_queue),
        CASE(a_broken_queue_works_again_after_init),
        CASE(the_check_notices_a_damaged_queue),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq.c", tests, NULL, NULL);
}
