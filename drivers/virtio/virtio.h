/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A virtio device, whatever it is attached to: the table of operations a transport offers, and the
 * life cycle every driver goes through [VIRTIO 1.4 §3.1.1]. Pure code above the table.
 *
 *   virtio_begin()         steps 1 to 6: reset, ACKNOWLEDGE, DRIVER, features, FEATURES_OK
 *   virtio_queue_start()   step 7, per queue
 *   virtio_ready()         step 8: DRIVER_OK
 *   virtio_stop()          reset; afterwards no memory belongs to the device
 *
 * A device may be driven through its legacy interface [VIRTIO 1.4 §1.3.1] where it has no other:
 * the transport finds that out and says so in dev->legacy. The calls and their order are the same;
 * features are 32 bits then, FEATURES_OK does not exist, and on PCI the device dictates how large a
 * queue is.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "drivers/virtio/virtq.h"

/* Device status bits [VIRTIO 1.4 §2.1]. */
#define VIRTIO_STATUS_ACKNOWLEDGE 1U
#define VIRTIO_STATUS_DRIVER      2U
#define VIRTIO_STATUS_DRIVER_OK   4U
#define VIRTIO_STATUS_FEATURES_OK 8U
#define VIRTIO_STATUS_NEEDS_RESET 64U
#define VIRTIO_STATUS_FAILED      128U

/* Feature bits that belong to no device type [VIRTIO 1.4 §6]. */
#define VIRTIO_F_ANY_LAYOUT    (UINT64_C(1) << 27) /* legacy interface only */
#define VIRTIO_F_INDIRECT_DESC (UINT64_C(1) << 28)
#define VIRTIO_F_EVENT_IDX     (UINT64_C(1) << 29)
#define VIRTIO_F_VERSION_1     (UINT64_C(1) << 32)
#define VIRTIO_F_RING_PACKED   (UINT64_C(1) << 34)

/* What an interrupt means [VIRTIO 1.4 §4.1.4.5]; several may be set. */
#define VIRTIO_INTERRUPT_QUEUE  1U
#define VIRTIO_INTERRUPT_CONFIG 2U

/* Device ids [VIRTIO 1.4 §5]. */
#define VIRTIO_ID_CONSOLE 3U
#define VIRTIO_ID_ENTROPY 4U
#define VIRTIO_ID_BALLOON 5U

struct virtio_device;

/* What a transport does. No operation waits for the device, except that each access is an exit. */
struct virtio_transport_ops {
    const char *name;
    /* queue_size_max() is the size of the queue, and no other can be had: legacy PCI. */
    bool queue_size_fixed;
    uint8_t (*get_status)(struct virtio_device *dev);
    void (*set_status)(struct virtio_device *dev, uint8_t status);
    uint64_t (*get_features)(struct virtio_device *dev);
    void (*set_features)(struct virtio_device *dev, uint64_t features);
    uint16_t (*queue_count)(struct virtio_device *dev);
    /* The largest size the device takes for a queue; 0: the queue does not exist. */
    uint16_t (*queue_size_max)(struct virtio_device *dev, uint16_t index);
    /* Tells the device where the rings are and enables the queue. */
    err_t (*queue_enable)(struct virtio_device *dev, const struct virtq *vq);
    void (*queue_notify)(struct virtio_device *dev, uint16_t index);
    /* Changes when the device configuration did; 0 for ever where the transport has none. */
    uint8_t (*config_generation)(struct virtio_device *dev);
    uint32_t (*config_read32)(struct virtio_device *dev, uint32_t offset);
    void (*config_write32)(struct virtio_device *dev, uint32_t offset, uint32_t value);
    /* Why the device interrupted (VIRTIO_INTERRUPT_*), acknowledging it; 0: it did not. From an
     * interrupt. With MSI-X, where reading tells nothing, all bits. */
    uint32_t (*interrupt_cause)(struct virtio_device *dev);
    /* One pause while waiting for a reset, at least a microsecond. */
    void (*relax)(struct virtio_device *dev);
    /* The device has left, or may not reach memory: it uses none. Null: that cannot happen. */
    bool (*gone)(struct virtio_device *dev);
};

struct virtio_device {
    const struct virtio_transport_ops *ops;
    void *transport;    /* the transport's own */
    uint16_t device_id; /* VIRTIO_ID_* */
    bool legacy;        /* only the legacy interface is there; settled by the transport */
    uint64_t offered;   /* features the device offered at the last virtio_begin */
    uint64_t features;  /* features negotiated */
    bool negotiated;    /* virtio_begin succeeded and no reset came since */
    bool failed;        /* FAILED was set; only virtio_begin can follow */
    bool live;          /* DRIVER_OK is set: notifications may be sent */
};

/* How many pauses a reset may take before the device counts as dead. Each is a microsecond or more,
 * and a device that does its work in the register access needs none: 0.1 s is plenty. */
#define VIRTIO_RESET_RELAX_MAX 100000U

/*
 * Steps 1 to 6. `wanted` are all features the driver can serve, `required` those it cannot do
 * without; VERSION_1 is always required of a device that is not legacy, and of one that is, bits
 * from 32 on and bit 30 are never accepted. Bits that depend on one another are the caller's
 * matter. ERR_TIMEOUT: status never read 0 after reset. ERR_DEVICE: the device is gone.
 * ERR_UNSUPPORTED: a required bit is not offered, or the device refused FEATURES_OK; FAILED has
 * then been set. dev->features has the result.
 */
MUST_USE err_t virtio_begin(struct virtio_device *dev, uint64_t wanted, uint64_t required);

/*
 * How a queue is to be laid out, by what was negotiated: for virtq_bytes() and
 * virtio_queue_start(). The size is at most `size_limit`, the device's maximum and VIRTQ_SIZE_MAX,
 * and a power of two; but a device that dictates the size gets it. 0: there is no such queue, or
 * none we can drive. `buffers_max` as in struct virtq_shape.
 */
struct virtq_shape virtio_queue_shape(struct virtio_device *dev, uint16_t index,
                                      uint16_t size_limit, uint16_t buffers_max);

/* Step 7 for one queue: initialises `vq` in `memory` (virtq_bytes() bytes) and enables it.
 * ERR_UNSUPPORTED for a shape of size 0; what the transport returns when it refuses the queue. */
MUST_USE err_t virtio_queue_start(struct virtio_device *dev, struct virtq *vq, uint16_t index,
                                  const struct virtq_shape *shape, void *memory, paddr_t address);

/* Step 8: the device is live. Notifications may be sent only from here on. */
void virtio_ready(struct virtio_device *dev);

/* Gives up: sets FAILED [VIRTIO 1.4 §3.1.1]. */
void virtio_fail(struct virtio_device *dev);

/* Resets and waits until the device says so, or is gone. After OK it uses no memory of ours any
 * more. */
MUST_USE err_t virtio_stop(struct virtio_device *dev);

/* DEVICE_NEEDS_RESET is set [VIRTIO 1.4 §2.1.1]. */
bool virtio_needs_reset(struct virtio_device *dev);

/* Shows added requests to the device and notifies it if it wants that. True when notified. Before
 * virtio_ready() requests are only added: kicking there is a programmer's mistake. After
 * virtio_fail() it does nothing. */
bool virtio_kick(struct virtio_device *dev, struct virtq *vq);
