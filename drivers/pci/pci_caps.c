/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The capability list of a PCI function [PCI 3.0 §6.7]. The list is a chain of offsets that the
 * device wrote, so it may be anything: the walk remembers where it has been, one bit per place a
 * capability can have, and thereby ends within PCI_CAPS_MAX steps.
 */

#include "base/assert.h"
#include "base/bits.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_spec.h"

/* The low two bits of a pointer are reserved and must be masked [PCI 3.0 §6.7]. */
static uint8_t read_pointer(const struct pci_access *pci, struct pci_address at, unsigned offset)
{
    return (uint8_t)(pci->read(at, (uint16_t)offset, 1) & ~3U);
}

unsigned pci_caps_list(const struct pci_access *pci, struct pci_address at,
                       struct pci_cap caps[PCI_CAPS_MAX])
{
    uint64_t seen = 0;
    unsigned count = 0;
    uint8_t offset;

    if ((pci->read(at, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES) == 0) {
        return 0;
    }
    offset = read_pointer(pci, at, PCI_CAPABILITIES);
    while (offset >= PCI_CAP_FIRST && (seen & UINT64_C(1) << (offset / 4U)) == 0) {
        seen |= UINT64_C(1) << (offset / 4U);
        ASSERT(count < PCI_CAPS_MAX);
        caps[count].id = (uint8_t)pci->read(at, offset, 1);
        caps[count].offset = offset;
        count++;
        offset = read_pointer(pci, at, offset + 1U);
    }
    return count;
}

uint8_t pci_cap_find(const struct pci_access *pci, struct pci_address at, uint8_t id)
{
    struct pci_cap caps[PCI_CAPS_MAX];
    unsigned count = pci_caps_list(pci, at, caps);

    for (unsigned i = 0; i < count; i++) {
        if (caps[i].id == id) {
            return caps[i].offset;
        }
    }
    return 0;
}
