/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A list sorted by time: there are a handful of timers, so a heap would be more to read and no
 * faster. The list belongs to whoever has interrupts off.
 */

#include "kernel/timer.h"

#include <stddef.h>

#include "base/assert.h"

#include "arch/x86_64/clock.h"
#include "arch/x86_64/cpu.h"
#include "arch/x86_64/segments.h"
#include "arch/x86_64/trap.h"
#include "kernel/work.h"

static struct timer *earliest;
static struct work expire_work;
static uint64_t soon_ns = UINT64_MAX; /* timer_alarm_within(): stands until the alarm comes */

static void set_alarm(void)
{
    /* A timer that is due already waits for expire(), not for another alarm: one in the past would
     * interrupt again before the interrupted task gets a single instruction done. */
    uint64_t at = earliest != NULL && !expire_work.marked ? earliest->at_ns : UINT64_MAX;

    clock_set_alarm(at < soon_ns ? at : soon_ns);
}

static void unlink(struct timer *timer)
{
    struct timer **at = &earliest;

    while (*at != timer) {
        ASSERT(*at != NULL);
        at = &(*at)->next;
    }
    *at = timer->next;
    timer->set = false;
}

void timer_set(struct timer *timer, uint64_t at_ns)
{
    bool on = interrupts_save_off();
    const struct timer *before = earliest;

    ASSERT(timer->fire != NULL);
    if (timer->set) {
        unlink(timer);
    }
    if (at_ns != UINT64_MAX) {
        struct timer **at = &earliest;

        while (*at != NULL && (*at)->at_ns <= at_ns) {
            at = &(*at)->next;
        }
        timer->at_ns = at_ns;
        timer->next = *at;
        timer->set = true;
        *at = timer;
    }
    if (earliest != before || earliest == timer) {
        set_alarm();
    }
    interrupts_restore(on);
}

void timer_cancel(struct timer *timer)
{
    timer_set(timer, UINT64_MAX);
}

void timer_alarm_within(uint64_t ns)
{
    soon_ns = clock_now_ns() + ns;
    set_alarm();
}

static void expire(void *context, enum work_place place)
{
    (void)context;
    (void)place;
    soon_ns = UINT64_MAX;
    while (earliest != NULL && earliest->at_ns <= clock_now_ns()) {
        struct timer *due = earliest;

        unlink(due);
        due->fire(due->context);
    }
    set_alarm();
}

static void on_timer_interrupt(void *context)
{
    (void)context;
    work_mark(&expire_work);
}

void timer_init(void)
{
    expire_work.run = expire;
    work_add(&expire_work);
    trap_set_handler(VECTOR_TIMER, on_timer_interrupt, NULL);
}
