/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest needs, from what it says. Used is its size less what it calls available, both of one
 * moment: that is true whether its balloon makes its total smaller or counts as used, it includes
 * its kernel, and it leaves out the caches that a guest can do without. What it calls free is never
 * looked at. Guests may say anything: each value is checked before it is used, and none is a
 * divisor.
 */
#include "tools/ballast/policy/policy_internal.h"

#define EWMA_MS  10000U
#define SLOT_MS  30000
#define SLOTS    POLICY_DEMAND_SLOTS
#define BOOST_MS 30000
/* While a guest suffers, its boost reaches this part of the maximum in ten seconds. */
#define BOOST_PART  8U
#define BOOST_LEAST (64 * POLICY_MIB)
/* More a second is suffering, for a guest with little available. */
#define SWAP_IN_BYTES_PER_S POLICY_MIB
#define MAJOR_FAULTS_PER_S  250U
#define ALLOC_STALLS_PER_S  20U
/* Rounding, and pages that moved between two of its numbers. */
#define LIE_SLACK (2 * POLICY_MIB)

static bool stats_lie(const struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    const uint64_t available = sample->available_bytes;
    const uint64_t total = sample->total_bytes;
    if (sample->stats_lie) {
        return true;
    }
    if (total != POLICY_MISSING && total > machine->scratch.ram_bytes + LIE_SLACK) {
        return true;
    }
    if (available == POLICY_MISSING) {
        return false;
    }
    const uint64_t size = policy_min(sample->stats_actual_bytes, machine->scratch.ram_bytes);
    return available > size + LIE_SLACK || (total != POLICY_MISSING && available > total);
}

void policy_stats_judge(const struct policy_round *round, struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_scratch *scratch = &machine->scratch;
    scratch->lies = stats_lie(machine);
    scratch->told = sample->stats_ms > machine->memory.reset_ms &&
                    sample->stats_ms <= round->now_ms &&
                    round->now_ms - sample->stats_ms <= (int64_t)round->settings->stale_ms &&
                    sample->available_bytes != POLICY_MISSING && !scratch->lies;
}

/* How the guest counts its balloon, learnt from its total before and after it was inflated. Only
 * shown: what is used does not depend on it. */
static void mode_learn(struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_memory *memory = &machine->memory;
    const uint64_t ram = machine->scratch.ram_bytes;
    if (sample->total_bytes == POLICY_MISSING || sample->stats_actual_bytes > ram) {
        return;
    }
    const uint64_t balloon = ram - sample->stats_actual_bytes;
    if (balloon < POLICY_MIB) {
        memory->full_total_bytes = sample->total_bytes;
    } else if (memory->full_total_bytes != 0 && balloon >= machine->scratch.band_bytes) {
        const uint64_t gone = policy_less(memory->full_total_bytes, sample->total_bytes);
        memory->mode = gone >= balloon / 2 ? POLICY_MODE_TOTAL_SHRINKS : POLICY_MODE_TOTAL_STAYS;
    }
}

/* Since the last sample a counter rose by more than `per_s` times the time. One that fell began
 * anew with the guest, and says nothing. */
static bool counter_high(uint64_t last, uint64_t now, uint64_t per_s, uint64_t elapsed_ms)
{
    return last != POLICY_MISSING && now != POLICY_MISSING && now > last &&
           now - last > per_s * elapsed_ms / 1000;
}

static bool guest_suffers(const struct policy_machine *machine, uint64_t available)
{
    const struct policy_sample *sample = &machine->sample;
    const struct policy_memory *memory = &machine->memory;
    const uint64_t elapsed = policy_elapsed(memory->last_stats_ms, sample->stats_ms, 600000);
    if (memory->last_stats_ms == 0 || elapsed == 0) {
        return false;
    }
    if (counter_high(memory->last_oom_kills, sample->oom_kills, 0, elapsed)) {
        return true;
    }
    /* A guest that starts programs reads them from its disk too; with much available, more memory
     * would not help it. */
    if (available > machine->scratch.actual_bytes / 4) {
        return false;
    }
    return counter_high(memory->last_alloc_stalls, sample->alloc_stalls, ALLOC_STALLS_PER_S,
                        elapsed) ||
           counter_high(memory->last_major_faults, sample->major_faults, MAJOR_FAULTS_PER_S,
                        elapsed) ||
           counter_high(memory->last_swap_in_bytes, sample->swap_in_bytes, SWAP_IN_BYTES_PER_S,
                        elapsed);
}

static void boost_update(const struct policy_round *round, struct policy_machine *machine,
                         uint64_t available)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_memory *memory = &machine->memory;
    const uint64_t max = machine->max_bytes;
    const uint64_t unit = policy_min(policy_max(max / BOOST_PART, BOOST_LEAST), max);
    if (guest_suffers(machine, available)) {
        const uint64_t since = policy_elapsed(memory->last_stats_ms, sample->stats_ms, 10000);
        const uint64_t more = memory->boost_bytes == 0 ? unit : policy_part(unit, since, 10000);
        memory->boost_bytes = policy_min(memory->boost_bytes + more, max);
        memory->boost_until_ms = round->now_ms + BOOST_MS;
    }
    memory->last_swap_in_bytes = sample->swap_in_bytes;
    memory->last_major_faults = sample->major_faults;
    memory->last_alloc_stalls = sample->alloc_stalls;
    memory->last_oom_kills = sample->oom_kills;
    memory->last_stats_ms = sample->stats_ms;
}

/* The two highest of the slots but the newest, when that has changed. */
static void slots_rank(struct policy_memory *memory)
{
    uint64_t first = 0;
    uint64_t second = 0;
    for (uint32_t i = 0; i < SLOTS; i++) {
        if (i != memory->slot) {
            const uint64_t use = memory->slots_bytes[i];
            second = policy_max(second, policy_min(first, use));
            first = policy_max(first, use);
        }
    }
    memory->slots_first_bytes = first;
    memory->slots_second_bytes = second;
}

static void slots_turn(struct policy_memory *memory, int64_t now_ms)
{
    if (memory->slot_ms == 0) {
        memory->slot_ms = now_ms;
    }
    if (now_ms - memory->slot_ms < SLOT_MS) {
        return;
    }
    uint64_t turns = (uint64_t)(now_ms - memory->slot_ms) / SLOT_MS;
    memory->slot_ms += (int64_t)turns * SLOT_MS;
    for (turns = policy_min(turns, SLOTS); turns > 0; turns--) {
        memory->slot = (memory->slot + 1) % SLOTS;
        memory->slots_bytes[memory->slot] = 0;
    }
    slots_rank(memory);
}

/* What it used lately: at once what it uses now, falling over seconds; and what all but one half
 * minute of the last five were under, so that one burst is forgotten and a rhythm is not. */
static uint64_t use_lately(struct policy_memory *memory, uint64_t used, int64_t now_ms,
                           uint64_t elapsed_ms)
{
    const uint64_t drop = policy_less(memory->demand_fast_bytes, used);
    memory->demand_fast_bytes = policy_max(used, memory->demand_fast_bytes) -
                                policy_part(drop, policy_min(elapsed_ms, EWMA_MS), EWMA_MS);
    slots_turn(memory, now_ms);
    uint64_t *slot = &memory->slots_bytes[memory->slot];
    *slot = policy_max(*slot, used);
    const uint64_t usual =
        policy_max(memory->slots_second_bytes, policy_min(*slot, memory->slots_first_bytes));
    return policy_max(memory->demand_fast_bytes, usual);
}

void policy_demand_update(const struct policy_round *round, struct policy_machine *machine,
                          uint64_t elapsed_ms)
{
    const struct policy_settings *settings = round->settings;
    const struct policy_sample *sample = &machine->sample;
    struct policy_memory *memory = &machine->memory;
    const uint64_t max = machine->max_bytes;
    const uint64_t size = sample->stats_actual_bytes == POLICY_MISSING
                              ? machine->scratch.actual_bytes
                              : policy_min(sample->stats_actual_bytes, machine->scratch.ram_bytes);
    const uint64_t used = policy_less(size, sample->available_bytes);
    if (sample->stats_ms != memory->last_stats_ms) {
        mode_learn(machine);
        boost_update(round, machine, sample->available_bytes);
    }
    if (memory->boost_until_ms <= round->now_ms) {
        memory->boost_bytes = 0;
    }
    const uint64_t lately = use_lately(memory, used, round->now_ms, elapsed_ms);
    const uint64_t kept = machine->decision.margin_bytes + memory->boost_bytes;
    const uint64_t demand = lately + policy_part(lately, settings->buffer_percent, 100) + kept;
    machine->decision.used_bytes = used;
    machine->decision.demand_bytes =
        policy_page_up(policy_max(policy_min(demand, max), machine->min_bytes), max);
    machine->scratch.need_bytes = policy_page_up(policy_min(used + kept, max), max);
}
