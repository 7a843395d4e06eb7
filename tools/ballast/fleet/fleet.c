/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fleet's life: machines are found, tell facts, and are gone; a new configuration. Machines are
 * kept in an array of pointers sorted by name, so that every list and every decision has the same
 * order, whenever machines appeared.
 *
 * Facts come from guests and monitors: strings are cut and cleaned here; numbers are judged where
 * the policy's input is made.
 */

#include "tools/ballast/fleet/fleet.h"

#include <assert.h>
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
    if (fleet->machines == NULL || fleet->reservations == NULL || fleet->round == NULL ||
        !configuration_keep(fleet, config)) {
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
    free(fleet->machines);
    free(fleet->reservations);
    free(fleet->sections);
    free(fleet->round);
    free(fleet);
}

static bool settings_equal(const struct fleet_settings *a, const struct fleet_settings *b)
{
    return a->class == b->class && a->min_bytes == b->min_bytes && a->max_bytes == b->max_bytes &&
           a->weight == b->weight && a->ballooning == b->ballooning && a->managed == b->managed &&
           strcmp(a->owner, b->owner) == 0;
}

/* Resolves settings anew and tells when they are others. */
static void settings_refresh(struct fleet *fleet, struct fleet_entry *entry, const char *why,
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

void fleet_configure(struct fleet *fleet, const struct config *config, int64_t now_ms)
{
    if (!configuration_keep(fleet, config)) {
        fleet_raise(fleet, FLEET_EVENT_TROUBLE, NULL, POLICY_MISSING, "memory", now_ms,
                    "There is no memory for the new configuration: the old one stays.");
        return;
    }
    for (size_t i = 0; i < fleet->count; i++) {
        struct fleet_entry *entry = fleet_entry_of(fleet->machines[i]);
        settings_refresh(fleet, entry, "configuration", now_ms);
        fleet_switch_update(fleet, entry, now_ms);
    }
}

/* ---- machines come and go ---- */

/* Where a name is, or would be. */
static size_t place_of(const struct fleet *fleet, const char *name, bool *there)
{
    size_t low = 0;
    size_t high = fleet->count;
    *there = false;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(fleet->machines[middle]->name, name);
        if (order == 0) {
            *there = true;
            return middle;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

struct fleet_machine *fleet_find(const struct fleet *fleet, const char *name)
{
    bool there;
    const size_t place = place_of(fleet, name, &there);
    return there ? fleet->machines[place] : NULL;
}

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

/* What was kept over a restart of the daemon. */
static void entry_load(struct fleet *fleet, struct fleet_entry *entry)
{
    const uint32_t all = CONFIG_GIVEN_CLASS | CONFIG_GIVEN_MIN | CONFIG_GIVEN_MAX |
                         CONFIG_GIVEN_WEIGHT | CONFIG_GIVEN_OWNER | CONFIG_GIVEN_BALLOONING |
                         CONFIG_GIVEN_MANAGED;
    struct fleet_machine *machine = &entry->shown;
    struct fleet_settings loaded = { 0 };
    if (fleet->ops.load != NULL && fleet->ops.load(fleet->ops.context, machine->name, &loaded) &&
        loaded.class <= POLICY_SPARE && loaded.weight >= 1 && loaded.weight <= POLICY_WEIGHT_MAX &&
        memchr(loaded.owner, '\0', sizeof loaded.owner) != NULL) {
        machine->settings = loaded;
        machine->settings.commanded = loaded.commanded != 0 ? loaded.commanded & all : all;
    }
    if (fleet->ops.load_target != NULL) {
        machine->commanded_bytes = fleet->ops.load_target(fleet->ops.context, machine->name);
    }
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
    text_copy(entry.shown.name, sizeof entry.shown.name, name);
    facts_clear(&entry.shown.facts);
    entry_load(fleet, &entry);
    fleet_settings_resolve(fleet, &entry);
    *settings = entry.shown.settings;
    return true;
}

/* A new process has no target, whatever the one before was told. */
static void target_forget(const struct fleet *fleet, struct fleet_machine *machine)
{
    machine->commanded_bytes = 0;
    if (fleet->ops.save_target != NULL) {
        fleet->ops.save_target(fleet->ops.context, machine->name, 0);
    }
}

struct fleet_machine *fleet_found(struct fleet *fleet, const char *name,
                                  const struct fleet_backend *backend, void *handle,
                                  const char *where, int64_t now_ms)
{
    bool there;
    if (!config_name_valid(name) || fleet->count == CONFIG_MACHINES_MAX) {
        return NULL;
    }
    const size_t place = place_of(fleet, name, &there);
    struct fleet_entry *entry = there ? NULL : calloc(1, sizeof *entry);
    if (entry == NULL) {
        return NULL;
    }
    struct fleet_machine *machine = &entry->shown;
    text_copy(machine->name, sizeof machine->name, name);
    text_copy(machine->where, sizeof machine->where, where);
    machine->backend = backend;
    machine->handle = handle;
    machine->found_ms = now_ms;
    machine->policy = fleet_undecided(&machine->policy.memory);
    facts_clear(&machine->facts);
    entry_load(fleet, entry);
    fleet_ledger_load(fleet, entry);
    fleet_settings_resolve(fleet, entry);
    memmove(fleet->machines + place + 1, fleet->machines + place,
            (fleet->count - place) * sizeof fleet->machines[0]);
    fleet->machines[place] = machine;
    fleet->count++;
    fleet_raise(fleet, FLEET_EVENT_FOUND, machine, POLICY_MISSING, backend->name, now_ms,
                "%s is there: %s.", machine->name, machine->where);
    return machine;
}

void fleet_gone(struct fleet *fleet, struct fleet_machine *machine, const char *why, int64_t now_ms)
{
    bool there;
    const size_t place = place_of(fleet, machine->name, &there);
    assert(there);
    assert(fleet->machines[place] == machine);
    char text[200];
    text_copy(text, sizeof text, why);
    fleet_raise(fleet, FLEET_EVENT_GONE, machine, POLICY_MISSING, "gone", now_ms, "%s", text);
    fleet_ledger_save(fleet, fleet_entry_of(machine));
    target_forget(fleet, machine);
    fleet->count--;
    memmove(fleet->machines + place, fleet->machines + place + 1,
            (fleet->count - place) * sizeof fleet->machines[0]);
    free(machine);
}

/* ---- facts ---- */

static const char *state_name(enum facts_state state)
{
    static const char *const names[] = {
        [FACTS_RUNNING] = "running",   [FACTS_PAUSED] = "paused",   [FACTS_MIGRATING] = "migrating",
        [FACTS_PANICKED] = "panicked", [FACTS_STOPPED] = "stopped",
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

void fleet_told(struct fleet *fleet, struct fleet_machine *machine, const struct facts *facts,
                int64_t now_ms)
{
    struct fleet_entry *entry = fleet_entry_of(machine);
    const struct facts before = machine->facts;
    char trouble[sizeof facts->trouble];
    memcpy(trouble, facts->trouble, sizeof trouble);
    trouble[sizeof trouble - 1] = '\0';
    machine->facts = *facts;
    text_copy(machine->facts.trouble, sizeof machine->facts.trouble, trouble);
    machine->seen_ms = now_ms;
    facts_compare(fleet, entry, &before, now_ms);

    const bool other_ram = before.ram_bytes != facts->ram_bytes;
    /* A process of its own was started: a device that was waited for would be there now. */
    const bool other_process = before.pid != 0 && facts->pid != 0 && before.pid != facts->pid;
    const bool started = before.state == FACTS_STOPPED && facts->state != FACTS_STOPPED;
    const bool restarted = entry->told && (other_process || started);
    if (restarted || facts->device) {
        entry->device_awaited = false;
    }
    if (restarted) {
        target_forget(fleet, machine);
        machine->policy.memory = (struct policy_memory){ 0 };
    }
    if (other_ram && entry->told) {
        settings_refresh(fleet, entry, "size", now_ms);
    } else if (other_ram) {
        fleet_settings_resolve(fleet, entry); /* parts of RAM become sizes: no change */
    }
    const bool first = !entry->told;
    /* With its size everything is told; before that there may be trouble, and nothing else. */
    entry->told = entry->told || facts->ram_bytes != POLICY_MISSING ||
                  facts->kind == FACTS_CONTAINER || facts->state == FACTS_STOPPED;
    if (first && entry->told && facts->device && !machine->settings.ballooning) {
        fleet_switch_arrange(fleet, entry, now_ms);
    }
    fleet_switch_update(fleet, entry, now_ms);
    if (facts->ram_bytes != POLICY_MISSING && facts->state != FACTS_STOPPED) {
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

uint64_t fleet_resident(const struct fleet *fleet)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < fleet->count; i++) {
        const struct facts *facts = &fleet->machines[i]->facts;
        const uint64_t parts[] = { facts->resident_bytes, facts->overhead_bytes };
        for (size_t j = 0; j < 2; j++) {
            if (facts->state != FACTS_STOPPED && parts[j] <= POLICY_BYTES_MAX) {
                sum += parts[j];
            }
        }
    }
    return sum;
}
