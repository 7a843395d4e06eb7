/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * virtio over memory-mapped registers [VIRTIO 1.4 §4.2], version 2 and the legacy version 1: makes
 * a window of registers into a struct virtio_device. Where the windows are, and which interrupt
 * belongs to which, the machine has to tell: they cannot be searched for.
 *
 *   virtio_mmio_attach()  once: is there a device? then the life cycle of virtio.h, any number of
 *                         times
 */

#include <stdint.h>

#include "base/err.h"
#include "drivers/pci/pci.h"
#include "drivers/virtio/virtio.h"

/* Queues one device may use here; higher indices read as "no such queue". A balloon has five. */
#define VIRTIO_MMIO_QUEUES_MAX 8U

/* The registers, without the device's configuration, which lies behind them. */
#define VIRTIO_MMIO_BYTES_MIN 0x100U

struct virtio_mmio_env {
    /* Maps device memory uncached; null on failure. */
    mmio_map_fn map;
    /* Waits a microsecond or more. */
    void (*relax)(void);
    /* How device memory is accessed; null: mmio_direct. */
    const struct mmio_ops *mmio;
};

struct virtio_mmio {
    struct virtio_device dev;
    const struct mmio_ops *mmio;
    void (*relax)(void);
    volatile unsigned char *registers;
    uint32_t bytes;  /* mapped */
    uint16_t queues; /* that the device has; 0: not counted since the last reset */
};

/*
 * Makes the device whose registers are the `bytes` from `base` on usable through vm->dev;
 * virtio_begin() comes next. ERR_UNSUPPORTED: the slot is empty, which is no fault and not logged.
 * ERR_INVALID: no virtio registers, or of an unknown version. ERR_RANGE: the window is misaligned
 * or too small. ERR_NOMEM: it cannot be mapped. May be called again on the same object.
 */
MUST_USE err_t virtio_mmio_attach(struct virtio_mmio *vm, paddr_t base, uint64_t bytes,
                                  const struct virtio_mmio_env *env);
