/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest needs, from what it says. Used is its size less what it calls available, both of one
 * moment: that is true whether its balloon makes its total smaller or counts as used, it includes
 * its kernel, and it leaves out the caches that a guest can do without. What it calls free is never
 * looked at. Guests may say anything: each value is checked before it is used, and none is a
 * divisor.
 */
#include "tools/ballast/policy/policy_internal.h"

#define EWMA_MS 10000U
#define SLOT_MS 30000
#define SLOTS   POLICY_DEMAND_SLOTS
/* A guest suffers for so long after the last sign of it; its boost falls over half an hour. */
#define BOOST_MS 30000
#define FALL_MS  1800000U
/* A boost begins with this part of the maximum, and grows by as much in ten seconds, */
#define BOOST_PART  16U
#define BOOST_LEAST (64 * POLICY_MIB)
#define RISE_MS     10000U
/* or in this time on a host that left demand unmet. */
#define RISE_SHORT_MS 20000U
/* Programs that start read from the disk too, but not for so long. */
#define STRAIN_MS 10000
/* Until a decision counts: the age of statistics, a period, and the way of a command. */
#define LEAD_MS   4000U
#define LEAD_PART 8U
/* More a second is a strain. */
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

/* Where its RAM becomes another, size, RAM and statistics are of different moments for a while:
 * what does not fit is no lie then, and nothing to rely on. */
static bool is_dated(const struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    const int64_t ram_ms = machine->memory.ram_ms;
    const uint64_t ram = sample->ram_bytes;
    const bool known = ram != 0 && ram != POLICY_MISSING && sample->actual_bytes != POLICY_MISSING;
    return (ram_ms != 0 && sample->stats_ms <= ram_ms) || (known && sample->actual_bytes > ram);
}

void policy_stats_judge(const struct policy_round *round, struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_scratch *scratch = &machine->scratch;
    const bool dated = is_dated(machine);
    scratch->lies = stats_lie(machine) && !dated;
    scratch->told = sample->stats_ms > machine->memory.reset_ms && !dated &&
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

static bool guest_strained(const struct policy_machine *machine, uint64_t elapsed_ms)
{
    const struct policy_sample *sample = &machine->sample;
    const struct policy_memory *memory = &machine->memory;
    return counter_high(memory->last_alloc_stalls, sample->alloc_stalls, ALLOC_STALLS_PER_S,
                        elapsed_ms) ||
           counter_high(memory->last_major_faults, sample->major_faults, MAJOR_FAULTS_PER_S,
                        elapsed_ms) ||
           counter_high(memory->last_swap_in_bytes, sample->swap_in_bytes, SWAP_IN_BYTES_PER_S,
                        elapsed_ms);
}

/* With little available a strain counts at once. With much it must last: a hot cache counts as
 * available and is missed all the same, but only by who faults without end. Who suffered lately is
 * believed at once: what it was given for that has been taken again. */
static bool guest_suffers(struct policy_machine *machine)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_memory *memory = &machine->memory;
    const uint64_t elapsed = policy_elapsed(memory->last_stats_ms, sample->stats_ms, 600000);
    if (memory->last_stats_ms == 0 || elapsed == 0) {
        return false;
    }
    if (counter_high(memory->last_oom_kills, sample->oom_kills, 0, elapsed)) {
        return true;
    }
    if (!guest_strained(machine, elapsed)) {
        memory->strain_ms = 0;
        return false;
    }
    if (memory->strain_ms == 0) {
        memory->strain_ms = memory->last_stats_ms;
    }
    return memory->boost_bytes != 0 ||
           sample->available_bytes <= machine->scratch.actual_bytes / 4 ||
           sample->stats_ms - memory->strain_ms >= STRAIN_MS;
}

/* The demand rises step by step until it is a step above what the guest has: the next one waits for
 * it to be granted, or a host that has nothing would owe it ever more. Who has its maximum already
 * cannot be helped by memory. What it gets above its need is found out too late, when it suffers no
 * more, and is given up slowly: while others are short of it the way there is taken more slowly. */
static void boost_raise(const struct policy_round *round, struct policy_machine *machine,
                        uint64_t since_ms, uint64_t base)
{
    const uint64_t rise_ms = round->host_memory->short_bytes != 0 ? RISE_SHORT_MS : RISE_MS;
    struct policy_memory *memory = &machine->memory;
    const uint64_t max = machine->max_bytes;
    const uint64_t unit = policy_min(policy_max(max / BOOST_PART, BOOST_LEAST), max);
    const uint64_t step = memory->boost_bytes == 0 ? unit : policy_part(unit, since_ms, rise_ms);
    const uint64_t room = policy_less(machine->decision.before_bytes, base);
    if (machine->decision.before_bytes < max) {
        memory->boost_bytes = policy_min(memory->boost_bytes + step, policy_min(room + unit, max));
    }
}

/* What was needed once is given up slowly: caches show no need but by the faults without them. */
static void boost_fall(struct policy_machine *machine, uint64_t elapsed_ms)
{
    struct policy_memory *memory = &machine->memory;
    memory->boost_bytes -=
        policy_part(memory->boost_bytes, policy_min(elapsed_ms, FALL_MS), FALL_MS);
    if (memory->boost_bytes < machine->scratch.band_bytes) {
        memory->boost_bytes = 0;
    }
}

static void boost_update(const struct policy_round *round, struct policy_machine *machine,
                         uint64_t base)
{
    const struct policy_sample *sample = &machine->sample;
    struct policy_memory *memory = &machine->memory;
    if (guest_suffers(machine)) {
        const uint64_t since = policy_elapsed(memory->last_stats_ms, sample->stats_ms, 10000);
        boost_raise(round, machine, since, base);
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

/* What it will use more before anything decided now has arrived, if it goes on like this. */
static uint64_t lead_of(struct policy_machine *machine, uint64_t used)
{
    struct policy_memory *memory = &machine->memory;
    const int64_t stats_ms = machine->sample.stats_ms;
    if (stats_ms != memory->last_stats_ms) {
        const uint64_t since = policy_elapsed(memory->last_stats_ms, stats_ms, LEAD_MS);
        const uint64_t rise =
            memory->last_stats_ms == 0 ? 0 : policy_less(used, memory->last_used_bytes);
        memory->lead_bytes = policy_min(since == 0 ? 0 : policy_part(rise, LEAD_MS, since),
                                        machine->max_bytes / LEAD_PART);
        memory->last_used_bytes = used;
    }
    return memory->lead_bytes;
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
    const uint64_t lately = use_lately(memory, used, round->now_ms, elapsed_ms);
    const uint64_t margin = machine->decision.margin_bytes;
    const uint64_t lead = lead_of(machine, used);
    const uint64_t base =
        lately + policy_part(lately, settings->buffer_percent, 100) + margin + lead;
    if (memory->boost_until_ms <= round->now_ms) {
        boost_fall(machine, elapsed_ms);
    }
    if (sample->stats_ms != memory->last_stats_ms) {
        mode_learn(machine);
        boost_update(round, machine, base);
    }
    const uint64_t demand = base + memory->boost_bytes;
    machine->decision.used_bytes = used;
    machine->decision.demand_bytes =
        policy_page_up(policy_max(policy_min(demand, max), machine->min_bytes), max);
    machine->scratch.need_bytes = policy_page_up(policy_min(used + margin, max), max);
    const uint64_t kept = used + margin + lead + memory->boost_bytes;
    machine->scratch.urgent_bytes = policy_page_up(policy_min(kept, max), max);
}
