/* SPDX-License-Identifier: BSD-2-Clause */
/* The guest's own view of its memory, on the serial port. Frames throughout. */

#include "kernel/report.h"

#include <stddef.h>

#include "base/log.h"
#include "base/string.h"

#include "arch/x86_64/clock.h"
#include "kernel/params.h"
#include "kernel/timer.h"
#include "mm/frame.h"

#define NS_PER_MS UINT64_C(1000000)

struct view {
    struct frame_stats frames;
    uint64_t target;
    uint64_t actual;
};

static struct view shown;

static void look(struct view *view)
{
    *view = (struct view){ .target = balloon_service_target(), .actual = balloon_service_actual() };
    frame_stats(&view->frames);
}

static void print(const struct view *view)
{
    const struct frame_stats *f = &view->frames;

    result_line("mem ms=%llu total=%llu in_use=%llu backed=%llu returned=%llu balloon=%llu "
                "target=%llu actual=%llu",
                (unsigned long long)(clock_now_ns() / NS_PER_MS), (unsigned long long)f->total,
                (unsigned long long)f->in_use, (unsigned long long)f->free_backed,
                (unsigned long long)f->free_returned, (unsigned long long)f->away,
                (unsigned long long)view->target, (unsigned long long)view->actual);
    shown = *view;
}

void report_memory(void)
{
    struct view view;

    look(&view);
    print(&view);
}

static void tick(void *context)
{
    struct timer *timer = context;
    struct view view;

    look(&view);
    if (memcmp(&view, &shown, sizeof(view)) != 0) {
        /* The counters first: who reads the memory's line has counters that are not older. */
        balloon_service_report();
        print(&view);
    }
    timer_set(timer, clock_now_ns() + params.report_period_ms * NS_PER_MS);
}

void report_start(enum balloon_presence balloon)
{
    static const char *const names[] = { "none", "off", "on" };
    static struct timer timer;
    struct frame_stats frames;

    frame_stats(&frames);
    result_line("ready frames=%llu balloon=%s", (unsigned long long)frames.total, names[balloon]);
    if (params.report_period_ms != 0) {
        timer = (struct timer){ .fire = tick, .context = &timer };
        report_memory();
        timer_set(&timer, clock_now_ns() + params.report_period_ms * NS_PER_MS);
    }
}
