/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts of which nothing is known yet. Facts are plain data: what is believed of them is decided
 * where they are used.
 */

#include "tools/ballast/fleet/facts.h"

#include <ctype.h>

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
        .stats_actual_bytes = POLICY_MISSING,
        .total_bytes = POLICY_MISSING,
        .free_bytes = POLICY_MISSING,
        .available_bytes = POLICY_MISSING,
        .caches_bytes = POLICY_MISSING,
        .swap_in_bytes = POLICY_MISSING,
        .swap_out_bytes = POLICY_MISSING,
        .major_faults = POLICY_MISSING,
        .minor_faults = POLICY_MISSING,
        .alloc_stalls = POLICY_MISSING,
        .oom_kills = POLICY_MISSING,
    };
}

bool facts_uuid_read(const char *text, char uuid[FACTS_UUID_MAX])
{
    bool nil = true;

    uuid[0] = '\0';
    for (size_t i = 0; i < FACTS_UUID_MAX - 1; i++) {
        const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        const unsigned char c = (unsigned char)text[i];

        if (dash ? c != '-' : isxdigit(c) == 0) {
            uuid[0] = '\0';
            return false;
        }
        nil = nil && (dash || c == '0');
        uuid[i] = (char)tolower(c);
    }
    uuid[FACTS_UUID_MAX - 1] = '\0';
    if (nil || text[FACTS_UUID_MAX - 1] != '\0') {
        uuid[0] = '\0';
        return false;
    }
    return true;
}
