/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A PI controller on the host's free ratio, as in the balloon monitor of qemus/qemu (2026-08): one
 * per machine, every 5 s, each for itself.
 *
 *   e = 0.20 - V/H; I = clamp(I + 5 e, -1, 1); T = A - (0.5 e + 0.05 I) M
 *   floor   = max(m, used) unless V/H < 0.10, then m
 *   ceiling = M below PSI 10, falling to m at PSI 50
 *   applied when it differs by 128 MiB, or at a bound; at a bound I is set to what leads there
 *
 * Fractions are millionths.
 */

#include "tools/ballast/sim/sim_policy.h"

#define ONE       ((int64_t)1000000)
#define DEAD_BAND (128 * SIM_MIB)

struct machine {
    int64_t integral;
};

static int64_t ceiling_of(const struct sim_view *view, int64_t psi_centi)
{
    int64_t above = sim_clamp(psi_centi - 1000, 0, 4000);
    return view->max - (view->max - view->min) * above / 4000;
}

static void decide_one(struct machine *machine, struct sim_view *view, int64_t error,
                       int64_t psi_centi)
{
    machine->integral = sim_clamp(machine->integral + 5 * error, -ONE, ONE);
    int64_t change = view->max * (error / 2 + machine->integral / 20) / ONE;
    int64_t used = sim_max(0, view->stats_total - view->stats_available);
    bool emergency = error > ONE / 10;
    int64_t floor = emergency ? view->min : sim_clamp(used, view->min, view->max);
    int64_t ceiling = sim_max(floor, ceiling_of(view, psi_centi));
    int64_t free_target = view->size - change;
    int64_t target = sim_clamp(free_target, floor, ceiling);
    if (target != free_target) {
        int64_t part = (view->size - target) * ONE / view->max;
        machine->integral = sim_clamp((part - error / 2) * 20, -ONE, ONE);
    }
    int64_t step = target - view->target;
    bool bound = target == floor || target == ceiling;
    if (step >= DEAD_BAND || step <= -DEAD_BAND || (bound && step != 0)) {
        view->target = target;
    }
}

static void decide(const struct sim_call *call)
{
    struct machine *machines = call->machine_states;
    int64_t error = ONE / 5 - call->host->available * ONE / call->host->total;
    for (size_t i = 0; i < call->count; i++) {
        struct sim_view *view = &call->machines[i];
        if (view->min < view->max && view->stats_time > 0) {
            decide_one(&machines[i], view, error, call->host->psi_some_centi);
        }
    }
}

const struct sim_policy sim_policy_pi = {
    .name = "pi",
    .title = "PI controller",
    .period_s = 5,
    .machine_state_size = sizeof(struct machine),
    .decide = decide,
};
