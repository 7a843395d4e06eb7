/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The way out of the balloon [VIRTIO 1.4 §5.5.6]: when the host wishes it, and when an allocation
 * would fail (DEFLATE_ON_OOM).
 *
 * With MUST_TELL_HOST a frame is freed only when the request that announces it is done. Frames on
 * their way are kept in two batches, filled in turns: each slice opens the one that is empty.
 * Without it they are free at once, and allocations take theirs without telling anybody: the
 * numbers go into a second ledger and are announced by the next service.
 *
 * Invariant: what leaves the ledger was acknowledged: slices take from its top only while nothing
 * is leaving, allocations from its oldest end.
 */

#include "drivers/virtio/balloon_deflate.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/balloon_life.h"
#include "drivers/virtio/balloon_move.h"

/* All requests of a batch are done: its frames may be used. */
static void batch_free(struct balloon_dev *d, unsigned batch)
{
    struct balloon_ledger *frames = &d->batch[batch].frames;

    while (frames->frames > 0) {
        struct balloon_run run = balloon_ledger_pop(frames, PFN_NONE);

        balloon_life_give(d, run.first, run.count);
    }
    balloon_ledger_trim(frames);
}

void balloon_deflate_told(struct balloon_dev *d, unsigned batch)
{
    ASSERT(batch < ARRAY_SIZE(d->batch) && d->batch[batch].requests > 0);
    d->batch[batch].requests--;
    /* An open batch may grow yet. */
    if (d->batch[batch].requests == 0 && !d->releasing) {
        batch_free(d, batch);
    }
}

/* ---- for the host ---- */

/*
 * Without MUST_TELL_HOST pages MAY be used before the device has read that they left: memory is
 * there at once. With it they MUST NOT [VIRTIO 1.4 §5.5.6.1]. Every page is announced either way.
 */
static void release_run(struct balloon_dev *d, struct balloon_run run)
{
    if (d->releasing) {
        balloon_ledger_push(&d->batch[d->batch_open].frames, run.first, run.count);
    } else {
        balloon_life_give(d, run.first, run.count);
    }
}

/* With MUST_TELL_HOST: opens a batch with nothing in it. False: both are on their way. */
static bool batch_begin(struct balloon_dev *d)
{
    if (!d->must_tell) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(d->batch); i++) {
        if (d->batch[i].requests == 0) {
            ASSERT(d->batch[i].frames.frames == 0);
            d->batch_open = i;
            d->releasing = true;
            return true;
        }
    }
    return false;
}

static void batch_end(struct balloon_dev *d)
{
    if (d->releasing) {
        d->releasing = false;
        balloon_ledger_trim(&d->batch[d->batch_open].frames);
    }
}

static err_t deflate_runs(struct balloon_dev *d, uint64_t wanted)
{
    while (wanted > 0) {
        struct balloon_run run;
        err_t err;

        if (!d->pool.opened && !balloon_pool_open(&d->pool)) {
            break;
        }
        if (d->releasing && balloon_ledger_reserve(&d->batch[d->batch_open].frames) != OK) {
            break;
        }
        run = balloon_ledger_pop(&d->ledger,
                                 (pfn_t)min_u64(wanted, balloon_pool_open_room(&d->pool)));
        (void)balloon_move_step(d, BALLOON_RELEASED, run.count);
        wanted -= run.count;
        d->moved += run.count;
        d->counters.deflated += run.count;
        err = balloon_move_send(d, &d->deflate_vq, run.first, run.count);
        release_run(d, run);
        if (err != OK) {
            return err;
        }
    }
    return balloon_move_submit(d, &d->deflate_vq);
}

err_t balloon_deflate(struct balloon_dev *d, uint64_t wanted)
{
    err_t err;

    ASSERT(d->balloon.leaving == 0);
    if (!batch_begin(d)) {
        return OK;
    }
    err = deflate_runs(d, wanted);
    batch_end(d);
    if (err == OK) {
        balloon_move_kick(d, &d->deflate_vq);
    }
    return err;
}

/* Announces what allocations have taken meanwhile; as much as there are buffers for. */
static err_t announce(struct balloon_dev *d)
{
    while (d->untold.frames > 0) {
        struct balloon_run run;
        err_t err;

        if (!d->pool.opened && !balloon_pool_open(&d->pool)) {
            break;
        }
        run = balloon_ledger_pop(&d->untold, (pfn_t)balloon_pool_open_room(&d->pool));
        (void)balloon_move_step(d, BALLOON_ANNOUNCED, run.count);
        d->counters.deflated += run.count;
        err = balloon_move_send(d, &d->deflate_vq, run.first, run.count);
        if (err != OK) {
            return err;
        }
    }
    return balloon_move_submit(d, &d->deflate_vq);
}

err_t balloon_deflate_announce(struct balloon_dev *d)
{
    err_t err = OK;

    if (d->untold.frames > 0) {
        err = announce(d);
        if (err == OK) {
            balloon_move_kick(d, &d->deflate_vq);
        }
    }
    return err;
}

/* ---- for an allocation ---- */

/* Frames that are certainly in the balloon, at the oldest end of the ledger. */
static uint64_t settled(const struct balloon_dev *d)
{
    return d->balloon.leaving == 0 ? d->ledger.frames : d->settled;
}

static struct balloon_run take_settled(struct balloon_dev *d, uint64_t most)
{
    struct balloon_run run;

    ASSERT(most > 0 && most <= settled(d));
    run = balloon_ledger_pop_oldest(&d->ledger, (pfn_t)min_u64(most, PFN_NONE));
    d->settled -= min_u64(d->settled, run.count);
    d->counters.taken += run.count;
    (void)balloon_move_step(d, BALLOON_TAKEN, run.count);
    return run;
}

/* Free at once, announced later. */
static void take_at_once(struct balloon_dev *d, uint64_t pages)
{
    while (pages > 0 && balloon_ledger_reserve(&d->untold) == OK) {
        struct balloon_run run = take_settled(d, pages);

        balloon_ledger_push(&d->untold, run.first, run.count);
        balloon_life_give(d, run.first, run.count);
        pages -= run.count;
    }
    balloon_ledger_trim(&d->untold);
}

/* Announced at once, and free when the device has read it: maybe before the notification ends. */
static err_t take_and_tell(struct balloon_dev *d, uint64_t pages)
{
    err_t err = OK;

    if (!batch_begin(d)) {
        return OK;
    }
    while (err == OK && pages > 0 && (d->pool.opened || balloon_pool_open(&d->pool)) &&
           balloon_ledger_reserve(&d->batch[d->batch_open].frames) == OK) {
        struct balloon_run run = take_settled(d, min_u64(pages, balloon_pool_open_room(&d->pool)));

        (void)balloon_move_step(d, BALLOON_ANNOUNCED, run.count);
        d->counters.deflated += run.count;
        pages -= run.count;
        err = balloon_move_send(d, &d->deflate_vq, run.first, run.count);
        release_run(d, run);
    }
    if (err == OK) {
        err = balloon_move_submit(d, &d->deflate_vq);
    }
    batch_end(d);
    if (err == OK) {
        balloon_move_kick(d, &d->deflate_vq);
        err = balloon_move_harvest(d);
    }
    return err;
}

err_t balloon_deflate_on_oom(struct balloon_dev *d, uint64_t pages)
{
    bool first = !d->balloon.pressed;
    err_t err = balloon_move_harvest(d);
    uint64_t most = min_u64(align_up(pages, BLOCK_FRAMES), settled(d));

    if (err != OK || most == 0) {
        return err;
    }
    if (first) {
        log_info("balloon: an allocation of %llu frames takes from the balloon",
                 (unsigned long long)pages);
    }
    if (d->must_tell) {
        return take_and_tell(d, most);
    }
    take_at_once(d, most);
    return OK;
}
