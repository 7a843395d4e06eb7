/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The legacy interface of virtio on PCI [VIRTIO 1.4 §4.1.4.10]: a few I/O ports in BAR 0. What it
 * lacks against the modern one: features beyond 32 bits, a say in the size of a queue, separate
 * addresses of its parts, a count of queues, a configuration generation.
 *
 * Invariants: each register is accessed with its own width; nothing beyond the BAR is touched; the
 * device's configuration moves when MSI-X goes on or off, so its place is worked out each time.
 */

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/pci/pci_spec.h"
#include "drivers/virtio/virtio_pci.h"

/* Offset, and width in the comment. */
#define DEVICE_FEATURES 0U  /* 32, read only */
#define DRIVER_FEATURES 4U  /* 32 */
#define QUEUE_PFN       8U  /* 32 */
#define QUEUE_SIZE      12U /* 16, read only */
#define QUEUE_SELECT    14U /* 16 */
#define QUEUE_NOTIFY    16U /* 16 */
#define DEVICE_STATUS   18U /* 8 */
#define ISR_STATUS      19U /* 8, read only */
#define CONFIG_VECTOR   20U /* 16, with MSI-X on */
#define QUEUE_VECTOR    22U /* 16, with MSI-X on */
#define CONFIG_LINE     20U /* the device's configuration, with MSI-X off */
#define CONFIG_MSIX     24U /* the same, with MSI-X on */

#define PORTS_END 0x10000U
#define PORTS_MIN 32U /* the power of two above the registers */
/* Devices whose ids are below have had a legacy interface [VIRTIO 1.4 §4.1.2.1]. */
#define PCI_DEVICE_MODERN_FIRST 0x1040U

err_t virtio_pci_legacy_locate(struct virtio_pci *vp, const struct pci_bar bars[PCI_BARS],
                               const struct virtio_pci_env *env)
{
    const struct pci_bar *bar = &bars[0];
    uint32_t device = vp->pci->read(vp->address, PCI_DEVICE_ID, 2);

    if (env->ports == NULL || device >= PCI_DEVICE_MODERN_FIRST) {
        return ERR_UNSUPPORTED;
    }
    /* The firmware places ports, or nobody does. */
    if (!bar->io || bar->base == 0 || bar->size < PORTS_MIN || bar->base >= PORTS_END ||
        bar->size > PORTS_END - bar->base) {
        return ERR_UNSUPPORTED;
    }
    vp->ports = env->ports;
    vp->port = (uint16_t)bar->base;
    vp->port_count = (uint16_t)min_u64(bar->size, UINT16_MAX);
    return OK;
}

/* ---- register access ---- */

static struct virtio_pci *vp_of(struct virtio_device *dev)
{
    ASSERT(dev->transport != NULL && dev->legacy);
    return dev->transport;
}

static uint32_t reg_read(const struct virtio_pci *vp, unsigned offset, unsigned bytes)
{
    ASSERT(offset % bytes == 0 && offset + bytes <= vp->port_count);
    return vp->ports->read((uint16_t)(vp->port + offset), bytes);
}

static void reg_write(struct virtio_pci *vp, unsigned offset, unsigned bytes, uint32_t value)
{
    ASSERT(offset % bytes == 0 && offset + bytes <= vp->port_count);
    vp->ports->write((uint16_t)(vp->port + offset), bytes, value);
}

/* As with the modern interface, a vector is read back. */
static void bind_vector(struct virtio_pci *vp, unsigned offset, uint16_t vector)
{
    reg_write(vp, offset, 2, vector);
    virtio_pci_vector_bound(vp, vector, reg_read(vp, offset, 2));
}

/* ---- struct virtio_transport_ops ---- */

static uint8_t get_status(struct virtio_device *dev)
{
    return (uint8_t)reg_read(vp_of(dev), DEVICE_STATUS, 1);
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    struct virtio_pci *vp = vp_of(dev);

    reg_write(vp, DEVICE_STATUS, 1, status);
    if (vp->msix && status == (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)) {
        bind_vector(vp, CONFIG_VECTOR, VIRTIO_PCI_CONFIG_VECTOR);
    }
}

static uint64_t get_features(struct virtio_device *dev)
{
    return reg_read(vp_of(dev), DEVICE_FEATURES, 4);
}

static void set_features(struct virtio_device *dev, uint64_t features)
{
    ASSERT(features <= UINT32_MAX);
    reg_write(vp_of(dev), DRIVER_FEATURES, 4, (uint32_t)features);
}

static uint16_t queue_size_max(struct virtio_device *dev, uint16_t index)
{
    struct virtio_pci *vp = vp_of(dev);

    if (index >= VIRTIO_PCI_QUEUES_MAX) {
        return 0;
    }
    reg_write(vp, QUEUE_SELECT, 2, index);
    return (uint16_t)reg_read(vp, QUEUE_SIZE, 2);
}

/* There is no register for it: the first queue without a size ends the list. */
static uint16_t queue_count(struct virtio_device *dev)
{
    uint16_t count = 0;

    while (queue_size_max(dev, count) != 0) {
        count++;
    }
    return count;
}

/* One number tells where all parts of a queue are [VIRTIO 1.4 §2.7.2]. */
static err_t queue_enable(struct virtio_device *dev, const struct virtq *vq)
{
    struct virtio_pci *vp = vp_of(dev);
    uint64_t pfn = vq->desc_address >> FRAME_SHIFT;

    ASSERT(vq->desc_address % FRAME_SIZE == 0 && vq->used_address % FRAME_SIZE == 0);
    if (pfn == 0 || pfn > UINT32_MAX) {
        return ERR_RANGE;
    }
    /* The size is the device's: what it says now MUST be what the rings were made for. An address
     * that is there already belongs to somebody else. */
    if (queue_size_max(dev, vq->index) != vq->size || reg_read(vp, QUEUE_PFN, 4) != 0) {
        log_error("virtio %u (pci): queue %u changed, or is in use", (unsigned)dev->device_id,
                  (unsigned)vq->index);
        return ERR_DEVICE;
    }
    reg_write(vp, QUEUE_PFN, 4, (uint32_t)pfn);
    if (vp->msix) {
        bind_vector(vp, QUEUE_VECTOR, vp->queue_vector);
    }
    return OK;
}

static void queue_notify(struct virtio_device *dev, uint16_t index)
{
    reg_write(vp_of(dev), QUEUE_NOTIFY, 2, index);
}

static uint8_t config_generation(struct virtio_device *dev)
{
    (void)dev;
    return 0;
}

/* Where a field of the configuration is; 0 when the device does not have it. */
static unsigned config_at(const struct virtio_pci *vp, uint32_t offset)
{
    unsigned first = vp->msix ? CONFIG_MSIX : CONFIG_LINE;

    ASSERT(offset % 4 == 0 && vp->port_count >= PORTS_MIN);
    return offset <= vp->port_count - first - 4U ? first + (unsigned)offset : 0;
}

/* The balloon's fields are little endian, like ours [VIRTIO 1.4 §5.5.4.0.0.1], and a field of four
 * bytes is one access of four bytes [VIRTIO 1.4 §5.5.6.2.1]. */
static uint32_t config_read32(struct virtio_device *dev, uint32_t offset)
{
    struct virtio_pci *vp = vp_of(dev);
    unsigned at = config_at(vp, offset);

    return at != 0 ? reg_read(vp, at, 4) : 0;
}

static void config_write32(struct virtio_device *dev, uint32_t offset, uint32_t value)
{
    struct virtio_pci *vp = vp_of(dev);
    unsigned at = config_at(vp, offset);

    if (at != 0) {
        reg_write(vp, at, 4, value);
    }
}

static uint32_t interrupt_cause(struct virtio_device *dev)
{
    struct virtio_pci *vp = vp_of(dev);

    if (vp->msix) {
        return VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG;
    }
    return reg_read(vp, ISR_STATUS, 1) & (VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
}

const struct virtio_transport_ops virtio_pci_legacy_ops = {
    .name = "pci legacy",
    .queue_size_fixed = true,
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .queue_count = queue_count,
    .queue_size_max = queue_size_max,
    .queue_enable = queue_enable,
    .queue_notify = queue_notify,
    .config_generation = config_generation,
    .config_read32 = config_read32,
    .config_write32 = config_write32,
    .interrupt_cause = interrupt_cause,
    .relax = virtio_pci_relax,
    .gone = virtio_pci_gone,
};
