/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/entropy.c against a device that answers, lies, or does not answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/virtio/entropy.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtio.h"
#include "tests/fakes/fake_virtq_device.h"

static struct fake_virtio fake;
static struct fake_virtq_device host;
static struct entropy_dev dev;
static void *memory;

static int setup(void **state)
{
    (void)state;
    fake_virtio_init(&fake, VIRTIO_ID_ENTROPY, VIRTIO_F_EVENT_IDX, 1);
    memory = aligned_alloc(FRAME_SIZE, ENTROPY_FRAMES * FRAME_SIZE);
    assert_non_null(memory);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static err_t begin(void)
{
    return entropy_dev_start(&dev, &fake.dev, memory, (uintptr_t)memory);
}

static void start(void)
{
    assert_int_equal(begin(), OK);
    fake_virtq_device_attach(&host, &dev.vq);
    (void)fake_virtq_device_sleep(&host);
    entropy_dev_ready(&dev);
}

/* What a device does with a request of which it says that it wrote `bytes`. */
static void answer(uint32_t bytes)
{
    struct fake_virtq_request request;

    assert_true(fake_virtq_device_pop(&host, &request));
    assert_int_equal(request.readable, 0);
    assert_int_equal(request.writable, 1);
    assert_true(request.buffers[0].bytes <= ENTROPY_BYTES_MAX);
    memset((void *)(uintptr_t)request.buffers[0].address, 0x5a, request.buffers[0].bytes);
    fake_virtq_device_push(&host, request.id, bytes);
}

static void virtio_5_4_6_a_request_is_one_writable_buffer(void **state)
{
    uint8_t out[100];
    uint8_t want[100];
    size_t bytes = 0;

    (void)state;
    start();
    assert_int_equal(entropy_dev_ask(&dev, sizeof(out)), OK);
    assert_int_equal(fake.notified[0], 1);
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), ERR_AGAIN);
    answer(sizeof(out));
    assert_true(fake_virtq_device_interrupts(&host));
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), OK);
    assert_int_equal(bytes, sizeof(out));
    memset(want, 0x5a, sizeof(want));
    assert_memory_equal(out, want, sizeof(want));
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), ERR_AGAIN);
    assert_int_equal(entropy_dev_stop(&dev), OK);
}

static void a_short_answer_touches_no_more_than_it_has(void **state)
{
    uint8_t out[64] = { 0 };
    size_t bytes = 0;

    (void)state;
    start();
    assert_int_equal(entropy_dev_ask(&dev, sizeof(out)), OK);
    answer(3);
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), OK);
    assert_int_equal(bytes, 3);
    assert_int_equal(out[2], 0x5a);
    assert_int_equal(out[3], 0);
}

static void what_was_taken_is_wiped(void **state)
{
    static const uint8_t nothing[64];
    uint8_t out[64];
    size_t bytes;

    (void)state;
    start();
    assert_int_equal(entropy_dev_ask(&dev, sizeof(out)), OK);
    answer(sizeof(out));
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), OK);
    assert_memory_equal(memory, nothing, sizeof(nothing));
}

static void many_requests_follow_one_another(void **state)
{
    uint8_t out[ENTROPY_BYTES_MAX];
    size_t bytes;

    (void)state;
    start();
    for (unsigned i = 1; i <= 70000; i++) {
        size_t want = i % ENTROPY_BYTES_MAX + 1;

        assert_int_equal(entropy_dev_ask(&dev, want), OK);
        answer((uint32_t)want);
        (void)fake_virtq_device_sleep(&host);
        assert_int_equal(entropy_dev_take(&dev, out, &bytes), OK);
        assert_int_equal(bytes, want);
    }
}

/* ---- devices that lie ---- */

static void faults(uint32_t bytes)
{
    uint8_t out[16];
    size_t got = 7;

    start();
    assert_int_equal(entropy_dev_ask(&dev, sizeof(out)), OK);
    answer(bytes);
    assert_int_equal(entropy_dev_take(&dev, out, &got), ERR_DEVICE);
    assert_int_equal(got, 7);
    /* A reset, and it may try again. */
    assert_int_equal(entropy_dev_stop(&dev), OK);
    start();
    assert_int_equal(entropy_dev_ask(&dev, sizeof(out)), OK);
    answer(sizeof(out));
    assert_int_equal(entropy_dev_take(&dev, out, &got), OK);
    assert_int_equal(got, sizeof(out));
}

static void an_answer_without_a_byte_is_a_fault(void **state)
{
    (void)state;
    faults(0);
}

static void an_answer_longer_than_its_buffer_is_a_fault(void **state)
{
    (void)state;
    faults(17);
}

static void an_answer_of_4_gib_is_a_fault(void **state)
{
    (void)state;
    faults(UINT32_MAX);
}

static void an_answer_to_nothing_is_a_fault(void **state)
{
    uint8_t out[16];
    size_t bytes;

    (void)state;
    start();
    fake_virtq_device_push(&host, 0, 16);
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), ERR_DEVICE);
    assert_int_equal(entropy_dev_ask(&dev, 16), ERR_DEVICE);
}

static void an_answer_before_the_question_is_a_fault(void **state)
{
    (void)state;
    start();
    fake_virtq_device_push(&host, 0, 16);
    assert_int_equal(entropy_dev_ask(&dev, 16), ERR_DEVICE);
    assert_int_equal(fake.notified[0], 0);
}

/* ---- devices that cannot be used ---- */

static void a_device_without_a_queue_is_refused(void **state)
{
    (void)state;
    fake.queues = 0;
    assert_int_equal(begin(), ERR_UNSUPPORTED);
}

static void rings_that_are_too_large_are_refused(void **state)
{
    (void)state;
    fake_virtio_make_legacy(&fake, true);
    fake.queue_size[0] = VIRTQ_SIZE_MAX;
    assert_int_equal(begin(), ERR_NOMEM);
}

static void a_legacy_device_works(void **state)
{
    uint8_t out[16];
    size_t bytes;

    (void)state;
    fake_virtio_make_legacy(&fake, true);
    fake.queue_size[0] = 8;
    start();
    assert_int_equal(entropy_dev_ask(&dev, sizeof(out)), OK);
    answer(sizeof(out));
    assert_int_equal(entropy_dev_take(&dev, out, &bytes), OK);
    assert_int_equal(bytes, sizeof(out));
}

static void a_device_that_does_not_reset_is_told(void **state)
{
    (void)state;
    start();
    fake.reset_delay = UINT32_MAX;
    assert_int_equal(entropy_dev_stop(&dev), ERR_TIMEOUT);
}

static void ask(size_t bytes)
{
    err_t err = entropy_dev_ask(&dev, bytes);

    assert_int_equal(err, OK);
}

static void ask_nothing(void)
{
    ask(0);
}

static void ask_too_much(void)
{
    ask(ENTROPY_BYTES_MAX + 1);
}

static void ask_one(void)
{
    ask(1);
}

static void two_questions_at_a_time_are_a_mistake(void **state)
{
    (void)state;
    start();
    assert_true(panics(ask_nothing));
    assert_true(panics(ask_too_much));
    ask_one();
    assert_true(panics(ask_one));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(virtio_5_4_6_a_request_is_one_writable_buffer),
        TEST(a_short_answer_touches_no_more_than_it_has),
        TEST(what_was_taken_is_wiped),
        TEST(many_requests_follow_one_another),
        TEST(an_answer_without_a_byte_is_a_fault),
        TEST(an_answer_longer_than_its_buffer_is_a_fault),
        TEST(an_answer_of_4_gib_is_a_fault),
        TEST(an_answer_to_nothing_is_a_fault),
        TEST(an_answer_before_the_question_is_a_fault),
        TEST(a_device_without_a_queue_is_refused),
        TEST(rings_that_are_too_large_are_refused),
        TEST(a_legacy_device_works),
        TEST(a_device_that_does_not_reset_is_told),
        TEST(two_questions_at_a_time_are_a_mistake),
    };

    return cmocka_run_group_tests_name("drivers/virtio/entropy.c", tests, NULL, NULL);
}
