/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics and their age. QEMU tells the second of the host's clock in which the guest sent them
 * (0: never), and goes on showing the last ones when the guest has long been dead, so the age is
 * what counts. Between two looks the time stamp bounds it: statistics that are new are younger than
 * the look before, whatever the wall clock did meanwhile.
 */

#include "tools/ballast/backend/qmp_view_parts.h"

#include <string.h>

/* A stamp so far ahead of the clock belongs to another clock. */
#define AHEAD_MAX_MS 2000

void qmp_stats_forget(struct qmp_view *view)
{
    facts_statistics_clear(&view->facts);
}

void qmp_stats_size(struct qmp_view *view, uint64_t bytes, int64_t now_ms)
{
    unsigned count = view->size_count;

    if (count > 0 && view->sizes[count - 1].bytes == bytes) {
        return;
    }
    if (count == QMP_VIEW_SIZES) {
        memmove(view->sizes, view->sizes + 1, sizeof(view->sizes) - sizeof(view->sizes[0]));
        count--;
    }
    view->sizes[count].at_ms = now_ms;
    view->sizes[count].bytes = bytes;
    view->size_count = count + 1;
}

/* The size at that time, as far as it is remembered. */
static uint64_t size_at(const struct qmp_view *view, int64_t at_ms)
{
    unsigned i = view->size_count;

    if (i == 0) {
        return POLICY_MISSING;
    }
    do {
        i--;
    } while (i > 0 && view->sizes[i].at_ms > at_ms);
    return view->sizes[i].bytes;
}

/* When statistics stamped `update_s` were true; 0: nobody can tell. */
static int64_t true_at(const struct qmp_view *view, uint64_t update_s, int64_t now_ms,
                       int64_t wall_ms)
{
    bool looked_before = view->looked_ms > 0;
    int64_t age_ms;
    int64_t at_ms;

    if (update_s > (uint64_t)INT64_MAX / 1000) {
        return 0;
    }
    age_ms = wall_ms - (int64_t)update_s * 1000;
    if (!looked_before && (age_ms < -AHEAD_MAX_MS || age_ms >= now_ms)) {
        return 0;
    }
    at_ms = age_ms <= 0 ? now_ms : age_ms >= now_ms ? 1 : now_ms - age_ms;
    return looked_before && at_ms < view->looked_ms ? view->looked_ms : at_ms;
}

static uint64_t stat(const json_t *reply, const char *path, uint64_t most)
{
    uint64_t value = 0;

    return qmp_get_u64(reply, path, &value) && value <= most ? value : POLICY_MISSING;
}

void qmp_stats_take(struct qmp_view *view, const json_t *reply, int64_t now_ms, int64_t wall_ms)
{
    struct facts *facts = &view->facts;
    uint64_t update_s = 0;
    int64_t at_ms;

    if (!qmp_get_u64(reply, "last-update", &update_s) || update_s == view->last_update_s) {
        view->looked_ms = now_ms;
        return;
    }
    at_ms = update_s == 0 ? 0 : true_at(view, update_s, now_ms, wall_ms);
    view->last_update_s = update_s;
    view->looked_ms = now_ms;
    if (at_ms == 0) {
        qmp_stats_forget(view);
        return;
    }
    facts->stats_ms = at_ms;
    facts->stats_actual_bytes = size_at(view, at_ms);
    facts->total_bytes = stat(reply, "stats/stat-total-memory", POLICY_BYTES_MAX);
    facts->free_bytes = stat(reply, "stats/stat-free-memory", POLICY_BYTES_MAX);
    facts->available_bytes = stat(reply, "stats/stat-available-memory", POLICY_BYTES_MAX);
    facts->caches_bytes = stat(reply, "stats/stat-disk-caches", POLICY_BYTES_MAX);
    facts->swap_in_bytes = stat(reply, "stats/stat-swap-in", UINT64_MAX);
    facts->swap_out_bytes = stat(reply, "stats/stat-swap-out", UINT64_MAX);
    facts->major_faults = stat(reply, "stats/stat-major-faults", UINT64_MAX);
    facts->minor_faults = stat(reply, "stats/stat-minor-faults", UINT64_MAX);
    facts->alloc_stalls = stat(reply, "stats/stat-alloc-stalls", UINT64_MAX);
    facts->oom_kills = stat(reply, "stats/stat-oom-kills", UINT64_MAX);
}
