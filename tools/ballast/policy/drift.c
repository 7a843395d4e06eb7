/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching how a machine's size follows its target. Two things go wrong there: somebody else moves
 * it (drift), and a guest does not give what it was asked for (stall). Neither is fought: a guest
 * that took memory had none left, a foreign manager would take it up at once, and a guest that has
 * nothing to give would only burn its processors.
 *
 * Invariant: between two commands a size lies on its way, the span from where it was to the target,
 * which narrows as it advances.
 */
#include "tools/ballast/policy/policy_internal.h"

/* A command meets a guest that is still busy with the one before, for so long. */
#define COMMAND_MS 3000U
/* A stalled guest gets this much room, or this part of its maximum if that is less. */
#define STALL_ROOM      (128 * POLICY_MIB)
#define STALL_ROOM_PART 8U

static void span_begin(struct policy_machine *machine, int64_t now_ms)
{
    struct policy_memory *memory = &machine->memory;
    const uint64_t target = machine->decision.before_bytes;
    const uint64_t last = memory->last_actual_bytes;
    memory->span_low_bytes = policy_min(policy_min(last, memory->target_bytes), target);
    memory->span_high_bytes = policy_max(policy_max(last, memory->target_bytes), target);
    memory->target_bytes = target;
    memory->command_ms = now_ms;
}

static void span_narrow(struct policy_machine *machine, int64_t now_ms)
{
    struct policy_memory *memory = &machine->memory;
    const uint64_t actual = machine->scratch.actual_bytes;
    const uint64_t target = memory->target_bytes;
    if (policy_elapsed(memory->command_ms, now_ms, COMMAND_MS) == COMMAND_MS) {
        memory->span_low_bytes = policy_min(policy_max(memory->span_low_bytes, actual), target);
        memory->span_high_bytes = policy_max(policy_min(memory->span_high_bytes, actual), target);
    }
}

static void drift_found(struct policy_machine *machine, enum policy_drift drift, int64_t now_ms)
{
    struct policy_memory *memory = &machine->memory;
    const uint64_t actual = machine->scratch.actual_bytes;
    memory->drift = drift;
    memory->drift_ms = now_ms;
    memory->drift_bytes = policy_max(policy_less(actual, memory->target_bytes),
                                     policy_less(memory->target_bytes, actual));
    memory->moving = false;
}

/* The driver went away, and what it held went back to the guest. */
static bool driver_gone(const struct policy_machine *machine)
{
    const struct policy_scratch *scratch = &machine->scratch;
    const bool silent = machine->sample.driver == POLICY_DRIVER_NONE ||
                        (machine->sample.driver == POLICY_DRIVER_UNKNOWN && !machine->scratch.told);
    return silent && scratch->actual_bytes + scratch->band_bytes >= scratch->ram_bytes &&
           machine->memory.target_bytes + scratch->band_bytes < scratch->ram_bytes;
}

static void drift_end(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const bool over =
        (memory->drift == POLICY_DRIFT_DRIVER_GONE && machine->sample.driver == POLICY_DRIVER_OK) ||
        (memory->drift == POLICY_DRIFT_SELF_DEFLATED && memory->held_until_ms <= round->now_ms);
    if (over) {
        memory->drift = POLICY_DRIFT_NONE;
    }
}

static void follow(struct policy_machine *machine, uint64_t target, enum policy_reason reason)
{
    const uint64_t most = policy_max(machine->max_bytes, machine->scratch.actual_bytes);
    machine->decision.target_bytes =
        policy_page_up(target, policy_max(most, machine->decision.before_bytes));
    machine->decision.reason = reason;
}

void policy_drift_watch(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    struct policy_scratch *scratch = &machine->scratch;
    if (machine->sample.actual_bytes == POLICY_MISSING) {
        return; /* nothing can be said of a size that nobody knows */
    }
    drift_end(round, machine);
    if (machine->decision.before_bytes != memory->target_bytes) {
        span_begin(machine, round->now_ms);
    }
    if (memory->fresh || memory->settling || memory->drift == POLICY_DRIFT_FOREIGN ||
        machine->sample.migrating || !policy_has_balloon(machine)) {
        memory->span_low_bytes = 0; /* nothing is expected, so everything is on its way */
        memory->span_high_bytes = scratch->ram_bytes;
        memory->command_ms = round->now_ms;
        return;
    }
    const uint64_t actual = scratch->actual_bytes;
    if (memory->drift != POLICY_DRIFT_DRIVER_GONE && driver_gone(machine)) {
        drift_found(machine, POLICY_DRIFT_DRIVER_GONE, round->now_ms);
    } else if (machine->sample.driver == POLICY_DRIVER_NONE) {
        return;
    } else if (actual > memory->span_high_bytes + scratch->band_bytes &&
               machine->sample.deflate_on_oom) {
        drift_found(machine, POLICY_DRIFT_SELF_DEFLATED, round->now_ms);
        follow(machine, actual, POLICY_GROW_DRIFT);
        policy_peak_note(round->settings, memory, round->now_ms);
    } else if (actual > memory->span_high_bytes + scratch->band_bytes ||
               actual + scratch->band_bytes < memory->span_low_bytes) {
        drift_found(machine, POLICY_DRIFT_FOREIGN, round->now_ms);
    }
    span_narrow(machine, round->now_ms);
}

/* ---- stalls ---- */

/* Only a guest that needed more than a period shows how fast it is; one that did not is faster than
 * it was asked to be, and soon counts as unlimited. */
static void speed_measure(struct policy_machine *machine, bool complete, uint64_t elapsed_ms)
{
    struct policy_memory *memory = &machine->memory;
    if (complete) {
        memory->speed_bytes_per_s *= 2;
        if (memory->speed_bytes_per_s > machine->max_bytes) {
            memory->speed_bytes_per_s = 0;
        }
    } else if (elapsed_ms != 0) {
        const uint64_t gained = policy_less(memory->last_level_bytes, machine->scratch.level_bytes);
        const uint64_t rate = policy_part(gained, 1000, elapsed_ms);
        memory->speed_bytes_per_s =
            memory->speed_bytes_per_s == 0 ? rate : (memory->speed_bytes_per_s + rate) / 2;
        memory->speed_bytes_per_s =
            policy_min(policy_max(memory->speed_bytes_per_s, 1), machine->max_bytes);
    }
}

static void stall_found(const struct policy_round *round, struct policy_machine *machine)
{
    const struct policy_settings *settings = round->settings;
    struct policy_memory *memory = &machine->memory;
    const uint64_t room = policy_min(STALL_ROOM, machine->max_bytes / STALL_ROOM_PART);
    uint64_t pause = settings->stall_pause_ms;
    for (uint32_t i = 0; i < memory->stalls && pause < settings->stall_pause_max_ms; i++) {
        pause *= 2;
    }
    pause = policy_min(pause, settings->stall_pause_max_ms);
    memory->stalls += memory->stalls < UINT32_MAX ? 1 : 0;
    memory->moving = false;
    policy_hold_until(memory, POLICY_HOLD_STALLED, round->now_ms + (int64_t)pause);
    follow(machine,
           policy_max(machine->scratch.actual_bytes + room, machine->decision.before_bytes),
           POLICY_GROW_STALLED);
}

void policy_stall_watch(const struct policy_round *round, struct policy_machine *machine,
                        uint64_t elapsed_ms)
{
    const struct policy_settings *settings = round->settings;
    struct policy_memory *memory = &machine->memory;
    const uint64_t level = machine->scratch.level_bytes;
    const uint64_t near = policy_max(machine->max_bytes / 100, 4 * POLICY_MIB);
    const bool complete = level <= machine->decision.before_bytes + near;
    const bool commanded = memory->command_ms == round->now_ms;
    if (complete || commanded || machine->sample.paused || machine->scratch.still ||
        memory->settling) {
        if (complete && memory->moving) {
            memory->stalls = 0;
            speed_measure(machine, true, elapsed_ms);
        }
        if (!complete && memory->moving && commanded) {
            speed_measure(machine, false, elapsed_ms);
        }
        memory->moving = !complete;
        memory->progress_bytes = level;
        memory->progress_ms = round->now_ms;
        return;
    }
    memory->moving = true;
    speed_measure(machine, false, elapsed_ms);
    const uint64_t waited = policy_elapsed(memory->progress_ms, round->now_ms, 3600000);
    if (waited < settings->stall_ms) {
        return;
    }
    const uint64_t gained = policy_less(memory->progress_bytes, level);
    if (gained < settings->stall_bytes_per_s / 1000 * waited) {
        stall_found(round, machine);
    }
    memory->progress_bytes = level;
    memory->progress_ms = round->now_ms;
}
