/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Targets that fall. Nobody gives merely so that shares become equal: there is somebody who needs
 * it, the slush fund to be refilled, more booked than the host has, or a host that is short. Who
 * has more than its share gives, spare machines first, in proportion to what is above the share,
 * each by one step at most and never below its floor.
 *
 * What was asked for before and is on its way counts, or the same need would be served twice.
 */
#include "tools/ballast/policy/policy_internal.h"

/* Weights of donors, in MiB, end here; above it donors are asked alike. */
#define DONOR_WEIGHT_MAX (UINT16_MAX - 1U)

/* More booked than may be, but for what is not worth moving memory. A reservation is filled to the
 * last page: somebody waits for it. */
static uint64_t deficit_of(const struct policy_round *round)
{
    const struct policy_plan *plan = round->plan;
    const uint64_t deficit =
        policy_less(plan->books.booked_bytes + plan->granted_bytes, plan->books.budget_bytes);
    const uint64_t tolerance = round->host.reserved_bytes != 0 ? 0 : plan->books.slush_bytes / 8;
    return deficit > tolerance ? deficit : 0;
}

static uint64_t coming_of(const struct policy_round *round)
{
    uint64_t coming = 0;
    for (size_t i = 0; i < round->count; i++) {
        const struct policy_machine *machine = &round->machines[i];
        /* The last percent may never come, so it is waited for only as long as it is likely. */
        const uint64_t since =
            policy_elapsed(machine->memory.command_ms, round->now_ms, UINT32_MAX);
        const bool awaited = machine->memory.moving || since < round->settings->stall_ms;
        if (awaited && !machine->sample.paused) {
            coming += policy_less(machine->scratch.level_bytes, machine->decision.target_bytes);
        }
    }
    return coming;
}

static enum policy_reason reason_of(const struct policy_round *round, uint64_t unmet,
                                    uint64_t deficit)
{
    if (unmet != 0) {
        return POLICY_SHRINK_FOR_PEAK;
    }
    if (round->zone_need > deficit) {
        return POLICY_SHRINK_ZONE;
    }
    if (deficit <= round->host.reserved_bytes) {
        return POLICY_SHRINK_RESERVATION;
    }
    return deficit > round->plan->books.slush_bytes ? POLICY_SHRINK_COMMITTED : POLICY_SHRINK_SLUSH;
}

/* What each machine could give this time, into its cap. */
static void donors_find(struct policy_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        struct policy_decision *decision = &machine->decision;
        struct policy_scratch *scratch = &machine->scratch;
        const uint64_t surplus = policy_less(decision->target_bytes, decision->want_bytes);
        const bool grew = decision->target_bytes != machine->decision.before_bytes;
        scratch->offset_bytes = 0;
        scratch->ask_bytes = 0;
        if (surplus == 0 || scratch->fixed || grew) {
            continue;
        }
        scratch->weight = policy_min(surplus / POLICY_MIB, DONOR_WEIGHT_MAX) + 1;
        if (decision->hold == POLICY_HOLD_NONE) {
            scratch->ask_bytes = policy_page_down(policy_min(surplus, decision->step_bytes));
        } else if (decision->reason == POLICY_KEEP || decision->reason == POLICY_KEEP_SMALL) {
            decision->reason = POLICY_KEEP_HELD;
        }
    }
}

static void shrink(struct policy_round *round, struct policy_machine *machine, uint64_t bytes,
                   enum policy_reason reason)
{
    struct policy_memory *memory = &machine->memory;
    machine->decision.target_bytes -= bytes;
    machine->decision.reason = reason;
    memory->reversals += memory->direction > 0 ? 1 : 0;
    round->plan->taken_bytes += bytes;
}

/* Takes up to `need` from one class. */
static uint64_t take(struct policy_round *round, enum policy_class class, uint64_t need,
                     enum policy_reason reason)
{
    uint64_t left = need;
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        machine->scratch.cap_bytes = machine->class == class ? machine->scratch.ask_bytes : 0;
    }
    if (policy_fill(round->machines, round->count, need) == 0) {
        return 0;
    }
    for (size_t i = 0; i < round->count && left != 0; i++) {
        struct policy_machine *machine = &round->machines[i];
        const struct policy_scratch *scratch = &machine->scratch;
        if (scratch->cap_bytes == 0) {
            continue;
        }
        /* Pieces too small to be worth a command become fewer larger ones. */
        const uint64_t piece = policy_max(scratch->share_bytes, scratch->band_bytes / 2);
        const uint64_t bytes = policy_min(scratch->cap_bytes, policy_page_down(piece));
        if (bytes != 0) {
            shrink(round, machine, bytes, reason);
            left = policy_less(left, bytes);
        }
    }
    return need - left;
}

void policy_reclaim(struct policy_round *round, uint64_t unmet)
{
    const uint64_t deficit = deficit_of(round);
    const uint64_t missing = unmet + policy_max(deficit, round->zone_need);
    round->plan->coming_bytes = coming_of(round);
    const uint64_t need = policy_less(missing, round->plan->coming_bytes);
    if (need == 0) {
        return;
    }
    const enum policy_reason reason = reason_of(round, unmet, deficit);
    donors_find(round);
    const uint64_t spare = take(round, POLICY_SPARE, need, reason);
    /* Less than this is rounding, as long as somebody gives at all. */
    if (spare == 0 || need - spare >= POLICY_MIB) {
        take(round, POLICY_BURST, need - spare, reason);
    }
}
