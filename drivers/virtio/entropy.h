/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The entropy device [VIRTIO 1.4 §5.4]: one queue, into whose buffers the device writes random
 * bytes. One request at a time, because the caller waits for it. Pure code: no clock, no waiting.
 *
 *   entropy_dev_start()   negotiates and starts the queue; now its interrupts may be routed
 *   entropy_dev_ready()   the device is live
 *   entropy_dev_ask()     then entropy_dev_take() until it is not ERR_AGAIN
 *   entropy_dev_stop()    afterwards the device uses no memory of ours; it may be started again
 *
 * A device that breaks its contract gets ERR_DEVICE from every call until it is started again.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/virtq.h"

/* Most bytes of one request. */
#define ENTROPY_BYTES_MAX 256U
/* The memory it needs: the buffer and behind it the rings, which a legacy device makes large. */
#define ENTROPY_FRAMES 8U

struct entropy_dev {
    struct virtio_device *dev;
    struct virtq vq;
    uint8_t *buffer;
    paddr_t buffer_address;
    bool asked; /* a request is at the device */
};

/* `memory` is ENTROPY_FRAMES frames at physical `address`, and the device's until
 * entropy_dev_stop(). ERR_NOMEM when the device dictates larger rings; else what virtio_begin() and
 * virtio_queue_start() return. */
MUST_USE err_t entropy_dev_start(struct entropy_dev *d, struct virtio_device *dev, void *memory,
                                 paddr_t address);

void entropy_dev_ready(struct entropy_dev *d);

/* Asks for up to `bytes`, at least 1 and at most ENTROPY_BYTES_MAX. The last request must have been
 * taken. ERR_DEVICE. */
MUST_USE err_t entropy_dev_ask(struct entropy_dev *d, size_t bytes);

/* Copies what the device wrote to `out`, which has room for what was asked for, and wipes it from
 * the buffer. *bytes is at least 1. ERR_AGAIN: not there yet. ERR_DEVICE. */
MUST_USE err_t entropy_dev_take(struct entropy_dev *d, void *out, size_t *bytes);

/* Resets the device. ERR_TIMEOUT: it does not answer, and the memory must never be used again. */
MUST_USE err_t entropy_dev_stop(struct entropy_dev *d);
