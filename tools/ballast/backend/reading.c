/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The age of statistics is what protects a guest, so it is never taken for less than it is. QEMU
 * tells the second of its host's clock in which the guest sent them, and goes on showing the last
 * ones when the guest has long been dead. Between two looks the stamp bounds the age: statistics
 * that are new are younger than the look before, whatever the wall clock did meanwhile. The first
 * stamp proves nothing by itself: it is compared with the clock that made it, and where that is
 * another host's, statistics have no age until the stamp was seen to move.
 *
 * The size that goes with statistics is a range: anything that the machine had since the look
 * before. Of these the largest counts. A guest is then taken for using too much for a moment, and
 * never for using too little, or for a liar. A size that is read right after the statistics belongs
 * to the range, too: a guest that grows had not more when it sent them.
 */

#include "tools/ballast/backend/reading.h"

#include <string.h>

/* A stamp so far ahead of the clock belongs to another clock. */
#define AHEAD_MAX_MS 2000
/* libvirt's size follows QEMU's events, which come once in a second (observed: QEMU 7.2, libvirt
 * 9.0), and may be so much older than what the guest tells. */
#define LAG_MS 2000

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* ---- sizes ---- */

void reading_size(struct reading *reading, struct facts *facts, uint64_t bytes)
{
    if (bytes == POLICY_MISSING) {
        facts->actual_bytes = bytes;
        return;
    }
    bytes = least(bytes, facts->ram_bytes);
    facts->actual_bytes = bytes;
    reading->newest_bytes = bytes;
    if (reading->largest_bytes < bytes) {
        reading->largest_bytes = bytes;
    }
    if (reading->open && facts->stats_ms > 0 &&
        (facts->stats_actual_bytes == POLICY_MISSING || facts->stats_actual_bytes < bytes)) {
        facts->stats_actual_bytes = bytes;
    }
}

void reading_target(struct reading *reading, uint64_t bytes, int64_t now_ms)
{
    reading->target_bytes = bytes;
    reading->target_ms = now_ms;
}

void reading_end(struct reading *reading)
{
    reading->open = false;
    reading->largest_bytes = reading->newest_bytes;
}

static uint64_t largest_size(const struct reading *reading, int64_t now_ms)
{
    const bool lags = reading->target_ms != 0 && now_ms - reading->target_ms < LAG_MS;
    const uint64_t bytes = reading->largest_bytes;

    if (bytes == 0) {
        return POLICY_MISSING;
    }
    return lags && bytes < reading->target_bytes ? reading->target_bytes : bytes;
}

/* ---- statistics ---- */

/* When statistics with this stamp were true; 0: nobody can tell. */
static int64_t true_at(const struct reading *reading, uint64_t stamp_s,
                       const struct reading_time *time)
{
    const int64_t now_ms = time->now_ms;
    const bool looked_before = reading->looked_ms > 0;
    int64_t age_ms;
    int64_t at_ms;

    if (stamp_s == 0 || stamp_s > (uint64_t)INT64_MAX / 1000) {
        return 0;
    }
    if (!time->same_clock) {
        return looked_before ? reading->looked_ms : 0;
    }
    age_ms = time->wall_ms - (int64_t)stamp_s * 1000;
    if (!looked_before && (age_ms < -AHEAD_MAX_MS || age_ms >= now_ms)) {
        return 0;
    }
    at_ms = age_ms <= 0 ? now_ms : age_ms >= now_ms ? 1 : now_ms - age_ms;
    return looked_before && at_ms < reading->looked_ms ? reading->looked_ms : at_ms;
}

void reading_statistics(struct reading *reading, struct facts *facts,
                        const struct reading_statistics *statistics,
                        const struct reading_time *time)
{
    const uint64_t stamp_s = statistics->stamp_s;
    int64_t at_ms;

    if (stamp_s == POLICY_MISSING) {
        return;
    }
    if (stamp_s == reading->stamp_s) {
        reading->looked_ms = time->now_ms;
        return;
    }
    at_ms = true_at(reading, stamp_s, time);
    reading->stamp_s = stamp_s;
    reading->looked_ms = time->now_ms;
    facts_statistics_clear(facts);
    if (at_ms == 0) {
        return;
    }
    reading->open = true;
    facts->stats_ms = at_ms;
    facts->stats_actual_bytes = largest_size(reading, time->now_ms);
    facts->total_bytes = statistics->total_bytes;
    facts->free_bytes = statistics->free_bytes;
    facts->available_bytes = statistics->available_bytes;
    facts->caches_bytes = statistics->caches_bytes;
    facts->swap_in_bytes = statistics->swap_in_bytes;
    facts->swap_out_bytes = statistics->swap_out_bytes;
    facts->major_faults = statistics->major_faults;
    facts->minor_faults = statistics->minor_faults;
    facts->alloc_stalls = statistics->alloc_stalls;
    facts->oom_kills = statistics->oom_kills;
}

void reading_anew(struct reading *reading, struct facts *facts)
{
    facts_statistics_clear(facts);
    reading->stamp_s = 0;
    reading->looked_ms = 0;
    reading->open = false;
}

/* ---- the process ---- */

void reading_process_clear(struct reading_process *process)
{
    *process = (struct reading_process){ .resident_bytes = POLICY_MISSING,
                                         .overhead_bytes = POLICY_MISSING,
                                         .swapped_bytes = POLICY_MISSING };
}

void reading_walk(struct reading_process *process, const struct host_process *seen,
                  uint64_t ram_bytes)
{
    const uint64_t all_bytes = seen->resident_bytes;

    /* Where its mappings may not be read, all that fits is taken for RAM. */
    process->resident_bytes = least(seen->ram_bytes != POLICY_MISSING ? seen->ram_bytes : all_bytes,
                                    least(ram_bytes, all_bytes));
    process->overhead_bytes = all_bytes - process->resident_bytes;
    process->swapped_bytes = seen->swapped_bytes;
    /* Single buffers are locked by many programs; all of the RAM is, or none. */
    process->locked = seen->locked_bytes <= POLICY_BYTES_MAX && ram_bytes != POLICY_MISSING &&
                      seen->locked_bytes > ram_bytes / 2;
    process->huge_pages =
        seen->ram_huge || (seen->huge_bytes > 0 && seen->huge_bytes <= POLICY_BYTES_MAX);
    process->pinned = seen->vfio;
}

void reading_glance(struct reading_process *process, const struct host_process *seen,
                    uint64_t ram_bytes)
{
    const uint64_t all_bytes = seen->resident_bytes;

    process->swapped_bytes = seen->swapped_bytes;
    if (process->overhead_bytes != POLICY_MISSING) {
        process->resident_bytes = all_bytes > process->overhead_bytes
                                      ? least(all_bytes - process->overhead_bytes, ram_bytes)
                                      : 0;
    }
}

void reading_silent(const struct host_source *source, struct facts *facts)
{
    struct reading_process process = { .resident_bytes = POLICY_MISSING,
                                       .overhead_bytes = facts->overhead_bytes,
                                       .swapped_bytes = POLICY_MISSING };
    struct host_process seen;

    if (facts->pid != 0 && host_process_glance(source, facts->pid, &seen)) {
        reading_glance(&process, &seen, facts->ram_bytes);
    }
    facts->resident_bytes = process.resident_bytes;
    facts->swapped_bytes = process.swapped_bytes;
}
