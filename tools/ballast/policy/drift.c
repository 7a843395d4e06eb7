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
/* Statistics are dated by whole seconds. */
#define STATS_DOUBT_MS 1000
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
    memory->arrived = false;
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

/* All memory is back in the guest without a command: its driver went away, or somebody else gave it
 * that. Only statistics from afterwards can tell, and until they come or are missed nothing is
 * asked: a driver that comes back shall not fill its balloon at once. */
static bool is_back(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const struct policy_scratch *scratch = &machine->scratch;
    const uint64_t band = scratch->band_bytes;
    if (scratch->actual_bytes + band < scratch->ram_bytes) {
        memory->back_ms = 0;
    } else if (memory->back_ms == 0 && memory->target_bytes + band < scratch->ram_bytes &&
               scratch->actual_bytes > memory->span_high_bytes + band) {
        memory->back_ms = round->now_ms;
    }
    if (memory->back_ms != 0 && scratch->told &&
        machine->sample.stats_ms > memory->back_ms + STATS_DOUBT_MS) {
        memory->back_ms = 0;
    }
    return memory->back_ms != 0;
}

static void drift_end(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const bool over =
        (memory->drift == POLICY_DRIFT_DRIVER_GONE && machine->scratch.told) ||
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

/* A size that is not where a command could have brought it. */
static void strayed(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const uint64_t actual = machine->scratch.actual_bytes;
    const uint64_t band = machine->scratch.band_bytes;
    const bool above = actual > memory->span_high_bytes + band;
    if (above && machine->sample.deflate_on_oom) {
        drift_found(machine, POLICY_DRIFT_SELF_DEFLATED, round->now_ms);
        follow(machine, actual, POLICY_GROW_DRIFT);
        policy_peak_note(round->settings, memory, round->now_ms);
    } else if (!above && actual + band >= memory->span_low_bytes) {
        return;
    } else if (memory->arrived) {
        drift_found(machine, POLICY_DRIFT_FOREIGN, round->now_ms);
    } else {
        policy_target_doubt(memory); /* perhaps it was never ours */
    }
}

/* Nothing is expected of its size. */
static bool is_free(const struct policy_machine *machine)
{
    const struct policy_memory *memory = &machine->memory;
    return memory->fresh || memory->settling || !memory->target_known ||
           memory->drift == POLICY_DRIFT_FOREIGN || machine->sample.migrating ||
           !policy_has_balloon(machine);
}

void policy_drift_watch(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    struct policy_scratch *scratch = &machine->scratch;
    scratch->awaited = false;
    if (machine->sample.actual_bytes == POLICY_MISSING) {
        policy_target_doubt(memory); /* whoever reaches it meanwhile may set another */
        return;                      /* nothing can be said of a size that nobody knows */
    }
    drift_end(round, machine);
    if (machine->decision.before_bytes != memory->target_bytes) {
        span_begin(machine, round->now_ms);
    }
    const uint64_t target = memory->target_bytes;
    const uint64_t off = policy_max(policy_less(scratch->actual_bytes, target),
                                    policy_less(target, scratch->actual_bytes));
    memory->arrived = memory->target_known && (memory->arrived || off <= scratch->band_bytes);
    if (is_free(machine)) {
        memory->span_low_bytes = 0; /* everything is on its way */
        memory->span_high_bytes = scratch->ram_bytes;
        memory->command_ms = round->now_ms;
        return;
    }
    const bool back = is_back(round, machine);
    if (back && memory->drift != POLICY_DRIFT_DRIVER_GONE && !scratch->told) {
        drift_found(machine, POLICY_DRIFT_DRIVER_GONE, round->now_ms);
        memory->driven = false;
    } else if (back && !machine->sample.deflate_on_oom) {
        scratch->awaited = memory->drift != POLICY_DRIFT_DRIVER_GONE;
        return;
    } else {
        strayed(round, machine);
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
    const bool complete = level <= machine->decision.before_bytes + policy_near(machine);
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
