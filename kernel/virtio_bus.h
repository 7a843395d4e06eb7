/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * Every virtio device of the machine, whatever it is attached to: PCI functions first, by bus, slot
 * and function, then windows of memory in the order in which ACPI and then the command line name
 * them.
 *
 *   virtio_bus_find()    where is the first, second, ... device of this kind?
 *   virtio_bus_attach()  makes it usable through d->dev; the life cycle of virtio.h follows
 *   virtio_bus_route()   once its queues are enabled: its interrupts
 *
 * Not callable from interrupts.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "arch/x86_64/trap.h"
#include "drivers/virtio/virtio_mmio.h"
#include "drivers/virtio/virtio_pci.h"

/* Messages a device may send: for its configuration, and for its queues. */
#define VIRTIO_BUS_MESSAGES 2U

struct virtio_place {
    bool in_memory;
    struct pci_address pci; /* else */
    unsigned slot;          /* in_memory: number in the list of windows */
};

struct virtio_bus_device {
    struct virtio_device *dev; /* null before the first attach */
    char where[24];            /* for the log: "pci 00:03.0", "mmio feb00e00" */
    /* private */
    struct virtio_place place;
    trap_handler *handler;
    void *context;
    union {
        struct virtio_pci pci;
        struct virtio_mmio mmio;
    };
    /* Messages outlive the device they were made for: the next one gets the same. */
    unsigned messages;
    unsigned messages_used;
    struct {
        uint64_t address;
        uint32_t data;
    } message[VIRTIO_BUS_MESSAGES];
};

/* Learns which windows in memory hold a device: those of ACPI, and those of the kernel's command
 * line. PCI is searched afresh each time, because functions come and go. machine_init() first. */
void virtio_bus_init(const char *cmdline);

/* The device with index `n`, from 0, among those with this id. False: there are not so many. */
bool virtio_bus_find(uint16_t device_id, unsigned n, struct virtio_place *place);

/*
 * Makes the device at `place` usable. `*d` is zero, or was attached to a device that has been
 * stopped or is gone; its interrupts are then used again. `handler` will be called for every
 * interrupt of the device, and for some that are not its own; with `messages` it gets MSI-X where
 * there is any. Errors are those of virtio_pci_attach() and virtio_mmio_attach(), which log them.
 */
MUST_USE err_t virtio_bus_attach(struct virtio_bus_device *d, const struct virtio_place *place,
                                 bool messages, trap_handler *handler, void *context);

/* The device sends messages, and needs no line. Settled when its queues are enabled. */
bool virtio_bus_has_messages(const struct virtio_bus_device *d);

/* Connects the device's line, unless it sends messages, and calls the handler once, for what may
 * have happened before. Returns what it is, for the log: "MSI-X", "INTx", "line"; null: the device
 * has no interrupt that leads anywhere. */
const char *virtio_bus_route(struct virtio_bus_device *d);
