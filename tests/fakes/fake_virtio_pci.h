/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A modern virtio device on PCI, laid out as QEMU's balloon is: BAR 4 with common 0x0000, isr
 * 0x1000, device 0x2000, notify 0x3000 (multiplier 4), and optionally an MSI-X table in BAR 1. It
 * checks the width of every access and writes down what is written to the common structure:
 *
 *     "20=00 20=01 22=0000 24=0040"      (decimal offset = hexadecimal value, width shown by
 * digits)
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci/pci.h"
#include "drivers/virtio/virtio_pci.h"
#include "tests/fakes/fake_pci.h"

#define FAKE_VIRTIO_PCI_BAR       UINT64_C(0xfe000000)
#define FAKE_VIRTIO_PCI_BAR_BYTES 0x4000U
#define FAKE_VIRTIO_PCI_TABLE_BAR UINT64_C(0xfe010000)
#define FAKE_VIRTIO_PCI_QUEUES    4U

struct fake_virtio_pci {
    struct fake_pci_function *function;
    uint64_t bar_base; /* where map() finds BAR 4 */
    /* what the device is like */
    uint64_t offered;
    uint16_t num_queues;
    uint16_t queue_size_max;
    uint16_t notify_off[FAKE_VIRTIO_PCI_QUEUES];
    bool refuses_config_vector;
    bool refuses_queue_vector;
    unsigned map_fails_at; /* the n-th call fails; 0: none */
    /* what happened */
    uint64_t accepted;
    uint8_t status;
    uint8_t isr;
    uint8_t generation;
    unsigned isr_reads;
    uint16_t config_vector;
    struct {
        uint16_t size;
        uint16_t vector;
        bool enabled;
        uint64_t desc, driver, device;
    } queue[FAKE_VIRTIO_PCI_QUEUES];
    unsigned maps;
    unsigned notified;
    uint32_t notify_at; /* offset in the notify structure */
    uint16_t notify_value;
    uint32_t feature_select[2];
    uint16_t queue_select;
    uint8_t config[16];
    uint32_t table[8]; /* MSI-X */
    char log[512];
};

extern struct fake_virtio_pci fake_virtio_pci;
extern const struct mmio_ops fake_virtio_pci_mmio;

/* Puts the device into the (emptied) fake machine at 0:3.0. */
void fake_virtio_pci_reset(uint16_t pci_device_id, bool with_capabilities, bool with_msix);

/* For struct virtio_pci_env. */
void *fake_virtio_pci_map(paddr_t address, size_t bytes);

/* One virtio capability; `multiplier` only counts for the notify type. */
uint8_t fake_virtio_pci_add_cap(struct fake_pci_function *function, uint8_t cap_len, uint8_t type,
                                uint8_t bar, uint32_t offset, uint32_t bytes, uint32_t multiplier);
