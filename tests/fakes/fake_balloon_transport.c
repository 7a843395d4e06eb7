/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The registers of the fake host of the balloon driver: status, features, queues and configuration.
 * Each access is judged: what is touched too early, too late, or is not the driver's ends the test.
 */

#include <string.h>

#include "tests/fakes/fake_balloon_internal.h"

#define F fake_balloon

/* ---- status ---- */

void fake_balloon_interrupt(uint32_t cause)
{
    F.isr |= cause;
    F.irq = true;
}

void fake_balloon_forget(void)
{
    F.status = 0;
    F.accepted = 0;
    F.isr = 0;
    F.pending_count = 0;
    F.stats_held = false;
    F.hostile = false;
    F.actual_true = 0;
    memset(F.queue, 0, sizeof(F.queue));
    memset(F.in_balloon, 0, F.frames);
    memset(F.reporting, 0, F.frames);
    F.hinting = false;
    memset(F.hint, 0, sizeof(F.hint));
}

static uint8_t op_get_status(struct virtio_device *dev)
{
    (void)dev;
    return F.gone ? UINT8_MAX : F.status;
}

static void op_set_status(struct virtio_device *dev, uint8_t status)
{
    (void)dev;
    if (status == 0) {
        if (!F.reset_hangs) {
            fake_balloon_forget();
        }
        return;
    }
    if (F.gone) {
        return;
    }
    always((F.status & ~status) == 0, "a status bit was cleared");
    if ((status & VIRTIO_STATUS_FEATURES_OK) != 0 && F.refuses_features) {
        status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    }
    if ((status & ~F.status & VIRTIO_STATUS_DRIVER_OK) != 0 && F.role[2] == BALLOON_QUEUE_STATS) {
        F.stats_before_driver_ok += fake_balloon_available(2);
    }
    if ((status & ~F.status & VIRTIO_STATUS_DRIVER_OK) != 0) {
        F.wake_ns = 0; /* whoever starts the driver marks it */
    }
    F.status = status;
}

/* ---- features and queues ---- */

static uint64_t op_get_features(struct virtio_device *dev)
{
    (void)dev;
    return F.offered;
}

static void op_set_features(struct virtio_device *dev, uint64_t features)
{
    (void)dev;
    always((features & ~F.offered) == 0, "a feature was accepted that was not offered");
    F.accepted = features;
}

/* By the specification, or consecutively over what is offered. */
static void number_queues(void)
{
    F.queue_count = 0;
    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        uint64_t feature = balloon_queue_feature((enum balloon_queue)q);

        if (F.fixed_queues || feature == 0 || (F.offered & feature) != 0) {
            F.role[F.queue_count++] = (enum balloon_queue)q;
        }
    }
    F.queue_count = (uint16_t)(F.queue_count - F.queues_missing);
}

static uint16_t op_queue_count(struct virtio_device *dev)
{
    (void)dev;
    number_queues();
    return F.queue_count;
}

static uint16_t op_queue_size_max(struct virtio_device *dev, uint16_t index)
{
    (void)dev;
    if (index >= F.queue_count) {
        return 0;
    }
    return F.queue_sizes[F.role[index]] > 0 ? F.queue_sizes[F.role[index]] : F.queue_size;
}

static err_t op_queue_enable(struct virtio_device *dev, const struct virtq *vq)
{
    (void)dev;
    always((F.status & VIRTIO_STATUS_DRIVER_OK) == 0, "a queue was enabled too late");
    F.queue[vq->index] = (struct fake_queue){ .size = vq->size, .rings = vq };
    return OK;
}

static void op_queue_notify(struct virtio_device *dev, uint16_t index)
{
    (void)dev;
    if (F.gone) {
        return;
    }
    always((F.status & VIRTIO_STATUS_DRIVER_OK) != 0, "a notification before DRIVER_OK");
    F.notifies++;
    fake_balloon_fetch(index);
}

/* ---- configuration and interrupts ---- */

static uint8_t op_config_generation(struct virtio_device *dev)
{
    (void)dev;
    return 0;
}

static uint32_t op_config_read32(struct virtio_device *dev, uint32_t offset)
{
    (void)dev;
    if (F.gone) {
        return UINT32_MAX;
    }
    if (offset == 8) {
        always((F.accepted & BALLOON_F_FREE_PAGE_HINT) != 0, "a field was read that is not there");
        return F.cmd_id;
    }
    always(offset == 0, "a field was read that is the driver's, or not there");
    return F.num_pages;
}

static void op_config_write32(struct virtio_device *dev, uint32_t offset, uint32_t value)
{
    (void)dev;
    if (F.gone) {
        return;
    }
    if (offset == 12) {
        always((F.accepted & BALLOON_F_PAGE_POISON) != 0, "a field was written that is not there");
        always((F.status & VIRTIO_STATUS_DRIVER_OK) == 0, "poison was written after DRIVER_OK");
        F.poison = value;
        return;
    }
    always(offset == 4, "a field was written that is not the driver's");
    always((F.status & VIRTIO_STATUS_DRIVER_OK) != 0, "`actual` was written before DRIVER_OK");
    /* Pages that wait for the host to be told may be in it yet. */
    require(value <= F.actual_true, "`actual` counts pages that were not acknowledged");
    require((F.accepted & BALLOON_F_MUST_TELL_HOST) != 0 || value == F.actual_true,
            "`actual` is not true");
    if (F.actual_last_ns != 0 && F.now_ns - F.actual_last_ns > F.actual_gap_ns) {
        F.actual_gap_ns = F.now_ns - F.actual_last_ns;
    }
    F.actual = value;
    F.actual_last_ns = F.now_ns;
    F.actual_writes++;
}

static uint32_t op_interrupt_cause(struct virtio_device *dev)
{
    uint32_t cause = F.isr;

    (void)dev;
    F.isr = 0;
    return cause;
}

static void op_relax(struct virtio_device *dev)
{
    (void)dev;
}

static bool op_gone(struct virtio_device *dev)
{
    (void)dev;
    return F.gone;
}

const struct virtio_transport_ops fake_balloon_ops = {
    .name = "fake",
    .get_status = op_get_status,
    .set_status = op_set_status,
    .get_features = op_get_features,
    .set_features = op_set_features,
    .queue_count = op_queue_count,
    .queue_size_max = op_queue_size_max,
    .queue_enable = op_queue_enable,
    .queue_notify = op_queue_notify,
    .config_generation = op_config_generation,
    .config_read32 = op_config_read32,
    .config_write32 = op_config_write32,
    .interrupt_cause = op_interrupt_cause,
    .relax = op_relax,
    .gone = op_gone,
};
