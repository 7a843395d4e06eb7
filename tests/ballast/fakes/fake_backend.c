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
const struct fleet_backend fake_backend_libvirt = { "libvirt", set_target, set_device };

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
    snprintf(kept->owner, sizeof kept->owner, "%s", event->owner);
    snprintf(kept->code, sizeof kept->code, "%s", event->code);
    snprintf(kept->text, sizeof kept->text, "%s", event->text);
}

static size_t place(struct fake_owner *owner, const char *identity, const char *name)
{
    size_t i = 0;
    while (i < owner->kept_count && strcmp(owner->names[i], identity) != 0) {
        i++;
    }
    if (i == owner->kept_count) {
        assert(i < FAKE_KEPT_MAX);
        snprintf(owner->names[i], sizeof owner->names[i], "%s", identity);
        snprintf(owner->bases[i], sizeof owner->bases[i], "%s", name);
        owner->kept_count++;
    }
    return i;
}

static size_t place_of(struct fake_owner *owner, const struct fleet_who *who)
{
    assert(who->identity[0] != '\0');
    return place(owner, who->identity, who->name);
}

static bool is_known(const struct fake_owner *owner, const char *identity)
{
    for (size_t i = 0; i < owner->kept_count; i++) {
        if (strcmp(owner->names[i], identity) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_name_known(const struct fake_owner *owner, const char *name, size_t *at)
{
    for (size_t i = owner->kept_count; i > 0; i--) {
        if (strcmp(owner->bases[i - 1], name) == 0) {
            *at = i - 1;
            return true;
        }
    }
    return false;
}

static bool meet(void *context, const struct fleet_meeting *meeting, struct fleet_kept *kept)
{
    struct fake_owner *owner = context;
    const struct fleet_who *who = &meeting->who;
    size_t at = 0;
    if (owner->unreadable) {
        return false;
    }
    owner->meetings++;
    owner->copies += meeting->copy ? 1 : 0;
    kept->known = is_known(owner, who->identity);
    kept->another = !kept->known && is_name_known(owner, who->name, &at);
    if (!kept->known && meeting->predecessor[0] != '\0' && is_known(owner, meeting->predecessor)) {
        at = place(owner, meeting->predecessor, who->name);
        snprintf(owner->names[at], sizeof owner->names[at], "%s", who->identity);
        kept->known = true;
        kept->inherited = true;
        kept->another = false;
    }
    if (meeting->predecessor[0] != '\0') {
        owner->expected[0] = '\0';
    }
    at = place_of(owner, who);
    kept->has_settings = owner->kept[at].revision != 0;
    kept->settings = owner->kept[at];
    kept->target_bytes = owner->targets[at];
    kept->ledger = owner->ledgers[at];
    return true;
}

static bool recall(void *context, const char *name, struct fleet_settings *settings)
{
    struct fake_owner *owner = context;
    size_t at;
    if (!is_name_known(owner, name, &at) || owner->kept[at].revision == 0) {
        return false;
    }
    *settings = owner->kept[at];
    return true;
}

static bool save(void *context, const struct fleet_who *who, const struct fleet_settings *settings)
{
    struct fake_owner *owner = context;
    if (owner->disk_full) {
        return false;
    }
    owner->kept[place_of(owner, who)] = *settings;
    owner->saves++;
    return true;
}

static void save_target(void *context, const struct fleet_who *who, uint64_t bytes)
{
    struct fake_owner *owner = context;
    owner->targets[place_of(owner, who)] = bytes;
}

static void save_ledger(void *context, const struct fleet_who *who,
                        const struct fleet_ledger *ledger)
{
    struct fake_owner *owner = context;
    owner->ledgers[place_of(owner, who)] = *ledger;
    owner->ledger_saves++;
}

static bool forget(void *context, const char *name, const char *const *present, size_t count,
                   size_t *machines)
{
    struct fake_owner *owner = context;
    for (size_t i = 0; i < owner->kept_count; i++) {
        bool is_there = false;
        for (size_t j = 0; j < count; j++) {
            is_there = is_there || strcmp(present[j], owner->names[i]) == 0;
        }
        if (strcmp(owner->bases[i], name) == 0 && !is_there) {
            owner->names[i][0] = '\0';
            owner->bases[i][0] = '\0';
            (*machines)++;
        }
    }
    return !owner->disk_full;
}

static bool expect(void *context, const char *name, const char *identity, uint32_t seconds,
                   bool *known)
{
    struct fake_owner *owner = context;
    size_t at;
    *known = is_name_known(owner, name, &at);
    if (*known && identity[0] == '\0') {
        identity = owner->names[at];
    }
    snprintf(owner->expected, sizeof owner->expected, "%s", seconds == 0 ? "" : name);
    snprintf(owner->predecessor, sizeof owner->predecessor, "%s", identity);
    return !owner->disk_full;
}

static bool expected(void *context, const char *name, char identity[FLEET_IDENTITY_MAX])
{
    struct fake_owner *owner = context;
    if (strcmp(owner->expected, name) != 0) {
        return false;
    }
    snprintf(identity, FLEET_IDENTITY_MAX, "%s", owner->predecessor);
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
        .meet = meet,
        .recall = recall,
        .save = save,
        .save_target = save_target,
        .save_ledger = save_ledger,
        .forget = forget,
        .expect = expect,
        .expected = expected,
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
