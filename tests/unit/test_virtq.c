/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/virtq*.c against a device that keeps the rules and against one that breaks them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/virtq.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtq_device.h"

struct fixture {
    struct virtq vq;
    struct fake_virtq_device dev;
    void *memory;
};

static struct fixture fx;
static const struct virtq_buffer page = { .address = 0x5000, .bytes = 1024 };

/* Starts a queue whose indices begin at `start`: 65,536 requests later everything looks alike, so
 * a test of the wrap need not make them all. */
static void begin_at(uint16_t size, bool event_idx, bool indirect, uint16_t start)
{
    paddr_t address;

    free(fx.memory);
    fx.memory = aligned_alloc(FRAME_SIZE, align_up(virtq_bytes(size, indirect), FRAME_SIZE));
    assert_non_null(fx.memory);
    memset(fx.memory, 0xa5, virtq_bytes(size, indirect));
    address = (uintptr_t)fx.memory;
    assert_int_equal(virtq_init(&fx.vq, 3, size, event_idx, indirect, fx.memory, address), OK);
    fx.vq.avail_next = fx.vq.published = fx.vq.used_next = start;
    fx.vq.avail->idx = start;
    ((struct virtq_used *)(uintptr_t)fx.vq.used_address)->idx = start;
    if (event_idx) {
        assert_false(virtq_interrupts_on(&fx.vq, 1));
    }
    fake_virtq_device_attach(&fx.dev, &fx.vq);
    (void)fake_virtq_device_sleep(&fx.dev);
}

static void begin(uint16_t size, bool event_idx, bool indirect)
{
    begin_at(size, event_idx, indirect, 0);
}

static int teardown(void **state)
{
    (void)state;
    virtq_check(&fx.vq);
    free(fx.memory);
    fx.memory = NULL;
    return 0;
}

static void ignore(unsigned result)
{
    (void)result;
}

/* For tests that do not care whether the device wants to be notified. */
static void publish(void)
{
    ignore(virtq_publish(&fx.vq));
}

static void add(uint16_t cookie)
{
    assert_int_equal(virtq_add(&fx.vq, &page, 1, 0, cookie), OK);
}

static uint16_t pop_head(void)
{
    struct fake_virtq_request request;

    assert_true(fake_virtq_device_pop(&fx.dev, &request));
    return request.head;
}

/* Adds, shows and fetches one request; its head. */
static uint16_t show(uint16_t cookie)
{
    add(cookie);
    publish();
    return pop_head();
}

static err_t take(uint16_t *cookie, uint32_t *bytes)
{
    err_t err = virtq_take(&fx.vq, cookie, bytes);

    virtq_check(&fx.vq);
    return err;
}

static void assert_takes(uint16_t cookie)
{
    uint16_t got = 0;
    uint32_t bytes = 1;

    assert_int_equal(take(&got, &bytes), OK);
    assert_int_equal(got, cookie);
    assert_int_equal(bytes, 0);
}

/* The queue reports the fault once, and stays broken. */
static void assert_broken(void)
{
    unsigned logged = fake_seams.log_lines[LOG_ERROR];
    uint16_t cookie = 77;
    uint32_t bytes = 77;

    assert_false(fx.vq.broken);
    assert_int_equal(take(&cookie, &bytes), ERR_DEVICE);
    assert_true(fx.vq.broken);
    assert_int_equal(take(&cookie, &bytes), ERR_DEVICE);
    assert_int_equal(virtq_add(&fx.vq, &page, 1, 0, 0), ERR_DEVICE);
    assert_false(virtq_publish(&fx.vq));
    assert_false(virtq_has_used(&fx.vq));
    assert_false(virtq_interrupts_on(&fx.vq, 1));
    assert_int_equal(cookie, 77);
    assert_int_equal(bytes, 77);
    assert_int_equal(fake_seams.log_lines[LOG_ERROR], logged + 1);
}

/* ---- layout ---- */

static void sizes_that_are_no_power_of_two_or_too_large_are_refused(void **state)
{
    static const uint16_t bad[] = { 0, 3, 255, 257, 512, 32768, 65535 };

    (void)state;
    begin(8, false, false);
    for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
        assert_int_equal(virtq_init(&fx.vq, 0, bad[i], false, false, fx.memory, 0), ERR_RANGE);
    }
}

static void virtio_2_7_1_all_parts_are_aligned_and_inside_the_memory(void **state)
{
    (void)state;
    for (unsigned size = 1; size <= VIRTQ_SIZE_MAX; size *= 2) {
        size_t bytes = virtq_bytes((uint16_t)size, true);
        paddr_t base;

        begin((uint16_t)size, true, true);
        base = (uintptr_t)fx.memory;
        assert_int_equal(fx.vq.desc_address, base);
        assert_int_equal(fx.vq.desc_address % 16, 0);
        assert_true(fx.vq.avail_address >= base + 16 * size);
        assert_int_equal(fx.vq.avail_address % 2, 0);
        assert_true(fx.vq.used_address >= fx.vq.avail_address + 6 + 2 * size);
        assert_int_equal(fx.vq.used_address % 4, 0);
        assert_true(fx.vq.tables_address >= fx.vq.used_address + 6 + 8 * size);
        assert_int_equal(fx.vq.tables_address % 16, 0);
        assert_int_equal(fx.vq.tables_address + 16 * VIRTQ_BUFFERS_MAX * size, base + bytes);
        assert_true(virtq_bytes((uint16_t)size, false) <= bytes);
    }
}

static void virtio_2_7_10_1_used_flags_start_at_zero(void **state)
{
    (void)state;
    begin(16, false, false); /* the memory was filled with 0xa5 before */
    assert_int_equal(fx.vq.used->flags, 0);
    assert_int_equal(fx.vq.avail->flags, 0);
}

/* ---- adding ---- */

static void a_full_queue_is_busy_until_something_is_taken(void **state)
{
    uint16_t head;

    (void)state;
    begin(4, false, false);
    head = show(0);
    add(1);
    add(2);
    add(3);
    assert_int_equal(virtq_add(&fx.vq, &page, 1, 0, 4), ERR_BUSY);
    assert_int_equal(fx.vq.in_flight, 4);
    fake_virtq_device_push(&fx.dev, head, 0);
    assert_takes(0);
    add(4);
    assert_int_equal(virtq_add(&fx.vq, &page, 1, 0, 5), ERR_BUSY);
}

static void a_chain_needs_as_many_descriptors_as_buffers(void **state)
{
    struct virtq_buffer buffers[3] = { page, page, page };

    (void)state;
    begin(8, false, false);
    assert_int_equal(virtq_add(&fx.vq, buffers, 1, 2, 0), OK);
    assert_int_equal(virtq_add(&fx.vq, buffers, 3, 0, 1), OK);
    assert_int_equal(fx.vq.free_count, 2);
    assert_int_equal(virtq_add(&fx.vq, buffers, 0, 3, 2), ERR_BUSY);
    assert_int_equal(virtq_add(&fx.vq, buffers, 0, 2, 2), OK);
    assert_int_equal(fx.vq.free_count, 0);
    virtq_check(&fx.vq);
}

/* The device finds the buffers in their order, the readable before the writable ones. */
static void check_request(bool indirect)
{
    struct virtq_buffer buffers[5];
    struct fake_virtq_request request;

    begin(8, false, indirect);
    for (unsigned i = 0; i < 5; i++) {
        buffers[i] = (struct virtq_buffer){ .address = 0x1000 * (i + 1), .bytes = 10 + i };
    }
    assert_int_equal(virtq_add(&fx.vq, buffers, 2, 3, 42), OK);
    assert_int_equal(fx.vq.free_count, indirect ? 7 : 3);
    assert_true(virtq_publish(&fx.vq));
    assert_true(fake_virtq_device_pop(&fx.dev, &request));
    assert_int_equal(request.indirect, indirect);
    assert_int_equal(request.readable, 2);
    assert_int_equal(request.writable, 3);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(request.buffers[i].address, buffers[i].address);
        assert_int_equal(request.buffers[i].bytes, buffers[i].bytes);
    }
}

static void virtio_2_7_4_2_writable_buffers_follow_readable_ones(void **state)
{
    (void)state;
    check_request(false);
}

static void virtio_2_7_5_3_1_indirect_tables_hold_what_a_chain_would(void **state)
{
    (void)state;
    check_request(true);
}

static void one_buffer_needs_no_table(void **state)
{
    struct fake_virtq_request request;

    (void)state;
    begin(8, false, true);
    add(1);
    assert_true(virtq_publish(&fx.vq));
    assert_true(fake_virtq_device_pop(&fx.dev, &request));
    assert_false(request.indirect);
}

static void virtio_2_7_5_3_1_no_table_is_longer_than_the_queue(void **state)
{
    struct virtq_buffer buffers[5] = { page, page, page, page, page };

    (void)state;
    begin(4, false, true);
    assert_int_equal(virtq_add(&fx.vq, buffers, 5, 0, 0), ERR_RANGE);
    assert_int_equal(virtq_add(&fx.vq, buffers, 4, 0, 0), OK);
}

static void virtio_2_7_5_2_no_chain_describes_more_than_4_gib(void **state)
{
    struct virtq_buffer buffers[3] = { { .address = 0x1000, .bytes = UINT32_MAX },
                                       { .address = 0x1000, .bytes = 1 },
                                       { .address = 0x1000, .bytes = 1 } };

    (void)state;
    begin(4, false, true);
    assert_int_equal(virtq_add(&fx.vq, buffers, 0, 3, 0), ERR_RANGE);
    assert_int_equal(virtq_add(&fx.vq, buffers, 0, 2, 0), OK);
}

static struct virtq_buffer pages[VIRTQ_BUFFERS_MAX + 1];

static void add_nothing(void)
{
    ignore(virtq_add(&fx.vq, pages, 0, 0, 0));
}

static void add_too_many_pages(void)
{
    ignore(virtq_add(&fx.vq, pages, VIRTQ_BUFFERS_MAX, 1, 0));
}

static void add_an_empty_buffer(void)
{
    struct virtq_buffer empty = { .address = 0x1000, .bytes = 0 };

    ignore(virtq_add(&fx.vq, &empty, 1, 0, 0));
}

static void ask_for_the_zeroth_completion(void)
{
    ignore(virtq_interrupts_on(&fx.vq, 0));
}

static void ask_for_more_completions_than_fit(void)
{
    ignore(virtq_interrupts_on(&fx.vq, 33));
}

static void init_unaligned(void)
{
    ignore(virtq_init(&fx.vq, 0, 8, true, true, fx.memory, 0x800));
}

static bool panics(void (*mistake)(void))
{
    return EXPECT_PANIC(mistake());
}

static void mistakes_of_the_caller_panic(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = page;
    }
    begin(32, true, false);
    assert_true(panics(add_nothing));
    assert_true(panics(add_too_many_pages));
    assert_true(panics(add_an_empty_buffer));
    assert_true(panics(ask_for_the_zeroth_completion));
    assert_true(panics(ask_for_more_completions_than_fit));
    assert_true(panics(init_unaligned));
    begin(32, true, false);
}

/* ---- publishing ---- */

static void nothing_is_visible_before_publish(void **state)
{
    struct fake_virtq_request request;

    (void)state;
    begin(8, false, false);
    add(1);
    add(2);
    assert_false(fake_virtq_device_pop(&fx.dev, &request));
    assert_true(virtq_publish(&fx.vq));
    assert_true(fake_virtq_device_pop(&fx.dev, &request));
    assert_true(fake_virtq_device_pop(&fx.dev, &request));
    assert_false(fake_virtq_device_pop(&fx.dev, &request));
}

static void publishing_nothing_notifies_nobody(void **state)
{
    (void)state;
    begin(8, false, false);
    assert_false(virtq_publish(&fx.vq));
    add(1);
    assert_true(virtq_publish(&fx.vq));
    assert_false(virtq_publish(&fx.vq));
}

/* A device thread that reads descriptors as soon as the index moves: had the index come first, it
 * would see the descriptor of the round before. */
static void virtio_2_7_13_3_idx_updated_after_descriptors(void **state)
{
    struct fake_virtq_request request;
    uint16_t idx_before;

    (void)state;
    begin(2, false, false);
    for (uint16_t i = 1; i <= 100; i++) {
        struct virtq_buffer buffer = { .address = UINT64_C(0x1000) * i, .bytes = i };

        idx_before = fx.vq.avail->idx;
        assert_int_equal(virtq_add(&fx.vq, &buffer, 1, 0, i), OK);
        assert_int_equal(fx.vq.avail->idx, idx_before);
        assert_true(virtq_publish(&fx.vq));
        assert_int_equal(fx.vq.avail->idx, (uint16_t)(idx_before + 1));
        assert_true(fake_virtq_device_pop(&fx.dev, &request));
        assert_int_equal(request.buffers[0].address, buffer.address);
        assert_int_equal(request.buffers[0].bytes, i);
        fake_virtq_device_push(&fx.dev, request.head, 0);
        assert_takes(i);
    }
}

static void virtio_2_7_10_1_flags_decide_without_event_index(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_poll(&fx.dev);
    add(1);
    assert_false(virtq_publish(&fx.vq));
    (void)fake_virtq_device_sleep(&fx.dev);
    add(2);
    assert_true(virtq_publish(&fx.vq));
}

/* For every distance of the event from the published index and every batch, around the wrap:
 * notify exactly when the entry with the event's index is among those published. */
static void virtio_2_7_10_1_avail_event_decides_with_event_index(void **state)
{
    (void)state;
    for (uint32_t start = 65536 - 20; start < 65536 + 4; start++) {
        for (unsigned batch = 1; batch <= 16; batch++) {
            for (int distance = -20; distance <= 20; distance++) {
                uint16_t event = (uint16_t)((int)start + distance);
                bool expected = distance >= 0 && distance < (int)batch;

                begin_at(16, true, false, (uint16_t)start);
                fake_virtq_device_write_avail_event(&fx.dev, event);
                for (unsigned i = 0; i < batch; i++) {
                    add((uint16_t)i);
                }
                assert_int_equal(virtq_publish(&fx.vq), expected);
            }
        }
    }
}

static void virtio_2_7_10_1_flags_are_ignored_with_event_index(void **state)
{
    (void)state;
    begin(8, true, false);
    fx.dev.used->flags = VIRTQ_USED_NO_NOTIFY;
    add(1);
    assert_true(virtq_publish(&fx.vq));
}

/* The formula against its meaning: all 65,536 events for batches of several lengths. */
static void event_formula_means_the_entry_was_passed(void **state)
{
    static const uint16_t batches[] = { 0, 1, 2, 255, 256 };

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

/* ---- taking ---- */

static void nothing_used_means_again(void **state)
{
    uint16_t cookie;
    uint32_t bytes;

    (void)state;
    begin(8, true, false);
    (void)show(1);
    assert_false(virtq_has_used(&fx.vq));
    assert_int_equal(take(&cookie, &bytes), ERR_AGAIN);
}

static void requests_may_come_back_in_any_order(void **state)
{
    uint16_t heads[8];

    (void)state;
    begin(8, true, false);
    for (uint16_t i = 0; i < 8; i++) {
        heads[i] = show((uint16_t)(100 + i));
    }
    for (uint16_t i = 0; i < 8; i++) {
        fake_virtq_device_push(&fx.dev, heads[(i * 5) % 8], 0);
    }
    for (uint16_t i = 0; i < 8; i++) {
        assert_true(virtq_has_used(&fx.vq));
        assert_takes((uint16_t)(100 + (i * 5) % 8));
    }
    assert_int_equal(fx.vq.in_flight, 0);
    assert_int_equal(fx.vq.free_count, 8);
}

static void indices_wrap_at_65536(void **state)
{
    (void)state;
    begin(4, true, true);
    for (uint32_t i = 0; i < 65536 + 100; i++) {
        add((uint16_t)i);
        assert_int_equal(virtq_publish(&fx.vq), true);
        fake_virtq_device_push(&fx.dev, pop_head(), 0);
        (void)fake_virtq_device_sleep(&fx.dev);
        assert_takes((uint16_t)i);
    }
    assert_int_equal(fx.vq.used_next, 100);
}

/* One request is stuck in the device while the indices go round: it is still known. */
static void a_request_may_stay_out_for_a_whole_turn_of_the_indices(void **state)
{
    uint16_t stuck;

    (void)state;
    begin(4, false, false);
    stuck = show(999);
    for (uint32_t i = 0; i < 65536 + 2; i++) {
        fake_virtq_device_push(&fx.dev, show(1), 0);
        assert_takes(1);
    }
    fake_virtq_device_push(&fx.dev, stuck, 0);
    assert_takes(999);
}

static void the_used_length_may_be_all_that_is_writable(void **state)
{
    struct virtq_buffer buffers[3] = { page, page, page };
    uint16_t cookie;
    uint32_t bytes;

    (void)state;
    begin(8, false, true);
    assert_int_equal(virtq_add(&fx.vq, buffers, 1, 2, 9), OK);
    publish();
    fake_virtq_device_push(&fx.dev, pop_head(), 2048);
    assert_int_equal(take(&cookie, &bytes), OK);
    assert_int_equal(cookie, 9);
    assert_int_equal(bytes, 2048);
}

static void a_used_length_without_writable_buffers_is_ignored(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_push(&fx.dev, show(5), 1024);
    assert_takes(5);
}

/* ---- devices that break the rules ---- */

static void more_bytes_used_than_writable_breaks_the_queue(void **state)
{
    struct virtq_buffer buffers[3] = { page, page, page };

    (void)state;
    begin(8, false, true);
    assert_int_equal(virtq_add(&fx.vq, buffers, 1, 2, 9), OK);
    publish();
    fake_virtq_device_push(&fx.dev, pop_head(), 2049);
    assert_broken();
}

static void a_used_id_out_of_range_breaks_the_queue(void **state)
{
    static const uint32_t ids[] = { 8, 9, 256, 0x10000, UINT32_MAX };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(ids); i++) {
        begin(8, false, false);
        (void)show(0);
        fake_virtq_device_push(&fx.dev, ids[i], 0);
        assert_broken();
    }
}

static void an_id_that_is_right_only_in_16_bits_breaks_the_queue(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_push(&fx.dev, 0x10000U + show(0), 0);
    assert_broken();
}

static void an_id_in_the_middle_of_a_chain_breaks_the_queue(void **state)
{
    struct virtq_buffer buffers[3] = { page, page, page };
    uint16_t head;

    (void)state;
    begin(8, false, false);
    assert_int_equal(virtq_add(&fx.vq, buffers, 3, 0, 0), OK);
    publish();
    head = pop_head();
    fake_virtq_device_push(&fx.dev, fx.vq.shadow[head].next, 0);
    assert_broken();
}

static void an_id_of_a_free_descriptor_breaks_the_queue(void **state)
{
    (void)state;
    begin(8, false, false);
    (void)show(0);
    fake_virtq_device_push(&fx.dev, fx.vq.free_head, 0);
    assert_broken();
}

static void returning_a_request_twice_breaks_the_queue(void **state)
{
    uint16_t head;

    (void)state;
    begin(8, false, false);
    head = show(1);
    (void)show(2);
    fake_virtq_device_push(&fx.dev, head, 0);
    fake_virtq_device_push(&fx.dev, head, 0);
    assert_takes(1);
    assert_broken();
}

static void returning_what_was_never_shown_breaks_the_queue(void **state)
{
    (void)state;
    begin(8, false, false);
    (void)show(1);
    add(2);
    fake_virtq_device_push(&fx.dev, fx.vq.avail->ring[1], 0);
    assert_broken();
}

static void a_used_index_that_runs_ahead_breaks_the_queue(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_write_entry(&fx.dev, 0, show(1), 0);
    add(2); /* in flight, but hidden */
    fake_virtq_device_write_idx(&fx.dev, 2);
    assert_broken();
}

static void a_used_index_that_runs_backwards_breaks_the_queue(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_push(&fx.dev, show(1), 0);
    assert_takes(1);
    (void)show(2);
    fake_virtq_device_write_idx(&fx.dev, 0);
    assert_broken();
}

static void a_broken_queue_works_again_after_init(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_push(&fx.dev, 100, 0);
    assert_broken();
    begin(8, false, false);
    fake_virtq_device_push(&fx.dev, show(6), 0);
    assert_takes(6);
}

/* ---- interrupts ---- */

static void virtio_2_7_7_1_flags_switch_interrupts_without_event_index(void **state)
{
    (void)state;
    begin(8, false, false);
    fake_virtq_device_push(&fx.dev, show(1), 0);
    assert_true(fake_virtq_device_interrupts(&fx.dev));
    virtq_interrupts_off(&fx.vq);
    fake_virtq_device_push(&fx.dev, show(2), 0);
    assert_false(fake_virtq_device_interrupts(&fx.dev));
    assert_takes(1);
    assert_takes(2);
    assert_false(virtq_interrupts_on(&fx.vq, 1));
    fake_virtq_device_push(&fx.dev, show(3), 0);
    assert_true(fake_virtq_device_interrupts(&fx.dev));
}

/* Asked for the n-th completion, the device interrupts at the n-th and not before, wherever the
 * indices stand. */
static void virtio_2_7_7_1_used_event_counts_completions(void **state)
{
    (void)state;
    for (uint32_t start = 65536 - 10; start < 65536 + 2; start++) {
        for (uint16_t after = 1; after <= 8; after++) {
            uint16_t heads[8];

            begin_at(8, true, false, (uint16_t)start);
            for (uint16_t i = 0; i < 8; i++) {
                heads[i] = show(i);
            }
            assert_false(virtq_interrupts_on(&fx.vq, after));
            for (uint16_t i = 1; i <= 8; i++) {
                fake_virtq_device_push(&fx.dev, heads[i - 1], 0);
                assert_int_equal(fake_virtq_device_interrupts(&fx.dev), i == after);
            }
        }
    }
}

static void interrupts_stay_off_for_a_whole_turn_of_the_indices(void **state)
{
    (void)state;
    begin(4, true, false);
    virtq_interrupts_off(&fx.vq);
    for (uint32_t i = 0; i < 2 * 65536; i++) {
        fake_virtq_device_push(&fx.dev, show(1), 0);
        assert_false(fake_virtq_device_interrupts(&fx.dev));
        assert_takes(1);
    }
}

/* The device decides late, after the driver has taken: still no interrupt while they are off. */
static void a_slow_device_does_not_interrupt_while_they_are_off(void **state)
{
    (void)state;
    begin(4, true, false);
    virtq_interrupts_off(&fx.vq);
    fake_virtq_device_push(&fx.dev, show(1), 0);
    assert_takes(1);
    virtq_interrupts_off(&fx.vq);
    fake_virtq_device_push(&fx.dev, show(2), 0);
    assert_false(fake_virtq_device_interrupts(&fx.dev));
    assert_takes(2);
}

/* The device completes at every possible moment around interrupts_on(): the driver either is told
 * at once or is interrupted. */
static void check_no_lost_wakeup(bool event_idx)
{
    for (unsigned before = 0; before <= 3; before++) {
        for (uint16_t after = 1; after <= 3; after++) {
            uint16_t heads[3];
            bool told;
            bool interrupted;

            begin_at(4, event_idx, false, 65534);
            for (uint16_t i = 0; i < 3; i++) {
                heads[i] = show(i);
            }
            virtq_interrupts_off(&fx.vq);
            for (unsigned i = 0; i < before; i++) {
                fake_virtq_device_push(&fx.dev, heads[i], 0);
            }
            assert_false(fake_virtq_device_interrupts(&fx.dev));
            told = virtq_interrupts_on(&fx.vq, after);
            assert_int_equal(told, before >= after);
            for (unsigned i = before; i < 3; i++) {
                fake_virtq_device_push(&fx.dev, heads[i], 0);
            }
            interrupted = fake_virtq_device_interrupts(&fx.dev);
            assert_true(told || interrupted);
        }
    }
}

static void virtio_2_7_14_no_wakeup_is_lost_with_event_index(void **state)
{
    (void)state;
    check_no_lost_wakeup(true);
}

static void virtio_2_7_14_no_wakeup_is_lost_without_event_index(void **state)
{
    (void)state;
    check_no_lost_wakeup(false);
}

static void check_queue(void)
{
    virtq_check(&fx.vq);
}

static void the_check_notices_a_damaged_queue(void **state)
{
    (void)state;
    begin(8, false, false);
    (void)show(1);
    fx.vq.in_flight++;
    assert_true(panics(check_queue));
    fx.vq.in_flight--;
    fx.vq.free_count--;
    assert_true(panics(check_queue));
    fx.vq.free_count++;
    fx.vq.shadow[fx.vq.free_head].next = fx.vq.free_head;
    assert_true(panics(check_queue));
    begin(8, false, false);
}

#define CASE(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(sizes_that_are_no_power_of_two_or_too_large_are_refused),
        CASE(virtio_2_7_1_all_parts_are_aligned_and_inside_the_memory),
        CASE(virtio_2_7_10_1_used_flags_start_at_zero),
        CASE(a_full_queue_is_busy_until_something_is_taken),
        CASE(a_chain_needs_as_many_descriptors_as_buffers),
        CASE(virtio_2_7_4_2_writable_buffers_follow_readable_ones),
        CASE(virtio_2_7_5_3_1_indirect_tables_hold_what_a_chain_would),
        CASE(one_buffer_needs_no_table),
        CASE(virtio_2_7_5_3_1_no_table_is_longer_than_the_queue),
        CASE(virtio_2_7_5_2_no_chain_describes_more_than_4_gib),
        CASE(mistakes_of_the_caller_panic),
        CASE(nothing_is_visible_before_publish),
        CASE(publishing_nothing_notifies_nobody),
        CASE(virtio_2_7_13_3_idx_updated_after_descriptors),
        CASE(virtio_2_7_10_1_flags_decide_without_event_index),
        CASE(virtio_2_7_10_1_avail_event_decides_with_event_index),
        CASE(virtio_2_7_10_1_flags_are_ignored_with_event_index),
        CASE(event_formula_means_the_entry_was_passed),
        CASE(nothing_used_means_again),
        CASE(requests_may_come_back_in_any_order),
        CASE(indices_wrap_at_65536),
        CASE(a_request_may_stay_out_for_a_whole_turn_of_the_indices),
        CASE(the_used_length_may_be_all_that_is_writable),
        CASE(a_used_length_without_writable_buffers_is_ignored),
        CASE(more_bytes_used_than_writable_breaks_the_queue),
        CASE(a_used_id_out_of_range_breaks_the_queue),
        CASE(an_id_that_is_right_only_in_16_bits_breaks_the_queue),
        CASE(an_id_in_the_middle_of_a_chain_breaks_the_queue),
        CASE(an_id_of_a_free_descriptor_breaks_the_queue),
        CASE(returning_a_request_twice_breaks_the_queue),
        CASE(returning_what_was_never_shown_breaks_the_queue),
        CASE(a_used_index_that_runs_ahead_breaks_the_queue),
        CASE(a_used_index_that_runs_backwards_breaks_the_queue),
        CASE(a_broken_queue_works_again_after_init),
        CASE(virtio_2_7_7_1_flags_switch_interrupts_without_event_index),
        CASE(virtio_2_7_7_1_used_event_counts_completions),
        CASE(interrupts_stay_off_for_a_whole_turn_of_the_indices),
        CASE(a_slow_device_does_not_interrupt_while_they_are_off),
        CASE(virtio_2_7_14_no_wakeup_is_lost_with_event_index),
        CASE(virtio_2_7_14_no_wakeup_is_lost_without_event_index),
        CASE(the_check_notices_a_damaged_queue),
    };

    return cmocka_run_group_tests_name("drivers/virtio/virtq.c", tests, NULL, NULL);
}
