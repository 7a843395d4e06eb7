/* SPDX-License-Identifier: BSD-2-Clause */
/* Timers: one that sets itself again until it has fired five times, and one that is cancelled. */

#include <stdio.h>
#include <string.h>

#include <aerostat.h>

#define PERIOD_NS UINT64_C(20000000)
#define TICKS     5

struct clock {
    struct aerostat_timer timer;
    struct aerostat_queue ticked;
    uint64_t next_ns;
    int ticks;
};

/* The next time is counted from the last one and not from now, so that being late once does not
 * make all the others late. */
static void tick(void *context)
{
    struct clock *clock = context;

    clock->ticks++;
    clock->next_ns += PERIOD_NS;
    if (clock->ticks < TICKS) {
        (void)aerostat_timer_set(&clock->timer, clock->next_ns); /* only a first one can fail */
    }
    aerostat_wake(&clock->ticked);
}

static void never(void *context)
{
    *(int *)context = 1;
}

int main(void)
{
    struct clock clock = { .timer = { .fire = tick, .context = &clock } };
    int fired = 0;
    struct aerostat_timer cancelled = { .fire = never, .context = &fired };
    uint64_t start = aerostat_now_ns();
    int error;

    clock.next_ns = start + PERIOD_NS;
    error = aerostat_timer_set(&clock.timer, clock.next_ns);
    if (error == 0) {
        error = aerostat_timer_set(&cancelled, start + 3 * PERIOD_NS);
    }
    if (error != 0) {
        printf("a timer cannot be set: %s\n", strerror(error));
        return 1;
    }
    for (int seen = 0; seen < TICKS; seen = clock.ticks) {
        while (clock.ticks == seen) {
            aerostat_wait(&clock.ticked);
        }
        printf("tick %d\n", clock.ticks);
        aerostat_timer_cancel(&cancelled); /* cancelling what is not set does nothing */
    }
    if (aerostat_now_ns() - start < TICKS * PERIOD_NS || fired != 0) {
        printf("a timer fired too early, or though it was cancelled\n");
        return 1;
    }
    printf("%d ticks, none too early\n", TICKS);
    return 0;
}
