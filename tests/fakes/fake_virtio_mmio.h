/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A virtio device behind memory-mapped registers, version 1 or 2. It asserts what no driver may do
 * [VIRTIO 1.4 §4.2.2.2]: a width other than 32 bits, a write to a read-only register or a read of a
 * write-only one, anything beyond the first three registers of an empty slot, a register of the
 * other version or of shared memory, an undefined bit acknowledged. What is written is also in the
 * log:
 *
 *     "70=0 70=1 14=0 24=0 20=130000000"     (hexadecimal offset = hexadecimal value)
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "drivers/virtio/virtio_mmio.h"

#define FAKE_VIRTIO_MMIO_BASE   UINT64_C(0xfeb00e00)
#define FAKE_VIRTIO_MMIO_BYTES  512U
#define FAKE_VIRTIO_MMIO_QUEUES 4U

struct fake_virtio_mmio {
    /* what the device is like */
    uint32_t magic;
    uint32_t version;
    uint32_t device_id;
    uint64_t offered;
    uint32_t queues;
    uint32_t queue_size_max;
    bool refuses_ready;   /* QueueReady stays 0 */
    bool maps;            /* mapping works */
    uint32_t next_status; /* InterruptStatus after the next acknowledgement */
    /* what happened */
    uint64_t accepted;
    uint8_t status;
    uint32_t interrupt;
    uint32_t generation;
    uint32_t page_size;
    uint32_t features_sel;
    uint32_t driver_features_sel;
    bool features_selected[2]; /* device's, driver's */
    uint32_t queue_sel;
    struct {
        uint32_t size;
        uint32_t align;
        uint32_t pfn;
        uint32_t ready;
        uint64_t desc, driver, device;
    } queue[FAKE_VIRTIO_MMIO_QUEUES];
    unsigned notified;
    uint32_t notify_value;
    unsigned relaxed;
    uint8_t config[FAKE_VIRTIO_MMIO_BYTES - 0x100];
    char log[1024];
};

extern struct fake_virtio_mmio fake_virtio_mmio;
extern const struct virtio_mmio_env fake_virtio_mmio_env;

/* A balloon with three queues of 128 that offers nothing but what its version requires. */
void fake_virtio_mmio_reset(uint32_t version);
