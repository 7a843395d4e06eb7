/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why a machine may not shrink: the safety rules, one line each, in the order in which they are
 * told. And how far a machine may shrink that may: to its floor, and by one step.
 */
#include "tools/ballast/policy/policy_internal.h"

/* Peaks within this time of each other are told apart from one that comes alone. */
#define PEAKS_MS 600000U
#define HOUR_MS  3600000U
/* Small guests give a part of their memory as fast as large ones give a small part of theirs. */
#define STEP_A_SECOND_LEAST (32 * POLICY_MIB)
/* A slow guest is still asked for so much, or its speed would never be measured again. */
#define STEP_LEAST (4 * POLICY_MIB)

bool policy_has_balloon(const struct policy_machine *machine)
{
    return machine->sample.unreclaimable != POLICY_NO_DEVICE &&
           machine->sample.unreclaimable != POLICY_PLATFORM;
}

bool policy_is_promised_all(const struct policy_machine *machine)
{
    return machine->class == POLICY_GUARANTEED || !machine->enabled;
}

bool policy_is_pinned(const struct policy_machine *machine)
{
    return policy_is_promised_all(machine) || machine->sample.unreclaimable != POLICY_RECLAIMABLE ||
           machine->memory.settling || machine->memory.drift == POLICY_DRIFT_DRIVER_GONE;
}

void policy_hold_until(struct policy_memory *memory, enum policy_hold why, int64_t until_ms)
{
    if (until_ms > memory->held_until_ms) {
        memory->held_until_ms = until_ms;
        memory->hold_why = why;
    }
}

void policy_peak_note(const struct policy_settings *settings, struct policy_memory *memory,
                      int64_t now_ms)
{
    const uint64_t since = policy_elapsed(memory->peak_ms, now_ms, PEAKS_MS);
    if (memory->peak_ms == 0 || since == PEAKS_MS) {
        memory->peaks = 1;
    } else if (since > settings->swing_first_ms && memory->peaks < UINT32_MAX) {
        memory->peaks++; /* else it is the same one, still rising */
    }
    memory->peak_ms = now_ms;
    const uint32_t hold = memory->peaks > 1 ? settings->swing_again_ms : settings->swing_first_ms;
    policy_hold_until(memory, POLICY_HOLD_PEAK, now_ms + hold);
}

/* Reasons that nothing it tells could change. */
static enum policy_hold hold_by_kind(const struct policy_machine *machine)
{
    if (machine->unmanaged) {
        return POLICY_HOLD_UNMANAGED;
    }
    if (machine->class == POLICY_GUARANTEED) {
        return POLICY_HOLD_GUARANTEED;
    }
    if (!machine->enabled) {
        return POLICY_HOLD_DISABLED;
    }
    if (machine->sample.unreclaimable != POLICY_RECLAIMABLE) {
        return POLICY_HOLD_UNRECLAIMABLE;
    }
    if (machine->memory.drift == POLICY_DRIFT_DRIVER_GONE) {
        return POLICY_HOLD_NO_DRIVER;
    }
    return machine->memory.settling ? POLICY_HOLD_RESET : POLICY_HOLD_NONE;
}

/* It does not grow to its target, and lacks what it needs or was promised. */
static bool is_too_small(const struct policy_machine *machine)
{
    const struct policy_decision *decision = &machine->decision;
    const uint64_t actual = machine->scratch.actual_bytes;
    return decision->behind_bytes != 0 && actual < decision->before_bytes &&
           (decision->below_bytes != 0 || actual < decision->demand_bytes);
}

/* Reasons in what it tells, and in what happens to it. */
static enum policy_hold hold_by_state(const struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    const struct policy_memory *memory = &machine->memory;
    if (sample->stats_ms <= 0 || sample->available_bytes == POLICY_MISSING ||
        sample->actual_bytes == POLICY_MISSING) {
        return POLICY_HOLD_NO_STATS;
    }
    if (machine->scratch.lies) {
        return POLICY_HOLD_LIES;
    }
    if (!machine->scratch.told) {
        return POLICY_HOLD_STALE;
    }
    if (memory->drift == POLICY_DRIFT_FOREIGN) {
        return POLICY_HOLD_FOREIGN;
    }
    if (is_too_small(machine)) {
        return POLICY_HOLD_BEHIND;
    }
    if (memory->fresh) {
        return POLICY_HOLD_NEW;
    }
    if (sample->paused) {
        return POLICY_HOLD_PAUSED;
    }
    return sample->migrating ? POLICY_HOLD_MIGRATING : POLICY_HOLD_NONE;
}

/* Reasons that pass with time. Those that only calm the movement give way when the host is short.
 */
static enum policy_hold hold_by_time(const struct policy_round *round,
                                     struct policy_machine *machine)
{
    struct policy_memory *memory = &machine->memory;
    const enum policy_zone zone = round->plan->zone;
    int64_t *until = &machine->decision.hold_until_ms;
    const bool peak = memory->hold_why == POLICY_HOLD_PEAK;
    const bool dire = policy_strait_is_dire(round);
    if (memory->held_until_ms > round->now_ms && !(peak && (zone == POLICY_LOW || dire))) {
        *until = memory->held_until_ms;
        return (enum policy_hold)memory->hold_why;
    }
    if (policy_elapsed(memory->hour_ms, round->now_ms, HOUR_MS) == HOUR_MS) {
        memory->hour_ms = round->now_ms;
        memory->reversals = 0;
    }
    if (memory->reversals >= round->settings->reversals_per_hour && zone < POLICY_HARD && !dire) {
        *until = memory->hour_ms + HOUR_MS;
        return POLICY_HOLD_REVERSALS;
    }
    if (memory->boost_until_ms > round->now_ms && !dire) {
        *until = memory->boost_until_ms;
        return POLICY_HOLD_SUFFERS;
    }
    return memory->moving ? POLICY_HOLD_MOVING : POLICY_HOLD_NONE;
}

/* Its minimum, what it uses and a margin, and what the largest balloon leaves. */
static uint64_t floor_of(const struct policy_round *round, const struct policy_machine *machine)
{
    const uint64_t max = machine->max_bytes;
    const uint64_t used = machine->decision.used_bytes;
    if (used == POLICY_MISSING) {
        return max;
    }
    const uint64_t least = policy_least(round->settings, machine);
    const uint64_t need = policy_max(used + machine->decision.margin_bytes, least);
    /* One that has more than its maximum may use more, too. */
    return policy_page_up(need, policy_max(max, machine->decision.target_bytes));
}

/* The shorter the host, the faster; but a guest keeps at least half of what it calls available, and
 * is not asked for much more than it has shown to manage. */
static uint64_t step_of(const struct policy_round *round, const struct policy_machine *machine,
                        uint64_t elapsed_ms)
{
    const struct policy_decision *decision = &machine->decision;
    const bool hurry = round->plan->zone >= POLICY_HARD;
    const uint64_t percent = round->settings->inflate_percent * (hurry ? 4U : 1U);
    const uint64_t a_second =
        policy_max(policy_part(machine->max_bytes, percent, 100), STEP_A_SECOND_LEAST);
    uint64_t step = policy_part(a_second, elapsed_ms, 1000);
    const uint64_t available = policy_less(machine->scratch.actual_bytes, decision->used_bytes);
    step = policy_min(step, available / (hurry ? 2 : 4));
    if (machine->memory.speed_bytes_per_s != 0) {
        const uint64_t speed = policy_part(machine->memory.speed_bytes_per_s, elapsed_ms * 3, 2000);
        step = policy_min(step, policy_max(speed, STEP_LEAST));
    }
    return policy_min(step, policy_less(decision->target_bytes, decision->floor_bytes));
}

void policy_hold_update(const struct policy_round *round, struct policy_machine *machine,
                        uint64_t elapsed_ms)
{
    struct policy_decision *decision = &machine->decision;
    decision->floor_bytes = floor_of(round, machine);
    decision->hold = hold_by_kind(machine);
    if (decision->hold == POLICY_HOLD_NONE) {
        decision->hold = hold_by_state(machine);
    }
    if (decision->hold == POLICY_HOLD_NONE) {
        decision->hold = hold_by_time(round, machine);
    }
    if (decision->hold == POLICY_HOLD_NONE && decision->target_bytes <= decision->floor_bytes) {
        decision->hold = POLICY_HOLD_FLOOR;
    }
    if (decision->hold == POLICY_HOLD_NONE) {
        decision->step_bytes = step_of(round, machine, elapsed_ms);
    } else if (decision->hold == POLICY_HOLD_RESET && machine->memory.stable_ms != 0) {
        decision->hold_until_ms = machine->memory.stable_ms + round->settings->settle_ms;
    }
}
