/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start. Two figures.
 *
 * "instructions": what the guest executes from its entry (pvh_start) to the idle loop, which it
 * enters right after writing "@ready": all of the kernel's own start with PCI, balloon and serial
 * port. Counted one by one by the plugin. Firmware comes before the entry and is not in it. Trap:
 * waiting for a device or a clock in a loop counts, halting does not; the count is taken several
 * times because a loop that waits for time makes it vary. Linux is counted from its own entry by
 * PVH to the moment its first process, with the balloon's modules loaded, is about to say so: once,
 * as the count is the same within a thousandth.
 *
 * "boot": from starting QEMU until the host reads "@ready", as a multiple of the same for a guest
 * that does nothing but write that line (tests/guest/nothing.S): in processor time of QEMU, and in
 * wall time. Firmware, device models and the start of QEMU itself are in both. Runs alternate and
 * each pair gives one ratio, because the machine's speed changes from minute to minute.
 */

#include "tests/bench/bench_guest.h"

#include <math.h>
#include <stdio.h>

#define COUNT_RUNS 3U
#define USUAL_MIB  1024U

/* ---- instructions to ready ---- */

static bool count_once(struct bench *bench, enum bench_guest guest, uint64_t mib,
                       double *instructions)
{
    struct vm_config config = guest_config(bench, guest, NULL);
    struct counted counted;
    bool good;

    config.memory_mib = mib;
    config.lazy_memory = true;
    if (!guest_counted_start(bench, guest, &counted, &config)) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@ready", BENCH_LONG_WAIT_MS, NULL);
    for (int i = 0; good && counted.shared->stops == 0 && i < 100; i++) {
        good = bench_sleep(bench, counted.vm, 10); /* the line comes just before the idle loop */
    }
    if (good && counted.shared->stops == 0) {
        good = bench_fail(bench, "the last instruction to count was not reached");
    }
    if (good) {
        *instructions = (double)(counted.shared->stopped - counted.shared->started);
    }
    counted_end(&counted);
    return good;
}

static bool count(struct bench *bench, uint64_t mib, double *median, double *spread)
{
    double values[COUNT_RUNS];

    for (unsigned i = 0; i < COUNT_RUNS; i++) {
        bench_progress("instructions to ready, %llu MiB, run %u of %u", (unsigned long long)mib,
                       i + 1, COUNT_RUNS);
        if (!count_once(bench, GUEST_OURS, mib, &values[i])) {
            return false;
        }
    }
    *median = bench_median(values, COUNT_RUNS);
    *spread = values[COUNT_RUNS - 1] - values[0]; /* sorted by now */
    return true;
}

static bool count_usual(struct bench *bench, enum bench_guest guest, double *instructions)
{
    return count_once(bench, guest, USUAL_MIB, instructions);
}

bool part_start(struct bench *bench)
{
    double by_guest[GUEST_COUNT];
    double usual;
    double small;
    double large;
    double spread;
    double other;
    char how[BENCH_TEXT_MAX];

    if (!count(bench, USUAL_MIB, &usual, &spread) || !count(bench, 128, &small, &other) ||
        !count(bench, 16384, &large, &other)) {
        return false;
    }
    guest_measure_linux(bench, "instructions to ready", count_usual, by_guest);
    snprintf(how, sizeof(how), "plugin, pvh_start to task_idle_loop, 1 GiB, %u runs, spread %.0f",
             COUNT_RUNS, spread);
    bench_add(bench, &(struct bench_figure){ .name = "instructions from entry to ready",
                                             .value = usual,
                                             .by_guest = by_guest,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 1700000,
                                             .how = how });
    snprintf(how, sizeof(how), "the same at 16 GiB (%.0f) over 128 MiB (%.0f)", large, small);
    bench_add(bench, &(struct bench_figure){ .name = "growth of it from 128 MiB to 16 GiB",
                                             .value = (large - small) * 100 / small,
                                             .unit = "%",
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 5,
                                             .how = how });
    return true;
}

/* ---- time to ready ---- */

struct boot_cost {
    double wall;
    double cpu;
};

/* Behind the guests comes the one that does nothing. */
#define FLOOR       GUEST_COUNT
#define BOOT_GUESTS (GUEST_COUNT + 1U)

static bool boot_once(struct bench *bench, unsigned which, struct boot_cost *cost)
{
    struct vm_config config = { .image = bench_file(bench, "nothing.elf") };
    double before;
    struct vm *vm;
    uint64_t us = 0;
    bool good;

    if (which != FLOOR) {
        config = guest_config(bench, (enum bench_guest)which, NULL);
    }
    config.memory_mib = USUAL_MIB;
    before = bench_clock();
    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@ready", BENCH_WAIT_MS, NULL);
    cost->wall = bench_clock() - before;
    good = good && (vm_cpu_time(vm, &us) || bench_fail(bench, "QEMU's processor time is unknown"));
    cost->cpu = (double)us / 1e6;
    vm_end(vm);
    return good;
}

static void add_multiple(struct bench *bench, const char *name, const char *what,
                         const struct guest_series *ratios, double *ours, double *floors)
{
    double by_guest[GUEST_COUNT];
    char how[BENCH_TEXT_MAX];

    guest_medians(ratios, by_guest);
    snprintf(how, sizeof(how),
             "%s, median of %u alternating pairs, %.0f against %.0f ms; Linux: %u", what,
             bench->rounds, bench_median(ours, bench->rounds) * 1000,
             bench_median(floors, bench->rounds) * 1000, ratios->count[GUEST_LINUX_FAIR]);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = by_guest[GUEST_OURS],
                                             .by_guest = by_guest,
                                             .unit = "x",
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 1.2,
                                             .how = how });
}

/* One start of each. The two that are compared most closely follow each other, and take turns in
 * being first. */
static bool boot_round(struct bench *bench, unsigned round, struct boot_cost *cost)
{
    static const unsigned orders[2][BOOT_GUESTS] = {
        { GUEST_OURS, FLOOR, GUEST_LINUX_FAIR, GUEST_LINUX_SHIPPED },
        { FLOOR, GUEST_OURS, GUEST_LINUX_SHIPPED, GUEST_LINUX_FAIR },
    };

    for (unsigned i = 0; i < BOOT_GUESTS; i++) {
        unsigned which = orders[round % 2][i];

        cost[which] = (struct boot_cost){ NAN, NAN };
        if (which != FLOOR && !guest_takes_part(bench, (enum bench_guest)which, round)) {
            continue;
        }
        if (!boot_once(bench, which, &cost[which])) {
            if (which == GUEST_OURS || which == FLOOR) {
                return false;
            }
            guest_note(bench, (enum bench_guest)which, "start");
            cost[which] = (struct boot_cost){ NAN, NAN };
        }
    }
    return true;
}

bool part_boot(struct bench *bench)
{
    static struct guest_series wall;
    static struct guest_series cpu;
    double ours[2][BENCH_ROUNDS_MAX]; /* wall, processor */
    double floors[2][BENCH_ROUNDS_MAX];

    for (unsigned i = 0; i < bench->rounds; i++) {
        struct boot_cost cost[BOOT_GUESTS];

        bench_progress("start against a guest that does nothing, round %u of %u", i + 1,
                       bench->rounds);
        if (!boot_round(bench, i, cost)) {
            return false;
        }
        for (enum bench_guest guest = GUEST_OURS; guest < GUEST_COUNT; guest++) {
            if (!isnan(cost[guest].wall)) {
                guest_series_add(&wall, guest, cost[guest].wall / cost[FLOOR].wall);
                guest_series_add(&cpu, guest, cost[guest].cpu / cost[FLOOR].cpu);
            }
        }
        ours[0][i] = cost[GUEST_OURS].wall;
        floors[0][i] = cost[FLOOR].wall;
        ours[1][i] = cost[GUEST_OURS].cpu;
        floors[1][i] = cost[FLOOR].cpu;
    }
    add_multiple(bench, "QEMU start to ready, times a guest that does nothing", "processor time",
                 &cpu, ours[1], floors[1]);
    add_multiple(bench, "the same in wall time", "wall time", &wall, ours[0], floors[0]);
    return true;
}
