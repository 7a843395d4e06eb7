/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page hinting [VIRTIO 1.4 §5.5.6.5]: one round per command id.
 *
 *     queue:   [ id, 4 bytes out ] [ run, in ] [ run, in ] ... [ STOP, 4 bytes out ]
 *
 * Invariants: a hinted frame is nobody's until the device has used it or said DONE; the words that
 * carry the id and STOP are not written while the device may read them; a round that the host has
 * ended is not carried on.
 */

#include "drivers/virtio/balloon_hint.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/balloon_dev.h"
#include "drivers/virtio/balloon_life.h"
#include "drivers/virtio/balloon_move.h"

/* The numbers of the two requests that carry a word. */
#define COOKIE_ID   BALLOON_HINTS_MAX
#define COOKIE_STOP (BALLOON_HINTS_MAX + 1U)
/* Frames that stay free for whoever allocates while a migration goes on. */
#define RESERVE_PAGES (8 * MIB / FRAME_SIZE)
/* A descriptor's length has 32 bits. */
#define RUN_PAGES_MAX ((pfn_t)(UINT64_C(2) * 1024 * MIB / FRAME_SIZE))

#define CONFIG_CMD_ID 8U

void balloon_hint_begin(struct balloon_dev *d)
{
    struct balloon_hint *h = &d->hint;

    ASSERT(h->in_flight == 0);
    ASSERT(h->held_backed.frames == 0 && h->held_returned.frames == 0);
    /* Two descriptors are for the words. */
    h->size = h->on && h->vq.size > 2 ? (unsigned)min_u64(h->vq.size - 2U, BALLOON_HINTS_MAX) : 0;
    h->seen = BALLOON_HINT_STOP;
    h->round = BALLOON_HINT_STOP;
    h->id_in_flight = false;
    h->stop_in_flight = false;
    if (h->on) {
        virtq_interrupts_off(&h->vq);
    }
}

/* ---- the way back ---- */

/* A held frame needs an entry in the ledger; without room for one it is free again at once. */
static void hold(struct balloon_dev *d, pfn_t first, pfn_t count, bool backed)
{
    struct balloon_ledger *ledger = backed ? &d->hint.held_backed : &d->hint.held_returned;

    if (d->hint.seen == BALLOON_HINT_DONE || balloon_ledger_reserve(ledger) != OK) {
        balloon_life_give_blocks(d, first, count, backed);
        return;
    }
    balloon_ledger_push(ledger, first, count);
}

static uint64_t release(struct balloon_dev *d, struct balloon_ledger *ledger, uint64_t pages)
{
    uint64_t released = 0;

    while (ledger->frames > 0 && released < pages) {
        uint64_t most = align_up(min_u64(pages - released, ledger->frames), BLOCK_FRAMES);
        struct balloon_run run = balloon_ledger_pop(ledger, (pfn_t)min_u64(most, PFN_NONE));

        balloon_life_give_blocks(d, run.first, run.count, ledger == &d->hint.held_backed);
        released += run.count;
    }
    balloon_ledger_trim(ledger);
    return released;
}

uint64_t balloon_hint_release(struct balloon_dev *d, uint64_t pages)
{
    uint64_t released = release(d, &d->hint.held_backed, pages);

    if (released < pages) {
        released += release(d, &d->hint.held_returned, pages - released);
    }
    d->hint.released += released;
    return released;
}

/* Everything that is pending or held comes back; descriptors stay the device's. */
static void everything_back(struct balloon_dev *d)
{
    struct balloon_hint *h = &d->hint;

    (void)release(d, &h->held_backed, UINT64_MAX);
    (void)release(d, &h->held_returned, UINT64_MAX);
    for (unsigned i = 0; i < h->size; i++) {
        if (h->slot[i].count > 0) {
            balloon_life_give_blocks(d, h->slot[i].first, h->slot[i].count, h->slot[i].backed);
            h->slot[i].count = 0;
        }
    }
}

err_t balloon_hint_harvest(struct balloon_dev *d)
{
    struct balloon_hint *h = &d->hint;
    uint16_t cookie;
    uint32_t written;
    err_t err = h->on ? OK : ERR_AGAIN;

    while (err == OK && (err = virtq_take(&h->vq, &cookie, &written)) == OK) {
        if (cookie == COOKIE_ID) {
            h->id_in_flight = false;
        } else if (cookie == COOKIE_STOP) {
            h->stop_in_flight = false;
        } else {
            ASSERT(cookie < h->size && h->slot[cookie].busy);
            h->slot[cookie].busy = false;
            h->in_flight--;
            if (h->slot[cookie].count > 0) {
                h->hinted += h->slot[cookie].count;
                hold(d, h->slot[cookie].first, h->slot[cookie].count, h->slot[cookie].backed);
                h->slot[cookie].count = 0;
            }
        }
    }
    return err == ERR_AGAIN ? OK : err;
}

/* ---- the round ---- */

void balloon_hint_look(struct balloon_dev *d)
{
    struct balloon_hint *h = &d->hint;
    uint32_t id;

    if (!h->on) {
        return;
    }
    id = d->dev->ops->config_read32(d->dev, CONFIG_CMD_ID);
    if (id == h->seen) {
        return;
    }
    h->seen = id;
    h->round = BALLOON_HINT_STOP;
    if (id == BALLOON_HINT_DONE) {
        if (balloon_hint_held(d) > 0) {
            everything_back(d); /* SHOULD release all [VIRTIO 1.4 §5.5.6.5.1] */
            /* No watch tells of it: a balloon that lacks memory tries again now. */
            (void)balloon_move_step(d, BALLOON_FREED, 0);
        }
        log_debug("balloon: hinting done");
    } else if (id != BALLOON_HINT_STOP) {
        h->round = id;
        h->id_sent = false;
        h->backed_done = false;
        h->cursor = 0;
        h->rounds++;
        log_debug("balloon: hinting, round %x", (unsigned)id);
    }
}

/* A word for the device, exactly four bytes [VIRTIO 1.4 §5.5.6.5.1]. */
static err_t send_word(struct balloon_dev *d, uint16_t cookie, uint32_t value)
{
    struct balloon_hint *h = &d->hint;
    unsigned at = cookie - COOKIE_ID;
    struct virtq_buffer buffer = { h->words_address + at * sizeof(uint32_t), sizeof(uint32_t) };

    h->words[at] = value;
    return virtq_add(&h->vq, &buffer, 1, 0, cookie);
}

static bool slot_find(const struct balloon_hint *h, unsigned *slot)
{
    for (unsigned i = 0; i < h->size; i++) {
        if (!h->slot[i].busy) {
            *slot = i;
            return true;
        }
    }
    return false;
}

/* The next free run of at most `most` frames: the backed ones, which cost the host most, first. */
static bool take_next(struct balloon_dev *d, pfn_t most, pfn_t *first, pfn_t *count, bool *backed)
{
    struct balloon_hint *h = &d->hint;
    bool found = false;

    for (;;) {
        *backed = !h->backed_done;
        found = d->mem->take_blocks(*backed, h->cursor, most, first, count) == OK;
        if (found) {
            h->cursor = *first + *count;
        }
        if (found || h->backed_done) {
            return found;
        }
        h->backed_done = true;
        h->cursor = 0;
    }
}

static err_t send_run(struct balloon_dev *d, unsigned slot, pfn_t first, pfn_t count, bool backed)
{
    struct balloon_hint *h = &d->hint;
    struct virtq_buffer buffer = { .address = frame_address(first),
                                   .bytes = (uint32_t)((uint64_t)count << FRAME_SHIFT) };

    h->slot[slot].busy = true;
    h->slot[slot].backed = backed;
    h->slot[slot].first = first;
    h->slot[slot].count = count;
    h->in_flight++;
    return virtq_add(&h->vq, &buffer, 0, 1, (uint16_t)slot);
}

/* Hints free runs as far as there are slots. *all: there are no more runs. */
static err_t send_runs(struct balloon_dev *d, bool *all)
{
    uint64_t keep = max_u64(RESERVE_PAGES, d->config.floor_pages) + BLOCK_FRAMES;
    unsigned slot;
    err_t err = OK;

    *all = d->hint.size == 0;
    while (err == OK && slot_find(&d->hint, &slot)) {
        uint64_t free_frames = d->mem->free_count();
        pfn_t first;
        pfn_t count;
        bool backed;

        if (free_frames < keep ||
            !take_next(d, (pfn_t)min_u64(free_frames - keep + BLOCK_FRAMES, RUN_PAGES_MAX), &first,
                       &count, &backed)) {
            *all = true;
            break;
        }
        err = send_run(d, slot, first, count, backed);
    }
    return err;
}

/* The id, the runs, STOP [VIRTIO 1.4 §5.5.6.5.1]; as far as it goes now. */
static err_t carry_on(struct balloon_dev *d)
{
    struct balloon_hint *h = &d->hint;
    bool all;
    err_t err;

    if (!h->id_sent) {
        /* STOP of the last round may fill a queue with a single descriptor. */
        if (h->id_in_flight || h->vq.free_count == 0) {
            return OK;
        }
        err = send_word(d, COOKIE_ID, h->round);
        if (err != OK) {
            return err;
        }
        h->id_sent = true;
        h->id_in_flight = true;
    }
    err = send_runs(d, &all);
    /* A queue with a single descriptor has room for STOP when the id has come back. */
    if (err == OK && all && !h->stop_in_flight && h->vq.free_count > 0) {
        h->round = BALLOON_HINT_STOP;
        h->stop_in_flight = true;
        err = send_word(d, COOKIE_STOP, BALLOON_HINT_STOP);
    }
    return err;
}

err_t balloon_hint_slice(struct balloon_dev *d, bool *again)
{
    struct balloon_hint *h = &d->hint;
    err_t err;

    *again = false;
    if (!h->on) {
        return OK;
    }
    if (h->round != BALLOON_HINT_STOP) {
        err = carry_on(d);
        if (err != OK) {
            return err;
        }
        if (virtio_kick(d->dev, &h->vq)) {
            d->counters.kicks++;
        }
    }
    if (h->vq.in_flight > 0) {
        *again = virtq_interrupts_on(&h->vq, 1);
    }
    return OK;
}

/* ---- questions ---- */

uint64_t balloon_hint_held(const struct balloon_dev *d)
{
    const struct balloon_hint *h = &d->hint;
    uint64_t pages = h->held_backed.frames + h->held_returned.frames;

    for (unsigned i = 0; i < h->size; i++) {
        pages += h->slot[i].count;
    }
    return pages;
}

void balloon_hint_forget(struct balloon_dev *d)
{
    struct balloon_hint *h = &d->hint;

    everything_back(d);
    for (unsigned i = 0; i < h->size; i++) {
        h->slot[i].busy = false;
    }
    h->in_flight = 0;
    h->seen = BALLOON_HINT_STOP;
    h->round = BALLOON_HINT_STOP;
}
