/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two inputs of virtio over memory. Half of the inputs are a command line: every device that comes
 * out of it keeps its bounds, and a report is printable and short. The others are what a device
 * shows in its registers: its life cycle runs up to a live device or to the first error, whatever
 * it says, and no access leaves the window. The other transport's legacy interface shows the same
 * numbers in its ports.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "drivers/virtio/virtio_mmio.h"
#include "drivers/virtio/virtio_pci.h"
#include "kernel/mmio_words.h"
#include "tests/fakes/fake_pci.h"

#define WINDOW_BYTES 0x120U
#define PORT         0xc000U
#define PORTS        0x20U

static const uint8_t *input;
static size_t input_left;

/* What the device shows next: zero once the input has ended, so that every run ends. */
static uint32_t next_value(unsigned bytes)
{
    uint32_t value = 0;

    if (input_left >= bytes) {
        memcpy(&value, input, bytes);
        input += bytes;
        input_left -= bytes;
    }
    return value;
}

/* ---- the command line ---- */

static void check_report(void *context, const char *word, int length)
{
    (void)context;
    ASSERT(length >= 0 && length <= MMIO_WORD_REPORT_MAX);
    for (int i = 0; i < length; i++) {
        ASSERT(word[i] >= ' ' && word[i] <= '~');
    }
}

static void read_line(const uint8_t *data, size_t size)
{
    static const char prefix[] = "virtio_mmio.device=";
    struct mmio_word words[3];
    char *line = malloc(size + sizeof(prefix));
    size_t count;

    ASSERT(line != NULL);
    memcpy(line, prefix, sizeof(prefix) - 1); /* a mutation hardly spells it */
    memcpy(line + sizeof(prefix) - 1, data, size);
    line[size + sizeof(prefix) - 1] = '\0';
    count = mmio_words_read(line, words, ARRAY_SIZE(words), check_report, NULL);
    ASSERT(count <= ARRAY_SIZE(words));
    for (size_t i = 0; i < count; i++) {
        ASSERT(words[i].bytes != 0 && words[i].base + words[i].bytes > words[i].base);
        ASSERT(words[i].irq >= 1 && words[i].irq <= 255);
    }
    free(line);
}

/* ---- registers ---- */

static unsigned char *window; /* of the exact size, on the heap */
static bool identified;       /* the first three registers are true, to get behind them */

static uint32_t mmio_read(const volatile void *at, unsigned bytes)
{
    static const uint32_t identity[] = { 0x74726976, 1, 5 };
    size_t offset = (size_t)((const volatile unsigned char *)at - window);

    (void)mmio_direct.read(at, bytes); /* for the sanitizer */
    ASSERT(bytes == 4 && offset % 4 == 0);
    if (offset < sizeof(identity) && identified) {
        return identity[offset / 4] + (offset == 4 ? next_value(1) & 1 : 0);
    }
    return next_value(bytes);
}

static void mmio_write(volatile void *at, unsigned bytes, uint32_t value)
{
    ASSERT(bytes == 4);
    mmio_direct.write(at, bytes, value);
}

static uint32_t port_read(uint16_t port, unsigned bytes)
{
    ASSERT(port >= PORT && port + bytes <= PORT + PORTS && port % bytes == 0);
    return next_value(bytes);
}

static void port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    (void)value;
    ASSERT(port >= PORT && port + bytes <= PORT + PORTS && port % bytes == 0);
}

static void *map(paddr_t address, size_t bytes)
{
    (void)address;
    ASSERT(bytes <= WINDOW_BYTES);
    return window;
}

static void relax(void)
{
}

static const struct mmio_ops mmio = { .read = mmio_read, .write = mmio_write };
static const struct port_ops ports = { .read = port_read, .write = port_write };

/* One that does not reset would be waited for too long here. */
static void drive(struct virtio_device *dev)
{
    static unsigned char memory[65536] __attribute__((aligned(4096)));
    struct virtq vq;

    if (virtio_begin(dev, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, 0) != OK) {
        return;
    }
    ASSERT(!dev->legacy || (dev->features >> 32 == 0 && (dev->features >> 30 & 1) == 0));
    for (uint16_t i = 0; i < 3; i++) {
        struct virtq_shape shape = virtio_queue_shape(dev, i, 32, 1);

        if (shape.size == 0 || virtq_bytes(&shape) > sizeof(memory)) {
            continue;
        }
        if (virtio_queue_start(dev, &vq, i, &shape, memory, 0x10000) == OK) {
            struct virtq_buffer buffer = { .address = 0x1000, .bytes = 4 };

            ASSERT(vq.size == shape.size);
            virtio_ready(dev);
            ASSERT(virtq_add(&vq, &buffer, 1, 0, 0) == OK);
            (void)virtio_kick(dev, &vq);
            break;
        }
    }
    (void)dev->ops->config_read32(dev, next_value(2) & ~3U);
    dev->ops->config_write32(dev, next_value(2) & ~3U, 1);
    (void)dev->ops->config_generation(dev);
    ASSERT((dev->ops->interrupt_cause(dev) & ~3U) == 0);
}

static void drive_mmio(void)
{
    static const struct virtio_mmio_env env = { .map = map, .relax = relax, .mmio = &mmio };
    struct virtio_mmio vm;

    identified = (next_value(1) & 7) != 0;
    window = malloc(WINDOW_BYTES);
    ASSERT(window != NULL);
    if (virtio_mmio_attach(&vm, 0x1000, WINDOW_BYTES, &env) == OK) {
        drive(&vm.dev);
    }
    free(window);
}

static void drive_ports(void)
{
    static const struct virtio_pci_env env = { .map = map, .relax = relax, .ports = &ports };
    struct virtio_pci vp;
    struct fake_pci_function *function;

    fake_pci_reset();
    function = fake_pci_add(0, 1, 0, VIRTIO_PCI_VENDOR, 0x1002);
    fake_pci_set_bar(function, 0, PORT, PORTS, PCI_BAR_IO);
    ASSERT(virtio_pci_attach(&vp, &fake_pci, function->address, &env) == OK);
    ASSERT(vp.dev.legacy);
    drive(&vp.dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    input = data + 1;
    input_left = size - 1;
    switch (data[0] % 4) {
    case 0:
    case 1:
        read_line(data + 1, size - 1);
        break;
    case 2:
        drive_mmio();
        break;
    default:
        drive_ports();
        break;
    }
    return 0;
}
