/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sources of memory with different costs and habits, for tests of mm/pressure.h in a real guest.
 * Each holds a chain of single frames. From the cheapest to the dearest:
 *
 *   liar     promises everything, anywhere, and never gives
 *   late     promises, anywhere, and frees late_ms later, by a timer
 *   cache    gives at once, anywhere
 *   pool     gives at once, but only bears tasks; and it lets another task run in the middle
 *   reserve  gives at once, but not between any two instructions
 *
 * With nested=1 the last three allocate while they give, where that is allowed. Then whoever runs
 * out of memory asks sources that are already being asked.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"
#include "base/bits.h"
#include "base/log.h"
#include "base/memory.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "kernel/app_words.h"
#include "kernel/balloon_service.h"
#include "kernel/power_button.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "mm/frame.h"
#include "mm/pressure.h"
#include "tests/guest/scenarios.h"

#define NS_PER_MS      UINT64_C(1000000)
#define FRAMES_PER_MIB (MIB / FRAME_SIZE)
#define STATUS_NOMEM   6

struct holder {
    struct pressure_source source;
    pfn_t chain;
    uint64_t frames;
    uint64_t owes; /* `late`: to be freed by the timer */
    uint64_t failed_inside;
    struct timer timer;
};

static uint64_t late_ns;
static bool nested;

/* ---- chains of frames ---- */

static pfn_t *link_of(pfn_t pfn)
{
    return (pfn_t *)(uintptr_t)frame_address(pfn);
}

static bool push(pfn_t *chain)
{
    pfn_t pfn = frame_alloc();

    if (pfn == PFN_NONE) {
        return false;
    }
    *link_of(pfn) = *chain;
    *chain = pfn;
    return true;
}

static void pop(pfn_t *chain)
{
    pfn_t pfn = *chain;

    ASSERT(pfn != PFN_NONE);
    *chain = *link_of(pfn);
    frame_free(pfn);
}

static uint64_t free_some(struct holder *h, uint64_t frames)
{
    uint64_t count = min_u64(frames, h->frames);

    for (uint64_t i = 0; i < count; i++) {
        pop(&h->chain);
    }
    h->frames -= count;
    return count;
}

/* ---- what sources do ---- */

static void tell(const struct holder *h, uint64_t frames, enum pressure_place place,
                 uint64_t deadline_ns)
{
    static const char *const places[] = { "task", "alloc", "work" };

    result_line("pressure_asked name=%s frames=%llu place=%s ms=%llu deadline_ms=%llu",
                h->source.name, (unsigned long long)frames, places[place],
                (unsigned long long)(clock_now_ns() / NS_PER_MS),
                (unsigned long long)(deadline_ns / NS_PER_MS));
}

static uint64_t can_give(void *context)
{
    const struct holder *h = context;

    return h->frames - h->owes;
}

static void allocate_inside(struct holder *h, enum pressure_place place)
{
    pfn_t pfn;

    if (!nested || place == PRESSURE_WORK) {
        return;
    }
    pfn = frame_alloc();
    if (pfn == PFN_NONE) {
        h->failed_inside++;
    } else {
        frame_free(pfn);
    }
}

static uint64_t give_nothing(void *context, uint64_t frames, enum pressure_place place,
                             uint64_t deadline_ns)
{
    tell(context, frames, place, deadline_ns);
    return 0;
}

static uint64_t give_later(void *context, uint64_t frames, enum pressure_place place,
                           uint64_t deadline_ns)
{
    struct holder *h = context;
    bool on = interrupts_save_off(); /* the timer may be running, if it missed a deadline */

    tell(h, frames, place, deadline_ns);
    h->owes += frames;
    timer_set(&h->timer, clock_now_ns() + late_ns);
    interrupts_restore(on);
    return 0;
}

static void on_time(void *context)
{
    struct holder *h = context;
    uint64_t given = free_some(h, h->owes);

    h->owes = 0;
    result_line("pressure_gave name=%s frames=%llu ms=%llu", h->source.name,
                (unsigned long long)given, (unsigned long long)(clock_now_ns() / NS_PER_MS));
    pressure_gave(&h->source, given);
}

static uint64_t give_at_once(void *context, uint64_t frames, enum pressure_place place,
                             uint64_t deadline_ns)
{
    struct holder *h = context;

    tell(h, frames, place, deadline_ns);
    allocate_inside(h, place);
    return free_some(h, frames);
}

static uint64_t give_in_a_task(void *context, uint64_t frames, enum pressure_place place,
                               uint64_t deadline_ns)
{
    struct holder *h = context;

    ASSERT(place == PRESSURE_TASK);
    tell(h, frames, place, deadline_ns);
    task_yield();
    allocate_inside(h, place);
    return free_some(h, frames);
}

static struct holder holders[] = {
    { .source = { .name = "liar", .cost = 1, .safe = PRESSURE_WORK, .give = give_nothing } },
    { .source = { .name = "late", .cost = 2, .safe = PRESSURE_WORK, .give = give_later } },
    { .source = { .name = "pool", .cost = 20, .safe = PRESSURE_TASK, .give = give_in_a_task } },
    { .source = { .name = "cache", .cost = 10, .safe = PRESSURE_WORK, .give = give_at_once } },
    { .source = { .name = "reserve", .cost = 30, .safe = PRESSURE_ALLOC, .give = give_at_once } },
};

/* ---- the scenario ---- */

/* Each source that has a word NAME=MIB takes so much and registers. */
static bool fill_and_register(uint64_t *caches)
{
    for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
        struct holder *h = &holders[i];
        uint64_t frames = app_word_number(h->source.name, 0) * FRAMES_PER_MIB;

        h->chain = PFN_NONE;
        for (; h->frames < frames; h->frames++) {
            if (!push(&h->chain)) {
                return false;
            }
        }
        if (frames != 0) {
            h->timer = (struct timer){ .fire = on_time, .context = h };
            h->source.context = h;
            h->source.can_give = can_give;
            pressure_register(&h->source);
            *caches += frames;
        }
    }
    return true;
}

/* Once the host holds wait=MIB: all that is free and `over` frames more, and back. */
static void allocate_over(uint64_t over)
{
    uint64_t wanted = frame_free_count() + over;
    uint64_t got = 0;
    pfn_t chain = PFN_NONE;

    while (got < wanted && push(&chain)) {
        got++;
    }
    result_line("pressure_alloc free=%llu wanted=%llu got=%llu",
                (unsigned long long)(wanted - over), (unsigned long long)wanted,
                (unsigned long long)got);
    balloon_service_report();
    while (chain != PFN_NONE) {
        pop(&chain);
    }
}

int scenario_pressure(void)
{
    uint64_t wait_pages = app_word_number("wait", 0) * FRAMES_PER_MIB;
    uint64_t over = app_word_number("over", 0) * FRAMES_PER_MIB;
    uint64_t caches = 0;

    late_ns = app_word_number("late_ms", 100) * NS_PER_MS;
    nested = app_word_number("nested", 0) != 0;
    power_button_take();
    if (!fill_and_register(&caches)) {
        return STATUS_NOMEM;
    }
    result_line("pressure_ready free=%llu caches=%llu", (unsigned long long)frame_free_count(),
                (unsigned long long)caches);
    while (!power_button_pressed()) {
        if (over > 0 && balloon_service_actual() >= wait_pages) {
            allocate_over(over);
            over = 0;
        }
        task_sleep_until(clock_now_ns() + NS_PER_MS);
    }
    pressure_report();
    for (size_t i = 0; i < ARRAY_SIZE(holders); i++) {
        result_line("pressure_left name=%s frames=%llu failed_inside=%llu", holders[i].source.name,
                    (unsigned long long)holders[i].frames,
                    (unsigned long long)holders[i].failed_inside);
    }
    frame_check();
    return 0;
}
