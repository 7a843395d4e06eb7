/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets that rise. Demand is paid from what has arrived in the host, and beyond it from the slush
 * fund, at once; the rest is left to what others can give. Surplus is handed out only when nobody
 * is short and the fund is full, and only in pieces that are worth a command.
 */
#include "tools/ballast/policy/policy_internal.h"

/* A machine that has just given does not get surplus: it would only be asked again. */
#define GIVEN_MS 30000U

static void grow(struct policy_round *round, struct policy_machine *machine, uint64_t bytes,
                 enum policy_reason reason)
{
    machine->decision.target_bytes += bytes;
    machine->decision.reason = reason;
    round->plan->granted_bytes += bytes;
}

/* What is booked for machines that start, beyond what they were promised and have touched: half of
 * it may be lent to those that need it now, as far as it is really there. Few that start take all
 * of their RAM, and not at once. */
static uint64_t lendable(const struct policy_round *round)
{
    const struct policy_plan *plan = round->plan;
    const uint64_t kept = plan->books.reserve_bytes + plan->books.slush_bytes;
    const uint64_t lent =
        policy_less(plan->books.booked_bytes, plan->books.budget_bytes + plan->books.slush_bytes);
    return policy_min(policy_less(round->plan->books.untouched_bytes / 2, lent),
                      policy_less(round->host.available_bytes, kept));
}

/* Whether a machine asks for more, and up to where it may grow. */
static void ask(struct policy_round *round, struct policy_machine *machine)
{
    struct policy_decision *decision = &machine->decision;
    struct policy_scratch *scratch = &machine->scratch;
    scratch->goal_bytes = 0;
    const uint64_t missing = policy_less(decision->demand_bytes, decision->target_bytes);
    if (scratch->fixed || missing == 0) {
        return;
    }
    /* Within the dead band a guest is not worse off, unless its margin is touched. */
    const bool urgent =
        decision->used_bytes + machine->decision.margin_bytes > decision->target_bytes;
    if (missing < scratch->band_bytes && !urgent) {
        decision->reason = decision->reason == POLICY_KEEP ? POLICY_KEEP_SMALL : decision->reason;
        return;
    }
    round->plan->asked_bytes += missing;
    decision->short_bytes = missing;
    /* Its share; beyond it, on an overloaded host, still what it cannot do without. */
    const uint64_t needs =
        round->plan->lendable_bytes != 0 ? scratch->urgent_bytes : scratch->need_bytes;
    const uint64_t share = policy_max(decision->want_bytes, needs);
    const uint64_t goal = policy_min(decision->demand_bytes, share);
    /* What it was asked for and has not given yet, it simply keeps. */
    const uint64_t kept = policy_min(goal, policy_page_down(scratch->level_bytes));
    if (kept > decision->target_bytes) {
        decision->target_bytes = kept;
        decision->reason = POLICY_GROW_DEMAND;
    }
    scratch->goal_bytes = goal;
}

/* Each machine's ask, in this class and up to its need or its goal. Returns their sum. */
static uint64_t asks_of(struct policy_round *round, enum policy_class class, enum policy_tier tier)
{
    uint64_t asks = 0;
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        struct policy_scratch *scratch = &machine->scratch;
        scratch->ask_bytes = 0;
        if (machine->class == class && scratch->goal_bytes != 0) {
            const uint64_t upto = policy_min(policy_tier_upto(machine, tier), scratch->goal_bytes);
            scratch->ask_bytes = policy_less(upto, machine->decision.target_bytes);
            asks += scratch->ask_bytes;
        }
    }
    return asks;
}

/* Pays the asks; `arrived` is there, the rest is the fund's. */
static uint64_t pay(struct policy_round *round, uint64_t asks, uint64_t arrived, uint64_t fund)
{
    const bool enough = asks <= arrived + fund;
    if (!enough) {
        for (size_t i = 0; i < round->count; i++) {
            struct policy_scratch *scratch = &round->machines[i].scratch;
            scratch->weight = round->machines[i].weight;
            scratch->offset_bytes = round->machines[i].decision.target_bytes;
            scratch->cap_bytes = scratch->ask_bytes;
        }
        policy_fill(round->machines, round->count, arrived + fund);
    }
    uint64_t paid = 0;
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        if (machine->scratch.ask_bytes == 0) {
            continue;
        }
        const uint64_t share =
            enough ? machine->scratch.ask_bytes : policy_page_down(machine->scratch.share_bytes);
        if (share != 0) {
            paid += share;
            grow(round, machine, share, paid <= arrived ? POLICY_GROW_DEMAND : POLICY_GROW_PEAK);
        }
    }
    return paid;
}

/* In the order of share.c. Half of the fund is for what burst machines cannot do without. */
static uint64_t grant_demand(struct policy_round *round, uint64_t physical)
{
    static const struct {
        enum policy_class class;
        enum policy_tier tier;
    } turns[] = { { POLICY_BURST, POLICY_TIER_NEED },   { POLICY_SPARE, POLICY_TIER_NEED },
                  { POLICY_BURST, POLICY_TIER_URGENT }, { POLICY_SPARE, POLICY_TIER_URGENT },
                  { POLICY_BURST, POLICY_TIER_DEMAND }, { POLICY_SPARE, POLICY_TIER_DEMAND } };
    struct policy_plan *plan = round->plan;
    uint64_t arrived = policy_min(plan->books.arrived_bytes, physical);
    uint64_t fund = policy_min(plan->books.slush_left_bytes, physical - arrived);
    uint64_t lend = policy_min(plan->lendable_bytes, physical - arrived - fund);
    uint64_t unmet = 0;
    uint64_t lacking = 0;
    for (size_t i = 0; i < sizeof turns / sizeof turns[0]; i++) {
        const uint64_t kept = i == 0 ? 0 : plan->books.slush_bytes / 2;
        const uint64_t asks = asks_of(round, turns[i].class, turns[i].tier);
        if (asks != 0) {
            const uint64_t usable = policy_less(fund, kept);
            const uint64_t lent = turns[i].tier == POLICY_TIER_DEMAND ? 0 : lend;
            const uint64_t paid = pay(round, asks, arrived, usable + lent);
            const uint64_t beyond = policy_less(paid, arrived);
            fund -= policy_min(beyond, usable);
            lend -= policy_less(beyond, usable);
            arrived = policy_less(arrived, paid);
            /* What is missing of a need is asked for again with the demand. */
            unmet += turns[i].tier == POLICY_TIER_DEMAND ? asks - paid : 0;
            lacking += turns[i].tier == POLICY_TIER_NEED ? asks - paid : 0;
        }
    }
    round->host_memory->lacking_bytes = lacking;
    return unmet;
}

/* After demand: what was granted, and what is still missing. */
static void demand_note(struct policy_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        struct policy_decision *decision = &machine->decision;
        if (decision->short_bytes == 0) {
            continue;
        }
        decision->short_bytes = policy_less(decision->demand_bytes, decision->target_bytes);
        round->plan->short_bytes += decision->short_bytes;
        if (machine->memory.boost_until_ms > round->now_ms) {
            round->host_memory->suffering_bytes +=
                policy_less(machine->scratch.urgent_bytes, decision->target_bytes);
        }
        if (decision->target_bytes > machine->decision.before_bytes) {
            policy_peak_note(round->settings, &machine->memory, round->now_ms);
        } else if (decision->short_bytes != 0) {
            decision->reason = POLICY_KEEP_NO_MEMORY;
        }
    }
}

static bool takes_surplus(const struct policy_round *round, const struct policy_machine *machine)
{
    const struct policy_memory *memory = &machine->memory;
    const bool gave = memory->direction < 0 &&
                      policy_elapsed(memory->command_ms, round->now_ms, GIVEN_MS) < GIVEN_MS;
    return !machine->scratch.fixed && !machine->sample.paused && !memory->moving &&
           !memory->fresh && !gave;
}

static void grant_surplus(struct policy_round *round, uint64_t pool)
{
    bool any = false;
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        struct policy_decision *decision = &machine->decision;
        const uint64_t room = policy_less(decision->want_bytes, decision->target_bytes);
        machine->scratch.weight = machine->weight;
        machine->scratch.offset_bytes = 0;
        machine->scratch.cap_bytes = 0;
        if (room == 0 || !takes_surplus(round, machine)) {
            continue;
        }
        if (room >= machine->scratch.band_bytes) {
            machine->scratch.cap_bytes = room;
            any = true;
        } else if (decision->reason == POLICY_KEEP) {
            decision->reason = POLICY_KEEP_SMALL;
        }
    }
    if (!any) {
        return;
    }
    policy_fill(round->machines, round->count, pool);
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        const uint64_t share = policy_page_down(machine->scratch.share_bytes);
        if (machine->scratch.cap_bytes != 0 && share >= machine->scratch.band_bytes) {
            grow(round, machine, share, POLICY_GROW_SURPLUS);
        }
    }
}

uint64_t policy_grant(struct policy_round *round)
{
    struct policy_plan *plan = round->plan;
    /* Bookings may promise more than there is, by overcommitment and trust; nothing is given that
     * is not really there. */
    const uint64_t physical =
        policy_less(round->host.available_bytes, plan->books.reserve_bytes / 2);
    plan->lendable_bytes = lendable(round);
    uint64_t unmet = 0;
    for (size_t i = 0; i < round->count; i++) {
        ask(round, &round->machines[i]);
    }
    round->host_memory->lacking_bytes = 0;
    round->host_memory->suffering_bytes = 0;
    if (plan->asked_bytes != 0) {
        unmet = grant_demand(round, physical);
        demand_note(round);
    }
    round->host_memory->short_bytes = plan->short_bytes;
    /* The quarter of a fund between where this ends and where reclaim begins keeps small changes of
     * the host's own use from moving memory to and fro. */
    const uint64_t taken =
        round->plan->books.owed_bytes + plan->granted_bytes + plan->books.slush_bytes / 4;
    const uint64_t pool = policy_min(policy_less(plan->books.budget_bytes, taken),
                                     policy_less(physical, plan->granted_bytes));
    if (plan->zone == POLICY_GREEN && plan->short_bytes == 0 && pool != 0) {
        grant_surplus(round, pool);
    }
    return unmet;
}
