/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
/*
 * What the programs inside one simulated machine want, second by second: anonymous memory (must be
 * there or the program waits), a hot part of the page cache (must be there or it is read again and
 * again), and cold reads that fill whatever is free with cache nobody needs. The wants depend on
 * the seed only, never on what a policy does, so that all policies face the same day.
 *
 * Sizes are KiB in int64_t, times are whole seconds, as everywhere in the simulator.
 */

#include "tools/ballast/sim/sim.h"
#include "tools/ballast/sim/sim_rng.h"
#include "tools/ballast/sim/sim_trace.h"
#include "tools/ballast/sim/sim_units.h"

struct sim_load {
    struct sim_rng rng;
    enum sim_family shape; /* never SIM_MIXED: each machine has one shape */
    int64_t max;           /* RAM of the machine */
    int64_t ceiling;       /* the wants together stay below this */
    int64_t anon;          /* wanted now, */
    int64_t anon_goal;     /* where it goes, */
    int64_t anon_rate;     /* and how fast, in KiB a second */
    int64_t hot;
    int64_t hot_goal;
    int64_t hot_rate;
    int64_t cold_rate;
    int64_t until;    /* the goals are valid before this second */
    int32_t stage;    /* where in its programme it is; the meaning is the shape's */
    int32_t phase;    /* moves its day against that of others, in seconds */
    int32_t scale;    /* how much of its RAM it uses at the top, in percent */
    uint32_t reboots; /* how often it has started anew so far */
    const struct sim_trace_machine *trace; /* for SIM_TRACE */
    size_t row;
};

/* `kernel` is what its kernel takes of `max` before any program runs. A mixed family gives each
 * machine a shape by chance. `trace` is for SIM_TRACE only. */
void sim_load_init(struct sim_load *load, enum sim_family family, struct sim_rng rng, int64_t max,
                   int64_t kernel, const struct sim_trace_machine *trace);

/* New goals; called by sim_load_step() when the old ones have run out. */
void sim_load_next(struct sim_load *load, int64_t now);

static inline int64_t sim_load_towards(int64_t value, int64_t goal, int64_t rate)
{
    if (value < goal) {
        return goal - value < rate ? goal : value + rate;
    }
    return value - goal < rate ? goal : value - rate;
}

/* One second. */
static inline void sim_load_step(struct sim_load *load, int64_t now)
{
    if (now >= load->until) {
        sim_load_next(load, now);
    }
    load->anon = sim_load_towards(load->anon, load->anon_goal, load->anon_rate);
    load->hot = sim_load_towards(load->hot, load->hot_goal, load->hot_rate);
}
