/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other ends of a simulated machine: how its settings are drawn before the first second, and
 * what a manager sees of it.
 *
 * The balloon gives 400 MiB/s back and takes 260 MiB/s, observed with a Linux guest on QEMU 7.2
 * with TCG; machines differ.
 */

#include "tools/ballast/policy/policy.h"
#include "tools/ballast/sim/sim_guest.h"

#define INFLATE_RATE (260 * SIM_MIB)
#define DEFLATE_RATE (400 * SIM_MIB)

static void init_class(struct sim_guest *guest, struct sim_rng *rng)
{
    static const uint32_t weights[] = { 500, 1000, 1000, 1000, 2000, 4000 };
    int64_t draw = sim_rng_range(rng, 0, 99);
    guest->class = draw < 10 ? POLICY_GUARANTEED : draw < 28 ? POLICY_SPARE : POLICY_BURST;
    guest->weight = weights[sim_rng_range(rng, 0, 5)];
    guest->min = guest->max * sim_rng_range(rng, 25, 45) / 100;
}

static void init_faults(struct sim_guest *guest, struct sim_rng *rng)
{
    guest->fault_rng = *rng;
    guest->faulty = (enum sim_fault)sim_rng_range(rng, 0, SIM_FAULT_COUNT - 1);
    if (guest->faulty != SIM_FAULT_NONE) {
        guest->fault_until = sim_rng_range(&guest->fault_rng, 1800, 7200);
    }
    guest->deflate_on_oom = sim_rng_range(rng, 0, 1);
    guest->locked = sim_rng_range(rng, 0, 19) == 0;
}

void sim_guest_init(struct sim_guest *guest, enum sim_family family, struct sim_rng rng,
                    const struct sim_trace_machine *trace)
{
    static const uint8_t gibs[] = { 1, 2, 2, 4, 4, 4, 8, 8, 16 };
    *guest = (struct sim_guest){ .fault_until = INT64_MAX, .driver_time = SIM_GUEST_DRIVER_S };
    guest->max = gibs[sim_rng_range(&rng, 0, sizeof gibs - 1)] * SIM_GIB;
    guest->reporting = sim_rng_range(&rng, 0, 1);
    init_class(guest, &rng);
    if (trace) {
        guest->max = trace->max;
        guest->min = trace->min;
        guest->class = trace->class;
        guest->weight = trace->weight;
    }
    guest->overhead = 40 * SIM_MIB + guest->max / 128;
    guest->hidden = sim_min(guest->max / 8, 20 * SIM_MIB + guest->max / 64);
    guest->kernel = guest->hidden + sim_min(guest->max / 8, 60 * SIM_MIB + guest->max / 64);
    guest->watermark = guest->max / 128;
    guest->inflate_rate = INFLATE_RATE * sim_rng_range(&rng, 50, 110) / 100;
    guest->deflate_rate = DEFLATE_RATE * sim_rng_range(&rng, 50, 110) / 100;
    guest->swap_size = guest->max / 8;
    guest->stats_period = 2;
    guest->stats_phase = sim_rng_range(&rng, 0, 1);
    guest->size = guest->max;
    guest->shown_size = guest->max;
    guest->target = guest->max;
    if (family == SIM_FAULTS) {
        init_faults(guest, &rng);
    }
    sim_load_init(&guest->load, family, rng, guest->max, guest->kernel, trace);
}

/* ---- the view ---- */

void sim_guest_view(const struct sim_guest *guest, uint32_t id, int64_t now, struct sim_view *view)
{
    bool pinned = guest->class == POLICY_GUARANTEED;
    *view = (struct sim_view){
        .id = id,
        .class = guest->class,
        .weight = guest->weight,
        .min = pinned ? guest->max : guest->min,
        .max = guest->max,
        .size = guest->shown_size,
        .resident = guest->resident,
        .overhead = guest->overhead,
        .driver = now < guest->driver_time ? SIM_DRIVER_NONE : SIM_DRIVER_OK,
        .locked = guest->locked,
        .reporting = guest->reporting,
        .deflate_on_oom = guest->deflate_on_oom,
        .resets = guest->resets,
        .stats_time = guest->stats_time,
        .stats_size = guest->stats_size,
        .stats_total = guest->stats_total,
        .stats_free = guest->stats_free,
        .stats_available = guest->stats_available,
        .stats_cache = guest->stats_cache,
        .stats_swap = guest->stats_swap,
        .swap_in = guest->told_swap_in,
        .swap_out = guest->told_swap_out,
        .major_faults = guest->told_faults,
        .alloc_stalls = guest->told_stalls,
        .oom_kills = guest->told_kills,
        .target = guest->target,
    };
}
