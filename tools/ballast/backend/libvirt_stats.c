/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records of virConnectGetAllDomainStats() into numbers. libvirt leaves out what it does not know,
 * so a parameter that is absent is missing and one that is 0 is zero. Its sizes are KiB.
 */

#include "tools/ballast/backend/libvirt_domain.h"

#include <assert.h>
#include <string.h>

/* Whole numbers of any type that libvirt may choose for one. */
static uint64_t number(const virTypedParameter *param)
{
    switch (param->type) {
    case VIR_TYPED_PARAM_INT:
        return param->value.i < 0 ? POLICY_MISSING : (uint64_t)param->value.i;
    case VIR_TYPED_PARAM_UINT:
        return param->value.ui;
    case VIR_TYPED_PARAM_LLONG:
        return param->value.l < 0 ? POLICY_MISSING : (uint64_t)param->value.l;
    case VIR_TYPED_PARAM_ULLONG:
        return param->value.ul;
    default:
        return POLICY_MISSING;
    }
}

/* What does not fit when it is told in bytes is no size of anything. */
static uint64_t from_kib(uint64_t kib)
{
    return kib <= POLICY_BYTES_MAX / 1024U ? kib * 1024U : POLICY_MISSING;
}

enum facts_state libvirt_state(int state, int reason)
{
    switch (state) {
    case VIR_DOMAIN_PAUSED:
        if (reason == VIR_DOMAIN_PAUSED_CRASHED) {
            return FACTS_PANICKED;
        }
        if (reason == VIR_DOMAIN_PAUSED_MIGRATION || reason == VIR_DOMAIN_PAUSED_POSTCOPY ||
            reason == VIR_DOMAIN_PAUSED_POSTCOPY_FAILED) {
            return FACTS_MIGRATING;
        }
        /* It is just ending, and nobody paused it. */
        return reason == VIR_DOMAIN_PAUSED_SHUTTING_DOWN ? FACTS_RUNNING : FACTS_PAUSED;
    case VIR_DOMAIN_PMSUSPENDED:
        return FACTS_PAUSED;
    case VIR_DOMAIN_CRASHED:
        return FACTS_PANICKED;
    case VIR_DOMAIN_SHUTOFF:
        return FACTS_STOPPED;
    default: /* running, blocked, shutting down: its processors run; unknown: assume so */
        return FACTS_RUNNING;
    }
}

struct field {
    const char *name;
    size_t offset;
    bool kib;
};

static const struct field fields[] = {
    { "balloon.current", offsetof(struct libvirt_reading, actual_bytes), true },
    { "balloon.maximum", offsetof(struct libvirt_reading, maximum_bytes), true },
    { "balloon.rss", offsetof(struct libvirt_reading, process_bytes), true },
    { "balloon.last-update", offsetof(struct libvirt_reading, statistics.stamp_s), false },
    { "balloon.available", offsetof(struct libvirt_reading, statistics.total_bytes), true },
    { "balloon.unused", offsetof(struct libvirt_reading, statistics.free_bytes), true },
    { "balloon.usable", offsetof(struct libvirt_reading, statistics.available_bytes), true },
    { "balloon.disk_caches", offsetof(struct libvirt_reading, statistics.caches_bytes), true },
    { "balloon.swap_in", offsetof(struct libvirt_reading, statistics.swap_in_bytes), true },
    { "balloon.swap_out", offsetof(struct libvirt_reading, statistics.swap_out_bytes), true },
    { "balloon.major_fault", offsetof(struct libvirt_reading, statistics.major_faults), false },
    { "balloon.minor_fault", offsetof(struct libvirt_reading, statistics.minor_faults), false },
};

static void put(struct libvirt_reading *reading, const struct field *field, uint64_t value)
{
    memcpy((char *)reading + field->offset, &value, sizeof value);
}

void libvirt_reading_take(const virTypedParameter *params, int count,
                          struct libvirt_reading *reading)
{
    assert(reading != NULL);
    assert(count >= 0);
    int state = VIR_DOMAIN_NOSTATE;
    int reason = 0;
    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        put(reading, &fields[f], POLICY_MISSING);
    }
    for (int i = 0; i < count; i++) {
        const virTypedParameter *param = &params[i];
        if (strcmp(param->field, "state.state") == 0 && param->type == VIR_TYPED_PARAM_INT) {
            state = param->value.i;
        } else if (strcmp(param->field, "state.reason") == 0 &&
                   param->type == VIR_TYPED_PARAM_INT) {
            reason = param->value.i;
        }
        for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
            if (strcmp(param->field, fields[f].name) == 0) {
                uint64_t value = number(param);
                put(reading, &fields[f], fields[f].kib ? from_kib(value) : value);
            }
        }
    }
    reading->state = libvirt_state(state, reason);
    /* libvirt tells neither. */
    reading->statistics.alloc_stalls = POLICY_MISSING;
    reading->statistics.oom_kills = POLICY_MISSING;
}
