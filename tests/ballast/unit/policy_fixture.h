/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * A host with guests that do what they are told: each follows its target at a speed, uses what a
 * test says, and tells the truth about it. A test may spoil the samples before each decision.
 * Memory is conserved: what the host has available is its RAM less its own use and what the guests
 * hold.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "tools/ballast/policy/policy.h"

#define MIB        ((uint64_t)1 << 20)
#define GIB        ((uint64_t)1 << 30)
#define WORLD_MAX  32U
#define PERIOD_MS  1000
#define WORLD_FROM 1000000

struct guest {
    uint64_t size;
    uint64_t used;
    uint64_t give_per_s; /* how fast its balloon is filled; it is emptied at once */
    bool cold;           /* it holds only what it uses, not caches too */
    bool stuck;          /* it does not move */
    uint64_t oom;        /* periods in which it used more than it had, */
    uint64_t shortfall;  /* and by how much: MiB x periods */
};

struct world {
    struct policy_settings settings;
    struct policy_host host;
    struct policy_host_memory memory;
    struct policy_machine machines[WORLD_MAX];
    struct guest guests[WORLD_MAX];
    size_t count;
    uint64_t own;
    int64_t now_ms;
    struct policy_plan plan;
    void (*spoil)(struct world *world);
    unsigned commands; /* of other targets than before */
    unsigned repeats;  /* of the same ones */
};

static inline void world_init(struct world *world, uint64_t total, uint64_t own)
{
    memset(world, 0, sizeof *world);
    policy_settings_default(&world->settings);
    world->host.total_bytes = total;
    world->own = own;
    world->now_ms = WORLD_FROM;
}

static inline struct policy_machine *world_add(struct world *world, enum policy_class class,
                                               uint64_t min, uint64_t max, uint64_t used)
{
    struct policy_machine *machine = &world->machines[world->count];
    machine->id = (uint32_t)world->count + 1;
    machine->class = class;
    machine->enabled = true;
    machine->weight = POLICY_WEIGHT_DEFAULT;
    machine->min_bytes = min;
    machine->max_bytes = max;
    world->guests[world->count] =
        (struct guest){ .size = max, .used = used, .give_per_s = 256 * MIB };
    world->count++;
    return machine;
}

/* A machine that an earlier command made smaller. */
static inline struct policy_machine *world_add_sized(struct world *world, enum policy_class class,
                                                     uint64_t min, uint64_t max, uint64_t used,
                                                     uint64_t size)
{
    struct policy_machine *machine = world_add(world, class, min, max, used);
    world->guests[world->count - 1].size = size;
    machine->sample.commanded_bytes = size;
    return machine;
}

static inline void guest_move(struct guest *guest, uint64_t target)
{
    if (guest->stuck || target == 0) {
        return;
    }
    if (target >= guest->size) {
        guest->size = target;
    } else {
        const uint64_t way = guest->size - target;
        guest->size -= way < guest->give_per_s ? way : guest->give_per_s;
    }
}

static inline void world_observe(struct world *world)
{
    uint64_t held = 0;
    for (size_t i = 0; i < world->count; i++) {
        struct guest *guest = &world->guests[i];
        struct policy_sample *sample = &world->machines[i].sample;
        if (!sample->paused) {
            guest_move(guest, sample->commanded_bytes);
        }
        const uint64_t lack = guest->used > guest->size ? guest->used - guest->size : 0;
        guest->oom += lack != 0;
        guest->shortfall += lack / MIB;
        const uint64_t in_use = lack != 0 ? guest->size : guest->used;
        sample->actual_bytes = guest->size;
        sample->resident_bytes = guest->cold ? in_use : guest->size;
        sample->overhead_bytes = 0;
        sample->stats_ms = world->now_ms;
        sample->stats_actual_bytes = guest->size;
        sample->total_bytes = guest->size;
        sample->available_bytes = guest->size - in_use;
        sample->driver = POLICY_DRIVER_OK;
        held += sample->resident_bytes;
    }
    held += world->own;
    world->host.available_bytes =
        held < world->host.total_bytes ? world->host.total_bytes - held : 0;
}

static inline void world_decide(struct world *world)
{
    policy_decide(&world->settings, &world->host, &world->memory, world->machines, world->count,
                  world->now_ms, &world->plan);
}

static inline void world_obey(struct world *world)
{
    for (size_t i = 0; i < world->count; i++) {
        struct policy_machine *machine = &world->machines[i];
        if (machine->decision.set_target) {
            machine->sample.commanded_bytes = machine->decision.target_bytes;
            machine->sample.commands_taken++;
            world->commands += !machine->decision.repeat;
            world->repeats += machine->decision.repeat;
        }
    }
}

/* One period: time passes, guests move and tell, the policy decides, commands are sent. */
static inline void world_step(struct world *world)
{
    world->now_ms += PERIOD_MS;
    world_observe(world);
    if (world->spoil != NULL) {
        world->spoil(world);
    }
    world_decide(world);
    world_obey(world);
}

static inline void world_run(struct world *world, unsigned periods)
{
    for (unsigned i = 0; i < periods; i++) {
        world_step(world);
    }
}

static inline uint64_t world_target(const struct world *world, size_t index)
{
    return world->machines[index].decision.target_bytes;
}

/* A generator whose numbers are the same everywhere (splitmix64). */
static inline uint64_t random_next(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static inline uint64_t random_below(uint64_t *seed, uint64_t limit)
{
    return random_next(seed) % limit;
}
