/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The glue between allocator, sources of memory and balloon. An allocation inside marked work (the
 * balloon driver's own, say) asks nobody but sources that bear it: the driver is busy with itself.
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
static uint64_t wanted_frames;
static uint64_t stalls;
static uint64_t failed;

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

static bool reclaim(pfn_t count)
{
    uint64_t before = frame_free_count();
    bool in_work = work_is_running();

    stalls++;
    if (!in_work) {
        balloon_service_reclaim(count, false);
    }
    if (gained(before) < count) {
        (void)pressure_ask(count - gained(before), PRESSURE_ALLOC_FAILS,
                           in_work ? PRESSURE_WORK : PRESSURE_ALLOC, deadline());
    }
    if (gained(before) < count && !in_work) {
        balloon_service_reclaim(count - gained(before), true);
    }
    failed += gained(before) == 0;
    return gained(before) > 0;
}

/* ---- the host wants more ---- */

/* Sources that cannot be asked between any two instructions are asked here. */
static void ask_task(void *argument)
{
    (void)argument;
    for (;;) {
        bool on = interrupts_save_off();

        while (wanted_frames == 0) {
            task_wait(&wanted);
        }
        uint64_t frames = wanted_frames;

        wanted_frames = 0;
        interrupts_restore(on);
        (void)pressure_ask(frames, PRESSURE_HOST_WANTS, PRESSURE_TASK, deadline());
    }
}

uint64_t pressure_service_ask(uint64_t frames)
{
    uint64_t given = pressure_ask(frames, PRESSURE_HOST_WANTS, PRESSURE_WORK, deadline());

    if (given < frames && pressure_available() > 0) {
        wanted_frames = frames - given;
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
    stats->alloc_stalls = stalls;
    stats->asked_frames = counters.given[PRESSURE_HOST_WANTS];
    stats->stalled_frames = counters.given[PRESSURE_ALLOC_FAILS];
    stats->failed_allocs = failed;
}
