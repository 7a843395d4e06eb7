/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a setting comes from: a command wins over the machine's section, that over [default]. Parts
 * of RAM become sizes when the RAM is known, and anew when it is another.
 *
 * Invariant: settings.commanded tells which members no file touches.
 */

#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

static uint64_t size_of(const struct config_size *size, uint64_t ram_bytes)
{
    if (size->percent == 0) {
        return size->bytes;
    }
    return ram_bytes == POLICY_MISSING || ram_bytes > POLICY_BYTES_MAX
               ? 0
               : ram_bytes / 100 * size->percent + ram_bytes % 100 * size->percent / 100;
}

uint64_t fleet_settings_max(const struct fleet_settings *settings, uint64_t ram_bytes)
{
    const bool limited = settings->max_bytes != 0 && settings->max_bytes < ram_bytes;
    return limited && settings->class != POLICY_GUARANTEED ? settings->max_bytes : ram_bytes;
}

const struct config_machine *fleet_section(const struct fleet *fleet, const char *name)
{
    const struct config view = { .machines = fleet->sections,
                                 .machine_count = fleet->section_count };
    return config_find(&view, name);
}

/* A section with a UUID is for no other machine of its name. Whoever asks for a machine that is not
 * there means that one. */
static const struct config_machine *section_of(const struct fleet *fleet,
                                               const struct fleet_entry *entry)
{
    const struct config_machine *section = fleet_section(fleet, entry->shown.name);
    const bool is_bound = section != NULL && (section->given & CONFIG_GIVEN_UUID) != 0;
    const bool is_there = entry->base[0] != '\0';
    return is_bound && is_there && strcmp(section->uuid, entry->shown.identity) != 0 ? NULL
                                                                                     : section;
}

void fleet_settings_resolve(struct fleet *fleet, struct fleet_entry *entry)
{
    const struct config_machine *common = &fleet->common;
    const struct config_machine *section = section_of(fleet, entry);
    const uint32_t given = section == NULL ? 0 : section->given;
    struct fleet_settings *settings = &entry->shown.settings;
    const uint32_t file = ~settings->commanded;
    const uint64_t ram = entry->shown.facts.ram_bytes;
    const struct config_machine *from;

    if ((file & CONFIG_GIVEN_CLASS) != 0) {
        from = (given & CONFIG_GIVEN_CLASS) != 0 ? section : common;
        settings->class = from->class;
    }
    if ((file & CONFIG_GIVEN_MIN) != 0) {
        from = (given & CONFIG_GIVEN_MIN) != 0 ? section : common;
        settings->min_bytes = size_of(&from->min, ram);
    }
    if ((file & CONFIG_GIVEN_MAX) != 0) {
        from = (given & CONFIG_GIVEN_MAX) != 0 ? section : common;
        const uint64_t max = size_of(&from->max, ram);
        settings->max_bytes = max >= ram ? 0 : max;
    }
    if ((file & CONFIG_GIVEN_WEIGHT) != 0) {
        from = (given & CONFIG_GIVEN_WEIGHT) != 0 ? section : common;
        settings->weight = from->weight;
    }
    if ((file & CONFIG_GIVEN_OWNER) != 0) {
        from = (given & CONFIG_GIVEN_OWNER) != 0 ? section : common;
        memcpy(settings->owner, from->owner, sizeof settings->owner);
    }
    if ((file & CONFIG_GIVEN_BALLOONING) != 0) {
        from = (given & CONFIG_GIVEN_BALLOONING) != 0 ? section : common;
        settings->ballooning = from->ballooning;
    }
    if ((file & CONFIG_GIVEN_MANAGED) != 0) {
        from = (given & CONFIG_GIVEN_MANAGED) != 0 ? section : common;
        settings->managed = from->managed;
    }
}

static bool settings_equal(const struct fleet_settings *a, const struct fleet_settings *b)
{
    return a->class == b->class && a->min_bytes == b->min_bytes && a->max_bytes == b->max_bytes &&
           a->weight == b->weight && a->ballooning == b->ballooning && a->managed == b->managed &&
           strcmp(a->owner, b->owner) == 0;
}

void fleet_settings_refresh(struct fleet *fleet, struct fleet_entry *entry, const char *why,
                            int64_t now_ms)
{
    const struct fleet_settings before = entry->shown.settings;
    fleet_settings_resolve(fleet, entry);
    if (settings_equal(&before, &entry->shown.settings)) {
        return;
    }
    entry->shown.settings.revision++;
    if (before.ballooning != entry->shown.settings.ballooning) {
        entry->device_awaited = entry->shown.settings.ballooning && !entry->shown.facts.device;
        fleet_switch_arrange(fleet, entry, now_ms);
    }
    fleet_raise(fleet, FLEET_EVENT_SETTINGS, &entry->shown, POLICY_MISSING, why, now_ms,
                "The settings of %s follow the %s.", entry->shown.name, why);
}
