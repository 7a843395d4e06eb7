/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why: what was decided about a machine, what would be decided next, and the doctor's verdict.
 * Where nothing was decided there is no reason and no number, only a sentence that says why not.
 */
#include "tools/ballast/api/api_internal.h"

#include <stdlib.h>
#include <string.h>

#include "tools/ballast/policy/policy_text.h"

static const char *const verdict_names[] = {
    [FLEET_GOOD] = "good",
    [FLEET_NOTE] = "note",
    [FLEET_BAD] = "bad",
    [FLEET_UNKNOWN] = "unknown",
};

static const char *hold_word(enum policy_hold hold)
{
    return hold == POLICY_HOLD_NONE ? NULL : policy_hold_name(hold);
}

/* Why nothing is decided about a machine. */
static void undecided_text(const struct fleet_machine *machine, char *text, size_t size)
{
    const struct facts *facts = &machine->facts;
    if (facts->trouble[0] != '\0') {
        snprintf(text, size, "nothing is decided about it: %s", facts->trouble);
    } else if (facts->state == FACTS_STOPPED) {
        snprintf(text, size, "nothing is decided about it: it is shut down, and holds no memory");
    } else if (facts->ram_bytes == POLICY_MISSING) {
        snprintf(text, size, "nothing is decided about it: nothing is known of it yet");
    } else {
        snprintf(text, size, "nothing has been decided about it yet");
    }
}

/* Reason and hold, as words and sentences: `reason_key` is how the sentence is called. `decided`
 * is the machine as it was, or would be, decided about. */
static void put_why(const struct api_call *call, json_t *view, const struct fleet_machine *machine,
                    const struct policy_machine *decided, const struct policy_plan *plan,
                    const char *reason_key)
{
    /* What is booked for a machine that nobody reaches is decided, but not what it does. */
    bool known = fleet_decided(decided) && machine->facts.state != FACTS_UNREACHABLE;
    char text[512];
    char hold[512] = "";
    if (known) {
        policy_explain(decided, plan, call->now_ms, text, sizeof(text));
        size_t used = strlen(text);
        if (call->identity.role == API_OPERATOR) {
            policy_explain_host(&decided->decision, plan, text + used, sizeof(text) - used);
        }
        policy_explain_hold(decided, call->now_ms, hold, sizeof(hold));
    } else {
        undecided_text(machine, text, sizeof(text));
    }
    api_put_word(view, "reason", known ? policy_reason_name(decided->decision.reason) : NULL);
    api_put_text(view, reason_key, text);
    api_put_word(view, "hold", known ? hold_word(decided->decision.hold) : NULL);
    api_put_text(view, "hold_text", hold);
}

json_t *api_view_decision(const struct api_call *call, const struct fleet_machine *machine)
{
    int64_t until_ms = machine->policy.decision.hold_until_ms;
    json_t *view = json_object();
    put_why(call, view, machine, &machine->policy, fleet_plan(call->api->fleet), "reason_text");
    json_object_set_new(view, "hold_ms",
                        until_ms > call->now_ms ? json_integer(until_ms - call->now_ms)
                                                : json_null());
    return view;
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
    put_why(call, body, machine, &machine->policy, fleet_plan(call->api->fleet), "text");
    bool entered = api_in_books(machine);
    json_t *numbers = json_object();
    api_put_number(numbers, "used_bytes", decision->used_bytes);
    api_put_number(numbers, "demand_bytes", fleet_demand(decision));
    api_put_number(numbers, "want_bytes", decision->want_bytes);
    api_put_number(numbers, "floor_bytes", decision->floor_bytes);
    api_put_number(numbers, "size_bytes", machine->facts.actual_bytes);
    api_put_number(numbers, "target_bytes", api_target(machine));
    api_put_number(numbers, "booked_bytes",
                   entered ? decision->books.booked_bytes : POLICY_MISSING);
    api_put_number(numbers, "promised_bytes",
                   entered ? decision->books.promised_bytes : POLICY_MISSING);
    api_put_number(numbers, "smallest_bytes",
                   entered ? decision->books.smallest_bytes : POLICY_MISSING);
    api_put_word(numbers, "smallest_rule",
                 entered ? books_rule_name(decision->books.smallest_rule) : NULL);
    api_put_number(numbers, "takeable_bytes",
                   entered ? decision->books.takeable_bytes : POLICY_MISSING);
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
        api_put_number(move, "new_target_bytes",
                       machines[i]->settings.managed ? copies[i].decision.target_bytes
                                                     : POLICY_MISSING);
        put_why(call, move, machines[i], &copies[i], &plan, "text");
        json_array_append_new(moves, move);
    }
    bool is_operator = call->identity.role == API_OPERATOR;
    json_t *body = json_object();
    json_object_set_new(body, "now", is_operator ? api_view_host(call, &plan) : json_null());
    json_object_set_new(body, "moves", moves);
    free(copies);
    api_answer(call, 200, body);
}
