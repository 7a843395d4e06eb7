/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the guest's own work is interrupted by, and what its allocator costs. Both are told by the
 * guest from its time-stamp counter, which under `-icount shift=0` advances by one for each
 * instruction, so nothing in the host changes the result.
 *
 * "gap": the longest time a computing task, which never yields, is away while 1 GiB inflates; the
 * sum of interrupt entry, one slice of balloon work and the way back. Trap: that the inflation took
 * place during the loop is checked, not assumed. Time the host spends on discards is not in it.
 *
 * "alloc": a frame, or a block of 2 MiB, allocated and freed, ten thousand times, less the empty
 * loop; and the bytes reserved for the allocator's metadata per GiB of memory. Reserved is not
 * touched: what the host holds of it is in the figure of resident memory.
 */

#include "tests/bench/bench_vm.h"

#include <stdio.h>

#include "tools/aerostat/record.h"

#define ICOUNT "shift=0,sleep=off"

/* ---- gap ---- */

#define GUEST_MIB 2048U
/* Of virtual time; QEMU translates this much in some 10 s. */
#define COMPUTE_APPEND "-- test=compute ms=1500"

static bool compute(struct bench *bench, bool inflate, uint64_t *longest)
{
    struct vm_config config = { .image = bench_file(bench, "test.elf"),
                                .append = COMPUTE_APPEND,
                                .icount = ICOUNT,
                                .memory_mib = GUEST_MIB };
    struct vm *vm;
    const char *line = NULL;
    uint64_t actual = 0;
    bool good;

    vm = bench_start(bench, &config);
    good = vm != NULL && bench_wait(bench, vm, "@compute state=begin", BENCH_WAIT_MS, NULL) &&
           (!inflate || bench_balloon_ask(bench, vm, GUEST_MIB * BENCH_MIB - BENCH_GIB)) &&
           bench_wait(bench, vm, "@compute state=end", BENCH_LONG_WAIT_MS, &line) &&
           bench_number(bench, line, "longest_ns", longest) &&
           bench_number(bench, line, "actual", &actual);
    if (good && inflate && actual != BENCH_GIB / BENCH_FRAME_BYTES) {
        good = bench_fail(bench, "only %llu pages were inflated while the task computed",
                          (unsigned long long)actual);
    }
    vm_end(vm);
    return good;
}

bool part_gap(struct bench *bench)
{
    uint64_t quiet;
    uint64_t busy;
    char how[BENCH_TEXT_MAX];

    bench_progress("longest gap in a computing task, nothing else going on");
    if (!compute(bench, false, &quiet)) {
        return false;
    }
    bench_progress("longest gap in a computing task while 1 GiB inflates");
    if (!compute(bench, true, &busy)) {
        return false;
    }
    snprintf(how, sizeof(how), "-icount " ICOUNT ", default slice; %llu without inflation",
             (unsigned long long)quiet);
    bench_add(bench,
              &(struct bench_figure){ .name = "longest gap in a computing task, instructions",
                                      .value = (double)busy,
                                      .goal = BENCH_AT_MOST,
                                      .limit = 100000,
                                      .how = how });
    return true;
}

/* ---- allocator ---- */

static bool add_cost(struct bench *bench, struct vm *vm, const char *text, const char *name,
                     double limit)
{
    const char *line;
    uint64_t hundredths;

    if (!bench_wait(bench, vm, text, BENCH_WAIT_MS, &line) ||
        !bench_number(bench, line, "tsc_per_pair_x100", &hundredths)) {
        return false;
    }
    bench_add(bench, &(struct bench_figure){ .name = name,
                                             .value = (double)hundredths / 100,
                                             .decimals = 2,
                                             .goal = BENCH_AT_MOST,
                                             .limit = limit,
                                             .how = "-icount " ICOUNT ", 10,000 pairs" });
    return true;
}

static bool add_metadata(struct bench *bench, struct vm *vm, const char *name)
{
    const char *line;
    uint64_t bytes;
    uint64_t frames;

    if (!bench_wait(bench, vm, "@metadata", BENCH_WAIT_MS, &line) ||
        !bench_number(bench, line, "bytes", &bytes) ||
        !bench_number(bench, line, "frames", &frames)) {
        return false;
    }
    bench_add(bench, &(struct bench_figure){
                         .name = name,
                         .value = (double)bytes / 1024 /
                                  ((double)frames * BENCH_FRAME_BYTES / (double)BENCH_GIB),
                         .unit = "KiB",
                         .decimals = 2,
                         .goal = BENCH_AT_MOST,
                         .limit = 36,
                         .how = "the allocator's own count" });
    return true;
}

static struct vm *start_cost(struct bench *bench, uint64_t mib)
{
    struct vm_config config = { .image = bench_file(bench, "test.elf"),
                                .append = "-- test=alloc-cost",
                                .icount = ICOUNT,
                                .memory_mib = mib };

    bench_progress("the cost of an allocation, and metadata, at %llu MiB", (unsigned long long)mib);
    return bench_start(bench, &config);
}

bool part_alloc(struct bench *bench)
{
    struct vm *vm = start_cost(bench, 1024);
    bool good =
        vm != NULL &&
        add_cost(bench, vm, "@cost what=frame", "allocate and free a frame, instructions", 40) &&
        add_cost(bench, vm, "@cost what=block", "allocate and free 2 MiB, instructions", 80) &&
        add_metadata(bench, vm, "allocator metadata per GiB, at 1 GiB");

    vm_end(vm);
    if (!good) {
        return false;
    }
    vm = start_cost(bench, 4096);
    good =
        vm != NULL && add_metadata(bench, vm, "the same at 4 GiB, with the hole in its addresses");
    vm_end(vm);
    return good;
}
