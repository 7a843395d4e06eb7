/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq.c: what is added and published, in every layout. What comes back is in
 * test_virtq_used.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bits.h"
#include "drivers/virtio/virtq_internal.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/virtq_rig.h"

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

#define CASE(name) cmocka_unit_test_teardown(name, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
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
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq.c", tests, NULL, NULL);
}
