/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Configuration mechanism #1 (ports) and the enhanced mechanism (ECAM). Ports reach 256 bytes per
 * function, ECAM 4096. ECAM is mapped bus by bus, because most machines use one of 256.
 * [PCI Local Bus 3.0 §3.2.2.3.2, PCI Express 5.0 §7.2.2]
 */

#include "arch/x86_64/pci_config.h"

#include <stdbool.h>

#include "base/assert.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"

#define PORT_ADDRESS    0xcf8U
#define PORT_DATA       0xcfcU
#define ADDRESS_ENABLE  (1U << 31)
#define PORT_OFFSET_END 256U
#define ECAM_BUS_BYTES  (UINT64_C(1) << 20)
#define OFFSET_END      4096U

static struct {
    paddr_t base; /* 0: no ECAM */
    uint8_t bus_first;
    uint8_t bus_last;
    uint64_t mapped[4]; /* a bit for each bus whose registers are mapped */
} ecam;

void pci_config_use_ecam(paddr_t base, uint8_t bus_first, uint8_t bus_last)
{
    ASSERT(bus_first <= bus_last);
    ecam.base = base;
    ecam.bus_first = bus_first;
    ecam.bus_last = bus_last;
}

/* Where ECAM shows the register, or null when ports have to be used. */
static volatile void *ecam_register(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset)
{
    if (ecam.base == 0 || bus < ecam.bus_first || bus > ecam.bus_last) {
        return NULL;
    }
    paddr_t bus_base = ecam.base + ((uint64_t)bus - ecam.bus_first) * ECAM_BUS_BYTES;
    uint64_t bit = UINT64_C(1) << (bus & 63U);

    if ((ecam.mapped[bus >> 6] & bit) == 0) {
        if (paging_map_device(bus_base, ECAM_BUS_BYTES) == NULL) {
            return NULL;
        }
        ecam.mapped[bus >> 6] |= bit;
    }
    return (uint8_t *)(uintptr_t)bus_base + ((size_t)slot << 15 | (size_t)function << 12 | offset);
}

/* The address goes to one port and the data through another: an interrupt between the two that
 * reads configuration space itself would leave its own address behind. */
static uint16_t port_select(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset)
{
    port_out32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)bus << 16 | (uint32_t)slot << 11 |
                                 (uint32_t)function << 8 | (offset & 0xfcU));
    return (uint16_t)(PORT_DATA + (offset & 3U));
}

static uint32_t port_read(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset,
                          unsigned bytes)
{
    bool on = interrupts_save_off();
    uint16_t port = port_select(bus, slot, function, offset);
    uint32_t value = bytes == 1 ? port_in8(port) : bytes == 2 ? port_in16(port) : port_in32(port);

    interrupts_restore(on);
    return value;
}

static void port_write(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset, unsigned bytes,
                       uint32_t value)
{
    bool on = interrupts_save_off();
    uint16_t port = port_select(bus, slot, function, offset);

    if (bytes == 1) {
        port_out8(port, (uint8_t)value);
    } else if (bytes == 2) {
        port_out16(port, (uint16_t)value);
    } else {
        port_out32(port, value);
    }
    interrupts_restore(on);
}

uint32_t pci_config_read(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset,
                         unsigned bytes)
{
    ASSERT(bytes == 1 || bytes == 2 || bytes == 4);
    ASSERT(offset < OFFSET_END && offset % bytes == 0);
    const volatile void *view = ecam_register(bus, slot, function, offset);

    if (view == NULL) {
        return offset < PORT_OFFSET_END ? port_read(bus, slot, function, offset, bytes)
                                        : UINT32_MAX;
    }
    return bytes == 1   ? *(const volatile uint8_t *)view
           : bytes == 2 ? *(const volatile uint16_t *)view
                        : *(const volatile uint32_t *)view;
}

void pci_config_write(uint8_t bus, uint8_t slot, uint8_t function, uint16_t offset, unsigned bytes,
                      uint32_t value)
{
    ASSERT(bytes == 1 || bytes == 2 || bytes == 4);
    ASSERT(offset < OFFSET_END && offset % bytes == 0);
    volatile void *view = ecam_register(bus, slot, function, offset);

    if (view == NULL) {
        if (offset < PORT_OFFSET_END) {
            port_write(bus, slot, function, offset, bytes, value);
        }
    } else if (bytes == 1) {
        *(volatile uint8_t *)view = (uint8_t)value;
    } else if (bytes == 2) {
        *(volatile uint16_t *)view = (uint16_t)value;
    } else {
        *(volatile uint32_t *)view = value;
    }
}
