/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts the machine together from what ACPI tells. Interrupt lines of PCI devices are taken from the
 * interrupt line register: routing by ACPI's _PRT would need an interpreter for AML, and both QEMU
 * machines raise the I/O APIC's input of that number too (observed: QEMU 7.2, pc and q35).
 */

#include "kernel/machine.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/pci_config.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/segments.h"

#define LOCAL_APIC_USUAL UINT64_C(0xfee00000)
#define IO_APIC_USUAL    UINT64_C(0xfec00000)

static struct acpi_info acpi;
static uint8_t vector_next = VECTOR_IRQ_FIRST;

/* Between the top of low memory on the largest layout (3 GiB) and the I/O APIC there is room that
 * firmware fills from below; what is left over is at its end (observed: QEMU 7.2). */
struct pci_window machine_pci_window = { .next = UINT64_C(0xfe000000),
                                         .end = UINT64_C(0xfe800000) };

static uint32_t config_read(struct pci_address at, uint16_t offset, unsigned bytes)
{
    return pci_config_read(at.bus, at.slot, at.function, offset, bytes);
}

static void config_write(struct pci_address at, uint16_t offset, unsigned bytes, uint32_t value)
{
    pci_config_write(at.bus, at.slot, at.function, offset, bytes, value);
}

const struct pci_access machine_pci = { .read = config_read, .write = config_write };

const struct acpi_info *machine_acpi(void)
{
    return &acpi;
}

static void read_acpi(uint64_t rsdp)
{
    err_t err = acpi_parse(rsdp, paging_map_firmware, &acpi);

    if (err != OK) {
        log_warn("ACPI: %s; the usual addresses are assumed", err_name(err));
    }
    if (!acpi.has_madt) {
        acpi.local_apic_address = LOCAL_APIC_USUAL;
        acpi.processors = 1;
        acpi.io_apic_count = 1;
        acpi.io_apics[0].address = IO_APIC_USUAL;
    }
    if (acpi.has_ecam) {
        pci_config_use_ecam(acpi.ecam_base + ((uint64_t)acpi.ecam_bus_first << 20),
                            acpi.ecam_bus_first, acpi.ecam_bus_last);
    }
    if (acpi.has_s5) {
        struct power_acpi power = { acpi.pm1a_control_port, acpi.pm1b_control_port, acpi.s5_type_a,
                                    acpi.s5_type_b };

        power_set_acpi(&power);
    }
}

void machine_init(uint64_t rsdp)
{
    read_acpi(rsdp);
    err_t err = apic_init(acpi.local_apic_address);

    if (err != OK) {
        panic("local APIC: %s", err_name(err));
    }
    clock_calibrate_begin(acpi.pm_timer_port, acpi.pm_timer_32bit);
    for (unsigned i = 0; i < acpi.io_apic_count; i++) {
        err = apic_add_io(acpi.io_apics[i].address, acpi.io_apics[i].gsi_base);
        if (err != OK) {
            log_warn("I/O APIC at %08x: %s", acpi.io_apics[i].address, err_name(err));
        }
    }
    if (acpi.processors > 1) {
        log_info("processors: 1 in use, %u stay parked", acpi.processors - 1);
    }
    log_info("machine: firmware '%s', %u I/O APIC, PCI by %s", acpi.oem_id, acpi.io_apic_count,
             acpi.has_ecam ? "ECAM" : "ports");
}

static err_t take_vector(trap_handler *handler, void *context, uint8_t *vector)
{
    if (vector_next > VECTOR_IRQ_LAST) {
        return ERR_BUSY;
    }
    *vector = vector_next++;
    trap_set_handler(*vector, handler, context);
    return OK;
}

err_t machine_route_line(uint8_t line, trap_handler *handler, void *context)
{
    uint8_t vector;

    if (line >= ACPI_ISA_IRQS) {
        return ERR_RANGE;
    }
    err_t err = take_vector(handler, context, &vector);

    if (err != OK) {
        return err;
    }
    const struct acpi_isa_irq *irq = &acpi.isa_irqs[line];

    /* PCI interrupts are level-triggered whatever the bus default of the line is; polarity follows
     * the override where there is one [PCI 3.0 §2.2.6, ACPI 6.5 §5.2.12.5]. */
    return apic_route(irq->gsi, vector, true, irq->overridden && irq->active_low);
}

err_t machine_route_message(trap_handler *handler, void *context, uint64_t *address, uint32_t *data)
{
    uint8_t vector;
    err_t err = take_vector(handler, context, &vector);

    if (err == OK) {
        apic_message(vector, address, data);
    }
    return err;
}
