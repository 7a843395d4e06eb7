/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The metrics that are one number of each machine: names, help texts, and where the number is.
 * POLICY_MISSING is what a function returns when it is not known; such a series is left out.
 */
#include "tools/ballast/api/api_internal.h"

static uint64_t machine_size_bytes(const struct fleet_machine *machine)
{
    return machine->facts.actual_bytes;
}

static uint64_t machine_target_bytes(const struct fleet_machine *machine)
{
    return api_target(machine);
}

static uint64_t machine_minimum_bytes(const struct fleet_machine *machine)
{
    return api_minimum(machine);
}

static uint64_t machine_maximum_bytes(const struct fleet_machine *machine)
{
    return api_maximum(machine);
}

static uint64_t machine_ram_bytes(const struct fleet_machine *machine)
{
    return machine->facts.ram_bytes;
}

static uint64_t machine_used_bytes(const struct fleet_machine *machine)
{
    return machine->policy.decision.used_bytes;
}

static uint64_t machine_demand_bytes(const struct fleet_machine *machine)
{
    return fleet_demand(&machine->policy.decision);
}

static uint64_t machine_want_bytes(const struct fleet_machine *machine)
{
    return machine->policy.decision.want_bytes;
}

static uint64_t machine_floor_bytes(const struct fleet_machine *machine)
{
    return machine->policy.decision.floor_bytes;
}

static uint64_t machine_booked_bytes(const struct fleet_machine *machine)
{
    return api_in_books(machine) ? machine->policy.decision.books.booked_bytes : POLICY_MISSING;
}

static uint64_t machine_promised_bytes(const struct fleet_machine *machine)
{
    return api_in_books(machine) ? machine->policy.decision.books.promised_bytes : POLICY_MISSING;
}

static uint64_t machine_smallest_bytes(const struct fleet_machine *machine)
{
    return api_in_books(machine) ? machine->policy.decision.books.smallest_bytes : POLICY_MISSING;
}

static uint64_t machine_takeable_bytes(const struct fleet_machine *machine)
{
    return api_in_books(machine) ? machine->policy.decision.books.takeable_bytes : POLICY_MISSING;
}

static uint64_t machine_short_bytes(const struct fleet_machine *machine)
{
    return fleet_short(&machine->policy.decision);
}

/* What it has is compared with what it was promised; where its size is not known, neither is that.
 */
static uint64_t machine_below_promise_bytes(const struct fleet_machine *machine)
{
    const bool known =
        fleet_decided(&machine->policy) && machine->facts.actual_bytes != POLICY_MISSING;
    return known ? machine->policy.decision.below_bytes : POLICY_MISSING;
}

static uint64_t machine_resident_bytes(const struct fleet_machine *machine)
{
    return machine->facts.resident_bytes;
}

static uint64_t machine_overhead_bytes(const struct fleet_machine *machine)
{
    return machine->facts.overhead_bytes;
}

static uint64_t machine_ballooning(const struct fleet_machine *machine)
{
    return machine->settings.ballooning;
}

static uint64_t machine_managed(const struct fleet_machine *machine)
{
    return machine->settings.managed;
}

static uint64_t machine_driver(const struct fleet_machine *machine)
{
    const bool works = machine->facts.driver == POLICY_DRIVER_OK;
    return works && machine->facts.state != FACTS_UNREACHABLE ? 1 : POLICY_MISSING;
}

static uint64_t machine_drifts(const struct fleet_machine *machine)
{
    return fleet_decided(&machine->policy) ? machine->policy.memory.drift != POLICY_DRIFT_NONE
                                           : POLICY_MISSING;
}

/* Its own words decide: without statistics nobody knows. */
static uint64_t machine_suffers(const struct fleet_machine *machine)
{
    const struct policy_memory *memory = &machine->policy.memory;
    return machine->policy.decision.used_bytes == POLICY_MISSING
               ? POLICY_MISSING
               : memory->boost_until_ms > memory->now_ms;
}

static uint64_t machine_commands(const struct fleet_machine *machine)
{
    return machine->commands;
}

static uint64_t machine_lent_byte_seconds(const struct fleet_machine *machine)
{
    return machine->ledger.lent_mib_s << 20;
}

static uint64_t machine_peaks_met(const struct fleet_machine *machine)
{
    return machine->ledger.peaks_met;
}

static uint64_t machine_peaks_missed(const struct fleet_machine *machine)
{
    return machine->ledger.peaks_missed;
}

static uint64_t guest_memory_bytes(const struct fleet_machine *machine)
{
    return machine->facts.total_bytes;
}

static uint64_t guest_free_bytes(const struct fleet_machine *machine)
{
    return machine->facts.free_bytes;
}

static uint64_t guest_available_bytes(const struct fleet_machine *machine)
{
    return machine->facts.available_bytes;
}

static uint64_t guest_caches_bytes(const struct fleet_machine *machine)
{
    return machine->facts.caches_bytes;
}

static uint64_t guest_swap_in_bytes(const struct fleet_machine *machine)
{
    return machine->facts.swap_in_bytes;
}

static uint64_t guest_swap_out_bytes(const struct fleet_machine *machine)
{
    return machine->facts.swap_out_bytes;
}

static uint64_t guest_major_faults(const struct fleet_machine *machine)
{
    return machine->facts.major_faults;
}

static uint64_t guest_minor_faults(const struct fleet_machine *machine)
{
    return machine->facts.minor_faults;
}

static uint64_t guest_alloc_stalls(const struct fleet_machine *machine)
{
    return machine->facts.alloc_stalls;
}

static uint64_t guest_oom_kills(const struct fleet_machine *machine)
{
    return machine->facts.oom_kills;
}

const struct api_metric api_metrics_of_machines[] = {
    { "ballast_machine_size_bytes", "gauge", "The machine's memory now.", machine_size_bytes },
    { "ballast_machine_target_bytes", "gauge", "The size that the host asks for.",
      machine_target_bytes },
    { "ballast_machine_minimum_bytes", "gauge", "The size that is guaranteed.",
      machine_minimum_bytes },
    { "ballast_machine_maximum_bytes", "gauge", "The size that it may have at most.",
      machine_maximum_bytes },
    { "ballast_machine_ram_bytes", "gauge", "Its RAM.", machine_ram_bytes },
    { "ballast_machine_used_bytes", "gauge", "What of its size is used.", machine_used_bytes },
    { "ballast_machine_demand_bytes", "gauge", "The size that it should have.",
      machine_demand_bytes },
    { "ballast_machine_want_bytes", "gauge", "The size that the distribution gives it.",
      machine_want_bytes },
    { "ballast_machine_floor_bytes", "gauge", "It would not be made smaller than this.",
      machine_floor_bytes },
    { "ballast_machine_booked_bytes", "gauge", "What the host must be ready to give it.",
      machine_booked_bytes },
    { "ballast_machine_promised_bytes", "gauge",
      "What it may claim at any time, with its overhead.", machine_promised_bytes },
    { "ballast_machine_smallest_bytes", "gauge",
      "The smallest size that it can be brought to as its guest is now.", machine_smallest_bytes },
    { "ballast_machine_takeable_bytes", "gauge", "What could be taken from it now.",
      machine_takeable_bytes },
    { "ballast_machine_short_bytes", "gauge", "Demand that could not be granted yet.",
      machine_short_bytes },
    { "ballast_machine_below_promise_bytes", "gauge",
      "What its size lacks of what it was promised: its minimum, or its maximum.",
      machine_below_promise_bytes },
    { "ballast_machine_resident_bytes", "gauge", "Host memory that its RAM holds.",
      machine_resident_bytes },
    { "ballast_machine_overhead_bytes", "gauge", "Host memory that it costs beside its RAM.",
      machine_overhead_bytes },
    { "ballast_machine_ballooning", "gauge", "1 when ballooning is switched on for it.",
      machine_ballooning },
    { "ballast_machine_managed", "gauge", "1 when it is managed, 0 when it is only shown.",
      machine_managed },
    { "ballast_machine_driver", "gauge",
      "1 when a driver of its balloon device was seen to work; without a sign of one there is no "
      "sample.",
      machine_driver },
    { "ballast_machine_drifts", "gauge",
      "1 while its size is not what was asked for, by its own or a foreign hand.", machine_drifts },
    { "ballast_machine_suffers", "gauge",
      "1 while its guest shows that it has too little: it swaps, faults, stalls or kills (what of "
      "that is told depends on the backend), and for 30 seconds after.",
      machine_suffers },
    { "ballast_machine_commands_total", "counter", "Targets sent to it.", machine_commands },
    { "ballast_machine_lent_byte_seconds_total", "counter",
      "What it went without below its maximum.", machine_lent_byte_seconds },
    { "ballast_machine_peaks_met_total", "counter", "Its peaks that were paid in time.",
      machine_peaks_met },
    { "ballast_machine_peaks_missed_total", "counter", "Its peaks that were not paid in time.",
      machine_peaks_missed },
    { "ballast_guest_memory_bytes", "gauge", "Memory that the guest knows of.",
      guest_memory_bytes },
    { "ballast_guest_free_bytes", "gauge", "Memory that the guest does not use at all.",
      guest_free_bytes },
    { "ballast_guest_available_bytes", "gauge", "Memory that the guest could use without swapping.",
      guest_available_bytes },
    { "ballast_guest_caches_bytes", "gauge", "The guest's caches.", guest_caches_bytes },
    { "ballast_guest_swap_in_bytes_total", "counter", "What the guest read from swap.",
      guest_swap_in_bytes },
    { "ballast_guest_swap_out_bytes_total", "counter", "What the guest wrote to swap.",
      guest_swap_out_bytes },
    { "ballast_guest_major_faults_total", "counter", "Faults of the guest that waited for a disk.",
      guest_major_faults },
    { "ballast_guest_minor_faults_total", "counter", "Faults of the guest that did not.",
      guest_minor_faults },
    { "ballast_guest_alloc_stalls_total", "counter",
      "Times that an allocation in the guest had to wait. libvirt does not tell it.",
      guest_alloc_stalls },
    { "ballast_guest_oom_kills_total", "counter",
      "Processes that the guest killed for lack of memory. libvirt does not tell it.",
      guest_oom_kills },
};

const size_t api_metric_count =
    sizeof(api_metrics_of_machines) / sizeof(api_metrics_of_machines[0]);
