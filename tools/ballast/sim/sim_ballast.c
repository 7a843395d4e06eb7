/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Our policy behind the simulator's interface: the same policy_decide() as in the daemon, with its
 * default settings, fed with what the daemon would see. Nothing is known here that the daemon could
 * not know.
 */

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_policy.h"

static uint64_t bytes(int64_t kib)
{
    return (uint64_t)kib << 10;
}

static void fill_sample(struct policy_sample *sample, const struct sim_view *view)
{
    *sample = (struct policy_sample){
        .actual_bytes = bytes(view->size),
        .resident_bytes = bytes(view->resident),
        .overhead_bytes = bytes(view->overhead),
        .commanded_bytes = sample->commanded_bytes,
        .commands_taken = sample->commands_taken,
        .stats_ms = view->stats_time * 1000,
        .stats_actual_bytes = POLICY_MISSING,
        .total_bytes = POLICY_MISSING,
        .available_bytes = POLICY_MISSING,
        .swap_in_bytes = POLICY_MISSING,
        .swap_out_bytes = POLICY_MISSING,
        .major_faults = POLICY_MISSING,
        .alloc_stalls = POLICY_MISSING,
        .oom_kills = POLICY_MISSING,
        .resets = view->resets,
        .driver = view->driver == SIM_DRIVER_OK ? POLICY_DRIVER_OK : POLICY_DRIVER_UNKNOWN,
        .unreclaimable = view->locked ? POLICY_LOCKED : POLICY_RECLAIMABLE,
        .reporting = view->reporting,
        .deflate_on_oom = view->deflate_on_oom,
    };
    if (view->stats_time > 0) {
        sample->stats_actual_bytes = bytes(view->stats_size);
        sample->total_bytes = bytes(view->stats_total);
        sample->available_bytes = bytes(view->stats_available);
        sample->swap_in_bytes = view->swap_in << 10;
        sample->swap_out_bytes = view->swap_out << 10;
        sample->major_faults = view->major_faults;
        sample->alloc_stalls = view->alloc_stalls;
        sample->oom_kills = view->oom_kills;
    }
}

static void fill_machine(struct policy_machine *machine, const struct sim_view *view)
{
    machine->id = view->id;
    machine->class = (enum policy_class)view->class;
    machine->enabled = true;
    machine->weight = view->weight;
    machine->min_bytes = bytes(view->min);
    machine->max_bytes = bytes(view->max);
    fill_sample(&machine->sample, view);
}

static void decide(const struct sim_call *call)
{
    struct policy_machine *machines = call->machine_states;
    struct policy_settings settings;
    policy_settings_default(&settings);
    struct policy_host host = {
        .total_bytes = bytes(call->host->total - call->host->own),
        .available_bytes = bytes(call->host->available),
        .psi_some_centi = call->host->psi_some_centi,
        .psi_full_centi = call->host->psi_full_centi,
    };
    for (size_t i = 0; i < call->count; i++) {
        fill_machine(&machines[i], &call->machines[i]);
    }
    struct policy_plan plan;
    policy_decide(&settings, &host, call->host_state, machines, call->count, call->host->now * 1000,
                  &plan);
    for (size_t i = 0; i < call->count; i++) {
        const struct policy_decision *decision = &machines[i].decision;
        if (decision->set_target) {
            call->machines[i].target = (int64_t)(decision->target_bytes >> 10);
            call->machines[i].send = true;
            machines[i].sample.commanded_bytes = decision->target_bytes;
            machines[i].sample.commands_taken++;
        }
    }
}

const struct sim_policy sim_policy_ballast = {
    .name = "ballast",
    .title = "ballast",
    .host_state_size = sizeof(struct policy_host_memory),
    .machine_state_size = sizeof(struct policy_machine),
    .decide = decide,
};
