/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The start. Two figures.
 *
 * "instructions": what the guest executes from its entry (pvh_start) to the idle loop, which it
 * enters right after writing "@ready": all of the kernel's own start with PCI, balloon and serial
 * port. Counted one by one by the plugin. Firmware comes before the entry and is not in it. Trap:
 * waiting for a device or a clock in a loop counts, halting does not; the count is taken several
 * times because a loop that waits for time makes it vary.
 *
 * "boot": from starting QEMU until the host reads "@ready", as a multiple of the same for a guest
 * that does nothing but write that line (tests/guest/nothing.S): in processor time of QEMU, and in
 * wall time. Firmware, device models and the start of QEMU itself are in both. Runs alternate and
 * each pair gives one ratio, because the machine's speed changes from minute to minute.
 */

#include "tests/bench/bench_vm.h"

#include <stdio.h>

#define COUNT_RUNS 3U

/* ---- instructions to ready ---- */

static bool count_once(struct bench *bench, uint64_t mib, double *instructions)
{
    struct vm_config config = { .image = bench_file(bench, "aerostat.elf"),
                                .memory_mib = mib,
                                .lazy_memory = true };
    struct counted counted;
    bool good;

    if (!counted_start(bench, &counted, &config, "pvh_start", "task_idle_loop")) {
        return false;
    }
    good = bench_wait(bench, counted.vm, "@ready", BENCH_WAIT_MS, NULL);
    for (int i = 0; good && counted.shared->stops == 0 && i < 100; i++) {
        good = bench_sleep(bench, counted.vm, 10); /* the line comes just before the idle loop */
    }
    if (good && counted.shared->stops == 0) {
        good = bench_fail(bench, "the idle loop was not reached after @ready");
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
        if (!count_once(bench, mib, &values[i])) {
            return false;
        }
    }
    *median = bench_median(values, COUNT_RUNS);
    *spread = values[COUNT_RUNS - 1] - values[0]; /* sorted by now */
    return true;
}

bool part_start(struct bench *bench)
{
    double usual;
    double small;
    double large;
    double spread;
    double other;
    char how[BENCH_TEXT_MAX];

    if (!count(bench, 1024, &usual, &spread) || !count(bench, 128, &small, &other) ||
        !count(bench, 16384, &large, &other)) {
        return false;
    }
    snprintf(how, sizeof(how), "plugin, pvh_start to task_idle_loop, 1 GiB, %u runs, spread %.0f",
             COUNT_RUNS, spread);
    bench_add(bench, &(struct bench_figure){ .name = "instructions from entry to ready",
                                             .value = usual,
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

static bool boot_once(struct bench *bench, const char *image, struct boot_cost *cost)
{
    struct vm_config config = { .image = bench_file(bench, image), .memory_mib = 1024 };
    double before = bench_clock();
    struct vm *vm = bench_start(bench, &config);
    uint64_t us = 0;
    bool good = vm != NULL && bench_wait(bench, vm, "@ready", BENCH_WAIT_MS, NULL);

    cost->wall = bench_clock() - before;
    good = good && (vm_cpu_time(vm, &us) || bench_fail(bench, "QEMU's processor time is unknown"));
    cost->cpu = (double)us / 1e6;
    vm_end(vm);
    return good;
}

static void add_multiple(struct bench *bench, const char *name, const char *what, double *ratios,
                         double *ours, double *floors)
{
    char how[BENCH_TEXT_MAX];

    snprintf(how, sizeof(how), "%s, median of %u alternating pairs, %.0f against %.0f ms", what,
             bench->rounds, bench_median(ours, bench->rounds) * 1000,
             bench_median(floors, bench->rounds) * 1000);
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = bench_median(ratios, bench->rounds),
                                             .unit = "x",
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = 1.2,
                                             .how = how });
}

bool part_boot(struct bench *bench)
{
    double wall[3][BENCH_ROUNDS_MAX]; /* ours, the floor's, the ratio */
    double cpu[3][BENCH_ROUNDS_MAX];

    for (unsigned i = 0; i < bench->rounds; i++) {
        struct boot_cost cost[2];
        unsigned first = i % 2; /* each guest is the first one in half of the pairs */

        bench_progress("start against a guest that does nothing, pair %u of %u", i + 1,
                       bench->rounds);
        for (unsigned j = 0; j < 2; j++) {
            unsigned which = (first + j) % 2;

            if (!boot_once(bench, which == 0 ? "aerostat.elf" : "nothing.elf", &cost[which])) {
                return false;
            }
        }
        wall[0][i] = cost[0].wall;
        wall[1][i] = cost[1].wall;
        wall[2][i] = cost[0].wall / cost[1].wall;
        cpu[0][i] = cost[0].cpu;
        cpu[1][i] = cost[1].cpu;
        cpu[2][i] = cost[0].cpu / cost[1].cpu;
    }
    add_multiple(bench, "QEMU start to ready, times a guest that does nothing", "processor time",
                 cpu[2], cpu[0], cpu[1]);
    add_multiple(bench, "the same in wall time", "wall time", wall[2], wall[0], wall[1]);
    return true;
}
