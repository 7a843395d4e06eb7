/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * MSI-X of one function [PCI 3.0 §6.8.2]: the table of messages the device may send. Which address
 * and data make which interrupt is the interrupt controller's matter and the caller's knowledge.
 *
 *   pci_msix_open()     finds capability and table; MSI-X on, everything masked
 *   pci_msix_program()  per vector
 *   pci_msix_enable()   the messages flow, INTx is off
 *   pci_msix_close()    back to INTx
 */

#include "drivers/pci/pci.h"

struct pci_msix {
    const struct pci_access *pci;
    const struct mmio_ops *mmio;
    struct pci_address address;
    uint8_t capability; /* offset in configuration space */
    unsigned vectors;   /* entries of the table that are mapped */
    volatile unsigned char *table;
};

/* Opens at most `wanted` vectors; msix->vectors says how many there are. The BAR of the table must
 * have its place, and memory decoding be on. ERR_UNSUPPORTED without the capability, ERR_INVALID
 * when the table lies outside its BAR, ERR_NOMEM when it cannot be mapped. */
MUST_USE err_t pci_msix_open(struct pci_msix *msix, const struct pci_access *pci,
                             const struct mmio_ops *mmio, struct pci_address at,
                             const struct pci_bar bars[PCI_BARS], unsigned wanted, mmio_map_fn map);

/* The BAR that holds the table, so that it can be placed; PCI_BARS or more: there is none. */
unsigned pci_msix_bar(const struct pci_access *pci, struct pci_address at);

void pci_msix_program(struct pci_msix *msix, unsigned vector, uint64_t address, uint32_t data);

/* No message from this vector; one that comes meanwhile is sent after unmasking. */
void pci_msix_mask(struct pci_msix *msix, unsigned vector, bool masked);

void pci_msix_enable(struct pci_msix *msix);
void pci_msix_close(struct pci_msix *msix);
