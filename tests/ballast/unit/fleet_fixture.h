/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A fleet on a host of 16 GiB with a fake backend, and machines of 4 GiB that feel well. The
 * policy is the real one; tests of what happens around a decision put a script in its place.
 */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "tests/ballast/fakes/fake_backend.h"
#include "tools/ballast/fleet/fleet_internal.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

struct rig {
    struct config config;
    struct fake_owner owner;
    struct fleet *fleet;
    struct policy_host host;
    struct fake_machine fakes[8];
    int64_t now;
};

static inline void rig_configure(struct rig *rig, const char *text)
{
    config_free(&rig->config);
    assert_true(config_parse(text, "rig", &rig->config, NULL, NULL));
}

static inline void rig_begin(struct rig *rig, const char *text)
{
    memset(rig, 0, sizeof *rig);
    rig_configure(rig, text);
    const struct fleet_ops ops = fake_owner_ops(&rig->owner);
    rig->fleet = fleet_new(&rig->config, &ops);
    rig->host.total_bytes = 16 * GIB;
    rig->host.available_bytes = 15 * GIB;
    rig->now = 1000;
}

static inline void rig_end(struct rig *rig)
{
    fleet_free(rig->fleet);
    config_free(&rig->config);
}

static inline struct facts rig_facts(const struct rig *rig)
{
    struct facts facts;
    facts_clear(&facts);
    facts.pid = 100;
    facts.ram_bytes = 4 * GIB;
    facts.device = true;
    facts.driver = POLICY_DRIVER_OK;
    facts.offered_known = true;
    facts.offered = FACTS_DEFLATE_ON_OOM | FACTS_REPORTING;
    facts.actual_bytes = 4 * GIB;
    facts.resident_bytes = 1 * GIB;
    facts.overhead_bytes = 0;
    facts.stats_ms = rig->now;
    facts.stats_actual_bytes = 4 * GIB;
    facts.total_bytes = 4 * GIB - 100 * MIB;
    facts.free_bytes = 2 * GIB;
    facts.available_bytes = 2 * GIB;
    facts.caches_bytes = 300 * MIB;
    return facts;
}

static inline struct fleet_machine *rig_find(struct rig *rig, const char *name, size_t fake,
                                             const struct fleet_backend *backend)
{
    struct fleet_machine *machine =
        fleet_found(rig->fleet, name, backend, &rig->fakes[fake], "here", rig->now);
    assert_non_null(machine);
    return machine;
}

/* A machine that was found and has told. */
static inline struct fleet_machine *rig_add(struct rig *rig, const char *name, size_t fake)
{
    struct fleet_machine *machine = rig_find(rig, name, fake, &fake_backend);
    const struct facts facts = rig_facts(rig);
    fleet_told(rig->fleet, machine, &facts, rig->now);
    return machine;
}

static inline void rig_tick(struct rig *rig)
{
    rig->now += 2000;
    fleet_tick(rig->fleet, &rig->host, rig->now);
}

/* Every machine takes the target that it was sent. */
static inline void rig_answer(struct rig *rig)
{
    size_t count;
    struct fleet_machine *const *machines = fleet_machines(rig->fleet, &count);
    for (size_t i = 0; i < count; i++) {
        const struct fleet_entry *entry = fleet_entry_of(machines[i]);
        if (entry->in_flight) {
            fleet_target_done(rig->fleet, machines[i], entry->flight_bytes, NULL, rig->now);
        }
    }
}

/* Changes one thing by command, whatever the revision is. */
static inline struct fleet_result rig_switch(struct rig *rig, const char *name, bool on)
{
    const struct fleet_change change = { .given = CONFIG_GIVEN_BALLOONING,
                                         .settings.ballooning = on };
    return fleet_change(rig->fleet, name, &change, FLEET_ANY_REVISION, rig->now);
}

static inline struct fleet_result rig_minimum(struct rig *rig, const char *name, uint64_t bytes)
{
    const struct fleet_change change = { .given = CONFIG_GIVEN_MIN, .settings.min_bytes = bytes };
    return fleet_change(rig->fleet, name, &change, FLEET_ANY_REVISION, rig->now);
}
