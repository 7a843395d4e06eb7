/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balance rule of ChromeOS (VM memory management on crosvm, 2023): equal headroom in guest and
 * host.
 *
 *   bias' = bias B / B_max                           B balloon, bias 48 MiB
 *   g     = F + C - critical - bias'                 F free, C cache of the guest
 *   h     = V - critical                             V MemAvailable of the host
 *   delta = (g - h) / 2, clamped to [-(h + 10 MiB), g + bias' + 10 MiB]
 *   applied if more than 1 % of g or of h, or with g or h within 1 MiB of critical
 *
 * It was made for one guest or a few. Here each machine is balanced against its even share of h,
 * or fifty of them would all take the same memory. Critical is 400 MiB there; here at most an
 * eighth of the machine, and 400 MiB in the host. B_max is what its minimum leaves.
 */

#include "tools/ballast/sim/sim_policy.h"

#define BIAS     (48 * SIM_MIB)
#define CRITICAL (400 * SIM_MIB)
#define MARGIN   (10 * SIM_MIB)

static int64_t size_of(int64_t value)
{
    return value < 0 ? -value : value;
}

static void decide_one(struct sim_view *view, int64_t host)
{
    int64_t balloon = view->max - view->size;
    int64_t bias = BIAS * balloon / (view->max - view->min);
    int64_t critical = sim_min(CRITICAL, view->max / 8);
    int64_t guest = view->stats_free + view->stats_cache - critical - bias;
    int64_t delta = (guest - host) / 2;
    delta = sim_clamp(delta, -(sim_max(0, host) + MARGIN), sim_max(0, guest) + bias + MARGIN);
    bool worth = size_of(delta) > size_of(guest) / 100 || size_of(delta) > size_of(host) / 100;
    if (worth || guest < SIM_MIB || host < SIM_MIB) {
        view->target = sim_clamp(view->size - delta, view->min, view->max);
    }
}

static void decide(const struct sim_call *call)
{
    int64_t machines = 0;
    for (size_t i = 0; i < call->count; i++) {
        machines += call->machines[i].min < call->machines[i].max;
    }
    for (size_t i = 0; i < call->count; i++) {
        struct sim_view *view = &call->machines[i];
        if (view->min < view->max && view->stats_time > 0) {
            decide_one(view, (call->host->available - CRITICAL) / machines);
        }
    }
}

const struct sim_policy sim_policy_balance = {
    .name = "balance",
    .title = "ChromeOS balance",
    .period_s = 1,
    .decide = decide,
};
