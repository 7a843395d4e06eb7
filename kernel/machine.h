/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The machine beneath the kernel: ACPI tables, interrupt controllers, PCI. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "arch/x86_64/trap.h"
#include "drivers/pci/pci.h"
#include "kernel/acpi_tables.h"

/* Reads ACPI, starts the local APIC and the I/O APICs, begins the clock's calibration and chooses
 * how PCI configuration space is reached. `rsdp` 0: there is no ACPI; the usual addresses are
 * assumed. Panics when the local APIC cannot be mapped. */
void machine_init(uint64_t rsdp);

/* Sends interrupt line `line` (as the PCI interrupt line register numbers them) to a handler.
 * ERR_BUSY when all vectors are taken, ERR_RANGE when no controller has the line. */
MUST_USE err_t machine_route_line(uint8_t line, trap_handler *handler, void *context);

/* A message-signalled interrupt for a handler. ERR_BUSY when all vectors are taken. */
MUST_USE err_t machine_route_message(trap_handler *handler, void *context, uint64_t *address,
                                     uint32_t *data);

/* PCI configuration space for the drivers, and where BARs may be placed that the firmware left. */
extern const struct pci_access machine_pci;
extern struct pci_window machine_pci_window;

/* What ACPI said; all zero but for defaults without it. */
const struct acpi_info *machine_acpi(void);
