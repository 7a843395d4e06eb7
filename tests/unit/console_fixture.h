/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* A console device in memory, both of its sides, for the tests of drivers/virtio/console.c. */

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

static inline int setup(void **state)
{
    (void)state;
    fake_virtio_init(&fake, VIRTIO_ID_CONSOLE, VIRTIO_F_EVENT_IDX | MULTIPORT, 8);
    fake.config[4] = 31; /* ports, as QEMU says */
    memory = NULL;
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    free(memory);
    return 0;
}

static inline err_t begin(uint32_t *frames)
{
    return console_dev_begin(&dev, &fake.dev, frames);
}

static inline void start(void)
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
static inline void write_told(unsigned queue, const void *bytes, size_t count, uint32_t told)
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

static inline void write_all(unsigned queue, const void *bytes, size_t count)
{
    write_told(queue, bytes, count, (uint32_t)count);
}

static inline void control(uint32_t port, uint16_t event, uint16_t value, const char *rest,
                           size_t count)
{
    uint8_t message[256];

    memcpy(message, &port, sizeof(port));
    memcpy(message + 4, &event, sizeof(event));
    memcpy(message + 6, &value, sizeof(value));
    memcpy(message + 8, rest, count);
    write_all(2, message, 8 + count);
}

static inline void step(void)
{
    assert_int_equal(console_dev_step(&dev), OK);
}

/* What we told the device next: "port event value", "" when nothing. */
static inline const char *told(void)
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
static inline size_t sent(unsigned queue, char *out)
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
static inline struct console_port *open_port(void)
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

static inline err_t read_some(struct console_port *port, char *out, size_t room, size_t *got)
{
    *got = room;
    return console_port_read(&dev, port, out, got);
}

static inline void reads(struct console_port *port, const char *want)
{
    char out[4096];
    size_t got;

    assert_int_equal(read_some(port, out, sizeof(out), &got), OK);
    assert_int_equal(got, strlen(want));
    assert_memory_equal(out, want, got);
}

/* The device has lied: it is named once, and every call says so until it is started again. */
static inline void is_broken(unsigned errors_before)
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

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
