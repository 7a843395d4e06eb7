/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The policy's settings: what they are when nobody says anything, what they must not be, and the
 * two sizes that follow from the host's.
 */
#include "tools/ballast/policy/policy_internal.h"

#define GIB ((uint64_t)1 << 30)

void policy_settings_default(struct policy_settings *settings)
{
    *settings = (struct policy_settings){
        .margin_bytes = 64 * POLICY_MIB,
        .margin_percent = 5,
        .buffer_percent = 20,
        .balloon_max_percent = 65,
        .idle_tax_percent = 75,
        .overcommit_percent = 100,
        .reporting_trust_percent = 75,
        .inflate_percent = 2,
        .deadband_percent = 1,
        .deadband_bytes = 16 * POLICY_MIB,
        .psi_some_percent = 10,
        .psi_full_percent = 5,
        .stale_ms = 15000,
        .settle_ms = 60000,
        .stall_ms = 4000,
        .stall_bytes_per_s = 15 * POLICY_MIB,
        .stall_pause_ms = 60000,
        .stall_pause_max_ms = 900000,
        .swing_first_ms = 10000,
        .swing_again_ms = 100000,
        .reversals_per_hour = 12,
    };
}

const char *policy_settings_fault(const struct policy_settings *settings)
{
    const struct {
        uint64_t value, least, most;
        const char *fault;
    } limits[] = {
        { settings->reserve_bytes, 0, POLICY_BYTES_MAX, "the reserve is larger than any host" },
        { settings->slush_bytes, 0, POLICY_BYTES_MAX, "the slush fund is larger than any host" },
        { settings->margin_bytes, 0, POLICY_BYTES_MAX, "the margin is larger than any machine" },
        { settings->margin_percent, 0, 50, "the margin must be at most 50 % of the maximum" },
        { settings->buffer_percent, 0, 1000, "the buffer must be at most 1000 %" },
        { settings->balloon_max_percent, 1, 90, "the largest balloon must be 1 to 90 %" },
        { settings->idle_tax_percent, 0, POLICY_TAX_MAX, "the idle tax must be at most 95 %" },
        { settings->overcommit_percent, 10, 400, "overcommit must be 10 to 400 %" },
        { settings->reporting_trust_percent, 0, 100, "trust in reports must be at most 100 %" },
        { settings->inflate_percent, 1, 100, "a guest must shrink by 1 to 100 % a second" },
        { settings->deadband_percent, 0, 25, "the dead band must be at most 25 %" },
        { settings->deadband_bytes, 0, POLICY_BYTES_MAX,
          "the dead band is larger than any machine" },
        { settings->psi_some_percent, 1, 100, "the pressure threshold (some) must be 1 to 100 %" },
        { settings->psi_full_percent, 1, 100, "the pressure threshold (full) must be 1 to 100 %" },
        { settings->stale_ms, 1, 3600000, "statistics must be stale after 1 ms to one hour" },
        { settings->settle_ms, 0, 3600000, "a guest must settle within one hour" },
        { settings->stall_ms, 1, 3600000, "a stall must be noticed after 1 ms to one hour" },
        { settings->stall_bytes_per_s, 0, POLICY_BYTES_MAX, "the stall rate is out of range" },
        { settings->stall_pause_ms, 1, 86400000, "the pause after a stall must be 1 ms to a day" },
        { settings->stall_pause_max_ms, settings->stall_pause_ms, 86400000,
          "the longest pause after a stall must be from the first one's to a day" },
        { settings->swing_first_ms, 0, 3600000, "the hold after a peak must be within one hour" },
        { settings->swing_again_ms, settings->swing_first_ms, 3600000,
          "the hold after a second peak must be from the first one's to one hour" },
        { settings->reversals_per_hour, 1, 3600, "reversals must be 1 to 3600 an hour" },
    };
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i].value < limits[i].least || limits[i].value > limits[i].most) {
            return limits[i].fault;
        }
    }
    return NULL;
}

/* Large hosts need a smaller part of their memory: falling steps, as ESXi publishes them. */
uint64_t policy_reserve(const struct policy_settings *settings, uint64_t total_bytes)
{
    if (settings->reserve_bytes != 0) {
        return settings->reserve_bytes;
    }
    static const struct {
        uint64_t upto, percent;
    } stairs[] = { { 4 * GIB, 6 }, { 12 * GIB, 4 }, { 28 * GIB, 2 }, { POLICY_BYTES_MAX, 1 } };
    uint64_t reserve = 0;
    uint64_t from = 0;
    for (size_t i = 0; i < sizeof stairs / sizeof stairs[0] && from < total_bytes; i++) {
        const uint64_t end = policy_min(total_bytes, stairs[i].upto);
        reserve += policy_part(end - from, stairs[i].percent, 100);
        from = end;
    }
    return reserve;
}

/* One percent, but enough for the first seconds of a small peak; small hosts cannot spare so much.
 */
uint64_t policy_slush(const struct policy_settings *settings, uint64_t total_bytes)
{
    if (settings->slush_bytes != 0) {
        return settings->slush_bytes;
    }
    return policy_min(policy_max(total_bytes / 100, 256 * POLICY_MIB), total_bytes / 16);
}
