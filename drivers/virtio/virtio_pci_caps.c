/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio structure capabilities [VIRTIO 1.4 §4.1.4]:
 *
 *     0 cap_vndr  1 cap_next  2 cap_len  3 cfg_type  4 bar  5 id  8 offset  12 length
 *     16 notify_off_multiplier (notify only)
 *
 * Every field was written by the device, so each is read once and checked against what it is
 * compared with: 256 bytes of configuration space, the six BARs, the size of the BAR. Nothing is
 * ever written here [VIRTIO 1.4 §4.1.4.1].
 */

#include "drivers/virtio/virtio_pci_caps.h"

#include "base/assert.h"
#include "drivers/pci/pci_spec.h"

#define CONFIG_SPACE_BYTES 256U

#define CAP_LENGTH     2U
#define CAP_TYPE       3U
#define CAP_BAR        4U
#define CAP_OFFSET     8U
#define CAP_BYTES      12U
#define CAP_MULTIPLIER 16U

/* Bytes of the capability itself. */
#define CAP_SIZE        16U
#define CAP_SIZE_NOTIFY 20U

/* What each structure needs: bytes, and the alignment its offset MUST have
 * [VIRTIO 1.4 §4.1.4.3.1, §4.1.4.4.1, §4.1.4.5.1, §4.1.4.6.1]. */
struct need {
    uint8_t cap_bytes;
    uint8_t bytes;
    uint8_t align;
};

static const struct need needs[] = {
    [VIRTIO_PCI_CAP_COMMON] = { .cap_bytes = CAP_SIZE, .bytes = 56, .align = 4 },
    [VIRTIO_PCI_CAP_NOTIFY] = { .cap_bytes = CAP_SIZE_NOTIFY, .bytes = 2, .align = 2 },
    [VIRTIO_PCI_CAP_ISR] = { .cap_bytes = CAP_SIZE, .bytes = 1, .align = 1 },
    [VIRTIO_PCI_CAP_DEVICE] = { .cap_bytes = CAP_SIZE, .bytes = 4, .align = 4 },
};

STATIC_ASSERT(VIRTIO_PCI_COMMON_BYTES == 56, "the table above says the same");

static uint32_t cap_read(const struct pci_access *pci, struct pci_address at, uint8_t cap,
                         unsigned field, unsigned bytes)
{
    ASSERT(cap + field + bytes <= CONFIG_SPACE_BYTES);
    return pci->read(at, (uint16_t)(cap + field), bytes);
}

static bool type_is_known(uint32_t type)
{
    return type >= VIRTIO_PCI_CAP_COMMON && type <= VIRTIO_PCI_CAP_DEVICE;
}

/* The region a capability describes, or false when it is not usable. A longer cap_len and a huge
 * length are fine [VIRTIO 1.4 §4.1.4.1]. */
static bool region_read(const struct pci_access *pci, struct pci_address at, uint8_t cap,
                        const struct need *need, const struct pci_bar bars[PCI_BARS],
                        struct virtio_pci_region *region)
{
    uint32_t bar;
    uint64_t offset;
    uint64_t bytes;

    if (cap + need->cap_bytes > CONFIG_SPACE_BYTES ||
        cap_read(pci, at, cap, CAP_LENGTH, 1) < need->cap_bytes) {
        return false;
    }
    bar = cap_read(pci, at, cap, CAP_BAR, 1);
    /* Values above 5 are reserved and MUST be ignored; of I/O BARs we choose to make no use, since
     * a device that has one has the structures in memory too. */
    if (bar >= PCI_BARS || bars[bar].io) {
        return false;
    }
    offset = cap_read(pci, at, cap, CAP_OFFSET, 4);
    bytes = cap_read(pci, at, cap, CAP_BYTES, 4);
    if (bytes < need->bytes || offset % need->align != 0 || offset + bytes > bars[bar].size) {
        return false;
    }
    *region = (struct virtio_pci_region){
        .present = true, .bar = (uint8_t)bar, .offset = (uint32_t)offset, .bytes = (uint32_t)bytes
    };
    return true;
}

static struct virtio_pci_region *region_of(struct virtio_pci_layout *layout, uint32_t type)
{
    switch (type) {
    case VIRTIO_PCI_CAP_COMMON:
        return &layout->common;
    case VIRTIO_PCI_CAP_NOTIFY:
        return &layout->notify;
    case VIRTIO_PCI_CAP_ISR:
        return &layout->isr;
    default:
        ASSERT(type == VIRTIO_PCI_CAP_DEVICE);
        return &layout->device;
    }
}

/* Notify addresses are 16 bits wide and must be aligned to that, so an odd multiplier does not
 * do; 0 means one address for all queues [VIRTIO 1.4 §4.1.4.4.1]. */
static bool notify_multiplier_read(const struct pci_access *pci, struct pci_address at, uint8_t cap,
                                   struct virtio_pci_layout *layout)
{
    uint32_t multiplier = cap_read(pci, at, cap, CAP_MULTIPLIER, 4);

    if (multiplier % 2 != 0) {
        return false;
    }
    layout->notify_multiplier = multiplier;
    return true;
}

err_t virtio_pci_layout_read(const struct pci_access *pci, struct pci_address at,
                             const struct pci_bar bars[PCI_BARS], struct virtio_pci_layout *layout)
{
    struct pci_cap caps[PCI_CAPS_MAX];
    unsigned count = pci_caps_list(pci, at, caps);
    bool modern = false;

    *layout = (struct virtio_pci_layout){ 0 };
    for (unsigned i = 0; i < count; i++) {
        uint8_t cap = caps[i].offset;
        struct virtio_pci_region *region;
        uint32_t type;

        if (caps[i].id != PCI_CAP_VENDOR) {
            continue;
        }
        type = cap_read(pci, at, cap, CAP_TYPE, 1);
        if (!type_is_known(type)) {
            continue;
        }
        modern = true;
        region = region_of(layout, type);
        /* The first usable instance of each type wins [VIRTIO 1.4 §4.1.4.1]. */
        if (region->present || !region_read(pci, at, cap, &needs[type], bars, region)) {
            continue;
        }
        if (type == VIRTIO_PCI_CAP_NOTIFY && !notify_multiplier_read(pci, at, cap, layout)) {
            region->present = false;
        }
    }
    if (!modern) {
        return ERR_UNSUPPORTED;
    }
    if (!layout->common.present || !layout->notify.present || !layout->isr.present) {
        return ERR_INVALID;
    }
    return OK;
}
