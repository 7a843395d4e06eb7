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

struct policy_host policy_host_checked(const struct policy_host *host)
{
    struct policy_host checked = *host;
    checked.total_bytes = policy_min(host->total_bytes, POLICY_BYTES_MAX);
    checked.reserved_bytes = policy_min(host->reserved_bytes, POLICY_BYTES_MAX);
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

/* A command is sent when the target is not what is in force, or that is in doubt; and all is
 * remembered. */
static void decision_close(const struct policy_round *round, struct policy_machine *machine)
{
    struct policy_decision *decision = &machine->decision;
    struct policy_memory *memory = &machine->memory;
    const uint64_t before = machine->decision.before_bytes;
    const bool other = decision->target_bytes != before;
    decision->repeat = machine->scratch.resend && !other;
    decision->set_target = other || decision->repeat;
    memory->now_ms = round->now_ms;
    if (decision->set_target) {
        memory->sent_ms = round->now_ms;
    }
    if (other) {
        memory->direction = decision->target_bytes > before ? 1 : -1;
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
                                  .host = policy_host_checked(host),
                                  .host_memory = host_memory,
                                  .machines = machines,
                                  .count = count,
                                  .now_ms = now_ms,
                                  .plan = plan };
    policy_books_begin(&round);
    policy_zone_update(&round);
    policy_strait_update(&round);
    for (size_t i = 0; i < count; i++) {
        policy_watch(&round, &machines[i]);
    }
    policy_books_close(&round);
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
    policy_target_doubt(memory);
    memory->drift = POLICY_DRIFT_NONE;
    memory->fresh = true;
    memory->steady_ms = 0;
    memory->disowned_bytes = POLICY_MISSING; /* whatever is in force at the next call */
}
