/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq_split.c: what the split ring and its legacy layout have for themselves. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/virtq_rig.h"

/* ---- the legacy layout ---- */

/* S1: the specification's own formula for the whole, and its order of the parts. */
static void virtio_2_7_2_the_legacy_layout_is_the_contiguous_one(void **state)
{
    static const uint16_t sizes[] = { 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024 };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
        uint64_t qsz = sizes[i];
        uint64_t first = align_up(16 * qsz + 2 * (3 + qsz), 4096);
        uint64_t second = align_up(2 * 3 + 8 * qsz, 4096);

        rig_legacy();
        rig_start(sizes[i]);
        assert_int_equal(rig.vq.desc_address % 4096, 0);
        assert_int_equal(rig.vq.avail_address, rig.vq.desc_address + 16 * qsz);
        assert_int_equal(rig.vq.used_address, rig.vq.desc_address + first);
        /* The frames the device is given may hold the driver's notes behind the used ring. */
        assert_true(align_up(virtq_bytes(&rig.shape), 4096) >= first + second);
        fake_virtq_device_push(&rig.dev, rig_show(1), 0);
        rig_assert_takes(1);
    }
}

/* ---- publishing ---- */

/* S8: a device that reads descriptors as soon as the index moves; had the index come first, it
 * would see the descriptor of the round before. */
static void virtio_2_7_13_3_idx_updated_after_descriptors(void **state)
{
    (void)state;
    rig_split();
    rig_start(2);
    for (uint16_t i = 1; i <= 100; i++) {
        struct virtq_buffer buffer = { .address = UINT64_C(0x1000) * i, .bytes = i };
        uint16_t idx_before = rig.vq.avail->idx;

        assert_int_equal(virtq_add(&rig.vq, &buffer, 1, 0, i), OK);
        assert_int_equal(rig.vq.avail->idx, idx_before);
        assert_true(virtq_publish(&rig.vq));
        assert_int_equal(rig.vq.avail->idx, (uint16_t)(idx_before + 1));
        (void)rig_pop();
        assert_int_equal(rig.request.buffers[0].address, buffer.address);
        assert_int_equal(rig.request.buffers[0].bytes, i);
        fake_virtq_device_push(&rig.dev, rig.request.id, 0);
        rig_assert_takes(i);
    }
}

/* S7: for every distance of the event from the published index and every batch, around the wrap:
 * notify exactly when the entry with the event's index is among those published. */
static void virtio_2_7_10_1_avail_event_decides_with_event_index(void **state)
{
    (void)state;
    rig_split();
    rig.shape.event_idx = true;
    for (uint32_t start = 65536 - 20; start < 65536 + 4; start++) {
        for (unsigned batch = 1; batch <= 16; batch++) {
            for (int distance = -20; distance <= 20; distance++) {
                uint16_t event = (uint16_t)((int)start + distance);
                bool expected = distance >= 0 && distance < (int)batch;

                rig_start_at(16, (uint16_t)start);
                fake_virtq_device_write_avail_event(&rig.dev, event);
                for (unsigned i = 0; i < batch; i++) {
                    rig_add((uint16_t)i);
                }
                assert_int_equal(virtq_publish(&rig.vq), expected);
            }
        }
    }
}

/* S7. */
static void virtio_2_7_10_1_flags_are_ignored_with_event_index(void **state)
{
    (void)state;
    rig_split();
    rig.shape.event_idx = true;
    rig_start(8);
    rig.dev.used->flags = VIRTQ_USED_NO_NOTIFY;
    rig_add(1);
    assert_true(virtq_publish(&rig.vq));
}

/* The formula against its meaning: all 65,536 events for batches of several lengths. */
static void event_formula_means_the_entry_was_passed(void **state)
{
    static const uint16_t batches[] = { 0, 1, 2, 255, 256, 1024 };

    (void)state;
    for (size_t b = 0; b < ARRAY_SIZE(batches); b++) {
        uint16_t before = 65500;
        uint16_t now = (uint16_t)(before + batches[b]);

        for (unsigned event = 0; event < 65536; event++) {
            bool expected = (uint16_t)(event - before) < batches[b];

            assert_int_equal(virtq_event_passed((uint16_t)event, now, before), expected);
        }
    }
}

/* ---- devices that break the rules ---- */

static void an_id_that_is_right_only_in_16_bits_breaks_the_queue(void **state)
{
    (void)state;
    rig_split();
    rig_start(8);
    fake_virtq_device_push(&rig.dev, 0x10000U + rig_show(0), 0);
    rig_assert_broken();
}

static void an_id_in_the_middle_of_a_chain_breaks_the_queue(void **state)
{
    struct virtq_buffer buffers[3] = { rig_page, rig_page, rig_page };

    (void)state;
    rig_split();
    rig_start(8);
    assert_int_equal(virtq_add(&rig.vq, buffers, 3, 0, 0), OK);
    rig_publish();
    fake_virtq_device_push(&rig.dev, rig.vq.shadow[rig_pop()].next, 0);
    rig_assert_broken();
}

static void a_used_index_that_runs_ahead_breaks_the_queue(void **state)
{
    (void)state;
    rig_split();
    rig_start(8);
    fake_virtq_device_write_entry(&rig.dev, 0, rig_show(1), 0);
    rig_add(2); /* in flight, but hidden */
    fake_virtq_device_write_idx(&rig.dev, 2);
    rig_assert_broken();
}

static void a_used_index_that_runs_backwards_breaks_the_queue(void **state)
{
    (void)state;
    rig_split();
    rig_start(8);
    fake_virtq_device_push(&rig.dev, rig_show(1), 0);
    rig_assert_takes(1);
    (void)rig_show(2);
    fake_virtq_device_write_idx(&rig.dev, 0);
    rig_assert_broken();
}

/* ---- interrupts ---- */

/* S5: 0 and 1 without event index; with it 0, and used_event says when. */
static void virtio_2_7_7_1_flags_and_used_event_are_what_was_negotiated(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        if (rig.shape.packed) {
            continue;
        }
        rig_start_at(8, 5);
        assert_int_equal(rig.vq.avail->flags, 0);
        virtq_interrupts_off(&rig.vq);
        assert_int_equal(rig.vq.avail->flags, rig.shape.event_idx ? 0 : 1);
        assert_false(virtq_interrupts_on(&rig.vq, 3));
        assert_int_equal(rig.vq.avail->flags, 0);
        assert_int_equal(rig.vq.avail->ring[8], rig.shape.event_idx ? 5 + 3 - 1 : 0);
    }
}

#define CASE(name) cmocka_unit_test_teardown(name, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_2_7_2_the_legacy_layout_is_the_contiguous_one),
        CASE(virtio_2_7_13_3_idx_updated_after_descriptors),
        CASE(virtio_2_7_10_1_avail_event_decides_with_event_index),
        CASE(virtio_2_7_10_1_flags_are_ignored_with_event_index),
        CASE(event_formula_means_the_entry_was_passed),
        CASE(an_id_that_is_right_only_in_16_bits_breaks_the_queue),
        CASE(an_id_in_the_middle_of_a_chain_breaks_the_queue),
        CASE(a_used_index_that_runs_ahead_breaks_the_queue),
        CASE(a_used_index_that_runs_backwards_breaks_the_queue),
        CASE(virtio_2_7_7_1_flags_and_used_event_are_what_was_negotiated),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq_split.c", tests, NULL, NULL);
}
