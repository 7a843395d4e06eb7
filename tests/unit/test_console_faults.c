/* SPDX-License-Identifier: BSD-2-Clause */
/* Console devices that lie or cannot be used: logged once, given up, and the guest goes on. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/console_fixture.h"

/* ---- devices that lie ---- */

static void a_message_that_is_too_short_is_a_fault(void **state)
{
    for (uint32_t bytes = 0; bytes < 8; bytes++) {
        (void)teardown(state);
        (void)setup(state);
        open_port();
        unsigned errors = fake_seams.log_lines[0];

        write_told(2, "1234567", 7, bytes);
        assert_int_equal(console_dev_step(&dev), ERR_DEVICE);
        is_broken(errors);
    }
}

static void a_message_longer_than_its_buffer_is_a_fault(void **state)
{
    (void)state;
    open_port();
    unsigned errors = fake_seams.log_lines[0];

    write_told(2, "12345678", 8, UINT32_MAX);
    assert_int_equal(console_dev_step(&dev), ERR_DEVICE);
    is_broken(errors);
}

static void a_message_about_an_impossible_port_is_a_fault(void **state)
{
    (void)state;
    open_port();
    unsigned errors = fake_seams.log_lines[0];

    control(31, ADD, 1, "", 0);
    assert_int_equal(console_dev_step(&dev), ERR_DEVICE);
    is_broken(errors);
}

static void data_longer_than_their_buffer_are_a_fault(void **state)
{
    char out[16];
    size_t got;

    (void)state;
    struct console_port *port = open_port();
    unsigned errors = fake_seams.log_lines[0];

    write_told(4, "abc", 3, 1025);
    assert_int_equal(read_some(port, out, sizeof(out), &got), ERR_DEVICE);
    is_broken(errors);
}

static void data_without_a_byte_are_a_fault(void **state)
{
    char out[16];
    size_t got;

    (void)state;
    struct console_port *port = open_port();
    unsigned errors = fake_seams.log_lines[0];

    write_told(4, "abc", 3, 0);
    assert_int_equal(read_some(port, out, sizeof(out), &got), ERR_DEVICE);
    is_broken(errors);
}

static void a_write_that_was_never_made_is_a_fault(void **state)
{
    (void)state;
    open_port();
    unsigned errors = fake_seams.log_lines[0];

    fake_virtq_device_push(&host[5], 3, 0);
    assert_int_equal(console_dev_step(&dev), ERR_DEVICE);
    is_broken(errors);
}

static void a_device_that_wants_a_reset_gets_one(void **state)
{
    (void)state;
    struct console_port *port = open_port();
    unsigned errors = fake_seams.log_lines[0];

    fake.status |= VIRTIO_STATUS_NEEDS_RESET;
    assert_false(console_dev_arm(&dev, port));
    is_broken(errors);
}

/* ---- devices that cannot be used ---- */

static void a_device_without_ports_is_refused(void **state)
{
    uint32_t frames;

    (void)state;
    fake.config[4] = 0;
    assert_int_equal(begin(&frames), ERR_DEVICE);
}

static void a_device_that_lacks_a_queue_is_refused(void **state)
{
    uint32_t frames;

    (void)state;
    for (uint16_t queues = 0; queues < 8; queues++) {
        fake.queues = queues;
        for (unsigned i = 0; i < 8; i++) {
            fake.queue_size[i] = i < queues ? 128 : 0;
        }
        assert_int_equal(begin(&frames), OK);
        free(memory);
        memory = aligned_alloc(FRAME_SIZE, frames * FRAME_SIZE);
        assert_int_equal(console_dev_start(&dev, memory, (uintptr_t)memory), ERR_UNSUPPORTED);
    }
}

static void a_device_that_does_not_reset_is_told(void **state)
{
    (void)state;
    start();
    fake.reset_delay = UINT32_MAX;
    assert_int_equal(console_dev_stop(&dev), ERR_TIMEOUT);
}

static void no_bytes(void)
{
    size_t bytes = 0;
    err_t err = console_port_write(&dev, &dev.ports[1], "", &bytes);

    assert_int_equal(err, OK);
}

static void read_unopened(void)
{
    size_t bytes = 1;
    char out;
    err_t err = console_port_read(&dev, &dev.ports[2], &out, &bytes);

    assert_int_equal(err, OK);
}

static void nothing_to_write_and_a_closed_port_are_mistakes(void **state)
{
    (void)state;
    open_port();
    assert_true(panics(no_bytes));
    assert_true(panics(read_unopened));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_message_that_is_too_short_is_a_fault),
        TEST(a_message_longer_than_its_buffer_is_a_fault),
        TEST(a_message_about_an_impossible_port_is_a_fault),
        TEST(data_longer_than_their_buffer_are_a_fault),
        TEST(data_without_a_byte_are_a_fault),
        TEST(a_write_that_was_never_made_is_a_fault),
        TEST(a_device_that_wants_a_reset_gets_one),
        TEST(a_device_without_ports_is_refused),
        TEST(a_device_that_lacks_a_queue_is_refused),
        TEST(a_device_that_does_not_reset_is_told),
        TEST(nothing_to_write_and_a_closed_port_are_mistakes),
    };

    return cmocka_run_group_tests_name("drivers/virtio/console.c", tests, NULL, NULL);
}
