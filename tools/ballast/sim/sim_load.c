/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The shapes of demand. Each is a small programme that sets goals and how fast they are reached,
 * and says until when they hold; what happens between is linear, so most seconds cost a few
 * additions. Invariants: anon_goal + hot_goal stay at or below the ceiling; every goal holds for at
 * least one second; nothing here depends on what the machine got.
 */

#include "tools/ballast/sim/sim_load.h"

#define DAY_S 86400

/* Percent of the way from the bottom to the top of a day, by the hour. */
static const uint8_t days[3][24] = {
    /* offices */
    { 5, 3, 2, 2, 3, 6, 15, 35, 65, 88, 98, 100, 90, 92, 100, 97, 88, 70, 48, 32, 22, 16, 11, 8 },
    /* evenings at home */
    { 45, 28, 14, 8, 5, 4, 6, 10, 14, 18, 22, 26, 30, 32, 34, 38, 46, 58, 74, 90, 100, 98, 85, 66 },
    /* nightly work */
    { 88, 96, 100, 98, 90, 70, 40, 18, 8, 5, 4, 4, 5, 4, 4, 5, 6, 8, 10, 14, 22, 38, 58, 76 },
};

static int64_t chance(struct sim_load *load, int64_t low, int64_t high)
{
    return sim_rng_range(&load->rng, low, high);
}

static int64_t percent(const struct sim_load *load, int64_t part)
{
    return load->ceiling * part / 100;
}

/* Sets the goals in percent of the ceiling; the hot cache yields when both are too much. */
static void want(struct sim_load *load, int64_t anon, int64_t hot)
{
    anon = sim_clamp(anon, 1, 100);
    load->anon_goal = percent(load, anon);
    load->hot_goal = percent(load, sim_clamp(hot, 0, 100 - anon));
}

static void next_daily(struct sim_load *load, int64_t now)
{
    const uint8_t *day = days[load->stage];
    int64_t second = (now + load->phase) % DAY_S;
    int64_t hour = second / 3600;
    int64_t within = second % 3600;
    int64_t level = (day[hour] * (3600 - within) + day[(hour + 1) % 24] * within) / 3600;
    int64_t top = 12 + (load->scale - 12) * level / 100 + chance(load, -3, 3);
    want(load, top * 75 / 100, top / 4);
    load->anon_rate = load->ceiling / 200;
    load->hot_rate = load->ceiling / 400;
    load->until = now + 300;
}

static void next_spikes(struct sim_load *load, int64_t now)
{
    load->stage = !load->stage;
    if (load->stage) { /* quiet */
        want(load, chance(load, 10, 22), 8);
        load->anon_rate = load->max; /* freeing is fast */
        load->until = now + chance(load, 300, 4500);
    } else {
        want(load, chance(load, load->scale * 6 / 10, load->scale), 5);
        load->anon_rate = chance(load, 60, 300) * SIM_MIB;
        load->until = now + chance(load, 60, 600);
    }
}

/* A working set of table pages in the cache; every half hour other tables are hot; a scan at night
 * reads everything once. */
static void next_database(struct sim_load *load, int64_t now)
{
    int64_t hour = (now + load->phase) % DAY_S / 3600;
    bool busy = hour >= 8 && hour < 18;
    want(load, load->scale * (busy ? 45 : 32) / 100 + chance(load, -2, 2),
         load->scale * (busy ? 50 : 38) / 100 + chance(load, -6, 6));
    load->cold_rate = hour == 2 ? 100 * SIM_MIB : SIM_MIB;
    load->anon_rate = load->ceiling / 300;
    load->hot_rate = 40 * SIM_MIB;
    load->until = now + 1800;
}

static void next_batch(struct sim_load *load, int64_t now)
{
    load->stage = !load->stage;
    if (load->stage) {
        want(load, 8, 4);
        load->anon_rate = load->max;
        load->until = now + chance(load, 1800, 10800);
    } else {
        want(load, chance(load, load->scale * 8 / 10, load->scale), 4);
        load->anon_rate = chance(load, 20, 80) * SIM_MIB;
        load->until = now + chance(load, 1200, 4800);
    }
}

/* Grows for hours, and is started anew before it fills the machine. */
static void next_leak(struct sim_load *load, int64_t now)
{
    load->stage = !load->stage;
    if (load->stage) {
        want(load, 12, 8);
        load->anon_rate = load->max;
        load->until = now + 120;
    } else {
        int64_t duration = chance(load, 4 * 3600, 14 * 3600);
        want(load, load->scale, 8);
        load->anon_rate = sim_max(1, load->anon_goal / duration);
        load->until = now + duration;
    }
}

/* Starts with all others, needs most while it starts, and starts anew with many others at the
 * eighth and the sixteenth hour of a day. */
static void next_boot(struct sim_load *load, int64_t now)
{
    int64_t storm = (now / (8 * 3600) + 1) * (8 * 3600);
    if (load->stage == 0) { /* starting */
        want(load, load->scale, 10);
        load->anon_rate = 120 * SIM_MIB;
        load->until = now + chance(load, 60, 180);
    } else if (load->stage == 1 || chance(load, 0, 3)) { /* at work */
        want(load, chance(load, 14, 26), 15);
        load->anon_rate = load->max / 16;
        load->until = now + chance(load, 600, 1800);
    } else {
        want(load, chance(load, 30, 55), 12);
        load->anon_rate = 80 * SIM_MIB;
        load->until = now + chance(load, 60, 300);
    }
    load->stage = load->stage == 0 ? 1 : 2;
    if (load->until >= storm) {
        load->until = storm + chance(load, 1, 240);
        load->stage = 0;
    }
}

static void next_trace(struct sim_load *load, int64_t now)
{
    const struct sim_trace_machine *trace = load->trace;
    while (load->row + 1 < trace->count && trace->points[load->row + 1].time_s <= now) {
        load->row++;
    }
    const struct sim_trace_point *point = &trace->points[load->row];
    int64_t kernel = load->max - load->ceiling;
    load->anon_goal = sim_clamp(point->used - kernel, 0, load->ceiling);
    load->hot_goal = sim_clamp(point->cache, 0, load->ceiling - load->anon_goal);
    load->anon_rate = load->max;
    load->hot_rate = load->max;
    load->until = load->row + 1 < trace->count ? trace->points[load->row + 1].time_s : INT64_MAX;
}

void sim_load_next(struct sim_load *load, int64_t now)
{
    switch (load->shape) {
    case SIM_DAILY:
        next_daily(load, now);
        break;
    case SIM_SPIKES:
        next_spikes(load, now);
        break;
    case SIM_DATABASE:
        next_database(load, now);
        break;
    case SIM_BATCH:
        next_batch(load, now);
        break;
    case SIM_LEAK:
        next_leak(load, now);
        break;
    case SIM_BOOT:
        /* A start of the programme in stage 0 is a start of the machine, but for the first. */
        load->reboots += load->stage == 0 && now > 600;
        next_boot(load, now);
        break;
    case SIM_TRACE:
        next_trace(load, now);
        break;
    case SIM_FAULTS:
    case SIM_MIXED:
    case SIM_FAMILY_COUNT:
    default:
        load->until = INT64_MAX;
        break;
    }
}

/* The shape of one machine of a family. */
static enum sim_family choose_shape(enum sim_family family, struct sim_rng *rng)
{
    if (family == SIM_MIXED) {
        return (enum sim_family)sim_rng_range(rng, SIM_DAILY, SIM_LEAK);
    }
    if (family == SIM_FAULTS) {
        return sim_rng_range(rng, 0, 1) ? SIM_DAILY : SIM_SPIKES;
    }
    return family;
}

void sim_load_init(struct sim_load *load, enum sim_family family, struct sim_rng rng, int64_t max,
                   int64_t kernel, const struct sim_trace_machine *trace)
{
    *load = (struct sim_load){ .rng = rng, .max = max, .trace = trace };
    load->shape = choose_shape(family, &load->rng);
    load->ceiling = max - kernel;
    load->scale = (int32_t)chance(load, 55, 92);
    load->phase = (int32_t)chance(load, 0, 5400);
    load->hot_rate = 20 * SIM_MIB;
    load->cold_rate = chance(load, 64, 4096); /* logs, updates, backups */
    switch (load->shape) {
    case SIM_DAILY: /* two of four work by day, one in the evening, one at night */
        load->stage = (int32_t)sim_max(0, chance(load, -1, 2));
        break;
    case SIM_SPIKES:
    case SIM_BATCH:
    case SIM_LEAK: /* they do not all begin at once */
        want(load, 10, 6);
        load->anon_rate = load->max / 64;
        load->until = chance(load, 60, 7200);
        load->stage = 1;
        break;
    case SIM_BOOT:
        load->scale = (int32_t)chance(load, 40, 70);
        load->until = chance(load, 1, 60);
        break;
    case SIM_DATABASE:
    case SIM_FAULTS:
    case SIM_MIXED:
    case SIM_TRACE:
    case SIM_FAMILY_COUNT:
    default:
        break;
    }
}
