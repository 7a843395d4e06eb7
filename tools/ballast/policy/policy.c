/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One period, as a list of steps: how short is the host, what does each machine use and need, what
 * may all of them have together, what should each have, who grows, who shrinks. Each step is a file
 * of its own; docs/BALLAST.md has the formulas.
 *
 * Invariants: no target rises above the maximum, and none falls below its floor; nobody shrinks who
 * is held; what is granted is at most what has arrived and what is in the slush fund.
 */
#include <assert.h>

#include "tools/ballast/policy/policy_internal.h"

/* The host's own use is averaged over this time: it is a difference of numbers that were read one
 * after the other while memory moved. */
#define OWN_MS 10000U

static struct policy_host host_checked(const struct policy_host *host)
{
    struct policy_host checked = *host;
    checked.total_bytes = policy_min(host->total_bytes, POLICY_BYTES_MAX);
    checked.reserved_bytes = policy_min(host->reserved_bytes, checked.total_bytes);
    checked.available_bytes = host->available_bytes == POLICY_MISSING
                                  ? 0
                                  : policy_min(host->available_bytes, checked.total_bytes);
    return checked;
}

static void machines_check(const struct policy_machine *machines, size_t count)
{
    assert(count <= POLICY_MACHINES_MAX);
    for (size_t i = 0; i < count; i++) {
        assert(i == 0 || machines[i - 1].id < machines[i].id);
        assert(machines[i].max_bytes != 0 && machines[i].max_bytes <= POLICY_BYTES_MAX);
        assert(machines[i].min_bytes <= machines[i].max_bytes);
        assert(machines[i].weight >= 1 && machines[i].weight <= POLICY_WEIGHT_MAX);
        assert(machines[i].class <= POLICY_SPARE);
    }
}

/* What all machines may have booked together. */
static void ceiling_find(struct policy_round *round)
{
    struct policy_plan *plan = round->plan;
    struct policy_host_memory *memory = round->host_memory;
    const uint64_t total = round->host.total_bytes;
    const uint64_t own = policy_less(total, round->host.available_bytes + round->resident_bytes);
    if (memory->now_ms == 0) {
        memory->own_bytes = own;
    } else {
        const uint64_t elapsed = policy_elapsed(memory->now_ms, round->now_ms, OWN_MS);
        memory->own_bytes = policy_part(memory->own_bytes, OWN_MS - elapsed, OWN_MS) +
                            policy_part(own, elapsed, OWN_MS);
    }
    const uint64_t kept =
        memory->own_bytes + plan->reserve_bytes + plan->slush_bytes + round->host.reserved_bytes;
    plan->ceiling_bytes =
        policy_part(policy_less(total, kept), round->settings->overcommit_percent, 100);
    plan->arrived_bytes = policy_less(plan->ceiling_bytes, plan->booked_bytes);
    plan->slush_left_bytes =
        policy_less(plan->slush_bytes, policy_less(plan->booked_bytes, plan->ceiling_bytes));
}

/* A command is sent when the target is not what is in force; and all is remembered. */
static void decision_close(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_decision *decision = &machine->decision;
    struct policy_memory *memory = &machine->memory;
    const uint64_t before = machine->decision.before_bytes;
    decision->set_target = decision->target_bytes != before;
    memory->now_ms = round->now_ms;
    if (decision->set_target) {
        memory->direction = decision->target_bytes > before ? 1 : -1;
        memory->disowned_bytes = 0;
    }
}

void policy_decide(const struct policy_settings *settings, const struct policy_host *host,
                   struct policy_host_memory *host_memory, struct policy_machine *machines,
                   size_t count, int64_t now_ms, struct policy_plan *plan)
{
    machines_check(machines, count);
    assert(now_ms > 0);
    *plan = (struct policy_plan){ .zone = POLICY_GREEN };
    struct policy_round round = { .settings = settings,
                                  .host = host_checked(host),
                                  .host_memory = host_memory,
                                  .machines = machines,
                                  .count = count,
                                  .now_ms = now_ms,
                                  .plan = plan };
    plan->reserve_bytes = policy_reserve(settings, round.host.total_bytes);
    plan->slush_bytes = policy_slush(settings, round.host.total_bytes);
    policy_zone_update(&round);
    policy_strait_update(&round);
    for (size_t i = 0; i < count; i++) {
        policy_watch(&round, &machines[i]);
    }
    ceiling_find(&round);
    policy_share(&round);
    const uint64_t unmet = policy_grant(&round);
    policy_maximum_enforce(&round);
    policy_reclaim(&round, unmet);
    for (size_t i = 0; i < count; i++) {
        decision_close(&round, &machines[i]);
    }
    host_memory->now_ms = now_ms;
}

void policy_adopt(struct policy_memory *memory)
{
    memory->drift = POLICY_DRIFT_NONE;
    memory->fresh = true;
    memory->steady_ms = 0;
    memory->disowned_bytes = POLICY_MISSING; /* whatever is in force at the next call */
}
