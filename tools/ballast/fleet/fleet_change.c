/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Changes by command. In this order: is it allowed, do the values agree with each other and with
 * the machine, can the host keep what it would promise, can it be saved; only then it is made. What
 * fails on the way has changed nothing.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"
#include "tools/ballast/policy/policy_text.h"

#define CHANGEABLE                                                                                 \
    (CONFIG_GIVEN_CLASS | CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX | CONFIG_GIVEN_WEIGHT |              \
     CONFIG_GIVEN_OWNER | CONFIG_GIVEN_BALLOONING | CONFIG_GIVEN_MANAGED)

static struct fleet_result fail(enum fleet_status status, const char *text)
{
    struct fleet_result result = { .status = status };
    snprintf(result.text, sizeof result.text, "%s", text);
    return result;
}

/* The settings as they would be. */
static struct fleet_settings merged(const struct fleet_settings *now,
                                    const struct fleet_change *change)
{
    const struct fleet_settings *wanted = &change->settings;
    struct fleet_settings result = *now;
    if ((change->given & CONFIG_GIVEN_CLASS) != 0) {
        result.class = wanted->class;
    }
    if ((change->given & CONFIG_GIVEN_MIN) != 0) {
        result.min_bytes = wanted->min_bytes;
    }
    if ((change->given & CONFIG_GIVEN_MAX) != 0) {
        result.max_bytes = wanted->max_bytes;
    }
    if ((change->given & CONFIG_GIVEN_WEIGHT) != 0) {
        result.weight = wanted->weight;
    }
    if ((change->given & CONFIG_GIVEN_OWNER) != 0) {
        memset(result.owner, 0, sizeof result.owner);
        memcpy(result.owner, wanted->owner, strnlen(wanted->owner, sizeof result.owner));
    }
    if ((change->given & CONFIG_GIVEN_BALLOONING) != 0) {
        result.ballooning = wanted->ballooning;
    }
    if ((change->given & CONFIG_GIVEN_MANAGED) != 0) {
        result.managed = wanted->managed;
    }
    result.commanded |= change->given;
    return result;
}

/* Values that are none, whatever the machine is. Returns a sentence, or NULL. */
static const char *values_fault(const struct fleet_change *change)
{
    const struct fleet_settings *wanted = &change->settings;
    if (change->given == 0 || (change->given & ~(uint32_t)CHANGEABLE) != 0) {
        return "There is nothing in this change that could be changed by command.";
    }
    if ((change->given & CONFIG_GIVEN_CLASS) != 0 && wanted->class > POLICY_SPARE) {
        return "A class is guaranteed, burst or spare.";
    }
    if ((change->given & CONFIG_GIVEN_WEIGHT) != 0 &&
        (wanted->weight < 1 || wanted->weight > POLICY_WEIGHT_MAX)) {
        return "A weight is a number from 1 to 50000.";
    }
    if ((change->given & CONFIG_GIVEN_OWNER) != 0 && wanted->owner[0] != '\0' &&
        !config_name_valid(wanted->owner)) {
        return "An owner's name has at most 63 letters, digits and -_.@, and begins with a letter "
               "or digit.";
    }
    return NULL;
}

/* Sizes that contradict each other or the machine. Writes a sentence; false: there are none. */
static bool sizes_fault(const struct fleet_machine *machine, const struct fleet_change *change,
                        const struct fleet_settings *after, char *text, size_t size)
{
    const uint64_t ram = machine->facts.ram_bytes;
    const uint64_t max = after->max_bytes == 0 ? ram : after->max_bytes;
    char one[POLICY_SIZE_TEXT];
    char other[POLICY_SIZE_TEXT];
    const bool sizes = (change->given & (CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX)) != 0;
    if (!sizes) {
        return false;
    }
    if ((change->given & CONFIG_GIVEN_MAX) != 0 && after->max_bytes > ram) {
        snprintf(text, size, "The maximum of %s is more than the machine's RAM of %s.",
                 policy_size_text(after->max_bytes, one), policy_size_text(ram, other));
        return true;
    }
    if ((change->given & CONFIG_GIVEN_MAX) != 0 && after->class == POLICY_GUARANTEED &&
        after->max_bytes != 0 && after->max_bytes < ram) {
        snprintf(text, size, "A guaranteed machine always has all its RAM: it has no maximum.");
        return true;
    }
    if (after->min_bytes > max) {
        snprintf(text, size, "The minimum of %s is more than the maximum of %s.",
                 policy_size_text(after->min_bytes, one), policy_size_text(max, other));
        return true;
    }
    return false;
}

static struct fleet_result refuse(struct fleet *fleet, struct fleet_entry *entry,
                                  const struct fleet_settings *after, uint64_t missing,
                                  int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    struct fleet_result result = { .status = FLEET_REFUSED };
    char size[POLICY_SIZE_TEXT];
    const bool known = fleet->planned && entry->told;
    if (known) {
        result.missing_bytes = missing;
        snprintf(result.text, sizeof result.text,
                 "%s are missing in the host to keep this promise beside those that were made.",
                 policy_size_text(missing, size));
    } else {
        snprintf(result.text, sizeof result.text, "%s",
                 machine->identity[0] == '\0'
                     ? "It is not known yet which machine this is: it has told nothing so far."
                 : fleet->planned ? "The machine's memory is not known yet."
                                  : "The host's memory is not known yet.");
    }
    if (machine->settings.ballooning && !after->ballooning && known) {
        machine->refused_missing_bytes = missing;
        fleet_switch_update(fleet, entry, now_ms);
    } else {
        /* The machine's owner reads it: how much the host lacks is in the bytes only. */
        fleet_raise(fleet, FLEET_EVENT_SETTINGS, machine, result.missing_bytes, "refused", now_ms,
                    "The settings of %s stay as they are: %s", machine->name,
                    known ? "the host cannot keep this promise beside those that were made."
                          : result.text);
    }
    return result;
}

static bool is_same(const struct fleet_settings *a, const struct fleet_settings *b)
{
    return a->class == b->class && a->min_bytes == b->min_bytes && a->max_bytes == b->max_bytes &&
           a->weight == b->weight && a->ballooning == b->ballooning && a->managed == b->managed &&
           a->commanded == b->commanded && strcmp(a->owner, b->owner) == 0;
}

static void apply(struct fleet *fleet, struct fleet_entry *entry,
                  const struct fleet_settings *after, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    const struct fleet_settings before = machine->settings;
    machine->settings = *after;
    machine->refused_missing_bytes = 0;
    fleet_raise(fleet, FLEET_EVENT_SETTINGS, machine, POLICY_MISSING, "command", now_ms,
                "The settings of %s were changed by command.", machine->name);
    if (before.ballooning != after->ballooning) {
        entry->device_awaited = after->ballooning && !machine->facts.device;
        fleet_switch_arrange(fleet, entry, now_ms);
    }
    fleet_switch_update(fleet, entry, now_ms);
}

/* Everything that may speak against a change but the host. */
static struct fleet_result examine(const struct fleet_machine *machine,
                                   const struct fleet_change *change, uint64_t revision,
                                   const struct fleet_settings *after)
{
    char text[256];
    if (revision != FLEET_ANY_REVISION && revision != machine->settings.revision) {
        return fail(FLEET_CHANGED, "Somebody changed the machine's settings meanwhile.");
    }
    const char *fault = values_fault(change);
    if (fault != NULL) {
        return fail(FLEET_INVALID, fault);
    }
    const char *unsupported = fleet_unsupported(&machine->facts);
    if ((change->given & CONFIG_GIVEN_BALLOONING) != 0 && unsupported != NULL) {
        return fail(FLEET_UNSUPPORTED, unsupported);
    }
    if (sizes_fault(machine, change, after, text, sizeof text)) {
        return fail(FLEET_INVALID, text);
    }
    return (struct fleet_result){ .status = FLEET_OK };
}

struct fleet_result fleet_change(struct fleet *fleet, const char *machine,
                                 const struct fleet_change *change, uint64_t revision,
                                 int64_t now_ms)
{
    struct fleet_machine *found = fleet_find(fleet, machine);
    if (found == NULL) {
        return fail(FLEET_NOT_FOUND, "There is no such machine.");
    }
    struct fleet_entry *entry = fleet_entry_of(found);
    struct fleet_settings after = merged(&found->settings, change);
    if (after.class == POLICY_GUARANTEED && (change->given & CONFIG_GIVEN_MAX) == 0) {
        after.max_bytes = 0; /* a maximum from before does not limit it */
    }
    const struct fleet_result result = examine(found, change, revision, &after);
    if (result.status != FLEET_OK) {
        return result;
    }
    if (is_same(&found->settings, &after)) {
        if (found->refused_missing_bytes != 0 && (change->given & CONFIG_GIVEN_BALLOONING) != 0) {
            found->refused_missing_bytes = 0; /* the wish to switch it off is taken back */
            fleet_switch_update(fleet, entry, now_ms);
        }
        return result;
    }
    /* Settings of nobody belong to nobody, and whoever is not known has no part in sums. */
    const bool known = found->identity[0] != '\0';
    const uint64_t missing = known ? fleet_missing_more(fleet, found, &after, now_ms) : 0;
    if (missing != 0 || !known) {
        return refuse(fleet, entry, &after, missing, now_ms);
    }
    after.revision++;
    const struct fleet_who who = fleet_who_of(entry);
    if (fleet->ops.save != NULL && !fleet->ops.save(fleet->ops.context, &who, &after)) {
        return fail(FLEET_NOT_KEPT, "The change could not be saved, and was not made.");
    }
    apply(fleet, entry, &after, now_ms);
    return result;
}

struct fleet_result fleet_adopt(struct fleet *fleet, const char *machine, int64_t now_ms)
{
    struct fleet_machine *found = fleet_find(fleet, machine);
    if (found == NULL) {
        return fail(FLEET_NOT_FOUND, "There is no such machine.");
    }
    if (found->policy.memory.drift != POLICY_DRIFT_FOREIGN) {
        return fail(FLEET_INVALID, "Nobody else controls this machine.");
    }
    policy_adopt(&found->policy.memory);
    fleet_entry_of(found)->drift = POLICY_DRIFT_NONE;
    fleet_raise(fleet, FLEET_EVENT_DRIFT, found, POLICY_MISSING, "adopted", now_ms,
                "%s was taken over again.", found->name);
    return (struct fleet_result){ .status = FLEET_OK };
}
