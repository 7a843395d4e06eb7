/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Puts the machine together from what ACPI tells. Interrupt lines of PCI devices are taken from the
 * interrupt line register where ACPI's _PRT would need an interpreter for AML: under SeaBIOS, on pc
 * and on q35, the I/O APIC's input of that number is raised too. qboot on q35 writes a number there
 * that leads nowhere (observed: QEMU 7.2); the safety poll of whoever drives the device notices
 * that.
 */

#include "kernel/machine.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/apic.h"
#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "arch/x86_64/pci_config.h"
#include "arch/x86_64/power.h"
#include "arch/x86_64/segments.h"
#include "drivers/pci/pci_spec.h"

#define LOCAL_APIC_USUAL UINT64_C(0xfee00000)
#define IO_APIC_USUAL    UINT64_C(0xfec00000)

static struct acpi_info acpi;
static uint8_t vector_next = VECTOR_IRQ_FIRST;

/* Interrupt lines in use at once, and devices that share one; each handler finds out whether it was
 * meant. */
#define LINES_MAX      16U
#define LINE_USERS_MAX 4U

static struct line {
    uint32_t gsi;
    unsigned count; /* 0: not in use, and none behind it is */
    struct {
        trap_handler *handler;
        void *context;
    } users[LINE_USERS_MAX];
} lines[LINES_MAX];

struct pci_window machine_pci_window;

static uint32_t config_read(struct pci_address at, uint16_t offset, unsigned bytes)
{
    return pci_config_read(at.bus, at.slot, at.function, offset, bytes);
}

static void config_write(struct pci_address at, uint16_t offset, unsigned bytes, uint32_t value)
{
    pci_config_write(at.bus, at.slot, at.function, offset, bytes, value);
}

const struct pci_access machine_pci = { .read = config_read,
                                        .write = config_write,
                                        .roots = &acpi.pci_roots };

static uint32_t port_read(uint16_t port, unsigned bytes)
{
    ASSERT(bytes == 1 || bytes == 2 || bytes == 4);
    return bytes == 1 ? port_in8(port) : bytes == 2 ? port_in16(port) : port_in32(port);
}

static void port_write(uint16_t port, unsigned bytes, uint32_t value)
{
    ASSERT(bytes == 1 || bytes == 2 || bytes == 4);
    if (bytes == 1) {
        port_out8(port, (uint8_t)value);
    } else if (bytes == 2) {
        port_out16(port, (uint16_t)value);
    } else {
        port_out32(port, value);
    }
}

const struct port_ops machine_ports = { .read = port_read, .write = port_write };

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
        struct power_acpi power = {
            .sleep_control = acpi.sleep_control.space == ACPI_SPACE_IO
                                 ? (uint16_t)acpi.sleep_control.address
                                 : 0,
            .sleep_register =
                acpi.sleep_control.space == ACPI_SPACE_MEMORY && acpi.sleep_control.address != 0
                    ? paging_map_device(acpi.sleep_control.address, 1)
                    : NULL,
            .pm1a_control = acpi.pm1a_control_port,
            .pm1b_control = acpi.pm1b_control_port,
            .sleep_type_a = acpi.s5_type_a,
            .sleep_type_b = acpi.s5_type_b,
        };

        power_set_acpi(&power);
    }
}

/* ---- PCI ---- */

#define PCI_HOLE_START UINT64_C(0xc0000000)
#define PCI_HOLE_END   UINT64_C(0xfe800000) /* the I/O APIC and its like lie above */

/* Lowers the end of the window to where the firmware placed something. Sizes do not matter. */
static void window_below(uint64_t base)
{
    if (base >= PCI_HOLE_START && base < machine_pci_window.end) {
        machine_pci_window.end = base;
    }
}

static bool quiet_function(void *context, const struct pci_function *function)
{
    struct pci_address at = function->address;
    bool is_bridge = (function->header_type & PCI_HEADER_LAYOUT) == PCI_HEADER_LAYOUT_BRIDGE;
    unsigned bars = is_bridge ? 2 : PCI_BARS;

    (void)context;
    for (unsigned i = 0; i < bars; i++) {
        uint32_t bar = config_read(at, (uint16_t)PCI_BAR(i), 4);

        if ((bar & PCI_BAR_IO) == 0) {
            window_below(bar & ~PCI_BAR_MEMORY_FLAGS);
        }
    }
    if (is_bridge) {
        window_below((uint64_t)config_read(at, PCI_BRIDGE_MEMORY_BASE, 2) << 16);
        window_below((uint64_t)(config_read(at, PCI_BRIDGE_PREFETCH_BASE, 2) & 0xfff0U) << 16);
    }
    pci_command(&machine_pci, at, PCI_COMMAND_INTX_OFF, 0);
    return false;
}

/*
 * One pass over all functions: none may raise its interrupt line before it has a driver, because a
 * line that nobody serves never falls silent; and the lowest address that the firmware gave away in
 * the hole below 4 GiB ends the window for BARs that it left unplaced. It fills the hole from above
 * (observed: SeaBIOS 1.16), or not at all (observed: qboot).
 */
static void survey_pci(uint64_t memory_end)
{
    machine_pci_window.next = max_u64(PCI_HOLE_START, align_up(memory_end, BLOCK_SIZE));
    machine_pci_window.end = PCI_HOLE_END;
    window_below(acpi.ecam_base);
    (void)pci_scan(&machine_pci, quiet_function, NULL);
}

void machine_init(uint64_t rsdp, uint64_t memory_end)
{
    read_acpi(rsdp);
    survey_pci(memory_end);
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

/* ---- interrupts ---- */

static err_t take_vector(trap_handler *handler, void *context, uint8_t *vector)
{
    if (vector_next > VECTOR_IRQ_LAST) {
        return ERR_BUSY;
    }
    *vector = vector_next++;
    trap_set_handler(*vector, handler, context);
    return OK;
}

static void on_line(void *context)
{
    const struct line *line = context;

    for (unsigned i = 0; i < line->count; i++) {
        line->users[i].handler(line->users[i].context);
    }
}

/* The line, or a free one that it can become; null when all are in use. */
static struct line *line_of(uint32_t gsi)
{
    for (unsigned i = 0; i < LINES_MAX; i++) {
        if (lines[i].count == 0 || lines[i].gsi == gsi) {
            return &lines[i];
        }
    }
    return NULL;
}

static bool line_has(const struct line *line, trap_handler *handler, const void *context)
{
    for (unsigned i = 0; i < line->count; i++) {
        if (line->users[i].handler == handler && line->users[i].context == context) {
            return true;
        }
    }
    return false;
}

/* The line's first user gets it a vector and unmasks it. */
static err_t open_line(struct line *line, const struct acpi_interrupt *interrupt)
{
    uint8_t vector;
    err_t err = take_vector(on_line, line, &vector);

    if (err != OK) {
        return err;
    }
    return apic_route(interrupt->gsi, vector, interrupt->level, interrupt->active_low);
}

static err_t join_line(struct line *line, const struct acpi_interrupt *interrupt,
                       trap_handler *handler, void *context)
{
    err_t err = OK;

    if (line == NULL || line->count == LINE_USERS_MAX) {
        return ERR_BUSY;
    }
    line->gsi = interrupt->gsi;
    line->users[line->count].handler = handler;
    line->users[line->count].context = context;
    line->count++;
    if (line->count == 1) {
        err = open_line(line, interrupt);
    }
    if (err != OK) {
        line->count--;
    }
    return err;
}

err_t machine_route_gsi(const struct acpi_interrupt *interrupt, trap_handler *handler,
                        void *context)
{
    bool on = interrupts_save_off();
    struct line *line = line_of(interrupt->gsi);
    err_t err = OK;

    if (line == NULL || !line_has(line, handler, context)) {
        err = join_line(line, interrupt, handler, context);
    }
    interrupts_restore(on);
    return err;
}

err_t machine_route_line(uint8_t number, trap_handler *handler, void *context)
{
    if (number >= ACPI_ISA_IRQS) {
        return ERR_RANGE;
    }
    /* PCI interrupts are level-triggered whatever the bus default of the line is. Polarity follows
     * the override where there is one; without one we take active high, since an I/O APIC of QEMU
     * does not care and real ones are always described [PCI 3.0 §2.2.6, ACPI 6.5 §5.2.12.5]. */
    const struct acpi_isa_irq *irq = &acpi.isa_irqs[number];
    const struct acpi_interrupt interrupt = { irq->gsi, irq->overridden && irq->active_low, true };

    return machine_route_gsi(&interrupt, handler, context);
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
