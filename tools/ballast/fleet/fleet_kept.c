/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is kept by identity, by command: to forget it, and to hand it over to the next machine of
 * the name.
 */

#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet_internal.h"

static struct fleet_result fail(enum fleet_status status, const char *text)
{
    struct fleet_result result = { .status = status };
    snprintf(result.text, sizeof result.text, "%s", text);
    return result;
}

struct fleet_result fleet_forget(struct fleet *fleet, const char *name, int64_t now_ms)
{
    const char *present[CONFIG_MACHINES_MAX];
    size_t count = 0;
    size_t machines = 0;
    if (!config_name_valid(name) || fleet->ops.forget == NULL) {
        return fail(FLEET_NOT_FOUND, "Nothing is kept for a machine of this name.");
    }
    for (size_t i = 0; i < fleet->count; i++) {
        present[count++] = fleet->machines[i]->identity;
    }
    if (!fleet->ops.forget(fleet->ops.context, name, present, count, &machines)) {
        return fail(FLEET_NOT_KEPT, "The database failed: nothing was forgotten.");
    }
    if (machines == 0 && fleet_find(fleet, name) != NULL) {
        return fail(FLEET_UNSUPPORTED,
                    "The machine runs, and nothing is kept for an earlier one of this name: what "
                    "is kept is its own. Forget it when it has ended.");
    }
    if (machines == 0) {
        return fail(FLEET_NOT_FOUND, "Nothing is kept for a machine of this name.");
    }
    fleet_raise(fleet, FLEET_EVENT_SETTINGS, NULL, POLICY_MISSING, "forgotten", now_ms,
                "What was kept for %zu machine%s of the name %s is forgotten.", machines,
                machines == 1 ? "" : "s", name);
    return (struct fleet_result){ .status = FLEET_OK };
}

struct fleet_result fleet_expect(struct fleet *fleet, const char *name, uint32_t seconds,
                                 int64_t now_ms)
{
    struct fleet_machine *machine = fleet_find(fleet, name);
    const char *identity = machine == NULL ? "" : machine->identity;
    const char *base = machine == NULL ? name : fleet_entry_of(machine)->base;
    bool known = false;
    if (!config_name_valid(name) || fleet->ops.expect == NULL) {
        return fail(FLEET_NOT_FOUND, "No machine of this name is known.");
    }
    if (seconds > FLEET_EXPECT_MAX_S) {
        return fail(FLEET_INVALID, "A machine is expected for at most a day.");
    }
    if (machine != NULL && identity[0] == '\0') {
        return fail(FLEET_UNSUPPORTED,
                    "It is not known yet which machine this is: it has told nothing so far.");
    }
    if (machine != NULL && machine->copy) {
        return fail(FLEET_UNSUPPORTED, "Another machine that runs has the same UUID.");
    }
    if (!fleet->ops.expect(fleet->ops.context, base, identity, seconds, &known)) {
        return fail(FLEET_NOT_KEPT, "It could not be saved, and counts for nothing.");
    }
    if (!known) {
        return fail(FLEET_NOT_FOUND, seconds == 0 ? "No machine of this name is expected."
                                                  : "No machine of this name is known.");
    }
    fleet_raise(fleet, FLEET_EVENT_SETTINGS, NULL, POLICY_MISSING,
                seconds == 0 ? "not-expected" : "expects", now_ms, "%s is %s.", base,
                seconds == 0 ? "not expected any more"
                             : "expected to start anew: the next machine of this name takes over "
                               "what the present one has");
    return (struct fleet_result){ .status = FLEET_OK };
}
