/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon driver: start and stop, the service, interrupts. Moving pages is in balloon_move.c
 * and balloon_deflate.c, the life cycle of the device in balloon_life.c, what happens when it fails
 * in balloon_recover.c, deciding in balloon.c. [VIRTIO 1.4 §5.5]
 *
 * Invariants: interrupts only mark; no memory the device may use is freed before a reset finished;
 * a device that misbehaves costs one line in the log and a restart, never the guest.
 */

#include "drivers/virtio/balloon_dev.h"

#include <stddef.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/string.h"
#include "drivers/virtio/balloon_deflate.h"
#include "drivers/virtio/balloon_life.h"
#include "drivers/virtio/balloon_move.h"
#include "drivers/virtio/balloon_recover.h"
#include "drivers/virtio/balloon_statsq.h"

/* The configuration: le32 each [VIRTIO 1.4 §5.5.4]. Single 32-bit accesses are atomic, so the
 * generation counter, which protects reads of several fields, is not needed [VIRTIO 1.4 §2.5.1]. */
#define CONFIG_NUM_PAGES 0U
#define CONFIG_ACTUAL    4U

#define NS_PER_MS UINT64_C(1000000)
/* While requests are in flight: look that often, so `actual` is current ten times a second. */
#define POLL_NS (75 * NS_PER_MS)
/* A lost configuration interrupt is noticed by the first service this long after the last look. */
#define LOOK_NS (1000 * NS_PER_MS)
/* A longer gap between two services was no time in which the guest ran: it was stopped, or its
 * clock jumped. Timeouts count no more than this of it. */
#define GAP_NS (1000 * NS_PER_MS)
/* The host asks for statistics once a second or so; one that asks without end gets a hundred. */
#define STATS_PAUSE_NS (10 * NS_PER_MS)

enum { MARK_QUEUE = 1, MARK_CONFIG = 2, MARK_FREED = 4, MARK_BLOCKS = 8 };

const struct balloon_dev_config balloon_dev_config_default = {
    .host = { "careful", 256, 1, 64 },
    .slice_pages = 64 * MIB / FRAME_SIZE,
    .floor_pages = 0,
    .limits = { .retry_min_ms = 100,
                .retry_max_ms = 10000,
                .calm_min_ms = 1000,
                .calm_max_ms = 60000,
                .headroom_pages = 16 * MIB / FRAME_SIZE,
                .max_pages = UINT32_MAX },
    .report = { .on = true, .reserve_pages = 0, .run_pages = BLOCK_FRAMES, .pace_ms = 10 },
    .timeout_ms = 10000,
};

err_t balloon_dev_start(struct balloon_dev *d, struct virtio_device *dev,
                        const struct balloon_mem_ops *mem, const struct balloon_dev_config *config)
{
    err_t err;

    ASSERT(d->state == BALLOON_DEV_STOPPED);
    ASSERT(config->slice_pages >= BALLOON_SLICE_MIN);
    ASSERT(config->timeout_ms > 0);
    if (d->owned) {
        /* An earlier stop did not finish; perhaps it can be finished now. */
        err = balloon_life_take_back(d);
        if (err != OK) {
            return err;
        }
        balloon_life_release(d);
    }
    memset(d, 0, sizeof(*d));
    d->dev = dev;
    d->mem = mem;
    d->config = *config;
    d->now_ns = mem->now_ns();
    balloon_init(&d->balloon, &config->limits);
    err = balloon_life_hold(d);
    if (err != OK) {
        return err;
    }
    err = balloon_life_begin(d);
    if (err != OK) {
        balloon_dev_stop(d);
        return err;
    }
    log_info("balloon: started, %s host, %u requests of %u pages%s%s%s%s%s", config->host.name,
             d->pool.requests, (unsigned)d->pool.pfns_per_request,
             d->has_stats ? ", statistics" : "", d->report.on ? ", reporting" : "",
             d->hint.on ? ", hinting" : "", d->deflate_on_oom ? ", deflate on OOM" : "",
             d->must_tell ? ", must tell host" : "");
    return OK;
}

void balloon_dev_stop(struct balloon_dev *d)
{
    if (d->held && balloon_life_take_back(d) == OK) {
        balloon_life_release(d);
    }
    if (d->mem != NULL) {
        balloon_recover_watches_off(d);
    }
    d->state = BALLOON_DEV_STOPPED;
}

/* ---- the service ---- */

/* Copies what the device says about itself: whether it needs a reset, and its wish. */
static const char *look(struct balloon_dev *d)
{
    /* Nothing such a device still has to complete is to be relied on [VIRTIO 1.4 §2.1.1]. */
    if (virtio_needs_reset(d->dev)) {
        return "it needs a reset";
    }
    d->look = false;
    d->looked_ns = d->now_ns;
    (void)balloon_move_step(d, BALLOON_TARGET,
                            d->dev->ops->config_read32(d->dev, CONFIG_NUM_PAGES));
    balloon_hint_look(d);
    return NULL;
}

static err_t harvest(struct balloon_dev *d)
{
    err_t err = balloon_move_harvest(d);

    if (err == OK) {
        err = balloon_report_harvest(d);
    }
    if (err == OK) {
        err = balloon_hint_harvest(d);
    }
    return err;
}

/* Requests for hints are not waited for: a host may leave them alone. */
static bool answers_late(const struct balloon_dev *d)
{
    uint64_t oldest = balloon_report_oldest(d);

    if (d->pool.in_flight > 0) {
        oldest = min_u64(oldest, balloon_pool_oldest(&d->pool));
    }
    return oldest != UINT64_MAX && d->ran_ns - oldest >= d->config.timeout_ms * NS_PER_MS;
}

/* A slice up to its end; null, or what is wrong with the device. *wake_ns: when hints and reports
 * want to go on. */
static const char *slice(struct balloon_dev *d, unsigned marks, bool idle, uint64_t *wake_ns)
{
    const char *wrong = NULL;
    bool hints = false;

    if ((marks & MARK_FREED) != 0) {
        (void)balloon_move_step(d, BALLOON_FREED, 0);
    }
    virtq_interrupts_off(&d->inflate_vq);
    virtq_interrupts_off(&d->deflate_vq);
    if (harvest(d) != OK || balloon_statsq_serve(d) != OK) {
        return "it broke a queue";
    }
    if ((marks & MARK_CONFIG) != 0 || d->look || d->now_ns - d->looked_ns >= LOOK_NS) {
        wrong = look(d);
        if (wrong != NULL) {
            return wrong;
        }
    }
    /* A device that works inside the notification is done when it returns (observed: QEMU 7.2), so
     * the second look saves the interrupt. */
    if (balloon_hint_slice(d, &hints) != OK || balloon_move_slice(d) != OK ||
        balloon_move_harvest(d) != OK || balloon_report_slice(d, idle, wake_ns) != OK) {
        return "it broke a queue";
    }
    *wake_ns = hints ? 0 : *wake_ns;
    if (answers_late(d)) {
        d->counters.timeouts++;
        return "it did not answer in time";
    }
    return NULL;
}

/* Pages are the wrong measure of a slice where the host is slow: halve while it takes too long,
 * grow back once there is time for twice as much. The rest of a movement tells nothing. */
static void adapt_slice(struct balloon_dev *d, uint64_t took_ns)
{
    if (d->moved > 0 && took_ns > BALLOON_SLICE_MS * NS_PER_MS) {
        d->slice_pages = max_u64(d->slice_pages / 2, BALLOON_SLICE_MIN);
    } else if (took_ns <= BALLOON_SLICE_MS * NS_PER_MS / 2 && d->moved >= d->slice_pages / 2) {
        d->slice_pages = min_u64(d->slice_pages * 2, d->config.slice_pages);
    }
}

/* Tells the host and decides when to come back. */
static uint64_t slice_end(struct balloon_dev *d, uint64_t wake_ns)
{
    struct balloon_actions actions = balloon_move_step(d, BALLOON_SLICE_END, 0);
    uint64_t wake;
    uint64_t now;

    if (actions.write_actual) {
        d->dev->ops->config_write32(d->dev, CONFIG_ACTUAL, actions.actual);
    }
    now = d->mem->now_ns();
    adapt_slice(d, now - d->now_ns);
    if (balloon_move_ready(d, actions.again) || balloon_dev_marked(d)) {
        return 0;
    }
    /* A pause that is over, but the slice has to wait for the device: it will interrupt. */
    wake = min_u64(actions.retry_ns > now ? actions.retry_ns : now + POLL_NS, wake_ns);
    if (d->balloon.paused) {
        /* More than is free now, for what is free now could not be taken. */
        d->mem->watch(max_u64(d->config.floor_pages, d->mem->free_count()));
    }
    if (d->pool.in_flight > 0 || d->report.in_flight > 0) {
        wake = min_u64(wake, now + POLL_NS);
    }
    if (d->stats_early) {
        wake = min_u64(wake, now + STATS_PAUSE_NS);
    }
    return wake;
}

/* Timeouts are measured in time in which services were seen to happen. A guest that was stopped for
 * an hour finds its requests as old as before. */
static void clock_tick(struct balloon_dev *d)
{
    uint64_t now = d->mem->now_ns();

    if (now > d->now_ns) {
        d->ran_ns += min_u64(now - d->now_ns, GAP_NS);
        d->now_ns = now;
    }
}

static uint64_t service(struct balloon_dev *d, bool idle)
{
    unsigned marks = atomic_exchange(&d->marks, 0);
    uint64_t wake_ns;
    const char *wrong;

    clock_tick(d);
    if (d->state == BALLOON_DEV_RESTARTING) {
        if (d->now_ns < d->restart_ns) {
            return d->restart_ns;
        }
        balloon_recover_restart(d);
    } else {
        wrong = slice(d, marks, idle, &wake_ns);
        if (wrong == NULL) {
            ASSERT_SLOW((balloon_dev_check(d), true));
            return slice_end(d, wake_ns);
        }
        balloon_recover_fault(d, wrong);
    }
    /* The device was started, or is to be, or is not. */
    if (d->state == BALLOON_DEV_DEAD) {
        return BALLOON_NEVER;
    }
    return d->state == BALLOON_DEV_RESTARTING && d->restart_ns > d->now_ns ? d->restart_ns : 0;
}

uint64_t balloon_dev_service(struct balloon_dev *d, bool idle)
{
    uint64_t wake;

    if (d->state == BALLOON_DEV_STOPPED || d->state == BALLOON_DEV_DEAD) {
        atomic_store(&d->marks, 0);
        return BALLOON_NEVER;
    }
    ASSERT(!d->busy);
    d->busy = true;
    wake = service(d, idle);
    d->busy = false;
    return wake;
}

bool balloon_dev_wants_idle(const struct balloon_dev *d)
{
    return d->state == BALLOON_DEV_RUNNING && balloon_report_wants_idle(d);
}

/* ---- an allocation that would fail ---- */

/* Bookkeeping may take a frame itself. */
static uint64_t gained_since(const struct balloon_dev *d, uint64_t before)
{
    uint64_t now = d->mem->free_count();

    return now > before ? now - before : 0;
}

uint64_t balloon_dev_reclaim(struct balloon_dev *d, uint64_t pages, bool from_balloon)
{
    uint64_t before;
    uint64_t gained;
    err_t err;

    if (d->state != BALLOON_DEV_RUNNING || d->busy) {
        return 0;
    }
    d->busy = true;
    clock_tick(d);
    before = d->mem->free_count();
    /* A broken queue stays broken until the next service sees it. */
    err = harvest(d);
    gained = gained_since(d, before);
    if (gained < pages) {
        balloon_probe_give_up(d);
        gained = gained_since(d, before);
    }
    if (gained < pages) {
        (void)balloon_hint_release(d, pages - gained);
        gained = gained_since(d, before);
    }
    if (err == OK && gained < pages && from_balloon && d->deflate_on_oom) {
        err = balloon_deflate_on_oom(d, pages - gained);
        gained = gained_since(d, before);
    }
    (void)err;
    d->busy = false;
    /* Announcements, `actual` and the interrupts that were not asked for here are its business. */
    atomic_fetch_or(&d->marks, MARK_QUEUE);
    return gained;
}

/* ---- interrupts ---- */

void balloon_dev_poll(struct balloon_dev *d, uint32_t cause)
{
    unsigned marks = (cause & VIRTIO_INTERRUPT_QUEUE) != 0 ? MARK_QUEUE : 0U;

    marks |= (cause & VIRTIO_INTERRUPT_CONFIG) != 0 ? MARK_CONFIG : 0U;
    atomic_fetch_or(&d->marks, marks);
}

void balloon_dev_interrupt(struct balloon_dev *d, uint32_t cause)
{
    balloon_dev_poll(d, cause);
    d->counters.interrupts++;
}

void balloon_dev_memory_freed(struct balloon_dev *d)
{
    atomic_fetch_or(&d->marks, MARK_FREED);
}

void balloon_dev_blocks_freed(struct balloon_dev *d)
{
    atomic_fetch_or(&d->marks, MARK_BLOCKS);
}

bool balloon_dev_marked(const struct balloon_dev *d)
{
    return atomic_load(&d->marks) != 0;
}

/* ---- questions ---- */

bool balloon_dev_contains(const struct balloon_dev *d, pfn_t pfn)
{
    return d->held && (balloon_ledger_contains(&d->ledger, pfn) ||
                       balloon_ledger_contains(&d->batch[0].frames, pfn) ||
                       balloon_ledger_contains(&d->batch[1].frames, pfn));
}

struct balloon_dev_status balloon_dev_status(const struct balloon_dev *d)
{
    struct balloon_dev_status status = { .state = d->state,
                                         .target = d->balloon.target,
                                         .actual = d->balloon.in_balloon,
                                         .leaving = d->balloon.leaving,
                                         .counters = d->counters };

    if (d->held) {
        status.out = balloon_report_held(d) + balloon_hint_held(d);
    }
    if (d->state != BALLOON_DEV_RUNNING && d->owned) {
        status.stuck = balloon_life_out(d);
    }
    status.counters.shortfalls = d->balloon.episodes;
    status.counters.retries = d->balloon.retries;
    return status;
}

void balloon_dev_check(const struct balloon_dev *d)
{
    if (d->state != BALLOON_DEV_RUNNING) {
        return;
    }
    balloon_check(&d->balloon);
    balloon_ledger_check(&d->ledger);
    balloon_pool_check(&d->pool);
    ASSERT(d->ledger.frames == balloon_held(&d->balloon));
    ASSERT(d->untold.frames == d->balloon.untold);
    ASSERT(d->must_tell || d->batch[0].frames.frames + d->batch[1].frames.frames == 0);
    ASSERT(d->pool.in_flight == (unsigned)d->inflate_vq.in_flight + d->deflate_vq.in_flight);
    ASSERT(!d->has_stats || d->stats_vq.in_flight <= 1);
}
