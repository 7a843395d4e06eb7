/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Proxmox VE, pvestatd with PVE::AutoBalloon (as of 2026-08): one pass every 10 s.
 *
 *   goal = 0.80 H - (H - V), nothing within 10 MiB       H host memory, V MemAvailable
 *   L2   = machines with F > 0.25 m and A >= m           F MemFree of the guest, A size, m minimum
 *   L1   = the others, those without statistics included
 *   alloc = sum(A - m) + goal over the list; want = clamp(m + alloc w / sum w, m, M)
 *   step = clamp(want - A, -100 MiB, +100 MiB), again with those that still move until the goal is
 *          reached; grow L1 first, shrink L2 first, all machines only if that moved nothing
 *
 * A machine starts at its minimum. Guaranteed machines are left out, as with balloon = 0. The 80 %
 * are the default of the node option ballooning-target; a second policy has it at 95 %, because an
 * operator with a full host would raise it.
 */

#include <stdlib.h>

#include "tools/ballast/sim/sim_policy.h"

#define DEAD_BAND (10 * SIM_MIB)
#define STEP      (100 * SIM_MIB)

struct machine {
    bool member;  /* of the list at hand */
    int64_t step; /* of this pass */
};

static bool relaxed(const struct sim_view *view)
{
    return view->stats_time > 0 && view->stats_free > view->min / 4 && view->size >= view->min;
}

/* One round: everybody's want from what is to be distributed. Returns how much moved, and leaves
 * out of the list who did not. */
static int64_t round_of(const struct sim_call *call, struct machine *machines, int64_t goal)
{
    int64_t alloc = goal;
    int64_t weights = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (machines[i].member) {
            const struct sim_view *view = &call->machines[i];
            alloc += view->size + machines[i].step - view->min;
            weights += view->weight;
        }
    }
    int64_t moved = 0;
    for (size_t i = 0; i < call->count; i++) {
        if (!machines[i].member) {
            continue;
        }
        const struct sim_view *view = &call->machines[i];
        int64_t want = view->min + alloc * (int64_t)view->weight / weights;
        want = sim_clamp(want, view->min, view->max);
        int64_t step = sim_clamp(want - view->size, -STEP, STEP);
        /* A pass goes one way: what would move against the goal stays. */
        step = goal < 0 ? sim_min(step, 0) : sim_max(step, 0);
        machines[i].member = step != machines[i].step;
        moved += step - machines[i].step;
        machines[i].step = step;
    }
    return moved;
}

static int64_t balance(const struct sim_call *call, struct machine *machines, int64_t goal,
                       bool all)
{
    for (size_t i = 0; i < call->count; i++) {
        const struct sim_view *view = &call->machines[i];
        machines[i].step = 0;
        machines[i].member = view->min < view->max && (all || relaxed(view) == (goal < 0));
    }
    int64_t sum = 0;
    for (int rounds = 0; rounds < 8; rounds++) {
        int64_t left = goal - sum;
        if (left > -DEAD_BAND && left < DEAD_BAND) {
            break;
        }
        int64_t moved = round_of(call, machines, left);
        if (moved == 0) {
            break;
        }
        sum += moved;
    }
    return sum;
}

static void decide_at(const struct sim_call *call, int64_t target_percent)
{
    struct machine *machines = call->machine_states;
    int64_t used = call->host->total - call->host->available;
    int64_t goal = call->host->total * target_percent / 100 - used;
    if (goal >= -DEAD_BAND && goal <= DEAD_BAND) {
        return;
    }
    if (balance(call, machines, goal, false) == 0) {
        balance(call, machines, goal, true);
    }
    for (size_t i = 0; i < call->count; i++) {
        if (machines[i].step != 0) {
            call->machines[i].target = call->machines[i].size + machines[i].step;
        }
    }
}

static void decide(const struct sim_call *call)
{
    decide_at(call, 80);
}

static void decide_tuned(const struct sim_call *call)
{
    decide_at(call, 95);
}

const struct sim_policy sim_policy_proxmox = {
    .name = "proxmox",
    .title = "Proxmox VE",
    .period_s = 10,
    .starts_at_minimum = true,
    .machine_state_size = sizeof(struct machine),
    .decide = decide,
};

const struct sim_policy sim_policy_proxmox_tuned = {
    .name = "proxmox-95",
    .title = "Proxmox VE at 95",
    .period_s = 10,
    .starts_at_minimum = true,
    .machine_state_size = sizeof(struct machine),
    .decide = decide_tuned,
};
