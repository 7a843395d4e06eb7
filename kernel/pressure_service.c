/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The glue between allocator, sources of memory and balloon. An allocation inside marked work asks
 * only sources that bear it there; the balloon driver's own asks nobody at all (balloon_mem.h).
 *
 * How deep it can get: a source that a task asks for the host allocates, which asks the others,
 * whose allocations ask nobody any more (mm/frame.h); and once on top of that, marked work asks for
 * the host. A source that is being asked is left out by all of them.
 */

#include "kernel/pressure_service.h"

#include <stddef.h>

#include "base/bits.h"
#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/balloon_service.h"
#include "kernel/params.h"
#include "kernel/task.h"
#include "kernel/work.h"
#include "mm/frame.h"
#include "mm/pressure.h"

#define NS_PER_MS UINT64_C(1000000)

static struct wait_queue wanted;
static bool task_wanted; /* it is to ask, when it has its turn */

static uint64_t deadline(void)
{
    return clock_now_ns() + params.pressure_deadline_ms * NS_PER_MS;
}

/* ---- an allocation would fail ---- */

static uint64_t gained(uint64_t before)
{
    uint64_t now = frame_free_count();

    return now > before ? now - before : 0;
}

/*
 * When as many frames were free all along they do not lie together, and what sources give is as
 * scattered: the balloon, which gives whole blocks, is asked whatever they gave.
 */
static bool reclaim(pfn_t count)
{
    uint64_t before = frame_free_count();

    balloon_service_reclaim(count, false);
    if (gained(before) < count) {
        (void)pressure_ask(count - gained(before), PRESSURE_ALLOC_FAILS,
                           work_is_running() ? PRESSURE_WORK : PRESSURE_ALLOC, deadline());
    }
    if (gained(before) < count) {
        balloon_service_reclaim(count - gained(before), true);
    } else if (before >= count) {
        balloon_service_reclaim(count, true);
    }
    return gained(before) > 0;
}

/* ---- the host wants more ---- */

/* Sources that cannot be asked between any two instructions are asked here. How much is lacking is
 * looked up at the last moment: since the task was woken the host may have thought better of it, or
 * a source that was being asked has given. */
static void ask_task(void *argument)
{
    (void)argument;
    for (;;) {
        bool on = interrupts_save_off();

        while (!task_wanted) {
            task_wait(&wanted);
        }
        task_wanted = false;
        interrupts_restore(on);
        uint64_t frames = balloon_service_lacking();

        if (frames > 0) {
            (void)pressure_ask(frames, PRESSURE_HOST_WANTS, PRESSURE_TASK, deadline());
        }
    }
}

uint64_t pressure_service_ask(uint64_t frames)
{
    uint64_t given = pressure_ask(frames, PRESSURE_HOST_WANTS, PRESSURE_WORK, deadline());

    if (given < frames && pressure_available() > 0) {
        task_wanted = true;
        task_wake(&wanted);
    }
    return given;
}

/* ---- the rest ---- */

void pressure_service_init(void)
{
    pressure_init(clock_now_ns);
    frame_set_reclaim(reclaim);
}

void pressure_service_start(void)
{
    err_t err = task_create("pressure", ask_task, NULL);

    if (err != OK) {
        log_warn("pressure: no task to ask applications for memory: %s", err_name(err));
    }
}

void pressure_service_stats(struct balloon_memory_stats *stats)
{
    struct pressure_counters counters = pressure_counters();

    stats->cache_frames = pressure_available();
    stats->alloc_stalls = frame_stall_count();
    /* Only the host is served by promises, but for what an allocation asked and got too late. */
    stats->asked_frames = counters.given[PRESSURE_HOST_WANTS] + (uint64_t)counters.given_later;
    stats->stalled_frames = counters.given[PRESSURE_ALLOC_FAILS];
}
