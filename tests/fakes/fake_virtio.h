/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A transport with a well-behaved device behind it that writes down what the driver does, in words:
 *
 *     "status=00 status=01 status=03 offered accepted=100000000 status=0b"
 *
 * and that can be told to refuse at each step. One at a time; put it into a struct of your own.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/virtio/virtio.h"

#define FAKE_VIRTIO_QUEUES 8U

struct fake_virtio {
    struct virtio_device dev;
    /* what the device is like */
    uint64_t offered;
    uint16_t queues;
    uint16_t queue_size[FAKE_VIRTIO_QUEUES];
    uint8_t config[64];
    uint32_t reset_delay; /* status reads before a reset is done; UINT32_MAX: never */
    bool refuses_features_ok;
    bool gone; /* unplugged; `status` is to read as all ones then */
    err_t queue_enable_error;
    /* what happened */
    uint8_t status;
    uint64_t accepted;
    uint32_t reset_left;
    uint32_t relaxed;
    uint8_t generation;
    uint32_t interrupt; /* what interrupt_cause will say */
    unsigned notified[FAKE_VIRTIO_QUEUES];
    const struct virtq *enabled[FAKE_VIRTIO_QUEUES];
    char log[1024]; /* status reads are not in it */
};

/* A device that offers VERSION_1 and `features`, with `queues` queues of 128. */
void fake_virtio_init(struct fake_virtio *fake, uint16_t device_id, uint64_t features,
                      uint16_t queues);

/* It has only the legacy interface, perhaps as on PCI, where the queues' sizes are its own. */
void fake_virtio_make_legacy(struct fake_virtio *fake, bool sizes_fixed);

/* Forgets the log. */
void fake_virtio_log_clear(struct fake_virtio *fake);
