/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hands each period to everybody who records. What does not follow from the period before (a
 * reload, an adoption) is found by the recorder, which has the first line sent again.
 */

#include <stdlib.h>

#include "tools/ballast/daemon/daemon_internal.h"
#include "tools/ballast/record/recorder.h"

static bool somebody_records(const struct daemon *daemon)
{
    for (size_t i = 0; i < daemon->server_count; i++) {
        if (api_server_recording(daemon->servers[i])) {
            return true;
        }
    }
    return false;
}

/* The machines that the policy remembers, as recordings want them; with `now_ms` only those that
 * it decided on then, for a machine that is stopped has no part in a period. NULL without memory.
 */
static struct record_machine *list_machines(const struct daemon *daemon, int64_t now_ms,
                                            size_t *count)
{
    size_t all = 0;
    struct fleet_machine *const *machines = fleet_machines(daemon->fleet, &all);
    struct record_machine *list = calloc(all + 1, sizeof *list);

    *count = 0;
    for (size_t i = 0; list != NULL && i < all; i++) {
        const struct policy_memory *memory = &machines[i]->policy.memory;

        if (now_ms != 0 ? memory->now_ms == now_ms : memory->seen_ms != 0) {
            list[(*count)++] = (struct record_machine){ .name = machines[i]->name,
                                                        .machine = &machines[i]->policy };
        }
    }
    return list;
}

bool daemon_record_before(struct daemon *daemon)
{
    size_t count = 0;
    struct record_machine *list = NULL;
    bool good = false;

    if (!somebody_records(daemon)) {
        recorder_free(daemon->recorder);
        daemon->recorder = NULL;
        return false;
    }
    if (daemon->recorder == NULL) {
        daemon->recorder = recorder_new();
    }
    list = list_machines(daemon, 0, &count);
    good = daemon->recorder != NULL && list != NULL &&
           recorder_before(daemon->recorder, fleet_policy(daemon->fleet),
                           fleet_host_memory(daemon->fleet), list, count);
    free(list);
    return good;
}

void daemon_record_after(struct daemon *daemon, int64_t now_ms)
{
    size_t count = 0;
    struct record_machine *list = list_machines(daemon, now_ms, &count);
    struct recorder_lines lines;

    if (list != NULL && recorder_after(daemon->recorder, now_ms, fleet_host(daemon->fleet),
                                       fleet_plan(daemon->fleet), fleet_host_memory(daemon->fleet),
                                       list, count, &lines)) {
        for (size_t i = 0; i < daemon->server_count; i++) {
            api_server_period(daemon->servers[i], lines.first, lines.period, lines.again);
        }
        free(lines.first);
        free(lines.period);
    }
    free(list);
}
