/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines that have more than their maximum: it was made smaller by command, or they just started,
 * which they do with all their RAM. They come down to it like others that give, by one step in a
 * period, down to their floor at most, and not while a rule holds them. Until then they are booked
 * with what they have. Unlike others they give although nobody needs it: a maximum is what a
 * customer is told, and not a matter of how full the host is.
 */
#include "tools/ballast/policy/policy_internal.h"

static void lower(struct policy_round *round, struct policy_machine *machine, uint64_t bytes)
{
    machine->decision.target_bytes -= bytes;
    machine->decision.reason = POLICY_SHRINK_MAXIMUM;
    machine->memory.reversals += machine->memory.direction > 0 ? 1 : 0;
    round->plan->taken_bytes += bytes;
}

void policy_maximum_enforce(struct policy_round *round)
{
    for (size_t i = 0; i < round->count; i++) {
        struct policy_machine *machine = &round->machines[i];
        struct policy_decision *decision = &machine->decision;
        const uint64_t over = policy_less(decision->target_bytes, machine->max_bytes);
        if (over == 0 || machine->scratch.still) {
            continue;
        }
        if (decision->hold != POLICY_HOLD_NONE) {
            const bool quiet =
                decision->reason == POLICY_KEEP || decision->reason == POLICY_KEEP_SMALL;
            decision->reason = quiet ? POLICY_KEEP_HELD : decision->reason;
        } else if (decision->target_bytes == decision->before_bytes) {
            /* The last step ends at the maximum, the others at a page. */
            const uint64_t step = decision->step_bytes;
            const uint64_t bytes = over <= step ? over : policy_page_down(step);
            if (bytes != 0) {
                lower(round, machine, bytes);
            }
        }
    }
}
