/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * XenServer's squeezed (as of 2026-08): the same fraction for all, knowing nothing of the guests.
 *
 *   T = m + f (M - m) with sum T = what the host can give to active domains
 *   inactive: no progress for 5 s; it counts with what it has, and is asked again
 *   first all that shrink, then growth within what has arrived
 *
 * On Xen a domain's memory is its own; here the pool is what the host has less its own use and the
 * machines' overheads, less the slush fund of 9 MiB. The published loop runs every 10 s and waits
 * within for balloons; a call every second stands for both.
 */

#include "tools/ballast/sim/sim_policy.h"

#define SLUSH      (9 * SIM_MIB)
#define INACTIVE_S 5U
#define NEAR       (2 * SIM_MIB) /* as good as reached */
#define PARTS      1000000

struct machine {
    int64_t last_size;
    uint32_t still; /* seconds without progress towards its target */
};

static bool is_active(const struct machine *machine)
{
    return machine->still < INACTIVE_S;
}

static void watch(struct machine *machine, const struct sim_view *view)
{
    int64_t left = view->target - view->size;
    bool there = left > -NEAR && left < NEAR;
    bool moved = view->size != machine->last_size;
    machine->still = there || moved ? 0 : machine->still + 1;
    if (machine->still >= 2 * INACTIVE_S) {
        machine->still = 0; /* asked again */
    }
    machine->last_size = view->size;
}

/* The fraction, in millionths. */
static int64_t fraction(const struct sim_call *call, int64_t pool)
{
    const struct machine *machines = call->machine_states;
    int64_t span = 0;
    for (size_t i = 0; i < call->count; i++) {
        const struct sim_view *view = &call->machines[i];
        if (is_active(&machines[i])) {
            pool -= view->min;
            span += view->max - view->min;
        } else {
            pool -= view->size;
        }
    }
    if (span == 0) {
        return 0;
    }
    return sim_clamp((int64_t)((__int128)pool * PARTS / span), 0, PARTS);
}

static void decide(const struct sim_call *call)
{
    struct machine *machines = call->machine_states;
    int64_t pool = call->host->total - call->host->own - SLUSH;
    for (size_t i = 0; i < call->count; i++) {
        watch(&machines[i], &call->machines[i]);
        pool -= call->machines[i].overhead;
    }
    int64_t part = fraction(call, pool);
    int64_t arrived = pool;
    for (size_t i = 0; i < call->count; i++) {
        arrived -= call->machines[i].size;
    }
    for (size_t i = 0; i < call->count; i++) {
        struct sim_view *view = &call->machines[i];
        if (!is_active(&machines[i])) {
            continue;
        }
        int64_t target = view->min + (int64_t)((__int128)(view->max - view->min) * part / PARTS);
        if (target > view->size) {
            int64_t grow = sim_clamp(target - view->size, 0, sim_max(0, arrived));
            arrived -= grow;
            target = view->size + grow;
        }
        view->target = target;
    }
}

const struct sim_policy sim_policy_squeezed = {
    .name = "squeezed",
    .title = "Xen squeezed",
    .period_s = 1,
    .machine_state_size = sizeof(struct machine),
    .decide = decide,
};
