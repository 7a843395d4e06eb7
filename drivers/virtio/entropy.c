/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The simplest driver there is. Whether what the device writes is random cannot be checked; that it
 * wrote at least one byte [VIRTIO 1.4 §5.4.6.2], and not more than it was given room for, can.
 */

#include "drivers/virtio/entropy.h"

#include "base/assert.h"
#include "base/log.h"
#include "base/string.h"

#define QUEUE      0U
#define QUEUE_SIZE 8U

STATIC_ASSERT(ENTROPY_BYTES_MAX <= FRAME_SIZE, "the buffer is one frame");

err_t entropy_dev_start(struct entropy_dev *d, struct virtio_device *dev, void *memory,
                        paddr_t address)
{
    ASSERT(dev->device_id == VIRTIO_ID_ENTROPY);
    ASSERT(memory != NULL && address % FRAME_SIZE == 0);
    *d = (struct entropy_dev){ .dev = dev, .buffer = memory, .buffer_address = address };
    err_t err = virtio_begin(dev, VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED, 0);

    if (err != OK) {
        return err;
    }
    struct virtq_shape shape = virtio_queue_shape(dev, QUEUE, QUEUE_SIZE, 1);

    if (shape.size != 0 && virtq_bytes(&shape) > (ENTROPY_FRAMES - 1) * FRAME_SIZE) {
        return ERR_NOMEM;
    }
    return virtio_queue_start(dev, &d->vq, QUEUE, &shape, (uint8_t *)memory + FRAME_SIZE,
                              address + FRAME_SIZE);
}

void entropy_dev_ready(struct entropy_dev *d)
{
    virtio_ready(d->dev);
}

err_t entropy_dev_ask(struct entropy_dev *d, size_t bytes)
{
    const struct virtq_buffer buffer = { d->buffer_address, (uint32_t)bytes };

    ASSERT(bytes >= 1 && bytes <= ENTROPY_BYTES_MAX);
    ASSERT(!d->asked);
    err_t err = virtq_add(&d->vq, &buffer, 0, 1, 0);

    if (err != OK) {
        return err;
    }
    d->asked = true;
    /* Nothing was shown yet, so nothing can have completed. Only a device that lies has. */
    if (virtq_interrupts_on(&d->vq, 1)) {
        log_error("entropy: the device answered before it was asked");
        return ERR_DEVICE;
    }
    (void)virtio_kick(d->dev, &d->vq);
    return OK;
}

err_t entropy_dev_take(struct entropy_dev *d, void *out, size_t *bytes)
{
    uint16_t cookie;
    uint32_t written;
    err_t err = virtq_take(&d->vq, &cookie, &written);

    if (err != OK) {
        return err;
    }
    ASSERT(d->asked);
    d->asked = false;
    if (written == 0) {
        log_error("entropy: an answer without a byte");
        return ERR_DEVICE;
    }
    ASSERT(written <= ENTROPY_BYTES_MAX);
    memcpy(out, d->buffer, written);
    memset(d->buffer, 0, written); /* what is a secret by now lies nowhere else */
    *bytes = written;
    return OK;
}

err_t entropy_dev_stop(struct entropy_dev *d)
{
    d->asked = false;
    return virtio_stop(d->dev);
}
