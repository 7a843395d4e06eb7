/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/* The machine beneath the kernel: ACPI tables, interrupt controllers, PCI. */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "arch/x86_64/trap.h"
#include "drivers/pci/pci.h"
#include "drivers/virtio/virtio_pci.h"
#include "kernel/acpi_tables.h"

/* Reads ACPI, silences PCI, starts the local APIC and the I/O APICs, and begins the clock's
 * calibration. `rsdp` 0: there is no ACPI; the usual addresses are assumed. `memory_end` is where
 * memory below 4 GiB ends. Panics when the local APIC cannot be mapped. */
void machine_init(uint64_t rsdp, uint64_t memory_end);

/* Sends a global system interrupt to a handler too: lines are shared, so a handler must find out
 * whether its device is meant. A handler that has it already is not added again with the same
 * context. The first user settles trigger and polarity. ERR_BUSY when the line, the lines or the
 * vectors are all taken, ERR_RANGE when no controller has it. */
MUST_USE err_t machine_route_gsi(const struct acpi_interrupt *interrupt, trap_handler *handler,
                                 void *context);

/* The same for interrupt line `number` (as the PCI interrupt line register counts them). ERR_RANGE:
 * it is none of the sixteen. */
MUST_USE err_t machine_route_line(uint8_t number, trap_handler *handler, void *context);

/* A message-signalled interrupt for a handler. ERR_BUSY when all vectors are taken. */
MUST_USE err_t machine_route_message(trap_handler *handler, void *context, uint64_t *address,
                                     uint32_t *data);

/* PCI configuration space for the drivers, and where BARs may be placed that the firmware left. */
extern const struct pci_access machine_pci;
extern struct pci_window machine_pci_window;

/* The I/O ports. */
extern const struct port_ops machine_ports;

/* What ACPI said; all zero but for defaults without it. */
const struct acpi_info *machine_acpi(void);
