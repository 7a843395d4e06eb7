/* SPDX-License-Identifier: BSD-2-Clause */
/* drivers/virtio/console.c and console_port.c against a device that answers, or lies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "drivers/virtio/console.h"
#include "tests/fakes/fake_seams.h"
#include "tests/fakes/fake_virtio.h"
#include "tests/fakes/fake_virtq_device.h"

#define MULTIPORT 2U /* the feature bit, as a mask */
#define NAME      "org.example.name"

enum event { READY, ADD, REMOVE, PORT_READY, CONSOLE, RESIZE, OPEN, NAMED };

static struct fake_virtio fake;
static struct fake_virtq_device host[FAKE_VIRTIO_QUEUES];
static struct console_dev dev;
static void *memory;

static int setup(void **state)
{
    (void)state;
    fake_virtio_init(&fake, VIRTIO_ID_CONSOLE, VIRTIO_F_EVENT_IDX | MULTIPORT, 8);
    fake.config[4] = 31; /* ports, as QEMU says */
    memory = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static err_t begin(uint32_t *frames)
{
    return console_dev_begin(&dev, &fake.dev, frames);
}

static void start(void)
{
    uint32_t frames = 0;

    assert_int_equal(begin(&frames), OK);
    free(memory);
    memory = aligned_alloc(FRAME_SIZE, frames * FRAME_SIZE);
    assert_non_null(memory);
    memset(memory, 0, frames * FRAME_SIZE);
    assert_int_equal(console_dev_start(&dev, memory, (uintptr_t)memory), OK);
    for (unsigned i = 0; i < FAKE_VIRTIO_QUEUES; i++) {
        if (fake.enabled[i] != NULL) {
            fake_virtq_device_attach(&host[i], fake.enabled[i]);
            (void)fake_virtq_device_sleep(&host[i]);
        }
    }
    assert_int_equal(console_dev_ready(&dev), OK);
}

/* ---- the device's side ---- */

/* Writes into the next buffer of the queue, and says that it wrote `told` bytes. */
static void write_told(unsigned queue, const void *bytes, size_t count, uint32_t told)
{
    struct fake_virtq_request request;

    assert_true(fake_virtq_device_pop(&host[queue], &request));
    assert_int_equal(request.readable, 0);
    assert_int_equal(request.writable, 1);
    assert_true(count <= request.buffers[0].bytes);
    memcpy((void *)(uintptr_t)request.buffers[0].address, bytes, count);
    fake_virtq_device_push(&host[queue], request.id, told);
    (void)fake_virtq_device_sleep(&host[queue]);
}

static void write_all(unsigned queue, const void *bytes, size_t count)
{
    write_told(queue, bytes, count, (uint32_t)count);
}

static void control(uint32_t port, uint16_t event, uint16_t value, const char *rest, size_t count)
{
    uint8_t message[256];

    memcpy(message, &port, sizeof(port));
    memcpy(message + 4, &event, sizeof(event));
    memcpy(message + 6, &value, sizeof(value));
    memcpy(message + 8, rest, count);
    write_all(2, message, 8 + count);
}

static void step(void)
{
    assert_int_equal(console_dev_step(&dev), OK);
}

/* What we told the device next: "port event value", "" when nothing. */
static const char *told(void)
{
    static char text[64];
    struct fake_virtq_request request;
    uint8_t message[8];
    uint32_t port;
    uint16_t event;
    uint16_t value;

    if (!fake_virtq_device_pop(&host[3], &request)) {
        return "";
    }
    assert_int_equal(request.readable, 1);
    assert_int_equal(request.buffers[0].bytes, sizeof(message));
    memcpy(message, (void *)(uintptr_t)request.buffers[0].address, sizeof(message));
    memcpy(&port, message, sizeof(port));
    memcpy(&event, message + 4, sizeof(event));
    memcpy(&value, message + 6, sizeof(value));
    snprintf(text, sizeof(text), "%u %u %u", port, event, value);
    fake_virtq_device_push(&host[3], request.id, 0);
    (void)fake_virtq_device_sleep(&host[3]);
    return text;
}

/* Fetches one write of the guest's and says so. */
static size_t sent(unsigned queue, char *out)
{
    struct fake_virtq_request request;

    if (!fake_virtq_device_pop(&host[queue], &request)) {
        return 0;
    }
    assert_int_equal(request.readable, 1);
    assert_int_equal(request.writable, 0);
    memcpy(out, (void *)(uintptr_t)request.buffers[0].address, request.buffers[0].bytes);
    fake_virtq_device_push(&host[queue], request.id, 0);
    (void)fake_virtq_device_sleep(&host[queue]);
    return request.buffers[0].bytes;
}

/* ---- both ---- */

/* Port 1 is there, has its name, and is open at both ends. */
static struct console_port *open_port(void)
{
    start();
    assert_string_equal(told(), "0 0 1");
    control(1, ADD, 1, "", 0);
    control(1, NAMED, 1, NAME, sizeof(NAME));
    control(1, OPEN, 1, "", 0);
    step();
    assert_string_equal(told(), "1 3 1");
    struct console_port *port = console_dev_find(&dev, NAME);

    assert_ptr_equal(port, &dev.ports[1]);
    assert_true(port->connected);
    assert_int_equal(console_port_open(&dev, port), OK);
    assert_string_equal(told(), "1 6 1");
    assert_string_equal(told(), "");
    return port;
}

static err_t read_some(struct console_port *port, char *out, size_t room, size_t *got)
{
    *got = room;
    return console_port_read(&dev, port, out, got);
}

static void reads(struct console_port *port, const char *want)
{
    char out[4096];
    size_t got;

    assert_int_equal(read_some(port, out, sizeof(out), &got), OK);
    assert_int_equal(got, strlen(want));
    assert_memory_equal(out, want, got);
}

/* The device has lied: it is named once, and every call says so until it is started again. */
static void is_broken(unsigned errors_before)
{
    size_t bytes = 1;

    assert_int_equal(fake_seams.log_lines[0], errors_before + 1);
    assert_int_equal(console_dev_step(&dev), ERR_DEVICE);
    assert_int_equal(console_port_open(&dev, &dev.ports[1]), ERR_DEVICE);
    assert_int_equal(console_port_write(&dev, &dev.ports[1], "x", &bytes), ERR_DEVICE);
    assert_false(console_dev_arm(&dev, &dev.ports[1]));
    assert_int_equal(fake_seams.log_lines[0], errors_before + 1);
    assert_int_equal(console_dev_stop(&dev), OK);
    assert_int_equal(fake.status, 0);
    struct console_port *port = open_port();

    write_all(4, "again", 5);
    reads(port, "again");
}

/* ---- a device that does as it should ---- */

static void virtio_5_3_a_port_is_found_by_its_name_and_carries_bytes(void **state)
{
    char out[16];
    size_t bytes = 5;
    size_t got;

    (void)state;
    struct console_port *port = open_port();

    assert_int_equal(read_some(port, out, sizeof(out), &got), ERR_AGAIN);
    write_all(4, "abc", 3);
    assert_true(fake_virtq_device_interrupts(&host[4]));
    reads(port, "abc");
    assert_int_equal(console_port_write(&dev, port, "hello", &bytes), OK);
    assert_int_equal(bytes, 5);
    assert_true(port->sending);
    assert_int_equal(console_port_write(&dev, port, "again", &bytes), ERR_AGAIN);
    assert_int_equal(sent(5, out), 5);
    assert_memory_equal(out, "hello", 5);
    step();
    assert_false(port->sending);
}

static void without_multiport_there_is_one_port_without_a_name(void **state)
{
    char out[16];
    size_t bytes = 2;

    (void)state;
    fake_virtio_init(&fake, VIRTIO_ID_CONSOLE, 0, 2);
    start();
    struct console_port *port = console_dev_find(&dev, "");

    assert_ptr_equal(port, &dev.ports[0]);
    assert_true(port->connected);
    assert_int_equal(console_port_open(&dev, port), OK);
    write_all(0, "in", 2);
    reads(port, "in");
    assert_int_equal(console_port_write(&dev, port, "ou", &bytes), OK);
    assert_int_equal(sent(1, out), 2);
}

static void a_legacy_device_works(void **state)
{
    (void)state;
    fake_virtio_make_legacy(&fake, true);
    for (unsigned i = 0; i < 8; i++) {
        fake.queue_size[i] = 128;
    }
    struct console_port *port = open_port();

    write_all(4, "abc", 3);
    reads(port, "abc");
}

/* More than the buffers, over and over; read in pieces of every size. */
static void a_long_stream_keeps_its_order(void **state)
{
    uint8_t chunk[1024];
    uint8_t out[1500];
    uint32_t in_at = 0;
    uint32_t out_at = 0;
    size_t got;

    (void)state;
    struct console_port *port = open_port();

    for (unsigned round = 1; round < 3000; round++) {
        size_t count = round * 7919U % sizeof(chunk) + 1;

        for (size_t i = 0; i < count; i++) {
            chunk[i] = (uint8_t)(in_at++ * 31U >> 3);
        }
        write_all(4, chunk, count);
        while (read_some(port, (char *)out, round % sizeof(out) + 1, &got) == OK) {
            for (size_t i = 0; i < got; i++) {
                assert_int_equal(out[i], (uint8_t)(out_at++ * 31U >> 3));
            }
        }
    }
    assert_int_equal(in_at, out_at);
}

static void a_long_write_goes_in_pieces(void **state)
{
    static char text[CONSOLE_WRITE_MAX + 100];
    static char out[CONSOLE_WRITE_MAX];
    size_t bytes = sizeof(text);

    (void)state;
    struct console_port *port = open_port();

    memset(text, 'x', sizeof(text));
    assert_int_equal(console_port_write(&dev, port, text, &bytes), OK);
    assert_int_equal(bytes, CONSOLE_WRITE_MAX);
    assert_int_equal(sent(5, out), CONSOLE_WRITE_MAX);
}

static void whoever_leaves_the_other_end_is_noticed(void **state)
{
    (void)state;
    struct console_port *port = open_port();

    control(1, OPEN, 0, "", 0);
    step();
    assert_false(port->connected);
    assert_int_equal(port->hangups, 1);
    control(1, OPEN, 1, "", 0);
    control(1, OPEN, 0, "", 0);
    step();
    assert_int_equal(port->hangups, 2);
}

static void a_port_that_leaves_and_comes_again_is_open_still(void **state)
{
    (void)state;
    struct console_port *port = open_port();

    control(1, REMOVE, 1, "", 0);
    step();
    assert_null(console_dev_find(&dev, NAME));
    assert_int_equal(port->hangups, 1);
    control(1, ADD, 1, "", 0);
    step();
    assert_string_equal(told(), "1 3 1");
    assert_string_equal(told(), "1 6 1");
    write_all(4, "abc", 3);
    reads(port, "abc");
}

static void a_port_with_a_number_too_large_is_refused_politely(void **state)
{
    (void)state;
    start();
    assert_string_equal(told(), "0 0 1");
    control(CONSOLE_PORTS_MAX, ADD, 1, "", 0);
    control(30, ADD, 1, "", 0);
    control(30, NAMED, 1, NAME, sizeof(NAME));
    step();
    assert_string_equal(told(), "3 3 0");
    assert_string_equal(told(), "30 3 0");
    assert_null(console_dev_find(&dev, NAME));
}

static void events_that_mean_nothing_to_us_are_ignored(void **state)
{
    (void)state;
    open_port();
    control(1, CONSOLE, 1, "", 0);
    control(1, RESIZE, 0, "\x50\x00\x19\x00", 4);
    control(1, 77, 1, "", 0);
    control(2, NAMED, 1, "nobody", 6);
    control(2, OPEN, 1, "", 0);
    step();
    assert_string_equal(told(), "");
    assert_false(dev.ports[2].connected);
    assert_null(console_dev_find(&dev, "nobody"));
}

static void a_name_that_never_ends_is_cut(void **state)
{
    char name[CONSOLE_NAME_MAX + 1];

    (void)state;
    open_port();
    memset(name, 'n', sizeof(name));
    control(1, NAMED, 1, name, sizeof(name));
    step();
    assert_int_equal(strlen(dev.ports[1].name), CONSOLE_NAME_MAX);
}

/* A device that takes no answers is not listened to, and nothing is lost. */
static void messages_wait_until_the_answers_before_are_taken(void **state)
{
    unsigned ready = 0;

    (void)state;
    start();
    /* 8 messages go out at most, 2 are kept for the next answer; 8 more come in. */
    for (unsigned i = 0; i < 13; i++) {
        control(i % 3, ADD, 1, "", 0);
        step();
    }
    assert_false(console_dev_arm(&dev, NULL));
    while (told()[0] != '\0') {
        ready++;
        step();
    }
    assert_int_equal(ready, 1 + 13);
}

static void whoever_waits_is_woken(void **state)
{
    (void)state;
    struct console_port *port = open_port();

    step();
    assert_false(console_dev_arm(&dev, port));
    write_all(4, "abc", 3);
    assert_true(fake_virtq_device_interrupts(&host[4]));
    assert_true(console_dev_arm(&dev, port));
    assert_false(console_dev_arm(&dev, NULL)); /* unread data keep no other awake */
    reads(port, "abc");
    assert_false(console_dev_arm(&dev, port));
    control(1, OPEN, 0, "", 0);
    assert_true(fake_virtq_device_interrupts(&host[2]));
    assert_true(console_dev_arm(&dev, port));
}

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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(virtio_5_3_a_port_is_found_by_its_name_and_carries_bytes),
        TEST(without_multiport_there_is_one_port_without_a_name),
        TEST(a_legacy_device_works),
        TEST(a_long_stream_keeps_its_order),
        TEST(a_long_write_goes_in_pieces),
        TEST(whoever_leaves_the_other_end_is_noticed),
        TEST(a_port_that_leaves_and_comes_again_is_open_still),
        TEST(a_port_with_a_number_too_large_is_refused_politely),
        TEST(events_that_mean_nothing_to_us_are_ignored),
        TEST(a_name_that_never_ends_is_cut),
        TEST(messages_wait_until_the_answers_before_are_taken),
        TEST(whoever_waits_is_woken),
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
