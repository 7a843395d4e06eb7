/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life cycle of a virtio device [VIRTIO 1.4 §3.1.1], above any transport. The order of the
 * steps is the whole point of this file; what a device type does with its queues and its
 * configuration is the driver's matter.
 *
 * Invariants: a status bit once set stays set until reset; nothing is notified unless `live`;
 * after FAILED only a reset follows.
 */

#include "drivers/virtio/virtio.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"

#define FEATURE_UNUSED (UINT64_C(1) << 30) /* VIRTIO_F_BAD_FEATURE of old */

/* Sets bits on top of those the device shows: the driver MUST NOT clear one, its own or the
 * device's [VIRTIO 1.4 §2.1.1]. */
static void status_add(struct virtio_device *dev, uint8_t bits)
{
    dev->ops->set_status(dev, (uint8_t)(dev->ops->get_status(dev) | bits));
}

/* An unplugged device shows all ones, which a device that is there never does for long. */
#define STATUS_ABSENT 0xffU

static bool is_gone(struct virtio_device *dev)
{
    return dev->ops->gone != NULL && dev->ops->gone(dev);
}

/* The reset is done when the device shows 0, not when it was asked [VIRTIO 1.4 §2.4.2], or when
 * there is no device. One that never answers must not hold us up, so there is a bound. */
static err_t reset(struct virtio_device *dev)
{
    dev->live = false;
    dev->negotiated = false;
    dev->ops->set_status(dev, 0);
    for (uint32_t i = 0; i < VIRTIO_RESET_RELAX_MAX; i++) {
        uint8_t status = dev->ops->get_status(dev);

        if (status == 0 || (status == STATUS_ABSENT && is_gone(dev))) {
            return OK;
        }
        dev->ops->relax(dev);
    }
    log_error("virtio %u (%s): no answer to reset", (unsigned)dev->device_id, dev->ops->name);
    return ERR_TIMEOUT;
}

static err_t give_up(struct virtio_device *dev, const char *why, uint64_t features)
{
    log_error("virtio %u (%s): %s 0x%llx", (unsigned)dev->device_id, dev->ops->name, why,
              (unsigned long long)features);
    virtio_fail(dev);
    return ERR_UNSUPPORTED;
}

/* What a legacy device may be asked for: the 32 bits its interface has, ANY_LAYOUT, which MUST be
 * accepted, and never bit 30, which some devices offer by mistake [VIRTIO 1.4 §6.3]. */
static uint64_t legacy_wanted(uint64_t wanted)
{
    return ((wanted & UINT32_MAX) | VIRTIO_F_ANY_LAYOUT) & ~FEATURE_UNUSED;
}

/* Steps 5 and 6: negotiation ends, and the device says whether it can live with the result. The
 * legacy interface knows neither [VIRTIO 1.4 §3.1.2]. */
static err_t features_ok(struct virtio_device *dev)
{
    if (dev->legacy) {
        return OK;
    }
    status_add(dev, VIRTIO_STATUS_FEATURES_OK);
    if ((dev->ops->get_status(dev) & VIRTIO_STATUS_FEATURES_OK) == 0) {
        return give_up(dev, "the device refused the features", dev->features);
    }
    return OK;
}

err_t virtio_begin(struct virtio_device *dev, uint64_t wanted, uint64_t required)
{
    uint64_t missing;
    err_t err;

    ASSERT(dev->ops != NULL);
    dev->failed = false;
    dev->offered = 0;
    dev->features = 0;
    /* Step 1: reset. */
    err = reset(dev);
    if (err != OK) {
        return err;
    }
    /* All ones would pass for any feature and any queue. */
    if (is_gone(dev)) {
        log_error("virtio %u (%s): the device is gone", (unsigned)dev->device_id, dev->ops->name);
        return ERR_DEVICE;
    }
    /* Step 2: the device was noticed. Step 3: there is a driver for it. */
    status_add(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    status_add(dev, VIRTIO_STATUS_DRIVER);
    /* Step 4: features. Bits nobody here knows are ignored [VIRTIO 1.4 §2.2.1]; a modern driver
     * accepts VERSION_1 or nothing [VIRTIO 1.4 §6.1], and a legacy device is one that does not
     * offer it [VIRTIO 1.4 §2.2.3]. */
    if (dev->legacy) {
        wanted = legacy_wanted(wanted);
    } else {
        required |= VIRTIO_F_VERSION_1;
    }
    dev->offered = dev->ops->get_features(dev);
    missing = required & ~dev->offered;
    if (missing != 0) {
        return give_up(dev, "required features are not offered:", missing);
    }
    dev->features = dev->offered & (wanted | required);
    ASSERT((dev->features & ~dev->offered) == 0);
    ASSERT(!dev->legacy || dev->features <= UINT32_MAX);
    dev->ops->set_features(dev, dev->features);
    err = features_ok(dev);
    dev->negotiated = err == OK;
    return err;
}

/* The largest power of two that is not above `limit`, 0 for 0. */
static uint16_t round_down_to_power_of_two(uint64_t limit)
{
    if (limit == 0) {
        return 0;
    }
    return (uint16_t)(1U << bits_highest(limit));
}

/* A device that dictates the size of a queue gets that size, or none. */
static uint16_t queue_size(struct virtio_device *dev, uint16_t index, uint16_t size_limit)
{
    uint16_t size;

    ASSERT(size_limit != 0);
    if (index >= dev->ops->queue_count(dev)) {
        return 0;
    }
    size = dev->ops->queue_size_max(dev, index);
    if (dev->ops->queue_size_fixed) {
        return is_power_of_two(size) && size <= VIRTQ_SIZE_MAX ? size : 0;
    }
    /* The device's maximum should be a power of two, but is a number a device wrote. */
    return round_down_to_power_of_two(min_u64(min_u64(size, size_limit), VIRTQ_SIZE_MAX));
}

struct virtq_shape virtio_queue_shape(struct virtio_device *dev, uint16_t index,
                                      uint16_t size_limit, uint16_t buffers_max)
{
    ASSERT(dev->negotiated);
    return (struct virtq_shape){
        .size = queue_size(dev, index, size_limit),
        .packed = (dev->features & VIRTIO_F_RING_PACKED) != 0,
        .event_idx = (dev->features & VIRTIO_F_EVENT_IDX) != 0,
        .indirect = (dev->features & VIRTIO_F_INDIRECT_DESC) != 0,
        .legacy = dev->legacy,
        .buffers_max = buffers_max,
    };
}

err_t virtio_queue_start(struct virtio_device *dev, struct virtq *vq, uint16_t index,
                         const struct virtq_shape *shape, void *memory, paddr_t address)
{
    err_t err;

    /* Queues are set up after FEATURES_OK and before DRIVER_OK. */
    ASSERT(!dev->failed && !dev->live);
    ASSERT(dev->negotiated);
    if (shape->size == 0) {
        return ERR_UNSUPPORTED;
    }
    err = virtq_init(vq, index, shape, memory, address);
    if (err != OK) {
        return err;
    }
    return dev->ops->queue_enable(dev, vq);
}

void virtio_ready(struct virtio_device *dev)
{
    ASSERT(!dev->failed && !dev->live);
    ASSERT(dev->negotiated);
    /* Step 8. */
    status_add(dev, VIRTIO_STATUS_DRIVER_OK);
    dev->live = true;
}

void virtio_fail(struct virtio_device *dev)
{
    dev->live = false;
    dev->failed = true;
    status_add(dev, VIRTIO_STATUS_FAILED);
}

err_t virtio_stop(struct virtio_device *dev)
{
    dev->features = 0;
    return reset(dev);
}

bool virtio_needs_reset(struct virtio_device *dev)
{
    return (dev->ops->get_status(dev) & VIRTIO_STATUS_NEEDS_RESET) != 0;
}

bool virtio_kick(struct virtio_device *dev, struct virtq *vq)
{
    if (dev->failed) {
        return false;
    }
    /* Not before DRIVER_OK [VIRTIO 1.4 §3.1.1]. */
    ASSERT(dev->live);
    if (!virtq_publish(vq)) {
        return false;
    }
    dev->ops->queue_notify(dev, vq->index);
    return true;
}
