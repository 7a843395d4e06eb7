/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * virtio over PCI [VIRTIO 1.4 §4.1]: makes a PCI function into a struct virtio_device, by its
 * modern interface where that is usable, else by the legacy one. Everything machine-dependent comes
 * in through struct virtio_pci_env.
 *
 *   virtio_pci_attach()     once: BARs, mapping, MSI-X; then the life cycle of virtio.h, any number
 *                           of times
 *   virtio_pci_uses_msix()  after virtio_queue_start(): how the device will interrupt
 */

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "drivers/pci/pci.h"
#include "drivers/pci/pci_msix.h"
#include "drivers/virtio/virtio.h"
#include "drivers/virtio/virtio_pci_caps.h"

#define VIRTIO_PCI_VENDOR 0x1af4U

/* Queues one device may use here; higher indices read as "no such queue". A balloon has five. */
#define VIRTIO_PCI_QUEUES_MAX 8U

struct virtio_pci_env {
    /* Maps device memory uncached; null on failure. */
    mmio_map_fn map;
    /* Addresses for BARs the firmware left unplaced; null: there are none to give. */
    struct pci_window *window;
    /* Waits a microsecond or more. */
    void (*relax)(void);
    /* Allocates an interrupt and says which message raises it; false when there is no more. Null
     * when MSI-X shall not be used. `context` is passed on. */
    bool (*msix_vector)(void *context, uint64_t *address, uint32_t *data);
    /* The device has refused messages that it took before, or was to take: from now on it raises
     * its line. Called while queues are set up, before DRIVER_OK. Null: nobody needs to know. */
    void (*falls_back)(void *context);
    void *context;
    /* How device memory is accessed; null: mmio_direct. */
    const struct mmio_ops *mmio;
    /* How I/O ports are; null: there are none, and so no legacy interface. */
    const struct port_ops *ports;
};

struct virtio_pci {
    struct virtio_device dev;
    const struct pci_access *pci;
    const struct mmio_ops *mmio;
    struct pci_address address;
    void (*relax)(void);
    void (*falls_back)(void *context);
    void *context;
    /* legacy */
    const struct port_ops *ports;
    uint16_t port;       /* the first */
    uint16_t port_count; /* that the device has */
    /* modern */
    volatile unsigned char *common;
    volatile unsigned char *notify;
    volatile unsigned char *isr;
    volatile unsigned char *device; /* null: no configuration */
    uint32_t notify_bytes;          /* mapped */
    uint32_t notify_multiplier;
    uint32_t device_bytes; /* mapped */
    uint32_t notify_offset[VIRTIO_PCI_QUEUES_MAX];
    /* both */
    bool msix;             /* MSI-X is on; otherwise INTx */
    uint16_t queue_vector; /* 1, or 0 when both events share a vector */
    struct pci_msix table;
};

/* The virtio device id of a function, or 0 when it is no virtio device that we know by its PCI ids:
 * 1af4:1040 and up, and the transitional balloon, console and entropy devices. */
uint16_t virtio_pci_device_id(uint16_t vendor, uint16_t device);

/*
 * Makes the function at `at` usable through vp->dev; virtio_begin() comes next. ERR_UNSUPPORTED:
 * no virtio device, or none whose interface can be reached. ERR_INVALID: its capabilities make no
 * sense. ERR_NOMEM: no address or mapping for its registers. ERR_DEVICE: a BAR does not work.
 * After an error the function may have stopped decoding. May be called again on the same object
 * once the device it was attached to was stopped, or is gone.
 */
MUST_USE err_t virtio_pci_attach(struct virtio_pci *vp, const struct pci_access *pci,
                                 struct pci_address at, const struct virtio_pci_env *env);

/* False: the device raises its INTx line. True: it sends messages. Settled anew whenever the queues
 * are enabled, since the device may refuse a vector then. */
bool virtio_pci_uses_msix(const struct virtio_pci *vp);

/* ---- for virtio_pci*.c only ---- */

/* The operations of vp->dev. */
extern const struct virtio_transport_ops virtio_pci_ops;
extern const struct virtio_transport_ops virtio_pci_legacy_ops;

/* For both: nobody answers at the function's address, or somebody who was not told to master the
 * bus, because the function was replaced. */
bool virtio_pci_gone(struct virtio_device *dev);

/* For both: waits. */
void virtio_pci_relax(struct virtio_device *dev);

/* For both: the vector of the event that belongs to no queue. */
#define VIRTIO_PCI_CONFIG_VECTOR 0U

/* For both: an event was mapped to `vector`, and the device says it has `bound`. It may refuse one,
 * so it MUST be asked [VIRTIO 1.4 §4.1.5.1.2.2]; then INTx serves everything from now on. */
void virtio_pci_vector_bound(struct virtio_pci *vp, uint16_t vector, uint32_t bound);

/* Finds the legacy interface: ports, in BAR 0 and placed by the firmware. ERR_UNSUPPORTED. */
MUST_USE err_t virtio_pci_legacy_locate(struct virtio_pci *vp, const struct pci_bar bars[PCI_BARS],
                                        const struct virtio_pci_env *env);
