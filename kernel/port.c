/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ports of the console device, for tasks that wait. The interrupt only wakes whoever waits, and
 * each looks for itself; in case it leads nowhere the safety poll does the same.
 *
 * Invariant: what lies between two waits happens as one, because no task is interrupted by another;
 * so the driver needs no lock.
 */

#include "kernel/port.h"

#include <stdbool.h>

#include "base/assert.h"
#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "drivers/virtio/console.h"
#include "kernel/memory.h"
#include "kernel/params.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/virtio_bus.h"
#include "kernel/work.h"
#include "mm/frame.h"

#define NS_PER_MS UINT64_C(1000000)
/* How often to look where there is no interrupt. */
#define LOOK_MS 10U

struct port {
    struct console_port *device;
    uint32_t hangups; /* that the reader knows of */
};

enum state { NOT_STARTED, RUNNING, NO_DEVICE, BROKEN };

static enum state state;
static bool no_interrupt;
static struct virtio_bus_device device;
static struct console_dev driver;
static void *memory; /* the device's */
static uint32_t memory_frames;
static struct port ports[CONSOLE_PORTS_MAX];
static struct wait_queue waiters;
static unsigned interruptions;

/* ---- the device ---- */

static void wake(void *context, enum work_place place)
{
    (void)context;
    (void)place;
    task_wake(&waiters);
}

static struct work event_work = { .run = wake };

static void on_interrupt(uint32_t cause)
{
    (void)cause;
    work_mark(&event_work);
}

static const struct virtio_bus_driver bus_driver = { .interrupt = on_interrupt };

static void on_time(void *context)
{
    (void)context;
    task_wake(&waiters);
}

/* The device may have had the memory: it comes back only after a reset. */
static void give_up(void)
{
    virtio_bus_detach(&device);
    if (console_dev_stop(&driver) == OK) {
        frame_free_run((pfn_t)((uintptr_t)memory >> FRAME_SHIFT), memory_frames);
    }
}

static err_t start_device(const struct virtio_place *place)
{
    err_t err = virtio_bus_attach(&device, place, true, &bus_driver);

    if (err == OK) {
        err = console_dev_begin(&driver, device.dev, &memory_frames);
    }
    if (err == OK) {
        memory = memory_pages(memory_frames);
        err = memory == NULL ? ERR_NOMEM : OK;
    }
    if (err != OK) {
        virtio_bus_detach(&device);
        return err;
    }
    err = console_dev_start(&driver, memory, (paddr_t)(uintptr_t)memory);
    if (err == OK) {
        no_interrupt = virtio_bus_route(&device) == NULL;
        err = console_dev_ready(&driver);
    }
    if (err != OK) {
        give_up();
    }
    return err;
}

static err_t start(void)
{
    struct virtio_place place;

    state = NO_DEVICE;
    if (!virtio_bus_find(VIRTIO_ID_CONSOLE, 0, &place)) {
        return ERR_UNSUPPORTED;
    }
    work_add(&event_work);
    err_t err = start_device(&place);

    if (err != OK) {
        log_warn("port: the device cannot be used: %s", err_name(err));
        return err == ERR_NOMEM ? ERR_NOMEM : ERR_UNSUPPORTED;
    }
    log_info("port: %s", device.where);
    state = RUNNING;
    return OK;
}

/* After a fault: it was named in the log. A device that does not even reset keeps its memory. */
static err_t abandon(void)
{
    if (state == RUNNING) {
        state = BROKEN;
        log_warn("port: the device is reset and left alone");
        give_up();
        task_wake(&waiters);
    }
    return ERR_DEVICE;
}

/* ---- waiting ---- */

/* A call that may wait goes on until this says OK. */
typedef err_t attempt(struct port *port, void *argument);

/* Until something may have changed. */
static void wait_a_little(struct console_port *reading, uint64_t until_ns, unsigned before)
{
    struct timer timer = { .fire = on_time };
    uint64_t period_ms = no_interrupt ? LOOK_MS : params.poll_ms;
    uint64_t at = period_ms != 0 ? clock_now_ns() + period_ms * NS_PER_MS : UINT64_MAX;
    bool on = interrupts_save_off();

    if (!console_dev_arm(&driver, reading) && !driver.broken && interruptions == before) {
        timer_set(&timer, at < until_ns ? at : until_ns);
        task_wait(&waiters);
        timer_cancel(&timer);
    }
    interrupts_restore(on);
}

/* Tries until the attempt succeeds or fails for another reason than that it must wait. */
static err_t wait_for(attempt *try_it, struct port *port, void *argument,
                      struct console_port *reading, uint64_t until_ns)
{
    unsigned before = interruptions;

    ASSERT(task_is_running() && !work_is_running());
    for (;;) {
        err_t err = state == RUNNING ? console_dev_step(&driver) : ERR_DEVICE;

        if (err == OK) {
            err = try_it(port, argument);
        }
        if (err == ERR_DEVICE) {
            return abandon();
        }
        if (err != ERR_AGAIN || interruptions != before) {
            return err;
        }
        if (clock_now_ns() >= until_ns) {
            return ERR_TIMEOUT;
        }
        wait_a_little(reading, until_ns, before);
    }
}

void port_interrupt(void)
{
    interruptions++;
    task_wake(&waiters);
}

/* ---- ports ---- */

struct opening {
    const char *name;
    struct port **port;
};

static err_t try_open(struct port *port, void *argument)
{
    const struct opening *opening = argument;
    struct console_port *found = console_dev_find(&driver, opening->name);

    ASSERT(port == NULL);
    if (found == NULL) {
        return ERR_AGAIN;
    }
    struct port *ours = &ports[found - driver.ports];

    if (ours->device != NULL) {
        return ERR_BUSY;
    }
    err_t err = console_port_open(&driver, found);

    if (err == OK) {
        *ours = (struct port){ .device = found, .hangups = found->hangups };
        *opening->port = ours;
    }
    return err;
}

err_t port_open(const char *name, uint64_t until_ns, struct port **port)
{
    struct opening opening = { name, port };
    err_t err = state == NOT_STARTED ? start() : OK;

    if (err != OK || state == NO_DEVICE) {
        return err != OK ? err : ERR_UNSUPPORTED;
    }
    return wait_for(try_open, NULL, &opening, NULL, until_ns);
}

static err_t try_connected(struct port *port, void *argument)
{
    (void)argument;
    return port->device->connected ? OK : ERR_AGAIN;
}

err_t port_wait(struct port *port)
{
    return wait_for(try_connected, port, NULL, NULL, UINT64_MAX);
}

struct reading {
    void *out;
    size_t *bytes;
};

/* What came before the host's end was left is read first. */
static err_t try_read(struct port *port, void *argument)
{
    const struct reading *reading = argument;
    err_t err = console_port_read(&driver, port->device, reading->out, reading->bytes);

    if (err == ERR_AGAIN && port->hangups != port->device->hangups) {
        port->hangups = port->device->hangups;
        *reading->bytes = 0;
        return OK;
    }
    return err;
}

err_t port_read(struct port *port, void *out, size_t *bytes)
{
    struct reading reading = { out, bytes };

    return wait_for(try_read, port, &reading, port->device, UINT64_MAX);
}

struct writing {
    const uint8_t *from;
    size_t left;
};

/* At the end it waits until the device has all of it. */
static err_t try_write(struct port *port, void *argument)
{
    struct writing *writing = argument;
    err_t err = port->device->connected ? OK : ERR_BUSY;

    while (err == OK && writing->left > 0) {
        size_t bytes = writing->left;

        err = console_port_write(&driver, port->device, writing->from, &bytes);
        if (err == OK) {
            writing->from += bytes;
            writing->left -= bytes;
        }
    }
    return err == OK && port->device->sending ? ERR_AGAIN : err;
}

err_t port_write(struct port *port, const void *from, size_t bytes)
{
    struct writing writing = { from, bytes };

    return wait_for(try_write, port, &writing, NULL, UINT64_MAX);
}
