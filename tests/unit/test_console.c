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

#include "tests/unit/console_fixture.h"

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
    };

    return cmocka_run_group_tests_name("drivers/virtio/console.c", tests, NULL, NULL);
}
