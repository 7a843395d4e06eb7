/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * PCI configuration space of segment 0: through memory (ECAM) where ACPI's MCFG table says so, else
 * through ports. `bytes` is 1, 2 or 4 and `offset` a multiple of it. What does not exist reads as
 * all ones. An access is one: whatever interrupts it may access configuration space too.
 */

#include <stddef.h>
#include <stdint.h>

#include "base/memory.h"

/* Use ECAM at `base` for buses first..last from now on. When it cannot be mapped, ports stay. */
void pci_config_use_ecam(paddr_t base, uint8_t bus_first, uint8_t bus_last);

uint32_t pci_config_read(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset,
                         unsigned bytes);
void pci_config_write(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset, unsigned bytes,
                      uint32_t value);
