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
    [FACTS_PANICKED] = "panicked", [FACTS_STOPPED] = "stopped",
};

static const char *const driver_names[] = {
    [POLICY_DRIVER_UNKNOWN] = "unknown",
    [POLICY_DRIVER_NONE] = "none",
    [POLICY_DRIVER_OK] = "ok",
};

static const char *const verdict_names[] = {
    [FLEET_GOOD] = "good",
    [FLEET_NOTE] = "note",
    [FLEET_BAD] = "bad",
    [FLEET_UNKNOWN] = "unknown",
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

static json_t *age(const struct api_call *call, int64_t then_ms)
{
    if (then_ms <= 0) {
        return json_null();
    }
    return json_integer(call->now_ms > then_ms ? call->now_ms - then_ms : 0);
}

static json_t *view_features(const struct facts *facts)
{
    if (!facts->features_known) {
        return json_null();
    }
    json_t *names = json_array();
    for (size_t i = 0; i < sizeof(features) / sizeof(features[0]); i++) {
        if ((facts->features >> features[i].bit & 1) != 0) {
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
    json_object_set_new(guest, "age_ms", age(call, facts->stats_ms));
    return guest;
}

static void put_switch_text(json_t *view, const struct fleet_machine *machine)
{
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
        words = machine->settings.ballooning
                    ? "Ballooning will be on after the next start of the machine."
                    : "Ballooning is off: the machine is held at its maximum, and will have no "
                      "balloon device after its next start.";
        break;
    case FLEET_SWITCH_REFUSED:
        snprintf(text, sizeof(text),
                 "Ballooning cannot be switched off now: the host misses %s for it.",
                 policy_size_text(machine->refused_missing_bytes, size));
        words = text;
        break;
    case FLEET_SWITCH_UNSUPPORTED:
        words =
            machine->unsupported == NULL ? "This machine cannot balloon." : machine->unsupported;
        break;
    }
    api_put_text(view, "text", words);
}

static json_t *view_switch(const struct fleet_machine *machine)
{
    bool refused = machine->switch_state == FLEET_SWITCH_REFUSED;
    json_t *view = json_object();
    api_put_word(view, "state", fleet_switch_name(machine->switch_state));
    json_object_set_new(view, "wanted", json_boolean(machine->settings.ballooning));
    api_put_number(view, "missing_bytes",
                   refused ? machine->refused_missing_bytes : POLICY_MISSING);
    put_switch_text(view, machine);
    return view;
}

static const char *hold_word(enum policy_hold hold)
{
    return hold == POLICY_HOLD_NONE ? NULL : policy_hold_name(hold);
}

/* Reason and hold, as words and sentences: `reason_key` is how the sentence is called. */
static void put_why(const struct api_call *call, json_t *view, const struct policy_machine *machine,
                    const struct policy_plan *plan, const char *reason_key)
{
    char text[512];
    policy_explain(machine, plan, call->now_ms, text, sizeof(text));
    api_put_word(view, "reason", policy_reason_name(machine->decision.reason));
    api_put_text(view, reason_key, text);
    policy_explain_hold(machine, call->now_ms, text, sizeof(text));
    api_put_word(view, "hold", hold_word(machine->decision.hold));
    api_put_text(view, "hold_text", text);
}

static json_t *view_decision(const struct api_call *call, const struct policy_machine *machine)
{
    int64_t until_ms = machine->decision.hold_until_ms;
    json_t *view = json_object();
    put_why(call, view, machine, fleet_plan(call->api->fleet), "reason_text");
    json_object_set_new(view, "hold_ms",
                        until_ms > call->now_ms ? json_integer(until_ms - call->now_ms)
                                                : json_null());
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

/* A target of 0 is none. */
uint64_t api_target(const struct fleet_machine *machine)
{
    uint64_t target = machine->policy.decision.target_bytes;
    if (target == 0) {
        target = machine->commanded_bytes;
    }
    return target == 0 ? POLICY_MISSING : target;
}

static void put_sizes(json_t *view, const struct fleet_machine *machine)
{
    const struct policy_decision *decision = &machine->policy.decision;
    uint64_t max_bytes = api_maximum(machine);
    uint64_t min_bytes = machine->settings.min_bytes;
    api_put_number(view, "size_bytes", machine->facts.actual_bytes);
    api_put_number(view, "target_bytes", api_target(machine));
    api_put_number(view, "minimum_bytes", min_bytes < max_bytes ? min_bytes : max_bytes);
    api_put_number(view, "maximum_bytes", max_bytes);
    api_put_number(view, "ram_bytes", machine->facts.ram_bytes);
    api_put_number(view, "used_bytes", decision->used_bytes);
    api_put_number(view, "available_bytes", machine->facts.available_bytes);
    api_put_number(view, "demand_bytes", decision->demand_bytes);
    api_put_number(view, "want_bytes", decision->want_bytes);
    api_put_number(view, "floor_bytes", decision->floor_bytes);
    api_put_number(view, "booked_bytes", decision->booked_bytes);
    api_put_number(view, "short_bytes", decision->short_bytes);
    api_put_number(view, "resident_bytes", machine->facts.resident_bytes);
    api_put_number(view, "overhead_bytes", machine->facts.overhead_bytes);
}

static void put_device(json_t *view, const struct fleet_machine *machine)
{
    const struct policy_memory *memory = &machine->policy.memory;
    bool drifts = memory->drift != POLICY_DRIFT_NONE;
    json_object_set_new(view, "device", json_boolean(machine->facts.device));
    api_put_word(view, "driver", driver_names[machine->facts.driver]);
    json_object_set_new(view, "features", view_features(&machine->facts));
    api_put_word(view, "mode", policy_mode_name(memory->mode));
    api_put_word(view, "drift", drifts ? policy_drift_name(memory->drift) : NULL);
}

json_t *api_view_machine(const struct api_call *call, const struct fleet_machine *machine)
{
    /* Where a machine can be reached on the host is none of its owner's business. */
    bool is_operator = call->identity.role == API_OPERATOR;
    json_t *view = json_object();
    api_put_text(view, "name", machine->name);
    api_put_word(view, "kind", kind_names[machine->facts.kind]);
    api_put_word(view, "state", state_names[machine->facts.state]);
    api_put_text(view, "backend", machine->backend->name);
    api_put_text(view, "where", is_operator ? machine->where : "");
    api_put_text(view, "owner", machine->settings.owner);
    api_put_word(view, "class", policy_class_name(machine->settings.class));
    api_put_number(view, "weight", machine->settings.weight);
    json_object_set_new(view, "managed", json_boolean(machine->settings.managed));
    put_sizes(view, machine);
    json_object_set_new(view, "guest", view_guest(call, &machine->facts));
    put_device(view, machine);
    json_object_set_new(view, "ballooning", view_switch(machine));
    json_object_set_new(view, "decision", view_decision(call, &machine->policy));
    json_object_set_new(view, "ledger", view_ledger(machine));
    api_put_number(view, "commands", machine->commands);
    api_put_text(view, "last_error", machine->last_error);
    api_put_number(view, "revision", machine->settings.revision);
    json_object_set_new(view, "seen_age_ms", age(call, machine->seen_ms));
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

void api_get_explain(struct api_call *call)
{
    const struct fleet_machine *machine = api_machine(call);
    if (machine == NULL) {
        return;
    }
    const struct policy_decision *decision = &machine->policy.decision;
    json_t *body = json_object();
    api_put_text(body, "name", machine->name);
    put_why(call, body, &machine->policy, fleet_plan(call->api->fleet), "text");
    json_t *numbers = json_object();
    api_put_number(numbers, "used_bytes", decision->used_bytes);
    api_put_number(numbers, "demand_bytes", decision->demand_bytes);
    api_put_number(numbers, "want_bytes", decision->want_bytes);
    api_put_number(numbers, "floor_bytes", decision->floor_bytes);
    api_put_number(numbers, "size_bytes", machine->facts.actual_bytes);
    api_put_number(numbers, "target_bytes", api_target(machine));
    api_put_number(numbers, "booked_bytes", decision->booked_bytes);
    api_put_number(numbers, "step_bytes", decision->step_bytes);
    json_object_set_new(body, "numbers", numbers);
    api_answer(call, 200, body);
}

void api_get_doctor(struct api_call *call)
{
    const struct fleet_machine *machine = api_machine(call);
    if (machine == NULL) {
        return;
    }
    struct fleet_diagnosis diagnosis;
    fleet_doctor(call->api->fleet, machine, call->now_ms, &diagnosis);
    json_t *checks = json_array();
    for (size_t i = 0; i < diagnosis.count; i++) {
        json_t *check = json_object();
        api_put_text(check, "name", diagnosis.checks[i].name);
        api_put_word(check, "verdict", verdict_names[diagnosis.checks[i].verdict]);
        api_put_text(check, "text", diagnosis.checks[i].text);
        json_array_append_new(checks, check);
    }
    json_t *body = json_object();
    api_put_text(body, "name", machine->name);
    api_put_word(body, "verdict", verdict_names[diagnosis.verdict]);
    api_put_text(body, "text", diagnosis.text);
    json_object_set_new(body, "checks", checks);
    api_answer(call, 200, body);
}

/* What would change, by a decision on a copy. An owner is shown his machines' part, and nothing of
 * the host. */
void api_get_plan(struct api_call *call)
{
    struct fleet *fleet = call->api->fleet;
    struct policy_plan plan;
    size_t count;
    size_t planned;
    memset(&plan, 0, sizeof(plan));
    struct policy_machine *copies =
        fleet_dry_run(fleet, fleet_host(fleet), call->now_ms, &plan, &planned);
    struct fleet_machine *const *machines = fleet_machines(fleet, &count);
    if (copies == NULL && count > 0) {
        api_error(call, 500, "internal", "The daemon is out of memory.");
        return;
    }
    json_t *moves = json_array();
    for (size_t i = 0; copies != NULL && i < planned && i < count; i++) {
        if (!api_sees_machine(&call->identity, machines[i])) {
            continue;
        }
        json_t *move = json_object();
        api_put_text(move, "name", machines[i]->name);
        api_put_number(move, "size_bytes", machines[i]->facts.actual_bytes);
        api_put_number(move, "target_bytes", api_target(machines[i]));
        api_put_number(move, "new_target_bytes", copies[i].decision.target_bytes);
        put_why(call, move, &copies[i], &plan, "text");
        json_array_append_new(moves, move);
    }
    bool is_operator = call->identity.role == API_OPERATOR;
    json_t *body = json_object();
    json_object_set_new(body, "now", is_operator ? api_view_host(call->api, &plan) : json_null());
    json_object_set_new(body, "moves", moves);
    free(copies);
    api_answer(call, 200, body);
}
