/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A PCI Express slot that devices are plugged into while the machine runs, by the port's own
 * registers [PCIe 5.0 §6.7, §7.5.3]: what happened, and power. Pure code.
 *
 * Leaving is in two steps: somebody presses the attention button (`device_del`), and the device is
 * there until its driver has let go and the slot's power is switched off.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci/pci.h"

struct pci_slot {
    struct pci_address port;
    uint8_t capability; /* offset of the PCI Express capability */
    bool filled;        /* a device is there and has power, as far as we have heard */
};

enum pci_slot_news {
    PCI_SLOT_QUIET,
    PCI_SLOT_LEAVES, /* the device is to leave, or has left */
    PCI_SLOT_COMES,  /* a device waits for power */
};

/* False: the function is no port with a slot for hot-plug. What happened before is news. */
bool pci_slot_open(struct pci_slot *slot, const struct pci_access *pci,
                   const struct pci_function *port);

/* What happened since the last time. One access when nothing did. */
enum pci_slot_news pci_slot_look(struct pci_slot *slot, const struct pci_access *pci);

/* On: the device may be used PCI_SLOT_POWER_MS later. Off: it is gone. */
#define PCI_SLOT_POWER_MS 100U
void pci_slot_power(struct pci_slot *slot, const struct pci_access *pci, bool on);
