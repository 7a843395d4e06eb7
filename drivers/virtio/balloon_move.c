/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages: inflating takes runs of free frames, enters them in the ledger and sends their
 * numbers [VIRTIO 1.4 §5.5.6]; the way back is in balloon_deflate.c. When and how much is the state
 * machine's decision, life and death of the device that of balloon_dev.c.
 *
 * Where the host drops what is reported to it, pages are reported before they are sent: one call
 * for a long run, and the host has the memory. The numbers, page by page, are then bookkeeping.
 *
 * Invariants: a frame is in the ledger before its number is written anywhere; the ledger holds what
 * is leaving and what is in the balloon; its oldest `settled` frames were acknowledged. What the
 * device writes is used for nothing but "request n is done".
 */

#include "drivers/virtio/balloon_move.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/balloon_deflate.h"

static uint64_t free_above_floor(const struct balloon_dev *d)
{
    uint64_t free_frames = d->mem->free_count();

    return free_frames > d->config.floor_pages ? free_frames - d->config.floor_pages : 0;
}

static bool host_drops(const struct balloon_dev *d)
{
    return d->report.on && d->report.probe.drops != BALLOON_DROPS_NOTHING;
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
        uint8_t batch;

        *pages += balloon_pool_done(&d->pool, cookie, &batch);
        if (batch != BALLOON_NO_BATCH) {
            balloon_deflate_told(d, batch);
        }
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

err_t balloon_move_submit(struct balloon_dev *d, struct virtq *vq)
{
    struct virtq_buffer buffers[VIRTQ_BUFFERS_MAX];
    uint8_t batch = d->releasing ? (uint8_t)d->batch_open : BALLOON_NO_BATCH;
    uint16_t cookie;
    unsigned count;

    if (!d->pool.opened) {
        return OK;
    }
    if (d->pool.filled == 0) {
        balloon_pool_drop(&d->pool);
        return OK;
    }
    count = balloon_pool_close(&d->pool, d->ran_ns, batch, buffers, &cookie);
    if (batch != BALLOON_NO_BATCH) {
        d->batch[batch].requests++;
    }
    /* The pool was shaped to the queue: there is room unless the queue is broken. */
    return virtq_add(vq, buffers, count, 0, cookie);
}

err_t balloon_move_send(struct balloon_dev *d, struct virtq *vq, pfn_t first, pfn_t count)
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
            err = balloon_move_submit(d, vq);
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
        err = balloon_move_submit(d, &d->inflate_vq);
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
    max = min_u64(max, PFN_NONE);
    err = ERR_NOMEM;
    if (host_drops(d) && max >= BLOCK_FRAMES) {
        /* What was reported first. */
        err = d->mem->take_returned((pfn_t)max, first, count);
    }
    if (err != OK) {
        err = d->mem->take((pfn_t)max, first, count);
    }
    if (err == OK) {
        ASSERT(*count > 0);
        ASSERT(*count <= max);
        if (d->balloon.leaving == 0) {
            d->settled = d->ledger.frames;
        }
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
        err = balloon_move_send(d, &d->inflate_vq, first, count);
        if (err != OK) {
            return err;
        }
    }
    balloon_ledger_trim(&d->ledger);
    return balloon_move_submit(d, &d->inflate_vq);
}

void balloon_move_kick(struct balloon_dev *d, struct virtq *vq)
{
    if (virtio_kick(d->dev, vq)) {
        d->counters.kicks++;
    }
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

/* The host wants more than is free: whoever can do without memory is asked, once for each attempt,
 * which the state machine keeps apart, and not while free memory is only out to be reported. Before
 * them go hints that the device has used. What is freed at once can be sent at once. */
static void ask_for_more(struct balloon_dev *d, uint64_t wanted)
{
    bool waits = host_drops(d) && !balloon_report_settled(d);

    if (wanted > 0 && free_above_floor(d) == 0 && !waits) {
        wanted -= min_u64(wanted, balloon_hint_release(d, wanted));
        if (wanted > 0) {
            (void)d->mem->ask(wanted);
        }
    }
}

/* At the beginning of a movement as much is reported as is to be inflated, or is backed; then
 * *go_on. */
static err_t report_first(struct balloon_dev *d, uint64_t wanted, bool *go_on)
{
    err_t err = OK;

    if (wanted == 0 || !host_drops(d)) {
        d->owing = false;
        *go_on = true;
        return OK;
    }
    if (!d->owing) {
        d->owing = true;
        d->owed = min_u64(wanted, free_above_floor(d));
    }
    d->report.moved = 0;
    if (d->owed >= BLOCK_FRAMES) {
        err = balloon_report_urgent(d, d->owed);
    }
    d->owed = d->report.moved > 0 ? d->owed - d->report.moved : 0;
    /* The rest waits for the next slice; what is on its way, for its answer. */
    *go_on = err == OK && d->owed < BLOCK_FRAMES && balloon_report_settled(d);
    return err;
}

static err_t move(struct balloon_dev *d)
{
    struct balloon_actions actions = balloon_move_step(d, BALLOON_SLICE_BEGIN, d->slice_pages);
    err_t err;

    if (actions.announce > 0) {
        balloon_pool_grow(&d->pool, actions.announce, 0);
        return balloon_deflate_announce(d);
    }
    if (actions.inflate > 0) {
        balloon_pool_grow(&d->pool, actions.inflate, d->config.floor_pages);
        err = inflate(d, actions.inflate);
        if (err == OK) {
            balloon_move_kick(d, &d->inflate_vq);
        }
        return err;
    }
    if (actions.deflate > 0) {
        balloon_pool_grow(&d->pool, actions.deflate, 0);
        return balloon_deflate(d, actions.deflate);
    }
    return OK;
}

err_t balloon_move_slice(struct balloon_dev *d)
{
    uint64_t wanted;
    bool go_on;
    err_t err;

    d->moved = 0;
    d->reported_first = false;
    if (!whole_slice_fits(d) || !make_room(d)) {
        return OK;
    }
    wanted = balloon_wanted(&d->balloon, d->now_ns);
    ask_for_more(d, wanted);
    err = report_first(d, wanted, &go_on);
    if (err != OK || !go_on) {
        d->reported_first = err == OK;
        return err;
    }
    return move(d);
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

    if (d->reported_first) {
        return balloon_report_settled(d);
    }
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
