/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Attaching a virtio device on PCI [VIRTIO 1.4 §4.1.2, §4.1.5.1]: is it one, where are its
 * registers, can we reach them, how will it interrupt. Reading the capabilities is
 * virtio_pci_caps.c's work, using the registers virtio_pci_ops.c's; the legacy interface is in
 * virtio_pci_legacy.c.
 *
 * Interrupts: with MSI-X, vector 0 is for configuration changes and vector 1 for all queues. With
 * one vector both share it. If the device refuses a vector, MSI-X goes off and INTx takes over.
 */

#include "drivers/virtio/virtio_pci.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/pci/pci_spec.h"

/* Mapped of a region at most: as the specification suggests for the structures, and enough notify
 * addresses for our queues a page apart. */
#define REGION_BYTES_MAX 4096U
#define NOTIFY_BYTES_MAX (UINT64_C(4096) * VIRTIO_PCI_QUEUES_MAX)

/* PCI ids [VIRTIO 1.4 §4.1.2]. */
#define PCI_DEVICE_MODERN_FIRST         0x1040U
#define PCI_DEVICE_MODERN_LAST          0x107fU
#define PCI_DEVICE_TRANSITIONAL_BALLOON 0x1002U
#define PCI_DEVICE_TRANSITIONAL_CONSOLE 0x1003U
#define PCI_DEVICE_TRANSITIONAL_ENTROPY 0x1005U

uint16_t virtio_pci_device_id(uint16_t vendor, uint16_t device)
{
    if (vendor != VIRTIO_PCI_VENDOR) {
        return 0;
    }
    if (device >= PCI_DEVICE_MODERN_FIRST && device <= PCI_DEVICE_MODERN_LAST) {
        return (uint16_t)(device - PCI_DEVICE_MODERN_FIRST);
    }
    switch (device) {
    case PCI_DEVICE_TRANSITIONAL_BALLOON:
        return VIRTIO_ID_BALLOON;
    case PCI_DEVICE_TRANSITIONAL_CONSOLE:
        return VIRTIO_ID_CONSOLE;
    case PCI_DEVICE_TRANSITIONAL_ENTROPY:
        return VIRTIO_ID_ENTROPY;
    default:
        return 0;
    }
}

/* Gives one BAR a place if it has none. */
static err_t place_bar(const struct virtio_pci *vp, struct pci_bar bars[PCI_BARS], unsigned index,
                       struct pci_window *window)
{
    if (bars[index].base != 0) {
        return OK;
    }
    pci_command(vp->pci, vp->address, 0, PCI_COMMAND_IO | PCI_COMMAND_MEMORY);
    return pci_bar_place(vp->pci, vp->address, bars, index, window);
}

/* Gives every BAR we are going to use a place. */
static err_t place_bars(const struct virtio_pci *vp, struct pci_bar bars[PCI_BARS],
                        const struct virtio_pci_layout *layout, const struct virtio_pci_env *env)
{
    const struct virtio_pci_region *const regions[] = { &layout->common, &layout->notify,
                                                        &layout->isr, &layout->device };
    unsigned msix_bar = pci_msix_bar(vp->pci, vp->address);

    for (unsigned i = 0; i < ARRAY_SIZE(regions); i++) {
        err_t err = OK;

        if (regions[i]->present) {
            err = place_bar(vp, bars, regions[i]->bar, env->window);
        }
        if (err != OK) {
            return err;
        }
    }
    /* The device works without MSI-X; then its table needs no place. */
    if (env->msix_vector != NULL && msix_bar < PCI_BARS &&
        place_bar(vp, bars, msix_bar, env->window) != OK) {
        log_warn("virtio %u (pci): no address for the MSI-X table", (unsigned)vp->dev.device_id);
    }
    return OK;
}

static volatile unsigned char *map_region(const struct virtio_pci_env *env,
                                          const struct pci_bar bars[PCI_BARS],
                                          const struct virtio_pci_region *region, uint32_t bytes)
{
    ASSERT(region->present && region->bar < PCI_BARS);
    ASSERT((uint64_t)region->offset + bytes <= bars[region->bar].size);
    return env->map(bars[region->bar].base + region->offset, bytes);
}

/* Maps what is needed of each structure and no more [VIRTIO 1.4 §4.1.4.1]. */
static err_t map_regions(struct virtio_pci *vp, const struct pci_bar bars[PCI_BARS],
                         const struct virtio_pci_layout *layout, const struct virtio_pci_env *env)
{
    vp->notify_bytes = (uint32_t)min_u64(layout->notify.bytes, NOTIFY_BYTES_MAX);
    vp->notify_multiplier = layout->notify_multiplier;
    vp->common = map_region(env, bars, &layout->common, VIRTIO_PCI_COMMON_BYTES);
    vp->notify = map_region(env, bars, &layout->notify, vp->notify_bytes);
    vp->isr = map_region(env, bars, &layout->isr, 1);
    if (vp->common == NULL || vp->notify == NULL || vp->isr == NULL) {
        return ERR_NOMEM;
    }
    if (layout->device.present) {
        vp->device_bytes = (uint32_t)min_u64(layout->device.bytes, REGION_BYTES_MAX);
        vp->device = map_region(env, bars, &layout->device, vp->device_bytes);
        if (vp->device == NULL) {
            return ERR_NOMEM;
        }
    }
    return OK;
}

/* Programs up to two vectors; on any failure the device stays with INTx. */
static void msix_begin(struct virtio_pci *vp, const struct pci_bar bars[PCI_BARS],
                       const struct virtio_pci_env *env)
{
    unsigned vectors = 0;
    uint64_t address;
    uint32_t data;

    if (env->msix_vector == NULL ||
        pci_msix_open(&vp->table, vp->pci, vp->mmio, vp->address, bars, 2, env->map) != OK) {
        return;
    }
    while (vectors < vp->table.vectors && env->msix_vector(env->context, &address, &data)) {
        pci_msix_program(&vp->table, vectors, address, data);
        vectors++;
    }
    if (vectors == 0) {
        pci_msix_close(&vp->table);
        return;
    }
    pci_msix_enable(&vp->table);
    vp->queue_vector = (uint16_t)(vectors - 1);
    vp->msix = true;
}

/* Says why a device that looked right is not used. */
static err_t refuse(const struct virtio_pci *vp, const char *why, err_t err)
{
    log_error("virtio %u (pci %x:%x.%x): %s (%s)", (unsigned)vp->dev.device_id,
              (unsigned)vp->address.bus, (unsigned)vp->address.slot, (unsigned)vp->address.function,
              why, err_name(err));
    return err;
}

/* The modern interface: capabilities, places, mappings. */
static err_t attach_modern(struct virtio_pci *vp, struct pci_bar bars[PCI_BARS],
                           const struct virtio_pci_env *env, const char **why)
{
    struct virtio_pci_layout layout;
    err_t err = virtio_pci_layout_read(vp->pci, vp->address, bars, &layout);

    if (err != OK) {
        *why = err == ERR_UNSUPPORTED ? "offers only the legacy interface"
                                      : "no usable virtio capabilities";
        return err;
    }
    err = place_bars(vp, bars, &layout, env);
    if (err != OK) {
        *why = "its registers have no address";
        return err;
    }
    *why = "its registers cannot be mapped";
    return map_regions(vp, bars, &layout, env);
}

/* By the capabilities where they lead somewhere; a device without, or with useless ones, is used by
 * the legacy interface if it has that [VIRTIO 1.4 §4.1.5.1.1.1]. */
static err_t attach_either(struct virtio_pci *vp, struct pci_bar bars[PCI_BARS],
                           const struct virtio_pci_env *env, const char **why)
{
    err_t err = attach_modern(vp, bars, env, why);

    vp->dev.ops = &virtio_pci_ops;
    if (err == OK || virtio_pci_legacy_locate(vp, bars, env) != OK) {
        return err;
    }
    vp->dev.ops = &virtio_pci_legacy_ops;
    vp->dev.legacy = true;
    return OK;
}

err_t virtio_pci_attach(struct virtio_pci *vp, const struct pci_access *pci, struct pci_address at,
                        const struct virtio_pci_env *env)
{
    struct pci_bar bars[PCI_BARS];
    uint32_t ids = pci->read(at, PCI_VENDOR_ID, 4);
    const char *why = "not a device header";
    err_t err;

    ASSERT(env->map != NULL && env->relax != NULL);
    *vp = (struct virtio_pci){ .pci = pci,
                               .address = at,
                               .relax = env->relax,
                               .falls_back = env->falls_back,
                               .context = env->context };
    vp->mmio = env->mmio != NULL ? env->mmio : &mmio_direct;
    vp->dev.transport = vp;
    vp->dev.device_id = virtio_pci_device_id((uint16_t)ids, (uint16_t)(ids >> 16));
    if (vp->dev.device_id == 0) {
        return ERR_UNSUPPORTED;
    }
    err = pci_bars_read(pci, at, bars);
    if (err == OK) {
        err = attach_either(vp, bars, env, &why);
    }
    if (err != OK) {
        return refuse(vp, why, err);
    }
    /* The firmware leaves bus mastering off (observed: SeaBIOS), and maybe INTx. The legacy
     * interface needs memory, too: the MSI-X table is there. */
    pci_command(pci, at,
                PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | (vp->dev.legacy ? PCI_COMMAND_IO : 0),
                PCI_COMMAND_INTX_OFF);
    msix_begin(vp, bars, env);
    return OK;
}

bool virtio_pci_gone(struct virtio_device *dev)
{
    const struct virtio_pci *vp = dev->transport;

    return vp->pci->read(vp->address, PCI_VENDOR_ID, 2) == PCI_VENDOR_NONE ||
           (vp->pci->read(vp->address, PCI_COMMAND, 2) & PCI_COMMAND_MASTER) == 0;
}

void virtio_pci_relax(struct virtio_device *dev)
{
    const struct virtio_pci *vp = dev->transport;

    vp->relax();
}

void virtio_pci_vector_bound(struct virtio_pci *vp, uint16_t vector, uint32_t bound)
{
    ASSERT(vp->msix && vector < vp->table.vectors);
    if (bound != vector) {
        log_warn("virtio %u (pci): MSI-X vector refused, using INTx", (unsigned)vp->dev.device_id);
        pci_msix_close(&vp->table);
        vp->msix = false;
        if (vp->falls_back != NULL) {
            vp->falls_back(vp->context);
        }
    }
}

bool virtio_pci_uses_msix(const struct virtio_pci *vp)
{
    return vp->msix;
}
