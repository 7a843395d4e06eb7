/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What a guest kernel needs from the ACPI tables, read once into one structure: interrupt
 * controllers, power and timer registers, the PCI configuration window and the sleep values of
 * "power off", and the devices of a microvm. There is no AML interpreter: what is wanted of AML is
 * recognised by its encoding.
 *
 * Firmware is an input like any other: every length and checksum is verified, every list is
 * bounded, no field is read through a cast pointer. A table that is bad is skipped with a warning
 * and its part of the result stays empty; the rest still works. [ACPI 6.5 §5.2]
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/memory.h"
#include "drivers/pci/pci.h"

#define ACPI_TABLES_MAX      64  /* entries of the XSDT that are looked at; QEMU makes about 10 */
#define ACPI_TABLE_BYTES_MAX MIB /* a longer table is taken for a broken length field */
#define ACPI_IO_APICS_MAX    8   /* a virtual machine has one, large servers have one a socket */
#define ACPI_ISA_IRQS        16
#define ACPI_LINE_NONE       0xff
#define ACPI_VIRTIO_MMIO_MAX 32 /* QEMU's microvm has 24 slots at most */

#define ACPI_PCI_SLOTS     32
#define ACPI_PCI_PINS      4
#define ACPI_HOTPLUG_BUSES 64 /* numbers of buses that are told apart; QEMU has 256 */

/*
 * The reader: `bytes` bytes of physical memory from `address` on, or null when they cannot be
 * read, which includes a range that wraps around. The memory must stay readable and unchanged until
 * acpi_parse returns.
 */
typedef const void *acpi_map_fn(paddr_t address, size_t bytes);

/* Address spaces of a register. [ACPI 6.5 §5.2.3.2] */
enum acpi_space { ACPI_SPACE_MEMORY = 0, ACPI_SPACE_IO = 1, ACPI_SPACE_PCI_CONFIG = 2 };

/* A register: address 0 means that there is none. */
struct acpi_register {
    uint64_t address;
    uint8_t space; /* enum acpi_space, or another number that the firmware wrote */
};

struct acpi_io_apic {
    uint32_t address;
    uint32_t gsi_base; /* global system interrupt of its first input */
};

/* Where an ISA interrupt arrives; without an override its own number, active high, edge. */
struct acpi_isa_irq {
    uint32_t gsi;
    bool active_low;
    bool level;
    bool overridden; /* the MADT names it; else the values above are the bus's */
};

/* An interrupt as a device's resources tell it. [ACPI 6.5 §6.4.3.6] */
struct acpi_interrupt {
    uint32_t gsi;
    bool active_low;
    bool level;
};

/* A device with one window of registers and one interrupt. bytes 0: there is none. */
struct acpi_device {
    uint32_t base;
    uint32_t bytes;
    struct acpi_interrupt interrupt;
};

struct acpi_info {
    char oem_id[7]; /* of the RSDP, terminated; "BOCHS " tells QEMU's own tables */

    /* MADT. [ACPI 6.5 §5.2.12] */
    bool has_madt;
    uint64_t local_apic_address;
    unsigned processors; /* those that are enabled */
    unsigned io_apic_count;
    struct acpi_io_apic io_apics[ACPI_IO_APICS_MAX];
    struct acpi_isa_irq isa_irqs[ACPI_ISA_IRQS]; /* filled in without a MADT, too */

    /* FADT. A port of 0 means that the block does not exist. [ACPI 6.5 §5.2.9] */
    bool has_fadt;
    bool hardware_reduced; /* no PM1 blocks and no timer: use the sleep control register */
    uint8_t sci_line; /* ISA interrupt; level and active low unless overridden. ACPI_LINE_NONE */
    uint16_t smi_command_port;
    uint8_t acpi_enable; /* value for smi_command_port that turns ACPI mode on; 0: is on already */
    uint16_t pm1a_event_port;
    uint16_t pm1b_event_port;
    uint8_t pm1_event_bytes; /* the enable register is half of this behind the status register */
    uint16_t pm1a_control_port;
    uint16_t pm1b_control_port;
    uint16_t pm_timer_port;
    bool pm_timer_32bit; /* else it counts 24 bits */
    uint16_t gpe0_port;  /* general-purpose events: status, and behind it as many enable bytes */
    uint8_t gpe0_bytes;  /* of both */
    struct acpi_register reset;
    uint8_t reset_value;
    struct acpi_register sleep_control;
    struct acpi_register sleep_status;
    uint64_t dsdt_address;
    uint8_t century_register; /* of the real-time clock; 0: it has none */

    /* MCFG, PCI segment 0, or _CBA in the DSDT. [PCI Firmware 3.3 §4.1.2, §4.1.3] */
    bool has_ecam;
    uint64_t ecam_base; /* of bus 0, even where bus_first is not 0 */
    uint8_t ecam_bus_first;
    uint8_t ecam_bus_last;

    /* \_S5_, from the DSDT or an SSDT: SLP_TYP values of soft off. [ACPI 6.5 §7.4.2] */
    bool has_s5;
    uint8_t s5_type_a;
    uint8_t s5_type_b;

    /* From the DSDT: virtio over memory (LNRO0005), and the register that tells why the generic
     * event device (ACPI0013) interrupted. [ACPI 6.5 §5.6.9] */
    unsigned virtio_mmio_count;
    struct acpi_device virtio_mmio[ACPI_VIRTIO_MMIO_MAX];
    struct acpi_device event_device;

    /* From the DSDT, where it has a plain table: the interrupt of each pin, A to D, of each slot of
     * bus 0. GSI 0: unknown. [ACPI 6.5 §6.2.13] */
    struct acpi_interrupt pci_routes[ACPI_PCI_SLOTS][ACPI_PCI_PINS];

    /* From the DSDT: the buses of further host bridges. Bus 0 is not said. [ACPI 6.5 §6.5.5] */
    struct pci_buses pci_roots;

    /* From the DSDT: the registers of QEMU's ACPI hot-plug (drivers/pci/pci_eject.h). 0: none. */
    uint16_t pci_hotplug_port;

    /* From the DSDT: which bus has which number there. */
    struct pci_path hotplug_buses[ACPI_HOTPLUG_BUSES];
};

/*
 * Read the tables that hang from the RSDP at `rsdp`. `info` is always filled: with defaults where
 * nothing was found. Errors: ERR_INVALID when the RSDP or both of its root tables are unusable;
 * everything else that is wrong is a warning in the log. Costs one pass over each table used.
 */
MUST_USE err_t acpi_parse(paddr_t rsdp, acpi_map_fn *map, struct acpi_info *info);
