/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Who a machine is. It becomes known with its first whole facts: by the UUID, or where there is
 * none by name and place. Only then what was kept is looked up, so that nobody gets another
 * owner's rights by a name.
 *
 * A UUID is what its QEMU says. Of two processes with one UUID the one that was there first is
 * believed; the other one is a copy, which is its name and place and takes nothing over.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

struct fleet_who fleet_who_of(const struct fleet_entry *entry)
{
    return (struct fleet_who){ .identity = entry->shown.identity, .name = entry->base };
}

struct fleet_entry *fleet_present(const struct fleet *fleet, const char *identity)
{
    for (size_t i = 0; identity[0] != '\0' && i < fleet->count; i++) {
        if (strcmp(fleet->machines[i]->identity, identity) == 0) {
            return fleet_entry_of(fleet->machines[i]);
        }
    }
    return NULL;
}

void fleet_target_forget(const struct fleet *fleet, struct fleet_entry *entry)
{
    const struct fleet_who who = fleet_who_of(entry);
    entry->shown.commanded_bytes = 0;
    if (fleet->ops.save_target != NULL && who.identity[0] != '\0') {
        fleet->ops.save_target(fleet->ops.context, &who, 0);
    }
}

/* Behind the same monitor is another machine now: nothing of the one before belongs to it. */
static void begin_anew(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    fleet_raise(fleet, FLEET_EVENT_GONE, machine, POLICY_MISSING, "gone", now_ms,
                "%s is another machine now: its UUID is another.", machine->name);
    fleet_ledger_save(fleet, entry);
    fleet_target_forget(fleet, entry);
    fleet_entry_anew(entry, now_ms);
    fleet_settings_resolve(fleet, entry);
}

/* Settings that somebody changed by hand in the database may be anything. */
static bool settings_make_sense(const struct fleet_settings *settings)
{
    return settings->class <= POLICY_SPARE && settings->weight >= 1 &&
           settings->weight <= POLICY_WEIGHT_MAX &&
           memchr(settings->owner, '\0', sizeof settings->owner) != NULL;
}

static void take_kept(struct fleet_entry *entry, const struct fleet_kept *kept)
{
    const uint32_t all = CONFIG_GIVEN_CLASS | CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX |
                         CONFIG_GIVEN_WEIGHT | CONFIG_GIVEN_OWNER | CONFIG_GIVEN_BALLOONING |
                         CONFIG_GIVEN_MANAGED;
    struct fleet_machine *machine = &entry->shown;
    if (kept->has_settings && settings_make_sense(&kept->settings)) {
        machine->settings = kept->settings;
        machine->settings.commanded =
            kept->settings.commanded != 0 ? kept->settings.commanded & all : all;
    }
    machine->commanded_bytes = kept->target_bytes;
    machine->ledger = kept->ledger;
    entry->saved = kept->ledger;
}

/* What people should know of it before its owner may see anything. */
static void tell_operator(const struct fleet *fleet, const struct fleet_entry *entry,
                          const struct fleet_entry *holder, bool another, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    if (holder != NULL) {
        const bool unknown = machine->facts.pid == 0 || holder->shown.facts.pid == 0;
        fleet_raise(fleet, FLEET_EVENT_TROUBLE, machine, POLICY_MISSING, "same-uuid", now_ms,
                    "%s at %s has the UUID of %s, %s: it takes nothing over from it.",
                    machine->name, machine->where, holder->shown.name,
                    unknown ? "and nothing shows that both are one process"
                            : "which is another process");
    }
    if (another) {
        fleet_raise(fleet, FLEET_EVENT_FOUND, machine, POLICY_MISSING, "another-machine", now_ms,
                    "%s is another machine of this name: it starts from the configuration's "
                    "settings. What is kept for the earlier one stays until `ballast forget %s`.",
                    machine->name, entry->base);
    }
}

/* What the operator wrote, and does not count. */
static void tell_sections(const struct fleet *fleet, const struct fleet_entry *entry,
                          const char *identity, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    const struct config_machine *section = fleet_section(fleet, entry->base);
    if (section != NULL && (section->given & CONFIG_GIVEN_UUID) != 0 &&
        strcmp(section->uuid, identity) != 0) {
        fleet_raise(fleet, FLEET_EVENT_TROUBLE, machine, POLICY_MISSING, "section", now_ms,
                    "%s has another UUID than the section [machine %s] names: the section does not "
                    "count for it.",
                    machine->name, entry->base);
    }
    if (machine->facts.formerly[0] != '\0' &&
        fleet_section(fleet, machine->facts.formerly) != NULL) {
        fleet_raise(fleet, FLEET_EVENT_TROUBLE, machine, POLICY_MISSING, "section", now_ms,
                    "The section [machine %s] does not count for a domain whose name has other "
                    "characters: it is called %s.",
                    machine->facts.formerly, entry->base);
    }
}

/* Looks up what was kept. */
static void meet(struct fleet *fleet, struct fleet_entry *entry, const struct fleet_entry *holder,
                 const char *identity, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    struct fleet_kept kept = { .known = false };
    char predecessor[FLEET_IDENTITY_MAX] = "";
    const struct fleet_meeting meeting = {
        .who = { .identity = identity, .name = entry->base },
        .formerly = machine->facts.formerly,
        .predecessor = predecessor,
        .copy = holder != NULL,
    };
    /* A machine that runs keeps what is its own. */
    if (holder == NULL && fleet->ops.expected != NULL &&
        fleet->ops.expected(fleet->ops.context, entry->base, predecessor) &&
        fleet_present(fleet, predecessor) != NULL) {
        predecessor[0] = '\0';
    }
    if (fleet->ops.meet == NULL || !fleet->ops.meet(fleet->ops.context, &meeting, &kept)) {
        kept = (struct fleet_kept){ .known = false };
    }
    tell_operator(fleet, entry, holder, kept.another, now_ms);
    tell_sections(fleet, entry, identity, now_ms);
    machine->copy = holder != NULL;
    memset(machine->identity, 0, sizeof machine->identity);
    snprintf(machine->identity, sizeof machine->identity, "%s", identity);
    take_kept(entry, &kept);
    fleet_settings_resolve(fleet, entry);
    if (kept.inherited) {
        fleet_raise(fleet, FLEET_EVENT_SETTINGS, machine, POLICY_MISSING, "expected", now_ms,
                    "%s was expected: it takes over what the machine before it had.",
                    machine->name);
    }
    if (machine->settings.owner[0] != '\0') {
        fleet_raise(fleet, FLEET_EVENT_FOUND, machine, POLICY_MISSING, "known", now_ms,
                    "%s is known now: it belongs to %s.", machine->name, machine->settings.owner);
    }
}

/* The other process, or the other way to this one, with this UUID. A copy does not stand for it. */
static struct fleet_entry *holder_of(const struct fleet *fleet, const struct fleet_entry *entry)
{
    struct fleet_entry *holder = fleet_present(fleet, entry->uuid);
    return holder == entry ? NULL : holder;
}

static bool is_same_process(const struct fleet_entry *a, const struct fleet_entry *b)
{
    return a->shown.facts.pid != 0 && a->shown.facts.pid == b->shown.facts.pid;
}

bool fleet_identify(struct fleet *fleet, struct fleet_entry *entry, int64_t now_ms)
{
    struct fleet_machine *machine = &entry->shown;
    char identity[FLEET_IDENTITY_MAX];
    if (entry->leader != NULL && !fleet_part(fleet, entry, now_ms)) {
        return false;
    }
    const bool known = machine->identity[0] != '\0';
    if (known && entry->pid == machine->facts.pid &&
        strcmp(entry->uuid, machine->facts.uuid) == 0) {
        return true;
    }
    const bool other_uuid = strcmp(entry->uuid, machine->facts.uuid) != 0;
    const bool other_process = entry->pid != 0 && machine->facts.pid != 0;
    if (known && machine->follower != NULL && (other_uuid || other_process)) {
        fleet_disband(fleet, entry, now_ms); /* they showed the machine or process before */
    }
    if (known && other_uuid) {
        begin_anew(fleet, entry, now_ms);
    }
    entry->pid = machine->facts.pid;
    memcpy(entry->uuid, machine->facts.uuid, sizeof entry->uuid);
    struct fleet_entry *holder = holder_of(fleet, entry);
    if (holder != NULL && is_same_process(entry, holder)) {
        fleet_join(fleet, holder, entry, now_ms);
        return entry->leader == NULL;
    }
    if (machine->identity[0] != '\0') {
        return true; /* the same machine in another process */
    }
    if (entry->uuid[0] != '\0' && holder == NULL) {
        snprintf(identity, sizeof identity, "%s", entry->uuid);
    } else {
        snprintf(identity, sizeof identity, "%s at %s", entry->base, machine->where);
    }
    meet(fleet, entry, holder, identity, now_ms);
    fleet_name_settle(fleet, entry->base, now_ms);
    return true;
}

bool fleet_settings_of(struct fleet *fleet, const char *name, struct fleet_settings *settings)
{
    const struct fleet_machine *machine = fleet_find(fleet, name);
    if (machine != NULL) {
        *settings = machine->settings;
        return true;
    }
    if (!config_name_valid(name)) {
        return false;
    }
    struct fleet_entry entry = { .told = false };
    struct fleet_kept kept = { .known = false };
    snprintf(entry.shown.name, sizeof entry.shown.name, "%s", name);
    facts_clear(&entry.shown.facts);
    kept.has_settings =
        fleet->ops.recall != NULL && fleet->ops.recall(fleet->ops.context, name, &kept.settings);
    take_kept(&entry, &kept);
    fleet_settings_resolve(fleet, &entry);
    *settings = entry.shown.settings;
    return true;
}
