/* SPDX-License-Identifier: BSD-2-Clause */
/* A reply to "guest-stats" as numbers. What is believed of them is reading.c's. */

#include "tools/ballast/backend/qmp_view_parts.h"

static uint64_t stat(const json_t *reply, const char *path, uint64_t most)
{
    uint64_t value = 0;

    return qmp_get_u64(reply, path, &value) && value <= most ? value : POLICY_MISSING;
}

void qmp_stats_take(struct qmp_view *view, const json_t *reply, int64_t now_ms, int64_t wall_ms)
{
    const struct reading_time time = { now_ms, wall_ms, .same_clock = true };
    const struct reading_statistics statistics = {
        .stamp_s = stat(reply, "last-update", UINT64_MAX),
        .total_bytes = stat(reply, "stats/stat-total-memory", POLICY_BYTES_MAX),
        .free_bytes = stat(reply, "stats/stat-free-memory", POLICY_BYTES_MAX),
        .available_bytes = stat(reply, "stats/stat-available-memory", POLICY_BYTES_MAX),
        .caches_bytes = stat(reply, "stats/stat-disk-caches", POLICY_BYTES_MAX),
        .swap_in_bytes = stat(reply, "stats/stat-swap-in", UINT64_MAX),
        .swap_out_bytes = stat(reply, "stats/stat-swap-out", UINT64_MAX),
        .major_faults = stat(reply, "stats/stat-major-faults", UINT64_MAX),
        .minor_faults = stat(reply, "stats/stat-minor-faults", UINT64_MAX),
        .alloc_stalls = stat(reply, "stats/stat-alloc-stalls", UINT64_MAX),
        .oom_kills = stat(reply, "stats/stat-oom-kills", UINT64_MAX),
    };

    reading_statistics(&view->reading, &view->facts, &statistics, &time);
}
