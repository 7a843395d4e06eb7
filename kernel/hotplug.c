/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whoever drives a device lets go of it, then it is taken out; when one comes, whoever could drive
 * it looks. ACPI's way announces itself by an interrupt (SCI) for general-purpose event 1
 * (docs/specs/acpi_pci_hotplug.rst of QEMU); slots of PCI Express are looked at once in a while,
 * which costs a register each. Devices that nobody drives leave just like that.
 *
 * The balloon is all that is driven here; a driver of an application that uses another device must
 * find out itself that it has left.
 */

#include "kernel/hotplug.h"

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "drivers/pci/pci_eject.h"
#include "drivers/pci/pci_slot.h"
#include "drivers/pci/pci_spec.h"
#include "kernel/balloon_service.h"
#include "kernel/machine.h"
#include "kernel/timer.h"
#include "kernel/virtio_bus.h"
#include "kernel/work.h"

#define GPE_HOT_PLUG 2U /* bit of the first status and enable byte */
#define SLOTS_MAX    16U
#define NS_PER_MS    UINT64_C(1000000)
#define LOOK_NS      (1000 * NS_PER_MS)

/* ---- ACPI ---- */

/* A bus that ACPI does not tell may be any. */
static void on_leave(uint32_t number, uint32_t slots)
{
    struct pci_leave leave = { 0, UINT8_MAX, slots };
    uint8_t bus;

    if (number < ACPI_HOTPLUG_BUSES &&
        pci_path_bus(&machine_pci, &machine_acpi()->hotplug_buses[number], &bus)) {
        leave.bus_first = bus;
        leave.bus_last = bus;
    }
    virtio_bus_let_go(leave);
}

static void on_request(void *context, enum work_place place)
{
    (void)context;
    (void)place;
    if (pci_eject(&machine_ports, machine_acpi()->pci_hotplug_port, on_leave)) {
        balloon_service_look();
    }
}

static struct work request_work = { .run = on_request };

static void on_sci(void *context)
{
    uint16_t status = machine_acpi()->gpe0_port;

    (void)context;
    if ((port_in8(status) & GPE_HOT_PLUG) != 0) {
        port_out8(status, GPE_HOT_PLUG); /* writing one clears */
        work_mark(&request_work);
    }
}

static void start_acpi(void)
{
    const struct acpi_info *acpi = machine_acpi();
    uint16_t enable = (uint16_t)(acpi->gpe0_port + acpi->gpe0_bytes / 2);

    if (acpi->pci_hotplug_port == 0 || acpi->gpe0_port == 0 || acpi->gpe0_bytes < 2) {
        return;
    }
    work_add(&request_work);
    if (machine_route_line(acpi->sci_line, on_sci, NULL) != OK) {
        log_warn("hot-plug: no interrupt");
        return;
    }
    port_out8(enable, port_in8(enable) | GPE_HOT_PLUG);
}

/* ---- PCI Express ---- */

static struct pci_slot slots[SLOTS_MAX];
static unsigned slot_count;
static struct timer slot_timer;
static bool arriving; /* a device was given power, and is looked for the next time */

static void empty_slot(struct pci_slot *slot)
{
    virtio_bus_let_go((struct pci_leave){
        .bus_first = (uint8_t)machine_pci.read(slot->port, PCI_SECONDARY_BUS, 1),
        .bus_last = (uint8_t)machine_pci.read(slot->port, PCI_SUBORDINATE_BUS, 1),
        .slots = UINT32_MAX,
    });
    pci_slot_power(slot, &machine_pci, false);
}

static void look_at_slots(void *context)
{
    uint64_t pause = LOOK_NS;

    (void)context;
    if (arriving) {
        arriving = false;
        balloon_service_look();
    }
    for (unsigned i = 0; i < slot_count; i++) {
        enum pci_slot_news news = pci_slot_look(&slots[i], &machine_pci);

        if (news == PCI_SLOT_LEAVES) {
            empty_slot(&slots[i]);
        } else if (news == PCI_SLOT_COMES) {
            pci_slot_power(&slots[i], &machine_pci, true);
            arriving = true;
            pause = PCI_SLOT_POWER_MS * NS_PER_MS;
        }
    }
    timer_set(&slot_timer, clock_now_ns() + pause);
}

static bool open_slot(void *context, const struct pci_function *function)
{
    (void)context;
    if (pci_slot_open(&slots[slot_count], &machine_pci, function)) {
        slot_count++;
    }
    return slot_count == SLOTS_MAX;
}

void hotplug_start(void)
{
    start_acpi();
    (void)pci_scan(&machine_pci, open_slot, NULL);
    if (slot_count != 0) {
        slot_timer.fire = look_at_slots;
        timer_set(&slot_timer, clock_now_ns() + LOOK_NS);
    }
}
