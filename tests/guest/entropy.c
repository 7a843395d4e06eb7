/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy device [VIRTIO 1.4 §5.4], the simplest there is, as a second device for the PCI
 * transport. It is here because QEMU up to 9.2 gives the balloon no MSI-X, and the transport's
 * MSI-X has to be proven on a real device all the same.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "drivers/virtio/virtio_pci.h"
#include "kernel/app_words.h"
#include "kernel/machine.h"
#include "kernel/memory.h"
#include "kernel/task.h"
#include "tests/guest/scenarios.h"

#define QUEUE_SIZE       8U
#define REQUESTS         20U
#define REQUEST_BYTES    64U
#define STATUS_NO_DEVICE 8
#define STATUS_NO_ANSWER 9
#define NS_PER_MS        UINT64_C(1000000)

static struct virtio_pci device;
static struct virtq queue;
static volatile unsigned interrupts;

static void on_interrupt(void *context)
{
    (void)context;
    if (device.dev.ops->interrupt_cause(&device.dev) != 0) {
        interrupts++;
    }
}

static bool msix_vector(uint64_t *address, uint32_t *data)
{
    return machine_route_message(on_interrupt, NULL, address, data) == OK;
}

static bool is_entropy(void *context, const struct pci_function *function)
{
    struct pci_function *found = context;

    if (virtio_pci_device_id(function->vendor, function->device) != VIRTIO_ID_ENTROPY) {
        return false;
    }
    *found = *function;
    return true;
}

static err_t start(struct pci_address at, bool msix)
{
    struct virtio_pci_env env = {
        .map = paging_map_device,
        .window = &machine_pci_window,
        .relax = cpu_relax,
        .msix_vector = msix ? msix_vector : NULL,
    };
    err_t err = virtio_pci_attach(&device, &machine_pci, at, &env);

    if (err == OK) {
        err = virtio_begin(&device.dev,
                           VIRTIO_F_VERSION_1 | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED, 0);
    }
    if (err == OK) {
        struct virtq_shape shape = { .size = QUEUE_SIZE };
        size_t frames = (virtq_bytes(&shape) + FRAME_SIZE - 1) / FRAME_SIZE;
        void *rings = memory_pages((unsigned)frames);

        err = rings == NULL ? ERR_NOMEM
                            : virtio_queue_start(&device.dev, &queue, 0, QUEUE_SIZE, rings,
                                                 (paddr_t)(uintptr_t)rings);
    }
    if (err == OK && !virtio_pci_uses_msix(&device)) {
        err = machine_route_line(pci_interrupt_line(&machine_pci, at), on_interrupt, NULL);
    }
    if (err == OK) {
        virtio_ready(&device.dev);
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
    (void)virtio_kick(&device.dev, &queue);
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
    struct pci_function found;
    uint64_t *memory = memory_pages(1);
    unsigned answers = 0;

    if (memory == NULL || !pci_scan(&machine_pci, is_entropy, &found) ||
        start(found.address, app_word_number("msix", 1) != 0) != OK) {
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
    result_line("entropy by=%s answers=%u interrupts=%u unexpected=%llu",
                virtio_pci_uses_msix(&device) ? "MSI-X" : "INTx", answers, interrupts,
                (unsigned long long)(trap_counts().unexpected + trap_counts().spurious));
    return virtio_stop(&device.dev) == OK ? 0 : STATUS_NO_ANSWER;
}
