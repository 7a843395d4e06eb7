/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the policy's values, which programs read and which never change, and sizes as people
 * read them. The sentences are in explain.c.
 */
#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

#define NAME_OF(names, value)                                                                      \
    ((size_t)(value) < sizeof(names) / sizeof(names)[0] ? (names)[value] : NULL)

static const char *const classes[] = {
    [POLICY_GUARANTEED] = "guaranteed",
    [POLICY_BURST] = "burst",
    [POLICY_SPARE] = "spare",
};

static const char *const zones[] = {
    [POLICY_GREEN] = "green",
    [POLICY_SOFT] = "soft",
    [POLICY_HARD] = "hard",
    [POLICY_LOW] = "low",
};

static const char *const reasons[] = {
    [POLICY_KEEP] = "keep",
    [POLICY_KEEP_SMALL] = "keep-small",
    [POLICY_KEEP_HELD] = "keep-held",
    [POLICY_KEEP_NO_MEMORY] = "keep-no-memory",
    [POLICY_GROW_PINNED] = "grow-pinned",
    [POLICY_GROW_BELOW_MINIMUM] = "grow-below-minimum",
    [POLICY_GROW_DEMAND] = "grow-demand",
    [POLICY_GROW_PEAK] = "grow-peak",
    [POLICY_GROW_SURPLUS] = "grow-surplus",
    [POLICY_GROW_STALLED] = "grow-stalled",
    [POLICY_GROW_DRIFT] = "grow-drift",
    [POLICY_SHRINK_FOR_PEAK] = "shrink-for-peak",
    [POLICY_SHRINK_RESERVATION] = "shrink-reservation",
    [POLICY_SHRINK_COMMITTED] = "shrink-committed",
    [POLICY_SHRINK_ZONE] = "shrink-zone",
    [POLICY_SHRINK_SLUSH] = "shrink-slush",
    [POLICY_SHRINK_MAXIMUM] = "over-maximum",
};

static const char *const holds[] = {
    [POLICY_HOLD_NONE] = "none",
    [POLICY_HOLD_GUARANTEED] = "guaranteed",
    [POLICY_HOLD_UNMANAGED] = "unmanaged",
    [POLICY_HOLD_DISABLED] = "disabled",
    [POLICY_HOLD_UNRECLAIMABLE] = "unreclaimable",
    [POLICY_HOLD_NO_DRIVER] = "no-driver",
    [POLICY_HOLD_NO_STATS] = "no-stats",
    [POLICY_HOLD_STALE] = "stale",
    [POLICY_HOLD_LIES] = "lies",
    [POLICY_HOLD_RESET] = "reset",
    [POLICY_HOLD_NEW] = "new",
    [POLICY_HOLD_PAUSED] = "paused",
    [POLICY_HOLD_MIGRATING] = "migrating",
    [POLICY_HOLD_STALLED] = "stalled",
    [POLICY_HOLD_PEAK] = "peak",
    [POLICY_HOLD_REVERSALS] = "reversals",
    [POLICY_HOLD_SUFFERS] = "suffers",
    [POLICY_HOLD_FOREIGN] = "foreign",
    [POLICY_HOLD_BEHIND] = "behind",
    [POLICY_HOLD_MOVING] = "moving",
    [POLICY_HOLD_FLOOR] = "floor",
};

static const char *const drifts[] = {
    [POLICY_DRIFT_NONE] = "none",
    [POLICY_DRIFT_SELF_DEFLATED] = "self-deflated",
    [POLICY_DRIFT_DRIVER_GONE] = "driver-gone",
    [POLICY_DRIFT_FOREIGN] = "foreign",
};

static const char *const modes[] = {
    [POLICY_MODE_UNKNOWN] = "unknown",
    [POLICY_MODE_TOTAL_SHRINKS] = "total-shrinks",
    [POLICY_MODE_TOTAL_STAYS] = "total-stays",
};

static const char *const unreclaimables[] = {
    [POLICY_RECLAIMABLE] = "reclaimable", [POLICY_NO_DEVICE] = "no-device",
    [POLICY_LOCKED] = "locked",           [POLICY_HUGE_PAGES] = "huge-pages",
    [POLICY_PINNED] = "pinned",           [POLICY_PLATFORM] = "platform",
};

const char *policy_class_name(enum policy_class class)
{
    return NAME_OF(classes, class);
}

const char *policy_zone_name(enum policy_zone zone)
{
    return NAME_OF(zones, zone);
}

const char *policy_reason_name(enum policy_reason reason)
{
    return NAME_OF(reasons, reason);
}

const char *policy_hold_name(enum policy_hold hold)
{
    return NAME_OF(holds, hold);
}

const char *policy_drift_name(enum policy_drift drift)
{
    return NAME_OF(drifts, drift);
}

const char *policy_mode_name(enum policy_mode mode)
{
    return NAME_OF(modes, mode);
}

const char *policy_unreclaimable_name(enum policy_unreclaimable why)
{
    return NAME_OF(unreclaimables, why);
}

bool policy_class_parse(const char *name, enum policy_class *class)
{
    for (enum policy_class c = POLICY_GUARANTEED; c <= POLICY_SPARE; c++) {
        if (strcmp(name, classes[c]) == 0) {
            *class = c;
            return true;
        }
    }
    return false;
}

char *policy_size_text(uint64_t bytes, char text[POLICY_SIZE_TEXT])
{
    static const char *const units[] = { "KiB", "MiB", "GiB", "TiB" };
    if (bytes == POLICY_MISSING) {
        (void)snprintf(text, POLICY_SIZE_TEXT, "unknown");
        return text;
    }
    if (bytes < 1024) {
        (void)snprintf(text, POLICY_SIZE_TEXT, "%" PRIu64 " bytes", bytes);
        return text;
    }
    size_t unit = 0;
    uint64_t one = 1024;
    /* To the next unit where rounding would show 1024 of this one. */
    while (unit + 1 < sizeof units / sizeof units[0] && bytes >= one * 1024 - one / 2) {
        one *= 1024;
        unit++;
    }
    /* One decimal below ten, in tenths rounded; more would not be read. */
    const uint64_t whole = bytes / one;
    const uint64_t tenths = whole * 10 + (bytes % one * 10 + one / 2) / one;
    if (tenths >= 100 || tenths % 10 == 0) {
        (void)snprintf(text, POLICY_SIZE_TEXT, "%" PRIu64 " %s", (tenths + 5) / 10, units[unit]);
    } else {
        (void)snprintf(text, POLICY_SIZE_TEXT, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10,
                       tenths % 10, units[unit]);
    }
    return text;
}
