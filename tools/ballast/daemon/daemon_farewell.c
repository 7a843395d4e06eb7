/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * on-exit = restore: before the daemon ends every machine that it made smaller is asked to take its
 * maximum back. It is waited until they have, or for FAREWELL_MS: a machine that does not answer
 * must not keep the service manager waiting. What the host is short of then is the operator's
 * choice, made in the configuration.
 *
 * A target that was sent a moment ago and is not answered yet counts too: the machine will take it,
 * and nobody would be there to give the memory back.
 *
 * These targets go past the fleet, whose period is over, so the store is told here: the next daemon
 * must not take what this one did for somebody else's work.
 */

#include "tools/ballast/daemon/daemon_internal.h"

#define FAREWELL_MS       3000
#define FAREWELL_CHECK_MS 50
/* So long a monitor has in any case: sizes that are known may be from before. */
#define FAREWELL_LEAST_MS 200

static uint64_t maximum_of(const struct fleet_machine *machine)
{
    return fleet_settings_max(&machine->settings, machine->facts.ram_bytes);
}

/* It has a balloon that we moved. */
static bool is_ours(const struct fleet_machine *machine)
{
    return machine->backend->set_target != NULL && machine->settings.managed &&
           (machine->commanded_bytes != 0 || machine->commands != 0) &&
           machine->facts.state != FACTS_STOPPED &&
           machine->policy.memory.drift != POLICY_DRIFT_FOREIGN;
}

static bool is_missing(const struct fleet_machine *machine)
{
    return is_ours(machine) && machine->facts.actual_bytes < maximum_of(machine);
}

static bool is_to_restore(const struct fleet_machine *machine)
{
    return is_missing(machine) || (is_ours(machine) && machine->commands != 0 &&
                                   machine->policy.decision.target_bytes < maximum_of(machine));
}

static size_t count_missing(const struct daemon *daemon)
{
    size_t count = 0;
    size_t missing = 0;
    struct fleet_machine *const *machines = fleet_machines(daemon->fleet, &count);

    for (size_t i = 0; i < count; i++) {
        missing += is_missing(machines[i]);
    }
    return missing;
}

static void restore(struct daemon *daemon, struct fleet_machine *machine)
{
    uint64_t bytes = maximum_of(machine);

    if (!machine->backend->set_target(machine->handle, bytes)) {
        log_line(daemon->log, CONFIG_LOG_WARNING, machine->name, "exit",
                 "it could not be given its maximum");
    } else if (!store_save_target(daemon->store, machine->name, bytes)) {
        log_line(daemon->log, CONFIG_LOG_ERROR, machine->name, "store",
                 "a target cannot be kept: %s", store_error(daemon->store));
    }
}

static void on_check(uv_timer_t *timer)
{
    struct daemon *daemon = timer->data;
    size_t missing = count_missing(daemon);
    int64_t waited_ms = daemon_now_ms(NULL) - daemon->farewell_ms;

    if (waited_ms < FAREWELL_LEAST_MS || (missing > 0 && waited_ms < FAREWELL_MS)) {
        return;
    }
    if (missing > 0) {
        log_line(daemon->log, CONFIG_LOG_WARNING, NULL, "exit",
                 "%zu machines have not taken their maximum back yet", missing);
    }
    uv_stop(&daemon->loop);
    daemon->ended = true;
}

bool daemon_farewell_start(struct daemon *daemon)
{
    size_t count = 0;
    struct fleet_machine *const *machines = fleet_machines(daemon->fleet, &count);
    bool any = false;

    for (size_t i = 0; i < count; i++) {
        if (is_to_restore(machines[i])) {
            restore(daemon, machines[i]);
            any = true;
        }
    }
    if (!any) {
        return false;
    }
    daemon->farewell_ms = daemon_now_ms(NULL);
    (void)uv_timer_start(&daemon->farewell, on_check, FAREWELL_CHECK_MS, FAREWELL_CHECK_MS);
    return true;
}
