/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * The legacy interface of the device in fake_virtio_pci.h [VIRTIO 1.4 §4.1.4.10]: I/O ports in BAR
 * 0 of the same function. Asserts widths, what may not be written, and that ports are decoded.
 * Whether MSI-X is on, and with it where the configuration is, stands in the function's own
 * configuration space. What is written is in the log, as there.
 */

#include <stdint.h>

#include "drivers/virtio/virtio_pci.h"

#define FAKE_VIRTIO_LEGACY_PORT   0xc000U
#define FAKE_VIRTIO_LEGACY_QUEUES 3U

struct fake_virtio_legacy {
    /* what the device is like */
    uint32_t offered;
    uint16_t queue_size[FAKE_VIRTIO_LEGACY_QUEUES];
    bool refuses_config_vector;
    bool refuses_queue_vector;
    /* what happened */
    uint32_t accepted;
    uint8_t status;
    uint8_t isr;
    unsigned isr_reads;
    uint16_t queue_select;
    uint16_t config_vector;
    uint16_t vector[FAKE_VIRTIO_LEGACY_QUEUES];
    uint32_t pfn[FAKE_VIRTIO_LEGACY_QUEUES];
    unsigned notified;
    uint16_t notify_value;
    uint8_t config[16];
    char log[512];
};

extern struct fake_virtio_legacy fake_virtio_legacy;
extern const struct port_ops fake_virtio_legacy_ports;

/* Three queues of 128, no features; vectors exist in a device that has MSI-X. Beside
 * fake_virtio_pci_reset(). */
void fake_virtio_legacy_reset(void);
