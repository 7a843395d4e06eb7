/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Admission: whether everything that was promised could be claimed at the same moment. Promises are
 * made to customers, so neither overcommitment nor trust in what guests reported has a part in
 * this.
 */
#include <assert.h>

#include "tools/ballast/policy/policy_internal.h"

static uint64_t told_or_zero(uint64_t bytes)
{
    return bytes == POLICY_MISSING ? 0 : policy_min(bytes, POLICY_BYTES_MAX);
}

uint64_t policy_missing_for_promises(const struct policy_settings *settings,
                                     const struct policy_host *host,
                                     const struct policy_machine *machines, size_t count)
{
    assert(count <= POLICY_MACHINES_MAX);
    const uint64_t total = policy_min(host->total_bytes, POLICY_BYTES_MAX);
    uint64_t promised = policy_reserve(settings, total) + told_or_zero(host->reserved_bytes);
    uint64_t held = policy_min(told_or_zero(host->available_bytes), total);
    for (size_t i = 0; i < count; i++) {
        const struct policy_machine *machine = &machines[i];
        const struct policy_sample *sample = &machine->sample;
        const uint64_t overhead = told_or_zero(sample->overhead_bytes);
        const bool whole = policy_is_pinned(machine);
        promised += (whole ? machine->max_bytes : machine->min_bytes) + overhead;
        const uint64_t resident = sample->resident_bytes == POLICY_MISSING ? sample->actual_bytes
                                                                           : sample->resident_bytes;
        held += policy_min(told_or_zero(resident), policy_ram(machine)) + overhead;
    }
    /* What the host needs for itself beside machines, as it is now. */
    promised += policy_less(total, held);
    return policy_less(promised, total);
}
