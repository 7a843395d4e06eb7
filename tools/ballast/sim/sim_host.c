/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host: what its memory is used for, when it swaps, how it is scored, and one run. A machine
 * costs the host what is resident of it, not its size: that is how QEMU on Linux behaves, and why
 * sizes may add up to more than the host has for a while. Invariant: available + used = total, with
 * what is swapped not counted as used.
 */

#include "tools/ballast/sim/sim_host.h"

#include <assert.h>
#include <stdlib.h>

#include "tools/ballast/policy/policy.h"

#define HOUR_S         3600
#define HOST_SWAP_RATE (200 * SIM_MIB) /* how fast swapped pages come back */

/* The host's RAM, in percent of its machines' RAM. Chosen so that what the programs of a family
 * need fits nearly always, and only if memory moves. */
static int64_t family_percent(enum sim_family family)
{
    switch (family) {
    case SIM_DAILY:
        return 66;
    case SIM_SPIKES:
        return 58;
    case SIM_DATABASE:
        return 80;
    case SIM_BATCH:
        return 66;
    case SIM_LEAK:
        return 66;
    case SIM_BOOT:
        return 72;
    case SIM_FAULTS:
        return 78;
    case SIM_MIXED:
    case SIM_TRACE:
    case SIM_FAMILY_COUNT:
    default:
        return 66;
    }
}

/* ESXi's minFree: 6 % of the first 4 GiB, 4 % up to 12, 2 % up to 28, 1 % of the rest. */
static int64_t min_free(int64_t total)
{
    static const struct {
        int64_t upto;
        int64_t percent;
    } parts[] = { { 4 * SIM_GIB, 6 }, { 12 * SIM_GIB, 4 }, { 28 * SIM_GIB, 2 }, { INT64_MAX, 1 } };
    int64_t from = 0;
    int64_t sum = 0;
    for (size_t i = 0; i < sizeof parts / sizeof parts[0] && from < total; i++) {
        int64_t upto = sim_min(total, parts[i].upto);
        sum += (upto - from) * parts[i].percent / 100;
        from = upto;
    }
    return sum;
}

static int64_t guarantees(const struct sim_guest *guests, size_t count, int64_t *minimums)
{
    int64_t pinned = 0;
    *minimums = 0;
    for (size_t i = 0; i < count; i++) {
        if (guests[i].class == POLICY_GUARANTEED) {
            pinned += guests[i].max;
        } else {
            *minimums += guests[i].min;
        }
    }
    return pinned;
}

void sim_host_init(struct sim_host *host, enum sim_family family, struct sim_rng rng,
                   struct sim_guest *guests, size_t count)
{
    int64_t ram = 0;
    int64_t overhead = 0;
    for (size_t i = 0; i < count; i++) {
        ram += guests[i].max;
        overhead += guests[i].overhead;
    }
    int64_t minimums = 0;
    int64_t pinned = guarantees(guests, count, &minimums);
    /* Whoever admits machines sees to this: guarantees take nine tenths at most. */
    int64_t for_machines = sim_max(ram * family_percent(family) / 100, pinned * 10 / 9 + ram / 4);
    int64_t room = for_machines * 9 / 10 - pinned;
    for (size_t i = 0; i < count && minimums > room; i++) {
        if (guests[i].class != POLICY_GUARANTEED) {
            guests[i].min = (int64_t)((__int128)guests[i].min * room / minimums);
        }
    }
    *host = (struct sim_host){ .rng = rng };
    host->own_base = SIM_GIB + for_machines / 64;
    host->own = host->own_base;
    host->total = for_machines + overhead + host->own_base * 5 / 4;
    host->available = host->total - host->own;
    host->hard = min_free(host->total) * 32 / 100;
    host->low = min_free(host->total) * 16 / 100;
}

void sim_host_settle(struct sim_host *host, int64_t resident)
{
    int64_t shortage = sim_max(0, host->own + resident - host->total);
    /* What was swapped comes back when it is used, not at once. */
    host->swapped = sim_max(shortage, host->swapped - HOST_SWAP_RATE);
    host->resident = resident;
    host->available = host->total - host->own - resident + host->swapped;
    int64_t some = sim_min(10000, host->swapped * 40000 / host->total);
    if (host->available < host->total / 100) { /* allocations reclaim, and wait a little */
        some = sim_max(some, 300);
    }
    host->psi_some += (some - host->psi_some) / 10;
    host->psi_full += (some / 4 - host->psi_full) / 10;
}

int64_t sim_host_swapped_of(const struct sim_host *host, const struct sim_guest *guest,
                            int64_t *used)
{
    int64_t busy = guest->kernel + guest->anon + guest->hot;
    int64_t idle = guest->resident - busy;
    int64_t share =
        (int64_t)((__int128)host->swapped * guest->resident / sim_max(1, host->resident));
    *used = (int64_t)((__int128)share * busy / sim_max(1, busy + 2 * idle));
    return share;
}

/* ---- score ---- */

static void watch_peak(struct sim_watch *watch, const struct sim_guest *guest, int64_t need,
                       int64_t usable, int64_t now, struct sim_score *score)
{
    if (need < watch->base) {
        watch->base = need;
    } else if (need - watch->base > guest->max / 16) {
        watch->base = need;
        if (watch->peak_time == 0) {
            watch->peak_time = now;
        }
    } else {
        /* A slow rise is no peak. */
        watch->base = sim_min(need, watch->base + guest->max / 4096);
    }
    if (watch->peak_time != 0 && usable >= need) {
        int64_t wait = sim_min(now - watch->peak_time, SIM_WAIT_MAX);
        score->waits[wait]++;
        score->peaks++;
        watch->peak_time = 0;
    }
}

void sim_watch_step(struct sim_watch *watch, const struct sim_guest *guest, struct sim_host *host,
                    int64_t now, struct sim_score *score)
{
    int64_t lost = 0;
    int64_t swapped = 0;
    int64_t need = sim_guest_need(guest);
    if (host->swapped > 0) {
        swapped = sim_host_swapped_of(host, guest, &lost);
    }
    if (!sim_guest_lies(guest)) {
        host->shortfall += guest->shortfall + lost;
    }
    int64_t promised = guest->class == POLICY_GUARANTEED ? guest->max : guest->min;
    int64_t required = sim_min(need, promised);
    score->violations_s += guest->size - swapped < required - required / 64;
    int64_t usable = guest->size - lost;
    watch_peak(watch, guest, need, usable, now, score);
    int64_t beyond = need - guest->min;
    if (beyond > 0 && !sim_guest_lies(guest)) {
        watch->needed += beyond;
        watch->served += sim_clamp(usable - guest->min, 0, beyond);
    }
}

static void watch_target(struct sim_watch *watch, int64_t target, struct sim_score *score)
{
    int64_t change = target - watch->target;
    if (change > -SIM_MIB && change < SIM_MIB) {
        return;
    }
    int direction = change > 0 ? 1 : -1;
    score->reversals += watch->direction == -direction;
    watch->direction = direction;
    watch->target = target;
}

static void watch_end(const struct sim_watch *watch, int64_t now, struct sim_score *score)
{
    if (watch->peak_time != 0) { /* never served */
        score->waits[sim_min(now - watch->peak_time, SIM_WAIT_MAX)]++;
        score->peaks++;
    }
    if (watch->needed > 0) {
        uint64_t share = (uint64_t)((__int128)watch->served * 1000000 / watch->needed);
        score->share_count++;
        score->share_sum += share;
        score->share_square_sum += share * share;
    }
}

/* ---- one run ---- */

struct run {
    const struct sim_policy *policy;
    struct sim_host host;
    size_t count;
    uint32_t period_s;
    struct sim_guest *guests;
    struct sim_watch *watches;
    struct sim_view *views;
    void *host_state;
    void *machine_states;
};

static void run_policy(struct run *run, int64_t now, struct sim_score *score)
{
    const struct sim_host *host = &run->host;
    struct sim_host_view view = {
        .now = now,
        .total = host->total,
        .own = host->own,
        .available = host->available,
        .psi_some_centi = (uint32_t)host->psi_some,
        .psi_full_centi = (uint32_t)host->psi_full,
        .period = run->period_s,
    };
    for (size_t i = 0; i < run->count; i++) {
        sim_guest_view(&run->guests[i], (uint32_t)i, now, &run->views[i]);
    }
    struct sim_call call = { &view, run->views, run->count, run->host_state, run->machine_states };
    run->policy->decide(&call);
    for (size_t i = 0; i < run->count; i++) {
        struct sim_guest *guest = &run->guests[i];
        if (run->views[i].send || run->views[i].target != guest->target) {
            int64_t floor = run->views[i].min;
            sim_guest_command(guest, sim_max(run->views[i].target, floor));
            watch_target(&run->watches[i], guest->target, score);
        }
    }
}

static void run_second(struct run *run, int64_t now, struct sim_score *score)
{
    struct sim_host *host = &run->host;
    int64_t resident = 0;
    int64_t ideal = host->own;
    host->shortfall = 0;
    if (now % 600 == 0) { /* the host's own programs come and go */
        host->own = host->own_base * sim_rng_range(&host->rng, 80, 125) / 100;
    }
    for (size_t i = 0; i < run->count; i++) {
        struct sim_guest *guest = &run->guests[i];
        sim_guest_step(guest, now);
        resident += guest->resident + guest->overhead;
        ideal += guest->kernel + guest->ideal_anon + guest->ideal_hot + guest->overhead;
        sim_watch_step(&run->watches[i], guest, host, now, score);
    }
    sim_host_settle(host, resident);
    host->shortfall_sum += host->shortfall;
    host->unavoidable_sum += sim_max(0, ideal - host->total);
    host->swapped_sum += host->swapped;
    score->hard_s += host->available < host->hard;
    score->low_s += host->available < host->low;
}

static void run_curve(const struct run *run, int64_t now, struct sim_curve *curve)
{
    uint32_t point = (uint32_t)((now - 1) / curve->step_s);
    if (point >= SIM_CURVE_POINTS) {
        return;
    }
    const struct sim_host *host = &run->host;
    curve->shortfall[point] += host->shortfall;
    if (now % curve->step_s != 0) {
        return;
    }
    int64_t need = host->own;
    int64_t sizes = 0;
    for (size_t i = 0; i < run->count; i++) {
        need += sim_guest_need(&run->guests[i]) + run->guests[i].overhead;
        sizes += run->guests[i].size;
    }
    curve->total = host->total / SIM_MIB;
    curve->need[point] = need / SIM_MIB;
    curve->used[point] = (host->total - host->available) / SIM_MIB;
    curve->sizes[point] = sizes / SIM_MIB;
    curve->shortfall[point] /= SIM_MIB * (int64_t)curve->step_s;
    curve->points = point + 1;
}

static void run_end(struct run *run, int64_t now, struct sim_score *score)
{
    uint64_t moved = 0;
    for (size_t i = 0; i < run->count; i++) {
        score->out_of_memory += run->guests[i].kills;
        moved += run->guests[i].moved;
        watch_end(&run->watches[i], now, score);
    }
    score->moved_mib += moved / (uint64_t)SIM_MIB;
    score->shortfall_mib_s += (uint64_t)(run->host.shortfall_sum / SIM_MIB);
    score->unavoidable_mib_s += (uint64_t)(run->host.unavoidable_sum / SIM_MIB);
    score->host_swap_mib_s += (uint64_t)(run->host.swapped_sum / SIM_MIB);
}

static void run_init(struct run *run, const struct sim_options *options, enum sim_family family,
                     uint32_t index)
{
    uint64_t first = (uint64_t)index * options->machines_per_host;
    for (size_t i = 0; i < run->count; i++) {
        const struct sim_trace_machine *trace = NULL;
        if (family == SIM_TRACE) {
            trace = &options->trace->machines[(first + i) % options->trace->count];
        }
        struct sim_rng rng = sim_rng_at(options->seed, (uint64_t)family + 1, first + i);
        sim_guest_init(&run->guests[i], family, rng, trace);
    }
    struct sim_rng rng = sim_rng_at(options->seed, (uint64_t)family + 1001, index);
    sim_host_init(&run->host, family, rng, run->guests, run->count);
    for (size_t i = 0; i < run->count; i++) {
        struct sim_guest *guest = &run->guests[i];
        if (run->policy->starts_at_minimum && guest->class != POLICY_GUARANTEED) {
            guest->target = guest->min;
        }
        run->watches[i].target = guest->target;
        run->watches[i].base = guest->kernel;
    }
}

static void run_hours(struct run *run, const struct sim_options *options, struct sim_score *score,
                      struct sim_curve *curve)
{
    int64_t end = (int64_t)options->hours * HOUR_S;
    for (int64_t now = 1; now <= end; now++) {
        run_second(run, now, score);
        if (now % run->period_s == 0) {
            run_policy(run, now, score);
        }
        if (curve) {
            run_curve(run, now, curve);
        }
    }
    run_end(run, end, score);
}

bool sim_host_run(const struct sim_options *options, enum sim_family family,
                  const struct sim_policy *policy, uint32_t index, struct sim_score *score,
                  struct sim_curve *curve)
{
    uint32_t before = index * options->machines_per_host;
    assert(before < options->machines);
    struct run run = { .policy = policy };
    run.count = options->machines - before;
    if (run.count > options->machines_per_host) {
        run.count = options->machines_per_host;
    }
    run.period_s = policy->period_s ? policy->period_s : options->period_ms / 1000;
    run.guests = calloc(run.count, sizeof *run.guests);
    run.watches = calloc(run.count, sizeof *run.watches);
    run.views = calloc(run.count, sizeof *run.views);
    run.host_state = calloc(1, policy->host_state_size + 1);
    run.machine_states = calloc(run.count, policy->machine_state_size + 1);
    bool there = run.guests && run.watches && run.views && run.host_state && run.machine_states;
    if (there) {
        run_init(&run, options, family, index);
        if (curve) {
            curve->step_s = options->hours * HOUR_S / SIM_CURVE_POINTS;
        }
        run_hours(&run, options, score, curve);
    }
    free(run.guests);
    free(run.watches);
    free(run.views);
    free(run.host_state);
    free(run.machine_states);
    return there;
}
