/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics for the host, as fresh as can be: values are read when the buffer is filled, which is
 * when the host asks. What is out to be reported or hinted counts as free, for so it is.
 */

#include "drivers/virtio/balloon_statsq.h"

#include "base/assert.h"
#include "drivers/virtio/balloon_stats.h"

static struct balloon_stat_values values_now(struct balloon_dev *d)
{
    struct balloon_memory_stats memory;
    struct balloon_stat_values values;
    uint64_t available;

    d->mem->stats(&memory);
    ASSERT(memory.all_frames >= d->ledger.frames);
    values.total_frames = memory.all_frames - balloon_held(&d->balloon);
    values.free_frames = memory.free_frames + balloon_report_held(d) + balloon_hint_held(d);
    values.cache_frames = memory.cache_frames;
    available = values.free_frames + values.cache_frames;
    values.available_frames =
        available > d->config.floor_pages ? available - d->config.floor_pages : 0;
    values.alloc_stalls = memory.alloc_stalls;
    values.async_reclaimed_frames = memory.asked_frames;
    values.direct_reclaimed_frames = memory.stalled_frames + d->balloon.taken;
    return values;
}

static err_t offer(struct balloon_dev *d)
{
    struct virtq_buffer buffer = { d->stats_address, BALLOON_STATS_BYTES };
    struct balloon_stat_values values = values_now(d);

    balloon_stats_encode(d->stats_buffer, &values);
    d->counters.stats++;
    return virtq_add(&d->stats_vq, &buffer, 1, 0, 0);
}

err_t balloon_statsq_begin(struct balloon_dev *d, bool *notify)
{
    err_t err = offer(d);

    *notify = err == OK && virtq_publish(&d->stats_vq);
    return err;
}

/* A returned buffer MUST be followed by a new one [VIRTIO 1.4 §5.5.6.3.1]. One a service: a device
 * that asks without end must not hold us. */
err_t balloon_statsq_serve(struct balloon_dev *d)
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
    err = offer(d);
    if (err != OK) {
        return err;
    }
    if (virtio_kick(d->dev, &d->stats_vq)) {
        d->counters.kicks++;
    }
    d->stats_early = virtq_interrupts_on(&d->stats_vq, 1);
    return OK;
}
