/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Slot status and slot control of a PCI Express port [PCIe 5.0 §7.5.3.10, §7.5.3.11]. Only button
 * and presence are looked at: a device that lost its link is noticed by its driver, and what QEMU's
 * slots have besides (observed: QEMU 7.2) tells nothing more.
 *
 * Nothing here asks for interrupts, so the other enable bits of slot control stay as they are.
 */

#include "drivers/pci/pci_slot.h"

#include "base/assert.h"
#include "drivers/pci/pci_spec.h"

/* A port that has itself left shows all ones. */
#define STATUS_ABSENT 0xffffU
#define EVENTS        (PCI_SLOT_BUTTON_PRESSED | PCI_SLOT_PRESENCE_CHANGED)

static uint32_t slot_read(const struct pci_slot *slot, const struct pci_access *pci,
                          unsigned offset)
{
    return pci->read(slot->port, (uint16_t)(slot->capability + offset), 2);
}

static void slot_write(const struct pci_slot *slot, const struct pci_access *pci, unsigned offset,
                       uint32_t value)
{
    pci->write(slot->port, (uint16_t)(slot->capability + offset), 2, value);
}

bool pci_slot_open(struct pci_slot *slot, const struct pci_access *pci,
                   const struct pci_function *port)
{
    uint8_t at = pci_cap_find(pci, port->address, PCI_CAP_EXPRESS);

    *slot = (struct pci_slot){ .port = port->address, .capability = at };
    /* The slot's registers must lie in the 256 bytes that every access reaches. */
    if ((port->header_type & PCI_HEADER_LAYOUT) != PCI_HEADER_LAYOUT_BRIDGE || at == 0 ||
        at > 256U - PCI_SLOT_STATUS - 2U ||
        (slot_read(slot, pci, PCI_EXPRESS_FLAGS) & PCI_EXPRESS_FLAGS_SLOT) == 0 ||
        (slot_read(slot, pci, PCI_SLOT_CAPABILITIES) & PCI_SLOT_HOT_PLUG) == 0) {
        return false;
    }
    slot->filled = (slot_read(slot, pci, PCI_SLOT_STATUS) & PCI_SLOT_PRESENT) != 0 &&
                   (slot_read(slot, pci, PCI_SLOT_CONTROL) & PCI_SLOT_POWER_OFF) == 0;
    return true;
}

enum pci_slot_news pci_slot_look(struct pci_slot *slot, const struct pci_access *pci)
{
    uint32_t status = slot_read(slot, pci, PCI_SLOT_STATUS);
    bool present = (status & PCI_SLOT_PRESENT) != 0;

    ASSERT(slot->capability != 0);
    if (status == STATUS_ABSENT || (status & EVENTS) == 0) {
        return PCI_SLOT_QUIET;
    }
    slot_write(slot, pci, PCI_SLOT_STATUS, status & EVENTS);
    if (slot->filled) {
        return !present || (status & PCI_SLOT_BUTTON_PRESSED) != 0 ? PCI_SLOT_LEAVES
                                                                   : PCI_SLOT_QUIET;
    }
    return present ? PCI_SLOT_COMES : PCI_SLOT_QUIET;
}

void pci_slot_power(struct pci_slot *slot, const struct pci_access *pci, bool on)
{
    uint32_t control =
        slot_read(slot, pci, PCI_SLOT_CONTROL) & ~(PCI_SLOT_POWER_INDICATOR | PCI_SLOT_POWER_OFF);

    ASSERT(slot->capability != 0);
    /* One write is one command [PCIe 5.0 §6.7.3.2], and QEMU takes a device out only when power and
     * indicator are both off (observed: QEMU 7.2). Both bits of the indicator mean off. */
    slot_write(slot, pci, PCI_SLOT_CONTROL,
               control | (on ? PCI_SLOT_POWER_INDICATOR_ON
                             : PCI_SLOT_POWER_INDICATOR | PCI_SLOT_POWER_OFF));
    slot->filled = on;
}
