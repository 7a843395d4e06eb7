/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A short list of work items. When an interrupt arrives inside the allocator its work has to wait;
 * if the task then neither yields nor is interrupted again nobody would look, so a timer is set to
 * come back shortly.
 */

#include "kernel/work.h"

#include <stddef.h>

#include "base/assert.h"

#include "arch/x86_64/trap.h"
#include "kernel/timer.h"
#include "mm/frame.h"

/* Long enough for any allocator call, short enough that nobody notices. */
#define DEFER_NS 50000U

static struct work *items;
static bool running;
static uint64_t deferred;

void work_add(struct work *work)
{
    ASSERT(work->run != NULL);
    work->next = items;
    items = work;
}

void work_mark(struct work *work)
{
    work->marked = true;
}

bool work_pending(void)
{
    for (const struct work *work = items; work != NULL; work = work->next) {
        if (work->marked) {
            return true;
        }
    }
    return false;
}

void work_run(enum work_place place)
{
    if (running) {
        return;
    }
    running = true;
    for (struct work *work = items; work != NULL; work = work->next) {
        if (work->marked) {
            work->marked = false;
            work->run(work->context, place);
        }
    }
    running = false;
}

uint64_t work_deferred_count(void)
{
    return deferred;
}

static void on_interrupt_exit(void)
{
    if (running || !work_pending()) {
        return;
    }
    if (frame_held()) {
        deferred++;
        timer_alarm_within(DEFER_NS);
        return;
    }
    work_run(WORK_INTERRUPT);
}

void work_init(void)
{
    trap_set_exit_hook(on_interrupt_exit);
}
