/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting: what is reported, when, and what comes back. Whether it is worth anything
 * is found out by balloon_probe.c. [VIRTIO 1.4 §5.5.6.7]
 *
 * Invariants: a reported frame is nobody's until its report was acknowledged
 * [VIRTIO 1.4 §5.5.6.7.1]; what is acknowledged is returned and not reported again before somebody
 * used it; a notification carries no more than the host can drop in BALLOON_SLICE_MS.
 */

#include "drivers/virtio/balloon_report.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "drivers/virtio/balloon_dev.h"

#define NS_PER_MS UINT64_C(1000000)
/* So much at once is reported without waiting for more. */
#define LARGE_PAGES (32 * MIB / FRAME_SIZE)
/* Memory wanted again within this time was reported too soon. */
#define JUDGE_NS (100 * NS_PER_MS)
/* Pauses for a guest that wants its memory again. */
#define BACKOFF_MIN_NS    (100 * NS_PER_MS)
#define BACKOFF_MAX_NS    (10000 * NS_PER_MS)
#define BACKOFF_FORGET_NS (60000 * NS_PER_MS)
/* In one notification: at first, and at most. */
#define SLICE_FIRST (256 * MIB / FRAME_SIZE)
#define SLICE_MOST  (UINT64_C(4) * 1024 * MIB / FRAME_SIZE)
/* Looking at a run that is too short costs about as much as so many of its blocks; and so many in
 * all may be looked at in vain in one slice. */
#define RUN_BLOCKS  8U
#define VAIN_BLOCKS 256U

void balloon_report_begin(struct balloon_dev *d)
{
    struct balloon_report *r = &d->report;

    ASSERT(r->in_flight == 0);
    ASSERT(d->config.report.run_pages >= BLOCK_FRAMES);
    r->size = (unsigned)min_u64(r->on ? r->vq.size : 0, BALLOON_REPORTS_MAX);
    r->slice_pages = SLICE_FIRST;
    r->moved = 0;
    r->from = 0;
    r->found = 0;
    r->waiting = false;
    r->judged = true;
    r->backoff_ns = 0;
    balloon_probe_init(d);
    if (r->on) {
        virtq_interrupts_off(&r->vq);
    }
}

/* ---- sending and receiving ---- */

static bool slot_find(const struct balloon_report *r, unsigned *slot)
{
    for (unsigned i = 0; i < r->size; i++) {
        if (r->slot[i].count == 0) {
            *slot = i;
            return true;
        }
    }
    return false;
}

err_t balloon_report_send(struct balloon_dev *d, pfn_t first, pfn_t count, bool probe)
{
    struct balloon_report *r = &d->report;
    struct virtq_buffer buffer = { .address = frame_address(first),
                                   .bytes = (uint32_t)((uint64_t)count << FRAME_SHIFT) };
    unsigned slot;
    bool found = slot_find(r, &slot);

    ASSERT(found && count > 0 && count <= BALLOON_REPORT_FRAMES_MAX);
    /* With PAGE_POISON reported pages hold the value [VIRTIO 1.4 §5.5.6.7.1]. Free ones that were
     * used do already; a block may have others. */
    if (d->config.fill) {
        d->mem->fill(first, count, d->config.fill_value);
    }
    r->slot[slot].first = first;
    r->slot[slot].count = count;
    r->slot[slot].probe = probe;
    r->slot[slot].since_ns = d->ran_ns;
    r->in_flight++;
    r->requests++;
    /* Device-writable: "the device may put anything there". */
    return virtq_add(&r->vq, &buffer, 0, 1, (uint16_t)slot);
}

static void answered(struct balloon_dev *d, unsigned slot)
{
    struct balloon_report *r = &d->report;
    pfn_t count = r->slot[slot].count;

    ASSERT(slot < r->size && count > 0);
    r->slot[slot].count = 0;
    r->in_flight--;
    if (r->slot[slot].probe) {
        balloon_probe_answer(d);
        return;
    }
    r->reported += count;
    d->mem->give_blocks(r->slot[slot].first, count, r->probe.drops == BALLOON_DROPS_NOTHING);
}

err_t balloon_report_harvest(struct balloon_dev *d)
{
    struct balloon_report *r = &d->report;
    uint16_t cookie;
    uint32_t written;
    err_t err = r->on ? OK : ERR_AGAIN;

    while (err == OK && (err = virtq_take(&r->vq, &cookie, &written)) == OK) {
        answered(d, cookie);
    }
    return err == ERR_AGAIN ? OK : err;
}

/* Halves and doubles as the slices of the balloon do: the host works while the guest stands still.
 */
static void adapt_slice(struct balloon_report *r, uint64_t took_ns)
{
    if (took_ns > BALLOON_SLICE_MS * NS_PER_MS) {
        r->slice_pages = max_u64(r->slice_pages / 2, BALLOON_SLICE_MIN);
    } else if (took_ns <= BALLOON_SLICE_MS * NS_PER_MS / 4 && r->moved >= r->slice_pages / 2) {
        r->slice_pages = min_u64(r->slice_pages * 2, SLICE_MOST);
    }
}

err_t balloon_report_kick(struct balloon_dev *d)
{
    if (virtio_kick(d->dev, &d->report.vq)) {
        d->counters.kicks++;
    }
    /* A device that works inside the notification is done already. */
    return balloon_report_harvest(d);
}

/* The same for what was moved: how long it took says how much the next one may carry. */
static err_t kick_and_adapt(struct balloon_dev *d)
{
    uint64_t before = d->mem->now_ns();
    err_t err = balloon_report_kick(d);

    ASSERT(d->report.moved > 0);
    adapt_slice(&d->report, d->mem->now_ns() - before);
    return err;
}

/* Reports up to `pages` in runs of `run_pages` and more, with one notification. It carries one such
 * run even to a host that is slow: less would be nothing at all. Looks from `*next` on, where the
 * search goes on if there was too much to look at for one slice; 0: from the beginning. */
static err_t report(struct balloon_dev *d, uint64_t pages, uint32_t run_pages, pfn_t *next)
{
    struct balloon_report *r = &d->report;
    uint64_t left = max_u64(min_u64(pages, r->slice_pages), run_pages);
    pfn_t from = *next;
    unsigned vain = 0;
    unsigned slot;

    ASSERT(run_pages >= BLOCK_FRAMES && pages >= run_pages);
    r->moved = 0;
    *next = 0;
    while (left >= run_pages && slot_find(r, &slot)) {
        pfn_t first;
        pfn_t count;
        err_t err = d->mem->take_blocks(true, from, (pfn_t)min_u64(left, BALLOON_REPORT_FRAMES_MAX),
                                        &first, &count);

        if (err != OK) {
            break;
        }
        ASSERT(count >= BLOCK_FRAMES && count <= left);
        from = first + count;
        if (count < run_pages) {
            d->mem->give_blocks(first, count, true);
            vain += RUN_BLOCKS + count / BLOCK_FRAMES;
            if (vain >= VAIN_BLOCKS) {
                *next = from;
                break;
            }
            continue;
        }
        err = balloon_report_send(d, first, count, false);
        if (err != OK) {
            return err;
        }
        left -= count;
        r->moved += count;
    }
    return r->moved > 0 ? kick_and_adapt(d) : OK;
}

/* ---- when ---- */

/* Was the last batch wanted again at once? Then the pauses double, otherwise they halve. */
static void judge(struct balloon_dev *d)
{
    struct balloon_report *r = &d->report;

    if (d->now_ns - r->batch_ns > BACKOFF_FORGET_NS) {
        r->backoff_ns = 0;
    }
    if (r->judged || d->now_ns - r->batch_ns < JUDGE_NS) {
        return;
    }
    r->judged = true;
    if (d->mem->retaken_count() - r->retaken >= r->batch / 4) {
        r->backoff_ns = min_u64(max_u64(2 * r->backoff_ns, BACKOFF_MIN_NS), BACKOFF_MAX_NS);
        r->backoffs++;
    } else {
        r->backoff_ns = r->backoff_ns / 2 >= BACKOFF_MIN_NS ? r->backoff_ns / 2 : 0;
    }
}

static void batch_note(struct balloon_dev *d)
{
    struct balloon_report *r = &d->report;

    if (r->judged) {
        r->judged = false;
        r->batch = 0;
        r->batch_ns = d->now_ns;
        r->retaken = d->mem->retaken_count();
    }
    r->batch += r->moved;
}

/* How much is to be reported now; 0, and then when to look again. */
static uint64_t due(struct balloon_dev *d, bool idle, uint64_t *wake_ns)
{
    struct balloon_report *r = &d->report;
    const struct balloon_report_config *config = &d->config.report;
    uint64_t backed = d->mem->backed_count();
    uint64_t excess = backed > config->reserve_pages ? backed - config->reserve_pages : 0;
    uint64_t pause = r->backoff_ns;

    if (excess < config->run_pages) {
        r->waiting = false;
        d->mem->watch_backed(config->reserve_pages + config->run_pages - 1);
        return 0;
    }
    if (!r->waiting) {
        r->waiting = true;
        r->since_ns = d->now_ns;
    }
    if (pause == 0 && !idle && excess < LARGE_PAGES) {
        pause = config->pace_ms * NS_PER_MS;
    }
    if (d->now_ns - r->since_ns < pause) {
        *wake_ns = r->since_ns + pause;
        /* More may come meanwhile, so much that it need not wait. */
        d->mem->watch_backed(r->backoff_ns == 0 ? config->reserve_pages + LARGE_PAGES
                                                : BALLOON_NEVER);
        return 0;
    }
    return excess;
}

/* Completions that are still out will interrupt. */
static void arm(struct balloon_report *r, uint64_t *wake_ns)
{
    if (r->in_flight > 0 && virtq_interrupts_on(&r->vq, 1)) {
        *wake_ns = 0;
    }
}

/* What the host has not read to be out of the balloon is not reported yet. */
static bool may_report(const struct balloon_dev *d)
{
    return d->report.on && d->balloon.untold + d->balloon.returning == 0;
}

/* Reports what is due, and goes on at once until all memory was looked at and had nothing. */
static err_t report_runs(struct balloon_dev *d, uint64_t pages, uint64_t *wake_ns)
{
    struct balloon_report *r = &d->report;
    err_t err = report(d, pages, d->config.report.run_pages, &r->from);

    r->found += r->moved;
    if (r->moved > 0) {
        batch_note(d);
        *wake_ns = r->in_flight == 0 ? 0 : BALLOON_NEVER;
    } else if (r->from != 0 || r->found > 0) {
        *wake_ns = 0;
    } else {
        /* Too scattered: not before there is more. */
        d->mem->watch_backed(d->mem->backed_count() + d->config.report.run_pages - 1);
    }
    r->found = r->from != 0 ? r->found : 0;
    return err;
}

/* Reports what is due; whether that is worth anything is found out first. */
static err_t report_due(struct balloon_dev *d, bool idle, uint64_t *wake_ns)
{
    struct balloon_report *r = &d->report;
    uint64_t pages;
    err_t err = OK;

    judge(d);
    pages = due(d, idle, wake_ns);
    if (balloon_probe_due(d) && (pages > 0 || r->probe.drops == BALLOON_DROPS_UNKNOWN)) {
        err = balloon_probe_begin(d);
    }
    if (err == OK && pages > 0 && r->probe.phase == BALLOON_PROBE_IDLE) {
        r->waiting = false;
        if (r->probe.drops != BALLOON_DROPS_NOTHING) {
            err = report_runs(d, pages, wake_ns);
        } else {
            /* In vain; but the host may have learned it meanwhile. */
            *wake_ns = min_u64(*wake_ns, balloon_probe_next(d));
            d->mem->watch_backed(d->mem->backed_count() + d->config.report.run_pages - 1);
        }
    }
    if (!r->judged) {
        *wake_ns = min_u64(*wake_ns, r->batch_ns + JUDGE_NS);
    }
    return err;
}

err_t balloon_report_slice(struct balloon_dev *d, bool idle, uint64_t *wake_ns)
{
    struct balloon_report *r = &d->report;
    err_t err;

    *wake_ns = BALLOON_NEVER;
    /* What an earlier report moved says nothing about this slice. */
    r->moved = 0;
    if (!r->on) {
        return OK;
    }
    err = balloon_probe_go_on(d);
    if (err == OK && may_report(d)) {
        err = report_due(d, idle, wake_ns);
    }
    arm(r, wake_ns);
    return err;
}

err_t balloon_report_urgent(struct balloon_dev *d, uint64_t pages)
{
    struct balloon_report *r = &d->report;
    pfn_t from = 0;
    err_t err;

    r->moved = 0;
    if (!r->on || !balloon_report_settled(d) || r->probe.drops == BALLOON_DROPS_NOTHING) {
        return OK;
    }
    err = report(d, pages, BLOCK_FRAMES, &from);
    r->urgent += r->moved;
    return err;
}

/* ---- questions ---- */

bool balloon_report_wants_idle(const struct balloon_dev *d)
{
    const struct balloon_report *r = &d->report;

    return may_report(d) && r->waiting && r->backoff_ns == 0 &&
           r->probe.phase == BALLOON_PROBE_IDLE;
}

bool balloon_report_settled(const struct balloon_dev *d)
{
    return d->report.in_flight == 0 && d->report.probe.phase == BALLOON_PROBE_IDLE;
}

uint64_t balloon_report_oldest(const struct balloon_dev *d)
{
    uint64_t oldest = UINT64_MAX;

    for (unsigned i = 0; i < d->report.size; i++) {
        if (d->report.slot[i].count > 0) {
            oldest = min_u64(oldest, d->report.slot[i].since_ns);
        }
    }
    return oldest;
}

uint64_t balloon_report_held(const struct balloon_dev *d)
{
    uint64_t pages = d->report.probe.phase != BALLOON_PROBE_IDLE ? BLOCK_FRAMES : 0;

    for (unsigned i = 0; i < d->report.size; i++) {
        pages += d->report.slot[i].probe ? 0 : d->report.slot[i].count;
    }
    return pages;
}

void balloon_report_forget(struct balloon_dev *d)
{
    struct balloon_report *r = &d->report;

    for (unsigned i = 0; i < r->size; i++) {
        if (r->slot[i].count > 0 && !r->slot[i].probe) {
            d->mem->give_blocks(r->slot[i].first, r->slot[i].count, true);
        }
        r->slot[i].count = 0;
    }
    r->in_flight = 0;
    balloon_probe_forget(d);
}
