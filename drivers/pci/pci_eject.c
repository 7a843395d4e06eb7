/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of ACPI hot-plug as QEMU has them, 32 bits each. All numbers are tried, at each
 * request: a number without a bus reads as nothing, and requests are rare.
 *
 * What a device writes bounds no loop here: each slot of each bus is ejected once.
 */

#include "drivers/pci/pci_eject.h"

#include <stddef.h>

#include "base/assert.h"

#define SLOTS_UP   0U  /* have come; reading clears it */
#define SLOTS_DOWN 4U  /* are to leave */
#define EJECT      8U  /* write: take out the device in the slot of this bit */
#define SELECT     16U /* write: the number of the bus */
#define BUSES      256U

static void eject(const struct port_ops *ports, uint16_t base, uint32_t slots)
{
    for (; slots != 0; slots &= slots - 1) {
        /* One at a time: QEMU looks at the lowest bit only. */
        ports->write((uint16_t)(base + EJECT), 4, slots & -slots);
    }
}

bool pci_eject(const struct port_ops *ports, uint16_t base,
               void (*leaves)(uint32_t number, uint32_t slots))
{
    uint32_t changed = 0;

    ASSERT(ports != NULL && base != 0);
    for (uint32_t number = 0; number < BUSES; number++) {
        ports->write((uint16_t)(base + SELECT), 4, number);
        uint32_t slots = ports->read((uint16_t)(base + SLOTS_DOWN), 4);

        if (slots != 0) {
            leaves(number, slots);
            eject(ports, base, slots);
        }
        changed |= slots | ports->read((uint16_t)(base + SLOTS_UP), 4);
    }
    return changed != 0;
}
