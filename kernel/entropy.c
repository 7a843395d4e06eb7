/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two sources: virtio-rng, which the host feeds, and RDRAND. A device that lies or does not answer
 * in time is reset and asked once more; after that it is left alone for good, because whoever asks
 * for random bytes should not wait for it every time.
 *
 * Invariant: one request is made at a time; `busy` keeps other tasks out while one waits.
 */

#include "kernel/entropy.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "drivers/virtio/entropy.h"
#include "kernel/memory.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "kernel/virtio_bus.h"
#include "kernel/work.h"

#define NS_PER_MS UINT64_C(1000000)
/* QEMU answers in microseconds, unless it was told to limit the rate. */
#define ANSWER_MS 1000U
/* In case the interrupt leads nowhere. */
#define LOOK_MS 10U
/* Tries per request: one for the device as it is, one after a reset. */
#define TRIES 2U
/* [SDM 1 §7.3.17.1] */
#define RDRAND_TRIES 10U

enum state { NOT_STARTED, RUNNING, UNUSABLE };

static enum state state;
static struct virtio_bus_device device;
static struct entropy_dev driver;
static void *memory; /* of ENTROPY_FRAMES */
static bool busy;
static struct wait_queue waiters; /* for the answer, or for their turn */

/* ---- the device ---- */

static void wake(void *context, enum work_place place)
{
    (void)context;
    (void)place;
    task_wake(&waiters);
}

static struct work answer_work = { .run = wake };

static void on_interrupt(uint32_t cause)
{
    (void)cause;
    work_mark(&answer_work);
}

static const struct virtio_bus_driver bus_driver = { .interrupt = on_interrupt };

static void on_time(void *context)
{
    (void)context;
    task_wake(&waiters);
}

static err_t start(const struct virtio_place *place)
{
    err_t err = virtio_bus_attach(&device, place, true, &bus_driver);

    if (err == OK) {
        err = entropy_dev_start(&driver, device.dev, memory, (paddr_t)(uintptr_t)memory);
    }
    if (err == OK) {
        (void)virtio_bus_route(&device); /* without an interrupt the looks serve */
        entropy_dev_ready(&driver);
    }
    return err;
}

static void start_first(void)
{
    struct virtio_place place;

    state = UNUSABLE;
    if (!virtio_bus_find(VIRTIO_ID_ENTROPY, 0, &place)) {
        return;
    }
    memory = memory_pages(ENTROPY_FRAMES);
    if (memory == NULL) {
        log_warn("entropy: no memory for the device");
        return;
    }
    work_add(&answer_work);
    err_t err = start(&place);

    if (err != OK) {
        log_warn("entropy: the device cannot be used: %s", err_name(err));
        virtio_bus_detach(&device);
        return;
    }
    log_info("entropy: %s", device.where);
    state = RUNNING;
}

/* A device that does not even reset keeps its memory for ever. */
static void leave_alone(err_t why)
{
    log_warn("entropy: the device is left alone: %s", err_name(why));
    virtio_bus_detach(&device);
    state = UNUSABLE;
}

/* After a fault. */
static void restart(err_t why, bool again)
{
    const struct virtio_place place = device.place;
    err_t err = entropy_dev_stop(&driver);

    log_warn("entropy: the device is reset: %s", err_name(why));
    if (err == OK) {
        err = again ? start(&place) : why;
    }
    if (err != OK) {
        leave_alone(err);
    }
}

/* ---- waiting ---- */

/* Until something may have changed. */
static void wait_a_little(void)
{
    struct timer timer = { .fire = on_time };

    if (!task_is_running()) {
        cpu_relax();
        return;
    }
    bool on = interrupts_save_off();

    timer_set(&timer, clock_now_ns() + LOOK_MS * NS_PER_MS);
    if (!virtq_has_used(&driver.vq)) {
        task_wait(&waiters);
    }
    timer_cancel(&timer);
    interrupts_restore(on);
}

static err_t device_request(uint8_t *out, size_t *bytes)
{
    uint64_t end = clock_now_ns() + ANSWER_MS * NS_PER_MS;
    err_t err = entropy_dev_ask(&driver, *bytes);

    while (err == OK || err == ERR_AGAIN) {
        err = entropy_dev_take(&driver, out, bytes);
        if (err != ERR_AGAIN) {
            break;
        }
        if (clock_now_ns() > end) {
            return ERR_TIMEOUT;
        }
        wait_a_little();
    }
    return err;
}

/* True when the device has filled all of it. */
static bool device_fill(uint8_t *out, size_t bytes)
{
    unsigned tries = 0;

    while (state == RUNNING && bytes > 0) {
        size_t count = (size_t)min_u64(bytes, ENTROPY_BYTES_MAX);
        err_t err = device_request(out, &count);

        if (err == OK) {
            out += count;
            bytes -= count;
            continue;
        }
        restart(err, ++tries < TRIES);
    }
    return bytes == 0;
}

/* ---- the processor ---- */

static bool rdrand_word(uint64_t *word)
{
    for (unsigned i = 0; i < RDRAND_TRIES; i++) {
        if (cpu_rdrand(word)) {
            return true;
        }
        cpu_relax();
    }
    return false;
}

/* Combines random words with what is there. False: the processor has none, or not now. */
static bool rdrand_mix(uint8_t *out, size_t bytes)
{
    uint64_t word;

    if ((cpuid(CPUID_FEATURES).ecx & CPUID_FEATURES_RDRAND) == 0) {
        return false;
    }
    for (size_t at = 0; at < bytes; at += sizeof(word)) {
        if (!rdrand_word(&word)) {
            return false;
        }
        for (size_t i = 0; i < sizeof(word) && at + i < bytes; i++) {
            out[at + i] ^= (uint8_t)(word >> 8 * i);
        }
    }
    return true;
}

/* ---- both ---- */

/* A task that comes while another one waits for the device takes its turn afterwards. */
static void enter(void)
{
    bool on = interrupts_save_off();

    while (busy) {
        task_wait(&waiters);
    }
    busy = true;
    interrupts_restore(on);
    if (state == NOT_STARTED) {
        start_first();
    }
}

static void leave(void)
{
    ASSERT(busy);
    busy = false;
    task_wake(&waiters);
}

err_t entropy_fill(void *out, size_t bytes)
{
    ASSERT(out != NULL || bytes == 0);
    ASSERT(!work_is_running());
    enter();
    bool from_device = device_fill(out, bytes);

    leave();
    bool from_processor = rdrand_mix(out, bytes);

    return from_device || from_processor ? OK : ERR_UNSUPPORTED;
}
