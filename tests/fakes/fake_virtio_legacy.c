/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of [VIRTIO 1.4 §4.1.4.10], port by port. */

#include "tests/fakes/fake_virtio_legacy.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "tests/fakes/fake_virtio_pci.h"

#define NO_VECTOR 0xffffU

struct fake_virtio_legacy fake_virtio_legacy;

static struct fake_virtio_legacy *const fake = &fake_virtio_legacy;

static bool msix_is_on(void)
{
    uint8_t cap = pci_cap_find(&fake_pci, fake_virtio_pci.function->address, PCI_CAP_MSIX);

    return cap != 0 && (fake_pci_get(fake_virtio_pci.function, cap + PCI_MSIX_CONTROL, 2) &
                        PCI_MSIX_CONTROL_ENABLE) != 0;
}

static unsigned config_first(void)
{
    return msix_is_on() ? 24 : 20;
}

static unsigned offset_of(uint16_t port, unsigned bytes)
{
    ASSERT(port >= FAKE_VIRTIO_LEGACY_PORT && port + bytes <= FAKE_VIRTIO_LEGACY_PORT + 0x40);
    ASSERT(port % bytes == 0);
    ASSERT((fake_pci_get(fake_virtio_pci.function, PCI_COMMAND, 2) & PCI_COMMAND_IO) != 0);
    return port - FAKE_VIRTIO_LEGACY_PORT;
}

static unsigned width_of(unsigned offset)
{
    return offset <= 8 ? 4 : offset == 18 || offset == 19 ? 1 : 2;
}

static bool queue_exists(void)
{
    return fake->queue_select < FAKE_VIRTIO_LEGACY_QUEUES;
}

static uint32_t port_read(uint16_t port, unsigned bytes)
{
    unsigned offset = offset_of(port, bytes);
    uint32_t value;

    if (offset >= config_first()) {
        ASSERT(bytes == 4 && offset - config_first() + 4 <= sizeof(fake->config));
        memcpy(&value, fake->config + (offset - config_first()), sizeof(value));
        return value;
    }
    ASSERT(bytes == width_of(offset));
    switch (offset) {
    case 0:
        return fake->offered;
    case 8:
        return queue_exists() ? fake->pfn[fake->queue_select] : 0;
    case 12:
        return queue_exists() ? fake->queue_size[fake->queue_select] : 0;
    case 18:
        return fake->status;
    case 19:
        fake->isr_reads++;
        value = fake->isr;
        fake->isr = 0; /* reading acknowledges */
        return value;
    case 20:
        return fake->config_vector;
    case 22:
        return queue_exists() ? fake->vector[fake->queue_select] : NO_VECTOR;
    default:
        panic("port %u is not for reading", offset);
    }
}

static void device_reset(void)
{
    fake->accepted = 0;
    fake->isr = 0;
    fake->config_vector = NO_VECTOR;
    for (unsigned i = 0; i < FAKE_VIRTIO_LEGACY_QUEUES; i++) {
        fake->pfn[i] = 0;
        fake->vector[i] = NO_VECTOR;
    }
}

static void port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    unsigned offset = offset_of(port, bytes);
    size_t used = strlen(fake->log);

    if (offset >= config_first()) {
        ASSERT(bytes == 4 && offset - config_first() + 4 <= sizeof(fake->config));
        memcpy(fake->config + (offset - config_first()), &value, sizeof(value));
        return;
    }
    ASSERT(bytes == width_of(offset));
    snprintf(fake->log + used, sizeof(fake->log) - used, "%s%u=%x", used == 0 ? "" : " ", offset,
             (unsigned)value);
    switch (offset) {
    case 4:
        fake->accepted = value;
        break;
    case 8:
        ASSERT(queue_exists() && fake->queue_size[fake->queue_select] != 0);
        fake->pfn[fake->queue_select] = value;
        break;
    case 14:
        fake->queue_select = (uint16_t)value;
        break;
    case 16:
        fake->notified++;
        fake->notify_value = (uint16_t)value;
        break;
    case 18:
        fake->status = (uint8_t)value;
        if (value == 0) {
            device_reset();
        }
        break;
    case 20:
        fake->config_vector = fake->refuses_config_vector ? NO_VECTOR : (uint16_t)value;
        break;
    case 22:
        ASSERT(queue_exists());
        fake->vector[fake->queue_select] = fake->refuses_queue_vector ? NO_VECTOR : (uint16_t)value;
        break;
    default:
        panic("port %u is not for writing", offset);
    }
}

const struct port_ops fake_virtio_legacy_ports = { .read = port_read, .write = port_write };

void fake_virtio_legacy_reset(void)
{
    memset(fake, 0, sizeof(*fake));
    for (unsigned i = 0; i < FAKE_VIRTIO_LEGACY_QUEUES; i++) {
        fake->queue_size[i] = 128;
    }
    device_reset();
}
