/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of [VIRTIO 1.4 §4.1.4.3], register by register. The memory that map() hands out
 * is only a range of pointers: every access comes through the mmio operations. */

#include "tests/fakes/fake_virtio_pci.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"

struct fake_virtio_pci fake_virtio_pci;

static unsigned char registers[FAKE_VIRTIO_PCI_BAR_BYTES];
static struct fake_virtio_pci *const fake = &fake_virtio_pci;

#define ISR       0x1000U
#define DEVICE    0x2000U
#define NOTIFY    0x3000U
#define NO_VECTOR 0xffffU

/* Width of the field at each offset of the common structure; 64-bit fields are two halves. */
static unsigned width_at(uint32_t offset)
{
    static const struct {
        uint8_t first, last, width;
    } fields[] = { { 0, 12, 4 }, { 16, 18, 2 }, { 20, 21, 1 }, { 22, 30, 2 }, { 32, 52, 4 } };

    for (unsigned i = 0; i < ARRAY_SIZE(fields); i++) {
        if (offset >= fields[i].first && offset <= fields[i].last &&
            (offset - fields[i].first) % fields[i].width == 0) {
            return fields[i].width;
        }
    }
    return 0;
}

static bool queue_exists(void)
{
    return fake->queue_select < fake->num_queues && fake->queue_select < FAKE_VIRTIO_PCI_QUEUES;
}

static uint32_t common_read(uint32_t offset)
{
    uint16_t q = queue_exists() ? fake->queue_select : 0;

    switch (offset) {
    case 4:
        return fake->feature_select[0] < 2
                   ? (uint32_t)(fake->offered >> (32 * fake->feature_select[0]))
                   : 0;
    case 16:
        return fake->config_vector;
    case 18:
        return fake->num_queues;
    case 20:
        return fake->status;
    case 21:
        return fake->generation;
    case 24:
        return queue_exists() ? fake->queue[q].size : 0;
    case 26:
        return fake->queue[q].vector;
    case 30:
        return fake->notify_off[q];
    default:
        panic("the driver has no reason to read %u", (unsigned)offset);
    }
}

static void half_write(uint64_t *field, bool high, uint32_t value)
{
    unsigned shift = high ? 32 : 0;

    *field = (*field & ~(UINT64_C(0xffffffff) << shift)) | (uint64_t)value << shift;
}

static void device_reset(void)
{
    fake->accepted = 0;
    fake->config_vector = NO_VECTOR;
    for (unsigned i = 0; i < FAKE_VIRTIO_PCI_QUEUES; i++) {
        memset(&fake->queue[i], 0, sizeof(fake->queue[i]));
        fake->queue[i].size = fake->queue_size_max;
        fake->queue[i].vector = NO_VECTOR;
    }
}

static void queue_write(uint32_t offset, uint32_t value)
{
    uint16_t q = fake->queue_select;

    ASSERT(queue_exists());
    ASSERT(!fake->queue[q].enabled);
    switch (offset) {
    case 24:
        ASSERT(is_power_of_two(value) && value <= fake->queue_size_max);
        fake->queue[q].size = (uint16_t)value;
        break;
    case 26:
        fake->queue[q].vector = fake->refuses_queue_vector ? NO_VECTOR : (uint16_t)value;
        break;
    case 28:
        ASSERT(value == 1);
        fake->queue[q].enabled = true;
        break;
    case 32:
    case 36:
        half_write(&fake->queue[q].desc, offset == 36, value);
        break;
    case 40:
    case 44:
        half_write(&fake->queue[q].driver, offset == 44, value);
        break;
    default:
        ASSERT(offset == 48 || offset == 52);
        half_write(&fake->queue[q].device, offset == 52, value);
        break;
    }
}

static void common_write(uint32_t offset, unsigned bytes, uint32_t value)
{
    size_t used = strlen(fake->log);

    snprintf(fake->log + used, sizeof(fake->log) - used, "%s%u=%0*x", used == 0 ? "" : " ",
             (unsigned)offset, (int)(2 * bytes), (unsigned)value);
    switch (offset) {
    case 0:
    case 8:
        fake->feature_select[offset / 8] = value;
        break;
    case 12:
        ASSERT(fake->feature_select[1] < 2);
        half_write(&fake->accepted, fake->feature_select[1] == 1, value);
        break;
    case 16:
        fake->config_vector = fake->refuses_config_vector ? NO_VECTOR : (uint16_t)value;
        break;
    case 20:
        fake->status = (uint8_t)value;
        if (value == 0) {
            device_reset();
        }
        break;
    case 22:
        fake->queue_select = (uint16_t)value;
        break;
    case 4:
    case 18:
    case 21:
    case 30:
        panic("[VIRTIO 1.4 §4.1.4.3.2] field %u must not be written", (unsigned)offset);
    default:
        queue_write(offset, value);
        break;
    }
}

static bool in_table(const volatile void *at)
{
    const volatile unsigned char *byte = at;
    const volatile unsigned char *first = (const volatile unsigned char *)fake->table;

    return byte >= first && byte < first + sizeof(fake->table);
}

static uint32_t offset_of(const volatile void *at)
{
    const volatile unsigned char *byte = at;

    ASSERT(byte >= registers && byte < registers + sizeof(registers));
    ASSERT(fake_pci_get(fake->function, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
    return (uint32_t)(byte - registers);
}

static uint32_t mmio_read(const volatile void *at, unsigned bytes)
{
    uint32_t offset;
    uint32_t value;

    if (in_table(at)) {
        return mmio_direct.read(at, bytes);
    }
    offset = offset_of(at);
    if (offset < ISR) {
        ASSERT(width_at(offset) == bytes);
        return common_read(offset);
    }
    if (offset == ISR) {
        ASSERT(bytes == 1);
        fake->isr_reads++;
        value = fake->isr;
        fake->isr = 0; /* reading acknowledges [VIRTIO 1.4 §4.1.4.5] */
        return value;
    }
    ASSERT(offset >= DEVICE && offset - DEVICE < sizeof(fake->config) && bytes == 4);
    memcpy(&value, fake->config + (offset - DEVICE), sizeof(value));
    return value;
}

static void mmio_write(volatile void *at, unsigned bytes, uint32_t value)
{
    uint32_t offset;

    if (in_table(at)) {
        mmio_direct.write(at, bytes, value);
        return;
    }
    offset = offset_of(at);
    if (offset < ISR) {
        ASSERT(width_at(offset) == bytes);
        common_write(offset, bytes, value);
        return;
    }
    if (offset >= NOTIFY) {
        ASSERT(bytes == 2); /* [VIRTIO 1.4 §4.1.5.2.1] */
        fake->notified++;
        fake->notify_at = offset - NOTIFY;
        fake->notify_value = (uint16_t)value;
        return;
    }
    ASSERT(offset >= DEVICE && offset - DEVICE < sizeof(fake->config) && bytes == 4);
    memcpy(fake->config + (offset - DEVICE), &value, sizeof(value));
}

const struct mmio_ops fake_virtio_pci_mmio = { .read = mmio_read, .write = mmio_write };

void *fake_virtio_pci_map(paddr_t address, size_t bytes)
{
    if (++fake->maps == fake->map_fails_at) {
        return NULL;
    }
    if (address == FAKE_VIRTIO_PCI_TABLE_BAR) {
        ASSERT(bytes <= sizeof(fake->table));
        return fake->table;
    }
    ASSERT(address >= fake->bar_base);
    ASSERT(address - fake->bar_base + bytes <= sizeof(registers));
    return registers + (address - fake->bar_base);
}

uint8_t fake_virtio_pci_add_cap(struct fake_pci_function *function, uint8_t cap_len, uint8_t type,
                                uint8_t bar, uint32_t offset, uint32_t bytes, uint32_t multiplier)
{
    uint8_t body[18] = { cap_len, type, bar };

    memcpy(body + 6, &offset, 4);
    memcpy(body + 10, &bytes, 4);
    memcpy(body + 14, &multiplier, 4);
    return fake_pci_add_cap(function, PCI_CAP_VENDOR, body,
                            type == VIRTIO_PCI_CAP_NOTIFY ? sizeof(body) : 14);
}

void fake_virtio_pci_reset(uint16_t pci_device_id, bool with_capabilities, bool with_msix)
{
    fake_pci_reset();
    memset(fake, 0, sizeof(*fake));
    fake->bar_base = FAKE_VIRTIO_PCI_BAR;
    fake->offered = VIRTIO_F_VERSION_1;
    fake->num_queues = 3;
    fake->queue_size_max = 128;
    for (uint16_t i = 0; i < FAKE_VIRTIO_PCI_QUEUES; i++) {
        fake->notify_off[i] = i;
    }
    device_reset();
    fake->function = fake_pci_add(0, 3, 0, VIRTIO_PCI_VENDOR, pci_device_id);
    fake_pci_set_bar(fake->function, 0, 0xc000, 0x40, PCI_BAR_IO);
    fake_pci_set_bar(fake->function, 4, fake->bar_base, FAKE_VIRTIO_PCI_BAR_BYTES,
                     PCI_BAR_TYPE_64 | 8);
    if (with_capabilities) {
        fake_virtio_pci_add_cap(fake->function, 16, VIRTIO_PCI_CAP_ISR, 4, ISR, 0x1000, 0);
        fake_virtio_pci_add_cap(fake->function, 20, VIRTIO_PCI_CAP_NOTIFY, 4, NOTIFY, 0x1000, 4);
        fake_virtio_pci_add_cap(fake->function, 16, VIRTIO_PCI_CAP_DEVICE, 4, DEVICE, 16, 0);
        fake_virtio_pci_add_cap(fake->function, 16, VIRTIO_PCI_CAP_COMMON, 4, 0, 0x1000, 0);
    }
    if (with_msix) {
        uint8_t body[10] = { 1, 0, 1 }; /* two vectors, table at offset 0 of BAR 1 */
        uint8_t cap = fake_pci_add_cap(fake->function, PCI_CAP_MSIX, body, sizeof(body));

        fake->function->writable[cap + 3] = 0xc0;
        fake_pci_set_bar(fake->function, 1, FAKE_VIRTIO_PCI_TABLE_BAR, 0x1000, PCI_BAR_TYPE_32);
    }
}
