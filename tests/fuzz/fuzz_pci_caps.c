/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PCI function made of the input: 256 bytes of configuration space, which bits of its BARs can be
 * written, and after that the values its registers show. Properties: the capability list is bounded
 * and free of repetitions; sizing changes nothing; every region of the layout lies inside its BAR;
 * attaching maps nothing outside a BAR, and no access leaves what was mapped (each mapping is an
 * allocation of exactly its size, so the address sanitizer watches).
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"
#include "drivers/virtio/virtio_pci.h"
#include "tests/fakes/fake_pci.h"
#include "tests/fakes/fake_virtio_pci.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define MAPS_MAX 16U

static const uint8_t *input;
static size_t input_left;
static struct pci_bar bars[PCI_BARS];
static unsigned char *maps[MAPS_MAX];
static unsigned map_count;

static uint32_t next_value(unsigned bytes)
{
    uint32_t value = 0;

    if (input_left < bytes) {
        return 0;
    }
    memcpy(&value, input, bytes);
    input += bytes;
    input_left -= bytes;
    return value;
}

static void *map(paddr_t address, size_t bytes)
{
    bool inside = false;

    /* Where the function now decodes, not where it did when the test looked. */
    ASSERT(pci_bars_read(&fake_pci, (struct pci_address){ .slot = 3 }, bars) == OK);
    for (unsigned i = 0; i < PCI_BARS; i++) {
        inside |= !bars[i].io && address >= bars[i].base && bytes <= bars[i].size &&
                  address - bars[i].base <= bars[i].size - bytes;
    }
    ASSERT(inside);
    ASSERT(bytes != 0 && map_count < MAPS_MAX);
    maps[map_count] = aligned_alloc(16, align_up(bytes, 16));
    ASSERT(maps[map_count] != NULL);
    return maps[map_count++];
}

/* The access itself happens, for the sanitizer; what the device shows comes from the input. */
static uint32_t mmio_read(const volatile void *at, unsigned bytes)
{
    (void)mmio_direct.read(at, bytes);
    return next_value(bytes);
}

static void mmio_write(volatile void *at, unsigned bytes, uint32_t value)
{
    mmio_direct.write(at, bytes, value);
}

static const struct mmio_ops mmio = { .read = mmio_read, .write = mmio_write };

static void relax(void)
{
}

static bool msix_vector(void *context, uint64_t *address, uint32_t *data)
{
    (void)context;
    *address = 0xfee00000;
    *data = 0x40;
    return true;
}

static void check_caps(struct pci_address at)
{
    struct pci_cap caps[PCI_CAPS_MAX];
    unsigned count = pci_caps_list(&fake_pci, at, caps);
    uint64_t seen = 0;

    ASSERT(count <= PCI_CAPS_MAX);
    for (unsigned i = 0; i < count; i++) {
        ASSERT(caps[i].offset >= PCI_CAP_FIRST && caps[i].offset % 4 == 0);
        ASSERT((seen & UINT64_C(1) << (caps[i].offset / 4)) == 0);
        seen |= UINT64_C(1) << (caps[i].offset / 4);
    }
}

static void check_region(const struct virtio_pci_region *region, uint32_t needed)
{
    if (!region->present) {
        return;
    }
    ASSERT(region->bar < PCI_BARS && !bars[region->bar].io);
    ASSERT(region->bytes >= needed);
    ASSERT((uint64_t)region->offset + region->bytes <= bars[region->bar].size);
}

static void check_layout(struct pci_address at)
{
    struct virtio_pci_layout layout;
    err_t err = virtio_pci_layout_read(&fake_pci, at, bars, &layout);

    check_region(&layout.common, VIRTIO_PCI_COMMON_BYTES);
    check_region(&layout.notify, 2);
    check_region(&layout.isr, 1);
    check_region(&layout.device, 4);
    if (err == OK) {
        ASSERT(layout.common.present && layout.notify.present && layout.isr.present);
    }
}

/* The whole way up to a live device, or to the first error. */
static void drive(struct pci_address at)
{
    struct pci_window window = { .next = 0xe0000000, .end = UINT64_C(0x800000000000) };
    struct virtio_pci_env env = {
        .map = map, .window = &window, .relax = relax, .msix_vector = msix_vector, .mmio = &mmio
    };
    const struct virtq_shape largest = { .size = 64, .indirect = true };
    struct virtio_pci vp;
    struct virtq vq;
    void *memory;

    if (virtio_pci_attach(&vp, &fake_pci, at, &env) != OK ||
        virtio_begin(&vp.dev, VIRTIO_F_EVENT_IDX | VIRTIO_F_INDIRECT_DESC, 0) != OK) {
        return;
    }
    memory = aligned_alloc(FRAME_SIZE, align_up(virtq_bytes(&largest), FRAME_SIZE));
    ASSERT(memory != NULL);
    for (uint16_t i = 0; i < 3; i++) {
        struct virtq_shape shape = virtio_queue_shape(&vp.dev, i, 64, 0);

        if (virtio_queue_start(&vp.dev, &vq, i, &shape, memory, (uintptr_t)memory) == OK) {
            struct virtq_buffer buffer = { .address = 0x1000, .bytes = 4 };

            virtio_ready(&vp.dev);
            ASSERT(virtq_add(&vq, &buffer, 1, 0, 0) == OK);
            (void)virtio_kick(&vp.dev, &vq);
            break;
        }
    }
    (void)vp.dev.ops->config_read32(&vp.dev, next_value(1) * 4U);
    (void)vp.dev.ops->interrupt_cause(&vp.dev);
    free(memory);
}

/* Any bytes at all. */
static void make_raw(struct fake_pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        uint32_t mask = next_value(4);
        uint32_t value = next_value(4);

        /* Half of the BARs have a size a BAR can have, the others any mask. A register holds only
         * what can be written to it; the low bits are the device's. */
        mask = (mask & 1U) != 0 ? UINT32_MAX << (mask >> 1) % 32U : mask;
        memcpy(function->writable + PCI_BAR(i), &mask, 4);
        fake_pci_set(function, PCI_BAR(i), 4, value & (mask | 0xfU));
    }
    for (unsigned i = PCI_CAPABILITIES; i < 256; i++) {
        function->config[i] = (uint8_t)next_value(1);
    }
    function->config[PCI_STATUS] = PCI_STATUS_CAPABILITIES;
}

/* A number that is often a good one, sometimes anything. */
static uint32_t mostly(uint32_t good)
{
    uint32_t choice = next_value(1);

    return choice < 192 ? good : choice < 240 ? choice << 6 : next_value(4);
}

/* What a device could look like, with mistakes: so that the input gets past the first checks. */
static void make_likely(struct fake_pci_function *function)
{
    unsigned caps = next_value(1) % 10U;

    fake_pci_set_bar(function, 0, 0xc000, 0x40, PCI_BAR_IO);
    fake_pci_set_bar(function, 1, mostly(0xfe010000) & ~0xfffU, 0x1000, PCI_BAR_TYPE_32);
    fake_pci_set_bar(function, 4, mostly(0xfe000000) & ~0x3fffU, 0x4000, PCI_BAR_TYPE_64 | 8);
    for (unsigned i = 0; i < caps; i++) {
        uint32_t type = mostly(1U + i % 4U);

        if (i == 4) {
            uint8_t body[10] = { (uint8_t)next_value(1), (uint8_t)next_value(1) };
            uint32_t table = mostly(1);

            memcpy(body + 2, &table, 4);
            function->writable[fake_pci_add_cap(function, PCI_CAP_MSIX, body, 10) + 3U] = 0xc0;
            continue;
        }
        fake_virtio_pci_add_cap(function, (uint8_t)mostly(20), (uint8_t)type, (uint8_t)mostly(4),
                                mostly(0x1000 * (i % 4U)), mostly(0x1000), mostly(4));
    }
    if (caps != 0) {
        function->config[function->cap_last] = (uint8_t)mostly(0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fake_pci_function *function;
    uint8_t before[256];

    input = data;
    input_left = size;
    map_count = 0;
    fake_pci_reset();
    function = fake_pci_add(0, 3, 0, VIRTIO_PCI_VENDOR, 0x1045);
    if (next_value(1) % 4 == 0) {
        make_raw(function);
    } else {
        make_likely(function);
    }
    memcpy(before, function->config, sizeof(before));
    ASSERT(pci_bars_read(&fake_pci, function->address, bars) == OK);
    ASSERT(memcmp(before, function->config, sizeof(before)) == 0);
    check_caps(function->address);
    check_layout(function->address);
    drive(function->address);
    while (map_count != 0) {
        free(maps[--map_count]);
    }
    return 0;
}
