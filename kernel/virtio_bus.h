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
 *   virtio_bus_detach()  nobody drives it any more
 *
 * Interrupts are the bus's: it asks the device for the cause, and calls the driver when there is
 * one, between attach and detach and at no other time. Lines are shared, so an interrupt can come
 * while a device is being attached, and after it has left.
 *
 * Not callable from interrupts.
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#include "drivers/virtio/virtio_mmio.h"
#include "drivers/virtio/virtio_pci.h"

/* Messages a device may send: for its configuration, and for its queues. */
#define VIRTIO_BUS_MESSAGES 2U

struct virtio_place {
    bool in_memory;
    struct pci_address pci; /* else */
    unsigned slot;          /* in_memory: number in the list of windows */
};

/* What the bus tells a driver. */
struct virtio_bus_driver {
    /* The device has interrupted, for `cause` (VIRTIO_INTERRUPT_*, not 0). From an interrupt. */
    void (*interrupt)(uint32_t cause);
    /* The device is about to leave, or has left: no memory may be its own any more when this
     * returns. virtio_bus_detach() follows. From work. Null: the driver finds out by itself. */
    void (*let_go)(void);
};

struct virtio_bus_device {
    struct virtio_device *dev; /* null before the first attach */
    char where[24];            /* for the log: "pci 00:03.0", "mmio feb00e00" */
    struct virtio_place place; /* of the last attach */
    /* private */
    const struct virtio_bus_driver *driver;
    bool attached;
    bool routed; /* virtio_bus_route() was called */
    bool line;   /* and has connected its line */
    bool listed;
    struct virtio_bus_device *next;
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
 * stopped or is gone; its interrupts are then used again. It and `driver` stay where they are for
 * ever. With `messages` the device gets MSI-X where there is any. Errors are those of
 * virtio_pci_attach() and virtio_mmio_attach(), which log them; the device is then not attached.
 */
MUST_USE err_t virtio_bus_attach(struct virtio_bus_device *d, const struct virtio_place *place,
                                 bool messages, const struct virtio_bus_driver *driver);

/* The driver is not called any more, and a PCI device cannot raise its line. `d->dev` may be used
 * still, to stop the device. Nothing when it is not attached. */
void virtio_bus_detach(struct virtio_bus_device *d);

/* Connects the device's line, unless it sends messages, and looks for a cause once, in case
 * something happened before. Returns what it is, for the log: "MSI-X", "INTx", "line"; null: the
 * device has no interrupt that leads anywhere. A device that refuses messages when it is started
 * anew has its line connected then. */
const char *virtio_bus_route(struct virtio_bus_device *d);

/* The device interrupts by a line, which was connected. */
bool virtio_bus_has_line(const struct virtio_bus_device *d);

/* The cause that an interrupt would have found, in case it was lost; the driver is not called. 0
 * when there is none, or nothing is attached. With MSI-X all bits. */
uint32_t virtio_bus_poll(struct virtio_bus_device *d);

/* Functions with one of these bus numbers, in one of these slots, and all behind them. */
struct pci_leave {
    uint8_t bus_first;
    uint8_t bus_last;
    uint32_t slots; /* bit for slot */
};

/* They are about to leave, or have left: their drivers let them go. From work only. */
void virtio_bus_let_go(struct pci_leave leave);
