/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * MSI-X [PCI 3.0 §6.8.2]. The table is device memory behind a BAR; the control word in
 * configuration space has one switch for the whole and one mask for all vectors.
 *
 * Order: the switch goes on with everything masked, because a table may be written only while its
 * vectors are masked and some devices accept writes only when MSI-X is on; the mask goes last.
 */

#include "drivers/pci/pci_msix.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/pci/pci_spec.h"

static void control_write(struct pci_msix *msix, uint32_t set, uint32_t clear)
{
    uint16_t offset = (uint16_t)(msix->capability + PCI_MSIX_CONTROL);
    uint32_t control = msix->pci->read(msix->address, offset, 2);

    msix->pci->write(msix->address, offset, 2, (control & ~clear) | set);
}

static volatile void *entry_field(const struct pci_msix *msix, unsigned vector, unsigned field)
{
    ASSERT(msix->table != NULL);
    ASSERT(vector < msix->vectors);
    return msix->table + (size_t)vector * PCI_MSIX_ENTRY_BYTES + field;
}

unsigned pci_msix_bar(const struct pci_access *pci, struct pci_address at)
{
    uint8_t capability = pci_cap_find(pci, at, PCI_CAP_MSIX);

    if (capability == 0 || capability + PCI_MSIX_TABLE + 4U > 256U) {
        return PCI_BARS;
    }
    return pci->read(at, (uint16_t)(capability + PCI_MSIX_TABLE), 4) & PCI_MSIX_TABLE_BAR;
}

err_t pci_msix_open(struct pci_msix *msix, const struct pci_access *pci,
                    const struct mmio_ops *mmio, struct pci_address at,
                    const struct pci_bar bars[PCI_BARS], unsigned wanted, mmio_map_fn map)
{
    unsigned bar = pci_msix_bar(pci, at);
    uint32_t control;
    uint32_t offset;
    uint64_t bytes;

    ASSERT(wanted >= 1);
    *msix = (struct pci_msix){ .pci = pci, .mmio = mmio, .address = at };
    msix->capability = pci_cap_find(pci, at, PCI_CAP_MSIX);
    if (msix->capability == 0) {
        return ERR_UNSUPPORTED;
    }
    if (bar >= PCI_BARS || bars[bar].io || bars[bar].base == 0) {
        return ERR_INVALID;
    }
    /* The size field counts from 0 [PCI 3.0 §6.8.2.3]. What is not used is not mapped. */
    control = pci->read(at, (uint16_t)(msix->capability + PCI_MSIX_CONTROL), 2);
    msix->vectors = (unsigned)min_u64((control & PCI_MSIX_CONTROL_SIZE) + 1U, wanted);
    bytes = (uint64_t)msix->vectors * PCI_MSIX_ENTRY_BYTES;
    offset = pci->read(at, (uint16_t)(msix->capability + PCI_MSIX_TABLE), 4) & ~PCI_MSIX_TABLE_BAR;
    if (bars[bar].size < bytes || offset > bars[bar].size - bytes) {
        log_warn("pci: MSI-X table outside BAR %u", bar);
        return ERR_INVALID;
    }
    msix->table = map(bars[bar].base + offset, (size_t)bytes);
    if (msix->table == NULL) {
        return ERR_NOMEM;
    }
    control_write(msix, PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_MASK_ALL, 0);
    for (unsigned i = 0; i < msix->vectors; i++) {
        pci_msix_mask(msix, i, true);
    }
    return OK;
}

void pci_msix_mask(struct pci_msix *msix, unsigned vector, bool masked)
{
    volatile void *field = entry_field(msix, vector, PCI_MSIX_ENTRY_CONTROL);
    uint32_t control = msix->mmio->read(field, 4);

    /* The other bits are reserved and must be kept [PCI 3.0 §6.8.2.9]. */
    msix->mmio->write(field, 4,
                      masked ? control | PCI_MSIX_ENTRY_MASKED : control & ~PCI_MSIX_ENTRY_MASKED);
}

void pci_msix_program(struct pci_msix *msix, unsigned vector, uint64_t address, uint32_t data)
{
    ASSERT(address % 4 == 0);
    pci_msix_mask(msix, vector, true);
    msix->mmio->write(entry_field(msix, vector, PCI_MSIX_ENTRY_ADDRESS_LOW), 4, (uint32_t)address);
    msix->mmio->write(entry_field(msix, vector, PCI_MSIX_ENTRY_ADDRESS_HIGH), 4,
                      (uint32_t)(address >> 32));
    msix->mmio->write(entry_field(msix, vector, PCI_MSIX_ENTRY_DATA), 4, data);
    pci_msix_mask(msix, vector, false);
}

void pci_msix_enable(struct pci_msix *msix)
{
    ASSERT(msix->table != NULL);
    pci_command(msix->pci, msix->address, PCI_COMMAND_INTX_OFF, 0);
    control_write(msix, PCI_MSIX_CONTROL_ENABLE, PCI_MSIX_CONTROL_MASK_ALL);
}

void pci_msix_close(struct pci_msix *msix)
{
    ASSERT(msix->table != NULL);
    control_write(msix, 0, PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_MASK_ALL);
    pci_command(msix->pci, msix->address, 0, PCI_COMMAND_INTX_OFF);
}
