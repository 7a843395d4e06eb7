/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a machine has, beside what it was asked to have and what it was promised. The policy finds
 * both out; here people are told, once when it begins and once when it is over. A promise that is
 * being kept takes the guest a moment: that is not told.
 */

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

#define BELOW_TELL_MS 10000

/* Its size was judged in this period. Of one that nobody reaches, or that stands still, nothing is
 * over because nothing is said of it. */
static bool is_judged(const struct fleet_machine *machine)
{
    return machine->facts.state == FACTS_RUNNING && machine->settings.managed &&
           machine->facts.actual_bytes != POLICY_MISSING;
}

/* It has what it was asked to have, and has not only begun to move there. */
static bool follows(const struct fleet_machine *machine)
{
    const struct policy_memory *memory = &machine->policy.memory;
    return is_judged(machine) && memory->behind_ms == 0 && memory->drift != POLICY_DRIFT_FOREIGN &&
           memory->drift != POLICY_DRIFT_DRIVER_GONE;
}

static void behind_tell(const struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    const struct policy_decision *decision = &machine->policy.decision;
    const bool behind = decision->behind_bytes != 0 || (entry->behind && !follows(machine));
    char has[POLICY_SIZE_TEXT];
    char asked[POLICY_SIZE_TEXT];
    policy_size_text(machine->facts.actual_bytes, has);
    if (behind && !entry->behind) {
        fleet_raise(fleet, FLEET_EVENT_DRIFT, machine, decision->behind_bytes, "behind", now_ms,
                    "%s was asked to have %s, and has had %s for %lld s: the target is sent again.",
                    machine->name, policy_size_text(decision->before_bytes, asked), has,
                    (long long)((now_ms - machine->policy.memory.behind_ms) / 1000));
    } else if (!behind && entry->behind) {
        fleet_raise(fleet, FLEET_EVENT_DRIFT, machine, POLICY_MISSING, "follows", now_ms,
                    "%s has %s and is not behind its target any more.", machine->name, has);
    }
    entry->behind = behind;
}

static void below_tell(const struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    const struct policy_memory *memory = &machine->policy.memory;
    const uint64_t lacks = machine->policy.decision.below_bytes;
    const bool below = entry->below ? lacks != 0 || !is_judged(machine)
                                    : lacks != 0 && now_ms - memory->below_ms >= BELOW_TELL_MS;
    char has[POLICY_SIZE_TEXT];
    char promised[POLICY_SIZE_TEXT];
    policy_size_text(machine->facts.actual_bytes, has);
    if (below && !entry->below) {
        fleet_raise(fleet, FLEET_EVENT_SHORT, machine, lacks, "below-promise", now_ms,
                    "%s has had %s for %lld s, and %s are promised to it.", machine->name, has,
                    (long long)((now_ms - memory->below_ms) / 1000),
                    policy_size_text(machine->facts.actual_bytes + lacks, promised));
    } else if (!below && entry->below) {
        fleet_raise(fleet, FLEET_EVENT_SHORT, machine, POLICY_MISSING, "promise-kept", now_ms,
                    "%s has %s, which is no less than it was promised.", machine->name, has);
    }
    entry->below = below;
}

void fleet_follow_tell(const struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    behind_tell(fleet, entry, now_ms);
    below_tell(fleet, entry, now_ms);
}
