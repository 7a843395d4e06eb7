/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts by what was read: the same for all backends. */

#include "tools/ballast/backend/reading.h"

void reading_silent(const struct host_source *source, struct facts *facts)
{
    struct host_process process;
    uint64_t held_bytes = 0;

    if (facts->pid == 0 || facts->overhead_bytes == POLICY_MISSING ||
        !host_process_glance(source, facts->pid, &process)) {
        facts->resident_bytes = POLICY_MISSING;
        facts->swapped_bytes = POLICY_MISSING;
        return;
    }
    held_bytes = process.resident_bytes;
    held_bytes = held_bytes > facts->overhead_bytes ? held_bytes - facts->overhead_bytes : 0;
    facts->resident_bytes = held_bytes < facts->ram_bytes ? held_bytes : facts->ram_bytes;
    facts->swapped_bytes = process.swapped_bytes;
}
