/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What happens when the device fails: it is reset, every frame comes back to the guest, and it is
 * started again, at first at once, then at growing distances, then not any more.
 *
 * Invariant: a frame that the device may still use stays out of use until a reset has finished.
 */

#include "drivers/virtio/balloon_recover.h"

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "drivers/virtio/balloon_life.h"

#define NS_PER_MS UINT64_C(1000000)

void balloon_recover_watches_off(struct balloon_dev *d)
{
    d->mem->watch(BALLOON_NEVER);
    d->mem->watch_backed(BALLOON_NEVER);
}

/* The restart itself is the next service. The first attempt at once, the ones after it at growing
 * distances, then none. */
static void schedule_restart(struct balloon_dev *d)
{
    uint64_t pause = 0;

    ASSERT(d->failures > 0);
    if (d->failures > BALLOON_RESTARTS_MAX) {
        d->state = BALLOON_DEV_DEAD;
        log_error("balloon: given up after %u restarts in a row", BALLOON_RESTARTS_MAX);
        if (balloon_life_take_back(d) == OK) {
            balloon_life_release(d);
        }
        return;
    }
    if (d->failures > 1) {
        pause = (d->config.limits.retry_min_ms * NS_PER_MS) << (d->failures - 2);
    }
    d->restart_ns = d->now_ns + min_u64(pause, d->config.limits.retry_max_ms * NS_PER_MS);
    d->state = BALLOON_DEV_RESTARTING;
}

void balloon_recover_fault(struct balloon_dev *d, const char *what)
{
    log_warn("balloon: %s; the device is reset", what);
    d->counters.resets++;
    /* A device that did well for long enough to have shown a lost request starts afresh. */
    if (d->ran_ns - d->live_since >= UINT64_C(2) * d->config.timeout_ms * NS_PER_MS) {
        d->failures = 0;
    }
    d->failures++;
    balloon_recover_watches_off(d);
    schedule_restart(d);
}

void balloon_recover_restart(struct balloon_dev *d)
{
    err_t err = balloon_life_take_back(d);

    ASSERT(d->state == BALLOON_DEV_RESTARTING);
    if (err == OK) {
        err = balloon_life_begin(d);
    }
    if (err != OK) {
        d->failures++;
        schedule_restart(d);
    }
}
