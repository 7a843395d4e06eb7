/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy device [VIRTIO 1.4 §5.4], the simplest there is, as a second device for all
 * transports. It is here because QEMU up to 9.2 gives the balloon no MSI-X, and the transports'
 * MSI-X has to be proven on a real device all the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "kernel/app_words.h"
#include "kernel/memory.h"
#include "kernel/task.h"
#include "kernel/virtio_bus.h"
#include "tests/guest/scenarios.h"

#define QUEUE_SIZE       8U
#define REQUESTS         20U
#define REQUEST_BYTES    64U
#define STATUS_NO_DEVICE 8
#define STATUS_NO_ANSWER 9
#define NS_PER_MS        UINT64_C(1000000)

static struct virtio_bus_device device;
static const char *by; /* how it interrupts */
static struct virtq queue;
static volatile unsigned interrupts;

static void on_interrupt(void *context)
{
    (void)context;
    if (device.dev->ops->interrupt_cause(device.dev) != 0) {
        interrupts++;
    }
}

static err_t start_queue(void)
{
    struct virtq_shape shape = virtio_queue_shape(device.dev, 0, QUEUE_SIZE, 1);
    size_t frames = (virtq_bytes(&shape) + FRAME_SIZE - 1) / FRAME_SIZE;
    void *rings = memory_pages((unsigned)frames);

    return rings == NULL ? ERR_NOMEM
                         : virtio_queue_start(device.dev, &queue, 0, &shape, rings,
                                              (paddr_t)(uintptr_t)rings);
}

static err_t start(const struct virtio_place *place, bool msix)
{
    err_t err = virtio_bus_attach(&device, place, msix, on_interrupt, NULL);

    if (err == OK) {
        err = virtio_begin(device.dev,
                           VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED, 0);
    }
    if (err == OK) {
        err = start_queue();
    }
    if (err == OK) {
        by = virtio_bus_route(&device);
        err = by == NULL ? ERR_UNSUPPORTED : OK;
    }
    if (err == OK) {
        virtio_ready(device.dev);
    }
    return err;
}

/* One request; the answer must be announced by an interrupt, the used ring alone does not count. */
static err_t request(void *memory, uint32_t *bytes)
{
    struct virtq_buffer buffer = { (paddr_t)(uintptr_t)memory, REQUEST_BYTES };
    unsigned before = interrupts;
    uint64_t end = clock_now_ns() + 1000 * NS_PER_MS;
    uint16_t cookie;
    err_t err = virtq_add(&queue, &buffer, 0, 1, 0);

    if (err != OK) {
        return err;
    }
    if (virtq_interrupts_on(&queue, 1)) {
        return ERR_DEVICE; /* answered before it was asked */
    }
    (void)virtio_kick(device.dev, &queue);
    while (interrupts == before) {
        if (clock_now_ns() > end) {
            return ERR_TIMEOUT;
        }
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    return virtq_take(&queue, &cookie, bytes);
}

/* msix=0 uses the interrupt line instead. */
int scenario_entropy(void)
{
    struct virtio_place place;
    uint64_t *memory = memory_pages(1);
    unsigned answers = 0;

    if (memory == NULL || !virtio_bus_find(VIRTIO_ID_ENTROPY, 0, &place) ||
        start(&place, app_word_number("msix", 1) != 0) != OK) {
        return STATUS_NO_DEVICE;
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        uint32_t bytes = 0;
        err_t err = request(memory, &bytes);

        if (err != OK || bytes == 0) {
            log_error("entropy: request %u: %s, %u bytes", i, err_name(err), bytes);
            return STATUS_NO_ANSWER;
        }
        answers++;
    }
    result_line("entropy by=%s legacy=%u answers=%u interrupts=%u unexpected=%llu", by,
                device.dev->legacy ? 1U : 0U, answers, interrupts,
                (unsigned long long)(trap_counts().unexpected + trap_counts().spurious));
    return virtio_stop(device.dev) == OK ? 0 : STATUS_NO_ANSWER;
}
