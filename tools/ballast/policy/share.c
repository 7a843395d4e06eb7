/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each machine should have, if everything had arrived: in tiers, what it has in any case; then
 * what it cannot do without, what it suffers without, and its buffer, in each burst machines before
 * spare ones, by weight; then what is left over, by weight
 * too, but in totals, so that a machine that needs little gets more of it. The idle tax says how
 * little of the surplus counts in that total.
 */
#include "tools/ballast/policy/policy_internal.h"

/* What a machine has in any case: its minimum, and what it cannot give now. */
static uint64_t base_of(const struct policy_machine *machine)
{
    const struct policy_decision *decision = &machine->decision;
    if (machine->scratch.fixed) {
        return machine->decision.books.owed_bytes;
    }
    const bool gives = decision->hold == POLICY_HOLD_NONE || decision->hold == POLICY_HOLD_MOVING ||
                       decision->hold == POLICY_HOLD_FLOOR;
    const uint64_t keeps =
        gives ? policy_min(decision->target_bytes, decision->floor_bytes) : decision->target_bytes;
    const uint64_t most = policy_max(machine->max_bytes, keeps); /* it may have more than that */
    return policy_page_up(policy_max(machine->min_bytes, keeps), most);
}

/* One tier of one class. Levels are of totals:
 * who has more than others already waits until they have as much. */
static uint64_t tier_demand(struct policy_round *round, enum policy_class class,
                            enum policy_tier tier, uint64_t budget)
{
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        const bool takes = machine->class == class && !machine->scratch.fixed;
        const uint64_t upto = policy_tier_upto(machine, tier);
        machine->scratch.weight = machine->weight;
        machine->scratch.offset_bytes = machine->decision.want_bytes;
        machine->scratch.cap_bytes = takes ? policy_less(upto, machine->decision.want_bytes) : 0;
    }
    const uint64_t given = policy_fill(round->machines, round->count, budget);
    for (size_t i = 0; i < round->count; i++) {
        round->machines[i].decision.want_bytes +=
            policy_page_down(round->machines[i].scratch.share_bytes);
    }
    return budget - given;
}

/* With the tax, `counted` of 100 bytes of surplus count. Multiplying caps and budget instead of the
 * shares lets one filling serve: its shares are in bytes that count. */
static void tier_surplus(struct policy_round *round, uint64_t budget)
{
    const uint64_t counted = 100 - round->settings->idle_tax_percent;
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        const uint64_t room = policy_less(machine->max_bytes, machine->decision.want_bytes);
        machine->scratch.weight = machine->weight;
        machine->scratch.offset_bytes = machine->decision.want_bytes;
        machine->scratch.cap_bytes = machine->scratch.fixed ? 0 : policy_part(room, 100, counted);
    }
    policy_fill(round->machines, round->count, policy_part(budget, 100, counted));
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        if (machine->scratch.share_bytes != 0) {
            const uint64_t share = policy_part(machine->scratch.share_bytes, counted, 100);
            const uint64_t want = machine->decision.want_bytes + share;
            machine->decision.want_bytes =
                want == machine->max_bytes ? want : policy_page_down(want);
        }
    }
}

void policy_share(struct policy_round *round)
{
    /* A short host has less to distribute than its size says. */
    const uint64_t short_ceiling = policy_less(round->plan->books.owed_bytes, round->zone_need);
    uint64_t budget = round->plan->books.budget_bytes;
    if (round->zone_need != 0) {
        budget = policy_min(budget, short_ceiling);
    }
    uint64_t asked = 0;
    uint64_t based = 0;
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        const uint64_t base = base_of(machine);
        machine->decision.want_bytes =
            machine->scratch.fixed ? machine->decision.target_bytes : base;
        based += base;
        asked += machine->scratch.fixed ? 0 : policy_less(machine->decision.demand_bytes, base);
    }
    budget = policy_less(budget, based);
    if (asked > budget) {
        for (enum policy_tier tier = POLICY_TIER_NEED; tier <= POLICY_TIER_DEMAND; tier++) {
            budget = tier_demand(round, POLICY_BURST, tier, budget);
            budget = tier_demand(round, POLICY_SPARE, tier, budget);
        }
        return;
    }
    for (size_t i = 0; i < round->count; i++) {
        struct policy_decision *decision = &round->machines[i].decision;
        decision->want_bytes = policy_max(decision->want_bytes, decision->demand_bytes);
    }
    tier_surplus(round, budget - asked);
}
