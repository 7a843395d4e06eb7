/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Where a virtio device keeps its registers: the vendor capabilities in configuration space
 * [VIRTIO 1.4 §4.1.4] made into four regions that lie inside their BARs. Pure code.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "drivers/pci/pci.h"

/* cfg_type of the capabilities we use; others exist, and more may come. */
#define VIRTIO_PCI_CAP_COMMON 1U
#define VIRTIO_PCI_CAP_NOTIFY 2U
#define VIRTIO_PCI_CAP_ISR    3U
#define VIRTIO_PCI_CAP_DEVICE 4U

/* The common structure up to and including queue_device, which every device has. */
#define VIRTIO_PCI_COMMON_BYTES 56U

struct virtio_pci_region {
    bool present;
    uint8_t bar;
    uint32_t offset; /* inside the BAR */
    uint32_t bytes;  /* at least what the structure needs; offset + bytes fits in the BAR */
};

struct virtio_pci_layout {
    struct virtio_pci_region common;
    struct virtio_pci_region notify;
    struct virtio_pci_region isr;
    struct virtio_pci_region device; /* optional: the device type may have no configuration */
    uint32_t notify_multiplier;      /* bytes between the notify addresses of two queues */
};

/*
 * Takes the first usable capability of each type. Capabilities that are too short, of reserved type
 * or BAR, unaligned, in I/O space, or that leave their BAR are passed over. ERR_UNSUPPORTED when
 * there is no capability of any of the four types: the device speaks only the legacy interface.
 * ERR_INVALID when there are some, but common, notify or isr has no usable one.
 */
MUST_USE err_t virtio_pci_layout_read(const struct pci_access *pci, struct pci_address at,
                                      const struct pci_bar bars[PCI_BARS],
                                      struct virtio_pci_layout *layout);
