/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fleet's life: machines are found, tell facts, and are gone; a new configuration.
 *
 * Facts come from guests and monitors: strings are cut and cleaned here; numbers are judged where
 * the policy's input is made.
 */

#include "tools/ballast/fleet/fleet.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

/* Keeps what the fleet needs of a configuration. False: there is no memory, nothing changed. */
static bool configuration_keep(struct fleet *fleet, const struct config *config)
{
    struct config_machine *sections = calloc(config->machine_count + 1, sizeof *sections);
    if (sections == NULL) {
        return false;
    }
    for (size_t i = 0; i < config->machine_count; i++) {
        sections[i] = config->machines[i];
    }
    free(fleet->sections);
    fleet->sections = sections;
    fleet->section_count = config->machine_count;
    fleet->policy = config->policy;
    fleet->common = config->machine_default;
    return true;
}

struct fleet *fleet_new(const struct config *config, const struct fleet_ops *ops)
{
    struct fleet *fleet = calloc(1, sizeof *fleet);
    if (fleet == NULL) {
        abort();
    }
    fleet->machines = calloc(CONFIG_MACHINES_MAX, sizeof(struct fleet_machine *));
    fleet->reservations = calloc(CONFIG_MACHINES_MAX, sizeof *fleet->reservations);
    fleet->round = calloc(CONFIG_MACHINES_MAX, sizeof *fleet->round);
    fleet->followers = calloc(CONFIG_MACHINES_MAX, sizeof(struct fleet_entry *));
    if (fleet->machines == NULL || fleet->followers == NULL || fleet->reservations == NULL ||
        fleet->round == NULL || !configuration_keep(fleet, config)) {
        abort(); /* at the start of a program there is nothing to save */
    }
    fleet->ops = *ops;
    fleet->decide = policy_decide;
    return fleet;
}

void fleet_free(struct fleet *fleet)
{
    if (fleet == NULL) {
        return;
    }
    for (size_t i = 0; i < fleet->count; i++) {
        free(fleet->machines[i]);
    }
    for (size_t i = 0; i < fleet->follower_count; i++) {
        free(fleet->followers[i]);
    }
    free(fleet->machines);
    free(fleet->followers);
    free(fleet->reservations);
    free(fleet->sections);
    free(fleet->round);
    free(fleet);
}

void fleet_configure(struct fleet *fleet, const struct config *config, int64_t now_ms)
{
    if (!configuration_keep(fleet, config)) {
        fleet_raise(fleet, FLEET_EVENT_TROUBLE, NULL, POLICY_MISSING, "memory", now_ms,
                    "There is no memory for the new configuration: the old one stays.");
        return;
    }
    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        fleet_settings_refresh(fleet, entry, "configuration", now_ms);
        fleet_switch_update(fleet, entry, now_ms);
    }
}

/* ---- machines come and go ---- */

/* Copies text from outside: cut to size, and without what could confuse a terminal or a log. */
static void text_copy(char *to, size_t size, const char *from)
{
    size_t i = 0;
    for (; i + 1 < size && from[i] != '\0'; i++) {
        const unsigned char c = (unsigned char)from[i];
        to[i] = c < ' ' || c == 0x7f ? '?' : from[i];
    }
    memset(to + i, 0, size - i);
}

void fleet_entry_anew(struct fleet_entry *entry, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    struct fleet_entry fresh = { .shown = { .backend = machine->backend,
                                            .handle = machine->handle,
                                            .found_ms = now_ms,
                                            .seen_ms = machine->seen_ms,
                                            .facts = machine->facts } };
    memcpy(fresh.base, entry->base, sizeof fresh.base);
    memcpy(fresh.shown.name, machine->name, sizeof fresh.shown.name);
    memcpy(fresh.shown.where, machine->where, sizeof fresh.shown.where);
    fresh.shown.policy = fleet_undecided(&fresh.shown.policy.memory);
    *entry = fresh;
}

struct fleet_machine *fleet_found(struct fleet *fleet, const char *name,
                                  const struct fleet_backend *backend, void *handle,
                                  const char *where, int64_t now_ms)
{
    if (!config_name_valid(name) || fleet->count + fleet->follower_count >= CONFIG_MACHINES_MAX) {
        return NULL;
    }
    struct fleet_entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    struct fleet_machine *machine = &entry->shown;
    text_copy(entry->base, sizeof entry->base, name);
    fleet_name_first(fleet, entry->base, machine->name);
    text_copy(machine->where, sizeof machine->where, where);
    machine->backend = backend;
    machine->handle = handle;
    facts_clear(&machine->facts);
    machine->facts.state = FACTS_UNREACHABLE; /* nobody has answered yet */
    fleet_entry_anew(entry, now_ms);
    fleet_settings_resolve(fleet, entry);
    fleet_put_in(fleet, machine);
    fleet_raise(fleet, FLEET_EVENT_FOUND, machine, POLICY_MISSING, backend->name, now_ms,
                "%s is there: %s.", machine->name, machine->where);
    return machine;
}

void fleet_gone(struct fleet *fleet, struct fleet_machine *machine, const char *why, int64_t now_ms)
{
    struct fleet_entry *entry = fleet_entry_of(machine);
    char text[200];
    if (entry->leader != NULL) {
        fleet_unfollow(fleet, entry, now_ms);
        free(entry);
        return;
    }
    if (machine->follower != NULL && fleet_succeed(fleet, entry, now_ms)) {
        free(entry);
        return;
    }
    text_copy(text, sizeof text, why);
    fleet_raise(fleet, FLEET_EVENT_GONE, machine, POLICY_MISSING, "gone", now_ms, "%s is gone: %s.",
                machine->name, text);
    fleet_ledger_save(fleet, entry);
    fleet_target_forget(fleet, entry);
    fleet_take_out(fleet, machine);
    free(entry);
}

/* ---- facts ---- */

static const char *state_name(enum facts_state state)
{
    static const char *const names[] = {
        [FACTS_RUNNING] = "running",     [FACTS_PAUSED] = "paused",
        [FACTS_MIGRATING] = "migrating", [FACTS_PANICKED] = "panicked",
        [FACTS_STOPPED] = "stopped",     [FACTS_UNREACHABLE] = "unreachable",
    };
    return (size_t)state < sizeof names / sizeof names[0] ? names[state] : "unknown";
}

/* Tells what is different from the facts before. */
static void facts_compare(const struct fleet *fleet, const struct fleet_entry *entry,
                          const struct facts *before, int64_t now_ms)
{
    const struct fleet_machine *machine = &entry->shown;
    const struct facts *now = &machine->facts;
    if (entry->told && now->state != before->state) {
        fleet_raise(fleet, FLEET_EVENT_STATE, machine, POLICY_MISSING, state_name(now->state),
                    now_ms, "%s is %s now, it was %s.", machine->name, state_name(now->state),
                    state_name(before->state));
    }
    if (entry->told && now->resets != before->resets) {
        fleet_raise(fleet, FLEET_EVENT_RESET, machine, POLICY_MISSING, "reset", now_ms,
                    "The guest of %s starts anew: it gets its maximum until it is stable.",
                    machine->name);
    }
    if (strcmp(now->trouble, before->trouble) != 0) {
        fleet_raise(fleet, FLEET_EVENT_TROUBLE, machine, POLICY_MISSING,
                    now->trouble[0] != '\0' ? "begins" : "over", now_ms, "%s: %s", machine->name,
                    now->trouble[0] != '\0' ? now->trouble : "the trouble is over.");
    }
}

/* Copies facts; what is text in them comes from outside. */
static void facts_take(struct fleet_machine *machine, const struct facts *facts)
{
    const pid_t known = machine->facts.pid;
    char text[sizeof facts->trouble];
    char uuid[sizeof facts->uuid];
    memcpy(text, facts->trouble, sizeof text);
    text[sizeof text - 1] = '\0';
    memcpy(uuid, facts->uuid, sizeof uuid);
    uuid[sizeof uuid - 1] = '\0';
    machine->facts = *facts;
    text_copy(machine->facts.trouble, sizeof machine->facts.trouble, text);
    (void)config_uuid_read(uuid, machine->facts.uuid);
    /* A process that cannot be told for a while is still the last one that was told. */
    if (facts->pid == 0 && (!facts_are_whole(facts) ||
                            strcmp(fleet_entry_of(machine)->uuid, machine->facts.uuid) == 0)) {
        machine->facts.pid = known;
    }
    machine->facts.formerly[sizeof machine->facts.formerly - 1] = '\0';
}

void fleet_told(struct fleet *fleet, struct fleet_machine *machine, const struct facts *facts,
                int64_t now_ms)
{
    struct fleet_entry *entry = fleet_entry_of(machine);
    struct facts before = machine->facts;
    facts_take(machine, facts);
    if (facts->state != FACTS_UNREACHABLE) {
        machine->seen_ms = now_ms;
    }
    if (facts_are_whole(facts)) {
        const bool known = machine->identity[0] != '\0';
        if (!fleet_identify(fleet, entry, now_ms)) {
            return;
        }
        if (known && !entry->told) {
            facts_clear(&before); /* of another machine */
        }
    } else if (entry->leader != NULL) {
        return;
    }
    fleet_evidence(fleet, entry, &before, now_ms);
    facts_compare(fleet, entry, &before, now_ms);

    const bool other_ram = before.ram_bytes != facts->ram_bytes;
    /* A process of its own was started: a device that was waited for would be there now. */
    const bool other_process = before.pid != 0 && facts->pid != 0 && before.pid != facts->pid;
    const bool started = before.state == FACTS_STOPPED && facts->state != FACTS_STOPPED &&
                         facts->state != FACTS_UNREACHABLE;
    const bool restarted = entry->told && (other_process || started);
    if (restarted || facts->device) {
        entry->device_awaited = false;
    }
    if (restarted) {
        fleet_target_forget(fleet, entry);
        machine->policy.memory = (struct policy_memory){ 0 };
    }
    if (other_ram && entry->told) {
        fleet_settings_refresh(fleet, entry, "size", now_ms);
    } else if (other_ram) {
        fleet_settings_resolve(fleet, entry); /* parts of RAM become sizes: no change */
    }
    const bool first = !entry->told;
    entry->told = entry->told || facts_are_whole(facts);
    if (first && entry->told && facts->device && !machine->settings.ballooning) {
        fleet_switch_arrange(fleet, entry, now_ms);
    }
    fleet_switch_update(fleet, entry, now_ms);
    if (facts->ram_bytes != POLICY_MISSING && facts->state != FACTS_STOPPED && !machine->copy) {
        fleet_reservation_taken(fleet, machine, now_ms);
    }
}

/* ---- what others read ---- */

struct fleet_machine *const *fleet_machines(const struct fleet *fleet, size_t *count)
{
    *count = fleet->count;
    return fleet->machines;
}

const struct policy_plan *fleet_plan(const struct fleet *fleet)
{
    return &fleet->plan;
}

const struct policy_host *fleet_host(const struct fleet *fleet)
{
    return &fleet->host;
}

const struct policy_settings *fleet_policy(const struct fleet *fleet)
{
    return &fleet->policy;
}

const struct policy_host_memory *fleet_host_memory(const struct fleet *fleet)
{
    return &fleet->host_memory;
}

uint64_t fleet_resident(struct fleet *fleet, int64_t now_ms)
{
    const struct books_host books = fleet_ask(fleet, NULL, NULL, 0, now_ms);
    return books.resident_bytes + books.overhead_bytes;
}
