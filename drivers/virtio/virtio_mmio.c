/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of virtio over memory [VIRTIO 1.4 §4.2.2], and of its legacy version 1
 * [VIRTIO 1.4 §4.2.4], which differs in how a queue is set up and has 32 bits of features.
 *
 * Invariants: control registers are accessed 32 bits wide; read-only ones are never written and
 * write-only ones never read; registers of shared memory are not touched; of a slot without a
 * device nothing but the first three registers is read [VIRTIO 1.4 §4.2.2.2, §4.2.3.1.1].
 */

#include "drivers/virtio/virtio_mmio.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"

#define MAGIC_VALUE         0x000U /* read */
#define VERSION             0x004U /* read */
#define DEVICE_ID           0x008U /* read */
#define DEVICE_FEATURES     0x010U /* read */
#define DEVICE_FEATURES_SEL 0x014U
#define DRIVER_FEATURES     0x020U
#define DRIVER_FEATURES_SEL 0x024U
#define GUEST_PAGE_SIZE     0x028U /* version 1 */
#define QUEUE_SEL           0x030U
#define QUEUE_SIZE_MAX      0x034U /* read */
#define QUEUE_SIZE          0x038U
#define QUEUE_ALIGN         0x03cU /* version 1 */
#define QUEUE_PFN           0x040U /* version 1; read and write */
#define QUEUE_READY         0x044U /* read and write */
#define QUEUE_NOTIFY        0x050U
#define INTERRUPT_STATUS    0x060U /* read */
#define INTERRUPT_ACK       0x064U
#define STATUS              0x070U /* read and write */
#define QUEUE_DESC          0x080U /* two halves, like the next two */
#define QUEUE_DRIVER        0x090U
#define QUEUE_DEVICE        0x0a0U
#define CONFIG_GENERATION   0x0fcU /* read */
#define CONFIG              0x100U

#define MAGIC          0x74726976U /* "virt" */
#define VERSION_LEGACY 1U
#define VERSION_MODERN 2U

/* More of the configuration than any device type has. */
#define BYTES_MAX 4096U
/* Times a cause is looked for in one interrupt; see interrupt_cause(). */
#define CAUSES_MAX 4U

/* ---- register access ---- */

static struct virtio_mmio *vm_of(struct virtio_device *dev)
{
    ASSERT(dev->transport != NULL);
    return dev->transport;
}

static uint32_t reg_read(const struct virtio_mmio *vm, unsigned offset)
{
    ASSERT(offset % 4 == 0 && offset + 4U <= vm->bytes);
    return vm->mmio->read(vm->registers + offset, 4);
}

static void reg_write(struct virtio_mmio *vm, unsigned offset, uint32_t value)
{
    ASSERT(offset % 4 == 0 && offset + 4U <= vm->bytes);
    vm->mmio->write(vm->registers + offset, 4, value);
}

static void reg_write64(struct virtio_mmio *vm, unsigned offset, uint64_t value)
{
    reg_write(vm, offset, (uint32_t)value);
    reg_write(vm, offset + 4, (uint32_t)(value >> 32));
}

/* ---- attaching ---- */

static err_t identify(struct virtio_mmio *vm, paddr_t base)
{
    uint32_t magic = reg_read(vm, MAGIC_VALUE);
    uint32_t version;
    uint32_t id;

    if (magic != MAGIC) {
        log_warn("virtio mmio %08llx: no virtio registers: %08x", (unsigned long long)base,
                 (unsigned)magic);
        return ERR_INVALID;
    }
    version = reg_read(vm, VERSION);
    if (version != VERSION_LEGACY && version != VERSION_MODERN) {
        log_warn("virtio mmio %08llx: unknown version %u", (unsigned long long)base,
                 (unsigned)version);
        return ERR_INVALID;
    }
    /* An empty slot is no fault: MUST NOT be reported [VIRTIO 1.4 §4.2.2.2]. */
    id = reg_read(vm, DEVICE_ID);
    if (id == 0 || id > UINT16_MAX) {
        return ERR_UNSUPPORTED;
    }
    vm->dev.device_id = (uint16_t)id;
    vm->dev.legacy = version == VERSION_LEGACY;
    return OK;
}

/* ---- struct virtio_transport_ops ---- */

static uint8_t get_status(struct virtio_device *dev)
{
    return (uint8_t)reg_read(vm_of(dev), STATUS);
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    struct virtio_mmio *vm = vm_of(dev);

    if (status == 0) {
        vm->queues = 0;
    }
    reg_write(vm, STATUS, status);
}

static uint32_t features_word(struct virtio_mmio *vm, uint32_t word)
{
    reg_write(vm, DEVICE_FEATURES_SEL, word);
    return reg_read(vm, DEVICE_FEATURES);
}

static uint64_t get_features(struct virtio_device *dev)
{
    struct virtio_mmio *vm = vm_of(dev);
    uint64_t features = features_word(vm, 0);

    return dev->legacy ? features : features | (uint64_t)features_word(vm, 1) << 32;
}

static void set_features(struct virtio_device *dev, uint64_t features)
{
    struct virtio_mmio *vm = vm_of(dev);

    ASSERT(!dev->legacy || features <= UINT32_MAX);
    reg_write(vm, DRIVER_FEATURES_SEL, 0);
    reg_write(vm, DRIVER_FEATURES, (uint32_t)features);
    if (!dev->legacy) {
        reg_write(vm, DRIVER_FEATURES_SEL, 1);
        reg_write(vm, DRIVER_FEATURES, (uint32_t)(features >> 32));
    }
}

/* Not above what the device has: QEMU says 1024 for every queue it has (observed: 7.2). */
static uint16_t queue_size_max(struct virtio_device *dev, uint16_t index)
{
    struct virtio_mmio *vm = vm_of(dev);

    if (index >= VIRTIO_MMIO_QUEUES_MAX) {
        return 0;
    }
    reg_write(vm, QUEUE_SEL, index);
    return (uint16_t)min_u64(reg_read(vm, QUEUE_SIZE_MAX), UINT16_MAX);
}

/* There is no register for it: the first queue without a size ends the list. Counted once, before
 * any queue is in use, for then a legacy device's sizes may not be read [VIRTIO 1.4 §4.2.4]. */
static uint16_t queue_count(struct virtio_device *dev)
{
    struct virtio_mmio *vm = vm_of(dev);

    if (vm->queues == 0) {
        while (queue_size_max(dev, vm->queues) != 0) {
            vm->queues++;
        }
    }
    return vm->queues;
}

/* The selected queue MUST not be in use [VIRTIO 1.4 §4.2.3.2]. */
static err_t queue_must_be_unused(const struct virtio_mmio *vm, unsigned in_use, uint16_t index)
{
    if (reg_read(vm, in_use) == 0) {
        return OK;
    }
    log_error("virtio %u (mmio): queue %u is in use", (unsigned)vm->dev.device_id, (unsigned)index);
    return ERR_DEVICE;
}

/* One number tells where all parts of the queue are. A reset may have made the device forget how
 * large our pages are [VIRTIO 1.4 §4.2.4]. */
static err_t queue_enable_legacy(struct virtio_mmio *vm, const struct virtq *vq)
{
    uint64_t pfn = vq->desc_address >> FRAME_SHIFT;

    ASSERT(vq->desc_address % FRAME_SIZE == 0 && vq->used_address % FRAME_SIZE == 0);
    if (pfn == 0 || pfn > UINT32_MAX) {
        return ERR_RANGE;
    }
    reg_write(vm, GUEST_PAGE_SIZE, FRAME_SIZE);
    reg_write(vm, QUEUE_SIZE, vq->size);
    reg_write(vm, QUEUE_ALIGN, FRAME_SIZE);
    reg_write(vm, QUEUE_PFN, (uint32_t)pfn);
    return OK;
}

static err_t queue_enable(struct virtio_device *dev, const struct virtq *vq)
{
    struct virtio_mmio *vm = vm_of(dev);
    err_t err;

    ASSERT(vq->index < VIRTIO_MMIO_QUEUES_MAX);
    reg_write(vm, QUEUE_SEL, vq->index);
    err = queue_must_be_unused(vm, dev->legacy ? QUEUE_PFN : QUEUE_READY, vq->index);
    if (err != OK) {
        return err;
    }
    if (dev->legacy) {
        return queue_enable_legacy(vm, vq);
    }
    reg_write(vm, QUEUE_SIZE, vq->size);
    reg_write64(vm, QUEUE_DESC, vq->desc_address);
    reg_write64(vm, QUEUE_DRIVER, vq->avail_address);
    reg_write64(vm, QUEUE_DEVICE, vq->used_address);
    reg_write(vm, QUEUE_READY, 1);
    return reg_read(vm, QUEUE_READY) == 1 ? OK : ERR_DEVICE;
}

static void queue_notify(struct virtio_device *dev, uint16_t index)
{
    reg_write(vm_of(dev), QUEUE_NOTIFY, index);
}

static uint8_t config_generation(struct virtio_device *dev)
{
    return dev->legacy ? 0 : (uint8_t)reg_read(vm_of(dev), CONFIG_GENERATION);
}

/* A field beyond the window is one the device does not have. */
static bool config_has(const struct virtio_mmio *vm, uint32_t offset)
{
    ASSERT(offset % 4 == 0);
    return vm->bytes >= CONFIG + 4U && offset <= vm->bytes - CONFIG - 4U;
}

/* Little endian and four bytes at once, also where the balloon is legacy [VIRTIO 1.4 §5.5.4.0.0.1,
 * §5.5.6.2.1]. */
static uint32_t config_read32(struct virtio_device *dev, uint32_t offset)
{
    struct virtio_mmio *vm = vm_of(dev);

    return config_has(vm, offset) ? reg_read(vm, CONFIG + offset) : 0;
}

static void config_write32(struct virtio_device *dev, uint32_t offset, uint32_t value)
{
    struct virtio_mmio *vm = vm_of(dev);

    if (config_has(vm, offset)) {
        reg_write(vm, CONFIG + offset, value);
    }
}

/* Acknowledges what it reads, and no undefined bit. It looks again, because on an edge-triggered
 * line a second cause that came meanwhile would hold the line and never be announced. */
static uint32_t interrupt_cause(struct virtio_device *dev)
{
    struct virtio_mmio *vm = vm_of(dev);
    uint32_t all = 0;

    for (unsigned i = 0; i < CAUSES_MAX; i++) {
        uint32_t cause =
            reg_read(vm, INTERRUPT_STATUS) & (VIRTIO_INTERRUPT_QUEUE | VIRTIO_INTERRUPT_CONFIG);

        if (cause == 0) {
            break;
        }
        reg_write(vm, INTERRUPT_ACK, cause);
        all |= cause;
    }
    return all;
}

static void relax(struct virtio_device *dev)
{
    vm_of(dev)->relax();
}

static const struct virtio_transport_ops ops = {
    .name = "mmio",
    .get_status = get_status,
    .set_status = set_status,
    .get_features = get_features,
    .set_features = set_features,
    .queue_count = queue_count,
    .queue_size_max = queue_size_max,
    .queue_enable = queue_enable,
    .queue_notify = queue_notify,
    .config_generation = config_generation,
    .config_read32 = config_read32,
    .config_write32 = config_write32,
    .interrupt_cause = interrupt_cause,
    .relax = relax,
};

err_t virtio_mmio_attach(struct virtio_mmio *vm, paddr_t base, uint64_t bytes,
                         const struct virtio_mmio_env *env)
{
    ASSERT(env->map != NULL && env->relax != NULL);
    *vm = (struct virtio_mmio){ .relax = env->relax };
    vm->mmio = env->mmio != NULL ? env->mmio : &mmio_direct;
    vm->dev.ops = &ops;
    vm->dev.transport = vm;
    if (base % 4 != 0 || bytes < VIRTIO_MMIO_BYTES_MIN) {
        return ERR_RANGE;
    }
    vm->bytes = (uint32_t)min_u64(bytes, BYTES_MAX);
    vm->registers = env->map(base, vm->bytes);
    if (vm->registers == NULL) {
        return ERR_NOMEM;
    }
    return identify(vm, base);
}
