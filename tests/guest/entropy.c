/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy device as a second device for all transports: QEMU up to 9.2 gives the balloon no
 * MSI-X, and the transports' MSI-X has to be proven on a real device all the same. Here every
 * answer must come with its interrupt, where kernel/entropy.c would look by itself.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/trap.h"
#include "drivers/virtio/entropy.h"
#include "kernel/app_words.h"
#include "kernel/memory.h"
#include "kernel/task.h"
#include "kernel/virtio_bus.h"
#include "tests/guest/scenarios.h"

#define REQUESTS         20U
#define REQUEST_BYTES    64U
#define STATUS_NO_DEVICE 8
#define STATUS_NO_ANSWER 9
#define NS_PER_MS        UINT64_C(1000000)

static struct virtio_bus_device device;
static struct entropy_dev driver;
static const char *by; /* how it interrupts */
static volatile unsigned interrupts;

static void on_interrupt(uint32_t cause)
{
    (void)cause;
    interrupts++;
}

static const struct virtio_bus_driver bus_driver = { .interrupt = on_interrupt };

static err_t start(const struct virtio_place *place, bool msix)
{
    static void *memory;

    memory = memory == NULL ? memory_pages(ENTROPY_FRAMES) : memory;
    err_t err = memory == NULL ? ERR_NOMEM : virtio_bus_attach(&device, place, msix, &bus_driver);

    if (err == OK) {
        err = entropy_dev_start(&driver, device.dev, memory, (paddr_t)(uintptr_t)memory);
    }
    if (err == OK) {
        by = virtio_bus_route(&device);
        err = by == NULL ? ERR_UNSUPPORTED : OK;
    }
    if (err == OK) {
        entropy_dev_ready(&driver);
    }
    return err;
}

/* One request; the answer must be announced by an interrupt, the used ring alone does not count. */
static err_t request(uint8_t *out, size_t *bytes)
{
    unsigned before = interrupts;
    uint64_t end = clock_now_ns() + 1000 * NS_PER_MS;
    err_t err = entropy_dev_ask(&driver, REQUEST_BYTES);

    if (err != OK) {
        return err;
    }
    while (interrupts == before) {
        if (clock_now_ns() > end) {
            return ERR_TIMEOUT;
        }
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    return entropy_dev_take(&driver, out, bytes);
}

/* Stops and starts the device for so long. */
static err_t restart_for(const struct virtio_place *place, bool msix, uint64_t ms)
{
    uint64_t end = clock_now_ns() + ms * NS_PER_MS;
    err_t err = OK;

    while (err == OK && clock_now_ns() < end) {
        err = entropy_dev_stop(&driver);
        if (err == OK) {
            err = start(place, msix);
        }
    }
    return err;
}

/* As a driver restarts its device without attaching it anew; and the device refuses a message that
 * it took before, which no device of QEMU ever does. */
static err_t restart_refused(void)
{
    err_t err = entropy_dev_stop(&driver);

    virtio_pci_vector_bound(&device.pci, VIRTIO_PCI_CONFIG_VECTOR, UINT16_MAX);
    by = virtio_bus_has_line(&device) ? "INTx" : "nothing";
    if (err == OK) {
        err = entropy_dev_start(&driver, device.dev, driver.buffer, driver.buffer_address);
    }
    if (err == OK) {
        entropy_dev_ready(&driver);
    }
    return err;
}

/* msix=0 uses the interrupt line instead; ms=N starts the device over and over for so long;
 * refuse=1 starts it anew and then has it refuse messages. */
int scenario_entropy(void)
{
    struct virtio_place place;
    uint8_t bytes[REQUEST_BYTES];
    unsigned answers = 0;
    bool msix = app_word_number("msix", 1) != 0;

    if (!virtio_bus_find(VIRTIO_ID_ENTROPY, 0, &place) || start(&place, msix) != OK ||
        restart_for(&place, msix, app_word_number("ms", 0)) != OK ||
        (app_word_number("refuse", 0) != 0 && restart_refused() != OK)) {
        return STATUS_NO_DEVICE;
    }
    for (unsigned i = 0; i < REQUESTS; i++) {
        size_t count = 0;
        err_t err = request(bytes, &count);

        if (err != OK) {
            log_error("entropy: request %u: %s", i, err_name(err));
            return STATUS_NO_ANSWER;
        }
        answers++;
    }
    result_line("entropy by=%s legacy=%u answers=%u interrupts=%u unexpected=%llu", by,
                device.dev->legacy ? 1U : 0U, answers, interrupts,
                (unsigned long long)(trap_counts().unexpected + trap_counts().spurious));
    return entropy_dev_stop(&driver) == OK ? 0 : STATUS_NO_ANSWER;
}
