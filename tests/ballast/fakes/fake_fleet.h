/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A fleet that only writes down what a backend tells it. One test program includes this, once: the
 * functions take the place of the real fleet's in it.
 */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/ballast/fleet/fleet.h"

#define FAKE_FLEET_MAX 24U

struct fleet {
    struct fleet_machine machines[FAKE_FLEET_MAX]; /* in use where there is a name */
    unsigned told;                                 /* calls of fleet_told() */
    unsigned gone;
    char why[128];            /* of the last one that is gone */
    const char *refused_name; /* fleet_found() refuses it; NULL none */
    unsigned done;            /* calls of fleet_target_done() */
    uint64_t done_bytes;
    char done_error[128]; /* "" accepted */
};

struct fleet_machine *fleet_find(const struct fleet *fleet, const char *name)
{
    for (size_t i = 0; i < FAKE_FLEET_MAX; i++) {
        if (strcmp(fleet->machines[i].name, name) == 0) {
            return (struct fleet_machine *)(uintptr_t)&fleet->machines[i];
        }
    }
    return NULL;
}

struct fleet_machine *fleet_found(struct fleet *fleet, const char *name,
                                  const struct fleet_backend *backend, void *handle,
                                  const char *where, int64_t now_ms)
{
    struct fleet_machine *machine = fleet_find(fleet, "");

    if (machine == NULL || fleet_find(fleet, name) != NULL ||
        (fleet->refused_name != NULL && strcmp(fleet->refused_name, name) == 0)) {
        return NULL;
    }
    *machine = (struct fleet_machine){ .backend = backend, .handle = handle, .found_ms = now_ms };
    snprintf(machine->name, sizeof(machine->name), "%s", name);
    snprintf(machine->where, sizeof(machine->where), "%s", where);
    facts_clear(&machine->facts);
    return machine;
}

void fleet_gone(struct fleet *fleet, struct fleet_machine *machine, const char *why, int64_t now_ms)
{
    (void)now_ms;
    fleet->gone++;
    snprintf(fleet->why, sizeof(fleet->why), "%s", why);
    memset(machine, 0, sizeof(*machine));
}

void fleet_told(struct fleet *fleet, struct fleet_machine *machine, const struct facts *facts,
                int64_t now_ms)
{
    fleet->told++;
    machine->facts = *facts;
    machine->seen_ms = now_ms;
}

void fleet_target_done(struct fleet *fleet, struct fleet_machine *machine, uint64_t bytes,
                       const char *error, int64_t now_ms)
{
    (void)now_ms;
    fleet->done++;
    fleet->done_bytes = bytes;
    snprintf(fleet->done_error, sizeof(fleet->done_error), "%s", error == NULL ? "" : error);
    machine->commanded_bytes = error == NULL ? bytes : machine->commanded_bytes;
}
