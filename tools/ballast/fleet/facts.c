/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts of which nothing is known yet. Facts are plain data: what is believed of them is decided
 * where they are used.
 */

#include "tools/ballast/fleet/facts.h"

#include <stdio.h>

void facts_statistics_clear(struct facts *facts)
{
    facts->stats_ms = 0;
    facts->stats_actual_bytes = POLICY_MISSING;
    facts->total_bytes = POLICY_MISSING;
    facts->free_bytes = POLICY_MISSING;
    facts->available_bytes = POLICY_MISSING;
    facts->caches_bytes = POLICY_MISSING;
    facts->swap_in_bytes = POLICY_MISSING;
    facts->swap_out_bytes = POLICY_MISSING;
    facts->major_faults = POLICY_MISSING;
    facts->minor_faults = POLICY_MISSING;
    facts->alloc_stalls = POLICY_MISSING;
    facts->oom_kills = POLICY_MISSING;
}

void facts_clear(struct facts *facts)
{
    *facts = (struct facts){
        .kind = FACTS_MACHINE,
        .state = FACTS_RUNNING,
        .driver = POLICY_DRIVER_UNKNOWN,
        .ram_bytes = POLICY_MISSING,
        .actual_bytes = POLICY_MISSING,
        .resident_bytes = POLICY_MISSING,
        .overhead_bytes = POLICY_MISSING,
        .swapped_bytes = POLICY_MISSING,
    };
    facts_statistics_clear(facts);
}

bool facts_are_whole(const struct facts *facts)
{
    return facts->ram_bytes != POLICY_MISSING || facts->kind == FACTS_CONTAINER ||
           facts->state == FACTS_STOPPED;
}

void facts_unreachable(struct facts *facts, const char *why)
{
    facts->state = FACTS_UNREACHABLE;
    facts->actual_bytes = POLICY_MISSING;
    facts_statistics_clear(facts);
    snprintf(facts->trouble, sizeof facts->trouble, "%s", why);
}
