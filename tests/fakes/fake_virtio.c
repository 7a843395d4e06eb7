/* SPDX-License-Identifier: BSD-2-Clause */
/* A transport that keeps a diary. It asserts what no driver may ever do, whatever the test. */

#include "tests/fakes/fake_virtio.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/bits.h"

static struct fake_virtio *fake_of(struct virtio_device *dev)
{
    return dev->transport;
}

static void note(struct fake_virtio *fake, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static void note(struct fake_virtio *fake, const char *format, ...)
{
    size_t used = strlen(fake->log);
    va_list args;

    if (used != 0 && used + 1 < sizeof(fake->log)) {
        fake->log[used++] = ' ';
        fake->log[used] = '\0';
    }
    va_start(args, format);
    vsnprintf(fake->log + used, sizeof(fake->log) - used, format, args);
    va_end(args);
}

static uint8_t get_status(struct virtio_device *dev)
{
    struct fake_virtio *fake = fake_of(dev);

    if (fake->reset_left != 0) {
        fake->reset_left -= fake->reset_left == UINT32_MAX ? 0 : 1;
        return fake->status;
    }
    if ((fake->status & VIRTIO_STATUS_FEATURES_OK) != 0 && fake->refuses_features_ok) {
        return (uint8_t)(fake->status & ~VIRTIO_STATUS_FEATURES_OK);
    }
    return fake->status;
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    struct fake_virtio *fake = fake_of(dev);

    note(fake, "status=%02x", (unsigned)status);
    /* The legacy interface has no such bit [VIRTIO 1.4 §3.1.2]. */
    ASSERT(!dev->legacy || (status & VIRTIO_STATUS_FEATURES_OK) == 0);
    if (status == 0) {
        fake->reset_left = fake->reset_delay;
        fake->accepted = 0;
        memset(fake->enabled, 0, sizeof(fake->enabled));
        /* A device that takes its time shows the old status meanwhile. */
        if (fake->reset_delay != 0 && fake->status == 0) {
            fake->status = VIRTIO_STATUS_ACKNOWLEDGE;
        }
        if (fake->reset_delay == 0) {
            fake->status = 0;
        }
        return;
    }
    /* [VIRTIO 1.4 §2.1.1] */
    ASSERT((fake->status & ~status) == 0 || fake->refuses_features_ok);
    fake->status = status;
}

static uint64_t get_features(struct virtio_device *dev)
{
    note(fake_of(dev), "offered");
    return fake_of(dev)->offered;
}

static void set_features(struct virtio_device *dev, uint64_t features)
{
    struct fake_virtio *fake = fake_of(dev);

    /* [VIRTIO 1.4 §2.2.1, §3.1.1] */
    ASSERT((features & ~fake->offered) == 0);
    ASSERT((fake->status & VIRTIO_STATUS_FEATURES_OK) == 0);
    fake->accepted = features;
    note(fake, "accepted=%llx", (unsigned long long)features);
}

static uint16_t queue_count(struct virtio_device *dev)
{
    return fake_of(dev)->queues;
}

static uint16_t queue_size_max(struct virtio_device *dev, uint16_t index)
{
    ASSERT(index < FAKE_VIRTIO_QUEUES);
    return fake_of(dev)->queue_size[index];
}

static err_t queue_enable(struct virtio_device *dev, const struct virtq *vq)
{
    struct fake_virtio *fake = fake_of(dev);

    ASSERT(dev->legacy || (fake->status & VIRTIO_STATUS_FEATURES_OK) != 0);
    ASSERT((fake->status & VIRTIO_STATUS_DRIVER_OK) == 0);
    ASSERT(vq->index < fake->queues && vq->size <= fake->queue_size[vq->index]);
    note(fake, "queue=%u/%u", (unsigned)vq->index, (unsigned)vq->size);
    fake->enabled[vq->index] = vq;
    return fake->queue_enable_error;
}

static void queue_notify(struct virtio_device *dev, uint16_t index)
{
    struct fake_virtio *fake = fake_of(dev);

    /* [VIRTIO 1.4 §3.1.1] */
    ASSERT((fake->status & VIRTIO_STATUS_DRIVER_OK) != 0);
    ASSERT(index < FAKE_VIRTIO_QUEUES && fake->enabled[index] != NULL);
    fake->notified[index]++;
    note(fake, "notify=%u", (unsigned)index);
}

static uint8_t config_generation(struct virtio_device *dev)
{
    return fake_of(dev)->generation;
}

static uint32_t config_read32(struct virtio_device *dev, uint32_t offset)
{
    uint32_t value;

    ASSERT(offset % 4 == 0 && offset < sizeof(fake_of(dev)->config));
    memcpy(&value, fake_of(dev)->config + offset, sizeof(value));
    return value;
}

static void config_write32(struct virtio_device *dev, uint32_t offset, uint32_t value)
{
    struct fake_virtio *fake = fake_of(dev);

    ASSERT(offset % 4 == 0 && offset < sizeof(fake->config));
    /* Reading is allowed before, writing is not [VIRTIO 1.4 §3.1.1]. */
    ASSERT(dev->legacy || (fake->status & VIRTIO_STATUS_FEATURES_OK) != 0);
    memcpy(fake->config + offset, &value, sizeof(value));
    note(fake, "config[%u]=%x", (unsigned)offset, (unsigned)value);
}

static uint32_t interrupt_cause(struct virtio_device *dev)
{
    uint32_t cause = fake_of(dev)->interrupt;

    fake_of(dev)->interrupt = 0;
    return cause;
}

static void relax(struct virtio_device *dev)
{
    struct fake_virtio *fake = fake_of(dev);

    fake->relaxed++;
    if (fake->reset_left == 0) {
        fake->status = 0;
    }
}

static bool gone(struct virtio_device *dev)
{
    return fake_of(dev)->gone;
}

#define OPS                                                                                        \
    .name = "fake", .get_status = get_status, .set_status = set_status,                            \
    .get_features = get_features, .set_features = set_features, .queue_count = queue_count,        \
    .queue_size_max = queue_size_max, .queue_enable = queue_enable, .queue_notify = queue_notify,  \
    .config_generation = config_generation, .config_read32 = config_read32,                        \
    .config_write32 = config_write32, .interrupt_cause = interrupt_cause, .relax = relax,          \
    .gone = gone

static const struct virtio_transport_ops ops = { OPS };
static const struct virtio_transport_ops ops_fixed = { OPS, .queue_size_fixed = true };

void fake_virtio_init(struct fake_virtio *fake, uint16_t device_id, uint64_t features,
                      uint16_t queues)
{
    ASSERT(queues <= FAKE_VIRTIO_QUEUES);
    memset(fake, 0, sizeof(*fake));
    fake->dev.ops = &ops;
    fake->dev.transport = fake;
    fake->dev.device_id = device_id;
    fake->offered = VIRTIO_F_VERSION_1 | features;
    fake->queues = queues;
    for (unsigned i = 0; i < ARRAY_SIZE(fake->queue_size); i++) {
        fake->queue_size[i] = 128;
    }
}

void fake_virtio_log_clear(struct fake_virtio *fake)
{
    fake->log[0] = '\0';
}

void fake_virtio_make_legacy(struct fake_virtio *fake, bool sizes_fixed)
{
    fake->dev.legacy = true;
    fake->dev.ops = sizes_fixed ? &ops_fixed : &ops;
    fake->offered &= UINT32_MAX;
}
