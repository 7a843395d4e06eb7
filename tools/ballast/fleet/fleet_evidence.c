/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a guest does tells what its driver is. No stable command of QEMU tells whether a driver has
 * taken the balloon device, or which features it accepted, and a command that is not stable must
 * never reach a running machine: QEMU 11.1 aborts on one of them. So two conclusions are drawn from
 * what is told anyway:
 *
 * - There is a driver, when the guest sends statistics or its size moves. Without such a sign
 *   nothing is known. The sign counts until the guest starts anew or the device goes; a driver that
 *   is unloaded later shows in old statistics and in a size that went back to all RAM.
 * - The guest reports free pages, when the host holds clearly less for it than a moment ago
 * although its size stayed the same and nothing of it was swapped out.
 */

#include "tools/ballast/fleet/fleet_internal.h"

/* A fall of what a machine holds below this is no sign: single buffers of QEMU come and go. */
#define REPORT_LEAST ((uint64_t)16 << 20)

static bool is_known(uint64_t bytes)
{
    return bytes != POLICY_MISSING;
}

/* Nothing that was seen before says anything of the guest that runs now. */
static bool is_another(const struct facts *before, const struct facts *now)
{
    return !now->device || now->state == FACTS_STOPPED || now->resets != before->resets ||
           now->pid != before->pid;
}

/* Both readings are of a guest that runs, so the guest itself made the difference. */
static bool both_run(const struct facts *before, const struct facts *now)
{
    return before->state == FACTS_RUNNING && now->state == FACTS_RUNNING;
}

static bool has_moved(const struct facts *before, const struct facts *now)
{
    /* What is plugged moves the size without the guest. */
    return both_run(before, now) && before->ram_bytes == now->ram_bytes &&
           is_known(before->actual_bytes) && is_known(now->actual_bytes) &&
           before->actual_bytes != now->actual_bytes;
}

static bool has_reported(const struct facts *before, const struct facts *now)
{
    return both_run(before, now) && (now->offered & FACTS_REPORTING) != 0 &&
           before->actual_bytes == now->actual_bytes && is_known(before->resident_bytes) &&
           is_known(now->resident_bytes) && is_known(now->swapped_bytes) &&
           now->swapped_bytes == before->swapped_bytes &&
           before->resident_bytes >= now->resident_bytes + REPORT_LEAST;
}

/* Statistics that this guest sent, and not long ago. */
static bool has_told(const struct fleet *fleet, const struct fleet_entry *entry, int64_t now_ms)
{
    const int64_t stats_ms = entry->shown.facts.stats_ms;
    return stats_ms > entry->evidence_ms && stats_ms <= now_ms &&
           now_ms - stats_ms <= (int64_t)fleet->policy.stale_ms;
}

void fleet_evidence(const struct fleet *fleet, struct fleet_entry *entry,
                    const struct facts *before, int64_t now_ms)
{
    struct facts *now = &entry->shown.facts;
    /* Of a machine just found there is no guest before this one. */
    const bool another = entry->told && is_another(before, now);
    const bool same = entry->told && !another;
    if (another) {
        entry->evidence_ms = now_ms;
    }
    now->driver = same ? before->driver : POLICY_DRIVER_UNKNOWN;
    now->reports = same && (before->reports || has_reported(before, now));
    if (now->device && (has_told(fleet, entry, now_ms) || (same && has_moved(before, now)))) {
        now->driver = POLICY_DRIVER_OK;
    }
}
