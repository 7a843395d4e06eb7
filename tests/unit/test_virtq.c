/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq.c and virtq_layout.c: what holds for every layout, with a device that keeps
 * the rules and one that breaks them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/virtq_rig.h"

/* ---- layout ---- */

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

/* ---- adding ---- */

static void a_full_queue_is_busy_until_something_is_taken(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        uint16_t id;

        rig_start(4);
        id = rig_show(0);
        rig_add(1);
        rig_add(2);
        rig_add(3);
        assert_int_equal(virtq_add(&rig.vq, &rig_page, 1, 0, 4), ERR_BUSY);
        assert_int_equal(rig.vq.in_flight, 4);
        fake_virtq_device_push(&rig.dev, id, 0);
        rig_assert_takes(0);
        rig_add(4);
        assert_int_equal(virtq_add(&rig.vq, &rig_page, 1, 0, 5), ERR_BUSY);
    }
}

/* K2: room for the whole list before any of it. */
static void virtio_2_8_17_a_chain_needs_as_many_descriptors_as_buffers(void **state)
{
    struct virtq_buffer buffers[3] = { rig_page, rig_page, rig_page };

    (void)state;
    while (rig_next_shape()) {
        if (!rig_has_chains()) {
            continue;
        }
        rig_start(8);
        assert_int_equal(virtq_add(&rig.vq, buffers, 1, 2, 0), OK);
        assert_int_equal(virtq_add(&rig.vq, buffers, 3, 0, 1), OK);
        assert_int_equal(rig.vq.free_count, 2);
        assert_int_equal(virtq_add(&rig.vq, buffers, 0, 3, 2), ERR_BUSY);
        assert_int_equal(virtq_add(&rig.vq, buffers, 0, 2, 2), OK);
        assert_int_equal(rig.vq.free_count, 0);
        virtq_check(&rig.vq);
    }
}

/* S2, S3, K2, K3: the buffers arrive in their order, as a chain or in a table; the device asserts
 * that the writable ones come last, and that no flag is where it must not be. */
static void virtio_2_7_4_2_and_2_8_17_writable_buffers_follow_readable_ones(void **state)
{
    struct virtq_buffer buffers[5];

    (void)state;
    for (unsigned i = 0; i < 5; i++) {
        buffers[i] = (struct virtq_buffer){ .address = 0x1000 * (i + 1), .bytes = 10 + i };
    }
    while (rig_next_shape()) {
        rig_start(8);
        assert_int_equal(virtq_add(&rig.vq, buffers, 2, 3, 42), OK);
        assert_int_equal(rig.vq.free_count, rig.shape.indirect ? 7 : 3);
        assert_true(virtq_publish(&rig.vq));
        (void)rig_pop();
        assert_int_equal(rig.request.indirect, rig.shape.indirect);
        assert_int_equal(rig.request.readable, 2);
        assert_int_equal(rig.request.writable, 3);
        for (unsigned i = 0; i < 5; i++) {
            assert_int_equal(rig.request.buffers[i].address, buffers[i].address);
            assert_int_equal(rig.request.buffers[i].bytes, buffers[i].bytes);
        }
    }
}

/* K3: nor is there an INDIRECT descriptor where it was not negotiated; the device asserts that. */
static void one_buffer_needs_no_table(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        (void)rig_show(1);
        assert_false(rig.request.indirect);
    }
}

/* S3, K2. */
static void virtio_2_7_5_3_1_and_2_8_17_no_list_is_longer_than_the_queue(void **state)
{
    struct virtq_buffer buffers[5] = { rig_page, rig_page, rig_page, rig_page, rig_page };

    (void)state;
    while (rig_next_shape()) {
        rig_start(4);
        assert_int_equal(virtq_add(&rig.vq, buffers, 5, 0, 0), ERR_RANGE);
        assert_int_equal(virtq_add(&rig.vq, buffers, 4, 0, 0), OK);
    }
}

/* S3. */
static void virtio_2_7_5_2_no_chain_describes_more_than_4_gib(void **state)
{
    struct virtq_buffer buffers[3] = { { .address = 0x1000, .bytes = UINT32_MAX },
                                       { .address = 0x1000, .bytes = 1 },
                                       { .address = 0x1000, .bytes = 1 } };

    (void)state;
    while (rig_next_shape()) {
        rig_start(4);
        assert_int_equal(virtq_add(&rig.vq, buffers, 0, 3, 0), ERR_RANGE);
        assert_int_equal(virtq_add(&rig.vq, buffers, 0, 2, 0), OK);
    }
}

static struct virtq_buffer pages[VIRTQ_BUFFERS_MAX + 1];

static void ignore(unsigned result)
{
    (void)result;
}

static void add_nothing(void)
{
    ignore(virtq_add(&rig.vq, pages, 0, 0, 0));
}

static void add_too_many_pages(void)
{
    ignore(virtq_add(&rig.vq, pages, VIRTQ_BUFFERS_MAX, 1, 0));
}

static void add_an_empty_buffer(void)
{
    struct virtq_buffer empty = { .address = 0x1000, .bytes = 0 };

    ignore(virtq_add(&rig.vq, &empty, 1, 0, 0));
}

static void ask_for_the_zeroth_completion(void)
{
    ignore(virtq_interrupts_on(&rig.vq, 0));
}

static void ask_for_more_completions_than_fit(void)
{
    ignore(virtq_interrupts_on(&rig.vq, 33));
}

static void init_unaligned(void)
{
    ignore(virtq_init(&rig.vq, 0, &rig.shape, rig.memory, 0x800));
}

static void init_packed_and_legacy(void)
{
    struct virtq_shape both = { .size = 8, .packed = true, .legacy = true };

    ignore(virtq_init(&rig.vq, 0, &both, rig.memory, 0));
}

static void add_two_buffers_where_one_was_promised(void)
{
    rig.shape.buffers_max = 1;
    rig_start(32);
    ignore(virtq_add(&rig.vq, pages, 2, 0, 0));
}

static void mistakes_of_the_caller_panic(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = rig_page;
    }
    while (rig_next_shape()) {
        rig_start(32);
        assert_true(panics(add_nothing));
        assert_true(panics(add_too_many_pages));
        assert_true(panics(add_an_empty_buffer));
        assert_true(panics(ask_for_the_zeroth_completion));
        assert_true(panics(ask_for_more_completions_than_fit));
        assert_true(panics(init_unaligned));
        assert_true(panics(init_packed_and_legacy));
        assert_true(panics(add_two_buffers_where_one_was_promised));
        rig_start(32);
    }
}

/* ---- publishing ---- */

/* K2: the head of a batch makes the rest of it visible, and is written last. */
static void nothing_is_visible_before_publish(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start_at(8, 6); /* the batch goes round the end of the ring */
        rig_add(1);
        rig_add(2);
        rig_add(3);
        assert_false(fake_virtq_device_pop(&rig.dev, &rig.request));
        assert_true(virtq_publish(&rig.vq));
        for (unsigned i = 0; i < 3; i++) {
            assert_true(fake_virtq_device_pop(&rig.dev, &rig.request));
        }
        assert_false(fake_virtq_device_pop(&rig.dev, &rig.request));
    }
}

static void publishing_nothing_notifies_nobody(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        rig_start(8);
        assert_false(virtq_publish(&rig.vq));
        rig_add(1);
        assert_true(virtq_publish(&rig.vq));
        assert_false(virtq_publish(&rig.vq));
    }
}

/* S7. */
static void a_device_that_polls_is_not_notified(void **state)
{
    (void)state;
    while (rig_next_shape()) {
        for (uint16_t start = 0; start < 20; start++) {
            rig_start_at(8, start);
            fake_virtq_device_poll(&rig.dev);
            rig_add(1);
            assert_false(virtq_publish(&rig.vq));
            (void)rig_pop();
            assert_false(fake_virtq_device_sleep(&rig.dev));
            rig_add(2);
            assert_true(virtq_publish(&rig.vq));
        }
    }
}

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
        CASE(sizes_that_are_no_power_of_two_or_too_large_are_refused),
        CASE(virtio_2_7_1_and_2_8_11_all_parts_are_aligned_apart_and_inside_the_memory),
        CASE(a_packed_queue_needs_no_more_memory_than_a_split_one),
        CASE(a_queue_of_single_buffers_reserves_no_tables),
        CASE(tables_of_a_chosen_length_do_not_overlap),
        CASE(virtio_2_7_10_1_and_2_8_13_what_the_device_writes_starts_at_zero),
        CASE(a_full_queue_is_busy_until_something_is_taken),
        CASE(virtio_2_8_17_a_chain_needs_as_many_descriptors_as_buffers),
        CASE(virtio_2_7_4_2_and_2_8_17_writable_buffers_follow_readable_ones),
        CASE(one_buffer_needs_no_table),
        CASE(virtio_2_7_5_3_1_and_2_8_17_no_list_is_longer_than_the_queue),
        CASE(virtio_2_7_5_2_no_chain_describes_more_than_4_gib),
        CASE(mistakes_of_the_caller_panic),
        CASE(nothing_is_visible_before_publish),
        CASE(publishing_nothing_notifies_nobody),
        CASE(a_device_that_polls_is_not_notified),
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
