/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Hot-plug by the registers that QEMU's machines offer to their ACPI code
 * (docs/specs/acpi_pci_hotplug.rst of QEMU), which is what they do by default. Pure code.
 *
 * A number selects a bus. Which bus has which number is known to that ACPI code alone, so that here
 * a request is known by its slot only; who is asked to leave and was not meant finds itself
 * still there afterwards.
 */

#include <stdbool.h>
#include <stdint.h>

#include "drivers/pci/pci.h"

/* The slots, on whichever bus, whose devices are to leave: bit for slot. */
uint32_t pci_eject_wanted(const struct port_ops *ports, uint16_t base);

/* Takes every device out that is to leave, ending any use of it. The slots into which others have
 * come. */
uint32_t pci_eject_all(const struct port_ops *ports, uint16_t base);
