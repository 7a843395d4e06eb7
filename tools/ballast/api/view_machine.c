/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One machine as JSON: what the backend told, what was set, what was decided and why, and the
 * doctor's verdict. The members are those of openapi.json, always all of them: what is not known is
 * null, so that a reader never has to tell a missing member from a missing number.
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

static const char *const kind_names[] = {
    [FACTS_MACHINE] = "machine",
    [FACTS_CONTAINER] = "container",
};

static const char *const state_names[] = {
    [FACTS_RUNNING] = "running",   [FACTS_PAUSED] = "paused",   [FACTS_MIGRATING] = "migrating",
    [FACTS_PANICKED] = "panicked", [FACTS_STOPPED] = "stopped", [FACTS_UNREACHABLE] = "unreachable",
};

static const char *const driver_names[] = {
    [POLICY_DRIVER_UNKNOWN] = "unknown",
    [POLICY_DRIVER_OK] = "ok",
};

/* Feature bits that mean something for a balloon [VIRTIO 1.4 §5.5.3, §6]. */
static const struct {
    unsigned bit;
    const char *name;
} features[] = {
    { 0, "must-tell-host" },   { 1, "stats-vq" },     { 2, "deflate-on-oom" },
    { 3, "free-page-hint" },   { 4, "page-poison" },  { 5, "page-reporting" },
    { 28, "indirect-desc" },   { 29, "event-idx" },   { 32, "version-1" },
    { 33, "access-platform" }, { 34, "ring-packed" },
};

const char *api_state_name(enum facts_state state)
{
    return state_names[state];
}

uint64_t api_maximum(const struct fleet_machine *machine)
{
    uint64_t ram_bytes = machine->facts.ram_bytes;
    uint64_t max_bytes = machine->settings.max_bytes;
    return max_bytes != 0 && max_bytes < ram_bytes ? max_bytes : ram_bytes;
}

json_t *api_age(const struct api_call *call, int64_t then_ms)
{
    if (then_ms <= 0) {
        return json_null();
    }
    return json_integer(call->now_ms > then_ms ? call->now_ms - then_ms : 0);
}

static json_t *view_offered(const struct facts *facts)
{
    if (!facts->offered_known) {
        return json_null();
    }
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if ((facts->offered >> features[i].bit & 1) != 0) {
            json_array_append_new(names, json_string(features[i].name));
        }
    }
    return names;
}

static json_t *view_guest(const struct api_call *call, const struct facts *facts)
{
    json_t *guest = json_object();
    api_put_number(guest, "total_bytes", facts->total_bytes);
    api_put_number(guest, "free_bytes", facts->free_bytes);
    api_put_number(guest, "available_bytes", facts->available_bytes);
    api_put_number(guest, "caches_bytes", facts->caches_bytes);
    api_put_number(guest, "swap_in_bytes", facts->swap_in_bytes);
    api_put_number(guest, "swap_out_bytes", facts->swap_out_bytes);
    api_put_number(guest, "major_faults", facts->major_faults);
    api_put_number(guest, "minor_faults", facts->minor_faults);
    api_put_number(guest, "alloc_stalls", facts->alloc_stalls);
    api_put_number(guest, "oom_kills", facts->oom_kills);
    json_object_set_new(guest, "age_ms", api_age(call, facts->stats_ms));
    return guest;
}

/* Switched off, and the device is there until the next start: what the machine has by then. */
static void put_off_text(const struct api_call *call, json_t *view,
                         const struct fleet_machine *machine)
{
    char text[256];
    char has[POLICY_SIZE_TEXT];
    char lacks[POLICY_SIZE_TEXT];
    const int64_t since_ms = machine->lacking_ms;
    if (machine->facts.actual_bytes == POLICY_MISSING) {
        api_put_text(view, "text",
                     "Ballooning is off: the machine will have no balloon device after its next "
                     "start; what it has now is not known.");
    } else if (since_ms == 0) {
        api_put_text(view, "text",
                     "Ballooning is off: the machine is held at its maximum, and will have no "
                     "balloon device after its next start.");
    } else {
        snprintf(text, sizeof(text),
                 "Ballooning is off: the machine has %s, and %s have been missing to its maximum "
                 "for %lld s; it will have no balloon device after its next start.",
                 policy_size_text(machine->facts.actual_bytes, has),
                 policy_size_text(machine->lacking_bytes, lacks),
                 (long long)((call->now_ms - since_ms) / 1000));
        api_put_text(view, "text", text);
    }
}

/* How much the host lacks is for operators. */
static void put_switch_text(const struct api_call *call, json_t *view,
                            const struct fleet_machine *machine)
{
    bool is_operator = call->identity.role == API_OPERATOR;
    char text[128];
    char size[POLICY_SIZE_TEXT];
    const char *words = "";
    switch (machine->switch_state) {
    case FLEET_SWITCH_ENABLED:
        words = "Ballooning is on.";
        break;
    case FLEET_SWITCH_DISABLED:
        words = "Ballooning is off: the machine has no balloon device.";
        break;
    case FLEET_SWITCH_PENDING_RESTART:
        words = "Ballooning will be on after the next start of the machine.";
        if (!machine->settings.ballooning) {
            put_off_text(call, view, machine);
            return;
        }
        break;
    case FLEET_SWITCH_REFUSED:
        snprintf(
            text, sizeof(text), "Ballooning cannot be switched off now: the host misses %s for it.",
            is_operator ? policy_size_text(machine->refused_missing_bytes, size) : "the memory");
        words = text;
        break;
    case FLEET_SWITCH_UNSUPPORTED:
        words =
            machine->unsupported == NULL ? "This machine cannot balloon." : machine->unsupported;
        break;
    }
    api_put_text(view, "text", words);
}

static json_t *view_switch(const struct api_call *call, const struct fleet_machine *machine)
{
    bool is_operator = call->identity.role == API_OPERATOR;
    bool refused = is_operator && machine->switch_state == FLEET_SWITCH_REFUSED;
    bool told = facts_are_whole(&machine->facts);
    json_t *view = json_object();
    api_put_word(view, "state", told ? fleet_switch_name(machine->switch_state) : NULL);
    json_object_set_new(view, "wanted", json_boolean(machine->settings.ballooning));
    api_put_number(view, "missing_bytes",
                   refused ? machine->refused_missing_bytes : POLICY_MISSING);
    bool off = machine->switch_state == FLEET_SWITCH_PENDING_RESTART &&
               !machine->settings.ballooning && machine->facts.actual_bytes != POLICY_MISSING;
    api_put_number(view, "lacking_bytes", off ? machine->lacking_bytes : POLICY_MISSING);
    json_object_set_new(view, "lacking_ms", api_age(call, off ? machine->lacking_ms : 0));
    if (told) {
        put_switch_text(call, view, machine);
    } else {
        api_put_text(view, "text",
                     machine->settings.ballooning
                         ? "Ballooning shall be on; whether it is, is not known."
                         : "Ballooning shall be off; whether it is, is not known.");
    }
    return view;
}

static json_t *view_ledger(const struct fleet_machine *machine)
{
    json_t *view = json_object();
    api_put_number(view, "lent_mib_s", machine->ledger.lent_mib_s);
    api_put_number(view, "peaks_met", machine->ledger.peaks_met);
    api_put_number(view, "peaks_missed", machine->ledger.peaks_missed);
    return view;
}

bool api_in_books(const struct fleet_machine *machine)
{
    return fleet_decided(&machine->policy) &&
           machine->policy.decision.books.least_rule != BOOKS_CONTAINER;
}

/* A machine that is not managed has none of ours. A target of 0 is none. */
uint64_t api_target(const struct fleet_machine *machine)
{
    uint64_t target = machine->policy.decision.target_bytes;
    if (!machine->settings.managed) {
        return POLICY_MISSING;
    }
    if (target == 0 || target == POLICY_MISSING) {
        target = machine->commanded_bytes;
    }
    return target == 0 ? POLICY_MISSING : target;
}

/* A part of RAM that is not known is no size yet. */
uint64_t api_minimum(const struct fleet_machine *machine)
{
    uint64_t min_bytes = machine->settings.min_bytes;
    uint64_t max_bytes = api_maximum(machine);
    if (min_bytes == 0 && machine->facts.ram_bytes == POLICY_MISSING) {
        return POLICY_MISSING;
    }
    return min_bytes < max_bytes ? min_bytes : max_bytes;
}

/* The machine's entry in the books. What it is promised and the least that its settings allow are
 * told of the settings as they are now; what is booked and can be reached, of the last period. */
static void put_books(const struct api_call *call, json_t *view,
                      const struct fleet_machine *machine)
{
    const struct books_machine *entry = &machine->policy.decision.books;
    struct books_machine now;
    bool promised = fleet_promise(call->api->fleet, machine, call->now_ms, &now);
    bool entered = api_in_books(machine);
    api_put_number(view, "promised_bytes", promised ? now.promised_bytes : POLICY_MISSING);
    api_put_number(view, "booked_bytes", entered ? entry->booked_bytes : POLICY_MISSING);
    api_put_number(view, "least_bytes", promised ? now.least_bytes : POLICY_MISSING);
    api_put_word(view, "least_rule", promised ? books_rule_name(now.least_rule) : NULL);
    api_put_number(view, "smallest_bytes", entered ? entry->smallest_bytes : POLICY_MISSING);
    api_put_word(view, "smallest_rule", entered ? books_rule_name(entry->smallest_rule) : NULL);
    api_put_number(view, "takeable_bytes", entered ? entry->takeable_bytes : POLICY_MISSING);
}

static void put_sizes(const struct api_call *call, json_t *view,
                      const struct fleet_machine *machine)
{
    const struct policy_decision *decision = &machine->policy.decision;
    const struct policy_memory *memory = &machine->policy.memory;
    const bool known =
        fleet_decided(&machine->policy) && machine->facts.actual_bytes != POLICY_MISSING;
    api_put_number(view, "size_bytes", machine->facts.actual_bytes);
    api_put_number(view, "target_bytes", api_target(machine));
    api_put_number(view, "minimum_bytes", api_minimum(machine));
    api_put_number(view, "maximum_bytes", api_maximum(machine));
    api_put_number(view, "ram_bytes", machine->facts.ram_bytes);
    api_put_number(view, "used_bytes", decision->used_bytes);
    api_put_number(view, "available_bytes", machine->facts.available_bytes);
    api_put_number(view, "demand_bytes", fleet_demand(decision));
    api_put_number(view, "want_bytes", decision->want_bytes);
    api_put_number(view, "floor_bytes", decision->floor_bytes);
    api_put_number(view, "short_bytes", fleet_short(decision));
    api_put_number(view, "behind_bytes", known ? decision->behind_bytes : POLICY_MISSING);
    json_object_set_new(
        view, "behind_ms",
        api_age(call, known && decision->behind_bytes != 0 ? memory->behind_ms : 0));
    api_put_number(view, "below_promise_bytes", known ? decision->below_bytes : POLICY_MISSING);
    json_object_set_new(view, "below_promise_ms",
                        api_age(call, known && decision->below_bytes != 0 ? memory->below_ms : 0));
    api_put_number(view, "resident_bytes", machine->facts.resident_bytes);
    api_put_number(view, "overhead_bytes", machine->facts.overhead_bytes);
}

static void put_device(json_t *view, const struct fleet_machine *machine)
{
    const struct policy_memory *memory = &machine->policy.memory;
    bool drifts = fleet_decided(&machine->policy) && memory->drift != POLICY_DRIFT_NONE;
    bool told = facts_are_whole(&machine->facts);
    json_object_set_new(view, "device", told ? json_boolean(machine->facts.device) : json_null());
    const bool silent = machine->facts.state == FACTS_UNREACHABLE;
    api_put_word(view, "driver",
                 driver_names[silent ? POLICY_DRIVER_UNKNOWN : machine->facts.driver]);
    /* What a driver accepted is told by no command that may be sent to a running machine. */
    json_object_set_new(view, "features", json_null());
    json_object_set_new(view, "offered_features", view_offered(&machine->facts));
    api_put_word(view, "mode", policy_mode_name(memory->mode));
    api_put_word(view, "drift", drifts ? policy_drift_name(memory->drift) : NULL);
}

/* Who it is, and by which other way it is seen. */
static void put_identity(json_t *view, const struct fleet_machine *machine, bool is_operator)
{
    const struct fleet_machine *follower = machine->follower;
    const char *uuid = machine->facts.uuid;
    json_t *other = follower == NULL ? json_null() : json_object();
    if (follower != NULL) {
        api_put_text(other, "backend", follower->backend->name);
        api_put_text(other, "where", is_operator ? follower->where : "");
    }
    api_put_word(view, "uuid", uuid[0] == '\0' ? NULL : uuid);
    json_object_set_new(view, "copy", json_boolean(machine->copy));
    json_object_set_new(view, "also", other);
}

json_t *api_view_machine(const struct api_call *call, const struct fleet_machine *machine)
{
    /* Where a machine can be reached on the host is none of its owner's business. */
    bool is_operator = call->identity.role == API_OPERATOR;
    const char *trouble = machine->facts.trouble;
    json_t *view = json_object();
    api_put_text(view, "name", machine->name);
    api_put_word(view, "kind", kind_names[machine->facts.kind]);
    api_put_word(view, "state", state_names[machine->facts.state]);
    api_put_word(view, "trouble", trouble[0] == '\0' ? NULL : trouble);
    api_put_text(view, "backend", machine->backend->name);
    api_put_text(view, "where", is_operator ? machine->where : "");
    put_identity(view, machine, is_operator);
    api_put_text(view, "owner", machine->settings.owner);
    api_put_word(view, "class", policy_class_name(machine->settings.class));
    api_put_number(view, "weight", machine->settings.weight);
    json_object_set_new(view, "managed", json_boolean(machine->settings.managed));
    put_sizes(call, view, machine);
    put_books(call, view, machine);
    json_object_set_new(view, "guest", view_guest(call, &machine->facts));
    put_device(view, machine);
    json_object_set_new(view, "ballooning", view_switch(call, machine));
    json_object_set_new(view, "decision", api_view_decision(call, machine));
    json_object_set_new(view, "ledger", view_ledger(machine));
    api_put_number(view, "commands", machine->commands);
    api_put_text(view, "last_error", machine->last_error);
    api_put_number(view, "revision", machine->settings.revision);
    json_object_set_new(view, "seen_age_ms", api_age(call, machine->seen_ms));
    return view;
}

void api_get_machines(struct api_call *call)
{
    size_t count;
    struct fleet_machine *const *machines = fleet_machines(call->api->fleet, &count);
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        if (api_sees_machine(&call->identity, machines[i])) {
            json_array_append_new(list, api_view_machine(call, machines[i]));
        }
    }
    json_t *body = json_object();
    json_object_set_new(body, "machines", list);
    api_answer(call, 200, body);
}

void api_get_machine(struct api_call *call)
{
    const struct fleet_machine *machine = api_machine(call);
    if (machine != NULL) {
        snprintf(call->response->etag, sizeof(call->response->etag), "\"%llu\"",
                 (unsigned long long)machine->settings.revision);
        api_answer(call, 200, api_view_machine(call, machine));
    }
}
