/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A fleet that only writes down what a backend tells it. It defines the functions of fleet.h that
 * backends call, so a test that includes this has no other fleet; to be included by one file of a
 * program. Times are not looked at.
 */

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "tools/ballast/fleet/fleet.h"

#define RECORDED_MAX 16U

struct recorded {
    struct fleet_machine machine;
    bool there;
    unsigned found;
    unsigned gone;
    unsigned told;
    unsigned done;
    uint64_t done_bytes;
    char done_error[128]; /* "" for accepted */
    char why[128];        /* it is gone */
};

static struct recorded recorded_machines[RECORDED_MAX];
static const char *recorded_refusal; /* a name that is not taken */

static inline void recorded_reset(void)
{
    memset(recorded_machines, 0, sizeof recorded_machines);
    recorded_refusal = NULL;
}

/* Never NULL: a place is made for a name that was not there yet. */
static inline struct recorded *recorded_get(const char *name)
{
    for (size_t i = 0; i < RECORDED_MAX; i++) {
        struct recorded *recorded = &recorded_machines[i];
        if (recorded->machine.name[0] == '\0') {
            snprintf(recorded->machine.name, sizeof recorded->machine.name, "%s", name);
        }
        if (strcmp(recorded->machine.name, name) == 0) {
            return recorded;
        }
    }
    assert(false);
    return NULL;
}

static inline struct recorded *recorded_of(struct fleet_machine *machine)
{
    struct recorded *recorded = recorded_get(machine->name);
    assert(recorded->there);
    return recorded;
}

struct fleet_machine *fleet_found(struct fleet *fleet, const char *name,
                                  const struct fleet_backend *backend, void *handle,
                                  const char *where, int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    struct recorded *recorded = recorded_get(name);
    if (recorded->there || (recorded_refusal != NULL && strcmp(name, recorded_refusal) == 0)) {
        return NULL;
    }
    recorded->there = true;
    recorded->found++;
    recorded->machine.backend = backend;
    recorded->machine.handle = handle;
    snprintf(recorded->machine.where, sizeof recorded->machine.where, "%s", where);
    return &recorded->machine;
}

void fleet_gone(struct fleet *fleet, struct fleet_machine *machine, const char *why, int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    struct recorded *recorded = recorded_of(machine);
    recorded->there = false;
    recorded->gone++;
    snprintf(recorded->why, sizeof recorded->why, "%s", why);
}

void fleet_told(struct fleet *fleet, struct fleet_machine *machine, const struct facts *facts,
                int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    struct recorded *recorded = recorded_of(machine);
    recorded->told++;
    machine->facts = *facts;
}

void fleet_target_done(struct fleet *fleet, struct fleet_machine *machine, uint64_t bytes,
                       const char *error, int64_t now_ms)
{
    (void)fleet;
    (void)now_ms;
    struct recorded *recorded = recorded_of(machine);
    recorded->done++;
    recorded->done_bytes = bytes;
    snprintf(recorded->done_error, sizeof recorded->done_error, "%s", error == NULL ? "" : error);
}
