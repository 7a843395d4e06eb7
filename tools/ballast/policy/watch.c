/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One machine by itself: what its sample says, checked; whether it is new, starts anew or moves on
 * its own; what it uses, needs and may give; and what the host must be ready to give it. What it
 * gets is decided elsewhere, but for what no other machine has a say in: a maximum or minimum that
 * was promised, and a target that follows what the guest did.
 *
 * Invariant: afterwards every size in decision and scratch is at most the machine's RAM, whatever
 * the sample held.
 */
#include <string.h>

#include "tools/ballast/policy/policy_internal.h"

#define STEADY_MS 3000U
/* A dead band and a margin shall not make tiny guests immovable. */
#define BAND_PART   16U
#define MARGIN_PART 8U

static void sizes_read(const struct policy_round *round, struct policy_machine *machine)
{
    const struct policy_settings *settings = round->settings;
    const struct policy_sample *sample = &machine->sample;
    struct policy_scratch *scratch = &machine->scratch;
    const uint64_t max = machine->max_bytes;
    scratch->band_bytes = policy_max(policy_part(max, settings->deadband_percent, 100),
                                     policy_min(settings->deadband_bytes, max / BAND_PART));
    const uint64_t margin =
        policy_max(settings->margin_bytes, policy_part(max, settings->margin_percent, 100));
    machine->decision.margin_bytes =
        policy_margin_left(round, policy_min(margin, max / MARGIN_PART));
    scratch->ram_bytes = policy_ram(machine);
    const uint64_t actual = sample->actual_bytes;
    scratch->actual_bytes = actual == POLICY_MISSING ? max : policy_min(actual, scratch->ram_bytes);
    uint64_t resident = sample->resident_bytes;
    resident = resident == POLICY_MISSING ? scratch->actual_bytes
                                          : policy_min(resident, scratch->ram_bytes);
    scratch->level_bytes =
        policy_max(scratch->actual_bytes, policy_less(resident, scratch->band_bytes));
    scratch->fixed = false;
}

/* ---- begin and begin anew ---- */

/* The guest starts: nothing that was known of it is true any more. */
static void settle_begin(struct policy_memory *memory, int64_t now_ms)
{
    const struct policy_memory old = *memory;
    memset(memory, 0, sizeof *memory);
    memory->seen_ms = old.seen_ms;
    memory->now_ms = old.now_ms;
    memory->target_bytes = old.target_bytes;
    memory->last_actual_bytes = old.last_actual_bytes;
    memory->disowned_bytes = old.disowned_bytes;
    memory->last_level_bytes = old.last_level_bytes;
    memory->commands_taken = old.commands_taken;
    memory->ram_bytes = old.ram_bytes;
    memory->ram_ms = old.ram_ms;
    memory->migrated = old.migrated;
    memory->below_ms = old.below_ms;
    memory->steady_ms = now_ms;
    memory->reset_ms = now_ms;
    memory->settling = true;
}

/* A guest that starts, and a driver that comes. Where a driver is found that took memory long ago,
 * the guest started long ago, too. */
static void start_watch(const struct policy_round *round, struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    const struct policy_scratch *scratch = &machine->scratch;
    struct policy_memory *memory = &machine->memory;
    /* Statistics show a driver, where nothing else does. */
    const bool here = sample->driver == POLICY_DRIVER_OK
                          ? memory->drift != POLICY_DRIFT_DRIVER_GONE || scratch->told
                          : scratch->told;
    const bool came = here && !memory->driven;
    if (memory->resets != sample->resets) {
        settle_begin(memory, round->now_ms);
        memory->resets = sample->resets;
    } else if (came && memory->driverless) {
        /* The statistics that show the driver are this driver's. */
        const bool newer = sample->stats_ms > memory->last_stats_ms;
        settle_begin(memory, round->now_ms);
        memory->reset_ms =
            newer ? (sample->stats_ms <= round->now_ms ? sample->stats_ms - 1 : round->now_ms)
                  : round->now_ms;
    } else if (came) {
        policy_target_doubt(memory);
    }
    memory->driven = here || memory->driven;
    memory->driverless = !here && sample->actual_bytes != POLICY_MISSING &&
                         scratch->actual_bytes + scratch->band_bytes >= scratch->ram_bytes;
}

static void presence_watch(const struct policy_round *round, struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_memory *memory = &machine->memory;
    const uint64_t actual = machine->scratch.actual_bytes;
    const int64_t now = round->now_ms;
    const uint64_t slack = policy_max(machine->max_bytes / 256, POLICY_PAGE);
    if (memory->seen_ms == 0) {
        memory->seen_ms = now;
        memory->resets = sample->resets;
        memory->fresh = true;
    }
    if (memory->steady_ms == 0 || actual > memory->last_actual_bytes + slack ||
        actual + slack < memory->last_actual_bytes) {
        memory->steady_ms = now;
    }
    policy_stats_judge(round, machine);
    start_watch(round, machine);
    const bool steady = policy_elapsed(memory->steady_ms, now, STEADY_MS) == STEADY_MS;
    policy_stats_judge(round, machine);
    if (memory->settling && memory->stable_ms == 0 && machine->scratch.told) {
        memory->stable_ms = now;
    }
    if (memory->settling && memory->stable_ms != 0 && steady &&
        now - memory->stable_ms >= (int64_t)round->settings->settle_ms) {
        memory->settling = false;
    }
    memory->fresh = memory->fresh && !steady;
}

/* ---- what no other machine has a say in ---- */

static void promises_keep(struct policy_machine *machine)
{
    struct policy_decision *decision = &machine->decision;
    if (machine->scratch.still) {
        decision->target_bytes = machine->decision.before_bytes;
        decision->reason = POLICY_KEEP;
    } else if (policy_is_pinned(machine)) {
        /* One that is limited below its RAM and starts has more: nothing is taken from it yet. */
        const uint64_t before = decision->before_bytes;
        decision->target_bytes = policy_max(machine->max_bytes, before);
        decision->reason = before < machine->max_bytes ? POLICY_GROW_PINNED : POLICY_KEEP;
    } else if (decision->target_bytes < machine->min_bytes) {
        decision->target_bytes = policy_page_up(machine->min_bytes, machine->max_bytes);
        decision->reason = POLICY_GROW_BELOW_MINIMUM;
    }
}

void policy_watch(struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    struct policy_scratch *scratch = &machine->scratch;
    struct policy_decision *decision = &machine->decision;
    const uint64_t elapsed =
        memory->now_ms == 0 ? 0 : policy_elapsed(memory->now_ms, round->now_ms, 5000);
    *decision = (struct policy_decision){ .used_bytes = POLICY_MISSING };
    sizes_read(round, machine);
    if (machine->unmanaged) {
        policy_adopt(memory); /* no target of ours is in force, and whoever moves it may */
    }
    policy_target_watch(round, machine);
    presence_watch(round, machine);
    decision->before_bytes = policy_target_in_force(machine);
    decision->target_bytes = decision->before_bytes;
    policy_drift_watch(round, machine);
    scratch->still = machine->unmanaged || memory->drift == POLICY_DRIFT_FOREIGN ||
                     machine->sample.migrating || machine->sample.actual_bytes == POLICY_MISSING ||
                     !policy_has_balloon(machine) || machine->scratch.awaited;
    policy_target_compare(round, machine);
    policy_stall_watch(round, machine, elapsed);
    if (scratch->told) {
        policy_demand_update(round, machine, elapsed);
    }
    promises_keep(machine);
    scratch->fixed = !scratch->told || scratch->still || policy_is_pinned(machine);
    if (scratch->fixed) {
        decision->demand_bytes = decision->target_bytes;
    }
    policy_hold_update(round, machine, elapsed);
    policy_books_enter(round, machine);
    memory->last_actual_bytes = scratch->actual_bytes;
    memory->last_level_bytes = scratch->level_bytes;
}
