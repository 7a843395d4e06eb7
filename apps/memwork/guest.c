/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's functions, made of what the kernel has. A page is a frame, at its address. Caches
 * are sources of memory that bear being asked from tasks and from allocations, but not between any
 * two instructions: the engine is in order whenever it allocates or lets others run.
 */

#include "apps/memwork/guest.h"

#include "base/bits.h"
#include "base/log.h"

#include "arch/x86_64/clock.h"
#include "kernel/balloon_service.h"
#include "kernel/power_button.h"
#include "kernel/task.h"
#include "mm/frame.h"
#include "mm/pressure.h"

static struct engine *engine;
static struct pressure_source sources[ENGINE_REGIONS_MAX];
static bool has_button;

/* ---- memory ---- */

/* The length of the last run that could be had, so that fragmented memory is not searched again
 * and again for long ones; it doubles with every success. */
static uint32_t reach = BLOCK_FRAMES;

/* Runs only from what is free as it is; nobody shall give up memory for the sake of a run. The last
 * resort is a single frame, for which the kernel asks around. */
static uint32_t take(void *context, uint32_t wanted, uint32_t *first)
{
    (void)context;
    for (uint32_t count = (uint32_t)min_u64(wanted, reach); count > 1; count /= 2) {
        if (frame_try_run(count, first) == OK) {
            reach = (uint32_t)min_u64(2 * (uint64_t)count, BLOCK_FRAMES);
            return count;
        }
        reach = count;
    }
    *first = frame_alloc();
    reach = 2;
    return *first == PFN_NONE ? 0 : 1;
}

static void give(void *context, uint32_t page)
{
    (void)context;
    frame_free(page);
}

static uint64_t *view(void *context, uint32_t page)
{
    (void)context;
    return (uint64_t *)(uintptr_t)frame_address(page);
}

static uint64_t free_pages(void *context)
{
    (void)context;
    return frame_free_count();
}

static uint64_t balloon_target(void *context)
{
    (void)context;
    return balloon_service_target();
}

static uint64_t balloon_actual(void *context)
{
    (void)context;
    return balloon_service_actual();
}

/* ---- time ---- */

static uint64_t now_ns(void *context)
{
    (void)context;
    return clock_now_ns();
}

static void sleep_until(void *context, uint64_t at_ns)
{
    (void)context;
    task_sleep_until(at_ns);
}

static void let_others_run(void *context)
{
    (void)context;
    task_yield();
}

static bool stopped(void *context)
{
    (void)context;
    return has_button && power_button_pressed();
}

void guest_take_power_button(void)
{
    power_button_take();
    has_button = true;
}

/* ---- caches ---- */

static unsigned number_of(const void *source)
{
    return (unsigned)((const struct pressure_source *)source - sources);
}

static uint64_t can_give(void *context)
{
    return engine_can_give(engine, number_of(context));
}

static uint64_t give_up(void *context, uint64_t frames, enum pressure_place place,
                        uint64_t deadline_ns)
{
    (void)place;
    (void)deadline_ns;
    return engine_give(engine, number_of(context), frames);
}

static void cache_open(void *context, unsigned number, const char *name, unsigned cost)
{
    (void)context;
    sources[number] = (struct pressure_source){ .name = name,
                                                .cost = cost,
                                                .safe = PRESSURE_ALLOC,
                                                .context = &sources[number],
                                                .can_give = can_give,
                                                .give = give_up };
    pressure_register(&sources[number]);
}

static void cache_close(void *context, unsigned number)
{
    (void)context;
    pressure_unregister(&sources[number]);
}

/* ---- the rest ---- */

static void print(void *context, const char *line)
{
    (void)context;
    result_line("%s", line);
}

const struct memwork_host *guest_host(struct engine *of)
{
    static const struct memwork_host host = {
        .take = take,
        .give = give,
        .view = view,
        .free_pages = free_pages,
        .balloon_target = balloon_target,
        .balloon_actual = balloon_actual,
        .now_ns = now_ns,
        .sleep_until = sleep_until,
        .pause = let_others_run,
        .stopped = stopped,
        .cache_open = cache_open,
        .cache_close = cache_close,
        .print = print,
    };

    engine = of;
    return &host;
}
