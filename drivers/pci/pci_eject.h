/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Hot-plug by the registers that QEMU's machines offer to their ACPI code
 * (docs/specs/acpi_pci_hotplug.rst of QEMU), which is what they do by default. Pure code.
 *
 * A number selects a bus. Which bus has which number is told by ACPI alone.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci/pci.h"

/*
 * Takes every device out that is to leave, ending any use of it; but first `leaves` is called for
 * the number of each bus where there are some, with a bit for each slot. What asks to leave
 * meanwhile is not taken out before the next call. True when devices have left or come.
 */
bool pci_eject(const struct port_ops *ports, uint16_t base,
               void (*leaves)(uint32_t number, uint32_t slots));
