/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A short list of work items, in the order in which they were added: timers first, because what
 * they mark is to run in the same pass. Whenever a task goes on while work is marked, the hardware
 * timer is set to come back shortly: the task may neither yield nor be interrupted again.
 */

#include "kernel/work.h"

#include <stddef.h>

#include "base/assert.h"

#include "arch/x86_64/trap.h"
#include "kernel/task.h"
#include "kernel/timer.h"
#include "mm/frame.h"

/* When marked work cannot run now: long enough for nearly any allocator call, short enough that
 * nobody notices. */
#define DEFER_NS 50000U

static struct work *items;
static bool running;
static uint64_t deferred;

void work_add(struct work *work)
{
    ASSERT(work->run != NULL);
    struct work **end = &items;

    while (*end != NULL) {
        end = &(*end)->next;
    }
    *end = work;
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

bool work_is_running(void)
{
    return running;
}

void work_come_back(void)
{
    if (work_pending()) {
        timer_alarm_within(DEFER_NS);
    }
}

uint64_t work_deferred_count(void)
{
    return deferred;
}

static void on_interrupt_exit(void)
{
    if (running || !work_pending() || !task_is_running()) {
        return; /* the idle loop runs it, without a pause between slices */
    }
    /* An allocation that is taking from the balloon waits for no host, nor for anybody else. */
    if (frame_held() || frame_reclaiming()) {
        deferred++;
    } else {
        work_run(WORK_INTERRUPT);
    }
    work_come_back();
}

void work_init(void)
{
    trap_set_exit_hook(on_interrupt_exit);
}
