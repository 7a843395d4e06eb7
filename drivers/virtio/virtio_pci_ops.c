/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of the modern PCI transport [VIRTIO 1.4 §4.1.4, §4.1.5]: the operations that
 * virtio.c calls. Where the registers are was settled by virtio_pci.c.
 *
 * Invariants: each field is accessed with its own width, aligned, 64-bit fields as two halves
 * [VIRTIO 1.4 §4.1.3.1]; no access leaves what was mapped; device_feature, num_queues,
 * config_generation and queue_notify_off are never written [VIRTIO 1.4 §4.1.4.3.2].
 */

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/virtio_pci.h"

/* The common configuration structure [VIRTIO 1.4 §4.1.4.3]: offset, and width in the comment. */
#define DEVICE_FEATURE_SELECT 0U  /* 32 */
#define DEVICE_FEATURE        4U  /* 32, read only */
#define DRIVER_FEATURE_SELECT 8U  /* 32 */
#define DRIVER_FEATURE        12U /* 32 */
#define CONFIG_MSIX_VECTOR    16U /* 16 */
#define NUM_QUEUES            18U /* 16, read only */
#define DEVICE_STATUS         20U /* 8 */
#define CONFIG_GENERATION     21U /* 8, read only */
#define QUEUE_SELECT          22U /* 16 */
#define QUEUE_SIZE            24U /* 16 */
#define QUEUE_MSIX_VECTOR     26U /* 16 */
#define QUEUE_ENABLE          28U /* 16 */
#define QUEUE_NOTIFY_OFF      30U /* 16, read only */
#define QUEUE_DESC            32U /* 64 */
#define QUEUE_DRIVER          40U /* 64 */
#define QUEUE_DEVICE          48U /* 64 */

/* ---- register access ---- */

static struct virtio_pci *vp_of(struct virtio_device *dev)
{
    ASSERT(dev->transport != NULL);
    return dev->transport;
}

static uint32_t common_read(const struct virtio_pci *vp, unsigned offset, unsigned bytes)
{
    ASSERT(offset % bytes == 0 && offset + bytes <= VIRTIO_PCI_COMMON_BYTES);
    return vp->mmio->read(vp->common + offset, bytes);
}

static void common_write(struct virtio_pci *vp, unsigned offset, unsigned bytes, uint32_t value)
{
    ASSERT(offset % bytes == 0 && offset + bytes <= VIRTIO_PCI_COMMON_BYTES);
    vp->mmio->write(vp->common + offset, bytes, value);
}

static void common_write64(struct virtio_pci *vp, unsigned offset, uint64_t value)
{
    common_write(vp, offset, 4, (uint32_t)value);
    common_write(vp, offset + 4, 4, (uint32_t)(value >> 32));
}

static void select_queue(struct virtio_pci *vp, uint16_t index)
{
    common_write(vp, QUEUE_SELECT, 2, index);
}

/* ---- MSI-X ---- */

/* Maps the event behind `field` to a vector and reads back whether the device agreed. */
static void bind_vector(struct virtio_pci *vp, unsigned field, uint16_t vector)
{
    common_write(vp, field, 2, vector);
    virtio_pci_vector_bound(vp, vector, common_read(vp, field, 2));
}

/* ---- struct virtio_transport_ops ---- */

static uint8_t get_status(struct virtio_device *dev)
{
    return (uint8_t)common_read(vp_of(dev), DEVICE_STATUS, 1);
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    struct virtio_pci *vp = vp_of(dev);

    common_write(vp, DEVICE_STATUS, 1, status);
    /* A reset unmaps all events [VIRTIO 1.4 §4.1.5.1.2.1]; the one that belongs to no queue is
     * mapped again as soon as the device knows that it has a driver. */
    if (vp->msix && status == (VIRTIO_STATUS_ACKNOWLEDGE | VIRTIO_STATUS_DRIVER)) {
        bind_vector(vp, CONFIG_MSIX_VECTOR, VIRTIO_PCI_CONFIG_VECTOR);
    }
}

static uint64_t get_features(struct virtio_device *dev)
{
    struct virtio_pci *vp = vp_of(dev);
    uint64_t features;

    common_write(vp, DEVICE_FEATURE_SELECT, 4, 0);
    features = common_read(vp, DEVICE_FEATURE, 4);
    common_write(vp, DEVICE_FEATURE_SELECT, 4, 1);
    features |= (uint64_t)common_read(vp, DEVICE_FEATURE, 4) << 32;
    return features;
}

static void set_features(struct virtio_device *dev, uint64_t features)
{
    struct virtio_pci *vp = vp_of(dev);

    common_write(vp, DRIVER_FEATURE_SELECT, 4, 0);
    common_write(vp, DRIVER_FEATURE, 4, (uint32_t)features);
    common_write(vp, DRIVER_FEATURE_SELECT, 4, 1);
    common_write(vp, DRIVER_FEATURE, 4, (uint32_t)(features >> 32));
}

static uint16_t queue_count(struct virtio_device *dev)
{
    return (uint16_t)common_read(vp_of(dev), NUM_QUEUES, 2);
}

static uint16_t queue_size_max(struct virtio_device *dev, uint16_t index)
{
    struct virtio_pci *vp = vp_of(dev);

    if (index >= VIRTIO_PCI_QUEUES_MAX) {
        return 0;
    }
    select_queue(vp, index);
    return (uint16_t)common_read(vp, QUEUE_SIZE, 2);
}

/* Where the device wants to be notified of the selected queue. The factor comes from the device
 * and may point anywhere. */
static err_t notify_locate(struct virtio_pci *vp, uint16_t index)
{
    uint64_t offset = (uint64_t)common_read(vp, QUEUE_NOTIFY_OFF, 2) * vp->notify_multiplier;

    ASSERT(index < VIRTIO_PCI_QUEUES_MAX);
    if (offset + sizeof(uint16_t) > vp->notify_bytes) {
        log_error("virtio %u (pci): queue %u: notify address out of reach",
                  (unsigned)vp->dev.device_id, (unsigned)index);
        return ERR_DEVICE;
    }
    vp->notify_offset[index] = (uint32_t)offset;
    return OK;
}

/* Everything else before queue_enable [VIRTIO 1.4 §4.1.4.3.2]; the order of the steps is that of
 * [VIRTIO 1.4 §4.1.5.1.3]. */
static err_t queue_enable(struct virtio_device *dev, const struct virtq *vq)
{
    struct virtio_pci *vp = vp_of(dev);
    err_t err;

    ASSERT(vq->index < VIRTIO_PCI_QUEUES_MAX);
    ASSERT(is_power_of_two(vq->size));
    select_queue(vp, vq->index);
    common_write(vp, QUEUE_SIZE, 2, vq->size);
    common_write64(vp, QUEUE_DESC, vq->desc_address);
    common_write64(vp, QUEUE_DRIVER, vq->avail_address);
    common_write64(vp, QUEUE_DEVICE, vq->used_address);
    if (vp->msix) {
        bind_vector(vp, QUEUE_MSIX_VECTOR, vp->queue_vector);
    }
    err = notify_locate(vp, vq->index);
    if (err != OK) {
        return err;
    }
    common_write(vp, QUEUE_ENABLE, 2, 1);
    return OK;
}

/* 16 bits, the queue's index [VIRTIO 1.4 §4.1.5.2.1]. The store is ordered behind the ring's by the
 * full fence in virtq_publish(). */
static void queue_notify(struct virtio_device *dev, uint16_t index)
{
    struct virtio_pci *vp = vp_of(dev);

    ASSERT(index < VIRTIO_PCI_QUEUES_MAX);
    ASSERT(vp->notify_offset[index] + sizeof(uint16_t) <= vp->notify_bytes);
    vp->mmio->write(vp->notify + vp->notify_offset[index], 2, index);
}

static uint8_t config_generation(struct virtio_device *dev)
{
    return (uint8_t)common_read(vp_of(dev), CONFIG_GENERATION, 1);
}

/* A field beyond the configuration the device has is one it does not know: it reads as 0. */
static bool config_has(const struct virtio_pci *vp, uint32_t offset)
{
    ASSERT(offset % 4 == 0);
    return vp->device != NULL && vp->device_bytes >= 4 && offset <= vp->device_bytes - 4;
}

static uint32_t config_read32(struct virtio_device *dev, uint32_t offset)
{
    struct virtio_pci *vp = vp_of(dev);

    return config_has(vp, offset) ? vp->mmio->read(vp->device + offset, 4) : 0;
}

static void config_write32(struct virtio_device *dev, uint32_t offset, uint32_t value)
{
    struct virtio_pci *vp = vp_of(dev);

    if (config_has(vp, offset)) {
        vp->mmio->write(vp->device + offset, 4, value);
    }
}

/* Reading the ISR status acknowledges INTx. With MSI-X it is unused and SHOULD NOT be read
 * [VIRTIO 1.4 §4.1.4.5.2]. One interrupt may mean both [VIRTIO 1.4 §4.1.5.4.2]. */
static uint32_t interrupt_cause(struct virtio_device *dev)
{
    struct virtio_pci *vp = vp_of(dev);

    if (vp->msix) {
        return VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG;
    }
    return vp->mmio->read(vp->isr, 1) & (VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);
}

const struct virtio_transport_ops virtio_pci_ops = {
    .name = "pci",
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
