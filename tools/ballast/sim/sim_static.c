/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * No manager: every machine keeps its RAM, and the host swaps when that is too much. And the list
 * of all policies.
 */

#include <string.h>

#include "tools/ballast/sim/sim_policy.h"

static void decide(const struct sim_call *call)
{
    for (size_t i = 0; i < call->count; i++) {
        call->machines[i].target = call->machines[i].max;
    }
}

const struct sim_policy sim_policy_static = {
    .name = "static",
    .title = "no manager",
    .period_s = 3600,
    .decide = decide,
};

const struct sim_policy *const sim_policies[] = {
    &sim_policy_ballast, &sim_policy_static,
    &sim_policy_proxmox, &sim_policy_proxmox_tuned,
    &sim_policy_mom,     &sim_policy_squeezed,
    &sim_policy_qmemman, &sim_policy_balance,
    &sim_policy_pi,      NULL,
};

const struct sim_policy *sim_policy_find(const char *name)
{
    for (size_t i = 0; sim_policies[i]; i++) {
        if (strcmp(sim_policies[i]->name, name) == 0) {
            return sim_policies[i];
        }
    }
    return NULL;
}
