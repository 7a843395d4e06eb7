/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq_layout.c: what lies where in the memory of a queue, whichever its layout. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/virtq_rig.h"

static void sizes_that_are_no_power_of_two_or_too_large_are_refused(void **state)
{
    static const uint16_t bad[] = { 0, 3, 255, 257, 1023, 1025, 2048, 32768, 65535 };

    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
            rig.shape.size = bad[i];
            assert_int_equal(virtq_init(&rig.vq, 0, &rig.shape, rig.memory, 0), ERR_RANGE);
        }
    }
}

/* S1, K1. */
static void virtio_2_7_1_and_2_8_11_all_parts_are_aligned_apart_and_inside_the_memory(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        for (unsigned size = 1; size <= VIRTQ_SIZE_MAX; size *= 2) {
            unsigned driver = rig.shape.packed ? 4 : 6 + 2 * size;
            unsigned device = rig.shape.packed ? 4 : 6 + 8 * size;
            unsigned align = rig.shape.packed ? 4 : 2;
            paddr_t end;

            rig_start((uint16_t)size);
            end = (uintptr_t)rig.memory + virtq_bytes(&rig.shape);
            assert_int_equal(rig.vq.desc_address, (uintptr_t)rig.memory);
            assert_int_equal(rig.vq.desc_address % 16, 0);
            assert_true(rig.vq.avail_address >= rig.vq.desc_address + 16 * size);
            assert_int_equal(rig.vq.avail_address % align, 0);
            assert_true(rig.vq.used_address >= rig.vq.avail_address + driver);
            assert_int_equal(rig.vq.used_address % 4, 0);
            /* The driver's notes come last, behind all that the device may write. */
            assert_true((uintptr_t)rig.vq.shadow >= rig.vq.used_address + device);
            if (rig.shape.indirect) {
                assert_true(rig.vq.tables_address >= rig.vq.used_address + device);
                assert_int_equal(rig.vq.tables_address % 16, 0);
                assert_true((uintptr_t)rig.vq.shadow >=
                            rig.vq.tables_address + 16 * VIRTQ_BUFFERS_MAX * size);
            }
            assert_int_equal((uintptr_t)&rig.vq.shadow[size], end);
        }
    }
}

static void a_packed_queue_needs_no_more_memory_than_a_split_one(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= VIRTQ_SIZE_MAX; size *= 2) {
        struct virtq_shape split = { .size = (uint16_t)size, .indirect = true };
        struct virtq_shape packed = { .size = (uint16_t)size, .indirect = true, .packed = true };

        assert_true(virtq_bytes(&packed) <= virtq_bytes(&split));
    }
}

static void a_queue_of_single_buffers_reserves_no_tables(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        struct virtq_shape plain = rig.shape;

        rig.shape.buffers_max = 1;
        rig_start(1024);
        assert_false(rig.vq.indirect);
        plain.indirect = false;
        plain.size = 1024;
        assert_int_equal(virtq_bytes(&rig.shape), virtq_bytes(&plain));
        fake_virtq_device_push(&rig.dev, rig_show(7), 0);
        rig_assert_takes(7);
    }
}

/* The tables are as long as the longest request, and belong to their ids alone. */
static void tables_of_a_chosen_length_do_not_overlap(void **state)
{
    struct virtq_buffer buffers[3];

    (void)state;
    while (rig_next_shape()) {
        rig.shape.buffers_max = 3;
        rig_start(16);
        for (uint16_t i = 0; i < rig.vq.size / 4; i++) {
            for (unsigned b = 0; b < 3; b++) {
                buffers[b] = (struct virtq_buffer){ 0x1000 * (i + 1U), 1 + b };
            }
            assert_int_equal(virtq_add(&rig.vq, buffers, 3, 0, i), OK);
        }
        rig_publish();
        for (uint16_t i = 0; i < rig.vq.size / 4; i++) {
            (void)rig_pop();
            assert_int_equal(rig.request.readable, 3);
            for (unsigned b = 0; b < 3; b++) {
                assert_int_equal(rig.request.buffers[b].address, 0x1000 * (i + 1U));
                assert_int_equal(rig.request.buffers[b].bytes, 1 + b);
            }
        }
    }
}

/* S7: the memory was filled with 0xa5 before. */
static void virtio_2_7_10_1_and_2_8_13_what_the_device_writes_starts_at_zero(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig.shape.size = 16;
        rig_start(16);
        memset(rig.memory, 0xa5, virtq_bytes(&rig.shape));
        assert_int_equal(virtq_init(&rig.vq, 0, &rig.shape, rig.memory, (uintptr_t)rig.memory), OK);
        if (rig.shape.packed) {
            assert_int_equal(rig.vq.device_event->word, 0);
            for (unsigned i = 0; i < 16; i++) {
                assert_int_equal(rig.vq.ring[i].flags, 0);
            }
        } else {
            assert_int_equal(rig.vq.used->flags, 0);
            assert_int_equal(rig.vq.used->idx, 0);
            assert_int_equal(rig.vq.avail->flags, 0);
        }
        assert_false(virtq_has_used(&rig.vq));
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sizes_that_are_no_power_of_two_or_too_large_are_refused),
        CASE(virtio_2_7_1_and_2_8_11_all_parts_are_aligned_apart_and_inside_the_memory),
        CASE(a_packed_queue_needs_no_more_memory_than_a_split_one),
        CASE(a_queue_of_single_buffers_reserves_no_tables),
        CASE(tables_of_a_chosen_length_do_not_overlap),
        CASE(virtio_2_7_10_1_and_2_8_13_what_the_device_writes_starts_at_zero),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq_layout.c", tests, NULL, NULL);
}
