/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What no single line shows: values that contradict each other, in one section or in two. Told at
 * the line that a person would change.
 */

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/config/config_internal.h"

static int line_of(const int *lines, const char *name)
{
    for (size_t i = 0; i < config_key_count; i++) {
        if (strcmp(config_keys[i].name, name) == 0 && lines[i] != 0) {
            return lines[i];
        }
    }
    return 0;
}

/* Certainly larger, whatever the machine's RAM is? */
static bool exceeds(const struct config_size *min, const struct config_size *max)
{
    if (min->percent != 0 && max->percent != 0) {
        return min->percent > max->percent;
    }
    if (max->percent != 0 || max->bytes == 0) {
        return false;
    }
    return min->percent == 100 || (min->percent == 0 && min->bytes > max->bytes);
}

static void check_machine(struct config_reading *reading, const struct config_machine *machine,
                          const int *lines)
{
    const struct config_machine *common = &reading->config->machine_default;
    const char *name = machine == common ? "[default]" : machine->name;
    const uint32_t given = machine->given;
    const struct config_size *min = (given & CONFIG_GIVEN_MIN) != 0 ? &machine->min : &common->min;
    const struct config_size *max = (given & CONFIG_GIVEN_MAX) != 0 ? &machine->max : &common->max;
    const enum policy_class class =
        (given & CONFIG_GIVEN_CLASS) != 0 ? machine->class : common->class;
    /* A machine that says neither has what the default says, which is complained about there. */
    const bool own = machine == common || (given & (CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX)) != 0;

    if (class == POLICY_GUARANTEED) {
        if ((given & CONFIG_GIVEN_MAX) != 0 && max->percent != 100) {
            config_complain_at(reading, line_of(lines, "maximum"),
                               "%s is guaranteed and has a maximum: a guaranteed machine always "
                               "has all its RAM; leave the maximum out",
                               name);
        }
    } else if (own && exceeds(min, max)) {
        const int at = line_of(lines, "minimum");
        config_complain_at(reading, at != 0 ? at : line_of(lines, "maximum"),
                           "%s has a minimum above its maximum", name);
    }
    if ((given & CONFIG_GIVEN_SOCKET) != 0 && (given & CONFIG_GIVEN_CGROUP) != 0) {
        config_complain_at(reading, line_of(lines, "cgroup"),
                           "%s has a socket and a cgroup: a container has no monitor, and a "
                           "machine's cgroup needs not be told",
                           name);
    }
}

static int by_socket(const void *left, const void *right)
{
    const struct config_entry *const *a = left;
    const struct config_entry *const *b = right;
    const int order = strcmp((*a)->machine.socket, (*b)->machine.socket);
    return order != 0 ? order : ((*a)->line > (*b)->line) - ((*a)->line < (*b)->line);
}

/* A monitor serves one client, and two machines behind one would be one machine. */
static void check_sockets(struct config_reading *reading)
{
    const struct config_entry **sorted = calloc(reading->entry_count + 1, sizeof *sorted);
    if (sorted == NULL) {
        config_complain_at(reading, 0, "there is no memory to check so many machines");
        return;
    }
    for (size_t i = 0; i < reading->entry_count; i++) {
        sorted[i] = &reading->entries[i];
    }
    qsort(sorted, reading->entry_count, sizeof(struct config_entry *), by_socket);
    for (size_t i = 1; i < reading->entry_count; i++) {
        const struct config_machine *one = &sorted[i - 1]->machine;
        const struct config_machine *other = &sorted[i]->machine;
        if (other->socket[0] != '\0' && strcmp(one->socket, other->socket) == 0 &&
            strcmp(one->name, other->name) != 0) {
            config_complain_at(reading, line_of(sorted[i]->lines, "socket"),
                               "%s and %s have the same socket", one->name, other->name);
        }
    }
    free(sorted);
}

static void check_policy(struct config_reading *reading)
{
    struct config *config = reading->config;
    const int stale = line_of(reading->lines, "stale");
    /* Three periods: one may be late and one lost before statistics are old. */
    if (stale == 0 && config->policy.stale_ms < 3 * config->period_ms) {
        config->policy.stale_ms = 3 * config->period_ms;
    }
    if (config->policy.stale_ms < config->period_ms) {
        config_complain_at(reading, stale,
                           "[policy] stale = %u ms is shorter than the period of %u ms: no "
                           "statistics would ever be fresh",
                           config->policy.stale_ms, config->period_ms);
    }
    if (config->policy.swing_first_ms > config->policy.swing_again_ms) {
        const int again = line_of(reading->lines, "swing-again");
        config_complain_at(reading, again != 0 ? again : line_of(reading->lines, "swing-first"),
                           "[policy] swing-again is shorter than swing-first: the second rest "
                           "after a peak is the longer one");
    }
    /* Only where each value was understood: else the complaint would be about a default. */
    const char *fault = reading->complaints == 0 ? policy_settings_fault(&config->policy) : NULL;
    if (fault != NULL) {
        config_complain_at(reading, reading->section_lines[CONFIG_POLICY], "[policy] %s", fault);
    }
}

static void check_lists(struct config_reading *reading)
{
    const struct config *config = reading->config;
    for (size_t i = 0; i < config->listen_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->listens[i], config->listens[j]) == 0) {
                config_complain_at(reading, line_of(reading->lines, "listen"),
                                   "[api] listen = \"%s\" stands there twice", config->listens[i]);
            }
        }
    }
    for (size_t i = 0; i < config->libvirt_uri_count; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(config->libvirt_uris[i], config->libvirt_uris[j]) == 0) {
                config_complain_at(reading, line_of(reading->lines, "uri"),
                                   "[libvirt] uri = \"%s\" stands there twice",
                                   config->libvirt_uris[i]);
            }
        }
    }
    if (config->raw_hours > config->minute_days * 24U ||
        config->minute_days > config->quarter_days) {
        config_complain_at(reading, reading->section_lines[CONFIG_STATE],
                           "[state] coarser history must be kept at least as long as finer: "
                           "raw %u h, minutes %u d, quarters %u d",
                           config->raw_hours, config->minute_days, config->quarter_days);
    }
}

void config_check(struct config_reading *reading)
{
    check_policy(reading);
    check_lists(reading);
    check_machine(reading, &reading->config->machine_default, reading->lines);
    for (size_t i = 0; i < reading->entry_count; i++) {
        const struct config_entry *entry = &reading->entries[i];
        check_machine(reading, &entry->machine, entry->lines);
        if (i > 0 && strcmp(entry->machine.name, entry[-1].machine.name) == 0) {
            config_complain_at(reading, entry->line, "[machine %s] stands in line %d already",
                               entry->machine.name, entry[-1].line);
        }
    }
    check_sockets(reading);
}
