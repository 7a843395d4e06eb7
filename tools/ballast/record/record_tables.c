/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which members the policy's structures have. A member that is added there without a row here would
 * make a recording that decides otherwise when it is replayed; test_record.c fills every byte of
 * each structure and finds such a member.
 */

#include "tools/ballast/record/record_fields.h"

#include <assert.h>

#include "tools/ballast/policy/policy_text.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *class_word(unsigned value)
{
    return policy_class_name((enum policy_class)value);
}

static const char *zone_word(unsigned value)
{
    return policy_zone_name((enum policy_zone)value);
}

static const char *reason_word(unsigned value)
{
    return policy_reason_name((enum policy_reason)value);
}

static const char *hold_word(unsigned value)
{
    return policy_hold_name((enum policy_hold)value);
}

static const char *drift_word(unsigned value)
{
    return policy_drift_name((enum policy_drift)value);
}

static const char *mode_word(unsigned value)
{
    return policy_mode_name((enum policy_mode)value);
}

static const char *unreclaimable_word(unsigned value)
{
    return policy_unreclaimable_name((enum policy_unreclaimable)value);
}

static const char *driver_word(unsigned value)
{
    static const char *const words[] = { "unknown", "ok" };
    static_assert(POLICY_DRIVER_OK == 1, "words of enum policy_driver");
    return value < COUNT(words) ? words[value] : NULL;
}

#define FIELD(type, member, kind)                                                                  \
    {                                                                                              \
#member, offsetof(struct type, member), kind, 1, NULL, false, NULL                         \
    }
/* A member of the books. The others follow from what is recorded. */
#define BOOKED(type, member, kind)                                                                 \
    {                                                                                              \
#member, offsetof(struct type, books.member), kind, 1, NULL, false, NULL                   \
    }
#define LATER(type, member, kind)                                                                  \
    {                                                                                              \
#member, offsetof(struct type, member), kind, 1, NULL, true, NULL                          \
    }
#define NAMED(type, member, word)                                                                  \
    {                                                                                              \
#member, offsetof(struct type, member), RECORD_NAMED, 1, word, false, NULL                 \
    }
#define TABLE_UPTO(name, type, member)                                                             \
    const struct record_table record_table_##name = { #name, name##_fields, COUNT(name##_fields),  \
                                                      offsetof(struct type, member) }
#define TABLE(name, type)                                                                          \
    const struct record_table record_table_##name = { #name, name##_fields, COUNT(name##_fields),  \
                                                      sizeof(struct type) }

static const struct record_field settings_fields[] = {
    FIELD(policy_settings, reserve_bytes, RECORD_U64),
    FIELD(policy_settings, slush_bytes, RECORD_U64),
    /* Recordings keep the names that these had first. */
    { "floor_bytes", offsetof(struct policy_settings, margin_bytes), RECORD_U64, 1, NULL, false,
      NULL },
    { "floor_percent", offsetof(struct policy_settings, margin_percent), RECORD_U32, 1, NULL, false,
      NULL },
    FIELD(policy_settings, buffer_percent, RECORD_U32),
    FIELD(policy_settings, balloon_max_percent, RECORD_U32),
    FIELD(policy_settings, idle_tax_percent, RECORD_U32),
    FIELD(policy_settings, overcommit_percent, RECORD_U32),
    FIELD(policy_settings, reporting_trust_percent, RECORD_U32),
    FIELD(policy_settings, inflate_percent, RECORD_U32),
    FIELD(policy_settings, deadband_percent, RECORD_U32),
    FIELD(policy_settings, deadband_bytes, RECORD_U64),
    FIELD(policy_settings, psi_some_percent, RECORD_U32),
    FIELD(policy_settings, psi_full_percent, RECORD_U32),
    FIELD(policy_settings, stale_ms, RECORD_U32),
    FIELD(policy_settings, settle_ms, RECORD_U32),
    FIELD(policy_settings, stall_ms, RECORD_U32),
    FIELD(policy_settings, stall_bytes_per_s, RECORD_U64),
    FIELD(policy_settings, stall_pause_ms, RECORD_U32),
    FIELD(policy_settings, stall_pause_max_ms, RECORD_U32),
    FIELD(policy_settings, swing_first_ms, RECORD_U32),
    FIELD(policy_settings, swing_again_ms, RECORD_U32),
    FIELD(policy_settings, reversals_per_hour, RECORD_U32),
};

TABLE(settings, policy_settings);

static const struct record_field host_fields[] = {
    FIELD(policy_host, total_bytes, RECORD_U64),    FIELD(policy_host, available_bytes, RECORD_U64),
    FIELD(policy_host, reserved_bytes, RECORD_U64), FIELD(policy_host, psi_some_centi, RECORD_U32),
    FIELD(policy_host, psi_full_centi, RECORD_U32),
};

TABLE(host, policy_host);

static const struct record_field host_memory_fields[] = {
    NAMED(policy_host_memory, zone, zone_word),
    FIELD(policy_host_memory, zone_ms, RECORD_TIME),
    FIELD(policy_host_memory, now_ms, RECORD_TIME),
    FIELD(policy_host_memory, short_bytes, RECORD_U64),
    FIELD(policy_host_memory, lacking_bytes, RECORD_U64),
    FIELD(policy_host_memory, suffering_bytes, RECORD_U64),
    FIELD(policy_host_memory, squeezed, RECORD_U64),
    FIELD(policy_host_memory, lent, RECORD_U64),
    FIELD(policy_host_memory, own_bytes, RECORD_U64),
};

TABLE(host_memory, policy_host_memory);

static const struct record_field sample_fields[] = {
    FIELD(policy_sample, ram_bytes, RECORD_U64),
    FIELD(policy_sample, actual_bytes, RECORD_U64),
    FIELD(policy_sample, resident_bytes, RECORD_U64),
    FIELD(policy_sample, overhead_bytes, RECORD_U64),
    FIELD(policy_sample, commanded_bytes, RECORD_U64),
    LATER(policy_sample, commands_taken, RECORD_U32),
    FIELD(policy_sample, stats_ms, RECORD_TIME),
    FIELD(policy_sample, stats_actual_bytes, RECORD_U64),
    FIELD(policy_sample, total_bytes, RECORD_U64),
    FIELD(policy_sample, available_bytes, RECORD_U64),
    FIELD(policy_sample, swap_in_bytes, RECORD_U64),
    FIELD(policy_sample, swap_out_bytes, RECORD_U64),
    FIELD(policy_sample, major_faults, RECORD_U64),
    FIELD(policy_sample, alloc_stalls, RECORD_U64),
    FIELD(policy_sample, oom_kills, RECORD_U64),
    FIELD(policy_sample, resets, RECORD_U32),
    { "driver", offsetof(struct policy_sample, driver), RECORD_NAMED, 1, driver_word, false,
      "none" },
    NAMED(policy_sample, unreclaimable, unreclaimable_word),
    FIELD(policy_sample, reporting, RECORD_BOOL),
    FIELD(policy_sample, deflate_on_oom, RECORD_BOOL),
    FIELD(policy_sample, paused, RECORD_BOOL),
    FIELD(policy_sample, migrating, RECORD_BOOL),
    FIELD(policy_sample, stats_lie, RECORD_BOOL),
};

TABLE(sample, policy_sample);

static const struct record_field memory_fields[] = {
    FIELD(policy_memory, seen_ms, RECORD_TIME),
    FIELD(policy_memory, now_ms, RECORD_TIME),
    FIELD(policy_memory, target_bytes, RECORD_U64),
    FIELD(policy_memory, last_actual_bytes, RECORD_U64),
    LATER(policy_memory, commands_taken, RECORD_U32),
    LATER(policy_memory, ram_bytes, RECORD_U64),
    LATER(policy_memory, ram_ms, RECORD_TIME),
    LATER(policy_memory, target_known, RECORD_BOOL),
    LATER(policy_memory, arrived, RECORD_BOOL),
    LATER(policy_memory, driven, RECORD_BOOL),
    LATER(policy_memory, migrated, RECORD_BOOL),
    LATER(policy_memory, back_ms, RECORD_TIME),
    LATER(policy_memory, behind_ms, RECORD_TIME),
    LATER(policy_memory, behind_bytes, RECORD_U64),
    LATER(policy_memory, small, RECORD_BOOL),
    LATER(policy_memory, sent_ms, RECORD_TIME),
    LATER(policy_memory, repeats, RECORD_U32),
    LATER(policy_memory, below_ms, RECORD_TIME),
    FIELD(policy_memory, demand_fast_bytes, RECORD_U64),
    { "slots_bytes", offsetof(struct policy_memory, slots_bytes), RECORD_U64, POLICY_DEMAND_SLOTS,
      NULL, false, NULL },
    FIELD(policy_memory, slots_first_bytes, RECORD_U64),
    FIELD(policy_memory, slots_second_bytes, RECORD_U64),
    FIELD(policy_memory, slot_ms, RECORD_TIME),
    FIELD(policy_memory, slot, RECORD_U32),
    FIELD(policy_memory, last_swap_in_bytes, RECORD_U64),
    FIELD(policy_memory, last_major_faults, RECORD_U64),
    FIELD(policy_memory, last_alloc_stalls, RECORD_U64),
    FIELD(policy_memory, last_oom_kills, RECORD_U64),
    FIELD(policy_memory, last_used_bytes, RECORD_U64),
    FIELD(policy_memory, lead_bytes, RECORD_U64),
    FIELD(policy_memory, boost_bytes, RECORD_U64),
    FIELD(policy_memory, boost_until_ms, RECORD_TIME),
    FIELD(policy_memory, strain_ms, RECORD_TIME),
    FIELD(policy_memory, last_stats_ms, RECORD_TIME),
    FIELD(policy_memory, steady_ms, RECORD_TIME),
    FIELD(policy_memory, command_ms, RECORD_TIME),
    FIELD(policy_memory, span_low_bytes, RECORD_U64),
    FIELD(policy_memory, span_high_bytes, RECORD_U64),
    FIELD(policy_memory, disowned_bytes, RECORD_U64),
    FIELD(policy_memory, last_level_bytes, RECORD_U64),
    FIELD(policy_memory, progress_bytes, RECORD_U64),
    FIELD(policy_memory, progress_ms, RECORD_TIME),
    FIELD(policy_memory, speed_bytes_per_s, RECORD_U64),
    FIELD(policy_memory, stalls, RECORD_U32),
    FIELD(policy_memory, held_until_ms, RECORD_TIME),
    NAMED(policy_memory, hold_why, hold_word),
    FIELD(policy_memory, peak_ms, RECORD_TIME),
    FIELD(policy_memory, peaks, RECORD_U32),
    FIELD(policy_memory, reversals, RECORD_U32),
    FIELD(policy_memory, hour_ms, RECORD_TIME),
    FIELD(policy_memory, direction, RECORD_SIGN),
    FIELD(policy_memory, resets, RECORD_U32),
    FIELD(policy_memory, reset_ms, RECORD_TIME),
    FIELD(policy_memory, stable_ms, RECORD_TIME),
    FIELD(policy_memory, settling, RECORD_BOOL),
    FIELD(policy_memory, driverless, RECORD_BOOL),
    FIELD(policy_memory, moving, RECORD_BOOL),
    FIELD(policy_memory, fresh, RECORD_BOOL),
    FIELD(policy_memory, full_total_bytes, RECORD_U64),
    NAMED(policy_memory, mode, mode_word),
    NAMED(policy_memory, drift, drift_word),
    FIELD(policy_memory, drift_ms, RECORD_TIME),
    FIELD(policy_memory, drift_bytes, RECORD_U64),
};

TABLE(memory, policy_memory);

static const struct record_field decision_fields[] = {
    FIELD(policy_decision, set_target, RECORD_BOOL),
    LATER(policy_decision, repeat, RECORD_BOOL),
    FIELD(policy_decision, target_bytes, RECORD_U64),
    FIELD(policy_decision, before_bytes, RECORD_U64),
    NAMED(policy_decision, reason, reason_word),
    NAMED(policy_decision, hold, hold_word),
    FIELD(policy_decision, hold_until_ms, RECORD_TIME),
    FIELD(policy_decision, used_bytes, RECORD_U64),
    FIELD(policy_decision, demand_bytes, RECORD_U64),
    FIELD(policy_decision, want_bytes, RECORD_U64),
    FIELD(policy_decision, margin_bytes, RECORD_U64),
    FIELD(policy_decision, floor_bytes, RECORD_U64),
    FIELD(policy_decision, short_bytes, RECORD_U64),
    FIELD(policy_decision, step_bytes, RECORD_U64),
    LATER(policy_decision, behind_bytes, RECORD_U64),
    LATER(policy_decision, below_bytes, RECORD_U64),
    BOOKED(policy_decision, booked_bytes, RECORD_U64),
};

TABLE_UPTO(decision, policy_decision, books.owed_bytes);

static const struct record_field plan_fields[] = {
    NAMED(policy_plan, zone, zone_word),
    FIELD(policy_plan, lendable_bytes, RECORD_U64),
    FIELD(policy_plan, asked_bytes, RECORD_U64),
    FIELD(policy_plan, short_bytes, RECORD_U64),
    FIELD(policy_plan, granted_bytes, RECORD_U64),
    FIELD(policy_plan, coming_bytes, RECORD_U64),
    FIELD(policy_plan, taken_bytes, RECORD_U64),
    FIELD(policy_plan, admit, RECORD_BOOL),
    BOOKED(policy_plan, reserve_bytes, RECORD_U64),
    BOOKED(policy_plan, slush_bytes, RECORD_U64),
    BOOKED(policy_plan, slush_left_bytes, RECORD_U64),
    BOOKED(policy_plan, ceiling_bytes, RECORD_U64),
    BOOKED(policy_plan, booked_bytes, RECORD_U64),
    BOOKED(policy_plan, arrived_bytes, RECORD_U64),
};

TABLE_UPTO(plan, policy_plan, books.total_bytes);

static const struct record_field machine_fields[] = {
    FIELD(policy_machine, id, RECORD_U32),         NAMED(policy_machine, class, class_word),
    FIELD(policy_machine, enabled, RECORD_BOOL),   FIELD(policy_machine, weight, RECORD_U32),
    FIELD(policy_machine, min_bytes, RECORD_U64),  FIELD(policy_machine, max_bytes, RECORD_U64),
    LATER(policy_machine, unmanaged, RECORD_BOOL),
};

TABLE(machine, policy_machine);
