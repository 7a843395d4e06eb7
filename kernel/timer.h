/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * One-shot timers. They fire as marked work (work.h): with interrupts off, soon after their time.
 * There is no tick; the hardware timer is set for the earliest one only.
 */

#include <stdbool.h>
#include <stdint.h>

struct timer {
    void (*fire)(void *context);
    void *context;
    uint64_t at_ns; /* on the clock of clock_now_ns() */
    bool set;
    struct timer *next;
};

void timer_init(void);

/* Sets or moves a timer. UINT64_MAX: never, the same as timer_cancel(). */
void timer_set(struct timer *timer, uint64_t at_ns);
void timer_cancel(struct timer *timer);

/* Makes the hardware interrupt us within `ns` even if no timer is due. */
void timer_alarm_within(uint64_t ns);
