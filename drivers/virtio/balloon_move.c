/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages: inflating takes runs of free frames, enters them in the ledger and sends their
 * numbers; deflating takes runs from the ledger, frees them and announces their numbers
 * [VIRTIO 1.4 §5.5.6]. When and how much is the state machine's decision, life and death of the
 * device that of balloon_dev.c.
 *
 * Invariants: a frame is in the ledger before its number is written anywhere; the ledger holds what
 * is leaving and what is in the balloon, and as pages are only released while none is leaving, what
 * is popped was acknowledged. What the device writes is used for nothing but "request n is done".
 */

#include "drivers/virtio/balloon_move.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"

static uint64_t free_above_floor(const struct balloon_dev *d)
{
    uint64_t free_frames = d->mem->free_count();

    return free_frames > d->config.floor_pages ? free_frames - d->config.floor_pages : 0;
}

struct balloon_actions balloon_move_step(struct balloon_dev *d, enum balloon_event_kind kind,
                                         uint64_t pages)
{
    struct balloon_event event = { .kind = kind, .pages = pages, .now_ns = d->now_ns };
    struct balloon_actions actions;

    if (kind == BALLOON_SLICE_BEGIN) {
        event.available = free_above_floor(d);
    }
    actions = balloon_step(&d->balloon, &event);
    if (actions.missing > 0) {
        log_warn("balloon: the host wants %llu MiB more than is free",
                 (unsigned long long)((actions.missing * FRAME_SIZE + MIB - 1) / MIB));
    }
    return actions;
}

/* ---- completions ---- */

static err_t harvest_queue(struct balloon_dev *d, struct virtq *vq, uint64_t *pages)
{
    uint16_t cookie;
    uint32_t written;
    err_t err;

    *pages = 0;
    while ((err = virtq_take(vq, &cookie, &written)) == OK) {
        *pages += balloon_pool_done(&d->pool, cookie);
    }
    return err == ERR_AGAIN ? OK : err;
}

err_t balloon_move_harvest(struct balloon_dev *d)
{
    uint64_t pages;
    err_t err = harvest_queue(d, &d->inflate_vq, &pages);

    /* What was acknowledged before a fault counts, fault or not. */
    if (pages > 0) {
        d->counters.inflated += pages;
        (void)balloon_move_step(d, BALLOON_ACKED, pages);
    }
    if (err != OK) {
        return err;
    }
    err = harvest_queue(d, &d->deflate_vq, &pages);
    if (pages > 0) {
        (void)balloon_move_step(d, BALLOON_TOLD, pages);
    }
    return err;
}

/* ---- sending ---- */

static err_t submit_open(struct balloon_dev *d, struct virtq *vq)
{
    struct virtq_buffer buffers[VIRTQ_BUFFERS_MAX];
    uint16_t cookie;
    unsigned count;

    if (!d->pool.opened) {
        return OK;
    }
    if (d->pool.filled == 0) {
        balloon_pool_drop(&d->pool);
        return OK;
    }
    count = balloon_pool_close(&d->pool, d->ran_ns, buffers, &cookie);
    /* The pool was shaped to the queue: there is room unless the queue is broken. */
    return virtq_add(vq, buffers, count, 0, cookie);
}

/* Writes a run into as many requests as it needs. The caller knows that they have room. */
static err_t send_run(struct balloon_dev *d, struct virtq *vq, pfn_t first, pfn_t count)
{
    while (count > 0) {
        pfn_t sent;
        err_t err;

        if (!d->pool.opened) {
            bool opened = balloon_pool_open(&d->pool);

            ASSERT(opened);
        }
        sent = balloon_pool_append(&d->pool, first, count);
        first += sent;
        count -= sent;
        if (balloon_pool_open_room(&d->pool) == 0) {
            err = submit_open(d, vq);
            if (err != OK) {
                return err;
            }
        }
    }
    return OK;
}

/*
 * How long the next run may be. Requests that can hold the numbers of a whole block do not split
 * one: a request with less room left is sent as it is. Where a request is smaller than a block
 * anyway, a run may spread over many, so that the allocator is asked for long runs.
 */
static err_t run_room(struct balloon_dev *d, uint64_t wanted, uint64_t *room)
{
    err_t err = OK;

    *room = 0;
    if (d->pool.pfns_per_request < BLOCK_FRAMES) {
        *room = balloon_pool_room(&d->pool);
        return OK;
    }
    if (balloon_pool_open_room(&d->pool) < min_u64(wanted, BLOCK_FRAMES)) {
        err = submit_open(d, &d->inflate_vq);
    }
    if (err == OK && (d->pool.opened || balloon_pool_open(&d->pool))) {
        *room = balloon_pool_open_room(&d->pool);
    }
    return err;
}

/* Takes one run of free frames into the ledger. ERR_NOMEM: there is nothing to take. */
static err_t take_run(struct balloon_dev *d, uint64_t max, pfn_t *first, pfn_t *count)
{
    err_t err = balloon_ledger_reserve(&d->ledger);

    /* Bookkeeping may just have taken the last frame above the floor. */
    max = min_u64(max, free_above_floor(d));
    if (err != OK || max == 0) {
        return ERR_NOMEM;
    }
    err = d->mem->take((pfn_t)min_u64(max, PFN_NONE), first, count);
    if (err == OK) {
        ASSERT(*count > 0);
        ASSERT(*count <= max);
        balloon_ledger_push(&d->ledger, *first, *count);
    }
    return err;
}

static err_t inflate(struct balloon_dev *d, uint64_t wanted)
{
    while (wanted > 0) {
        uint64_t room;
        pfn_t first;
        pfn_t count;
        err_t err = run_room(d, wanted, &room);

        if (err != OK) {
            return err;
        }
        if (room == 0) {
            break; /* every buffer is in use: completions will continue it */
        }
        if (take_run(d, min_u64(wanted, room), &first, &count) != OK) {
            /* The buffers are memory, too: they come first, and only then it is empty. */
            d->starved = d->moved > 0 && d->pool.held > 1;
            if (!d->starved) {
                (void)balloon_move_step(d, BALLOON_EMPTY, 0);
            }
            break;
        }
        (void)balloon_move_step(d, BALLOON_SENT, count);
        wanted -= count;
        d->moved += count;
        err = send_run(d, &d->inflate_vq, first, count);
        if (err != OK) {
            return err;
        }
    }
    balloon_ledger_trim(&d->ledger);
    return submit_open(d, &d->inflate_vq);
}

/* MUST_TELL_HOST is not negotiated, so pages MAY be used before the device has read that they left:
 * memory is there at once. Every page is announced all the same [VIRTIO 1.4 §5.5.6.1]. */
static err_t deflate(struct balloon_dev *d, uint64_t wanted)
{
    ASSERT(d->balloon.leaving == 0);
    while (wanted > 0) {
        struct balloon_run run;
        err_t err;

        if (!d->pool.opened && !balloon_pool_open(&d->pool)) {
            break;
        }
        run = balloon_ledger_pop(&d->ledger,
                                 (pfn_t)min_u64(wanted, balloon_pool_open_room(&d->pool)));
        (void)balloon_move_step(d, BALLOON_RELEASED, run.count);
        wanted -= run.count;
        d->moved += run.count;
        d->counters.deflated += run.count;
        err = send_run(d, &d->deflate_vq, run.first, run.count);
        d->mem->give(run.first, run.count);
        if (err != OK) {
            return err;
        }
    }
    return submit_open(d, &d->deflate_vq);
}

/* Buffers are held only while pages move, and are themselves memory the host can have: when nothing
 * else is left they are given up, and the last pages travel in the one buffer that stays. */
static bool make_room(struct balloon_dev *d)
{
    struct balloon *b = &d->balloon;
    bool wanted = b->target > balloon_held(b) && (d->starved || free_above_floor(d) == 0);

    if (wanted && d->pool.held > 1) {
        if (d->pool.in_flight > 0) {
            return false;
        }
        balloon_pool_shrink(&d->pool);
    }
    d->starved = false;
    return true;
}

/* Pages the next slice would move if buffers were no matter. */
static uint64_t next_pages(const struct balloon_dev *d)
{
    uint64_t held = balloon_held(&d->balloon);
    uint64_t target = d->balloon.target;

    return min_u64(d->slice_pages, target > held ? target - held : held - target);
}

/* A device that works beside us is kept busy: the next slice goes out before the last one came
 * back. But it waits until it can be a whole one, for each costs a notification and an interrupt.
 */
static bool whole_slice_fits(const struct balloon_dev *d)
{
    return d->pool.in_flight == 0 || balloon_pool_room_at_most(&d->pool) >= next_pages(d);
}

err_t balloon_move_slice(struct balloon_dev *d)
{
    struct balloon_actions actions;
    err_t err;

    d->moved = 0;
    if (!whole_slice_fits(d) || !make_room(d)) {
        return OK;
    }
    actions = balloon_move_step(d, BALLOON_SLICE_BEGIN, d->slice_pages);
    if (actions.inflate > 0) {
        balloon_pool_grow(&d->pool, actions.inflate, d->config.floor_pages);
        err = inflate(d, actions.inflate);
        if (err == OK && virtio_kick(d->dev, &d->inflate_vq)) {
            d->counters.kicks++;
        }
        return err;
    }
    if (actions.deflate > 0) {
        balloon_pool_grow(&d->pool, actions.deflate, 0);
        err = deflate(d, actions.deflate);
        if (err == OK && virtio_kick(d->dev, &d->deflate_vq)) {
            d->counters.kicks++;
        }
        return err;
    }
    return OK;
}

/* ---- waiting ---- */

/* Ask for one interrupt: when the last request is done, or, with more to move, when as many are as
 * the next slice needs. [VIRTIO 1.4 §2.7.7.1] */
static bool arm(struct balloon_dev *d, struct virtq *vq, bool again)
{
    uint64_t after = vq->in_flight;

    if (vq->in_flight == 0) {
        return false;
    }
    if (again) {
        uint64_t room = balloon_pool_room_at_most(&d->pool);
        uint64_t needed = next_pages(d);
        uint64_t lacking = needed > room ? needed - room : 1;

        after = (lacking + d->pool.pfns_per_request - 1) / d->pool.pfns_per_request;
        after = min_u64(after, vq->in_flight);
    }
    return virtq_interrupts_on(vq, (uint16_t)after);
}

bool balloon_move_ready(struct balloon_dev *d, bool again)
{
    bool completed;

    if (again && d->pool.in_flight == 0) {
        return true;
    }
    if (again && d->moved > 0 && whole_slice_fits(d)) {
        return true;
    }
    if (!again && d->pool.in_flight == 0) {
        balloon_pool_shrink(&d->pool);
    }
    completed = arm(d, &d->inflate_vq, again);
    completed = arm(d, &d->deflate_vq, again) || completed;
    if (completed) {
        virtq_interrupts_off(&d->inflate_vq);
        virtq_interrupts_off(&d->deflate_vq);
    }
    return completed;
}
