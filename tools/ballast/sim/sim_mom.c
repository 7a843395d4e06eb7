/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * oVirt MOM with the rules that vdsm ships (02-balloon.policy, as of 2026-06): collectors every
 * 5 s, the policy every 10 s, guests' values are means of the last ten samples.
 *
 *   h = V / H                            V what is free or cache in the host, H its memory
 *   u = mean(A) - mean(F)                A size, F MemFree of the guest
 *   h < 0.20: g = h, or h - 0.05 when h <= 0.05
 *             T = max(m, u + g A, 0.95 A), applied when T <= A and it differs by 0.25 % of A
 *   else:     T = min(M, max(1.05 A, m, u + 0.20 A)), the same dead band
 *
 * Guests without statistics are skipped.
 */

#include "tools/ballast/sim/sim_policy.h"

#define SAMPLES 10U

struct host {
    bool second_call;
};

struct machine {
    int64_t sizes[SAMPLES];
    int64_t frees[SAMPLES];
    uint32_t count;
    uint32_t next;
};

static void collect(struct machine *machine, const struct sim_view *view)
{
    machine->sizes[machine->next] = view->size;
    machine->frees[machine->next] = view->stats_free;
    machine->next = (machine->next + 1) % SAMPLES;
    machine->count += machine->count < SAMPLES;
}

static int64_t mean(const int64_t *values, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += values[i];
    }
    return sum / (int64_t)count;
}

/* Fractions in millionths. */
static void decide_one(const struct machine *machine, struct sim_view *view, int64_t host_free)
{
    int64_t size = view->size;
    int64_t used = mean(machine->sizes, machine->count) - mean(machine->frees, machine->count);
    int64_t target;
    if (host_free < 200000) {
        int64_t part = host_free <= 50000 ? host_free - 50000 : host_free;
        target = sim_max(view->min, used + size * part / 1000000);
        target = sim_max(target, size * 95 / 100);
        target = sim_min(target, size);
    } else {
        target = sim_max(size * 105 / 100, sim_max(view->min, used + size / 5));
        target = sim_min(target, view->max);
    }
    int64_t change = target > size ? target - size : size - target;
    if (change > size / 400) {
        view->target = target;
    }
}

static void decide(const struct sim_call *call)
{
    struct host *host = call->host_state;
    struct machine *machines = call->machine_states;
    for (size_t i = 0; i < call->count; i++) {
        if (call->machines[i].stats_time > 0) {
            collect(&machines[i], &call->machines[i]);
        }
    }
    host->second_call = !host->second_call;
    if (host->second_call) {
        return;
    }
    int64_t host_free = call->host->available * 1000000 / call->host->total;
    for (size_t i = 0; i < call->count; i++) {
        struct sim_view *view = &call->machines[i];
        if (machines[i].count > 0 && view->min < view->max) {
            decide_one(&machines[i], view, host_free);
        }
    }
}

const struct sim_policy sim_policy_mom = {
    .name = "mom",
    .title = "oVirt MOM",
    .period_s = 5,
    .host_state_size = sizeof(struct host),
    .machine_state_size = sizeof(struct machine),
    .decide = decide,
};
