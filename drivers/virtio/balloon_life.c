/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The life of the balloon device: the life cycle in the order of [VIRTIO 1.4 §3.1.1] and
 * [VIRTIO 1.4 §5.5.5], the memory it is shown, and the way back.
 *
 *   offered feature       accepted    because
 *   MUST_TELL_HOST (0)    yes         [VIRTIO 1.4 §5.5.3.1]
 *   STATS_VQ (1)          yes
 *   DEFLATE_ON_OOM (2)    yes
 *   FREE_PAGE_HINT (3)    yes
 *   PAGE_POISON (4)       with fill   it costs every page that comes back a fill; a driver that
 *                                     will not write the value SHOULD clear the bit
 *   PAGE_REPORTING (5)    if wanted   but not with fill and without PAGE_POISON
 *                                     [VIRTIO 1.4 §5.5.3.1]
 *   INDIRECT_DESC (28)    yes         one element for 16 MiB of frame numbers
 *   EVENT_IDX (29)        yes         one interrupt for a batch
 *   VERSION_1 (32)        yes         required, except of a legacy device
 *   RING_PACKED (34)      yes
 *
 * Every feature with a queue is accepted if offered: that keeps queue numbers certain.
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
#include "drivers/virtio/balloon_statsq.h"

#define CONFIG_POISON 12U

/* Sizes we ask for. At most one buffer is ever in the statistics queue
 * [VIRTIO 1.4 §5.5.6.3.1]. */
#define STATS_QUEUE_SIZE  2U
#define HINT_QUEUE_SIZE   128U
#define REPORT_QUEUE_SIZE BALLOON_REPORTS_MAX

/* One frame holds the statistics buffer, and the words of hinting behind it. */
#define WORDS_OFFSET (FRAME_SIZE / 2)

STATIC_ASSERT(BALLOON_STATS_BYTES <= WORDS_OFFSET, "statistics and words share a frame");

/* ---- memory that the device is shown ---- */

static uint16_t size_wanted(const struct balloon_dev *d, enum balloon_queue queue)
{
    uint64_t descriptors =
        (uint64_t)d->config.host.requests_max * d->config.host.buffers_per_request;
    uint16_t size = 1;

    if (queue == BALLOON_QUEUE_STATS) {
        return STATS_QUEUE_SIZE;
    }
    if (queue == BALLOON_QUEUE_HINT) {
        return HINT_QUEUE_SIZE;
    }
    if (queue == BALLOON_QUEUE_REPORT) {
        return REPORT_QUEUE_SIZE;
    }
    while (size < descriptors && size < VIRTQ_SIZE_MAX) {
        size = (uint16_t)(size * 2);
    }
    return size;
}

static struct virtq *queue_of(struct balloon_dev *d, enum balloon_queue queue)
{
    struct virtq *const all[BALLOON_QUEUES] = { &d->inflate_vq, &d->deflate_vq, &d->stats_vq,
                                                &d->hint.vq, &d->report.vq };

    ASSERT(queue < BALLOON_QUEUES);
    return all[queue];
}

/* Bytes of a queue's rings, whole frames; 0 for a queue that is not there. */
static uint64_t queue_bytes(const struct balloon_dev *d, unsigned queue)
{
    return d->queues.index[queue] == BALLOON_QUEUE_NONE
               ? 0
               : align_up(virtq_bytes(&d->shape[queue]), FRAME_SIZE);
}

/* Only inflating and deflating ever put several buffers into one request. */
static void choose_shapes(struct balloon_dev *d)
{
    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        bool moves = q == BALLOON_QUEUE_INFLATE || q == BALLOON_QUEUE_DEFLATE;

        if (d->queues.index[q] != BALLOON_QUEUE_NONE) {
            d->shape[q] = virtio_queue_shape(d->dev, d->queues.index[q],
                                             size_wanted(d, (enum balloon_queue)q), moves ? 0 : 1);
        }
    }
}

/* Enough for all queues as the device has them now; what an earlier life left is used again. */
static err_t hold_memory(struct balloon_dev *d)
{
    uint64_t bytes = FRAME_SIZE;
    unsigned frames;
    err_t err;

    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        bytes += queue_bytes(d, q);
    }
    frames = (unsigned)(bytes / FRAME_SIZE);
    if (d->fixed != NULL && d->fixed_frames >= frames) {
        return OK;
    }
    ASSERT(!d->owned);
    if (d->fixed != NULL) {
        d->mem->page_free(d->fixed, d->fixed_address, d->fixed_frames);
        d->fixed = NULL;
    }
    err = d->mem->page_alloc(frames, &d->fixed, &d->fixed_address);
    if (err != OK) {
        d->fixed = NULL;
        return err;
    }
    d->fixed_frames = frames;
    d->stats_buffer = d->fixed;
    d->stats_address = d->fixed_address;
    d->hint.words = (uint32_t *)(void *)((uint8_t *)d->fixed + WORDS_OFFSET);
    d->hint.words_address = d->fixed_address + WORDS_OFFSET;
    return OK;
}

err_t balloon_life_hold(struct balloon_dev *d)
{
    err_t err = balloon_pool_init(&d->pool, d->mem);

    if (err != OK) {
        return err;
    }
    balloon_ledger_init(&d->ledger, d->mem);
    balloon_ledger_init(&d->untold, d->mem);
    balloon_ledger_init(&d->batch[0].frames, d->mem);
    balloon_ledger_init(&d->batch[1].frames, d->mem);
    balloon_ledger_init(&d->hint.held_backed, d->mem);
    balloon_ledger_init(&d->hint.held_returned, d->mem);
    d->held = true;
    return OK;
}

uint64_t balloon_life_out(const struct balloon_dev *d)
{
    return d->ledger.frames + d->batch[0].frames.frames + d->batch[1].frames.frames +
           balloon_report_held(d) + balloon_hint_held(d);
}

/* With PAGE_POISON pages that come back MUST hold the value before they are used again
 * [VIRTIO 1.4 §5.5.6.6.1]; what was hinted holds anything. */
static void fill(struct balloon_dev *d, pfn_t first, pfn_t count)
{
    if (d->config.fill) {
        d->mem->fill(first, count, d->config.fill_value);
    }
}

void balloon_life_give(struct balloon_dev *d, pfn_t first, pfn_t count)
{
    fill(d, first, count);
    d->mem->give(first, count);
}

void balloon_life_give_blocks(struct balloon_dev *d, pfn_t first, pfn_t count, bool backed)
{
    fill(d, first, count);
    d->mem->give_blocks(first, count, backed);
}

static void give_all(struct balloon_dev *d, struct balloon_ledger *ledger)
{
    while (ledger->frames > 0) {
        struct balloon_run run = balloon_ledger_pop(ledger, PFN_NONE);

        balloon_life_give(d, run.first, run.count);
    }
    balloon_ledger_trim(ledger);
}

/* Every frame comes back to the guest. The device must not own any of our memory. */
static void everything_back(struct balloon_dev *d)
{
    ASSERT(!d->owned);
    give_all(d, &d->ledger);
    give_all(d, &d->batch[0].frames);
    give_all(d, &d->batch[1].frames);
    d->batch[0].requests = 0;
    d->batch[1].requests = 0;
    while (d->untold.frames > 0) {
        (void)balloon_ledger_pop(&d->untold, PFN_NONE);
    }
    balloon_ledger_trim(&d->untold);
    balloon_hint_forget(d);
    balloon_report_forget(d);
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
                      (unsigned long long)balloon_life_out(d));
            return err;
        }
        d->owned = false;
    }
    everything_back(d);
    return OK;
}

/* ---- the life cycle, in the order of [VIRTIO 1.4 §3.1.1] and [VIRTIO 1.4 §5.5.5] ---- */

static uint64_t features_wanted(const struct balloon_dev *d)
{
    uint64_t wanted = BALLOON_F_MUST_TELL_HOST | BALLOON_F_STATS_VQ | BALLOON_F_DEFLATE_ON_OOM |
                      BALLOON_F_FREE_PAGE_HINT | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX |
                      VIRTIO_F_RING_PACKED | VIRTIO_F_VERSION_1;

    wanted |= d->config.report.on ? BALLOON_F_PAGE_REPORTING : 0;
    wanted |= d->config.fill ? BALLOON_F_PAGE_POISON : 0;
    return wanted;
}

/* Features that must not be accepted in this company [VIRTIO 1.4 §5.5.3.1]. */
static uint64_t features_refused(const struct balloon_dev *d)
{
    bool poison = (d->dev->features & BALLOON_F_PAGE_POISON) != 0;

    return d->config.fill && !poison ? d->dev->features & BALLOON_F_PAGE_REPORTING : 0;
}

/* Steps 1 to 6, again with fewer features as long as the device lacks a queue for one. */
static err_t negotiate(struct balloon_dev *d)
{
    uint64_t wanted = features_wanted(d);

    for (;;) {
        uint64_t drop;
        err_t err = virtio_begin(d->dev, wanted, 0);

        if (err != OK) {
            return err;
        }
        drop = features_refused(d);
        if (drop == 0 && balloon_queues_number(&d->queues, d->dev->features,
                                               d->dev->ops->queue_count(d->dev), &drop)) {
            return OK;
        }
        if (drop == 0) {
            log_error("balloon: the device has no queues to inflate and deflate");
            virtio_fail(d->dev);
            return ERR_UNSUPPORTED;
        }
        if (!d->config.fill || (drop & BALLOON_F_PAGE_REPORTING) == 0) {
            log_warn("balloon: feature 0x%llx is offered without its queue, and done without",
                     (unsigned long long)drop);
        }
        wanted &= ~drop;
    }
}

static err_t start_queues(struct balloon_dev *d)
{
    uint64_t offset = FRAME_SIZE;

    d->owned = true;
    for (unsigned q = 0; q < BALLOON_QUEUES; q++) {
        uint64_t bytes = queue_bytes(d, q);
        err_t err;

        if (bytes == 0) {
            continue;
        }
        ASSERT(offset + bytes <= (uint64_t)d->fixed_frames * FRAME_SIZE);
        err = virtio_queue_start(d->dev, queue_of(d, (enum balloon_queue)q), d->queues.index[q],
                                 &d->shape[q], (uint8_t *)d->fixed + offset,
                                 d->fixed_address + offset);
        if (err != OK) {
            return err;
        }
        offset += bytes;
    }
    return OK;
}

static bool negotiated(const struct balloon_dev *d, uint64_t feature)
{
    return (d->dev->features & feature) != 0;
}

/* What follows from the features, once the queues are there. */
static void configure(struct balloon_dev *d)
{
    d->has_stats = negotiated(d, BALLOON_F_STATS_VQ);
    d->must_tell = negotiated(d, BALLOON_F_MUST_TELL_HOST);
    d->deflate_on_oom = negotiated(d, BALLOON_F_DEFLATE_ON_OOM);
    d->hint.on = negotiated(d, BALLOON_F_FREE_PAGE_HINT);
    d->report.on = negotiated(d, BALLOON_F_PAGE_REPORTING);
    balloon_pool_shape(&d->pool, &d->config.host,
                       (unsigned)min_u64(d->inflate_vq.size, d->deflate_vq.size),
                       d->inflate_vq.indirect);
    virtq_interrupts_off(&d->inflate_vq);
    virtq_interrupts_off(&d->deflate_vq);
    balloon_hint_begin(d);
    balloon_report_begin(d);
    /* MUST be there before DRIVER_OK, and MUST NOT change after it [VIRTIO 1.4 §5.5.6.6.1]. */
    if (negotiated(d, BALLOON_F_PAGE_POISON)) {
        d->dev->ops->config_write32(d->dev, CONFIG_POISON, d->config.fill_value);
    }
}

err_t balloon_life_begin(struct balloon_dev *d)
{
    bool notify_stats = false;
    err_t err = negotiate(d);

    if (err != OK) {
        return err;
    }
    /* Step 7: the queues. */
    choose_shapes(d);
    err = hold_memory(d);
    if (err == OK) {
        err = start_queues(d);
    }
    if (err != OK) {
        virtio_fail(d->dev);
        return err;
    }
    configure(d);
    /* The first statistics are true like all others, and in the queue before DRIVER_OK; nothing is
     * notified before it [VIRTIO 1.4 §5.5.6.3.1, §3.1.1]. */
    if (d->has_stats) {
        err = balloon_statsq_begin(d, &notify_stats);
        if (err != OK) {
            virtio_fail(d->dev);
            return err;
        }
    }
    /* Step 8. */
    virtio_ready(d->dev);
    if (notify_stats) {
        d->dev->ops->queue_notify(d->dev, d->stats_vq.index);
        d->counters.kicks++;
    }
    d->look = true;
    d->starved = false;
    d->slice_pages = d->config.slice_pages;
    d->live_since = d->ran_ns;
    d->state = BALLOON_DEV_RUNNING;
    return OK;
}
