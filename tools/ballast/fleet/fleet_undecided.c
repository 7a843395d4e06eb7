/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What stands in the place of a decision where there is none. All zero would be read as a machine
 * that uses nothing and needs nothing.
 */

#include "tools/ballast/fleet/fleet_internal.h"

struct policy_machine fleet_undecided(const struct policy_memory *memory)
{
    return (struct policy_machine){
        .memory = *memory,
        .decision = { .target_bytes = POLICY_MISSING,
                      .before_bytes = POLICY_MISSING,
                      .used_bytes = POLICY_MISSING,
                      .demand_bytes = POLICY_MISSING,
                      .want_bytes = POLICY_MISSING,
                      .margin_bytes = POLICY_MISSING,
                      .floor_bytes = POLICY_MISSING,
                      .books = { .promised_bytes = POLICY_MISSING,
                                 .booked_bytes = POLICY_MISSING,
                                 .owed_bytes = POLICY_MISSING,
                                 .resident_bytes = POLICY_MISSING,
                                 .overhead_bytes = POLICY_MISSING,
                                 .least_bytes = POLICY_MISSING,
                                 .least_rule = BOOKS_UNKNOWN,
                                 .smallest_bytes = POLICY_MISSING,
                                 .smallest_rule = BOOKS_UNKNOWN,
                                 .takeable_bytes = POLICY_MISSING },
                      .short_bytes = POLICY_MISSING,
                      .behind_bytes = POLICY_MISSING,
                      .below_bytes = POLICY_MISSING,
                      .step_bytes = POLICY_MISSING },
    };
}
