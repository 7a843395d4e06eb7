/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Qubes OS qmemman (as of 2026-08): memory in proportion to what each machine prefers.
 *
 *   U    = used memory that the guest pushes: total - free - cache + swap in use
 *   pref = clamp(1.3 U, 200 MiB, M)
 *   enough for all: T = 0.999 (pref + pref / sum pref * surplus), what does not fit spills evenly
 *   short: who has more goes down to pref (less than 10 MiB is left alone), who has less gets a
 *          share of that in proportion to pref
 *   acts only if more than 150 MiB would move, or 15 MiB to a machine below its preference
 *
 * Guests push changes, so it runs every second here. 50 MiB of the host stay free.
 */

#include "tools/ballast/sim/sim_policy.h"

#define KEEP_FREE    (50 * SIM_MIB)
#define PREF_MIN     (200 * SIM_MIB)
#define DONOR_MIN    (10 * SIM_MIB)
#define TRANSFER_MIN (150 * SIM_MIB)
#define RECEIVER_MIN (15 * SIM_MIB)

struct machine {
    bool managed;
    int64_t pref;
    int64_t target;
};

static int64_t preference(const struct sim_view *view)
{
    int64_t used = view->stats_total - view->stats_free - view->stats_cache + view->stats_swap;
    return sim_clamp(used * 13 / 10, sim_min(PREF_MIN, view->max), view->max);
}

/* Enough for everybody: pref and a share of the rest; whoever is full leaves its part to all. */
static void share_surplus(const struct sim_call *call, int64_t prefs, int64_t surplus)
{
    struct machine *machines = call->machine_states;
    int64_t spill = 0;
    int64_t open = 0;
    for (size_t i = 0; i < call->count; i++) {
        struct machine *machine = &machines[i];
        if (!machine->managed) {
            continue;
        }
        int64_t share = (int64_t)((__int128)surplus * machine->pref / prefs);
        machine->target = (machine->pref + share) * 999 / 1000;
        if (machine->target > call->machines[i].max) {
            spill += machine->target - call->machines[i].max;
            machine->target = call->machines[i].max;
        } else {
            open++;
        }
    }
    for (size_t i = 0; i < call->count && open > 0; i++) {
        struct machine *machine = &machines[i];
        if (machine->managed && machine->target < call->machines[i].max) {
            machine->target = sim_min(call->machines[i].max, machine->target + spill / open);
        }
    }
}

static void share_shortage(const struct sim_call *call, int64_t host_free)
{
    struct machine *machines = call->machine_states;
    int64_t squeezed = host_free;
    int64_t prefs = 0;
    for (size_t i = 0; i < call->count; i++) {
        struct machine *machine = &machines[i];
        int64_t size = call->machines[i].size;
        machine->target = size;
        if (machine->managed && size - machine->pref >= DONOR_MIN) {
            squeezed += size - machine->pref;
            machine->target = machine->pref;
        } else if (machine->managed && size < machine->pref) {
            prefs += machine->pref;
        }
    }
    for (size_t i = 0; i < call->count && prefs > 0; i++) {
        struct machine *machine = &machines[i];
        if (machine->managed && call->machines[i].size < machine->pref) {
            int64_t share = (int64_t)((__int128)sim_max(0, squeezed) * machine->pref / prefs);
            machine->target = sim_min(machine->pref, call->machines[i].size + share);
        }
    }
}

static bool worth_it(const struct sim_call *call)
{
    const struct machine *machines = call->machine_states;
    int64_t transfer = 0;
    bool needed = false;
    for (size_t i = 0; i < call->count; i++) {
        if (machines[i].managed) {
            int64_t change = machines[i].target - call->machines[i].size;
            transfer += change > 0 ? change : -change;
            needed |= change > RECEIVER_MIN && call->machines[i].size < machines[i].pref;
        }
    }
    return needed || transfer > TRANSFER_MIN;
}

/* Growth only as far as memory is free: the published loop waits for those that shrink. */
static void apply(const struct sim_call *call, int64_t host_free)
{
    const struct machine *machines = call->machine_states;
    for (size_t i = 0; i < call->count; i++) {
        struct sim_view *view = &call->machines[i];
        if (!machines[i].managed) {
            continue;
        }
        int64_t grow = machines[i].target - view->size;
        if (grow > 0) {
            grow = sim_clamp(grow, 0, sim_max(0, host_free));
            host_free -= grow;
        }
        view->target = view->size + grow;
    }
}

static void decide(const struct sim_call *call)
{
    struct machine *machines = call->machine_states;
    int64_t host_free = call->host->total - call->host->own - KEEP_FREE;
    int64_t sizes = 0;
    int64_t prefs = 0;
    for (size_t i = 0; i < call->count; i++) {
        const struct sim_view *view = &call->machines[i];
        machines[i].managed = view->stats_time > 0 && view->min < view->max;
        host_free -= view->size + view->overhead;
        if (machines[i].managed) {
            machines[i].pref = preference(view);
            sizes += view->size;
            prefs += machines[i].pref;
        }
    }
    if (prefs == 0) {
        return;
    }
    int64_t surplus = sizes + host_free - prefs;
    if (surplus >= 0) {
        share_surplus(call, prefs, surplus);
    } else {
        share_shortage(call, host_free);
    }
    if (worth_it(call)) {
        apply(call, host_free);
    }
}

const struct sim_policy sim_policy_qmemman = {
    .name = "qmemman",
    .title = "Qubes qmemman",
    .period_s = 1,
    .machine_state_size = sizeof(struct machine),
    .decide = decide,
};
