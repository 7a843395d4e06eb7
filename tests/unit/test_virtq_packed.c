/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq_packed.c: what the packed ring has for itself. */
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

#define BOTH (VIRTQ_PACKED_AVAIL | VIRTQ_PACKED_USED)

static void start(bool event_idx, bool indirect, uint16_t size)
{
    rig_packed();
    rig.shape.event_idx = event_idx;
    rig.shape.indirect = indirect;
    rig_start(size);
}

/* Adds a request of `count` readable buffers that tell its cookie. */
static err_t add_chain(unsigned count, uint16_t cookie)
{
    struct virtq_buffer buffers[VIRTQ_BUFFERS_MAX];

    for (unsigned i = 0; i < count; i++) {
        buffers[i] = (struct virtq_buffer){ 0x1000 * (cookie + 1U), 1 + i };
    }
    return virtq_add(&rig.vq, buffers, count, 0, cookie);
}

/* ---- publishing ---- */

/* K2, K4: the flags of the first descriptor are the last thing written; until then they are those
 * of the round before, while all the others are complete. */
static void virtio_2_8_21_1_the_head_of_a_batch_is_made_available_last(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 3; round++) {
        uint16_t before;
        uint16_t avail = round % 2 == 0 ? VIRTQ_PACKED_AVAIL : VIRTQ_PACKED_USED;

        start(false, false, 8);
        rig_start_at(8, (uint16_t)(8 * round));
        before = rig.vq.ring[0].flags;
        assert_int_equal(add_chain(3, 1), OK);
        assert_int_equal(add_chain(2, 2), OK);
        assert_int_equal(rig.vq.ring[0].flags, before);
        assert_int_equal(rig.vq.ring[1].flags, avail | VIRTQ_DESC_NEXT);
        assert_int_equal(rig.vq.ring[2].flags, avail);
        assert_int_equal(rig.vq.ring[3].flags, avail | VIRTQ_DESC_NEXT);
        assert_int_equal(rig.vq.ring[4].flags, avail);
        assert_int_not_equal(rig.vq.ring[2].id, rig.vq.ring[4].id);
        rig_publish();
        assert_int_equal(rig.vq.ring[0].flags, avail | VIRTQ_DESC_NEXT);
    }
}

/* K1: between making a descriptor available and seeing it used the driver leaves it alone,
 * whatever else it does. */
static void virtio_2_8_16_an_available_descriptor_is_not_changed(void **state)
{
    struct virtq_packed_desc kept[6];
    uint16_t cookie;
    uint32_t bytes;

    (void)state;
    start(true, false, 8);
    assert_int_equal(add_chain(3, 1), OK);
    assert_int_equal(add_chain(3, 2), OK);
    rig_publish();
    memcpy(kept, rig.vq.ring, sizeof(kept));
    rig_add(3);
    rig_add(4);
    assert_int_equal(add_chain(1, 5), ERR_BUSY);
    rig_publish();
    virtq_interrupts_off(&rig.vq);
    assert_false(virtq_interrupts_on(&rig.vq, 2));
    assert_int_equal(virtq_take(&rig.vq, &cookie, &bytes), ERR_AGAIN);
    assert_memory_equal(kept, rig.vq.ring, sizeof(kept));
}

/* K1: 2.8.1. Both wrap counters turn in every round; the device asserts what it fetches. */
static void virtio_2_8_1_both_wrap_counters_turn_with_every_round(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= 16; size *= 2) {
        start(false, false, (uint16_t)size);
        for (unsigned i = 0; i < 20 * size; i++) {
            bool odd_round = (i / size) % 2 != 0;
            uint16_t flags;

            rig_add((uint16_t)i);
            rig_publish();
            flags = rig.vq.ring[i % size].flags;
            assert_int_equal(flags & BOTH, odd_round ? VIRTQ_PACKED_USED : VIRTQ_PACKED_AVAIL);
            fake_virtq_device_push(&rig.dev, rig_pop(), 0);
            flags = rig.vq.ring[i % size].flags;
            assert_int_equal(flags & BOTH, odd_round ? 0 : BOTH);
            rig_assert_takes((uint16_t)i);
        }
    }
}

/* Chains of all lengths begin at all slots, and so go round the end of the ring in all ways. */
static void chains_go_round_the_end_of_the_ring(void **state)
{
    (void)state;
    for (unsigned count = 1; count <= 8; count++) {
        start(false, false, 8);
        for (uint16_t i = 0; i < 100; i++) {
            assert_int_equal(add_chain(count, i), OK);
            rig_publish();
            (void)rig_pop();
            assert_int_equal(rig.request.readable, count);
            for (unsigned b = 0; b < count; b++) {
                assert_int_equal(rig.request.buffers[b].address, 0x1000 * (i + 1U));
                assert_int_equal(rig.request.buffers[b].bytes, 1 + b);
            }
            fake_virtq_device_push(&rig.dev, rig.request.id, 0);
            rig_assert_takes(i);
            /* One slot more, so that every beginning occurs even where `count` divides the size. */
            if (i % 8 == 7) {
                fake_virtq_device_push(&rig.dev, rig_show(0), 0);
                rig_assert_takes(0);
            }
        }
    }
}

/* Requests of different lengths come back in every order of three, for many rounds: a return says
 * by its id how many slots it stands for. */
static void chains_of_different_lengths_come_back_in_any_order(void **state)
{
    static const uint8_t orders[6][3] = { { 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 },
                                          { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 } };
    static const uint8_t lengths[3] = { 1, 4, 2 };

    (void)state;
    start(true, false, 8);
    for (unsigned round = 0; round < 600; round++) {
        const uint8_t *order = orders[round % 6];
        uint16_t ids[3];

        for (uint16_t i = 0; i < 3; i++) {
            assert_int_equal(add_chain(lengths[i], i), OK);
        }
        assert_int_equal(rig.vq.free_count, 1);
        rig_publish();
        for (unsigned i = 0; i < 3; i++) {
            ids[i] = rig_pop();
            assert_int_equal(rig.request.readable, lengths[i]);
        }
        for (unsigned i = 0; i < 3; i++) {
            fake_virtq_device_push(&rig.dev, ids[order[i]], 0);
            rig_assert_takes(order[i]);
        }
        assert_int_equal(rig.vq.free_count, 8);
    }
}

/* ---- when the device wants to be notified ---- */

/* K1, K4: for every slot and wrap counter the device may name, every beginning and every batch:
 * notify exactly when that slot, in that round, is among those made available. */
static void virtio_2_8_10_the_named_descriptor_decides_with_event_index(void **state)
{
    enum { SIZE = 4 };

    (void)state;
    for (unsigned begin = 0; begin < 2 * SIZE; begin++) {
        for (unsigned batch = 1; batch <= SIZE; batch++) {
            for (unsigned named = 0; named < 2 * SIZE; named++) {
                bool expected = false;
                bool wrap = named < SIZE;

                start(true, false, SIZE);
                rig_start_at(SIZE, (uint16_t)begin);
                fake_virtq_device_write_event(&rig.dev,
                                              (uint16_t)(named % SIZE + (wrap ? 0x8000U : 0U)), 2);
                for (unsigned i = 0; i < batch; i++) {
                    rig_add((uint16_t)i);
                    expected |= (begin + i) % (2 * SIZE) == named;
                }
                assert_int_equal(virtq_publish(&rig.vq), expected);
            }
        }
    }
}

static void what_the_device_wishes_without_sense_means_always(void **state)
{
    static const struct {
        bool event_idx;
        uint16_t place, flags;
        bool notify;
    } cases[] = {
        { false, 0, 0, true },     { true, 0, 0, true },       { false, 0, 1, false },
        { true, 0, 1, false },     { false, 0x8005, 2, true }, { true, 0x8005, 2, false },
        { true, 0x8008, 2, true }, { true, 0xffff, 2, true },  { true, 0x7fff, 2, true },
        { true, 0, 3, true },      { false, 0, 3, true },      { true, 0x8000, 0xfffd, false },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        start(cases[i].event_idx, false, 8);
        fake_virtq_device_write_event(&rig.dev, cases[i].place, cases[i].flags);
        rig_add(1);
        assert_int_equal(virtq_publish(&rig.vq), cases[i].notify);
    }
}

/* ---- when the driver wants to be interrupted ---- */

static void virtio_2_8_14_the_wish_is_written_as_negotiated(void **state)
{
    uint16_t *place;

    (void)state;
    for (unsigned event_idx = 0; event_idx < 2; event_idx++) {
        for (uint16_t begin = 0; begin < 16; begin++) {
            unsigned named = (begin + 3U - 1U) % 16U;

            start(event_idx != 0, true, 8);
            rig_start_at(8, begin);
            place = (void *)rig.vq.driver_event;
            virtq_interrupts_off(&rig.vq);
            assert_int_equal(place[1], 1);
            assert_false(virtq_interrupts_on(&rig.vq, 3));
            assert_int_equal(place[1], event_idx != 0 ? 2 : 0);
            if (event_idx != 0) {
                assert_int_equal(place[0], named % 8 + (named < 8 ? 0x8000U : 0U));
            }
        }
    }
}

/* With chains nobody knows where the third completion will be: the next one is asked for. */
static void with_chains_the_next_completion_interrupts(void **state)
{
    uint16_t ids[3];

    (void)state;
    start(true, false, 16);
    for (uint16_t i = 0; i < 3; i++) {
        assert_int_equal(add_chain(i + 2U, i), OK);
        rig_publish();
        ids[i] = rig_pop();
    }
    assert_false(virtq_interrupts_on(&rig.vq, 3));
    fake_virtq_device_push(&rig.dev, ids[2], 0);
    assert_true(fake_virtq_device_interrupts(&rig.dev));
    assert_true(virtq_interrupts_on(&rig.vq, 3));
    rig_assert_takes(2);
    assert_false(virtq_interrupts_on(&rig.vq, 2));
    fake_virtq_device_push(&rig.dev, ids[0], 0);
    assert_true(fake_virtq_device_interrupts(&rig.dev));
    rig_assert_takes(0);
}

/* The device may write a batch backwards [VIRTIO 1.4 §2.8.12]: nothing is announced that cannot be
 * taken. */
static void a_batch_written_backwards_is_not_announced_too_early(void **state)
{
    uint16_t ids[2];
    uint16_t cookie;
    uint32_t bytes;

    (void)state;
    start(true, true, 8);
    ids[0] = rig_show(1);
    ids[1] = rig_show(2);
    fake_virtq_device_write_slot(&rig.dev, 1, ids[1], 0, BOTH);
    assert_false(virtq_has_used(&rig.vq));
    assert_false(virtq_interrupts_on(&rig.vq, 2));
    assert_int_equal(rig_take(&cookie, &bytes), ERR_AGAIN);
    fake_virtq_device_write_slot(&rig.dev, 0, ids[0], 0, BOTH);
    assert_true(virtq_interrupts_on(&rig.vq, 2));
    rig_assert_takes(1);
    rig_assert_takes(2);
}

/* ---- lengths ---- */

/* Without the write flag the length means nothing, but QEMU never sets it: a length that
 * can be true is believed, another is none. */
static void virtio_2_8_4_a_length_without_the_write_flag_breaks_nothing(void **state)
{
    static const struct {
        uint32_t claimed, reported;
    } cases[] = { { 0, 0 }, { 1000, 1000 }, { 1024, 1024 }, { 1025, 0 }, { UINT32_MAX, 0 } };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        uint16_t cookie;
        uint32_t bytes;

        start(false, false, 8);
        rig.dev.says_no_write = true;
        assert_int_equal(virtq_add(&rig.vq, &rig_page, 0, 1, 4), OK);
        rig_publish();
        fake_virtq_device_push(&rig.dev, rig_pop(), cases[i].claimed);
        assert_int_equal(rig_take(&cookie, &bytes), OK);
        assert_int_equal(bytes, cases[i].reported);
    }
}

/* ---- devices that break the rules ---- */

static void the_id_of_a_chain_that_came_back_breaks_the_queue(void **state)
{
    uint16_t id;

    (void)state;
    start(false, false, 8);
    assert_int_equal(add_chain(3, 1), OK);
    rig_publish();
    id = rig_pop();
    (void)rig_show(2);
    fake_virtq_device_push(&rig.dev, id, 0);
    rig_assert_takes(1);
    fake_virtq_device_write_slot(&rig.dev, 3, id, 0, BOTH);
    rig_assert_broken();
}

/* Used before it was shown: the flags of the head are still the driver's secret. */
static void using_a_descriptor_before_it_is_available_breaks_the_queue(void **state)
{
    (void)state;
    start(false, false, 8);
    rig_add(1);
    fake_virtq_device_write_slot(&rig.dev, 0, rig_newest(), 0, BOTH);
    rig_assert_broken();
}

static void using_an_empty_queue_breaks_it(void **state)
{
    (void)state;
    start(false, false, 8);
    fake_virtq_device_write_slot(&rig.dev, 0, 0, 0, BOTH);
    rig_assert_broken();
}

/* All 65,536 values: used is what has both bits equal to the wrap counter, whatever stands in the
 * others [VIRTIO 1.4 §2.8.6: NEXT is ignored]. */
static void only_two_bits_of_the_flags_make_a_descriptor_used(void **state)
{
    uint16_t id;

    (void)state;
    for (unsigned round = 0; round < 2; round++) {
        start(false, false, 8);
        rig_start_at(8, (uint16_t)(8 * round));
        id = rig_show(7);
        for (unsigned flags = 0; flags < 65536; flags++) {
            fake_virtq_device_write_slot(&rig.dev, 0, id, 0, (uint16_t)flags);
            assert_int_equal(virtq_has_used(&rig.vq), (flags & BOTH) == (round == 0 ? BOTH : 0));
        }
        fake_virtq_device_write_slot(&rig.dev, 0, id, 0, round == 0 ? UINT16_MAX : (uint16_t)~BOTH);
        rig_assert_takes(7);
    }
}

/* What the device scribbles over slots in flight is not read: only the next return is. */
static void scribbled_descriptors_do_not_mislead_the_driver(void **state)
{
    uint16_t ids[2];

    (void)state;
    start(false, false, 8);
    assert_int_equal(add_chain(3, 1), OK);
    assert_int_equal(add_chain(3, 2), OK);
    rig_publish();
    ids[0] = rig_pop();
    ids[1] = rig_pop();
    for (uint16_t slot = 1; slot < 8; slot++) {
        fake_virtq_device_write_slot(&rig.dev, slot, 0xffff, 0xffff, 0x7f7f);
    }
    fake_virtq_device_push(&rig.dev, ids[1], 0);
    rig_assert_takes(2);
    fake_virtq_device_push(&rig.dev, ids[0], 0);
    rig_assert_takes(1);
    assert_int_equal(rig.vq.free_count, 8);
}

#define CASE(name) cmocka_unit_test_teardown(name, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(virtio_2_8_21_1_the_head_of_a_batch_is_made_available_last),
        CASE(virtio_2_8_16_an_available_descriptor_is_not_changed),
        CASE(virtio_2_8_1_both_wrap_counters_turn_with_every_round),
        CASE(chains_go_round_the_end_of_the_ring),
        CASE(chains_of_different_lengths_come_back_in_any_order),
        CASE(virtio_2_8_10_the_named_descriptor_decides_with_event_index),
        CASE(what_the_device_wishes_without_sense_means_always),
        CASE(virtio_2_8_14_the_wish_is_written_as_negotiated),
        CASE(with_chains_the_next_completion_interrupts),
        CASE(a_batch_written_backwards_is_not_announced_too_early),
        CASE(virtio_2_8_4_a_length_without_the_write_flag_breaks_nothing),
        CASE(the_id_of_a_chain_that_came_back_breaks_the_queue),
        CASE(using_a_descriptor_before_it_is_available_breaks_the_queue),
        CASE(using_an_empty_queue_breaks_it),
        CASE(only_two_bits_of_the_flags_make_a_descriptor_used),
        CASE(scribbled_descriptors_do_not_mislead_the_driver),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq_packed.c", tests, NULL, NULL);
}
