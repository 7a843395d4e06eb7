/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A fleet's surroundings in memory: nothing happens here that a test did not ask for. Tables are
 * small; what would not fit is a fault of the test and asserted.
 */

#include "tests/ballast/fakes/fake_backend.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

static bool set_target(void *handle, uint64_t bytes)
{
    struct fake_machine *machine = handle;
    if (machine->refuses_to_send) {
        return false;
    }
    assert(machine->target_count < sizeof machine->targets / sizeof machine->targets[0]);
    machine->targets[machine->target_count++] = bytes;
    return true;
}

static bool set_device(void *handle, bool present)
{
    struct fake_machine *machine = handle;
    machine->device = present;
    machine->device_count++;
    return true;
}

const struct fleet_backend fake_backend = { "fake", set_target, set_device };
const struct fleet_backend fake_backend_simple = { "simple", set_target, NULL };

static void event(void *context, const struct fleet_event *event)
{
    struct fake_owner *owner = context;
    assert(owner->event_count < FAKE_EVENTS_MAX);
    assert(event->text[0] != '\0');
    struct fake_event *kept = &owner->events[owner->event_count++];
    kept->kind = event->kind;
    kept->at_ms = event->at_ms;
    kept->bytes = event->bytes;
    snprintf(kept->machine, sizeof kept->machine, "%s",
             event->machine == NULL ? "" : event->machine);
    snprintf(kept->code, sizeof kept->code, "%s", event->code);
    snprintf(kept->text, sizeof kept->text, "%s", event->text);
}

static size_t place(struct fake_owner *owner, const char *name)
{
    size_t i = 0;
    while (i < owner->kept_count && strcmp(owner->names[i], name) != 0) {
        i++;
    }
    if (i == owner->kept_count) {
        assert(i < FAKE_KEPT_MAX);
        snprintf(owner->names[i], sizeof owner->names[i], "%s", name);
        owner->kept_count++;
    }
    return i;
}

static bool save(void *context, const char *machine, const struct fleet_settings *settings)
{
    struct fake_owner *owner = context;
    if (owner->disk_full) {
        return false;
    }
    owner->kept[place(owner, machine)] = *settings;
    owner->saves++;
    return true;
}

static bool load(void *context, const char *machine, struct fleet_settings *settings)
{
    struct fake_owner *owner = context;
    const size_t i = place(owner, machine);
    if (owner->kept[i].revision == 0) {
        return false;
    }
    *settings = owner->kept[i];
    return true;
}

static void save_target(void *context, const char *machine, uint64_t bytes)
{
    struct fake_owner *owner = context;
    owner->targets[place(owner, machine)] = bytes;
}

static uint64_t load_target(void *context, const char *machine)
{
    struct fake_owner *owner = context;
    return owner->targets[place(owner, machine)];
}

static void save_ledger(void *context, const char *machine, const struct fleet_ledger *ledger)
{
    struct fake_owner *owner = context;
    owner->ledgers[place(owner, machine)] = *ledger;
    owner->ledger_saves++;
}

static bool load_ledger(void *context, const char *machine, struct fleet_ledger *ledger)
{
    struct fake_owner *owner = context;
    *ledger = owner->ledgers[place(owner, machine)];
    return true;
}

static bool save_reservation(void *context, const char *name, uint64_t bytes)
{
    struct fake_owner *owner = context;
    if (owner->disk_full) {
        return false;
    }
    snprintf(owner->reservation, sizeof owner->reservation, "%s", name);
    owner->reserved_bytes = bytes;
    return true;
}

struct fleet_ops fake_owner_ops(struct fake_owner *owner)
{
    return (struct fleet_ops){
        .context = owner,
        .event = event,
        .save = save,
        .load = load,
        .save_target = save_target,
        .load_target = load_target,
        .save_ledger = save_ledger,
        .load_ledger = load_ledger,
        .save_reservation = save_reservation,
    };
}

size_t fake_events(const struct fake_owner *owner, enum fleet_event_kind kind, const char *code)
{
    size_t count = 0;
    for (size_t i = 0; i < owner->event_count; i++) {
        const struct fake_event *kept = &owner->events[i];
        count += kept->kind == kind && (code == NULL || strcmp(kept->code, code) == 0) ? 1 : 0;
    }
    return count;
}

const struct fake_event *fake_last(const struct fake_owner *owner, enum fleet_event_kind kind)
{
    for (size_t i = owner->event_count; i > 0; i--) {
        if (owner->events[i - 1].kind == kind) {
            return &owner->events[i - 1];
        }
    }
    return NULL;
}
