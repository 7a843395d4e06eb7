/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Brings together who knows where virtio devices are (PCI, ACPI, the command line), the transports
 * that drive them, and the machine's interrupts.
 */

#include "kernel/virtio_bus.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/string.h"

#include "arch/x86_64/cpu.h"
#include "arch/x86_64/paging.h"
#include "drivers/pci/pci_spec.h"
#include "kernel/format.h"
#include "kernel/machine.h"
#include "kernel/mmio_words.h"

#define SLOTS_MAX ACPI_VIRTIO_MMIO_MAX

/* Windows in memory with a device in them. */
static struct slot {
    uint16_t device_id;
    paddr_t base;
    uint64_t bytes;
    struct acpi_interrupt interrupt;
} slots[SLOTS_MAX];
static unsigned slot_count;

static const struct virtio_mmio_env mmio_env = { .map = paging_map_device, .relax = cpu_relax };

/* ---- windows in memory ---- */

/* Asks who is there. Empty slots are usual and no news. */
static void add_slot(const struct slot *found)
{
    struct virtio_mmio probe;

    for (unsigned i = 0; i < slot_count; i++) {
        if (slots[i].base == found->base) {
            return;
        }
    }
    err_t err = virtio_mmio_attach(&probe, found->base, found->bytes, &mmio_env);

    if (err == ERR_UNSUPPORTED) {
        return;
    }
    if (err != OK || slot_count == SLOTS_MAX) {
        log_warn("virtio mmio %08llx: not usable: %s", (unsigned long long)found->base,
                 err_name(err == OK ? ERR_BUSY : err));
        return;
    }
    slots[slot_count] = *found;
    slots[slot_count].device_id = probe.dev.device_id;
    slot_count++;
}

/* The line says nothing about trigger and polarity. An ISA interrupt has those of its bus or of its
 * override, which QEMU's and other monitors' devices serve; any other is taken for level. */
static struct acpi_interrupt interrupt_of_irq(uint32_t irq)
{
    if (irq >= ACPI_ISA_IRQS) {
        return (struct acpi_interrupt){ .gsi = irq, .level = true };
    }
    const struct acpi_isa_irq *isa = &machine_acpi()->isa_irqs[irq];

    return (struct acpi_interrupt){ isa->gsi, isa->active_low, isa->level };
}

static void report_bad(void *context, const char *word, int length)
{
    (void)context;
    log_warn("parameter '%.*s' ignored: expected " MMIO_WORD_FORM ", %u at most", length, word,
             (unsigned)SLOTS_MAX);
}

void virtio_bus_init(const char *cmdline)
{
    const struct acpi_info *acpi = machine_acpi();
    static struct mmio_word words[SLOTS_MAX];
    size_t count = mmio_words_read(cmdline, words, SLOTS_MAX, report_bad, NULL);

    for (unsigned i = 0; i < acpi->virtio_mmio_count; i++) {
        const struct acpi_device *device = &acpi->virtio_mmio[i];

        add_slot(&(struct slot){
            .base = device->base, .bytes = device->bytes, .interrupt = device->interrupt });
    }
    for (size_t i = 0; i < count; i++) {
        add_slot(&(struct slot){ .base = words[i].base,
                                 .bytes = words[i].bytes,
                                 .interrupt = interrupt_of_irq(words[i].irq) });
    }
}

/* ---- finding ---- */

struct search {
    uint16_t device_id;
    unsigned left; /* matches to pass over */
    struct virtio_place *place;
};

static bool is_match(void *context, const struct pci_function *function)
{
    struct search *search = context;

    if (virtio_pci_device_id(function->vendor, function->device) != search->device_id ||
        search->left-- != 0) {
        return false;
    }
    *search->place = (struct virtio_place){ .pci = function->address };
    return true;
}

bool virtio_bus_find(uint16_t device_id, unsigned n, struct virtio_place *place)
{
    struct search search = { .device_id = device_id, .left = n, .place = place };

    ASSERT(device_id != 0);
    if (pci_scan(&machine_pci, is_match, &search)) {
        return true;
    }
    for (unsigned i = 0; i < slot_count; i++) {
        if (slots[i].device_id == device_id && search.left-- == 0) {
            *place = (struct virtio_place){ .in_memory = true, .slot = i };
            return true;
        }
    }
    return false;
}

/* ---- interrupts ---- */

/* All that were ever attached. */
static struct virtio_bus_device *devices;

/* Those of a line that is shared come for others, too, whatever state this device is in. */
static void on_interrupt(void *context)
{
    struct virtio_bus_device *d = context;
    uint32_t cause = virtio_bus_poll(d);

    if (cause != 0) {
        d->driver->interrupt(cause);
    }
}

uint32_t virtio_bus_poll(struct virtio_bus_device *d)
{
    return d->attached ? d->dev->ops->interrupt_cause(d->dev) : 0;
}

static bool msix_vector(void *context, uint64_t *address, uint32_t *data)
{
    struct virtio_bus_device *d = context;
    unsigned i = d->messages_used;

    if (i == VIRTIO_BUS_MESSAGES) {
        return false;
    }
    if (i == d->messages) {
        if (machine_route_message(on_interrupt, d, &d->message[i].address, &d->message[i].data) !=
            OK) {
            return false;
        }
        d->messages++;
    }
    *address = d->message[i].address;
    *data = d->message[i].data;
    d->messages_used++;
    return true;
}

#define PIIX3_VENDOR  0x8086U
#define PIIX3_DEVICE  0x7000U
#define PIIX3_ROUTE_A 0x60U
#define LINE_UNKNOWN  0xffU

/* The firmware writes no line for a function that was plugged in later. The bridge above has one,
 * and shares it where pins turned by the slot are the same [PCI-to-PCI Bridge 1.2 §9.1]; bus 0 of
 * QEMU's pc asks its interrupt router. */
static uint8_t line_of(struct pci_address at, uint8_t pin)
{
    uint8_t line = pci_interrupt_line(&machine_pci, at);
    unsigned turned = (pin - 1U + at.slot) % ACPI_PCI_PINS;
    struct pci_address bridge;
    struct pci_function router;

    if (line != 0) {
        return line;
    }
    if (at.bus != 0) {
        return pci_bridge_of(&machine_pci, at.bus, &bridge) &&
                       pci_interrupt_pin(&machine_pci, bridge) == turned + 1
                   ? pci_interrupt_line(&machine_pci, bridge)
                   : LINE_UNKNOWN;
    }
    /* Slot 1, pin A is the first (observed: QEMU 7.2). */
    return pci_find(&machine_pci, PIIX3_VENDOR, PIIX3_DEVICE, &router)
               ? (uint8_t)machine_pci.read(
                     router.address, (uint16_t)(PIIX3_ROUTE_A + (turned + 3) % ACPI_PCI_PINS), 1)
               : LINE_UNKNOWN;
}

/* By ACPI's table where it has one that can be read, else by what the firmware wrote down. */
static err_t route_pci(struct virtio_bus_device *d)
{
    struct pci_address at = d->place.pci;
    uint8_t pin = pci_interrupt_pin(&machine_pci, at);

    if (pin == 0) {
        return ERR_UNSUPPORTED;
    }
    const struct acpi_interrupt *route = &machine_acpi()->pci_routes[at.slot][pin - 1];

    if (at.bus == 0 && route->gsi != 0) {
        return machine_route_gsi(route, on_interrupt, d);
    }
    return machine_route_line(line_of(at, pin), on_interrupt, d);
}

/* A device may raise its line only where that leads to us: others may be on it. */
static void let_through(struct virtio_bus_device *d, bool on)
{
    if (!d->place.in_memory) {
        pci_command(&machine_pci, d->place.pci, on ? 0 : PCI_COMMAND_INTX_OFF,
                    on ? PCI_COMMAND_INTX_OFF : 0);
    }
}

static void connect_line(struct virtio_bus_device *d)
{
    err_t err = d->place.in_memory
                    ? machine_route_gsi(&slots[d->place.slot].interrupt, on_interrupt, d)
                    : route_pci(d);

    d->line = err == OK;
    let_through(d, d->line);
    if (err != OK) {
        log_warn("virtio %u (%s): no interrupt: %s", (unsigned)d->dev->device_id, d->where,
                 err_name(err));
    }
}

/* Before the first start virtio_bus_route() is still to come. */
static void on_fall_back(void *context)
{
    struct virtio_bus_device *d = context;

    if (d->routed) {
        connect_line(d);
    }
}

const char *virtio_bus_route(struct virtio_bus_device *d)
{
    ASSERT(d->attached);
    d->routed = true;
    if (!d->place.in_memory && virtio_pci_uses_msix(&d->pci)) {
        return "MSI-X";
    }
    connect_line(d);
    if (!d->line) {
        return NULL;
    }
    /* An edge that came while the line was masked is lost, and there is no second before the first
     * was served. */
    bool on = interrupts_save_off();

    on_interrupt(d);
    interrupts_restore(on);
    return d->place.in_memory ? "line" : "INTx";
}

bool virtio_bus_has_line(const struct virtio_bus_device *d)
{
    return d->line;
}

/* ---- attaching ---- */

static err_t attach_pci(struct virtio_bus_device *d, bool messages)
{
    struct pci_address at = d->place.pci;
    struct pci_window behind;

    bool at_root = pci_is_root(&machine_pci, at.bus);

    if (!at_root) {
        behind = pci_window_behind(&machine_pci, at);
    }
    const struct virtio_pci_env env = {
        .map = paging_map_device,
        .window = at_root ? &machine_pci_window : &behind,
        .relax = cpu_relax,
        .msix_vector = messages ? msix_vector : NULL,
        .falls_back = on_fall_back,
        .context = d,
        .ports = &machine_ports,
    };

    d->messages_used = 0;
    d->dev = &d->pci.dev;
    (void)format_print(d->where, sizeof(d->where), "pci %02x:%02x.%u", at.bus, at.slot,
                       at.function);
    err_t err = virtio_pci_attach(&d->pci, &machine_pci, at, &env);

    if (err == OK) {
        let_through(d, false);
    }
    return err;
}

static err_t attach_mmio(struct virtio_bus_device *d)
{
    const struct slot *slot = &slots[d->place.slot];

    ASSERT(d->place.slot < slot_count);
    d->dev = &d->mmio.dev;
    (void)format_print(d->where, sizeof(d->where), "mmio %08llx", (unsigned long long)slot->base);
    return virtio_mmio_attach(&d->mmio, slot->base, slot->bytes, &mmio_env);
}

/* With interrupts off: the device does not answer meanwhile, and its neighbours neither while they
 * are sized. */
err_t virtio_bus_attach(struct virtio_bus_device *d, const struct virtio_place *place,
                        bool messages, const struct virtio_bus_driver *driver)
{
    bool on = interrupts_save_off();

    ASSERT(driver->interrupt != NULL);
    if (!d->listed) {
        d->listed = true;
        d->next = devices;
        devices = d;
    }
    d->place = *place;
    d->driver = driver;
    d->routed = false;
    d->line = false;
    err_t err = place->in_memory ? attach_mmio(d) : attach_pci(d, messages);

    d->attached = err == OK;
    interrupts_restore(on);
    return err;
}

void virtio_bus_detach(struct virtio_bus_device *d)
{
    bool on = interrupts_save_off();

    if (d->attached) {
        /* It may not have been reset, and nobody asks it for the cause any more. */
        let_through(d, false);
    }
    d->attached = false;
    interrupts_restore(on);
}

/* It leaves itself, or a bridge above it does. */
static bool is_leaving(struct pci_address at, struct pci_leave leave)
{
    do {
        if (at.bus >= leave.bus_first && at.bus <= leave.bus_last &&
            (leave.slots & (UINT32_C(1) << at.slot)) != 0) {
            return true;
        }
    } while (pci_bridge_of(&machine_pci, at.bus, &at));
    return false;
}

void virtio_bus_let_go(struct pci_leave leave)
{
    for (struct virtio_bus_device *d = devices; d != NULL; d = d->next) {
        if (!d->attached || d->place.in_memory || !is_leaving(d->place.pci, leave)) {
            continue;
        }
        if (d->driver->let_go != NULL) {
            d->driver->let_go();
        }
        virtio_bus_detach(d);
    }
}
