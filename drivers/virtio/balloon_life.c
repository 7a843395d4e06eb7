/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the balloon device: the memory it is shown, the life cycle in the order of
 * [VIRTIO 1.4 §3.1.1] and [VIRTIO 1.4 §5.5.5], statistics, and the way back.
 *
 *   offered feature       accepted  because
 *   STATS_VQ (1)          yes
 *   INDIRECT_DESC (28)    yes       one element for 16 MiB of frame numbers
 *   EVENT_IDX (29)        yes       one interrupt for a batch
 *   VERSION_1 (32)        required  there is no legacy mode
 *   MUST_TELL_HOST (0)    no        frames are used before the host has read that they left
 *   DEFLATE_ON_OOM (2)    no        there is no such path
 *   FREE_PAGE_HINT (3)    no        its queue would not be served
 *   PAGE_POISON (4)       no        it would oblige the driver to fill every page taken back; one
 *                                   that will not SHOULD clear the bit [VIRTIO 1.4 §5.5.3.1]
 *   PAGE_REPORTING (5)    no        its queue would not be served
 *
 * Invariant: no memory the device may use is freed before a reset finished.
 */

#include "drivers/virtio/balloon_life.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/balloon_move.h"
#include "drivers/virtio/balloon_stats.h"

#define BALLOON_F_STATS_VQ (UINT64_C(1) << 1)
#define FEATURES_WANTED                                                                            \
    (BALLOON_F_STATS_VQ | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 |       \
     VIRTIO_F_RING_PACKED)

/* Queues that do not exist take no number, but these three are the first wherever they exist
 * [VIRTIO 1.4 §5.5.2]. */
enum { QUEUE_INFLATE = 0, QUEUE_DEFLATE = 1, QUEUE_STATS = 2 };

/* At most one buffer is ever in the statistics queue [VIRTIO 1.4 §5.5.6.3.1]. */
#define STATS_QUEUE_SIZE 2U

/* ---- memory that is held from start to stop ---- */

static uint16_t queue_size_wanted(const struct balloon_profile *host)
{
    uint64_t descriptors = (uint64_t)host->requests_max * host->buffers_per_request;
    uint16_t size = 1;

    while (size < descriptors && size < VIRTQ_SIZE_MAX) {
        size = (uint16_t)(size * 2);
    }
    return size;
}

static struct virtq_shape shape_of(struct balloon_dev *d, uint16_t index)
{
    return index == QUEUE_STATS
               ? virtio_queue_shape(d->dev, index, STATS_QUEUE_SIZE, 1)
               : virtio_queue_shape(d->dev, index, queue_size_wanted(&d->config.host), 0);
}

static uint64_t queue_bytes(struct balloon_dev *d, uint16_t index)
{
    struct virtq_shape shape = shape_of(d, index);

    return align_up(virtq_bytes(&shape), FRAME_SIZE);
}

err_t balloon_life_hold(struct balloon_dev *d)
{
    err_t err = balloon_pool_init(&d->pool, d->mem);

    if (err == OK) {
        balloon_ledger_init(&d->ledger, d->mem);
        d->held = true;
    }
    return err;
}

/* [statistics buffer][rings], each from a frame on; again where a device changed its sizes. */
static err_t hold_rings(struct balloon_dev *d)
{
    uint64_t bytes = FRAME_SIZE + queue_bytes(d, QUEUE_INFLATE) + queue_bytes(d, QUEUE_DEFLATE) +
                     (d->has_stats ? queue_bytes(d, QUEUE_STATS) : 0);
    err_t err;

    if (d->fixed != NULL && d->fixed_frames >= bytes / FRAME_SIZE) {
        return OK;
    }
    if (d->fixed != NULL) {
        d->mem->page_free(d->fixed, d->fixed_address, d->fixed_frames);
        d->fixed = NULL;
    }
    d->fixed_frames = (unsigned)(bytes / FRAME_SIZE);
    err = d->mem->page_alloc(d->fixed_frames, &d->fixed, &d->fixed_address);
    d->fixed = err == OK ? d->fixed : NULL;
    d->stats_buffer = d->fixed;
    d->stats_address = d->fixed_address;
    return err;
}

/* Every frame comes back to the guest. The device must not own any of our memory. */
static void everything_back(struct balloon_dev *d)
{
    ASSERT(!d->owned);
    while (d->ledger.frames > 0) {
        struct balloon_run run = balloon_ledger_pop(&d->ledger, PFN_NONE);

        d->mem->give(run.first, run.count);
    }
    balloon_ledger_trim(&d->ledger);
    balloon_pool_forget(&d->pool);
    balloon_pool_shrink(&d->pool);
    (void)balloon_move_step(d, BALLOON_LOST, 0);
}

void balloon_life_release(struct balloon_dev *d)
{
    everything_back(d);
    balloon_pool_fini(&d->pool);
    if (d->fixed != NULL) {
        d->mem->page_free(d->fixed, d->fixed_address, d->fixed_frames);
        d->fixed = NULL;
    }
    d->held = false;
}

/* After OK the device uses no memory of ours [VIRTIO 1.4 §2.4.2]; otherwise nothing it was shown
 * may be used again, for it may still write there or give pages away. */
err_t balloon_life_take_back(struct balloon_dev *d)
{
    if (d->owned) {
        err_t err = virtio_stop(d->dev);

        if (err != OK) {
            log_error("balloon: %llu frames are held back, the device may still use them",
                      (unsigned long long)d->ledger.frames);
            return err;
        }
        d->owned = false;
    }
    everything_back(d);
    return OK;
}

/* ---- statistics ---- */

/* Values are read when the host asks, so they are as fresh as can be. */
static err_t stats_offer(struct balloon_dev *d)
{
    struct virtq_buffer buffer = { d->stats_address, BALLOON_STATS_BYTES };
    struct balloon_memory_stats memory;
    struct balloon_stat_values values;

    d->mem->stats(&memory);
    ASSERT(memory.all_frames >= d->ledger.frames);
    values.total_frames = memory.all_frames - d->ledger.frames;
    values.free_frames = memory.free_frames;
    values.available_frames =
        memory.free_frames > d->config.floor_pages ? memory.free_frames - d->config.floor_pages : 0;
    balloon_stats_encode(d->stats_buffer, &values);
    d->counters.stats++;
    return virtq_add(&d->stats_vq, &buffer, 1, 0, 0);
}

/* A returned buffer MUST be followed by a new one [VIRTIO 1.4 §5.5.6.3.1]. One a service: a device
 * that asks without end must not hold us. */
err_t balloon_life_stats(struct balloon_dev *d)
{
    uint16_t cookie;
    uint32_t written;
    err_t err;

    d->stats_early = false;
    if (!d->has_stats) {
        return OK;
    }
    err = virtq_take(&d->stats_vq, &cookie, &written);
    if (err != OK) {
        return err == ERR_AGAIN ? OK : err;
    }
    err = stats_offer(d);
    if (err != OK) {
        return err;
    }
    if (virtio_kick(d->dev, &d->stats_vq)) {
        d->counters.kicks++;
    }
    d->stats_early = virtq_interrupts_on(&d->stats_vq, 1);
    return OK;
}

/* ---- the life cycle, in the order of [VIRTIO 1.4 §3.1.1] and [VIRTIO 1.4 §5.5.5] ---- */

static err_t start_queue(struct balloon_dev *d, struct virtq *vq, uint16_t index, uint64_t *offset)
{
    struct virtq_shape shape = shape_of(d, index);
    err_t err = virtio_queue_start(d->dev, vq, index, &shape, (uint8_t *)d->fixed + *offset,
                                   d->fixed_address + *offset);

    *offset += align_up(virtq_bytes(&shape), FRAME_SIZE);
    return err;
}

static err_t start_queues(struct balloon_dev *d)
{
    uint64_t offset = FRAME_SIZE;
    err_t err = hold_rings(d);

    if (err != OK) {
        return err;
    }
    d->owned = true;
    err = start_queue(d, &d->inflate_vq, QUEUE_INFLATE, &offset);
    if (err == OK) {
        err = start_queue(d, &d->deflate_vq, QUEUE_DEFLATE, &offset);
    }
    if (err == OK && d->has_stats) {
        err = start_queue(d, &d->stats_vq, QUEUE_STATS, &offset);
    }
    return err;
}

err_t balloon_life_begin(struct balloon_dev *d)
{
    bool notify_stats = false;
    /* Steps 1 to 6. */
    err_t err = virtio_begin(d->dev, FEATURES_WANTED, 0);

    if (err != OK) {
        return err;
    }
    /* Step 7: the queues. */
    d->has_stats = (d->dev->features & BALLOON_F_STATS_VQ) != 0;
    err = start_queues(d);
    if (err != OK) {
        virtio_fail(d->dev);
        return err;
    }
    balloon_pool_shape(&d->pool, &d->config.host,
                       (unsigned)min_u64(d->inflate_vq.size, d->deflate_vq.size),
                       d->inflate_vq.indirect);
    virtq_interrupts_off(&d->inflate_vq);
    virtq_interrupts_off(&d->deflate_vq);
    /* The first statistics are true like all others, and in the queue before DRIVER_OK; nothing is
     * notified before it [VIRTIO 1.4 §5.5.6.3.1, §3.1.1]. */
    if (d->has_stats) {
        err = stats_offer(d);
        if (err != OK) {
            virtio_fail(d->dev);
            return err;
        }
        notify_stats = virtq_publish(&d->stats_vq);
    }
    /* Step 8. */
    virtio_ready(d->dev);
    if (notify_stats) {
        d->dev->ops->queue_notify(d->dev, QUEUE_STATS);
        d->counters.kicks++;
    }
    d->look = true;
    d->starved = false;
    d->slice_pages = d->config.slice_pages;
    d->live_since = d->ran_ns;
    d->state = BALLOON_DEV_RUNNING;
    return OK;
}
