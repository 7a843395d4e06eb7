/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The probe of what the host does with reports. A frame that reads as anything but its marker was
 * dropped: "zero" would be the usual answer, but nobody promised it [VIRTIO 1.4 §5.5.6.7.1].
 *
 * Cost: five host page faults and three notifications, once a minute at most, and only while there
 * is something to report.
 */

#include "drivers/virtio/balloon_probe.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/balloon_dev.h"
#include "drivers/virtio/balloon_life.h"
#include "drivers/virtio/balloon_report.h"

#define NS_PER_S UINT64_C(1000000000)
/* How long a fact is believed; a host that ignores reports is asked less and less often. */
#define BELIEVE_NS     (60 * NS_PER_S)
#define BELIEVE_MAX_NS (3600 * NS_PER_S)
/* When there was no block for a probe, or it was needed before the end. */
#define AGAIN_NS NS_PER_S

/* The parts of the block: 64 KiB from its start, and one frame in its middle. */
#define PART_64K_FRAMES 16U
#define PART_4K         (BLOCK_FRAMES / 2)

const char *balloon_drops_name(enum balloon_drops drops)
{
    static const char *const names[] = { "unknown", "nothing", "2M", "64K", "4K" };

    ASSERT(drops <= BALLOON_DROPS_4K);
    return names[drops];
}

bool balloon_probe_due(const struct balloon_dev *d)
{
    return !d->config.fill && d->report.probe.phase == BALLOON_PROBE_IDLE &&
           d->report.in_flight == 0 && d->now_ns >= d->report.probe.next_ns;
}

uint64_t balloon_probe_next(const struct balloon_dev *d)
{
    return d->config.fill ? BALLOON_NEVER : d->report.probe.next_ns;
}

void balloon_probe_init(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;

    p->drops = BALLOON_DROPS_UNKNOWN;
    p->next_ns = 0;
    if (d->report.on && d->config.fill) {
        p->drops = d->config.fill_value == 0 ? BALLOON_DROPS_2M : BALLOON_DROPS_NOTHING;
        log_info("balloon: freed memory is filled with 0x%08x: the host %s", d->config.fill_value,
                 d->config.fill_value == 0 ? "may drop what is reported"
                                           : "would ignore reports, none are sent");
    }
}

static void mark(struct balloon_dev *d, pfn_t offset)
{
    struct balloon_probe *p = &d->report.probe;

    d->mem->poke(p->block + offset, p->marker + offset);
}

static bool dropped(struct balloon_dev *d, pfn_t offset)
{
    const struct balloon_probe *p = &d->report.probe;

    return d->mem->peek(p->block + offset) != p->marker + offset;
}

/* Marks and reports the whole block, or its parts. */
static err_t ask(struct balloon_dev *d, enum balloon_probe_phase phase)
{
    struct balloon_probe *p = &d->report.probe;
    err_t err;

    p->phase = phase;
    mark(d, 0);
    if (phase == BALLOON_PROBE_BLOCK) {
        mark(d, BLOCK_FRAMES - 1);
        p->answers = 1;
        err = balloon_report_send(d, p->block, BLOCK_FRAMES, true);
    } else {
        mark(d, PART_64K_FRAMES - 1);
        mark(d, PART_4K);
        p->answers = 2;
        err = balloon_report_send(d, p->block, PART_64K_FRAMES, true);
        if (err == OK) {
            err = balloon_report_send(d, p->block + PART_4K, 1, true);
        }
    }
    if (err != OK) {
        return err;
    }
    return balloon_report_kick(d);
}

/* A free block: better one that the host holds already. Both parts must fit into the queue. */
static bool take_block(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;
    pfn_t count;

    if (d->report.size < 2 || d->mem->free_count() < d->config.floor_pages + BLOCK_FRAMES) {
        return false;
    }
    p->was_backed = d->mem->take_blocks(true, 0, BLOCK_FRAMES, &p->block, &count) == OK;
    return p->was_backed || d->mem->take_blocks(false, 0, BLOCK_FRAMES, &p->block, &count) == OK;
}

/* The block is free again, as backed as before, unless the host keeps what the probe touched. Then
 * it has to be reported once more: a guest that rests would not do it for so little. */
static err_t put_block(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;
    err_t err;

    if (p->was_backed || p->drops == BALLOON_DROPS_NOTHING) {
        d->mem->give_blocks(p->block, BLOCK_FRAMES, true);
        return OK;
    }
    p->phase = BALLOON_PROBE_CLEAN;
    p->answers = 1;
    err = balloon_report_send(d, p->block, BLOCK_FRAMES, true);
    return err == OK ? balloon_report_kick(d) : err;
}

static err_t conclude(struct balloon_dev *d, enum balloon_drops drops)
{
    struct balloon_probe *p = &d->report.probe;
    bool changed = drops != p->drops;

    p->phase = BALLOON_PROBE_IDLE;
    p->drops = drops;
    p->pause_ns = drops == BALLOON_DROPS_NOTHING && !changed
                      ? min_u64(2 * p->pause_ns, BELIEVE_MAX_NS)
                      : BELIEVE_NS;
    p->next_ns = d->now_ns + p->pause_ns;
    if (changed && drops == BALLOON_DROPS_NOTHING) {
        log_warn("balloon: the host ignores reports of free memory; it is asked again later");
    } else if (changed) {
        log_info("balloon: the host drops reported memory, pieces of %s and more",
                 balloon_drops_name(drops));
    }
    return put_block(d);
}

/* All requests of this phase are answered. */
static err_t step(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;
    enum balloon_drops drops = BALLOON_DROPS_2M;

    ASSERT(p->phase != BALLOON_PROBE_IDLE && p->answers == 0);
    if (p->phase == BALLOON_PROBE_CLEAN) {
        p->phase = BALLOON_PROBE_IDLE;
        d->mem->give_blocks(p->block, BLOCK_FRAMES, false);
        return OK;
    }
    if (p->phase == BALLOON_PROBE_BLOCK) {
        if (dropped(d, 0) && dropped(d, BLOCK_FRAMES - 1)) {
            return ask(d, BALLOON_PROBE_PARTS);
        }
        return conclude(d, BALLOON_DROPS_NOTHING);
    }
    if (dropped(d, PART_4K)) {
        drops = BALLOON_DROPS_4K;
    } else if (dropped(d, 0) && dropped(d, PART_64K_FRAMES - 1)) {
        drops = BALLOON_DROPS_64K;
    }
    return conclude(d, drops);
}

err_t balloon_probe_go_on(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;
    err_t err = OK;

    while (err == OK && p->phase != BALLOON_PROBE_IDLE && p->answers == 0) {
        err = step(d);
    }
    return err;
}

err_t balloon_probe_begin(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;
    err_t err;

    ASSERT(p->phase == BALLOON_PROBE_IDLE);
    if (!take_block(d)) {
        p->next_ns = d->now_ns + AGAIN_NS;
        return OK;
    }
    p->count++;
    p->marker = UINT64_C(0x6165726f73746174) ^ d->now_ns;
    err = ask(d, BALLOON_PROBE_BLOCK);
    return err == OK ? balloon_probe_go_on(d) : err;
}

void balloon_probe_answer(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;

    ASSERT(p->phase != BALLOON_PROBE_IDLE && p->answers > 0);
    p->answers--;
}

void balloon_probe_give_up(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;

    if (p->phase == BALLOON_PROBE_IDLE || p->answers > 0) {
        return;
    }
    if (p->phase != BALLOON_PROBE_CLEAN) {
        p->next_ns = d->now_ns + AGAIN_NS;
    }
    /* What the host holds of it is not known before the end: then it counts as held. */
    d->mem->give_blocks(p->block, BLOCK_FRAMES, p->phase != BALLOON_PROBE_CLEAN);
    p->phase = BALLOON_PROBE_IDLE;
}

void balloon_probe_forget(struct balloon_dev *d)
{
    struct balloon_probe *p = &d->report.probe;

    if (p->phase != BALLOON_PROBE_IDLE) {
        balloon_life_give_blocks(d, p->block, BLOCK_FRAMES, true);
    }
    p->phase = BALLOON_PROBE_IDLE;
}
